# What Python 3.12 and 3.13 mended in the awaitables of async generators: asend(), athrow(), aclose(), anext().
import gc
import sys
import types
import warnings

sys.set_asyncgen_mode("compat")                  # the words of the errors below are CPython's


@types.coroutine
def pause(value):
    return (yield value)


class Stop(Exception):
    pass


def attempt(what, action, *args):
    try:
        result = action(*args)
    except StopIteration as stop:
        print(f"{what}: StopIteration({stop.value!r})")
    except BaseException as error:
        print(f"{what}: {type(error).__name__}: {error}")
    else:
        print(f"{what}: {result!r}")


async def patient():
    while True:
        try:
            await pause("waiting")
        except Stop:
            pass
    yield


async def counting():
    number = 0
    while True:
        try:
            yield number
            number += 1
        except Stop:
            number += 100


async def stubborn():
    try:
        yield 1
    except GeneratorExit:
        try:
            await pause(2)
        except GeneratorExit:
            await pause(3)


print("-- nobody gets in while another awaitable is under way")
for name, make in {"asend": lambda g: g.asend(None), "anext": anext, "athrow": lambda g: g.athrow(Stop), "aclose": lambda g: g.aclose()}.items():
    for step in "send", "throw":
        generator = patient()
        first = generator.asend(None)
        attempt("first", first.send, None)
        second = make(generator)
        attempt(f"{name}.{step}", getattr(second, step), None if step == "send" else Stop)
        attempt(f"{name}.{step} again", getattr(second, step), None if step == "send" else Stop)
        attempt("first goes on", first.throw, Stop)

print("-- an awaitable that is over stays so")
generator = counting()
attempt("start", generator.asend(None).send, None)
for name, make in {"athrow": lambda: generator.athrow(Stop), "asend": lambda: generator.asend(None), "aclose": lambda: generator.aclose()}.items():
    awaitable = make()
    attempt(name, awaitable.throw, Stop)
    attempt(name + " throw again", awaitable.throw, Stop)
    attempt(name + " send again", awaitable.send, None)
    attempt(name + " close again", awaitable.close)

print("-- close() of an awaitable reaches the generator")
for name, make in {"aclose": lambda g: g.aclose(), "athrow": lambda g: g.athrow(Stop), "asend": lambda g: g.asend(None)}.items():
    generator = stubborn()
    attempt("start", generator.asend(None).send, None)
    attempt(name + ".close", make(generator).close)
    generator = counting()
    attempt("start", generator.asend(None).send, None)
    attempt(name + ".close", make(generator).close)
    attempt("then", generator.asend(None).send, None)
    attempt("unstarted", make(counting()).close)

print("-- awaitables that nobody awaits are told of")
for name, make in {"asend": lambda g: g.asend(None), "__anext__": lambda g: g.__anext__(), "anext": anext, "anext with default":
                   lambda g: anext(g, 1), "athrow": lambda g: g.athrow(Stop), "aclose": lambda g: g.aclose()}.items():
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        make(counting())
        gc.collect()
    print(name, [(w.category.__name__, str(w.message)) for w in caught])
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    attempt("driven", counting().asend(None).send, None)
    attempt("closed", counting().asend(None).close)
    attempt("thrown into", counting().athrow(Stop).throw, Stop)
    gc.collect()
print("awaited:", [str(w.message) for w in caught])

print("-- anext() with a default")


async def empty():
    return
    yield


async def waits():
    await pause("waiting")
    return
    yield

for default in None, 0, (), (1, 2), (None,), StopIteration(3), ValueError, [1]:
    attempt("empty", anext(empty(), default).send, None)
    awaitable = anext(waits(), default)
    attempt("waits", awaitable.send, None)
    attempt("waits, then", awaitable.send, None)
    awaitable = anext(waits(), default)
    attempt("waits", awaitable.send, None)
    attempt("thrown", awaitable.throw, Stop)


class Iterator:
    def __aiter__(self):
        return self

    async def __anext__(self):
        await pause("waiting")
        raise StopAsyncIteration


awaitable = anext(Iterator(), (1, 2))
attempt("own", awaitable.send, None)
attempt("own, then", awaitable.send, None)
awaitable = anext(Iterator(), (1, 2))
attempt("own", awaitable.send, None)
attempt("own, closed", awaitable.close)
