# SPDX-License-Identifier: MIT
"""Modules that only the event loops of the installed library have: they are loaded from there, unmodified, over this package."""
import sys


def become(name):
    """The frozen module `name`, which is being imported, gives its place to the installed library's module of that name."""
    folder = getattr(sys, '_stdlib_dir', None)
    if not folder:
        raise ModuleNotFoundError(f'{name} is in the library only, and there is none', name=name)
    from _frozen_importlib_external import spec_from_file_location
    spec = spec_from_file_location(name, f'{folder}/asyncio/{name.rpartition(".")[2]}.py')
    module = type(sys)(name)
    module.__spec__, module.__loader__, module.__package__ = spec, spec.loader, spec.parent
    module.__file__, module.__cached__ = spec.origin, spec.cached
    sys.modules[name] = module
    spec.loader.exec_module(module)
