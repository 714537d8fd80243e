# SPDX-License-Identifier: MIT
# What a generator holds while it is suspended is free again when the loop that left it goes on: a lock, a transaction, the token of a
# ContextVar, a cancel scope. Left by break, return, an exception, cancellation, and the timeout of wait_for(). In CPython the next statement
# may find the lock taken and the transaction open, and a timeout that is still ticking cancels the wrong task. A way round: aclosing().
import asyncio
import contextlib
import contextvars

current = contextvars.ContextVar("current", default=None)


class Database:
    def __init__(self):
        self.open = []

    @contextlib.asynccontextmanager
    async def transaction(self):
        self.open.append("transaction")
        try:
            yield
        finally:
            await asyncio.sleep(0)
            self.open.pop()


async def locked(world):
    async with world.lock:
        for row in range(10):
            yield row


async def in_transaction(world):
    async with world.database.transaction():
        for row in range(10):
            await asyncio.sleep(0)
            yield row


async def with_token(world):
    token = current.set("generator")
    try:
        for row in range(10):
            yield row
    finally:
        current.reset(token)


async def timed(world):
    async with asyncio.timeout(0.02):
        for row in range(10):
            yield row


class World:
    def __init__(self):
        self.lock, self.database = asyncio.Lock(), Database()

    async def look(self):
        try:
            await asyncio.sleep(0.04)            # a timeout that was left behind strikes here
            struck = ""
        except asyncio.CancelledError:
            struck = ", cancelled from outside"
        return f"{self.seen}{struck}"

    def note(self):
        held = ["lock"] * self.lock.locked() + self.database.open + ["token"] * bool(current.get())
        self.seen = "held: " + (" ".join(held) or "nothing")


async def by_break(world, make):
    async for row in make(world):
        break
    world.note()
    return await world.look()


async def leave_by_return(world, make):
    async for row in make(world):
        return row


async def by_return(world, make):
    await leave_by_return(world, make)
    world.note()
    return await world.look()


async def by_exception(world, make):
    try:
        async for row in make(world):
            raise LookupError
    except LookupError:
        world.note()
    return await world.look()


async def wait_inside(world, make):
    async for row in make(world):
        await asyncio.sleep(10 if make is not timed else 0.01)


async def by_cancellation(world, make):
    task = asyncio.create_task(wait_inside(world, make))
    await asyncio.sleep(0.005)
    task.cancel()
    await asyncio.wait([task])
    world.note()
    return await world.look()


async def by_wait_for(world, make):
    try:
        await asyncio.wait_for(wait_inside(world, make), 0.005)
    except TimeoutError:
        world.note()
    return await world.look()


async def main():
    for make in locked, in_transaction, with_token, timed:
        for leave in by_break, by_return, by_exception, by_cancellation, by_wait_for:
            print(make.__name__, leave.__name__, await asyncio.create_task(leave(World(), make)))


loop = asyncio.new_event_loop()
loop.set_exception_handler(lambda loop, context: None)   # CPython's late cleanups fail
loop.run_until_complete(main())
loop.run_until_complete(loop.shutdown_asyncgens())
loop.close()
# cede: locked by_break held: nothing
# cede: locked by_return held: nothing
# cede: locked by_exception held: nothing
# cede: locked by_cancellation held: nothing
# cede: locked by_wait_for held: nothing
# cede: in_transaction by_break held: nothing
# cede: in_transaction by_return held: nothing
# cede: in_transaction by_exception held: nothing
# cede: in_transaction by_cancellation held: nothing
# cede: in_transaction by_wait_for held: nothing
# cede: with_token by_break held: nothing
# cede: with_token by_return held: nothing
# cede: with_token by_exception held: nothing
# cede: with_token by_cancellation held: nothing
# cede: with_token by_wait_for held: nothing
# cede: timed by_break held: nothing
# cede: timed by_return held: nothing
# cede: timed by_exception held: nothing
# cede: timed by_cancellation held: nothing
# cede: timed by_wait_for held: nothing
# python3: locked by_break held: lock
# python3: locked by_return held: lock
# python3: locked by_exception held: lock
# python3: locked by_cancellation held: nothing
# python3: locked by_wait_for held: nothing
# python3: in_transaction by_break held: transaction
# python3: in_transaction by_return held: transaction
# python3: in_transaction by_exception held: transaction
# python3: in_transaction by_cancellation held: transaction
# python3: in_transaction by_wait_for held: transaction
# python3: with_token by_break held: token
# python3: with_token by_return held: token
# python3: with_token by_exception held: token
# python3: with_token by_cancellation held: nothing
# python3: with_token by_wait_for held: nothing
# python3: timed by_break held: nothing
# python3: timed by_return held: nothing
# python3: timed by_exception held: nothing
# python3: timed by_cancellation held: nothing
# python3: timed by_wait_for held: nothing
