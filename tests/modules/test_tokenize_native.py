# the tokens of the compiler's lexer, as tokenize asks for them
import _tokenize
T=_tokenize.TokenizerIter
print(T)
for s in ["a\n  b","x = 1 # c\nif x:\n\ty\n","'''a\nb''' 1j","(1,\n 2)\n","a\\\n b","é = 1","x $ y","'abc","if 1:\n  x\n y","","\n\n#c\n","async def f(): await x","f'{x}'","x <> y != z","x\n\n\n","(a","if x:\n  y\n\n\nz","x # type: int","(a\\\n b,\n c)","x='''\na''' \\\n + 1\ny","if a:\n if b:\n  c\n\n# x\n","a\r\nb","1_","if 1:\n\tx\n        y","a = 1\n\n   \n# c","x \\\n","x.1.e5 ...","print(\n # c\n 1)","*a, b **= // := -> @=  <<= >>= |=& ^"]:
    try: print(repr(s),list(T(s)))
    except BaseException as e: print(repr(s),repr(e))
for a in [(),(1,),(b'x',),('x','y')]:
    try: print(T(*a))
    except BaseException as e: print(repr(e))
try: T(source='a\0b'); 
except BaseException as e: print(repr(e))
print(list(T(source='a')))
