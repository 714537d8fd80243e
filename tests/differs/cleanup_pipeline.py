# SPDX-License-Identifier: MIT
# A pipeline of async generators, three deep, unwinds like one of plain generators: the consumer first, each where it is left, whether the
# stages are nested in one expression or kept in local variables. CPython closes them in the background, one task each.
import asyncio


async def source():
    try:
        for number in range(10):
            yield number
    finally:
        await asyncio.sleep(0)
        print("  source closed")


async def double(numbers):
    try:
        async for number in numbers:
            yield 2 * number
    finally:
        await asyncio.sleep(0)
        print("  double closed")


async def text(numbers):
    try:
        async for number in numbers:
            yield str(number)
    finally:
        await asyncio.sleep(0)
        print("  text closed")


async def nested():
    async for item in text(double(source())):
        if item == "4":
            break
    print("  loop left")


async def with_locals():
    numbers = source()
    doubled = double(numbers)
    texts = text(doubled)
    async for item in texts:
        if item == "4":
            break
    print("  loop left")                         # the variables still hold them: they are closed when the frame ends


async def with_locals_raises():
    numbers = source()
    doubled = double(numbers)
    async for item in text(doubled):
        raise ValueError(item)


def plain_source():
    try:
        yield from range(10)
    finally:
        print("  source closed")


def plain_text(numbers):
    try:
        for number in numbers:
            yield str(number)
    finally:
        print("  text closed")


def plain():
    numbers = plain_source()
    texts = plain_text(numbers)
    for item in texts:
        if item == "4":
            break
    print("  loop left")


async def main():
    for consumer in nested, with_locals, with_locals_raises:
        print(consumer.__name__)
        try:
            await consumer()
        except ValueError:
            print("  caught")
        print("  back in main")
        await asyncio.sleep(0.01)


asyncio.run(main())
print("plain")
plain()
# cede: nested
# cede:   text closed
# cede:   double closed
# cede:   source closed
# cede:   loop left
# cede:   back in main
# cede: with_locals
# cede:   loop left
# cede:   text closed
# cede:   double closed
# cede:   source closed
# cede:   back in main
# cede: with_locals_raises
# cede:   text closed
# cede:   double closed
# cede:   source closed
# cede:   caught
# cede:   back in main
# cede: plain
# cede:   loop left
# cede:   text closed
# cede:   source closed
# python3: nested
# python3:   loop left
# python3:   back in main
# python3:   text closed
# python3:   double closed
# python3:   source closed
# python3: with_locals
# python3:   loop left
# python3:   back in main
# python3:   text closed
# python3:   double closed
# python3:   source closed
# python3: with_locals_raises
# python3:   caught
# python3:   back in main
# python3:   text closed
# python3:   double closed
# python3:   source closed
# python3: plain
# python3:   loop left
# python3:   text closed
# python3:   source closed
