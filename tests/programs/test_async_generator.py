# SPDX-License-Identifier: MIT
"""async_generator's own tests, under pytest."""
from both import LIBRARY, compare_suite, need

need("async_generator")
compare_suite(LIBRARY / "async_generator", least=43, timeout=100)
