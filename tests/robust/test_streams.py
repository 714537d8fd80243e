# What a program says, and how it ends, when its streams are closed, its disk is full, or its pipe is gone.
import os
import subprocess
import sys
import tempfile

os.chdir(tempfile.mkdtemp())


def shell(name, command, shown="both"):
    done = subprocess.run(["bash", "-c", command.replace("PY", sys.executable)], stdin=subprocess.DEVNULL, capture_output=True, timeout=100)
    print(name, done.returncode, done.stdout[-300:], done.stderr.replace(sys.executable.encode(), b"PY") if shown == "both" else "")


for name, options, program in [
    ("print", "", "print(1)"),
    ("much", "", "print('x' * 100000)"),
    ("flush", "", "import sys; print(1); sys.stdout.flush()"),
    ("unbuffered", "-u", "print(1)"),
    ("caught", "", "import sys\ntry: print(1, flush=True)\nexcept OSError as e: print(e, file=sys.stderr)"),
    ("exit", "", "import sys; print(1); sys.exit(3)"),
    ("exception", "", "print(1); 1/0"),
]:
    shell("full " + name, f'PY {options} -c "{program}" >/dev/full')
shell("full stderr", 'PY -c "import sys; sys.stderr.write(str(1)); 1/0" 2>/dev/full')

shell("closed stdout", 'PY -c "print(1)" >&-')
shell("closed stdout is None", 'PY -c "import sys; sys.stderr.write(repr(sys.stdout))" >&-')
shell("closed stderr", 'PY -c "1/0" 2>&-')
shell("closed stdin", 'PY -c "import sys; print(sys.stdin)" <&-')
shell("closed stdin input", 'PY -c "input()" <&-')
shell("closed stdin script", "PY <&-")
shell("closed all", 'PY -c "print(1); 1/0" <&- >&- 2>&-')
shell("closed by number", 'PY -c "import os; print(1); os.close(1)"')
shell("closed by method", 'PY -c "import sys; print(1); sys.stdout.close(); print(2)"')
shell("no stdout", 'PY -c "import sys; sys.stdout = None; print(1)"')
shell("stdout deleted", 'PY -c "import sys; del sys.stdout; print(1)"')
shell("stdout is a number", 'PY -c "import sys; sys.stdout = 1; print(1)"')
shell("stderr is a number", 'PY -c "import sys; sys.stderr = 1; 1/0"', shown="out")
shell("pipe", 'set -o pipefail; PY -c "for i in range(100000): print(i)" | head -1', shown="out")

for name, program in [
    ("plain", "f = open('out', 'w'); f.write('a' * 10)"),
    ("exit", "import sys; f = open('out', 'w'); f.write('b' * 10); sys.exit(1)"),
    ("exception", "f = open('out', 'w'); f.write('c' * 10); 1/0"),
    ("cycle", "f = open('out', 'w'); f.write('d' * 10); a = [f]; a.append(a)"),
    ("bytes", "f = open('out', 'wb'); f.write(b'e' * 10)"),
    ("thread", "import threading\nf = open('out', 'w')\nthreading.Thread(target=lambda: f.write('f' * 10)).start()"),
    ("frame", "import sys\ndef g():\n    f = open('out', 'w'); f.write('g' * 10)\n    sys.keep = sys._getframe()\ng()"),
    ("atexit", "import atexit\nf = open('out', 'w')\natexit.register(lambda: f.write('h' * 10))"),
    ("del", "class C:\n    def __del__(self, f=open('out', 'w')): f.write('i' * 10)\nc = C()"),
]:
    shell("not lost " + name, f'PY -c "{program}" 2>/dev/null; cat out; rm -f out')

shell("file full", 'PY -c "f = open(\'/dev/full\', \'w\'); f.write(\'x\')\ntry: f.close()\nexcept OSError as e: print(e, f.closed)"')
shell("file full and dropped", 'PY -c "f = open(\'/dev/full\', \'w\'); f.write(\'x\')"')
shell("file size limit", "ulimit -f 1; PY -c \"f = open('out', 'wb')\ntry: f.write(b'q' * 1000000); f.close()\nexcept OSError as e: print(e)\"")
shell("too many files", "ulimit -n 5; PY -S -c \"try: l = [open('/dev/null') for i in range(100)]\nexcept OSError as e: print(e)\"")
shell("ascii", 'PYTHONIOENCODING=ascii PY -c "print(chr(233))"')
shell("no such encoding", 'PYTHONIOENCODING=nonsense PY -c "print(1)"', shown="out")
shell("surrogate", 'PY -c "print(chr(0xdc80))"')
shell("no script", "PY /nothere.py")
shell("no module", "PY -m nothere")
shell("exit text", 'PY -c "import sys; sys.exit(\'text\')"')
shell("exit big", 'PY -c "import sys; sys.exit(2**70)"')
shell("_exit", 'PY -c "import os; print(1); os._exit(3)"')
