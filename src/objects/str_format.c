// SPDX-License-Identifier: MIT
// str_format.c: str.format, and the format specifications of str
#include "objects/str_format.h"

#include "base/unicode.h"
#include "base/utf8.h"
#include "objects/protocol.h"
#include "objects/str_private.h"
#include "objects/tuple.h"

// ---- the syntax of fields ----

static Next field_error(VM *vm, const char *message)
{
  cd_raise_value(vm, "%s", message);
  return NEXT_ERROR;
}

// Behind '{': name, conversion, specification, '}'.
static Next field_parse(VM *vm, const char **p, const char *end, FormatField *f)
{
  char c = 0;
  f->present = true;
  f->name.start = *p;
  while (*p < end) {
    c = *(*p)++;
    if (c == '{') return field_error(vm, "unexpected '{' in field name");
    if (c == '[') {
      while (*p < end && **p != ']') ++*p;
      continue;
    }
    if (c == '}' || c == ':' || c == '!') break;
  }
  f->name.end = *p - 1;
  if (c == '}') return NEXT_ITEM;
  if (c != '!' && c != ':') return field_error(vm, "expected '}' before end of string");
  if (c == '!') {
    if (*p >= end) return field_error(vm, "end of string while looking for conversion specifier");
    f->conversion = cd_utf8_next(p);
    if (*p < end) {
      c = *(*p)++;
      if (c == '}') return NEXT_ITEM;
      if (c != ':') return field_error(vm, "expected ':' after conversion specifier");
    }
  }
  f->spec.start = *p;
  for (int nesting = 1; *p < end;) {
    c = *(*p)++;
    if (c == '{') { f->spec_has_fields = true; nesting++; }
    if (c == '}' && --nesting == 0) {
      f->spec.end = *p - 1;
      return NEXT_ITEM;
    }
  }
  return field_error(vm, "unmatched '{' in format spec");
}

Next cd_format_next_field(VM *vm, const char **p, const char *end, FormatField *f)
{
  *f = (FormatField){.literal = {*p, *p}};
  if (*p >= end) return NEXT_DONE;
  while (*p < end && **p != '{' && **p != '}') ++*p;
  f->literal.end = *p;
  if (*p >= end) return NEXT_ITEM;
  char c = *(*p)++;
  bool doubled = *p < end && **p == c;
  if (c == '}' && !doubled) return field_error(vm, "Single '}' encountered in format string");
  if (*p >= end) return field_error(vm, "Single '{' encountered in format string");
  if (!doubled) return field_parse(vm, p, end, f);
  f->literal.end = *p;                           // one of the two braces
  ++*p;
  return NEXT_ITEM;
}

// The number that a whole part spells in decimal digits, or -1. False: too large.
static bool field_part_index(VM *vm, FormatPart part, int64_t *out)
{
  *out = part.start < part.end ? 0 : -1;
  for (const char *p = part.start; p < part.end;) {
    int digit = cd_char_decimal(cd_utf8_next(&p));
    if (digit < 0) { *out = -1; return true; }
    if (*out > (INT64_MAX - digit) / 10) return cd_raise_value(vm, "Too many decimal digits in format string");
    *out = *out * 10 + digit;
  }
  return true;
}

bool cd_format_name_first(VM *vm, FormatPart name, FormatPart *first, int64_t *index, const char **rest)
{
  const char *p = name.start;
  while (p < name.end && *p != '.' && *p != '[') p++;
  *first = (FormatPart){name.start, p};
  *rest = p;
  return field_part_index(vm, *first, index);
}

Next cd_format_name_next(VM *vm, const char **p, const char *end, bool *is_attribute, FormatPart *part, int64_t *index)
{
  if (*p >= end) return NEXT_DONE;
  char c = *(*p)++;
  *index = -1;
  part->start = *p;
  if (c == '.') {
    *is_attribute = true;
    while (*p < end && **p != '.' && **p != '[') ++*p;
    part->end = *p;
  } else if (c == '[') {
    *is_attribute = false;
    while (*p < end && **p != ']') ++*p;
    if (*p >= end) return field_error(vm, "Missing ']' in format string");
    part->end = (*p)++;
    if (!field_part_index(vm, *part, index)) return NEXT_ERROR;
  } else {
    return field_error(vm, "Only '.' or '[' may follow ']' in format field specifier");
  }
  return part->start == part->end ? field_error(vm, "Empty attribute in format string") : NEXT_ITEM;
}

// ---- str.format ----

typedef struct Formatter {
  VM *vm;
  Value args, mapping;
  enum { NUMBERING_OPEN, NUMBERING_AUTOMATIC, NUMBERING_MANUAL } numbering;
  int64_t next_number;
} Formatter;

static bool formatter_check_numbering(Formatter *f, bool manual)
{
  if (f->numbering == NUMBERING_OPEN) f->numbering = manual ? NUMBERING_MANUAL : NUMBERING_AUTOMATIC;
  if (f->numbering == NUMBERING_MANUAL && !manual)
    return cd_raise_value(f->vm, "cannot switch from manual field specification to automatic field numbering");
  if (f->numbering == NUMBERING_AUTOMATIC && manual)
    return cd_raise_value(f->vm, "cannot switch from automatic field numbering to manual field specification");
  return true;
}

static Ref formatter_part_text(VM *vm, FormatPart part) { return cd_str_new(vm, part.start, (size_t)(part.end - part.start)); }

static Ref formatter_argument(Formatter *f, FormatPart first, int64_t index)
{
  VM *vm = f->vm;
  bool automatic = first.start == first.end;
  if (automatic || index >= 0) {
    if (!formatter_check_numbering(f, !automatic)) return NO_REF;
    if (automatic) index = f->next_number++;
    if (!f->args) return cd_raise_value(vm, "Format string contains positional fields");
    if (index >= (int64_t)cd_tuple_size(f->args))
      return cd_raise_index(vm, "Replacement index %zd out of range for positional args tuple", (ptrdiff_t)index);
    return cd_dup(cd_tuple_item_borrow(f->args, (size_t)index));
  }
  Ref key = formatter_part_text(vm, first);
  if (!key) return NO_REF;
  Ref value = f->mapping ? cd_getitem(vm, f->mapping, key) : cd_raise_key(vm, key);
  cd_drop(vm, key);
  return value;
}

static Ref formatter_lookup(Formatter *f, FormatPart name)
{
  VM *vm = f->vm;
  FormatPart part;
  const char *rest;
  int64_t index;
  bool is_attribute;
  if (!cd_format_name_first(vm, name, &part, &index, &rest)) return NO_REF;
  Ref value = formatter_argument(f, part, index);
  Next next = NEXT_ITEM;
  while (value && (next = cd_format_name_next(vm, &rest, name.end, &is_attribute, &part, &index)) == NEXT_ITEM) {
    Ref key = index >= 0 && !is_attribute ? cd_from_small(index) : formatter_part_text(vm, part);
    Ref inner = !key ? NO_REF : is_attribute ? cd_getattr(vm, value, key) : cd_getitem(vm, value, key);
    cd_drop(vm, key);
    cd_drop(vm, value);
    value = inner;
  }
  if (next != NEXT_ERROR) return value;
  cd_drop(vm, value);
  return NO_REF;
}

static Ref formatter_convert(VM *vm, Ref value, uint32_t conversion)
{
  if (!value || !conversion) return value;
  Ref text;
  switch (conversion) {
  case 'r': text = cd_repr(vm, value); break;
  case 's': text = cd_str(vm, value); break;
  case 'a': text = cd_ascii(vm, value); break;
  default:
    text = conversion > 32 && conversion < 127 ? cd_raise_value(vm, "Unknown conversion specifier %c", (int)conversion)
                                               : cd_raise_value(vm, "Unknown conversion specifier \\x%x", conversion);
  }
  cd_drop(vm, value);
  return text;
}

static bool formatter_run(Formatter *f, TextBuilder *text, const char *p, const char *end, int depth);

static Ref formatter_spec(Formatter *f, const FormatField *field, int depth)
{
  if (!field->spec.start || field->spec.start == field->spec.end) return cd_str_ascii(f->vm, "", 0);
  if (!field->spec_has_fields) return formatter_part_text(f->vm, field->spec);
  TextBuilder text;
  cd_text_init(&text, f->vm);
  if (formatter_run(f, &text, field->spec.start, field->spec.end, depth - 1)) return cd_text_finish(&text);
  cd_text_clear(&text);
  return NO_REF;
}

static bool formatter_put_field(Formatter *f, TextBuilder *text, const FormatField *field, int depth)
{
  VM *vm = f->vm;
  Ref value = formatter_convert(vm, formatter_lookup(f, field->name), field->conversion);
  Ref spec = value ? formatter_spec(f, field, depth) : NO_REF, result = NO_REF;
  if (spec && cd_str_size(spec) == 0 && cd_is_exact(value, vm->types.str)) result = cd_dup(value);
  else if (spec) result = cd_format(vm, value, spec);
  cd_drop(vm, value);
  cd_drop(vm, spec);
  bool ok = result && cd_text_str(text, result);
  cd_drop(vm, result);
  return ok;
}

static bool formatter_run(Formatter *f, TextBuilder *text, const char *p, const char *end, int depth)
{
  if (depth <= 0) return cd_raise_value(f->vm, "Max string recursion exceeded");
  FormatField field;
  Next next;
  while ((next = cd_format_next_field(f->vm, &p, end, &field)) == NEXT_ITEM) {
    size_t literal = (size_t)(field.literal.end - field.literal.start);
    if (literal && !cd_text_put(text, field.literal.start, literal)) return false;
    if (field.present && !formatter_put_field(f, text, &field, depth)) return false;
  }
  return next == NEXT_DONE;
}

Ref cd_str_format_fields(VM *vm, Value format, Value args, Value mapping)
{
  Formatter f = {.vm = vm, .args = args, .mapping = mapping};
  TextBuilder text;
  cd_text_init(&text, vm);
  const char *data = cd_str_data(format);
  if (formatter_run(&f, &text, data, data + cd_str_size(format), 2)) return cd_text_finish(&text);
  cd_text_clear(&text);
  return NO_REF;
}

// ---- format(str, spec) ----

typedef struct StrSpec {
  uint32_t fill, align, sign, type;              // 0: not given
  bool alternate, no_negative_zero, grouping_comma, grouping_underscore;
  int64_t width, precision;                      // -1: not given
} StrSpec;

static bool str_spec_is_align(uint32_t c) { return c == '<' || c == '>' || c == '=' || c == '^'; }

// Reads decimal digits; *out stays -1 when there are none.
static bool str_spec_number(VM *vm, const char **p, const char *end, int64_t *out)
{
  while (*p < end) {
    const char *next = *p;
    int digit = cd_char_decimal(cd_utf8_next(&next));
    if (digit < 0) break;
    int64_t value = *out < 0 ? 0 : *out;
    if (value > (INT64_MAX - digit) / 10) return cd_raise_value(vm, "Too many decimal digits in format string");
    *out = value * 10 + digit;
    *p = next;
  }
  return true;
}

static bool str_spec_parse(VM *vm, Value spec, Value v, StrSpec *s)
{
  const char *p = cd_str_data(spec), *end = p + cd_str_size(spec), *next = p;
  *s = (StrSpec){.fill = ' ', .width = -1, .precision = -1};
  uint32_t first = cd_utf8_next(&next);
  bool fill_given = false;
  if (next < end && str_spec_is_align((unsigned char)*next)) {
    s->fill = first;
    s->align = (unsigned char)*next;
    p = next + 1;
    fill_given = true;
  } else if (str_spec_is_align(first)) {
    s->align = first;
    p = next;
  }
  if (p < end && (*p == '+' || *p == '-' || *p == ' ')) s->sign = (unsigned char)*p++;
  if (p < end && *p == 'z') { s->no_negative_zero = true; p++; }
  if (p < end && *p == '#') { s->alternate = true; p++; }
  if (!fill_given && p < end && *p == '0') { s->fill = '0'; p++; }
  if (!str_spec_number(vm, &p, end, &s->width)) return false;
  if (p < end && *p == ',') { s->grouping_comma = true; p++; }
  if (p < end && *p == '_') {
    if (s->grouping_comma) return cd_raise_value(vm, "Cannot specify both ',' and '_'.");
    s->grouping_underscore = true;
    p++;
  }
  if (p < end && *p == ',') {
    if (s->grouping_underscore || s->grouping_comma)
      return cd_raise_value(vm, s->grouping_comma ? "Cannot specify ',' with ','." : "Cannot specify both ',' and '_'.");
  }
  if (p < end && *p == '.') {
    p++;
    if (!str_spec_number(vm, &p, end, &s->precision)) return false;
    if (s->precision < 0) return cd_raise_value(vm, "Format specifier missing precision");
  }
  s->type = 's';
  if (p < end) {
    s->type = cd_utf8_next(&p);
    if (p < end) return cd_raise_value(vm, "Invalid format specifier '%U' for object of type '%T'", spec, v);
  }
  return true;
}

static bool str_spec_check(VM *vm, const StrSpec *s, Value v)
{
  bool groups = s->type < 128 && s->type && strchr(s->grouping_underscore ? "deEfFgG%boxX" : "deEfFgG%", (int)s->type);
  if ((s->grouping_comma || s->grouping_underscore) && !groups)
    return s->type > 32 && s->type < 128 ? cd_raise_value(vm, "Cannot specify '%c' with '%c'.", s->grouping_comma ? ',' : '_', (int)s->type)
                                         : cd_raise_value(vm, "Cannot specify '%c' with '\\x%x'.", s->grouping_comma ? ',' : '_', s->type);
  if (s->type != 's')
    return s->type > 32 && s->type < 128 ? cd_raise_value(vm, "Unknown format code '%c' for object of type '%.200T'", (int)s->type, v)
                                         : cd_raise_value(vm, "Unknown format code '\\x%x' for object of type '%.200T'", s->type, v);
  if (s->sign)
    return cd_raise_value(vm,
                          s->sign == ' ' ? "Space not allowed in string format specifier" : "Sign not allowed in string format specifier");
  if (s->no_negative_zero) return cd_raise_value(vm, "Negative zero coercion (z) not allowed in string format specifier");
  if (s->alternate) return cd_raise_value(vm, "Alternate form (#) not allowed in string format specifier");
  if (s->align == '=') return cd_raise_value(vm, "'=' alignment not allowed in string format specifier");
  return true;
}

Ref cd_format_str(VM *vm, Value v, Value spec)
{
  StrSpec s;
  if (cd_str_size(spec) == 0) return cd_str_exact(vm, v);
  if (!str_spec_parse(vm, spec, v, &s) || !str_spec_check(vm, &s, v)) return NO_REF;
  size_t length = cd_str_length(v);
  if (s.precision >= 0 && (size_t)s.precision < length) length = (size_t)s.precision;
  size_t pad = s.width > (int64_t)length ? (size_t)s.width - length : 0;
  if (pad == 0) return cd_str_slice(vm, v, 0, length);
  size_t left = s.align == '>' ? pad : s.align == '^' ? pad / 2 : 0;
  if (pad > INT64_MAX / 8) return cd_raise_memory(vm);
  TextBuilder text;
  cd_text_init(&text, vm);
  if (cd_text_fill(&text, s.fill, left) && cd_text_put(&text, cd_str_data(v), cd_str_offset(vm, v, length)) &&
      cd_text_fill(&text, s.fill, pad - left))
    return cd_text_finish(&text);
  cd_text_clear(&text);
  return NO_REF;
}
