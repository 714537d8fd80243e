# SPDX-License-Identifier: MIT
# A generator that somebody else refers to is never closed for him: not at a `break`, not at the end of a frame. Here both interpreters do the
# same, as long as the other reference is there.
import asyncio


async def ticker(name):
    try:
        for number in range(10):
            yield number
    finally:
        await asyncio.sleep(0)
        print(f"  {name} closed")


async def take(numbers, count):
    taken = []
    async for number in numbers:
        taken.append(number)
        if len(taken) == count:
            return taken
    return taken


async def take_and_fail(numbers):
    async for number in numbers:
        raise LookupError(number)


class Holder:
    pass


async def main():
    print("a variable of the caller")
    mine = ticker("variable")
    print(" ", await take(mine, 2), await take(mine, 3))
    try:
        await take_and_fail(mine)
    except LookupError as error:
        print("  failed at", error)
    print(" ", await take(mine, 20))
    print("an attribute")
    holder = Holder()
    holder.numbers = ticker("attribute")
    print(" ", await take(holder.numbers, 2), await take(holder.numbers, 20))
    print("a closure")
    numbers = ticker("closure")

    async def inner(count):
        return await take(numbers, count)
    print(" ", await inner(2), await inner(20))
    print("two tasks, one after the other")
    both = ticker("tasks")
    print(" ", await asyncio.create_task(take(both, 2)), await asyncio.create_task(take(both, 20)))
    print("what a coroutine returns")

    async def give():
        given = ticker("given")
        await anext(given)
        return given
    print(" ", await take(await give(), 20))

    async def give_pair():
        given = ticker("pair")
        await anext(given)
        return given, 1
    pair = await give_pair()
    print(" ", await take(pair[0], 20))
    print("two names for one")

    async def two_names():
        first = second = ticker("two names")
        async for number in first:
            if number == 1:
                break
        return await take(second, 20)
    print(" ", await two_names())


asyncio.run(main())
# cede: a variable of the caller
# cede:   [0, 1] [2, 3, 4]
# cede:   failed at 5
# cede:   variable closed
# cede:   [6, 7, 8, 9]
# cede: an attribute
# cede:   attribute closed
# cede:   [0, 1] [2, 3, 4, 5, 6, 7, 8, 9]
# cede: a closure
# cede:   closure closed
# cede:   [0, 1] [2, 3, 4, 5, 6, 7, 8, 9]
# cede: two tasks, one after the other
# cede:   tasks closed
# cede:   [0, 1] [2, 3, 4, 5, 6, 7, 8, 9]
# cede: what a coroutine returns
# cede:   given closed
# cede:   [1, 2, 3, 4, 5, 6, 7, 8, 9]
# cede:   pair closed
# cede:   [1, 2, 3, 4, 5, 6, 7, 8, 9]
# cede: two names for one
# cede:   two names closed
# cede:   [2, 3, 4, 5, 6, 7, 8, 9]
# python3: a variable of the caller
# python3:   [0, 1] [2, 3, 4]
# python3:   failed at 5
# python3:   variable closed
# python3:   [6, 7, 8, 9]
# python3: an attribute
# python3:   attribute closed
# python3:   [0, 1] [2, 3, 4, 5, 6, 7, 8, 9]
# python3: a closure
# python3:   closure closed
# python3:   [0, 1] [2, 3, 4, 5, 6, 7, 8, 9]
# python3: two tasks, one after the other
# python3:   tasks closed
# python3:   [0, 1] [2, 3, 4, 5, 6, 7, 8, 9]
# python3: what a coroutine returns
# python3:   given closed
# python3:   [1, 2, 3, 4, 5, 6, 7, 8, 9]
# python3:   pair closed
# python3:   [1, 2, 3, 4, 5, 6, 7, 8, 9]
# python3: two names for one
# python3:   two names closed
# python3:   [2, 3, 4, 5, 6, 7, 8, 9]
