# names: global, nonlocal, comprehensions, class bodies, del, augmented assignment, star targets, walrus, except names
import sys

g = "global"


def outer():
    a, b = "a", "b"

    def change():
        nonlocal a
        global g
        a += "!"
        g += "!"
        del globals()["g"]
        g = "again"
        return lambda: (a, b, g)
    return change, lambda: a


change, look = outer()
print(change()(), look(), g)


class Body:
    g = "class"
    seen = [g for _ in range(2)]
    def method(self): return g
    first = [x for x in g]
    nested = lambda: g
    x = 5
    squares = {k: v for k, v in zip("ab", [x] * 2)}
    try:
        inner = [x for _ in "a"]
    except NameError as e:
        inner = str(e)
    class Deeper:
        try: y = x
        except NameError as e: y = str(e)
    del x
    locals()["made"] = "by locals"
    for i in range(3): pass
    print(sorted(n for n in locals() if not n.startswith("__")))


print(Body.seen, Body().method(), Body.first, Body.nested(), Body.squares, Body.inner, Body.Deeper.y, Body.i, Body.made, hasattr(Body, "x"))


def report(f, *args):
    try:
        print(f.__name__, f(*args))
    except Exception as e:
        print(f.__name__, type(e).__name__, e)


def unbound(): print(local); local = 1
def deleted(): local = 1; del local; return local
def free():
    def use(): return later
    if False: later = 1
    return use()
def maybe(n):
    if n: value = n
    return value
def loop():
    for i in []: pass
    return i
def handler():
    try: 1 / 0
    except ZeroDivisionError as e: kept = e
    try: return e
    except NameError as n: return type(n).__name__, str(n), kept
def walrus(): return [y := x * 2 for x in range(3)], y, (z := 5) + z, [last := i for i in range(4) if (j := i) % 2], last, j
def late(): return [f() for f in [lambda: i for i in range(3)]], [f() for f in [lambda i=i: i for i in range(3)]]
def genexp_scope():
    seen = []
    def note(n): seen.append(n); return range(n)
    gen = (x + y for x in note(2) for y in note(x))
    early = list(seen)
    return early, list(gen), seen
def del_cell():
    x = 1
    def inner(): return x
    del x
    try: return inner()
    except NameError as e: return str(e)
def global_loop():
    global loop_variable
    for loop_variable in range(3): pass
    return loop_variable
def exec_local():
    x = 1
    exec("x = 2")
    space = {}
    exec("y = 3\ndef f(): return y", space)
    return x, space["f"](), eval("x + 1"), sorted(locals())
def star():
    a, *b = "abc"; *c, d = [1]; (e, (f, *h)), *i = (1, "xyz"), 2, 3; [*j] = range(2); *k, = ()
    return a, b, c, d, e, f, h, i, j, k
def star_bad(): a, *b, c = "x"
def unpack_many(): a, b = 1, 2, 3
def unpack_few(): a, b, c = "ab"
def unpack_not(): a, b = 1
def starred_calls(): return (lambda *a, **k: (a, k))(*[1], 2, *"ab", **{"x": 1}, y=2, **{}), [*range(2), *"a"], {*"a", *()}, {**{"a": 1}, "a": 2, **{"b": 3}}, (*[1], 2)
def chained():
    log = []
    def f(n): log.append(n); return n
    result = f(1) < f(3) > f(2) <= f(0) < f(9)
    a = b = c = []
    a.append(1)
    return result, log, b is c, c
def order():
    log = []
    def k(n): log.append(n); return n
    class D(dict):
        def __setitem__(self, key, value): log.append(("set", key, value)); dict.__setitem__(self, key, value)
    d = D({1: 10})
    d[k(1)] += k(2)
    d[k(3)], d[k(4)] = k(5), k(6)
    {k(7): k(8), k(9): k(10)}
    k(11) if k(0) else k(12)
    k(13) or k(14) and k(15)
    (lambda a=k(16), *, b=k(17): 0)
    return log
def augmented():
    class A:
        def __init__(self): self.log = []
        def __getattr__(self, n): self.log.append(("get", n)); return 1
        def __getitem__(self, i): self.log.append(("item", i)); return [0]
        def __setitem__(self, i, v): self.log.append(("store", i, v))
        def __iadd__(self, o): self.log.append(("iadd", o)); return self
        def __imatmul__(self, o): return "matmul"
    a = A()
    a += 1; a.x += 2; a[3] += [4]; a[1:2] += [5]; a[1, ...] *= 2
    log = a.log
    a @= 1
    n, l, t, s = 7, [1], (1,), {1, 2}
    l2 = l; t2 = t; s2 = s
    n **= 2; n //= 5; n <<= 3; n |= 1; n ^= 3; n &= 0xFF; n %= 50; n -= 1; n >>= 1; n /= 4
    l *= 2; l += "ab"; t += (2,); s -= {1}; s |= {9}; s ^= {2, 5}; s &= {9, 5}
    return log, a, n, l, l is l2, t, t is t2, s, s is s2
def tuple_item():
    t = ([],)
    try: t[0] += [1]
    except TypeError as e: return t, str(e)
def deletes():
    d, l = {"a": [1, 2, 3], "b": 1}, list(range(9))
    class C: x = y = 1
    del d["b"], l[::2], l[-1], (d["a"][0]), [C.x, C.y]
    del (l[0])
    return d, l, vars(C).keys() & {"x", "y"}
def finally_flow():
    out = []
    def f(n):
        for i in range(3):
            try:
                if n == i == 0: continue
                if n == 1: break
                if n == 2: return "try"
                if n == 3: raise KeyError(i)
            except KeyError as e:
                out.append(repr(e))
                if i == 1: return "except"
            else: out.append("else")
            finally:
                out.append(i)
                if n == 4: return "finally"
        else: out.append("loop else")
        return "end"
    return [f(n) for n in range(5)], out
def swallowed():
    for i in range(2):
        try: raise ValueError
        finally: continue
    try: raise ValueError
    finally: return "swallowed"
def contexts():
    def f():
        try:
            try: 1 / 0
            except ZeroDivisionError: {}["k"]
            finally: [][1]
        except IndexError as e: return e
    e = f()
    chain = []
    while e: chain.append(type(e).__name__); e = e.__context__
    try: raise ValueError from KeyError("cause")
    except ValueError as v: return chain, repr(v.__cause__), v.__suppress_context__, sys.exc_info()[0].__name__
def annotations():
    x: int
    y: str = "a"
    (z): list = []
    d = {}
    d["k"]: undefined_here = 1
    return y, z, d
def conditional_imports():
    import os.path, collections.abc as c, json.decoder
    from math import pi as p, floor
    from importlib import import_module as im
    return os.path is im("posixpath"), c.__name__, json.decoder.__name__, p, floor(2.5)
def import_bad():
    out = []
    for text in ("import nosuch.thing", "from os import nosuch", "from . import x", "from .. import y", "import os.nosuch", "from os.path import join, nosuch2", "from math import *"):
        try: exec(text, {"__name__": "m", "__package__": ""})
        except ImportError as e: out.append((type(e).__name__, str(e).split(" (/")[0], e.name))
        else: out.append(text)
    return out


for f in (unbound, deleted, free, loop, handler, walrus, late, genexp_scope, del_cell, global_loop, exec_local, star, star_bad, unpack_many, unpack_few, unpack_not, starred_calls, chained, order,
          augmented, tuple_item, deletes, finally_flow, swallowed, contexts, annotations, conditional_imports, import_bad):
    report(f)
report(maybe, 0)
report(maybe, 1)
print(annotations.__annotations__, "loop_variable" in globals())
try:
    del never
except NameError as e:
    print(e)
names = [k for k in list(globals()) if k == "i"]
[i for i in range(3)]
print(names, "i" in globals())
