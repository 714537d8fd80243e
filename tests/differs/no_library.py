# CPython does not start without its library. Cede does, with the native modules and the program's own files.
# cede: (0, "3.0 False ['x'] 4\n")
# cede: (0, "3.0 False ['x'] 4\n")
# cede: (0, 'found 7 helper helper.py\n')
# cede: (1, '')
import os
import subprocess
import sys
import tempfile

CODE = "import math, sys, _io, itertools, _collections, posix; print(math.sqrt(9), 'os' in sys.modules, list(itertools.chain('x')), 2 + 2)"


def run(library, *args, **how):
    done = subprocess.run([sys.executable, *args], capture_output=True, text=True, env={**os.environ, "CEDE_STDLIB": library}, **how)
    return done.returncode, done.stdout


print(run("", "-c", CODE))
print(run("/no/such/folder", "-c", CODE))
with tempfile.TemporaryDirectory() as folder:
    with open(os.path.join(folder, "helper.py"), "w") as file:
        file.write("value = 7\n")
    print(run("", "-c", "import helper; print('found', helper.value, helper.__name__, helper.__file__)", cwd=folder))
print(run("", "-c", "import json"))
