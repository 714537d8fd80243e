// SPDX-License-Identifier: MIT
// io_bytes.c: BytesIO: a byte stream in memory
#include "modules/io.h"

typedef struct BytesIo {
  IoBase base;
  char *data;                                    // `capacity` bytes, NULL once closed
  size_t size, capacity, position;
  int exports;                                   // live getbuffer() views: no resizing
  bool closed;
} BytesIo;

// What getbuffer() exports: keeps the BytesIO alive and counts.
typedef struct BytesIoBuffer { Object head; Value source; } BytesIoBuffer;

static BytesIo *as_bytes_io(Value self) { return (BytesIo *)cd_object(self); }

static bool bytes_io_usable(VM *vm, BytesIo *io)
{
  return !io->closed || cd_raise_value(vm, "I/O operation on closed file.");
}
static bool bytes_io_resizable(VM *vm, BytesIo *io)
{
  if (!bytes_io_usable(vm, io)) return false;
  return !io->exports || cd_raise(vm, vm->exc.BufferError, "Existing exports of data: object cannot be re-sized");
}

static bool bytes_io_reserve(VM *vm, BytesIo *io, size_t size)
{
  if (size <= io->capacity) return true;
  size_t capacity = size + (size >> 3) + 64;
  char *data = cd_realloc(vm, io->data, io->capacity, capacity);
  if (!data) return false;
  io->data = data;
  io->capacity = capacity;
  return true;
}

// Puts bytes at the position; a gap behind the end is filled with zeros.
static bool bytes_io_put(VM *vm, BytesIo *io, const char *data, size_t size)
{
  size_t end;
  if (!size) return true;                        // leaves no gap either
  if (__builtin_add_overflow(io->position, size, &end) || end > INT64_MAX) return cd_raise_overflow(vm, "new buffer size too large");
  if (!bytes_io_reserve(vm, io, end)) return false;
  if (io->position > io->size) memset(io->data + io->size, 0, io->position - io->size);
  memcpy(io->data + io->position, data, size);
  io->position = end;
  if (end > io->size) io->size = end;
  return true;
}

static Ref bytes_io_new(VM *vm, Type *type, const Value *args, size_t nargs, Value kwnames)
{
  return cd_from_object(cd_instance_new(vm, type));
}

static bool bytes_io_init(VM *vm, Value self, const Value *args, size_t nargs, Value kwnames)
{
  BytesIo *io = as_bytes_io(self);
  Value bound[1];
  Ref owned[2] = {NO_REF, NO_REF};
  if (!cd_bind_text(vm, "BytesIO(initial_bytes=b'')", args, nargs, kwnames, bound, owned)) return false;
  if (io->exports) return cd_raise(vm, vm->exc.BufferError, "Existing exports of data: object cannot be re-sized");
  io->size = io->position = 0;
  io->closed = false;
  if (!bound[0] || cd_is_none(bound[0])) return true;
  Buffer buffer;
  if (!cd_get_buffer(vm, bound[0], &buffer, BUFFER_SIMPLE)) return false;
  bool ok = bytes_io_put(vm, io, buffer.data, (size_t)buffer.size);
  cd_release_buffer(vm, &buffer);
  io->position = 0;
  return ok;
}

static void bytes_io_release(VM *vm, Object *self)
{
  BytesIo *io = (BytesIo *)self;
  cd_free(vm, io->data, io->capacity);
  io->data = NULL;
}

static size_t bytes_io_left(const BytesIo *io) { return io->position < io->size ? io->size - io->position : 0; }

static Ref bytes_io_take(VM *vm, BytesIo *io, size_t count)
{
  Ref result = cd_bytes_new(vm, count ? io->data + io->position : "", count);
  if (result) io->position += count;
  return result;
}

METHOD(bytesio, read, "read(self, size=-1, /)", "Up to size bytes; all that is left when size is negative or None.")
{
  BytesIo *io = as_bytes_io(self);
  int64_t size;
  if (!bytes_io_usable(vm, io) || !cd_io_size(vm, args[0], &size)) return NO_REF;
  size_t left = bytes_io_left(io);
  return bytes_io_take(vm, io, size < 0 || (size_t)size > left ? left : (size_t)size);
}
METHOD(bytesio, read1, "read1(self, size=-1, /)", "The same as read().")
{
  return bytesio_read(vm, self, args);
}

static size_t bytes_io_line(const BytesIo *io, int64_t limit)
{
  size_t left = bytes_io_left(io);
  if (limit >= 0 && (size_t)limit < left) left = (size_t)limit;
  const char *end = left ? memchr(io->data + io->position, '\n', left) : NULL;
  return end ? (size_t)(end - (io->data + io->position)) + 1 : left;
}

METHOD(bytesio, readline, "readline(self, size=-1, /)", "One line, at most size bytes when size is not negative.")
{
  BytesIo *io = as_bytes_io(self);
  int64_t limit;
  if (!bytes_io_usable(vm, io) || !cd_io_size(vm, args[0], &limit)) return NO_REF;
  return bytes_io_take(vm, io, bytes_io_line(io, limit));
}

METHOD(bytesio, readlines, "readlines(self, size=None, /)", "A list of lines; stops after size bytes when size is positive.")
{
  BytesIo *io = as_bytes_io(self);
  int64_t limit, total = 0;
  if (!bytes_io_usable(vm, io) || !cd_io_size(vm, args[0], &limit)) return NO_REF;
  Ref list = cd_list_new(vm);
  while (list && bytes_io_left(io)) {
    size_t count = bytes_io_line(io, -1);
    Ref line = bytes_io_take(vm, io, count);
    if (!line || !cd_list_append_steal(vm, cd_as_list(list), line)) {
      cd_drop(vm, list);
      return NO_REF;
    }
    if (limit > 0 && (total += (int64_t)count) >= limit) break;
  }
  return list;
}

METHOD(bytesio, readinto, "readinto(self, buffer, /)", "Fill a writable buffer; returns the number of bytes.")
{
  BytesIo *io = as_bytes_io(self);
  Buffer buffer;
  if (!bytes_io_usable(vm, io)) return NO_REF;
  if (!cd_io_writable_buffer(vm, args[0], &buffer)) return NO_REF;
  size_t count = bytes_io_left(io);
  if (count > (size_t)buffer.size) count = (size_t)buffer.size;
  if (count) memcpy(buffer.data, io->data + io->position, count);
  io->position += count;
  cd_release_buffer(vm, &buffer);
  return cd_from_small((int64_t)count);
}

METHOD(bytesio, write, "write(self, b, /)", "Write bytes at the position; returns how many.")
{
  BytesIo *io = as_bytes_io(self);
  Buffer buffer;
  if (!bytes_io_resizable(vm, io)) return NO_REF;
  if (cd_is_str(args[0])) return cd_raise_type(vm, "a bytes-like object is required, not 'str'");
  if (!cd_get_buffer(vm, args[0], &buffer, BUFFER_SIMPLE)) return NO_REF;
  bool ok = buffer.size == 0 || bytes_io_put(vm, io, buffer.data, (size_t)buffer.size);
  int64_t count = buffer.size;
  cd_release_buffer(vm, &buffer);
  return ok ? cd_from_small(count) : NO_REF;
}

METHOD(bytesio, writelines, "writelines(self, lines, /)", "Write each of the bytes-like objects.")
{
  if (!bytes_io_usable(vm, as_bytes_io(self))) return NO_REF;
  Ref iter = cd_iter(vm, args[0]), line;
  if (!iter) return NO_REF;
  Next next;
  while ((next = cd_next(vm, iter, &line)) == NEXT_ITEM) {
    Value item = line;
    Ref count = bytesio_write(vm, self, &item);
    cd_drop(vm, line);
    if (!count) { next = NEXT_ERROR; break; }
  }
  cd_drop(vm, iter);
  return next == NEXT_ERROR ? NO_REF : cd_none();
}

METHOD(bytesio, seek, "seek(self, pos, whence=0, /)", "Move the position: whence 0 from the start, 1 from here, 2 from the end.")
{
  BytesIo *io = as_bytes_io(self);
  int64_t offset, base, at;
  int whence = 0;
  if (!bytes_io_usable(vm, io)) return NO_REF;
  if (!cd_to_i64(vm, args[0], &offset, vm->exc.OverflowError) || (args[1] && !cd_to_c_int(vm, args[1], &whence))) return NO_REF;
  if (whence == 0 && offset < 0) return cd_raise_value(vm, "negative seek value %lld", (long long)offset);
  if (whence < 0 || whence > 2) return cd_raise_value(vm, "invalid whence (%i, should be 0, 1 or 2)", whence);
  base = whence == 1 ? (int64_t)io->position : whence == 2 ? (int64_t)io->size : 0;
  if (__builtin_add_overflow(base, offset, &at)) return cd_raise_overflow(vm, "new position too large");
  io->position = at < 0 ? 0 : (size_t)at;
  return cd_int_from_i64(vm, (int64_t)io->position);
}
METHOD(bytesio, tell, "tell(self, /)", "The position.")
{
  return bytes_io_usable(vm, as_bytes_io(self)) ? cd_int_from_i64(vm, (int64_t)as_bytes_io(self)->position) : NO_REF;
}

METHOD(bytesio, truncate, "truncate(self, size=None, /)", "Cut to size bytes, by default at the position, which stays. Returns the size.")
{
  BytesIo *io = as_bytes_io(self);
  if (!bytes_io_resizable(vm, io)) return NO_REF;
  int64_t size = (int64_t)io->position;
  if (args[0] && !cd_is_none(args[0])) {
    if (!cd_io_size(vm, args[0], &size)) return NO_REF;
    if (size < 0) return cd_raise_value(vm, "negative size value %lld", (long long)size);
  }
  if ((uint64_t)size < io->size) io->size = (size_t)size;
  return cd_int_from_i64(vm, size);
}

METHOD(bytesio, getvalue, "getvalue(self, /)", "All bytes, wherever the position is.")
{
  BytesIo *io = as_bytes_io(self);
  return bytes_io_usable(vm, io) ? cd_bytes_new(vm, io->size ? io->data : "", io->size) : NO_REF;
}

METHOD(bytesio, getbuffer, "getbuffer(self, /)", "A writable view of the bytes, without a copy.")
{
  if (!bytes_io_usable(vm, as_bytes_io(self))) return NO_REF;
  BytesIoBuffer *exporter = cd_object_new(vm, io_state(vm)->bytes_io_buffer, sizeof *exporter);
  if (!exporter) return NO_REF;
  exporter->source = cd_dup(self);
  Ref source = cd_from_object(exporter), view = cd_call1(vm, cd_type_value(vm->types.memoryview), source);
  cd_drop(vm, source);
  return view;
}

METHOD(bytesio, close, "close(self, /)", "Free the bytes; nothing can be done afterwards.")
{
  BytesIo *io = as_bytes_io(self);
  if (io->exports) return cd_raise(vm, vm->exc.BufferError, "Existing exports of data: object cannot be re-sized");
  bytes_io_release(vm, &io->base.head);
  io->size = io->capacity = io->position = 0;
  io->closed = io->base.base_closed = true;
  return cd_none();
}

static Ref bytes_io_yes(VM *vm, Value self, bool answer) { return bytes_io_usable(vm, as_bytes_io(self)) ? cd_bool(answer) : NO_REF; }
METHOD(bytesio, readable, "readable(self, /)", "True.")
{
  return bytes_io_yes(vm, self, true);
}
METHOD(bytesio, writable, "writable(self, /)", "True.")
{
  return bytes_io_yes(vm, self, true);
}
METHOD(bytesio, seekable, "seekable(self, /)", "True.")
{
  return bytes_io_yes(vm, self, true);
}
METHOD(bytesio, isatty, "isatty(self, /)", "False.")
{
  return bytes_io_yes(vm, self, false);
}
METHOD(bytesio, flush, "flush(self, /)", "Does nothing.")
{
  return bytes_io_usable(vm, as_bytes_io(self)) ? cd_none() : NO_REF;
}

METHOD(bytesio, __getstate__, "__getstate__(self, /)", "State for pickle: bytes, position, attributes.")
{
  BytesIo *io = as_bytes_io(self);
  if (!bytes_io_usable(vm, io)) return NO_REF;
  AttributeHead *attributes = cd_attributes(&io->base.head);
  Ref dict = attributes->shape || attributes->dict ? cd_instance_dict_copy(vm, &io->base.head) : cd_none();
  return cd_tuple3_steal(vm, bytesio_getvalue(vm, self, NULL), cd_int_from_i64(vm, (int64_t)io->position), dict);
}

// Merges pickled attributes into an instance.
static bool io_restore_attributes(VM *vm, Value self, Value dict)
{
  if (cd_is_none(dict)) return true;
  if (!cd_is_dict(dict)) return cd_raise_type(vm, "third item of state should be a dict, got a %T", dict);
  Value name, value;
  for (size_t i = 0; cd_dict_each(dict, &i, &name, &value);)
    if (!cd_instance_set(vm, cd_object(self), name, value)) return false;
  return true;
}

METHOD(bytesio, __setstate__, "__setstate__(self, state, /)", "Restore what __getstate__ gave.")
{
  BytesIo *io = as_bytes_io(self);
  int64_t position;
  if (!cd_is_tuple(args[0]) || cd_tuple_size(args[0]) < 3)
    return cd_raise_type(vm, "%T.__setstate__ argument should be 3-tuple, got %T", self, args[0]);
  Value initial = cd_tuple_item_borrow(args[0], 0);
  if (!bytes_io_init(vm, self, &initial, 1, NO_VALUE)) return NO_REF;
  Value at = cd_tuple_item_borrow(args[0], 1);
  if (!cd_is_int(at)) return cd_raise_type(vm, "second item of state must be an integer, not %T", at);
  if (!cd_to_i64(vm, at, &position, vm->exc.OverflowError)) return NO_REF;
  if (position < 0) return cd_raise_value(vm, "position value cannot be negative");
  io->position = (size_t)position;
  return io_restore_attributes(vm, self, cd_tuple_item_borrow(args[0], 2)) ? cd_none() : NO_REF;
}

METHOD(bytesio, __sizeof__, "__sizeof__(self, /)", "Bytes in memory.")
{
  return cd_from_small((int64_t)(sizeof(BytesIo) + as_bytes_io(self)->capacity));
}

static Ref bytesio_get_closed(VM *vm, Value self) { return cd_bool(as_bytes_io(self)->closed); }

static Next bytes_io_next(VM *vm, Value self, Ref *out)
{
  BytesIo *io = as_bytes_io(self);
  if (!bytes_io_usable(vm, io)) return NEXT_ERROR;
  size_t count = bytes_io_line(io, -1);
  if (!count) return NEXT_DONE;
  return (*out = bytes_io_take(vm, io, count)) ? NEXT_ITEM : NEXT_ERROR;
}
static Ref bytes_io_iter(VM *vm, Value self) { return bytes_io_usable(vm, as_bytes_io(self)) ? cd_dup(self) : NO_REF; }

static const MethodDef *const bytesio_methods[] = {&bytesio_read_def,         &bytesio_read1_def,
                                                   &bytesio_readline_def,     &bytesio_readlines_def,
                                                   &bytesio_readinto_def,     &bytesio_write_def,
                                                   &bytesio_writelines_def,   &bytesio_seek_def,
                                                   &bytesio_tell_def,         &bytesio_truncate_def,
                                                   &bytesio_getvalue_def,     &bytesio_getbuffer_def,
                                                   &bytesio_close_def,        &bytesio_readable_def,
                                                   &bytesio_writable_def,     &bytesio_seekable_def,
                                                   &bytesio_isatty_def,       &bytesio_flush_def,
                                                   &bytesio___getstate___def, &bytesio___setstate___def,
                                                   &bytesio___sizeof___def,   NULL};
static const GetSetDef bytesio_getset[] = {{"closed", "Is the stream closed?", bytesio_get_closed, NULL}, {NULL, NULL, NULL, NULL}};

const TypeSpec cd_io_bytes_spec = {
  .name = "_io.BytesIO", .doc = "BytesIO(initial_bytes=b'')\n--\n\nA buffered byte stream in memory.", .basicsize = sizeof(BytesIo),
  .flags = IO_BASE_TYPE_FLAGS, IO_BASE_OFFSETS, .methods = bytesio_methods, .getset = bytesio_getset,
  .slots = {.new_ = bytes_io_new, .init = bytes_io_init, .release = bytes_io_release, .iter = bytes_io_iter, .next = bytes_io_next}};

// ---- the exporter behind getbuffer() ----

static bool bytes_io_get_buffer(VM *vm, Value self, Buffer *out, int flags)
{
  BytesIo *io = as_bytes_io(((BytesIoBuffer *)cd_object(self))->source);
  if (!bytes_io_reserve(vm, io, io->size + 1)) return false;
  if (!cd_fill_buffer(vm, out, self, io->data, (int64_t)io->size, false, flags)) return false;
  io->exports++;
  return true;
}
static void bytes_io_release_buffer(VM *vm, Buffer *buffer)
{
  Value source = ((BytesIoBuffer *)cd_object(buffer->owner))->source;
  if (source) as_bytes_io(source)->exports--;
}
static void bytes_io_buffer_release(VM *vm, Object *self) { cd_clear(vm, &((BytesIoBuffer *)self)->source); }
static void bytes_io_buffer_traverse(Object *self, VisitFn visit, void *context) { visit(context, ((BytesIoBuffer *)self)->source); }

const TypeSpec cd_io_bytes_buffer_spec = {.name = "_io._BytesIOBuffer",
                                          .basicsize = sizeof(BytesIoBuffer),
                                          .flags = TYPE_GC | TYPE_NO_NEW,
                                          .slots = {.release = bytes_io_buffer_release,
                                                    .traverse = bytes_io_buffer_traverse,
                                                    .get_buffer = bytes_io_get_buffer,
                                                    .release_buffer = bytes_io_release_buffer}};
