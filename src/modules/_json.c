// SPDX-License-Identifier: MIT
// _json.c: the scanner and encoder under the json package
#include "base/number_text.h"
#include "base/utf8.h"
#include "modules/module_list.h"
#include "objects/dict.h"
#include "objects/float.h"
#include "objects/function.h"
#include "objects/int.h"
#include "objects/list.h"
#include "objects/protocol.h"
#include "objects/str.h"
#include "objects/tuple.h"
#include "objects/type.h"

#include <math.h>

// ---- errors ----

// JSONDecodeError(message, document, position); `offset` is in bytes.
static Ref json_raise(VM *vm, const char *message, Value document, size_t offset, int64_t shift)
{
  Ref type = cd_import_attr(vm, "json.decoder", "JSONDecodeError"), text = type ? cd_str_from(vm, message) : NO_REF;
  Ref position = text ? cd_int_from_i64(vm, (int64_t)cd_str_position(document, offset) + shift) : NO_REF;
  if (position) {
    Ref error = cd_call3(vm, type, text, document, position);
    if (error) cd_raise_exception(vm, error);
  }
  cd_drop(vm, type);
  cd_drop(vm, text);
  cd_drop(vm, position);
  return NO_REF;
}

static Ref json_raise_stop(VM *vm, Value document, size_t offset)
{
  Ref position = cd_int_from_i64(vm, (int64_t)cd_str_position(document, offset));
  if (position) cd_raise_stop_iteration(vm, position);
  cd_drop(vm, position);
  return NO_REF;
}

// ---- strings in documents ----

static int json_hex4(const char *p)
{
  int value = 0;
  for (int i = 0; i < 4; i++) {
    char c = p[i];
    int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
    if (digit < 0) return -1;
    value = value * 16 + digit;
  }
  return value;
}

// The character of the escape whose backslash is at *offset; moves past it. -1: exception.
static int64_t json_escape(VM *vm, Value document, const char *data, size_t size, size_t *offset, size_t begin)
{
  size_t at = *offset + 1;
  if (at >= size) {
    json_raise(vm, "Unterminated string starting at", document, begin, -1);
    return -1;
  }
  *offset = at + 1;
  switch (data[at]) {
  case '"': return '"';
  case '\\': return '\\';
  case '/': return '/';
  case 'b': return '\b';
  case 'f': return '\f';
  case 'n': return '\n';
  case 'r': return '\r';
  case 't': return '\t';
  case 'u': break;
  default: json_raise(vm, "Invalid \\escape", document, at - 1, 0); return -1;
  }
  int c = at + 5 < size ? json_hex4(data + at + 1) : -1;
  if (c < 0) {
    json_raise(vm, "Invalid \\uXXXX escape", document, at, 0);
    return -1;
  }
  *offset = at + 5;
  if ((c & 0xFC00) != 0xD800 || at + 11 >= size || data[at + 5] != '\\' || data[at + 6] != 'u') return c;
  int low = json_hex4(data + at + 7);
  if (low < 0) {
    json_raise(vm, "Invalid \\uXXXX escape", document, at + 6, 0);
    return -1;
  }
  if ((low & 0xFC00) != 0xDC00) return c;
  *offset = at + 11;
  return 0x10000 + ((int64_t)(c & 0x3FF) << 10) + (low & 0x3FF);
}

static Ref json_string_slow(VM *vm, Value document, size_t begin, size_t offset, bool strict, size_t *end)
{
  const char *data = cd_str_data(document);
  size_t size = cd_str_size(document), start = begin;
  TextBuilder text;
  cd_text_init(&text, vm);
  for (;;) {
    while (offset < size && data[offset] != '"' && data[offset] != '\\' && (!strict || (unsigned char)data[offset] >= 0x20)) offset++;
    if (offset > start && !cd_text_put(&text, data + start, offset - start)) break;
    if (offset >= size) {
      json_raise(vm, "Unterminated string starting at", document, begin, -1);
      break;
    }
    if (data[offset] == '"') {
      *end = offset + 1;
      return cd_text_finish(&text);
    }
    if (data[offset] != '\\') {
      json_raise(vm, "Invalid control character at", document, offset, 0);
      break;
    }
    int64_t c = json_escape(vm, document, data, size, &offset, begin);
    if (c < 0 || !cd_text_char(&text, (uint32_t)c)) break;
    start = offset;
  }
  cd_text_clear(&text);
  return NO_REF;
}

// The string whose first character (behind the quote) is at byte `begin`; *end is behind the closing quote.
static Ref json_string(VM *vm, Value document, size_t begin, bool strict, size_t *end)
{
  const char *data = cd_str_data(document);
  size_t size = cd_str_size(document), offset = begin;
  unsigned char high = 0;
  for (; offset < size; offset++) {
    unsigned char c = (unsigned char)data[offset];
    if (c == '"') {
      *end = offset + 1;
      return high & 0x80 ? cd_str_new(vm, data + begin, offset - begin) : cd_str_ascii(vm, data + begin, offset - begin);
    }
    if (c == '\\' || c < 0x20) break;
    high |= c;
  }
  return json_string_slow(vm, document, begin, offset, strict, end);
}

METHOD_DEF_RAW_(
  json_scanstring, "scanstring", "scanstring(string, end, strict=True)",
  "scanstring(string, end, strict=True) -> (string, end)\n\nReads the JSON string whose first character is s[end]. That is the one after\n"
  "the opening quote. Escapes become what they stand for; ValueError where the\ntext is no JSON string. strict=False lets control "
  "characters pass.\n\nThe result is the text, and the index behind the closing quote.",
  METHOD_NO_SIGNATURE)
{
  if (!cd_no_keywords(vm, "_json.scanstring", kwnames)) return NO_REF;
  if (nargs < 2 || nargs > 3)
    return cd_raise_type(vm, "scanstring() takes at %s %d arguments (%zu given)", nargs < 2 ? "least" : "most", nargs < 2 ? 2 : 3, nargs);
  int64_t begin;
  bool strict = true;
  if (!cd_to_ssize(vm, args[1], &begin) || (nargs == 3 && !cd_truth(vm, args[2], &strict))) return NO_REF;
  if (!cd_is_str(args[0])) return cd_raise_type(vm, "first argument must be a string, not %.80T", args[0]);
  if (begin < 0 || (uint64_t)begin > cd_str_length(args[0])) return cd_raise_value(vm, "end is out of bounds");
  size_t end;
  Ref text = json_string(vm, args[0], cd_str_offset(vm, args[0], (size_t)begin), strict, &end);
  return text ? cd_tuple2_steal(vm, text, cd_int_from_i64(vm, (int64_t)cd_str_position(args[0], end))) : NO_REF;
}

// ---- scanner ----

typedef struct JsonScanner {
  Object head;
  Value strict, object_hook, object_pairs_hook, parse_float, parse_int, parse_constant;   // owned
  Value memo;                                    // owned dict: keys of objects, shared within one document
  bool is_strict;
} JsonScanner;

static inline JsonScanner *json_scanner_of(Value v) { return (JsonScanner *)cd_object(v); }

// One run over one document.
typedef struct Scan {
  VM *vm;
  const JsonScanner *scanner;
  Value document;
  const char *data;
  size_t size;
} Scan;

static Ref scan_value(Scan *s, size_t offset, size_t *end);

static inline size_t scan_space(const Scan *s, size_t offset)
{
  while (offset < s->size && (s->data[offset] == ' ' || s->data[offset] == '\n' || s->data[offset] == '\t' || s->data[offset] == '\r'))
    offset++;
  return offset;
}

static inline char scan_at(const Scan *s, size_t offset) { return offset < s->size ? s->data[offset] : '\0'; }

// A key string, as the object seen first for this text.
static Ref scan_key(Scan *s, size_t offset, size_t *end)
{
  Ref key = json_string(s->vm, s->document, offset, s->scanner->is_strict, end);
  if (!key) return NO_REF;
  Ref shared = cd_dict_setdefault(s->vm, s->scanner->memo, key, key);
  cd_drop(s->vm, key);
  return shared;
}

static bool scan_object_put(Scan *s, Value target, Ref key, Ref value)   // steals key and value
{
  VM *vm = s->vm;
  bool ok;
  if (cd_is_dict(target)) {
    ok = cd_dict_set(vm, target, key, value);
    cd_drop(vm, key);
    cd_drop(vm, value);
    return ok;
  }
  Ref pair = cd_tuple2_steal(vm, key, value);
  return pair && cd_list_append_steal(vm, cd_as_list(target), pair);
}

// Members up to the closing brace go into `target`, a dict or a list of pairs.
static bool scan_members(Scan *s, size_t offset, Value target, size_t *end)
{
  VM *vm = s->vm;
  offset = scan_space(s, offset);
  if (scan_at(s, offset) == '}') {
    *end = offset + 1;
    return true;
  }
  for (;;) {
    if (scan_at(s, offset) != '"') return json_raise(vm, "Expecting property name enclosed in double quotes", s->document, offset, 0);
    Ref key = scan_key(s, offset + 1, &offset), value = NO_REF;
    if (!key) return false;
    offset = scan_space(s, offset);
    if (scan_at(s, offset) != ':') json_raise(vm, "Expecting ':' delimiter", s->document, offset, 0);
    else value = scan_value(s, scan_space(s, offset + 1), &offset);
    if (!value) {
      cd_drop(vm, key);
      return false;
    }
    if (!scan_object_put(s, target, key, value)) return false;
    offset = scan_space(s, offset);
    if (scan_at(s, offset) == '}') break;
    if (scan_at(s, offset) != ',') return json_raise(vm, "Expecting ',' delimiter", s->document, offset, 0);
    offset = scan_space(s, offset + 1);
  }
  *end = offset + 1;
  return true;
}

static Ref scan_object(Scan *s, size_t offset, size_t *end)
{
  VM *vm = s->vm;
  const JsonScanner *scanner = s->scanner;
  bool pairs = !cd_is_none(scanner->object_pairs_hook);
  Ref target = pairs ? cd_list_new(vm) : cd_dict_new(vm);
  if (!target) return NO_REF;
  if (!scan_members(s, offset, target, end)) {
    cd_drop(vm, target);
    return NO_REF;
  }
  Value hook = pairs ? scanner->object_pairs_hook : scanner->object_hook;
  if (cd_is_none(hook)) return target;
  Ref result = cd_call1(vm, hook, target);
  cd_drop(vm, target);
  return result;
}

static Ref scan_array(Scan *s, size_t offset, size_t *end)
{
  VM *vm = s->vm;
  Ref list = cd_list_new(vm);
  if (!list) return NO_REF;
  offset = scan_space(s, offset);
  if (scan_at(s, offset) == ']') {
    *end = offset + 1;
    return list;
  }
  for (;;) {
    Ref value = scan_value(s, offset, &offset);
    if (!value || !cd_list_append_steal(vm, cd_as_list(list), value)) break;
    offset = scan_space(s, offset);
    if (scan_at(s, offset) == ']') {
      *end = offset + 1;
      return list;
    }
    if (scan_at(s, offset) != ',') {
      json_raise(vm, "Expecting ',' delimiter", s->document, offset, 0);
      break;
    }
    offset = scan_space(s, offset + 1);
  }
  cd_drop(vm, list);
  return NO_REF;
}

static inline bool scan_is_digit(const Scan *s, size_t offset)
{
  return offset < s->size && s->data[offset] >= '0' && s->data[offset] <= '9';
}

static Ref scan_number(Scan *s, size_t start, size_t *end)
{
  VM *vm = s->vm;
  size_t offset = start;
  bool is_float = false;
  if (scan_at(s, offset) == '-') offset++;
  if (!scan_is_digit(s, offset)) return json_raise_stop(vm, s->document, start);
  if (s->data[offset] == '0') offset++;
  else while (scan_is_digit(s, offset)) offset++;
  if (scan_at(s, offset) == '.' && scan_is_digit(s, offset + 1)) {
    is_float = true;
    offset += 2;
    while (scan_is_digit(s, offset)) offset++;
  }
  if (scan_at(s, offset) == 'e' || scan_at(s, offset) == 'E') {
    size_t digits = offset + 1;
    if (scan_at(s, digits) == '+' || scan_at(s, digits) == '-') digits++;
    if (scan_is_digit(s, digits)) {
      is_float = true;
      offset = digits;
      while (scan_is_digit(s, offset)) offset++;
    }
  }
  *end = offset;
  const char *text = s->data + start;
  size_t size = offset - start;
  Value parse = is_float ? s->scanner->parse_float : s->scanner->parse_int;
  if (cd_is(parse, cd_type_value(is_float ? vm->types.float_ : vm->types.int_))) {
    double x;
    if (is_float && cd_double_parse(text, size, &x)) return cd_float_new(vm, x);
    if (!is_float && size <= 18) {
      int64_t n = 0;
      for (size_t i = text[0] == '-'; i < size; i++) n = n * 10 + (text[i] - '0');
      return cd_int_from_i64(vm, text[0] == '-' ? -n : n);
    }
    if (!is_float) return cd_int_from_text(vm, text, size, 10);
  }
  Ref number = cd_str_ascii(vm, text, size);
  if (!number) return NO_REF;
  Ref result = cd_call1(vm, parse, number);
  cd_drop(vm, number);
  return result;
}

static bool scan_word(const Scan *s, size_t offset, const char *word, size_t *end)
{
  size_t size = strlen(word);
  if (s->size - offset < size || memcmp(s->data + offset, word, size)) return false;
  *end = offset + size;
  return true;
}

static Ref scan_constant(Scan *s, const char *word)
{
  Ref text = cd_intern(s->vm, word);
  if (!text) return NO_REF;
  Ref result = cd_call1(s->vm, s->scanner->parse_constant, text);
  cd_drop(s->vm, text);
  return result;
}

static Ref scan_nested(Scan *s, size_t offset, size_t *end, bool object)
{
  if (!cd_enter_recursion(s->vm, object ? " while decoding a JSON object from a unicode string"
                                        : " while decoding a JSON array from a unicode string"))
    return NO_REF;
  Ref value = object ? scan_object(s, offset, end) : scan_array(s, offset, end);
  cd_leave_recursion(s->vm);
  return value;
}

static Ref scan_value(Scan *s, size_t offset, size_t *end)
{
  if (offset >= s->size) return json_raise_stop(s->vm, s->document, offset);
  switch (s->data[offset]) {
  case '"': return json_string(s->vm, s->document, offset + 1, s->scanner->is_strict, end);
  case '{': return scan_nested(s, offset + 1, end, true);
  case '[': return scan_nested(s, offset + 1, end, false);
  case 'n': if (scan_word(s, offset, "null", end)) return cd_none(); break;
  case 't': if (scan_word(s, offset, "true", end)) return cd_true(); break;
  case 'f': if (scan_word(s, offset, "false", end)) return cd_false(); break;
  case 'N': if (scan_word(s, offset, "NaN", end)) return scan_constant(s, "NaN"); break;
  case 'I': if (scan_word(s, offset, "Infinity", end)) return scan_constant(s, "Infinity"); break;
  case '-': if (scan_word(s, offset, "-Infinity", end)) return scan_constant(s, "-Infinity"); break;
  }
  return scan_number(s, offset, end);
}

static Ref json_scanner_call(VM *vm, Value self, const Value *args, size_t nargs, Value kwnames)
{
  Value in[2];
  Ref owned[2];
  int64_t index;
  if (!cd_bind_text(vm, "scan_once(string, idx)", args, nargs, kwnames, in, owned)) return NO_REF;
  if (!cd_to_ssize(vm, in[1], &index)) return NO_REF;
  if (!cd_is_str(in[0])) return cd_raise_type(vm, "first argument must be a string, not %.80T", in[0]);
  if (index < 0) return cd_raise_value(vm, "idx cannot be negative");
  if ((uint64_t)index >= cd_str_length(in[0])) {
    Ref position = cd_int_from_i64(vm, index);
    if (position) cd_raise_stop_iteration(vm, position);
    cd_drop(vm, position);
    return NO_REF;
  }
  Scan scan = {vm, json_scanner_of(self), in[0], cd_str_data(in[0]), cd_str_size(in[0])};
  size_t end = 0;
  Ref keep = cd_dup(self), document = cd_dup(in[0]), value = scan_value(&scan, cd_str_offset(vm, in[0], (size_t)index), &end);
  cd_dict_clear(vm, json_scanner_of(self)->memo);
  Ref position = value ? cd_int_from_i64(vm, (int64_t)cd_str_position(document, end)) : NO_REF;
  cd_drop(vm, document);
  cd_drop(vm, keep);
  return value ? cd_tuple2_steal(vm, value, position) : NO_REF;
}

static void json_scanner_release(VM *vm, Object *self)
{
  JsonScanner *s = (JsonScanner *)self;
  Value *fields[] = {&s->strict, &s->object_hook, &s->object_pairs_hook, &s->parse_float, &s->parse_int, &s->parse_constant, &s->memo};
  for (size_t i = 0; i < ARRAY_LEN(fields); i++) cd_clear(vm, fields[i]);
}

static void json_scanner_traverse(Object *self, VisitFn visit, void *context)
{
  JsonScanner *s = (JsonScanner *)self;
  Value fields[] = {s->strict, s->object_hook, s->object_pairs_hook, s->parse_float, s->parse_int, s->parse_constant, s->memo};
  for (size_t i = 0; i < ARRAY_LEN(fields); i++) visit(context, fields[i]);
}

static Ref json_scanner_new(VM *vm, Type *type, const Value *args, size_t nargs, Value kwnames)
{
  Value in[1];
  Ref owned[2];
  if (!cd_bind_text(vm, "make_scanner(context)", args, nargs, kwnames, in, owned)) return NO_REF;
  JsonScanner *s = cd_instance_new(vm, type);
  if (!s) return NO_REF;
  const struct { Value *field; const char *name; } fields[] = {
    {&s->strict, "strict"}, {&s->object_hook, "object_hook"}, {&s->object_pairs_hook, "object_pairs_hook"},
    {&s->parse_float, "parse_float"}, {&s->parse_int, "parse_int"}, {&s->parse_constant, "parse_constant"}};
  bool ok = (s->memo = cd_dict_new(vm)) != NO_VALUE;
  for (size_t i = 0; ok && i < ARRAY_LEN(fields); i++) {
    ok = (*fields[i].field = cd_getattr_text(vm, in[0], fields[i].name)) != NO_VALUE;
    if (ok && i == 0) ok = cd_truth(vm, s->strict, &s->is_strict);
  }
  if (ok) return cd_from_object(s);
  cd_drop(vm, cd_from_object(s));
  return NO_REF;
}

static const MemberDef json_scanner_members[] = {
  {"strict", offsetof(JsonScanner, is_strict), MEMBER_BOOL8, false, "strict"},
  {"object_hook", offsetof(JsonScanner, object_hook), MEMBER_VALUE, false, "object_hook"},
  {"object_pairs_hook", offsetof(JsonScanner, object_pairs_hook), MEMBER_VALUE, false, NULL},
  {"parse_float", offsetof(JsonScanner, parse_float), MEMBER_VALUE, false, "parse_float"},
  {"parse_int", offsetof(JsonScanner, parse_int), MEMBER_VALUE, false, "parse_int"},
  {"parse_constant", offsetof(JsonScanner, parse_constant), MEMBER_VALUE, false, "parse_constant"},
  {0},
};

static const TypeSpec json_scanner_spec = {
  .name = "_json.Scanner",
  .doc = "JSON scanner object",
  .basicsize = sizeof(JsonScanner),
  .flags = TYPE_BASE | TYPE_GC | TYPE_IMMUTABLE,
  .members = json_scanner_members,
  .slots = {.release = json_scanner_release,
            .traverse = json_scanner_traverse,
            .clear = json_scanner_release,
            .new_ = json_scanner_new,
            .call = json_scanner_call},
};

// ---- encoding strings ----

static const char json_hex_digits[] = "0123456789abcdef";

static bool json_put_u(TextBuilder *text, uint32_t unit)
{
  char escape[6] = {'\\',
                    'u',
                    json_hex_digits[unit >> 12 & 15],
                    json_hex_digits[unit >> 8 & 15],
                    json_hex_digits[unit >> 4 & 15],
                    json_hex_digits[unit & 15]};
  return cd_text_put(text, escape, sizeof escape);
}

static bool json_put_escaped(TextBuilder *text, uint32_t c)
{
  switch (c) {
  case '"': return cd_text_put(text, "\\\"", 2);
  case '\\': return cd_text_put(text, "\\\\", 2);
  case '\n': return cd_text_put(text, "\\n", 2);
  case '\r': return cd_text_put(text, "\\r", 2);
  case '\t': return cd_text_put(text, "\\t", 2);
  case '\b': return cd_text_put(text, "\\b", 2);
  case '\f': return cd_text_put(text, "\\f", 2);
  }
  if (c < 0x10000) return json_put_u(text, c);
  c -= 0x10000;
  return json_put_u(text, 0xD800 | (c >> 10)) && json_put_u(text, 0xDC00 | (c & 0x3FF));
}

// The quoted string. With `ascii`, everything that is not printable ASCII is escaped; else only control characters.
static bool json_put_string(TextBuilder *text, Value s, bool ascii)
{
  const char *p = cd_str_data(s), *end = p + cd_str_size(s);
  if (!cd_text_put(text, "\"", 1)) return false;
  while (p < end) {
    const char *start = p;
    while (p < end) {
      unsigned char c = (unsigned char)*p;
      if (c < 0x20 || c == '"' || c == '\\' || (ascii && c >= 0x7F)) break;
      p++;
    }
    if (p > start && !cd_text_put(text, start, (size_t)(p - start))) return false;
    if (p < end && !json_put_escaped(text, cd_utf8_next(&p))) return false;
  }
  return cd_text_put(text, "\"", 1);
}

static Ref json_encode_string(VM *vm, Value s, bool ascii)
{
  if (!cd_is_str(s)) return cd_raise_type(vm, "first argument must be a string, not %.80T", s);
  TextBuilder text;
  cd_text_init(&text, vm);
  if (json_put_string(&text, s, ascii)) return cd_text_finish(&text);
  cd_text_clear(&text);
  return NO_REF;
}

METHOD_DEF_(json_encode_basestring, "encode_basestring", "encode_basestring(string, /)",
            "encode_basestring(string) -> string\n\nThe text as a JSON string, in quotes", METHOD_NO_SIGNATURE)
{
  return json_encode_string(vm, args[0], false);
}
METHOD_DEF_(json_encode_basestring_ascii, "encode_basestring_ascii", "encode_basestring_ascii(string, /)",
            "encode_basestring_ascii(string) -> string\n\nThe text as a JSON string in quotes; what is not ASCII is escaped",
            METHOD_NO_SIGNATURE)
{
  return json_encode_string(vm, args[0], true);
}

// ---- encoder ----

typedef struct JsonEncoder {
  Object head;
  Value markers, default_, encoder, indent, key_separator, item_separator;       // owned; markers a dict or None
  bool sort_keys, skipkeys, allow_nan;
  enum { ENCODER_CALL, ENCODER_ASCII, ENCODER_UNICODE } fast;    // what `encoder` is
} JsonEncoder;

static inline JsonEncoder *json_encoder_of(Value v) { return (JsonEncoder *)cd_object(v); }
static bool json_encoder_put(VM *vm, const JsonEncoder *e, TextBuilder *text, Value v);

static bool json_encoder_put_string(VM *vm, const JsonEncoder *e, TextBuilder *text, Value s)
{
  if (e->fast != ENCODER_CALL) return json_put_string(text, s, e->fast == ENCODER_ASCII);
  Ref encoded = cd_call1(vm, e->encoder, s);
  if (!encoded) return false;
  bool ok = cd_is_str(encoded) ? cd_text_str(text, encoded)
                               : cd_raise_type(vm, "encoder() must return a string, not %.80T", encoded) != NO_REF;
  cd_drop(vm, encoded);
  return ok;
}

static bool json_encoder_put_float(VM *vm, const JsonEncoder *e, TextBuilder *text, double x)
{
  if (!isfinite(x)) {
    if (!e->allow_nan) return cd_raise_value(vm, "Out of range float values are not JSON compliant");
    return cd_text_puts(text, isnan(x) ? "NaN" : x > 0 ? "Infinity" : "-Infinity");
  }
  char repr[DOUBLE_REPR_SIZE];
  int size = cd_double_repr(x, repr);
  return cd_text_put(text, repr, (size_t)size);
}

static bool json_encoder_put_int(VM *vm, TextBuilder *text, Value v)
{
  if (cd_is_small(v)) {
    char digits[24], *p = digits + sizeof digits;
    int64_t n = cd_small(v);
    uint64_t rest = n < 0 ? (uint64_t)-n : (uint64_t)n;
    do *--p = (char)('0' + rest % 10);
    while (rest /= 10);
    if (n < 0) *--p = '-';
    return cd_text_put(text, p, (size_t)(digits + sizeof digits - p));
  }
  Ref digits = cd_int_to_text(vm, v, 10);
  bool ok = digits && cd_text_str(text, digits);
  cd_drop(vm, digits);
  return ok;
}

// The object is remembered while it is being encoded, by its address.
static bool json_encoder_mark(VM *vm, const JsonEncoder *e, Value v, Ref *mark)
{
  *mark = NO_REF;
  if (cd_is_none(e->markers)) return true;
  int64_t hash, entry;
  Ref id = cd_int_from_u64(vm, cd_bits(v));
  if (!id || !cd_dict_hash_key(vm, id, &hash)) return false;
  Find found = cd_dict_lookup(vm, cd_as_dict(e->markers), id, hash, &entry);
  if (found == FIND_HIT) cd_raise_value(vm, "Circular reference detected");
  if (found != FIND_MISSING || !cd_dict_set_hash(vm, e->markers, id, hash, v)) {
    cd_drop(vm, id);
    return false;
  }
  *mark = id;
  return true;
}

static bool json_encoder_unmark(VM *vm, const JsonEncoder *e, Ref mark, bool ok)
{
  if (mark && ok) ok = cd_dict_delete(vm, e->markers, mark) != FIND_ERROR;
  cd_drop(vm, mark);
  return ok;
}

// false: exception, or the key is to be skipped (*skip).
static bool json_encoder_put_key(VM *vm, const JsonEncoder *e, TextBuilder *text, Value key, bool *skip)
{
  *skip = false;
  if (cd_is_str(key)) return json_encoder_put_string(vm, e, text, key);
  TextBuilder number;
  cd_text_init(&number, vm);
  bool ok;
  if (cd_is_float(key)) ok = json_encoder_put_float(vm, e, &number, cd_float_value(key));
  else if (cd_is_true(key) || cd_is_false(key) || cd_is_none(key))
    ok = cd_text_puts(&number, cd_is_true(key) ? "true" : cd_is_none(key) ? "null" : "false");
  else if (cd_is_int(key)) ok = json_encoder_put_int(vm, &number, key);
  else if (e->skipkeys) *skip = true, ok = false;
  else ok = cd_raise_type(vm, "keys must be str, int, float, bool or None, not %.100T", key);
  Ref name = ok ? cd_text_finish(&number) : NO_REF;
  if (!ok) cd_text_clear(&number);
  ok = name && json_encoder_put_string(vm, e, text, name);
  cd_drop(vm, name);
  return ok;
}

static bool json_encoder_put_member(VM *vm, const JsonEncoder *e, TextBuilder *text, Value key, Value value, bool *first)
{
  bool skip;
  if (!cd_is_str(key) && e->skipkeys && !cd_is_float(key) && !cd_is_int(key) && !cd_is_none(key)) return true;
  if (!*first && !cd_text_str(text, e->item_separator)) return false;
  *first = false;
  return json_encoder_put_key(vm, e, text, key, &skip) && cd_text_str(text, e->key_separator) && json_encoder_put(vm, e, text, value);
}

static Ref json_encoder_sorted_items(VM *vm, const JsonEncoder *e, Value dict)
{
  Ref items = cd_is_exact(dict, vm->types.dict) ? cd_dict_items_list(vm, dict) : NO_REF;
  if (!items && !cd_raised(vm)) {
    Ref view = cd_call_method0(vm, dict, N(items));
    if (view) items = cd_list_from(vm, view);
    cd_drop(vm, view);
  }
  if (items && e->sort_keys && !cd_list_sort(vm, cd_as_list(items), NO_VALUE, false)) {
    cd_drop(vm, items);
    return NO_REF;
  }
  return items;
}

static bool json_encoder_put_members(VM *vm, const JsonEncoder *e, TextBuilder *text, Value dict)
{
  bool first = true, ok = true;
  if (!e->sort_keys && cd_is_exact(dict, vm->types.dict)) {
    const Dict *d = cd_as_dict(dict);
    for (size_t i = d->first; ok && i < d->used; i++) {
      if (!d->entries[i].key) continue;
      Ref key = cd_dup(d->entries[i].key), value = cd_dup(d->entries[i].value);
      ok = json_encoder_put_member(vm, e, text, key, value, &first);
      cd_drop(vm, key);
      cd_drop(vm, value);
    }
    return ok;
  }
  Ref items = json_encoder_sorted_items(vm, e, dict);
  ok = items != NO_REF;
  for (size_t i = 0; ok && i < cd_list_size(items); i++) {
    Value item = cd_list_item_borrow(items, i);
    if (!cd_is_tuple(item) || cd_tuple_size(item) != 2) ok = cd_raise_value(vm, "items must return 2-tuples");
    else ok = json_encoder_put_member(vm, e, text, cd_tuple_item_borrow(item, 0), cd_tuple_item_borrow(item, 1), &first);
  }
  cd_drop(vm, items);
  return ok;
}

static bool json_encoder_put_dict(VM *vm, const JsonEncoder *e, TextBuilder *text, Value dict)
{
  if (cd_dict_count(dict) == 0) return cd_text_put(text, "{}", 2);
  Ref mark;
  if (!json_encoder_mark(vm, e, dict, &mark)) return false;
  bool ok = cd_text_put(text, "{", 1) && json_encoder_put_members(vm, e, text, dict) && cd_text_put(text, "}", 1);
  return json_encoder_unmark(vm, e, mark, ok);
}

static bool json_encoder_put_list(VM *vm, const JsonEncoder *e, TextBuilder *text, Value sequence)
{
  Ref fast = cd_fast_sequence(vm, sequence, "_iterencode_list needs a sequence"), mark;
  if (!fast) return false;
  size_t size;
  cd_sequence_items(fast, &size);
  bool ok;
  if (size == 0) {
    ok = cd_text_put(text, "[]", 2);
  } else if ((ok = json_encoder_mark(vm, e, sequence, &mark))) {
    ok = cd_text_put(text, "[", 1);
    for (size_t i = 0; ok; i++) {
      const Value *items = cd_sequence_items(fast, &size);       // default() may change the list
      if (i >= size) break;
      Ref item = cd_dup(items[i]);
      ok = (i == 0 || cd_text_str(text, e->item_separator)) && json_encoder_put(vm, e, text, item);
      cd_drop(vm, item);
    }
    ok = json_encoder_unmark(vm, e, mark, ok && cd_text_put(text, "]", 1));
  }
  cd_drop(vm, fast);
  return ok;
}

static bool json_encoder_put_other(VM *vm, const JsonEncoder *e, TextBuilder *text, Value v)
{
  Ref mark;
  if (!json_encoder_mark(vm, e, v, &mark)) return false;
  Ref replacement = cd_call1(vm, e->default_, v);
  bool ok = replacement != NO_REF;
  if (ok && (ok = cd_enter_recursion(vm, " while encoding a JSON object"))) {
    ok = json_encoder_put(vm, e, text, replacement);
    cd_leave_recursion(vm);
  }
  cd_drop(vm, replacement);
  return json_encoder_unmark(vm, e, mark, ok);
}

static bool json_encoder_put(VM *vm, const JsonEncoder *e, TextBuilder *text, Value v)
{
  if (cd_is_small(v)) return json_encoder_put_int(vm, text, v);
  if (cd_is_str(v)) return json_encoder_put_string(vm, e, text, v);
  if (cd_is_none(v)) return cd_text_put(text, "null", 4);
  if (cd_is_true(v)) return cd_text_put(text, "true", 4);
  if (cd_is_false(v)) return cd_text_put(text, "false", 5);
  if (cd_is_int(v)) return json_encoder_put_int(vm, text, v);
  if (cd_is_float(v)) return json_encoder_put_float(vm, e, text, cd_float_value(v));
  bool dict = cd_is_dict(v);
  if (!dict && !cd_is_list(v) && !cd_is_tuple(v)) return json_encoder_put_other(vm, e, text, v);
  if (!cd_enter_recursion(vm, " while encoding a JSON object")) return false;
  bool ok = dict ? json_encoder_put_dict(vm, e, text, v) : json_encoder_put_list(vm, e, text, v);
  cd_leave_recursion(vm);
  return ok;
}

static Ref json_encoder_call(VM *vm, Value self, const Value *args, size_t nargs, Value kwnames)
{
  Value in[2];
  Ref owned[2];
  int64_t level;
  if (!cd_bind_text(vm, "_iterencode(obj, _current_indent_level)", args, nargs, kwnames, in, owned)) return NO_REF;
  if (!cd_to_ssize(vm, in[1], &level)) return NO_REF;
  TextBuilder text;
  cd_text_init(&text, vm);
  Ref result = json_encoder_put(vm, json_encoder_of(self), &text, in[0]) ? cd_text_finish(&text) : NO_REF;
  cd_text_clear(&text);
  if (!result) return NO_REF;
  Ref pieces = cd_list_of(vm, 1, (const Value *)&result);
  cd_drop(vm, result);
  return pieces;
}

static Ref json_encoder_new(VM *vm, Type *type, const Value *args, size_t nargs, Value kwnames)
{
  Value in[9];
  Ref owned[2];
  if (!cd_bind_text(vm, "make_encoder(markers, default, encoder, indent, key_separator, item_separator, sort_keys, skipkeys, allow_nan)",
                    args, nargs, kwnames, in, owned))
    return NO_REF;
  bool flags[3];
  for (int i = 4; i < 6; i++)
    if (!cd_is_str(in[i])) return cd_raise_type(vm, "make_encoder() argument %d must be str, not %T", i + 1, in[i]);
  for (int i = 0; i < 3; i++)
    if (!cd_truth(vm, in[6 + i], &flags[i])) return NO_REF;
  if (!cd_is_none(in[0]) && !cd_is_dict(in[0]))
    return cd_raise_type(vm, "make_encoder() argument 1 must be dict or None, not %.200T", in[0]);
  JsonEncoder *e = cd_instance_new(vm, type);
  if (!e) return NO_REF;
  Value *fields[] = {&e->markers, &e->default_, &e->encoder, &e->indent, &e->key_separator, &e->item_separator};
  for (size_t i = 0; i < ARRAY_LEN(fields); i++) *fields[i] = cd_dup(in[i]);
  e->sort_keys = flags[0];
  e->skipkeys = flags[1];
  e->allow_nan = flags[2];
  if (cd_is_exact(in[2], vm->types.native)) {
    const MethodDef *def = ((Native *)cd_object(in[2]))->def;
    e->fast = def == &json_encode_basestring_ascii_def ? ENCODER_ASCII
              : def == &json_encode_basestring_def     ? ENCODER_UNICODE
                                                       : ENCODER_CALL;
  }
  return cd_from_object(e);
}

static void json_encoder_release(VM *vm, Object *self)
{
  JsonEncoder *e = (JsonEncoder *)self;
  Value *fields[] = {&e->markers, &e->default_, &e->encoder, &e->indent, &e->key_separator, &e->item_separator};
  for (size_t i = 0; i < ARRAY_LEN(fields); i++) cd_clear(vm, fields[i]);
}

static void json_encoder_traverse(Object *self, VisitFn visit, void *context)
{
  JsonEncoder *e = (JsonEncoder *)self;
  Value fields[] = {e->markers, e->default_, e->encoder, e->indent, e->key_separator, e->item_separator};
  for (size_t i = 0; i < ARRAY_LEN(fields); i++) visit(context, fields[i]);
}

static const MemberDef json_encoder_members[] = {
  {"markers", offsetof(JsonEncoder, markers), MEMBER_VALUE, false, "markers"},
  {"default", offsetof(JsonEncoder, default_), MEMBER_VALUE, false, "default"},
  {"encoder", offsetof(JsonEncoder, encoder), MEMBER_VALUE, false, "encoder"},
  {"indent", offsetof(JsonEncoder, indent), MEMBER_VALUE, false, "indent"},
  {"key_separator", offsetof(JsonEncoder, key_separator), MEMBER_VALUE, false, "key_separator"},
  {"item_separator", offsetof(JsonEncoder, item_separator), MEMBER_VALUE, false, "item_separator"},
  {"sort_keys", offsetof(JsonEncoder, sort_keys), MEMBER_BOOL8, false, "sort_keys"},
  {"skipkeys", offsetof(JsonEncoder, skipkeys), MEMBER_BOOL8, false, "skipkeys"},
  {0},
};

static const TypeSpec json_encoder_spec = {
  .name = "_json.Encoder",
  .doc = "_iterencode(obj, _current_indent_level) -> iterable",
  .basicsize = sizeof(JsonEncoder),
  .flags = TYPE_BASE | TYPE_GC | TYPE_IMMUTABLE,
  .members = json_encoder_members,
  .slots = {.release = json_encoder_release,
            .traverse = json_encoder_traverse,
            .clear = json_encoder_release,
            .new_ = json_encoder_new,
            .call = json_encoder_call},
};

// ---- the module ----

static bool json_exec(VM *vm, Value module)
{
  Type *scanner = cd_type_from_spec(vm, &json_scanner_spec, NO_VALUE),
       *encoder = scanner ? cd_type_from_spec(vm, &json_encoder_spec, NO_VALUE) : NULL;
  if (!encoder) {
    cd_drop_object(vm, scanner);
    return false;
  }
  bool ok = cd_module_add(vm, module, "make_scanner", cd_from_object(scanner));
  return cd_module_add(vm, module, "make_encoder", cd_from_object(encoder)) && ok;
}

static const MethodDef *const json_functions[] = {&json_encode_basestring_ascii_def, &json_encode_basestring_def, &json_scanstring_def,
                                                  NULL};

const ModuleDef cd_module__json = {
  .name = "_json",
  .doc = "json speedups\n",
  .functions = json_functions,
  .exec = json_exec,
};
