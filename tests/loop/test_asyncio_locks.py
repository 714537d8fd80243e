# SPDX-License-Identifier: MIT
# Locks, events, conditions, semaphores, barriers and queues: order, cancellation, and how they are shown.
import asyncio
import re


def show(*values):
    print(*[re.sub(r"0x[0-9a-f]+", "ID", repr(value)) for value in values])


def result(task):
    if task.cancelled():
        return "cancelled"
    return task.exception() or task.result()


async def lock():
    lock = asyncio.Lock()
    order = []

    async def use(name, hold):
        async with lock:
            order.append(name)
            await asyncio.sleep(hold)

    show(lock)
    tasks = [asyncio.create_task(use(name, 0.001)) for name in "abcd"]
    await asyncio.sleep(0)
    show(lock, lock.locked())
    tasks[1].cancel()
    await asyncio.wait(tasks)
    print(order, [result(task) for task in tasks], lock.locked())
    # Told that it is free, and cancelled before it runs: the next one gets it.
    await lock.acquire()
    waiting = [asyncio.create_task(lock.acquire()) for _ in range(2)]
    await asyncio.sleep(0)
    lock.release()
    waiting[0].cancel()
    await asyncio.wait(waiting)
    print([result(task) for task in waiting], lock.locked())
    lock.release()
    try:
        lock.release()
    except RuntimeError as error:
        print(error)


async def event():
    event = asyncio.Event()
    show(event)
    tasks = [asyncio.create_task(event.wait()) for _ in range(3)]
    await asyncio.sleep(0)
    show(event)
    tasks[0].cancel()
    event.set()
    event.clear()
    await asyncio.wait(tasks)
    print([result(task) for task in tasks], event.is_set())


async def condition():
    condition = asyncio.Condition()
    items, got = [], []

    async def take(name):
        async with condition:
            await condition.wait_for(lambda: items)
            got.append((name, items.pop(0)))

    tasks = [asyncio.create_task(take(name)) for name in "abc"]
    await asyncio.sleep(0)
    async with condition:
        items.append(1)
        condition.notify()
    await asyncio.sleep(0.001)
    print(got)
    async with condition:
        items.extend([2, 3])
        condition.notify_all()
        show(condition)
    await asyncio.wait(tasks)
    print(got)
    for call in condition.notify, condition.notify_all:
        try:
            call()
        except RuntimeError as error:
            print(error)
    try:
        await condition.wait()
    except RuntimeError as error:
        print(error)


async def semaphore():
    semaphore = asyncio.Semaphore(2)
    active, most = 0, 0

    async def use():
        nonlocal active, most
        async with semaphore:
            active += 1
            most = max(most, active)
            await asyncio.sleep(0)
            active -= 1

    await asyncio.gather(*[use() for _ in range(10)])
    show(most, semaphore)
    tasks = [asyncio.create_task(semaphore.acquire()) for _ in range(4)]
    await asyncio.sleep(0)
    show(semaphore)
    tasks[2].cancel()
    semaphore.release()
    semaphore.release()
    await asyncio.wait(tasks)
    print([result(task) for task in tasks], semaphore.locked())
    bounded = asyncio.BoundedSemaphore(1)
    try:
        bounded.release()
    except ValueError as error:
        print(error)
    try:
        asyncio.Semaphore(-1)
    except ValueError as error:
        print(error)


async def barrier():
    barrier = asyncio.Barrier(3)
    show(barrier.parties, barrier.n_waiting, barrier.broken)
    print(sorted(await asyncio.gather(*[barrier.wait() for _ in range(3)])))
    tasks = [asyncio.create_task(barrier.wait()) for _ in range(2)]
    await asyncio.sleep(0)
    print(barrier.n_waiting)
    await barrier.reset()
    await asyncio.wait(tasks)
    print([type(result(task)).__name__ for task in tasks], barrier.broken)
    await barrier.abort()
    try:
        await barrier.wait()
    except asyncio.BrokenBarrierError as error:
        print(error, barrier.broken)


async def queues():
    for kind in asyncio.Queue, asyncio.LifoQueue, asyncio.PriorityQueue:
        queue = kind()
        for item in 2, 1, 3:
            queue.put_nowait(item)
        show(queue)
        print(str(queue), [queue.get_nowait() for _ in range(3)], queue.empty())
    queue = asyncio.Queue(1)
    putters = [asyncio.create_task(queue.put(n)) for n in range(3)]
    await asyncio.sleep(0)
    show(queue)
    putters[1].cancel()
    print(await queue.get(), await queue.get(), queue.qsize(), queue.full())
    await asyncio.wait(putters)
    print([result(task) for task in putters])
    for call in queue.get_nowait, lambda: [queue.put_nowait(n) for n in range(2)]:
        try:
            call()
        except (asyncio.QueueEmpty, asyncio.QueueFull) as error:
            print(type(error).__name__)
    joined = asyncio.create_task(queue.join())
    for _ in range(3):
        queue.task_done()
    await joined
    try:
        queue.task_done()
    except ValueError as error:
        print(error)


async def of_another_loop():
    lock = asyncio.Lock()
    await lock.acquire()
    waiting = asyncio.create_task(lock.acquire())
    await asyncio.sleep(0)

    async def elsewhere():
        try:
            await lock.acquire()
        except RuntimeError as error:
            print(re.sub(r"0x[0-9a-f]+", "ID", str(error)))

    await asyncio.to_thread(lambda: asyncio.run(elsewhere()))
    waiting.cancel()


for part in lock, event, condition, semaphore, barrier, queues, of_another_loop:
    print("--", part.__name__)
    asyncio.run(part())
