// SPDX-License-Identifier: MIT
// unicode.h: character properties (Unicode 14) from tables generated at build time; see tools/make_unicode.py
#ifndef CEDE_BASE_UNICODE_H
#define CEDE_BASE_UNICODE_H

#include "base/platform.h"

// The str methods' predicates, by the definitions in the library reference, "Text Sequence Type".
bool cd_char_is_alpha(uint32_t c);
bool cd_char_is_decimal(uint32_t c);
bool cd_char_is_digit(uint32_t c);
bool cd_char_is_numeric(uint32_t c);
bool cd_char_is_alnum(uint32_t c);
bool cd_char_is_space(uint32_t c);
bool cd_char_is_linebreak(uint32_t c);
bool cd_char_is_upper(uint32_t c);
bool cd_char_is_lower(uint32_t c);
bool cd_char_is_title(uint32_t c);
bool cd_char_is_printable(uint32_t c);
bool cd_char_is_cased(uint32_t c);
bool cd_char_is_case_ignorable(uint32_t c);
bool cd_char_is_id_start(uint32_t c);            // XID_Start or '_'
bool cd_char_is_id_continue(uint32_t c);         // XID_Continue
int cd_char_decimal(uint32_t c);                 // 0..9, or -1
int cd_char_digit(uint32_t c);                   // 0..9, or -1

// Full case mappings: write 1 to 3 code points, return how many.
int cd_char_to_upper(uint32_t c, uint32_t out[3]);
int cd_char_to_lower(uint32_t c, uint32_t out[3]);   // without the final-sigma rule
int cd_char_to_title(uint32_t c, uint32_t out[3]);
int cd_char_to_folded(uint32_t c, uint32_t out[3]);
// Simple (one to one) mappings, for `re` and swapcase.
uint32_t cd_char_simple_upper(uint32_t c);
uint32_t cd_char_simple_lower(uint32_t c);
// All characters whose first character of the lower (upper) case mapping is another one, sorted.
const uint32_t *cd_chars_with_lower(size_t *count);
const uint32_t *cd_chars_with_upper(size_t *count);

// ---- the rest of the database, for modules/unicodedata.c and the codecs ----

const char *cd_unicode_version(void);            // "14.0.0"
const char *cd_char_category(uint32_t c);        // "Lu"; "Cn" when unassigned
const char *cd_char_bidirectional(uint32_t c);   // "" when unassigned
const char *cd_char_east_asian_width(uint32_t c);
int cd_char_combining(uint32_t c);
bool cd_char_is_mirrored(uint32_t c);
bool cd_char_numeric(uint32_t c, double *out);

// Unicode 3.2, for unicodedata.ucd_3_2_0: was the character assigned, and what was said of it then.
bool cd_char_is_in_3_2(uint32_t c);
const char *cd_char_category_3_2(uint32_t c);
const char *cd_char_bidirectional_3_2(uint32_t c);
const char *cd_char_east_asian_width_3_2(uint32_t c);
bool cd_char_is_mirrored_3_2(uint32_t c);
int cd_char_decimal_3_2(uint32_t c);
uint32_t cd_char_decomposition_3_2(uint32_t c);  // of those corrected later; 0: as today

// The mapping as the database writes it: count of code points (0: none), and its tag, "<compat>" or "" for canonical ones.
// Hangul syllables, which decompose by rule, have none here.
int cd_char_decomposition(uint32_t c, const char **tag, const uint32_t **codes);
uint32_t cd_char_compose(uint32_t first, uint32_t second);       // primary composite, 0: none; Hangul included
typedef enum { FORM_NFD, FORM_NFKD, FORM_NFC, FORM_NFKC } NormalForm;
typedef enum { QUICK_YES, QUICK_MAYBE, QUICK_NO } QuickCheck;
QuickCheck cd_char_quick_check(uint32_t c, NormalForm form);

#define CHAR_NAME_SIZE 96
int cd_char_name(uint32_t c, char out[CHAR_NAME_SIZE]);          // length without the NUL; 0: no name
bool cd_char_lookup(const char *name, size_t size, uint32_t *out);   // names and aliases, in any case
bool cd_char_lookup_name(const char *name, size_t size, uint32_t *out);   // without aliases
int cd_char_lookup_sequence(const char *name, size_t size, uint32_t out[4]);   // named sequences; 0: none

#endif
