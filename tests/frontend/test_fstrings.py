# f-strings as 3.11 has them: conversions, nested specifications, self-documenting expressions, quotes, braces, line breaks, errors
import datetime
import decimal
import fractions

name, number, text, pi = "Ann", 42, "naïve 猫", 3.14159265
width, precision, spec = 12, 3, ">8"


class Spec:
    def __format__(self, s): return f"<{s}>"
    def __repr__(self): return "R é"
    def __str__(self): return "S"


o = Spec()
print(f"", f"{name}", f"{name!r} {name!s} {text!a}", f"{o}{o!r}{o!s}{o!a}{o:}{o:x y}{o!r:>5}", f"{{}} {{{name}}} }}{{")
print(f"{number:5d}|{number:<5}|{number:^5}|{number:+}|{number:#x}|{number:#010b}|{number:,}|{number:e}|{number:c}|{number:%}")
print(f"{pi:{width}.{precision}}|{pi:{width}.{precision}f}|{name:{spec}}|{name:{'*'}^{width}}|{pi:.{precision!r}}|{name:{'>' + str(width)}}|{o:{name}{number}}")
print(f"{number=} {number = } {name=!s} {name=!r:>8} {number=:#x} {number + 1=} { number  =}", f"{(lambda x: x * 2)(3)=}", f"{text=:>10}")
print(f"{(lambda: 1)()} {[x for x in range(3)]} { {'a': 1}['a'] } {name if number else 0} {(yield_ := 5)} {number!r:{width}} {'a' 'b'} {name[0]}{name[1:]} {name.upper()!r}")
print(f'{name + "quoted"} {"it" + chr(39) + "s"}', f"""{
number
+ 1
} {name
!r}""", f'''{'single'} {"double"}''', rf"\n{number}\{name}", fr'{number}\d', F"{number}", Rf"\x{number}")
print("plain " f"{number}" " plain " f"{name}" 'x' rf"\{number}", f"\N{DEGREE SIGN} \x41 \u00e9 \101 \\ {number}")
print(f"{datetime.date(2024, 2, 29):%Y/%m/%d %j} {decimal.Decimal('1.2345'):.2f} {fractions.Fraction(1, 3)} {1 + 2j:.1f} {True:d} {None} {[1]!r:>5} {10 ** 20:_}")
print(f"{'nested ' + f'{number + 1}'}", f"{number:{f'{width}'}d}", f"{3 > 2} {3 != 2} {(3 == 3)} {not 1}")
async def later(): return f"{await value()} {[x async for x in source()]}"
async def value(): return 7
async def source():
    yield 1
    yield 2
try: later().send(None)
except StopIteration as stop: print(stop.value)
def generator():
    got = f"{yield 1}{(yield 2)!r:>6}"
    yield got
g = generator()
print(next(g), g.send("first"), g.send("second"))
log = []
def note(x): log.append(x); return x
f"{note(1):{note(2)}}{note(3)!r}"
print(log)
x = 10
class C: y = f"{x}"; z = [f"{i}{x}" for i in range(2)]
print(C.y, C.z, (lambda: f"{x}")(), f"{x:{x}}", f"{x!r:^{x}}|")
for source in ('f"{}"', 'f"{ }"', 'f"{a b}"', 'f"{x!z}"', 'f"{x!}"', 'f"}"', 'f"{"', 'f"{x"', 'f"{x:{"', 'f"{x:{y}"', 'f"{lambda: 1}"', 'f"{*x}"', 'f"{x = y}"', 'f"{**x}"', 'f"{x:{y:{z}}}"', 'f"{1 +}"', 'f"{x[}"', 'f"{x]}"', 'f"{(x}"', 'f"{!r}"', 'f"{:x}"', 'f"{=}"'):
    try:
        compile(source, "f", "eval")
        print(source, "fine")
    except SyntaxError as e: print(source, "SyntaxError")
for call in ("f'{name:d}'", "f'{number:s}'", "f'{nothing}'", "f'{o:>5}'", "f'{object():x}'", "f'{[]:5}'", "f'{number:10000000000000000000000}'", "f'{1/0}'", "f'{name:{number}{number}x}'", "f'{None:5}'", "f'{number:.3}'", "f'{name!r:x}'", "f'{pi:Q}'"):
    try: print(call, "->", eval(call))
    except Exception as e: print(call, "->", type(e).__name__, e)
print("{} {0}".format.__name__, "{1} {0} {a} {b[k]} {c.real} {0!r:>5} {{}}".format("x", "y", a=1, b={"k": 2}, c=3j), "{:{}}".format("a", 5), "{a[0]}{a[-1]}".format(a={"-1": "neg", 0: "zero"}), "{}{}".format(*"ab"), "{x}".format_map({"x": 1}))
for call in ('"{} {0}".format(1)', '"{2}".format(1)', '"{a}".format()', '"{".format()', '"}".format()', '"{!x}".format(1)', '"{0.nosuch}".format(1)', '"{0[5]}".format("a")', '"{0[}".format(1)', '"{:d}".format("a")', '"{a.b[c]}".format(a=1)', '"{0[a]}".format([1])', '"{:{}}".format(1)', '"{!}".format(1)', '"{0!rr}".format(1)', '"{0.}".format(1)', '"{[0]}".format([7])', '"{.real}".format(7)'):
    try: print(call, "->", eval(call))
    except Exception as e: print(call, "->", type(e).__name__, e)
