# SPDX-License-Identifier: MIT
# The end of a run closes what is left one after the other, consumers before producers, in the context in which each last ran; within a grace
# period (5 s, or what sys.set_asyncgen_grace() says), and reports what is not closed then. It also closes generators that were first driven
# outside any run. CPython closes all at once, in no order, waits for ever for one that hangs (here: it is told not to hang), and never
# closes those of other origin.
import asyncio
import contextvars
import sys

cede = hasattr(sys, "set_asyncgen_grace") and sys.get_asyncgen_mode() != "compat"
who = contextvars.ContextVar("who", default="nobody")


async def source(name):
    token = who.set(name)
    try:
        while True:
            yield name
    finally:
        log.append(f"{name} begins")
        await asyncio.sleep(0)
        try:
            who.reset(token)
            log.append(f"{name} ends")
        except ValueError:
            log.append(f"{name} ends: not its context")


async def stage(name, items):
    try:
        async for item in items:
            yield item
    finally:
        log.append(f"{name} begins")
        await asyncio.sleep(0)
        log.append(f"{name} ends")


async def hanging():
    try:
        yield 1
    finally:
        await asyncio.sleep(1000 if cede else 0)


async def failing():
    try:
        yield 1
    finally:
        raise OSError("no more disk")


def reported(loop, context):
    message = context["message"].replace(__file__, "app.py")
    print("  report:", message.split(" <")[0], repr(context.get("exception")))


def run(coroutine):
    log.clear()
    try:
        asyncio.run(coroutine)
    except LookupError as error:
        print("  the run ends with", repr(error))


async def ten_stages():
    asyncio.get_running_loop().set_exception_handler(reported)
    kept.append(source("stage 0"))
    for number in range(1, 10):
        kept.append(stage(f"stage {number}", kept[-1]))
    await anext(kept[-1])
    raise LookupError("in main")


async def unclosable():
    asyncio.get_running_loop().set_exception_handler(reported)
    if cede:
        sys.set_asyncgen_grace(0.05)
    for make in failing, hanging:
        kept.append(make())
        await anext(kept[-1])


async def nothing():
    asyncio.get_running_loop().set_exception_handler(reported)


def drive(awaitable):
    try:
        awaitable.send(None)
    except StopIteration as stop:
        return stop.value


log, kept = [], []
print("ten stages of one pipeline, and an exception")
run(ten_stages())
print("  " + "\n  ".join(log if cede else sorted(log)))
kept.clear()

print("one that fails, one that hangs")
run(unclosable())
kept.clear()

print("one that was first driven outside")
kept.append(source("outsider"))
print("  got", drive(anext(kept[0])))
run(nothing())
print("  " + "\n  ".join(log or ["not closed"]))
if not cede:
    drive(kept[0].aclose())
log.clear()
# cede: ten stages of one pipeline, and an exception
# cede:   the run ends with LookupError('in main')
# cede:   stage 9 begins
# cede:   stage 9 ends
# cede:   stage 8 begins
# cede:   stage 8 ends
# cede:   stage 7 begins
# cede:   stage 7 ends
# cede:   stage 6 begins
# cede:   stage 6 ends
# cede:   stage 5 begins
# cede:   stage 5 ends
# cede:   stage 4 begins
# cede:   stage 4 ends
# cede:   stage 3 begins
# cede:   stage 3 ends
# cede:   stage 2 begins
# cede:   stage 2 ends
# cede:   stage 1 begins
# cede:   stage 1 ends
# cede:   stage 0 begins
# cede:   stage 0 ends
# cede: one that fails, one that hangs
# cede:   report: asynchronous generator 'hanging' was not closed within 0.05 s None
# cede:   report: an error occurred during closing of asynchronous generator OSError('no more disk')
# cede: one that was first driven outside
# cede:   got outsider
# cede:   outsider begins
# cede:   outsider ends
# python3: ten stages of one pipeline, and an exception
# python3:   the run ends with LookupError('in main')
# python3:   stage 0 begins
# python3:   stage 0 ends: not its context
# python3:   stage 1 begins
# python3:   stage 1 ends
# python3:   stage 2 begins
# python3:   stage 2 ends
# python3:   stage 3 begins
# python3:   stage 3 ends
# python3:   stage 4 begins
# python3:   stage 4 ends
# python3:   stage 5 begins
# python3:   stage 5 ends
# python3:   stage 6 begins
# python3:   stage 6 ends
# python3:   stage 7 begins
# python3:   stage 7 ends
# python3:   stage 8 begins
# python3:   stage 8 ends
# python3:   stage 9 begins
# python3:   stage 9 ends
# python3: one that fails, one that hangs
# python3:   report: an error occurred during closing of asynchronous generator OSError('no more disk')
# python3: one that was first driven outside
# python3:   got outsider
# python3:   not closed
