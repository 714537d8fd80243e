# SPDX-License-Identifier: MIT
"""The loop of completion ports: the installed library's module."""
from ._installed import become

become(__name__)
