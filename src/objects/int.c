// SPDX-License-Identifier: MIT
// int.c: integers of any size: representation, arithmetic, conversions to machine numbers
#include "objects/int.h"

#include "base/number_text.h"
#include "objects/float.h"
#include "objects/int_private.h"
#include "objects/protocol.h"
#include "objects/tuple.h"

#include <math.h>

// ---- making ----

#define INT_LIMBS_MAX ((size_t)1 << 31)           // 16 GB; more is refused before anything is computed

static inline size_t int_bytes(size_t limbs) { return offsetof(Int, limbs) + limbs * sizeof(uint64_t); }

static Int *int_allocate(VM *vm, size_t limbs)
{
  if (UNLIKELY(limbs > INT_LIMBS_MAX)) { cd_raise_memory(vm); return NULL; }
  Int *object = cd_object_new(vm, vm->types.int_, int_bytes(limbs));
  if (object) object->size = (int64_t)limbs;
  return object;
}

static NO_INLINE Ref int_box_word(VM *vm, uint64_t magnitude, bool negative)
{
  Int *object = int_allocate(vm, 1);
  if (!object) return NO_REF;
  object->limbs[0] = magnitude;
  if (negative) object->size = -1;
  return cd_from_object(object);
}

Ref cd_int_from_i64(VM *vm, int64_t i)
{
  return LIKELY(cd_fits_small(i)) ? cd_from_small(i) : int_box_word(vm, cd_int_magnitude(i), i < 0);
}
Ref cd_int_from_u64(VM *vm, uint64_t i)
{
  return LIKELY(i <= (uint64_t)SMALL_INT_MAX) ? cd_from_small((int64_t)i) : int_box_word(vm, i, false);
}

// The int of a normalised magnitude.
static Ref int_from_limbs(VM *vm, const mp_limb_t *limbs, mp_size_t size, bool negative)
{
  if (size == 0) return cd_from_small(0);
  if (size == 1 && limbs[0] <= (uint64_t)SMALL_INT_MAX + negative) return cd_from_small(negative ? -(int64_t)limbs[0] : (int64_t)limbs[0]);
  Int *object = int_allocate(vm, (size_t)size);
  if (!object) return NO_REF;
  memcpy(object->limbs, limbs, (size_t)size * sizeof *limbs);
  if (negative) object->size = -object->size;
  return cd_from_object(object);
}

bool cd_int_result_start(VM *vm, IntResult *result, size_t capacity)
{
  result->object = NULL;
  result->limbs = result->stack;
  result->capacity = (mp_size_t)capacity;
  if (LIKELY(capacity <= INT_STACK_LIMBS)) return true;
  if (!(result->object = int_allocate(vm, capacity))) return false;
  result->limbs = (mp_limb_t *)result->object->limbs;
  return true;
}

void cd_int_result_drop(VM *vm, IntResult *result)
{
  if (result->object) cd_object_free(vm, &result->object->head);
}

Ref cd_int_result_finish(VM *vm, IntResult *result, mp_size_t size, bool negative)
{
  while (size > 0 && result->limbs[size - 1] == 0) size--;
  if (!result->object) return int_from_limbs(vm, result->limbs, size, negative);
  if (size <= 1) {
    Ref small = int_from_limbs(vm, result->limbs, size, negative);
    cd_int_result_drop(vm, result);
    return small;
  }
  if (size != result->capacity) {
    Int *fitted = cd_realloc(vm, result->object, int_bytes((size_t)result->capacity), int_bytes((size_t)size));
    if (!fitted) { cd_int_result_drop(vm, result); return NO_REF; }
    result->object = fitted;
  }
  result->object->size = negative ? -size : size;
  return cd_from_object(result->object);
}

enum { INT_LONG_LIMBS = 1000 };                  // from here on GMP may take temporaries from malloc, and operations take time

bool cd_int_reserve(VM *vm, size_t limbs)
{
  if (LIKELY(limbs < INT_LONG_LIMBS)) return true;
  if (limbs > INT_LIMBS_MAX) return cd_raise_memory(vm);
  size_t size = limbs * 3 * sizeof(mp_limb_t);
  void *room = cd_alloc(vm, size);
  if (!room) return false;
  cd_free(vm, room, size);
  return cd_poll(vm);
}

Ref cd_int_exact(VM *vm, Value v)
{
  if (cd_is_small(v)) return cd_dup(v);
  if (cd_is_bool(v)) return cd_from_small(cd_is_true(v));
  if (cd_is_exact(v, vm->types.int_)) return cd_dup(v);
  IntView view;
  cd_int_view(v, &view);
  return int_from_limbs(vm, view.limbs, view.size, view.negative);
}

// ---- asking ----

bool cd_int_fits_i64(Value v, int64_t *out)
{
  if (LIKELY(cd_int_word(v, out))) return true;
  IntView view;
  cd_int_view(v, &view);
  if (view.size == 0) { *out = 0; return true; }
  if (view.size > 1 || view.limbs[0] > (uint64_t)INT64_MAX + view.negative) return false;
  *out = (int64_t)(view.negative ? 0 - view.limbs[0] : view.limbs[0]);
  return true;
}

bool cd_int_fits_u64(Value v, uint64_t *out)
{
  IntView view;
  cd_int_view(v, &view);
  if (view.negative || view.size > 1) return false;
  *out = view.size ? view.limbs[0] : 0;
  return true;
}

int cd_int_sign(Value v)
{
  int64_t i = cd_is_object(v) ? ((Int *)cd_object(v))->size : cd_is_small(v) ? cd_small(v) : cd_is_true(v);
  return (i > 0) - (i < 0);
}

size_t cd_int_bit_length(Value v)
{
  IntView view;
  cd_int_view(v, &view);
  return view.size ? (size_t)view.size * 64 - (size_t)__builtin_clzll(view.limbs[view.size - 1]) : 0;
}

static int int_compare_magnitudes(const IntView *a, const IntView *b)
{
  if (a->size != b->size) return a->size < b->size ? -1 : 1;
  return a->size ? mpn_cmp(a->limbs, b->limbs, a->size) : 0;
}

int cd_int_compare(Value a, Value b)
{
  if (LIKELY(cd_both_small(a, b))) return (cd_small(a) > cd_small(b)) - (cd_small(a) < cd_small(b));
  IntView x, y;
  cd_int_view(a, &x);
  cd_int_view(b, &y);
  if (x.negative != y.negative) return x.negative ? -1 : 1;
  int order = int_compare_magnitudes(&x, &y);
  return x.negative ? -order : order;
}

int64_t cd_int_hash(Value v)
{
  IntView view;
  cd_int_view(v, &view);
  if (view.size == 0) return 0;
  int64_t hash = (int64_t)(view.size == 1 ? view.limbs[0] % HASH_MODULUS : mpn_mod_1(view.limbs, view.size, HASH_MODULUS));
  if (view.negative) hash = -hash;
  return hash == -1 ? -2 : hash;
}

// ---- doubles ----

Ref cd_int_from_double(VM *vm, double x)
{
  if (LIKELY(fabs(x) < 0x1p61)) return cd_from_small((int64_t)x);
  if (isnan(x)) return cd_raise_value(vm, "cannot convert float NaN to integer");
  if (isinf(x)) return cd_raise_overflow(vm, "cannot convert float infinity to integer");
  int exponent;
  mp_limb_t limbs[17] = {0}, mantissa = (mp_limb_t)ldexp(frexp(fabs(x), &exponent), 64);
  int shift = exponent - 64;
  if (shift <= 0) return int_box_word(vm, mantissa >> -shift, x < 0);
  limbs[shift / 64] = mantissa << (shift % 64);
  if (shift % 64) limbs[shift / 64 + 1] = mantissa >> (64 - shift % 64);
  mp_size_t size = shift / 64 + 2;
  while (limbs[size - 1] == 0) size--;
  return int_from_limbs(vm, limbs, size, x < 0);
}

// The upper 64 bits of a magnitude, and whether there are others below them: value = *top * 2**result.
static int64_t int_top(const mp_limb_t *limbs, mp_size_t size, uint64_t *top, bool *sticky)
{
  int zeros = __builtin_clzll(limbs[size - 1]);
  *top = limbs[size - 1] << zeros;
  *sticky = false;
  if (size > 1) {
    if (zeros) *top |= limbs[size - 2] >> (64 - zeros);
    *sticky = (limbs[size - 2] << zeros) != 0;
    for (mp_size_t i = 0; i + 2 < size && !*sticky; i++) *sticky = limbs[i] != 0;
  }
  return (int64_t)(size - 1) * 64 - zeros;
}

bool cd_int_to_double(VM *vm, Value v, double *out)
{
  int64_t word;
  if (LIKELY(cd_int_word(v, &word))) { *out = (double)word; return true; }
  IntView view;
  cd_int_view(v, &view);
  if (view.size == 0) { *out = 0; return true; }
  uint64_t top;
  bool sticky;
  int64_t exponent = int_top(view.limbs, view.size, &top, &sticky);
  double x = cd_double_round(top, sticky, exponent);
  if (isinf(x)) return cd_raise_overflow(vm, "int too large to convert to float");
  *out = view.negative ? -x : x;
  return true;
}

double cd_int_frexp(Value v, int64_t *exponent)
{
  IntView view;
  cd_int_view(v, &view);
  *exponent = 0;
  if (view.size == 0) return 0;
  uint64_t top;
  bool sticky;
  int64_t low = int_top(view.limbs, view.size, &top, &sticky);
  double x = cd_double_round(top, sticky, -64);  // in [0.5, 1]
  *exponent = low + 64;
  if (x == 1) { x = 0.5; ++*exponent; }
  return view.negative ? -x : x;
}

// Correctly rounded: the quotient is taken to at least 66 bits and the remainder decides ties.
Ref cd_int_true_divide(VM *vm, Value a, Value b)
{
  int64_t p, q;
  if (LIKELY(cd_int_word(a, &p) && cd_int_word(b, &q)) && cd_int_magnitude(p) <= UINT64_C(1) << 53 &&
      cd_int_magnitude(q) <= UINT64_C(1) << 53 && q)
    return cd_float_new(vm, (double)p / (double)q);
  IntView x, y;
  cd_int_view(a, &x);
  cd_int_view(b, &y);
  if (y.size == 0) return cd_raise(vm, vm->exc.ZeroDivisionError, "division by zero");
  bool negative = x.negative != y.negative;
  if (x.size == 0) return cd_float_new(vm, negative ? -0.0 : 0.0);
  if (x.size - y.size > 18) return cd_raise_overflow(vm, "integer division result too large for a float");
  if (y.size - x.size > 19) return cd_float_new(vm, negative ? -0.0 : 0.0);
  mp_size_t extra = y.size - x.size + 2;         // limbs of zeros to append to x
  if (extra < 0) extra = 0;
  IntResult scaled, quotient, remainder;
  if (!cd_int_reserve(vm, (size_t)(x.size + extra))) return NO_REF;
  if (!cd_int_result_start(vm, &scaled, (size_t)(x.size + extra))) return NO_REF;
  mp_size_t size = x.size + extra - y.size + 1;
  double result = 0;
  bool ok = cd_int_result_start(vm, &quotient, (size_t)size);
  if (ok && !(ok = cd_int_result_start(vm, &remainder, (size_t)y.size))) cd_int_result_drop(vm, &quotient);
  if (ok) {
    mpn_zero(scaled.limbs, extra);
    mpn_copyi(scaled.limbs + extra, x.limbs, x.size);
    mpn_tdiv_qr(quotient.limbs, remainder.limbs, 0, scaled.limbs, x.size + extra, y.limbs, y.size);
    while (quotient.limbs[size - 1] == 0) size--;
    uint64_t top;
    bool sticky;
    int64_t exponent = int_top(quotient.limbs, size, &top, &sticky) - extra * 64;
    result = cd_double_round(top, sticky || !mpn_zero_p(remainder.limbs, y.size), exponent);
    cd_int_result_drop(vm, &remainder);
    cd_int_result_drop(vm, &quotient);
  }
  cd_int_result_drop(vm, &scaled);
  if (!ok) return NO_REF;
  if (isinf(result)) return cd_raise_overflow(vm, "integer division result too large for a float");
  return cd_float_new(vm, negative ? -result : result);
}

// ---- addition and multiplication ----

static Ref int_add_magnitudes(VM *vm, const IntView *a, const IntView *b, bool negative)
{
  if (a->size < b->size) { const IntView *t = a; a = b; b = t; }
  IntResult sum;
  if (!cd_int_result_start(vm, &sum, (size_t)a->size + 1)) return NO_REF;
  sum.limbs[a->size] = b->size ? mpn_add(sum.limbs, a->limbs, a->size, b->limbs, b->size) : (mpn_copyi(sum.limbs, a->limbs, a->size), 0);
  return cd_int_result_finish(vm, &sum, a->size + 1, negative);
}

// |a| - |b|, times -1 if `negative`.
static Ref int_subtract_magnitudes(VM *vm, const IntView *a, const IntView *b, bool negative)
{
  int order = int_compare_magnitudes(a, b);
  if (order == 0) return cd_from_small(0);
  if (order < 0) { const IntView *t = a; a = b; b = t; negative = !negative; }
  IntResult difference;
  if (!cd_int_result_start(vm, &difference, (size_t)a->size)) return NO_REF;
  if (b->size) mpn_sub(difference.limbs, a->limbs, a->size, b->limbs, b->size);
  else mpn_copyi(difference.limbs, a->limbs, a->size);
  return cd_int_result_finish(vm, &difference, a->size, negative);
}

static NO_INLINE Ref int_add_views(VM *vm, Value a, Value b, bool subtract)
{
  IntView x, y;
  cd_int_view(a, &x);
  cd_int_view(b, &y);
  if (x.negative == (y.negative != subtract)) return int_add_magnitudes(vm, &x, &y, x.negative);
  return int_subtract_magnitudes(vm, &x, &y, x.negative);
}

Ref cd_int_add(VM *vm, Value a, Value b)
{
  if (LIKELY(cd_both_small(a, b))) return cd_int_from_i64(vm, cd_small(a) + cd_small(b));
  return int_add_views(vm, a, b, false);
}

Ref cd_int_subtract(VM *vm, Value a, Value b)
{
  if (LIKELY(cd_both_small(a, b))) return cd_int_from_i64(vm, cd_small(a) - cd_small(b));
  return int_add_views(vm, a, b, true);
}

static NO_INLINE Ref int_multiply_views(VM *vm, Value a, Value b)
{
  IntView x, y;
  cd_int_view(a, &x);
  cd_int_view(b, &y);
  if (x.size == 0 || y.size == 0) return cd_from_small(0);
  const IntView *long_one = x.size >= y.size ? &x : &y, *short_one = x.size >= y.size ? &y : &x;
  mp_size_t size = x.size + y.size;
  IntResult product;
  if (!cd_int_reserve(vm, (size_t)size) || !cd_int_result_start(vm, &product, (size_t)size)) return NO_REF;
  if (cd_is(a, b)) mpn_sqr(product.limbs, x.limbs, x.size);
  else mpn_mul(product.limbs, long_one->limbs, long_one->size, short_one->limbs, short_one->size);
  return cd_int_result_finish(vm, &product, size, x.negative != y.negative);
}

Ref cd_int_multiply(VM *vm, Value a, Value b)
{
  int64_t product;
  if (LIKELY(cd_both_small(a, b)) && LIKELY(!__builtin_mul_overflow(cd_small(a), cd_small(b), &product)))
    return cd_int_from_i64(vm, product);
  return int_multiply_views(vm, a, b);
}

Ref cd_int_negate(VM *vm, Value v)
{
  int64_t i;
  if (LIKELY(cd_int_word(v, &i))) return cd_int_from_i64(vm, -i);
  IntView view;
  cd_int_view(v, &view);
  return int_from_limbs(vm, view.limbs, view.size, !view.negative);
}

Ref cd_int_invert(VM *vm, Value v)
{
  int64_t i;
  if (LIKELY(cd_int_word(v, &i))) return cd_from_small(~i);
  Ref next = cd_int_add(vm, v, cd_from_small(1)), result = next ? cd_int_negate(vm, next) : NO_REF;
  cd_drop(vm, next);
  return result;
}

// ---- division ----

static Ref int_zero_division(VM *vm, const char *message) { return cd_raise(vm, vm->exc.ZeroDivisionError, "%s", message); }

// Floor division of ints that are not both small, b not 0. Either result may be NULL when it is not wanted.
static bool int_divide_views(VM *vm, Value a, Value b, Ref *quotient_out, Ref *remainder_out)
{
  IntView x, y;
  cd_int_view(a, &x);
  cd_int_view(b, &y);
  bool opposite = x.negative != y.negative;
  if (x.size < y.size) {                         // |a| < |b|
    bool wraps = opposite && x.size;
    if (remainder_out && !(*remainder_out = wraps ? cd_int_add(vm, a, b) : cd_int_exact(vm, a))) return false;
    if (quotient_out) *quotient_out = cd_from_small(wraps ? -1 : 0);
    return true;
  }
  IntResult quotient, remainder;
  mp_size_t size = x.size - y.size + 1;
  if (!cd_int_reserve(vm, (size_t)x.size) || !cd_int_result_start(vm, &quotient, (size_t)size + 1)) return false;
  if (!cd_int_result_start(vm, &remainder, (size_t)y.size)) { cd_int_result_drop(vm, &quotient); return false; }
  mpn_tdiv_qr(quotient.limbs, remainder.limbs, 0, x.limbs, x.size, y.limbs, y.size);
  quotient.limbs[size] = 0;
  if (opposite && !mpn_zero_p(remainder.limbs, y.size)) {
    mpn_add_1(quotient.limbs, quotient.limbs, size + 1, 1);
    mpn_sub_n(remainder.limbs, y.limbs, remainder.limbs, y.size);
  }
  Ref q = NO_REF, r = NO_REF;
  bool ok = true;
  if (quotient_out) ok = (q = cd_int_result_finish(vm, &quotient, size + 1, opposite));
  else cd_int_result_drop(vm, &quotient);
  if (ok && remainder_out) {
    if (!(ok = (r = cd_int_result_finish(vm, &remainder, y.size, y.negative)))) cd_drop(vm, q);
  } else {
    cd_int_result_drop(vm, &remainder);
  }
  if (!ok) return false;
  if (quotient_out) *quotient_out = q;
  if (remainder_out) *remainder_out = r;
  return true;
}

// C's division, rounded towards minus infinity; b is not 0 and the quotient fits.
static inline int64_t int_floor_words(int64_t a, int64_t b, int64_t *remainder)
{
  int64_t q = a / b, r = a % b;
  if (r && (r ^ b) < 0) { q--; r += b; }
  *remainder = r;
  return q;
}

Ref cd_int_floor_divide(VM *vm, Value a, Value b)
{
  int64_t r;
  if (UNLIKELY(cd_int_sign(b) == 0)) return int_zero_division(vm, "integer division or modulo by zero");
  if (LIKELY(cd_both_small(a, b))) return cd_int_from_i64(vm, int_floor_words(cd_small(a), cd_small(b), &r));
  Ref quotient;
  return int_divide_views(vm, a, b, &quotient, NULL) ? quotient : NO_REF;
}

Ref cd_int_remainder(VM *vm, Value a, Value b)
{
  int64_t r;
  if (UNLIKELY(cd_int_sign(b) == 0)) return int_zero_division(vm, "integer modulo by zero");
  if (LIKELY(cd_both_small(a, b))) {
    int_floor_words(cd_small(a), cd_small(b), &r);
    return cd_from_small(r);
  }
  Ref remainder;
  return int_divide_views(vm, a, b, NULL, &remainder) ? remainder : NO_REF;
}

Ref cd_int_divmod(VM *vm, Value a, Value b)
{
  Ref quotient, remainder;
  if (UNLIKELY(cd_int_sign(b) == 0)) return int_zero_division(vm, "integer division or modulo by zero");
  if (LIKELY(cd_both_small(a, b))) {
    int64_t r, q = int_floor_words(cd_small(a), cd_small(b), &r);
    quotient = cd_int_from_i64(vm, q);
    remainder = cd_from_small(r);
  } else if (!int_divide_views(vm, a, b, &quotient, &remainder)) {
    return NO_REF;
  }
  return cd_tuple2_steal(vm, quotient, remainder);
}

// ---- shifts ----

static Ref int_lshift_by(VM *vm, Value a, uint64_t bits)
{
  IntView x;
  cd_int_view(a, &x);
  uint64_t words = bits / 64;
  unsigned rest = bits % 64;
  if (words > INT_LIMBS_MAX) return cd_raise_memory(vm);
  mp_size_t size = x.size + (mp_size_t)words + 1;
  IntResult result;
  if (!cd_int_result_start(vm, &result, (size_t)size)) return NO_REF;
  mpn_zero(result.limbs, (mp_size_t)words);
  mp_limb_t carry = 0;
  if (rest) carry = mpn_lshift(result.limbs + words, x.limbs, x.size, rest);
  else mpn_copyi(result.limbs + words, x.limbs, x.size);
  result.limbs[size - 1] = carry;
  return cd_int_result_finish(vm, &result, size, x.negative);
}

Ref cd_int_lshift(VM *vm, Value a, Value b)
{
  int64_t bits, word;
  if (UNLIKELY(cd_int_sign(b) < 0)) return cd_raise_value(vm, "negative shift count");
  if (cd_int_sign(a) == 0) return cd_from_small(0);
  if (!cd_int_fits_i64(b, &bits)) return cd_raise_overflow(vm, "too many digits in integer");
  if (bits < 61 && cd_int_word(a, &word)) {
    int64_t shifted = (int64_t)((uint64_t)word << bits);
    if (LIKELY(shifted >> bits == word)) return cd_int_from_i64(vm, shifted);
  }
  return int_lshift_by(vm, a, (uint64_t)bits);
}

Ref cd_int_rshift(VM *vm, Value a, Value b)
{
  int64_t bits, word;
  if (UNLIKELY(cd_int_sign(b) < 0)) return cd_raise_value(vm, "negative shift count");
  if (!cd_int_fits_i64(b, &bits)) bits = INT64_MAX;
  if (cd_int_word(a, &word)) return cd_from_small(word >> (bits > 63 ? 63 : bits));
  IntView x;
  cd_int_view(a, &x);
  mp_size_t words = bits / 64;
  unsigned rest = bits % 64;
  if (words >= x.size) return cd_from_small(x.negative ? -1 : 0);
  mp_size_t size = x.size - words;
  IntResult result;
  if (!cd_int_result_start(vm, &result, (size_t)size + 1)) return NO_REF;
  mp_limb_t lost = 0;
  if (rest) lost = mpn_rshift(result.limbs, x.limbs + words, size, rest);
  else mpn_copyi(result.limbs, x.limbs + words, size);
  result.limbs[size] = 0;
  // Floor: a negative number that loses bits goes one further from zero.
  if (x.negative && (lost || (words && !mpn_zero_p(x.limbs, words)))) mpn_add_1(result.limbs, result.limbs, size + 1, 1);
  return cd_int_result_finish(vm, &result, size + 1, x.negative);
}

// ---- bitwise ----

// Two's complement in `size` limbs; size > view->size.
static void int_to_complement(mp_limb_t *out, const IntView *view, mp_size_t size)
{
  mpn_copyi(out, view->limbs, view->size);
  mpn_zero(out + view->size, size - view->size);
  if (view->negative) mpn_neg(out, out, size);
}

Ref cd_int_bitwise(VM *vm, Value a, Value b, char op)
{
  int64_t p, q;
  if (LIKELY(cd_int_word(a, &p) && cd_int_word(b, &q))) return cd_from_small(op == '&' ? p & q : op == '|' ? p | q : p ^ q);
  IntView x, y;
  cd_int_view(a, &x);
  cd_int_view(b, &y);
  mp_size_t size = (x.size > y.size ? x.size : y.size) + 1;
  if (op == '&' && !x.negative && !y.negative) size = (x.size < y.size ? x.size : y.size) + 1;     // the rest becomes zero
  IntResult left, right;
  if (!cd_int_result_start(vm, &left, (size_t)size)) return NO_REF;
  if (!cd_int_result_start(vm, &right, (size_t)size)) { cd_int_result_drop(vm, &left); return NO_REF; }
  if (x.size >= size) x.size = size - 1;         // only in the short case of `and`
  if (y.size >= size) y.size = size - 1;
  int_to_complement(left.limbs, &x, size);
  int_to_complement(right.limbs, &y, size);
  if (op == '&') mpn_and_n(left.limbs, left.limbs, right.limbs, size);
  else if (op == '|') mpn_ior_n(left.limbs, left.limbs, right.limbs, size);
  else mpn_xor_n(left.limbs, left.limbs, right.limbs, size);
  cd_int_result_drop(vm, &right);
  bool negative = left.limbs[size - 1] >> 63;
  if (negative) mpn_neg(left.limbs, left.limbs, size);
  return cd_int_result_finish(vm, &left, size, negative);
}

// ---- power ----

// base**exponent for a magnitude above 1: binary, from the top bit, in two buffers that take turns.
static Ref int_power_views(VM *vm, const IntView *base, uint64_t exponent, bool negative)
{
  unsigned __int128 bits = (unsigned __int128)mpn_sizeinbase(base->limbs, (size_t)base->size, 2) * exponent;
  if (bits > (unsigned __int128)INT_LIMBS_MAX * 64) return cd_raise_memory(vm);
  size_t capacity = (size_t)(bits / 64) + (size_t)base->size + 2;
  IntResult result, other;
  if (!cd_int_reserve(vm, capacity) || !cd_int_result_start(vm, &result, capacity)) return NO_REF;
  if (!cd_int_result_start(vm, &other, capacity)) { cd_int_result_drop(vm, &result); return NO_REF; }
  mp_size_t size = base->size;
  mpn_copyi(result.limbs, base->limbs, size);
  mp_limb_t *from = result.limbs, *to = other.limbs, *swap;
  bool ok = true;
  for (int bit = 62 - __builtin_clzll(exponent); bit >= 0 && ok; bit--) {
    mpn_sqr(to, from, size);
    size *= 2;
    size -= to[size - 1] == 0;
    swap = from, from = to, to = swap;
    if (exponent >> bit & 1) {
      mpn_mul(to, from, size, base->limbs, base->size);
      size += base->size;
      size -= to[size - 1] == 0;
      swap = from, from = to, to = swap;
    }
    ok = cd_poll(vm);
  }
  IntResult *last = from == result.limbs ? &result : &other, *spare = last == &result ? &other : &result;
  cd_int_result_drop(vm, spare);
  if (ok) return cd_int_result_finish(vm, last, size, negative);
  cd_int_result_drop(vm, last);
  return NO_REF;
}

static Ref int_power_plain(VM *vm, Value a, Value b)
{
  IntView base;
  cd_int_view(a, &base);
  uint64_t exponent;
  if (cd_int_sign(b) == 0) return cd_from_small(1);
  if (base.size == 0) return cd_from_small(0);
  int64_t low = 0;
  bool odd = cd_is_object(b) ? ((Int *)cd_object(b))->limbs[0] & 1 : (cd_int_word(b, &low) && (low & 1)), negative = base.negative && odd;
  if (base.size == 1 && base.limbs[0] == 1) return cd_from_small(negative ? -1 : 1);
  if (!cd_int_fits_u64(b, &exponent)) return cd_raise_memory(vm);
  if (base.size == 1 && (base.limbs[0] & (base.limbs[0] - 1)) == 0) {      // a power of two
    unsigned __int128 bits = (unsigned __int128)exponent * (unsigned)__builtin_ctzll(base.limbs[0]);
    return bits > (unsigned __int128)INT_LIMBS_MAX * 64 ? cd_raise_memory(vm)
                                                        : int_lshift_by(vm, cd_from_small(negative ? -1 : 1), (uint64_t)bits);
  }
  if (base.size == 1 && exponent < 64) {                                   // often fits a word
    uint64_t n = 1, square = base.limbs[0], left = exponent;
    bool overflow = false;
    while (left && !overflow) {
      if (left & 1) overflow = __builtin_mul_overflow(n, square, &n);
      left >>= 1;
      if (left && !overflow) overflow = __builtin_mul_overflow(square, square, &square);
    }
    if (!overflow) return int_from_limbs(vm, (mp_limb_t[]){n}, 1, negative);
  }
  return int_power_views(vm, &base, exponent, negative);
}

// An mpz over a result's limbs. The functions used below write at most `capacity` limbs to it, so GMP never reallocates it.
static void int_result_as_mpz(mpz_t out, IntResult *result)
{
  out->_mp_alloc = (int)result->capacity;
  out->_mp_size = 0;
  out->_mp_d = result->limbs;
}

// The modular inverse of v, in [0, m); m > 0.
static Ref int_inverse(VM *vm, Value v, Value m)
{
  if (cd_int_compare(m, cd_from_small(1)) == 0) return cd_from_small(0);
  Ref reduced = cd_int_remainder(vm, v, m);
  if (!reduced) return NO_REF;
  IntView x, y;
  cd_int_view(reduced, &x);
  cd_int_view(m, &y);
  IntResult inverse;
  bool exists = false;
  if (!cd_int_reserve(vm, (size_t)y.size * 2) || !cd_int_result_start(vm, &inverse, (size_t)y.size + 2)) {
    cd_drop(vm, reduced);
    return NO_REF;
  }
  mpz_t a, b, out;
  int_result_as_mpz(out, &inverse);
  if (x.size) exists = mpz_invert(out, mpz_roinit_n(a, x.limbs, x.size), mpz_roinit_n(b, y.limbs, y.size));
  cd_drop(vm, reduced);
  if (exists) return cd_int_result_finish(vm, &inverse, out->_mp_size, false);
  cd_int_result_drop(vm, &inverse);
  return cd_raise_value(vm, "base is not invertible for the given modulus");
}

// base**exponent modulo m for words; m < 2**61, exponent >= 0.
static uint64_t int_power_words(uint64_t base, uint64_t exponent, uint64_t m)
{
  uint64_t result = 1 % m;
  base %= m;
  for (; exponent; exponent >>= 1) {
    if (exponent & 1) result = (uint64_t)((unsigned __int128)result * base % m);
    base = (uint64_t)((unsigned __int128)base * base % m);
  }
  return result;
}

// base in [0, m), exponent > 0, m > 0.
static Ref int_power_modulo_views(VM *vm, Value base, Value exponent, Value m)
{
  IntView x, e, y;
  cd_int_view(base, &x);
  cd_int_view(exponent, &e);
  cd_int_view(m, &y);
  if (y.size == 1 && e.size == 1 && x.size <= 1)
    return cd_int_from_u64(vm, int_power_words(x.size ? x.limbs[0] : 0, e.limbs[0], y.limbs[0]));
  if (x.size == 0) return cd_from_small(0);
  IntResult result;
  if (!cd_int_reserve(vm, (size_t)y.size * 4) || !cd_int_result_start(vm, &result, (size_t)y.size + 2)) return NO_REF;
  mpz_t a, b, c, out;
  int_result_as_mpz(out, &result);
  mpz_powm(out, mpz_roinit_n(a, x.limbs, x.size), mpz_roinit_n(b, e.limbs, e.size), mpz_roinit_n(c, y.limbs, y.size));
  return cd_int_result_finish(vm, &result, out->_mp_size, false);
}

static Ref int_power_modulo(VM *vm, Value a, Value b, Value modulus)
{
  int sign = cd_int_sign(modulus);
  if (sign == 0) return cd_raise_value(vm, "pow() 3rd argument cannot be 0");
  Ref m = sign < 0 ? cd_int_negate(vm, modulus) : cd_int_exact(vm, modulus), base = NO_REF, exponent = NO_REF, result = NO_REF;
  if (!m) return NO_REF;
  if (cd_int_sign(b) < 0) {
    base = int_inverse(vm, a, m);
    exponent = base ? cd_int_negate(vm, b) : NO_REF;
  } else {
    base = cd_int_remainder(vm, a, m);
    exponent = base ? cd_int_exact(vm, b) : NO_REF;
  }
  if (exponent)
    result = cd_int_sign(exponent) == 0 ? cd_int_remainder(vm, cd_from_small(1), m) : int_power_modulo_views(vm, base, exponent, m);
  cd_drop(vm, base);
  cd_drop(vm, exponent);
  cd_drop(vm, m);
  if (!result || sign > 0 || cd_int_sign(result) == 0) return result;
  Ref shifted = cd_int_add(vm, result, modulus); // a negative modulus gives results in (modulus, 0]
  cd_drop(vm, result);
  return shifted;
}

Ref cd_int_power(VM *vm, Value a, Value b, Value modulus)
{
  if (cd_bits(modulus) && !cd_is_none(modulus)) return int_power_modulo(vm, a, b, modulus);
  if (cd_int_sign(b) >= 0) return int_power_plain(vm, a, b);
  double base, exponent;
  return cd_int_to_double(vm, a, &base) && cd_int_to_double(vm, b, &exponent) ? cd_float_power(vm, base, exponent) : NO_REF;
}

// ---- number theory ----

static uint64_t int_gcd_words(uint64_t a, uint64_t b)
{
  if (!a || !b) return a | b;
  int shift = __builtin_ctzll(a | b);
  a >>= __builtin_ctzll(a);
  while (b) {
    b >>= __builtin_ctzll(b);
    if (a > b) { uint64_t t = a; a = b; b = t; }
    b -= a;
  }
  return a << shift;
}

Ref cd_int_gcd(VM *vm, Value a, Value b)
{
  IntView x, y;
  cd_int_view(a, &x);
  cd_int_view(b, &y);
  if (x.size <= 1 && y.size <= 1) return cd_int_from_u64(vm, int_gcd_words(x.size ? x.limbs[0] : 0, y.size ? y.limbs[0] : 0));
  if (x.size == 0) return int_from_limbs(vm, y.limbs, y.size, false);
  if (y.size == 0) return int_from_limbs(vm, x.limbs, x.size, false);
  mp_size_t larger = x.size > y.size ? x.size : y.size, smaller = x.size + y.size - larger;
  IntResult result;
  if (!cd_int_reserve(vm, (size_t)larger * 2) || !cd_int_result_start(vm, &result, (size_t)smaller + 2)) return NO_REF;
  mpz_t p, q, out;
  int_result_as_mpz(out, &result);
  mpz_gcd(out, mpz_roinit_n(p, x.limbs, x.size), mpz_roinit_n(q, y.limbs, y.size));
  return cd_int_result_finish(vm, &result, out->_mp_size, false);
}

Ref cd_int_sqrt(VM *vm, Value v)
{
  IntView view;
  cd_int_view(v, &view);
  if (view.negative) return cd_raise_value(vm, "isqrt() argument must be nonnegative");
  if (view.size == 0) return cd_from_small(0);
  mp_size_t size = (view.size + 1) / 2;
  IntResult root;
  if (!cd_int_reserve(vm, (size_t)view.size) || !cd_int_result_start(vm, &root, (size_t)size)) return NO_REF;
  mpn_sqrtrem(root.limbs, NULL, view.limbs, view.size);
  return cd_int_result_finish(vm, &root, size, false);
}

// ---- bytes ----

Ref cd_int_from_bytes(VM *vm, const unsigned char *bytes, size_t size, bool little, bool is_signed)
{
  size_t count = (size + 7) / 8;
  if (size == 0) return cd_from_small(0);
  IntResult result;
  if (!cd_int_result_start(vm, &result, count)) return NO_REF;
  bool negative = is_signed && (little ? bytes[size - 1] : bytes[0]) & 0x80;
  for (size_t i = 0; i < count; i++) {
    uint64_t limb = negative ? UINT64_MAX : 0;
    size_t last = i * 8 + 8 < size ? i * 8 + 8 : size;
    for (size_t j = last; j-- > i * 8;) limb = limb << 8 | bytes[little ? j : size - 1 - j];
    result.limbs[i] = limb;
  }
  if (negative) mpn_neg(result.limbs, result.limbs, (mp_size_t)count);
  return cd_int_result_finish(vm, &result, (mp_size_t)count, negative);
}

bool cd_int_to_bytes(VM *vm, Value v, unsigned char *bytes, size_t size, bool little, bool is_signed)
{
  IntView view;
  cd_int_view(v, &view);
  if (view.negative && !is_signed) return cd_raise_overflow(vm, "can't convert negative int to unsigned");
  // Bits of the two's complement form without its sign: |v| or |v| - 1.
  size_t bits = cd_int_bit_length(v);
  if (view.negative && mpn_popcount(view.limbs, view.size) == 1) bits--;
  if (bits + is_signed > size * 8 && view.size) return cd_raise_overflow(vm, "int too big to convert");
  uint64_t carry = view.negative;                // -x is ~x + 1
  for (size_t i = 0, j = 0; j < size; i++) {
    uint64_t limb = (mp_size_t)i < view.size ? view.limbs[i] : 0;
    if (view.negative) {
      limb = ~limb + carry;
      carry = carry && limb == 0;
    }
    for (int k = 0; k < 8 && j < size; k++, j++, limb >>= 8) bytes[little ? j : size - 1 - j] = (unsigned char)limb;
  }
  return true;
}
