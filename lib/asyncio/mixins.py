# SPDX-License-Identifier: MIT
"""Objects that belong to the loop which first makes them wait."""
from . import events
from ._lazy import lazy

threading = lazy('threading')
_global_lock = events._allocate_lock()


class _LoopBoundMixin:
    _loop = None

    def _get_loop(self):
        loop = events._get_running_loop()
        mine = self._loop
        if mine is None:
            with _global_lock:           # two threads may be first at the same time
                if self._loop is None:
                    self._loop = loop
                mine = self._loop
        if loop is not mine:
            raise RuntimeError(f'{self!r} is bound to a different event loop')
        return loop
