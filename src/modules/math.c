// SPDX-License-Identifier: MIT
// math.c: the math module
#include "modules/module_list.h"
#include "objects/float.h"
#include "objects/int_private.h"
#include "objects/protocol.h"
#include "objects/str.h"
#include "objects/tuple.h"
#include "objects/type.h"

#include <float.h>
#include <math.h>

// ---- functions of one and two doubles ----

static inline bool math_argument(VM *vm, Value v, double *out)
{
  if (LIKELY(cd_is_flonum(v))) { *out = cd_flonum(v); return true; }
  return cd_to_double(vm, v, out);
}

static COLD Ref math_domain_error(VM *vm) { return cd_raise_value(vm, "math domain error"); }
static COLD Ref math_range_error(VM *vm) { return cd_raise_overflow(vm, "math range error"); }

// A NaN that no argument explains is a domain error; such an infinity is an overflow, or for functions that have poles only, again
// a domain error.
static Ref math_apply(VM *vm, Value v, double (*f)(double), bool can_overflow)
{
  double x;
  if (!math_argument(vm, v, &x)) return NO_REF;
  double r = f(x);
  if (UNLIKELY(isnan(r)) && !isnan(x)) return math_domain_error(vm);
  if (UNLIKELY(isinf(r)) && isfinite(x)) return can_overflow ? math_range_error(vm) : math_domain_error(vm);
  return cd_float_new(vm, r);
}

static Ref math_apply2(VM *vm, const Value *args, double (*f)(double, double))
{
  double x, y;
  if (!math_argument(vm, args[0], &x) || !math_argument(vm, args[1], &y)) return NO_REF;
  double r = f(x, y);
  if (isnan(r) && !isnan(x) && !isnan(y)) return math_domain_error(vm);
  if (isinf(r) && isfinite(x) && isfinite(y)) return math_range_error(vm);
  return cd_float_new(vm, r);
}

#define MATH_FUNCTION(name, f, can_overflow, doc) \
  FUNCTION(math, name, #name "(x, /)", doc) { return math_apply(vm, args[0], f, can_overflow); }
MATH_FUNCTION(acos, acos, false, "The angle in radians whose cosine is x,\n\nbetween 0 and pi.")
MATH_FUNCTION(acosh, acosh, false, "The number whose hyperbolic cosine is x, at least 0.")
MATH_FUNCTION(asin, asin, false, "The angle in radians whose sine is x,\n\nbetween -pi/2 and pi/2.")
MATH_FUNCTION(asinh, asinh, false, "The number whose hyperbolic sine is x.")
MATH_FUNCTION(atan, atan, false, "The angle in radians whose tangent is x.\n\nbetween -pi/2 and pi/2.")
MATH_FUNCTION(atanh, atanh, false, "The number whose hyperbolic tangent is x.")
MATH_FUNCTION(cbrt, cbrt, false, "The number whose cube is x.")
MATH_FUNCTION(cos, cos, false, "The cosine of x, an angle in radians.")
MATH_FUNCTION(cosh, cosh, true, "(exp(x) + exp(-x)) / 2.")
MATH_FUNCTION(erf, erf, true, "Error function at x.")
MATH_FUNCTION(erfc, erfc, true, "Complementary error function at x.")
MATH_FUNCTION(exp, exp, true, "e to the power x.")
MATH_FUNCTION(exp2, exp2, true, "2 to the power x.")
MATH_FUNCTION(expm1, expm1, true, "Return exp(x)-1, without the loss of precision of the direct evaluation for small x.")
MATH_FUNCTION(fabs, fabs, false, "The float x without its sign.")
MATH_FUNCTION(log1p, log1p, false, "Return the natural logarithm of 1+x (base e), computed accurately for x near zero.")
MATH_FUNCTION(sin, sin, false, "The sine of x, an angle in radians.")
MATH_FUNCTION(sinh, sinh, true, "(exp(x) - exp(-x)) / 2.")
MATH_FUNCTION(sqrt, sqrt, false, "The number, at least 0, whose square is x.")
MATH_FUNCTION(tan, tan, false, "The tangent of x, an angle in radians.")
MATH_FUNCTION(tanh, tanh, false, "sinh(x) / cosh(x).")
#undef MATH_FUNCTION

// x! at negative integers is a pole in the middle: no sign, so no infinity.
static double math_gamma_value(double x)
{
  if (isinf(x)) return x > 0 ? x : NAN;
  if (x == 0) return copysign(HUGE_VAL, x);
  if (x < 0 && x == floor(x)) return NAN;
  return tgamma(x);
}

FUNCTION(math, gamma, "gamma(x, /)", "Gamma function at x.")
{
  double x;
  if (!math_argument(vm, args[0], &x)) return NO_REF;
  double r = math_gamma_value(x);
  if (x == 0 || (isnan(r) && !isnan(x))) return math_domain_error(vm);
  return isinf(r) && isfinite(x) ? math_range_error(vm) : cd_float_new(vm, r);
}

FUNCTION(math, lgamma, "lgamma(x, /)", "log(abs(gamma(x))), which overflows later than gamma does.")
{
  double x;
  int sign;
  if (!math_argument(vm, args[0], &x)) return NO_REF;
  if (isinf(x)) return cd_float_new(vm, HUGE_VAL);
  if (x <= 0 && x == floor(x)) return math_domain_error(vm);
  double r = lgamma_r(x, &sign);
  return isinf(r) ? math_range_error(vm) : cd_float_new(vm, r);
}

FUNCTION(math, atan2, "atan2(y, x, /)",
         "The angle in radians from the x axis to the point (x, y).\n\nThe signs of both tell the quadrant, which y/x alone could not.")
{
  return math_apply2(vm, args, atan2);
}
FUNCTION(math, copysign, "copysign(x, y, /)",
         "The size of x with the sign of y, a float.\n\ncopysign(1.0, -0.0) is -1.0.")
{
  return math_apply2(vm, args, copysign);
}
FUNCTION(math, fmod, "fmod(x, y, /)", "The remainder of x / y as the C library's fmod() has it.\n\nx % y may differ.")
{
  return math_apply2(vm, args, fmod);
}
FUNCTION(math, remainder, "remainder(x, y, /)",
         "How far x is from the nearest multiple of y, with its sign.\n\nReturn x - n*y where n*y is the closest integer multiple of y; "
         "if x lies half\nway between two multiples of y, n is even. The result is exact.")
{
  return math_apply2(vm, args, remainder);
}
FUNCTION(math, nextafter, "nextafter(x, y, /)", "The float that lies next to x on the way to y.")
{
  double x, y;
  return math_argument(vm, args[0], &x) && math_argument(vm, args[1], &y) ? cd_float_new(vm, nextafter(x, y)) : NO_REF;
}

FUNCTION(math, pow, "pow(x, y, /)", "x to the power y, as floats.")
{
  double x, y;
  if (!math_argument(vm, args[0], &x) || !math_argument(vm, args[1], &y)) return NO_REF;
  double r = pow(x, y);
  if (isfinite(x) && isfinite(y)) {
    if (isnan(r) || (isinf(r) && x == 0)) return math_domain_error(vm);
    if (isinf(r)) return math_range_error(vm);
  }
  return cd_float_new(vm, r);
}

FUNCTION(math, ulp, "ulp(x, /)", "How far it is from x to the next larger float.")
{
  double x;
  if (!math_argument(vm, args[0], &x)) return NO_REF;
  if (isnan(x)) return cd_float_new(vm, x);
  x = fabs(x);
  if (isinf(x)) return cd_float_new(vm, x);
  double next = nextafter(x, HUGE_VAL);
  return cd_float_new(vm, isinf(next) ? x - nextafter(x, -HUGE_VAL) : next - x);
}

FUNCTION(math, degrees, "degrees(x, /)", "x radians, in degrees.")
{
  double x;
  return math_argument(vm, args[0], &x) ? cd_float_new(vm, x * (180.0 / M_PI)) : NO_REF;
}
FUNCTION(math, radians, "radians(x, /)", "x degrees, in radians.")
{
  double x;
  return math_argument(vm, args[0], &x) ? cd_float_new(vm, x * (M_PI / 180.0)) : NO_REF;
}
FUNCTION(math, isfinite, "isfinite(x, /)", "True unless x is infinite or a NaN.")
{
  double x;
  return math_argument(vm, args[0], &x) ? cd_bool(isfinite(x)) : NO_REF;
}
FUNCTION(math, isinf, "isinf(x, /)", "True if x is infinite, of either sign.")
{
  double x;
  return math_argument(vm, args[0], &x) ? cd_bool(isinf(x)) : NO_REF;
}
FUNCTION(math, isnan, "isnan(x, /)", "True if x is a NaN, a result that is no number.")
{
  double x;
  return math_argument(vm, args[0], &x) ? cd_bool(isnan(x)) : NO_REF;
}

FUNCTION(math, isclose, "isclose(a, b, *, rel_tol=1e-09, abs_tol=0.0)",
         "Are two floats almost equal?\n\n  rel_tol\n    largest difference for being considered close, relative to the larger of\n    "
         "the absolute\n    values\n  abs_tol\n    largest difference for being considered close, whatever the values\n\nNaN is not close "
         "to anything, not even itself; infinities are close to\nthemselves only.")
{
  double a, b, rel_tol = 1e-9, abs_tol = 0;
  if (!math_argument(vm, args[0], &a) || !math_argument(vm, args[1], &b)) return NO_REF;
  if (cd_bits(args[2]) && !math_argument(vm, args[2], &rel_tol)) return NO_REF;
  if (cd_bits(args[3]) && !math_argument(vm, args[3], &abs_tol)) return NO_REF;
  if (rel_tol < 0 || abs_tol < 0) return cd_raise_value(vm, "tolerances must be non-negative");
  if (a == b) return cd_true();
  if (isinf(a) || isinf(b)) return cd_false();
  double difference = fabs(b - a);
  return cd_bool(difference <= fabs(rel_tol * b) || difference <= fabs(rel_tol * a) || difference <= abs_tol);
}

static Ref math_pair(VM *vm, double first, Ref second)
{
  return cd_tuple2_steal(vm, cd_float_new(vm, first), second);
}

FUNCTION(math, frexp, "frexp(x, /)",
         "x taken apart: a pair (m, e) of a float with 0.5 <= abs(m) < 1 and an int, x\nbeing m * 2**e. For 0 both are 0.")
{
  double x;
  int exponent = 0;
  if (!math_argument(vm, args[0], &x)) return NO_REF;
  if (isfinite(x) && x != 0) x = frexp(x, &exponent);
  return math_pair(vm, x, cd_from_small(exponent));
}

FUNCTION(math, ldexp, "ldexp(x, i, /)", "Return x * (2**i).\n\nIt puts together what frexp() takes apart.")
{
  double x;
  int64_t exponent;
  if (!math_argument(vm, args[0], &x)) return NO_REF;
  if (!cd_is_int(args[1])) return cd_raise_type(vm, "Expected an int as second argument to ldexp.");
  if (!cd_int_fits_i64(args[1], &exponent)) exponent = cd_int_sign(args[1]) < 0 ? INT64_MIN : INT64_MAX;
  if (x == 0 || !isfinite(x)) return cd_float_new(vm, x);
  double r = ldexp(x, exponent > 100000 ? 100000 : exponent < -100000 ? -100000 : (int)exponent);
  return isinf(r) ? math_range_error(vm) : cd_float_new(vm, r);
}

FUNCTION(math, modf, "modf(x, /)", "(fraction, whole): x split at the point.\n\nBoth are floats and have x's sign.")
{
  double x, whole;
  if (!math_argument(vm, args[0], &x)) return NO_REF;
  double fraction = modf(x, &whole);
  return math_pair(vm, fraction, cd_float_new(vm, whole));
}

// ---- logarithms ----

static Ref math_log_domain(VM *vm, double x, double r)
{
  if (x <= 0 || (isnan(r) && !isnan(x))) return math_domain_error(vm);
  return cd_float_new(vm, r);
}

// `scale` is the logarithm of 2. Ints of any size have one.
static Ref math_log_of(VM *vm, Value v, double (*f)(double), double scale)
{
  double x;
  if (cd_is_int(v) && cd_is_object(v)) {
    int64_t exponent;
    if (cd_int_sign(v) <= 0) return math_domain_error(vm);
    if (cd_int_bit_length(v) > 1023) {
      x = cd_int_frexp(v, &exponent);
      return cd_float_new(vm, f(x) + scale * (double)exponent);
    }
  }
  if (!math_argument(vm, v, &x)) return NO_REF;
  return math_log_domain(vm, x, f(x));
}

FUNCTION(math, log2, "log2(x, /)", "The logarithm of x to base 2.") { return math_log_of(vm, args[0], log2, 1); }
FUNCTION(math, log10, "log10(x, /)", "The logarithm of x to base 10.") { return math_log_of(vm, args[0], log10, log10(2)); }

METHOD_DEF_RAW_(math_log, "log", "log(x, base=e)",
                "log(x, [base=math.e])\n\nThe logarithm of x to the base, the natural one if none is given.",
                METHOD_NO_SIGNATURE)
{
  if (!cd_no_keywords(vm, "math.log", kwnames) || !cd_check_positional(vm, "log", nargs, 1, 2)) return NO_REF;
  Ref number = math_log_of(vm, args[0], log, M_LN2);
  if (!number || nargs == 1) return number;
  Ref base = math_log_of(vm, args[1], log, M_LN2), result = base ? cd_binary(vm, number, base, BINARY_TRUE_DIVIDE) : NO_REF;
  cd_drop(vm, number);
  cd_drop(vm, base);
  return result;
}

// ---- rounding ----

// number.<name>() by the type's own method; FIND_MISSING: there is none.
static Find math_call_special(VM *vm, Value number, Value name, Ref *out)
{
  Ref method;
  Find found = cd_lookup_special(vm, number, name, &method);
  if (found != FIND_HIT) return found;
  *out = cd_call0(vm, method);
  cd_drop(vm, method);
  return *out ? FIND_HIT : FIND_ERROR;
}

static Ref math_round_with(VM *vm, Value v, Value special, double (*f)(double))
{
  double x;
  Ref result;
  if (!cd_is_flonum(v) && !cd_is_exact(v, vm->types.float_)) {
    switch (math_call_special(vm, v, special, &result)) {
    case FIND_ERROR: return NO_REF;
    case FIND_HIT: return result;
    case FIND_MISSING: break;
    }
  }
  return cd_to_double(vm, v, &x) ? cd_int_from_double(vm, f(x)) : NO_REF;
}

FUNCTION(math, ceil, "ceil(x, /)", "x rounded up:\n\nthe smallest integer that is not below it.")
{
  return math_round_with(vm, args[0], N(__ceil__), ceil);
}
FUNCTION(math, floor, "floor(x, /)", "x rounded down:\n\nthe largest integer that is not above it.")
{
  return math_round_with(vm, args[0], N(__floor__), floor);
}

FUNCTION(math, trunc, "trunc(x, /)", "x without its fraction, as x.__trunc__() has it.\n\nUses the __trunc__ magic method.")
{
  Ref result;
  if (cd_is_flonum(args[0]) || cd_is_exact(args[0], vm->types.float_)) return cd_int_from_double(vm, cd_float_value(args[0]));
  switch (math_call_special(vm, args[0], N(__trunc__), &result)) {
  case FIND_HIT: return result;
  case FIND_ERROR: return NO_REF;
  default: return cd_raise_type(vm, "type %.100s doesn't define __trunc__ method", cd_type_name(cd_type_of(vm, args[0])));
  }
}

// ---- sums and products ----

// Jonathan Shewchuk's method: the sum is kept as partial sums of increasing size that do not overlap, so nothing is lost.
typedef struct MathPartials { double *items, inline_items[32]; size_t count, capacity; double special, infinities; } MathPartials;

static bool math_partials_grow(VM *vm, MathPartials *p)
{
  double *items = cd_alloc_array(vm, p->capacity * 2, sizeof *items);
  if (!items) return false;
  memcpy(items, p->items, p->count * sizeof *items);
  if (p->items != p->inline_items) cd_free(vm, p->items, p->capacity * sizeof *items);
  p->items = items;
  p->capacity *= 2;
  return true;
}

static bool math_partials_add(VM *vm, MathPartials *p, double x)
{
  double original = x;
  size_t kept = 0;
  for (size_t i = 0; i < p->count; i++) {
    double y = p->items[i];
    if (fabs(x) < fabs(y)) { double t = x; x = y; y = t; }
    double high = x + y, low = y - (high - x);
    if (low != 0) p->items[kept++] = low;
    x = high;
  }
  p->count = kept;
  if (x == 0) return true;
  if (!isfinite(x)) {
    if (isfinite(original)) return cd_raise_overflow(vm, "intermediate overflow in fsum");
    if (isinf(original)) p->infinities += original;
    p->special += original;
    p->count = 0;
    return true;
  }
  if (p->count >= p->capacity && !math_partials_grow(vm, p)) return false;
  p->items[p->count++] = x;
  return true;
}

// The partials from the largest down, until something is lost; then the next one decides ties.
static double math_partials_sum(const MathPartials *p)
{
  size_t n = p->count;
  if (n == 0) return 0;
  double high = p->items[--n], low = 0;
  while (n > 0) {
    double x = high, y = p->items[--n];
    high = x + y;
    low = y - (high - x);
    if (low != 0) break;
  }
  if (n > 0 && ((low < 0 && p->items[n - 1] < 0) || (low > 0 && p->items[n - 1] > 0))) {
    double y = low * 2, x = high + y;
    if (y == x - high) high = x;
  }
  return high;
}

FUNCTION(math, fsum, "fsum(seq, /)",
         "The sum of the floats in seq, rounded once, at the end.\n\nAssumes IEEE-754 floating point arithmetic.")
{
  MathPartials partials = {.items = partials.inline_items, .capacity = ARRAY_LEN(partials.inline_items)};
  Ref iter = cd_iter(vm, args[0]), item, result = NO_REF;
  if (!iter) return NO_REF;
  Next next;
  while ((next = cd_next(vm, iter, &item)) == NEXT_ITEM) {
    double x;
    bool ok = math_argument(vm, item, &x);
    cd_drop(vm, item);
    if (!ok || !math_partials_add(vm, &partials, x)) { next = NEXT_ERROR; break; }
  }
  if (next == NEXT_DONE) {
    if (partials.special == 0) result = cd_float_new(vm, math_partials_sum(&partials));
    else if (isnan(partials.infinities)) cd_raise_value(vm, "-inf + inf in fsum");
    else result = cd_float_new(vm, partials.special);
  }
  if (partials.items != partials.inline_items) cd_free(vm, partials.items, partials.capacity * sizeof *partials.items);
  cd_drop(vm, iter);
  return result;
}

FUNCTION(math, prod, "prod(iterable, /, *, start=1)",
         "All the elements multiplied together, and start with them.\n\nstart is 1 if not given,\n\nand is the result when there are no "
         "elements. This function is intended for\nnumeric values and may reject other types.")
{
  Ref product = cd_bits(args[1]) ? cd_dup(args[1]) : cd_from_small(1), iter = cd_iter(vm, args[0]), item;
  Next next = NEXT_ERROR;
  while (iter && (next = cd_next(vm, iter, &item)) == NEXT_ITEM) {
    Ref more = cd_is_flonum(product) && cd_is_flonum(item) ? cd_float_new(vm, cd_flonum(product) * cd_flonum(item))
                                                           : cd_binary(vm, product, item, BINARY_MULTIPLY);
    cd_drop(vm, item);
    cd_drop(vm, product);
    if (!(product = more)) { next = NEXT_ERROR; break; }
  }
  cd_drop(vm, iter);
  if (next == NEXT_DONE) return product;
  cd_drop(vm, product);
  return NO_REF;
}

// ---- distances ----

// sqrt(x0**2 + x1**2 + ...): scaled by a power of two, squares and sum in two doubles each, and one step of Newton's method at the end, so
// that the result is almost always the nearest double. `values` are not negative.
static double math_norm(double *values, size_t count)
{
  double largest = 0;
  bool nan = false;
  for (size_t i = 0; i < count; i++) {
    values[i] = fabs(values[i]);
    nan |= isnan(values[i]);
    if (values[i] > largest) largest = values[i];
  }
  if (isinf(largest)) return largest;
  if (nan) return NAN;
  if (largest == 0 || count <= 1) return largest;
  int exponent;
  frexp(largest, &exponent);
  double high = 0, low = 0;
  for (size_t i = 0; i < count; i++) {
    double x = ldexp(values[i], -exponent), square = x * x, rest = fma(x, x, -square), sum = high + square;
    low += (high > square ? square - (sum - high) : high - (sum - square)) + rest;
    high = sum;
  }
  double root = sqrt(high + low);
  double square = root * root, residual = high - square - fma(root, root, -square) + low;
  return ldexp(root + residual / (2 * root), exponent);
}

typedef struct MathVector { double *items, inline_items[16]; size_t count; } MathVector;

static bool math_vector_start(VM *vm, MathVector *v, size_t count)
{
  v->count = count;
  v->items = count <= ARRAY_LEN(v->inline_items) ? v->inline_items : cd_alloc_array(vm, count, sizeof(double));
  return v->items;
}

static Ref math_vector_norm(VM *vm, MathVector *v, bool ok)
{
  double size = ok ? math_norm(v->items, v->count) : 0;
  if (v->items != v->inline_items) cd_free(vm, v->items, v->count * sizeof(double));
  return ok ? cd_float_new(vm, size) : NO_REF;
}

METHOD_DEF_RAW_(math_hypot, "hypot", "hypot(*coordinates)",
                "hypot(*coordinates) -> value\n\nHow far a point is from the origin.\n\nIn two dimensions, as in hypot(x, y), the "
                "hypotenuse of a right triangle:\n\n    >>> hypot(3.0, 4.0)\n    5.0",
                METHOD_NO_SIGNATURE)
{
  MathVector vector;
  if (!cd_no_keywords(vm, "math.hypot", kwnames) || !math_vector_start(vm, &vector, nargs)) return NO_REF;
  bool ok = true;
  for (size_t i = 0; ok && i < nargs; i++) ok = math_argument(vm, args[i], &vector.items[i]);
  return math_vector_norm(vm, &vector, ok);
}

FUNCTION(math, dist, "dist(p, q, /)",
         "How far the points p and q are from each other.\n\nEach is an iterable of coordinates,  as many in one as in the other.")
{
  Ref p = cd_tuple_from(vm, args[0]), q = p ? cd_tuple_from(vm, args[1]) : NO_REF, result = NO_REF;
  MathVector vector;
  if (q) {
    size_t count = cd_tuple_size(p);
    if (count != cd_tuple_size(q)) {
      cd_raise_value(vm, "both points must have the same number of dimensions");
    } else if (math_vector_start(vm, &vector, count)) {
      bool ok = true;
      for (size_t i = 0; ok && i < count; i++) {
        double x, y = 0;
        ok = math_argument(vm, cd_tuple_item_borrow(p, i), &x) && math_argument(vm, cd_tuple_item_borrow(q, i), &y);
        if (ok) vector.items[i] = x - y;
      }
      result = math_vector_norm(vm, &vector, ok);
    }
  }
  cd_drop(vm, p);
  cd_drop(vm, q);
  return result;
}

// ---- integers ----

static Ref math_fold(VM *vm, Value integers, int64_t start, Ref (*step)(VM *, Value, Value))
{
  Ref result = cd_from_small(start);
  for (size_t i = 0; result && i < cd_tuple_size(integers); i++) {
    Ref x = cd_index(vm, cd_tuple_item_borrow(integers, i)), next = x ? step(vm, result, x) : NO_REF;
    cd_drop(vm, x);
    cd_drop(vm, result);
    result = next;
  }
  return result;
}

static Ref math_lcm_of(VM *vm, Value a, Value b)
{
  if (cd_int_sign(a) == 0 || cd_int_sign(b) == 0) return cd_from_small(0);
  Ref divisor = cd_int_gcd(vm, a, b), part = divisor ? cd_int_floor_divide(vm, a, divisor) : NO_REF;
  Ref product = part ? cd_int_multiply(vm, part, b) : NO_REF, result = product;
  if (product && cd_int_sign(product) < 0) {
    result = cd_int_negate(vm, product);
    cd_drop(vm, product);
  }
  cd_drop(vm, divisor);
  cd_drop(vm, part);
  return result;
}

FUNCTION(math, gcd, "gcd(*integers)", "Greatest Common Divisor.") { return math_fold(vm, args[0], 0, cd_int_gcd); }
FUNCTION(math, lcm, "lcm(*integers)", "Least Common Multiple.") { return math_fold(vm, args[0], 1, math_lcm_of); }

FUNCTION(math, isqrt, "isqrt(n, /)", "The square root of n, rounded down to an integer.")
{
  Ref n = cd_index(vm, args[0]), root = n ? cd_int_sqrt(vm, n) : NO_REF;
  cd_drop(vm, n);
  return root;
}

// The product of first, first + 1, ... last: by halves, so that large factors are of like size.
static Ref math_product(VM *vm, uint64_t first, uint64_t last)
{
  if (first > last) return cd_from_small(1);
  unsigned __int128 small = first;
  while (first < last && small * (first + 1) <= SMALL_INT_MAX) small *= ++first;
  if (first >= last) return cd_int_from_u64(vm, (uint64_t)small);
  uint64_t middle = first + (last - first) / 2;
  Ref left = cd_poll(vm) ? math_product(vm, first + 1, middle) : NO_REF, right = left ? math_product(vm, middle + 1, last) : NO_REF;
  Ref rest = right ? cd_int_multiply(vm, left, right) : NO_REF, start = cd_from_small((int64_t)small);
  Ref result = rest ? cd_int_multiply(vm, rest, start) : NO_REF;
  cd_drop(vm, left);
  cd_drop(vm, right);
  cd_drop(vm, rest);
  return result;
}

FUNCTION(math, factorial, "factorial(n, /)", "Find n!.\n\nValueError for what is negative or no integer.")
{
  int64_t n;
  Ref index = cd_index(vm, args[0]);
  if (!index) return NO_REF;
  bool fits = cd_int_fits_i64(index, &n);
  int sign = cd_int_sign(index);
  cd_drop(vm, index);
  if (sign < 0) return cd_raise_value(vm, "factorial() not defined for negative values");
  if (!fits) return cd_raise_overflow(vm, "factorial() argument should not exceed %lld", (long long)INT64_MAX);
  if (n > INT64_C(1) << 33) return cd_raise_memory(vm);
  return math_product(vm, 1, (uint64_t)n);
}

// n * (n-1) * ... k factors, for an n beyond machine words.
static Ref math_falling(VM *vm, Value n, uint64_t k)
{
  Ref product = cd_from_small(1), factor = cd_dup(n);
  for (uint64_t i = 0; i < k && product && factor; i++) {
    Ref next = cd_int_multiply(vm, product, factor), lower = cd_int_subtract(vm, factor, cd_from_small(1));
    cd_drop(vm, product);
    cd_drop(vm, factor);
    product = next;
    factor = lower;
    if (!cd_poll(vm)) { cd_drop(vm, product); product = NO_REF; }
  }
  bool ok = product && factor;
  cd_drop(vm, factor);
  if (ok) return product;
  cd_drop(vm, product);
  return NO_REF;
}

static Ref math_permutations(VM *vm, Value n, uint64_t k)
{
  int64_t word;
  if (k == 0) return cd_from_small(1);
  if (!cd_int_fits_i64(n, &word)) return math_falling(vm, n, k);
  return math_product(vm, (uint64_t)word - k + 1, (uint64_t)word);
}

static Ref math_combinations(VM *vm, Value n, uint64_t k)
{
  int64_t word;
  if (cd_int_fits_i64(n, &word)) {
    unsigned __int128 result = 1;
    uint64_t i = 0;
    for (; i < k && result <= UINT64_MAX; i++) result = result * ((uint64_t)word - i) / (i + 1);
    if (i == k && result <= UINT64_MAX) return cd_int_from_u64(vm, (uint64_t)result);
  }
  Ref top = math_permutations(vm, n, k), bottom = top ? math_product(vm, 1, k) : NO_REF;
  Ref result = bottom ? cd_int_floor_divide(vm, top, bottom) : NO_REF;
  cd_drop(vm, top);
  cd_drop(vm, bottom);
  return result;
}

static bool math_check_not_negative(VM *vm, Value v, const char *name)
{
  return cd_int_sign(v) >= 0 || cd_raise_value(vm, "%s must be a non-negative integer", name);
}

static Ref math_perm_of(VM *vm, Value n, Value k)
{
  int64_t word;
  if (!math_check_not_negative(vm, n, "n") || !math_check_not_negative(vm, k, "k")) return NO_REF;
  if (cd_int_compare(n, k) < 0) return cd_from_small(0);
  if (!cd_int_fits_i64(k, &word)) return cd_raise_overflow(vm, "k must not exceed %lld", (long long)INT64_MAX);
  return math_permutations(vm, n, (uint64_t)word);
}

FUNCTION(math, perm, "perm(n, k=None, /)",
         "In how many ways k of n items can be put in a row.\n\nIt is n! / (n - k)!, and 0 when k is larger than n.\n\nWithout k, or with "
         "None, all n are put in the row, which gives n!.\n\nTypeError unless both are integers,\nValueError if one is negative.")
{
  if (!cd_bits(args[1]) || cd_is_none(args[1])) return math_factorial(vm, self, args);
  Ref n = cd_index(vm, args[0]), k = n ? cd_index(vm, args[1]) : NO_REF, result = k ? math_perm_of(vm, n, k) : NO_REF;
  cd_drop(vm, n);
  cd_drop(vm, k);
  return result;
}

static Ref math_comb_of(VM *vm, Value n, Value k)
{
  int64_t word;
  if (!math_check_not_negative(vm, n, "n") || !math_check_not_negative(vm, k, "k")) return NO_REF;
  Ref rest = cd_int_subtract(vm, n, k), result = NO_REF;
  if (!rest) return NO_REF;
  Value fewer = cd_int_compare(rest, k) < 0 ? rest : k;
  if (cd_int_sign(rest) < 0) result = cd_from_small(0);
  else if (!cd_int_fits_i64(fewer, &word)) cd_raise_overflow(vm, "min(n - k, k) must not exceed %lld", (long long)INT64_MAX);
  else result = math_combinations(vm, n, (uint64_t)word);
  cd_drop(vm, rest);
  return result;
}

FUNCTION(
  math, comb, "comb(n, k, /)",
  "In how many ways k of n items can be chosen, when their order does not matter.\n\nIt is n! / (k! * (n - k)!), and 0 when k is larger "
  "than n.\n\nIt is also the coefficient of x**k in (1 + x)**n.\n\nTypeError unless both are integers,\nValueError if one is negative.")
{
  Ref n = cd_index(vm, args[0]), k = n ? cd_index(vm, args[1]) : NO_REF, result = k ? math_comb_of(vm, n, k) : NO_REF;
  cd_drop(vm, n);
  cd_drop(vm, k);
  return result;
}

// ---- the module ----

static bool math_exec(VM *vm, Value module)
{
  return cd_module_add(vm, module, "pi", cd_float_new(vm, M_PI)) && cd_module_add(vm, module, "e", cd_float_new(vm, M_E)) &&
         cd_module_add(vm, module, "tau", cd_float_new(vm, 2 * M_PI)) && cd_module_add(vm, module, "inf", cd_float_new(vm, HUGE_VAL)) &&
         cd_module_add(vm, module, "nan", cd_float_new(vm, NAN));
}

static const MethodDef *const math_functions[] = {
  &math_acos_def,      &math_acosh_def,   &math_asin_def,     &math_asinh_def,    &math_atan_def,    &math_atan2_def,     &math_atanh_def,
  &math_cbrt_def,      &math_ceil_def,    &math_comb_def,     &math_copysign_def, &math_cos_def,     &math_cosh_def,      &math_degrees_def,
  &math_dist_def,      &math_erf_def,     &math_erfc_def,     &math_exp_def,      &math_exp2_def,    &math_expm1_def,     &math_fabs_def,
  &math_factorial_def, &math_floor_def,   &math_fmod_def,     &math_frexp_def,    &math_fsum_def,    &math_gamma_def,     &math_gcd_def,
  &math_hypot_def,     &math_isclose_def, &math_isfinite_def, &math_isinf_def,    &math_isnan_def,   &math_isqrt_def,     &math_lcm_def,
  &math_ldexp_def,     &math_lgamma_def,  &math_log_def,      &math_log10_def,    &math_log1p_def,   &math_log2_def,      &math_modf_def,
  &math_nextafter_def, &math_perm_def,    &math_pow_def,      &math_prod_def,     &math_radians_def, &math_remainder_def, &math_sin_def,
  &math_sinh_def,      &math_sqrt_def,    &math_tan_def,      &math_tanh_def,     &math_trunc_def,   &math_ulp_def,       NULL,
};

const ModuleDef cd_module_math = {
  .name = "math",
  .doc = "Mathematical functions as the C standard defines them, and some for integers.",
  .functions = math_functions,
  .exec = math_exec,
};
