"""The programs that bench/run times. Run as `programs.py NAME`, it prints the seconds that one round of NAME took (best of three)."""
import sys
import time

from async_programs import EXTRA as ASYNC_EXTRA
from async_programs import PROGRAMS as ASYNC_PROGRAMS
from loop_programs import PROGRAMS as LOOP_PROGRAMS

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


@program("chains")
def chain_1000():
    return run_chain(1000, 20_000)


@program("chains")
def await_1000():
    return run_await(1000, 20_000)


# ---- resumes through many levels; no reference can do the deepest ----

def resume_time(run, depth, n):
    return min(run(depth, n) for _ in range(5)) / n


def deep_resume():
    """Nanoseconds of a resume through no level and through 900, for yield from and await."""
    for run in run_chain, run_await:
        for depth in 0, 900:
            print(resume_time(run, depth, 100_000) * 1e9)


def deepest_chain(depth=1_000_000):
    """Builds a chain of a million levels from the leaf up, runs it and lets it go."""
    def level(below):
        yield from below
    chain = count(100)
    for _ in range(depth):
        chain = level(chain)
    if sum(chain) != 4950:
        raise SystemExit("wrong sum")
    del chain


def deepest_await(depth=1_000_000):
    async def level(below):
        return await below
    coroutine = await_chain(0, 100)
    for _ in range(depth):
        coroutine = level(coroutine)
    for _ in range(100):
        coroutine.send(None)
    try:
        coroutine.send(None)
    except StopIteration:
        del coroutine


def half_run_chain(depth=1_000_000):
    """A chain that is dropped while it waits: closed from the leaf up."""
    def level(below):
        yield from below
    chain = count(100)
    for _ in range(depth):
        chain = level(chain)
    next(chain)
    del chain


EXTRA = {function.__name__: function for function in (deep_resume, deepest_chain, deepest_await, half_run_chain)}


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


# ---- objects at work: a scheduler of tasks that pass packets on, and a network of one-way constraints ----

class Packet:
    def __init__(self, link, owner, kind):
        self.link, self.owner, self.kind = link, owner, kind
        self.datum = 0
        self.data = [0, 0, 0, 0]

    def append_to(self, queue):
        self.link = None
        if queue is None:
            return self
        last = queue
        while last.link is not None:
            last = last.link
        last.link = self
        return queue


class SimTask:
    """A task of the simulation: waits for packets, runs when it has some, may be held."""

    def __init__(self, system, number, priority, queue):
        self.system, self.number, self.priority, self.queue = system, number, priority, queue
        self.waiting, self.held, self.pending = queue is None, False, queue is not None
        system.add(self)

    def is_idle(self):
        return self.held or (self.waiting and not self.pending)

    def run(self):
        packet = None
        if self.waiting and self.pending:
            packet = self.queue
            self.queue = packet.link
            self.waiting = False
            self.pending = self.queue is not None
        return self.work(packet)

    def receive(self, packet, sender):
        if self.queue is None:
            self.queue = packet
            self.pending = True
            if self.priority > sender.priority:
                return self
        else:
            packet.append_to(self.queue)
        return sender

    def wait(self):
        self.waiting = True
        return self

    def hold(self):
        self.system.holds += 1
        self.held = True
        return self.system.after(self)

    def send(self, packet):
        target = self.system.tasks[packet.owner]
        self.system.sent += 1
        packet.link, packet.owner = None, self.number
        return target.receive(packet, self)


class IdleTask(SimTask):
    def __init__(self, system, count):
        super().__init__(system, 0, 0, None)
        self.waiting, self.seed, self.count = False, 1, count

    def work(self, packet):
        self.count -= 1
        if self.count == 0:
            return self.hold()
        bit, self.seed = self.seed & 1, self.seed >> 1
        if bit:
            self.seed ^= 0xD008
        return self.system.release(5 if bit else 4)


class WorkerTask(SimTask):
    def __init__(self, system, queue):
        super().__init__(system, 1, 1000, queue)
        self.goal, self.letter = 2, 0

    def work(self, packet):
        if packet is None:
            return self.wait()
        self.goal = 5 - self.goal
        packet.owner, packet.datum = self.goal, 0
        for i in range(4):
            self.letter = self.letter % 26 + 1
            packet.data[i] = 64 + self.letter
        return self.send(packet)


class HandlerTask(SimTask):
    def __init__(self, system, number, priority, queue):
        super().__init__(system, number, priority, queue)
        self.work_in = self.device_in = None

    def work(self, packet):
        if packet is not None:
            if packet.kind:
                self.work_in = packet.append_to(self.work_in)
            else:
                self.device_in = packet.append_to(self.device_in)
        work = self.work_in
        if work is not None:
            if work.datum >= 4:
                self.work_in = work.link
                return self.send(work)
            device = self.device_in
            if device is not None:
                self.device_in = device.link
                device.datum = work.data[work.datum]
                work.datum += 1
                return self.send(device)
        return self.wait()


class DeviceTask(SimTask):
    def __init__(self, system, number, priority):
        super().__init__(system, number, priority, None)
        self.kept = None

    def work(self, packet):
        if packet is None:
            if self.kept is None:
                return self.wait()
            packet, self.kept = self.kept, None
            return self.send(packet)
        self.kept = packet
        return self.hold()


class TaskSystem:
    def __init__(self):
        self.tasks, self.order, self.holds, self.sent = {}, [], 0, 0

    def add(self, task):
        self.tasks[task.number] = task
        self.order.insert(0, task)

    def after(self, task):
        at = self.order.index(task) + 1
        return self.order[at] if at < len(self.order) else None

    def release(self, number):
        task = self.tasks[number]
        task.held = False
        current = self.current
        return task if task.priority > current.priority else current

    def run(self):
        task = self.order[0]
        while task is not None:
            self.current = task
            task = self.after(task) if task.is_idle() else task.run()


@program("calls")
def richards():
    system = TaskSystem()
    IdleTask(system, 3_000)
    WorkerTask(system, Packet(Packet(None, 1, 1), 1, 1))
    for handler, device in (2, 4), (3, 5):
        queue = None
        for _ in range(3):
            queue = Packet(queue, device, 0)
        HandlerTask(system, handler, handler * 1000, queue)
    for device in 4, 5:
        DeviceTask(system, device, device * 1000)
    system.run()


class Cell:
    def __init__(self, value):
        self.value, self.constraints, self.source = value, [], None


class Constraint:
    def __init__(self, strength, *cells):
        self.strength, self.cells, self.done = strength, cells, False
        for cell in cells:
            cell.constraints.append(self)

    @property
    def output(self):
        return self.cells[-1]

    def is_weaker(self, other):
        return self.strength < other.strength


class Equality(Constraint):
    def execute(self):
        self.output.value = self.cells[0].value


class Scale(Constraint):
    def execute(self):
        source, factor, offset, target = self.cells
        target.value = source.value * factor.value + offset.value


class Plan:
    def __init__(self, start):
        self.steps, todo, seen = [], [start], set()
        while todo:
            cell = todo.pop()
            for constraint in cell.constraints:
                if constraint.output is not cell and constraint not in seen:
                    seen.add(constraint)
                    self.steps.append(constraint)
                    todo.append(constraint.output)

    def execute(self):
        for constraint in self.steps:
            constraint.execute()


@program("calls")
def constraints():
    first = last = Cell(0)
    for i in range(200):
        cell = Cell(0)
        if i % 3:
            Equality(i, last, cell)
        else:
            Scale(i, last, Cell(2), Cell(i), cell)
        last = cell
    for value in range(60):
        first.value = value % 7
        plan = Plan(first)
        for _ in range(10):
            plan.execute()
        weakest = plan.steps[0]
        for constraint in plan.steps:
            if constraint.is_weaker(weakest):
                weakest = constraint


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


PROGRAMS.update(ASYNC_PROGRAMS)
PROGRAMS.update(LOOP_PROGRAMS)
EXTRA.update(ASYNC_EXTRA)


def main():
    if sys.argv[1] in EXTRA:
        EXTRA[sys.argv[1]]()
        return
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
