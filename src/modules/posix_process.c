// SPDX-License-Identifier: MIT
// posix_process.c: posix functions on processes, users, scheduling and the environment
#include "modules/posix.h"
#include "loop/loop.h"
#include "modules/import_state.h"

#include <grp.h>
#include <limits.h>
#include <pty.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/times.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

static Ref number_or_error(VM *vm, int64_t status) { return status < 0 ? cd_posix_error_plain(vm) : cd_int_from_i64(vm, status); }
static Ref done_or_error(VM *vm, int status) { return status < 0 ? cd_posix_error_plain(vm) : cd_none(); }

// ---- functions without arguments that return a number ----

#define NUMBER_FUNCTION(name, doc) \
  FUNCTION(posix, name, #name "()", doc) { return cd_int_from_i64(vm, (int64_t)name()); }
NUMBER_FUNCTION(getpid, "This process's id.")
NUMBER_FUNCTION(getppid, "The parent process's id.")
NUMBER_FUNCTION(getuid, "Real user id.")
NUMBER_FUNCTION(geteuid, "Effective user id.")
NUMBER_FUNCTION(getgid, "Real group id.")
NUMBER_FUNCTION(getegid, "Effective group id.")
NUMBER_FUNCTION(getpgrp, "Process group id.")

FUNCTION(posix, getpgid, "getpgid(pid)", "Process group of a process.")
{
  int pid;
  return cd_to_c_int(vm, args[0], &pid) ? number_or_error(vm, getpgid(pid)) : NO_REF;
}
FUNCTION(posix, getsid, "getsid(pid, /)", "Session of a process.")
{
  int pid;
  return cd_to_c_int(vm, args[0], &pid) ? number_or_error(vm, getsid(pid)) : NO_REF;
}
FUNCTION(posix, setsid, "setsid()", "Start a new session.")
{
  return done_or_error(vm, setsid());
}
FUNCTION(posix, setpgrp, "setpgrp()", "Start a new process group.")
{
  return done_or_error(vm, setpgrp());
}
FUNCTION(posix, setpgid, "setpgid(pid, pgrp, /)", "Move a process to a process group.")
{
  int pid, group;
  return cd_to_c_int(vm, args[0], &pid) && cd_to_c_int(vm, args[1], &group) ? done_or_error(vm, setpgid(pid, group)) : NO_REF;
}

#define ID_FUNCTION(name, parameter, kind, doc)                    \
  FUNCTION(posix, name, #name "(" parameter ", /)", doc)           \
  {                                                                \
    uint32_t id;                                                   \
    return cd_posix_id(vm, args[0], kind, &id) ? done_or_error(vm, name(id)) : NO_REF; \
  }
ID_FUNCTION(setuid, "uid", "uid", "Set the user id.")
ID_FUNCTION(seteuid, "euid", "uid", "Set the effective user id.")
ID_FUNCTION(setgid, "gid", "gid", "Set the group id.")
ID_FUNCTION(setegid, "egid", "gid", "Set the effective group id.")
#define ID2_FUNCTION(name, parameters, kind, doc)                  \
  FUNCTION(posix, name, #name "(" parameters ", /)", doc)          \
  {                                                                \
    uint32_t a, b;                                                 \
    return cd_posix_id(vm, args[0], kind, &a) && cd_posix_id(vm, args[1], kind, &b) ? done_or_error(vm, name(a, b)) : NO_REF; \
  }
ID2_FUNCTION(setreuid, "ruid, euid", "uid", "Set real and effective user id.")
ID2_FUNCTION(setregid, "rgid, egid", "gid", "Set real and effective group id.")
#define ID3_FUNCTION(name, parameters, kind, doc)                  \
  FUNCTION(posix, name, #name "(" parameters ", /)", doc)          \
  {                                                                \
    uint32_t a, b, c;                                              \
    if (!cd_posix_id(vm, args[0], kind, &a) || !cd_posix_id(vm, args[1], kind, &b) || !cd_posix_id(vm, args[2], kind, &c)) return NO_REF; \
    return done_or_error(vm, name(a, b, c));                       \
  }
ID3_FUNCTION(setresuid, "ruid, euid, suid", "uid", "Set real, effective and saved user id.")
ID3_FUNCTION(setresgid, "rgid, egid, sgid", "gid", "Set real, effective and saved group id.")

static Ref three_ids(VM *vm, int status, uint32_t a, uint32_t b, uint32_t c)
{
  return status < 0 ? cd_posix_error_plain(vm) : cd_tuple3(vm, cd_from_small(a), cd_from_small(b), cd_from_small(c));
}
FUNCTION(posix, getresuid, "getresuid()", "(real, effective, saved) user id.")
{
  uid_t a = 0, b = 0, c = 0;
  int status = getresuid(&a, &b, &c);
  return three_ids(vm, status, a, b, c);
}
FUNCTION(posix, getresgid, "getresgid()", "(real, effective, saved) group id.")
{
  gid_t a = 0, b = 0, c = 0;
  int status = getresgid(&a, &b, &c);
  return three_ids(vm, status, a, b, c);
}

static Ref group_list(VM *vm, const gid_t *groups, int count)
{
  Ref list = cd_list_with_capacity(vm, (size_t)count);
  for (int i = 0; list && i < count; i++)
    if (!cd_list_append_steal(vm, cd_as_list(list), cd_from_small(groups[i]))) cd_forget(vm, &list);
  return list;
}
FUNCTION(posix, getgroups, "getgroups()", "Supplementary group ids.")
{
  int count = getgroups(0, NULL);
  gid_t *groups = count >= 0 ? cd_alloc_array(vm, (size_t)count + 1, sizeof *groups) : NULL;
  if (count < 0) return cd_posix_error_plain(vm);
  if (!groups) return NO_REF;
  int got = getgroups(count, groups);
  Ref list = got < 0 ? cd_posix_error_plain(vm) : group_list(vm, groups, got);
  cd_free(vm, groups, ((size_t)count + 1) * sizeof *groups);
  return list;
}
FUNCTION(posix, setgroups, "setgroups(groups, /)", "Set the supplementary group ids.")
{
  gid_t groups[256];
  int64_t count;
  if (!cd_type_of(vm, args[0])->slots.getitem) return cd_raise_type(vm, "setgroups argument must be a sequence");
  if (!cd_len(vm, args[0], &count)) return NO_REF;
  if (count > (int64_t)ARRAY_LEN(groups)) return cd_raise_value(vm, "too many groups");
  for (int64_t i = 0; i < count; i++) {
    Ref item = cd_getitem(vm, args[0], cd_from_small(i));
    if (!item) return NO_REF;
    bool is_int = cd_is_int(item), ok = is_int && cd_posix_id(vm, item, "gid", &groups[i]);
    cd_drop(vm, item);
    if (!ok) return is_int ? NO_REF : cd_raise_type(vm, "groups must be integers");
  }
  return done_or_error(vm, setgroups((size_t)count, groups));
}
FUNCTION(posix, getgrouplist, "getgrouplist(user, group, /)", "Ids of the groups that a user belongs to.")
{
  uint32_t group;
  if (!cd_is_str(args[0])) return cd_raise_type(vm, "getgrouplist() argument 1 must be str, not %T", args[0]);
  if (!cd_posix_id(vm, args[1], "gid", &group)) return NO_REF;
  int count = 128;
  for (;;) {
    gid_t *groups = cd_alloc_array(vm, (size_t)count, sizeof *groups);
    if (!groups) return NO_REF;
    int room = count, status = getgrouplist(cd_str_data(args[0]), group, groups, &count);
    Ref list = status < 0 ? NO_REF : group_list(vm, groups, count);
    cd_free(vm, groups, (size_t)room * sizeof *groups);
    if (status >= 0) return list;
    if (count <= room) count = room * 2;
  }
}
FUNCTION(posix, initgroups, "initgroups(username, gid, /)", "Set the supplementary groups to those of a user.")
{
  PathArg user;
  uint32_t group;
  if (!cd_posix_id(vm, args[1], "gid", &group) || !cd_posix_path(vm, "initgroups", "username", args[0], 0, &user)) return NO_REF;
  int status = initgroups(user.text, group), error = errno;
  cd_posix_path_clear(vm, &user);
  errno = error;
  return done_or_error(vm, status);
}
FUNCTION(posix, getlogin, "getlogin()", "Name of the user logged in on the controlling terminal.")
{
  char name[LOGIN_NAME_MAX];
  errno = getlogin_r(name, sizeof name);
  return errno ? cd_posix_error_plain(vm) : cd_fs_decode(vm, name, strlen(name));
}

// ---- signals and waiting ----

FUNCTION(posix, kill, "kill(pid, signal, /)", "Send a signal to a process.")
{
  int pid, number;
  if (!cd_to_c_int(vm, args[0], &pid) || !cd_to_c_int(vm, args[1], &number)) return NO_REF;
  if (kill(pid, number) < 0) return cd_posix_error_plain(vm);
  return cd_poll(vm) ? cd_none() : NO_REF;
}
FUNCTION(posix, killpg, "killpg(pgid, signal, /)", "Send a signal to a process group.")
{
  int group, number;
  if (!cd_to_c_int(vm, args[0], &group) || !cd_to_c_int(vm, args[1], &number)) return NO_REF;
  return done_or_error(vm, killpg(group, number));
}
FUNCTION(posix, abort, "abort()", "End the process at once, with SIGABRT.")
{
  abort();                                       // what the program asked for
}
FUNCTION(posix, _exit, "_exit(status)", "End the process at once, without cleaning up.")
{
  int status;
  if (!cd_to_c_int(vm, args[0], &status)) return NO_REF;
  _exit(status);
}

static Ref wait_pair(VM *vm, pid_t pid, int status)
{
  return pid < 0 ? cd_posix_error_plain(vm) : cd_tuple2(vm, cd_from_small(pid), cd_from_small(status));
}
FUNCTION(posix, wait, "wait()", "(pid, status) of a child that ended.")
{
  pid_t pid;
  int status = 0;
  POSIX_RETRY(vm, pid, wait(&status));
  return wait_pair(vm, pid, status);
}
FUNCTION(posix, waitpid, "waitpid(pid, options, /)", "(pid, status) of a child.")
{
  int wanted, options, status = 0;
  pid_t pid;
  if (!cd_to_c_int(vm, args[0], &wanted) || !cd_to_c_int(vm, args[1], &options)) return NO_REF;
  POSIX_RETRY(vm, pid, waitpid(wanted, &status, options));
  return wait_pair(vm, pid, status);
}

static Ref usage_value(VM *vm, const struct rusage *u)
{
  Ref type = cd_import_attr(vm, "resource", "struct_rusage"), tuple = cd_tuple_new(vm, 16), result = NO_REF;
  if (!type || !tuple) goto done;
  double times[2] = {(double)u->ru_utime.tv_sec + 1e-6 * (double)u->ru_utime.tv_usec,
                     (double)u->ru_stime.tv_sec + 1e-6 * (double)u->ru_stime.tv_usec};
  long counts[14] = {u->ru_maxrss, u->ru_ixrss, u->ru_idrss, u->ru_isrss, u->ru_minflt, u->ru_majflt, u->ru_nswap,
                     u->ru_inblock, u->ru_oublock, u->ru_msgsnd, u->ru_msgrcv, u->ru_nsignals, u->ru_nvcsw, u->ru_nivcsw};
  for (size_t i = 0; i < 16; i++) {
    Ref item = i < 2 ? cd_float_new(vm, times[i]) : cd_int_from_i64(vm, counts[i - 2]);
    if (!item) goto done;
    cd_tuple_set(tuple, i, item);
  }
  result = cd_call1(vm, type, tuple);
done:
  cd_drop(vm, type);
  cd_drop(vm, tuple);
  return result;
}
static Ref wait_usage(VM *vm, int wanted, int options)
{
  int status = 0;
  struct rusage usage = {0};
  pid_t pid;
  POSIX_RETRY(vm, pid, wait4(wanted, &status, options, &usage));
  return pid < 0 ? cd_posix_error_plain(vm) : cd_tuple3_steal(vm, cd_from_small(pid), cd_from_small(status), usage_value(vm, &usage));
}
FUNCTION(posix, wait3, "wait3(options)", "(pid, status, resource usage) of a child that ended.")
{
  int options;
  return cd_to_c_int(vm, args[0], &options) ? wait_usage(vm, -1, options) : NO_REF;
}
FUNCTION(posix, wait4, "wait4(pid, options)", "(pid, status, resource usage) of a child.")
{
  int pid, options;
  return cd_to_c_int(vm, args[0], &pid) && cd_to_c_int(vm, args[1], &options) ? wait_usage(vm, pid, options) : NO_REF;
}
FUNCTION(posix, waitid, "waitid(idtype, id, options, /)", "What happened to a child; None if nothing did and WNOHANG was given.")
{
  int kind, id, options, status;
  siginfo_t info = {0};
  if (!cd_to_c_int(vm, args[0], &kind) || !cd_to_c_int(vm, args[1], &id) || !cd_to_c_int(vm, args[2], &options)) return NO_REF;
  POSIX_RETRY(vm, status, waitid((idtype_t)kind, (id_t)id, &info, options));
  if (status < 0) return cd_posix_error_plain(vm);
  if (info.si_pid == 0) return cd_none();
  Value items[5] = {cd_from_small(info.si_pid), cd_from_small(info.si_uid), cd_from_small(info.si_signo), cd_from_small(info.si_status),
                    cd_from_small(info.si_code)};
  return cd_struct_new(vm, posix_state(vm)->waitid_result, items);
}

#define STATUS_FUNCTION(name, make, doc)                           \
  FUNCTION(posix, name, #name "(status)", doc)                     \
  {                                                                \
    int status;                                                    \
    return cd_to_c_int(vm, args[0], &status) ? make(name(status)) : NO_REF; \
  }
STATUS_FUNCTION(WCOREDUMP, cd_bool, "Did the child leave a core dump?")
STATUS_FUNCTION(WIFCONTINUED, cd_bool, "Was the child continued?")
STATUS_FUNCTION(WIFSTOPPED, cd_bool, "Was the child stopped?")
STATUS_FUNCTION(WIFSIGNALED, cd_bool, "Was the child ended by a signal?")
STATUS_FUNCTION(WIFEXITED, cd_bool, "Did the child exit?")
STATUS_FUNCTION(WEXITSTATUS, cd_from_small, "The child's exit status.")
STATUS_FUNCTION(WTERMSIG, cd_from_small, "The signal that ended the child.")
STATUS_FUNCTION(WSTOPSIG, cd_from_small, "The signal that stopped the child.")

FUNCTION(posix, waitstatus_to_exitcode, "waitstatus_to_exitcode(status)",
         "Exit code of a wait status; minus the signal that ended the process.")
{
  int status;
  if (cd_is_float(args[0])) return cd_raise_type(vm, "integer argument expected, got float");
  if (!cd_to_c_int(vm, args[0], &status)) return NO_REF;
  if (WIFEXITED(status)) {
    int code = WEXITSTATUS(status);
    return code < 0 ? cd_raise_value(vm, "invalid WEXITSTATUS: %i", code) : cd_from_small(code);
  }
  if (WIFSIGNALED(status)) return cd_from_small(-WTERMSIG(status));
  if (WIFSTOPPED(status)) return cd_raise_value(vm, "process stopped by delivery of signal %i", WSTOPSIG(status));
  return cd_raise_value(vm, "invalid wait status: %i", status);
}
FUNCTION(posix, pidfd_open, "pidfd_open(pid, flags=0)", "A descriptor that stands for a process.")
{
  int pid, flags;
  if (!cd_to_c_int(vm, args[0], &pid) || !cd_posix_int(vm, args[1], 0, &flags)) return NO_REF;
  return number_or_error(vm, syscall(SYS_pidfd_open, pid, flags));
}

// ---- fork and exec ----

FUNCTION(posix, register_at_fork, "register_at_fork(*, before=None, after_in_child=None, after_in_parent=None)",
         "Functions to call around fork().")
{
  PosixState *state = posix_state(vm);
  static const char *const names[] = {"before", "after_in_child", "after_in_parent"};
  Value *lists[] = {&state->fork_before, &state->fork_in_child, &state->fork_in_parent};
  if (!args[0] && !args[1] && !args[2]) return cd_raise_type(vm, "At least one argument is required.");
  for (int i = 0; i < 3; i++)
    if (args[i] && !cd_is_callable(vm, args[i])) return cd_raise_type(vm, "'%s' must be callable, not %T", names[i], args[i]);
  for (int i = 0; i < 3; i++) {
    if (!args[i]) continue;
    if (!*lists[i] && !(*lists[i] = cd_list_new(vm))) return NO_REF;
    if (i == 0 ? !cd_list_insert(vm, cd_as_list(*lists[i]), 0, args[i]) : !cd_list_append(vm, cd_as_list(*lists[i]), args[i]))
      return NO_REF;
  }
  return cd_none();
}

static void fork_call(VM *vm, Value list)
{
  if (!list) return;
  for (size_t i = 0; i < cd_list_size(list); i++) {
    Ref function = cd_dup(cd_list_item_borrow(list, i)), result = cd_call0(vm, function);
    if (!result) cd_write_unraisable(vm, function);
    cd_drop(vm, result);
    cd_drop(vm, function);
  }
}
// The import lock is taken, so that the child does not see a half imported module of a thread that it has not.
bool cd_posix_before_fork(VM *vm)
{
  if (vm->module_state && cd_state(vm, MODULE_posix)) fork_call(vm, posix_state(vm)->fork_before);
  return cd_import_lock(vm);
}

void cd_posix_after_fork_parent(VM *vm)
{
  cd_import_unlock(vm);
  if (vm->module_state && cd_state(vm, MODULE_posix)) fork_call(vm, posix_state(vm)->fork_in_parent);
}

void cd_posix_after_fork_child(VM *vm)
{
  cd_lock_after_fork(vm);
  vm->threads = vm->thread;                      // the other threads do not exist here
  vm->thread->next = NULL;
  cd_loop_set_running(vm, NO_VALUE);             // it goes on in the parent
  cd_import_unlock(vm);
  cd_loop_after_fork(vm);
  if (vm->module_state && cd_state(vm, MODULE_posix)) fork_call(vm, posix_state(vm)->fork_in_child);
}

FUNCTION(posix, fork, "fork()", "Start a child process: 0 in the child, its id in the parent.")
{
  if (!cd_posix_before_fork(vm)) return NO_REF;
  pid_t pid = fork();
  int error = errno;
  if (pid == 0) cd_posix_after_fork_child(vm);
  else cd_posix_after_fork_parent(vm);
  errno = error;
  return number_or_error(vm, pid);
}
FUNCTION(posix, forkpty, "forkpty()", "(pid, master): like fork(), the child in a new pseudo terminal.")
{
  int master = -1;
  if (!cd_posix_before_fork(vm)) return NO_REF;
  pid_t pid = forkpty(&master, NULL, NULL, NULL);
  int error = errno;
  if (pid == 0) cd_posix_after_fork_child(vm);
  else cd_posix_after_fork_parent(vm);
  errno = error;
  return pid < 0 ? cd_posix_error_plain(vm) : cd_tuple2(vm, cd_from_small(pid), cd_from_small(master));
}

// A NULL-terminated array of C texts.
typedef struct TextArray { char **texts; size_t count; } TextArray;

static void text_array_clear(VM *vm, TextArray *a)
{
  for (size_t i = 0; a->texts && i < a->count; i++)
    if (a->texts[i]) cd_free(vm, a->texts[i], strlen(a->texts[i]) + 1);
  cd_free(vm, a->texts, a->texts ? (a->count + 1) * sizeof *a->texts : 0);
  a->texts = NULL;
}
static bool text_array_new(VM *vm, TextArray *a, size_t count)
{
  a->count = count;
  a->texts = cd_alloc_zeroed(vm, (count + 1) * sizeof *a->texts);
  return a->texts != NULL;
}
static char *text_copy(VM *vm, const char *data, size_t size)
{
  char *copy = cd_alloc(vm, size + 1);
  if (copy) {
    memcpy(copy, data, size);
    copy[size] = 0;
  }
  return copy;
}

static bool argv_array(VM *vm, const char *function, Value argv, TextArray *a)
{
  a->texts = NULL;
  if (!cd_is_list(argv) && !cd_is_tuple(argv)) return cd_raise_type(vm, "%s: argv must be a tuple or list", function);
  int64_t count;
  if (!cd_len(vm, argv, &count)) return false;
  if (count < 1) return cd_raise_value(vm, "%s: argv must not be empty", function);
  if (!text_array_new(vm, a, (size_t)count)) return false;
  for (int64_t i = 0; i < count; i++) {
    Ref item = cd_getitem(vm, argv, cd_from_small(i)), bytes = item ? cd_fs_encode(vm, item) : NO_REF;
    cd_drop(vm, item);
    a->texts[i] = bytes ? text_copy(vm, cd_bytes_data(bytes), cd_bytes_size(bytes)) : NULL;
    cd_drop(vm, bytes);
    if (!a->texts[i]) goto fail;
  }
  if (a->texts[0][0]) return true;
  cd_raise_value(vm, "%s: argv first element cannot be empty", function);
fail:
  text_array_clear(vm, a);
  return false;
}

static bool env_entry(VM *vm, Value key, Value value, char **out)
{
  Ref name = cd_fs_encode(vm, key), text = name ? cd_fs_encode(vm, value) : NO_REF;
  bool ok = false;
  if (!text) goto done;
  size_t n = cd_bytes_size(name), m = cd_bytes_size(text);
  if (n == 0 || memchr(cd_bytes_data(name) + 1, '=', n - 1)) {
    cd_raise_value(vm, "illegal environment variable name");
    goto done;
  }
  if (!(*out = cd_alloc(vm, n + m + 2))) goto done;
  memcpy(*out, cd_bytes_data(name), n);
  (*out)[n] = '=';
  memcpy(*out + n + 1, cd_bytes_data(text), m + 1);
  ok = true;
done:
  cd_drop(vm, name);
  cd_drop(vm, text);
  return ok;
}
static bool env_array(VM *vm, const char *function, Value env, TextArray *a)
{
  a->texts = NULL;
  if (!cd_type_of(vm, env)->slots.getitem || cd_is_list(env) || cd_is_tuple(env))
    return cd_raise_type(vm, "%s: environment must be a mapping object", function);
  Ref items = cd_call_method0(vm, env, N(items)), list = items ? cd_list_from(vm, items) : NO_REF;
  cd_drop(vm, items);
  if (!list) return false;
  bool ok = text_array_new(vm, a, cd_list_size(list));
  for (size_t i = 0; ok && i < a->count; i++) {
    Value pair = cd_list_item_borrow(list, i);
    ok = cd_is_tuple(pair) && cd_tuple_size(pair) == 2
           ? env_entry(vm, cd_tuple_item_borrow(pair, 0), cd_tuple_item_borrow(pair, 1), &a->texts[i])
           : (bool)cd_raise_type(vm, "env.items() did not return pairs");
  }
  cd_drop(vm, list);
  if (!ok) text_array_clear(vm, a);
  return ok;
}

FUNCTION(posix, execv, "execv(path, argv, /)", "Replace this process by a program.")
{
  PathArg path;
  TextArray argv;
  if (!cd_posix_path(vm, "execv", "path", args[0], 0, &path)) return NO_REF;
  if (argv_array(vm, "execv", args[1], &argv)) {
    execv(path.text, argv.texts);
    cd_posix_error(vm, &path);
    text_array_clear(vm, &argv);
  }
  cd_posix_path_clear(vm, &path);
  return NO_REF;
}
FUNCTION(posix, execve, "execve(path, argv, env)", "Replace this process by a program with a given environment.")
{
  PathArg path;
  TextArray argv, env;
  if (!cd_posix_path(vm, "execve", "path", args[0], PATH_ALLOW_FD, &path)) return NO_REF;
  if (!argv_array(vm, "execve", args[1], &argv)) goto done;
  if (env_array(vm, "execve", args[2], &env)) {
    if (path.bytes) execve(path.text, argv.texts, env.texts);
    else fexecve(path.fd, argv.texts, env.texts);
    cd_posix_error(vm, &path);
    text_array_clear(vm, &env);
  }
  text_array_clear(vm, &argv);
done:
  cd_posix_path_clear(vm, &path);
  return NO_REF;
}

// (POSIX_SPAWN_OPEN, fd, path, flags, mode), (POSIX_SPAWN_CLOSE, fd), (POSIX_SPAWN_DUP2, fd, new_fd)
static bool spawn_action(VM *vm, Value action, posix_spawn_file_actions_t *actions)
{
  int kind, fd, other, mode;
  if (!cd_is_tuple(action) || cd_tuple_size(action) < 1) return cd_raise_type(vm, "Each file_actions element must be a non-empty tuple");
  size_t n = cd_tuple_size(action);
  if (!cd_to_c_int(vm, cd_tuple_item_borrow(action, 0), &kind)) return false;
  if (n < 2 || !cd_to_c_int(vm, cd_tuple_item_borrow(action, 1), &fd))
    return cd_raised(vm) ? false : cd_raise_type(vm, "Unknown file_actions identifier");
  int error = 0;
  if (kind == 1 && n == 2) error = posix_spawn_file_actions_addclose(actions, fd);
  else if (kind == 2 && n == 3) {
    if (!cd_to_c_int(vm, cd_tuple_item_borrow(action, 2), &other)) return false;
    error = posix_spawn_file_actions_adddup2(actions, fd, other);
  } else if (kind == 0 && n == 5) {
    PathArg path;
    if (!cd_to_c_int(vm, cd_tuple_item_borrow(action, 3), &other) || !cd_to_c_int(vm, cd_tuple_item_borrow(action, 4), &mode) ||
        !cd_posix_path(vm, "posix_spawn", "path", cd_tuple_item_borrow(action, 2), 0, &path))
      return false;
    error = posix_spawn_file_actions_addopen(actions, fd, path.text, other, (mode_t)mode);
    cd_posix_path_clear(vm, &path);
  } else return cd_raise_type(vm, "Unknown file_actions identifier");
  return !error || cd_raise_os(vm, error, NO_VALUE, NO_VALUE);
}

static bool signal_set(VM *vm, Value iterable, sigset_t *set)
{
  sigemptyset(set);
  Ref iter = cd_iter(vm, iterable), item;
  if (!iter) return false;
  Next next;
  while ((next = cd_next(vm, iter, &item)) == NEXT_ITEM) {
    int number;
    bool ok = cd_to_c_int(vm, item, &number);
    cd_drop(vm, item);
    if (ok && (number < 1 || number >= NSIG)) ok = cd_raise_value(vm, "signal number %d out of range [1; %d]", number, NSIG - 1);
    if (!ok) { next = NEXT_ERROR; break; }
    sigaddset(set, number);
  }
  cd_drop(vm, iter);
  return next != NEXT_ERROR;
}

static bool spawn_attributes(VM *vm, const char *function, const Value *args, posix_spawnattr_t *attributes)
{
  short flags = 0;
  int group, reset, session;
  sigset_t set;
  if (args[4]) {
    if (!cd_to_c_int(vm, args[4], &group)) return false;
    posix_spawnattr_setpgroup(attributes, group);
    flags |= POSIX_SPAWN_SETPGROUP;
  }
  if (!cd_posix_int(vm, args[5], 0, &reset) || !cd_posix_int(vm, args[6], 0, &session)) return false;
  if (reset) flags |= POSIX_SPAWN_RESETIDS;
  if (session) flags |= POSIX_SPAWN_SETSID;
  if (args[7]) {
    if (!signal_set(vm, args[7], &set)) return false;
    posix_spawnattr_setsigmask(attributes, &set);
    flags |= POSIX_SPAWN_SETSIGMASK;
  }
  if (args[8]) {
    if (!signal_set(vm, args[8], &set)) return false;
    posix_spawnattr_setsigdefault(attributes, &set);
    flags |= POSIX_SPAWN_SETSIGDEF;
  }
  if (args[9]) {
    if (!cd_is_tuple(args[9]) || cd_tuple_size(args[9]) != 2) return cd_raise_type(vm, "%s: scheduler must be a tuple or None", function);
    int policy = 0, priority;
    Value param = cd_tuple_item_borrow(args[9], 1);
    if (!cd_is_tuple(param) || cd_tuple_size(param) < 1) return cd_raise_type(vm, "must have a sched_param object");
    if (!cd_is_none(cd_tuple_item_borrow(args[9], 0))) {
      if (!cd_to_c_int(vm, cd_tuple_item_borrow(args[9], 0), &policy)) return false;
      posix_spawnattr_setschedpolicy(attributes, policy);
      flags |= POSIX_SPAWN_SETSCHEDULER;
    }
    if (!cd_to_c_int(vm, cd_tuple_item_borrow(param, 0), &priority)) return false;
    struct sched_param scheduling = {.sched_priority = priority};
    posix_spawnattr_setschedparam(attributes, &scheduling);
    flags |= POSIX_SPAWN_SETSCHEDPARAM;
  }
  posix_spawnattr_setflags(attributes, flags);
  return true;
}

static Ref spawn(VM *vm, const char *function, const Value *args, bool search)
{
  PathArg path;
  TextArray argv, env;
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  Ref result = NO_REF, sequence = NO_REF;
  if (!cd_posix_path(vm, function, "path", args[0], 0, &path)) return NO_REF;
  if (!argv_array(vm, function, args[1], &argv)) goto no_argv;
  if (!env_array(vm, function, args[2], &env)) goto no_env;
  posix_spawn_file_actions_init(&actions);
  posix_spawnattr_init(&attributes);
  if (args[3] && !cd_is_none(args[3])) {
    if (!(sequence = cd_tuple_from(vm, args[3]))) goto done;
    for (size_t i = 0; i < cd_tuple_size(sequence); i++)
      if (!spawn_action(vm, cd_tuple_item_borrow(sequence, i), &actions)) goto done;
  }
  if (!spawn_attributes(vm, function, args, &attributes)) goto done;
  pid_t pid;
  int error = search ? posix_spawnp(&pid, path.text, &actions, &attributes, argv.texts, env.texts)
                     : posix_spawn(&pid, path.text, &actions, &attributes, argv.texts, env.texts);
  errno = error;
  result = error ? cd_posix_error(vm, &path) : cd_from_small(pid);
done:
  cd_drop(vm, sequence);
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  text_array_clear(vm, &env);
no_env:
  text_array_clear(vm, &argv);
no_argv:
  cd_posix_path_clear(vm, &path);
  return result;
}
FUNCTION(posix, posix_spawn,
         "posix_spawn(path, argv, env, /, *, file_actions=(), setpgroup=None, resetids=False, setsid=False, setsigmask=(), setsigdef=(), "
         "scheduler=None)",
         "Start a program in a new process; its id.")
{
  return spawn(vm, "posix_spawn", args, false);
}
FUNCTION(posix, posix_spawnp,
         "posix_spawnp(path, argv, env, /, *, file_actions=(), setpgroup=None, resetids=False, setsid=False, setsigmask=(), setsigdef=(), "
         "scheduler=None)",
         "Like posix_spawn(), looking for the program along PATH.")
{
  return spawn(vm, "posix_spawnp", args, true);
}
FUNCTION(posix, system, "system(command)", "Run a command in a shell; its wait status.")
{
  PathArg command;
  if (!cd_posix_path(vm, "system", "command", args[0], 0, &command)) return NO_REF;
  Thread *me = cd_unlock(vm);
  int status = system(command.text);
  cd_relock(vm, me);
  cd_posix_path_clear(vm, &command);
  return cd_from_small(status);
}

// ---- environment ----

FUNCTION(posix, putenv, "putenv(name, value, /)", "Set an environment variable.")
{
  PathArg name, value;
  if (!cd_posix_path(vm, "putenv", "name", args[0], 0, &name)) return NO_REF;
  if (!cd_posix_path(vm, "putenv", "value", args[1], 0, &value)) {
    cd_posix_path_clear(vm, &name);
    return NO_REF;
  }
  Ref result = NO_REF;
  if (strchr(name.text, '=')) cd_raise_value(vm, "illegal environment variable name");
  else result = done_or_error(vm, setenv(name.text, value.text, 1));
  cd_posix_path_clear(vm, &name);
  cd_posix_path_clear(vm, &value);
  return result;
}
FUNCTION(posix, unsetenv, "unsetenv(name, /)", "Remove an environment variable.")
{
  PathArg name;
  if (!cd_posix_path(vm, "unsetenv", "name", args[0], 0, &name)) return NO_REF;
  int status = unsetenv(name.text), error = errno;
  cd_posix_path_clear(vm, &name);
  errno = error;
  return done_or_error(vm, status);
}
FUNCTION(posix, umask, "umask(mask, /)", "Set the file creation mask; the old one.")
{
  int mask;
  return cd_to_c_int(vm, args[0], &mask) ? cd_from_small(umask((mode_t)mask)) : NO_REF;
}
FUNCTION(posix, strerror, "strerror(code, /)", "Message of an error number.")
{
  int code;
  return cd_to_c_int(vm, args[0], &code) ? cd_str_from(vm, strerror(code)) : NO_REF;
}
FUNCTION(posix, uname, "uname()", "The system's name, version and machine.")
{
  struct utsname u;
  if (uname(&u) < 0) return cd_posix_error_plain(vm);
  const char *texts[5] = {u.sysname, u.nodename, u.release, u.version, u.machine};
  Ref items[5];
  bool ok = true;
  for (int i = 0; i < 5; i++) ok = (items[i] = cd_fs_decode(vm, texts[i], strlen(texts[i]))) && ok;
  Ref result = ok ? cd_struct_new(vm, posix_state(vm)->uname_result, (const Value *)items) : NO_REF;
  for (int i = 0; i < 5; i++) cd_drop(vm, items[i]);
  return result;
}
FUNCTION(posix, times, "times()", "User and system time of this process and its children, and the time that passed.")
{
  struct tms t;
  clock_t elapsed = times(&t);
  double ticks = (double)sysconf(_SC_CLK_TCK),
         seconds[5] = {(double)t.tms_utime, (double)t.tms_stime, (double)t.tms_cutime, (double)t.tms_cstime, (double)elapsed};
  Value items[5];
  if (elapsed == (clock_t)-1) return cd_posix_error_plain(vm);
  for (int i = 0; i < 5; i++)
    if (!(items[i] = cd_float_new(vm, seconds[i] / ticks))) return NO_REF;
  return cd_struct_new(vm, posix_state(vm)->times_result, items);
}
FUNCTION(posix, getloadavg, "getloadavg()", "Processes ready to run, on average over 1, 5 and 15 minutes.")
{
  double loads[3];
  if (getloadavg(loads, 3) != 3) return cd_raise(vm, vm->exc.OSError, "Load averages are unobtainable");
  return cd_tuple3_steal(vm, cd_float_new(vm, loads[0]), cd_float_new(vm, loads[1]), cd_float_new(vm, loads[2]));
}
FUNCTION(posix, cpu_count, "cpu_count()", "Processors of the machine; None if that is not known.")
{
  long n = sysconf(_SC_NPROCESSORS_ONLN);
  return n >= 1 ? cd_from_small(n) : cd_none();
}
FUNCTION(posix, nice, "nice(increment, /)", "Lower this process's priority; the new one.")
{
  int increment;
  if (!cd_to_c_int(vm, args[0], &increment)) return NO_REF;
  errno = 0;
  int value = nice(increment);
  return value == -1 && errno ? cd_posix_error_plain(vm) : cd_from_small(value);
}
FUNCTION(posix, getpriority, "getpriority(which, who)", "Scheduling priority of a process, group or user.")
{
  int which, who;
  if (!cd_to_c_int(vm, args[0], &which) || !cd_to_c_int(vm, args[1], &who)) return NO_REF;
  errno = 0;
  int value = getpriority((__priority_which_t)which, (id_t)who);
  return errno ? cd_posix_error_plain(vm) : cd_from_small(value);
}
FUNCTION(posix, setpriority, "setpriority(which, who, priority)", "Set a scheduling priority.")
{
  int which, who, priority;
  if (!cd_to_c_int(vm, args[0], &which) || !cd_to_c_int(vm, args[1], &who) || !cd_to_c_int(vm, args[2], &priority)) return NO_REF;
  return done_or_error(vm, setpriority((__priority_which_t)which, (id_t)who, priority));
}

// ---- scheduling ----

FUNCTION(posix, sched_yield, "sched_yield()", "Let other processes run.")
{
  return done_or_error(vm, sched_yield());
}
FUNCTION(posix, sched_get_priority_max, "sched_get_priority_max(policy)", "Highest priority of a scheduling policy.")
{
  int policy;
  return cd_to_c_int(vm, args[0], &policy) ? number_or_error(vm, sched_get_priority_max(policy)) : NO_REF;
}
FUNCTION(posix, sched_get_priority_min, "sched_get_priority_min(policy)", "Lowest priority of a scheduling policy.")
{
  int policy;
  return cd_to_c_int(vm, args[0], &policy) ? number_or_error(vm, sched_get_priority_min(policy)) : NO_REF;
}
FUNCTION(posix, sched_getscheduler, "sched_getscheduler(pid, /)", "Scheduling policy of a process.")
{
  int pid;
  return cd_to_c_int(vm, args[0], &pid) ? number_or_error(vm, sched_getscheduler(pid)) : NO_REF;
}
FUNCTION(posix, sched_getparam, "sched_getparam(pid, /)", "Scheduling parameters of a process.")
{
  int pid;
  struct sched_param param;
  if (!cd_to_c_int(vm, args[0], &pid)) return NO_REF;
  if (sched_getparam(pid, &param) < 0) return cd_posix_error_plain(vm);
  Value items[1] = {cd_from_small(param.sched_priority)};
  return cd_struct_new(vm, posix_state(vm)->sched_param, items);
}
static bool read_sched_param(VM *vm, Value v, struct sched_param *param)
{
  if (!cd_is_exact(v, posix_state(vm)->sched_param)) return cd_raise_type(vm, "must have a sched_param object");
  int64_t priority;
  if (!cd_posix_i64(vm, cd_tuple_item_borrow(v, 0), &priority)) return false;
  if (priority > INT_MAX || priority < INT_MIN) return cd_raise_overflow(vm, "sched_priority out of range");
  param->sched_priority = (int)priority;
  return true;
}
FUNCTION(posix, sched_setparam, "sched_setparam(pid, param, /)", "Set the scheduling parameters of a process.")
{
  int pid;
  struct sched_param param;
  return cd_to_c_int(vm, args[0], &pid) && read_sched_param(vm, args[1], &param) ? done_or_error(vm, sched_setparam(pid, &param)) : NO_REF;
}
FUNCTION(posix, sched_setscheduler, "sched_setscheduler(pid, policy, param, /)", "Set the scheduling policy of a process.")
{
  int pid, policy;
  struct sched_param param;
  if (!cd_to_c_int(vm, args[0], &pid) || !cd_to_c_int(vm, args[1], &policy) || !read_sched_param(vm, args[2], &param)) return NO_REF;
  return done_or_error(vm, sched_setscheduler(pid, policy, &param));
}
FUNCTION(posix, sched_rr_get_interval, "sched_rr_get_interval(pid, /)", "Time slice of a process under SCHED_RR, in seconds.")
{
  int pid;
  struct timespec t;
  if (!cd_to_c_int(vm, args[0], &pid)) return NO_REF;
  return sched_rr_get_interval(pid, &t) < 0 ? cd_posix_error_plain(vm) : cd_float_new(vm, (double)t.tv_sec + 1e-9 * (double)t.tv_nsec);
}
FUNCTION(posix, sched_getaffinity, "sched_getaffinity(pid, /)", "The set of processors that a process may use.")
{
  int pid;
  cpu_set_t cpus;
  if (!cd_to_c_int(vm, args[0], &pid)) return NO_REF;
  if (sched_getaffinity(pid, sizeof cpus, &cpus) < 0) return cd_posix_error_plain(vm);
  Ref list = cd_list_new(vm);
  for (int i = 0; list && i < CPU_SETSIZE; i++)
    if (CPU_ISSET(i, &cpus) && !cd_list_append_steal(vm, cd_as_list(list), cd_from_small(i))) cd_forget(vm, &list);
  Ref set = list ? cd_call1(vm, cd_type_value(vm->types.set), list) : NO_REF;
  cd_drop(vm, list);
  return set;
}
FUNCTION(posix, sched_setaffinity, "sched_setaffinity(pid, mask, /)", "Choose the processors that a process may use.")
{
  int pid;
  cpu_set_t cpus;
  CPU_ZERO(&cpus);
  if (!cd_to_c_int(vm, args[0], &pid)) return NO_REF;
  Ref iter = cd_iter(vm, args[1]), item;
  if (!iter) return NO_REF;
  Next next;
  while ((next = cd_next(vm, iter, &item)) == NEXT_ITEM) {
    int cpu;
    bool is_int = cd_is_int(item), ok = is_int && cd_to_c_int(vm, item, &cpu);
    if (!is_int) cd_raise_type(vm, "expected an iterator of ints, but iterator yielded %T", item);
    cd_drop(vm, item);
    if (ok && cpu < 0) ok = cd_raise_value(vm, "negative CPU number");
    if (ok && cpu >= CPU_SETSIZE) ok = cd_raise_overflow(vm, "CPU number too large");
    if (!ok) { next = NEXT_ERROR; break; }
    CPU_SET(cpu, &cpus);
  }
  cd_drop(vm, iter);
  return next == NEXT_ERROR ? NO_REF : done_or_error(vm, sched_setaffinity(pid, sizeof cpus, &cpus));
}

// ---- configuration ----

typedef struct ConfName { const char *name; int number; } ConfName;
#define CONF(name) {#name, _##name}
static const ConfName path_names[] = {
  CONF(PC_ASYNC_IO),          CONF(PC_CHOWN_RESTRICTED),  CONF(PC_FILESIZEBITS),   CONF(PC_LINK_MAX),
  CONF(PC_MAX_CANON),         CONF(PC_MAX_INPUT),         CONF(PC_NAME_MAX),       CONF(PC_NO_TRUNC),
  CONF(PC_PATH_MAX),          CONF(PC_PIPE_BUF),          CONF(PC_PRIO_IO),        CONF(PC_SOCK_MAXBUF),
  CONF(PC_SYNC_IO),           CONF(PC_VDISABLE),          CONF(PC_ALLOC_SIZE_MIN), CONF(PC_REC_INCR_XFER_SIZE),
  CONF(PC_REC_MAX_XFER_SIZE), CONF(PC_REC_MIN_XFER_SIZE), CONF(PC_REC_XFER_ALIGN), CONF(PC_SYMLINK_MAX)};
static const ConfName sys_names[] = {CONF(SC_2_CHAR_TERM),
                                     CONF(SC_2_C_BIND),
                                     CONF(SC_2_C_DEV),
                                     CONF(SC_2_FORT_DEV),
                                     CONF(SC_2_FORT_RUN),
                                     CONF(SC_2_LOCALEDEF),
                                     CONF(SC_2_SW_DEV),
                                     CONF(SC_2_UPE),
                                     CONF(SC_2_VERSION),
                                     CONF(SC_AIO_LISTIO_MAX),
                                     CONF(SC_AIO_MAX),
                                     CONF(SC_AIO_PRIO_DELTA_MAX),
                                     CONF(SC_ARG_MAX),
                                     CONF(SC_ASYNCHRONOUS_IO),
                                     CONF(SC_ATEXIT_MAX),
                                     CONF(SC_AVPHYS_PAGES),
                                     CONF(SC_BC_BASE_MAX),
                                     CONF(SC_BC_DIM_MAX),
                                     CONF(SC_BC_SCALE_MAX),
                                     CONF(SC_BC_STRING_MAX),
                                     CONF(SC_CHARCLASS_NAME_MAX),
                                     CONF(SC_CHAR_BIT),
                                     CONF(SC_CHAR_MAX),
                                     CONF(SC_CHAR_MIN),
                                     CONF(SC_CHILD_MAX),
                                     CONF(SC_CLK_TCK),
                                     CONF(SC_COLL_WEIGHTS_MAX),
                                     CONF(SC_DELAYTIMER_MAX),
                                     CONF(SC_EQUIV_CLASS_MAX),
                                     CONF(SC_EXPR_NEST_MAX),
                                     CONF(SC_FSYNC),
                                     CONF(SC_GETGR_R_SIZE_MAX),
                                     CONF(SC_GETPW_R_SIZE_MAX),
                                     CONF(SC_INT_MAX),
                                     CONF(SC_INT_MIN),
                                     CONF(SC_IOV_MAX),
                                     CONF(SC_JOB_CONTROL),
                                     CONF(SC_LINE_MAX),
                                     CONF(SC_LOGIN_NAME_MAX),
                                     CONF(SC_LONG_BIT),
                                     CONF(SC_MAPPED_FILES),
                                     CONF(SC_MB_LEN_MAX),
                                     CONF(SC_MEMLOCK),
                                     CONF(SC_MEMLOCK_RANGE),
                                     CONF(SC_MEMORY_PROTECTION),
                                     CONF(SC_MESSAGE_PASSING),
                                     CONF(SC_MINSIGSTKSZ),
                                     CONF(SC_MQ_OPEN_MAX),
                                     CONF(SC_MQ_PRIO_MAX),
                                     CONF(SC_NGROUPS_MAX),
                                     CONF(SC_NL_ARGMAX),
                                     CONF(SC_NL_LANGMAX),
                                     CONF(SC_NL_MSGMAX),
                                     CONF(SC_NL_NMAX),
                                     CONF(SC_NL_SETMAX),
                                     CONF(SC_NL_TEXTMAX),
                                     CONF(SC_NPROCESSORS_CONF),
                                     CONF(SC_NPROCESSORS_ONLN),
                                     CONF(SC_NZERO),
                                     CONF(SC_OPEN_MAX),
                                     CONF(SC_PAGESIZE),
                                     CONF(SC_PAGE_SIZE),
                                     CONF(SC_PASS_MAX),
                                     CONF(SC_PHYS_PAGES),
                                     CONF(SC_PII),
                                     CONF(SC_PII_INTERNET),
                                     CONF(SC_PII_INTERNET_DGRAM),
                                     CONF(SC_PII_INTERNET_STREAM),
                                     CONF(SC_PII_OSI),
                                     CONF(SC_PII_OSI_CLTS),
                                     CONF(SC_PII_OSI_COTS),
                                     CONF(SC_PII_OSI_M),
                                     CONF(SC_PII_SOCKET),
                                     CONF(SC_PII_XTI),
                                     CONF(SC_POLL),
                                     CONF(SC_PRIORITIZED_IO),
                                     CONF(SC_PRIORITY_SCHEDULING),
                                     CONF(SC_REALTIME_SIGNALS),
                                     CONF(SC_RE_DUP_MAX),
                                     CONF(SC_RTSIG_MAX),
                                     CONF(SC_SAVED_IDS),
                                     CONF(SC_SCHAR_MAX),
                                     CONF(SC_SCHAR_MIN),
                                     CONF(SC_SELECT),
                                     CONF(SC_SEMAPHORES),
                                     CONF(SC_SEM_NSEMS_MAX),
                                     CONF(SC_SEM_VALUE_MAX),
                                     CONF(SC_SHARED_MEMORY_OBJECTS),
                                     CONF(SC_SHRT_MAX),
                                     CONF(SC_SHRT_MIN),
                                     CONF(SC_SIGQUEUE_MAX),
                                     CONF(SC_SIGSTKSZ),
                                     CONF(SC_SSIZE_MAX),
                                     CONF(SC_STREAM_MAX),
                                     CONF(SC_SYNCHRONIZED_IO),
                                     CONF(SC_THREADS),
                                     CONF(SC_THREAD_ATTR_STACKADDR),
                                     CONF(SC_THREAD_ATTR_STACKSIZE),
                                     CONF(SC_THREAD_DESTRUCTOR_ITERATIONS),
                                     CONF(SC_THREAD_KEYS_MAX),
                                     CONF(SC_THREAD_PRIORITY_SCHEDULING),
                                     CONF(SC_THREAD_PRIO_INHERIT),
                                     CONF(SC_THREAD_PRIO_PROTECT),
                                     CONF(SC_THREAD_PROCESS_SHARED),
                                     CONF(SC_THREAD_SAFE_FUNCTIONS),
                                     CONF(SC_THREAD_STACK_MIN),
                                     CONF(SC_THREAD_THREADS_MAX),
                                     CONF(SC_TIMERS),
                                     CONF(SC_TIMER_MAX),
                                     CONF(SC_TTY_NAME_MAX),
                                     CONF(SC_TZNAME_MAX),
                                     CONF(SC_T_IOV_MAX),
                                     CONF(SC_UCHAR_MAX),
                                     CONF(SC_UINT_MAX),
                                     CONF(SC_UIO_MAXIOV),
                                     CONF(SC_ULONG_MAX),
                                     CONF(SC_USHRT_MAX),
                                     CONF(SC_VERSION),
                                     CONF(SC_WORD_BIT),
                                     CONF(SC_XBS5_ILP32_OFF32),
                                     CONF(SC_XBS5_ILP32_OFFBIG),
                                     CONF(SC_XBS5_LP64_OFF64),
                                     CONF(SC_XBS5_LPBIG_OFFBIG),
                                     CONF(SC_XOPEN_CRYPT),
                                     CONF(SC_XOPEN_ENH_I18N),
                                     CONF(SC_XOPEN_LEGACY),
                                     CONF(SC_XOPEN_REALTIME),
                                     CONF(SC_XOPEN_REALTIME_THREADS),
                                     CONF(SC_XOPEN_SHM),
                                     CONF(SC_XOPEN_UNIX),
                                     CONF(SC_XOPEN_VERSION),
                                     CONF(SC_XOPEN_XCU_VERSION),
                                     CONF(SC_XOPEN_XPG2),
                                     CONF(SC_XOPEN_XPG3),
                                     CONF(SC_XOPEN_XPG4)};
static const ConfName text_names[] = {CONF(CS_GNU_LIBC_VERSION),
                                      CONF(CS_GNU_LIBPTHREAD_VERSION),
                                      CONF(CS_LFS64_CFLAGS),
                                      CONF(CS_LFS64_LDFLAGS),
                                      CONF(CS_LFS64_LIBS),
                                      CONF(CS_LFS64_LINTFLAGS),
                                      CONF(CS_LFS_CFLAGS),
                                      CONF(CS_LFS_LDFLAGS),
                                      CONF(CS_LFS_LIBS),
                                      CONF(CS_LFS_LINTFLAGS),
                                      CONF(CS_PATH),
                                      CONF(CS_XBS5_ILP32_OFF32_CFLAGS),
                                      CONF(CS_XBS5_ILP32_OFF32_LDFLAGS),
                                      CONF(CS_XBS5_ILP32_OFF32_LIBS),
                                      CONF(CS_XBS5_ILP32_OFF32_LINTFLAGS),
                                      CONF(CS_XBS5_ILP32_OFFBIG_CFLAGS),
                                      CONF(CS_XBS5_ILP32_OFFBIG_LDFLAGS),
                                      CONF(CS_XBS5_ILP32_OFFBIG_LIBS),
                                      CONF(CS_XBS5_ILP32_OFFBIG_LINTFLAGS),
                                      CONF(CS_XBS5_LP64_OFF64_CFLAGS),
                                      CONF(CS_XBS5_LP64_OFF64_LDFLAGS),
                                      CONF(CS_XBS5_LP64_OFF64_LIBS),
                                      CONF(CS_XBS5_LP64_OFF64_LINTFLAGS),
                                      CONF(CS_XBS5_LPBIG_OFFBIG_CFLAGS),
                                      CONF(CS_XBS5_LPBIG_OFFBIG_LDFLAGS),
                                      CONF(CS_XBS5_LPBIG_OFFBIG_LIBS),
                                      CONF(CS_XBS5_LPBIG_OFFBIG_LINTFLAGS)};
#undef CONF

static bool conf_number(VM *vm, Value v, const ConfName *names, size_t count, int *out)
{
  if (cd_is_int(v)) return cd_to_c_int(vm, v, out);
  if (!cd_is_str(v)) return cd_raise_type(vm, "configuration names must be strings or integers");
  for (size_t i = 0; i < count; i++)
    if (cd_str_is(v, names[i].name)) {
      *out = names[i].number;
      return true;
    }
  return cd_raise_value(vm, "unrecognized configuration name");
}
static Ref conf_value(VM *vm, long value) { return value == -1 && errno ? cd_posix_error_plain(vm) : cd_int_from_i64(vm, value); }

FUNCTION(posix, sysconf, "sysconf(name, /)", "A number that the system is configured with.")
{
  int name;
  if (!conf_number(vm, args[0], sys_names, ARRAY_LEN(sys_names), &name)) return NO_REF;
  errno = 0;
  return conf_value(vm, sysconf(name));
}
FUNCTION(posix, pathconf, "pathconf(path, name)", "A limit of a file or folder.")
{
  PathArg path;
  int name;
  if (!conf_number(vm, args[1], path_names, ARRAY_LEN(path_names), &name) ||
      !cd_posix_path(vm, "pathconf", "path", args[0], PATH_ALLOW_FD, &path))
    return NO_REF;
  errno = 0;
  long value = path.bytes ? pathconf(path.text, name) : fpathconf(path.fd, name);
  Ref result = value == -1 && errno ? cd_posix_error(vm, &path) : cd_int_from_i64(vm, value);
  cd_posix_path_clear(vm, &path);
  return result;
}
FUNCTION(posix, fpathconf, "fpathconf(fd, name, /)", "A limit of an open file.")
{
  int fd, name;
  if (!cd_to_c_int(vm, args[0], &fd) || !conf_number(vm, args[1], path_names, ARRAY_LEN(path_names), &name)) return NO_REF;
  errno = 0;
  return conf_value(vm, fpathconf(fd, name));
}
FUNCTION(posix, confstr, "confstr(name, /)", "A text that the system is configured with, or None.")
{
  int name;
  char text[1024];
  if (!conf_number(vm, args[0], text_names, ARRAY_LEN(text_names), &name)) return NO_REF;
  errno = 0;
  size_t size = confstr(name, text, sizeof text);
  if (!size) return errno ? cd_posix_error_plain(vm) : cd_none();
  return cd_fs_decode(vm, text, (size < sizeof text ? size : sizeof text) - 1);
}

static bool add_conf_names(VM *vm, Value module, const char *attribute, const ConfName *names, size_t count)
{
  Ref dict = cd_dict_new(vm);
  bool ok = dict;
  for (size_t i = 0; ok && i < count; i++) ok = cd_dict_set_text(vm, dict, names[i].name, cd_from_small(names[i].number));
  if (ok) return cd_module_add(vm, module, attribute, dict);
  cd_drop(vm, dict);
  return false;
}
bool cd_posix_process_constants(VM *vm, Value module)
{
  return add_conf_names(vm, module, "pathconf_names", path_names, ARRAY_LEN(path_names)) &&
         add_conf_names(vm, module, "sysconf_names", sys_names, ARRAY_LEN(sys_names)) &&
         add_conf_names(vm, module, "confstr_names", text_names, ARRAY_LEN(text_names));
}

const MethodDef *const cd_posix_process_functions[] = {&posix_getpid_def,
                                                       &posix_getppid_def,
                                                       &posix_getuid_def,
                                                       &posix_geteuid_def,
                                                       &posix_getgid_def,
                                                       &posix_getegid_def,
                                                       &posix_getpgrp_def,
                                                       &posix_getpgid_def,
                                                       &posix_getsid_def,
                                                       &posix_setsid_def,
                                                       &posix_setpgrp_def,
                                                       &posix_setpgid_def,
                                                       &posix_setuid_def,
                                                       &posix_seteuid_def,
                                                       &posix_setgid_def,
                                                       &posix_setegid_def,
                                                       &posix_setreuid_def,
                                                       &posix_setregid_def,
                                                       &posix_setresuid_def,
                                                       &posix_setresgid_def,
                                                       &posix_getresuid_def,
                                                       &posix_getresgid_def,
                                                       &posix_getgroups_def,
                                                       &posix_setgroups_def,
                                                       &posix_getgrouplist_def,
                                                       &posix_initgroups_def,
                                                       &posix_getlogin_def,
                                                       &posix_kill_def,
                                                       &posix_killpg_def,
                                                       &posix_abort_def,
                                                       &posix__exit_def,
                                                       &posix_wait_def,
                                                       &posix_waitpid_def,
                                                       &posix_wait3_def,
                                                       &posix_wait4_def,
                                                       &posix_waitid_def,
                                                       &posix_WCOREDUMP_def,
                                                       &posix_WIFCONTINUED_def,
                                                       &posix_WIFSTOPPED_def,
                                                       &posix_WIFSIGNALED_def,
                                                       &posix_WIFEXITED_def,
                                                       &posix_WEXITSTATUS_def,
                                                       &posix_WTERMSIG_def,
                                                       &posix_WSTOPSIG_def,
                                                       &posix_waitstatus_to_exitcode_def,
                                                       &posix_pidfd_open_def,
                                                       &posix_register_at_fork_def,
                                                       &posix_fork_def,
                                                       &posix_forkpty_def,
                                                       &posix_execv_def,
                                                       &posix_execve_def,
                                                       &posix_posix_spawn_def,
                                                       &posix_posix_spawnp_def,
                                                       &posix_system_def,
                                                       &posix_putenv_def,
                                                       &posix_unsetenv_def,
                                                       &posix_umask_def,
                                                       &posix_strerror_def,
                                                       &posix_uname_def,
                                                       &posix_times_def,
                                                       &posix_getloadavg_def,
                                                       &posix_cpu_count_def,
                                                       &posix_nice_def,
                                                       &posix_getpriority_def,
                                                       &posix_setpriority_def,
                                                       &posix_sched_yield_def,
                                                       &posix_sched_get_priority_max_def,
                                                       &posix_sched_get_priority_min_def,
                                                       &posix_sched_getscheduler_def,
                                                       &posix_sched_getparam_def,
                                                       &posix_sched_setparam_def,
                                                       &posix_sched_setscheduler_def,
                                                       &posix_sched_rr_get_interval_def,
                                                       &posix_sched_getaffinity_def,
                                                       &posix_sched_setaffinity_def,
                                                       &posix_sysconf_def,
                                                       &posix_pathconf_def,
                                                       &posix_fpathconf_def,
                                                       &posix_confstr_def,
                                                       NULL};
