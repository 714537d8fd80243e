// SPDX-License-Identifier: MIT
// float.c: floats: arithmetic, comparison, reading text, methods
#include "objects/float.h"

#include "base/number_text.h"
#include "base/utf8.h"
#include "objects/bytes.h"
#include "objects/exception.h"
#include "objects/instance.h"
#include "objects/int_private.h"
#include "objects/protocol.h"
#include "objects/str.h"
#include "objects/tuple.h"
#include "objects/type.h"

#include <errno.h>
#include <math.h>

// ---- making ----

Ref cd_float_box(VM *vm, double x)
{
  Float *box = cd_object_new(vm, vm->types.float_, sizeof *box);
  if (!box) return NO_REF;
  box->value = x;
  return cd_from_object(box);
}

static Ref float_of_type(VM *vm, Type *type, double x)
{
  if (type == vm->types.float_) return cd_float_new(vm, x);
  Float *box = cd_instance_new(vm, type);
  if (!box) return NO_REF;
  box->value = x;
  return cd_from_object(box);
}

// ---- reading ----

static bool float_word(const char *p, const char *end, const char *word)
{
  for (; *word; word++, p++)
    if (p == end || (*p | 0x20) != *word) return false;
  return true;
}

size_t cd_float_scan(const char *text, size_t size, double *out)
{
  const char *p = text, *end = text + size;
  bool negative = size && *p == '-';
  size_t taken = cd_double_parse(text, size, out);
  if (taken) return taken;
  if (size && (*p == '-' || *p == '+')) p++;
  if (float_word(p, end, "inf")) {
    *out = negative ? -HUGE_VAL : HUGE_VAL;
    return (size_t)(p - text) + (float_word(p + 3, end, "inity") ? 8 : 3);
  }
  if (float_word(p, end, "nan")) {
    *out = negative ? -NAN : NAN;
    return (size_t)(p - text) + 3;
  }
  return 0;
}

static inline bool float_is_digit(char c) { return c >= '0' && c <= '9'; }

bool cd_number_strip_underscores(char *text, size_t *size)
{
  char *out = text, previous = 0;
  for (size_t i = 0; i < *size; i++) {
    char c = text[i];
    if (c == '_' ? !float_is_digit(previous) : previous == '_' && !float_is_digit(c)) return false;
    if (c != '_') *out++ = c;
    previous = c;
  }
  *size = (size_t)(out - text);
  return previous != '_';
}

static inline bool float_is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r') || (c >= 0x1C && c <= 0x1F); }

// The whole of the text, spaces stripped. *ok false: malformed; nothing is set. false: MemoryError.
static bool float_read_ascii(VM *vm, const char *text, size_t size, double *out, bool *ok)
{
  while (size && float_is_space(*text)) text++, size--;
  while (size && float_is_space(text[size - 1])) size--;
  if (!memchr(text, '_', size)) {
    *ok = size && cd_float_scan(text, size, out) == size;
    return true;
  }
  char *copy = cd_alloc(vm, size + 1);
  if (!copy) return false;
  memcpy(copy, text, size);
  size_t stripped = size;
  *ok = cd_number_strip_underscores(copy, &stripped) && stripped && cd_float_scan(copy, stripped, out) == stripped;
  cd_free(vm, copy, size + 1);
  return true;
}

static bool float_read_unicode(VM *vm, const char *text, size_t size, double *out, bool *ok)
{
  char *ascii;
  size_t ascii_size;
  if (!cd_number_ascii(vm, text, size, &ascii, &ascii_size)) return false;
  bool done = float_read_ascii(vm, ascii, ascii_size, out, ok);
  cd_free(vm, ascii, size + 1);
  return done;
}

static bool float_from_text(VM *vm, Value text, double *out)
{
  bool ok = false, done;
  if (cd_is_str(text)) {
    const Str *s = cd_as_str(text);
    done = s->ascii ? float_read_ascii(vm, s->data, s->size, out, &ok) : float_read_unicode(vm, s->data, s->size, out, &ok);
  } else if (cd_is_bytes(text) || cd_is_bytearray(text) || cd_has_buffer(vm, text)) {
    Buffer buffer;
    if (!cd_get_buffer(vm, text, &buffer, BUFFER_SIMPLE)) return false;
    done = float_read_ascii(vm, buffer.data, (size_t)buffer.size, out, &ok);
    cd_release_buffer(vm, &buffer);
  } else {
    return cd_raise_type(vm, "float() argument must be a string or a real number, not '%.200s'", cd_type_name(cd_type_of(vm, text)));
  }
  if (done && !ok) return cd_raise_value(vm, "could not convert string to float: %R", text);
  return done;
}

Ref cd_float_from_text(VM *vm, Value text)
{
  double x;
  return float_from_text(vm, text, &x) ? cd_float_new(vm, x) : NO_REF;
}

// What __float__ of `v` gives; the slot is there.
static bool float_from_slot(VM *vm, Value v, double *out)
{
  Type *type = cd_type_of(vm, v);
  Ref result = type->slots.float_(vm, v);
  if (!result) return false;
  bool ok = true;
  if (!cd_is_float(result))
    ok = cd_raise_type(vm, "%.50s.__float__ returned non-float (type %.50s)", cd_type_name(type), cd_type_name(cd_type_of(vm, result)));
  else if (!cd_is_flonum(result) && !cd_is_exact(result, vm->types.float_))
    ok = cd_warn(vm, vm->exc.DeprecationWarning, 1,
                 "%.50s.__float__ returned non-float (type %.50s).  The ability to return an instance of a strict subclass of float is "
                 "deprecated, and "
                 "may be removed in a future version of Python.",
                 cd_type_name(type), cd_type_name(cd_type_of(vm, result)));
  if (ok) *out = cd_float_value(result);
  cd_drop(vm, result);
  return ok;
}

bool cd_float_of(VM *vm, Value number, double *out)
{
  if (cd_is_flonum(number) || cd_is_exact(number, vm->types.float_)) { *out = cd_float_value(number); return true; }
  if (cd_is_small(number)) { *out = (double)cd_small(number); return true; }
  const TypeSlots *slots = &cd_type_of(vm, number)->slots;
  if (slots->float_) return float_from_slot(vm, number, out);
  if (slots->index) {
    Ref index = cd_index(vm, number);
    bool ok = index && cd_int_to_double(vm, index, out);
    cd_drop(vm, index);
    return ok;
  }
  if (cd_is_float(number)) { *out = cd_float_value(number); return true; }
  return cd_raise_type(vm, "float() argument must be a string or a real number, not '%.200s'", cd_type_name(cd_type_of(vm, number)));
}

static Ref float_new_slot(VM *vm, Type *type, const Value *args, size_t nargs, Value kwnames)
{
  double x = 0;
  if (type == vm->types.float_ && !cd_no_keywords(vm, "float", kwnames)) return NO_REF;
  if (type != vm->types.float_ && cd_bits(kwnames) && type->slots.init == cd_object_init_slot && !cd_no_keywords(vm, "float", kwnames))
    return NO_REF;
  if (!cd_check_positional(vm, "float", nargs, 0, 1)) return NO_REF;
  if (nargs) {
    const TypeSlots *slots = &cd_type_of(vm, args[0])->slots;
    bool number = cd_is_float(args[0]) || slots->float_ || slots->index;
    if (!(number && !cd_is_exact(args[0], vm->types.str) ? cd_float_of(vm, args[0], &x) : float_from_text(vm, args[0], &x))) return NO_REF;
  }
  return float_of_type(vm, type, x);
}

// ---- arithmetic ----

typedef enum { PAIR_ERROR = -1, PAIR_NO = 0, PAIR_YES = 1 } FloatPair;

static inline FloatPair float_operand(VM *vm, Value v, double *out)
{
  if (cd_is_flonum(v)) { *out = cd_flonum(v); return PAIR_YES; }
  if (cd_is_small(v)) { *out = (double)cd_small(v); return PAIR_YES; }
  if (cd_is_float(v)) { *out = cd_float_value(v); return PAIR_YES; }
  if (!cd_is_int(v)) return PAIR_NO;
  return cd_int_to_double(vm, v, out) ? PAIR_YES : PAIR_ERROR;
}

static inline FloatPair float_operands(VM *vm, Value a, Value b, double *x, double *y)
{
  FloatPair left = float_operand(vm, a, x);
  return left == PAIR_YES ? float_operand(vm, b, y) : left;
}

#define FLOAT_OPERANDS(a, b, x, y)                                                \
  double x, y;                                                                    \
  switch (float_operands(vm, a, b, &x, &y)) {                                     \
  case PAIR_ERROR: return NO_REF;                                                 \
  case PAIR_NO: return cd_not_implemented();                                      \
  case PAIR_YES: break;                                                           \
  }

static COLD Ref float_zero_division(VM *vm, const char *message) { return cd_raise(vm, vm->exc.ZeroDivisionError, "%s", message); }

static Ref float_add_slot(VM *vm, Value a, Value b) { FLOAT_OPERANDS(a, b, x, y) return cd_float_new(vm, x + y); }
static Ref float_subtract_slot(VM *vm, Value a, Value b) { FLOAT_OPERANDS(a, b, x, y) return cd_float_new(vm, x - y); }
static Ref float_multiply_slot(VM *vm, Value a, Value b) { FLOAT_OPERANDS(a, b, x, y) return cd_float_new(vm, x * y); }

static Ref float_true_divide_slot(VM *vm, Value a, Value b)
{
  FLOAT_OPERANDS(a, b, x, y)
  return y == 0 ? float_zero_division(vm, "float division by zero") : cd_float_new(vm, x / y);
}

// The remainder has the sign of y; the quotient is the nearest integer to (x - remainder) / y, which may be off by rounding.
static double float_floor_parts(double x, double y, double *remainder)
{
  double r = fmod(x, y), quotient = (x - r) / y;
  if (r == 0) r = copysign(0, y);
  else if ((y < 0) != (r < 0)) { r += y; quotient -= 1; }
  *remainder = r;
  if (quotient == 0) return copysign(0, x / y);
  double whole = floor(quotient);
  return quotient - whole > 0.5 ? whole + 1 : whole;
}

static Ref float_floor_divide_slot(VM *vm, Value a, Value b)
{
  FLOAT_OPERANDS(a, b, x, y)
  double remainder;
  return y == 0 ? float_zero_division(vm, "float floor division by zero") : cd_float_new(vm, float_floor_parts(x, y, &remainder));
}

static Ref float_remainder_slot(VM *vm, Value a, Value b)
{
  FLOAT_OPERANDS(a, b, x, y)
  if (y == 0) return float_zero_division(vm, "float modulo");
  double r = fmod(x, y);
  if (r == 0) r = copysign(0, y);
  else if ((y < 0) != (r < 0)) r += y;
  return cd_float_new(vm, r);
}

static Ref float_divmod_slot(VM *vm, Value a, Value b)
{
  FLOAT_OPERANDS(a, b, x, y)
  double remainder;
  if (y == 0) return float_zero_division(vm, "float divmod()");
  double quotient = float_floor_parts(x, y, &remainder);
  Ref first = cd_float_new(vm, quotient);
  return cd_tuple2_steal(vm, first, first ? cd_float_new(vm, remainder) : NO_REF);
}

static COLD Ref float_raise_range(VM *vm)
{
  Ref text = cd_str_from(vm, strerror(ERANGE));
  Ref exception = text ? cd_exception_new(vm, vm->exc.OverflowError, (Value[]){cd_from_small(ERANGE), text}, 2) : NO_REF;
  cd_drop(vm, text);
  return cd_raise_exception(vm, exception);
}

Ref cd_float_power(VM *vm, double base, double exponent)
{
  if (base == 0 && exponent < 0 && isfinite(exponent)) return float_zero_division(vm, "0.0 cannot be raised to a negative power");
  if (base < 0 && isfinite(base) && isfinite(exponent) && exponent != floor(exponent)) {
    Ref left = cd_complex_new(vm, base, 0), right = left ? cd_complex_new(vm, exponent, 0) : NO_REF;
    Ref result = right ? cd_power(vm, left, right, cd_none()) : NO_REF;
    cd_drop(vm, left);
    cd_drop(vm, right);
    return result;
  }
  double result = pow(base, exponent);
  if (isinf(result) && isfinite(base) && isfinite(exponent)) return float_raise_range(vm);
  return cd_float_new(vm, result);
}

static Ref float_power_slot(VM *vm, Value base, Value exponent, Value modulus)
{
  if (!cd_is_none(modulus)) return cd_raise_type(vm, "pow() 3rd argument not allowed unless all arguments are integers");
  FLOAT_OPERANDS(base, exponent, x, y)
  return cd_float_power(vm, x, y);
}

static Ref float_exact(VM *vm, Value v)
{
  return cd_is_flonum(v) || cd_is_exact(v, vm->types.float_) ? cd_dup(v) : cd_float_new(vm, cd_float_value(v));
}
static Ref float_negative_slot(VM *vm, Value self) { return cd_float_new(vm, -cd_float_value(self)); }
static Ref float_absolute_slot(VM *vm, Value self) { return cd_float_new(vm, fabs(cd_float_value(self))); }
static Ref float_int_slot(VM *vm, Value self) { return cd_int_from_double(vm, cd_float_value(self)); }

static bool float_truth_slot(VM *vm UNUSED, Value self, bool *out)
{
  *out = cd_float_value(self) != 0;
  return true;
}

static bool float_hash_slot(VM *vm UNUSED, Value self, int64_t *out)
{
  double x = cd_float_value(self);
  *out = isnan(x) ? cd_hash_pointer(cd_object(self)) : cd_hash_double(x);
  return true;
}

static Ref float_repr_slot(VM *vm, Value self)
{
  char text[DOUBLE_REPR_SIZE];
  int size = cd_double_repr(cd_float_value(self), text);
  return cd_str_ascii(vm, text, (size_t)size);
}

// ---- comparison ----

int cd_float_compare_int(double x, Value i)
{
  int64_t word;
  int sign = (x > 0) - (x < 0), other = cd_int_sign(i);
  if (sign != other) return sign < other ? -1 : 1;
  if (sign == 0) return 0;
  if (isinf(x)) return sign;
  if (cd_int_word(i, &word)) {
    if (fabs(x) >= 0x1p62) return sign;
    double whole = trunc(x);
    if ((int64_t)whole != word) return (int64_t)whole < word ? -1 : 1;
    return (x > whole) - (x < whole);
  }
  // Magnitudes: first their bit lengths, then digit by digit; |x| is below 2**1024, and whole if as long as a boxed int.
  IntView view;
  cd_int_view(i, &view);
  int exponent;
  frexp(x, &exponent);
  int64_t bits = (int64_t)cd_int_bit_length(i);
  if (exponent != bits) return exponent < bits ? -sign : sign;
  double magnitude = fabs(x);
  mp_limb_t limbs[17] = {0};
  for (mp_size_t k = view.size; k-- > 0;) {
    double unit = ldexp(1, (int)k * 64);
    limbs[k] = (mp_limb_t)(magnitude / unit);
    magnitude -= (double)limbs[k] * unit;
  }
  int order = mpn_cmp(limbs, view.limbs, view.size);
  if (order == 0) order = magnitude > 0;         // only a boxed int of a subclass can be small enough for a fraction
  return sign < 0 ? -order : order;
}

static Ref float_compare_slot(VM *vm UNUSED, Value self, Value other, CompareOp op)
{
  double x = cd_float_value(self), y = 0;
  if (cd_is_float(other)) {
    y = cd_float_value(other);
  } else if (cd_is_int(other)) {
    if (isnan(x)) return cd_bool(op == COMPARE_NE);
    return cd_compare_ints(cd_float_compare_int(x, other), op);
  } else {
    return cd_not_implemented();
  }
  switch (op) {
  case COMPARE_LT: return cd_bool(x < y);
  case COMPARE_LE: return cd_bool(x <= y);
  case COMPARE_EQ: return cd_bool(x == y);
  case COMPARE_NE: return cd_bool(x != y);
  case COMPARE_GT: return cd_bool(x > y);
  default: return cd_bool(x >= y);
  }
}

// ---- methods ----

METHOD(float, conjugate, "conjugate(self, /)", "The number itself: it has no imaginary part to turn round.")
{
  return float_exact(vm, self);
}
METHOD(float, __trunc__, "__trunc__(self, /)", "Return the whole part, as an int.") { return cd_int_from_double(vm, cd_float_value(self)); }
METHOD(float, __floor__, "__floor__(self, /)", "Return the floor as an int.")
{
  return cd_int_from_double(vm, floor(cd_float_value(self)));
}
METHOD(float, __ceil__, "__ceil__(self, /)", "Return the ceiling as an int.") { return cd_int_from_double(vm, ceil(cd_float_value(self))); }
METHOD(float, is_integer, "is_integer(self, /)", "Return whether the float is a whole number.")
{
  double x = cd_float_value(self);
  return cd_bool(isfinite(x) && x == floor(x));
}

static Ref float_round_digits(VM *vm, double x, int64_t ndigits)
{
  char digits[800], text[840];
  int count, point;
  double rounded = 0;
  if (x == 0 || !isfinite(x) || ndigits > 323) return cd_float_new(vm, x);   // every double is a multiple of 10**-1074, but needs no more
  if (ndigits < -308) return cd_float_new(vm, copysign(0, x));
  cd_double_fixed(x, (int)ndigits, digits, &count, &point);
  if (count) {
    text[0] = '.';
    memcpy(text + 1, digits, (size_t)count);
    int exponent = point, n = count + 1;
    text[n++] = 'e';
    text[n++] = exponent < 0 ? '-' : '+';
    if (exponent < 0) exponent = -exponent;
    for (int place = 100; place; place /= 10) text[n++] = (char)('0' + exponent / place % 10);
    if (!cd_double_parse(text, (size_t)n, &rounded) || isinf(rounded)) return cd_raise_overflow(vm, "rounded value too large to represent");
  }
  return cd_float_new(vm, copysign(rounded, x));
}

METHOD(float, __round__, "__round__(self, ndigits=None, /)",
       "Return the whole number nearest to self, half to even.\n\nWith ndigits, a float rounded to that many digits after the point.")
{
  double x = cd_float_value(self);
  int64_t ndigits;
  if (!cd_bits(args[0]) || cd_is_none(args[0])) return cd_int_from_double(vm, rint(x));
  return cd_to_i64(vm, args[0], &ndigits, NULL) ? float_round_digits(vm, x, ndigits) : NO_REF;
}

METHOD(float, as_integer_ratio, "as_integer_ratio(self, /)",
       "Return a pair of ints whose ratio is exactly the float, in lowest terms and with a positive\ndenominator. Infinities raise "
       "OverflowError, NaNs "
       "ValueError.\n\n>>> (10.0).as_integer_ratio()\n(10, 1)\n>>> (-.25).as_integer_ratio()\n(-1, 4)")
{
  double x = cd_float_value(self);
  int exponent;
  if (isinf(x)) return cd_raise_overflow(vm, "cannot convert Infinity to integer ratio");
  if (isnan(x)) return cd_raise_value(vm, "cannot convert NaN to integer ratio");
  int64_t mantissa = (int64_t)ldexp(frexp(x, &exponent), 53);
  exponent -= 53;
  if (mantissa == 0) return cd_tuple2_steal(vm, cd_from_small(0), cd_from_small(1));
  int zeros = __builtin_ctzll((uint64_t)mantissa);
  mantissa >>= zeros;
  exponent += zeros;
  if (exponent >= 0) return cd_tuple2_steal(vm, cd_int_lshift(vm, cd_from_small(mantissa), cd_from_small(exponent)), cd_from_small(1));
  return cd_tuple2_steal(vm, cd_from_small(mantissa), cd_int_lshift(vm, cd_from_small(1), cd_from_small(-exponent)));
}

METHOD(float, hex, "hex(self, /)",
       "Return the float in hexadecimal.\n\n>>> (-0.1).hex()\n'-0x1.999999999999ap-4'\n>>> 3.14159.hex()\n'0x1.921f9f01b866ep+1'")
{
  double x = cd_float_value(self);
  if (!isfinite(x)) return float_repr_slot(vm, self);
  const char *sign = signbit(x) ? "-" : "";
  if (x == 0) return cd_str_format(vm, "%s0x0.0p+0", sign);
  uint64_t bits;
  memcpy(&bits, &x, sizeof bits);
  int field = (int)(bits >> 52 & 0x7FF), exponent = field ? field - 1023 : -1022;
  char digits[14];
  for (int i = 0; i < 13; i++) digits[i] = "0123456789abcdef"[bits >> (48 - 4 * i) & 15];
  digits[13] = 0;
  return cd_str_format(vm, "%s0x%d.%sp%c%d", sign, field != 0, digits, exponent < 0 ? '-' : '+', exponent < 0 ? -exponent : exponent);
}

// ---- fromhex ----

static int float_hex_digit(char c)
{
  if (float_is_digit(c)) return c - '0';
  c |= 0x20;
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

// The significand's upper 64 bits, whether more follow, and the exponent of two of its lowest bit.
typedef struct FloatHex { uint64_t top; bool sticky, any; int64_t exponent; } FloatHex;

static const char *float_hex_digits(const char *p, const char *end, FloatHex *out)
{
  bool after_point = false;
  for (; p < end; p++) {
    if (*p == '.' && !after_point) { after_point = true; continue; }
    int digit = float_hex_digit(*p);
    if (digit < 0) break;
    out->any = true;
    if (out->top >> 60) {
      out->sticky |= digit != 0;
      out->exponent += after_point ? 0 : 4;
    } else {
      out->top = out->top << 4 | (uint64_t)digit;
      out->exponent -= after_point ? 4 : 0;
    }
  }
  return p;
}

static const char *float_hex_exponent(const char *p, const char *end, int64_t *out)
{
  if (p == end || (*p | 0x20) != 'p') return p;
  p++;
  bool negative = p < end && *p == '-';
  if (p < end && (*p == '-' || *p == '+')) p++;
  if (p == end || !float_is_digit(*p)) return NULL;
  int64_t exponent = 0;
  for (; p < end && float_is_digit(*p); p++)
    if (exponent < INT64_C(1) << 55) exponent = exponent * 10 + (*p - '0');
  *out += negative ? -exponent : exponent;
  return p;
}

static bool float_read_hex(const char *p, const char *end, double *out)
{
  FloatHex hex = {0};
  while (p < end && float_is_space(*p)) p++;
  while (p < end && float_is_space(end[-1])) end--;
  if (p == end) return false;
  bool negative = *p == '-';
  double special;
  if (cd_double_parse(p, (size_t)(end - p), &special) == 0 && cd_float_scan(p, (size_t)(end - p), &special) == (size_t)(end - p)) {
    *out = special;
    return true;
  }
  if (*p == '-' || *p == '+') p++;
  if (end - p >= 2 && p[0] == '0' && (p[1] | 0x20) == 'x') p += 2;
  p = float_hex_digits(p, end, &hex);
  if (!hex.any || !(p = float_hex_exponent(p, end, &hex.exponent)) || p != end) return false;
  *out = 0;
  if (hex.top) {
    int zeros = __builtin_clzll(hex.top);
    *out = cd_double_round(hex.top << zeros, hex.sticky, hex.exponent - zeros);
  }
  if (negative) *out = -*out;
  return true;
}

CLASS_METHOD(
  float, fromhex, "fromhex(type, string, /)",
  "Make a float from hexadecimal text.\n\n>>> float.fromhex('0x1.ffffp10')\n2047.984375\n>>> float.fromhex('-0x1p-1074')\n-5e-324")
{
  size_t size;
  double x;
  if (!cd_is_str(args[0])) return cd_raise_type(vm, "bad argument type for built-in operation");
  const char *text = cd_str_utf8(vm, args[0], &size);
  if (!text) return NO_REF;
  if (!float_read_hex(text, text + size, &x)) return cd_raise_value(vm, "invalid hexadecimal floating-point string");
  double word;
  if (isinf(x) && memchr(text, 'n', size) == NULL && memchr(text, 'N', size) == NULL && cd_float_scan(text, size, &word) != size)
    return cd_raise_overflow(vm, "hexadecimal value too large to represent as a float");
  Ref number = cd_float_new(vm, x);
  if (!number || cd_is(self, cd_type_value(vm->types.float_))) return number;
  Ref converted = cd_call1(vm, self, number);
  cd_drop(vm, number);
  return converted;
}

// ---- the rest ----

METHOD(float, __getnewargs__, "__getnewargs__(self, /)", NULL)
{
  Ref number = float_exact(vm, self), args_tuple = number ? cd_tuple1(vm, number) : NO_REF;
  cd_drop(vm, number);
  return args_tuple;
}

CLASS_METHOD(float, __getformat__, "__getformat__(type, typestr, /)",
             "How floats are laid out in memory; for tests.\n\n  typestr\n    'double' or 'float'.\n\nThe result is 'unknown', 'IEEE, "
             "big-endian' or 'IEEE, "
             "little-endian'.")
{
  if (!cd_is_str(args[0])) return cd_raise_type(vm, "__getformat__() argument must be str, not %T", args[0]);
  if (!cd_str_is(args[0], "double") && !cd_str_is(args[0], "float"))
    return cd_raise_value(vm, "__getformat__() argument 1 must be 'double' or 'float'");
  return cd_str_from(vm, __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? "IEEE, little-endian" : "IEEE, big-endian");
}

METHOD(float, __format__, "__format__(self, format_spec, /)", "Format the float by the format specification.")
{
  if (!cd_is_str(args[0])) return cd_raise_type(vm, "__format__() argument must be str, not %T", args[0]);
  return cd_format_float(vm, self, args[0]);
}

static Ref float_get_imag(VM *vm, Value self UNUSED) { return cd_float_new(vm, 0); }

static const GetSetDef float_getset[] = {
  {"real", "its real part, a float", float_exact, NULL},
  {"imag", "its imaginary part, a float", float_get_imag, NULL},
  {0},
};

static const MethodDef *const float_methods[] = {
  &float_conjugate_def,
  &float___trunc___def,
  &float___floor___def,
  &float___ceil___def,
  &float___round___def,
  &float_as_integer_ratio_def,
  &float_fromhex_def,
  &float_hex_def,
  &float_is_integer_def,
  &float___getnewargs___def,
  &float___getformat___def,
  &float___format___def,
  NULL,
};

const TypeSpec cd_float_spec = {
  .name = "float",
  .doc = "float(x=0, /)\n--\n\nA floating point number from a number or from its text.",
  .basicsize = sizeof(Float),
  .flags = TYPE_BASE | TYPE_FLOAT | TYPE_IMMUTABLE | TYPE_VALUE_MATCH,
  .methods = float_methods,
  .getset = float_getset,
  .slots =
    {
      .repr = float_repr_slot,
      .hash = float_hash_slot,
      .compare = float_compare_slot,
      .new_ = float_new_slot,
      .add = float_add_slot,
      .subtract = float_subtract_slot,
      .multiply = float_multiply_slot,
      .true_divide = float_true_divide_slot,
      .floor_divide = float_floor_divide_slot,
      .remainder = float_remainder_slot,
      .divmod = float_divmod_slot,
      .power = float_power_slot,
      .negative = float_negative_slot,
      .positive = float_exact,
      .absolute = float_absolute_slot,
      .int_ = float_int_slot,
      .float_ = float_exact,
      .truth = float_truth_slot,
    },
};
