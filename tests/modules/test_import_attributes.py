"""What modules carry after an import, whichever way they came."""
import importlib
import importlib.machinery
import os
import sys
import tempfile
import types


def text(value, folder):
    return str(value).replace(folder, "FOLDER").replace(".cede-311", ".TAG").replace(".cpython-311", ".TAG")


def show(module, folder):
    names = [n for n in vars(module) if n.startswith("__") and n not in ("__annotations__",)]
    print(module.__name__, names)
    spec = module.__spec__
    print("  ", type(spec) is importlib.machinery.ModuleSpec, type(module.__loader__) is importlib.machinery.SourceFileLoader, spec.loader is module.__loader__)
    print("  ", list(vars(spec)), spec.name, text(spec.origin, folder), text(spec.cached, folder), text(spec.submodule_search_locations, folder), spec.parent,
          spec.has_location, spec.loader_state, spec._initializing)
    print("  ", vars(module.__loader__).keys(), module.__loader__.name, text(module.__loader__.path, folder), module.__loader__.is_package(module.__name__))
    print("  ", module.__package__, text(module.__file__, folder), text(getattr(module, "__path__", None), folder), text(module.__cached__, folder),
          getattr(module, "__path__", None) is spec.submodule_search_locations, text(repr(module), folder), type(module) is types.ModuleType)


FILES = {
    "plain.py": "'doc'\nx = 1\n",
    "package/__init__.py": "from . import inner\nfrom .inner import y\n__all__ = ['late', 'inner']\n",
    "package/inner.py": "y = 2\n",
    "package/late.py": "z = 3\n",
    "package/deep/__init__.py": "",
    "package/deep/er.py": "from ... import plain\n" if False else "from ..inner import y as up\nfrom . import __name__ as n\n",
    "space/part/mod.py": "v = 4\n",
    "both.py": "which = 'module'\n",
    "both/__init__.py": "which = 'package'\n",
    "shadow/nothing.txt": "",
    "shadow.py": "which = 'module beside a folder'\n",
    "circle_a.py": "import circle_b\na = 1\n",
    "circle_b.py": "import circle_a\ntry:\n    from circle_a import a\nexcept ImportError as e:\n    print(str(e).split(' (')[0], e.name)\n"
                   "try:\n    circle_a.a\nexcept AttributeError as e:\n    print(e)\n",
    "fails.py": "partial = 1\n1 / 0\n",
    "replaces.py": "import sys\nsys.modules[__name__] = 'replaced'\n",
    "vanishes.py": "import sys\ndel sys.modules[__name__]\n",
    "syntax.py": "def f(:\n",
    "own_getattr.py": "def __getattr__(name):\n    if name == 'made':\n        return 'made on demand'\n    raise AttributeError(name)\n",
}


def attempt(statement):
    space = {}
    try:
        exec(statement, space)
        print(statement, "->", [n for n in space if n != "__builtins__"])
    except BaseException as e:
        print(statement, "->", type(e).__name__, text(e if not isinstance(e, SyntaxError) else e.msg, sys.path[0]), getattr(e, "name", None))


with tempfile.TemporaryDirectory() as folder:
    for name, source in FILES.items():
        os.makedirs(os.path.dirname(os.path.join(folder, name)), exist_ok=True)
        with open(os.path.join(folder, name), "w") as file:
            file.write(source)
    sys.path.insert(0, folder)
    import plain
    show(plain, folder)
    import package.deep.er
    for module in (package, package.inner, package.deep, package.deep.er):
        show(module, folder)
    print(package.deep.er.up, package.deep.er.n, hasattr(package, "late"))
    attempt("from package import *")
    attempt("from package import late as l, inner")
    attempt("from package import nothing")
    attempt("import package.nothing")
    attempt("import plain.nothing")
    attempt("import nothing.at.all")
    attempt("import both; print(both.which)")
    attempt("import shadow; print(shadow.which)")
    attempt("import space.part.mod as m; print(m.v)")
    print(type(sys.modules["space"].__path__).__name__, sys.modules["space"].__spec__.loader.__class__.__name__, hasattr(sys.modules["space"], "__file__"))
    attempt("import circle_a")
    for _ in range(2):
        attempt("import fails")
        print("fails" in sys.modules)
    attempt("import replaces; print(replaces)")
    attempt("import vanishes")
    attempt("import syntax")
    attempt("from own_getattr import made")
    attempt("from own_getattr import missing")
    attempt("import a/b")
    for call in ("__import__('')", "__import__('plain', level=-1)", "__import__('x', level=1)", "__import__('package', fromlist=[1])", "__import__(1)",
                 "__import__('package.deep.er')", "__import__('package.deep.er', fromlist=['up'])", "__import__('.')", "__import__('package.')"):
        try:
            print(call, text(eval(call), folder))
        except Exception as e:
            print(call, type(e).__name__, e)
    sys.modules["forbidden"] = None
    attempt("import forbidden")

    # reload finds changes
    with open(os.path.join(folder, "plain.py"), "w") as file:
        file.write("x = 'another size'\n")
    print(importlib.reload(plain) is plain, plain.x)

    # finders in front and behind are asked
    class Finder:
        def find_spec(self, name, path, target=None):
            print("asked for", name, path is None)
            return importlib.util.spec_from_loader(name, self) if name == "invented" else None
        def create_module(self, spec):
            return None
        def exec_module(self, module):
            module.made_by = "Finder"
    import importlib.util
    finder = Finder()
    sys.meta_path.insert(0, finder)
    attempt("import invented; print(invented.made_by)")
    attempt("import missing_module")
    sys.modules.pop("both")
    attempt("import both")
    sys.meta_path.remove(finder)

    # no finders, a path that is a tuple, entries that are no text
    saved, sys.path[:] = sys.path[:], [folder, None, 5, b"x", "relative", "/no/such/folder"]
    sys.modules.pop("shadow")
    attempt("import shadow")
    attempt("import still_missing")
    sys.path[:] = saved

    # threads that import the same module see it complete
    import threading
    with open(os.path.join(folder, "slow.py"), "w") as file:
        file.write("import time, threading\n"
                   "def other():\n    import slow\n    seen.append(hasattr(slow, 'done'))\n"
                   "seen = []\nt = threading.Thread(target=other); t.start()\ntime.sleep(0.05)\ndone = True\n")
    import slow
    slow.t.join()
    print(slow.seen)
