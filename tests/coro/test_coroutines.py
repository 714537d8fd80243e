# Coroutines without an event loop: driven by hand.
import sys
import types
import warnings


@types.coroutine
def pause(v):
    return (yield v)


def run(coro):
    out = []
    value = None
    try:
        while True:
            out.append(coro.send(value))
            value = len(out)
    except StopIteration as e:
        return out, e.value


async def leaf(n):
    total = 0
    for i in range(n):
        total += await pause(i)
    return total


async def middle(n): return await leaf(n) + await leaf(n)
async def root(n): return "root", await middle(n)


print(run(root(3)))
print(run(leaf(0)))


class Awaitable:
    def __await__(self):
        got = yield "awaited"
        return got


async def uses(x): return await x


print(run(uses(Awaitable())))


class BadAwait:
    def __init__(self, v): self.v = v
    def __await__(self): return self.v


c = leaf(1)
for bad in (5, None, [1], "s", BadAwait(5), BadAwait(None), BadAwait(c), object):
    co = uses(bad)
    try:
        co.send(None)
    except TypeError as e:
        print(e)
c.close()


def plain():
    yield 1


def wrong():
    yield from c2


c2 = leaf(1)
try:
    next(wrong())
except TypeError as e:
    print(e)
try:
    iter(c2)
except TypeError as e:
    print(e)
c2.close()

c = leaf(2)
print(c.cr_await, c.cr_running, c.cr_frame is not None, c.cr_code.co_name, c.cr_origin, c.cr_suspended)
c.send(None)
print(type(c.cr_await).__name__, c.cr_running, c.cr_suspended)
try:
    run(uses(c))
except RuntimeError as e:
    print(e)
try:
    c.throw(ValueError("in"))
except ValueError as e:
    print(e)
for f in (lambda: c.send(None), lambda: c.throw(KeyError), lambda: run(uses(c))):
    try:
        f()
    except RuntimeError as e:
        print(e)
c.close()
print(repr(c).split(" at ")[0], c.cr_frame)
try:
    c = leaf(1)
    c.send(5)
except TypeError as e:
    print(e)
c.close()


async def cleanup(name, inner=None):
    try:
        if inner: await inner
        else: await pause(name)
    except GeneratorExit:
        print("exit", name)
        raise
    finally:
        print("finally", name)


c = cleanup("root", cleanup("leaf"))
c.send(None)
c.close()
c = cleanup("root", cleanup("leaf"))
c.send(None)
del c
c = cleanup("root", cleanup("leaf"))
c.send(None)
try:
    c.throw(KeyError("thrown"))
except KeyError as e:
    tb, names = e.__traceback__, []
    while tb:
        names.append(tb.tb_frame.f_code.co_name)
        tb = tb.tb_next
    print(names)

warnings.simplefilter("always")
with warnings.catch_warnings(record=True) as w:
    leaf(1)
    print([str(x.message).split("\n")[0] for x in w], [x.category.__name__ for x in w])
    d = leaf(1)
    d.close()
    print(len(w))


async def raises(): raise StopIteration(5)


try:
    run(raises())
except RuntimeError as e:
    print(e, repr(e.__cause__))

w = leaf(2).__await__()
print(next(w), w.send(1), type(w).__name__)
try:
    w.send(2)
except StopIteration as e:
    print(e.value)
w = leaf(2).__await__()
next(w)
w.close()
try:
    w.throw(ValueError)
except RuntimeError as e:
    print(e)


class Acm:
    def __init__(self, swallow=False): self.swallow = swallow
    async def __aenter__(self): print("aenter", await pause("in")); return self
    async def __aexit__(self, *args): print("aexit", args[0], await pause("out")); return self.swallow


async def with_(swallow, bad=False):
    async with Acm(swallow) as a:
        if bad: raise ValueError("body")
        return "returned"
    return "after"


print(run(with_(False)), run(with_(True, True)))
try:
    run(with_(False, True))
except ValueError as e:
    print(e)


class NotAsync:
    def __enter__(self): pass
    def __exit__(self, *a): pass


class HalfAsync:
    def __aenter__(self): return 5
    async def __aexit__(self, *a): pass


class NoExit:
    def __aenter__(self): return 5


async def bad_with(m):
    async with m: pass


for m in (NotAsync(), HalfAsync(), NoExit(), 5):
    try:
        run(bad_with(m))
    except (TypeError, AttributeError) as e:
        print(type(e).__name__, e)


async def running():
    try:
        me.send(None)
    except ValueError as e:
        return str(e), me.cr_running


me = running()
print(run(me))
sys.set_coroutine_origin_tracking_depth(2)


def maker(): return leaf(1)


c = maker()
print(len(c.cr_origin), c.cr_origin[0][2], c.cr_origin[1][2])
c.close()
sys.set_coroutine_origin_tracking_depth(0)


def level(c):
    async def f(): return await c
    return f()


c = leaf(3)
for i in range(300): c = level(c)
print(run(c))


async def comp():
    return [await pause(i) for i in range(3)], {await pause(k): 1 for k in "ab"}, [x for x in [1, 2] if await pause(x)]


print(run(comp()))
