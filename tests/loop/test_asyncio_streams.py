# SPDX-License-Identifier: MIT
# Streams, protocols, pipes and processes: what is read, when a writer waits, what errors say.
import asyncio
import os
import socket
import sys
import tempfile


async def reader():
    def fed(data, limit=8, eof=True):
        stream = asyncio.StreamReader(limit=limit)
        stream.feed_data(data)
        if eof:
            stream.feed_eof()
        return stream

    stream = fed(b"one\ntwo\nthree")
    print(stream, [line async for line in stream], stream.at_eof())
    stream = fed(b"a line that is too long\nnext\n")
    for _ in range(2):
        try:
            print(await stream.readline())
        except ValueError as error:
            print(type(error).__name__, error)
    for separator in b"", b"x", b"\n":
        try:
            print(await fed(b"0123456789abc").readuntil(separator))
        except (ValueError, asyncio.LimitOverrunError, asyncio.IncompleteReadError) as error:
            print(type(error).__name__, error, getattr(error, "consumed", None))
    stream = fed(b"abcdef")
    print(await stream.read(2), await stream.readexactly(3), await stream.read(), await stream.read())
    try:
        await fed(b"abc").readexactly(5)
    except asyncio.IncompleteReadError as error:
        print(error, error.partial, error.expected)
    stream = asyncio.StreamReader()
    waiting = asyncio.create_task(stream.read(5))
    await asyncio.sleep(0)
    try:
        await stream.readline()
    except RuntimeError as error:
        print(error)
    stream.set_exception(ConnectionResetError("gone"))
    print(repr((await asyncio.gather(waiting, return_exceptions=True))[0]), repr(stream.exception()))


async def echo():
    closed = asyncio.Event()

    async def serve(reader, writer):
        while line := await reader.readline():
            writer.write(line.upper())
            await writer.drain()
        writer.close()
        await writer.wait_closed()
        closed.set()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    print(host, server.is_serving(), type(server.sockets[0]).__name__)
    reader, writer = await asyncio.open_connection(host, port)
    print(writer.get_extra_info("peername") == (host, port), writer.can_write_eof(), writer.is_closing())
    writer.writelines([b"one\n", b"two\n"])
    await writer.drain()
    print(await reader.readline(), await reader.readline())
    writer.write(b"last\n")
    writer.write_eof()
    print(await reader.read())
    await closed.wait()
    writer.close()
    await writer.wait_closed()
    async with server:
        pass
    print(server.is_serving(), server.sockets)
    try:
        await asyncio.open_connection(host, port)
    except ConnectionRefusedError as error:
        print(type(error).__name__, error.errno)


async def unix():
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "socket")

        async def serve(reader, writer):
            writer.write(await reader.read(3))
            writer.close()

        server = await asyncio.start_unix_server(serve, path)
        reader, writer = await asyncio.open_unix_connection(path)
        writer.write(b"abc")
        print(await reader.read())
        writer.close()
        server.close()


async def flow():
    events = []

    class Sender(asyncio.Protocol):
        def connection_made(self, transport):
            self.transport = transport
            transport.set_write_buffer_limits(high=1000, low=100)

        def pause_writing(self):
            events.append("pause")

        def resume_writing(self):
            events.append("resume")
            self.transport.close()

        def connection_lost(self, exc):
            events.append(("lost", exc))
            done.set_result(None)

    loop = asyncio.get_running_loop()
    done = loop.create_future()
    ours, theirs = socket.socketpair()
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    transport, protocol = await loop.create_connection(Sender, sock=ours)
    transport.write(bytes(1_000_000))
    print(events, transport.get_write_buffer_size() > 1000, transport.get_write_buffer_limits())
    theirs.setblocking(False)
    size = 0
    while data := await loop.sock_recv(theirs, 65536):
        size += len(data)
    await done
    theirs.close()
    print(size, events)
    try:
        transport.set_write_buffer_limits(high=1, low=2)
    except ValueError as error:
        print(error)


async def processes():
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-I", "-S", "-c", "import sys; print(sys.stdin.read().upper(), end=''); sys.exit(3)",
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE)
    print(await process.communicate(b"text"), process.returncode)
    process = await asyncio.create_subprocess_shell("echo out; echo err >&2", stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT)
    print(await process.stdout.read(), await process.wait())
    process = await asyncio.create_subprocess_exec("sleep", "60")
    process.terminate()
    print(await process.wait())
    for wrong in {"shell": True}, {"text": True}, {"bufsize": 1}, {"universal_newlines": True}, {"encoding": "ascii"}:
        try:
            await asyncio.create_subprocess_exec("true", **wrong)
        except ValueError as error:
            print(error)


async def wrong_arguments():
    loop = asyncio.get_running_loop()
    datagram = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    stream = socket.socket()
    attempts = [
        loop.create_connection(asyncio.Protocol), loop.create_connection(asyncio.Protocol, "x", 1, server_hostname="y"),
        loop.create_connection(asyncio.Protocol, "x", 1, sock=stream), loop.create_connection(asyncio.Protocol, sock=datagram),
        loop.create_connection(asyncio.Protocol, "x", 1, ssl_handshake_timeout=1), loop.create_connection(asyncio.Protocol, ssl=True),
        loop.create_server(asyncio.Protocol), loop.create_server(asyncio.Protocol, "x", 1, ssl=True),
        loop.create_server(asyncio.Protocol, "x", 1, sock=stream), loop.create_server(asyncio.Protocol, sock=datagram),
        loop.create_datagram_endpoint(asyncio.DatagramProtocol), loop.create_datagram_endpoint(asyncio.DatagramProtocol, "x"),
        loop.create_unix_connection(asyncio.Protocol), loop.create_unix_server(asyncio.Protocol),
        loop.connect_accepted_socket(asyncio.Protocol, datagram)]
    for attempt in attempts:
        try:
            await attempt
        except (TypeError, ValueError, OSError) as error:
            print(type(error).__name__, str(error).split("<")[0])
    datagram.close()
    stream.close()


for part in reader, echo, unix, flow, processes, wrong_arguments:
    print("--", part.__name__)
    asyncio.run(part())
