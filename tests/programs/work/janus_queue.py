# SPDX-License-Identifier: MIT
"""Threads and tasks pass items to each other through janus' queues."""
import asyncio
import queue
import threading

import janus


def produce(sync_queue, name, count):
    for number in range(count):
        sync_queue.put((name, number))
    sync_queue.join()


async def from_threads():
    items = janus.Queue(maxsize=10)
    threads = [threading.Thread(target=produce, args=(items.sync_q, name, 500)) for name in "abc"]
    for thread in threads:
        thread.start()
    seen = {name: [] for name in "abc"}
    for _ in range(1500):
        name, number = await items.async_q.get()
        seen[name].append(number)
        items.async_q.task_done()
    for thread in threads:
        await asyncio.to_thread(thread.join)
    print({name: numbers == list(range(500)) for name, numbers in seen.items()})
    items.close()
    await items.wait_closed()


async def to_thread():
    items = janus.PriorityQueue()
    for number in (5, 1, 4, 2, 3):
        await items.async_q.put(number)
    print(await asyncio.to_thread(lambda: [items.sync_q.get(timeout=10) for _ in range(5)]))
    try:
        items.sync_q.get_nowait()
    except queue.Empty as error:
        print("queue.Empty", error)
    try:
        items.async_q.get_nowait()
    except asyncio.QueueEmpty as error:
        print("asyncio.QueueEmpty", error)
    items.close()
    await items.wait_closed()
    try:
        await items.async_q.put(1)
    except RuntimeError as error:
        print("RuntimeError", error)


asyncio.run(from_threads())
asyncio.run(to_thread())
