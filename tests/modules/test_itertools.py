"""itertools: every iterator, its state when pickled, its messages."""


def show(source, scope=globals()):
    """Prints what an expression gives, or what it raises."""
    try:
        text = repr(eval(source, scope))
    except BaseException as error:
        text = type(error).__name__ + ": " + str(error)
    print(source, "->", text.split(" at 0x")[0])


import copy
import operator
import pickle
from itertools import *


def states(e, steps=(0,1,2,99)):
    for s in steps:
        it=eval(e)
        for _ in range(s):
            try: next(it)
            except StopIteration: break
        try: r=it.__reduce__()
        except Exception as x: r=repr(x)
        print(e, s, mask(repr(r)).replace("str_ascii_iterator", "str_iterator"))
def mask(text):
    parts = text.split(" at 0x")
    return parts[0] + "".join(" " + p[p.index(">"):] for p in parts[1:]).replace("str_ascii_iterator", "str_iterator")


for e in ['accumulate([1,2,3])','accumulate([1,2,3],operator.mul)','accumulate([1,2,3],initial=5)','accumulate([None,2],lambda a,b:None)','chain("abc","de")','chain()','combinations("abc",2)','combinations("ab",3)','combinations_with_replacement("ab",2)','compress("abc",[1,0,1])','count(3)','count(3,2)','count(1.5,.5)','cycle("abc")','dropwhile(bool,[1,0,1])','filterfalse(None,[0,1,0])','groupby("aabb")','islice("abcdef",1,4,2)','islice("abc",None)','permutations("abc",2)','permutations("a",3)','product("ab","cd")','product("ab",repeat=2)','product()','product("",[])','repeat(5)','repeat(5,2)','starmap(pow,[(1,2),(3,4)])','takewhile(bool,[1,0,1])','tee("abc")[0]','zip_longest("ab","c")','zip_longest("ab","c",fillvalue=3)']:
    states(e)
print(repr(count(3)),repr(count(3,2)),repr(count(1.5,1)),repr(repeat(3)),repr(repeat(3,4)))
for f in ['islice([],-1)','islice([],1,"a")','islice([],"a")','islice([])','islice([],1,2,0)','islice([],1,2,3,4)','product(a=1)','product(repeat=-1)','product("ab",repeat="a")','zip_longest(a=1)','zip_longest(1)','count("a")','count(1,"a")','count(a=1)','repeat()','repeat(times=1)','repeat(1,times=-3)','repeat(1,"a")','chain(1)','list(chain(1))','chain(a=1)','chain.from_iterable(1)','list(chain.from_iterable([1]))','combinations([1],-1)','combinations("a")','permutations("a",-1)','permutations("a","b")','permutations([1],1.0)','tee([],-1)','tee(1)','tee([],a=1)','tee([],0)','pairwise(1)','pairwise()','groupby()','groupby(1)','compress()','compress([],[],[])','starmap()','takewhile(1)','cycle()','cycle(1)','accumulate()','list(starmap(pow,[1]))','dropwhile(a=1)','repeat(1,2).__length_hint__()','repeat(1).__length_hint__()','takewhile(1,2,3)','cycle([1],a=2)']:
    show(f)

print(list(islice(count(), 3)), list(islice(count(10, -3), 3)), list(islice(count(2 ** 61 - 2), 4)), list(islice(count(1.5), 2)))
print(list(islice(cycle("ab"), 5)), list(cycle("")), list(repeat(1, 3)), list(accumulate([1, 2, 3])), list(accumulate("abc")))
print(list(accumulate([1, 2], initial=10)), list(accumulate([], initial=None)), list(accumulate([3, 1, 2], max)), list(chain("ab", [1], ())))
print(list(chain.from_iterable(["ab", [1]])), list(compress("abcd", [1, 0, 1])), list(dropwhile(lambda x: x < 3, range(6))))
print(list(takewhile(lambda x: x < 3, range(6))), list(filterfalse(None, [0, 1, ""])), list(filterfalse(lambda x: x % 2, range(5))))
print([(k, list(g)) for k, g in groupby("aabbbc")], [(k, list(g)) for k, g in groupby(range(6), lambda x: x // 2)], [k for k, g in groupby("aabb")])
print(list(pairwise("abcd")), list(pairwise("a")), list(pairwise("")), list(starmap(pow, [(2, 3), [3, 2]])), list(zip_longest("ab", "c", "", fillvalue="-")), list(zip_longest()))
for r in range(5):
    print(list(combinations("abc", r)), list(permutations("abc", r)), list(combinations_with_replacement("ab", r)))
print(list(permutations(range(3))), list(product("ab", range(2))), list(product("ab", repeat=2)), list(product(repeat=0)), list(product("ab", repeat=0)), list(product("", "ab")))
print([list(islice(range(10), *a)) for a in [(3,), (2, 5), (2, None), (0, None, 3), (1, 8, 3), (5, 2), (None, None, None), (20, 30)]])
kept = list(product("ab", "c"))
print(kept, [p for p in product("ab", "c")])
a, b, c = tee(range(5), 3)
print(next(a), next(a), list(b), list(a), next(c), list(copy.copy(c)), list(c))
a, b = tee(range(200))
print(sum(a), sum(b))
groups = groupby("aab")
k, g = next(groups)
next(groups)
print(list(g))


class Endless:
    def __iter__(self): return self
    def __next__(self):
        if hasattr(self, "done"): raise OSError("after the end")
        self.done = True
        raise StopIteration


it = chain(Endless())
print(next(it, "end"), next(it, "end"))


def roundtrip(make, steps):
    it = make()
    for _ in range(steps): next(it)
    for copied in (pickle.loads(pickle.dumps(it, 0)), pickle.loads(pickle.dumps(it, 4)), copy.deepcopy(it)):
        print(list(islice(copied, 5)), end=" ")
    print(list(islice(it, 5)))


for make in (lambda: accumulate([1, 2, 3]), lambda: accumulate([1, 2], initial=3), lambda: chain("ab", "cd"), lambda: combinations("abcd", 2), lambda: combinations_with_replacement("abc", 2),
             lambda: compress("abcd", [1, 1, 0, 1]), lambda: count(3), lambda: count(3, 2), lambda: cycle("abc"), lambda: islice("abcdef", 1, 5), lambda: permutations("abc"), lambda: product("ab", "cd"),
             lambda: repeat("a", 4), lambda: zip_longest("abc", "d"), lambda: tee("abcd")[0], lambda: filterfalse(None, [0, 0, 1, 0]), lambda: groupby([1, 2, 3, 4]) if False else iter("abcd")):
    for steps in (0, 1, 2): roundtrip(make, steps)


class Sub(chain): pass


print(list(Sub("ab")), Sub.from_iterable(["ab"]).__class__.__name__, Sub(a=1) if False else "")
print(repr(count(1)), repr(count(1, 2)), repr(repeat(1)), repr(repeat(1, 2)))
