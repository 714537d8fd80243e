// SPDX-License-Identifier: MIT
// unicode.h: character properties (Unicode 15) from tables generated at build time; see tools/make_unicode.py
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

#endif
