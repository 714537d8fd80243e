// SPDX-License-Identifier: MIT
// multibyte_codecs.c: the codecs of _codecs_cn, _codecs_hk, _codecs_jp, _codecs_kr, _codecs_tw and _codecs_iso2022
#include "modules/multibyte.h"

// ---- one set, as it is ----

static int plain_decode(const MultibyteCodec *codec, MultibyteState *state UNUSED, const unsigned char *p, size_t left, uint32_t out[2],
                        int *count)
{
  return cd_charset_decode(&codec->sets[0], p, left, out, count);
}

static int plain_encode(const MultibyteCodec *codec, MultibyteState *state UNUSED, uint32_t c, uint32_t next, unsigned char out[16])
{
  return cd_charset_encode(&codec->sets[0], c, next, out);
}

// cp932 has two places for 374 characters: rows 13 and 89 to 92, and lead bytes 0xFA to 0xFC. Python writes the former.
static int cp932_encode(const MultibyteCodec *codec, MultibyteState *state UNUSED, uint32_t c, uint32_t next UNUSED, unsigned char out[16])
{
  int n = cd_charset_encode(&codec->sets[0], c, 0, out), count;
  if (n != 2 || out[0] < 0xFA || out[0] > 0xFC) return n;
  for (unsigned lead = 0xED; lead <= 0xEE; lead++) {
    for (unsigned trail = 0x40; trail <= 0xFC; trail++) {
      unsigned char bytes[2] = {(unsigned char)lead, (unsigned char)trail};
      uint32_t there[2];
      if (cd_charset_decode(&codec->sets[0], bytes, 2, there, &count) != 2 || there[0] != c) continue;
      memcpy(out, bytes, 2);
      return 2;
    }
  }
  return n;
}

// ---- JIS X 0213 by row and cell, out of its Shift_JIS form ----

// Two bytes of Shift_JIS-2004 for row and cell (1 to 94) of a plane (1 or 2). false: the plane has no such row.
static bool jisx0213_to_sjis(int plane, unsigned row, unsigned cell, unsigned char out[2])
{
  if (plane == 1) {
    out[0] = (unsigned char)((row + (row <= 62 ? 0x101 : 0x181)) / 2);
  } else {
    if (row > 15 && row < 78) return false;
    if (row == 2 || row == 6 || row == 7 || (row >= 9 && row <= 11)) return false;
    out[0] = (unsigned char)(row >= 78 ? (row + 0x19B) / 2 : (row + 0x1DF) / 2 - row / 8 * 3);
  }
  if (row % 2 == 0) out[1] = (unsigned char)(cell + 0x9E);
  else out[1] = (unsigned char)(cell + (cell <= 63 ? 0x3F : 0x40));
  return true;
}

// The plane, with row and cell, of two bytes of Shift_JIS-2004.
static int jisx0213_from_sjis(const unsigned char in[2], unsigned char *row, unsigned char *cell)
{
  static const unsigned char second_plane[5][2] = {{1, 8}, {3, 4}, {5, 12}, {13, 14}, {15, 78}};
  bool even = in[1] >= 0x9F;
  *cell = (unsigned char)(even ? in[1] - 0x9E : in[1] - (in[1] > 0x7F ? 0x40 : 0x3F));
  if (in[0] >= 0xF0) {
    *row = in[0] <= 0xF4 ? second_plane[in[0] - 0xF0][even] : (unsigned char)(79 + (in[0] - 0xF5) * 2 + even);
    return 2;
  }
  *row = (unsigned char)((in[0] - (in[0] < 0xA0 ? 0x81 : 0xC1)) * 2 + 1 + even);
  return 1;
}

// Row and cell (1 to 94) in bytes with their high bits set or not.
static int jisx0213_decode(const Charset *set, int plane, const unsigned char *p, uint32_t out[2], int *count)
{
  unsigned char bytes[2];
  unsigned row = p[0] & 0x7Fu, cell = p[1] & 0x7Fu;
  if (row < 0x21 || row > 0x7E || cell < 0x21 || cell > 0x7E || !jisx0213_to_sjis(plane, row - 0x20, cell - 0x20, bytes)) return -1;
  return cd_charset_decode(set, bytes, 2, out, count) == 2 ? 2 : -1;
}

// The plane, or -1.
static int jisx0213_encode(const Charset *set, uint32_t c, uint32_t next, unsigned char out[2])
{
  unsigned char bytes[8];
  if (cd_charset_encode(set, c, next, bytes) != 2) return -1;
  int plane = jisx0213_from_sjis(bytes, &out[0], &out[1]);
  out[0] += 0x20;
  out[1] += 0x20;
  return plane;
}

static int euc_jis_decode(const MultibyteCodec *codec, MultibyteState *state UNUSED, const unsigned char *p, size_t left, uint32_t out[2],
                          int *count)
{
  *count = 1;
  if (p[0] < 0x80) { out[0] = p[0]; return 1; }
  if (p[0] == 0x8E) {
    if (left < 2) return 0;
    out[0] = 0xFF61u + (p[1] - 0xA1u);
    return p[1] >= 0xA1 && p[1] <= 0xDF ? 2 : -1;
  }
  int lead = p[0] == 0x8F;
  if (left < (size_t)lead + 2) return 0;
  if (p[lead] < 0xA1 || p[lead + 1] < 0xA1) return -1;
  int n = jisx0213_decode(&codec->sets[0], lead + 1, p + lead, out, count);
  if (n < 0 && lead) return cd_charset_decode(&codec->sets[1], p, 3, out, count);   // JIS X 0212 as before
  return n < 0 ? n : n + lead;
}

static int euc_jis_encode(const MultibyteCodec *codec, MultibyteState *state UNUSED, uint32_t c, uint32_t next, unsigned char out[16])
{
  if (c < 0x80 && !next) { out[0] = (unsigned char)c; return 1; }
  if (c >= 0xFF61 && c <= 0xFF9F && !next) { out[0] = 0x8E; out[1] = (unsigned char)(c - 0xFF61 + 0xA1); return 2; }
  unsigned char bytes[2];
  int plane = jisx0213_encode(&codec->sets[0], c, next, bytes), n = 0;
  if (plane < 0) return !next && cd_charset_encode(&codec->sets[1], c, 0, out) == 3 ? 3 : -1;
  if (plane == 2) out[n++] = 0x8F;
  out[n++] = bytes[0] | 0x80;
  out[n++] = bytes[1] | 0x80;
  return n;
}

// ---- EUC-KR: Hangul syllables beyond KS X 1001 are spelt with four of its letters (annex 3) ----

static const unsigned char hangul_initials[19] = {0xA1, 0xA2, 0xA4, 0xA7, 0xA8, 0xA9, 0xB1, 0xB2, 0xB3, 0xB5,
                                                  0xB6, 0xB7, 0xB8, 0xB9, 0xBA, 0xBB, 0xBC, 0xBD, 0xBE};
static const unsigned char hangul_finals[28] = {0xD4, 0xA1, 0xA2, 0xA3, 0xA4, 0xA5, 0xA6, 0xA7, 0xA9, 0xAA, 0xAB, 0xAC, 0xAD, 0xAE,
                                                0xAF, 0xB0, 0xB1, 0xB2, 0xB4, 0xB5, 0xB6, 0xB7, 0xB8, 0xBA, 0xBB, 0xBC, 0xBD, 0xBE};
enum {
  HANGUL_FIRST = 0xAC00,
  HANGUL_LAST = 0xD7A3,
  HANGUL_LETTERS = 0xA4,
  HANGUL_FILLER = 0xD4,
  HANGUL_VOWEL = 0xBF,
  HANGUL_VOWELS = 21,
  HANGUL_FINALS = 28
};

static int hangul_index(const unsigned char *letters, int count, unsigned char byte)
{
  for (int i = 0; i < count; i++)
    if (letters[i] == byte) return i;
  return -1;
}

static int euc_kr_decode(const MultibyteCodec *codec, MultibyteState *state UNUSED, const unsigned char *p, size_t left, uint32_t out[2],
                         int *count)
{
  if (left < 2 || p[0] != HANGUL_LETTERS || p[1] != HANGUL_FILLER) return cd_charset_decode(&codec->sets[0], p, left, out, count);
  if (left < 8) return 0;
  int initial = hangul_index(hangul_initials, ARRAY_LEN(hangul_initials), p[3]), vowel = p[5] - HANGUL_VOWEL;
  int final = hangul_index(hangul_finals, ARRAY_LEN(hangul_finals), p[7]);
  if (p[2] != HANGUL_LETTERS || p[4] != HANGUL_LETTERS || p[6] != HANGUL_LETTERS || initial < 0 || vowel < 0 || vowel >= HANGUL_VOWELS ||
      final < 0)
    return -1;
  out[0] = (uint32_t)(HANGUL_FIRST + (initial * HANGUL_VOWELS + vowel) * HANGUL_FINALS + final);
  *count = 1;
  return 8;
}

static int euc_kr_encode(const MultibyteCodec *codec, MultibyteState *state UNUSED, uint32_t c, uint32_t next UNUSED, unsigned char out[16])
{
  int n = cd_charset_encode(&codec->sets[0], c, 0, out);
  if (n > 0 || c < HANGUL_FIRST || c > HANGUL_LAST) return n;
  unsigned i = c - HANGUL_FIRST;
  out[0] = out[2] = out[4] = out[6] = HANGUL_LETTERS;
  out[1] = HANGUL_FILLER;
  out[3] = hangul_initials[i / (HANGUL_VOWELS * HANGUL_FINALS)];
  out[5] = (unsigned char)(HANGUL_VOWEL + i / HANGUL_FINALS % HANGUL_VOWELS);
  out[7] = hangul_finals[i % HANGUL_FINALS];
  return 8;
}

// ---- HZ (RFC 1843): GB 2312 between ~{ and ~} ----

enum { HZ_GB = 1 };                              // in c[0]

static int hz_decode(const MultibyteCodec *codec, MultibyteState *state, const unsigned char *p, size_t left, uint32_t out[2], int *count)
{
  *count = 1;
  if (p[0] == '~') {
    if (left < 2) return 0;
    out[0] = '~';
    if (p[1] == '~' && !state->c[0]) return 2;
    *count = 0;
    if (p[1] == '{' && !state->c[0]) state->c[0] = HZ_GB;
    else if (p[1] == '}' && state->c[0]) state->c[0] = 0;
    else if (p[1] != '\n' || state->c[0]) return -1;
    return 2;
  }
  if (p[0] & 0x80) return -1;
  if (!state->c[0] || p[0] == '\n') {            // a line ends in ASCII
    state->c[0] = 0;
    out[0] = p[0];
    return 1;
  }
  if (left < 2) return 0;
  unsigned char bytes[2] = {p[0] | 0x80, p[1] | 0x80};
  return !(p[1] & 0x80) && cd_charset_decode(&codec->sets[0], bytes, 2, out, count) == 2 ? 2 : -1;
}

static int hz_encode(const MultibyteCodec *codec, MultibyteState *state, uint32_t c, uint32_t next UNUSED, unsigned char out[16])
{
  int n = 0;
  unsigned char bytes[8];
  if (c >= 0x80 && cd_charset_encode(&codec->sets[0], c, 0, bytes) != 2) return -1;
  if (state->c[0] != (c >= 0x80 ? HZ_GB : 0)) {
    out[n++] = '~';
    out[n++] = c >= 0x80 ? '{' : '}';
    state->c[0] = c >= 0x80 ? HZ_GB : 0;
  }
  if (c == '~') out[n++] = '~';
  if (c >= 0x80) out[n++] = bytes[0] & 0x7F;
  out[n++] = c >= 0x80 ? bytes[1] & 0x7F : (unsigned char)c;
  return n;
}

static int hz_reset(MultibyteState *state, unsigned char out[8])
{
  if (!state->c[0]) return 0;
  state->c[0] = 0;
  memcpy(out, "~}", 2);
  return 2;
}

// ---- ISO 2022 ----

// State: what is designated to G0, G1 and G2, by the final byte of the escape sequence, with the high bit set for sets of two bytes; and
// whether SO is in force. 'B' is ASCII.
enum { ISO_G0, ISO_G1, ISO_G2, ISO_SHIFTED = 4 };
enum { ESC = 0x1B, SO = 0x0E, SI = 0x0F };
typedef enum {
  ISO_ASCII = 'B',
  ISO_JISX0208 = 'B' | 0x80,
  ISO_JISX0208_OLD = '@' | 0x80,
  ISO_JISX0212 = 'D' | 0x80,
  ISO_GB2312 = 'A' | 0x80,
  ISO_KSX1001 = 'C' | 0x80,
  ISO_JISX0213_2000_1 = 'O' | 0x80,
  ISO_JISX0213_2 = 'P' | 0x80,
  ISO_JISX0213_2004_1 = 'Q' | 0x80,
  ISO_JISX0201_R = 'J',
  ISO_JISX0201_K = 'I',
  ISO_LATIN1 = 'A',
  ISO_GREEK = 'F'
} IsoMark;
// The letters of MultibyteSpec.designations. Sets without an escape sequence are only decoded.
static const struct { char letter; unsigned char mark, group; const char *escape;
} iso_designations[] = {
  {'B', ISO_JISX0208, ISO_G0, "$B"},
  {'@', ISO_JISX0208_OLD, ISO_G0, "$@"},
  {'D', ISO_JISX0212, ISO_G0, "$(D"},
  {'A', ISO_GB2312, ISO_G0, "$(A"},
  {'C', ISO_KSX1001, ISO_G0, "$(C"},
  {'c', ISO_KSX1001, ISO_G1, "$)C"},
  {'O', ISO_JISX0213_2000_1, ISO_G0, "$(O"},
  {'P', ISO_JISX0213_2, ISO_G0, "$(P"},
  {'Q', ISO_JISX0213_2004_1, ISO_G0, "$(Q"},
  {'j', ISO_JISX0201_R, ISO_G0, "(J"},
  {'i', ISO_JISX0201_K, ISO_G0, "(I"},
  {'a', ISO_LATIN1, ISO_G2, NULL},
  {'f', ISO_GREEK, ISO_G2, NULL},
};
enum { ISO_SET_JP, ISO_SET_KR, ISO_SET_CN, ISO_SET_JISX0213 = 1, ISO_SET_GREEK = 3 };   // of MultibyteSpec.sets

// Bytes of `c` in the set (without high bits) or -1.
static int iso_encode_in(const MultibyteCodec *codec, IsoMark mark, uint32_t c, uint32_t next, unsigned char out[8])
{
  unsigned char bytes[8];
  int n, plane;
  if (next && mark != ISO_JISX0213_2000_1 && mark != ISO_JISX0213_2004_1 && mark != ISO_JISX0213_2) return -1;
  switch (mark) {
  case ISO_JISX0208: case ISO_JISX0208_OLD: case ISO_JISX0212:
    n = cd_charset_encode(&codec->sets[ISO_SET_JP], c, 0, bytes);
    if (n != (mark == ISO_JISX0212 ? 3 : 2) || bytes[0] == 0x8E) return -1;
    out[0] = bytes[n - 2] & 0x7F;
    out[1] = bytes[n - 1] & 0x7F;
    return 2;
  case ISO_GB2312: case ISO_KSX1001:
    if (cd_charset_encode(&codec->sets[mark == ISO_GB2312 ? ISO_SET_CN : ISO_SET_KR], c, 0, bytes) != 2) return -1;
    out[0] = bytes[0] & 0x7F;
    out[1] = bytes[1] & 0x7F;
    return 2;
  case ISO_JISX0213_2000_1: case ISO_JISX0213_2004_1: case ISO_JISX0213_2:
    if (c == 0xFF5E) return -1;                  // Python's codec leaves the full-width tilde out here
    plane = jisx0213_encode(&codec->sets[ISO_SET_JISX0213], c, next, out);
    return plane == (mark == ISO_JISX0213_2 ? 2 : 1) ? 2 : -1;
  case ISO_JISX0201_R:
    if (c != 0xA5 && c != 0x203E) return -1;
    out[0] = c == 0xA5 ? 0x5C : 0x7E;
    return 1;
  case ISO_JISX0201_K:
    if (c < 0xFF61 || c > 0xFF9F) return -1;
    out[0] = (unsigned char)(c - 0xFF61 + 0x21);
    return 1;
  default: return -1;
  }
}

static int iso_decode_in(const MultibyteCodec *codec, unsigned char mark, const unsigned char *p, size_t left, uint32_t out[2], int *count)
{
  *count = 1;
  unsigned char bytes[3] = {0x8F, p[0] | 0x80, left > 1 ? p[1] | 0x80 : 0};
  switch ((IsoMark)mark) {
  case ISO_JISX0201_R: out[0] = p[0] == 0x5C ? 0xA5 : p[0] == 0x7E ? 0x203E : p[0]; return 1;
  case ISO_JISX0201_K: out[0] = 0xFF61u + (p[0] - 0x21u); return p[0] >= 0x21 && p[0] <= 0x5F ? 1 : -1;
  default: break;
  }
  if (left < 2) return 0;
  if (p[1] & 0x80) return -1;
  switch ((IsoMark)mark) {
  case ISO_JISX0208: case ISO_JISX0208_OLD: return cd_charset_decode(&codec->sets[ISO_SET_JP], bytes + 1, 2, out, count) == 2 ? 2 : -1;
  case ISO_JISX0212: return cd_charset_decode(&codec->sets[ISO_SET_JP], bytes, 3, out, count) == 3 ? 2 : -1;
  case ISO_GB2312: return cd_charset_decode(&codec->sets[ISO_SET_CN], bytes + 1, 2, out, count) == 2 ? 2 : -1;
  case ISO_KSX1001: return cd_charset_decode(&codec->sets[ISO_SET_KR], bytes + 1, 2, out, count) == 2 ? 2 : -1;
  case ISO_JISX0213_2000_1: case ISO_JISX0213_2004_1: return jisx0213_decode(&codec->sets[ISO_SET_JISX0213], 1, p, out, count);
  case ISO_JISX0213_2: return jisx0213_decode(&codec->sets[ISO_SET_JISX0213], 2, p, out, count);
  default: return -1;
  }
}

static bool iso_allows(const MultibyteCodec *codec, unsigned mark)
{
  for (size_t i = 0; i < ARRAY_LEN(iso_designations); i++)
    if (iso_designations[i].mark == mark && strchr(codec->spec->designations, iso_designations[i].letter)) return true;
  return mark == ISO_ASCII;
}

// ESC N: one character of G2.
static int iso_decode_single(const MultibyteCodec *codec, const MultibyteState *state, const unsigned char *p, size_t left, uint32_t out[2],
                             int *count)
{
  if (state->c[ISO_G2] != ISO_LATIN1 && state->c[ISO_G2] != ISO_GREEK) {
    *count = 0;                                  // nothing is there
    return 2;
  }
  if (left < 3) return 0;
  if (p[2] < 0x20 || p[2] > 0x7F) return -1;
  unsigned char byte = p[2] | 0x80;
  *count = 1;
  out[0] = byte;
  if (state->c[ISO_G2] == ISO_GREEK) return cd_charset_decode(&codec->sets[ISO_SET_GREEK], &byte, 1, out, count) == 1 ? 3 : -1;
  return 3;
}

// An escape sequence; changes the state. One that designates nothing known is an error as a whole.
static int iso_decode_escape(const MultibyteCodec *codec, MultibyteState *state, const unsigned char *p, size_t left, uint32_t out[2],
                             int *count)
{
  enum { LONGEST = 16 };
  bool single_shift = strchr(codec->spec->designations, 'a');
  if (left < 2) return 0;
  if (p[1] == 'N' && single_shift) return iso_decode_single(codec, state, p, left, out, count);
  if (!p[1] || !strchr("()$.&", p[1])) {         // not for us
    *count = 1;
    return 1;
  }
  size_t size = 1;
  do {
    if (size >= left) return 0;
    if (size >= LONGEST) return -1;
  } while (!((p[size] >= 'A' && p[size] <= 'Z') || p[size] == '@') && size++);
  size++;
  bool wide = p[1] == '$';
  char group = wide && size == 4 ? (char)p[2] : wide ? '(' : (char)p[1];
  unsigned mark = p[size - 1] | (wide ? 0x80u : 0);
  bool fits = wide ? size == 4 || (size == 3 && strchr("@AB", p[2])) : size == 3;
  if (p[1] == '&' && size == 3 && p[2] == '@') { // announces a revision of JIS X 0208, which is designated next
    if (left < 6) return 0;
    if (memcmp(p + 3, "\x1b$B", 3) != 0) return -3;
    size = 6;
    group = '(';
    mark = ISO_JISX0208;
  }
  if (!fits || !iso_allows(codec, mark) || (group == '.' && !single_shift) || !strchr("().", group)) return -(int)size;
  state->c[group == '(' ? ISO_G0 : group == ')' ? ISO_G1 : ISO_G2] = (unsigned char)mark;
  *count = 0;
  return (int)size;
}

static int iso_decode(const MultibyteCodec *codec, MultibyteState *state, const unsigned char *p, size_t left, uint32_t out[2], int *count)
{
  bool shifts = strchr(codec->spec->designations, 'c');
  *count = 1;
  out[0] = p[0];
  if (p[0] == ESC) return iso_decode_escape(codec, state, p, left, out, count);
  if (shifts && (p[0] == SO || p[0] == SI)) {
    *count = 0;
    state->c[ISO_SHIFTED] = p[0] == SO;
    return 1;
  }
  if (p[0] == '\n') state->c[ISO_SHIFTED] = 0;
  if (p[0] & 0x80) return -1;
  unsigned char mark = state->c[state->c[ISO_SHIFTED] ? ISO_G1 : ISO_G0];
  return p[0] < 0x20 || mark == ISO_ASCII ? 1 : iso_decode_in(codec, mark, p, left, out, count);
}

// What must be in force before a character of the designation.
static int iso_put_designation(size_t which, MultibyteState *state, unsigned char *out)
{
  int n = 0, group = iso_designations[which].group;
  if (group == ISO_G0 && state->c[ISO_SHIFTED]) {
    out[n++] = SI;
    state->c[ISO_SHIFTED] = 0;
  }
  if (state->c[group] != iso_designations[which].mark) {
    size_t size = strlen(iso_designations[which].escape);
    out[n++] = ESC;
    memcpy(out + n, iso_designations[which].escape, size);
    n += (int)size;
    state->c[group] = iso_designations[which].mark;
  }
  if (group == ISO_G1 && !state->c[ISO_SHIFTED]) {
    out[n++] = SO;
    state->c[ISO_SHIFTED] = 1;
  }
  return n;
}

static int iso_reset(MultibyteState *state, unsigned char out[8])
{
  int n = 0;
  if (state->c[ISO_SHIFTED]) out[n++] = SI;
  if (state->c[ISO_G0] != ISO_ASCII) {
    memcpy(out + n, "\x1b(B", 3);
    n += 3;
  }
  state->c[ISO_SHIFTED] = 0;
  state->c[ISO_G0] = ISO_ASCII;
  return n;
}

static int iso_encode(const MultibyteCodec *codec, MultibyteState *state, uint32_t c, uint32_t next, unsigned char out[16])
{
  if (c < 0x80 && !next) {
    int n = iso_reset(state, out);
    out[n++] = (unsigned char)c;
    return n;
  }
  for (const char *letter = codec->spec->designations; *letter; letter++) {
    for (size_t i = 0; i < ARRAY_LEN(iso_designations); i++) {
      unsigned char bytes[8];
      if (iso_designations[i].letter != *letter || !iso_designations[i].escape) continue;
      int size = iso_encode_in(codec, (IsoMark)iso_designations[i].mark, c, next, bytes);
      if (size < 0) continue;
      int n = iso_put_designation(i, state, out);
      memcpy(out + n, bytes, (size_t)size);
      return n + size;
    }
  }
  return -1;
}

// ---- the sets, and where Python's tables differ from the C library's ----

#include "modules/multibyte_runs.h"

static const CharsetSpec set_gb2312 = {"EUC-CN", NULL}, set_gbk = {"GBK", runs_gbk}, set_gb18030 = {"GB18030", runs_gb18030},
                         set_big5hkscs = {"BIG5-HKSCS", runs_big5hkscs}, set_shift_jis = {"SJIS", runs_shift_jis},
                         set_cp932 = {"CP932", runs_cp932}, set_euc_jp = {"EUC-JP", runs_euc_jp},
                         set_euc_jp_2000 = {"EUC-JP", runs_euc_jp_2000}, set_sjis2004 = {"SHIFT_JISX0213", runs_shift_jis_2004},
                         set_sjisx0213 = {"SHIFT_JISX0213", runs_shift_jisx0213}, set_jis2004 = {"SHIFT_JISX0213", runs_euc_jis_2004},
                         set_jisx0213 = {"SHIFT_JISX0213", runs_euc_jisx0213}, set_euc_kr = {"EUC-KR", runs_euc_kr},
                         set_cp949 = {"UHC", NULL}, set_johab = {"JOHAB", runs_johab}, set_big5 = {"BIG5", runs_big5},
                         set_cp950 = {"BIG5", runs_cp950}, set_greek = {"ISO-8859-7", NULL};

#define PLAIN(name, set) {name, {set}, plain_decode, plain_encode, NULL, NULL, PAIRS_NONE, true, {{0}}, {{0}}}
const MultibyteSpec cd_multibyte_cn[] = {
  PLAIN("gb2312", &set_gb2312),
  PLAIN("gbk", &set_gbk),
  PLAIN("gb18030", &set_gb18030),
  {"hz", {&set_gb2312}, hz_decode, hz_encode, hz_reset, NULL, PAIRS_NONE, false, {{0}}, {{0}}},
  {0},
};
const MultibyteSpec cd_multibyte_hk[] = {
  {"big5hkscs", {&set_big5hkscs}, plain_decode, plain_encode, NULL, NULL, PAIRS_HKSCS, true, {{0}}, {{0}}}, {0}};
const MultibyteSpec cd_multibyte_jp[] = {
  PLAIN("shift_jis", &set_shift_jis),
  {"cp932", {&set_cp932}, plain_decode, cp932_encode, NULL, NULL, PAIRS_NONE, true, {{0}}, {{0}}},
  PLAIN("euc_jp", &set_euc_jp),
  {"shift_jis_2004", {&set_sjis2004}, plain_decode, plain_encode, NULL, NULL, PAIRS_JISX0213, false, {{0}}, {{0}}},
  {"euc_jis_2004", {&set_jis2004, &set_euc_jp}, euc_jis_decode, euc_jis_encode, NULL, NULL, PAIRS_JISX0213, true, {{0}}, {{0}}},
  {"shift_jisx0213", {&set_sjisx0213}, plain_decode, plain_encode, NULL, NULL, PAIRS_JISX0213, false, {{0}}, {{0}}},
  {"euc_jisx0213", {&set_jisx0213, &set_euc_jp_2000}, euc_jis_decode, euc_jis_encode, NULL, NULL, PAIRS_JISX0213, true, {{0}}, {{0}}},
  {0},
};
const MultibyteSpec cd_multibyte_kr[] = {
  {"euc_kr", {&set_euc_kr}, euc_kr_decode, euc_kr_encode, NULL, NULL, PAIRS_NONE, true, {{0}}, {{0}}},
  PLAIN("cp949", &set_cp949),
  PLAIN("johab", &set_johab),
  {0},
};
const MultibyteSpec cd_multibyte_tw[] = {PLAIN("big5", &set_big5), PLAIN("cp950", &set_cp950), {0}};
#define ISO(name, sets, designations, pairs)                                                             \
  {                                                                                                      \
    name, sets, iso_decode, iso_encode, iso_reset, designations, pairs, false, {{ISO_ASCII, ISO_ASCII}}, \
    {                                                                                                    \
      {                                                                                                  \
        ISO_ASCII, ISO_ASCII, ISO_ASCII                                                                  \
      }                                                                                                  \
    }                                                                                                    \
  }
#define SETS(...) {__VA_ARGS__}
const MultibyteSpec cd_multibyte_iso2022[] = {
  ISO("iso2022_kr", SETS(NULL, &set_euc_kr), "c", PAIRS_NONE),
  ISO("iso2022_jp", SETS(&set_euc_jp), "Bj@", PAIRS_NONE),
  ISO("iso2022_jp_1", SETS(&set_euc_jp), "BDj@", PAIRS_NONE),
  ISO("iso2022_jp_2", SETS(&set_euc_jp, &set_euc_kr, &set_gb2312, &set_greek), "BDCAj@af", PAIRS_NONE),
  ISO("iso2022_jp_2004", SETS(&set_euc_jp, &set_jis2004), "BQP", PAIRS_JISX0213),
  ISO("iso2022_jp_3", SETS(&set_euc_jp, &set_jisx0213), "BOP", PAIRS_JISX0213),
  ISO("iso2022_jp_ext", SETS(&set_euc_jp), "BDji@", PAIRS_NONE),
  {0},
};
