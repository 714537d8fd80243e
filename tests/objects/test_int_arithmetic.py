# SPDX-License-Identifier: MIT
"""Integer arithmetic and conversions over numbers of many sizes."""
import sys; sys.set_int_max_str_digits(0)
class R:
    def __init__(s): s.s=12345678901
    def bits(s,n):
        r=0
        for i in range(n//32+1):
            s.s=(s.s*6364136223846793005+1442695040888963407)%(1<<64)
            r=(r<<32)|(s.s>>32)
        return r&((1<<n)-1)
    def num(s):
        n=[1,5,30,61,62,63,64,65,70,100,128,129,200,700,3000][s.bits(16)%15]
        v=s.bits(n)
        k=s.bits(8)%8
        if k==0: v=1<<n
        if k==1: v=(1<<n)-1
        if s.bits(1): v=-v
        return v
r=R()
h=0
def eat(x):
    global h
    h=(h*1000003 ^ hash(x)) & 0xffffffffffffffff
def t(f,*a):
    try: v=f(*a)
    except Exception as e: v=type(e).__name__+str(e)
    return v
ops=[lambda a,b:a+b,lambda a,b:a-b,lambda a,b:a*b,lambda a,b:a//b,lambda a,b:a%b,lambda a,b:divmod(a,b),lambda a,b:a/b,lambda a,b:a&b,lambda a,b:a|b,lambda a,b:a^b,
 lambda a,b:a<<(b%300),lambda a,b:a>>(b%300),lambda a,b:a<b,lambda a,b:a==b,lambda a,b:float(a)<b,lambda a,b:float(a)==a,lambda a,b:a**(b%20),lambda a,b:pow(a,b%1000,a+b),lambda a,b:pow(a,-(b%100),b),
 lambda a,b:str(a),lambda a,b:hex(a),lambda a,b:oct(a),lambda a,b:bin(a),lambda a,b:int(str(a)),lambda a,b:int(hex(a),16),lambda a,b:hash(a),lambda a,b:float(a),lambda a,b:a.bit_length(),
 lambda a,b:a.bit_count(),lambda a,b:-a,lambda a,b:~a,lambda a,b:abs(a),lambda a,b:round(a,-(b%40)),lambda a,b:a.to_bytes(30,'big',signed=True),lambda a,b:int.from_bytes(a.to_bytes(500,'little',signed=True),'little',signed=True)==a,
 lambda a,b:float(a).as_integer_ratio(), lambda a,b:int(float(a)), lambda a,b:format(a,'_x'), lambda a,b:format(a,'+,d'), lambda a,b: (float(a)>a,float(a)<a,float(a)/3>a//3,float(b)<a), lambda a,b:f"{a:e} {a:g}"]
for i in range(500):
    a=r.num();b=r.num()
    for j,f in enumerate(ops):
        v=t(f,a,b)
        print(i,j,a if i<0 else '',str(hash(v)) if not isinstance(v,str) else v[:60], repr(v)[:50])
