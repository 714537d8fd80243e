// SPDX-License-Identifier: MIT
// ssl_bio.c: MemoryBIO: bytes to and from OpenSSL that a program moves itself
#include "modules/ssl.h"

static Ref ssl_bio_new(VM *vm, Type *type, const Value *args UNUSED, size_t nargs, Value kwnames)
{
  if (!cd_no_keywords(vm, "MemoryBIO", kwnames)) return NO_REF;
  if (nargs) return cd_raise_type(vm, "MemoryBIO() takes no positional arguments");
  SslBio *bio = cd_object_new(vm, type, sizeof *bio);
  if (!bio) return NO_REF;
  if (!(bio->native = BIO_new(BIO_s_mem()))) {
    cd_drop_object(vm, bio);
    return cd_raise_memory(vm);
  }
  BIO_set_retry_read(bio->native);
  BIO_set_mem_eof_return(bio->native, -1);
  return cd_from_object(bio);
}

static void ssl_bio_release(VM *vm UNUSED, Object *self)
{
  BIO_free_all(((SslBio *)self)->native);
  ((SslBio *)self)->native = NULL;
}

METHOD_DEF_(
  ssl_bio_read, "read", "read(self, size=-1, /)",
  "Take up to size bytes out, or all.\n\nNo bytes at all mean that there are none, now or, after write_eof(), for good;\nthe attribute "
  "eof tells which.",
  0)
{
  BIO *bio = ssl_bio_of(self)->native;
  int size = -1;
  if (cd_bits(args[0]) && !cd_to_c_int(vm, args[0], &size)) return NO_REF;
  size_t available = BIO_ctrl_pending(bio), count = size < 0 || (size_t)size > available ? available : (size_t)size;
  if (count > INT_MAX) count = INT_MAX;
  Ref bytes = cd_bytes_new(vm, NULL, count);
  if (!bytes || !count) return bytes;
  int n = BIO_read(bio, cd_bytes_data(bytes), (int)count);
  if (n == (int)count || (n >= 0 && cd_bytes_resize(vm, &bytes, (size_t)n))) return bytes;
  cd_drop(vm, bytes);
  return cd_raised(vm) ? NO_REF : ssl_raise_queue(vm);
}

METHOD_DEF_(ssl_bio_write, "write", "write(self, b, /)", "Put bytes in; returns how many.", 0)
{
  SslBio *bio = ssl_bio_of(self);
  Buffer buffer;
  if (!cd_get_buffer(vm, args[0], &buffer, BUFFER_SIMPLE)) return NO_REF;
  Ref result = NO_REF;
  int n;
  if (buffer.size > INT_MAX) cd_raise_overflow(vm, "string longer than %d bytes", INT_MAX);
  else if (bio->eof) cd_raise(vm, cd_as_type(ssl_state(vm)->error), "cannot write() after write_eof()");
  else if (buffer.size == 0) result = cd_from_small(0);
  else result = (n = BIO_write(bio->native, buffer.data, (int)buffer.size)) < 0 ? ssl_raise_queue(vm) : cd_from_small(n);
  cd_release_buffer(vm, &buffer);
  return result;
}

METHOD_DEF_(ssl_bio_write_eof, "write_eof", "write_eof(self, /)", "Put the end in: once all bytes are read, the attribute eof is True.", 0)
{
  SslBio *bio = ssl_bio_of(self);
  bio->eof = true;
  BIO_clear_retry_flags(bio->native);
  BIO_set_mem_eof_return(bio->native, 0);
  return cd_none();
}

static Ref ssl_bio_get_pending(VM *vm UNUSED, Value self) { return cd_from_small((int64_t)BIO_ctrl_pending(ssl_bio_of(self)->native)); }
static Ref ssl_bio_get_eof(VM *vm UNUSED, Value self)
{
  return cd_bool(ssl_bio_of(self)->eof && BIO_ctrl_pending(ssl_bio_of(self)->native) == 0);
}

static const MethodDef *const ssl_bio_methods[] = {&ssl_bio_read_def, &ssl_bio_write_def, &ssl_bio_write_eof_def, NULL};
static const GetSetDef ssl_bio_getset[] = {
  {"pending", "How many bytes there are to read.", ssl_bio_get_pending, NULL},
  {"eof", "Whether the end has been put in and all before it read.", ssl_bio_get_eof, NULL},
  {0},
};

const TypeSpec cd_ssl_bio_spec = {
  .name = "_ssl.MemoryBIO",
  .basicsize = sizeof(SslBio),
  .flags = TYPE_IMMUTABLE,
  .methods = ssl_bio_methods,
  .getset = ssl_bio_getset,
  .slots = {.new_ = ssl_bio_new, .release = ssl_bio_release},
};
