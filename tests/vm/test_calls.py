# Argument binding: every kind of parameter, and the words of every TypeError.
def show(f, *args, **kwargs):
    try:
        print(f.__qualname__, "->", f(*args, **kwargs))
    except TypeError as e:
        print("TypeError:", e)


def f0(): return "f0"
def f1(x): return x
def f2(x, y): return x, y
def f3(x, y, z): return x, y, z
def d1(x, y=2): return x, y
def d2(x=1, y=2): return x, y
def va(*args): return args
def vk(**kw): return sorted(kw.items())
def ko(*, a): return a
def ko2(*, a, b, c=3): return a, b, c
def po(a, b, /, c=5): return a, b, c
def po_kw(a, /, **kw): return a, kw
def every(a, b=2, /, c=3, *args, d, e=5, **kw): return a, b, c, args, d, e, kw
def one_ko(x, *, k=1): return x, k


show(f0); show(f0, 1); show(f0, 1, 2); show(f0, x=1)
show(f1); show(f1, 1); show(f1, 1, 2); show(f1, x=3); show(f1, y=3); show(f1, 1, x=2)
show(f2); show(f2, 1); show(f2, y=1); show(f2, 1, 2, 3); show(f2, 1, x=1); show(f2, y=1, x=2)
show(f3); show(f3, 1); show(f3, z=1)
show(d1); show(d1, 1); show(d1, 1, 2); show(d1, 1, 2, 3); show(d1, y=3)
show(d2); show(d2, y=7); show(d2, 1, 2, 3, 4)
show(va); show(va, 1, 2); show(va, x=1)
show(vk); show(vk, b=1, a=2); show(vk, 1)
show(ko); show(ko, a=1); show(ko, 1); show(ko, b=1)
show(ko2); show(ko2, a=1); show(ko2, a=1, b=2); show(ko2, 1, a=1, b=2)
show(po); show(po, 1, 2); show(po, a=1, b=2); show(po, 1, b=2); show(po, 1, 2, c=3); show(po, 1, 2, 3, 4)
show(po_kw, 1, a=2); show(po_kw, a=2)
show(every); show(every, 1, d=4); show(every, 1, 2, 3, 4, 5, d=6, e=7, g=8); show(every, 1, b=2, d=3)
show(one_ko, 1, 2); show(one_ko, 1, 2, k=3); show(one_ko)


class C:
    def method(self, x): return x
    def nothing(): return 1
    @classmethod
    def cm(cls, x): return cls.__name__, x
    @staticmethod
    def sm(x): return x


c = C()
show(c.method); show(c.method, 1); show(c.method, 1, 2); show(c.nothing); show(C.method, 1); show(C.cm, 1); show(C.sm, 2); show(C.sm)


def star(f, what):
    try:
        print(f(*what))
    except TypeError as e:
        print("TypeError:", e)


def kwstar(f, what):
    try:
        print(f(**what))
    except TypeError as e:
        print("TypeError:", e)


star(f1, [1]); star(f1, 5); star(f2, "ab"); star(va, range(3)); star(va, (i for i in "xyz"))
kwstar(vk, {"a": 1}); kwstar(vk, 5); kwstar(f1, {"x": 1}); kwstar(vk, {1: 2}); kwstar(f1, {"x": 1, "y": 2})
try:
    vk(a=1, **{"a": 2})
except TypeError as e:
    print("TypeError:", e)
try:
    va(1, *5)
except TypeError as e:
    print("TypeError:", e)
try:
    f1(1, **{"x": 2})
except TypeError as e:
    print("TypeError:", e)


# Functions as values: closures, defaults evaluated once, code replaced while running.
def counter(n=[]):
    n.append(len(n))
    return n


counter(); counter()
print(counter())


def make(n):
    def add(x): return x + n
    def bump():
        nonlocal n
        n += 1
        return n
    return add, bump


add, bump = make(10)
print(add(1), bump(), add(1))


def replaced():
    replaced.__code__ = (lambda: "new").__code__
    return "old " + str(replaced.__code__.co_name)


print(replaced(), replaced())


class Callable:
    def __call__(self, *args, **kw): return args, kw


print(Callable()(1, 2, x=3))
try:
    5()
except TypeError as e:
    print(e)


# __init__ runs as a frame of the loop.
class P:
    def __init__(self, x, y=2): self.x, self.y = x, y
class Q:
    def __init__(self): return 5
class R:
    def __init__(self): raise KeyError("init")
class S:
    pass
print(P(1).y, P(1, y=5).y, P(x=3).x)
for make in (lambda: P(), lambda: P(1, 2, 3), Q, R, lambda: S(1), lambda: P(z=1)):
    try:
        make()
    except Exception as e:
        print(type(e).__name__, e)


def deep(n): return 0 if n == 0 else 1 + deep(n - 1)
print(deep(900))
try:
    deep(10**6)
except RecursionError as e:
    print(e)
print(deep(900))
