# SPDX-License-Identifier: MIT
"""Base classes of transports: what a protocol writes to."""

__all__ = 'BaseTransport', 'ReadTransport', 'WriteTransport', 'Transport', 'DatagramTransport', 'SubprocessTransport'


class BaseTransport:
    """What all transports have."""

    __slots__ = ('__dict__',)

    def __init__(self, extra=None):
        self._extra = {} if extra is None else extra

    def get_extra_info(self, name, default=None):
        """Information about the connection, such as 'socket' or 'peername'."""
        return self._extra.get(name, default)

    def is_closing(self):
        """Is the transport closed or about to be?"""
        raise NotImplementedError

    def close(self):
        """Close after what is buffered has been sent; connection_lost() is called later."""
        raise NotImplementedError

    def set_protocol(self, protocol):
        """Change the protocol."""
        raise NotImplementedError

    def get_protocol(self):
        """The present protocol."""
        raise NotImplementedError


class ReadTransport(BaseTransport):
    """A transport that one can read from."""

    __slots__ = ()

    def is_reading(self):
        """Is data handed to the protocol at present?"""
        raise NotImplementedError

    def pause_reading(self):
        """Hand nothing to the protocol until resume_reading()."""
        raise NotImplementedError

    def resume_reading(self):
        """Take up reading again."""
        raise NotImplementedError


class WriteTransport(BaseTransport):
    """A transport that one can write to."""

    __slots__ = ()

    def set_write_buffer_limits(self, high=None, low=None):
        """Marks of the write buffer at which the protocol's pause_writing() and resume_writing() are called.

        `low` is a quarter of `high` by default. high=0 means to pause as soon as anything is buffered.
        """
        raise NotImplementedError

    def get_write_buffer_size(self):
        """Bytes in the write buffer."""
        raise NotImplementedError

    def get_write_buffer_limits(self):
        """(low, high) marks of the write buffer."""
        raise NotImplementedError

    def write(self, data):
        """Send bytes, without waiting: what can't be sent at once is buffered."""
        raise NotImplementedError

    def writelines(self, list_of_data):
        """Send several pieces of data."""
        self.write(b''.join(list_of_data))

    def write_eof(self):
        """End the sending side after what is buffered; receiving goes on."""
        raise NotImplementedError

    def can_write_eof(self):
        """Is write_eof() supported?"""
        raise NotImplementedError

    def abort(self):
        """Close at once; what is buffered is lost."""
        raise NotImplementedError


class Transport(ReadTransport, WriteTransport):
    """A connection for both directions."""

    __slots__ = ()


class DatagramTransport(BaseTransport):
    """Datagrams."""

    __slots__ = ()

    def sendto(self, data, addr=None):
        """Send one datagram, to `addr` or to the address that the endpoint was connected to."""
        raise NotImplementedError

    def abort(self):
        """Close at once; what is buffered is lost."""
        raise NotImplementedError


class SubprocessTransport(BaseTransport):
    """A child process."""

    __slots__ = ()

    def get_pid(self):
        """The process id."""
        raise NotImplementedError

    def get_returncode(self):
        """The exit status, or None while the child runs."""
        raise NotImplementedError

    def get_pipe_transport(self, fd):
        """The transport of the pipe to the child's descriptor `fd`."""
        raise NotImplementedError

    def send_signal(self, signal):
        """Send a signal to the child."""
        raise NotImplementedError

    def terminate(self):
        """Ask the child to stop: SIGTERM."""
        raise NotImplementedError

    def kill(self):
        """Stop the child: SIGKILL."""
        raise NotImplementedError


class _FlowControlMixin(Transport):
    """The two marks of a write buffer. The transport calls _maybe_pause_protocol() after it has buffered, _maybe_resume_protocol() after it
    has sent, and has get_write_buffer_size() and _protocol.
    """

    __slots__ = ('_loop', '_protocol_paused', '_high_water', '_low_water')

    def __init__(self, extra=None, loop=None):
        assert loop is not None
        super().__init__(extra)
        self._protocol_paused, self._loop = False, loop
        self._set_write_buffer_limits()

    def _tell_protocol(self, method):
        try:
            getattr(self._protocol, method)()
        except BaseException as error:
            if isinstance(error, (KeyboardInterrupt, SystemExit)):
                raise
            self._loop.call_exception_handler({
                'message': f'protocol.{method}() failed', 'exception': error, 'transport': self, 'protocol': self._protocol})

    def _maybe_pause_protocol(self):
        if not self._protocol_paused and self.get_write_buffer_size() > self._high_water:
            self._protocol_paused = True
            self._tell_protocol('pause_writing')

    def _maybe_resume_protocol(self):
        if self._protocol_paused and self.get_write_buffer_size() <= self._low_water:
            self._protocol_paused = False
            self._tell_protocol('resume_writing')

    def get_write_buffer_limits(self):
        return self._low_water, self._high_water

    def _set_write_buffer_limits(self, high=None, low=None):
        if high is None:
            high = 64 * 1024 if low is None else 4 * low
        if low is None:
            low = high // 4
        if not 0 <= low <= high:
            raise ValueError(f'high ({high!r}) must be >= low ({low!r}) must be >= 0')
        self._low_water, self._high_water = low, high

    def set_write_buffer_limits(self, high=None, low=None):
        self._set_write_buffer_limits(high, low)
        self._maybe_pause_protocol()         # what is buffered may be too much by now
