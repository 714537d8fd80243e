// SPDX-License-Identifier: MIT
// re_translate.h: from the instructions of re/_compiler.py to a PCRE2 pattern
#ifndef CEDE_MODULES_RE_TRANSLATE_H
#define CEDE_MODULES_RE_TRANSLATE_H

#include "core/vm.h"

#define SRE_MAXREPEAT UINT32_C(4294967295)

enum { SRE_FLAG_IGNORECASE = 2, SRE_FLAG_LOCALE = 4, SRE_FLAG_MULTILINE = 8, SRE_FLAG_DOTALL = 16, SRE_FLAG_UNICODE = 32, SRE_FLAG_VERBOSE = 64, SRE_FLAG_ASCII = 256 };

typedef struct ReTranslation {
  char *text;                                    // cd_alloc'ed, `capacity` bytes
  size_t size, capacity;
  uint16_t *close_order;                         // for each group (from 1): when its end comes, counted from 1; cd_alloc'ed, `groups` + 1 entries
  uint32_t groups;
} ReTranslation;

// Characters whose simple lower case is another one, sorted by that; made once in a VM.
typedef struct CasePair { uint32_t lower, character; } CasePair;
typedef struct CaseTable { CasePair *pairs; size_t count, capacity; } CaseTable;
MUST_USE bool cd_re_case_table(VM *vm, CaseTable *table);

// Translates `count` instructions. `wide` is a pattern for str (UTF-8, Unicode properties on), else for bytes. RuntimeError "invalid SRE code" for
// broken code. false: exception set, nothing to free.
MUST_USE bool cd_re_translate(VM *vm, const CaseTable *cases, const uint32_t *code, size_t count, uint32_t groups, bool wide, ReTranslation *out);
void cd_re_translation_clear(VM *vm, ReTranslation *t);

#endif
