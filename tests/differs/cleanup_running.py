# SPDX-License-Identifier: MIT
# Errors about a generator that somebody else is driving name both sides: who made it, and which task drives it, where. CPython says only
# that it is running.
import asyncio


async def ticker():
    while True:
        yield 1
        await asyncio.sleep(10)


async def read(numbers):
    async for number in numbers:
        pass


async def attempt(awaitable):
    try:
        await awaitable
    except RuntimeError as error:
        print(str(error).replace(__file__, "app.py"))


async def main():
    numbers = ticker()
    reader = asyncio.create_task(read(numbers), name="reader")
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    await attempt(numbers.aclose())
    await attempt(anext(numbers))
    await attempt(numbers.asend(1))
    await attempt(numbers.athrow(ValueError))
    reader.cancel()
    await asyncio.wait([reader])


asyncio.run(main())
# cede: aclose(): asynchronous generator 'ticker' (created at app.py:26) is running in task 'reader' (suspended at app.py:10)
# cede: anext(): asynchronous generator 'ticker' (created at app.py:26) is running in task 'reader' (suspended at app.py:10)
# cede: anext(): asynchronous generator 'ticker' (created at app.py:26) is running in task 'reader' (suspended at app.py:10)
# cede: athrow(): asynchronous generator 'ticker' (created at app.py:26) is running in task 'reader' (suspended at app.py:10)
# python3: aclose(): asynchronous generator is already running
# python3: anext(): asynchronous generator is already running
# python3: anext(): asynchronous generator is already running
# python3: athrow(): asynchronous generator is already running
