// SPDX-License-Identifier: MIT
// int_private.h: magnitudes of ints as GMP sees them; shared by int.c, int_text.c and int_type.c
#ifndef CEDE_OBJECTS_INT_PRIVATE_H
#define CEDE_OBJECTS_INT_PRIVATE_H

#include "objects/int.h"

#include <gmp.h>

_Static_assert(sizeof(mp_limb_t) == sizeof(uint64_t) && GMP_NAIL_BITS == 0, "GMP's limbs are 64-bit words");

// Sign and magnitude of an int of any form. For unboxed ones the limb is inside: a view must not be copied.
typedef struct IntView {
  const mp_limb_t *limbs;
  mp_size_t size;                                // 0: zero
  bool negative;
  mp_limb_t one;
} IntView;

static inline uint64_t cd_int_magnitude(int64_t i) { return i < 0 ? 0 - (uint64_t)i : (uint64_t)i; }

static inline void cd_int_view(Value v, IntView *out)
{
  if (cd_is_object(v)) {
    const Int *boxed = (const Int *)cd_object(v);
    out->limbs = (const mp_limb_t *)boxed->limbs;
    out->size = boxed->size < 0 ? -boxed->size : boxed->size;
    out->negative = boxed->size < 0;
    return;
  }
  int64_t i = cd_is_small(v) ? cd_small(v) : cd_is_true(v);
  out->one = cd_int_magnitude(i);
  out->limbs = &out->one;
  out->size = i != 0;
  out->negative = i < 0;
}

// The word of a small int or bool.
static inline bool cd_int_word(Value v, int64_t *out)
{
  if (LIKELY(cd_is_small(v))) { *out = cd_small(v); return true; }
  if (cd_is_bool(v)) { *out = cd_is_true(v); return true; }
  return false;
}

// A magnitude in the making: small ones on the C stack, large ones right inside the object to be.
enum { INT_STACK_LIMBS = 32 };
typedef struct IntResult {
  mp_limb_t *limbs;
  Int *object;                                   // NULL: on the stack
  mp_size_t capacity;
  mp_limb_t stack[INT_STACK_LIMBS];
} IntResult;

MUST_USE bool cd_int_result_start(VM *vm, IntResult *result, size_t capacity);   // MemoryError; not zeroed
MUST_USE Ref cd_int_result_finish(VM *vm, IntResult *result, mp_size_t size, bool negative);   // leading zeros are stripped
void cd_int_result_drop(VM *vm, IntResult *result);
// GMP takes large temporaries from malloc and aborts when it fails. Asks for as much first, so that it is MemoryError instead; and polls.
MUST_USE bool cd_int_reserve(VM *vm, size_t limbs);
// Parses as cd_int_from_text; messages quote `original` instead when it is given.
MUST_USE Ref cd_int_parse(VM *vm, const char *text, size_t size, int base, Value original);
// Text with Unicode's decimal digits and spaces turned to ASCII's (anything else ends it with '?'). `*out` is a block of size + 1 bytes
// from cd_alloc.
MUST_USE bool cd_number_ascii(VM *vm, const char *text, size_t size, char **out, size_t *out_size);
MUST_USE Ref cd_int_true_divide(VM *vm, Value a, Value b);
MUST_USE Ref cd_int_negate(VM *vm, Value v);
MUST_USE Ref cd_int_invert(VM *vm, Value v);
MUST_USE Ref cd_int_bitwise(VM *vm, Value a, Value b, char op);  // '&' '|' '^'

#endif
