# What the syntax of type parameters refuses
for source in [
    "def f[T, T](): pass", "def f[T=int, U](): pass", "class A[T=int, *Us]: pass", "type X[T=1, U]=1",
    "def f[T: (x:=1)](): pass", "def f[T: (yield)](): pass", "type X = (yield)", "type X = (x:=1)", "async def g():\n  type X = await y",
    "class A[T](x:=1): pass", "class A[T]((yield)): pass", "def f[T](x=(yield)): pass", "def f[T](x:(yield)): pass", "def f[T]()->(x:=1): pass",
    "def f[T=(x:=1)](): pass", "def f[*T=(x:=1)](): pass", "def f[**T=(x:=1)](): pass", "def f[T:(int,(x:=1))](): pass",
    "def f[T: [x for x in (y:=1)]](): pass", "def f[T: [y:=1 for x in z]](): pass", "type X=[y:=1 for x in z]", "class A[T]([y:=1 for x in z]): pass",
    "def f[*T: int](): pass", "def f[**T: int](): pass", "def f[*T: (int,str)](): pass", "def f[**T: (int,str)](): pass",
    "def f[T]():\n  nonlocal T", "def f[T]():\n  def g(): nonlocal T", "class A[T]:\n  nonlocal T",
    "def f[T]():\n  global T\n  T = 1", "def f[T](T): pass", "class A[T=1](T): pass", "def f[T,](): pass", "class X[T: await x]: pass",
    "lambda: (yield)\ntype A[T: lambda: (yield)] = 1", "def f[T:()](): pass", "class A[T]:\n  __class__", "def f[T](*, x): return super()",
    "def f():\n  nonlocal x\n  type x = 1", "def f[__debug__](): pass", "class A[T, __debug__]: pass",
]:
    try:
        compile(source, "file.py", "exec")
        print(repr(source), "compiles")
    except SyntaxError as error:
        print(repr(source), error.msg, error.lineno, error.offset, error.end_lineno, error.end_offset)
