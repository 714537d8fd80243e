# SPDX-License-Identifier: MIT
# results and messages of builtin functions
def test(f, *a, **k):
    try: print(f(*a, **k))
    except BaseException as e: print(type(e).__name__, e)
test(abs); test(abs,1,2); test(len,3); test(chr,-1); test(chr,0x110000); test(ord,"ab"); test(ord,3); test(ord,b"ab")
test(max); test(max,[]); test(max,[],default=3); test(max,1,2,default=3); test(min,1,2,key=lambda x:-x); test(max,1,x=3)
test(sum,["a"],""); test(sum,[[1],[2]],[]); test(sum,[1,2.5,3]); test(sum,[1.5,2]); test(sum, 3)
test(iter,3); test(iter,3,4); test(next,3); test(next,iter([])); test(next,iter([]),5); test(next)
test(getattr,3,"x"); test(getattr,3,"x",7); test(getattr,3,4); test(hasattr,3,4); test(setattr,3,"x",1); test(delattr,3,"x")
test(vars,3); test(dir,1,2); test(isinstance,3,4); test(issubclass,3,int); test(isinstance,3,(int,str)); test(isinstance,3,int|str)
test(eval,"1+1",3); test(eval,"1+1",{},3); test(eval,3); test(exec,"1",3); test(exec,"x=1",{},3); test(eval,"\0"); test(eval,"  1")
test(compile,"1","f","bad"); test(compile,"1","f","eval",flags=0x8000000); test(compile,"1","f","exec",optimize=5); test(compile,1,"f","eval")
test(sorted,[3,1],key=lambda x:-x); test(sorted,[1],2); test(sorted,[1,"a"]); test(sorted)
test(print,1,2,sep="-",end="!\n"); test(print,sep=3); test(print,foo=3); test(print,1,file=None)
test(round,2.5); test(round,"a"); test(round,1234,-2); test(pow,2,3,5); test(pow,2,-1,5); test(pow,"a",2); test(divmod,7,2); test(divmod,1,"a")
test(all,[1,0]); test(any,[0,1]); test(all,3); test(hash,[]); test(hash,{}); test(callable,print); test(format,3,"5d"); test(format,"a",3); test(format,[],"x")
test(bin,5); test(hex,-255); test(oct,8); test(bin,"a"); test(repr,"\n"); test(ascii,"\xe9")
test(__import__,"nope"); test(__import__,3); test(__import__,""); test(__import__,"x",level=-1)
test(input,1,2); test(anext,3); test(aiter,3); test(breakpoint.__name__.upper)
test(__build_class__); test(__build_class__,1,2); test(type,"X",(int,str),{}); test(super)
def mk():
    class B: __mro_entries__=lambda s,b:3
    class C(B()): pass
test(mk)
def mk2():
    class C(3): pass
test(mk2)
def mk3():
    class A(type): pass
    class B(type): pass
    class C(metaclass=A): pass
    class D(metaclass=B): pass
    class E(C,D): pass
test(mk3)
def mk4():
    class M(type):
        def __prepare__(n,b): return 3
    class C(metaclass=M): pass
test(mk4)
def mk5():
    class M(type):
        def __new__(m,n,b,d): d.pop("__classcell__",None); return super().__new__(m,n,b,d)
    class C(metaclass=M):
        def f(self): return __class__
test(mk5)
def mk6():
    class X:
        def __mro_entries__(self,b): return (int,)
    class C(X(),): pass
    return C.__orig_bases__[0].__class__, C.__bases__
test(mk6)
class P:
    def __init__(s): s.a=1
print(vars(P()), locals().keys()>={"P"}, globals() is locals())
print(*[n for n in dir(__builtins__)])
