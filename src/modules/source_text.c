// SPDX-License-Identifier: MIT
// source_text.c: source as compile(), eval(), exec() and symtable() take it
#include "modules/source_text.h"

#include "objects/bytes.h"
#include "objects/protocol.h"
#include "objects/str.h"

void cd_source_text_clear(VM *vm, SourceText *source) { cd_forget(vm, &source->owner); }

// A buffer's bytes may change or lack the NUL behind them: a copy serves.
static bool source_text_copy(VM *vm, SourceText *source, Value v)
{
  Buffer buffer;
  if (!cd_get_buffer(vm, v, &buffer, BUFFER_SIMPLE)) return false;
  source->owner = cd_bytes_new(vm, buffer.data, (size_t)buffer.size);
  cd_release_buffer(vm, &buffer);
  return source->owner != NO_REF;
}

bool cd_source_text_init(VM *vm, SourceText *source, Value v, const char *function, const char *what)
{
  *source = (SourceText){0};
  if (cd_is_str(v)) {
    source->flags = PYCF_SOURCE_IS_UTF8;
    if (!(source->data = cd_str_utf8(vm, v, &source->size))) return false;
    source->owner = cd_dup(v);
  } else {
    if (cd_is_bytes(v)) source->owner = cd_dup(v);
    else if (!cd_has_buffer(vm, v)) return cd_raise_type(vm, "%s() arg 1 must be a %s object", function, what);
    else if (!source_text_copy(vm, source, v)) return false;
    source->data = cd_bytes_data(source->owner);
    source->size = cd_bytes_size(source->owner);
  }
  if (!source->size || !memchr(source->data, 0, source->size)) return true;
  cd_source_text_clear(vm, source);
  return cd_raise_value(vm, "source code string cannot contain null bytes");
}

Ref cd_source_text_compile(VM *vm, const SourceText *source, Value filename, CompileMode mode, int flags, int optimize)
{
  return cd_compile(vm, source->data, source->size, filename, mode, flags | source->flags, optimize);
}

Ref cd_source_filename(VM *vm, Value v)
{
  if (cd_is_str(v)) return cd_dup(v);
  if (!cd_is_bytes(v) && cd_has_buffer(vm, v)) {
    if (!cd_warn(vm, vm->exc.DeprecationWarning, 1, "path should be string, bytes, or os.PathLike, not %T", v)) return NO_REF;
    Buffer buffer;
    if (!cd_get_buffer(vm, v, &buffer, BUFFER_SIMPLE)) return NO_REF;
    Ref name = cd_fs_decode(vm, buffer.data, (size_t)buffer.size);
    cd_release_buffer(vm, &buffer);
    return name;
  }
  Ref bytes = cd_fs_encode(vm, v), name = bytes ? cd_fs_decode(vm, cd_bytes_data(bytes), cd_bytes_size(bytes)) : NO_REF;
  cd_drop(vm, bytes);
  return name;
}
