# SPDX-License-Identifier: MIT
"""Event loops as programs see them, policies, and the running loop."""
from _contextvars import copy_context
from _thread import allocate_lock as _allocate_lock, _local
import sys

from . import format_helpers
from ._lazy import lazy
from .constants import DEBUG_STACK_DEPTH as _DEPTH

__all__ = ('AbstractEventLoopPolicy', 'AbstractEventLoop', 'AbstractServer', 'Handle', 'TimerHandle', 'get_event_loop_policy',
           'set_event_loop_policy', 'get_event_loop', 'set_event_loop', 'new_event_loop', 'get_child_watcher', 'set_child_watcher',
           '_set_running_loop', 'get_running_loop', '_get_running_loop')

os = lazy('os')
socket = lazy('socket')
subprocess = lazy('subprocess')
threading = lazy('threading')
warnings = lazy('warnings')

_PIPE = -1                               # subprocess.PIPE


class Handle:
    """A callback that a loop will run; cancel() takes it back."""

    __slots__ = ('_callback', '_args', '_cancelled', '_loop', '_source_traceback', '_repr', '__weakref__', '_context')

    def __init__(self, callback, args, loop, context=None):
        self._context = copy_context() if context is None else context
        self._loop = loop
        self._callback = callback
        self._args = args
        self._cancelled = False
        self._repr = None
        self._source_traceback = format_helpers.extract_stack(sys._getframe(1)) if loop.get_debug() else None

    def _repr_info(self):
        parts = [type(self).__name__]
        if self._cancelled:
            parts.append('cancelled')
        if self._callback is not None:
            parts.append(format_helpers._format_callback_source(self._callback, self._args))
        if self._source_traceback:
            frame = self._source_traceback[-1]
            parts.append(f'created at {frame[0]}:{frame[1]}')
        return parts

    def __repr__(self):
        return self._repr if self._repr is not None else '<{}>'.format(' '.join(self._repr_info()))

    def get_context(self):
        """The context in which the callback will run."""
        return self._context

    def cancel(self):
        """Do not run the callback."""
        if self._cancelled:
            return
        self._cancelled = True
        if self._loop.get_debug():       # what it was can still be shown when nothing else of it is left
            self._repr = repr(self)
        self._callback = None
        self._args = None

    def cancelled(self):
        """Has cancel() been called?"""
        return self._cancelled

    def _run(self):
        try:
            self._context.run(self._callback, *self._args)
        except BaseException as error:
            if isinstance(error, (KeyboardInterrupt, SystemExit)):
                raise
            self._report(error)
        self = None                      # the frame of a traceback must not keep it

    def _report(self, error):
        place = format_helpers._format_callback_source(self._callback, self._args)
        format_helpers._call_handler(self._loop, self, {'message': f'Exception in callback {place}', 'exception': error, 'handle': self})


class TimerHandle(Handle):
    """A callback that a loop will run at a point in time."""

    __slots__ = ('_scheduled', '_when')

    def __init__(self, when, callback, args, loop, context=None):
        self._when, self._scheduled = when, False
        super().__init__(callback, args, loop, context)
        if self._source_traceback:
            self._source_traceback.pop()         # this frame

    def _repr_info(self):
        parts = super()._repr_info()
        parts.insert(2 if self._cancelled else 1, f'when={self._when}')
        return parts

    def __hash__(self):
        return hash(self._when)

    def __lt__(self, other):
        return self._when < other._when if isinstance(other, TimerHandle) else NotImplemented

    def __le__(self, other):
        return self._when < other._when or self == other if isinstance(other, TimerHandle) else NotImplemented

    def __gt__(self, other):
        return self._when > other._when if isinstance(other, TimerHandle) else NotImplemented

    def __ge__(self, other):
        return self._when > other._when or self == other if isinstance(other, TimerHandle) else NotImplemented

    def __eq__(self, other):
        if not isinstance(other, TimerHandle):
            return NotImplemented
        return (self._when, self._callback, self._args, self._cancelled) == (other._when, other._callback, other._args, other._cancelled)

    def cancel(self):
        before = self._cancelled
        super().cancel()
        if not before:
            self._loop._timer_handle_cancelled(self)

    def when(self):
        """The loop's time at which the callback is due."""
        return self._when


class AbstractServer:
    """What loop.create_server() gives."""

    def close(self):
        """Listen no more; connections that are there stay."""
        raise NotImplementedError

    def close_clients(self):
        """Close the transports of all connections."""
        raise NotImplementedError

    def abort_clients(self):
        """Close the transports of all connections at once, whatever they have buffered."""
        raise NotImplementedError

    def get_loop(self):
        """The loop that the server belongs to."""
        raise NotImplementedError

    def is_serving(self):
        """Are connections accepted?"""
        raise NotImplementedError

    async def start_serving(self):
        """Begin to accept connections; nothing happens if that has begun already."""
        raise NotImplementedError

    async def serve_forever(self):
        """Accept connections until cancelled; then the server is closed."""
        raise NotImplementedError

    async def wait_closed(self):
        """Wait until the server is closed."""
        raise NotImplementedError

    async def __aexit__(self, *details):
        self.close()
        await self.wait_closed()

    async def __aenter__(self):
        return self


class AbstractEventLoop:
    """What every event loop has."""

    # Running

    def run_forever(self):
        """Run until stop() is called."""
        raise NotImplementedError

    def run_until_complete(self, future):
        """Run until the future or coroutine is done; return its result or raise its exception."""
        raise NotImplementedError

    def stop(self):
        """End run_forever() after the present round of callbacks."""
        raise NotImplementedError

    def is_running(self):
        """Is the loop running?"""
        raise NotImplementedError

    def is_closed(self):
        """Has close() been called?"""
        raise NotImplementedError

    def close(self):
        """Let go of everything; the loop can't be used any more, and must not be running."""
        raise NotImplementedError

    async def shutdown_asyncgens(self):
        """Close the asynchronous generators that are still open."""
        raise NotImplementedError

    async def shutdown_default_executor(self):
        """Wait for the default executor's threads to end."""
        raise NotImplementedError

    # Callbacks

    def _timer_handle_cancelled(self, handle):
        """A TimerHandle of this loop was cancelled."""
        raise NotImplementedError

    def time(self):
        """The loop's clock, in seconds."""
        raise NotImplementedError

    def call_at(self, when, callback, *args, context=None):
        """Call callback(*args) at a time of that clock; returns a TimerHandle."""
        raise NotImplementedError

    def call_later(self, delay, callback, *args, context=None):
        """Call callback(*args) after `delay` seconds; returns a TimerHandle."""
        raise NotImplementedError

    def call_soon(self, callback, *args, context=None):
        """Call callback(*args) at the next opportunity; returns a Handle."""
        return self.call_later(0, callback, *args, context=context)

    # Futures and tasks

    def create_task(self, coro, *, name=None, context=None):
        """Run a coroutine; returns its Task."""
        raise NotImplementedError

    def create_future(self):
        """A Future of this loop."""
        raise NotImplementedError

    # Threads

    def set_default_executor(self, executor):
        """The executor that run_in_executor(None, ...) uses."""
        raise NotImplementedError

    def run_in_executor(self, executor, func, *args):
        """Call a function in an executor; returns a future."""
        raise NotImplementedError

    def call_soon_threadsafe(self, callback, *args, context=None):
        """As call_soon(), from any thread."""
        raise NotImplementedError

    # Connections and servers

    async def getaddrinfo(self, host, port, *, family=0, type=0, proto=0, flags=0):
        raise NotImplementedError

    async def getnameinfo(self, sockaddr, flags=0):
        raise NotImplementedError

    async def create_connection(self, protocol_factory, host=None, port=None, *, ssl=None, family=0, proto=0, flags=0, sock=None,
                                local_addr=None, server_hostname=None, ssl_handshake_timeout=None, ssl_shutdown_timeout=None,
                                happy_eyeballs_delay=None, interleave=None, all_errors=False):
        raise NotImplementedError

    async def create_server(self, protocol_factory, host=None, port=None, *, family=0, flags=1, sock=None, backlog=100, ssl=None,
                            reuse_address=None, reuse_port=None, keep_alive=None, ssl_handshake_timeout=None, ssl_shutdown_timeout=None,
                            start_serving=True):
        """Listen on TCP addresses; returns a Server.

        `host` may be a sequence of names. None or '' stands for all interfaces, and port 0 for any free port.
        """
        raise NotImplementedError

    async def sendfile(self, transport, file, offset=0, count=None, *, fallback=True):
        """Send a file over a transport, by the system's sendfile() where that works; returns how many bytes were sent."""
        raise NotImplementedError

    async def start_tls(self, transport, protocol, sslcontext, *, server_side=False, server_hostname=None, ssl_handshake_timeout=None,
                        ssl_shutdown_timeout=None):
        """Go over to TLS on a connection that is there; returns the new transport."""
        raise NotImplementedError

    async def create_unix_connection(self, protocol_factory, path=None, *, ssl=None, sock=None, server_hostname=None,
                                     ssl_handshake_timeout=None, ssl_shutdown_timeout=None):
        raise NotImplementedError

    async def create_unix_server(self, protocol_factory, path=None, *, sock=None, backlog=100, ssl=None, ssl_handshake_timeout=None,
                                 ssl_shutdown_timeout=None, start_serving=True, cleanup_socket=False):
        """Listen on a UNIX socket; returns a Server."""
        raise NotImplementedError

    async def connect_accepted_socket(self, protocol_factory, sock, *, ssl=None, ssl_handshake_timeout=None, ssl_shutdown_timeout=None):
        """Take over a connection that somebody else accepted; returns (transport, protocol)."""
        raise NotImplementedError

    async def create_datagram_endpoint(self, protocol_factory, local_addr=None, remote_addr=None, *, family=0, proto=0, flags=0,
                                       reuse_address=None, reuse_port=None, allow_broadcast=None, sock=None):
        """Make a socket for datagrams; returns (transport, protocol)."""
        raise NotImplementedError

    # Pipes and processes

    async def connect_read_pipe(self, protocol_factory, pipe):
        """Read from a pipe; returns (transport, protocol)."""
        raise NotImplementedError

    async def connect_write_pipe(self, protocol_factory, pipe):
        """Write to a pipe; returns (transport, protocol)."""
        raise NotImplementedError

    async def subprocess_shell(self, protocol_factory, cmd, *, stdin=_PIPE, stdout=_PIPE, stderr=_PIPE, **kwargs):
        raise NotImplementedError

    async def subprocess_exec(self, protocol_factory, *args, stdin=_PIPE, stdout=_PIPE, stderr=_PIPE, **kwargs):
        raise NotImplementedError

    # Descriptors

    def add_reader(self, fd, callback, *args):
        raise NotImplementedError

    def remove_reader(self, fd):
        raise NotImplementedError

    def add_writer(self, fd, callback, *args):
        raise NotImplementedError

    def remove_writer(self, fd):
        raise NotImplementedError

    # Sockets

    async def sock_recv(self, sock, nbytes):
        raise NotImplementedError

    async def sock_recv_into(self, sock, buf):
        raise NotImplementedError

    async def sock_recvfrom(self, sock, bufsize):
        raise NotImplementedError

    async def sock_recvfrom_into(self, sock, buf, nbytes=0):
        raise NotImplementedError

    async def sock_sendall(self, sock, data):
        raise NotImplementedError

    async def sock_sendto(self, sock, data, address):
        raise NotImplementedError

    async def sock_connect(self, sock, address):
        raise NotImplementedError

    async def sock_accept(self, sock):
        raise NotImplementedError

    async def sock_sendfile(self, sock, file, offset=0, count=None, *, fallback=None):
        raise NotImplementedError

    # Signals

    def add_signal_handler(self, sig, callback, *args):
        raise NotImplementedError

    def remove_signal_handler(self, sig):
        raise NotImplementedError

    # Task factory, errors, debug mode

    def set_task_factory(self, factory):
        raise NotImplementedError

    def get_task_factory(self):
        raise NotImplementedError

    def get_exception_handler(self):
        raise NotImplementedError

    def set_exception_handler(self, handler):
        raise NotImplementedError

    def default_exception_handler(self, context):
        raise NotImplementedError

    def call_exception_handler(self, context):
        raise NotImplementedError

    def get_debug(self):
        raise NotImplementedError

    def set_debug(self, enabled):
        raise NotImplementedError


class AbstractEventLoopPolicy:
    """Which loop belongs to a thread, and how loops are made."""

    def get_event_loop(self):
        """The loop of this thread, an AbstractEventLoop; an exception if there is none. Never None."""
        raise NotImplementedError

    def set_event_loop(self, loop):
        """Make `loop` the loop of this thread."""
        raise NotImplementedError

    def new_event_loop(self):
        """Make a loop; set_event_loop() is another matter."""
        raise NotImplementedError

    def get_child_watcher(self):
        """The watcher that tells of ended child processes."""
        raise NotImplementedError

    def set_child_watcher(self, watcher):
        """Makes `watcher` the one that tells of ended child processes."""
        raise NotImplementedError


class BaseDefaultEventLoopPolicy(AbstractEventLoopPolicy):
    """Each thread has its loop. The main thread's is made when it is first asked for; other threads set theirs."""

    _loop_factory = None

    class _Local(_local):
        _set_called = False              # has set_event_loop() been called in the thread?
        _loop = None

    def __init__(self):
        self._local = self._Local()

    def get_event_loop(self):
        """The loop of this thread."""
        local = self._local
        if local._loop is None and not local._set_called and threading.current_thread() is threading.main_thread():
            self.set_event_loop(self.new_event_loop())
        if local._loop is None:
            raise RuntimeError(f'There is no current event loop in thread {threading.current_thread().name!r}.')
        return local._loop

    def set_event_loop(self, loop):
        """Make `loop`, or None, the loop of this thread."""
        local = self._local
        local._set_called = True
        if not isinstance(loop, (AbstractEventLoop, type(None))):
            raise TypeError(f"loop must be an instance of AbstractEventLoop or None, not '{type(loop).__name__}'")
        local._loop = loop

    def new_event_loop(self):
        """Make a loop."""
        return self._loop_factory()


# ---- the policy ----

_event_loop_policy = None
_lock = _allocate_lock()


class _RunningLoop(_local):
    loop_pid = (None, None)


_running_loop = _RunningLoop()           # of the functions below; the native ones keep it elsewhere


def get_running_loop():
    """The loop that runs in this thread; RuntimeError if there is none."""
    if (loop := _get_running_loop()) is not None:
        return loop
    raise RuntimeError('no running event loop')


def _get_running_loop():
    """The loop that runs in this thread, or None. For those who write event loops."""
    loop, pid = _running_loop.loop_pid
    if loop is None:
        return _native_running_loop()    # a native loop says it there
    return loop if pid == os.getpid() else None


def _native_running_loop():
    return None


def _set_running_loop(loop):
    """Note which loop runs in this thread. For those who write event loops."""
    _running_loop.loop_pid = loop, os.getpid()


def _default_policy():
    global _event_loop_policy
    with _lock:
        if _event_loop_policy is None:
            from . import DefaultEventLoopPolicy
            _event_loop_policy = DefaultEventLoopPolicy()
        return _event_loop_policy


def get_event_loop_policy():
    """The policy in force."""
    return _default_policy() if _event_loop_policy is None else _event_loop_policy


def set_event_loop_policy(policy):
    """Replace the policy; None: back to the default."""
    if not isinstance(policy, (AbstractEventLoopPolicy, type(None))):
        raise TypeError(f"policy must be an instance of AbstractEventLoopPolicy or None, not '{type(policy).__name__}'")
    global _event_loop_policy
    _event_loop_policy = policy


def get_event_loop():
    """The running loop, or where none runs, that of the policy."""
    return _py__get_event_loop()


def _get_event_loop(stacklevel=3):
    loop = _get_running_loop()
    return loop if loop is not None else get_event_loop_policy().get_event_loop()


def set_event_loop(loop):
    """get_event_loop_policy().set_event_loop(loop)"""
    get_event_loop_policy().set_event_loop(loop)


def new_event_loop():
    """get_event_loop_policy().new_event_loop()"""
    return get_event_loop_policy().new_event_loop()


def get_child_watcher():
    """get_event_loop_policy().get_child_watcher()"""
    return get_event_loop_policy().get_child_watcher()


def set_child_watcher(watcher):
    """get_event_loop_policy().set_child_watcher(watcher)"""
    return get_event_loop_policy().set_child_watcher(watcher)


# Both kinds have names of their own.
_py_get_event_loop, _py__get_event_loop = get_event_loop, _get_event_loop
_py_get_running_loop, _py__get_running_loop, _py__set_running_loop = get_running_loop, _get_running_loop, _set_running_loop
_PyHandle = Handle
_PyTimerHandle = TimerHandle

try:
    from _asyncio import _get_event_loop, _get_running_loop, _set_running_loop, get_event_loop, get_running_loop
except ImportError:
    pass
else:
    _c__get_event_loop = _get_event_loop
    _c__get_running_loop = _native_running_loop = _get_running_loop
    _c__set_running_loop = _set_running_loop
    _c_get_event_loop = get_event_loop
    _c_get_running_loop = get_running_loop
try:
    from _asyncio import Handle, TimerHandle
except ImportError:
    pass
