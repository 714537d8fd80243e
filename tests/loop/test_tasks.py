"""asyncio.Task: steps, results, cancellation, names, contexts, what goes wrong."""
import asyncio
import contextvars
import gc
import re
import types


def attempt(function, *args, **kwargs):
    try:
        return function(*args, **kwargs)
    except BaseException as error:
        return f"{type(error).__name__}: {error}"


def text(value):
    return re.sub(r"at 0x\w+|\S*/(\S+\.py)", r"\1", repr(value))


async def value(x):
    await asyncio.sleep(0)
    return x


async def fail(error):
    await asyncio.sleep(0)
    raise error


async def lives():
    task = asyncio.create_task(value(3), name="three")
    print(text(task), task.get_name(), task.get_coro().__name__, task.done())
    print(await task, text(task), task.result(), task.exception())
    task.set_name(7)
    print(task.get_name(), re.fullmatch(r"Task-\d+", asyncio.create_task(value(1)).get_name()) is not None)
    task = asyncio.create_task(fail(KeyError("k")))
    print(await asyncio.wait([task]) and text(task), attempt(task.result))
    print(attempt(task.set_result, 1), attempt(task.set_exception, ValueError()))
    print(attempt(asyncio.create_task, 3), attempt(asyncio.Task), asyncio.Task[int])
    print(asyncio.current_task().get_name() == asyncio.current_task().get_name(), asyncio.current_task() in asyncio.all_tasks())


async def order():
    seen = []

    async def walk(name, steps):
        for i in range(steps):
            seen.append(f"{name}{i}")
            await asyncio.sleep(0)
        return name

    tasks = [asyncio.create_task(walk(name, steps)) for name, steps in (("a", 3), ("b", 1), ("c", 2))]
    print(await asyncio.gather(*tasks), " ".join(seen))


async def cancellation():
    async def sleeper(log, stubborn=False):
        try:
            await asyncio.get_running_loop().create_future()
        except asyncio.CancelledError as error:
            log.append(error.args)
            if stubborn:
                return "stayed"
            raise

    log = []
    task = asyncio.create_task(sleeper(log))
    print(task.cancel("before it began"), task.cancelling())
    try:
        await task
    except asyncio.CancelledError as error:
        print("cancelled", error.args, log, task.cancelled(), task.cancel(), task.cancelling())
    task = asyncio.create_task(sleeper(log))
    await asyncio.sleep(0)
    print(task.cancel("m1"), task.cancel("m2"), task.cancelling(), task.uncancel(), task.uncancel(), task.uncancel())
    await asyncio.wait([task])
    print(log, task.cancelled(), attempt(task.result), attempt(task.exception))
    task = asyncio.create_task(sleeper(log, True))
    await asyncio.sleep(0)
    task.cancel()
    print(await task, task.cancelled(), task.cancelling())

    async def outer():
        await inner

    inner = asyncio.create_task(sleeper(log))
    tower = asyncio.create_task(outer())
    await asyncio.sleep(0)
    tower.cancel("through")
    await asyncio.wait([tower])
    print(inner.cancelled(), tower.cancelled(), log[-1])

    async def last_moment():
        asyncio.current_task().cancel("own")
        return 1

    task = asyncio.create_task(last_moment())
    await asyncio.wait([task])
    print(task.cancelled(), attempt(task.result))

    async def cancels_itself_and_waits():
        asyncio.current_task().cancel("now")
        try:
            await asyncio.sleep(0)
        except asyncio.CancelledError as error:
            return error.args

    print(await asyncio.create_task(cancels_itself_and_waits()))


async def contexts():
    var = contextvars.ContextVar("var", default="none")

    async def change(x):
        var.set(x)
        await asyncio.sleep(0)
        return var.get()

    var.set("main")
    print(await asyncio.gather(change(1), change(2)), var.get())
    context = contextvars.copy_context()
    await asyncio.create_task(change("given"), context=context)
    print(context[var], var.get())


class Bad:
    def __init__(self, item):
        self.item = item

    def __await__(self):
        yield self.item


@types.coroutine
def plain_yield(item):
    return (yield item)


async def bad_yields():
    async def wait_for(awaitable):
        await awaitable

    loop = asyncio.get_running_loop()
    for item in Bad(5), Bad("x"), Bad(loop.create_future()), Bad(i for i in ()), plain_yield(2), Bad(None):
        task = asyncio.create_task(wait_for(item))
        await asyncio.wait([task])
        message = re.sub(r" at (/|<frozen )[^ ]*?>?:\d+", "", str(task.exception()))
        print(re.sub(r"<[^<>]*(<[^<>]*>[^<>]*)*>", "<...>", message))
    async def itself():
        await asyncio.current_task()
    task = asyncio.create_task(itself())
    await asyncio.wait([task])
    print(str(task.exception()).split(":")[0])


async def stop_iterations():
    async def stop():
        raise StopIteration(3)

    task = asyncio.create_task(stop())
    await asyncio.wait([task])
    print(repr(task.exception()), repr(task.exception().__cause__))


async def lost():
    loop = asyncio.get_running_loop()
    reports = []
    loop.set_exception_handler(lambda loop, context: reports.append((context["message"], sorted(context))))
    task = asyncio.create_task(fail(ValueError("lost")))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    del task
    gc.collect()

    async def for_ever():
        await loop.create_future()

    task = asyncio.create_task(for_ever())
    await asyncio.sleep(0)
    del task
    gc.collect()
    print(reports)


class Loud(asyncio.Task):
    def __init__(self, *args, **kwargs):
        self.log = []
        super().__init__(*args, **kwargs)

    def cancel(self, msg=None):
        self.log.append("cancel")
        return super().cancel(msg)

    def add_done_callback(self, fn, **kwargs):
        self.log.append("callback")
        super().add_done_callback(fn, **kwargs)


async def factories():
    loop = asyncio.get_running_loop()
    made = []

    def factory(loop, coro, **kwargs):
        made.append(sorted(kwargs))
        return Loud(coro, loop=loop, **kwargs)

    loop.set_task_factory(factory)
    print(loop.get_task_factory() is factory, attempt(loop.set_task_factory, 3))
    task = asyncio.create_task(value(1), name="n")
    print(type(task).__name__, task.get_name(), await task, task.log, made)
    task = asyncio.create_task(asyncio.sleep(100))
    await asyncio.sleep(0)
    task.cancel()
    try:
        await task
    except asyncio.CancelledError:
        print(task.log)
    loop.set_task_factory(None)
    print(type(asyncio.create_task(value(2))).__name__)


async def stacks():
    async def inner():
        await asyncio.get_running_loop().create_future()

    task = asyncio.create_task(inner())
    await asyncio.sleep(0)
    print([frame.f_code.co_name for frame in task.get_stack()], len(task.get_stack(limit=1)))
    task.cancel()
    await asyncio.wait([task])
    print(task.get_stack())
    failed = asyncio.create_task(fail(ValueError("x")))
    await asyncio.wait([failed])
    print([frame.f_code.co_name for frame in failed.get_stack()], failed.exception())


class Sender:
    """A coroutine by its methods alone."""
    def __init__(self):
        self.steps = iter((None, None))

    def send(self, value):
        for step in self.steps:
            return step
        raise StopIteration("sent all")

    def throw(self, *args):
        raise args[0]

    def close(self):
        pass

    def __await__(self):
        return self


import collections.abc
collections.abc.Coroutine.register(Sender)


async def foreign_coroutines():
    print(await asyncio.create_task(Sender()))

    @types.coroutine
    def old_style():
        yield
        return "old"

    print(await asyncio.create_task(old_style()))


for test in (lives, order, cancellation, contexts, bad_yields, stop_iterations, lost, factories, stacks, foreign_coroutines):
    print("--", test.__name__)
    asyncio.run(test())

for error in KeyboardInterrupt("ki"), SystemExit(3):
    loop = asyncio.new_event_loop()
    task = loop.create_task(fail(error))
    print(attempt(loop.run_until_complete, task), task.done(), loop.is_running(), repr(task.exception()))
    loop.close()
getattr(asyncio.coroutines, "_iscoroutine_typecache", set()).clear()     # it would keep Sender
