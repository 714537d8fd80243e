"""Sets and frozensets."""


def show(source, scope=globals()):
    """Prints what an expression gives, or what it raises."""
    try:
        text = repr(eval(source, scope))
    except BaseException as error:
        text = type(error).__name__ + ": " + str(error)
    print(source, "->", text.split(" at 0x")[0])


class Sub(set):
    pass


class Frozen(frozenset):
    pass


for source in """set() ; frozenset() ; {1, 2, 3} ; frozenset([3, 1, 2]) ; set("aab") == {"a", "b"} ; set(1) ; set(1, 2) ; set(a=1) ; frozenset(1, 2) ; frozenset(a=1) ; Sub([1]) ; Frozen([1]) ; set([[]]) ; sorted({5, 1, 9, 3, 17, 33, 65}) ; sorted(set(range(40))) ; {1, 1.0, True} ;
{1, 2} | {2, 3} ; {1, 2} & {2, 3} ; {1, 2} - {2, 3} ; {1, 2} ^ {2, 3} ; {1} | [2] ; {1} & 5 ; {1} | frozenset([2]) ; frozenset([1]) | {2} ; type(Sub([1]) | {2}) ; type(Frozen([1]) & {1}) ; {1, 2} == frozenset([1, 2]) ; {1} == [1] ; {1} != {2} ; {1} < {1, 2} ; {1} <= {1} ; {1} < {1} ;
{1, 2} > {1} ; {1} >= {2} ; {1} < [1] ; hash({1}) ; hash(frozenset([1, 2, 3])) ; hash(frozenset()) ; hash(frozenset(range(100))) ; hash(frozenset([frozenset([1]), frozenset([2])])) ; 1 in {1} ; {1} in {frozenset([1])} ; [] in {1} ; {frozenset([1, 2])} == {frozenset([2, 1])} ;
{1, 2}.union([3], {4}) ; {1, 2}.union() ; {1, 2}.union(5) ; {1, 2}.intersection([2, 3], [2]) ; {1, 2}.intersection() ; {1, 2}.difference([1], [5]) ; {1, 2}.difference() ; {1, 2}.symmetric_difference([2, 3, 3]) ; {1}.issubset([1, 2]) ; {1}.issuperset([1, 1]) ; {1}.issubset(5) ; {1}.isdisjoint([2]) ; {1}.isdisjoint({1}) ;
{1}.isdisjoint(5) ; {1}.add([]) ; {1}.add() ; {1}.remove(2) ; {1}.remove({2}) ; {frozenset([2])}.remove({2}) ; {1}.discard(2) ; {1}.discard([]) ; {1}.discard({5}) ; set().pop() ; {1}.pop() ; {7, 3, 5}.pop() ; {1}.copy() ; frozenset([1]).copy() ; frozenset([1]).add(1) ; {1}.__reduce__() ; frozenset([1]).__reduce__() ;
set[int] ; {1}.__sizeof__() > 0 ; len({1, 2}) ; bool(set()) ; iter({1}) ; iter({1, 2}).__length_hint__() ; iter({1}).__reduce__()[1] ; {1}.update([2], 5) ; {1}.symmetric_difference() ; {1}.__or__(5) ; {1}.__contains__(1)""".split(" ;"):
    show(source.strip())

s = {1, 2, 3}
s |= {4}
s &= {2, 3, 4}
s -= {2}
s ^= {3, 9}
print(s)
s.update([1], "a" * 0)
s.difference_update([9], [4])
s.intersection_update([1, 5])
s.symmetric_difference_update([1, 2])
print(s)
s ^= s
print(s)
try:
    s |= [1]
except TypeError as error:
    print(error)
s = set(range(1000))
for i in range(0, 1000, 2): s.discard(i)
print(len(s), sum(s), sorted(s)[:3], 501 in s, 500 in s)
while s: s.pop()
print(s)
f = frozenset([1])
print(frozenset(f) is f, f.copy() is f, Frozen([1]) == f)
s = {1, 2, 3}
try:
    for x in s: s.add(x + 10)
except RuntimeError as error:
    print(error)
loop = Sub()
class Box:
    def __repr__(self): return repr(loop)
loop.add(Box())
print(loop)


class Key:
    def __init__(self, value, hook=None): self.value, self.hook = value, hook
    def __hash__(self): return 1
    def __eq__(self, other):
        if self.hook: self.hook()
        return isinstance(other, Key) and self.value == other.value


s = {Key(i) for i in range(10)}
print(len(s), Key(5) in s, Key(12) in s)
s.discard(Key(5))
print(len(s))
s = set()
s.add(Key(1, lambda: s.clear()))
s.add(Key(2))
print(len(s))
import weakref
s = {1}
w = weakref.ref(s)
print(w() is s)
del s
print(w())
