# SPDX-License-Identifier: MIT
"""Child processes of an event loop. Their end is heard of by a process descriptor, without threads or SIGCHLD."""

import os
import subprocess

from . import base_subprocess
from . import events
from .log import logger


class ProcessTransport(base_subprocess.BaseSubprocessTransport):
    """A child process and the pipes to it."""

    def _start(self, args, shell, stdin, stdout, stderr, bufsize, **kwargs):
        self._proc = subprocess.Popen(args, shell=shell, stdin=stdin, stdout=stdout, stderr=stderr, universal_newlines=False,
                                      bufsize=bufsize, **kwargs)


def _chosen_watcher():
    """The child watcher that the program set, or None."""
    return getattr(events.get_event_loop_policy(), '_watcher', None)


def _watch(loop, transport, watcher):
    """Call transport._process_exited(code) when its process has ended."""
    pid = transport.get_pid()
    if watcher is not None:
        watcher.add_child_handler(pid, _exited_elsewhere, loop, transport)
        return
    fd = os.pidfd_open(pid)
    if loop._watched_children is None:
        loop._watched_children = set()
    loop._watched_children.add(fd)
    loop._add_reader(fd, _exited, loop, transport, pid, fd)


def _exited_elsewhere(pid, code, loop, transport):
    loop.call_soon_threadsafe(transport._process_exited, code)


def _exited(loop, transport, pid, fd):
    loop._remove_reader(fd)
    loop._watched_children.discard(fd)
    os.close(fd)
    try:
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    except ChildProcessError:
        code = 255
        logger.warning('child process pid %d exit status already read:  will report returncode 255', pid)
    transport._process_exited(code)


async def start(loop, protocol, *args):
    """Start a child process; returns its transport once the pipes are connected."""
    chosen = _chosen_watcher()
    if chosen is None:
        return await _start_watched(None, loop, protocol, *args)
    with chosen as watcher:
        if not watcher.is_active():
            raise RuntimeError('asyncio.get_child_watcher() is not activated, subprocess support is not installed.')
        return await _start_watched(watcher, loop, protocol, *args)


async def _start_watched(watcher, loop, protocol, args, shell, stdin, stdout, stderr, bufsize, extra, kwargs):
    waiter = loop.create_future()
    transport = ProcessTransport(loop, protocol, args, shell, stdin, stdout, stderr, bufsize, waiter=waiter, extra=extra, **kwargs)
    try:
        _watch(loop, transport, watcher)
        await waiter
    except (SystemExit, KeyboardInterrupt):
        raise
    except BaseException:
        transport.close()
        await transport._wait()
        raise
    return transport
