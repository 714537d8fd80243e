// SPDX-License-Identifier: MIT
// _multiprocessing.c: semaphores that processes share
#include "core/lock.h"
#include "modules/module_list.h"
#include "objects/dict.h"
#include "objects/int.h"
#include "objects/protocol.h"
#include "objects/str.h"
#include "objects/type.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <math.h>
#include <pthread.h>
#include <semaphore.h>
#include <time.h>

enum { SEM_RECURSIVE_MUTEX, SEM_SEMAPHORE };

typedef struct SemLock {
  Object head;
  sem_t *semaphore;
  Value name;                                    // owned str; NO_VALUE: unlinked already
  int kind, maxvalue;
  int count;                                     // acquisitions of this process that have not been released
  pthread_t holder;                              // valid while count > 0
} SemLock;

static inline SemLock *semlock_of(Value v) { return (SemLock *)cd_object(v); }

static Ref semlock_error(VM *vm) { return cd_raise_os(vm, errno, NO_VALUE, NO_VALUE); }

static bool semlock_is_mine(const SemLock *s) { return s->count > 0 && pthread_equal(s->holder, pthread_self()); }

// ---- life ----

static const char *semlock_name(VM *vm, Value v, const char *function, const char *position)
{
  if (!cd_is_str(v)) { cd_raise_arg_type(vm, function, position, "str", v); return NULL; }
  const char *text = cd_str_utf8(vm, v, NULL);
  if (text && strlen(text) != cd_str_size(v)) { cd_raise_value(vm, "embedded null character"); return NULL; }
  return text;
}

// Takes the semaphore over.
static Ref semlock_make(VM *vm, Type *type, sem_t *semaphore, int kind, int maxvalue, Value name)
{
  SemLock *s = cd_instance_new(vm, type);
  if (!s) { sem_close(semaphore); return NO_REF; }
  s->semaphore = semaphore;
  s->kind = kind;
  s->maxvalue = maxvalue;
  s->name = cd_dup(name);
  return cd_from_object(s);
}

static Ref semlock_new(VM *vm, Type *type, const Value *args, size_t nargs, Value kwnames)
{
  Value bound[5];
  Ref owned[2] = {NO_REF, NO_REF};
  int numbers[3];
  bool unlink;
  if (!cd_bind_text(vm, "SemLock(kind, value, maxvalue, name, unlink)", args, nargs, kwnames, bound, owned)) return NO_REF;
  for (int i = 0; i < 3; i++)
    if (!cd_to_c_int(vm, bound[i], &numbers[i])) return NO_REF;
  const char *name = semlock_name(vm, bound[3], "SemLock", "name");
  if (!name || !cd_truth(vm, bound[4], &unlink)) return NO_REF;
  if (numbers[0] != SEM_RECURSIVE_MUTEX && numbers[0] != SEM_SEMAPHORE) return cd_raise_value(vm, "unrecognized kind");
  sem_t *semaphore = sem_open(name, O_CREAT | O_EXCL, 0600, (unsigned)numbers[1]);
  if (semaphore == SEM_FAILED) return semlock_error(vm);
  if (unlink && sem_unlink(name) < 0) {
    Ref failed = semlock_error(vm);
    sem_close(semaphore);
    return failed;
  }
  return semlock_make(vm, type, semaphore, numbers[0], numbers[2], unlink ? NO_VALUE : bound[3]);
}

CLASS_METHOD(semlock, _rebuild, "_rebuild(type, handle, kind, maxvalue, name, /)", NULL)
{
  int kind, maxvalue;
  if (!cd_to_c_int(vm, args[1], &kind) || !cd_to_c_int(vm, args[2], &maxvalue)) return NO_REF;
  if (cd_is_none(args[3])) return cd_raise_value(vm, "a semaphore without a name cannot be opened again");
  const char *name = semlock_name(vm, args[3], "_rebuild", "4");
  if (!name) return NO_REF;
  sem_t *semaphore = sem_open(name, 0);
  return semaphore == SEM_FAILED ? semlock_error(vm) : semlock_make(vm, cd_as_type(self), semaphore, kind, maxvalue, args[3]);
}

static void semlock_release_slot(VM *vm, Object *self)
{
  SemLock *s = (SemLock *)self;
  if (s->semaphore) sem_close(s->semaphore);
  s->semaphore = NULL;
  cd_clear(vm, &s->name);
}

// ---- taking and giving back ----

// Absolute, by the clock that sem_timedwait() reads.
static struct timespec semlock_deadline(double seconds)
{
  struct timespec t;
  clock_gettime(CLOCK_REALTIME, &t);
  if (!(seconds > 0)) seconds = 0;
  if (seconds > 1e9) seconds = 1e9;
  t.tv_sec += (time_t)seconds;
  t.tv_nsec += (long)((seconds - floor(seconds)) * 1e9);
  t.tv_sec += t.tv_nsec / 1000000000;
  t.tv_nsec %= 1000000000;
  return t;
}

// True, False (not in time), or NO_REF.
static Ref semlock_wait(VM *vm, SemLock *s, bool block, const struct timespec *until)
{
  int status;
  do status = sem_trywait(s->semaphore);
  while (status < 0 && errno == EINTR);
  int error = errno;
  while (status < 0 && error == EAGAIN && block) {
    Thread *me = cd_unlock(vm);
    status = until ? sem_timedwait(s->semaphore, until) : sem_wait(s->semaphore);
    error = errno;
    cd_relock(vm, me);
    if (status == 0 || error != EINTR) break;
    if (!cd_poll(vm)) return NO_REF;
    error = EAGAIN;
  }
  if (status == 0) return cd_true();
  if (error == EAGAIN || error == ETIMEDOUT) return cd_false();
  errno = error;
  return semlock_error(vm);
}

static Ref semlock_take(VM *vm, Value self, bool block, Value timeout)
{
  SemLock *s = semlock_of(self);
  struct timespec until;
  double seconds = 0;
  bool timed = cd_bits(timeout) && !cd_is_none(timeout);
  if (s->kind == SEM_RECURSIVE_MUTEX && semlock_is_mine(s)) {
    s->count++;
    return cd_true();
  }
  if (timed && !cd_to_double(vm, timeout, &seconds)) return NO_REF;
  if (timed) until = semlock_deadline(seconds);
  Ref keep = cd_dup(self), taken = semlock_wait(vm, s, block, timed ? &until : NULL);
  if (taken && cd_is_true(taken)) {
    s->count++;
    s->holder = pthread_self();
  }
  cd_drop(vm, keep);
  return taken;
}

METHOD(semlock, acquire, "acquire(self, /, block=True, timeout=None)", "Take one; waits for it, if asked to. Whether there was one.")
{
  bool block = true;
  return cd_bits(args[0]) && !cd_truth(vm, args[0], &block) ? NO_REF : semlock_take(vm, self, block, args[1]);
}

METHOD(semlock, release, "release(self, /)", "Give one back.")
{
  SemLock *s = semlock_of(self);
  if (s->kind == SEM_RECURSIVE_MUTEX) {
    if (!semlock_is_mine(s)) return cd_raise(vm, vm->exc.AssertionError, "attempt to release recursive lock not owned by thread");
    if (s->count > 1) {
      s->count--;
      return cd_none();
    }
  } else {
    int value;
    if (sem_getvalue(s->semaphore, &value) < 0) return semlock_error(vm);
    if (value >= s->maxvalue) return cd_raise_value(vm, "semaphore or lock released too many times");
  }
  if (sem_post(s->semaphore) < 0) return semlock_error(vm);
  s->count--;
  return cd_none();
}

METHOD_DEF_(semlock_enter, "__enter__", "__enter__(self, /)", "Take one.", 0) { return semlock_take(vm, self, true, NO_VALUE); }

METHOD_DEF_(semlock_exit, "__exit__", "__exit__(self, exc_type=None, exc_value=None, exc_tb=None, /)", "Give one back.", 0)
{
  return semlock_release(vm, self, NULL);
}

// ---- what is known ----

METHOD_DEF_(semlock_get_count, "_count", "_count(self, /)", "How many this process took and has not given back.", 0)
{
  return cd_from_small(semlock_of(self)->count);
}

METHOD_DEF_(semlock_mine, "_is_mine", "_is_mine(self, /)", "Whether this thread holds the lock.", 0)
{
  return cd_bool(semlock_is_mine(semlock_of(self)));
}

METHOD_DEF_(semlock_value, "_get_value", "_get_value(self, /)", "How many there are to take.", 0)
{
  int value;
  if (sem_getvalue(semlock_of(self)->semaphore, &value) < 0) return semlock_error(vm);
  return cd_from_small(value < 0 ? 0 : value);
}

METHOD_DEF_(semlock_zero, "_is_zero", "_is_zero(self, /)", "Whether there is none to take.", 0)
{
  int value;
  return sem_getvalue(semlock_of(self)->semaphore, &value) < 0 ? semlock_error(vm) : cd_bool(value == 0);
}

METHOD_DEF_(semlock_after_fork, "_after_fork", "_after_fork(self, /)", "In a forked child: what the parent holds it does not.", 0)
{
  semlock_of(self)->count = 0;
  return cd_none();
}

static Ref semlock_get_handle(VM *vm, Value self) { return cd_int_from_u64(vm, (uint64_t)(uintptr_t)semlock_of(self)->semaphore); }

static const MethodDef *const semlock_methods[] = {
  &semlock_acquire_def, &semlock_release_def, &semlock_get_count_def, &semlock_mine_def, &semlock_value_def, &semlock_zero_def,
  &semlock__rebuild_def, &semlock_after_fork_def, &semlock_enter_def, &semlock_exit_def, NULL,
};
static const MemberDef semlock_members[] = {
  {"kind", offsetof(SemLock, kind), MEMBER_I32, false, ""},
  {"maxvalue", offsetof(SemLock, maxvalue), MEMBER_I32, false, ""},
  {"name", offsetof(SemLock, name), MEMBER_VALUE_OR_NONE, false, ""},
  {0},
};
static const GetSetDef semlock_getset[] = {{"handle", "", semlock_get_handle, NULL}, {0}};

static const TypeSpec semlock_spec = {
  .name = "_multiprocessing.SemLock",
  .doc = "A semaphore, or a lock, of several processes",
  .basicsize = sizeof(SemLock),
  .flags = TYPE_BASE | TYPE_IMMUTABLE,
  .methods = semlock_methods,
  .members = semlock_members,
  .getset = semlock_getset,
  .slots = {.new_ = semlock_new, .release = semlock_release_slot},
};

// ---- the module ----

FUNCTION(_multiprocessing, sem_unlink, "sem_unlink(name, /)", "Remove a semaphore's name.")
{
  const char *name = semlock_name(vm, args[0], "sem_unlink", "");
  if (!name) return NO_REF;
  return sem_unlink(name) < 0 ? semlock_error(vm) : cd_none();
}

static bool multiprocessing_exec(VM *vm, Value module)
{
  Ref flags = cd_dict_new(vm);
  if (!flags || !cd_dict_set_text(vm, flags, "HAVE_SEM_OPEN", cd_from_small(1)) ||
      !cd_dict_set_text(vm, flags, "HAVE_SEM_TIMEDWAIT", cd_from_small(1))) {
    cd_drop(vm, flags);
    return false;
  }
  if (!cd_module_add(vm, module, "flags", flags)) return false;
  Type *type = cd_module_add_type(vm, module, &semlock_spec, NO_VALUE);
  Ref name = type ? cd_intern(vm, "SEM_VALUE_MAX") : NO_REF;
  bool ok = name && cd_type_set_attr(vm, type, name, cd_from_small(SEM_VALUE_MAX));
  cd_drop(vm, name);
  return ok;
}

static const MethodDef *const multiprocessing_functions[] = {&_multiprocessing_sem_unlink_def, NULL};

const ModuleDef cd_module__multiprocessing = {
  .name = "_multiprocessing", .functions = multiprocessing_functions, .exec = multiprocessing_exec};
