"""list.sort: order, stability, changes while sorting, every kind of key."""


def show(source, scope=globals()):
    """Prints what an expression gives, or what it raises."""
    try:
        text = repr(eval(source, scope))
    except BaseException as error:
        text = type(error).__name__ + ": " + str(error)
    print(source, "->", text.split(" at 0x")[0])


def lcg(seed):
    while True:
        seed = (seed * 6364136223846793005 + 1442695040888963407) % 2 ** 64
        yield seed >> 33


def check(values, **options):
    got = sorted(values, **options)
    key = options.get("key") or (lambda x: x)
    reverse = options.get("reverse", False)
    for x, y in zip(got, got[1:]):
        assert not (key(x) < key(y) if reverse else key(y) < key(x)), values
    assert len(got) == len(values)
    return got


random = lcg(7)
for size in list(range(70)) + [127, 128, 129, 500, 1000, 5000]:
    for limit in (3, 50, 10 ** 9):
        values = [next(random) % limit for _ in range(size)]
        check(values)
        check(values, reverse=True)
        check([float(v) for v in values])
        check([str(v) for v in values])
        check([(v % 5, v) for v in values])
        check([(v % 5, str(v)) for v in values], reverse=True)
        check([v if v % 2 else float(v) for v in values])
        check(values, key=lambda v: v % 7)
        # stable
        pairs = [(v % 4, i) for i, v in enumerate(values)]
        assert sorted(pairs, key=lambda p: p[0]) == sorted(pairs)
        assert sorted(pairs, key=lambda p: p[0], reverse=True) == sorted(pairs, key=lambda p: (-p[0], p[1]))
    ordered = list(range(size))
    assert sorted(ordered) == ordered == sorted(reversed(ordered)) == sorted(ordered[size // 2:] + ordered[:size // 2])
    assert sorted(ordered * 3) == [v for v in ordered for _ in range(3)]
    saw = ordered[::2] + ordered[1::2]
    assert sorted(saw) == ordered
print("sorted")

print(sorted(["b", "a", "\u00e9", "\U0001f600", "\uffff", "z"]) == ["a", "b", "z", "\u00e9", "\uffff", "\U0001f600"])
print(sorted([2 ** 70, -2 ** 70, 5, 2 ** 61, True, -1]))
print(sorted([(1, "b"), (1, "a"), (0, "z"), (1,), ()]))
show("sorted([1, 'a'])")
show("sorted([1, 2, None])")
show("sorted([(1, 'a'), (1, 2)])")
show("sorted([(1, 2), 3])")
show("sorted(['a', b'a'])")
show("sorted([1j, 2])")
show("sorted([3, 1, 2], key=lambda v: 1 / (v - 1))")


class Less:
    compared = 0

    def __init__(self, value): self.value = value

    def __lt__(self, other):
        Less.compared += 1
        return self.value < other.value

    def __repr__(self): return "L%d" % self.value


print(sorted([Less(v) for v in (5, 3, 9, 1)]))
Less.compared = 0
sorted([Less(v) for v in range(100)])
print(Less.compared)


class Explosive(Less):
    def __lt__(self, other):
        Less.compared += 1
        if Less.compared == 40: raise ValueError("boom")
        return self.value < other.value


a = [Explosive(v * 37 % 64) for v in range(64)]
Less.compared = 0
try:
    a.sort()
except ValueError as error:
    print(error, len(a), sorted(x.value for x in a) == list(range(64)))

a = [3, 1, 2]


def spoil(value):
    a.append(value)
    return value


try:
    a.sort(key=spoil)
except ValueError as error:
    print(error, a)


class Clear:
    def __lt__(self, other):
        a.clear()
        return False


a = [Clear(), Clear(), Clear()]
a.sort()
print(len(a))
seen = []


def look(value):
    seen.append(list(a))
    return -value


a = [1, 2, 3]
a.sort(key=look)
print(a, seen)
a = [1, 2]
print(a.sort(key=None), a, a.sort(key=str, reverse=1), a)
