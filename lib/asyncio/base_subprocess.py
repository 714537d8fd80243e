# SPDX-License-Identifier: MIT
"""Child processes of the selector loop: the installed library's module."""
from ._installed import become

become(__name__)
