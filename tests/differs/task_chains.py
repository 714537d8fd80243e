# SPDX-License-Identifier: MIT
# Tasks that wait for tasks: a chain of any length can be cancelled, at the end of a run too, and a circle ends. In python3 both raise
# RecursionError, and the tasks are destroyed while they wait. A representation shows ten levels.
import asyncio


async def leaf():
    try:
        await asyncio.get_running_loop().create_future()
    finally:
        print("the leaf cleans up")


async def link(task, ended):
    try:
        await task
    finally:
        ended.append(1)


async def chain(length, ended):
    task = asyncio.create_task(leaf())
    for _ in range(length):
        task = asyncio.create_task(link(task, ended))
    await asyncio.sleep(0)
    return task


async def cancelled():
    ended = []
    task = await chain(20_000, ended)
    task.cancel("enough")
    try:
        await task
    except asyncio.CancelledError as exc:
        print("cancelled", exc.args, task.cancelling(), len(ended))


async def left(ended):
    await chain(20_000, ended)
    raise KeyError("main")


def end_of_run():
    ended = []
    try:
        asyncio.run(left(ended))
    except KeyError as exc:
        print(exc, len(ended))


table = {}


async def around(name, other):
    await asyncio.sleep(0)
    try:
        await table[other]
    except asyncio.CancelledError as exc:
        print("out" if name in "de" else f"{name} out", exc.args)
        raise


async def circle(names, cancel, message="circle"):
    table.clear()
    for name, other in zip(names, names[1:] + names[:1]):
        table[name] = asyncio.create_task(around(name, other))
    if cancel not in names:                      # somebody who waits for one of the circle
        table[cancel] = asyncio.create_task(around(cancel, names[1]))
    for _ in range(3):
        await asyncio.sleep(0)
    if cancel:
        print(table[cancel].cancel(message))
        await asyncio.wait(table.values())
        print({name: (task.cancelled(), task.cancelling()) for name, task in table.items()})


async def refused():
    async def stubborn():
        try:
            await table["other"]
        except asyncio.CancelledError:
            print("refused")
        return "done"

    async def other():
        return await table["stubborn"]

    table.clear()
    table.update(stubborn=asyncio.create_task(stubborn()), other=asyncio.create_task(other()))
    await asyncio.sleep(0)
    table["stubborn"].cancel()
    print(await asyncio.gather(*table.values()))


async def shown():
    task = await chain(100, [])
    text = repr(task)
    print(text.count("<Task pending"), text.count("wait_for=..."), "leaf" in text)


asyncio.run(cancelled())
end_of_run()
asyncio.run(circle("abc", "a"))
asyncio.run(circle("ab", "c"))
asyncio.run(circle("de", ""))                    # the end of the run cancels them, whichever comes first
asyncio.run(refused())
asyncio.run(shown())
# cede: the leaf cleans up
# cede: cancelled ('enough',) 1 20000
# cede: the leaf cleans up
# cede: 'main' 20000
# cede: True
# cede: a out ('circle',)
# cede: c out ('circle',)
# cede: b out ('circle',)
# cede: {'a': (True, 1), 'b': (True, 0), 'c': (True, 0)}
# cede: True
# cede: b out ('circle',)
# cede: a out ('circle',)
# cede: c out ()
# cede: {'a': (True, 0), 'b': (True, 1), 'c': (True, 1)}
# cede: out ()
# cede: out ()
# cede: refused
# cede: ['done', 'done']
# cede: 10 1 False
# cede: the leaf cleans up
