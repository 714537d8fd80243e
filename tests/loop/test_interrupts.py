"""SIGINT during asyncio.run(), and calls from many threads."""
import asyncio
import os
import signal
import threading
import time


async def sleeper(log):
    try:
        await asyncio.sleep(60)
    finally:
        log.append("cleaned up")


def during_run(work, log):
    timer = threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    start = time.monotonic()
    try:
        asyncio.run(work)
    except KeyboardInterrupt:
        print("KeyboardInterrupt", log, time.monotonic() - start < 10)
    timer.join()


async def busy(log):
    try:
        while True:
            await asyncio.sleep(0)
    finally:
        log.append("busy one cleaned up")


async def group(log):
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(sleeper(log))
        tasks.create_task(busy(log))


for work in sleeper, busy, group:
    log = []
    during_run(work(log), log)


async def many_threads():
    loop = asyncio.get_running_loop()
    count, done = 0, asyncio.Event()

    def add():
        nonlocal count
        count += 1
        if count == 4000:
            done.set()

    def work():
        for i in range(500):
            loop.call_soon_threadsafe(add)
            if i % 100 == 0:
                time.sleep(0.001)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    await done.wait()
    for thread in threads:
        await asyncio.to_thread(thread.join)
    print(count)

    async def answer(x):
        await asyncio.sleep(0)
        return x

    def ask(n):
        return sum(asyncio.run_coroutine_threadsafe(answer(i), loop).result() for i in range(n))

    print(await asyncio.gather(*[asyncio.to_thread(ask, 50) for _ in range(6)]))


asyncio.run(many_threads())


def own_loop(results, i):
    async def main():
        await asyncio.sleep(0.001 * i)
        return i, asyncio.current_task() is not None, len(asyncio.all_tasks())
    results[i] = asyncio.run(main())


results = [None] * 5
threads = [threading.Thread(target=own_loop, args=(results, i)) for i in range(5)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(results)
