// SPDX-License-Identifier: MIT
// str_private.h: what the str_*.c files share among themselves
#ifndef CEDE_OBJECTS_STR_PRIVATE_H
#define CEDE_OBJECTS_STR_PRIVATE_H

#include "objects/str.h"

extern const MethodDef *const cd_str_methods[];                  // objects/str_methods.c
// Text of `size` bytes and `length` code points to be written through cd_str_buffer before anyone sees it. Not for sizes below 2.
MUST_USE Ref cd_str_blank(VM *vm, size_t size, size_t length);
static inline char *cd_str_buffer(Value s) { return cd_as_str(s)->data; }
// Bytes [from, to) of s as a str; offsets lie between code points.
MUST_USE Ref cd_str_piece(VM *vm, Value s, size_t from, size_t to);
// Optional slice arguments of find() and the like, which may be None: code points, clamped. `length` is the sequence's.
MUST_USE bool
cd_slice_arguments(VM *vm, Value start, Value stop, size_t length, int64_t *out_start,
                   int64_t *out_stop);   // Arguments (sub[, start[, end]]) of find() and its kin, in their words. `type` is for messages.
MUST_USE bool cd_find_arguments(VM *vm, const char *type, const char *name, const Value *args, size_t nargs, Value kwnames, Value out[3]);

// str.format: fields by number from the tuple `args` (NO_VALUE: format_map, which has none), by name from `mapping` (may be NO_VALUE).
MUST_USE Ref cd_str_format_fields(VM *vm, Value format, Value args, Value mapping);

// memcpy that returns the end of what was written; short pieces, which most are, cost no call.
static inline char *cd_put_bytes(char *out, const char *from, size_t size)
{
  if (size > 16) {
    memcpy(out, from, size);
  } else if (size >= 8) {                        // two words that overlap
    uint64_t head, tail;
    memcpy(&head, from, 8);
    memcpy(&tail, from + size - 8, 8);
    memcpy(out, &head, 8);
    memcpy(out + size - 8, &tail, 8);
  } else if (size >= 4) {
    uint32_t head, tail;
    memcpy(&head, from, 4);
    memcpy(&tail, from + size - 4, 4);
    memcpy(out, &head, 4);
    memcpy(out + size - 4, &tail, 4);
  } else if (size) {
    char first = from[0], middle = from[size / 2], last = from[size - 1];
    out[0] = first;
    out[size / 2] = middle;
    out[size - 1] = last;
  }
  return out + size;
}

// Reads the code points of a str one after the other; ASCII needs no decoding, but the one loop serves both.
typedef struct StrReader { const char *p, *end; } StrReader;
static inline StrReader cd_str_reader(Value s)
{
  const Str *str = cd_as_str(s);
  return (StrReader){str->data, str->data + str->size};
}

#endif
