// SPDX-License-Identifier: MIT
// cmath.c: the cmath module, over C's <complex.h>
#include "modules/module_list.h"
#include "objects/float.h"
#include "objects/int.h"
#include "objects/protocol.h"
#include "objects/tuple.h"

#include <complex.h>
#undef complex                                   // the macro; the type keeps its own name, _Complex
#include <math.h>

#ifndef CMPLX                                    // clang with the C library's own header
#define CMPLX(real, imag) __builtin_complex((double)(real), (double)(imag))
#endif

typedef double _Complex CmathValue;

static bool cmath_argument(VM *vm, Value v, CmathValue *out)
{
  double real, imag;
  if (!cd_complex_of(vm, v, &real, &imag)) return false;
  *out = CMPLX(real, imag);
  return true;
}

static COLD Ref cmath_domain_error(VM *vm) { return cd_raise_value(vm, "math domain error"); }
static COLD Ref cmath_range_error(VM *vm) { return cd_raise_overflow(vm, "math range error"); }
static inline bool cmath_is_finite(CmathValue z) { return isfinite(creal(z)) && isfinite(cimag(z)); }

// C's functions know the special values (C11, annex G); which of those Python takes for errors, `is_domain_error` says.
static Ref cmath_apply(VM *vm, Value v, CmathValue (*f)(CmathValue), bool (*is_domain_error)(CmathValue))
{
  CmathValue z;
  if (!cmath_argument(vm, v, &z)) return NO_REF;
  if (is_domain_error && is_domain_error(z)) return cmath_domain_error(vm);
  CmathValue r = f(z);
  if (cmath_is_finite(z) && (isinf(creal(r)) || isinf(cimag(r)))) return cmath_range_error(vm);
  return cd_complex_new(vm, creal(r), cimag(r));
}

static bool cmath_exp_domain(CmathValue z) { return isinf(cimag(z)) && (isfinite(creal(z)) || creal(z) == HUGE_VAL); }
static bool cmath_cosh_domain(CmathValue z) { return isinf(cimag(z)) && !isnan(creal(z)); }
static bool cmath_cos_domain(CmathValue z) { return isinf(creal(z)) && !isnan(cimag(z)); }
static bool cmath_tanh_domain(CmathValue z) { return isinf(cimag(z)) && isfinite(creal(z)); }
static bool cmath_tan_domain(CmathValue z) { return isinf(creal(z)) && isfinite(cimag(z)); }
static bool cmath_atanh_domain(CmathValue z) { return fabs(creal(z)) == 1 && cimag(z) == 0; }
static bool cmath_atan_domain(CmathValue z) { return fabs(cimag(z)) == 1 && creal(z) == 0; }
static bool cmath_log_domain(CmathValue z) { return creal(z) == 0 && cimag(z) == 0; }

// The reference follows C99, where newer libraries name parts that it left open.
static CmathValue cmath_tanh_value(CmathValue z) { return creal(z) == 0 && !isfinite(cimag(z)) ? CMPLX(NAN, NAN) : ctanh(z); }
static CmathValue cmath_tan_value(CmathValue z) { return cimag(z) == 0 && !isfinite(creal(z)) ? CMPLX(NAN, NAN) : ctan(z); }
static CmathValue cmath_acosh_value(CmathValue z) { return creal(z) == 0 && isnan(cimag(z)) ? CMPLX(NAN, NAN) : cacosh(z); }

static CmathValue cmath_log10_value(CmathValue z)
{
  CmathValue r = clog(z);
  return CMPLX(creal(r) / M_LN10, cimag(r) / M_LN10);
}

#define CMATH_FUNCTION(name, f, domain, doc) \
  FUNCTION(cmath, name, #name "(z, /)", doc) { return cmath_apply(vm, args[0], f, domain); }
CMATH_FUNCTION(acos, cacos, NULL, "The number whose cosine is z.")
CMATH_FUNCTION(acosh, cmath_acosh_value, NULL, "The number whose hyperbolic cosine is z.")
CMATH_FUNCTION(asin, casin, NULL, "The number whose sine is z.")
CMATH_FUNCTION(asinh, casinh, NULL, "The number whose hyperbolic sine is z.")
CMATH_FUNCTION(atan, catan, cmath_atan_domain, "The number whose tangent is z.")
CMATH_FUNCTION(atanh, catanh, cmath_atanh_domain, "The number whose hyperbolic tangent is z.")
CMATH_FUNCTION(cos, ccos, cmath_cos_domain, "Return the cosine of z.")
CMATH_FUNCTION(cosh, ccosh, cmath_cosh_domain, "(exp(z) + exp(-z)) / 2.")
CMATH_FUNCTION(exp, cexp, cmath_exp_domain, "Return the exponential value e**z.")
CMATH_FUNCTION(log10, cmath_log10_value, cmath_log_domain, "The logarithm of z to base 10.")
CMATH_FUNCTION(sin, csin, cmath_cos_domain, "Return the sine of z.")
CMATH_FUNCTION(sinh, csinh, cmath_cosh_domain, "(exp(z) - exp(-z)) / 2.")
CMATH_FUNCTION(sqrt, csqrt, NULL, "The number whose square is z.")
CMATH_FUNCTION(tan, cmath_tan_value, cmath_tan_domain, "Return the tangent of z.")
CMATH_FUNCTION(tanh, cmath_tanh_value, cmath_tanh_domain, "sinh(z) / cosh(z).")
#undef CMATH_FUNCTION

FUNCTION(
  cmath, log, "log(z, base=<unrepresentable>, /)",
  "log(z[, base]) -> its logarithm, natural if no base is given.\n\nIf the base is not specified, returns the natural logarithm (base e) "
  "of z.")
{
  Ref number = cmath_apply(vm, args[0], clog, cmath_log_domain);
  if (!number || !cd_bits(args[1])) return number;
  Ref base = cmath_apply(vm, args[1], clog, cmath_log_domain), result = NO_REF;
  bool nonzero = false;
  if (base && cd_truth(vm, base, &nonzero)) result = nonzero ? cd_binary(vm, number, base, BINARY_TRUE_DIVIDE) : cmath_domain_error(vm);
  cd_drop(vm, number);
  cd_drop(vm, base);
  return result;
}

// ---- polar coordinates ----

FUNCTION(cmath, phase, "phase(z, /)", "The angle of z in the plane, in radians.")
{
  CmathValue z;
  return cmath_argument(vm, args[0], &z) ? cd_float_new(vm, atan2(cimag(z), creal(z))) : NO_REF;
}

FUNCTION(cmath, polar, "polar(z, /)",
         "(r, phi): z by its distance and its angle.\n\nr is abs(z), phi is phase(z).")
{
  CmathValue z;
  if (!cmath_argument(vm, args[0], &z)) return NO_REF;
  double r = hypot(creal(z), cimag(z));
  if (isinf(r) && cmath_is_finite(z)) return cmath_range_error(vm);
  Ref first = cd_float_new(vm, r);
  return cd_tuple2_steal(vm, first, first ? cd_float_new(vm, atan2(cimag(z), creal(z))) : NO_REF);
}

// r and phi are not both finite.
static CmathValue cmath_rect_special(double r, double phi)
{
  if (isinf(r) && isfinite(phi) && phi != 0) return CMPLX(copysign(HUGE_VAL, r * cos(phi)), copysign(HUGE_VAL, r * sin(phi)));
  if (isnan(r)) return CMPLX(NAN, phi == 0 ? 0.0 : NAN);
  if (isinf(r)) return phi == 0 ? CMPLX(r, copysign(0, signbit(r) != signbit(phi) ? -1 : 1)) : CMPLX(HUGE_VAL, NAN);
  return r == 0 ? CMPLX(0, 0) : CMPLX(NAN, NAN);
}

FUNCTION(cmath, rect, "rect(r, phi, /)", "The complex number at that distance and angle.")
{
  double r, phi;
  if (!cd_to_double(vm, args[0], &r) || !cd_to_double(vm, args[1], &phi)) return NO_REF;
  if (isfinite(r) && isfinite(phi)) {
    if (phi == 0) return cd_complex_new(vm, r, r * phi);
    return cd_complex_new(vm, r * cos(phi), r * sin(phi));
  }
  if (r != 0 && !isnan(r) && isinf(phi)) return cmath_domain_error(vm);
  CmathValue z = cmath_rect_special(r, phi);
  return cd_complex_new(vm, creal(z), cimag(z));
}

// ---- tests ----

FUNCTION(cmath, isfinite, "isfinite(z, /)", "True if neither part of z is infinite or a NaN.")
{
  CmathValue z;
  return cmath_argument(vm, args[0], &z) ? cd_bool(cmath_is_finite(z)) : NO_REF;
}
FUNCTION(cmath, isinf, "isinf(z, /)", "True if a part of z is infinite.")
{
  CmathValue z;
  return cmath_argument(vm, args[0], &z) ? cd_bool(isinf(creal(z)) || isinf(cimag(z))) : NO_REF;
}
FUNCTION(cmath, isnan, "isnan(z, /)", "True if a part of z is a NaN.")
{
  CmathValue z;
  return cmath_argument(vm, args[0], &z) ? cd_bool(isnan(creal(z)) || isnan(cimag(z))) : NO_REF;
}

FUNCTION(
  cmath, isclose, "isclose(a, b, *, rel_tol=1e-09, abs_tol=0.0)",
  "Are two complex numbers almost equal?\n\n  rel_tol\n    largest difference for being considered close, relative to the larger of\n"
  "    the\n    absolute values\n  abs_tol\n    largest difference for being considered close, whatever the values\n\nNaN is not "
  "close to anything, not even itself; infinities are close to\nthemselves only.")
{
  CmathValue a, b;
  double rel_tol = 1e-9, abs_tol = 0;
  if (!cmath_argument(vm, args[0], &a) || !cmath_argument(vm, args[1], &b)) return NO_REF;
  if (cd_bits(args[2]) && !cd_to_double(vm, args[2], &rel_tol)) return NO_REF;
  if (cd_bits(args[3]) && !cd_to_double(vm, args[3], &abs_tol)) return NO_REF;
  if (rel_tol < 0 || abs_tol < 0) return cd_raise_value(vm, "tolerances must be non-negative");
  if (creal(a) == creal(b) && cimag(a) == cimag(b)) return cd_true();
  if (isinf(creal(a)) || isinf(cimag(a)) || isinf(creal(b)) || isinf(cimag(b))) return cd_false();
  double difference = cabs(a - b);
  return cd_bool(difference <= rel_tol * cabs(b) || difference <= rel_tol * cabs(a) || difference <= abs_tol);
}

// ---- the module ----

static bool cmath_exec(VM *vm, Value module)
{
  return cd_module_add(vm, module, "pi", cd_float_new(vm, M_PI)) && cd_module_add(vm, module, "e", cd_float_new(vm, M_E)) &&
         cd_module_add(vm, module, "tau", cd_float_new(vm, 2 * M_PI)) && cd_module_add(vm, module, "inf", cd_float_new(vm, HUGE_VAL)) &&
         cd_module_add(vm, module, "nan", cd_float_new(vm, NAN)) && cd_module_add(vm, module, "infj", cd_complex_new(vm, 0, HUGE_VAL)) &&
         cd_module_add(vm, module, "nanj", cd_complex_new(vm, 0, NAN));
}

static const MethodDef *const cmath_functions[] = {
  &cmath_acos_def,  &cmath_acosh_def, &cmath_asin_def,  &cmath_asinh_def,   &cmath_atan_def,     &cmath_atanh_def,
  &cmath_cos_def,   &cmath_cosh_def,  &cmath_exp_def,   &cmath_isclose_def, &cmath_isfinite_def, &cmath_isinf_def,
  &cmath_isnan_def, &cmath_log_def,   &cmath_log10_def, &cmath_phase_def,   &cmath_polar_def,    &cmath_rect_def,
  &cmath_sin_def,   &cmath_sinh_def,  &cmath_sqrt_def,  &cmath_tan_def,     &cmath_tanh_def,     NULL,
};

const ModuleDef cd_module_cmath = {
  .name = "cmath",
  .doc = "Mathematical functions for complex numbers.",
  .functions = cmath_functions,
  .exec = cmath_exec,
};
