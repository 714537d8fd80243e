# SPDX-License-Identifier: MIT
"""The selector loop of Unix, and child watchers: the installed library's module."""
from ._installed import become

become(__name__)
