// SPDX-License-Identifier: MIT
// re_program.h: regular expressions: the tree, its two engines, and what they are run on
#ifndef CEDE_MODULES_RE_PROGRAM_H
#define CEDE_MODULES_RE_PROGRAM_H

#include "base/arena.h"
#include "core/vm.h"

// The library's `re` parses a pattern and compiles it to a list of codes. We read the codes back into a tree, in which flags are resolved
// and every character test is a set; the tree is translated into a pattern for PCRE2, whose JIT does nearly all matching, or into
// instructions for our own backtracking engine, which does what PCRE2 can't (repeats beyond 65535, back references without regard to case,
// huge patterns).
//
//   codes --re_program.c--> ReNode tree --re_translate.c--> PCRE2 pattern --re_pcre.c--> match
//                                       \--re_backtrack.c--> instructions and match

// ---- sets of characters ----

typedef struct ReRange { uint32_t low, high; } ReRange;
enum { RE_WORD = 1, RE_NOT_WORD = 2, RE_DIGIT = 4, RE_NOT_DIGIT = 8 };           // Unicode's; ASCII's are ranges

// A character is in the set if (it is in a range or in a category) != negated. Ranges are sorted and apart.
typedef struct ReSet {
  ReRange *ranges;
  uint32_t count;
  uint8_t categories;
  bool negated;
} ReSet;
bool cd_re_set_has(const ReSet *set, uint32_t c);

// ---- the tree ----

typedef enum ReKind {
  RE_EMPTY, RE_FAIL,
  RE_SET,                                        // one character of `set`
  RE_SEQUENCE, RE_BRANCH,                        // children in order
  RE_REPEAT,                                     // child, min to max times
  RE_GROUP,                                      // child, captured as `number` (from 1)
  RE_BACKREF,                                    // text of group `number` again, compared by `mode`
  RE_CONDITION,                                  // first child if group `number` took part, else the second
  RE_LOOK,                                       // child ahead, or `min` characters behind with `behind`; `negated`
  RE_ATOMIC,
  RE_AT,                                         // a position, `mode` a ReAt
} ReKind;
typedef enum { RE_GREEDY, RE_LAZY, RE_POSSESSIVE } ReGreed;
typedef enum { RE_EXACT, RE_FOLD_ASCII, RE_FOLD_LOCALE, RE_FOLD_UNICODE } ReFold;
typedef enum { RE_AT_START, RE_AT_LINE_START, RE_AT_END, RE_AT_LINE_END, RE_AT_VERY_END, RE_AT_BOUNDARY, RE_AT_NOT_BOUNDARY,
               RE_AT_LOCALE_BOUNDARY, RE_AT_NOT_LOCALE_BOUNDARY, RE_AT_UNICODE_BOUNDARY, RE_AT_NOT_UNICODE_BOUNDARY } ReAt;

#define RE_UNLIMITED UINT32_MAX
typedef struct ReNode ReNode;
struct ReNode {
  uint8_t kind, mode;
  bool negated, behind;
  uint32_t number, min, max;
  ReSet set;
  ReNode *child, *next;
};

typedef struct ReTree {
  Arena arena;
  ReNode *root;
  uint32_t groups;
  bool bytes;                                    // characters are 0..255
  bool locale;                                   // sets depend on the C locale
  bool groups_in_repeats;                        // which group closed last is not known from the text alone
  uint32_t *closing;                             // groups in the order in which they close, `groups` entries
} ReTree;

// lower and upper case of one character, as `re` sees them.
uint32_t cd_re_lower(uint32_t c);
uint32_t cd_re_upper(uint32_t c);

// Reads codes into a tree. False: exception, RuntimeError "invalid SRE code" if they make no sense. The tree is cleared then.
MUST_USE bool cd_re_tree_read(VM *vm, ReTree *tree, const uint32_t *code, size_t size, uint32_t groups, bool bytes);
void cd_re_tree_clear(ReTree *tree);

// ---- subjects and results ----

// What is matched: bytes, or text as WTF-8. `end` cuts it short (endpos).
typedef struct ReSubject { const char *data; size_t end; bool utf8; } ReSubject;
typedef enum { RE_SEARCH, RE_MATCH, RE_FULLMATCH, RE_MODES } ReMode;
#define RE_UNSET SIZE_MAX
typedef enum { RE_RUN_ERROR = -1, RE_RUN_NO = 0, RE_RUN_YES = 1, RE_RUN_UNFIT = 2 } ReResult;    // UNFIT: this engine can't do it

// offsets: 2 * (groups + 1) byte offsets, RE_UNSET where a group took no part. last_group: the group that closed last, 0: none.
// not_empty_at_start refuses an empty match at `start`.
typedef struct ReRequest {
  const ReSubject *subject;
  size_t start;
  ReMode mode;
  bool not_empty_at_start;
  size_t *offsets;
  uint32_t last_group;
} ReRequest;

// ---- PCRE2 (re_translate.c, re_pcre.c) ----

// Per VM: contexts and the JIT's stack.
typedef struct RePcre RePcre;
RePcre *cd_re_pcre_new(VM *vm);                  // NULL: MemoryError
void cd_re_pcre_free(VM *vm, RePcre *pcre);

// A pattern for PCRE2, for subjects whose characters are all <= limit (127, 255 or 0x10FFFF). False: exception, or nothing set when it
// can't be expressed. The text is to be freed with cd_free(vm, text, capacity).
typedef struct RePcreText { char *text; size_t size, capacity; } RePcreText;
MUST_USE bool cd_re_translate(VM *vm, const ReTree *tree, uint32_t limit, ReMode mode, RePcreText *out);

// The compiled forms of one expression, made when first needed: [narrow or UTF-8][mode][interruptible].
typedef struct RePcreCode { void *code; bool jit, tried; } RePcreCode;
typedef struct RePcreForms {
  RePcreCode forms[2][RE_MODES][2];
  void *match_data;                              // NULL while in use
} RePcreForms;
void cd_re_pcre_clear(VM *vm, RePcreForms *forms);
MUST_USE ReResult cd_re_pcre_run(VM *vm, RePcre *pcre, RePcreForms *forms, const ReTree *tree, ReRequest *request);

// ---- our own engine (re_backtrack.c) ----

typedef struct ReCode ReCode;                    // instructions; lives in the tree's arena
MUST_USE ReCode *cd_re_assemble(VM *vm, ReTree *tree);           // NULL: exception
MUST_USE ReResult cd_re_backtrack(VM *vm, const ReTree *tree, const ReCode *code, ReRequest *request);

#endif
