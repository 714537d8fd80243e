# SPDX-License-Identifier: MIT
# -X asyncgen=strict, or sys.set_asyncgen_mode("strict"): generators and coroutines that nobody ends are errors, and so is a `yield` inside a
# cancel scope (PEP 789), which would cancel the consumer. CPython says nothing, or only warns. A way round: the default mode, "safe".
import asyncio
import contextlib
import sys
import warnings

warnings.simplefilter("ignore")
if hasattr(sys, "set_asyncgen_mode"):
    sys.set_asyncgen_mode("strict")
sys.unraisablehook = lambda info: print("  unraisable:", str(info.exc_value).replace(__file__, "app.py"))


async def ticker():
    try:
        yield 1
    finally:
        await asyncio.sleep(0)


async def timed():
    async with asyncio.timeout(10):
        yield "inside a timeout"


async def grouped():
    async with asyncio.TaskGroup():
        yield "inside a group"


async def timed_inside():
    async with asyncio.timeout(10):
        await asyncio.sleep(0)
    yield "after a timeout"


@contextlib.asynccontextmanager
async def manager():
    async with asyncio.timeout(10):
        yield "a context manager"


async def nothing():
    pass


async def main():
    print("dropped")
    box = [ticker()]
    await anext(box[0])
    box.clear()
    await asyncio.sleep(0.01)
    print("never iterated")
    ticker()
    print("never awaited")
    nothing()
    print("yields")
    for make in timed, grouped, timed_inside:
        try:
            async for item in make():
                print(" ", item)
        except* RuntimeError as group:
            print(" ", str(group.exceptions[0]).replace(__file__, "app.py"))
    async with manager() as item:
        print(" ", item)
    print("closed: no complaint")
    numbers = ticker()
    await anext(numbers)
    await numbers.aclose()
    async for number in ticker():
        break


asyncio.run(main())
# cede: dropped
# cede:   unraisable: asynchronous generator 'ticker' (created at app.py:50) was dropped before it was finished or closed
# cede: never iterated
# cede:   unraisable: asynchronous generator 'ticker' (created at app.py:55) was never iterated, so its cleanup never runs
# cede: never awaited
# cede:   unraisable: coroutine 'nothing' (created at app.py:57) was never awaited
# cede: yields
# cede:   asynchronous generator 'timed' (created at app.py:61) must not yield inside Timeout: it would cancel whatever its consumer does then
# cede:   asynchronous generator 'grouped' (created at app.py:61) must not yield inside TaskGroup: it would cancel whatever its consumer does then
# cede:   after a timeout
# cede:   a context manager
# cede: closed: no complaint
# python3: dropped
# python3: never iterated
# python3: never awaited
# python3: yields
# python3:   inside a timeout
# python3:   inside a group
# python3:   after a timeout
# python3:   a context manager
# python3: closed: no complaint
