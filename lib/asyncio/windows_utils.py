# SPDX-License-Identifier: MIT
"""Pipes of Windows: the installed library's module."""
from ._installed import become

become(__name__)
