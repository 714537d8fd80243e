// SPDX-License-Identifier: MIT
// bytes_private.h: what bytes and bytearray share
#ifndef CEDE_OBJECTS_BYTES_PRIVATE_H
#define CEDE_OBJECTS_BYTES_PRIVATE_H

#include "objects/bytes.h"
#include "objects/protocol.h"

// The contents of a bytes or a bytearray. Of a bytearray valid until something may have changed it: take it after arguments were converted.
typedef struct ByteSpan { char *data; size_t size; } ByteSpan;
static inline ByteSpan cd_byte_span(Value v)
{
  if (cd_is_bytes(v)) return (ByteSpan){cd_bytes_data(v), cd_bytes_size(v)};
  return (ByteSpan){cd_as_bytearray(v)->data, cd_as_bytearray(v)->size};
}
// A bytes or bytearray, as `like` is one. data NULL: to be filled through cd_byte_span(result).data; then sizes 0 and 1 are never shared.
MUST_USE Ref cd_byte_like_new(VM *vm, Value like, const char *data, size_t size);
MUST_USE bool cd_byte_from_value(VM *vm, Value v, const char *range_message, unsigned char *out);   // an int in range(256)
// `item in self`, find: an int or a bytes-like object, as a one-byte or a real buffer. `strict_type`: TypeErrors as `in` words them.
typedef struct ByteNeedle { const char *data; size_t size; char byte; Buffer buffer; } ByteNeedle;
MUST_USE bool cd_byte_needle(VM *vm, Value v, bool as_in, ByteNeedle *out);
void cd_byte_needle_release(VM *vm, ByteNeedle *needle);
// b'...': with the quote chosen as repr does; bytearray also escapes ' inside ".
MUST_USE Ref cd_byte_repr(VM *vm, const char *data, size_t size, const char *prefix, const char *suffix, bool escape_single);
// The bytes of a source for bytes() and bytearray(): buffer or iterable of ints; `type_name` is for messages.
MUST_USE Ref cd_bytes_from_iterable(VM *vm, Value v, const char *type_name, const char *range_message);
// The items of an exact list or tuple into out, one byte each. false, without an exception: some are not small ints in range(256).
MUST_USE bool cd_bytes_from_smalls(Value v, char *out);
MUST_USE Ref cd_bytes_percent(VM *vm, Value format, Value args);  // str_percent.c: bytes or bytearray % args
MUST_USE Ref cd_bytes_hex(VM *vm, const char *data, size_t size, Value sep, int64_t group);   // sep NO_VALUE: none

#define BYTE_LIKE_METHODS(X)                                                                                                    \
  X(capitalize) X(center) X(count) X(decode) X(endswith) X(expandtabs) X(find) X(fromhex) X(hex) X(index) X(isalnum) X(isalpha) \
  X(isascii) X(isdigit) X(islower) X(isspace) X(istitle) X(isupper) X(join) X(ljust) X(lower) X(lstrip) X(maketrans)            \
  X(partition) X(removeprefix) X(removesuffix) X(replace) X(rfind) X(rindex) X(rjust) X(rpartition) X(rsplit) X(rstrip)         \
  X(split) X(splitlines) X(startswith) X(strip) X(swapcase) X(title) X(translate) X(upper) X(zfill)
#define BYTE_LIKE_DECLARE(name) extern const MethodDef cd_byte_like_##name;
BYTE_LIKE_METHODS(BYTE_LIKE_DECLARE)
#undef BYTE_LIKE_DECLARE
#define BYTE_LIKE_ENTRY(name) &cd_byte_like_##name,

#endif
