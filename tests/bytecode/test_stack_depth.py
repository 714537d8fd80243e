"""The stack code that code objects show is sound: every way to an instruction has the same number of values on the stack.

Follows all paths, handlers included, through the code of the installed library, with dis and _opcode.stack_effect.

usage: test_stack_depth.py CEDE [FILE ...]
"""
import glob
import subprocess
import sys

CHECK = r"""
import dis, sys, types, warnings
warnings.simplefilter("ignore")
LAST = {"RETURN_VALUE", "RERAISE", "RAISE_VARARGS", "JUMP_FORWARD", "JUMP_BACKWARD", "JUMP_BACKWARD_NO_INTERRUPT"}
GENERATORS = 0x20 | 0x80 | 0x200

def codes(code):
    yield code
    for value in code.co_consts:
        if isinstance(value, types.CodeType):
            yield from codes(value)

def check(code):
    instructions = list(dis.get_instructions(code))
    assert len(list(code.co_positions())) == len(code.co_code) // 2, "positions"
    number = {instruction.offset: i for i, instruction in enumerate(instructions)}
    handlers = dis._parse_exception_table(code)
    depths, todo = {}, [(0, 1 if code.co_flags & GENERATORS else 0)]
    while todo:
        i, depth = todo.pop()
        while True:
            instruction = instructions[i]
            where = instruction.offset, instruction.opname
            assert depth >= 0, where
            if i in depths:
                assert depths[i] == depth, (where, depths[i], depth)
                break
            depths[i] = depth
            for h in handlers:
                if h.start <= instruction.offset < h.end:
                    assert h.depth <= depth, (where, h)
                    todo.append((number[h.target], h.depth + h.lasti + 1))
            effect = lambda jump: dis.stack_effect(instruction.opcode, instruction.arg, jump=jump)
            if instruction.opcode in dis.hasjrel:
                todo.append((number[instruction.argval], depth + effect(True)))
            if instruction.opname in LAST:
                break
            if instruction.opname == "<255>":
                raise NotImplementedError
            depth += effect(False)
            i += 1

bad = count = 0
for path in sys.argv[1:]:
    try:
        module = compile(open(path, "rb").read(), path, "exec")
    except SyntaxError:
        continue
    for code in codes(module):
        count += 1
        try:
            check(code)
        except NotImplementedError:
            pass
        except AssertionError as e:
            bad += 1
            print(path, code.co_qualname, code.co_firstlineno, e)
print(count, "code objects")
sys.exit(bad != 0 or count == 0)
"""

if __name__ == "__main__":
    files = sys.argv[2:] or sorted(glob.glob("/usr/lib/python3.11/*.py") + glob.glob("/usr/lib/python3.11/asyncio/*.py"))
    sys.exit(subprocess.run([sys.argv[1], "-c", CHECK, *files]).returncode)
