# Instructions: arithmetic at the edges of the unboxed ranges, comparison, containers, unpacking, names, match.
M = 2**61
print(M - 1 + 1, -M - 1, (M - 1) * 2, -(-M), M << 3, 1 << 60, 1 << 61, 1 << 62, -1 << 61, (M - 1) - -1)
print(7 // -2, -7 // 2, 7 % -3, -7 % 3, -M // -1, 5 & -2, 5 | -8, 5 ^ -1, ~5, -5 >> 1, 5 >> 100, -5 >> 100)
print(1e300 * 1e10, 1e308 * 10, -1e308 * 10, 5e-324 / 2, 0.1 + 0.2, 1 / 3, 2 ** 0.5, 7.5 // 2, -7.5 % 2, 1.5 + 1, 1 - 1.5, 3 * 0.5)
print(2**53 / 3, (2**53 + 1) / 3, 1 / 2**70, 10**30 / 10**29)
for bad in ("1/0", "1//0", "1%0", "1.0/0", "1.5//0", "1.5%0", "1<<-1", "1>>-1", "'a'+1", "1+'a'", "[]-1", "-'a'", "~1.5", "1<'a'", "[]<{}", "1 @ 2", "'a' % 1", "'%d' % 'x'"):
    try:
        print(eval(bad))
    except Exception as e:
        print(bad, type(e).__name__, e)
nan = float("nan")
print(nan == nan, nan != nan, nan < 1, 1 < nan, [nan] == [nan], 1 == 1.0, 1 < 1.5, 2**53 == 2.0**53, 2**53 + 1 == 2.0**53, True == 1, None == None, 0.0 == -0.0)
print(1 < 2 < 3, 1 < 3 < 2, 3 > 2 > 2, 1 == 1 != 2, 5 in [1, 5], 5 not in (1, 2), "a" in "abc", not 0, not [], not [0])
a = b = [1, 2]
a += [3]
print(a is b, b)
t = (1, 2)
t += (3,)
print(t)
s = "x"
r = s
s += "y"
print(r, s)
try:
    t = ([],)
    t[0] += [1]
except TypeError as e:
    print(e, t)

x, y = 1, 2
x, y = y, x
(p, q), *r = (1, 2), 3, 4
first, *middle, last = range(5)
*init, z = "ab"
print(x, y, p, q, r, first, middle, last, init, z)
for what in (5, (1,), (1, 2, 3), "abc", {}, {1: 2, 3: 4}, iter([1]), None):
    try:
        m, n = what
        print(m, n)
    except Exception as e:
        print(type(e).__name__, e)
try:
    h, *i, j, k = (1, 2)
except ValueError as e:
    print(e)

l = [1, 2, 3]
print(l[0], l[-1], l[1:], l[::-1], (1, 2)[-2], {1: 2}[1], "abc"[1], b"abc"[1], range(5)[2])
for bad in ("l[3]", "l[-4]", "(1,)[1]", "{}[1]", "'a'[5]", "l['a']", "5[1]", "l[1.5]", "None[0]"):
    try:
        eval(bad)
    except Exception as e:
        print(bad, type(e).__name__, e)
l[0] = 5
del l[1]
print(l)
try:
    l[5] = 1
except IndexError as e:
    print(e)
d = {"a": 1, **{"b": 2}, "c": 3}
print(d, {*[1, 2], 3}, [*"ab", *range(2)], (*[1],))
for bad in ("[*5]", "{**5}", "{*5}", "print(*5)", "{[]: 1}", "{[]}"):
    try:
        eval(bad)
    except TypeError as e:
        print(bad, e)
print([i * j for i in range(3) for j in range(3) if i != j], {i: i * i for i in range(3)}, {c for c in "aab"} == {"a", "b"}, sum(i for i in range(10)))
print([[j for j in range(i)] for i in range(4)])
n = "outer"
print([n for n in range(2)], n)
print(f"{1}{'a'!r:>5}{3.14159:.2f}{x=}{'é'!a}{[1]!s:5}|{'nested' + f'{1 + 1}'}")

def walrus(v):
    if (n := len(v)) > 2: return n
    return [m := 1, m + 1]
print(walrus("abc"), walrus(""))

class Meta(type):
    def __getitem__(cls, k): return k
class Body(metaclass=Meta):
    x = 1
    y = [x for _ in range(2)] if False else x
    def f(self): return __class__.__name__
    z: int = 5
print(Body.y, Body().f(), Body[3], Body.__annotations__)

def matcher(v):
    match v:
        case 0 | 1: return "small"
        case int(n) if n < 0: return f"negative {n}"
        case str() as s: return f"str {s}"
        case [a, b]: return f"pair {a} {b}"
        case [a, *rest]: return f"list {a} {rest}"
        case {"k": v, **rest}: return f"map {v} {rest}"
        case P(x=0, y=y): return f"P0 {y}"
        case P(x, y): return f"P {x} {y}"
        case None: return "none"
        case float(f): return f"float {f}"
        case _: return "other"
class P:
    __match_args__ = ("x", "y")
    def __init__(self, x, y): self.x, self.y = x, y
for v in (0, 1, -5, "s", [1, 2], (1, 2, 3), [], {"k": 1, "j": 2}, P(0, 1), P(2, 3), None, 1.5, 7, {1}, b"ab", range(2)):
    print(matcher(v))
def bad_match(v, C):
    match v:
        case C(1, 2, 3): pass
for C in (P, int, 5):
    try:
        bad_match(P(1, 2) if C is P else 5, C)
    except TypeError as e:
        print(e)

class Desc:
    def __get__(self, obj, owner): return "desc"
    def __set__(self, obj, v): print("set", v)
class Attr:
    klass = 1
    d = Desc()
    __slots__ = ("s", "__dict__")
    @property
    def prop(self): return self._p
    @prop.setter
    def prop(self, v): self._p = v
    def __getattr__(self, n):
        if n.startswith("__"): raise AttributeError(n)
        return "missing " + n
o = Attr()
for i in range(30):
    o.prop = i; o.s = i; o.new = i; o.d = i if i == 29 else None
print(o.prop, o.s, o.new, o.d, o.klass, o.nope, Attr.klass)
Attr.klass = 2
print(o.klass, Attr.klass)
class Plain: pass
p = Plain()
def get(): return p.x
for i in range(40):
    p.x = i
    get()
Plain.x = property(lambda self: "now a property")
print(get())
del Plain.x
print(get())
p.__dict__["x"] = "dict"
print(get())
del p.x
try:
    get()
except AttributeError as e:
    print(e)
def read_global(): return G
G = 1
for i in range(40): read_global()
G = 2
print(read_global())
del G
try:
    read_global()
except NameError as e:
    print(e)
len = lambda x: "shadow"
def builtin(): return len([])
for i in range(30): builtin()
print(builtin())
del len
print(builtin())
