// SPDX-License-Identifier: MIT
// search.c: finding bytes in bytes, over the C library's memchr and memmem
#include "base/search.h"

int64_t cd_search_first(const char *text, size_t size, const char *needle, size_t needle_size)
{
  if (needle_size > size) return -1;
  if (needle_size == 0) return 0;
  const char *hit = needle_size == 1 ? memchr(text, (unsigned char)*needle, size) : memmem(text, size, needle, needle_size);
  return hit ? hit - text : -1;
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
  if (needle_size > 1) return search_last_rolling(text, size, needle, needle_size);
  const char *hit = memrchr(text, (unsigned char)*needle, size);
  return hit ? hit - text : -1;
}

size_t cd_search_count(const char *text, size_t size, const char *needle, size_t needle_size, size_t limit)
{
  size_t count = 0;
  for (const char *p = text, *end = text + size; count < limit; count++) {
    int64_t at = cd_search_first(p, (size_t)(end - p), needle, needle_size);
    if (at < 0) break;
    p += (size_t)at + needle_size;
  }
  return count;
}
