"""iter(), enumerate, zip, map, filter, reversed: arguments, laziness, state."""


def show(source, scope=globals()):
    """Prints what an expression gives, or what it raises."""
    try:
        text = repr(eval(source, scope))
    except BaseException as error:
        text = type(error).__name__ + ": " + str(error)
    print(source, "->", text.split(" at 0x")[0])


class Sequence:
    def __init__(self, n): self.n = n
    def __getitem__(self, i):
        if i >= self.n: raise IndexError
        return i * i


class Sized(Sequence):
    def __len__(self): return self.n


class NotReversible(Sized):
    __reversed__ = None


class Stop:
    def __iter__(self): return self
    def __next__(self): raise StopIteration


class Failing:
    def __iter__(self): return self
    def __next__(self): raise OSError("next")


counter = iter(range(100))
for source in """list(Sequence(4)) ; iter(Sequence(4)) ; iter(Sequence(4)).__length_hint__() ; iter(Sized(4)).__length_hint__() ; iter(Sequence(4)).__reduce__()[2] ; list(reversed(Sized(4))) ; reversed(Sequence(4)) ; reversed(NotReversible(3)) ; reversed(1) ; reversed({1}) ; reversed() ; reversed([], []) ; reversed([], a=1) ;
reversed("abc").__reduce__()[1:] ; reversed("abc").__length_hint__() ; list(iter(lambda: next(counter), 5)) ; list(iter(lambda: next(counter), 9)) ; iter(1) ; iter(1, 2) ; iter(len, 1) ; iter(Stop) ; list(Stop()) ; list(Failing()) ;
list(enumerate("ab")) ; list(enumerate("ab", 5)) ; list(enumerate(iterable="ab", start=-1)) ; list(enumerate(start=3, iterable="ab")) ; list(enumerate("ab", 2 ** 61 - 1)) ; list(enumerate("ab", 2 ** 70)) ; enumerate() ; enumerate(1) ; enumerate([], "a") ; enumerate([], 1, 2) ; enumerate([], a=1) ; enumerate(start=1) ; enumerate("ab").__reduce__()[1][1] ; enumerate[int] ;
list(zip()) ; list(zip("ab")) ; list(zip("ab", range(5))) ; list(zip("ab", "c", strict=False)) ; list(zip("ab", "c", strict=True)) ; list(zip("a", "bc", strict=True)) ; list(zip("ab", "ab", "c", strict=True)) ; list(zip("a", "b", "cd", strict=True)) ; list(zip(strict=True)) ; zip(1) ; zip(a=1) ; zip([], strict=1, a=2) ; zip("ab", strict=True).__reduce__()[2] ; len(zip("ab").__reduce__()) ;
list(map(str, [1, 2])) ; list(map(lambda a, b: a + b, [1, 2], [3, 4, 5])) ; list(map(len, [1])) ; map() ; map(len) ; map(len, 1) ; map(len, [], a=1) ; list(map(lambda *a: a, *["ab"] * 10)) ; list(filter(None, [0, 1, "", "a"])) ; list(filter(lambda x: x > 1, [1, 2, 3])) ; filter(None) ; filter(None, 1) ; filter(None, [], 1) ; filter(None, [], a=1) ; list(filter(len, [1])) ;
map(len, []).__reduce__()[1][0] ; filter(None, []).__reduce__()[1][0]""".split(" ;"):
    show(source.strip())

kept = list(zip("abc", "def"))
print(kept)
a, b = [], zip("abc", "def")
for pair in b: a.append(pair)
print(a)
print([pair for pair in enumerate("abc")])
print(sum(x * y for x, y in zip(range(10), range(10))))
it = zip("ab", "cd")
it.__setstate__(True)
print(list(it))
it = iter("abc", ) if False else reversed("abcd")
it.__setstate__(1)
print(list(it))
for value in (-9, 9):
    it = reversed("abcd")
    it.__setstate__(value)
    print(list(it))


class Sub(map): pass


print(list(Sub(str, [1])), type(Sub(str, [])).__name__)
class Enumerate(enumerate):
    def __new__(cls, *args): return super().__new__(cls, *args)


print(list(Enumerate("ab", 1)))


# an exhausted iterator stays exhausted
a = [1]
for it in (iter(a), iter(Sequence(1)), enumerate(a), map(str, a), zip(a), filter(None, a)):
    list(it)
    a.append(2)
    print(next(it, "end"), end=" ")
    a.pop()
print()
