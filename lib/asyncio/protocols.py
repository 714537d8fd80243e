# SPDX-License-Identifier: MIT
"""Base classes of protocols: what a transport calls."""

__all__ = 'BaseProtocol', 'Protocol', 'DatagramProtocol', 'SubprocessProtocol', 'BufferedProtocol'


class BaseProtocol:
    """What all protocols have. Every method may be left as it is."""

    __slots__ = ()

    def connection_made(self, transport):
        """The connection is there; `transport` stands for it."""

    def connection_lost(self, exc):
        """The connection is gone. `exc`: why, or None after EOF or a close from this side."""

    def pause_writing(self):
        """The transport's buffer is above its high-water mark: write no more for now."""

    def resume_writing(self):
        """The transport's buffer is down at its low-water mark."""


class Protocol(BaseProtocol):
    """A stream of bytes: connection_made, data_received*, eof_received?, connection_lost."""

    __slots__ = ()

    def data_received(self, data):
        """Bytes came, in portions that mean nothing."""

    def eof_received(self):
        """The other side will send no more. A true result keeps the transport open for writing."""


class BufferedProtocol(BaseProtocol):
    """A stream of bytes into buffers of the protocol: connection_made, (get_buffer, buffer_updated)*, eof_received?, connection_lost."""

    __slots__ = ()

    def get_buffer(self, sizehint):
        """A writable buffer for what comes next, of about `sizehint` bytes (-1: of any size), never empty."""

    def buffer_updated(self, nbytes):
        """So many bytes were written to the start of the buffer."""

    def eof_received(self):
        """As Protocol.eof_received()."""


class DatagramProtocol(BaseProtocol):
    """Datagrams."""

    __slots__ = ()

    def datagram_received(self, data, addr):
        """A datagram came from `addr`."""

    def error_received(self, exc):
        """An earlier send or receive failed with an OSError; the connection goes on."""


class SubprocessProtocol(BaseProtocol):
    """The pipes of a child process."""

    __slots__ = ()

    def pipe_data_received(self, fd, data):
        """The child wrote to its descriptor `fd` (1 or 2)."""

    def pipe_connection_lost(self, fd, exc):
        """The pipe of the child's descriptor `fd` was closed."""

    def process_exited(self):
        """The child has ended; its pipes may still hold data."""


def _feed_data_to_buffered_proto(proto, data):
    """Hand bytes that are there already to a BufferedProtocol, portion by portion."""
    rest = memoryview(data)
    while len(rest):
        buffer = proto.get_buffer(len(rest))
        size = len(buffer)
        if not size:
            raise RuntimeError('get_buffer() returned an empty buffer')
        size = min(size, len(rest))
        buffer[:size] = rest[:size]
        proto.buffer_updated(size)
        rest = rest[size:]
