# bytes and bytearray: every method over many arguments, operators, formatting, mutation, errors
def show(text, space={}):
    try:
        print(text, "->", repr(eval(text, globals())))
    except Exception as e:
        print(text, "->", type(e).__name__, e)


values = ["b''", "b'abc'", "b'aAbB 12'", "b'\\x00\\xff\\n'", "b'ab' * 3", "bytearray(b'Hello World')", "bytearray()", "b'  x\\ty\\r\\nz  '"]
calls = ["capitalize()", "center(12)", "center(12, b'*')", "ljust(11, b'.')", "rjust(11)", "count(b'a')", "count(97)", "count(b'')", "count(b'b', 1, -1)", "decode()", "decode('latin-1')", "decode('ascii', 'replace')",
         "endswith(b'c')", "endswith((b'x', b'd'))", "startswith(b'')", "startswith(b'b', 1)", "expandtabs(4)", "find(b'b')", "find(98, 2)", "rfind(b'a')", "index(b'l')", "rindex(b'zz')", "hex()", "hex(':')", "hex('_', -2)",
         "isalnum()", "isalpha()", "isascii()", "isdigit()", "islower()", "isupper()", "isspace()", "istitle()", "join([b'1', bytearray(b'2'), memoryview(b'3')])", "lower()", "upper()", "swapcase()", "title()",
         "lstrip()", "rstrip(b'cd ')", "strip(b'a ')", "partition(b'b')", "rpartition(b'a')", "partition(b'?')", "replace(b'a', b'xyz')", "replace(b'', b'-')", "replace(b'b', b'', 1)", "removeprefix(b'a')", "removesuffix(b'c')",
         "split()", "split(b'a')", "split(None, 1)", "rsplit(b'b', 1)", "splitlines()", "splitlines(True)", "translate(None, b'ab')", "translate(bytes(range(255, -1, -1)))", "zfill(9)", "__len__()", "__getitem__(0)",
         "__getitem__(slice(None, None, -1))", "__contains__(97)", "__contains__(b'ab')", "__mul__(2)", "__add__(b'!')", "__mod__(())", "__eq__(b'abc')", "__lt__(b'b')", "__bytes__()" , "find(b'a', None, 5)"]
for value in values:
    for call in calls:
        show(f"{value}.{call}")
for text in ("b'a' + 'b'", "b'a' + bytearray(b'b')", "bytearray(b'a') + b'b'", "b'a' * -1", "b'a' * 2.0", "b'a' < 'a'", "b'a' == 'a'", "b'a' == bytearray(b'a')", "b'a' in 'a'", "300 in b'a'", "'a' in b'a'", "b'abc'[5]",
             "b'abc'['a']", "b'abc'[::2]", "b'abc'[-10:10]", "hash(b'abc') == hash(b'abc')", "hash(bytearray())", "bytes(3)", "bytes(-1)", "bytes('x')", "bytes('é', 'utf-8')", "bytes('é', 'ascii')", "bytes('é', 'ascii', 'ignore')",
             "bytes([1, 2, 255])", "bytes([256])", "bytes([-1])", "bytes(['a'])", "bytes(2.5)", "bytes(None)", "bytes(1, 'x')", "bytes(range(5))", "bytes(memoryview(b'ab'))", "bytes.fromhex('00 fF 7e')", "bytes.fromhex('0')",
             "bytes.fromhex('zz')", "bytes.fromhex('0 0')", "bytes.maketrans(b'ab', b'xy')[97:99]", "bytes.maketrans(b'a', b'xy')", "b'a'.join(['b'])", "b','.join(b'ab')", "b','.join(5)", "b''.join([])", "b'a'.split(b'')", "b'a'.split('a')",
             "b'a'.find('a')", "b'a'.find(256)", "b'a'.center(5, b'xx')", "b'a'.center(5, 'x')", "b'a'.startswith('a')", "b'a'.startswith([b'a'])", "b'a'.replace(b'a')", "b'a'.translate(b'x')", "b'a'.index(b'b')", "b'\\xff'.decode()",
             "b'\\xff'.decode('utf-8', 'backslashreplace')", "b'\\xff'.decode('nosuch')", "b'a'.hex('ab')", "b'a'.hex(1)", "b'%d %s %r %a %b %c %x %5.1f%%' % (1, b's', 'r', 'é', bytearray(b'b'), 65, 255, 2.25)", "b'%(a)s' % {b'a': b'v'}",
             "b'%s' % 'x'", "b'%c' % 300", "b'%d' % 'x'", "b'%s %s' % (b'a',)", "b'a' % 1", "b'%b' % 5", "b'%z' % 5", "b'%*d|%-6s|%+.2e' % (5, 3, b'ab', 12345.678)", "repr(b'\\'\"\\\\\\t')", "str(b'x')", "b'a'.__class__", "bytes(b'x') is bytes(b'x')",
             "int.from_bytes(b'\\x01\\x02', 'big')", "(258).to_bytes(2, 'little')", "(-1).to_bytes(2, 'big', signed=True)", "(300).to_bytes(1, 'big')", "sorted([b'b', b'a', b''])", "max(b'abc')", "list(b'ab')", "b'ab' > b'a'", "b'a' b'b'", "rb'\\n'",
             "Br'\\x'", "b'\\101\\x41\\u0041'", "b'ab'.__getnewargs__()", "bytes.__new__(bytes, b'x')", "type(b'')(b'x')", "b'a'.__rmod__(5)", "bytes().maketrans(b'', b'')[:3]", "b'abc'.rfind(b'', 1, 2)", "b'aXbX'.rsplit(b'X')"):
    show(text)


def act(text):
    a = bytearray(b"abcdef")
    try:
        result = exec(text, {"a": a, "print": print})
        print(text, "->", bytes(a))
    except Exception as e:
        print(text, "->", type(e).__name__, e, bytes(a))


for text in ("a[0] = 65", "a[-1] = 0", "a[9] = 1", "a[0] = 256", "a[0] = 'x'", "a[0] = b'x'", "a[1:3] = b'XYZW'", "a[::2] = b'123'", "a[::2] = b'12'", "a[::-1] = b'fedcba'", "a[1:1] = b'--'", "a[2:] = ()", "a[1:2] = [1, 300]", "a[:] = 5",
             "a[:0] = 'x'", "del a[0]", "del a[1:4]", "del a[::2]", "del a[9]", "a.append(33)", "a.append(256)", "a.append('x')", "a.extend(b'gh')", "a.extend([1, 2])", "a.extend('x')", "a.extend(a)", "a.insert(2, 0)", "a.insert(-100, 1)", "print(a.pop())",
             "print(a.pop(0))", "a.pop(10)", "a.clear()", "a.remove(99)", "a.remove(0)", "a.reverse()", "a += b'x'", "a += [1]", "a *= 2", "a *= 0", "a *= -1", "print(a.copy() is a, a.copy())", "m = memoryview(a)\na.append(1)",
             "m = memoryview(a)\nm[0] = 90", "m = memoryview(a)\na[0] = 1\ndel m\na.clear()", "a.__init__(3)", "a.__init__('é', 'latin-1')", "print(a, a.__alloc__() >= len(a), a == b'abcdef', a.__reduce_ex__(2)[1])", "a[1:3], a[0] = b'', 1",
             "for x in a:\n  if len(a) < 9: a.append(x)", "a[slice(0, 4, 2)] = b'..'", "b = a\nb += b'!'\nprint(b is a)"):
    act(text)


class B(bytes):
    def __new__(cls, x, y=0): self = super().__new__(cls, x); self.y = y; return self
    def __repr__(self): return f"B({bytes(self)!r})"


class S:
    def __bytes__(self): return b"from bytes"
    def __index__(self): return 3


class Bad:
    def __bytes__(self): return "text"


b = B(b"ab", 5)
print(b, b.y, b + b"c", type(b + b"c").__name__, b[:], type(b.upper()).__name__, b == b"ab", hash(b) == hash(b"ab"), bytes(S()), bytearray(S()), b"%b" % S(), {b: 1}[b"ab"], bytes(b) is b)
show("bytes(Bad())")
