#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""start_order.py: writes src/start_order.txt, the functions and tables that starts and small programs touch, in the order in which they do.

usage: tools/start_order.py [PROGRAM]        needs valgrind; the program must have been linked at a fixed address, as build/cede is

The linker puts them side by side (CMakeLists.txt), so that a start maps few pages. A name that is gone matches nothing and costs nothing: making the list
anew is worthwhile only when much has changed."""
import bisect
import os
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent


def symbols_of(program):
    """Sorted (start, end, name) of the program's functions and constant tables."""
    found = []
    for line in subprocess.run(["nm", "-S", program], capture_output=True, text=True, check=True).stdout.splitlines():
        words = line.split()
        if len(words) == 4 and words[2] in "tTrRdD":
            start, size = int(words[0], 16), int(words[1], 16)
            if size < LARGE or words[2] not in "rR":
                found.append((start, start + size, words[3]))
    return sorted(found)


LARGE = 8192                                         # bytes; of a larger table only little is touched, and it would draw the others apart

# What nearly every program does, in little.
SMALL_PROGRAM = """
import sys
class Counter:
    def __init__(self, name, start=0):
        self.name, self.count = name, start
    def add(self, line):
        self.count += len(line.split())
        return self.count
def words(path):
    counter, seen = Counter(path), {}
    for line in open(path):
        if line.startswith("root:") or not line.strip():
            continue
        counter.add(line)
        seen[counter.name, line[:3]] = seen.get((counter.name, line[:3]), 0) + 1
    print(sorted(seen)[0][1] + ":" + str(sum(n for n in seen.values())), end=chr(10))
    return [path, counter.count, {"name": counter.name}, f"{counter.count:5}", (1, 2.5)]
try:
    print(words("/etc/passwd"), len(sys.argv), *[n for n in range(3)])
except OSError as error:
    print(error)
"""


def touched(program, symbols, code):
    """Names of what the run of `code` without the library executes, reads and writes, in the order of its first use."""
    starts = [start for start, _, _ in symbols]
    reader, writer = os.pipe()
    process = subprocess.Popen(["valgrind", "--tool=lackey", "--trace-mem=yes", f"--log-fd={writer}", program, "-I", "-S", "-c", code],
                               pass_fds=[writer], stdout=subprocess.DEVNULL)
    os.close(writer)
    seen = set()
    with open(reader, encoding="ascii", errors="replace") as lines:
        for line in lines:
            access = re.match(r"(?:I | [SLM]) ([0-9a-f]+),", line)
            if access and (address := int(access[1], 16) >> 4 << 4) not in seen:
                seen.add(address)
                i = bisect.bisect_right(starts, address + 15) - 1
                if i >= 0 and address < symbols[i][1]:
                    yield symbols[i][2]
    if process.wait():
        sys.exit("start_order.py: the program failed")


def called(program):
    """Names of the functions that a start with site calls; a trace of all its memory accesses would take too long."""
    with tempfile.TemporaryDirectory() as folder:
        out = pathlib.Path(folder, "out")
        subprocess.run(["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}", program, "-c", "pass"], check=True, stderr=subprocess.DEVNULL)
        return [name.split("'")[0] for name in re.findall(r"^c?fn=\(\d+\) (\S+)", out.read_text(errors="replace"), re.M)]


def main():
    program = sys.argv[1] if len(sys.argv) > 1 else str(ROOT / "build" / "cede")
    symbols = symbols_of(program)
    known = {name for _, _, name in symbols}
    names = {}
    for name in [*touched(program, symbols, "pass"), *touched(program, symbols, SMALL_PROGRAM), *called(program)]:
        base, _, suffix = name.partition(".")
        if name in known:
            names.setdefault(base + ".cold" if suffix.startswith("cold") else base)
    (ROOT / "src" / "start_order.txt").write_text("".join(f"{name}\n" for name in names))


main()
