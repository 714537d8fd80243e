# SPDX-License-Identifier: MIT
# The tree of tasks: whoever waits for a task stands above it. Circles, many ways to one task and long chains take time in proportion.
import asyncio
import re

try:
    from asyncio import tools
except ImportError:                              # the reference has none
    tools = None


def show():
    for line in tools.format_task_tree().splitlines():
        print(re.sub(r"(\w+) in (?:.*\.)?(\w+\(\)) at .*", r"\1: \2", line))


def size(name):
    lines = tools.format_task_tree().splitlines()
    lines = [line for line in lines if not line.startswith("main in ")]
    return f"{name}: {len(asyncio.all_tasks()) - 1} tasks, {len(lines)} lines", lines[-1].split(" in ")[0].strip()


def start(coroutine, name):
    return asyncio.create_task(coroutine, name=name)


async def turns():
    for _ in range(5):
        await asyncio.sleep(0)


async def waiting(end):
    await end


async def one(task):
    await task


async def both(*some):
    await asyncio.gather(*some)


async def circle(table, name):
    await asyncio.sleep(0)
    future = table[name]
    while not future.done():
        await asyncio.wait([future])


async def ended(*innermost):
    for task in innermost:
        task.cancel()
    others = asyncio.all_tasks() - {asyncio.current_task()}
    await asyncio.gather(*others, return_exceptions=True)


async def main():
    asyncio.current_task().set_name("main")
    shared = start(one(start(waiting(asyncio.get_running_loop().create_future()), "leaf")), "shared")
    pair = start(both(shared), "left"), start(both(shared), "right")
    asyncio.get_running_loop().call_later(0.01, show)
    await asyncio.wait(pair, timeout=0.05)
    await ended(shared)


async def circles():
    asyncio.current_task().set_name("main")
    table = {}
    for name, other in ("a", "b"), ("b", "c"), ("c", "a"), ("self", "self"):
        table[name] = start(circle(table, other), name)
    await turns()
    show()
    await ended(*table.values())


async def diamonds():
    asyncio.current_task().set_name("main")
    end = asyncio.get_running_loop().create_future()
    layer = [start(waiting(end), f"0 {side}") for side in "lr"]
    for number in range(1, 100):
        layer = [start(both(*layer), f"{number} {side}") for side in "lr"]
    await turns()
    print(size("diamonds")[0])
    await ended(end)


async def chain():
    asyncio.current_task().set_name("main")
    end = asyncio.get_running_loop().create_future()
    task = start(waiting(end), "leaf")
    for number in range(2000):
        task = start(one(task), str(number))
    await turns()
    text, last = size("chain")
    print(f"{text}, the last is {last}")
    await ended(end)


if tools:
    for part in main, circles, diamonds, chain:
        asyncio.run(part())
# cede: main: _wait()
# cede:   left: both()
# cede:     shared: one()
# cede:       leaf: waiting()
# cede:   right: both()
# cede:     shared: one()
# cede:       (see above)
# cede: main: circles()
# cede: a: _wait()
# cede:   b: _wait()
# cede:     c: _wait()
# cede:       a: _wait()
# cede:         (waits for itself)
# cede: self: _wait()
# cede:   self: _wait()
# cede:     (waits for itself)
# cede: diamonds: 200 tasks, 594 lines
# cede: chain: 2001 tasks, 2001 lines, the last is [2000] leaf
