# SPDX-License-Identifier: MIT
"""A look at the tasks of a loop: which waits for which."""
from . import events, graph, tasks

__all__ = 'task_tree', 'format_task_tree', 'print_task_tree'


def task_tree(loop=None):
    """{task: set of the tasks that wait for it, directly or through futures} for the tasks of a loop that are not done."""
    tree = {task: set() for task in tasks.all_tasks(loop)}
    for task in tree:
        pending, seen = list(getattr(task, '_asyncio_awaited_by', None) or ()), set()
        while pending:
            waiter = pending.pop()
            if id(waiter) in seen:
                continue
            seen.add(id(waiter))
            if waiter in tree:
                tree[task].add(waiter)
            else:                                # a future: those that wait for it
                pending.extend(getattr(waiter, '_asyncio_awaited_by', None) or ())
    return tree


def _where(task):
    stack = graph._waiting_stack(task.get_coro())
    if not stack:
        return ''
    frame = stack[0].frame
    return f' in {frame.f_code.co_qualname}() at {frame.f_code.co_filename}:{frame.f_lineno}'


def _branch(task, children, indent, path):
    yield f'{indent}{task.get_name()}{_where(task)}'
    if task in path:
        yield f'{indent}  (waits for itself)'
        return
    for child in sorted(children.get(task, ()), key=lambda t: t.get_name()):
        yield from _branch(child, children, indent + '  ', path | {task})


def format_task_tree(loop=None):
    """The tasks of a loop as indented text: each stands below the one that waits for it."""
    tree = task_tree(loop)
    children = {}
    for task, waiters in tree.items():
        for waiter in waiters:
            children.setdefault(waiter, set()).add(task)
    roots = sorted((task for task, waiters in tree.items() if not waiters), key=lambda t: t.get_name())
    reached = set()

    def note(task):
        if task not in reached:
            reached.add(task)
            for child in children.get(task, ()):
                note(child)

    for root in roots:
        note(root)
    roots += sorted((task for task in tree if task not in reached), key=lambda t: t.get_name())    # those in a circle
    return '\n'.join(line for root in roots for line in _branch(root, children, '', frozenset()))


def print_task_tree(loop=None, *, file=None):
    """Print the tasks of a loop, each below the one that waits for it."""
    print(format_task_tree(loop), file=file)
