# SPDX-License-Identifier: MIT
"""tornado's own tests, over asyncio: what passes under the reference passes under Cede."""
import re

from both import fail, need, run_both

need("tornado")
NAME = re.compile(r"^(test\w* \([\w.]+\))", re.MULTILINE)
OK = re.compile(r"( \.\.\. |^)ok$", re.MULTILINE)     # on a line of its own if the test wrote something before
DIFFERENT = {
    # It compares times.
    "test_linear_performance (tornado.test.httputil_test.HTTPHeadersTest.test_linear_performance)",
    # Its C extension can't be loaded.
    "test_mask (tornado.test.websocket_test.CythonMaskFunctionTest.test_mask)",
    # With -W error and a script on standard input, children that were forked say at their end that a report of theirs failed.
    "test_bind_start (tornado.test.tcpserver_test.TestMultiprocess.test_bind_start)",
}
passed = []
for status, output, errors in run_both(["-m", "tornado.test.runtests", "--verbose"], timeout=300):
    text = (output + errors).decode("utf-8", "replace")
    if not re.search(r"^Ran \d+ tests", text, re.MULTILINE):
        fail("the tests did not end:", text[-500:])
    parts = NAME.split(text)
    passed.append({name for name, rest in zip(parts[1::2], parts[2::2]) if OK.search(rest)})
ours, theirs = passed
lost = theirs - ours - DIFFERENT
if lost:
    fail(f"{len(lost)} tests that pass under python3 do not here:", *sorted(lost)[:10])
if len(ours) < 1000:
    fail(f"only {len(ours)} tests passed")
print(len(ours), "tests passed,", len(theirs), "under python3")
