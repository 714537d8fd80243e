"""The programs that bench/run times. Run as `programs.py NAME`, it prints the seconds that one round of NAME took (best of three)."""
import sys
import time

PROGRAMS = {}


def program(group):
    def register(function):
        PROGRAMS[function.__name__] = group, function
        return function
    return register


# ---- generators ----

def count(n):
    for i in range(n):
        yield i


@program("generators")
def gen_loop():
    for x in count(1_000_000):
        pass


@program("generators")
def gen_pipeline():
    def double(source):
        for x in source:
            yield x * 2

    def keep(source):
        for x in source:
            if x & 2:
                yield x
    for x in keep(double(count(300_000))):
        pass


@program("generators")
def gen_sum_expression():
    sum(x * x for x in range(1_000_000))


@program("generators")
def gen_send():
    def echo():
        value = None
        while True:
            value = yield value
    g = echo()
    next(g)
    send = g.send
    for i in range(500_000):
        send(i)


@program("generators")
def gen_throw():
    def catch():
        while True:
            try:
                yield
            except ValueError:
                pass
    g = catch()
    next(g)
    error = ValueError()
    for i in range(150_000):
        g.throw(error)


@program("generators")
def gen_create():
    for i in range(300_000):
        for x in count(1):
            pass


@program("generators")
def gen_close():
    for i in range(300_000):
        g = count(2)
        next(g)
        g.close()


@program("generators")
def gen_tree():
    class Node:
        def __init__(self, depth):
            self.left = self.right = None
            if depth:
                self.left, self.right = Node(depth - 1), Node(depth - 1)

        def walk(self):
            if self.left:
                yield from self.left.walk()
            yield self
            if self.right:
                yield from self.right.walk()
    tree = Node(14)
    for _ in range(4):
        for node in tree.walk():
            pass


def chain(depth, n):
    if depth == 0:
        yield from count(n)
    else:
        yield from chain(depth - 1, n)


def run_chain(depth, n):
    g = chain(depth, n)
    next(g)
    start = time.perf_counter()
    for x in g:
        pass
    return time.perf_counter() - start


@program("chains")
def chain_1():
    return run_chain(1, 200_000)


@program("chains")
def chain_100():
    return run_chain(100, 200_000)


@program("chains")
def chain_900():
    return run_chain(900, 20_000) * 10


class Awaitable:
    def __init__(self, n):
        self.n = n

    def __await__(self):
        for i in range(self.n):
            yield


async def await_chain(depth, n):
    if depth == 0:
        await Awaitable(n)
    else:
        await await_chain(depth - 1, n)


def run_await(depth, n):
    coroutine = await_chain(depth, n)
    coroutine.send(None)
    start = time.perf_counter()
    try:
        while True:
            coroutine.send(None)
    except StopIteration:
        return time.perf_counter() - start


@program("chains")
def await_1():
    return run_await(1, 200_000)


@program("chains")
def await_900():
    return run_await(900, 20_000) * 10


# ---- the language ----

@program("calls")
def calls():
    def f(a, b):
        return a
    for i in range(1_000_000):
        f(i, i)


@program("calls")
def closures():
    def make(n):
        def add(x):
            return x + n
        return add
    add = make(3)
    for i in range(1_000_000):
        add(i)


@program("calls")
def recursion_fib():
    def fib(n):
        return n if n < 2 else fib(n - 1) + fib(n - 2)
    fib(25)


class Point:
    def __init__(self, x, y):
        self.x = x
        self.y = y

    def norm(self):
        return self.x * self.x + self.y * self.y


@program("calls")
def methods():
    p = Point(1, 2)
    for i in range(600_000):
        p.norm()


@program("calls")
def attributes():
    p = Point(1, 2)
    for i in range(1_000_000):
        p.x = p.y


@program("calls")
def objects():
    for i in range(400_000):
        Point(i, i)


@program("calls")
def int_loop():
    total = 0
    for i in range(2_000_000):
        total += i * 3 % 7
    return None


@program("calls")
def float_loop():
    x = 0.5
    for i in range(2_000_000):
        x = x * 1.0000001 + 0.1
    return None


@program("calls")
def nbody():
    bodies = [[float(i + k) for k in range(6)] + [1.0 / (i + 1)] for i in range(5)]
    pairs = [(a, b) for i, a in enumerate(bodies) for b in bodies[i + 1:]]
    for _ in range(12_000):
        for a, b in pairs:
            dx, dy, dz = a[0] - b[0], a[1] - b[1], a[2] - b[2]
            mag = 0.001 * (dx * dx + dy * dy + dz * dz + 0.01) ** -1.5
            bm, am = b[6] * mag, a[6] * mag
            a[3] -= dx * bm
            a[4] -= dy * bm
            a[5] -= dz * bm
            b[3] += dx * am
            b[4] += dy * am
            b[5] += dz * am
        for body in bodies:
            body[0] += 0.001 * body[3]
            body[1] += 0.001 * body[4]
            body[2] += 0.001 * body[5]


@program("calls")
def fannkuch():
    n = 8
    perm1 = list(range(n))
    counts = [0] * n
    flips_max = 0
    r = n
    while True:
        while r != 1:
            counts[r - 1] = r
            r -= 1
        if perm1[0] != 0 and perm1[n - 1] != n - 1:
            perm = perm1[:]
            flips = 0
            k = perm[0]
            while k:
                perm[:k + 1] = reversed(perm[:k + 1])
                flips += 1
                k = perm[0]
            if flips > flips_max:
                flips_max = flips
        while True:
            if r == n:
                return None
            first = perm1[0]
            for i in range(r):
                perm1[i] = perm1[i + 1]
            perm1[r] = first
            counts[r] -= 1
            if counts[r] > 0:
                break
            r += 1
        r = r if r < n else n


# ---- builtin types ----

@program("types")
def dict_work():
    d = {}
    for i in range(300_000):
        d[i] = i
    total = 0
    for i in range(300_000):
        total += d[i]
    words = [f"k{i % 1000}" for i in range(200_000)]
    counts = {}
    for w in words:
        counts[w] = counts.get(w, 0) + 1


@program("types")
def list_work():
    items = []
    for i in range(500_000):
        items.append(i)
    items = [x + 1 for x in items]
    items.reverse()
    total = sum(items)
    while items:
        items.pop()


@program("types")
def str_work():
    words = "the quick brown fox jumps over the lazy dog".split()
    for i in range(60_000):
        text = " ".join(words)
        text.upper().replace("FOX", "cat").find("LAZY")
        f"{i}:{text[3:9]}"


@program("types")
def bytes_work():
    data = bytes(range(256)) * 20
    for i in range(20_000):
        data.find(b"\xfe\xff")
        data[i % 100:][:50].hex()


@program("types")
def sort_work():
    x, items = 12345, []
    for i in range(200_000):
        x = x * 1103515245 + 12345 & 0x7FFFFFFF
        items.append(x)
    sorted(items)
    sorted(items, key=lambda v: -v)
    sorted(map(str, items))


@program("types")
def exceptions():
    for i in range(300_000):
        try:
            raise ValueError(i)
        except ValueError:
            pass


@program("types")
def json_in_python():
    import json.encoder
    import json.scanner
    import json.decoder
    decoder = json.decoder.JSONDecoder()
    decoder.parse_string = json.decoder.py_scanstring
    decoder.scan_once = json.scanner.py_make_scanner(decoder)
    text = "[" + ",".join('{"name": "abc", "value": [1, 2.5, true, null], "s": "x\\ny"}' for _ in range(1500)) + "]"
    decoder.decode(text)


@program("types")
def big_integers():
    a = 3 ** 2000
    for i in range(4000):
        b = a * a
        b // (a + 1)
    str(3 ** 8000)


def main():
    group, function = PROGRAMS[sys.argv[1]]
    best = None
    for _ in range(3):
        start = time.perf_counter()
        own = function()
        elapsed = own if own is not None else time.perf_counter() - start
        best = elapsed if best is None else min(best, elapsed)
    print(best)


if __name__ == "__main__":
    sys.setrecursionlimit(5000)
    main()
