// SPDX-License-Identifier: MIT
// codec_utf.c: UTF-8, UTF-16, UTF-32, UTF-7
#include "objects/codec_frames.h"

static inline bool utf_is_surrogate(uint32_t c) { return c >= 0xD800 && c <= 0xDFFF; }
static inline bool utf_is_high(uint32_t c) { return c >= 0xD800 && c <= 0xDBFF; }
static inline bool utf_is_low(uint32_t c) { return c >= 0xDC00 && c <= 0xDFFF; }
static inline uint32_t utf_join(uint32_t high, uint32_t low) { return 0x10000 + ((high - 0xD800) << 10 | (low - 0xDC00)); }

// ---- UTF-8 ----

static PutResult utf8_put(Encoder *e, uint32_t c)
{
  if (utf_is_surrogate(c)) return PUT_REFUSED;
  char *out = cd_byte_builder_reserve(&e->out, 4);
  if (!out) return PUT_ERROR;
  e->out.size += (size_t)cd_utf8_put(out, c);
  return PUT_DONE;
}

Ref cd_utf8_encode(VM *vm, Value text, const char *errors)
{
  if (!cd_str_has_surrogates(text)) return cd_bytes_new(vm, cd_str_data(text), cd_str_size(text));
  Encoder e = {.vm = vm,
               .text = text,
               .encoding = "utf-8",
               .errors = errors,
               .reason = "surrogates not allowed",
               .put = utf8_put,
               .unit = 1,
               .ascii_text = true};
  cd_byte_builder_init(&e.out, vm);
  return cd_encoder_run(&e);
}

// Length a lead byte promises, 0 for none; and the range of the byte after it.
static int utf8_promise(unsigned char lead, unsigned char *low, unsigned char *high)
{
  *low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
  *high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
  return lead < 0xC2 ? 0 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : lead < 0xF5 ? 4 : 0;
}

// Bytes of the bad sequence at p: the longest beginning of a good one (at least 1). *cut: it is good so far but input ends.
static size_t utf8_bad_length(const unsigned char *p, size_t left, bool *cut, bool *lead_ok)
{
  unsigned char low, high;
  size_t promised = (size_t)utf8_promise(*p, &low, &high), n = 1;
  *lead_ok = promised > 0;
  while (n < promised && n < left && p[n] >= low && p[n] <= high) {
    n++;
    low = 0x80;
    high = 0xBF;
  }
  *cut = promised && n == left && n < promised;
  return n;
}

Ref cd_utf8_decode(VM *vm, const char *data, size_t size, const char *errors, bool final, size_t *taken)
{
  size_t count;
  bool ascii;
  size_t good = cd_utf8_check(data, size, false, &count, &ascii, NULL);
  if (LIKELY(good == size)) {
    if (taken) *taken = size;
    return cd_str_known(vm, data, size, count);
  }
  Decoder d;
  cd_decoder_init(&d, vm, "utf-8", data, size, errors);
  bool ok = true;
  while (ok && d.pos < d.size) {
    good = cd_utf8_check(d.data + d.pos, d.size - d.pos, false, &count, &ascii, NULL);
    if (good && !cd_text_put(&d.out, d.data + d.pos, good)) { ok = false; break; }
    d.pos += good;
    if (d.pos == d.size) break;
    bool cut, lead_ok;
    size_t bad = utf8_bad_length((const unsigned char *)d.data + d.pos, d.size - d.pos, &cut, &lead_ok);
    if (cut && !final) break;
    // Two bytes of a surrogate may become three, which the handler surrogatepass would take.
    const unsigned char *p = (const unsigned char *)d.data + d.pos;
    if (!final && d.size - d.pos == 2 && p[0] == 0xED && p[1] >= 0xA0 && p[1] <= 0xBF) break;
    ok = cd_decoder_error(&d, d.pos, d.pos + bad,
                          !lead_ok ? "invalid start byte"
                          : cut    ? "unexpected end of data"
                                   : "invalid continuation byte");
  }
  return cd_decoder_finish(&d, ok, taken);
}

// ---- UTF-16 and UTF-32 ----

static bool utf_native_big(void) { return ((const union { uint16_t i; char c[2]; }){0x0102}).c[0] == 1; }

static inline void utf_store(char *out, uint32_t unit, int size, int order)
{
  for (int i = 0; i < size; i++) out[order < 0 ? i : size - 1 - i] = (char)(unit >> (8 * i));
}

static inline uint32_t utf_load(const char *p, int size, int order)
{
  uint32_t unit = 0;
  for (int i = 0; i < size; i++) unit |= (uint32_t)(unsigned char)p[order < 0 ? i : size - 1 - i] << (8 * i);
  return unit;
}

static PutResult utf16_put(Encoder *e, uint32_t c)
{
  if (utf_is_surrogate(c)) return PUT_REFUSED;
  char *out = cd_byte_builder_reserve(&e->out, 4);
  if (!out) return PUT_ERROR;
  if (c < 0x10000) {
    utf_store(out, c, 2, e->order);
    e->out.size += 2;
  } else {
    utf_store(out, 0xD800 + ((c - 0x10000) >> 10), 2, e->order);
    utf_store(out + 2, 0xDC00 + ((c - 0x10000) & 0x3FF), 2, e->order);
    e->out.size += 4;
  }
  return PUT_DONE;
}

static PutResult utf32_put(Encoder *e, uint32_t c)
{
  if (utf_is_surrogate(c)) return PUT_REFUSED;
  char *out = cd_byte_builder_reserve(&e->out, 4);
  if (!out) return PUT_ERROR;
  utf_store(out, c, 4, e->order);
  e->out.size += 4;
  return PUT_DONE;
}

static Ref utf_encode_wide(VM *vm, Value text, const char *errors, int order, unsigned unit)
{
  static const char *const names[2][3] = {{"utf-16-le", "utf-16", "utf-16-be"}, {"utf-32-le", "utf-32", "utf-32-be"}};
  Encoder e = {.vm = vm,
               .text = text,
               .encoding = names[unit == 4][order + 1],
               .errors = errors,
               .reason = "surrogates not allowed",
               .put = unit == 2 ? utf16_put : utf32_put,
               .single = true,
               .ascii_text = true,
               .unit = unit,
               .order = order              ? order
                        : utf_native_big() ? 1
                                           : -1};
  cd_byte_builder_init(&e.out, vm);
  char mark[4];
  utf_store(mark, 0xFEFF, (int)unit, e.order);
  if ((order == 0 && !cd_byte_builder_put(&e.out, mark, unit)) || !cd_byte_builder_reserve(&e.out, cd_str_length(text) * unit))
    return NO_REF;
  return cd_encoder_run(&e);
}

Ref cd_utf16_encode(VM *vm, Value text, const char *errors, int order) { return utf_encode_wide(vm, text, errors, order, 2); }
Ref cd_utf32_encode(VM *vm, Value text, const char *errors, int order) { return utf_encode_wide(vm, text, errors, order, 4); }

// Reads a byte order mark when the order is open. False: too few bytes to tell.
static void utf_read_mark(Decoder *d, int unit, int *order)
{
  if (*order == 0 && d->size >= (size_t)unit) {
    if (utf_load(d->data, unit, -1) == 0xFEFF) { *order = -1; d->pos = (size_t)unit; }
    else if (utf_load(d->data, unit, 1) == 0xFEFF) { *order = 1; d->pos = (size_t)unit; }
  }
}

static bool utf16_decode_loop(Decoder *d, int order, bool final)
{
  while (d->pos < d->size) {
    const char *p = d->data + d->pos;
    size_t left = d->size - d->pos;
    if (left == 1) {
      if (!final) return true;
      if (!cd_decoder_error(d, d->pos, d->pos + 1, "truncated data")) return false;
      continue;
    }
    uint32_t c = utf_load(p, 2, order);
    if (LIKELY(!utf_is_surrogate(c))) {
      if (!cd_text_char(&d->out, c)) return false;
      d->pos += 2;
      continue;
    }
    if (utf_is_low(c)) {
      if (!cd_decoder_error(d, d->pos, d->pos + 2, "illegal encoding")) return false;
      continue;
    }
    if (left < 4) {
      if (!final) return true;
      if (!cd_decoder_error(d, d->pos, d->size, "unexpected end of data")) return false;
      continue;
    }
    uint32_t low = utf_load(p + 2, 2, order);
    if (utf_is_low(low)) {
      if (!cd_text_char(&d->out, utf_join(c, low))) return false;
      d->pos += 4;
    } else if (!cd_decoder_error(d, d->pos, d->pos + 2, "illegal UTF-16 surrogate")) {
      return false;
    }
  }
  return true;
}

static bool utf32_decode_loop(Decoder *d, int order, bool final)
{
  while (d->pos < d->size) {
    if (d->size - d->pos < 4) {
      if (!final) return true;
      if (!cd_decoder_error(d, d->pos, d->size, "truncated data")) return false;
      continue;
    }
    uint32_t c = utf_load(d->data + d->pos, 4, order);
    const char *reason = c > 0x10FFFF ? "code point not in range(0x110000)" :
                         utf_is_surrogate(c) ? "code point in surrogate code point range(0xd800, 0xe000)" : NULL;
    if (reason ? !cd_decoder_error(d, d->pos, d->pos + 4, reason) : !cd_text_char(&d->out, c)) return false;
    if (!reason) d->pos += 4;
  }
  return true;
}

static Ref utf_decode_wide(VM *vm, const char *data, size_t size, const char *errors, int *order, bool final, size_t *taken, int unit)
{
  static const char *const names[2][2] = {{"utf-16-le", "utf-16-be"}, {"utf-32-le", "utf-32-be"}};
  int open = order ? *order : 0;
  Decoder d;
  cd_decoder_init(&d, vm, NULL, data, size, errors);
  utf_read_mark(&d, unit, &open);
  if (order) *order = open;
  if (open == 0) open = utf_native_big() ? 1 : -1;
  d.encoding = names[unit == 4][open > 0];
  bool ok = unit == 2 ? utf16_decode_loop(&d, open, final) : utf32_decode_loop(&d, open, final);
  return cd_decoder_finish(&d, ok, taken);
}

Ref cd_utf16_decode(VM *vm, const char *data, size_t size, const char *errors, int *order, bool final, size_t *taken)
{
  return utf_decode_wide(vm, data, size, errors, order, final, taken, 2);
}
Ref cd_utf32_decode(VM *vm, const char *data, size_t size, const char *errors, int *order, bool final, size_t *taken)
{
  return utf_decode_wide(vm, data, size, errors, order, final, taken, 4);
}

// ---- UTF-7 (RFC 2152) ----

static const char utf7_base64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static int utf7_value(unsigned char c)
{
  const char *at = c ? strchr(utf7_base64, c) : NULL;
  return at ? (int)(at - utf7_base64) : -1;
}

// Written as it is: RFC's sets D and O, and white space.
static bool utf7_is_direct(uint32_t c)
{
  if (c == '\t' || c == '\n' || c == '\r') return true;
  return c >= ' ' && c < 0x7F && c != '+' && c != '\\' && c != '~';
}

typedef struct Utf7Encoder { ByteBuilder out; bool shifted; uint32_t bits; int count; } Utf7Encoder;

static bool utf7_put_unit(Utf7Encoder *e, uint32_t unit)
{
  e->bits = e->bits << 16 | unit;
  for (e->count += 16; e->count >= 6; e->count -= 6)
    if (!cd_byte_builder_byte(&e->out, (unsigned char)utf7_base64[e->bits >> (e->count - 6) & 63])) return false;
  return true;
}

// Writes the last bits of a base64 run.
static bool utf7_flush(Utf7Encoder *e)
{
  if (e->count && !cd_byte_builder_byte(&e->out, (unsigned char)utf7_base64[e->bits << (6 - e->count) & 63])) return false;
  e->bits = 0;
  e->count = 0;
  return true;
}

static bool utf7_put(Utf7Encoder *e, uint32_t c)
{
  if (utf7_is_direct(c)) {
    if (e->shifted) {
      if (!utf7_flush(e)) return false;
      e->shifted = false;
      if ((utf7_value((unsigned char)c) >= 0 || c == '-') && !cd_byte_builder_byte(&e->out, '-')) return false;
    }
    return cd_byte_builder_byte(&e->out, c);
  }
  if (!e->shifted) {
    if (c == '+') return cd_byte_builder_put(&e->out, "+-", 2);
    if (!cd_byte_builder_byte(&e->out, '+')) return false;
    e->shifted = true;
  }
  if (c < 0x10000) return utf7_put_unit(e, c);
  return utf7_put_unit(e, 0xD800 + ((c - 0x10000) >> 10)) && utf7_put_unit(e, 0xDC00 + ((c - 0x10000) & 0x3FF));
}

Ref cd_utf7_encode(VM *vm, Value text, const char *errors)
{
  Utf7Encoder e = {.shifted = false};
  cd_byte_builder_init(&e.out, vm);
  bool ok = true;
  for (const char *p = cd_str_data(text), *end = p + cd_str_size(text); ok && p < end;) ok = utf7_put(&e, cd_utf8_next(&p));
  if (ok) ok = utf7_flush(&e) && (!e.shifted || cd_byte_builder_byte(&e.out, '-'));
  if (ok) return cd_byte_builder_finish(&e.out);
  cd_byte_builder_clear(&e.out);
  return NO_REF;
}

typedef struct Utf7Decoder {
  Decoder d;
  bool shifted;
  uint32_t bits, high;                           // high: surrogate that waits for its other half
  int count;
  size_t shift_start;                            // of the input: the '+'
  size_t kept_size, kept_length;                 // of the output: where the shifted run began
  bool kept_ascii;
} Utf7Decoder;

static bool utf7_take_unit(Utf7Decoder *u, uint32_t unit)
{
  if (u->high) {
    uint32_t high = u->high;
    u->high = 0;
    if (utf_is_low(unit)) return cd_text_char(&u->d.out, utf_join(high, unit));
    if (!cd_text_char(&u->d.out, high)) return false;
  }
  if (!utf_is_high(unit)) return cd_text_char(&u->d.out, unit);
  u->high = unit;
  return true;
}

// A byte inside a base64 run.
static bool utf7_take_shifted(Utf7Decoder *u, unsigned char c)
{
  int value = utf7_value(c);
  if (value >= 0) {
    u->d.pos++;
    u->bits = u->bits << 6 | (uint32_t)value;
    u->count += 6;
    if (u->count < 16) return true;
    u->count -= 16;
    uint32_t unit = u->bits >> u->count & 0xFFFF;
    u->bits &= (1u << u->count) - 1;
    return utf7_take_unit(u, unit);
  }
  u->shifted = false;
  if (u->count >= 6) return cd_decoder_error(&u->d, u->shift_start, u->d.pos + 1, "partial character in shift sequence");
  if (u->count > 0 && u->bits) return cd_decoder_error(&u->d, u->shift_start, u->d.pos + 1, "non-zero padding bits in shift sequence");
  uint32_t high = u->high;
  u->high = 0;
  if (high && c < 128 && c != '+' && !cd_text_char(&u->d.out, high)) return false;
  if (c == '-') u->d.pos++;
  return true;
}

static bool utf7_take(Utf7Decoder *u)
{
  Decoder *d = &u->d;
  unsigned char c = (unsigned char)d->data[d->pos];
  if (u->shifted) return utf7_take_shifted(u, c);
  if (c >= 128) return cd_decoder_error(d, d->pos, d->pos + 1, "unexpected special character");
  if (c != '+') {
    d->pos++;
    return cd_text_char(&d->out, c);
  }
  size_t start = d->pos++;
  if (d->pos < d->size && d->data[d->pos] == '-') {
    d->pos++;
    return cd_text_char(&d->out, '+');
  }
  u->shift_start = start;
  if (d->pos < d->size && utf7_value((unsigned char)d->data[d->pos]) < 0)
    return cd_decoder_error(d, start, d->pos + 1, "ill-formed sequence");
  u->shifted = true;
  u->high = u->bits = 0;
  u->count = 0;
  u->kept_size = d->out.size;
  u->kept_length = d->out.length;
  u->kept_ascii = d->out.ascii;
  return true;
}

Ref cd_utf7_decode(VM *vm, const char *data, size_t size, const char *errors, bool final, size_t *taken)
{
  Utf7Decoder u = {.shifted = false};
  cd_decoder_init(&u.d, vm, "utf7", data, size, errors);
  bool ok = true;
  do {
    while (ok && u.d.pos < u.d.size) ok = utf7_take(&u);
    if (!ok || !u.shifted || !final) break;
    u.shifted = false;
    if (u.high || u.count >= 6 || (u.count > 0 && u.bits))
      ok = cd_decoder_error(&u.d, u.shift_start, u.d.size, "unterminated shift sequence");
  } while (ok && u.d.pos < u.d.size);
  if (ok && u.shifted && !final) {               // the run is read again when more has come
    u.d.pos = u.shift_start;
    u.d.out.size = u.kept_size;
    u.d.out.length = u.kept_length;
    u.d.out.ascii = u.kept_ascii;
  }
  return cd_decoder_finish(&u.d, ok, taken);
}
