# SPDX-License-Identifier: MIT
# What asyncio learnt in 3.12 and 3.13.
import asyncio
import os
import socket
import tempfile


async def eager_tasks():
    order = []

    async def quick(n):
        order.append(("quick", n))
        return n

    async def slow(n):
        order.append(("slow", n))
        await asyncio.sleep(0)
        order.append(("slow again", n))
        return n

    loop = asyncio.get_running_loop()
    loop.set_task_factory(asyncio.eager_task_factory)
    done = asyncio.create_task(quick(1))
    print("eager", done.done(), done.result(), done in asyncio.all_tasks(), done.get_coro() is None)
    waits = asyncio.create_task(slow(2), name="two")
    print("eager", waits.done(), waits.get_name(), waits in asyncio.all_tasks())
    print(await asyncio.gather(quick(3), slow(4), quick(5)), await waits)
    print(order)

    async def fails():
        raise ValueError("at once")

    try:
        await asyncio.create_task(fails())
    except ValueError as error:
        print("failed", error)

    async def who():
        return asyncio.current_task().get_name()

    print(await asyncio.create_task(who(), name="inner"), asyncio.current_task() is not None)
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(quick(6)), group.create_task(slow(7))]
    print([task.result() for task in tasks])

    class Mine(asyncio.Task):
        pass

    loop.set_task_factory(asyncio.create_eager_task_factory(Mine))
    task = asyncio.create_task(quick(8))
    print(type(task).__name__, task.done())
    loop.set_task_factory(None)


async def queue_shutdown():
    queue = asyncio.Queue(2)
    for item in 1, 2:
        await queue.put(item)
    waiting = asyncio.create_task(queue.put(3))
    await asyncio.sleep(0)
    queue.shutdown()
    for what in waiting, queue.put(4):
        try:
            await what
        except asyncio.QueueShutDown:
            print("put: shut down")
    print(await queue.get(), await queue.get())
    for get in queue.get, queue.get_nowait:
        try:
            result = get()
            await result
        except asyncio.QueueShutDown:
            print("get: shut down")
    queue.task_done()
    queue.task_done()
    await queue.join()

    queue = asyncio.Queue()
    getters = [asyncio.create_task(queue.get()) for _ in range(3)]
    await asyncio.sleep(0)
    queue.put_nowait("one")
    queue.shutdown(immediate=True)
    print([type(r).__name__ for r in await asyncio.gather(*getters, return_exceptions=True)])
    queue = asyncio.PriorityQueue()
    queue.put_nowait(1)
    joined = asyncio.create_task(queue.join())
    await asyncio.sleep(0)
    queue.shutdown(immediate=True)
    await joined
    print("joined", queue.empty(), queue)


async def as_completed_futures():
    async def after(n):
        await asyncio.sleep(0.01 * n)
        return n

    tasks = [asyncio.create_task(after(n), name=str(n)) for n in (3, 1, 2)]
    async for task in asyncio.as_completed(tasks):
        print(task in tasks, task.get_name(), await task)
    try:
        async for task in asyncio.as_completed([after(0), after(100)], timeout=0.05):
            print(await task)
    except TimeoutError:
        print("time is up")


async def group_cancellation():
    async def fail():
        raise ValueError("child")

    # A group inside one that is cancelled hands the cancellation on; the count goes back to what it was.
    async def inner():
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(fail())
                await asyncio.sleep(10)
        except* ValueError:
            print("caught", asyncio.current_task().cancelling())
        await asyncio.sleep(0)
        return "went on"

    print(await asyncio.create_task(inner()))

    async def cancelled_too():
        me = asyncio.current_task()
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(fail())
                try:
                    await asyncio.sleep(10)
                finally:
                    me.cancel()
        except* ValueError:
            print("caught", me.cancelling())
        try:
            await asyncio.sleep(0)
        except asyncio.CancelledError:
            print("and told of the cancellation from outside", me.cancelling(), me.uncancel())

    await asyncio.create_task(cancelled_too())

    task = asyncio.current_task()
    task.cancel()
    print(task.cancelling(), task.uncancel())
    await asyncio.sleep(0)                       # uncancel() took it back
    print("not cancelled")


async def small_things():
    try:
        await asyncio.sleep(float("nan"))
    except ValueError as error:
        print(error)
    reader = asyncio.StreamReader()
    reader.feed_data(b"one;two\nthree")
    reader.feed_eof()
    print(await reader.readuntil((b";", b"\n")), await reader.readuntil((b"\n", b";")))
    try:
        await reader.readuntil((b";", b"\n"))
    except asyncio.IncompleteReadError as error:
        print(error.partial)
    handle = asyncio.get_running_loop().call_soon(print)
    print(type(handle.get_context()).__name__)
    handle.cancel()
    print(asyncio.current_task().get_context() is not None, asyncio.iscoroutine(i for i in ()) in (True, False))

    async def serve(reader, writer):
        await reader.read()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    await asyncio.sleep(0.02)
    server.close()
    server.close_clients()
    print(await reader.read(), "closed")
    writer.close()


async def all_the_errors():
    loop = asyncio.get_running_loop()
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))            # nobody listens, and nobody else can
        port = unused.getsockname()[1]
        for delay in None, 0.01:
            try:
                await loop.create_connection(asyncio.Protocol, "127.0.0.1", port, all_errors=True, happy_eyeballs_delay=delay)
            except* ConnectionRefusedError as group:
                print(type(group).__name__, group.message, [error.errno for error in group.exceptions])
        try:
            await asyncio.open_connection("127.0.0.1", port, all_errors=True, local_addr=("203.0.113.1", 0))
        except ExceptionGroup as group:
            print(group.message, sorted(error.errno for error in group.exceptions))
        try:
            await loop.create_connection(asyncio.Protocol, "127.0.0.1", port, all_errors=False)
        except OSError as error:
            print(type(error).__name__)


async def kept_alive():
    for keep in None, False, True:
        server = await asyncio.start_server(print, "127.0.0.1", 0, keep_alive=keep)
        print([bool(sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)) for sock in server.sockets])
        server.close()
        await server.wait_closed()


async def cleaned_up(folder):
    async def serve(reader, writer):
        writer.write(b"hello")
        writer.close()

    async def try_one(path, sock=None, spoil=None, **options):
        server = await asyncio.start_unix_server(serve, None if sock else path, sock=sock, **options)
        reader, writer = await asyncio.open_unix_connection(path)
        got = await reader.read()
        writer.close()
        if spoil:
            spoil()
        server.close()
        server.close()
        await server.wait_closed()
        print(got, os.path.exists(path))

    path = os.path.join(folder, "socket")

    bound = socket.socket(socket.AF_UNIX)
    bound.bind(path)
    await try_one(path, bound, cleanup_socket=True)
    await try_one(path, cleanup_socket=False)
    await try_one(path, cleanup_socket=True)
    await try_one(os.fsencode(path), cleanup_socket=True)
    await try_one(path, spoil=lambda: os.unlink(path), cleanup_socket=True)
    await try_one(path, spoil=lambda: os.rename(path, path + "4") or os.symlink("/nowhere", path), cleanup_socket=True)
    os.unlink(path)
    await try_one(path, spoil=lambda: os.rename(path, path + "5") or open(path, "w").close(), cleanup_socket=True)
    os.unlink(path)


async def sockets_of_unix():
    with tempfile.TemporaryDirectory() as folder:
        await cleaned_up(folder)


for part in (eager_tasks, queue_shutdown, as_completed_futures, group_cancellation, small_things, all_the_errors, kept_alive,
             sockets_of_unix):
    print("--", part.__name__)
    asyncio.run(part())
print(asyncio.run(asyncio.sleep(0, "factory"), loop_factory=asyncio.EventLoop))
