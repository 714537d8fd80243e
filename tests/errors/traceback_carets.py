# SPDX-License-Identifier: MIT
# carets and repeated lines in tracebacks
def a(x): return x["k"]["j"] + 1
def b(x):
    y = (x.foo.bar *
         3)
    return y
def c(d): return d["a"]["b"]["c"]
def d(q, w): return  q   //  w
def e(): return [i for i in (1, 2) if i / 0]
def f(): return print(a({}), b(3)) + \
    4
def g(é): return é.x + é[0]
import sys
for fn, args in ((a, ({},)), (a, ({"k": {"j": "s"}},)), (b, (3,)), (c, ({"a": {"b": 3}},)), (d, (1, 0)), (e, ()), (f, ()), (g, ([],))):
    try: fn(*args)
    except Exception: sys.excepthook(*sys.exc_info())
def rec(n):
    if n == 0: raise ValueError("bottom")
    rec(n - 1)
try: rec(20)
except ValueError: sys.excepthook(*sys.exc_info())
1 + "a"
