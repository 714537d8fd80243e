# A compiled file that is cut short or damaged: CPython imports it as far as it looks right, and raises EOFError or ValueError, or crashes, where it does
# not. Cede knows a whole file by its checksum, and compiles the source again. One that somebody else can have written is checked function by function.
# cede: intact 0 [2, 4]
# cede: cut: every program ran as if there were no compiled file
# cede: flipped: every program ran as if there were no compiled file
# cede: forged: no program crashed
import os
import random
import struct
import subprocess
import sys
import tempfile

SOURCE = """
def f(a, b=2, *c, **d):
    try:
        return [x * b for x in c if x > a], lambda: a
    finally:
        K.x
class K:
    x = {1: (2, "z", 3.5, b"q", frozenset({1}))}
print(f(0, 2, 1, 2)[0])
"""
HEADER = 16 + 5 + 24                             # importlib's, marshal's, the dump's own with its checksum at the end
MASK = (1 << 64) - 1


def checksum(data):
    h = len(data) * 0x9E3779B97F4A7C15 & MASK
    while len(data) >= 8:
        h = (h ^ int.from_bytes(data[:8], "little")) * 0xFF51AFD7ED558CCD & MASK
        h ^= h >> 32
        data = data[8:]
    h = (h ^ int.from_bytes(data, "little")) * 0xC4CEB9FE1A85EC53 & MASK
    return h ^ h >> 29


def cut(data):
    return data[:random.randrange(len(data))]


def flipped(data):
    data[random.randrange(len(data))] ^= 1 << random.randrange(8)
    return data


def forged(data):
    for _ in range(random.randrange(1, 4)):
        data[random.randrange(HEADER, len(data))] = random.randrange(256)
    data[HEADER - 8:HEADER] = struct.pack("<Q", checksum(bytes(data[HEADER:])))
    return data


random.seed(5)
with tempfile.TemporaryDirectory() as folder:
    with open(os.path.join(folder, "m.py"), "w") as file:
        file.write(SOURCE)
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}

    def run():
        return subprocess.run([sys.executable, "-S", "-c", "import m"], cwd=folder, capture_output=True, text=True, env=environment)

    first = run()
    print("intact", first.returncode, first.stdout, end="")
    path = os.path.join(folder, "__pycache__", "m.cede-311.pyc")
    with open(path, "rb") as file:
        intact = file.read()
    for damage in (cut, flipped, forged):
        problems = 0
        for _ in range(60):
            if os.path.exists(path):
                os.remove(path)
            with open(path, "wb") as file:
                file.write(damage(bytearray(intact)))
            if damage is forged:
                os.chmod(path, 0o666)
            done = run()
            problems += done.returncode < 0 if damage is forged else (done.returncode, done.stdout) != (0, first.stdout)
        what = "no program crashed" if damage is forged else "every program ran as if there were no compiled file"
        print(f"{damage.__name__}: {problems} problems" if problems else f"{damage.__name__}: {what}")
