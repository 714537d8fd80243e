# Async generators, driven by hand: iteration, asend, athrow, aclose, hooks, and the errors of misuse.
import sys
import types

if hasattr(sys, "set_asyncgen_mode"):
    sys.set_asyncgen_mode("compat")              # the words of the errors below are CPython's


@types.coroutine
def pause(v):
    return (yield v)


def run(coro):
    out, value = [], None
    try:
        while True:
            out.append(coro.send(value))
            value = len(out)
    except StopIteration as e:
        return out, e.value
    except StopAsyncIteration as e:
        return out, "StopAsyncIteration", e.args


async def numbers(n):
    try:
        for i in range(n):
            got = await pause("p%d" % i)
            x = yield (i, got)
            if x: print("sent", x)
    finally:
        print("finally", await pause("f"))


async def collect(g): return [x async for x in g]


async def loop(g, stop=None):
    out = []
    async for x in g:
        out.append(x)
        if len(out) == stop: break
    else:
        out.append("else")
    return out


print(run(collect(numbers(3))))
print(run(loop(numbers(2))))
g = numbers(3)
print(run(loop(g, 1)))
print(run(g.__anext__()), run(g.asend("hello")))
print(run(g.aclose()), run(g.aclose()))
print(run(g.__anext__()), run(g.athrow(ValueError)))

g = numbers(1)
try:
    run(g.asend(5))
except TypeError as e:
    print(e)
g = numbers(2)
a = g.__anext__()
a.send(None)
print(g.ag_running, g.ag_await is not None, g.ag_frame is not None)
b = g.__anext__()
try:
    b.send(None)
except RuntimeError as e:
    print(e)
try:
    run(g.aclose())
except RuntimeError as e:
    print(e)
try:
    a.send("x")
except StopIteration as e:
    print(e.value)
print(g.ag_running)
try:
    a.send(None)
except RuntimeError as e:
    print(e)
try:
    run(g.athrow(KeyError("into")))
except KeyError as e:
    print("KeyError", e)


async def ignores():
    try:
        yield 1
    except GeneratorExit:
        yield 2


g = ignores()
run(g.__anext__())
try:
    run(g.aclose())
except RuntimeError as e:
    print(e)


async def catches():
    while True:
        try:
            yield "ready"
        except ValueError as e:
            await pause("handling")
            yield "caught %s" % e


g = catches()
print(run(g.__anext__()), run(g.athrow(ValueError("v"))), run(g.__anext__()))


async def stops(e):
    yield 1
    raise e


for e in (StopIteration(1), StopAsyncIteration(2)):
    try:
        run(collect(stops(e)))
    except RuntimeError as err:
        print(err, repr(err.__cause__))

for bad in (5, [1], object()):
    try:
        run(loop(bad))
    except TypeError as e:
        print(str(e))


class BadIter:
    def __aiter__(self): return 5


class BadNext:
    def __aiter__(self): return self
    def __anext__(self): return 5


class Good:
    def __init__(self): self.n = 0
    def __aiter__(self): return self
    async def __anext__(self):
        self.n += 1
        if self.n > 3: raise StopAsyncIteration
        return await pause(self.n)


for bad in (BadIter(), BadNext()):
    try:
        run(loop(bad))
    except TypeError as e:
        print(e, repr(e.__cause__))
print(run(loop(Good())), run(collect(Good())))

first, final = [], []
sys.set_asyncgen_hooks(firstiter=lambda g: first.append(g.__name__), finalizer=lambda g: final.append(g.__name__))
g = numbers(3)
print(run(g.__anext__()), first, final)
del g
print(final)
g = numbers(1)
del g
print(first, final)
print(run(collect(numbers(1))), final)
sys.set_asyncgen_hooks(None, None)


async def outer(n):
    async for x in numbers(n):
        yield x, await pause("outer")


print(run(collect(outer(2))))


async def nested(n, depth):
    if depth == 0:
        async for x in numbers(n): yield x
    else:
        async for x in nested(n, depth - 1): yield x


print(run(collect(nested(2, 20))))


async def with_default(g): return await anext(g, "default"), await anext(g, "default")


print(run(with_default(numbers(1))))


async def plain_anext(g): return await anext(g)


print(run(plain_anext(Good())))
try:
    anext(5)
except TypeError as e:
    print(e)
g = numbers(1)
print(type(g).__name__, repr(g).split(" at ")[0], type(g.asend(1)).__name__, type(g.aclose()).__name__, aiter(g) is g)
g.__name__ = "n"
print(g.__name__, g.ag_code.co_name)


async def gen_throw():
    try:
        yield 1
        yield 2
    except KeyError:
        yield "recovered"


async def drive():
    g = gen_throw()
    out = [await g.asend(None), await g.athrow(KeyError("x"))]
    try:
        await g.__anext__()
    except StopAsyncIteration:
        out.append("end")
    return out


print(run(drive()))


async def closes(g):
    async for x in g: await pause("body")


g = numbers(5)
c = closes(g)
print(c.send(None), c.send(None))
try:
    c.throw(ZeroDivisionError("thrown"))
except ZeroDivisionError as e:
    print(e)
print(g.ag_running, run(g.aclose()))
c = closes(numbers(1))
c.send(None)
try:
    print(c.throw(OSError("in generator")))
    c.send(None)
except OSError as e:
    tb, names = e.__traceback__, []
    while tb:
        names.append(tb.tb_frame.f_code.co_name)
        tb = tb.tb_next
    print(names)


async def agen_expr(): return [y async for y in (x * 2 async for x in Good())]


print(run(agen_expr()))


async def comp_conditions(): return {x async for x in Good() if x != 2}, {x: 1 async for x in Good()}, [i + j async for i in Good() for j in (1, 2)]


print(run(comp_conditions()))
