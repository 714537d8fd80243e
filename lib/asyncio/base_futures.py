# SPDX-License-Identifier: MIT
"""What every kind of future shares: its states and its representation."""
from _thread import get_ident

from . import format_helpers
from ._lazy import lazy

__all__ = ()

reprlib = lazy('reprlib')

_PENDING = 'PENDING'
_CANCELLED = 'CANCELLED'
_FINISHED = 'FINISHED'


def isfuture(obj):
    """Is this a future of any implementation?

    The class must have the attribute _asyncio_future_blocking, and in the object it must not be None.
    """
    return hasattr(obj.__class__, '_asyncio_future_blocking') and obj._asyncio_future_blocking is not None


def _format_callbacks(callbacks):
    texts = [format_helpers._format_callback_source(entry[0], ()) for entry in callbacks[:1] + callbacks[1:][-1:]]
    if len(callbacks) > 2:
        texts.insert(1, f'<{len(callbacks) - 2} more>')
    return 'cb=[{}]'.format(', '.join(texts))


def _future_repr_info(future):
    parts = [future._state.lower()]
    if future._state == _FINISHED:
        if future._exception is not None:
            parts.append(f'exception={future._exception!r}')
        else:
            parts.append(f'result={reprlib.repr(future._result)}')
    if future._callbacks:
        parts.append(_format_callbacks(future._callbacks))
    if future._source_traceback:
        frame = future._source_traceback[-1]
        parts.append(f'created at {frame[0]}:{frame[1]}')
    return parts


_representing = set()                    # (object, thread) pairs: a future may hold itself


def _future_repr(self):
    key = id(self), get_ident()
    if key in _representing:
        return '...'
    _representing.add(key)
    try:
        return f'<{type(self).__name__} {" ".join(self._repr_info())}>' if hasattr(self, '_repr_info') else \
            f'<{type(self).__name__} {" ".join(_future_repr_info(self))}>'
    finally:
        _representing.discard(key)
