# The type object: defaults, construction errors, pickling of plain instances.
import copy
import copyreg
import pickle


def attempt(f, *args, **kwargs):
    try:
        print(f(*args, **kwargs))
    except Exception as e:
        print(type(e).__name__ + ":", e)


class Plain: pass


class WithNew:
    def __new__(cls, *args): return super().__new__(cls)


class WithInit:
    def __init__(self, *args): pass


class BadNew:
    def __new__(cls, *args): return super().__new__(cls, *args)


class BadInit:
    def __init__(self, *args): super().__init__(*args)


attempt(Plain, 1)
attempt(Plain, x=1)
attempt(object, 1)
attempt(lambda: type(WithNew(1)))
attempt(lambda: type(WithInit(1)))
attempt(BadNew, 1)
attempt(BadInit, 1)
attempt(object.__new__)
attempt(object.__new__, 1)
attempt(object.__new__, int)
attempt(int.__new__, str)
attempt(object.__init__, Plain(), 1)


class ReturnsInit:
    def __init__(self): return 5


attempt(ReturnsInit)

o = object()
print(o == o, o != o, o == 1, o.__eq__(1), o.__lt__(1), hash(o) == hash(o))
attempt(lambda: o < o)
attempt(format, Plain(), "x")
print(repr(o).startswith("<object object at 0x"), str(Plain()).startswith("<__main__.Plain object at"))
print(object.__subclasshook__(1), object.__init_subclass__())
attempt(lambda: object().x)
attempt(lambda: setattr(object(), "x", 1))
print(sorted(dir(object())) == sorted(dir(object)))


class State:
    def __init__(self): self.x, self.y = 1, [2]


class Slots:
    __slots__ = ("p", "q")


class SlotsAndDict(Slots):
    def __init__(self): self.p, self.extra = 1, 2


class NewArgs(tuple):
    def __new__(cls, a, b): return super().__new__(cls, (a, b))
    def __getnewargs__(self): return self[0], self[1]


class NewArgsEx:
    def __new__(cls, *, k): return super().__new__(cls)
    def __getnewargs_ex__(self): return (), {"k": 1}


class OwnReduce:
    def __reduce__(self): return int, ("42",)


class ListChild(list): pass
class DictChild(dict): pass


s = Slots(); s.p = 5
for value in (State(), s, SlotsAndDict(), NewArgs(1, 2), NewArgsEx(k=1), OwnReduce(), ListChild([1, 2]), DictChild(a=1), Plain()):
    for protocol in (2, 4):
        print(type(value).__name__, [getattr(x, "__name__", x) if not hasattr(x, "__next__") else list(x) for x in value.__reduce_ex__(protocol)])
print(State().__reduce_ex__(0)[0] is copyreg._reconstructor)
attempt(lambda: s.__reduce_ex__(0))
attempt(lambda: (x for x in ()).__reduce_ex__(2))
attempt(lambda: State().__reduce_ex__("a"))
print(State().__getstate__(), s.__getstate__(), SlotsAndDict().__getstate__(), Plain().__getstate__())
again = pickle.loads(pickle.dumps(SlotsAndDict()))
print(again.p, again.extra, copy.copy(State()).__dict__, copy.deepcopy(NewArgs(1, [2])))


class BadArgs:
    def __getnewargs__(self): return 1


attempt(BadArgs().__reduce_ex__, 2)


class BadArgsEx:
    def __getnewargs_ex__(self): return 1, 2, 3


attempt(BadArgsEx().__reduce_ex__, 2)
print(object().__sizeof__() > 0, object().__dir__ is not None)
