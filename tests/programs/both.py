# SPDX-License-Identifier: MIT
"""What the drivers share: the same work under the reference and under Cede, at the same time, and a comparison of what comes out."""
import concurrent.futures
import importlib.util
import os
import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
REFERENCE = "/usr/bin/python3"
LIBRARY = pathlib.Path("/usr/lib/python3/dist-packages")


def cede():
    """The program under test: the driver's only argument."""
    return os.path.abspath(sys.argv[1])


def need(*modules):
    """Ends the driver as skipped when a package is not installed."""
    for name in modules:
        if importlib.util.find_spec(name) is None:
            print(f"skip: the module {name} is not installed")
            sys.exit(77)


def run(python, arguments, timeout=800, text=None, env=None):
    """(exit status, output, error output) of one interpreter in an empty folder; hash seed fixed, nothing cached."""
    settings = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONHASHSEED": "0", "COLUMNS": "80", "LC_ALL": "C.UTF-8", **(env or {})}
    with tempfile.TemporaryDirectory(prefix="cede-program-") as folder:
        try:
            done = subprocess.run([python, *map(str, arguments)], input=text, capture_output=True, cwd=folder, timeout=timeout, env=settings)
        except subprocess.TimeoutExpired:
            return None, b"", b"did not end in time"
    return done.returncode, done.stdout, done.stderr


def run_both(arguments, **options):
    """The results of run() for Cede and for the reference."""
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        return list(pool.map(lambda python: run(python, arguments, **options), (cede(), REFERENCE)))


def fail(*lines):
    print(*lines, sep="\n")
    sys.exit(1)


def show_difference(ours, theirs, what="output"):
    """Ends the driver with the first lines that differ, if any do."""
    if ours == theirs:
        return
    a, b = ours.splitlines(), theirs.splitlines()
    at = next((i for i, (x, y) in enumerate(zip(a, b)) if x != y), min(len(a), len(b)))
    fail(f"{what}: {len(a)} and {len(b)} lines, different from line {at + 1}:", f"  Cede:    {(a[at:at + 1] or ['<end>'])[0]!r:.300}",
         f"  python3: {(b[at:at + 1] or ['<end>'])[0]!r:.300}")


def compare(arguments, errors_too=False, **options):
    """The same output and exit status from both; returns the output."""
    ours, theirs = run_both(arguments, **options)
    if ours[0] != theirs[0]:
        fail(f"exit status {ours[0]}, python3's {theirs[0]}", ours[2].decode("utf-8", "replace")[-500:])
    show_difference(ours[1], theirs[1])
    if errors_too:
        show_difference(ours[2], theirs[2], "error output")
    return ours[1]


def compare_suite(*arguments, least, block=(), prepare="", timeout=800):
    """A test suite under the installed pytest: the outcome of every phase of every test must be the same, and `least` tests must pass.
    `block`: modules that both are told are absent; `prepare`: statements that both run first."""
    need("pytest")
    start = (f"import sys; sys.path.insert(0, {str(HERE)!r}); sys.modules.update(dict.fromkeys({block!r}))\n{prepare}\n"
             "import pytest; sys.exit(pytest.main(sys.argv[1:]))")
    outputs = run_both(["-c", start, "-q", "-p", "no:cacheprovider", "-p", "outcome_lines", "--rootdir=.", *arguments], timeout=timeout)
    lines = [[line for line in output.decode().splitlines() if line.startswith("outcome: ")] for _, output, _ in outputs]
    if outputs[0][0] != outputs[1][0]:
        fail(f"exit status {outputs[0][0]}, python3's {outputs[1][0]}", (outputs[0][1] + outputs[0][2]).decode("utf-8", "replace")[-500:])
    show_difference("\n".join(lines[0]), "\n".join(lines[1]), "outcomes")
    passed = sum(line.endswith(" call passed") for line in lines[0])
    if passed < least:
        fail(f"only {passed} tests passed under both, not {least}")
    print(passed, "tests passed")
