# SPDX-License-Identifier: MIT
# Protocols over TCP and UNIX sockets: the order of calls, half-closed connections, flow control, errors in callbacks, buffers of the protocol's own.
import asyncio
import os
import socket
import tempfile


class Log(asyncio.Protocol):
    def __init__(self, name, keep_open=False):
        self.name, self.keep_open = name, keep_open
        self.done = asyncio.get_running_loop().create_future()
        self.got = bytearray()

    def connection_made(self, transport):
        self.transport = transport
        print(self.name, "made", transport.is_reading(), transport.can_write_eof())

    def data_received(self, data):
        self.got += data

    def eof_received(self):
        print(self.name, "eof after", len(self.got))
        return self.keep_open

    def pause_writing(self):
        print(self.name, "pause")

    def resume_writing(self):
        print(self.name, "resume")

    def connection_lost(self, exc):
        print(self.name, "lost", type(exc).__name__, self.transport.is_closing())
        self.done.set_result(None)


async def pair(left, right):
    loop = asyncio.get_running_loop()
    a, b = socket.socketpair()
    a.setblocking(False)
    b.setblocking(False)
    await loop.create_connection(lambda: left, sock=a)
    await loop.create_connection(lambda: right, sock=b)
    return left, right


async def half_closed():
    left, right = await pair(Log("left"), Log("right", keep_open=True))
    left.transport.write(b"question")
    left.transport.write_eof()
    left.transport.write_eof()
    try:
        left.transport.write(b"more")
    except RuntimeError as error:
        print(error)
    await asyncio.sleep(0.01)
    right.transport.write(b"answer")
    right.transport.close()
    right.transport.close()
    await asyncio.gather(left.done, right.done)
    print(bytes(right.got), bytes(left.got))


async def flow():
    left, right = await pair(Log("left"), Log("right"))
    print(left.transport.get_write_buffer_limits(), left.transport.get_write_buffer_size())
    left.transport.set_write_buffer_limits(high=1000)
    print(left.transport.get_write_buffer_limits())
    for bad in {"high": 1, "low": 2}, {"high": -1}, {"low": -1}:
        try:
            left.transport.set_write_buffer_limits(**bad)
        except ValueError as error:
            print(error)
    right.transport.pause_reading()
    right.transport.pause_reading()
    print(right.transport.is_reading())
    for _ in range(40):
        left.transport.write(b"x" * 50000)
    left.transport.writelines([b"y" * 10, bytearray(b"z" * 10), memoryview(b"w" * 10)])
    await asyncio.sleep(0.01)
    print(left.transport.get_write_buffer_size() > 1000, len(right.got) == 0)
    right.transport.resume_reading()
    while len(right.got) < 2000030:
        await asyncio.sleep(0.001)
    print(right.got[-30:], left.transport.get_write_buffer_size())
    left.transport.close()
    await asyncio.gather(left.done, right.done)


async def aborted():
    left, right = await pair(Log("left"), Log("right"))
    right.transport.pause_reading()
    left.transport.write(b"x" * 5000000)
    left.transport.abort()
    await left.done
    right.transport.resume_reading()
    await right.done
    for _ in range(3):
        left.transport.write(b"gone")
    for bad in "text", 5, None:
        try:
            left.transport.write(bad)
        except TypeError as error:
            print(error)
    print(left.transport.get_protocol(), left.transport.get_extra_info("nothing", "default"))


async def buffers():
    class Buffered(asyncio.BufferedProtocol):
        def __init__(self):
            self.room, self.got = bytearray(10), b""
            self.done = asyncio.get_running_loop().create_future()

        def connection_made(self, transport):
            self.transport = transport

        def get_buffer(self, hint):
            return self.room

        def buffer_updated(self, count):
            self.got += bytes(self.room[:count])

        def eof_received(self):
            print("buffered eof", self.got)

        def connection_lost(self, exc):
            self.done.set_result(exc)

    left, right = await pair(Log("left"), Buffered())
    left.transport.write(b"a message that is longer than the buffer")
    await asyncio.sleep(0.01)
    switched = Log("switched")
    switched.transport = right.transport
    right.transport.set_protocol(switched)
    left.transport.write(b"to the other")
    left.transport.close()
    await switched.done
    print(switched.got, right.got)


async def raising():
    reports = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda loop, context: reports.append((context["message"], repr(context.get("exception")))))

    class Raising(Log):
        def data_received(self, data):
            raise LookupError(bytes(data))

        def pause_writing(self):
            raise ValueError("pause")

    left, right = await pair(Log("left"), Raising("right"))
    right.transport.write(b"x" * 5000000)
    left.transport.write(b"boom")
    await asyncio.gather(left.done, right.done)

    class Empty(asyncio.BufferedProtocol):
        def get_buffer(self, hint):
            return bytearray()

        def connection_lost(self, exc):
            print("empty lost", exc)
            done.set()

    done = asyncio.Event()
    a, b = socket.socketpair()
    a.setblocking(False)
    await loop.create_connection(Empty, sock=a)
    b.send(b"x")
    await done.wait()
    b.close()
    for report in reports:
        print(*report)
    loop.set_exception_handler(None)


async def unix():
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "socket")
        server_side = []

        def factory():
            server_side.append(Log("server"))
            accepted.set()
            return server_side[-1]

        loop, accepted = asyncio.get_running_loop(), asyncio.Event()
        server = await loop.create_unix_server(factory, path)
        transport, protocol = await loop.create_unix_connection(lambda: Log("client"), path)
        print(transport.get_extra_info("peername") == path, transport.get_extra_info("socket").family.name)
        transport.write(b"hello")
        transport.close()
        await protocol.done
        await accepted.wait()
        await server_side[0].done
        print(server_side[0].got)
        server.close()
        await server.wait_closed()
        try:
            await loop.create_unix_connection(lambda: Log("client"), path + "x")
        except FileNotFoundError as error:
            print(error.errno)


async def main():
    for part in half_closed, flow, aborted, buffers, raising, unix:
        print("--", part.__name__)
        await part()


asyncio.run(main())
