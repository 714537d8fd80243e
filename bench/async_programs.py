"""Programs for bench/run about `await` and `async for`, driven by hand, without an event loop: groups `async` and `await`."""
import time
import types

PROGRAMS = {}
EXTRA = {}                                       # what only Cede is asked


def program(group):
    def register(function):
        PROGRAMS[function.__name__] = group, function
        return function
    return register


def drive(coroutine):
    """Runs a coroutine to its end, resuming it at once wherever it suspends."""
    send = coroutine.send
    try:
        while True:
            send(None)
    except StopIteration as stop:
        return stop.value


@types.coroutine
def suspend():
    yield


async def count(n):
    for i in range(n):
        yield i


async def count_suspending(n):
    for i in range(n):
        await suspend()
        yield i


def count_plainly(n):
    for i in range(n):
        yield i


@program("async")
def async_for_loop():
    async def main():
        async for x in count(500_000):
            pass
    drive(main())


@program("async")
def async_pipeline():
    async def double(source):
        async for x in source:
            yield x * 2

    async def keep(source):
        async for x in source:
            if x & 2:
                yield x

    async def main():
        async for x in keep(double(count(200_000))):
            pass
    drive(main())


@program("async")
def async_comprehension():
    async def main():
        [x * x async for x in count(300_000)]
        {x: x async for x in count(100_000) if x & 1}
    drive(main())


@program("async")
def async_generator_expression():
    async def main():
        total = 0
        async for x in (x + 1 async for x in count(200_000)):
            total += x
    drive(main())


@program("async")
def async_for_suspending():
    async def main():
        async for x in count_suspending(200_000):
            pass
    drive(main())


@program("await")
def await_at_once():
    async def leaf(i):
        return i

    async def middle(i):
        return await leaf(i)

    async def main():
        for i in range(300_000):
            await middle(i)
    drive(main())


@program("await")
def await_suspending():
    async def leaf():
        await suspend()

    async def main():
        for _ in range(200_000):
            await leaf()
    drive(main())


@program("await")
def async_with_lock():
    class Lock:
        async def __aenter__(self):
            return self

        async def __aexit__(self, *args):
            return None

    async def main():
        lock = Lock()
        for _ in range(150_000):
            async with lock:
                pass
    drive(main())


def best_of(function, *args, rounds=5):
    best = None
    for _ in range(rounds):
        start = time.process_time()
        function(*args)
        elapsed = time.process_time() - start
        best = elapsed if best is None else min(best, elapsed)
    return best


def async_own_ratio():
    """Seconds of `for` and of `async for` over the same generator."""
    def plainly():
        for x in count_plainly(500_000):
            pass

    async def main():
        async for x in count(500_000):
            pass
    print(best_of(plainly), best_of(lambda: drive(main())))


def chain_under_task():
    """Nanoseconds of a resume by a Task, through 0 and through 900 levels of await."""
    import asyncio

    async def leaf(rounds):
        for _ in range(rounds):
            await asyncio.sleep(0)

    async def level(depth, rounds):
        await (level(depth - 1, rounds) if depth else leaf(rounds))

    for depth in 0, 900:
        rounds = 100_000
        print(best_of(lambda: asyncio.run(level(depth, rounds))) / rounds * 1e9)


EXTRA.update(async_own_ratio=async_own_ratio, chain_under_task=chain_under_task)
