# SPDX-License-Identifier: MIT
"""Concurrent programs with async and await, over a native event loop.

What every program needs is loaded at once; the other modules when one of their names is first used. Modules that only the event loops of the
installed library have (selector_events, unix_events, sslproto and so on) come from there: see _installed.
"""

from .exceptions import *
from .coroutines import *
from .events import *
from .futures import *
from .tasks import *
from .runners import *
from . import exceptions, coroutines, events, futures, tasks, runners

# Names of modules that are loaded on demand. The last ones are the installed library's.
_LAZY = {
    'base_events': ('BaseEventLoop', 'Server'),
    'graph': ('capture_call_graph', 'format_call_graph', 'print_call_graph', 'FrameCallGraphEntry', 'FutureCallGraph'),
    'locks': ('Lock', 'Event', 'Condition', 'Semaphore', 'BoundedSemaphore', 'Barrier'),
    'native_events': ('EventLoop', 'DefaultEventLoopPolicy'),
    'protocols': ('BaseProtocol', 'Protocol', 'DatagramProtocol', 'SubprocessProtocol', 'BufferedProtocol'),
    'queues': ('Queue', 'PriorityQueue', 'LifoQueue', 'QueueFull', 'QueueEmpty', 'QueueShutDown'),
    'streams': ('StreamReader', 'StreamWriter', 'StreamReaderProtocol', 'open_connection', 'start_server', 'open_unix_connection',
                'start_unix_server'),
    'subprocess': ('create_subprocess_exec', 'create_subprocess_shell'),
    'taskgroups': ('TaskGroup',),
    'threads': ('to_thread',),
    'timeouts': ('Timeout', 'timeout', 'timeout_at'),
    'transports': ('BaseTransport', 'ReadTransport', 'WriteTransport', 'Transport', 'DatagramTransport', 'SubprocessTransport'),
    'unix_events': ('SelectorEventLoop', 'AbstractChildWatcher', 'SafeChildWatcher', 'FastChildWatcher', 'PidfdChildWatcher',
                    'MultiLoopChildWatcher', 'ThreadedChildWatcher'),
}
_HOME = {name: module for module, names in _LAZY.items() for name in names}
_MODULES = {*_LAZY, 'base_futures', 'base_subprocess', 'base_tasks', 'constants', 'format_helpers', 'log', 'mixins', 'selector_events',
            'sslproto', 'staggered', 'tools', 'trsock'}

__all__ = (exceptions.__all__ + coroutines.__all__ + events.__all__ + futures.__all__ + tasks.__all__ + runners.__all__ +
           ('future_add_to_awaited_by', 'future_discard_from_awaited_by') + tuple(_HOME))

from .futures import future_add_to_awaited_by, future_discard_from_awaited_by


def __getattr__(name):
    home = _HOME.get(name)
    if home is None and name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = __import__(f'{__name__}.{home or name}', fromlist=(name,))
    if home is None:
        return module
    value = globals()[name] = getattr(module, name)
    return value


def __dir__():
    return sorted({*globals(), *_HOME, *_MODULES})
