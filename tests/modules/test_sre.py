# SPDX-License-Identifier: MIT
# regular expressions: random patterns on random texts
import re, random, sys, warnings
warnings.simplefilter('ignore')
seed=11; N=600
R=random.Random(seed)
ALPH='ab c1_\né\u0130ıKſsσςΣß\U00010400\ud800.-'
def atom(d,ctx):
    k=R.randrange(22)
    if k<6: return re.escape(R.choice(ALPH))
    if k==6: return '.'
    if k==7: return R.choice([r'\w',r'\W',r'\d',r'\D',r'\s',r'\S'])
    if k==8: return R.choice([r'\b',r'\B','^','$',r'\A',r'\Z'])
    if k<=11:
        items=''.join(R.choice(['a','b','c','a-c','é','ſ','K-Z','σ-ω',r'\w',r'\d',r'\s',r'\W','\u0130',' ','\U00010400-\U00010428','-']) for _ in range(R.randint(1,3)))
        return '['+R.choice(['','','^'])+items.strip('-')+'a]'
    if d<=0: return R.choice('abc')
    if k<=13:
        ctx['g']+=1; n=ctx['g']; nm=R.random()<.2
        ctx['open'].add(n)
        s='('+('?P<g%d>'%n if nm else '')+alt(d-1,ctx)+')'
        ctx['open'].discard(n)
        return s
    if k==14: return '(?:'+alt(d-1,ctx)+')'
    if k==15: return R.choice(['(?=','(?!'])+alt(d-1,ctx)+')'
    if k==16: return R.choice(['(?<=','(?<!'])+''.join(R.choice(['a','b','.','é',r'\w','[ab]']) for _ in range(R.randint(1,3)))+')'
    if k==17: return '(?>'+alt(d-1,ctx)+')'
    if k==18:
        ok=[i for i in range(1,ctx['g']+1) if i not in ctx['open']]
        if ok: return '\\%d'%R.choice(ok)+'(?:)'
    if k==19:
        ok=[i for i in range(1,ctx['g']+1) if i not in ctx['open']]
        if ok: return '(?(%d)%s|%s)'%(R.choice(ok),seq(d-1,ctx),seq(d-1,ctx))
    if k==20: return '(?%s:'%R.choice(['i','s','m','a','u','i-s','-i','s-m'])+alt(d-1,ctx)+')'
    return R.choice('abc')
def quant():
    k=R.randrange(12)
    q=['','','','','*','+','?','{2}','{1,2}','{0,3}','{2,}','{0}'][k]
    if q: q+=R.choice(['','','?','+'])
    return q
def piece(d,ctx):
    a=atom(d,ctx)
    if a in (r'\b',r'\B','^','$',r'\A',r'\Z') or a.startswith(('(?=','(?!','(?<')): return a
    return a+quant()
def seq(d,ctx): return ''.join(piece(d,ctx) for _ in range(R.randint(1,4)))
def alt(d,ctx): return '|'.join(seq(d,ctx) for _ in range(R.choice([1,1,1,2,3])))
def show(m):
    if m is None: return None
    return (m.span(), m.regs, m.lastindex, m.lastgroup, m.groups())
for i in range(N):
    ctx={'g':0,'open':set()}
    p=alt(1,ctx)
    fl=0
    for f in (re.I,re.M,re.S,re.A):
        if R.random()<.25: fl|=f
    byt=R.random()<.2
    subs=[''.join(R.choice(ALPH[:8] if R.random()<.5 else ALPH) for _ in range(R.randint(0,12))) for _ in range(4)]
    subs.append(''.join(R.choice('abc') for _ in range(8)))
    if byt:
        p=p.encode('latin-1','ignore'); subs=[s.encode('latin-1','ignore') for s in subs]
    out=[]
    try: c=re.compile(p,fl)
    except (re.error,RecursionError,OverflowError) as e:
        print(i,'ERR',ascii(p),e); continue
    for s in subs:
        try:
            out.append((show(c.search(s)),show(c.match(s)),show(c.fullmatch(s)),c.findall(s),c.sub(b'<\\g<0>>' if byt else r'<\g<0>>',s),c.split(s), show(c.search(s,2)), show(c.search(s,1,5)), [m.span() for m in c.finditer(s)]))
        except Exception as e: out.append(repr(e))
    print(i,ascii(p),fl,ascii(out))
