# `-m asyncio`: statements with `await`, errors, and the exit status.
import subprocess
import sys


def prompt(text):
    done = subprocess.run([sys.executable, "-m", "asyncio"], input=text, capture_output=True, text=True)
    errors = [line for line in done.stderr.splitlines() if not line.startswith((" ", "asyncio REPL", "Traceback"))]
    print(done.returncode, done.stdout.splitlines(), errors)


prompt("await asyncio.sleep(0.01, 'result')\nx = await asyncio.sleep(0, 5)\nx + 1\n")
prompt("1 / 0\nprint('goes on')\ndef\n")
prompt("async def f():\n    return await asyncio.sleep(0, 7)\n\nawait f()\n[await f() for _ in range(2)]\n")
prompt("async with asyncio.timeout(0.01): await asyncio.sleep(1)\n\nprint('after')\n")
prompt("import contextvars\nv = contextvars.ContextVar('v', default=1)\nv.get()\n__name__\n")
prompt("raise SystemExit(3)\nprint('not reached')\n")
prompt("async def f(): raise SystemExit(4)\n\nawait f()\n")
prompt("exit(5)\n")
prompt("t = asyncio.create_task(asyncio.sleep(0, 'task'))\nawait t\nt.done()\n")
