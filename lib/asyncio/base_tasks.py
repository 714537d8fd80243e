# SPDX-License-Identifier: MIT
"""Representation and stack of a task, native or not."""
from . import base_futures, coroutines
from ._lazy import lazy

linecache = lazy('linecache')
reprlib = lazy('reprlib')
traceback = lazy('traceback')


def _task_repr_info(task):
    parts = base_futures._future_repr_info(task)
    if task.cancelling() and not task.done():
        parts[0] = 'cancelling'
    more = [f'name={task.get_name()!r}']
    if task._coro:
        more.append(f'coro=<{coroutines._format_coroutine(task._coro)}>')
    if task._fut_waiter is not None:
        more.append('wait_for=...' if _is_deep() else f'wait_for={task._fut_waiter!r}')
    parts[1:1] = more
    return parts


_DEEPEST = 10                            # tasks that wait for each other are shown so far
_running = set()                         # (object, thread) pairs: a task may wait for itself


def _is_deep():
    thread = base_futures.get_ident()
    return sum(key[1] == thread for key in tuple(_running)) >= _DEEPEST


def _task_repr(task):
    key = id(task), base_futures.get_ident()
    if key in _running:
        return '...'
    _running.add(key)
    try:
        return f'<{type(task).__name__} {" ".join(_task_repr_info(task))}>'
    finally:
        _running.discard(key)


def _coroutine_frame(coro):
    for name in ('cr_frame', 'gi_frame', 'ag_frame'):
        if hasattr(coro, name):
            return getattr(coro, name)
    return None


def _task_get_stack(task, limit):
    frame = _coroutine_frame(task._coro)
    if frame is not None:                # a suspended coroutine has one frame of its own; a running one also what it called
        frames = []
        while frame is not None and (limit is None or len(frames) < limit):
            frames.append(frame)
            frame = frame.f_back
        return frames[::-1]
    if task._exception is None:
        return []
    frames, entry = [], task._exception.__traceback__
    while entry is not None and (limit is None or len(frames) < limit):
        frames.append(entry.tb_frame)
        entry = entry.tb_next
    return frames


def _task_print_stack(task, limit, file):
    entries, checked = [], set()
    for frame in task.get_stack(limit=limit):
        code = frame.f_code
        if code.co_filename not in checked:
            checked.add(code.co_filename)
            linecache.checkcache(code.co_filename)
        entries.append((code.co_filename, frame.f_lineno, code.co_name, linecache.getline(code.co_filename, frame.f_lineno, frame.f_globals)))
    error = task._exception
    if not entries:
        print(f'No stack for {task!r}', file=file)
    elif error is not None:
        print(f'Traceback for {task!r} (most recent call last):', file=file)
    else:
        print(f'Stack for {task!r} (most recent call last):', file=file)
    traceback.print_list(entries, file=file)
    if error is not None:
        for line in traceback.format_exception_only(type(error), error):
            print(line, file=file, end='')
