// SPDX-License-Identifier: MIT
// multibyte.h: the East Asian codecs: tables over iconv(3), escape sequences, and what _multibytecodec shares with the _codecs_* modules
#ifndef CEDE_MODULES_MULTIBYTE_H
#define CEDE_MODULES_MULTIBYTE_H

#include "core/vm.h"

#include <iconv.h>

// ---- character sets over iconv ----

#define CHARSET_NOTHING UINT32_MAX
enum { CHARSET_DECODE = 1, CHARSET_ENCODE = 2, CHARSET_BOTH = 3 };
// Where Python's codec and the C library's differ: `count` sequences from `bytes` on (big-endian, so 0x8F.... has three bytes) stand for
// code points from `c` on. Either may be CHARSET_NOTHING: then these are not encodable, or illegal.
typedef struct CharsetRun { uint32_t bytes, c; uint16_t count; uint8_t how; } CharsetRun;
typedef struct CharsetSpec {
  const char *iconv_name;
  const CharsetRun *runs;                        // up to a count of 0; NULL: none
} CharsetSpec;
typedef struct Charset {
  const CharsetSpec *spec;
  iconv_t from, to;
} Charset;

MUST_USE bool cd_charset_open(Charset *set, const CharsetSpec *spec);   // false: the C library doesn't have it
void cd_charset_close(Charset *set);
// Length of the sequence at p, with *count code points in out; 0: incomplete; -1: illegal.
int cd_charset_decode(const Charset *set, const unsigned char *p, size_t left, uint32_t out[2], int *count);
// Length of what stands for c (followed by `next` when that isn't 0) in out; -1: nothing does.
int cd_charset_encode(const Charset *set, uint32_t c, uint32_t next, unsigned char out[8]);

// ---- codecs ----

typedef struct MultibyteState { unsigned char c[8]; } MultibyteState;
typedef struct MultibyteCodec MultibyteCodec;
typedef enum { PAIRS_NONE, PAIRS_JISX0213, PAIRS_HKSCS } MultibytePairs;
typedef struct MultibyteSpec {
  const char *name;
  const CharsetSpec *sets[4];                    // what its functions convert with
  // As cd_charset_decode; *count 0 is an escape sequence; -n: n bytes are illegal.
  int (*decode)(const MultibyteCodec *codec, MultibyteState *state, const unsigned char *p, size_t left, uint32_t out[2], int *count);
  int (*encode)(const MultibyteCodec *codec, MultibyteState *state, uint32_t c, uint32_t next, unsigned char out[16]);
  int (*reset)(MultibyteState *state, unsigned char out[8]);   // back to the initial state; NULL: there is no other
  const char *designations;                      // of ISO 2022: marks in the order in which encoding tries them
  MultibytePairs pairs;                          // code points that together are one character
  bool plain_ascii;                              // bytes below 0x80 are ASCII at any time
  MultibyteState initial, decode_initial;
} MultibyteSpec;

struct MultibyteCodec {
  Object head;
  const MultibyteSpec *spec;
  MultibyteCodec *next, **link;                  // all that live in the VM: the C library's converters are not in its memory
  Charset sets[4];
};

extern const MultibyteSpec cd_multibyte_cn[], cd_multibyte_hk[], cd_multibyte_jp[], cd_multibyte_kr[], cd_multibyte_tw[],
  cd_multibyte_iso2022[];
Type *cd_multibyte_codec_type(VM *vm);           // of what getcodec() returns; borrowed. NULL: exception set

#endif
