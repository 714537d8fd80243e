"""async with of classes written in Python: how their coroutines are called, suspended, thrown into, closed."""
import types


@types.coroutine
def suspend(x=None):
    return (yield x)


class Fixed:
    async def __aenter__(self):
        return await suspend('enter')

    async def __aexit__(self, kind, value, traceback):
        print('exit', kind, await suspend('leave'))
        return kind is ValueError


class Variable:
    async def __aenter__(self):
        return self

    async def __aexit__(self, *args):
        print('exit', args[:1], len(args))


class Keywords:
    async def __aenter__(self, *rest, more=1):
        return rest, more

    async def __aexit__(self, *args, **more):
        print('exit', args[:1], more)


class Few:
    async def __aenter__(self):
        return 1

    async def __aexit__(self):
        pass


class Plain:
    def __aenter__(self):
        return suspend('plain')

    def __aexit__(self, *args):
        return 5


async def use(manager, error=None):
    async with manager as value:
        print('in', type(value).__name__)
        if error:
            raise error
    return 'done'


def drive(coroutine, throw_at=None):
    step = 0
    try:
        value = coroutine.send(None)
        while True:
            step += 1
            print('yields', value)
            value = coroutine.throw(KeyError(step)) if step == throw_at else coroutine.send(step)
    except BaseException as e:
        print(type(e).__name__, e, repr(e.__context__))


for make in Fixed, Variable, Keywords, Few, Plain:
    for error in None, ValueError('x'), TypeError('y'):
        for at in None, 1, 2:
            print(make.__name__, repr(error), at)
            drive(use(make(), error), at)
for steps in 1, 2:
    coroutine = use(Fixed())
    for step in range(steps):
        coroutine.send(None)
    print(coroutine.cr_await.__name__)
    coroutine.close()
