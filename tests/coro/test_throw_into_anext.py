"""throw() into an `async for` whose __anext__() is a coroutine: it may go on, end, or end the loop in the throw."""
import types


@types.coroutine
def wait(what):
    return (yield what)


class Source:
    """Numbers; an exception that is thrown into it decides what comes next."""

    def __init__(self, answer):
        self.answer, self.number = answer, 0

    def __aiter__(self):
        return self

    async def __anext__(self):
        self.number += 1
        if self.number > 4:
            raise StopAsyncIteration
        try:
            await wait("number")
        except ValueError:
            if self.answer == "item":
                return -self.number
            if self.answer == "wait":
                await wait("more")
                return 10 * self.number
            if self.answer == "end":
                raise StopAsyncIteration("done") from None
            raise
        return self.number


async def collect(source):
    items = []
    try:
        async for item in source:
            items.append(item)
        else:
            items.append("else")
    except Exception as error:
        items.append(repr(error))
    return items


async def comprehend(source):
    return [item async for item in source if item]


async def nested(source):
    return await collect(source)


def drive(coroutine, throw_at):
    iterator, step, value = coroutine.__await__(), 0, None
    while True:
        step += 1
        try:
            value = iterator.throw(ValueError(step)) if step in throw_at else iterator.send(None)
        except StopIteration as stop:
            return stop.value
        except ValueError as error:
            return "out: " + repr(error)


for answer in "item", "wait", "end", "pass on":
    for function in collect, comprehend, nested:
        for throw_at in (2,), (3,), (2, 3), (2, 4, 5):
            print(answer, function.__name__, throw_at, drive(function(Source(answer)), throw_at))
