// SPDX-License-Identifier: MIT
// posix.h: arguments and results that the files of the posix module share
#ifndef CEDE_MODULES_POSIX_H
#define CEDE_MODULES_POSIX_H

#include "core/lock.h"
#include "modules/module_list.h"
#include "objects/bytes.h"
#include "objects/dict.h"
#include "objects/float.h"
#include "objects/function.h"
#include "objects/int.h"
#include "objects/list.h"
#include "objects/protocol.h"
#include "objects/str.h"
#include "objects/tuple.h"
#include "objects/type.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/types.h>

typedef struct PosixState {
  Type *stat_result, *statvfs_result, *terminal_size, *times_result, *uname_result, *waitid_result, *sched_param, *dir_entry,
    *scandir_iterator;
  Value fork_before, fork_in_parent, fork_in_child;   // lists of callables, owned
} PosixState;

static inline PosixState *posix_state(VM *vm) { return cd_state(vm, MODULE_posix); }

// A path argument: str, bytes, PathLike, and where allowed a descriptor or None (the current folder).
enum { PATH_ALLOW_FD = 1, PATH_ALLOW_NONE = 2 };
typedef struct PathArg {
  Value object;                                  // what the caller gave (borrowed), for errors
  Ref bytes;                                     // owned encoded path, NO_REF for descriptors and None
  const char *text;                              // "." for None
  int fd;                                        // -1: no descriptor was given
  bool wants_bytes;                              // results are bytes
} PathArg;
MUST_USE bool cd_posix_path(VM *vm, const char *function, const char *parameter, Value v, int allow, PathArg *out);
static inline void cd_posix_path_clear(VM *vm, PathArg *path) { cd_forget(vm, &path->bytes); }
// dir_fd: NO_VALUE and None are AT_FDCWD.
MUST_USE bool cd_posix_dir_fd(VM *vm, Value v, int *out);
MUST_USE bool cd_posix_flag(VM *vm, Value v, bool fallback, bool *out);      // optional bool
MUST_USE bool cd_posix_int(VM *vm, Value v, int fallback, int *out);         // optional C int
MUST_USE bool cd_posix_id(VM *vm, Value v, const char *what, uint32_t *out); // uid or gid; -1 is allowed
MUST_USE bool cd_posix_i64(VM *vm, Value v, int64_t *out);
// OSError from errno with the path as filename; NO_REF.
Ref cd_posix_error(VM *vm, const PathArg *path);
Ref cd_posix_error_plain(VM *vm);
// None for status 0, else OSError with the path; clears the path.
Ref cd_posix_done(VM *vm, int status, PathArg *path);
Ref cd_posix_result_text(VM *vm, const char *text, size_t size, bool bytes); // file system text as str or bytes
MUST_USE Ref cd_posix_call_optional(VM *vm, Value list);                     // calls every function of a list; None

// Around fork(): the functions of os.register_at_fork. In the child: also the VM's threads and lock are put in order.
MUST_USE bool cd_posix_before_fork(VM *vm);               // false: exception set
void cd_posix_after_fork_parent(VM *vm);
void cd_posix_after_fork_child(VM *vm);

struct stat;
MUST_USE Ref cd_posix_stat_result(VM *vm, const struct stat *info);
MUST_USE bool cd_posix_scandir_types(VM *vm, Value module);
MUST_USE Ref cd_posix_fspath(VM *vm, Value v);

extern const MethodDef *const cd_posix_file_functions[], *const cd_posix_process_functions[], *const cd_posix_io_functions[];
extern const MethodDef cd_posix_scandir_def;
MUST_USE bool cd_posix_process_constants(VM *vm, Value module);

// Runs a system call without the VM lock, again when a signal interrupts it and its handler does not raise.
#define POSIX_RETRY(vm, status, call)                     \
  do {                                                    \
    Thread *me_ = cd_unlock(vm);                          \
    (status) = (call);                                    \
    cd_relock(vm, me_);                                   \
  } while ((status) < 0 && errno == EINTR && cd_poll(vm))

#endif
