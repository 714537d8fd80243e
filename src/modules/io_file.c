// SPDX-License-Identifier: MIT
// io_file.c: FileIO: a file descriptor as a raw stream
#include "modules/io.h"

#include "core/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define READ_MAX INT64_C(0x7ffff000)

static FileIo *as_file(Value self) { return (FileIo *)cd_object(self); }
static Ref file_closed_error(VM *vm) { return cd_raise_value(vm, "I/O operation on closed file"); }
static Ref file_mode_error(VM *vm, const char *action)
{
  char message[64];
  snprintf(message, sizeof message, "File not open for %s", action);
  return cd_io_unsupported(vm, message);
}

bool cd_io_is_plain_file(VM *vm, Value raw) { return cd_is_exact(raw, io_state(vm)->file_io) && as_file(raw)->fd >= 0; }

// ---- opening and closing ----

static Ref file_new(VM *vm, Type *type, const Value *args, size_t nargs, Value kwnames)
{
  FileIo *file = cd_instance_new(vm, type);
  if (!file) return NO_REF;
  file->fd = -1;
  file->seekable = -1;
  file->close_fd = true;
  file->block_size = IO_BUFFER_SIZE;
  return cd_from_object(file);
}

static bool file_bad_mode(VM *vm)
{
  return cd_raise_value(vm, "Must have exactly one of create/read/write/append mode and at most one plus");
}

// Sets the mode flags of `file` and *flags for open(2).
static bool file_parse_mode(VM *vm, FileIo *file, const char *mode, int *flags)
{
  bool base_seen = false, plus = false;
  int how = 0;
  for (const char *p = mode; *p; p++) switch (*p) {
    case 'x':
    case 'w':
    case 'a':
      if (base_seen) return file_bad_mode(vm);
      base_seen = file->writable = true;
      how |= *p == 'x' ? O_EXCL | O_CREAT : *p == 'w' ? O_CREAT | O_TRUNC : O_APPEND | O_CREAT;
      file->created |= *p == 'x';
      file->appending |= *p == 'a';
      break;
    case 'r':
      if (base_seen) return file_bad_mode(vm);
      base_seen = file->readable = true;
      break;
    case 'b': break;
    case '+':
      if (plus) return file_bad_mode(vm);
      plus = file->readable = file->writable = true;
      break;
    default: return cd_raise_value(vm, "invalid mode: %.200s", mode);
    }
  if (!base_seen) return file_bad_mode(vm);
  *flags = how | O_CLOEXEC | (file->readable && file->writable ? O_RDWR : file->readable ? O_RDONLY : O_WRONLY);
  return true;
}

static bool file_open_path(VM *vm, FileIo *file, Value name, int flags)
{
  Ref path = cd_fs_encode(vm, name);
  if (!path) return false;
  int fd;
  do {
    Thread *me = cd_unlock(vm);
    fd = open(cd_bytes_data(path), flags, 0666);
    cd_relock(vm, me);
  } while (fd < 0 && errno == EINTR && cd_poll(vm));
  cd_drop(vm, path);
  if (fd >= 0) {
    file->fd = fd;
    return true;
  }
  return cd_raised(vm) ? false : cd_raise_os(vm, errno, name, NO_VALUE);
}

static bool file_open_by(VM *vm, FileIo *file, Value opener, Value name, int flags)
{
  Ref result = cd_call2(vm, opener, name, cd_from_small(flags));
  if (!result) return false;
  if (!cd_is_int(result)) {
    cd_drop(vm, result);
    return cd_raise_type(vm, "expected integer from opener");
  }
  int fd;
  bool ok = cd_to_c_int(vm, result, &fd);
  cd_drop(vm, result);
  if (!ok) return false;
  if (fd < 0) return cd_raise_value(vm, "opener returned %d", fd);
  file->fd = fd;
  int old = fcntl(fd, F_GETFD);
  if (old >= 0 && !(old & FD_CLOEXEC)) fcntl(fd, F_SETFD, old | FD_CLOEXEC);
  return true;
}

static bool file_check_opened(VM *vm, FileIo *file, Value name)
{
  struct stat info;
  int status;
  do status = fstat(file->fd, &info);
  while (status < 0 && errno == EINTR);
  if (status < 0) return errno == EBADF ? (bool)cd_raise_os(vm, errno, name, NO_VALUE) : true;
  if (S_ISDIR(info.st_mode)) return cd_raise_os(vm, EISDIR, name, NO_VALUE);
  if (info.st_blksize > 1) file->block_size = info.st_blksize;
  return true;
}

static void file_forget(FileIo *file)
{
  file->fd = -1;
  file->seekable = -1;
  file->created = file->readable = file->writable = file->appending = false;
}

static bool file_close_descriptor(VM *vm, FileIo *file)
{
  if (file->fd < 0) return true;
  int fd = file->fd;
  file->fd = -1;
  Thread *me = cd_unlock(vm);
  int status = close(fd);
  cd_relock(vm, me);
  return (status == 0 || errno == EINTR) || cd_raise_os(vm, errno, NO_VALUE, NO_VALUE);
}

static bool file_init(VM *vm, Value self, const Value *args, size_t nargs, Value kwnames)
{
  FileIo *file = as_file(self);
  Value bound[4];
  Ref owned[2] = {NO_REF, NO_REF};
  if (!cd_bind_text(vm, "FileIO(file, mode='r', closefd=True, opener=None)", args, nargs, kwnames, bound, owned)) return false;
  Value name = bound[0];
  bool close_fd = true;
  int fd = -1, flags;
  if (bound[1] && !cd_is_str(bound[1])) return cd_raise_type(vm, "FileIO() argument 'mode' must be str, not %T", bound[1]);
  if (bound[2] && !cd_truth(vm, bound[2], &close_fd)) return false;
  if (file->fd >= 0) {
    if (file->close_fd) { if (!file_close_descriptor(vm, file)) return false; }
    file_forget(file);
  }
  if (cd_is_float(name)) return cd_raise_type(vm, "integer argument expected, got float");
  if (cd_is_int(name)) {
    if (!cd_to_c_int(vm, name, &fd)) return false;
    if (fd < 0) return cd_raise_value(vm, "negative file descriptor");
  }
  if (!file_parse_mode(vm, file, bound[1] ? cd_str_data(bound[1]) : "r", &flags)) return false;
  file->close_fd = close_fd;
  bool own = fd < 0;
  if (fd >= 0) file->fd = fd;
  else if (!close_fd) {
    return cd_raise_value(vm, "Cannot use closefd=False with file name");
  } else if (!(bound[3] && !cd_is_none(bound[3]) ? file_open_by(vm, file, bound[3], name, flags) : file_open_path(vm, file, name, flags)))
    return false;
  bool ok = file_check_opened(vm, file, name) && cd_io_set_own(vm, self, io_state(vm)->file_io, N(name), name);
  if (ok && file->appending && lseek(file->fd, 0, SEEK_END) < 0 && errno != ESPIPE) ok = cd_raise_os(vm, errno, name, NO_VALUE);
  if (ok) return true;
  if (own) {
    Ref error = cd_take_raised(vm);
    if (!file_close_descriptor(vm, file)) cd_clear_raised(vm);
    cd_restore_raised(vm, error);
  }
  file_forget(file);
  return false;
}

METHOD(fileio, _dealloc_warn, "_dealloc_warn(self, source, /)", "Warn that source is dropped while open.")
{
  FileIo *file = as_file(self);
  if (file->fd < 0 || !file->close_fd) return cd_none();
  Ref pending = cd_take_raised(vm), message = cd_str_format(vm, "unclosed file %R", args[0]);
  bool ok = message && (!vm->warn || vm->warn(vm, vm->exc.ResourceWarning, message, 1, args[0]));
  cd_drop(vm, message);
  if (!ok) cd_write_unraisable(vm, self);
  cd_restore_raised(vm, pending);
  return cd_none();
}

METHOD(fileio, close, "close(self, /)", "Close the descriptor, unless it was given with closefd=False.")
{
  FileIo *file = as_file(self);
  Ref base = cd_from_object(io_state(vm)->raw_base);
  Ref result = cd_call_method1(vm, base, N(close), self);
  if (!file->close_fd) {
    file->fd = -1;
    return result;
  }
  Ref error = result ? NO_REF : cd_take_raised(vm);
  cd_drop(vm, result);
  if (file->finalizing && file->fd >= 0) {
    Value source = self;
    cd_drop(vm, fileio__dealloc_warn(vm, self, &source));
  }
  bool ok = file_close_descriptor(vm, file);
  if (error) {
    if (!ok) cd_clear_raised(vm);
    cd_restore_raised(vm, error);
    return NO_REF;
  }
  return ok ? cd_none() : NO_REF;
}

// ---- moving bytes ----

int64_t cd_io_fd_read(VM *vm, FileIo *file, char *data, int64_t size)
{
  ssize_t got;
  if (size > READ_MAX) size = READ_MAX;
  do {
    int fd = file->fd;
    Thread *me = cd_unlock(vm);
    got = read(fd, data, (size_t)size);
    cd_relock(vm, me);
  } while (got < 0 && errno == EINTR && cd_poll(vm));
  if (got >= 0) return got;
  if (cd_raised(vm)) return -1;
  if (errno == EAGAIN) return -2;
  cd_raise_os(vm, errno, NO_VALUE, NO_VALUE);
  return -1;
}

int64_t cd_io_fd_write(VM *vm, FileIo *file, const char *data, int64_t size)
{
  ssize_t put;
  if (size > READ_MAX) size = READ_MAX;
  do {
    int fd = file->fd;
    Thread *me = cd_unlock(vm);
    put = write(fd, data, (size_t)size);
    cd_relock(vm, me);
  } while (put < 0 && errno == EINTR && cd_poll(vm));
  if (put >= 0) return put;
  if (cd_raised(vm)) return -1;
  if (errno == EAGAIN) return -2;
  cd_raise_os(vm, errno, NO_VALUE, NO_VALUE);
  return -1;
}

METHOD(fileio, readinto, "readinto(self, buffer, /)", "Read into a writable buffer; the number of bytes, or None if it would block.")
{
  FileIo *file = as_file(self);
  if (file->fd < 0) return file_closed_error(vm);
  if (!file->readable) return file_mode_error(vm, "reading");
  Buffer buffer;
  if (!cd_io_writable_buffer(vm, args[0], &buffer)) return NO_REF;
  int64_t got = cd_io_fd_read(vm, file, buffer.data, buffer.size);
  cd_release_buffer(vm, &buffer);
  return got == -1 ? NO_REF : got == -2 ? cd_none() : cd_from_small(got);
}

// A first guess at how much is left, so that reading a regular file takes two system calls.
static int64_t file_size_left(FileIo *file)
{
  struct stat info;
  if (fstat(file->fd, &info) < 0 || !S_ISREG(info.st_mode)) return IO_BUFFER_SIZE;
  off_t at = lseek(file->fd, 0, SEEK_CUR);
  return at >= 0 && info.st_size > at ? info.st_size - at + 1 : IO_BUFFER_SIZE;
}

METHOD(fileio, readall, "readall(self, /)", "All bytes until the end; None if it would block at once.")
{
  FileIo *file = as_file(self);
  if (file->fd < 0) return file_closed_error(vm);
  int64_t capacity = file_size_left(file), size = 0;
  Ref data = cd_bytes_new(vm, NULL, (size_t)capacity);
  if (!data) return NO_REF;
  for (;;) {
    if (size == capacity) {
      capacity += capacity < (1 << 16) ? 1 << 16 : capacity / 2;
      if (!cd_bytes_resize(vm, &data, (size_t)capacity)) return NO_REF;
    }
    int64_t got = cd_io_fd_read(vm, file, cd_bytes_data(data) + size, capacity - size);
    if (got == -1 || (got == -2 && !size)) {
      cd_drop(vm, data);
      return got == -1 ? NO_REF : cd_none();
    }
    if (got <= 0) break;
    size += got;
  }
  return cd_bytes_resize(vm, &data, (size_t)size) ? data : NO_REF;
}

METHOD(fileio, read, "read(self, size=-1, /)", "Up to size bytes by one system call; all when size is negative. None: would block.")
{
  FileIo *file = as_file(self);
  int64_t size;
  if (file->fd < 0) return file_closed_error(vm);
  if (!file->readable) return file_mode_error(vm, "reading");
  if (!cd_io_size(vm, args[0], &size)) return NO_REF;
  if (size < 0) return cd_call_method0(vm, self, io_name(vm, IO_READALL));
  if (size > READ_MAX) size = READ_MAX;
  Ref data = cd_bytes_new(vm, NULL, (size_t)size);
  if (!data) return NO_REF;
  int64_t got = cd_io_fd_read(vm, file, cd_bytes_data(data), size);
  if (got < 0) {
    cd_drop(vm, data);
    return got == -1 ? NO_REF : cd_none();
  }
  return cd_bytes_resize(vm, &data, (size_t)got) ? data : NO_REF;
}

METHOD(fileio, write, "write(self, b, /)", "Write bytes by one system call; the number written, or None if it would block.")
{
  FileIo *file = as_file(self);
  Buffer buffer;
  if (file->fd < 0) return file_closed_error(vm);
  if (!file->writable) return file_mode_error(vm, "writing");
  if (!cd_get_buffer(vm, args[0], &buffer, BUFFER_SIMPLE)) return NO_REF;
  int64_t put = cd_io_fd_write(vm, file, buffer.data, buffer.size);
  cd_release_buffer(vm, &buffer);
  return put == -1 ? NO_REF : put == -2 ? cd_none() : cd_from_small(put);
}

// ---- position ----

METHOD(fileio, seek, "seek(self, pos, whence=0, /)", "Move the position: whence 0 from the start, 1 from here, 2 from the end.")
{
  FileIo *file = as_file(self);
  int64_t offset;
  int whence = 0;
  if (file->fd < 0) return file_closed_error(vm);
  if (cd_is_float(args[0])) return cd_raise_type(vm, "'float' object cannot be interpreted as an integer");
  if (!cd_to_i64(vm, args[0], &offset, vm->exc.OverflowError) || (args[1] && !cd_to_c_int(vm, args[1], &whence))) return NO_REF;
  Thread *me = cd_unlock(vm);
  off_t at = lseek(file->fd, offset, whence);
  cd_relock(vm, me);
  if (at < 0) return cd_raise_os(vm, errno, NO_VALUE, NO_VALUE);
  file->seekable = 1;
  return cd_int_from_i64(vm, at);
}

METHOD(fileio, tell, "tell(self, /)", "The position.")
{
  FileIo *file = as_file(self);
  if (file->fd < 0) return file_closed_error(vm);
  off_t at = lseek(file->fd, 0, SEEK_CUR);
  return at < 0 ? cd_raise_os(vm, errno, NO_VALUE, NO_VALUE) : cd_int_from_i64(vm, at);
}

METHOD(fileio, truncate, "truncate(self, size=None, /)", "Resize the file; the position stays. Returns the new size.")
{
  FileIo *file = as_file(self);
  if (file->fd < 0) return file_closed_error(vm);
  if (!file->writable) return file_mode_error(vm, "writing");
  Ref size = args[0] && !cd_is_none(args[0]) ? cd_dup(args[0]) : cd_call_method0(vm, self, N(tell));
  int64_t length;
  if (!size) return NO_REF;
  if (!cd_to_i64(vm, size, &length, vm->exc.OverflowError)) {
    cd_drop(vm, size);
    return NO_REF;
  }
  Thread *me = cd_unlock(vm);
  int status = ftruncate(file->fd, length);
  cd_relock(vm, me);
  if (status == 0) return size;
  cd_drop(vm, size);
  return cd_raise_os(vm, errno, NO_VALUE, NO_VALUE);
}

// ---- questions ----

static bool file_can_seek(FileIo *file)
{
  if (file->seekable < 0) file->seekable = lseek(file->fd, 0, SEEK_CUR) >= 0;
  return file->seekable;
}

bool cd_io_file_known(VM *vm, Value stream, int name, bool *out)
{
  if (!cd_io_is_plain_file(vm, stream) || !cd_io_has_only(stream, N(name))) return false;
  FileIo *file = as_file(stream);
  switch (name) {
  case IO_SEEKABLE: *out = file_can_seek(file); return true;
  case IO_READABLE: *out = file->readable; return true;
  case IO_WRITABLE: *out = file->writable; return true;
  case IO_ISATTY: *out = isatty(file->fd); return true;
  default: return false;
  }
}

METHOD(fileio, seekable, "seekable(self, /)", "Can the file seek?")
{
  return as_file(self)->fd < 0 ? file_closed_error(vm) : cd_bool(file_can_seek(as_file(self)));
}
METHOD(fileio, readable, "readable(self, /)", "Was the file opened for reading?")
{
  return as_file(self)->fd < 0 ? file_closed_error(vm) : cd_bool(as_file(self)->readable);
}
METHOD(fileio, writable, "writable(self, /)", "Was the file opened for writing?")
{
  return as_file(self)->fd < 0 ? file_closed_error(vm) : cd_bool(as_file(self)->writable);
}
METHOD(fileio, fileno, "fileno(self, /)", "The file descriptor.")
{
  return as_file(self)->fd < 0 ? file_closed_error(vm) : cd_from_small(as_file(self)->fd);
}
METHOD(fileio, isatty, "isatty(self, /)", "Is the file a terminal?")
{
  return as_file(self)->fd < 0 ? file_closed_error(vm) : cd_bool(isatty(as_file(self)->fd));
}
METHOD(fileio, __getstate__, "__getstate__(self, /)", "Files cannot be pickled.")
{
  return cd_raise_type(vm, "cannot pickle '%T' object", self);
}

static const char *file_mode_text(const FileIo *file)
{
  if (file->created) return file->readable ? "xb+" : "xb";
  if (file->appending) return file->readable ? "ab+" : "ab";
  if (file->readable) return file->writable ? "rb+" : "rb";
  return "wb";
}
static Ref fileio_get_closed(VM *vm, Value self) { return cd_bool(as_file(self)->fd < 0); }
static Ref fileio_get_closefd(VM *vm, Value self) { return cd_bool(as_file(self)->close_fd); }
static Ref fileio_get_mode(VM *vm, Value self) { return cd_str_from(vm, file_mode_text(as_file(self))); }
static Ref fileio_get_block_size(VM *vm, Value self) { return cd_from_small(as_file(self)->block_size); }
static Ref fileio_get_finalizing(VM *vm, Value self) { return cd_bool(as_file(self)->finalizing); }
static bool fileio_set_finalizing(VM *vm, Value self, Value value) { return value && cd_truth(vm, value, &as_file(self)->finalizing); }

static Ref fileio_repr(VM *vm, Value self)
{
  FileIo *file = as_file(self);
  Ref name = NO_REF, result;
  if (file->fd < 0) return cd_str_from(vm, "<_io.FileIO [closed]>");
  if (cd_getattr_find(vm, self, N(name), &name) == FIND_ERROR) return NO_REF;
  const char *close_fd = file->close_fd ? "True" : "False";
  if (!name) return cd_str_format(vm, "<_io.FileIO fd=%d mode='%s' closefd=%s>", file->fd, file_mode_text(file), close_fd);
  ReprState state = cd_repr_enter(vm, self);
  if (state == REPR_INSIDE) cd_raise_runtime(vm, "reentrant call inside %T.__repr__", self);
  result = state == REPR_FRESH ? cd_str_format(vm, "<_io.FileIO name=%R mode='%s' closefd=%s>", name, file_mode_text(file), close_fd)
                               : NO_REF;
  if (state == REPR_FRESH) cd_repr_leave(vm, self);
  cd_drop(vm, name);
  return result;
}

static const MethodDef *const fileio_methods[] = {
  &fileio_read_def, &fileio_readall_def, &fileio_readinto_def, &fileio_write_def, &fileio_seek_def, &fileio_tell_def, &fileio_truncate_def,
  &fileio_close_def, &fileio_seekable_def, &fileio_readable_def, &fileio_writable_def, &fileio_fileno_def, &fileio_isatty_def,
  &fileio__dealloc_warn_def, &fileio___getstate___def, NULL};
static const GetSetDef fileio_getset[] = {{"closed", "True if the file is closed", fileio_get_closed, NULL},
                                          {"closefd", "Does close() close the descriptor?", fileio_get_closefd, NULL},
                                          {"mode", "The mode, as FileIO writes it.", fileio_get_mode, NULL},
                                          {"_blksize", "Block size that the system prefers.", fileio_get_block_size, NULL},
                                          {"_finalizing", "Set while a dropped file closes itself.", fileio_get_finalizing,
                                           fileio_set_finalizing},
                                          {NULL, NULL, NULL, NULL}};

const TypeSpec cd_io_file_spec = {.name = "_io.FileIO",
                                  .doc = "FileIO(file, mode='r', closefd=True, opener=None)\n--\n\nA file by its path or descriptor, "
                                         "unbuffered. mode: one of r, w, x, a, then + for both ways.",
                                  .basicsize = sizeof(FileIo),
                                  .flags = IO_BASE_TYPE_FLAGS,
                                  IO_BASE_OFFSETS,
                                  .methods = fileio_methods,
                                  .getset = fileio_getset,
                                  .slots = {.new_ = file_new, .init = file_init, .repr = fileio_repr, .finalize = cd_io_base_finalize}};
