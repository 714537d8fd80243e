# What is reported when a program is over and its modules are being taken apart: tasks that are left, exceptions that nobody asked for.
import subprocess
import sys

PROGRAMS = {
    "a pending task in a cycle": """
t = loop.create_task(asyncio.sleep(1), name='pend')
loop.call_soon(loop.stop); loop.run_forever(); loop.close(); del t
""",
    "a pending task in a variable": """
t = loop.create_task(asyncio.sleep(1), name='pend')
loop.call_soon(loop.stop); loop.run_forever(); loop.close()
""",
    "a task that failed": """
async def fails(): raise LookupError('unheard')
t = loop.create_task(fails(), name='failed')
loop.call_soon(loop.stop); loop.run_forever(); loop.close()
""",
    "a future that failed": """
f = loop.create_future(); f.set_exception(LookupError('unheard'))
loop.close()
""",
    "KeyboardInterrupt in a task": """
async def interrupted(): raise KeyboardInterrupt
async def main():
    t = asyncio.create_task(interrupted(), name='child'); await asyncio.sleep(1)
loop.close()
asyncio.run(main())
""",
    "a finalizer that imports": """
class Importer:
    def __del__(self):
        import colorsys
        print('imported', colorsys.__name__)
importer = Importer()
importer.itself = importer
del importer
loop.close()
""",
}

for name, text in PROGRAMS.items():
    done = subprocess.run([sys.executable, "-c", "import asyncio\nloop = asyncio.new_event_loop()" + text], capture_output=True, text=True)
    print(name, done.returncode, done.stdout)
    lines = done.stderr.splitlines()
    print([line for line in lines if line.startswith(("Task was", "Task exc", "Future exc", "LookupError", "KeyboardInterrupt", "Exception ignored"))])
    print(sorted(line.split(" coro=")[0] for line in lines if line.startswith(("task: ", "future: "))))
