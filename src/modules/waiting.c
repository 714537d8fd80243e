// SPDX-License-Identifier: MIT
// waiting.c: descriptors and time-outs as arguments of functions that wait
#include "modules/waiting.h"
#include "objects/float.h"
#include "objects/int.h"
#include "objects/protocol.h"

#include <math.h>

bool cd_descriptor(VM *vm, Value v, int *out)
{
  Ref number = NO_REF;
  if (cd_is_int(v)) {
    number = cd_dup(v);
  } else {
    Ref method = NO_REF;
    Find find = cd_getattr_find(vm, v, N(fileno), &method);
    if (find == FIND_ERROR) return false;
    if (find == FIND_MISSING) return cd_raise_type(vm, "argument must be an int, or have a fileno() method.");
    number = cd_call0(vm, method);
    cd_drop(vm, method);
    if (!number) return false;
    if (!cd_is_int(number)) {
      cd_drop(vm, number);
      return cd_raise_type(vm, "fileno() returned a non-integer");
    }
  }
  bool ok = cd_to_c_int(vm, number, out);
  cd_drop(vm, number);
  if (ok && *out < 0) return cd_raise_value(vm, "file descriptor cannot be a negative integer (%d)", *out);
  return ok;
}

bool cd_timeout(VM *vm, Value v, const char *message, int64_t *nanoseconds)
{
  *nanoseconds = -1;
  if (!cd_bits(v) || cd_is_none(v)) return true;
  if (cd_is_float(v)) {
    double x = cd_float_value(v);
    if (isnan(x)) return cd_raise_value(vm, "Invalid value NaN (not a number)");
    x *= 1e9;
    x = x < 0 ? floor(x) : ceil(x);
    if (!(x >= -9223372036854775808.0 && x < 9223372036854775808.0))
      return cd_raise_overflow(vm, "timestamp too large to convert to C _PyTime_t");
    *nanoseconds = (int64_t)x;
  } else {
    Ref index = cd_index(vm, v);
    if (!index) return cd_swallow(vm, vm->exc.TypeError) ? (bool)cd_raise_type(vm, message) : false;
    int64_t seconds;
    bool fits = cd_int_fits_i64(index, &seconds) && !__builtin_mul_overflow(seconds, INT64_C(1000000000), nanoseconds);
    cd_drop(vm, index);
    if (!fits) return cd_raise_overflow(vm, "timestamp too large to convert to C _PyTime_t");
  }
  return true;
}
