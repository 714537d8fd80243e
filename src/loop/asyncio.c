// SPDX-License-Identifier: MIT
// asyncio.c: what a VM knows of asyncio: the types of this folder, classes that the Python part defines, the table of all tasks
#include "loop/loop.h"
#include "loop/transport.h"

#include "objects/dict.h"
#include "objects/function.h"
#include "objects/list.h"
#include "objects/module.h"
#include "objects/protocol.h"
#include "objects/str.h"
#include "objects/tuple.h"
#include "objects/type.h"

// ---- the state ----

static bool asyncio_make_transports(VM *vm, Asyncio *s)
{
  return (s->reader_pair = cd_type_from_spec(vm, &cd_reader_pair_spec, NO_VALUE)) && cd_loop_add_methods(vm, s->loop, cd_reader_methods) &&
         (s->transport = cd_type_from_spec(vm, &cd_transport_spec, NO_VALUE)) &&
         (s->stream = cd_type_from_spec(vm, &cd_stream_spec, cd_type_value(s->transport)));
}

static bool asyncio_make_types(VM *vm, Asyncio *s)
{
  if (!(s->future = cd_type_from_spec(vm, &cd_future_spec, NO_VALUE))) return false;
  if (!(s->task = cd_type_from_spec(vm, &cd_task_spec, cd_type_value(s->future)))) return false;
  if (!(s->handle = cd_type_from_spec(vm, &cd_handle_spec, NO_VALUE))) return false;
  if (!(s->timer_handle = cd_type_from_spec(vm, &cd_timer_handle_spec, cd_type_value(s->handle)))) return false;
  return (s->loop = cd_type_from_spec(vm, &cd_loop_spec, NO_VALUE)) && (s->future_iter = cd_type_from_spec(vm, &cd_future_iter_spec, NO_VALUE)) &&
         (s->task_step = cd_type_from_spec(vm, &cd_task_step_spec, NO_VALUE)) &&
         (s->all_tasks_type = cd_type_from_spec(vm, &cd_all_tasks_spec, NO_VALUE)) && asyncio_make_transports(vm, s);
}

bool cd_asyncio_init(VM *vm, Asyncio *s)
{
  if (vm->asyncio) return true;
  vm->asyncio = s;
  if (asyncio_make_types(vm, s) && (s->current_tasks = cd_dict_new(vm)) && (s->context_keyword = cd_tuple1(vm, N(context))) &&
      (s->default_executor_name = cd_intern(vm, "_default_executor")))
    return true;
  cd_asyncio_clear(vm, s);
  return false;
}

static Type **const *asyncio_types(Asyncio *s, Type **rows[12])
{
  Type **all[] = {&s->future, &s->task, &s->handle, &s->timer_handle, &s->loop, &s->future_iter, &s->task_step, &s->all_tasks_type, &s->stream, &s->transport,
                  &s->reader_pair, NULL};
  memcpy(rows, all, sizeof all);
  return rows;
}

void cd_asyncio_traverse(Asyncio *s, VisitFn visit, void *context)
{
  visit(context, s->cancelled_error);
  visit(context, s->invalid_state_error);
  visit(context, s->current_tasks);
  visit(context, s->foreign_tasks);
}

void cd_asyncio_clear(VM *vm, Asyncio *s)
{
  Value *values[] = {&s->cancelled_error, &s->invalid_state_error, &s->current_tasks, &s->foreign_tasks, &s->context_keyword, &s->default_executor_name};
  for (size_t i = 0; i < ARRAY_LEN(values); i++) cd_clear(vm, values[i]);
  Type **rows[12];
  vm->asyncio = NULL;                            // what dies from here on takes the slow way
  for (Type **const *row = asyncio_types(s, rows); *row; row++) {
    Type *type = **row;
    **row = NULL;
    cd_drop_object(vm, type);
  }
}

// ---- the Python part ----

static Value asyncio_class(VM *vm, Value *slot, const char *name)
{
  if (!cd_bits(*slot)) {
    Ref found = cd_import_attr(vm, "asyncio.exceptions", name);
    if (found && !(cd_is_type(found) && cd_as_type(found)->flags & TYPE_EXCEPTION)) {
      cd_drop(vm, found);
      found = cd_raise_type(vm, "asyncio.exceptions.%s is no exception class", name);
    }
    if (!found) return NO_VALUE;
    cd_replace(vm, slot, found);
  }
  return *slot;
}

Value cd_cancelled_error_borrow(VM *vm) { return asyncio_class(vm, &vm->asyncio->cancelled_error, "CancelledError"); }
Value cd_invalid_state_error_borrow(VM *vm) { return asyncio_class(vm, &vm->asyncio->invalid_state_error, "InvalidStateError"); }

Ref cd_asyncio_call(VM *vm, const char *module, const char *name, const Value *args, size_t nargs)
{
  Ref function = cd_import_attr(vm, module, name), result = function ? cd_call(vm, function, args, nargs, NO_VALUE) : NO_REF;
  cd_drop(vm, function);
  return result;
}

Ref cd_asyncio_get_event_loop(VM *vm)
{
  Ref loop = cd_loop_running(vm);
  if (loop) return loop;
  Ref policy = cd_asyncio_call(vm, "asyncio.events", "get_event_loop_policy", NULL, 0);
  loop = policy ? cd_call_method0(vm, policy, N(get_event_loop)) : NO_REF;
  cd_drop(vm, policy);
  return loop;
}

bool cd_loop_add_methods(VM *vm, Type *type, const MethodDef *const *methods)
{
  for (; *methods; methods++) {
    Ref name = cd_intern(vm, (*methods)->name), method = name ? cd_method_descriptor_new(vm, type, *methods) : NO_REF;
    bool ok = method && cd_type_set_attr(vm, type, name, method);
    cd_drop(vm, name);
    cd_drop(vm, method);
    if (!ok) return false;
  }
  return true;
}

// ---- _all_tasks: what asyncio.all_tasks() goes through ----

// The tasks are linked to each other; this object shows them as the weak set that Python code expects.
static bool all_tasks_len(VM *vm, Value self UNUSED, int64_t *out)
{
  Ref list = cd_tasks_list(vm);
  if (list) *out = (int64_t)cd_list_size(list);
  cd_drop(vm, list);
  return list != NO_REF;
}

static Ref all_tasks_iter(VM *vm, Value self UNUSED)
{
  Ref list = cd_tasks_list(vm), iter = list ? cd_iter(vm, list) : NO_REF;
  cd_drop(vm, list);
  return iter;
}

static bool all_tasks_contains(VM *vm, Value self UNUSED, Value item, bool *out)
{
  Ref list = cd_tasks_list(vm);
  bool ok = list && cd_contains(vm, list, item, out);
  cd_drop(vm, list);
  return ok;
}

METHOD(all_tasks, add, "add(self, item)", "Add a task.") { return cd_task_register(vm, args[0]) ? cd_none() : NO_REF; }
METHOD(all_tasks, discard, "discard(self, item)", "Remove a task if it is there.") { return cd_task_unregister(vm, args[0]) ? cd_none() : NO_REF; }

METHOD(all_tasks, clear, "clear(self)", "Remove all tasks.")
{
  Ref list = cd_tasks_list(vm);
  bool ok = list != NO_REF;
  for (size_t i = 0; ok && i < cd_list_size(list); i++) ok = cd_task_unregister(vm, cd_list_item_borrow(list, i));
  cd_drop(vm, list);
  return ok ? cd_none() : NO_REF;
}

static const MethodDef *const all_tasks_methods[] = {&all_tasks_add_def, &all_tasks_discard_def, &all_tasks_clear_def, NULL};

const TypeSpec cd_all_tasks_spec = {
  .name = "_asyncio.TaskSet",
  .doc = "All tasks that live, of all loops.",
  .basicsize = sizeof(Object),
  .flags = TYPE_NO_NEW | TYPE_IMMUTABLE,
  .methods = all_tasks_methods,
  .slots = {.len = all_tasks_len, .iter = all_tasks_iter, .contains = all_tasks_contains},
};
