# SPDX-License-Identifier: MIT
"""TLS over any transport: the installed library's module."""
from ._installed import become

become(__name__)
