# SPDX-License-Identifier: MIT
"""Connections as streams: a reader and a writer instead of callbacks."""
from _collections import deque
from _weakref import ref as _ref
import sys

from . import coroutines, events, exceptions, format_helpers, protocols
from ._lazy import lazy, lazy_logger as logger
from .tasks import sleep

__all__ = 'StreamReader', 'StreamWriter', 'StreamReaderProtocol', 'open_connection', 'start_server'

socket = lazy('socket')
_unix = sys.platform != 'win32'
if _unix:
    __all__ += ('open_unix_connection', 'start_unix_server')

_DEFAULT_LIMIT = 64 * 1024


async def open_connection(host=None, port=None, *, limit=_DEFAULT_LIMIT, **kwds):
    """Connect to a server; returns (reader, writer). Further arguments go to loop.create_connection()."""
    loop = events.get_running_loop()
    reader = StreamReader(limit=limit, loop=loop)
    protocol = StreamReaderProtocol(reader, loop=loop)
    transport, _ = await loop.create_connection(lambda: protocol, host, port, **kwds)
    return reader, StreamWriter(transport, protocol, reader, loop)


async def start_server(client_connected_cb, host=None, port=None, *, limit=_DEFAULT_LIMIT, **kwds):
    """Listen, and call client_connected_cb(reader, writer) for each client; a coroutine function runs as a task.

    Further arguments go to loop.create_server(); the result is its Server.
    """
    loop = events.get_running_loop()
    return await loop.create_server(_server_factory(client_connected_cb, limit, loop), host, port, **kwds)


def _server_factory(client_connected_cb, limit, loop):
    def factory():
        return StreamReaderProtocol(StreamReader(limit=limit, loop=loop), client_connected_cb, loop=loop)

    return factory


if _unix:
    async def open_unix_connection(path=None, *, limit=_DEFAULT_LIMIT, **kwds):
        """As open_connection(), over a UNIX socket."""
        loop = events.get_running_loop()
        reader = StreamReader(limit=limit, loop=loop)
        protocol = StreamReaderProtocol(reader, loop=loop)
        transport, _ = await loop.create_unix_connection(lambda: protocol, path, **kwds)
        return reader, StreamWriter(transport, protocol, reader, loop)

    async def start_unix_server(client_connected_cb, path=None, *, limit=_DEFAULT_LIMIT, **kwds):
        """As start_server(), on a UNIX socket."""
        loop = events.get_running_loop()
        return await loop.create_unix_server(_server_factory(client_connected_cb, limit, loop), path, **kwds)


def _settle(future, exc):
    """Complete a future that may be done already."""
    if future.done():
        return
    if exc is None:
        future.set_result(None)
    else:
        future.set_exception(exc)


def _feed_end(reader, exc):
    """The reader learns how its connection ended."""
    if reader is None:
        return
    if exc is None:
        reader.feed_eof()
    else:
        reader.set_exception(exc)


class FlowControlMixin(protocols.Protocol):
    """A protocol with drain(): writers wait while the transport's buffer is too full."""

    def __init__(self, loop=None):
        self._loop = events._get_event_loop() if loop is None else loop
        self._paused = False
        self._drain_waiters = deque()
        self._connection_lost = False

    def _turn(self, paused, verb):
        assert self._paused is not paused
        self._paused = paused
        if self._loop.get_debug():
            logger.debug('%r %s writing', self, verb)

    def _release_writers(self, exc):
        for waiter in self._drain_waiters:
            _settle(waiter, exc)

    def pause_writing(self):
        self._turn(True, 'pauses')

    def resume_writing(self):
        self._turn(False, 'resumes')
        self._release_writers(None)

    def connection_lost(self, exc):
        self._connection_lost = True
        if self._paused:
            self._release_writers(exc)

    async def _drain_helper(self):
        if self._connection_lost:
            raise ConnectionResetError('Connection lost')
        if self._paused:
            turn = self._loop.create_future()
            self._drain_waiters.append(turn)
            try:
                await turn
            finally:
                self._drain_waiters.remove(turn)

    def _get_close_waiter(self, stream):
        raise NotImplementedError


class StreamReaderProtocol(FlowControlMixin, protocols.Protocol):
    """The protocol between a transport and a StreamReader."""

    _source_traceback = None

    def __init__(self, stream_reader, client_connected_cb=None, loop=None):
        super().__init__(loop=loop)
        self._client_connected_cb = client_connected_cb
        self._closed = self._loop.create_future()
        self._over_ssl = self._reject_connection = False
        self._transport = self._stream_writer = self._task = self._stream_reader_wr = None
        if stream_reader is not None:
            self._source_traceback = stream_reader._source_traceback
            self._stream_reader_wr = _ref(stream_reader)
        # A server's protocol keeps its reader until there is a client; a client's program has it.
        self._strong_reader = stream_reader if client_connected_cb is not None else None

    @property
    def _stream_reader(self):
        return None if self._stream_reader_wr is None else self._stream_reader_wr()

    def _use(self, transport):
        self._transport = transport
        self._over_ssl = transport.get_extra_info('sslcontext') is not None

    def _replace_writer(self, writer):
        """The connection has gone over to TLS."""
        self._stream_writer = writer
        self._use(writer.transport)
        if (reader := self._stream_reader) is not None:
            reader._transport = writer.transport

    def _refuse(self, transport):
        report = {'message': 'An open stream was garbage collected prior to establishing network connection; '
                             'call "stream.close()" explicitly.'}
        if self._source_traceback:
            report['source_traceback'] = self._source_traceback
        self._loop.call_exception_handler(report)
        transport.abort()

    def connection_made(self, transport):
        if self._reject_connection:
            self._refuse(transport)
            return
        self._use(transport)
        if (reader := self._stream_reader) is not None:
            reader.set_transport(transport)
        if self._client_connected_cb is not None:
            writer = self._stream_writer = StreamWriter(transport, self, reader, self._loop)
            serving = self._client_connected_cb(reader, writer)
            if coroutines.iscoroutine(serving):
                self._task = self._loop.create_task(serving)
                self._task.add_done_callback(lambda task: self._client_done(task, transport))
            self._strong_reader = None

    def _client_done(self, task, transport):
        if task.cancelled():
            transport.close()
            return
        error = task.exception()
        if error is not None:
            self._loop.call_exception_handler({
                'message': 'Unhandled exception in client_connected_cb', 'exception': error, 'transport': transport})
            transport.close()

    def connection_lost(self, exc):
        _feed_end(self._stream_reader, exc)
        _settle(self._closed, exc)
        super().connection_lost(exc)
        self._transport = self._stream_writer = self._task = self._stream_reader_wr = None

    def data_received(self, data):
        reader = self._stream_reader_wr
        if reader is not None and (reader := reader()) is not None:
            reader.feed_data(data)

    def eof_received(self):
        _feed_end(self._stream_reader, None)
        return not self._over_ssl        # TLS can't be half closed

    def _get_close_waiter(self, stream):
        return self._closed

    def __del__(self):
        # Nobody waited for the end: that is no mistake.
        closed = getattr(self, '_closed', None)
        if closed is not None and closed.done() and not closed.cancelled():
            closed.exception()


class StreamWriter:
    """The writing side of a connection: a transport with drain()."""

    def __init__(self, transport, protocol, reader, loop):
        assert reader is None or isinstance(reader, StreamReader)
        self._loop, self._transport, self._protocol = loop, transport, protocol
        self._reader = reader            # drain() reports its exception
        self._complete_fut = loop.create_future()
        self._complete_fut.set_result(None)

    def __repr__(self):
        parts = [type(self).__name__, f'transport={self._transport!r}']
        if self._reader is not None:
            parts.append(f'reader={self._reader!r}')
        return '<{}>'.format(' '.join(parts))

    @property
    def transport(self):
        """The transport."""
        return self._transport

    def write(self, data):
        """Send bytes; to be followed by `await drain()`."""
        self._transport.write(data)

    def writelines(self, data):
        """Send several pieces of data; to be followed by `await drain()`."""
        self._transport.writelines(data)

    def write_eof(self):
        """End the sending side after what is buffered."""
        return self._transport.write_eof()

    def can_write_eof(self):
        """Is write_eof() supported?"""
        return self._transport.can_write_eof()

    def close(self):
        """Close the stream, both sides; to be followed by `await wait_closed()`."""
        return self._transport.close()

    def is_closing(self):
        """Is the stream closed or about to be?"""
        return self._transport.is_closing()

    async def wait_closed(self):
        """Wait until the stream is closed."""
        await self._protocol._get_close_waiter(self)

    def get_extra_info(self, name, default=None):
        """Information about the connection, such as 'socket' or 'peername'."""
        return self._transport.get_extra_info(name, default)

    async def drain(self):
        """Wait while the buffer is too full. Raises what ended the connection."""
        reader = self._reader
        if reader is not None and (error := reader.exception()) is not None:
            raise error
        if self._transport.is_closing():
            await sleep(0)               # connection_lost() may be due: who writes in a loop must see it
        protocol = self._protocol
        if protocol.__class__ is not StreamReaderProtocol or protocol._paused or protocol._connection_lost:
            await protocol._drain_helper()

    async def start_tls(self, sslcontext, *, server_hostname=None, ssl_handshake_timeout=None, ssl_shutdown_timeout=None):
        """Go over to TLS."""
        protocol = self._protocol
        await self.drain()
        limits = {'server_hostname': server_hostname, 'ssl_handshake_timeout': ssl_handshake_timeout}
        if ssl_shutdown_timeout is not None:
            limits['ssl_shutdown_timeout'] = ssl_shutdown_timeout
        self._transport = await self._loop.start_tls(self._transport, protocol, sslcontext,
                                                     server_side=protocol._client_connected_cb is not None, **limits)
        protocol._replace_writer(self)


class StreamReader:
    """The reading side of a connection. `limit`: how long a line may be; twice that is buffered before the transport has to pause."""

    _source_traceback = None
    _buffer_is_shared = False            # somebody else has the bytearray: it stays the one buffer

    def __init__(self, limit=_DEFAULT_LIMIT, loop=None):
        if not limit > 0:
            raise ValueError('Limit cannot be <= 0')
        self._loop = events._get_event_loop() if loop is None else loop
        self._held, self._limit = b'', limit      # what arrived: one piece as it came, or a bytearray of several
        self._eof = self._paused = False
        self._waiter = None              # of the one coroutine that waits for data
        self._transport = self._exception = None
        if self._loop.get_debug():
            self._source_traceback = format_helpers.extract_stack(sys._getframe(1))

    @property
    def _buffer(self):
        self._buffer_is_shared = True
        return self._gathered()

    @_buffer.setter
    def _buffer(self, buffer):
        self._held, self._buffer_is_shared = buffer, True

    def _gathered(self):
        """What is held, as a bytearray."""
        if self._held.__class__ is bytes:
            self._held = bytearray(self._held)
        return self._held

    def _discard(self, n):
        """Forget the first n bytes."""
        if n < len(self._held) or self._buffer_is_shared:
            del self._gathered()[:n]
        else:
            self._held = b''

    def __repr__(self):
        parts = ['StreamReader']
        if self._held:
            parts.append(f'{len(self._held)} bytes')
        if self._eof:
            parts.append('eof')
        if self._limit != _DEFAULT_LIMIT:
            parts.append(f'limit={self._limit}')
        for name in ('waiter', 'exception', 'transport'):
            value = getattr(self, '_' + name)
            if value:
                parts.append(f'{name}={value!r}')
        if self._paused:
            parts.append('paused')
        return '<{}>'.format(' '.join(parts))

    def exception(self):
        """The exception that ended the stream, or None."""
        return self._exception

    def set_exception(self, exc):
        """End the stream with an exception."""
        self._exception = exc
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.cancelled():
            waiter.set_exception(exc)

    def _wakeup_waiter(self):
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.cancelled():
            waiter.set_result(None)

    def set_transport(self, transport):
        """Where the data comes from."""
        assert self._transport is None, 'Transport already set'
        self._transport = transport

    def _resume(self):
        self._paused = False
        self._transport.resume_reading()

    def _maybe_resume_transport(self):
        if self._paused and len(self._held) <= self._limit:
            self._resume()

    def feed_eof(self):
        """There will be no more data."""
        self._eof = True
        self._wakeup_waiter()

    def at_eof(self):
        """Has everything been read, and will there be no more?"""
        return self._eof and not self._held

    def feed_data(self, data):
        """Add data to the buffer."""
        assert not self._eof, 'feed_data after feed_eof'
        if not data:
            return
        held = self._held
        if not held and not self._buffer_is_shared:
            held = self._held = bytes(data)
        else:
            held = self._gathered()
            held += data
        if self._waiter is not None:
            self._wakeup_waiter()
        if len(held) > 2 * self._limit and self._transport is not None and not self._paused:
            try:
                self._transport.pause_reading()
            except NotImplementedError:
                self._transport = None   # it can't be paused: do not try again
            else:
                self._paused = True

    async def _wait_for_data(self, func_name):
        if self._waiter is not None:
            raise RuntimeError(f'{func_name}() called while another coroutine is already waiting for incoming data')
        assert not self._eof, '_wait_for_data after EOF'
        if self._paused:                 # the buffer holds less than is wanted, so there must come more
            self._resume()
        arrival = self._waiter = self._loop.create_future()
        try:
            await arrival
        finally:
            self._waiter = None

    def _take(self, n):
        """Up to n bytes out of the buffer; a transport that paused goes on when there is room."""
        if len(self._held) <= n:
            data = bytes(self._held)
            self._discard(n)
        else:
            held = self._gathered()
            data = bytes(memoryview(held)[:n])
            del held[:n]
        if self._paused:
            self._maybe_resume_transport()
        return data

    def _rest(self):
        data = bytes(self._held)
        self._discard(len(data))
        return data

    def _check_sound(self):
        if self._exception is not None:
            raise self._exception

    async def readline(self):
        """A line with its newline; what is left, perhaps b'', at the end. ValueError if the line is longer than the limit."""
        searched, limit = 0, self._limit
        while self._exception is None:
            if held := self._held:
                end = held.find(b'\n', searched) + 1
                searched = len(held)
                if end:
                    if end > limit + 1:
                        break
                    if end < searched or self._paused or held.__class__ is not bytes:
                        return self._take(end)
                    self._held = b''
                    return held
            if self._eof or searched > limit:
                break                    # readuntil() tells what is wrong
            if self._waiter is not None or self._paused:
                await self._wait_for_data('readuntil')
                continue
            arrival = self._waiter = self._loop.create_future()
            try:
                await arrival
            finally:
                self._waiter = None
        try:
            return await self.readuntil(b'\n')
        except exceptions.IncompleteReadError as error:
            return error.partial
        except exceptions.LimitOverrunError as error:
            if self._held.startswith(b'\n', error.consumed):
                self._discard(error.consumed + 1)
            else:
                self._discard(len(self._held))
            self._maybe_resume_transport()
            raise ValueError(error.args[0])

    def _find(self, separators, start):
        """(start, end) of the separator that ends first, or None."""
        best = None
        for separator in separators:
            at = self._held.find(separator, max(0, start - len(separator) + 1))
            if at >= 0 and (best is None or at + len(separator) < best[1]):
                best = at, at + len(separator)
        return best

    async def readuntil(self, separator=b'\n'):
        """Data up to the separator, which is included. Of several separators, in a tuple, the one that comes first.

        IncompleteReadError at the end of the stream, LimitOverrunError if there are more data than the limit; they stay in the buffer.
        """
        separators = separator if isinstance(separator, tuple) else (separator,)
        if not separators:
            raise ValueError('Separator should contain at least one element')
        longest = max(len(s) for s in separators)
        if min(len(s) for s in separators) == 0:
            raise ValueError('Separator should be at least one-byte string')
        self._check_sound()
        searched = 0
        while True:
            size = len(self._held)
            if size > searched:
                found = self._find(separators, searched)
                if found is not None:
                    break
                searched = size
                if size + 1 - longest > self._limit:
                    raise exceptions.LimitOverrunError('Separator is not found, and chunk exceed the limit', size + 1 - longest)
            if self._eof:
                raise exceptions.IncompleteReadError(self._rest(), None)
            await self._wait_for_data('readuntil')
        start, end = found
        if start > self._limit:
            raise exceptions.LimitOverrunError('Separator is found, but chunk is longer than limit', start)
        return self._take(end)

    async def read(self, n=-1):
        """Up to `n` bytes, at least one unless the stream has ended; -1: everything up to the end."""
        self._check_sound()
        if n == 0:
            return b''
        if n < 0:
            pieces = []
            while piece := await self.read(self._limit):
                pieces.append(piece)
            return b''.join(pieces)
        if not self._held and not self._eof:
            await self._wait_for_data('read')
        return self._take(n)

    async def readexactly(self, n):
        """Exactly `n` bytes; IncompleteReadError if the stream ends before."""
        if n < 0:
            raise ValueError('readexactly size can not be less than zero')
        self._check_sound()
        while len(self._held) < n:
            if self._eof:
                raise exceptions.IncompleteReadError(self._rest(), n)
            await self._wait_for_data('readexactly')
        return self._take(n)

    def __aiter__(self):
        return self

    async def __anext__(self):
        line = await self.readline()
        if line == b'':
            raise StopAsyncIteration
        return line
