# SPDX-License-Identifier: MIT
"""tornado's own tests, over asyncio: what passes under the reference passes under Cede."""
import re

from both import cede, fail, need, run, run_both

need("tornado")
NAME = re.compile(r"^(test\w* \([\w.]+\))", re.MULTILINE)
OK = re.compile(r"( \.\.\. |^)ok$", re.MULTILINE)     # on a line of its own if the test wrote something before
DIFFERENT = {
    # They compare times.
    "test_linear_performance (tornado.test.httputil_test.HTTPHeadersTest.test_linear_performance)",
    "test_disposition_param_linear_performance (tornado.test.httputil_test.MultipartFormDataTest.test_disposition_param_linear_performance)",
    # Its C extension can't be loaded.
    "test_mask (tornado.test.websocket_test.CythonMaskFunctionTest.test_mask)",
}
if "asan" in cede():
    # A TLS connection and a request are to be there within a tenth of a second, which the sanitizers take by themselves.
    DIFFERENT.add("test_request_timeout (tornado.test.simple_httpclient_test.SimpleHTTPSClientTestCase.test_request_timeout)")
RUNTESTS = ["-m", "tornado.test.runtests", "--verbose"]


def names_passed(output, errors):
    text = (output + errors).decode("utf-8", "replace")
    if not re.search(r"^Ran \d+ test", text, re.MULTILINE):
        fail("the tests did not end:", text[-500:])
    parts = NAME.split(text)
    return {name for name, rest in zip(parts[1::2], parts[2::2]) if OK.search(rest)}


ours, theirs = (names_passed(output, errors) for _, output, errors in run_both(RUNTESTS, timeout=300))
lost = theirs - ours - DIFFERENT
if lost and len(lost) <= 10:
    # Many of them measure time, and the machine may have been busy: once more, alone.
    ids = [name[name.index("(") + 1:-1] for name in sorted(lost)]
    _, output, errors = run(cede(), [*RUNTESTS, *ids], timeout=120)
    lost -= names_passed(output, errors)
if lost:
    fail(f"{len(lost)} tests that pass under python3 do not here:", *sorted(lost)[:10])
if len(ours) < 1000:
    fail(f"only {len(ours)} tests passed")
print(len(ours), "tests passed,", len(theirs), "under python3")
