# SPDX-License-Identifier: MIT
# A program with many awaits is run again and again, cancelled at the first of them, the second, and so on: nothing may be left behind.
import asyncio
import gc
import os
import sys

modes = ["compat", "safe", "strict"] if hasattr(sys, "set_asyncgen_mode") else ["compat"]
where = []                                       # what is held now


class Held:
    def __init__(self, name):
        self.name = name

    async def __aenter__(self):
        await asyncio.sleep(0)
        where.append(self.name)

    async def __aexit__(self, *error):
        where.remove(self.name)
        await asyncio.sleep(0)


async def numbers(name, count):
    async with Held(name):
        for number in range(count):
            await asyncio.sleep(0)
            yield number


async def doubled(source):
    try:
        async for number in source:
            yield 2 * number
            await asyncio.sleep(0)
    finally:
        await asyncio.sleep(0)


async def child(queue, name):
    async for number in doubled(numbers(name, 3)):
        await queue.put(number)


async def pipe():
    left, right = os.pipe()
    try:
        loop = asyncio.get_running_loop()
        ready = loop.create_future()
        loop.add_reader(left, lambda: ready.done() or ready.set_result(None))
        try:
            os.write(right, b"x")
            await ready
        finally:
            loop.remove_reader(left)
    finally:
        os.close(left)
        os.close(right)


async def program():
    lock, queue = asyncio.Lock(), asyncio.Queue(2)
    async with lock, Held("body"):
        async for number in doubled(doubled(numbers("three deep", 5))):
            if number > 4:
                break
        kept = numbers("local", 5)
        await anext(kept)
        total = [n async for n in numbers("comprehension", 3)]
        async with asyncio.TaskGroup() as group:
            group.create_task(child(queue, "child 1"))
            group.create_task(child(queue, "child 2"))
            for _ in range(6):
                total.append(await queue.get())
        try:
            await asyncio.wait_for(asyncio.gather(asyncio.sleep(0), asyncio.sleep(10)), 0)
        except TimeoutError:
            pass
        try:
            async with asyncio.timeout(0):
                await asyncio.sleep(10)
        except TimeoutError:
            pass
        await pipe()
        await kept.aclose()
    return sum(total)


def open_files():
    return len(os.listdir("/proc/self/fd"))


def live():
    if not hasattr(sys, "live_generators"):
        return 0
    return len([1 for row in sys.live_generators() if row[2] == __file__])


class Step:
    """Drives a coroutine and counts how often it gives way; at the k-th time it is cancelled."""

    def __init__(self, coro, k):
        self.coro, self.k, self.count = coro, k, 0

    def __await__(self):
        iterator = self.coro.__await__()
        value, error = None, None
        while True:
            try:
                given = iterator.throw(error) if error else iterator.send(value)
            except StopIteration as stop:
                return stop.value
            error = None
            self.count += 1
            if self.count == self.k:
                asyncio.current_task().cancel()
            try:
                value = yield given
            except BaseException as caught:
                error = caught


async def main(k):
    before = asyncio.all_tasks()
    step = Step(program(), k)

    async def run():
        return await step
    task = asyncio.create_task(run())
    await asyncio.wait([task])
    finished = not task.cancelled() and task.exception() is None
    if finished:
        assert task.result() == 15, task.result()
    del task
    for _ in range(20):                          # CPython closes generators in tasks of their own
        await asyncio.sleep(0)
    gc.collect()
    for _ in range(20):
        await asyncio.sleep(0)
    assert asyncio.all_tasks() == before, asyncio.all_tasks()
    assert not where, where
    return step.count < k, finished


def sweep(mode):
    if hasattr(sys, "set_asyncgen_mode"):
        sys.set_asyncgen_mode(mode)
    k, files, over = 0, open_files(), False
    while not over:
        k += 1
        assert k < 1000
        over, finished = asyncio.run(main(k))
        gc.collect()
        assert open_files() == files, (k, open_files(), files)
        assert live() == base, (k, live(), base, [row for row in sys.live_generators() if row[2] == __file__])
    assert finished
    return k


asyncio.run(asyncio.sleep(0))                    # what a first run opens for good is no leak: libuv has a pipe for the whole program
base = live()
points = [sweep(mode) for mode in modes]
print("cancelled at every point, nothing is left:", min(points) > 20)
