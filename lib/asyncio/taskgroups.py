# SPDX-License-Identifier: MIT
"""Tasks that end together: `async with TaskGroup() as group:`."""
from . import events, exceptions, futures, tasks
from .exceptions import CancelledError as _CancelledError

__all__ = ('TaskGroup',)


class TaskGroup:
    """A context manager for tasks. Its block ends when all of them have.

    When one fails, the others and the block itself are cancelled, and the failures come out as an ExceptionGroup.
    """

    def __init__(self):
        self._tasks, self._errors = set(), []
        self._loop = self._parent_task = self._on_completed_fut = None
        self._base_error = None                  # SystemExit or KeyboardInterrupt: goes out as it is
        self._entered = self._exiting = self._aborting = False
        self._parent_cancel_requested = False    # the group itself has cancelled the block

    def __repr__(self):
        parts = ['']
        if self._tasks:
            parts.append(f'tasks={len(self._tasks)}')
        if self._errors:
            parts.append(f'errors={len(self._errors)}')
        if self._aborting:
            parts.append('cancelling')
        elif self._entered:
            parts.append('entered')
        return f'<TaskGroup{" ".join(parts)}>'

    async def __aenter__(self):
        if self._entered:
            raise RuntimeError(f'TaskGroup {self!r} has already been entered')
        self._loop = self._loop or events.get_running_loop()
        parent = self._parent_task = tasks.current_task(self._loop)
        if parent is None:
            raise RuntimeError(f'TaskGroup {self!r} cannot determine the parent task')
        self._entered = True
        return self

    async def __aexit__(self, et, exc, tb):
        tb = None
        try:
            return await self._finish(et, exc)
        finally:
            # Exceptions hold frames, and those hold the group: no cycles are left behind.
            self._parent_task = None
            self._errors = None
            self._base_error = None
            exc = None

    async def _finish(self, et, exc):
        self._exiting = True
        if et is not None and self._base_error is None and self._is_base_error(exc):
            self._base_error = exc
        cancelled = exc if et is not None and issubclass(et, _CancelledError) else None
        if et is not None and not self._aborting:
            self._abort()
        while self._tasks:                       # again, if the parent is cancelled while it waits
            end = self._on_completed_fut = self._loop.create_future()
            try:
                await end
            except _CancelledError as error:
                if not self._aborting:
                    cancelled = error
                    self._abort()
            self._on_completed_fut = None
        if self._parent_cancel_requested and self._parent_task.uncancel() == 0:
            cancelled = None                     # it was our own cancellation, and nobody else's
        if self._base_error is not None:
            raise self._base_error
        try:
            # Without a failure of its own the group passes the parent's cancellation on.
            if cancelled is not None and not self._errors:
                raise cancelled
        finally:
            cancelled = None
        if et is not None and not issubclass(et, _CancelledError):
            self._errors.append(exc)
        if self._errors:
            # The parent was cancelled from outside as well, but the block will see the group: the next await is told again.
            if self._parent_task.cancelling():
                self._parent_task.uncancel()
                self._parent_task.cancel()
            try:
                raise BaseExceptionGroup('unhandled errors in a TaskGroup', self._errors) from None
            finally:
                exc = None
        return None

    def create_task(self, coro, *, name=None, context=None, **kwargs):
        """Run a coroutine as a task of the group; other arguments go to the loop's create_task()."""
        problem = ('has not been entered' if not self._entered else
                   'is finished' if self._exiting and not self._tasks else
                   'is shutting down' if self._aborting else None)
        if problem:
            raise RuntimeError(f'TaskGroup {self!r} {problem}')
        if context is not None:
            kwargs['context'] = context
        task = self._loop.create_task(coro, **kwargs)
        tasks._set_task_name(task, name)
        futures.future_add_to_awaited_by(task, self._parent_task)
        if task.done():                          # eager: it may have ended already
            if not task.cancelled() and task.exception() is not None:
                self._on_task_done(task)
            else:
                futures.future_discard_from_awaited_by(task, self._parent_task)
            return task
        self._tasks.add(task)
        task.add_done_callback(self._on_task_done)
        try:
            return task
        finally:
            del task                             # the frame of a later traceback must not keep it

    def _is_base_error(self, exc):
        return isinstance(exc, (SystemExit, KeyboardInterrupt))

    def _abort(self):
        self._aborting = True
        for task in self._tasks:
            if not task.done():
                task.cancel()

    def _on_task_done(self, task):
        self._tasks.discard(task)
        if self._parent_task is not None:
            futures.future_discard_from_awaited_by(task, self._parent_task)
        if self._on_completed_fut is not None and not self._tasks and not self._on_completed_fut.done():
            self._on_completed_fut.set_result(True)
        error = None if task.cancelled() else task.exception()
        if error is None:
            return
        self._errors.append(error)
        if self._is_base_error(error) and self._base_error is None:
            self._base_error = error
        if self._parent_task.done():
            self._loop.call_exception_handler({
                'message': f'Task {task!r} has errored out but its parent task {self._parent_task} is already completed',
                'exception': error, 'task': task})
        elif not (self._aborting or self._parent_cancel_requested):
            # The block may be waiting for something else: it is cancelled, and __aexit__ takes that back.
            self._parent_cancel_requested = True
            self._abort()
            self._parent_task.cancel()
