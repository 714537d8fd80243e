"""The stack code that code objects show is real: CPython runs it.

Programs are compiled by Cede; the parts of their code objects (co_code, co_consts, co_exceptiontable, ..) go to CPython 3.11, which makes
code objects of its own kind of them and runs those. The output must be that of CPython running the source.

usage: test_stack_view.py CEDE [PROGRAM ...]
"""
import pathlib
import subprocess
import sys
import tempfile

TESTS = pathlib.Path(__file__).resolve().parent.parent
REFERENCE = "/usr/bin/python3"
FOLDERS = ("bytecode/programs", "coro", "vm")
# test_frames.py shows how it was started; in test_frame_lines.py a frame that an exception ended is on the line of clean-up code that ours
# has not; in test_throw_into_anext.py CPython finds no handler in the view for an exception that is thrown at the second wait of one item;
# and test_waiting_matrix.py prints which frames are on the stack.
LEFT_OUT = {"test_frames.py", "test_frame_lines.py", "test_throw_into_anext.py", "test_waiting_matrix.py"}

TAKE_APART = """
import pickle, sys, types
def parts(code):
    consts = tuple(("code", parts(k)) if isinstance(k, types.CodeType) else ("value", k) for k in code.co_consts)
    return (code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount, code.co_nlocals, 1000, code.co_flags, code.co_code, consts,
            code.co_names, code.co_varnames, code.co_filename, code.co_name, code.co_qualname, code.co_firstlineno, code.co_linetable,
            code.co_exceptiontable, code.co_freevars, code.co_cellvars)
source, output = sys.argv[1:]
code = compile(open(source, "rb").read(), source, "exec")
pickle.dump(parts(code), open(output, "wb"))
"""

PUT_TOGETHER = """
import pickle, sys, types
def whole(parts):
    parts = list(parts)
    parts[7] = tuple(whole(v) if kind == "code" else v for kind, v in parts[7])
    return types.CodeType(*parts)
def main(path, source):
    import os
    sys.argv, sys.path[0] = [source], os.path.dirname(source)
    module = types.ModuleType("__main__")
    module.__file__ = source
    sys.modules["__main__"] = module
    exec(whole(pickle.load(open(path, "rb"))), module.__dict__)
main(*sys.argv[1:])
"""


def capture(*command, cwd):
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, cwd=cwd, timeout=120)
    return done.returncode, done.stdout, done.stderr


def trouble_with(cede, program):
    with tempfile.TemporaryDirectory(prefix="cede-view-") as folder:
        parts = folder + "/parts"
        status, _, errors = capture(cede, "-c", TAKE_APART, str(program), parts, cwd=folder)
        if status != 0:
            return "not taken apart: " + errors.decode()[-300:]
        ours = capture(REFERENCE, "-c", PUT_TOGETHER, parts, str(program), cwd=folder)
        theirs = capture(REFERENCE, str(program), cwd=folder)
    if ours[:2] == theirs[:2]:
        return ""
    for a, b in zip(ours[1].splitlines() + [b"<end>"], theirs[1].splitlines() + [b"<end>"]):
        if a != b:
            return f"{a[:200]!r}, not {b[:200]!r} (status {ours[0]}) {ours[2][-200:]!r}"
    return f"status {ours[0]}: {ours[2][-300:]!r}"


def main():
    cede, names = str(pathlib.Path(sys.argv[1]).resolve()), sys.argv[2:]
    programs = [pathlib.Path(name) for name in names]
    if not programs:
        programs = [path for folder in FOLDERS for path in sorted((TESTS / folder).glob("*.py")) if path.name not in LEFT_OUT]
    failed = 0
    for program in programs:
        trouble = trouble_with(cede, program.resolve())
        if trouble:
            failed += 1
            print(f"{program.name}: {trouble}")
    sys.exit(failed != 0)


if __name__ == "__main__":
    main()
