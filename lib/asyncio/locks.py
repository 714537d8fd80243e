# SPDX-License-Identifier: MIT
"""Locks, events, conditions, semaphores and barriers for tasks of one loop."""
from _collections import deque

from . import exceptions, mixins
from .exceptions import CancelledError as _CancelledError

__all__ = 'Lock', 'Event', 'Condition', 'Semaphore', 'BoundedSemaphore', 'Barrier'


def _wait(loop, queue, owner):
    """A future in a queue that, awaited last in a coroutine, takes its place; None where there is no such thing."""


try:
    from _asyncio import _wait
except ImportError:
    pass


class _ContextManagerMixin:
    async def __aenter__(self):
        await self.acquire()
        return None                      # not the lock: `async with lock as x` says nothing

    async def __aexit__(self, exc_type, exc, tb):
        self.release()


def _wake_first(waiters):
    """Tell the first that still waits. It takes itself out of the queue when it runs."""
    for waiter in waiters:
        if not waiter.done():
            waiter.set_result(True)
            return True
    return False


class Lock(_ContextManagerMixin, mixins._LoopBoundMixin):
    """A lock that one task has at a time. It goes to those who wait in the order in which they came."""

    def __init__(self):
        self._waiters = None             # a deque of futures, made when there is somebody
        self._locked = False

    def __repr__(self):
        state = 'locked' if self._locked else 'unlocked'
        if self._waiters:
            state = f'{state}, waiters:{len(self._waiters)}'
        return f'<{super().__repr__()[1:-1]} [{state}]>'

    def locked(self):
        """Has somebody the lock?"""
        return self._locked

    async def acquire(self):
        """Take the lock, waiting for it if need be; returns True."""
        if not self._locked and (not self._waiters or all(w.cancelled() for w in self._waiters)):
            self._locked = True
            return True
        if self._waiters is None:
            self._waiters = deque()
        loop = self._get_loop()
        if (waiting := _wait(loop, self._waiters, self)) is not None:
            return await waiting
        waiter = loop.create_future()
        self._waiters.append(waiter)
        try:
            await waiter
        except BaseException as error:
            self._lost(waiter, error)
            raise
        return self._woken(waiter)

    def _woken(self, waiter):
        self._waiters.remove(waiter)
        self._locked = True
        return True

    def _lost(self, waiter, error):
        self._waiters.remove(waiter)
        # Told that it is free, but cancelled before it could run: somebody else's turn.
        if isinstance(error, _CancelledError) and not self._locked:
            self._wake_up_first()

    def release(self):
        """Give the lock back; RuntimeError if nobody has it."""
        if not self._locked:
            raise RuntimeError('Lock is not acquired.')
        self._locked = False
        self._wake_up_first()

    def _wake_up_first(self):
        # Not the first that is not done: one that was told already will run soon.
        waiters = self._waiters
        if waiters:
            waiter = waiters[0]
            if not waiter.done():
                waiter.set_result(True)


class Event(mixins._LoopBoundMixin):
    """A flag that tasks can wait for."""

    def __init__(self):
        self._waiters = deque()
        self._value = False

    def __repr__(self):
        state = 'set' if self._value else 'unset'
        if self._waiters:
            state = f'{state}, waiters:{len(self._waiters)}'
        return f'<{super().__repr__()[1:-1]} [{state}]>'

    def is_set(self):
        """Is the flag set?"""
        return self._value

    def set(self):
        """Set the flag and wake everybody up."""
        if self._value:
            return
        self._value = True
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(True)

    def clear(self):
        """Unset the flag: who calls wait() from now on waits."""
        self._value = False

    async def wait(self):
        """Wait until the flag is set; returns True."""
        if self._value:
            return True
        loop = self._get_loop()
        if (waiting := _wait(loop, self._waiters, None)) is not None:
            return await waiting
        waiter = loop.create_future()
        self._waiters.append(waiter)
        try:
            await waiter
            return True
        finally:
            self._waiters.remove(waiter)


class Condition(_ContextManagerMixin, mixins._LoopBoundMixin):
    """A lock with a queue of tasks that wait to be notified of a change."""

    def __init__(self, lock=None):
        self._lock = lock = Lock() if lock is None else lock
        self.locked = lock.locked
        self.acquire = lock.acquire
        self.release = lock.release
        self._waiters = deque()

    def __repr__(self):
        state = 'locked' if self.locked() else 'unlocked'
        if self._waiters:
            state = f'{state}, waiters:{len(self._waiters)}'
        return f'<{super().__repr__()[1:-1]} [{state}]>'

    async def wait(self):
        """Give the lock back, wait for notify(), take the lock again; returns True."""
        if not self.locked():
            raise RuntimeError('cannot wait on un-acquired lock')
        waiter = self._get_loop().create_future()
        self.release()
        try:
            try:
                self._waiters.append(waiter)
                try:
                    await waiter
                    return True
                finally:
                    self._waiters.remove(waiter)
            finally:
                await self._take_back()
        except BaseException:
            self._notify(1)              # told, but it did not get through: somebody else should hear of it
            raise

    async def _take_back(self):
        """Take the lock again, cancelled or not; a cancellation is passed on afterwards."""
        cancelled = None
        while True:
            try:
                await self.acquire()
                break
            except _CancelledError as error:
                cancelled = error
        if cancelled is not None:
            try:
                raise cancelled
            finally:
                cancelled = None         # no cycle through its traceback

    async def wait_for(self, predicate):
        """Wait until predicate() is true; returns its value."""
        while not (value := predicate()):
            await self.wait()
        return value

    def notify(self, n=1):
        """Wake up `n` of those who wait; they go on when the lock is free."""
        if not self.locked():
            raise RuntimeError('cannot notify on un-acquired lock')
        self._notify(n)

    def _notify(self, n):
        for waiter in self._waiters:
            if n <= 0:
                break
            if not waiter.done():
                n -= 1
                waiter.set_result(False)

    def notify_all(self):
        """Wake up everybody who waits."""
        self.notify(len(self._waiters))


class Semaphore(_ContextManagerMixin, mixins._LoopBoundMixin):
    """So many tasks may have it at a time, in the order in which they came."""

    def __init__(self, value=1):
        if value < 0:
            raise ValueError('Semaphore initial value must be >= 0')
        self._waiters = None
        self._value = value

    def __repr__(self):
        state = 'locked' if self.locked() else f'unlocked, value:{self._value}'
        if self._waiters:
            state = f'{state}, waiters:{len(self._waiters)}'
        return f'<{super().__repr__()[1:-1]} [{state}]>'

    def locked(self):
        """Would acquire() wait?"""
        return self._value == 0 or any(not w.cancelled() for w in self._waiters or ())

    async def acquire(self):
        """Take one, waiting for it if need be; returns True."""
        if not self.locked():
            self._value -= 1
            return True
        if self._waiters is None:
            self._waiters = deque()
        loop = self._get_loop()
        if (waiting := _wait(loop, self._waiters, self)) is not None:
            return await waiting
        waiter = loop.create_future()
        self._waiters.append(waiter)
        try:
            await waiter
        except BaseException as error:
            self._lost(waiter, error)
            raise
        return self._woken(waiter)

    def _woken(self, waiter):
        self._waiters.remove(waiter)
        # More may have become free meanwhile than there were tasks to tell.
        while self._value > 0 and self._wake_up_next():
            pass
        return True

    def _lost(self, waiter, error):
        if isinstance(error, _CancelledError) and waiter.done() and not waiter.cancelled():     # release() gave it one: put that back
            self._value += 1
        self._woken(waiter)

    def release(self):
        """Give one back."""
        self._value += 1
        self._wake_up_next()

    def _wake_up_next(self):
        """Give one to the first who waits. False if nobody does."""
        if self._waiters and _wake_first(self._waiters):
            self._value -= 1
            return True
        return False


class BoundedSemaphore(Semaphore):
    """A Semaphore of which no more can be given back than there were."""

    def __init__(self, value=1):
        super().__init__(value)
        self._bound_value = value

    def release(self):
        if self._value < self._bound_value:
            return super().release()
        raise ValueError('BoundedSemaphore released too many times')


# States of a Barrier, as its repr shows them.
_FILLING, _DRAINING, _RESETTING, _BROKEN = 'filling', 'draining', 'resetting', 'broken'


class Barrier(mixins._LoopBoundMixin):
    """A place where tasks wait until so many are there; then they go on together, and it can be used again."""

    def __init__(self, parties):
        if parties < 1:
            raise ValueError('parties must be > 0')
        self._cond = Condition()         # notified when the state changes
        self._parties = parties
        self._state = _FILLING
        self._count = 0                  # tasks inside wait()

    def __repr__(self):
        waiting = '' if self.broken else f', waiters:{self.n_waiting}/{self.parties}'
        return f'<{super().__repr__()[1:-1]} [{self._state}{waiting}]>'

    async def __aexit__(self, *details):
        """Nothing to do: the barrier lets everybody go."""

    async def __aenter__(self):
        return await self.wait()

    async def wait(self):
        """Wait for the others. Returns a number from 0 to parties - 1, another for each task."""
        async with self._cond:
            # Those who come late wait until the round before has gone.
            await self._cond.wait_for(lambda: self._state in (_FILLING, _BROKEN))
            if self._state is _BROKEN:
                raise exceptions.BrokenBarrierError('Barrier aborted')
            place, self._count = self._count, self._count + 1
            try:
                if self._count < self._parties:
                    await self._cond.wait_for(lambda: self._state is not _FILLING)
                    if self._state is not _DRAINING:
                        raise exceptions.BrokenBarrierError('Abort or reset of barrier')
                else:
                    self._turn(_DRAINING)
            finally:
                self._leave()
            return place

    def _turn(self, state):
        self._state = state
        self._cond.notify_all()

    def _leave(self):
        """The last one to go makes room for the next round."""
        self._count -= 1
        if not self._count:
            self._turn(_BROKEN if self._state is _BROKEN else _FILLING)

    async def reset(self):
        """Back to empty; those who wait get a BrokenBarrierError."""
        async with self._cond:
            self._turn(_RESETTING if self._count else _FILLING)

    async def abort(self):
        """Break the barrier: everybody gets a BrokenBarrierError, until reset()."""
        async with self._cond:
            self._turn(_BROKEN)

    @property
    def parties(self):
        """How many tasks it takes."""
        return self._parties

    @property
    def n_waiting(self):
        """How many are there at present."""
        return self._count if self._state is _FILLING else 0

    @property
    def broken(self):
        """Is it broken?"""
        return self._state is _BROKEN
