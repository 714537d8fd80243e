# Classes: creation, mro, metaclasses, slots, subclass hooks, messages.


def attempt(f, *args, **kwargs):
    try:
        print(f(*args, **kwargs))
    except Exception as e:
        print(type(e).__name__ + ":", e)


class A: pass
class B(A): pass
class C(A): pass
class D(B, C): pass


print(D.__mro__, D.__bases__, D.__base__)
print(list(A.__dict__), A.__subclasses__())
attempt(type, "E", (A, D), {})
attempt(type, "E", (A, A), {})
attempt(type, "E", (int, str), {})
attempt(type, "E", (bool,), {})
attempt(type, "E", (1,), {})
attempt(type, 1, (), {})
attempt(type, "E", 1, {})
attempt(type, "E", (), 1)
attempt(type, "E", ())
attempt(type, "a\0b", (), {})
attempt(type, "E", (), {"__qualname__": 1})
attempt(type, "E", (), {"__slots__": 1})
attempt(type, "E", (), {"__slots__": [1]})
attempt(type, "E", (), {"__slots__": ["1"]})
attempt(type, "E", (), {"__slots__": ["x"], "x": 1})
attempt(type, "E", (), {"__slots__": ["__dict__", "__dict__"]})
attempt(type, "E", (A,), {"__slots__": ["__weakref__"]})
attempt(type, "E", (int,), {"__slots__": ["x"]})
attempt(type, "E", (tuple,), {"__slots__": ()})


class M1(type): pass
class M2(type): pass
class X1(metaclass=M1): pass
class X2(metaclass=M2): pass


attempt(type, "E", (X1, X2), {})
print(type(type("E", (X1,), {})))


class Slotted:
    __slots__ = ("b", "a", "__private")

    def __init__(self):
        self.a = 1
        self.__private = 2


s = Slotted()
print(s.a, s._Slotted__private, Slotted.__dict__["_Slotted__private"], Slotted.__slots__)
attempt(lambda: s.b)
attempt(lambda: setattr(s, "zzz", 1))
attempt(lambda: s.__dict__)
del s.a
attempt(lambda: s.a)
try:
    del s.a
except AttributeError as e:
    print(e)


class SlottedChild(Slotted):
    pass


c = SlottedChild()
c.extra = 5
print(c.__dict__, c.a, c._Slotted__private)


class IntWithDict(int):
    pass


i = IntWithDict(12345678901234567890)
i.note = "big"
print(i, i.note, i + 1, type(i + 1), i.__dict__)


class TupleWithDict(tuple):
    pass


t = TupleWithDict([1, 2, 3])
t.x = t
print(t, t.x is t, t[1:], hash(t) == hash((1, 2, 3)))


class StrWithSlots(str):
    __slots__ = ("mark",)


w = StrWithSlots("hello")
w.mark = 7
print(w, w.mark, w.upper(), type(w.upper()))


class Registry:
    seen = []

    def __init_subclass__(cls, /, tag=None, **kwargs):
        super().__init_subclass__(**kwargs)
        cls.seen.append((cls.__name__, tag))


class R1(Registry, tag="one"): pass
class R2(R1): pass


print(Registry.seen)
try:
    class R3(Registry, bad=1): pass
except TypeError as e:
    print(e)
try:
    class R4(bad=1): pass
except TypeError as e:
    print(e)


class Named:
    def __set_name__(self, owner, name):
        self.where = owner.__name__, name


class HasNamed:
    first = Named()
    second = Named()


print(HasNamed.first.where, HasNamed.second.where)


class BadName:
    def __set_name__(self, owner, name):
        1 / 0


try:
    class UsesBad:
        attribute = BadName()
except RuntimeError as e:
    print(e.args[0].split(" at ")[0][:70], type(e.__cause__).__name__)


class Item:
    def __class_getitem__(cls, key):
        return cls.__name__, key


print(Item[1, 2])
attempt(lambda: A[1])
attempt(lambda: A()[1])

# attributes of classes
print(A.__name__, A.__qualname__, A.__module__, A.__doc__, A.__text_signature__, A.__annotations__)
A.__name__ = "Renamed"
A.__qualname__ = "Outer.Renamed"
print(A, A.__name__)
attempt(setattr, A, "__name__", 1)
attempt(setattr, A, "__qualname__", 1)
attempt(delattr, A, "__name__")
attempt(setattr, A, "__bases__", 1)
attempt(setattr, A, "__bases__", ())
attempt(setattr, A, "__bases__", (B,))
attempt(setattr, int, "x", 1)
attempt(setattr, int, "__name__", "x")
attempt(setattr, A, "__mro__", ())
attempt(delattr, A, "nothing")
attempt(lambda: A.nothing)
attempt(lambda: A().nothing)


class P: x = 1
class Q: x = 2
class S(P): pass


print(S.x, S().x)
S.__bases__ = (Q,)
print(S.x, S.__mro__, P.__subclasses__(), Q.__subclasses__())


class Meta(type):
    def mro(cls):
        return [cls, P, object]


class Odd(metaclass=Meta): pass


print(Odd.__mro__, Odd.x)


class Prepared(type):
    @classmethod
    def __prepare__(mcs, name, bases, **kw):
        return {"given": sorted(kw)}

    def __new__(mcs, name, bases, ns, **kw):
        return super().__new__(mcs, name, bases, ns)

    def __init__(cls, name, bases, ns, **kw):
        super().__init__(name, bases, ns)


class UsesPrepared(metaclass=Prepared, z=1, y=2): pass


print(UsesPrepared.given)


class Old: pass
class New: pass


o = Old()
o.a, o.b = 1, 2
o.__class__ = New
print(type(o), o.__dict__)
attempt(setattr, o, "__class__", int)
attempt(setattr, o, "__class__", 1)
attempt(setattr, o, "__class__", Slotted)
attempt(setattr, 5, "__class__", int)


class Hashless:
    def __eq__(self, other): return True


attempt(hash, Hashless())
print(Hashless.__hash__)
print(type.__call__(int, "7"), type(5), type(type))
attempt(type)
attempt(type, 1, 2)
attempt(lambda: type(None)(1))
print(isinstance(D(), A), issubclass(D, (int, C)), type.__subclasses__(type) == [] or True)
print((A.__flags__ >> 9) & 1, (int.__flags__ >> 9) & 1, (int.__flags__ >> 24) & 1)
