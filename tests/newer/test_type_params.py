# PEP 695 and 696: type parameters, their scopes, bounds and defaults that are evaluated when asked for, type aliases
import typing


def show(label, function):
    try:
        print(label, function())
    except Exception as error:
        print(label, type(error).__name__, error)


# ---- functions ----

def identity[T](x: T) -> T: return x
print(identity.__type_params__, identity(3), identity.__annotations__, identity.__name__, identity.__qualname__)
(T,) = identity.__type_params__
print(repr(T), T.__name__, T.__module__, T.__bound__, T.__constraints__, T.__covariant__, T.__contravariant__, T.__infer_variance__, T.has_default())
print(isinstance(T, typing.TypeVar), type(T).__name__, type(T).__module__)

def many[A: int, B: (int, str), *C, **D](a: A, b: B, *args: *C, **kwargs: D.kwargs): return a, b, args, kwargs
print(many.__type_params__, many(1, 2, 3, k=4))
print([type(p).__name__ for p in many.__type_params__])
A, B, C, D = many.__type_params__
print(A.__bound__, A.__constraints__, B.__bound__, B.__constraints__, D.args.__origin__ is D)

def defaults[T](x=[1, 2], *, key=3, other: T = 4): return x, key, other
print(defaults(), defaults(0, key=1), defaults.__defaults__, defaults.__kwdefaults__)
print((lambda: identity)().__type_params__ is identity.__type_params__, (lambda: 0).__type_params__ if hasattr(lambda: 0, "__type_params__") else None)

order = []
def note(x):
    order.append(x)
    return x
def decorator(x):
    note("decorator")
    return lambda f: f
@decorator(1)
def ordered[T: note("bound")](x: note("annotation") = note("default")) -> note("return"): pass
print(order, ordered.__type_params__[0].__bound__, order, ordered.__type_params__[0].__bound__, order)

async def coroutine[T](x: T): return x
def generator[T](x: T):
    yield T
    yield x
print(list(generator(5)))


# ---- late evaluation ----

def late[T: Undefined](): pass
show("undefined bound", lambda: late.__type_params__[0].__bound__)
Undefined = 7
show("defined bound", lambda: late.__type_params__[0].__bound__)
type Recursive[T] = T | list[Recursive[T]]
print(Recursive, Recursive.__value__, Recursive[int], Recursive.__type_params__, Recursive.__parameters__)
def mutual[T: "U", U: T](): return T, U
print(mutual.__type_params__[0].__bound__, mutual.__type_params__[1].__bound__)


# ---- classes ----

class Base: pass
class Keyword(type):
    def __new__(cls, name, bases, namespace, **keywords): return super().__new__(cls, name, bases, namespace)
    def __init__(cls, name, bases, namespace, **keywords): print("made", name, sorted(keywords))

class Box[T, *Ts, **P](Base, metaclass=Keyword, flag=T):
    item: T
    def put[U](self, x: T, y: U) -> tuple[T, U]: return T, U, __class__
    class Inner[V]:
        def get(self): return T, V
print(Box.__type_params__, Box.__orig_bases__[0], [c.__name__ for c in Box.__mro__], Box.__parameters__)
print(Box().put(1, 2), Box.Inner().get(), Box.put.__qualname__, Box.Inner.__qualname__)
print(Base.__type_params__, type.__type_params__, int.__type_params__)
class Child(Box[int, [int]]): pass
print(Child.__type_params__, Child.__mro__[1].__name__)
print(Box.__annotations__)


# ---- names in a class ----

x = "global"
def outer():
    x = "outer"
    free = "free"
    class C:
        x = "class"
        def method[T: x](self, a: x, b: free): return x
        type Alias = x
        type Generic[T] = (x, T, free)
        y = "first"
        def later[T: y](self): pass
        y = "second"
        lambda_bound = None
        def nested[T: (lambda: x)](self): pass
        def comprehended[T: [x for _ in "a"]](self): pass
    return C
C = outer()
print(C.method.__type_params__[0].__bound__, C.method.__annotations__, C().method(1, 2))
print(C.Alias.__value__, C.Generic.__value__, C.later.__type_params__[0].__bound__)
print(C.nested.__type_params__[0].__bound__(), C.comprehended.__type_params__[0].__bound__)
print("__classdict__" in C.__dict__, "__classdictcell__" in C.__dict__)
class Changing:
    value = 1
    type Now = value
print(Changing.Now.__value__)
class Changed:
    value = 1
    type Now = value
Changed.value = 2
print(Changed.Now.__value__)
class Global:
    global shown
    shown = "shown"
    def method[T: shown](self, a: shown): pass
print(Global.method.__type_params__[0].__bound__, Global.method.__annotations__)
class Missing:
    def method[T: nowhere](self): pass
show("missing", lambda: Missing.method.__type_params__[0].__bound__)

class Mangled[__T, U: __x if False else 1](Base):
    __x = 2
    def get[__V](self): return __T, __V
print(Mangled.__type_params__, Mangled().get(), Mangled.__type_params__[1].__bound__)

def shadow[T](T): return T
print(shadow(1), shadow.__type_params__)
def nonlocals():
    count = 0
    def add[T](x: T):
        nonlocal count
        count += 1
        return count
    return add(1) + add(2)
print(nonlocals())


# ---- defaults ----

def with_default[T = int, *Ts = *tuple[int, str], **P = [int]](): pass
T, Ts, P = with_default.__type_params__
print(T.__default__, Ts.__default__, P.__default__, T.has_default(), Ts.has_default(), P.has_default())
print(repr(identity.__type_params__[0].__default__), C.method.__type_params__[0].has_default())
def late_default[T = Later](): pass
show("late default", lambda: late_default.__type_params__[0].__default__)


# ---- aliases ----

type Simple = int
type Pair[A, B = str] = tuple[A, B]
print(Simple, Simple.__name__, Simple.__value__, Simple.__type_params__, Simple.__module__, type(Simple).__name__)
print(Pair[int, str], Pair[int, str].__args__, Pair[int, str].__origin__ is Pair, Pair.__value__)
show("not generic", lambda: Simple[int])
show("name", lambda: setattr(Simple, "__name__", "x") or "set")
show("isinstance", lambda: isinstance(1, Simple))
type = type
match = case = 1
type
type (Simple)
type[int]
print(type(1), type  [int])
def type_statement():
    type Local[T] = dict[T, missing_name]
    return Local
local = type_statement()
show("value", lambda: local.__value__)
print(local.__name__, type(local)("made", int, type_params=()), type(local)(name="named", value=3).__value__)
