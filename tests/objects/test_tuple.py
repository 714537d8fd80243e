"""Tuples."""


def show(source, scope=globals()):
    """Prints what an expression gives, or what it raises."""
    try:
        text = repr(eval(source, scope))
    except BaseException as error:
        text = type(error).__name__ + ": " + str(error)
    print(source, "->", text.split(" at 0x")[0])


class Sub(tuple):
    def __new__(cls, *args, **kwargs): return super().__new__(cls, args)


for source in """() ; (1,) ; (1, (2, (3,))) ; tuple("abc") ; tuple() ; tuple([1]) ; tuple(1) ; tuple(1, 2) ; tuple(a=1) ; Sub(1, 2, a=3) ; Sub() ; (1, 2) + (3,) ; (1,) + [1] ; (1,) * 3 ; 0 * (1,) ; (1,) * "a" ;
(1, 2)[1] ; (1, 2)[-2] ; (1,)[1] ; (1,)["a"] ; (1, 2, 3)[1:] ; (1, 2, 3)[::-1] ; (1, 2, 3)[::2] ; (1, 2, 3)[5:] ; (1, 2)[1:1] is () ; (1, 2, 1).count(1) ; (1, 2).index(2) ; (1, 2).index(3) ; (1, 2).index(1, 1) ;
(1, 2).index(1, "a") ; hash(()) ; hash((1, 2, 3)) ; hash((1, (2.5, None is None))) == hash((1, (2.5, True))) ; hash(([],)) ; (1, 2) == (1, 2.0) ; (1,) == [1] ; (1,) < (1, 2) ; (1, 3) > (1, 2, 9) ; (1,) < ("a",) ; (1,) < 3 ;
1 in (1, 2) ; (1, 2).__getnewargs__() ; Sub(1).__getnewargs__() ; tuple[int, str] ; (1,).__sizeof__() > 0 ; iter(()) ; iter((1, 2)).__reduce__()[1:] ; iter((1, 2)).__length_hint__() ; () is tuple([]) ; bool(()) ;
(1, 2) * (2 ** 62) ; (1,).append(2) ; tuple.index() ; (1, 2).count() ; type(Sub(1, 2)[:]) ; type(Sub(1, 2) + ()) ; type(Sub(1) * 1) ; hash(Sub(1, 2)) == hash((1, 2))""".split(" ;"):
    show(source.strip())
t = (1, 2)
print(t[:] is t, t * 1 is t, t + () is t, tuple(t) is t)
s = Sub(1, 2)
s.x = 5
print(s, s.x, s.__dict__)
it = iter((1, 2, 3))
it.__setstate__(2)
print(list(it), it.__reduce__()[1])
for value in (-5, 1, 100):
    it = iter((1, 2, 3))
    it.__setstate__(value)
    print(list(it))
loop = ([],)
loop[0].append(loop)
print(loop)
deep = ()
for _ in range(100000):
    deep = (deep,)
del deep


class Slots(tuple):
    __slots__ = ()


print(Slots((1, 2)), Slots.__basicsize__ > 0)
class Two(tuple):
    def __init__(self, *args): self.count = len(self)


print([Two(range(n)).count for n in range(4)])
