# SPDX-License-Identifier: MIT
"""The loop over selectors: the installed library's module."""
from ._installed import become

become(__name__)
