// SPDX-License-Identifier: MIT
// event_loop.c: the engine of a loop: ready ring, timers, polling, calls from other threads; its Python face is in loop_type.c
#include "loop/loop.h"
#include "loop/watch.h"

#include "objects/context.h"
#include "objects/dict.h"
#include "objects/exception.h"
#include "objects/float.h"
#include "objects/function.h"
#include "objects/module.h"
#include "objects/protocol.h"
#include "objects/str.h"
#include "objects/tuple.h"
#include "objects/type.h"

#include <math.h>
#include <stdlib.h>
#include <time.h>

enum { RING_MIN = 64 };
#define POLL_PAUSE 50e-6   // seconds: so long a busy loop does not look at the system; a look costs as much as several turns
#define WAIT_MAX (INT64_C(86400) * 1000000000)   // one day: longer waits are taken in pieces

struct LoopPost {
  LoopPost *next;
  bool (*function)(VM *vm, Loop *loop, void *data);              // one of the two
  bool (*host_function)(VM *vm, void *data);
  void *data;
};

// ---- what is overridden ----

static const struct LoopMethod { uint8_t bit; const char *name; } loop_methods_watched[] = {
  {OVERRIDES_CALL_SOON, "call_soon"},         {OVERRIDES_RUN_ONCE, "_run_once"},       {OVERRIDES_GET_DEBUG, "get_debug"},
  {OVERRIDES_CREATE_FUTURE, "create_future"}, {OVERRIDES_CREATE_TASK, "create_task"},  {OVERRIDES_TIME, "time"},
  {OVERRIDES_CALL_AT, "call_at"},             {OVERRIDES_TIMER_CANCELLED, "_timer_handle_cancelled"}};

uint8_t cd_loop_override_bit(Value name)
{
  for (size_t i = 0; i < ARRAY_LEN(loop_methods_watched); i++)
    if (cd_str_is(name, loop_methods_watched[i].name)) return loop_methods_watched[i].bit;
  return 0;
}

uint8_t cd_loop_overrides_slow(VM *vm, Loop *loop)
{
  Type *type = loop->head.type;
  uint8_t overrides = 0;
  uint32_t version = cd_type_version(vm, type);
  Ref raised = cd_take_raised(vm);
  for (size_t i = 0; i < ARRAY_LEN(loop_methods_watched); i++) {
    Ref name = cd_intern(vm, loop_methods_watched[i].name);
    Value own = name ? cd_type_lookup_borrow(vm, vm->asyncio->loop, name) : NO_VALUE;
    if (!name || !cd_is(cd_type_lookup_borrow(vm, type, name), own)) overrides |= loop_methods_watched[i].bit;
    if (!name) cd_clear_raised(vm), version = 0;
    cd_drop(vm, name);
  }
  cd_restore_raised(vm, raised);
  loop->overrides = overrides;
  loop->checked_version = version;
  return overrides | loop->instance_overrides;
}

// ---- the ring ----

static bool loop_ring_grow(VM *vm, Loop *loop)
{
  if (loop->capacity >= UINT32_MAX / 2) return cd_raise_memory(vm);
  uint32_t capacity = loop->capacity ? loop->capacity * 2 : RING_MIN;
  Ready *ring = cd_realloc_table(vm, loop->ring, loop->capacity * sizeof *ring, capacity * sizeof *ring);
  if (!ring) return false;
  memcpy(ring + loop->capacity, ring, loop->first * sizeof *ring);     // it was full: what had wrapped round goes on behind
  loop->ring = ring;
  loop->capacity = capacity;
  return true;
}

bool cd_loop_push(VM *vm, Loop *loop, Ref object, Ref argument, Ref context)
{
  if (UNLIKELY(loop->count == loop->capacity) && !loop_ring_grow(vm, loop)) {
    cd_drop(vm, object);
    cd_drop(vm, argument);
    cd_drop(vm, context);
    return false;
  }
  loop->ring[(loop->first + loop->count++) & (loop->capacity - 1)] = (Ready){object, argument, context};
  if (UNLIKELY(atomic_load_explicit(&loop->polling, memory_order_relaxed))) cd_loop_wake(loop);
  return true;
}

bool cd_loop_call_soon(VM *vm, Value loop, Value callback, Value argument, Ref context)
{
  Ref its = context ? context : cd_context_snapshot(vm);
  if (cd_is_loop(vm, loop) && cd_loop_is_direct(vm, cd_as_loop(loop)))
    return cd_loop_push(vm, cd_as_loop(loop), cd_dup(callback), cd_dup(argument), its);
  Ref whole = cd_context_of_snapshot(vm, its), method = whole ? cd_getattr(vm, loop, N(call_soon)) : NO_REF, result = NO_REF;
  Value args[3] = {callback, argument, whole};
  if (method) result = cd_call(vm, method, args, 2, vm->asyncio->context_keyword);
  cd_drop(vm, its);
  cd_drop(vm, whole);
  cd_drop(vm, method);
  cd_drop(vm, result);
  return result != NO_REF;
}

// ---- reports ----

static bool loop_ends_run(VM *vm) { return cd_raised_is(vm, vm->exc.KeyboardInterrupt) || cd_raised_is(vm, vm->exc.SystemExit); }

// `context` is stolen; `exception` is what it tells of, for loops that have no such method.
static bool loop_call_exception_handler(VM *vm, Value loop, Ref context, Value exception)
{
  Ref method = NO_REF;
  Find found = context ? cd_getattr_find(vm, loop, N(call_exception_handler), &method) : FIND_ERROR;
  if (found == FIND_MISSING) {
    cd_drop(vm, context);
    cd_restore_raised(vm, cd_dup(exception));
    cd_write_unraisable(vm, loop);
    return true;
  }
  Ref result = found == FIND_HIT ? cd_call1(vm, method, context) : NO_REF;
  cd_drop(vm, method);
  cd_drop(vm, context);
  cd_drop(vm, result);
  if (result) return true;
  if (loop_ends_run(vm)) return false;
  cd_write_unraisable(vm, loop);
  return true;
}

bool cd_loop_report(VM *vm, Value loop, const char *key, Value value, const char *message, ...)
{
  if (loop_ends_run(vm)) return false;
  Ref exception = cd_take_raised(vm);
  va_list list;
  va_start(list, message);
  Ref text = cd_str_vformat(vm, message, list), context = text ? cd_dict_new(vm) : NO_REF;
  va_end(list);
  bool ok = context && cd_dict_set_text(vm, context, "message", text) &&
            (!exception || cd_dict_set_text(vm, context, "exception", exception)) && (!key || cd_dict_set_text(vm, context, key, value));
  if (!ok) cd_forget(vm, &context);
  ok = loop_call_exception_handler(vm, loop, context, exception ? exception : cd_none());
  cd_drop(vm, text);
  cd_drop(vm, exception);
  return ok;
}

static Ref loop_callback_source(VM *vm, Value handle)
{
  Ref callback = cd_getattr_text(vm, handle, "_callback"), args = callback ? cd_getattr_text(vm, handle, "_args") : NO_REF;
  Value all[2] = {callback, args};
  Ref text = args ? cd_asyncio_call(vm, "asyncio.format_helpers", "_format_callback_source", all, 2) : NO_REF;
  cd_drop(vm, callback);
  cd_drop(vm, args);
  return text;
}

bool cd_loop_report_callback(VM *vm, Value loop, Value handle, Value callback)
{
  if (loop_ends_run(vm)) return false;
  Ref exception = cd_take_raised(vm);
  Ref its = cd_bits(handle) ? cd_dup(handle) : cd_handle_new(vm, loop, callback, NULL, 0, NO_REF);
  Ref source = its ? loop_callback_source(vm, its) : NO_REF, text = source ? cd_str_format(vm, "Exception in callback %S", source) : NO_REF;
  Ref context = text ? cd_dict_new(vm) : NO_REF;
  bool ok = context && cd_dict_set_text(vm, context, "message", text) && cd_dict_set_text(vm, context, "exception", exception) &&
            cd_dict_set_text(vm, context, "handle", its);
  if (ok && cd_bits(cd_as_handle(its)->source_traceback))
    ok = cd_dict_set_text(vm, context, "source_traceback", cd_as_handle(its)->source_traceback);
  if (!ok) cd_forget(vm, &context);
  ok = loop_call_exception_handler(vm, loop, context, exception);
  cd_drop(vm, its);
  cd_drop(vm, source);
  cd_drop(vm, text);
  cd_drop(vm, exception);
  return ok;
}

bool cd_loop_run_callback(VM *vm, Loop *loop, Value callback, const Value *args, size_t nargs, Value context)
{
  Ref entered = NO_REF, result = NO_REF, keep = cd_dup_object(loop);
  if (!cd_bits(context) || cd_loop_enter_context(vm, context, &entered)) {
    result = cd_call(vm, callback, args, nargs, NO_VALUE);
    if (entered) cd_loop_leave_context(vm, entered);
  }
  cd_drop(vm, result);
  bool ok = result || cd_loop_report_callback(vm, keep, NO_VALUE, callback);
  cd_drop(vm, keep);
  return ok;
}

// ---- other threads ----

void cd_loop_wake(Loop *loop)
{
  if (loop->opened) loop->backend->wake(loop);
  if (loop->host_wake) loop->host_wake(loop->host_wake_data);
}

static bool loop_add_post(Loop *loop, LoopPost what)
{
  LoopPost *post = malloc(sizeof *post);         // no VM lock here, so none of its memory
  if (!post) return false;
  *post = what;
  pthread_mutex_lock(&loop->post_lock);
  bool closed = loop->closed;
  if (!closed) {
    *loop->posts_end = post;
    loop->posts_end = &post->next;
    cd_loop_wake(loop);
  }
  pthread_mutex_unlock(&loop->post_lock);
  if (closed) free(post);
  return !closed;
}

bool cd_loop_post(Loop *loop, bool (*function)(VM *vm, Loop *loop, void *data), void *data)
{
  return loop_add_post(loop, (LoopPost){.function = function, .data = data});
}
bool cd_loop_post_host(Loop *loop, bool (*function)(VM *vm, void *data), void *data)
{
  return loop_add_post(loop, (LoopPost){.host_function = function, .data = data});
}

static bool loop_run_posts(VM *vm, Loop *loop)
{
  pthread_mutex_lock(&loop->post_lock);
  LoopPost *posts = loop->posts;
  loop->posts = NULL;
  loop->posts_end = &loop->posts;
  pthread_mutex_unlock(&loop->post_lock);
  bool ok = true;
  while (posts) {
    LoopPost *post = posts;
    posts = post->next;
    if (ok) {
      ok = post->function ? post->function(vm, loop, post->data) : post->host_function(vm, post->data);
      free(post);
      continue;
    }
    pthread_mutex_lock(&loop->post_lock);        // the run ends here: the others keep their place
    post->next = loop->posts;
    if (!loop->posts) loop->posts_end = &post->next;
    loop->posts = post;
    pthread_mutex_unlock(&loop->post_lock);
  }
  return ok;
}

void cd_loop_drop_posts(Loop *loop)
{
  pthread_mutex_lock(&loop->post_lock);
  while (loop->posts) {
    LoopPost *post = loop->posts;
    loop->posts = post->next;
    free(post);
  }
  loop->posts_end = &loop->posts;
  pthread_mutex_unlock(&loop->post_lock);
}

// ---- time ----

double cd_loop_now(void)
{
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

bool cd_loop_time(VM *vm, Loop *loop, double *out)
{
  *out = 0;
  if (LIKELY(!(cd_loop_overrides(vm, loop) & OVERRIDES_TIME))) {
    *out = cd_loop_now();
    return true;
  }
  Ref now = cd_call_method0(vm, cd_from_object(loop), N(time));
  bool ok = now && cd_to_double(vm, now, out);
  cd_drop(vm, now);
  return ok;
}

bool cd_loop_next_deadline(const Loop *loop, double *when)
{
  if (!loop->timers.count) return false;
  *when = loop->timers.slots[0].when;
  return true;
}

// ---- contexts of callbacks ----

// Most callbacks have a snapshot and leave nothing behind that refers to the Context made of it: the same object serves them in turn.
bool cd_loop_enter_context(VM *vm, Value context, Ref *entered)
{
  Value *spare = &vm->asyncio->spare_context;
  if (!cd_bits(*spare) || !(cd_is_none(context) || cd_is_exact(context, vm->types.context_map)))
    return cd_context_begin(vm, context, entered);
  Context *c = (Context *)cd_object(*spare);
  *entered = cd_take(spare);
  if (!cd_is_none(context)) c->vars = cd_dup(context);
  return cd_context_enter(vm, *entered);         // it is entered nowhere: succeeds
}

void cd_loop_shed_context(VM *vm, Value *slot)
{
  Context *c = (Context *)cd_object(*slot);
  if (c->head.refcount == 3 && !c->weaklist) cd_replace(vm, slot, cd_bits(c->vars) ? cd_dup(c->vars) : cd_none());
}

void cd_loop_leave_context(VM *vm, Ref entered)
{
  Context *c = (Context *)cd_object(entered);
  cd_context_exit(vm, entered);
  if (c->head.refcount == 1 && !c->weaklist && vm->asyncio && !cd_bits(vm->asyncio->spare_context)) {
    vm->asyncio->spare_context = entered;
    cd_clear(vm, &c->vars);
  } else {
    cd_drop(vm, entered);
  }
}

// ---- one turn ----

// Nanoseconds that polling may take; negative: no limit.
static bool loop_timeout(VM *vm, Loop *loop, int64_t max_wait, int64_t *out)
{
  *out = 0;
  if (loop->count || loop->stopping || loop->posts) return true;
  *out = max_wait;
  if (!loop->timers.count) return true;
  double now;
  if (!cd_loop_time(vm, loop, &now)) return false;
  double seconds = loop->timers.count ? loop->timers.slots[0].when - now : 0;
  int64_t wait = !(seconds > 0) ? 0 : seconds * 1e9 >= (double)WAIT_MAX ? WAIT_MAX : (int64_t)ceil(seconds * 1e9);
  if (max_wait < 0 || wait < max_wait) *out = wait;
  return true;
}

static bool loop_poll(VM *vm, Loop *loop, int64_t timeout)
{
  bool main_thread = vm->thread == vm->threads;
  atomic_store(&loop->polling, true);
  if (main_thread) {
    atomic_store(&vm->wake_loop, cd_loop_wake);
    atomic_store(&vm->polling_loop, loop);
  }
  // From here on whatever happens wakes the backend; what happened before must not be slept over.
  if (atomic_load(&vm->breaker) & ~(unsigned)BREAK_SWITCH) timeout = 0;
  bool ok = loop->backend->poll(vm, loop, timeout);
  if (main_thread) atomic_store(&vm->polling_loop, NULL);
  atomic_store(&loop->polling, false);           // before callbacks run: what they make ready needs no wake-up
  return ok && (!loop->io || cd_watch_dispatch(vm, loop));
}

static bool loop_take_due(VM *vm, Loop *loop)
{
  if (!loop->timers.count) return true;
  double end;
  if (!cd_loop_time(vm, loop, &end)) return false;
  end += loop->clock_resolution;
  while (loop->timers.count && loop->timers.slots[0].when < end) {
    Ref timer = cd_timer_heap_pop(vm, &loop->timers);
    bool sleep = cd_is_exact(timer, vm->asyncio->sleep);
    if (!sleep) cd_as_timer(timer)->scheduled = false;
    if (!cd_loop_push(vm, loop, timer, sleep ? READY_SLEEP : READY_HANDLE, NO_REF)) return false;
  }
  return true;
}

static bool loop_run_slow_handle(VM *vm, Loop *loop, Value handle);

static bool loop_run_handle(VM *vm, Loop *loop, Value handle)
{
  Handle *h = cd_as_handle(handle);
  if (UNLIKELY(h->cancelled)) return true;
  if (UNLIKELY(loop->debug)) return loop_run_slow_handle(vm, loop, handle);
  Type *type = h->head.type;
  if (LIKELY(type == vm->asyncio->handle || type == vm->asyncio->timer_handle)) return cd_handle_run(vm, handle);
  Ref result = cd_call_method0(vm, handle, N(_run));
  cd_drop(vm, result);
  return result != NO_REF;
}

// Debug mode: which handle runs is known, and one that takes long is reported.
static bool loop_run_slow_handle(VM *vm, Loop *loop, Value handle)
{
  cd_replace(vm, &loop->current_handle, cd_dup(handle));
  double start, end;
  Ref result = cd_loop_time(vm, loop, &start) ? cd_call_method0(vm, handle, N(_run)) : NO_REF;
  cd_clear(vm, &loop->current_handle);
  cd_drop(vm, result);
  if (!result || !cd_loop_time(vm, loop, &end)) return false;
  if (end - start < loop->slow_callback_duration) return true;
  Ref text = cd_asyncio_call(vm, "asyncio.base_events", "_format_handle", &handle, 1);
  Ref logger = text ? cd_import_attr(vm, "asyncio.log", "logger") : NO_REF,
      warning = logger ? cd_getattr_text(vm, logger, "warning") : NO_REF;
  Ref format = warning ? cd_str_from(vm, "Executing %s took %.3f seconds") : NO_REF, took = format ? cd_float_new(vm, end - start) : NO_REF;
  Ref logged = took ? cd_call3(vm, warning, format, text, took) : NO_REF;
  cd_drop(vm, text);
  cd_drop(vm, logger);
  cd_drop(vm, warning);
  cd_drop(vm, format);
  cd_drop(vm, took);
  cd_drop(vm, logged);
  return logged != NO_REF;
}

static bool loop_run_call(VM *vm, Loop *loop, const Ready *entry)
{
  Ref entered, result = NO_REF;
  if (cd_is_exact(entry->object, vm->asyncio->gathering)) {
    if (cd_gather_child_done(vm, entry->object, entry->argument)) return true;
  } else if (UNLIKELY(cd_context_is_foreign(vm, entry->context))) {
    Ref args = cd_tuple1(vm, entry->argument);
    result = args ? cd_context_run_foreign(vm, entry->context, entry->object, args) : NO_REF;
    cd_drop(vm, args);
  } else if (cd_loop_enter_context(vm, entry->context, &entered)) {
    result = cd_call1(vm, entry->object, entry->argument);
    cd_loop_leave_context(vm, entered);
  }
  cd_drop(vm, result);
  if (LIKELY(result)) return true;
  if (loop_ends_run(vm)) return false;
  Ref raised = cd_take_raised(vm);
  Ref handle = cd_handle_new(vm, cd_from_object(loop), entry->object, &entry->argument, 1, cd_dup(entry->context));
  if (!handle) {
    cd_drop(vm, raised);
    return false;
  }
  cd_restore_raised(vm, raised);
  bool ok = cd_loop_report_callback(vm, cd_from_object(loop), handle, NO_VALUE);
  cd_drop(vm, handle);
  return ok;
}

static bool loop_run_task(VM *vm, Loop *loop, Value task, bool wake)
{
  if (LIKELY(cd_task_run_step(vm, task, wake))) return true;
  if (loop_ends_run(vm)) return false;
  Ref raised = cd_take_raised(vm), method = cd_task_wakeup_method(vm, task);
  cd_restore_raised(vm, raised);
  bool ok = method && cd_loop_report_callback(vm, cd_from_object(loop), NO_VALUE, method);
  cd_drop(vm, method);
  return ok;
}

static bool loop_run_entry(VM *vm, Loop *loop, const Ready *entry)
{
  if (cd_is(entry->argument, READY_WAKE)) return loop_run_task(vm, loop, entry->object, true);
  if (cd_is(entry->argument, READY_STEP)) return loop_run_task(vm, loop, entry->object, false);
  if (cd_is(entry->argument, READY_HANDLE)) return loop_run_handle(vm, loop, entry->object);
  if (cd_is(entry->argument, READY_SLEEP)) return cd_sleep_over(vm, entry->object);
  return loop_run_call(vm, loop, entry);
}

// A burst is over: most of a large ring is given back.
static void loop_ring_shrink(VM *vm, Loop *loop)
{
  uint32_t capacity = loop->capacity / 4;
  Ready *ring = cd_alloc_array(vm, capacity, sizeof *ring);
  if (!ring) {
    cd_clear_raised(vm);
    return;
  }
  for (uint32_t i = 0; i < loop->count; i++) ring[i] = loop->ring[(loop->first + i) & (loop->capacity - 1)];
  cd_free(vm, loop->ring, loop->capacity * sizeof *ring);
  loop->ring = ring;
  loop->capacity = capacity;
  loop->first = 0;
}

// Runs what is ready now; what that makes ready waits for the next turn.
static bool loop_run_ready(VM *vm, Loop *loop)
{
  for (uint32_t n = loop->count; n && loop->count; n--) {
    Ready entry = loop->ring[loop->first];
    loop->first = (loop->first + 1) & (loop->capacity - 1);
    loop->count--;
    bool ok = loop_run_entry(vm, loop, &entry);
    cd_ready_drop(vm, &entry);
    if (UNLIKELY(!ok)) return false;
  }
  return true;
}

// A loop that has entries to run polls when the pause is over, and in the first turn of a run.
static bool loop_should_poll(Loop *loop)
{
  if (!loop->count) return true;
  if (!loop->backend->is_watching(loop)) return false;
  double now = cd_loop_now();
  if (now - loop->polled_at < POLL_PAUSE) return false;
  loop->polled_at = now;
  return true;
}

bool cd_loop_run_once(VM *vm, Loop *loop, int64_t max_wait)
{
  int64_t timeout;
  if (!cd_poll(vm) || !cd_loop_open(vm, loop) || !loop_timeout(vm, loop, max_wait, &timeout)) return false;
  if (loop_should_poll(loop) && (!loop_poll(vm, loop, timeout) || !cd_poll(vm))) return false;
  if (UNLIKELY(loop->posts != NULL) && !loop_run_posts(vm, loop)) return false;
  if (UNLIKELY(loop->capacity > RING_MIN * 16) && loop->count < loop->capacity / 16) loop_ring_shrink(vm, loop);
  return loop_take_due(vm, loop) && loop_run_ready(vm, loop);
}

bool cd_loop_open(VM *vm, Loop *loop)
{
  if (LIKELY(loop->opened)) return true;
  if (!cd_loop_check_closed(vm, loop)) return false;
  loop->opened = loop->backend->open(vm, loop);
  return loop->opened;
}

// ---- the running loop ----

Ref cd_loop_running(VM *vm) { return cd_bits(vm->thread->loop) ? cd_dup(vm->thread->loop) : NO_REF; }

void cd_loop_set_running(VM *vm, Value loop)
{
  cd_replace(vm, &vm->thread->loop, cd_bits(loop) && !cd_is_none(loop) ? cd_dup(loop) : NO_REF);
}

void cd_loop_after_fork(VM *vm)
{
  Value running = vm->thread->loop;
  atomic_store(&vm->polling_loop, NULL);
  if (!cd_bits(running)) return;
  if (cd_is_loop(vm, running)) {
    Loop *loop = cd_as_loop(running);
    if (loop->opened && loop->backend->after_fork) loop->backend->after_fork(vm, loop);
  }
  cd_clear(vm, &vm->thread->loop);
}

Ref cd_loop_get_running(VM *vm)
{
  Ref loop = cd_loop_running(vm);
  return loop ? loop : cd_raise_runtime(vm, "no running event loop");
}

bool cd_loop_check_closed(VM *vm, Loop *loop) { return !loop->closed || cd_raise_runtime(vm, "Event loop is closed"); }

bool cd_loop_check_thread(VM *vm, Loop *loop)
{
  if (!loop->running || loop->thread_ident == vm->thread->ident) return true;
  return cd_raise_runtime(vm, "Non-thread-safe operation invoked on an event loop other than the current one");
}

// ---- hosts ----

bool cd_loop_step(VM *vm, Loop *loop, int64_t max_wait, bool *more)
{
  Ref outer = cd_loop_running(vm), keep = cd_dup_object(loop);
  if (outer && !cd_is(outer, keep)) {
    cd_drop(vm, outer);
    cd_drop(vm, keep);
    return cd_raise_runtime(vm, "Cannot run the event loop while another loop is running");
  }
  bool nested = outer != NO_REF, ok = nested || cd_loop_begin_run(vm, loop);
  cd_drop(vm, outer);
  if (ok) {
    ok = cd_loop_run_once(vm, loop, max_wait);
    if (!nested) cd_loop_end_run(vm, loop);
  }
  *more = loop->count != 0;
  cd_drop(vm, keep);
  return ok;
}
