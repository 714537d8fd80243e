# SPDX-License-Identifier: MIT
# percent formatting, str.format and format() on random formats
import random,sys
R=random.Random(3); N=400
def call(f):
    try: return f()
    except Exception as e: return type(e).__name__+': '+str(e)
class X:
    def __init__(s): s.a=[1,{'k':'v'}]; s.b='é'
    def __repr__(s): return "X('é')"
    def __format__(s,f): return 'X<%s>'%f
    def __index__(s): return 7
class F(float): pass
class I(int): 
    def __str__(s): return 'istr'
class Y:
    def __repr__(s): return "Y()"
    def __float__(s): return 2.5
    def __int__(s): return 9
VALS=[0,1,-5,255,10**20,True,None,1.5,-0.0,float('inf'),float('nan'),1e300,'é','abc',b'xy',bytearray(b'q'),'\ud800',(1,),[2],{'a':1},X(),F(2.25),I(12),Y(),2**62,-2**63,'\U0001f600',1j,'a\tb']
def spec():
    s='%'
    if R.random()<.15: s+='('+R.choice(['a','b','','(x)','é'])+')'
    s+=''.join(R.choice('-+ #0') for _ in range(R.choice([0,0,1,2])))
    s+=R.choice(['','','5','12','*','03'])
    s+=R.choice(['','','.2','.0','.10','.','.*'])
    s+=R.choice(['','','','l','h'])
    s+=R.choice('diouxXeEfFgGcrsab%zé\n')
    return s
def fs():
    k=R.randrange(12)
    if k<4: return R.choice(['x','é ','{{','}}','a{{b'])
    if k==4 and R.random()<.3: return R.choice(['{','}','{!','{0','{0[','{a.','{a!x}','{:{}{}}','{0!r','{:{','{0.}','{0[]}','{!}','{0x}','{0!rs}'])
    name=R.choice(['','','0','1','a','b','0.real','a[0]','x.a[1][k]','x.b','0[0]','99999999999999999999','-1','a.b.c',' 0','x.a[-1]','１'])
    conv=R.choice(['','','','!r','!s','!a'])
    sp=R.choice(['','',':',':5',':>8',':^8',':*<7',':+d',':.2f',':x',':#x',':,',':_',':{}',':{w}',':>{w}.{p}',':e',':%',':c',':n',':08.3f',':=5',':z',':z.1f',':s',':10s',':.1'])
    return '{'+name+conv+sp+'}'
for i in range(N):
    f=''.join(R.choice(['x','é',' ','%%']) if R.random()<.4 else spec() for _ in range(R.randint(1,3)))
    args=R.choice([R.choice(VALS),tuple(R.choice(VALS) for _ in range(R.randint(0,4))),{'a':R.choice(VALS),'b':1,'(x)':2,'é':3,'':4}])
    print(i,ascii(f),ascii(call(lambda:f%args)))
    fb=f.encode('ascii','replace')
    ab=args
    if isinstance(args,dict): ab={k.encode('ascii','replace'):v for k,v in args.items()}
    print(i,ascii(fb),ascii(call(lambda:fb%ab)))
    g=''.join(fs() for _ in range(R.randint(1,4)))
    a=[R.choice(VALS) for _ in range(R.randint(0,4))]
    print(i,ascii(g),ascii(call(lambda:g.format(*a,a=R.choice(VALS),b=2,x=X(),w=6,p=2))))
    if i%5==0: print(i,ascii(g),ascii(call(lambda:g.format_map({'a':R.choice(VALS),'b':2,'x':X(),'w':6,'p':2}))))
    v=R.choice(VALS); sp=R.choice(['','5','>8','+','.3','08','_',',','x','#b','e','10.2f','%','c','n','z','^9','s','d','=+9','*^7','.','5.','5,d','5_x','..','x5','é<5','<<5','\ud800>4'])
    print(i,ascii(sp),ascii(call(lambda:format(v,sp))))
