# Weak references and proxies.
import gc
import weakref


def attempt(f, *args, **kwargs):
    try:
        print(f(*args, **kwargs))
    except Exception as e:
        print(type(e).__name__ + ":", e)


class A:
    def __init__(self, n=0): self.n = n
    def __eq__(self, o): return isinstance(o, A) and self.n == o.n
    def __hash__(self): return hash(self.n)
    def __add__(self, o): return self.n + o
    def __call__(self, x): return x
    def __len__(self): return 3
    def __getitem__(self, i): return i


a = A(1)
r = weakref.ref(a)
print(r() is a, weakref.ref(a) is r, weakref.getweakrefcount(a), r.__callback__)
log = []
r2 = weakref.ref(a, lambda ref: log.append(ref is r2))
r3 = weakref.ref(a, lambda ref: log.append("second"))
print(r2 is r, r2 == r, hash(r) == hash(a), weakref.getweakrefcount(a))
b = A(1)
print(r == weakref.ref(b))
p = weakref.proxy(a)
print(p.n, p + 5, p(7), len(p), p[2], type(p).__name__, isinstance(p, A), p == a)
p.n = 9
print(a.n)
attempt(hash, p)
del a
print(r(), log, r == r2, r2 == r2)
attempt(lambda: p.n)
print(repr(r).endswith("; dead>"), hash(r) == hash(1))
attempt(hash, r3)
attempt(weakref.ref, 1)
attempt(weakref.ref)
attempt(weakref.ref, A(), 1, 2)


class Sub(weakref.ref):
    def __new__(cls, ob, callback=None, extra=None): return super().__new__(cls, ob, callback)
    def __init__(self, ob, callback=None, extra=None):
        super().__init__(ob, callback)
        self.extra = extra


x = A(3)
s1, s2 = Sub(x, extra=5), Sub(x)
print(s1.extra, s1 is s2, s1 == s2)

d = weakref.WeakValueDictionary()
d["k"] = x
s = weakref.WeakSet([x])
k = weakref.WeakKeyDictionary({x: 1})
print(len(d), len(s), len(k))
del x
gc.collect()
print(len(d), len(s), len(k))


def bad(ref): raise ValueError("in callback")


class Cycle: pass


c = Cycle()
c.self = c
done = []
wr = weakref.ref(c, lambda r: done.append(1))
del c
gc.collect()
print(wr(), done)


class Fin:
    pass


f = Fin()
fin = weakref.finalize(f, print, "finalized")
del f
print(fin.alive)
m = A().__call__
print(weakref.WeakMethod(m)() is None or True)
