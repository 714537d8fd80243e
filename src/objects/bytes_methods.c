// SPDX-License-Identifier: MIT
// bytes_methods.c: the methods that bytes and bytearray share; results are of the receiver's kind
#include "objects/bytes_private.h"

#include "base/search.h"
#include "base/utf8.h"
#include "objects/codec.h"
#include "objects/list.h"
#include "objects/str_private.h"
#include "objects/tuple.h"

#define BYTE_METHOD(name, sig, doc, flags)                                                    \
  static Ref byte_method_##name(VM *vm, Value self, const Value *args);                         \
  const MethodDef cd_byte_like_##name = {#name, sig, doc, byte_method_##name, NULL, flags};     \
  static Ref byte_method_##name(VM *vm UNUSED, Value self UNUSED, const Value *args UNUSED)

static inline bool byte_is_space(unsigned char c) { return c == ' ' || (c >= 9 && c <= 13); }
static inline bool byte_is_upper(unsigned char c) { return c >= 'A' && c <= 'Z'; }
static inline bool byte_is_lower(unsigned char c) { return c >= 'a' && c <= 'z'; }
static inline bool byte_is_alpha(unsigned char c) { return byte_is_upper(c) || byte_is_lower(c); }
static inline bool byte_is_digit(unsigned char c) { return c >= '0' && c <= '9'; }
static inline char byte_to_upper(char c) { return byte_is_lower((unsigned char)c) ? (char)(c - 32) : c; }
static inline char byte_to_lower(char c) { return byte_is_upper((unsigned char)c) ? (char)(c + 32) : c; }

// bytes is immutable and may stand for its own copy.
static Ref byte_like_same(VM *vm, Value self)
{
  if (cd_is_exact(self, vm->types.bytes)) return cd_dup(self);
  ByteSpan span = cd_byte_span(self);
  return cd_byte_like_new(vm, self, span.data, span.size);
}

static Ref byte_like_piece(VM *vm, Value self, size_t from, size_t to)
{
  ByteSpan span = cd_byte_span(self);
  if (from == 0 && to == span.size) return byte_like_same(vm, self);
  return cd_byte_like_new(vm, self, span.data + from, to - from);
}

static Ref byte_like_from_builder(VM *vm, Value self, ByteBuilder *builder, bool ok)
{
  if (!ok) { cd_byte_builder_clear(builder); return NO_REF; }
  Ref bytes = cd_byte_builder_finish(builder);
  if (!bytes || !cd_is_bytearray(self)) return bytes;
  Ref array = cd_bytearray_new(vm, cd_bytes_data(bytes), cd_bytes_size(bytes));
  cd_drop(vm, bytes);
  return array;
}

// ---- searching ----


static bool byte_like_search(VM *vm, Value self, const Value *args, bool last, int64_t *out)
{
  ByteNeedle needle;
  int64_t from, to;
  if (!cd_slice_arguments(vm, args[1], args[2], cd_byte_span(self).size, &from, &to)) return false;
  if (!cd_byte_needle(vm, args[0], false, &needle)) return false;
  ByteSpan span = cd_byte_span(self);
  if (to > (int64_t)span.size) to = (int64_t)span.size;
  *out = -1;
  if (from <= to) *out = (last ? cd_search_last : cd_search_first)(span.data + from, (size_t)(to - from), needle.data, needle.size);
  if (*out >= 0) *out += from;
  cd_byte_needle_release(vm, &needle);
  return true;
}

// Methods with arguments (sub[, start[, end]]), which are bound to args[0..2].
#define BYTE_FIND_METHOD(name, doc)                                                                                            \
  static Ref byte_find_##name(VM *vm, Value self, const Value *args);                                                          \
  static Ref byte_method_##name(VM *vm, Value self, const Value *args, size_t nargs, Value kwnames)                            \
  {                                                                                                                            \
    Value bound[3];                                                                                                            \
    const char *type = cd_is_bytes(self) ? "bytes" : "bytearray";                                                              \
    return cd_find_arguments(vm, type, #name, args, nargs, kwnames, bound) ? byte_find_##name(vm, self, bound) : NO_REF;        \
  }                                                                                                                            \
  const MethodDef cd_byte_like_##name = {#name, #name "(self, sub, start=None, end=None, /)", doc, NULL, byte_method_##name,   \
                                         METHOD_NO_SIGNATURE | METHOD_RAW_ARGS};                                               \
  static Ref byte_find_##name(VM *vm, Value self, const Value *args)
#define BYTE_SEARCH(name, last, doc)                                                          \
  BYTE_FIND_METHOD(name, doc)                                                                 \
  {                                                                                           \
    int64_t at;                                                                               \
    return byte_like_search(vm, self, args, last, &at) ? cd_from_small(at) : NO_REF;          \
  }
#define BYTE_INDEX(name, last, doc)                                                           \
  BYTE_FIND_METHOD(name, doc)                                                                 \
  {                                                                                           \
    int64_t at;                                                                               \
    if (!byte_like_search(vm, self, args, last, &at)) return NO_REF;                          \
    return at >= 0 ? cd_from_small(at) : cd_raise_value(vm, "subsection not found");          \
  }
BYTE_SEARCH(find, false,
            "B.find(sub[, start[, end]]) -> int\n\nLowest index at which sub, bytes or an integer, is found in B[start:end], else -1.")
BYTE_SEARCH(rfind, true,
            "B.rfind(sub[, start[, end]]) -> int\n\nHighest index at which sub, bytes or an integer, is found in B[start:end], else -1.")
BYTE_INDEX(index, false, "B.index(sub[, start[, end]]) -> int\n\nLike find(), but a ValueError if sub is not found.")
BYTE_INDEX(rindex, true, "B.rindex(sub[, start[, end]]) -> int\n\nLike rfind(), but a ValueError if sub is not found.")

BYTE_FIND_METHOD(count,
                 "B.count(sub[, start[, end]]) -> int\n\nNumber of places, not overlapping, where sub is found in B[start:end].")
{
  ByteNeedle needle;
  int64_t from, to, count = 0;
  if (!cd_slice_arguments(vm, args[1], args[2], cd_byte_span(self).size, &from, &to)) return NO_REF;
  if (!cd_byte_needle(vm, args[0], false, &needle)) return NO_REF;
  ByteSpan span = cd_byte_span(self);
  if (to > (int64_t)span.size) to = (int64_t)span.size;
  if (from <= to)
    count = needle.size == 0 ? to - from + 1
                             : (int64_t)cd_search_count(span.data + from, (size_t)(to - from), needle.data, needle.size, SIZE_MAX);
  cd_byte_needle_release(vm, &needle);
  return cd_from_small(count);
}

static bool byte_like_matches(VM *vm, Value self, int64_t from, int64_t to, Value affix, bool suffix, bool *out)
{
  Buffer buffer;
  if (!cd_get_buffer(vm, affix, &buffer, BUFFER_SIMPLE)) return false;
  ByteSpan span = cd_byte_span(self);
  if (to > (int64_t)span.size) to = (int64_t)span.size;
  *out = from <= to && to - from >= buffer.size &&
         memcmp(span.data + (suffix ? to - buffer.size : from), buffer.data, (size_t)buffer.size) == 0;
  cd_release_buffer(vm, &buffer);
  return true;
}

static Ref byte_like_test_affix(VM *vm, Value self, const Value *args, bool suffix)
{
  const char *name = suffix ? "endswith" : "startswith";
  int64_t from, to;
  bool hit = false;
  if (!cd_slice_arguments(vm, args[1], args[2], cd_byte_span(self).size, &from, &to)) return NO_REF;
  if (!cd_is_tuple(args[0])) {
    if (byte_like_matches(vm, self, from, to, args[0], suffix, &hit)) return cd_bool(hit);
    if (cd_swallow(vm, vm->exc.TypeError))
      cd_raise_type(vm, "%s first arg must be bytes or a tuple of bytes, not %.100T", name, args[0]);
    return NO_REF;
  }
  for (size_t i = 0; i < cd_tuple_size(args[0]) && !hit; i++)
    if (!byte_like_matches(vm, self, from, to, cd_tuple_item_borrow(args[0], i), suffix, &hit)) return NO_REF;
  return cd_bool(hit);
}

BYTE_FIND_METHOD(
  startswith,
  "B.startswith(prefix[, start[, end]]) -> bool\n\nTell whether B[start:end] starts with prefix, or with one of a tuple of them.")
{
  return byte_like_test_affix(vm, self, args, false);
}
BYTE_FIND_METHOD(
  endswith, "B.endswith(suffix[, start[, end]]) -> bool\n\nTell whether B[start:end] ends with suffix, or with one of a tuple of them.")
{
  return byte_like_test_affix(vm, self, args, true);
}

static Ref byte_like_without(VM *vm, Value self, Value affix, bool suffix)
{
  Buffer buffer;
  if (!cd_get_buffer(vm, affix, &buffer, BUFFER_SIMPLE)) return NO_REF;
  ByteSpan span = cd_byte_span(self);
  size_t size = (size_t)buffer.size;
  bool hit = size <= span.size && memcmp(suffix ? span.data + span.size - size : span.data, buffer.data, size) == 0;
  if (!hit) size = 0;
  Ref result = suffix ? byte_like_piece(vm, self, 0, span.size - size) : byte_like_piece(vm, self, size, span.size);
  cd_release_buffer(vm, &buffer);
  return result;
}

BYTE_METHOD(removeprefix, "removeprefix(self, prefix, /)", "Return the bytes without the prefix, if they start with it.", 0)
{
  return byte_like_without(vm, self, args[0], false);
}
BYTE_METHOD(removesuffix, "removesuffix(self, suffix, /)", "Return the bytes without the suffix, if they end with it.", 0)
{
  return byte_like_without(vm, self, args[0], true);
}

// ---- tests, case ----

static Ref byte_like_all(Value self, bool (*test)(unsigned char), bool empty)
{
  ByteSpan span = cd_byte_span(self);
  if (span.size == 0) return cd_bool(empty);
  for (size_t i = 0; i < span.size; i++)
    if (!test((unsigned char)span.data[i])) return cd_false();
  return cd_true();
}
static bool byte_test_alnum(unsigned char c) { return byte_is_alpha(c) || byte_is_digit(c); }
static bool byte_test_alpha(unsigned char c) { return byte_is_alpha(c); }
static bool byte_test_digit(unsigned char c) { return byte_is_digit(c); }
static bool byte_test_space(unsigned char c) { return byte_is_space(c); }

BYTE_METHOD(isalnum, "isalnum(self, /)", "B.isalnum() -> bool\n\nTell whether there are bytes and all are ASCII letters or digits.",
            METHOD_NO_SIGNATURE)
{
  return byte_like_all(self, byte_test_alnum, false);
}
BYTE_METHOD(isalpha, "isalpha(self, /)", "B.isalpha() -> bool\n\nTell whether there are bytes and all are ASCII letters.",
            METHOD_NO_SIGNATURE)
{
  return byte_like_all(self, byte_test_alpha, false);
}
BYTE_METHOD(isascii, "isascii(self, /)", "B.isascii() -> bool\n\nTell whether all bytes are ASCII.", METHOD_NO_SIGNATURE)
{
  return cd_bool(cd_utf8_is_ascii(cd_byte_span(self).data, cd_byte_span(self).size));
}
BYTE_METHOD(isdigit, "isdigit(self, /)", "B.isdigit() -> bool\n\nTell whether there are bytes and all are ASCII digits.",
            METHOD_NO_SIGNATURE)
{
  return byte_like_all(self, byte_test_digit, false);
}
BYTE_METHOD(isspace, "isspace(self, /)", "B.isspace() -> bool\n\nTell whether there are bytes and all are ASCII white space.",
            METHOD_NO_SIGNATURE)
{
  return byte_like_all(self, byte_test_space, false);
}

static Ref byte_like_is_case(Value self, bool upper)
{
  ByteSpan span = cd_byte_span(self);
  bool cased = false;
  for (size_t i = 0; i < span.size; i++) {
    unsigned char c = (unsigned char)span.data[i];
    if (upper ? byte_is_lower(c) : byte_is_upper(c)) return cd_false();
    cased |= byte_is_alpha(c);
  }
  return cd_bool(cased);
}
BYTE_METHOD(islower, "islower(self, /)", "B.islower() -> bool\n\nTell whether there are ASCII letters and all are lower case.",
            METHOD_NO_SIGNATURE)
{
  return byte_like_is_case(self, false);
}
BYTE_METHOD(isupper, "isupper(self, /)", "B.isupper() -> bool\n\nTell whether there are ASCII letters and all are upper case.",
            METHOD_NO_SIGNATURE)
{
  return byte_like_is_case(self, true);
}

BYTE_METHOD(istitle, "istitle(self, /)", "B.istitle() -> bool\n\nTell whether upper case starts words and lower case continues them.",
            METHOD_NO_SIGNATURE)
{
  ByteSpan span = cd_byte_span(self);
  bool cased = false, inside = false;
  for (size_t i = 0; i < span.size; i++) {
    unsigned char c = (unsigned char)span.data[i];
    if (byte_is_upper(c) ? inside : byte_is_lower(c) && !inside) return cd_false();
    inside = byte_is_alpha(c);
    cased |= inside;
  }
  return cd_bool(cased);
}

typedef enum { BYTE_CASE_UPPER, BYTE_CASE_LOWER, BYTE_CASE_SWAP, BYTE_CASE_TITLE, BYTE_CASE_CAPITALIZE } ByteCase;

static Ref byte_like_map_case(VM *vm, Value self, ByteCase mode)
{
  ByteSpan span = cd_byte_span(self);
  Ref result = cd_byte_like_new(vm, self, NULL, span.size);
  if (!result) return NO_REF;
  char *out = cd_byte_span(result).data;
  const char *in = span.data;
  bool inside = false;
  switch (mode) {                                // one loop for each, so that the compiler makes vectors of the first three
  case BYTE_CASE_UPPER: for (size_t i = 0; i < span.size; i++) out[i] = byte_to_upper(in[i]); break;
  case BYTE_CASE_LOWER: for (size_t i = 0; i < span.size; i++) out[i] = byte_to_lower(in[i]); break;
  case BYTE_CASE_SWAP:
    for (size_t i = 0; i < span.size; i++) out[i] = (char)(in[i] ^ (byte_is_alpha((unsigned char)in[i]) ? 32 : 0));
    break;
  case BYTE_CASE_TITLE: case BYTE_CASE_CAPITALIZE:
    for (size_t i = 0; i < span.size; i++) {
      out[i] = inside ? byte_to_lower(in[i]) : byte_to_upper(in[i]);
      inside = mode == BYTE_CASE_CAPITALIZE || byte_is_alpha((unsigned char)in[i]);
    }
    break;
  }
  if (span.size != 1 || !cd_is_bytes(result)) return result;
  Ref shared = cd_bytes_new(vm, out, 1);
  cd_drop(vm, result);
  return shared;
}
BYTE_METHOD(upper, "upper(self, /)", "B.upper() -> copy of B\n\nASCII letters are made upper case.", METHOD_NO_SIGNATURE)
{
  return byte_like_map_case(vm, self, BYTE_CASE_UPPER);
}
BYTE_METHOD(lower, "lower(self, /)", "B.lower() -> copy of B\n\nASCII letters are made lower case.", METHOD_NO_SIGNATURE)
{
  return byte_like_map_case(vm, self, BYTE_CASE_LOWER);
}
BYTE_METHOD(swapcase, "swapcase(self, /)", "B.swapcase() -> copy of B\n\nASCII letters change their case.", METHOD_NO_SIGNATURE)
{
  return byte_like_map_case(vm, self, BYTE_CASE_SWAP);
}
BYTE_METHOD(title, "title(self, /)", "B.title() -> copy of B\n\nASCII words start in upper case and go on in lower case.",
            METHOD_NO_SIGNATURE)
{
  return byte_like_map_case(vm, self, BYTE_CASE_TITLE);
}
BYTE_METHOD(capitalize, "capitalize(self, /)", "B.capitalize() -> copy of B\n\nThe first byte is made upper case, the rest lower case.",
            METHOD_NO_SIGNATURE)
{
  return byte_like_map_case(vm, self, BYTE_CASE_CAPITALIZE);
}

// ---- stripping ----

static Ref byte_like_strip(VM *vm, Value self, Value chars, bool left, bool right)
{
  Buffer buffer = {.owner = NO_VALUE};
  bool space = !chars || cd_is_none(chars);
  if (space) {
    ByteSpan all = cd_byte_span(self);
    size_t start = 0, stop = all.size;
    while (left && start < stop && byte_is_space((unsigned char)all.data[start])) start++;
    while (right && start < stop && byte_is_space((unsigned char)all.data[stop - 1])) stop--;
    return byte_like_piece(vm, self, start, stop);
  }
  if (!cd_get_buffer(vm, chars, &buffer, BUFFER_SIMPLE)) return NO_REF;
  bool member[256] = {false};
  for (int64_t i = 0; i < buffer.size; i++) member[(unsigned char)buffer.data[i]] = true;
  ByteSpan span = cd_byte_span(self);
  size_t from = 0, to = span.size;
  while (left && from < to && member[(unsigned char)span.data[from]]) from++;
  while (right && from < to && member[(unsigned char)span.data[to - 1]]) to--;
  cd_release_buffer(vm, &buffer);
  return byte_like_piece(vm, self, from, to);
}
BYTE_METHOD(strip, "strip(self, bytes=None, /)", "Return the bytes without white space, or without any of the given ones, at both ends.", 0)
{
  return byte_like_strip(vm, self, args[0], true, true);
}
BYTE_METHOD(lstrip, "lstrip(self, bytes=None, /)", "Return the bytes without white space, or without any of the given ones, at the start.",
            0)
{
  return byte_like_strip(vm, self, args[0], true, false);
}
BYTE_METHOD(rstrip, "rstrip(self, bytes=None, /)", "Return the bytes without white space, or without any of the given ones, at the end.", 0)
{
  return byte_like_strip(vm, self, args[0], false, true);
}

// ---- splitting ----

static bool byte_like_append(VM *vm, Value list, Value self, size_t from, size_t to)
{
  return cd_list_append_steal(vm, cd_as_list(list), byte_like_piece(vm, self, from, to));
}

static bool byte_like_split_space(VM *vm, Value self, Value list, int64_t max)
{
  ByteSpan s = cd_byte_span(self);
  for (size_t i = 0;;) {
    while (i < s.size && byte_is_space((unsigned char)s.data[i])) i++;
    if (i == s.size) return true;
    size_t start = i;
    if (max-- == 0) return byte_like_append(vm, list, self, start, s.size);
    while (i < s.size && !byte_is_space((unsigned char)s.data[i])) i++;
    if (!byte_like_append(vm, list, self, start, i)) return false;
  }
}

static bool byte_like_rsplit_space(VM *vm, Value self, Value list, int64_t max)
{
  ByteSpan s = cd_byte_span(self);
  for (size_t i = s.size;;) {
    while (i > 0 && byte_is_space((unsigned char)s.data[i - 1])) i--;
    if (i == 0) return true;
    size_t end = i;
    if (max-- == 0) return byte_like_append(vm, list, self, 0, end);
    while (i > 0 && !byte_is_space((unsigned char)s.data[i - 1])) i--;
    if (!byte_like_append(vm, list, self, i, end)) return false;
  }
}

static bool byte_like_split_by(VM *vm, Value self, const Buffer *sep, Value list, int64_t max)
{
  ByteSpan s = cd_byte_span(self);
  size_t from = 0;
  while (max-- != 0) {
    int64_t at = cd_search_first(s.data + from, s.size - from, sep->data, (size_t)sep->size);
    if (at < 0) break;
    if (!byte_like_append(vm, list, self, from, from + (size_t)at)) return false;
    from += (size_t)(at + sep->size);
  }
  return byte_like_append(vm, list, self, from, s.size);
}

static bool byte_like_rsplit_by(VM *vm, Value self, const Buffer *sep, Value list, int64_t max)
{
  ByteSpan s = cd_byte_span(self);
  size_t to = s.size;
  while (max-- != 0) {
    int64_t at = cd_search_last(s.data, to, sep->data, (size_t)sep->size);
    if (at < 0) break;
    if (!byte_like_append(vm, list, self, (size_t)(at + sep->size), to)) return false;
    to = (size_t)at;
  }
  return byte_like_append(vm, list, self, 0, to);
}

static void byte_like_reverse(Value v)
{
  List *list = cd_as_list(v);
  for (size_t i = 0, j = list->size; i + 1 < j; i++) {
    Value item = list->items[--j];
    list->items[j] = list->items[i];
    list->items[i] = item;
  }
}

static Ref byte_like_split_any(VM *vm, Value self, const Value *args, bool from_right)
{
  int64_t max = -1;
  if (args[1] && !cd_to_ssize(vm, args[1], &max)) return NO_REF;
  if (max < 0) max = -1;
  Buffer sep = {.owner = NO_VALUE};
  bool space = !args[0] || cd_is_none(args[0]), ok = false;
  if (!space && !cd_get_buffer(vm, args[0], &sep, BUFFER_SIMPLE)) return NO_REF;
  Ref list = NO_REF;
  if (!space && sep.size == 0) cd_raise_value(vm, "empty separator");
  else list = cd_list_new(vm);
  if (list) {
    ok = space ? (from_right ? byte_like_rsplit_space : byte_like_split_space)(vm, self, list, max)
               : (from_right ? byte_like_rsplit_by : byte_like_split_by)(vm, self, &sep, list, max);
    if (from_right) byte_like_reverse(list);
  }
  if (!space) cd_release_buffer(vm, &sep);
  if (ok) return list;
  cd_drop(vm, list);
  return NO_REF;
}

BYTE_METHOD(split, "split(self, /, sep=None, maxsplit=-1)",
            "Return a list of the pieces between separators.\n\n  sep\n    What separates; None: runs of ASCII white space, and empty "
            "pieces are left out.\n"
            "  maxsplit\n    Split at most so often, from the left; -1: no limit.",
            0)
{
  return byte_like_split_any(vm, self, args, false);
}
BYTE_METHOD(
  rsplit, "rsplit(self, /, sep=None, maxsplit=-1)",
  "Return a list of the pieces between separators, found from the right.\n\n  sep\n    What separates; None: runs of ASCII white space, "
  "and empty pieces are left out.\n  maxsplit\n    Split at most so often, from the right; -1: no limit.",
  0)
{
  return byte_like_split_any(vm, self, args, true);
}

BYTE_METHOD(splitlines, "splitlines(self, /, keepends=False)", "Return a list of the lines, with their ends only if keepends is true.", 0)
{
  int keep = 0;
  if (args[0] && !cd_to_c_int(vm, args[0], &keep)) return NO_REF;
  Ref list = cd_list_new(vm);
  if (!list) return NO_REF;
  ByteSpan s = cd_byte_span(self);
  for (size_t i = 0; i < s.size;) {
    size_t start = i;
    while (i < s.size && s.data[i] != '\n' && s.data[i] != '\r') i++;
    size_t end = i;
    if (i < s.size) i += s.data[i] == '\r' && i + 1 < s.size && s.data[i + 1] == '\n' ? 2 : 1;
    if (byte_like_append(vm, list, self, start, keep ? i : end)) continue;
    cd_drop(vm, list);
    return NO_REF;
  }
  return list;
}

static Ref byte_like_partition(VM *vm, Value self, Value separator, bool last)
{
  Buffer sep;
  if (!cd_get_buffer(vm, separator, &sep, BUFFER_SIMPLE)) return NO_REF;
  ByteSpan s = cd_byte_span(self);
  Ref result = NO_REF;
  int64_t at = sep.size == 0 ? -1 : (last ? cd_search_last : cd_search_first)(s.data, s.size, sep.data, (size_t)sep.size);
  if (sep.size == 0) cd_raise_value(vm, "empty separator");
  else if (at >= 0) {
    Ref middle = cd_is_exact(separator, vm->types.bytes) && cd_is_bytes(self) ? cd_dup(separator)
                                                                              : cd_byte_like_new(vm, self, sep.data, (size_t)sep.size);
    result = cd_tuple3_steal(vm, byte_like_piece(vm, self, 0, (size_t)at), middle,
                             byte_like_piece(vm, self, (size_t)(at + sep.size), s.size));
  } else {
    Ref whole = byte_like_same(vm, self), e1 = cd_byte_like_new(vm, self, "", 0), e2 = cd_byte_like_new(vm, self, "", 0);
    result = last ? cd_tuple3_steal(vm, e1, e2, whole) : cd_tuple3_steal(vm, whole, e1, e2);
  }
  cd_release_buffer(vm, &sep);
  return result;
}
BYTE_METHOD(partition, "partition(self, sep, /)",
            "Return the part before the first separator, the separator, and the part after it;\nif there is none, all and two empty ones.",
            0)
{
  return byte_like_partition(vm, self, args[0], false);
}
BYTE_METHOD(rpartition, "rpartition(self, sep, /)",
            "Return the part before the last separator, the separator, and the part after it;\nif there is none, two empty ones and all.",
            0)
{
  return byte_like_partition(vm, self, args[0], true);
}

// ---- joining, replacing, padding ----

// Puts the item's bytes behind the separator, if there is one yet.
static bool byte_like_join_item(VM *vm, ByteBuilder *builder, Value separator, Value item, size_t i)
{
  Buffer buffer;
  if (!cd_has_buffer(vm, item) || !cd_get_buffer(vm, item, &buffer, BUFFER_SIMPLE)) {
    if (cd_raised(vm) && !cd_swallow(vm, vm->exc.BufferError) && !cd_swallow(vm, vm->exc.TypeError)) return false;
    return cd_raise_type(vm, "sequence item %zd: expected a bytes-like object, %.80T found", (ptrdiff_t)i, item);
  }
  ByteSpan sep = cd_byte_span(separator);
  bool ok = (i == 0 || cd_byte_builder_put(builder, sep.data, sep.size)) && cd_byte_builder_put(builder, buffer.data, (size_t)buffer.size);
  cd_release_buffer(vm, &buffer);
  return ok;
}

// Joins in one block when all items are exact bytes. NO_REF without an exception: some are not.
static Ref byte_like_join_exact(VM *vm, Value self, Value items)
{
  size_t count = cd_tuple_size(items), size = 0, seps;
  const Value *item = cd_as_tuple(items)->items;
  ByteSpan sep = cd_byte_span(self);
  if (count < 2 || !cd_is_bytes(self) || __builtin_mul_overflow(sep.size, count - 1, &seps)) return NO_REF;
  for (size_t i = 0; i < count; i++)
    if (!cd_is_exact(item[i], vm->types.bytes) || __builtin_add_overflow(size, cd_bytes_size(item[i]), &size)) return NO_REF;
  if (size > INT64_MAX / 2 || seps > INT64_MAX / 2 || size + seps < 2) return NO_REF;
  Ref result = cd_bytes_new(vm, NULL, size + seps);
  if (!result) return NO_REF;
  char *out = cd_bytes_data(result);
  for (size_t i = 0; i < count; i++) {
    if (i) out = mempcpy(out, sep.data, sep.size);
    out = mempcpy(out, cd_bytes_data(item[i]), cd_bytes_size(item[i]));
  }
  return result;
}

BYTE_METHOD(join, "join(self, iterable_of_bytes, /)", "Return the bytes of the iterable, with these ones between them.", 0)
{
  Ref items;
  if (cd_is_list(args[0]) || cd_is_tuple(args[0])) items = cd_is_list(args[0]) ? cd_list_to_tuple(vm, args[0]) : cd_dup(args[0]);
  else {
    Type *type = cd_type_of(vm, args[0]);
    if (!type->slots.iter && !type->slots.getitem) return cd_raise_type(vm, "can only join an iterable");
    items = cd_tuple_from(vm, args[0]);
  }
  if (!items) return NO_REF;
  size_t count = cd_tuple_size(items);
  if (count == 1 && cd_is_bytes(self) && cd_is_exact(cd_tuple_item_borrow(items, 0), vm->types.bytes)) {
    Ref only = cd_dup(cd_tuple_item_borrow(items, 0));
    cd_drop(vm, items);
    return only;
  }
  Ref joined = byte_like_join_exact(vm, self, items);
  if (joined || cd_raised(vm)) { cd_drop(vm, items); return joined; }
  ByteBuilder builder;
  cd_byte_builder_init(&builder, vm);
  bool ok = true;
  for (size_t i = 0; ok && i < count; i++) ok = byte_like_join_item(vm, &builder, self, cd_tuple_item_borrow(items, i), i);
  cd_drop(vm, items);
  return byte_like_from_builder(vm, self, &builder, ok);
}

static Ref byte_like_replace_text(VM *vm, Value self, const Buffer *old, const Buffer *new, int64_t count)
{
  ByteSpan s = cd_byte_span(self);
  size_t old_size = (size_t)old->size, new_size = (size_t)new->size, limit = count < 0 ? SIZE_MAX : (size_t)count;
  size_t hits = old_size ? cd_search_count(s.data, s.size, old->data, old_size, limit) : limit <= s.size ? limit : s.size + 1;
  if (hits == 0) return byte_like_same(vm, self);
  size_t added, size;
  if (__builtin_mul_overflow(hits, new_size, &added) || __builtin_add_overflow(s.size - hits * old_size, added, &size) ||
      size > INT64_MAX / 2)
    return cd_raise_overflow(vm, "replace bytes is too long");
  Ref result = cd_byte_like_new(vm, self, NULL, size);
  if (!result) return NO_REF;
  char *out = cd_byte_span(result).data;
  const char *p = s.data, *end = p + s.size;
  for (size_t i = 0; i < hits; i++) {
    size_t at = old_size ? (size_t)cd_search_first(p, (size_t)(end - p), old->data, old_size) : i > 0;
    out = mempcpy(out, p, at);
    out = mempcpy(out, new->data, new_size);
    p += at + old_size;
  }
  memcpy(out, p, (size_t)(end - p));
  return result;
}

BYTE_METHOD(replace, "replace(self, old, new, count=-1, /)",
            "Return a copy with all occurrences of old, or the first count of them, replaced by new.", 0)
{
  int64_t count = -1;
  Buffer old, new;
  if (!cd_get_buffer(vm, args[0], &old, BUFFER_SIMPLE)) return NO_REF;
  if (!cd_get_buffer(vm, args[1], &new, BUFFER_SIMPLE)) { cd_release_buffer(vm, &old); return NO_REF; }
  Ref result = NO_REF;
  if (!args[2] || cd_to_ssize(vm, args[2], &count)) result = byte_like_replace_text(vm, self, &old, &new, count);
  cd_release_buffer(vm, &new);
  cd_release_buffer(vm, &old);
  return result;
}

static Ref byte_like_padded(VM *vm, Value self, size_t left, size_t right, char fill)
{
  if (left == 0 && right == 0) return byte_like_same(vm, self);
  ByteSpan s = cd_byte_span(self);
  if (left > INT64_MAX / 8 || right > INT64_MAX / 8) return cd_raise_memory(vm);
  Ref result = cd_byte_like_new(vm, self, NULL, s.size + left + right);
  if (!result) return NO_REF;
  char *out = cd_byte_span(result).data;
  s = cd_byte_span(self);
  memset(out, fill, left);
  memcpy(out + left, s.data, s.size);
  memset(out + left + s.size, fill, right);
  return result;
}

static bool byte_like_pad_arguments(VM *vm, Value self, const Value *args, const char *name, int64_t *width, size_t *pad, char *fill)
{
  *fill = ' ';
  if (!cd_to_ssize(vm, args[0], width)) return false;
  if (args[1]) {
    bool fits = (cd_is_bytes(args[1]) || cd_is_bytearray(args[1])) && cd_byte_span(args[1]).size == 1;
    if (!fits) return cd_raise_type(vm, "%s() argument 2 must be a byte string of length 1, not %T", name, args[1]);
    *fill = cd_byte_span(args[1]).data[0];
  }
  int64_t size = (int64_t)cd_byte_span(self).size;
  *pad = *width > size ? (size_t)(*width - size) : 0;
  return true;
}

BYTE_METHOD(center, "center(self, width, fillchar=b' ', /)", "Return the bytes in the middle of the width, with fillchar on both sides.", 0)
{
  int64_t width;
  size_t pad;
  char fill;
  if (!byte_like_pad_arguments(vm, self, args, "center", &width, &pad, &fill)) return NO_REF;
  size_t left = pad / 2 + (pad & (size_t)width & 1);
  return byte_like_padded(vm, self, left, pad - left, fill);
}
BYTE_METHOD(ljust, "ljust(self, width, fillchar=b' ', /)", "Return the bytes at the left of the width, filled with fillchar.", 0)
{
  int64_t width;
  size_t pad;
  char fill;
  return byte_like_pad_arguments(vm, self, args, "ljust", &width, &pad, &fill) ? byte_like_padded(vm, self, 0, pad, fill) : NO_REF;
}
BYTE_METHOD(rjust, "rjust(self, width, fillchar=b' ', /)", "Return the bytes at the right of the width, filled with fillchar.", 0)
{
  int64_t width;
  size_t pad;
  char fill;
  return byte_like_pad_arguments(vm, self, args, "rjust", &width, &pad, &fill) ? byte_like_padded(vm, self, pad, 0, fill) : NO_REF;
}

BYTE_METHOD(zfill, "zfill(self, width, /)", "Return numeric text filled with zeros on the left, after its sign, up to the width.", 0)
{
  int64_t width;
  if (!cd_to_ssize(vm, args[0], &width)) return NO_REF;
  ByteSpan s = cd_byte_span(self);
  size_t pad = width > (int64_t)s.size ? (size_t)width - s.size : 0;
  Ref result = byte_like_padded(vm, self, pad, 0, '0');
  if (!result || pad == 0 || s.size == 0 || (s.data[0] != '+' && s.data[0] != '-')) return result;
  char *out = cd_byte_span(result).data;
  out[0] = out[pad];
  out[pad] = '0';
  return result;
}

BYTE_METHOD(expandtabs, "expandtabs(self, /, tabsize=8)",
            "Return a copy in which tabs are replaced by spaces up to the next column that tabsize divides.", 0)
{
  int tabsize = 8;
  if (args[0] && !cd_to_c_int(vm, args[0], &tabsize)) return NO_REF;
  ByteBuilder builder;
  cd_byte_builder_init(&builder, vm);
  ByteSpan s = cd_byte_span(self);
  size_t column = 0, total = 0;
  bool ok = true;
  for (size_t i = 0; ok && i < s.size; i++) {
    char c = s.data[i];
    size_t width = 1;
    if (c == '\t') {
      width = tabsize > 0 ? (size_t)tabsize - column % (size_t)tabsize : 0;
      column += width;
    } else {
      column = c == '\n' || c == '\r' ? 0 : column + 1;
    }
    total += width;
    if (total > INT64_MAX / 2) { cd_raise_overflow(vm, "result too long"); ok = false; break; }
    ok = cd_byte_builder_fill(&builder, c == '\t' ? ' ' : c, width);
  }
  return byte_like_from_builder(vm, self, &builder, ok);
}

// ---- tables, text ----

BYTE_METHOD(translate, "translate(self, table, /, delete=b'')",
            "Return a copy without the bytes in delete, the others mapped by the table.\n\n  table\n    256 bytes, or None: no mapping.", 0)
{
  Buffer table = {.owner = NO_VALUE}, delete = {.owner = NO_VALUE};
  Ref result = NO_REF;
  bool gone[256] = {false}, mapped = !cd_is_none(args[0]);
  if (mapped && !cd_get_buffer(vm, args[0], &table, BUFFER_SIMPLE)) return NO_REF;
  if (mapped && table.size != 256) { cd_raise_value(vm, "translation table must be 256 characters long"); goto done; }
  if (args[1]) {
    if (!cd_get_buffer(vm, args[1], &delete, BUFFER_SIMPLE)) goto done;
    for (int64_t i = 0; i < delete.size; i++) gone[(unsigned char)delete.data[i]] = true;
  }
  ByteSpan s = cd_byte_span(self);
  ByteBuilder builder;
  cd_byte_builder_init(&builder, vm);
  char *out = cd_byte_builder_reserve(&builder, s.size);
  if (!out) goto done;
  size_t n = 0;
  for (size_t i = 0; i < s.size; i++) {
    unsigned char c = (unsigned char)s.data[i];
    if (!gone[c]) out[n++] = mapped ? table.data[c] : (char)c;
  }
  builder.size = n;
  result = byte_like_from_builder(vm, self, &builder, true);
done:
  if (delete.owner) cd_release_buffer(vm, &delete);
  if (table.owner) cd_release_buffer(vm, &table);
  return result;
}

BYTE_METHOD(maketrans, "maketrans(frm, to, /)",
            "Make a table for translate() that maps each byte of frm to the byte of to at the same place.", METHOD_STATIC)
{
  Buffer from, to;
  if (!cd_get_buffer(vm, args[0], &from, BUFFER_SIMPLE)) return NO_REF;
  if (!cd_get_buffer(vm, args[1], &to, BUFFER_SIMPLE)) { cd_release_buffer(vm, &from); return NO_REF; }
  Ref table = NO_REF;
  if (from.size != to.size) cd_raise_value(vm, "maketrans arguments must have same length");
  else if ((table = cd_bytes_new(vm, NULL, 256))) {
    char *data = cd_bytes_data(table);
    for (int i = 0; i < 256; i++) data[i] = (char)i;
    for (int64_t i = 0; i < from.size; i++) data[(unsigned char)from.data[i]] = to.data[i];
  }
  cd_release_buffer(vm, &to);
  cd_release_buffer(vm, &from);
  return table;
}

BYTE_METHOD(decode, "decode(self, /, encoding='utf-8', errors='strict')",
            "Return the text that the bytes encode.\n\n  encoding\n    The codec's name.\n  errors\n    What to do with malformed input: "
            "'strict', 'ignore', "
            "'replace', or a name given to\n    codecs.register_error().",
            0)
{
  const char *names[2] = {NULL, NULL};
  static const char *const parameters[2] = {"encoding", "errors"};
  for (int i = 0; i < 2; i++) {
    if (!args[i]) continue;
    if (!cd_is_str(args[i])) return cd_raise_arg_type(vm, "decode", parameters[i], "str", args[i]);
    if (!(names[i] = cd_str_utf8(vm, args[i], NULL))) return NO_REF;
    if (strlen(names[i]) != cd_str_size(args[i])) return cd_raise_value(vm, "embedded null character");
  }
  Buffer buffer;
  if (!cd_get_buffer(vm, self, &buffer, BUFFER_SIMPLE)) return NO_REF;    // keeps a bytearray as it is while the codec runs
  bool decode = buffer.size || vm->config.dev_mode;   // which checks the names of the codec and the handler in any case
  Ref text = decode ? cd_codec_decode(vm, self, names[0], names[1], true) : cd_str_from(vm, "");
  cd_release_buffer(vm, &buffer);
  return text;
}

// ---- hexadecimal ----

static int byte_hex_value(unsigned char c)
{
  if (byte_is_digit(c)) return c - '0';
  c |= 32;
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

// Reads pairs of digits with white space between them; the number of bytes, or -1 with *bad (a byte offset) set.
static int64_t byte_read_hex(const char *text, size_t size, char *out, size_t *bad)
{
  int64_t n = 0;
  for (size_t i = 0; i < size;) {
    if (byte_is_space((unsigned char)text[i])) { i++; continue; }
    int high = byte_hex_value((unsigned char)text[i]);
    int low = high >= 0 && i + 1 < size ? byte_hex_value((unsigned char)text[i + 1]) : -1;
    if (low < 0) {
      *bad = high < 0 ? i : i + 1;
      return -1;
    }
    out[n++] = (char)(high << 4 | low);
    i += 2;
  }
  return n;
}

BYTE_METHOD(fromhex, "fromhex(type, string, /)",
            "Make bytes from hexadecimal digits; spaces between two numbers are allowed.\n\nExample: fromhex('B9 01EF').", METHOD_CLASS)
{
  if (!cd_is_str(args[0])) return cd_raise_type(vm, "fromhex() argument must be str, not %T", args[0]);
  size_t size = cd_str_size(args[0]), bad = 0;
  char *scratch = cd_alloc(vm, size / 2 + 1);
  if (!scratch) return NO_REF;
  if (!cd_as_str(args[0])->ascii)                // a character beyond ASCII is reported before any other
    while ((unsigned char)cd_str_data(args[0])[bad] < 128) bad++;
  int64_t n = cd_as_str(args[0])->ascii ? byte_read_hex(cd_str_data(args[0]), size, scratch, &bad) : -1;
  bool array = cd_type_is_subtype(cd_as_type(self), vm->types.bytearray);
  Ref result = n < 0   ? cd_raise_value(vm, "non-hexadecimal number found in fromhex() arg at position %zd",
                                        (ptrdiff_t)cd_str_position(args[0], bad))
               : array ? cd_bytearray_new(vm, scratch, (size_t)n)
                       : cd_bytes_new(vm, scratch, (size_t)n);
  cd_free(vm, scratch, size / 2 + 1);
  if (!result || cd_as_type(self) == vm->types.bytes || cd_as_type(self) == vm->types.bytearray) return result;
  Ref instance = cd_call1(vm, self, result);
  cd_drop(vm, result);
  return instance;
}

// The separator of hex(): one ASCII character, str or bytes; *out -1: none.
static bool byte_hex_separator(VM *vm, Value sep, int *out)
{
  *out = -1;
  if (!sep) return true;
  int64_t length;
  if (!cd_len(vm, sep, &length)) return false;
  if (length != 1) return cd_raise_value(vm, "sep must be length 1.");
  if (cd_is_str(sep)) *out = (int)cd_str_at(vm, sep, 0);
  else if (cd_is_bytes(sep)) *out = (unsigned char)cd_bytes_data(sep)[0];
  else return cd_raise_type(vm, "sep must be str or bytes.");
  return *out < 128 || cd_raise_value(vm, "sep must be ASCII.");
}

Ref cd_bytes_hex(VM *vm, const char *data, size_t size, Value sep, int64_t group)
{
  static const char digits[] = "0123456789abcdef";
  int separator;
  if (!byte_hex_separator(vm, sep, &separator)) return NO_REF;
  size_t width = group < 0 ? -(uint64_t)group : (uint64_t)group;
  bool separate = separator >= 0 && width > 0 && size > 0 && width < size;
  size_t seps = separate ? (size - 1) / width : 0, first = separate && group > 0 ? size % width : 0;
  if (size > INT64_MAX / 4 - seps) return cd_raise_memory(vm);
  if (size == 0) return cd_str_ascii(vm, "", 0);
  Ref text = cd_str_blank(vm, size * 2 + seps, size * 2 + seps);
  if (!text) return NO_REF;
  char *out = cd_str_buffer(text);
  size_t left = !separate ? size : first ? first : width;      // bytes up to the next separator
  for (size_t i = 0; i < size; i++, left--) {
    if (left == 0) {
      *out++ = (char)separator;
      left = width;
    }
    *out++ = digits[(unsigned char)data[i] >> 4];
    *out++ = digits[data[i] & 15];
  }
  return text;
}

BYTE_METHOD(hex, "hex(self, /, sep=b' ', bytes_per_sep=1)",
            "Return the bytes as hexadecimal digits.\n\n  sep\n    A character to put between groups.\n  bytes_per_sep\n    "
            "Size of a group, counted from the right; negative: from the left.\n\nExample: b'\\xb9\\x01\\xef'.hex(':', 2) == 'b9:01ef'.", 0)
{
  int group = 1;
  if (args[1] && !cd_to_c_int(vm, args[1], &group)) return NO_REF;
  Buffer buffer;
  if (!cd_get_buffer(vm, self, &buffer, BUFFER_SIMPLE)) return NO_REF;
  Ref text = cd_bytes_hex(vm, buffer.data, (size_t)buffer.size, args[0], group);
  cd_release_buffer(vm, &buffer);
  return text;
}
