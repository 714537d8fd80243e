# A cache file that was cut short or damaged is not believed: the module comes from its source again, or the import fails with an exception.
import importlib.util
import os
import random
import subprocess
import sys
import tempfile

folder = tempfile.mkdtemp()
source = os.path.join(folder, "damaged.py")
with open(source, "w") as f:
    f.write("import math\nVALUE = [math.pi, 'text' * 3, 2 ** 100, (1, b'2', None)]\nclass C:\n    def method(self, a, *b, c=1, **d):\n        return [x for x in b if x]\n"
            "def generator(n):\n    try:\n        yield from range(n)\n    finally:\n        print('closed')\nprint(sum(generator(4)), len(VALUE))\n")
environment = {key: value for key, value in os.environ.items() if key not in ("PYTHONDONTWRITEBYTECODE", "PYTHONPYCACHEPREFIX")}


def load():
    return subprocess.run([sys.executable, "-S", "-c", "import damaged"], cwd=folder, env=environment, capture_output=True, timeout=60)


first = load()
print(first.returncode, first.stdout, first.stderr)
cache = importlib.util.cache_from_source(source)
print(os.path.exists(cache))
with open(cache, "rb") as f:
    whole = f.read()
again = load()
print(again.returncode, again.stdout, again.stderr)


def damaged():
    yield b""
    for size in range(1, len(whole), len(whole) // 12):
        yield whole[:size]
    draw = random.Random(1)
    for _ in range(25):
        place = draw.randrange(len(whole))
        yield whole[:place] + bytes([whole[place] ^ 1 << draw.randrange(8)]) + whole[place + 1:]
    yield whole + b"more"
    yield whole[:40] + os.urandom(len(whole) - 40)


# The reference takes damaged code at its word, so it is not asked.
bad = 0
for data in damaged() if sys.implementation.name == "cede" else ():
    with open(cache, "wb") as f:
        f.write(data)
    done = load()
    if not (done.returncode == 0 and done.stdout == first.stdout or done.returncode == 1 and b"Error" in done.stderr):
        print(done.returncode, done.stdout, done.stderr[-300:])
        bad += 1
print(bad)
