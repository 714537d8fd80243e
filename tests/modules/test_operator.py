"""_operator: functions and getters."""


def show(source, scope=globals()):
    """Prints what an expression gives, or what it raises."""
    try:
        text = repr(eval(source, scope))
    except BaseException as error:
        text = type(error).__name__ + ": " + str(error)
    print(source, "->", text.split(" at 0x")[0])


import copy
import pickle
from _operator import *
from _operator import _compare_digest


def fn(*a, **k): return a, k


for source in """itemgetter()|itemgetter(1)|itemgetter(1,2)|itemgetter(1,a=2)|itemgetter(1)()|itemgetter(1)([1,2])|itemgetter(1)([1],[2])|itemgetter(1).__reduce__()|itemgetter(1,2).__reduce__()|attrgetter()|attrgetter(1)|attrgetter("a.b","c")|attrgetter("a.b","c").__reduce__()|attrgetter("real","imag")(3)|attrgetter("real.real")(3)|attrgetter("zz")(3)|attrgetter("")(3)|methodcaller()|methodcaller(1)|methodcaller("a",1,x=2)|methodcaller("a",1,x=2).__reduce__()|methodcaller("a",1).__reduce__()|methodcaller("upper")("a")|methodcaller("upper")()|methodcaller("upper")("a",b=1)|methodcaller("split",maxsplit=1)("a b c")|itemgetter(1)([1,2],x=1)|itemgetter("a")({"a":1})|itemgetter(-1)((1,2))|itemgetter(slice(1))("abc")|itemgetter(5)((1,))|itemgetter(0,"a")({0:1,"a":2})|concat(1,2)|concat([1],2)|concat("a","b")|iconcat(1,2)|iconcat([1],(2,))|countOf(1,2)|countOf([1,1,2],1)|indexOf([1],2)|indexOf([1,2],2)|indexOf(1,2)|length_hint([],"a")|length_hint(1,"a")|length_hint(1,-2)|length_hint([1])|_compare_digest("a","b")|_compare_digest("a","a")|_compare_digest(b"ab",b"ab")|_compare_digest("a",b"b")|_compare_digest("\u00e9","b")|_compare_digest(1,2)|call()|call(fn,1,a=2)|index(1.0)|index(True)|pow(1,2,3)|pow(2,3)|delitem([],1)|setitem(1,2,3)|add(1,2)|sub(1,2)|mul("a",2)|truediv(1,2)|floordiv(7,2)|mod(7,4)|mod("%d",3)|matmul(1,2)|and_(6,3)|or_(6,3)|xor(6,3)|lshift(1,3)|rshift(8,2)|neg(1)|pos(1)|inv(1)|invert(1)|abs(-1)|not_([])|truth([])|is_(1,1)|is_not(1,2)|lt(1,2)|le(1,2)|eq(1,2)|ne(1,2)|gt(1,2)|ge(1,2)|contains([1],1)|getitem([1],0)|iadd([1],[2])|isub(3,1)|imul(2,3)|itruediv(1,2)|ifloordiv(7,2)|imod(7,4)|ipow(2,3)|ilshift(1,2)|irshift(4,1)|iand(6,3)|ior(6,3)|ixor(6,3)|imatmul(1,2)|add(1,"a")|lt(1,"a")|copy.copy(itemgetter(1))|pickle.loads(pickle.dumps(attrgetter("a.b")))|pickle.loads(pickle.dumps(methodcaller("a",1,b=2)))""".split("|"):
    show(source)
