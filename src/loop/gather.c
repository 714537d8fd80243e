// SPDX-License-Identifier: MIT
// gather.c: the future behind asyncio.gather(): done when its children are
#include "loop/loop.h"

#include "objects/dict.h"
#include "objects/exception.h"
#include "objects/list.h"
#include "objects/module.h"
#include "objects/protocol.h"
#include "objects/str.h"
#include "objects/tuple.h"

// The children have the gathering future itself as callback: it is callable. The loop knows it and enters no context for it.
typedef struct Gathering {
  FUTURE_HEAD
  bool return_exceptions, cancel_requested, abandoned;           // abandoned: gather() failed half-way, nobody has this one
  uint32_t missing;                              // children that are not done, each counted once
  Value children;                                // owned tuple, in the order of the arguments
  Value task;                                    // owned: who called gather(), or NO_VALUE; for call graphs
} Gathering;

static inline Gathering *gathering_of(Value v) { return (Gathering *)cd_object(v); }

static void gathering_clear(VM *vm, Object *self)
{
  cd_future_clear(vm, self);
  cd_clear(vm, &((Gathering *)self)->children);
  cd_clear(vm, &((Gathering *)self)->task);
}

static void gathering_traverse(Object *self, VisitFn visit, void *context)
{
  cd_future_traverse(self, visit, context);
  visit(context, ((Gathering *)self)->children);
  visit(context, ((Gathering *)self)->task);
}

// ---- what a child says, whatever kind of future it is ----

typedef struct ChildEnd {
  bool cancelled;
  Ref error;                                     // owned; NO_REF: none
} ChildEnd;

static bool child_ask(VM *vm, Value child, const char *name, Ref *out)
{
  Ref method = cd_getattr_text(vm, child, name);
  *out = method ? cd_call0(vm, method) : NO_REF;
  cd_drop(vm, method);
  return *out != NO_REF;
}

static bool child_end(VM *vm, Value child, ChildEnd *out)
{
  *out = (ChildEnd){false, NO_REF};
  if (cd_future_is_exact(vm, child)) {
    Future *future = cd_as_future(child);
    out->cancelled = future->state == FUTURE_CANCELLED;
    future->log_traceback = false;
    if (future->failed) out->error = cd_dup(future->value);
    return true;
  }
  Ref answer;
  if (!child_ask(vm, child, "cancelled", &answer)) return false;
  bool ok = cd_truth(vm, answer, &out->cancelled);
  cd_drop(vm, answer);
  if (!ok || out->cancelled) return ok;
  if (!child_ask(vm, child, "exception", &answer)) return false;
  if (!cd_is_none(answer)) out->error = answer;
  return true;
}

static Ref child_cancelled_error(VM *vm, Value child)
{
  if (cd_future_is_exact(vm, child)) return cd_future_cancelled_error(vm, cd_as_future(child));
  Ref error;
  return child_ask(vm, child, "_make_cancelled_error", &error) ? error : NO_REF;
}

// What stands in the list of results for a child: of a cancelled one an error that was never raised.
static Ref child_outcome(VM *vm, Value child)
{
  ChildEnd end;
  if (!child_end(vm, child, &end)) return NO_REF;
  if (end.error) return end.error;
  Ref result = NO_REF;
  if (!end.cancelled) {
    if (!cd_future_is_exact(vm, child)) return child_ask(vm, child, "result", &result) ? result : NO_REF;
    return cd_dup(cd_as_future(child)->value);
  }
  Value type = cd_cancelled_error_borrow(vm);
  Ref message = type ? cd_getattr(vm, child, N(_cancel_message)) : NO_REF;
  if (message && cd_is_none(message)) message = cd_dup(vm->empty_str);
  if (message) result = cd_call1(vm, type, message);
  cd_drop(vm, message);
  return result;
}

// ---- the end ----

static bool gathering_fail(VM *vm, Value self, Ref error)        // steals error, NO_REF: exception set
{
  bool ok = error && cd_future_set_exception(vm, self, error);
  cd_drop(vm, error);
  return ok;
}

static bool gathering_finish(VM *vm, Value self)
{
  Gathering *g = gathering_of(self);
  Ref children = cd_dup(g->children), list = NO_REF;
  size_t count = cd_tuple_size(children);
  bool ok;
  if (g->cancel_requested) {
    // Whoever cancelled this one awaits it: it must not look as if nothing had happened.
    ok = gathering_fail(vm, self, child_cancelled_error(vm, cd_tuple_item_borrow(children, count - 1)));
  } else {
    ok = (list = cd_list_with_capacity(vm, count)) != NO_REF;
    for (size_t i = 0; ok && i < count; i++)
      ok = cd_list_append_steal(vm, cd_as_list(list), child_outcome(vm, cd_tuple_item_borrow(children, i)));
    ok = ok && (g->state != FUTURE_PENDING || cd_future_set_result(vm, self, list));
  }
  cd_drop(vm, list);
  cd_drop(vm, children);
  return ok;
}

bool cd_gather_child_done(VM *vm, Value self, Value child)
{
  Gathering *g = gathering_of(self);
  ChildEnd end = {false, NO_REF};
  if (g->missing) g->missing--;
  bool over = g->abandoned || g->state != FUTURE_PENDING;
  if ((over || !g->return_exceptions) && !child_end(vm, child, &end)) return false;
  if (over) {                                    // asked for its exception, so that it counts as seen
    cd_drop(vm, end.error);
    return true;
  }
  if (end.cancelled) return gathering_fail(vm, self, child_cancelled_error(vm, child));
  if (end.error) return gathering_fail(vm, self, end.error);
  return g->missing || gathering_finish(vm, self);
}

static Ref gathering_call(VM *vm, Value self, const Value *args, size_t nargs, Value kwnames)
{
  if (!cd_no_keywords(vm, "gather() callback", kwnames) || !cd_check_positional(vm, "gather() callback", nargs, 1, 1)) return NO_REF;
  return cd_gather_child_done(vm, self, args[0]) ? cd_none() : NO_REF;
}

// ---- cancelling ----

bool cd_gather_cancel(VM *vm, Value self, Value message, bool *out)
{
  Gathering *g = gathering_of(self);
  *out = false;
  if (g->state != FUTURE_PENDING) return true;
  Ref children = cd_dup(g->children);
  bool ok = true;
  for (size_t i = 0; ok && i < cd_tuple_size(children); i++) {
    bool one = false;
    ok = cd_future_cancel_any(vm, cd_tuple_item_borrow(children, i), message, &one);
    *out |= one;
  }
  if (*out) g->cancel_requested = true;
  cd_drop(vm, children);
  return ok;
}

METHOD(gathering, cancel, "cancel(self, msg=None)", "Cancel the children that are not done.")
{
  bool done;
  return cd_gather_cancel(vm, self, args[0], &done) ? cd_bool(done) : NO_REF;
}

// ---- gather() ----

static Ref gather_make_task(VM *vm, Value loop, Value coro)
{
  Loop *native = cd_is_loop(vm, loop) ? cd_as_loop(loop) : NULL;
  if (native && !cd_bits(native->task_factory) && !native->debug && !native->closed &&
      !(cd_loop_overrides(vm, native) & OVERRIDES_CREATE_TASK)) {
    Ref task = cd_task_new(vm, loop, coro, NO_VALUE, NO_VALUE);
    if (task) cd_as_task(task)->log_destroy_pending = false;     // nobody else has it
    return task;
  }
  Ref task = cd_call_method1(vm, loop, N(create_task), coro);
  if (task && !cd_setattr_text(vm, task, "_log_destroy_pending", cd_false())) cd_forget(vm, &task);
  return task;
}

// The future for an argument. *loop is set by the first.
static Ref gather_ensure(VM *vm, Value arg, Ref *loop)
{
  if (cd_is_exact(arg, vm->types.coroutine)) {
    if (!*loop && !(*loop = cd_asyncio_get_event_loop(vm))) return NO_REF;
    return gather_make_task(vm, *loop, arg);
  }
  Ref future = NO_REF;
  if (cd_future_is_exact(vm, arg) && cd_bits(cd_as_future(arg)->loop) && (!*loop || cd_is(cd_as_future(arg)->loop, *loop))) {
    future = cd_dup(arg);
  } else {
    Ref ensure = cd_import_attr(vm, "asyncio.tasks", "ensure_future"), names = ensure ? cd_tuple1(vm, N(loop)) : NO_REF;
    Value args[2] = {arg, *loop ? *loop : cd_none()};
    if (names) future = cd_call(vm, ensure, args, 1, names);
    cd_drop(vm, ensure);
    cd_drop(vm, names);
    if (future && !cd_is(future, arg) && !cd_setattr_text(vm, future, "_log_destroy_pending", cd_false())) cd_forget(vm, &future);
  }
  const Value one[1] = {future};
  if (future && !*loop && !(*loop = cd_asyncio_call(vm, "asyncio.futures", "_get_loop", one, 1))) cd_forget(vm, &future);
  return future;
}

static bool gather_watch(VM *vm, Value self, Value child, bool own, bool *done)
{
  *done = false;
  if (cd_future_is_exact(vm, child)) {
    *done = own && cd_future_done(child);        // an eager task: its callback would come too late for some
    return *done || cd_future_add_callback(vm, child, self, cd_none());
  }
  Ref result = cd_call_method1(vm, child, N(add_done_callback), self);
  cd_drop(vm, result);
  return result != NO_REF;
}

static Ref gathering_new(VM *vm, Value loop, size_t count, bool return_exceptions)
{
  Gathering *g = cd_object_new(vm, vm->asyncio->gathering, sizeof *g);
  if (!g) return NO_REF;
  Ref self = cd_from_object(g);
  g->return_exceptions = return_exceptions;
  if (!cd_future_init(vm, self, loop) || !(g->children = cd_tuple_new(vm, count))) cd_forget(vm, &self);
  for (size_t i = 0; self && i < count; i++) cd_tuple_set(g->children, i, cd_none());
  if (self && cd_is_loop(vm, loop) && cd_bits(cd_as_loop(loop)->current_task)) g->task = cd_dup(cd_as_loop(loop)->current_task);
  return self;
}

// One argument: children that are equal are one child.
static bool gather_add(VM *vm, Ref *self, Ref *loop, Value known, const Value *args, size_t i, size_t count, bool exceptions, List *ended)
{
  Ref future = NO_REF;
  bool done = false;
  Find found = cd_dict_find(vm, known, args[i], &future);
  if (found == FIND_ERROR) return false;
  if (found == FIND_MISSING && !(future = gather_ensure(vm, args[i], loop))) return false;
  if (!*self && !(*self = gathering_new(vm, *loop, count, exceptions))) {
    cd_drop(vm, future);
    return false;
  }
  Gathering *g = gathering_of(*self);
  bool ok = true;
  if (found == FIND_MISSING) {
    ok = cd_dict_set(vm, known, args[i], future) && gather_watch(vm, *self, future, !cd_is(future, args[i]), &done);
    g->missing += ok;
    if (ok && done) ok = cd_list_append(vm, ended, future);
  }
  cd_tuple_set(g->children, i, future);
  return ok;
}

static Ref gather_nothing(VM *vm)
{
  Ref loop = cd_asyncio_get_event_loop(vm), future = loop ? cd_call_method0(vm, loop, N(create_future)) : NO_REF;
  Ref list = future ? cd_list_new(vm) : NO_REF, name = list ? cd_intern(vm, "set_result") : NO_REF;
  Ref set = name ? cd_call_method1(vm, future, name, list) : NO_REF;
  if (!set) cd_forget(vm, &future);
  cd_drop(vm, loop);
  cd_drop(vm, list);
  cd_drop(vm, name);
  cd_drop(vm, set);
  return future;
}

Ref cd_gather(VM *vm, const Value *args, size_t nargs, bool return_exceptions)
{
  if (!nargs) return gather_nothing(vm);
  Ref self = NO_REF, loop = NO_REF, known = cd_dict_new(vm), ended = known ? cd_list_new(vm) : NO_REF;
  bool ok = ended != NO_REF;
  for (size_t i = 0; ok && i < nargs; i++) ok = gather_add(vm, &self, &loop, known, args, i, nargs, return_exceptions, cd_as_list(ended));
  for (size_t i = 0; ok && i < cd_list_size(ended); i++) ok = cd_gather_child_done(vm, self, cd_list_item_borrow(ended, i));
  if (!ok && self) {
    gathering_of(self)->abandoned = true;
    cd_forget(vm, &self);
  }
  cd_drop(vm, loop);
  cd_drop(vm, known);
  cd_drop(vm, ended);
  return self;
}

Value cd_gather_task_borrow(Value self) { return gathering_of(self)->task; }

// ---- the type ----

static Ref gathering_get_children(VM *vm, Value self) { return cd_list_from(vm, gathering_of(self)->children); }
static Ref gathering_get_requested(VM *vm UNUSED, Value self) { return cd_bool(gathering_of(self)->cancel_requested); }

static const MethodDef *const gathering_methods[] = {&gathering_cancel_def, NULL};
static const GetSetDef gathering_getset[] = {
  {"_children", NULL, gathering_get_children, NULL}, {"_cancel_requested", NULL, gathering_get_requested, NULL}, {0}};

const TypeSpec cd_gathering_spec = {
  .name = "asyncio.tasks._GatheringFuture",
  .doc = "The future that gather() returns: to cancel it means to cancel the children.",
  .basicsize = sizeof(Gathering),
  .flags = TYPE_NO_NEW | TYPE_IMMUTABLE | TYPE_GC | TYPE_HAS_DICT | TYPE_HAS_WEAKREFS,
  .dict_offset = offsetof(Gathering, attributes),
  .weaklist_offset = offsetof(Gathering, weaklist),
  .methods = gathering_methods,
  .getset = gathering_getset,
  .slots = {.release = gathering_clear,
            .traverse = gathering_traverse,
            .clear = gathering_clear,
            .call = gathering_call,
            .await = cd_future_await,
            .send = cd_future_send,
            .init = cd_future_refuse_init},
};
