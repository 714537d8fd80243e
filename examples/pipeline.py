# SPDX-License-Identifier: MIT
"""A pipeline of async generators over a socket, left by `break` in the middle: who puts away what, and when?"""
import asyncio
import contextlib


async def readings(host, port):
    """Lines of a connection; closes it."""
    reader, writer = await asyncio.open_connection(host, port)
    try:
        while line := await reader.readline():
            yield line.decode().strip()
    finally:
        print("    readings: closing the connection")
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()
        print("    readings: closed")


async def numbers(lines):
    """Numbers in the lines; tells how many there were."""
    count = 0
    try:
        async for line in lines:
            count += 1
            yield int(line)
    finally:
        print("    numbers: wrote a summary of", count, "numbers")
        await asyncio.sleep(0)


async def averages(values, lock):
    """Running averages; holds a lock while it is at work."""
    async with lock:
        total = 0
        async for number, value in enumerated(values):
            total += value
            yield total / number
    print("    averages: never comes here after a break")


async def enumerated(values):
    number = 0
    async for value in values:
        number += 1
        yield number, value


async def serve(reader, writer):
    """Counts until the client is gone."""
    number = 0
    with contextlib.suppress(ConnectionError):
        while not reader.at_eof():
            number += 10
            writer.write(b"%d\n" % number)
            await writer.drain()
            await asyncio.sleep(0.001)
    writer.close()


async def consume(port, lock):
    async for average in averages(numbers(readings("127.0.0.1", port)), lock):
        print("  average", average)
        if average >= 20:
            break
    print("  after the loop: the lock is", "held" if lock.locked() else "free")
    return "consumed"


async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    lock = asyncio.Lock()
    print("consumer starts")
    print("consumer is done:", await consume(port, lock))
    await asyncio.sleep(0.1)
    print("some time later")
    server.close()


asyncio.run(main())
