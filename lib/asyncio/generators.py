# SPDX-License-Identifier: MIT
"""The end of a run: closes the asynchronous generators that are left."""
import sys

from . import tasks


def _creation(agen):
    for generator, _, file, line in sys.live_generators():
        if generator is agen:
            return f' (created at {file}:{line})' if file else ''
    return ''


def _report(loop, agen, message, exception=None):
    context = {'message': message, 'asyncgen': agen}
    if exception is not None:
        context['exception'] = exception
    loop.call_exception_handler(context)


async def _close(loop, agen, deadline):
    """Closes one; False: the time is over."""
    closing = loop.create_task(agen.aclose())
    await tasks.wait([closing], timeout=max(0, deadline - loop.time()))
    if not closing.done():
        closing.cancel()                         # it may still put away what it can without waiting long
        await tasks.sleep(0)
        await tasks.sleep(0)
        return False
    if not closing.cancelled() and closing.exception() is not None:
        _report(loop, agen, f'an error occurred during closing of asynchronous generator {agen!r}', closing.exception())
    return True


async def close_open(loop):
    """Closes what began under `loop`, or under none, one after the other, consumers before producers. What is not closed when
    sys.get_asyncgen_grace() seconds are over is reported to the loop's exception handler."""
    grace = sys.get_asyncgen_grace()
    deadline = loop.time() + grace
    seen = {}
    while fresh := [agen for agen in sys._open_async_generators(loop) if id(agen) not in seen]:
        for agen in fresh:
            seen[id(agen)] = agen                # kept, so that no other one gets its number
            if agen.ag_frame is not None and not await _close(loop, agen, deadline):
                _report(loop, agen, f'asynchronous generator {agen.__qualname__!r}{_creation(agen)} was not closed within {grace:g} s')
