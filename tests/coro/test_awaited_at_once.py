"""Coroutines awaited at once, while they are suspended: looked at, thrown into, closed, dropped, collected."""
import gc
import sys
import traceback
import types
import weakref
N = M = 900
@types.coroutine
def suspend(x=None):
    r = yield x
    return r
class Box: pass
async def leaf(box, log):
    try:
        return await suspend(1)
    finally:
        log.append('leaf out')
async def mid(box, log):
    try:
        return await leaf(box, log)
    except ValueError as e:
        log.append(('mid', type(e).__name__)); raise
    finally:
        log.append('mid out')
async def root(log, *a):
    box = Box(); box.me = box
    return await mid(box, log)
# inspection
log=[]; c=root(log); print(c.send(None)); m=c.cr_await; print(m.__name__, m.cr_frame.f_code.co_name, m.cr_await.__qualname__, m.cr_await.cr_await.__name__, m.cr_await.cr_await.gi_frame.f_lineno)
try: c.send(5)
except StopIteration as e: print(e.value, log, m.cr_frame)
# throw
log=[]; c=root(log); c.send(None)
try: c.throw(ValueError('x'))
except ValueError as e: print(log, [f.name for f in traceback.extract_tb(e.__traceback__)])
# close
log=[]; c=root(log); c.send(None); c.close(); print(log)
# drop
log=[]; c=root(log); c.send(None); del c; print(log)
# cycle collected
log=[]
async def cyc(holder):
    holder.me = holder
    async def inner(h):
        h.inner = inner
        await suspend()
    await inner(holder)
b=Box(); wr=weakref.ref(b); b.c=cyc(b); b.c.send(None); del b
gc.collect(); print('collected', wr() is None)
# deep
async def deep(n):
    if n: return await deep(n-1) + 1
    return await suspend()
c=deep(M); c.send(None); gc.collect()
try: c.send(1)
except StopIteration as e: print(e.value)
c=deep(M); c.send(None); 
x=c; n=0
while x is not None:
    x=getattr(x,'cr_await',None) if hasattr(x,'cr_await') else None; n+=1
print(n); del c
c=deep(N); c.send(None); del c
c=deep(M); c.send(None)
b=Box(); b.c=c; b.b=b; del c,b; gc.collect()
# get_referents etc
log=[]; c=root(log); c.send(None)
print([type(o).__name__ for o in gc.get_referents(c) if type(o).__name__=='coroutine'])
c.close()
# reentrance
async def re(c_):
    try: c_[0].send(None)
    except ValueError as e: print(e)
    return await suspend()
cc=[]
async def outer(): return await re(cc)
c=outer(); cc.append(c); c.send(None)
try: c.send(3)
except StopIteration as e: print(e.value)
# GeneratorExit swallowed
async def sw():
    try: await suspend()
    except GeneratorExit: await suspend('again')
async def o2(): await sw()
c=o2(); c.send(None)
try: c.close()
except RuntimeError as e: print(e)
try: print(c.send(None))
except (StopIteration,RuntimeError) as e: print(repr(e))
# frames kept
frames=[]
async def fr():
    frames.append(sys._getframe()); v=12; await suspend(); return 1
async def o3(): return await fr()
c=o3(); c.send(None); f=frames[0]; print(f.f_locals, f.f_back); 
try: f.clear()
except RuntimeError as e: print(e)
try: c.send(None)
except BaseException as e: print(repr(e))
# code replaced while suspended
async def g1(): await suspend(); return 'old'
async def g2(): return 'new'
async def o4(): return await g1()
c=o4(); c.send(None); g1.__code__=g2.__code__
try: c.send(None)
except StopIteration as e: print(e.value)
c=o4()
try: c.send(None)
except StopIteration as e: print(e.value)
del g1, g2
gc.collect()
# function deleted while running
def mk():
    async def t(): 
        await suspend(); return 7
    return t
async def o5(): return await mk()()
c=o5(); c.send(None); gc.collect()
try: c.send(None)
except StopIteration as e: print(e.value)
