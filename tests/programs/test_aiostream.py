# SPDX-License-Identifier: MIT
"""A pipeline of aiostream's operators fed by a loopback socket."""
from both import HERE, compare, need

need("aiostream")
compare([HERE / "work/aiostream_pipeline.py"], errors_too=True, timeout=100)
