# SPDX-License-Identifier: MIT
"""The package's logger, made when it is asked for: `logging` is a large import."""


def __getattr__(name):
    if name not in ('logger', 'logging'):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import logging
    values = globals()
    values['logging'] = logging
    values['logger'] = logging.getLogger(__package__)
    return values[name]
