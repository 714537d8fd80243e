# property, classmethod, staticmethod, Python descriptors.


def attempt(f, *args, **kwargs):
    try:
        print(f(*args, **kwargs))
    except Exception as e:
        print(type(e).__name__ + ":", e)


class A:
    @property
    def x(self):
        "doc of x"
        return self._x

    @x.setter
    def x(self, value): self._x = value

    @property
    def only_read(self): return 1

    nothing = property()
    writes = property(None, lambda self, v: None)

    @classmethod
    def cm(cls, *args): "doc of cm"; return cls, args

    @staticmethod
    def sm(*args): return args


a = A()
a.x = 5
print(a.x, A.x.__doc__, A.x.fget.__name__, A.x.fdel)
attempt(delattr, a, "x")
attempt(setattr, a, "only_read", 1)
attempt(lambda: a.nothing)
attempt(lambda: a.writes)
attempt(lambda: property().__get__(a))
attempt(lambda: property().__set__(a, 1))
attempt(property, 1, 2, 3, 4, 5)
attempt(property, x=1)
print(a.cm(1) == (A, (1,)), A.cm(2) == (A, (2,)), a.sm(1, 2), A.sm(), A.__dict__["sm"](3))
print(A.__dict__["cm"].__doc__, A.__dict__["cm"].__name__, A.__dict__["sm"].__wrapped__ is A.sm, A.__dict__["cm"].__func__.__name__)
print(sorted(vars(staticmethod(A.sm))), repr(staticmethod(len)), repr(classmethod(len)))
attempt(classmethod)
attempt(staticmethod, 1, 2)
attempt(staticmethod, 1, x=2)


class Sub(property):
    pass


s = Sub(lambda self: 1)
print(s.__doc__, s.__dict__)


class Doc:
    @Sub
    def p(self): "sub doc"


print(Doc.p.__doc__)
p = property(doc="given")
p.__doc__ = "changed"
print(p.__doc__, p.getter(lambda self: 1).__doc__)


class Data:
    def __get__(self, obj, owner=None): return "get", obj is None, owner and owner.__name__
    def __set__(self, obj, value): print("set", value)
    def __delete__(self, obj): print("delete")
    def __set_name__(self, owner, name): self.name = name


class NonData:
    def __get__(self, obj, owner=None): return "non-data"


class OnlySet:
    def __set__(self, obj, value): obj.__dict__["only"] = value * 2


class H:
    d = Data()
    n = NonData()
    only = OnlySet()


h = H()
h.__dict__.update(d=1, n=2)
print(h.d, H.d, h.n, H.n)
h.d = 7
del h.d
h.only = 4
print(h.only)
attempt(delattr, h, "only")


class NoGet:
    def __set__(self, obj, value): pass


class I:
    a = NoGet()


print(type(I().a).__name__)


class Abstract:
    @property
    def f(self): pass
    f.fget.__isabstractmethod__ = True


print(Abstract.f.__isabstractmethod__, A.x.__isabstractmethod__)

# binary operators: reflection and subclasses
class N:
    def __init__(self, v): self.v = v
    def __add__(self, o): return "N+" if isinstance(o, N) else NotImplemented
    def __radd__(self, o): return "+N"
    def __pow__(self, o, m=None): return "pow", o, m
    def __rpow__(self, o, m=None): return "rpow", o, m
    def __iadd__(self, o): return "iadd"
    def __bool__(self): return "x"
    def __len__(self): return -1
    def __index__(self): return "a"
    def __hash__(self): return "a"
    def __contains__(self, x): return "truthy"


class NN(N):
    def __radd__(self, o): return "+NN"


print(N(1) + N(2), N(1) + NN(2), 1 + N(1))
attempt(lambda: N(1) + 1)
print(pow(N(1), 2), pow(N(1), 2, 3), 2 ** N(1))
n = N(1)
n += 1
print(n)
attempt(bool, N(1))
attempt(len, N(1))
attempt(hash, N(1))
attempt(lambda: [1][N(1)])
print(5 in N(1))


class Iter:
    def __iter__(self): return 5


attempt(iter, Iter())
attempt(iter, 5)
attempt(next, 5)


class NoIter:
    __iter__ = None
    __contains__ = None
    __hash__ = None
    def __getitem__(self, i): return i


attempt(iter, NoIter())
attempt(lambda: 1 in NoIter())
attempt(hash, NoIter())


class Call:
    def __call__(self, *a, **k): return a, k


print(Call()(1, x=2))
attempt(A(), 1)
c = A()
c.__call__ = lambda: 1
attempt(c)


class Neg:
    def __neg__(self): return "neg"
    def __invert__(self): return "inv"


print(-Neg(), ~Neg())
attempt(lambda: +Neg())
attempt(abs, Neg())


class Cmp:
    def __eq__(self, o): return "eq"
    def __lt__(self, o): return NotImplemented


print(Cmp() == 1, Cmp() != 1, 1 == Cmp())
attempt(lambda: Cmp() < Cmp())


class Rep:
    def __repr__(self): return 5
    def __str__(self): return 5
    def __format__(self, spec): return 5


attempt(repr, Rep())
attempt(str, Rep())
attempt(format, Rep())
