# memoryview: indexing, slices, casts, formats, comparison, release, exports, errors
import array


def show(text):
    try: print(text, "->", repr(eval(text, globals())))
    except Exception as e: print(text, "->", type(e).__name__, e)


b = bytes(range(24))
a = bytearray(b)
m, w = memoryview(b), memoryview(a)
i = memoryview(array.array("i", [1, -2, 3]))
d = memoryview(array.array("d", [0.5, -1.5]))
g = m.cast("B", [2, 3, 4])
n = m[::2]
r = m[::-1]
e = memoryview(b"")
for name in "m w i d g n r e".split():
    for attribute in ("format", "itemsize", "nbytes", "ndim", "shape", "strides", "suboffsets", "readonly", "c_contiguous", "f_contiguous", "contiguous", "tolist()", "tobytes()", "tobytes('F')", "hex()", "hex('-', 4)",
                      "__len__()", "obj is b", "toreadonly().readonly", "__hash__() == hash(b)", "__eq__(b)", "cast('b').tolist()[:3]", "cast('H').tolist()[:2]", "cast('c')[0]", "cast('B', [4, 6]).tolist()", "__getitem__(0)",
                      "__getitem__(-1)", "__getitem__(99)", "__getitem__(slice(1, 3)).tolist()", "__contains__(3)", "__iter__().__next__()", "__reversed__().__next__()"):
        show(f"{name}.{attribute}")
for text in ("memoryview(5)", "memoryview('x')", "memoryview()", "memoryview(object=b'a')[0]", "m['a']", "m[1, 2]", "g[1, 2, 3]", "g[1, 2]", "g[0]", "g[5, 0, 0]", "g[1:2]", "g[...]", "m[()]", "memoryview(b'x').cast('i')", "m.cast('q').tolist()",
             "m.cast('d').shape", "n.cast('i')", "m.cast('x')", "m.cast('>i')", "m.cast('@i').format", "g.cast('B').tolist()", "g.cast('i')", "m.cast('B', [5, 5])", "m.cast('B', [])", "m.cast('B', 5)", "m.cast('B', [0])", "i.cast('d')",
             "m == n", "m[:3] == b'\\0\\1\\2'", "i == array.array('i', [1, -2, 3])", "i == array.array('h', [1, -2, 3])", "i == array.array('d', [1, -2, 3])", "m < m", "m == 5", "hash(w)", "hash(i)", "b''.join([m[:2], n[:2]])", "bytes(n)",
             "bytes(r)[:3]", "list(m[20:])", "sum(m)", "b'\\x05' in m", "5 in m", "m[2:4] + b'x'", "memoryview(memoryview(b)).obj is b", "memoryview(m[2:5]).tolist()", "m.nosuch", "m.__class__()", "int.from_bytes(m[:2], 'big')", "repr(m)[:10]",
             "type(m).__name__", "bytearray(m[3:5])", "m.tobytes(order='A')[:2]", "m.tobytes('x')", "len(g), len(e)", "array.array('B', m[:3])", "m.index(3)", "m.count(3)", "bool(e), bool(m)", "g == g.cast('B').cast('B', [2, 3, 4])", "n == bytes(n)",
             "[*zip(m[:2], n[:2])]", "memoryview(array.array('f', [1.5]))[0]", "memoryview(array.array('u', 'é'))[0]", "m[0:0].tolist()", "r[0], r[-1], r[::-1] == m", "n[::3].strides, n[::3].tolist()", "m.cast('?').tolist()[:3]", "memoryview(b'\\xff').cast('b')[0]"):
    show(text)


def act(text):
    a = bytearray(range(8))
    try:
        exec(text, {"a": a, "w": memoryview(a), "array": array, "b": b})
        print(text, "->", a.hex())
    except Exception as e: print(text, "->", type(e).__name__, e, a.hex())


for text in ("w[0] = 255", "w[0] = 256", "w[0] = -1", "w[0] = 'a'", "w[0] = 1.5", "w[9] = 0", "w[1:3] = b'xy'", "w[1:3] = b'x'", "w[::2] = b'wxyz'", "w[::-1] = bytes(range(8))", "w[2:] = w[:6]", "w[:6] = w[2:]", "w[:2] = 5", "del w[0]", "w[:] = w[::-1]",
             "a.append(1)", "w.release(); a.append(1)", "w.release(); w[0]", "w.release(); w.release(); print(w)", "w.release(); len(w)", "x = w[1:]; w.release(); x[0] = 9", "v = w.cast('H'); v[1] = 0xABCD", "v = w.cast('b'); v[0] = -128", "v = w.cast('b'); v[0] = 128",
             "v = w.cast('c'); v[0] = b'Z'", "v = w.cast('c'); v[0] = b'ZZ'", "v = w.cast('?'); v[0] = 5", "v = w.cast('d'); v[0] = 1", "v = w.cast('B', [2, 4]); v[1, 2] = 77", "v = w.cast('B', [2, 4]); v[0] = 1", "w.toreadonly()[0] = 1", "memoryview(b)[0] = 1",
             "with w: w[0] = 3\nw[0]", "w[:] = array.array('b', range(8))", "w[:4] = array.array('B', range(4))", "w.obj.extend(b'x')", "v = w.cast('i'); v[0] = 2 ** 31", "v = w.cast('I'); v[0] = 2 ** 32 - 1", "w.format = 'x'", "it = iter(w); next(it); w.release(); next(it)"):
    act(text)
