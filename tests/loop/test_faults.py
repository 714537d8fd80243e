# SPDX-License-Identifier: MIT
# Faults: peers that vanish or never read, full pipes, no descriptors left, storms of signals, children that die, callbacks that raise.
import asyncio
import gc
import logging
import os
import resource
import signal
import socket
import struct
import sys


def descriptors():
    gc.collect()
    return len(os.listdir("/proc/self/fd"))


async def settle():
    for _ in range(5):
        await asyncio.sleep(0.002)


async def vanishing_client():
    """Resets the connection in the middle of a message."""
    seen = []
    over = asyncio.Event()

    async def serve(reader, writer):
        try:
            seen.append(await reader.readexactly(100))
        except asyncio.IncompleteReadError as error:
            seen.append(("incomplete", error.partial))
        except ConnectionResetError as error:
            seen.append(("reset", error.errno))
        writer.close()
        over.set()

    for reset in False, True:
        over.clear()
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        client = socket.create_connection(server.sockets[0].getsockname())
        client.sendall(b"half of it")
        await settle()
        if reset:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.close()
        await over.wait()
        server.close()
        await server.wait_closed()
    print(seen)


async def never_reading_peer():
    """Flow control holds: what is written but not taken stays below the high-water mark and one write."""
    most = 0
    server_transport = asyncio.get_running_loop().create_future()

    class Silent(asyncio.Protocol):
        def connection_made(self, transport):
            transport.pause_reading()
            server_transport.set_result(transport)

    loop = asyncio.get_running_loop()
    server = await loop.create_server(Silent, "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    sent = 0
    try:
        async with asyncio.timeout(0.3):
            while True:
                writer.write(b"x" * 65536)
                sent += 65536
                most = max(most, writer.transport.get_write_buffer_size())
                await writer.drain()
    except TimeoutError:
        pass
    print(most <= 65536 * 2, sent > 0)
    writer.transport.abort()
    (await server_transport).abort()
    server.close()
    await server.wait_closed()
    await settle()


async def full_pipe():
    loop = asyncio.get_running_loop()
    read, write = os.pipe()
    os.set_blocking(read, False)
    calls = []

    class Writer(asyncio.BaseProtocol):
        def pause_writing(self):
            calls.append("pause")

        def resume_writing(self):
            calls.append("resume")

        def connection_lost(self, exc):
            calls.append(type(exc).__name__)

    transport, _ = await loop.connect_write_pipe(Writer, open(write, "wb", 0))
    for _ in range(10):
        transport.write(b"x" * 65536)
    print(calls, transport.get_write_buffer_size() > 65536)
    got = 0
    while got < 655360:
        try:
            got += len(os.read(read, 1 << 16))
        except BlockingIOError:
            await asyncio.sleep(0)
    await settle()
    print(calls, transport.get_write_buffer_size())
    os.close(read)
    await settle()
    print(calls, transport.is_closing())


async def no_descriptors_left():
    """accept() that fails for want of descriptors is reported, and tried again after a second."""
    loop = asyncio.get_running_loop()
    reports = []
    loop.set_exception_handler(lambda loop, context: reports.append((context["message"], context["exception"].errno, sorted(context))))
    answered = asyncio.Event()

    async def serve(reader, writer):
        answered.set()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    client = socket.socket()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    taken = []
    resource.setrlimit(resource.RLIMIT_NOFILE, (100, hard))
    try:
        while True:
            taken.append(os.dup(0))
    except OSError:
        pass
    client.connect(server.sockets[0].getsockname())
    start = loop.time()
    while not reports:
        await asyncio.sleep(0.001)
    for fd in taken:
        os.close(fd)
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    await answered.wait()
    print(reports[0], 0.9 < loop.time() - start < 3)
    loop.set_exception_handler(None)
    client.close()
    server.close()
    await server.wait_closed()
    await settle()


async def signal_storm():
    loop = asyncio.get_running_loop()
    count = 0

    def on_signal(name):
        nonlocal count
        count += 1

    loop.add_signal_handler(signal.SIGUSR1, on_signal, "usr1")
    for _ in range(2000):
        os.kill(os.getpid(), signal.SIGUSR1)
        if _ % 50 == 0:
            await asyncio.sleep(0)
    await settle()
    print(1 <= count <= 2000, loop.remove_signal_handler(signal.SIGUSR1), loop.remove_signal_handler(signal.SIGUSR1))
    for bad in (10000, ValueError), ("x", TypeError), (signal.SIGKILL, RuntimeError):
        try:
            loop.add_signal_handler(bad[0], print)
        except bad[1] as error:
            print(error)

    async def coroutine():
        pass

    try:
        loop.add_signal_handler(signal.SIGUSR1, coroutine)
    except TypeError as error:
        print(error)


async def dying_child():
    child = await asyncio.create_subprocess_exec(sys.executable, "-c", "import sys; sys.stdin.read()", stdin=asyncio.subprocess.PIPE)
    child.kill()
    print(await child.wait(), child.returncode)
    child = await asyncio.create_subprocess_shell("echo out; echo err >&2; exit 7", stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE)
    print(await child.communicate(), child.returncode)
    child = await asyncio.create_subprocess_exec("cat", stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE)
    out, _ = await child.communicate(b"x" * 300000)
    print(len(out), child.returncode)
    try:
        await asyncio.create_subprocess_exec("/nonexistent/program")
    except FileNotFoundError as error:
        print(error.errno)
    many = await asyncio.gather(*(asyncio.create_subprocess_exec("true") for _ in range(10)))
    print([await child.wait() for child in many])
    await settle()


async def raising_callbacks():
    loop = asyncio.get_running_loop()
    reports = []
    loop.set_exception_handler(lambda loop, context: reports.append((context["message"].split(" at ")[0], repr(context["exception"]))))

    def callback():
        raise LookupError("in a callback")

    loop.call_soon(callback)
    loop.call_later(0.001, callback)
    read, write = os.pipe()

    def on_readable():
        loop.remove_reader(read)
        raise OSError("in a reader")

    loop.add_reader(read, on_readable)
    os.write(write, b"x")
    await settle()
    print(sorted(reason for _, reason in reports))
    os.close(read)
    os.close(write)
    loop.set_exception_handler(None)


async def closed_descriptors():
    """Descriptors that are closed while they are watched, and numbers that are used again."""
    loop = asyncio.get_running_loop()
    for _ in range(20):
        read, write = os.pipe()
        loop.add_reader(read, print, "never")
        os.close(read)
        await asyncio.sleep(0)
        os.close(write)
        loop.remove_reader(read)
    read, write = os.pipe()
    for bad in -1, 10000, "x", None:
        try:
            loop.add_reader(bad, print)
        except (ValueError, OSError) as error:
            print(type(error).__name__, error)
    with open(__file__) as file:
        try:
            loop.add_reader(file, print)
        except PermissionError as error:
            print(error.errno)
    print(loop.remove_reader(read), loop.remove_writer(write))
    os.close(read)
    os.close(write)


async def main():
    await dying_child()             # imports what it needs, and makes what stays
    for part in (vanishing_client, never_reading_peer, full_pipe, no_descriptors_left, signal_storm, dying_child, raising_callbacks,
                 closed_descriptors):
        print("--", part.__name__)
        before = descriptors()
        await part()
        await settle()
        print("left:", descriptors() - before, "descriptors,", len(asyncio.all_tasks()) - 1, "tasks")


logging.disable(logging.CRITICAL)
asyncio.run(main())
