"""_queue.SimpleQueue: order, time limits, threads."""


def show(source, scope=globals()):
    """Prints what an expression gives, or what it raises."""
    try:
        text = repr(eval(source, scope))
    except BaseException as error:
        text = type(error).__name__ + ": " + str(error)
    print(source, "->", text.split(" at 0x")[0])


import _queue
import threading
import weakref

q = _queue.SimpleQueue()
for source in """q.get(timeout=-1)|q.get(True,"a")|q.get(False)|q.get_nowait()|q.get(timeout=0.01)|q.put()|q.put(1,2,3)|q.qsize()|q.get()|q.put_nowait(1)|q.empty()|_queue.SimpleQueue(1)|_queue.Empty.__mro__|_queue.Empty.__module__|q.get(timeout=1e30)|
_queue.SimpleQueue[int]|q.get()""".split("|"):
    show(source.strip())
for i in range(100): q.put(i)
print([q.get() for _ in range(60)][-3:])
for i in range(100): q.put(i)
print(q.qsize(), [q.get() for _ in range(140)][-3:])
got = []
def take():
    while (item := q.get()) is not None: got.append(item)
threads = [threading.Thread(target=take) for _ in range(3)]
for t in threads: t.start()
for i in range(1000): q.put(i)
for t in threads: q.put(None)
for t in threads: t.join()
print(sorted(got) == list(range(1000)), q.empty())
q.put(q)
w = weakref.ref(q)
print(w() is q)
