// SPDX-License-Identifier: MIT
// utf8.c: checking, counting and writing UTF-8
#include "base/utf8.h"

int cd_utf8_put(char *out, uint32_t c)
{
  if (c < 0x80) {
    out[0] = (char)c;
    return 1;
  }
  if (c < 0x800) {
    out[0] = (char)(0xC0 | c >> 6);
    out[1] = (char)(0x80 | (c & 0x3F));
    return 2;
  }
  if (c < 0x10000) {
    out[0] = (char)(0xE0 | c >> 12);
    out[1] = (char)(0x80 | (c >> 6 & 0x3F));
    out[2] = (char)(0x80 | (c & 0x3F));
    return 3;
  }
  out[0] = (char)(0xF0 | c >> 18);
  out[1] = (char)(0x80 | (c >> 12 & 0x3F));
  out[2] = (char)(0x80 | (c >> 6 & 0x3F));
  out[3] = (char)(0x80 | (c & 0x3F));
  return 4;
}

#define UTF8_HIGH_BITS UINT64_C(0x8080808080808080)

static ALWAYS_INLINE uint64_t utf8_load(const char *p)
{
  uint64_t word;
  memcpy(&word, p, 8);
  return word;
}

// Bytes below 0x80 at the start of `p`, up to `end`.
static size_t utf8_ascii_run(const char *p, const char *end)
{
  const char *start = p;
  while (end - p >= 32) {
    if ((utf8_load(p) | utf8_load(p + 8) | utf8_load(p + 16) | utf8_load(p + 24)) & UTF8_HIGH_BITS) break;
    p += 32;
  }
  while (end - p >= 8 && !(utf8_load(p) & UTF8_HIGH_BITS)) p += 8;
  while (p < end && !(*p & 0x80)) p++;
  return (size_t)(p - start);
}

// Length of the sequence at `p` when it is valid; else minus the length of the part that is wrong: the lead byte with the continuation
// bytes that could still have become something (Unicode's "maximal subpart").
static int utf8_sequence(const unsigned char *p, size_t left, bool surrogates)
{
  unsigned lead = p[0], low = 0x80, high = 0xBF;
  int length = lead < 0xC2 ? 0 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : lead < 0xF5 ? 4 : 0;
  if (!length) return -1;
  if (lead == 0xE0) low = 0xA0;
  else if (lead == 0xED && !surrogates) high = 0x9F;
  else if (lead == 0xF0) low = 0x90;
  else if (lead == 0xF4) high = 0x8F;
  for (int i = 1; i < length; i++) {
    if ((size_t)i >= left || p[i] < low || p[i] > high) return -i;
    low = 0x80;
    high = 0xBF;
  }
  return length;
}

size_t cd_utf8_check(const char *bytes, size_t size, bool surrogates, size_t *count, bool *ascii, int *bad_len)
{
  const char *p = bytes, *end = bytes + size;
  size_t n = 0;
  *ascii = true;
  while (p < end) {
    size_t run = utf8_ascii_run(p, end);
    p += run;
    n += run;
    while (p < end && *p & 0x80) {
      int length = utf8_sequence((const unsigned char *)p, (size_t)(end - p), surrogates);
      if (length < 0) {
        *count = n;
        if (bad_len) *bad_len = -length;
        return (size_t)(p - bytes);
      }
      *ascii = false;
      p += length;
      n++;
    }
  }
  *count = n;
  return size;
}

// Counts the bytes that are not continuations, eight at a time: bit 7 and not bit 6 marks a continuation.
size_t cd_utf8_count(const char *bytes, size_t size)
{
  const char *p = bytes, *end = bytes + size;
  size_t continuations = 0;
  for (; end - p >= 8; p += 8) {
    uint64_t word = utf8_load(p);
    if (word & UTF8_HIGH_BITS) continuations += (size_t)__builtin_popcountll(word & UTF8_HIGH_BITS & ~(word << 1));
  }
  for (; p < end; p++) continuations += cd_utf8_is_continuation((unsigned char)*p);
  return size - continuations;
}

bool cd_utf8_is_ascii(const char *bytes, size_t size) { return utf8_ascii_run(bytes, bytes + size) == size; }
