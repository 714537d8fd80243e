# match statements: every kind of pattern over many subjects, bindings, guards, order of evaluation
import collections
import dataclasses
import enum


class Colour(enum.Enum):
    RED = 1
    BLUE = 2


@dataclasses.dataclass
class Point:
    x: object
    y: object = 0


class Loud:
    __match_args__ = ("a", "b")

    def __getattr__(self, name):
        print("    asked for", name)
        if name in ("a", "b", "c"):
            return name * 2
        raise AttributeError(name)


class Badly:
    __match_args__ = ["x"]


class Twice:
    __match_args__ = ("x", "x")
    x = 1


class Number:
    __match_args__ = ("x", 3)
    x = 1


class Seq(collections.abc.Sequence):
    def __init__(self, *items): self.items = items
    def __len__(self): print("    len"); return len(self.items)
    def __getitem__(self, i): print("    item", i); return self.items[i]


class Map(dict):
    def get(self, key, default=None): print("    get", key); return dict.get(self, key, default)
    def __missing__(self, key): return "missing"


def classify(v):
    match v:
        case None: return "none"
        case True | False as b: return f"bool {b}"
        case 0: return "zero"
        case -1 | 1.5 | 2 + 3j: return "special number"
        case int(n) if n > 100: return f"big {n}"
        case int() | float(): return "number"
        case "": return "empty text"
        case "a" | "b" as letter: return f"letter {letter}"
        case str(s): return f"text {s!r}"
        case b"x": return "bytes"
        case []: return "empty sequence"
        case [x]: return f"one {x!r}"
        case [1, *rest]: return f"from one {rest}"
        case (x, y) if x == y: return f"pair of equals {x}"
        case [first, *_, last] if first == last: return f"round {first}"
        case [[a, b], *_]: return f"nested {a} {b}"
        case [_, _, *middle, _]: return f"long {middle}"
        case [*all_of_it]: return f"list {all_of_it}"
        case {"kind": "circle", "r": r}: return f"circle {r}"
        case {"kind": str(kind), **rest}: return f"{kind} with {rest}"
        case {1: _, None: x}: return f"odd keys {x}"
        case {}: return "mapping"
        case Colour.RED: return "red"
        case Point(0, 0): return "origin"
        case Point(x, y=0): return f"on the axis at {x}"
        case Point(x=Point(a, b), y=[*c]): return f"deep {a} {b} {c}"
        case Point(): return "point"
        case complex(real=r, imag=0.0): return f"real {r}"
        case Loud(p, q, c=r): return f"loud {p}{q}{r}"
        case object(__doc__=d) if d is None: return "undocumented"
        case _: return "other"


for v in (None, True, False, 0, 0.0, -1, 1.5, 2 + 3j, 101, 7, 2.5, "", "a", "b", "ab", b"x", bytearray(b"x"), [], (), [5], (1, 2, 3), [4, 4], (7, 8, 7), [[1, 2]], [[1, 2], 3, 4, 5, 6],
          range(5), range(3, 6), collections.deque([1]), "xy", {"kind": "circle", "r": 2}, {"kind": "box", "w": 1, "h": 2}, {1: 2, None: 3}, {}, {"z": 1}, Colour.RED, Colour.BLUE,
          Point(0, 0), Point(5), Point(Point(1, 2), (3, 4)), Point(1, 2), 5 + 0j, 5 + 1j, Loud(), object(), int, {1, 2}, memoryview(b"ab"), iter([1]), collections.ChainMap({"kind": "x"}),
          collections.OrderedDict(kind="y", z=1), collections.namedtuple("N", "a b")(1, 1), float("nan"), 10 ** 30):
    print(repr(v)[:40] if type(v).__repr__ is not object.__repr__ else type(v).__name__, "->", classify(v))

for subject in (Badly(), Twice(), Number(), 1):
    try:
        match subject:
            case Badly(1): print("badly")
            case Twice(1, 1): print("twice")
            case Number(1, 2): print("number")
            case int(1, 2): print("int")
    except TypeError as e:
        print("TypeError", e)
match Seq(1, 2, 3):
    case [1, 2]: print("two")
    case [1, *_, 3]: print("ends")
match Map(a=1):
    case {"b": x}: print("b", x)
    case {"a": x, **rest}: print("a", x, rest)
match (counter := iter([1, 2])), next(counter):
    case (_, 1): print("subject is evaluated once", next(counter))
x = y = "old"
match [1, 2]:
    case [x, 3]: pass
    case [_, y] if y > 5: pass
    case _: print("bindings of failed patterns", x, y)
match = {"case": 1}
case = match["case"]
print(match, case)


def flow(items):
    for item in items:
        match item:
            case 0: continue
            case -1: break
            case [n]: return n
            case n: yield n
    else:
        return "else"
    yield "after"


for items in ([1, 0, 2], [1, -1, 2], [3, [4], 5]):
    generator, got = flow(items), []
    try:
        while True: got.append(next(generator))
    except StopIteration as stop:
        print(got, stop.value)
for bad in ("case x: pass\n  case _: pass", "case x | 1: pass", "case 1 | x: pass", "case [*a, *b]: pass", "case {**r, 'a': 1}: pass", "case {'a': 1, 'a': 2}: pass", "case [x, x]: pass",
            "case f(a=1, a=2): pass", "case f'x': pass", "case 1 + 2: pass", "case -x: pass", "case {x: 1}: pass", "case a.b() as c.d: pass", "case _ as _: pass", "case P(x=1, 2): pass"):
    try:
        exec("match 1:\n  " + bad)
        print("accepted", bad)
    except SyntaxError as e:
        print(bad, "->", e.msg)
