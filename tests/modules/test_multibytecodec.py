"""The East Asian codecs: every code point and every sequence of two bytes, incremental and stream forms, error handlers."""
import codecs
import io
import zlib

CODECS = """gb2312 gbk gb18030 hz big5hkscs shift_jis cp932 euc_jp shift_jis_2004 euc_jis_2004 shift_jisx0213 euc_jisx0213 euc_kr cp949 johab big5 cp950
iso2022_kr iso2022_jp iso2022_jp_1 iso2022_jp_2 iso2022_jp_2004 iso2022_jp_3 iso2022_jp_ext""".split()

for name in CODECS:
    summary = 0
    for c in [*range(0x80, 0x700), *range(0x2000, 0x2700), *range(0x3000, 0x3400), *range(0x3400, 0xD800, 7), *range(0xE000, 0x10000, 3), *range(0x20000, 0x2A000, 29)]:
        summary = zlib.crc32(chr(c).encode(name, "ignore"), summary)
    for first in range(0x80, 0x100, 3):
        for second in range(0x20, 0x100):
            summary = zlib.crc32(bytes([first, second]).decode(name, "replace").encode("utf-8"), summary)
    print(name, hex(summary))

TEXT = "abc 漢字 かな カナ 한글 中文 ÿ\n~end"
for name in CODECS:
    data = TEXT.encode(name, "backslashreplace")
    decoder = codecs.getincrementaldecoder(name)()
    pieces = [decoder.decode(data[i:i + 1]) for i in range(len(data))] + [decoder.decode(b"", True)]
    encoder = codecs.getincrementalencoder(name)("ignore")
    parts = [encoder.encode(c) for c in TEXT] + [encoder.encode("", True)]
    print(name, data, ascii("".join(pieces)), b"".join(parts), data.decode(name) == "".join(pieces))

for name in ("gbk", "euc_jp", "iso2022_jp", "euc_kr", "hz", "shift_jis_2004"):
    for errors in ("strict", "ignore", "replace", "backslashreplace", "xmlcharrefreplace", "surrogateescape", "namereplace"):
        for text in ("a\xffb", "\udc80x", "漢\U0001F600字"):
            try:
                print(name, errors, ascii(text), text.encode(name, errors))
            except UnicodeError as error:
                print(name, errors, ascii(text), ascii(str(error)))
        for data in (b"a\xffb", b"\x80\x80", b"abc\xb0", b"\x1b$B0!\x1b(B", b"~{<:Ky~}x", b"\x1bZ"):
            try:
                print(name, errors, data, ascii(data.decode(name, errors)))
            except (UnicodeError, TypeError) as error:
                print(name, errors, data, ascii(str(error)))

encoder = codecs.getincrementalencoder("euc_jis_2004")()
print(encoder.encode("か"), encoder.getstate(), encoder.encode("\u309a"), encoder.getstate(), encoder.encode("か"), encoder.encode("", True))
decoder = codecs.getincrementaldecoder("iso2022_jp")()
print(ascii(decoder.decode(b"\x1b$B0")), decoder.getstate(), ascii(decoder.decode(b"!")), decoder.getstate())
state = decoder.getstate()
decoder.reset()
print(decoder.getstate())
decoder.setstate(state)
print(ascii(decoder.decode(b"0!")))

stream = io.BytesIO()
writer = codecs.getwriter("iso2022_kr")(stream)
writer.write("한")
writer.writelines(["글", "a\n", "끝"])
writer.reset()
print(stream.getvalue())
reader = codecs.getreader("iso2022_kr")(io.BytesIO(stream.getvalue()))
print(ascii(reader.read(1)), ascii(reader.readline()), ascii(reader.readlines()), reader.errors)
reader.errors = "replace"
print(reader.errors)
with io.TextIOWrapper(io.BytesIO("漢字\r\n二行".encode("gbk")), encoding="gbk") as file:
    print(ascii(file.read()))
import _codecs_jp
for bad in ("gbk", 5):
    try:
        _codecs_jp.getcodec(bad)
    except (LookupError, TypeError) as error:
        print(type(error).__name__, error)
