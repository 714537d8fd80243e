# Special methods written in Python: what they return, refuse and raise; and how deep they may call each other.
import sys


class Num:
    def __init__(self, v): self.v = v
    def __repr__(self): return f"Num({self.v})"
    def __add__(self, other): return Num(self.v + other.v) if isinstance(other, Num) else Num(self.v + other) if isinstance(other, int) else NotImplemented
    def __radd__(self, other): return Num(("radd", other, self.v))
    def __sub__(self, other): return NotImplemented
    def __rsub__(self, other): return Num(("rsub", other))
    def __iadd__(self, other):
        if other == "refuse": return NotImplemented
        self.v = ("iadd", self.v, other)
        return self
    def __mul__(self, other): raise KeyError("mul")
    def __lt__(self, other): return self.v < other.v if isinstance(other, Num) else NotImplemented
    def __gt__(self, other): return "not a bool"
    def __eq__(self, other): return NotImplemented if other is None else self.v == getattr(other, "v", other)
    def __matmul__(self, other): return ("matmul", other)
    def __or__(self, other): return ("or", other)
    def __ior__(self, other): return NotImplemented
    __hash__ = None


def show(f):
    try:
        print(f())
    except Exception as e:
        print(type(e).__name__, e)


a, b = Num(1), Num(2)
for f in (lambda: a + b, lambda: a + 5, lambda: a + "x", lambda: 5 + a, lambda: a - b, lambda: 7 - a, lambda: a - 7, lambda: a * b, lambda: a < b, lambda: b < a,
          lambda: a < 1, lambda: 1 < a, lambda: a > b, lambda: a == b, lambda: a == 1, lambda: a == None, lambda: a != None, lambda: a != 1, lambda: a <= b,
          lambda: a @ 3, lambda: a | 4, lambda: 4 | a, lambda: "less" if a < b else "not", lambda: "more" if a > b else "not", lambda: not a < b, lambda: a < b < Num(3),
          lambda: a ** 2, lambda: a // 2):
    show(f)


def inplace():
    x = Num(1)
    x += 2
    y = x
    y += "refuse"
    return x, y


def inplace_or():
    x = Num(1)
    x |= 2
    return x


def inplace_missing():
    x = Num(1)
    x -= 2


show(inplace), show(inplace_or), show(inplace_missing)


class Sub(Num):
    def __radd__(self, other): return "sub first"
    def __gt__(self, other): return "sub's gt"


show(lambda: Num(1) + Sub(2)), show(lambda: Num(1) < Sub(2)), show(lambda: Sub(1) + Num(2))


class Seq(list):
    def __add__(self, other): return NotImplemented
    def __mul__(self, other): return NotImplemented


show(lambda: Seq([1]) + [2]), show(lambda: Seq([1]) * 2), show(lambda: Seq([1]) + 2)


# subscripts
class Box:
    def __init__(self): self.log = []
    def __getitem__(self, key):
        if key == "bad": raise KeyError(key)
        if key == "not": return NotImplemented
        return "got", key
    def __setitem__(self, key, value):
        if key == "bad": raise KeyError(key)
        self.log.append(("set", key, value))
    def __delitem__(self, key): self.log.append(("del", key))
    def __contains__(self, item):
        if item == "raise": raise ValueError("contains")
        return item
    def __iter__(self): return iter(self.log)


box = Box()
box[1] = 2
box[1:2] = 3
box["k"], box[0] = 4, 5
del box[1], box["x"]
print(box[1], box["k"], box[1:2], box[-1], box["not"], box.log)
print(1 in box, 0 in box, [] in box, "x" not in box, 0 not in box, [x for x in (0, 1, 2) if x in box], "in" if 0 in box else "out", list(box))
show(lambda: box["bad"]), show(lambda: "raise" in box)
try:
    box["bad"] = 1
except KeyError as e:
    print(repr(e))
box[0] = box[1] = "twice"
box["n"] += ("more",)
print(box.log[-3:])


class BadIter:
    def __iter__(self): return 5


class GoodIter:
    def __iter__(self): return self
    def __next__(self): raise StopIteration


class RaisingIter:
    def __iter__(self): raise KeyError("iter")


def loop(it):
    for x in it: pass
    return "over"


show(lambda: loop(BadIter())), show(lambda: loop(GoodIter())), show(lambda: loop(RaisingIter())), show(lambda: [*GoodIter()])


# attributes
class Dynamic:
    real = "class attribute"
    def __init__(self): self.own = 1
    def __getattr__(self, name):
        if name.startswith("no"): raise AttributeError(name)
        if name.startswith("bad"): raise KeyError(name)
        if name == "method": return lambda *args: ("method", args)
        return "dynamic", name
    @property
    def failing(self): raise AttributeError("inside the property")


d = Dynamic()
print(d.own, d.real, d.other, d.method(1, 2), d.failing)
show(lambda: d.nothing), show(lambda: d.bad_one), show(lambda: d.no_method()), show(lambda: d.bad_method())
try:
    d.nothing
except AttributeError as e:
    print(e.name, e.obj is d)


class All:
    def __getattribute__(self, name):
        if name == "missing": raise AttributeError("of its own")
        return "all", name


print(All().x, All().__class__)
show(lambda: All().missing), show(lambda: All().missing())
try:
    All().missing
except AttributeError as e:
    print(e.name, type(e.obj) is All)


class Both(All):
    def __getattr__(self, name): return "fallback", name


print(Both().x, Both().missing)


class Watched:
    def __setattr__(self, name, value):
        if name == "bad": raise KeyError(name)
        object.__setattr__(self, name, ("seen", value))
    def __delattr__(self, name):
        print("delattr", name)
        object.__delattr__(self, name)


w = Watched()
w.x = 1
w.y = w.z = 2
print(w.x, w.y, w.z)
del w.x
show(lambda: w.x)
try:
    w.bad = 1
except KeyError as e:
    print(repr(e))
w.y += ("again",)
print(w.y)


class Props:
    def __init__(self): self._v = 0
    @property
    def v(self): return self._v
    @v.setter
    def v(self, value):
        if value == "bad": raise ValueError(value)
        self._v = value
    @v.deleter
    def v(self): self._v = "deleted"
    @property
    def readonly(self): return 1


p = Props()
for i in range(3):
    p.v = i
    p.v += 10
print(p.v)
del p.v
print(p.v)
for value in "bad", "good":
    try:
        p.v = value
    except ValueError as e:
        print(repr(e), e.__traceback__.tb_next.tb_frame.f_code.co_name)
try:
    p.readonly = 1
except AttributeError as e:
    print(e)
try:
    del p.readonly
except AttributeError as e:
    print(e)


# operands live until the method has returned, and no longer
class Noisy:
    def __init__(self, name): self.name = name
    def __add__(self, other):
        print("adding")
        return "sum"
    def __getitem__(self, key): return "item"
    def __setattr__(self, name, value):
        object.__setattr__(self, name, value)
    def __del__(self): print("del", self.name)


print(Noisy("left") + Noisy("right"))
print(Noisy("box")[Noisy("key")])
Noisy("object").attribute = Noisy("value")
print("end")


# depth: none of them needs the C stack, so the limit counts Python frames alone
class Deep:
    def __init__(self, n): self.n = n
    def __add__(self, other): return Deep(self.n - 1) + other if self.n else "added"
    def __eq__(self, other): return Deep(self.n - 1) == other if self.n else True
    def __getitem__(self, key): return Deep(self.n - 1)[key] if self.n else "item"
    def __contains__(self, key): return key in Deep(self.n - 1) if self.n else True
    def __getattr__(self, name): return getattr(self, "down").deeper if name == "deeper" and self.n else "attribute"
    @property
    def down(self): return Deep(self.n - 1)
    @property
    def value(self): return 0
    @value.setter
    def value(self, v):
        if self.n: Deep(self.n - 1).value = v


limit = sys.getrecursionlimit()
sys.setrecursionlimit(3000)
d = Deep(900)
print(d + 1, d == 2, d[3], 4 in d)
d.value = 1
for f in lambda: Deep(10**6) + 1, lambda: Deep(10**6) == 1, lambda: Deep(10**6)[1], lambda: 1 in Deep(10**6), lambda: setattr(Deep(10**6), "value", 1):
    try:
        f()
        print("no end")
    except RecursionError as e:
        print("RecursionError")
sys.setrecursionlimit(limit)


# tracers see them as calls
events = []


def tracer(frame, event, arg):
    if event == "call" and frame.f_code.co_name.startswith("__"): events.append(frame.f_code.co_name)


sys.setprofile(tracer)
a + b, a < b, box[1], 1 in box, w.y
w.y = 1
sys.setprofile(None)
print(events)
