# SPDX-License-Identifier: MIT
"""The event loop's Python side: what does not depend on how a loop waits.

A loop subclasses BaseEventLoop and brings the hooks that raise NotImplementedError here. The scheduling below (_ready, _scheduled, _run_once) is
for loops in Python, which have a `_selector`; the native loop has its own in their place and inherits the rest.
"""
from _collections import deque
from _functools import partial
from _heapq import heapify as _heapify, heappop as _heappop, heappush as _heappush
from _thread import get_ident as _get_ident
from _warnings import warn as _warn
from _weakref import ref as _ref
import sys
import time

from . import constants, coroutines, events, exceptions, futures, protocols, tasks, transports
from ._lazy import lazy, lazy_logger as logger

__all__ = 'BaseEventLoop', 'Server'

collections = lazy('collections')
concurrent = lazy('concurrent', 'concurrent.futures')
os = lazy('os')
socket = lazy('socket')
ssl = lazy('ssl')
sslproto = lazy('asyncio.sslproto')
staggered = lazy('asyncio.staggered')
stat = lazy('stat')
subprocess = lazy('subprocess')
threading = lazy('threading')
traceback = lazy('traceback')
trsock = lazy('asyncio.trsock')
warnings = lazy('warnings')

_MIN_SCHEDULED_TIMER_HANDLES = 100               # timers, before cancelled ones are looked for,
_MIN_CANCELLED_TIMER_HANDLES_FRACTION = 0.5      # and how many of them must be
MAXIMUM_SELECT_TIMEOUT = 24 * 3600
_HAS_IPv6 = True
_PIPE, _STDOUT = -1, -2                          # of subprocess
_STREAM, _DGRAM = 1, 2                           # socket.SOCK_STREAM, SOCK_DGRAM


# ---- small helpers ----

def _format_handle(handle):
    owner = getattr(handle._callback, '__self__', None)
    return repr(owner) if isinstance(owner, (tasks.Task, tasks._PyTask)) else str(handle)


def _format_pipe(fd):
    return {_PIPE: '<pipe>', _STDOUT: '<stdout>'}.get(fd) or repr(fd)


def _set_reuseport(sock):
    if not hasattr(socket, 'SO_REUSEPORT'):
        raise ValueError('reuse_port not supported by socket module')
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    except OSError:
        raise ValueError('reuse_port not supported by socket module, SO_REUSEPORT defined but not implemented.')


def _set_nodelay(sock):
    if sock.family in {socket.AF_INET, socket.AF_INET6} and sock.type == socket.SOCK_STREAM and sock.proto == socket.IPPROTO_TCP:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def _check_ssl_socket(sock):
    module = sys.modules.get('ssl')              # nobody can have one before that was imported
    if module is not None and isinstance(sock, module.SSLSocket):
        raise TypeError('Socket cannot be of type SSLSocket')


def _wants_address(sock, host, port):
    """Is a connection or server described by an address? Else it is by a socket, if that is not None."""
    if sock is not None:
        _check_ssl_socket(sock)
    if host is None and port is None:
        return False
    if sock is not None:
        raise ValueError('host/port and sock can not be specified at the same time')
    return True


def _check_stream(sock):
    if sock.type != socket.SOCK_STREAM:
        raise ValueError(f'A Stream Socket was expected, got {sock!r}')


def _check_tls_limits(active, **limits):
    for name, value in limits.items():
        if value is not None and not active:
            raise ValueError(f'{name} is only meaningful with ssl')


def _port_number(port):
    """A port as int, None if it is a name."""
    if port is None or port == '' or port == b'':
        return 0
    try:
        return int(port)
    except (TypeError, ValueError):
        return None


def _ipaddr_info(host, port, family, type, proto, flowinfo=0, scopeid=0):
    """What getaddrinfo() says about a numeric address, without asking it; None for anything else."""
    if not hasattr(socket, 'inet_pton') or host is None or proto not in {0, socket.IPPROTO_TCP, socket.IPPROTO_UDP}:
        return None
    proto = {socket.SOCK_STREAM: socket.IPPROTO_TCP, socket.SOCK_DGRAM: socket.IPPROTO_UDP}.get(type)
    port = _port_number(port)
    if proto is None or port is None:
        return None
    if isinstance(host, bytes):
        host = host.decode('idna')
    if '%' in host:                              # an IPv6 address with a zone: only getaddrinfo() knows
        return None
    if family != socket.AF_UNSPEC:
        families = [family]
    else:
        families = [socket.AF_INET, socket.AF_INET6] if _HAS_IPv6 else [socket.AF_INET]
    for af in families:
        try:
            socket.inet_pton(af, host)
        except OSError:
            continue
        rest = (flowinfo, scopeid) if _HAS_IPv6 and af == socket.AF_INET6 else ()
        return af, type, proto, '', (host, port, *rest)
    return None


def _interleave_addrinfos(addrinfos, first_address_family_count=1):
    """Addresses of several families by turns, in the order of each; the first family may get more turns at the start."""
    groups = {}
    for info in addrinfos:
        groups.setdefault(info[0], []).append(info)
    groups = list(groups.values())
    mixed = []
    if groups and first_address_family_count > 1:
        mixed = groups[0][:first_address_family_count - 1]
        del groups[0][:first_address_family_count - 1]
    for turn in range(max(map(len, groups), default=0)):
        mixed += [group[turn] for group in groups if turn < len(group)]
    return mixed


def _run_until_complete_cb(fut):
    if not fut.cancelled() and isinstance(fut.exception(), (SystemExit, KeyboardInterrupt)):
        return                                   # it has gone through run_forever() already
    futures._get_loop(fut).stop()


class _IdRef(_ref):
    """A weak reference that knows the id of what it refers to."""
    __slots__ = ('id',)


class _WeakObjects:
    """A set of objects that does not keep them."""

    def __init__(self):
        refs = self._refs = {}
        self._forget = lambda ref: refs.pop(ref.id, None)        # one for all: there may be many objects

    def add(self, obj):
        ref = _IdRef(obj, self._forget)
        self._refs[id(obj)] = ref
        ref.id = id(obj)

    def discard(self, obj):
        self._refs.pop(id(obj), None)

    def clear(self):
        self._refs.clear()

    def __contains__(self, obj):
        return id(obj) in self._refs

    def __iter__(self):
        for ref in list(self._refs.values()):
            obj = ref()
            if obj is not None:
                yield obj

    def __len__(self):
        return len(self._refs)


class _SendfileFallbackProtocol(protocols.Protocol):
    """Stands in for a transport's protocol while a file is sent, and waits when the buffer is full."""

    def __init__(self, transp):
        if not hasattr(transp, '_protocol_paused'):
            raise TypeError('transport should be _FlowControlMixin instance')
        self._transport = transp
        self._proto = transp.get_protocol()
        self._resume_reading = transp.is_reading()
        self._resume_writing = transp._protocol_paused
        transp.pause_reading()
        transp.set_protocol(self)
        self._writable = transp._loop.create_future() if self._resume_writing else None

    async def drain(self):
        if self._transport.is_closing():
            raise ConnectionError('Connection closed by peer')
        if self._writable is not None:
            await self._writable

    def connection_made(self, transport):
        raise RuntimeError('Invalid state: connection should have been established already.')

    def connection_lost(self, exc):
        if self._writable is not None:
            self._writable.set_exception(ConnectionError('Connection is closed by peer') if exc is None else exc)
        self._proto.connection_lost(exc)

    def pause_writing(self):
        if self._writable is None:
            self._writable = self._transport._loop.create_future()

    def resume_writing(self):
        if self._writable is not None:
            self._writable.set_result(False)
            self._writable = None

    def data_received(self, data):
        raise RuntimeError('Invalid state: reading should be paused')

    def eof_received(self):
        raise RuntimeError('Invalid state: reading should be paused')

    async def restore(self):
        self._transport.set_protocol(self._proto)
        if self._resume_reading:
            self._transport.resume_reading()
        if self._writable is not None:
            self._writable.cancel()              # nobody will tell the stand-in any more
        if self._resume_writing:
            self._proto.resume_writing()


def _seen_by_caller(handle):
    """A Handle whose traceback of debug mode ends where the program called the loop, one level up."""
    if handle._source_traceback:
        handle._source_traceback.pop()
    return handle


class Server(events.AbstractServer):
    """Listening sockets and the connections that came of them."""

    _when_closed = None             # called when nobody listens any more

    def __init__(self, loop, sockets, protocol_factory, ssl_context, backlog, ssl_handshake_timeout, ssl_shutdown_timeout=None):
        self._loop = loop
        self._sockets = sockets                  # None: closed
        self._active_count = 0                   # connections
        self._clients = _WeakObjects()           # their transports, as far as they are known
        self._waiters = []                       # None: the last connection has gone too
        self._backlog, self._protocol_factory, self._ssl_context = backlog, protocol_factory, ssl_context
        self._ssl_handshake_timeout, self._ssl_shutdown_timeout = ssl_handshake_timeout, ssl_shutdown_timeout
        self._serving_forever_fut = None         # serve_forever() waits for it
        self._serving = False

    def __repr__(self):
        return f'<{type(self).__name__} sockets={self.sockets!r}>'

    def _attach(self, transport=None):
        assert self._sockets is not None
        self._active_count += 1
        if transport is not None:
            self._clients.add(transport)

    def _detach(self):
        left = self._active_count = self._active_count - 1
        assert left >= 0
        if not left and self._sockets is None:
            self._wakeup()

    def _wakeup(self):
        """The last connection of a closed server is gone."""
        waiters, self._waiters = self._waiters, None
        for waiter in waiters or ():
            if not waiter.done():
                waiter.set_result(None)

    def _start_serving(self):
        if not self._serving:
            self._serving, limits = True, (self._ssl_handshake_timeout, self._ssl_shutdown_timeout)
            for sock in self._sockets:
                sock.listen(self._backlog)
                self._loop._start_serving(self._protocol_factory, sock, self._ssl_context, self, self._backlog, *limits)

    def is_serving(self):
        return self._serving

    def get_loop(self):
        return self._loop

    @property
    def sockets(self):
        """The listening sockets; none once the server is closed."""
        return () if self._sockets is None else tuple(trsock.TransportSocket(sock) for sock in self._sockets)

    def close(self):
        sockets, self._sockets = self._sockets, None
        if sockets is None:
            return
        for sock in sockets:
            self._loop._stop_serving(sock)
        if self._when_closed is not None:
            self._when_closed()
        self._serving = False
        forever = self._serving_forever_fut
        if forever is not None and not forever.done():
            self._serving_forever_fut = None
            forever.cancel()
        if not self._active_count:
            self._wakeup()

    def _client_transports(self):
        """Transports of the connections: those that said who they are, and those that the loop knows."""
        found = list(self._clients)
        known = getattr(self._loop, '_transports', None)
        if known is not None:
            found += [t for t in list(known.values()) if getattr(t, '_server', None) is self and t not in self._clients]
        return found

    def close_clients(self):
        for transport in self._client_transports():
            transport.close()

    def abort_clients(self):
        for transport in self._client_transports():
            transport.abort()

    async def start_serving(self):
        self._start_serving()
        await tasks.sleep(0)                     # a turn of the loop, so that the sockets are being watched

    async def serve_forever(self):
        if self._serving_forever_fut is not None:
            raise RuntimeError(f'server {self!r} is already being awaited on serve_forever()')
        if self._sockets is None:
            raise RuntimeError(f'server {self!r} is closed')
        self._start_serving()
        forever = self._serving_forever_fut = self._loop.create_future()
        try:
            await forever
        except exceptions.CancelledError as cancelled:
            self.close()
            try:
                await self.wait_closed()
            finally:
                raise cancelled                  # whatever the end brings
        finally:
            self._serving_forever_fut = None

    async def wait_closed(self):
        if self._sockets is not None and self._waiters is not None:
            end = self._loop.create_future()
            self._waiters.append(end)
            await end


class BaseEventLoop(events.AbstractEventLoop):
    """Base class of event loops."""

    def __init__(self):
        self._timer_cancelled_count = 0          # cancelled timers in _scheduled
        self._closed = False
        self._stopping = False
        self._ready = deque()
        self._scheduled = []                     # a heap of TimerHandles
        self._thread_id = None                   # of the thread in which it runs
        self._clock_resolution = time.get_clock_info('monotonic').resolution
        self._debug = False
        self._current_handle = None              # debug mode: the Handle that is being run
        self._task_factory = None
        self.slow_callback_duration = 0.1        # seconds; debug mode reports callbacks that take longer
        self._coroutine_origin_tracking_enabled = False
        self._coroutine_origin_tracking_saved_depth = None
        self._init_services()
        self.set_debug(coroutines._is_debug_mode())

    def _init_services(self):
        """What every loop has, native or not."""
        self._default_executor = None
        self._executor_shutdown_called = False
        self._internal_fds = 0
        self._exception_handler = None
        self._asyncgens = _WeakObjects()         # that are being iterated
        self._asyncgens_shutdown_called = False

    def __repr__(self):
        return f'<{type(self).__name__} running={self.is_running()} closed={self.is_closed()} debug={self.get_debug()}>'

    # ---- futures and tasks ----

    def create_future(self):
        """A Future of this loop."""
        return futures.Future(loop=self)

    def create_task(self, coro, *, name=None, context=None, **kwargs):
        """Run a coroutine; returns its Task. Other arguments go to the task's class or factory."""
        self._check_closed()
        if self._task_factory is None:
            task = tasks.Task(coro, loop=self, name=name, context=context, **kwargs)
            if task._source_traceback:
                del task._source_traceback[-1]
            return task
        if context is not None:
            kwargs['context'] = context
        task = self._task_factory(self, coro, **kwargs)
        tasks._set_task_name(task, name)
        return task

    def set_task_factory(self, factory):
        """Have factory(loop, coro, **kwargs) make the tasks; None: asyncio.Task does."""
        if not (factory is None or callable(factory)):
            raise TypeError('task factory must be a callable or None')
        self._task_factory = factory

    def get_task_factory(self):
        """The task factory, or None."""
        return self._task_factory

    # ---- hooks of a particular loop ----

    def _make_socket_transport(self, sock, protocol, waiter=None, *, extra=None, server=None):
        raise NotImplementedError

    def _make_ssl_transport(self, rawsock, protocol, sslcontext, waiter=None, *, server_side=False, server_hostname=None, extra=None,
                            server=None, ssl_handshake_timeout=None, ssl_shutdown_timeout=None, call_connection_made=True):
        raise NotImplementedError

    def _make_datagram_transport(self, sock, protocol, address=None, waiter=None, extra=None):
        raise NotImplementedError

    def _make_read_pipe_transport(self, pipe, protocol, waiter=None, extra=None):
        raise NotImplementedError

    def _make_write_pipe_transport(self, pipe, protocol, waiter=None, extra=None):
        raise NotImplementedError

    async def _make_subprocess_transport(self, protocol, args, shell, stdin, stdout, stderr, bufsize, extra=None, **kwargs):
        raise NotImplementedError

    def _write_to_self(self):
        """Wake the loop up; called by other threads and by signal handlers."""
        raise NotImplementedError

    def _process_events(self, event_list):
        """Schedule what the events of the selector ask for."""
        raise NotImplementedError

    # ---- asynchronous generators ----

    def _asyncgen_finalizer_hook(self, agen):
        """The last reference to a generator that is open is gone; perhaps in another thread."""
        if not self.is_closed():
            self.call_soon_threadsafe(self.create_task, agen.aclose())
        self._asyncgens.discard(agen)

    def _asyncgen_firstiter_hook(self, agen):
        """A generator is asked for its first item."""
        if self._asyncgens_shutdown_called:
            warnings.warn(f'asynchronous generator {agen!r} was scheduled after loop.shutdown_asyncgens() call', ResourceWarning,
                          source=self)
        self._asyncgens.add(agen)

    async def shutdown_asyncgens(self):
        """Close the asynchronous generators that are still open."""
        self._asyncgens_shutdown_called = True
        mode = getattr(sys, 'get_asyncgen_mode', None)
        if mode is not None and mode() != 'compat':
            from .generators import close_open
            self._asyncgens.clear()
            await close_open(self)
            return
        generators = list(self._asyncgens)
        self._asyncgens.clear()
        if not generators:
            return
        results = await tasks.gather(*[agen.aclose() for agen in generators], return_exceptions=True)
        for agen, result in zip(generators, results):
            if isinstance(result, Exception):
                self.call_exception_handler({
                    'message': f'an error occurred during closing of asynchronous generator {agen!r}', 'exception': result,
                    'asyncgen': agen})

    # ---- running ----

    def _check_closed(self):
        if self._closed:
            raise RuntimeError('Event loop is closed')

    def _check_running(self):
        problem = ('This event loop is already running' if self.is_running() else
                   'Cannot run the event loop while another loop is running' if events._get_running_loop() is not None else None)
        if problem:
            raise RuntimeError(problem)

    def _begin_run(self):
        """The interpreter and this thread learn that the loop runs."""
        self._set_coroutine_origin_tracking(self._debug)
        sys.set_asyncgen_hooks(firstiter=self._asyncgen_firstiter_hook, finalizer=self._asyncgen_finalizer_hook)
        self._thread_id = _get_ident()
        events._set_running_loop(self)

    def _end_run(self, hooks):
        events._set_running_loop(None)
        self._thread_id, self._stopping = None, False
        self._set_coroutine_origin_tracking(False)
        sys.set_asyncgen_hooks(*hooks)

    def run_forever(self):
        """Run until stop() is called."""
        self._check_closed()
        self._check_running()
        hooks = sys.get_asyncgen_hooks()
        try:
            self._begin_run()
            self._run_once()
            while not self._stopping:
                self._run_once()
        finally:
            self._end_run(hooks)

    def run_until_complete(self, future):
        """Run until a future or coroutine is done; return its result or raise its exception."""
        self._check_closed()
        self._check_running()
        ours = not futures.isfuture(future)
        future = tasks.ensure_future(future, loop=self)
        if ours:
            future._log_destroy_pending = False  # an exception of the loop itself says enough
        future.add_done_callback(_run_until_complete_cb)
        try:
            self.run_forever()
        except:
            if ours and future.done() and not future.cancelled():
                future.exception()               # it counts as seen: SystemExit came this way
            raise
        finally:
            future.remove_done_callback(_run_until_complete_cb)
        if future.done():
            return future.result()
        raise RuntimeError('Event loop stopped before Future completed.')

    def stop(self):
        """End run_forever() after the present round of callbacks."""
        self._stopping = True

    def close(self):
        """Drop what is scheduled; the executor is told to stop, but not waited for. Closing again does nothing."""
        if self.is_running():
            raise RuntimeError('Cannot close a running event loop')
        if self._closed:
            return
        if self._debug:
            logger.debug('Close %r', self)
        self._closed = True
        self._ready.clear()
        self._scheduled.clear()
        self._executor_shutdown_called = True
        executor, self._default_executor = self._default_executor, None
        if executor is not None:
            executor.shutdown(wait=False)

    def is_closed(self):
        """Has close() been called?"""
        return self._closed

    def __del__(self, _warn=_warn):              # at the program's end modules may be empty already
        if not self.is_closed():
            _warn(f'unclosed event loop {self!r}', ResourceWarning, source=self)
            if not self.is_running():
                self.close()

    def is_running(self):
        """Is the loop running?"""
        return self._thread_id is not None

    # ---- callbacks ----

    def time(self):
        """The loop's clock, in seconds; where it begins means nothing."""
        return time.monotonic()

    def call_later(self, delay, callback, *args, context=None):
        """Call callback(*args) after `delay` seconds; returns a TimerHandle. Those due at the same time come in any order."""
        if delay is None:
            raise TypeError('delay must not be None')
        return _seen_by_caller(self.call_at(self.time() + delay, callback, *args, context=context))

    def call_at(self, when, callback, *args, context=None):
        """As call_later(), at a time of the loop's clock."""
        if when is None:
            raise TypeError('when cannot be None')
        self._check_call(callback, 'call_at')
        timer = _seen_by_caller(events.TimerHandle(when, callback, args, self, context))
        timer._scheduled = True
        _heappush(self._scheduled, timer)
        return timer

    def call_soon(self, callback, *args, context=None):
        """Call callback(*args) at the next opportunity; returns a Handle. First come, first served."""
        self._check_call(callback, 'call_soon')
        return _seen_by_caller(self._call_soon(callback, args, context))

    def _check_call(self, callback, method, any_thread=False):
        self._check_closed()
        if self._debug:
            if not any_thread:
                self._check_thread()
            self._check_callback(callback, method)

    def _check_callback(self, callback, method):
        if coroutines.iscoroutine(callback) or coroutines.iscoroutinefunction(callback):
            raise TypeError(f'coroutines cannot be used with {method}()')
        if not callable(callback):
            raise TypeError(f'a callable object was expected by {method}(), got {callback!r}')

    def _call_soon(self, callback, args, context):
        self._ready.append(_seen_by_caller(events.Handle(callback, args, self, context)))
        return self._ready[-1]

    def _check_thread(self):
        if self._thread_id is not None and self._thread_id != _get_ident():
            raise RuntimeError('Non-thread-safe operation invoked on an event loop other than the current one')

    def call_soon_threadsafe(self, callback, *args, context=None):
        """As call_soon(), from any thread."""
        self._check_call(callback, 'call_soon_threadsafe', any_thread=True)
        handle = _seen_by_caller(self._call_soon(callback, args, context))
        self._write_to_self()
        return handle

    # ---- executors ----

    def run_in_executor(self, executor, func, *args):
        """Call a function in an executor, by default one of threads; returns a future."""
        self._check_closed()
        if self.get_debug():
            self._check_callback(func, 'run_in_executor')
        if executor is None:
            self._check_default_executor()
            executor = self._default_executor
            if executor is None:
                executor = self._default_executor = concurrent.futures.ThreadPoolExecutor(thread_name_prefix='asyncio')
        return futures.wrap_future(executor.submit(func, *args), loop=self)

    def _check_default_executor(self):
        if self._executor_shutdown_called:
            raise RuntimeError('Executor shutdown has been called')

    def set_default_executor(self, executor):
        """The executor, of threads, that run_in_executor(None, ...) uses."""
        if not isinstance(executor, concurrent.futures.ThreadPoolExecutor):
            raise TypeError('executor must be ThreadPoolExecutor instance')
        self._default_executor = executor

    async def shutdown_default_executor(self, timeout=None):
        """Wait for the default executor's threads to end, for `timeout` seconds at most; then warn and go on."""
        self._executor_shutdown_called = True
        if self._default_executor is None:
            return
        future = self.create_future()
        (thread := threading.Thread(target=self._do_shutdown, args=(future,))).start()
        if timeout is None:
            try:
                await future
            finally:
                thread.join()
            return
        from .timeouts import timeout as limit
        try:
            async with limit(timeout):
                await future
        except exceptions.TimeoutError:
            warnings.warn(f'The executor did not finishing joining its threads within {timeout} seconds.', RuntimeWarning, stacklevel=2)
            self._default_executor.shutdown(wait=False)
        else:
            thread.join()

    def _do_shutdown(self, future):
        """In a thread: wait for the executor and report to the loop."""
        try:
            self._default_executor.shutdown(wait=True)
            report = futures._set_result_unless_cancelled, future, None
        except Exception as exc:
            report = future.set_exception, exc
        if not self.is_closed():
            self.call_soon_threadsafe(*report)

    # ---- names and addresses ----

    def _getaddrinfo_debug(self, host, port, family, type, proto, flags):
        what = [f'{host}:{port!r}']
        what += [f'{name}={value!r}' for name, value in (('family', family), ('type', type), ('proto', proto), ('flags', flags)) if value]
        what = ', '.join(what)
        logger.debug('Get address info %s', what)
        start = self.time()
        infos = socket.getaddrinfo(host, port, family, type, proto, flags)
        duration = self.time() - start
        text = f'Getting address info {what} took {duration * 1e3:.3f}ms: {infos!r}'
        (logger.info if duration >= self.slow_callback_duration else logger.debug)(text)
        return infos

    async def getaddrinfo(self, host, port, *, family=0, type=0, proto=0, flags=0):
        """socket.getaddrinfo() in a thread."""
        ask = self._getaddrinfo_debug if self.get_debug() else socket.getaddrinfo
        return await self.run_in_executor(None, ask, host, port, family, type, proto, flags)

    async def getnameinfo(self, sockaddr, flags=0):
        """socket.getnameinfo() in a thread."""
        return await self.run_in_executor(None, socket.getnameinfo, sockaddr, flags)

    async def _ensure_resolved(self, address, *, family=0, type=_STREAM, proto=0, flags=0, loop):
        host, port = address[:2]
        info = _ipaddr_info(host, port, family, type, proto, *address[2:])
        if info is not None:
            return [info]
        return await loop.getaddrinfo(host, port, family=family, type=type, proto=proto, flags=flags)

    async def _resolve_some(self, address, **how):
        infos = await self._ensure_resolved(address, loop=self, **how)
        if not infos:
            raise OSError('getaddrinfo() returned empty list')
        return infos

    # ---- sending files ----

    async def sock_sendfile(self, sock, file, offset=0, count=None, *, fallback=True):
        """Send a file over a socket, by the system's sendfile() where that works; returns how many bytes were sent."""
        if self.get_debug() and sock.gettimeout() != 0:
            raise ValueError('the socket must be non-blocking')
        _check_ssl_socket(sock)
        self._check_sendfile_params(sock, file, offset, count)
        try:
            return await self._sock_sendfile_native(sock, file, offset, count)
        except exceptions.SendfileNotAvailableError:
            if not fallback:
                raise
        return await self._sock_sendfile_fallback(sock, file, offset, count)

    async def _sock_sendfile_native(self, sock, file, offset, count):
        raise exceptions.SendfileNotAvailableError(
            f'syscall sendfile is not available for socket {sock!r} and file {file!r} combination')

    async def _send_blocks(self, send, file, offset, count, size):
        """Read blocks in a thread and have each sent. The file's position ends up behind what was sent."""
        if hasattr(file, 'seek') and (offset or size != 16384):
            file.seek(offset)
        buffer, sent = bytearray(min(count, size) if count else size), 0
        try:
            while True:
                view = memoryview(buffer)
                if count:
                    if sent >= count:
                        return sent
                    view = view[:count - sent]
                read = await self.run_in_executor(None, file.readinto, view)
                if not read:
                    return sent
                await send(view[:read])
                sent += read
        finally:
            if sent and hasattr(file, 'seek'):
                file.seek(offset + sent)

    async def _sock_sendfile_fallback(self, sock, file, offset, count):
        return await self._send_blocks(partial(self.sock_sendall, sock), file, offset, count, constants.SENDFILE_FALLBACK_READBUFFER_SIZE)

    def _check_sendfile_params(self, sock, file, offset, count):
        if 'b' not in getattr(file, 'mode', 'b'):
            raise ValueError('file should be opened in binary mode')
        if not sock.type == socket.SOCK_STREAM:
            raise ValueError('only SOCK_STREAM type sockets are supported')
        if count is not None:
            if not isinstance(count, int):
                raise TypeError(f'count must be a positive integer (got {count!r})')
            if count <= 0:
                raise ValueError(f'count must be a positive integer (got {count!r})')
        if not isinstance(offset, int):
            raise TypeError(f'offset must be a non-negative integer (got {offset!r})')
        if offset < 0:
            raise ValueError(f'offset must be a non-negative integer (got {offset!r})')

    async def sendfile(self, transport, file, offset=0, count=None, *, fallback=True):
        """Send a file over a transport, by the system's sendfile() where that works; returns how many bytes were sent.

        The protocol hears nothing meanwhile. If there is an exception, file.tell() says how much was sent.
        """
        if transport.is_closing():
            raise RuntimeError('Transport is closing')
        modes = constants._SendfileMode
        mode = getattr(transport, '_sendfile_compatible', modes.UNSUPPORTED)
        if mode is modes.UNSUPPORTED:
            raise RuntimeError(f'sendfile is not supported for transport {transport!r}')
        if mode is modes.TRY_NATIVE:
            try:
                return await self._sendfile_native(transport, file, offset, count)
            except exceptions.SendfileNotAvailableError:
                if not fallback:
                    raise
        if not fallback:
            raise RuntimeError(f'fallback is disabled and native sendfile is not supported for transport {transport!r}')
        return await self._sendfile_fallback(transport, file, offset, count)

    async def _sendfile_native(self, transp, file, offset, count):
        raise exceptions.SendfileNotAvailableError('sendfile syscall is not supported')

    async def _sendfile_fallback(self, transp, file, offset, count):
        proto = _SendfileFallbackProtocol(transp)

        async def send(data):
            await proto.drain()
            transp.write(data)

        try:
            return await self._send_blocks(send, file, offset, count, 16384)
        finally:
            await proto.restore()

    # ---- connections ----

    def _bind_local(self, sock, infos, problems):
        """Bind a socket to the first local address of its family that is possible."""
        for family, _, _, _, address in infos:
            if family != sock.family:
                continue
            try:
                sock.bind(address)
                return
            except OSError as exc:
                problems.append(OSError(exc.errno, f'error while attempting to bind on address {address!r}: {exc.strerror.lower()}'))
        if problems:
            raise problems.pop()
        raise OSError(f'no matching local address with family={sock.family!r} found')

    async def _connect_sock(self, exceptions, addr_info, local_addr_infos=None):
        """A connected socket for one address; what went wrong is added to `exceptions` as a list."""
        problems = []
        exceptions.append(problems)
        family, kind, proto, _, address = addr_info
        sock = None
        try:
            try:
                sock = socket.socket(family=family, type=kind, proto=proto)
                sock.setblocking(False)
                if local_addr_infos is not None:
                    self._bind_local(sock, local_addr_infos, problems)
                await self.sock_connect(sock, address)
                return sock
            except OSError as exc:
                problems.append(exc)
                raise
        except:
            if sock is not None:
                sock.close()
            raise
        finally:
            exceptions = problems = None         # exceptions refer to this frame: no cycle

    async def _connect_any(self, host, port, family, proto, flags, local_addr, happy_eyeballs_delay, interleave, all_errors):
        """A socket connected to one of the addresses that a name has."""
        how = {'family': family, 'type': socket.SOCK_STREAM, 'proto': proto, 'flags': flags}
        infos = await self._resolve_some((host, port), **how)
        local_infos = await self._resolve_some(local_addr, **how) if local_addr is not None else None
        if interleave:
            infos = _interleave_addrinfos(infos, interleave)
        failures, sock = [], None
        if happy_eyeballs_delay is None:
            for info in infos:
                try:
                    sock = await self._connect_sock(failures, info, local_infos)
                    break
                except OSError:
                    continue
        else:
            attempts = (partial(self._connect_sock, failures, info, local_infos) for info in infos)
            sock, _, _ = await staggered.staggered_race(attempts, happy_eyeballs_delay, loop=self)
        if sock is not None:
            return sock
        failures = [exc for problems in failures for exc in problems]
        try:
            if all_errors:
                raise ExceptionGroup('create_connection failed', failures)
            if len({str(exc) for exc in failures}) == 1:
                raise failures[0]
            raise OSError('Multiple exceptions: {}'.format(', '.join(map(str, failures))))
        finally:
            failures = None

    async def create_connection(self, protocol_factory, host=None, port=None, *, ssl=None, family=0, proto=0, flags=0, sock=None,
                                local_addr=None, server_hostname=None, ssl_handshake_timeout=None, ssl_shutdown_timeout=None,
                                happy_eyeballs_delay=None, interleave=None, all_errors=False):
        """Connect to a TCP server, or take a connected stream socket; returns (transport, protocol).

        happy_eyeballs_delay: seconds before the next address is tried while an attempt is still under way (RFC 8305).
        all_errors: where no address can be connected to, raise an ExceptionGroup of the errors instead of one OSError.
        """
        if server_hostname is None:
            server_hostname = host if ssl else None
            if ssl and not host:
                raise ValueError('You must set server_hostname when using ssl without a host')
        elif not ssl:
            raise ValueError('server_hostname is only meaningful with ssl')
        _check_tls_limits(ssl, ssl_handshake_timeout=ssl_handshake_timeout, ssl_shutdown_timeout=ssl_shutdown_timeout)
        if _wants_address(sock, host, port):
            if interleave is None:
                interleave = 0 if happy_eyeballs_delay is None else 1
            sock = await self._connect_any(host, port, family, proto, flags, local_addr, happy_eyeballs_delay, interleave, all_errors)
        elif sock is None:
            raise ValueError('host and port was not specified and no sock specified')
        else:
            _check_stream(sock)
        transport, protocol = await self._create_connection_transport(
            sock, protocol_factory, ssl, server_hostname, ssl_handshake_timeout=ssl_handshake_timeout,
            ssl_shutdown_timeout=ssl_shutdown_timeout)
        if self.get_debug():
            sock = transport.get_extra_info('socket')
            logger.debug('%r connected to %s:%r: (%r, %r)', sock, host, port, transport, protocol)
        return transport, protocol

    async def _create_connection_transport(self, sock, protocol_factory, ssl, server_hostname, server_side=False,
                                           ssl_handshake_timeout=None, ssl_shutdown_timeout=None):
        sock.setblocking(False)
        protocol = protocol_factory()
        waiter = self.create_future()
        if ssl:
            transport = self._make_ssl_transport(
                sock, protocol, None if isinstance(ssl, bool) else ssl, waiter, server_side=server_side, server_hostname=server_hostname,
                ssl_handshake_timeout=ssl_handshake_timeout, ssl_shutdown_timeout=ssl_shutdown_timeout)
        else:
            transport = self._make_socket_transport(sock, protocol, waiter)
        return await self._made(transport, protocol, waiter)

    async def _made(self, transport, protocol, waiter):
        try:
            await waiter
        except:
            transport.close()
            raise
        return transport, protocol

    async def start_tls(self, transport, protocol, sslcontext, *, server_side=False, server_hostname=None, ssl_handshake_timeout=None,
                        ssl_shutdown_timeout=None):
        """Go over to TLS on a connection that is there; returns the new transport, which the program uses from then on."""
        if ssl is None:
            raise RuntimeError('Python ssl module is not available')
        if not isinstance(sslcontext, ssl.SSLContext):
            raise TypeError(f'sslcontext is expected to be an instance of ssl.SSLContext, got {sslcontext!r}')
        if not getattr(transport, '_start_tls_compatible', False):
            raise TypeError(f'transport {transport!r} is not supported by start_tls()')
        waiter = self.create_future()
        tls = sslproto.SSLProtocol(self, protocol, sslcontext, waiter, server_side, server_hostname,
                                   ssl_handshake_timeout=ssl_handshake_timeout, ssl_shutdown_timeout=ssl_shutdown_timeout,
                                   call_connection_made=False)
        transport.pause_reading()                # nothing may come in before the protocols have changed
        transport.set_protocol(tls)
        steps = self.call_soon(tls.connection_made, transport), self.call_soon(transport.resume_reading)
        try:
            await waiter
        except BaseException:
            transport.close()
            for step in steps:
                step.cancel()
            raise
        return tls._app_transport

    # ---- datagrams ----

    async def _datagram_addresses(self, local_addr, remote_addr, family, proto, flags):
        """((family, proto), (local address, remote address)) for each way in which the endpoint can be made."""
        if not (local_addr or remote_addr):
            if family == 0:
                raise ValueError('unexpected address family')
            return [((family, proto), (None, None))]
        if hasattr(socket, 'AF_UNIX') and family == socket.AF_UNIX:
            for address in (local_addr, remote_addr):
                if address is not None and not isinstance(address, str):
                    raise TypeError('string is expected')
            if local_addr and local_addr[0] not in (0, '\x00'):
                self._remove_stale_socket(local_addr)
            return [((family, proto), (local_addr, remote_addr))]
        pairs = {}
        for index, address in enumerate((local_addr, remote_addr)):
            if address is None:
                continue
            if not (isinstance(address, tuple) and len(address) == 2):
                raise TypeError('2-tuple is expected')
            for info in await self._resolve_some(address, family=family, type=socket.SOCK_DGRAM, proto=proto, flags=flags):
                pairs.setdefault((info[0], info[2]), [None, None])[index] = info[4]
        possible = [(key, pair) for key, pair in pairs.items()
                    if not (local_addr and pair[0] is None) and not (remote_addr and pair[1] is None)]
        if not possible:
            raise ValueError('can not get address information')
        return possible

    def _remove_stale_socket(self, path):
        try:
            if stat.S_ISSOCK(os.stat(path).st_mode):
                os.remove(path)
        except FileNotFoundError:
            pass
        except OSError as exc:
            logger.error('Unable to check or remove stale UNIX socket %r: %r', path, exc)

    async def _datagram_socket(self, family, proto, local, remote, reuse_port, allow_broadcast):
        sock = None
        try:
            sock = socket.socket(family=family, type=socket.SOCK_DGRAM, proto=proto)
            if reuse_port:
                _set_reuseport(sock)
            if allow_broadcast:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
            sock.setblocking(False)
            if local:
                sock.bind(local)
            if remote and not allow_broadcast:
                await self.sock_connect(sock, remote)
            return sock
        except:
            if sock is not None:
                sock.close()
            raise

    async def create_datagram_endpoint(self, protocol_factory, local_addr=None, remote_addr=None, *, family=0, proto=0, flags=0,
                                       reuse_port=None, allow_broadcast=None, sock=None):
        """Make a socket for datagrams; returns (transport, protocol)."""
        remote = None
        if sock is not None:
            if sock.type == socket.SOCK_STREAM:
                raise ValueError(f'A UDP Socket was expected, got {sock!r}')
            extras = dict(local_addr=local_addr, remote_addr=remote_addr, family=family, proto=proto, flags=flags, reuse_port=reuse_port,
                          allow_broadcast=allow_broadcast)
            problems = ', '.join(f'{name}={value}' for name, value in extras.items() if value)
            if problems:
                raise ValueError(f'socket modifier keyword arguments can not be used when sock is specified. ({problems})')
            sock.setblocking(False)
        else:
            failures = []
            for (family, proto), (local, remote) in await self._datagram_addresses(local_addr, remote_addr, family, proto, flags):
                try:
                    sock = await self._datagram_socket(family, proto, local, remote, reuse_port, allow_broadcast)
                    break
                except OSError as exc:
                    failures.append(exc)
            else:
                raise failures[0]
        protocol = protocol_factory()
        waiter = self.create_future()
        transport = self._make_datagram_transport(sock, protocol, remote, waiter)
        if self.get_debug():
            if local_addr:
                logger.info('Datagram endpoint local_addr=%r remote_addr=%r created: (%r, %r)', local_addr, remote_addr, transport, protocol)
            else:
                logger.debug('Datagram endpoint remote_addr=%r created: (%r, %r)', remote_addr, transport, protocol)
        return await self._made(transport, protocol, waiter)

    # ---- servers ----

    async def _create_server_getaddrinfo(self, host, port, family, flags):
        infos = await self._ensure_resolved((host, port), family=family, type=socket.SOCK_STREAM, flags=flags, loop=self)
        if not infos:
            raise OSError(f'getaddrinfo({host!r}) returned empty list')
        return infos

    def _listening_socket(self, info, reuse_address, reuse_port, keep_alive, opened):
        """A socket bound to an address, added to `opened`; nothing if the system does not know such sockets."""
        family, kind, proto, _, address = info
        try:
            sock = socket.socket(family, kind, proto)
        except socket.error:
            if self.get_debug():
                logger.warning('create_server() failed to create socket.socket(%r, %r, %r)', family, kind, proto, exc_info=True)
            return
        opened.append(sock)
        if reuse_address:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, True)
        if reuse_port:
            _set_reuseport(sock)
        if keep_alive:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, True)
        if _HAS_IPv6 and family == socket.AF_INET6 and hasattr(socket, 'IPPROTO_IPV6'):
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, True)    # IPv4 has a socket of its own
        try:
            sock.bind(address)
        except OSError as exc:
            raise OSError(exc.errno, f'error while attempting to bind on address {address!r}: {exc.strerror.lower()}') from None

    async def create_server(self, protocol_factory, host=None, port=None, *, family=0, flags=1, sock=None, backlog=100, ssl=None,
                            reuse_address=None, reuse_port=None, keep_alive=None, ssl_handshake_timeout=None, ssl_shutdown_timeout=None,
                            start_serving=True):
        """Listen on TCP addresses, or on a socket that is bound; returns a Server.

        `host` may be a sequence of names. None or '' stands for all interfaces, and port 0 for any free port.
        keep_alive: connections that stay silent are asked whether the peer is still there.
        """
        if isinstance(ssl, bool):
            raise TypeError('ssl argument must be an SSLContext or None')
        _check_tls_limits(ssl is not None, ssl_handshake_timeout=ssl_handshake_timeout, ssl_shutdown_timeout=ssl_shutdown_timeout)
        if _wants_address(sock, host, port):
            if reuse_address is None:
                reuse_address = os.name == 'posix' and sys.platform != 'cygwin'
            sockets = await self._listening_sockets(host, port, family, flags, reuse_address, reuse_port, keep_alive)
        elif sock is None:
            raise ValueError('Neither host/port nor sock were specified')
        else:
            _check_stream(sock)
            sockets = [sock]
        for sock in sockets:
            sock.setblocking(False)
        server = Server(self, sockets, protocol_factory, ssl, backlog, ssl_handshake_timeout, ssl_shutdown_timeout)
        if start_serving:
            await server.start_serving()
        if self.get_debug():
            logger.info('%r is serving', server)
        return server

    async def _listening_sockets(self, host, port, family, flags, reuse_address, reuse_port, keep_alive):
        if host == '':
            hosts = [None]
        elif isinstance(host, str) or not hasattr(type(host), '__iter__'):
            hosts = [host]
        else:
            hosts = host
        answers = await tasks.gather(*[self._create_server_getaddrinfo(name, port, family=family, flags=flags) for name in hosts])
        opened = []
        try:
            for info in dict.fromkeys(info for infos in answers for info in infos):
                self._listening_socket(info, reuse_address, reuse_port, keep_alive, opened)
        except:
            for sock in opened:
                sock.close()
            raise
        return opened

    async def connect_accepted_socket(self, protocol_factory, sock, *, ssl=None, ssl_handshake_timeout=None, ssl_shutdown_timeout=None):
        """Take over a connection that somebody else accepted; returns (transport, protocol)."""
        _check_stream(sock)
        _check_tls_limits(ssl, ssl_handshake_timeout=ssl_handshake_timeout, ssl_shutdown_timeout=ssl_shutdown_timeout)
        _check_ssl_socket(sock)
        transport, protocol = await self._create_connection_transport(
            sock, protocol_factory, ssl, '', server_side=True, ssl_handshake_timeout=ssl_handshake_timeout,
            ssl_shutdown_timeout=ssl_shutdown_timeout)
        if self.get_debug():
            sock = transport.get_extra_info('socket')
            logger.debug('%r handled: (%r, %r)', sock, transport, protocol)
        return transport, protocol

    # ---- pipes and processes ----

    async def connect_read_pipe(self, protocol_factory, pipe):
        """Read from a pipe; returns (transport, protocol)."""
        protocol = protocol_factory()
        waiter = self.create_future()
        result = await self._made(self._make_read_pipe_transport(pipe, protocol, waiter), protocol, waiter)
        if self.get_debug():
            logger.debug('Read pipe %r connected: (%r, %r)', pipe.fileno(), *result)
        return result

    async def connect_write_pipe(self, protocol_factory, pipe):
        """Write to a pipe; returns (transport, protocol)."""
        protocol = protocol_factory()
        waiter = self.create_future()
        result = await self._made(self._make_write_pipe_transport(pipe, protocol, waiter), protocol, waiter)
        if self.get_debug():
            logger.debug('Write pipe %r connected: (%r, %r)', pipe.fileno(), *result)
        return result

    def _log_subprocess(self, msg, stdin, stdout, stderr):
        parts = [msg]
        if stdin is not None:
            parts.append(f'stdin={_format_pipe(stdin)}')
        if stdout is not None and stderr == _STDOUT:
            parts.append(f'stdout=stderr={_format_pipe(stdout)}')
        else:
            parts += [f'{name}={_format_pipe(fd)}' for name, fd in (('stdout', stdout), ('stderr', stderr)) if fd is not None]
        logger.debug(' '.join(parts))

    async def _subprocess(self, protocol_factory, what, args, shell, pipes, bufsize, kwargs):
        protocol = protocol_factory()
        debug = self.get_debug()
        if debug:
            self._log_subprocess(what, *pipes)
        transport = await self._make_subprocess_transport(protocol, args, shell, *pipes, bufsize, **kwargs)
        if debug:
            logger.info('%s: %r', what, transport)
        return transport, protocol

    @staticmethod
    def _check_subprocess(universal_newlines, shell, wants_shell, bufsize, text, encoding, errors):
        checks = (('universal_newlines', bool(universal_newlines), False), ('shell', bool(shell), wants_shell), ('bufsize', bufsize, 0),
                  ('text', bool(text), False), ('encoding', encoding, None), ('errors', errors, None))
        for name, value, wanted in checks:
            if value != wanted:
                raise ValueError(f'{name} must be {wanted}')

    async def subprocess_shell(self, protocol_factory, cmd, *, stdin=_PIPE, stdout=_PIPE, stderr=_PIPE, universal_newlines=False,
                               shell=True, bufsize=0, encoding=None, errors=None, text=None, **kwargs):
        """Run a command of the shell; returns (transport, protocol)."""
        if not isinstance(cmd, (bytes, str)):
            raise ValueError('cmd must be a string')
        self._check_subprocess(universal_newlines, shell, True, bufsize, text, encoding, errors)
        return await self._subprocess(protocol_factory, 'run shell command %r' % cmd, cmd, True, (stdin, stdout, stderr), bufsize, kwargs)

    async def subprocess_exec(self, protocol_factory, program, *args, stdin=_PIPE, stdout=_PIPE, stderr=_PIPE, universal_newlines=False,
                              shell=False, bufsize=0, encoding=None, errors=None, text=None, **kwargs):
        """Run a program; returns (transport, protocol)."""
        self._check_subprocess(universal_newlines, shell, False, bufsize, text, encoding, errors)
        return await self._subprocess(protocol_factory, f'execute program {program!r}', (program, *args), False, (stdin, stdout, stderr),
                                      bufsize, kwargs)

    # ---- errors that nobody can be told ----

    def get_exception_handler(self):
        """The exception handler; None: default_exception_handler() is used."""
        return self._exception_handler

    def set_exception_handler(self, handler):
        """Have handler(loop, context) called with errors that nobody else hears of; None: default_exception_handler()."""
        if handler is not None and not callable(handler):
            raise TypeError(f'A callable object or None is expected, got {handler!r}')
        self._exception_handler = handler

    def default_exception_handler(self, context):
        """Log the error. `context` has a 'message' and perhaps 'exception', 'future', 'task', 'handle', 'protocol', 'transport' and more."""
        exception = context.get('exception')
        exc_info = (type(exception), exception, exception.__traceback__) if exception is not None else False
        current = self._current_handle
        if 'source_traceback' not in context and current is not None and current._source_traceback:
            context['handle_traceback'] = current._source_traceback
        lines = [context.get('message') or 'Unhandled exception in event loop']
        created = {'source_traceback': 'Object', 'handle_traceback': 'Handle'}
        for key in sorted(context):
            if key in ('message', 'exception'):
                continue
            value = context[key]
            if key in created:
                stack = ''.join(traceback.format_list(value)).rstrip()
                value = f'{created[key]} created at (most recent call last):\n{stack}'
            else:
                value = repr(value)
            lines.append(f'{key}: {value}')
        logger.error('\n'.join(lines), exc_info=exc_info)

    def _report_by_default(self, context, complaint):
        try:
            self.default_exception_handler(context)
        except (SystemExit, KeyboardInterrupt):
            raise
        except BaseException:                    # it may be a subclass's
            logger.error(complaint, exc_info=True)

    def call_exception_handler(self, context):
        """Report an error that nobody can be told, by the exception handler. The error's context variables are those of who caused it."""
        handler = self._exception_handler
        if handler is None:
            self._report_by_default(context, 'Exception in default exception handler')
            return
        try:
            cause = context.get('task') or context.get('future') or context.get('handle')
            where = cause.get_context() if cause is not None and hasattr(cause, 'get_context') else None
            if where is not None and hasattr(where, 'run'):
                try:
                    where.copy().run(handler, self, context)
                finally:
                    cause = where = None
            else:
                handler(self, context)
        except (SystemExit, KeyboardInterrupt):
            raise
        except BaseException as exc:
            self._report_by_default({'message': 'Unhandled error in exception handler', 'exception': exc, 'context': context},
                                    'Exception in default exception handler while handling an unexpected error in custom exception handler')

    # ---- the turn of a loop in Python ----

    def _add_callback(self, handle):
        """Put a Handle in the queue."""
        if not handle._cancelled:
            self._ready.append(handle)

    def _add_callback_signalsafe(self, handle):
        """As _add_callback(), from a signal handler."""
        self._add_callback(handle)
        self._write_to_self()

    def _timer_handle_cancelled(self, handle):
        if handle._scheduled:
            self._timer_cancelled_count += 1

    def _drop_cancelled_timers(self):
        """Take cancelled timers out of the heap: those at its top, or all of them when they are too many."""
        timers = self._scheduled
        if (len(timers) > _MIN_SCHEDULED_TIMER_HANDLES and
                self._timer_cancelled_count / len(timers) > _MIN_CANCELLED_TIMER_HANDLES_FRACTION):
            keep = []
            for timer in timers:
                if timer._cancelled:
                    timer._scheduled = False
                else:
                    keep.append(timer)
            _heapify(keep)
            self._scheduled = keep
            self._timer_cancelled_count = 0
            return
        while timers and timers[0]._cancelled:
            self._timer_cancelled_count -= 1
            _heappop(timers)._scheduled = False

    def _run_once(self):
        """Wait for events as long as there is nothing to do, then call what is due."""
        self._drop_cancelled_timers()
        timeout = None
        if self._ready or self._stopping:
            timeout = 0
        elif self._scheduled:
            timeout = min(max(0, self._scheduled[0]._when - self.time()), MAXIMUM_SELECT_TIMEOUT)
        happened = self._selector.select(timeout)
        self._process_events(happened)
        happened = None                          # it may hold what a callback drops
        due = self.time() + self._clock_resolution
        while self._scheduled and self._scheduled[0]._when < due:
            timer = _heappop(self._scheduled)
            timer._scheduled = False
            self._ready.append(timer)
        # What the callbacks add is for the next turn.
        for _ in range(len(self._ready)):
            handle = self._ready.popleft()
            if not handle._cancelled:
                if self._debug:
                    self._run_watched(handle)
                else:
                    handle._run()
        handle = None

    def _run_watched(self, handle):
        """Debug mode: tell who it is, and report what takes too long."""
        try:
            self._current_handle = handle
            start = self.time()
            handle._run()
            duration = self.time() - start
            if duration >= self.slow_callback_duration:
                logger.warning('Executing %s took %.3f seconds', _format_handle(handle), duration)
        finally:
            self._current_handle = None

    # ---- debug mode ----

    def _set_coroutine_origin_tracking(self, enabled):
        was, self._coroutine_origin_tracking_enabled = self._coroutine_origin_tracking_enabled, enabled
        if enabled and not was:
            self._coroutine_origin_tracking_saved_depth = sys.get_coroutine_origin_tracking_depth()
            sys.set_coroutine_origin_tracking_depth(constants.DEBUG_STACK_DEPTH)
        elif was and not enabled:
            sys.set_coroutine_origin_tracking_depth(self._coroutine_origin_tracking_saved_depth)

    def get_debug(self):
        """Is the loop in debug mode?"""
        return self._debug

    def set_debug(self, enabled):
        """Turn debug mode on or off."""
        self._debug = enabled
        if self.is_running():
            self.call_soon_threadsafe(self._set_coroutine_origin_tracking, enabled)
