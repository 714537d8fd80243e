// SPDX-License-Identifier: MIT
// re_program.c: from the codes that the library's re/_compiler.py makes to a tree
#include "modules/re_program.h"

#include "base/unicode.h"
#include "objects/raise.h"

#include <ctype.h>
#include <stdlib.h>

// ORDER: re/_constants.py, OPCODES, ATCODES and CHCODES
enum {
  SRE_FAILURE, SRE_SUCCESS, SRE_ANY, SRE_ANY_ALL, SRE_ASSERT, SRE_ASSERT_NOT, SRE_AT, SRE_BRANCH, SRE_CATEGORY, SRE_CHARSET, SRE_BIGCHARSET,
  SRE_GROUPREF, SRE_GROUPREF_EXISTS, SRE_IN, SRE_INFO, SRE_JUMP, SRE_LITERAL, SRE_MARK, SRE_MAX_UNTIL, SRE_MIN_UNTIL, SRE_NOT_LITERAL,
  SRE_NEGATE, SRE_RANGE, SRE_REPEAT, SRE_REPEAT_ONE, SRE_SUBPATTERN, SRE_MIN_REPEAT_ONE, SRE_ATOMIC_GROUP, SRE_POSSESSIVE_REPEAT,
  SRE_POSSESSIVE_REPEAT_ONE, SRE_GROUPREF_IGNORE, SRE_IN_IGNORE, SRE_LITERAL_IGNORE, SRE_NOT_LITERAL_IGNORE, SRE_GROUPREF_LOC_IGNORE,
  SRE_IN_LOC_IGNORE, SRE_LITERAL_LOC_IGNORE, SRE_NOT_LITERAL_LOC_IGNORE, SRE_GROUPREF_UNI_IGNORE, SRE_IN_UNI_IGNORE, SRE_LITERAL_UNI_IGNORE,
  SRE_NOT_LITERAL_UNI_IGNORE, SRE_RANGE_UNI_IGNORE
};
enum {
  SRE_AT_BEGINNING, SRE_AT_BEGINNING_LINE, SRE_AT_BEGINNING_STRING, SRE_AT_BOUNDARY, SRE_AT_NON_BOUNDARY, SRE_AT_END, SRE_AT_END_LINE,
  SRE_AT_END_STRING, SRE_AT_LOC_BOUNDARY, SRE_AT_LOC_NON_BOUNDARY, SRE_AT_UNI_BOUNDARY, SRE_AT_UNI_NON_BOUNDARY
};
enum {
  SRE_DIGIT,
  SRE_NOT_DIGIT,
  SRE_SPACE,
  SRE_NOT_SPACE,
  SRE_WORD,
  SRE_NOT_WORD,
  SRE_LINEBREAK,
  SRE_NOT_LINEBREAK,
  SRE_LOC_WORD,
  SRE_LOC_NOT_WORD,
  SRE_UNI_DIGIT,
  SRE_UNI_NOT_DIGIT,
  SRE_UNI_SPACE,
  SRE_UNI_NOT_SPACE,
  SRE_UNI_WORD,
  SRE_UNI_NOT_WORD,
  SRE_UNI_LINEBREAK,
  SRE_UNI_NOT_LINEBREAK
};
#define RE_CHAR_MAX 0x10FFFFu
enum { RE_MAX_NESTING = 2000 };                  // of groups and the like; the library's parser stops earlier

uint32_t cd_re_lower(uint32_t c)
{
  uint32_t out[3];
  cd_char_to_lower(c, out);
  return out[0];
}

uint32_t cd_re_upper(uint32_t c)
{
  uint32_t out[3];
  cd_char_to_upper(c, out);
  return out[0];
}

// ---- reading ----

typedef struct ReReader {
  VM *vm;
  ReTree *tree;
  const uint32_t *code;
  size_t size;
  int nesting, repeats;
  uint32_t closed;                               // groups closed so far
  uint8_t *seen;                                 // per group: 1 open, 2 closed
} ReReader;

static void *re_alloc(ReReader *r, size_t size)
{
  void *p = cd_arena_alloc(&r->tree->arena, size);
  if (!p && !cd_raised(r->vm)) cd_raise_memory(r->vm);
  return p;
}

static void *re_invalid(ReReader *r)
{
  if (!cd_raised(r->vm)) cd_raise_runtime(r->vm, "invalid SRE code");
  return NULL;
}

static ReNode *re_node(ReReader *r, ReKind kind)
{
  ReNode *node = re_alloc(r, sizeof *node);
  if (node) node->kind = (uint8_t)kind;
  return node;
}

// ---- sets ----

// A set being collected: ranges in any order.
typedef struct ReRanges { ReReader *reader; ReRange *items; uint32_t count, capacity; uint8_t categories; bool failed; } ReRanges;

static void re_add_range(ReRanges *s, uint32_t low, uint32_t high)
{
  if (s->failed || low > high) return;
  if (s->count == s->capacity) {
    uint32_t capacity = s->capacity ? s->capacity * 2 : 8;
    ReRange *items = re_alloc(s->reader, capacity * sizeof *items);
    if (!items) { s->failed = true; return; }
    if (s->count) memcpy(items, s->items, s->count * sizeof *items);
    s->items = items;
    s->capacity = capacity;
  }
  s->items[s->count++] = (ReRange){low, high};
}

static int re_range_order(const void *a, const void *b)
{
  const ReRange *x = a, *y = b;
  return (x->low > y->low) - (x->low < y->low);
}



// Sorts and joins the ranges.
static ReSet re_finish_set(ReRanges *s, bool negated)
{
  ReSet set = {.ranges = s->items, .categories = s->categories, .negated = negated};
  if (s->count) qsort(s->items, s->count, sizeof *s->items, re_range_order);
  for (uint32_t i = 0; i < s->count; i++) {
    ReRange range = s->items[i];
    if (set.count && range.low <= set.ranges[set.count - 1].high + 1) {
      if (range.high > set.ranges[set.count - 1].high) set.ranges[set.count - 1].high = range.high;
    } else {
      set.ranges[set.count++] = range;
    }
  }
  return set;
}

bool cd_re_set_has(const ReSet *set, uint32_t c)
{
  uint32_t low = 0, high = set->count;
  while (low < high) {
    uint32_t middle = (low + high) / 2;
    if (set->ranges[middle].high < c) low = middle + 1;
    else high = middle;
  }
  bool in = low < set->count && set->ranges[low].low <= c;
  if (!in && set->categories) {
    bool word = set->categories & (RE_WORD | RE_NOT_WORD) && (c == '_' || cd_char_is_alnum(c));
    bool digit = set->categories & (RE_DIGIT | RE_NOT_DIGIT) && cd_char_is_decimal(c);
    in = (set->categories & RE_WORD && word) || (set->categories & RE_NOT_WORD && !word) || (set->categories & RE_DIGIT && digit) ||
         (set->categories & RE_NOT_DIGIT && !digit);
  }
  return in != set->negated;
}

// Adds what is in none of the given ranges, which are sorted.
static void re_add_complement(ReRanges *s, const ReRange *ranges, size_t count)
{
  uint32_t next = 0;
  for (size_t i = 0; i < count; i++) {
    if (ranges[i].low > next) re_add_range(s, next, ranges[i].low - 1);
    next = ranges[i].high + 1;
  }
  re_add_range(s, next, RE_CHAR_MAX);
}

static void re_add_class(ReRanges *s, const ReRange *ranges, size_t count, bool negated)
{
  if (negated) re_add_complement(s, ranges, count);
  else for (size_t i = 0; i < count; i++) re_add_range(s, ranges[i].low, ranges[i].high);
}

static bool re_locale_word(unsigned c) { return c < 256 && (isalnum((int)c) || c == '_'); }

static bool re_add_category(ReRanges *s, uint32_t category)
{
  static const ReRange digits[] = {{'0', '9'}}, spaces[] = {{9, 13}, {32, 32}}, words[] = {{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}};
  static const ReRange breaks[] = {{10, 10}}, all_breaks[] = {{10, 13}, {28, 30}, {0x85, 0x85}, {0x2028, 0x2029}};
  static const ReRange all_spaces[] = {{9, 13}, {28, 32}, {0x85, 0x85}, {0xA0, 0xA0}, {0x1680, 0x1680}, {0x2000, 0x200A}, {0x2028, 0x2029},
                                       {0x202F, 0x202F}, {0x205F, 0x205F}, {0x3000, 0x3000}};
  bool odd = category & 1;                       // each category is followed by its negation
  switch (category & ~1u) {
  case SRE_DIGIT: re_add_class(s, digits, ARRAY_LEN(digits), odd); break;
  case SRE_SPACE: re_add_class(s, spaces, ARRAY_LEN(spaces), odd); break;
  case SRE_WORD: re_add_class(s, words, ARRAY_LEN(words), odd); break;
  case SRE_LINEBREAK: re_add_class(s, breaks, ARRAY_LEN(breaks), odd); break;
  case SRE_UNI_SPACE: re_add_class(s, all_spaces, ARRAY_LEN(all_spaces), odd); break;
  case SRE_UNI_LINEBREAK: re_add_class(s, all_breaks, ARRAY_LEN(all_breaks), odd); break;
  case SRE_UNI_DIGIT: s->categories |= odd ? RE_NOT_DIGIT : RE_DIGIT; break;
  case SRE_UNI_WORD: s->categories |= odd ? RE_NOT_WORD : RE_WORD; break;
  case SRE_LOC_WORD:
    s->reader->tree->locale = true;
    for (unsigned c = 0; c < 256; c++)
      if (re_locale_word(c) != odd) re_add_range(s, c, c);
    if (odd) re_add_range(s, 256, RE_CHAR_MAX);
    break;
  default: return false;
  }
  return true;
}

static void re_add_bitmap(ReRanges *s, const uint32_t *words, uint32_t base)
{
  for (uint32_t i = 0; i < 256; i++) {
    if (!(words[i / 32] >> (i % 32) & 1)) continue;
    uint32_t first = i;
    while (i + 1 < 256 && words[(i + 1) / 32] >> ((i + 1) % 32) & 1) i++;
    re_add_range(s, base + first, base + i);
  }
}

// Characters whose upper case lies in the range.
static void re_add_by_upper(ReRanges *s, uint32_t low, uint32_t high)
{
  size_t count;
  const uint32_t *cased = cd_chars_with_upper(&count);
  for (size_t i = 0; i < count; i++) {
    uint32_t upper = cd_re_upper(cased[i]);
    if (upper >= low && upper <= high) re_add_range(s, cased[i], cased[i]);
  }
}

// Reads the items of a set, up to FAILURE or `end`. *p is behind them.
static bool re_read_set(ReReader *r, size_t *p, size_t end, ReSet *out)
{
  ReRanges s = {.reader = r};
  bool negated = false;
  const uint32_t *code = r->code;
  while (*p < end) {
    uint32_t op = code[(*p)++];
    size_t left = end - *p;
    if (op == SRE_FAILURE) {
      *out = re_finish_set(&s, negated);
      return !s.failed;
    }
    switch (op) {
    case SRE_NEGATE: negated = !negated; break;
    case SRE_LITERAL:
      if (left < 1) return re_invalid(r);
      re_add_range(&s, code[*p], code[*p]);
      *p += 1;
      break;
    case SRE_RANGE: case SRE_RANGE_UNI_IGNORE:
      if (left < 2) return re_invalid(r);
      re_add_range(&s, code[*p], code[*p + 1]);
      if (op == SRE_RANGE_UNI_IGNORE) re_add_by_upper(&s, code[*p], code[*p + 1]);
      *p += 2;
      break;
    case SRE_CHARSET:
      if (left < 8) return re_invalid(r);
      re_add_bitmap(&s, code + *p, 0);
      *p += 8;
      break;
    case SRE_BIGCHARSET: {
      if (left < 65) return re_invalid(r);
      uint32_t blocks = code[*p];
      const unsigned char *map = (const unsigned char *)(code + *p + 1);
      if (blocks > 256 || left < 65 + blocks * 8) return re_invalid(r);
      for (uint32_t i = 0; i < 256; i++) {
        if (map[i] >= blocks) return re_invalid(r);
        re_add_bitmap(&s, code + *p + 65 + map[i] * 8, i * 256);
      }
      *p += 65 + blocks * 8;
      break;
    }
    case SRE_CATEGORY:
      if (left < 1 || !re_add_category(&s, code[*p])) return re_invalid(r);
      *p += 1;
      break;
    default: return re_invalid(r);
    }
  }
  return re_invalid(r);
}

// The characters whose lower case is in `set`; only those in `cased` (sorted) have another one.
static bool re_fold_set(ReReader *r, ReSet *set, const uint32_t *cased, size_t cased_count)
{
  bool negated = set->negated;
  set->negated = false;
  ReRanges s = {.reader = r, .categories = set->categories};
  size_t k = 0;                                  // the other characters of each range stay
  for (uint32_t i = 0; i < set->count; i++) {
    uint32_t next = set->ranges[i].low, high = set->ranges[i].high;
    while (k < cased_count && cased[k] < next) k++;
    for (size_t n = k; n < cased_count && cased[n] <= high; n++) {
      if (cased[n] > next) re_add_range(&s, next, cased[n] - 1);
      next = cased[n] + 1;
    }
    if (next <= high) re_add_range(&s, next, high);
  }
  for (size_t n = 0; n < cased_count; n++)
    if (cd_re_set_has(set, cd_re_lower(cased[n]))) re_add_range(&s, cased[n], cased[n]);
  *set = re_finish_set(&s, negated);
  return !s.failed;
}

static uint32_t re_ascii_lower(uint32_t c) { return c >= 'A' && c <= 'Z' ? c + 32 : c; }
static uint32_t re_locale_lower(uint32_t c) { return c < 256 ? (uint32_t)tolower((int)c) : c; }
static uint32_t re_locale_upper(uint32_t c) { return c < 256 ? (uint32_t)toupper((int)c) : c; }

// Bytes whose lower or upper case is in the set.
static bool re_fold_set_by_locale(ReReader *r, ReSet *set)
{
  ReRanges s = {.reader = r};
  r->tree->locale = true;
  for (uint32_t c = 0; c < 256; c++)
    if (cd_re_set_has(set, re_locale_lower(c)) || cd_re_set_has(set, re_locale_upper(c))) re_add_range(&s, c, c);
  *set = re_finish_set(&s, false);
  return !s.failed;
}

// Which characters equal `literal` in a LITERAL code of some kind.
static bool re_literal_set(ReReader *r, uint32_t op, uint32_t literal, ReSet *out)
{
  ReRanges s = {.reader = r};
  const uint32_t *cased;
  size_t count;
  switch (op) {
  case SRE_LITERAL: case SRE_NOT_LITERAL: re_add_range(&s, literal, literal); break;
  case SRE_LITERAL_IGNORE: case SRE_NOT_LITERAL_IGNORE:
    if (re_ascii_lower(literal) == literal) re_add_range(&s, literal, literal);
    if (literal >= 'a' && literal <= 'z') re_add_range(&s, literal - 32, literal - 32);
    break;
  case SRE_LITERAL_LOC_IGNORE: case SRE_NOT_LITERAL_LOC_IGNORE:
    r->tree->locale = true;
    for (uint32_t c = 0; c < 256; c++)
      if (c == literal || re_locale_lower(c) == literal || re_locale_upper(c) == literal) re_add_range(&s, c, c);
    break;
  default:
    if (cd_re_lower(literal) == literal) re_add_range(&s, literal, literal);
    cased = cd_chars_with_lower(&count);
    for (size_t i = 0; i < count; i++)
      if (cd_re_lower(cased[i]) == literal) re_add_range(&s, cased[i], cased[i]);
    break;
  }
  *out = re_finish_set(&s, false);
  return !s.failed;
}

// ---- nodes ----

static ReNode *re_read_sequence(ReReader *r, size_t *p, size_t end);

static ReNode *re_set_node(ReReader *r, ReSet set)
{
  ReNode *node = re_node(r, RE_SET);
  if (node) node->set = set;
  return node;
}

static ReNode *re_read_literal(ReReader *r, uint32_t op, size_t *p, size_t end)
{
  ReSet set;
  if (*p >= end) return re_invalid(r);
  if (!re_literal_set(r, op, r->code[(*p)++], &set)) return NULL;
  set.negated = op == SRE_NOT_LITERAL || op == SRE_NOT_LITERAL_IGNORE || op == SRE_NOT_LITERAL_LOC_IGNORE ||
                op == SRE_NOT_LITERAL_UNI_IGNORE;
  return re_set_node(r, set);
}

static ReNode *re_read_in(ReReader *r, uint32_t op, size_t *p, size_t end)
{
  ReSet set;
  if (*p >= end) return re_invalid(r);
  size_t stop = *p + r->code[*p], at = *p + 1;
  if (stop > end || !re_read_set(r, &at, stop, &set)) return re_invalid(r);
  *p = stop;
  size_t count;
  const uint32_t *cased = cd_chars_with_lower(&count);
  bool ok = true;
  if (op == SRE_IN_UNI_IGNORE) ok = re_fold_set(r, &set, cased, count);
  if (op == SRE_IN_IGNORE) ok = re_fold_set(r, &set, cased, 26);      // the first of them are A to Z
  if (op == SRE_IN_LOC_IGNORE) ok = re_fold_set_by_locale(r, &set);
  return ok ? re_set_node(r, set) : NULL;
}

static ReNode *re_read_at(ReReader *r, size_t *p, size_t end)
{
  static const uint8_t places[] = {RE_AT_START,
                                   RE_AT_LINE_START,
                                   RE_AT_START,
                                   RE_AT_BOUNDARY,
                                   RE_AT_NOT_BOUNDARY,
                                   RE_AT_END,
                                   RE_AT_LINE_END,
                                   RE_AT_VERY_END,
                                   RE_AT_LOCALE_BOUNDARY,
                                   RE_AT_NOT_LOCALE_BOUNDARY,
                                   RE_AT_UNICODE_BOUNDARY,
                                   RE_AT_NOT_UNICODE_BOUNDARY};
  if (*p >= end || r->code[*p] >= ARRAY_LEN(places)) return re_invalid(r);
  ReNode *node = re_node(r, RE_AT);
  if (!node) return NULL;
  node->mode = places[r->code[(*p)++]];
  if (node->mode == RE_AT_LOCALE_BOUNDARY || node->mode == RE_AT_NOT_LOCALE_BOUNDARY) r->tree->locale = true;
  return node;
}

static ReNode *re_read_branch(ReReader *r, size_t *p, size_t end)
{
  ReNode *node = re_node(r, RE_BRANCH);
  ReNode **last = node ? &node->child : NULL;
  for (;;) {
    if (!node || *p >= end) return node ? re_invalid(r) : NULL;
    size_t skip = r->code[*p], stop = *p + skip;
    if (skip == 0) { ++*p; return node; }
    size_t at = *p + 1;
    if (skip < 3 || stop > end || r->code[stop - 2] != SRE_JUMP) return re_invalid(r);
    ReNode *way = re_read_sequence(r, &at, stop - 2);
    if (!way || at != stop - 2) return way ? re_invalid(r) : NULL;
    *last = way;
    last = &way->next;
    *p = stop;
  }
}

// min, max, body, ended by SUCCESS inside the skip, or by an UNTIL or SUCCESS behind it.
static ReNode *re_read_repeat(ReReader *r, uint32_t op, size_t *p, size_t end)
{
  if (end - *p < 3) return re_invalid(r);
  size_t stop = *p + r->code[*p], at = *p + 3;
  ReNode *node = re_node(r, RE_REPEAT);
  if (!node || stop > end || stop < at) return node ? re_invalid(r) : NULL;
  node->min = r->code[*p + 1];
  node->max = r->code[*p + 2];
  if (node->min > node->max) return re_invalid(r);
  bool one = op == SRE_REPEAT_ONE || op == SRE_MIN_REPEAT_ONE || op == SRE_POSSESSIVE_REPEAT_ONE;
  size_t body_end = one ? stop - 1 : stop;
  if (one && (stop == at || r->code[stop - 1] != SRE_SUCCESS)) return re_invalid(r);
  r->repeats++;
  node->child = re_read_sequence(r, &at, body_end);
  r->repeats--;
  if (!node->child || at != body_end) return node->child ? re_invalid(r) : NULL;
  node->mode = op == SRE_MIN_REPEAT_ONE                                         ? RE_LAZY
               : op == SRE_POSSESSIVE_REPEAT_ONE || op == SRE_POSSESSIVE_REPEAT ? RE_POSSESSIVE
                                                                                : RE_GREEDY;
  *p = stop;
  if (one) return node;
  if (*p >= end) return re_invalid(r);
  uint32_t until = r->code[(*p)++];
  if (op == SRE_POSSESSIVE_REPEAT ? until != SRE_SUCCESS : until != SRE_MAX_UNTIL && until != SRE_MIN_UNTIL) return re_invalid(r);
  if (until == SRE_MIN_UNTIL) node->mode = RE_LAZY;
  return node;
}

// An opening mark, the inside, the closing mark.
static ReNode *re_read_group(ReReader *r, size_t *p, size_t end)
{
  uint32_t mark = *p < end ? r->code[(*p)++] : 1;
  ReTree *tree = r->tree;
  if (mark & 1 || mark / 2 >= tree->groups || r->seen[mark / 2]) return re_invalid(r);
  ReNode *node = re_node(r, RE_GROUP);
  if (!node) return NULL;
  node->number = mark / 2 + 1;
  r->seen[mark / 2] = 1;
  if (!(node->child = re_read_sequence(r, p, end))) return NULL;
  if (end - *p < 2 || r->code[*p] != SRE_MARK || r->code[*p + 1] != mark + 1) return re_invalid(r);
  *p += 2;
  r->seen[mark / 2] = 2;
  tree->closing[r->closed++] = node->number;
  if (r->repeats) tree->groups_in_repeats = true;
  return node;
}

static ReNode *re_read_backref(ReReader *r, ReFold fold, size_t *p, size_t end)
{
  ReNode *node = re_node(r, RE_BACKREF);
  if (!node) return NULL;
  if (*p >= end || r->code[*p] >= r->tree->groups) return re_invalid(r);
  node->number = r->code[(*p)++] + 1;
  node->mode = fold;
  if (fold == RE_FOLD_LOCALE) r->tree->locale = true;
  return node;
}

// group, skip, yes, and perhaps JUMP skip, no
static ReNode *re_read_condition(ReReader *r, size_t *p, size_t end)
{
  ReNode *node = re_node(r, RE_CONDITION);
  if (!node) return NULL;
  if (end - *p < 2 || r->code[*p] >= r->tree->groups) return re_invalid(r);
  node->number = r->code[*p] + 1;
  size_t stop = *p + r->code[*p + 1], at = *p + 2;
  if (stop > end || stop < at) return re_invalid(r);
  ReNode *yes = re_read_sequence(r, &at, stop), *no = NULL;
  if (!yes) return NULL;
  if (at != stop) {                              // stopped before JUMP
    if (at + 2 != stop || r->code[at] != SRE_JUMP) return re_invalid(r);
    size_t no_end = at + 1 + r->code[at + 1];
    if (no_end > end || no_end < stop) return re_invalid(r);
    at = stop;
    no = re_read_sequence(r, &at, no_end);
    if (!no || at != no_end) return no ? re_invalid(r) : NULL;
  }
  if (!no && !(no = re_node(r, RE_EMPTY))) return NULL;
  node->child = yes;
  yes->next = no;
  *p = at;
  return node;
}

static ReNode *re_read_look(ReReader *r, bool negated, size_t *p, size_t end)
{
  ReNode *node = re_node(r, RE_LOOK);
  if (!node) return NULL;
  if (end - *p < 3) return re_invalid(r);
  size_t stop = *p + r->code[*p], at = *p + 2;
  node->min = r->code[*p + 1];
  node->behind = node->min > 0;
  node->negated = negated;
  if (stop > end || stop <= at || r->code[stop - 1] != SRE_SUCCESS) return re_invalid(r);
  node->child = re_read_sequence(r, &at, stop - 1);
  if (!node->child || at != stop - 1) return node->child ? re_invalid(r) : NULL;
  *p = stop;
  return node;
}

static ReNode *re_read_atomic(ReReader *r, size_t *p, size_t end)
{
  ReNode *node = re_node(r, RE_ATOMIC);
  if (!node) return NULL;
  if (end - *p < 2) return re_invalid(r);
  size_t stop = *p + r->code[*p], at = *p + 1;
  if (stop > end || stop <= at || r->code[stop - 1] != SRE_SUCCESS) return re_invalid(r);
  node->child = re_read_sequence(r, &at, stop - 1);
  if (!node->child || at != stop - 1) return node->child ? re_invalid(r) : NULL;
  *p = stop;
  return node;
}

static ReNode *re_read_one(ReReader *r, size_t *p, size_t end)
{
  uint32_t op = r->code[(*p)++];
  ReRanges newline = {.reader = r};
  switch (op) {
  case SRE_FAILURE: return re_node(r, RE_FAIL);
  case SRE_ANY:
    re_add_range(&newline, '\n', '\n');
    return newline.failed ? NULL : re_set_node(r, re_finish_set(&newline, true));
  case SRE_ANY_ALL: return re_set_node(r, (ReSet){.negated = true});
  case SRE_LITERAL: case SRE_NOT_LITERAL: case SRE_LITERAL_IGNORE: case SRE_NOT_LITERAL_IGNORE: case SRE_LITERAL_LOC_IGNORE:
  case SRE_NOT_LITERAL_LOC_IGNORE: case SRE_LITERAL_UNI_IGNORE: case SRE_NOT_LITERAL_UNI_IGNORE:
    return re_read_literal(r, op, p, end);
  case SRE_IN: case SRE_IN_IGNORE: case SRE_IN_LOC_IGNORE: case SRE_IN_UNI_IGNORE: return re_read_in(r, op, p, end);
  case SRE_CATEGORY: {
    ReRanges s = {.reader = r};
    if (*p >= end || !re_add_category(&s, r->code[(*p)++])) return re_invalid(r);
    return s.failed ? NULL : re_set_node(r, re_finish_set(&s, false));
  }
  case SRE_AT: return re_read_at(r, p, end);
  case SRE_BRANCH: return re_read_branch(r, p, end);
  case SRE_REPEAT: case SRE_REPEAT_ONE: case SRE_MIN_REPEAT_ONE: case SRE_POSSESSIVE_REPEAT: case SRE_POSSESSIVE_REPEAT_ONE:
    return re_read_repeat(r, op, p, end);
  case SRE_MARK: return re_read_group(r, p, end);
  case SRE_GROUPREF: return re_read_backref(r, RE_EXACT, p, end);
  case SRE_GROUPREF_IGNORE: return re_read_backref(r, RE_FOLD_ASCII, p, end);
  case SRE_GROUPREF_LOC_IGNORE: return re_read_backref(r, RE_FOLD_LOCALE, p, end);
  case SRE_GROUPREF_UNI_IGNORE: return re_read_backref(r, RE_FOLD_UNICODE, p, end);
  case SRE_GROUPREF_EXISTS: return re_read_condition(r, p, end);
  case SRE_ASSERT: case SRE_ASSERT_NOT: return re_read_look(r, op == SRE_ASSERT_NOT, p, end);
  case SRE_ATOMIC_GROUP: return re_read_atomic(r, p, end);
  default: return re_invalid(r);
  }
}

// Nodes up to `end`, or to a closing mark, a JUMP or a SUCCESS, which are left for the caller.
static ReNode *re_read_sequence(ReReader *r, size_t *p, size_t end)
{
  ReNode *first = NULL, **last = &first;
  if (++r->nesting > RE_MAX_NESTING) { cd_raise_recursion(r->vm, ""); return NULL; }
  while (*p < end) {
    uint32_t op = r->code[*p];
    if (op == SRE_JUMP || op == SRE_SUCCESS || (op == SRE_MARK && *p + 1 < end && r->code[*p + 1] & 1)) break;
    ReNode *node = re_read_one(r, p, end);
    if (!node) return NULL;
    *last = node;
    last = &node->next;
  }
  r->nesting--;
  if (first && !first->next) return first;
  ReNode *sequence = re_node(r, first ? RE_SEQUENCE : RE_EMPTY);
  if (sequence) sequence->child = first;
  return sequence;
}

// ---- the whole ----

static void *re_arena_alloc(void *vm, size_t size) { return cd_alloc(vm, size); }
static void re_arena_free(void *vm, void *p, size_t size) { cd_free(vm, p, size); }

void cd_re_tree_clear(ReTree *tree)
{
  cd_arena_clear(&tree->arena);
  tree->root = NULL;
  tree->closing = NULL;
}

bool cd_re_tree_read(VM *vm, ReTree *tree, const uint32_t *code, size_t size, uint32_t groups, bool bytes)
{
  *tree = (ReTree){.groups = groups, .bytes = bytes};
  cd_arena_init(&tree->arena, re_arena_alloc, re_arena_free, vm);
  ReReader r = {.vm = vm, .tree = tree, .code = code, .size = size};
  size_t p = 0;
  bool fits = groups <= size;                    // each has its two marks
  if (!fits) re_invalid(&r);
  tree->closing = fits ? re_alloc(&r, (groups + 1) * sizeof *tree->closing) : NULL;
  r.seen = tree->closing ? re_alloc(&r, groups + 1) : NULL;
  if (r.seen) {
    if (size > 1 && code[0] == SRE_INFO) p = 1 + (size_t)code[1];
    if (p < size) tree->root = re_read_sequence(&r, &p, size);
    bool whole = tree->root && p + 1 == size && code[p] == SRE_SUCCESS && r.closed == groups;
    if (!whole) {
      re_invalid(&r);
      tree->root = NULL;
    }
  }
  if (!tree->root) cd_re_tree_clear(tree);
  return tree->root;
}
