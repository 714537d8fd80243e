# SPDX-License-Identifier: MIT
# values to bytes and back
import marshal
for v in [None,True,1,-1,2**70,-2**70,"abc","h\xe9","\U0001F600","",b"xy",(1,2,(3,)),[1,[2]],{"a":1},{1,2},frozenset([3]),...,StopIteration]:
    d=marshal.dumps(v)
    assert marshal.loads(d)==v, v
l=[1]; l.append(l); q=marshal.loads(marshal.dumps(l)); print(q[1] is q)
try: marshal.loads(b"")
except EOFError as e: print(e)
try: marshal.loads(b"?")
except ValueError as e: print(e)
try: marshal.dumps(object())
except ValueError as e: print(e)
