# What may be given as the context of a callback: a Context, None, or anything that has run(); what is nothing of these is reported, for the
# callback is not run then.
import asyncio
import contextvars

var = contextvars.ContextVar("var", default="unset")


class Wrapper:
    def __init__(self, context):
        self.context = context

    def run(self, function, *args):
        print("  run", len(args))
        return self.context.run(function, *args)


def report(loop, context):
    print("  report:", context["message"].split(" at ")[0], repr(context["exception"]))


def callback(*args):
    print("  called", var.get(), len(args))
    var.set("by a callback")


async def main():
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(report)
    context = contextvars.Context()
    context.run(var.set, "in a context")
    for kind in None, context, Wrapper(context), 3, [1], "text", object():
        print(type(kind).__name__)
        future = loop.create_future()
        loop.call_soon(callback, context=kind)
        loop.call_soon_threadsafe(callback, 1, 2, 3, context=kind)
        future.add_done_callback(callback, context=kind)
        future.set_result(None)
        asyncio.Handle(callback, (1,), loop, kind)._run()
        loop.call_later(0, callback, 1, 2, context=kind)
        await asyncio.sleep(0.005)
    print(var.get(), context[var])

asyncio.run(main())
