# Frame objects, tracebacks, locals().
import sys


def here(): return sys._getframe()


f = here()
print(f.f_code.co_name, f.f_lineno - f.f_code.co_firstlineno, f.f_back.f_code.co_name, f.f_globals is globals(), f.f_builtins is __builtins__.__dict__)
print(repr(f).split(",")[1:], f.f_trace, f.f_trace_lines, f.f_trace_opcodes)


def caller():
    a = 1
    b = [2]
    return callee(3), a


def callee(x):
    f = sys._getframe(1)
    return f.f_code.co_name, sorted(f.f_locals.items()), f.f_lineno - f.f_code.co_firstlineno


print(caller())


def closure():
    free = 1
    cell = 2
    def inner(p):
        local = free
        return sorted(locals().items())
    return inner(5), sorted(k for k in locals())


print(closure())


def locals_snapshot():
    l = locals()
    x = 1
    print(l)
    print(locals() is l, l)
    del x
    print(locals())


locals_snapshot()


class Body:
    y = 1
    z = sorted(k for k in locals() if not k.startswith("__"))
    print(locals() is sys._getframe().f_locals)


print(Body.z, locals() is globals())


def keeps():
    x = object()
    return sys._getframe()


f = keeps()
print("x" in f.f_locals, f.f_back is not None)
f.clear()
print(f.f_locals)


def clear_running():
    try:
        sys._getframe().clear()
    except RuntimeError as e:
        return str(e)


print(clear_running())


def g():
    x = 1
    yield sys._getframe()
    print("not reached")


it = g()
f = next(it)
print(f.f_back, f.f_locals, it.gi_frame is f)
f.clear()
print(list(it), it.gi_frame)
for name, value in (("f_lineno", "x"), ("f_trace_lines", 1), ("f_code", None), ("f_globals", 1)):
    try:
        setattr(here(), name, value)
    except (ValueError, TypeError, AttributeError) as e:
        print(type(e).__name__, e)
try:
    type(f)()
except TypeError as e:
    print(e)


def fails():
    try:
        1 / 0
    except ZeroDivisionError as e:
        return e


tb = fails().__traceback__
print(tb.tb_lineno - tb.tb_frame.f_code.co_firstlineno, tb.tb_next, tb.tb_frame.f_locals, dir(tb))
TracebackType = type(tb)
t2 = TracebackType(tb, here(), 3, 77)
print(t2.tb_next is tb, t2.tb_lasti, t2.tb_lineno)
t2.tb_next = None
print(t2.tb_next)
for bad in (lambda: TracebackType(), lambda: TracebackType(5, f, 1, 1), lambda: TracebackType(None, 5, 1, 1), lambda: setattr(t2, "tb_next", 5), lambda: setattr(t2, "tb_next", t2)):
    try:
        bad()
    except (TypeError, ValueError) as e:
        print(type(e).__name__, e)


def exec_locals():
    ns = {}
    exec("a = 1\ndef f(): return a\nb = [i for i in range(2)]", ns)
    loc = {}
    exec("c = 2\nd = c", {}, loc)
    return sorted(k for k in ns if k[0] != "_"), loc, eval("x + y", {"x": 1}, {"y": 2}), ns["f"]()if False else None


print(exec_locals())


class Mapping(dict):
    def __missing__(self, k): return "missing " + k


print(eval("abc", {}, Mapping()), eval("[z, 1]", Mapping(z=5)))
try:
    exec("nope", {})
except NameError as e:
    print(e)
print(eval("__builtins__ is not None"), eval("len('abc')", {"__builtins__": {"len": lambda x: "own"}}))
try:
    eval("len('abc')", {"__builtins__": {}})
except NameError as e:
    print(e)
