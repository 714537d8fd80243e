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
         (s->stream = cd_type_from_spec(vm, &cd_stream_spec, cd_type_value(s->transport))) &&
         (s->datagram = cd_type_from_spec(vm, &cd_datagram_spec, cd_type_value(s->transport)));
}

static bool asyncio_make_types(VM *vm, Asyncio *s)
{
  if (!(s->future = cd_type_from_spec(vm, &cd_future_spec, NO_VALUE))) return false;
  if (!(s->task = cd_type_from_spec(vm, &cd_task_spec, cd_type_value(s->future)))) return false;
  if (!(s->gathering = cd_type_from_spec(vm, &cd_gathering_spec, cd_type_value(s->future)))) return false;
  if (!(s->sleep = cd_type_from_spec(vm, &cd_sleep_spec, cd_type_value(s->future)))) return false;
  if (!(s->waiting = cd_type_from_spec(vm, &cd_waiting_spec, cd_type_value(s->future)))) return false;
  if (!(s->yield_once = cd_type_from_spec(vm, &cd_yield_once_spec, NO_VALUE))) return false;
  if (!(s->handle = cd_type_from_spec(vm, &cd_handle_spec, NO_VALUE))) return false;
  if (!(s->timer_handle = cd_type_from_spec(vm, &cd_timer_handle_spec, cd_type_value(s->handle)))) return false;
  return (s->loop = cd_type_from_spec(vm, &cd_loop_spec, NO_VALUE)) &&
         (s->future_iter = cd_type_from_spec(vm, &cd_future_iter_spec, NO_VALUE)) &&
         (s->task_step = cd_type_from_spec(vm, &cd_task_step_spec, NO_VALUE)) &&
         (s->all_tasks_type = cd_type_from_spec(vm, &cd_all_tasks_spec, NO_VALUE)) &&
         (s->current_tasks_type = cd_type_from_spec(vm, &cd_current_tasks_spec, NO_VALUE)) && asyncio_make_transports(vm, s);
}

bool cd_asyncio_init(VM *vm, Asyncio *s)
{
  if (vm->asyncio) return true;
  vm->asyncio = s;
  vm->close_dropped = cd_dropped_close;
  if (asyncio_make_types(vm, s) && (s->current_tasks = cd_dict_new(vm)) && (s->functions = cd_dict_new(vm)) &&
      (s->context_keyword = cd_tuple1(vm, N(context))) && (s->default_executor_name = cd_intern(vm, "_default_executor")))
    return true;
  cd_asyncio_clear(vm, s);
  return false;
}

static Type **const *asyncio_types(Asyncio *s, Type **rows[20])
{
  Type **all[] = {&s->waiting,     &s->sleep,          &s->yield_once,         &s->gathering, &s->future,
                  &s->task,        &s->handle,         &s->timer_handle,       &s->loop,      &s->future_iter,
                  &s->task_step,   &s->all_tasks_type, &s->datagram,           &s->stream,    &s->transport,
                  &s->reader_pair, &s->host_iterator,  &s->current_tasks_type, NULL};
  memcpy(rows, all, sizeof all);
  return rows;
}

void cd_asyncio_traverse(Asyncio *s, VisitFn visit, void *context)
{
  visit(context, s->cancelled_error);
  visit(context, s->invalid_state_error);
  visit(context, s->current_tasks);
  visit(context, s->foreign_tasks);
  visit(context, s->host_loop);
  visit(context, s->functions);
}

void cd_asyncio_clear(VM *vm, Asyncio *s)
{
  Value *values[] = {&s->host_loop, &s->cancelled_error, &s->invalid_state_error, &s->current_tasks, &s->foreign_tasks,
                     &s->functions, &s->spare_context, &s->context_keyword, &s->default_executor_name};
  for (size_t i = 0; i < ARRAY_LEN(values); i++) cd_clear(vm, values[i]);
  Type **rows[20];
  vm->close_dropped = NULL;
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

// The function asyncio.<module>.<name>, found once: they are needed at the VM's very end too, when modules are gone.
static Ref asyncio_function(VM *vm, const char *module, const char *name)
{
  Value functions = vm->asyncio->functions;
  Ref key = cd_str_format(vm, "%s.%s", module, name), function = NO_REF;
  Find found = key ? cd_dict_find(vm, functions, key, &function) : FIND_ERROR;
  if (found == FIND_MISSING) {
    function = cd_import_attr(vm, module, name);
    if (function && !cd_dict_set(vm, functions, key, function)) cd_forget(vm, &function);
  }
  cd_drop(vm, key);
  return function;
}

// Tasks that are left when the program is over may have to be described after their module is gone.
void cd_asyncio_prepare_end(VM *vm)
{
  static const char *const rows[][2] = {{"asyncio.base_futures", "_future_repr"}, {"asyncio.base_tasks", "_task_repr"}};
  if (!vm->asyncio || !cd_bits(vm->modules)) return;
  for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
    if (!vm->asyncio->task_count && !cd_dict_get_text_borrow(vm, vm->modules, rows[i][0])) continue;
    Ref function = asyncio_function(vm, rows[i][0], rows[i][1]);
    if (!function) cd_clear_raised(vm);
    cd_drop(vm, function);
  }
  Ref loaded = vm->asyncio->task_count ? cd_asyncio_call(vm, "asyncio.format_helpers", "_load_all", NULL, 0) : NO_REF;
  if (!loaded) cd_clear_raised(vm);              // no installed library
  cd_drop(vm, loaded);
  if (vm->asyncio->task_count && !(cd_cancelled_error_borrow(vm) && cd_invalid_state_error_borrow(vm))) cd_clear_raised(vm);
}

Ref cd_asyncio_call(VM *vm, const char *module, const char *name, const Value *args, size_t nargs)
{
  Ref function = asyncio_function(vm, module, name), result = function ? cd_call(vm, function, args, nargs, NO_VALUE) : NO_REF;
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
METHOD(all_tasks, discard, "discard(self, item)", "Remove a task if it is there.")
{
  return cd_task_unregister(vm, args[0]) ? cd_none() : NO_REF;
}

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

// ---- _current_tasks: loop -> the task that runs in it ----

// Native loops know their task themselves, the others' are in a dict; this object shows both as the mapping that Python code expects.
static Ref current_tasks_dict(VM *vm)
{
  Ref tasks = cd_dict_copy(vm, vm->asyncio->current_tasks), loop = tasks ? cd_loop_running(vm) : NO_REF;
  if (loop && cd_is_loop(vm, loop) && cd_bits(cd_as_loop(loop)->current_task) &&
      !cd_dict_set(vm, tasks, loop, cd_as_loop(loop)->current_task))
    cd_forget(vm, &tasks);
  cd_drop(vm, loop);
  return tasks;
}

static bool current_tasks_len(VM *vm, Value self UNUSED, int64_t *out)
{
  Ref tasks = current_tasks_dict(vm);
  if (tasks) *out = (int64_t)cd_dict_count(tasks);
  cd_drop(vm, tasks);
  return tasks != NO_REF;
}

static Ref current_tasks_iter(VM *vm, Value self UNUSED)
{
  Ref tasks = current_tasks_dict(vm), keys = tasks ? cd_dict_keys_list(vm, tasks) : NO_REF, iter = keys ? cd_iter(vm, keys) : NO_REF;
  cd_drop(vm, tasks);
  cd_drop(vm, keys);
  return iter;
}

static Ref current_tasks_getitem(VM *vm, Value self UNUSED, Value loop)
{
  Ref task = cd_task_current(vm, loop);
  if (!task || !cd_is_none(task)) return task;
  return cd_raise_key(vm, loop);
}

static bool current_tasks_setitem(VM *vm, Value self UNUSED, Value loop, Value task)
{
  Ref old = cd_task_swap_current(vm, loop, cd_bits(task) ? task : cd_none());
  bool missing = old && !cd_bits(task) && cd_is_none(old);
  cd_drop(vm, old);
  if (missing) return cd_raise_key(vm, loop);
  return old != NO_REF;
}

static bool current_tasks_contains(VM *vm, Value self UNUSED, Value loop, bool *out)
{
  Ref task = cd_task_current(vm, loop);
  *out = task && !cd_is_none(task);
  cd_drop(vm, task);
  return task != NO_REF;
}

static Ref current_tasks_repr(VM *vm, Value self UNUSED)
{
  Ref tasks = current_tasks_dict(vm), text = tasks ? cd_repr(vm, tasks) : NO_REF;
  cd_drop(vm, tasks);
  return text;
}

METHOD(current_tasks, get, "get(self, key, default=None, /)", "Return the task that runs in a loop, or default.")
{
  Ref task = cd_task_current(vm, args[0]);
  if (task && cd_is_none(task) && cd_bits(args[1])) return cd_dup(args[1]);
  return task;
}

METHOD(current_tasks, copy, "copy(self, /)", "Return a dict of loops and tasks.") { return current_tasks_dict(vm); }

static const MethodDef *const current_tasks_methods[] = {&current_tasks_get_def, &current_tasks_copy_def, NULL};

const TypeSpec cd_current_tasks_spec = {
  .name = "_asyncio.CurrentTasks",
  .doc = "Loops and the tasks that run in them now.",
  .basicsize = sizeof(Object),
  .flags = TYPE_NO_NEW | TYPE_IMMUTABLE,
  .methods = current_tasks_methods,
  .slots = {.len = current_tasks_len,
            .iter = current_tasks_iter,
            .getitem = current_tasks_getitem,
            .setitem = current_tasks_setitem,
            .contains = current_tasks_contains,
            .repr = current_tasks_repr},
};
