# SPDX-License-Identifier: MIT
"""python3-janus: a queue between threads and tasks."""
from both import HERE, compare, need

need("janus")
compare([HERE / "work/janus_queue.py"], errors_too=True, timeout=100)
