# SPDX-License-Identifier: MIT
# Ways to leave a pipeline three deep, and comprehensions of every kind: all is closed, consumer first, before the next statement of whoever left.
# A cleanup that takes long holds up who left; a cancellation or a timeout ends it there. When a coroutine is closed nobody can await, and the
# hook of the loop closes what it held, as in CPython. There, nothing but what already ran to its end is closed in time.
import asyncio


async def source():
    try:
        for number in range(100):
            yield number
            await asyncio.sleep(0)
    finally:
        await asyncio.sleep(0)
        log.append("source")


async def double(items):
    try:
        async for item in items:
            yield item * 2
    finally:
        await asyncio.sleep(0)
        log.append("double")


async def text(items):
    try:
        async for item in items:
            yield str(item)
    finally:
        await asyncio.sleep(0)
        log.append("text")


def pipeline():
    return text(double(source()))


async def by_return():
    async for item in pipeline():
        return item


async def by_exception():
    async for item in pipeline():
        raise LookupError(item)


async def by_cancellation():
    async for item in pipeline():
        asyncio.current_task().cancel()
        await asyncio.sleep(0)


async def by_wait_for():
    async def reads():
        async for item in pipeline():
            await asyncio.sleep(10)

    await asyncio.wait_for(reads(), 0.01)


async def by_timeout():
    async with asyncio.timeout(0.01):
        async for item in pipeline():
            await asyncio.sleep(10)


async def by_group():
    async def fails():
        raise LookupError("of a neighbour")

    async def reads():
        async for item in pipeline():
            await asyncio.sleep(10)

    async with asyncio.TaskGroup() as group:
        group.create_task(reads())
        await asyncio.sleep(0.01)
        group.create_task(fails())


async def by_error_of_the_source():
    async def failing():
        yield 1
        raise LookupError("source")

    async for item in text(double(failing())):
        pass


def fail(item):
    raise LookupError(item)


async def in_list():
    return [fail(item) async for item in pipeline()]


async def in_set():
    return {item async for item in pipeline() if fail(item)}


async def in_dict():
    return {item: fail(item) async for item in pipeline()}


async def in_inner_comprehension():
    return [[fail(item) async for item in pipeline()] for _ in range(2)]


async def in_generator_expression():
    async for item in (fail(item) async for item in pipeline()):
        pass


async def generator_expression_left():
    async for item in (item async for item in pipeline()):
        break


async def two_loops():
    return [fail(a + b) async for a in pipeline() async for b in pipeline()]


async def leave(way):
    log.clear()
    try:
        result = await way()
    except (LookupError, asyncio.CancelledError, TimeoutError, ExceptionGroup) as error:
        result = type(error).__name__
    print(f"{way.__name__}: {result}; closed: {' '.join(log) or 'nothing'}")


async def hangs():
    try:
        yield 1
    finally:
        try:
            await asyncio.sleep(10)
        except asyncio.CancelledError:
            log.append("cleanup cancelled")
            raise


async def leaves_hanging():
    async for item in hangs():
        break
    log.append("went on")
    await asyncio.sleep(10)


async def hanging_cleanup():
    log.clear()
    task = asyncio.create_task(leaves_hanging())
    await asyncio.sleep(0.01)
    task.cancel()
    try:
        await task
    except asyncio.CancelledError:
        print("cancelled while it cleans up:", log)
    log.clear()
    try:
        await asyncio.wait_for(leaves_hanging(), 0.01)
    except TimeoutError:
        print("out of time:", log)


async def closed_coroutine():
    async def reads():
        async for item in source():
            await asyncio.Event().wait()

    log.clear()
    coroutine = reads()
    coroutine.send(None)
    coroutine.close()
    print("coroutine closed; generator closed:", log)
    await asyncio.sleep(0.01)
    print("a little later:", log)


async def main():
    for way in (by_return, by_exception, by_cancellation, by_wait_for, by_timeout, by_group, by_error_of_the_source,
                in_list, in_set, in_dict, in_inner_comprehension, in_generator_expression, generator_expression_left, two_loops):
        await asyncio.create_task(leave(way))
        await asyncio.sleep(0.01)
    await hanging_cleanup()
    await closed_coroutine()


log = []
asyncio.run(main())
# cede: by_return: 0; closed: text double source
# cede: by_exception: LookupError; closed: text double source
# cede: by_cancellation: CancelledError; closed: text double source
# cede: by_wait_for: TimeoutError; closed: text double source
# cede: by_timeout: TimeoutError; closed: text double source
# cede: by_group: ExceptionGroup; closed: text double source
# cede: by_error_of_the_source: LookupError; closed: double text
# cede: in_list: LookupError; closed: text double source
# cede: in_set: LookupError; closed: text double source
# cede: in_dict: LookupError; closed: text double source
# cede: in_inner_comprehension: LookupError; closed: text double source
# cede: in_generator_expression: LookupError; closed: text double source
# cede: generator_expression_left: None; closed: text double source
# cede: two_loops: LookupError; closed: text double source text double source
# cede: cancelled while it cleans up: ['cleanup cancelled']
# cede: out of time: ['cleanup cancelled']
# cede: coroutine closed; generator closed: []
# cede: a little later: ['source']
# python3: by_return: 0; closed: nothing
# python3: by_exception: LookupError; closed: nothing
# python3: by_cancellation: CancelledError; closed: nothing
# python3: by_wait_for: TimeoutError; closed: nothing
# python3: by_timeout: TimeoutError; closed: nothing
# python3: by_group: ExceptionGroup; closed: nothing
# python3: by_error_of_the_source: LookupError; closed: double text
# python3: in_list: LookupError; closed: nothing
# python3: in_set: LookupError; closed: nothing
# python3: in_dict: LookupError; closed: nothing
# python3: in_inner_comprehension: LookupError; closed: nothing
# python3: in_generator_expression: LookupError; closed: nothing
# python3: generator_expression_left: None; closed: nothing
# python3: two_loops: LookupError; closed: nothing
# python3: cancelled while it cleans up: ['went on']
# python3: out of time: ['went on']
# python3: coroutine closed; generator closed: []
# python3: a little later: ['source']
