# SPDX-License-Identifier: MIT
# Coroutines and async generators that close each other, driven by hand. At each point where the program waits it is ended in another way: an
# exception is thrown in, it is closed, dropped, left in a reference cycle; with a tracer and without. Nothing may stay alive, and what
# the program prints up to there may not depend on the tracer.
import asyncio
import gc
import sys
import types

sys.unraisablehook = lambda info: None           # generators that cannot be closed without awaiting
modes = ["compat", "safe"] if hasattr(sys, "set_asyncgen_mode") else ["compat"]


@types.coroutine
def pause(what):
    waits.append(what)
    return (yield)


async def source(log, name, count=4):
    try:
        for number in range(count):
            await pause(f"{name} waits")
            got = yield number
            if got:
                log.append(f"{name} got {got}")
    except KeyError as error:
        log.append(f"{name} caught {error!r}")
    finally:
        log.append(f"{name} cleans up")
        await pause(f"{name} cleans up")
        log.append(f"{name} ends")


async def through(log, name, items):
    try:
        async for item in items:
            yield item + 10
    finally:
        await pause(f"{name} cleans up")
        log.append(f"{name} ends")


async def fails(log, name):
    try:
        yield 1
    finally:
        await pause(f"{name} fails soon")
        raise OSError(name)


async def returns_early(log):
    async for item in through(log, "through", source(log, "inner")):
        async for other in source(log, "nested"):
            if other == 1:
                return item, other


async def program(log):
    log.append(await returns_early(log))
    items = source(log, "local")
    await items.asend(None)
    log.append(await items.asend("a value"))
    try:
        async for item in source(log, "raising"):
            raise KeyError(item)
    except KeyError as error:
        log.append(repr(error))
    try:
        async for item in fails(log, "failing"):
            break
    except OSError as error:
        log.append(repr(error))
    log.append([item async for item in through(log, "comprehended", source(log, "listed", 2)) if item])
    shared = source(log, "shared")
    cell = source(log, "in a cell")
    await anext(shared)
    await anext(cell)

    async def uses(items):
        async for item in items:
            return item, cell
    log.append((await uses(shared))[0])
    del uses
    return "returned"


def throw(coroutine):
    try:
        while True:
            coroutine.throw(ValueError("thrown in"))
    except (ValueError, OSError, StopIteration, RuntimeError):
        pass


def throw_and_go_on(coroutine):
    try:
        coroutine.throw(ValueError("thrown in"))
        while True:
            coroutine.send(None)
    except (ValueError, OSError, StopIteration):
        pass


def close(coroutine):
    try:
        coroutine.close()
    except (RuntimeError, OSError):
        pass


def drop(coroutine):
    pass


def in_a_cycle(coroutine):
    cycle = [coroutine]
    cycle.append(cycle)


def finish(coroutine):
    try:
        while True:
            coroutine.send(None)
    except StopIteration:
        pass


def drive(end, k):
    """Ends the program at the k-th wait. The log up to there; did it finish before?"""
    log = []
    coroutine = program(log)
    over = False
    waits.clear()
    try:
        for _ in range(k):
            coroutine.send(None)
    except StopIteration as stop:
        log.append(stop.value)
        over = True
    told = [str(entry) for entry in log + waits]
    if not over:
        assert coroutine.cr_await is not None and coroutine.cr_frame.f_lineno
        end(coroutine)
    del coroutine, log
    return told, over


def live():
    if not hasattr(sys, "live_generators"):
        return 0
    return len([row for row in sys.live_generators() if row[2] == __file__])


async def nothing():
    pass


def tracer(frame, event, argument):
    events[event] = events.get(event, 0) + 1
    return tracer


def sweep(end):
    base, k, over = live(), 0, False
    while not over:
        k += 1
        plain, over = drive(end, k)
        sys.settrace(tracer)
        traced, _ = drive(end, k)
        sys.settrace(None)
        assert plain == traced, (end, k, plain, traced)
        gc.collect()
        if live() != base:
            asyncio.run(nothing())               # closes what no loop has seen
            gc.collect()
        assert live() == base, (end, k, live(), base)
    return plain


events, waits = {}, []
for mode in modes:
    if hasattr(sys, "set_asyncgen_mode"):
        sys.set_asyncgen_mode(mode)
    logs = [sweep(end) for end in (throw, throw_and_go_on, close, drop, in_a_cycle, finish)]
    assert all(log == logs[0] for log in logs)
print("each way at each point:", set(events) == {"call", "line", "return", "exception"}, "returned" in logs[0])
