# SPDX-License-Identifier: MIT
"""Templates of mako: compiled to Python, with inheritance, functions, filters and errors."""
from both import HERE, compare, need

need("mako")
compare([HERE / "work/mako_templates.py"], errors_too=True)
