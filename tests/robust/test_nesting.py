# Source nested 100,000 deep, lines of a hundred thousand operands: the same exception as the reference's, or code that runs.
import sys

DEEP = 100_000
SOURCES = {
    "parentheses": "(" * DEEP + ")" * DEEP, "brackets": "[" * DEEP, "braces": "{" * DEEP, "minus": "-" * DEEP + "1", "not": "not " * DEEP + "1",
    "lambda": "lambda:" * DEEP + "1", "attributes": "a" + ".b" * DEEP, "calls": "a" + "()" * DEEP, "sum": "1" + "+1" * DEEP, "power": "1" + "**1" * DEEP,
    "ternary": "1 if 1 else " * DEEP + "1", "strings": '"a" ' * DEEP, "await": "await " * DEEP + "x", "subscripts": "a" + "[0]" * DEEP, "stars": "*" * DEEP,
    "indents": "".join(" " * i + "if 1:\n" for i in range(300)) + " " * 300 + "pass\n",
    "blocks": "\n".join(" " * i + "for x in y:" for i in range(30)) + "\n" + " " * 30 + "pass\n",
    "walrus": "(a:=" * 50000 + "1" + ")" * 50000, "with": "with " + "a, " * 50000 + "a: pass\n", "del": "del " + "a," * DEEP,
    "match": "match 1:\n case " + "(" * DEEP + "1" + ")" * DEEP + ": pass\n", "targets": "a=" * DEEP + "1", "arguments": "f(" + "a," * DEEP + ")",
    "dicts": "{1:" * DEEP + "1" + "}" * DEEP, "yield": "def f():\n x = " + "(yield " * 50000 + ")" * 50000 + "\n", "comprehensions": "[" * 150 + "x" + " for x in y]" * 150,
    "number": "x = 0x" + "f" * DEEP,
}
for name, source in SOURCES.items():
    try:
        compile(source + "\n", "<source>", "exec")
        print(name, "compiles")
    except (SyntaxError, RecursionError, MemoryError, OverflowError) as error:
        print(name, type(error).__name__, error)

text = 'x = "' + "a" * 100_000_000 + '"\n'                        # a line of 100 MB
namespace = {}
exec(text, namespace)
print(len(namespace["x"]))
exec("#" + text + "y = 1 " + " " * 10_000_000, namespace)
print(namespace["y"])
try:
    exec(text[:-2], namespace)
except SyntaxError as error:
    print(error.msg, error.lineno, error.offset)
