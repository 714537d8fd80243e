# SPDX-License-Identifier: MIT
# causes, contexts, groups, notes, suggestions and syntax errors in tracebacks
import sys
class Odd(Exception):
    def __str__(self): raise ValueError
class Quiet(Exception): pass
def show(f):
    try: f()
    except BaseException: sys.excepthook(*sys.exc_info())
def a():
    try: 1/0
    except ZeroDivisionError as e: raise Quiet from e
def b():
    try: a()
    except Quiet: raise KeyError("k")
def c(): raise Odd
def d():
    e = ValueError("two\nlines"); e.add_note("note\nmore"); e.__notes__.append(3); raise e
def e():
    e = ValueError(); e.__notes__ = 5; raise e
def f():
    try: b()
    except KeyError: raise Quiet("end") from None
def g():
    try: raise Quiet("inner")
    except Quiet as q: raise ExceptionGroup("g", [q, ExceptionGroup("h", [KeyError(1), OSError(2, "no")])]) from KeyError("cause")
def h(): raise ExceptionGroup("wide", [ValueError(i) for i in range(17)])
def i():
    x = ValueError("deep")
    for n in range(12): x = ExceptionGroup(f"l{n}", [x])
    raise x
def j(): [].appendd
def k(): prnt
def l():
    counter = 1
    return countr
class P:
    blech = None
def m(): P().bluch
def n(): raise SystemExit(3)
def o(): raise SyntaxError("bad", ("file.py", 3, 5, "  a b c\n", 3, 8))
def p(): raise SyntaxError("bad", ("file.py", 3, None, "a b c"))
def q(): raise SyntaxError("bad")
for fn in (a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q): show(fn)
class LocalScope:
    class Inner(Exception): pass
raise LocalScope.Inner("qualified")
