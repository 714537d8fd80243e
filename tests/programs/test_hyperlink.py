# SPDX-License-Identifier: MIT
"""hyperlink's own tests, under pytest."""
from both import LIBRARY, compare_suite, need

need("hyperlink")
compare_suite(LIBRARY / "hyperlink", least=99)
