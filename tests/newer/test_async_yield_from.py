# `yield from` and `return value` in async generators, PEP 828.
from __future__ import yield_from_async

import asyncio
import sys
import types


@types.coroutine
def pause(value):
    return (yield value)


def run(awaitable):
    """Drives it to its end; what it yields to the loop is kept in `waits`."""
    waits = []
    iterator = awaitable.__await__()
    while True:
        try:
            waits.append(next(iterator))
        except StopIteration as stop:
            return stop.value, waits
        except BaseException as error:
            return f"{type(error).__name__}: {error}", waits


async def inner(name):
    try:
        got = yield 1
        print("  inner got", got)
        await pause("inner waits")
        got = yield 2
        print("  inner got", got)
    except KeyError as error:
        print("  inner caught", repr(error))
        yield "after the error"
    finally:
        print("  inner", name, "ends")
        await pause("inner cleans up")
    return name


async def outer(name):
    try:
        result = yield from inner(name)
        print("  outer has", result)
        yield result
    finally:
        print("  outer ends")
    return "value of outer"


print("-- items and values")
generator = outer("a")
for value in None, "sent 1", "sent 2", None, None:
    print(run(generator.asend(value)))

print("-- async for and StopAsyncIteration.value")


async def collect():
    return [item async for item in outer("b")]

print(run(collect()))


async def only_return():
    return 42
    yield

try:
    only_return().__anext__().send(None)
except StopAsyncIteration as stop:
    print("value", stop.value, stop.args)
print(StopAsyncIteration().value, StopAsyncIteration(1).value, StopAsyncIteration(1, 2).value)

print("-- athrow and aclose")
generator = outer("c")
print(run(generator.asend(None)))
print(run(generator.athrow(KeyError("thrown"))))
print(run(generator.asend(None)))
print(run(generator.asend(None)))
generator = outer("d")
print(run(generator.asend(None)))
print(run(generator.aclose()))
print(run(generator.asend(None)))

print("-- thrown while the inner one waits")
generator = outer("e")
print(run(generator.asend(None)))
step = generator.asend("go on")
print(step.send(None))
try:
    print(step.throw(KeyError("while waiting")))
    print(step.send(None))
except StopIteration as stop:
    print("item", stop.value)
print(run(generator.aclose()))

print("-- other async iterables")


class Iterator:
    def __init__(self):
        self.count = 0

    def __aiter__(self):
        return self

    async def __anext__(self):
        self.count += 1
        if self.count > 2:
            raise StopAsyncIteration("their value")
        return self.count


async def over(iterable):
    print("  value:", (yield from iterable))

generator = over(Iterator())
print(run(generator.asend(None)), run(generator.asend(None)), run(generator.asend(None)))
generator = over(Iterator())
print(run(generator.asend(None)), run(generator.asend("not taken")))
generator = over(Iterator())
print(run(generator.asend(None)), run(generator.athrow(KeyError("nowhere to go"))))
generator = over(Iterator())
print(run(generator.asend(None)), run(generator.aclose()))
for wrong in [1, 2], 5, (n for n in range(2)):
    print(run(over(wrong).asend(None)))

print("-- deep")


async def tree(depth):
    if depth:
        left = yield from tree(depth - 1)
        yield depth
        right = yield from tree(depth - 1)
        return left + right + 1
    return 0


async def walk():
    generator = tree(6)
    items = []
    while True:
        try:
            items.append(await anext(generator))
        except StopAsyncIteration as stop:
            return len(items), stop.value

print(run(walk()))

print("-- in expressions, try and loops")


async def mixed():
    total = 0
    for i in range(3):
        try:
            total += (yield from inner(i + 1)) or 0
        finally:
            total += 100
    yield total



async def collect_mixed():
    return [item async for item in mixed()]

print(run(collect_mixed()))

print("-- in tasks, left by break")


async def ticker():
    try:
        for number in range(10):
            await asyncio.sleep(0)
            yield number
    finally:
        await asyncio.sleep(0)
        print("  ticker closed")


async def relay():
    try:
        yield from ticker()
    finally:
        print("  relay closed")


async def main():
    async for number in relay():
        if number == 2:
            break
    print("  after the loop")

asyncio.run(main())

print("-- not without the feature")
for source in "async def f():\n yield\n return 1", "async def f():\n yield from g()":
    try:
        compile(source, "test", "exec", dont_inherit=True)
    except SyntaxError as error:
        print(error.msg)
    compile(source, "test", "exec")
