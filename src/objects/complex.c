// SPDX-License-Identifier: MIT
// complex.c: complex numbers
#include "objects/exception.h"
#include "objects/float.h"
#include "objects/instance.h"
#include "objects/int_private.h"
#include "objects/protocol.h"
#include "objects/str.h"
#include "objects/tuple.h"
#include "objects/type.h"

#include <math.h>

typedef struct ComplexParts { double real, imag; } ComplexParts;

static inline ComplexParts complex_parts(Value v)
{
  const Complex *c = (const Complex *)cd_object(v);
  return (ComplexParts){c->real, c->imag};
}

Ref cd_complex_new(VM *vm, double real, double imag)
{
  Complex *c = cd_object_new(vm, vm->types.complex, sizeof *c);
  if (!c) return NO_REF;
  c->real = real;
  c->imag = imag;
  return cd_from_object(c);
}

static Ref complex_of(VM *vm, ComplexParts z) { return cd_complex_new(vm, z.real, z.imag); }

static Ref complex_of_type(VM *vm, Type *type, ComplexParts z)
{
  if (type == vm->types.complex) return complex_of(vm, z);
  Complex *c = cd_instance_new(vm, type);
  if (!c) return NO_REF;
  c->real = z.real;
  c->imag = z.imag;
  return cd_from_object(c);
}

// ---- arithmetic ----

static ComplexParts complex_product(ComplexParts a, ComplexParts b)
{
  return (ComplexParts){a.real * b.real - a.imag * b.imag, a.real * b.imag + a.imag * b.real};
}

// Smith's method: scaled by the larger part of the divisor, so that nothing overflows early. b is not zero.
static ComplexParts complex_quotient(ComplexParts a, ComplexParts b)
{
  if (fabs(b.real) >= fabs(b.imag)) {
    double ratio = b.imag / b.real, denominator = b.real + b.imag * ratio;
    return (ComplexParts){(a.real + a.imag * ratio) / denominator, (a.imag - a.real * ratio) / denominator};
  }
  if (fabs(b.imag) >= fabs(b.real)) {
    double ratio = b.real / b.imag, denominator = b.real * ratio + b.imag;
    return (ComplexParts){(a.real * ratio + a.imag) / denominator, (a.imag * ratio - a.real) / denominator};
  }
  return (ComplexParts){NAN, NAN};               // a NaN in b
}

static inline bool complex_is_zero(ComplexParts z) { return z.real == 0 && z.imag == 0; }

static ComplexParts complex_power_int(ComplexParts base, int64_t exponent)
{
  ComplexParts result = {1, 0}, square = base;
  for (uint64_t n = cd_int_magnitude(exponent), mask = 1; mask && n >= mask; mask <<= 1) {
    if (n & mask) result = complex_product(result, square);
    square = complex_product(square, square);
  }
  return exponent >= 0 ? result : complex_quotient((ComplexParts){1, 0}, result);
}

// *no_angle: the result's angle is infinite.
static ComplexParts complex_power_polar(ComplexParts a, ComplexParts b, bool *no_angle)
{
  double size = hypot(a.real, a.imag), length = pow(size, b.real), angle = atan2(a.imag, a.real), phase = angle * b.real;
  if (b.imag != 0) {
    length /= exp(angle * b.imag);
    phase += b.imag * log(size);
  }
  *no_angle = isinf(phase);
  return (ComplexParts){length * cos(phase), length * sin(phase)};
}

typedef enum { COMPLEX_ERROR = -1, COMPLEX_NO = 0, COMPLEX_YES = 1 } ComplexPair;

static ComplexPair complex_operand(VM *vm, Value v, ComplexParts *out)
{
  if (cd_is_complex(v)) { *out = complex_parts(v); return COMPLEX_YES; }
  out->imag = 0;
  if (cd_is_float(v)) { out->real = cd_float_value(v); return COMPLEX_YES; }
  if (!cd_is_int(v)) return COMPLEX_NO;
  return cd_int_to_double(vm, v, &out->real) ? COMPLEX_YES : COMPLEX_ERROR;
}

static ComplexPair complex_operands(VM *vm, Value a, Value b, ComplexParts *x, ComplexParts *y)
{
  ComplexPair left = complex_operand(vm, a, x);
  return left == COMPLEX_YES ? complex_operand(vm, b, y) : left;
}

#define COMPLEX_OPERANDS(a, b, x, y)                                              \
  ComplexParts x, y;                                                              \
  switch (complex_operands(vm, a, b, &x, &y)) {                                   \
  case COMPLEX_ERROR: return NO_REF;                                              \
  case COMPLEX_NO: return cd_not_implemented();                                   \
  case COMPLEX_YES: break;                                                        \
  }

static Ref complex_add_slot(VM *vm, Value a, Value b)
{
  COMPLEX_OPERANDS(a, b, x, y) return cd_complex_new(vm, x.real + y.real, x.imag + y.imag);
}
static Ref complex_subtract_slot(VM *vm, Value a, Value b)
{
  COMPLEX_OPERANDS(a, b, x, y) return cd_complex_new(vm, x.real - y.real, x.imag - y.imag);
}
static Ref complex_multiply_slot(VM *vm, Value a, Value b) { COMPLEX_OPERANDS(a, b, x, y) return complex_of(vm, complex_product(x, y)); }

static Ref complex_true_divide_slot(VM *vm, Value a, Value b)
{
  COMPLEX_OPERANDS(a, b, x, y)
  if (complex_is_zero(y)) return cd_raise(vm, vm->exc.ZeroDivisionError, "complex division by zero");
  return complex_of(vm, complex_quotient(x, y));
}

static Ref complex_power_slot(VM *vm, Value a, Value b, Value modulus)
{
  COMPLEX_OPERANDS(a, b, x, y)
  if (!cd_is_none(modulus)) return cd_raise_value(vm, "complex modulo");
  bool whole = y.imag == 0 && y.real == floor(y.real) && fabs(y.real) <= 100;
  bool domain_error = false;
  ComplexParts z;
  if (complex_is_zero(y)) {
    z = (ComplexParts){1, 0};
  } else if (complex_is_zero(x)) {
    domain_error = y.imag != 0 || y.real < 0;
    z = (ComplexParts){0, 0};
  } else {
    z = whole ? complex_power_int(x, (int64_t)y.real) : complex_power_polar(x, y, &domain_error);
  }
  if (domain_error) return cd_raise(vm, vm->exc.ZeroDivisionError, "0.0 to a negative or complex power");
  if (isinf(z.real) || isinf(z.imag)) return cd_raise_overflow(vm, "complex exponentiation");
  return complex_of(vm, z);
}

static Ref complex_negative_slot(VM *vm, Value self)
{
  ComplexParts z = complex_parts(self);
  return cd_complex_new(vm, -z.real, -z.imag);
}

static Ref complex_exact(VM *vm, Value self)
{
  return cd_is_exact(self, vm->types.complex) ? cd_dup(self) : complex_of(vm, complex_parts(self));
}

static Ref complex_absolute_slot(VM *vm, Value self)
{
  ComplexParts z = complex_parts(self);
  double size = hypot(z.real, z.imag);
  if (isinf(size) && isfinite(z.real) && isfinite(z.imag)) return cd_raise_overflow(vm, "absolute value too large");
  return cd_float_new(vm, size);
}

static bool complex_truth_slot(VM *vm UNUSED, Value self, bool *out)
{
  *out = !complex_is_zero(complex_parts(self));
  return true;
}

static bool complex_hash_slot(VM *vm UNUSED, Value self, int64_t *out)
{
  ComplexParts z = complex_parts(self);
  int64_t identity = cd_hash_pointer(cd_object(self));
  uint64_t real = (uint64_t)(isnan(z.real) ? identity : cd_hash_double(z.real)),
           imag = (uint64_t)(isnan(z.imag) ? identity : cd_hash_double(z.imag));
  int64_t hash = (int64_t)(real + HASH_IMAG * imag);
  *out = hash == -1 ? -2 : hash;
  return true;
}

static Ref complex_compare_slot(VM *vm UNUSED, Value self, Value other, CompareOp op)
{
  if (op != COMPARE_EQ && op != COMPARE_NE) return cd_not_implemented();
  ComplexParts a = complex_parts(self);
  bool equal;
  if (cd_is_complex(other)) {
    ComplexParts b = complex_parts(other);
    equal = a.real == b.real && a.imag == b.imag;
  } else if (cd_is_float(other)) {
    equal = a.imag == 0 && a.real == cd_float_value(other);
  } else if (cd_is_int(other)) {
    equal = a.imag == 0 && !isnan(a.real) && cd_float_compare_int(a.real, other) == 0;
  } else {
    return cd_not_implemented();
  }
  return cd_bool(equal == (op == COMPARE_EQ));
}

static Ref complex_repr_slot(VM *vm, Value self)
{
  ComplexParts z = complex_parts(self);
  Ref imag = cd_float_to_text(vm, z.imag, 'r', 0, 0), real = NO_REF, text = NO_REF;
  if (imag && z.real == 0 && !signbit(z.real)) {
    text = cd_str_format(vm, "%Uj", imag);
  } else if (imag && (real = cd_float_to_text(vm, z.real, 'r', 0, 0))) {
    const char *sign = cd_str_data(imag)[0] == '-' ? "" : "+";
    text = cd_str_format(vm, "(%U%s%Uj)", real, sign, imag);
  }
  cd_drop(vm, real);
  cd_drop(vm, imag);
  return text;
}

// ---- reading text ----

static inline bool complex_is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r') || (c >= 0x1C && c <= 0x1F); }

// The number between the spaces and parentheses: X, Yj, X+Yj, where a Y may be just a sign or nothing.
static const char *complex_read_parts(const char *p, const char *end, ComplexParts *out)
{
  double first = 0, second = 0;
  size_t taken = cd_float_scan(p, (size_t)(end - p), &first);
  p += taken;
  if (!taken) {
    first = 1;
    if (p < end && (*p == '+' || *p == '-')) first = *p++ == '-' ? -1 : 1;
    if (p == end || (*p | 0x20) != 'j') return NULL;
    out->imag = first;
    return p + 1;
  }
  if (p < end && (*p | 0x20) == 'j') {
    out->imag = first;
    return p + 1;
  }
  out->real = first;
  if (p == end || (*p != '+' && *p != '-')) return p;
  taken = cd_float_scan(p, (size_t)(end - p), &second);
  if (!taken) { second = *p == '-' ? -1 : 1; taken = 1; }
  p += taken;
  if (p == end || (*p | 0x20) != 'j') return NULL;
  out->imag = second;
  return p + 1;
}

static bool complex_read(const char *p, const char *end, ComplexParts *out)
{
  *out = (ComplexParts){0, 0};
  while (p < end && complex_is_space(*p)) p++;
  bool parenthesis = p < end && *p == '(';
  if (parenthesis) p++;
  while (p < end && complex_is_space(*p)) p++;
  if (!(p = complex_read_parts(p, end, out))) return false;
  while (p < end && complex_is_space(*p)) p++;
  if (parenthesis && (p == end || *p++ != ')')) return false;
  while (p < end && complex_is_space(*p)) p++;
  return p == end;
}

static bool complex_from_text(VM *vm, Value text, ComplexParts *out)
{
  char *ascii;
  size_t size, room = cd_str_size(text) + 1;
  if (!cd_number_ascii(vm, cd_str_data(text), cd_str_size(text), &ascii, &size)) return false;
  bool ok = (!memchr(ascii, '_', size) || cd_number_strip_underscores(ascii, &size)) && complex_read(ascii, ascii + size, out);
  cd_free(vm, ascii, room);
  return ok || cd_raise_value(vm, "complex() arg is a malformed string");
}

// ---- making from objects ----

// Calls __complex__ if the type has it. FIND_MISSING: it has none.
static Find complex_from_special(VM *vm, Value v, ComplexParts *out)
{
  Ref method, result;
  if (cd_is_exact(v, vm->types.complex)) { *out = complex_parts(v); return FIND_HIT; }
  if (!cd_is_object(v)) return FIND_MISSING;
  Find found = cd_lookup_special(vm, v, N(dunder_complex), &method);
  if (found != FIND_HIT) return found;
  result = cd_call0(vm, method);
  cd_drop(vm, method);
  if (!result) return FIND_ERROR;
  bool ok = true;
  if (!cd_is_complex(result))
    ok = cd_raise_type(vm, "__complex__ returned non-complex (type %.200s)", cd_type_name(cd_type_of(vm, result)));
  else if (!cd_is_exact(result, vm->types.complex))
    ok = cd_warn(vm, vm->exc.DeprecationWarning, 1,
                 "__complex__ returned non-complex (type %.200s).  The ability to return an instance of a strict subclass of complex is "
                 "deprecated, and "
                 "may be removed in a future version of Python.",
                 cd_type_name(cd_type_of(vm, result)));
  if (ok) *out = complex_parts(result);
  cd_drop(vm, result);
  return ok ? FIND_HIT : FIND_ERROR;
}

static bool complex_is_number(VM *vm, Value v)
{
  const TypeSlots *slots = &cd_type_of(vm, v)->slots;
  return slots->float_ || slots->index || cd_is_complex(v);
}

bool cd_complex_of(VM *vm, Value v, double *real, double *imag)
{
  ComplexParts z;
  Find found = complex_from_special(vm, v, &z);
  if (found == FIND_ERROR) return false;
  if (found == FIND_MISSING) {
    z.imag = 0;
    if (cd_is_complex(v)) z = complex_parts(v);
    else if (!cd_to_double(vm, v, &z.real)) return false;
  }
  *real = z.real;
  *imag = z.imag;
  return true;
}

static bool complex_from_pair(VM *vm, Value real, Value imag, ComplexParts *out)
{
  ComplexParts first = {0, 0}, second = {0, 0};
  Find found = complex_from_special(vm, real, &first);
  if (found == FIND_ERROR) return false;
  if (found == FIND_MISSING && !complex_is_number(vm, real))
    return cd_raise_type(vm, "complex() first argument must be a string or a number, not '%.200s'", cd_type_name(cd_type_of(vm, real)));
  if (cd_bits(imag) && !complex_is_number(vm, imag))
    return cd_raise_type(vm, "complex() second argument must be a number, not '%.200s'", cd_type_name(cd_type_of(vm, imag)));
  if (found == FIND_MISSING) {
    if (cd_is_complex(real)) first = complex_parts(real);
    else if (!cd_float_of(vm, real, &first.real)) return false;
  }
  *out = first;
  if (!cd_bits(imag)) return true;
  if (cd_is_complex(imag)) second = complex_parts(imag);
  else if (!cd_float_of(vm, imag, &second.real)) return false;
  // real + imag*1j. Parts that were not given must not take part: -0.0 + 0.0 is 0.0.
  if (cd_is_complex(imag)) out->real -= second.imag;
  out->imag = second.real;
  if (found == FIND_HIT || cd_is_complex(real)) out->imag += first.imag;
  return true;
}

static bool complex_from_arguments(VM *vm, Value real, Value imag, ComplexParts *out)
{
  if (cd_bits(real) && cd_is_str(real)) {
    if (cd_bits(imag)) return cd_raise_type(vm, "complex() can't take second arg if first is a string");
    return complex_from_text(vm, real, out);
  }
  if (cd_bits(imag) && cd_is_str(imag)) return cd_raise_type(vm, "complex() second arg can't be a string");
  return complex_from_pair(vm, cd_bits(real) ? real : cd_from_small(0), imag, out);
}

static Ref complex_new_slot(VM *vm, Type *type, const Value *args, size_t nargs, Value kwnames)
{
  Value bound[2];
  Ref owned[2] = {NO_REF, NO_REF};
  ComplexParts z;
  if (!cd_bind_text(vm, "complex(real=0, imag=0)", args, nargs, kwnames, bound, owned)) return NO_REF;
  if (cd_bits(bound[0]) && !cd_bits(bound[1]) && type == vm->types.complex && cd_is_exact(bound[0], type)) return cd_dup(bound[0]);
  return complex_from_arguments(vm, bound[0], bound[1], &z) ? complex_of_type(vm, type, z) : NO_REF;
}

// ---- methods ----

METHOD(complex, conjugate, "conjugate(self, /)", "Return the complex conjugate.\n\n>>> (3-4j).conjugate()\n(3+4j)")
{
  ComplexParts z = complex_parts(self);
  return cd_complex_new(vm, z.real, -z.imag);
}

METHOD(complex, __complex__, "__complex__(self, /)", "complex of the exact type with the same value.") { return complex_exact(vm, self); }

METHOD(complex, __getnewargs__, "__getnewargs__(self, /)", NULL)
{
  ComplexParts z = complex_parts(self);
  Ref real = cd_float_new(vm, z.real);
  return cd_tuple2_steal(vm, real, real ? cd_float_new(vm, z.imag) : NO_REF);
}

METHOD(complex, __format__, "__format__(self, format_spec, /)", "Format the number by the format specification.")
{
  if (!cd_is_str(args[0])) return cd_raise_type(vm, "__format__() argument must be str, not %T", args[0]);
  return cd_format_complex(vm, self, args[0]);
}

static const MemberDef complex_members[] = {
  {"real", offsetof(Complex, real), MEMBER_DOUBLE, false, "the real part of a complex number"},
  {"imag", offsetof(Complex, imag), MEMBER_DOUBLE, false, "the imaginary part of a complex number"},
  {0},
};

static const MethodDef *const complex_methods[] = {
  &complex_conjugate_def, &complex___complex___def, &complex___getnewargs___def, &complex___format___def, NULL,
};

const TypeSpec cd_complex_spec = {
  .name = "complex",
  .doc = "complex(real=0, imag=0)\n--\n\nA complex number with the given real and imaginary parts.\n\nThe value is real + imag*1j.",
  .basicsize = sizeof(Complex),
  .flags = TYPE_BASE | TYPE_COMPLEX | TYPE_IMMUTABLE,
  .methods = complex_methods,
  .members = complex_members,
  .slots =
    {
      .repr = complex_repr_slot,
      .hash = complex_hash_slot,
      .compare = complex_compare_slot,
      .new_ = complex_new_slot,
      .add = complex_add_slot,
      .subtract = complex_subtract_slot,
      .multiply = complex_multiply_slot,
      .true_divide = complex_true_divide_slot,
      .power = complex_power_slot,
      .negative = complex_negative_slot,
      .positive = complex_exact,
      .absolute = complex_absolute_slot,
      .truth = complex_truth_slot,
    },
};
