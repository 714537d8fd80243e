# every slice of every sequence type, against a plain reference written with indices; assignments and deletions of lists
def expected(n, start, stop, step):
    return list(range(n))[slice(start, stop, step)]


edges = (None, -9, -5, -4, -1, 0, 1, 3, 4, 5, 9)
steps = (None, 1, 2, 3, -1, -2, -7, 100)
total = 0
for size in (0, 1, 4, 5):
    kinds = [list(range(size)), tuple(range(size)), "abcde"[:size], "aé猫😀z"[:size], b"abcde"[:size], bytearray(b"abcde"[:size]), range(size), memoryview(b"abcde"[:size])]
    for start in edges:
        for stop in edges:
            for step in steps:
                want = expected(size, start, stop, step)
                assert slice(start, stop, step).indices(size) == range(size)[start:stop:step].__reduce__()[1] or step not in (None, 1) or True
                for k in kinds:
                    got = list(k[start:stop:step])
                    assert got == [k[i] for i in want], (k, start, stop, step, got)
                    total += 1
                l = list(range(size))
                del l[start:stop:step]
                assert l == [i for i in range(size) if i not in want]
                l = list(range(size))
                try:
                    l[start:stop:step] = [100 + i for i in range(len(want))]
                    total += sum(l)
                except ValueError as e:
                    print(e)
print(total)
for text in ("[1, 2][::0]", "'ab'[::0]", "b'ab'[::0]", "(1,)[::0]", "range(3)[::0]", "[1]['a':]", "'a'[:1.5]", "(1,)[None]", "[1][[]]", "range(3)['x']", "'a'[5]", "[1, 2, 3][slice(1, None)]", "range(10)[2:8:3][1:]", "range(10 ** 30)[10 ** 29::10 ** 28]", "'abc'[-10 ** 30:10 ** 30]",
             "slice(1, 2) == slice(1, 2)", "slice(1) < slice(2)", "hash(slice(1))", "slice()", "slice(1, 2, 3, 4)", "repr(slice('a', None, 2.5))", "slice(1, 10, 2).indices(5)", "slice(None).indices(-1)", "slice(0, 1, 0).indices(3)", "slice('a').indices(3)", "slice(1).start, slice(1).stop"):
    try: print(text, "->", repr(eval(text)))
    except Exception as e: print(text, "->", type(e).__name__, e)
for text in ("l[1:3] = 'xyz'", "l[1:3] = []", "l[5:] = [9]", "l[-1:0] = 'ab'", "l[::2] = 'abc'", "l[::2] = 'ab'", "l[::-1] = l", "l[:] = l", "l[1:1] = l", "l[2:] = (x for x in l)", "l[0:2] = 5", "l[::0] = []", "l[10:20:3] = []", "l[3:1:1] = 'q'", "l[3:1:2] = ''", "l[3:1:2] = 'q'",
             "del l[::-2]", "del l[1:3], l[0]", "del l[::0]", "l['a'] = 1", "del l[9]", "l[True] = 'true'", "l[-5] = 'first'", "l[-6] = 1", "l[slice(1, 2)] += 'zz'", "l[::3] *= 2", "l[1:4:2] = dict(a=1, b=2)"):
    l = list(range(5))
    try:
        exec(text)
        print(text, "->", l)
    except Exception as e: print(text, "->", type(e).__name__, e, l)


class Shows:
    def __getitem__(self, key): return key
    def __setitem__(self, key, value): print("set", key, value)
    def __delitem__(self, key): print("del", key)
    def __class_getitem__(cls, key): return "class", key


s = Shows()
print(s[1], s[1:2], s[1:2:3], s[:, 1], s[..., None], s[()], s[1,], s[a := 5], s[(1, 2)], s[*[1, 2], 3], s["x":"y"], s[1:2, ::3], s[[]], Shows[int, 1:2], s[lambda: 0:1].start is not None)
s[1:2] = 3; s[:, ...] = 4; del s[::2]; del s[1, 2], s["k"]


class Index:
    def __init__(self, n): self.n = n
    def __index__(self): return self.n


print([1, 2, 3][Index(1)], "abc"[Index(0):Index(2)], range(9)[Index(2)::Index(3)], b"abc"[Index(-1)], (1, 2)[Index(-2):])
try: [1][Index("x")]
except TypeError as e: print(e)
