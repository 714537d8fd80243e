# A module with more names and constants than 16-bit operands can number.
lines = ["class O: pass", "o = O()"]
lines += ["v%d = %d" % (i, i + 1000000) for i in range(66000)]
lines.append("""
print(v65999, v0, v65536)
o.wide_attribute = 'q'
print(o.wide_attribute, o.wide_attribute.upper())
del o.wide_attribute
print(hasattr(o, 'wide_attribute'))
import os.path as wide_path
from os import sep as wide_sep
print(wide_sep, 5 + 123456789, v0 == 1000000, v1 < 987654321, v2 * 1.2345, 'wide %d' % 3)
def function(a, wide_default=888888888): return a + 777777777, wide_default
print(function(1), function(wide_default=5, a=2))
del v65999
try: v65999
except NameError as e: print(e)
for wi in range(3): wj = wi * 424242
print(wj, [999999999, 'wide list', 1.25], {'wide key': 1}['wide key'])
x: int = 5
print(__annotations__)
class W(O):
    y_wide = 3
    def method(self): return self.y_wide + 31415926
print(W().method(), W.y_wide)
first, *rest, last = range(300)
print(len(rest), f'{wj:>10}{wide_sep!r}')
wj += 271828182
try: raise ValueError('wide error')
except ValueError as wide_error: print(wide_error)
with open('/dev/null') as wide_file: print(wide_file.name)
match wj:
    case 272676666: print('matched')
""")
exec("\n".join(lines), {"__name__": "wide"})
