// SPDX-License-Identifier: MIT
// codec_errors.c: error handlers, and the encoder and decoder frames that call them
#include "base/unicode.h"
#include "objects/codec_frames.h"
#include "objects/dict.h"
#include "objects/exception.h"
#include "objects/function.h"
#include "objects/tuple.h"

#include <stdio.h>

// ---- raising ----

static Ref codec_exception(VM *vm, Type *type, const char *encoding, Value object, size_t start, size_t end, const char *reason)
{
  Ref parts[5] = {cd_str_from(vm, encoding), cd_dup(object), cd_from_small((int64_t)start), cd_from_small((int64_t)end),
                  cd_str_from(vm, reason)};
  Ref exception = parts[0] && parts[4] ? cd_exception_new(vm, type, cd_lend(parts), 5) : NO_REF;
  for (int i = 0; i < 5; i++) cd_drop(vm, parts[i]);
  return exception;
}

Ref cd_raise_encode(VM *vm, const char *encoding, Value text, size_t start, size_t end, const char *reason)
{
  Ref exception = codec_exception(vm, vm->exc.UnicodeEncodeError, encoding, text, start, end, reason);
  return exception ? cd_raise_exception(vm, exception) : NO_REF;
}

Ref cd_raise_decode(VM *vm, const char *encoding, const char *data, size_t size, size_t start, size_t end, const char *reason)
{
  Ref object = cd_bytes_new(vm, data, size);
  Ref exception = object ? codec_exception(vm, vm->exc.UnicodeDecodeError, encoding, object, start, end, reason) : NO_REF;
  cd_drop(vm, object);
  return exception ? cd_raise_exception(vm, exception) : NO_REF;
}

// ---- what handlers return ----

// Calls `handler`, which returns (replacement, position). The position is checked against `size` and counted from the end when negative.
static bool codec_call_handler(VM *vm, Value handler, Value exception, bool decoding, Type *range_error, Ref *replacement_out,
                               size_t *position_out)
{
  const char *expected = decoding ? "decoding error handler must return (str, int) tuple"
                                  : "encoding error handler must return (str/bytes, int) tuple";
  Ref result = cd_call1(vm, handler, exception);
  if (!result) return false;
  Value replacement = NO_VALUE;
  int64_t position = 0;
  bool ok = cd_is_tuple(result) && cd_tuple_size(result) == 2;
  if (ok) {
    replacement = cd_tuple_item_borrow(result, 0);
    ok = (cd_is_str(replacement) || (!decoding && cd_is_bytes(replacement))) && cd_is_int(cd_tuple_item_borrow(result, 1));
  }
  if (!ok) cd_raise_type(vm, "%s", expected);
  else if (!cd_to_i64(vm, cd_tuple_item_borrow(result, 1), &position, range_error ? range_error : vm->exc.OverflowError)) ok = false;
  const UnicodeException *e = (UnicodeException *)cd_object(exception);
  if (ok && decoding && !cd_is_bytes(e->object)) ok = cd_raise_type(vm, "exception attribute object must be bytes");
  if (ok) {
    int64_t size = (int64_t)(decoding ? cd_bytes_size(e->object) : cd_str_length(e->object));
    int64_t real = position < 0 ? position + size : position;
    if (real < 0 || real > size) ok = cd_raise_index(vm, "position %zd from error handler out of bounds", (ptrdiff_t)position);
    *position_out = (size_t)real;
  }
  if (ok) *replacement_out = cd_dup(replacement);
  cd_drop(vm, result);
  return ok;
}

static inline bool codec_errors_are(const char *errors, const char *name) { return errors && strcmp(errors, name) == 0; }

// ---- encoders ----

static bool encoder_put_text(Encoder *e, Value text, size_t start, size_t end)
{
  const char *p = cd_str_data(text), *stop = p + cd_str_size(text);
  while (p < stop) {
    PutResult done = e->put(e, cd_utf8_next(&p));
    if (done == PUT_REFUSED) cd_raise_encode(e->vm, e->encoding, e->text, start, end, e->reason);
    if (done != PUT_DONE) return false;
  }
  return true;
}

static bool encoder_put_replacement(Encoder *e, Value replacement, size_t start, size_t end)
{
  bool text = cd_is_str(replacement);
  if (text && (cd_as_str(replacement)->ascii || !e->ascii_text)) return encoder_put_text(e, replacement, start, end);
  if (text || cd_bytes_size(replacement) % e->unit) {
    cd_raise_encode(e->vm, e->encoding, e->text, start, end, e->reason);
    return false;
  }
  return cd_byte_builder_put(&e->out, cd_bytes_data(replacement), cd_bytes_size(replacement));
}

// The handlers that need no exception object: 1 handled, 0 another handler must be asked, -1 failed.
static int encoder_handle_simply(Encoder *e, const char *p, size_t start, size_t end)
{
  if (!e->errors || codec_errors_are(e->errors, "strict")) {
    cd_raise_encode(e->vm, e->encoding, e->text, start, end, e->reason);
    return -1;
  }
  if (codec_errors_are(e->errors, "ignore")) return 1;
  if (codec_errors_are(e->errors, "replace")) {
    for (size_t i = start; i < end; i++) {
      PutResult done = e->put(e, '?');
      if (done == PUT_REFUSED) cd_raise_encode(e->vm, e->encoding, e->text, start, end, e->reason);
      if (done != PUT_DONE) return -1;
    }
    return 1;
  }
  if (e->unit == 1 && !e->mapping && codec_errors_are(e->errors, "surrogateescape")) {
    const char *q = p;
    for (size_t i = start; i < end; i++) {
      uint32_t c = cd_utf8_next(&q);
      if (c < 0xDC80 || c > 0xDCFF) return 0;
    }
    for (size_t i = start; i < end; i++)
      if (!cd_byte_builder_byte(&e->out, cd_utf8_next(&p) - 0xDC00)) return -1;
    return 1;
  }
  return 0;
}

// Handles the refused characters [start, end), which begin at p; *next is where to go on.
static bool encoder_error(Encoder *e, const char *p, size_t start, size_t end, size_t *next)
{
  VM *vm = e->vm;
  *next = end;
  if (e->unit == 1 && !e->mapping && codec_errors_are(e->errors, "surrogateescape")) {
    // Escaped bytes at the beginning of the run are written even if others follow.
    while (start < end) {
      const char *q = p;
      uint32_t c = cd_utf8_next(&q);
      if (c < 0xDC80 || c > 0xDCFF) break;
      if (!cd_byte_builder_byte(&e->out, c - 0xDC00)) return false;
      p = q;
      start++;
    }
    if (start == end) return true;
  }
  int simple = encoder_handle_simply(e, p, start, end);
  if (simple) return simple > 0;
  if (!e->handler && !(e->handler = cd_codec_error_handler(vm, e->errors))) return false;
  Ref exception = codec_exception(vm, vm->exc.UnicodeEncodeError, e->encoding, e->text, start, end, e->reason), replacement;
  if (!exception) return false;
  bool ok = codec_call_handler(vm, e->handler, exception, false, e->range_error, &replacement, next);
  cd_drop(vm, exception);
  if (!ok) return false;
  ok = encoder_put_replacement(e, replacement, start, end);
  cd_drop(vm, replacement);
  return ok;
}

static bool encoder_loop(Encoder *e)
{
  const char *data = cd_str_data(e->text), *end = data + cd_str_size(e->text), *p = data;
  size_t i = 0;
  while (p < end) {
    const char *start = p;
    PutResult done = e->put(e, cd_utf8_next(&p));
    if (done == PUT_ERROR) return false;
    size_t first = i++;
    if (done == PUT_DONE) continue;
    while (!e->single && p < end) {              // the run of refused characters
      const char *q = p;
      size_t written = e->out.size;
      done = e->put(e, cd_utf8_next(&q));
      if (done == PUT_ERROR) return false;
      if (done == PUT_DONE) { e->out.size = written; break; }
      p = q;
      i++;
    }
    size_t next;
    if (!encoder_error(e, start, first, i, &next)) return false;
    if (next != i) p = data + cd_str_offset(e->vm, e->text, i = next);
    if (!cd_poll(e->vm)) return false;
  }
  return true;
}

Ref cd_encoder_run(Encoder *e)
{
  bool ok = encoder_loop(e);
  cd_drop(e->vm, e->handler);
  if (ok) return cd_byte_builder_finish(&e->out);
  cd_byte_builder_clear(&e->out);
  return NO_REF;
}

// ---- decoders ----

void cd_decoder_init(Decoder *d, VM *vm, const char *encoding, const char *data, size_t size, const char *errors)
{
  *d = (Decoder){.vm = vm, .data = data, .size = size, .encoding = encoding, .errors = errors};
  cd_text_init(&d->out, vm);
}

static bool decoder_escape_bytes(Decoder *d, size_t start, size_t end)
{
  for (size_t i = start; i < end; i++)
    if (!cd_text_char(&d->out, 0xDC00u + (unsigned char)d->data[i])) return false;
  return true;
}

static bool decoder_can_escape(const Decoder *d, size_t start, size_t end)
{
  for (size_t i = start; i < end; i++)
    if ((unsigned char)d->data[i] < 128) return false;
  return end > start && codec_errors_are(d->errors, "surrogateescape");
}

bool cd_decoder_error(Decoder *d, size_t start, size_t end, const char *reason)
{
  VM *vm = d->vm;
  d->pos = end;
  if (codec_errors_are(d->errors, "ignore")) return true;
  if (codec_errors_are(d->errors, "replace")) return cd_text_char(&d->out, 0xFFFD);
  if (decoder_can_escape(d, start, end)) return decoder_escape_bytes(d, start, end);
  if (!d->object && !(d->object = cd_bytes_new(vm, d->data, d->size))) return false;
  Ref exception = codec_exception(vm, vm->exc.UnicodeDecodeError, d->encoding, d->object, start, end, reason), replacement;
  if (!exception) return false;
  if (!d->errors || codec_errors_are(d->errors, "strict")) return cd_raise_exception(vm, exception);
  bool ok = (d->handler || (d->handler = cd_codec_error_handler(vm, d->errors))) &&
            codec_call_handler(vm, d->handler, exception, true, d->range_error, &replacement, &d->pos);
  if (ok) {
    Value object = ((UnicodeException *)cd_object(exception))->object;
    if (!cd_is(object, d->object)) {             // the handler put in another input
      cd_replace(vm, &d->object, cd_dup(object));
      d->data = cd_bytes_data(object);
      d->size = cd_bytes_size(object);
    }
    ok = cd_text_str(&d->out, replacement);
    cd_drop(vm, replacement);
  }
  cd_drop(vm, exception);
  return ok && cd_poll(vm);
}

Ref cd_decoder_finish(Decoder *d, bool ok, size_t *taken)
{
  VM *vm = d->vm;
  if (taken) *taken = d->pos;
  cd_clear(vm, &d->handler);
  cd_clear(vm, &d->object);
  if (ok) return cd_text_finish(&d->out);
  cd_text_clear(&d->out);
  return NO_REF;
}

// ---- the handlers themselves ----

typedef enum { HANDLED_NONE = 0, HANDLED_ENCODE = 1, HANDLED_DECODE = 2, HANDLED_TRANSLATE = 4 } HandledKind;

static HandledKind handler_kind(VM *vm, Value e)
{
  if (cd_is_instance_of(vm, e, vm->exc.UnicodeEncodeError)) return HANDLED_ENCODE;
  if (cd_is_instance_of(vm, e, vm->exc.UnicodeDecodeError)) return HANDLED_DECODE;
  return cd_is_instance_of(vm, e, vm->exc.UnicodeTranslateError) ? HANDLED_TRANSLATE : HANDLED_NONE;
}

static int64_t handler_clamp(int64_t i, int64_t low, int64_t high) { return i < low ? low : i > high ? high : i; }

// Checks that the exception is of a kind that is handled, and reads its span.
static bool handler_open(VM *vm, Value e, unsigned kinds, HandledKind *kind, size_t *start, size_t *end)
{
  *kind = handler_kind(vm, e);
  if (!(*kind & kinds)) return cd_raise_type(vm, "don't know how to handle %.200T in error callback", e);
  const UnicodeException *u = (UnicodeException *)cd_object(e);
  Value object = u->object;
  const char *wanted = *kind == HANDLED_DECODE ? "bytes" : "str";
  if (!object) return cd_raise_type(vm, "object attribute not set");
  if (*kind == HANDLED_DECODE ? !cd_is_bytes(object) : !cd_is_str(object)) return cd_raise_type(vm, "object attribute must be %s", wanted);
  int64_t size = (int64_t)(*kind == HANDLED_DECODE ? cd_bytes_size(object) : cd_str_length(object));
  *start = (size_t)handler_clamp(u->start, 0, size ? size - 1 : 0);
  *end = (size_t)handler_clamp(u->end, size ? 1 : 0, size);
  return true;
}

static Ref handler_result(VM *vm, Ref replacement, size_t position)
{
  return cd_tuple2_steal(vm, replacement, cd_from_small((int64_t)position));
}

static Ref handler_finish(VM *vm, TextBuilder *text, bool ok, size_t position)
{
  if (ok) return handler_result(vm, cd_text_finish(text), position);
  cd_text_clear(text);
  return NO_REF;
}

FUNCTION(codec, strict_errors, "strict_errors(exception, /)", "Raise the exception.")
{
  if (!cd_is_exception(args[0])) return cd_raise_type(vm, "codec must pass exception instance");
  return cd_raise_exception(vm, cd_dup(args[0]));
}

FUNCTION(codec, ignore_errors, "ignore_errors(exception, /)", "Leave out what can't be handled.")
{
  HandledKind kind;
  size_t start, end;
  if (!handler_open(vm, args[0], HANDLED_ENCODE | HANDLED_DECODE | HANDLED_TRANSLATE, &kind, &start, &end)) return NO_REF;
  return handler_result(vm, cd_str_ascii(vm, "", 0), end);
}

FUNCTION(codec, replace_errors, "replace_errors(exception, /)", "Put a question mark or U+FFFD in place.")
{
  HandledKind kind;
  size_t start, end;
  if (!handler_open(vm, args[0], HANDLED_ENCODE | HANDLED_DECODE | HANDLED_TRANSLATE, &kind, &start, &end)) return NO_REF;
  size_t count = kind == HANDLED_DECODE ? 1 : end > start ? end - start : 0;
  TextBuilder text;
  cd_text_init(&text, vm);
  return handler_finish(vm, &text, cd_text_fill(&text, kind == HANDLED_ENCODE ? '?' : 0xFFFD, count), end);
}

static bool handler_put_escape(TextBuilder *text, uint32_t c, int least_digits)
{
  int digits = c >= 0x10000 ? 8 : c >= 0x100 ? 4 : least_digits;
  return cd_text_format(text, digits == 8 ? "\\U%08x" : digits == 4 ? "\\u%04x" : "\\x%02x", c);
}

static bool handler_put_name(TextBuilder *text, uint32_t c)
{
  char name[CHAR_NAME_SIZE];
  return cd_char_name(c, name) ? cd_text_format(text, "\\N{%s}", name) : handler_put_escape(text, c, 2);
}

static bool handler_put_reference(TextBuilder *text, uint32_t c) { return cd_text_format(text, "&#%d;", (int)c); }
static bool handler_put_backslash(TextBuilder *text, uint32_t c) { return handler_put_escape(text, c, 2); }

// Replaces each character of the span by what `put` writes for it.
static Ref handler_escape(VM *vm, Value e, unsigned kinds, bool (*put)(TextBuilder *, uint32_t))
{
  HandledKind kind;
  size_t start, end;
  if (!handler_open(vm, e, kinds, &kind, &start, &end)) return NO_REF;
  Value object = ((UnicodeException *)cd_object(e))->object;
  TextBuilder text;
  cd_text_init(&text, vm);
  bool ok = true;
  for (size_t i = start; ok && i < end; i++)
    ok = put(&text, kind == HANDLED_DECODE ? (unsigned char)cd_bytes_data(object)[i] : cd_str_at(vm, object, i)) && cd_poll(vm);
  return handler_finish(vm, &text, ok, end);
}

FUNCTION(codec, xmlcharrefreplace_errors, "xmlcharrefreplace_errors(exception, /)", "Put character references of XML in place.")
{
  return handler_escape(vm, args[0], HANDLED_ENCODE, handler_put_reference);
}
FUNCTION(codec, backslashreplace_errors, "backslashreplace_errors(exception, /)", "Put escapes with backslashes in place.")
{
  return handler_escape(vm, args[0], HANDLED_ENCODE | HANDLED_DECODE | HANDLED_TRANSLATE, handler_put_backslash);
}
FUNCTION(codec, namereplace_errors, "namereplace_errors(exception, /)", "Put \\N{...} escapes in place.")
{
  return handler_escape(vm, args[0], HANDLED_ENCODE, handler_put_name);
}

static Ref handler_reraise(VM *vm, Value e) { return cd_raise_exception(vm, cd_dup(e)); }

// Which encoding surrogatepass writes: 8, 16, 32 with the order of bytes, or 0.
static int handler_utf_width(Value encoding, int *order)
{
  char name[16];
  size_t n = 0;
  const char *p = encoding && cd_is_str(encoding) ? cd_str_data(encoding) : "";
  for (; *p && n < sizeof name - 1; p++)
    if (*p != '-' && *p != '_') name[n++] = *p >= 'A' && *p <= 'Z' ? (char)(*p + 32) : *p;
  name[n] = 0;
  *order = -1;
  if (*p || strncmp(name, "utf", 3) != 0) return !*p && strcmp(name, "cp65001") == 0 ? 8 : 0;
  const char *rest = name + 3;
  int width = strncmp(rest, "8", 1) == 0 ? 8 : strncmp(rest, "16", 2) == 0 ? 16 : strncmp(rest, "32", 2) == 0 ? 32 : 0;
  rest += width == 8 ? 1 : width ? 2 : 0;
  if (strcmp(rest, "be") == 0 && width != 8) *order = 1;
  else if (*rest && (width == 8 || strcmp(rest, "le") != 0)) return 0;
  return width;
}

static Ref surrogatepass_encode(VM *vm, Value e, size_t start, size_t end)
{
  UnicodeException *u = (UnicodeException *)cd_object(e);
  int order, width = handler_utf_width(u->encoding, &order);
  if (!width) return handler_reraise(vm, e);
  ByteBuilder out;
  cd_byte_builder_init(&out, vm);
  for (size_t i = start; i < end; i++) {
    uint32_t c = cd_str_at(vm, u->object, i);
    char bytes[4] = {0};
    size_t size = width == 8 ? 3 : (size_t)width / 8;
    if (c < 0xD800 || c > 0xDFFF) { cd_byte_builder_clear(&out); return handler_reraise(vm, e); }
    if (width == 8) cd_utf8_put(bytes, c);
    else if (order < 0) { bytes[0] = (char)c; bytes[1] = (char)(c >> 8); }
    else { bytes[size - 1] = (char)c; bytes[size - 2] = (char)(c >> 8); }
    if (!cd_byte_builder_put(&out, bytes, size)) { cd_byte_builder_clear(&out); return NO_REF; }
  }
  return handler_result(vm, cd_byte_builder_finish(&out), end);
}

static Ref surrogatepass_decode(VM *vm, Value e, size_t start)
{
  UnicodeException *u = (UnicodeException *)cd_object(e);
  int order, width = handler_utf_width(u->encoding, &order);
  const unsigned char *p = (const unsigned char *)cd_bytes_data(u->object) + start;
  size_t left = cd_bytes_size(u->object) - start, size = width == 8 ? 3 : (size_t)width / 8;
  uint32_t c = 0;
  if (width && left >= size) {
    if (width == 8)
      c = (p[0] & 0xF0) == 0xE0 && (p[1] & 0xC0) == 0x80 && (p[2] & 0xC0) == 0x80 ? (p[0] & 15u) << 12 | (p[1] & 63u) << 6 | (p[2] & 63u)
                                                                                  : 0;
    else for (size_t i = 0; i < size; i++) c |= (uint32_t)p[order < 0 ? i : size - 1 - i] << (8 * i);
  }
  if (c < 0xD800 || c > 0xDFFF) return handler_reraise(vm, e);
  return handler_result(vm, cd_str_from_char(vm, c), start + size);
}

FUNCTION(codec, surrogatepass, "surrogatepass(exception, /)", "Let lone surrogates pass through the UTF codecs.")
{
  HandledKind kind;
  size_t start, end;
  if (!handler_open(vm, args[0], HANDLED_ENCODE | HANDLED_DECODE, &kind, &start, &end)) return NO_REF;
  return kind == HANDLED_ENCODE ? surrogatepass_encode(vm, args[0], start, end) : surrogatepass_decode(vm, args[0], start);
}

static Ref surrogateescape_encode(VM *vm, Value e, size_t start, size_t end)
{
  Value object = ((UnicodeException *)cd_object(e))->object;
  ByteBuilder out;
  cd_byte_builder_init(&out, vm);
  for (size_t i = start; i < end; i++) {
    uint32_t c = cd_str_at(vm, object, i);
    bool escaped = c >= 0xDC80 && c <= 0xDCFF;
    if (escaped && cd_byte_builder_byte(&out, c - 0xDC00)) continue;
    cd_byte_builder_clear(&out);
    return escaped ? NO_REF : handler_reraise(vm, e);
  }
  return handler_result(vm, cd_byte_builder_finish(&out), end);
}

// At most four bytes at a time, as many as are not ASCII.
static Ref surrogateescape_decode(VM *vm, Value e, size_t start, size_t end)
{
  Value object = ((UnicodeException *)cd_object(e))->object;
  size_t i = start;
  TextBuilder text;
  cd_text_init(&text, vm);
  bool ok = true;
  for (; ok && i < end && i < start + 4 && (unsigned char)cd_bytes_data(object)[i] >= 128; i++)
    ok = cd_text_char(&text, 0xDC00u + (unsigned char)cd_bytes_data(object)[i]);
  if (i > start || !ok) return handler_finish(vm, &text, ok, i);
  cd_text_clear(&text);
  return handler_reraise(vm, e);
}

FUNCTION(codec, surrogateescape, "surrogateescape(exception, /)", "Turn bytes that can't be decoded into lone surrogates, and back.")
{
  HandledKind kind;
  size_t start, end;
  if (!handler_open(vm, args[0], HANDLED_ENCODE | HANDLED_DECODE, &kind, &start, &end)) return NO_REF;
  return kind == HANDLED_ENCODE ? surrogateescape_encode(vm, args[0], start, end) : surrogateescape_decode(vm, args[0], start, end);
}

static const struct { const char *name; const MethodDef *def;
} codec_builtin_handlers[] = {
  {"strict", &codec_strict_errors_def},
  {"ignore", &codec_ignore_errors_def},
  {"replace", &codec_replace_errors_def},
  {"xmlcharrefreplace", &codec_xmlcharrefreplace_errors_def},
  {"backslashreplace", &codec_backslashreplace_errors_def},
  {"namereplace", &codec_namereplace_errors_def},
  {"surrogatepass", &codec_surrogatepass_def},
  {"surrogateescape", &codec_surrogateescape_def},
};

bool cd_codec_add_builtin_handlers(VM *vm, Value dict)
{
  for (size_t i = 0; i < ARRAY_LEN(codec_builtin_handlers); i++)
    if (!cd_dict_set_text_steal(vm, dict, codec_builtin_handlers[i].name,
                                cd_native_new(vm, codec_builtin_handlers[i].def, NO_VALUE, NO_VALUE)))
      return false;
  return true;
}
