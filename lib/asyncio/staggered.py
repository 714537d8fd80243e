# SPDX-License-Identifier: MIT
"""Attempts that begin one after the other: the installed library's module."""
from ._installed import become

become(__name__)
