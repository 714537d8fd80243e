# SPDX-License-Identifier: MIT
"""Tasks and what one does with them.

The native Task is the one that programs get. The class written here does the same in Python: for tests, and to read.
"""
from _contextvars import copy_context
from _functools import partial
from itertools import count as _count

from . import base_tasks, coroutines, events, exceptions, format_helpers, futures
from ._lazy import lazy
from .coroutines import _is_coroutine
from .events import get_running_loop as _get_running_loop
from .exceptions import CancelledError as _CancelledError
from .futures import _get_loop, _set_result_unless_cancelled, isfuture

__all__ = ('Task', 'create_task', 'FIRST_COMPLETED', 'FIRST_EXCEPTION', 'ALL_COMPLETED', 'wait', 'wait_for', 'as_completed', 'sleep',
           'gather', 'shield', 'ensure_future', 'run_coroutine_threadsafe', 'current_task', 'all_tasks', 'create_eager_task_factory',
           'eager_task_factory', '_register_task', '_unregister_task', '_enter_task', '_leave_task')

concurrent = lazy('concurrent', 'concurrent.futures')
inspect = lazy('inspect')
warnings = lazy('warnings')

FIRST_COMPLETED = 'FIRST_COMPLETED'
FIRST_EXCEPTION = 'FIRST_EXCEPTION'
ALL_COMPLETED = 'ALL_COMPLETED'

GenericAlias = futures.GenericAlias
_GENERATOR = type(_ for _ in ())
_task_name_counter = _count(1).__next__
_swap_current_task = None                # set at the end of the file


class Task(futures._PyFuture):
    """A coroutine that runs under an event loop, and the future of its result."""

    _log_destroy_pending = True          # False for tasks whose loss is nobody's mistake

    def __init__(self, coro, *, loop=None, name=None, context=None, eager_start=False):
        super().__init__(loop=loop)
        if not coroutines.iscoroutine(coro):
            self._log_destroy_pending = False
            raise TypeError(f'a coroutine was expected, got {coro!r}')
        if self._source_traceback:
            self._source_traceback.pop()     # this frame
        self._name = f'Task-{_task_name_counter()}' if name is None else str(name)
        self._num_cancels_requested = 0
        self._must_cancel = False        # a CancelledError is due at the next step
        self._fut_waiter = None          # what it waits for
        self._coro = coro
        self._context = copy_context() if context is None else context
        if eager_start and self._loop.is_running():
            self.__start_eagerly()
        else:
            _register_task(self)
            self._loop.call_soon(self.__step, context=self._context)

    __class_getitem__ = classmethod(GenericAlias)

    def __repr__(self):
        return base_tasks._task_repr(self)

    def __del__(self):
        if self._log_destroy_pending and not self.done():
            format_helpers._call_handler(self._loop, self, {'task': self, 'message': 'Task was destroyed but it is pending!'})
        super().__del__()

    def get_coro(self):
        """The coroutine; None for a task that ended while it was being made."""
        return self._coro

    def get_context(self):
        """The context in which the coroutine runs."""
        return self._context

    def get_name(self):
        """The task's name."""
        return self._name

    def set_name(self, value):
        """Give the task another name."""
        self._name = str(value)

    def set_exception(self, exception):
        raise RuntimeError('Task does not support set_exception operation')

    def set_result(self, result):
        raise RuntimeError('Task does not support set_result operation')

    def get_stack(self, *, limit=None):
        """The frames of the task, oldest first: of a suspended coroutine the one frame it has, of a failed one those of its traceback.

        `limit`: the newest frames of a stack, but the oldest of a traceback.
        """
        return base_tasks._task_get_stack(self, limit)

    def print_stack(self, *, limit=None, file=None):
        """Print the frames of get_stack() like a traceback."""
        return base_tasks._task_print_stack(self, limit, file)

    def cancel(self, msg=None):
        """Have a CancelledError raised in the coroutine. False if the task is done already.

        The coroutine may catch it, so the task need not end, and cancelled() stays False until it has.
        """
        self._log_traceback = False
        if self.done():
            return False
        self._num_cancels_requested += 1
        if self._fut_waiter is None or not self._fut_waiter.cancel(msg=msg):
            self._must_cancel = True
            self._cancel_message = msg
        return True

    def cancelling(self):
        """How many cancel() calls have not been answered by uncancel()."""
        return self._num_cancels_requested

    def uncancel(self):
        """One request for cancellation less; returns how many are left. For those who catch CancelledError and go on."""
        if self._num_cancels_requested > 0:
            self._num_cancels_requested -= 1
            if self._num_cancels_requested == 0:
                self._must_cancel = False
        return self._num_cancels_requested

    def __start_eagerly(self):
        previous = _swap_current_task(self._loop, self)
        try:
            _register_task(self)
            self._context.run(self.__advance, None)
        finally:
            try:
                assert _swap_current_task(self._loop, previous) is self
            finally:
                if self.done():
                    _unregister_task(self)
                    self._coro = None
                    self = None

    def __step(self, exc=None):
        if self.done():
            raise exceptions.InvalidStateError(f'__step(): already done: {self!r}, {exc!r}')
        if self._must_cancel:
            if not isinstance(exc, _CancelledError):
                exc = self._make_cancelled_error()
            self._must_cancel = False
        self._fut_waiter = None
        _enter_task(self._loop, self)
        try:
            self.__advance(exc)
        finally:
            _leave_task(self._loop, self)
            self = None                  # the frame of a traceback must not keep it

    def __advance(self, exc):
        coro = self._coro
        try:
            yielded = coro.send(None) if exc is None else coro.throw(exc)
        except StopIteration as end:
            if self._must_cancel:        # cancelled in its very last step
                self._must_cancel = False
                super().cancel(msg=self._cancel_message)
            else:
                super().set_result(end.value)
        except _CancelledError as error:
            self._cancelled_exc = error
            super().cancel()
        except (KeyboardInterrupt, SystemExit) as error:
            super().set_exception(error)
            raise
        except BaseException as error:
            super().set_exception(error)
        else:
            mistake = self.__wait_for(yielded)
            if mistake:
                self._loop.call_soon(self.__step, RuntimeError(mistake), context=self._context)
        finally:
            self = None

    def __wait_for(self, yielded):
        """Go to sleep until what the coroutine yielded is done; returns what is wrong with it."""
        blocking = getattr(yielded, '_asyncio_future_blocking', None)
        if blocking is None:
            if yielded is None:
                self._loop.call_soon(self.__step, context=self._context)
                return None
            if isinstance(yielded, _GENERATOR):
                return f'yield was used instead of yield from for generator in task {self!r} with {yielded!r}'
            return f'Task got bad yield: {yielded!r}'
        if _get_loop(yielded) is not self._loop:
            return f'Task {self!r} got Future {yielded!r} attached to a different loop'
        if not blocking:
            return f'yield was used instead of yield from in task {self!r} with {yielded!r}'
        if yielded is self:
            return f'Task cannot await on itself: {self!r}'
        futures.future_add_to_awaited_by(yielded, self)
        yielded._asyncio_future_blocking = False
        yielded.add_done_callback(self.__wakeup, context=self._context)
        self._fut_waiter = yielded
        if self._must_cancel and yielded.cancel(msg=self._cancel_message):
            self._must_cancel = False
        return None

    def __wakeup(self, future):
        futures.future_discard_from_awaited_by(future, self)
        try:
            future.result()
        except BaseException as exc:
            self.__step(exc)
        else:
            self.__step()
        self = None


_PyTask = Task


def create_task(coro, *, name=None, context=None, **kwargs):
    """Have the running loop run a coroutine; returns its Task. Other arguments go to the loop's create_task()."""
    if context is not None:
        kwargs['context'] = context
    task = _get_running_loop().create_task(coro, **kwargs)
    if name is not None:
        _set_task_name(task, name)
    return task


def _set_task_name(task, name):
    if name is None:
        return
    try:
        set_name = task.set_name
    except AttributeError:
        warnings.warn('Task.set_name() was added in Python 3.8, the method support will be mandatory for third-party task implementations '
                      'since 3.13.', DeprecationWarning, stacklevel=3)
    else:
        set_name(name)


# ---- all tasks, and the current one ----

def current_task(loop=None):
    """The task that runs in `loop`, by default in the running loop; or None."""
    return _current_tasks.get(_get_running_loop() if loop is None else loop)


def all_tasks(loop=None):
    """The set of tasks of `loop`, by default of the running loop, that are not done."""
    if loop is None:
        loop = _get_running_loop()
    for attempt in range(1000):          # another thread may change the set meanwhile
        try:
            tasks = list(_all_tasks)
            break
        except RuntimeError:
            if attempt == 999:
                raise
    return {task for task in tasks if _get_loop(task) is loop and not task.done()}


def _register_task(task):
    _all_tasks.add(task)


def _unregister_task(task):
    _all_tasks.discard(task)


def _enter_task(loop, task):
    current = _current_tasks.get(loop)
    if current is not None:
        raise RuntimeError(f'Cannot enter into task {task!r} while another task {current!r} is being executed.')
    _current_tasks[loop] = task


def _leave_task(loop, task):
    current = _current_tasks.get(loop)
    if current is not task:
        raise RuntimeError(f'Leaving task {task!r} does not match the current task {current!r}.')
    del _current_tasks[loop]


def _swap_current_task(loop, task):
    previous = _current_tasks.get(loop)
    if task is None:
        _current_tasks.pop(loop, None)
    else:
        _current_tasks[loop] = task
    return previous


_py_current_task = current_task
_py_all_tasks = all_tasks
_py_register_task = _py_register_eager_task = _register_task
_py_unregister_task = _py_unregister_eager_task = _unregister_task
_py_enter_task = _enter_task
_py_leave_task = _leave_task
_py_swap_current_task = _swap_current_task

try:
    from _asyncio import Task, _all_tasks, _current_tasks, _enter_task, _leave_task, _register_task, _unregister_task
except ImportError:
    from weakref import WeakSet as _WeakSet
    _all_tasks = _WeakSet()
    _current_tasks = {}
else:
    _CTask = Task
    _c_enter_task = _enter_task
    _c_leave_task = _leave_task
    _c_register_task = _register_task
    _c_unregister_task = _unregister_task
try:
    from _asyncio import current_task
    _c_current_task = current_task
except ImportError:
    pass
try:
    from _asyncio import _swap_current_task
    _c_swap_current_task = _swap_current_task
except ImportError:
    pass


def create_eager_task_factory(custom_task_constructor):
    """A task factory whose tasks run at once up to their first wait; the constructor takes what Task() takes, eager_start included."""

    def factory(loop, coro, *, eager_start=True, **kwargs):
        return custom_task_constructor(coro, loop=loop, eager_start=eager_start, **kwargs)

    return factory


eager_task_factory = create_eager_task_factory(Task)


# ---- sleep ----

class _YieldOnce:
    """Awaiting it gives the other callbacks a turn."""

    __slots__ = ()

    def __await__(self):
        yield


def _sleep(delay, result):
    """A future that is done after `delay` seconds; None where only call_later() knows how."""


try:
    from _asyncio import _sleep, _yield_once
except ImportError:
    _yield_once = _YieldOnce


async def sleep(delay, result=None):
    """Wait for `delay` seconds, then return `result`."""
    if delay <= 0:
        await _yield_once()
        return result
    if delay != delay:
        raise ValueError('Invalid delay: NaN (not a number)')
    if (future := _sleep(delay, result)) is not None:
        return await future
    loop = _get_running_loop()
    future = loop.create_future()
    handle = loop.call_later(delay, _set_result_unless_cancelled, future, result)
    try:
        return await future
    finally:
        handle.cancel()


# ---- from awaitables to futures ----

async def _wrap_awaitable(awaitable):
    return await awaitable


def _is_awaitable(obj):
    return hasattr(type(obj), '__await__') or (isinstance(obj, _GENERATOR) and obj.gi_code.co_flags & 0x100)


def ensure_future(coro_or_future, *, loop=None):
    """A future for a coroutine or any other awaitable: a new task, unless it is a future already."""
    return _ensure_future(coro_or_future, loop=loop)


def _ensure_future(coro_or_future, *, loop=None):
    if isfuture(coro_or_future):
        if loop is not None and loop is not _get_loop(coro_or_future):
            raise ValueError('The future belongs to a different loop than the one specified as the loop argument')
        return coro_or_future
    if not coroutines.iscoroutine(coro_or_future):
        if not _is_awaitable(coro_or_future):
            raise TypeError('An asyncio.Future, a coroutine or an awaitable is required')
        coro_or_future = _wrap_awaitable(coro_or_future)
    try:
        if loop is None:
            loop = events._get_event_loop(stacklevel=4)
        return loop.create_task(coro_or_future)
    except RuntimeError:
        coro_or_future.close()           # nobody will await it
        raise


def run_coroutine_threadsafe(coro, loop):
    """From another thread: have `loop` run a coroutine. Returns a concurrent.futures.Future."""
    if not coroutines.iscoroutine(coro):
        raise TypeError('A coroutine object is required')
    future = concurrent.futures.Future()

    def start():
        try:
            futures._chain_future(ensure_future(coro, loop=loop), future)
        except BaseException as error:
            leaves = isinstance(error, (KeyboardInterrupt, SystemExit))
            if not leaves and future.set_running_or_notify_cancel():
                future.set_exception(error)
            raise

    loop.call_soon_threadsafe(start)
    return future


# ---- waiting for several, or not for ever ----

async def wait(fs, *, timeout=None, return_when=ALL_COMPLETED):
    """Wait for tasks or futures until `return_when` is met or `timeout` seconds have passed; returns the sets (done, pending)."""
    if isfuture(fs) or coroutines.iscoroutine(fs):
        raise TypeError(f'expect a list of futures, not {type(fs).__name__}')
    if not fs:
        raise ValueError('Set of Tasks/Futures is empty.')
    if return_when not in {ALL_COMPLETED, FIRST_COMPLETED, FIRST_EXCEPTION}:
        raise ValueError(f'Invalid return_when value: {return_when}')
    awaited = set(fs)
    if any(map(coroutines.iscoroutine, awaited)):
        raise TypeError('Passing coroutines is forbidden, use tasks explicitly.')
    return await _wait(awaited, timeout, return_when, _get_running_loop())


def _release_waiter(waiter, *args):
    if not waiter.done():
        waiter.set_result(None)


async def _wait(fs, timeout, return_when, loop):
    assert fs, 'Set of Futures is empty.'
    waiter = loop.create_future()
    handle = loop.call_later(timeout, _release_waiter, waiter) if timeout is not None else None
    missing = len(fs)
    task = current_task(loop)

    def _on_completion(f):
        nonlocal missing
        missing -= 1
        if (missing <= 0 or return_when == FIRST_COMPLETED or
                (return_when == FIRST_EXCEPTION and not f.cancelled() and f.exception() is not None)):
            if handle is not None:
                handle.cancel()
            if not waiter.done():
                waiter.set_result(None)

    for f in fs:
        f.add_done_callback(_on_completion)
        futures.future_add_to_awaited_by(f, task)
    try:
        await waiter
    finally:
        if handle is not None:
            handle.cancel()
        for f in fs:
            f.remove_done_callback(_on_completion)
            futures.future_discard_from_awaited_by(f, task)
    done, pending = set(), set()
    for f in fs:
        (done if f.done() else pending).add(f)
    return done, pending


async def _cancel_and_wait(fut, loop):
    """Cancel a future and wait until it is done, whatever comes of it."""
    waiter = loop.create_future()
    release = partial(_release_waiter, waiter)
    fut.add_done_callback(release)
    try:
        fut.cancel()
        await waiter                     # not `fut` itself: its CancelledError would look like one of ours
    finally:
        fut.remove_done_callback(release)


async def _give_up(fut, loop):
    """The time of wait_for() is over: cancel, and take the result if there is one all the same."""
    await _cancel_and_wait(fut, loop)
    try:
        return fut.result()
    except _CancelledError as exc:
        raise exceptions.TimeoutError() from exc


async def wait_for(fut, timeout):
    """The result of an awaitable; TimeoutError if it is not there after `timeout` seconds (None: wait for ever).

    An awaitable that takes too long is cancelled, and waited for until it has ended.
    """
    if timeout is None:
        return await fut
    loop = _get_running_loop()
    if timeout <= 0:
        fut = ensure_future(fut, loop=loop)
        return fut.result() if fut.done() else await _give_up(fut, loop)
    waiter = loop.create_future()
    handle = loop.call_later(timeout, _release_waiter, waiter)
    release = partial(_release_waiter, waiter)
    fut = ensure_future(fut, loop=loop)
    fut.add_done_callback(release)
    try:
        try:
            await waiter
        except _CancelledError:
            if fut.done():
                return fut.result()
            fut.remove_done_callback(release)
            await _cancel_and_wait(fut, loop)
            raise
        if fut.done():
            return fut.result()
        fut.remove_done_callback(release)
        return await _give_up(fut, loop)
    finally:
        handle.cancel()


class _AsCompleted:
    """What as_completed() gives: an iterator over coroutines, or an asynchronous iterator over the futures themselves."""

    def __init__(self, fs, timeout):
        self._fs = fs
        self._timeout = timeout
        self._done = None                # asyncio.Queue of futures as they end, once it has begun; None in it: time is up
        self._todo = set()
        self._left = 0
        self._handle = None

    def _begin(self):
        if self._done is not None:
            return
        from .queues import Queue
        fs = self._fs
        if isfuture(fs) or coroutines.iscoroutine(fs):
            raise TypeError(f'expect an iterable of futures, not {type(fs).__name__}')
        loop = events._get_event_loop()
        todo = {ensure_future(f, loop=loop) for f in set(fs)}
        self._done, self._todo, self._left, self._fs = Queue(), todo, len(todo), None
        for f in todo:
            f.add_done_callback(self._one_done)
        if todo and self._timeout is not None:
            self._handle = loop.call_later(self._timeout, self._time_is_up)

    def _one_done(self, f):
        if f not in self._todo:
            return                       # time was up before
        self._todo.remove(f)
        self._done.put_nowait(f)
        if not self._todo and self._handle is not None:
            self._handle.cancel()

    def _time_is_up(self):
        for f in self._todo:
            f.remove_done_callback(self._one_done)
            self._done.put_nowait(None)
        self._todo.clear()

    async def _wait_for_one(self, resolve=True):
        f = await self._done.get()
        if f is None:
            raise exceptions.TimeoutError
        return f.result() if resolve else f

    def __iter__(self):
        return self

    def __next__(self):
        self._begin()
        if not self._left:
            raise StopIteration
        self._left -= 1
        return self._wait_for_one()

    def __aiter__(self):
        return self

    async def __anext__(self):
        self._begin()
        if not self._left:
            raise StopAsyncIteration
        self._left -= 1
        return await self._wait_for_one(resolve=False)


def as_completed(fs, *, timeout=None):
    """Results in the order in which they come.

    `for next_one in as_completed(fs): result = await next_one`, or `async for future in as_completed(fs): result = await future`, which gives
    the futures and tasks that were passed in. After `timeout` seconds the rest are TimeoutErrors.
    """
    return _AsCompleted(fs, timeout)


class _PyGatheringFuture(futures.Future):
    """The future that gather() returns: to cancel it means to cancel the children."""

    def __init__(self, children, *, loop):
        self._cancel_requested, self._children = False, children
        super().__init__(loop=loop)

    def cancel(self, msg=None):
        if self.done():
            return False
        requested = False
        for child in self._children:
            if child.cancel(msg=msg):
                requested = True
        if requested:
            self._cancel_requested = True
        return requested


def _outcomes(children):
    results = []
    for future in children:
        if future.cancelled():           # in a list, not raised: with no traceback
            message = future._cancel_message
            results.append(_CancelledError('' if message is None else message))
        else:
            error = future.exception()
            results.append(future.result() if error is None else error)
    return results


def gather(*coros_or_futures, return_exceptions=False):
    """A future for the list of all results, in the order of the arguments.

    The first exception is passed on at once, and the others go on; with return_exceptions exceptions count as results. When the future is
    cancelled, so are those that are not done. A child that is cancelled counts as one that raised CancelledError.
    """
    if not coros_or_futures:
        outer = events._get_event_loop().create_future()
        outer.set_result([])
        return outer
    loop = outer = None
    children, known, count = [], {}, 0
    finished = 0
    task = None

    def one_done(future):
        nonlocal finished
        finished += 1
        if task is not None:
            futures.future_discard_from_awaited_by(future, task)
        if outer is None or outer.done():
            if not future.cancelled():
                future.exception()       # it counts as seen
            return
        if not return_exceptions:
            if future.cancelled():
                outer.set_exception(future._make_cancelled_error())
                return
            error = future.exception()
            if error is not None:
                outer.set_exception(error)
                return
        if finished == count:
            if outer._cancel_requested:  # somebody awaits the outer future: it must not look as if nothing had happened
                outer.set_exception(future._make_cancelled_error())
            else:
                outer.set_result(_outcomes(children))

    done_already = []
    for arg in coros_or_futures:
        future = known.get(arg)
        if future is None:
            future = ensure_future(arg, loop=loop)
            if loop is None:
                loop = _get_loop(future)
                task = current_task(loop) if events._get_running_loop() is loop else None
            if future is not arg:
                future._log_destroy_pending = False   # nobody else has it
            known[arg] = future
            count += 1
            if future.done() and future is not arg:
                done_already.append(future)           # an eager task: its callback would come too late for some
            else:
                if task is not None:
                    futures.future_add_to_awaited_by(future, task)
                future.add_done_callback(one_done)
        children.append(future)
    outer = _PyGatheringFuture(children, loop=loop)
    for future in done_already:
        one_done(future)
    return outer


_py_gather = gather
_GatheringFuture = _PyGatheringFuture
try:
    from _asyncio import gather
    _c_gather = gather
except ImportError:
    pass


def shield(arg):
    """Protect an awaitable from being cancelled by who waits for it. Keep a reference to what is shielded: the loop has none."""
    inner = ensure_future(arg)
    if inner.done():
        return inner
    loop = _get_loop(inner)
    outer = loop.create_future()
    task = current_task(loop) if events._get_running_loop() is loop else None
    if task is not None:
        futures.future_add_to_awaited_by(inner, task)

    def inner_done(inner):
        if task is not None:
            futures.future_discard_from_awaited_by(inner, task)
        if outer.cancelled():
            if not inner.cancelled():
                inner.exception()        # it counts as seen
        elif inner.cancelled():
            outer.cancel()
        else:
            error = inner.exception()
            if error is not None:
                outer.set_exception(error)
            else:
                outer.set_result(inner.result())

    def outer_done(outer):
        if not inner.done():
            inner.remove_done_callback(inner_done)

    inner.add_done_callback(inner_done)
    outer.add_done_callback(outer_done)
    return outer
