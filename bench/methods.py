#!/usr/bin/python3
"""Times one method or operator of a builtin type at a time; prints a JSON object: seconds for one execution of each.

usage: bench/methods.py [TYPE ...]      bench/run methods compares two Pythons
"""
import json
import sys
import time

# What the statements of CASES use.
SETUP = """
s = "The quick brown fox jumps over the lazy dog"; t = "fox"; long = s * 200; n = "12345678"; u = "naïve café – żółć ☃ 😀" * 4
words = s.split(); lines = "\\n".join(words * 20); padded = "   text   "; table = str.maketrans("abc", "xyz"); pad = "a\\tb\\tc"
b = s.encode(); bt = b"fox"; blong = b * 200; bn = b"12345678"; bwords = b.split(); blines = b"\\n".join(bwords * 20); hexed = b.hex()
btable = bytes.maketrans(b"abc", b"xyz"); zeros = bytes(1000); ba = bytearray(b); balong = bytearray(blong)
l = list(range(100)); l2 = l[::-1]; strs = [str(i) for i in range(100)]; floats = [i / 7 for i in range(100)]
d = {i: i for i in range(100)}; sd = dict.fromkeys(strs, 1); kv = list(d.items())
st = set(range(100)); st2 = set(range(50, 150)); fs = frozenset(st)
tp = tuple(range(100)); tp2 = tuple(range(100)); i = 12345; j = 678; big = 3 ** 300; big2 = 7 ** 100; x = 3.25; y = 1e-3; neg = -7
r = range(1000); sl = slice(1, 50); mv = memoryview(blong)
class C: pass
o = C(); o.a = 1
"""

# type -> statements
CASES = {
    "str": """
s.find(t)|s.find("z")|long.find("zebra")|long.find("dogs")|long.rfind("Tha")|s.index("dog")|s.count("o")|long.count("the")|t in s|"zz" in long
s.replace("o", "0")|s.replace("fox", "cat")|long.replace("quick", "slow")|long.replace("a", "bb")|s.split()|s.split(" ")|long.split(" ")|long.split()
s.rsplit(None, 2)|s.rsplit(" ")|lines.splitlines()|lines.split("\\n")|s.partition("fox")|s.rpartition(" ")|" ".join(words)|"".join(strs)|", ".join(strs)
s.upper()|s.lower()|long.upper()|s.title()|s.capitalize()|s.swapcase()|s.casefold()|padded.strip()|s.strip()|padded.lstrip()|padded.rstrip()|s.strip("Tg")
s.startswith("The")|s.endswith("dog")|s.startswith(("a", "The"))|s.removeprefix("The")|s.removesuffix("dog")|s.center(60)|s.ljust(60)|s.rjust(60)|n.zfill(12)
pad.expandtabs()|s.encode()|s.encode("ascii")|s.encode("latin-1")|u.encode()|s.translate(table)|s.isalpha()|n.isdigit()|n.isdecimal()|n.isnumeric()
t.isalnum()|s.isascii()|t.islower()|t.isupper()|padded.isspace()|s.istitle()|t.isidentifier()|s.isprintable()|t.isidentifier()|str.maketrans("abc", "xyz")
s[5]|s[-1]|s[3:9]|s[:10]|s[10:]|s[::-1]|s[::2]|long[100:4000]|u[7]|u[3:9]|u[::-1]|s + t|s + "x"|t * 10|"-" * 80|len(s)|hash(s + t)|s == long|s == s[:]
s < long|s != t|for c in s: pass|for c in u: pass|list(s)|list(u)|str(i)|str(s)|repr(s)|ascii(u)|repr(u)|f"{i}"|f"{s}:{i}"|f"{i:5d}"|f"{x:.2f}"|f"{s!r}"
f"{s}, {t}: {n} {i}"|f"{s:>60}"|"%s" % s|"%s: %d" % (s, i)|"%5.2f" % x|"%r" % (s,)|"%(a)s" % {"a": 1}|"{} {}".format(s, i)|"{0:>10}".format(t)|"{a}".format(a=1)
"{:,}".format(i)|format(i, "x")|ord("a")|chr(97)|chr(9731)|min(s)|sorted(s)|u.upper()|u.find("☃")|u.count("é")|u.replace("é", "e")|u.split(" ")|u.lower()
z = ""; z += s; z += t; z += n|u + u|s.join("abc")|u.isalpha()|u.casefold()|u.center(200)|u.title()|u == u[:]|int(n)|float("3.25")|float("1e10")|s is t
s.format_map({})|"{!r:>10}".format(t)|s.rindex("the")|s.encode("utf-16")|s.encode("utf-8", "replace")|u.encode("utf-16-le")|u.encode("utf-32")|u.strip()
""",
    "bytes": """
b.find(bt)|b.find(102)|b.find(b"z")|blong.find(b"zebra")|zeros.find(b"\\x00\\x01")|blong.rfind(b"Tha")|b.index(b"dog")|b.count(b"o")|blong.count(b"the")|bt in b|120 in b
b.replace(b"o", b"0")|b.replace(b"fox", b"cat")|blong.replace(b"quick", b"slow")|blong.replace(b"a", b"bb")|b.split()|b.split(b" ")|blong.split(b" ")
b.rsplit(None, 2)|blines.splitlines()|b.partition(b"fox")|b.rpartition(b" ")|b" ".join(bwords)|b"".join(bwords)|b.upper()|b.lower()|blong.upper()|b.title()
b.capitalize()|b.swapcase()|b.strip()|b.strip(b"Tg")|b.startswith(b"The")|b.endswith(b"dog")|b.startswith((b"a", b"The"))|b.removeprefix(b"The")|b.center(60)
b.ljust(60)|bn.zfill(12)|b.decode()|b.decode("ascii")|b.decode("latin-1")|blong.decode()|b.translate(btable)|blong.translate(btable)|b.translate(None, b"o")
b.hex()|b.hex(":")|blong.hex()|bytes.fromhex(hexed)|b.isalpha()|bn.isdigit()|b.isascii()|blong.isascii()|bt.islower()|bt.isupper()|b.isspace()|b.istitle()
b[5]|b[3:9]|b[:10]|b[::-1]|b[::2]|b + bt|bt * 10|len(b)|hash(b + bt)|b == blong|b == b[:]|b < blong|for c in b: pass|list(b)|repr(b)|bytes(b)|bytes(10)|bytes(l)
bytes([1, 2, 3])|b"%s %d" % (b, i)|bytes.maketrans(b"abc", b"xyz")|b.expandtabs()|int(bn)|b.isalnum()|sum(b)|bytes(ba)|bytes(mv)|mv[5]|mv[3:9]|mv.tobytes()
len(mv)|mv.hex()|list(mv[:50])|mv == blong|memoryview(b)|mv.cast("I")|b.rjust(60)|b.lstrip()|b.rstrip()|b.rindex(b"the")|max(b)|int.from_bytes(b[:8], "big")
""",
    "bytearray": """
ba.find(bt)|ba.count(b"o")|bt in ba|ba.replace(b"o", b"0")|ba.split()|ba.upper()|ba.decode()|ba.hex()|ba[5]|ba[3:9]|ba + bt|len(ba)|ba == b|for c in ba: pass
z = bytearray(); z.append(1); z.append(2); z.pop()|z = bytearray(b); z.extend(b)|z = bytearray(b); z += b; z += b|z = bytearray(b); z[3:5] = b"abc"
z = bytearray(b); z.insert(0, 1); z.remove(1); z.reverse()|z = bytearray(b); z[0] = 1|z = bytearray(b); del z[:5]|bytearray(b)|bytearray(10)|bytearray(l)|repr(ba)
ba.copy()|ba.startswith(b"The")|ba.strip()|ba.join([bt, bt])|balong.translate(btable)|list(ba)|z = bytearray(b); z.clear()|ba * 3
""",
    "list": """
[]|[1, 2, 3]|[i, j, x]|l[5]|l[-1]|l[3:9]|l[:]|l[::2]|l[::-1]|l + l2|l * 3|[0] * 100|len(l)|50 in l|"x" in strs|l == l2|l == l[:]|l < l2|for v in l: pass|list(l)|list(r)
list(tp)|list(d)|list(map(str, l))|l.index(50)|l.count(50)|l.copy()|z = []; z.append(1); z.append(2)|z = [1, 2]; z.pop()|z = l[:]; z.pop(0)|z = l[:]; z.insert(0, 1)
z = l[:]; z.extend(l2)|z = l[:]; z += l2|z = l[:]; z.remove(50)|z = l[:]; z.reverse()|z = l2[:]; z.sort()|z = strs[:]; z.sort()|z = floats[::-1]; z.sort()
sorted(l2)|sorted(l, reverse=True)|sorted(strs, key=len)|sorted(l, key=lambda v: -v)|sum(l)|sum(floats)|min(l)|max(l)|max(strs, key=len)|any(l)|all(l)|reversed(l)|list(reversed(l))
[v for v in l]|[v + 1 for v in l]|[v for v in l if v & 1]|enumerate(l)|list(enumerate(l))|list(zip(l, l2))|dict(zip(l, l2))|z = l[:]; z[3:5] = [7, 8, 9]|z = l[:]; del z[5:10]
z = l[:]; z.clear()|a, *c = l|a, c = [1, 2]|[*l, *l2]|repr(l)|str(floats)|list(filter(None, l))|z = l[:]; z[0] = 1|z = l[:]; del z[0]|for a, c in kv: pass|for k, v in enumerate(l): pass
for a, c in zip(l, l2): pass|z = l[:]; z *= 2|iter(l)|next(iter(l))|list(strs)|l != l2|sorted(kv)|sorted(floats)|map(str, l)|set(l)|tuple(l)|zip(l, l2)|list("abc")
""",
    "dict": """
{}|{"a": 1}|{"a": 1, "b": 2, "c": 3}|d[5]|sd["50"]|d.get(5)|d.get(-5)|d.get(-5, 0)|5 in d|"x" in sd|len(d)|d.keys()|d.values()|d.items()|list(d)|list(d.values())|list(d.items())
for k in d: pass|for k, v in d.items(): pass|for v in d.values(): pass|dict(d)|d.copy()|dict(kv)|{**d}|{k: v for k, v in kv}|dict(a=1, b=2)|d | sd|d == dict(d)|d == sd
z = {}; z["a"] = 1; z["b"] = 2|z = dict(d); z.pop(5)|z = dict(d); del z[5]|z = dict(d); z.popitem()|z = dict(d); z.update(sd)|z = dict(d); z.clear()|z = {}; z.setdefault("a", 1)
dict.fromkeys(l)|dict.fromkeys(strs, 0)|repr(d)|reversed(d)|list(reversed(d))|d.keys() & sd.keys()|d.keys() | sd.keys()|d.items() == d.items()|d.keys() - {1}|5 in d.values()|sorted(d)
z = {}; z |= d|o.a|o.a = 2|getattr(o, "a")|hasattr(o, "b")|setattr(o, "a", 1)|C()|iter(d)|min(d)|max(d.values())|z = {}; z[i, j] = 1|d.get(2 ** 70)|isinstance(d, dict)|type(d)
""",
    "set": """
{1, 2, 3}|set()|set(l)|frozenset(l)|set(strs)|5 in st|-5 in st|len(st)|st | st2|st & st2|st - st2|st ^ st2|st <= st2|st == st2|st.isdisjoint(st2)|st.union(l)|st.intersection(l)
st.difference(l)|st.symmetric_difference(l)|st.copy()|set(st)|for v in st: pass|list(st)|sorted(st)|z = set(); z.add(1); z.add(2)|z = set(st); z.discard(5)|z = set(st); z.remove(5)
z = set(st); z.pop()|z = set(st); z.update(st2)|z = set(st); z |= st2|z = set(st); z &= st2|z = set(st); z -= st2|z = set(st); z.clear()|{v for v in l}|repr(st)|hash(fs)|st.issubset(st2)
fs == st|st.issuperset(l)|5 in fs|sum(st)|min(st)
""",
    "tuple": """
()|(i, j)|(i, j, x)|tp[5]|tp[-1]|tp[3:9]|tp + tp2|tp * 3|len(tp)|50 in tp|tp == tp2|tp < tp2|hash(tp)|hash((i, j))|for v in tp: pass|tuple(l)|tuple(r)|tp.index(50)|tp.count(50)
a, c = i, j|a, c, e = (1, 2, 3)|a, c = c, a = i, j|(*tp, *tp2)|repr(tp)|sum(tp)|max(tp)|list(tp)|tuple(tp)|tp[::-1]|for v in r: pass|len(r)|5 in r|r[5]|r[3:9]|r == r|list(r)
range(10)|range(1, 10, 2)|reversed(r)|sum(r)|r.index(5)|r.count(5)|sl.indices(10)|slice(1, 2)|min(i, j)|max(i, j)|tuple(map(str, tp))|isinstance(tp, (list, tuple))|divmod(i, j)
""",
    "int": """
i + j|i - j|i * j|i // j|i / j|i % j|i ** 2|i ** 5|i << 3|i >> 3|i & j|i | j|i ^ j|~i|-i|abs(neg)|i == j|i < j|i != j|divmod(i, j)|pow(i, j, 1000)|int("12345")|int("ff", 16)|int(x)
str(i)|str(neg)|repr(i)|hex(i)|bin(i)|oct(i)|hash(i)|i.bit_length()|i.bit_count()|i.to_bytes(4, "big")|int.from_bytes(b"abcd", "little")|float(i)|bool(i)|round(i)|round(i, -2)
big + big2|big - big2|big * big2|big // big2|big % big2|big << 10|big >> 10|big & big2|big | big2|-big|big == big2|big < big2|str(big)|hash(big)|int(str(big))|big ** 2|big ** 10
divmod(big, big2)|pow(big, big2, i)|hex(big)|float(big)|i + big|big + 1|big & 0xffff|big >> 200|big.bit_length()|not i|i and j|neg // 2|neg % 3|neg >> 1|True + 1|i is j|max(i, j)
big.to_bytes(64, "big")|int.from_bytes(b, "big")|i.as_integer_ratio()|format(i, ",")|format(big, "x")|int()|int(i)|i.conjugate()|i.real|2 ** 40 * 3|1 << 100|i * 2 ** 60
""",
    "float": """
x + y|x - y|x * y|x / y|x // y|x % y|x ** 2|x ** y|-x|abs(x)|x == y|x < y|x + i|i * x|x > i|int(x)|round(x)|round(x, 1)|str(x)|repr(y)|repr(0.1)|str(1e100)|float("3.25")|float(i)|hash(x)
x.is_integer()|x.as_integer_ratio()|x.hex()|float.fromhex("0x1.8p3")|divmod(x, y)|bool(x)|f"{x}"|f"{x:.3f}"|f"{x:e}"|f"{x:g}"|format(x, "10.2f")|"%.2f" % x|"%g" % x|x.conjugate()|x.real
complex(x, y)|(1 + 2j) * (3 + 4j)|abs(3 + 4j)|(1 + 2j) / (3 - 1j)|repr(1 + 2j)|(1j) ** 2|sum(floats)|max(x, y)|str(12345678.9)|repr(1 / 3)|round(2.675, 2)|x != y|not x|x and y
""",
    "exception": """
ValueError()|ValueError("text")|KeyError(i)|repr(ValueError("a"))|str(ValueError("a"))|OSError(2, "text")|str(KeyError("a"))
try: raise ValueError|except ValueError: pass
try: raise ValueError("a")|except ValueError as e: pass
try: d["missing"]|except KeyError: pass
try: l[1000]|except IndexError: pass
try: o.missing|except AttributeError: pass
try: int("x")|except ValueError: pass
try: 1 / 0|except ZeroDivisionError: pass
try: next(iter(()))|except StopIteration: pass
try: missing|except NameError: pass
try: pass|finally: pass
""",
}


def statements(kind):
    """The statements of a type; a line that starts with `try:` is one of several lines."""
    for line in CASES[kind].strip().split("\n"):
        if line.startswith("try:"):
            yield line.replace("|", "\n")
            continue
        text = ""
        for part in line.split("|"):                 # `a | b` is an operator
            text = text + "|" + part if text else part
            if not text.endswith(" ") and not part.startswith(" "):
                yield text
                text = ""
            elif not text.endswith(" "):
                yield text
                text = ""


def timed(statement):
    """Seconds for one execution: the best of five rounds of at least two milliseconds."""
    copies = 10
    compound = statement.startswith(("for ", "try:"))
    body = "\n".join(" " * 8 + line for line in (("\n".join([statement] * copies)) if compound else statement).split("\n"))
    if not compound:
        body = "\n".join([" " * 8 + statement] * copies)
    names = {}
    exec(SETUP, names)
    local = "".join(f"    {name} = G[{name!r}]\n" for name in names if name.isidentifier() and not name.startswith("_"))
    names["G"] = dict(names)
    exec(f"def run(count, clock):\n{local}    start = clock()\n    for _ in range(count):\n{body}\n    return clock() - start", names)
    run, count = names["run"], 1
    while (taken := run(count, time.process_time)) < 0.002:
        count *= 2
    return min([taken] + [run(count, time.process_time) for _ in range(4)]) / (count * copies)


def main():
    result = {}
    for kind in sys.argv[1:] or CASES:
        for statement in statements(kind):
            try:
                result[f"{kind}: {statement}"] = timed(statement)
            except Exception as error:
                print(statement, repr(error), file=sys.stderr)
                result[f"{kind}: {statement}"] = None
    print(json.dumps(result))


if __name__ == "__main__":
    main()
