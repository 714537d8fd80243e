"""The command line: options, what they do to sys.flags, exit statuses, wrong options."""
import os
import subprocess
import sys
import tempfile


def run(*args, stdin=b"", env=None, cwd=None):
    """Exit status, output and error output, the program's own name replaced."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    done = subprocess.run([sys.executable, *args], input=stdin, capture_output=True, env={**clean, **(env or {})}, cwd=cwd)
    return done.returncode, *(text.decode().replace(sys.executable, "PROGRAM") for text in (done.stdout, done.stderr))


def show(*args, errors=True, **how):
    status, out, err = run(*args, **how)
    print(args, sorted((how.get("env") or {}).items()), "->", status)
    print(out, end="")
    if errors:
        print(err.replace("python -h", "PROGRAM -h"), end="")


FLAGS = "import sys; print({n: getattr(sys.flags, n) for n in dir(sys.flags) if n[0] != '_' and n not in ('count', 'index') and n[:2] != 'n_'})"
for option in ("-b", "-bb", "-B", "-d", "-E", "-I", "-O", "-OO", "-P", "-q", "-s", "-S", "-u", "-X", "-sS", "-Xdev", "-Xutf8", "-Xutf8=0"):
    if option == "-X":
        show("-X", "warn_default_encoding", "-c", FLAGS)
    else:
        show(option, "-c", FLAGS)

# Variables, and that -E and -I ignore them
for name, value in (("PYTHONOPTIMIZE", "2"), ("PYTHONDONTWRITEBYTECODE", "1"), ("PYTHONNOUSERSITE", "1"), ("PYTHONSAFEPATH", "1"), ("PYTHONDEBUG", "x"),
                    ("PYTHONUTF8", "1"), ("PYTHONHASHSEED", "0"), ("PYTHONHASHSEED", "123"), ("PYTHONINTMAXSTRDIGITS", "700"), ("PYTHONDEVMODE", "1")):
    show("-c", FLAGS, env={name: value})
    show("-E", "-c", FLAGS, env={name: value})
show("-c", "import sys; print(sys.path[1])", env={"PYTHONPATH": "/a:/b"})
show("-I", "-c", "import sys; print('/a' in sys.path)", env={"PYTHONPATH": "/a:/b"})
show("-c", "import sys; print(sys.stdout.encoding, sys.stdout.errors)", env={"PYTHONIOENCODING": "latin-1:replace"})
show("-c", "import sys; print(sys.pycache_prefix)", env={"PYTHONPYCACHEPREFIX": "/p"})
show("-X", "pycache_prefix=/q", "-c", "import sys; print(sys.pycache_prefix)")
show("-c", "import sys; print(sys.warnoptions)", env={"PYTHONWARNINGS": "error,ignore::DeprecationWarning"})
show("-W", "once", "-Wdefault", "-b", "-c", "import sys; print(sys.warnoptions)")
show("-X", "a", "-Xb=c", "-c", "import sys; print(sys._xoptions)")

# Wrong ones
for args in (["-Z"], ["--nonsense"], ["-c"], ["-m"], ["-W"], ["-X"], ["-m", "no_such_module_here"], ["/no/such/file.py"], ["-m", "os.nothing"]):
    show(*args)
for env in ({"PYTHONINTMAXSTRDIGITS": "3"}, {"PYTHONINTMAXSTRDIGITS": "x"}):
    print(run("-c", "1", env=env)[0])

# Exit statuses
for code in ("pass", "raise SystemExit", "raise SystemExit(3)", "raise SystemExit('text')", "import sys; sys.exit(256 + 7)", "1 / 0", "import os; os._exit(9)",
             "raise SystemExit(None)", "raise SystemExit([])", "raise KeyboardInterrupt('x') from None" if False else "raise SystemExit(True)"):
    show("-c", code)

# Where the program comes from
show("-c", "import sys; print(sys.argv, sys.path[0] == '')", "-c", "--x", "-")
show("-", "a", stdin=b"import sys; print(sys.argv, __name__, __file__ if '__file__' in globals() else 'no file')\n")
show(stdin=b"import sys; print(sys.argv)\nprint('two')\n")
show("-i", "-q", "-c", "x = 1", stdin=b"print(x + 1)\n", errors=False)
show("-i", "-c", "1 / 0", stdin=b"import sys; print(sys.last_type)\n", errors=False)
with tempfile.TemporaryDirectory() as folder:
    script = os.path.join(folder, "script.py")
    with open(script, "w") as file:
        file.write("import sys, os\nprint(sys.argv[1:], __name__, os.path.basename(__file__), os.path.basename(sys.path[0]) == os.path.basename(%r))\n" % folder)
    show(script, "one", "-c", errors=False) if False else print(run(script, "one", "-c"))
    print(run("-P", script))
    print(run("-m", "script", "two", cwd=folder))
    print(run("-O", "-m", "script", cwd=folder))
    package = os.path.join(folder, "package")
    os.mkdir(package)
    for name, text in (("__init__.py", "print('init', __name__)\n"), ("__main__.py", "import sys\nprint('main', __name__, __package__, __spec__.name)\n"),
                       ("other.py", "from . import __name__ as n\nprint('other', n, __package__)\n")):
        with open(os.path.join(package, name), "w") as file:
            file.write(text)
    print(run("-m", "package", cwd=folder))
    print(run("-m", "package.other", cwd=folder))
    print(run("-m", "package.none", cwd=folder))
    print(run(package, cwd=folder)[:2])
    import zipfile
    archive = os.path.join(folder, "program.zip")
    with zipfile.ZipFile(archive, "w") as z:
        z.writestr("__main__.py", "import helper, sys\nprint('zip', helper.x, sys.argv[1:])\n")
        z.writestr("helper.py", "x = 5\n")
    print(run(archive, "a"))
    print(run("-c", "import helper; print(helper.x, type(helper.__loader__).__name__)", env={"PYTHONPATH": archive}))
    first = os.path.join(folder, "first.py")
    with open(first, "w") as file:
        file.write("this is for somebody else\nprint('second line')\nraise ValueError\n")
    print(run("-x", first)[0:2])
    print("line 3" in run("-x", first)[2])

# Help and version name the program's own text
for option in ("-h", "--help", "-V", "--version", "-VV", "--help-env", "--help-xoptions", "--help-all"):
    status, out, err = run(option)
    print(option, status, bool(out), bool(err))

# importtime: a line for each module, nested ones before the one that imported them
status, out, err = run("-X", "importtime", "-c", "import json.decoder")
names = [line.split("|")[2].strip() for line in err.splitlines() if line.startswith("import time:") and line.count("|") == 2]
print(status, names.index("json.scanner") < names.index("json.decoder") < names.index("json"), names[0])
print(run("-X", "importtime", "-c", "pass")[1])
