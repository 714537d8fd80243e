# SPDX-License-Identifier: MIT
"""`-m asyncio`: an interactive prompt with `await`."""
import asyncio
import ast
import code
import concurrent.futures
import inspect
import threading
import types
import sys
import warnings

from . import futures


class Console(code.InteractiveConsole):
    """Statements run in the main thread's loop, the prompt in another thread."""

    def __init__(self, names, loop):
        super().__init__(names)
        self.compile.compiler.flags |= ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
        self.loop = loop
        self.task = None                         # of the statement that is being run
        self.interrupted = False

    def runcode(self, code):
        result = concurrent.futures.Future()
        self.loop.call_soon_threadsafe(self._run, code, result)
        try:
            return result.result()
        except SystemExit:
            raise
        except BaseException:
            if self.interrupted:
                self.write('\nKeyboardInterrupt\n')
            else:
                self.showtraceback()

    def _run(self, code, result):
        self.task = None
        self.interrupted = False
        try:
            value = types.FunctionType(code, self.locals)()
            if not inspect.iscoroutine(value):
                result.set_result(value)
                return
            self.task = self.loop.create_task(value)
            futures._chain_future(self.task, result)
        except SystemExit:                       # ends the loop's run, and the program
            raise
        except KeyboardInterrupt as exc:
            self.interrupted = True
            result.set_exception(exc)
        except BaseException as exc:
            result.set_exception(exc)


def _prompt(console):
    try:
        banner = (f'asyncio REPL {sys.version} on {sys.platform}\n'
                  f'Use "await" directly instead of "asyncio.run()".\n'
                  f'Type "help", "copyright", "credits" or "license" for more information.\n'
                  f'{getattr(sys, "ps1", ">>> ")}import asyncio')
        console.interact(banner=banner, exitmsg='exiting asyncio REPL...')
    finally:
        warnings.filterwarnings('ignore', message=r'^coroutine .* was never awaited$', category=RuntimeWarning)
        console.loop.call_soon_threadsafe(console.loop.stop)


def main():
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    names = {'asyncio': asyncio, '__builtins__': __builtins__, '__name__': '__main__', '__doc__': None, '__package__': None}
    console = Console(names, loop)
    try:
        import readline  # noqa: F401            # editing and history, where there is one
    except ImportError:
        pass
    threading.Thread(target=_prompt, args=(console,), name='prompt', daemon=True).start()
    while True:
        try:
            loop.run_forever()
            return
        except KeyboardInterrupt:
            if console.task is not None and not console.task.done():
                console.interrupted = True
                console.task.cancel()


if __name__ == '__main__':
    main()
