# SPDX-License-Identifier: MIT
"""Who waits for whom: call graphs of tasks and futures."""
import sys

from . import events, futures, tasks

__all__ = 'capture_call_graph', 'format_call_graph', 'print_call_graph', 'FrameCallGraphEntry', 'FutureCallGraph'

_KINDS = ((0x200, 'async generator '), (0x80, 'async '), (0x20, 'generator '))    # code flags


class _Record:
    """Fixed fields, compared and shown by their values."""

    __slots__ = ()

    def __init__(self, *values, **named):
        for name, value in zip(self.__slots__, values):
            object.__setattr__(self, name, value)
        for name, value in named.items():
            object.__setattr__(self, name, value)

    def __setattr__(self, name, value):
        raise AttributeError(f'cannot assign to field {name!r}')

    def _values(self):
        return tuple(getattr(self, name) for name in self.__slots__)

    def __eq__(self, other):
        return self._values() == other._values() if type(other) is type(self) else NotImplemented

    def __hash__(self):
        return hash(self._values())

    def __repr__(self):
        fields = ', '.join(f'{name}={getattr(self, name)!r}' for name in self.__slots__)
        return f'{type(self).__name__}({fields})'


class FrameCallGraphEntry(_Record):
    """A frame of a task."""

    __slots__ = ('frame',)


class FutureCallGraph(_Record):
    """A future or task, its frames (newest first), and the graphs of those that wait for it."""

    __slots__ = ('future', 'call_stack', 'awaited_by')


def _limited(stack, limit):
    if limit is None:
        return stack
    return stack[:limit] if limit >= 0 else stack[limit:]


def _waiting_stack(coro):
    """Frames of a coroutine and of those that it awaits, newest first."""
    stack = []
    while coro is not None:
        for prefix in ('cr_', 'ag_', 'gi_'):
            if hasattr(coro, prefix + 'frame'):
                frame = getattr(coro, prefix + 'frame')
                inner = getattr(coro, 'gi_yieldfrom' if prefix == 'gi_' else prefix + 'await', None)
                break
        else:
            break
        if frame is not None:
            stack.append(FrameCallGraphEntry(frame))
        coro = inner
    return stack[::-1]


def _running_stack(frame, coro):
    """From a frame down to the one of the task's coroutine."""
    last = getattr(coro, 'cr_frame', None) or getattr(coro, 'gi_frame', None)
    stack = []
    while frame is not None:
        stack.append(FrameCallGraphEntry(frame))
        if frame is last:
            break
        frame = frame.f_back
    return stack


def _waiters_of(future, limit, seen):
    if future in seen:
        return ()
    waiters = getattr(future, '_asyncio_awaited_by', None) or ()
    seen = seen | {future}
    return tuple(_graph(waiter, limit, seen) for waiter in sorted(waiters, key=_label))


def _graph(future, limit, seen):
    get_coro = getattr(future, 'get_coro', None)
    stack = _waiting_stack(get_coro()) if get_coro is not None else []
    return FutureCallGraph(future, tuple(_limited(stack, limit)), _waiters_of(future, limit, seen))


def capture_call_graph(future=None, /, *, depth=1, limit=None):
    """The FutureCallGraph of a future or task, by default of the running task (None where there is none).

    `depth`: frames to leave out at the top of the running task's stack. `limit`: of each stack the newest so many frames, or if negative the
    oldest; 0: none.
    """
    current = tasks.current_task() if events._get_running_loop() is not None else None
    if future is None:
        if events._get_running_loop() is None:
            raise RuntimeError('capture_call_graph() is called outside of a running event loop and no *future* to introspect was provided')
        future = current
        if future is None:
            return None
    if not futures.isfuture(future):
        raise TypeError(f'{future!r} object does not appear to be compatible with asyncio.Future')
    if future is not current:
        return _graph(future, limit, frozenset())
    stack = _running_stack(sys._getframe(depth), future.get_coro()) if limit != 0 else []
    return FutureCallGraph(future, tuple(_limited(stack, limit)), _waiters_of(future, limit, frozenset()))


def _label(future):
    name = type(future).__name__
    if hasattr(future, 'get_name'):
        return f'{name}(name={future.get_name()!r}, id={id(future):#x})'
    return f'{name}(id={id(future):#x})'


def _describe(entry):
    frame = entry.frame
    code = frame.f_code
    kind = next((text for flag, text in _KINDS if code.co_flags & flag), '')
    return f'File {code.co_filename!r}, line {frame.f_lineno}, in {kind}{code.co_qualname}()'


def _lines(graph, indent):
    yield f'{indent}* {_label(graph.future)}'
    if graph.call_stack:
        yield f'{indent}  + Call stack:'
        for entry in graph.call_stack:
            yield f'{indent}  |   {_describe(entry)}'
    if graph.awaited_by:
        yield f'{indent}  + Awaited by:'
        for waiter in graph.awaited_by:
            yield from _lines(waiter, indent + '     ')


def format_call_graph(future=None, /, *, depth=1, limit=None):
    """The call graph of a future or task as text; '' where there is none."""
    graph = capture_call_graph(future, depth=depth + 1, limit=limit)
    return '' if graph is None else '\n'.join(_lines(graph, ''))


def print_call_graph(future=None, /, *, file=None, depth=1, limit=None):
    """Print the call graph of a future or task."""
    print(format_call_graph(future, depth=depth + 1, limit=limit), file=file)
