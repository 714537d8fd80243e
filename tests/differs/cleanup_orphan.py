# SPDX-License-Identifier: MIT
# A generator that is first driven outside any event loop, and then dropped, has nobody to await its cleanup. The VM keeps it, and what closes
# generators at the end of a run (sys._open_async_generators() tells it which) closes it too. CPython closes it at once, which fails at the
# first `await`. One whose cleanup does not await is closed at once by both. A way round: aclose() it where it is driven.
import asyncio
import sys


async def ticker(name):
    try:
        yield name
    finally:
        print(f"  {name}: cleanup begins")
        await asyncio.sleep(0)
        print(f"  {name}: cleanup done")


async def simple(name):
    try:
        yield name
    finally:
        print(f"  {name}: cleanup done")


def drive(awaitable):
    try:
        awaitable.send(None)
    except StopIteration as stop:
        return stop.value


def unraisable(info):
    print("  unraisable:", info.exc_value)


sys.unraisablehook = unraisable
for make in ticker, simple:
    generator = make(make.__name__)
    print("got", drive(anext(generator)))
    del generator
    print("dropped")


async def end_of_run():
    if hasattr(sys, "_open_async_generators"):
        for generator in sys._open_async_generators(asyncio.get_running_loop()):
            print("closing", generator.__name__)
            await generator.aclose()


asyncio.run(end_of_run())
# cede: got ticker
# cede: dropped
# cede: got simple
# cede:   simple: cleanup done
# cede: dropped
# cede: closing ticker
# cede:   ticker: cleanup begins
# cede:   ticker: cleanup done
# python3: got ticker
# python3:   ticker: cleanup begins
# python3:   unraisable: async generator ignored GeneratorExit
# python3: dropped
# python3: got simple
# python3:   simple: cleanup done
# python3: dropped
