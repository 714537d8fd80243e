# Eager tasks: what a task that starts at once shows, in both kinds of Task, and every way of making one. As 3.13 prints it, but for a task that
# awaits itself, and for who closes a generator that is left by `return`.
import asyncio
import contextvars
import gc

who = contextvars.ContextVar("who", default="nobody")


async def value(result):
    return result


async def waits(result):
    await asyncio.sleep(0)
    return result


async def fails():
    raise LookupError("at once")


def eager(coro, **kwargs):
    return kind(coro, loop=asyncio.get_running_loop(), eager_start=True, **kwargs)


async def states():
    task = eager(value(1), name="quick")
    print(task.done(), task.result(), task.get_name(), task.get_coro(), task.get_context() is not None, task in asyncio.all_tasks())
    print(repr(task))
    task = eager(waits(2))
    print(task.done(), task.get_coro().__name__, task in asyncio.all_tasks(), await task, task in asyncio.all_tasks())
    task = eager(fails())
    print(task.done(), repr(task.exception()))
    task = asyncio.Task(value(3), eager_start=False)
    print(task.done(), await task)


async def current():
    outer = asyncio.current_task()
    seen = []

    async def inner():
        seen.append(asyncio.current_task())
        await asyncio.sleep(0)
        seen.append(asyncio.current_task())

    task = eager(inner())
    print(asyncio.current_task() is outer, seen == [task])
    await task
    print(seen == [task, task])

    async def nested():
        return await eager(value(asyncio.current_task()))

    print(await eager(nested()) is not outer, asyncio.current_task() is outer)

    async def raises():
        assert asyncio.current_task() is not outer
        raise KeyError("inside")

    task = eager(raises())
    print(asyncio.current_task() is outer, repr(task.exception()))


async def contexts():
    who.set("creator")

    async def sets():
        before = who.get()
        who.set("task")
        await asyncio.sleep(0)
        return before, who.get()

    print(await eager(sets()), who.get())
    mine = contextvars.copy_context()
    mine.run(who.set, "mine")
    task = eager(sets(), context=mine)
    print(mine[who], task.get_context() is mine, await task, who.get())


async def order():
    log = []

    async def step(name, times):
        for number in range(times):
            log.append(f"{name}{number}")
            await asyncio.sleep(0)

    asyncio.get_running_loop().call_soon(log.append, "callback")
    first, second = eager(step("a", 2)), eager(step("b", 2))
    log.append("made")
    await first
    await second
    print(*log)
    log.clear()
    task = eager(value(1))
    task.add_done_callback(lambda done: log.append(("callback", done is task)))
    log.append("added")
    await asyncio.sleep(0)
    print(log)


async def cancelled():
    async def cancels_itself():
        asyncio.current_task().cancel("by myself")
        return "goes on"

    task = eager(cancels_itself())
    print(task.cancelled() or task.cancelling(), task.done() and not task.cancelled() and task.result())

    async def cancels_and_waits():
        asyncio.current_task().cancel("by myself")
        await asyncio.sleep(0)

    task = eager(cancels_and_waits())
    try:
        await task
    except asyncio.CancelledError as error:
        print("cancelled", error.args)

    async def raises():
        raise asyncio.CancelledError("raised")

    task = eager(raises())
    print(task.cancelled(), task.cancelling())
    try:
        await task
    except asyncio.CancelledError as error:
        print(error.args)
    task = eager(waits(1))
    task.cancel("from outside")
    try:
        await task
    except asyncio.CancelledError as error:
        print(error.args, task.cancelled())


async def factories():
    loop = asyncio.get_running_loop()
    loop.set_task_factory(asyncio.eager_task_factory)
    print(loop.get_task_factory() is asyncio.eager_task_factory)
    task = asyncio.create_task(value(1), name="named")
    print(type(task) is asyncio.Task, task.done(), task.get_name())
    print([await coroutine for coroutine in asyncio.as_completed([value(0)])])
    print(await asyncio.gather(value(1), waits(2), value(3)), await asyncio.gather(), await asyncio.gather(value(1), value(2)))
    print(await asyncio.gather(value(1), fails(), return_exceptions=True))
    try:
        await asyncio.gather(fails(), value(1))
    except LookupError as error:
        print("gather:", error)
    print(await asyncio.wait_for(value(4), 1), await asyncio.shield(value(5)), await asyncio.shield(waits(5)))
    done, pending = await asyncio.wait([asyncio.create_task(value(6)), asyncio.create_task(waits(7))])
    print(sorted(task.result() for task in done), pending)
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(value(8)), group.create_task(waits(9))]
        print([task.done() for task in tasks])
    print([task.result() for task in tasks])
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(fails())
            print("the body goes on")
            await asyncio.sleep(0)
            print("not reached")
    except* LookupError as errors:
        print(errors.exceptions)
    async with asyncio.timeout(1):
        print(await asyncio.create_task(value(10)))

    class Mine(asyncio.Task):
        def __init__(self, *args, **kwargs):
            print("made with", kwargs["eager_start"])
            super().__init__(*args, **kwargs)

    loop.set_task_factory(asyncio.create_eager_task_factory(Mine))
    task = asyncio.create_task(value(11))
    print(type(task).__name__, task.done(), await task)

    def constructor(coro, *, loop, name=None, context=None, eager_start):
        print("constructor", name, context, eager_start)
        return asyncio.Task(coro, loop=loop, eager_start=eager_start)

    loop.set_task_factory(asyncio.create_eager_task_factory(constructor))
    await asyncio.create_task(value(12), name="n")
    loop.set_task_factory(None)


async def errors():
    try:
        eager(3)
    except TypeError as error:
        print(error)

    async def awaits_itself():
        await asyncio.current_task()

    try:
        await eager(awaits_itself())
    except RuntimeError as error:
        print(str(error).split(" <")[0])             # 3.13 says "await wasn't used with future"

    async def finishes_the_other(future):
        future.set_result("set")
        await asyncio.sleep(0)

    future = asyncio.get_running_loop().create_future()
    waiting = eager(asyncio.wait_for(future, 5))
    await eager(finishes_the_other(future))
    print(await waiting)


async def stops(error):
    async def inner():
        raise error("through")

    try:
        eager(inner())
    except BaseException as caught:
        print("create_task() raises", repr(caught), asyncio.current_task() is not None)


async def generators():
    async def numbers():
        try:
            yield 1
            yield 2
        finally:
            await asyncio.sleep(0)
            print("closed")

    async def reader():
        async for number in numbers():
            return number

    print(await eager(reader()))
    await asyncio.sleep(0.01)


def outside():
    loop = asyncio.new_event_loop()
    task = asyncio.Task(value(1), loop=loop, eager_start=True)
    print(task.done(), loop.run_until_complete(task))
    loop.close()


def never_retrieved():
    reports = []

    async def main():
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: reports.append(context["message"]))
        eager(fails())
        gc.collect()

    asyncio.run(main())
    print(reports)


for kind in asyncio.tasks._CTask, asyncio.tasks._PyTask:
    for part in states, current, contexts, order, cancelled, factories, errors, generators:
        print("--", part.__name__)
        asyncio.run(part())
    for error in KeyboardInterrupt, SystemExit:
        print("--", error.__name__)
        asyncio.run(stops(error))
    for part in outside, never_retrieved:
        print("--", part.__name__)
        part()
