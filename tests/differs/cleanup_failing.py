# SPDX-License-Identifier: MIT
# What goes wrong in a generator's cleanup reaches whoever left the generator, with the exception that was on its way as __context__, as
# from a `finally`. CPython gives it to the loop's exception handler, some time later.
import asyncio


async def raises():
    try:
        while True:
            yield 1
    finally:
        await asyncio.sleep(0)
        raise OSError("cleanup failed")


async def yields():
    try:
        while True:
            yield 1
    finally:
        yield 2


async def leave_by_break(make):
    async for number in make():
        break
    return "broke out"


async def leave_by_return(make):
    async for number in make():
        return "returned"


async def leave_by_exception(make):
    async for number in make():
        raise KeyError("consumer")


async def leave_by_handled(make):
    try:
        async for number in make():
            raise KeyError("consumer")
    except KeyError:
        return "handled"


async def leave_inside_handler(make):
    try:
        raise KeyError("before")
    except KeyError:
        async for number in make():
            break
    return "left"


async def end_of_frame(make):
    numbers = make()
    async for number in numbers:
        break
    raise KeyError("frame")


def told(error):
    parts = []
    while error:
        parts.append(repr(error))
        error = error.__context__
    return " <- ".join(parts)


def reported(loop, context):
    print("  loop:", context["message"].split(" <")[0].split(":")[0], told(context.get("exception")))


async def main():
    asyncio.get_running_loop().set_exception_handler(reported)
    for make in raises, yields:
        for leave in leave_by_break, leave_by_return, leave_by_exception, leave_by_handled, leave_inside_handler, end_of_frame:
            print(make.__name__, leave.__name__)
            try:
                print(" ", await leave(make))
            except Exception as error:
                print("  consumer:", told(error))
                error = None
            await asyncio.sleep(0.01)


asyncio.run(main())
# cede: raises leave_by_break
# cede:   consumer: OSError('cleanup failed') <- GeneratorExit()
# cede: raises leave_by_return
# cede:   consumer: OSError('cleanup failed') <- GeneratorExit()
# cede: raises leave_by_exception
# cede:   consumer: OSError('cleanup failed') <- GeneratorExit() <- KeyError('consumer')
# cede: raises leave_by_handled
# cede:   consumer: OSError('cleanup failed') <- GeneratorExit() <- KeyError('consumer')
# cede: raises leave_inside_handler
# cede:   consumer: OSError('cleanup failed') <- GeneratorExit()
# cede: raises end_of_frame
# cede:   consumer: OSError('cleanup failed') <- GeneratorExit() <- KeyError('frame')
# cede: yields leave_by_break
# cede:   consumer: RuntimeError('async generator ignored GeneratorExit')
# cede: yields leave_by_return
# cede:   consumer: RuntimeError('async generator ignored GeneratorExit')
# cede: yields leave_by_exception
# cede:   consumer: RuntimeError('async generator ignored GeneratorExit') <- KeyError('consumer')
# cede: yields leave_by_handled
# cede:   consumer: RuntimeError('async generator ignored GeneratorExit') <- KeyError('consumer')
# cede: yields leave_inside_handler
# cede:   consumer: RuntimeError('async generator ignored GeneratorExit') <- KeyError('before')
# cede: yields end_of_frame
# cede:   consumer: RuntimeError('async generator ignored GeneratorExit') <- KeyError('frame')
# python3: raises leave_by_break
# python3:   broke out
# python3:   loop: Task exception was never retrieved OSError('cleanup failed') <- GeneratorExit()
# python3: raises leave_by_return
# python3:   returned
# python3:   loop: Task exception was never retrieved OSError('cleanup failed') <- GeneratorExit()
# python3: raises leave_by_exception
# python3:   consumer: KeyError('consumer')
# python3:   loop: Task exception was never retrieved OSError('cleanup failed') <- GeneratorExit()
# python3: raises leave_by_handled
# python3:   handled
# python3:   loop: Task exception was never retrieved OSError('cleanup failed') <- GeneratorExit()
# python3: raises leave_inside_handler
# python3:   left
# python3:   loop: Task exception was never retrieved OSError('cleanup failed') <- GeneratorExit()
# python3: raises end_of_frame
# python3:   consumer: KeyError('frame')
# python3:   loop: Task exception was never retrieved OSError('cleanup failed') <- GeneratorExit()
# python3: yields leave_by_break
# python3:   broke out
# python3:   loop: Task exception was never retrieved RuntimeError('async generator ignored GeneratorExit')
# python3: yields leave_by_return
# python3:   returned
# python3:   loop: Task exception was never retrieved RuntimeError('async generator ignored GeneratorExit')
# python3: yields leave_by_exception
# python3:   consumer: KeyError('consumer')
# python3:   loop: Task exception was never retrieved RuntimeError('async generator ignored GeneratorExit')
# python3: yields leave_by_handled
# python3:   handled
# python3:   loop: Task exception was never retrieved RuntimeError('async generator ignored GeneratorExit')
# python3: yields leave_inside_handler
# python3:   left
# python3:   loop: Task exception was never retrieved RuntimeError('async generator ignored GeneratorExit')
# python3: yields end_of_frame
# python3:   consumer: KeyError('frame')
# python3:   loop: Task exception was never retrieved RuntimeError('async generator ignored GeneratorExit')
