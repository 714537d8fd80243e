# cede: any True
# cede: sum True
# cede: list True
# cede: deque True
# cede: set True
# cede: dict True
# cede: in True
# cede: join True
# cede: max True
# cede: accumulate True
# Native loops over native iterators that never end see signals; the reference stays in them until it is killed.
import collections
import itertools
import signal
import time

endless = itertools.repeat
for name, run in {
    "any": lambda: any(endless(0)), "sum": lambda: sum(endless(0)), "list": lambda: list(filter(None, endless(0))),
    "deque": lambda: collections.deque(endless(1), maxlen=0), "set": lambda: set(endless(1)), "dict": lambda: dict.fromkeys(endless(1)),
    "in": lambda: 5 in endless(1), "join": lambda: "".join(endless("")), "max": lambda: max(endless(1)),
    "accumulate": lambda: collections.deque(itertools.accumulate(endless(0)), maxlen=0),
}.items():
    signal.signal(signal.SIGALRM, lambda *a: signal.default_int_handler(*a))
    signal.setitimer(signal.ITIMER_REAL, 0.05)
    begin = time.monotonic()
    try:
        run()
    except KeyboardInterrupt:
        print(name, time.monotonic() - begin < 5)
