# sys.settrace and sys.setprofile: which events come, in which order, at which lines; jumps.
import sys


def trace(func, *args):
    events = []
    base = func.__code__.co_firstlineno

    def tracer(frame, event, arg):
        if frame.f_code.co_filename != __file__: return None
        if event == "exception": arg = arg[0].__name__
        elif event in ("line", "call") or isinstance(arg, Cm): arg = None
        events.append((event, frame.f_lineno - base, frame.f_code.co_name, arg))
        return tracer

    sys.settrace(tracer)
    try:
        func(*args)
    except Exception as e:
        events.append(("out", type(e).__name__))
    finally:
        sys.settrace(None)
    return [e for e in events if e[2:3] != ("trace",)]


def show(func, *args):
    print(func.__name__)
    for e in trace(func, *args): print("   ", *e)


def straight():
    a = 1
    b = 2
    return a + b


def branches(x):
    if x:
        y = 1
    else:
        y = 2
    while y < 3:
        y += 1
    return y


def loop():
    for i in range(2):
        j = i
    else:
        k = 1
    return k


def one_line_loop():
    for i in range(3): pass
    while i < 4: i += 1


def inner(n):
    return n * 2


def calls():
    x = inner(1)
    return inner(x)


def raising():
    try:
        bad()
    except KeyError:
        return "caught"
    finally:
        done = 1


def bad():
    raise KeyError("bad")


def uncaught():
    bad()


def generator():
    for x in gen():
        y = x


def gen():
    yield 1
    try:
        yield 2
    finally:
        z = 3


def delegating():
    for x in outer():
        pass


def outer():
    yield from gen()


class Cm:
    def __enter__(self):
        return self

    def __exit__(self, *args):
        return True


def with_():
    with Cm() as c:
        x = 1
    with Cm():
        raise ValueError
    return 2


def multi_line():
    x = [
        1,
        inner(2),
    ]
    return (x,
            x)


def nested():
    def f():
        return 1
    return f()


def comprehension():
    return [i for i in (1, 2)]


for f in (straight, loop, one_line_loop, calls, raising, uncaught, generator, delegating, with_, nested): show(f)
show(branches, 0)
show(branches, 1)


def profile(func):
    events = []

    def profiler(frame, event, arg):
        name = getattr(arg, "__name__", None) if event.startswith("c_") else frame.f_code.co_name
        events.append((event, name))

    sys.setprofile(profiler)
    try:
        func()
    except Exception:
        pass
    sys.setprofile(None)
    return events[:-1]


def natives():
    len([])
    inner(1)
    l = []
    l.append(1)
    try:
        len(5)
    except TypeError:
        pass
    return sorted([2, 1], key=inner)


for f in (natives, generator, uncaught): print(profile(f))


def jump(func, from_line, to_line):
    first = func.__code__.co_firstlineno
    done = [False]

    def tracer(frame, event, arg):
        if frame.f_code is func.__code__:
            if event == "line" and frame.f_lineno == first + from_line and not done[0]:
                done[0] = True
                frame.f_lineno = first + to_line
            return tracer

    out = []
    sys.settrace(tracer)
    try:
        func(out)
    except Exception as e:
        out.append((type(e).__name__, str(e)))
    finally:
        sys.settrace(None)
    return out


def j1(out):
    out.append(1)
    out.append(2)
    out.append(3)
    out.append(4)


def j2(out):
    out.append(1)
    for i in range(3):
        out.append(i)
        out.append(-i)
    out.append("end")


def j3(out):
    try:
        out.append(1)
        1 / 0
    except ZeroDivisionError:
        out.append("caught")
    out.append("end")


print(jump(j1, 2, 4), jump(j1, 3, 1), jump(j1, 1, 3))
print(jump(j2, 3, 5), jump(j2, 1, 3), jump(j2, 5, 3), jump(j2, 4, 3))
print(jump(j3, 2, 5), jump(j3, 6, 5), jump(j3, 5, 6), jump(j1, 2, -3 - j1.__code__.co_firstlineno), jump(j1, 2, 1000 - j1.__code__.co_firstlineno))
try:
    sys._getframe().f_lineno = 1
except ValueError as e:
    print(e)
try:
    sys._getframe().f_lineno = "x"
except ValueError as e:
    print(e)


def raiser(frame, event, arg): raise RuntimeError("tracer")


def target(): return 1


sys.settrace(raiser)
try:
    target()
except RuntimeError as e:
    print(e, sys.gettrace())
sys.settrace(None)


def changes():
    x = 1
    y = x
    return y


def changer(frame, event, arg):
    if frame.f_code is changes.__code__:
        if event == "line" and "x" in frame.f_locals and "y" not in frame.f_locals: frame.f_locals["x"] = "changed"
        return changer


sys.settrace(changer)
r = changes()
sys.settrace(None)
print(r)


# A profiler hears of native functions called with unpacked arguments, after those are found.
def pair():
    yield 1
    yield 2


def unpacking():
    max(*[1, 2]), max(*pair()), max([0], **dict(key=int)), len(*([],))
    try:
        int(*("x",))
    except ValueError:
        pass
    try:
        int(*5)
    except TypeError as e:
        print(e)


heard = []
sys.setprofile(lambda frame, event, arg: heard.append((event, getattr(arg, "__name__", arg))))
unpacking()
sys.setprofile(None)
print(*heard, sep="\n")
