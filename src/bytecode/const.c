// SPDX-License-Identifier: MIT
// const.c: when two constants of code are the same
#include "bytecode/code.h"

#include "objects/bytes.h"
#include "objects/float.h"
#include "objects/int.h"
#include "objects/protocol.h"
#include "objects/set.h"
#include "objects/str.h"
#include "objects/tuple.h"

static bool const_tuples_equal(VM *vm, Value a, Value b)
{
  size_t n = cd_tuple_size(a);
  if (n != cd_tuple_size(b)) return false;
  for (size_t i = 0; i < n; i++)
    if (!cd_const_equal(vm, cd_tuple_item_borrow(a, i), cd_tuple_item_borrow(b, i))) return false;
  return true;
}

static bool const_doubles_equal(double a, double b) { return memcmp(&a, &b, sizeof a) == 0; }

bool cd_const_equal(VM *vm, Value a, Value b)
{
  if (cd_is(a, b)) return true;
  if (!cd_is_object(a) || !cd_is_object(b) || !a || !b) return false;   // an immediate has but one form
  Type *type = cd_object(a)->type;
  if (cd_object(b)->type != type) return false;
  if (type == vm->types.str) return cd_str_equal(a, b);
  if (type == vm->types.bytes)
    return cd_bytes_size(a) == cd_bytes_size(b) && memcmp(cd_bytes_data(a), cd_bytes_data(b), cd_bytes_size(a)) == 0;
  if (type == vm->types.int_) return cd_int_compare(a, b) == 0;
  if (type == vm->types.float_) return const_doubles_equal(cd_float_value(a), cd_float_value(b));
  if (type == vm->types.complex) {
    const Complex *x = (Complex *)cd_object(a), *y = (Complex *)cd_object(b);
    return const_doubles_equal(x->real, y->real) && const_doubles_equal(x->imag, y->imag);
  }
  if (type == vm->types.tuple) return const_tuples_equal(vm, a, b);
  return false;
}

static uint64_t const_mix(uint64_t h, uint64_t x)
{
  h = (h ^ x) * UINT64_C(0x9E3779B97F4A7C15);
  return h ^ h >> 32;
}

static uint64_t const_double_bits(double x)
{
  uint64_t bits;
  memcpy(&bits, &x, sizeof bits);
  return bits;
}

uint64_t cd_const_hash(VM *vm, Value v)
{
  if (!cd_is_object(v) || !v) return const_mix(1, cd_bits(v));
  Type *type = cd_object(v)->type;
  if (type == vm->types.str) return (uint64_t)cd_str_hash(vm, v);
  if (type == vm->types.bytes) return (uint64_t)cd_hash_bytes(vm->hash_key, cd_bytes_data(v), cd_bytes_size(v)) + 1;
  if (type == vm->types.int_) return (uint64_t)cd_int_hash(v) + 2;
  if (type == vm->types.float_) return const_mix(3, const_double_bits(cd_float_value(v)));
  if (type == vm->types.complex) {
    const Complex *c = (Complex *)cd_object(v);
    return const_mix(const_mix(4, const_double_bits(c->real)), const_double_bits(c->imag));
  }
  if (type == vm->types.tuple) {
    uint64_t h = 5;
    for (size_t i = 0; i < cd_tuple_size(v); i++) h = const_mix(h, cd_const_hash(vm, cd_tuple_item_borrow(v, i)));
    return h;
  }
  return const_mix(6, cd_bits(v));
}
