# The abstract streams of _io: they can be made, their methods say what they don't support, and the types can't be changed.
import _io
import weakref


def attempt(stream, *calls):
    for name, *arguments in calls:
        try:
            print("  ", name, getattr(stream, name)(*arguments))
        except Exception as error:
            print("  ", name, type(error).__name__, error)


NAMES = ("_IOBase", "_RawIOBase", "_BufferedIOBase", "_TextIOBase", "FileIO", "BytesIO", "StringIO", "BufferedReader", "BufferedWriter",
         "BufferedRandom", "BufferedRWPair", "TextIOWrapper", "IncrementalNewlineDecoder")
for name in NAMES:
    try:
        getattr(_io, name).attribute = 1
    except TypeError as error:
        print(error)

base = _io._IOBase()
base.attribute = 3
print(base.__dict__, base.closed, weakref.ref(base)() is base)
attempt(base, *((name,) for name in ("fileno", "tell", "seekable", "readable", "writable", "isatty", "readline", "read", "write", "flush", "seek",
                                     "truncate", "close", "close", "flush", "readline", "seekable")))
with _io._IOBase() as base:
    print(base.closed)
print(base.closed)
for wrong in (1,), ("a", 2):
    try:
        _io._IOBase(*wrong)
    except TypeError as error:
        print(error)


class Numbers(_io._IOBase):
    def __init__(self, count):
        self.count = count

    def read(self, size):
        self.count -= 1
        return b"" if self.count <= 0 else b"x" if self.count % 3 else b"\n"


print(Numbers(9).readlines(), list(Numbers(5)), Numbers(4).readline(2))
print("raw")
attempt(_io._RawIOBase(), ("read", 1), ("readall",), ("readinto", bytearray(1)), ("write", b"x"))
print("buffered")
attempt(_io._BufferedIOBase(), ("read",), ("read1",), ("detach",), ("write", b"x"), ("readinto", bytearray(2)))
print("text")
text = _io._TextIOBase()
print("  ", text.encoding, text.newlines, text.errors)
attempt(text, ("read",), ("readline",), ("detach",), ("write", "x"))
