// SPDX-License-Identifier: MIT
// hash.h: keyed hash of bytes (SipHash-1-3) and the number hash of the data model (modulus 2**61-1)
#ifndef CEDE_BASE_HASH_H
#define CEDE_BASE_HASH_H

#include "base/platform.h"

typedef struct HashKey {
  uint64_t k0, k1;                               // both 0 when PYTHONHASHSEED=0
} HashKey;

#define HASH_MODULUS_BITS 61
#define HASH_MODULUS ((UINT64_C(1) << 61) - 1)
#define HASH_INF INT64_C(314159)
#define HASH_IMAG UINT64_C(1000003)

// Never -1. Empty input gives 0.
int64_t cd_hash_bytes(HashKey key, const void *bytes, size_t size);
// Hash of a finite or infinite double by the data model's rule; NaN is the caller's (hash by identity).
int64_t cd_hash_double(double x);
// Mixes an address or a small integer for identity hashes; never -1.
static inline int64_t cd_hash_pointer(const void *p)
{
  uint64_t x = (uint64_t)(uintptr_t)p;
  x = (x >> 4) | (x << 60);
  return (int64_t)x == -1 ? -2 : (int64_t)x;
}

#endif
