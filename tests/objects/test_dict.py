"""Dicts: methods, order, lookups that run Python, changes while iterating."""


def show(source, scope=globals()):
    """Prints what an expression gives, or what it raises."""
    try:
        text = repr(eval(source, scope))
    except BaseException as error:
        text = type(error).__name__ + ": " + str(error)
    print(source, "->", text.split(" at 0x")[0])


class Sub(dict):
    def __missing__(self, key): return ("missing", key)


class Mapping:
    def keys(self): return iter("xy")
    def __getitem__(self, key): return key * 2


for source in """{} ; {1: 2} ; {"a": {}} ; dict() ; dict(a=1) ; dict([(1, 2), [3, 4]]) ; dict({1: 2}, b=3) ; dict(Mapping()) ; dict(1) ; dict([1]) ; dict([(1, 2, 3)]) ; dict(["ab"]) ; dict([""]) ; dict(1, 2) ; dict([(1, 2)], **{"x": 1}) ;
{1: 2}[1] ; {1: 2}[2] ; {}[(1, 2)] ; {}[[]] ; {1: 2}[1.0] ; {1: 2}[True] ; Sub()[5] ; Sub({5: 6})[5] ; Sub().get(5) ; {1: 2}.get(1) ; {1: 2}.get(3) ; {1: 2}.get(3, 4) ; {}.get([]) ; {}.get() ; {1: 2}.setdefault(1, 5) ; {}.setdefault(1) ;
{1: 2}.pop(1) ; {1: 2}.pop(2) ; {1: 2}.pop(2, 3) ; {}.pop() ; {}.pop(1, 2, 3) ; {}.pop([], 1) ; {1: 2}.pop([], 1) ; {1: 2, 3: 4}.popitem() ; {}.popitem() ; dict.fromkeys("ab") ; dict.fromkeys("ab", 1) ; dict.fromkeys(1) ; dict.fromkeys() ; Sub.fromkeys([1]) ;
type(Sub.fromkeys([1])) ; {1: 2}.copy() ; type(Sub().copy()) ; {1: 2} == {1: 2.0} ; {1: 2} == {2: 1} ; {1: 2} != {1: 3} ; {1: 2} < {} ; {} == [] ; hash({}) ; 1 in {1: 2} ; [] in {1: 2} ; {1: 2} | {3: 4} ; {1: 2} | {1: 4} ; {1: 2} | [(3, 4)] ; Sub({1: 2}) | {3: 4} ;
type(Sub() | {}) ; {1: 2}.__or__([]) ; {}.keys() ; {1: 2}.keys() ; {1: 2}.values() ; {1: 2}.items() ; list({1: 2, 3: 4}) ; list(reversed({1: 2, 3: 4})) ; list(reversed({1: 2, 3: 4}.items())) ; dict[int, str] ; len({1: 2}) ; bool({}) ; {}.update(1) ;
{}.update([1]) ; {}.update(1, 2) ; {}.update(a=1) ; iter({}) ; iter({}.values()) ; iter({}.items()) ; reversed({}) ; reversed({}.keys()) ; iter({1: 2}).__length_hint__() ; iter({1: 2}).__reduce__()[1] ; iter({1: 2}.items()).__reduce__()[1] ; {}.__sizeof__() > 0 ; {**{1: 2}, 3: 4} ;
dict.update() ; {1: 2}.__contains__(1) ; {}.__delitem__(1) ; {1: 2}.__eq__(1) ; {None: 1, True: 2, 1.5: 3, "a": 4, (): 5}""".split(" ;"):
    show(source.strip())

# order
d = {}
for i in range(20): d[str(i)] = i
for i in range(0, 20, 3): del d[str(i)]
d["0"] = "again"
d["1"] = "kept"
print(d)
print(list(d), list(d.values())[-2:], d.popitem(), d.popitem())
d |= {"new": 1}
d |= [("pair", 2)]
print(list(d.items())[-3:])
for i in range(5000): d[i] = i
for i in range(5000):
    assert d[i] == i
    if i % 3: del d[i]
print(len(d), sum(v for k, v in d.items() if isinstance(k, int)), d.popitem())
d.clear()
print(d, len(d))

# iteration
def during(change, start={1: 1, 2: 2, 3: 3}, view=iter):
    d = dict(start)
    try:
        for k in view(d): change(d)
        print("fine", d)
    except RuntimeError as error:
        print(error)


during(lambda d: d.update({len(d) * 10: 1}))
during(lambda d: d.pop(next(iter(d))))
during(lambda d: d.__setitem__(1, 5))
during(lambda d: d.clear())
during(lambda d: d.update({len(d) * 10: 1}), view=dict.items)
during(lambda d: d.popitem(), view=reversed)


def swap(d):
    key = next(iter(d))
    del d[key]
    d[key] = 0


during(swap, {0: 0})
during(swap)


class Key:
    def __init__(self, value, hook=None): self.value, self.hook = value, hook
    def __hash__(self): return 1
    def __eq__(self, other):
        if self.hook: self.hook()
        return isinstance(other, Key) and self.value == other.value
    def __repr__(self): return "K%r" % self.value


d = {Key(i): i for i in range(10)}
print(d[Key(7)], Key(11) in d, d.pop(Key(3)), len(d))
d = {}
d[Key(1, lambda: d.clear())] = 1
d[Key(2)] = 2
print(d)
d = {Key(1): 1}
d[Key(1, lambda: d.update({i: i for i in range(100)}))] = 2
print(len(d), d[Key(1)])


class Raises(Key):
    def __eq__(self, other): raise OSError("eq")


d = {Key(1): 1}
show("d[Raises(2)]")
show("Raises(2) in d")
show("d.get(Raises(2), 5)")
show("d.setdefault(Raises(2), 5)")
show("d.pop(Raises(2), 5)")
show("d.update({Raises(2): 3})")
show("{Raises(1), Raises(2)}")
show("dict(**{1: 2})")


class Name(str):
    def __eq__(self, other): return str.__eq__(self, other)
    def __hash__(self): return str.__hash__(self)


d = {Name("a"): 1, "b": 2}
print(d["a"], d[Name("b")], "c" in d, d)
loop = {}
loop[1] = loop
loop[2] = [loop.items(), loop.values()]
print(loop)
print({float("nan"): 1} == {float("nan"): 1})
n = float("nan")
print({n: 1}[n], {n: n} == {n: n})
print({-1: "a", -2: "b"}[-1], {2 ** 61 - 1: 1, 0: 2}, {2 ** 70: 1}[2 ** 70], {1.0: "f"}[1])
d = dict.fromkeys(range(3))
it = iter(d.items())
kept = [next(it), next(it)]
print(kept, list(it))
print(dict(zip("abc", range(3))) == {"a": 0, "b": 1, "c": 2})

# entries given back at either end, again and again: what marks their places must not fill the table
stack = {}
for n in range(3000):
    stack[n] = n
    assert n + 1 not in stack
    stack.popitem()
print(len(stack), 5 in stack)
stack = {"base": 0, 1: 2}
for n in range(2000):
    stack[str(n)] = n
    assert "absent" not in stack and n not in list(stack)[2:]
    stack.popitem()
print(stack)
from collections import OrderedDict
order = OrderedDict.fromkeys(range(9))
for n in range(3000):
    order.move_to_end(n % 5 + 3, last=False)
    order.popitem(last=n % 2)
    order["new", n] = n
    if len(order) > 8: order.popitem(last=False)
    for k in range(3, 8): order[k] = n
    assert "absent" not in order
print(len(order), list(order)[-3:])
