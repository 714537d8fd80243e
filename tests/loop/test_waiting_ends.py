"""What follows a wait in an event, a lock, a semaphore or a queue: told, told too late, cancelled, thrown out, closed, subclassed."""
import asyncio


class Told(asyncio.Queue):
    """Subclasses see who takes what."""

    def _get(self):
        item = super()._get()
        print("taken:", item)
        return item


async def waits(name, awaitable):
    try:
        print(name, "got", await awaitable)
    except BaseException as error:
        print(name, "ended by", type(error).__name__, error)
        raise


async def turns(n=3):
    for _ in range(n):
        await asyncio.sleep(0)


async def in_event(name, event):
    try:
        print(name, "got", await event.wait())
    finally:
        print(name, "leaves, waiters:", len(event._waiters))


async def in_queue(name, queue):
    try:
        print(name, "got", await queue.get())
    finally:
        print(name, "leaves, getters:", len(queue._getters))


async def in_lock(name, lock):
    async with lock:
        print(name, "has it")
        await asyncio.sleep(0)


async def taking(name, lock):
    print(name, "acquired:", await lock.acquire())
    lock.release()


async def events():
    event = asyncio.Event()
    tasks = [asyncio.create_task(in_event(f"e{i}", event)) for i in range(3)]
    await turns()
    tasks[1].cancel()
    await turns()
    event.set()
    print(await asyncio.gather(*tasks, return_exceptions=True))


async def thrown():
    """A coroutine driven by hand, with an exception thrown in, and one that is closed."""
    event, queue, lock = asyncio.Event(), asyncio.Queue(), asyncio.Lock()
    await lock.acquire()
    for name, make in ("event", lambda: in_event("t", event)), ("queue", lambda: in_queue("t", queue)), ("lock", lambda: taking("t", lock)):
        coroutine = make()
        coroutine.send(None)
        try:
            coroutine.throw(KeyError(name))
        except KeyError as error:
            print("thrown out of", error, type(error.__context__))
        coroutine = make()
        coroutine.send(None)
        coroutine.close()
        coroutine = make()
        coroutine.send(None)
        del coroutine
        print(name, "left:", len(event._waiters), len(queue._getters), len(lock._waiters or ()))


async def queues():
    queue = Told()
    tasks = [asyncio.create_task(in_queue(f"q{i}", queue)) for i in range(3)]
    await turns()
    queue.put_nowait("a")
    print("snatched", queue.get_nowait())           # the first was told, and has to wait again
    await turns()
    print("again:", len(queue._getters))
    tasks[1].cancel()
    await turns()
    for item in "bc":
        queue.put_nowait(item)
    print(await asyncio.gather(*tasks, return_exceptions=True))
    # told, and cancelled before it could run: the other one gets it
    tasks = [asyncio.create_task(in_queue(f"r{i}", queue)) for i in range(2)]
    await turns()
    queue.put_nowait("d")
    tasks[0].cancel()
    await turns()
    print([task.done() for task in tasks])
    print(await asyncio.gather(*tasks, return_exceptions=True))
    # waits again, and is cancelled then
    task = asyncio.create_task(in_queue("s", queue))
    await turns()
    queue.put_nowait("e")
    queue.get_nowait()
    await turns()
    task.cancel("enough")
    print(await asyncio.gather(task, return_exceptions=True), len(queue._getters))


async def locks():
    lock = asyncio.Lock()
    await lock.acquire()
    tasks = [asyncio.create_task(in_lock(f"l{i}", lock)) for i in range(3)]
    tasks.append(asyncio.create_task(taking("l3", lock)))
    await turns()
    lock.release()
    tasks[0].cancel()                               # it was told
    tasks[2].cancel()
    print(await asyncio.gather(*tasks, return_exceptions=True), lock.locked())
    semaphore = asyncio.Semaphore(1)
    await semaphore.acquire()
    tasks = [asyncio.create_task(taking(f"m{i}", semaphore)) for i in range(3)]
    await turns()
    semaphore.release()
    tasks[0].cancel()
    print(await asyncio.gather(*tasks, return_exceptions=True), semaphore._value)


async def as_tasks():
    """The coroutines themselves, where somebody wants them."""
    event, queue = asyncio.Event(), asyncio.Queue()
    coroutine = event.wait()
    print(asyncio.iscoroutine(coroutine), coroutine.__qualname__)
    first, second = asyncio.create_task(coroutine), asyncio.create_task(queue.get())
    try:
        await asyncio.wait_for(event.wait(), 0.001)
    except asyncio.TimeoutError:
        print("too late,", len(event._waiters))
    event.set()
    queue.put_nowait(5)
    print(await first, await second, await asyncio.sleep(0.001, "slept"))
    sleeper = asyncio.create_task(waits("sleep", asyncio.sleep(10)))
    await turns()
    sleeper.cancel("up")
    print(await asyncio.gather(sleeper, return_exceptions=True))


async def nap(delay, result="nothing"):
    return await asyncio.sleep(delay, result)


async def main():
    for part in events, thrown, queues, locks, as_tasks:
        print("--", part.__name__)
        await part()
    print(await nap(0.001), await nap(0.001, "much"))
    task = asyncio.create_task(nap(10))
    await turns()
    print(task.get_coro().cr_await is not None, task.get_coro().cr_code.co_name)
    task.cancel()
    try:
        await task
    except asyncio.CancelledError:
        print("cancelled")


asyncio.run(main())
