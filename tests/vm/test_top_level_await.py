# Coroutines made of module code that awaits at its top level
import ast, types, inspect, asyncio
co = compile('await asyncio.sleep(0)\na = 1','?','exec',flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
print(inspect.CO_COROUTINE & co.co_flags == inspect.CO_COROUTINE)
g={'asyncio':asyncio}
r=eval(co,g); print(type(r)); asyncio.run(r); print(g['a'])
f=types.FunctionType(co,g); asyncio.run(f()); print(g['a'])
class L(dict):
    def __missing__(s,k):
        print('missing',k); raise KeyError(k)
co = compile('x = 1\ny = [await asyncio.sleep(0, i) for i in range(x + 2)]\nprint(sorted(locals()))','?','exec',flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
l=L(); asyncio.run(eval(co,{'asyncio':asyncio},l)); print(l)
co = compile('await asyncio.sleep(0, 5)','?','eval',flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
print(asyncio.run(eval(co)))
co = compile('await asyncio.sleep(0, 5)','?','single',flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
print(asyncio.run(eval(co)))
