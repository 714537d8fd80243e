# Generics made by syntax at work: with typing, dataclasses, abstract classes, closures, coroutines, tracers
from typing import Protocol, NamedTuple, Generic, get_type_hints, Callable, overload
import dataclasses, abc, asyncio, functools, inspect, copy
class P[T](Protocol):
    def m(self) -> T: ...
print(P.__parameters__, P.__mro__[-2].__name__)
@dataclasses.dataclass
class D[T]:
    x: T
    y: list[T] = dataclasses.field(default_factory=list)
print(D(3), D[int](4).y, D[int].__args__)
class NT[T](NamedTuple):
    a: T
print(NT(1), NT.__type_params__)
class L[T](list[T]):
    __slots__ = ("z",)
    def __init__(self, *a):
        super().__init__(a)
        self.z = __class__
print(L(1,2), L(1).z is L, L.__orig_bases__[0])
class Abs[T](abc.ABC):
    @abc.abstractmethod
    def f(self): ...
    @property
    def p[U](self): return 5
    @classmethod
    def c[V](cls) -> V: return cls.__name__
    @staticmethod
    def s[W](x: W = 9): return x, W
class Con(Abs[int]):
    def f(self): return super().c()
print(Con().f(), Con().p, Con.s(), Con.c())
print(get_type_hints(D), inspect.signature(Abs.s))
class R[T: R]: pass
print(R.__type_params__[0].__bound__ is R)
async def co[T](x: T):
    await asyncio.sleep(0)
    return T, x
print(asyncio.run(co(1)))
async def ag[T](x: T):
    yield T
async def main():
    return [i async for i in ag(1)]
print(asyncio.run(main()))
def deco(f): return functools.wraps(f)(lambda *a: f(*a))
@deco
def w[T](x: T) -> T: "doc"; return x
print(w(2), w.__wrapped__.__type_params__, w.__wrapped__.__doc__)
def outer[T]():
    def inner[U](x: T, y: U): return T, U
    class C[V](dict):
        def m[X](self, z: (T, V, X)): return T, V, X
        lst = [T for _ in "ab"]
    return inner(1,2), C().m(1), C.m.__annotations__, C.lst
print(outer())
print((lambda: [f for f in [1]])())
ns = {}
exec("class Q[T]:\n def f(self): return T\n type A = Q[T]\nx = Q().f()", ns)
print(ns['x'], ns['Q'].A.__value__)
type Z[**Q] = Callable[Q, int]
print(Z.__value__)
class Multi[T](D[T]): pass
print(Multi(1), [c.__name__ for c in Multi.__mro__])
print(copy.copy(D(1)), copy.deepcopy(D(1)))
if 1:
    global_name = 1
    def u[T](x=(lambda: global_name)()): return x
print(u())
class M(type):
    def __prepare__(name, bases, **kw): return {"prepared": 7}
class MM[T](metaclass=M):
    type A = (prepared, T)
print(MM.A.__value__)
def kw[T](*args: T, k: T = 1, **kwargs: T): return args, k, kwargs
print(kw(1, k=2, z=3), kw.__kwdefaults__, kw.__annotations__)
import sys
def tr(f, e, a):
    if f.f_code.co_name in ("lined", "<generic parameters of lined>", "T"): print(e, f.f_code.co_name, f.f_lineno - base)
    return tr
import types
base = sys._getframe().f_lineno
sys.settrace(tr)
def lined[
    T: int
](x: T):
    return x
lined(1)
sys.settrace(None)
try:
    def bad[T](x: undefined_thing): pass
except NameError as e:
    import traceback
    print([ (f.name, f.lineno-base) for f in traceback.extract_tb(e.__traceback__)])
