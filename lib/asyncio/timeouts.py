# SPDX-License-Identifier: MIT
"""Time limits for a part of a task: `async with timeout(3):`."""
from . import events, exceptions, tasks
from .exceptions import CancelledError as _CancelledError

__all__ = 'Timeout', 'timeout', 'timeout_at'

_CREATED, _ACTIVE, _EXPIRING, _EXPIRED, _FINISHED = 'created', 'active', 'expiring', 'expired', 'finished'


class Timeout:
    """A context manager that cancels what is inside it at a point in time, and makes a TimeoutError of that cancellation."""

    __final__ = True

    def __init__(self, when):
        """`when`: a time of the loop's clock, or None for no limit."""
        self._state = _CREATED
        self._handle = None
        self._task = None
        self._when = when

    def when(self):
        """The loop's time at which it expires, or None."""
        return self._when

    def reschedule(self, when):
        """Expire at another time, or (None) not at all."""
        if self._state != _ACTIVE:
            if self._state == _CREATED:
                raise RuntimeError('Timeout has not been entered')
            raise RuntimeError(f'Cannot change state of {self._state} Timeout')
        self._when = when
        if self._handle is not None:
            self._handle.cancel()
        if when is None:
            self._handle = None
            return
        loop = events.get_running_loop()
        if when <= loop.time():
            self._handle = loop.call_soon(self._on_timeout)
        else:
            self._handle = loop.call_at(when, self._on_timeout)

    def expired(self):
        """Has the time come while it was active?"""
        return self._state in (_EXPIRING, _EXPIRED)

    def __repr__(self):
        parts = ['']
        if self._state == _ACTIVE:
            parts.append(f'when={round(self._when, 3) if self._when is not None else None}')
        return f'<Timeout [{self._state}]{" ".join(parts)}>'

    async def __aenter__(self):
        if self._state != _CREATED:
            raise RuntimeError('Timeout has already been entered')
        task = tasks.current_task()
        if task is None:
            raise RuntimeError('Timeout should be used inside a task')
        self._state = _ACTIVE
        self._task = task
        self._cancelling = task.cancelling()
        self.reschedule(self._when)
        return self

    async def __aexit__(self, exc_type, exc, traceback):
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None
        if self._state == _EXPIRING:
            self._state = _EXPIRED
            # Others may have cancelled the task too: then theirs goes on.
            if self._task.uncancel() <= self._cancelling and exc_type is not None:
                if issubclass(exc_type, _CancelledError):
                    raise exceptions.TimeoutError from exc
                self._mark_cause(exc)
        elif self._state == _ACTIVE:
            self._state = _FINISHED
        return None

    @staticmethod
    def _mark_cause(exc):
        """The CancelledError that led to another exception is shown as what it is: a timeout."""
        if isinstance(exc, BaseExceptionGroup):
            for inner in exc.exceptions:
                if isinstance(inner, BaseException):
                    Timeout._mark_cause(inner)
        seen = set()
        while exc is not None and id(exc) not in seen:
            seen.add(id(exc))
            context = exc.__context__
            if isinstance(context, _CancelledError):
                error = exceptions.TimeoutError()
                error.__context__ = error.__cause__ = context
                exc.__context__ = error
                return
            exc = context

    def _on_timeout(self):
        self._task.cancel()
        self._state = _EXPIRING
        self._handle = None


def timeout(delay):
    """A Timeout that expires `delay` seconds from now; None: never."""
    loop = events.get_running_loop()
    return Timeout(loop.time() + delay if delay is not None else None)


def timeout_at(when):
    """A Timeout that expires at the loop's time `when`; None: never."""
    return Timeout(when)
