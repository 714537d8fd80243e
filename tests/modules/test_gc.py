# SPDX-License-Identifier: MIT
# cycles, finalizers, weak references, long chains
import gc
class N:
    pass
gc.collect()
a=N(); b=N(); a.b=b; b.a=a; del a,b
print(gc.collect() > 0)
class D:
    def __del__(self): print("del", self.n)
x=D(); x.n=1; x.me=x; del x
print(gc.collect()>0)
y=D(); y.n=2; y=None
l=[]; l.append(l); del l
print(gc.collect())
def f():
    try: yield 1
    finally: print("closed")
g=f(); next(g); c=[g]; c.append(c); 
def selfgen():
    me = yield
    try: yield
    finally: print("self closed")
s=selfgen(); next(s); s.send(s); del s
gc.collect()
del g
c=None
gc.collect()
# resurrection
box=[]
class R:
    def __del__(self): box.append(self)
r=R(); r.r=r; del r
gc.collect(); print(len(box), box[0].r is box[0])
box.clear(); print(gc.collect()>0, len(box))
import _weakref
class W: pass
w=W(); w.w=w
ref=_weakref.ref(w, lambda r: print("cb", r() is None))
del w; gc.collect()
chain=None
for i in range(200000): chain=(chain,)
chain=None
class Node:
    __slots__=("next",)
n=None
for i in range(200000):
    m=Node(); m.next=n; n=m
n=m=None
print("chain ok")
