# Abstract base classes.
import abc
import collections.abc


class Shape(abc.ABC):
    @abc.abstractmethod
    def area(self): ...

    @property
    @abc.abstractmethod
    def name(self): ...


for cls in (Shape, type("Half", (Shape,), {"area": lambda self: 1})):
    try:
        cls()
    except TypeError as e:
        print(e)


class Square(Shape):
    name = "square"
    def area(self): return 4


print(Square().area(), sorted(Shape.__abstractmethods__), Square.__abstractmethods__)


class Other: pass


print(isinstance(Other(), Shape))
print(Shape.register(Other), isinstance(Other(), Shape), issubclass(Other, Shape))
try:
    Shape.register(1)
except TypeError as e:
    print(e)
try:
    Square.register(Shape)
except RuntimeError as e:
    print(e)


class Hooked(abc.ABC):
    @classmethod
    def __subclasshook__(cls, c):
        return hasattr(c, "quack") or NotImplemented


class Duck:
    def quack(self): pass


print(issubclass(Duck, Hooked), isinstance(Duck(), Hooked), issubclass(int, Hooked))
for value in ([], (), {}, set(), "", 1, iter([]), (x for x in ()), range(3), print):
    print(type(value).__name__, [n for n in ("Sequence", "Mapping", "Set", "Iterable", "Iterator", "Generator", "Callable", "Hashable", "Sized")
                                  if isinstance(value, getattr(collections.abc, n))])


class Seq(collections.abc.Sequence):
    def __len__(self): return 2
    def __getitem__(self, i): return [1, 2][i]


match Seq():
    case [x, y]:
        print("sequence", x, y)
print(list(reversed(Seq())), 2 in Seq(), Seq().index(2))
try:
    issubclass(1, Shape)
except TypeError as e:
    print(e)
before = abc.get_cache_token()
Shape.register(type("Z", (), {}))
print(abc.get_cache_token() != before)
