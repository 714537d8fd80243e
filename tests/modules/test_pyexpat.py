# XML parsers of pyexpat: every handler, buffering, attributes, errors, entities, encodings
import io
import pyexpat
from pyexpat import errors, model

HANDLERS = """StartElement EndElement ProcessingInstruction CharacterData UnparsedEntityDecl NotationDecl StartNamespaceDecl EndNamespaceDecl Comment
StartCdataSection EndCdataSection NotStandalone StartDoctypeDecl EndDoctypeDecl EntityDecl XmlDecl ElementDecl AttlistDecl SkippedEntity""".split()
DOCUMENT = """<?xml version="1.0" encoding="utf-8" standalone="no"?>
<?target some data?>
<!DOCTYPE root PUBLIC "-//x//y" "root.dtd" [
<!NOTATION gif SYSTEM "viewer"> <!ENTITY pic SYSTEM "pic.gif" NDATA gif>
<!ENTITY inner "text &#233;"> <!ENTITY outer SYSTEM "outer.ent"> <!ENTITY % param "p">
<!ELEMENT root (a|(b,c?)+|#PCDATA)*> <!ELEMENT empty EMPTY> <!ELEMENT any ANY> <!ELEMENT seq (a,b*,(c|d)+)>
<!ATTLIST root kind (x|y) "x" id ID #REQUIRED fixed CDATA #FIXED "f"> %other;
]>
<root xmlns="urn:one" xmlns:p="urn:two" id="i" p:z="&lt;&amp;é"><!-- comment --><p:a/>one
two &inner; <![CDATA[<raw> & more]]> &outer; &unknown;<b>tail</b></root>
<!-- end -->
"""


def parser(handlers=HANDLERS, **kwargs):
    p = pyexpat.ParserCreate(**kwargs)
    for name in handlers:
        attribute = name if name.endswith("Expand") else name + "Handler"
        setattr(p, attribute, lambda *args, name=name: print("  ", name, *map(repr, args)) or 1)
    return p


def external(context, base, system_id, public_id):
    print("   external", context, base, system_id, public_id)
    sub = outer.ExternalEntityParserCreate(context)
    print("  ", sub.Parse("<sub>inside</sub>" if context and "outer" in context else "<!ENTITY unknown 'known'>", True), sub.GetBase())
    return 1


for settings in ({}, {"namespace_separator": " "}, {"namespace_separator": "", "encoding": "utf-8"}):
    for text_size in (None, 5, 100):
        print(settings, text_size)
        outer = parser(**settings)
        outer.ExternalEntityRefHandler = external
        outer.SetParamEntityParsing(pyexpat.XML_PARAM_ENTITY_PARSING_ALWAYS)
        outer.SetBase("http://base/")
        if text_size:
            outer.buffer_text, outer.buffer_size, outer.ordered_attributes, outer.specified_attributes = True, text_size, True, True
            outer.namespace_prefixes = True
        print(outer.Parse(DOCUMENT.encode()), outer.Parse(b"", True), outer.buffer_used, sorted(outer.intern)[:6])

for handlers in (["Default"], ["DefaultHandlerExpand"], ["Default", "StartElement"], ["Default", "CharacterData"]):
    print(handlers, parser(handlers).ParseFile(io.BytesIO(DOCUMENT.split("%other")[0].encode() + b"]><root>a&inner;b</root>")))

one_by_one = parser(["CharacterData", "StartElement"])
for c in "<a>x&amp;é\r\ny</a>".encode():
    one_by_one.Parse(bytes([c]))
print(one_by_one.Parse(b"", 1), one_by_one.CurrentLineNumber, one_by_one.CurrentColumnNumber, one_by_one.CurrentByteIndex, one_by_one.GetInputContext())

for text in ("", "<a>", "<a></b>", "<a b='1' b='2'/>", "<a/><b/>", "<a>&x;</a>", "<a>\x01</a>", "<?xml version='1.0' encoding='nosuch'?><a/>",
             "<p:a/>", "<a>" * 3 + "</a>", "<a b=c/>", "<a><![CDATA[</a>", "<!DOCTYPE a [<!ENTITY e '&e;'>]><a>&e;</a>", "x", "<a>&#0;</a>", b"\xff\xfe<\x00"):
    p = pyexpat.ParserCreate(namespace_separator=":")
    try:
        print(repr(text), p.Parse(text, True))
    except pyexpat.ExpatError as error:
        print(repr(text), error, error.code, error.lineno, error.offset, errors.messages[error.code], p.ErrorCode, p.ErrorLineNumber, p.ErrorColumnNumber, p.ErrorByteIndex)
try:
    p.Parse("<a/>", True)
except pyexpat.error as error:
    print(error, pyexpat.ErrorString(error.code) == errors.XML_ERROR_FINISHED)
for name in ("koi8-r", "cp1252", "latin-1", "utf-16", "us-ascii", "utf-16-le"):
    p = parser(["CharacterData", "XmlDecl"])
    p.Parse(f"<?xml version='1.0' encoding='{name}'?><a>{'abc' if 'ascii' in name else 'Ж' if 'koi' in name else 'é'}</a>".encode(name), True)


def raising(*args):
    raise KeyError(args)


for name in ("StartElement", "CharacterData", "Comment", "NotStandalone", "ElementDecl"):
    p = parser()
    setattr(p, name + "Handler", raising)
    try:
        p.Parse(DOCUMENT, True)
    except KeyError as error:
        print(name, error, p.StartElementHandler, p.CommentHandler)


def show(f):
    try:
        print(f())
    except Exception as error:
        print(type(error).__name__, error)


p = pyexpat.ParserCreate(intern=(names := {}))
show(lambda: pyexpat.ParserCreate(1))
show(lambda: pyexpat.ParserCreate("utf-8", "xx"))
show(lambda: pyexpat.ParserCreate(intern=[]))
show(lambda: pyexpat.ParserCreate("a\0b"))
show(lambda: p.Parse(1))
show(lambda: p.Parse())
show(lambda: p.ParseFile(1))
show(lambda: p.ParseFile(io.StringIO("x")))
show(lambda: p.ParseFile(type("Long", (), {"read": lambda self, n: b"x" * (n + 1)})()))
show(lambda: setattr(p, "buffer_size", "x"))
show(lambda: setattr(p, "buffer_size", 0))
show(lambda: setattr(p, "buffer_size", 1 << 40))
show(lambda: setattr(p, "nothing", 0))
show(lambda: setattr(p, "ErrorCode", 0))
show(lambda: delattr(p, "CommentHandler"))
show(lambda: p.ExternalEntityParserCreate(3))
show(lambda: p.SetBase(None))
show(lambda: (p.GetBase(), p.SetBase("b"), p.GetBase()))
show(lambda: p.UseForeignDTD(True))
show(lambda: (p.Parse("<é><b/><b/></é>", True), names, p.intern is names))
show(lambda: type(p)())
print(type(p), pyexpat.ExpatError is pyexpat.error, pyexpat.ExpatError, pyexpat.ErrorString(-1), pyexpat.ErrorString(9999), pyexpat.native_encoding)
print(sorted(n for n in dir(pyexpat) if n != "expat_CAPI" and not n.startswith("__")), [n for n in dir(p) if not n.startswith("_")], sep="\n")
print(sorted(errors.codes.items()), sorted((k, v) for k, v in vars(model).items() if k.startswith("XML")), sep="\n")


def change(p):
    # handlers that change handlers, and themselves, while text is kept
    def text(data):
        print("   text", data)
        p.CharacterDataHandler = None
    p.buffer_text = True
    p.CharacterDataHandler = text
    p.StartElementHandler = lambda name, attributes: (print("   start", name), setattr(p, "buffer_text", False), setattr(p, "CharacterDataHandler", text))
    p.EndElementHandler = lambda name: print("   context", p.GetInputContext())
    return p.Parse("<a>one<b x='1'>two\nthree</b>four<c/></a>", True)


print(change(pyexpat.ParserCreate()))
