// SPDX-License-Identifier: MIT
// str_methods.c: the methods of str
#include "objects/str_private.h"

#include "base/search.h"
#include "base/unicode.h"
#include "base/utf8.h"
#include "objects/codec.h"
#include "objects/dict.h"
#include "objects/list.h"
#include "objects/protocol.h"
#include "objects/tuple.h"

#include <limits.h>

static inline bool str_is_ascii_space(unsigned char c) { return c == ' ' || (c >= 9 && c <= 13) || (c >= 0x1C && c <= 0x1F); }
static inline bool str_is_space_char(uint32_t c) { return c < 128 ? str_is_ascii_space((unsigned char)c) : cd_char_is_space(c); }

static Ref str_same(VM *vm, Value self) { return cd_str_exact(vm, self); }

// ---- case ----

enum { SIGMA = 0x3A3, SIGMA_FINAL = 0x3C2, SIGMA_SMALL = 0x3C3 };

// The sigma at `p` ends a word: a cased character before it, none after it, not counting case-ignorable ones.
static bool str_sigma_is_final(const char *start, const char *p, const char *end)
{
  const char *q = p;
  bool cased = false;
  while (q > start) {
    uint32_t c = cd_utf8_previous(&q);
    if (cd_char_is_case_ignorable(c)) continue;
    cased = cd_char_is_cased(c);
    break;
  }
  if (!cased) return false;
  for (p += cd_utf8_len((unsigned char)*p); p < end;) {
    uint32_t c = cd_utf8_next(&p);
    if (!cd_char_is_case_ignorable(c)) return !cd_char_is_cased(c);
  }
  return true;
}

typedef int (*CaseFn)(uint32_t c, uint32_t out[3]);

// Appends what `map` makes of the code point at *p and moves on.
static bool str_put_mapped(TextBuilder *text, Value self, const char **p, CaseFn map)
{
  const char *at = *p;
  uint32_t c = cd_utf8_next(p), out[3];
  if (UNLIKELY(c == SIGMA) && map == cd_char_to_lower) {
    const Str *s = cd_as_str(self);
    return cd_text_char(text, str_sigma_is_final(s->data, at, s->data + s->size) ? SIGMA_FINAL : SIGMA_SMALL);
  }
  int n = map(c, out);
  for (int i = 0; i < n; i++)
    if (!cd_text_char(text, out[i])) return false;
  return true;
}

static Ref str_finish_or_fail(TextBuilder *text, bool ok)
{
  if (ok) return cd_text_finish(text);
  cd_text_clear(text);
  return NO_REF;
}

// `first`: the ASCII letters from it to first + 25 change.
static Ref str_map_case(VM *vm, Value self, CaseFn map, char first)
{
  TextBuilder text;
  cd_text_init(&text, vm);
  bool ok = cd_text_reserve(&text, cd_str_size(self));
  for (StrReader reader = cd_str_reader(self); ok && reader.p < reader.end;) {
    unsigned char c = (unsigned char)*reader.p;
    if (c >= 0x80) { ok = str_put_mapped(&text, self, &reader.p, map); continue; }
    ok = cd_text_char(&text, c ^ ((unsigned char)(c - first) < 26 ? 32u : 0));
    reader.p++;
  }
  return str_finish_or_fail(&text, ok);
}

#define EACH_BYTE(b) (UINT64_C(0x0101010101010101) * (b))

// Eight ASCII characters with the letters from `first` to first + 25 moved by 32. No sum carries into the next byte.
static inline uint64_t str_flip_word(uint64_t word, char first)
{
  uint64_t from = word + EACH_BYTE(0x80 - (unsigned)first), behind = word + EACH_BYTE(0x80 - (unsigned)first - 26);
  return word ^ (from & ~behind & EACH_BYTE(0x80)) >> 2;
}

// ASCII text with the letters between `first` and first + 25 moved by 32.
static Ref str_flip_ascii(VM *vm, Value self, char first)
{
  const Str *s = cd_as_str(self);
  if (s->size < 2) {
    char c = s->data[0];
    return cd_str_ascii(vm, (unsigned char)(c - first) < 26 ? (char[]){(char)(c ^ 32)} : s->data, s->size);
  }
  Ref result = cd_str_blank(vm, s->size, s->size);
  if (!result) return NO_REF;
  char *out = cd_str_buffer(result);
  if (s->size < 8) {
    for (size_t i = 0; i < s->size; i++) out[i] = (char)(s->data[i] ^ ((unsigned char)(s->data[i] - first) < 26 ? 32 : 0));
    return result;
  }
  uint64_t word;
  for (size_t i = 0; i + 8 < s->size; i += 8) {
    memcpy(&word, s->data + i, 8);
    word = str_flip_word(word, first);
    memcpy(out + i, &word, 8);
  }
  memcpy(&word, s->data + s->size - 8, 8);       // the last eight may overlap those before
  word = str_flip_word(word, first);
  memcpy(out + s->size - 8, &word, 8);
  return result;
}

METHOD(str, lower, "lower(self, /)", "Return a copy in lower case.")
{
  return cd_as_str(self)->ascii ? str_flip_ascii(vm, self, 'A') : str_map_case(vm, self, cd_char_to_lower, 'A');
}
METHOD(str, upper, "upper(self, /)", "Return a copy in upper case.")
{
  return cd_as_str(self)->ascii ? str_flip_ascii(vm, self, 'a') : str_map_case(vm, self, cd_char_to_upper, 'a');
}
METHOD(str, casefold, "casefold(self, /)", "Return a version for comparing without regard to case.")
{
  return cd_as_str(self)->ascii ? str_flip_ascii(vm, self, 'A') : str_map_case(vm, self, cd_char_to_folded, 'A');
}

// ASCII text in the style of title(), capitalize() or swapcase().
typedef enum { ASCII_TITLE, ASCII_CAPITALIZE, ASCII_SWAP } AsciiCase;

static inline bool str_is_ascii_letter(char c) { return (unsigned char)((c | 32) - 'a') < 26; }

static Ref str_restyle_ascii(VM *vm, Value self, AsciiCase style)
{
  const Str *s = cd_as_str(self);
  if (s->size < 2) {
    char c = s->data[0], styled = style == ASCII_SWAP ? (char)(c ^ 32) : (char)(c & ~32);
    return cd_str_ascii(vm, s->size && str_is_ascii_letter(c) ? &styled : s->data, s->size);
  }
  Ref result = cd_str_blank(vm, s->size, s->size);
  if (!result) return NO_REF;
  char *out = cd_str_buffer(result);
  bool inside = false;
  for (size_t i = 0; i < s->size; i++) {
    char c = s->data[i];
    bool letter = str_is_ascii_letter(c);
    out[i] = !letter ? c : style == ASCII_SWAP ? (char)(c ^ 32) : inside ? (char)(c | 32) : (char)(c & ~32);
    inside = letter || style == ASCII_CAPITALIZE;
  }
  return result;
}

METHOD(str, capitalize, "capitalize(self, /)", "Return a copy whose first character is in title case and the rest in lower case.")
{
  if (cd_as_str(self)->ascii) return str_restyle_ascii(vm, self, ASCII_CAPITALIZE);
  TextBuilder text;
  cd_text_init(&text, vm);
  bool ok = true;
  CaseFn map = cd_char_to_title;
  for (StrReader reader = cd_str_reader(self); ok && reader.p < reader.end; map = cd_char_to_lower)
    ok = str_put_mapped(&text, self, &reader.p, map);
  return str_finish_or_fail(&text, ok);
}

METHOD(str, title, "title(self, /)", "Return a copy in which words start in title case and go on in lower case.")
{
  if (cd_as_str(self)->ascii) return str_restyle_ascii(vm, self, ASCII_TITLE);
  TextBuilder text;
  cd_text_init(&text, vm);
  bool ok = true, inside = false;
  for (StrReader reader = cd_str_reader(self); ok && reader.p < reader.end;) {
    const char *ahead = reader.p;
    bool cased = cd_char_is_cased(cd_utf8_next(&ahead));
    ok = str_put_mapped(&text, self, &reader.p, inside ? cd_char_to_lower : cd_char_to_title);
    inside = cased;
  }
  return str_finish_or_fail(&text, ok);
}

static int str_keep_char(uint32_t c, uint32_t out[3])
{
  out[0] = c;
  return 1;
}

METHOD(str, swapcase, "swapcase(self, /)", "Return a copy with upper case made lower and lower case made upper.")
{
  if (cd_as_str(self)->ascii) return str_restyle_ascii(vm, self, ASCII_SWAP);
  TextBuilder text;
  cd_text_init(&text, vm);
  bool ok = true;
  for (StrReader reader = cd_str_reader(self); ok && reader.p < reader.end;) {
    const char *ahead = reader.p;
    uint32_t c = cd_utf8_next(&ahead);
    ok = str_put_mapped(&text, self, &reader.p,
                        cd_char_is_upper(c)   ? cd_char_to_lower
                        : cd_char_is_lower(c) ? cd_char_to_upper
                                              : str_keep_char);
  }
  return str_finish_or_fail(&text, ok);
}

// ---- tests ----

static Ref str_all_chars(Value self, bool (*test)(uint32_t), bool empty)
{
  StrReader reader = cd_str_reader(self);
  if (reader.p == reader.end) return cd_bool(empty);
  while (reader.p < reader.end)
    if (!test(cd_utf8_next(&reader.p))) return cd_false();
  return cd_true();
}

METHOD(str, isascii, "isascii(self, /)", "Tell whether all characters are ASCII.") { return cd_bool(cd_as_str(self)->ascii); }
METHOD(str, isspace, "isspace(self, /)", "Tell whether there are characters and all are white space.")
{
  return str_all_chars(self, cd_char_is_space, false);
}
METHOD(str, isdecimal, "isdecimal(self, /)", "Tell whether there are characters and all are decimal digits.")
{
  return str_all_chars(self, cd_char_is_decimal, false);
}
METHOD(str, isdigit, "isdigit(self, /)", "Tell whether there are characters and all are digits.")
{
  return str_all_chars(self, cd_char_is_digit, false);
}
METHOD(str, isnumeric, "isnumeric(self, /)", "Tell whether there are characters and all have a numeric value.")
{
  return str_all_chars(self, cd_char_is_numeric, false);
}
METHOD(str, isalpha, "isalpha(self, /)", "Tell whether there are characters and all are letters.")
{
  return str_all_chars(self, cd_char_is_alpha, false);
}
METHOD(str, isalnum, "isalnum(self, /)", "Tell whether there are characters and all are letters or numbers.")
{
  return str_all_chars(self, cd_char_is_alnum, false);
}
METHOD(str, isprintable, "isprintable(self, /)", "Tell whether repr() would show all characters as they are.")
{
  return str_all_chars(self, cd_char_is_printable, true);
}

METHOD(str, islower, "islower(self, /)", "Tell whether there are cased characters and all of them are lower case.")
{
  bool cased = false;
  for (StrReader reader = cd_str_reader(self); reader.p < reader.end;) {
    uint32_t c = cd_utf8_next(&reader.p);
    if (cd_char_is_upper(c) || cd_char_is_title(c)) return cd_false();
    cased |= cd_char_is_lower(c);
  }
  return cd_bool(cased);
}

METHOD(str, isupper, "isupper(self, /)", "Tell whether there are cased characters and all of them are upper case.")
{
  bool cased = false;
  for (StrReader reader = cd_str_reader(self); reader.p < reader.end;) {
    uint32_t c = cd_utf8_next(&reader.p);
    if (cd_char_is_lower(c) || cd_char_is_title(c)) return cd_false();
    cased |= cd_char_is_upper(c);
  }
  return cd_bool(cased);
}

METHOD(str, istitle, "istitle(self, /)", "Tell whether upper case follows only uncased characters and lower case only cased ones.")
{
  bool cased = false, inside = false;
  for (StrReader reader = cd_str_reader(self); reader.p < reader.end;) {
    uint32_t c = cd_utf8_next(&reader.p);
    if (cd_char_is_upper(c) || cd_char_is_title(c)) {
      if (inside) return cd_false();
      inside = cased = true;
    } else if (cd_char_is_lower(c)) {
      if (!inside) return cd_false();
      cased = true;
    } else {
      inside = false;
    }
  }
  return cd_bool(cased);
}

METHOD(str, isidentifier, "isidentifier(self, /)", "Tell whether the text is a valid identifier; keywords are, too.")
{
  StrReader reader = cd_str_reader(self);
  if (reader.p == reader.end || !cd_char_is_id_start(cd_utf8_next(&reader.p))) return cd_false();
  while (reader.p < reader.end)
    if (!cd_char_is_id_continue(cd_utf8_next(&reader.p))) return cd_false();
  return cd_true();
}

// ---- searching ----

// Binds (sub[, start[, end]]). *out_of_range: no place for anything, not even the empty text.
typedef struct StrSpan { size_t from, to; bool out_of_range; int64_t start, stop; } StrSpan;

static bool str_span(VM *vm, Value self, Value start, Value stop, StrSpan *span)
{
  if (!cd_slice_arguments(vm, start, stop, cd_str_length(self), &span->start, &span->stop)) return false;
  span->out_of_range = span->start > span->stop;
  if (span->out_of_range) return true;
  span->from = cd_str_offset(vm, self, (size_t)span->start);
  span->to = cd_str_offset(vm, self, (size_t)span->stop);
  return true;
}

static bool str_search(VM *vm, Value self, const Value *args, bool last, int64_t *out)
{
  StrSpan span;
  if (!str_span(vm, self, args[1], args[2], &span)) return false;
  if (!cd_is_str(args[0])) return cd_raise_type(vm, "must be str, not %.100T", args[0]);
  *out = -1;
  if (span.out_of_range) return true;
  const char *data = cd_str_data(self) + span.from;
  int64_t at = (last ? cd_search_last : cd_search_first)(data, span.to - span.from, cd_str_data(args[0]), cd_str_size(args[0]));
  if (at >= 0) *out = (int64_t)cd_str_position(self, span.from + (size_t)at);
  return true;
}

bool cd_find_arguments(VM *vm, const char *type, const char *name, const Value *args, size_t nargs, Value kwnames, Value out[3])
{
  if (kwnames && cd_tuple_size(kwnames)) return cd_raise_type(vm, "%s.%s() takes no keyword arguments", type, name);
  if (nargs < 1) return cd_raise_type(vm, "%s() takes at least 1 argument (0 given)", name);
  if (nargs > 3) return cd_raise_type(vm, "%s() takes at most 3 arguments (%zd given)", name, (ptrdiff_t)nargs);
  for (size_t i = 0; i < 3; i++) out[i] = i < nargs ? args[i] : NO_VALUE;
  return true;
}

#define STR_FIND_METHOD(name, doc) \
  METHOD_DEF_RAW_(str_##name, #name, #name "(self, sub, start=None, end=None, /)", doc, METHOD_NO_SIGNATURE)
#define STR_SEARCH_METHOD(name, last, doc)                                                                         \
  STR_FIND_METHOD(name, doc)                                                                                       \
  {                                                                                                                \
    int64_t at;                                                                                                    \
    Value bound[3];                                                                                                \
    if (!cd_find_arguments(vm, "str", #name, args, nargs, kwnames, bound)) return NO_REF;                          \
    return str_search(vm, self, bound, last, &at) ? cd_from_small(at) : NO_REF;                                    \
  }
#define STR_INDEX_METHOD(name, last, doc)                                                                          \
  STR_FIND_METHOD(name, doc)                                                                                       \
  {                                                                                                                \
    int64_t at;                                                                                                    \
    Value bound[3];                                                                                                \
    if (!cd_find_arguments(vm, "str", #name, args, nargs, kwnames, bound)) return NO_REF;                          \
    if (!str_search(vm, self, bound, last, &at)) return NO_REF;                                                    \
    return at >= 0 ? cd_from_small(at) : cd_raise_value(vm, "substring not found");                                \
  }
STR_SEARCH_METHOD(find, false, "S.find(sub[, start[, end]]) -> int\n\nLowest index at which sub is found in S[start:end], -1 if it is not.")
STR_SEARCH_METHOD(rfind, true,
                  "S.rfind(sub[, start[, end]]) -> int\n\nHighest index at which sub is found in S[start:end], -1 if it is not.")
STR_INDEX_METHOD(index, false, "S.index(sub[, start[, end]]) -> int\n\nLike find(), but a ValueError if sub is not found.")
STR_INDEX_METHOD(rindex, true, "S.rindex(sub[, start[, end]]) -> int\n\nLike rfind(), but a ValueError if sub is not found.")

STR_FIND_METHOD(count, "S.count(sub[, start[, end]]) -> int\n\nNumber of places, not overlapping, where sub is found in S[start:end].")
{
  StrSpan span;
  Value bound[3];
  if (!cd_find_arguments(vm, "str", "count", args, nargs, kwnames, bound)) return NO_REF;
  args = bound;
  if (!str_span(vm, self, args[1], args[2], &span)) return NO_REF;
  if (!cd_is_str(args[0])) return cd_raise_type(vm, "must be str, not %.100T", args[0]);
  if (span.out_of_range) return cd_from_small(0);
  if (cd_str_size(args[0]) == 0) return cd_from_small(span.stop - span.start + 1);
  const char *data = cd_str_data(self) + span.from;
  return cd_from_small((int64_t)cd_search_count(data, span.to - span.from, cd_str_data(args[0]), cd_str_size(args[0]), SIZE_MAX));
}

static bool str_matches_end(Value self, const StrSpan *span, Value affix, bool suffix)
{
  size_t size = cd_str_size(affix);
  if (span->out_of_range || size > span->to - span->from) return false;
  return memcmp(cd_str_data(self) + (suffix ? span->to - size : span->from), cd_str_data(affix), size) == 0;
}

static Ref str_test_affix(VM *vm, Value self, const Value *args, bool suffix)
{
  const char *name = suffix ? "endswith" : "startswith";
  StrSpan span;
  if (!str_span(vm, self, args[1], args[2], &span)) return NO_REF;
  if (cd_is_str(args[0])) return cd_bool(str_matches_end(self, &span, args[0], suffix));
  if (!cd_is_tuple(args[0])) return cd_raise_type(vm, "%s first arg must be str or a tuple of str, not %.100T", name, args[0]);
  for (size_t i = 0; i < cd_tuple_size(args[0]); i++) {
    Value affix = cd_tuple_item_borrow(args[0], i);
    if (!cd_is_str(affix)) return cd_raise_type(vm, "tuple for %s must only contain str, not %.100T", name, affix);
    if (str_matches_end(self, &span, affix, suffix)) return cd_true();
  }
  return cd_false();
}

STR_FIND_METHOD(
  startswith,
  "S.startswith(prefix[, start[, end]]) -> bool\n\nTell whether S[start:end] starts with prefix, or with one of a tuple of them.")
{
  Value bound[3];
  return cd_find_arguments(vm, "str", "startswith", args, nargs, kwnames, bound) ? str_test_affix(vm, self, bound, false) : NO_REF;
}
STR_FIND_METHOD(endswith,
                "S.endswith(suffix[, start[, end]]) -> bool\n\nTell whether S[start:end] ends with suffix, or with one of a tuple of them.")
{
  Value bound[3];
  return cd_find_arguments(vm, "str", "endswith", args, nargs, kwnames, bound) ? str_test_affix(vm, self, bound, true) : NO_REF;
}

METHOD(str, removeprefix, "removeprefix(self, prefix, /)", "Return the text without the prefix, if it starts with it.")
{
  if (!cd_is_str(args[0])) return cd_raise_type(vm, "removeprefix() argument must be str, not %.50T", args[0]);
  StrSpan span = {.to = cd_str_size(self)};
  if (!str_matches_end(self, &span, args[0], false)) return str_same(vm, self);
  return cd_str_piece(vm, self, cd_str_size(args[0]), span.to);
}
METHOD(str, removesuffix, "removesuffix(self, suffix, /)", "Return the text without the suffix, if it ends with it.")
{
  if (!cd_is_str(args[0])) return cd_raise_type(vm, "removesuffix() argument must be str, not %.50T", args[0]);
  StrSpan span = {.to = cd_str_size(self)};
  if (!str_matches_end(self, &span, args[0], true)) return str_same(vm, self);
  return cd_str_piece(vm, self, 0, span.to - cd_str_size(args[0]));
}

// ---- stripping ----

enum { STRIP_LEFT = 1, STRIP_RIGHT = 2 };

static bool str_strip_hit(const char *p, const char *next, Value chars)
{
  if (!chars) return str_is_space_char(cd_utf8_next(&p));
  return cd_search_first(cd_str_data(chars), cd_str_size(chars), p, (size_t)(next - p)) >= 0;
}

static Ref str_strip_sides(VM *vm, Value self, Value chars, int sides, const char *name)
{
  if (chars && cd_is_none(chars)) chars = NO_VALUE;
  if (chars && !cd_is_str(chars)) return cd_raise_type(vm, "%s arg must be None or str", name);
  const Str *s = cd_as_str(self);
  const char *from = s->data, *to = s->data + s->size;
  while (sides & STRIP_LEFT && from < to) {
    const char *next = from + cd_utf8_len((unsigned char)*from);
    if (!str_strip_hit(from, next, chars)) break;
    from = next;
  }
  while (sides & STRIP_RIGHT && from < to) {
    const char *last = to;
    cd_utf8_previous(&last);
    if (!str_strip_hit(last, to, chars)) break;
    to = last;
  }
  return cd_str_piece(vm, self, (size_t)(from - s->data), (size_t)(to - s->data));
}

METHOD(str, strip, "strip(self, chars=None, /)", "Return the text without white space, or without any of chars, at both ends.")
{
  return str_strip_sides(vm, self, args[0], STRIP_LEFT | STRIP_RIGHT, "strip");
}
METHOD(str, lstrip, "lstrip(self, chars=None, /)", "Return the text without white space, or without any of chars, at its start.")
{
  return str_strip_sides(vm, self, args[0], STRIP_LEFT, "lstrip");
}
METHOD(str, rstrip, "rstrip(self, chars=None, /)", "Return the text without white space, or without any of chars, at its end.")
{
  return str_strip_sides(vm, self, args[0], STRIP_RIGHT, "rstrip");
}

// ---- splitting ----

static bool str_append_piece(VM *vm, Value list, Value self, size_t from, size_t to)
{
  return cd_list_append_steal(vm, cd_as_list(list), cd_str_piece(vm, self, from, to));
}

static bool str_split_space(VM *vm, Value self, Value list, int64_t max)
{
  const Str *s = cd_as_str(self);
  const char *p = s->data, *end = p + s->size;
  for (;;) {
    const char *q = p;
    while (q < end && str_is_space_char(cd_utf8_next(&q))) p = q;
    if (p == end) return true;
    if (max-- == 0) return str_append_piece(vm, list, self, (size_t)(p - s->data), s->size);
    const char *word = p;
    for (q = p; q < end && !str_is_space_char(cd_utf8_next(&q));) p = q;
    if (!str_append_piece(vm, list, self, (size_t)(word - s->data), (size_t)(p - s->data)) || !cd_poll(vm)) return false;
  }
}

static bool str_rsplit_space(VM *vm, Value self, Value list, int64_t max)
{
  const Str *s = cd_as_str(self);
  const char *start = s->data, *p = s->data + s->size;
  for (;;) {
    const char *q = p;
    while (q > start && str_is_space_char(cd_utf8_previous(&q))) p = q;
    if (p == start) return true;
    if (max-- == 0) return str_append_piece(vm, list, self, 0, (size_t)(p - start));
    const char *word_end = p;
    for (q = p; q > start && !str_is_space_char(cd_utf8_previous(&q));) p = q;
    if (!str_append_piece(vm, list, self, (size_t)(p - start), (size_t)(word_end - start))) return false;
  }
}

static bool str_split_by(VM *vm, Value self, Value separator, Value list, int64_t max)
{
  const Str *s = cd_as_str(self), *sep = cd_as_str(separator);
  size_t from = 0;
  while (max-- != 0) {
    int64_t at = cd_search_first(s->data + from, s->size - from, sep->data, sep->size);
    if (at < 0) break;
    if (!str_append_piece(vm, list, self, from, from + (size_t)at) || !cd_poll(vm)) return false;
    from += (size_t)at + sep->size;
  }
  return str_append_piece(vm, list, self, from, s->size);
}

static bool str_rsplit_by(VM *vm, Value self, Value separator, Value list, int64_t max)
{
  const Str *s = cd_as_str(self), *sep = cd_as_str(separator);
  size_t to = s->size;
  while (max-- != 0) {
    int64_t at = cd_search_last(s->data, to, sep->data, sep->size);
    if (at < 0) break;
    if (!str_append_piece(vm, list, self, (size_t)at + sep->size, to)) return false;
    to = (size_t)at;
  }
  return str_append_piece(vm, list, self, 0, to);
}

static void str_reverse_list(Value v)
{
  List *list = cd_as_list(v);
  for (size_t i = 0, j = list->size; i + 1 < j; i++) {
    Value item = list->items[--j];
    list->items[j] = list->items[i];
    list->items[i] = item;
  }
}

static Ref str_split_any(VM *vm, Value self, const Value *args, bool from_right)
{
  int64_t max = -1;
  if (args[1] && !cd_to_ssize(vm, args[1], &max)) return NO_REF;
  if (max < 0) max = -1;
  bool space = !args[0] || cd_is_none(args[0]);
  if (!space && !cd_is_str(args[0])) return cd_raise_type(vm, "must be str or None, not %.100T", args[0]);
  if (!space && cd_str_size(args[0]) == 0) return cd_raise_value(vm, "empty separator");
  Ref list = cd_list_new(vm);
  if (!list) return NO_REF;
  bool ok = space ? (from_right ? str_rsplit_space : str_split_space)(vm, self, list, max)
                  : (from_right ? str_rsplit_by : str_split_by)(vm, self, args[0], list, max);
  if (from_right) str_reverse_list(list);
  if (ok) return list;
  cd_drop(vm, list);
  return NO_REF;
}

METHOD(str, split, "split(self, /, sep=None, maxsplit=-1)",
       "Return a list of the pieces between separators.\n\n  sep\n    What separates; None: runs of white space, and empty pieces are left "
       "out.\n"
       "  maxsplit\n    Split at most so often, from the left; -1: no limit.")
{
  return str_split_any(vm, self, args, false);
}
METHOD(str, rsplit, "rsplit(self, /, sep=None, maxsplit=-1)",
       "Return a list of the pieces between separators, found from the right.\n\n  sep\n    What separates; None: runs of white space, "
       "and empty pieces are left out.\n  maxsplit\n    Split at most so often, from the right; -1: no limit.")
{
  return str_split_any(vm, self, args, true);
}

METHOD(str, splitlines, "splitlines(self, /, keepends=False)", "Return a list of the lines, with their ends only if keepends is true.")
{
  int keep = 0;
  if (args[0] && !cd_to_c_int(vm, args[0], &keep)) return NO_REF;
  Ref list = cd_list_new(vm);
  if (!list) return NO_REF;
  const Str *s = cd_as_str(self);
  for (const char *p = s->data, *end = p + s->size; p < end;) {
    const char *line = p, *stop = p;
    while (p < end) {
      stop = p;
      uint32_t c = cd_utf8_next(&p);
      if (!cd_char_is_linebreak(c)) { stop = p; continue; }
      if (c == '\r' && p < end && *p == '\n') p++;
      break;
    }
    if (str_append_piece(vm, list, self, (size_t)(line - s->data), (size_t)((keep ? p : stop) - s->data)) && cd_poll(vm)) continue;
    cd_drop(vm, list);
    return NO_REF;
  }
  return list;
}

static Ref str_partition_at(VM *vm, Value self, Value separator, bool last)
{
  if (!cd_is_str(separator)) return cd_raise_type(vm, "must be str, not %.100T", separator);
  const Str *s = cd_as_str(self), *sep = cd_as_str(separator);
  if (sep->size == 0) return cd_raise_value(vm, "empty separator");
  int64_t at = (last ? cd_search_last : cd_search_first)(s->data, s->size, sep->data, sep->size);
  if (at >= 0) {
    size_t from = (size_t)at, to = from + sep->size;
    return cd_tuple3_steal(vm, cd_str_piece(vm, self, 0, from), cd_str_exact(vm, separator), cd_str_piece(vm, self, to, s->size));
  }
  Ref whole = cd_str_exact(vm, self), e1 = cd_str_ascii(vm, "", 0), e2 = cd_str_ascii(vm, "", 0);
  return last ? cd_tuple3_steal(vm, e1, e2, whole) : cd_tuple3_steal(vm, whole, e1, e2);
}

METHOD(
  str, partition, "partition(self, sep, /)",
  "Return the part before the first separator, the separator, and the part after it;\nif there is none, the text and two empty strings.")
{
  return str_partition_at(vm, self, args[0], false);
}
METHOD(
  str, rpartition, "rpartition(self, sep, /)",
  "Return the part before the last separator, the separator, and the part after it;\nif there is none, two empty strings and the text.")
{
  return str_partition_at(vm, self, args[0], true);
}

METHOD(str, join, "join(self, iterable, /)", "Return the strings of the iterable, with this one between them.")
{
  return cd_str_join(vm, self, args[0]);
}

// ---- replacing ----

// `new` before each of the first `count` characters, and at the end if count goes so far.
static Ref str_interleave(VM *vm, Value self, Value new, int64_t count)
{
  TextBuilder text;
  cd_text_init(&text, vm);
  bool ok = true;
  StrReader reader = cd_str_reader(self);
  while (ok && reader.p < reader.end && count != 0) {
    count--;
    ok = cd_text_str(&text, new) && cd_text_char(&text, cd_utf8_next(&reader.p));
  }
  if (ok && count != 0) ok = cd_text_str(&text, new);
  if (ok && reader.p < reader.end) ok = cd_text_put(&text, reader.p, (size_t)(reader.end - reader.p));
  return str_finish_or_fail(&text, ok);
}

static Ref str_replace_text(VM *vm, Value self, Value old, Value new, int64_t count)
{
  const Str *s = cd_as_str(self), *o = cd_as_str(old), *n = cd_as_str(new);
  if (count == 0 || (s->size < o->size)) return str_same(vm, self);
  if (o->size == 0) return str_interleave(vm, self, new, count);
  size_t limit = count < 0 ? SIZE_MAX : (size_t)count, places[16], hits = 0;      // the first places are remembered
  for (const char *p = s->data, *end = p + s->size; hits < limit && hits < ARRAY_LEN(places); hits++) {
    int64_t at = cd_search_first(p, (size_t)(end - p), o->data, o->size);
    if (at < 0) { limit = hits; break; }
    places[hits] = (size_t)at;
    p += (size_t)at + o->size;
    if (hits + 1 == ARRAY_LEN(places)) {
      hits += 1 + cd_search_count(p, (size_t)(end - p), o->data, o->size, limit - hits - 1);
      break;
    }
  }
  if (hits == 0 || (o->size == n->size && memcmp(o->data, n->data, o->size) == 0)) return str_same(vm, self);
  size_t added, size;
  if (__builtin_mul_overflow(hits, n->size, &added) || __builtin_add_overflow(s->size - hits * o->size, added, &size) ||
      size > INT64_MAX / 2)
    return cd_raise_overflow(vm, "replace string is too long");
  size_t length = s->length - hits * o->length + hits * n->length;
  if (size < 4) {
    TextBuilder text;
    cd_text_init(&text, vm);
    bool ok = true;
    const char *p = s->data, *end = p + s->size;
    while (ok && hits--) {
      size_t at = (size_t)cd_search_first(p, (size_t)(end - p), o->data, o->size);
      ok = cd_text_put(&text, p, at) && cd_text_str(&text, new);
      p += at + o->size;
    }
    return str_finish_or_fail(&text, ok && cd_text_put(&text, p, (size_t)(end - p)));
  }
  Ref result = cd_str_blank(vm, size, length);
  if (!result) return NO_REF;
  char *out = cd_str_buffer(result);
  const char *p = s->data, *end = p + s->size;
  for (size_t i = 0; i < hits; i++) {
    size_t at = i < ARRAY_LEN(places) ? places[i] : (size_t)cd_search_first(p, (size_t)(end - p), o->data, o->size);
    out = cd_put_bytes(out, p, at);
    out = cd_put_bytes(out, n->data, n->size);
    p += at + o->size;
  }
  cd_put_bytes(out, p, (size_t)(end - p));
  return result;
}

METHOD(str, replace, "replace(self, old, new, count=-1, /)",
       "Return a copy with all occurrences of old, or the first count of them, replaced by new.")
{
  int64_t count = -1;
  for (int i = 0; i < 2; i++)
    if (!cd_is_str(args[i])) return cd_raise_type(vm, "replace() argument %d must be str, not %T", i + 1, args[i]);
  if (args[2] && !cd_to_ssize(vm, args[2], &count)) return NO_REF;
  return str_replace_text(vm, self, args[0], args[1], count);
}

METHOD(str, expandtabs, "expandtabs(self, /, tabsize=8)",
       "Return a copy in which tabs are replaced by spaces up to the next column that tabsize divides.")
{
  int tabsize = 8;
  if (args[0] && !cd_to_c_int(vm, args[0], &tabsize)) return NO_REF;
  TextBuilder text;
  cd_text_init(&text, vm);
  bool ok = true;
  size_t column = 0, total = 0;
  for (StrReader reader = cd_str_reader(self); ok && reader.p < reader.end;) {
    uint32_t c = cd_utf8_next(&reader.p);
    if (c == '\t') {
      size_t spaces = tabsize > 0 ? (size_t)tabsize - column % (size_t)tabsize : 0;
      column += spaces;
      total += spaces;
      if (total > INT64_MAX / 2) { cd_raise_overflow(vm, "new string is too long"); ok = false; break; }
      ok = cd_text_fill(&text, ' ', spaces);
    } else {
      column = c == '\n' || c == '\r' ? 0 : column + 1;
      total++;
      ok = cd_text_char(&text, c);
    }
  }
  return str_finish_or_fail(&text, ok);
}

// ---- padding ----

static Ref str_padded(VM *vm, Value self, size_t left, size_t right, uint32_t fill)
{
  if (left > INT64_MAX / 8 || right > INT64_MAX / 8) return cd_raise_overflow(vm, "padded string is too long");
  TextBuilder text;
  cd_text_init(&text, vm);
  bool ok = cd_text_fill(&text, fill, left) && cd_text_str(&text, self) && cd_text_fill(&text, fill, right);
  return str_finish_or_fail(&text, ok);
}

// Binds (width, fillchar=' '); *pad is what is missing.
static bool str_pad_arguments(VM *vm, Value self, const Value *args, int64_t *width, size_t *pad, uint32_t *fill)
{
  *fill = ' ';
  if (!cd_to_ssize(vm, args[0], width)) return false;
  if (args[1]) {
    if (!cd_is_str(args[1])) return cd_raise_type(vm, "The fill character must be a unicode character, not %.100T", args[1]);
    if (cd_str_length(args[1]) != 1) return cd_raise_type(vm, "The fill character must be exactly one character long");
    *fill = cd_str_at(vm, args[1], 0);
  }
  int64_t length = (int64_t)cd_str_length(self);
  *pad = *width > length ? (size_t)(*width - length) : 0;
  return true;
}

METHOD(str, center, "center(self, width, fillchar=' ', /)",
       "Return the text in the middle of a string of the width, with fillchar on both sides.")
{
  int64_t width;
  size_t pad;
  uint32_t fill;
  if (!str_pad_arguments(vm, self, args, &width, &pad, &fill)) return NO_REF;
  if (pad == 0) return str_same(vm, self);
  size_t left = pad / 2 + (pad & (size_t)width & 1);
  return str_padded(vm, self, left, pad - left, fill);
}
METHOD(str, ljust, "ljust(self, width, fillchar=' ', /)", "Return the text at the left of a string of the width, filled with fillchar.")
{
  int64_t width;
  size_t pad;
  uint32_t fill;
  if (!str_pad_arguments(vm, self, args, &width, &pad, &fill)) return NO_REF;
  return pad ? str_padded(vm, self, 0, pad, fill) : str_same(vm, self);
}
METHOD(str, rjust, "rjust(self, width, fillchar=' ', /)", "Return the text at the right of a string of the width, filled with fillchar.")
{
  int64_t width;
  size_t pad;
  uint32_t fill;
  if (!str_pad_arguments(vm, self, args, &width, &pad, &fill)) return NO_REF;
  return pad ? str_padded(vm, self, pad, 0, fill) : str_same(vm, self);
}

METHOD(str, zfill, "zfill(self, width, /)", "Return a numeric text filled with zeros on the left, after its sign, up to the width.")
{
  int64_t width, length = (int64_t)cd_str_length(self);
  if (!cd_to_ssize(vm, args[0], &width)) return NO_REF;
  if (width <= length) return str_same(vm, self);
  if (width > INT64_MAX / 8) return cd_raise_overflow(vm, "padded string is too long");
  const Str *s = cd_as_str(self);
  bool sign = s->size && (s->data[0] == '+' || s->data[0] == '-');
  TextBuilder text;
  cd_text_init(&text, vm);
  bool ok = (!sign || cd_text_char(&text, (unsigned char)s->data[0])) && cd_text_fill(&text, '0', (size_t)(width - length)) &&
            cd_text_put(&text, s->data + sign, s->size - sign);
  return str_finish_or_fail(&text, ok);
}

// ---- translating ----

// Appends what a translation table says for `c`. Codes: the text itself when the table knows nothing.
static bool str_translate_char(TextBuilder *text, Value table, uint32_t c)
{
  VM *vm = text->vm;
  Ref to = NO_REF;
  Find found = FIND_HIT;
  if (cd_is_exact(table, vm->types.dict)) found = cd_dict_find(vm, table, cd_from_small(c), &to);
  else if (!(to = cd_getitem(vm, table, cd_from_small(c)))) found = cd_swallow(vm, vm->exc.LookupError) ? FIND_MISSING : FIND_ERROR;
  if (found == FIND_ERROR) return false;
  if (found == FIND_MISSING) return cd_text_char(text, c);
  bool ok = true;
  if (cd_is_int(to)) {
    int64_t code;
    if (!cd_to_i64(vm, to, &code, NULL)) ok = false;
    else if (code < 0 || code > 0x10FFFF) ok = cd_raise_value(vm, "character mapping must be in range(0x110000)");
    else ok = cd_text_char(text, (uint32_t)code);
  } else if (cd_is_str(to)) {
    ok = cd_text_str(text, to);
  } else if (!cd_is_none(to)) {
    ok = cd_raise_type(vm, "character mapping must return integer, None or str");
  }
  cd_drop(vm, to);
  return ok;
}

METHOD(str, translate, "translate(self, table, /)",
       "Return a copy in which each character is replaced by what the table has for its\ncode point: a code point, a string, or None to "
       "delete it; "
       "on LookupError it stays.")
{
  Ref keep = cd_dup(self);                       // the table may run Python
  TextBuilder text;
  cd_text_init(&text, vm);
  bool ok = true;
  for (StrReader reader = cd_str_reader(self); ok && reader.p < reader.end;)
    ok = str_translate_char(&text, args[0], cd_utf8_next(&reader.p)) && cd_poll(vm);
  Ref result = str_finish_or_fail(&text, ok);
  cd_drop(vm, keep);
  return result;
}

static bool str_maketrans_pairs(VM *vm, Value table, Value x, Value y, Value z)
{
  if (!cd_is_str(y)) return cd_raise_type(vm, "maketrans() argument 2 must be str, not %T", y);
  if (z && !cd_is_str(z)) return cd_raise_type(vm, "maketrans() argument 3 must be str, not %T", z);
  if (!cd_is_str(x)) return cd_raise_type(vm, "first maketrans argument must be a string if there is a second argument");
  if (cd_str_length(x) != cd_str_length(y)) return cd_raise_value(vm, "the first two maketrans arguments must have equal length");
  StrReader from = cd_str_reader(x), to = cd_str_reader(y);
  while (from.p < from.end) {
    uint32_t key = cd_utf8_next(&from.p), value = cd_utf8_next(&to.p);
    if (!cd_dict_set(vm, table, cd_from_small(key), cd_from_small(value))) return false;
  }
  if (!z) return true;
  for (StrReader gone = cd_str_reader(z); gone.p < gone.end;)
    if (!cd_dict_set(vm, table, cd_from_small(cd_utf8_next(&gone.p)), cd_none())) return false;
  return true;
}

static bool str_maketrans_dict(VM *vm, Value table, Value dict)
{
  if (!cd_is_exact(dict, vm->types.dict)) return cd_raise_type(vm, "if you give only one argument to maketrans it must be a dict");
  Value key, value;
  for (size_t i = 0; cd_dict_each(dict, &i, &key, &value);) {
    if (cd_is_str(key)) {
      if (cd_str_length(key) != 1) return cd_raise_value(vm, "string keys in translate table must be of length 1");
      if (!cd_dict_set(vm, table, cd_from_small(cd_str_at(vm, key, 0)), value)) return false;
    } else if (!cd_is_int(key)) {
      return cd_raise_type(vm, "keys in translate table must be strings or integers");
    } else if (!cd_dict_set(vm, table, key, value)) {
      return false;
    }
  }
  return true;
}

STATIC_METHOD(str, maketrans, "maketrans(x, y=None, z=None, /)",
              "Make a table for translate().\n\nOne argument: a dict from characters or code points to code points, strings or None.\n"
              "Two: strings of equal length, the characters of the first mapped to those of the\nsecond. Three: the characters of the "
              "third are deleted.")
{
  Ref table = cd_dict_new(vm);
  if (!table) return NO_REF;
  if (args[1] ? str_maketrans_pairs(vm, table, args[0], args[1], args[2]) : str_maketrans_dict(vm, table, args[0])) return table;
  cd_drop(vm, table);
  return NO_REF;
}

// ---- the rest ----

METHOD(str, encode, "encode(self, /, encoding='utf-8', errors='strict')",
       "Return the text as bytes.\n\n  encoding\n    The codec's name.\n  errors\n    What to do with characters it can't encode: "
       "'strict', 'ignore', 'replace',\n"
       "    'xmlcharrefreplace', 'backslashreplace', or a name given to codecs.register_error().")
{
  const char *names[2] = {NULL, NULL};
  static const char *const parameters[2] = {"encoding", "errors"};
  for (int i = 0; i < 2; i++) {
    if (!args[i]) continue;
    if (!cd_is_str(args[i])) return cd_raise_arg_type(vm, "encode", parameters[i], "str", args[i]);
    if (!(names[i] = cd_str_utf8(vm, args[i], NULL))) return NO_REF;
    if (strlen(names[i]) != cd_str_size(args[i])) return cd_raise_value(vm, "embedded null character");
  }
  return cd_encode(vm, self, names[0], names[1]);
}

METHOD(str, __format__, "__format__(self, format_spec, /)", "Return the text formatted by format_spec.")
{
  if (!cd_is_str(args[0])) return cd_raise_type(vm, "__format__() argument must be str, not %T", args[0]);
  if (cd_str_size(args[0]) == 0) return cd_is_exact(self, vm->types.str) ? cd_dup(self) : cd_str(vm, self);
  return cd_format_str(vm, self, args[0]);
}

METHOD_DEF_(str_format, "format", "format(self, /, *args, **kwargs)",
            "S.format(*args, **kwargs) -> str\n\nReplace the fields {..} by the formatted arguments.", METHOD_NO_SIGNATURE)
{
  return cd_str_format_fields(vm, self, args[0], args[1]);
}
METHOD_DEF_(str_format_map, "format_map", "format_map(self, mapping, /)",
            "S.format_map(mapping) -> str\n\nReplace the fields {..} by formatted values of the mapping.", METHOD_NO_SIGNATURE)
{
  return cd_str_format_fields(vm, self, NO_VALUE, args[0]);
}

METHOD(str, __getnewargs__, "__getnewargs__(self, /)", "Return the arguments that pickle gives to __new__.")
{
  Ref text = cd_str_known(vm, cd_str_data(self), cd_str_size(self), cd_str_length(self));
  Ref result = text ? cd_tuple1(vm, text) : NO_REF;
  cd_drop(vm, text);
  return result;
}

METHOD(str, __sizeof__, "__sizeof__(self, /)", "Return the size in memory, in bytes.")
{
  const Str *s = cd_as_str(self);
  size_t size = cd_object_size(cd_object(self));
  if (s->data != s->inlined) size += s->size + 1;
  if (s->index) size += (s->length / 64 + 1) * sizeof *s->index;
  return cd_from_small((int64_t)size);
}

const MethodDef *const cd_str_methods[] = {
  &str_encode_def, &str_replace_def, &str_split_def, &str_rsplit_def, &str_join_def, &str_capitalize_def, &str_casefold_def,
  &str_title_def, &str_center_def, &str_count_def, &str_expandtabs_def, &str_find_def, &str_partition_def, &str_index_def,
  &str_ljust_def, &str_lower_def, &str_lstrip_def, &str_rfind_def, &str_rindex_def, &str_rjust_def, &str_rstrip_def,
  &str_rpartition_def, &str_splitlines_def, &str_strip_def, &str_swapcase_def, &str_translate_def, &str_upper_def,
  &str_startswith_def, &str_endswith_def, &str_removeprefix_def, &str_removesuffix_def, &str_isascii_def, &str_islower_def,
  &str_isupper_def, &str_istitle_def, &str_isspace_def, &str_isdecimal_def, &str_isdigit_def, &str_isnumeric_def, &str_isalpha_def,
  &str_isalnum_def, &str_isidentifier_def, &str_isprintable_def, &str_zfill_def, &str_format_def, &str_format_map_def,
  &str___format___def, &str_maketrans_def, &str___sizeof___def, &str___getnewargs___def, NULL,
};
