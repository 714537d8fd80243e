// SPDX-License-Identifier: MIT
// re_translate.c: regular expressions: what re/_compiler.py hands over, said in PCRE2's syntax
//
// The instructions hold a pattern that is parsed and checked already, flags resolved, so each is a fixed piece of PCRE2 text. Python's own meaning
// of case, words, digits and white space is spelled out where PCRE2's differs.
#include "modules/re_translate.h"

#include "base/unicode.h"
#include "objects/raise.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

// ORDER: as in re/_constants.py of MAGIC 20220615
enum {
  RE_FAILURE, RE_SUCCESS, RE_ANY, RE_ANY_ALL, RE_ASSERT, RE_ASSERT_NOT, RE_AT, RE_BRANCH, RE_CATEGORY, RE_CHARSET, RE_BIGCHARSET, RE_GROUPREF,
  RE_GROUPREF_EXISTS, RE_IN, RE_INFO, RE_JUMP, RE_LITERAL, RE_MARK, RE_MAX_UNTIL, RE_MIN_UNTIL, RE_NOT_LITERAL, RE_NEGATE, RE_RANGE, RE_REPEAT,
  RE_REPEAT_ONE, RE_SUBPATTERN, RE_MIN_REPEAT_ONE, RE_ATOMIC_GROUP, RE_POSSESSIVE_REPEAT, RE_POSSESSIVE_REPEAT_ONE, RE_GROUPREF_IGNORE, RE_IN_IGNORE,
  RE_LITERAL_IGNORE, RE_NOT_LITERAL_IGNORE, RE_GROUPREF_LOC_IGNORE, RE_IN_LOC_IGNORE, RE_LITERAL_LOC_IGNORE, RE_NOT_LITERAL_LOC_IGNORE,
  RE_GROUPREF_UNI_IGNORE, RE_IN_UNI_IGNORE, RE_LITERAL_UNI_IGNORE, RE_NOT_LITERAL_UNI_IGNORE, RE_RANGE_UNI_IGNORE
};
enum { AT_BEGINNING, AT_BEGINNING_LINE, AT_BEGINNING_STRING, AT_BOUNDARY, AT_NON_BOUNDARY, AT_END, AT_END_LINE, AT_END_STRING, AT_LOC_BOUNDARY,
       AT_LOC_NON_BOUNDARY, AT_UNI_BOUNDARY, AT_UNI_NON_BOUNDARY };
enum { CH_DIGIT, CH_NOT_DIGIT, CH_SPACE, CH_NOT_SPACE, CH_WORD, CH_NOT_WORD, CH_LINEBREAK, CH_NOT_LINEBREAK, CH_LOC_WORD, CH_LOC_NOT_WORD, CH_UNI_DIGIT,
       CH_UNI_NOT_DIGIT, CH_UNI_SPACE, CH_UNI_NOT_SPACE, CH_UNI_WORD, CH_UNI_NOT_WORD, CH_UNI_LINEBREAK, CH_UNI_NOT_LINEBREAK };

#define NESTING_MAX 2000
#define QUANTIFIER_MAX 65535                     // PCRE2's largest repeat count

typedef struct Translator {
  VM *vm;
  const CaseTable *cases;
  const uint32_t *code;
  size_t count;
  bool wide, failed;
  uint16_t closed;
  int depth;
  ReTranslation *out;
} Translator;

// ---- case ----

static int case_pair_order(const void *a, const void *b)
{
  const CasePair *x = a, *y = b;
  if (x->lower != y->lower) return x->lower < y->lower ? -1 : 1;
  return x->character < y->character ? -1 : x->character > y->character;
}

bool cd_re_case_table(VM *vm, CaseTable *table)
{
  if (table->pairs) return true;
  size_t capacity = 2048, count = 0;
  CasePair *pairs = cd_alloc(vm, capacity * sizeof *pairs);
  if (!pairs) return false;
  for (uint32_t c = 0; c < 0x1F000 && count < capacity; c++) {
    uint32_t lower = cd_char_simple_lower(c);
    if (lower != c) pairs[count++] = (CasePair){lower, c};
  }
  qsort(pairs, count, sizeof *pairs, case_pair_order);
  *table = (CaseTable){pairs, count, capacity};
  return true;
}

// First pair whose lower case is c.
static size_t case_find(const CaseTable *t, uint32_t c)
{
  size_t low = 0, high = t->count;
  while (low < high) {
    size_t middle = (low + high) / 2;
    if (t->pairs[middle].lower < c) low = middle + 1;
    else high = middle;
  }
  return low;
}

// ---- output ----

static void put(Translator *t, const char *text)
{
  size_t n = strlen(text);
  ReTranslation *out = t->out;
  if (t->failed) return;
  if (out->size + n + 1 > out->capacity) {
    size_t capacity = (out->size + n + 1) * 2 + 64;
    char *grown = cd_realloc(t->vm, out->text, out->capacity, capacity);
    if (!grown) {
      t->failed = true;
      return;
    }
    out->text = grown;
    out->capacity = capacity;
  }
  memcpy(out->text + out->size, text, n + 1);
  out->size += n;
}
static void put_char(Translator *t, uint32_t c)
{
  char text[16];
  if (c < 128 && isalnum((int)c)) snprintf(text, sizeof text, "%c", (char)c);
  else snprintf(text, sizeof text, t->wide ? "\\x{%x}" : "\\x%02x", c);
  put(t, text);
}
static void put_range(Translator *t, uint32_t low, uint32_t high)
{
  uint32_t most = t->wide ? 0x10FFFF : 0xFF;
  if (low > most || low > high) return;
  if (high > most) high = most;
  put_char(t, low);
  if (high > low) {
    put(t, "-");
    put_char(t, high);
  }
}
static void broken(Translator *t)
{
  if (!t->failed) cd_raise_runtime(t->vm, "invalid SRE code");
  t->failed = true;
}

// ---- categories ----

typedef struct CharRange { uint32_t low, high; } CharRange;
static const CharRange ascii_digits[] = {{'0', '9'}}, ascii_spaces[] = {{9, 13}, {32, 32}}, ascii_words[] = {{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}},
                       linebreaks[] = {{10, 10}},
                       unicode_spaces[] = {{9, 13}, {0x1C, 0x20}, {0x85, 0x85}, {0xA0, 0xA0}, {0x1680, 0x1680}, {0x2000, 0x200A}, {0x2028, 0x2029},
                                           {0x202F, 0x202F}, {0x205F, 0x205F}, {0x3000, 0x3000}},
                       unicode_breaks[] = {{10, 13}, {0x1C, 0x1E}, {0x85, 0x85}, {0x2028, 0x2029}};

static void put_ranges(Translator *t, const CharRange *ranges, size_t count, bool inverted)
{
  uint32_t next = 0;
  for (size_t i = 0; i < count; i++) {
    if (!inverted) put_range(t, ranges[i].low, ranges[i].high);
    else if (ranges[i].low > next) put_range(t, next, ranges[i].low - 1);
    next = ranges[i].high + 1;
  }
  if (inverted) put_range(t, next, 0x10FFFF);
}

static bool char_is_ascii_word(uint32_t c) { return c < 128 && (isalnum((int)c) || c == '_'); }

// What goes between brackets.
static void put_category(Translator *t, uint32_t category)
{
  bool inverted = category & 1;
#define RANGES(table) put_ranges(t, table, ARRAY_LEN(table), inverted)
  switch (category & ~1u) {
  case CH_DIGIT: RANGES(ascii_digits); break;
  case CH_SPACE: RANGES(ascii_spaces); break;
  case CH_WORD: RANGES(ascii_words); break;
  case CH_LINEBREAK: RANGES(linebreaks); break;
  case CH_LOC_WORD:
    for (uint32_t c = 0; c < 256; c++)
      if ((isalnum((int)c) || c == '_') != inverted) put_range(t, c, c);
    break;
  case CH_UNI_DIGIT:
    if (t->wide) put(t, inverted ? "\\P{Nd}" : "\\p{Nd}");
    else RANGES(ascii_digits);
    break;
  case CH_UNI_SPACE:
    if (t->wide) RANGES(unicode_spaces);
    else RANGES(ascii_spaces);
    break;
  case CH_UNI_WORD:
    if (t->wide) put(t, inverted ? "\\W" : "\\w");   // with PCRE2_UCP: letters, numbers, underscore
    else RANGES(ascii_words);
    break;
  case CH_UNI_LINEBREAK: RANGES(unicode_breaks); break;
  default: broken(t);
  }
#undef RANGES
}

static bool category_has(uint32_t category, uint32_t c)
{
  bool yes;
  switch (category & ~1u) {
  case CH_DIGIT: yes = c >= '0' && c <= '9'; break;
  case CH_SPACE: yes = c == 32 || (c >= 9 && c <= 13); break;
  case CH_WORD: yes = char_is_ascii_word(c); break;
  case CH_LINEBREAK: yes = c == '\n'; break;
  case CH_LOC_WORD: yes = c < 256 && (isalnum((int)c) || c == '_'); break;
  case CH_UNI_DIGIT: yes = cd_char_is_decimal(c); break;
  case CH_UNI_SPACE: yes = cd_char_is_space(c); break;
  case CH_UNI_WORD: yes = c == '_' || cd_char_is_alnum(c); break;
  default: yes = cd_char_is_linebreak(c); break;
  }
  return yes != (category & 1);
}

// ---- sets ----

static bool bitmap_has(const uint32_t *words, uint32_t bit) { return words[bit / 32] >> (bit % 32) & 1; }

// The block of a BIGCHARSET (`p` is behind the op) that characters c>>8 use.
static const uint32_t *big_block(const uint32_t *p, uint32_t high)
{
  const uint8_t *index = (const uint8_t *)(p + 1);
  return p + 1 + 64 + (size_t)index[high] * 8;
}

// Length of one set item at `i`, 0 if it runs over `end`.
static size_t set_item_size(const Translator *t, size_t i, size_t end)
{
  size_t size;
  switch (t->code[i]) {
  case RE_FAILURE:
  case RE_NEGATE: size = 1; break;
  case RE_LITERAL:
  case RE_CATEGORY: size = 2; break;
  case RE_RANGE:
  case RE_RANGE_UNI_IGNORE: size = 3; break;
  case RE_CHARSET: size = 9; break;
  case RE_BIGCHARSET: {
    if (i + 66 > end || t->code[i + 1] > 256) return 0;
    size = 2 + 64 + (size_t)t->code[i + 1] * 8;
    const uint8_t *index = (const uint8_t *)(t->code + i + 2);
    for (int k = 0; k < 256; k++)
      if (index[k] >= t->code[i + 1]) return 0;
    break;
  }
  default: return 0;
  }
  return i + size <= end ? size : 0;
}

static bool set_has(const Translator *t, size_t i, size_t end, uint32_t c)
{
  bool negated = false, found = false;
  for (size_t size; i < end && t->code[i] != RE_FAILURE; i += size) {
    const uint32_t *p = t->code + i;
    size = set_item_size(t, i, end);
    if (!size) return false;
    switch (p[0]) {
    case RE_NEGATE: negated = !negated; break;
    case RE_LITERAL: found = found || p[1] == c; break;
    case RE_CATEGORY: found = found || category_has(p[1], c); break;
    case RE_RANGE: found = found || (c >= p[1] && c <= p[2]); break;
    case RE_RANGE_UNI_IGNORE: {
      uint32_t upper = cd_char_simple_upper(c);
      found = found || (c >= p[1] && c <= p[2]) || (upper >= p[1] && upper <= p[2]);
      break;
    }
    case RE_CHARSET: found = found || (c < 256 && bitmap_has(p + 1, c)); break;
    case RE_BIGCHARSET: found = found || (c < 65536 && bitmap_has(big_block(p + 1, c >> 8), c & 255)); break;
    }
  }
  return found != negated;
}

static void put_bitmap(Translator *t, const uint32_t *words, uint32_t base)
{
  for (uint32_t c = 0; c < 256; c++) {
    if (!bitmap_has(words, c)) continue;
    uint32_t low = c;
    while (c + 1 < 256 && bitmap_has(words, c + 1)) c++;
    put_range(t, base + low, base + c);
  }
}

// Characters that are not in a set by themselves but whose upper case is in low..high.
static void put_upper_range(Translator *t, uint32_t low, uint32_t high)
{
  put_range(t, low, high);
  for (size_t i = 0; i < t->cases->count; i++) {
    uint32_t c = t->cases->pairs[i].lower, upper = cd_char_simple_upper(c);
    if (upper != c && upper >= low && upper <= high && !(c >= low && c <= high)) put_range(t, c, c);
  }
}

static void put_set_items(Translator *t, size_t i, size_t end)
{
  for (size_t size; i < end && t->code[i] != RE_FAILURE; i += size) {
    const uint32_t *p = t->code + i;
    if (!(size = set_item_size(t, i, end))) {
      broken(t);
      return;
    }
    switch (p[0]) {
    case RE_LITERAL: put_range(t, p[1], p[1]); break;
    case RE_CATEGORY: put_category(t, p[1]); break;
    case RE_RANGE: put_range(t, p[1], p[2]); break;
    case RE_RANGE_UNI_IGNORE: put_upper_range(t, p[1], p[2]); break;
    case RE_CHARSET: put_bitmap(t, p + 1, 0); break;
    case RE_BIGCHARSET:
      for (uint32_t high = 0; high < 256; high++) put_bitmap(t, big_block(p + 1, high), high << 8);
      break;
    }
  }
}

// [items], [^items]; a set without items matches nothing, or everything.
static void put_set(Translator *t, size_t i, size_t end)
{
  bool negated = i < end && t->code[i] == RE_NEGATE;
  if (negated) i++;
  size_t before = t->out->size;
  put(t, negated ? "[^" : "[");
  size_t empty = t->out->size;
  put_set_items(t, i, end);
  if (t->failed) return;
  if (t->out->size == empty) {
    t->out->size = before;
    t->out->text[before] = 0;
    put(t, negated ? "(?s:.)" : "(?!)");
    return;
  }
  put(t, "]");
}

typedef enum { LOWER_ASCII, LOWER_UNICODE, LOWER_LOCALE } LowerKind;

// A set that is compared with the lower case of the character: the set itself, corrected for each character that has a lower case.
static void put_set_ignore(Translator *t, size_t i, size_t end, LowerKind kind)
{
  CasePair small[256];
  const CasePair *pairs = t->cases->pairs;
  size_t count = t->cases->count;
  if (kind != LOWER_UNICODE) {
    count = 0;
    for (uint32_t c = 0; c < (kind == LOWER_ASCII ? 128u : 256u); c++) {
      uint32_t lower = kind == LOWER_ASCII ? (c >= 'A' && c <= 'Z' ? c + 32 : c) : (uint32_t)tolower((int)c);
      if (lower != c) small[count++] = (CasePair){lower, c};
    }
    pairs = small;
  }
  size_t start = t->out->size;
  bool removed = false, added = false;
  put(t, "(?:(?![");
  for (size_t k = 0; k < count; k++)
    if (set_has(t, i, end, pairs[k].character) && !set_has(t, i, end, pairs[k].lower)) {
      put_range(t, pairs[k].character, pairs[k].character);
      removed = true;
    }
  if (t->failed) return;
  if (removed) put(t, "])");
  else {
    t->out->size = start;
    put(t, "(?:");
  }
  put(t, "(?:");
  put_set(t, i, end);
  size_t before = t->failed ? 0 : t->out->size;
  put(t, "|[");
  for (size_t k = 0; k < count; k++)
    if (!set_has(t, i, end, pairs[k].character) && set_has(t, i, end, pairs[k].lower)) {
      put_range(t, pairs[k].character, pairs[k].character);
      added = true;
    }
  if (t->failed) return;
  if (added) put(t, "]");
  else t->out->size = before;
  put(t, "))");
}

// ---- single characters ----

static void put_literal_ignore(Translator *t, uint32_t lower, bool negated, LowerKind kind)
{
  put(t, negated ? "[^" : "[");
  switch (kind) {
  case LOWER_ASCII:
    put_range(t, lower, lower);
    if (lower >= 'a' && lower <= 'z') put_range(t, lower - 32, lower - 32);
    break;
  case LOWER_LOCALE:
    put_range(t, lower, lower);
    if (lower < 256)
      for (uint32_t c = 0; c < 256; c++)
        if (c != lower && ((uint32_t)tolower((int)c) == lower || (uint32_t)toupper((int)c) == lower)) put_range(t, c, c);
    break;
  case LOWER_UNICODE:
    if (cd_char_simple_lower(lower) == lower) put_range(t, lower, lower);
    for (size_t i = case_find(t->cases, lower); i < t->cases->count && t->cases->pairs[i].lower == lower; i++)
      put_range(t, t->cases->pairs[i].character, t->cases->pairs[i].character);
    break;
  }
  put(t, "]");
}

static void put_literal(Translator *t, uint32_t c, bool negated)
{
  if (c > (t->wide ? 0x10FFFFu : 0xFFu)) put(t, negated ? "(?s:.)" : "(?!)");
  else if (!negated) put_char(t, c);
  else {
    put(t, "[^");
    put_char(t, c);
    put(t, "]");
  }
}

static void put_at(Translator *t, uint32_t at)
{
  static const char ascii_boundary[] = "(?:(?<=[0-9A-Za-z_])(?![0-9A-Za-z_])|(?<![0-9A-Za-z_])(?=[0-9A-Za-z_]))",
                    ascii_non_boundary[] = "(?:(?<=[0-9A-Za-z_])(?=[0-9A-Za-z_])|(?<![0-9A-Za-z_])(?![0-9A-Za-z_]))";
  switch (at) {
  case AT_BEGINNING:
  case AT_BEGINNING_STRING: put(t, "\\A"); break;
  case AT_BEGINNING_LINE: put(t, "(?m:^)"); break;
  case AT_END: put(t, "\\Z"); break;
  case AT_END_LINE: put(t, "(?m:$)"); break;
  case AT_END_STRING: put(t, "\\z"); break;
  case AT_BOUNDARY: put(t, t->wide ? ascii_boundary : "\\b"); break;
  case AT_NON_BOUNDARY: put(t, t->wide ? ascii_non_boundary : "\\B"); break;
  case AT_LOC_BOUNDARY:
  case AT_UNI_BOUNDARY: put(t, "\\b"); break;
  case AT_LOC_NON_BOUNDARY:
  case AT_UNI_NON_BOUNDARY: put(t, "\\B"); break;
  default: broken(t);
  }
}

// ---- sequences ----

static size_t translate(Translator *t, size_t i, size_t end);

// A part [i, end) that must be used up.
static void translate_all(Translator *t, size_t i, size_t end)
{
  if (++t->depth > NESTING_MAX) {
    if (!t->failed) cd_raise_recursion(t->vm, " while compiling a regular expression");
    t->failed = true;
  } else if (end > t->count || translate(t, i, end) < end) broken(t);
  t->depth--;
}

static void put_quantifier(Translator *t, uint32_t min, uint32_t max, const char *suffix)
{
  char text[48];
  if (min > QUANTIFIER_MAX) {
    if (!t->failed) cd_raise_overflow(t->vm, "the repetition number is too large");
    t->failed = true;
    return;
  }
  if (max > QUANTIFIER_MAX) {
    if (min == 0) put(t, "*");
    else if (min == 1) put(t, "+");
    else {
      snprintf(text, sizeof text, "{%u,}", min);
      put(t, text);
    }
  } else if (min == 0 && max == 1) put(t, "?");
  else {
    snprintf(text, sizeof text, min == max ? "{%u}" : "{%u,%u}", min, max);
    put(t, text);
  }
  put(t, suffix);
}

// A body between SUCCESS-terminated bounds with a quantifier; returns what follows. `i` is at the skip word.
static size_t translate_repeat(Translator *t, size_t i, size_t end, const char *suffix)
{
  if (i + 3 > end || i + t->code[i] > end || t->code[i] < 3) {
    broken(t);
    return end;
  }
  size_t stop = i + t->code[i];
  put(t, "(?:");
  translate_all(t, i + 3, stop);
  put(t, ")");
  put_quantifier(t, t->code[i + 1], t->code[i + 2], suffix);
  return stop;
}

static size_t translate_branch(Translator *t, size_t i, size_t end)
{
  put(t, "(?:");
  for (bool first = true; i < end && t->code[i]; first = false) {
    size_t stop = i + t->code[i];
    if (stop > end || t->code[i] < 3) {
      broken(t);
      return end;
    }
    if (!first) put(t, "|");
    translate_all(t, i + 1, stop - 2);           // a JUMP ends each alternative
    i = stop;
    if (t->failed) return end;
  }
  put(t, ")");
  return i + 1;
}

static size_t translate_condition(Translator *t, size_t i, size_t end)
{
  char text[32];
  if (i + 2 > end || t->code[i] >= t->out->groups || i + t->code[i + 1] > end) {
    broken(t);
    return end;
  }
  size_t stop = i + t->code[i + 1];              // behind the yes part (and its JUMP), as counted from the skip word
  snprintf(text, sizeof text, "(?(%u)", t->code[i] + 1);
  put(t, text);
  size_t at = translate(t, i + 2, stop);
  if (!t->failed && at < stop && t->code[at] == RE_JUMP && at + 2 == stop) {
    size_t no_end = at + 1 + t->code[at + 1];
    put(t, "|");
    if (no_end > end) broken(t);
    else translate_all(t, stop, no_end);
    stop = no_end;
  } else if (at < stop) broken(t);
  put(t, ")");
  return stop;
}

static size_t translate_assertion(Translator *t, size_t i, size_t end, bool negated)
{
  if (i + 2 > end || t->code[i] < 2 || i + t->code[i] > end) {
    broken(t);
    return end;
  }
  size_t stop = i + t->code[i];
  put(t, t->code[i + 1] ? (negated ? "(?<!" : "(?<=") : negated ? "(?!" : "(?=");
  translate_all(t, i + 2, stop);
  put(t, ")");
  return stop;
}

static void put_mark(Translator *t, uint32_t mark)
{
  uint32_t group = mark / 2 + 1;
  if (group > t->out->groups) {
    broken(t);
    return;
  }
  put(t, mark & 1 ? ")" : "(");
  if (mark & 1) t->out->close_order[group] = ++t->closed;
}

static void put_reference(Translator *t, uint32_t group, bool ignore)
{
  char text[40];
  if (group >= t->out->groups) {
    broken(t);
    return;
  }
  snprintf(text, sizeof text, ignore ? "(?i:\\g{%u})" : "\\g{%u}", group + 1);
  put(t, text);
}

static size_t translate_set(Translator *t, size_t i, size_t end, int kind)
{
  if (i >= end || t->code[i] < 1 || i + t->code[i] > end) {
    broken(t);
    return end;
  }
  size_t stop = i + t->code[i];
  if (kind < 0) put_set(t, i + 1, stop);
  else put_set_ignore(t, i + 1, stop, (LowerKind)kind);
  return stop;
}

// Translates until `end` or a JUMP, and returns where it stopped.
static size_t translate(Translator *t, size_t i, size_t end)
{
  while (i < end && !t->failed) {
    uint32_t op = t->code[i];
    bool has_argument = op != RE_FAILURE && op != RE_SUCCESS && op != RE_ANY && op != RE_ANY_ALL && op != RE_MAX_UNTIL && op != RE_MIN_UNTIL;
    uint32_t argument = 0;
    if (op == RE_JUMP) return i;
    i++;
    if (has_argument) {
      if (i >= end) break;
      argument = t->code[i];
    }
    switch (op) {
    case RE_FAILURE: put(t, "(?!)"); break;
    case RE_SUCCESS: break;
    case RE_ANY: put(t, "[^\\n]"); break;
    case RE_ANY_ALL: put(t, "(?s:.)"); break;
    case RE_ASSERT: i = translate_assertion(t, i, end, false); break;
    case RE_ASSERT_NOT: i = translate_assertion(t, i, end, true); break;
    case RE_AT: put_at(t, argument); i++; break;
    case RE_BRANCH: i = translate_branch(t, i, end); break;
    case RE_CATEGORY:
      put(t, "[");
      put_category(t, argument);
      put(t, "]");
      i++;
      break;
    case RE_GROUPREF: put_reference(t, argument, false); i++; break;
    case RE_GROUPREF_IGNORE:
    case RE_GROUPREF_LOC_IGNORE:
    case RE_GROUPREF_UNI_IGNORE: put_reference(t, argument, true); i++; break;
    case RE_GROUPREF_EXISTS: i = translate_condition(t, i, end); break;
    case RE_IN: i = translate_set(t, i, end, -1); break;
    case RE_IN_IGNORE: i = translate_set(t, i, end, LOWER_ASCII); break;
    case RE_IN_UNI_IGNORE: i = translate_set(t, i, end, LOWER_UNICODE); break;
    case RE_IN_LOC_IGNORE: i = translate_set(t, i, end, LOWER_LOCALE); break;
    case RE_INFO: i += argument; break;
    case RE_LITERAL: put_literal(t, argument, false); i++; break;
    case RE_NOT_LITERAL: put_literal(t, argument, true); i++; break;
    case RE_LITERAL_IGNORE: put_literal_ignore(t, argument, false, LOWER_ASCII); i++; break;
    case RE_NOT_LITERAL_IGNORE: put_literal_ignore(t, argument, true, LOWER_ASCII); i++; break;
    case RE_LITERAL_UNI_IGNORE: put_literal_ignore(t, argument, false, LOWER_UNICODE); i++; break;
    case RE_NOT_LITERAL_UNI_IGNORE: put_literal_ignore(t, argument, true, LOWER_UNICODE); i++; break;
    case RE_LITERAL_LOC_IGNORE: put_literal_ignore(t, argument, false, LOWER_LOCALE); i++; break;
    case RE_NOT_LITERAL_LOC_IGNORE: put_literal_ignore(t, argument, true, LOWER_LOCALE); i++; break;
    case RE_MARK: put_mark(t, argument); i++; break;
    case RE_REPEAT: {
      bool lazy = i + argument < t->count && t->code[i + argument] == RE_MIN_UNTIL;
      i = translate_repeat(t, i, end, lazy ? "?" : "") + 1;   // and the UNTIL
      break;
    }
    case RE_REPEAT_ONE: i = translate_repeat(t, i, end, ""); break;
    case RE_MIN_REPEAT_ONE: i = translate_repeat(t, i, end, "?"); break;
    case RE_POSSESSIVE_REPEAT: i = translate_repeat(t, i, end, "+") + 1; break;   // and the SUCCESS
    case RE_POSSESSIVE_REPEAT_ONE: i = translate_repeat(t, i, end, "+"); break;
    case RE_ATOMIC_GROUP:
      if (i + argument > end || !argument) {
        broken(t);
        break;
      }
      put(t, "(?>");
      translate_all(t, i + 1, i + argument);
      put(t, ")");
      i += argument;
      break;
    default: broken(t);
    }
  }
  return i;
}

bool cd_re_translate(VM *vm, const CaseTable *cases, const uint32_t *code, size_t count, uint32_t groups, bool wide, ReTranslation *out)
{
  *out = (ReTranslation){.groups = groups};
  Translator t = {.vm = vm, .cases = cases, .code = code, .count = count, .wide = wide, .out = out};
  out->close_order = cd_alloc_zeroed(vm, ((size_t)groups + 1) * sizeof *out->close_order);
  if (!out->close_order) return false;
  put(&t, "");
  translate_all(&t, 0, count);
  if (!t.failed && t.closed != groups) broken(&t);
  if (!t.failed) return true;
  cd_re_translation_clear(vm, out);
  return false;
}

void cd_re_translation_clear(VM *vm, ReTranslation *t)
{
  cd_free(vm, t->text, t->capacity);
  cd_free(vm, t->close_order, ((size_t)t->groups + 1) * sizeof *t->close_order);
  t->text = NULL;
  t->close_order = NULL;
}
