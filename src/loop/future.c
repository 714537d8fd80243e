// SPDX-License-Identifier: MIT
// future.c: Future: a result that comes later, and what is called when it has come
#include "loop/loop.h"

#include "objects/context.h"
#include "objects/dict.h"
#include "objects/exception.h"
#include "objects/function.h"
#include "objects/generic_alias.h"
#include "objects/list.h"
#include "objects/module.h"
#include "objects/protocol.h"
#include "objects/set.h"
#include "objects/str.h"
#include "objects/tuple.h"
#include "objects/type.h"
#include "objects/weakref.h"

// While it is pending, `callback` and `callback_context` are the first callback. Afterwards both are empty, but that a failed future keeps
// in `callback_context` the traceback that its exception had when it was set: result() begins with that one.

typedef struct FutureIter {
  Object head;
  Value future;                                  // owned; NO_VALUE: finished
} FutureIter;

// ---- birth and death ----

bool cd_is_future(VM *vm, Value v)
{
  if (!cd_is_object(v) || !vm->asyncio) return false;
  const TypeSpec *spec = cd_object(v)->type->spec;
  return spec == &cd_future_spec || spec == &cd_task_spec || spec == &cd_gathering_spec || spec == &cd_sleep_spec ||
         spec == &cd_waiting_spec;
}

FutureRest *cd_future_rest(VM *vm, Future *future)
{
  if (!future->rest) future->rest = cd_alloc_zeroed(vm, sizeof(FutureRest));
  return future->rest;
}

static void future_free_callbacks(VM *vm, FutureRest *rest)
{
  Value *callbacks = rest->callbacks;
  uint32_t count = rest->count, capacity = rest->capacity;
  rest->callbacks = NULL;
  rest->count = rest->capacity = 0;
  for (uint32_t i = 0; i < count; i++) cd_clear(vm, &callbacks[i]);
  cd_free(vm, callbacks, capacity * sizeof(Value));
}

static void future_clear_rest(VM *vm, Future *future)
{
  FutureRest *rest = future->rest;
  if (!rest) return;
  future->rest = NULL;
  future_free_callbacks(vm, rest);
  cd_clear(vm, &rest->cancel_message);
  cd_clear(vm, &rest->cancelled_error);
  cd_clear(vm, &rest->source_traceback);
  cd_clear(vm, &rest->awaited_by);
  cd_hold_clear(vm, rest->hold);
  cd_free(vm, rest, sizeof *rest);
}

void cd_future_clear(VM *vm, Object *self)
{
  Future *future = (Future *)self;
  cd_clear(vm, &future->loop);
  cd_clear(vm, &future->value);
  cd_clear(vm, &future->callback);
  cd_clear(vm, &future->callback_context);
  future_clear_rest(vm, future);
}

void cd_future_release(VM *vm, Object *self) { cd_future_clear(vm, self); }

void cd_future_traverse(Object *self, VisitFn visit, void *context)
{
  Future *future = (Future *)self;
  visit(context, future->loop);
  visit(context, future->value);
  visit(context, future->callback);
  visit(context, future->callback_context);
  FutureRest *rest = future->rest;
  if (!rest) return;
  for (uint32_t i = 0; i < rest->count; i++) visit(context, rest->callbacks[i]);
  visit(context, rest->cancel_message);
  visit(context, rest->cancelled_error);
  visit(context, rest->source_traceback);
  visit(context, rest->awaited_by);
  cd_hold_traverse(rest->hold, visit, context);
}

static Ref future_new_slot(VM *vm, Type *type, const Value *args UNUSED, size_t nargs UNUSED, Value kwnames UNUSED)
{
  return cd_from_object(cd_instance_new(vm, type));
}

// loop.get_debug() of any loop
static bool future_loop_debug(VM *vm, Value loop, bool *out)
{
  if (cd_is_loop(vm, loop) && !(cd_loop_overrides(vm, cd_as_loop(loop)) & OVERRIDES_GET_DEBUG)) {
    *out = cd_as_loop(loop)->debug;
    return true;
  }
  Ref debug = cd_call_method0(vm, loop, N(get_debug));
  bool ok = debug && cd_truth(vm, debug, out);
  cd_drop(vm, debug);
  return ok;
}

static bool future_init_traceback(VM *vm, Future *future)
{
  Ref extract = cd_import_attr(vm, "traceback", "extract_stack"), stack = extract ? cd_call0(vm, extract) : NO_REF;
  cd_drop(vm, extract);
  FutureRest *rest = stack ? cd_future_rest(vm, future) : NULL;
  if (!rest) {
    cd_drop(vm, stack);
    return false;
  }
  cd_replace(vm, &rest->source_traceback, stack);
  return true;
}

bool cd_future_init(VM *vm, Value self, Value loop)
{
  Future *future = cd_as_future(self);
  Ref found = cd_bits(loop) && !cd_is_none(loop) ? cd_dup(loop) : cd_asyncio_get_event_loop(vm);
  if (!found) return false;
  Ref old = cd_take(&future->value), callback = cd_take(&future->callback), context = cd_take(&future->callback_context);
  future->state = FUTURE_PENDING;
  future->failed = future->blocking = future->log_traceback = false;
  cd_drop(vm, old);
  cd_drop(vm, callback);
  cd_drop(vm, context);
  future_clear_rest(vm, future);
  future->native_loop = cd_is_loop(vm, found);
  cd_replace(vm, &future->loop, found);
  bool debug = false;
  return future_loop_debug(vm, found, &debug) && (!debug || future_init_traceback(vm, future));
}

bool cd_future_refuse_init(VM *vm, Value self, const Value *args UNUSED, size_t nargs UNUSED, Value kwnames UNUSED)
{
  return cd_raise_type(vm, "cannot create '%T' instances", self);
}

static bool future_init_slot(VM *vm, Value self, const Value *args, size_t nargs, Value kwnames)
{
  Value bound[1];
  Ref owned[2] = {NO_REF, NO_REF};
  const TypeSpec *spec = cd_object(self)->type->spec;
  if (spec != &cd_future_spec && spec != &cd_task_spec) return cd_future_refuse_init(vm, self, args, nargs, kwnames);
  if (!cd_bind_text(vm, "Future(*, loop=None)", args, nargs, kwnames, bound, owned)) return false;
  return cd_future_init(vm, self, bound[0]);
}

Ref cd_future_new(VM *vm, Value loop)
{
  Future *future = cd_object_new(vm, vm->asyncio->future, sizeof(Future));
  if (!future) return NO_REF;
  Ref self = cd_from_object(future);
  if (cd_is_loop(vm, loop) && !cd_as_loop(loop)->debug) {
    future->loop = cd_dup(loop);
    future->native_loop = true;
    return self;
  }
  if (cd_future_init(vm, self, loop)) return self;
  cd_drop(vm, self);
  return NO_REF;
}

static bool future_check_alive(VM *vm, Future *future)
{
  return cd_bits(future->loop) || cd_raise_runtime(vm, "Future object is not initialized.");
}

// ---- reporting ----

static bool future_context_add(VM *vm, Ref *context, const char *key, Value value)
{
  if (*context && !cd_dict_set_text(vm, *context, key, value)) cd_forget(vm, context);
  return *context != NO_REF;
}

void cd_future_report_unretrieved(VM *vm, Value self)
{
  Future *future = cd_as_future(self);
  if (!future->log_traceback || !cd_bits(future->loop)) return;
  future->log_traceback = false;
  Ref raised = cd_take_raised(vm), context = cd_dict_new(vm);
  Ref message = cd_str_format(vm, "%U exception was never retrieved", future->head.type->name);
  if (message && future_context_add(vm, &context, "message", message) && future_context_add(vm, &context, "exception", future->value) &&
      future_context_add(vm, &context, "future", self) && future->rest && cd_bits(future->rest->source_traceback))
    future_context_add(vm, &context, "source_traceback", future->rest->source_traceback);
  Ref result = message && context ? cd_call_method1(vm, future->loop, N(call_exception_handler), context) : NO_REF;
  if (!result) cd_write_unraisable(vm, future->loop);
  cd_drop(vm, message);
  cd_drop(vm, context);
  cd_drop(vm, result);
  cd_restore_raised(vm, raised);
}

static void future_finalize(VM *vm, Value self) { cd_future_report_unretrieved(vm, self); }

// The usual end: nothing to report, no attributes, no weak references.
static bool future_retire(VM *vm, Object *self)
{
  Future *future = (Future *)self;
  Type *type = self->type;
  if (!vm->asyncio || type != vm->asyncio->future || future->log_traceback || future->weaklist || future->attributes.shape ||
      cd_bits(future->attributes.dict))
    return false;
  cd_gc_untrack(vm, self);
  Ref loop = cd_take(&future->loop), value = cd_take(&future->value), callback = cd_take(&future->callback),
      context = cd_take(&future->callback_context);
  if (future->rest) future_clear_rest(vm, future);
  cd_free(vm, future, sizeof(Future) + future->attributes.inline_capacity * sizeof(Value));
  cd_drop(vm, callback);
  cd_drop(vm, context);
  cd_drop(vm, value);
  cd_drop(vm, loop);
  cd_drop_object(vm, type);
  return true;
}

// ---- callbacks ----

static bool future_append_callback(VM *vm, Future *future, Value callback, Ref context)
{
  if (!cd_bits(future->callback) && !(future->rest && future->rest->count)) {
    future->callback = cd_dup(callback);
    future->callback_context = context;
    return true;
  }
  FutureRest *rest = cd_future_rest(vm, future);
  if (rest && rest->count == rest->capacity) {
    uint32_t capacity = rest->capacity ? rest->capacity * 2 : 4;
    Value *callbacks = cd_realloc(vm, rest->callbacks, rest->capacity * sizeof(Value), capacity * sizeof(Value));
    if (!callbacks) rest = NULL;
    else rest->callbacks = callbacks, rest->capacity = capacity;
  }
  if (!rest) {
    cd_drop(vm, context);
    return false;
  }
  rest->callbacks[rest->count++] = cd_dup(callback);
  rest->callbacks[rest->count++] = context;
  return true;
}

bool cd_future_add_callback(VM *vm, Value self, Value callback, Ref context)
{
  Future *future = cd_as_future(self);
  if (future->state == FUTURE_PENDING) return future_append_callback(vm, future, callback, context);
  return cd_loop_call_soon(vm, future->loop, callback, self, context);
}

// A waiting task has no context here: its own is used.
static bool future_call_back(VM *vm, Future *future, Ref callback, Ref context)
{
  Value loop = future->loop, self = cd_from_object(future);
  bool ok;
  if (cd_bits(context)) {
    ok = cd_loop_call_soon(vm, loop, callback, self, context);
  } else if (future->native_loop && cd_loop_is_direct(vm, cd_as_loop(loop))) {
    return cd_loop_push(vm, cd_as_loop(loop), callback, READY_WAKE, NO_REF);
  } else {
    Ref method = cd_task_wakeup_method(vm, callback);
    Ref its = method ? cd_task_context(vm, callback) : NO_REF;
    ok = its && cd_loop_call_soon(vm, loop, method, self, its);
    cd_drop(vm, method);
  }
  cd_drop(vm, callback);
  return ok;
}

bool cd_future_schedule(VM *vm, Future *future)
{
  if (UNLIKELY(future->is_sleep)) cd_sleep_leave(vm, future);
  Ref callback = cd_take(&future->callback), context = cd_take(&future->callback_context);
  FutureRest *rest = future->rest;
  uint32_t count = 0, capacity = 0;
  Value *callbacks = NULL;
  if (rest && rest->count) {
    callbacks = rest->callbacks, count = rest->count, capacity = rest->capacity;
    rest->callbacks = NULL;
    rest->count = rest->capacity = 0;
  }
  bool ok = !callback || future_call_back(vm, future, callback, context);
  for (uint32_t i = 0; i < count; i += 2) {
    Ref next = cd_take(&callbacks[i]), its = cd_take(&callbacks[i + 1]);
    if (ok) {
      ok = future_call_back(vm, future, next, its);
    } else {
      cd_drop(vm, next);
      cd_drop(vm, its);
    }
  }
  cd_free(vm, callbacks, capacity * sizeof(Value));
  return ok;
}

// ---- results ----

static bool future_raise_state(VM *vm, const char *text)
{
  Value type = cd_invalid_state_error_borrow(vm);
  if (type) cd_raise(vm, cd_as_type(type), "%s", text);
  return false;
}

static void future_raise_unset(VM *vm, const Future *future, const char *text)
{
  future_raise_state(vm, cd_bits(future->loop) ? text : "Future object is not initialized.");
}

bool cd_future_set_result(VM *vm, Value self, Value result)
{
  Future *future = cd_as_future(self);
  if (!future_check_alive(vm, future)) return false;
  if (future->state != FUTURE_PENDING) return future_raise_state(vm, "invalid state");
  cd_replace(vm, &future->value, cd_dup(result));
  future->state = FUTURE_FINISHED;
  return cd_future_schedule(vm, future);
}

bool cd_future_set_exception(VM *vm, Value self, Value exception)
{
  Future *future = cd_as_future(self);
  if (!future_check_alive(vm, future)) return false;
  if (future->state != FUTURE_PENDING) return future_raise_state(vm, "invalid state");
  Ref e = cd_is_type(exception) && cd_as_type(exception)->flags & TYPE_EXCEPTION ? cd_call0(vm, exception) : cd_dup(exception);
  if (!e) return false;
  if (!cd_is_exception(e)) {
    cd_drop(vm, e);
    return cd_raise_type(vm, "invalid exception object");
  }
  if (cd_is_exact(e, vm->exc.StopIteration)) {
    cd_drop(vm, e);
    return cd_raise_type(vm, "StopIteration interacts badly with generators and cannot be raised into a Future");
  }
  if (future->state != FUTURE_PENDING) {         // the constructor was Python
    cd_drop(vm, e);
    return future_raise_state(vm, "invalid state");
  }
  Ref traceback = cd_bits(cd_as_exception(e)->traceback) ? cd_dup(cd_as_exception(e)->traceback) : NO_REF;
  cd_replace(vm, &future->value, e);
  future->failed = true;
  future->state = FUTURE_FINISHED;
  future->log_traceback = true;
  Ref keep = cd_dup(self);
  bool ok = cd_future_schedule(vm, future);
  if (future->failed && future->state == FUTURE_FINISHED) cd_replace(vm, &future->callback_context, traceback);
  else cd_drop(vm, traceback);
  cd_drop(vm, keep);
  return ok;
}

bool cd_future_cancel(VM *vm, Value self, Value message, bool *out)
{
  Future *future = cd_as_future(self);
  if (!future_check_alive(vm, future)) return false;
  future->log_traceback = false;
  *out = future->state == FUTURE_PENDING;
  if (!*out) return true;
  if (cd_bits(message) && !cd_is_none(message)) {
    FutureRest *rest = cd_future_rest(vm, future);
    if (!rest) return false;
    cd_replace(vm, &rest->cancel_message, cd_dup(message));
  } else if (future->rest) {
    cd_clear(vm, &future->rest->cancel_message);
  }
  future->state = FUTURE_CANCELLED;
  return cd_future_schedule(vm, future);
}

Ref cd_future_cancelled_error(VM *vm, Future *future)
{
  if (future->rest && cd_bits(future->rest->cancelled_error)) return cd_take(&future->rest->cancelled_error);
  Value type = cd_cancelled_error_borrow(vm), message = future->rest ? future->rest->cancel_message : NO_VALUE;
  if (!type) return NO_REF;
  return cd_bits(message) ? cd_call1(vm, type, message) : cd_call0(vm, type);
}

static bool future_raise_cancelled(VM *vm, Future *future)
{
  Ref error = cd_future_cancelled_error(vm, future);
  if (error) cd_raise_exception(vm, error);
  return false;
}

SendResult cd_future_result(VM *vm, Value self, Ref *out)
{
  Future *future = cd_as_future(self);
  if (LIKELY(future->state == FUTURE_FINISHED)) {
    if (LIKELY(!future->failed)) {
      *out = cd_dup(future->value);
      return RETURNED;
    }
    future->log_traceback = false;
    Ref traceback = cd_take(&future->callback_context);
    cd_replace(vm, &cd_as_exception(future->value)->traceback, traceback);
    cd_raise_exception(vm, cd_dup(future->value));
    return RAISED;
  }
  if (future->state == FUTURE_PENDING) return YIELDED;
  future_raise_cancelled(vm, future);
  return RAISED;
}

// ---- methods; Task has some of them too ----

METHOD(future, result, "result(self, /)",
       "Return the result of the future.\n\nThat of a cancelled one is a CancelledError, that of one which failed its exception: both are "
       "raised. "
       "Without a\nresult yet it is an InvalidStateError.")
{
  Ref result = NO_REF;
  if (cd_future_result(vm, self, &result) == YIELDED) future_raise_unset(vm, cd_as_future(self), "Result is not set.");
  return result;
}

METHOD(future, exception, "exception(self, /)",
       "Return the exception that was set, or None.\n\nA cancelled future raises CancelledError, one that is not done InvalidStateError.")
{
  Future *future = cd_as_future(self);
  if (future->state == FUTURE_PENDING) future_raise_unset(vm, future, "Exception is not set.");
  if (future->state == FUTURE_CANCELLED) future_raise_cancelled(vm, future);
  if (future->state != FUTURE_FINISHED) return NO_REF;
  future->log_traceback = false;
  return future->failed ? cd_dup(future->value) : cd_none();
}

METHOD(future, set_result, "set_result(self, result, /)", "Mark the future done with a result.\n\nInvalidStateError if it is done already.")
{
  return cd_future_set_result(vm, self, args[0]) ? cd_none() : NO_REF;
}

METHOD(future, set_exception, "set_exception(self, exception, /)",
       "Mark the future done with an exception.\n\nInvalidStateError if it is done already.")
{
  return cd_future_set_exception(vm, self, args[0]) ? cd_none() : NO_REF;
}

METHOD(future, add_done_callback, "add_done_callback(self, fn, /, *, context=<unrepresentable>)",
       "Have fn(future) called by the loop once the future is done.\n\nIf it is, that happens soon.")
{
  Future *future = cd_as_future(self);
  if (!future_check_alive(vm, future)) return NO_REF;
  Ref context = NO_REF;
  if (!cd_bits(args[1])) context = cd_context_snapshot(vm);
  else context = cd_dup(args[1]);
  return cd_future_add_callback(vm, self, args[0], context) ? cd_none() : NO_REF;
}

// What stands in a callback's place for Python: a waiting task is its wake-up method.
static Ref future_shown_callback(VM *vm, Value callback, Value context)
{
  return cd_bits(context) ? cd_dup(callback) : cd_task_wakeup_method(vm, callback);
}

static bool future_callback_is(VM *vm, Value callback, Value context, Value fn, bool *out)
{
  *out = false;
  if (!cd_bits(context) && !cd_is_exact(fn, vm->types.native)) return true;    // only natives equal a wake-up method
  Ref shown = future_shown_callback(vm, callback, context);
  bool ok = shown && cd_equal(vm, shown, fn, out);
  cd_drop(vm, shown);
  return ok;
}

// Comparing may run Python, which may add and remove callbacks: places are looked up anew each time.
static bool future_remove_rest(VM *vm, Future *future, Value fn, int64_t *removed)
{
  for (uint32_t i = 0; future->rest && i < future->rest->count;) {
    FutureRest *rest = future->rest;
    Ref callback = cd_dup(rest->callbacks[i]), context = cd_dup(rest->callbacks[i + 1]);
    bool same, ok = future_callback_is(vm, callback, context, fn, &same);
    rest = future->rest;
    if (ok && same && rest && i < rest->count && cd_is(rest->callbacks[i], callback)) {
      Ref gone = cd_take(&rest->callbacks[i]), its = cd_take(&rest->callbacks[i + 1]);
      memmove(&rest->callbacks[i], &rest->callbacks[i + 2], (rest->count - i - 2) * sizeof(Value));
      rest->count -= 2;
      ++*removed;
      cd_drop(vm, gone);
      cd_drop(vm, its);
    } else {
      i += 2;
    }
    cd_drop(vm, callback);
    cd_drop(vm, context);
    if (!ok) return false;
  }
  return true;
}

METHOD(future, remove_done_callback, "remove_done_callback(self, fn, /)",
       "Remove fn from what is called once the future is done, wherever it is.\n\nReturns how many times that was.")
{
  Future *future = cd_as_future(self);
  if (!future_check_alive(vm, future)) return NO_REF;
  int64_t removed = 0;
  if (future->state == FUTURE_PENDING && cd_bits(future->callback)) {
    Ref callback = cd_dup(future->callback), context = cd_dup(future->callback_context);
    bool same, ok = future_callback_is(vm, callback, context, args[0], &same);
    if (ok && same && cd_is(future->callback, callback)) {
      cd_clear(vm, &future->callback);
      cd_clear(vm, &future->callback_context);
      removed++;
    }
    cd_drop(vm, callback);
    cd_drop(vm, context);
    if (!ok) return NO_REF;
  }
  return future_remove_rest(vm, future, args[0], &removed) ? cd_from_small(removed) : NO_REF;
}

METHOD(future, cancel, "cancel(self, /, msg=None)",
       "Cancel the future, and have its callbacks called.\n\nReturns False if it is done or cancelled already, else True.")
{
  bool done;
  return cd_future_cancel(vm, self, args[0], &done) ? cd_bool(done) : NO_REF;
}

METHOD(future, cancelled, "cancelled(self, /)", "Return True if the future was cancelled.")
{
  return cd_bool(cd_as_future(self)->state == FUTURE_CANCELLED && cd_bits(cd_as_future(self)->loop));
}

METHOD(future, done, "done(self, /)", "Return True if there is a result or an exception, or the future was cancelled.")
{
  return cd_bool(cd_as_future(self)->state != FUTURE_PENDING && cd_bits(cd_as_future(self)->loop));
}

METHOD(future, get_loop, "get_loop(self, /)", "Return the event loop of the future.")
{
  return future_check_alive(vm, cd_as_future(self)) ? cd_dup(cd_as_future(self)->loop) : NO_REF;
}

METHOD(future, _make_cancelled_error, "_make_cancelled_error(self, /)",
       "Return the CancelledError to raise for a cancelled future.\n\nTo be called once for a cancellation, since the error is given away.")
{
  return cd_future_cancelled_error(vm, cd_as_future(self));
}

CLASS_METHOD(future, __class_getitem__, "__class_getitem__(type, item, /)", "See PEP 585")
{
  return cd_generic_alias_new(vm, self, args[0]);
}

static const MethodDef *const future_methods[] = {
  &future_result_def, &future_exception_def, &future_set_result_def, &future_set_exception_def, &future_add_done_callback_def,
  &future_remove_done_callback_def, &future_cancel_def, &future_cancelled_def, &future_done_def, &future_get_loop_def,
  &future__make_cancelled_error_def, &future___class_getitem___def, NULL};

// ---- attributes ----

static Ref future_get_state(VM *vm, Value self)
{
  static const char *const names[] = {"PENDING", "CANCELLED", "FINISHED"};
  return future_check_alive(vm, cd_as_future(self)) ? cd_intern(vm, names[cd_as_future(self)->state]) : NO_REF;
}

static Ref future_get_blocking(VM *vm UNUSED, Value self)
{
  return cd_bool(cd_bits(cd_as_future(self)->loop) && cd_as_future(self)->blocking);
}

static bool future_set_blocking(VM *vm, Value self, Value value)
{
  if (!future_check_alive(vm, cd_as_future(self))) return false;
  if (!cd_bits(value)) return cd_raise(vm, vm->exc.AttributeError, "cannot delete attribute");
  return cd_truth(vm, value, &cd_as_future(self)->blocking);
}

static Ref future_get_loop_attribute(VM *vm UNUSED, Value self)
{
  Value loop = cd_as_future(self)->loop;
  return cd_bits(loop) ? cd_dup(loop) : cd_none();
}

static bool future_list_callback(VM *vm, List *list, Value callback, Value context)
{
  Ref shown = future_shown_callback(vm, callback, context);
  Ref its = NO_REF;
  if (shown) its = cd_bits(context) ? cd_context_of_snapshot(vm, context) : cd_task_context(vm, callback);
  return cd_list_append_steal(vm, list, cd_tuple2_steal(vm, shown, its));
}

static Ref future_get_callbacks(VM *vm, Value self)
{
  Future *future = cd_as_future(self);
  if (!future_check_alive(vm, future)) return NO_REF;
  bool rest = future->rest && future->rest->count;
  if (future->state != FUTURE_PENDING || (!cd_bits(future->callback) && !rest)) return cd_none();
  Ref list = cd_list_new(vm);
  bool ok = list && (!cd_bits(future->callback) || future_list_callback(vm, cd_as_list(list), future->callback, future->callback_context));
  for (uint32_t i = 0; ok && future->rest && i < future->rest->count; i += 2)
    ok = future_list_callback(vm, cd_as_list(list), future->rest->callbacks[i], future->rest->callbacks[i + 1]);
  if (!ok) cd_forget(vm, &list);
  return list;
}

static Ref future_get_result(VM *vm, Value self)
{
  Future *future = cd_as_future(self);
  if (!future_check_alive(vm, future)) return NO_REF;
  return future->state == FUTURE_FINISHED && !future->failed ? cd_dup(future->value) : cd_none();
}

static Ref future_get_exception(VM *vm, Value self)
{
  Future *future = cd_as_future(self);
  if (!future_check_alive(vm, future)) return NO_REF;
  return cd_bits(future->value) && future->failed ? cd_dup(future->value) : cd_none();
}

static Ref future_get_log_traceback(VM *vm, Value self)
{
  return future_check_alive(vm, cd_as_future(self)) ? cd_bool(cd_as_future(self)->log_traceback) : NO_REF;
}

static bool future_set_log_traceback(VM *vm, Value self, Value value)
{
  bool yes;
  if (!cd_bits(value)) return cd_raise(vm, vm->exc.AttributeError, "cannot delete attribute");
  if (!cd_truth(vm, value, &yes)) return false;
  if (yes) return cd_raise_value(vm, "_log_traceback can only be set to False");
  cd_as_future(self)->log_traceback = false;
  return true;
}

static Ref future_get_source_traceback(VM *vm, Value self)
{
  Future *future = cd_as_future(self);
  if (!future_check_alive(vm, future)) return NO_REF;
  return future->rest && cd_bits(future->rest->source_traceback) ? cd_dup(future->rest->source_traceback) : cd_none();
}

static Ref future_get_cancel_message(VM *vm UNUSED, Value self)
{
  FutureRest *rest = cd_as_future(self)->rest;
  return rest && cd_bits(rest->cancel_message) ? cd_dup(rest->cancel_message) : cd_none();
}

static bool future_set_cancel_message(VM *vm, Value self, Value value)
{
  if (!cd_bits(value)) return cd_raise(vm, vm->exc.AttributeError, "cannot delete attribute");
  FutureRest *rest = cd_future_rest(vm, cd_as_future(self));
  if (rest) cd_replace(vm, &rest->cancel_message, cd_is_none(value) ? NO_REF : cd_dup(value));
  return rest != NULL;
}

// Who awaits it: the tasks among its callbacks, and what was added for gather() and the like.
static bool future_add_waiter(VM *vm, Ref *set, Value callback, Value context)
{
  Value waiter = cd_bits(context) ? NO_VALUE : callback;
  if (cd_bits(context) && cd_is_exact(callback, vm->asyncio->gathering)) waiter = cd_gather_task_borrow(callback);
  if (!cd_bits(waiter)) return true;
  if (!*set && !(*set = cd_set_new(vm, NO_VALUE))) return false;
  return cd_set_add(vm, *set, waiter);
}

bool cd_future_note_awaited(VM *vm, Value self, Value waiter, bool add)
{
  if (!cd_is_future(vm, self) || !cd_is_future(vm, waiter)) return true;
  FutureRest *rest = add ? cd_future_rest(vm, cd_as_future(self)) : cd_as_future(self)->rest;
  if (!rest) return !add;
  if (!cd_bits(rest->awaited_by)) {
    if (!add) return true;
    Ref set = cd_set_new(vm, NO_VALUE);
    if (!set) return false;
    cd_replace(vm, &rest->awaited_by, set);
  }
  return add ? cd_set_add(vm, rest->awaited_by, waiter) : cd_set_discard(vm, rest->awaited_by, waiter) != FIND_ERROR;
}

static Ref future_get_awaited_by(VM *vm, Value self)
{
  Future *future = cd_as_future(self);
  if (!future_check_alive(vm, future)) return NO_REF;
  Ref set = NO_REF;
  bool ok = true;
  if (future->rest && cd_bits(future->rest->awaited_by)) ok = (set = cd_set_new(vm, future->rest->awaited_by)) != NO_REF;
  if (ok && future->state == FUTURE_PENDING) ok = future_add_waiter(vm, &set, future->callback, future->callback_context);
  for (uint32_t i = 0; ok && future->rest && i < future->rest->count; i += 2)
    ok = future_add_waiter(vm, &set, future->rest->callbacks[i], future->rest->callbacks[i + 1]);
  Ref frozen = ok && set ? cd_frozenset_new(vm, set) : NO_REF;
  cd_drop(vm, set);
  return ok && !set ? cd_none() : frozen;
}

static const GetSetDef future_getset[] = {
  {"_state", NULL, future_get_state, NULL},
  {"_asyncio_future_blocking", NULL, future_get_blocking, future_set_blocking},
  {"_loop", NULL, future_get_loop_attribute, NULL},
  {"_callbacks", NULL, future_get_callbacks, NULL},
  {"_result", NULL, future_get_result, NULL},
  {"_exception", NULL, future_get_exception, NULL},
  {"_log_traceback", NULL, future_get_log_traceback, future_set_log_traceback},
  {"_source_traceback", NULL, future_get_source_traceback, NULL},
  {"_cancel_message", NULL, future_get_cancel_message, future_set_cancel_message},
  {"_asyncio_awaited_by", NULL, future_get_awaited_by, NULL},
  {0}};

static Ref future_repr(VM *vm, Value self)
{
  if (!future_check_alive(vm, cd_as_future(self))) return NO_REF;
  return cd_asyncio_call(vm, "asyncio.base_futures", "_future_repr", &self, 1);
}

// ---- await ----

// A future is awaited without an iterator between: it has a `send` slot, and what it has to remember is in `blocking`. The first step
// yields the future itself to the task that runs, the second, once it is done, returns the result.
SendResult cd_future_send(VM *vm, Value self, Value sent UNUSED, Ref *out)
{
  Future *future = cd_as_future(self);
  if (!future_check_alive(vm, future)) return RAISED;
  SendResult result = cd_future_result(vm, self, out);
  if (result != YIELDED) return result;
  if (future->blocking) {
    cd_raise_runtime(vm, "await wasn't used with future");
    return RAISED;
  }
  future->blocking = true;
  *out = cd_dup(self);
  return YIELDED;
}

Ref cd_future_await(VM *vm, Value self)
{
  if (!future_check_alive(vm, cd_as_future(self))) return NO_REF;
  FutureIter *iter = cd_object_new(vm, vm->asyncio->future_iter, sizeof *iter);
  if (iter) iter->future = cd_dup(self);
  return cd_from_object(iter);
}

const TypeSpec cd_future_spec = {
  .name = "_asyncio.Future",
  .doc = "Future(*, loop=None)\n--\n\n"
         "A result that comes later.\n\nIt resembles concurrent.futures.Future, but result() and exception() do not wait: they raise an "
         "exception "
         "when the\nfuture is not done. Callbacks are always called by the event loop.",
  .basicsize = sizeof(Future),
  .flags = TYPE_BASE | TYPE_GC | TYPE_HAS_DICT | TYPE_HAS_WEAKREFS | TYPE_IMMUTABLE,
  .dict_offset = offsetof(Future, attributes),
  .weaklist_offset = offsetof(Future, weaklist),
  .methods = future_methods,
  .getset = future_getset,
  .slots = {.release = cd_future_release,
            .traverse = cd_future_traverse,
            .clear = cd_future_clear,
            .finalize = future_finalize,
            .retire = future_retire,
            .repr = future_repr,
            .iter = cd_future_await,
            .await = cd_future_await,
            .send = cd_future_send,
            .new_ = future_new_slot,
            .init = future_init_slot},
};

// ---- the iterator, for `yield from future` and for those who ask ----

static inline FutureIter *future_iter_of(Value v) { return (FutureIter *)cd_object(v); }
static Ref future_iter_iter(VM *vm UNUSED, Value self) { return cd_dup(self); }

static SendResult future_iter_send_slot(VM *vm, Value self, Value sent, Ref *out)
{
  FutureIter *iter = future_iter_of(self);
  if (!cd_bits(iter->future)) {
    *out = cd_none();
    return RETURNED;
  }
  SendResult result = cd_future_send(vm, iter->future, sent, out);
  if (!cd_bits(iter->future) || cd_future_done(iter->future)) cd_clear(vm, &iter->future);
  return result;
}

static Next future_iter_next(VM *vm, Value self, Ref *out)
{
  SendResult result = future_iter_send_slot(vm, self, cd_none(), out);
  if (result == YIELDED) return NEXT_ITEM;
  if (result == RAISED) return NEXT_ERROR;
  if (cd_is_none(*out)) return NEXT_DONE;
  Ref value = *out;
  cd_raise_stop_iteration(vm, value);
  cd_drop(vm, value);
  return NEXT_ERROR;
}

METHOD(future_iter, send, "send(self, arg, /)", "Go on; the argument does not matter.")
{
  Ref out = NO_REF;
  SendResult result = future_iter_send_slot(vm, self, args[0], &out);
  if (result == YIELDED) return out;
  if (result == RETURNED) {
    cd_raise_stop_iteration(vm, cd_is_none(out) ? NO_VALUE : out);
    cd_drop(vm, out);
  }
  return NO_REF;
}

METHOD_RAW(future_iter, throw, "throw(typ[,val[,tb]])", "Raise an exception.")
{
  if (!cd_no_keywords(vm, "throw", kwnames) || !cd_check_positional(vm, "throw", nargs, 1, 3)) return NO_REF;
  if (!cd_is_exception(args[0]) && !(cd_is_type(args[0]) && cd_as_type(args[0])->flags & TYPE_EXCEPTION))
    return cd_raise_type(vm, "exceptions must be classes deriving BaseException or instances of such a class");
  Ref exception = cd_throw_exception(vm, args, nargs);
  cd_clear(vm, &future_iter_of(self)->future);
  return exception ? cd_raise_exception(vm, exception) : NO_REF;
}

METHOD(future_iter, close, "close(self, /)", "Forget the future.")
{
  cd_clear(vm, &future_iter_of(self)->future);
  return cd_none();
}

static const MethodDef *const future_iter_methods[] = {&future_iter_send_def, &future_iter_throw_def, &future_iter_close_def, NULL};

static void future_iter_clear(VM *vm, Object *self) { cd_clear(vm, &((FutureIter *)self)->future); }
static void future_iter_traverse(Object *self, VisitFn visit, void *context) { visit(context, ((FutureIter *)self)->future); }

const TypeSpec cd_future_iter_spec = {
  .name = "_asyncio.FutureIter",
  .basicsize = sizeof(FutureIter),
  .flags = TYPE_GC | TYPE_NO_NEW | TYPE_IMMUTABLE,
  .methods = future_iter_methods,
  .slots = {.release = future_iter_clear,
            .traverse = future_iter_traverse,
            .clear = future_iter_clear,
            .iter = future_iter_iter,
            .next = future_iter_next,
            .send = future_iter_send_slot},
};
