// SPDX-License-Identifier: MIT
// _random.c: the Mersenne Twister MT19937 (Matsumoto and Nishimura, 1998), as the random module seeds and reads it
#include "modules/module_list.h"

#include "objects/float.h"
#include "objects/int.h"
#include "objects/protocol.h"
#include "objects/tuple.h"
#include "objects/type.h"

#include <sys/random.h>

#define MT_SIZE 624
#define MT_MIDDLE 397

typedef struct Random { Object head; uint32_t state[MT_SIZE]; int index; } Random;

static Random *as_random(Value v) { return (Random *)cd_object(v); }

static void mt_seed_word(Random *r, uint32_t seed)
{
  r->state[0] = seed;
  for (uint32_t i = 1; i < MT_SIZE; i++) r->state[i] = 1812433253u * (r->state[i - 1] ^ (r->state[i - 1] >> 30)) + i;
  r->index = MT_SIZE;
}

static void mt_seed_array(Random *r, const uint32_t *key, size_t count)
{
  size_t i = 1, j = 0;
  mt_seed_word(r, 19650218u);
  for (size_t k = count > MT_SIZE ? count : MT_SIZE; k; k--) {
    r->state[i] = (r->state[i] ^ ((r->state[i - 1] ^ (r->state[i - 1] >> 30)) * 1664525u)) + key[j] + (uint32_t)j;
    if (++i == MT_SIZE) {
      r->state[0] = r->state[MT_SIZE - 1];
      i = 1;
    }
    if (++j == count) j = 0;
  }
  for (size_t k = MT_SIZE - 1; k; k--) {
    r->state[i] = (r->state[i] ^ ((r->state[i - 1] ^ (r->state[i - 1] >> 30)) * 1566083941u)) - (uint32_t)i;
    if (++i == MT_SIZE) {
      r->state[0] = r->state[MT_SIZE - 1];
      i = 1;
    }
  }
  r->state[0] = 0x80000000u;
}

static void mt_refill(Random *r)
{
  uint32_t *s = r->state;
  for (int k = 0; k < MT_SIZE; k++) {
    uint32_t y = (s[k] & 0x80000000u) | (s[(k + 1) % MT_SIZE] & 0x7fffffffu);
    s[k] = s[(k + MT_MIDDLE) % MT_SIZE] ^ (y >> 1) ^ (y & 1 ? 0x9908b0dfu : 0);
  }
  r->index = 0;
}
static uint32_t mt_next(Random *r)
{
  if (r->index >= MT_SIZE) mt_refill(r);
  uint32_t y = r->state[r->index++];
  y ^= y >> 11;
  y ^= y << 7 & 0x9d2c5680u;
  y ^= y << 15 & 0xefc60000u;
  return y ^ y >> 18;
}

static bool twister_seed_int(VM *vm, Random *r, Value number)
{
  Ref positive = cd_absolute(vm, number);
  if (!positive) return false;
  size_t bits = cd_int_bit_length(positive), count = bits ? (bits - 1) / 32 + 1 : 1;
  uint32_t *key = cd_alloc_array(vm, count, sizeof *key);
  bool ok = key && cd_int_to_bytes(vm, positive, (unsigned char *)key, count * sizeof *key, true, false);
  if (ok) mt_seed_array(r, key, count);
  cd_free(vm, key, key ? count * sizeof *key : 0);
  cd_drop(vm, positive);
  return ok;
}
static bool twister_seed(VM *vm, Random *r, Value seed)
{
  if (!seed || cd_is_none(seed)) {
    uint32_t key[MT_SIZE];
    for (size_t at = 0; at < sizeof key;) {
      ssize_t got = getrandom((char *)key + at, sizeof key - at, 0);
      if (got > 0) at += (size_t)got;
      else if (!cd_poll(vm)) return false;
    }
    mt_seed_array(r, key, MT_SIZE);
    return true;
  }
  if (cd_is_int(seed)) return twister_seed_int(vm, r, seed);
  int64_t hash;
  if (!cd_hash(vm, seed, &hash)) return false;
  Ref number = cd_int_from_u64(vm, (uint64_t)hash);
  bool ok = number && twister_seed_int(vm, r, number);
  cd_drop(vm, number);
  return ok;
}

static Ref random_new(VM *vm, Type *type, const Value *args, size_t nargs, Value kwnames)
{
  if (type->slots.init == vm->types.object->slots.init && (!cd_no_keywords(vm, "Random", kwnames) || !cd_check_positional(vm, "Random", nargs, 0, 1))) return NO_REF;
  Random *r = cd_instance_new(vm, type);
  if (!r) return NO_REF;
  Ref made = cd_from_object(r);
  if (twister_seed(vm, r, nargs ? args[0] : NO_VALUE)) return made;
  cd_drop(vm, made);
  return NO_REF;
}

METHOD(random, random, "random(self, /)", "A float x with 0 <= x < 1.")
{
  uint32_t a = mt_next(as_random(self)) >> 5, b = mt_next(as_random(self)) >> 6;
  return cd_float_new(vm, (a * 67108864.0 + b) * (1.0 / 9007199254740992.0));
}
METHOD(random, seed, "seed(self, n=None, /)", "Start again from a seed; from the system's randomness by default.")
{
  return twister_seed(vm, as_random(self), args[0]) ? cd_none() : NO_REF;
}
METHOD(random, getrandbits, "getrandbits(self, k, /)", "An int of k random bits.")
{
  int64_t k;
  if (!cd_to_i64(vm, args[0], &k, vm->exc.OverflowError)) return NO_REF;
  if (k < 0) return cd_raise_value(vm, "number of bits must be non-negative");
  if (k == 0) return cd_from_small(0);
  if (k <= 32) return cd_from_small(mt_next(as_random(self)) >> (32 - k));
  size_t words = (size_t)(k - 1) / 32 + 1;
  uint32_t *bits = cd_alloc_array(vm, words, sizeof *bits);
  if (!bits) return NO_REF;
  for (size_t i = 0; i < words; i++, k -= 32) bits[i] = k < 32 ? mt_next(as_random(self)) >> (32 - k) : mt_next(as_random(self));
  Ref result = cd_int_from_bytes(vm, (unsigned char *)bits, words * sizeof *bits, true, false);
  cd_free(vm, bits, words * sizeof *bits);
  return result;
}
METHOD(random, getstate, "getstate(self, /)", "The generator's state as a tuple of ints.")
{
  Random *r = as_random(self);
  Ref state = cd_tuple_new(vm, MT_SIZE + 1);
  for (size_t i = 0; state && i < MT_SIZE; i++) cd_tuple_set(state, i, cd_from_small(r->state[i]));
  if (state) cd_tuple_set(state, MT_SIZE, cd_from_small(r->index));
  return state;
}
METHOD(random, setstate, "setstate(self, state, /)", "Restore what getstate() gave.")
{
  uint32_t fresh[MT_SIZE];
  int64_t index;
  if (!cd_is_tuple(args[0])) return cd_raise_type(vm, "state vector must be a tuple");
  if (cd_tuple_size(args[0]) != MT_SIZE + 1) return cd_raise_value(vm, "state vector is the wrong size");
  for (size_t i = 0; i < MT_SIZE; i++) {
    uint64_t word;
    Value item = cd_tuple_item_borrow(args[0], i);
    if (!cd_is_int(item)) return cd_raise_type(vm, "an integer is required");
    if (cd_int_sign(item) < 0) return cd_raise_overflow(vm, "can't convert negative value to unsigned int");
    if (!cd_int_fits_u64(item, &word)) return cd_raise_overflow(vm, "Python int too large to convert to C unsigned long");
    fresh[i] = (uint32_t)word;
  }
  if (!cd_to_i64(vm, cd_tuple_item_borrow(args[0], MT_SIZE), &index, vm->exc.OverflowError)) return NO_REF;
  if (index < 0 || index > MT_SIZE) return cd_raise_value(vm, "invalid state");
  memcpy(as_random(self)->state, fresh, sizeof fresh);
  as_random(self)->index = (int)index;
  return cd_none();
}
static const MethodDef *const random_methods[] = {&random_random_def, &random_seed_def, &random_getrandbits_def, &random_getstate_def, &random_setstate_def, NULL};
static const TypeSpec random_spec = {.name = "_random.Random", .doc = "Random() -> a generator of its own, seeded by the system.", .basicsize = sizeof(Random),
                                     .flags = TYPE_BASE, .methods = random_methods, .slots = {.new_ = random_new}};

static bool random_exec(VM *vm, Value module) { return cd_module_add_type(vm, module, &random_spec, NO_VALUE) != NULL; }
const ModuleDef cd_module__random = {"_random", "The Mersenne Twister: the engine of the random module.", NULL, 0, random_exec, NULL, NULL};
