// SPDX-License-Identifier: MIT
// loop.h: the door of this folder: event loops, futures, tasks and handles; see docs/internals/loop.md
#ifndef CEDE_LOOP_LOOP_H
#define CEDE_LOOP_LOOP_H

#include "coro/generator.h"
#include "loop/backend.h"
#include "loop/timer_heap.h"
#include "objects/instance.h"

#include <pthread.h>

// ---- futures ----

typedef enum { FUTURE_PENDING, FUTURE_CANCELLED, FUTURE_FINISHED } FutureState;

// What most futures never have, allocated at need.
typedef struct FutureRest {
  Value *callbacks;                              // second and later ones: callback, context, callback, context ...; owned
  uint32_t count, capacity;                      // words in use and allocated
  Value cancel_message;                          // owned; NO_VALUE: None
  Value cancelled_error;                         // owned: the CancelledError that ended a task, raised again by the first who asks
  Value source_traceback;                        // owned; debug mode
  Value awaited_by;                              // owned: a future or task, or a set of them; NO_VALUE: nobody
  struct TaskHold *hold;                         // of a task that dropped async generators (dropped.c); NULL: it did not
} FutureRest;

// The first callback needs no allocation. A task that waits is a callback by itself: the Task object with context NO_VALUE.
// A callback's context is a Context, or a snapshot (see objects/context.h): the variables as they were, without a Context object.
#define FUTURE_HEAD                                                                                                          \
  Object head;                                                                                                               \
  AttributeHead attributes;                                                                                                  \
  Value loop;                                    /* owned; NO_VALUE: __init__ was not called */                              \
  Value value;                                   /* owned: result, or the exception if `failed` */                           \
  Value callback, callback_context;              /* owned; NO_VALUE: none */                                                 \
  FutureRest *rest;                                                                                                          \
  Weakref *weaklist;                                                                                                         \
  uint8_t state;                                 /* FutureState */                                                           \
  bool failed;                                   /* value is an exception */                                                 \
  bool blocking;                                 /* _asyncio_future_blocking: just yielded by `await` */                     \
  bool log_traceback;                            /* an exception that nobody has asked for yet */                            \
  bool is_task, is_sleep;                                                                                                    \
  uint8_t waiting;                               /* WAITING_, of those that may stand in for a coroutine */                   \
  bool native_loop;                              /* `loop` is an instance of _asyncio.Loop */

typedef struct Future { FUTURE_HEAD } Future;

typedef struct Task {
  FUTURE_HEAD
  bool must_cancel : 1, log_destroy_pending : 1;
  bool registered : 1;                           // all_tasks() shows it
  bool plain_coroutine : 1;                      // coro is a native coroutine or generator
  bool name_is_number : 1;                       // `name` is n of "Task-n", made into a text at need
  uint32_t cancels;                              // num_cancels_requested
  Value name;                                    // owned
  Value coro;                                    // owned; NO_VALUE once finished eagerly
  Value context;                                 // owned: Context or snapshot; a Context while a step runs
  Value waiter;                                  // owned: the future it waits for (any object with that protocol), or NO_VALUE
} Task;

static inline Future *cd_as_future(Value v) { return (Future *)cd_object(v); }
static inline Task *cd_as_task(Value v) { return (Task *)cd_object(v); }
bool cd_is_future(VM *vm, Value v);              // a native Future or Task, or an instance of a subclass
bool cd_is_task(VM *vm, Value v);

// A Future, Task or gathering future, and no subclass: nothing is overridden.
static inline bool cd_future_is_exact(VM *vm, Value v);
MUST_USE bool cd_future_cancel_any(VM *vm, Value future, Value message,
                                   bool *out);                                   // future.cancel(msg=..) of any object with that protocol
MUST_USE Ref cd_future_new(VM *vm, Value loop);                                  // loop.create_future()
// As the methods of the same names do; InvalidStateError when it is done. They may run Python (foreign loops only).
MUST_USE bool cd_future_set_result(VM *vm, Value future, Value result);
MUST_USE bool cd_future_set_exception(VM *vm, Value future, Value exception);
MUST_USE bool cd_future_cancel(VM *vm, Value future, Value message, bool *out);  // a Future, not a Task; message NO_VALUE: None
MUST_USE bool cd_future_add_callback(VM *vm, Value future, Value callback, Ref context);   // context: Context or snapshot, stolen
MUST_USE SendResult cd_future_result(VM *vm, Value future, Ref *out);            // YIELDED: not done yet; RETURNED; RAISED
static inline bool cd_future_done(Value future) { return cd_as_future(future)->state != FUTURE_PENDING; }

// A task that runs `coro` on `loop` (any object that is one). name, context NO_VALUE: the next number, a copy of the current context.
MUST_USE Ref cd_gather(VM *vm, const Value *args, size_t nargs, bool return_exceptions);   // asyncio.gather()
// A future that is done after `delay` seconds of the running loop. None: that loop has its own ways with timers, use call_later().
MUST_USE Ref cd_yield_once_new(VM *vm);                          // an awaitable that yields None once
MUST_USE Ref cd_sleep_new(VM *vm, double delay, Value result);
// A future at the end of `queue`, a deque; see loop/waiting.c. None: `loop` makes its futures itself.
MUST_USE Ref cd_waiting_new(VM *vm, Value loop, Value queue, Value owner);
MUST_USE Ref cd_task_new(VM *vm, Value loop, Value coro, Value name, Value context);

// ---- handles ----

// A callback with up to two arguments inside, or a tuple of them. context: Context or snapshot.
#define HANDLE_HEAD                                                                                                          \
  Object head;                                                                                                               \
  Value callback, context, loop;                 /* owned; callback NO_VALUE: cancelled */                                   \
  Value args[2];                                 /* owned; with arg_count HANDLE_TUPLE args[0] is a tuple */                 \
  Value repr, source_traceback;                  /* owned; debug mode */                                                     \
  Weakref *weaklist;                                                                                                         \
  uint8_t arg_count;                                                                                                         \
  bool cancelled, is_timer;
enum { HANDLE_TUPLE = 3 };

typedef struct Handle { HANDLE_HEAD } Handle;
typedef struct TimerHandle {
  HANDLE_HEAD
  bool scheduled;
  bool whole;                                    // `when` was given as an int, and is shown as one
  uint32_t place;                                // in its loop's heap, or TIMER_NOWHERE
  double when;
} TimerHandle;

static inline Handle *cd_as_handle(Value v) { return (Handle *)cd_object(v); }
static inline TimerHandle *cd_as_timer(Value v) { return (TimerHandle *)cd_object(v); }
// context: Context or snapshot, stolen; NO_REF: a snapshot of the current one.
MUST_USE Ref cd_handle_new(VM *vm, Value loop, Value callback, const Value *args, size_t nargs, Ref context);
MUST_USE Ref cd_timer_new(VM *vm, Value loop, double when, Value callback, const Value *args, size_t nargs, Ref context);
void cd_handle_cancel(VM *vm, Value handle);                                     // Handle or TimerHandle; runs Python
// Runs the callback in its context. An exception goes to the loop's call_exception_handler(); false: one that ends the run.
MUST_USE bool cd_handle_run(VM *vm, Value handle);

// ---- loops ----

// An entry of the ready ring. `argument` says what it is: a READY_ mark, or the one argument of the callable `object`.
typedef struct Ready { Value object, argument, context; } Ready;                 // all owned
#define READY_HANDLE cd_from_bits(0x06)          // object is a Handle
#define READY_STEP cd_from_bits(0x0E)            // object is a Task: first step, or after a bare yield
#define READY_WAKE cd_from_bits(0x16)            // object is a Task, and the future in its `waiter` is done
#define READY_SLEEP cd_from_bits(0x1E)           // object is the future of a sleep() that is over

static inline void cd_ready_drop(VM *vm, Ready *entry)            // an entry that is out of the ring
{
  cd_clear(vm, &entry->object);
  cd_clear(vm, &entry->argument);
  cd_clear(vm, &entry->context);
}

// Work handed in by other threads without the VM lock; see cd_loop_post.
typedef struct LoopPost LoopPost;

typedef struct Loop {
  Object head;
  AttributeHead attributes;
  Weakref *weaklist;
  // ready entries: entry i is ring[(first + i) & (capacity - 1)]; capacity is 0 or a power of two
  Ready *ring;
  uint32_t first, count, capacity;
  TimerHeap timers;
  struct LoopIo *io;                             // watched descriptors; NULL: none yet
  const LoopBackend *backend;
  void *backend_data;
  Value current_task;                            // owned: the task that runs now, or NO_VALUE
  Thread *thread;                                // that runs it; NULL: it does not run
  uint64_t thread_ident;
  bool running, stopping, closed, debug, opened;
  bool traced_origin;                            // debug mode changed the coroutine origin depth of the thread
  int saved_origin_depth;
  Value saved_firstiter, saved_finalizer;        // owned: async generator hooks from before the run
  double slow_callback_duration, clock_resolution;
  double polled_at;                              // when a turn with ready entries last polled; 0: not yet in this run
  Value task_factory;                            // owned, or NO_VALUE
  Value asyncgens;                               // owned: WeakSet, made at need; NO_VALUE
  Value current_handle;                          // owned, debug mode; NO_VALUE
  // Which methods did a subclass or an instance override? Valid for the type's version; see cd_loop_overrides().
  uint32_t checked_version;
  uint8_t overrides, instance_overrides;
  atomic_bool polling;                           // may be waiting: whoever adds something wakes it
  pthread_mutex_t post_lock;
  LoopPost *posts, **posts_end;                  // under post_lock
  void (*host_wake)(void *data);                 // a host that waits by itself is told of work; any thread
  void *host_wake_data;
} Loop;

static inline Loop *cd_as_loop(Value v) { return (Loop *)cd_object(v); }
bool cd_is_loop(VM *vm, Value v);                // an instance of _asyncio.Loop

enum { OVERRIDES_CALL_SOON = 1, OVERRIDES_RUN_ONCE = 2, OVERRIDES_GET_DEBUG = 4, OVERRIDES_CREATE_FUTURE = 8, OVERRIDES_CREATE_TASK = 16,
       OVERRIDES_TIME = 32, OVERRIDES_CALL_AT = 64, OVERRIDES_TIMER_CANCELLED = 128 };
uint8_t cd_loop_overrides_slow(VM *vm, Loop *loop);
static inline uint8_t cd_loop_overrides(VM *vm, Loop *loop)
{
  if (LIKELY(loop->checked_version && loop->checked_version == loop->head.type->version)) return loop->overrides | loop->instance_overrides;
  return cd_loop_overrides_slow(vm, loop);
}
// May callbacks go straight into the ring, without a Handle? Not when call_soon is overridden, nor in debug mode or once closed.
static inline bool cd_loop_is_direct(VM *vm, Loop *loop)
{
  return !(cd_loop_overrides(vm, loop) & OVERRIDES_CALL_SOON) && !loop->debug && !loop->closed;
}

Ref cd_loop_running(VM *vm);                     // the running loop of this thread; NO_REF without exception: none
void cd_loop_set_running(VM *vm, Value loop);    // None or NO_VALUE: none
void cd_loops_finish(VM *vm);                    // the VM ends: closes those that frames of threads which ended with it still hold
void cd_loop_after_fork(VM *vm);                 // in the child: no loop counts as running, and the one that was watches for itself
MUST_USE Ref cd_loop_get_running(VM *vm);        // RuntimeError "no running event loop"
double cd_loop_now(void);                        // seconds, the clock of loop.time()

// Puts an entry in the ring. The three references are stolen.
MUST_USE bool cd_loop_push(VM *vm, Loop *loop, Ref object, Ref argument, Ref context);
// callback(argument) soon, on any loop object, in `context` (Context or snapshot, stolen; NO_REF: a snapshot of the current one).
MUST_USE bool cd_loop_call_soon(VM *vm, Value loop, Value callback, Value argument, Ref context);
// Calls callback(*args) now, in `context` (borrowed; NO_VALUE: the current one). Exceptions go to call_exception_handler with "Exception
// in callback ..."; false: an exception that ends the run (KeyboardInterrupt, SystemExit). For the callbacks of native transports.
MUST_USE bool cd_loop_run_callback(VM *vm, Loop *loop, Value callback, const Value *args, size_t nargs, Value context);
// What Handle._run does with an exception of its callback: handle is what failed, or NO_VALUE and callback is.
MUST_USE bool cd_loop_report_callback(VM *vm, Value loop, Value handle, Value callback);
// loop.call_exception_handler({'message': .., 'exception': the current exception, which is taken, key: value}). key may be NULL. false
// as above.
MUST_USE bool cd_loop_report(VM *vm, Value loop, const char *key, Value value, const char *message, ...);
// From any thread, without the VM lock: `function` runs in the loop's thread with the lock held; false from it ends the run. false: no
// memory or closed.
bool cd_loop_post(Loop *loop, bool (*function)(VM *vm, Loop *loop, void *data), void *data);
bool cd_loop_post_host(Loop *loop, bool (*function)(VM *vm, void *data), void *data);   // the same for a function of the host
void cd_loop_wake(Loop *loop);                   // from any thread or signal handler: look at the ring again

MUST_USE bool cd_loop_check_closed(VM *vm, Loop *loop);                          // RuntimeError "Event loop is closed"
MUST_USE bool cd_loop_check_thread(VM *vm, Loop *loop);                          // debug mode: RuntimeError when called from another thread
MUST_USE bool cd_loop_run_once(VM *vm, Loop *loop, int64_t max_wait);            // max_wait in ns, negative: no limit
MUST_USE Ref cd_loop_new(VM *vm);                                                // a plain _asyncio.Loop
// For hosts: one turn, waiting at most max_wait ns; *more: entries are ready.
MUST_USE bool cd_loop_step(VM *vm, Loop *loop, int64_t max_wait, bool *more);
bool cd_loop_next_deadline(const Loop *loop, double *when);                      // on cd_loop_now()'s clock; false: no timer

// ---- generators dropped while a task runs (dropped.c) ----

bool cd_dropped_close(VM *vm, Value generator, Value hook);                      // hook close_dropped of core/vm.h
void cd_hold_clear(VM *vm, struct TaskHold *hold);
void cd_hold_traverse(const struct TaskHold *hold, VisitFn visit, void *context);
// The coroutine has ended so; but there are generators to wait for. begin steals outcome; with RAISED the exception is the current one.
MUST_USE bool cd_hold_begin(VM *vm, Task *task, SendResult result, Ref outcome);
MUST_USE bool cd_hold_continue(VM *vm, Task *task);              // one of them is closed
bool cd_hold_is_on(const Task *task);
bool cd_hold_awaits(const Task *task, const Task *other);        // is `other` one of them?
MUST_USE bool cd_hold_give_up(VM *vm, Task *task);               // do not wait any more
MUST_USE bool cd_task_end(VM *vm, Task *task, SendResult result, Ref outcome);   // as begin, at once

// ---- state of the VM (vm->asyncio), made when _asyncio is first imported ----

typedef struct Asyncio {
  Type *gathering, *sleep, *waiting, *yield_once;   // owned, as are the other types
  Type *host_iterator;                           // owned; api/: for async iterators in C
  Ref (*make_address)(VM *vm, const void *address, unsigned size);   // modules/: a socket address as Python shows it
  Value host_loop;                               // owned: the loop that the host turns; NO_VALUE: none yet
  Type *future, *task, *handle, *timer_handle, *loop, *future_iter, *task_step, *all_tasks_type, *transport, *stream, *datagram,
    *reader_pair, *current_tasks_type;                                // owned
  Value cancelled_error, invalid_state_error;    // owned classes of asyncio.exceptions, imported at first need
  Value current_tasks;                           // owned dict: loops that are not native -> task
  Value functions;                               // owned dict: what cd_asyncio_call() has called
  Value foreign_tasks;                           // owned WeakSet of registered objects that are not native tasks; NO_VALUE: none yet
  Value context_keyword, default_executor_name;  // owned: ("context",), "_default_executor"
  Value spare_context;                           // owned: an empty Context for the next callback that has a snapshot, or NO_VALUE
  uint64_t task_count;                           // registered ones
  uint64_t next_task_number;
} Asyncio;

static inline bool cd_future_is_exact(VM *vm, Value v)
{
  if (!cd_is_object(v)) return false;
  const Type *type = cd_object(v)->type;
  return type == vm->asyncio->future || type == vm->asyncio->task || type == vm->asyncio->gathering || type == vm->asyncio->sleep ||
         type == vm->asyncio->waiting;
}

MUST_USE bool cd_asyncio_init(VM *vm, Asyncio *state);           // zeroed memory that lives as long as the VM; does nothing the second time
void cd_asyncio_traverse(Asyncio *state, VisitFn visit, void *context);
void cd_asyncio_clear(VM *vm, Asyncio *state);
void cd_asyncio_prepare_end(VM *vm);             // before sys.modules is taken apart
// Borrowed classes asyncio.CancelledError and asyncio.InvalidStateError; NO_VALUE: exception set.
Value cd_cancelled_error_borrow(VM *vm);
Value cd_invalid_state_error_borrow(VM *vm);
// asyncio.<module>.<name>(*args)
MUST_USE Ref cd_asyncio_call(VM *vm, const char *module, const char *name, const Value *args, size_t nargs);
MUST_USE Ref cd_asyncio_get_event_loop(VM *vm);  // the running loop, else the policy's
MUST_USE bool cd_loop_add_methods(VM *vm, Type *type,
                                  const MethodDef *const *methods);   // NULL-terminated; for parts of Loop in other files

MUST_USE bool cd_task_enter(VM *vm, Value loop, Value task);                     // _enter_task
MUST_USE bool cd_task_leave(VM *vm, Value loop, Value task);
MUST_USE Ref cd_task_swap_current(VM *vm, Value loop, Value task);               // _swap_current_task; None: nothing
MUST_USE Ref cd_task_current(VM *vm, Value loop);                                // None: none
MUST_USE bool cd_task_register(VM *vm, Value task);
MUST_USE bool cd_task_unregister(VM *vm, Value task);
MUST_USE Ref cd_tasks_list(VM *vm);                                              // all registered ones that live, as a list

// ---- private to this folder ----

extern const TypeSpec cd_task_step_spec, cd_future_spec, cd_task_spec, cd_handle_spec, cd_timer_handle_spec, cd_loop_spec,
  cd_future_iter_spec, cd_all_tasks_spec;
extern const TypeSpec cd_current_tasks_spec;
extern const TypeSpec cd_gathering_spec, cd_sleep_spec, cd_yield_once_spec, cd_waiting_spec;
bool cd_future_stands_in(Object *self);
MUST_USE bool cd_sleep_over(VM *vm, Value sleep);                                // its time has come
void cd_sleep_leave(VM *vm, Future *sleep);      // it is done: out of the heap
Ref cd_future_await(VM *vm, Value self);         // slots for kinds of futures
SendResult cd_future_send(VM *vm, Value self, Value sent, Ref *out);
bool cd_future_refuse_init(VM *vm, Value self, const Value *args, size_t nargs, Value kwnames);
MUST_USE bool cd_gather_cancel(VM *vm, Value gathering, Value message, bool *out);
MUST_USE bool cd_gather_child_done(VM *vm, Value gathering, Value child);                  // what a child calls
Value cd_gather_task_borrow(Value gathering);    // the task that called gather(), or NO_VALUE
bool cd_future_note_awaited(VM *vm, Value future, Value waiter, bool add);                 // future_add_to_awaited_by(), and its opposite
MUST_USE bool cd_loop_enter_context(VM *vm, Value context, Ref *entered);                  // cd_context_begin and _end with a spare Context
void cd_loop_leave_context(VM *vm, Ref entered);
void cd_loop_shed_context(
  VM *vm, Value *slot);   // a Context that is entered: if only the slot, the caller and the thread hold it, a snapshot takes its place
MUST_USE bool cd_future_init(VM *vm, Value self, Value loop);                    // loop NO_VALUE or None: the current one
MUST_USE bool cd_future_schedule(VM *vm, Future *future);                        // it is done: its callbacks go to the loop
MUST_USE Ref cd_future_cancelled_error(VM *vm, Future *future);                  // _make_cancelled_error()
FutureRest *cd_future_rest(VM *vm, Future *future);                              // NULL: MemoryError
void cd_future_release(VM *vm, Object *self);
void cd_future_traverse(Object *self, VisitFn visit, void *context);
void cd_future_clear(VM *vm, Object *self);
void cd_future_report_unretrieved(VM *vm, Value self);
MUST_USE Ref cd_task_context(VM *vm, Value task);                                // its Context, made at need
MUST_USE Ref cd_task_wakeup_method(VM *vm, Value task);                          // what stands for a waiting task in future._callbacks
MUST_USE bool cd_task_stop_waiting(VM *vm, Task *task);                          // takes that out; `waiter` stays
MUST_USE bool cd_task_run_step(VM *vm, Value task, bool wake);                   // a READY_STEP or READY_WAKE entry; in the task's context
MUST_USE bool cd_task_run_first(VM *vm, Value task);   // first step of an eager task, which is the current one already
MUST_USE bool cd_loop_open(VM *vm, Loop *loop);                                  // its backend, at first need
MUST_USE bool cd_loop_time(VM *vm, Loop *loop, double *out);                     // loop.time()
uint8_t cd_loop_override_bit(Value name);                                        // OVERRIDES_ bit of a method's name, or 0
void cd_loop_drop_posts(Loop *loop);
MUST_USE bool cd_loop_begin_run(VM *vm, Loop *loop);                             // around running: running loop, hooks, thread
void cd_loop_end_run(VM *vm, Loop *loop);                                        // keeps the current exception
MUST_USE bool cd_handle_debug_source(VM *vm, Value *slot);                       // debug mode: where it was made

#endif
