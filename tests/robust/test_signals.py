# SIGINT at any instant: KeyboardInterrupt at once, exit by the signal, no state half changed.
import signal
import subprocess
import sys
import time

INTERRUPTED = {
    "loop": "print('go', flush=True)\nwhile True: pass",
    "sleep": "import time; print('go', flush=True); time.sleep(100)",
    "generator": "def g():\n  while 1: yield\nprint('go', flush=True)\nfor _ in g(): pass",
    "regex": "import re; print('go', flush=True); re.match('(a+)+$', 'a' * 60 + 'b')",
    "sort": "l = list(range(100000))\nprint('go', flush=True)\nwhile 1: sorted(l[::-1] + l, reverse=True)",
    "lock": "import threading; l = threading.Lock(); l.acquire(); print('go', flush=True); l.acquire()",
    "join": "import threading, time\nt = threading.Thread(target=time.sleep, args=(30,), daemon=True); t.start(); print('go', flush=True); t.join()",
    "condition": "import threading; c = threading.Condition(); print('go', flush=True)\nwith c: c.wait()",
    "queue": "import queue; print('go', flush=True); queue.Queue().get()",
    "simple queue": "import queue; print('go', flush=True); queue.SimpleQueue().get()",
    "select": "import select; print('go', flush=True); select.select([], [], [])",
    "pipe": "import os; r, w = os.pipe(); print('go', flush=True); os.read(r, 1)",
    "input": "print('go', flush=True); input()",
    "stdin": "import sys; print('go', flush=True); sys.stdin.read()",
    "child": "import subprocess; print('go', flush=True); subprocess.run(['sleep', '50'])",
    "waitpid": "import os, time\np = os.fork()\nif p == 0: time.sleep(20); os._exit(0)\nprint('go', flush=True)\nos.waitpid(p, 0)",
    "thread runs": "import threading\nt = threading.Thread(target=lambda: [None for _ in iter(int, 1)], daemon=True); t.start(); print('go', flush=True)\nwhile 1: pass",
    "finally": "try:\n  print('go', flush=True)\n  while 1: x = 1\nfinally: print('cleaned', flush=True)",
    "caught": "import sys\ntry:\n  print('go', flush=True)\n  while 1: pass\nexcept KeyboardInterrupt: print('caught'); sys.exit(5)",
    "del": "class A:\n  def __del__(self):\n    print('go', flush=True)\n    while 1: pass\nA()\nprint('after')",
    "zip": "import itertools; print('go', flush=True)\nfor x in zip(itertools.count(), itertools.count()): pass",
    "json": "import json; x = [list(range(1000))] * 100; print('go', flush=True)\nwhile 1: json.dumps(x)",
}


def restore():
    signal.signal(signal.SIGINT, signal.default_int_handler)


def start(program):
    return subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=restore)


for name, program in INTERRUPTED.items():
    process = start(program)
    process.stdout.readline()
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    time.sleep(0.3)                                # the end of input, which follows, must not come first
    try:
        output, errors = process.communicate(timeout=30)
    except subprocess.TimeoutExpired:
        process.kill()
        print(name, "hangs")
        continue
    print(name, process.returncode, output, errors.splitlines()[-1:])

# A storm: each interrupt may hit any instruction; what is counted afterwards must be whole.
STORM = """
import signal
caught = rounds = 0
def work():
    data = {}
    l = list(range(300))
    for i in range(300):
        data[str(i)] = [i]
    l.sort(key=lambda x: -x)
    s = ''.join(sorted(data))
    def g():
        try:
            for i in range(50): yield i
        finally:
            data.clear()
    total = sum(g())
    class C:
        def __init__(self): self.x = [self]
        def __del__(self): pass
    [C() for _ in range(20)]
    try: raise ValueError(1)
    except ValueError as e: str(e)
    assert total == 1225 and len(l) == 300 and not data
print('go', flush=True)
while caught < 200:
    try:
        while True:
            work()
            rounds += 1
    except KeyboardInterrupt:
        caught += 1
signal.signal(signal.SIGINT, signal.SIG_IGN)
work()
print('whole')
"""
process = start(STORM)
process.stdout.readline()
limit = time.time() + 100
while process.poll() is None and time.time() < limit:
    process.send_signal(signal.SIGINT)
    time.sleep(0.002)
process.kill()
output, errors = process.communicate()
# An interrupt within the handler of another ends the program as it does in the reference: both ends are right.
print(output in (b"whole\n", b"") and b"Fatal" not in errors and process.returncode in (0, 1, -2))
