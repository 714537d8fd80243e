# Recursion without end, nesting without end, sizes without end: an exception, the same as the reference raises.
import subprocess
import sys

PROGRAMS = {
    'rec py': """\
def f(): f()
try: f()
except RecursionError as e: print(e)
""",
    'rec repr': """\
class R:
 def __repr__(self): return repr(self)
try: repr(R())
except RecursionError as e: print(type(e))
""",
    'rec eq': """\
class R:
 def __eq__(self,o): return self==o
try: R()==R()
except RecursionError as e: print(type(e))
""",
    'rec list eq': """\
a=[];a.append(a);b=[];b.append(b)
try: a==b
except RecursionError as e: print(e)
""",
    'rec list cmp': """\
a=[];a.append(a);b=[];b.append(b)
try: a<b
except RecursionError as e: print(e)
""",
    'rec tuple nest repr': """\
x=()
for i in range(100000): x=(x,)
try: repr(x)
except RecursionError as e: print(e)
""",
    'rec list nest repr': """\
x=[]
for i in range(100000): x=[x]
try: repr(x)
except RecursionError as e: print(e)
""",
    'rec dict nest repr': """\
x={}
for i in range(100000): x={1:x}
try: repr(x)
except RecursionError as e: print(e)
""",
    'rec tuple eq': """\
def m():
 x=()
 for i in range(100000): x=(x,)
 return x
try: m()==m(); print("ok")
except RecursionError as e: print(e)
""",
    'rec getattr': """\
class A:
 def __getattr__(self,n): return getattr(self,n+"x")
try: A().x
except RecursionError as e: print(type(e))
""",
    'rec str': """\
class A:
 def __str__(self): return str(self)
try: str(A())
except RecursionError as e: print(type(e))
""",
    'rec call': """\
class A: pass
A.__call__=A()
try: A()()
except RecursionError as e: print(e)
""",
    'rec isinstance': """\
x=(int,)
for i in range(100000): x=(x,)
try: isinstance("",x)
except RecursionError as e: print(e)
""",
    'rec json': """\
import json
x=[]
for i in range(100000): x=[x]
try: json.dumps(x)
except RecursionError as e: print(type(e))
try: json.loads("["*100000)
except RecursionError as e: print(type(e))
""",
    'rec pickle': """\
import pickle
x=[]
for i in range(100000): x=[x]
try: pickle.dumps(x)
except RecursionError as e: print(type(e))
""",
    'rec marshal': """\
import marshal
x=[]
for i in range(100000): x=[x]
try: marshal.dumps(x)
except ValueError as e: print(e)
""",
    'rec copy': """\
import copy
x=[]
for i in range(100000): x=[x]
try: copy.deepcopy(x)
except RecursionError as e: print(type(e))
""",
    'rec sort key': """\
def k(x): return sorted([1],key=k)
try: k(1)
except RecursionError as e: print(type(e))
""",
    'rec exec': """\
s="exec(s)"
try: exec(s)
except RecursionError as e: print(type(e))
""",
    'rec iter': """\
class I:
 def __iter__(s): return iter(s)
try: list(I())
except RecursionError as e: print(type(e))
""",
    'rec add': """\
class I:
 def __add__(s,o): return s+o
try: I()+1
except RecursionError as e: print(type(e))
""",
    'rec hash': """\
class I:
 def __hash__(s): return hash(s)
try: hash(I())
except RecursionError as e: print(type(e))
""",
    'rec metaclass': """\
class M(type):
 def __instancecheck__(c,i): return isinstance(i,c)
class A(metaclass=M): pass
try: isinstance(1,A)
except RecursionError as e: print(type(e))
""",
    'rec bool': """\
class I:
 def __bool__(s): return bool(s)
try: bool(I())
except RecursionError as e: print(type(e))
""",
    'rec format': """\
class I:
 def __format__(s,f): return format(s,f)
try: f"{I()}"
except RecursionError as e: print(type(e))
""",
    'rec limit high': """\
import sys
sys.setrecursionlimit(10**6)
def f(n): return 0 if n==0 else f(n-1)
print(f(50000))
""",
    'thread rec': """\
import threading
def f(): f()
def g():
 try: f()
 except RecursionError: print("ok")
t=threading.Thread(target=g);t.start();t.join()
""",
    're nest': """\
import re
try: re.compile("("*100000+")"*100000)
except (RecursionError,re.error,OverflowError,MemoryError) as e: print(type(e).__name__)
""",
    're backtrack': """\
import re
print(re.match("(a|b)*c","ab"*200000))
""",
    're stack': """\
import re
print(bool(re.match("(?:.|\\n)*x","a"*1000000)))
""",
    'ast nest': """\
import ast
try: ast.literal_eval("("*5000+")"*5000)
except (SyntaxError,MemoryError,RecursionError) as e: print(type(e).__name__, e)
""",
    'ast build': """\
import ast
x=ast.Constant(1)
for i in range(100000): x=ast.UnaryOp(ast.USub(),x)
try: compile(ast.fix_missing_locations(ast.Expression(ast.Constant(1))),"x","eval"); compile(ast.Expression(x),"","eval")
except (RecursionError,TypeError) as e: print(type(e).__name__)
""",
    'union deep': """\
x=int
for i in range(100000): x=list[x]
try: repr(x); print("ok")
except RecursionError as e: print(type(e))
""",
    'exc chain print': """\
e=None
for i in range(30000):
  n=ValueError(i); n.__cause__=e; e=n
import traceback
try: s=traceback.format_exception(e); print("ok")
except RecursionError: print("rec")
""",
    'big str': """\
try: "a"*10**18
except (MemoryError,OverflowError) as e: print(type(e).__name__)
""",
    'big list': """\
try: [0]*10**17
except MemoryError as e: print(type(e).__name__)
""",
    'big int': """\
try: 1<<10**15
except (MemoryError,OverflowError) as e: print(type(e).__name__)
""",
    'big bytes': """\
try: bytes(10**18)
except MemoryError as e: print(type(e).__name__)
""",
    'big range list': """\
try: list(range(10**18))
except MemoryError as e: print(type(e).__name__)
""",
    'big format': """\
try: format(1,"1000000000000000000")
except (MemoryError,OverflowError,ValueError) as e: print(type(e).__name__)
""",
    'big center': """\
try: "a".center(10**18)
except (MemoryError,OverflowError) as e: print(type(e).__name__)
""",
    'big tuple rep': """\
try: (1,)*10**18
except MemoryError as e: print(type(e).__name__)
""",
    'big join': """\
import itertools
try: b"".join([b"a"*2**20]*2**44)
except (MemoryError,OverflowError) as e: print(type(e).__name__)
""",
    'big array': """\
import array
try: array.array("d",[1])*10**18
except MemoryError as e: print(type(e).__name__)
""",
    'big bytesio': """\
import io
b=io.BytesIO()
b.seek(10**18)
try: b.write(b"x")
except (MemoryError,OverflowError) as e: print(type(e).__name__)
""",
    'big seek2': """\
import io
b=io.BytesIO()
b.seek(2**63-1)
try: b.write(b"xx")
except (MemoryError,OverflowError) as e: print(type(e).__name__)
""",
    'big percent': """\
try: "%*d" % (10**18,1)
except (MemoryError,OverflowError,ValueError) as e: print(type(e).__name__)
""",
    'big expandtabs': """\
try: "\\t".expandtabs(10**18)
except (MemoryError,OverflowError) as e: print(type(e).__name__)
""",
    'big combinations': """\
import itertools
try: itertools.combinations([1],10**18); print("ok")
except (MemoryError,OverflowError) as e: print(type(e).__name__)
""",
    'big tee': """\
import itertools
try: itertools.tee([1],10**17)
except (MemoryError,OverflowError) as e: print(type(e).__name__)
""",
}
for name, program in PROGRAMS.items():
    done = subprocess.run([sys.executable, "-c", program], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=100)
    print(name, done.returncode, done.stdout, done.stderr[-200:])
