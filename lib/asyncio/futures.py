# SPDX-License-Identifier: MIT
"""Futures: results that are not there yet.

The native Future is the one that programs get. The class written here does the same in Python: for tests, and to read.
"""
import sys

from . import base_futures, events, exceptions, format_helpers
from ._lazy import lazy
from .base_futures import _CANCELLED, _FINISHED, _PENDING, isfuture

from _contextvars import copy_context

__all__ = 'Future', 'wrap_future', 'isfuture'

concurrent = lazy('concurrent', 'concurrent.futures')

GenericAlias = type(list[int])
STACK_DEBUG = 9                          # logging.DEBUG - 1


class Future:
    """A result that will be there later, for one event loop; not for use by several threads.

    Callbacks are called by the loop's call_soon(), and result() and exception() never wait.
    """

    _state = _PENDING
    _result = None
    _exception = None
    _exception_tb = None
    _loop = None
    _source_traceback = None
    _cancel_message = None
    _cancelled_exc = None                # the CancelledError that ended a task: raised again by the first who asks
    _asyncio_future_blocking = False     # set by __await__ before it yields, cleared by the task that takes note
    _asyncio_awaited_by = None           # a set of futures, see future_add_to_awaited_by()
    __log_traceback = False              # an exception that nobody has asked for yet

    def __init__(self, *, loop=None):
        self._loop = events._get_event_loop() if loop is None else loop
        self._callbacks = []
        if self._loop.get_debug():
            self._source_traceback = format_helpers.extract_stack(sys._getframe(1))

    __class_getitem__ = classmethod(GenericAlias)

    def __del__(self):
        if self.__log_traceback:
            format_helpers._call_handler(self._loop, self, {
                'message': f'{type(self).__name__} exception was never retrieved', 'exception': self._exception, 'future': self})

    def __repr__(self):
        return base_futures._future_repr(self)

    @property
    def _log_traceback(self):
        return self.__log_traceback

    @_log_traceback.setter
    def _log_traceback(self, value):
        if value:
            raise ValueError('_log_traceback can only be set to False')
        self.__log_traceback = False

    def get_loop(self):
        """The loop that the future belongs to."""
        if self._loop is None:
            raise RuntimeError('Future object is not initialized.')
        return self._loop

    def _make_cancelled_error(self):
        # Only the first asker gets the original, with its traceback.
        error, self._cancelled_exc = self._cancelled_exc, None
        if error is not None:
            return error
        message = self._cancel_message
        return exceptions.CancelledError() if message is None else exceptions.CancelledError(message)

    def cancel(self, msg=None):
        """Cancel the future and schedule its callbacks. False if it is done already."""
        self.__log_traceback = False
        pending = self._state == _PENDING
        if pending:
            self._cancel_message = msg
            self.__become(_CANCELLED)
        return pending

    def __become(self, state):
        """Done, one way or another: whoever wants to know is told soon."""
        self._state = state
        callbacks, self._callbacks = self._callbacks, []
        for callback, context in callbacks:
            self._loop.call_soon(callback, self, context=context)

    def __check_pending(self):
        if self._state != _PENDING:
            raise exceptions.InvalidStateError(f'{self._state}: {self!r}')

    def cancelled(self):
        """Was the future cancelled?"""
        return self._state == _CANCELLED

    def done(self):
        """Is there a result or an exception, or was the future cancelled?"""
        return self._state != _PENDING

    def __check_done(self, what):
        if self._state == _CANCELLED:
            raise self._make_cancelled_error()
        if self._state != _FINISHED:
            raise exceptions.InvalidStateError(what)
        self.__log_traceback = False

    def result(self):
        """The result, or raise the exception; CancelledError if cancelled, InvalidStateError if not done."""
        self.__check_done('Result is not ready.')
        if self._exception is None:
            return self._result
        raise self._exception.with_traceback(self._exception_tb)

    def exception(self):
        """The exception, or None; CancelledError if cancelled, InvalidStateError if not done."""
        self.__check_done('Exception is not set.')
        return self._exception

    def add_done_callback(self, fn, *, context=None):
        """Call fn(future) soon after the future is done."""
        if self._state != _PENDING:
            self._loop.call_soon(fn, self, context=context)
        else:
            self._callbacks.append((fn, copy_context() if context is None else context))

    def remove_done_callback(self, fn):
        """Take back a callback wherever it was added; returns how often that was."""
        keep = [entry for entry in self._callbacks if entry[0] != fn]
        removed = len(self._callbacks) - len(keep)
        if removed:
            self._callbacks[:] = keep
        return removed

    def set_result(self, result):
        """Done, with a result. InvalidStateError if the future is done already."""
        self.__check_pending()
        self._result = result
        self.__become(_FINISHED)

    def set_exception(self, exception):
        """Done, with an exception. InvalidStateError if the future is done already."""
        self.__check_pending()
        error = exception() if isinstance(exception, type) else exception
        if type(error) is StopIteration:
            raise TypeError('StopIteration interacts badly with generators and cannot be raised into a Future')
        self._exception, self._exception_tb = error, error.__traceback__
        self.__become(_FINISHED)
        self.__log_traceback = True

    def __await__(self):
        if self._state == _PENDING:
            self._asyncio_future_blocking = True
            yield self
            if self._state == _PENDING:
                raise RuntimeError("await wasn't used with future")
        return self.result()

    __iter__ = __await__


_PyFuture = Future


def _get_loop(fut):
    try:
        return fut.get_loop()
    except AttributeError:               # futures of others may have the attribute only
        return fut._loop


def _set_result_unless_cancelled(fut, result):
    if not fut.cancelled():
        fut.set_result(result)


# ---- futures of threads ----

def _convert_future_exc(exc):
    """An exception of concurrent.futures as the one of asyncio that says the same."""
    ours = {concurrent.futures.CancelledError: exceptions.CancelledError, concurrent.futures.TimeoutError: exceptions.TimeoutError,
            concurrent.futures.InvalidStateError: exceptions.InvalidStateError}.get(type(exc))
    return exc if ours is None else ours(*exc.args)


def _set_concurrent_future_state(concurrent, source):
    """Give a thread's future the outcome of `source`."""
    assert source.done()
    if source.cancelled():
        concurrent.cancel()
    if concurrent.set_running_or_notify_cancel():
        _pass_on(source, concurrent)


def _pass_on(source, dest):
    error = source.exception()
    if error is None:
        dest.set_result(source.result())
    else:
        dest.set_exception(_convert_future_exc(error))


def _copy_future_state(source, dest):
    """Give our future the outcome of `source`, which may be of either kind."""
    assert source.done() and (dest.cancelled() or not dest.done())
    if source.cancelled():
        dest.cancel()
    elif not dest.cancelled():
        _pass_on(source, dest)


def _is_any_future(future):
    return isfuture(future) or isinstance(future, concurrent.futures.Future)


def _chain_future(source, destination):
    """What becomes of `source` becomes of `destination`; if that is cancelled, so is `source`. Each may be of either kind."""
    if not _is_any_future(source):
        raise TypeError('A future is required for source argument')
    if not _is_any_future(destination):
        raise TypeError('A future is required for destination argument')
    source_loop = _get_loop(source) if isfuture(source) else None
    target_loop = _get_loop(destination) if isfuture(destination) else None

    def copy(source):
        if isfuture(destination):
            _copy_future_state(source, destination)
        else:
            _set_concurrent_future_state(destination, source)

    def source_done(source):
        if destination.cancelled() and target_loop is not None and target_loop.is_closed():
            return
        if target_loop is None or target_loop is source_loop:
            copy(source)
        elif not target_loop.is_closed():
            target_loop.call_soon_threadsafe(copy, source)

    def destination_done(destination):
        if not destination.cancelled():
            return
        if source_loop is None or source_loop is target_loop:
            source.cancel()
        else:
            source_loop.call_soon_threadsafe(source.cancel)

    destination.add_done_callback(destination_done)
    source.add_done_callback(source_done)


def wrap_future(future, *, loop=None):
    """A future of ours that follows one of concurrent.futures."""
    if isfuture(future):
        return future
    assert isinstance(future, concurrent.futures.Future), f'concurrent.futures.Future is expected, got {future!r}'
    if loop is None:
        loop = events._get_event_loop()
    wrapper = loop.create_future()
    _chain_future(future, wrapper)
    return wrapper


# ---- who waits for whom, for call graphs ----

def future_add_to_awaited_by(fut, waiter, /):
    """Note that `waiter` waits for `fut`. For those who write primitives; both must be futures of this module or native ones."""
    if isinstance(fut, _PyFuture) and isinstance(waiter, _PyFuture):
        if fut._asyncio_awaited_by is None:
            fut._asyncio_awaited_by = set()
        fut._asyncio_awaited_by.add(waiter)


def future_discard_from_awaited_by(fut, waiter, /):
    """The opposite of future_add_to_awaited_by()."""
    if isinstance(fut, _PyFuture) and isinstance(waiter, _PyFuture) and fut._asyncio_awaited_by is not None:
        fut._asyncio_awaited_by.discard(waiter)


_py_future_add_to_awaited_by = future_add_to_awaited_by
_py_future_discard_from_awaited_by = future_discard_from_awaited_by

try:
    from _asyncio import Future
except ImportError:
    pass
else:
    _CFuture = Future
try:
    from _asyncio import future_add_to_awaited_by, future_discard_from_awaited_by
except ImportError:
    pass
