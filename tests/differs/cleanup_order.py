# SPDX-License-Identifier: MIT
# The generators that are left when a run ends are closed one after the other, consumers before producers, however they hold each other. This
# shows the order that the VM knows; CPython closes all at once, in no order.
# compat: differs, the VM knows the order in every mode
import asyncio
import random
import sys


async def source(name):
    yield name
    yield name


async def through(name, numbers):
    async for number in numbers:
        yield number


async def merge(name, *sources):
    for numbers in sources:
        async for number in numbers:
            yield number


def through_closure(name, numbers):
    async def closure():
        async for number in numbers:
            yield number
    return closure()


async def main():
    a = source("a")
    b = through("b", a)
    c = through_closure("c", b)
    d = source("d")
    e = merge("e", c, d)
    f = (number async for number in e)
    names = {a: "a", b: "b", c: "c", d: "d", e: "e", f: "f"}
    for generator in random.sample([a, d], 2):
        await anext(generator)
    await anext(f)
    if hasattr(sys, "_open_async_generators"):
        order = [names[g] for g in sys._open_async_generators(asyncio.get_running_loop())]
        print("".join(order))
        ranks = {name: order.index(name) for name in order}
        for consumer, producer in "ba", "cb", "ec", "fe":
            print(consumer, "before", producer, ranks[consumer] < ranks[producer])
    else:
        print("not known")


asyncio.run(main())
# cede: fedcba
# cede: b before a True
# cede: c before b True
# cede: e before c True
# cede: f before e True
# python3: not known
