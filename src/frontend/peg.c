// SPDX-License-Identifier: MIT
// peg.c: reads grammar.def and recognises tokens by it
#include "frontend/peg.h"

#include "bytecode/code.h"
#include "objects/raise.h"

#include <stdlib.h>

// An error is shown at the token that was read last, so the recogniser must read no further than a parser needs to. It takes the first
// alternative that fits, and keeps the results of rules that are tried repeatedly at one place. It runs only on sources that are wrong; the
// grammar is read from its text anew each time, which costs less than the error does otherwise.

typedef enum PegItemKind {
  PEG_ITEM_TOKEN, PEG_ITEM_WORD, PEG_ITEM_AUGASSIGN, PEG_ITEM_BINARY, PEG_ITEM_UNARY, PEG_ITEM_NOT_EQUAL, PEG_ITEM_RULE, PEG_ITEM_GROUP,
  PEG_ITEM_OPTIONAL, PEG_ITEM_MANY, PEG_ITEM_SOME, PEG_ITEM_GATHER, PEG_ITEM_AND, PEG_ITEM_NOT, PEG_ITEM_CUT, PEG_ITEM_FORCED,
  PEG_ITEM_DEF, PEG_ITEM_LAMBDA, PEG_ITEM_SINCE, PEG_ITEM_SUITE,
} PegItemKind;

typedef struct PegItem {
  uint8_t kind;
  uint16_t number;                               // kind of token, or rule
  bool at_once, comment;                         // of a suite: SUITE(!x), SUITE(#x)
  const char *word;                              // of soft keywords; a suite's statement
  struct PegItem *inner;                         // what is repeated or looked for
  struct PegChoice *choice;                      // of a group
} PegItem;

typedef enum { PEG_RESULT_DEFAULT, PEG_RESULT_NODE, PEG_RESULT_MORE, PEG_RESULT_LAST, PEG_RESULT_ITEM, PEG_RESULT_MISTAKE } PegResult;

typedef struct PegAlternative {
  PegItem *items;
  int count;
  uint8_t result;
  uint8_t number;                                // kind of node, or item
  PegMistake mistake;
} PegAlternative;
typedef struct PegChoice { PegAlternative *items; int count; } PegChoice;

enum { PEG_MEMO = 1, PEG_MISTAKE = 2, PEG_PLAIN = 4, PEG_PARAMETERS = 8 };
typedef struct PegRuleText { const char *name, *text; int flags; } PegRuleText;
static const PegRuleText peg_texts[PEG_RULES] = {
#define RULE(name, text) {#name, text, 0},
#define MEMO(name, text) {#name, text, PEG_MEMO},
#define PLAIN(name, text) {#name, text, PEG_PLAIN},
#define PARAMETERS(name, text) {#name, text, PEG_PARAMETERS},
#define MISTAKE(name, text) {#name, text, PEG_MISTAKE},
#define MISTAKE_MEMO(name, text) {#name, text, PEG_MISTAKE | PEG_MEMO},
#include "frontend/grammar.def"
};

#define PEG_NAME_SLOTS 1024
struct Peg {
  PegChoice rules[PEG_RULES];
  uint16_t names[PEG_NAME_SLOTS];                // rule + 1, by hash of its name
  const PegAction *actions;
};

typedef struct PegMemo { struct PegMemo *next; int rule; const Node *node; int32_t mark; } PegMemo;

// ---- reading the grammar ----

typedef struct PegReader { Diagnosis *d; Peg *peg; const char *at; bool failed; } PegReader;

static void *peg_alloc(Diagnosis *d, size_t size)
{
  void *p = cd_arena_alloc(&d->arena, size ? size : 1);
  if (!p) {
    if (!cd_raised(d->vm)) cd_raise_memory(d->vm);
    d->failed = true;
  }
  return p;
}

static uint32_t peg_hash(const char *name, size_t size)
{
  uint32_t h = 2166136261u;
  for (size_t i = 0; i < size; i++) h = (h ^ (unsigned char)name[i]) * 16777619u;
  return (h ^ h >> 10) & (PEG_NAME_SLOTS - 1);
}

static int peg_find_rule(const Peg *peg, const char *name, size_t size)
{
  for (uint32_t k = peg_hash(name, size); peg->names[k]; k = (k + 1) & (PEG_NAME_SLOTS - 1)) {
    const char *found = peg_texts[peg->names[k] - 1].name;
    if (strncmp(found, name, size) == 0 && !found[size]) return peg->names[k] - 1;
  }
  return -1;
}

static bool peg_is_word(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (c >= '0' && c <= '9'); }
static void peg_skip_blanks(PegReader *r) { while (*r->at == ' ') r->at++; }
static bool peg_take(PegReader *r, const char *text)
{
  peg_skip_blanks(r);
  size_t size = strlen(text);
  if (strncmp(r->at, text, size) != 0) return false;
  r->at += size;
  return true;
}

static const char *peg_word(PegReader *r, size_t *size)
{
  peg_skip_blanks(r);
  const char *start = r->at;
  while (peg_is_word(*r->at)) r->at++;
  *size = (size_t)(r->at - start);
  return start;
}

// Text up to `quote`, with \" for a quote in it.
static char *peg_quoted(PegReader *r, char quote)
{
  const char *end = r->at;
  while (*end != quote) end += *end == '\\' ? 2 : 1;
  char *text = peg_alloc(r->d, (size_t)(end - r->at) + 1), *to = text;
  for (const char *s = r->at; text && s < end; s++) {
    if (*s == '\\') s++;
    *to++ = *s;
  }
  r->at = end + 1;
  return text;
}

static int peg_token_kind(const char *text)
{
  for (int kind = TOKEN_FIRST_KEYWORD; kind < TOKEN_KINDS; kind++)
    if (strcmp(cd_token_text(kind), text) == 0) return kind;
  CD_ASSERT(false);
  return TOKEN_UNKNOWN;
}

static PegChoice *peg_read_choice(PegReader *r, PegChoice *choice);

static int peg_read_number(PegReader *r)
{
  peg_skip_blanks(r);
  return (int)strtol(r->at, (char **)&r->at, 10);
}

// Behind "SUITE" or "SINCE".
static void peg_read_words(PegReader *r, PegItem *item)
{
  peg_take(r, "(");
  item->at_once = peg_take(r, "!");
  item->comment = peg_take(r, "#");
  if (item->kind == PEG_ITEM_SINCE) item->number = (uint16_t)peg_read_number(r), r->at++;
  const char *end = strchr(r->at, ')');
  char *word = peg_alloc(r->d, (size_t)(end - r->at) + 1);
  if (word) memcpy(word, r->at, (size_t)(end - r->at)), word[end - r->at] = 0;
  item->word = word;
  r->at = end + 1;
}

static void peg_read_name(PegReader *r, PegItem *item)
{
  static const struct { const char *name; uint8_t item, token;
  } special[] = {
    {"NAME", PEG_ITEM_TOKEN, TOKEN_NAME},
    {"NUMBER", PEG_ITEM_TOKEN, TOKEN_NUMBER},
    {"STRING", PEG_ITEM_TOKEN, TOKEN_STRING},
    {"NEWLINE", PEG_ITEM_TOKEN, TOKEN_NEWLINE},
    {"INDENT", PEG_ITEM_TOKEN, TOKEN_INDENT},
    {"DEDENT", PEG_ITEM_TOKEN, TOKEN_DEDENT},
    {"ENDMARKER", PEG_ITEM_TOKEN, TOKEN_ENDMARKER},
    {"TYPE_COMMENT", PEG_ITEM_TOKEN, TOKEN_TYPE_COMMENT},
    {"AUGASSIGN", PEG_ITEM_AUGASSIGN, 0},
    {"BINARY", PEG_ITEM_BINARY, 0},
    {"UNARY", PEG_ITEM_UNARY, 0},
    {"NOT_EQUAL", PEG_ITEM_NOT_EQUAL, 0},
    {"DEF", PEG_ITEM_DEF, 0},
    {"LAMBDA", PEG_ITEM_LAMBDA, 0},
    {"SUITE", PEG_ITEM_SUITE, 0},
    {"SINCE", PEG_ITEM_SINCE, 0},
  };
  size_t size;
  const char *name = peg_word(r, &size);
  CD_ASSERT(size);
  if (name[0] < 'A' || name[0] > 'Z') {
    item->kind = PEG_ITEM_RULE;
    item->number = (uint16_t)peg_find_rule(r->peg, name, size);
    CD_ASSERT(item->number < PEG_RULES);
    return;
  }
  for (size_t i = 0; i < ARRAY_LEN(special); i++) {
    if (strncmp(special[i].name, name, size) != 0 || special[i].name[size]) continue;
    item->kind = special[i].item;
    item->number = special[i].token;
    if (item->kind == PEG_ITEM_SUITE || item->kind == PEG_ITEM_SINCE) peg_read_words(r, item);
    return;
  }
  CD_ASSERT(false);
}

static void peg_read_item(PegReader *r, PegItem *item);

// Replaces *item by one of `kind` around it.
static void peg_wrap(PegReader *r, PegItem *item, PegItemKind kind)
{
  PegItem *inner = peg_alloc(r->d, sizeof *inner);
  if (!inner) return;
  *inner = *item;
  *item = (PegItem){.kind = kind, .inner = inner};
}

static void peg_read_atom(PegReader *r, PegItem *item)
{
  if (peg_take(r, "'")) {
    const char *text = peg_quoted(r, '\'');
    if (text) *item = (PegItem){.kind = PEG_ITEM_TOKEN, .number = (uint16_t)peg_token_kind(text)};
  } else if (peg_take(r, "\"")) {
    *item = (PegItem){.kind = PEG_ITEM_WORD, .word = peg_quoted(r, '"')};
  } else if (peg_take(r, "(")) {
    item->kind = PEG_ITEM_GROUP;
    item->choice = peg_read_choice(r, NULL);
    peg_take(r, ")");
  } else {
    peg_read_name(r, item);
  }
}

static void peg_read_item(PegReader *r, PegItem *item)
{
  PegItemKind prefix = peg_take(r, "&&")  ? PEG_ITEM_FORCED
                       : peg_take(r, "&") ? PEG_ITEM_AND
                       : peg_take(r, "!") ? PEG_ITEM_NOT
                                          : PEG_ITEM_TOKEN;
  if (peg_take(r, "~")) {
    item->kind = PEG_ITEM_CUT;
    return;
  }
  peg_read_atom(r, item);
  if (prefix != PEG_ITEM_TOKEN) {
    peg_wrap(r, item, prefix);
  } else if (*r->at == '.') {                    // separator.item+
    uint16_t separator = item->number;
    r->at++;
    *item = (PegItem){0};
    peg_read_atom(r, item);
    peg_wrap(r, item, PEG_ITEM_GATHER);
    item->number = separator;
    peg_take(r, "+");
  } else if (*r->at == '?' || *r->at == '*' || *r->at == '+') {
    peg_wrap(r, item, *r->at == '?' ? PEG_ITEM_OPTIONAL : *r->at == '*' ? PEG_ITEM_MANY : PEG_ITEM_SOME);
    r->at++;
  }
}

// Behind "=>".
static void peg_read_mistake(PegReader *r, PegMistake *m)
{
  peg_skip_blanks(r);
  if (peg_take(r, "block ")) m->block = true;
  peg_skip_blanks(r);
  if (*r->at >= '0' && *r->at <= '9') {
    m->first = peg_read_number(r);
    if (peg_take(r, "..")) m->last = *r->at >= '0' && *r->at <= '9' ? peg_read_number(r) : -1;
  }
  if (peg_take(r, "\"")) {
    m->text = peg_quoted(r, '"');
    return;
  }
  size_t size;
  const char *name = peg_word(r, &size);
  for (const PegAction *a = r->peg->actions; a->name; a++)
    if (strncmp(a->name, name, size) == 0 && !a->name[size]) m->action = a;
  CD_ASSERT(m->action);
}

// Behind ":".
static void peg_read_result(PegReader *r, PegAlternative *alternative)
{
  static const char *const kinds[] = {
#define NODE(name, text) #name,
    PEG_NODES(NODE)
#undef NODE
  };
  if (*r->at >= '0' && *r->at <= '9') {
    alternative->result = PEG_RESULT_ITEM;
    alternative->number = (uint8_t)peg_read_number(r);
    return;
  }
  size_t size;
  alternative->result = peg_take(r, ":") ? PEG_RESULT_MORE : PEG_RESULT_NODE;
  const char *name = peg_word(r, &size);
  if (size == 4 && memcmp(name, "Last", 4) == 0) {
    alternative->result = PEG_RESULT_LAST;
    return;
  }
  for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
    if (strncmp(kinds[i], name, size) == 0 && !kinds[i][size]) alternative->number = (uint8_t)i;
  CD_ASSERT(alternative->number);
}

static bool peg_is_plain(const PegItem *item)
{
  return item->kind != PEG_ITEM_AND && item->kind != PEG_ITEM_NOT && item->kind != PEG_ITEM_CUT &&
         (item->kind < PEG_ITEM_DEF || item->kind == PEG_ITEM_SUITE);
}

static void peg_read_alternative(PegReader *r, PegAlternative *out)
{
  PegItem items[24];
  int count = 0;
  memset(items, 0, sizeof items);
  for (;;) {
    peg_skip_blanks(r);
    if (r->d->failed || !*r->at || *r->at == '|' || *r->at == ')') break;
    if (peg_take(r, "=>")) {
      out->result = PEG_RESULT_MISTAKE;
      peg_read_mistake(r, &out->mistake);
      break;
    }
    if (peg_take(r, ":")) {
      peg_read_result(r, out);
      break;
    }
    peg_read_item(r, &items[count++]);
  }
  out->count = count;
  out->items = peg_alloc(r->d, (size_t)count * sizeof(PegItem));
  if (!out->items) return;
  memcpy(out->items, items, (size_t)count * sizeof(PegItem));
  if (out->result != PEG_RESULT_DEFAULT) return;
  int plain = 0, which = 0;                      // an alternative with one item that takes something is that item
  for (int i = 0; i < count; i++)
    if (peg_is_plain(&items[i])) plain++, which = i + 1;
  if (plain == 1) out->result = PEG_RESULT_ITEM, out->number = (uint8_t)which;
}

static PegChoice *peg_read_choice(PegReader *r, PegChoice *choice)
{
  PegAlternative alternatives[20];
  int count = 0;
  memset(alternatives, 0, sizeof alternatives);
  do {
    peg_read_alternative(r, &alternatives[count++]);
  } while (!r->d->failed && peg_take(r, "|"));
  if (!choice && !(choice = peg_alloc(r->d, sizeof *choice))) return NULL;
  choice->count = count;
  choice->items = peg_alloc(r->d, (size_t)count * sizeof(PegAlternative));
  if (choice->items) memcpy(choice->items, alternatives, (size_t)count * sizeof(PegAlternative));
  return choice;
}

// Rules are read when they are first needed.
static PegChoice *peg_rule_choice(Diagnosis *d, int rule)
{
  PegChoice *choice = &d->grammar->rules[rule];
  if (!choice->count) {
    PegReader r = {d, d->grammar, peg_texts[rule].text, false};
    peg_read_choice(&r, choice);
    CD_ASSERT(d->failed || !*r.at);
  }
  return d->failed ? NULL : choice;
}

bool cd_peg_prepare(Diagnosis *d, const PegAction *actions)
{
  Peg *peg = d->grammar = peg_alloc(d, sizeof *peg);
  d->memos = peg ? peg_alloc(d, (d->tokens.count + 1) * sizeof *d->memos) : NULL;
  if (!d->memos) return false;
  peg->actions = actions;
  for (int i = 0; i < PEG_RULES; i++) {
    uint32_t k = peg_hash(peg_texts[i].name, strlen(peg_texts[i].name));
    while (peg->names[k]) k = (k + 1) & (PEG_NAME_SLOTS - 1);
    peg->names[k] = (uint16_t)(i + 1);
  }
#ifdef CEDE_DEBUG
  for (int i = 0; i < PEG_RULES && !d->failed; i++) peg_rule_choice(d, i);       // so that a mistake in the grammar shows
#endif
  return true;
}

// ---- nodes ----

static const Node peg_absent = {.kind = NODE_Other, .first = 0, .last = -1};   // an optional item that is not there, a lookahead that holds

static Node *peg_node(Diagnosis *d, NodeKind kind, int32_t first, int32_t last)
{
  Node *node = peg_alloc(d, sizeof *node);
  if (!node) return NULL;
  node->kind = (uint8_t)kind;
  node->first = first;
  node->last = last;
  return node;
}
const Node *cd_peg_node(Diagnosis *d, NodeKind kind, int32_t first, int32_t last) { return peg_node(d, kind, first, last); }

static const Node *peg_node_of(Diagnosis *d, NodeKind kind, int32_t first, const Node **items, size_t count)
{
  Node *node = peg_node(d, kind, first, d->mark - 1);
  const Node **copy = node ? peg_alloc(d, count * sizeof *copy) : NULL;
  if (!copy) return NULL;
  for (size_t i = 0; i < count; i++) copy[i] = items[i] == &peg_absent ? NULL : items[i];
  node->items = copy;
  node->count = (uint32_t)count;
  return node;
}

const char *cd_peg_node_text(const Node *node)
{
  static const char *const texts[] = {
#define NODE(name, text) text,
    PEG_NODES(NODE)
#undef NODE
  };
  return texts[node->kind];
}

// ---- recognising ----

static const Node *peg_rule(Diagnosis *d, int rule);
static const Node *peg_choice(Diagnosis *d, const PegChoice *choice);

static const Token *peg_next(Diagnosis *d)
{
  if (d->mark == d->fill && !cd_diagnosis_fetch(d)) return NULL;
  return &d->tokens.items[d->mark];
}

static const Node *peg_take_token(Diagnosis *d)
{
  d->mark++;
  return peg_node(d, NODE_Token, d->mark - 1, d->mark - 1);
}

static bool peg_is_text(const Token *token, const char *word)
{
  return token->kind == TOKEN_NAME && token->size == strlen(word) && memcmp(token->text, word, token->size) == 0;
}

static const Node *peg_not_equal(Diagnosis *d)
{
  const Token *token = peg_next(d);
  if (!token || token->kind != TOKEN_NOT_EQUAL) return NULL;
  bool alternate = token->flags & TOKEN_ALTERNATE;
  const Node *node = peg_take_token(d);
  if (!(d->flags & CO_FUTURE_BARRY_AS_BDFL)) return alternate ? NULL : node;
  if (alternate) return node;
  cd_diagnosis_fail(d, "with Barry as BDFL, use '<>' instead of '!='");
  return NULL;
}

// Items of a repetition gather here until they are known.
typedef struct PegList { const Node **items; size_t count, capacity; const Node *few[8]; } PegList;

static bool peg_list_add(Diagnosis *d, PegList *list, const Node *node)
{
  if (!list->items) list->items = list->few, list->capacity = ARRAY_LEN(list->few);
  if (list->count == list->capacity) {
    const Node **more = peg_alloc(d, list->capacity * 2 * sizeof *more);
    if (!more) return false;
    memcpy(more, list->items, list->count * sizeof *more);
    list->items = more;
    list->capacity *= 2;
  }
  list->items[list->count++] = node;
  return true;
}

static bool peg_is_binary(int kind)
{
  switch (kind) {
  case TOKEN_PLUS: case TOKEN_MINUS: case TOKEN_STAR: case TOKEN_SLASH: case TOKEN_DOUBLE_SLASH: case TOKEN_PERCENT:
  case TOKEN_LEFT_SHIFT:
  case TOKEN_RIGHT_SHIFT:
  case TOKEN_AMPER:
  case TOKEN_VBAR:
  case TOKEN_CIRCUMFLEX:
  case TOKEN_DOUBLE_STAR: return true;
  default: return false;
  }
}

static const Node *peg_item(Diagnosis *d, const PegItem *item, int32_t first);

// The colon and the block of a statement that begins at `first`.
static const Node *peg_suite(Diagnosis *d, const PegItem *item, int32_t first)
{
  const Token *token = peg_next(d);
  if (!token) return NULL;
  if (token->kind != TOKEN_COLON) {
    if (item->at_once) cd_diagnosis_expected(d, TOKEN_COLON);
    else if (d->mistakes && token->kind == TOKEN_NEWLINE) cd_diagnosis_fail(d, "expected ':'");
    return NULL;
  }
  d->mark++;
  if (!(token = peg_next(d))) return NULL;
  if (item->comment && item->at_once) peg_rule(d, PEG_function_comment);
  else if (item->comment && token->kind == TOKEN_TYPE_COMMENT) d->mark++;
  if (d->failed || !(token = peg_next(d))) return NULL;
  if (d->mistakes && token->kind == TOKEN_NEWLINE) {
    d->mark++;
    if (!(token = peg_next(d))) return NULL;
    d->mark--;
    if (token->kind != TOKEN_INDENT) {
      cd_diagnosis_no_block(d, item->word, first);
      return NULL;
    }
  }
  return peg_rule(d, PEG_block);
}

static const Node *peg_repeat(Diagnosis *d, const PegItem *item)
{
  PegList list = {0};
  int32_t first = d->mark;
  for (;;) {
    int32_t mark = d->mark;
    const Node *node = NULL;
    if (item->kind == PEG_ITEM_GATHER && list.count) {
      const Token *token = peg_next(d);
      if (token && token->kind == item->number) d->mark++, node = peg_item(d, item->inner, d->mark);
    } else {
      node = peg_item(d, item->inner, d->mark);
    }
    if (!node) {
      d->mark = mark;
      break;
    }
    if (!peg_list_add(d, &list, node)) return NULL;
  }
  if (d->failed || (!list.count && item->kind != PEG_ITEM_MANY)) return NULL;
  return peg_node_of(d, NODE_Sequence, first, list.items, list.count);
}

static const Node *peg_item(Diagnosis *d, const PegItem *item, int32_t first)
{
  const Token *token;
  switch ((PegItemKind)item->kind) {
  case PEG_ITEM_TOKEN:
    token = peg_next(d);
    return token && token->kind == item->number ? peg_take_token(d) : NULL;
  case PEG_ITEM_WORD:
    token = peg_next(d);
    return token && peg_is_text(token, item->word) ? peg_take_token(d) : NULL;
  case PEG_ITEM_AUGASSIGN:
    token = peg_next(d);
    return token && token->kind >= TOKEN_PLUS_EQUAL && token->kind <= TOKEN_DOUBLE_SLASH_EQUAL ? peg_take_token(d) : NULL;
  case PEG_ITEM_BINARY:
    token = peg_next(d);
    return token && peg_is_binary(token->kind) ? peg_take_token(d) : NULL;
  case PEG_ITEM_UNARY:
    token = peg_next(d);
    return token && (token->kind == TOKEN_MINUS || token->kind == TOKEN_PLUS || token->kind == TOKEN_TILDE) ? peg_take_token(d) : NULL;
  case PEG_ITEM_NOT_EQUAL: return peg_not_equal(d);
  case PEG_ITEM_DEF: return d->lambda ? NULL : &peg_absent;
  case PEG_ITEM_LAMBDA: return d->lambda ? &peg_absent : NULL;
  case PEG_ITEM_RULE: return peg_rule(d, item->number);
  case PEG_ITEM_GROUP: return peg_choice(d, item->choice);
  case PEG_ITEM_OPTIONAL: {
    int32_t mark = d->mark;
    const Node *node = peg_item(d, item->inner, d->mark);
    if (node || d->failed) return node;
    d->mark = mark;
    return &peg_absent;
  }
  case PEG_ITEM_MANY: case PEG_ITEM_SOME: case PEG_ITEM_GATHER: return peg_repeat(d, item);
  case PEG_ITEM_AND: case PEG_ITEM_NOT: {
    int32_t mark = d->mark;
    bool found = peg_item(d, item->inner, d->mark);
    d->mark = mark;
    return d->failed || found != (item->kind == PEG_ITEM_AND) ? NULL : &peg_absent;
  }
  case PEG_ITEM_CUT: return &peg_absent;
  case PEG_ITEM_SINCE:
    cd_diagnosis_since(d, item->number, item->word);
    return d->failed ? NULL : &peg_absent;
  case PEG_ITEM_SUITE: return peg_suite(d, item, first);
  case PEG_ITEM_FORCED: {
    const Node *node = peg_item(d, item->inner, d->mark);
    if (!node && !d->failed) cd_diagnosis_expected(d, item->inner->number);
    return node;
  }
  }
  return NULL;
}

// *stop: no other alternative is to be tried.
static const Node *peg_alternative(Diagnosis *d, const PegAlternative *alternative, bool *stop)
{
  const Node *items[24];
  int32_t first = d->mark;
  for (int i = 0; i < alternative->count; i++) {
    if (alternative->items[i].kind == PEG_ITEM_CUT) *stop = true;
    if (!(items[i] = peg_item(d, &alternative->items[i], first))) {
      d->mark = first;
      return NULL;
    }
  }
  switch ((PegResult)alternative->result) {
  case PEG_RESULT_MORE:
    for (int i = 1; i < alternative->count; i++)
      if (items[i]->last >= items[i]->first) return peg_node_of(d, (NodeKind)alternative->number, first, items, (size_t)alternative->count);
    return items[0];
  case PEG_RESULT_LAST: {
    const Node *rest = items[alternative->count - 1];
    return rest->count ? peg_node_of(d, (NodeKind)rest->items[rest->count - 1]->kind, first, items, (size_t)alternative->count) : items[0];
  }
  case PEG_RESULT_ITEM: return items[alternative->number - 1];
  case PEG_RESULT_NODE: return peg_node_of(d, (NodeKind)alternative->number, first, items, (size_t)alternative->count);
  case PEG_RESULT_DEFAULT: return peg_node_of(d, NODE_Other, first, items, (size_t)alternative->count);
  case PEG_RESULT_MISTAKE: break;
  }
  const Node *node = peg_node_of(d, NODE_Other, first, items, (size_t)alternative->count);
  return node ? cd_diagnosis_mistake(d, &alternative->mistake, node) : NULL;
}

static const Node *peg_choice(Diagnosis *d, const PegChoice *choice)
{
  int32_t mark = d->mark;
  bool stop = false;
  for (int i = 0; i < choice->count && !stop && !d->failed; i++) {
    d->mark = mark;
    const Node *node = peg_alternative(d, &choice->items[i], &stop);
    if (node && !d->failed) return node;
  }
  return NULL;
}

static PegMemo *peg_find_memo(Diagnosis *d, int rule, int32_t mark)
{
  for (PegMemo *memo = d->memos[mark]; memo; memo = memo->next)
    if (memo->rule == rule) return memo;
  return NULL;
}

static PegMemo *peg_add_memo(Diagnosis *d, int rule, int32_t mark, const Node *node)
{
  PegMemo *memo = peg_alloc(d, sizeof *memo);
  if (!memo) return NULL;
  *memo = (PegMemo){d->memos[mark], rule, node, d->mark};
  d->memos[mark] = memo;
  return memo;
}

static const Node *peg_rule_body(Diagnosis *d, int rule)
{
  int flags = peg_texts[rule].flags;
  const PegChoice *choice = peg_rule_choice(d, rule);
  if (!choice) return NULL;
  if (flags & PEG_PLAIN) {
    bool mistakes = d->mistakes;
    d->mistakes = false;
    const Node *node = peg_choice(d, choice);
    d->mistakes = mistakes;
    return node;
  }
  if (flags & PEG_PARAMETERS) {
    bool lambda = d->lambda;
    d->lambda = rule == PEG_lambda_parameters;
    const Node *node = peg_choice(d, choice);
    d->lambda = lambda;
    return node;
  }
  if (!(flags & PEG_MEMO)) return peg_choice(d, choice);
  if (!peg_next(d)) return NULL;
  int32_t mark = d->mark;
  PegMemo *memo = peg_find_memo(d, rule, mark);
  if (memo) {
    d->mark = memo->mark;
    return memo->node;
  }
  const Node *node = peg_choice(d, choice);
  if (d->failed || !peg_add_memo(d, rule, mark, node)) return NULL;
  return node;
}

#define PEG_MAX_DEPTH 6000

static const Node *peg_rule(Diagnosis *d, int rule)
{
  if (d->failed || (peg_texts[rule].flags & PEG_MISTAKE && !d->mistakes)) return NULL;
  if (d->depth++ > PEG_MAX_DEPTH || (char *)&d < d->vm->thread->c_stack_limit) {
    cd_raise_memory(d->vm);
    d->failed = true;
    return NULL;
  }
  const Node *node = peg_rule_body(d, rule);
  d->depth--;
  return d->failed ? NULL : node;
}

const Node *cd_peg_run(Diagnosis *d, PegRule start) { return peg_rule(d, (int)start); }

void cd_peg_reset(Diagnosis *d)
{
  memset(d->memos, 0, (d->tokens.count + 1) * sizeof *d->memos);
  d->mark = 0;
  d->depth = 0;
  d->mistakes = true;
}
