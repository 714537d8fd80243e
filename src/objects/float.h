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
MUST_USE Ref cd_complex_new(VM *vm, double real, double imag);

#endif
