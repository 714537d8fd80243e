# SPDX-License-Identifier: MIT
# A program with servers, connections, children and pipes is cancelled at each of its waits in turn: nothing may be left behind.
import asyncio
import gc
import logging
import os
import socket

from figures import figure


async def talk():
    async def answer(reader, writer):
        try:
            async for line in reader:
                writer.write(line)
                await writer.drain()
        finally:
            writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        try:
            for number in range(3):
                writer.write(b"%d\n" % number)
                await writer.drain()
                assert await reader.readline() == b"%d\n" % number
            writer.write_eof()
            assert await reader.read() == b""
        finally:
            writer.close()
        await writer.wait_closed()


async def bare_sockets():
    loop = asyncio.get_running_loop()
    with socket.socketpair()[0] as lonely:
        lonely.setblocking(False)
        assert await loop.sock_recv(lonely, 10) == b""
    left, right = socket.socketpair()
    with left, right:
        left.setblocking(False)
        right.setblocking(False)
        size = 1 << 20
        sending = asyncio.create_task(loop.sock_sendall(left, bytes(size)))
        try:
            while size:
                size -= len(await loop.sock_recv(right, 1 << 18))
            await sending
        finally:
            sending.cancel()
            await asyncio.wait([sending])


async def datagrams():
    loop = asyncio.get_running_loop()

    class Ends(asyncio.DatagramProtocol):
        def __init__(self):
            self.came = loop.create_future()

        def datagram_received(self, data, address):
            if not self.came.done():
                self.came.set_result(data)

    there, protocol = await loop.create_datagram_endpoint(Ends, ("127.0.0.1", 0))
    try:
        here, _ = await loop.create_datagram_endpoint(Ends, remote_addr=there.get_extra_info("sockname"))
        try:
            here.sendto(b"datagram")
            assert await protocol.came == b"datagram"
        finally:
            here.close()
    finally:
        there.close()


async def pipes():
    loop = asyncio.get_running_loop()
    read, write = os.pipe()
    source, target = open(read, "rb", 0), open(write, "wb", 0)
    with source, target:
        reader = asyncio.StreamReader()
        incoming, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), source)
        try:
            outgoing, _ = await loop.connect_write_pipe(asyncio.BaseProtocol, target)
            try:
                outgoing.write(b"through a pipe\n")
                assert await reader.readline() == b"through a pipe\n"
            finally:
                outgoing.close()
            assert await reader.read() == b""
        finally:
            incoming.close()


async def children():
    child = await asyncio.create_subprocess_exec("/bin/cat", stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE)
    try:
        child.stdin.write(b"to a child\n")
        await child.stdin.drain()
        assert await child.stdout.readline() == b"to a child\n"
        child.stdin.close()
        assert await child.wait() == 0
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()


class Step:
    """Drives a coroutine; when it gives way for the k-th time it is cancelled."""

    def __init__(self, coro, k):
        self.coro, self.k, self.count = coro, k, 0

    def __await__(self):
        iterator = self.coro.__await__()
        error = None
        while True:
            try:
                given = iterator.throw(error) if error else iterator.send(None)
            except StopIteration as stop:
                return stop.value
            error = None
            self.count += 1
            if self.count == self.k:
                asyncio.current_task().cancel()
            try:
                yield given
            except BaseException as caught:
                error = caught


def descriptors():
    return len(os.listdir("/proc/self/fd"))


async def main(program, k):
    step = Step(program(), k)

    async def run():
        return await step

    task = asyncio.create_task(run())
    await asyncio.wait([task])
    over = not task.cancelled()
    if over:
        task.result()
    del task
    for _ in range(3):
        await asyncio.sleep(0.001)
    gc.collect()
    await asyncio.sleep(0)
    for _ in range(200):                         # what serves the other end sees the end in a while
        if len(asyncio.all_tasks()) == 1:
            break
        await asyncio.sleep(0.002)
    assert len(asyncio.all_tasks()) == 1, (program, k, asyncio.all_tasks())
    return over


def sweep(program):
    asyncio.run(main(program, 0))
    gc.collect()
    files, k, over = descriptors(), 0, False
    while not over:
        k += 1
        over = asyncio.run(main(program, k))
        gc.collect()
        assert descriptors() == files, (program, k, descriptors(), files)
        try:
            left = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            left = None
        assert left is None, (program, k, left)
    figure(program.__name__, "cancelled at", k - 1, "points")
    print(program.__name__, k > 2)


logging.disable(logging.CRITICAL)
for program in talk, bare_sockets, datagrams, pipes, children:
    sweep(program)
