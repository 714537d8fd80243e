# SPDX-License-Identifier: MIT
# Runners, timeouts, shield, wait, exception handlers, executors and debug mode.
import asyncio
import contextvars
import logging
import re
import signal
import sys
import threading

var = contextvars.ContextVar("var", default="nothing")


def plain(text):
    return re.sub(r"0x[0-9a-f]+", "ID", re.sub(r"(/|<frozen )[^ ]*?>?:\d+", "PLACE", str(text)))


def runners():
    async def set_var():
        old = var.get()
        var.set(old + "+")
        return old, threading.current_thread() is threading.main_thread()

    with asyncio.Runner(debug=False) as runner:
        print([runner.run(set_var()) for _ in range(3)], runner.get_loop().is_closed())
        context = contextvars.copy_context()
        print(runner.run(set_var(), context=context), context[var])
        loop = runner.get_loop()
    print(loop.is_closed())
    for call in runner.get_loop, lambda: asyncio.run(5), lambda: asyncio.Runner().run(lambda: None):
        try:
            call()
        except (RuntimeError, ValueError) as error:
            print(type(error).__name__, plain(error))

    async def nested():
        coro = set_var()
        try:
            asyncio.run(coro)
        except RuntimeError as error:
            print(error)
        coro.close()

    asyncio.run(nested())

    async def left_behind():
        async def never():
            try:
                await asyncio.sleep(100)
            finally:
                print("cancelled at the end")
        tasks = [asyncio.create_task(never()) for _ in range(2)]
        await asyncio.sleep(0)
        return len(tasks)

    print(asyncio.run(left_behind()))

    async def interrupted():
        try:
            signal.raise_signal(signal.SIGINT)
            await asyncio.sleep(10)
        finally:
            print("told of the interrupt")

    try:
        asyncio.run(interrupted())
    except KeyboardInterrupt:
        print("KeyboardInterrupt")


async def timeouts():
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(0.001) as limit:
            await asyncio.sleep(10)
    except TimeoutError as error:
        print(type(error.__context__).__name__, limit.expired(), limit)
    async with asyncio.timeout(None) as limit:
        limit.reschedule(loop.time() + 100)
        print(limit.expired(), limit.when() is not None)
    try:
        limit.reschedule(1)
    except RuntimeError as error:
        print(error)
    try:
        async with asyncio.timeout(0.001):
            async with asyncio.timeout(10):
                await asyncio.sleep(10)
    except TimeoutError:
        print("outer", asyncio.current_task().cancelling())
    try:
        await asyncio.wait_for(asyncio.sleep(10), 0.001)
    except TimeoutError as error:
        print(type(error.__cause__).__name__)
    print(await asyncio.wait_for(asyncio.sleep(0, "in time"), 10), await asyncio.wait_for(asyncio.sleep(0, "any"), None))


async def groups_of_futures():
    async def after(turns, value):
        for _ in range(turns):
            await asyncio.sleep(0)
        if isinstance(value, Exception):
            raise value
        return value

    tasks = [asyncio.create_task(after(n, n)) for n in (1, 3, 5)]
    done, pending = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    print(len(done), len(pending))
    done, pending = await asyncio.wait(tasks, timeout=0)
    print(len(done) >= 1, len(done) + len(pending))
    await asyncio.wait(tasks)
    tasks = [asyncio.create_task(after(1, ValueError("one"))), asyncio.create_task(after(9, 9))]
    done, pending = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
    print(len(done), len(pending), [repr(task.exception()) for task in done])
    await asyncio.wait(tasks)
    inner = asyncio.create_task(after(5, "kept"))
    outer = asyncio.shield(inner)
    await asyncio.sleep(0)
    outer.cancel()
    try:
        await outer
    except asyncio.CancelledError:
        print(await inner)
    print(await asyncio.gather(after(1, 1), after(2, KeyError("k")), return_exceptions=True))
    print([await f for f in asyncio.as_completed([after(4, 4), after(1, 1), after(2, 2)])])
    for call in lambda: asyncio.wait([]), lambda: asyncio.wait(inner), lambda: asyncio.wait([inner], return_when="never"):
        try:
            await call()
        except (ValueError, TypeError) as error:
            print(type(error).__name__, error)
    try:
        asyncio.ensure_future(5)
    except TypeError as error:
        print(error)


async def handlers():
    loop = asyncio.get_running_loop()
    seen = []

    def handler(loop, context):
        seen.append((sorted(context), context["message"].split(" at ")[0].split("<")[0], repr(context.get("exception"))))

    loop.set_exception_handler(handler)
    loop.call_soon(lambda: 1 / 0)
    task = asyncio.create_task(asyncio.sleep(0))
    task.add_done_callback(lambda task: [][1])
    future = loop.create_future()
    future.set_exception(OSError("nobody asked"))
    del future
    await task
    await asyncio.sleep(0)
    for row in seen:
        print(row)
    print(loop.get_exception_handler() is handler)
    loop.set_exception_handler(None)
    logging.getLogger("asyncio").addHandler(stream := logging.StreamHandler(sys.stdout))
    stream.setFormatter(logging.Formatter("%(levelname)s %(message).60s"))
    stream.addFilter(lambda record: setattr(record, "exc_info", None) or True)
    loop.call_soon(lambda: 1 / 0)
    await asyncio.sleep(0.001)
    loop.call_exception_handler({"message": "ours", "more": 1})
    try:
        loop.set_exception_handler(5)
    except TypeError as error:
        print(error)
    logging.getLogger("asyncio").removeHandler(stream)


async def threads():
    loop = asyncio.get_running_loop()
    var.set("main")
    print(await asyncio.to_thread(lambda *a, **k: (a, k, var.get()), 1, two=2))
    print(await loop.run_in_executor(None, pow, 2, 10))

    def other():
        async def value():
            return threading.current_thread() is threading.main_thread()
        return asyncio.run_coroutine_threadsafe(value(), loop).result()

    print(await asyncio.to_thread(other))
    try:
        await asyncio.to_thread(lambda: 1 / 0)
    except ZeroDivisionError as error:
        print(error)
    await loop.shutdown_default_executor()
    try:
        loop.run_in_executor(None, print)
    except RuntimeError as error:
        print(error)


async def debug():
    loop = asyncio.get_running_loop()
    print(loop.get_debug(), asyncio.current_task().get_name().startswith("Task-"))
    for call in (lambda: loop.call_soon(debug), lambda: loop.call_later(1, 5), lambda: loop.run_in_executor(None, debug)):
        try:
            call()
        except TypeError as error:
            print(plain(error))

    def elsewhere():
        try:
            loop.call_soon(print)
        except RuntimeError as error:
            return str(error)

    print(await asyncio.to_thread(elsewhere))
    print(plain(loop.call_soon(print, 1)))
    print(re.sub(r"when=[\d.]+", "when=TIME", plain(loop.call_later(100, print))))


runners()
for part in timeouts, groups_of_futures, handlers, threads:
    print("--", part.__name__)
    asyncio.run(part())
asyncio.run(debug(), debug=True)
