"""Frozen modules: what importlib says of them."""
import _imp
import importlib
import importlib.machinery
import sys

finder = importlib.machinery.FrozenImporter
spec = finder.find_spec("__hello__")
print(spec.name, spec.origin, spec.loader is finder, spec.has_location, spec.parent, spec.submodule_search_locations, spec.cached)
print(finder.find_spec("no_such_module"), _imp.find_frozen("no_such_module"), _imp.is_frozen("no_such_module"), _imp.is_frozen("__hello__"))
print(_imp.is_frozen_package("__hello__"), "__hello__" in _imp._frozen_module_names())
for function in (_imp.is_frozen_package, _imp.get_frozen_object):
    try:
        function("no_such_module")
    except ImportError as error:
        print(type(error).__name__, error, error.name)
for function in (_imp.is_frozen, _imp.find_frozen):
    try:
        function(1)
    except TypeError as error:
        print(type(error).__name__)

import __hello__
print(__hello__, __hello__.__loader__ is finder, __hello__.__package__ == "", __hello__.__spec__.origin)
print(__hello__.main.__code__.co_filename, finder.is_package("__hello__"), finder.get_source("__hello__"))
print(type(finder.get_code("__hello__")).__name__, type(_imp.find_frozen("__hello__", withdata=True)[0]).__name__)
again = importlib.reload(__hello__)
print(again is __hello__, sys.modules["__hello__"] is again)
del sys.modules["__hello__"]
other = importlib.import_module("__hello__")
print(other is again, list(vars(other.__spec__)))
other.main()
