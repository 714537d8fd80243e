// SPDX-License-Identifier: MIT
// exception_unicode.c: UnicodeEncodeError, UnicodeDecodeError, UnicodeTranslateError
#include "objects/bytes.h"
#include "objects/exception.h"
#include "objects/protocol.h"
#include "objects/raise.h"
#include "objects/str.h"

#include <stdio.h>

void cd_unicode_error_traverse(Object *self, VisitFn visit, void *context)
{
  UnicodeException *e = (UnicodeException *)self;
  cd_exception_traverse(self, visit, context);
  visit(context, e->encoding);
  visit(context, e->object);
  visit(context, e->reason);
}

static void unicode_error_drop_fields(VM *vm, UnicodeException *e)
{
  cd_clear(vm, &e->encoding);
  cd_clear(vm, &e->object);
  cd_clear(vm, &e->reason);
}

void cd_unicode_error_clear(VM *vm, Object *self)
{
  unicode_error_drop_fields(vm, (UnicodeException *)self);
  cd_exception_clear(vm, self);
}

void cd_unicode_error_release(VM *vm, Object *self)
{
  unicode_error_drop_fields(vm, (UnicodeException *)self);
  cd_exception_release(vm, self);
}

// ---- arguments ----

static bool unicode_error_check_str(VM *vm, const Value *args, size_t i)
{
  if (cd_is_str(args[i])) return true;
  if (cd_is_none(args[i])) return cd_raise_type(vm, "argument %d must be str, not None", (int)i + 1);
  return cd_raise_type(vm, "argument %d must be str, not %T", (int)i + 1, args[i]);
}

static bool unicode_error_position(VM *vm, Value v, int64_t *out)
{
  if (cd_is_float(v) || !(cd_is_int(v) || cd_type_of(vm, v)->slots.index))
    return cd_raise_type(vm, "'%T' object cannot be interpreted as an integer", v);
  return cd_to_i64(vm, v, out, vm->exc.OverflowError);
}

// Fills the fields from (encoding, object, start, end, reason), or without the encoding when `count` is 4.
static bool unicode_error_fill(VM *vm, Value self, const Value *args, size_t nargs, size_t count, Ref object)
{
  UnicodeException *e = (UnicodeException *)cd_object(self);
  const Value *rest = args + (count - 3);
  int64_t start, end;
  bool ok = object && unicode_error_position(vm, rest[0], &start) && unicode_error_position(vm, rest[1], &end) &&
            unicode_error_check_str(vm, args, count - 1);
  if (!ok) { cd_drop(vm, object); return false; }
  if (count == 5) cd_replace(vm, &e->encoding, cd_dup(args[0]));
  cd_replace(vm, &e->object, object);
  cd_replace(vm, &e->reason, cd_dup(rest[2]));
  e->start = start;
  e->end = end;
  (void)nargs;
  return true;
}

static bool unicode_error_begin(VM *vm, Value self, const Value *args, size_t nargs, Value kwnames, size_t count)
{
  if (!cd_base_exception_init(vm, self, args, nargs, kwnames)) return false;
  unicode_error_drop_fields(vm, (UnicodeException *)cd_object(self));
  if (nargs != count) return cd_raise_type(vm, "function takes exactly %d arguments (%zu given)", (int)count, nargs);
  return count == 4 || unicode_error_check_str(vm, args, 0);
}

bool cd_unicode_encode_error_init(VM *vm, Value self, const Value *args, size_t nargs, Value kwnames)
{
  return unicode_error_begin(vm, self, args, nargs, kwnames, 5) && unicode_error_check_str(vm, args, 1) &&
         unicode_error_fill(vm, self, args, nargs, 5, cd_dup(args[1]));
}

bool cd_unicode_translate_error_init(VM *vm, Value self, const Value *args, size_t nargs, Value kwnames)
{
  return unicode_error_begin(vm, self, args, nargs, kwnames, 4) && unicode_error_check_str(vm, args, 0) &&
         unicode_error_fill(vm, self, args, nargs, 4, cd_dup(args[0]));
}

bool cd_unicode_decode_error_init(VM *vm, Value self, const Value *args, size_t nargs, Value kwnames)
{
  if (!unicode_error_begin(vm, self, args, nargs, kwnames, 5)) return false;
  Ref object = NO_REF;
  if (cd_is_bytes(args[1])) {
    object = cd_dup(args[1]);
  } else {
    Buffer buffer;
    if (!cd_get_buffer(vm, args[1], &buffer, BUFFER_SIMPLE)) return false;
    object = cd_bytes_new(vm, buffer.data, (size_t)buffer.size);
    cd_release_buffer(vm, &buffer);
  }
  return unicode_error_fill(vm, self, args, nargs, 5, object);
}

// ---- texts ----

static void unicode_error_escape(char out[12], uint32_t c)
{
  snprintf(out, 12, c <= 0xFF ? "\\x%02x" : c <= 0xFFFF ? "\\u%04x" : "\\U%08x", (unsigned)c);
}

static Ref unicode_error_text_of(VM *vm, Value v) { return cd_bits(v) ? cd_str(vm, v) : cd_dup(vm->empty_str); }

typedef enum { UNICODE_TEXT_ENCODE, UNICODE_TEXT_DECODE, UNICODE_TEXT_TRANSLATE } UnicodeTextKind;

static Ref unicode_error_text(VM *vm, Value self, UnicodeTextKind kind)
{
  UnicodeException *e = (UnicodeException *)cd_object(self);
  if (!cd_bits(e->object)) return cd_dup(vm->empty_str);
  Ref reason = unicode_error_text_of(vm, e->reason), encoding = reason ? unicode_error_text_of(vm, e->encoding) : NO_REF, text = NO_REF;
  if (!encoding) goto done;
  long long start = e->start, end = e->end, last = end - 1;
  bool bytes = kind == UNICODE_TEXT_DECODE;
  int64_t length = bytes                  ? (cd_is_bytes(e->object) ? (int64_t)cd_bytes_size(e->object) : 0)
                   : cd_is_str(e->object) ? (int64_t)cd_str_length(e->object)
                                          : 0;
  bool single = start >= 0 && start < length && end == start + 1;
  char escaped[12];
  if (bytes) {
    text = single ? cd_str_format(vm, "'%U' codec can't decode byte 0x%02x in position %lld: %U", encoding,
                                  (unsigned char)cd_bytes_data(e->object)[start], start, reason)
                  : cd_str_format(vm, "'%U' codec can't decode bytes in position %lld-%lld: %U", encoding, start, last, reason);
    goto done;
  }
  if (single) unicode_error_escape(escaped, cd_str_at(vm, e->object, (size_t)start));
  if (kind == UNICODE_TEXT_ENCODE)
    text = single ? cd_str_format(vm, "'%U' codec can't encode character '%s' in position %lld: %U", encoding, escaped, start, reason)
                  : cd_str_format(vm, "'%U' codec can't encode characters in position %lld-%lld: %U", encoding, start, last, reason);
  else
    text = single ? cd_str_format(vm, "can't translate character '%s' in position %lld: %U", escaped, start, reason)
                  : cd_str_format(vm, "can't translate characters in position %lld-%lld: %U", start, last, reason);
done:
  cd_drop(vm, reason);
  cd_drop(vm, encoding);
  return text;
}

Ref cd_unicode_encode_error_str(VM *vm, Value self) { return unicode_error_text(vm, self, UNICODE_TEXT_ENCODE); }
Ref cd_unicode_decode_error_str(VM *vm, Value self) { return unicode_error_text(vm, self, UNICODE_TEXT_DECODE); }
Ref cd_unicode_translate_error_str(VM *vm, Value self) { return unicode_error_text(vm, self, UNICODE_TEXT_TRANSLATE); }

const MemberDef cd_unicode_error_members[] = {
  {"encoding", offsetof(UnicodeException, encoding), MEMBER_VALUE_OR_NONE, true, "name of the encoding"},
  {"object", offsetof(UnicodeException, object), MEMBER_VALUE_OR_NONE, true, "what was being converted"},
  {"start", offsetof(UnicodeException, start), MEMBER_I64, true, "where the trouble begins"},
  {"end", offsetof(UnicodeException, end), MEMBER_I64, true, "where it ends"},
  {"reason", offsetof(UnicodeException, reason), MEMBER_VALUE_OR_NONE, true, "what is wrong"},
  {0},
};
