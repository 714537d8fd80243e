# SPDX-License-Identifier: MIT
"""toolz' own tests, under pytest."""
from both import LIBRARY, compare_suite, need

need("toolz")
compare_suite(LIBRARY / "toolz", least=180)
