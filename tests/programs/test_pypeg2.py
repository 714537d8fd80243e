# SPDX-License-Identifier: MIT
"""pypeg2's own tests, under pytest. lxml is an extension built for CPython, so both are told that it is absent and pypeg2 takes
xml.etree, as it does by itself where lxml is not installed."""
from both import LIBRARY, compare_suite, need

need("pypeg2")
compare_suite(LIBRARY / "pypeg2", least=50, block=("lxml",))
