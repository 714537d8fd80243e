# SPDX-License-Identifier: MIT
"""What the load tests count besides their output: seconds, bytes, blocks. Said on standard error when TEST_FIGURES is set."""
import gc
import os
import sys
import time

START = time.monotonic()


def figure(*words):
    if os.environ.get("TEST_FIGURES"):
        print(f"{time.monotonic() - START:7.2f} s  ", *words, file=sys.stderr, flush=True)


def descriptors():
    gc.collect()
    return len(os.listdir("/proc/self/fd"))


def blocks():
    """Blocks of memory in use once what is garbage has been collected."""
    gc.collect()
    gc.collect()
    return sys.getallocatedblocks()


def private_kib():
    """KiB of memory that is this process's own."""
    with open("/proc/self/smaps_rollup") as rows:
        return sum(int(row.split()[1]) for row in rows if row.startswith(("Private_Dirty", "Private_Clean")))
