# SPDX-License-Identifier: MIT
# Call graphs of tasks, of 3.14.
import asyncio
import io
import re


def show(text):
    text = re.sub(r"0x[0-9a-f]+", "ID", text)
    text = re.sub(r"line \d+, in", "line N, in", text)
    print(re.sub(r"File '[^']*?(\w+)(\.py|>)'", r"File '\1'", text))


async def innermost():
    graph = asyncio.capture_call_graph()
    print(type(graph).__name__, graph.future is asyncio.current_task(), [entry.frame.f_code.co_name for entry in graph.call_stack])
    print([entry.frame.f_code.co_name for entry in asyncio.capture_call_graph(limit=1).call_stack],
          [entry.frame.f_code.co_name for entry in asyncio.capture_call_graph(limit=-1).call_stack],
          asyncio.capture_call_graph(limit=0).call_stack)
    out = io.StringIO()
    asyncio.print_call_graph(file=out)
    show(out.getvalue())
    await asyncio.sleep(0)


async def middle():
    await innermost()


async def waits(future):
    await future


async def main():
    await asyncio.create_task(middle(), name="middle")
    future = asyncio.get_running_loop().create_future()
    tasks = [asyncio.create_task(waits(future), name=name) for name in "ab"]
    await asyncio.sleep(0)
    show(asyncio.format_call_graph(future))
    graph = asyncio.capture_call_graph(future)
    print(len(graph.awaited_by), {waiter.future for waiter in graph.awaited_by} == set(tasks))
    future.set_result(None)
    await asyncio.gather(*tasks)
    print(asyncio.capture_call_graph(future).awaited_by)

    async def child():
        await asyncio.sleep(10)

    async with asyncio.TaskGroup() as group:
        leaf = group.create_task(child(), name="leaf")
        await asyncio.sleep(0)
        print([waiter.future.get_name() for waiter in asyncio.capture_call_graph(leaf).awaited_by])
        leaf.cancel()
    for wrong in 1, "x":
        try:
            asyncio.capture_call_graph(wrong)
        except TypeError:
            print("TypeError")


asyncio.run(main(), debug=False)
try:
    asyncio.capture_call_graph()
except RuntimeError:
    print("RuntimeError")
