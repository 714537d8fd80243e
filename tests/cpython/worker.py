"""Runs one of CPython's test modules under the interpreter that executes this file, and reports each test.

usage: worker.py MODULE REPORT [RESOURCE,.. [TEST ...]].  The tests and classes named are left out.  Each line of REPORT: outcome, tab, test id, tab, one line of detail.
Outcomes: pass, fail, error, skip, xfail (expected failure), xpass. A last line "end" says that the run was complete.
"""
import sys
import unittest


class Reporter(unittest.TestResult):
    """Writes each outcome as it comes, so that a crash loses nothing."""

    def __init__(self, out):
        super().__init__()
        self.out = out
        self.last = {}

    def line(self, outcome, test, detail=""):
        detail = " ".join(detail.split())[:300]
        self.out.write(f"{outcome}\t{test.id()}\t{detail}\n")
        self.out.flush()

    def startTest(self, test):
        super().startTest(test)
        self.subtest_failed = False

    def addSuccess(self, test):
        if not self.subtest_failed:
            self.line("pass", test)

    def addFailure(self, test, err):
        self.line("fail", test, f"{err[0].__name__}: {err[1]}")

    def addError(self, test, err):
        self.line("error", test, f"{err[0].__name__}: {err[1]}")

    def addSkip(self, test, reason):
        self.line("skip", test, reason)

    def addExpectedFailure(self, test, err):
        self.line("xfail", test)

    def addUnexpectedSuccess(self, test):
        self.line("xpass", test)

    def addSubTest(self, test, subtest, err):
        if err is not None and not self.subtest_failed:
            self.subtest_failed = True
            self.line("fail", test, f"{err[0].__name__}: {err[1]}")


def without(suite, names):
    if not names:
        return suite
    result = unittest.TestSuite()
    for test in suite:
        if isinstance(test, unittest.TestSuite):
            result.addTest(without(test, names))
        elif not any(test.id() == name or test.id().startswith(name + ".") for name in names):
            result.addTest(test)
    return result


def main():
    name, report = sys.argv[1], sys.argv[2]
    resources = [r for r in (sys.argv[3] if len(sys.argv) > 3 else "").split(",") if r]
    left_out = sys.argv[4:]
    sys.argv[1:] = []
    from test import support

    support.use_resources = ["decimal", "subprocess", "cpu", *resources]
    with open(report, "w", encoding="utf-8", errors="backslashreplace") as out:
        try:
            suite = unittest.defaultTestLoader.loadTestsFromName(name)
        except unittest.SkipTest as skip:
            out.write(f"skip\t{name}\t{skip}\n")
            out.write("end\n")
            return
        without(suite, left_out).run(Reporter(out))
        out.write("end\n")


if __name__ == "__main__":
    main()
