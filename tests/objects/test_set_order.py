# The order of sets of numbers: displays, constants, operations
def f(): return {1,2,3}, {"a","b","c","d"}, {3,1,2}, {10,20,30,40,50,5}, {-1,-2,0}, {64,32,0}, {8,16,24,0}
for s in f(): print(s if not any(isinstance(x,str) for x in s) else len(s))
x={2**61-1, 0, 5}; print(x)
print({100,4,36,68,1}, {*range(20,0,-1)}, {5,3,1}|{2,9}, {9,8,7,1000,33}, {33,1,65}, {65,33,1}, {1.5,2.5,3}, {True,0,2}, {(), 1, 2}, {None,1,2} and 0)
def g(x):
    return x in {33,1,65}
print(g.__code__.co_consts)
s={0,32,64,96,128}; s.discard(32); s.add(160); print(s)
import random
r=random.Random(5)
for i in range(200):
    n=r.randint(1,40)
    v=[r.randint(-50,300) for _ in range(n)]
    src='{'+','.join(map(str,v))+'}'
    a=eval(src); print(a, set(v), frozenset(v))
    b=set(v); b.discard(v[0]); b|={999,-7}; print(b, b-{v[-1]}, b&set(range(0,300,2)), b^{1,2,3})
