# SPDX-License-Identifier: MIT
"""The loops of Windows: the installed library's module."""
from ._installed import become

become(__name__)
