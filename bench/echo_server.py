"""The servers of bench/run's group `net`. Prints its port, serves until standard input ends, then prints the processor time that serving took.

usage: echo_server.py protocol|stream|idle|tasks [uvloop]
With `idle` and `tasks` it prints what a thousand connections, or tasks, add to its memory.
"""
import asyncio
import resource
import sys


class Echo(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.transport.write(data)


async def echo_lines(reader, writer):
    while line := await reader.readline():
        writer.write(line)
        await writer.drain()
    writer.close()


def own_memory():
    """Bytes of memory that is this process's own."""
    with open("/proc/self/smaps_rollup") as rows:
        return 1024 * sum(int(row.split()[1]) for row in rows if row.startswith(("Private_Dirty", "Private_Clean")))


def processor_time():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


async def input_ends(loop):
    done = asyncio.Event()
    loop.add_reader(sys.stdin, done.set)
    await done.wait()
    loop.remove_reader(sys.stdin)


async def serve(kind):
    loop = asyncio.get_running_loop()
    if kind == "stream":
        server = await asyncio.start_server(echo_lines, "127.0.0.1", 0, backlog=1000)
    else:
        server = await loop.create_server(Echo, "127.0.0.1", 0, backlog=1000)
    print(server.sockets[0].getsockname()[1], flush=True)
    start, memory = processor_time(), own_memory()
    await input_ends(loop)
    print(own_memory() - memory if kind == "idle" else processor_time() - start, flush=True)


async def sleepers(count):
    async def sleeper(event):
        await event.wait()

    memory, event = own_memory(), asyncio.Event()
    tasks = [asyncio.create_task(sleeper(event)) for _ in range(count)]
    await asyncio.sleep(0)
    print(own_memory() - memory)
    event.set()
    await asyncio.gather(*tasks)


if "uvloop" in sys.argv:
    import uvloop
    asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
asyncio.run(sleepers(10000) if sys.argv[1] == "tasks" else serve(sys.argv[1]))
