#!/usr/bin/env python3
"""Writes src/base/power_table.h: the powers of ten from 10**-342 to 10**324 in 128 bits."""
import sys

FIRST, LAST = -342, 324


def truncated(exponent):
    """10**exponent scaled by a power of two to 128 bits with the top bit set, rounded down."""
    numerator, denominator = (10 ** exponent, 1) if exponent >= 0 else (1, 10 ** -exponent)
    shift = 128 - (numerator.bit_length() - denominator.bit_length())
    value = (numerator << shift if shift >= 0 else numerator >> -shift) // denominator
    if shift < 0:
        value = numerator // (denominator << -shift)
    while value >> 128:
        shift -= 1
        value = (numerator << shift) // denominator if shift >= 0 else numerator // (denominator << -shift)
    assert value >> 127 == 1
    assert value & (1 << 64) - 1 != (1 << 64) - 1       # users add one to the lower half
    return value


with open(sys.argv[1], "w") as out:
    print("// SPDX-License-Identifier: MIT", file=out)
    print("// power_table.h: 10**-342 to 10**324 as 128-bit fractions; made by tools/make_powers.py, included by number_text.c alone", file=out)
    print("// Upper and lower half of 10**n * 2**k with the k that sets the top bit; rounded down.", file=out)
    print(f"enum {{ POWER_TABLE_FIRST = {FIRST}, POWER_TABLE_LAST = {LAST} }};", file=out)
    print("static const uint64_t power_table[][2] = {", file=out)
    rows = [f"{{0x{value >> 64:016x}, 0x{value & (1 << 64) - 1:016x}}}," for value in map(truncated, range(FIRST, LAST + 1))]
    for i in range(0, len(rows), 3):
        print("  " + " ".join(rows[i:i + 3]), file=out)
    print("};", file=out)
