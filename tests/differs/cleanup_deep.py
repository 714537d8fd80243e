# SPDX-License-Identifier: MIT
# A pipeline of 5,000 async generators runs, and is closed whole when its consumer leaves: each stage closes the next one, and where the stack
# ends the rest is closed from a new one, still before the task is done. CPython cannot run one of more than about 990 stages.
# compat: differs, it runs at any depth, and closes all: CPython 3.12 mended the aclose() that forgets its generator after an `await`
import asyncio


async def source():
    global closed
    try:
        while True:
            yield 1
    finally:
        closed += 1


async def stage(items):
    global closed
    try:
        async for item in items:
            yield item
    finally:
        await asyncio.sleep(0)
        closed += 1


async def main(depth):
    items = source()
    for _ in range(depth):
        items = stage(items)
    got = 0
    async for item in items:
        got += item
        if got == 3:
            break
    return got


for depth in 100, 900, 5000:
    closed = 0
    try:
        print(depth, "stages gave", asyncio.run(main(depth)), "and are closed:", closed == depth + 1)
    except RecursionError:
        print(depth, "RecursionError")
# cede: 100 stages gave 3 and are closed: True
# cede: 900 stages gave 3 and are closed: True
# cede: 5000 stages gave 3 and are closed: True
# python3: 100 stages gave 3 and are closed: False
# python3: 900 stages gave 3 and are closed: False
# python3: 5000 RecursionError
