"""deque, defaultdict, OrderedDict and what else _collections has."""


def show(source, scope=globals()):
    """Prints what an expression gives, or what it raises."""
    try:
        text = repr(eval(source, scope))
    except BaseException as error:
        text = type(error).__name__ + ": " + str(error)
    print(source, "->", text.split(" at 0x")[0])


import _collections
import copy
import pickle
from collections import *


class SubOrdered(OrderedDict): pass
class SubDeque(deque): pass


Point = namedtuple("Point", "x y")
od = OrderedDict(a=1, b=2)
so = SubOrdered(a=1)
so.x = 5
sd = SubDeque([1], maxlen=3)
sd.y = 1
dd = defaultdict(list, a=1)
for source in """deque().pop()|deque().popleft()|deque([1])[2]|deque([1])["a"]|deque([1])[0:1]|deque([1]).remove(2)|deque([1]).index(2)|deque([1],1).insert(0,1)|deque([],-1)|deque(1)|deque([],1,2)|deque(maxlen="a")|deque([1])+[1]|deque([1])*"a"|deque([1,2],maxlen=3)|sd|sd.__reduce__()[:3]|deque([1]).__reduce__()[:3]|deque([1],2).__reduce__()[:3]|iter(deque([1,2])).__reduce__()|reversed(deque([1,2])).__reduce__()|deque([1]).rotate("a")|deque([1]).maxlen|setattr(deque(),"maxlen",3)|deque([1])<deque([2])|deque([1])==[1]|deque([1])<[1]|deque([1,2])<=deque([1,2])|deque([1,2])==deque([1,3])|deque([1])!=deque([1,2])|deque([1]).__setitem__(5,1)|deque([1]).__delitem__(5)|deque([1]).__init__(maxlen=2)|copy.copy(sd).__dict__|_collections._deque_iterator(deque([1,2,3]),1).__length_hint__()|_collections._deque_iterator(1)|deque([1]).index(1,"a")|deque("abc",2)|deque("abc",0)|deque("abcdef",3)*2|deque("abc")*3|deque("ab",3)*2|2*deque("ab")|deque("ab")*0|deque("ab")+deque("cd")|deque("ab",3)+deque("cd")|deque("abcb").count("b")|"b" in deque("ab")|"z" in deque("ab")|hash(deque())|deque[int]|list(reversed(deque("abc")))|deque("abc")[-1]|deque("abcabc").index("c",3)|deque("abc").index("a",1)|len(deque("abc"))|bool(deque())|deque("abc").copy()|pickle.loads(pickle.dumps(deque("abc",5)))|dd|dd.__reduce__()[:4]|defaultdict(1)|defaultdict()|defaultdict(None,1)|defaultdict(list)|{1:2}|defaultdict(list)|[1]|dd.__missing__("q")|defaultdict()["x"]|dd.copy()|dd.default_factory|defaultdict(int,{1:2})[5]|defaultdict(list,a=1)==dict(a=1)|copy.copy(dd)|pickle.loads(pickle.dumps(dd))|defaultdict[int,int]|defaultdict(int)|{1:2}.__or__(defaultdict(int))|od|so|od.__reduce__()[:4]|so.__reduce__()[:4]|od.move_to_end("z")|od.move_to_end("a",last=False)|od|OrderedDict().popitem()|od.popitem(last=False)|od|od.pop("zz")|od.pop("zz",1)|od.keys()|od.items()|od.values()|type(od.keys())|iter(od)|iter(od.items()).__reduce__()|reversed(od)|type(reversed(od.keys()))|od==dict(od)|od.__or__({3:4})|od.__ror__({3:4})|OrderedDict(1)|OrderedDict(1,2)|OrderedDict([1])|OrderedDict([(1,)])|OrderedDict([(1,2,3)])|OrderedDict.fromkeys("ab",1)|od.setdefault("q",3)|od.update(1)|od.update(1,2)|od.copy()|so.copy()|so.copy().__dict__|od.__ior__([(5,6)])|OrderedDict(a=1,b=2)==OrderedDict(b=2,a=1)|OrderedDict(a=1,b=2)==dict(b=2,a=1)|OrderedDict(a=1)!=OrderedDict(a=1)|pickle.loads(pickle.dumps(od))|pickle.loads(pickle.dumps(so)).__dict__|copy.deepcopy(od)|od.keys() & {"b"}|list(reversed(od.items()))|hash(od)|_collections._tuplegetter(0,"doc")|_collections._tuplegetter(0,"doc").__get__((1,2))|_collections._tuplegetter(0,"doc").__get__(1)|_collections._tuplegetter(0,"doc").__get__(None,int)|_collections._tuplegetter(3,"doc").__get__((1,2))|_collections._tuplegetter(0,"doc").__set__((1,),2)|_collections._tuplegetter(0,"doc").__delete__((1,))|_collections._tuplegetter(0,"doc").__reduce__()|_collections._tuplegetter("a",1)|_collections._tuplegetter(1)|_collections._count_elements({},1)|_collections._count_elements(1,[1])|Counter("abracadabra").most_common()|Counter(a=1)+Counter(a=2,b=-1)|Point(1,2)|Point(1,2).x|Point.x.__doc__|Point(1,2)._replace(x=5)|ChainMap({1:2},{3:4})[3]""".split("|"):
    show(source)

d = deque(range(5), 7)
for n in (1, -1, 2, 7, -13, 0): d.rotate(n); print(list(d), end=" ")
print()
d = deque()
model = []
seed = 1
for step in range(5000):
    seed = seed * 1103515245 + 12345 & 0x7fffffff
    op, i = (seed >> 8) % 10, (seed >> 13) % (len(model) + 1)
    if op < 3: d.append(step); model.append(step)
    elif op < 5: d.appendleft(step); model.insert(0, step)
    elif op == 5 and model: assert d.pop() == model.pop()
    elif op == 6 and model: assert d.popleft() == model.pop(0)
    elif op == 7: d.insert(i, step); model.insert(i, step)
    elif op == 8 and i < len(model): del d[i]; del model[i]
    elif op == 9: d.rotate(i); model = model[len(model) - i:] + model[:len(model) - i]
    assert len(d) == len(model)
    if step % 50 == 0: assert list(d) == model and list(reversed(d)) == model[::-1] and all(d[i] == v for i, v in enumerate(model))
print(len(d), list(d)[:5])
d.extendleft("abc")
d.reverse()
print(list(d)[-3:])
d.extend(d)
print(len(d))
for change in (lambda d: d.append(1), lambda d: d.clear(), lambda d: d.rotate(1)):
    d = deque([1, 2, 3])
    try:
        for x in d: change(d)
    except RuntimeError as error:
        print(error)
loop = deque()
loop.append(loop)
print(loop)


class Eq:
    def __init__(self, d): self.d = d
    def __eq__(self, other):
        self.d.clear()
        return False


for method in ("count", "index", "remove", "__contains__"):
    d = deque()
    d.extend([Eq(d), 1, 2])
    try:
        print(getattr(d, method)(5))
    except (RuntimeError, IndexError, ValueError) as error:
        print(method, type(error).__name__, error)

# OrderedDict: moving, and a queue that never grows
d = OrderedDict.fromkeys(range(6))
d.move_to_end(2)
d.move_to_end(4, last=False)
d.move_to_end(5, last=False)
print(list(d), list(reversed(d)), d.popitem(False), d.popitem())
for i in range(3000):
    d[i + 100] = i
    d.move_to_end(next(iter(d)))
    if len(d) > 50: d.popitem(last=False)
print(len(d), list(d)[:3], list(d)[-3:])
for i in range(100): d.move_to_end(list(d)[-1], last=False)
print(list(d)[:5], len(d), all(d[k] is v for k, v in d.items()))
for change in (lambda d: d.update(z=1), lambda d: d.move_to_end(list(d)[0]), lambda d: d.clear()):
    d = OrderedDict.fromkeys(range(4))
    try:
        for k in d: change(d)
    except RuntimeError as error:
        print(error)


class Loud(OrderedDict):
    def __setitem__(self, key, value):
        print("set", key, end=" ")
        super().__setitem__(key, value)
    def __getitem__(self, key):
        print("get", key, end=" ")
        return super().__getitem__(key)
    def __missing__(self, key): return "missing"


d = Loud(a=1)
d.update({"b": 2}, c=3)
d.setdefault("d", 4)
d.setdefault("a", 4)
print(d.copy() == d, d["zz"], d.pop("a"), d)
loop = OrderedDict()
loop["me"] = loop
print(loop)
class Counting(dict):
    def get(self, key, default=None): return 10
c = Counting()
_collections._count_elements(c, "ab")
print(c)
