# SPDX-License-Identifier: MIT
# constructors, attributes, texts and groups of exceptions
def f(x):
    return x.foo + 1
try:
    f(3)
except AttributeError as e:
    print(repr(e), e.name, e.obj)
e = OSError(2, "No such", "a.txt")
print(repr(e), e, e.errno, e.filename, type(e), e.args)
print(KeyError("a"), KeyError(1,2), repr(KeyError()))
try:
    raise ValueError("x") from KeyError(3)
except ValueError as e:
    print(e.__cause__, e.__suppress_context__, e.__context__)
try:
    try:
        1/0
    except ZeroDivisionError:
        raise TypeError("t")
except TypeError as e:
    print(repr(e.__context__))
g = ExceptionGroup("eg", [ValueError(1), TypeError(2), ExceptionGroup("in", [KeyError(3)])])
print(g, repr(g))
print(g.split(ValueError), g.subgroup(lambda e: isinstance(e, KeyError)))
print(UnicodeEncodeError("ascii","h\xe9llo",1,2,"bad"))
print(UnicodeDecodeError("ascii",b"h\xe9llo",1,2,"bad"), UnicodeDecodeError("ascii",b"h\xe9llo",1,4,"bad"))
print(SyntaxError("msg",("a/f.py",3,4,"text")), SyntaxError("m"))
print(StopIteration(4).value, SystemExit(4).code, SystemExit(1,2).code)
class E(Exception):
    def __init__(self, a, b=1): self.a=a; super().__init__(a,b)
print(repr(E(3)), E(3).args)
e=E(1); e.add_note("hi"); print(e.__notes__, e.__reduce__())
try: raise 3
except TypeError as e: print(e)
try: raise E
except TypeError as e: print(e)
print(ImportError("x", name="n", path="p").name)
try: ImportError(x=1)
except TypeError as e: print(e)
import sys
print(sys.exc_info())
try: raise E(1)
except E: print(sys.exc_info()[1], sys.exception())
print(max(1,2,3), min([3,2]), sum([1,2]), sorted([3,1,2],reverse=True))
print(eval("1+2"), [x for x in range(3)])
exec("y=3"); print(y)
class M(type):
    @classmethod
    def __prepare__(m, n, b, **k): print(n,b,k); return {}
    def __new__(m,n,b,d,**k): return super().__new__(m,n,b,d)
class A(metaclass=M, z=1): pass
print(A)
try:
  try: raise ExceptionGroup("a",[ValueError(1),TypeError(2)])
  except* ValueError as e: print(repr(e))
except BaseException as e: print(repr(e))
