# SPDX-License-Identifier: MIT
"""Stand-ins for modules of the library, so that `import asyncio` loads only what every program needs."""
from builtins import __import__ as _import
import sys

_set = object.__setattr__
_get = object.__getattribute__


def load(stand_in, _get=_get, _import=_import, _loaded=sys.modules):
    own = _get(stand_in, '__dict__')
    module = own.get('_module')
    if module is None:
        _import(own['_target'])
        module = own['_module'] = _loaded[own['__name__']]
    return module


class LazyModule(type(sys)):
    """Looks like the module of that name, which is imported when an attribute is first asked for.

    Attributes are read, set and deleted in the module itself, so mock.patch works through it. At the end of a program, when objects still
    use it, the names of this module may be gone; so its methods have what they need as defaults.
    """

    def __getattribute__(self, name, _load=load):
        return getattr(_load(self), name)

    def __setattr__(self, name, value, _load=load):
        setattr(_load(self), name, value)

    def __delattr__(self, name, _load=load):
        delattr(_load(self), name)

    def __dir__(self, _load=load):
        return dir(_load(self))

    def __repr__(self, _load=load):
        return repr(_load(self))


def lazy(name, target=None):
    """The module if it is loaded already, else a stand-in. `target`: a submodule that is wanted with it."""
    target = target or name
    if target in sys.modules:
        return sys.modules[name]
    stand_in = LazyModule(name)
    _get(stand_in, '__dict__')['_target'] = target
    return stand_in


class LastLogger:
    """Stands in when a report comes so late in the end of a program that `logging` can't be loaded any more. Prints as that would without
    handlers."""

    __slots__ = ()

    def error(self, message, *args, exc_info=None, _sys=sys, _isinstance=isinstance, _tuple=tuple):
        stream = _sys.stderr
        if stream is None:
            return
        stream.write(f'{message % args if args else message}\n')
        if exc_info:
            _sys.__excepthook__(*(exc_info if _isinstance(exc_info, _tuple) else _sys.exc_info()))

    warning = critical = exception = error

    def debug(self, *args, **kwargs):
        pass

    info = debug

    def isEnabledFor(self, level):
        return level >= 30


def load_logger(_last=LastLogger()):
    try:
        from .log import logger
    except (ImportError, NameError):
        return _last
    return logger


class LazyLogger:
    """The logger `asyncio`, made when it is first used. Its methods have what they need as defaults, as above."""

    __slots__ = ()

    def __getattribute__(self, name, _load=load_logger, _getattr=getattr):
        return _getattr(_load(), name)

    def __setattr__(self, name, value, _load=load_logger, _setattr=setattr):
        _setattr(_load(), name, value)

    def __delattr__(self, name, _load=load_logger, _delattr=delattr):
        _delattr(_load(), name)

    def __repr__(self, _load=load_logger, _repr=repr):
        return _repr(_load())


lazy_logger = LazyLogger()
