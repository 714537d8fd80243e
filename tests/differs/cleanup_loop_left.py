# SPDX-License-Identifier: MIT
# An `async for` that is left early closes the generator it alone holds, there: in the same task and context, before the next statement.
# CPython leaves that to the event loop, which does it some time later, in a task of its own. A way round: contextlib.aclosing().
import asyncio
import contextvars

who = contextvars.ContextVar("who", default="nobody")


async def ticker(name):
    token = who.set(name)
    try:
        for number in range(10):
            await asyncio.sleep(0)
            yield number
    finally:
        await asyncio.sleep(0)
        try:
            who.reset(token)
            place = "same context"
        except ValueError:
            place = "another context"
        mine = asyncio.current_task() is task
        print(f"  {name} closed in {'its' if mine else 'another'} task, {place}")


async def by_break():
    async for number in ticker("break"):
        if number == 1:
            break
    print("  after the loop:", who.get())


async def by_return():
    async for number in ticker("return"):
        if number == 1:
            return f"number {number}"


async def by_exception():
    try:
        async for number in ticker("exception"):
            raise KeyError(number)
    except KeyError:
        print("  handler:", who.get())


async def by_comprehension():
    try:
        print([1 // (1 - number) async for number in ticker("comprehension")])
    except ZeroDivisionError:
        print("  handler:", who.get())


async def by_continue():                         # leaves the inner loop only
    for turn in range(2):
        async for number in ticker(f"continue {turn}"):
            if number == 1:
                break
        else:
            continue
        print("  turn", turn, "is over")


async def main():
    global task
    for consumer in by_break, by_return, by_exception, by_comprehension, by_continue:
        print(consumer.__name__)
        task = asyncio.create_task(consumer())
        result = await task
        print("  done" + (f": {result}" if result else ""))
        await asyncio.sleep(0.01)


asyncio.run(main())
# cede: by_break
# cede:   break closed in its task, same context
# cede:   after the loop: nobody
# cede:   done
# cede: by_return
# cede:   return closed in its task, same context
# cede:   done: number 1
# cede: by_exception
# cede:   exception closed in its task, same context
# cede:   handler: nobody
# cede:   done
# cede: by_comprehension
# cede:   comprehension closed in its task, same context
# cede:   handler: nobody
# cede:   done
# cede: by_continue
# cede:   continue 0 closed in its task, same context
# cede:   turn 0 is over
# cede:   continue 1 closed in its task, same context
# cede:   turn 1 is over
# cede:   done
# python3: by_break
# python3:   after the loop: break
# python3:   done
# python3:   break closed in another task, another context
# python3: by_return
# python3:   done: number 1
# python3:   return closed in another task, another context
# python3: by_exception
# python3:   handler: exception
# python3:   done
# python3:   exception closed in another task, another context
# python3: by_comprehension
# python3:   handler: comprehension
# python3:   done
# python3:   comprehension closed in another task, another context
# python3: by_continue
# python3:   turn 0 is over
# python3:   turn 1 is over
# python3:   continue 0 closed in another task, another context
# python3:   done
# python3:   continue 1 closed in another task, another context
