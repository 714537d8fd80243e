# Whatever a generator, coroutine or asynchronous generator waits in, whatever is done to it there: the same outcome, and nothing breaks.
import copy
import gc
import pickle
import sys
import traceback
import types
import warnings

if hasattr(sys, "set_asyncgen_mode"):
    sys.set_asyncgen_mode("compat")
warnings.simplefilter("ignore")
sys.unraisablehook = lambda report: log.append(f"unraisable {report.exc_value!r}")
log = []


class Signal(Exception):
    pass


# ---- what is waited in ----

class Bare:
    """An iterator that can only be asked for more."""

    def __init__(self):
        self.count = 0

    def __iter__(self):
        return self

    def __next__(self):
        self.count += 1
        if self.count > 3:
            raise StopIteration("bare")
        return f"bare {self.count}"


class Full(Bare):
    """One that has send, throw and close."""

    def send(self, value):
        log.append(f"full got {value!r}")
        return next(self)

    def throw(self, *what):
        log.append(f"full thrown {len(what)} {what[0]!r}")
        if isinstance(what[0], Signal):
            return "full caught"
        raise what[0]

    def close(self):
        log.append("full closed")


class Unwilling(Bare):
    """One whose methods can't be had, or fail."""

    @property
    def throw(self):
        raise LookupError("no throw")

    @property
    def close(self):
        raise ValueError("no close")


class Awaitable:
    def __init__(self, inner):
        self.inner = inner

    def __await__(self):
        return iter(self.inner)


def leaf(name="leaf"):
    try:
        for i in range(3):
            try:
                got = yield f"{name} {i}"
                if got is not None:
                    log.append(f"{name} got {got!r}")
            except Signal as exc:
                log.append(f"{name} caught {exc!r} in {exc.__context__!r}")
        log.append(f"{name} at its end")
        return f"{name} result"
    except BaseException as exc:
        log.append(f"{name} left by {exc!r}")
        raise


def stubborn():
    while True:
        try:
            yield "stubborn"
        except GeneratorExit:
            log.append("stubborn stays")
            yield "again"
            return "gave up"


def failing():
    try:
        yield "failing 0"
        yield "failing 1"
    finally:
        raise KeyError("in finally")


def over(inner):
    try:
        return "over", (yield from inner)
    except LookupError as exc:
        yield f"over caught {exc!r}"
        raise
    finally:
        log.append("over left")


@types.coroutine
def as_coroutine(inner):
    return (yield from inner)


async def awaits(inner):
    try:
        return "awaited", await inner
    finally:
        log.append("awaits left")


async def awaits_at_once(make):
    return await inner_coroutine(make)


async def inner_coroutine(make):
    try:
        return await Awaitable(make())
    finally:
        log.append("inner left")


class Manager:
    def __init__(self, make, swallow):
        self.make, self.swallow = make, swallow

    async def __aenter__(self):
        return await Awaitable(self.make())

    async def __aexit__(self, *what):
        log.append(f"exit with {what[1]!r}")
        await Awaitable(leaf("exit"))
        return self.swallow


async def manages(make, swallow=False):
    async with Manager(make, swallow) as value:
        log.append(f"entered {value!r}")
        await Awaitable(leaf("body"))
    return "managed"


async def items(make):
    try:
        for i in range(2):
            await Awaitable(make())
            got = yield i
            if got is not None:
                log.append(f"items got {got!r}")
    except Signal:
        log.append("items caught")
        yield "after"
    finally:
        log.append(f"items left by {sys.exc_info()[1]!r}")
        await Awaitable(leaf("end"))


async def iterates(make):
    async for item in items(make):
        log.append(f"item {item}")
    else:
        return "iterated"


async def breaks(make):
    agen = items(make)
    async for item in agen:
        break
    try:
        await Awaitable(leaf("held"))
    finally:
        await agen.aclose()


async def comprehends(make):
    return [x async for x in items(make)] + [await Awaitable(leaf(str(i))) for i in range(2)]


async def by_hand(make):
    agen = items(make)
    first = await agen.__anext__()
    try:
        return first, await agen.asend("sent"), await agen.athrow(Signal("by hand")), await anext(agen, "default")
    finally:
        await agen.aclose()


async def falls_back(make):
    agen = items(make)
    return [await anext(agen, "none left") for _ in range(3)]


async def pipeline(make):
    async def upper(source):
        try:
            async for item in source:
                yield item, "upper"
        finally:
            log.append("upper left")
            await source.aclose()
    agen = upper(upper(items(make)))
    try:
        return [x async for x in agen]
    finally:
        await agen.aclose()


async def handles(make):
    try:
        raise OSError("first")
    except OSError:
        try:
            return await Awaitable(make())
        finally:
            log.append(f"handles left in {sys.exc_info()[1].__class__.__name__}")


def agen_step(method, started, *args):
    """An object made by a method of an asynchronous generator, which is at its first `yield`, or not begun."""
    def make():
        agen = items(leaf)
        if started:
            try:
                step = agen.__anext__()
                while True:
                    step.send(None)
            except StopIteration:
                pass
        return getattr(agen, method)(*args)
    return make


SUBJECTS = {
    "leaf": leaf, "stubborn": stubborn, "failing": failing,
    "generator expression": lambda: (x for x in Bare()),
    "over leaf": lambda: over(leaf()), "over over leaf": lambda: over(over(leaf())),
    "over bare": lambda: over(Bare()), "over full": lambda: over(Full()), "over unwilling": lambda: over(Unwilling()),
    "over stubborn": lambda: over(stubborn()), "over failing": lambda: over(failing()), "over list": lambda: over(["one", "two"]),
    "over coroutine": lambda: as_coroutine(awaits(Awaitable(leaf()))),
    "awaits leaf": lambda: awaits(as_coroutine(leaf())), "awaits object": lambda: awaits(Awaitable(leaf())),
    "awaits bare": lambda: awaits(Awaitable(Bare())), "awaits full": lambda: awaits(Awaitable(Full())),
    "awaits stubborn": lambda: awaits(Awaitable(stubborn())), "awaits at once": lambda: awaits_at_once(leaf),
    "awaits failing at once": lambda: awaits_at_once(failing), "awaits full at once": lambda: awaits_at_once(Full),
    "awaits wrapper": lambda: awaits(awaits(as_coroutine(leaf())).__await__().__class__ and awaits(Awaitable(leaf()))),
    "async with": lambda: manages(leaf), "async with that swallows": lambda: manages(leaf, True),
    "async with failing": lambda: manages(failing), "async for": lambda: iterates(leaf), "async for failing": lambda: iterates(failing),
    "break": lambda: breaks(leaf), "comprehension": lambda: comprehends(leaf),
    "by hand": lambda: by_hand(leaf), "anext with default": lambda: falls_back(leaf), "pipeline": lambda: pipeline(leaf),
    "pipeline of failing": lambda: pipeline(failing), "handles": lambda: handles(leaf),
    "anext step": agen_step("__anext__", True), "asend step": agen_step("asend", True, "hello"), "first step": agen_step("__anext__", False),
    "athrow step": agen_step("athrow", True, Signal), "aclose step": agen_step("aclose", True), "first athrow": agen_step("athrow", False, Signal),
    "first aclose": agen_step("aclose", False),
}

STEPS = {"agen_step", "iterates", "breaks", "comprehends", "by_hand", "falls_back", "pipeline"}     # those that make asynchronous generators

# ---- what is done to it ----


def plain(exc):
    chain = []
    while exc is not None and len(chain) < 6:
        chain.append(repr(exc))
        exc = exc.__cause__ or (None if exc.__suppress_context__ else exc.__context__)
    return " <- ".join(chain)


def outcome(do, *args):
    try:
        return repr(do(*args))
    except BaseException as exc:
        return plain(exc)


def drop(box):
    box.clear()
    gc.collect()


def clear_frame(box):
    for name in "gi_frame", "cr_frame", "ag_frame":
        frame = getattr(box[0], name, None)
        if frame is not None:
            return frame.clear()
    return "no frame"


def describe(box):
    it, said = box[0], []
    for name in "running", "suspended", "frame", "yieldfrom", "await":
        for prefix in "gi_", "cr_":
            if hasattr(it, prefix + name):
                value = getattr(it, prefix + name)
                said.append(f"{name}={value if isinstance(value, bool) else type(value).__name__}")
    return said


def shown(box):
    """Where it waits, as a traceback shows it."""
    frames = traceback.walk_stack(getattr(box[0], "gi_frame", None) or getattr(box[0], "cr_frame", None) or sys._getframe())
    return [frame.f_code.co_name for frame, _ in frames if frame.f_code.co_name not in ("shown", "outcome", "trial", "<module>")]


def drive_from_within(box):
    def intruder():
        log.append(outcome(box[0].send, None))
        log.append(outcome(box[0].close))
        yield "intruder"
    return outcome(box[0].throw, Signal(next(intruder())))


ACTIONS = {
    "send": lambda box: box[0].send(None), "send a value": lambda box: box[0].send("value"),
    "throw type": lambda box: box[0].throw(Signal), "throw": lambda box: box[0].throw(Signal("thrown")),
    "throw with value": lambda box: box[0].throw(Signal, "value"), "throw nonsense": lambda box: box[0].throw("text"),
    "throw exit": lambda box: box[0].throw(GeneratorExit), "throw stop": lambda box: box[0].throw(StopIteration("sent")),
    "throw async stop": lambda box: box[0].throw(StopAsyncIteration("sent")), "throw lookup": lambda box: box[0].throw(LookupError("sent")),
    "close": lambda box: box[0].close(), "drop": drop, "clear": clear_frame, "describe": describe, "shown": shown,
    "copy": lambda box: type(copy.copy(box[0])), "pickle": lambda box: len(pickle.dumps(box[0])), "collect": lambda box: gc.collect() * 0,
    "await again": lambda box: [outcome(awaits(box[0]).send, None), outcome(awaits(box[0]).send, None)], "within": drive_from_within,
}


def trial(make, steps, action, closes):
    box = [make()]
    for _ in range(steps):
        log.append(outcome(box[0].send, None))
    del log[:-1]
    log.append("=> " + outcome(ACTIONS[action], box))
    if not box:
        return
    for _ in range(2 if closes else 20):
        log.append(outcome(box[0].send, None))
    log.append(outcome(box[0].close))
    log.append(outcome(box[0].send, None))
    box.clear()


# python3 did not close, before 3.13, what an asend() or athrow() waits in: with those, nothing is closed before its end. Nor did it say that one
# that something was thrown into has begun.
CLOSING = {"close", "drop", "clear", "throw exit", "within", "await again"}
LEFT_OUT = {
    ("over unwilling", "throw"),                 # as in PEP 380, what looking for the method raises is raised at the `yield from`
    ("awaits", "clear"), ("async with", "clear"), ("handles", "clear"),                # a coroutine that has not begun is closed too
    ("athrow step", "throw"), ("aclose step", "throw"), ("first a", "throw"), ("asend step", "throw"),
}


def is_left_out(subject, action):
    if action == "throw nonsense" and "leaf" not in subject.split()[:1]:         # TypeError, and that is all
        return True
    return any(subject.startswith(start) and action.startswith(kind) for start, kind in LEFT_OUT)


for subject, make in SUBJECTS.items():
    closes = not STEPS & {*make.__code__.co_names, make.__qualname__.partition(".")[0]}
    for steps in range(6):
        for action in ACTIONS:
            if (closes or action not in CLOSING) and not is_left_out(subject, action):
                log.clear()
                trial(make, steps, action, closes)
                gc.collect()
                print(subject, steps, action, *log, sep=" | ")
gc.collect()
