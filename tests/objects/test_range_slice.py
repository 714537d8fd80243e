"""Ranges and slices."""


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


big = 2 ** 70
for source in """range(5) ; range(1, 5) ; range(1, 5, 2) ; range(5, 1, -1) ; range() ; range(1, 2, 3, 4) ; range(1, 2, 0) ; range(1.0) ; range("a") ; range(a=1) ; range(Index(3)) ; list(range(0, 10, 3)) ; list(range(10, 0, -3)) ; list(range(big, big + 3)) ; list(range(big, big - 5, -2)) ;
len(range(10)) ; len(range(big)) ; len(range(0, big, 2 ** 60)) ; range(10)[3] ; range(10)[-1] ; range(10)[10] ; range(10)[2:5] ; range(10)[::-1] ; range(10)[::2][::2] ; range(big)[big - 1] ; range(big)[::-1] ; range(10)["a"] ; range(10)[Index(2)] ; range(10)[5:100] ; range(0)[::-1] ; range(10)[::0] ;
5 in range(10) ; 5.0 in range(10) ; 5.5 in range(10) ; 11 in range(10) ; 4 in range(1, 9, 2) ; "a" in range(3) ; True in range(2) ; big in range(big + 1) ; big in range(5) ; range(10).index(3) ; range(10).index(11) ; range(10).index("a") ; range(10).index(3.0) ; range(0, 10, 3).count(9) ; range(10).count(10) ; range(3).count("a") ;
range(5) == range(0, 5) ; range(0) == range(5, 5) ; range(0, 3, 2) == range(0, 4, 2) ; range(5) == [0] ; range(5) < range(6) ; hash(range(0)) == hash(range(1, 1)) ; hash(range(5)) == hash(range(0, 5, 1)) ; bool(range(0)) ; bool(range(1)) ; range(5).start ; range(5).step ; range(1, 9).stop ; range(5).__reduce__() ;
iter(range(3)) ; iter(range(big)) ; list(reversed(range(5))) ; list(reversed(range(0, 10, 3))) ; list(reversed(range(0))) ; list(reversed(range(big, big + 3))) ; iter(range(5)).__length_hint__() ; iter(range(big)).__length_hint__() ; range(-2 ** 63, 2 ** 63 - 1)[0] ; list(range(2 ** 61 - 2, 2 ** 61 + 2)) ;
list(range(2 ** 63 - 3, 2 ** 63 - 1)) ; list(range(-2 ** 63, -2 ** 63 + 2)) ; len(range(-2 ** 62, 2 ** 62)) ; range(5).foo ; range(5).__contains__(3) ; range(True) ;
slice(1) ; slice(1, 2) ; slice(1, 2, 3) ; slice() ; slice(1, 2, 3, 4) ; slice(a=1) ; slice(None) == slice(None, None) ; slice(1) < slice(2) ; slice(1, 2) == slice(1, 3) ; hash(slice(1)) ; slice(1).start ; slice(1).stop ; slice(1, 2, 3).step ; slice(5).indices(3) ; slice(-2, None).indices(10) ; slice(None, None, -1).indices(4) ;
slice(10, 0, -3).indices(7) ; slice(1, 2).indices(-1) ; slice(1, 2, 0).indices(5) ; slice("a").indices(5) ; slice(None, big).indices(big + 5) ; slice(-big, None).indices(5) ; slice(1).indices("a") ; slice(1).indices() ; slice(1, 2, 3).__reduce__() ; slice(Index(1), Index(-1)).indices(5)""".split(" ;"):
    show(source.strip())
for start in (None, -7, -1, 0, 2, 5, 9):
    for stop in (None, -7, -1, 0, 3, 9):
        for step in (None, -3, -1, 1, 2):
            s = slice(start, stop, step)
            r = range(*s.indices(6))
            assert list(range(6))[s] == list(r) == list(range(6)[s]) == list(tuple(range(6))[s])
it = iter(range(10, 20, 2))
next(it)
print(list(it.__reduce__()[1][0]), list(it))
it = iter(range(10, 20, 2))
it.__setstate__(2)
print(list(it))
it = iter(range(big, big + 5))
it.__setstate__(3)
print(list(it) == [big + 3, big + 4])
