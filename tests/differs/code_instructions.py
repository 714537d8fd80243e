# cede: NotImplementedError code: co_code is not that of a code object of this process; making code of other instructions is not supported
# cede: NotImplementedError code: changing co_exceptiontable is not supported
# cede: 3
# Code objects show CPython's stack code, but what runs is register code: stack code that no code object has can't be made to run. The parts may
# be taken from a living code object. A way round: change the syntax tree and compile that.
import types


def f(x):
    try:
        return x + 1
    except TypeError:
        return None


code = f.__code__
for change in {"co_code": code.co_code[:-2] + b"\x09\x00"}, {"co_exceptiontable": code.co_exceptiontable[:-1]}:
    try:
        code.replace(**change)
    except Exception as e:
        print(type(e).__name__, e)
parts = [getattr(code, "co_" + name) for name in (
    "argcount posonlyargcount kwonlyargcount nlocals stacksize flags code consts names varnames filename name qualname firstlineno linetable exceptiontable "
    "freevars cellvars").split()]
print(types.FunctionType(types.CodeType(*parts), {})(2))
