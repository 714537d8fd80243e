# Module objects.
import sys
import types


def attempt(f, *args, **kwargs):
    try:
        print(f(*args, **kwargs))
    except Exception as e:
        print(type(e).__name__ + ":", e)


m = types.ModuleType("m", "doc")
print(m, m.__dict__, m.__doc__)
attempt(types.ModuleType)
attempt(types.ModuleType, 1)
attempt(lambda: m.x)
m.x = 1
print(m.x, m.__dict__["x"], sorted(dir(m)))
del m.x
attempt(delattr, m, "x")
attempt(setattr, m, "__dict__", {})
m.__getattr__ = lambda name: "dynamic " + name
m.__dir__ = lambda: ["b", "a"]
print(m.anything, dir(m), m.__annotations__)
m.__annotations__ = 5
print(m.__annotations__)
del m.__annotations__
print(m.__annotations__)
del m.__getattr__
m.__file__ = "/some/file"
print(m)
del m.__name__
print(m)
attempt(lambda: m.zzz)
print(sys)
n = types.ModuleType.__new__(types.ModuleType)
attempt(lambda: n.x)
print(n.__dict__)


class Sub(types.ModuleType):
    @property
    def p(self): return "property"


s = Sub("s")
s.a = 1
print(s.p, s.a, s.__dict__["a"])
m.__class__ = Sub
print(m.p)
