# SPDX-License-Identifier: MIT
"""binascii over random texts."""
import binascii as b, random
random.seed(5)
def t(f,*a,**k):
    try: r=f(*a,**k)
    except Exception as e: r=type(e).__name__+': '+str(e)
    return r
chars=[b'abcXYZ019+/=',b'=\n \t\r.xyzA_0',bytes(range(256)),b'ABCD==\n', b' !"#$%`abc\n']
for i in range(800):
    n=random.randrange(0,24 if i%7 else 120)
    al=random.choice(chars)
    d=bytes(random.choice(al) for _ in range(n))
    for f,k in ((b.a2b_base64,{}),(b.a2b_base64,dict(strict_mode=True)),(b.b2a_base64,dict(newline=i%2)),(b.a2b_hex,{}),(b.hexlify,{}),(b.a2b_uu,{}),(b.b2a_uu,{}),(b.b2a_uu,dict(backtick=True)),
       (b.a2b_qp,{}),(b.a2b_qp,dict(header=True)),(b.b2a_qp,{}),(b.b2a_qp,dict(quotetabs=True)),(b.b2a_qp,dict(istext=False)),(b.b2a_qp,dict(header=True)),(b.b2a_qp,dict(header=True,quotetabs=True,istext=False)),(b.crc32,{})):
        print(f.__name__,k,d,t(f,d,**k))
    print(t(b.crc_hqx,d,i),t(b.crc32,d,i*7), t(b.hexlify,d,':',i%5-2),t(b.hexlify,d,b'-'))
for s in ["b.hexlify(b'ab',sep='xx')","b.hexlify(b'ab',sep=5)","b.hexlify('ab')","b.unhexlify('ab\\u1234')","b.unhexlify(5)","b.b2a_base64('x')","b.crc32('x')","b.crc32(b'x',-1)","b.crc32(b'x',1<<70)","b.crc_hqx(b'')","b.Error.__mro__","b.Incomplete.__mro__","b.a2b_uu('')","b.a2b_base64('ab\\xff')","b.hexlify([1,2])","b.b2a_qp(5)","b.crc_hqx(b'a',1.5)","b.hexlify(b'')"]:
    try: print(s,eval(s))
    except Exception as e: print(s,type(e).__name__,e)
