"""The event loop itself: callbacks, timers, threads, stopping, errors."""
import asyncio
import os
import re
import signal
import threading
import time


def attempt(function, *args, **kwargs):
    try:
        return function(*args, **kwargs)
    except BaseException as error:
        return f"{type(error).__name__}: {error}"


def text(value):
    return re.sub(r"at 0x\w+|\S*/(\S+\.py)|when=[\d.]+", r"\1", repr(value))


def callbacks(loop):
    seen = []
    loop.call_soon(seen.append, 1)
    cancelled = loop.call_soon(seen.append, 2)
    loop.call_soon(lambda *args: seen.append(args), 1, 2, 3, 4)
    loop.call_soon(lambda: loop.call_soon(seen.append, "next turn"))
    loop.call_soon(seen.append, 3)
    cancelled.cancel()
    print(cancelled.cancelled(), text(cancelled))
    loop.call_soon(loop.stop)
    loop.run_forever()
    print(seen)
    loop.call_soon(loop.stop)
    loop.run_forever()
    print(seen, loop.is_running(), loop.is_closed())


def timers(loop):
    seen = []
    now = loop.time()
    for delay in 0.03, 0.01, 0.02, 0, -1:
        loop.call_later(delay, seen.append, delay)
    loop.call_at(now + 0.015, seen.append, "at")
    same = [loop.call_at(now + 0.025, seen.append, i) for i in range(3)]
    gone = loop.call_later(0.005, seen.append, "cancelled")
    gone.cancel()
    print(text(gone), gone.cancelled(), same[0].when() == now + 0.025, same[0] < loop.call_later(9, print), same[0] == same[1])
    same[1].cancel()
    loop.call_later(0.05, loop.stop)
    loop.run_forever()
    print(seen, loop.time() - now >= 0.05)
    many = [loop.call_later(3600 + i % 7, print) for i in range(1000)]
    for handle in many:
        handle.cancel()
        handle.cancel()
    print(attempt(loop.call_at, None, print), attempt(loop.call_later, None, print))


def errors(loop):
    reports = []
    loop.set_exception_handler(lambda loop, context: reports.append((re.sub(" at .*", "", context["message"]), sorted(context), repr(context["exception"]))))
    after = []
    loop.call_soon(lambda: 1 / 0)
    loop.call_soon(after.append, "went on")
    loop.call_soon(int, "x")
    loop.call_soon(loop.stop)
    loop.run_forever()
    print(reports, after)
    loop.set_exception_handler(None)

    def interrupt():
        raise KeyboardInterrupt("now")

    loop.call_soon(interrupt)
    loop.call_soon(after.append, "left")
    print(attempt(loop.run_forever), loop.is_running(), after)
    loop.call_soon(loop.stop)
    loop.run_forever()
    print(after)


def threads(loop):
    seen = []

    def work():
        time.sleep(0.02)
        for i in range(3):
            loop.call_soon_threadsafe(seen.append, i)
        loop.call_soon_threadsafe(loop.stop)

    thread = threading.Thread(target=work)
    thread.start()
    loop.run_forever()
    thread.join()
    print(seen)

    async def answer(x):
        await asyncio.sleep(0.001)
        return x * 2

    def ask():
        future = asyncio.run_coroutine_threadsafe(answer(21), loop)
        seen.append(future.result(5))
        loop.call_soon_threadsafe(loop.stop)

    thread = threading.Thread(target=ask)
    thread.start()
    loop.run_forever()
    thread.join()
    print(seen)


def signals(loop):
    def handler(number, frame):
        raise KeyboardInterrupt(number)

    old = signal.signal(signal.SIGUSR1, handler)
    timer = threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGUSR1))
    timer.start()
    start = time.monotonic()
    loop.call_later(20, loop.stop).cancel()
    print(attempt(loop.run_forever), time.monotonic() - start < 5)
    timer.join()
    signal.signal(signal.SIGUSR1, old)


def until_complete(loop):
    async def give(x):
        await asyncio.sleep(0)
        return x

    async def fail():
        raise ValueError("f")

    print(loop.run_until_complete(give(1)), attempt(loop.run_until_complete, fail()))
    future = loop.create_future()
    loop.call_soon(future.set_result, 5)
    print(loop.run_until_complete(future), loop.run_until_complete(future))

    async def nested():
        coro = give(1)
        print(attempt(loop.run_until_complete, coro), attempt(loop.run_forever), attempt(loop.close))
        other = asyncio.new_event_loop()
        print(attempt(other.run_forever))
        other.close()
        coro.close()
        return asyncio.get_running_loop() is loop

    print(loop.run_until_complete(nested()), attempt(asyncio.get_running_loop))
    future = loop.create_future()
    loop.call_soon(loop.stop)
    print(attempt(loop.run_until_complete, future))
    future.cancel()
    print(attempt(loop.run_until_complete, 3))


def debug(loop):
    print(loop.get_debug())
    loop.set_debug(True)

    async def f():
        pass

    coro = f()
    print(loop.get_debug(), attempt(loop.call_soon, coro), attempt(loop.call_soon, f), attempt(loop.call_soon, 3), attempt(loop.call_later, 1, 3))
    coro.close()
    future = loop.create_future()
    print(type(future._source_traceback).__name__, 'debug' in [frame.name for frame in future._source_traceback])
    handle = loop.call_soon(print)
    print(re.sub(r"created at .*", "created at ..", text(handle)), handle._source_traceback[-1].name)
    handle.cancel()
    print(re.sub(r"created at .*", "created at ..", text(handle)))
    results = []
    loop.call_soon(loop.stop)

    def elsewhere():
        results.append(attempt(loop.call_soon, print))

    def start():
        thread = threading.Thread(target=elsewhere)
        thread.start()
        thread.join()

    loop.call_soon(start)
    loop.run_forever()
    print(results)
    loop.set_debug(False)


def closing(loop):
    loop.call_soon(print)
    loop.call_later(5, print)
    loop.close()
    loop.close()
    print(loop.is_closed(), attempt(loop.call_soon, print), attempt(loop.call_later, 1, print), attempt(loop.run_forever),
          attempt(loop.call_soon_threadsafe, print))


for test in callbacks, timers, errors, threads, signals, until_complete, debug, closing:
    print("--", test.__name__)
    loop = asyncio.new_event_loop()
    test(loop)
    loop.close()
