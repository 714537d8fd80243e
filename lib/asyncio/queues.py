# SPDX-License-Identifier: MIT
"""Queues between tasks of one loop."""
from _collections import deque
from _heapq import heappop as _heappop, heappush as _heappush

from . import locks, mixins

__all__ = 'Queue', 'PriorityQueue', 'LifoQueue', 'QueueFull', 'QueueEmpty', 'QueueShutDown'


class QueueEmpty(Exception):
    """get_nowait() of an empty queue."""


class QueueFull(Exception):
    """put_nowait() to a full queue."""


class QueueShutDown(Exception):
    """put(), or get() of an empty queue, after shutdown()."""


class Queue(mixins._LoopBoundMixin):
    """First in, first out. `maxsize`: put() waits while there are so many items; 0 or less: it never waits."""

    def __init__(self, maxsize=0):
        self._maxsize = maxsize
        self._getters = deque()          # futures of those who wait in get()
        self._putters = deque()          # and in put()
        self._unfinished_tasks = 0
        self._finished = locks.Event()
        self._finished.set()
        self._is_shutdown = False
        self._init(maxsize)

    # A subclass may keep its items another way.

    def _init(self, maxsize):
        self._queue = deque()

    def _put(self, item):
        self._queue.append(item)

    def _get(self):
        return self._queue.popleft()

    def _wakeup_next(self, waiters):
        """It is the turn of the first who is still waiting."""
        while waiters:
            first = waiters.popleft()
            if not first.done():
                return first.set_result(None)

    def __str__(self):
        return f'<{type(self).__name__} {self._format()}>'

    def __repr__(self):
        return f'<{type(self).__name__} at {id(self):#x} {self._format()}>'

    __class_getitem__ = classmethod(type(list[int]))

    def _format(self):
        text = f'maxsize={self._maxsize!r}'
        if getattr(self, '_queue', None):
            text += f' _queue={list(self._queue)!r}'
        if self._getters:
            text += f' _getters[{len(self._getters)}]'
        if self._putters:
            text += f' _putters[{len(self._putters)}]'
        if self._unfinished_tasks:
            text += f' tasks={self._unfinished_tasks}'
        if self._is_shutdown:
            text += ' shutdown'
        return text

    def qsize(self):
        """How many items are in the queue."""
        return len(self._queue)

    @property
    def maxsize(self):
        """How many items there may be."""
        return self._maxsize

    def empty(self):
        """Is there nothing in the queue?"""
        return not self._queue

    def full(self):
        """Are there maxsize items? Never, if that is 0 or less."""
        return 0 < self._maxsize <= self.qsize()

    def _give_up(self, waiter, waiters, blocked):
        """A task stops waiting. If it had been told that it is its turn, and nobody else took it, it is somebody else's."""
        waiter.cancel()
        try:
            waiters.remove(waiter)
        except ValueError:               # told already, or a shutdown emptied the queue
            pass
        if not blocked() and not waiter.cancelled():
            self._wakeup_next(waiters)

    async def put(self, item):
        """Put an item in, waiting for room."""
        while self.full() and not self._is_shutdown:
            waiter = self._get_loop().create_future()
            self._putters.append(waiter)
            try:
                await waiter
            except BaseException:
                self._give_up(waiter, self._putters, self.full)
                raise
        return self.put_nowait(item)

    def put_nowait(self, item):
        """Put an item in; QueueFull if there is no room."""
        if self._is_shutdown:
            raise QueueShutDown
        if self.full():
            raise QueueFull
        self._put(item)
        if not self._unfinished_tasks:
            self._finished.clear()
        self._unfinished_tasks += 1
        if self._getters:
            self._wakeup_next(self._getters)

    async def get(self):
        """Take an item out, waiting for one."""
        while self.empty() and not self._is_shutdown:
            loop = self._get_loop()
            if (waiting := locks._wait(loop, self._getters, self)) is not None:
                return await waiting
            waiter = loop.create_future()
            self._getters.append(waiter)
            try:
                await waiter
            except BaseException as error:
                self._lost(waiter, error)
                raise
        return self.get_nowait()

    _again = get

    def _woken(self, waiter):
        return waiter if self.empty() and not self._is_shutdown else self.get_nowait()

    def _lost(self, waiter, error):
        self._give_up(waiter, self._getters, self.empty)

    def get_nowait(self):
        """Take an item out; QueueEmpty if there is none."""
        if self.empty():
            raise QueueShutDown if self._is_shutdown else QueueEmpty
        item = self._get()
        if self._putters:
            self._wakeup_next(self._putters)
        return item

    def task_done(self):
        """What one get() gave has been dealt with."""
        left = self._unfinished_tasks - 1
        if left < 0:
            raise ValueError('task_done() called too many times')
        self._unfinished_tasks = left
        if not left:
            self._finished.set()

    async def join(self):
        """Wait until task_done() was called for everything that was put in."""
        if self._unfinished_tasks > 0:
            await self._finished.wait()

    def shutdown(self, immediate=False):
        """No more put(); get() goes on until the queue is empty, then raises QueueShutDown. `immediate`: it is emptied now."""
        self._is_shutdown = True
        if immediate:
            while not self.empty():
                self._get()
                if self._unfinished_tasks > 0:
                    self._unfinished_tasks -= 1
            if self._unfinished_tasks == 0:
                self._finished.set()
        for waiters in (self._getters, self._putters):
            while waiters:
                waiter = waiters.popleft()
                if not waiter.done():
                    waiter.set_result(None)


class PriorityQueue(Queue):
    """The smallest item comes out first; items are often tuples (priority, data)."""

    def _init(self, maxsize):
        self._queue = []

    def _put(self, item):
        _heappush(self._queue, item)

    def _get(self):
        return _heappop(self._queue)


class LifoQueue(Queue):
    """Last in, first out."""

    def _init(self, maxsize):
        self._queue = []                 # its end is the top of the stack

    def _get(self):
        return self._queue.pop()
