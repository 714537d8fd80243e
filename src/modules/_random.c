// SPDX-License-Identifier: MIT
// _random.c: the generator under the random module: MT19937 by Makoto Matsumoto and Takuji Nishimura
#include "modules/module_list.h"
#include "objects/float.h"
#include "objects/int.h"
#include "objects/protocol.h"
#include "objects/tuple.h"
#include "objects/type.h"

#include <sys/random.h>
#include <time.h>
#include <unistd.h>

enum { TWISTER_SIZE = 624, TWISTER_SHIFT = 397 };

typedef struct Random {
  Object head;
  uint32_t index;                                // words of `words` that are used up
  uint32_t words[TWISTER_SIZE];
} Random;

static inline Random *random_of(Value v) { return (Random *)cd_object(v); }

// ---- the generator ----

static inline uint32_t twister_mix(uint32_t upper, uint32_t lower)
{
  uint32_t y = (upper & 0x80000000u) | (lower & 0x7FFFFFFFu);
  return y >> 1 ^ (y & 1 ? 0x9908B0DFu : 0);
}

static NO_INLINE void twister_refill(Random *r)
{
  uint32_t *w = r->words;
  int i = 0;
  for (; i < TWISTER_SIZE - TWISTER_SHIFT; i++) w[i] = w[i + TWISTER_SHIFT] ^ twister_mix(w[i], w[i + 1]);
  for (; i < TWISTER_SIZE - 1; i++) w[i] = w[i + TWISTER_SHIFT - TWISTER_SIZE] ^ twister_mix(w[i], w[i + 1]);
  w[i] = w[TWISTER_SHIFT - 1] ^ twister_mix(w[i], w[0]);
  r->index = 0;
}

static inline uint32_t twister_next(Random *r)
{
  if (UNLIKELY(r->index >= TWISTER_SIZE)) twister_refill(r);
  uint32_t y = r->words[r->index++];
  y ^= y >> 11;
  y ^= y << 7 & 0x9D2C5680u;
  y ^= y << 15 & 0xEFC60000u;
  return y ^ y >> 18;
}

static void twister_seed_word(Random *r, uint32_t seed)
{
  r->words[0] = seed;
  for (uint32_t i = 1; i < TWISTER_SIZE; i++) r->words[i] = 1812433253u * (r->words[i - 1] ^ r->words[i - 1] >> 30) + i;
  r->index = TWISTER_SIZE;
}

// `key` is little-endian words.
static void twister_seed(Random *r, const unsigned char *key, size_t count)
{
  uint32_t *w = r->words, i = 1;
  twister_seed_word(r, 19650218u);
  for (size_t k = count > TWISTER_SIZE ? count : TWISTER_SIZE, j = 0; k; k--) {
    const unsigned char *p = key + 4 * j;
    uint32_t word = p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
    w[i] = (w[i] ^ (w[i - 1] ^ w[i - 1] >> 30) * 1664525u) + word + (uint32_t)j;
    if (++i >= TWISTER_SIZE) { w[0] = w[TWISTER_SIZE - 1]; i = 1; }
    if (++j >= count) j = 0;
  }
  for (int k = TWISTER_SIZE - 1; k; k--) {
    w[i] = (w[i] ^ (w[i - 1] ^ w[i - 1] >> 30) * 1566083941u) - i;
    if (++i >= TWISTER_SIZE) { w[0] = w[TWISTER_SIZE - 1]; i = 1; }
  }
  w[0] = 0x80000000u;
}

// ---- seeding ----

static void random_seed_from_system(Random *r)
{
  unsigned char key[TWISTER_SIZE * 4];
  size_t done = 0;
  while (done < sizeof key) {
    ssize_t n = getrandom(key + done, sizeof key - done > 256 ? 256 : sizeof key - done, GRND_NONBLOCK);
    if (n <= 0) break;
    done += (size_t)n;
  }
  if (done < sizeof key) {                       // no entropy yet: the clock and the process have to do
    struct timespec now;
    memset(key, 0, sizeof key);
    clock_gettime(CLOCK_REALTIME, &now);
    memcpy(key, &now, sizeof now);
    pid_t pid = getpid();
    memcpy(key + sizeof now, &pid, sizeof pid);
  }
  twister_seed(r, key, TWISTER_SIZE);
}

static bool random_seed_from_int(VM *vm, Random *r, Value number)
{
  Ref positive = cd_absolute(vm, number);
  if (!positive) return false;
  size_t bits = cd_int_bit_length(positive), count = bits ? (bits - 1) / 32 + 1 : 1;
  unsigned char *key = cd_alloc(vm, count * 4);
  bool ok = key && cd_int_to_bytes(vm, positive, key, count * 4, true, false);
  if (ok) twister_seed(r, key, count);
  cd_free(vm, key, count * 4);
  cd_drop(vm, positive);
  return ok;
}

static bool random_seed_from(VM *vm, Value self, Value seed)
{
  Random *r = random_of(self);
  int64_t hash;
  if (!cd_bits(seed) || cd_is_none(seed)) {
    random_seed_from_system(r);
    return true;
  }
  // An int's own __abs__ may be overridden in a subclass; the value counts.
  if (cd_is_int(seed)) {
    Ref exact = cd_int_exact(vm, seed);
    bool ok = exact && random_seed_from_int(vm, r, exact);
    cd_drop(vm, exact);
    return ok;
  }
  if (!cd_hash(vm, seed, &hash)) return false;
  Ref number = cd_int_from_u64(vm, (uint64_t)hash);
  bool ok = number && random_seed_from_int(vm, r, number);
  cd_drop(vm, number);
  return ok;
}

// ---- methods ----

METHOD(random, seed, "seed(self, n=None, /)",
       "seed([n]) -> None.\n\nStarts the generator anew, from the number n, from the hash of another object, or from the system's entropy "
       "if n is\nmissing or None.")
{
  return random_seed_from(vm, self, args[0]) ? cd_none() : NO_REF;
}

METHOD(random, random, "random(self, /)", "random() -> a float from 0 up to, but not, 1.")
{
  Random *r = random_of(self);
  uint32_t high = twister_next(r) >> 5, low = twister_next(r) >> 6;        // 27 and 26 bits
  return cd_float_new(vm, ((double)high * 67108864.0 + (double)low) * (1.0 / 9007199254740992.0));
}

METHOD(random, getrandbits, "getrandbits(self, k, /)", "getrandbits(k) -> x.  An int of k bits, each of them random.")
{
  Random *r = random_of(self);
  int k;
  if (!cd_to_c_int(vm, args[0], &k)) return NO_REF;
  if (k < 0) return cd_raise_value(vm, "number of bits must be non-negative");
  if (k == 0) return cd_from_small(0);
  if (k <= 32) return cd_from_small(twister_next(r) >> (32 - k));
  if (k <= 61) {
    uint64_t low = twister_next(r);
    return cd_from_small((int64_t)(low | (uint64_t)(twister_next(r) >> (64 - k)) << 32));
  }
  size_t count = ((size_t)k - 1) / 32 + 1;
  uint32_t *words = cd_alloc_array(vm, count, sizeof *words);
  if (!words) return NO_REF;
  int left = k;
  for (size_t i = 0; i < count; i++, left -= 32) {
    uint32_t word = twister_next(r);
    if (left < 32) word >>= 32 - left;
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    word = __builtin_bswap32(word);
#endif
    words[i] = word;
  }
  Ref number = cd_int_from_bytes(vm, (unsigned char *)words, count * 4, true, false);
  cd_free(vm, words, count * sizeof *words);
  return number;
}

METHOD(random, getstate, "getstate(self, /)", "getstate() -> a tuple from which setstate() goes on.")
{
  const Random *r = random_of(self);
  Ref state = cd_tuple_new(vm, TWISTER_SIZE + 1);
  if (!state) return NO_REF;
  for (size_t i = 0; i < TWISTER_SIZE; i++) cd_tuple_set(state, i, cd_from_small(r->words[i]));
  cd_tuple_set(state, TWISTER_SIZE, cd_from_small(r->index));
  return state;
}

METHOD(random, setstate, "setstate(self, state, /)", "setstate(state) -> None.  Restores generator state.")
{
  uint32_t words[TWISTER_SIZE];
  uint64_t word;
  if (!cd_is_tuple(args[0])) return cd_raise_type(vm, "state vector must be a tuple");
  if (cd_tuple_size(args[0]) != TWISTER_SIZE + 1) return cd_raise_value(vm, "state vector is the wrong size");
  for (size_t i = 0; i <= TWISTER_SIZE; i++) {
    Value item = cd_tuple_item_borrow(args[0], i);
    if (!cd_is_int(item)) return cd_raise_type(vm, "an integer is required");
    if (cd_int_sign(item) < 0) return cd_raise_overflow(vm, "can't convert negative value to unsigned int");
    if (!cd_int_fits_u64(item, &word)) return cd_raise_overflow(vm, "Python int too large to convert to C unsigned long");
    if (i < TWISTER_SIZE) words[i] = (uint32_t)word;
  }
  if (word > TWISTER_SIZE) return cd_raise_value(vm, "invalid state");
  Random *r = random_of(self);
  r->index = (uint32_t)word;
  memcpy(r->words, words, sizeof words);
  return cd_none();
}

// ---- the type ----

static Ref random_new_slot(VM *vm, Type *type, const Value *args UNUSED, size_t nargs UNUSED, Value kwnames UNUSED)
{
  void *object = cd_instance_new(vm, type);
  return object ? cd_from_object(object) : NO_REF;
}

static bool random_init_slot(VM *vm, Value self, const Value *args, size_t nargs, Value kwnames)
{
  Type *type = cd_type_of(vm, self);
  if (type->spec->slots.init == type->slots.init && !cd_no_keywords(vm, "Random", kwnames)) return false;
  if (nargs > 1) return cd_raise_type(vm, "Random() requires 0 or 1 argument");
  return random_seed_from(vm, self, nargs ? args[0] : NO_VALUE);
}

static const MethodDef *const random_methods[] = {
  &random_random_def, &random_seed_def, &random_getstate_def, &random_setstate_def, &random_getrandbits_def, NULL,
};

static const TypeSpec random_spec = {
  .name = "_random.Random",
  .doc = "Random() -> a generator of random numbers that shares no state with others.",
  .basicsize = sizeof(Random),
  .flags = TYPE_BASE,
  .methods = random_methods,
  .slots = {.new_ = random_new_slot, .init = random_init_slot},
};

static bool random_exec(VM *vm, Value module) { return cd_module_add_type(vm, module, &random_spec, NO_VALUE) != NULL; }

const ModuleDef cd_module__random = {.name = "_random", .doc = "The Mersenne Twister random number generator.", .exec = random_exec};
