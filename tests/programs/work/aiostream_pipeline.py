# SPDX-License-Identifier: MIT
"""Numbers come in over a loopback socket, pass through aiostream's operators, and the sums are printed."""
import asyncio
from aiostream import pipe, stream


async def serve_numbers(reader, writer):
    count = int(await reader.readline())
    for number in range(count):
        writer.write(b"%d\n" % number)
        await writer.drain()
    writer.close()
    await writer.wait_closed()


async def numbers(port, count):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(b"%d\n" % count)
        async for line in reader:
            yield int(line)
    finally:
        print("connection closed")
        writer.close()
        await writer.wait_closed()


async def squared(number):
    await asyncio.sleep(0)
    return number * number


async def main():
    server = await asyncio.start_server(serve_numbers, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        sums = (stream.iterate(numbers(port, 1000)) | pipe.filter(lambda number: number % 3 == 0)
                | pipe.map(squared, task_limit=8) | pipe.chunks(50) | pipe.map(sum))
        async with sums.stream() as results:
            async for result in results:
                print(result)
        print(await stream.list(stream.iterate(numbers(port, 100)) | pipe.take(5)))
        print(await stream.list(stream.zip(stream.range(9), stream.iterate(numbers(port, 3)))))
        print(sorted(await stream.list(stream.merge(stream.range(5), stream.iterate(numbers(port, 5))))))
        print(await (stream.range(10) | pipe.accumulate() | pipe.skip(4) | pipe.list()))
        try:
            await (stream.iterate(numbers(port, 9)) | pipe.map(lambda number: 12 // (number - 3)))
        except ZeroDivisionError as error:
            print(type(error).__name__, error)


asyncio.run(main())
