# SPDX-License-Identifier: MIT
"""The native event loop as a class of this package, and the default policy, which makes such loops."""
import _asyncio

from . import base_events, coroutines, events, loop_io
from ._lazy import lazy

__all__ = 'EventLoop', 'DefaultEventLoopPolicy'

threading = lazy('threading')


class EventLoop(loop_io.LoopIo, _asyncio.Loop, base_events.BaseEventLoop):
    """An event loop over libuv."""

    def __init__(self):
        super().__init__()
        self._init_services()
        self.set_debug(coroutines._is_debug_mode())


class DefaultEventLoopPolicy(events.BaseDefaultEventLoopPolicy):
    """Native loops, and the child watcher that programs may still ask for; the native loop needs none."""

    _loop_factory = EventLoop

    def __init__(self):
        super().__init__()
        self._watcher = None

    def set_event_loop(self, loop):
        """Make `loop`, or None, the loop of this thread. A child watcher goes along with the main thread's."""
        super().set_event_loop(loop)
        if self._watcher is not None and threading.current_thread() is threading.main_thread():
            self._watcher.attach_loop(loop)

    def get_child_watcher(self):
        """The child watcher; one by process descriptors or by threads, if none was set."""
        if self._watcher is None:
            self._make_watcher()
        return self._watcher

    def _make_watcher(self):
        from . import unix_events
        with events._lock:
            if self._watcher is not None:
                return
            by_descriptor = getattr(unix_events, 'can_use_pidfd', None)
            if by_descriptor is not None and by_descriptor():
                self._watcher = unix_events.PidfdChildWatcher()
            else:
                self._watcher = unix_events.ThreadedChildWatcher()
            if threading.current_thread() is threading.main_thread():
                self._watcher.attach_loop(self._local._loop)

    def set_child_watcher(self, watcher):
        """Use another child watcher; the one before is closed."""
        from . import unix_events
        assert watcher is None or isinstance(watcher, unix_events.AbstractChildWatcher)
        if self._watcher is not None:
            self._watcher.close()
        self._watcher = watcher


DefaultEventLoopPolicy.__module__ = EventLoop.__module__ = __package__
