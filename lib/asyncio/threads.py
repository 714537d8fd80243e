# SPDX-License-Identifier: MIT
"""Blocking functions in other threads."""
from _contextvars import copy_context
from _functools import partial

from . import events

__all__ = 'to_thread',


async def to_thread(func, /, *args, **kwargs):
    """Call func(*args, **kwargs) in a thread of the default executor and return its result.

    The thread sees a copy of the present context.
    """
    call = partial(copy_context().run, func, *args, **kwargs)
    return await events.get_running_loop().run_in_executor(None, call)
