// SPDX-License-Identifier: MIT
// int_text.c: integers to and from digits in any base
#include "base/unicode.h"
#include "base/utf8.h"
#include "objects/int_private.h"
#include "objects/raise.h"
#include "objects/str.h"

// ---- to text ----

static COLD Ref int_raise_digit_limit(VM *vm)
{
  return cd_raise_value(
    vm, "Exceeds the limit (%d digits) for integer string conversion; use sys.set_int_max_str_digits() to increase the limit",
    vm->config.int_max_str_digits);
}

static Ref int_word_to_text(VM *vm, uint64_t magnitude, bool negative, unsigned base)
{
  char out[66], *end = out + sizeof out, *p = end;
  do {
    unsigned digit = (unsigned)(magnitude % base);
    *--p = (char)(digit < 10 ? '0' + digit : 'a' + digit - 10);
  } while (magnitude /= base);
  if (negative) *--p = '-';
  return cd_str_ascii(vm, p, (size_t)(end - p));
}

// Digit values of the magnitude into `out`; returns how many. The limbs are destroyed by GMP, so they are copied first.
static bool int_put_digits(VM *vm, const IntView *view, int base, unsigned char *out, size_t *count)
{
  IntResult scratch;
  if (!cd_int_reserve(vm, (size_t)view->size * 2) || !cd_int_result_start(vm, &scratch, (size_t)view->size + 1)) return false;
  mpn_copyi(scratch.limbs, view->limbs, view->size);
  *count = mpn_get_str(out, base, scratch.limbs, view->size);
  cd_int_result_drop(vm, &scratch);
  return true;
}

static Ref int_view_to_text(VM *vm, const IntView *view, int base)
{
  int limit = vm->config.int_max_str_digits;
  bool limited = (base & (base - 1)) != 0 && limit > 0;
  // 0.3010299 is below log10(2): so many digits there are at the least.
  if (limited && base == 10 && (double)(view->size - 1) * 64 * 0.3010299 > (double)limit + 20) return int_raise_digit_limit(vm);
  size_t room = mpn_sizeinbase(view->limbs, (size_t)view->size, base) + 3, count;
  char *block = cd_alloc(vm, room);
  if (!block) return NO_REF;
  unsigned char *digits = (unsigned char *)block + 1, *p = digits;
  if (!int_put_digits(vm, view, base, digits, &count)) { cd_free(vm, block, room); return NO_REF; }
  while (count > 1 && *p == 0) p++, count--;
  if (limited && base == 10 && count > (size_t)limit) { cd_free(vm, block, room); return int_raise_digit_limit(vm); }
  for (size_t i = 0; i < count; i++) p[i] = (unsigned char)(p[i] < 10 ? '0' + p[i] : 'a' + p[i] - 10);
  if (view->negative) *--p = '-', count++;
  Ref text = cd_str_ascii(vm, (char *)p, count);
  cd_free(vm, block, room);
  return text;
}

Ref cd_int_to_text(VM *vm, Value v, int base)
{
  IntView view;
  cd_int_view(v, &view);
  if (LIKELY(view.size <= 1)) return int_word_to_text(vm, view.size ? view.limbs[0] : 0, view.negative, (unsigned)base);
  return int_view_to_text(vm, &view, base);
}

// ---- from text ----

bool cd_number_ascii(VM *vm, const char *text, size_t size, char **out, size_t *out_size)
{
  char *q = *out = cd_alloc(vm, size + 1);
  if (!q) return false;
  for (const char *p = text, *end = text + size; p < end;) {
    uint32_t c = cd_utf8_next(&p);
    int digit;
    if (c < 0x80) *q++ = (char)c;
    else if (cd_char_is_space(c)) *q++ = ' ';
    else if ((digit = cd_char_decimal(c)) >= 0) *q++ = (char)('0' + digit);
    else { *q++ = '?'; break; }
  }
  *q = 0;
  *out_size = (size_t)(q - *out);
  return true;
}

static inline bool int_is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r') || (c >= 0x1C && c <= 0x1F); }

static inline int int_digit_value(char c)
{
  if (c >= '0' && c <= '9') return c - '0';
  c |= 0x20;
  return c >= 'a' && c <= 'z' ? c - 'a' + 10 : 99;
}

// A literal taken apart: sign, base, and where its digits are.
typedef struct IntLiteral {
  const char *digits, *end;
  int base;
  bool negative, zeros_only;                     // zeros_only: base 0 and a leading 0, as in 00
} IntLiteral;

static int int_prefix_base(const char *p, const char *end)
{
  if (end - p < 2 || p[0] != '0') return 0;
  switch (p[1] | 0x20) {
  case 'x': return 16;
  case 'o': return 8;
  case 'b': return 2;
  default: return 0;
  }
}

static bool int_literal_split(IntLiteral *out, const char *text, size_t size, int base)
{
  const char *p = text, *end = text + size;
  while (p < end && int_is_space(*p)) p++;
  while (end > p && int_is_space(end[-1])) end--;
  out->negative = p < end && *p == '-';
  if (p < end && (*p == '-' || *p == '+')) p++;
  int prefix = int_prefix_base(p, end);
  out->zeros_only = base == 0 && !prefix && p < end && *p == '0';
  out->base = base ? base : prefix ? prefix : 10;
  if (prefix && prefix == out->base) {
    p += 2;
    if (p < end && *p == '_') p++;
  }
  out->digits = p;
  out->end = end;
  return p < end && *p != '_';
}

// Digits in the literal without underscores, or 0 when it is malformed.
static size_t int_literal_count(const IntLiteral *literal)
{
  size_t count = 0;
  char previous = 0;
  for (const char *p = literal->digits; p < literal->end; previous = *p++) {
    if (*p == '_') {
      if (previous == '_') return 0;
      continue;
    }
    int digit = int_digit_value(*p);
    if (digit >= literal->base || (literal->zeros_only && digit)) return 0;
    count++;
  }
  return previous == '_' ? 0 : count;
}

static Ref int_from_long_literal(VM *vm, const IntLiteral *literal, size_t count)
{
  size_t bits = 64 - (size_t)__builtin_clzll((uint64_t)literal->base - 1),
         limbs = count / 64 * bits + bits + 2;   // bits of one digit, rounded up
  unsigned char *values = cd_alloc(vm, count);
  if (!values) return NO_REF;
  size_t n = 0;
  for (const char *p = literal->digits; p < literal->end; p++)
    if (*p != '_') values[n++] = (unsigned char)int_digit_value(*p);
  size_t skip = 0;
  while (skip < n - 1 && values[skip] == 0) skip++;
  IntResult result;
  Ref number = NO_REF;
  if (cd_int_reserve(vm, limbs * 2) && cd_int_result_start(vm, &result, limbs)) {
    mp_size_t size = mpn_set_str(result.limbs, values + skip, n - skip, literal->base);
    number = cd_int_result_finish(vm, &result, size, literal->negative);
  }
  cd_free(vm, values, count);
  return number;
}

static COLD Ref int_raise_literal(VM *vm, const char *text, size_t size, int base, Value original)
{
  Ref quoted = cd_bits(original) ? cd_dup(original) : cd_str_decode_utf8(vm, text, size, "surrogatepass");
  if (quoted) cd_raise_value(vm, "invalid literal for int() with base %d: %.200R", base, quoted);
  cd_drop(vm, quoted);
  return NO_REF;
}

static Ref int_parse_ascii(VM *vm, const char *text, size_t size, int base, bool *bad)
{
  IntLiteral literal;
  size_t count;
  *bad = !int_literal_split(&literal, text, size, base) || !(count = int_literal_count(&literal));
  if (*bad) return NO_REF;
  if (count <= 12) {                             // fits 62 bits in any base
    int64_t n = 0;
    for (const char *p = literal.digits; p < literal.end; p++)
      if (*p != '_') n = n * literal.base + int_digit_value(*p);
    return cd_int_from_i64(vm, literal.negative ? -n : n);
  }
  int limit = vm->config.int_max_str_digits;
  if ((literal.base & (literal.base - 1)) && limit > 0 && count > (size_t)limit)
    return cd_raise_value(
      vm,
      "Exceeds the limit (%d digits) for integer string conversion: value has %zd digits; use sys.set_int_max_str_digits() to "
      "increase the limit",
      limit, (int64_t)count);
  if (literal.base == 10 && count <= 18) {
    int64_t n = 0;
    for (const char *p = literal.digits; p < literal.end; p++)
      if (*p != '_') n = n * 10 + (*p - '0');
    return cd_int_from_i64(vm, literal.negative ? -n : n);
  }
  return int_from_long_literal(vm, &literal, count);
}

Ref cd_int_parse(VM *vm, const char *text, size_t size, int base, Value original)
{
  bool bad;
  if (LIKELY(cd_utf8_is_ascii(text, size))) {
    Ref number = int_parse_ascii(vm, text, size, base, &bad);
    return bad ? int_raise_literal(vm, text, size, base, original) : number;
  }
  char *ascii;
  size_t ascii_size, count;
  bool all_ascii;
  // In bytes there are no digits beyond ASCII.
  if ((cd_bits(original) && !cd_is_str(original)) || cd_utf8_check(text, size, true, &count, &all_ascii, NULL) != size)
    return int_raise_literal(vm, text, size, base, original);
  if (!cd_number_ascii(vm, text, size, &ascii, &ascii_size)) return NO_REF;
  Ref number = int_parse_ascii(vm, ascii, ascii_size, base, &bad);
  cd_free(vm, ascii, size + 1);
  return bad ? int_raise_literal(vm, text, size, base, original) : number;
}

Ref cd_int_from_text(VM *vm, const char *text, size_t size, int base) { return cd_int_parse(vm, text, size, base, NO_VALUE); }
