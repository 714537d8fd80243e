"""What is typed at the prompt over several lines: where a statement ends, and what is said of mistakes in it."""
import re
import subprocess
import sys

SESSIONS = [
    ["(1 +", "2)", "x = [", "  1,", "", "  2]", "x"],
    ["def f():", "  return 1", "", "f()", "@staticmethod", "def g():", "  pass", "", "@a", "", "1"],
    ["s = '''a", "b", "", "c'''", "s", "x = 1 + \\", "  2", "x", "if 1:", "  '''a", "", "b'''", "  print(3)", "", "4"],
    ["if 1:", "  x = 1", "else:", "  x = 2", "", "x", "for i in range(2): print(i)", "", "class A:", "  def f(self):", "    return 1", "", "A().f()"],
    ["1 +", "a b", "x = (1,", "y = 2", "f(a b)", "'abc", "x = 1 +", "  print(1)", "9"],
    ["try:", "  1/0", "except ZeroDivisionError:", "  print('z')", "finally:", "  print('f')", "", "try:", "", "5"],
    ["# comment", "", "   ", "if 1: # c", "  # c", "  pass", "# d", "", "6", "x = 1; y = 2; x + y", "_", "def f(", "  a,", "  b):", "  return a", "", "f(1,2)"],
    ["match 3:", "  case 3:", "    print('m')", "", "match = 4", "match", "async def f(): pass", "", "while 1: break", "", "7"],
    ["def f(): return (1,", "2)", "", "f()", "class C: pass", "", "if 1: pass", "elif 2: pass", "", "x = {", "'a': 1,", "}", "x", "1 if", "2", "'a' \\", "'b'", "8"],
]
for lines in SESSIONS:
    done = subprocess.run([sys.executable, "-i", "-q"], input="\n".join(lines) + "\n", capture_output=True, text=True)
    print(lines, done.returncode)
    for text in (done.stdout, done.stderr):
        print([line for line in re.sub(r"(>>> |\.\.\. )+", "", text).splitlines() if line])
