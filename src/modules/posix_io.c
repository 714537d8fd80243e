// SPDX-License-Identifier: MIT
// posix_io.c: posix functions on descriptors
#include "modules/posix.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <pty.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <termios.h>
#include <unistd.h>
#include <utmp.h>

#define IO_MAX INT64_C(0x7ffff000)

static Ref fd_result(VM *vm, int64_t status) { return status < 0 ? cd_posix_error_plain(vm) : cd_int_from_i64(vm, status); }
static Ref fd_done(VM *vm, int status) { return status < 0 ? cd_posix_error_plain(vm) : cd_none(); }

FUNCTION(posix, open, "open(path, flags, mode=511, *, dir_fd=None)", "Open a file; its descriptor, which children don't inherit.")
{
  PathArg path;
  int flags, mode, dir_fd, fd;
  if (!cd_to_c_int(vm, args[1], &flags) || !cd_posix_int(vm, args[2], 0777, &mode) || !cd_posix_dir_fd(vm, args[3], &dir_fd) ||
      !cd_posix_path(vm, "open", "path", args[0], 0, &path))
    return NO_REF;
  POSIX_RETRY(vm, fd, openat(dir_fd, path.text, flags | O_CLOEXEC, (mode_t)mode));
  if (fd < 0) cd_posix_error(vm, &path);
  cd_posix_path_clear(vm, &path);
  return fd < 0 ? NO_REF : cd_from_small(fd);
}

FUNCTION(posix, close, "close(fd)", "Close a descriptor.")
{
  int fd;
  if (!cd_to_c_int(vm, args[0], &fd)) return NO_REF;
  Thread *me = cd_unlock(vm);
  int status = close(fd);
  cd_relock(vm, me);
  return status < 0 && errno != EINTR ? cd_posix_error_plain(vm) : cd_none();
}
FUNCTION(posix, closerange, "closerange(fd_low, fd_high, /)",
         "Close all descriptors from fd_low up to, not including, fd_high; errors are ignored.")
{
  int low, high;
  if (!cd_to_c_int(vm, args[0], &low) || !cd_to_c_int(vm, args[1], &high)) return NO_REF;
  Thread *me = cd_unlock(vm);
  if (low < 0) low = 0;
  if (high > low) close_range((unsigned)low, (unsigned)high - 1, 0);
  cd_relock(vm, me);
  return cd_none();
}

FUNCTION(posix, dup, "dup(fd, /)", "A new descriptor for the same file, which children don't inherit.")
{
  int fd;
  return cd_to_c_int(vm, args[0], &fd) ? fd_result(vm, fcntl(fd, F_DUPFD_CLOEXEC, 0)) : NO_REF;
}
FUNCTION(posix, dup2, "dup2(fd, fd2, inheritable=True)", "Make fd2 a descriptor for fd's file.")
{
  int fd, fd2, status;
  bool inheritable;
  if (!cd_to_c_int(vm, args[0], &fd) || !cd_to_c_int(vm, args[1], &fd2) || !cd_posix_flag(vm, args[2], true, &inheritable)) return NO_REF;
  if (fd < 0 || fd2 < 0) {
    errno = EBADF;
    return cd_posix_error_plain(vm);
  }
  POSIX_RETRY(vm, status, inheritable || fd == fd2 ? dup2(fd, fd2) : dup3(fd, fd2, O_CLOEXEC));
  return fd_result(vm, status);
}

FUNCTION(posix, read, "read(fd, length, /)", "Up to length bytes.")
{
  int fd;
  int64_t size;
  ssize_t got;
  if (!cd_to_c_int(vm, args[0], &fd) || !cd_posix_i64(vm, args[1], &size)) return NO_REF;
  if (size < 0) {
    errno = EINVAL;
    return cd_posix_error_plain(vm);
  }
  if (size > IO_MAX) size = IO_MAX;
  Ref data = cd_bytes_new(vm, NULL, (size_t)size);
  if (!data) return NO_REF;
  char *room = cd_bytes_data(data);
  POSIX_RETRY(vm, got, read(fd, room, (size_t)size));
  if (got < 0) {
    cd_drop(vm, data);
    return cd_posix_error_plain(vm);
  }
  return cd_bytes_resize(vm, &data, (size_t)got) ? data : NO_REF;
}
FUNCTION(posix, write, "write(fd, data, /)", "Write bytes; how many were written.")
{
  int fd;
  Buffer data;
  ssize_t put;
  if (!cd_to_c_int(vm, args[0], &fd) || !cd_get_buffer(vm, args[1], &data, BUFFER_SIMPLE)) return NO_REF;
  size_t size = (size_t)(data.size > IO_MAX ? IO_MAX : data.size);
  POSIX_RETRY(vm, put, write(fd, data.data, size));
  cd_release_buffer(vm, &data);
  return fd_result(vm, put);
}
FUNCTION(posix, pread, "pread(fd, length, offset, /)", "Up to length bytes from a position; the file's own stays.")
{
  int fd;
  int64_t size, offset;
  ssize_t got;
  if (!cd_to_c_int(vm, args[0], &fd) || !cd_posix_i64(vm, args[1], &size) || !cd_posix_i64(vm, args[2], &offset)) return NO_REF;
  if (size < 0) {
    errno = EINVAL;
    return cd_posix_error_plain(vm);
  }
  if (size > IO_MAX) size = IO_MAX;
  Ref data = cd_bytes_new(vm, NULL, (size_t)size);
  if (!data) return NO_REF;
  char *room = cd_bytes_data(data);
  POSIX_RETRY(vm, got, pread(fd, room, (size_t)size, offset));
  if (got < 0) {
    cd_drop(vm, data);
    return cd_posix_error_plain(vm);
  }
  return cd_bytes_resize(vm, &data, (size_t)got) ? data : NO_REF;
}
FUNCTION(posix, pwrite, "pwrite(fd, buffer, offset, /)", "Write bytes at a position; the file's own stays.")
{
  int fd;
  int64_t offset;
  Buffer data;
  ssize_t put;
  if (!cd_to_c_int(vm, args[0], &fd) || !cd_posix_i64(vm, args[2], &offset) || !cd_get_buffer(vm, args[1], &data, BUFFER_SIMPLE))
    return NO_REF;
  POSIX_RETRY(vm, put, pwrite(fd, data.data, (size_t)data.size, offset));
  cd_release_buffer(vm, &data);
  return fd_result(vm, put);
}

// Buffers of a readv or writev.
typedef struct VectorArg { struct iovec *vectors; Buffer *buffers; size_t count, filled; } VectorArg;

static void vector_clear(VM *vm, VectorArg *v)
{
  for (size_t i = 0; i < v->filled; i++) cd_release_buffer(vm, &v->buffers[i]);
  cd_free(vm, v->vectors, v->count * sizeof *v->vectors);
  cd_free(vm, v->buffers, v->count * sizeof *v->buffers);
}
static bool vector_init(VM *vm, VectorArg *v, const char *function, Value sequence, int flags)
{
  *v = (VectorArg){0};
  int64_t count;
  if (!cd_type_of(vm, sequence)->slots.getitem || !cd_type_of(vm, sequence)->slots.len)
    return cd_raise_type(vm, "%s() arg 2 must be a sequence", function);
  if (!cd_len(vm, sequence, &count)) return false;
  v->count = (size_t)count;
  v->vectors = cd_alloc_array(vm, v->count, sizeof *v->vectors);
  v->buffers = v->vectors ? cd_alloc_array(vm, v->count, sizeof *v->buffers) : NULL;
  if (!v->buffers) goto fail;
  for (size_t i = 0; i < v->count; i++) {
    Ref item = cd_getitem(vm, sequence, cd_from_small((int64_t)i));
    bool ok = item && cd_get_buffer(vm, item, &v->buffers[i], flags);
    cd_drop(vm, item);
    if (!ok) goto fail;
    v->filled++;
    v->vectors[i] = (struct iovec){v->buffers[i].data, (size_t)v->buffers[i].size};
  }
  return true;
fail:
  vector_clear(vm, v);
  return false;
}

static Ref vector_call(VM *vm, const char *function, Value fd_value, Value sequence, Value offset_value, Value flags_value, bool reading)
{
  VectorArg v;
  int fd, flags;
  int64_t offset = 0;
  ssize_t moved;
  if (!cd_to_c_int(vm, fd_value, &fd) || (offset_value && !cd_posix_i64(vm, offset_value, &offset)) ||
      !cd_posix_int(vm, flags_value, 0, &flags))
    return NO_REF;
  if (!vector_init(vm, &v, function, sequence, reading ? BUFFER_WRITABLE : BUFFER_SIMPLE)) return NO_REF;
  int n = (int)v.count;
  if (!offset_value) POSIX_RETRY(vm, moved, reading ? readv(fd, v.vectors, n) : writev(fd, v.vectors, n));
  else POSIX_RETRY(vm, moved, reading ? preadv2(fd, v.vectors, n, offset, flags) : pwritev2(fd, v.vectors, n, offset, flags));
  int error = errno;
  vector_clear(vm, &v);
  errno = error;
  return fd_result(vm, moved);
}
FUNCTION(posix, readv, "readv(fd, buffers, /)", "Read into a sequence of writable buffers; the number of bytes.")
{
  return vector_call(vm, "readv", args[0], args[1], NO_VALUE, NO_VALUE, true);
}
FUNCTION(posix, writev, "writev(fd, buffers, /)", "Write a sequence of buffers; the number of bytes.")
{
  return vector_call(vm, "writev", args[0], args[1], NO_VALUE, NO_VALUE, false);
}
FUNCTION(posix, preadv, "preadv(fd, buffers, offset, flags=0, /)", "readv() from a position; the file's own stays.")
{
  return vector_call(vm, "preadv", args[0], args[1], args[2], args[3], true);
}
FUNCTION(posix, pwritev, "pwritev(fd, buffers, offset, flags=0, /)", "writev() at a position; the file's own stays.")
{
  return vector_call(vm, "pwritev", args[0], args[1], args[2], args[3], false);
}

FUNCTION(posix, lseek, "lseek(fd, position, how, /)", "Move the position; the new one.")
{
  int fd, how;
  int64_t position;
  if (!cd_to_c_int(vm, args[0], &fd) || !cd_posix_i64(vm, args[1], &position) || !cd_to_c_int(vm, args[2], &how)) return NO_REF;
  Thread *me = cd_unlock(vm);
  off_t at = lseek(fd, position, how);
  cd_relock(vm, me);
  return fd_result(vm, at);
}

#define FD_FUNCTION(name, call, doc)                                 \
  FUNCTION(posix, name, #name "(fd)", doc)                           \
  {                                                                  \
    PathArg file;                                                    \
    int status;                                                      \
    Ref number = NO_REF;                                             \
    if (!cd_is_int(args[0])) {                                       \
      Ref method = cd_getattr_text(vm, args[0], "fileno");           \
      if (!method) {                                                 \
        cd_clear_raised(vm);                                         \
        return cd_raise_type(vm, "argument must be an int, or have a fileno() method."); \
      }                                                              \
      number = cd_call0(vm, method);                                 \
      cd_drop(vm, method);                                           \
      if (!number) return NO_REF;                                    \
    }                                                                \
    bool ok = cd_posix_path(vm, #name, "fd", number ? (Value)number : args[0], PATH_ALLOW_FD, &file); \
    cd_drop(vm, number);                                             \
    if (!ok) return NO_REF;                                          \
    int fd = file.fd;                                                \
    POSIX_RETRY(vm, status, call(fd));                               \
    return fd_done(vm, status);                                      \
  }
FD_FUNCTION(fsync, fsync, "Write a file's data to its device.")
FD_FUNCTION(fdatasync, fdatasync, "Like fsync(), without metadata that is not needed.")

FUNCTION(posix, sync, "sync()", "Write everything to the devices.")
{
  sync();
  return cd_none();
}
FUNCTION(posix, ftruncate, "ftruncate(fd, length, /)", "Cut or extend an open file.")
{
  int fd, status;
  int64_t length;
  if (!cd_to_c_int(vm, args[0], &fd) || !cd_posix_i64(vm, args[1], &length)) return NO_REF;
  POSIX_RETRY(vm, status, ftruncate(fd, length));
  return fd_done(vm, status);
}
FUNCTION(posix, posix_fallocate, "posix_fallocate(fd, offset, length, /)", "Make sure that a part of a file has room on the device.")
{
  int fd;
  int64_t offset, length;
  if (!cd_to_c_int(vm, args[0], &fd) || !cd_posix_i64(vm, args[1], &offset) || !cd_posix_i64(vm, args[2], &length)) return NO_REF;
  int error;
  do {
    Thread *me = cd_unlock(vm);
    error = posix_fallocate(fd, offset, length);
    cd_relock(vm, me);
  } while (error == EINTR && cd_poll(vm));
  errno = error;
  return error ? cd_posix_error_plain(vm) : cd_none();
}
FUNCTION(posix, posix_fadvise, "posix_fadvise(fd, offset, length, advice, /)", "Say how a part of a file will be used.")
{
  int fd, advice;
  int64_t offset, length;
  if (!cd_to_c_int(vm, args[0], &fd) || !cd_posix_i64(vm, args[1], &offset) || !cd_posix_i64(vm, args[2], &length) ||
      !cd_to_c_int(vm, args[3], &advice))
    return NO_REF;
  errno = posix_fadvise(fd, offset, length, advice);
  return errno ? cd_posix_error_plain(vm) : cd_none();
}
FUNCTION(posix, lockf, "lockf(fd, command, length, /)", "Lock, test or unlock a part of a file.")
{
  int fd, command, status;
  int64_t length;
  if (!cd_to_c_int(vm, args[0], &fd) || !cd_to_c_int(vm, args[1], &command) || !cd_posix_i64(vm, args[2], &length)) return NO_REF;
  POSIX_RETRY(vm, status, lockf(fd, command, length));
  return fd_done(vm, status);
}

static bool optional_offset(VM *vm, Value v, off_t *storage, off_t **out)
{
  int64_t offset;
  *out = NULL;
  if (!v || cd_is_none(v)) return true;
  if (!cd_posix_i64(vm, v, &offset)) return false;
  *storage = offset;
  *out = storage;
  return true;
}
FUNCTION(posix, sendfile, "sendfile(out_fd, in_fd, offset, count)", "Copy count bytes between descriptors in the kernel.")
{
  int out_fd, in_fd;
  off_t storage, *offset;
  int64_t count;
  ssize_t moved;
  if (!cd_to_c_int(vm, args[0], &out_fd) || !cd_to_c_int(vm, args[1], &in_fd) || !optional_offset(vm, args[2], &storage, &offset) ||
      !cd_posix_i64(vm, args[3], &count))
    return NO_REF;
  POSIX_RETRY(vm, moved, sendfile(out_fd, in_fd, offset, (size_t)count));
  return fd_result(vm, moved);
}
FUNCTION(posix, copy_file_range, "copy_file_range(src, dst, count, offset_src=None, offset_dst=None)",
         "Copy between files in the kernel; the number of bytes.")
{
  int src, dst;
  int64_t count;
  off_t from_storage, to_storage, *from, *to;
  ssize_t moved;
  if (!cd_to_c_int(vm, args[0], &src) || !cd_to_c_int(vm, args[1], &dst) || !cd_posix_i64(vm, args[2], &count)) return NO_REF;
  if (count < 0) return cd_raise_value(vm, "negative value for 'count' not allowed");
  if (!optional_offset(vm, args[3], &from_storage, &from) || !optional_offset(vm, args[4], &to_storage, &to)) return NO_REF;
  POSIX_RETRY(vm, moved, copy_file_range(src, from, dst, to, (size_t)count, 0));
  return fd_result(vm, moved);
}
FUNCTION(posix, splice, "splice(src, dst, count, offset_src=None, offset_dst=None, flags=0)",
         "Move data between a pipe and a descriptor; the number of bytes.")
{
  int src, dst, flags;
  int64_t count;
  off_t from_storage, to_storage, *from, *to;
  ssize_t moved;
  if (!cd_to_c_int(vm, args[0], &src) || !cd_to_c_int(vm, args[1], &dst) || !cd_posix_i64(vm, args[2], &count)) return NO_REF;
  if (count < 0) return cd_raise_value(vm, "negative value for 'count' not allowed");
  if (!optional_offset(vm, args[3], &from_storage, &from) || !optional_offset(vm, args[4], &to_storage, &to) ||
      !cd_posix_int(vm, args[5], 0, &flags))
    return NO_REF;
  POSIX_RETRY(vm, moved, splice(src, from, dst, to, (size_t)count, (unsigned)flags));
  return fd_result(vm, moved);
}

static Ref fd_pair(VM *vm, int status, const int fds[2])
{
  return status < 0 ? cd_posix_error_plain(vm) : cd_tuple2(vm, cd_from_small(fds[0]), cd_from_small(fds[1]));
}
FUNCTION(posix, pipe, "pipe()", "(read end, write end) of a new pipe.")
{
  int fds[2];
  return fd_pair(vm, pipe2(fds, O_CLOEXEC), fds);
}
FUNCTION(posix, pipe2, "pipe2(flags, /)", "Like pipe(), with O_NONBLOCK, O_CLOEXEC.")
{
  int fds[2], flags;
  return cd_to_c_int(vm, args[0], &flags) ? fd_pair(vm, pipe2(fds, flags), fds) : NO_REF;
}
FUNCTION(posix, openpty, "openpty()", "(master, slave) of a new pseudo terminal.")
{
  int fds[2], status = openpty(&fds[0], &fds[1], NULL, NULL, NULL);
  for (int i = 0; status == 0 && i < 2; i++) fcntl(fds[i], F_SETFD, FD_CLOEXEC);
  return fd_pair(vm, status, fds);
}
FUNCTION(posix, login_tty, "login_tty(fd, /)", "Make fd the controlling terminal and the standard streams.")
{
  int fd;
  return cd_to_c_int(vm, args[0], &fd) ? fd_done(vm, login_tty(fd)) : NO_REF;
}

FUNCTION(posix, eventfd, "eventfd(initval, flags=EFD_CLOEXEC)", "A new event counter.")
{
  int64_t start;
  int flags;
  if (!cd_posix_i64(vm, args[0], &start) || !cd_posix_int(vm, args[1], EFD_CLOEXEC, &flags)) return NO_REF;
  return fd_result(vm, eventfd((unsigned)start, flags));
}
FUNCTION(posix, eventfd_read, "eventfd_read(fd)", "Value of an event counter, which is reset.")
{
  int fd, status;
  eventfd_t value;
  if (!cd_to_c_int(vm, args[0], &fd)) return NO_REF;
  Thread *me = cd_unlock(vm);
  status = eventfd_read(fd, &value);
  cd_relock(vm, me);
  return status < 0 ? cd_posix_error_plain(vm) : cd_int_from_u64(vm, value);
}
FUNCTION(posix, eventfd_write, "eventfd_write(fd, value)", "Add to an event counter.")
{
  int fd;
  Ref index;
  uint64_t value;
  if (!cd_to_c_int(vm, args[0], &fd) || !(index = cd_index(vm, args[1]))) return NO_REF;
  bool fits = cd_int_fits_u64(index, &value);
  cd_drop(vm, index);
  if (!fits) return cd_raise_overflow(vm, "Python int too large to convert to C unsigned long long");
  Thread *me = cd_unlock(vm);
  int status = eventfd_write(fd, value);
  cd_relock(vm, me);
  return fd_done(vm, status);
}
FUNCTION(posix, memfd_create, "memfd_create(name, flags=MFD_CLOEXEC)", "An anonymous file in memory.")
{
  PathArg name;
  int flags;
  if (!cd_posix_int(vm, args[1], MFD_CLOEXEC, &flags) || !cd_posix_path(vm, "memfd_create", "name", args[0], 0, &name)) return NO_REF;
  int fd = memfd_create(name.text, (unsigned)flags);
  cd_posix_path_clear(vm, &name);
  return fd_result(vm, fd);
}

FUNCTION(posix, isatty, "isatty(fd, /)", "Is the descriptor a terminal?")
{
  int fd;
  return cd_to_c_int(vm, args[0], &fd) ? cd_bool(isatty(fd)) : NO_REF;
}
FUNCTION(posix, ttyname, "ttyname(fd, /)", "Name of a terminal.")
{
  int fd;
  char name[PATH_MAX];
  if (!cd_to_c_int(vm, args[0], &fd)) return NO_REF;
  errno = ttyname_r(fd, name, sizeof name);
  return errno ? cd_posix_error_plain(vm) : cd_fs_decode(vm, name, strlen(name));
}
FUNCTION(posix, device_encoding, "device_encoding(fd)", "Encoding of a terminal; None for other files.")
{
  int fd;
  if (!cd_to_c_int(vm, args[0], &fd)) return NO_REF;
  return isatty(fd) ? cd_str_from(vm, "UTF-8") : cd_none();
}
FUNCTION(posix, get_terminal_size, "get_terminal_size(fd=1, /)", "(columns, lines) of a terminal.")
{
  int fd;
  struct winsize size;
  if (!cd_posix_int(vm, args[0], 1, &fd)) return NO_REF;
  if (ioctl(fd, TIOCGWINSZ, &size) < 0) return cd_posix_error_plain(vm);
  Value items[2] = {cd_from_small(size.ws_col), cd_from_small(size.ws_row)};
  return cd_struct_new(vm, posix_state(vm)->terminal_size, items);
}
FUNCTION(posix, tcgetpgrp, "tcgetpgrp(fd, /)", "Foreground process group of a terminal.")
{
  int fd;
  return cd_to_c_int(vm, args[0], &fd) ? fd_result(vm, tcgetpgrp(fd)) : NO_REF;
}
FUNCTION(posix, tcsetpgrp, "tcsetpgrp(fd, pgid, /)", "Set the foreground process group of a terminal.")
{
  int fd, group;
  return cd_to_c_int(vm, args[0], &fd) && cd_to_c_int(vm, args[1], &group) ? fd_done(vm, tcsetpgrp(fd, group)) : NO_REF;
}
FUNCTION(posix, ctermid, "ctermid()", "Name of the controlling terminal.")
{
  char name[L_ctermid];
  return cd_str_from(vm, ctermid(name));
}

// One bit of a descriptor's flags.
static Ref fd_get_bit(VM *vm, Value v, int get, int bit, bool inverted)
{
  int fd;
  if (!cd_to_c_int(vm, v, &fd)) return NO_REF;
  int flags = fcntl(fd, get);
  return flags < 0 ? cd_posix_error_plain(vm) : cd_bool(!(flags & bit) == inverted);
}
static Ref fd_set_bit(VM *vm, Value v, Value on, int get, int set, int bit, bool inverted)
{
  int fd;
  bool yes;
  if (!cd_to_c_int(vm, v, &fd) || !cd_truth(vm, on, &yes)) return NO_REF;
  int flags = fcntl(fd, get);
  if (flags >= 0) flags = fcntl(fd, set, yes != inverted ? flags | bit : flags & ~bit);
  return fd_done(vm, flags);
}
FUNCTION(posix, get_inheritable, "get_inheritable(fd, /)", "Do children inherit the descriptor?")
{
  return fd_get_bit(vm, args[0], F_GETFD, FD_CLOEXEC, true);
}
FUNCTION(posix, set_inheritable, "set_inheritable(fd, inheritable, /)", "Let children inherit the descriptor, or not.")
{
  return fd_set_bit(vm, args[0], args[1], F_GETFD, F_SETFD, FD_CLOEXEC, true);
}
FUNCTION(posix, get_blocking, "get_blocking(fd, /)", "Does the descriptor block?")
{
  return fd_get_bit(vm, args[0], F_GETFL, O_NONBLOCK, true);
}
FUNCTION(posix, set_blocking, "set_blocking(fd, blocking, /)", "Make the descriptor block, or not.")
{
  return fd_set_bit(vm, args[0], args[1], F_GETFL, F_SETFL, O_NONBLOCK, true);
}

FUNCTION(posix, urandom, "urandom(size, /)", "Random bytes fit for cryptography.")
{
  int64_t size;
  if (!cd_posix_i64(vm, args[0], &size)) return NO_REF;
  if (size < 0) return cd_raise_value(vm, "negative argument not allowed");
  Ref data = cd_bytes_new(vm, NULL, (size_t)size);
  for (int64_t at = 0; data && at < size;) {
    ssize_t got = getrandom(cd_bytes_data(data) + at, (size_t)(size - at), 0);
    if (got < 0 && (errno != EINTR || !cd_poll(vm))) {
      cd_drop(vm, data);
      return cd_posix_error_plain(vm);
    }
    if (got > 0) at += got;
  }
  return data;
}
FUNCTION(posix, getrandom, "getrandom(size, flags=0)", "Random bytes by getrandom(2); may be fewer.")
{
  int64_t size;
  int flags;
  ssize_t got;
  if (!cd_posix_i64(vm, args[0], &size) || !cd_posix_int(vm, args[1], 0, &flags)) return NO_REF;
  if (size < 0) {
    errno = EINVAL;
    return cd_posix_error_plain(vm);
  }
  Ref data = cd_bytes_new(vm, NULL, (size_t)size);
  if (!data) return NO_REF;
  do got = getrandom(cd_bytes_data(data), (size_t)size, (unsigned)flags);
  while (got < 0 && errno == EINTR && cd_poll(vm));
  if (got < 0) {
    cd_drop(vm, data);
    return cd_posix_error_plain(vm);
  }
  return cd_bytes_resize(vm, &data, (size_t)got) ? data : NO_REF;
}

const MethodDef *const cd_posix_io_functions[] = {&posix_open_def,
                                                  &posix_close_def,
                                                  &posix_closerange_def,
                                                  &posix_dup_def,
                                                  &posix_dup2_def,
                                                  &posix_read_def,
                                                  &posix_write_def,
                                                  &posix_pread_def,
                                                  &posix_pwrite_def,
                                                  &posix_readv_def,
                                                  &posix_writev_def,
                                                  &posix_preadv_def,
                                                  &posix_pwritev_def,
                                                  &posix_lseek_def,
                                                  &posix_fsync_def,
                                                  &posix_fdatasync_def,
                                                  &posix_sync_def,
                                                  &posix_ftruncate_def,
                                                  &posix_posix_fallocate_def,
                                                  &posix_posix_fadvise_def,
                                                  &posix_lockf_def,
                                                  &posix_sendfile_def,
                                                  &posix_copy_file_range_def,
                                                  &posix_splice_def,
                                                  &posix_pipe_def,
                                                  &posix_pipe2_def,
                                                  &posix_openpty_def,
                                                  &posix_login_tty_def,
                                                  &posix_eventfd_def,
                                                  &posix_eventfd_read_def,
                                                  &posix_eventfd_write_def,
                                                  &posix_memfd_create_def,
                                                  &posix_isatty_def,
                                                  &posix_ttyname_def,
                                                  &posix_device_encoding_def,
                                                  &posix_get_terminal_size_def,
                                                  &posix_tcgetpgrp_def,
                                                  &posix_tcsetpgrp_def,
                                                  &posix_ctermid_def,
                                                  &posix_get_inheritable_def,
                                                  &posix_set_inheritable_def,
                                                  &posix_get_blocking_def,
                                                  &posix_set_blocking_def,
                                                  &posix_urandom_def,
                                                  &posix_getrandom_def,
                                                  NULL};
