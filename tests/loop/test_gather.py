"""asyncio.gather(): results, exceptions, cancellation."""
import asyncio


async def give(x, turns=1):
    for _ in range(turns):
        await asyncio.sleep(0)
    return x


async def fail(error, turns=1):
    for _ in range(turns):
        await asyncio.sleep(0)
    raise error


async def never(log):
    try:
        await asyncio.get_running_loop().create_future()
    except asyncio.CancelledError as error:
        log.append(error.args)
        raise


async def results():
    loop = asyncio.get_running_loop()
    future = loop.create_future()
    loop.call_later(0.001, future.set_result, "f")
    same = asyncio.create_task(give("same"))
    outer = asyncio.gather(give(1, 3), give(2), future, same, same)
    print(type(outer).__name__, outer.done(), await outer, outer.done(), outer.result())
    print(await asyncio.gather(), await asyncio.gather(return_exceptions=True))
    done = loop.create_future()
    done.set_result(4)
    print(await asyncio.gather(done, done))


async def exceptions():
    slow = asyncio.create_task(give("slow", 5))
    outer = asyncio.gather(slow, fail(ValueError("first")), fail(KeyError("second"), 2))
    try:
        await outer
    except ValueError as error:
        print(repr(error), slow.done(), await slow)
    print(await asyncio.gather(give(1), fail(ValueError("v")), fail(KeyError("k"), 3), return_exceptions=True))
    for bad in (3, None, "text"):
        try:
            asyncio.gather(bad)
        except TypeError as error:
            print(error)
    for keywords in {"loop": None}, {"return_exception": True}:
        try:
            asyncio.gather(**keywords)
        except TypeError as error:
            print("TypeError")


async def cancellation():
    log = []
    outer = asyncio.gather(never(log), never(log), give(1))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    print(outer.cancel("why"), outer.cancel(), outer.done())
    try:
        await outer
    except asyncio.CancelledError as error:
        print("cancelled", error.args, log, outer.cancelled())
    print(outer.cancel(), outer.done())
    log.clear()
    child = asyncio.create_task(never(log))
    outer = asyncio.gather(child, give(2))
    await asyncio.sleep(0)
    child.cancel("child")
    try:
        await outer
    except asyncio.CancelledError as error:
        print("cancelled", error.args, log, outer.cancelled())
    child = asyncio.create_task(never(log))
    outer = asyncio.gather(child, give(2), return_exceptions=True)
    await asyncio.sleep(0)
    child.cancel("child")
    print(await outer)
    outer = asyncio.gather(never(log), give(3), return_exceptions=True)
    await asyncio.sleep(0)
    outer.cancel("all")
    try:
        print(await outer)
    except asyncio.CancelledError as error:
        print("cancelled", error.args)

    async def waits():
        await asyncio.gather(never(log), never(log))

    log.clear()
    task = asyncio.create_task(waits())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    task.cancel("task")
    try:
        await task
    except asyncio.CancelledError as error:
        print("cancelled", error.args, log)


async def nested():
    print(await asyncio.gather(asyncio.gather(give(1), give(2)), asyncio.gather(give(3))))
    outer = asyncio.gather(asyncio.gather(fail(ValueError("deep"))), give(1))
    try:
        await outer
    except ValueError as error:
        print(repr(error))


for test in results, exceptions, cancellation, nested:
    print("--", test.__name__)
    asyncio.run(test())
