# SPDX-License-Identifier: MIT
"""A look at the tasks of a loop: which waits for which."""
from . import events, graph, tasks

__all__ = 'task_tree', 'format_task_tree', 'print_task_tree'

_DEEPEST = 100                      # levels that are indented


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


def _by_name(some):
    return sorted(some, key=lambda task: task.get_name())


def _reach(root, children, reached):
    """Add a task and all below it to a set."""
    pending = [root]
    while pending:
        task = pending.pop()
        if task not in reached:
            reached.add(task)
            pending.extend(children.get(task, ()))


def _branch(root, children, shown):
    """Lines for a task and for those below it. What hangs below a task is shown where the task comes first; `shown`: {task: its depth}."""
    pending, path = [(root, 0)], []
    while pending:
        task, depth = pending.pop()
        del path[depth:]                         # the tasks that this one stands below
        indent = '  ' * depth if depth <= _DEEPEST else '  ' * _DEEPEST + f'[{depth}] '
        yield f'{indent}{task.get_name()}{_where(task)}'
        below = children.get(task)
        if task in shown:
            if below:
                above = path[shown[task]:shown[task] + 1] == [task]
                yield f"{'  ' * min(depth, _DEEPEST)}  ({'waits for itself' if above else 'see above'})"
            continue
        shown[task] = depth
        path.append(task)
        if below:
            pending += [(child, depth + 1) for child in reversed(_by_name(below))]


def format_task_tree(loop=None):
    """The tasks of a loop as indented text: each stands below the one that waits for it.

    Where several wait for a task, what is below it is shown once. From a depth of 100 on the depth is said, not shown by spaces.
    """
    tree = task_tree(loop)
    children = {}
    for task, waiters in tree.items():
        for waiter in waiters:
            children.setdefault(waiter, set()).add(task)
    roots, reached, shown = _by_name(task for task, waiters in tree.items() if not waiters), set(), {}
    for root in roots:
        _reach(root, children, reached)
    for task in _by_name(tree):                  # those in a circle
        if task not in reached:
            roots.append(task)
            _reach(task, children, reached)
    return '\n'.join(line for root in roots for line in _branch(root, children, shown))


def print_task_tree(loop=None, *, file=None):
    """Print the tasks of a loop, each below the one that waits for it."""
    print(format_task_tree(loop), file=file)
