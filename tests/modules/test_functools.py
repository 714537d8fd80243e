"""partial, reduce, cmp_to_key, lru_cache."""


def show(source, scope=globals()):
    """Prints what an expression gives, or what it raises."""
    try:
        text = repr(eval(source, scope))
    except BaseException as error:
        text = type(error).__name__ + ": " + str(error)
    print(source, "->", text.split(" at 0x")[0])


import _functools as f
import copy
import functools
import pickle
from functools import reduce

P = f.partial


class Q(f.partial): pass


def fn(*a, **k): return a, k


p = P(fn, 1, 2, x=3)
K = f.cmp_to_key(lambda a, b: a - b)
for source in """p|Q(fn)|P()|P(1)|P(fn).__reduce__()|p.__reduce__()|p(5,x=6,y=7)|p.func|p.args|p.keywords|P(p,9,z=1)|P(p,9,z=1).args|P(Q(fn,1),2).args|p.__dict__|p.__setstate__(1)|p.__setstate__((1,2,3,4))|p.__setstate__((fn,[1],{},None))|P(int,base=2)("101")|P(int,base=2)("7",base=8)|P(fn,1)(2,**{"a":3})|p.__class_getitem__(int)|reduce()|reduce(fn,[])|reduce(fn,1)|reduce(fn,[],5)|reduce(fn,[1,2,3])|reduce(fn,[1])|reduce(fn,[1],0)|f.cmp_to_key()|f.cmp_to_key(fn)|f.cmp_to_key(fn)(1)|f.cmp_to_key(fn)()|K(1)<K(2)|K(1)>=K(2)|K(1)==K(1)|K(1)<2|K(1).obj|f.cmp_to_key(fn).obj|hash(K(1))|type(K(1))|f.cmp_to_key(fn)(obj=3).obj|sorted([3,1,2],key=f.cmp_to_key(lambda a,b:b-a))|f._lru_cache_wrapper()|f._lru_cache_wrapper(1,2,3,4)|f._lru_cache_wrapper(fn,"a",False,functools._CacheInfo)|f._lru_cache_wrapper(fn,2,False,functools._CacheInfo).cache_info()|f._lru_cache_wrapper(fn,-2,False,functools._CacheInfo).cache_info()|functools.lru_cache(fn).__reduce__()|type(functools.lru_cache(fn))|reduce(fn)|reduce(fn,[],1,2)|pickle.loads(pickle.dumps(P(fn,1,a=2)))|copy.copy(p)|functools.lru_cache(fn)([])""".split("|"):
    show(source)
q = P(fn, 1)
q.note = 5
print(q.__dict__, q.__reduce__()[2][3], P(q, 2).args, pickle.loads(pickle.dumps(q)).note)
q.__setstate__((fn, (7,), None, {"other": 1}))
print(q.args, q.keywords, q.other)
loop = P(fn)
loop.__setstate__((fn, (loop,), {}, {}))
print(repr(loop).count("..."))
try:
    p.func = 1
except AttributeError as error:
    print(error)

calls = []


@functools.lru_cache(maxsize=3)
def cached(*args, **kwargs):
    calls.append((args, kwargs))
    return args


for args in (1, 2, 3, 1, 4, 2, 1, 1.0, True, "a"): cached(args)
print(len(calls), cached.cache_info())
cached(1, a=2)
cached(1, a=2)
cached(a=2)
print(calls[-2:], cached.cache_info())
cached.cache_clear()
print(cached.cache_info(), cached.__wrapped__ is not None, cached.cache_parameters())


@functools.lru_cache(maxsize=None, typed=True)
def typed(x): return type(x).__name__


print(typed(1), typed(1.0), typed(True), typed(1), typed.cache_info())


@functools.lru_cache(maxsize=0)
def never(x): return x


never(1)
never(1)
print(never.cache_info())


@functools.cache
def fib(n): return n if n < 2 else fib(n - 1) + fib(n - 2)


print(fib(60), fib.cache_info())


class Owner:
    @functools.lru_cache
    def method(self, x): return (id(self), x)

    @functools.cached_property
    def once(self): return len(calls)

    @functools.singledispatchmethod
    def single(self, x): return "any"

    @single.register
    def _(self, x: int): return "int"


o = Owner()
print(o.method(3) == o.method(3), Owner.method.cache_info(), o.once, o.single(1), o.single("a"))
try:
    cached([])
except TypeError as error:
    print(error)


@functools.lru_cache(maxsize=2)
def again(n):
    if n: again(n - 1)
    return n


print(again(5), again.cache_info())


@functools.total_ordering
class T:
    def __init__(self, v): self.v = v
    def __eq__(self, o): return self.v == o.v
    def __lt__(self, o): return self.v < o.v


print(T(1) >= T(0), T(1) <= T(0))
