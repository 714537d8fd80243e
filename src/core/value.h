// SPDX-License-Identifier: MIT
// value.h: the 64-bit word that every Python value is
#ifndef CEDE_CORE_VALUE_H
#define CEDE_CORE_VALUE_H

#include "core/types.h"

// A word's low three bits say what it holds:
//
//   000        pointer to an Object (8-aligned); the word 0 is "no value"
//   x01        integer of 62 bits: value << 2 | 1
//   010        None, False, True, NotImplemented, Ellipsis
//   110        never a value; free for marks that code keeps beside values
//   011 100 111  float: its bits rotated left by 4, then xor 7
//
// Rotation brings the exponent's top three bits to the bottom: 011 and 100 are the magnitudes from 2**-255 to 2**257,
// 000 is zero and the very small. Infinities, NaNs and other exponents live in a Float object. So a
// float is tested by one shift and mask, and both decoding and encoding are two instructions.
//
// `Value` borrows, `Ref` owns one reference. `make owners` compiles them as different types.
#ifdef CEDE_CHECK_OWNERS
typedef struct OwnedCheck *Ref;
typedef const struct OwnedCheck *Value;
#define NO_REF ((Ref)0)
#define NO_VALUE ((Value)0)
static inline uint64_t cd_bits(Value v) { return (uint64_t)(uintptr_t)v; }
static inline Ref cd_from_bits(uint64_t bits) { return (Ref)(uintptr_t)bits; }
#else
typedef uint64_t Ref;
typedef uint64_t Value;
#define NO_REF ((Ref)0)
#define NO_VALUE ((Value)0)
static inline uint64_t cd_bits(Value v) { return v; }
static inline Ref cd_from_bits(uint64_t bits) { return bits; }
#endif

#define BITS_NONE UINT64_C(0x02)
#define BITS_FALSE UINT64_C(0x0A)
#define BITS_TRUE UINT64_C(0x12)
#define BITS_NOT_IMPLEMENTED UINT64_C(0x1A)
#define BITS_ELLIPSIS UINT64_C(0x22)

// Immediates own nothing, so the same word serves as Ref and as Value.
static inline Ref cd_none(void) { return cd_from_bits(BITS_NONE); }
static inline Ref cd_true(void) { return cd_from_bits(BITS_TRUE); }
static inline Ref cd_false(void) { return cd_from_bits(BITS_FALSE); }
static inline Ref cd_bool(bool b) { return cd_from_bits(b ? BITS_TRUE : BITS_FALSE); }
static inline Ref cd_not_implemented(void) { return cd_from_bits(BITS_NOT_IMPLEMENTED); }
static inline Ref cd_ellipsis(void) { return cd_from_bits(BITS_ELLIPSIS); }

static inline bool cd_is(Value a, Value b) { return cd_bits(a) == cd_bits(b); }      // Python's `is`
static inline bool cd_is_none(Value v) { return cd_bits(v) == BITS_NONE; }
static inline bool cd_is_true(Value v) { return cd_bits(v) == BITS_TRUE; }
static inline bool cd_is_false(Value v) { return cd_bits(v) == BITS_FALSE; }
static inline bool cd_is_bool(Value v) { return cd_bits(v) == BITS_TRUE || cd_bits(v) == BITS_FALSE; }
static inline bool cd_is_not_implemented(Value v) { return cd_bits(v) == BITS_NOT_IMPLEMENTED; }
static inline bool cd_is_ellipsis(Value v) { return cd_bits(v) == BITS_ELLIPSIS; }

static inline bool cd_is_object(Value v) { return (cd_bits(v) & 7) == 0; }           // true for NO_VALUE too
static inline Object *cd_object(Value v) { return (Object *)(uintptr_t)cd_bits(v); }
static inline Ref cd_from_object(const void *object) { return cd_from_bits((uint64_t)(uintptr_t)object); }

// ---- small integers ----

#define SMALL_INT_MAX ((INT64_C(1) << 61) - 1)
#define SMALL_INT_MIN (-(INT64_C(1) << 61))

static inline bool cd_is_small(Value v) { return (cd_bits(v) & 3) == 1; }
static inline bool cd_both_small(Value a, Value b) { return (((cd_bits(a) ^ 1) | (cd_bits(b) ^ 1)) & 3) == 0; }
static inline int64_t cd_small(Value v) { return (int64_t)cd_bits(v) >> 2; }
static inline bool cd_fits_small(int64_t i) { return i >= SMALL_INT_MIN && i <= SMALL_INT_MAX; }
static inline Ref cd_from_small(int64_t i) { return cd_from_bits((uint64_t)i << 2 | 1); }   // i must fit

// ---- floats ----

static inline bool cd_is_flonum(Value v) { return (0x98u >> (cd_bits(v) & 7)) & 1; }        // unboxed float
static inline double cd_flonum(Value v)
{
  uint64_t bits = cd_bits(v) ^ 7;
  bits = bits >> 4 | bits << 60;
  double x;
  memcpy(&x, &bits, sizeof x);
  return x;
}
// The unboxed word for `x`, or false when it needs a box.
static inline bool cd_to_flonum(double x, Ref *out)
{
  uint64_t bits;
  memcpy(&bits, &x, sizeof bits);
  bits = (bits << 4 | bits >> 60) ^ 7;
  if (!((0x98u >> (bits & 7)) & 1)) return false;
  *out = cd_from_bits(bits);
  return true;
}

#endif
