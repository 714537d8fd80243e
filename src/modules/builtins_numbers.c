// SPDX-License-Identifier: MIT
// builtins_numbers.c: builtins that compute: abs bin divmod hex max min oct pow round sum
#include "modules/builtins.h"
#include "objects/bytes.h"
#include "objects/float.h"
#include "objects/int.h"
#include "objects/protocol.h"
#include "objects/str.h"
#include "objects/tuple.h"

FUNCTION(builtins, abs, "abs(x, /)", "Return the absolute value of a number.") { return cd_absolute(vm, args[0]); }

static Ref builtins_in_base(VM *vm, Value number, int base, const char *prefix)
{
  Ref index = cd_index(vm, number), digits = index ? cd_int_to_text(vm, index, base) : NO_REF, text = NO_REF;
  cd_drop(vm, index);
  if (!digits) return NO_REF;
  const char *data = cd_str_data(digits);
  size_t size = cd_str_size(digits), sign = *data == '-';
  char small[80], *out = size + 2 <= sizeof small ? small : cd_alloc(vm, size + 2);
  if (out) {
    if (sign) *out = '-';
    memcpy(out + sign, prefix, 2);
    memcpy(out + sign + 2, data + sign, size - sign);
    text = cd_str_ascii(vm, out, size + 2);
    if (out != small) cd_free(vm, out, size + 2);
  }
  cd_drop(vm, digits);
  return text;
}

FUNCTION(builtins, bin, "bin(number, /)", "Return an integer as binary digits.\n\n   >>> bin(2796202)\n   '0b1010101010101010101010'")
{
  return builtins_in_base(vm, args[0], 2, "0b");
}
FUNCTION(builtins, hex, "hex(number, /)", "Return an integer as hexadecimal digits.\n\n   >>> hex(12648430)\n   '0xc0ffee'")
{
  return builtins_in_base(vm, args[0], 16, "0x");
}
FUNCTION(builtins, oct, "oct(number, /)", "Return an integer as octal digits.\n\n   >>> oct(342391)\n   '0o1234567'")
{
  return builtins_in_base(vm, args[0], 8, "0o");
}

FUNCTION(builtins, divmod, "divmod(x, y, /)", "Return the tuple (x//y, x%y).  Invariant: div*y + mod == x.")
{
  return cd_binary(vm, args[0], args[1], BINARY_DIVMOD);
}

FUNCTION(builtins, pow, "pow(base, exp, mod=None)",
         "base**exp, or with three arguments base**exp % mod.\n\nFor integers the three-argument form is computed without the large power.")
{
  return cd_power(vm, args[0], args[1], cd_bits(args[2]) ? args[2] : cd_none());
}

FUNCTION(builtins, round, "round(number, ndigits=None)",
         "Round a number to ndigits digits after the decimal point.\n\nThe result is an integer if ndigits is omitted or None, else of the "
         "type of the number.\nndigits may be negative.")
{
  Ref method = NO_REF, result = NO_REF;
  switch (cd_lookup_special(vm, args[0], N(__round__), &method)) {
  case FIND_ERROR: return NO_REF;
  case FIND_MISSING: return cd_raise_type(vm, "type %T doesn't define __round__ method", args[0]);
  case FIND_HIT: break;
  }
  result = !cd_bits(args[1]) || cd_is_none(args[1]) ? cd_call0(vm, method) : cd_call1(vm, method, args[1]);
  cd_drop(vm, method);
  return result;
}

// ---- sum ----

// Adds small integers, then floats, in machine words as long as the items stay what they were; the rest goes through +. `*total` is an
// owned reference all along. false: exception.
static bool sum_small_ints(VM *vm, Value iter, Ref *total, Ref *pending, bool *done)
{
  int64_t sum = cd_small(*total);
  for (;;) {
    Ref item;
    Next next = cd_next(vm, iter, &item);
    if (next != NEXT_ITEM) { *done = true; *total = cd_int_from_i64(vm, sum); return next == NEXT_DONE && *total; }
    int64_t result;
    if (LIKELY(cd_is_small(item)) || cd_is_bool(item)) {
      int64_t value = cd_is_small(item) ? cd_small(item) : cd_is_true(item);
      if (LIKELY(!__builtin_add_overflow(sum, value, &result))) { sum = result; continue; }
    }
    *pending = item;
    *total = cd_int_from_i64(vm, sum);
    if (*total) return true;
    cd_drop(vm, item);
    return false;
  }
}

static bool sum_floats(VM *vm, Value iter, Ref *total, Ref *pending, bool *done)
{
  double sum = cd_float_value(*total);
  for (;;) {
    Ref item;
    Next next = cd_next(vm, iter, &item);
    int64_t i;
    if (next == NEXT_ITEM && cd_is_flonum(item)) { sum += cd_flonum(item); continue; }
    if (next == NEXT_ITEM && cd_is_exact(item, vm->types.float_)) { sum += cd_float_value(item); cd_drop(vm, item); continue; }
    if (next == NEXT_ITEM && cd_is_small(item) && (i = cd_small(item)) > -(INT64_C(1) << 53) && i < INT64_C(1) << 53) {
      sum += (double)i;
      continue;
    }
    cd_drop(vm, *total);
    *total = cd_float_new(vm, sum);
    if (next != NEXT_ITEM) { *done = true; return next == NEXT_DONE && *total; }
    *pending = item;
    if (*total) return true;
    cd_drop(vm, item);
    return false;
  }
}

FUNCTION(builtins, sum, "sum(iterable, /, start=0)",
         "Return start plus the sum of the numbers of an iterable.\n\nFor numbers only; it may refuse other types.")
{
  Value start = cd_bits(args[1]) ? args[1] : cd_from_small(0);
  if (cd_is_str(start)) return cd_raise_type(vm, "sum() can't sum strings [use ''.join(seq) instead]");
  if (cd_is_bytes(start)) return cd_raise_type(vm, "sum() can't sum bytes [use b''.join(seq) instead]");
  if (cd_is_bytearray(start)) return cd_raise_type(vm, "sum() can't sum bytearray [use b''.join(seq) instead]");
  Ref iter = cd_iter(vm, args[0]);
  if (!iter) return NO_REF;
  Ref total = cd_dup(start), item = NO_REF;
  for (bool done = false; !done;) {
    if (!item) {
      bool ok = true;
      if (cd_is_small(total)) ok = sum_small_ints(vm, iter, &total, &item, &done);
      else if (cd_is_flonum(total) || cd_is_exact(total, vm->types.float_)) ok = sum_floats(vm, iter, &total, &item, &done);
      else {
        Next next = cd_next(vm, iter, &item);
        ok = next != NEXT_ERROR;
        done = next == NEXT_DONE;
      }
      if (!ok) { cd_drop(vm, total); total = NO_REF; break; }
      if (done) break;
    }
    Ref sum = cd_binary(vm, total, item, BINARY_ADD);
    cd_drop(vm, item);
    cd_drop(vm, total);
    item = NO_REF;
    if (!(total = sum)) break;
  }
  cd_drop(vm, iter);
  return total;
}

// ---- min and max ----

// key op best for what runs no Python. false: something else must tell.
static inline bool extreme_better(VM *vm, Value key, Value best, CompareOp op, bool *out)
{
  int order;
  if (cd_both_small(key, best)) order = (cd_small(key) > cd_small(best)) - (cd_small(key) < cd_small(best));
  else if (cd_is_flonum(key) && cd_is_flonum(best)) order = (cd_flonum(key) > cd_flonum(best)) - (cd_flonum(key) < cd_flonum(best));
  else if (cd_is_exact(key, vm->types.str) && cd_is_exact(best, vm->types.str)) order = cd_str_compare(key, best);
  else return false;
  *out = op == COMPARE_LT ? order < 0 : order > 0;
  return true;
}

// Keeps the first of equals. *best and *best_key are owned.
static bool extreme_take(VM *vm, Value key_function, CompareOp op, Ref item, Ref *best, Ref *best_key)
{
  Ref key = cd_bits(key_function) ? cd_call1(vm, key_function, item) : cd_dup(item);
  bool better = true;
  if (key && *best && !extreme_better(vm, key, *best_key, op, &better)) {
    Ref answer = cd_compare(vm, key, *best_key, op);
    bool ok = answer && cd_truth(vm, answer, &better);
    cd_drop(vm, answer);
    if (!ok) { cd_drop(vm, key); key = NO_REF; }
  }
  if (!key) { cd_drop(vm, item); return false; }
  if (!better) { cd_drop(vm, key); cd_drop(vm, item); return true; }
  Ref old = *best, old_key = *best_key;
  *best = item;
  *best_key = key;
  cd_drop(vm, old);
  cd_drop(vm, old_key);
  return true;
}

static bool extreme_keywords(VM *vm, const char *name, const Value *values, Value kwnames, Value *key, Value *fallback)
{
  for (size_t k = 0; cd_bits(kwnames) && k < cd_tuple_size(kwnames); k++) {
    Value keyword = cd_tuple_item_borrow(kwnames, k);
    if (cd_str_is(keyword, "key")) *key = cd_is_none(values[k]) ? NO_VALUE : values[k];
    else if (cd_str_is(keyword, "default")) *fallback = values[k];
    else return cd_raise_type(vm, "'%U' is an invalid keyword argument for %s()", keyword, name);
  }
  return true;
}

static Ref builtins_extreme(VM *vm, const char *name, CompareOp op, const Value *args, size_t nargs, Value kwnames)
{
  Value key = NO_VALUE, fallback = NO_VALUE;
  if (nargs == 0) return cd_raise_type(vm, "%s expected at least 1 argument, got 0", name);
  if (!extreme_keywords(vm, name, args + nargs, kwnames, &key, &fallback)) return NO_REF;
  if (nargs > 1 && cd_bits(fallback))
    return cd_raise_type(vm, "Cannot specify a default for %s() with multiple positional arguments", name);
  Ref best = NO_REF, best_key = NO_REF;
  bool ok = true;
  if (nargs > 1) {
    for (size_t i = 0; ok && i < nargs; i++) ok = extreme_take(vm, key, op, cd_dup(args[i]), &best, &best_key);
  } else {
    Ref iter = cd_iter(vm, args[0]), item = NO_REF;
    if (!iter) return NO_REF;
    Next next = NEXT_DONE;
    while (ok && (next = cd_next(vm, iter, &item)) == NEXT_ITEM) ok = extreme_take(vm, key, op, item, &best, &best_key);
    ok = ok && next != NEXT_ERROR;
    cd_drop(vm, iter);
    if (ok && !best) return cd_bits(fallback) ? cd_dup(fallback) : cd_raise_value(vm, "%s() arg is an empty sequence", name);
  }
  cd_drop(vm, best_key);
  if (ok) return best;
  cd_drop(vm, best);
  return NO_REF;
}

METHOD_DEF_RAW_(builtins_max, "max", "max(iterable, *, key=None)",
                "max(iterable, *[, default=obj, key=func]) -> value\nmax(arg1, arg2, *args, *[, key=func]) -> value\n\nThe largest item of "
                "an iterable, or the largest of several arguments. default is the result\nfor an empty iterable.",
                METHOD_NO_SIGNATURE)
{
  return builtins_extreme(vm, "max", COMPARE_GT, args, nargs, kwnames);
}

METHOD_DEF_RAW_(builtins_min, "min", "min(iterable, *, key=None)",
                "min(iterable, *[, default=obj, key=func]) -> value\nmin(arg1, arg2, *args, *[, key=func]) -> value\n\nThe smallest item "
                "of an iterable, or the smallest of several arguments. default is the result\nfor an empty iterable.",
                METHOD_NO_SIGNATURE)
{
  return builtins_extreme(vm, "min", COMPARE_LT, args, nargs, kwnames);
}

const MethodDef *const cd_builtins_number_functions[] = {
  &builtins_abs_def, &builtins_bin_def, &builtins_divmod_def, &builtins_hex_def, &builtins_max_def, &builtins_min_def, &builtins_oct_def,
  &builtins_pow_def, &builtins_round_def, &builtins_sum_def, NULL,
};
