# SPDX-License-Identifier: MIT
"""pyflakes' own tests, by unittest: the same result for every test, and the same failures (those that its package has everywhere)."""
import re

from both import LIBRARY, fail, need, run_both, show_difference

need("pyflakes")
RESULT = re.compile(r" \.\.\. (ok|FAIL|ERROR|skipped .*|expected failure|unexpected success)$", re.MULTILINE)
arguments = ["-m", "unittest", "discover", "-v", "-t", LIBRARY, "-s", LIBRARY / "pyflakes/test"]
results = []
for status, _, text in run_both(arguments):
    text = text.decode()
    rows, bound = text.split("\n==========", 1)[0], re.search(r"^Ran (\d+) tests", text, re.MULTILINE)
    if not bound:
        fail("unittest did not end:", text[-500:])
    results.append(rows)
show_difference(*results, "results")
passed = sum(result == "ok" for result in RESULT.findall(results[0]))
if passed < 723:
    fail(f"only {passed} tests passed under both, not 723")
print(passed, "tests passed")
