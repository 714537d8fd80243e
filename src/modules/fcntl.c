// SPDX-License-Identifier: MIT
// fcntl.c: control of descriptors and devices, file locks
#include "modules/posix.h"
#include "modules/sys.h"
#include "modules/waiting.h"

#include <sys/file.h>
#include <sys/ioctl.h>

enum { FCNTL_BUFFER_SIZE = 1024 };

// The number that an int argument stands for, as the bits of an unsigned int.
static bool fcntl_number(VM *vm, Value v, uint64_t *out)
{
  Ref index = cd_index(vm, v);
  if (!index) return false;
  int64_t i;
  bool fits = cd_int_fits_i64(index, &i);
  if (fits) *out = (uint64_t)i;
  else fits = cd_int_fits_u64(index, out);
  cd_drop(vm, index);
  return fits || cd_raise_overflow(vm, "int too big to convert");
}

FUNCTION(fcntl, fcntl, "fcntl(fd, cmd, arg=0, /)",
         "Perform the operation cmd on a descriptor.\n\narg is an integer, or bytes that the operation reads; then the result is bytes, "
         "changed by the\noperation, else an integer.")
{
  int fd, command;
  if (!cd_descriptor(vm, args[0], &fd) || !cd_to_c_int(vm, args[1], &command)) return NO_REF;
  if (!cd_audit(vm, "fcntl.fcntl", 3, (Value[]){cd_from_small(fd), args[1], cd_bits(args[2]) ? args[2] : cd_none()})) return NO_REF;
  int result;
  if (cd_bits(args[2]) && (cd_is_str(args[2]) || cd_has_buffer(vm, args[2]))) {
    char buffer[FCNTL_BUFFER_SIZE];
    Ref bytes = cd_is_str(args[2]) ? cd_encode(vm, args[2], NULL, NULL) : cd_bytes_from_value(vm, args[2]);
    if (!bytes) return NO_REF;
    size_t size = cd_bytes_size(bytes);
    if (size <= sizeof buffer) memcpy(buffer, cd_bytes_data(bytes), size);
    cd_drop(vm, bytes);
    if (size > sizeof buffer) return cd_raise_value(vm, "fcntl string arg too long");
    POSIX_RETRY(vm, result, fcntl(fd, command, buffer));
    return result < 0 ? (cd_raised(vm) ? NO_REF : cd_posix_error_plain(vm)) : cd_bytes_new(vm, buffer, size);
  }
  uint64_t number = 0;
  if (cd_bits(args[2]) && !fcntl_number(vm, args[2], &number)) return NO_REF;
  POSIX_RETRY(vm, result, fcntl(fd, command, (int)number));
  return result < 0 ? (cd_raised(vm) ? NO_REF : cd_posix_error_plain(vm)) : cd_from_small(result);
}

// Works on the caller's buffer itself.
static Ref ioctl_in_place(VM *vm, int fd, unsigned long request, Value argument)
{
  Buffer buffer;
  int result;
  if (!cd_get_buffer(vm, argument, &buffer, BUFFER_WRITABLE)) return NO_REF;
  char copy[FCNTL_BUFFER_SIZE + 1];
  bool small = buffer.size <= FCNTL_BUFFER_SIZE;
  if (small) {
    memcpy(copy, buffer.data, (size_t)buffer.size);
    copy[buffer.size] = 0;
  }
  POSIX_RETRY(vm, result, ioctl(fd, request, small ? copy : buffer.data));
  if (small) memcpy(buffer.data, copy, (size_t)buffer.size);
  int error = errno;
  cd_release_buffer(vm, &buffer);
  errno = error;
  return result < 0 ? (cd_raised(vm) ? NO_REF : cd_posix_error_plain(vm)) : cd_from_small(result);
}

FUNCTION(fcntl, ioctl, "ioctl(fd, request, arg=0, mutate_flag=True, /)",
         "Perform the operation request on a device.\n\narg is an integer, or a buffer. A writable buffer is changed by the operation and "
         "the result is\nan integer, unless mutate_flag is false; from other buffers the changed bytes are the result.")
{
  int fd, result;
  uint64_t request, number = 0;
  bool mutate = true;
  if (!cd_descriptor(vm, args[0], &fd) || !fcntl_number(vm, args[1], &request) || (cd_bits(args[3]) && !cd_truth(vm, args[3], &mutate)))
    return NO_REF;
  if (!cd_audit(vm, "fcntl.ioctl", 3, (Value[]){cd_from_small(fd), args[1], cd_bits(args[2]) ? args[2] : cd_none()})) return NO_REF;
  if (cd_bits(args[2]) && (cd_is_str(args[2]) || cd_has_buffer(vm, args[2]))) {
    bool read_only = cd_is_str(args[2]) || cd_is_bytes(args[2]);
    if (!read_only && mutate) {
      Buffer probe;
      if (cd_get_buffer(vm, args[2], &probe, BUFFER_WRITABLE)) {
        cd_release_buffer(vm, &probe);
        return ioctl_in_place(vm, fd, (unsigned long)request, args[2]);
      }
      cd_clear_raised(vm);
    }
    char buffer[FCNTL_BUFFER_SIZE + 1];
    Ref bytes = cd_is_str(args[2]) ? cd_encode(vm, args[2], NULL, NULL) : cd_bytes_from_value(vm, args[2]);
    if (!bytes) return NO_REF;
    size_t size = cd_bytes_size(bytes);
    if (size <= FCNTL_BUFFER_SIZE) {
      memcpy(buffer, cd_bytes_data(bytes), size);
      buffer[size] = 0;
    }
    cd_drop(vm, bytes);
    if (size > FCNTL_BUFFER_SIZE) return cd_raise_value(vm, "ioctl string arg too long");
    POSIX_RETRY(vm, result, ioctl(fd, (unsigned long)request, buffer));
    return result < 0 ? (cd_raised(vm) ? NO_REF : cd_posix_error_plain(vm)) : cd_bytes_new(vm, buffer, size);
  }
  if (cd_bits(args[2]) && !fcntl_number(vm, args[2], &number)) return NO_REF;
  POSIX_RETRY(vm, result, ioctl(fd, (unsigned long)request, (int)number));
  return result < 0 ? (cd_raised(vm) ? NO_REF : cd_posix_error_plain(vm)) : cd_from_small(result);
}

FUNCTION(fcntl, flock, "flock(fd, operation, /)", "Lock or unlock a file: LOCK_SH, LOCK_EX or LOCK_UN, with LOCK_NB not to wait.")
{
  int fd, operation, result;
  if (!cd_descriptor(vm, args[0], &fd) || !cd_to_c_int(vm, args[1], &operation)) return NO_REF;
  if (!cd_audit(vm, "fcntl.flock", 2, (Value[]){cd_from_small(fd), args[1]})) return NO_REF;
  POSIX_RETRY(vm, result, flock(fd, operation));
  return result < 0 ? (cd_raised(vm) ? NO_REF : cd_posix_error_plain(vm)) : cd_none();
}

FUNCTION(fcntl, lockf, "lockf(fd, cmd, len=0, start=0, whence=0, /)",
         "Lock or unlock part of a file: LOCK_UN, LOCK_SH or LOCK_EX, with LOCK_NB not to wait.\n\nlen is a number of bytes, 0 for all to "
         "the end; start is relative to whence: 0 the start of the\nfile, 1 the current position, 2 the end.")
{
  int fd, command, whence = 0, result;
  int64_t length = 0, start = 0;
  if (!cd_descriptor(vm, args[0], &fd) || !cd_to_c_int(vm, args[1], &command)) return NO_REF;
  if ((cd_bits(args[2]) && !cd_to_i64(vm, args[2], &length, vm->exc.OverflowError)) ||
      (cd_bits(args[3]) && !cd_to_i64(vm, args[3], &start, vm->exc.OverflowError)) ||
      (cd_bits(args[4]) && !cd_to_c_int(vm, args[4], &whence)))
    return NO_REF;
  if (!cd_audit(vm, "fcntl.lockf", 5,
                (Value[]){cd_from_small(fd), args[1], cd_bits(args[2]) ? args[2] : cd_none(), cd_bits(args[3]) ? args[3] : cd_none(),
                          cd_from_small(whence)}))
    return NO_REF;
  struct flock lock = {.l_whence = (short)whence, .l_start = start, .l_len = length};
  if (command == LOCK_UN) lock.l_type = F_UNLCK;
  else if (command & LOCK_SH) lock.l_type = F_RDLCK;
  else if (command & LOCK_EX) lock.l_type = F_WRLCK;
  else return cd_raise_value(vm, "unrecognized lockf argument");
  POSIX_RETRY(vm, result, fcntl(fd, command & LOCK_NB ? F_SETLK : F_SETLKW, &lock));
  return result < 0 ? (cd_raised(vm) ? NO_REF : cd_posix_error_plain(vm)) : cd_none();
}

static const MethodDef *const fcntl_functions[] = {&fcntl_fcntl_def, &fcntl_ioctl_def, &fcntl_flock_def, &fcntl_lockf_def, NULL};

static bool fcntl_exec(VM *vm, Value module)
{
  static const struct { const char *name; int64_t value; } constants[] = {
#ifdef DN_ACCESS
    {"DN_ACCESS", (int64_t)DN_ACCESS},
#endif
#ifdef DN_ATTRIB
    {"DN_ATTRIB", (int64_t)DN_ATTRIB},
#endif
#ifdef DN_CREATE
    {"DN_CREATE", (int64_t)DN_CREATE},
#endif
#ifdef DN_DELETE
    {"DN_DELETE", (int64_t)DN_DELETE},
#endif
#ifdef DN_MODIFY
    {"DN_MODIFY", (int64_t)DN_MODIFY},
#endif
#ifdef DN_MULTISHOT
    {"DN_MULTISHOT", (int64_t)DN_MULTISHOT},
#endif
#ifdef DN_RENAME
    {"DN_RENAME", (int64_t)DN_RENAME},
#endif
#ifdef FASYNC
    {"FASYNC", (int64_t)FASYNC},
#endif
#ifdef FD_CLOEXEC
    {"FD_CLOEXEC", (int64_t)FD_CLOEXEC},
#endif
#ifdef F_ADD_SEALS
    {"F_ADD_SEALS", (int64_t)F_ADD_SEALS},
#endif
#ifdef F_DUPFD
    {"F_DUPFD", (int64_t)F_DUPFD},
#endif
#ifdef F_DUPFD_CLOEXEC
    {"F_DUPFD_CLOEXEC", (int64_t)F_DUPFD_CLOEXEC},
#endif
#ifdef F_EXLCK
    {"F_EXLCK", (int64_t)F_EXLCK},
#endif
#ifdef F_GETFD
    {"F_GETFD", (int64_t)F_GETFD},
#endif
#ifdef F_GETFL
    {"F_GETFL", (int64_t)F_GETFL},
#endif
#ifdef F_GETLEASE
    {"F_GETLEASE", (int64_t)F_GETLEASE},
#endif
#ifdef F_GETLK
    {"F_GETLK", (int64_t)F_GETLK},
#endif
#ifdef F_GETLK64
    {"F_GETLK64", (int64_t)F_GETLK64},
#endif
#ifdef F_GETOWN
    {"F_GETOWN", (int64_t)F_GETOWN},
#endif
#ifdef F_GETPIPE_SZ
    {"F_GETPIPE_SZ", (int64_t)F_GETPIPE_SZ},
#endif
#ifdef F_GETSIG
    {"F_GETSIG", (int64_t)F_GETSIG},
#endif
#ifdef F_GET_SEALS
    {"F_GET_SEALS", (int64_t)F_GET_SEALS},
#endif
#ifdef F_NOTIFY
    {"F_NOTIFY", (int64_t)F_NOTIFY},
#endif
#ifdef F_OFD_GETLK
    {"F_OFD_GETLK", (int64_t)F_OFD_GETLK},
#endif
#ifdef F_OFD_SETLK
    {"F_OFD_SETLK", (int64_t)F_OFD_SETLK},
#endif
#ifdef F_OFD_SETLKW
    {"F_OFD_SETLKW", (int64_t)F_OFD_SETLKW},
#endif
#ifdef F_RDLCK
    {"F_RDLCK", (int64_t)F_RDLCK},
#endif
#ifdef F_SEAL_GROW
    {"F_SEAL_GROW", (int64_t)F_SEAL_GROW},
#endif
#ifdef F_SEAL_SEAL
    {"F_SEAL_SEAL", (int64_t)F_SEAL_SEAL},
#endif
#ifdef F_SEAL_SHRINK
    {"F_SEAL_SHRINK", (int64_t)F_SEAL_SHRINK},
#endif
#ifdef F_SEAL_WRITE
    {"F_SEAL_WRITE", (int64_t)F_SEAL_WRITE},
#endif
#ifdef F_SETFD
    {"F_SETFD", (int64_t)F_SETFD},
#endif
#ifdef F_SETFL
    {"F_SETFL", (int64_t)F_SETFL},
#endif
#ifdef F_SETLEASE
    {"F_SETLEASE", (int64_t)F_SETLEASE},
#endif
#ifdef F_SETLK
    {"F_SETLK", (int64_t)F_SETLK},
#endif
#ifdef F_SETLK64
    {"F_SETLK64", (int64_t)F_SETLK64},
#endif
#ifdef F_SETLKW
    {"F_SETLKW", (int64_t)F_SETLKW},
#endif
#ifdef F_SETLKW64
    {"F_SETLKW64", (int64_t)F_SETLKW64},
#endif
#ifdef F_SETOWN
    {"F_SETOWN", (int64_t)F_SETOWN},
#endif
#ifdef F_SETPIPE_SZ
    {"F_SETPIPE_SZ", (int64_t)F_SETPIPE_SZ},
#endif
#ifdef F_SETSIG
    {"F_SETSIG", (int64_t)F_SETSIG},
#endif
#ifdef F_SHLCK
    {"F_SHLCK", (int64_t)F_SHLCK},
#endif
#ifdef F_UNLCK
    {"F_UNLCK", (int64_t)F_UNLCK},
#endif
#ifdef F_WRLCK
    {"F_WRLCK", (int64_t)F_WRLCK},
#endif
#ifdef LOCK_EX
    {"LOCK_EX", (int64_t)LOCK_EX},
#endif
#ifdef LOCK_MAND
    {"LOCK_MAND", (int64_t)LOCK_MAND},
#endif
#ifdef LOCK_NB
    {"LOCK_NB", (int64_t)LOCK_NB},
#endif
#ifdef LOCK_READ
    {"LOCK_READ", (int64_t)LOCK_READ},
#endif
#ifdef LOCK_RW
    {"LOCK_RW", (int64_t)LOCK_RW},
#endif
#ifdef LOCK_SH
    {"LOCK_SH", (int64_t)LOCK_SH},
#endif
#ifdef LOCK_UN
    {"LOCK_UN", (int64_t)LOCK_UN},
#endif
#ifdef LOCK_WRITE
    {"LOCK_WRITE", (int64_t)LOCK_WRITE},
#endif
  };
  for (size_t i = 0; i < ARRAY_LEN(constants); i++)
    if (!cd_module_add_int(vm, module, constants[i].name, constants[i].value)) return false;
  return true;
}

const ModuleDef cd_module_fcntl = {
  .name = "fcntl",
  .doc = "Control of descriptors and devices, and file locks.",
  .functions = fcntl_functions,
  .exec = fcntl_exec,
};
