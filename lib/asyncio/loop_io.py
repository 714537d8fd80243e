# SPDX-License-Identifier: MIT
"""What an event loop does with sockets, pipes, signals and processes, over the native watching of descriptors."""

import _asyncio
import _socket
import errno
import sys

from . import constants
from . import coroutines
from . import exceptions
from . import transports
from ._lazy import lazy, lazy_logger as logger

io = lazy('io')
os = lazy('os')
signal = lazy('signal')
socket = lazy('socket')
stat = lazy('stat')
warnings = lazy('warnings')

_AGAIN = BlockingIOError, InterruptedError
_STOP = SystemExit, KeyboardInterrupt
_OUT_OF_SOMETHING = errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM
_IP = _socket.AF_INET, _socket.AF_INET6


class SocketTransport(_asyncio.StreamTransport, transports.Transport):
    """A transport over a connected TCP or UNIX socket."""

    __slots__ = ()
    _start_tls_compatible = True

    @property
    def _sendfile_compatible(self):
        return constants._SendfileMode.TRY_NATIVE


class DatagramTransport(_asyncio.DatagramTransport, transports.DatagramTransport):
    """A transport over a datagram socket."""

    __slots__ = ()


def _check_socket(loop, sock):
    """TLS sockets can't be waited for in this way; those that block are refused in debug mode, as it takes a call to know."""
    ssl = sys.modules.get('ssl')
    if ssl is not None and isinstance(sock, ssl.SSLSocket):
        raise TypeError('Socket cannot be of type SSLSocket')
    if loop.get_debug() and sock.gettimeout() != 0:
        raise ValueError('the socket must be non-blocking')


def _check_signal(sig):
    if not isinstance(sig, int):
        raise TypeError(f'sig must be an int, not {sig!r}')
    if sig not in signal.valid_signals():
        raise ValueError(f'invalid signal number {sig}')


def _check_tls_arguments(ssl, **limits):
    for name, value in limits.items():
        if value is not None and not ssl:
            raise ValueError(f'{name} is only meaningful with ssl')


def _nothing():
    pass


def _check_unix_socket(sock):
    if sock.family != socket.AF_UNIX or sock.type != socket.SOCK_STREAM:
        raise ValueError(f'A UNIX Domain Stream Socket was expected, got {sock!r}')


def _bind_unix(path):
    """A UNIX socket at `path`; one that an earlier program left there is removed."""
    path = os.fspath(path)
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        if path[0] not in (0, '\x00'):
            try:
                if stat.S_ISSOCK(os.stat(path).st_mode):
                    os.remove(path)
            except FileNotFoundError:
                pass
            except OSError as error:
                logger.error('Unable to check or remove stale UNIX socket %r: %r', path, error)
        sock.bind(path)
    except OSError as error:
        sock.close()
        if error.errno == errno.EADDRINUSE:
            raise OSError(errno.EADDRINUSE, f'Address {path!r} is already in use') from None
        raise
    except BaseException:
        sock.close()
        raise
    return sock


def _remover(path):
    """A function that removes the socket at `path`, unless something else stands there by then."""
    if not path or path[0] in (0, '\x00'):       # one without a file
        return None
    try:
        made = os.stat(path)
    except FileNotFoundError:
        return None

    def remove():
        try:
            if os.path.samestat(os.stat(path), made):
                os.unlink(path)
        except FileNotFoundError:
            pass
        except OSError as error:
            logger.error('Unable to clean up listening UNIX socket %r: %r', path, error)

    return remove


class LoopIo:
    """The part of an event loop that talks to the system; in front of BaseEventLoop among the bases of a class over _asyncio.Loop."""

    _signal_handlers = None
    _watched_children = None        # process descriptors; see processes.py

    # ---- waiting for sockets: the operation is tried at once, then whenever the socket is ready, until it neither blocks nor is cancelled

    def _sock_step(self, future, operation, args):
        if future.done():
            return
        try:
            result = operation(*args)
        except _AGAIN:
            return
        except _STOP:
            raise
        except BaseException as error:
            future.set_exception(error)
        else:
            future.set_result(result)

    async def _sock_wait(self, sock, writing, operation, *args):
        future = self.create_future()
        fd = sock.fileno()
        self._ensure_fd_no_transport(fd)
        add, remove = (self._add_writer, self._remove_writer) if writing else (self._add_reader, self._remove_reader)
        handle = add(fd, self._sock_step, future, operation, args)
        try:
            return await future
        finally:
            if not handle.cancelled():
                remove(fd)

    async def sock_recv(self, sock, n):
        """Receive up to n bytes."""
        _check_socket(self, sock)
        try:
            return sock.recv(n)
        except _AGAIN:
            pass                                 # waiting is no error: its errors have no __context__
        return await self._sock_wait(sock, False, sock.recv, n)

    async def sock_recv_into(self, sock, buf):
        """Receive into a buffer; returns how many bytes."""
        _check_socket(self, sock)
        try:
            return sock.recv_into(buf)
        except _AGAIN:
            pass
        return await self._sock_wait(sock, False, sock.recv_into, buf)

    async def sock_recvfrom(self, sock, bufsize):
        """Receive a datagram: (data, address)."""
        _check_socket(self, sock)
        try:
            return sock.recvfrom(bufsize)
        except _AGAIN:
            pass
        return await self._sock_wait(sock, False, sock.recvfrom, bufsize)

    async def sock_recvfrom_into(self, sock, buf, nbytes=0):
        """Receive a datagram into a buffer: (size, address)."""
        _check_socket(self, sock)
        nbytes = nbytes or len(buf)
        try:
            return sock.recvfrom_into(buf, nbytes)
        except _AGAIN:
            pass
        return await self._sock_wait(sock, False, sock.recvfrom_into, buf, nbytes)

    async def sock_sendall(self, sock, data):
        """Send all of the data."""
        _check_socket(self, sock)
        try:
            sent = sock.send(data)
        except _AGAIN:
            sent = 0
        if sent == len(data):
            return
        rest = memoryview(data).cast('B')[sent:]

        def send_more():
            nonlocal rest
            rest = rest[sock.send(rest):]
            if rest:
                raise BlockingIOError

        await self._sock_wait(sock, True, send_more)

    async def sock_sendto(self, sock, data, address):
        """Send a datagram; returns how many bytes."""
        _check_socket(self, sock)
        try:
            return sock.sendto(data, address)
        except _AGAIN:
            pass
        return await self._sock_wait(sock, True, sock.sendto, data, address)

    async def sock_connect(self, sock, address):
        """Connect to an address; host names are looked up first."""
        _check_socket(self, sock)
        if sock.family in _IP:
            found = await self._ensure_resolved(address, family=sock.family, type=sock.type, proto=sock.proto, loop=self)
            address = found[0][4]

        def connected():
            error = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if error:
                raise OSError(error, f'Connect call failed {address}')

        try:
            return sock.connect(address)
        except _AGAIN:
            pass
        await self._sock_wait(sock, True, connected)

    async def sock_accept(self, sock):
        """Accept a connection: (socket, address)."""
        _check_socket(self, sock)

        def accept():
            connection, address = sock.accept()
            connection.setblocking(False)
            return connection, address

        try:
            return accept()
        except _AGAIN:
            pass
        return await self._sock_wait(sock, False, accept)

    # ---- sendfile

    async def _sock_sendfile_native(self, sock, file, offset, count):
        try:
            source = file.fileno()
            size = os.fstat(source).st_size
        except (AttributeError, OSError, io.UnsupportedOperation):
            raise exceptions.SendfileNotAvailableError('not a regular file')
        if not (count or size):
            return 0
        total = 0
        try:
            while not count or total < count:
                try:
                    sent = os.sendfile(sock.fileno(), source, offset, count - total if count else size)
                except _AGAIN:
                    sent = None
                except OSError as error:
                    if error.errno == errno.ENOTCONN and type(error) is not ConnectionError:
                        raise ConnectionError('socket is not connected', errno.ENOTCONN) from error
                    if total == 0:
                        raise exceptions.SendfileNotAvailableError('os.sendfile call failed')
                    raise
                if sent == 0:
                    break
                if sent:
                    offset += sent
                    total += sent
                # Also after a part was sent: a peer that takes as fast as we give must not keep others waiting.
                if not count or total < count:
                    await self._sock_wait(sock, True, _nothing)
        finally:
            if total:
                os.lseek(source, offset, os.SEEK_SET)
        return total

    async def _sendfile_native(self, transport, file, offset, count):
        was_reading = transport.is_reading()
        transport.pause_reading()
        await transport._make_empty_waiter()
        try:
            with transport._sock.dup() as sock:       # under another number, since this one is the transport's
                return await self.sock_sendfile(sock, file, offset, count, fallback=False)
        finally:
            transport._reset_empty_waiter()
            if was_reading:
                transport.resume_reading()

    # ---- transports

    def _make_socket_transport(self, sock, protocol, waiter=None, *, extra=None, server=None):
        return SocketTransport(self, sock, protocol, waiter, extra, server)

    def _make_ssl_transport(self, rawsock, protocol, sslcontext, waiter=None, *, server_side=False, server_hostname=None, extra=None,
                            server=None, ssl_handshake_timeout=constants.SSL_HANDSHAKE_TIMEOUT,
                            ssl_shutdown_timeout=constants.SSL_SHUTDOWN_TIMEOUT):
        from . import sslproto
        tls = sslproto.SSLProtocol(self, protocol, sslcontext, waiter, server_side, server_hostname,
                                   ssl_handshake_timeout=ssl_handshake_timeout, ssl_shutdown_timeout=ssl_shutdown_timeout)
        SocketTransport(self, rawsock, tls, None, extra, server)
        return tls._app_transport

    def _make_datagram_transport(self, sock, protocol, address=None, waiter=None, extra=None):
        return DatagramTransport(self, sock, protocol, address, waiter, extra)

    def _make_read_pipe_transport(self, pipe, protocol, waiter=None, extra=None):
        from . import unix_events
        return unix_events._UnixReadPipeTransport(self, pipe, protocol, waiter, extra)

    def _make_write_pipe_transport(self, pipe, protocol, waiter=None, extra=None):
        from . import unix_events
        return unix_events._UnixWritePipeTransport(self, pipe, protocol, waiter, extra)

    async def _make_subprocess_transport(self, protocol, args, shell, stdin, stdout, stderr, bufsize, extra=None, **kwargs):
        from . import processes
        return await processes.start(self, protocol, args, shell, stdin, stdout, stderr, bufsize, extra, kwargs)

    # ---- servers

    def _start_serving(self, protocol_factory, sock, sslcontext=None, server=None, backlog=100,
                       ssl_handshake_timeout=constants.SSL_HANDSHAKE_TIMEOUT, ssl_shutdown_timeout=constants.SSL_SHUTDOWN_TIMEOUT):
        self._add_reader(sock.fileno(), self._accept_connections, protocol_factory, sock, sslcontext, server, backlog,
                         ssl_handshake_timeout, ssl_shutdown_timeout)

    def _stop_serving(self, sock):
        self._remove_reader(sock.fileno())
        sock.close()

    def _accept_connections(self, protocol_factory, sock, sslcontext, server, backlog, ssl_handshake_timeout, ssl_shutdown_timeout):
        for _ in range(backlog):
            try:
                connection, address = sock.accept()
                if self.get_debug():
                    logger.debug('%r got a new connection from %r: %r', server, address, connection)
                connection.setblocking(False)
            except (*_AGAIN, ConnectionAbortedError):
                return
            except OSError as error:
                if error.errno not in _OUT_OF_SOMETHING:
                    raise
                from . import trsock
                self.call_exception_handler({'message': 'socket.accept() out of system resource', 'exception': error,
                                             'socket': trsock.TransportSocket(sock)})
                # Others may give some back meanwhile; trying at once would only spin.
                self._remove_reader(sock.fileno())
                self.call_later(constants.ACCEPT_RETRY_DELAY, self._serve_again, protocol_factory, sock, sslcontext, server, backlog,
                                ssl_handshake_timeout, ssl_shutdown_timeout)
                return
            # In the next turn, as a task would: what the program does meanwhile comes before its connection_made().
            self.call_soon(self._serve_connection, protocol_factory, connection, {'peername': address}, sslcontext, server,
                           ssl_handshake_timeout, ssl_shutdown_timeout)

    def _serve_again(self, protocol_factory, sock, *rest):
        if sock.fileno() >= 0:
            self._start_serving(protocol_factory, sock, *rest)

    def _serve_connection(self, protocol_factory, connection, extra, sslcontext, server, ssl_handshake_timeout, ssl_shutdown_timeout):
        protocol = transport = None
        try:
            protocol = protocol_factory()
            if sslcontext is None:
                self._make_socket_transport(connection, protocol, extra=extra, server=server)
                return
            waiter = self.create_future()
            transport = self._make_ssl_transport(connection, protocol, sslcontext, waiter=waiter, server_side=True, extra=extra,
                                                 server=server, ssl_handshake_timeout=ssl_handshake_timeout,
                                                 ssl_shutdown_timeout=ssl_shutdown_timeout)
        except _STOP:
            raise
        except BaseException as error:
            self._report_incoming(error, protocol, transport)
        else:
            self.create_task(self._await_handshake(waiter, protocol, transport))

    async def _await_handshake(self, waiter, protocol, transport):
        try:
            try:
                await waiter
            except BaseException:
                transport.close()
                raise
        except _STOP:
            raise
        except BaseException as error:
            self._report_incoming(error, protocol, transport)

    def _report_incoming(self, error, protocol, transport):
        if not self.get_debug():
            return
        context = {'message': 'Error on transport creation for incoming connection', 'exception': error}
        if protocol is not None:
            context['protocol'] = protocol
        if transport is not None:
            context['transport'] = transport
        self.call_exception_handler(context)

    # ---- UNIX sockets

    async def create_unix_connection(self, protocol_factory, path=None, *, ssl=None, sock=None, server_hostname=None,
                                     ssl_handshake_timeout=None, ssl_shutdown_timeout=None):
        """Connect to a UNIX socket: (transport, protocol)."""
        assert server_hostname is None or isinstance(server_hostname, str)
        if ssl and server_hostname is None:
            raise ValueError('you have to pass server_hostname when using ssl')
        _check_tls_arguments(ssl, server_hostname=server_hostname, ssl_handshake_timeout=ssl_handshake_timeout,
                             ssl_shutdown_timeout=ssl_shutdown_timeout)
        if path is not None:
            if sock is not None:
                raise ValueError('path and sock can not be specified at the same time')
            path = os.fspath(path)
            sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM, 0)
            try:
                sock.setblocking(False)
                await self.sock_connect(sock, path)
            except BaseException:
                sock.close()
                raise
        else:
            if sock is None:
                raise ValueError('no path and sock were specified')
            _check_unix_socket(sock)
            sock.setblocking(False)
        return await self._create_connection_transport(sock, protocol_factory, ssl, server_hostname,
                                                       ssl_handshake_timeout=ssl_handshake_timeout,
                                                       ssl_shutdown_timeout=ssl_shutdown_timeout)

    async def create_unix_server(self, protocol_factory, path=None, *, sock=None, backlog=100, ssl=None, ssl_handshake_timeout=None,
                                 ssl_shutdown_timeout=None, start_serving=True, cleanup_socket=False):
        """Serve at a UNIX socket. cleanup_socket: its path is removed when the server is closed, if it is still the one made here."""
        from . import base_events, tasks
        if isinstance(ssl, bool):
            raise TypeError('ssl argument must be an SSLContext or None')
        _check_tls_arguments(ssl, ssl_handshake_timeout=ssl_handshake_timeout, ssl_shutdown_timeout=ssl_shutdown_timeout)
        if path is not None:
            if sock is not None:
                raise ValueError('path and sock can not be specified at the same time')
            sock = _bind_unix(path)
        else:
            if sock is None:
                raise ValueError('path was not specified, and no sock specified')
            _check_unix_socket(sock)
        sock.setblocking(False)
        server = base_events.Server(self, [sock], protocol_factory, ssl, backlog, ssl_handshake_timeout, ssl_shutdown_timeout)
        if cleanup_socket:
            server._when_closed = _remover(sock.getsockname())
        if start_serving:
            server._start_serving()
            await tasks.sleep(0)
        return server

    # ---- signals: Python's own handlers run soon after the signal came, and wake the loop if it waits

    def add_signal_handler(self, sig, callback, *args):
        """Call callback(*args) in the loop when a signal comes."""
        if coroutines.iscoroutine(callback) or coroutines.iscoroutinefunction(callback):
            raise TypeError('coroutines cannot be used with add_signal_handler()')
        _check_signal(sig)
        self._check_closed()
        import threading
        if threading.current_thread() is not threading.main_thread():
            raise RuntimeError('set_wakeup_fd only works in main thread of the main interpreter')
        if self._signal_handlers is None:
            self._signal_handlers = {}
        self._signal_handlers[sig] = _asyncio.Handle(callback, args, self, None)
        try:
            signal.signal(sig, self._on_signal)
            signal.siginterrupt(sig, False)
        except (OSError, ValueError) as error:
            del self._signal_handlers[sig]
            if isinstance(error, OSError) and error.errno == errno.EINVAL:
                raise RuntimeError(f'sig {sig} cannot be caught')
            raise

    def _on_signal(self, sig, frame):
        self._handle_signal(sig)

    def _handle_signal(self, sig):
        handle = self._signal_handlers.get(sig) if self._signal_handlers else None
        if handle is None:
            return
        if handle._cancelled:
            self.remove_signal_handler(sig)
        else:
            self._add_callback(handle)
            self._write_to_self()

    def remove_signal_handler(self, sig):
        """Undo add_signal_handler(); was there a handler?"""
        _check_signal(sig)
        if not self._signal_handlers or sig not in self._signal_handlers:
            return False
        del self._signal_handlers[sig]
        try:
            signal.signal(sig, signal.default_int_handler if sig == signal.SIGINT else signal.SIG_DFL)
        except OSError as error:
            if error.errno == errno.EINVAL:
                raise RuntimeError(f'sig {sig} cannot be caught')
            raise
        return True

    def close(self):
        """Close the loop; it must not run. Signals get back what they did before."""
        super().close()
        while self._watched_children:
            os.close(self._watched_children.pop())
        if not self._signal_handlers:
            return
        if sys.is_finalizing():
            warnings.warn(f'Closing the loop {self!r} on interpreter shutdown stage, skipping signal handlers removal', ResourceWarning,
                          source=self)
            self._signal_handlers.clear()
            return
        for sig in list(self._signal_handlers):
            self.remove_signal_handler(sig)
