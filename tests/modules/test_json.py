"""_json and the json package over it."""


def show(source, scope=globals()):
    """Prints what an expression gives, or what it raises."""
    try:
        text = repr(eval(source, scope))
    except BaseException as error:
        text = type(error).__name__ + ": " + str(error)
    print(source, "->", text.split(" at 0x")[0])


import _json
import json


class Context:
    strict = True
    object_hook = object_pairs_hook = None
    parse_float, parse_int, parse_constant = float, int, str


ms = _json.make_scanner(Context())


def E(m=None, d=lambda o: str(o), e=_json.encode_basestring_ascii, s=False, sk=False, an=True):
    return _json.make_encoder(m, d, e, None, ": ", ", ", s, sk, an)


loop = []
loop.append(loop)
same = [1]


def deep():
    a = []
    for _ in range(100000): a = [a]
    return a


for source in r"""_json.scanstring("abc",0)|_json.scanstring('abc"',0)|_json.scanstring('abc"',-1)|_json.scanstring('abc"',10)|_json.scanstring('a\nb"',0)|_json.scanstring('a\nb"',0,False)|_json.scanstring('\\x"',0)|_json.scanstring('\\u12"',0)|_json.scanstring('\\u12zz"',0)|_json.scanstring('\\ud83d\\ude00"',0)|_json.scanstring('\\ud83d\\u0041"',0)|_json.scanstring("\\",0)|_json.scanstring("\u00e9\\",0)|_json.scanstring('\u00e9\U0001f600x" tail',1)|_json.scanstring(1,0)|_json.scanstring(b"a",0)|ms("",0)|ms("1",-1)|ms(1,0)|ms("[1,",0)|ms("[",0)|ms("[1 2]",0)|ms("{",0)|ms("{1",0)|ms('{"a"',0)|ms('{"a":',0)|ms('{"a":1',0)|ms('{"a":1,',0)|ms('{"a":1,}',0)|ms("-",0)|ms("-x",0)|ms("1.",0)|ms("1e",0)|ms("1e+",0)|ms("1.5e3",0)|ms("01",0)|ms("nul",0)|ms("NaN",0)|ms("-Infinity",0)|ms("[]",0)|ms("[ ]",0)|ms("{ }",0)|ms("[1,]",0)|ms("x",0)|ms("[x",0)|ms()|ms("1")|ms("1",idx=0)|ms.strict|_json.make_scanner(1)|_json.make_scanner()|ms('{"\u00e9": ["\u00fc", {"a": null}], "b": [true, false, -0, -0.0, 1e400, 12345678901234567890123]}',0)|E()([1,2.5,"a",None,True,{"x":1}],0)|E()({1:1,None:2,True:3,1.5:4},0)|E()({(1,):1},0)|E(sk=True)({(1,):1,2:3},0)|E(an=False)(float("nan"),0)|E()(float("inf"),0)|E()({float("nan"):1},0)|E()(object,0)|E(m=1)|E(s=True)({"b":1,"a":2},0)|_json.make_encoder()|E()()|E(e=lambda s:1)("a",0)|E(e=lambda s:"<"+s+">")({"a":["b"]},0)|_json.encode_basestring(1)|_json.encode_basestring_ascii("\x7f\u00e9\U0001f600\ud800\"\\\n\r\t\b\f\x01")|ascii(_json.encode_basestring("\x7f\u00e9\U0001f600\"\\\n\r\t\b\f\x01"))|E().indent|E()((),0)|E()([],0)|E()({},0)|E()([[]],0)|E()(2**70,0)|E(m={})(loop,0)|E(m={})([same,same],0)|json.dumps({"a":[1,{"b":2}]},indent=1)|json.loads('{"a": [1, 2.5, "x\\u00e9"]}')|json.loads("[1] x")|json.loads("")|json.loads("{'a':1}")|json.dumps("\u00e9",ensure_ascii=False)|json.dumps({"b":1,"a":[None,True]},sort_keys=True,separators=(",",":"))|json.dumps(object())|json.loads("[1,2]",parse_int=float)|json.loads('{"a":1}',object_hook=sorted)|json.loads('{"a":1,"a":2}',object_pairs_hook=list)|json.dumps(deep())|json.loads("["*100000)""".split("|"):
    show(source)
shared = json.loads('[{"key": 1}, {"key": 2}]')
print(next(iter(shared[0])) is next(iter(shared[1])))
