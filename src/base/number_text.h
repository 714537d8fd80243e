// SPDX-License-Identifier: MIT
// number_text.h: doubles to and from text, correctly rounded, independent of the locale
#ifndef CEDE_BASE_NUMBER_TEXT_H
#define CEDE_BASE_NUMBER_TEXT_H

#include "base/platform.h"

// Decimal digits of |x| (finite): `digits` (room for 800) gets `*count` digits without leading or trailing
// zeros ("0" for zero), *point the position of the decimal point relative to their start:
// value = 0.d1d2d3... * 10**point.
void cd_double_shortest(double x, char *digits, int *count, int *point);
// Same, rounded half-even to `ndigits` significant digits (>= 1), or (fixed) to `ndigits` digits after the
// point (may be negative); trailing zeros are kept off. An all-zero result is count 0.
void cd_double_significant(double x, int ndigits, char *digits, int *count, int *point);
void cd_double_fixed(double x, int ndigits, char *digits, int *count, int *point);

#define DOUBLE_REPR_SIZE 32
// repr(x) as Python writes it: "1.0", "1e+16", "-0.0", "inf", "nan". Returns the length; NUL-terminated.
int cd_double_repr(double x, char out[DOUBLE_REPR_SIZE]);
// Reads a decimal literal (digits, point, exponent, sign; no spaces, no underscores, no inf/nan) of `size`
// bytes. Returns the bytes taken, 0 if it does not start a number. Overflow gives +-inf.
size_t cd_double_parse(const char *text, size_t size, double *out);

// top * 2**exponent, and a little more if `sticky`, as the nearest double (half to even). top has its highest bit set. +inf on overflow.
double cd_double_round(uint64_t top, bool sticky, int64_t exponent);

#endif
