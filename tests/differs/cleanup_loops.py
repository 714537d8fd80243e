# SPDX-License-Identifier: MIT
# A loop that is stopped and run again, shutdown_asyncgens() by hand, and a generator whose last reference goes in another thread: closed in
# its loop, in its context.
import asyncio
import contextvars
import threading

who = contextvars.ContextVar("who", default="nobody")


async def ticker(name):
    token = who.set(name)
    try:
        while True:
            yield name
    finally:
        await asyncio.sleep(0)
        where = "the loop's thread" if threading.current_thread() is threading.main_thread() else "another thread"
        try:
            who.reset(token)
            report(f"  {name} closed in {where}")
        except ValueError:
            report(f"  {name} closed in {where}, not in its context")


async def begin(name):
    box.append(ticker(name))
    await anext(box[-1])


box = []
report = print
loop = asyncio.new_event_loop()
print("stopped and run again")
loop.run_until_complete(begin("first"))
loop.call_soon(loop.stop)
loop.run_forever()
print("  between the runs: still open,", box[0].ag_frame is not None)
box.clear()
print("  dropped between the runs")
loop.run_until_complete(asyncio.sleep(0.01))

print("dropped by another thread")
loop.run_until_complete(begin("second"))


async def wait_for_thread():
    thread = threading.Thread(target=box.clear)
    thread.start()
    while thread.is_alive():
        await asyncio.sleep(0.001)
    await asyncio.sleep(0.01)

loop.run_until_complete(wait_for_thread())

print("shutdown_asyncgens()")
loop.run_until_complete(begin("third"))
loop.run_until_complete(begin("fourth"))
lines = []
report = lines.append
loop.run_until_complete(loop.shutdown_asyncgens())
print(*sorted(lines), sep="\n")                            # python3 closes them in no order that could be relied on
print("  all closed:", [g.ag_frame is None for g in box])
loop.close()
# cede: stopped and run again
# cede:   between the runs: still open, True
# cede:   dropped between the runs
# cede:   first closed in the loop's thread
# cede: dropped by another thread
# cede:   second closed in the loop's thread
# cede: shutdown_asyncgens()
# cede:   fourth closed in the loop's thread
# cede:   third closed in the loop's thread
# cede:   all closed: [True, True]
# python3: stopped and run again
# python3:   between the runs: still open, True
# python3:   dropped between the runs
# python3:   first closed in the loop's thread, not in its context
# python3: dropped by another thread
# python3:   second closed in the loop's thread, not in its context
# python3: shutdown_asyncgens()
# python3:   fourth closed in the loop's thread, not in its context
# python3:   third closed in the loop's thread, not in its context
# python3:   all closed: [True, True]
