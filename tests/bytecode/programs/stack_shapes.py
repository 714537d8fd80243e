# Statements and expressions whose operands lie on a stack in an order of their own.
import sys


def show(*values):
    print(*values)
    return values[-1]


class Box:
    def __init__(self, **kw):
        self.__dict__.update(kw)

    def __repr__(self):
        return f"Box({self.__dict__})"


def augmented(a, i, b):
    a[i] += b
    a[i:] *= 2
    a[show("index", i)] -= show("value", b)
    box = Box(n=1, inner=Box(m=[1, 2, 3]))
    box.n += a[i]
    box.inner.m[a[0] - a[0] + 1] **= 2
    box.inner.m[0], box.n, *box.rest = box.n, box.inner.m[0], 5, 6
    return a, box


def operands_first(a, b):
    # a local's value is wanted below what is computed later
    x = a + (show("x", b) if b else a)
    y = a[b - b] if isinstance(a, list) else a - (b and (a or b))
    return x, y, a < b < x, a < show("c", b) < 99, [a, b, a + b, {b: a, a + 1: b}]


def chained(a, b, c, d):
    if a < b <= c < d:
        print("ascending")
    while not (a > b > c):
        a += b
        c -= 1
        if a > 50:
            break
    else:
        print("else")
    return a, b, c, (a and b or c) and d, not (a or b), a if b else c


def unpacking(seq):
    a, b, *c = seq
    *d, e = c
    (f, (g, *h)), i = (a, (b, 7, 8)), e
    a, b = b, a
    a, b, c = c, a, b
    d, e, f, g = g, f, e, d
    [p, q], r = (1, 2), 3
    return a, b, c, d, e, f, g, h, i, p, q, r


def calls(f, *args, **kw):
    return (f(*args), f(*args, *args, k=1), f(0, *args, **kw, z=3), f(**kw), f(1, 2, key=show("key", 3)), f(*[1], 2, *(), 3),
            "{} {x}".format(1, x=2), [].append(1), Box(a=1).a, (lambda x, *, y=2: (x, y))(1))


def collect(*args, **kw):
    return args, kw


def loops(n):
    total = 0
    for i in range(n):
        for j in range(i):
            if j == 2:
                continue
            if i == 4:
                break
            total += i * j
        else:
            total += 100
        while True:
            if total % 2:
                break
            total += 1
    for _ in ():
        pass
    else:
        total += 1000
    return total


def returns(n):
    for i in range(n):
        for j in [1, 2, 3]:
            with Manager("inner", False):
                if i + j == 4:
                    return i, j
    return None


class Manager:
    def __init__(self, name, swallow):
        self.name, self.swallow = name, swallow

    def __enter__(self):
        print("enter", self.name)
        return self

    def __exit__(self, *exc):
        print("exit", self.name, exc[0])
        return self.swallow


def managers(n):
    with Manager("a", n == 1) as a, Manager("b", n == 2):
        if n:
            raise ValueError(n)
        return a.name
    return "swallowed"


def handlers(n):
    try:
        try:
            if n == 0:
                return "try"
            if n == 1:
                raise KeyError(n)
            if n == 2:
                raise ValueError(n)
            1 / (n - 3)
        except KeyError as e:
            e.seen = True
            return repr(e)
        except (ValueError, TypeError) as e:
            raise RuntimeError("from") from e
        except ZeroDivisionError:
            raise
        else:
            n = "else"
        finally:
            print("finally", n)
    except RuntimeError as e:
        return e, e.__cause__, e.__context__
    except ArithmeticError as e:
        try:
            del e
            return e
        except NameError as inner:
            return str(inner)
    finally:
        for i in range(2):
            try:
                continue
            finally:
                print("loop", i)
    return n


def groups(*errors):
    caught = []
    try:
        if errors:
            raise ExceptionGroup("g", errors)
    except* KeyError as e:
        caught.append(("keys", [str(x) for x in e.exceptions]))
    except* (ValueError, TypeError) as e:
        caught.append(("values", [str(x) for x in e.exceptions]))
        if len(e.exceptions) > 1:
            raise OSError("several")
    else:
        caught.append("none")
    finally:
        caught.append("finally")
    return caught


def matching(x):
    match x:
        case [a, b, *_] if a == b:
            return "pair", a, b
        case [*_, b, c]:
            return "end", b, c
        case (a,):
            return "one", a
        case {"k": v, "l": [w, *z], **rest}:
            return "map", v, w, z, rest
        case {"k": v}:
            return "key", v
        case Box(a=1 | 2 as a, b=b):
            return "box", a, b
        case int(n) | float(n) if n > 5:
            return "big", n
        case 1 | 2 | -3:
            return "small"
        case None | True:
            return "singleton"
        case str() as s:
            return "str", s
    return "other"


def comprehensions(rows):
    n = 3
    return ([x * n for row in rows if row for x in row if x % 2], {x: y for x, y in zip(rows, rows) if isinstance(x, int)}, {len(r) for r in rows},
            list((x, y) for x in range(2) for y in (x, n)), [[y for y in range(x)] for x in range(3)])


def closures(a, /, b, *args, c=3, **kw):
    count = 0

    def inner(d: int = a, *e, f: "str" = b) -> None:
        nonlocal count, a
        count += 1
        a = [a, d]
        return lambda: (a, b, c, count, args, kw, __class__ if False else d)

    class Local(Box, metaclass=type):
        x: int = a
        y = [x for x in (1, 2)]

        def method(self):
            return super().__repr__(), __class__.__name__, a
    return inner()(), inner(5)(), Local(q=1).method(), Local.y, inner.__annotations__


def formats(x, width):
    return f"{x}|{x!r:>{width}}|{x!s}|{x:{width}.{2}f}|{'nested' + f'{x}'}", "%s-%r" % (x, width), "%5d%%" % (width,), "a" "b" f"{x=}"


def generator(n):
    try:
        got = yield n
        while got:
            got = yield (yield got), [(yield from inner_generator(got))]
    except ValueError as e:
        yield "caught", e
    finally:
        print("closing")
    return "done"


def inner_generator(n):
    return (yield n * 2)


def deletes(a):
    b = c = a
    del b[0], c[-1:]
    box = Box(x=a)
    del box.x, c
    global made, gone
    made = gone = [b]
    del gone
    return made, box


def slices(a):
    a[1:3], a[::2] = [9], "xyz"[: len(a[::2])]
    return a[:], a[1:], a[:-1], a[::-1], a[1:3:2]


def attempt(f, *args):
    try:
        print(f.__name__, f(*args))
    except BaseException as e:
        line = e.__traceback__.tb_next.tb_lineno - f.__code__.co_firstlineno if e.__traceback__.tb_next else None
        print(f.__name__, type(e).__name__, e, line)


def main():
    attempt(augmented, [1, 2, 3], 1, 5)
    for pair in (1, 2), (3, 0), ([5], 0):
        attempt(operands_first, *pair)
    attempt(chained, 1, 2, 3, 4)
    attempt(chained, 9, 2, 1, 4)
    attempt(unpacking, range(6))
    attempt(unpacking, [1])
    attempt(lambda: calls(collect, 1, 2, w=5))
    attempt(loops, 6)
    attempt(returns, 4)
    for n in range(4):
        attempt(managers, n)
    for n in range(5):
        attempt(handlers, n)
    attempt(groups)
    attempt(groups, KeyError(1), ValueError(2))
    attempt(groups, KeyError(1), OSError(2))
    attempt(groups, ValueError(1), TypeError(2))
    for x in [1, 1], [1, 2, 3], (4,), {"k": 1, "l": "abc", "m": 2}, {"k": 5}, Box(a=2, b=3), Box(a=3, b=3), 7, 7.5, 2, -3, None, "s", 3:
        attempt(matching, x)
    attempt(comprehensions, [[1, 2, 3], [], [5]])
    attempt(lambda: closures(1, 2, 3, z=4))
    attempt(formats, 3.14159, 8)
    g = generator(1)
    print(next(g), g.send(2), g.send("x"), g.send("y"), g.send("z"), g.throw(ValueError("v")))
    g.close()
    attempt(deletes, [1, 2, 3])
    attempt(slices, [1, 2, 3, 4, 5])


if __name__ == "__main__":
    main()
    print(sys.exc_info())
