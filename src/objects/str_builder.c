// SPDX-License-Identifier: MIT
// str_builder.c: TextBuilder, and text from C formats
#include "objects/str.h"

#include "base/utf8.h"
#include "objects/protocol.h"
#include "objects/type.h"

#include <stdarg.h>
#include <stdio.h>

enum { TEXT_INLINE_MAX = 256 };                  // results up to this are copied into the str; longer ones give it their block

void cd_text_init(TextBuilder *text, VM *vm) { *text = (TextBuilder){.vm = vm, .ascii = true}; }

void cd_text_clear(TextBuilder *text)
{
  cd_free(text->vm, text->data, text->capacity);
  cd_text_init(text, text->vm);
}

static bool text_grow(TextBuilder *text, size_t size)
{
  size_t needed = text->size + size + 1;
  if (UNLIKELY(needed > INT64_MAX / 4)) return cd_raise_memory(text->vm);
  size_t capacity = needed + needed / 2;
  if (capacity < 64) capacity = 64;
  char *data = cd_realloc(text->vm, text->data, text->capacity, capacity);
  if (!data) return false;
  text->data = data;
  text->capacity = capacity;
  return true;
}

static inline bool text_reserve(TextBuilder *text, size_t size)
{
  return LIKELY(text->capacity - text->size > size) || text_grow(text, size);
}

static bool text_put_counted(TextBuilder *text, const char *data, size_t size, size_t length)
{
  if (!text_reserve(text, size)) return false;
  memcpy(text->data + text->size, data, size);
  text->size += size;
  text->length += length;
  text->ascii &= size == length;
  return true;
}

bool cd_text_put(TextBuilder *text, const char *data, size_t size) { return text_put_counted(text, data, size, cd_utf8_count(data, size)); }
bool cd_text_put_ascii(TextBuilder *text, const char *data, size_t size) { return text_put_counted(text, data, size, size); }
bool cd_text_reserve(TextBuilder *text, size_t size) { return text_reserve(text, size); }
bool cd_text_str(TextBuilder *text, Value s) { return text_put_counted(text, cd_str_data(s), cd_str_size(s), cd_str_length(s)); }

bool cd_text_puts(TextBuilder *text, const char *ascii)
{
  size_t size = strlen(ascii);
  return text_put_counted(text, ascii, size, size);
}

bool cd_text_wide(TextBuilder *text, uint32_t c)
{
  if (!text_reserve(text, 4)) return false;
  if (LIKELY(c < 0x80)) {
    text->data[text->size++] = (char)c;
  } else {
    text->size += (size_t)cd_utf8_put(text->data + text->size, c);
    text->ascii = false;
  }
  text->length++;
  return true;
}

bool cd_text_fill(TextBuilder *text, uint32_t c, size_t count)
{
  char bytes[4];
  size_t width = (size_t)cd_utf8_put(bytes, c), size;
  if (__builtin_mul_overflow(width, count, &size)) return cd_raise_memory(text->vm);
  if (!text_reserve(text, size)) return false;
  char *p = text->data + text->size;
  if (width == 1) memset(p, bytes[0], count);
  else for (size_t i = 0; i < count; i++) memcpy(p + i * width, bytes, width);
  text->size += size;
  text->length += count;
  text->ascii &= width == 1 || count == 0;
  return true;
}

static bool text_take(TextBuilder *text, Ref s)   // appends a str and drops it; NO_REF: failure
{
  if (!s) return false;
  bool ok = cd_text_str(text, s);
  cd_drop(text->vm, s);
  return ok;
}

bool cd_text_repr(TextBuilder *text, Value v) { return text_take(text, cd_repr(text->vm, v)); }

Ref cd_text_finish(TextBuilder *text)
{
  VM *vm = text->vm;
  Ref result;
  if (text->size <= TEXT_INLINE_MAX) {
    result = cd_str_known(vm, text->data, text->size, text->length);
    cd_free(vm, text->data, text->capacity);
  } else {
    if (text->capacity - text->size > text->size / 8 + 64) {     // give back what is too much
      char *fitted = cd_realloc(vm, text->data, text->capacity, text->size + 1);
      if (fitted) { text->data = fitted; text->capacity = text->size + 1; }
      else cd_clear_raised(vm);
    }
    text->data[text->size] = 0;
    result = cd_str_adopt(vm, text->data, text->size, text->length, text->capacity);
  }
  cd_text_init(text, vm);
  return result;
}

// ---- formats ----

// One directive of a format, between '%' and its letter.
typedef struct FormatDirective {
  bool left, zero, plus;
  int width, precision;                          // precision -1: none
  enum { FORMAT_INT, FORMAT_LONG, FORMAT_LONG_LONG, FORMAT_SIZE } length;
} FormatDirective;

static const char *format_read_number(const char *p, int *out)
{
  for (*out = 0; *p >= '0' && *p <= '9'; p++) *out = *out * 10 + (*p - '0');
  return p;
}

static const char *format_read(const char *p, FormatDirective *d)
{
  *d = (FormatDirective){.precision = -1};
  for (;; p++) {
    if (*p == '-') d->left = true;
    else if (*p == '0') d->zero = true;
    else if (*p == '+') d->plus = true;
    else break;
  }
  p = format_read_number(p, &d->width);
  if (*p == '.') p = format_read_number(p + 1, &d->precision);
  if (*p == 'z' || *p == 'j' || *p == 't') { d->length = FORMAT_SIZE; p++; }
  while (*p == 'l') { d->length = d->length == FORMAT_LONG ? FORMAT_LONG_LONG : FORMAT_LONG; p++; }
  return p;
}

// Text cut to the precision (code points) and padded to the width.
static bool format_put(TextBuilder *text, const FormatDirective *d, const char *data, size_t size)
{
  size_t length = cd_utf8_count(data, size);
  if (d->precision >= 0 && length > (size_t)d->precision) {
    const char *p = data;
    for (int i = 0; i < d->precision; i++) p += cd_utf8_len((unsigned char)*p);
    size = (size_t)(p - data);
    length = (size_t)d->precision;
  }
  size_t pad = (size_t)d->width > length ? (size_t)d->width - length : 0;
  if (pad && !d->left && !cd_text_fill(text, ' ', pad)) return false;
  if (!text_put_counted(text, data, size, length)) return false;
  return !pad || !d->left || cd_text_fill(text, ' ', pad);
}

static bool format_put_number(TextBuilder *text, FormatDirective d, char letter, va_list *args)
{
  char digits[64];
  if (letter == 'd' || letter == 'i') {
    long long n = d.length == FORMAT_INT ? va_arg(*args, int) : d.length == FORMAT_LONG ? va_arg(*args, long) :
                  d.length == FORMAT_SIZE ? va_arg(*args, ptrdiff_t) : va_arg(*args, long long);
    snprintf(digits, sizeof digits, d.plus ? "%+.*lld" : "%.*lld", d.precision < 0 ? 1 : d.precision, n);
  } else {
    unsigned long long n = d.length == FORMAT_INT ? va_arg(*args, unsigned) : d.length == FORMAT_LONG ? va_arg(*args, unsigned long) :
                           d.length == FORMAT_SIZE ? va_arg(*args, size_t) : va_arg(*args, unsigned long long);
    int precision = d.precision < 0 ? 1 : d.precision;
    snprintf(digits, sizeof digits,
             letter == 'x'   ? "%.*llx"
             : letter == 'X' ? "%.*llX"
             : letter == 'o' ? "%.*llo"
                             : "%.*llu",
             precision, n);
  }
  d.precision = -1;
  size_t size = strlen(digits);
  if (d.zero && !d.left && (size_t)d.width > size) {
    bool sign = digits[0] == '-' || digits[0] == '+';
    if (sign && !cd_text_char(text, (unsigned char)digits[0])) return false;
    return cd_text_fill(text, '0', (size_t)d.width - size) && cd_text_puts(text, digits + sign);
  }
  return format_put(text, &d, digits, size);
}

static bool format_put_value(TextBuilder *text, const FormatDirective *d, char letter, Value v)
{
  VM *vm = text->vm;
  if (letter == 'T' || letter == 'N') {
    const char *name = cd_type_name(letter == 'T' ? cd_type_of(vm, v) : (const Type *)cd_object(v));
    return format_put(text, d, name, strlen(name));
  }
  if (letter == 'U') return format_put(text, d, cd_str_data(v), cd_str_size(v));
  Ref s = letter == 'R' ? cd_repr(vm, v) : letter == 'S' ? cd_str(vm, v) : cd_ascii(vm, v);
  if (!s) return false;
  bool ok = format_put(text, d, cd_str_data(s), cd_str_size(s));
  cd_drop(vm, s);
  return ok;
}

static bool format_one(TextBuilder *text, const FormatDirective *d, char letter, va_list *args)
{
  char byte[24];
  switch (letter) {
  case '%': return cd_text_char(text, '%');
  case 'c': return cd_text_char(text, (uint32_t)va_arg(*args, int));
  case 's': {
    const char *s = va_arg(*args, const char *);
    if (!s) s = "(null)";
    return format_put(text, d, s, d->precision >= 0 ? strnlen(s, (size_t)d->precision * 4) : strlen(s));
  }
  case 'p':
    snprintf(byte, sizeof byte, "0x%llx", (unsigned long long)(uintptr_t)va_arg(*args, void *));
    return format_put(text, d, byte, strlen(byte));
  case 'd': case 'i': case 'u': case 'x': case 'X': case 'o': return format_put_number(text, *d, letter, args);
  case 'N': return format_put_value(text, d, letter, cd_from_object(va_arg(*args, const Type *)));
  case 'T': case 'S': case 'R': case 'A': case 'U': return format_put_value(text, d, letter, va_arg(*args, Value));
  default: return cd_raise_system(text->vm, "invalid format directive");
  }
}

static bool text_vformat(TextBuilder *text, const char *format, va_list *args)
{
  for (const char *p = format; *p;) {
    const char *percent = strchr(p, '%');
    size_t plain = percent ? (size_t)(percent - p) : strlen(p);
    if (plain && !cd_text_put(text, p, plain)) return false;
    if (!percent) return true;
    FormatDirective directive;
    p = format_read(percent + 1, &directive);
    if (!*p) return cd_raise_system(text->vm, "incomplete format directive");
    if (!format_one(text, &directive, *p++, args)) return false;
  }
  return true;
}

bool cd_text_format(TextBuilder *text, const char *format, ...)
{
  va_list args;
  va_start(args, format);
  bool ok = text_vformat(text, format, &args);
  va_end(args);
  return ok;
}

Ref cd_str_vformat(VM *vm, const char *format, va_list args)
{
  TextBuilder text;
  cd_text_init(&text, vm);
  va_list copy;
  va_copy(copy, args);
  bool ok = text_vformat(&text, format, &copy);
  va_end(copy);
  if (ok) return cd_text_finish(&text);
  cd_text_clear(&text);
  return NO_REF;
}

Ref cd_str_format(VM *vm, const char *format, ...)
{
  va_list args;
  va_start(args, format);
  Ref result = cd_str_vformat(vm, format, args);
  va_end(args);
  return result;
}
