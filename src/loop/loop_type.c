// SPDX-License-Identifier: MIT
// loop_type.c: the Python face of a native loop: _asyncio.Loop, base class of the event loops of asyncio
#include "loop/loop.h"
#include "loop/watch.h"

#include "objects/context.h"
#include "objects/dict.h"
#include "objects/exception.h"
#include "objects/float.h"
#include "objects/function.h"
#include "objects/int.h"
#include "objects/list.h"
#include "objects/module.h"
#include "objects/protocol.h"
#include "objects/str.h"
#include "objects/tuple.h"
#include "objects/type.h"
#include "objects/weakref.h"

#include <stdlib.h>
#include <time.h>

enum { DEBUG_STACK_DEPTH = 10 };                 // of coroutine origins in debug mode

// ---- birth and death ----

static double loop_resolution(void)
{
  struct timespec t;
  return clock_getres(CLOCK_MONOTONIC, &t) == 0 ? (double)t.tv_sec + (double)t.tv_nsec * 1e-9 : 1e-9;
}

static bool loop_debug_wanted(VM *vm)             // as asyncio.coroutines._is_debug_mode
{
  const char *variable = vm->config.ignore_environment ? NULL : getenv("PYTHONASYNCIODEBUG");
  return vm->config.dev_mode || (variable && *variable);
}

static Ref loop_new_slot(VM *vm, Type *type, const Value *args UNUSED, size_t nargs UNUSED, Value kwnames UNUSED)
{
  Loop *loop = cd_instance_new(vm, type);
  if (!loop) return NO_REF;
  pthread_mutex_init(&loop->post_lock, NULL);
  loop->posts_end = &loop->posts;
  loop->backend = cd_loop_default_backend();
  loop->slow_callback_duration = 0.1;
  loop->clock_resolution = loop_resolution();
  loop->debug = loop_debug_wanted(vm);
  return cd_from_object(loop);
}

static bool loop_init_slot(VM *vm, Value self UNUSED, const Value *args UNUSED, size_t nargs, Value kwnames)
{
  if (nargs) return cd_raise_type(vm, "Loop() takes no arguments");
  return cd_no_keywords(vm, "Loop", kwnames);
}

Ref cd_loop_new(VM *vm) { return loop_new_slot(vm, vm->asyncio->loop, NULL, 0, NO_VALUE); }

bool cd_is_loop(VM *vm UNUSED, Value v) { return cd_bits(v) && cd_is_object(v) && cd_object(v)->type->spec == &cd_loop_spec; }

static void loop_traverse(Object *self, VisitFn visit, void *context)
{
  Loop *loop = (Loop *)self;
  for (uint32_t i = 0; i < loop->count; i++) {
    Ready *entry = &loop->ring[(loop->first + i) & (loop->capacity - 1)];
    visit(context, entry->object);
    visit(context, entry->argument);
    visit(context, entry->context);
  }
  for (uint32_t i = 0; i < loop->timers.count; i++) visit(context, cd_from_object(loop->timers.slots[i].owner));
  visit(context, loop->current_task);
  visit(context, loop->saved_firstiter);
  visit(context, loop->saved_finalizer);
  visit(context, loop->task_factory);
  visit(context, loop->current_handle);
  cd_loop_io_traverse(loop, visit, context);
}

static void loop_empty(VM *vm, Loop *loop)
{
  while (loop->count) {
    Ready entry = loop->ring[loop->first];
    loop->first = (loop->first + 1) & (loop->capacity - 1);
    loop->count--;
    cd_ready_drop(vm, &entry);
  }
  cd_timer_heap_clear(vm, &loop->timers);
}

static void loop_clear(VM *vm, Object *self)
{
  Loop *loop = (Loop *)self;
  loop_empty(vm, loop);
  cd_clear(vm, &loop->current_task);
  cd_clear(vm, &loop->saved_firstiter);
  cd_clear(vm, &loop->saved_finalizer);
  cd_clear(vm, &loop->task_factory);
  cd_clear(vm, &loop->current_handle);
  cd_loop_io_clear(vm, loop);
}

static void loop_release(VM *vm, Object *self)
{
  Loop *loop = (Loop *)self;
  loop_clear(vm, self);
  cd_free(vm, loop->ring, loop->capacity * sizeof *loop->ring);
  loop->ring = NULL;
  loop->capacity = 0;
  if (loop->opened) loop->backend->close(vm, loop);
  loop->opened = false;
  cd_loop_io_finish(vm, loop);
  cd_loop_drop_posts(loop);
  pthread_mutex_destroy(&loop->post_lock);
}

// The first in the collector's table that still has something of the system's.
static Loop *loop_left(VM *vm)
{
  for (uint32_t i = 0; i < vm->gc.count; i++) {
    Object *object = vm->gc.objects[i];
    if (object->type->spec == &cd_loop_spec && ((Loop *)object)->opened) return (Loop *)object;
  }
  return NULL;
}

void cd_loops_finish(VM *vm)
{
  for (Loop *loop; (loop = loop_left(vm));) {
    Ref keep = cd_dup_object(loop);
    loop->closed = true;
    cd_loop_io_clear(vm, loop);
    loop->opened = false;
    loop->backend->close(vm, loop);
    cd_loop_drop_posts(loop);
    cd_drop(vm, keep);
  }
}

static void loop_finalize(VM *vm, Value self)
{
  Loop *loop = cd_as_loop(self);
  if (loop->closed || !loop->opened) return;     // one that was never run holds nothing
  Ref raised = cd_take_raised(vm);
  if (!cd_warn(vm, vm->exc.ResourceWarning, 1, "unclosed event loop %R", self)) cd_write_unraisable(vm, self);
  if (!loop->running) {
    Ref close = cd_getattr_text(vm, self, "close"), result = close ? cd_call0(vm, close) : NO_REF;
    if (!result) cd_write_unraisable(vm, self);
    cd_drop(vm, close);
    cd_drop(vm, result);
  }
  cd_restore_raised(vm, raised);
}

static bool loop_setattr(VM *vm, Value self, Value name, Value value)
{
  uint8_t bit = cd_loop_override_bit(name);
  if (bit) {
    if (cd_bits(value)) cd_as_loop(self)->instance_overrides |= bit;
    else cd_as_loop(self)->instance_overrides &= (uint8_t)~bit;
  }
  return cd_generic_setattr(vm, self, name, value);
}

// ---- scheduling ----

// callback, *args and context= of the call_ methods, `skip` arguments before them. *context: NO_REF, none given.
static bool loop_parse_call(VM *vm, const char *function, size_t skip, const Value *args, size_t nargs, Value kwnames, Ref *context)
{
  *context = NO_REF;
  for (size_t i = 0; cd_bits(kwnames) && i < cd_tuple_size(kwnames); i++) {
    Value name = cd_tuple_item_borrow(kwnames, i), value = args[nargs + i];
    if (!cd_str_is(name, "context")) return cd_raise_type(vm, "%s() got an unexpected keyword argument '%U'", function, name);
    if (!cd_is_none(value)) *context = cd_dup(value);
  }
  if (nargs > skip) return true;
  cd_forget(vm, context);
  return cd_raise_type(vm, "%s() missing %zu required positional argument%s", function, skip + 1 - nargs,
                       skip == nargs ? ": 'callback'" : "s");
}

// Keyword forms are rare: (delay=.., callback=..) become positional here.
static bool loop_check_callback(VM *vm, Loop *loop, Value callback, const char *method)
{
  if (!loop->debug) return true;
  Ref check = cd_getattr_text(vm, cd_from_object(loop), "_check_callback"), name = check ? cd_str_from(vm, method) : NO_REF;
  Ref result = name ? cd_call2(vm, check, callback, name) : NO_REF;
  cd_drop(vm, check);
  cd_drop(vm, name);
  cd_drop(vm, result);
  return result != NO_REF;
}

static Ref loop_add_handle(VM *vm, Value self, const Value *args, size_t nargs, Ref context)     // args[0]: the callback; steals context
{
  Ref handle = cd_handle_new(vm, self, args[0], args + 1, nargs - 1, context);
  if (!handle) return NO_REF;
  if (cd_loop_push(vm, cd_as_loop(self), cd_dup(handle), READY_HANDLE, NO_REF)) return handle;
  cd_drop(vm, handle);
  return NO_REF;
}

METHOD_RAW(
  loop, call_soon, "call_soon(self, callback, *args, context=None)",
  "Have callback(*args) called as soon as possible.\n\nCallbacks are called in the order in which they came, each once. The Handle that is "
  "returned can cancel it.")
{
  Loop *loop = cd_as_loop(self);
  Ref context;
  if (!loop_parse_call(vm, "call_soon", 0, args, nargs, kwnames, &context)) return NO_REF;
  if (!cd_loop_check_closed(vm, loop) ||
      (loop->debug && (!cd_loop_check_thread(vm, loop) || !loop_check_callback(vm, loop, args[0], "call_soon")))) {
    cd_drop(vm, context);
    return NO_REF;
  }
  return loop_add_handle(vm, self, args, nargs, context);
}

METHOD_RAW(loop, call_soon_threadsafe, "call_soon_threadsafe(self, callback, *args, context=None)",
           "Like call_soon(), for other threads: the loop is woken if it waits.")
{
  Loop *loop = cd_as_loop(self);
  Ref context;
  if (!loop_parse_call(vm, "call_soon_threadsafe", 0, args, nargs, kwnames, &context)) return NO_REF;
  if (!cd_loop_check_closed(vm, loop) || !loop_check_callback(vm, loop, args[0], "call_soon_threadsafe")) {
    cd_drop(vm, context);
    return NO_REF;
  }
  Ref handle = loop_add_handle(vm, self, args, nargs, context);
  if (handle && loop->thread_ident != vm->thread->ident) cd_loop_wake(loop);
  return handle;
}

static Ref loop_schedule(VM *vm, Value self, double when, const Value *args, size_t nargs, Ref context)   // args[0]: the callback
{
  Loop *loop = cd_as_loop(self);
  Ref timer = cd_timer_new(vm, self, when, args[0], args + 1, nargs - 1, context);
  if (!timer) return NO_REF;
  if (!cd_timer_heap_push(vm, &loop->timers, when, cd_object(timer), &cd_as_timer(timer)->place)) {
    cd_drop(vm, timer);
    return NO_REF;
  }
  cd_as_timer(timer)->scheduled = true;
  if (UNLIKELY(atomic_load_explicit(&loop->polling, memory_order_relaxed))) cd_loop_wake(loop);
  return timer;
}

METHOD_RAW(loop, call_at, "call_at(self, when, callback, *args, context=None)",
           "Have callback(*args) called at a given time of loop.time().")
{
  Loop *loop = cd_as_loop(self);
  Ref context;
  double when;
  if (!loop_parse_call(vm, "call_at", 1, args, nargs, kwnames, &context)) return NO_REF;
  if (cd_is_none(args[0])) {
    cd_drop(vm, context);
    return cd_raise_type(vm, "when cannot be None");
  }
  if (!cd_loop_check_closed(vm, loop) || !cd_to_double(vm, args[0], &when) ||
      (loop->debug && (!cd_loop_check_thread(vm, loop) || !loop_check_callback(vm, loop, args[1], "call_at")))) {
    cd_drop(vm, context);
    return NO_REF;
  }
  return loop_schedule(vm, self, when, args + 1, nargs - 1, context);
}

METHOD_RAW(loop, call_later, "call_later(self, delay, callback, *args, context=None)",
           "Have callback(*args) called `delay` seconds from now.\n\nThe TimerHandle that is returned can cancel it.")
{
  Loop *loop = cd_as_loop(self);
  Ref context;
  double delay, now;
  if (!loop_parse_call(vm, "call_later", 1, args, nargs, kwnames, &context)) return NO_REF;
  if (cd_is_none(args[0])) {
    cd_drop(vm, context);
    return cd_raise_type(vm, "delay must not be None");
  }
  if (!cd_to_double(vm, args[0], &delay) || !cd_loop_time(vm, loop, &now)) {
    cd_drop(vm, context);
    return NO_REF;
  }
  if (UNLIKELY(loop->debug || cd_loop_overrides(vm, loop) & OVERRIDES_CALL_AT)) {
    Ref all = cd_tuple_new(vm, nargs), method = all ? cd_getattr(vm, self, N(call_at)) : NO_REF,
        when = method ? cd_float_new(vm, now + delay) : NO_REF;
    Ref keywords = when ? cd_dict_new(vm) : NO_REF, result = NO_REF;
    if (keywords) {
      cd_tuple_set(all, 0, when);
      for (size_t i = 1; i < nargs; i++) cd_tuple_set(all, i, cd_dup(args[i]));
      if (!context || cd_dict_set(vm, keywords, N(context), context)) result = cd_call_ex(vm, method, all, keywords);
    }
    cd_drop(vm, all);
    cd_drop(vm, method);
    cd_drop(vm, keywords);
    cd_drop(vm, context);
    return result;
  }
  if (!cd_loop_check_closed(vm, loop)) {
    cd_drop(vm, context);
    return NO_REF;
  }
  return loop_schedule(vm, self, now + delay, args + 1, nargs - 1, context);
}

METHOD(loop, time, "time(self)", "Return the time of the loop's clock, in seconds.") { return cd_float_new(vm, cd_loop_now()); }

METHOD(loop, _timer_handle_cancelled, "_timer_handle_cancelled(self, handle, /)", "A timer was cancelled: it leaves the heap by itself.")
{
  return cd_none();
}

METHOD(loop, _write_to_self, "_write_to_self(self)", "Wake the loop if it waits.")
{
  cd_loop_wake(cd_as_loop(self));
  return cd_none();
}

METHOD(loop, _add_callback, "_add_callback(self, handle)", "Put a Handle among those that are ready.")
{
  if (!cd_is_object(args[0]) ||
      (cd_object(args[0])->type->spec != &cd_handle_spec && cd_object(args[0])->type->spec != &cd_timer_handle_spec))
    return cd_raise_type(vm, "a Handle was expected, got %R", args[0]);
  if (cd_as_handle(args[0])->cancelled) return cd_none();
  return cd_loop_push(vm, cd_as_loop(self), cd_dup(args[0]), READY_HANDLE, NO_REF) ? cd_none() : NO_REF;
}

// ---- checks ----

METHOD(loop, _check_closed, "_check_closed(self)", NULL) { return cd_loop_check_closed(vm, cd_as_loop(self)) ? cd_none() : NO_REF; }

METHOD(loop, _check_thread, "_check_thread(self)",
       "In debug mode: RuntimeError when the caller's thread is not the one that runs the loop.")
{
  return cd_loop_check_thread(vm, cd_as_loop(self)) ? cd_none() : NO_REF;
}

METHOD(loop, _check_callback, "_check_callback(self, callback, method)", "TypeError for coroutines and for what can't be called.")
{
  static const char *const tests[] = {"iscoroutine", "iscoroutinefunction"};
  for (size_t i = 0; i < ARRAY_LEN(tests); i++) {
    bool yes = false;
    Ref result = cd_asyncio_call(vm, "asyncio.coroutines", tests[i], &args[0], 1);
    bool ok = result && cd_truth(vm, result, &yes);
    cd_drop(vm, result);
    if (!ok) return NO_REF;
    if (yes) return cd_raise_type(vm, "coroutines cannot be used with %S()", args[1]);
  }
  if (!cd_is_callable(vm, args[0])) return cd_raise_type(vm, "a callable object was expected by %S(), got %R", args[1], args[0]);
  return cd_none();
}

static bool loop_check_running(VM *vm, Loop *loop)
{
  if (loop->running) return cd_raise_runtime(vm, "This event loop is already running");
  return !cd_bits(vm->thread->loop) || cd_raise_runtime(vm, "Cannot run the event loop while another loop is running");
}

METHOD(loop, _check_running, "_check_running(self)", NULL) { return loop_check_running(vm, cd_as_loop(self)) ? cd_none() : NO_REF; }

// ---- running ----

static Ref loop_hook(VM *vm, Value self, Value name)              // NO_REF without exception: there is none
{
  Ref hook = NO_REF;
  if (cd_getattr_find(vm, self, name, &hook) == FIND_ERROR) cd_clear_raised(vm);
  return hook;
}

static void loop_track_origins(VM *vm, Loop *loop, bool enabled)
{
  Thread *thread = vm->thread;
  if (loop->traced_origin == enabled) return;
  if (enabled) {
    loop->saved_origin_depth = thread->coroutine_origin_depth;
    thread->coroutine_origin_depth = DEBUG_STACK_DEPTH;
  } else {
    thread->coroutine_origin_depth = loop->saved_origin_depth;
  }
  loop->traced_origin = enabled;
}

bool cd_loop_begin_run(VM *vm, Loop *loop)
{
  Value self = cd_from_object(loop);
  if (!cd_loop_check_closed(vm, loop) || !loop_check_running(vm, loop) || !cd_loop_open(vm, loop)) return false;
  Thread *thread = vm->thread;
  Ref firstiter = loop_hook(vm, self, N(_asyncgen_firstiter_hook)), finalizer = loop_hook(vm, self, N(_asyncgen_finalizer_hook));
  loop_track_origins(vm, loop, loop->debug);
  cd_replace(vm, &loop->saved_firstiter, cd_take(&thread->asyncgen_firstiter));
  cd_replace(vm, &loop->saved_finalizer, cd_take(&thread->asyncgen_finalizer));
  thread->asyncgen_firstiter = firstiter;
  thread->asyncgen_finalizer = finalizer;
  loop->running = true;
  loop->polled_at = 0;
  loop->thread = thread;
  loop->thread_ident = thread->ident;
  cd_loop_set_running(vm, self);
  return true;
}

void cd_loop_end_run(VM *vm, Loop *loop)
{
  Thread *thread = vm->thread;
  Ref raised = cd_take_raised(vm);
  loop->stopping = false;
  loop->running = false;
  loop->thread = NULL;
  loop->thread_ident = 0;
  cd_loop_set_running(vm, NO_VALUE);
  loop_track_origins(vm, loop, false);
  cd_replace(vm, &thread->asyncgen_firstiter, cd_take(&loop->saved_firstiter));
  cd_replace(vm, &thread->asyncgen_finalizer, cd_take(&loop->saved_finalizer));
  cd_restore_raised(vm, raised);
}

static bool loop_turn(VM *vm, Loop *loop)
{
  if (LIKELY(!(cd_loop_overrides(vm, loop) & OVERRIDES_RUN_ONCE))) return cd_loop_run_once(vm, loop, -1);
  Ref result = cd_call_method0(vm, cd_from_object(loop), N(_run_once));
  cd_drop(vm, result);
  return result != NO_REF;
}

METHOD(loop, run_forever, "run_forever(self)", "Run until stop() is called.")
{
  Loop *loop = cd_as_loop(self);
  if (!cd_loop_begin_run(vm, loop)) return NO_REF;
  Ref keep = cd_dup(self);
  bool ok = true;
  do ok = loop_turn(vm, loop);
  while (ok && !loop->stopping);
  cd_loop_end_run(vm, loop);
  cd_drop(vm, keep);
  return ok ? cd_none() : NO_REF;
}

METHOD(loop, _run_once, "_run_once(self)", "One turn: wait for events, then call what is ready.")
{
  return cd_loop_run_once(vm, cd_as_loop(self), -1) ? cd_none() : NO_REF;
}

METHOD(loop, stop, "stop(self)", "Stop running.\n\nWhat is ready now will still be called.")
{
  cd_as_loop(self)->stopping = true;
  return cd_none();
}

static bool loop_future_is(VM *vm, Value future, const char *method, bool *out)
{
  Ref bound = cd_getattr_text(vm, future, method), result = bound ? cd_call0(vm, bound) : NO_REF;
  bool ok = result && cd_truth(vm, result, out);
  cd_drop(vm, bound);
  cd_drop(vm, result);
  return ok;
}

FUNCTION(loop, _run_until_complete_cb, "_run_until_complete_cb(fut, /)", NULL)
{
  bool cancelled;
  if (!loop_future_is(vm, args[0], "cancelled", &cancelled)) return NO_REF;
  if (!cancelled) {
    Ref method = cd_getattr_text(vm, args[0], "exception"), exception = method ? cd_call0(vm, method) : NO_REF;
    cd_drop(vm, method);
    if (!exception) return NO_REF;
    bool ends = cd_is_instance_of(vm, exception, vm->exc.SystemExit) || cd_is_instance_of(vm, exception, vm->exc.KeyboardInterrupt);
    cd_drop(vm, exception);
    if (ends) return cd_none();                  // run_forever() is on its way out with it
  }
  Ref loop = cd_asyncio_call(vm, "asyncio.futures", "_get_loop", &args[0], 1), stop = loop ? cd_getattr_text(vm, loop, "stop") : NO_REF;
  Ref result = stop ? cd_call0(vm, stop) : NO_REF;
  cd_drop(vm, loop);
  cd_drop(vm, stop);
  return result;
}

static Ref loop_ensure_future(VM *vm, Value self, Value awaitable, bool *is_new)
{
  Ref known = cd_asyncio_call(vm, "asyncio.futures", "isfuture", &awaitable, 1);
  bool is_future = false;
  if (!known || !cd_truth(vm, known, &is_future)) {
    cd_drop(vm, known);
    return NO_REF;
  }
  *is_new = !is_future;
  Ref ensure = cd_import_attr(vm, "asyncio.tasks", "ensure_future"), names = ensure ? cd_tuple1(vm, N(loop)) : NO_REF;
  Value args[2] = {awaitable, self};
  Ref future = names ? cd_call(vm, ensure, args, 1, names) : NO_REF;
  cd_drop(vm, ensure);
  cd_drop(vm, names);
  if (future && *is_new && !cd_setattr_text(vm, future, "_log_destroy_pending", cd_false())) cd_forget(vm, &future);
  return future;
}

// The run ended with an exception: if it is the new task's own, nobody else will ask the task for it.
static void loop_retrieve(VM *vm, Value future)
{
  Ref raised = cd_take_raised(vm);
  bool done = false, cancelled = true;
  if (loop_future_is(vm, future, "done", &done) && done && loop_future_is(vm, future, "cancelled", &cancelled) && !cancelled) {
    Ref method = cd_getattr_text(vm, future, "exception"), exception = method ? cd_call0(vm, method) : NO_REF;
    cd_drop(vm, method);
    cd_drop(vm, exception);
  }
  cd_restore_raised(vm, raised);
}

static bool loop_remove_callback(VM *vm, Value future, Value callback)
{
  Ref raised = cd_take_raised(vm), remove = cd_getattr_text(vm, future, "remove_done_callback");
  Ref result = remove ? cd_call1(vm, remove, callback) : NO_REF;
  cd_drop(vm, remove);
  cd_drop(vm, result);
  if (raised) cd_restore_raised(vm, raised);
  return result != NO_REF;
}

METHOD(loop, run_until_complete, "run_until_complete(self, future)",
       "Run until the future is done, and return its result or raise its exception.\n\nAn argument that is a coroutine becomes a task.")
{
  Loop *loop = cd_as_loop(self);
  if (!cd_loop_check_closed(vm, loop) || !loop_check_running(vm, loop)) return NO_REF;
  bool is_new = false, done = false;
  Ref future = loop_ensure_future(vm, self, args[0], &is_new), callback = NO_REF, added = NO_REF, ran = NO_REF, result = NO_REF;
  if (!future || !(callback = cd_native_new(vm, &loop__run_until_complete_cb_def, NO_VALUE, NO_VALUE)) ||
      !(added = cd_call_method1(vm, future, N(add_done_callback), callback)))
    goto end;
  Ref run = cd_getattr_text(vm, self, "run_forever");
  ran = run ? cd_call0(vm, run) : NO_REF;
  cd_drop(vm, run);
  if (!ran && is_new) loop_retrieve(vm, future);
  if (!loop_remove_callback(vm, future, callback) || !ran) goto end;
  if (!loop_future_is(vm, future, "done", &done)) goto end;
  if (!done) cd_raise_runtime(vm, "Event loop stopped before Future completed.");
  else result = cd_call_method0(vm, future, N(result));
end:
  cd_drop(vm, future);
  cd_drop(vm, callback);
  cd_drop(vm, added);
  cd_drop(vm, ran);
  return result;
}

METHOD(loop, is_running, "is_running(self)", "Return True if the loop runs.") { return cd_bool(cd_as_loop(self)->running); }
METHOD(loop, is_closed, "is_closed(self)", "Return True if the loop was closed.") { return cd_bool(cd_as_loop(self)->closed); }

// A default executor that run_in_executor() made is told, not waited for.
static bool loop_close_executor(VM *vm, Value self)
{
  Ref executor = NO_REF;
  Find found = cd_getattr_find(vm, self, vm->asyncio->default_executor_name, &executor);
  if (found == FIND_MISSING) return true;
  bool ok = found == FIND_HIT && cd_setattr_text(vm, self, "_executor_shutdown_called", cd_true());
  if (ok && !cd_is_none(executor)) {
    Ref wait = cd_intern(vm, "wait"), names = wait ? cd_tuple1(vm, wait) : NO_REF,
        shutdown = names ? cd_getattr_text(vm, executor, "shutdown") : NO_REF;
    ok = shutdown && cd_setattr(vm, self, vm->asyncio->default_executor_name, cd_none());
    Value args[1] = {cd_false()};
    Ref result = ok ? cd_call(vm, shutdown, args, 0, names) : NO_REF;
    ok = result != NO_REF;
    cd_drop(vm, wait);
    cd_drop(vm, names);
    cd_drop(vm, shutdown);
    cd_drop(vm, result);
  }
  cd_drop(vm, executor);
  return ok;
}

METHOD(loop, close, "close(self)",
       "Close the loop: what is scheduled is dropped.\n\nThe loop must not be running. Closing it again does nothing.")
{
  Loop *loop = cd_as_loop(self);
  if (loop->running) return cd_raise_runtime(vm, "Cannot close a running event loop");
  if (loop->closed) return cd_none();
  pthread_mutex_lock(&loop->post_lock);
  loop->closed = true;
  pthread_mutex_unlock(&loop->post_lock);
  loop_empty(vm, loop);
  cd_loop_io_clear(vm, loop);
  if (loop->opened) {
    loop->opened = false;
    loop->backend->close(vm, loop);
  }
  cd_loop_drop_posts(loop);
  return loop_close_executor(vm, self) ? cd_none() : NO_REF;
}

// ---- debug mode ----

METHOD(loop, get_debug, "get_debug(self)", NULL) { return cd_bool(cd_as_loop(self)->debug); }

METHOD(loop, set_debug, "set_debug(self, enabled)", NULL)
{
  Loop *loop = cd_as_loop(self);
  bool enabled;
  if (!cd_truth(vm, args[0], &enabled)) return NO_REF;
  loop->debug = enabled;
  if (loop->running && loop->thread == vm->thread) loop_track_origins(vm, loop, enabled);
  return cd_none();
}

// ---- futures and tasks ----

METHOD(loop, create_future, "create_future(self)", "Return a new Future of this loop.") { return cd_future_new(vm, self); }

static Ref loop_call_factory(VM *vm, Value self, Value factory, Value coro, Value context)
{
  Value args[3] = {self, coro, context};
  bool has_context = cd_bits(context) && !cd_is_none(context);
  return cd_call(vm, factory, args, 2, has_context ? vm->asyncio->context_keyword : NO_VALUE);
}

METHOD(loop, create_task, "create_task(self, coro, *, name=None, context=None)", "Have a coroutine run by the loop: return its Task.")
{
  Loop *loop = cd_as_loop(self);
  if (!cd_loop_check_closed(vm, loop)) return NO_REF;
  if (!cd_bits(loop->task_factory)) {
    Ref task = cd_task_new(vm, self, args[0], args[1], args[2]);
    FutureRest *rest = task ? cd_as_task(task)->rest : NULL;
    if (rest && cd_bits(rest->source_traceback) && !cd_setitem(vm, rest->source_traceback, cd_from_small(-1), NO_VALUE))
      cd_clear_raised(vm);
    return task;
  }
  Ref factory = cd_dup(loop->task_factory), task = loop_call_factory(vm, self, factory, args[0], args[2]);
  cd_drop(vm, factory);
  if (!task || !cd_bits(args[1]) || cd_is_none(args[1])) return task;
  Value all[2] = {task, args[1]};
  Ref named = cd_asyncio_call(vm, "asyncio.tasks", "_set_task_name", all, 2);
  cd_drop(vm, named);
  if (!named) cd_forget(vm, &task);
  return task;
}

METHOD(
  loop, set_task_factory, "set_task_factory(self, factory)",
  "Set what create_task() calls as factory(loop, coro).\n\nNone restores the default. The factory must return an object like a Future.")
{
  if (!cd_is_none(args[0]) && !cd_is_callable(vm, args[0])) return cd_raise_type(vm, "task factory must be a callable or None");
  cd_replace(vm, &cd_as_loop(self)->task_factory, cd_is_none(args[0]) ? NO_REF : cd_dup(args[0]));
  return cd_none();
}

METHOD(loop, get_task_factory, "get_task_factory(self)", "Return the task factory, or None for the default.")
{
  Value factory = cd_as_loop(self)->task_factory;
  return cd_bits(factory) ? cd_dup(factory) : cd_none();
}

static const MethodDef *const loop_methods[] = {
  &loop_call_soon_def, &loop_call_soon_threadsafe_def, &loop_call_at_def, &loop_call_later_def, &loop_time_def,
  &loop__timer_handle_cancelled_def, &loop__write_to_self_def, &loop__add_callback_def, &loop__check_closed_def, &loop__check_thread_def,
  &loop__check_callback_def, &loop__check_running_def, &loop_run_forever_def, &loop__run_once_def, &loop_stop_def,
  &loop_run_until_complete_def, &loop_is_running_def, &loop_is_closed_def, &loop_close_def, &loop_get_debug_def, &loop_set_debug_def,
  &loop_create_future_def, &loop_create_task_def, &loop_set_task_factory_def, &loop_get_task_factory_def, NULL};

// ---- attributes that asyncio's Python parts, and programs, look at ----

static Ref loop_get_thread_id(VM *vm, Value self)
{
  Loop *loop = cd_as_loop(self);
  return loop->running ? cd_int_from_u64(vm, loop->thread_ident) : cd_none();
}

// What is ready, as a list of handles: entries that never had one get one.
static Ref loop_get_ready(VM *vm, Value self)
{
  Loop *loop = cd_as_loop(self);
  Ref list = cd_list_new(vm);
  for (uint32_t i = 0; list && i < loop->count; i++) {
    Ready entry = loop->ring[(loop->first + i) & (loop->capacity - 1)];
    Ref item = NO_REF;
    if (cd_is(entry.argument, READY_HANDLE)) {
      item = cd_dup(entry.object);
    } else if (cd_is(entry.argument, READY_WAKE) || cd_is(entry.argument, READY_STEP)) {
      Ref method = cd_task_wakeup_method(vm, entry.object);
      if (method) item = cd_handle_new(vm, self, method, NULL, 0, cd_dup(cd_as_task(entry.object)->context));
      cd_drop(vm, method);
    } else {
      item = cd_handle_new(vm, self, entry.object, &entry.argument, 1, cd_dup(entry.context));
    }
    if (!cd_list_append_steal(vm, cd_as_list(list), item)) cd_forget(vm, &list);
  }
  return list;
}

static Ref loop_get_scheduled(VM *vm, Value self)
{
  Loop *loop = cd_as_loop(self);
  Ref list = cd_list_new(vm);
  for (uint32_t i = 0; list && i < loop->timers.count; i++) {
    Value owner = cd_from_object(loop->timers.slots[i].owner);
    if (!cd_is_future(vm, owner) && !cd_list_append(vm, cd_as_list(list), owner)) cd_forget(vm, &list);
  }
  return list;
}

static Ref loop_get_current_handle(VM *vm UNUSED, Value self)
{
  Value handle = cd_as_loop(self)->current_handle;
  return cd_bits(handle) ? cd_dup(handle) : cd_none();
}

static Ref loop_get_task_factory_attribute(VM *vm, Value self) { return loop_get_task_factory(vm, self, NULL); }
static Ref loop_get_stopping(VM *vm UNUSED, Value self) { return cd_bool(cd_as_loop(self)->stopping); }
static bool loop_set_stopping(VM *vm, Value self, Value value)
{
  if (!cd_bits(value)) return cd_raise(vm, vm->exc.AttributeError, "cannot delete attribute");
  return cd_truth(vm, value, &cd_as_loop(self)->stopping);
}

static const GetSetDef loop_getset[] = {
  {"_thread_id", NULL, loop_get_thread_id, NULL},
  {"_ready", NULL, loop_get_ready, NULL},
  {"_scheduled", NULL, loop_get_scheduled, NULL},
  {"_current_handle", NULL, loop_get_current_handle, NULL},
  {"_task_factory", NULL, loop_get_task_factory_attribute, NULL},
  {"_stopping", NULL, loop_get_stopping, loop_set_stopping},
  {0}};

static const MemberDef loop_members[] = {{"slow_callback_duration", offsetof(Loop, slow_callback_duration), MEMBER_DOUBLE, true,
                                          "Seconds; in debug mode a callback that takes longer is reported."},
                                         {"_clock_resolution", offsetof(Loop, clock_resolution), MEMBER_DOUBLE, true, NULL},
                                         {"_debug", offsetof(Loop, debug), MEMBER_BOOL8, false, NULL},
                                         {"_closed", offsetof(Loop, closed), MEMBER_BOOL8, false, NULL},
                                         {0}};

static Ref loop_repr(VM *vm, Value self)
{
  Loop *loop = cd_as_loop(self);
  return cd_str_format(vm, "<%U running=%s closed=%s debug=%s>", loop->head.type->name, loop->running ? "True" : "False",
                       loop->closed ? "True" : "False", loop->debug ? "True" : "False");
}

const TypeSpec cd_loop_spec = {
  .name = "_asyncio.Loop",
  .doc = "The native event loop: what is ready, timers, and the system's events.",
  .basicsize = sizeof(Loop),
  .flags = TYPE_BASE | TYPE_GC | TYPE_HAS_DICT | TYPE_HAS_WEAKREFS,
  .dict_offset = offsetof(Loop, attributes),
  .weaklist_offset = offsetof(Loop, weaklist),
  .methods = loop_methods,
  .getset = loop_getset,
  .members = loop_members,
  .slots = {.release = loop_release,
            .traverse = loop_traverse,
            .clear = loop_clear,
            .finalize = loop_finalize,
            .setattr = loop_setattr,
            .repr = loop_repr,
            .new_ = loop_new_slot,
            .init = loop_init_slot},
};
