# SPDX-License-Identifier: MIT
"""Numbers that several modules share."""

LOG_THRESHOLD_FOR_CONNLOST_WRITES = 5    # writes after the connection was lost, before a warning is logged
ACCEPT_RETRY_DELAY = 1                   # seconds a server waits when there are no descriptors left
DEBUG_STACK_DEPTH = 10                   # frames kept by debug mode, so that memory stays bounded
SSL_HANDSHAKE_TIMEOUT = 60.0
SSL_SHUTDOWN_TIMEOUT = 30.0
SENDFILE_FALLBACK_READBUFFER_SIZE = 256 * 1024
FLOW_CONTROL_HIGH_WATER_SSL_READ = 256   # KiB
FLOW_CONTROL_HIGH_WATER_SSL_WRITE = 512  # KiB
THREAD_JOIN_TIMEOUT = 300                # seconds for the default executor's threads at the end of a run


def __getattr__(name):
    if name != '_SendfileMode':
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import enum                          # only those who send files need it

    class _SendfileMode(enum.Enum):
        """How a transport goes about sendfile()."""
        UNSUPPORTED = enum.auto()
        TRY_NATIVE = enum.auto()
        FALLBACK = enum.auto()

    _SendfileMode.__qualname__ = '_SendfileMode'
    globals()[name] = _SendfileMode
    return _SendfileMode
