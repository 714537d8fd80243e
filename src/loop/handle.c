// SPDX-License-Identifier: MIT
// handle.c: Handle and TimerHandle: a callback that the loop will call, and that can be cancelled until then
#include "loop/loop.h"

#include "objects/context.h"
#include "objects/dict.h"
#include "objects/exception.h"
#include "objects/float.h"
#include "objects/list.h"
#include "objects/module.h"
#include "objects/protocol.h"
#include "objects/str.h"
#include "objects/tuple.h"
#include "objects/type.h"
#include "objects/weakref.h"
#include "vm/vm_api.h"

// ---- birth and death ----

static bool handle_set_args(VM *vm, Handle *handle, const Value *args, size_t nargs)
{
  if (nargs <= ARRAY_LEN(handle->args)) {
    for (size_t i = 0; i < nargs; i++) handle->args[i] = cd_dup(args[i]);
    handle->arg_count = (uint8_t)nargs;
    return true;
  }
  handle->arg_count = HANDLE_TUPLE;
  return (handle->args[0] = cd_tuple_of(vm, nargs, args)) != NO_REF;
}

// Where a handle was made: the stack without the function of the loop that makes it.
bool cd_handle_debug_source(VM *vm, Value *slot)
{
  Ref extract = cd_import_attr(vm, "asyncio.format_helpers", "extract_stack"), stack = NO_REF;
  FrameObject *frame = extract && vm->thread->frame ? cd_frame_object(vm, vm->thread->frame) : NULL;
  if (frame) stack = cd_call1(vm, extract, cd_from_object(frame));
  else if (extract) stack = cd_call0(vm, extract);
  cd_drop(vm, extract);
  if (!stack) return false;
  cd_replace(vm, slot, stack);
  return true;
}

static Ref handle_make(VM *vm, Type *type, size_t size, Value loop, Value callback, const Value *args, size_t nargs, Ref context)
{
  Handle *handle = cd_object_new(vm, type, size);
  if (!handle) {
    cd_drop(vm, context);
    return NO_REF;
  }
  handle->callback = cd_dup(callback);
  handle->context = context ? context : cd_context_snapshot(vm);
  handle->loop = cd_dup(loop);
  if (LIKELY(handle_set_args(vm, handle, args, nargs)) &&
      (!(cd_is_loop(vm, loop) && cd_as_loop(loop)->debug) || cd_handle_debug_source(vm, &handle->source_traceback)))
    return cd_from_object(handle);
  cd_drop_object(vm, handle);
  return NO_REF;
}

Ref cd_handle_new(VM *vm, Value loop, Value callback, const Value *args, size_t nargs, Ref context)
{
  return handle_make(vm, vm->asyncio->handle, sizeof(Handle), loop, callback, args, nargs, context);
}

Ref cd_timer_new(VM *vm, Value loop, double when, Value callback, const Value *args, size_t nargs, Ref context)
{
  Ref self = handle_make(vm, vm->asyncio->timer_handle, sizeof(TimerHandle), loop, callback, args, nargs, context);
  if (!self) return NO_REF;
  TimerHandle *timer = cd_as_timer(self);
  timer->is_timer = true;
  timer->when = when;
  timer->place = TIMER_NOWHERE;
  return self;
}

static void handle_clear(VM *vm, Object *self)
{
  Handle *handle = (Handle *)self;
  cd_clear(vm, &handle->callback);
  cd_clear(vm, &handle->context);
  cd_clear(vm, &handle->loop);
  cd_clear(vm, &handle->args[0]);
  cd_clear(vm, &handle->args[1]);
  cd_clear(vm, &handle->repr);
  cd_clear(vm, &handle->source_traceback);
}

static void handle_traverse(Object *self, VisitFn visit, void *context)
{
  Handle *handle = (Handle *)self;
  visit(context, handle->callback);
  visit(context, handle->context);
  visit(context, handle->loop);
  visit(context, handle->args[0]);
  visit(context, handle->args[1]);
  visit(context, handle->repr);
  visit(context, handle->source_traceback);
}

static bool handle_retire(VM *vm, Object *self)
{
  Handle *handle = (Handle *)self;
  Type *type = self->type;
  if (!vm->asyncio || (type != vm->asyncio->handle && type != vm->asyncio->timer_handle) || handle->weaklist) return false;
  cd_gc_untrack(vm, self);
  bool timer = handle->is_timer;
  handle_clear(vm, self);
  cd_free(vm, handle, timer ? sizeof(TimerHandle) : sizeof(Handle));
  cd_drop_object(vm, type);
  return true;
}

// args: any sequence, as Python code gives it
static bool handle_init_common(VM *vm, Value self, Value callback, Value args, Value loop, Value context)
{
  Handle *handle = cd_as_handle(self);
  Ref tuple = cd_is_exact(args, vm->types.tuple) ? cd_dup(args) : cd_is_none(args) ? cd_none() : cd_tuple_from(vm, args);
  if (!tuple) return false;
  handle_clear(vm, cd_object(self));
  handle->callback = cd_dup(callback);
  handle->loop = cd_dup(loop);
  handle->args[0] = tuple;
  handle->arg_count = HANDLE_TUPLE;
  handle->cancelled = false;
  handle->context = cd_bits(context) && !cd_is_none(context) ? cd_dup(context) : cd_context_snapshot(vm);
  bool debug = false;
  Ref asked = cd_call_method0(vm, loop, N(get_debug));
  bool ok = asked && cd_truth(vm, asked, &debug);
  cd_drop(vm, asked);
  return ok && (!debug || cd_handle_debug_source(vm, &handle->source_traceback));
}

static bool handle_init_slot(VM *vm, Value self, const Value *args, size_t nargs, Value kwnames)
{
  Value bound[4];
  Ref owned[2] = {NO_REF, NO_REF};
  return cd_bind_text(vm, "Handle(callback, args, loop, context=None)", args, nargs, kwnames, bound, owned) &&
         handle_init_common(vm, self, bound[0], bound[1], bound[2], bound[3]);
}

static bool timer_init_slot(VM *vm, Value self, const Value *args, size_t nargs, Value kwnames)
{
  Value bound[5];
  Ref owned[2] = {NO_REF, NO_REF};
  double when;
  TimerHandle *timer = cd_as_timer(self);
  if (!cd_bind_text(vm, "TimerHandle(when, callback, args, loop, context=None)", args, nargs, kwnames, bound, owned) ||
      !cd_to_double(vm, bound[0], &when) || !handle_init_common(vm, self, bound[1], bound[2], bound[3], bound[4]))
    return false;
  timer->when = when;
  timer->whole = cd_is_small(bound[0]) && when == (double)cd_small(bound[0]);
  timer->scheduled = false;
  return true;
}

static Ref handle_new_slot(VM *vm, Type *type, const Value *args UNUSED, size_t nargs UNUSED, Value kwnames UNUSED)
{
  return cd_from_object(cd_instance_new(vm, type));
}

static Ref timer_new_slot(VM *vm, Type *type, const Value *args UNUSED, size_t nargs UNUSED, Value kwnames UNUSED)
{
  TimerHandle *timer = cd_instance_new(vm, type);
  if (timer) timer->is_timer = true, timer->place = TIMER_NOWHERE;
  return cd_from_object(timer);
}

// ---- running ----

static Ref handle_call(VM *vm, Handle *handle)
{
  Ref callback = cd_bits(handle->callback) ? cd_dup(handle->callback) : cd_none(), result;
  if (handle->arg_count == HANDLE_TUPLE) {
    Ref args = cd_is_none(handle->args[0]) ? cd_tuple_new(vm, 0) : cd_dup(handle->args[0]);
    result = args ? cd_call_ex(vm, callback, args, NO_VALUE) : NO_REF;
    cd_drop(vm, args);
  } else {
    size_t count = handle->arg_count;
    Ref args[2] = {NO_REF, NO_REF};
    for (size_t i = 0; i < count; i++) args[i] = cd_dup(handle->args[i]);
    result = cd_call(vm, callback, cd_lend(args), count, NO_VALUE);
    cd_drop(vm, args[0]);
    cd_drop(vm, args[1]);
  }
  cd_drop(vm, callback);
  return result;
}

static Ref handle_source_text(VM *vm, Handle *handle);
static Ref handle_args_tuple(VM *vm, Handle *handle);

static Ref handle_call_in_foreign(VM *vm, Handle *handle, Value context)
{
  Ref callback = cd_bits(handle->callback) ? cd_dup(handle->callback) : cd_none(), args = handle_args_tuple(vm, handle);
  Ref result = args ? cd_context_run_foreign(vm, context, callback, args) : NO_REF;
  cd_drop(vm, args);
  cd_drop(vm, callback);
  return result;
}

bool cd_handle_run(VM *vm, Value self)
{
  Handle *handle = cd_as_handle(self);
  Ref context = cd_dup(handle->context), entered, result = NO_REF;
  if (UNLIKELY(cd_context_is_foreign(vm, context))) {
    result = handle_call_in_foreign(vm, handle, context);
  } else if (cd_loop_enter_context(vm, context, &entered)) {
    result = handle_call(vm, handle);
    cd_loop_leave_context(vm, entered);
  }
  cd_drop(vm, context);
  cd_drop(vm, result);
  return result || cd_loop_report_callback(vm, handle->loop, self, NO_VALUE);
}

METHOD(handle, _run, "_run(self)", NULL) { return cd_handle_run(vm, self) ? cd_none() : NO_REF; }

// ---- cancelling ----

static bool handle_keep_repr(VM *vm, Value self)  // in debug mode, before the callback is forgotten
{
  Handle *handle = cd_as_handle(self);
  bool debug = false;
  if (cd_is_loop(vm, handle->loop)) {
    debug = cd_as_loop(handle->loop)->debug;
  } else if (cd_bits(handle->loop)) {
    Ref asked = cd_call_method0(vm, handle->loop, N(get_debug));
    bool ok = asked && cd_truth(vm, asked, &debug);
    cd_drop(vm, asked);
    if (!ok) return false;
  }
  if (!debug) return true;
  Ref repr = cd_repr(vm, self);
  if (repr) cd_replace(vm, &handle->repr, repr);
  return repr != NO_REF;
}

static bool handle_cancel_it(VM *vm, Value self)
{
  Handle *handle = cd_as_handle(self);
  if (handle->cancelled) return true;
  handle->cancelled = true;
  if (!handle_keep_repr(vm, self)) return false;
  Ref callback = cd_take(&handle->callback), first = cd_take(&handle->args[0]), second = cd_take(&handle->args[1]);
  handle->arg_count = HANDLE_TUPLE;
  handle->args[0] = cd_none();
  cd_drop(vm, callback);
  cd_drop(vm, first);
  cd_drop(vm, second);
  return true;
}

// A timer of a native loop leaves the heap; any other loop is told.
static bool timer_leave(VM *vm, TimerHandle *timer)
{
  Value loop = timer->loop;
  if (!cd_bits(loop)) return true;
  if (!cd_is_loop(vm, loop) || cd_loop_overrides(vm, cd_as_loop(loop)) & OVERRIDES_TIMER_CANCELLED) {
    Ref result = cd_call_method1(vm, loop, N(_timer_handle_cancelled), cd_from_object(timer));
    cd_drop(vm, result);
    if (!result) return false;
  }
  if (cd_is_loop(vm, loop) && timer->place != TIMER_NOWHERE) {
    Ref mine = cd_timer_heap_remove(vm, &cd_as_loop(loop)->timers, timer->place);
    timer->scheduled = false;
    cd_drop(vm, mine);
  }
  return true;
}

static bool timer_cancel_it(VM *vm, Value self)
{
  Ref keep = cd_dup(self);
  bool ok = (cd_as_handle(self)->cancelled || timer_leave(vm, cd_as_timer(self))) && handle_cancel_it(vm, self);
  cd_drop(vm, keep);
  return ok;
}

void cd_handle_cancel(VM *vm, Value self)
{
  Ref raised = cd_take_raised(vm);
  if (!(cd_as_handle(self)->is_timer ? timer_cancel_it(vm, self) : handle_cancel_it(vm, self))) cd_write_unraisable(vm, self);
  cd_restore_raised(vm, raised);
}

METHOD(handle, cancel, "cancel(self)", NULL) { return handle_cancel_it(vm, self) ? cd_none() : NO_REF; }
METHOD(handle, cancelled, "cancelled(self)", NULL) { return cd_bool(cd_as_handle(self)->cancelled); }
METHOD(timer, cancel, "cancel(self)", NULL) { return timer_cancel_it(vm, self) ? cd_none() : NO_REF; }
static Ref timer_when_value(VM *vm, const TimerHandle *timer)
{
  return timer->whole ? cd_from_small((int64_t)timer->when) : cd_float_new(vm, timer->when);
}
METHOD(timer, when, "when(self)", "Return the time at which the callback is due, in seconds of loop.time().")
{
  return timer_when_value(vm, cd_as_timer(self));
}

// ---- repr ----

static Ref handle_args_tuple(VM *vm, Handle *handle)
{
  if (handle->arg_count == HANDLE_TUPLE) return cd_bits(handle->args[0]) ? cd_dup(handle->args[0]) : cd_none();
  return cd_tuple_of(vm, handle->arg_count, handle->args);
}

static Ref handle_source_text(VM *vm, Handle *handle)             // "f() at file.py:3"
{
  Ref args = handle_args_tuple(vm, handle), text = NO_REF;
  if (!args) return NO_REF;
  Value all[2] = {handle->callback, args};
  if (cd_bits(handle->callback)) text = cd_asyncio_call(vm, "asyncio.format_helpers", "_format_callback_source", all, 2);
  cd_drop(vm, args);
  return text;
}

static Ref timer_when_text(VM *vm, const TimerHandle *timer)
{
  Ref when = timer_when_value(vm, timer), text = when ? cd_str_format(vm, "when=%S", when) : NO_REF;
  cd_drop(vm, when);
  return text;
}

// A list of the parts of the repr, which subclasses extend.
METHOD(handle, _repr_info, "_repr_info(self)", NULL)
{
  Handle *handle = cd_as_handle(self);
  Ref list = cd_list_new(vm);
  bool ok = list && cd_list_append(vm, cd_as_list(list), handle->head.type->name);
  if (ok && handle->cancelled) ok = cd_list_append_steal(vm, cd_as_list(list), cd_str_from(vm, "cancelled"));
  if (ok && handle->is_timer) ok = cd_list_append_steal(vm, cd_as_list(list), timer_when_text(vm, cd_as_timer(self)));
  if (ok && cd_bits(handle->callback) && !cd_is_none(handle->callback))
    ok = cd_list_append_steal(vm, cd_as_list(list), handle_source_text(vm, handle));
  if (ok && cd_bits(handle->source_traceback)) {
    Ref last = cd_getitem(vm, handle->source_traceback, cd_from_small(-1));
    Ref file = last ? cd_getitem(vm, last, cd_from_small(0)) : NO_REF, line = file ? cd_getitem(vm, last, cd_from_small(1)) : NO_REF;
    ok = line && cd_list_append_steal(vm, cd_as_list(list), cd_str_format(vm, "created at %S:%S", file, line));
    cd_drop(vm, last);
    cd_drop(vm, file);
    cd_drop(vm, line);
  }
  if (!ok) cd_forget(vm, &list);
  return list;
}

static Ref handle_repr(VM *vm, Value self)
{
  Handle *handle = cd_as_handle(self);
  if (cd_bits(handle->repr)) return cd_dup(handle->repr);
  Ref info = cd_getattr_text(vm, self, "_repr_info"), parts = info ? cd_call0(vm, info) : NO_REF;
  Ref space = parts ? cd_str_from(vm, " ") : NO_REF, join = space ? cd_getattr_text(vm, space, "join") : NO_REF;
  Ref body = join ? cd_call1(vm, join, parts) : NO_REF, text = body ? cd_str_format(vm, "<%S>", body) : NO_REF;
  cd_drop(vm, info);
  cd_drop(vm, parts);
  cd_drop(vm, space);
  cd_drop(vm, join);
  cd_drop(vm, body);
  return text;
}

// ---- attributes ----

static Ref handle_get_callback(VM *vm UNUSED, Value self)
{
  Value callback = cd_as_handle(self)->callback;
  return cd_bits(callback) ? cd_dup(callback) : cd_none();
}
static bool handle_set_callback(VM *vm, Value self, Value value)
{
  cd_replace(vm, &cd_as_handle(self)->callback, cd_bits(value) ? cd_dup(value) : NO_REF);
  return true;
}
static Ref handle_get_args(VM *vm, Value self) { return handle_args_tuple(vm, cd_as_handle(self)); }
static bool handle_set_args_attribute(VM *vm, Value self, Value value)
{
  Handle *handle = cd_as_handle(self);
  Ref tuple = !cd_bits(value) || cd_is_none(value) ? cd_none() : cd_tuple_from(vm, value);
  if (!tuple) return false;
  handle->arg_count = HANDLE_TUPLE;
  cd_clear(vm, &handle->args[1]);
  cd_replace(vm, &handle->args[0], tuple);
  return true;
}
static Ref handle_context_attribute(VM *vm, Value self)
{
  Handle *handle = cd_as_handle(self);
  if (!cd_bits(handle->context)) return cd_none();
  Ref context = cd_context_of_snapshot(vm, handle->context);
  if (context) cd_replace(vm, &handle->context, cd_dup(context));
  return context;
}
static Ref handle_get_loop(VM *vm UNUSED, Value self)
{
  Value loop = cd_as_handle(self)->loop;
  return cd_bits(loop) ? cd_dup(loop) : cd_none();
}
static Ref handle_get_source(VM *vm UNUSED, Value self)
{
  Value source = cd_as_handle(self)->source_traceback;
  return cd_bits(source) ? cd_dup(source) : cd_none();
}
static bool handle_set_source(VM *vm, Value self, Value value)
{
  cd_replace(vm, &cd_as_handle(self)->source_traceback, cd_bits(value) && !cd_is_none(value) ? cd_dup(value) : NO_REF);
  return true;
}
static Ref handle_get_repr(VM *vm UNUSED, Value self)
{
  Value repr = cd_as_handle(self)->repr;
  return cd_bits(repr) ? cd_dup(repr) : cd_none();
}
static bool handle_set_cancelled(VM *vm, Value self, Value value)
{
  if (!cd_bits(value)) return cd_raise(vm, vm->exc.AttributeError, "cannot delete attribute");
  return cd_truth(vm, value, &cd_as_handle(self)->cancelled);
}
static Ref handle_get_cancelled(VM *vm UNUSED, Value self) { return cd_bool(cd_as_handle(self)->cancelled); }

static const GetSetDef handle_getset[] = {
  {"_callback", NULL, handle_get_callback, handle_set_callback},
  {"_args", NULL, handle_get_args, handle_set_args_attribute},
  {"_cancelled", NULL, handle_get_cancelled, handle_set_cancelled},
  {"_loop", NULL, handle_get_loop, NULL},
  {"_context", NULL, handle_context_attribute, NULL},
  {"_source_traceback", NULL, handle_get_source, handle_set_source},
  {"_repr", NULL, handle_get_repr, NULL},
  {0}};

METHOD(handle, get_context, "get_context(self)", "Return the context in which the callback will run.")
{
  return handle_context_attribute(vm, self);
}

static Ref timer_get_scheduled(VM *vm UNUSED, Value self) { return cd_bool(cd_as_timer(self)->scheduled); }
static bool timer_set_scheduled(VM *vm, Value self, Value value)
{
  if (!cd_bits(value)) return cd_raise(vm, vm->exc.AttributeError, "cannot delete attribute");
  return cd_truth(vm, value, &cd_as_timer(self)->scheduled);
}
static Ref timer_get_when(VM *vm, Value self) { return timer_when_value(vm, cd_as_timer(self)); }
static bool timer_set_when(VM *vm, Value self, Value value)       // a timer in a heap must keep its place
{
  double when;
  if (!cd_bits(value)) return cd_raise(vm, vm->exc.AttributeError, "cannot delete attribute");
  if (cd_as_timer(self)->place != TIMER_NOWHERE) return cd_raise_runtime(vm, "the time of a scheduled timer can't be changed");
  if (!cd_to_double(vm, value, &when)) return false;
  cd_as_timer(self)->when = when;
  cd_as_timer(self)->whole = false;
  return true;
}

static const GetSetDef timer_getset[] = {
  {"_scheduled", NULL, timer_get_scheduled, timer_set_scheduled}, {"_when", NULL, timer_get_when, timer_set_when}, {0}};

// ---- comparing timers ----

static bool timer_is(Value v) { return cd_is_object(v) && cd_object(v)->type->spec == &cd_timer_handle_spec; }

static bool timer_hash(VM *vm, Value self, int64_t *out)
{
  Ref when = cd_float_new(vm, cd_as_timer(self)->when);
  bool ok = when && cd_hash(vm, when, out);
  cd_drop(vm, when);
  return ok;
}

static bool timer_equal(VM *vm, Value self, Value other, bool *out)
{
  TimerHandle *a = cd_as_timer(self), *b = cd_as_timer(other);
  *out = a->when == b->when && a->cancelled == b->cancelled;
  if (!*out || cd_is(self, other)) return true;
  Ref mine = handle_args_tuple(vm, (Handle *)a), theirs = mine ? handle_args_tuple(vm, (Handle *)b) : NO_REF;
  Ref left = handle_get_callback(vm, self), right = handle_get_callback(vm, other);
  bool ok = theirs && cd_equal(vm, left, right, out) && (!*out || cd_equal(vm, mine, theirs, out));
  cd_drop(vm, mine);
  cd_drop(vm, theirs);
  cd_drop(vm, left);
  cd_drop(vm, right);
  return ok;
}

static Ref timer_compare(VM *vm, Value self, Value other, CompareOp op)
{
  if (!timer_is(self) || !timer_is(other)) return cd_not_implemented();
  double a = cd_as_timer(self)->when, b = cd_as_timer(other)->when;
  bool equal = false;
  if (op != COMPARE_LT && op != COMPARE_GT && !timer_equal(vm, self, other, &equal)) return NO_REF;
  switch (op) {
  case COMPARE_LT: return cd_bool(a < b);
  case COMPARE_GT: return cd_bool(a > b);
  case COMPARE_LE: return cd_bool(a < b || equal);
  case COMPARE_GE: return cd_bool(a > b || equal);
  case COMPARE_EQ: return cd_bool(equal);
  default: return cd_bool(!equal);
  }
}

static const MethodDef *const handle_methods[] = {&handle_cancel_def, &handle_cancelled_def, &handle__run_def, &handle__repr_info_def,
                                                  &handle_get_context_def, NULL};
static const MethodDef *const timer_methods[] = {&timer_cancel_def, &timer_when_def, NULL};

const TypeSpec cd_handle_spec = {
  .name = "asyncio.events.Handle",
  .doc = "Handle(callback, args, loop, context=None)\n--\n\n"
         "What call_soon() and call_soon_threadsafe() return: a callback that can be cancelled until it is called.",
  .basicsize = sizeof(Handle),
  .flags = TYPE_BASE | TYPE_GC | TYPE_HAS_WEAKREFS,
  .weaklist_offset = offsetof(Handle, weaklist),
  .methods = handle_methods,
  .getset = handle_getset,
  .slots = {.release = handle_clear,
            .traverse = handle_traverse,
            .clear = handle_clear,
            .retire = handle_retire,
            .repr = handle_repr,
            .new_ = handle_new_slot,
            .init = handle_init_slot},
};

const TypeSpec cd_timer_handle_spec = {
  .name = "asyncio.events.TimerHandle",
  .doc = "TimerHandle(when, callback, args, loop, context=None)\n--\n\n"
         "What call_later() and call_at() return: a callback with the time at which it is due.",
  .basicsize = sizeof(TimerHandle),
  .flags = TYPE_BASE | TYPE_GC | TYPE_HAS_WEAKREFS,
  .weaklist_offset = offsetof(TimerHandle, weaklist),
  .methods = timer_methods,
  .getset = timer_getset,
  .slots = {.release = handle_clear,
            .traverse = handle_traverse,
            .clear = handle_clear,
            .retire = handle_retire,
            .repr = handle_repr,
            .hash = timer_hash,
            .compare = timer_compare,
            .new_ = timer_new_slot,
            .init = timer_init_slot},
};
