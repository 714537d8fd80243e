# SPDX-License-Identifier: MIT
"""The examples in more_itertools' docstrings, which are the tests that its package brings, under pytest."""
from both import LIBRARY, compare_suite, need

need("more_itertools")
compare_suite("--doctest-modules", LIBRARY / "more_itertools", least=111)
