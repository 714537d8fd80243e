# Generators: the whole protocol.
import sys


def gen():
    try:
        x = yield 1
        print("got", x)
        y = yield 2
        print("got", y)
    finally:
        print("finally")
    return "value"


g = gen()
print(next(g), g.send("a"))
try:
    g.send("b")
except StopIteration as e:
    print("stop", e.value)
print(list(g), g.gi_frame, g.gi_running, g.gi_code.co_name)
g = gen()
try:
    g.send(1)
except TypeError as e:
    print(e)
next(g)
try:
    g.throw(KeyError("thrown"))
except KeyError as e:
    print("out", e)
try:
    g.throw(KeyError("again"))
except KeyError as e:
    print("finished", e)
g = gen()
next(g)
g.close()
g.close()
g = gen()
next(g)
del g
print("dropped")


def ignores():
    try:
        yield 1
    except GeneratorExit:
        yield 2


g = ignores()
next(g)
try:
    g.close()
except RuntimeError as e:
    print(e)


def catching():
    while True:
        try:
            yield "ready"
        except ValueError as e:
            yield "caught %s" % e


g = catching()
print(next(g), g.throw(ValueError("x")), next(g), g.throw(ValueError), g.send(None))
for args in ((5,), (ValueError("a"), 1), (ValueError, "v"), (ValueError, ("a", "b")), (ValueError, None, 5), (int,)):
    g = catching()
    next(g)
    try:
        print(g.throw(*args))
    except TypeError as e:
        print(e)


def raises_stop():
    yield 1
    raise StopIteration("inside")


try:
    list(raises_stop())
except RuntimeError as e:
    print(e, repr(e.__cause__), e.__context__ is e.__cause__)


def me():
    try:
        next(it)
    except ValueError as e:
        yield str(e)
    yield it.gi_running, it.gi_suspended


it = me()
print(next(it), next(it), it.gi_running, it.gi_suspended)


def handled():
    try:
        raise KeyError("in generator")
    except KeyError:
        yield sys.exc_info()[1]
        yield sys.exc_info()[1]
    yield sys.exc_info()[1]


g = handled()
print(repr(next(g)), sys.exc_info()[1])
try:
    raise ValueError("outside")
except ValueError:
    print(repr(next(g)), repr(sys.exc_info()[1]))
    print(repr(next(g)))
print(sys.exc_info()[1])


def context():
    try:
        yield
    finally:
        raise IndexError("second")


g = context()
next(g)
try:
    try:
        raise ValueError("outer")
    except ValueError:
        g.throw(KeyError("first"))
except IndexError as e:
    print(repr(e.__context__), repr(e.__context__.__context__))

for x in gen():
    print("loop", x)
print([x for x in (i * i for i in range(5)) if x % 2], sum(i for i in range(100)), list(map(lambda g: next(g), [gen(), gen()])))
print(list(zip((i for i in range(3)), (c for c in "abc"))), max(x for x in [3, 1]), dict((i, i) for i in range(2)), tuple(i for i in ()))


def empty():
    return
    yield


print(list(empty()), next(empty(), "default"))
g = gen()
g.__name__ = "renamed"
g.__qualname__ = "q.renamed"
print(g.__name__, repr(g).split(" at ")[0])
try:
    g.__name__ = 5
except TypeError as e:
    print(e)
try:
    import copy
    copy.copy(g)
except TypeError as e:
    print(e)
try:
    type(g)()
except TypeError as e:
    print(e)


def args(a, b=2, *c, d=4, **e):
    yield a, b, c, d, e


print(next(args(1)), next(args(1, 3, 5, d=6, f=7)))
try:
    args()
except TypeError as e:
    print(e)


def fib():
    a, b = 0, 1
    while True:
        yield a
        a, b = b, a + b


def take(n, it):
    for i, x in enumerate(it):
        if i == n: return
        yield x


print(list(take(12, fib())))


def tree(n):
    if n:
        for x in tree(n - 1): yield x
        yield n
        for x in tree(n - 1): yield x


print(list(tree(3)))


class Watch:
    def __del__(self): print("del")


def holds():
    w = Watch()
    yield 1
    print("not reached")


g = holds()
next(g)
g = None
print("after del")


def unraisable():
    try:
        yield
    finally:
        raise ValueError("while closing")


sys.unraisablehook = lambda u: print("unraisable", repr(u.exc_value))
g = unraisable()
next(g)
del g


def deep(n):
    if n: yield from deep(n - 1)
    else: yield sys._getframe()


f = next(deep(5))
print(f.f_back, f.f_lineno > 0, f.f_code.co_name)


def recursive():
    yield 1
    for x in recursive(): yield x


try:
    n = 0
    for x in recursive(): n += 1
except RecursionError as e:
    print(n > 100, e)


def lazy_try():
    with open("/dev/null") as f:
        for i in range(3):
            try:
                if i == 1: continue
                yield i
            finally:
                print("inner", i)


print(list(lazy_try()))
