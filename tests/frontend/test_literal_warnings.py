# Deprecated literals warn, and are SyntaxErrors at the literal when warnings are errors
import warnings
for s in ["0xfor x","1or x","0b1and 2","'\\400'","b'\\400'","f'\\{6}'", "'\\z\\400'", "f'\\400'"]:
    with warnings.catch_warnings(record=True) as w:
        warnings.simplefilter('always')
        try: compile(s,'<s>','exec')
        except SyntaxError as e: print(e.args)
        print(repr(s),[(str(x.message),x.category.__name__,x.lineno) for x in w])
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        try: compile("\n\nxé ="+s,'<s>','exec')
        except SyntaxError as e: print(e.args)
