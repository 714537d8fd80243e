// SPDX-License-Identifier: MIT
// _posixsubprocess.c: starting a program in a child process; what subprocess.Popen needs
#include "modules/posix.h"

#include <dirent.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

// Everything the child needs, made before the fork: between vfork() and exec the child may only make system calls.
typedef struct SpawnPlan {
  char **argv, **envp, **programs;               // NULL-terminated; texts are owned by `held`
  size_t argv_room, envp_room, program_room;
  Ref held;                                      // list of bytes
  Ref folder;                                    // bytes or NO_REF
  int *keep;                                     // sorted
  size_t keep_count;
  int in_read, in_write, out_read, out_write, error_read, error_write, report_read, report_write;
  bool close_fds, restore_signals, new_session, set_uid, set_gid, set_groups;
  int group;                                     // process group, -1: leave
  int umask;                                     // -1: leave
  uid_t uid;
  gid_t gid, *groups;
  size_t group_count;
  Value before_exec;                             // callable or NO_VALUE, borrowed
} SpawnPlan;

// ---- arguments ----

static char **spawn_texts(VM *vm, SpawnPlan *plan, Value sequence, const char *what, size_t *room)
{
  Ref list = cd_list_from(vm, sequence);
  if (!list) {
    if (what && cd_swallow(vm, vm->exc.TypeError)) cd_raise_type(vm, "%s", what);
    return NULL;
  }
  *room = cd_list_size(list) + 1;
  char **texts = cd_alloc_array(vm, *room, sizeof *texts);
  for (size_t i = 0; texts && i + 1 < *room; i++) {
    if (i >= cd_list_size(list)) { cd_raise_runtime(vm, "args changed during iteration"); goto fail; }
    Ref item = cd_dup(cd_list_item_borrow(list, i)), bytes = cd_fs_encode(vm, item);
    cd_drop(vm, item);
    if (!bytes) goto fail;
    texts[i] = cd_bytes_data(bytes);
    texts[i + 1] = NULL;
    if (!cd_list_append_steal(vm, cd_as_list(plan->held), bytes)) goto fail;
  }
  if (texts && *room == 1) texts[0] = NULL;
  cd_drop(vm, list);
  return texts;
fail:
  cd_free(vm, texts, *room * sizeof *texts);
  cd_drop(vm, list);
  return NULL;
}

static bool spawn_keep(VM *vm, SpawnPlan *plan, Value tuple)
{
  if (!cd_is_tuple(tuple)) return cd_raise_type(vm, "fork_exec() argument 4 must be tuple, not %T", tuple);
  plan->keep_count = cd_tuple_size(tuple);
  if (!(plan->keep = cd_alloc_array(vm, plan->keep_count, sizeof(int)))) return false;
  int64_t previous = -1;
  for (size_t i = 0; i < plan->keep_count; i++) {
    int64_t fd;
    Value item = cd_tuple_item_borrow(tuple, i);
    if (!cd_is_int(item) || !cd_int_fits_i64(item, &fd) || fd < 0 || fd <= previous || fd > INT32_MAX)
      return cd_raise_value(vm, "bad value(s) in fds_to_keep");
    plan->keep[i] = (int)fd;
    previous = fd;
  }
  return true;
}

static bool spawn_groups(VM *vm, SpawnPlan *plan, Value list)
{
  if (cd_is_none(list)) return true;
  if (!cd_is_list(list)) return cd_raise_type(vm, "setgroups argument must be a list");
  plan->group_count = cd_list_size(list);
  if (plan->group_count > 65536) return cd_raise_value(vm, "too many extra_groups");
  plan->set_groups = true;
  if (!(plan->groups = cd_alloc_array(vm, plan->group_count, sizeof(gid_t)))) return false;
  for (size_t i = 0; i < plan->group_count; i++) {
    uint32_t gid;
    Value item = cd_list_item_borrow(list, i);
    if (!cd_is_int(item)) return cd_raise_type(vm, "groups must be integers");
    if (!cd_posix_id(vm, item, "gid", &gid))
      return cd_swallow(vm, vm->exc.OverflowError) ? (bool)cd_raise_value(vm, "invalid group id") : false;
    plan->groups[i] = gid;
  }
  return true;
}

static void spawn_plan_clear(VM *vm, SpawnPlan *plan)
{
  cd_free(vm, plan->argv, plan->argv_room * sizeof(char *));
  cd_free(vm, plan->envp, plan->envp_room * sizeof(char *));
  cd_free(vm, plan->programs, plan->program_room * sizeof(char *));
  cd_free(vm, plan->keep, plan->keep_count * sizeof(int));
  cd_free(vm, plan->groups, plan->group_count * sizeof(gid_t));
  cd_drop(vm, plan->held);
  cd_drop(vm, plan->folder);
}

static bool spawn_ints(VM *vm, SpawnPlan *plan, const Value *args)
{
  int *const fds[] = {&plan->in_read,    &plan->in_write,    &plan->out_read,    &plan->out_write,
                      &plan->error_read, &plan->error_write, &plan->report_read, &plan->report_write};
  for (size_t i = 0; i < ARRAY_LEN(fds); i++)
    if (!cd_to_c_int(vm, args[6 + i], fds[i])) return false;
  uint32_t id;
  if (!cd_to_c_int(vm, args[16], &plan->group) || !cd_to_c_int(vm, args[20], &plan->umask)) return false;
  if (!cd_is_none(args[17])) {
    if (!cd_posix_id(vm, args[17], "gid", &id)) return false;
    plan->gid = id;
    plan->set_gid = true;
  }
  if (!cd_is_none(args[19])) {
    if (!cd_posix_id(vm, args[19], "uid", &id)) return false;
    plan->uid = id;
    plan->set_uid = true;
  }
  return cd_truth(vm, args[2], &plan->close_fds) && cd_truth(vm, args[14], &plan->restore_signals) &&
         cd_truth(vm, args[15], &plan->new_session);
}

static bool spawn_plan(VM *vm, SpawnPlan *plan, const Value *args)
{
  if (!(plan->held = cd_list_new(vm)) || !spawn_ints(vm, plan, args) || !spawn_keep(vm, plan, args[3])) return false;
  if (plan->close_fds && plan->report_write < 3) return cd_raise_value(vm, "errpipe_write must be >= 3");
  if (!(plan->argv = spawn_texts(vm, plan, args[0], "expected a sequence of arguments", &plan->argv_room))) return false;
  if (!(plan->programs = spawn_texts(vm, plan, args[1], NULL, &plan->program_room))) return false;
  if (!cd_is_none(args[5]) && !(plan->envp = spawn_texts(vm, plan, args[5], NULL, &plan->envp_room))) return false;
  if (!cd_is_none(args[4]) && !(plan->folder = cd_fs_encode(vm, args[4]))) return false;
  if (!cd_is_none(args[21])) plan->before_exec = args[21];
  return spawn_groups(vm, plan, args[18]);
}

// ---- the child; no memory is taken and nothing of Python is touched but by before_exec ----

static bool spawn_inherit(int fd)
{
  int flags = fcntl(fd, F_GETFD);
  return flags >= 0 && fcntl(fd, F_SETFD, flags & ~FD_CLOEXEC) >= 0;
}

// Puts `fd` in the place of a standard stream.
static bool spawn_place(int fd, int target)
{
  if (fd == -1) return true;
  return fd == target ? spawn_inherit(fd) : dup2(fd, target) >= 0;
}

static void spawn_close_range(int first, int last)
{
  if (first > last) return;
#ifdef SYS_close_range
  if (syscall(SYS_close_range, (unsigned)first, (unsigned)last, 0) == 0) return;
#endif
  long limit = sysconf(_SC_OPEN_MAX);
  if (limit < 0) limit = 1024;
  for (int fd = first; fd <= last && fd < limit; fd++) close(fd);
}

static void spawn_close_others(const SpawnPlan *plan)
{
  int next = 3;
  for (size_t i = 0; i < plan->keep_count; i++) {
    if (plan->keep[i] < next) continue;
    spawn_close_range(next, plan->keep[i] - 1);
    next = plan->keep[i] + 1;
  }
  spawn_close_range(next, INT32_MAX);
}

static bool spawn_streams(SpawnPlan *plan)
{
  for (size_t i = 0; i < plan->keep_count; i++)
    if (plan->keep[i] != plan->report_write && !spawn_inherit(plan->keep[i])) return false;
  const int parents[] = {plan->in_write, plan->out_read, plan->error_read};
  for (size_t i = 0; i < ARRAY_LEN(parents); i++)
    if (parents[i] != -1 && close(parents[i]) < 0) return false;
  // Low numbers would be overwritten by the streams placed before them.
  if (plan->out_write == 0 && (plan->out_write = dup(0)) < 0) return false;
  while (plan->error_write == 0 || plan->error_write == 1)
    if ((plan->error_write = dup(plan->error_write)) < 0) return false;
  return spawn_place(plan->in_read, 0) && spawn_place(plan->out_write, 1) && spawn_place(plan->error_write, 2);
}

static bool spawn_identity(const SpawnPlan *plan)
{
  if (plan->folder && chdir(cd_bytes_data(plan->folder)) < 0) return false;
  if (plan->umask >= 0) umask((mode_t)plan->umask);
  if (plan->restore_signals) {
    signal(SIGPIPE, SIG_DFL);
    signal(SIGXFSZ, SIG_DFL);
  }
  if (plan->new_session && setsid() < 0) return false;
  if (plan->group >= 0 && setpgid(0, plan->group) < 0) return false;
  // The system calls themselves: libc's functions would talk to the parent's other threads.
  if (plan->set_groups && syscall(SYS_setgroups, plan->group_count, plan->groups) < 0) return false;
  if (plan->set_gid && syscall(SYS_setregid, plan->gid, plan->gid) < 0) return false;
  return !plan->set_uid || syscall(SYS_setreuid, plan->uid, plan->uid) >= 0;
}

// "Exception:hex errno:message" is what subprocess reads.
static void spawn_report(int fd, int error, bool reached_exec, const char *message)
{
  char text[128];
  int size;
  if (error) size = snprintf(text, sizeof text, "OSError:%x:%s", (unsigned)error, reached_exec ? "" : "noexec");
  else size = snprintf(text, sizeof text, "SubprocessError:0:%s", message);
  for (const char *p = text; size > 0;) {
    ssize_t n = write(fd, p, (size_t)size);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return;
    p += n;
    size -= (int)n;
  }
}

static void spawn_child(VM *vm, SpawnPlan *plan, const sigset_t *signals)
{
  bool reached_exec = false;
  int saved = 0;
  if (!spawn_streams(plan)) goto failed;
  if (signals) {
    // Signals stay blocked under vfork() until the handlers, which are the parent's, are gone.
    for (int number = 1; number < NSIG; number++) {
      struct sigaction action;
      if (sigaction(number, NULL, &action) == 0 && action.sa_handler != SIG_DFL && action.sa_handler != SIG_IGN) signal(number, SIG_DFL);
    }
    pthread_sigmask(SIG_SETMASK, signals, NULL);
  }
  if (!spawn_identity(plan)) goto failed;
  reached_exec = true;
  if (cd_bits(plan->before_exec)) {
    Ref result = cd_call0(vm, plan->before_exec);
    if (!result) { spawn_report(plan->report_write, 0, true, "Exception occurred in preexec_fn."); return; }
    cd_drop(vm, result);
  }
  if (plan->close_fds) spawn_close_others(plan);
  for (char **program = plan->programs; *program; program++) {
    if (plan->envp) execve(*program, plan->argv, plan->envp);
    else execv(*program, plan->argv);
    if (errno != ENOENT && errno != ENOTDIR && !saved) saved = errno;
  }
failed:
  spawn_report(plan->report_write, saved ? saved : errno, reached_exec, "");
}

// ---- the parent ----

static pid_t spawn_vfork(VM *vm, SpawnPlan *plan)
{
  sigset_t all, old;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, &old);
  pid_t pid = vfork();
  if (pid == 0) {
    spawn_child(vm, plan, &old);
    _exit(255);
  }
  int error = errno;
  pthread_sigmask(SIG_SETMASK, &old, NULL);
  errno = error;
  return pid;
}

static pid_t spawn_fork(VM *vm, SpawnPlan *plan)
{
  bool hooks = cd_bits(plan->before_exec) != 0;  // Python code runs in the child only then
  if (hooks && !cd_posix_before_fork(vm)) return -1;
  pid_t pid = fork();
  if (pid == 0) {
    if (hooks) cd_posix_after_fork_child(vm);
    spawn_child(vm, plan, NULL);
    _exit(255);
  }
  int error = errno;
  if (hooks) cd_posix_after_fork_parent(vm);
  errno = error;
  return pid;
}

METHOD_DEF_RAW_(posixsubprocess_fork_exec, "fork_exec", "fork_exec()",
                "fork_exec(args, executable_list, close_fds, pass_fds, cwd, env,\n          p2cread, p2cwrite, c2pread, c2pwrite,\n        "
                "  errread, errwrite, errpipe_read, errpipe_write,\n"
                "          restore_signals, call_setsid, pgid_to_set,\n          gid, groups_list, uid, umask, preexec_fn, allow_vfork)\n\n"
                "Start a program in a child process and return its id. Errors of the child are written to\nerrpipe_write.",
                METHOD_NO_SIGNATURE)
{
  enum { COUNT = 23 };
  if (!cd_no_keywords(vm, "fork_exec", kwnames)) return NO_REF;
  if (nargs != COUNT) return cd_raise_type(vm, "fork_exec() takes exactly %d arguments (%zu given)", COUNT, nargs);
  SpawnPlan plan = {.group = -1, .umask = -1};
  bool allow_vfork = false;
  Ref result = NO_REF;
  if (spawn_plan(vm, &plan, args) && cd_truth(vm, args[22], &allow_vfork)) {
    bool simple = allow_vfork && !cd_bits(plan.before_exec) && !plan.set_uid && !plan.set_gid && !plan.set_groups;
    pid_t pid = simple ? spawn_vfork(vm, &plan) : spawn_fork(vm, &plan);
    result = pid < 0 ? cd_posix_error_plain(vm) : cd_from_small(pid);
  }
  spawn_plan_clear(vm, &plan);
  return result;
}

static const MethodDef *const posixsubprocess_functions[] = {&posixsubprocess_fork_exec_def, NULL};

const ModuleDef cd_module__posixsubprocess = {
  .name = "_posixsubprocess",
  .doc = "Starting programs; what subprocess needs.",
  .functions = posixsubprocess_functions,
};
