# SPDX-License-Identifier: MIT
# Datagrams: to any address, connected, refused, too big, by UNIX sockets; errors of arguments.
import asyncio
import os
import socket
import tempfile


class Log(asyncio.DatagramProtocol):
    def __init__(self, name):
        self.name, self.got, self.more = name, [], asyncio.Event()
        self.done = asyncio.get_running_loop().create_future()

    def connection_made(self, transport):
        self.transport = transport
        print(self.name, "made")

    def datagram_received(self, data, addr):
        self.got.append(data)
        self.more.set()
        if data == b"ping":
            self.transport.sendto(b"pong", addr)

    def error_received(self, exc):
        print(self.name, "error", type(exc).__name__)
        self.more.set()

    def connection_lost(self, exc):
        print(self.name, "lost", exc)
        self.done.set_result(None)


async def main():
    loop = asyncio.get_running_loop()
    server, s = await loop.create_datagram_endpoint(lambda: Log("server"), local_addr=("127.0.0.1", 0))
    address = server.get_extra_info("sockname")
    client, c = await loop.create_datagram_endpoint(lambda: Log("client"), remote_addr=address)
    print(client.get_extra_info("peername") == address, server.get_extra_info("peername"), server.get_extra_info("socket").type.name)
    client.sendto(b"ping")
    await c.more.wait()
    c.more.clear()
    print(s.got, c.got)
    client.sendto(b"ping", address)
    await c.more.wait()
    try:
        client.sendto(b"x", ("127.0.0.2", 9))
    except ValueError as error:
        print(str(error).split(" or ")[0])
    for bad in "text", None, 3:
        try:
            client.sendto(bad)
        except TypeError as error:
            print(error)
    client.sendto(b"")
    client.sendto(bytearray(b"array"))
    client.sendto(memoryview(b"view"))
    while len(s.got) < 4:
        await asyncio.sleep(0.001)
    print(s.got[2:])
    server.sendto(b"x" * 100000, client.get_extra_info("sockname"))
    server.close()
    print(server.is_closing())
    await s.done
    c.more.clear()
    client.sendto(b"to nobody")
    await c.more.wait()
    client.abort()
    await c.done
    client.sendto(b"late")

    folder = tempfile.TemporaryDirectory()
    path = os.path.join(folder.name, "socket")
    right, r = await loop.create_datagram_endpoint(lambda: Log("right"), local_addr=path, family=socket.AF_UNIX)
    left, l = await loop.create_datagram_endpoint(lambda: Log("left"), remote_addr=path, family=socket.AF_UNIX)
    flow = []
    l.pause_writing = lambda: flow.append("pause")
    l.resume_writing = lambda: flow.append("resume")
    for i in range(1000):
        left.sendto(b"%05d" % i * 20)
    left.set_write_buffer_limits(high=100)
    print(left.get_write_buffer_size() > 100)
    left.close()
    await l.done
    while len(r.got) < 1000:
        await asyncio.sleep(0.001)
    print(flow, r.got == [b"%05d" % i * 20 for i in range(1000)], left.get_write_buffer_size())
    right.close()
    await r.done
    folder.cleanup()


asyncio.run(main())
