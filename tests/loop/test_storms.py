# SPDX-License-Identifier: MIT
# Traffic goes on while signals storm, children die, descriptors run out, protocols raise and Ctrl-C comes; nothing is left behind.
import asyncio
import gc
import logging
import os
import resource
import signal
import threading

from figures import descriptors, figure


async def settle():
    for _ in range(10):
        await asyncio.sleep(0.002)


async def echo(reader, writer):
    while line := await reader.readline():
        writer.write(line)
        await writer.drain()
    writer.close()


async def chat(port, count):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    good = 0
    for number in range(count):
        line = b"%d " % number * 100 + b"\n"
        writer.write(line)
        good += await reader.readline() == line
    writer.close()
    await writer.wait_closed()
    return good


STORM = """
import os, signal, sys
for i in range(20000):
    os.kill(int(sys.argv[1]), (signal.SIGUSR1, signal.SIGUSR2)[i % 2])
"""


async def signals_during_traffic():
    loop, counts = asyncio.get_running_loop(), {}

    def came(number):
        counts[number] = counts.get(number, 0) + 1

    for number in signal.SIGUSR1, signal.SIGUSR2:
        loop.add_signal_handler(number, came, number)
    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    storm = await asyncio.create_subprocess_exec("/usr/bin/python3", "-c", STORM, str(os.getpid()))
    good = rounds = 0
    while storm.returncode is None:
        good += sum(await asyncio.gather(*(chat(server.sockets[0].getsockname()[1], 20) for _ in range(10))))
        rounds += 1
    await settle()
    for number in signal.SIGUSR1, signal.SIGUSR2:    # those of the storm may all have come while one was being told
        os.kill(os.getpid(), number)
        await settle()
    print(await storm.wait(), good == rounds * 200, sorted(counts) == [signal.SIGUSR1, signal.SIGUSR2])
    figure(f"20000 signals, {sum(counts.values())} calls of handlers, {good} lines echoed meanwhile")
    for number in counts:
        loop.remove_signal_handler(number)
    server.close()
    await server.wait_closed()


async def children_that_die():
    """Children are killed while they are written to and read from."""
    async def one(number):
        child = await asyncio.create_subprocess_exec("/bin/cat", stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE)
        pipe_error = None

        async def pour():
            while True:
                child.stdin.write(bytes(50000))
                await child.stdin.drain()

        async def drink():
            while await child.stdout.read(10000):
                pass

        pouring, drinking = asyncio.create_task(pour()), asyncio.create_task(drink())
        await asyncio.sleep(0.001 * (number % 7))
        (child.kill if number % 2 else child.terminate)()
        status = await child.wait()
        try:
            await pouring
        except (BrokenPipeError, ConnectionResetError):
            pipe_error = True
        await drinking
        return status, pipe_error

    ends = []
    for wave in range(4):
        ends += await asyncio.gather(*(one(number) for number in range(10)))
    print(sorted(set(ends)), len(ends))


async def no_descriptors_left():
    """What needs a descriptor says so, and works again when there are some."""
    loop = asyncio.get_running_loop()
    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    print(await chat(port, 1))
    await (await asyncio.create_subprocess_exec("/bin/true")).wait()
    await settle()

    async def connection():
        await asyncio.open_connection("127.0.0.1", port)

    async def child():
        await asyncio.create_subprocess_exec("/bin/true", stdout=asyncio.subprocess.PIPE)

    async def endpoint():
        await loop.create_datagram_endpoint(asyncio.DatagramProtocol, ("127.0.0.1", 0))

    attempts = connection, child, endpoint
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (200, hard))
    for left in 0, 1, 2:
        taken = []
        try:
            while True:
                taken.append(os.dup(0))
        except OSError:
            pass
        for _ in range(left):
            os.close(taken.pop())
        for attempt in attempts:
            if left and attempt is not child:
                continue
            try:
                await attempt()
            except OSError as error:
                print(left, attempt.__name__, error.errno, error.strerror)
            await settle()
        for fd in taken:
            os.close(fd)
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    await settle()
    print(await chat(port, 1))
    server.close()
    await server.wait_closed()


async def protocols_that_raise():
    """Each method of a protocol raises in turn: it is reported, and the connection ends."""
    loop = asyncio.get_running_loop()
    reports = []
    loop.set_exception_handler(lambda loop, context: reports.append(
        (context["message"].split("(<")[0].split(" <")[0].replace("callback None()", "transport"), repr(context["exception"]))))

    class Fine(asyncio.Protocol):
        fails = None

        def connection_made(self, transport):
            self.transport = transport
            self.may_fail("connection_made")

        def may_fail(self, name):
            if name == self.fails:
                raise LookupError(name)

        def data_received(self, data):
            self.may_fail("data_received")
            self.transport.set_write_buffer_limits(high=1000)
            self.transport.write(bytes(10 << 20))

        def eof_received(self):
            self.may_fail("eof_received")

        def pause_writing(self):
            self.may_fail("pause_writing")

        def resume_writing(self):
            self.may_fail("resume_writing")

        def connection_lost(self, exc):
            over.set()
            self.may_fail("connection_lost")

    class Buffered(Fine, asyncio.BufferedProtocol):
        data_received = property()

        def get_buffer(self, size):
            self.may_fail("get_buffer")
            return bytearray(0 if self.fails == "empty buffer" else 1000)

        def buffer_updated(self, count):
            self.may_fail("buffer_updated")
            Fine.data_received(self, b"")

    for kind, names in (Fine, ["connection_made", "data_received", "eof_received", "pause_writing", "resume_writing", "connection_lost"]), \
                       (Buffered, ["get_buffer", "empty buffer", "buffer_updated", "eof_received"]):
        for name in names:
            over = asyncio.Event()
            server = await loop.create_server(type("Failing", (kind,), {"fails": name}), "127.0.0.1", 0)
            reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
            writer.write(b"x")
            if name == "resume_writing":
                await reader.readexactly(10 << 20)
            await asyncio.sleep(0.002)
            try:
                writer.write_eof()
            except OSError:
                pass
            try:
                await reader.read()
            except ConnectionError:
                pass
            writer.close()
            await over.wait()
            server.close()
            await server.wait_closed()
            await settle()
            print(name, *reports)
            reports.clear()
    loop.set_exception_handler(None)


async def busy_network(log):
    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    try:
        async with server, asyncio.TaskGroup() as group:
            for _ in range(5):
                group.create_task(chat(server.sockets[0].getsockname()[1], 1 << 30))
    finally:
        log.append("cleaned up")


def ctrl_c_during_traffic():
    asyncio.run(asyncio.sleep(0))
    before, log, ends = descriptors(), [], []
    for number in range(20):
        timer = threading.Timer(0.002 * number, os.kill, (os.getpid(), signal.SIGINT))
        try:
            asyncio.run(start_then_traffic(timer, log))
        except KeyboardInterrupt:
            ends.append("KeyboardInterrupt")
        timer.join()
    gc.collect()
    print(len(ends), set(ends), len(log) > 20, "left:", descriptors() - before, "descriptors")


async def start_then_traffic(timer, log):
    try:
        timer.start()
        await busy_network(log)
    finally:
        log.append("over")


async def main():
    await children_that_die()                    # makes what stays
    for part in (signals_during_traffic, children_that_die, no_descriptors_left, protocols_that_raise):
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
ctrl_c_during_traffic()
figure("Ctrl-C")
