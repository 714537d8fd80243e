// SPDX-License-Identifier: MIT
// io_buffered.c: BufferedReader, BufferedWriter, BufferedRandom, BufferedRWPair over a raw stream
#include "modules/io.h"

#include "core/lock.h"

#include <errno.h>

// One block serves both ways. Reading: data[pos, end) was read from the raw stream and not yet handed out. Writing: data[0, end) waits to
// be written and pos == end. A stream is in one of these states at a time; changing from reading to writing seeks the raw stream back,
// changing from writing to reading flushes.
typedef struct Buffered {
  IoBase base;
  Value raw;                                     // owned; NO_VALUE once detached or before __init__
  char *data;                                    // `size` bytes
  size_t size, pos, end;
  bool initialised, detached, readable, writable, writing, finalizing;
  Thread *owner;                                 // thread inside a raw call of this stream; others wait, itself gets RuntimeError
} Buffered;

static Buffered *as_buffered(Value self) { return (Buffered *)cd_object(self); }

static bool buffered_usable(VM *vm, Buffered *b)
{
  if (b->initialised) return true;
  return cd_raise_value(vm, b->detached ? "raw stream has been detached" : "I/O operation on uninitialized object");
}

static bool buffered_closed(VM *vm, Buffered *b, bool *out) { return cd_io_is_closed(vm, b->raw, out); }

static bool buffered_open(VM *vm, Buffered *b, const char *action)
{
  bool closed;
  if (!buffered_usable(vm, b)) return false;
  if (cd_io_is_plain_file(vm, b->raw)) return true;
  if (!buffered_closed(vm, b, &closed)) return false;
  return !closed || cd_raise_value(vm, "%s of closed file", action);
}

// Only one thread works on a stream at a time; the one that holds it may not enter again (a signal handler or __del__ that prints).
static bool buffered_enter(VM *vm, Buffered *b)
{
  if (b->owner == vm->thread)
    return cd_raise_runtime(vm, "reentrant call inside %R", cd_from_object(b));
  while (b->owner) {
    if (!cd_poll(vm)) return false;
    if (vm->finalizing)                          // a daemon thread was stopped inside for good
      return cd_raise_runtime(vm, "could not acquire lock for %R at interpreter shutdown, possibly due to daemon threads",
                              cd_from_object(b));
    cd_lock_yield(vm);
  }
  b->owner = vm->thread;
  return true;
}
static void buffered_leave(Buffered *b) { b->owner = NULL; }

static Ref buffered_new(VM *vm, Type *type, const Value *args, size_t nargs, Value kwnames)
{
  return cd_from_object(cd_instance_new(vm, type));
}

static bool buffered_setup(VM *vm, Buffered *b, Value raw, Value size_value)
{
  int64_t size = IO_BUFFER_SIZE;
  b->initialised = b->detached = false;
  if (size_value && !cd_to_i64(vm, size_value, &size, vm->exc.OverflowError)) return false;
  if (size <= 0) return cd_raise_value(vm, "buffer size must be strictly positive");
  char *data = cd_alloc(vm, (size_t)size);
  if (!data) return false;
  cd_free(vm, b->data, b->size);
  b->data = data;
  b->size = (size_t)size;
  b->pos = b->end = 0;
  b->writing = false;
  cd_replace(vm, &b->raw, cd_dup(raw));
  b->initialised = true;
  return true;
}

Value cd_io_raw_borrow(Value buffer) { return as_buffered(buffer)->raw; }

bool cd_io_known(VM *vm, Value stream, int name, bool *out)
{
  const IoState *state = io_state(vm);
  bool reader = cd_is_exact(stream, state->buffered_reader), writer = cd_is_exact(stream, state->buffered_writer), file;
  if (!reader && !writer) return cd_io_file_known(vm, stream, name, out);
  const Buffered *b = as_buffered(stream);
  if (!b->initialised || !cd_io_has_only(stream, N(name)) || !cd_io_file_known(vm, b->raw, IO_SEEKABLE, &file)) return false;
  if (name == IO_READ1) return *out = true;
  if ((name == IO_READABLE && writer) || (name == IO_WRITABLE && reader)) {
    *out = false;
    return true;
  }
  return cd_io_file_known(vm, b->raw, name, out);
}

bool cd_io_buffer_is_flushed(VM *vm, Value stream)
{
  bool seekable;
  return cd_io_known(vm, stream, IO_SEEKABLE, &seekable) && (cd_io_is_plain_file(vm, stream) || !as_buffered(stream)->writing);
}

static void buffered_release(VM *vm, Object *self)
{
  Buffered *b = (Buffered *)self;
  cd_free(vm, b->data, b->size);
  b->data = NULL;
  cd_clear(vm, &b->raw);
}
static void buffered_traverse(Object *self, VisitFn visit, void *context) { visit(context, ((Buffered *)self)->raw); }
static void buffered_clear(VM *vm, Object *self)
{
  Buffered *b = (Buffered *)self;
  b->initialised = false;
  cd_clear(vm, &b->raw);
}

static bool buffered_bind(VM *vm, const char *signature, const Value *args, size_t nargs, Value kwnames, Value bound[2])
{
  Ref owned[2] = {NO_REF, NO_REF};
  return cd_bind_text(vm, signature, args, nargs, kwnames, bound, owned);
}

// What a type asks of its raw stream, and what it then does with it.
typedef struct BufferedRole { const char *signature; bool seeks, reads, writes; } BufferedRole;

static bool buffered_init(VM *vm, Value self, const Value *args, size_t nargs, Value kwnames, const BufferedRole *role)
{
  Value bound[2];
  Buffered *b = as_buffered(self);
  b->initialised = false;
  if (!buffered_bind(vm, role->signature, args, nargs, kwnames, bound)) return false;
  if (role->seeks && !cd_io_check_flag(vm, bound[0], IO_SEEKABLE, "File or stream is not seekable.")) return false;
  if (role->reads && !cd_io_check_flag(vm, bound[0], IO_READABLE, "File or stream is not readable.")) return false;
  if (role->writes && !cd_io_check_flag(vm, bound[0], IO_WRITABLE, "File or stream is not writable.")) return false;
  b->readable = role->reads;
  b->writable = role->writes;
  return buffered_setup(vm, b, bound[0], bound[1]);
}

#define BUFFERED_INIT(name, ...)                                                                              \
  static bool name(VM *vm, Value self, const Value *args, size_t nargs, Value kwnames)                        \
  {                                                                                                           \
    static const BufferedRole role = {__VA_ARGS__};                                                           \
    return buffered_init(vm, self, args, nargs, kwnames, &role);                                              \
  }
BUFFERED_INIT(reader_init, "BufferedReader(raw, buffer_size=8192)", false, true, false)
BUFFERED_INIT(writer_init, "BufferedWriter(raw, buffer_size=8192)", false, false, true)
BUFFERED_INIT(random_init, "BufferedRandom(raw, buffer_size=8192)", true, true, true)

// ---- the raw stream ----

// Reads up to size bytes from the raw stream. Count, -1 exception, -2 would block.
static int64_t buffered_raw_read(VM *vm, Buffered *b, char *data, size_t size)
{
  if (cd_io_is_plain_file(vm, b->raw) && ((FileIo *)cd_object(b->raw))->readable)
    return cd_io_fd_read(vm, (FileIo *)cd_object(b->raw), data, (int64_t)size);
  Ref room = cd_bytearray_new(vm, NULL, 0), view = NO_REF, count = NO_REF;
  int64_t got = -1;
  if (!room || !cd_bytearray_resize(vm, cd_as_bytearray(room), size)) goto done;
  memset(cd_as_bytearray(room)->data, 0, size);
  if (!(view = cd_call1(vm, cd_type_value(vm->types.memoryview), room))) goto done;
  do count = cd_call_method1(vm, b->raw, io_name(vm, IO_READINTO), view);
  while (!count && cd_io_trap_interrupt(vm));
  if (!count) goto done;
  if (cd_is_none(count)) {
    got = -2;
    goto done;
  }
  if (!cd_to_i64(vm, count, &got, vm->exc.ValueError)) {
    got = -1;
    Ref cause = cd_take_raised(vm);
    cd_raise(vm, vm->exc.OSError, "raw readinto() failed");
    cd_chain_cause(vm, cause);
    goto done;
  }
  if (got < 0 || (uint64_t)got > size) {
    cd_raise(vm, vm->exc.OSError, "raw readinto() returned invalid length %lld (should have been between 0 and %lld)", (long long)got,
             (long long)size);
    got = -1;
    goto done;
  }
  memcpy(data, cd_as_bytearray(room)->data, (size_t)got);
done:
  cd_drop(vm, count);
  if (view) {
    Ref pending = cd_take_raised(vm), released = cd_call_method0(vm, view, N(release));
    if (!released) cd_clear_raised(vm);
    cd_drop(vm, released);
    cd_restore_raised(vm, pending);
  }
  cd_drop(vm, view);
  cd_drop(vm, room);
  return got;
}

static int64_t buffered_raw_write(VM *vm, Buffered *b, const char *data, size_t size)
{
  if (cd_io_is_plain_file(vm, b->raw) && ((FileIo *)cd_object(b->raw))->writable)
    return cd_io_fd_write(vm, (FileIo *)cd_object(b->raw), data, (int64_t)size);
  Ref bytes = cd_bytes_new(vm, data, size), count;
  if (!bytes) return -1;
  errno = 0;
  do count = cd_call_method1(vm, b->raw, N(write), bytes);
  while (!count && cd_io_trap_interrupt(vm));
  cd_drop(vm, bytes);
  if (!count) return -1;
  int64_t put = -1;
  if (cd_is_none(count)) put = -2;
  else if (!cd_to_i64(vm, count, &put, vm->exc.ValueError)) put = -1;
  else if (put < 0 || (uint64_t)put > size) {
    cd_raise(vm, vm->exc.OSError, "raw write() returned invalid length %lld (should have been between 0 and %lld)", (long long)put,
             (long long)size);
    put = -1;
  }
  cd_drop(vm, count);
  return put;
}

static bool buffered_raw_seek(VM *vm, Buffered *b, int64_t offset, int whence, int64_t *at)
{
  Ref where = cd_int_from_i64(vm, offset), result;
  if (!where) return false;
  Value arguments[2] = {where, cd_from_small(whence)};
  result = cd_call_method(vm, b->raw, N(seek), arguments, 2);
  cd_drop(vm, where);
  if (!result) return false;
  bool ok = cd_to_i64(vm, result, at, vm->exc.ValueError);
  cd_drop(vm, result);
  if (ok && *at < 0) return cd_raise(vm, vm->exc.OSError, "Raw stream returned invalid position %lld", (long long)*at);
  return ok;
}

static bool buffered_raw_tell(VM *vm, Buffered *b, int64_t *at)
{
  Ref result = cd_call_method0(vm, b->raw, N(tell));
  if (!result) return false;
  bool ok = cd_to_i64(vm, result, at, vm->exc.ValueError);
  cd_drop(vm, result);
  if (ok && *at < 0) return cd_raise(vm, vm->exc.OSError, "Raw stream returned invalid position %lld", (long long)*at);
  return ok;
}

// BlockingIOError(EAGAIN, message, written)
static Ref buffered_raise_blocking(VM *vm, const char *message, size_t written)
{
  Ref text = cd_str_from(vm, message);
  if (!text) return NO_REF;
  Value arguments[3] = {cd_from_small(EAGAIN), text, cd_from_small((int64_t)written)};
  Ref error = cd_call(vm, cd_type_value(vm->exc.BlockingIOError), arguments, 3, NO_VALUE);
  cd_drop(vm, text);
  return error ? cd_raise_exception(vm, error) : NO_REF;
}

// ---- changing direction ----

static void buffered_reset(Buffered *b)
{
  b->pos = b->end = 0;
  b->writing = false;
}

// Writes out everything pending. What was written stays written when an exception ends it.
static bool buffered_flush_writes(VM *vm, Buffered *b)
{
  size_t done = 0;
  bool ok = true;
  while (b->writing && done < b->end) {
    int64_t put = buffered_raw_write(vm, b, b->data + done, b->end - done);
    if (put == -2) {
      ok = buffered_raise_blocking(vm, "write could not complete without blocking", 0);
      break;
    }
    if (put < 0) {
      ok = false;
      break;
    }
    done += (size_t)put;
    if (!cd_poll(vm)) {
      ok = false;
      break;
    }
  }
  if (done && done < b->end) memmove(b->data, b->data + done, b->end - done);
  if (b->writing) {
    b->end -= done;
    b->pos = b->end;
    if (b->end == 0) b->writing = false;
  }
  return ok;
}

// Gives up what was read ahead: the raw position goes back to where the reader is.
static bool buffered_drop_readahead(VM *vm, Buffered *b)
{
  int64_t at;
  if (b->writing) return true;
  size_t ahead = b->end - b->pos;
  if (ahead && !buffered_raw_seek(vm, b, -(int64_t)ahead, 1, &at)) return false;
  buffered_reset(b);
  return true;
}

static bool buffered_start_reading(VM *vm, Buffered *b) { return !b->writing || buffered_flush_writes(vm, b); }

// Refills an empty buffer. Count, -1 exception, -2 would block; 0 is the end.
static int64_t buffered_fill(VM *vm, Buffered *b)
{
  b->pos = b->end = 0;
  int64_t got = buffered_raw_read(vm, b, b->data, b->size);
  if (got > 0) b->end = (size_t)got;
  return got;
}

// ---- reading ----

static Ref buffered_read_all(VM *vm, Buffered *b)
{
  size_t ahead = b->end - b->pos;
  Ref head = cd_bytes_new(vm, b->data + b->pos, ahead), readall = NO_REF, rest = NO_REF, result = NO_REF;
  if (!head) return NO_REF;
  buffered_reset(b);
  Find found = cd_getattr_find(vm, b->raw, io_name(vm, IO_READALL), &readall);
  if (found == FIND_ERROR) goto done;
  if (found == FIND_HIT) {
    rest = cd_call0(vm, readall);
    if (!rest) goto done;
    if (!cd_is_none(rest) && !cd_is_bytes(rest)) {
      cd_raise_type(vm, "readall() should return bytes");
      goto done;
    }
    if (cd_is_none(rest)) result = ahead ? cd_dup(head) : cd_none();
    else result = ahead ? cd_binary(vm, head, rest, BINARY_ADD) : cd_dup(rest);
    goto done;
  }
  for (;;) {
    Ref piece = cd_call_method0(vm, b->raw, N(read));
    if (!piece) goto done;
    if (!cd_is_none(piece) && !cd_is_bytes(piece)) {
      cd_drop(vm, piece);
      cd_raise_type(vm, "read() should return bytes");
      goto done;
    }
    if (cd_is_none(piece) || cd_bytes_size(piece) == 0) {
      result = cd_is_none(piece) && cd_bytes_size(head) == 0 ? cd_none() : cd_dup(head);
      cd_drop(vm, piece);
      goto done;
    }
    Ref joined = cd_binary(vm, head, piece, BINARY_ADD);
    cd_drop(vm, piece);
    if (!joined) goto done;
    cd_drop(vm, head);
    head = joined;
  }
done:
  cd_drop(vm, head);
  cd_drop(vm, readall);
  cd_drop(vm, rest);
  return result;
}

// Up to n bytes, as many raw reads as it takes; None when the first would block.
static Ref buffered_read_n(VM *vm, Buffered *b, size_t n)
{
  size_t ahead = b->end - b->pos, taken = ahead < n ? ahead : n;
  Ref result = cd_bytes_new(vm, NULL, n);
  if (!result) return NO_REF;
  memcpy(cd_bytes_data(result), b->data + b->pos, taken);
  b->pos += taken;
  while (taken < n) {
    size_t want = n - taken;
    bool direct = want >= b->size;
    int64_t got = direct ? buffered_raw_read(vm, b, cd_bytes_data(result) + taken, want - want % b->size) : buffered_fill(vm, b);
    if (got == -1) {
      cd_drop(vm, result);
      return NO_REF;
    }
    if (got <= 0) {
      if (got == 0 || taken) break;
      cd_drop(vm, result);
      return cd_none();
    }
    if (!direct) {
      got = (int64_t)(want < b->end ? want : b->end);
      memcpy(cd_bytes_data(result) + taken, b->data, (size_t)got);
      b->pos = (size_t)got;
    }
    taken += (size_t)got;
  }
  return cd_bytes_resize(vm, &result, taken) ? result : NO_REF;
}

METHOD(buffered, read, "read(self, size=-1, /)", "Up to size bytes, by as many raw reads as needed; all when size is negative or None.")
{
  Buffered *b = as_buffered(self);
  int64_t n;
  if (!buffered_open(vm, b, "read") || !cd_io_size(vm, args[0], &n)) return NO_REF;
  if (n < -1) return cd_raise_value(vm, "read length must be non-negative or -1");
  if (n >= 0 && !b->writing && b->end - b->pos >= (size_t)n && !b->owner) {
    Ref result = cd_bytes_new(vm, b->data + b->pos, (size_t)n);
    if (result) b->pos += (size_t)n;
    return result;
  }
  if (!buffered_enter(vm, b)) return NO_REF;
  Ref result = NO_REF;
  if (buffered_start_reading(vm, b)) result = n < 0 ? buffered_read_all(vm, b) : buffered_read_n(vm, b, (size_t)n);
  buffered_leave(b);
  return result;
}

METHOD(buffered, read1, "read1(self, size=-1, /)", "Up to size bytes by at most one raw read; what is buffered comes first.")
{
  Buffered *b = as_buffered(self);
  int64_t n;
  if (!buffered_open(vm, b, "read") || !cd_io_size(vm, args[0], &n)) return NO_REF;
  if (n < 0) n = (int64_t)b->size;
  if (n == 0) return cd_bytes_new(vm, "", 0);
  if (!buffered_enter(vm, b)) return NO_REF;
  Ref result = NO_REF;
  if (!buffered_start_reading(vm, b)) goto done;
  if (b->pos == b->end) {
    Ref direct = cd_bytes_new(vm, NULL, (size_t)n);
    if (!direct) goto done;
    buffered_reset(b);
    int64_t got = buffered_raw_read(vm, b, cd_bytes_data(direct), (size_t)n);
    if (got == -1) cd_drop(vm, direct);
    else if (cd_bytes_resize(vm, &direct, got > 0 ? (size_t)got : 0)) result = direct;
    goto done;
  }
  size_t count = b->end - b->pos < (size_t)n ? b->end - b->pos : (size_t)n;
  result = cd_bytes_new(vm, b->data + b->pos, count);
  if (result) b->pos += count;
done:
  buffered_leave(b);
  return result;
}

static Ref buffered_read_into(VM *vm, Value self, Value target, bool once)
{
  Buffered *b = as_buffered(self);
  Buffer buffer;
  if (!buffered_open(vm, b, "readinto")) return NO_REF;
  if (!cd_io_writable_buffer(vm, target, &buffer)) return NO_REF;
  size_t taken = 0, size = (size_t)buffer.size;
  Ref result = NO_REF;
  if (!buffered_enter(vm, b)) goto release;
  if (!buffered_start_reading(vm, b)) goto leave;
  taken = b->end - b->pos < size ? b->end - b->pos : size;
  memcpy(buffer.data, b->data + b->pos, taken);
  b->pos += taken;
  while (taken < size && !(once && taken)) {
    int64_t got;
    if (size - taken > b->size) got = buffered_raw_read(vm, b, buffer.data + taken, size - taken);
    else {
      got = buffered_fill(vm, b);
      if (got > 0) {
        got = (int64_t)(size - taken < b->end ? size - taken : b->end);
        memcpy(buffer.data + taken, b->data, (size_t)got);
        b->pos = (size_t)got;
      }
    }
    if (got == -1) goto leave;
    if (got == -2 && !taken) {
      result = cd_none();
      goto leave;
    }
    if (got <= 0) break;
    taken += (size_t)got;
  }
  result = cd_from_small((int64_t)taken);
leave:
  buffered_leave(b);
release:
  cd_release_buffer(vm, &buffer);
  return result;
}
METHOD(buffered, readinto, "readinto(self, buffer, /)", "Fill a writable buffer; the number of bytes.")
{
  return buffered_read_into(vm, self, args[0], false);
}
METHOD(buffered, readinto1, "readinto1(self, buffer, /)", "Fill a writable buffer with at most one raw read.")
{
  return buffered_read_into(vm, self, args[0], true);
}

METHOD(buffered, peek, "peek(self, size=0, /)", "Buffered bytes without taking them; reads once when there are none.")
{
  Buffered *b = as_buffered(self);
  if (!buffered_open(vm, b, "peek") || !buffered_enter(vm, b)) return NO_REF;
  Ref result = NO_REF;
  if (buffered_start_reading(vm, b) && (b->pos < b->end || buffered_fill(vm, b) != -1))
    result = cd_bytes_new(vm, b->data + b->pos, b->end - b->pos);
  buffered_leave(b);
  return result;
}

static Ref buffered_read_line(VM *vm, Buffered *b, int64_t limit)
{
  size_t ahead = b->end - b->pos, most = limit >= 0 && (size_t)limit < ahead ? (size_t)limit : ahead;
  if (!b->writing && !b->owner && most) {        // the usual case: the line is there
    const char *start = b->data + b->pos, *end = memchr(start, '\n', most);
    if (end || (limit >= 0 && most == (size_t)limit)) {
      size_t count = end ? (size_t)(end - start) + 1 : most;
      Ref line = cd_bytes_new(vm, start, count);
      if (line) b->pos += count;
      return line;
    }
  }
  if (!buffered_enter(vm, b)) return NO_REF;
  Ref line = NO_REF;
  if (!buffered_start_reading(vm, b)) goto done;
  Ref pieces = cd_bytearray_new(vm, "", 0);
  if (!pieces) goto done;
  ByteArray *all = cd_as_bytearray(pieces);
  for (bool last = false; !last;) {
    if (b->pos == b->end) {
      int64_t got = buffered_fill(vm, b);
      if (got == -1) {
        cd_drop(vm, pieces);
        goto done;
      }
      if (got <= 0) break;
    }
    size_t left = b->end - b->pos, old = all->size;
    if (limit >= 0 && left > (size_t)limit - old) left = (size_t)limit - old;
    const char *start = b->data + b->pos, *end = memchr(start, '\n', left);
    size_t count = end ? (size_t)(end - start) + 1 : left;
    if (!cd_bytearray_resize(vm, all, old + count)) {
      cd_drop(vm, pieces);
      goto done;
    }
    memcpy(all->data + old, start, count);
    b->pos += count;
    last = end || (limit >= 0 && all->size >= (size_t)limit);
  }
  line = cd_bytes_new(vm, all->data, all->size);
  cd_drop(vm, pieces);
done:
  buffered_leave(b);
  return line;
}

METHOD(buffered, readline, "readline(self, size=-1, /)", "One line, at most size bytes when size is not negative.")
{
  int64_t limit;
  if (!buffered_open(vm, as_buffered(self), "readline") || !cd_io_size(vm, args[0], &limit)) return NO_REF;
  return buffered_read_line(vm, as_buffered(self), limit);
}

static Next buffered_next(VM *vm, Value self, Ref *out)
{
  Type *type = cd_object(self)->type;
  IoState *state = io_state(vm);
  Ref line;
  if (!buffered_open(vm, as_buffered(self), "readline")) return NEXT_ERROR;
  if (type == state->buffered_reader || type == state->buffered_random) line = buffered_read_line(vm, as_buffered(self), -1);
  else line = cd_call_method0(vm, self, N(readline));
  if (!line) return NEXT_ERROR;
  if (!cd_is_bytes(line)) {
    cd_raise(vm, vm->exc.OSError, "readline() should have returned a bytes object, not '%T'", line);
    cd_drop(vm, line);
    return NEXT_ERROR;
  }
  if (cd_bytes_size(line) == 0) {
    cd_drop(vm, line);
    return NEXT_DONE;
  }
  *out = line;
  return NEXT_ITEM;
}

// ---- writing ----

// The slow half of write: the buffer has no room. Everything is taken, or BlockingIOError says how much was.
static Ref buffered_write_slow(VM *vm, Buffered *b, const char *data, size_t size)
{
  size_t taken = 0;
  while (taken < size) {
    if (b->end == 0 && size - taken >= b->size) {
      b->writing = true;
      int64_t put = buffered_raw_write(vm, b, data + taken, size - taken);
      if (put == -1) return NO_REF;
      if (put != -2) {
        taken += (size_t)put;
        if (!cd_poll(vm)) return NO_REF;
        continue;
      }
      memcpy(b->data, data + taken, b->size);    // blocked: keep what fits
      b->pos = b->end = b->size;
      taken += b->size;
      if (taken < size) return buffered_raise_blocking(vm, "write could not complete without blocking", taken);
      break;
    }
    size_t room = b->size - b->end, count = size - taken < room ? size - taken : room;
    memcpy(b->data + b->end, data + taken, count);
    b->writing = true;
    b->end += count;
    b->pos = b->end;
    taken += count;
    if (taken == size) break;
    if (!buffered_flush_writes(vm, b)) {
      if (b->end < b->size && cd_raised_is(vm, vm->exc.BlockingIOError)) {
        cd_clear_raised(vm);
        continue;
      }
      if (!cd_raised_is(vm, vm->exc.BlockingIOError)) return NO_REF;
      cd_clear_raised(vm);
      return buffered_raise_blocking(vm, "write could not complete without blocking", taken);
    }
  }
  return cd_from_small((int64_t)size);
}

METHOD(buffered, write, "write(self, b, /)", "Write bytes; they may stay in the buffer. Returns how many.")
{
  Buffered *b = as_buffered(self);
  Buffer buffer;
  Ref result = NO_REF;
  if (!buffered_usable(vm, b)) return NO_REF;
  if (cd_is_str(args[0])) return cd_raise_type(vm, "a bytes-like object is required, not 'str'");
  if (!cd_get_buffer(vm, args[0], &buffer, BUFFER_SIMPLE)) return NO_REF;
  if (!buffered_enter(vm, b)) goto release;
  if (!buffered_open(vm, b, "write to")) {       // asked only now: the raw stream may have been closed while waiting
    if (cd_swallow(vm, vm->exc.ValueError)) cd_raise_value(vm, "write to closed file");
    goto leave;
  }
  if (!b->writing && !buffered_drop_readahead(vm, b)) goto leave;
  if ((size_t)buffer.size <= b->size - b->end) {
    memcpy(b->data + b->end, buffer.data, (size_t)buffer.size);
    b->end += (size_t)buffer.size;
    b->pos = b->end;
    b->writing = b->end > 0;
    result = cd_from_small(buffer.size);
  } else result = buffered_write_slow(vm, b, buffer.data, (size_t)buffer.size);
leave:
  buffered_leave(b);
release:
  cd_release_buffer(vm, &buffer);
  return result;
}

METHOD(buffered, flush, "flush(self, /)", "Write out what is buffered.")
{
  Buffered *b = as_buffered(self);
  if (!buffered_open(vm, b, "flush")) return NO_REF;
  if (!b->writable) return cd_call_method0(vm, b->raw, N(flush));
  if (!buffered_enter(vm, b)) return NO_REF;
  bool ok = buffered_flush_writes(vm, b);
  if (ok && b->readable) ok = buffered_drop_readahead(vm, b);
  buffered_leave(b);
  return ok ? cd_none() : NO_REF;
}

METHOD(buffered, truncate, "truncate(self, pos=None, /)", "Resize the file under the stream; the position stays.")
{
  Buffered *b = as_buffered(self);
  if (!buffered_open(vm, b, "truncate")) return NO_REF;
  if (!b->writable) return cd_io_unsupported(vm, "truncate");
  if (!buffered_enter(vm, b)) return NO_REF;
  bool ok = buffered_flush_writes(vm, b);
  buffered_leave(b);
  if (!ok) return NO_REF;
  Ref pos = args[0] && !cd_is_none(args[0]) ? cd_dup(args[0]) : cd_call_method0(vm, self, N(tell));
  if (!pos) return NO_REF;
  Ref result = cd_call_method1(vm, b->raw, io_name(vm, IO_TRUNCATE), pos);
  cd_drop(vm, pos);
  return result;
}

// ---- position ----

METHOD(buffered, tell, "tell(self, /)", "The position, buffered data taken into account.")
{
  Buffered *b = as_buffered(self);
  int64_t at;
  if (!buffered_usable(vm, b) || !buffered_raw_tell(vm, b, &at)) return NO_REF;
  at += b->writing ? (int64_t)b->end : -(int64_t)(b->end - b->pos);
  return cd_int_from_i64(vm, at < 0 ? 0 : at);
}

METHOD(buffered, seek, "seek(self, target, whence=0, /)", "Move the position: whence 0 from the start, 1 from here, 2 from the end.")
{
  Buffered *b = as_buffered(self);
  int64_t target, at;
  int whence = 0;
  if (args[1] && !cd_to_c_int(vm, args[1], &whence)) return NO_REF;
  if (whence < 0 || whence > 4) return cd_raise_value(vm, "whence value %d unsupported", whence);
  if (!buffered_open(vm, b, "seek")) return NO_REF;
  if (!cd_io_check_flag(vm, b->raw, IO_SEEKABLE, "File or stream is not seekable.")) return NO_REF;
  if (!cd_to_i64(vm, args[0], &target, vm->exc.OverflowError)) return NO_REF;
  if (!buffered_enter(vm, b)) return NO_REF;
  Ref result = NO_REF;
  if (!b->writing && b->end > b->pos && whence < 2) {    // inside the buffer?
    if (!buffered_raw_tell(vm, b, &at)) goto done;
    int64_t here = at - (int64_t)(b->end - b->pos), wanted = whence == 0 ? target : here + target;
    int64_t delta = wanted - here;
    if (delta >= -(int64_t)b->pos && delta <= (int64_t)(b->end - b->pos)) {
      b->pos = (size_t)((int64_t)b->pos + delta);
      result = cd_int_from_i64(vm, wanted);
      goto done;
    }
  }
  if (!buffered_flush_writes(vm, b)) goto done;
  if (whence == 1) target -= (int64_t)(b->end - b->pos);
  if (!buffered_raw_seek(vm, b, target, whence, &at)) goto done;
  buffered_reset(b);
  result = cd_int_from_i64(vm, at);
done:
  buffered_leave(b);
  return result;
}

// ---- the rest ----

METHOD(buffered, close, "close(self, /)", "Flush, then close the raw stream, even when flushing fails.")
{
  Buffered *b = as_buffered(self);
  bool closed;
  if (!buffered_usable(vm, b) || !buffered_closed(vm, b, &closed)) return NO_REF;
  if (closed) return cd_none();
  if (b->finalizing) {
    Ref warned = cd_call_method1(vm, b->raw, io_name(vm, IO_DEALLOC_WARN), self);
    if (!warned) cd_clear_raised(vm);
    cd_drop(vm, warned);
  }
  bool ok = cd_io_call_void(vm, self, N(flush));
  Ref error = ok ? NO_REF : cd_take_raised(vm);
  Ref result = cd_call_method0(vm, b->raw, N(close));
  cd_free(vm, b->data, b->size);
  b->data = NULL;
  b->size = b->pos = b->end = 0;
  b->writing = false;
  if (!error) return result;
  if (result) {
    cd_drop(vm, result);
    cd_restore_raised(vm, error);
  } else cd_chain_context(vm, error);
  return NO_REF;
}

METHOD(buffered, detach, "detach(self, /)", "Flush, separate the raw stream and return it.")
{
  Buffered *b = as_buffered(self);
  if (!buffered_usable(vm, b) || !cd_io_call_void(vm, self, N(flush))) return NO_REF;
  b->initialised = false;
  b->detached = true;
  return cd_take(&b->raw);
}

static Ref buffered_ask(VM *vm, Value self, int name)
{
  return buffered_usable(vm, as_buffered(self)) ? cd_io_forward(vm, as_buffered(self)->raw, name) : NO_REF;
}
METHOD(buffered, seekable, "seekable(self, /)", "Can the raw stream seek?")
{
  return buffered_ask(vm, self, IO_SEEKABLE);
}
METHOD(buffered, readable, "readable(self, /)", "Can the raw stream be read?")
{
  return buffered_ask(vm, self, IO_READABLE);
}
METHOD(buffered, writable, "writable(self, /)", "Can the raw stream be written?")
{
  return buffered_ask(vm, self, IO_WRITABLE);
}
METHOD(buffered, fileno, "fileno(self, /)", "The raw stream's file descriptor.")
{
  return buffered_ask(vm, self, IO_FILENO);
}
METHOD(buffered, isatty, "isatty(self, /)", "Is the raw stream a terminal?")
{
  return buffered_ask(vm, self, IO_ISATTY);
}
METHOD(buffered, _dealloc_warn, "_dealloc_warn(self, source, /)", "Pass the warning on to the raw stream.")
{
  Buffered *b = as_buffered(self);
  if (b->initialised && b->raw) {
    Ref result = cd_call_method1(vm, b->raw, io_name(vm, IO_DEALLOC_WARN), args[0]);
    if (!result) cd_clear_raised(vm);
    cd_drop(vm, result);
  }
  return cd_none();
}
METHOD(buffered, __getstate__, "__getstate__(self, /)", "Buffered files cannot be pickled.")
{
  return cd_raise_type(vm, "cannot pickle '%T' object", self);
}
METHOD(buffered, __sizeof__, "__sizeof__(self, /)", "Bytes in memory.")
{
  return cd_from_small((int64_t)(sizeof(Buffered) + as_buffered(self)->size));
}

static Ref buffered_get_closed(VM *vm, Value self)
{
  return buffered_usable(vm, as_buffered(self)) ? cd_getattr(vm, as_buffered(self)->raw, io_name(vm, IO_CLOSED)) : NO_REF;
}
static Ref buffered_get_name(VM *vm, Value self)
{
  return buffered_usable(vm, as_buffered(self)) ? cd_getattr(vm, as_buffered(self)->raw, N(name)) : NO_REF;
}
static Ref buffered_get_mode(VM *vm, Value self)
{
  return buffered_usable(vm, as_buffered(self)) ? cd_getattr(vm, as_buffered(self)->raw, N(mode)) : NO_REF;
}
static Ref buffered_get_raw(VM *vm, Value self) { return as_buffered(self)->raw ? cd_dup(as_buffered(self)->raw) : cd_none(); }
static Ref buffered_get_finalizing(VM *vm, Value self) { return cd_bool(as_buffered(self)->finalizing); }
static bool buffered_set_finalizing(VM *vm, Value self, Value value)
{
  return value && cd_truth(vm, value, &as_buffered(self)->finalizing);
}

static Ref buffered_repr(VM *vm, Value self)
{
  Ref name = NO_REF, result = NO_REF;
  if (cd_getattr_find(vm, self, N(name), &name) == FIND_ERROR && !cd_swallow(vm, vm->exc.ValueError)) return NO_REF;
  if (!name) return cd_str_format(vm, "<%T>", self);
  ReprState state = cd_repr_enter(vm, self);
  if (state == REPR_INSIDE) cd_raise_runtime(vm, "reentrant call inside %T.__repr__", self);
  if (state == REPR_FRESH) {
    result = cd_str_format(vm, "<%T name=%R>", self, name);
    cd_repr_leave(vm, self);
  }
  cd_drop(vm, name);
  return result;
}

// At death nobody can be inside any more.
static void buffered_finalize(VM *vm, Value self)
{
  Buffered *b = as_buffered(self);
  b->owner = NULL;
  if (b->initialised) cd_io_base_finalize(vm, self);
}

#define BUFFERED_COMMON                                                                                                                   \
  &buffered_detach_def, &buffered_seekable_def, &buffered_fileno_def, &buffered_isatty_def, &buffered__dealloc_warn_def,                  \
    &buffered_close_def, &buffered_tell_def, &buffered_truncate_def, &buffered_flush_def, &buffered_seek_def, &buffered___getstate___def, \
    &buffered___sizeof___def
#define BUFFERED_READING                                                                                                                \
  &buffered_read_def, &buffered_peek_def, &buffered_read1_def, &buffered_readinto_def, &buffered_readinto1_def, &buffered_readline_def, \
    &buffered_readable_def

static const MethodDef *const reader_methods[] = {BUFFERED_COMMON, BUFFERED_READING, NULL};
static const MethodDef *const writer_methods[] = {BUFFERED_COMMON, &buffered_write_def, &buffered_writable_def, NULL};
static const MethodDef *const buffered_random_methods[] = {BUFFERED_COMMON, BUFFERED_READING, &buffered_write_def, &buffered_writable_def,
                                                           NULL};
static const GetSetDef buffered_getset[] = {{"closed", "Is the raw stream closed?", buffered_get_closed, NULL},
                                            {"name", "The raw stream's name.", buffered_get_name, NULL},
                                            {"mode", "The raw stream's mode.", buffered_get_mode, NULL},
                                            {"raw", "The raw stream.", buffered_get_raw, NULL},
                                            {"_finalizing", "Set while a dropped stream closes itself.", buffered_get_finalizing,
                                             buffered_set_finalizing},
                                            {NULL, NULL, NULL, NULL}};

#define BUFFERED_SPEC(spec, typename, text, table, init_fn)                                     \
  const TypeSpec spec = {.name = "_io." typename,                                               \
                         .doc = typename "(raw, buffer_size=DEFAULT_BUFFER_SIZE)\n--\n\n" text, \
                         .basicsize = sizeof(Buffered),                                         \
                         .flags = IO_BASE_TYPE_FLAGS,                                           \
                         IO_BASE_OFFSETS,                                                       \
                         .methods = table,                                                      \
                         .getset = buffered_getset,                                             \
                         .slots = {.new_ = buffered_new,                                        \
                                   .init = init_fn,                                             \
                                   .release = buffered_release,                                 \
                                   .traverse = buffered_traverse,                               \
                                   .clear = buffered_clear,                                     \
                                   .repr = buffered_repr,                                       \
                                   .next = buffered_next,                                       \
                                   .finalize = buffered_finalize}};

BUFFERED_SPEC(cd_io_reader_spec, "BufferedReader", "Reads a raw stream ahead in large pieces.", reader_methods, reader_init)
BUFFERED_SPEC(cd_io_writer_spec, "BufferedWriter", "Collects writes to a raw stream into large pieces.", writer_methods, writer_init)
BUFFERED_SPEC(cd_io_random_spec, "BufferedRandom", "Buffers a raw stream that can seek, both ways.", buffered_random_methods, random_init)

// ---- BufferedRWPair ----

typedef struct BufferedPair {
  IoBase base;
  Value reader, writer;                          // owned
} BufferedPair;

static BufferedPair *as_pair(Value self) { return (BufferedPair *)cd_object(self); }

static bool pair_init(VM *vm, Value self, const Value *args, size_t nargs, Value kwnames)
{
  Value bound[3];
  Ref owned[2] = {NO_REF, NO_REF};
  BufferedPair *pair = as_pair(self);
  if (!cd_bind_text(vm, "BufferedRWPair(reader, writer, buffer_size=8192, /)", args, nargs, kwnames, bound, owned)) return false;
  if (!cd_io_check_flag(vm, bound[0], IO_READABLE, "File or stream is not readable.") ||
      !cd_io_check_flag(vm, bound[1], IO_WRITABLE, "File or stream is not writable."))
    return false;
  Value size = bound[2] ? bound[2] : (Value)cd_from_small(IO_BUFFER_SIZE);
  Value reader_args[2] = {bound[0], size}, writer_args[2] = {bound[1], size};
  Ref reader = cd_call(vm, cd_type_value(io_state(vm)->buffered_reader), reader_args, 2, NO_VALUE);
  if (!reader) return false;
  Ref writer = cd_call(vm, cd_type_value(io_state(vm)->buffered_writer), writer_args, 2, NO_VALUE);
  if (!writer) {
    cd_drop(vm, reader);
    return false;
  }
  cd_replace(vm, &pair->reader, reader);
  cd_replace(vm, &pair->writer, writer);
  return true;
}

static Ref pair_forward(VM *vm, Value target, Value name, const Value *args, size_t count)
{
  if (!target) return cd_raise_value(vm, "I/O operation on uninitialized object");
  return cd_call_method(vm, target, name, args, count && args[0] ? count : 0);
}
METHOD(pair, read, "read(self, size=-1, /)", "Read from the reader.")
{
  return pair_forward(vm, as_pair(self)->reader, N(read), args, 1);
}
METHOD(pair, read1, "read1(self, size=-1, /)", "Read from the reader, at most one raw read.")
{
  return pair_forward(vm, as_pair(self)->reader, io_name(vm, IO_READ1), args, 1);
}
METHOD(pair, peek, "peek(self, size=0, /)", "Peek into the reader.")
{
  return pair_forward(vm, as_pair(self)->reader, io_name(vm, IO_PEEK), args, 1);
}
METHOD(pair, readinto, "readinto(self, buffer, /)", "Read from the reader into a buffer.")
{
  return pair_forward(vm, as_pair(self)->reader, io_name(vm, IO_READINTO), args, 1);
}
METHOD(pair, readinto1, "readinto1(self, buffer, /)", "Read from the reader into a buffer, at most one raw read.")
{
  return pair_forward(vm, as_pair(self)->reader, io_name(vm, IO_READINTO1), args, 1);
}
METHOD(pair, write, "write(self, b, /)", "Write to the writer.")
{
  return pair_forward(vm, as_pair(self)->writer, N(write), args, 1);
}
METHOD(pair, flush, "flush(self, /)", "Flush the writer.")
{
  return pair_forward(vm, as_pair(self)->writer, N(flush), NULL, 0);
}
METHOD(pair, readable, "readable(self, /)", "Can the reader be read?")
{
  return pair_forward(vm, as_pair(self)->reader, io_name(vm, IO_READABLE), NULL, 0);
}
METHOD(pair, writable, "writable(self, /)", "Can the writer be written?")
{
  return pair_forward(vm, as_pair(self)->writer, io_name(vm, IO_WRITABLE), NULL, 0);
}
METHOD(pair, close, "close(self, /)", "Close the writer, then the reader.")
{
  Ref written = pair_forward(vm, as_pair(self)->writer, N(close), NULL, 0), error = written ? NO_REF : cd_take_raised(vm);
  cd_drop(vm, written);
  Ref result = pair_forward(vm, as_pair(self)->reader, N(close), NULL, 0);
  if (!error) return result;
  if (result) {
    cd_drop(vm, result);
    cd_restore_raised(vm, error);
  } else cd_chain_context(vm, error);
  return NO_REF;
}
METHOD(pair, isatty, "isatty(self, /)", "Is either side a terminal?")
{
  Ref answer = pair_forward(vm, as_pair(self)->writer, io_name(vm, IO_ISATTY), NULL, 0);
  if (!answer || !cd_is_false(answer)) return answer;
  return pair_forward(vm, as_pair(self)->reader, io_name(vm, IO_ISATTY), NULL, 0);
}
static Ref pair_get_closed(VM *vm, Value self)
{
  if (!as_pair(self)->writer) return cd_raise_runtime(vm, "the BufferedRWPair object is being garbage-collected");
  return cd_getattr(vm, as_pair(self)->writer, io_name(vm, IO_CLOSED));
}
static void pair_release(VM *vm, Object *self)
{
  cd_clear(vm, &((BufferedPair *)self)->reader);
  cd_clear(vm, &((BufferedPair *)self)->writer);
}
static void pair_traverse(Object *self, VisitFn visit, void *context)
{
  visit(context, ((BufferedPair *)self)->reader);
  visit(context, ((BufferedPair *)self)->writer);
}
static void pair_finalize(VM *vm, Value self)
{
  if (as_pair(self)->writer) cd_io_base_finalize(vm, self);
}

static const MethodDef *const pair_methods[] = {&pair_read_def,      &pair_peek_def,  &pair_read1_def,  &pair_readinto_def,
                                                &pair_readinto1_def, &pair_write_def, &pair_flush_def,  &pair_readable_def,
                                                &pair_writable_def,  &pair_close_def, &pair_isatty_def, NULL};
static const GetSetDef pair_getset[] = {{"closed", "Is the writer closed?", pair_get_closed, NULL}, {NULL, NULL, NULL, NULL}};
const TypeSpec cd_io_pair_spec = {
  .name = "_io.BufferedRWPair",
  .doc = "BufferedRWPair(reader, writer, buffer_size=8192, /)\n--\n\nTwo one-way raw streams as one two-way stream, such as a pipe pair.",
  .basicsize = sizeof(BufferedPair),
  .flags = IO_BASE_TYPE_FLAGS,
  IO_BASE_OFFSETS,
  .methods = pair_methods,
  .getset = pair_getset,
  .slots = {.new_ = buffered_new,
            .init = pair_init,
            .release = pair_release,
            .clear = pair_release,
            .traverse = pair_traverse,
            .finalize = pair_finalize}};
