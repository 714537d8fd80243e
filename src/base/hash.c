// SPDX-License-Identifier: MIT
// hash.c: SipHash-1-3 (Aumasson and Bernstein) and hashes of floating-point numbers
#include "base/hash.h"

#include <math.h>

// ---- SipHash with one round per word and three at the end ----

typedef struct SipState { uint64_t a, b, c, d; } SipState;

static ALWAYS_INLINE uint64_t sip_rotate(uint64_t x, int n) { return x << n | x >> (64 - n); }

static ALWAYS_INLINE void sip_round(SipState *s)
{
  s->a += s->b; s->b = sip_rotate(s->b, 13) ^ s->a; s->a = sip_rotate(s->a, 32);
  s->c += s->d; s->d = sip_rotate(s->d, 16) ^ s->c;
  s->a += s->d; s->d = sip_rotate(s->d, 21) ^ s->a;
  s->c += s->b; s->b = sip_rotate(s->b, 17) ^ s->c; s->c = sip_rotate(s->c, 32);
}

static ALWAYS_INLINE void sip_word(SipState *s, uint64_t word)
{
  s->d ^= word;
  sip_round(s);
  s->a ^= word;
}

static ALWAYS_INLINE uint64_t sip_load(const unsigned char *p)    // little-endian whatever the machine
{
  uint64_t word;
  memcpy(&word, p, 8);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
  word = __builtin_bswap64(word);
#endif
  return word;
}

// The n bytes at p, at most 7, as a little-endian number: two loads that may overlap, since most names are short.
static ALWAYS_INLINE uint64_t sip_load_some(const unsigned char *p, size_t n)
{
  if (n >= 4) {
    uint64_t low = p[0] | (uint64_t)p[1] << 8 | (uint64_t)p[2] << 16 | (uint64_t)p[3] << 24;
    const unsigned char *q = p + n - 4;
    uint64_t high = q[0] | (uint64_t)q[1] << 8 | (uint64_t)q[2] << 16 | (uint64_t)q[3] << 24;
    return low | high << (8 * (n - 4));
  }
  return n ? p[0] | (uint64_t)p[n >> 1] << (8 * (n >> 1)) | (uint64_t)p[n - 1] << (8 * (n - 1)) : 0;
}

int64_t cd_hash_bytes(HashKey key, const void *bytes, size_t size)
{
  if (size == 0) return 0;
  SipState s = {
    key.k0 ^ UINT64_C(0x736f6d6570736575), key.k1 ^ UINT64_C(0x646f72616e646f6d),
    key.k0 ^ UINT64_C(0x6c7967656e657261), key.k1 ^ UINT64_C(0x7465646279746573),
  };
  const unsigned char *p = bytes, *end = p + (size & ~(size_t)7);
  for (; p < end; p += 8) sip_word(&s, sip_load(p));
  sip_word(&s, (uint64_t)size << 56 | sip_load_some(p, size & 7));
  s.c ^= 0xff;
  for (int i = 0; i < 3; i++) sip_round(&s);
  uint64_t hash = s.a ^ s.b ^ s.c ^ s.d;
  return (int64_t)hash == -1 ? -2 : (int64_t)hash;
}

// ---- numbers ----

// Library reference, "Hashing of numeric types": m / n hashes to m * inverse(n) modulo 2**61 - 1. A double is mantissa * 2**e, and a
// multiplication by a power of two is a rotation of the 61 bits.
int64_t cd_hash_double(double x)
{
  if (isinf(x)) return x > 0 ? HASH_INF : -HASH_INF;
  int exponent;
  double m = frexp(fabs(x), &exponent);
  uint64_t hash = (uint64_t)ldexp(m, 53);        // m < 1, so below 2**53: reduced already
  exponent = (exponent - 53) % HASH_MODULUS_BITS;
  if (exponent < 0) exponent += HASH_MODULUS_BITS;
  hash = (hash << exponent & HASH_MODULUS) | hash >> (HASH_MODULUS_BITS - exponent);
  if (hash == HASH_MODULUS) hash = 0;
  int64_t result = x < 0 ? -(int64_t)hash : (int64_t)hash;
  return result == -1 ? -2 : result;
}
