#!/usr/bin/python3
"""Runs every test and ends with the line "N passed, N failed, N skipped".

usage: tests/run.py [--asan] [--whole] [NAME ...]     only tests whose path contains a NAME

--asan: the build with AddressSanitizer and UBSan. --whole: every allocation of every snippet fails in turn, not a sample of them

Kinds, in this order:
  tools/layers.py, tools/symbols.py     what may include what, and which names the linker sees
  tools/own_words.py                    docstrings and comments are no copies of the reference's
  make owners, clang, amalgam           the sources mind who owns what, clang takes them, and so does a compiler that gets them as one file
  tests/base/*.c                        C programs over src/base; built here, exit status 0 passes
  tests/<folder>/test_*.py              run under python3 and under Cede: output and exit status must be the same
  tests/errors/*.py                     likewise, with the error output compared too
  tests/newer/test_*.py                 syntax that python3 does not know: run under Cede, output compared with the .expected file of the
                                        same name, which a newer python3 wrote
  tests/bytecode/test_*.py              drivers that let CPython run what Cede compiled (run by python3, given the program)
  tests/differs/*.py                    intended differences: run under Cede, output compared with the `# cede:` lines of the file; cleanup_*
                                        also in the mode `compat`, which must print the `# python3:` lines
  tests/api/*.c, *.cpp                  hosts that embed Cede
  examples/host/*.c                     built as their README says; tests/api/examples has what they read and what they print
  tests/alloc/sweep.c                   snippets that are run with the 1st, 2nd, 3rd ... allocation failing
  tests/leaks                           our own programs run again and again in one VM, and 10,000 VMs: nothing may be left
  tests/programs/test_*.py              drivers that put unmodified packages to work (run by python3, given the program)
  tests/cpython/run                     CPython's own test files, against the table expect.txt
"""
import argparse
import concurrent.futures
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
TESTS = ROOT / "tests"
REFERENCE = "/usr/bin/python3"
LEAK_FOLDERS = ("coro", "errors", "frontend", "loop", "modules", "newer", "objects", "vm")
ADDRESS = re.compile(rb"0x[0-9a-f]{6,}")


def capture(command, cwd=None, timeout=120, env=None, given=None):
    """(exit status, standard output, standard error) of a command that is given this input; status None: timed out."""
    try:
        source = {"stdin": subprocess.DEVNULL} if given is None else {"input": given}
        done = subprocess.run(command, **source, capture_output=True, cwd=cwd, timeout=timeout,
                              env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONHASHSEED": "0", **(env or {})})
    except subprocess.TimeoutExpired:
        return None, b"", b"timed out"
    return done.returncode, done.stdout, done.stderr


def mask(output):
    return ADDRESS.sub(b"0xADDRESS", output)


def first_difference(ours, theirs):
    for number, (a, b) in enumerate(zip(ours.splitlines() + [b"<end>"], theirs.splitlines() + [b"<end>"]), 1):
        if a != b:
            return f"line {number}: Cede {a.decode('utf-8', 'replace')[:200]!r}, python3 {b.decode('utf-8', 'replace')[:200]!r}"
    return "outputs differ in length"


class Suite:
    """Runs tests by kind and counts."""

    def __init__(self, cede, asan, whole=False):
        self.cede, self.asan, self.whole = str(cede), asan, whole
        self.patience = 6 if asan else 1
        self.passed = self.failed = self.skipped = 0

    def report(self, name, trouble):
        if trouble:
            self.failed += 1
            print(f"FAILED {name}: {trouble}", flush=True)
        else:
            self.passed += 1

    def both(self, path, with_errors):
        """The same program under both interpreters."""
        with tempfile.TemporaryDirectory(prefix="cede-test-") as folder, tempfile.TemporaryDirectory(prefix="cede-found-") as reports:
            options = f"{os.environ.get('ASAN_OPTIONS', '')}:log_path={reports}/found"   # of child processes too; not mixed with what they print
            env = {"ASAN_OPTIONS": options, "UBSAN_OPTIONS": options} if self.asan else None
            ours = capture([self.cede, str(path)], cwd=folder, timeout=120 * self.patience, env=env)
            for report in sorted(pathlib.Path(reports).iterdir()):
                if b"ERROR: " in report.read_bytes() or b"runtime error: " in report.read_bytes():
                    return report.read_text(errors="replace")[:1500]
        with tempfile.TemporaryDirectory(prefix="cede-test-") as folder:
            theirs = capture([REFERENCE, str(path)], cwd=folder)
        if ours[0] != theirs[0]:
            tail = ours[2].decode("utf-8", "replace").strip().splitlines()[-1:] or [""]
            return f"exit status {ours[0]}, python3's {theirs[0]}: {tail[0][:300]}"
        if mask(ours[1]) != mask(theirs[1]):
            return first_difference(mask(ours[1]), mask(theirs[1]))
        if with_errors and mask(ours[2]) != mask(theirs[2]):
            return first_difference(mask(ours[2]), mask(theirs[2]))
        return ""

    def differs(self, path):
        """`# cede: ` lines are what Cede prints; `# python3: ` lines, if there are any, what the reference does. What is about the cleanup of
        async generators prints under `-X asyncgen=compat` what the reference prints, unless a `# compat: ` line says why not."""
        text = path.read_text()
        runs = [([self.cede], "# cede: "), ([REFERENCE], "# python3: ")]
        if path.name.startswith("cleanup_") and "\n# compat: " not in text:
            runs.append(([self.cede, "-X", "asyncgen=compat"], "# python3: "))
        for program, mark in runs:
            want = b"".join(line[len(mark):].encode() for line in text.splitlines(True) if line.startswith(mark))
            if not want and mark == "# python3: ":
                break
            status, output, errors = capture([*program, str(path)])
            if status != 0:
                return f"exit status {status} of {' '.join(program)}: {errors[-300:]!r}"
            if output != want:
                return f"{' '.join(program[1:])} {mark}{first_difference(output, want)}"
        return ""

    def expected(self, path):
        status, output, errors = capture([self.cede, "-W", "ignore", str(path)])
        want = path.with_suffix(".expected").read_bytes()
        if output != want:
            return first_difference(output, want)
        return "" if status == 0 else f"exit status {status}: {errors[-300:]!r}"

    def c_build(self, path, folder):
        """(program, what went wrong): one C file with the built library. Hosts see the public header only, and are strict C99 or C++11."""
        build, host = pathlib.Path(self.cede).parent, path.parent.name in ("api", "host")
        compiler = {".c": ["gcc", "-std=c99" if host else "-std=gnu11"], ".cpp": ["clang++", "-std=c++11", "-fno-exceptions", "-fno-rtti"]}[path.suffix]
        flags = ["-D_GNU_SOURCE", "-g", *(["-fsanitize=address,undefined"] if self.asan else []), f"-I{ROOT}/include"]
        if self.asan and path.suffix == ".cpp":      # these two want C++'s run-time library
            flags.append("-fno-sanitize=vptr,function")
        flags += ["-DCEDE_DEBUG=1"] if self.asan and not host else []
        flags += ["-Wall", "-Wextra", "-pedantic", "-Werror"] if host else [f"-I{ROOT}/src", f"-I{build}/generated"]
        program, made = os.path.join(folder, "test"), os.path.join(folder, "test.o")
        status, _, errors = capture([*compiler, *flags, "-c", str(path), "-o", made])
        if status == 0:
            libraries = (build / "link-flags.txt").read_text().split()
            sanitizers = [flag for flag in flags if flag.startswith("-fsanitize")]
            status, _, errors = capture(["gcc", *sanitizers, made, str(build / "libcede_core.a"), *libraries, "-o", program])
        return program, "" if status == 0 else "does not build: " + errors.decode()[-500:]

    def c_environment(self):
        # Freed memory goes back at once, or else it would count as what the test left behind.
        options = f"{os.environ.get('ASAN_OPTIONS', '')}:quarantine_size_mb=1:thread_local_quarantine_size_kb=64"
        return {"ASAN_OPTIONS": options} if self.asan else None

    def c_program(self, path, *arguments):
        """Builds one C test against the built library, runs it."""
        with tempfile.TemporaryDirectory(prefix="cede-test-") as folder:
            program, trouble = self.c_build(path, folder)
            if trouble:
                return trouble
            status, output, errors = capture([program, *arguments], timeout=1800 if self.whole else 300 * self.patience, env=self.c_environment())
            return "" if status == 0 else f"exit status {status}: {(output + errors).decode('utf-8', 'replace')[-500:]}"

    def host_example(self, path):
        """An example host prints what tests/api/examples/NAME.expected says, given NAME.input if there is one; and nothing on stderr."""
        files = TESTS / "api" / "examples" / path.name
        with tempfile.TemporaryDirectory(prefix="cede-test-") as folder:
            program, trouble = self.c_build(path, folder)
            if trouble:
                return trouble
            source = files.with_suffix(".input")
            status, output, errors = capture([program], timeout=120 * self.patience, env=self.c_environment(),
                                             given=source.read_bytes() if source.exists() else None)
        if status != 0 or errors:
            return f"exit status {status}: {(output + errors).decode('utf-8', 'replace')[-500:]}"
        want = files.with_suffix(".expected").read_bytes()
        return "" if output == want else first_difference(output, want)

    def sweep(self, path):
        return self.c_program(path, "-n", "0" if self.whole else "10", str(TESTS / "alloc" / "snippets.txt"))

    def many_vms(self, path):
        return self.c_program(path, "500" if self.asan else "10000")

    def leaks(self, path):
        status, output, errors = capture([self.cede, str(TESTS / "leaks" / "repeat.py"), str(path)], timeout=200 * self.patience)
        return "" if status == 0 else f"leaks: {(output + errors).decode('utf-8', 'replace')[-500:]}"

    def driver(self, path):
        """A driver prints what went wrong and exits 1, or prints `skip: reason` and exits 77."""
        status, output, errors = capture([REFERENCE, str(path), self.cede], timeout=900)
        if status == 77:
            self.skipped += 1
            print(f"skipped {path.name}: {output.decode().strip()}")
            return None
        return "" if status == 0 else f"exit status {status}: {(output + errors).decode('utf-8', 'replace')[-600:]}"

    def tree_check(self, path):
        """A tool that looks at the sources or the library, and exits 1 with what is wrong."""
        arguments = {"symbols.py": [str(pathlib.Path(self.cede).parent / "libcede_core.a")], "own_words.py": [self.cede]}
        status, output, errors = capture([REFERENCE, str(path), *arguments.get(path.name, [])])
        return "" if status == 0 else (output + errors).decode("utf-8", "replace")[-500:]

    def make_check(self, path):
        """A target of the Makefile that looks at the sources."""
        status, output, errors = capture(["make", "-C", str(ROOT), path.name], timeout=300)
        return "" if status == 0 else (output + errors).decode("utf-8", "replace")[-500:]

    def run_all(self, names):
        def wanted(path):
            text = str(path.relative_to(ROOT))
            return not names or any(name in text for name in names)

        jobs = [(ROOT / "tools" / name, self.tree_check) for name in ("layers.py", "own_words.py")]
        if not self.asan:                            # the sanitizers add data of their own
            jobs.append((ROOT / "tools" / "symbols.py", self.tree_check))
            jobs += [(ROOT / target, self.make_check) for target in ("owners", "clang", "amalgam")]
        for path in sorted(TESTS.glob("base/*.c")) + sorted(TESTS.glob("api/*.c*")):
            jobs.append((path, self.c_program))
        for path in sorted((ROOT / "examples" / "host").glob("*.c")):
            jobs.append((path, self.host_example))
        for path in sorted(TESTS.glob("*/test_*.py")):
            if path.parent.name == "newer":
                jobs.append((path, self.expected))
            elif path.parent.name not in ("bytecode", "programs", "cpython", "errors", "differs"):
                jobs.append((path, lambda p: self.both(p, False)))
        for path in sorted(TESTS.glob("errors/*.py")):
            jobs.append((path, lambda p: self.both(p, True)))
        for path in sorted(TESTS.glob("differs/*.py")):
            jobs.append((path, self.differs))
        for path in sorted(TESTS.glob("bytecode/test_*.py")) + sorted(TESTS.glob("programs/test_*.py")):
            jobs.append((path, self.driver))
        jobs.append((TESTS / "alloc" / "sweep.c", self.sweep))
        jobs.append((TESTS / "leaks" / "many_vms.c", self.many_vms))
        jobs = [(path, run) for path, run in jobs if wanted(path)]
        if not names or any("leaks" in name for name in names):
            jobs += [(path, self.leaks) for folder in LEAK_FOLDERS for path in sorted(TESTS.glob(folder + "/*.py"))]
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            for (path, _), trouble in zip(jobs, pool.map(lambda job: job[1](job[0]), jobs)):
                if trouble is not None:
                    self.report(path.relative_to(ROOT), trouble)
        if not names or any(name.startswith("tests/cpython") or name == "cpython" for name in names):
            self.cpython()

    def cpython(self):
        slow = ["--timeout", "900", "--sanitized"] if self.asan else []
        process = subprocess.Popen([str(TESTS / "cpython" / "run"), "--cede", self.cede, *slow], stdout=subprocess.PIPE, text=True)
        last = ""
        for line in process.stdout:
            print(line, end="", flush=True)
            last = line
        process.wait()
        counts = re.fullmatch(r"(\d+) passed, (\d+) failed, (\d+) skipped\n", last)
        if not counts:
            self.report("tests/cpython/run", "did not finish")
            return
        self.passed += int(counts[1])
        self.failed += int(counts[2])
        self.skipped += int(counts[3])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--asan", action="store_true")
    parser.add_argument("--whole", action="store_true")
    parser.add_argument("names", nargs="*")
    args = parser.parse_args()
    for number in (signal.SIGINT, signal.SIGQUIT):   # a shell's job in the background ignores them, and so would all programs that are tested
        signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
    if args.asan:                                    # a request that is too large is an ordinary failure
        os.environ["ASAN_OPTIONS"] = ":".join(filter(None, [os.environ.get("ASAN_OPTIONS"), "allocator_may_return_null=1"]))
    suite = Suite(ROOT / ("build-asan" if args.asan else "build") / "cede", args.asan, args.whole)
    suite.run_all(args.names)
    print(f"{suite.passed} passed, {suite.failed} failed, {suite.skipped} skipped")
    sys.exit(1 if suite.failed else 0)


if __name__ == "__main__":
    main()
