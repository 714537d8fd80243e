# SPDX-License-Identifier: MIT
"""hyperlink's own tests, under pytest. A part of them tries what hypothesis makes up: the same examples for both, whatever time they take."""
from both import LIBRARY, compare_suite, need

STEADY = """
from hypothesis import HealthCheck, settings
settings.register_profile("steady", derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck))
settings.load_profile("steady")
"""

need("hyperlink", "hypothesis")
compare_suite(LIBRARY / "hyperlink", least=113, prepare=STEADY)
