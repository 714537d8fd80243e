// SPDX-License-Identifier: MIT
// number_format.c: the format mini-language for numbers (library reference, "Format Specification Mini-Language")
#include "base/number_text.h"
#include "base/unicode.h"
#include "base/utf8.h"
#include "objects/float.h"
#include "objects/int.h"
#include "objects/protocol.h"
#include "objects/str.h"
#include "objects/type.h"

#include <limits.h>
#include <locale.h>
#include <math.h>

// ---- doubles by printf-like codes ----

// Where the digits of a finite number go: decimal digits [start, end) relative to the first one, the point before digit `point`.
typedef struct FloatLayout {
  char digits[800];
  int count, point;
  int64_t start, end;
  bool exponential;
  int exponent;
} FloatLayout;

static void float_layout(FloatLayout *out, double x, char code, int precision, int flags)
{
  bool dot_0 = flags & FLOAT_ADD_DOT_0;
  out->exponential = code == 'e';
  if (code == 'r') {
    cd_double_shortest(x, out->digits, &out->count, &out->point);
    if (x == 0) out->count = 0;
  } else if (code == 'f') {
    cd_double_fixed(x, precision, out->digits, &out->count, &out->point);
  } else {
    int wanted = code == 'e' ? precision : precision - 1;
    cd_double_significant(x, wanted < 800 ? wanted + 1 : 800, out->digits, &out->count, &out->point);
  }
  if (code == 'g') out->exponential = out->point <= -4 || out->point > precision - dot_0;
  if (code == 'r') out->exponential = out->point <= -4 || out->point > 16;
  int64_t end = out->count;                      // digits worth writing
  if (code == 'e') end = (int64_t)precision + 1;
  else if (code == 'f') end = (int64_t)out->point + precision;
  else if (code == 'g' && flags & FLOAT_ALTERNATE) end = precision;
  if (out->exponential) {
    out->exponent = out->point - 1;
    out->point = 1;
  }
  int64_t least = (int64_t)out->point + (dot_0 && !out->exponential);
  out->start = out->point <= 0 ? out->point - 1 : 0;
  out->end = end > least ? end : least;
}

static bool float_put_digits(TextBuilder *text, const FloatLayout *layout, int64_t from, int64_t to)
{
  int64_t zeros = to < 0 ? to - from : from < 0 ? -from : 0;
  if (zeros > 0 && !cd_text_fill(text, '0', (size_t)zeros)) return false;
  from += zeros > 0 ? zeros : 0;
  int64_t last = to < layout->count ? to : layout->count;
  if (from < last) {
    if (!cd_text_put(text, layout->digits + from, (size_t)(last - from))) return false;
    from = last;
  }
  return from >= to || cd_text_fill(text, '0', (size_t)(to - from));
}

static bool float_put(TextBuilder *text, double x, char code, int precision, int flags)
{
  bool upper = code >= 'A' && code <= 'Z';
  if (upper) code |= 0x20;
  if (isnan(x)) return cd_text_puts(text, upper ? "NAN" : "nan");
  if (isinf(x)) return cd_text_puts(text, x < 0 ? (upper ? "-INF" : "-inf") : (upper ? "INF" : "inf"));
  if (code == 'g' && precision == 0) precision = 1;
  FloatLayout layout;
  float_layout(&layout, x, code, precision, flags);
  bool sign = signbit(x) && !(flags & FLOAT_NO_NEGATIVE_ZERO && layout.count == 0);
  if (sign && !cd_text_char(text, '-')) return false;
  if (!float_put_digits(text, &layout, layout.start, layout.point)) return false;
  if ((layout.end > layout.point || flags & FLOAT_ALTERNATE) && !cd_text_char(text, '.')) return false;
  if (!float_put_digits(text, &layout, layout.point, layout.end)) return false;
  if (!layout.exponential) return true;
  int exponent = layout.exponent;
  return cd_text_format(text, "%c%c%02d", upper ? 'E' : 'e', exponent < 0 ? '-' : '+', exponent < 0 ? -exponent : exponent);
}

Ref cd_float_to_text(VM *vm, double x, char code, int precision, int flags)
{
  TextBuilder text;
  cd_text_init(&text, vm);
  if (float_put(&text, x, code, precision, flags)) return cd_text_finish(&text);
  cd_text_clear(&text);
  return NO_REF;
}

// ---- reading a specification ----

typedef struct NumberSpec {
  uint32_t fill;
  char align;                                    // '<' '>' '^' '='
  char sign;                                     // ' ' '+' '-', 0: not given
  bool alternate, no_negative_zero;
  int64_t width, precision;                      // -1: not given
  char separator;                                // ',' '_', 0: none
  uint32_t type;                                 // 0: not given
} NumberSpec;

static inline bool spec_is_align(char c) { return c == '<' || c == '>' || c == '=' || c == '^'; }

// Decimal digits, of any script. *any tells whether there were some.
static bool spec_read_number(VM *vm, const char **text, const char *end, int64_t *out, bool *any)
{
  const char *p = *text;
  int64_t n = 0;
  *any = false;
  while (p < end) {
    const char *next = p;
    int digit = cd_char_decimal(cd_utf8_next(&next));
    if (digit < 0) break;
    if (n > (INT64_MAX - digit) / 10) return cd_raise_value(vm, "Too many decimal digits in format string");
    n = n * 10 + digit;
    p = next;
    *any = true;
  }
  *text = p;
  if (*any) *out = n;
  return true;
}

static bool spec_check_separator(VM *vm, const NumberSpec *spec)
{
  uint32_t c = spec->type;
  if (!spec->separator || !c || strchr("defgEGF%", (int)(c < 0x80 ? c : '?'))) return true;
  if (spec->separator == '_' && (c == 'b' || c == 'o' || c == 'x' || c == 'X')) return true;
  if (c > 32 && c < 128) return cd_raise_value(vm, "Cannot specify '%c' with '%c'.", spec->separator, (int)c);
  return cd_raise_value(vm, "Cannot specify '%c' with '\\x%x'.", spec->separator, (unsigned)c);
}

static bool spec_read_separator(VM *vm, const char **text, const char *end, NumberSpec *out)
{
  const char *p = *text;
  bool clash = false;
  if (p < end && *p == ',') { out->separator = ','; p++; }
  if (p < end && *p == '_') { clash = out->separator; out->separator = '_'; p++; }
  if (p < end && *p == ',') clash |= out->separator == '_';
  *text = p;
  return !clash || cd_raise_value(vm, "Cannot specify both ',' and '_'.");
}

static bool spec_read(VM *vm, Value number, Value text, NumberSpec *out)
{
  const char *p = cd_str_data(text), *end = p + cd_str_size(text), *next = p;
  *out = (NumberSpec){.fill = ' ', .align = '>', .width = -1, .precision = -1};
  bool aligned = true, filled = false, any;
  uint32_t first = p < end ? cd_utf8_next(&next) : 0;
  if (p < end && next < end && spec_is_align(*next)) {
    out->fill = first;
    out->align = *next;
    filled = true;
    p = next + 1;
  } else if (p < end && spec_is_align(*p)) {
    out->align = *p++;
  } else {
    aligned = false;
  }
  if (p < end && (*p == ' ' || *p == '+' || *p == '-')) out->sign = *p++;
  if (p < end && *p == 'z') { out->no_negative_zero = true; p++; }
  if (p < end && *p == '#') { out->alternate = true; p++; }
  if (!filled && p < end && *p == '0') {
    out->fill = '0';
    if (!aligned) out->align = '=';
    p++;
  }
  if (!spec_read_number(vm, &p, end, &out->width, &any) || !spec_read_separator(vm, &p, end, out)) return false;
  if (p < end && *p == '.') {
    p++;
    if (!spec_read_number(vm, &p, end, &out->precision, &any)) return false;
    if (!any) return cd_raise_value(vm, "Format specifier missing precision");
  }
  if (p < end) {
    next = p;
    uint32_t type = cd_utf8_next(&next);
    if (next < end)
      return cd_raise_value(vm, "Invalid format specifier '%U' for object of type '%.200s'", text, cd_type_name(cd_type_of(vm, number)));
    out->type = type;
  }
  return spec_check_separator(vm, out);
}

static Ref spec_unknown(VM *vm, Value number, uint32_t type)
{
  const char *name = cd_type_name(cd_type_of(vm, number));
  if (type > 32 && type < 128) return cd_raise_value(vm, "Unknown format code '%c' for object of type '%.200s'", (int)type, name);
  return cd_raise_value(vm, "Unknown format code '\\x%x' for object of type '%.200s'", (unsigned)type, name);
}

// ---- grouping ----

// What separates groups of digits. `sizes` is as in struct lconv: group sizes from the right; 0 repeats the last, CHAR_MAX ends.
typedef struct Grouping {
  char point[16], separator[16];
  char sizes[16];
} Grouping;

static void grouping_copy(char out[16], const char *text)
{
  size_t size = strlen(text), count;
  bool ascii;
  if (size >= 16 || cd_utf8_check(text, size, false, &count, &ascii, NULL) != size) size = 0;
  memcpy(out, text, size);
  out[size] = 0;
}

static void grouping_init(Grouping *out, const NumberSpec *spec)
{
  if (spec->type == 'n') {
    const struct lconv *locale = localeconv();
    grouping_copy(out->point, locale->decimal_point);
    grouping_copy(out->separator, locale->thousands_sep);
    memset(out->sizes, 0, sizeof out->sizes);
    memccpy(out->sizes, locale->grouping, 0, sizeof out->sizes - 1);
    if (!*out->point) memcpy(out->point, ".", 2);
    return;
  }
  bool hexadecimal = spec->separator == '_' && (spec->type == 'b' || spec->type == 'o' || spec->type == 'x' || spec->type == 'X');
  memcpy(out->point, ".", 2);
  out->separator[0] = spec->separator;
  out->separator[1] = 0;
  out->sizes[0] = spec->separator ? (hexadecimal ? 4 : 3) : CHAR_MAX;
  out->sizes[1] = 0;
}

// Size of group number i from the right; 0: no more separators.
static int64_t grouping_size(const Grouping *grouping, int64_t i)
{
  int64_t last = 0;
  while (last < i && grouping->sizes[last]) last++;
  if (!grouping->sizes[last]) {
    if (last == 0) return 0;
    last--;
  }
  for (int64_t k = 0; k <= last; k++)
    if (grouping->sizes[k] == CHAR_MAX || grouping->sizes[k] < 0) return 0;
  return grouping->sizes[last];
}

// How `count` digits are written so that they take at least `width` characters: zeros in front, separators between. The groups are
// found from the right; written from the left. Returns the characters taken; *zeros and *groups for writing.
static int64_t grouping_plan(const Grouping *grouping, int64_t count, int64_t width, int64_t *digits, int64_t *groups)
{
  int64_t separator = (int64_t)cd_utf8_count(grouping->separator, strlen(grouping->separator)), left = count, taken = 0;
  *digits = 0;
  *groups = 0;
  for (int64_t i = 0;; i++) {
    int64_t size = grouping_size(grouping, i), want = left > width - taken ? left : width - taken;
    if (want < 1) want = 1;
    if (size == 0 || size > want) size = want;
    *digits += size;
    taken += size;
    left -= size;
    if ((left <= 0 && taken >= width) || grouping_size(grouping, i) == 0) return taken;
    ++*groups;
    taken += separator;
  }
}

static bool grouping_put(TextBuilder *text, const Grouping *grouping, const char *digits, int64_t count, int64_t total, int64_t groups)
{
  // total digits, the first total - count of them zeros; `groups` separators.
  int64_t position = 0, right = 0;
  for (int64_t g = 0; g < groups; g++) right += grouping_size(grouping, g);
  for (int64_t g = groups; g >= 0; g--) {
    int64_t end = total - right, zeros = total - count;
    int64_t fill = (end < zeros ? end : zeros) - position;
    if (fill > 0 && !cd_text_fill(text, '0', (size_t)fill)) return false;
    if (fill > 0) position += fill;
    if (end > position && !cd_text_put(text, digits + position - zeros, (size_t)(end - position))) return false;
    position = end;
    if (g == 0) break;
    if (!cd_text_put(text, grouping->separator, strlen(grouping->separator))) return false;
    right -= grouping_size(grouping, g - 1);
  }
  return true;
}

// ---- laying out ----

// A number in pieces: sign, prefix, digits before the point, the rest. `rest` may be any text; digits are ASCII.
typedef struct NumberPieces {
  bool negative;
  const char *prefix;
  const char *digits;
  size_t digit_count;
  bool has_point;
  const char *rest;
  size_t rest_size;
} NumberPieces;

static bool number_put(TextBuilder *text, const NumberSpec *spec, const NumberPieces *pieces)
{
  Grouping grouping;
  grouping_init(&grouping, spec);
  char sign = pieces->negative ? '-' : spec->sign == '+' || spec->sign == ' ' ? spec->sign : 0;
  int64_t prefix = (int64_t)strlen(pieces->prefix), count = (int64_t)pieces->digit_count, digits = 0, groups = 0;
  int64_t fixed = prefix + (sign != 0) + (int64_t)cd_utf8_count(pieces->rest, pieces->rest_size);
  if (pieces->has_point) fixed += (int64_t)cd_utf8_count(grouping.point, strlen(grouping.point));
  int64_t least = spec->fill == '0' && spec->align == '=' ? spec->width - fixed : 0;
  if (least > INT64_MAX / 4) return cd_raise_memory(text->vm);
  int64_t grouped = count ? grouping_plan(&grouping, count, least, &digits, &groups) : 0;
  int64_t padding = spec->width > fixed + grouped ? spec->width - fixed - grouped : 0;
  int64_t left = spec->align == '>' ? padding : spec->align == '^' ? padding / 2 : 0, middle = spec->align == '=' ? padding : 0;
  int64_t right = padding - left - middle;
  if (left && !cd_text_fill(text, spec->fill, (size_t)left)) return false;
  if (sign && !cd_text_char(text, (uint32_t)sign)) return false;
  if (!cd_text_puts(text, pieces->prefix)) return false;
  if (middle && !cd_text_fill(text, spec->fill, (size_t)middle)) return false;
  if (count && !grouping_put(text, &grouping, pieces->digits, count, digits, groups)) return false;
  if (pieces->has_point && !cd_text_put(text, grouping.point, strlen(grouping.point))) return false;
  if (!cd_text_put(text, pieces->rest, pieces->rest_size)) return false;
  return !right || cd_text_fill(text, spec->fill, (size_t)right);
}

static Ref number_finish(VM *vm, const NumberSpec *spec, const NumberPieces *pieces)
{
  TextBuilder text;
  cd_text_init(&text, vm);
  if (number_put(&text, spec, pieces)) return cd_text_finish(&text);
  cd_text_clear(&text);
  return NO_REF;
}

// Takes float text apart: sign, digits, point, rest.
static NumberPieces number_split(const char *text, size_t size)
{
  NumberPieces pieces = {.prefix = ""};
  const char *p = text, *end = text + size;
  if (p < end && *p == '-') { pieces.negative = true; p++; }
  pieces.digits = p;
  while (p < end && *p >= '0' && *p <= '9') p++;
  pieces.digit_count = (size_t)(p - pieces.digits);
  pieces.has_point = p < end && *p == '.';
  if (pieces.has_point) p++;
  pieces.rest = p;
  pieces.rest_size = (size_t)(end - p);
  return pieces;
}

// ---- int ----

static Ref format_char(VM *vm, Value v, const NumberSpec *spec)
{
  int64_t c;
  char utf8[4];
  if (spec->sign) return cd_raise_value(vm, "Sign not allowed with integer format specifier 'c'");
  if (spec->alternate) return cd_raise_value(vm, "Alternate form (#) not allowed with integer format specifier 'c'");
  if (!cd_int_fits_i64(v, &c)) return cd_raise_overflow(vm, "Python int too large to convert to C long");
  if (c < 0 || c > 0x10FFFF) return cd_raise_overflow(vm, "%%c arg not in range(0x110000)");
  NumberPieces pieces = {.prefix = "", .digits = "", .rest = utf8, .rest_size = (size_t)cd_utf8_put(utf8, (uint32_t)c)};
  return number_finish(vm, spec, &pieces);
}

static Ref format_int_digits(VM *vm, Value v, NumberSpec *spec)
{
  int base = 10;
  const char *prefix = "";
  switch (spec->type) {
  case 'b': base = 2; prefix = "0b"; break;
  case 'o': base = 8; prefix = "0o"; break;
  case 'x': base = 16; prefix = "0x"; break;
  case 'X': base = 16; prefix = "0X"; break;
  default: break;
  }
  Ref digits = cd_int_to_text(vm, v, base);
  if (!digits) return NO_REF;
  char *data = (char *)cd_str_data(digits);      // not shared yet, but for one-character strings, which are digits below
  size_t size = cd_str_size(digits);
  if (spec->type == 'X' && size == 1) {
    Ref upper = cd_str_from_char(vm, (uint32_t)(*data >= 'a' ? *data - 32 : *data));
    cd_drop(vm, digits);
    if (!(digits = upper)) return NO_REF;
    data = (char *)cd_str_data(digits);
  } else if (spec->type == 'X') {
    for (size_t i = 0; i < size; i++) if (data[i] >= 'a') data[i] -= 32;
  }
  bool negative = *data == '-';
  NumberPieces pieces = {
    .negative = negative, .prefix = spec->alternate ? prefix : "", .digits = data + negative, .digit_count = size - negative, .rest = "",
  };
  Ref text = number_finish(vm, spec, &pieces);
  cd_drop(vm, digits);
  return text;
}

static Ref format_double(VM *vm, Value number, double x, const NumberSpec *spec);

Ref cd_format_int(VM *vm, Value v, Value spec_text)
{
  NumberSpec spec;
  double x;
  if (cd_str_size(spec_text) == 0) return cd_is_small(v) ? cd_int_to_text(vm, v, 10) : cd_str(vm, v);
  if (!spec_read(vm, v, spec_text, &spec)) return NO_REF;
  switch (spec.type) {
  case 0: case 'b': case 'c': case 'd': case 'o': case 'x': case 'X': case 'n': break;
  case 'e': case 'E': case 'f': case 'F': case 'g': case 'G': case '%':
    return cd_int_to_double(vm, v, &x) ? format_double(vm, v, x, &spec) : NO_REF;
  default: return spec_unknown(vm, v, spec.type);
  }
  if (spec.precision != -1) return cd_raise_value(vm, "Precision not allowed in integer format specifier");
  if (spec.no_negative_zero) return cd_raise_value(vm, "Negative zero coercion (z) not allowed in integer format specifier");
  return spec.type == 'c' ? format_char(vm, v, &spec) : format_int_digits(vm, v, &spec);
}

// ---- float ----

// The code, precision and flags for float_put. false: precision too big.
static bool format_float_choice(VM *vm, const NumberSpec *spec, int default_flags, char *code, int *precision, int *flags)
{
  *flags = (spec->type ? 0 : default_flags) | (spec->alternate ? FLOAT_ALTERNATE : 0) |
           (spec->no_negative_zero ? FLOAT_NO_NEGATIVE_ZERO : 0);
  if (spec->precision > INT_MAX) return cd_raise_value(vm, "precision too big");
  *code = spec->type == 0 ? 'r' : spec->type == 'n' ? 'g' : spec->type == '%' ? 'f' : (char)spec->type;
  *precision = spec->precision >= 0 ? (int)spec->precision : spec->type ? 6 : 0;
  if (spec->precision >= 0 && *code == 'r') *code = 'g';
  return true;
}

static Ref format_double(VM *vm, Value number UNUSED, double x, const NumberSpec *spec)
{
  char code;
  int precision, flags;
  if (!format_float_choice(vm, spec, FLOAT_ADD_DOT_0, &code, &precision, &flags)) return NO_REF;
  if (spec->type == '%') x *= 100;
  TextBuilder text;
  cd_text_init(&text, vm);
  Ref result = NO_REF;
  if (float_put(&text, x, code, precision, flags) && (spec->type != '%' || cd_text_char(&text, '%'))) {
    NumberPieces pieces = number_split(text.data, text.size);
    result = number_finish(vm, spec, &pieces);
  }
  cd_text_clear(&text);
  return result;
}

Ref cd_format_float(VM *vm, Value v, Value spec_text)
{
  NumberSpec spec;
  if (cd_str_size(spec_text) == 0) return cd_str(vm, v);
  if (!spec_read(vm, v, spec_text, &spec)) return NO_REF;
  switch (spec.type) {
  case 0:
  case 'e':
  case 'E':
  case 'f':
  case 'F':
  case 'g':
  case 'G':
  case 'n':
  case '%': return format_double(vm, v, cd_float_value(v), &spec);
  default: return spec_unknown(vm, v, spec.type);
  }
}

// ---- complex ----

static bool format_complex_part(TextBuilder *text, const NumberSpec *spec, double x, char code, int precision, int flags)
{
  TextBuilder digits;
  cd_text_init(&digits, text->vm);
  bool ok = float_put(&digits, x, code, precision, flags);
  if (ok) {
    NumberPieces pieces = number_split(digits.data, digits.size);
    ok = number_put(text, spec, &pieces);
  }
  cd_text_clear(&digits);
  return ok;
}

static bool format_complex_parts(TextBuilder *text, const Complex *c, const NumberSpec *spec)
{
  char code;
  int precision, flags;
  if (!format_float_choice(text->vm, spec, 0, &code, &precision, &flags)) return false;
  bool skip_real = !spec->type && c->real == 0 && !signbit(c->real), parentheses = !spec->type && !skip_real;
  NumberSpec part = *spec;
  part.width = -1;
  part.align = '<';
  part.fill = ' ';
  if (parentheses && !cd_text_char(text, '(')) return false;
  if (!skip_real && !format_complex_part(text, &part, c->real, code, precision, flags)) return false;
  if (!skip_real) part.sign = '+';
  if (!format_complex_part(text, &part, c->imag, code, precision, flags)) return false;
  return cd_text_char(text, 'j') && (!parentheses || cd_text_char(text, ')'));
}

Ref cd_format_complex(VM *vm, Value v, Value spec_text)
{
  NumberSpec spec;
  if (cd_str_size(spec_text) == 0) return cd_str(vm, v);
  if (!spec_read(vm, v, spec_text, &spec)) return NO_REF;
  switch (spec.type) {
  case 0: case 'e': case 'E': case 'f': case 'F': case 'g': case 'G': case 'n': break;
  default: return spec_unknown(vm, v, spec.type);
  }
  if (spec.fill == '0') return cd_raise_value(vm, "Zero padding is not allowed in complex format specifier");
  if (spec.align == '=') return cd_raise_value(vm, "'=' alignment flag is not allowed in complex format specifier");
  TextBuilder text;
  cd_text_init(&text, vm);
  Ref result = NO_REF;
  if (format_complex_parts(&text, (const Complex *)cd_object(v), &spec)) {
    NumberPieces pieces = {.prefix = "", .digits = "", .rest = text.data, .rest_size = text.size};
    spec.sign = 0;
    result = number_finish(vm, &spec, &pieces);
  }
  cd_text_clear(&text);
  return result;
}
