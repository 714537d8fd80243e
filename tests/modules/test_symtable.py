# symtable: what the compiler knows about names
import _symtable
import symtable

SOURCE = '''
"""module"""
from __future__ import annotations
import os.path, sys as system
from re import *
x: int = 1
def outer(a, b=lambda q: q + x, /, *args: a, key=[i for i in x], **rest) -> None:
    global made
    made = inner = 0
    class Local(Base, metaclass=Meta):
        nonlocal inner
        field = a
        __private = made
        def method(self):
            return __class__, super().method, self.__hidden, inner, field
    try:
        y = (z := 1)
    except E as error:
        def handler(): return error
    else:
        def otherwise(): return a
    finally:
        def final(): nonlocal y; y = 1
    with a as (b, *c): pass
    for d in c: del d
    match a:
        case {"k": captured, **others}: pass
        case Point(x=0, y=[first, *middle]): pass
    return {k: v for k, v in rest.items() if (last := k)}, (yield), {w for w in c for w2 in w}
async def coroutine():
    async with a as b: await c
    return [e async for e in b]
class Empty: pass
'''


def show(entry, indent=0):
    names = ", ".join(f"{name}={flags:#x}" for name, flags in sorted(entry.symbols.items()))
    print(" " * indent + f"{entry.name} type {entry.type} line {entry.lineno} nested {entry.nested}: {names}; {entry.varnames}")
    for child in entry.children:
        show(child, indent + 2)


top = _symtable.symtable(SOURCE, "file.py", "exec")
show(top)
show(_symtable.symtable(b"a + (lambda: b)()", b"file.py", "eval"))
show(_symtable.symtable("def f(): return g\n", "file.py", "single"))
print(repr(top).replace(str(top.id), "ID"), type(top).__name__, type(top).__module__, top.id > 0, top.children[0].id != top.children[1].id)
for name, value in sorted(vars(_symtable).items()):
    if isinstance(value, int):
        print(name, value)

table = symtable.symtable(SOURCE, "file.py", "exec")
print(table, table.get_children()[0], table.lookup("x").is_annotated(), table.lookup("outer").get_namespace())
print(table.lookup("os").is_imported(), table.get_children()[0].get_parameters(), table.get_children()[-1])

for arguments in [("x", "f", "foo"), ("x", "f"), (1, "f", "exec"), ("\0", "f", "exec"), ("x", 1, "exec"), ("x=", "f", "exec"), ("x", "f", "func_type"),
                  ("def f(a, a): 0", "f", "exec"), ("def f():\n x = 1\n global x", "f", "exec"), ("class A: nonlocal q", "f", "exec"),
                  ("from __future__ import no", "f", "exec"), ("import a; from __future__ import division", "f", "exec"), (bytearray(b"x"), "f", "exec")]:
    try:
        show(_symtable.symtable(*arguments))
    except Exception as error:
        print(arguments, type(error).__name__, error)
for action in [lambda: type(top)(), lambda: setattr(top, "id", 1)]:
    try:
        action()
    except Exception as error:
        print(type(error).__name__, error)
