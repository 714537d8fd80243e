# ast.parse(feature_version=...): what older versions did not have
import ast
for v,s in [((3,4),'a @ b\n'),((3,4),'x @= b\n'),((3,4),'async def f(): pass\n'),((3,4),'f"x"\n'),((3,5),'1_000\n'),((3,5),'x: int\n'),((3,7),'(a := 1)\n'),((3,7),'def f(a, /): pass\n'),((3,7),'f"{a=}"\n'),((3,8),'with (a as b): pass\n'),((3,9),'match x:\n case 1: pass\n'),((3,10),'try: pass\nexcept* A: pass\n'),((3,4),'async def f():\n  await x\n'),((3,5),'async def f():\n  [x async for x in y]\n'),((3,4),'x = 1\nasync def f():\n  async for x in y: pass\n'),((3,8),'with (a): pass\n'),((3,8),'with (a, b): pass\n'),((3,7),'lambda a, /: 1\n'),((3,5),'a = x: int\n'),((3,4),'x; y; async def\n')]:
    try: ast.parse(s, feature_version=v); print(v,repr(s),'ok')
    except SyntaxError as e: print(v,repr(s),e.args)
