// SPDX-License-Identifier: MIT
// multibyte_charset.c: one character at a time through iconv(3)
#include "modules/multibyte.h"

#include <errno.h>

#define CHARSET_UNOPENED ((iconv_t)-1)
enum { CHARSET_LONGEST = 4 };                    // bytes of a sequence

bool cd_charset_open(Charset *set, const CharsetSpec *spec)
{
  set->spec = spec;
  set->from = iconv_open("UTF-32LE", spec->iconv_name);
  if (set->from == CHARSET_UNOPENED) return false;
  set->to = iconv_open(spec->iconv_name, "UTF-32LE");
  if (set->to != CHARSET_UNOPENED) return true;
  iconv_close(set->from);
  return false;
}

void cd_charset_close(Charset *set)
{
  if (!set->spec) return;
  iconv_close(set->from);
  iconv_close(set->to);
  set->spec = NULL;
}

// The run that covers a sequence or a code point, or NULL.
static const CharsetRun *charset_run(const Charset *set, uint32_t value, int how)
{
  const CharsetRun *run = set->spec->runs;
  for (; run && run->count; run++) {
    uint32_t first = how == CHARSET_DECODE ? run->bytes : run->c;
    if (run->how & how && value >= first && value - first < run->count) return run;
  }
  return NULL;
}

// Converts all of `in` from the initial state. Bytes written, or -1 with errno.
static int charset_convert(iconv_t converter, const void *in, size_t size, void *out, size_t room)
{
  char *from = (char *)in, *to = out;            // iconv doesn't write there
  size_t left = room;
  iconv(converter, NULL, NULL, NULL, NULL);
  size_t irreversible = iconv(converter, &from, &size, &to, &left);
  if (irreversible == (size_t)-1) return -1;
  if (irreversible) { errno = EILSEQ; return -1; }
  if (iconv(converter, NULL, NULL, &to, &left) == (size_t)-1) return -1;
  return (int)(room - left);
}

int cd_charset_decode(const Charset *set, const unsigned char *p, size_t left, uint32_t out[2], int *count)
{
  uint32_t bytes = 0;
  for (int n = 1; n <= CHARSET_LONGEST; n++) {
    if ((size_t)n > left) return 0;
    bytes = bytes << 8 | p[n - 1];
    const CharsetRun *run = charset_run(set, bytes, CHARSET_DECODE);
    if (run) {
      if (run->c == CHARSET_NOTHING) return -1;
      out[0] = run->c + (bytes - run->bytes);
      *count = 1;
      return n;
    }
    unsigned char utf32[8];
    int size = charset_convert(set->from, p, (size_t)n, utf32, sizeof utf32);
    if (size > 0) {
      memcpy(out, utf32, (size_t)size);
      *count = size / 4;
      return n;
    }
    if (size < 0 && errno != EINVAL) return -1;
  }
  return -1;
}

int cd_charset_encode(const Charset *set, uint32_t c, uint32_t next, unsigned char out[8])
{
  const CharsetRun *run = next ? NULL : charset_run(set, c, CHARSET_ENCODE);
  if (run) {
    if (run->bytes == CHARSET_NOTHING) return -1;
    uint32_t bytes = run->bytes + (c - run->c);
    int n = bytes > 0xFFFFFF ? 4 : bytes > 0xFFFF ? 3 : bytes > 0xFF ? 2 : 1;
    for (int i = n; i-- > 0; bytes >>= 8) out[i] = (unsigned char)bytes;
    return n;
  }
  uint32_t both[2] = {c, next};
  int n = charset_convert(set->to, both, next ? 8 : 4, out, 8);
  return n > 0 && (!next || n == 2) ? n : -1;    // four bytes: the two did not join
}
