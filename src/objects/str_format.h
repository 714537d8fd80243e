// SPDX-License-Identifier: MIT
// str_format.h: the syntax of replacement fields, shared by str.format and modules/_string.c
#ifndef CEDE_OBJECTS_STR_FORMAT_H
#define CEDE_OBJECTS_STR_FORMAT_H

#include "objects/str.h"

// A stretch of the format's bytes; start NULL: absent.
typedef struct FormatPart { const char *start, *end; } FormatPart;

// One step through a format: literal text, and the field after it, if there is one.
typedef struct FormatField {
  FormatPart literal, name, spec;
  uint32_t conversion;                           // 0: none
  bool present, spec_has_fields;
} FormatField;
// Next piece of [*p, end). NEXT_ERROR: ValueError set.
Next cd_format_next_field(VM *vm, const char **p, const char *end, FormatField *out);

// The first part of a field's name, up to '.' or '['; *index is its number, or -1. False: ValueError set.
MUST_USE bool cd_format_name_first(VM *vm, FormatPart name, FormatPart *first, int64_t *index, const char **rest);
// One ".attribute" or "[item]" of [*p, end).
Next cd_format_name_next(VM *vm, const char **p, const char *end, bool *is_attribute, FormatPart *part, int64_t *index);

#endif
