// SPDX-License-Identifier: MIT
// posix_files.c: posix functions on names: folders, links, modes, times, attributes
#include "modules/posix.h"

#include <dirent.h>
#include <limits.h>
#include <linux/limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <sys/time.h>
#include <sys/xattr.h>
#include <unistd.h>

// ---- arguments ----

static const char *path_expected(int allow)
{
  if (allow == (PATH_ALLOW_FD | PATH_ALLOW_NONE)) return "string, bytes, os.PathLike, integer or None";
  if (allow == PATH_ALLOW_FD) return "string, bytes, os.PathLike or integer";
  if (allow == PATH_ALLOW_NONE) return "string, bytes, os.PathLike or None";
  return "string, bytes or os.PathLike";
}

bool cd_posix_path(VM *vm, const char *function, const char *parameter, Value v, int allow, PathArg *out)
{
  *out = (PathArg){.object = v, .fd = -1, .text = "."};
  bool buffer = false;                           // bytes-like, but not bytes
  if (!v || cd_is_none(v)) {
    if (allow & PATH_ALLOW_NONE) return true;
    return cd_raise_type(vm, "%s: %s should be %s, not %T", function, parameter, path_expected(allow), v);
  }
  if (!cd_is_str(v) && !cd_is_bytes(v)) {
    Type *type = cd_type_of(vm, v);
    if ((allow & PATH_ALLOW_FD) && (cd_is_int(v) || type->slots.index)) {
      if (!cd_to_c_int(vm, v, &out->fd)) return false;
      return true;
    }
    if (!cd_type_lookup_borrow(vm, type, N(__fspath__))) {
      if (!cd_has_buffer(vm, v)) return cd_raise_type(vm, "%s: %s should be %s, not %T", function, parameter, path_expected(allow), v);
      if (!cd_warn(vm, vm->exc.DeprecationWarning, 1, "%s: %s should be %s, not %T", function, parameter, path_expected(allow), v))
        return false;
      buffer = true;
    }
  }
  Ref path = buffer ? cd_bytes_from_value(vm, v) : cd_posix_fspath(vm, v);
  if (!path) return false;
  out->wants_bytes = cd_is_bytes(path);
  if (cd_is_bytes(path)) out->bytes = path;
  else {
    out->bytes = cd_encode(vm, path, "utf-8", "surrogateescape");
    cd_drop(vm, path);
    if (!out->bytes) return false;
  }
  out->text = cd_bytes_data(out->bytes);
  if (strlen(out->text) == cd_bytes_size(out->bytes)) return true;
  cd_posix_path_clear(vm, out);
  return cd_raise_value(vm, "%s: embedded null character in %s", function, parameter);
}

bool cd_posix_dir_fd(VM *vm, Value v, int *out)
{
  *out = AT_FDCWD;
  if (!v || cd_is_none(v)) return true;
  if (!cd_is_int(v) && !cd_type_of(vm, v)->slots.index) return cd_raise_type(vm, "argument should be integer or None, not %T", v);
  return cd_to_c_int(vm, v, out);
}
bool cd_posix_flag(VM *vm, Value v, bool fallback, bool *out)
{
  *out = fallback;
  return !v || cd_truth(vm, v, out);
}
bool cd_posix_int(VM *vm, Value v, int fallback, int *out)
{
  *out = fallback;
  return !v || cd_to_c_int(vm, v, out);
}
bool cd_posix_i64(VM *vm, Value v, int64_t *out) { return cd_to_i64(vm, v, out, vm->exc.OverflowError); }

bool cd_posix_id(VM *vm, Value v, const char *what, uint32_t *out)
{
  int64_t id;
  Ref index = cd_index(vm, v);
  if (!index) {
    if (!cd_swallow(vm, vm->exc.TypeError)) return false;
    return cd_raise_type(vm, "%s should be integer, not %T", what, v);
  }
  bool fits = cd_int_fits_i64(index, &id);
  int sign = cd_int_sign(index);
  cd_drop(vm, index);
  if (fits && id >= -1 && id <= UINT32_MAX) {
    *out = (uint32_t)id;
    return true;
  }
  return cd_raise_overflow(vm, sign < 0 ? "%s is less than minimum" : "%s is greater than maximum", what);
}

Ref cd_posix_error(VM *vm, const PathArg *path)
{
  if (cd_raised(vm)) return NO_REF;
  return cd_raise_os(vm, errno, path && path->object && !cd_is_none(path->object) ? path->object : NO_VALUE, NO_VALUE);
}
Ref cd_posix_error_plain(VM *vm) { return cd_posix_error(vm, NULL); }

Ref cd_posix_done(VM *vm, int status, PathArg *path)
{
  if (status < 0) cd_posix_error(vm, path);
  cd_posix_path_clear(vm, path);
  return status < 0 ? NO_REF : cd_none();
}

Ref cd_posix_result_text(VM *vm, const char *text, size_t size, bool bytes)
{
  return bytes ? cd_bytes_new(vm, text, size) : cd_fs_decode(vm, text, size);
}

Ref cd_posix_fspath(VM *vm, Value v)
{
  if (cd_is_str(v) || cd_is_bytes(v)) return cd_dup(v);
  Ref method, path;
  Find found = cd_lookup_special(vm, v, N(__fspath__), &method);
  if (found == FIND_ERROR) return NO_REF;
  if (found == FIND_MISSING) return cd_raise_type(vm, "expected str, bytes or os.PathLike object, not %T", v);
  path = cd_call0(vm, method);
  cd_drop(vm, method);
  if (!path || cd_is_str(path) || cd_is_bytes(path)) return path;
  cd_raise_type(vm, "expected %T.__fspath__() to return str or bytes, not %T", v, path);
  cd_drop(vm, path);
  return NO_REF;
}
FUNCTION(posix, fspath, "fspath(path)", "The path as str or bytes, by way of __fspath__ (PEP 519).")
{
  return cd_posix_fspath(vm, args[0]);
}

// ---- stat ----

static Ref stat_time(VM *vm, const struct timespec *t) { return cd_float_new(vm, (double)t->tv_sec + 1e-9 * (double)t->tv_nsec); }
static Ref stat_time_ns(VM *vm, const struct timespec *t)
{
  int64_t ns;
  if (!__builtin_mul_overflow(t->tv_sec, INT64_C(1000000000), &ns) && !__builtin_add_overflow(ns, t->tv_nsec, &ns))
    return cd_int_from_i64(vm, ns);
  Ref seconds = cd_int_from_i64(vm, t->tv_sec), product = seconds ? cd_int_multiply(vm, seconds, cd_from_small(1000000000)) : NO_REF;
  Ref sum = product ? cd_int_add(vm, product, cd_from_small(t->tv_nsec)) : NO_REF;
  cd_drop(vm, seconds);
  cd_drop(vm, product);
  return sum;
}

Ref cd_posix_stat_result(VM *vm, const struct stat *info)
{
  Ref items[19] = {cd_from_small(info->st_mode),
                   cd_int_from_u64(vm, info->st_ino),
                   cd_int_from_u64(vm, info->st_dev),
                   cd_int_from_u64(vm, info->st_nlink),
                   cd_int_from_u64(vm, info->st_uid),
                   cd_int_from_u64(vm, info->st_gid),
                   cd_int_from_i64(vm, info->st_size),
                   cd_int_from_i64(vm, info->st_atim.tv_sec),
                   cd_int_from_i64(vm, info->st_mtim.tv_sec),
                   cd_int_from_i64(vm, info->st_ctim.tv_sec),
                   stat_time(vm, &info->st_atim),
                   stat_time(vm, &info->st_mtim),
                   stat_time(vm, &info->st_ctim),
                   stat_time_ns(vm, &info->st_atim),
                   stat_time_ns(vm, &info->st_mtim),
                   stat_time_ns(vm, &info->st_ctim),
                   cd_int_from_i64(vm, info->st_blksize),
                   cd_int_from_i64(vm, info->st_blocks),
                   cd_int_from_u64(vm, info->st_rdev)};
  bool ok = true;
  for (size_t i = 0; i < ARRAY_LEN(items); i++) ok = ok && items[i];
  Ref result = ok ? cd_struct_new(vm, posix_state(vm)->stat_result, (const Value *)items) : NO_REF;
  for (size_t i = 0; i < ARRAY_LEN(items); i++) cd_drop(vm, items[i]);
  return result;
}

static Ref stat_path(VM *vm, const char *function, Value path_value, Value dir_fd_value, bool follow)
{
  PathArg path;
  struct stat info;
  int dir_fd, status;
  if (!cd_posix_dir_fd(vm, dir_fd_value, &dir_fd)) return NO_REF;
  if (!cd_posix_path(vm, function, "path", path_value, follow ? PATH_ALLOW_FD : 0, &path)) return NO_REF;
  if (path.fd >= 0 || (path.bytes == NO_REF && follow)) {
    if (dir_fd != AT_FDCWD) return cd_raise_value(vm, "%s: can't specify dir_fd without matching path", function);
    POSIX_RETRY(vm, status, fstat(path.fd, &info));
  } else {
    const char *text = path.text;
    POSIX_RETRY(vm, status, fstatat(dir_fd, text, &info, follow ? 0 : AT_SYMLINK_NOFOLLOW));
  }
  if (status < 0) cd_posix_error(vm, &path);
  cd_posix_path_clear(vm, &path);
  return status < 0 ? NO_REF : cd_posix_stat_result(vm, &info);
}
FUNCTION(posix, stat, "stat(path, *, dir_fd=None, follow_symlinks=True)", "What the system knows of a file.")
{
  bool follow;
  return cd_posix_flag(vm, args[2], true, &follow) ? stat_path(vm, "stat", args[0], args[1], follow) : NO_REF;
}
FUNCTION(posix, lstat, "lstat(path, *, dir_fd=None)", "Like stat(), of a link itself.")
{
  return stat_path(vm, "lstat", args[0], args[1], false);
}
FUNCTION(posix, fstat, "fstat(fd)", "Like stat(), of an open file.")
{
  struct stat info;
  int fd, status;
  if (!cd_to_c_int(vm, args[0], &fd)) return NO_REF;
  POSIX_RETRY(vm, status, fstat(fd, &info));
  return status < 0 ? cd_posix_error_plain(vm) : cd_posix_stat_result(vm, &info);
}

static Ref statvfs_result(VM *vm, const struct statvfs *info)
{
  Ref items[11] = {cd_int_from_u64(vm, info->f_bsize),   cd_int_from_u64(vm, info->f_frsize), cd_int_from_u64(vm, info->f_blocks),
                   cd_int_from_u64(vm, info->f_bfree),   cd_int_from_u64(vm, info->f_bavail), cd_int_from_u64(vm, info->f_files),
                   cd_int_from_u64(vm, info->f_ffree),   cd_int_from_u64(vm, info->f_favail), cd_int_from_u64(vm, info->f_flag),
                   cd_int_from_u64(vm, info->f_namemax), cd_int_from_u64(vm, info->f_fsid)};
  bool ok = true;
  for (size_t i = 0; i < ARRAY_LEN(items); i++) ok = ok && items[i];
  Ref result = ok ? cd_struct_new(vm, posix_state(vm)->statvfs_result, (const Value *)items) : NO_REF;
  for (size_t i = 0; i < ARRAY_LEN(items); i++) cd_drop(vm, items[i]);
  return result;
}
FUNCTION(posix, statvfs, "statvfs(path)", "What the system knows of a mounted file system.")
{
  PathArg path;
  struct statvfs info;
  int status;
  if (!cd_posix_path(vm, "statvfs", "path", args[0], PATH_ALLOW_FD, &path)) return NO_REF;
  POSIX_RETRY(vm, status, path.bytes ? statvfs(path.text, &info) : fstatvfs(path.fd, &info));
  if (status < 0) cd_posix_error(vm, &path);
  cd_posix_path_clear(vm, &path);
  return status < 0 ? NO_REF : statvfs_result(vm, &info);
}
FUNCTION(posix, fstatvfs, "fstatvfs(fd, /)", "Like statvfs(), for an open file.")
{
  struct statvfs info;
  int fd, status;
  if (!cd_to_c_int(vm, args[0], &fd)) return NO_REF;
  POSIX_RETRY(vm, status, fstatvfs(fd, &info));
  return status < 0 ? cd_posix_error_plain(vm) : statvfs_result(vm, &info);
}

// ---- names ----

FUNCTION(posix, access, "access(path, mode, *, dir_fd=None, effective_ids=False, follow_symlinks=True)",
         "May this process use the file so? mode: F_OK, R_OK, W_OK, X_OK.")
{
  PathArg path;
  int mode, dir_fd, flags = 0;
  bool effective, follow;
  if (!cd_to_c_int(vm, args[1], &mode) || !cd_posix_dir_fd(vm, args[2], &dir_fd) || !cd_posix_flag(vm, args[3], false, &effective) ||
      !cd_posix_flag(vm, args[4], true, &follow) || !cd_posix_path(vm, "access", "path", args[0], 0, &path))
    return NO_REF;
  if (effective) flags |= AT_EACCESS;
  if (!follow) flags |= AT_SYMLINK_NOFOLLOW;
  Thread *me = cd_unlock(vm);
  int status = faccessat(dir_fd, path.text, mode, flags);
  cd_relock(vm, me);
  cd_posix_path_clear(vm, &path);
  return cd_bool(status == 0);
}

FUNCTION(posix, chdir, "chdir(path)", "Change the current folder.")
{
  PathArg path;
  if (!cd_posix_path(vm, "chdir", "path", args[0], PATH_ALLOW_FD, &path)) return NO_REF;
  return cd_posix_done(vm, path.bytes ? chdir(path.text) : fchdir(path.fd), &path);
}
FUNCTION(posix, fchdir, "fchdir(fd)", "Change the current folder to an open one.")
{
  PathArg path;
  if (!cd_posix_path(vm, "fchdir", "fd", args[0], PATH_ALLOW_FD, &path)) return NO_REF;
  return cd_posix_done(vm, fchdir(path.fd), &path);
}
FUNCTION(posix, chroot, "chroot(path)", "Change the root folder.")
{
  PathArg path;
  return cd_posix_path(vm, "chroot", "path", args[0], 0, &path) ? cd_posix_done(vm, chroot(path.text), &path) : NO_REF;
}

static Ref current_folder(VM *vm, bool bytes)
{
  size_t size = PATH_MAX;
  for (;;) {
    char *buffer = cd_alloc(vm, size);
    if (!buffer) return NO_REF;
    Ref result = NO_REF;
    bool ok = getcwd(buffer, size) != NULL;
    int error = errno;
    if (ok) result = cd_posix_result_text(vm, buffer, strlen(buffer), bytes);
    cd_free(vm, buffer, size);
    if (ok) return result;
    if (error != ERANGE || size > (1 << 24)) return cd_raise_os(vm, error, NO_VALUE, NO_VALUE);
    size *= 2;
  }
}
FUNCTION(posix, getcwd, "getcwd()", "The current folder.")
{
  return current_folder(vm, false);
}
FUNCTION(posix, getcwdb, "getcwdb()", "The current folder, as bytes.")
{
  return current_folder(vm, true);
}

FUNCTION(posix, chmod, "chmod(path, mode, *, dir_fd=None, follow_symlinks=True)", "Change permission bits.")
{
  PathArg path;
  int mode, dir_fd, status;
  bool follow;
  if (!cd_to_c_int(vm, args[1], &mode) || !cd_posix_dir_fd(vm, args[2], &dir_fd) || !cd_posix_flag(vm, args[3], true, &follow) ||
      !cd_posix_path(vm, "chmod", "path", args[0], PATH_ALLOW_FD, &path))
    return NO_REF;
  Thread *me = cd_unlock(vm);
  status = path.bytes ? fchmodat(dir_fd, path.text, (mode_t)mode, follow ? 0 : AT_SYMLINK_NOFOLLOW) : fchmod(path.fd, (mode_t)mode);
  cd_relock(vm, me);
  if (status < 0 && !follow && errno == ENOTSUP) {
    cd_posix_path_clear(vm, &path);
    return cd_raise(vm, vm->exc.NotImplementedError, "chmod: follow_symlinks unavailable on this platform");
  }
  return cd_posix_done(vm, status, &path);
}
FUNCTION(posix, fchmod, "fchmod(fd, mode)", "Change permission bits of an open file.")
{
  int fd, mode, status;
  if (!cd_to_c_int(vm, args[0], &fd) || !cd_to_c_int(vm, args[1], &mode)) return NO_REF;
  POSIX_RETRY(vm, status, fchmod(fd, (mode_t)mode));
  return status < 0 ? cd_posix_error_plain(vm) : cd_none();
}

FUNCTION(posix, chown, "chown(path, uid, gid, *, dir_fd=None, follow_symlinks=True)", "Change owner and group; -1 leaves one as it is.")
{
  PathArg path;
  uint32_t uid, gid;
  int dir_fd, status;
  bool follow;
  if (!cd_posix_id(vm, args[1], "uid", &uid) || !cd_posix_id(vm, args[2], "gid", &gid) || !cd_posix_dir_fd(vm, args[3], &dir_fd) ||
      !cd_posix_flag(vm, args[4], true, &follow) || !cd_posix_path(vm, "chown", "path", args[0], PATH_ALLOW_FD, &path))
    return NO_REF;
  if (!path.bytes && dir_fd != AT_FDCWD) return cd_raise_value(vm, "chown: can't specify dir_fd without matching path");
  if (!path.bytes && !follow) return cd_raise_value(vm, "chown: cannot use fd and follow_symlinks together");
  Thread *me = cd_unlock(vm);
  status = path.bytes ? fchownat(dir_fd, path.text, uid, gid, follow ? 0 : AT_SYMLINK_NOFOLLOW) : fchown(path.fd, uid, gid);
  cd_relock(vm, me);
  return cd_posix_done(vm, status, &path);
}
FUNCTION(posix, fchown, "fchown(fd, uid, gid)", "Change owner and group of an open file.")
{
  uint32_t uid, gid;
  int fd, status;
  if (!cd_to_c_int(vm, args[0], &fd) || !cd_posix_id(vm, args[1], "uid", &uid) || !cd_posix_id(vm, args[2], "gid", &gid)) return NO_REF;
  POSIX_RETRY(vm, status, fchown(fd, uid, gid));
  return status < 0 ? cd_posix_error_plain(vm) : cd_none();
}
FUNCTION(posix, lchown, "lchown(path, uid, gid)", "Change owner and group of a link itself.")
{
  PathArg path;
  uint32_t uid, gid;
  if (!cd_posix_id(vm, args[1], "uid", &uid) || !cd_posix_id(vm, args[2], "gid", &gid) ||
      !cd_posix_path(vm, "lchown", "path", args[0], 0, &path))
    return NO_REF;
  return cd_posix_done(vm, lchown(path.text, uid, gid), &path);
}

// Functions of two names; the error shows both.
static Ref two_names_done(VM *vm, int status, PathArg *from, PathArg *to)
{
  if (status < 0) cd_raise_os(vm, errno, from->object, to->object);
  cd_posix_path_clear(vm, from);
  cd_posix_path_clear(vm, to);
  return status < 0 ? NO_REF : cd_none();
}
static bool two_names(VM *vm, const char *function, const Value *args, PathArg *from, PathArg *to)
{
  if (!cd_posix_path(vm, function, "src", args[0], 0, from)) return false;
  if (cd_posix_path(vm, function, "dst", args[1], 0, to)) return true;
  cd_posix_path_clear(vm, from);
  return false;
}

FUNCTION(posix, link, "link(src, dst, *, src_dir_fd=None, dst_dir_fd=None, follow_symlinks=True)", "Make a hard link.")
{
  PathArg from, to;
  int from_fd, to_fd;
  bool follow;
  if (!cd_posix_dir_fd(vm, args[2], &from_fd) || !cd_posix_dir_fd(vm, args[3], &to_fd) || !cd_posix_flag(vm, args[4], true, &follow) ||
      !two_names(vm, "link", args, &from, &to))
    return NO_REF;
  Thread *me = cd_unlock(vm);
  int status = linkat(from_fd, from.text, to_fd, to.text, follow && args[4] ? AT_SYMLINK_FOLLOW : 0);
  cd_relock(vm, me);
  return two_names_done(vm, status, &from, &to);
}

static Ref rename_names(VM *vm, const char *function, const Value *args)
{
  PathArg from, to;
  int from_fd, to_fd;
  if (!cd_posix_dir_fd(vm, args[2], &from_fd) || !cd_posix_dir_fd(vm, args[3], &to_fd) || !two_names(vm, function, args, &from, &to))
    return NO_REF;
  Thread *me = cd_unlock(vm);
  int status = renameat(from_fd, from.text, to_fd, to.text);
  cd_relock(vm, me);
  return two_names_done(vm, status, &from, &to);
}
FUNCTION(posix, rename, "rename(src, dst, *, src_dir_fd=None, dst_dir_fd=None)", "Rename a file or folder.")
{
  return rename_names(vm, "rename", args);
}
FUNCTION(posix, replace, "replace(src, dst, *, src_dir_fd=None, dst_dir_fd=None)", "Rename a file or folder, over what is there.")
{
  return rename_names(vm, "replace", args);
}

FUNCTION(posix, symlink, "symlink(src, dst, target_is_directory=False, *, dir_fd=None)", "Make a symbolic link dst that says src.")
{
  PathArg from, to;
  int dir_fd;
  if (!cd_posix_dir_fd(vm, args[3], &dir_fd) || !two_names(vm, "symlink", args, &from, &to)) return NO_REF;
  return two_names_done(vm, symlinkat(from.text, dir_fd, to.text), &from, &to);
}

FUNCTION(posix, readlink, "readlink(path, *, dir_fd=None)", "What a symbolic link says.")
{
  PathArg path;
  int dir_fd;
  char target[PATH_MAX + 1];
  if (!cd_posix_dir_fd(vm, args[1], &dir_fd) || !cd_posix_path(vm, "readlink", "path", args[0], 0, &path)) return NO_REF;
  Thread *me = cd_unlock(vm);
  ssize_t size = readlinkat(dir_fd, path.text, target, PATH_MAX);
  cd_relock(vm, me);
  Ref result = size < 0 ? cd_posix_error(vm, &path) : cd_posix_result_text(vm, target, (size_t)size, path.wants_bytes);
  cd_posix_path_clear(vm, &path);
  return result;
}

static Ref unlink_name(VM *vm, const char *function, const Value *args, int flags)
{
  PathArg path;
  int dir_fd;
  if (!cd_posix_dir_fd(vm, args[1], &dir_fd) || !cd_posix_path(vm, function, "path", args[0], 0, &path)) return NO_REF;
  Thread *me = cd_unlock(vm);
  int status = unlinkat(dir_fd, path.text, flags);
  cd_relock(vm, me);
  return cd_posix_done(vm, status, &path);
}
FUNCTION(posix, unlink, "unlink(path, *, dir_fd=None)", "Remove a file.")
{
  return unlink_name(vm, "unlink", args, 0);
}
FUNCTION(posix, remove, "remove(path, *, dir_fd=None)", "Remove a file.")
{
  return unlink_name(vm, "remove", args, 0);
}
FUNCTION(posix, rmdir, "rmdir(path, *, dir_fd=None)", "Remove an empty folder.")
{
  return unlink_name(vm, "rmdir", args, AT_REMOVEDIR);
}

FUNCTION(posix, mkdir, "mkdir(path, mode=511, *, dir_fd=None)", "Make a folder.")
{
  PathArg path;
  int mode, dir_fd;
  if (!cd_posix_int(vm, args[1], 0777, &mode) || !cd_posix_dir_fd(vm, args[2], &dir_fd) ||
      !cd_posix_path(vm, "mkdir", "path", args[0], 0, &path))
    return NO_REF;
  Thread *me = cd_unlock(vm);
  int status = mkdirat(dir_fd, path.text, (mode_t)mode);
  cd_relock(vm, me);
  return cd_posix_done(vm, status, &path);
}
FUNCTION(posix, mkfifo, "mkfifo(path, mode=438, *, dir_fd=None)", "Make a named pipe.")
{
  PathArg path;
  int mode, dir_fd, status;
  if (!cd_posix_int(vm, args[1], 0666, &mode) || !cd_posix_dir_fd(vm, args[2], &dir_fd) ||
      !cd_posix_path(vm, "mkfifo", "path", args[0], 0, &path))
    return NO_REF;
  POSIX_RETRY(vm, status, mkfifoat(dir_fd, path.text, (mode_t)mode));
  return cd_posix_done(vm, status, &path);
}
FUNCTION(posix, mknod, "mknod(path, mode=384, device=0, *, dir_fd=None)", "Make a file, pipe or device node.")
{
  PathArg path;
  int mode, dir_fd, status;
  int64_t device = 0;
  if (!cd_posix_int(vm, args[1], 0600, &mode) || (args[2] && !cd_posix_i64(vm, args[2], &device)) ||
      !cd_posix_dir_fd(vm, args[3], &dir_fd) || !cd_posix_path(vm, "mknod", "path", args[0], 0, &path))
    return NO_REF;
  POSIX_RETRY(vm, status, mknodat(dir_fd, path.text, (mode_t)mode, (dev_t)device));
  return cd_posix_done(vm, status, &path);
}

static Ref device_part(VM *vm, Value v, bool is_major)
{
  Ref index = cd_index(vm, v);
  if (!index) return NO_REF;
  uint64_t device;
  bool fits = cd_int_fits_u64(index, &device), negative = cd_int_sign(index) < 0;
  cd_drop(vm, index);
  if (negative) return cd_raise_overflow(vm, "can't convert negative int to unsigned");
  if (!fits) return cd_raise_overflow(vm, "int too big to convert");
  return cd_int_from_u64(vm, is_major ? major((dev_t)device) : minor((dev_t)device));
}
FUNCTION(posix, major, "major(device, /)", "Major number of a device.")
{
  return device_part(vm, args[0], true);
}
FUNCTION(posix, minor, "minor(device, /)", "Minor number of a device.")
{
  return device_part(vm, args[0], false);
}
FUNCTION(posix, makedev, "makedev(major, minor, /)", "Device number from its parts.")
{
  int major_number, minor_number;
  if (!cd_to_c_int(vm, args[0], &major_number) || !cd_to_c_int(vm, args[1], &minor_number)) return NO_REF;
  return cd_int_from_u64(vm, makedev((unsigned)major_number, (unsigned)minor_number));
}

FUNCTION(posix, truncate, "truncate(path, length)", "Cut or extend a file.")
{
  PathArg path;
  int64_t length;
  int status;
  if (!cd_posix_i64(vm, args[1], &length) || !cd_posix_path(vm, "truncate", "path", args[0], PATH_ALLOW_FD, &path)) return NO_REF;
  POSIX_RETRY(vm, status, path.bytes ? truncate(path.text, length) : ftruncate(path.fd, length));
  return cd_posix_done(vm, status, &path);
}

FUNCTION(posix, listdir, "listdir(path=None)", "Names in a folder, in no order, without '.' and '..'.")
{
  PathArg path;
  if (!cd_posix_path(vm, "listdir", "path", args[0] ? args[0] : (Value)cd_none(), PATH_ALLOW_FD | PATH_ALLOW_NONE, &path)) return NO_REF;
  Thread *me = cd_unlock(vm);
  int copy = path.fd >= 0 ? fcntl(path.fd, F_DUPFD_CLOEXEC, 0) : -1;
  DIR *dir = path.fd >= 0 ? (copy >= 0 ? fdopendir(copy) : NULL) : opendir(path.text);
  if (dir && path.fd >= 0) rewinddir(dir);
  cd_relock(vm, me);
  Ref list = NO_REF;
  if (!dir) {
    int error = errno;
    if (copy >= 0) close(copy);
    errno = error;
    cd_posix_error(vm, &path);
    goto done;
  }
  list = cd_list_new(vm);
  for (struct dirent *entry; list;) {
    errno = 0;
    me = cd_unlock(vm);
    entry = readdir(dir);
    cd_relock(vm, me);
    if (!entry) {
      if (!errno) break;
      cd_posix_error(vm, &path);
      cd_forget(vm, &list);
      break;
    }
    if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..")) continue;
    Ref name = cd_posix_result_text(vm, entry->d_name, strlen(entry->d_name), path.wants_bytes);
    if (!name || !cd_list_append_steal(vm, cd_as_list(list), name)) cd_forget(vm, &list);
  }
  closedir(dir);
done:
  cd_posix_path_clear(vm, &path);
  return list;
}

// ---- times ----

static bool utime_part(VM *vm, Value v, bool nanoseconds, struct timespec *out)
{
  if (nanoseconds) {
    Ref pair = cd_int_divmod(vm, v, cd_from_small(1000000000));
    int64_t part;
    if (!pair) return false;
    bool ok = cd_posix_i64(vm, cd_tuple_item_borrow(pair, 0), &part);
    out->tv_sec = part;
    ok = ok && cd_posix_i64(vm, cd_tuple_item_borrow(pair, 1), &part);
    out->tv_nsec = part;
    cd_drop(vm, pair);
    return ok;
  }
  if (cd_is_float(v)) {
    double x = cd_float_value(v), whole = floor(x);
    if (isnan(x)) return cd_raise_value(vm, "Invalid value NaN (not a number)");
    if (!(whole >= -9.2e18 && whole <= 9.2e18)) return cd_raise_overflow(vm, "timestamp out of range for platform time_t");
    out->tv_sec = (time_t)whole;
    out->tv_nsec = (long)floor((x - whole) * 1e9);
    return true;
  }
  int64_t seconds;
  if (!cd_posix_i64(vm, v, &seconds)) return false;
  *out = (struct timespec){.tv_sec = seconds};
  return true;
}

FUNCTION(posix, utime, "utime(path, times=None, *, ns=None, dir_fd=None, follow_symlinks=True)",
         "Set access and modification time: (atime, mtime) in seconds, or ns=(atime, mtime).")
{
  PathArg path;
  struct timespec times[2];
  int dir_fd, status;
  bool follow, has_times = args[1] && !cd_is_none(args[1]), has_ns = args[2];
  if (has_times && has_ns) return cd_raise_value(vm, "utime: you may specify either 'times' or 'ns' but not both");
  Value pair = has_times ? args[1] : has_ns ? args[2] : NO_VALUE;
  if (pair) {
    if (!cd_is_tuple(pair) || cd_tuple_size(pair) != 2)
      return cd_raise_type(vm, has_times ? "utime: 'times' must be either a tuple of two ints or None"
                                         : "utime: 'ns' must be a tuple of two ints");
    for (int i = 0; i < 2; i++)
      if (!utime_part(vm, cd_tuple_item_borrow(pair, (size_t)i), has_ns, &times[i])) return NO_REF;
  }
  if (!cd_posix_dir_fd(vm, args[3], &dir_fd) || !cd_posix_flag(vm, args[4], true, &follow) ||
      !cd_posix_path(vm, "utime", "path", args[0], PATH_ALLOW_FD, &path))
    return NO_REF;
  if (!path.bytes && dir_fd != AT_FDCWD) return cd_raise_value(vm, "utime: can't specify dir_fd without matching path");
  if (!path.bytes && !follow) return cd_raise_value(vm, "utime: cannot use fd and follow_symlinks together");
  Thread *me = cd_unlock(vm);
  status = path.bytes ? utimensat(dir_fd, path.text, pair ? times : NULL, follow ? 0 : AT_SYMLINK_NOFOLLOW)
                      : futimens(path.fd, pair ? times : NULL);
  cd_relock(vm, me);
  return cd_posix_done(vm, status, &path);
}

// ---- extended attributes ----

static ssize_t xattr_read(const PathArg *path, const char *name, void *buffer, size_t size, bool follow)
{
  if (!path->bytes) return fgetxattr(path->fd, name, buffer, size);
  return follow ? getxattr(path->text, name, buffer, size) : lgetxattr(path->text, name, buffer, size);
}
FUNCTION(posix, getxattr, "getxattr(path, attribute, *, follow_symlinks=True)", "Value of an extended attribute.")
{
  PathArg path, name;
  bool follow;
  Ref result = NO_REF;
  if (!cd_posix_flag(vm, args[2], true, &follow) || !cd_posix_path(vm, "getxattr", "path", args[0], PATH_ALLOW_FD, &path)) return NO_REF;
  if (!path.bytes && !follow) return cd_raise_value(vm, "getxattr: cannot use fd and follow_symlinks together");
  if (!cd_posix_path(vm, "getxattr", "attribute", args[1], 0, &name)) goto done;
  for (size_t size = 128;; size = XATTR_SIZE_MAX) {
    if (!(result = cd_bytes_new(vm, NULL, size))) break;
    ssize_t got = xattr_read(&path, name.text, cd_bytes_data(result), size, follow);
    if (got >= 0) {
      if (!cd_bytes_resize(vm, &result, (size_t)got)) result = NO_REF;
      break;
    }
    int error = errno;
    cd_forget(vm, &result);
    errno = error;
    if (error == ERANGE && size != XATTR_SIZE_MAX) continue;
    cd_posix_error(vm, &path);
    break;
  }
  cd_posix_path_clear(vm, &name);
done:
  cd_posix_path_clear(vm, &path);
  return result;
}
FUNCTION(posix, setxattr, "setxattr(path, attribute, value, flags=0, *, follow_symlinks=True)", "Set an extended attribute.")
{
  PathArg path, name;
  Buffer value;
  int flags, status = -1;
  bool follow;
  if (!cd_posix_int(vm, args[3], 0, &flags) || !cd_posix_flag(vm, args[4], true, &follow) ||
      !cd_posix_path(vm, "setxattr", "path", args[0], PATH_ALLOW_FD, &path))
    return NO_REF;
  if (!path.bytes && !follow) return cd_raise_value(vm, "setxattr: cannot use fd and follow_symlinks together");
  if (!cd_posix_path(vm, "setxattr", "attribute", args[1], 0, &name)) goto done;
  if (cd_get_buffer(vm, args[2], &value, BUFFER_SIMPLE)) {
    size_t size = (size_t)value.size;
    status = !path.bytes ? fsetxattr(path.fd, name.text, value.data, size, flags)
             : follow    ? setxattr(path.text, name.text, value.data, size, flags)
                         : lsetxattr(path.text, name.text, value.data, size, flags);
    if (status < 0) cd_posix_error(vm, &path);
    cd_release_buffer(vm, &value);
  }
  cd_posix_path_clear(vm, &name);
done:
  cd_posix_path_clear(vm, &path);
  return status < 0 ? NO_REF : cd_none();
}
FUNCTION(posix, removexattr, "removexattr(path, attribute, *, follow_symlinks=True)", "Remove an extended attribute.")
{
  PathArg path, name;
  bool follow;
  if (!cd_posix_flag(vm, args[2], true, &follow) || !cd_posix_path(vm, "removexattr", "path", args[0], PATH_ALLOW_FD, &path)) return NO_REF;
  if (!path.bytes && !follow) return cd_raise_value(vm, "removexattr: cannot use fd and follow_symlinks together");
  if (!cd_posix_path(vm, "removexattr", "attribute", args[1], 0, &name)) {
    cd_posix_path_clear(vm, &path);
    return NO_REF;
  }
  int status = !path.bytes ? fremovexattr(path.fd, name.text)
               : follow    ? removexattr(path.text, name.text)
                           : lremovexattr(path.text, name.text);
  int error = errno;
  cd_posix_path_clear(vm, &name);
  errno = error;
  return cd_posix_done(vm, status, &path);
}
FUNCTION(posix, listxattr, "listxattr(path=None, *, follow_symlinks=True)", "Names of the extended attributes.")
{
  PathArg path;
  bool follow;
  Ref list = NO_REF;
  if (!cd_posix_flag(vm, args[1], true, &follow) ||
      !cd_posix_path(vm, "listxattr", "path", args[0] ? args[0] : (Value)cd_none(), PATH_ALLOW_FD | PATH_ALLOW_NONE, &path))
    return NO_REF;
  if (path.fd >= 0 && !follow) return cd_raise_value(vm, "listxattr: cannot use fd and follow_symlinks together");
  char *buffer = cd_alloc(vm, XATTR_LIST_MAX);
  if (!buffer) goto done;
  ssize_t size = path.fd >= 0 ? flistxattr(path.fd, buffer, XATTR_LIST_MAX)
                 : follow     ? listxattr(path.text, buffer, XATTR_LIST_MAX)
                              : llistxattr(path.text, buffer, XATTR_LIST_MAX);
  if (size < 0) cd_posix_error(vm, &path);
  else list = cd_list_new(vm);
  for (ssize_t at = 0; list && at < size; at += (ssize_t)strlen(buffer + at) + 1) {
    Ref name = cd_fs_decode(vm, buffer + at, strlen(buffer + at));
    if (!name || !cd_list_append_steal(vm, cd_as_list(list), name)) cd_forget(vm, &list);
  }
  cd_free(vm, buffer, XATTR_LIST_MAX);
done:
  cd_posix_path_clear(vm, &path);
  return list;
}

// ---- os.path ----

// Collapses "//", "." and ".." in text of `size` bytes in place; the new size. Two leading slashes stay (POSIX).
static size_t normalise_path(char *text, size_t size)
{
  if (!size) return 0;
  size_t root = text[0] != '/' ? 0 : size > 1 && text[1] == '/' && (size == 2 || text[2] != '/') ? 2 : 1;
  size_t out = root;
  for (size_t i = 0; i < size;) {
    while (i < size && text[i] == '/') i++;
    size_t start = i;
    while (i < size && text[i] != '/') i++;
    size_t n = i - start;
    if (!n || (n == 1 && text[start] == '.')) continue;
    if (n == 2 && text[start] == '.' && text[start + 1] == '.') {
      size_t last = out;
      while (last > root && text[last - 1] != '/') last--;
      bool up = out - last == 2 && text[last] == '.' && text[last + 1] == '.';
      if (out > root && !up) {
        out = last > root ? last - 1 : root;
        continue;
      }
      if (root) continue;
    }
    if (out > root) text[out++] = '/';
    memmove(text + out, text + start, n);
    out += n;
  }
  return out;
}
FUNCTION(posix, _path_normpath, "_path_normpath(path)", "os.path.normpath for a str; '' stays ''.")
{
  if (!cd_is_str(args[0])) return cd_raise_type(vm, "_path_normpath() argument 'path' must be str, not %T", args[0]);
  size_t size = cd_str_size(args[0]);
  char *text = cd_alloc(vm, size + 1);
  if (!text) return NO_REF;
  memcpy(text, cd_str_data(args[0]), size);
  size_t n = normalise_path(text, size);
  Ref result = n ? cd_str_new(vm, text, n) : cd_str_new(vm, size ? "." : "", size ? 1 : 0);
  cd_free(vm, text, size + 1);
  return result;
}

const MethodDef *const cd_posix_file_functions[] = {
  &posix_fspath_def,   &posix_stat_def,        &posix_lstat_def,     &posix_fstat_def,          &posix_statvfs_def,
  &posix_fstatvfs_def, &posix_access_def,      &posix_chdir_def,     &posix_fchdir_def,         &posix_chroot_def,
  &posix_getcwd_def,   &posix_getcwdb_def,     &posix_chmod_def,     &posix_fchmod_def,         &posix_chown_def,
  &posix_fchown_def,   &posix_lchown_def,      &posix_link_def,      &posix_rename_def,         &posix_replace_def,
  &posix_symlink_def,  &posix_readlink_def,    &posix_unlink_def,    &posix_remove_def,         &posix_rmdir_def,
  &posix_mkdir_def,    &posix_mkfifo_def,      &posix_mknod_def,     &posix_major_def,          &posix_minor_def,
  &posix_makedev_def,  &posix_truncate_def,    &posix_listdir_def,   &posix_utime_def,          &posix_getxattr_def,
  &posix_setxattr_def, &posix_removexattr_def, &posix_listxattr_def, &posix__path_normpath_def, NULL};
