"""array: kinds, conversions, buffers, pickles."""


def show(source, scope=globals()):
    """Prints what an expression gives, or what it raises."""
    try:
        text = repr(eval(source, scope))
    except BaseException as error:
        text = type(error).__name__ + ": " + str(error)
    print(source, "->", text.split(" at 0x")[0])


import array as A
import copy
import io
import pickle
from array import array


class S(array): pass


def a(): return array("i", [1, 2, 3])


s = S("i", [1])
s.x = 1
for source in r"""A.typecodes|array()|array("x")|array(1)|array("ab")|array("i",1)|array("i",["a"])|array("i",[1.5])|array("b",[200])|array("b",[-129])|array("B",[256])|array("B",[-1])|array("h",[40000])|array("h",[-40000])|array("H",[70000])|array("H",[-1])|array("i",[2**31])|array("i",[-2**31-1])|array("I",[2**32])|array("I",[-1])|array("l",[2**63])|array("L",[2**64])|array("L",[-1])|array("q",[2**63])|array("Q",[-1])|array("Q",[2**64])|array("f",["a"])|array("d",[1,2.5])|array("f",[1.1])|array("u","abc")|array("u",["ab"])|array("u",[1])|array("i","abc")|array("u",b"abcd")|array("i",b"abc")|array("i",b"abcd")|array("i",bytearray(4))|array("i",array("d",[1.0]))|array("i",array("u","a"))|array("u",array("i",[1]))|array("i",a=1)|array("i",[],3)|array("i")|array("u")|a()|array("d",[1.0])|array("u","ab")|a()[0]|a()[-1]|a()[5]|a()["a"]|a()[1:]|a()[::-1]|a().append("a")|a().append(1.5)|a().append()|a().extend([1])|a().extend(1)|a().extend(array("d"))|a().extend("a")|a().fromlist([1])|a().fromlist((1,))|a().fromlist([1,"a"])|a().frombytes(b"abc")|a().frombytes("abc")|a().fromunicode("a")|array("u").fromunicode("ab")|array("u").fromunicode(1)|a().tounicode()|array("u","ab").tounicode()|a().tolist()|a().tobytes()|a().index(2)|a().index(5)|a().index(2,-1)|a().index(3,1,2)|a().count(1)|a().count("a")|a().remove(5)|a().pop()|a().pop(9)|array("i").pop()|a().insert(1,9)|a().insert(1)|a().reverse()|a().byteswap()|array("u","a").byteswap()|a().itemsize|a().typecode|a().buffer_info()[1]|a()+a()|a()+[1]|a()+array("d")|a()*2|2*a()|a()*"a"|a()*-1|a()==array("d",[1,2,3])|a()==[1,2,3]|a()<array("i",[1,2,4])|a()<[1]|a()!=a()|1 in a()|"a" in a()|hash(a())|len(a())|bool(array("i"))|copy.copy(a())|copy.deepcopy(a())|a().__reduce_ex__(2)|a().__reduce_ex__(3)|s.__reduce_ex__(3)|s.__reduce_ex__(0)|array("u","ab").__reduce_ex__(2)|array("u","ab").__reduce_ex__(3)|pickle.loads(pickle.dumps(a()))|pickle.loads(pickle.dumps(a(),0))|array[int]|iter(a())|iter(a()).__reduce__()[1:]|type(iter(a()))|a().__sizeof__()>0|memoryview(a()).format|memoryview(a()).tolist()|memoryview(array("u","ab")).format|A._array_reconstructor(array,"i",8,bytes(8))|A._array_reconstructor(array,"i",99,bytes(8))|A._array_reconstructor(int,"i",8,bytes(8))|A._array_reconstructor(array,"x",8,bytes(8))|A._array_reconstructor(array,"i",8,1)|A._array_reconstructor(array,"i",8,b"a")|A._array_reconstructor(array,"i",9,b"\0\0\0\1")|A._array_reconstructor(array,"d",3,b"\0\1")|A._array_reconstructor(array,"u",18,b"a\0b\0")|A._array_reconstructor(array,"i",8)|a().tofile(io.BytesIO())|a().fromfile(io.BytesIO(b"12345678"),2)|a().fromfile(io.BytesIO(b"1234"),2)|a().fromfile(io.BytesIO(b"1234"),-2)|a().fromfile(1,2)|a().tofile(1)|A.ArrayType is array|a().__setitem__(0,"a")|a().__setitem__(9,1)|a().__setitem__(slice(0,2),array("i",[7]))|a().__setitem__(slice(0,2),[7])|a().__setitem__(slice(0,3,2),array("i",[7]))|a().__setitem__(slice(0,3,2),array("d",[7]))|a().__delitem__(9)|a().__delitem__("a")|a().__iadd__([1])|a().__iadd__(array("d"))|a().__imul__(2)|A.array.__doc__[:30]|array("i",range(3))|array("f",[1e300])|array("f",[1])|array("d",["1"])|array("i",[True])|repr(S("i",[1]))|repr(S("i"))|repr(S("u","a"))|array("b",[1])+array("B",[1])|array("B",b"ab").tobytes()|array("i",[1]).__eq__(1)|a().__contains__(1)""".split("|"):
    show(source)
x = a()
m = memoryview(x)
for source in """x.append(1)|x.pop()|x.extend([1])|x.__delitem__(0)|x.__imul__(2)|x.frombytes(b"1234")|x.__setitem__(slice(0,1),array("i",[1,2]))|x.insert(0,1)|x.remove(1)|x.byteswap()|
x.__setitem__(slice(0,1),array("i",[5]))|x|x.__delitem__(slice(0,0))|x.extend([])|x.__imul__(1)|array("B",[40000])|array("H",[2**40])|array("b",[2**70])|array("I",[2**70])|array("h",[2**70])""".split("|"):
    show(source.strip())
m.release()
x.append(4)
x.extend(x)
x[1:3] = x
x[::2] = x[::2]
del x[1::3]
print(x, x.index(4), x.count(4))
for start in (None, -4, 0, 2, 9):
    for stop in (None, -1, 3, 9):
        for step in (None, -2, 1, 3):
            b, c = array("i", range(6)), list(range(6))
            assert b[start:stop:step].tolist() == c[start:stop:step]
            del b[start:stop:step], c[start:stop:step]
            assert b.tolist() == c
for code in A.typecodes:
    b = array(code, "ab" if code == "u" else [1, 2])
    b.byteswap()
    b.byteswap()
    print(code, b.itemsize, b, pickle.loads(pickle.dumps(b)) == b, copy.deepcopy(b) == b, b.tobytes() == array(code, b.tobytes()).tobytes())
