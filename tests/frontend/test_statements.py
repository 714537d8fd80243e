# with, try/except*, decorators, class statements, function parameters, lambda, assert, async forms driven by hand
import contextlib


class Manager:
    def __init__(self, name, swallow=False, fail=""): self.name, self.swallow, self.fail = name, swallow, fail
    def __enter__(self):
        print("  enter", self.name)
        if "enter" in self.fail: raise OSError(self.name)
        return self.name.upper()
    def __exit__(self, kind, value, trace):
        print("  exit", self.name, kind and kind.__name__, value, trace is not None)
        if "exit" in self.fail: raise LookupError(self.name)
        return self.swallow


def attempt(f, *args):
    print(f.__name__, args)
    try:
        print(" =", f(*args))
    except BaseException as e:
        print(" raised", repr(e), "context", repr(e.__context__), "cause", repr(e.__cause__))


def plain():
    with Manager("a") as x, Manager("b") as (y): return x, y
def parenthesised():
    with (Manager("a") as x, Manager("b"), Manager("c") as [*z],): pass
    return x, z
def error(swallow):
    with Manager("outer", swallow):
        with Manager("inner"): raise ValueError(1)
    return "went on"
def enter_fails():
    with Manager("a", True), Manager("b", fail="enter"): print("never")
    return "swallowed"
def exit_fails():
    with Manager("a", fail="exit"): 1 / 0
def leave(how):
    for i in range(2):
        with Manager(str(i)):
            if how == "break": break
            if how == "continue": continue
            if how == "return": return i
    else: return "else"
    return "after"
def targets():
    d, l = {}, [0, 0]
    class O: pass
    with Manager("a") as d["k"], Manager("b") as l[1], Manager("c") as O.x, Manager("de") as (p, q): pass
    return d, l, O.x, p, q
def not_manager():
    with 5: pass
def half_manager():
    class Half:
        def __enter__(self): pass
    with Half(): pass
def stack():
    with contextlib.ExitStack() as s:
        for n in "xyz": s.enter_context(Manager(n, n == "x"))
        s.callback(print, "  callback")
        raise KeyError("k")
    return "out"
@contextlib.contextmanager
def generated(swallow):
    print("  up")
    try: yield "value"
    except ValueError as e:
        print("  got", e)
        if not swallow: raise
    finally: print("  down")
def by_generator(swallow, error):
    with generated(swallow) as v:
        if error: raise error
    return v


for f, *args in ((plain,), (parenthesised,), (error, False), (error, True), (enter_fails,), (exit_fails,), (leave, "break"), (leave, "continue"), (leave, "return"), (targets,), (not_manager,),
                 (half_manager,), (stack,), (by_generator, True, ValueError("v")), (by_generator, False, ValueError("v")), (by_generator, True, KeyError("k")), (by_generator, True, None)):
    attempt(f, *args)


def star(exceptions, reraise=None):
    try:
        try:
            if exceptions is None: pass
            elif isinstance(exceptions, BaseException): raise exceptions
            else: raise ExceptionGroup("group", exceptions)
        except* ValueError as e:
            print("  values", [repr(x) for x in e.exceptions])
            if reraise == "same": raise
            if reraise == "new": raise RuntimeError("new") from None
        except* (KeyError, IndexError) as e:
            print("  lookups", repr(e))
            if reraise == "part": raise e
        except* ExceptionGroup as e: print("  never")
        else: print("  nothing")
        finally: print("  finally")
    except BaseException as e: return describe(e)
    return "done"
def describe(e):
    return (type(e).__name__, str(e), [describe(x) for x in e.exceptions]) if isinstance(e, BaseExceptionGroup) else repr(e)


for args in ((None,), ([ValueError(1)],), ([ValueError(1), KeyError(2)],), ([TypeError(1), ValueError(2), ExceptionGroup("in", [IndexError(3), OSError(4), ValueError(5)])],), (ValueError("bare"),),
             (TypeError("bare"),), ([ValueError(1), KeyError(2)], "same"), ([ValueError(1), TypeError(2)], "new"), ([ValueError(1), KeyError(2), TypeError(3)], "part"), (SystemExit(3),)):
    attempt(star, *args)


def mark(name, log=[]):
    print("  evaluated", name)
    def apply(f):
        print("  applied", name, f.__name__)
        f.marks = getattr(f, "marks", ()) + (name,)
        return f
    return apply


@mark("one")
@mark("two")
def decorated(a=print("  default"), *, b: print("  annotation") = 1): pass
@(lambda c: mark("lambda")(c))
@[mark("sub")][0]
class Decorated(metaclass=type): 
    @staticmethod
    @mark("static")
    def s(x): return x
    @classmethod
    def c(cls): return cls.__name__
    @property
    def p(self): return "p"
    @p.setter
    def p(self, v): print("  set", v)
    @p.deleter
    def p(self): print("  del")
print(decorated.marks, Decorated.marks, Decorated.s(1), Decorated.c(), Decorated().p)
d = Decorated(); d.p = 3; del d.p


class Meta(type):
    @classmethod
    def __prepare__(m, name, bases, **kw): print("  prepare", name, bases, kw); return {"prepared": name}
    def __new__(m, name, bases, space, **kw): print("  new", name, sorted(k for k in space if not k.startswith("__"))); return super().__new__(m, name, bases, space)
    def __init__(cls, name, bases, space, **kw): print("  init", cls.__name__, kw)
    def __call__(cls, *a, **k): print("  call", cls.__name__, a, k); return super().__call__(*a, **k)
class Named:
    def __set_name__(self, owner, name): print("  set_name", owner.__name__, name)
class Base:
    def __init_subclass__(cls, /, tag=None, **kw): print("  init_subclass", cls.__name__, tag, kw); super().__init_subclass__(**kw)
class Made(Base, metaclass=Meta, tag="t"):
    a = Named()
    b = c = Named()
    def __init__(self, *a): self.args = a
    def who(self): return __class__.__name__, super().__repr__()[:1]
class Child(Made, tag=2): pass
print(Child(1, 2).args, Made().who(), Child.prepared, type(Child).__name__, [c.__name__ for c in Child.__mro__], Child.__qualname__, Made.who.__qualname__)
class Generic:
    def __class_getitem__(cls, item): return f"{cls.__name__}[{item}]"
class Replaced:
    def __mro_entries__(self, bases): return (list,)
class L(Replaced()): pass
print(Generic[int, ...], L.__bases__, L.__orig_bases__[0].__class__.__name__)
for text in ("class A(int, str): pass", "class A(bool): pass", "class A(type(len)): pass", "class X: pass\nclass Y(X): pass\nclass A(X, Y): pass", "class A(x=1): pass", "class A(object, object): pass",
             "class A:\n  __slots__ = 'a b'", "class A:\n  __slots__ = ('x',)\n  x = 1", "class A(int):\n  __slots__ = ('x',)", "class M(type): pass\nclass N(type): pass\nclass P(metaclass=M): pass\nclass A(P, metaclass=N): pass",
             "class A(5): pass", "class A(*[int], **{}): pass", "class A(metaclass=lambda *a, **k: a[0]): pass\nprint('  made', A)"):
    try:
        exec(text)
        print("fine:", text.splitlines()[-1])
    except Exception as e:
        print(type(e).__name__, e)


def params(a, b=2, /, c=3, *args, d, e=5, **kw): return a, b, c, args, d, e, kw
for call in ("params(1, d=4)", "params(1, 2, 3, 4, 5, d=6, z=7)", "params(d=1)", "params(1)", "params(a=1, d=2)", "params(1, d=1, a=5, b=6)", "params(1, **{'d': 2, 'c': 9})", "params(1, 2, c=3, d=4, **{'c': 5})",
             "params(*[1, 2], *(), d=0, **{}, **{'x': 1})", "params(1, d=2, **{3: 4})", "params(1, *5)", "params(1, **5)", "params(1, d=2, d=3)", "(lambda *, k: k)()", "(lambda a, /: a)(a=1)", "(lambda: 0)(1, 2)",
             "(lambda a, b: 0)(1)", "(lambda a, b, c=1, *, d: 0)(1, 2, 3, 4, 5)", "(lambda **k: k)(**{'a': 1}, b=2)", "(lambda *a: a)(*'xy', *range(2))"):
    try: print(call, "->", eval(call))
    except (TypeError, SyntaxError) as e: print(call, "->", type(e).__name__, e)
for text in ("assert 1", "assert 0", "assert [], 'text'", "assert 0, (1, 2)", "assert (x := 5) > 3"):
    try: exec(text); print("held")
    except AssertionError as e: print(repr(e))


class Async:
    def __init__(self, n): self.n = n
    async def __aenter__(self): print("  aenter"); await Pause("in"); return self
    async def __aexit__(self, *a): print("  aexit", a[0]); await Pause("out"); return True
    def __aiter__(self): return self
    async def __anext__(self):
        if self.n == 0: raise StopAsyncIteration
        self.n -= 1
        await Pause(self.n)
        return self.n
class Pause:
    def __init__(self, v): self.v = v
    def __await__(self): got = yield self.v; return got
async def main():
    async with Async(0) as a, Async(1): raise ValueError
    async for x in Async(2): print("  item", x)
    else: print("  over")
    r = [x async for x in Async(3) if x], {x: await Pause("d") async for x in Async(1)}, [await Pause(i) for i in "ab"]
    async def gen():
        try:
            for i in range(3): yield i; await Pause(f"g{i}")
        finally: print("  closed")
    async for i in (g := gen()):
        if i: break
    await g.aclose()
    return r, [x async for x in (y * 2 async for y in gen())]
coroutine, sent, got = main(), None, []
try:
    while True: got.append(coroutine.send(sent)); sent = len(got)
except StopIteration as stop: print(got, stop.value)
