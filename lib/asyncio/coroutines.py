# SPDX-License-Identifier: MIT
"""What counts as a coroutine, and how one is shown."""
import sys

from ._lazy import lazy

__all__ = 'iscoroutinefunction', 'iscoroutine'

inspect = lazy('inspect')
os = lazy('os')

_is_coroutine = object()                 # marks functions that behave as coroutine functions: func._is_coroutine = _is_coroutine


async def _sample():
    pass


_coroutine = _sample()
_coroutine.close()
_COROUTINE_TYPES = (type(_coroutine), type(_ for _ in ()))
try:
    from _collections_abc import Coroutine
    _COROUTINE_TYPES += (Coroutine,)
except ImportError:                      # no library
    pass
_FUNCTION_TYPE = type(_sample)
_CO_COROUTINE = 0x80
_NATIVE_TYPE = type(_coroutine)
del _coroutine


def _is_debug_mode():
    flags = sys.flags
    if flags.dev_mode or flags.ignore_environment:
        return flags.dev_mode
    if 'os' in sys.modules:
        return bool(os.environ.get('PYTHONASYNCIODEBUG'))
    import posix                         # there may be no library
    return bool(posix.environ.get(b'PYTHONASYNCIODEBUG'))


def iscoroutinefunction(func):
    """Does calling `func` give a coroutine?"""
    if type(func) is _FUNCTION_TYPE and func.__code__.co_flags & _CO_COROUTINE:
        return True
    return inspect.iscoroutinefunction(func) or getattr(func, '_is_coroutine', None) is _is_coroutine


_iscoroutine_typecache = set()           # types that were found to be coroutines


def iscoroutine(obj):
    """Is this a coroutine object?"""
    kind = type(obj)
    if kind is _NATIVE_TYPE or kind in _iscoroutine_typecache:
        return True
    if not isinstance(obj, _COROUTINE_TYPES):
        return False
    if len(_iscoroutine_typecache) < 100:
        _iscoroutine_typecache.add(kind)
    return True


def _attribute(coro, name):
    for prefix in ('cr_', 'gi_'):
        if hasattr(coro, prefix + name):
            return getattr(coro, prefix + name)
    return None


def _coroutine_name(coro):
    # Objects of other compilers may lack any of the names.
    if getattr(coro, '__qualname__', None):
        name = coro.__qualname__
    elif getattr(coro, '__name__', None):
        name = coro.__name__
    else:
        name = f'<{type(coro).__name__} without __name__>'
    return f'{name}()'


def _format_coroutine(coro):
    assert iscoroutine(coro)
    name, code = _coroutine_name(coro), _attribute(coro, 'code')
    if code is None:
        return f'{name} running' if _attribute(coro, 'running') else name
    filename = code.co_filename or '<empty co_filename>'
    frame = _attribute(coro, 'frame')
    if frame is not None:
        return f'{name} running at {filename}:{frame.f_lineno}'
    return f'{name} done, defined at {filename}:{code.co_firstlineno}'
