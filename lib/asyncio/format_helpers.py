# SPDX-License-Identifier: MIT
"""Texts about functions and frames, for representations and debug mode."""
import sys

from . import constants
from ._lazy import lazy

functools = lazy('functools')
inspect = lazy('inspect')
reprlib = lazy('reprlib')
traceback = lazy('traceback')

_FUNCTION = type(lambda: None)
_METHOD = type([].append)


def _load_all():
    """Tasks are left at the end of a program: what describes and reports them is loaded while that can be done."""
    from . import log
    return functools.partial, inspect.unwrap, reprlib.repr, traceback.format_list, log.logger


def _get_function_source(func):
    """(file, line) of a Python function, also behind wrappers and partials; None for anything else."""
    func = inspect.unwrap(func)
    if type(func) is _FUNCTION or inspect.isfunction(func):
        return func.__code__.co_filename, func.__code__.co_firstlineno
    if isinstance(func, (functools.partial, functools.partialmethod)):
        return _get_function_source(func.func)
    return None


def _format_callback_source(func, args, *, debug=None):
    text = _format_callback(func, args, None)
    place = _get_function_source(func)
    return f'{text} at {place[0]}:{place[1]}' if place else text


def _format_args_and_kwargs(args, kwargs):
    """The arguments of a call in parentheses, each one shortened."""
    parts = [reprlib.repr(value) for value in args] if args else []
    if kwargs:
        parts += [f'{key}={reprlib.repr(value)}' for key, value in kwargs.items()]
    return '({})'.format(', '.join(parts))


def _format_callback(func, args, kwargs, suffix=''):
    if isinstance(func, functools.partial):
        return _format_callback(func.func, func.args, func.keywords, _format_args_and_kwargs(args, kwargs) + suffix)
    name = getattr(func, '__qualname__', None) or getattr(func, '__name__', None) or repr(func)
    return name + _format_args_and_kwargs(args, kwargs) + suffix


def extract_stack(f=None, limit=None):
    """Like traceback.extract_stack(), but without loading source lines, and short by default."""
    if f is None:
        f = sys._getframe().f_back
    if limit is None:
        limit = constants.DEBUG_STACK_DEPTH
    stack = traceback.StackSummary.extract(traceback.walk_stack(f), limit=limit, lookup_lines=False)
    stack.reverse()
    return stack


def _call_handler(loop, owner, context):
    """Report to a loop's exception handler what went wrong in an object, and where that was made if debug mode knows it."""
    if owner._source_traceback:
        context['source_traceback'] = owner._source_traceback
    loop.call_exception_handler(context)
