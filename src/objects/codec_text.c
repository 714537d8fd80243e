// SPDX-License-Identifier: MIT
// codec_text.c: ASCII, Latin-1, character maps, backslash escapes
#include "base/unicode.h"
#include "objects/codec_frames.h"
#include "objects/dict.h"
#include "objects/str_private.h"

// ---- ASCII, Latin-1 ----

static PutResult ascii_put(Encoder *e, uint32_t c)
{
  if (c >= e->limit) return PUT_REFUSED;
  return cd_byte_builder_byte(&e->out, c) ? PUT_DONE : PUT_ERROR;
}

Ref cd_ascii_encode(VM *vm, Value text, const char *errors, unsigned limit)
{
  if (cd_as_str(text)->ascii) return cd_bytes_new(vm, cd_str_data(text), cd_str_size(text));
  Encoder e = {.vm = vm,
               .text = text,
               .encoding = limit == 128 ? "ascii" : "latin-1",
               .errors = errors,
               .reason = limit == 128 ? "ordinal not in range(128)" : "ordinal not in range(256)",
               .put = ascii_put,
               .unit = 1,
               .limit = limit};
  cd_byte_builder_init(&e.out, vm);
  if (!cd_byte_builder_reserve(&e.out, cd_str_length(text))) return NO_REF;
  return cd_encoder_run(&e);
}

static size_t ascii_run(const char *data, size_t size)
{
  size_t i = 0;
  for (uint64_t word; i + sizeof word <= size; i += sizeof word) {
    memcpy(&word, data + i, sizeof word);
    if (word & UINT64_C(0x8080808080808080)) break;
  }
  while (i < size && (unsigned char)data[i] < 128) i++;
  return i;
}

Ref cd_ascii_decode(VM *vm, const char *data, size_t size, const char *errors, unsigned limit)
{
  size_t plain = ascii_run(data, size);
  if (plain == size) return cd_str_ascii(vm, data, size);
  Decoder d;
  cd_decoder_init(&d, vm, limit == 128 ? "ascii" : "latin-1", data, size, errors);
  bool ok = true;
  while (ok && d.pos < d.size) {
    plain = ascii_run(d.data + d.pos, d.size - d.pos);
    ok = cd_text_put(&d.out, d.data + d.pos, plain);
    d.pos += plain;
    if (!ok || d.pos == d.size) break;
    if (limit == 256) ok = cd_text_char(&d.out, (unsigned char)d.data[d.pos++]);
    else ok = cd_decoder_error(&d, d.pos, d.pos + 1, "ordinal not in range(128)");
  }
  return cd_decoder_finish(&d, ok, NULL);
}

// ---- character maps ----

// mapping[c]; missing when there is no such key.
static Find charmap_get(VM *vm, Value mapping, uint32_t c, Ref *out)
{
  if (cd_is_exact(mapping, vm->types.dict)) return cd_dict_find(vm, mapping, cd_from_small(c), out);
  if ((*out = cd_getitem(vm, mapping, cd_from_small(c)))) return FIND_HIT;
  return cd_swallow(vm, vm->exc.LookupError) ? FIND_MISSING : FIND_ERROR;
}

static PutResult charmap_put(Encoder *e, uint32_t c)
{
  VM *vm = e->vm;
  Ref to;
  Find found = charmap_get(vm, e->mapping, c, &to);
  if (found != FIND_HIT) return found == FIND_ERROR ? PUT_ERROR : PUT_REFUSED;
  PutResult result = PUT_ERROR;
  if (cd_is_none(to)) {
    result = PUT_REFUSED;
  } else if (cd_is_int(to)) {
    int64_t byte;
    if (!cd_to_i64(vm, to, &byte, NULL)) result = PUT_ERROR;
    else if (byte < 0 || byte > 255) cd_raise_type(vm, "character mapping must be in range(256)");
    else if (cd_byte_builder_byte(&e->out, (unsigned)byte)) result = PUT_DONE;
  } else if (cd_is_bytes(to)) {
    if (cd_byte_builder_put(&e->out, cd_bytes_data(to), cd_bytes_size(to))) result = PUT_DONE;
  } else {
    cd_raise_type(vm, "character mapping must return integer, bytes or None, not %.400T", to);
  }
  cd_drop(vm, to);
  return result;
}

Ref cd_charmap_encode(VM *vm, Value text, const char *errors, Value mapping)
{
  if (cd_is_none(mapping)) return cd_ascii_encode(vm, text, errors, 256);
  Encoder e = {.vm = vm,
               .text = text,
               .encoding = "charmap",
               .errors = errors,
               .reason = "character maps to <undefined>",
               .put = charmap_put,
               .unit = 1,
               .mapping = mapping};
  cd_byte_builder_init(&e.out, vm);
  if (!cd_byte_builder_reserve(&e.out, cd_str_length(text))) return NO_REF;
  return cd_encoder_run(&e);
}

// Puts what a byte maps to; *undefined when it maps to nothing.
static bool charmap_decode_byte(Decoder *d, Value mapping, unsigned char byte, bool *undefined)
{
  VM *vm = d->vm;
  *undefined = false;
  if (cd_is_exact(mapping, vm->types.str)) {
    uint32_t c = byte < cd_str_length(mapping) ? cd_str_at(vm, mapping, byte) : 0xFFFE;
    *undefined = c == 0xFFFE;
    return *undefined || cd_text_char(&d->out, c);
  }
  Ref to;
  Find found = charmap_get(vm, mapping, byte, &to);
  if (found != FIND_HIT) {
    *undefined = true;
    return found == FIND_MISSING;
  }
  bool ok = true;
  if (cd_is_none(to)) {
    *undefined = true;
  } else if (cd_is_int(to)) {
    int64_t c;
    if (!cd_to_i64(vm, to, &c, NULL)) ok = false;
    else if (c == 0xFFFE) *undefined = true;
    else if (c < 0 || c > 0x10FFFF) ok = cd_raise_type(vm, "character mapping must be in range(0x110000)");
    else ok = cd_text_char(&d->out, (uint32_t)c);
  } else if (cd_is_str(to)) {
    *undefined = cd_str_length(to) == 1 && cd_str_at(vm, to, 0) == 0xFFFE;
    ok = *undefined || cd_text_str(&d->out, to);
  } else {
    ok = cd_raise_type(vm, "character mapping must return integer, None or str");
  }
  cd_drop(vm, to);
  return ok;
}

Ref cd_charmap_decode(VM *vm, const char *data, size_t size, const char *errors, Value mapping)
{
  if (cd_is_none(mapping)) return cd_ascii_decode(vm, data, size, errors, 256);
  Decoder d;
  cd_decoder_init(&d, vm, "charmap", data, size, errors);
  bool ok = true, undefined;
  while (ok && d.pos < d.size) {
    ok = charmap_decode_byte(&d, mapping, (unsigned char)d.data[d.pos], &undefined);
    if (ok && undefined) ok = cd_decoder_error(&d, d.pos, d.pos + 1, "character maps to <undefined>");
    else d.pos++;
  }
  return cd_decoder_finish(&d, ok, NULL);
}

Ref cd_charmap_build(VM *vm, Value text)
{
  Ref map = cd_dict_new(vm);
  if (!map) return NO_REF;
  int64_t i = 0;
  for (StrReader reader = cd_str_reader(text); reader.p < reader.end && i < 256; i++) {
    uint32_t c = cd_utf8_next(&reader.p);
    if (c == 0xFFFE || cd_dict_set(vm, map, cd_from_small(c), cd_from_small(i))) continue;
    cd_drop(vm, map);
    return NO_REF;
  }
  return map;
}

// ---- unicode_escape ----

static const char escape_hex[] = "0123456789abcdef";

static bool escape_put_hex(ByteBuilder *out, char kind, uint32_t c, int digits)
{
  char bytes[10] = {'\\', kind};
  for (int i = 0; i < digits; i++) bytes[2 + i] = escape_hex[c >> (digits - 1 - i) * 4 & 15];
  return cd_byte_builder_put(out, bytes, (size_t)digits + 2);
}

static bool escape_put_char(ByteBuilder *out, uint32_t c)
{
  switch (c) {
  case '\\': return cd_byte_builder_put(out, "\\\\", 2);
  case '\t': return cd_byte_builder_put(out, "\\t", 2);
  case '\n': return cd_byte_builder_put(out, "\\n", 2);
  case '\r': return cd_byte_builder_put(out, "\\r", 2);
  default: break;
  }
  if (c >= ' ' && c < 0x7F) return cd_byte_builder_byte(out, c);
  return c < 0x100 ? escape_put_hex(out, 'x', c, 2) : c < 0x10000 ? escape_put_hex(out, 'u', c, 4) : escape_put_hex(out, 'U', c, 8);
}

static bool escape_put_raw(ByteBuilder *out, uint32_t c)
{
  return c < 0x100 ? cd_byte_builder_byte(out, c) : c < 0x10000 ? escape_put_hex(out, 'u', c, 4) : escape_put_hex(out, 'U', c, 8);
}

static Ref escape_encode(VM *vm, Value text, bool (*put)(ByteBuilder *, uint32_t))
{
  ByteBuilder out;
  cd_byte_builder_init(&out, vm);
  for (StrReader reader = cd_str_reader(text); reader.p < reader.end;) {
    if (put(&out, cd_utf8_next(&reader.p))) continue;
    cd_byte_builder_clear(&out);
    return NO_REF;
  }
  return cd_byte_builder_finish(&out);
}

Ref cd_unicode_escape_encode(VM *vm, Value text) { return escape_encode(vm, text, escape_put_char); }
Ref cd_raw_unicode_escape_encode(VM *vm, Value text) { return escape_encode(vm, text, escape_put_raw); }

static int escape_hex_value(unsigned char c)
{
  if (c >= '0' && c <= '9') return c - '0';
  c |= 32;
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

// Reads `digits` hexadecimal digits at *p. False: *p is at the first byte that is none, or at the end.
static bool escape_read_hex(const char *data, size_t size, size_t *p, int digits, uint32_t *out)
{
  *out = 0;
  for (; digits; digits--, ++*p) {
    int value = *p < size ? escape_hex_value((unsigned char)data[*p]) : -1;
    if (value < 0) return false;
    *out = *out << 4 | (uint32_t)value;
  }
  return true;
}

// Single-letter escapes of str and bytes literals; -1: none.
static int escape_simple(unsigned char c)
{
  switch (c) {
  case '\\': case '\'': case '"': return c;
  case 'a': return 7;
  case 'b': return 8;
  case 't': return 9;
  case 'n': return 10;
  case 'v': return 11;
  case 'f': return 12;
  case 'r': return 13;
  default: return -1;
  }
}

// Remembers an escape to be warned of, if it is the first.
static void escape_note(char bad_escape[4], const char *text, size_t size)
{
  if (!bad_escape || *bad_escape) return;
  memcpy(bad_escape, text, size);
  bad_escape[size] = 0;
}

static uint32_t escape_read_octal(const char *data, size_t size, size_t *p, char bad_escape[4])
{
  uint32_t c = 0;
  size_t start = *p;
  for (int i = 0; i < 3 && *p < size && data[*p] >= '0' && data[*p] <= '7'; i++, ++*p) c = c << 3 | (uint32_t)(data[*p] - '0');
  if (c > 0377) escape_note(bad_escape, data + start, 3);
  return c;
}

// What went wrong in an escape; NULL: nothing. `incomplete`: more input might mend it.
typedef struct EscapeProblem { const char *reason; bool incomplete; } EscapeProblem;

static bool escape_read_name(Decoder *d, size_t *p, EscapeProblem *problem, uint32_t *out)
{
  problem->reason = "malformed \\N character escape";
  if (*p >= d->size) { problem->incomplete = true; return false; }
  if (d->data[*p] != '{') return false;
  size_t start = ++*p;
  while (*p < d->size && d->data[*p] != '}') ++*p;
  if (*p >= d->size) { problem->incomplete = true; return false; }
  size_t size = *p - start;
  if (size == 0) return false;
  ++*p;
  problem->reason = "unknown Unicode character name";
  return cd_char_lookup(d->data + start, size, out);
}

// Reads the escape whose backslash is at d->pos. *p is behind it, or where it went wrong; *c what it stands for, UINT32_MAX: nothing.
static bool escape_read(Decoder *d, size_t *p, uint32_t *c, EscapeProblem *problem, char bad_escape[4])
{
  *problem = (EscapeProblem){"\\ at end of string", false};
  *p = d->pos + 1;
  if (*p >= d->size) { problem->incomplete = true; return false; }
  unsigned char letter = (unsigned char)d->data[*p];
  int simple = escape_simple(letter), digits = letter == 'x' ? 2 : letter == 'u' ? 4 : letter == 'U' ? 8 : 0;
  if (letter >= '0' && letter <= '7') { *c = escape_read_octal(d->data, d->size, p, bad_escape); return true; }
  ++*p;
  if (simple >= 0) { *c = (uint32_t)simple; return true; }
  if (letter == '\n') { *c = UINT32_MAX; return true; }
  if (letter == 'N') return escape_read_name(d, p, problem, c);
  if (digits) {
    problem->reason = digits == 2 ? "truncated \\xXX escape" : digits == 4 ? "truncated \\uXXXX escape" : "truncated \\UXXXXXXXX escape";
    if (!escape_read_hex(d->data, d->size, p, digits, c)) { problem->incomplete = *p >= d->size; return false; }
    problem->reason = "illegal Unicode character";
    return *c <= 0x10FFFF;
  }
  escape_note(bad_escape, (const char *)&letter, 1);
  *c = '\\';
  --*p;                                          // the letter follows as plain text
  return true;
}

Ref cd_unicode_escape_decode(VM *vm, const char *data, size_t size, const char *errors, bool final, size_t *taken, char bad_escape[4])
{
  Decoder d;
  cd_decoder_init(&d, vm, "unicodeescape", data, size, errors);
  if (bad_escape) *bad_escape = 0;
  bool ok = true;
  while (ok && d.pos < d.size) {
    if (d.data[d.pos] != '\\') {
      ok = cd_text_char(&d.out, (unsigned char)d.data[d.pos++]);
      continue;
    }
    size_t p;
    uint32_t c;
    EscapeProblem problem;
    if (escape_read(&d, &p, &c, &problem, bad_escape)) {
      d.pos = p;
      ok = c == UINT32_MAX || cd_text_char(&d.out, c);
    } else {
      if (problem.incomplete && !final) break;
      ok = cd_decoder_error(&d, d.pos, p, problem.reason);
    }
  }
  return cd_decoder_finish(&d, ok, taken);
}

Ref cd_raw_unicode_escape_decode(VM *vm, const char *data, size_t size, const char *errors, bool final, size_t *taken)
{
  Decoder d;
  cd_decoder_init(&d, vm, "rawunicodeescape", data, size, errors);
  bool ok = true;
  while (ok && d.pos < d.size) {
    unsigned char byte = (unsigned char)d.data[d.pos];
    if (byte != '\\' || (d.pos + 1 >= d.size && final)) {
      ok = cd_text_char(&d.out, byte);
      d.pos++;
      continue;
    }
    if (d.pos + 1 >= d.size) break;
    unsigned char letter = (unsigned char)d.data[d.pos + 1];
    size_t p = d.pos + 2;
    if (letter != 'u' && letter != 'U') {
      ok = cd_text_char(&d.out, '\\') && cd_text_char(&d.out, letter);
      d.pos = p;
      continue;
    }
    uint32_t c;
    if (!escape_read_hex(d.data, d.size, &p, letter == 'u' ? 4 : 8, &c)) {
      if (p >= d.size && !final) break;
      ok = cd_decoder_error(&d, d.pos, p, letter == 'u' ? "truncated \\uXXXX escape" : "truncated \\UXXXXXXXX escape");
    } else if (c > 0x10FFFF) {
      ok = cd_decoder_error(&d, d.pos, p, "\\Uxxxxxxxx out of range");
    } else {
      ok = cd_text_char(&d.out, c);
      d.pos = p;
    }
  }
  return cd_decoder_finish(&d, ok, taken);
}

// ---- escapes of bytes ----

// A malformed \x at `at`; *p is behind the x.
static bool bytes_escape_error(VM *vm, ByteBuilder *out, const char *data, size_t size, const char *errors, size_t at, size_t *p)
{
  if (!errors || strcmp(errors, "strict") == 0) return cd_raise_value(vm, "invalid \\x escape at position %zd", (ptrdiff_t)at);
  if (strcmp(errors, "replace") == 0) {
    if (!cd_byte_builder_byte(out, '?')) return false;
  } else if (strcmp(errors, "ignore") != 0) {
    return cd_raise_value(vm, "decoding error; unknown error handling code: %.400s", errors);
  }
  if (*p < size && escape_hex_value((unsigned char)data[*p]) >= 0) ++*p;
  return true;
}

static bool bytes_escape_one(VM *vm, ByteBuilder *out, const char *data, size_t size, const char *errors, size_t *p, char bad_escape[4])
{
  size_t at = *p - 1;
  if (*p >= size) return cd_raise_value(vm, "Trailing \\ in string");
  unsigned char letter = (unsigned char)data[*p];
  if (letter >= '0' && letter <= '7') return cd_byte_builder_byte(out, escape_read_octal(data, size, p, bad_escape));
  ++*p;
  int simple = escape_simple(letter);
  if (simple >= 0) return cd_byte_builder_byte(out, (unsigned)simple);
  if (letter == '\n') return true;
  if (letter == 'x') {
    uint32_t byte;
    size_t q = *p;
    if (!escape_read_hex(data, size, &q, 2, &byte)) return bytes_escape_error(vm, out, data, size, errors, at, p);
    *p = q;
    return cd_byte_builder_byte(out, byte);
  }
  escape_note(bad_escape, (const char *)&letter, 1);
  --*p;
  return cd_byte_builder_byte(out, '\\');
}

Ref cd_bytes_escape_decode(VM *vm, const char *data, size_t size, const char *errors, char bad_escape[4])
{
  ByteBuilder out;
  cd_byte_builder_init(&out, vm);
  if (bad_escape) *bad_escape = 0;
  for (size_t p = 0; p < size;) {
    const char *escape = memchr(data + p, '\\', size - p);
    size_t plain = (escape ? (size_t)(escape - data) : size) - p;
    bool ok = cd_byte_builder_put(&out, data + p, plain);
    p += plain;
    if (ok && escape) {
      p++;
      ok = bytes_escape_one(vm, &out, data, size, errors, &p, bad_escape);
    }
    if (ok) continue;
    cd_byte_builder_clear(&out);
    return NO_REF;
  }
  return cd_byte_builder_finish(&out);
}
