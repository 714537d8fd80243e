"""_csv: readers, writers, dialects."""


def show(source, scope=globals()):
    """Prints what an expression gives, or what it raises."""
    try:
        text = repr(eval(source, scope))
    except BaseException as error:
        text = type(error).__name__ + ": " + str(error)
    print(source, "->", text.split(" at 0x")[0])


import _csv
import csv
import io


class W:
    def write(self, s): return repr(s)


def rd(s, **k): return list(_csv.reader([s] if isinstance(s, str) else s, **k))
def wr(r, **k): return _csv.writer(W(), **k).writerow(r)


for source in r"""rd("a,b")|rd("a,b\r\n")|rd('"a""b",c')|rd("a\nb")|rd("a\rb")|rd(["\"a\n","b\",c"])|rd("\"a",strict=True)|rd("\"a\"b",strict=True)|rd("\"a\"b")|rd("a b",delimiter=" ")|rd("1,2",quoting=2)|rd("a,2",quoting=2)|rd("\"a\",2",quoting=2)|rd([1])|rd([b"a"])|rd("")|rd("\n")|rd(" a, b",skipinitialspace=True)|rd("a\\,b",escapechar="\\")|rd("a\0b")|rd("'a,b',c",quotechar="'")|rd("a,b",delimiter="ab")|rd("a,b",delimiter=1)|rd("a,b",delimiter="")|rd("a",delimiter=None)|rd("a",quotechar=None)|rd("a",quotechar="ab")|rd("a",quoting=9)|rd("a",quoting="a")|rd("a",foo=1)|rd("a",lineterminator=1)|rd("a",lineterminator=None)|rd("a",dialect="nope")|rd("a\tb",dialect=csv.excel_tab)|rd("a",dialect=5)|rd("a",escapechar="ab")|_csv.reader()|_csv.reader(1)|_csv.writer(1)|_csv.writer()|wr([1,"a",None,2.5])|wr(["a,b","c\"d","e\nf"])|wr([])|wr([""])|wr([None])|wr(["",""])|wr(["a b"],delimiter=" ")|wr(["a","b"],quoting=1)|wr([1,"b"],quoting=2)|wr(["a,b"],quoting=3)|wr(["a,b"],quoting=3,escapechar="\\")|wr(["a\"b"],doublequote=False,escapechar="\\")|wr(["a\"b"],doublequote=False)|wr(1)|wr([1],lineterminator="!")|wr(["a!b"],lineterminator="!")|wr("ab")|wr([""],quoting=3)|wr([None],quoting=3)|wr([None,1.0],quoting=2)|wr(["a\\b"],escapechar="\\")|wr(["\""],quoting=3,quotechar=None)|_csv.field_size_limit()|_csv.field_size_limit("a")|_csv.field_size_limit(10),rd("a"*20)|_csv.field_size_limit(131072)|_csv.list_dialects()|_csv.get_dialect("zz")|_csv.unregister_dialect("zz")|_csv.register_dialect(1)|_csv.register_dialect("z",delimiter=";")|_csv.get_dialect("z").delimiter|_csv.list_dialects()|rd("a;b",dialect="z")|_csv.unregister_dialect("z")|_csv.register_dialect("z",foo=1)|_csv.Dialect().__reduce_ex__(2)|_csv.Dialect(delimiter="\n")|_csv.Dialect(quotechar=None,quoting=1)|[(k,getattr(_csv.Dialect(),k)) for k in ("delimiter","doublequote","escapechar","lineterminator","quotechar","quoting","skipinitialspace","strict")]|setattr(_csv.Dialect(),"delimiter",1)|_csv.reader(["a"]).line_num|_csv.reader(["a"]).dialect|_csv.writer(W()).writerows([[1],[2]])|_csv.writer(W()).writerows(1)|_csv.writer(W()).writerows([1])|_csv.writer(W()).dialect.delimiter|_csv.Error.__mro__|_csv.Dialect(csv.excel)|_csv.Dialect(5)|_csv.Dialect("excel")|rd(["a,\"b","c\",d"])|rd(["a,b\rc"])|rd(["a\r\nb"])|wr([1e5,10**20,True,1j])|rd("abc",delimiter="\u00e9")|rd("a\u00e9b",delimiter="\u00e9")|rd("a,,b,")|rd("\"\",")|rd(["\"a"])|rd([])|wr(["\u00e9"])|wr(["\r"])|wr(["\n"],lineterminator="x")|rd("a\\")|rd("a\\",escapechar="\\")|rd(["a\\\n","b"],escapechar="\\")|rd("\"a\\\"b\"",escapechar="\\")""".split("|"):
    show(source)
out = io.StringIO()
w = csv.DictWriter(out, ["a", "b"])
w.writeheader()
w.writerow({"a": 1, "b": "x,y"})
print(repr(out.getvalue()), list(csv.DictReader(io.StringIO(out.getvalue()))))
print(csv.Sniffer().sniff("a;b;c\n1;2;3\n4;5;6\n").delimiter)
reader = csv.reader(["a\n", "\"b\n", "c\"\n"])
for row in reader: print(reader.line_num, row)
