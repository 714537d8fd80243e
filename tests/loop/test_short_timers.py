"""Timers of a millisecond on loops of several threads, while others keep the processor busy: none is slept over."""
import asyncio
import threading

stop = False


def spin():
    while not stop:
        sum(range(200))


async def naps(n):
    for _ in range(n):
        await asyncio.sleep(0.001)


spinners = [threading.Thread(target=spin) for _ in range(3)]
sleepers = [threading.Thread(target=lambda: asyncio.run(naps(40))) for _ in range(4)]
for thread in spinners + sleepers:
    thread.start()
for thread in sleepers:
    thread.join()
stop = True
for thread in spinners:
    thread.join()
print("all awake")
