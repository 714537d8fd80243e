# SPDX-License-Identifier: MIT
# Every suspended generator knows where it was made; `sys.live_generators()` lists them. CPython has no such function.
import sys


def ticker():
    yield 1


kept = ticker()
next(kept)
if hasattr(sys, "live_generators"):
    for generator, state, path, line in sys.live_generators():
        if generator is kept:
            print(generator.__name__, state, path.rpartition("/")[2], line)
else:
    print("not known")
# cede: ticker suspended creators.py 10
# python3: not known
