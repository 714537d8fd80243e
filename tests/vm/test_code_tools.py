# What tools read from code objects: instructions, constants, lines, positions, and where frames and tracebacks stand.
import dis
import sys
import types


def names(function):
    return [i.opname for i in dis.get_instructions(function)]


def simple(a, b=2):
    c = a.attr + b * 2
    a[c] = simple(c, b=b)
    a.x, b = b, a.x
    return a.method(c)[0], -c


def loop(n):
    for i in range(n):
        if i > 3 and n:
            print(i)
        else:
            continue
    while n:
        n -= 1
    return not n


def cells(x):
    def inner():
        nonlocal x
        x += 1
        return x
    return inner


def yields(x):
    y = yield x
    yield from y
    del y


def folded():
    return (1 + 2 * 3, "a" * 3, (1, 2)[0], -1.5, not 0, x in [1, 2], y in {3, 4}, [i for i in (5, 6)])


def consts_only():
    "text"
    if 0:
        a()
    while 1:
        b()


for function in simple, loop, cells, yields, consts_only:
    code = function.__code__
    print(function.__name__, names(function))
    print(code.co_consts[:1], code.co_names, code.co_varnames, code.co_cellvars, code.co_freevars)
    print([(i.opname, i.argval) for i in dis.get_instructions(code) if i.opcode in dis.hasname or i.opcode in dis.haslocal or i.opcode in dis.hasfree])
    print([line - code.co_firstlineno for _, _, line in code.co_lines() if line is not None])
print([i.argval for i in dis.get_instructions(folded) if i.opname == "LOAD_CONST" and not isinstance(i.argval, types.CodeType)])


def where(code, offset):
    instruction = next(i for i in dis.get_instructions(code) if i.offset == offset)
    line, end_line, column, end_column = list(code.co_positions())[offset // 2]
    return instruction.opname, line - code.co_firstlineno, column, end_column


def fails(kind, x):
    if kind == 0:
        return x + 1
    if kind == 1:
        return x.missing
    if kind == 2:
        return x[0](1)
    if kind == 3:
        return missing
    if kind == 4:
        del unbound
    raise KeyError(
        kind)


for kind, x in enumerate([None, None, [3], None, None, None]):
    try:
        fails(kind, x)
    except Exception as e:
        traceback = e.__traceback__.tb_next
        print(type(e).__name__, where(fails.__code__, traceback.tb_lasti), traceback.tb_frame.f_lasti == traceback.tb_lasti)

g = yields(1)
next(g)
print(where(yields.__code__, g.gi_frame.f_lasti)[0])


def current():
    frame = sys._getframe()
    return where(frame.f_code, frame.f_lasti)


print(current())
code = simple.__code__
same = code.replace()
print(same == code, same.co_code == code.co_code, same.co_linetable == code.co_linetable, same.co_exceptiontable == code.co_exceptiontable)
print(list(code.replace(co_linetable=b"").co_lines()), code.replace(co_name="other").co_name, code.replace(co_firstlineno=1).co_firstlineno)
print([dis.stack_effect(dis.opmap[name], argument) for name, argument in (("LOAD_CONST", 0), ("CALL", 2), ("PRECALL", 2), ("BUILD_MAP", 3), ("FOR_ITER", 1))])
