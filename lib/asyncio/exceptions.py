# SPDX-License-Identifier: MIT
"""Exceptions of the package."""

__all__ = ('BrokenBarrierError', 'CancelledError', 'InvalidStateError', 'TimeoutError', 'IncompleteReadError', 'LimitOverrunError',
           'SendfileNotAvailableError')

TimeoutError = TimeoutError


class CancelledError(BaseException):
    """The future or task was cancelled."""


class InvalidStateError(Exception):
    """The future is not in the state that the operation needs."""


class SendfileNotAvailableError(RuntimeError):
    """Files of this kind, or this platform, can't be sent by the system."""


class IncompleteReadError(EOFError):
    """The stream ended early. `partial`: what came before; `expected`: how many bytes were asked for, or None."""

    def __init__(self, partial, expected):
        wanted = 'undefined' if expected is None else repr(expected)
        super().__init__(f'{len(partial)} bytes read on a total of {wanted} expected bytes')
        self.partial, self.expected = partial, expected

    def __reduce__(self):
        return type(self), (self.partial, self.expected)


class LimitOverrunError(Exception):
    """The stream's buffer filled up before a separator was seen. `consumed`: how many bytes may be taken out to go on."""

    def __init__(self, message, consumed):
        self.consumed = consumed
        super().__init__(message)

    def __reduce__(self):
        [message] = self.args
        return type(self), (message, self.consumed)


class BrokenBarrierError(RuntimeError):
    """The barrier was broken by abort() or by a participant that went away."""
