"""Runs a program again and again in one VM and tells what each run leaves behind.

usage: cede tests/leaks/repeat.py PROGRAM.  Exit status 1: something is left every time; then the types of it, from a debug build.
"""
import gc
import io
import os
import sys

RUNS, LOOKS = 6, 5                                 # runs a look; more looks if the first says that something is left: storms vary


def forget_caches():
    """What the library keeps on purpose."""
    for name, clear in (("re", "purge"), ("linecache", "clearcache"), ("typing", "_cleanups"), ("fnmatch", "_compile_pattern"),
                        ("urllib.parse", "clear_cache"), ("functools", None)):
        module = sys.modules.get(name)
        if module is None or clear is None:
            continue
        if name == "typing":
            for cleanup in module._cleanups:
                cleanup()
        elif name == "fnmatch":
            module._compile_pattern.cache_clear()
        else:
            getattr(module, clear)()
    if "warnings" in sys.modules:
        sys.modules["warnings"].resetwarnings()
    if "copyreg" in sys.modules:
        sys.modules["copyreg"].__dict__["_slotnames_cache"] = None
    for kind in ("type", "value", "traceback"):
        sys.__dict__.pop("last_" + kind, None)
    sys._clear_type_cache()


def run(code, path):
    namespace = {"__name__": "__main__", "__builtins__": __builtins__, "__file__": path}
    stdout, stderr = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = io.StringIO(), io.StringIO()
    places = sys.path[:]
    try:
        exec(code, namespace)
    except SystemExit:
        pass
    except BaseException as error:                 # the same every time, or the program's own test reports it
        error.__traceback__ = None
    finally:
        sys.stdout, sys.stderr = stdout, stderr
        sys.path[:] = places                       # what the program put there is no leak
    namespace.clear()


def census():
    try:
        from _testinternalcapi import live_objects
    except ImportError:
        return None
    return {kind.__name__: count for kind, (count, references) in live_objects().items()}


def last_steps(blocks):
    return [b - a for a, b in zip(blocks, blocks[1:])][-3:]


def grows(blocks):
    """After one look: do the last runs leave something? After more: does each look have more than the one before, at the least?"""
    if len(blocks) == RUNS:
        steps = last_steps(blocks)
        return sum(steps) > 0 and sorted(steps)[1] > 0
    least = [min(blocks[i:i + RUNS]) for i in range(RUNS, len(blocks), RUNS)]
    return all(a < b for a, b in zip(least, least[1:]))


def main():
    path = os.path.abspath(sys.argv[1])
    sys.argv = [path]
    sys.path[0] = os.path.dirname(path)            # as if it had been started itself
    with open(path, "rb") as f:
        code = compile(f.read(), path, "exec")
    blocks, earlier, kinds = [0] * (RUNS * LOOKS), None, None
    for i in range(len(blocks)):
        if i and i % RUNS == 0 and not grows(blocks[:i]):
            return 0
        run(code, path)
        forget_caches()
        for _ in range(3):
            gc.collect()
        earlier, kinds = kinds, census()           # two are kept, so that they do not count as left behind
        blocks[i] = sys.getallocatedblocks()
    if not grows(blocks):
        return 0
    print("blocks left by the last runs:", *last_steps(blocks))
    if kinds:
        for name in sorted(kinds):
            change = kinds[name] - earlier.get(name, 0)
            if change and not (name in ("dict", "int") and change < 0):
                print(f"  {change:+} {name}")
    return 1


sys.exit(main())
