# SPDX-License-Identifier: MIT
"""A socket as its transport shows it: to look at and to set options of."""
from ._lazy import lazy

socket = lazy('socket')


def _forwarded(name):
    """A method of the socket that may be called."""
    def method(self, *args, **kwargs):
        return getattr(self._sock, name)(*args, **kwargs)

    method.__name__ = name
    return method


def _shown(name):
    return property(lambda self: getattr(self._sock, name))


class TransportSocket:
    """A view of a socket that belongs to a transport. What would disturb the transport is not there."""

    __slots__ = ('_sock',)

    def __init__(self, sock):
        self._sock = sock

    family, type, proto = _shown('family'), _shown('type'), _shown('proto')

    fileno, dup, get_inheritable = _forwarded('fileno'), _forwarded('dup'), _forwarded('get_inheritable')
    getsockopt, setsockopt = _forwarded('getsockopt'), _forwarded('setsockopt')
    getpeername, getsockname, getsockbyname = _forwarded('getpeername'), _forwarded('getsockname'), _forwarded('getsockbyname')
    shutdown = _forwarded('shutdown')            # the transport sees the end of the stream and closes

    def __repr__(self):
        parts = [f'fd={self.fileno()}', f'family={self.family!s}', f'type={self.type!s}', f'proto={self.proto}']
        if self.fileno() != -1:
            for name, ask in (('laddr', self.getsockname), ('raddr', self.getpeername)):
                try:
                    address = ask()
                except socket.error:
                    continue
                if address:
                    parts.append(f'{name}={address}')
        return '<asyncio.TransportSocket {}>'.format(', '.join(parts))

    def __getstate__(self):
        raise TypeError('Cannot serialize asyncio.TransportSocket object')

    def settimeout(self, value):
        if value != 0:
            raise ValueError('settimeout(): only 0 timeout is allowed on transport sockets')

    def gettimeout(self):
        return 0

    def setblocking(self, flag):
        if flag:
            raise ValueError('setblocking(): transport sockets cannot be blocking')
