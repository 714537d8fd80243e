# Unwinding: handlers, finally, context chains, re-raising, tracebacks.
import sys


def lines(e):
    tb = e.__traceback__
    out = []
    while tb:
        out.append((tb.tb_frame.f_code.co_name, tb.tb_lineno - tb.tb_frame.f_code.co_firstlineno))
        tb = tb.tb_next
    return out


def a(): b()
def b():
    x = 1
    c()
def c():
    raise ValueError("c")


try:
    a()
except ValueError as e:
    print(lines(e)[1:], e)


def chain():
    try:
        raise KeyError(1)
    except KeyError:
        raise ValueError(2)


try:
    chain()
except ValueError as e:
    print(repr(e.__context__), e.__cause__, e.__suppress_context__)


def cause():
    try:
        raise KeyError(1)
    except KeyError as k:
        raise ValueError(2) from k


try:
    cause()
except ValueError as e:
    print(repr(e.__cause__), e.__suppress_context__)

try:
    raise ValueError from None
except ValueError as e:
    print(e.__cause__, e.__suppress_context__)


def bare():
    try:
        1 / 0
    except ZeroDivisionError:
        try:
            raise
        finally:
            print("finally", sys.exc_info()[0])


try:
    bare()
except ZeroDivisionError as e:
    print(lines(e)[1:])
print(sys.exc_info())


def order():
    for i in range(3):
        try:
            if i == 1: continue
            if i == 2: return "returned"
            print("body", i)
        finally:
            print("finally", i)


print(order())


def override():
    try:
        return 1
    finally:
        return 2


print(override())


def nested():
    try:
        try:
            raise TypeError("inner")
        finally:
            raise IndexError("from finally")
    except IndexError as e:
        return e


print(repr(nested()), repr(nested().__context__))
try:
    raise
except RuntimeError as e:
    print(e)
for bad in (5, int, "x"):
    try:
        raise bad
    except TypeError as e:
        print(e)
try:
    raise ValueError from 5
except TypeError as e:
    print(e)
try:
    try:
        1 / 0
    except 5:
        pass
except TypeError as e:
    print(e, repr(e.__context__))


class Cm:
    def __init__(self, swallow): self.swallow = swallow
    def __enter__(self): print("enter"); return self
    def __exit__(self, t, v, tb): print("exit", t and t.__name__, v); return self.swallow


with Cm(True): 1 / 0
try:
    with Cm(False) as m: raise KeyError("k")
except KeyError as e:
    print("out", e)
with Cm(False), Cm(True): raise ValueError("two")
def early():
    for i in range(2):
        with Cm(False):
            if i: return i
print(early())
for bad in (5, type("E", (), {"__enter__": lambda s: 1})()):
    try:
        with bad: pass
    except TypeError as e:
        print(str(e).replace("'E'", "E"))


# except* groups
try:
    raise ExceptionGroup("g", [ValueError(1), TypeError(2), ExceptionGroup("h", [ValueError(3), OSError(4)])])
except* ValueError as g:
    print("V", g.exceptions)
except* TypeError as g:
    print("T", g.exceptions)
except* OSError as g:
    print("O", g.exceptions)
try:
    try:
        raise ExceptionGroup("g", [ValueError(1), TypeError(2)])
    except* ValueError:
        raise KeyError(9)
except BaseExceptionGroup as g:
    print(repr(g))
try:
    try:
        raise ValueError("naked")
    except* ValueError as g:
        print(repr(g))
        raise
except ExceptionGroup as g:
    print(repr(g))


# Unbound names
def unbound():
    print(x)
    x = 1
def free():
    def inner(): return y
    inner()
    y = 1
def deleted():
    z = 1
    del z
    return z
for f in (unbound, free, deleted, lambda: not_there):
    try:
        f()
    except NameError as e:
        print(type(e).__name__, e, getattr(e, "name", None))
try:
    e
except NameError as err:
    print(err)


# What dies when: temporaries at once, locals at the end.
class D:
    def __init__(self, n): self.n = n
    def __del__(self): print("del", self.n)
    def f(self): return self.n


D(1).f()
print("after")
def local():
    d = D(2)
    D(3)
    print("in local")
local()
def raising():
    d = D(4)
    raise ValueError
try:
    raising()
except ValueError:
    print("caught")
print("end")
x = [D(5), D(6)]
x[0] = None
x = None
