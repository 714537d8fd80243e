# SPDX-License-Identifier: MIT
# What a task drops is closed before that task counts as done, so who waits for the task finds everything put away. In CPython the cleanup
# runs some time later, perhaps after what it needs is gone. A way round: aclose() what the task opened.
import asyncio


async def ticker(name):
    try:
        while True:
            yield name
    finally:
        await asyncio.sleep(0.01)
        print(f"  {name} closed")


async def drop(name):
    box = [ticker(name)]
    await anext(box[0])
    box.clear()


async def returns():
    await drop("returns")
    return "result"


async def raises():
    await drop("raises")
    raise LookupError("from the task")


async def cancelled():
    await drop("cancelled")
    await asyncio.sleep(10)


async def drops_many():
    for i in range(3):
        await drop(f"number {i}")


async def cancels_itself():
    await drop("itself")
    asyncio.current_task().cancel()


async def keeps():
    kept.append(ticker("kept"))
    await anext(kept[0])


async def hangs():
    async def hanging():
        try:
            yield 1
        finally:
            try:
                await asyncio.sleep(10)
            except asyncio.CancelledError:
                print("  cleanup cancelled")
                raise
    box = [hanging()]
    await anext(box[0])
    box.clear()
    asyncio.get_running_loop().call_later(0.02, asyncio.current_task().cancel)
    return "result stays"


async def awaited_by_its_own():
    me = asyncio.current_task()

    async def waiting():
        try:
            yield 1
        finally:
            print("  cleanup saw", await me)
    box = [waiting()]
    await anext(box[0])
    box.clear()
    return "me"


async def main():
    for work in returns, raises, cancelled, drops_many, cancels_itself, keeps, hangs, awaited_by_its_own:
        print(work.__name__)
        task = asyncio.create_task(work())
        if work is cancelled:
            await asyncio.sleep(0.001)
            task.cancel()
        try:
            print("  done:", await task)
        except (LookupError, asyncio.CancelledError) as error:
            print("  done:", type(error).__name__)
        await asyncio.sleep(0.1)
        for other in asyncio.all_tasks() - {asyncio.current_task()}:
            other.cancel()
        await asyncio.sleep(0)

kept = []
asyncio.run(main())
# cede: returns
# cede:   returns closed
# cede:   done: result
# cede: raises
# cede:   raises closed
# cede:   done: LookupError
# cede: cancelled
# cede:   cancelled closed
# cede:   done: CancelledError
# cede: drops_many
# cede:   number 0 closed
# cede:   number 1 closed
# cede:   number 2 closed
# cede:   done: None
# cede: cancels_itself
# cede:   itself closed
# cede:   done: CancelledError
# cede: keeps
# cede:   done: None
# cede: hangs
# cede:   cleanup cancelled
# cede:   done: result stays
# cede: awaited_by_its_own
# cede:   done: me
# cede:   cleanup saw me
# cede:   kept closed
# python3: returns
# python3:   done: result
# python3:   returns closed
# python3: raises
# python3:   done: LookupError
# python3:   raises closed
# python3: cancelled
# python3:   done: CancelledError
# python3:   cancelled closed
# python3: drops_many
# python3:   done: None
# python3:   number 0 closed
# python3:   number 1 closed
# python3:   number 2 closed
# python3: cancels_itself
# python3:   done: CancelledError
# python3:   itself closed
# python3: keeps
# python3:   done: None
# python3: hangs
# python3:   done: result stays
# python3:   cleanup cancelled
# python3: awaited_by_its_own
# python3:   done: me
# python3:   cleanup saw me
# python3:   kept closed
