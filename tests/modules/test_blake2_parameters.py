# SPDX-License-Identifier: MIT
"""BLAKE2 with all parameters."""
import _blake2
for n in (0,1,63,64,65,127,128,129,200,1000,5000):
    d=bytes(i*7%251 for i in range(n))
    for c,k,s in ((_blake2.blake2b,64,16),(_blake2.blake2s,32,8)):
        print(c(d).hexdigest())
        print(c(d,digest_size=20,key=b'k'*k,salt=b's'*s,person=b'per',fanout=3,depth=4,leaf_size=5,node_offset=(1<<40)+3,node_depth=6,inner_size=7,last_node=True).hexdigest())
        h=c(key=b'abc')
        for i in range(0,n,13): h.update(d[i:i+13])
        g=h.copy(); g.update(b'x'); print(h.hexdigest(),g.digest())
def t(x):
    try: print(x,'->',repr(eval(x)))
    except BaseException as e: print(x,'->',type(e).__name__,e)
b=_blake2.blake2b
print(b.__text_signature__.replace('\n','').replace(' ',''))
for x in ["b(5)","b('x')","b(digest_size=65)","b(digest_size=0)","b(key=b'x'*65)","b(salt=b'x'*17)","b(person=b'x'*17)","b(fanout=256)","b(depth=0)","b(leaf_size=-1)","b(leaf_size=1<<32)","b(leaf_size=1<<80)","b(node_offset=1<<80)","b(node_offset=-1)","b(node_depth=256)","b(inner_size=65)","b(b'').name","b().block_size","b().digest_size","b(data=b'x')","_blake2.blake2s(node_offset=1<<48)","_blake2.blake2s(node_offset=1<<80)","b().update('x')","b(key='x')","sorted(x for x in dir(_blake2) if x[0]!='_')","b.MAX_KEY_SIZE","type('x',(b,),{})"]: t(x)
