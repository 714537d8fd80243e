# list[int] and int | str.
import types
import typing
from typing import TypeVar


def attempt(f, *args, **kwargs):
    try:
        print(f(*args, **kwargs))
    except Exception as e:
        print(type(e).__name__ + ":", e)


T = TypeVar("T")
print(list[int], dict[str, list[int]], tuple[int, ...], tuple[()], type[int], list[T], list["x"], list[None])
a = dict[T, list[T]]
print(a.__origin__, a.__args__, a.__parameters__, a[int], a.__unpacked__)
print(list[int] == list[int], list[int] == list[str], hash(list[int]) == hash(list[int]), list[int]((1, 2)), list[int].append)
attempt(lambda: list[int][str])
attempt(lambda: a[int, str])
attempt(isinstance, 1, list[int])
attempt(issubclass, int, list[int])
attempt(types.GenericAlias, 1)
print(*list[int].__mro_entries__(()), list(list[int]), next(iter(tuple[int])))


class L(list[int]): pass


print(L.__bases__, L.__orig_bases__)
u = int | str | None
print(u, u.__args__, u == (str | None | int), hash(u) == hash(None | str | int), int | int, int | list[int], u | float)
print(isinstance(1, u), isinstance(None, u), isinstance(1.0, u), issubclass(int, u))
attempt(lambda: int | 1)
attempt(isinstance, "a", int | list[int])
print((list[T] | T)[int], (T | int).__parameters__ if hasattr(T | int, "__parameters__") else "")
print(typing.get_type_hints(type("X", (), {"__annotations__": {"x": "int | None"}})))
attempt(type(u))
print(type(u), u.__module__, list[int].__class__)
