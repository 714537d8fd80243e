# SPDX-License-Identifier: MIT
"""Child processes with streams for their pipes."""
from . import events, protocols, streams, tasks
from ._lazy import lazy, lazy_logger as logger

__all__ = 'create_subprocess_exec', 'create_subprocess_shell'

subprocess = lazy('subprocess')

PIPE = -1                                # the numbers of the library's subprocess
STDOUT = -2
DEVNULL = -3


class SubprocessStreamProtocol(streams.FlowControlMixin, protocols.SubprocessProtocol):
    """Makes streams of a child's pipes."""

    def __init__(self, limit, loop):
        super().__init__(loop=loop)
        self._transport = self.stdin = self.stdout = self.stderr = None
        self._pipe_fds = []              # of those that are read from and open
        self._stdin_closed = self._loop.create_future()
        self._process_exited = False
        self._limit = limit

    def __repr__(self):
        parts = [type(self).__name__]
        for name in ('stdin', 'stdout', 'stderr'):
            stream = getattr(self, name)
            if stream is not None:
                parts.append(f'{name}={stream!r}')
        return '<{}>'.format(' '.join(parts))

    def _reader(self, transport, fd):
        pipe = transport.get_pipe_transport(fd)
        if pipe is None:
            return None
        reader = streams.StreamReader(limit=self._limit, loop=self._loop)
        reader.set_transport(pipe)
        self._pipe_fds.append(fd)
        return reader

    def connection_made(self, transport):
        self._transport = transport
        self.stdout = self._reader(transport, 1)
        self.stderr = self._reader(transport, 2)
        pipe = transport.get_pipe_transport(0)
        if pipe is not None:
            self.stdin = streams.StreamWriter(pipe, protocol=self, reader=None, loop=self._loop)

    def pipe_data_received(self, fd, data):
        reader = {1: self.stdout, 2: self.stderr}.get(fd)
        if reader is not None:
            reader.feed_data(data)

    def pipe_connection_lost(self, fd, exc):
        if fd == 0:
            if self.stdin is not None:
                self.stdin.close()
            self.connection_lost(exc)
            streams._settle(self._stdin_closed, exc)
            self._stdin_closed._log_traceback = False        # drain() or wait_closed() say it, if anybody wants to know
            return
        streams._feed_end({1: self.stdout, 2: self.stderr}.get(fd), exc)
        self._pipe_fds = [other for other in self._pipe_fds if other != fd]
        self._close_if_over()

    def process_exited(self):
        self._process_exited = True
        self._close_if_over()

    def _close_if_over(self):
        """The transport is needed as long as the child runs or one of its pipes is open."""
        if self._process_exited and not self._pipe_fds:
            transport, self._transport = self._transport, None
            transport.close()

    def _get_close_waiter(self, stream):
        return self._stdin_closed if stream is self.stdin else None


class Process:
    """A child process."""

    def __init__(self, transport, protocol, loop):
        self._loop, self._transport, self._protocol = loop, transport, protocol
        self.pid = transport.get_pid()
        self.stdin, self.stdout, self.stderr = protocol.stdin, protocol.stdout, protocol.stderr

    def __repr__(self):
        return f'<{type(self).__name__} {self.pid}>'

    @property
    def returncode(self):
        """The exit status, or None while the child runs."""
        return self._transport.get_returncode()

    async def wait(self):
        """Wait until the child has ended; returns its exit status."""
        return await self._transport._wait()

    def send_signal(self, signal):
        """Send a signal to the child."""
        self._transport.send_signal(signal)

    def terminate(self):
        """Ask the child to stop: SIGTERM."""
        self._transport.terminate()

    def kill(self):
        """Stop the child: SIGKILL."""
        self._transport.kill()

    def _note(self, what, *details):
        if self._loop.get_debug():
            logger.debug('%r communicate: ' + what, self, *details)

    async def _feed_stdin(self, input):
        if self.stdin is None:
            return
        try:
            if input is not None:
                self.stdin.write(input)
                self._note('feed stdin (%s bytes)', len(input))
            await self.stdin.drain()
        except (BrokenPipeError, ConnectionResetError) as error:
            self._note('stdin got %r', error)    # the child may end without reading everything
        self._note('close stdin')
        self.stdin.close()

    async def _read_stream(self, fd):
        stream, name = (self.stdout, 'stdout') if fd == 1 else (self.stderr, 'stderr')
        if stream is None:
            return None
        pipe = self._transport.get_pipe_transport(fd)
        self._note('read ' + name)
        output = await stream.read()
        self._note('close ' + name)
        pipe.close()
        return output

    async def communicate(self, input=None):
        """Send `input`, read both pipes to their end and wait for the child; returns (stdout, stderr), None where there is no pipe."""
        _, out, err = await tasks.gather(self._feed_stdin(input), self._read_stream(1), self._read_stream(2))
        await self.wait()
        return out, err


async def create_subprocess_shell(cmd, stdin=None, stdout=None, stderr=None, limit=streams._DEFAULT_LIMIT, **kwds):
    """Run a command of the shell; returns a Process. Further arguments are those of subprocess.Popen."""
    loop = events.get_running_loop()
    transport, protocol = await loop.subprocess_shell(lambda: SubprocessStreamProtocol(limit=limit, loop=loop), cmd,
                                                      stdin=stdin, stdout=stdout, stderr=stderr, **kwds)
    return Process(transport, protocol, loop)


async def create_subprocess_exec(program, *args, stdin=None, stdout=None, stderr=None, limit=streams._DEFAULT_LIMIT, **kwds):
    """Run a program; returns a Process. Further arguments are those of subprocess.Popen."""
    loop = events.get_running_loop()
    transport, protocol = await loop.subprocess_exec(lambda: SubprocessStreamProtocol(limit=limit, loop=loop), program, *args,
                                                     stdin=stdin, stdout=stdout, stderr=stderr, **kwds)
    return Process(transport, protocol, loop)
