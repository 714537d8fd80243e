// SPDX-License-Identifier: MIT
// search.c: finding bytes in bytes: a filter on the first and last byte of the needle, sixteen places at a time, over memchr and memmem
#include "base/search.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

// Comparing at each place that passes the filter is quick for text as people write it and quadratic for text made to fool it, so the
// comparisons have a budget: bytes compared per byte passed. When it is spent, a search that is linear for any needle goes on.
enum { SEARCH_BUDGET_SHIFT = 2, SEARCH_BUDGET_MIN = 4096, SEARCH_STEP = 16 };

#ifdef __SSE2__
// Bit i is set where text[i] is `first` and text[i + distance] is `last`; reads 16 bytes at both.
static inline unsigned search_candidates(const char *text, size_t distance, __m128i first, __m128i last)
{
  __m128i a = _mm_cmpeq_epi8(_mm_loadu_si128((const __m128i *)text), first);
  __m128i b = _mm_cmpeq_epi8(_mm_loadu_si128((const __m128i *)(text + distance)), last);
  return (unsigned)_mm_movemask_epi8(_mm_and_si128(a, b));
}

// The offset, or -1; *from is where an unfinished search has to go on (spent budget, or fewer places left than one step).
static inline int64_t search_first_filtered(const char *text, size_t size, const char *needle, size_t needle_size, size_t *from)
{
  __m128i first = _mm_set1_epi8(needle[0]), last = _mm_set1_epi8(needle[needle_size - 1]);
  size_t places = size - needle_size + 1, at = 0, spent = 0;
  for (; at + SEARCH_STEP <= places; at += SEARCH_STEP) {
    for (unsigned mask = search_candidates(text + at, needle_size - 1, first, last); mask; mask &= mask - 1) {
      size_t i = at + (size_t)__builtin_ctz(mask);
      if (needle_size == 2 || memcmp(text + i + 1, needle + 1, needle_size - 2) == 0) return (int64_t)i;
      spent += needle_size;
    }
    if (UNLIKELY(spent > SEARCH_BUDGET_MIN) && spent >> SEARCH_BUDGET_SHIFT > at) break;
  }
  *from = at;
  return -1;
}

static inline int64_t search_last_filtered(const char *text, size_t size, const char *needle, size_t needle_size, size_t *left)
{
  __m128i first = _mm_set1_epi8(needle[0]), last = _mm_set1_epi8(needle[needle_size - 1]);
  size_t places = size - needle_size + 1, total = places, spent = 0;
  for (; places >= SEARCH_STEP; places -= SEARCH_STEP) {
    const char *block = text + places - SEARCH_STEP;
    for (unsigned mask = search_candidates(block, needle_size - 1, first, last); mask;) {
      unsigned bit = 31u - (unsigned)__builtin_clz(mask);
      if (needle_size == 2 || memcmp(block + bit + 1, needle + 1, needle_size - 2) == 0) return block + bit - text;
      spent += needle_size;
      mask &= ~(1u << bit);
    }
    if (UNLIKELY(spent > SEARCH_BUDGET_MIN) && spent >> SEARCH_BUDGET_SHIFT > total - places) { places -= SEARCH_STEP; break; }
  }
  *left = places + needle_size - 1;
  return -1;
}
#else
static inline int64_t search_first_filtered(const char *text UNUSED, size_t size UNUSED, const char *needle UNUSED,
                                            size_t needle_size UNUSED, size_t *from)
{
  *from = 0;
  return -1;
}

static inline int64_t search_last_filtered(const char *text UNUSED, size_t size, const char *needle UNUSED, size_t needle_size UNUSED,
                                           size_t *left)
{
  *left = size;
  return -1;
}
#endif

// A few places are compared one by one; memmem, linear for any needle, takes more.
static inline int64_t search_first_tail(const char *text, size_t size, const char *needle, size_t needle_size)
{
  if (size - needle_size >= 4 * SEARCH_STEP) {
    const char *hit = memmem(text, size, needle, needle_size);
    return hit ? hit - text : -1;
  }
  for (size_t i = 0; i + needle_size <= size; i++)
    if (text[i] == needle[0] && memcmp(text + i, needle, needle_size) == 0) return (int64_t)i;
  return -1;
}

int64_t cd_search_first(const char *text, size_t size, const char *needle, size_t needle_size)
{
  if (needle_size > size) return -1;
  if (needle_size == 0) return 0;
  if (needle_size == 1) {
    const char *hit = memchr(text, (unsigned char)*needle, size);
    return hit ? hit - text : -1;
  }
  size_t from;
  int64_t at = search_first_filtered(text, size, needle, needle_size, &from);
  if (at >= 0 || from + needle_size > size) return at;
  at = search_first_tail(text + from, size - from, needle, needle_size);
  return at < 0 ? -1 : at + (int64_t)from;
}

// A window rolls from the end to the front; its hash picks the places worth a comparison, so time is linear for any needle.
static int64_t search_last_rolling(const char *text, size_t size, const char *needle, size_t needle_size)
{
  const uint64_t base = UINT64_C(0x9E3779B97F4A7C15);
  const unsigned char *t = (const unsigned char *)text, *n = (const unsigned char *)needle;
  uint64_t wanted = 0, hash = 0, power = 1;
  size_t at = size - needle_size;
  for (size_t i = needle_size; i-- > 0;) {
    wanted = wanted * base + n[i];
    hash = hash * base + t[at + i];
    if (i) power *= base;
  }
  for (;;) {
    if (hash == wanted && memcmp(text + at, needle, needle_size) == 0) return (int64_t)at;
    if (at == 0) return -1;
    at--;
    hash = (hash - power * t[at + needle_size]) * base + t[at];
  }
}

int64_t cd_search_last(const char *text, size_t size, const char *needle, size_t needle_size)
{
  if (needle_size > size) return -1;
  if (needle_size == 0) return (int64_t)size;
  if (needle_size == 1) {
    const char *hit = memrchr(text, (unsigned char)*needle, size);
    return hit ? hit - text : -1;
  }
  int64_t at = search_last_filtered(text, size, needle, needle_size, &size);
  return at >= 0 || size < needle_size ? at : search_last_rolling(text, size, needle, needle_size);
}

static size_t search_count_byte(const char *text, size_t size, char byte)
{
  size_t count = 0;
  for (size_t i = 0; i < size; i++) count += text[i] == byte;
  return count;
}

size_t cd_search_count(const char *text, size_t size, const char *needle, size_t needle_size, size_t limit)
{
  if (needle_size == 1 && limit >= size) return search_count_byte(text, size, *needle);
  size_t count = 0;
  for (const char *p = text, *end = text + size; count < limit; count++) {
    int64_t at = cd_search_first(p, (size_t)(end - p), needle, needle_size);
    if (at < 0) break;
    p += (size_t)at + needle_size;
  }
  return count;
}
