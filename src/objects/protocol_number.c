// SPDX-License-Identifier: MIT
// protocol_number.c: operators on any objects, with reflection; conversions to native numbers
#include "objects/dict.h"
#include "objects/float.h"
#include "objects/int.h"
#include "objects/protocol.h"
#include "objects/str.h"
#include "objects/type.h"

#include <limits.h>

// ORDER: binary
static const char *const binary_symbols[BINARY_COUNT] = {"+",        "-",  "*",  "@", "/", "//", "%",
                                                         "divmod()", "<<", ">>", "&", "^", "|",  "** or pow()"};
static const char *const inplace_symbols[BINARY_COUNT] = {
  "+=", "-=", "*=", "@=", "/=", "//=", "%=", "divmod()", "<<=", ">>=", "&=", "^=", "|=", "**="};

_Static_assert(offsetof(TypeSlots, or_) - offsetof(TypeSlots, add) == BINARY_OR * sizeof(BinaryFn),
               "binary slots stand in the order of BinaryOp");

static inline BinaryFn binary_slot(const Type *type, BinaryOp op) { return (&type->slots.add)[op]; }

static BinaryFn inplace_slot(const Type *type, BinaryOp op)
{
  if (op == BINARY_DIVMOD) return NULL;
  return (&type->slots.iadd)[op > BINARY_DIVMOD ? op - 1 : op];
}

// left op right by the operator slots; NotImplemented when neither side knows.
static Ref binary_try(VM *vm, Value left, Value right, BinaryOp op)
{
  Type *left_type = cd_type_of(vm, left), *right_type = cd_type_of(vm, right);
  BinaryFn mine = binary_slot(left_type, op), other = NULL;
  if (right_type != left_type) {
    other = binary_slot(right_type, op);
    if (other == mine) other = NULL;
  }
  if (mine) {
    if (other && cd_type_is_subtype(right_type, left_type)) {
      Ref result = other(vm, left, right);
      if (!result || !cd_is_not_implemented(result)) return result;
      other = NULL;
    }
    Ref result = mine(vm, left, right);
    if (!result || !cd_is_not_implemented(result)) return result;
  }
  return other ? other(vm, left, right) : cd_not_implemented();
}

static COLD Ref binary_fail(VM *vm, Value left, Value right, BinaryOp op, const char *symbol)
{
  if (op == BINARY_RSHIFT && symbol[2] != '=' && cd_is_exact(left, vm->types.native)) {
    Ref name = cd_getattr(vm, left, N(__name__));
    bool print = name && cd_str_is(name, "print");
    cd_drop(vm, name);
    if (!name) cd_clear_raised(vm);
    if (print)
      return cd_raise_type(
        vm, "unsupported operand type(s) for %.100s: '%.100s' and '%.100s'. Did you mean \"print(<message>, file=<output_stream>)\"?",
        symbol, cd_type_name(cd_type_of(vm, left)), cd_type_name(cd_type_of(vm, right)));
  }
  return cd_bad_operands(vm, left, right, symbol);
}

static Ref binary_repeat(VM *vm, Ref (*repeat)(VM *, Value, int64_t), Value sequence, Value count)
{
  int64_t n;
  if (!cd_is_int(count) && !cd_type_of(vm, count)->slots.index)
    return cd_raise_type(vm, "can't multiply sequence by non-int of type '%.200s'", cd_type_name(cd_type_of(vm, count)));
  return cd_to_i64(vm, count, &n, vm->exc.OverflowError) ? repeat(vm, sequence, n) : NO_REF;
}

// Sequences' + and *, after the operator slots said no.
static Ref binary_sequence(VM *vm, Value left, Value right, BinaryOp op, bool in_place)
{
  const TypeSlots *a = &cd_type_of(vm, left)->slots, *b = &cd_type_of(vm, right)->slots;
  if (op == BINARY_ADD) {
    BinaryFn concat = in_place && a->iconcat ? a->iconcat : a->concat;
    return concat ? concat(vm, left, right) : cd_not_implemented();
  }
  if (op == BINARY_MULTIPLY) {
    Ref (*repeat)(VM *, Value, int64_t) = in_place && a->irepeat ? a->irepeat : a->repeat;
    if (repeat) return binary_repeat(vm, repeat, left, right);
    if (b->repeat) return binary_repeat(vm, b->repeat, right, left);
  }
  return cd_not_implemented();
}

// After the operator slots: the sequences', then the error.
static Ref binary_last(VM *vm, Value left, Value right, BinaryOp op, bool in_place)
{
  Ref result = binary_sequence(vm, left, right, op, in_place);
  if (!result || !cd_is_not_implemented(result)) return result;
  return binary_fail(vm, left, right, op, (in_place ? inplace_symbols : binary_symbols)[op]);
}

static Ref binary_finish(VM *vm, Value left, Value right, BinaryOp op, bool in_place)
{
  Ref result = binary_try(vm, left, right, op);
  return result && cd_is_not_implemented(result) ? binary_last(vm, left, right, op, in_place) : result;
}

Ref cd_binary_refused(VM *vm, Value a, Value b, BinaryOp op, bool in_place, bool in_place_method)
{
  if (in_place_method) return binary_finish(vm, a, b, op, true);
  Type *right = cd_type_of(vm, b);
  BinaryFn other = right == cd_type_of(vm, a) ? NULL : binary_slot(right, op);
  Ref result = other ? other(vm, a, b) : cd_not_implemented();
  return result && cd_is_not_implemented(result) ? binary_last(vm, a, b, op, in_place) : result;
}

Ref cd_binary(VM *vm, Value a, Value b, BinaryOp op)
{
  return op == BINARY_POWER ? cd_power(vm, a, b, cd_none()) : binary_finish(vm, a, b, op, false);
}

static Ref power_try(VM *vm, Value base, Value exponent, Value modulus)
{
  Type *base_type = cd_type_of(vm, base), *exponent_type = cd_type_of(vm, exponent);
  TernaryFn mine = base_type->slots.power, other = NULL, third;
  if (exponent_type != base_type && (other = exponent_type->slots.power) == mine) other = NULL;
  if (mine) {
    if (other && cd_type_is_subtype(exponent_type, base_type)) {
      Ref result = other(vm, base, exponent, modulus);
      if (!result || !cd_is_not_implemented(result)) return result;
      other = NULL;
    }
    Ref result = mine(vm, base, exponent, modulus);
    if (!result || !cd_is_not_implemented(result)) return result;
  }
  if (other) {
    Ref result = other(vm, base, exponent, modulus);
    if (!result || !cd_is_not_implemented(result)) return result;
  }
  third = cd_is_none(modulus) ? NULL : cd_type_of(vm, modulus)->slots.power;
  return third && third != mine && third != other ? third(vm, base, exponent, modulus) : cd_not_implemented();
}

Ref cd_power(VM *vm, Value base, Value exponent, Value modulus)
{
  Ref result = power_try(vm, base, exponent, modulus);
  if (!result || !cd_is_not_implemented(result)) return result;
  if (cd_is_none(modulus)) return cd_bad_operands(vm, base, exponent, "** or pow()");
  return cd_raise_type(vm, "unsupported operand type(s) for ** or pow(): '%.100s', '%.100s', '%.100s'", cd_type_name(cd_type_of(vm, base)),
                       cd_type_name(cd_type_of(vm, exponent)), cd_type_name(cd_type_of(vm, modulus)));
}

Ref cd_inplace(VM *vm, Value a, Value b, BinaryOp op)
{
  if (op == BINARY_POWER) {
    TernaryFn in_place = cd_type_of(vm, a)->slots.ipower;
    Ref result = in_place ? in_place(vm, a, b, cd_none()) : cd_not_implemented();
    if (result && cd_is_not_implemented(result)) result = power_try(vm, a, b, cd_none());
    return result && cd_is_not_implemented(result) ? cd_bad_operands(vm, a, b, "**=") : result;
  }
  BinaryFn in_place = inplace_slot(cd_type_of(vm, a), op);
  if (in_place) {
    Ref result = in_place(vm, a, b);
    if (!result || !cd_is_not_implemented(result)) return result;
  }
  return binary_finish(vm, a, b, op, true);
}

static Ref unary_apply(VM *vm, Value v, UnaryFn fn, const char *what)
{
  if (fn) return fn(vm, v);
  return cd_raise_type(vm, "bad operand type for %s: '%.200s'", what, cd_type_name(cd_type_of(vm, v)));
}
Ref cd_negative(VM *vm, Value v) { return unary_apply(vm, v, cd_type_of(vm, v)->slots.negative, "unary -"); }
Ref cd_positive(VM *vm, Value v) { return unary_apply(vm, v, cd_type_of(vm, v)->slots.positive, "unary +"); }
Ref cd_invert(VM *vm, Value v) { return unary_apply(vm, v, cd_type_of(vm, v)->slots.invert, "unary ~"); }
Ref cd_absolute(VM *vm, Value v) { return unary_apply(vm, v, cd_type_of(vm, v)->slots.absolute, "abs()"); }

// ---- conversions ----

static bool number_warn_subclass(VM *vm, const char *method, Value got, const char *type)
{
  return cd_warn(
    vm, vm->exc.DeprecationWarning, 1,
    "%s returned non-%s (type %.200s).  The ability to return an instance of a strict subclass of %s is deprecated, and may not be "
    "supported in a future version of Python.",
    method, type, cd_type_name(cd_type_of(vm, got)), type);
}

// What __int__ or __index__ returned, as an exact int.
static Ref number_check_int(VM *vm, Ref result, const char *method)
{
  if (!result || cd_is_small(result) || cd_is_exact(result, vm->types.int_)) return result;
  bool ok = cd_is_int(result);
  if (!ok) cd_raise_type(vm, "%s returned non-int (type %.200s)", method, cd_type_name(cd_type_of(vm, result)));
  else ok = number_warn_subclass(vm, method, result, "int");
  Ref exact = ok ? cd_int_exact(vm, result) : NO_REF;
  cd_drop(vm, result);
  return exact;
}

Ref cd_index(VM *vm, Value v)
{
  if (cd_is_small(v)) return cd_dup(v);
  if (cd_is_int(v)) return cd_int_exact(vm, v);
  UnaryFn index = cd_type_of(vm, v)->slots.index;
  if (!index) return cd_raise_type(vm, "'%.200s' object cannot be interpreted as an integer", cd_type_name(cd_type_of(vm, v)));
  return number_check_int(vm, index(vm, v), "__index__");
}

static Ref number_truncate(VM *vm, Value v, Ref method)
{
  if (!cd_warn(vm, vm->exc.DeprecationWarning, 1, "The delegation of int() to __trunc__ is deprecated.")) {
    cd_drop(vm, method);
    return NO_REF;
  }
  Ref result = cd_call0(vm, method);
  cd_drop(vm, method);
  if (!result || cd_is_small(result)) return result;
  Ref number = NO_REF;
  if (cd_is_int(result)) number = cd_int_exact(vm, result);
  else if (cd_type_of(vm, result)->slots.index) number = cd_index(vm, result);
  else cd_raise_type(vm, "__trunc__ returned non-Integral (type %.200s)", cd_type_name(cd_type_of(vm, result)));
  cd_drop(vm, result);
  return number;
}

Ref cd_to_int(VM *vm, Value v)
{
  if (cd_is_small(v) || cd_is_exact(v, vm->types.int_)) return cd_dup(v);
  const TypeSlots *slots = &cd_type_of(vm, v)->slots;
  if (slots->int_) return number_check_int(vm, slots->int_(vm, v), "__int__");
  if (slots->index) return cd_index(vm, v);
  Ref method;
  Find found = cd_lookup_special(vm, v, N(__trunc__), &method);
  if (found == FIND_ERROR) return NO_REF;
  if (found == FIND_HIT) return number_truncate(vm, v, method);
  return cd_raise_type(vm, "int() argument must be a string, a bytes-like object or a real number, not '%.200s'",
                       cd_type_name(cd_type_of(vm, v)));
}

bool cd_to_double(VM *vm, Value v, double *out)
{
  if (cd_is_float(v)) {
    *out = cd_float_value(v);
    return true;
  }
  Type *type = cd_type_of(vm, v);
  if (cd_is_small(v)) {
    *out = (double)cd_small(v);
    return true;
  }
  if (type->slots.float_) {
    Ref result = type->slots.float_(vm, v);
    if (!result) return false;
    bool ok = cd_is_float(result);
    if (!ok) {
      cd_raise_type(vm, "%.50s.__float__ returned non-float (type %.50s)", cd_type_name(type), cd_type_name(cd_type_of(vm, result)));
    } else if (!cd_is_flonum(result) && !cd_is_exact(result, vm->types.float_)) {
      ok = cd_warn(vm, vm->exc.DeprecationWarning, 1,
                   "%.50s.__float__ returned non-float (type %.50s).  The ability to return an instance of a strict subclass of float is "
                   "deprecated, and may be removed in a future version of Python.",
                   cd_type_name(type), cd_type_name(cd_type_of(vm, result)));
    }
    if (ok) *out = cd_float_value(result);
    cd_drop(vm, result);
    return ok;
  }
  if (!type->slots.index) return cd_raise_type(vm, "must be real number, not %.50s", cd_type_name(type));
  Ref index = cd_index(vm, v);
  bool ok = index && cd_int_to_double(vm, index, out);
  cd_drop(vm, index);
  return ok;
}

bool cd_to_i64(VM *vm, Value v, int64_t *out, Type *overflow)
{
  if (LIKELY(cd_is_small(v))) {
    *out = cd_small(v);
    return true;
  }
  Ref index = cd_index(vm, v);
  if (!index) return false;
  bool ok = true;
  if (!cd_int_fits_i64(index, out)) {
    if (overflow) ok = cd_raise(vm, overflow, "cannot fit '%.200s' into an index-sized integer", cd_type_name(cd_type_of(vm, v)));
    else *out = cd_int_sign(index) < 0 ? INT64_MIN : INT64_MAX;
  }
  cd_drop(vm, index);
  return ok;
}

bool cd_to_ssize(VM *vm, Value v, int64_t *out)
{
  if (LIKELY(cd_is_small(v))) {
    *out = cd_small(v);
    return true;
  }
  Ref index = cd_index(vm, v);
  if (!index) return false;
  bool fits = cd_int_fits_i64(index, out);
  cd_drop(vm, index);
  return fits || cd_raise_overflow(vm, "Python int too large to convert to C ssize_t");
}

bool cd_to_c_int(VM *vm, Value v, int *out)
{
  Ref index = cd_index(vm, v);
  if (!index) return false;
  int64_t i;
  bool fits = cd_int_fits_i64(index, &i) && i >= INT_MIN && i <= INT_MAX;
  cd_drop(vm, index);
  if (!fits) return cd_raise_overflow(vm, "Python int too large to convert to C int");
  *out = (int)i;
  return true;
}

bool cd_to_size(VM *vm, Value v, size_t *out)
{
  int64_t i;
  if (!cd_to_i64(vm, v, &i, vm->exc.OverflowError)) return false;
  if (i < 0) return cd_raise_value(vm, "size must be non-negative");
  *out = (size_t)i;
  return true;
}
