# next, send, throw and close, called in every way: as functions, bound methods, from loops, with defaults, from inside the generator.
import sys


def echo():
    value = None
    while True:
        try:
            value = yield value
        except ValueError as e:
            value = repr(e), repr(e.__context__)


g = echo()
send, throw = g.send, g.throw
print(next(g), send(1), g.send(2), [send(i) for i in range(4)], type(g).send(g, 5), g.__next__())
print(throw(ValueError), throw(ValueError("instance")), g.throw(ValueError, "value"), g.throw(ValueError("again")))
try:
    raise KeyError("handled by the caller")
except KeyError:
    print(g.throw(ValueError("with context")), throw(ValueError))
for bad in 5, int, "text", None:
    try:
        throw(bad)
    except TypeError as e:
        print(e)
print(send("still alive"))


class Odd(Exception):
    def __init__(self): raise ValueError("from the constructor")


class Resumes(ValueError):
    def __init__(self, *args): print("resumed while being thrown", g.send("inner"))


print(throw(Odd), throw(Resumes))
try:
    throw(KeyError("out"))
except KeyError as e:
    tb = e.__traceback__
    print(e, tb.tb_next.tb_frame.f_code.co_name, tb.tb_next.tb_next)
for call in lambda: send(1), lambda: next(g), lambda: throw(KeyError("done")):
    try:
        call()
    except (StopIteration, KeyError) as e:
        print(repr(e), e.__context__)
print(next(g, "default"), g.close(), g.close())


def returning(*items):
    for item in items: yield item
    return "value"


g = returning(1, 2)
print(next(g), next(g, "default"), next(g, "default"), next(g, "default"))
g = returning(1)
next(g)
try:
    next(g)
except StopIteration as e:
    print(e.value, e.args, e.__traceback__.tb_next)
print(next(returning(7)), next(returning(), None), next((x for x in "ab" if x > "a"), None))
try:
    next(returning())
except StopIteration as e:
    print(e.value)
try:
    returning(1).send(1)
except TypeError as e:
    print(e)
try:
    next(returning(1), 2, 3)
except TypeError as e:
    print(e)
try:
    g.send()
except TypeError as e:
    print(e)
try:
    g.close(1)
except TypeError as e:
    print(e)


# not started
def starts():
    print("started")
    yield


g = starts()
try:
    g.throw(KeyError("before the start"))
except KeyError as e:
    print(e, e.__traceback__.tb_next.tb_frame.f_code.co_name)
print(next(g, "finished"))
g = starts()
print(g.close(), next(g, "closed"))


# from inside
def inside():
    for call in lambda: next(me), lambda: me.send(1), lambda: me.throw(KeyError), me.close:
        try:
            call()
        except ValueError as e:
            print(e)
    yield "after"


me = inside()
print(next(me), next(me, "end"))


# close: with and without something to clean up, with a result, refusing
def cleaning(kind):
    try:
        yield 1
    except GeneratorExit:
        if kind == "swallows": return "swallowed"
        if kind == "stubborn": yield "no"
        if kind == "raises": raise KeyError("instead")
        raise
    finally:
        print("cleaned", kind)


for kind in "plain", "swallows", "stubborn", "raises":
    g = cleaning(kind)
    next(g)
    try:
        print(g.close())
    except (RuntimeError, KeyError) as e:
        print(repr(e))
    g.close()


# the order in which things die
class Noisy:
    def __init__(self, name): self.name = name
    def __del__(self): print("del", self.name)


def holder(name):
    first = Noisy(name + " first")
    second = Noisy(name + " second")
    yield first
    yield


for x in holder("loop"): pass
x = None
g = holder("closed")
x = next(g)
g.close()
print("closed")
x = None
g = holder("dropped")
next(g)
del g
print("dropped")
next(holder("at once"))
print("at once")
for x in holder("left early"): break
x = None


def outer():
    yield from holder("inner")
    print("inner is over")
    yield


for x in outer(): x = None


# many arguments, defaults, keywords, closures
def many(a, b=2, *c, d=4, **e):
    yield a, b, c, d, e


print(next(many(1)), next(many(1, 3, 5, d=6, f=7)), next(many(*[1, 2], **{"d": 3})))


def counter(n):
    def step():
        nonlocal n
        while True:
            n += 1
            yield n
    return step()


c = counter(5)
print(next(c), next(c), next(counter(0)))


# range in for keeps what range refuses
for args in (0,), (3,), (2, 5), (5, 2, -1), (1, 10, 4), (10**30, 10**30 + 2), (True,):
    print([i for i in range(*args)], end=" ")
print()
for i in range(3): pass
for i in range(5, 0, -2): print(i, end=" ")
for i in range(2**61 - 2, 2**61 + 1): print(i, end=" ")
for i in range(-2**61, -2**61 + 2): print(i, end=" ")
print()
for call in lambda: [x for x in range(1, 2, 0)], lambda: [x for x in range()], lambda: [x for x in range(1.5)], lambda: [x for x in range("a")]:
    try:
        call()
    except (TypeError, ValueError) as e:
        print(e)


# recursion: each resume through native code counts
def deep(n):
    if n: yield next(deep(n - 1))
    else: yield "bottom"


print(next(deep(100)))
try:
    next(deep(10 ** 6))
except RecursionError:
    print("too deep")


# a tracer sees each of them
events = []


def tracer(frame, event, arg):
    if frame.f_code.co_name == "echo": events.append(event)
    return tracer if frame.f_code.co_name == "echo" else None


g = echo()
sys.settrace(tracer)
next(g)
g.send(1)
g.throw(ValueError)
g.close()
sys.settrace(None)
print(events)
events.clear()
g = echo()


def profiler(frame, event, arg):
    if event.startswith("c_"): events.append((event, arg.__name__))
    elif frame.f_code.co_name == "echo": events.append(event)


sys.setprofile(profiler)
next(g)
g.send(1)
sys.setprofile(None)
print(events)


# One generator, resumed in another way each time: what the last way left behind does not mislead the next.
def numbers():
    n = 0
    while True:
        got = yield n
        n += 1
        if got:
            n += got


def one_of(source):
    for value in source:
        return value


def two_of(source):
    yield from zip((0, 1), source)


g = numbers()
send = g.send
seen = []
for turn in range(4):
    seen += [one_of(g), next(g), send(10), send(10), g.send(10), sum(value for value, _ in zip(g, "ab")), list(two_of(g)), one_of(g), one_of(g)]
    seen += [g.__next__(), max(zip(g, range(2))), [value for value, _ in zip(g, range(2))], next(g, None)]
    if turn == 1:
        sys.settrace(lambda frame, event, arg: None)
    elif turn == 2:
        sys.settrace(None)
print(seen)


def delegating(inner):
    result = yield from inner
    return result


inner = numbers()
outer = delegating(inner)
print(next(outer), outer.send(5), next(inner), one_of(inner), outer.send(1), [value for value, _ in zip(outer, range(3))], inner.send(2), next(outer))
for value in inner:
    if value > 40:
        inner.close()
print(value, list(outer), list(inner))
