# SPDX-License-Identifier: MIT
# Half-closed connections, peers that vanish while much is on its way, slow readers: what was acknowledged as sent arrives, nothing is left.
import asyncio
import hashlib
import logging
import random
import socket
import struct
import threading

from figures import blocks, descriptors, figure, private_kib

MEBI = 1 << 20


async def settle():
    for _ in range(10):
        await asyncio.sleep(0.002)


async def serve(handler, **options):
    return await asyncio.start_server(handler, "127.0.0.1", 0, **options)


async def end(server):
    server.close()
    await server.wait_closed()
    await settle()


async def client_ends_first():
    """A client that has said everything still gets a long answer."""
    async def answer(reader, writer):
        question = await reader.read()
        writer.write(hashlib.sha256(question).digest())
        for _ in range(16):
            writer.write(question[:65536])
            await writer.drain()
        writer.close()
        await writer.wait_closed()

    async def ask(number):
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        question = bytes([number]) * 100000
        writer.write(question)
        writer.write_eof()
        assert writer.can_write_eof()
        digest, rest = await reader.readexactly(32), await reader.read()
        writer.close()
        await writer.wait_closed()
        return digest == hashlib.sha256(question).digest() and rest == question[:65536] * 16

    server = await serve(answer)
    print(sum(await asyncio.gather(*map(ask, range(50)))))
    await end(server)


async def server_ends_first():
    """The server has ended its side; the client goes on for a while, and every byte is heard."""
    heard = []

    async def listen(reader, writer):
        writer.write(b"go on\n")
        writer.write_eof()
        try:
            writer.write(b"more")
        except RuntimeError as error:
            heard.append(str(error))
        heard.append(len(await reader.read()))
        writer.close()

    server = await serve(listen)
    for _ in range(3):
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        first, after = await reader.readline(), await reader.read()
        for _ in range(20):
            writer.write(bytes(50000))
            await writer.drain()
        writer.close()
        await writer.wait_closed()
        await settle()
        print(first, after, reader.at_eof())
    print(heard)
    await end(server)


async def protocols_decide():
    """eof_received() says whether the own side stays open."""
    loop = asyncio.get_running_loop()
    for keep in True, False, None:
        calls, lost = [], loop.create_future()

        class Half(asyncio.Protocol):
            def connection_made(self, transport):
                self.transport = transport

            def data_received(self, data):
                calls.append(data)

            def eof_received(self):
                calls.append("eof")
                if keep:
                    loop.call_later(0.01, self.say)
                return keep

            def say(self):
                calls.append(self.transport.is_closing())
                self.transport.write(b"still here")
                self.transport.close()

            def connection_lost(self, exc):
                calls.append(exc)
                lost.set_result(None)

        server = await loop.create_server(Half, "127.0.0.1", 0)
        client = socket.create_connection(server.sockets[0].getsockname())
        client.sendall(b"all")
        await settle()
        client.shutdown(socket.SHUT_WR)
        await lost
        print(keep, calls, client.recv(100))
        client.close()
        await end(server)


def slow_client(port, found, seed):
    rng = random.Random(seed)
    digest, size = hashlib.sha256(), 0
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
        client.connect(("127.0.0.1", port))
        while piece := client.recv(rng.randrange(1, 100000)):
            digest.update(piece)
            size += len(piece)
    found.append((size, digest.hexdigest()))


async def acknowledged_is_sent():
    """close() and wait_closed() after writes of all sizes: a slow reader gets all of them."""
    sent, most = [], 0

    async def pour(reader, writer):
        nonlocal most
        rng = random.Random(len(sent))
        digest, size = hashlib.sha256(), 0
        while size < 4 * MEBI:
            pieces = [rng.randbytes(rng.choice((1, 10, 1000, 30000, 200000))) for _ in range(rng.randrange(1, 4))]
            if rng.random() < 0.5:
                writer.writelines(pieces)
            else:
                for piece in pieces:
                    writer.write(rng.choice((bytes, bytearray, memoryview))(piece))
            for piece in pieces:
                digest.update(piece)
                size += len(piece)
            most = max(most, writer.transport.get_write_buffer_size())
            if rng.random() < 0.8:
                await writer.drain()
        writer.close()
        await writer.wait_closed()
        sent.append((size, digest.hexdigest()))

    server = await serve(pour)
    found = []
    threads = [threading.Thread(target=slow_client, args=(server.sockets[0].getsockname()[1], found, i)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        await asyncio.to_thread(thread.join)
    await settle()
    print(len(sent), sorted(sent) == sorted(found), min(size for size, _ in sent) >= 4 * MEBI)
    figure(f"slow readers: {sum(size for size, _ in sent)} bytes written, all arrived; at most {most} waited in a transport")
    await end(server)


async def vanishing_clients():
    """Clients that reset the connection while megabytes are on their way to them."""
    errors = []

    async def pour(reader, writer):
        try:
            while True:
                writer.write(bytes(100000))
                await writer.drain()
        except ConnectionError as error:
            errors.append(type(error).__mro__[1].__name__)
        writer.close()
        try:
            await writer.wait_closed()
        except ConnectionError:
            pass

    server = await serve(pour)
    for number in range(40):
        client = socket.create_connection(server.sockets[0].getsockname())
        client.setblocking(False)
        await asyncio.sleep(0.001)
        if number % 2:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.close()
    for _ in range(200):
        if len(errors) == 40:
            break
        await asyncio.sleep(0.01)
    print(len(errors), set(errors))
    await end(server)


async def silent_peers():
    """Twenty peers that never read: each writer is held, and memory is flat however long it lasts."""
    silent, writers, counts = [], [], []
    listener = socket.create_server(("127.0.0.1", 0))

    async def insist(writer):
        while True:
            writer.write(bytes(32768))
            counts.append(writer.transport.get_write_buffer_size())
            await writer.drain()

    for _ in range(20):
        _, writer = await asyncio.open_connection(*listener.getsockname())
        writers.append(writer)
        silent.append(listener.accept()[0])
    tasks = [asyncio.create_task(insist(writer)) for writer in writers]
    await asyncio.sleep(0.3)
    written, before, kib = len(counts), blocks(), private_kib()
    await asyncio.sleep(0.3)
    figure(f"20 peers that never read: {kib} KiB after 0.3 s, {private_kib()} KiB after 0.6 s; at most {max(counts)} bytes waited in a transport")
    print(len(counts) == written, max(counts) <= 65536 + 32768, abs(blocks() - before) < 200)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    for writer in writers:
        writer.transport.abort()
    for sock in [*silent, listener]:
        sock.close()
    await settle()


async def waves():
    """Two thousand connections in waves of a hundred: after the last as many blocks are in use as after the first."""
    async def echo(reader, writer):
        while line := await reader.readline():
            writer.write(line)
            await writer.drain()
        writer.close()

    async def visit(number):
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        writer.write(b"x" * 100 + b"%d\n" % number)
        line = await reader.readline()
        writer.close()
        await writer.wait_closed()
        return line == b"x" * 100 + b"%d\n" % number

    server, good, seen = await serve(echo, backlog=200), 0, []
    for _ in range(20):
        good += sum(await asyncio.gather(*map(visit, range(100))))
        await settle()
        seen.append((blocks(), private_kib()))
    figure(f"2000 connections in waves of 100: {seen[1][1]} KiB after the second, {seen[-1][1]} KiB after the last; blocks {seen[1][0]}, {seen[-1][0]}")
    print(good, abs(seen[-1][0] - seen[1][0]) < 500)
    await end(server)


async def main():
    for part in (client_ends_first, server_ends_first, protocols_decide, acknowledged_is_sent, vanishing_clients, silent_peers, waves):
        print("--", part.__name__)
        before = descriptors()
        await part()
        for _ in range(100):                     # the other end of a connection may take its time
            await settle()
            if descriptors() == before and len(asyncio.all_tasks()) == 1:
                break
        print("left:", descriptors() - before, "descriptors,", len(asyncio.all_tasks()) - 1, "tasks")
        figure(part.__name__)


logging.disable(logging.CRITICAL)
asyncio.run(main())
