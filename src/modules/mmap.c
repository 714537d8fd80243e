// SPDX-License-Identifier: MIT
// mmap.c: files and anonymous memory as objects with bytes
#include "core/lock.h"
#include "modules/module_list.h"
#include "modules/sys.h"
#include "objects/bytes.h"
#include "objects/int.h"
#include "objects/iterator.h"
#include "objects/protocol.h"
#include "objects/str.h"
#include "objects/type.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

typedef enum { MMAP_DEFAULT, MMAP_READ, MMAP_WRITE, MMAP_COPY } MmapAccess;

typedef struct Mmap {
  Object head;
  Weakref *weaklist;
  char *data;                                    // NULL: closed
  int64_t size, position, offset;
  int64_t exports;                               // buffers in use: the memory must stay where it is
  int fd;                                        // a copy of the caller's; -1: anonymous memory
  MmapAccess access;
} Mmap;

typedef struct MmapIterator { Object head; Value map; int64_t at; } MmapIterator;    // map owned

typedef struct MmapState { Type *type, *iterator; } MmapState;                        // owned

static inline Mmap *mmap_of(Value v) { return (Mmap *)cd_object(v); }

static Ref mmap_error(VM *vm) { return cd_raise_os(vm, errno, NO_VALUE, NO_VALUE); }

static bool mmap_open(VM *vm, const Mmap *m) { return m->data || cd_raise_value(vm, "mmap closed or invalid"); }

static bool mmap_writable(VM *vm, const Mmap *m)
{
  return m->access != MMAP_READ || cd_raise_type(vm, "mmap can't modify a readonly memory map.");
}

// ---- life ----

typedef struct MmapRequest { int fd, flags, protection, access; int64_t length, offset; } MmapRequest;

static bool mmap_parse(VM *vm, const Value *bound, MmapRequest *r)
{
  const int usual = PROT_READ | PROT_WRITE;
  *r = (MmapRequest){.flags = MAP_SHARED, .protection = usual};
  if (!cd_to_c_int(vm, bound[0], &r->fd) || !cd_to_ssize(vm, bound[1], &r->length) ||
      (cd_bits(bound[2]) && !cd_to_c_int(vm, bound[2], &r->flags)) || (cd_bits(bound[3]) && !cd_to_c_int(vm, bound[3], &r->protection)) ||
      (cd_bits(bound[4]) && !cd_to_c_int(vm, bound[4], &r->access)) || (cd_bits(bound[5]) && !cd_to_ssize(vm, bound[5], &r->offset)))
    return false;
  if (r->length < 0) return cd_raise_overflow(vm, "memory mapped length must be positive");
  if (r->offset < 0) return cd_raise_overflow(vm, "memory mapped offset must be positive");
  if (r->access != MMAP_DEFAULT && (r->flags != MAP_SHARED || r->protection != usual))
    return cd_raise_value(vm, "mmap can't specify both access and flags, prot.");
  switch (r->access) {
    case MMAP_READ: r->protection = PROT_READ; return true;
    case MMAP_WRITE: return true;
    case MMAP_COPY: r->flags = MAP_PRIVATE; return true;
    case MMAP_DEFAULT:
      if ((r->protection & usual) != usual) r->access = r->protection & PROT_WRITE ? MMAP_WRITE : MMAP_READ;
      return true;
    default: return cd_raise_value(vm, "mmap invalid access parameter.");
  }
}

// Checks the request against a regular file, and fills in the length 0 stands for.
static bool mmap_check_file(VM *vm, MmapRequest *r)
{
  struct stat status;
  Thread *me = cd_unlock(vm);
  int failed = fstat(r->fd, &status);
  cd_relock(vm, me);
  if (failed) return mmap_error(vm);
  if (!S_ISREG(status.st_mode)) return true;
  if (r->length == 0) {
    if (status.st_size == 0) return cd_raise_value(vm, "cannot mmap an empty file");
    if (r->offset >= status.st_size) return cd_raise_value(vm, "mmap offset is greater than file size");
    r->length = status.st_size - r->offset;
    return true;
  }
  if (r->offset > status.st_size || status.st_size - r->offset < r->length)
    return cd_raise_value(vm, "mmap length is greater than file size");
  return true;
}

static bool mmap_map(VM *vm, Mmap *m, const MmapRequest *r)
{
  m->fd = -1;
  if (r->fd != -1 && (m->fd = fcntl(r->fd, F_DUPFD_CLOEXEC, 0)) < 0) return mmap_error(vm);
  m->size = r->length;
  m->offset = r->offset;
  m->access = (MmapAccess)r->access;
  Thread *me = cd_unlock(vm);
  void *data = mmap(NULL, (size_t)r->length, r->protection, r->fd == -1 ? r->flags | MAP_ANONYMOUS : r->flags, m->fd, r->offset);
  cd_relock(vm, me);
  if (data == MAP_FAILED) return mmap_error(vm);
  m->data = data;
  return true;
}

static Ref mmap_new(VM *vm, Type *type, const Value *args, size_t nargs, Value kwnames)
{
  Value bound[6];
  Ref owned[2] = {NO_REF, NO_REF};
  MmapRequest r;
  if (!cd_bind_text(vm, "mmap(fileno, length, flags=MAP_SHARED, prot=PROT_WRITE|PROT_READ, access=ACCESS_DEFAULT, offset=0)", args, nargs,
                    kwnames, bound, owned) ||
      !mmap_parse(vm, bound, &r))
    return NO_REF;
  Ref length = cd_int_from_i64(vm, r.length), offset = length ? cd_int_from_i64(vm, r.offset) : NO_REF;
  bool ok = offset && cd_audit(vm, "mmap.__new__", 4, (Value[]){cd_from_small(r.fd), length, cd_from_small(r.access), offset});
  cd_drop(vm, length);
  cd_drop(vm, offset);
  if (!ok || (r.fd != -1 && !mmap_check_file(vm, &r))) return NO_REF;
  Mmap *m = cd_instance_new(vm, type);
  if (!m) return NO_REF;
  if (mmap_map(vm, m, &r)) return cd_from_object(m);
  cd_drop_object(vm, m);
  return NO_REF;
}

static void mmap_unmap(VM *vm, Mmap *m)
{
  char *data = m->data;
  int fd = m->fd;
  m->data = NULL;
  m->fd = -1;
  Thread *me = cd_unlock(vm);
  if (data) munmap(data, (size_t)m->size);
  if (fd >= 0) close(fd);
  cd_relock(vm, me);
}

static void mmap_release(VM *vm, Object *self) { mmap_unmap(vm, (Mmap *)self); }

METHOD(mmap, close, "close(self, /)", "Unmap the memory.")
{
  Mmap *m = mmap_of(self);
  if (m->exports > 0) return cd_raise(vm, vm->exc.BufferError, "cannot close exported pointers exist");
  mmap_unmap(vm, m);
  return cd_none();
}

METHOD_DEF_(mmap_enter, "__enter__", "__enter__(self, /)", "Return self.", 0)
{
  return mmap_open(vm, mmap_of(self)) ? cd_dup(self) : NO_REF;
}

METHOD_DEF_RAW_(mmap_exit, "__exit__", "__exit__(self, *args)", "Unmap the memory.", 0) { return mmap_close(vm, self, NULL); }

static Ref mmap_repr(VM *vm, Value self)
{
  static const char *const accesses[] = {"ACCESS_DEFAULT", "ACCESS_READ", "ACCESS_WRITE", "ACCESS_COPY"};
  const Mmap *m = mmap_of(self);
  const char *name = cd_type_name(cd_type_of(vm, self));
  if (!m->data) return cd_str_format(vm, "<%s closed=True>", name);
  return cd_str_format(vm, "<%s closed=False, access=%s, length=%lld, pos=%lld, offset=%lld>", name, accesses[m->access],
                       (long long)m->size, (long long)m->position, (long long)m->offset);
}

static Ref mmap_get_closed(VM *vm UNUSED, Value self) { return cd_bool(!mmap_of(self)->data); }

// ---- as a file ----

static int64_t mmap_left(const Mmap *m) { return m->position < m->size ? m->size - m->position : 0; }

static Ref mmap_take(VM *vm, Mmap *m, int64_t count)
{
  Ref bytes = cd_bytes_new(vm, m->data + (count ? m->position : 0), (size_t)count);
  if (bytes) m->position += count;
  return bytes;
}

METHOD(mmap, read, "read(self, n=None, /)", "Return up to n bytes from the position on; None or less than 0: all.")
{
  Mmap *m = mmap_of(self);
  int64_t count = -1;
  if (!mmap_open(vm, m)) return NO_REF;
  if (cd_bits(args[0]) && !cd_is_none(args[0])) {
    Ref index = cd_index(vm, args[0]);
    if (!index)
      return cd_swallow(vm, vm->exc.TypeError) ? cd_raise_type(vm, "argument should be integer or None, not '%T'", args[0]) : NO_REF;
    bool ok = cd_to_ssize(vm, index, &count);
    cd_drop(vm, index);
    if (!ok || !mmap_open(vm, m)) return NO_REF;
  }
  return mmap_take(vm, m, count < 0 || count > mmap_left(m) ? mmap_left(m) : count);
}

METHOD(mmap, readline, "readline(self, /)", "Return the bytes from the position to the end of the line, with its newline.")
{
  Mmap *m = mmap_of(self);
  if (!mmap_open(vm, m)) return NO_REF;
  int64_t left = mmap_left(m);
  const char *start = m->data + m->position, *end = left ? memchr(start, '\n', (size_t)left) : NULL;
  return mmap_take(vm, m, end ? end + 1 - start : left);
}

METHOD(mmap, read_byte, "read_byte(self, /)", "Return the byte at the position as an int.")
{
  Mmap *m = mmap_of(self);
  if (!mmap_open(vm, m)) return NO_REF;
  if (!mmap_left(m)) return cd_raise_value(vm, "read byte out of range");
  return cd_from_small((unsigned char)m->data[m->position++]);
}

METHOD(mmap, write, "write(self, bytes, /)", "Put bytes at the position; returns how many.")
{
  Mmap *m = mmap_of(self);
  Buffer buffer;
  if (!mmap_open(vm, m) || !cd_get_buffer(vm, args[0], &buffer, BUFFER_SIMPLE)) return NO_REF;
  bool ok = mmap_open(vm, m) && mmap_writable(vm, m) && (buffer.size <= mmap_left(m) || cd_raise_value(vm, "data out of range"));
  if (ok && buffer.size) {
    memmove(m->data + m->position, buffer.data, (size_t)buffer.size);
    m->position += buffer.size;
  }
  int64_t written = buffer.size;
  cd_release_buffer(vm, &buffer);
  return ok ? cd_from_small(written) : NO_REF;
}

METHOD(mmap, write_byte, "write_byte(self, byte, /)", "Put one byte, an int, at the position.")
{
  Mmap *m = mmap_of(self);
  int64_t byte;
  if (!mmap_open(vm, m) || !cd_to_i64(vm, args[0], &byte, NULL)) return NO_REF;
  if (byte < 0) return cd_raise_overflow(vm, "unsigned byte integer is less than minimum");
  if (byte > 255) return cd_raise_overflow(vm, "unsigned byte integer is greater than maximum");
  if (!mmap_open(vm, m) || !mmap_writable(vm, m)) return NO_REF;
  if (!mmap_left(m)) return cd_raise_value(vm, "write byte out of range");
  m->data[m->position++] = (char)byte;
  return cd_none();
}

METHOD(mmap, seek, "seek(self, pos, whence=0, /)", "Set the position: from the start, the position (1) or the end (2).")
{
  Mmap *m = mmap_of(self);
  int64_t distance, base, where;
  int whence = 0;
  if (!mmap_open(vm, m) || !cd_to_ssize(vm, args[0], &distance) || (cd_bits(args[1]) && !cd_to_c_int(vm, args[1], &whence)) ||
      !mmap_open(vm, m))
    return NO_REF;
  switch (whence) {
    case SEEK_SET: base = 0; break;
    case SEEK_CUR: base = m->position; break;
    case SEEK_END: base = m->size; break;
    default: return cd_raise_value(vm, "unknown seek type");
  }
  if (__builtin_add_overflow(base, distance, &where) || where < 0 || where > m->size) return cd_raise_value(vm, "seek out of range");
  m->position = where;
  return cd_none();
}

METHOD(mmap, tell, "tell(self, /)", "Return the position.")
{
  return mmap_open(vm, mmap_of(self)) ? cd_from_small(mmap_of(self)->position) : NO_REF;
}

METHOD(mmap, size, "size(self, /)", "Return the size of the file, which may be more than is mapped.")
{
  struct stat status;
  if (!mmap_open(vm, mmap_of(self))) return NO_REF;
  Thread *me = cd_unlock(vm);
  int failed = fstat(mmap_of(self)->fd, &status);
  cd_relock(vm, me);
  return failed ? mmap_error(vm) : cd_int_from_i64(vm, status.st_size);
}

// ---- searching ----

static const char *mmap_last(const char *data, size_t size, const char *what, size_t length)
{
  if (!length) return data + size;
  while (size >= length) {
    const char *first = memrchr(data, *what, size - length + 1);
    if (!first) return NULL;
    if (!memcmp(first, what, length)) return first;
    size = (size_t)(first - data) + length - 1;
  }
  return NULL;
}

static int64_t mmap_bound(const Mmap *m, int64_t i)
{
  if (i < 0) i += m->size;
  return i < 0 ? 0 : i > m->size ? m->size : i;
}

static Ref mmap_search(VM *vm, Mmap *m, const Value *args, bool last)
{
  int64_t start, end;
  Buffer what;
  if (!mmap_open(vm, m)) return NO_REF;
  start = m->position;
  end = m->size;
  if (!cd_get_buffer(vm, args[0], &what, BUFFER_SIMPLE)) return NO_REF;
  bool ok = (!cd_bits(args[1]) || cd_to_ssize(vm, args[1], &start)) && (!cd_bits(args[2]) || cd_to_ssize(vm, args[2], &end)) &&
            mmap_open(vm, m);
  const char *found = NULL;
  if (ok) {
    start = mmap_bound(m, start);
    end = mmap_bound(m, end);
    const char *data = m->data + start;
    if (start <= end && what.size <= end - start)
      found = last ? mmap_last(data, (size_t)(end - start), what.data, (size_t)what.size)
                   : memmem(data, (size_t)(end - start), what.data, (size_t)what.size);
  }
  cd_release_buffer(vm, &what);
  return !ok ? NO_REF : cd_from_small(found ? found - m->data : -1);
}

METHOD(mmap, find, "find(self, sub, start=<unrepresentable>, end=<unrepresentable>, /)",
       "Return where the bytes first occur, from the position or start on; -1: nowhere.")
{
  return mmap_search(vm, mmap_of(self), args, false);
}
METHOD(mmap, rfind, "rfind(self, sub, start=<unrepresentable>, end=<unrepresentable>, /)",
       "Return where the bytes last occur, from the position or start on; -1: nowhere.")
{
  return mmap_search(vm, mmap_of(self), args, true);
}

// ---- the mapping itself ----

METHOD(mmap, flush, "flush(self, offset=0, size=<unrepresentable>, /)", "Write what was changed to the file.")
{
  Mmap *m = mmap_of(self);
  if (!mmap_open(vm, m)) return NO_REF;
  int64_t offset = 0, size = m->size;
  if ((cd_bits(args[0]) && !cd_to_ssize(vm, args[0], &offset)) || (cd_bits(args[1]) && !cd_to_ssize(vm, args[1], &size)) ||
      !mmap_open(vm, m))
    return NO_REF;
  if (size < 0 || offset < 0 || m->size - offset < size) return cd_raise_value(vm, "flush values out of range");
  if (m->access == MMAP_READ || m->access == MMAP_COPY) return cd_none();
  m->exports++;                                  // stays mapped meanwhile
  Thread *me = cd_unlock(vm);
  int failed = msync(m->data + offset, (size_t)size, MS_SYNC);
  cd_relock(vm, me);
  m->exports--;
  return failed ? mmap_error(vm) : cd_none();
}

METHOD(mmap, madvise, "madvise(self, option, start=0, length=<unrepresentable>, /)", "Tell the kernel how the memory will be used.")
{
  Mmap *m = mmap_of(self);
  int option;
  if (!mmap_open(vm, m) || !cd_to_c_int(vm, args[0], &option)) return NO_REF;
  int64_t start = 0, length = m->size;
  if ((cd_bits(args[1]) && !cd_to_ssize(vm, args[1], &start)) || (cd_bits(args[2]) && !cd_to_ssize(vm, args[2], &length)) ||
      !mmap_open(vm, m))
    return NO_REF;
  if (start < 0 || start >= m->size) return cd_raise_value(vm, "madvise start out of bounds");
  if (length < 0) return cd_raise_value(vm, "madvise length invalid");
  if (length > INT64_MAX - start) return cd_raise_overflow(vm, "madvise length too large");
  if (length > m->size - start) length = m->size - start;
  return madvise(m->data + start, (size_t)length, option) ? mmap_error(vm) : cd_none();
}

METHOD(mmap, move, "move(self, dest, src, count, /)", "Copy count bytes from one place to another; they may overlap.")
{
  Mmap *m = mmap_of(self);
  int64_t to, from, count;
  if (!mmap_open(vm, m) || !cd_to_ssize(vm, args[0], &to) || !cd_to_ssize(vm, args[1], &from) || !cd_to_ssize(vm, args[2], &count) ||
      !mmap_open(vm, m) || !mmap_writable(vm, m))
    return NO_REF;
  if (to < 0 || from < 0 || count < 0 || m->size - to < count || m->size - from < count)
    return cd_raise_value(vm, "source, destination, or count out of range");
  if (count) memmove(m->data + to, m->data + from, (size_t)count);
  return cd_none();
}

METHOD(mmap, resize, "resize(self, newsize, /)", "Make the mapping, and its file, longer or shorter.")
{
  Mmap *m = mmap_of(self);
  int64_t size;
  if (!mmap_open(vm, m) || !cd_to_ssize(vm, args[0], &size) || !mmap_open(vm, m)) return NO_REF;
  if (m->exports > 0) return cd_raise(vm, vm->exc.BufferError, "mmap can't resize with extant buffers exported.");
  if (m->access != MMAP_WRITE && m->access != MMAP_DEFAULT)
    return cd_raise_type(vm, "mmap can't resize a readonly or copy-on-write memory map.");
  if (size < 0 || size > INT64_MAX - m->offset) return cd_raise_value(vm, "new size out of range");
  if (size == 0) return cd_raise_os(vm, EINVAL, NO_VALUE, NO_VALUE);             // before the file loses what is mapped
  if (m->fd != -1 && ftruncate(m->fd, m->offset + size) < 0) return mmap_error(vm);
  void *data = mremap(m->data, (size_t)m->size, (size_t)size, MREMAP_MAYMOVE);
  if (data == MAP_FAILED) return mmap_error(vm);
  m->data = data;
  m->size = size;
  return cd_none();
}

// ---- as a sequence ----

static bool mmap_len(VM *vm, Value self, int64_t *out)
{
  *out = mmap_of(self)->size;
  return mmap_open(vm, mmap_of(self));
}

// `key` is a slice: its bounds within the mapping as it is afterwards.
static bool mmap_slice(VM *vm, const Mmap *m, Value key, int64_t *start, int64_t *step, int64_t *count)
{
  int64_t stop;
  if (!cd_slice_unpack(vm, key, start, &stop, step) || !mmap_open(vm, m)) return false;
  *count = cd_slice_adjust(m->size, start, &stop, *step);
  return true;
}

static bool mmap_index(VM *vm, const Mmap *m, Value key, const char *message, int64_t *out)
{
  if (!cd_has_index(vm, key)) return cd_raise_type(vm, message);
  if (!cd_sequence_index(vm, key, m->size, "mmap index out of range", out) || !mmap_open(vm, m)) return false;
  return *out < m->size || cd_raise_index(vm, "mmap index out of range");
}

static Ref mmap_getitem(VM *vm, Value self, Value key)
{
  const Mmap *m = mmap_of(self);
  int64_t i, step, count;
  if (!mmap_open(vm, m)) return NO_REF;
  if (!cd_is_exact(key, vm->types.slice))
    return mmap_index(vm, m, key, "mmap indices must be integers", &i) ? cd_from_small((unsigned char)m->data[i]) : NO_REF;
  if (!mmap_slice(vm, m, key, &i, &step, &count)) return NO_REF;
  if (step == 1 || count <= 0) return cd_bytes_new(vm, m->data + (count > 0 ? i : 0), count > 0 ? (size_t)count : 0);
  Ref bytes = cd_bytes_new(vm, NULL, (size_t)count);
  for (int64_t n = 0; bytes && n < count; n++) cd_bytes_data(bytes)[n] = m->data[i + n * step];
  return bytes;
}

static bool mmap_set_byte(VM *vm, Mmap *m, Value key, Value value)
{
  int64_t i, byte;
  if (!mmap_index(vm, m, key, "mmap indices must be integer", &i)) return false;
  if (!cd_bits(value)) return cd_raise_type(vm, "mmap doesn't support item deletion");
  if (!cd_has_index(vm, value)) return cd_raise_type(vm, "mmap item value must be an int");
  if (!cd_to_i64(vm, value, &byte, NULL)) return false;
  if (byte < 0 || byte > 255) return cd_raise_value(vm, "mmap item value must be in range(0, 256)");
  if (!mmap_open(vm, m)) return false;
  if (i >= m->size) return cd_raise_index(vm, "mmap index out of range");
  m->data[i] = (char)byte;
  return true;
}

static bool mmap_set_slice(VM *vm, Mmap *m, Value key, Value value)
{
  int64_t start, step, count;
  Buffer buffer;
  if (!cd_bits(value)) return cd_raise_type(vm, "mmap object doesn't support slice deletion");
  if (!cd_get_buffer(vm, value, &buffer, BUFFER_SIMPLE)) return false;
  bool ok = mmap_slice(vm, m, key, &start, &step, &count);
  if (ok && buffer.size != count) ok = cd_raise_index(vm, "mmap slice assignment is wrong size");
  if (ok && step == 1 && count) memmove(m->data + start, buffer.data, (size_t)count);
  else if (ok) for (int64_t n = 0; n < count; n++) m->data[start + n * step] = buffer.data[n];
  cd_release_buffer(vm, &buffer);
  return ok;
}

static bool mmap_setitem(VM *vm, Value self, Value key, Value value)
{
  Mmap *m = mmap_of(self);
  if (!mmap_open(vm, m) || !mmap_writable(vm, m)) return false;
  return cd_is_exact(key, vm->types.slice) ? mmap_set_slice(vm, m, key, value) : mmap_set_byte(vm, m, key, value);
}

// Steps give bytes of length 1, unlike indexing: so it is in the reference.
static Ref mmap_iter(VM *vm, Value self)
{
  MmapIterator *iterator = cd_object_new(vm, ((MmapState *)cd_state(vm, MODULE_mmap))->iterator, sizeof *iterator);
  if (!iterator) return NO_REF;
  iterator->map = cd_dup(self);
  return cd_from_object(iterator);
}

static Next mmap_iterator_next(VM *vm, Value self, Ref *out)
{
  MmapIterator *iterator = (MmapIterator *)cd_object(self);
  if (!cd_bits(iterator->map)) return NEXT_DONE;
  const Mmap *m = mmap_of(iterator->map);
  if (!mmap_open(vm, m)) return NEXT_ERROR;
  if (iterator->at >= m->size) {
    cd_clear(vm, &iterator->map);
    return NEXT_DONE;
  }
  *out = cd_bytes_new(vm, m->data + iterator->at++, 1);
  return *out ? NEXT_ITEM : NEXT_ERROR;
}

static Ref mmap_iterator_self(VM *vm UNUSED, Value self) { return cd_dup(self); }
static void mmap_iterator_release(VM *vm, Object *self) { cd_clear(vm, &((MmapIterator *)self)->map); }
static void mmap_iterator_traverse(Object *self, VisitFn visit, void *context) { visit(context, ((MmapIterator *)self)->map); }

// ---- buffers ----

static bool mmap_get_buffer(VM *vm, Value self, Buffer *out, int flags)
{
  Mmap *m = mmap_of(self);
  if (!mmap_open(vm, m) || !cd_fill_buffer(vm, out, self, m->data, m->size, m->access == MMAP_READ, flags)) return false;
  m->exports++;
  return true;
}
static void mmap_release_buffer(VM *vm UNUSED, Buffer *buffer) { mmap_of(buffer->owner)->exports--; }

// ---- types and module ----

static const MethodDef *const mmap_methods[] = {
  &mmap_close_def, &mmap_find_def, &mmap_rfind_def, &mmap_flush_def, &mmap_madvise_def, &mmap_move_def, &mmap_read_def,
  &mmap_read_byte_def, &mmap_readline_def, &mmap_resize_def, &mmap_seek_def, &mmap_size_def, &mmap_tell_def, &mmap_write_def,
  &mmap_write_byte_def, &mmap_enter_def, &mmap_exit_def, NULL,
};
static const GetSetDef mmap_getset[] = {{"closed", NULL, mmap_get_closed, NULL}, {0}};

static const TypeSpec mmap_spec = {
  .name = "mmap.mmap",
  .doc = "mmap(fileno, length[, flags[, prot[, access[, offset]]]])\n\nMaps length bytes of the file with that descriptor, from offset on; "
         "length 0 "
         "is the rest of the file, and\nfileno -1 is memory without a file. With MAP_SHARED, the default, other processes and the file "
         "see\nwhat "
         "is changed; with MAP_PRIVATE they don't. access is a simpler way to say it: ACCESS_READ,\nACCESS_WRITE or ACCESS_COPY.",
  .basicsize = sizeof(Mmap),
  .flags = TYPE_BASE | TYPE_IMMUTABLE | TYPE_HAS_WEAKREFS,
  .weaklist_offset = offsetof(Mmap, weaklist),
  .methods = mmap_methods,
  .getset = mmap_getset,
  .slots = {.new_ = mmap_new,
            .release = mmap_release,
            .repr = mmap_repr,
            .len = mmap_len,
            .getitem = mmap_getitem,
            .setitem = mmap_setitem,
            .iter = mmap_iter,
            .get_buffer = mmap_get_buffer,
            .release_buffer = mmap_release_buffer},
};

static const TypeSpec mmap_iterator_spec = {
  .name = "mmap.iterator",
  .basicsize = sizeof(MmapIterator),
  .flags = TYPE_IMMUTABLE | TYPE_NO_NEW | TYPE_GC,
  .slots = {.release = mmap_iterator_release, .traverse = mmap_iterator_traverse, .iter = mmap_iterator_self, .next = mmap_iterator_next},
};

static const struct { const char *name; int value; } mmap_constants[] = {
  {"ACCESS_DEFAULT", MMAP_DEFAULT}, {"ACCESS_READ", MMAP_READ}, {"ACCESS_WRITE", MMAP_WRITE}, {"ACCESS_COPY", MMAP_COPY},
#define MMAP_CONSTANT(name) {#name, name},
  MMAP_CONSTANT(PROT_EXEC) MMAP_CONSTANT(PROT_READ) MMAP_CONSTANT(PROT_WRITE)
  MMAP_CONSTANT(MAP_SHARED) MMAP_CONSTANT(MAP_PRIVATE) MMAP_CONSTANT(MAP_DENYWRITE) MMAP_CONSTANT(MAP_EXECUTABLE)
  MMAP_CONSTANT(MAP_ANON) MMAP_CONSTANT(MAP_ANONYMOUS) MMAP_CONSTANT(MAP_POPULATE) MMAP_CONSTANT(MAP_STACK)
  MMAP_CONSTANT(MADV_NORMAL) MMAP_CONSTANT(MADV_RANDOM) MMAP_CONSTANT(MADV_SEQUENTIAL) MMAP_CONSTANT(MADV_WILLNEED)
  MMAP_CONSTANT(MADV_DONTNEED) MMAP_CONSTANT(MADV_REMOVE) MMAP_CONSTANT(MADV_DONTFORK) MMAP_CONSTANT(MADV_DOFORK)
  MMAP_CONSTANT(MADV_HWPOISON) MMAP_CONSTANT(MADV_MERGEABLE) MMAP_CONSTANT(MADV_UNMERGEABLE) MMAP_CONSTANT(MADV_HUGEPAGE)
  MMAP_CONSTANT(MADV_NOHUGEPAGE) MMAP_CONSTANT(MADV_DONTDUMP) MMAP_CONSTANT(MADV_DODUMP) MMAP_CONSTANT(MADV_FREE)
#undef MMAP_CONSTANT
};

static bool mmap_exec(VM *vm, Value module)
{
  MmapState *state = cd_state(vm, MODULE_mmap);
  if (!state->type && !(state->type = cd_type_from_spec(vm, &mmap_spec, NO_VALUE))) return false;
  if (!state->iterator && !(state->iterator = cd_type_from_spec(vm, &mmap_iterator_spec, NO_VALUE))) return false;
  for (size_t i = 0; i < ARRAY_LEN(mmap_constants); i++)
    if (!cd_module_add_int(vm, module, mmap_constants[i].name, mmap_constants[i].value)) return false;
  long page = sysconf(_SC_PAGESIZE);
  return cd_module_add(vm, module, "mmap", cd_dup_object(state->type)) &&
         cd_module_add(vm, module, "error", cd_dup_object(vm->exc.OSError)) && cd_module_add_int(vm, module, "PAGESIZE", page) &&
         cd_module_add_int(vm, module, "ALLOCATIONGRANULARITY", page);
}

static void mmap_traverse_state(void *p, VisitFn visit, void *context)
{
  visit(context, cd_type_value(((MmapState *)p)->type));
  visit(context, cd_type_value(((MmapState *)p)->iterator));
}

static void mmap_clear_state(VM *vm, void *p)
{
  MmapState old = *(MmapState *)p;
  memset(p, 0, sizeof old);
  cd_drop_object(vm, old.type);
  cd_drop_object(vm, old.iterator);
}

const ModuleDef cd_module_mmap = {
  .name = "mmap", .state_size = sizeof(MmapState), .exec = mmap_exec, .traverse = mmap_traverse_state, .clear = mmap_clear_state,
};
