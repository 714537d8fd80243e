# SPDX-License-Identifier: MIT
"""A bank simulated with simpy, a library of generators."""
from both import HERE, compare, need

need("simpy")
compare([HERE / "work/simpy_bank.py"], errors_too=True)
