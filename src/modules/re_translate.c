// SPDX-License-Identifier: MIT
// re_translate.c: from the tree to the text of a PCRE2 pattern with the same meaning
#include "modules/re_program.h"

#include "objects/raise.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>

// The text is read by PCRE2 with DOTALL and ALT_CIRCUMFLEX, without UCP, and newline being LF. Nothing else of PCRE2's own ideas about
// characters is used: sets are spelled out, so case and classes are Python's. Where subjects hold ASCII or bytes only, sets are cut to
// these.

enum { PCRE_REPEAT_MAX = 65535 };

typedef struct PcreWriter {
  VM *vm;
  const ReTree *tree;
  RePcreText text;
  uint32_t limit;
  int behind;                                    // depth of lookbehinds
  bool failed;                                   // exception set
  bool unfit;                                    // not to be expressed
} PcreWriter;

static void pcre_put(PcreWriter *w, const char *bytes, size_t size)
{
  RePcreText *t = &w->text;
  if (w->failed) return;
  if (t->size + size + 1 > t->capacity) {
    size_t capacity = (t->size + size) * 2 + 64;
    char *text = cd_realloc(w->vm, t->text, t->capacity, capacity);
    if (!text) { w->failed = true; return; }
    t->text = text;
    t->capacity = capacity;
  }
  memcpy(t->text + t->size, bytes, size);
  t->size += size;
  t->text[t->size] = 0;
}
static void pcre_puts(PcreWriter *w, const char *text) { pcre_put(w, text, strlen(text)); }

PRINTF_LIKE(2, 3) static void pcre_printf(PcreWriter *w, const char *format, ...)
{
  char buffer[64];
  va_list args;
  va_start(args, format);
  int size = vsnprintf(buffer, sizeof buffer, format, args);
  va_end(args);
  pcre_put(w, buffer, (size_t)size);
}

static void pcre_put_char(PcreWriter *w, uint32_t c)
{
  bool plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_' || c == '<' || c == '>' || c == '=' ||
               c == ',' || c == ';' || c == ':' || c == '/' || c == '"' || c == '\'' || c == '@' || c == '%';
  if (plain) pcre_put(w, (char[]){(char)c}, 1);
  else pcre_printf(w, "\\x{%x}", c);
}

static void pcre_put_ranges(PcreWriter *w, const ReRange *ranges, size_t count)
{
  for (size_t i = 0; i < count && ranges[i].low <= w->limit; i++) {
    uint32_t high = ranges[i].high < w->limit ? ranges[i].high : w->limit;
    pcre_put_char(w, ranges[i].low);
    if (high == ranges[i].low) continue;
    if (high > ranges[i].low + 1) pcre_puts(w, "-");
    pcre_put_char(w, high);
  }
}

// One character in the ranges, or in none of them.
static void pcre_put_class(PcreWriter *w, const ReRange *ranges, size_t count, bool negated)
{
  while (count && ranges[count - 1].low > w->limit) count--;
  bool full = count == 1 && ranges[0].low == 0 && ranges[0].high >= w->limit;
  bool single = count == 1 && ranges[0].low == ranges[0].high;
  if (count == 0 || full) {
    pcre_puts(w, (count == 0) == negated ? "." : "(?!)");
  } else if (single && !negated) {
    pcre_put_char(w, ranges[0].low);
  } else if (single && ranges[0].low == '\n') {
    pcre_puts(w, "\\N");
  } else {
    pcre_puts(w, negated ? "[^" : "[");
    pcre_put_ranges(w, ranges, count);
    pcre_puts(w, "]");
  }
}

// Up to 255 each character is asked.
static void pcre_put_narrow_set(PcreWriter *w, const ReSet *set)
{
  ReRange ranges[2][130];
  size_t count[2] = {0, 0};
  for (uint32_t c = 0; c <= w->limit; c++) {
    bool in = cd_re_set_has(set, c);
    ReRange *last = count[in] ? &ranges[in][count[in] - 1] : NULL;
    if (last && last->high + 1 == c) last->high = c;
    else ranges[in][count[in]++] = (ReRange){c, c};
  }
  bool negate = count[0] < count[1] || (count[0] == 1 && ranges[0][0].low == ranges[0][0].high && count[1] > 1);
  pcre_put_class(w, ranges[!negate], count[!negate], negate);
}

#define PCRE_WORD "\\p{L}\\p{N}_"

static void pcre_put_set(PcreWriter *w, const ReSet *set)
{
  if (w->limit <= 255) { pcre_put_narrow_set(w, set); return; }
  unsigned categories = set->categories;
  if (categories == 0) { pcre_put_class(w, set->ranges, set->count, set->negated); return; }
  bool all = (categories & RE_WORD && categories & RE_NOT_WORD) || (categories & RE_DIGIT && categories & RE_NOT_DIGIT) ||
             (categories & RE_WORD && categories & RE_NOT_DIGIT) || false;
  if (all) { pcre_puts(w, set->negated ? "(?!)" : "."); return; }
  bool not_word = categories & RE_NOT_WORD, rest = set->count || categories & ~(unsigned)RE_NOT_WORD;
  // What isn't a word character can't stand in a class beside other things.
  if (not_word && !rest) { pcre_puts(w, set->negated ? "[" PCRE_WORD "]" : "[^" PCRE_WORD "]"); return; }
  pcre_puts(w, !not_word ? (set->negated ? "[^" : "[") : set->negated ? "(?:(?![" : "(?:[^" PCRE_WORD "]|[");
  pcre_put_ranges(w, set->ranges, set->count);
  if (categories & RE_WORD) pcre_puts(w, PCRE_WORD);
  if (categories & RE_DIGIT) pcre_puts(w, "\\p{Nd}");
  if (categories & RE_NOT_DIGIT) pcre_puts(w, "\\P{Nd}");
  pcre_puts(w, !not_word ? "]" : set->negated ? "])[" PCRE_WORD "])" : "])");
}

// ---- positions ----

static void pcre_put_boundary(PcreWriter *w, bool negated, bool unicode, bool locale)
{
  // There is no boundary of either kind in an empty text.
  if (w->limit <= 255 && !locale) {
    pcre_puts(w, negated ? "(?:\\B(?!\\A\\z))" : "\\b");
    return;
  }
  char word[800] = "[0-9A-Za-z_]";
  if (unicode) strcpy(word, "[" PCRE_WORD "]");
  if (locale) {
    size_t n = 1;
    for (int c = 0; c < 256; c++)
      if (isalnum(c) || c == '_') n += (size_t)sprintf(word + n, "\\x%02x", c);
    strcpy(word + n, "]");
  }
  pcre_puts(w, negated ? "(?!\\A\\z)(?:(?<=" : "(?:(?<=");
  pcre_puts(w, word);
  pcre_puts(w, negated ? ")(?=" : ")(?!");
  pcre_puts(w, word);
  pcre_puts(w, ")|(?<!");
  pcre_puts(w, word);
  pcre_puts(w, negated ? ")(?!" : ")(?=");
  pcre_puts(w, word);
  pcre_puts(w, "))");
}

static void pcre_put_at(PcreWriter *w, ReAt at)
{
  switch (at) {
  case RE_AT_START: pcre_puts(w, "\\A"); break;
  case RE_AT_LINE_START: pcre_puts(w, "(?m:^)"); break;
  case RE_AT_END: pcre_puts(w, "\\Z"); break;
  case RE_AT_LINE_END: pcre_puts(w, "(?m:$)"); break;
  case RE_AT_VERY_END: pcre_puts(w, "\\z"); break;
  case RE_AT_BOUNDARY: pcre_put_boundary(w, false, false, false); break;
  case RE_AT_NOT_BOUNDARY: pcre_put_boundary(w, true, false, false); break;
  case RE_AT_LOCALE_BOUNDARY: pcre_put_boundary(w, false, false, true); break;
  case RE_AT_NOT_LOCALE_BOUNDARY: pcre_put_boundary(w, true, false, true); break;
  case RE_AT_UNICODE_BOUNDARY: pcre_put_boundary(w, false, true, false); break;
  case RE_AT_NOT_UNICODE_BOUNDARY: pcre_put_boundary(w, true, true, false); break;
  }
}

// ---- nodes ----

static void pcre_put_node(PcreWriter *w, const ReNode *node);

static void pcre_put_wrapped(PcreWriter *w, const char *open, const ReNode *node)
{
  pcre_puts(w, open);
  pcre_put_node(w, node);
  pcre_puts(w, ")");
}

// Can it match the empty text?
static bool pcre_is_nullable(const ReNode *node)
{
  switch ((ReKind)node->kind) {
  case RE_SET: case RE_FAIL: return false;
  case RE_REPEAT: return node->min == 0 || pcre_is_nullable(node->child);
  case RE_GROUP: case RE_ATOMIC: return pcre_is_nullable(node->child);
  case RE_SEQUENCE:
    for (const ReNode *child = node->child; child; child = child->next)
      if (!pcre_is_nullable(child)) return false;
    return true;
  case RE_BRANCH: case RE_CONDITION:
    for (const ReNode *child = node->child; child; child = child->next)
      if (pcre_is_nullable(child)) return true;
    return false;
  default: return true;
  }
}

static void pcre_put_repeat(PcreWriter *w, const ReNode *node)
{
  bool limited = node->max != RE_UNLIMITED, set = node->child->kind == RE_SET, possessive = node->mode == RE_POSSESSIVE && !set;
  if (node->min > PCRE_REPEAT_MAX || (limited && node->max > PCRE_REPEAT_MAX)) { w->unfit = true; return; }
  // PCRE2 writes a limited repeat out and so does not notice an empty round, after which Python goes on.
  if (limited && node->max > 1 && node->max > node->min && pcre_is_nullable(node->child)) { w->unfit = true; return; }
  // A possessive repeat never goes back into a round that is over; and it keeps what the last, empty round captured, which *+ doesn't.
  pcre_put_wrapped(w, possessive ? "(?>(?:(?>" : "(?:", node->child);
  if (possessive) pcre_puts(w, ")");
  if (node->min == 0 && node->max == 1) pcre_puts(w, "?");
  else if (node->max == RE_UNLIMITED && node->min <= 1) pcre_puts(w, node->min ? "+" : "*");
  else if (node->max == RE_UNLIMITED) pcre_printf(w, "{%u,}", node->min);
  else if (node->max == node->min) pcre_printf(w, "{%u}", node->min);
  else pcre_printf(w, "{%u,%u}", node->min, node->max);
  if (node->mode == RE_LAZY) pcre_puts(w, "?");
  if (node->mode == RE_POSSESSIVE) pcre_puts(w, possessive ? ")" : "+");
}

static void pcre_put_backref(PcreWriter *w, const ReNode *node)
{
  bool fold = node->mode != RE_EXACT;
  // PCRE2 folds beyond what Python takes for equal, but not in ASCII.
  if (w->behind || node->mode == RE_FOLD_LOCALE || (fold && w->limit > 255) || (node->mode == RE_FOLD_UNICODE && w->limit > 127)) {
    w->unfit = true;
    return;
  }
  pcre_printf(w, fold ? "(?i:\\g{%u})" : "\\g{%u}", node->number);
}

static void pcre_put_branch(PcreWriter *w, const ReNode *node)
{
  pcre_puts(w, "(?:");
  for (const ReNode *way = node->child; way; way = way->next) {
    pcre_put_node(w, way);
    if (way->next) pcre_puts(w, "|");
  }
  pcre_puts(w, ")");
}

static void pcre_put_look(PcreWriter *w, const ReNode *node)
{
  w->behind += node->behind;
  pcre_put_wrapped(w, node->behind ? (node->negated ? "(?<!" : "(?<=") : node->negated ? "(?!" : "(?=", node->child);
  w->behind -= node->behind;
}

static void pcre_put_node(PcreWriter *w, const ReNode *node)
{
  if (w->failed || w->unfit) return;
  switch ((ReKind)node->kind) {
  case RE_EMPTY: break;
  case RE_FAIL: pcre_puts(w, "(?!)"); break;
  case RE_SET: pcre_put_set(w, &node->set); break;
  case RE_SEQUENCE:
    for (const ReNode *child = node->child; child; child = child->next) pcre_put_node(w, child);
    break;
  case RE_BRANCH: pcre_put_branch(w, node); break;
  case RE_REPEAT: pcre_put_repeat(w, node); break;
  case RE_GROUP:
    pcre_put_wrapped(w, "(", node->child);
    // The mark passed last on the way to the match tells which group closed last.
    if (w->tree->groups_in_repeats) pcre_printf(w, "(*MARK:%u)", node->number);
    break;
  case RE_BACKREF: pcre_put_backref(w, node); break;
  case RE_CONDITION:
    if (w->behind) { w->unfit = true; break; }
    pcre_printf(w, "(?(%u)", node->number);
    pcre_put_node(w, node->child);
    pcre_puts(w, "|");
    pcre_put_node(w, node->child->next);
    pcre_puts(w, ")");
    break;
  case RE_LOOK: pcre_put_look(w, node); break;
  case RE_ATOMIC: pcre_put_wrapped(w, "(?>", node->child); break;
  case RE_AT: pcre_put_at(w, (ReAt)node->mode); break;
  }
}

bool cd_re_translate(VM *vm, const ReTree *tree, uint32_t limit, ReMode mode, RePcreText *out)
{
  PcreWriter w = {.vm = vm, .tree = tree, .limit = limit};
  if (mode == RE_FULLMATCH) pcre_puts(&w, "(?:");
  pcre_put_node(&w, tree->root);
  if (mode == RE_FULLMATCH) pcre_puts(&w, ")\\z");
  pcre_puts(&w, "");
  if (!w.failed && !w.unfit) { *out = w.text; return true; }
  cd_free(vm, w.text.text, w.text.capacity);
  return false;
}
