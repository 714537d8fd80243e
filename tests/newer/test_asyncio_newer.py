# SPDX-License-Identifier: MIT
# What asyncio learnt in 3.12 and 3.13.
import asyncio


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


for part in eager_tasks, queue_shutdown, as_completed_futures, group_cancellation, small_things:
    print("--", part.__name__)
    asyncio.run(part())
print(asyncio.run(asyncio.sleep(0, "factory"), loop_factory=asyncio.EventLoop))
