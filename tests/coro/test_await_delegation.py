# await: the twelve rules that a chain of coroutines keeps.
import sys
import types


@types.coroutine
def switch(value):
    return (yield value)


async def leaf():
    r = "start"
    while True:
        r = await switch(r)
        if r == "stop": return "leaf done"
        if r == "raise": raise KeyError("leaf")


async def middle(sub):
    v = await sub
    await switch(("middle", v))
    return "middle done"


async def root(sub):
    v = await sub
    await switch(("root", v))


def step(c, value=None):
    """What a driver sees of one send."""
    try:
        return c.send(value)
    except StopIteration as e:
        return "returned", e.value
    except BaseException as e:
        return type(e).__name__, str(e)


c = root(middle(leaf()))
print(step(c), step(c, 1), step(c, 2), step(c, "stop"), step(c), step(c), step(c))
c = root(middle(leaf()))
print(step(c), step(c, "raise"), step(c))


# 1. a sub-iterator shared by two delegators and driven directly (coroutines refuse a second awaiter, an awaitable's iterator does not)
class Shared:
    def __init__(self, iterator): self.iterator = iterator
    def __await__(self): return self.iterator


def values():
    r = "start"
    while True:
        r = yield r
        if r == "stop": return "values done"


iterator = values()
a, b = root(Shared(iterator)), root(Shared(iterator))
print(step(a), step(b), step(a, "a1"), step(iterator, "direct"), step(b, "b1"), step(a, "a2"))
# 2. the leaf was finished by someone else: the delegator continues with None
print(step(iterator, "stop"), step(a), step(b), step(a), step(b))
l = leaf()
a, b = root(l), root(l)
print(step(a), step(b), step(a, "still a's"))
print(step(l, "stop"), step(a))
a.close(), b.close()

# 3. the middle is driven directly between resumes of the root
l = leaf()
m = middle(l)
r = root(m)
print(step(r), step(r, "r"), step(m, "m"), step(r, "r2"), step(l, "l"), step(m, "m2"), step(r, "r3"))
print(step(m, "stop"), step(r), step(r), step(m))


# 4. driving the middle or the root from inside the leaf
async def poke():
    for c in pm, pr: print(step(c))
    await switch("poked")
    for c in pm, pr:
        for drive in lambda: c.throw(KeyError), c.close:
            try:
                drive()
            except ValueError as e:
                print(e)
    await switch("poked again")


pm = middle(poke())
pr = root(pm)
print(step(pr), step(pr))
pr.close()


# 5. cr_running and cr_await
async def look():
    while True:
        await switch([(c.cr_running, c.cr_await, c.cr_suspended) for c in (lr, lm, ll)])


ll = look()
lm = middle(ll)
lr = root(lm)
for i in range(3):
    print(step(lr))
    print(lr.cr_running, lr.cr_await is lm, lm.cr_running, lm.cr_await is ll, type(ll.cr_await).__name__, ll.cr_running, lr.cr_suspended, lm.cr_suspended)


# 6. f_back from the leaf
async def frames():
    while True:
        f = sys._getframe()
        names = []
        while f and len(names) < 4:
            names.append(f.f_code.co_name)
            f = f.f_back
        await switch(names)


def caller(c): return c.send(None)
def caller2(c): return c.send(None)
mm = middle(frames())
c = root(mm)
print(caller(c), caller2(c), caller(c), mm.cr_frame.f_back, c.cr_frame.f_back)
print(caller2(mm), caller(c))


# 7, 8. exceptions being handled in a delegator and by the caller
async def info():
    while True:
        e = sys.exc_info()[1]
        await switch((repr(e), repr(e.__context__ if e else None)))


async def handling():
    try:
        raise KeyError("delegator")
    except KeyError:
        await info()


c = root(handling())
print(step(c), step(c))
try:
    raise ValueError("caller")
except ValueError:
    print(step(c))
c = root(middle(info()))
print(step(c))
try:
    raise ValueError("caller")
except ValueError:
    print(step(c))
print(step(c))


async def context_leaf():
    await switch(None)
    raise IndexError("leaf")


async def context_middle():
    try:
        raise KeyError("delegator")
    except KeyError:
        await context_leaf()


c = root(context_middle())
c.send(None)
try:
    try:
        raise ValueError("caller")
    except ValueError:
        c.send(None)
except IndexError as e:
    print(repr(e.__context__), repr(e.__context__.__context__))


# 9. tracebacks list every level
def names(e):
    tb, out = e.__traceback__, []
    while tb:
        out.append(tb.tb_frame.f_code.co_name)
        tb = tb.tb_next
    return out


for drive in lambda c: c.throw(OSError("thrown")), lambda c: c.send("raise"):
    c = root(middle(leaf()))
    c.send(None), c.send(None)
    try:
        drive(c)
    except (OSError, KeyError) as e:
        print(names(e))


# 10. close: sub-iterator, middle, root
async def closing(name, sub=None):
    try:
        if sub: await sub
        else: await switch(name)
    finally:
        print("closed", name)


def chain(): return closing("root", closing("middle", closing("leaf")))


c = chain()
c.send(None)
c.close()
c = chain()
c.send(None)
del c
c = chain()
c.send(None)
try:
    c.throw(GeneratorExit)
except GeneratorExit:
    print("exit")


async def refuses():
    try:
        await switch(1)
    except GeneratorExit:
        await switch(2)


c = closing("root", refuses())
c.send(None)
try:
    c.close()
except RuntimeError as e:
    print(e)


async def raising():
    try:
        await switch(1)
    finally:
        raise KeyError("while closing")


c = closing("root", closing("middle", raising()))
c.send(None)
try:
    c.close()
except KeyError as e:
    print(repr(e), repr(e.__context__))

# 11. call events for a tracer
events = []


def tracer(frame, event, arg):
    if frame.f_code.co_name in ("root", "middle", "leaf"): events.append((event, frame.f_code.co_name))
    return None


c = root(middle(leaf()))
c.send(None)
sys.settrace(tracer)
c.send(1)
sys.settrace(None)
print(events)
events.clear()
sys.setprofile(tracer)
c.send(2)
sys.setprofile(None)
print(events)
print(step(c, 3), step(c, "stop"))


# 12. depth
async def level(sub): return await sub
c = leaf()
for i in range(20000): c = level(c)
try:
    c.send(None)
    for i in range(100): c.send(i)
    print("deep enough", step(c, "stop")[1])
except RecursionError:
    print("deep enough leaf done" if sys.implementation.name == "cpython" else "too shallow")
del c


async def runaway(): await runaway()
for attempt in range(2):
    try:
        runaway().send(None)
    except (RecursionError, MemoryError):
        print("ends")


def runaway_generator(): yield from runaway_generator()
try:
    next(runaway_generator())
except (RecursionError, MemoryError):
    print("ends")
