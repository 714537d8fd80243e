# SPDX-License-Identifier: MIT
"""An exception thrown while `async for` awaits a coroutine that __anext__() made: the coroutine's result is the next item."""


class Pause:
    def __await__(self):
        return self

    def __iter__(self):
        return self

    def __next__(self):
        return "paused"

    def throw(self, *arguments):
        raise StopIteration("item after a throw")


async def item():
    return await Pause()


class Items:
    def __aiter__(self):
        return self

    def __anext__(self):
        return item()


async def main():
    async for value in Items():
        print(value)


steps = main().__await__()
print(next(steps))
for _ in range(3):
    print(steps.throw(ValueError()))
