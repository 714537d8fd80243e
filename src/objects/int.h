// SPDX-License-Identifier: MIT
// int.h: integers beyond the small ones, and instances of subclasses of int
#ifndef CEDE_OBJECTS_INT_H
#define CEDE_OBJECTS_INT_H

#include "core/vm.h"

// Magnitude in 64-bit limbs for GMP's mpn functions, least significant first, no leading zeros. An exact int whose value fits
// SMALL_INT is always the unboxed word, never this; a subclass instance always is this.
struct Int {
  Object head;
  int64_t size;                                  // limbs; negative for negative numbers; 0 is zero
  uint64_t limbs[];
};

MUST_USE Ref cd_int_from_i64(VM *vm, int64_t i);
MUST_USE Ref cd_int_from_u64(VM *vm, uint64_t i);
MUST_USE Ref cd_int_from_double(VM *vm, double x);                               // truncates; OverflowError for inf, ValueError for nan
// Text in base 2..36 or 0; the whole of it, spaces stripped, underscores allowed. ValueError "invalid literal for int() with base ..."
MUST_USE Ref cd_int_from_text(VM *vm, const char *text, size_t size, int base);
MUST_USE Ref cd_int_to_text(VM *vm, Value v, int base);   // lower case, '-' sign, no prefix; respects the digits limit in base 10
// v is an int (any: small, bool, boxed, subclass). false: does not fit; no exception.
bool cd_int_fits_i64(Value v, int64_t *out);
bool cd_int_fits_u64(Value v, uint64_t *out);
int cd_int_sign(Value v);
MUST_USE bool cd_int_to_double(VM *vm, Value v, double *out);                    // rounds half-even; OverflowError
double cd_int_frexp(Value v, int64_t *exponent);                                 // mantissa in [0.5, 1), for log() of huge ints
int cd_int_compare(Value a, Value b);
size_t cd_int_bit_length(Value v);
MUST_USE Ref cd_int_exact(VM *vm, Value v);                                      // subclass or bool -> plain int
int64_t cd_int_hash(Value v);
MUST_USE Ref cd_int_from_bytes(VM *vm, const unsigned char *bytes, size_t size, bool little, bool is_signed);
// Two's complement into `size` bytes; OverflowError in int.to_bytes's words.
MUST_USE bool cd_int_to_bytes(VM *vm, Value v, unsigned char *bytes, size_t size, bool little, bool is_signed);
// Arithmetic on ints of any form; never NotImplemented.
MUST_USE Ref cd_int_add(VM *vm, Value a, Value b);
MUST_USE Ref cd_int_subtract(VM *vm, Value a, Value b);
MUST_USE Ref cd_int_multiply(VM *vm, Value a, Value b);
MUST_USE Ref cd_int_floor_divide(VM *vm, Value a, Value b);                      // ZeroDivisionError
MUST_USE Ref cd_int_remainder(VM *vm, Value a, Value b);
MUST_USE Ref cd_int_divmod(VM *vm, Value a, Value b);                            // tuple
MUST_USE Ref cd_int_power(VM *vm, Value a, Value b, Value modulus);
MUST_USE Ref cd_int_lshift(VM *vm, Value a, Value b);
MUST_USE Ref cd_int_rshift(VM *vm, Value a, Value b);
MUST_USE Ref cd_int_gcd(VM *vm, Value a, Value b);
MUST_USE Ref cd_int_sqrt(VM *vm, Value v);                                       // math.isqrt

#endif
