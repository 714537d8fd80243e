# What is said of many mistakes, and where
import warnings
warnings.simplefilter("ignore")


def say(source):
    try:
        compile(source, "<source>", "exec")
        print(ascii(source), "fits")
    except SyntaxError as error:
        print(ascii(source), type(error).__name__, ascii(error.args))


for line in r"""
lambda *: 1
lambda *, **k: 1
def f(*, **k): pass
def f(*): pass
(a, b for x in y)
def f(a=1,(b)): pass
lambda x=: 1
lambda x=, y: 1
f(), a = 1
except* :
def f(/): pass
f(x=1, b for b in c)
f(**k, *b, **d)
f(x, a=1, **k, *b, **d, c)
f(*a for a in b)
class C(*a for a in b): pass
def f(a=1, b): pass
def f(a, /, b, /): pass
def f(a=1,/,/,*b,/,c): pass
def f(*a, /): pass
def f(*a, *b): pass
def f(*a, *): pass
def f(**k, a): pass
def f(**k, *a): pass
def f(**k, **l): pass
def f(*a=1): pass
def f(**k=1): pass
def f(a, /*b): pass
def f((a, b)): pass
def f(a, (b)): pass
def f(a,, b): pass
def f(/, a): pass
def f(a b): pass
def f(a=1 2): pass
def f: pass
def (a): pass
lambda a=1, b: 0
lambda a, /, b, /: 0
lambda *a, /: 0
lambda **k, a: 0
lambda *a=1: 0
lambda **k=1: 0
lambda (a, b): 0
lambda a b: 0
lambda *: 0
f(a=1, b)
f(**a, b)
f(**a, *b)
f(a for a in b, c)
f(c, a for a in b)
f(a for a in b, c=1)
f(a=b for b in c)
f(x.y=1)
f(1=2)
f(True=1)
f(None=1)
f(a, b c)
f(a b, c)
f(a:=1:=2)
f(*)
f(**)
class C(a for a in b): pass
class C(a=1, b): pass
class C: 
class C
x = {1: 2, 3}
x = {1: 2, 3: }
x = {1:}
x = {1: *a}
x = {1: 2, **a b}
x = {**a for a in b}
x = {a: b for a in c, d}
x = [a, b for a in c]
x = [a, for a in c]
x = {a, b for a in c}
x = (a, b for a in c)
x = [*a for a in b]
x = (*a for a in b)
x = (*a)
x = (**a)
x = [a b c]
x = [a if b]
x = (a if b, c)
x = [a for b in c if]
x = [a for 1 in c]
x = [a for f() in c]
x = [a for (b, 1) in c]
for f() in x: pass
for x+1 in y: pass
for 1, x in y: pass
for x y: pass
for x in y
while x
if x
if x = 1: pass
if x.y = 1: pass
if (x = 1): pass
while x := : pass
elif x: pass
else: pass
try: pass
try
try: pass
finally
with a as 1: pass
with a as f(): pass
with (a as 1): pass
with a as x, b as 1: pass
with a
with (a, b
del f()
del 1, x
del (x, *y)
del x y
1 = x
f() = x
x + 1 = y
(x, 1) = y
[x, f()] = y
x, 1 = y
*x, 1 = y
x = 1 = y
x = f() = y
yield = 1
x = yield = 1
None = 1
True = 1
... = 1
'a' = 1
f'{a}' = 1
lambda: 0 = 1
x if y else z = 1
not x = 1
-x = 1
x < y = 1
x and y = 1
{} = 1
{1} = 1
[a for a in b] = 1
(a for a in b) = 1
{a for a in b} = 1
{a: b for a in b} = 1
f() += 1
(a, b) += 1
1 += 1
x := 1
(x.y := 1)
(x[0] := 1)
(f() := 1)
((a, b) := 1)
(1 := 2)
x, y: int
(x, y): int
[x]: int
f(): int
1: int
x: int: int
print 1
print x, y
exec x
print(a b)
import a.b as
import a as b.c
from a import b,
from a import (b
from a import *, b
from . import
from a import b as
import
global x y
nonlocal
return return
raise from x
assert
pass x
break x
async x
async def f(: pass
await = 1
a b
a 1
1 a
a.1
a..b
a.b.
a[
a[1
a[1 2]
a[1:2:3:4]
(a
(a]
a)
{a
'abc
"abc
'''abc
f'{a
f'{a b}'
f'{}'
f'{a!x}'
f'{a:{b:{c}}}'
f'}'
b'a' 'b'
'a' b'b'
b'é'
1_
1__0
0x
0b2
0o8
012
1e
1.e+
1j2
$
a ? b
a ! b
`a`
£
a b
if 1:
	x
        y
if 1:
  x
 y
  x
if 1:
x
def f():
x
class C:
x
while 1:
x
for a in b:
x
try:
x
with a:
x
match x:
case 1: pass
match x:
 case 1:
 x
""".strip().splitlines():
    say(line)
for source in [
    'if 1:\n\tx\n        y\n',
    'if 1:\n  x\n y\n',
    '  x\n',
    'if 1:\nx\n',
    'def f():\nx\n',
    'class C:\nx\n',
    'while 1:\nx\n',
    'for a in b:\nx\n',
    'try:\nx\n',
    'with a:\nx\n',
    'match x:\ncase 1: pass\n',
    'match x:\n case 1:\n x\n',
    'if 1: pass\nelif 2:\nx\n',
    'if 1: pass\nelse:\nx\n',
    'try: pass\nexcept:\nx\n',
    'try: pass\nexcept a:\nx\n',
    'try: pass\nexcept* a:\nx\n',
    'try: pass\nfinally:\nx\n',
    'try: pass\nx\n',
    'try: pass\nexcept a: pass\nexcept* b: pass\n',
    'try: pass\nexcept* a: pass\nexcept b: pass\n',
    'try: pass\nexcept*: pass\n',
    'try: pass\nexcept a, b as c: pass\n',
    'match x:\n case a.b as _: pass\n',
    'match x:\n case 1 as a.b: pass\n',
    'match x:\n case C(a=1, 2): pass\n',
    'match x:\n case {**a, 1: 2}: pass\n',
    'match x:\n case 1+1: pass\n',
    'match x:\n case 1j+1: pass\n',
    'match x:\n case *a: pass\n',
    'match x:\n case (*a): pass\n',
    'match x:\n case 1\n  pass\n',
    'match x\n case 1: pass\n',
    "match x:\n case f'{a}': pass\n",
    'match x:\n case -a: pass\n',
    'async def f():\n  async for 1 in x: pass\n',
    'async def f():\n  async with a as 1: pass\n',
    'x = (1,\n  y = 2\n',
    'def f():\n  x = [1,\n  y = 2\n',
    "a b\n'abc\n",
    'a b\n(\n',
    '(a b\n(\n',
    'a b)\n',
    "x = '''a\nb''' y z\n",
    'x = a + \\\n b c\n',
    '# c\nx y # c\n',
]:
    say(source)
for mode in ("exec", "single"):
    for source in ["match x:\n    case 1:\n        z 0\n", "match x:\n    case 1:\n        match y\n", "match x:\n case a:\n  y = case 1\n"]:
        try:
            compile(source, "<source>", mode)
        except SyntaxError as error:
            print(mode, ascii(source), ascii(error.args))

# Joined lines at the end, in all modes
for mode in ("exec", "single", "eval"):
    for source in ['None\\\n ', 'x \\\n', ' x\\\n', 'x;\\\n ', 'if x:\n y\\\n ']:
        try:
            compile(source, "<source>", mode)
            print(mode, ascii(source), "fits")
        except SyntaxError as error:
            print(mode, ascii(source), ascii(error.args))
