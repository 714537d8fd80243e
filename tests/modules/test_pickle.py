"""_pickle: the very bytes of all protocols, and loading them."""


def show(source, scope=globals()):
    """Prints what an expression gives, or what it raises."""
    try:
        text = repr(eval(source, scope))
    except BaseException as error:
        text = type(error).__name__ + ": " + str(error)
    print(source, "->", text.split(" at 0x")[0])


import _pickle
import collections
import collections.abc
import io
import operator
import pickle
import pickletools
import sys


class Plain:
    def __init__(self): self.a, self.b = 1, [2]
    def __eq__(self, other): return type(other) is Plain and self.__dict__ == other.__dict__
    def __repr__(self): return "Plain(%r)" % self.__dict__
    class Nested: pass


class Slots:
    __slots__ = ("x", "y")
    def __init__(self): self.x = 1
    def __repr__(self): return "Slots(%r)" % getattr(self, "x", None)


class Args:
    def __new__(cls, *args, **kwargs):
        self = super().__new__(cls)
        self.args, self.kwargs = args, kwargs
        return self
    def __getnewargs_ex__(self): return (1, 2), {"k": 3}
    def __repr__(self): return "Args(%r, %r)" % (self.args, self.kwargs)


class List(list): pass
class Dict(dict): pass
class Str(str): pass
class Int(int): pass


class Reduce:
    def __reduce__(self): return List, ((),), {"state": 1}, iter([1, 2, 3]), None
    def __repr__(self): return "Reduce"


Point = collections.namedtuple("Point", "x y")
loop = []
loop.append(loop)
knot = ([],)
knot[0].append(knot)
tree = {}
tree["self"] = tree
shared = ["s"] * 3
values = [None, True, False, 0, 1, -1, 255, 256, 65535, 65536, 2 ** 31 - 1, 2 ** 31, -2 ** 31, -2 ** 31 - 1, 2 ** 63, -2 ** 63, 2 ** 100, -2 ** 2000, 10 ** 700,
          0.0, -0.0, 1.5, 1e300, float("inf"), "", "abc", "\u00e9\u20ac\U0001f600", "a\\b\n\r\0\x1a", "\ud800", "x" * 300, "y" * 70000, b"", b"abc", bytes(range(256)), b"z" * 70000,
          bytearray(), bytearray(b"abc"), (), (1,), (1, 2), (1, 2, 3), (1, 2, 3, 4), [], [1], [1, 2], list(range(2500)), {}, {1: 2}, {"a": [1], "b": (2,)}, dict.fromkeys(range(2500)),
          set(), {1}, frozenset(), frozenset([1]), loop, knot, tree, [shared, shared], ("abc", "abc"), Plain(), Slots(), Args(), List([1, 2]), Dict({1: 2}), Str("s"), Int(5), Reduce(),
          Point(1, 2), collections.OrderedDict(a=1), collections.deque([1, 2], 3), collections.Counter("aab"), range(5), slice(1, 2), 1j, Ellipsis, NotImplemented, type(None), type(...),
          int, len, Plain, Plain.Nested, "abc".upper, [].append, operator.itemgetter(1), ValueError("x", 1), KeyError, collections.abc.Mapping, iter([1, 2])]
for value in values:
    name = repr(value)[:60].split(" at 0x")[0]
    for protocol in range(6):
        try:
            data = _pickle.dumps(value, protocol)
        except (TypeError, AttributeError, _pickle.PicklingError) as error:
            print(name, protocol, type(error).__name__, error)
            continue
        print(name, protocol, data if len(data) < 200 else (len(data), hash(data)))
        for load in (_pickle.loads, pickle._loads):
            copy = load(data)
            assert type(copy) is type(value) or type(value) is Reduce, (value, copy)
            if type(value) in (int, float, str, bytes, bytearray, list, tuple, dict, set, frozenset) and value not in (loop,) and value is not knot and value is not tree:
                assert copy == value

for source in r"""_pickle.loads(b"")|_pickle.loads(b"N")|_pickle.loads(b".")|_pickle.loads(b"x.")|_pickle.loads(b"\xff.")|_pickle.loads(b"(.")|_pickle.loads(b"0.")|_pickle.loads(b"t.")|_pickle.loads(b"I1")|_pickle.loads(b"Ix\n.")|_pickle.loads(b"I01\n.")|_pickle.loads(b"I0x10\n.")|_pickle.loads(b"L5L\n.")|_pickle.loads(b"Fx\n.")|
_pickle.loads(b"F1.5\n.")|_pickle.loads(b"S'a\\x41'\n.")|_pickle.loads(b"Sa\n.")|_pickle.loads(b"U\x02\xe9a.", encoding="latin1")|_pickle.loads(b"U\x02\xe9a.", encoding="bytes")|_pickle.loads(b"U\x02\xe9a.")|_pickle.loads(b"U\x02\xe9a.", errors="replace")|_pickle.loads(b"V\\u20ac\n.")|
_pickle.loads(b"\x80\x06.")|_pickle.loads(b"\x80\x02N.")|_pickle.loads(b"h\x05.")|_pickle.loads(b"g9\n.")|_pickle.loads(b"p-1\n.")|_pickle.loads(b"Np-1\n.")|_pickle.loads(b"q\x01.")|_pickle.loads(b"cbuiltins\nlen\n.")|_pickle.loads(b"cnope\nlen\n.")|_pickle.loads(b"cbuiltins\nnope\n.")|
_pickle.loads(b"c__builtin__\nxrange\n.")|_pickle.loads(b"P5\n.")|_pickle.loads(b"NQ.")|_pickle.loads(b"(N(d.")|_pickle.loads(b"(Nd.")|_pickle.loads(b"]N(Ns.")|_pickle.loads(b"NNNs.")|_pickle.loads(b"NNb.")|_pickle.loads(b"N)\x81.")|_pickle.loads(b"NN\x93.")|_pickle.loads(b"\x82\x05.")|_pickle.loads(b"\x82\x00.")|_pickle.loads(b"\x84\xff\xff\xff\xff.")|
_pickle.loads(b"\x95\xff\xff\xff\xff\xff\xff\xff\xff.")|_pickle.loads(b"\x95\x10\0\0\0\0\0\0\0N.")|_pickle.loads(b"\x97.")|_pickle.loads(b"\x97.", buffers=[])|_pickle.loads(b"\x97.", buffers=[b"x"])|_pickle.loads(b"\x8e\xff\xff\xff\xff\xff\xff\xff\xff.")|_pickle.loads(b"\x8a\x02\x01.")|_pickle.loads(b"\x8b\xff\xff\xff\xff.")|
_pickle.loads(b"(cbuiltins\nlist\no.")|_pickle.loads(b"(ibuiltins\nlist\n.")|_pickle.loads("")|_pickle.loads(5)|_pickle.loads(b"N.", encoding=5)|_pickle.dumps(1, 9)|_pickle.dumps(1, -1)|_pickle.dumps(1, "a")|_pickle.dumps(lambda: 0)|_pickle.dumps(local())|_pickle.dumps(sys)|_pickle.dumps(sys.stdout)|
_pickle.dumps(BadReduce(5))|_pickle.dumps(BadReduce((1,)))|_pickle.dumps(BadReduce((1, 2)))|_pickle.dumps(BadReduce((int, 2)))|_pickle.dumps(BadReduce((int, (), None, 5)))|_pickle.dumps(BadReduce((int, (), None, None, 5)))|_pickle.dumps(BadReduce((int, (), None, None, None, 5)))|_pickle.dumps(BadReduce("nope"))|_pickle.dumps(BadReduce("show"))|
_pickle.dumps(1, buffer_callback=len)|_pickle.dump(1, 5)|_pickle.load(5)|_pickle.Pickler(5)|_pickle.Unpickler(5)|_pickle.Pickler.__new__(_pickle.Pickler).dump(1)|_pickle.Unpickler.__new__(_pickle.Unpickler).load()|_pickle.Pickler(io.BytesIO()).memo.copy()|_pickle.Unpickler(io.BytesIO()).memo.copy()|_pickle.PickleBuffer(5)|bytes(_pickle.PickleBuffer(b"abc"))|
_pickle.PickleBuffer(b"abc").raw()|_pickle.dumps(_pickle.PickleBuffer(b"abc"), 4)|_pickle.dumps(_pickle.PickleBuffer(b"abc"), 5)|_pickle.dumps(_pickle.PickleBuffer(bytearray(b"abc")), 5)|_pickle.loads(_pickle.dumps(_pickle.PickleBuffer(bytearray(b"abc")), 5))|_pickle.dumps(deep())|Persistent(io.BytesIO()).run(0)|Persistent(io.BytesIO()).run(4)""".split("|"):
    class BadReduce:
        def __init__(self, value): self.value = value
        def __reduce__(self): return self.value
        def __repr__(self): return "BadReduce"

    class Persistent(_pickle.Pickler):
        def persistent_id(self, v): return "id" if v == 7 else None
        def run(self, protocol):
            out = io.BytesIO()
            p = Persistent(out, protocol)
            p.dump([7, 8, 7])
            class U(_pickle.Unpickler):
                def persistent_load(self, pid): return "loaded " + pid
            return out.getvalue(), U(io.BytesIO(out.getvalue())).load()

    def local():
        class Local: pass
        return Local

    def deep():
        a = []
        for _ in range(100000): a = [a]
        return a

    show(source.strip(), globals())


class Override(_pickle.Pickler):
    dispatch_table = {complex: lambda c: (complex, (c.imag, c.real))}
    def reducer_override(self, v): return (str, ("overridden",)) if isinstance(v, Plain) else NotImplemented


out = io.BytesIO()
Override(out).dump([Plain(), 1 + 2j, Slots()])
print(_pickle.loads(out.getvalue()))
out = io.BytesIO()
p = _pickle.Pickler(out, 2)
p.dump(shared)
p.dump(shared)
print(out.getvalue(), len(p.memo.copy()))
p.clear_memo()
p.fast = True
p.dump([shared, shared])
u = _pickle.Unpickler(io.BytesIO(out.getvalue()))
print(u.load(), u.load(), u.load(), len(u.memo.copy()))
buffers = []
data = _pickle.dumps([_pickle.PickleBuffer(bytearray(b"abc" * 5)), _pickle.PickleBuffer(b"ro")], 5, buffer_callback=buffers.append)
print(data, [bytes(b) for b in _pickle.loads(data, buffers=[b.raw() for b in buffers])])


class Writer:
    def __init__(self): self.sizes = []
    def write(self, data): self.sizes.append(len(data))


w = Writer()
_pickle.dump([b"x" * 100000, list(range(30000)), "y" * 100000, 1], w, 4)
print(w.sizes)


class Reader:
    """Without peek, and one that gives little at a time would be an error."""
    def __init__(self, data): self.file = io.BytesIO(data)
    def read(self, n): return self.file.read(n)
    def readline(self): return self.file.readline()


data = _pickle.dumps([b"x" * 100000, list(range(3000)), Plain()], 4) + b"rest"
r = Reader(data)
print(_pickle.load(r)[2], r.read(10))
f = io.BufferedReader(io.BytesIO(data))
print(_pickle.load(f)[2], f.read())
