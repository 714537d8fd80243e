# Native functions: binding, messages, signatures.
import inspect
import math


def attempt(f, *args, **kwargs):
    try:
        print(f(*args, **kwargs))
    except Exception as e:
        print(type(e).__name__ + ":", e)


attempt([].append)
attempt([].append, 1, 2)
attempt([].append, x=1)
attempt([].clear, 1)
attempt([].insert, 1)
attempt([].pop, 1, 2)
attempt([].index)
attempt([].sort, 1)
attempt([].sort, x=1)
attempt(len)
attempt(len, 1, 2)
attempt(len, x=1)
attempt(sorted, [], x=1)
attempt("a".split, 1, 2, 3)
attempt("a".encode, foo=1)
attempt("a".encode, "ascii", encoding="ascii")
attempt(sum)
attempt(sum, [], x=1)
attempt(pow, 1)
attempt(round)
attempt(math.sqrt)
attempt(math.sqrt, x=1)
attempt(list.append)
attempt(list.append, 1)
attempt(dict.fromkeys)
attempt(dict.__dict__["fromkeys"].__get__, None)
attempt(int.__add__)
attempt(int.__add__, "")
attempt(int.__add__, 1)
attempt(int.__add__, 1, x=1)
attempt((1).__add__, x=1)
attempt((1).__add__, "a")
attempt(object.__getattribute__, 1, 2)
attempt(list.__init__, [], 1, 2)
attempt(int.__pow__, 2)
attempt([1].__iter__().__next__)
attempt(iter([]).__next__)

print(len, [].append.__name__, [].append.__qualname__, list.append, list.append.__objclass__, list.append.__qualname__)
print(int.__add__, (1).__add__.__name__, int.__add__.__objclass__, int.real, type(int.real))
print([].append == [].append, len == len, hash(len) == hash(len))
x = []
print(x.append == x.append, x.append.__self__ is x, (5).__add__ == (5).__add__)
print(dict.fromkeys, dict.__dict__["fromkeys"], str.maketrans)
print(len.__module__, len.__doc__ is not None, len.__text_signature__, len.__self__.__name__)
print(list.append.__text_signature__, int.__add__.__text_signature__, list.__init__.__text_signature__)
for f in (len, sorted, list.append, [].append, [].insert, int.__add__, object.__init__, "".split, dict.get, print):
    print(f.__name__, inspect.signature(f))
print((1).__add__.__reduce__()[1], [].append.__reduce__()[1], len.__reduce__(), list.append.__reduce__()[1])
for call in (lambda: setattr(len, "x", 1), lambda: setattr(list.append, "x", 1), lambda: setattr(int.real, "__doc__", 1)):
    try:
        call()
    except (AttributeError, TypeError) as e:
        print(type(e).__name__, e)
