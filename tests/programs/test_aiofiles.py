# SPDX-License-Identifier: MIT
"""python3-aiofiles: files read and written by tasks."""
from both import HERE, compare, need

need("aiofiles")
compare([HERE / "work/aiofiles_copies.py"], errors_too=True, timeout=100)
