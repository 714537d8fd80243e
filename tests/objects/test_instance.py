# Attributes of instances: order, deletion, __dict__ as the live truth, many and odd names.


class A: pass


a = A()
a.x, a.y, a.z = 1, 2, 3
del a.y
a.y = 4
print(a.__dict__, list(vars(a)))
d = a.__dict__
d["new"] = 5
a.other = 6
print(a.new, d["other"], d is a.__dict__)
a.__dict__ = {"fresh": 1}
print(a.fresh, hasattr(a, "x"), d)
try:
    a.__dict__ = 1
except TypeError as e:
    print(e)
try:
    del a.__dict__
except TypeError as e:
    print(e)

b = A()
b.x = 1
del b.x
print(b.__dict__)
b.q = 2
print(b.__dict__, b.q)
try:
    del b.nothing
except AttributeError as e:
    print(e)

many = A()
for i in range(300):
    setattr(many, f"name{i}", i)
print(len(many.__dict__), many.name299, list(many.__dict__)[:3])

for i in range(100):
    one = A()
    setattr(one, "k%d" % i, i)
    one.shared = i
print(one.__dict__)


class Text(str): pass


t = A()
setattr(t, Text("odd"), 1)
print(t.odd, getattr(t, Text("odd")), t.__dict__)
t.__dict__[1] = 2
print(t.odd, sorted(map(str, t.__dict__)))


class Init:
    def __init__(self, n):
        self.a = n
        self.b = n + 1
        if n % 2:
            self.c = n + 2
        self.d = n + 3


for n in range(4):
    print(Init(n).__dict__)


class Hooks:
    def __getattr__(self, name):
        return "got " + name

    def __setattr__(self, name, value):
        super().__setattr__(name, value * 2)

    def __delattr__(self, name):
        print("deleting", name)
        super().__delattr__(name)


h = Hooks()
h.x = 4
print(h.x, h.missing, h.__dict__)
del h.x
print(h.x)


class Attribute:
    def __getattribute__(self, name):
        if name == "special":
            return 1
        return super().__getattribute__(name)


print(Attribute().special)
try:
    Attribute().nothing
except AttributeError as e:
    print(e, e.name, type(e.obj).__name__)


class Raises:
    @property
    def p(self): raise AttributeError("inner")
    def __getattr__(self, name): return "fallback " + name


print(Raises().p, hasattr(A(), "x"), getattr(A(), "x", "default"))
c1, c2 = A(), A()
c1.me, c2.me = c2, c1
del c1, c2
