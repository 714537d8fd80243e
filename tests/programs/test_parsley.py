# SPDX-License-Identifier: MIT
"""The tests of parsley's two packages, ometa and terml, under pytest."""
from both import LIBRARY, compare_suite, need

need("ometa", "terml")
compare_suite(LIBRARY / "ometa", LIBRARY / "terml", least=288)
