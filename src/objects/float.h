// SPDX-License-Identifier: MIT
// float.h: floats; most are unboxed words (core/value.h), Float is the box for the rest and for subclasses
#ifndef CEDE_OBJECTS_FLOAT_H
#define CEDE_OBJECTS_FLOAT_H

#include "core/vm.h"

struct Float { Object head; double value; };
struct Complex { Object head; double real, imag; };

MUST_USE Ref cd_float_box(VM *vm, double x);                     // slow path of cd_float_new
MUST_USE static inline Ref cd_float_new(VM *vm, double x)
{
  Ref v;
  return LIKELY(cd_to_flonum(x, &v)) ? v : cd_float_box(vm, x);
}
static inline double cd_float_value(Value v)                     // any float or float subclass
{
  return cd_is_flonum(v) ? cd_flonum(v) : ((Float *)cd_object(v))->value;
}
MUST_USE Ref cd_float_from_text(VM *vm, Value text);             // float("..."): str, bytes-like; all of Python's forms
MUST_USE Ref cd_float_power(VM *vm, double base,
                            double exponent);   // a complex for a negative base and a fraction; OverflowError, ZeroDivisionError
// A double by a printf-like code: 'e' 'f' 'g' (or upper case), or 'r' for repr's digits (precision is ignored then).
enum { FLOAT_ADD_DOT_0 = 1, FLOAT_ALTERNATE = 2, FLOAT_NO_NEGATIVE_ZERO = 4 };
MUST_USE Ref cd_float_to_text(VM *vm, double x, char code, int precision, int flags);
// A complete number with inf and nan, but neither spaces nor underscores, at the start of the text: bytes taken, 0 for none.
size_t cd_float_scan(const char *text, size_t size, double *out);
// Underscores between digits taken out, in place; false: one is elsewhere.
bool cd_number_strip_underscores(char *text, size_t *size);
MUST_USE bool cd_float_of(VM *vm, Value number,
                          double *out);   // float(number) for numbers: __float__, __index__; TypeError as float() has it
int cd_float_compare_int(double x, Value i);                     // exact: sign of x - i; x is not nan
MUST_USE Ref cd_complex_new(VM *vm, double real, double imag);

MUST_USE bool cd_complex_of(VM *vm, Value v, double *real, double *imag);   // __complex__, else a real number; for cmath

#endif
