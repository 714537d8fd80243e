# SPDX-License-Identifier: MIT
# methods of str, bytes and bytearray on random texts
import random,sys
R=random.Random(7); N=300
A=['a','b','A','Z',' ','\t','\n','\r','\x1c','\x85','é','ß','ŉ','ǅ','Σ','ς','σ','\u0345','İ','ı','ﬁ','\u2028','一','٣','²','Ⅷ','\U00010400','\U0001f600','\ud800','\udc00','-','+','0','_','{','}','%',"'",'"','\\','\x00','\xa0','\u200b']
def rs(n=10): 
    al=A if R.random()<.6 else 'abAZ \t\n01'
    return ''.join(R.choice(al) for _ in range(R.randint(0,n)))
def ri(): return R.choice([0,1,2,3,5,-1,-2,-4,100,-100])
un='lower upper casefold capitalize title swapcase isascii isspace isdecimal isdigit isnumeric isalpha isalnum isprintable islower isupper istitle isidentifier strip lstrip rstrip split rsplit splitlines expandtabs __len__ __repr__ __str__ __hash__'.split()
bun=[x for x in un if x not in 'casefold isdecimal isnumeric isprintable isidentifier'.split()]
def call(f):
    try: return f()
    except Exception as e: return type(e).__name__+': '+str(e)
class S(str): pass
class B(bytes): pass
for i in range(N):
    s=rs(); t=rs(3); u=rs(4)
    kind=R.random()
    mk=lambda x:x
    if kind<.15: mk=S
    elif kind<.4: mk=lambda x:x.encode('latin-1','replace') if isinstance(x,str) else x
    elif kind<.5: mk=lambda x:bytearray(x.encode('latin-1','replace')) if isinstance(x,str) else x
    elif kind<.55: mk=lambda x:B(x.encode('latin-1','replace')) if isinstance(x,str) else x
    s,t,u=mk(s),mk(t),mk(u)
    out=[]
    isb=not isinstance(s,str)
    for n in (bun if isb else un):
        if n=='__hash__': continue
        out.append((n,call(getattr(s,n))))
    a,b,c=ri(),ri(),R.choice([1,2,3,-1,-2,None])
    for n in 'find rfind index rindex count startswith endswith'.split():
        out.append((n,call(lambda:getattr(s,n)(t)),call(lambda:getattr(s,n)(t,a)),call(lambda:getattr(s,n)(t,a,b))))
    for n in 'partition rpartition removeprefix removesuffix strip lstrip rstrip __contains__ __add__ __eq__ __lt__ __ge__'.split():
        out.append((n,call(lambda:getattr(s,n)(t))))
    out.append(call(lambda:s.replace(t,u))); out.append(call(lambda:s.replace(t,u,a)))
    out.append(call(lambda:s.split(t,a))); out.append(call(lambda:s.rsplit(t,a))); out.append(call(lambda:s.split(None,a))); out.append(call(lambda:s.rsplit(None,a)))
    out.append(call(lambda:s.splitlines(True)))
    out.append(call(lambda:s[a])); out.append(call(lambda:s[a:b])); out.append(call(lambda:s[a:b:c]))
    out.append(call(lambda:s*R.choice([0,1,3])))
    w=R.choice([0,3,12,13]); 
    for n in 'center ljust rjust'.split(): out.append(call(lambda:getattr(s,n)(w))); out.append(call(lambda:getattr(s,n)(w,t)))
    out.append(call(lambda:s.zfill(w))); out.append(call(lambda:s.expandtabs(R.choice([0,1,4]))))
    out.append(call(lambda:s.join([t,u,t]))); out.append(call(lambda:list(s)))
    if isb: out.append(call(lambda:s.hex('-',R.choice([1,2,-3])))); out.append(call(lambda:s.decode('utf-8','backslashreplace')));out.append(call(lambda:s.translate(bytes(range(255,-1,-1)),t)))
    else:
        out.append(call(lambda:s.translate({ord(x):y for x,y in zip(t,[None,'xx',65])})))
        for e in ('utf-8','latin-1','ascii','utf-16','utf-7','unicode_escape','cp1252','punycode'):
            for er in ('strict','ignore','replace','xmlcharrefreplace','backslashreplace','namereplace','surrogateescape','surrogatepass'):
                out.append(call(lambda:s.encode(e,er)))
        out.append(call(lambda:format(s,R.choice(['','10','<5','^9','*>12','.3','=5','05','5d','x^6.2','\ud800^7']))))
    print(i,ascii(s),ascii(t),ascii(u),a,b,c,w,ascii(out))
