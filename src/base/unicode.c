// SPDX-License-Identifier: MIT
// unicode.c: character properties out of the generated tables
#include "base/unicode.h"

#include "unicode_tables.h"
#include "unicode_names.h"

#include <stdio.h>

static inline const CharRecord *char_record(uint32_t c)
{
  if (UNLIKELY(c >= 0x110000)) return &unicode_records[0];
  uint32_t block = unicode_record_index[c >> UNICODE_RECORD_SHIFT];
  return &unicode_records[unicode_record_data[block << UNICODE_RECORD_SHIFT | (c & ((1u << UNICODE_RECORD_SHIFT) - 1))]];
}
static inline bool char_has(uint32_t c, unsigned flags) { return char_record(c)->flags & flags; }

bool cd_char_is_alpha(uint32_t c) { return char_has(c, CHAR_ALPHA); }
bool cd_char_is_decimal(uint32_t c) { return char_has(c, CHAR_DECIMAL); }
bool cd_char_is_digit(uint32_t c) { return char_has(c, CHAR_DIGIT); }
bool cd_char_is_numeric(uint32_t c) { return char_has(c, CHAR_NUMERIC); }
bool cd_char_is_alnum(uint32_t c) { return char_has(c, CHAR_ALPHA | CHAR_DECIMAL | CHAR_DIGIT | CHAR_NUMERIC); }
bool cd_char_is_space(uint32_t c) { return char_has(c, CHAR_SPACE); }
bool cd_char_is_linebreak(uint32_t c) { return char_has(c, CHAR_LINEBREAK); }
bool cd_char_is_upper(uint32_t c) { return char_has(c, CHAR_UPPER); }
bool cd_char_is_lower(uint32_t c) { return char_has(c, CHAR_LOWER); }
bool cd_char_is_title(uint32_t c) { return char_has(c, CHAR_TITLE); }
bool cd_char_is_printable(uint32_t c) { return char_has(c, CHAR_PRINTABLE); }
bool cd_char_is_cased(uint32_t c) { return char_has(c, CHAR_CASED); }
bool cd_char_is_case_ignorable(uint32_t c) { return char_has(c, CHAR_CASE_IGNORABLE); }
bool cd_char_is_id_start(uint32_t c) { return char_has(c, CHAR_ID_START); }
bool cd_char_is_id_continue(uint32_t c) { return char_has(c, CHAR_ID_CONTINUE); }
bool cd_char_is_mirrored(uint32_t c) { return char_has(c, CHAR_MIRRORED); }
int cd_char_decimal(uint32_t c) { return char_has(c, CHAR_DECIMAL) ? char_record(c)->decimal : -1; }
int cd_char_digit(uint32_t c) { return char_has(c, CHAR_DIGIT) ? char_record(c)->digit : -1; }
int cd_char_combining(uint32_t c) { return char_record(c)->combining; }

const char *cd_unicode_version(void) { return UNICODE_VERSION_TEXT; }
const char *cd_char_category(uint32_t c) { return unicode_categories[char_record(c)->category]; }
const char *cd_char_bidirectional(uint32_t c) { return unicode_bidi_names[char_record(c)->bidi]; }
const char *cd_char_east_asian_width(uint32_t c) { return unicode_width_names[char_record(c)->width]; }

bool cd_char_numeric(uint32_t c, double *out)
{
  if (!char_has(c, CHAR_NUMERIC)) return false;
  *out = unicode_numerics[char_record(c)->numeric];
  return true;
}

bool cd_char_is_in_3_2(uint32_t c)
{
  size_t low = 0, high = ARRAY_LEN(unicode_in_3_2);
  while (low < high) {
    size_t middle = (low + high) / 2;
    if (c > unicode_in_3_2[middle][1]) low = middle + 1;
    else high = middle;
  }
  return low < ARRAY_LEN(unicode_in_3_2) && c >= unicode_in_3_2[low][0];
}

static int char_old(const OldProperty *rows, size_t count, uint32_t c, int fallback)
{
  for (size_t i = 0; i < count; i++)
    if (c >= rows[i].first && c <= rows[i].last) return rows[i].value;
  return fallback;
}
#define CHAR_OLD(field, c, fallback) char_old(unicode_old_##field, ARRAY_LEN(unicode_old_##field), c, fallback)

const char *cd_char_category_3_2(uint32_t c)
{
  return cd_char_is_in_3_2(c) ? unicode_categories[CHAR_OLD(category, c, char_record(c)->category)] : "Cn";
}
const char *cd_char_bidirectional_3_2(uint32_t c)
{
  return cd_char_is_in_3_2(c) ? unicode_bidi_names[CHAR_OLD(bidirectional, c, char_record(c)->bidi)] : "";
}
const char *cd_char_east_asian_width_3_2(uint32_t c)
{
  return unicode_width_names[cd_char_is_in_3_2(c) ? CHAR_OLD(east_asian_width, c, char_record(c)->width) : 0];
}
bool cd_char_is_mirrored_3_2(uint32_t c) { return cd_char_is_in_3_2(c) && CHAR_OLD(mirrored, c, cd_char_is_mirrored(c)); }
int cd_char_decimal_3_2(uint32_t c) { return cd_char_is_in_3_2(c) ? CHAR_OLD(decimal, c, cd_char_decimal(c)) : -1; }
uint32_t cd_char_decomposition_3_2(uint32_t c)
{
  for (size_t i = 0; i < ARRAY_LEN(unicode_old_decompositions); i++)
    if (unicode_old_decompositions[i][0] == c) return unicode_old_decompositions[i][1];
  return 0;
}

// ---- case ----

static const SpecialCase *char_special_case(uint32_t c)
{
  size_t low = 0, high = ARRAY_LEN(unicode_special_cases);
  while (low < high) {
    size_t middle = (low + high) / 2;
    if (unicode_special_cases[middle].code < c) low = middle + 1;
    else high = middle;
  }
  return &unicode_special_cases[low];            // present: the character has CHAR_SPECIAL_CASE
}

static int char_copy_mapping(const uint32_t mapping[3], uint32_t out[3])
{
  int n = 0;
  do out[n] = mapping[n];
  while (++n < 3 && mapping[n]);
  return n;
}

int cd_char_to_upper(uint32_t c, uint32_t out[3])
{
  const CharRecord *record = char_record(c);
  if (UNLIKELY(record->flags & CHAR_SPECIAL_CASE)) return char_copy_mapping(char_special_case(c)->upper, out);
  out[0] = c + (uint32_t)record->upper;
  return 1;
}

int cd_char_to_lower(uint32_t c, uint32_t out[3])
{
  const CharRecord *record = char_record(c);
  if (UNLIKELY(record->flags & CHAR_SPECIAL_CASE)) return char_copy_mapping(char_special_case(c)->lower, out);
  out[0] = c + (uint32_t)record->lower;
  return 1;
}

int cd_char_to_title(uint32_t c, uint32_t out[3])
{
  const CharRecord *record = char_record(c);
  if (UNLIKELY(record->flags & CHAR_SPECIAL_CASE)) return char_copy_mapping(char_special_case(c)->title, out);
  out[0] = c + (uint32_t)record->title;
  return 1;
}

int cd_char_to_folded(uint32_t c, uint32_t out[3])
{
  const CharRecord *record = char_record(c);
  if (UNLIKELY(record->flags & CHAR_SPECIAL_CASE)) return char_copy_mapping(char_special_case(c)->folded, out);
  out[0] = c + (uint32_t)record->lower;          // where folding differs from lower case, the character is special
  return 1;
}

uint32_t cd_char_simple_upper(uint32_t c) { return c + (uint32_t)char_record(c)->upper; }
uint32_t cd_char_simple_lower(uint32_t c) { return c + (uint32_t)char_record(c)->lower; }

const uint32_t *cd_chars_with_lower(size_t *count)
{
  *count = ARRAY_LEN(unicode_with_lower);
  return unicode_with_lower;
}

const uint32_t *cd_chars_with_upper(size_t *count)
{
  *count = ARRAY_LEN(unicode_with_upper);
  return unicode_with_upper;
}

// ---- normal forms ----

// Hangul syllables: core specification, section 3.12.
enum { HANGUL_S = 0xAC00, HANGUL_L = 0x1100, HANGUL_V = 0x1161, HANGUL_T = 0x11A7, HANGUL_L_COUNT = 19, HANGUL_V_COUNT = 21,
       HANGUL_T_COUNT = 28, HANGUL_S_COUNT = HANGUL_L_COUNT * HANGUL_V_COUNT * HANGUL_T_COUNT };

int cd_char_decomposition(uint32_t c, const char **tag, const uint32_t **codes)
{
  if (c >= 0x110000) return 0;
  uint32_t block = unicode_decomposition_index[c >> UNICODE_DECOMPOSITION_SHIFT];
  uint32_t offset = unicode_decomposition_data[block << UNICODE_DECOMPOSITION_SHIFT | (c & ((1u << UNICODE_DECOMPOSITION_SHIFT) - 1))];
  if (!offset) return 0;
  uint32_t header = unicode_decompositions[offset];
  *tag = unicode_decomposition_tags[header >> 8];
  *codes = &unicode_decompositions[offset + 1];
  return (int)(header & 0xFF);
}

uint32_t cd_char_compose(uint32_t first, uint32_t second)
{
  if (first - HANGUL_L < HANGUL_L_COUNT && second - HANGUL_V < HANGUL_V_COUNT)
    return HANGUL_S + ((first - HANGUL_L) * HANGUL_V_COUNT + (second - HANGUL_V)) * HANGUL_T_COUNT;
  if (first - HANGUL_S < HANGUL_S_COUNT && (first - HANGUL_S) % HANGUL_T_COUNT == 0 && second > HANGUL_T &&
      second < HANGUL_T + HANGUL_T_COUNT)
    return first + (second - HANGUL_T);
  size_t low = 0, high = ARRAY_LEN(unicode_compositions);
  while (low < high) {
    size_t middle = (low + high) / 2;
    uint32_t f = unicode_compositions[middle].first, s = unicode_compositions[middle].second;
    if (f < first || (f == first && s < second)) low = middle + 1;
    else high = middle;
  }
  if (low == ARRAY_LEN(unicode_compositions)) return 0;
  bool hit = unicode_compositions[low].first == first && unicode_compositions[low].second == second;
  return hit ? unicode_compositions[low].composed : 0;
}

QuickCheck cd_char_quick_check(uint32_t c, NormalForm form) { return (QuickCheck)(char_record(c)->quick >> (form * 2) & 3); }

// ---- names ----

static const uint8_t *name_put_word(const uint8_t *code, char **out)
{
  const uint8_t *text;
  size_t size;
  if (*code <= NAME_SHORT_WORDS) {
    size_t i = *code++ - 1u;
    text = unicode_short_text + unicode_short_start[i];
    size = (size_t)unicode_short_start[i + 1] - unicode_short_start[i];
  } else {
    size_t i = (code[0] - (NAME_SHORT_WORDS + 1u)) * 255 + code[1] - 1u;
    code += 2;
    text = unicode_long_text + unicode_long_start[i];
    size = (size_t)unicode_long_start[i + 1] - unicode_long_start[i];
  }
  memcpy(*out, text, size);
  *out += size;
  return code;
}

// Number of a code point among the named ones, or -1.
static int32_t name_number(uint32_t c)
{
  size_t low = 0, high = ARRAY_LEN(unicode_name_ranges);
  while (low < high) {
    size_t middle = (low + high) / 2;
    if (c > unicode_name_ranges[middle][1]) low = middle + 1;
    else high = middle;
  }
  if (low == ARRAY_LEN(unicode_name_ranges) || c < unicode_name_ranges[low][0]) return -1;
  return (int32_t)(unicode_name_ranges[low][2] + (c - unicode_name_ranges[low][0]));
}

static bool name_is_ideograph(uint32_t c)
{
  for (size_t i = 0; i < ARRAY_LEN(unicode_ideographs); i++)
    if (c >= unicode_ideographs[i][0] && c <= unicode_ideographs[i][1]) return true;
  return false;
}

int cd_char_name(uint32_t c, char out[CHAR_NAME_SIZE])
{
  _Static_assert(NAME_LONGEST < CHAR_NAME_SIZE, "room for every name");
  if (c - HANGUL_S < HANGUL_S_COUNT) {
    uint32_t s = c - HANGUL_S;
    return snprintf(out, CHAR_NAME_SIZE, "HANGUL SYLLABLE %s%s%s", unicode_jamo_leading[s / (HANGUL_V_COUNT * HANGUL_T_COUNT)],
                    unicode_jamo_vowel[s / HANGUL_T_COUNT % HANGUL_V_COUNT], unicode_jamo_trailing[s % HANGUL_T_COUNT]);
  }
  if (name_is_ideograph(c)) return snprintf(out, CHAR_NAME_SIZE, "CJK UNIFIED IDEOGRAPH-%X", c);
  int32_t number = name_number(c);
  if (number < 0) return 0;
  const uint8_t *code = unicode_name_data + unicode_name_blocks[number / NAME_BLOCK];
  for (int32_t skip = number % NAME_BLOCK; skip; skip--) code = (const uint8_t *)strchr((const char *)code, 0) + 1;
  char *end = out;
  while (*code) {
    if (end != out) *end++ = ' ';
    code = name_put_word(code, &end);
  }
  if (end[-1] == '@') end += sprintf(end - 1, "%04X", c) - 1;
  *end = 0;
  return (int)(end - out);
}

// Finds a word by bisection; its number or -1.
static int name_find_word(const char *word, size_t size, const uint8_t *text, size_t count, size_t (*start)(size_t))
{
  size_t low = 0, high = count;
  while (low < high) {
    size_t middle = (low + high) / 2, at = start(middle), room = start(middle + 1) - at;
    int order = memcmp(text + at, word, room < size ? room : size);
    if (order == 0) order = room < size ? -1 : room > size;
    if (order == 0) return (int)middle;
    if (order < 0) low = middle + 1;
    else high = middle;
  }
  return -1;
}
static size_t name_short_start(size_t i) { return unicode_short_start[i]; }
static size_t name_long_start(size_t i) { return unicode_long_start[i]; }

// Encodes an upper-case name as its words' numbers, between two zero bytes. Returns the bytes, or 0 when a word is unknown.
static size_t name_encode(const char *name, size_t size, uint8_t out[CHAR_NAME_SIZE * 2 + 2])
{
  uint8_t *end = out;
  *end++ = 0;
  for (const char *word = name, *stop = name + size; word <= stop;) {
    const char *space = memchr(word, ' ', (size_t)(stop - word));
    if (!space) space = stop;
    size_t length = (size_t)(space - word);
    int number = name_find_word(word, length, unicode_short_text, NAME_SHORT_WORDS, name_short_start);
    if (number >= 0) {
      *end++ = (uint8_t)(number + 1);
    } else {
      number = name_find_word(word, length, unicode_long_text, NAME_LONG_WORDS, name_long_start);
      if (number < 0) return 0;
      *end++ = (uint8_t)(NAME_SHORT_WORDS + 1 + number / 255);
      *end++ = (uint8_t)(1 + number % 255);
    }
    word = space + 1;
  }
  *end++ = 0;
  return (size_t)(end - out);
}

// The code point whose name starts at `offset` of unicode_name_data.
static uint32_t name_code_at(uint32_t offset)
{
  size_t low = 0, high = ARRAY_LEN(unicode_name_blocks);
  while (high - low > 1) {
    size_t middle = (low + high) / 2;
    if (unicode_name_blocks[middle] <= offset) low = middle;
    else high = middle;
  }
  uint32_t number = (uint32_t)low * NAME_BLOCK;
  for (uint32_t at = unicode_name_blocks[low]; at < offset; at++) number += unicode_name_data[at] == 0;
  size_t i = 0;
  while (i + 1 < ARRAY_LEN(unicode_name_ranges) && unicode_name_ranges[i + 1][2] <= number) i++;
  return unicode_name_ranges[i][0] + (number - unicode_name_ranges[i][2]);
}

// Four or five hexadecimal digits.
static bool name_read_digits(const char *p, const char *end, uint32_t *out)
{
  if (end - p < 4 || end - p > 5) return false;
  for (*out = 0; p < end; p++) {
    if (*p >= '0' && *p <= '9') *out = *out << 4 | (uint32_t)(*p - '0');
    else if (*p >= 'A' && *p <= 'F') *out = *out << 4 | (uint32_t)(*p - 'A' + 10);
    else return false;
  }
  return true;
}

// Names that end in "-" and their own code point: is `name` one? The digits say which.
static bool name_find_numbered(const char *name, size_t size, uint32_t *out)
{
  const char *dash = memrchr(name, '-', size);
  if (!dash || !name_read_digits(dash + 1, name + size, out) || name_is_ideograph(*out)) return false;
  char real[CHAR_NAME_SIZE];
  int length = cd_char_name(*out, real);
  return (size_t)length == size && memcmp(real, name, size) == 0;
}

static int name_find_jamo(const char (*parts)[4], int count, const char **p, const char *end)
{
  int best = -1;
  size_t best_size = 0;
  for (int i = 0; i < count; i++) {
    size_t size = strlen(parts[i]);
    if (size > (size_t)(end - *p) || memcmp(*p, parts[i], size) != 0 || (best >= 0 && size <= best_size)) continue;
    best = i;
    best_size = size;
  }
  *p += best_size;
  return best;
}

static bool name_find_hangul(const char *name, size_t size, uint32_t *out)
{
  static const char prefix[] = "HANGUL SYLLABLE ";
  if (size < sizeof prefix - 1 || memcmp(name, prefix, sizeof prefix - 1) != 0) return false;
  const char *p = name + sizeof prefix - 1, *end = name + size;
  int leading = name_find_jamo(unicode_jamo_leading, HANGUL_L_COUNT, &p, end);
  int vowel = name_find_jamo(unicode_jamo_vowel, HANGUL_V_COUNT, &p, end);
  int trailing = name_find_jamo(unicode_jamo_trailing, HANGUL_T_COUNT, &p, end);
  if (leading < 0 || vowel < 0 || trailing < 0 || p != end) return false;
  *out = (uint32_t)(HANGUL_S + (leading * HANGUL_V_COUNT + vowel) * HANGUL_T_COUNT + trailing);
  return true;
}

static bool name_to_upper(const char *name, size_t size, char out[CHAR_NAME_SIZE])
{
  if (size == 0 || size > NAME_LONGEST) return false;
  for (size_t i = 0; i < size; i++) out[i] = name[i] >= 'a' && name[i] <= 'z' ? (char)(name[i] - 32) : name[i];
  out[size] = 0;
  return true;
}

static bool name_find_ideograph(const char *name, size_t size, uint32_t *out)
{
  static const char prefix[] = "CJK UNIFIED IDEOGRAPH-";
  const char *end = name + size;
  if (size < sizeof prefix - 1 || memcmp(name, prefix, sizeof prefix - 1) != 0 || !name_read_digits(name + sizeof prefix - 1, end, out))
    return false;
  return name_is_ideograph(*out);
}

bool cd_char_lookup_name(const char *name, size_t size, uint32_t *out)
{
  char upper[CHAR_NAME_SIZE];
  if (name_find_hangul(name, size, out) || name_find_ideograph(name, size, out)) return true;      // these in capitals only
  if (!name_to_upper(name, size, upper) || memchr(upper, '@', size)) return false;
  if (name_find_numbered(upper, size, out)) return true;
  uint8_t code[CHAR_NAME_SIZE * 2 + 2];
  size_t length = name_encode(upper, size, code);
  const uint8_t *at = length ? memmem(unicode_name_data, sizeof unicode_name_data, code, length) : NULL;
  if (at) {
    *out = name_code_at((uint32_t)(at - unicode_name_data) + 1);
    return true;
  }
  return false;
}

bool cd_char_lookup(const char *name, size_t size, uint32_t *out)
{
  char upper[CHAR_NAME_SIZE];
  if (cd_char_lookup_name(name, size, out)) return true;
  if (!name_to_upper(name, size, upper)) return false;
  for (size_t i = 0; i < ARRAY_LEN(unicode_name_aliases); i++) {
    if (strcmp(unicode_name_aliases[i].name, upper) != 0) continue;
    *out = unicode_name_aliases[i].code;
    return true;
  }
  return false;
}

int cd_char_lookup_sequence(const char *name, size_t size, uint32_t out[4])
{
  char upper[CHAR_NAME_SIZE];
  if (!name_to_upper(name, size, upper)) return 0;
  for (size_t i = 0; i < ARRAY_LEN(unicode_name_sequences); i++) {
    if (strcmp(unicode_name_sequences[i].name, upper) != 0) continue;
    memcpy(out, unicode_name_sequences[i].codes, sizeof unicode_name_sequences[i].codes);
    return unicode_name_sequences[i].count;
  }
  return 0;
}
