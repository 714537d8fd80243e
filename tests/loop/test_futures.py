"""asyncio.Future: states, callbacks, cancellation, what await does with it."""
import asyncio
import contextvars
import gc


def attempt(function, *args):
    try:
        return function(*args)
    except BaseException as error:
        return f"{type(error).__name__}: {error}"


async def states():
    loop = asyncio.get_running_loop()
    future = loop.create_future()
    print(future, future.done(), future.cancelled(), future.get_loop() is loop)
    print(attempt(future.result), attempt(future.exception))
    future.set_result(4)
    print(future, future.result(), future.exception(), future.done())
    print(attempt(future.set_result, 5), attempt(future.set_exception, ValueError()), future.cancel())
    failed = loop.create_future()
    failed.set_exception(KeyError)
    print(repr(failed), attempt(failed.result), repr(failed.exception()))
    cancelled = loop.create_future()
    print(cancelled.cancel("why"), cancelled.cancel(), cancelled, attempt(cancelled.result), attempt(cancelled.exception))
    for bad in 3, StopIteration, StopIteration(1), int, "x":
        print(attempt(loop.create_future().set_exception, bad))
    print(attempt(asyncio.Future, 1), attempt(future.cancel, 1, 2), attempt(future.add_done_callback))
    print(asyncio.Future[int], asyncio.isfuture(future), asyncio.isfuture(asyncio.Future), asyncio.isfuture(3))


async def callbacks():
    loop = asyncio.get_running_loop()
    seen = []
    future = loop.create_future()

    def first(f):
        seen.append(("first", f is future))

    def second(f):
        seen.append(("second", f.result()))
        f.add_done_callback(lambda f: seen.append(("late", f.result())))

    future.add_done_callback(first)
    future.add_done_callback(second)
    future.add_done_callback(first)
    future.add_done_callback(seen.append)
    print(future.remove_done_callback(first), future.remove_done_callback(print), len(future._callbacks))
    future.add_done_callback(first)
    future.set_result("r")
    print(seen, future._callbacks)
    await asyncio.sleep(0)
    print([item if isinstance(item, tuple) else item is future for item in seen])
    await asyncio.sleep(0)
    print(seen[-1])


async def callback_contexts():
    loop = asyncio.get_running_loop()
    var = contextvars.ContextVar("var", default=0)
    seen = []
    future = loop.create_future()
    var.set(1)
    future.add_done_callback(lambda f: seen.append(var.get()))
    context = contextvars.copy_context()
    context.run(var.set, 7)
    var.set(2)
    future.add_done_callback(lambda f: seen.append(var.get()))
    future.add_done_callback(lambda f: (seen.append(var.get()), var.set(8)), context=context)
    loop.call_soon(lambda: (seen.append(var.get()), var.set(100)))
    var.set(3)
    future.set_result(None)
    await asyncio.sleep(0)
    print(seen, var.get(), context[var])


class Picky(asyncio.Future):
    """Overrides what tasks call."""
    log = []

    def add_done_callback(self, fn, *, context=None):
        self.log.append("add")
        super().add_done_callback(fn, context=context)

    def cancel(self, msg=None):
        self.log.append(("cancel", msg))
        return super().cancel(msg=msg)

    def result(self):
        self.log.append("result")
        return super().result()


async def subclasses():
    loop = asyncio.get_running_loop()
    future = Picky(loop=loop)
    loop.call_soon(future.set_result, 5)
    print(await future, Picky.log)
    Picky.log.clear()

    async def wait():
        await Picky()

    task = asyncio.create_task(wait())
    await asyncio.sleep(0)
    task.cancel("m")
    try:
        await task
    except asyncio.CancelledError as error:
        print("cancelled", error.args, Picky.log)


async def by_hand():
    loop = asyncio.get_running_loop()
    future = loop.create_future()
    iterator = future.__await__()
    print(next(iterator) is future, future._asyncio_future_blocking, attempt(next, iterator))
    future._asyncio_future_blocking = False
    future.set_result((1, 2))
    print(attempt(iterator.send, None))
    iterator = iter(loop.create_future())
    print(attempt(iterator.throw, KeyError, "k"), attempt(iterator.throw, 3), iterator.close(), attempt(next, iterator))
    print(attempt(setattr, future, "_log_traceback", True), attempt(setattr, future, "_state", 1) is not None)
    future.extra = 5
    print(future.extra)


async def never_retrieved():
    loop = asyncio.get_running_loop()
    reports = []
    loop.set_exception_handler(lambda loop, context: reports.append((context["message"], repr(context["exception"]), sorted(context))))
    future = loop.create_future()
    future.set_exception(ValueError("lost"))
    del future
    gc.collect()
    future = loop.create_future()
    future.set_exception(ValueError("asked for"))
    future.exception()
    del future
    gc.collect()
    print(reports)


class Foreign:
    """Not a Future, but with its protocol."""
    _asyncio_future_blocking = None

    def __init__(self, loop):
        self._loop, self.callbacks = loop, []

    def get_loop(self):
        return self._loop

    def add_done_callback(self, fn, *, context=None):
        self.callbacks.append((fn, context))

    def cancel(self, msg=None):
        return False

    def result(self):
        return "foreign"

    def finish(self):
        for fn, context in self.callbacks:
            self._loop.call_soon(fn, self, context=context)

    def __await__(self):
        self._asyncio_future_blocking = True
        yield self
        return self.result()


async def foreign():
    loop = asyncio.get_running_loop()
    future = Foreign(loop)
    loop.call_soon(lambda: loop.call_soon(future.finish))

    async def wait():
        return await future

    print(await asyncio.create_task(wait()), future._asyncio_future_blocking)
    other = asyncio.new_event_loop()
    try:
        await other.create_future()
    except RuntimeError as error:
        print(str(error).split(" got ")[1].split(" ")[0], "attached to a different loop" in str(error))
    other.close()


for test in states, callbacks, callback_contexts, subclasses, by_hand, never_retrieved, foreign:
    print("--", test.__name__)
    asyncio.run(test())
