# floats: repr, parsing, formatting by every kind of specification, rounding, conversions, arithmetic at the edges
import math
import struct

values = [0.0, -0.0, 1.0, -1.5, 0.1, 1 / 3, 1e16, 1e15 + 0.5, 123456789.123456789, 1e22, 1e23, 1.7976931348623157e308, 5e-324, 2.2250738585072014e-308, 1e-5, 0.0001, 0.00001234, 9.995, 0.5, 1.5, 2.5, 1e100, float("inf"), float("-inf"),
          float("nan"), 4.35, 2.675, 1.005, 99999.5, 999999.5, 1e21, 123e-7]
specs = ["", "e", "E", "f", "F", "g", "G", "n", "%", ".0f", ".1f", ".2f", ".3e", ".0e", ".5g", "#.0f", "#g", "#.3g", "10.2f", "<10.2f|", "^+12.3f", "=+12.3f", "012.3f", "+.2f", " .2f", "-.2f", ",", ",.2f", "_.1f", "20,.3f", "020,.3f", "*^20.3e", ".30f",
         "z.1f", "z", "+.1%", ".17g", ".50g", "1.0", "0=8", "x^9", "r", ".f", "d", "s", "10,_", ".1", "5c", ",n"]
for v in values:
    print(repr(v), str(v), v.hex(), v.is_integer(), [format(v, s) for s in specs[:13]])
for s in specs:
    row = []
    for v in values:
        try: row.append(format(v, s))
        except (ValueError, TypeError) as e: row.append(str(e)); break
    print(repr(s), row)
for s in ("%f", "%e", "%g", "%.0f", "%#.0f", "%+.3g", "%010.2f", "%-10.1f|", "% f", "%5.1F", "%.50f", "%G", "%r", "%s", "%d", "%i", "%a", "%*.*f" ):
    row = []
    for v in values:
        try: row.append(s % ((10, 2, v) if "*" in s else v))
        except (ValueError, TypeError, OverflowError) as e: row.append(f"{type(e).__name__}: {e}")
    print(s, row)
for text in ("1", " 1.5 ", "1e5", "1E+05", ".5", "5.", "1_000.5", "1__0", "_1", "1_", "inf", "-Infinity", "nan", "+NaN", "infin", "0x1p3", "1e400", "-1e400", "1e-400", "", " ", "1 2", "1,5", "٣.٥", "１２", "1e", "e5", "--1", "+-1", "1.5.2", "\n1\t", "1\0", "0" * 400 + "1",
             "9" * 400, "1." + "0" * 400 + "1", "179769313486231580793e289", "2.4703282292062327e-324", "2.4703282292062328e-324", "9007199254740993", "9007199254740992.999", "8.5e-324"):
    try: print(repr(text)[:40], repr(float(text)))
    except ValueError as e: print(repr(text)[:40], "ValueError", e)
for text in ("0x1.8p1", "-0x.8p0", "0x1p-1074", "0x1p-1075", "0x1.8p-1075", "0x1p1023", "0x1p1024", "1.8", "inf", "nan", "0x", "", "0x1.fffffffffffff8p0", "0x1.fffffffffffff7p0", "0X1P+3", " 0x1 ", "0xg", "0x1p", "0x123456789abcdef01p0"):
    try: print(text, repr(float.fromhex(text)))
    except (ValueError, OverflowError) as e: print(text, type(e).__name__, e)
for v in values:
    row = []
    for n in (None, 0, 1, 2, 3, -1, -2, 15, 16, 17, 22, 308, -308, -309, 400):
        try: row.append(repr(round(v) if n is None else round(v, n)))
        except (ValueError, OverflowError) as e: row.append(str(e))
    print(repr(v), row)
    row = []
    for f in (int, math.floor, math.ceil, math.trunc, float.as_integer_ratio, math.frexp, math.modf, abs, bool, hash, lambda x: math.nextafter(x, math.inf), math.ulp, lambda x: struct.pack("<d", x).hex(), lambda x: x.conjugate(), lambda x: -x):
        try: row.append(repr(f(v)) if v == v or f is not hash else "hash of nan")
        except (ValueError, OverflowError) as e: row.append(f"{type(e).__name__}: {e}")
    print("  ", row)
import operator as o
some = [0.0, -0.0, 1.5, -2.5, 1e308, 5e-324, float("inf"), float("nan"), 3, -7, 10 ** 400, True, 2 ** 53 + 1]
for f in (o.add, o.sub, o.mul, o.truediv, o.floordiv, o.mod, divmod, o.pow, o.lt, o.eq, o.ge, math.copysign, math.fmod, math.remainder, math.hypot, math.atan2, math.isclose):
    for a in some:
        row = []
        for b in some:
            if not isinstance(a, float) and not isinstance(b, float): continue
            try: row.append(repr(f(a, b)))
            except (ValueError, OverflowError, ZeroDivisionError) as e: row.append(f"{type(e).__name__}: {e}")
        print(f.__name__, repr(a)[:12], row)
for text in ("float('x' * 3)", "float(None)", "float([])", "float(b'1.5')", "float(bytearray(b'2'))", "float(1, 2)", "float(x=1)", "1.5 // 0", "1.5 % 0", "0.0 ** -1", "(-8.0) ** (1/3)", "1.5 + '1'", "1.5 | 1", "~1.5", "1.5 << 1", "round(1.5, 1.5)", "round(1.5, None)", "hash(2.0) == hash(2)",
             "{1.0: 'a', 1: 'b', True: 'c'}", "1e3.is_integer()", "1.5.__round__(0)", "float.__getformat__('double')", "pow(2.0, 3, 5)", "1.5.real, 1.5.imag", "sum([0.1] * 10), math.fsum([0.1] * 10)", "float(10 ** 400)", "1.5 == 3 / 2 == 1.5", "0.1 + 0.2", "1.1 * 3", "sorted([2.5, float('-inf'), 1, -0.0, 0])", "max(1, 1.0), max(1.0, 1), min(0.0, -0.0)", "1_0.0_1, 1e1_0, 0.1e-0_1"):
    try: print(text, "->", repr(eval(text)))
    except Exception as e: print(text, "->", type(e).__name__, e)


class F(float):
    def __repr__(self): return "F"
    def __str__(self): return "Fs"


class Index:
    def __index__(self): return 4


class Floaty:
    def __float__(self): return F(2.5)


print(F(1.5), repr(F(1.5)), f"{F(1.5)}", f"{F(1.5):.1f}", F(1) + 1, type(F(1) + 1).__name__, float(Index()), F(1) == 1, "%s %r %f" % (F(1), F(1), F(1)))
import warnings
with warnings.catch_warnings(record=True) as seen:
    warnings.simplefilter("always")
    print(float(Floaty()), type(float(Floaty())).__name__, [str(w.message) for w in seen])
