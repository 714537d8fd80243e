"""Programs for bench/run about the event loop: group `loop`. Each builds its own loop by asyncio.run() and returns the seconds of its core."""
import time

PROGRAMS = {}


def loop_program(function):
    """Registers a coroutine function as a program that runs under asyncio.run()."""
    def run():
        import asyncio
        return asyncio.run(function(asyncio))
    PROGRAMS[function.__name__] = ("loop", run)
    return function


async def give_way(sleep, n):
    for _ in range(n):
        await sleep(0)


async def timed_tasks(asyncio, tasks, turns):
    tasks = [asyncio.create_task(give_way(asyncio.sleep, turns)) for _ in range(tasks)]
    start = time.perf_counter()
    for task in tasks:
        await task
    return time.perf_counter() - start


@loop_program
async def sleep0(asyncio):
    start = time.perf_counter()
    await give_way(asyncio.sleep, 200_000)
    return time.perf_counter() - start


async def ping(futures, loop, n):
    for _ in range(n):
        future = futures[0]
        await future
        futures[0] = loop.create_future()
        futures[1].set_result(None)


async def pong(futures, loop, n):
    for _ in range(n):
        futures[0].set_result(None)
        await futures[1]
        futures[1] = loop.create_future()


@loop_program
async def task_switch_2(asyncio):
    loop = asyncio.get_running_loop()
    futures = [loop.create_future(), loop.create_future()]
    a, b = asyncio.create_task(ping(futures, loop, 50_000)), asyncio.create_task(pong(futures, loop, 50_000))
    start = time.perf_counter()
    await a
    await b
    return time.perf_counter() - start


@loop_program
async def task_switch_1000(asyncio):
    return await timed_tasks(asyncio, 1000, 200)


async def nothing(i):
    return i


@loop_program
async def spawn(asyncio):
    create_task = asyncio.create_task
    start = time.perf_counter()
    for i in range(50_000):
        await create_task(nothing(i))
    return time.perf_counter() - start


@loop_program
async def spawn_batches(asyncio):
    create_task = asyncio.create_task
    start = time.perf_counter()
    for _ in range(50):
        for task in [create_task(nothing(i)) for i in range(1000)]:
            await task
    return time.perf_counter() - start


@loop_program
async def gather(asyncio):
    start = time.perf_counter()
    for _ in range(50):
        await asyncio.gather(*[nothing(i) for i in range(1000)])
    return time.perf_counter() - start


@loop_program
async def queue(asyncio):
    items = asyncio.Queue(maxsize=10)

    async def produce():
        for i in range(100_000):
            await items.put(i)

    async def consume():
        for _ in range(100_000):
            await items.get()

    start = time.perf_counter()
    await asyncio.gather(produce(), consume())
    return time.perf_counter() - start


@loop_program
async def future_callbacks(asyncio):
    loop, count = asyncio.get_running_loop(), 0

    def called(future):
        nonlocal count
        count += 1

    start = time.perf_counter()
    for _ in range(100):
        futures = [loop.create_future() for _ in range(1000)]
        for future in futures:
            future.add_done_callback(called)
        for future in futures:
            future.set_result(None)
        await asyncio.sleep(0)
    elapsed = time.perf_counter() - start
    assert count == 100_000
    return elapsed


@loop_program
async def call_soon(asyncio):
    loop, done = asyncio.get_running_loop(), asyncio.get_running_loop().create_future()

    def again(n):
        if n:
            loop.call_soon(again, n - 1)
        elif not done.done():
            done.set_result(None)

    start = time.perf_counter()
    for _ in range(10):
        loop.call_soon(again, 20_000)
    await done
    return time.perf_counter() - start


@loop_program
async def timers(asyncio):
    loop, done = asyncio.get_running_loop(), 0

    def due():
        nonlocal done
        done += 1

    start = time.perf_counter()
    for round in range(10):
        handles = [loop.call_later(3600 + i % 97, due) for i in range(5000)]
        for i in range(5000):
            loop.call_later(0, due)
        for handle in handles:
            handle.cancel()
        await asyncio.sleep(0)
    while done < 50_000:
        await asyncio.sleep(0)
    return time.perf_counter() - start


@loop_program
async def sleeps(asyncio):
    start = time.perf_counter()
    for _ in range(20):
        await asyncio.gather(*[asyncio.sleep(0.000001) for _ in range(1000)])
    return time.perf_counter() - start


@loop_program
async def events(asyncio):
    async def waiter(event, turns):
        for _ in range(turns):
            await event.wait()
            event.clear()

    pairs = [asyncio.Event() for _ in range(10)]
    tasks = [asyncio.create_task(waiter(event, 5000)) for event in pairs]
    start = time.perf_counter()
    for _ in range(5000):
        for event in pairs:
            event.set()
        await asyncio.sleep(0)
    for task in tasks:
        await task
    return time.perf_counter() - start


@loop_program
async def timeouts(asyncio):
    start = time.perf_counter()
    for i in range(20_000):
        await asyncio.wait_for(nothing(i), 10)
    return time.perf_counter() - start


async def levels(n, future):
    if n:
        return await levels(n - 1, future)
    for _ in range(2000):
        await future()


@loop_program
async def await_900_levels(asyncio):
    """Switches of a task whose coroutine waits 900 awaits deep."""
    start = time.perf_counter()
    await asyncio.create_task(levels(900, lambda: asyncio.sleep(0)))
    return time.perf_counter() - start
