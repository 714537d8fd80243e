// SPDX-License-Identifier: MIT
// io_base.c: the abstract streams _IOBase, _RawIOBase, _BufferedIOBase, _TextIOBase (library reference, "io")
#include "modules/io.h"

#include <errno.h>

#define UNSUPPORTED_METHOD(type, name, sig, doc) \
  METHOD(type, name, sig, doc) { return cd_io_unsupported(vm, #name); }
#define UNSUPPORTED_METHOD_RAW(type, name, sig, doc) \
  METHOD_RAW(type, name, sig, doc) { return cd_io_unsupported(vm, #name); }

Ref cd_io_unsupported(VM *vm, const char *message)
{
  Ref text = cd_str_from(vm, message);
  if (!text) return NO_REF;
  Value type = cd_io_unsupported_type(vm);
  if (type) cd_raise_with(vm, cd_as_type(type), text);
  cd_drop(vm, text);
  return NO_REF;
}

bool cd_io_is_closed(VM *vm, Value stream, bool *out)
{
  Ref closed = cd_getattr(vm, stream, io_name(vm, IO_CLOSED));
  if (!closed) return false;
  bool ok = cd_truth(vm, closed, out);
  cd_drop(vm, closed);
  return ok;
}

bool cd_io_check_closed(VM *vm, Value stream)
{
  bool closed;
  if (!cd_io_is_closed(vm, stream, &closed)) return false;
  return !closed || cd_raise_value(vm, "I/O operation on closed file.");
}

bool cd_io_has_only(Value stream, Value name)
{
  const AttributeHead *own = &((const IoBase *)cd_object(stream))->attributes;
  return !own->dict && (!own->shape || !own->shape->count || (own->shape->count == 1 && cd_is(own->shape->name, name)));
}

bool cd_io_set_own(VM *vm, Value stream, Type *exact, Value name, Value value)
{
  return cd_is_exact(stream, exact) ? cd_instance_set(vm, cd_object(stream), name, value) : cd_setattr(vm, stream, name, value);
}

bool cd_io_check_flag(VM *vm, Value stream, int name, const char *message)
{
  bool known;
  if (cd_io_known(vm, stream, name, &known)) return known || cd_io_unsupported(vm, message);
  Ref answer = cd_call_method0(vm, stream, io_name(vm, name));
  if (!answer) return false;
  bool yes = cd_is_true(answer);
  cd_drop(vm, answer);
  return yes || cd_io_unsupported(vm, message);
}

bool cd_io_call_void(VM *vm, Value stream, Value name)
{
  Ref result = cd_call_method0(vm, stream, name);
  if (!result) return false;
  cd_drop(vm, result);
  return true;
}

bool cd_io_size(VM *vm, Value v, int64_t *out)
{
  *out = -1;
  if (!v || cd_is_none(v)) return true;
  Ref index = cd_index(vm, v);
  if (!index) {
    if (cd_raised_is(vm, vm->exc.TypeError) && !cd_is_int(v)) {
      cd_clear_raised(vm);
      return cd_raise_type(vm, "argument should be integer or None, not '%T'", v);
    }
    return false;
  }
  bool ok = cd_to_i64(vm, index, out, vm->exc.OverflowError);
  cd_drop(vm, index);
  return ok;
}

Ref cd_io_forward(VM *vm, Value target, int name) { return cd_call_method0(vm, target, io_name(vm, name)); }

bool cd_io_trap_interrupt(VM *vm)
{
  if (!cd_raised_is(vm, vm->exc.InterruptedError)) return false;
  cd_clear_raised(vm);
  return cd_poll(vm);
}

// ---- _IOBase ----

static IoBase *as_io(Value self) { return (IoBase *)cd_object(self); }

UNSUPPORTED_METHOD_RAW(iobase, seek, "seek(self, offset, whence=os.SEEK_SET, /)", "Move the stream position and return the new one.")
UNSUPPORTED_METHOD_RAW(iobase, truncate, NULL, "Resize the stream to size bytes, by default to the current position.")
UNSUPPORTED_METHOD(iobase, fileno, "fileno(self, /)", "The file descriptor under the stream; OSError if there is none.")

METHOD(iobase, tell, "tell(self, /)", "The stream position.")
{
  Value arguments[2] = {cd_from_small(0), cd_from_small(1)};
  return cd_call_method(vm, self, N(seek), arguments, 2);
}

METHOD(iobase, flush, "flush(self, /)", "Write out what is buffered. Does nothing on read-only streams.")
{
  if (as_io(self)->base_closed) return cd_raise_value(vm, "I/O operation on closed file.");
  return cd_none();
}

METHOD(iobase, close, "close(self, /)", "Flush and close the stream; closing twice is fine.")
{
  if (as_io(self)->base_closed) return cd_none();
  bool ok = cd_io_call_void(vm, self, N(flush));
  as_io(self)->base_closed = true;
  return ok ? cd_none() : NO_REF;
}

static Ref iobase_get_closed(VM *vm, Value self) { return cd_bool(as_io(self)->base_closed); }

METHOD(iobase, seekable, "seekable(self, /)", "Can the stream seek?")
{
  return cd_false();
}
METHOD(iobase, readable, "readable(self, /)", "Can the stream be read?")
{
  return cd_false();
}
METHOD(iobase, writable, "writable(self, /)", "Can the stream be written?")
{
  return cd_false();
}
METHOD(iobase, isatty, "isatty(self, /)", "Is the stream a terminal?")
{
  return cd_io_check_closed(vm, self) ? cd_false() : NO_REF;
}

static Ref io_check_ok(VM *vm, Value self, bool ok) { return ok ? cd_none() : NO_REF; }
METHOD(iobase, _checkClosed, "_checkClosed(self, msg=None, /)", "ValueError if the stream is closed.")
{
  return io_check_ok(vm, self, cd_io_check_closed(vm, self));
}
METHOD(iobase, _checkSeekable, "_checkSeekable(self, /)", "UnsupportedOperation if the stream cannot seek.")
{
  return io_check_ok(vm, self, cd_io_check_flag(vm, self, IO_SEEKABLE, "File or stream is not seekable."));
}
METHOD(iobase, _checkReadable, "_checkReadable(self, /)", "UnsupportedOperation if the stream cannot be read.")
{
  return io_check_ok(vm, self, cd_io_check_flag(vm, self, IO_READABLE, "File or stream is not readable."));
}
METHOD(iobase, _checkWritable, "_checkWritable(self, /)", "UnsupportedOperation if the stream cannot be written.")
{
  return io_check_ok(vm, self, cd_io_check_flag(vm, self, IO_WRITABLE, "File or stream is not writable."));
}

METHOD(iobase, __enter__, "__enter__(self, /)", "The stream itself, which must be open.")
{
  return cd_io_check_closed(vm, self) ? cd_dup(self) : NO_REF;
}
METHOD_RAW(iobase, __exit__, "__exit__(self, /, *exc)", "Close the stream.")
{
  return cd_call_method0(vm, self, N(close));
}

// How many bytes one read of readline may take: up to a newline that peek() shows, else one.
static bool io_peek_line(VM *vm, Value self, Value peek, int64_t limit, int64_t taken, int64_t *count)
{
  *count = 1;
  Ref ahead = cd_call1(vm, peek, cd_from_small(1));
  if (!ahead) {
    *count = 0;
    return cd_io_trap_interrupt(vm);
  }
  if (!cd_is_bytes(ahead)) {
    cd_raise(vm, vm->exc.OSError, "peek() should have returned a bytes object, not '%T'", ahead);
    cd_drop(vm, ahead);
    return false;
  }
  size_t size = cd_bytes_size(ahead);
  if (size) {
    const char *data = cd_bytes_data(ahead), *end = memchr(data, '\n', size);
    *count = end ? end - data + 1 : (int64_t)size;
    if (limit >= 0 && *count > limit - taken) *count = limit - taken;
  }
  cd_drop(vm, ahead);
  return true;
}

METHOD(iobase, readline, "readline(self, size=-1, /)", "One line, at most size bytes when size is not negative.")
{
  int64_t limit, taken = 0, count = 1;
  Ref peek = NO_REF, line = NO_REF;
  if (!cd_io_size(vm, args[0], &limit)) return NO_REF;
  if (cd_getattr_find(vm, self, io_name(vm, IO_PEEK), &peek) == FIND_ERROR) return NO_REF;
  if (!(line = cd_bytearray_new(vm, "", 0))) goto fail;
  while (limit < 0 || taken < limit) {
    count = 1;
    if (peek) {
      if (!io_peek_line(vm, self, peek, limit, taken, &count)) goto fail;
      if (!count) continue;
    }
    Ref size = cd_from_small(count), piece = cd_call_method1(vm, self, N(read), size);
    if (!piece) {
      if (cd_io_trap_interrupt(vm)) continue;
      goto fail;
    }
    if (!cd_is_bytes(piece)) {
      cd_raise(vm, vm->exc.OSError, "read() should have returned a bytes object, not '%T'", piece);
      cd_drop(vm, piece);
      goto fail;
    }
    size_t got = cd_bytes_size(piece);
    bool ok = cd_bytearray_resize(vm, cd_as_bytearray(line), (size_t)taken + got);
    if (ok) memcpy(cd_as_bytearray(line)->data + taken, cd_bytes_data(piece), got);
    cd_drop(vm, piece);
    if (!ok) goto fail;
    taken += (int64_t)got;
    if (!got || cd_as_bytearray(line)->data[taken - 1] == '\n') break;
  }
  cd_drop(vm, peek);
  Ref result = cd_bytes_new(vm, cd_as_bytearray(line)->data, cd_as_bytearray(line)->size);
  cd_drop(vm, line);
  return result;

fail:
  cd_drop(vm, peek);
  cd_drop(vm, line);
  return NO_REF;
}

METHOD(iobase, readlines, "readlines(self, hint=-1, /)", "A list of lines; stops after hint bytes when hint is positive.")
{
  int64_t hint, total = 0, size;
  if (!cd_io_size(vm, args[0], &hint)) return NO_REF;
  Ref list = cd_list_new(vm), iter = NO_REF, line;
  if (!list || !(iter = cd_iter(vm, self))) goto fail;
  Next next;
  while ((next = cd_next(vm, iter, &line)) == NEXT_ITEM) {
    bool ok = hint <= 0 || cd_len(vm, line, &size);
    if (!ok) cd_drop(vm, line);
    if (!ok || !cd_list_append_steal(vm, cd_as_list(list), line)) goto fail;
    if (hint > 0 && (total += size) >= hint) break;
  }
  if (next == NEXT_ERROR) goto fail;
  cd_drop(vm, iter);
  return list;

fail:
  cd_drop(vm, iter);
  cd_drop(vm, list);
  return NO_REF;
}

METHOD(iobase, writelines, "writelines(self, lines, /)", "Write each of the lines; no newlines are added.")
{
  if (!cd_io_check_closed(vm, self)) return NO_REF;
  Ref iter = cd_iter(vm, args[0]), line;
  if (!iter) return NO_REF;
  Next next;
  while ((next = cd_next(vm, iter, &line)) == NEXT_ITEM) {
    Ref result;
    do result = cd_call_method1(vm, self, N(write), line);
    while (!result && cd_io_trap_interrupt(vm));
    cd_drop(vm, line);
    if (!result) { next = NEXT_ERROR; break; }
    cd_drop(vm, result);
  }
  cd_drop(vm, iter);
  return next == NEXT_ERROR ? NO_REF : cd_none();
}

static Ref iobase_iter(VM *vm, Value self) { return cd_io_check_closed(vm, self) ? cd_dup(self) : NO_REF; }

static Next iobase_next(VM *vm, Value self, Ref *out)
{
  int64_t size;
  Ref line = cd_call_method0(vm, self, N(readline));
  if (!line) return NEXT_ERROR;
  if (!cd_len(vm, line, &size) || size == 0) {
    cd_drop(vm, line);
    return cd_raised(vm) ? NEXT_ERROR : NEXT_DONE;
  }
  *out = line;
  return NEXT_ITEM;
}

// A stream that is dropped while open closes itself; errors of that go nowhere, as there is nobody to tell (except in development mode).
void cd_io_base_finalize(VM *vm, Value self)
{
  Ref pending = cd_take_raised(vm);
  bool closed = true;
  if (!cd_io_is_closed(vm, self, &closed)) {
    cd_clear_raised(vm);
    closed = false;
  }
  if (!closed) {
    if (!cd_setattr(vm, self, io_name(vm, IO_FINALIZING), cd_true())) cd_clear_raised(vm);
    if (!cd_io_call_void(vm, self, N(close))) {
      if (vm->config.dev_mode) cd_write_unraisable(vm, self);
      else cd_clear_raised(vm);
    }
  }
  cd_restore_raised(vm, pending);
}

static void iobase_traverse(Object *self, VisitFn visit, void *context) { (void)self, (void)visit, (void)context; }

static const MethodDef *const iobase_methods[] = {
  &iobase_seek_def,           &iobase_tell_def,           &iobase_truncate_def,  &iobase_flush_def,        &iobase_close_def,
  &iobase_seekable_def,       &iobase_readable_def,       &iobase_writable_def,  &iobase__checkClosed_def, &iobase__checkSeekable_def,
  &iobase__checkReadable_def, &iobase__checkWritable_def, &iobase_fileno_def,    &iobase_isatty_def,       &iobase___enter___def,
  &iobase___exit___def,       &iobase_readline_def,       &iobase_readlines_def, &iobase_writelines_def,   NULL};
static const GetSetDef iobase_getset[] = {{"closed", "Is the stream closed?", iobase_get_closed, NULL}, {NULL, NULL, NULL, NULL}};

// Classes derived in Python may have any arguments for their __init__, or none at all.
static Ref iobase_new(VM *vm, Type *type, const Value *args UNUSED, size_t nargs UNUSED, Value kwnames UNUSED)
{
  return cd_object_new_slot(vm, type, NULL, 0, NO_VALUE);
}

const TypeSpec cd_io_base_spec = {
  .name = "_io._IOBase", .doc = "What all streams have in common; most methods say UnsupportedOperation.", .basicsize = sizeof(IoBase),
  .flags = IO_BASE_TYPE_FLAGS, IO_BASE_OFFSETS, .methods = iobase_methods, .getset = iobase_getset,
  .slots = {.new_ = iobase_new,
            .iter = iobase_iter,
            .next = iobase_next,
            .finalize = cd_io_base_finalize,
            .traverse = iobase_traverse}};

// ---- _RawIOBase ----

METHOD(rawbase, read, "read(self, size=-1, /)", "Up to size bytes by one readinto(); all of them when size is negative. None: would block.")
{
  int64_t size;
  if (!cd_io_size(vm, args[0], &size)) return NO_REF;
  if (size < 0) return cd_call_method0(vm, self, io_name(vm, IO_READALL));
  Ref buffer = cd_bytearray_new(vm, NULL, 0), count = NO_REF, result = NO_REF;
  if (!buffer || !cd_bytearray_resize(vm, cd_as_bytearray(buffer), (size_t)size)) goto done;
  memset(cd_as_bytearray(buffer)->data, 0, (size_t)size);
  count = cd_call_method1(vm, self, io_name(vm, IO_READINTO), buffer);
  if (!count || cd_is_none(count)) {
    result = count;
    count = NO_REF;
    goto done;
  }
  int64_t got;
  if (!cd_to_i64(vm, count, &got, vm->exc.ValueError)) goto done;
  if (got < 0 || (uint64_t)got > cd_as_bytearray(buffer)->size) {
    cd_raise_value(vm, "readinto returned %lld outside buffer size %lld", (long long)got, (long long)cd_as_bytearray(buffer)->size);
    goto done;
  }
  result = cd_bytes_new(vm, cd_as_bytearray(buffer)->data, (size_t)got);
done:
  cd_drop(vm, count);
  cd_drop(vm, buffer);
  return result;
}

METHOD(rawbase, readall, "readall(self, /)", "All bytes until the end, by repeated read(). None: would block at once.")
{
  Ref all = cd_bytearray_new(vm, "", 0);
  if (!all) return NO_REF;
  for (;;) {
    Ref piece = cd_call_method1(vm, self, N(read), cd_from_small(IO_BUFFER_SIZE));
    if (!piece) {
      if (cd_io_trap_interrupt(vm)) continue;
      cd_drop(vm, all);
      return NO_REF;
    }
    if (cd_is_none(piece)) {
      if (cd_as_bytearray(all)->size) break;
      cd_drop(vm, all);
      return piece;
    }
    if (!cd_is_bytes(piece)) {
      cd_raise_type(vm, "read() should return bytes");
      cd_drop(vm, piece);
      cd_drop(vm, all);
      return NO_REF;
    }
    size_t old = cd_as_bytearray(all)->size, size = cd_bytes_size(piece);
    bool ok = cd_bytearray_resize(vm, cd_as_bytearray(all), old + size);
    if (ok) memcpy(cd_as_bytearray(all)->data + old, cd_bytes_data(piece), size);
    cd_drop(vm, piece);
    if (!ok) {
      cd_drop(vm, all);
      return NO_REF;
    }
    if (!size) break;
  }
  Ref result = cd_bytes_new(vm, cd_as_bytearray(all)->data, cd_as_bytearray(all)->size);
  cd_drop(vm, all);
  return result;
}

METHOD_RAW(rawbase, readinto, NULL, "Fill a writable buffer; returns how many bytes were read, None: would block. Left to subclasses.")
{
  return cd_raise_no_args(vm, vm->exc.NotImplementedError);
}

METHOD_RAW(rawbase, write, NULL, "Write bytes; returns how many were written, None: would block. Left to subclasses.")
{
  return cd_raise_no_args(vm, vm->exc.NotImplementedError);
}

static const MethodDef *const rawbase_methods[] = {&rawbase_read_def, &rawbase_readall_def, &rawbase_readinto_def, &rawbase_write_def,
                                                   NULL};
const TypeSpec cd_io_raw_base_spec = {.name = "_io._RawIOBase",
                                      .doc = "Base of unbuffered byte streams: readinto() and write() move some bytes.",
                                      .basicsize = sizeof(IoBase),
                                      .flags = IO_BASE_TYPE_FLAGS,
                                      IO_BASE_OFFSETS,
                                      .methods = rawbase_methods};

// ---- _BufferedIOBase ----

UNSUPPORTED_METHOD(bufferedbase, detach, "detach(self, /)", "Separate the raw stream from this one and return it.")
UNSUPPORTED_METHOD(bufferedbase, read, "read(self, size=-1, /)", "Up to size bytes; all until the end when size is negative or None.")
UNSUPPORTED_METHOD(bufferedbase, read1, "read1(self, size=-1, /)", "Up to size bytes by at most one read of the raw stream.")
UNSUPPORTED_METHOD(bufferedbase, write, "write(self, b, /)", "Write bytes; returns how many, which is all of them.")

bool cd_io_writable_buffer(VM *vm, Value target, Buffer *out)
{
  if (cd_get_buffer(vm, target, out, BUFFER_WRITABLE)) return true;
  if (!cd_swallow(vm, vm->exc.BufferError) && !cd_swallow(vm, vm->exc.TypeError)) return false;
  return cd_raise_type(vm, "readinto() argument must be read-write bytes-like object, not %T", target);
}

static Ref io_read_into(VM *vm, Value self, Value target, Value method)
{
  Buffer buffer;
  if (!cd_io_writable_buffer(vm, target, &buffer)) return NO_REF;
  Ref data = cd_call_method1(vm, self, method, cd_from_small(buffer.size)), result = NO_REF;
  if (data && !cd_is_bytes(data)) cd_raise_type(vm, "read() should return bytes");
  else if (data && (int64_t)cd_bytes_size(data) > buffer.size)
    cd_raise_value(vm, "read() returned too much data: %lld bytes requested, %lld returned", (long long)buffer.size,
                   (long long)cd_bytes_size(data));
  else if (data) {
    memcpy(buffer.data, cd_bytes_data(data), cd_bytes_size(data));
    result = cd_from_small((int64_t)cd_bytes_size(data));
  }
  cd_drop(vm, data);
  cd_release_buffer(vm, &buffer);
  return result;
}

METHOD(bufferedbase, readinto, "readinto(self, buffer, /)", "Fill a writable buffer from read(); returns the number of bytes.")
{
  return io_read_into(vm, self, args[0], N(read));
}
METHOD(bufferedbase, readinto1, "readinto1(self, buffer, /)", "Fill a writable buffer from read1(); returns the number of bytes.")
{
  return io_read_into(vm, self, args[0], io_name(vm, IO_READ1));
}

static const MethodDef *const bufferedbase_methods[] = {&bufferedbase_detach_def,
                                                        &bufferedbase_read_def,
                                                        &bufferedbase_read1_def,
                                                        &bufferedbase_write_def,
                                                        &bufferedbase_readinto_def,
                                                        &bufferedbase_readinto1_def,
                                                        NULL};
const TypeSpec cd_io_buffered_base_spec = {.name = "_io._BufferedIOBase",
                                           .doc = "Base of buffered byte streams: read() and write() move all bytes asked for.",
                                           .basicsize = sizeof(IoBase),
                                           .flags = IO_BASE_TYPE_FLAGS,
                                           IO_BASE_OFFSETS,
                                           .methods = bufferedbase_methods};

// ---- _TextIOBase ----

UNSUPPORTED_METHOD(textbase, detach, "detach(self, /)", "Separate the byte buffer from the text stream and return it.")
UNSUPPORTED_METHOD(textbase, read, "read(self, size=-1, /)", "Up to size characters; all until the end when size is negative or None.")
UNSUPPORTED_METHOD(textbase, readline, "readline(self, size=-1, /)", "One line; the empty string at the end.")
UNSUPPORTED_METHOD(textbase, write, "write(self, s, /)", "Write a str; returns the number of characters.")

static Ref textbase_get_none(VM *vm, Value self) { return cd_none(); }

static const MethodDef *const textbase_methods[] = {&textbase_detach_def, &textbase_read_def, &textbase_readline_def, &textbase_write_def,
                                                    NULL};
static const GetSetDef textbase_getset[] = {{"encoding", "Name of the encoding; None here.", textbase_get_none, NULL},
                                            {"newlines", "Line ends seen so far: None, a str or a tuple.", textbase_get_none, NULL},
                                            {"errors", "Error handling of the codec; None here.", textbase_get_none, NULL},
                                            {NULL, NULL, NULL, NULL}};
const TypeSpec cd_io_text_base_spec = {.name = "_io._TextIOBase",
                                       .doc = "Base of text streams: characters and lines.",
                                       .basicsize = sizeof(IoBase),
                                       .flags = IO_BASE_TYPE_FLAGS,
                                       IO_BASE_OFFSETS,
                                       .methods = textbase_methods,
                                       .getset = textbase_getset};
