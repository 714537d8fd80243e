"""Lists: every method, subscripts with and without steps, operators, messages."""


def show(source, scope=globals()):
    """Prints what an expression gives, or what it raises."""
    try:
        text = repr(eval(source, scope))
    except BaseException as error:
        text = type(error).__name__ + ": " + str(error)
    print(source, "->", text.split(" at 0x")[0])


class Index:
    def __init__(self, i): self.i = i
    def __index__(self): return self.i


class Sub(list):
    pass


for source in """[] ; [1] ; [1, [2, [3]]] ; list("abc") ; list() ; list((1, 2)) ; list({1: 2}) ; list(range(3)) ; list(1) ; list(1, 2) ; list(a=1) ;
Sub("ab") ; Sub(a=1) ; [1] + [2] ; [1] + (2,) ; [1] * 3 ; 3 * [1] ; [1] * -1 ; [1] * "a" ; [1, 2][0] ; [1, 2][-1] ; [1, 2][2] ; [1, 2][-3] ; [1]["a"] ; [1][1.0] ;
[1, 2][Index(1)] ; [1, 2][2 ** 70] ; [1][True] ; list(range(10))[2:5] ; list(range(10))[::-1] ; list(range(10))[8:2:-2] ; list(range(10))[-3:] ; list(range(10))[Index(2):Index(4)] ;
list(range(10))[::0] ; list(range(10))["a":] ; list(range(10))[2 ** 70:] ; list(range(10))[-2 ** 70:2] ; list(range(10))[5:2] ;
[1, 2, 3].index(2) ; [1, 2, 3].index(4) ; [1, 2, 3].index(3, -1) ; [1, 2, 3].index(1, 1) ; [1, 2, 3].index(2, 0, 1) ; [1].index(1, "a") ; [1].index() ;
[1, 2, 1].count(1) ; [1].count() ; [1].remove(2) ; [].pop() ; [1].pop(1) ; [1].pop("a") ; [1].pop(-1) ; [1, 2, 3].pop(0) ; [1].pop(2 ** 70) ; [1].insert(1) ; [1].append() ; [1].append(1, 2) ;
[1].extend(1) ; [1].copy() ; [1] == [1] ; [1] == [1.0] ; [1] == (1,) ; [1] != [2] ; [1, 2] < [1, 3] ; [1] < [1, 2] ; [2] < [1, 2] ; [1] < [1] ; [1] <= [1] ; [1] < ["a"] ; [1] < (1,) ;
[] < [1] ; hash([]) ; 1 in [1] ; 2 in [1] ; [float("nan")] == [float("nan")] ; bool([]) ; bool([0]) ; len([1, 2]) ; list.append(1, 2) ; list.append() ; [].sort(1) ; [].sort(key=1) ;
[1, "a"].sort() ; [3, 1, 2].sort(reverse="a") ; [1].sort(foo=1) ; [].__init__(1, 2) ; [1].__class_getitem__(int) ; list[int] ; iter([]) ; reversed([]) ; [].__iadd__(1) ; [1].__imul__(2) ;
[1, 2].__reversed__().__length_hint__() ; iter([1, 2]).__length_hint__() ; iter([1, 2]).__reduce__()[1:] ; [3].__contains__(3) ; [3].__getitem__(0) ; [].__sizeof__() > 0 ; [].__lt__(1) ; sorted([3, 1, 2]) ; sorted([3, 1, 2], reverse=True)""".split(" ;"):
    show(source.strip())


def change(statement, start=range(6)):
    a = list(start)
    try:
        exec(statement, {"a": a, "Index": Index, "iter": iter})
        print(statement, "->", a)
    except BaseException as error:
        print(statement, "->", type(error).__name__, error, a)


for statement in """a[0] = 9 ; a[-1] = 9 ; a[6] = 1 ; a["x"] = 1 ; a[1:3] = [] ; a[1:3] = "abcd" ; a[1:1] = (7, 8) ; a[4:2] = [9] ; a[:] = iter("xy") ; a[:] = a ; a[1:3] = a ; a[1:2] = 5 ;
a[::2] = [7, 8, 9] ; a[::2] = [7] ; a[::2] = 5 ; a[::-1] = "abcdef" ; a[5:0:-2] = (1, 2, 3) ; a[::2] = a ; a[1:4:1] = [0] ; a[10:] = [1] ; a[-100:1] = [1] ; del a[0] ; del a[-1] ; del a[6] ;
del a["x"] ; del a[1:3] ; del a[::2] ; del a[1::2] ; del a[::-1] ; del a[4:0:-3] ; del a[3:1] ; del a[:] ; del a[::3] ; del a[::100] ; a += "xy" ; a += 1 ; a *= 2 ; a *= 0 ; a *= -1 ; a *= "x" ;
a.insert(0, 9) ; a.insert(-1, 9) ; a.insert(100, 9) ; a.insert(-100, 9) ; a.append(a[0]) ; a.extend(a) ; a.reverse() ; a.clear() ; a.pop(0) ; a.remove(3) ; a.sort(reverse=True) ; a.sort(key=lambda x: -x) ;
a.sort(key=lambda x: x % 3) ; a.__setitem__(slice(0, 2), [1]) ; a.__delitem__(Index(1))""".split(" ;"):
    change(statement.strip())

recursive = []
recursive.append(recursive)
print(recursive)
recursive = [[]]
recursive[0].append((recursive,))
print(recursive)

# iterators follow a list that changes
a = [1, 2, 3]
it = iter(a)
next(it)
a.append(4)
print(list(it), list(it))
a.append(5)
print(list(it))
r = reversed(a)
next(r)
a.clear()
print(list(r))
it = iter([1, 2, 3])
it.__setstate__(2)
print(list(it))
it.__setstate__(0)
print(list(it))
for value in (-5, 0, 1, 100):
    it, r = iter([1, 2, 3]), reversed([1, 2, 3])
    it.__setstate__(value)
    r.__setstate__(value)
    print(value, list(it), list(r))


# comparisons that change the list they are in
class Shrink:
    def __init__(self, victim): self.victim = victim
    def __eq__(self, other):
        self.victim.clear()
        return False


for method in ("index", "count", "remove", "__contains__"):
    a = []
    a.extend([Shrink(a), 2, 3])
    try:
        print(method, getattr(a, method)(5), a)
    except ValueError as error:
        print(method, "ValueError", str(error)[:30], a)
a, b = [], []
a.extend([Shrink(a), 1])
b.extend([0, 1])
print(a == b)


class Bad:
    def __eq__(self, other): raise KeyError("eq")
    def __repr__(self): raise OSError("repr")


show("[Bad()] == [1]")
show("[Bad()].index(1)")
show("repr([Bad()])")
show("[1] * (2 ** 62)")
show("[1, 2] * (2 ** 61)")


# an iterable whose hint lies
class Hint:
    def __init__(self, hint): self.hint = hint
    def __iter__(self): return iter("abc")
    def __length_hint__(self): return self.hint


for hint in (0, 100, -1, "a", NotImplemented):
    show("list(h)", {"h": Hint(hint), "list": list})

a = list(range(1000))
while a:
    a.pop()
    a.pop(0)
print(a)
