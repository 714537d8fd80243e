# SPDX-License-Identifier: MIT
# `yield from` and `await` use no C stack, and a chain is resumed at its end: its depth is bounded by memory, not by the recursion limit.
# A runaway chain ends in RecursionError or MemoryError all the same. A way round: none is needed.
def nest(depth):
    if depth == 0:
        yield "bottom"
    else:
        yield from nest(depth - 1)


try:
    print(next(nest(20_000)))
except RecursionError:
    print("RecursionError")


class Step:
    def __await__(self):
        yield "waiting"


async def wait(depth):
    await (wait(depth - 1) if depth else Step())


try:
    print(wait(20_000).send(None))
except RecursionError:
    print("RecursionError")
# cede: bottom
# cede: waiting
# python3: RecursionError
# python3: RecursionError
