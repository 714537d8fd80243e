// SPDX-License-Identifier: MIT
// unicodedata.c: the Unicode character database; normal forms
#include "base/unicode.h"
#include "base/utf8.h"
#include "modules/module_list.h"
#include "objects/float.h"
#include "objects/protocol.h"
#include "objects/str.h"
#include "objects/type.h"

typedef struct UnicodedataState {
  Type *ucd;                                     // owned
} UnicodedataState;

// The object ucd_3_2_0: the same functions as methods, answering as Unicode 3.2 did.
typedef struct UnicodeDatabase { Object head; } UnicodeDatabase;

// ---- arguments ----

// Everything is written once, as ucd_do_<name>(vm, args, old), and offered as a function of the module and as a method of UCD.
#define UCD_FUNCTION(name, parameters, doc)                                                                     \
  static Ref ucd_do_##name(VM *vm, const Value *args, bool old);                                                \
  FUNCTION(unicodedata, name, #name "(" parameters ")", doc) { return ucd_do_##name(vm, args, false); }         \
  METHOD(ucd, name, #name "(self, " parameters ")", doc) { return ucd_do_##name(vm, args, true); }              \
  static Ref ucd_do_##name(VM *vm, const Value *args, bool old UNUSED)

static bool ucd_char(VM *vm, Value v, const char *function, const char *which, uint32_t *out)
{
  if (!cd_is_str(v) || cd_str_length(v) != 1)
    return cd_raise_type(vm, "%s() argument%s must be a unicode character, not %T", function, which, v);
  *out = cd_str_at(vm, v, 0);
  return true;
}

static Ref ucd_default(VM *vm, Value fallback, const char *message)
{
  return fallback ? cd_dup(fallback) : cd_raise_value(vm, "%s", message);
}

// ---- properties ----

UCD_FUNCTION(category, "chr, /", "Return the general category, as \"Lu\".")
{
  uint32_t c;
  return ucd_char(vm, args[0], "category", "", &c) ? cd_str_from(vm, old ? cd_char_category_3_2(c) : cd_char_category(c)) : NO_REF;
}

UCD_FUNCTION(bidirectional, "chr, /", "Return the bidirectional class; an empty string if there is none.")
{
  uint32_t c;
  return ucd_char(vm, args[0], "bidirectional", "", &c) ? cd_str_from(vm, old ? cd_char_bidirectional_3_2(c) : cd_char_bidirectional(c))
                                                        : NO_REF;
}

UCD_FUNCTION(east_asian_width, "chr, /", "Return the East Asian width.")
{
  uint32_t c;
  if (!ucd_char(vm, args[0], "east_asian_width", "", &c)) return NO_REF;
  return cd_str_from(vm, old ? cd_char_east_asian_width_3_2(c) : cd_char_east_asian_width(c));
}

UCD_FUNCTION(combining, "chr, /", "Return the canonical combining class, 0 if there is none.")
{
  uint32_t c;
  if (!ucd_char(vm, args[0], "combining", "", &c)) return NO_REF;
  return cd_from_small(old && !cd_char_is_in_3_2(c) ? 0 : cd_char_combining(c));
}

UCD_FUNCTION(mirrored, "chr, /", "Return 1 if the character is mirrored in right-to-left text, else 0.")
{
  uint32_t c;
  return ucd_char(vm, args[0], "mirrored", "", &c) ? cd_from_small(old ? cd_char_is_mirrored_3_2(c) : cd_char_is_mirrored(c)) : NO_REF;
}

UCD_FUNCTION(decimal, "chr, default=<unrepresentable>, /", "Return the decimal digit's value; the default, or ValueError, if it is none.")
{
  uint32_t c;
  if (!ucd_char(vm, args[0], "decimal", " 1", &c)) return NO_REF;
  int value = old ? cd_char_decimal_3_2(c) : cd_char_decimal(c);
  return value >= 0 ? cd_from_small(value) : ucd_default(vm, args[1], "not a decimal");
}

UCD_FUNCTION(digit, "chr, default=<unrepresentable>, /", "Return the digit's value; the default, or ValueError, if it is none.")
{
  uint32_t c;
  if (!ucd_char(vm, args[0], "digit", " 1", &c)) return NO_REF;
  int value = cd_char_digit(c);
  return value >= 0 ? cd_from_small(value) : ucd_default(vm, args[1], "not a digit");
}

UCD_FUNCTION(numeric, "chr, default=<unrepresentable>, /",
             "Return the numeric value as a float; the default, or ValueError, if there is none.")
{
  uint32_t c;
  double value;
  if (!ucd_char(vm, args[0], "numeric", " 1", &c)) return NO_REF;
  bool known = (!old || cd_char_is_in_3_2(c)) && cd_char_numeric(c, &value);
  return known ? cd_float_new(vm, value) : ucd_default(vm, args[1], "not a numeric character");
}

UCD_FUNCTION(decomposition, "chr, /", "Return the decomposition as the database writes it; an empty string if there is none.")
{
  uint32_t c;
  const char *tag;
  const uint32_t *codes;
  if (!ucd_char(vm, args[0], "decomposition", "", &c)) return NO_REF;
  int count = old && !cd_char_is_in_3_2(c) ? 0 : cd_char_decomposition(c, &tag, &codes);
  if (count == 0) return cd_str_ascii(vm, "", 0);
  TextBuilder text;
  cd_text_init(&text, vm);
  bool ok = cd_text_puts(&text, tag);
  for (int i = 0; ok && i < count; i++) ok = cd_text_format(&text, i || *tag ? " %04X" : "%04X", codes[i]);
  if (ok) return cd_text_finish(&text);
  cd_text_clear(&text);
  return NO_REF;
}

// ---- names ----

UCD_FUNCTION(name, "chr, default=<unrepresentable>, /", "Return the character's name; the default, or ValueError, if it has none.")
{
  uint32_t c;
  char name[CHAR_NAME_SIZE];
  if (!ucd_char(vm, args[0], "name", " 1", &c)) return NO_REF;
  int size = old && !cd_char_is_in_3_2(c) ? 0 : cd_char_name(c, name);
  return size ? cd_str_ascii(vm, name, (size_t)size) : ucd_default(vm, args[1], "no such name");
}

static Ref ucd_find(VM *vm, const char *name, size_t size, bool old)
{
  uint32_t c, sequence[4];
  if ((old ? cd_char_lookup_name : cd_char_lookup)(name, size, &c)) return cd_str_from_char(vm, c);
  int count = old ? 0 : cd_char_lookup_sequence(name, size, sequence);       // 3.2 had neither aliases nor sequences
  if (count == 0) {
    Ref text = cd_str_decode_utf8(vm, name, size, NULL), message = text ? cd_str_format(vm, "undefined character name '%U'", text) : NO_REF;
    if (message) cd_raise_key(vm, message);
    cd_drop(vm, text);
    cd_drop(vm, message);
    return NO_REF;
  }
  TextBuilder text;
  cd_text_init(&text, vm);
  for (int i = 0; i < count; i++) {
    if (cd_text_char(&text, sequence[i])) continue;
    cd_text_clear(&text);
    return NO_REF;
  }
  return cd_text_finish(&text);
}

UCD_FUNCTION(lookup, "name, /", "Return the character, or sequence of characters, of that name; KeyError if there is none.")
{
  const char *name;
  size_t size;
  Buffer buffer = {.owner = NO_VALUE};
  if (cd_is_str(args[0])) {
    if (!(name = cd_str_utf8(vm, args[0], &size))) return NO_REF;
  } else {
    if (!cd_get_buffer(vm, args[0], &buffer, BUFFER_SIMPLE)) return NO_REF;
    name = buffer.data;
    size = (size_t)buffer.size;
  }
  Ref result = size > 256 ? cd_raise(vm, vm->exc.KeyError, "name too long") : ucd_find(vm, name, size, old);
  if (buffer.owner) cd_release_buffer(vm, &buffer);
  return result;
}

// ---- normal forms ----

// Code points on their way; grows.
typedef struct CodePoints { VM *vm; uint32_t *items; size_t size, capacity; } CodePoints;

static bool ucd_push(CodePoints *points, uint32_t c)
{
  if (points->size == points->capacity) {
    size_t capacity = points->capacity * 2;
    uint32_t *items = cd_realloc(points->vm, points->items, points->capacity * sizeof *items, capacity * sizeof *items);
    if (!items) return false;
    points->items = items;
    points->capacity = capacity;
  }
  points->items[points->size++] = c;
  return true;
}

static bool ucd_push_decomposed(CodePoints *points, uint32_t c, bool compatible, bool old)
{
  enum { S = 0xAC00, L = 0x1100, V = 0x1161, T = 0x11A7 };
  if (c - S < 11172) {
    uint32_t s = c - S;
    return ucd_push(points, L + s / 588) && ucd_push(points, V + s % 588 / 28) && (s % 28 == 0 || ucd_push(points, T + s % 28));
  }
  uint32_t former = old ? cd_char_decomposition_3_2(c) : 0;
  if (former) return ucd_push_decomposed(points, former, compatible, false);
  const char *tag;
  const uint32_t *codes;
  int count = old && !cd_char_is_in_3_2(c) ? 0 : cd_char_decomposition(c, &tag, &codes);
  if (count == 0 || (*tag && !compatible)) return ucd_push(points, c);
  for (int i = 0; i < count; i++)
    if (!ucd_push_decomposed(points, codes[i], compatible, old)) return false;
  return true;
}

// Sorts runs of combining marks by class, keeping the order of equals.
static void ucd_order(CodePoints *points)
{
  uint32_t *items = points->items;
  for (size_t i = 1; i < points->size; i++) {
    uint32_t c = items[i];
    int class = cd_char_combining(c);
    size_t j = i;
    if (class == 0) continue;
    for (; j > 0 && cd_char_combining(items[j - 1]) > class; j--) items[j] = items[j - 1];
    items[j] = c;
  }
}

// Puts starters and the marks behind them together where a composite exists and nothing blocks.
static void ucd_compose(CodePoints *points)
{
  uint32_t *items = points->items;
  size_t out = 0, starter = SIZE_MAX;
  int last_class = -1;                           // of what was kept since the starter; -1: nothing
  for (size_t i = 0; i < points->size; i++) {
    uint32_t c = items[i];
    int class = cd_char_combining(c);
    bool blocked = last_class >= 0 && (last_class == 0 || last_class >= class);
    uint32_t composed = starter != SIZE_MAX && !blocked ? cd_char_compose(items[starter], c) : 0;
    if (composed) { items[starter] = composed; continue; }
    if (class == 0) {
      starter = out;
      last_class = -1;
    } else {
      last_class = class;
    }
    items[out++] = c;
  }
  points->size = out;
}

static bool ucd_form(VM *vm, const Value *args, const char *function, NormalForm *form)
{
  static const char *const forms[] = {"NFD", "NFKD", "NFC", "NFKC"};
  for (int i = 0; i < 2; i++)
    if (!cd_is_str(args[i])) return cd_raise_type(vm, "%s() argument %d must be str, not %T", function, i + 1, args[i]);
  for (int i = 0; i < 4; i++)
    if (cd_str_is(args[0], forms[i])) { *form = (NormalForm)i; return true; }
  return cd_raise_value(vm, "invalid normalization form");
}

static QuickCheck ucd_quick_check(Value text, NormalForm form, bool old)
{
  if (cd_as_str(text)->ascii) return QUICK_YES;
  if (old) return QUICK_MAYBE;                   // the answers are today's
  QuickCheck result = QUICK_YES;
  int previous = 0;
  for (const char *p = cd_str_data(text), *end = p + cd_str_size(text); p < end;) {
    uint32_t c = cd_utf8_next(&p);
    int class = cd_char_combining(c);
    if (class && previous > class) return QUICK_NO;
    previous = class;
    QuickCheck check = cd_char_quick_check(c, form);
    if (check == QUICK_NO) return QUICK_NO;
    if (check == QUICK_MAYBE) result = QUICK_MAYBE;
  }
  return result;
}

static Ref ucd_normal(VM *vm, Value text, NormalForm form, bool old)
{
  CodePoints points = {.vm = vm, .capacity = cd_str_length(text) + 16};
  if (!(points.items = cd_alloc_array(vm, points.capacity, sizeof *points.items))) return NO_REF;
  bool compatible = form == FORM_NFKD || form == FORM_NFKC, ok = true;
  for (const char *p = cd_str_data(text), *end = p + cd_str_size(text); ok && p < end;)
    ok = ucd_push_decomposed(&points, cd_utf8_next(&p), compatible, old) && cd_poll(vm);
  TextBuilder out;
  cd_text_init(&out, vm);
  if (ok) {
    ucd_order(&points);
    if (form == FORM_NFC || form == FORM_NFKC) ucd_compose(&points);
    for (size_t i = 0; ok && i < points.size; i++) ok = cd_text_char(&out, points.items[i]);
  }
  cd_free(vm, points.items, points.capacity * sizeof *points.items);
  if (ok) return cd_text_finish(&out);
  cd_text_clear(&out);
  return NO_REF;
}

UCD_FUNCTION(normalize, "form, unistr, /", "Return the text in a normal form: 'NFC', 'NFKC', 'NFD' or 'NFKD'.")
{
  NormalForm form;
  if (!ucd_form(vm, args, "normalize", &form)) return NO_REF;
  return ucd_quick_check(args[1], form, old) == QUICK_YES ? cd_dup(args[1]) : ucd_normal(vm, args[1], form, old);
}

UCD_FUNCTION(is_normalized, "form, unistr, /", "Tell whether the text is in a normal form: 'NFC', 'NFKC', 'NFD' or 'NFKD'.")
{
  NormalForm form;
  if (!ucd_form(vm, args, "is_normalized", &form)) return NO_REF;
  QuickCheck quick = ucd_quick_check(args[1], form, old);
  if (quick != QUICK_MAYBE) return cd_bool(quick == QUICK_YES);
  Ref normal = ucd_normal(vm, args[1], form, old);
  if (!normal) return NO_REF;
  bool same = cd_str_equal(normal, args[1]);
  cd_drop(vm, normal);
  return cd_bool(same);
}

// ---- the module ----

static Ref ucd_get_version(VM *vm, Value self) { return cd_str_from(vm, "3.2.0"); }
static const GetSetDef ucd_getset[] = {{"unidata_version", NULL, ucd_get_version, NULL}, {NULL, NULL, NULL, NULL}};

#define UCD_EACH(X)                                                                                                                \
  X(decimal)                                                                                                                       \
  X(digit) X(numeric) X(category) X(bidirectional) X(combining) X(mirrored) X(east_asian_width) X(decomposition) X(name) X(lookup) \
    X(is_normalized) X(normalize)
#define UCD_METHOD_ENTRY(name) &ucd_##name##_def,
#define UCD_FUNCTION_ENTRY(name) &unicodedata_##name##_def,
static const MethodDef *const ucd_methods[] = {UCD_EACH(UCD_METHOD_ENTRY) NULL};
static const MethodDef *const unicodedata_functions[] = {UCD_EACH(UCD_FUNCTION_ENTRY) NULL};

static const TypeSpec ucd_spec = {
  .name = "unicodedata.UCD",
  .basicsize = sizeof(UnicodeDatabase),
  .flags = TYPE_NO_NEW | TYPE_IMMUTABLE,
  .methods = ucd_methods,
  .getset = ucd_getset,
};

static bool unicodedata_exec(VM *vm, Value module)
{
  UnicodedataState *state = cd_state(vm, MODULE_unicodedata);
  Type *type = cd_module_add_type(vm, module, &ucd_spec, NO_VALUE);
  if (!type) return false;
  state->ucd = (Type *)cd_object(cd_dup_object(type));
  UnicodeDatabase *old = cd_object_new(vm, type, sizeof *old);
  return old && cd_module_add(vm, module, "ucd_3_2_0", cd_from_object(old)) &&
         cd_module_add_text(vm, module, "unidata_version", cd_unicode_version());
}

static void unicodedata_traverse(void *p, VisitFn visit, void *context) { visit(context, cd_type_value(((UnicodedataState *)p)->ucd)); }
static void unicodedata_clear(VM *vm, void *p)
{
  UnicodedataState *state = p;
  cd_drop_object(vm, state->ucd);
  state->ucd = NULL;
}

const ModuleDef cd_module_unicodedata = {
  .name = "unicodedata",
  .doc =
    "The Unicode Character Database, as of the version in unidata_version.\n\nNames and meanings are those of Unicode Standard Annex #44.",
  .functions = unicodedata_functions,
  .state_size = sizeof(UnicodedataState),
  .exec = unicodedata_exec,
  .traverse = unicodedata_traverse,
  .clear = unicodedata_clear,
};
