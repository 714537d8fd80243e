# SPDX-License-Identifier: MIT
"""pygments makes HTML of every .py file of the installed library: the same bytes as under the reference. The work is cut into parts
that run at the same time; each prints a digest for each page."""
import concurrent.futures
import os

from both import HERE, REFERENCE, cede, fail, need, run, show_difference

need("pygments")
PARTS = 8


def work(job):
    python, part = job
    return run(python, [HERE / "work/pygments_html.py", part, PARTS])


jobs = [(python, part) for part in range(PARTS) for python in (cede(), REFERENCE)]
with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
    outputs = list(pool.map(work, jobs))
pages = 0
for ours, theirs in zip(outputs[::2], outputs[1::2]):
    if ours[0] != 0 or theirs[0] != 0:
        fail(f"exit status {ours[0]}, python3's {theirs[0]}", (ours[2] or theirs[2]).decode("utf-8", "replace")[-500:])
    show_difference(ours[1], theirs[1])
    pages += len(ours[1].splitlines())
if pages < 1000:
    fail(f"only {pages} files found")
print(pages, "pages")
