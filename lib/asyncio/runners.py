# SPDX-License-Identifier: MIT
"""A program's way into asyncio: run(), and Runner for several runs."""
from _contextvars import copy_context
from _functools import partial

from . import coroutines, events, exceptions, tasks
from ._lazy import lazy

__all__ = 'Runner', 'run'

signal = lazy('_signal')

_CREATED, _INITIALIZED, _CLOSED = 'created', 'initialized', 'closed'


class Runner:
    """A context manager that owns an event loop for any number of run() calls.

    `debug`: the loop's debug mode. `loop_factory`: makes the loop; then the policy's current loop is left alone.
    """

    def __init__(self, *, debug=None, loop_factory=None):
        self._loop_factory, self._debug = loop_factory, debug
        self._loop = self._context = None
        self._state = _CREATED
        self._set_event_loop = False     # is the policy's current loop ours?
        self._interrupt_count = 0        # Ctrl-C's that the running task got

    def __exit__(self, *details):
        self.close()

    def __enter__(self):
        self._lazy_init()
        return self

    def close(self):
        """Cancel what is left, close asynchronous generators and the executor, and close the loop."""
        if self._state is not _INITIALIZED:
            return
        loop = self._loop
        try:
            _cancel_all_tasks(loop)
            for shut_down in loop.shutdown_asyncgens, loop.shutdown_default_executor:
                loop.run_until_complete(shut_down())
        finally:
            self._state, self._loop = _CLOSED, None
            if self._set_event_loop:
                events.set_event_loop(None)
            loop.close()

    def get_loop(self):
        """The loop, which is made if that has not happened."""
        self._lazy_init()
        return self._loop

    def run(self, coro, *, context=None):
        """Run a coroutine in the loop and return its result."""
        if not coroutines.iscoroutine(coro):
            raise ValueError(f'a coroutine was expected, got {coro!r}')
        if events._get_running_loop() is not None:
            raise RuntimeError('Runner.run() cannot be called from a running event loop')
        self._lazy_init()
        task = self._loop.create_task(coro, context=self._context if context is None else context)
        handler = self._install_handler(task)
        try:
            self._interrupt_count = 0
            return self._loop.run_until_complete(task)
        except exceptions.CancelledError:
            # By Ctrl-C and nobody else? Tasks of other libraries may not count.
            if self._interrupt_count and getattr(task, 'uncancel', lambda: 1)() == 0:
                raise KeyboardInterrupt()
            raise
        finally:
            if handler is not None and signal.getsignal(signal.SIGINT) is handler:
                signal.signal(signal.SIGINT, signal.default_int_handler)

    def _install_handler(self, task):
        """Have SIGINT cancel the task, where nobody else handles it. Returns the handler, or None."""
        if signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
            return None
        handler = partial(self._on_sigint, main_task=task)
        try:
            signal.signal(signal.SIGINT, handler)
        except ValueError:               # not the main thread
            return None
        return handler

    def _lazy_init(self):
        if self._state is _CLOSED:
            raise RuntimeError('Runner is closed')
        if self._state is not _INITIALIZED:
            self._loop = (self._loop_factory or self._current_loop)()
            if self._debug is not None:
                self._loop.set_debug(self._debug)
            self._context = copy_context()
            self._state = _INITIALIZED

    def _current_loop(self):
        """A new loop, which becomes the policy's current one."""
        loop = events.new_event_loop()
        events.set_event_loop(loop)
        self._set_event_loop = True
        return loop

    def _on_sigint(self, signum, frame, main_task):
        first, self._interrupt_count = not self._interrupt_count, self._interrupt_count + 1
        if main_task.done() or not first:
            raise KeyboardInterrupt()
        main_task.cancel()
        self._loop.call_soon_threadsafe(lambda: None)        # the loop may be asleep


def run(main, *, debug=None, loop_factory=None):
    """Run a coroutine in a new event loop and return its result; what it leaves behind is cancelled and closed."""
    if events._get_running_loop() is not None:
        raise RuntimeError('asyncio.run() cannot be called from a running event loop')
    with Runner(debug=debug, loop_factory=loop_factory) as runner:
        return runner.run(main)


def _cancel(some):
    """Cancel tasks. Those that a cancelled task waits for are reached by that: a long chain is not gone through once for each of its tasks."""
    before = {task: task.cancelling() for task in some if type(task) is tasks.Task}
    for task in some:
        if task not in before or task.cancelling() == before[task]:
            task.cancel()


def _cancel_all_tasks(loop):
    left = tasks.all_tasks(loop)
    if not left:
        return
    _cancel(left)
    loop.run_until_complete(tasks.gather(*left, return_exceptions=True))
    for task in left:
        if not task.cancelled() and task.exception() is not None:
            loop.call_exception_handler({
                'message': 'unhandled exception during asyncio.run() shutdown', 'exception': task.exception(), 'task': task})
