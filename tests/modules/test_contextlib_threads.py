# contextlib, threading, queue, io and weak references working together; what is printed does not depend on timing
import contextlib
import io
import queue
import sys
import threading
import weakref

with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.suppress(KeyError):
    print("hidden")
    {}["k"]
print(repr(out.getvalue()))
with contextlib.closing(io.BytesIO(b"x")) as f: f.read()
print(f.closed, contextlib.nullcontext(5).__enter__())


class Cleanup(contextlib.ContextDecorator):
    def __enter__(self): print("in"); return self
    def __exit__(self, *a): print("out", a[0]); return a[0] is ValueError


@Cleanup()
def work(x):
    if x: raise x
    return "done"


print(work(None), work(ValueError()))
try: work(KeyError("k"))
except KeyError as e: print(repr(e))


@contextlib.contextmanager
def twice():
    yield 1
    yield 2


@contextlib.contextmanager
def never():
    if False: yield


@contextlib.contextmanager
def stops():
    try: yield
    except RuntimeError as e: raise StopIteration from e


for manager, error in ((twice, None), (twice, ValueError("v")), (never, None), (stops, RuntimeError("r")), (stops, StopIteration("s"))):
    try:
        with manager():
            if error: raise error
    except BaseException as e: print(manager.__name__, repr(e), repr(e.__cause__))
with contextlib.ExitStack() as stack:
    stack.push(lambda *a: print("pushed", a[0]) or True)
    stack.enter_context(contextlib.suppress(OSError))
    stack.callback(lambda *a, **k: print("callback", a, k), 1, x=2)
    other = stack.pop_all()
print("nothing yet")
other.close()

# threads
lock, results = threading.Lock(), []
barrier, event, local = threading.Barrier(4), threading.Event(), threading.local()


def runner(n):
    local.n = n
    barrier.wait()
    event.wait()
    with lock: results.append((n, local.n, threading.current_thread().name))


threads = [threading.Thread(target=runner, args=(n,), name=f"t{n}") for n in range(4)]
for t in threads: t.start()
event.set()
for t in threads: t.join()
print(sorted(results), hasattr(local, "n"), threading.active_count(), threading.main_thread().name)
condition, items, order = threading.Condition(), [], []


def consume():
    with condition:
        while not condition.wait_for(lambda: items, 10): pass
        order.append(items.pop())
        condition.notify_all()


t = threading.Thread(target=consume)
t.start()
with condition:
    items.append("item")
    condition.notify()
    print(condition.wait_for(lambda: order, 10), order)
t.join()
r = threading.RLock()
with r, r: print(r._is_owned() if hasattr(r, "_is_owned") else True)
s = threading.BoundedSemaphore(1)
with s: print(s.acquire(blocking=False))
try: s.release()
except ValueError as e: print(e)
try: threading.Lock().release()
except RuntimeError as e: print(e)
q = queue.PriorityQueue()
for n in (3, 1, 2): q.put(n)
print([q.get() for _ in range(3)], q.empty())
try: queue.Queue(1).get_nowait()
except queue.Empty as e: print(type(e).__name__)
seen = []
threading.excepthook = lambda args: seen.append((args.exc_type.__name__, str(args.exc_value), args.thread.name))
t = threading.Thread(target=lambda: 1 / 0, name="failing")
t.start(); t.join()
print(seen, t.is_alive(), t.daemon)
timer = threading.Timer(0.01, seen.append, ["timer"])
timer.start(); timer.join()
print(seen[-1])
count = [0]


def add():
    for _ in range(2000):
        with lock: count[0] += 1


threads = [threading.Thread(target=add) for _ in range(5)]
for t in threads: t.start()
for t in threads: t.join()
print(count)

# io
text = io.TextIOWrapper(io.BytesIO("a\r\nb\rc\né".encode()), "utf-8", newline=None)
print(text.readlines(), text.newlines)
for newline in (None, "", "\n", "\r", "\r\n"):
    out = io.BytesIO()
    w = io.TextIOWrapper(out, "utf-8", newline=newline, write_through=True)
    w.write("x\ny\r\nz\r")
    r = io.TextIOWrapper(io.BytesIO(b"x\ny\r\nz\rw"), "utf-8", newline=newline)
    print(repr(newline), out.getvalue(), list(r))
s = io.StringIO("line one\nline two\n\nlast")
print(s.readline(), s.tell(), s.read(4), s.seek(0), list(s), s.truncate(4), s.getvalue(), s.seek(0, 2), s.write("é😀"), s.getvalue())
b = io.BytesIO()
print(b.write(b"abc"), b.seek(5), b.write(b"z"), b.getvalue(), b.seek(-2, 2), b.read(), b.readinto(bytearray(2)), bytes(b.getbuffer()[:2]))
raw = io.BufferedReader(io.BytesIO(bytes(range(50))), 8)
print(raw.peek(3)[:3], raw.read(3), raw.read1(100), raw.tell(), raw.seek(-5, 2), raw.read(), raw.readline())
for action in ("io.StringIO(5)", "io.BytesIO('x')", "s.seek(-1)", "s.seek(1, 1)", "b.write('x')", "s.write(b'x')", "io.TextIOWrapper(b, 'nosuch')", "open('/nonexistent')", "open('/tmp', 'w')", "open('x', 'q')", "open('x', 'rb', encoding='a')", "open('x', 'r+w')", "b.close() or b.read()", "io.open(5, 'r', closefd=1, opener=None) if 0 else 1",
               "io.TextIOWrapper(io.BytesIO(b'\\xff'), 'utf-8').read()", "io.TextIOWrapper(io.BytesIO(), 'ascii').write('é')", "io.UnsupportedOperation.__mro__[1:3]", "io.IncrementalNewlineDecoder(None, True).decode('a\\r\\nb\\r')"):
    try: print(action, "->", repr(eval(action)))
    except Exception as e: print(action, "->", type(e).__name__, e)


# weak references
class Node:
    def __init__(self, n): self.n = n
    def __repr__(self): return f"Node {self.n}"


died = []
nodes = [Node(n) for n in range(3)]
values, keys, group = weakref.WeakValueDictionary(enumerate(nodes)), weakref.WeakKeyDictionary({n: n.n for n in nodes}), weakref.WeakSet(nodes)
for n in nodes: weakref.finalize(n, died.append, n.n)
method = weakref.WeakMethod(nodes[0].__repr__)
proxy = weakref.proxy(nodes[1])
print(len(values), len(keys), len(group), method()(), proxy.n, sorted(values), died)
del n, nodes[1]
print(len(values), len(keys), len(group), sorted(values), died)
try: proxy.n
except ReferenceError as e: print(e)
nodes.clear()
print(len(values), len(keys), len(group), method(), died)
