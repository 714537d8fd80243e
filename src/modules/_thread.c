// SPDX-License-Identifier: MIT
// _thread.c: threads, locks and thread-local data (library reference, "_thread")
#include "modules/import_fast.h"
#include "modules/module_list.h"
#include "modules/signals.h"
#include "modules/sys.h"
#include "modules/wait.h"

#include "core/lock.h"
#include "objects/dict.h"
#include "objects/exception.h"
#include "objects/float.h"
#include "objects/function.h"
#include "objects/int.h"
#include "objects/protocol.h"
#include "objects/str.h"
#include "objects/tuple.h"
#include "objects/type.h"
#include "objects/weakref.h"
#include "vm/vm_api.h"

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define TIMEOUT_MAX_SECONDS 9223372036.0
#define STACK_SIZE_DEFAULT ((size_t)8 << 20)
#define STACK_MARGIN ((size_t)128 << 10)         // left for native code below the limit

typedef struct ThreadState {
  Type *lock, *rlock, *local, *hook_args;
  size_t stack_size;                             // of new threads; 0: default
  int64_t count;                                 // threads started here and still running
  struct Local *locals;                          // all _local objects
} ThreadState;

static inline ThreadState *thread_state(VM *vm) { return cd_state(vm, MODULE__thread); }

// ---- waiting ----

static int64_t now_ns(void)
{
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

WaitResult cd_wait_semaphore(VM *vm, sem_t *semaphore, int64_t timeout)
{
  if (sem_trywait(semaphore) == 0) return WAIT_DONE;
  if (timeout == 0) return WAIT_TIMEOUT;
  int64_t end = timeout < 0 ? 0 : now_ns() + timeout;
  if (timeout > 0 && end < 0) timeout = -1;
  struct timespec until = {end / 1000000000, end % 1000000000};
  for (;;) {
    Thread *me = cd_unlock(vm);
    int status = timeout < 0 ? sem_wait(semaphore) : sem_clockwait(semaphore, CLOCK_MONOTONIC, &until);
    int error = errno;
    cd_relock(vm, me);
    if (status == 0) return WAIT_DONE;
    if (error == ETIMEDOUT) return WAIT_TIMEOUT;
    if (!cd_poll(vm)) return WAIT_FAILED;
  }
}

// acquire(blocking=True, timeout=-1) -> ns; 0 does not wait, -1 waits for ever
static bool acquire_timeout(VM *vm, Value blocking_value, Value timeout_value, int64_t *out)
{
  bool blocking = true;
  double timeout = -1;
  if (blocking_value && !cd_truth(vm, blocking_value, &blocking)) return false;
  if (timeout_value && !cd_to_double(vm, timeout_value, &timeout)) return false;
  if (isnan(timeout)) return cd_raise_value(vm, "Invalid value NaN (not a number)");
  if (!blocking && timeout != -1) return cd_raise_value(vm, "can't specify a timeout for a non-blocking call");
  if (timeout < 0 && timeout != -1) return cd_raise_value(vm, "timeout value must be a non-negative number");
  if (timeout > TIMEOUT_MAX_SECONDS) return cd_raise_overflow(vm, "timeout value is too large");
  *out = !blocking ? 0 : timeout < 0 ? -1 : (int64_t)ceil(timeout * 1e9);
  return true;
}

// ---- lock ----

typedef struct Lock {
  Object head;
  Weakref *weaklist;
  sem_t semaphore;                               // 1: free
  bool locked;
} Lock;

static Lock *as_lock(Value self) { return (Lock *)cd_object(self); }

static Ref lock_make(VM *vm)
{
  Lock *lock = cd_object_new(vm, thread_state(vm)->lock, sizeof *lock);
  if (lock) sem_init(&lock->semaphore, 0, 1);
  return cd_from_object(lock);
}
static void lock_release_object(VM *vm, Object *self) { sem_destroy(&((Lock *)self)->semaphore); }

static Ref lock_take(VM *vm, Lock *lock, Value blocking, Value timeout_value)
{
  int64_t timeout;
  if (!acquire_timeout(vm, blocking, timeout_value, &timeout)) return NO_REF;
  Ref keep = cd_dup_object(lock);
  WaitResult result = cd_wait_semaphore(vm, &lock->semaphore, timeout);
  if (result == WAIT_DONE) lock->locked = true;
  cd_drop(vm, keep);
  return result == WAIT_FAILED ? NO_REF : cd_bool(result == WAIT_DONE);
}
static Ref lock_give(VM *vm, Lock *lock)
{
  if (!lock->locked) return cd_raise_runtime(vm, "release unlocked lock");
  lock->locked = false;
  sem_post(&lock->semaphore);
  return cd_none();
}

METHOD(lock, acquire, "acquire(self, blocking=True, timeout=-1)",
       "Lock; waits until that is possible, or timeout seconds, or not at all. True if it was locked.")
{
  return lock_take(vm, as_lock(self), args[0], args[1]);
}
METHOD(lock, acquire_lock, "acquire_lock(self, blocking=True, timeout=-1)", "An old name of acquire().")
{
  return lock_take(vm, as_lock(self), args[0], args[1]);
}
METHOD(lock, release, "release(self, /)", "Unlock; any thread may.")
{
  return lock_give(vm, as_lock(self));
}
METHOD(lock, release_lock, "release_lock(self, /)", "An old name of release().")
{
  return lock_give(vm, as_lock(self));
}
METHOD(lock, locked, "locked(self, /)", "Is it locked?")
{
  return cd_bool(as_lock(self)->locked);
}
METHOD(lock, locked_lock, "locked_lock(self, /)", "An old name of locked().")
{
  return cd_bool(as_lock(self)->locked);
}
METHOD(lock, __enter__, "__enter__(self, /)", "Lock.")
{
  return lock_take(vm, as_lock(self), NO_VALUE, NO_VALUE);
}
METHOD_RAW(lock, __exit__, "__exit__(self, /, *exc)", "Unlock.")
{
  return lock_give(vm, as_lock(self));
}
METHOD(lock, _at_fork_reinit, "_at_fork_reinit(self, /)", "A new, free lock in place of this; for the child after fork().")
{
  sem_init(&as_lock(self)->semaphore, 0, 1);
  as_lock(self)->locked = false;
  return cd_none();
}
static Ref lock_repr(VM *vm, Value self)
{
  Ref name = cd_type_qualified_name(vm, cd_object(self)->type);
  Ref text = name ? cd_str_format(vm, "<%s %U object at 0x%llx>", as_lock(self)->locked ? "locked" : "unlocked", name,
                                  (long long)cd_bits(self))
                  : NO_REF;
  cd_drop(vm, name);
  return text;
}
static const MethodDef *const lock_methods[] = {
  &lock_acquire_def,     &lock_acquire_lock_def, &lock_release_def,  &lock_release_lock_def,    &lock_locked_def,
  &lock_locked_lock_def, &lock___enter___def,    &lock___exit___def, &lock__at_fork_reinit_def, NULL};
static const TypeSpec lock_spec = {.name = "_thread.lock",
                                   .doc = "A lock that one thread at a time can hold. Made by allocate_lock().",
                                   .basicsize = sizeof(Lock),
                                   .flags = TYPE_HAS_WEAKREFS | TYPE_NO_NEW,
                                   .weaklist_offset = offsetof(Lock, weaklist),
                                   .methods = lock_methods,
                                   .slots = {.repr = lock_repr, .release = lock_release_object}};

// ---- RLock ----

typedef struct ReentrantLock {
  Object head;
  Weakref *weaklist;
  sem_t semaphore;
  uint64_t owner;                                // ident; 0: free
  int64_t count;
} ReentrantLock;

static ReentrantLock *as_rlock(Value self) { return (ReentrantLock *)cd_object(self); }

static Ref rlock_new(VM *vm, Type *type, const Value *args, size_t nargs, Value kwnames)
{
  ReentrantLock *lock = cd_instance_new(vm, type);
  if (lock) sem_init(&lock->semaphore, 0, 1);
  return cd_from_object(lock);
}
static void rlock_release_object(VM *vm, Object *self) { sem_destroy(&((ReentrantLock *)self)->semaphore); }

static Ref rlock_take(VM *vm, ReentrantLock *lock, Value blocking, Value timeout_value)
{
  int64_t timeout;
  if (!acquire_timeout(vm, blocking, timeout_value, &timeout)) return NO_REF;
  if (lock->owner == vm->thread->ident) {
    lock->count++;
    return cd_true();
  }
  Ref keep = cd_dup_object(lock);
  WaitResult result = cd_wait_semaphore(vm, &lock->semaphore, timeout);
  if (result == WAIT_DONE) {
    lock->owner = vm->thread->ident;
    lock->count = 1;
  }
  cd_drop(vm, keep);
  return result == WAIT_FAILED ? NO_REF : cd_bool(result == WAIT_DONE);
}
static Ref rlock_give(VM *vm, ReentrantLock *lock)
{
  if (!lock->count || lock->owner != vm->thread->ident) return cd_raise_runtime(vm, "cannot release un-acquired lock");
  if (--lock->count == 0) {
    lock->owner = 0;
    sem_post(&lock->semaphore);
  }
  return cd_none();
}
METHOD(rlock, acquire, "acquire(self, blocking=True, timeout=-1)", "Lock, once more if this thread holds it already.")
{
  return rlock_take(vm, as_rlock(self), args[0], args[1]);
}
METHOD(rlock, release, "release(self, /)", "Unlock once; only the thread that holds it may.")
{
  return rlock_give(vm, as_rlock(self));
}
METHOD(rlock, __enter__, "__enter__(self, /)", "Lock.")
{
  return rlock_take(vm, as_rlock(self), NO_VALUE, NO_VALUE);
}
METHOD_RAW(rlock, __exit__, "__exit__(self, /, *exc)", "Unlock.")
{
  return rlock_give(vm, as_rlock(self));
}
METHOD(rlock, _is_owned, "_is_owned(self, /)", "Does this thread hold it?")
{
  return cd_bool(as_rlock(self)->count && as_rlock(self)->owner == vm->thread->ident);
}
METHOD(rlock, _release_save, "_release_save(self, /)", "Unlock wholly; what _acquire_restore() needs. For Condition.")
{
  ReentrantLock *lock = as_rlock(self);
  if (!lock->count) return cd_raise_runtime(vm, "cannot release un-acquired lock");
  Ref state = cd_tuple2_steal(vm, cd_int_from_i64(vm, lock->count), cd_int_from_u64(vm, lock->owner));
  if (!state) return NO_REF;
  lock->count = 0;
  lock->owner = 0;
  sem_post(&lock->semaphore);
  return state;
}
METHOD(rlock, _acquire_restore, "_acquire_restore(self, state, /)", "Lock as it was. For Condition.")
{
  ReentrantLock *lock = as_rlock(self);
  int64_t count;
  uint64_t owner;
  if (!cd_is_tuple(args[0]) || cd_tuple_size(args[0]) != 2 || !cd_is_int(cd_tuple_item_borrow(args[0], 1)) ||
      !cd_int_fits_u64(cd_tuple_item_borrow(args[0], 1), &owner))
    return cd_raise_type(vm, "_acquire_restore() argument 1 must be (count, owner)");
  if (!cd_to_i64(vm, cd_tuple_item_borrow(args[0], 0), &count, vm->exc.OverflowError)) return NO_REF;
  WaitResult result;
  while ((result = cd_wait_semaphore(vm, &lock->semaphore, -1)) == WAIT_FAILED) {
    // A signal handler raised, but the caller must hold the lock when it goes on: keep the exception and wait on.
    Ref error = cd_take_raised(vm);
    result = cd_wait_semaphore(vm, &lock->semaphore, -1);
    cd_restore_raised(vm, error);
    if (result == WAIT_DONE) break;
  }
  lock->owner = owner;
  lock->count = count;
  return cd_raised(vm) ? NO_REF : cd_none();
}
METHOD(rlock, _at_fork_reinit, "_at_fork_reinit(self, /)", "A new, free lock in place of this; for the child after fork().")
{
  sem_init(&as_rlock(self)->semaphore, 0, 1);
  as_rlock(self)->count = 0;
  as_rlock(self)->owner = 0;
  return cd_none();
}
static Ref rlock_repr(VM *vm, Value self)
{
  ReentrantLock *lock = as_rlock(self);
  Ref name = cd_type_qualified_name(vm, cd_object(self)->type);
  Ref text = name ? cd_str_format(vm, "<%s %U object owner=%lld count=%lld at 0x%llx>", lock->count ? "locked" : "unlocked", name,
                                  (long long)lock->owner, (long long)lock->count, (long long)cd_bits(self))
                  : NO_REF;
  cd_drop(vm, name);
  return text;
}
static const MethodDef *const rlock_methods[] = {&rlock_acquire_def,          &rlock_release_def,         &rlock___enter___def,
                                                 &rlock___exit___def,         &rlock__is_owned_def,       &rlock__release_save_def,
                                                 &rlock__acquire_restore_def, &rlock__at_fork_reinit_def, NULL};
static const TypeSpec rlock_spec = {.name = "_thread.RLock",
                                    .doc = "A lock that its holder can take again.",
                                    .basicsize = sizeof(ReentrantLock),
                                    .flags = TYPE_BASE | TYPE_HAS_WEAKREFS,
                                    .weaklist_offset = offsetof(ReentrantLock, weaklist),
                                    .methods = rlock_methods,
                                    .slots = {.new_ = rlock_new, .repr = rlock_repr, .release = rlock_release_object}};

// ---- _local ----

// Each thread sees a namespace of its own, kept in `dicts` under the thread's ident. Before anything touches an attribute, the
// namespace of the running thread is put in place as the instance's dict; __init__ runs again in each thread that comes by. All
// objects are linked, so that a thread's end can take its namespaces away.
typedef struct Local {
  Object head;
  AttributeHead attributes;
  Weakref *weaklist;
  Value args, kwargs;                            // owned: of the constructor
  Value dicts;                                   // owned: ident -> dict
  struct Local *next, *previous;
} Local;

static Local *as_local(Value self) { return (Local *)cd_object(self); }

static Ref local_new(VM *vm, Type *type, const Value *args, size_t nargs, Value kwnames)
{
  size_t names = kwnames ? cd_tuple_size(kwnames) : 0;
  if ((nargs || names) && type->slots.init == vm->types.object->slots.init)
    return cd_raise_type(vm, "Initialization arguments are not supported");
  Local *local = cd_instance_new(vm, type);
  if (!local) return NO_REF;
  Ref self = cd_from_object(local), dict = NO_REF, ident = NO_REF;
  if (!(local->args = cd_tuple_of(vm, nargs, args)) || !(local->kwargs = cd_dict_new(vm)) || !(local->dicts = cd_dict_new(vm))) goto fail;
  for (size_t i = 0; i < names; i++)
    if (!cd_dict_set(vm, local->kwargs, cd_tuple_item_borrow(kwnames, i), args[nargs + i])) goto fail;
  // The constructing thread's namespace is there before __init__ runs, so that it runs once here.
  if (!(dict = cd_dict_new(vm)) || !(ident = cd_int_from_u64(vm, vm->thread->ident)) || !cd_dict_set(vm, local->dicts, ident, dict))
    goto fail;
  cd_drop(vm, dict);
  cd_drop(vm, ident);
  ThreadState *state = thread_state(vm);
  local->next = state->locals;
  if (local->next) local->next->previous = local;
  state->locals = local;
  return self;
fail:
  cd_drop(vm, dict);
  cd_drop(vm, ident);
  cd_drop(vm, self);
  return NO_REF;
}

// __init__ with the constructor's arguments, in a thread that sees the object for the first time.
static bool local_init_again(VM *vm, Value self)
{
  Local *local = as_local(self);
  Ref init = cd_getattr(vm, cd_type_value(cd_object(self)->type), N(__init__)), result = NO_REF, all = NO_REF;
  size_t n = cd_tuple_size(local->args);
  if (init && (all = cd_tuple_new(vm, n + 1))) {
    cd_tuple_set(all, 0, cd_dup(self));
    for (size_t i = 0; i < n; i++) cd_tuple_set(all, i + 1, cd_dup(cd_tuple_item_borrow(local->args, i)));
    result = cd_call_ex(vm, init, all, local->kwargs);
  }
  cd_drop(vm, init);
  cd_drop(vm, all);
  cd_drop(vm, result);
  return result != NO_REF;
}

static bool local_enter(VM *vm, Value self)
{
  Local *local = as_local(self);
  AttributeHead *head = cd_attributes(&local->head);
  Ref ident = cd_int_from_u64(vm, vm->thread->ident), dict = NO_REF;
  if (!ident) return false;
  Find found = cd_dict_find(vm, local->dicts, ident, &dict);
  bool ok = found == FIND_HIT;
  if (found == FIND_MISSING) ok = (dict = cd_dict_new(vm)) && cd_dict_set(vm, local->dicts, ident, dict);
  if (ok && !(head->dict && cd_is(head->dict, dict))) cd_replace(vm, &head->dict, cd_dup(dict));
  cd_drop(vm, dict);
  if (ok && found == FIND_MISSING && cd_object(self)->type->slots.init != vm->types.object->slots.init && !local_init_again(vm, self)) {
    Ref error = cd_take_raised(vm);
    if (cd_dict_delete(vm, local->dicts, ident) == FIND_ERROR) cd_clear_raised(vm);
    cd_restore_raised(vm, error);
    ok = false;
  }
  cd_drop(vm, ident);
  return ok;
}

static Ref local_getattr(VM *vm, Value self, Value name) { return local_enter(vm, self) ? cd_generic_getattr(vm, self, name) : NO_REF; }
static bool local_setattr(VM *vm, Value self, Value name, Value value)
{
  if (!local_enter(vm, self)) return false;
  if (cd_str_is(name, "__dict__")) return cd_raise(vm, vm->exc.AttributeError, "'%T' object attribute '__dict__' is read-only", self);
  return cd_generic_setattr(vm, self, name, value);
}

static void local_clear(VM *vm, Object *self)
{
  Local *local = (Local *)self;
  cd_clear(vm, &local->args);
  cd_clear(vm, &local->kwargs);
  if (local->dicts) cd_dict_clear(vm, local->dicts);
}
static void local_release(VM *vm, Object *self)
{
  Local *local = (Local *)self;
  ThreadState *state = thread_state(vm);
  if (local->previous) local->previous->next = local->next;
  else if (state->locals == local) state->locals = local->next;
  if (local->next) local->next->previous = local->previous;
  cd_clear(vm, &local->args);
  cd_clear(vm, &local->kwargs);
  cd_clear(vm, &local->dicts);
}
static void local_traverse(Object *self, VisitFn visit, void *context)
{
  visit(context, ((Local *)self)->args);
  visit(context, ((Local *)self)->kwargs);
  visit(context, ((Local *)self)->dicts);
}

// At a thread's end. Dropping a namespace can run Python, which may change the list: start again after each.
static void locals_forget(VM *vm, uint64_t thread)
{
  Ref ident = cd_int_from_u64(vm, thread), dict;
  for (Local *local = ident ? thread_state(vm)->locals : NULL; local;) {
    Find found = local->dicts ? cd_dict_pop(vm, local->dicts, ident, &dict) : FIND_MISSING;
    if (found == FIND_ERROR) cd_clear_raised(vm);
    if (found != FIND_HIT) {
      local = local->next;
      continue;
    }
    AttributeHead *head = cd_attributes(&local->head);
    if (head->dict && cd_is(head->dict, dict)) cd_clear(vm, &head->dict);
    cd_drop(vm, dict);
    local = thread_state(vm)->locals;
  }
  if (!ident) cd_clear_raised(vm);
  cd_drop(vm, ident);
}

static const TypeSpec local_spec = {.name = "_thread._local",
                                    .doc = "An object whose attributes are separate for each thread.",
                                    .basicsize = sizeof(Local),
                                    .flags = TYPE_BASE | TYPE_GC | TYPE_HAS_DICT | TYPE_HAS_WEAKREFS,
                                    .dict_offset = offsetof(Local, attributes),
                                    .weaklist_offset = offsetof(Local, weaklist),
                                    .slots = {.new_ = local_new,
                                              .getattr = local_getattr,
                                              .setattr = local_setattr,
                                              .release = local_release,
                                              .clear = local_clear,
                                              .traverse = local_traverse}};

// ---- starting threads ----

typedef struct ThreadStart {
  VM *vm;
  Thread *thread;
  Ref function, args, kwargs;
  size_t stack_size;
} ThreadStart;

static void thread_unlink(VM *vm, Thread *thread)
{
  for (Thread **p = &vm->threads; *p; p = &(*p)->next)
    if (*p == thread) {
      *p = thread->next;
      return;
    }
}

static void *thread_main(void *data)
{
  ThreadStart start = *(ThreadStart *)data;
  VM *vm = start.vm;
  Thread *thread = start.thread;
  thread->c_stack_limit = (char *)__builtin_frame_address(0) - (start.stack_size - STACK_MARGIN);
  thread->os_thread = (void *)pthread_self();
  cd_lock_take(vm, thread);
  thread->ident = (uint64_t)pthread_self();
  cd_free(vm, data, sizeof(ThreadStart));
  Ref result = cd_call_ex(vm, start.function, start.args, start.kwargs);
  if (!result) {
    if (cd_raised_is(vm, vm->exc.SystemExit)) cd_clear_raised(vm);
    else cd_write_unraisable_in(vm, "Exception ignored in thread started by", start.function);
  }
  cd_drop(vm, result);
  cd_drop(vm, start.function);
  cd_drop(vm, start.args);
  cd_drop(vm, start.kwargs);
  locals_forget(vm, thread->ident);
  thread_state(vm)->count--;
  cd_thread_clear(vm, thread);
  thread_unlink(vm, thread);
  cd_free(vm, thread, sizeof *thread);
  cd_lock_release(vm);
  return NULL;
}

static bool thread_spawn(VM *vm, ThreadStart *start)
{
  pthread_attr_t attributes;
  pthread_t id;
  size_t size = thread_state(vm)->stack_size;
  start->stack_size = size ? size : STACK_SIZE_DEFAULT;
  pthread_attr_init(&attributes);
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  pthread_attr_setstacksize(&attributes, start->stack_size);
  int error = pthread_create(&id, &attributes, thread_main, start);
  pthread_attr_destroy(&attributes);
  if (error) return cd_raise_runtime(vm, "can't start new thread");
  start->thread->ident = (uint64_t)id;           // still under the VM lock: the thread itself waits for it
  return true;
}

static Ref thread_start(VM *vm, Value function, Value arguments, Value keywords)
{
  if (!cd_is_callable(vm, function)) return cd_raise_type(vm, "first arg must be callable");
  if (!cd_is_tuple(arguments)) return cd_raise_type(vm, "2nd arg must be a tuple");
  if (keywords && !cd_is_dict(keywords)) return cd_raise_type(vm, "optional 3rd arg must be a dictionary");
  if (vm->finalizing) return cd_raise_runtime(vm, "can't create new thread at interpreter shutdown");
  if (!cd_import_threads_begin(vm) || !cd_lock_create(vm)) return NO_REF;
  ThreadStart *start = cd_alloc_zeroed(vm, sizeof *start);
  Thread *thread = start ? cd_alloc_zeroed(vm, sizeof *thread) : NULL;
  if (!thread || !cd_thread_init(vm, thread)) goto fail;
  *start = (ThreadStart){
    .vm = vm, .thread = thread, .function = cd_dup(function), .args = cd_dup(arguments), .kwargs = keywords ? cd_dup(keywords) : NO_REF};
  thread->coroutine_origin_depth = 0;
  thread->next = vm->threads->next;              // the main thread stays first
  vm->threads->next = thread;
  thread_state(vm)->count++;
  if (thread_spawn(vm, start)) return cd_int_from_u64(vm, thread->ident);
  thread_state(vm)->count--;
  thread_unlink(vm, thread);
  cd_drop(vm, start->function);
  cd_drop(vm, start->args);
  cd_drop(vm, start->kwargs);
fail:
  if (thread) {
    cd_thread_clear(vm, thread);
    cd_free(vm, thread, sizeof *thread);
  }
  if (start) cd_free(vm, start, sizeof *start);
  return NO_REF;
}
FUNCTION(_thread, start_new_thread, "start_new_thread(function, args, kwargs={}, /)",
         "Run function(*args, **kwargs) in a new thread; the thread's ident.")
{
  return thread_start(vm, args[0], args[1], args[2]);
}
FUNCTION(_thread, start_new, "start_new(function, args, kwargs={}, /)", "An old name of start_new_thread().")
{
  return thread_start(vm, args[0], args[1], args[2]);
}

// ---- functions ----

FUNCTION(_thread, allocate_lock, "allocate_lock()", "A new lock.")
{
  return lock_make(vm);
}
FUNCTION(_thread, allocate, "allocate()", "An old name of allocate_lock().")
{
  return lock_make(vm);
}
FUNCTION(_thread, exit, "exit()", "End this thread: raises SystemExit.")
{
  return cd_raise_no_args(vm, vm->exc.SystemExit);
}
FUNCTION(_thread, exit_thread, "exit_thread()", "An old name of exit().")
{
  return cd_raise_no_args(vm, vm->exc.SystemExit);
}
FUNCTION(_thread, get_ident, "get_ident()", "A number that tells this thread from the others that run now.")
{
  return cd_int_from_u64(vm, vm->thread->ident);
}
FUNCTION(_thread, get_native_id, "get_native_id()", "The system's number of this thread.")
{
  return cd_from_small(syscall(SYS_gettid));
}
FUNCTION(_thread, _count, "_count()", "Threads started by this module that still run.")
{
  return cd_from_small(thread_state(vm)->count);
}
FUNCTION(_thread, interrupt_main, "interrupt_main(signum=2, /)", "Act as if the main thread had got a signal.")
{
  int number = SIGINT;
  if (args[0] && !cd_to_c_int(vm, args[0], &number)) return NO_REF;
  if (number < 1 || number >= NSIG) return cd_raise_value(vm, "signal number out of range");
  if (!cd_signals_ignored(vm, number)) cd_signals_trip(vm, number);
  return cd_poll(vm) ? cd_none() : NO_REF;       // in the main thread the handler runs at once
}
FUNCTION(_thread, stack_size, "stack_size(size=0, /)", "Set the stack size of new threads, 0 for the default; the old setting.")
{
  int64_t size = 0;
  size_t old = thread_state(vm)->stack_size;
  if (args[0] && !cd_to_i64(vm, args[0], &size, vm->exc.OverflowError)) return NO_REF;
  if (size < 0) return cd_raise_value(vm, "size must be 0 or a positive value");
  if (!args[0]) return cd_from_small((int64_t)old);
  if (size && size < 32768) return cd_raise_value(vm, "size not valid: %lld bytes", (long long)size);
  if (size && (size_t)size < STACK_MARGIN * 2) size = (int64_t)STACK_MARGIN * 2;   // less than that holds no native call
  thread_state(vm)->stack_size = (size_t)size;
  return cd_from_small((int64_t)old);
}

// The lock that a Thread object waits for: it is released when the thread that asked for it ends.
static void sentinel_release(VM *vm, Value lock)
{
  if (as_lock(lock)->locked) {
    as_lock(lock)->locked = false;
    sem_post(&as_lock(lock)->semaphore);
  }
}
FUNCTION(_thread, _set_sentinel, "_set_sentinel()", "A lock that is released when this thread ends.")
{
  Ref lock = lock_make(vm);
  if (!lock) return NO_REF;
  cd_replace(vm, &vm->thread->sentinel, cd_weakref_new(vm, lock, NO_VALUE));
  vm->thread->release_sentinel = sentinel_release;
  if (vm->thread->sentinel) return lock;
  cd_drop(vm, lock);
  return NO_REF;
}

FUNCTION(_thread, _excepthook, "_excepthook(args, /)",
         "What threading.excepthook does at the start: report an exception of a thread on sys.stderr.")
{
  if (!cd_is_exact(args[0], thread_state(vm)->hook_args))
    return cd_raise_type(vm, "_thread.excepthook argument type must be ExceptHookArgs");
  Value type = cd_tuple_item_borrow(args[0], 0), value = cd_tuple_item_borrow(args[0], 1), thread = cd_tuple_item_borrow(args[0], 3);
  if (cd_is(type, cd_type_value(vm->exc.SystemExit))) return cd_none();
  Ref name = NO_REF;
  if (!cd_is_none(thread) && cd_getattr_find(vm, thread, N(name), &name) == FIND_ERROR) cd_clear_raised(vm);
  Ref label = name ? cd_str(vm, name) : cd_str_format(vm, "%lld", (long long)vm->thread->ident);
  cd_drop(vm, name);
  if (!label) return NO_REF;
  Ref out = cd_dup(cd_sys_get_borrow(vm, "stderr"));
  if ((!out || cd_is_none(out)) && !cd_is_none(thread)) {        // the thread kept the stream of its start
    cd_drop(vm, out);
    if (!(out = cd_getattr_text(vm, thread, "_stderr"))) cd_clear_raised(vm);
  }
  if (!out || cd_is_none(out)) {
    cd_drop(vm, label);
    return cd_none();
  }
  Ref text = cd_str_format(vm, "Exception in thread %U:\n", label), written = text ? cd_call_method1(vm, out, N(write), text) : NO_REF;
  bool ok = written && (cd_is_none(value) || cd_print_exception_to(vm, out, value));
  cd_drop(vm, written);
  cd_drop(vm, text);
  cd_drop(vm, label);
  Ref flushed = ok ? cd_call_method0(vm, out, N(flush)) : NO_REF;
  cd_drop(vm, flushed);
  cd_drop(vm, out);
  return flushed ? cd_none() : NO_REF;
}

// ---- the module ----

static const StructField hook_fields[] = {
  {"exc_type", "exception type"}, {"exc_value", "exception"}, {"exc_traceback", "its traceback"}, {"thread", "the thread"}, {NULL, NULL}};
static const StructSpec hook_struct = {"_thread._ExceptHookArgs", "What threading.excepthook gets.", hook_fields, 4};

static bool thread_exec(VM *vm, Value module)
{
  ThreadState *state = thread_state(vm);
  if (!(state->lock = cd_type_from_spec(vm, &lock_spec, NO_VALUE)) || !cd_module_add(vm, module, "LockType", cd_dup_object(state->lock)))
    return false;
  if (!(state->rlock = cd_module_add_type(vm, module, &rlock_spec, NO_VALUE)) ||
      !(state->local = cd_module_add_type(vm, module, &local_spec, NO_VALUE)))
    return false;
  cd_dup_object(state->rlock);
  cd_dup_object(state->local);
  if (!(state->hook_args = cd_struct_type_new(vm, &hook_struct, false)) ||
      !cd_module_add(vm, module, "_ExceptHookArgs", cd_dup_object(state->hook_args)))
    return false;
  return cd_module_add(vm, module, "error", cd_dup_object(vm->exc.RuntimeError)) &&
         cd_module_add(vm, module, "TIMEOUT_MAX", cd_float_new(vm, TIMEOUT_MAX_SECONDS));
}
static void thread_clear(VM *vm, void *data)
{
  ThreadState *state = data;
  Type **types[] = {&state->lock, &state->rlock, &state->local, &state->hook_args};
  for (size_t i = 0; i < ARRAY_LEN(types); i++) {
    Type *type = *types[i];
    *types[i] = NULL;
    cd_drop_object(vm, type);
  }
}

static const MethodDef *const thread_functions[] = {&_thread_start_new_thread_def,
                                                    &_thread_start_new_def,
                                                    &_thread_allocate_lock_def,
                                                    &_thread_allocate_def,
                                                    &_thread_exit_def,
                                                    &_thread_exit_thread_def,
                                                    &_thread_get_ident_def,
                                                    &_thread_get_native_id_def,
                                                    &_thread__count_def,
                                                    &_thread_interrupt_main_def,
                                                    &_thread_stack_size_def,
                                                    &_thread__set_sentinel_def,
                                                    &_thread__excepthook_def,
                                                    NULL};
const ModuleDef cd_module__thread = {"_thread",        "Threads and locks: the engine of the threading module.",
                                     thread_functions, sizeof(ThreadState),
                                     thread_exec,      NULL,
                                     thread_clear};
