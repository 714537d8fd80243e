# SPDX-License-Identifier: MIT
# A million timers, half of them cancelled; they come in order, and SIGINT ends a run while thousands wait.
import asyncio
import os
import signal


async def many():
    loop = asyncio.get_running_loop()
    start, count, last, wrong = loop.time() + 0.5, 0, -1, 0

    def due(number):
        nonlocal count, last, wrong
        count += 1
        wrong += number < last
        last = number

    handles = [loop.call_at(start + (i % 1000) * 1e-4, due, i % 1000) for i in range(1000000)]
    for handle in handles[::2]:
        handle.cancel()
    del handles
    while count < 500000:
        await asyncio.sleep(0.05)
    print(count, wrong, last)


async def interrupted():
    async def sleeper():
        try:
            await asyncio.sleep(100)
        finally:
            ended.append(1)

    tasks = [asyncio.create_task(sleeper()) for _ in range(1000)]
    await asyncio.sleep(0)
    asyncio.get_running_loop().call_later(0.01, os.kill, os.getpid(), signal.SIGINT)
    await asyncio.gather(*tasks)


asyncio.run(many())
ended = []
try:
    asyncio.run(interrupted())
except KeyboardInterrupt:
    print("interrupted", len(ended))
