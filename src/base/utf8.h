// SPDX-License-Identifier: MIT
// utf8.h: UTF-8 with lone surrogates allowed (WTF-8), the inner form of every str
#ifndef CEDE_BASE_UTF8_H
#define CEDE_BASE_UTF8_H

#include "base/platform.h"

// Sequence length from a lead byte of valid WTF-8 (1 to 4).
static inline int cd_utf8_len(unsigned char lead)
{
  return lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
}
static inline bool cd_utf8_is_continuation(unsigned char byte) { return (byte & 0xC0) == 0x80; }

// Decodes the code point at *p of VALID text and moves *p past it.
static inline uint32_t cd_utf8_next(const char **p)
{
  const unsigned char *s = (const unsigned char *)*p;
  uint32_t c = s[0];
  if (c < 0x80) { *p += 1; return c; }
  if (c < 0xE0) { *p += 2; return (c & 0x1F) << 6 | (s[1] & 0x3F); }
  if (c < 0xF0) { *p += 3; return (c & 0x0F) << 12 | (s[1] & 0x3Fu) << 6 | (s[2] & 0x3F); }
  *p += 4;
  return (c & 0x07) << 18 | (s[1] & 0x3Fu) << 12 | (s[2] & 0x3Fu) << 6 | (s[3] & 0x3F);
}
// Decodes the code point that ends just before *p and moves *p back to its start.
static inline uint32_t cd_utf8_previous(const char **p)
{
  const char *s = *p - 1;
  while (cd_utf8_is_continuation((unsigned char)*s)) s--;
  *p = s;
  return cd_utf8_next(&s);
}
// Bytes that code point `c` (<= 0x10FFFF) takes.
static inline int cd_utf8_size(uint32_t c) { return c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4; }
// Writes `c` at `out` (room for 4) and returns the count. Surrogates are written as three bytes.
int cd_utf8_put(char *out, uint32_t c);

// Checks untrusted bytes. Returns the offset of the first bad byte, or `size` when all is valid;
// *count gets the code points before it, *ascii whether all before it are below 0x80.
// `surrogates` allows encoded surrogates. *bad_len (may be NULL) is the length of the bad sequence as
// the decoder reports it (maximal subpart, 1 to 3).
size_t cd_utf8_check(const char *bytes, size_t size, bool surrogates, size_t *count, bool *ascii, int *bad_len);
size_t cd_utf8_count(const char *bytes, size_t size);       // code points of valid text
bool cd_utf8_is_ascii(const char *bytes, size_t size);

#endif
