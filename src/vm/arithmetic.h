// SPDX-License-Identifier: MIT
// arithmetic.h: operators on words that hold their numbers themselves; eval.c alone includes it
#ifndef CEDE_VM_ARITHMETIC_H
#define CEDE_VM_ARITHMETIC_H

#include "objects/str.h"

// An int or float word as a double. Ints lose precision as float(int) does; both are immediates.
static ALWAYS_INLINE double arithmetic_double(Value v) { return cd_is_flonum(v) ? cd_flonum(v) : (double)cd_small(v); }
static ALWAYS_INLINE bool arithmetic_numbers(Value a, Value b)         // floats, or a float and an int
{
  return (cd_is_flonum(a) && (cd_is_flonum(b) || cd_is_small(b))) || (cd_is_small(a) && cd_is_flonum(b));
}

static ALWAYS_INLINE bool arithmetic_add(Value a, Value b, Ref *out)
{
  if (LIKELY(cd_both_small(a, b))) {
    int64_t r;
    if (__builtin_add_overflow((int64_t)cd_bits(a), (int64_t)(cd_bits(b) - 1), &r)) return false;
    *out = cd_from_bits((uint64_t)r);
    return true;
  }
  return arithmetic_numbers(a, b) && cd_to_flonum(arithmetic_double(a) + arithmetic_double(b), out);
}

static ALWAYS_INLINE bool arithmetic_subtract(Value a, Value b, Ref *out)
{
  if (LIKELY(cd_both_small(a, b))) {
    int64_t r;
    if (__builtin_sub_overflow((int64_t)cd_bits(a), (int64_t)(cd_bits(b) - 1), &r)) return false;
    *out = cd_from_bits((uint64_t)r);
    return true;
  }
  return arithmetic_numbers(a, b) && cd_to_flonum(arithmetic_double(a) - arithmetic_double(b), out);
}

static ALWAYS_INLINE bool arithmetic_multiply(Value a, Value b, Ref *out)
{
  if (LIKELY(cd_both_small(a, b))) {
    int64_t r;
    if (__builtin_mul_overflow((int64_t)(cd_bits(a) - 1), cd_small(b), &r)) return false;
    *out = cd_from_bits((uint64_t)r | 1);
    return true;
  }
  return arithmetic_numbers(a, b) && cd_to_flonum(arithmetic_double(a) * arithmetic_double(b), out);
}

static ALWAYS_INLINE bool arithmetic_true_divide(Value a, Value b, Ref *out)
{
  if (cd_both_small(a, b)) {                     // exact in doubles up to 2**53
    int64_t x = cd_small(a), y = cd_small(b);
    const int64_t limit = INT64_C(1) << 53;
    if (y == 0 || x > limit || x < -limit || y > limit || y < -limit) return false;
    return cd_to_flonum((double)x / (double)y, out);
  }
  if (!arithmetic_numbers(a, b)) return false;
  double divisor = arithmetic_double(b);
  return divisor != 0 && cd_to_flonum(arithmetic_double(a) / divisor, out);
}

static ALWAYS_INLINE bool arithmetic_floor_divide(Value a, Value b, Ref *out)
{
  if (!cd_both_small(a, b)) return false;
  int64_t x = cd_small(a), y = cd_small(b);
  if (y == 0 || y == -1) return false;
  int64_t q = x / y;
  if (x % y != 0 && (x < 0) != (y < 0)) q--;
  *out = cd_from_small(q);
  return true;
}

static ALWAYS_INLINE bool arithmetic_remainder(Value a, Value b, Ref *out)
{
  if (!cd_both_small(a, b)) return false;
  int64_t x = cd_small(a), y = cd_small(b);
  if (y == 0 || y == -1) return false;
  int64_t r = x % y;
  if (r != 0 && (r < 0) != (y < 0)) r += y;
  *out = cd_from_small(r);
  return true;
}

static ALWAYS_INLINE bool arithmetic_lshift(Value a, Value b, Ref *out)
{
  if (!cd_both_small(a, b)) return false;
  int64_t x = cd_small(a), n = cd_small(b);
  if (n < 0 || n > 60) return false;
  int64_t r = (int64_t)((uint64_t)x << n);
  if (r >> n != x || !cd_fits_small(r)) return false;
  *out = cd_from_small(r);
  return true;
}

static ALWAYS_INLINE bool arithmetic_rshift(Value a, Value b, Ref *out)
{
  if (!cd_both_small(a, b) || cd_small(b) < 0) return false;
  int64_t n = cd_small(b);
  *out = cd_from_small(cd_small(a) >> (n > 63 ? 63 : n));
  return true;
}

static ALWAYS_INLINE bool arithmetic_and(Value a, Value b, Ref *out)
{
  if (!cd_both_small(a, b)) return false;
  *out = cd_from_bits(cd_bits(a) & cd_bits(b));
  return true;
}
static ALWAYS_INLINE bool arithmetic_or(Value a, Value b, Ref *out)
{
  if (!cd_both_small(a, b)) return false;
  *out = cd_from_bits(cd_bits(a) | cd_bits(b));
  return true;
}
static ALWAYS_INLINE bool arithmetic_xor(Value a, Value b, Ref *out)
{
  if (!cd_both_small(a, b)) return false;
  *out = cd_from_bits((cd_bits(a) ^ cd_bits(b)) | 1);
  return true;
}
static ALWAYS_INLINE bool arithmetic_power(Value a, Value b, Ref *out)
{
  if (!cd_is_flonum(a) || !cd_is_small(b) || cd_small(b) != 2) return false;
  double x = cd_flonum(a);
  return cd_to_flonum(x * x, out);
}
static ALWAYS_INLINE bool arithmetic_never(Value a UNUSED, Value b UNUSED, Ref *out UNUSED) { return false; }

// Comparison of immediates: 1 true, 0 false, -1 not immediates.
#define ARITHMETIC_COMPARE(name, operator_)                                                              \
  static ALWAYS_INLINE UNUSED int arithmetic_##name(Value a, Value b)                                    \
  {                                                                                                \
    if (LIKELY(cd_both_small(a, b))) return (int64_t)cd_bits(a) operator_ (int64_t)cd_bits(b);     \
    if (cd_is_flonum(a) && cd_is_flonum(b)) return cd_flonum(a) operator_ cd_flonum(b);            \
    return -1;                                                                                     \
  }
ARITHMETIC_COMPARE(lt, <)
ARITHMETIC_COMPARE(le, <=)
ARITHMETIC_COMPARE(eq, ==)
ARITHMETIC_COMPARE(ne, !=)
ARITHMETIC_COMPARE(gt, >)
ARITHMETIC_COMPARE(ge, >=)

// Equality also for words and strings, the commonest operands after numbers.
static ALWAYS_INLINE int arithmetic_equal(VM *vm, Value a, Value b)
{
  int known = arithmetic_eq(a, b);
  if (known >= 0) return known;
  Type *str = vm->types.str;
  if (cd_is_exact(a, str) && cd_is_exact(b, str)) return cd_is(a, b) || cd_str_equal(a, b);
  if (!cd_is_object(a) && cd_is(a, b) ) return 1;                // None == None and the like; no float is both word and NaN
  return -1;
}

// 1, 0, or -1: ask cd_truth.
static ALWAYS_INLINE int arithmetic_quick_truth(Value v)
{
  if (cd_is_true(v)) return 1;
  if (cd_is_false(v) || cd_is_none(v)) return 0;
  if (cd_is_small(v)) return cd_bits(v) != 1;
  return -1;
}

#endif
