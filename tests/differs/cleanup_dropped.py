# SPDX-License-Identifier: MIT
# A generator that is dropped elsewhere (here: out of a list, a dict, an attribute) is closed by the event loop's hook, in the very Context in
# which it last ran, so a ContextVar token it holds can be reset. CPython's task has a copy of whatever context dropped it. A way round:
# aclose() in the task that used it.
import asyncio
import contextvars

who = contextvars.ContextVar("who", default="nobody")


async def holder(name):
    token = who.set(name)
    try:
        while True:
            yield who.get()
    finally:
        await asyncio.sleep(0)
        try:
            who.reset(token)
            print(f"  {name}: reset, now {who.get()}")
        except ValueError:
            print(f"  {name}: not the context of the token")


class Owner:
    pass


async def drops(kind):
    print(kind)
    generator = holder(kind)
    print("  got", await anext(generator))
    if kind == "list":
        box = [generator]
        del generator
        box.clear()
    elif kind == "dict":
        box = {"key": generator}
        del generator
        del box["key"]
    elif kind == "attribute":
        box = Owner()
        box.held = generator
        del generator
        box.held = None
    await asyncio.sleep(0.01)
    print("  task sees", who.get())


async def main():
    for kind in "list", "dict", "attribute":
        await asyncio.create_task(drops(kind))


asyncio.run(main())
# cede: list
# cede:   got list
# cede:   list: reset, now nobody
# cede:   task sees nobody
# cede: dict
# cede:   got dict
# cede:   dict: reset, now nobody
# cede:   task sees nobody
# cede: attribute
# cede:   got attribute
# cede:   attribute: reset, now nobody
# cede:   task sees nobody
# python3: list
# python3:   got list
# python3:   list: not the context of the token
# python3:   task sees list
# python3: dict
# python3:   got dict
# python3:   dict: not the context of the token
# python3:   task sees dict
# python3: attribute
# python3:   got attribute
# python3:   attribute: not the context of the token
# python3:   task sees attribute
