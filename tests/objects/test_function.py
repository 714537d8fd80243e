# Functions, methods, cells.
import types


def attempt(f, *args, **kwargs):
    try:
        print(f(*args, **kwargs))
    except Exception as e:
        print(type(e).__name__ + ":", e)


def f(a, b: int = 1, *args, c: str = "x", **kw) -> float:
    "doc of f"
    return a, b, args, c, kw


print(f.__name__, f.__qualname__, f.__module__, f.__doc__, f.__defaults__, f.__kwdefaults__, f.__annotations__, f.__closure__, f.__dict__)
f.attribute = 1
print(f.__dict__, f.attribute, f.__builtins__ is not None, f.__globals__ is globals())
f.__defaults__ = (5,)
f.__kwdefaults__ = {"c": "y"}
print(f(1))
f.__defaults__ = None
f.__kwdefaults__ = None
attempt(f, 1)
for name, bad in (("__name__", 1), ("__qualname__", 1), ("__defaults__", 1), ("__kwdefaults__", 1), ("__annotations__", 1), ("__code__", 1),
                  ("__dict__", 1), ("__closure__", 1), ("__globals__", 1), ("__builtins__", 1)):
    attempt(setattr, f, name, bad)
attempt(delattr, f, "__name__")
attempt(delattr, f, "__code__")
del f.__annotations__
print(f.__annotations__)
f.__doc__ = 7
f.__module__ = None
print(f.__doc__, f.__module__)
del f.__doc__
print(f.__doc__)


def outer():
    x = 1
    def inner(): return x
    def empty(): return y
    if 0:
        y = 1
    return inner, empty


inner, empty = outer()
print(inner.__closure__[0].cell_contents, inner.__qualname__)
attempt(lambda: empty.__closure__[0].cell_contents)
inner.__closure__[0].cell_contents = 10
print(inner())
attempt(setattr, inner, "__code__", f.__code__)
attempt(types.FunctionType, 1, 2)
attempt(types.FunctionType)
attempt(types.FunctionType, f.__code__, 2)
attempt(types.FunctionType, f.__code__, {}, 2)
attempt(types.FunctionType, f.__code__, {}, "a", 1)
attempt(types.FunctionType, f.__code__, {}, "a", (), 1)
attempt(types.FunctionType, inner.__code__, {}, "a", ())
attempt(types.FunctionType, inner.__code__, {}, "a", (), ())
attempt(types.FunctionType, inner.__code__, {}, "a", (), (1,))
g = types.FunctionType(inner.__code__, {}, "g", None, (types.CellType(99),))
print(g(), g.__name__, g.__qualname__, g.__module__)

c = types.CellType()
attempt(lambda: c.cell_contents)
print(c == types.CellType(), types.CellType(1) < types.CellType(2), c < types.CellType(1))
attempt(hash, c)
attempt(types.CellType, 1, 2)


class K:
    def m(self, x=0): "doc of m"; return self, x


k = K()
m = k.m
print(m.__func__ is K.m, m.__self__ is k, m.__name__, m.__doc__, m == k.m, m == K().m, hash(m) == hash(k.m), m is k.m)
K.m.flag = 3
print(m.flag)
attempt(setattr, m, "flag", 4)
attempt(types.MethodType)
attempt(types.MethodType, 1, 2)
attempt(types.MethodType, f, None)
print(types.MethodType(len, [1, 2])(), K.m.__get__(k)() == (k, 0), K.m.__get__(None, K) is K.m)
attempt(f.__get__, None, None)
print(m.__reduce__()[1][1], repr(m).split(" of ")[0], repr(K.m).split(" at ")[0])
