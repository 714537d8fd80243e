# CPython does not start without its library. Cede does, with the native modules and the program's own files.
# cede: (0, "3.0 False ['x'] 4\n")
# cede: (0, "3.0 False ['x'] 4\n")
# cede: (0, 'found 7 helper helper.py\n')
# cede: (1, '')
# cede: (0, '[1, 2] timeout 3 True\n')
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

# The package asyncio is part of the interpreter.
PROGRAM = """
import asyncio

async def main():
    results = await asyncio.gather(asyncio.sleep(0.001, 1), asyncio.sleep(0, 2))
    try:
        async with asyncio.timeout(0.001):
            await asyncio.Event().wait()
    except TimeoutError:
        pass
    queue = asyncio.Queue()
    async with asyncio.TaskGroup() as group, asyncio.Lock():
        group.create_task(queue.put(3))
    print(results, "timeout", await queue.get(), asyncio.__spec__ is None)

asyncio.run(main())
"""
print(run("", "-c", PROGRAM))
