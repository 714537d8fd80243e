// SPDX-License-Identifier: MIT
// str_percent.c: printf-style formatting: str % args, bytes % args
#include "base/utf8.h"
#include "objects/bytes_private.h"
#include "objects/float.h"
#include "objects/int.h"
#include "objects/str_private.h"
#include "objects/tuple.h"

#include <limits.h>
#include <stdio.h>

enum { PERCENT_LEFT = 1, PERCENT_PLUS = 2, PERCENT_BLANK = 4, PERCENT_ALTERNATE = 8, PERCENT_ZERO = 16, PERCENT_NO_NEGATIVE_ZERO = 32 };

// One formatting in progress. Formats of bytes are read as bytes and write bytes; otherwise both are text.
typedef struct Percent {
  VM *vm;
  bool bytes;
  TextBuilder text;
  ByteBuilder raw;
  const char *start, *p, *end;                   // the format
  Value args;                                    // a tuple, a single value, or what %(key) names: borrowed
  Value keyed;                                    // owned: value of the last %(key)
  Value mapping;                                 // args, if it may be one
  int64_t next, count;                           // next positional one of `count`; a single value has count -1 and next -2, later -1
} Percent;

// One conversion specification.
typedef struct PercentSpec {
  unsigned flags;
  int64_t width;                                 // -1: none
  int precision;                                 // -1: none
  uint32_t type;
} PercentSpec;

static bool percent_put(Percent *f, const char *data, size_t size)
{
  return f->bytes ? cd_byte_builder_put(&f->raw, data, size) : cd_text_put(&f->text, data, size);
}
static bool percent_fill(Percent *f, char c, size_t count)
{
  return f->bytes ? cd_byte_builder_fill(&f->raw, c, count) : cd_text_fill(&f->text, (unsigned char)c, count);
}

// Next argument, borrowed.
static Value percent_argument(Percent *f)
{
  if (f->count < 0) {
    if (f->next == -2) { f->next = -1; return f->args; }
  } else if (f->next < f->count) {
    return cd_tuple_item_borrow(f->args, (size_t)f->next++);
  }
  cd_raise_type(f->vm, "not enough arguments for format string");
  return NO_VALUE;
}

// ---- reading a specification ----

static bool percent_read_key(Percent *f)
{
  VM *vm = f->vm;
  if (!f->mapping) return cd_raise_type(vm, "format requires a mapping");
  const char *start = ++f->p;
  int nesting = 1;
  while (f->p < f->end && nesting) {
    char c = *f->p++;
    if (c == '(') nesting++;
    if (c == ')') nesting--;
  }
  if (nesting) return cd_raise_value(vm, "incomplete format key");
  size_t size = (size_t)(f->p - 1 - start);
  Ref key = f->bytes ? cd_bytes_new(vm, start, size) : cd_str_new(vm, start, size);
  if (!key) return false;
  Ref value = cd_getitem(vm, f->mapping, key);
  cd_drop(vm, key);
  if (!value) return false;
  cd_replace(vm, &f->keyed, value);
  f->args = f->keyed;                            // from now on the only argument
  f->count = -1;
  f->next = -2;
  return true;
}

static bool percent_read_star(Percent *f, int64_t *out, bool precision)
{
  Value v = percent_argument(f);
  f->p++;
  if (!v) return false;
  if (!cd_is_int(v)) return cd_raise_type(f->vm, "* wants int");
  if (!precision) return cd_to_ssize(f->vm, v, out);
  int n;
  if (!cd_to_c_int(f->vm, v, &n)) return false;
  *out = n < 0 ? 0 : n;
  return true;
}

static bool percent_read_digits(Percent *f, int64_t limit, const char *message, int64_t *out)
{
  for (; f->p < f->end && *f->p >= '0' && *f->p <= '9'; f->p++) {
    if (*out > (limit - (*f->p - '0')) / 10) return cd_raise_value(f->vm, "%s", message);
    *out = *out * 10 + (*f->p - '0');
  }
  return true;
}

static unsigned percent_flag(char c, bool bytes)
{
  switch (c) {
  case '-': return PERCENT_LEFT;
  case '+': return PERCENT_PLUS;
  case ' ': return PERCENT_BLANK;
  case '#': return PERCENT_ALTERNATE;
  case '0': return PERCENT_ZERO;
  case 'z': return bytes ? PERCENT_NO_NEGATIVE_ZERO : 0;   // PEP 682
  default: return 0;
  }
}

// Behind '%'.
static bool percent_read_spec(Percent *f, PercentSpec *s)
{
  VM *vm = f->vm;
  *s = (PercentSpec){.width = -1, .precision = -1};
  if (f->p < f->end && *f->p == '(' && !percent_read_key(f)) return false;
  for (unsigned flag; f->p < f->end && (flag = percent_flag(*f->p, f->bytes)); f->p++) s->flags |= flag;
  if (f->p < f->end && *f->p == '*') {
    if (!percent_read_star(f, &s->width, false)) return false;
    if (s->width < 0) {
      s->flags |= PERCENT_LEFT;
      s->width = s->width == INT64_MIN ? INT64_MAX : -s->width;
    }
  } else if (f->p < f->end && *f->p >= '0' && *f->p <= '9') {
    s->width = 0;
    if (!percent_read_digits(f, INT64_MAX, "width too big", &s->width)) return false;
  }
  if (f->p < f->end && *f->p == '.') {
    f->p++;
    int64_t precision = 0;
    if (f->p < f->end && *f->p == '*') {
      if (!percent_read_star(f, &precision, true)) return false;
    } else if (!percent_read_digits(f, INT_MAX, f->bytes ? "prec too big" : "precision too big", &precision)) {
      return false;
    }
    s->precision = (int)precision;
  }
  if (f->p < f->end && (*f->p == 'h' || *f->p == 'l' || *f->p == 'L')) f->p++;
  if (f->p >= f->end) return cd_raise_value(vm, "incomplete format");
  s->type = f->bytes ? (unsigned char)*f->p++ : cd_utf8_next(&f->p);
  if (f->bytes && s->type == 'i') s->type = 'd'; // as messages call it
  return true;
}

// ---- writing ----

// Text padded with spaces to the width.
static bool percent_put_padded(Percent *f, const PercentSpec *s, const char *data, size_t size, size_t length)
{
  size_t pad = s->width > (int64_t)length ? (size_t)s->width - length : 0;
  if (pad > INT64_MAX / 8) return cd_raise_memory(f->vm);
  if (pad && !(s->flags & PERCENT_LEFT) && !percent_fill(f, ' ', pad)) return false;
  if (!percent_put(f, data, size)) return false;
  return !pad || !(s->flags & PERCENT_LEFT) || percent_fill(f, ' ', pad);
}

static bool percent_put_str(Percent *f, const PercentSpec *s, Value text)
{
  size_t length = cd_str_length(text);
  if (s->precision >= 0 && (size_t)s->precision < length) length = (size_t)s->precision;
  return percent_put_padded(f, s, cd_str_data(text), cd_str_offset(f->vm, text, length), length);
}

// A number: sign, prefix ("0x"), zeros up to the precision, digits; zeros or spaces up to the width.
static bool percent_put_number(Percent *f, const PercentSpec *s, char sign, const char *prefix, size_t zeros, const char *digits,
                               size_t size)
{
  size_t prefix_size = strlen(prefix), length = (sign != 0) + prefix_size + zeros + size;
  size_t pad = s->width > (int64_t)length ? (size_t)s->width - length : 0;
  if (pad > INT64_MAX / 8) return cd_raise_memory(f->vm);
  bool left = s->flags & PERCENT_LEFT, zero = s->flags & PERCENT_ZERO && !left;
  if (pad && !left && !zero && !percent_fill(f, ' ', pad)) return false;
  if (sign && !percent_put(f, &sign, 1)) return false;
  if (!percent_put(f, prefix, prefix_size)) return false;
  if (!percent_fill(f, '0', zeros + (zero ? pad : 0)) || !percent_put(f, digits, size)) return false;
  return !pad || !left || percent_fill(f, ' ', pad);
}

static char percent_sign(const PercentSpec *s, bool negative)
{
  return negative ? '-' : s->flags & PERCENT_PLUS ? '+' : s->flags & PERCENT_BLANK ? ' ' : 0;
}

static bool percent_is_number(VM *vm, Value v)
{
  const TypeSlots *slots = &cd_type_of(vm, v)->slots;
  return cd_is_int(v) || cd_is_float(v) || cd_is_complex(v) || slots->index || slots->int_ || slots->float_;
}

static Ref percent_integer(Percent *f, const PercentSpec *s, Value v)
{
  VM *vm = f->vm;
  bool index_only = s->type == 'x' || s->type == 'X' || s->type == 'o';
  if (cd_is_int(v)) return cd_dup(v);
  Ref number = NO_REF;
  if (percent_is_number(vm, v)) {
    number = index_only ? cd_index(vm, v) : cd_to_int(vm, v);
    if (number) return number;
    if (!cd_swallow(vm, vm->exc.TypeError)) return NO_REF;
  }
  return index_only ? cd_raise_type(vm, "%%%c format: an integer is required, not %.200T", (int)s->type, v)
                    : cd_raise_type(vm, "%%%c format: a real number is required, not %.200T", (int)s->type, v);
}

static bool percent_put_int(Percent *f, const PercentSpec *s, Value v)
{
  VM *vm = f->vm;
  Ref number = percent_integer(f, s, v);
  if (!number) return false;
  int base = s->type == 'o' ? 8 : s->type == 'x' || s->type == 'X' ? 16 : 10;
  Ref text = cd_int_to_text(vm, number, base);
  cd_drop(vm, number);
  if (!text) return false;
  const char *digits = cd_str_data(text);
  size_t size = cd_str_size(text);
  bool negative = *digits == '-';
  digits += negative;
  size -= negative;
  const char *prefix = !(s->flags & PERCENT_ALTERNATE) ? "" : s->type == 'o' ? "0o" : s->type == 'x' ? "0x" : s->type == 'X' ? "0X" : "";
  size_t zeros = s->precision > 0 && (size_t)s->precision > size ? (size_t)s->precision - size : 0;
  Ref upper = NO_REF;
  if (s->type == 'X') {
    upper = cd_call_method(vm, text, N(upper), NULL, 0);
    digits = upper ? cd_str_data(upper) + negative : NULL;
  }
  bool ok = digits && percent_put_number(f, s, percent_sign(s, negative), prefix, zeros, digits, size);
  cd_drop(vm, upper);
  cd_drop(vm, text);
  return ok;
}

static bool percent_put_float(Percent *f, const PercentSpec *s, Value v)
{
  VM *vm = f->vm;
  double x;
  if (!cd_to_double(vm, v, &x)) {
    // float() of text has its own words; here anything that is no number is told alike.
    if (f->bytes && cd_swallow(vm, vm->exc.TypeError)) cd_raise_type(vm, "float argument required, not %.200T", v);
    return false;
  }
  unsigned flags = (s->flags & PERCENT_ALTERNATE ? FLOAT_ALTERNATE : 0) |
                   (s->flags & PERCENT_NO_NEGATIVE_ZERO ? FLOAT_NO_NEGATIVE_ZERO : 0);
  Ref text = cd_float_to_text(vm, x, (char)s->type, s->precision < 0 ? 6 : s->precision, (int)flags);
  if (!text) return false;
  bool negative = cd_str_data(text)[0] == '-';
  bool ok = percent_put_number(f, s, percent_sign(s, negative), "", 0, cd_str_data(text) + negative, cd_str_size(text) - negative);
  cd_drop(vm, text);
  return ok;
}

// %c of str: a code point or a string of one.
static bool percent_put_char(Percent *f, const PercentSpec *s, Value v)
{
  VM *vm = f->vm;
  char bytes[4];
  int64_t c;
  if (cd_is_str(v) && cd_str_length(v) == 1) return percent_put_padded(f, s, cd_str_data(v), cd_str_size(v), 1);
  if (cd_is_str(v)) return cd_raise_type(vm, "%%c requires int or char");
  Ref number = cd_is_int(v) ? cd_dup(v) : cd_index(vm, v);
  if (!number) return cd_swallow(vm, vm->exc.TypeError) && cd_raise_type(vm, "%%c requires int or char");
  bool fits = cd_int_fits_i64(number, &c) && c >= 0 && c <= 0x10FFFF;
  cd_drop(vm, number);
  if (!fits) return cd_raise_overflow(vm, "%%c arg not in range(0x110000)");
  return percent_put_padded(f, s, bytes, (size_t)cd_utf8_put(bytes, (uint32_t)c), 1);
}

// %c of bytes: an integer in range(256) or one byte.
static bool percent_put_byte(Percent *f, const PercentSpec *s, Value v)
{
  VM *vm = f->vm;
  if (cd_is_bytes(v) || cd_is_bytearray(v)) {
    ByteSpan span = cd_byte_span(v);
    if (span.size == 1) return percent_put_padded(f, s, span.data, 1, 1);
    return cd_raise_type(vm, "%%c requires an integer in range(256) or a single byte");
  }
  Ref number = cd_is_int(v) ? cd_dup(v) : cd_type_of(vm, v)->slots.index ? cd_index(vm, v) : NO_REF;
  if (!number) return !cd_raised(vm) && cd_raise_type(vm, "%%c requires an integer in range(256) or a single byte");
  int64_t c;
  bool fits = cd_int_fits_i64(number, &c) && c >= 0 && c <= 255;
  cd_drop(vm, number);
  if (!fits) return cd_raise_overflow(vm, "%%c arg not in range(256)");
  char byte = (char)c;
  return percent_put_padded(f, s, &byte, 1, 1);
}

static bool percent_put_bytes(Percent *f, const PercentSpec *s, const char *data, size_t size)
{
  if (s->precision >= 0 && (size_t)s->precision < size) size = (size_t)s->precision;
  return percent_put_padded(f, s, data, size, size);
}

// %b and %s of bytes: a buffer, or what __bytes__ gives.
static bool percent_put_bytes_like(Percent *f, const PercentSpec *s, Value v)
{
  VM *vm = f->vm;
  Ref method, holder = NO_REF;
  if (!cd_is_bytes(v) && !cd_is_bytearray(v)) {
    Find found = cd_lookup_special(vm, v, N(__bytes__), &method);
    if (found == FIND_ERROR) return false;
    if (found == FIND_HIT) {
      holder = cd_call0(vm, method);
      cd_drop(vm, method);
      if (!holder) return false;
      if (!cd_is_bytes(holder)) {
        cd_raise_type(vm, "__bytes__ returned non-bytes (type %.200T)", holder);
        cd_drop(vm, holder);
        return false;
      }
      v = holder;
    }
  }
  if (!cd_has_buffer(vm, v))
    return cd_raise_type(vm, "%%b requires a bytes-like object, or an object that implements __bytes__, not '%.100T'", v);
  Buffer buffer;
  bool ok = cd_get_buffer(vm, v, &buffer, BUFFER_SIMPLE);
  if (ok) {
    ok = percent_put_bytes(f, s, buffer.data, (size_t)buffer.size);
    cd_release_buffer(vm, &buffer);
  }
  cd_drop(vm, holder);
  return ok;
}

static bool percent_put_text(Percent *f, const PercentSpec *s, Value v)
{
  VM *vm = f->vm;
  Ref text = s->type == 's' ? cd_str(vm, v) : s->type == 'r' && !f->bytes ? cd_repr(vm, v) : cd_ascii(vm, v);
  bool ok = text && percent_put_str(f, s, text);
  cd_drop(vm, text);
  return ok;
}

static bool percent_put_one(Percent *f, const PercentSpec *s, size_t type_offset)
{
  Value v = percent_argument(f);
  if (!v) return false;
  switch (s->type) {
  case 'b': if (!f->bytes) break; return percent_put_bytes_like(f, s, v);
  case 's': return f->bytes ? percent_put_bytes_like(f, s, v) : percent_put_text(f, s, v);
  case 'r': case 'a': return percent_put_text(f, s, v);
  case 'c': return f->bytes ? percent_put_byte(f, s, v) : percent_put_char(f, s, v);
  case 'd': case 'i': case 'u': case 'o': case 'x': case 'X': return percent_put_int(f, s, v);
  case 'e': case 'E': case 'f': case 'F': case 'g': case 'G': return percent_put_float(f, s, v);
  default: break;
  }
  size_t index = f->bytes ? type_offset : cd_utf8_count(f->start, type_offset);
  int shown = f->bytes || (s->type > 30 && s->type < 128) ? (int)s->type : '?';
  return cd_raise_value(f->vm, "unsupported format character '%c' (0x%x) at index %zd", shown, s->type, (ptrdiff_t)index);
}

static bool percent_run(Percent *f)
{
  while (f->p < f->end) {
    const char *percent = memchr(f->p, '%', (size_t)(f->end - f->p));
    size_t plain = (size_t)((percent ? percent : f->end) - f->p);
    if (plain && !percent_put(f, f->p, plain)) return false;
    if (!percent) break;
    f->p = percent + 1;
    if (f->p < f->end && *f->p == '%') {
      if (!percent_put(f, "%", 1)) return false;
      f->p++;
      continue;
    }
    PercentSpec spec;
    if (!percent_read_spec(f, &spec)) return false;
    const char *type = f->p - (f->bytes ? 1 : cd_utf8_size(spec.type));
    if (!percent_put_one(f, &spec, (size_t)(type - f->start))) return false;
  }
  if (f->next < f->count && !f->mapping)
    return cd_raise_type(f->vm, "not all arguments converted during %s formatting", f->bytes ? "bytes" : "string");
  return true;
}

static void percent_init(Percent *f, VM *vm, const char *data, size_t size, Value args, bool bytes)
{
  *f = (Percent){.vm = vm, .bytes = bytes, .start = data, .p = data, .end = data + size, .args = args};
  cd_text_init(&f->text, vm);
  cd_byte_builder_init(&f->raw, vm);
  bool tuple = cd_is_tuple(args);
  f->count = tuple ? (int64_t)cd_tuple_size(args) : -1;
  f->next = tuple ? 0 : -2;
  bool text = cd_is_str(args) || (bytes && (cd_is_bytes(args) || cd_is_bytearray(args)));
  if (!tuple && !text && cd_type_of(vm, args)->slots.getitem) f->mapping = args;
}

Ref cd_str_percent(VM *vm, Value format, Value args)
{
  Percent f;
  percent_init(&f, vm, cd_str_data(format), cd_str_size(format), args, false);
  bool ok = percent_run(&f);
  cd_clear(vm, &f.keyed);
  if (ok) return cd_text_finish(&f.text);
  cd_text_clear(&f.text);
  return NO_REF;
}

Ref cd_bytes_percent(VM *vm, Value format, Value args)
{
  Percent f;
  Buffer buffer;                                 // holds a bytearray still
  if (!cd_get_buffer(vm, format, &buffer, BUFFER_SIMPLE)) return NO_REF;
  percent_init(&f, vm, buffer.data, (size_t)buffer.size, args, true);
  bool ok = percent_run(&f);
  cd_clear(vm, &f.keyed);
  cd_release_buffer(vm, &buffer);
  if (!ok) { cd_byte_builder_clear(&f.raw); return NO_REF; }
  Ref bytes = cd_byte_builder_finish(&f.raw);
  if (!bytes || !cd_is_bytearray(format)) return bytes;
  Ref array = cd_bytearray_new(vm, cd_bytes_data(bytes), cd_bytes_size(bytes));
  cd_drop(vm, bytes);
  return array;
}
