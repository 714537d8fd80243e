# SPDX-License-Identifier: MIT
# Ten thousand connections on loopback, each of which sends and gets a line; afterwards no descriptor is left.
import asyncio
import os
import resource
import subprocess
import sys

COUNT = 10000

CLIENT = """
import resource, select, socket, sys
port, count = int(sys.argv[1]), int(sys.argv[2])
hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
sockets = []
for i in range(count):
    sockets.append(socket.create_connection(("127.0.0.1", port)))
for i, s in enumerate(sockets):
    s.sendall(b"%d\\n" % i)
print(sum(s.recv(100) == b"%d\\n" % i for i, s in enumerate(sockets)), flush=True)
for s in sockets:
    s.close()
"""


class Echo(asyncio.Protocol):
    open = most = 0

    def connection_made(self, transport):
        self.transport = transport
        Echo.open += 1
        Echo.most = max(Echo.most, Echo.open)

    def data_received(self, data):
        self.transport.write(data)

    def connection_lost(self, exc):
        Echo.open -= 1


async def main():
    loop = asyncio.get_running_loop()
    before = len(os.listdir("/proc/self/fd"))
    server = await loop.create_server(Echo, "127.0.0.1", 0, backlog=1000)
    port = server.sockets[0].getsockname()[1]
    client = await loop.run_in_executor(None, lambda: subprocess.run(["/usr/bin/python3", "-c", CLIENT, str(port), str(COUNT)], capture_output=True))
    print(client.stdout, client.stderr, client.returncode)
    while Echo.open:
        await asyncio.sleep(0.01)
    print(Echo.most)
    server.close()
    await server.wait_closed()
    print(len(os.listdir("/proc/self/fd")) - before, len(asyncio.all_tasks()))


hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
if hard < COUNT + 100 and hard != resource.RLIM_INFINITY:
    COUNT = hard - 100
resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
asyncio.run(main())
