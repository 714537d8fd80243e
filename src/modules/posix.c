// SPDX-License-Identifier: MIT
// posix.c: the module under `os`: its constants, result types and environment; functions are in posix_*.c
#include "modules/posix.h"

#include <dlfcn.h>
#include <linux/limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <sysexits.h>
#include <unistd.h>

#define CONSTANT(name) {#name, (int64_t)name}
static const struct { const char *name; int64_t value;
} posix_constants[] = {CONSTANT(CLD_CONTINUED),
                       CONSTANT(CLD_DUMPED),
                       CONSTANT(CLD_EXITED),
                       CONSTANT(CLD_KILLED),
                       CONSTANT(CLD_STOPPED),
                       CONSTANT(CLD_TRAPPED),
                       CONSTANT(EFD_CLOEXEC),
                       CONSTANT(EFD_NONBLOCK),
                       CONSTANT(EFD_SEMAPHORE),
                       CONSTANT(EX_CANTCREAT),
                       CONSTANT(EX_CONFIG),
                       CONSTANT(EX_DATAERR),
                       CONSTANT(EX_IOERR),
                       CONSTANT(EX_NOHOST),
                       CONSTANT(EX_NOINPUT),
                       CONSTANT(EX_NOPERM),
                       CONSTANT(EX_NOUSER),
                       CONSTANT(EX_OK),
                       CONSTANT(EX_OSERR),
                       CONSTANT(EX_OSFILE),
                       CONSTANT(EX_PROTOCOL),
                       CONSTANT(EX_SOFTWARE),
                       CONSTANT(EX_TEMPFAIL),
                       CONSTANT(EX_UNAVAILABLE),
                       CONSTANT(EX_USAGE),
                       CONSTANT(F_LOCK),
                       CONSTANT(F_OK),
                       CONSTANT(F_TEST),
                       CONSTANT(F_TLOCK),
                       CONSTANT(F_ULOCK),
                       CONSTANT(GRND_NONBLOCK),
                       CONSTANT(GRND_RANDOM),
                       CONSTANT(MFD_ALLOW_SEALING),
                       CONSTANT(MFD_CLOEXEC),
                       CONSTANT(MFD_HUGETLB),
                       {"MFD_HUGE_16GB", INT64_C(34) << 26},
                       {"MFD_HUGE_16MB", INT64_C(24) << 26},
                       {"MFD_HUGE_1GB", INT64_C(30) << 26},
                       {"MFD_HUGE_1MB", INT64_C(20) << 26},
                       {"MFD_HUGE_256MB", INT64_C(28) << 26},
                       {"MFD_HUGE_2GB", INT64_C(31) << 26},
                       {"MFD_HUGE_2MB", INT64_C(21) << 26},
                       {"MFD_HUGE_32MB", INT64_C(25) << 26},
                       {"MFD_HUGE_512KB", INT64_C(19) << 26},
                       {"MFD_HUGE_512MB", INT64_C(29) << 26},
                       {"MFD_HUGE_64KB", INT64_C(16) << 26},
                       {"MFD_HUGE_8MB", INT64_C(23) << 26},
                       {"MFD_HUGE_MASK", 63},
                       {"MFD_HUGE_SHIFT", 26},
                       CONSTANT(O_ACCMODE),
                       CONSTANT(O_APPEND),
                       CONSTANT(O_ASYNC),
                       CONSTANT(O_CLOEXEC),
                       CONSTANT(O_CREAT),
                       CONSTANT(O_DIRECT),
                       CONSTANT(O_DIRECTORY),
                       CONSTANT(O_DSYNC),
                       CONSTANT(O_EXCL),
                       CONSTANT(O_FSYNC),
                       CONSTANT(O_LARGEFILE),
                       CONSTANT(O_NDELAY),
                       CONSTANT(O_NOATIME),
                       CONSTANT(O_NOCTTY),
                       CONSTANT(O_NOFOLLOW),
                       CONSTANT(O_NONBLOCK),
                       CONSTANT(O_PATH),
                       CONSTANT(O_RDONLY),
                       CONSTANT(O_RDWR),
                       CONSTANT(O_RSYNC),
                       CONSTANT(O_SYNC),
                       CONSTANT(O_TMPFILE),
                       CONSTANT(O_TRUNC),
                       CONSTANT(O_WRONLY),
                       CONSTANT(POSIX_FADV_DONTNEED),
                       CONSTANT(POSIX_FADV_NOREUSE),
                       CONSTANT(POSIX_FADV_NORMAL),
                       CONSTANT(POSIX_FADV_RANDOM),
                       CONSTANT(POSIX_FADV_SEQUENTIAL),
                       CONSTANT(POSIX_FADV_WILLNEED),
                       CONSTANT(PRIO_PGRP),
                       CONSTANT(PRIO_PROCESS),
                       CONSTANT(PRIO_USER),
                       CONSTANT(P_ALL),
                       CONSTANT(P_PGID),
                       CONSTANT(P_PID),
                       CONSTANT(P_PIDFD),
                       CONSTANT(RTLD_DEEPBIND),
                       CONSTANT(RTLD_GLOBAL),
                       CONSTANT(RTLD_LAZY),
                       CONSTANT(RTLD_LOCAL),
                       CONSTANT(RTLD_NODELETE),
                       CONSTANT(RTLD_NOLOAD),
                       CONSTANT(RTLD_NOW),
                       CONSTANT(RWF_APPEND),
                       CONSTANT(RWF_DSYNC),
                       CONSTANT(RWF_HIPRI),
                       CONSTANT(RWF_NOWAIT),
                       CONSTANT(RWF_SYNC),
                       CONSTANT(R_OK),
                       CONSTANT(SCHED_BATCH),
                       CONSTANT(SCHED_FIFO),
                       CONSTANT(SCHED_IDLE),
                       CONSTANT(SCHED_OTHER),
                       CONSTANT(SCHED_RESET_ON_FORK),
                       CONSTANT(SCHED_RR),
                       CONSTANT(SEEK_DATA),
                       CONSTANT(SEEK_HOLE),
                       CONSTANT(SPLICE_F_MORE),
                       CONSTANT(SPLICE_F_MOVE),
                       CONSTANT(SPLICE_F_NONBLOCK),
                       CONSTANT(ST_APPEND),
                       CONSTANT(ST_MANDLOCK),
                       CONSTANT(ST_NOATIME),
                       CONSTANT(ST_NODEV),
                       CONSTANT(ST_NODIRATIME),
                       CONSTANT(ST_NOEXEC),
                       CONSTANT(ST_NOSUID),
                       CONSTANT(ST_RDONLY),
                       CONSTANT(ST_RELATIME),
                       CONSTANT(ST_SYNCHRONOUS),
                       CONSTANT(ST_WRITE),
                       CONSTANT(TMP_MAX),
                       CONSTANT(WCONTINUED),
                       CONSTANT(WEXITED),
                       CONSTANT(WNOHANG),
                       CONSTANT(WNOWAIT),
                       CONSTANT(WSTOPPED),
                       CONSTANT(WUNTRACED),
                       CONSTANT(W_OK),
                       CONSTANT(XATTR_CREATE),
                       CONSTANT(XATTR_REPLACE),
                       CONSTANT(X_OK),
                       CONSTANT(XATTR_SIZE_MAX),
                       CONSTANT(NGROUPS_MAX),
                       {"POSIX_SPAWN_OPEN", 0},
                       {"POSIX_SPAWN_CLOSE", 1},
                       {"POSIX_SPAWN_DUP2", 2}};
#undef CONSTANT

// What os.supports_dir_fd and its like are computed from.
static const char *const have_functions[] = {"HAVE_EVENTFD",      "HAVE_FACCESSAT", "HAVE_FCHDIR",    "HAVE_FCHMOD",    "HAVE_FCHMODAT",
                                             "HAVE_FCHOWN",       "HAVE_FCHOWNAT",  "HAVE_FEXECVE",   "HAVE_FDOPENDIR", "HAVE_FPATHCONF",
                                             "HAVE_FSTATAT",      "HAVE_FSTATVFS",  "HAVE_FTRUNCATE", "HAVE_FUTIMENS",  "HAVE_FUTIMES",
                                             "HAVE_FUTIMESAT",    "HAVE_LINKAT",    "HAVE_LCHOWN",    "HAVE_LSTAT",     "HAVE_LUTIMES",
                                             "HAVE_MEMFD_CREATE", "HAVE_MKDIRAT",   "HAVE_MKFIFOAT",  "HAVE_MKNODAT",   "HAVE_OPENAT",
                                             "HAVE_READLINKAT",   "HAVE_RENAMEAT",  "HAVE_SYMLINKAT", "HAVE_UNLINKAT",  "HAVE_UTIMENSAT"};

// ---- result types ----

static const StructField stat_fields[] = {{"st_mode", "protection bits"},
                                          {"st_ino", "inode"},
                                          {"st_dev", "device"},
                                          {"st_nlink", "number of hard links"},
                                          {"st_uid", "user id of the owner"},
                                          {"st_gid", "group id of the owner"},
                                          {"st_size", "size in bytes"},
                                          {"", "whole seconds of the last access"},
                                          {"", "whole seconds of the last change of content"},
                                          {"", "whole seconds of the last change of status"},
                                          {"st_atime", "time of the last access"},
                                          {"st_mtime", "time of the last change of content"},
                                          {"st_ctime", "time of the last change of status"},
                                          {"st_atime_ns", "time of the last access in nanoseconds"},
                                          {"st_mtime_ns", "time of the last change of content in nanoseconds"},
                                          {"st_ctime_ns", "time of the last change of status in nanoseconds"},
                                          {"st_blksize", "preferred block size"},
                                          {"st_blocks", "number of 512-byte blocks"},
                                          {"st_rdev", "device number of a device file"},
                                          {NULL, NULL}};
static const StructSpec stat_struct = {"os.stat_result", "What stat() found: the first ten fields as a tuple, the others as attributes.",
                                       stat_fields, 10};

static const StructField statvfs_fields[] = {{"f_bsize", "block size"},
                                             {"f_frsize", "fragment size"},
                                             {"f_blocks", "fragments in all"},
                                             {"f_bfree", "free blocks"},
                                             {"f_bavail", "free blocks for anybody"},
                                             {"f_files", "inodes"},
                                             {"f_ffree", "free inodes"},
                                             {"f_favail", "free inodes for anybody"},
                                             {"f_flag", "mount flags"},
                                             {"f_namemax", "longest name"},
                                             {"f_fsid", "file system id"},
                                             {NULL, NULL}};
static const StructSpec statvfs_struct = {"os.statvfs_result", "What statvfs() found.", statvfs_fields, 10};

static const StructField terminal_fields[] = {{"columns", "width in characters"}, {"lines", "height in characters"}, {NULL, NULL}};
static const StructSpec terminal_struct = {"os.terminal_size", "Size of a terminal.", terminal_fields, 2};

static const StructField times_fields[] = {{"user", "user time"},
                                           {"system", "system time"},
                                           {"children_user", "user time of children"},
                                           {"children_system", "system time of children"},
                                           {"elapsed", "time since a fixed point in the past"},
                                           {NULL, NULL}};
static const StructSpec times_struct = {"posix.times_result", "What times() found, in seconds.", times_fields, 5};

static const StructField uname_fields[] = {{"sysname", "operating system"},
                                           {"nodename", "name of the machine on the network"},
                                           {"release", "release of the system"},
                                           {"version", "version of the system"},
                                           {"machine", "hardware"},
                                           {NULL, NULL}};
static const StructSpec uname_struct = {"posix.uname_result", "What uname() found.", uname_fields, 5};

static const StructField waitid_fields[] = {{"si_pid", "process"},
                                            {"si_uid", "its user"},
                                            {"si_signo", "SIGCHLD"},
                                            {"si_status", "exit status or signal"},
                                            {"si_code", "what happened: CLD_EXITED ..."},
                                            {NULL, NULL}};
static const StructSpec waitid_struct = {"posix.waitid_result", "What waitid() found.", waitid_fields, 5};

static const StructField sched_fields[] = {{"sched_priority", "the scheduling priority"}, {NULL, NULL}};
static const StructSpec sched_struct = {"posix.sched_param", "Scheduling parameters.", sched_fields, 1};

// sched_param(sched_priority): one value, not a sequence of them.
static Ref sched_param_new(VM *vm, Type *type, const Value *args, size_t nargs, Value kwnames)
{
  Value bound[1];
  Ref owned[2] = {NO_REF, NO_REF};
  if (!cd_bind_text(vm, "sched_param(sched_priority)", args, nargs, kwnames, bound, owned)) return NO_REF;
  return cd_struct_new(vm, type, bound);
}

static bool posix_add_struct(VM *vm, Value module, const char *name, const StructSpec *spec, Type **slot)
{
  Type *type = cd_struct_type_new(vm, spec, false);
  if (!type) return false;
  *slot = type;                                  // the module's reference comes on top of the state's
  return cd_module_add(vm, module, name, cd_dup_object(type));
}

// ---- the module ----

static bool posix_add_environ(VM *vm, Value module)
{
  extern char **environ;
  Ref dict = cd_dict_new(vm);
  if (!dict) return false;
  for (char **entry = environ; entry && *entry; entry++) {
    const char *equals = strchr(*entry + (**entry != 0), '=');
    if (!equals) continue;
    Ref name = cd_bytes_new(vm, *entry, (size_t)(equals - *entry)), value = cd_bytes_new(vm, equals + 1, strlen(equals + 1)), kept = NO_REF;
    if (name && value) kept = cd_dict_setdefault(vm, dict, name, value);
    cd_drop(vm, name);
    cd_drop(vm, value);
    cd_drop(vm, kept);
    if (!kept) {
      cd_drop(vm, dict);
      return false;
    }
  }
  return cd_module_add(vm, module, "environ", dict);
}

static bool posix_add_have_functions(VM *vm, Value module)
{
  Ref list = cd_list_new(vm);
  for (size_t i = 0; list && i < ARRAY_LEN(have_functions); i++) {
    Ref name = cd_str_from(vm, have_functions[i]);
    if (!name || !cd_list_append_steal(vm, cd_as_list(list), name)) cd_forget(vm, &list);
  }
  return cd_module_add(vm, module, "_have_functions", list);
}

static bool posix_add_functions(VM *vm, Value module, Value name, const MethodDef *const *table)
{
  for (; *table; table++)
    if (!cd_module_add(vm, module, (*table)->name, cd_native_new(vm, *table, module, name))) return false;
  return true;
}

static bool posix_exec(VM *vm, Value module)
{
  PosixState *state = posix_state(vm);
  for (size_t i = 0; i < ARRAY_LEN(posix_constants); i++)
    if (!cd_module_add_int(vm, module, posix_constants[i].name, posix_constants[i].value)) return false;
  Ref name = cd_str_from(vm, "posix");
  bool ok = name && posix_add_functions(vm, module, name, cd_posix_file_functions) &&
            posix_add_functions(vm, module, name, cd_posix_io_functions) &&
            posix_add_functions(vm, module, name, cd_posix_process_functions);
  cd_drop(vm, name);
  ok = ok && posix_add_struct(vm, module, "stat_result", &stat_struct, &state->stat_result) &&
       posix_add_struct(vm, module, "statvfs_result", &statvfs_struct, &state->statvfs_result) &&
       posix_add_struct(vm, module, "terminal_size", &terminal_struct, &state->terminal_size) &&
       posix_add_struct(vm, module, "times_result", &times_struct, &state->times_result) &&
       posix_add_struct(vm, module, "uname_result", &uname_struct, &state->uname_result) &&
       posix_add_struct(vm, module, "waitid_result", &waitid_struct, &state->waitid_result) &&
       posix_add_struct(vm, module, "sched_param", &sched_struct, &state->sched_param) && cd_posix_scandir_types(vm, module);
  if (!ok) return false;
  state->sched_param->slots.new_ = sched_param_new;
  return posix_add_environ(vm, module) && posix_add_have_functions(vm, module) && cd_posix_process_constants(vm, module) &&
         cd_module_add(vm, module, "error", cd_dup_object(vm->exc.OSError));
}

static void posix_traverse(void *data, VisitFn visit, void *context)
{
  PosixState *state = data;
  visit(context, state->fork_before);
  visit(context, state->fork_in_parent);
  visit(context, state->fork_in_child);
}
static void posix_clear(VM *vm, void *data)
{
  PosixState *state = data;
  Type **types[] = {&state->stat_result,   &state->statvfs_result, &state->terminal_size, &state->times_result,    &state->uname_result,
                    &state->waitid_result, &state->sched_param,    &state->dir_entry,     &state->scandir_iterator};
  cd_clear(vm, &state->fork_before);
  cd_clear(vm, &state->fork_in_parent);
  cd_clear(vm, &state->fork_in_child);
  for (size_t i = 0; i < ARRAY_LEN(types); i++) {
    Type *type = *types[i];
    *types[i] = NULL;
    cd_drop_object(vm, type);
  }
}

static const MethodDef *const posix_functions[] = {&cd_posix_scandir_def, NULL};
const ModuleDef cd_module_posix = {"posix",         "The operating system's functions (POSIX, and what Linux adds).",
                                   posix_functions, sizeof(PosixState),
                                   posix_exec,      posix_traverse,
                                   posix_clear};
