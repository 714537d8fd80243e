# An exception that a handler raised again is gone with its last name: nothing in the frames it passed keeps it.
import gc
import weakref

gc.disable()


class Failure(Exception):
    pass


class Local:
    pass


alive = []


def local():
    value = Local()
    alive.append(weakref.ref(value))
    return value


def fail():
    value = local()
    raise Failure


def bare():
    value = local()
    try:
        fail()
    except Failure:
        raise


def several():
    value = local()
    try:
        fail()
    except (OSError, Failure):
        len("x")
        raise


def nested():
    value = local()
    try:
        try:
            bare()
        finally:
            len("x")
    except Failure:
        raise


def named():
    value = local()
    try:
        nested()
    except Failure as e:
        alive.append(weakref.ref(e))
        raise ValueError("another") from e


def generator():
    value = local()
    try:
        yield 1
    except Failure:
        raise


def thrown():
    g = generator()
    next(g)
    g.throw(Failure())


for function in bare, several, nested, named, thrown:
    try:
        function()
    except (Failure, ValueError):
        pass
    print(function.__name__, [r() is None for r in alive])
    alive.clear()
