# yield from: the twelve rules that a chain of delegation keeps, and the protocol around it.
import sys


def leaf():
    r = "start"
    while True:
        r = yield r
        if r == "stop": return "leaf done"
        if r == "raise": raise KeyError("leaf")


def middle(sub):
    v = yield from sub
    yield ("middle", v)
    return "middle done"


def root(sub):
    v = yield from sub
    yield ("root", v)


# the plain way up and down
g = root(middle(leaf()))
print(next(g), g.send(1), g.send(2), g.send("stop"), next(g))
print(list(g))
g = root(middle(leaf()))
next(g)
try:
    g.send("raise")
except KeyError as e:
    print("KeyError", e)

# 1. shared and driven directly
shared = leaf()
a, b = root(shared), root(shared)
print(next(a), next(b), a.send("a1"), shared.send("direct"), b.send("b1"), a.send("a2"))
# 2. the leaf was finished by someone else
try:
    shared.send("stop")
except StopIteration as e:
    print(e.value)
print(next(a), next(b))
# 3. the middle is driven directly between resumes of the root
l = leaf()
m = middle(l)
r = root(m)
print(next(r), r.send("r"), m.send("m"), r.send("r2"), l.send("l"), m.send("m2"), r.send("r3"))
print(m.send("stop"), r.send(None))


# 4. next(middle) from inside the leaf
def poke():
    for g in (pm, pr):
        try:
            next(g)
        except ValueError as e:
            print(e)
    yield "poked"
    for g in (pm, pr):
        try:
            g.throw(KeyError)
        except ValueError as e:
            print(e)
        try:
            g.close()
        except ValueError as e:
            print(e)
    yield "poked again"


pm = middle(poke())
pr = root(pm)
print(next(pr), next(pr))


# 5. gi_running and gi_yieldfrom
def look():
    while True:
        yield [(g.gi_running, g.gi_yieldfrom, g.gi_suspended) for g in (lr, lm, ll)]


ll = look()
lm = middle(ll)
lr = root(lm)
for i in range(3):
    print(next(lr))
    print(lr.gi_running, lr.gi_yieldfrom is lm, lm.gi_running, lm.gi_yieldfrom is ll, ll.gi_yieldfrom, ll.gi_running, lr.gi_suspended, lm.gi_suspended)


# 6. f_back from the leaf
def frames():
    while True:
        f = sys._getframe()
        names = []
        while f and len(names) < 4:
            names.append(f.f_code.co_name)
            f = f.f_back
        yield names


def caller(g): return next(g)
def caller2(g): return next(g)
mm = middle(frames())
g = root(mm)
print(caller(g), caller2(g), caller(g), mm.gi_frame.f_back, g.gi_frame.f_back)
print(caller2(mm), caller(g))


# 7, 8. exceptions being handled in a delegator and by the caller
def info():
    while True:
        e = sys.exc_info()[1]
        yield repr(e), repr(e.__context__ if e else None)


def handling():
    try:
        raise KeyError("delegator")
    except KeyError:
        yield from info()


g = root(handling())
print(next(g), next(g))
try:
    raise ValueError("caller")
except ValueError:
    print(next(g))
g = root(middle(info()))
print(next(g))
try:
    raise ValueError("caller")
except ValueError:
    print(next(g))
print(next(g))


def context_leaf():
    yield
    raise IndexError("leaf")


def context_middle():
    try:
        raise KeyError("delegator")
    except KeyError:
        yield from context_leaf()


g = root(context_middle())
next(g)
try:
    try:
        raise ValueError("caller")
    except ValueError:
        next(g)
except IndexError as e:
    print(repr(e.__context__), repr(e.__context__.__context__))


# 9. tracebacks list every level
def names(e):
    tb, out = e.__traceback__, []
    while tb:
        out.append(tb.tb_frame.f_code.co_name)
        tb = tb.tb_next
    return out


g = root(middle(leaf()))
next(g)
next(g)
try:
    g.throw(OSError("thrown"))
except OSError as e:
    print(names(e))
g = root(middle(leaf()))
next(g)
next(g)
try:
    g.send("raise")
except KeyError as e:
    print(names(e))


# 10. close: sub-iterator, middle, root
def closing(name, sub=None):
    try:
        if sub: yield from sub
        else: yield name
    finally:
        print("closed", name)


g = closing("root", closing("middle", closing("leaf")))
next(g)
g.close()
g = closing("root", closing("middle", closing("leaf")))
next(g)
del g
g = closing("root", closing("middle", closing("leaf")))
next(g)
try:
    g.throw(GeneratorExit)
except GeneratorExit:
    print("exit")


def refuses():
    try:
        yield 1
    except GeneratorExit:
        yield 2


g = closing("root", refuses())
next(g)
try:
    g.close()
except RuntimeError as e:
    print(e)


def raising():
    try:
        yield 1
    finally:
        raise KeyError("while closing")


g = closing("root", closing("middle", raising()))
next(g)
try:
    g.close()
except KeyError as e:
    print(repr(e), repr(e.__context__))

# 11. call events for a tracer
events = []


def tracer(frame, event, arg):
    if frame.f_code.co_name in ("root", "middle", "leaf"): events.append((event, frame.f_code.co_name))
    return None


g = root(middle(leaf()))
next(g)
sys.settrace(tracer)
g.send(1)
sys.settrace(None)
print(events)
events.clear()
sys.setprofile(tracer)
g.send(2)
sys.setprofile(None)
print(events)
print(g.send(3), g.send("stop"))


# 12. depth
def level(sub): return (yield from sub)
g = leaf()
for i in range(20000): g = level(g)
try:
    next(g)
    for i in range(100): g.send(i)
    g.send("deep")
    print("deep enough")
except RecursionError:
    print("deep enough" if sys.implementation.name == "cpython" else "too shallow")
del g


# the delegation protocol with other iterators
class It:
    def __iter__(self): return self
    def __next__(self): return "next"
    def send(self, v): return ("send", v)
    def throw(self, *args): print("throw", args); raise StopIteration("ended by throw")
    def close(self): print("close")


def over(it):
    v = yield from it
    yield ("value", v)


g = over(It())
print(next(g), g.send(5), g.throw(ValueError), list(g))
g = over(It())
next(g)
g.close()
g = over(It())
next(g)
del g
g = over([1, 2])
print(next(g))
try:
    g.send(1)
except AttributeError as e:
    print(e)
g = over([1, 2])
next(g)
try:
    g.throw(ValueError("through"))
except ValueError as e:
    print(e)
try:
    next(over(5))
except TypeError as e:
    print(e)


class BadClose:
    def __iter__(self): return self
    def __next__(self): return 1
    def close(self): raise OSError("close failed")


g = over(BadClose())
next(g)
try:
    g.close()
except OSError as e:
    print(e)


def returns(v):
    yield 1
    return v


def sums():
    return (yield from returns(1)) + (yield from returns((2,)))[0]


g = sums()
try:
    while True: print(next(g))
except StopIteration as e:
    print(e.value)


def self_delegating():
    yield 1
    yield from sd


sd = self_delegating()
print(next(sd))
try:
    next(sd)
except ValueError as e:
    print(e)
