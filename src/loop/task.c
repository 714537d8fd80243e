// SPDX-License-Identifier: MIT
// task.c: Task: a coroutine that the loop drives; each step runs it to the next future that it has to wait for
#include "loop/loop.h"

#include "core/gc.h"
#include "objects/context.h"
#include "objects/dict.h"
#include "objects/exception.h"
#include "objects/function.h"
#include "objects/generic_alias.h"
#include "objects/list.h"
#include "objects/module.h"
#include "objects/protocol.h"
#include "objects/str.h"
#include "objects/tuple.h"
#include "objects/type.h"

// ---- all tasks ----

bool cd_is_task(VM *vm, Value v) { return cd_is_object(v) && vm->asyncio && cd_object(v)->type->spec == &cd_task_spec; }

static void task_link(VM *vm, Task *task)
{
  if (task->registered || !vm->asyncio) return;
  task->registered = true;
  vm->asyncio->task_count++;
}

static void task_unlink(VM *vm, Task *task)
{
  if (!task->registered) return;
  task->registered = false;
  if (vm->asyncio) vm->asyncio->task_count--;
}

// ---- the step of a task as a callable, for loops that are not native ----

typedef struct TaskStep {
  Object head;
  Value task, exception;                         // owned; exception NO_VALUE: none
} TaskStep;

static Ref task_step_new(VM *vm, Value task, Value exception)
{
  TaskStep *step = cd_object_new(vm, vm->asyncio->task_step, sizeof *step);
  if (!step) return NO_REF;
  step->task = cd_dup(task);
  step->exception = cd_bits(exception) ? cd_dup(exception) : NO_REF;
  return cd_from_object(step);
}

Ref cd_task_context(VM *vm, Value self)
{
  Task *task = cd_as_task(self);
  if (!cd_bits(task->context)) return cd_none();
  Ref context = cd_is_exact(task->context, vm->types.context) ? cd_dup(task->context) : cd_context_of_snapshot(vm, task->context);
  if (context) cd_replace(vm, &task->context, cd_dup(context));
  return context;
}

static bool task_soon(VM *vm, Task *task, Value exception)
{
  if (!cd_bits(exception) && task->native_loop && cd_loop_is_direct(vm, cd_as_loop(task->loop)))
    return cd_loop_push(vm, cd_as_loop(task->loop), cd_dup_object(task), READY_STEP, NO_REF);
  Ref step = task_step_new(vm, cd_from_object(task), exception), context = step ? cd_task_context(vm, cd_from_object(task)) : NO_REF;
  Value args[2] = {step, context};
  Ref method = context ? cd_getattr(vm, task->loop, N(call_soon)) : NO_REF, result = NO_REF;
  if (method) result = cd_call(vm, method, args, 1, vm->asyncio->context_keyword);
  cd_drop(vm, context);
  cd_drop(vm, method);
  cd_drop(vm, step);
  cd_drop(vm, result);
  return result != NO_REF;
}

// ---- birth ----

// RuntimeError or TypeError for what a task cannot drive. Runs Python for objects that are no native coroutine.
static bool task_check_coroutine(VM *vm, Task *task, Value coro)
{
  task->plain_coroutine = cd_is_exact(coro, vm->types.coroutine) ||
                          (cd_is_exact(coro, vm->types.generator) &&
                           ((Generator *)cd_object(coro))->frame.code->flags & CO_ITERABLE_COROUTINE);
  if (cd_is_exact(coro, vm->types.coroutine)) return true;
  bool yes = false;
  Ref result = cd_asyncio_call(vm, "asyncio.coroutines", "iscoroutine", &coro, 1);
  if (!result || !cd_truth(vm, result, &yes)) {
    cd_drop(vm, result);
    return false;
  }
  cd_drop(vm, result);
  return yes || cd_raise_type(vm, "a coroutine was expected, got %R", coro);
}

static bool task_set_name_to(VM *vm, Task *task, Value name)
{
  if (!cd_bits(name) || cd_is_none(name)) {
    task->name_is_number = true;
    cd_replace(vm, &task->name, cd_from_small((int64_t)++vm->asyncio->next_task_number));
    return true;
  }
  Ref text = cd_is_exact(name, vm->types.str) ? cd_dup(name) : cd_str(vm, name);
  if (!text) return false;
  task->name_is_number = false;
  cd_replace(vm, &task->name, text);
  return true;
}

static bool task_eager_start(VM *vm, Task *task)
{
  Value self = cd_from_object(task);
  Ref previous = cd_task_swap_current(vm, task->loop, self);
  if (!previous) return false;
  task_link(vm, task);
  Ref context = cd_task_context(vm, self);
  bool ok = context && cd_context_enter(vm, context);
  if (ok) {
    ok = cd_task_run_first(vm, self);            // the swap above is what `enter` does for other steps
    cd_context_exit(vm, context);
  }
  cd_drop(vm, context);
  Ref raised = cd_take_raised(vm), swapped = cd_task_swap_current(vm, task->loop, previous);
  cd_drop(vm, previous);
  cd_drop(vm, swapped);
  if (raised) cd_restore_raised(vm, raised);
  if (task->state != FUTURE_PENDING) {
    task_unlink(vm, task);
    cd_clear(vm, &task->coro);
  }
  return ok;
}

static bool task_loop_is_running(VM *vm, Value loop, bool *out)
{
  Ref running = cd_call_method0(vm, loop, N(is_running));
  bool ok = running && cd_truth(vm, running, out);
  cd_drop(vm, running);
  return ok;
}

static bool task_init(VM *vm, Value self, Value coro, Value loop, Value name, Value context, bool eager)
{
  Task *task = cd_as_task(self);
  if (!cd_future_init(vm, self, loop)) return false;
  task->is_task = true;
  task->log_destroy_pending = false;
  if (!task_check_coroutine(vm, task, coro)) return false;
  if (cd_context_is_foreign(vm, context)) return cd_raise_type(vm, "a Context was expected, got %R", context);
  task->log_destroy_pending = true;
  if (cd_bits(context) && !cd_is_none(context)) {
    cd_replace(vm, &task->context, cd_dup(context));
  } else {
    cd_replace(vm, &task->context, cd_context_snapshot(vm));
  }
  cd_clear(vm, &task->waiter);
  task->must_cancel = false;
  task->cancels = 0;
  cd_replace(vm, &task->coro, cd_dup(coro));
  if (!task_set_name_to(vm, task, name)) return false;
  bool running = false;
  if (eager && !task_loop_is_running(vm, task->loop, &running)) return false;
  if (running) return task_eager_start(vm, task);
  if (!task_soon(vm, task, NO_VALUE)) return false;
  task_link(vm, task);
  return true;
}

static bool task_init_slot(VM *vm, Value self, const Value *args, size_t nargs, Value kwnames)
{
  Value bound[5];
  Ref owned[2] = {NO_REF, NO_REF};
  if (!cd_bind_text(vm, "Task(coro, *, loop=None, name=None, context=None, eager_start=False)", args, nargs, kwnames, bound, owned))
    return false;
  bool eager = false;
  if (cd_bits(bound[4]) && !cd_truth(vm, bound[4], &eager)) return false;
  return task_init(vm, self, bound[0], bound[1], bound[2], bound[3], eager);
}

static Ref task_new_slot(VM *vm, Type *type, const Value *args UNUSED, size_t nargs UNUSED, Value kwnames UNUSED)
{
  Task *task = cd_instance_new(vm, type);
  if (task) task->is_task = true;
  return cd_from_object(task);
}

Ref cd_task_new(VM *vm, Value loop, Value coro, Value name, Value context)
{
  Task *task = cd_object_new(vm, vm->asyncio->task, sizeof(Task));
  if (!task) return NO_REF;
  Ref self = cd_from_object(task);
  task->is_task = true;
  if (task_init(vm, self, coro, loop, name, context, false)) return self;
  cd_drop(vm, self);
  return NO_REF;
}

// ---- death ----

static void task_clear(VM *vm, Object *self)
{
  Task *task = (Task *)self;
  cd_future_clear(vm, self);
  cd_clear(vm, &task->name);
  cd_clear(vm, &task->coro);
  cd_clear(vm, &task->context);
  cd_clear(vm, &task->waiter);
}

static void task_release(VM *vm, Object *self)
{
  task_unlink(vm, (Task *)self);
  task_clear(vm, self);
}

static void task_traverse(Object *self, VisitFn visit, void *context)
{
  Task *task = (Task *)self;
  cd_future_traverse(self, visit, context);
  visit(context, task->name);
  visit(context, task->coro);
  visit(context, task->context);
  visit(context, task->waiter);
}

static void task_report_destroyed(VM *vm, Value self)
{
  Task *task = cd_as_task(self);
  Ref raised = cd_take_raised(vm), context = cd_dict_new(vm), message = cd_str_from(vm, "Task was destroyed but it is pending!");
  bool ok = context && message && cd_dict_set_text(vm, context, "message", message) && cd_dict_set_text(vm, context, "task", self) &&
            (!task->rest || !cd_bits(task->rest->source_traceback) ||
             cd_dict_set_text(vm, context, "source_traceback", task->rest->source_traceback));
  Ref result = ok ? cd_call_method1(vm, task->loop, N(call_exception_handler), context) : NO_REF;
  if (!result) cd_write_unraisable(vm, task->loop);
  cd_drop(vm, message);
  cd_drop(vm, context);
  cd_drop(vm, result);
  cd_restore_raised(vm, raised);
}

static void task_finalize(VM *vm, Value self)
{
  Task *task = cd_as_task(self);
  task_unlink(vm, task);                         // one that comes back to life is not among all_tasks() any more, like one of a weak set
  if (task->state == FUTURE_PENDING && task->log_destroy_pending && cd_bits(task->loop)) task_report_destroyed(vm, self);
  cd_future_report_unretrieved(vm, self);
}

static bool task_retire(VM *vm, Object *self)
{
  Task *task = (Task *)self;
  Type *type = self->type;
  if (!vm->asyncio || type != vm->asyncio->task || task->log_traceback || task->weaklist || task->attributes.shape ||
      cd_bits(task->attributes.dict))
    return false;
  if (task->state == FUTURE_PENDING && task->log_destroy_pending) return false;
  cd_gc_untrack(vm, self);
  task_unlink(vm, task);
  task_clear(vm, self);
  cd_free(vm, task, sizeof(Task) + task->attributes.inline_capacity * sizeof(Value));
  cd_drop_object(vm, type);
  return true;
}

// ---- the current task ----

static bool task_is_native_loop(VM *vm, Value loop) { return cd_is_loop(vm, loop); }

Ref cd_task_current(VM *vm, Value loop)
{
  if (task_is_native_loop(vm, loop)) return cd_bits(cd_as_loop(loop)->current_task) ? cd_dup(cd_as_loop(loop)->current_task) : cd_none();
  Ref task;
  Find found = cd_dict_find(vm, vm->asyncio->current_tasks, loop, &task);
  return found == FIND_HIT ? task : found == FIND_MISSING ? cd_none() : NO_REF;
}

Ref cd_task_swap_current(VM *vm, Value loop, Value task)
{
  if (task_is_native_loop(vm, loop)) {
    Ref old = cd_take(&cd_as_loop(loop)->current_task);
    if (!cd_is_none(task)) cd_as_loop(loop)->current_task = cd_dup(task);
    return old ? old : cd_none();
  }
  Ref old = cd_task_current(vm, loop);
  if (!old) return NO_REF;
  Value tasks = vm->asyncio->current_tasks;
  bool ok = cd_is_none(task) ? cd_dict_delete(vm, tasks, loop) != FIND_ERROR : cd_dict_set(vm, tasks, loop, task);
  if (ok) return old;
  cd_drop(vm, old);
  return NO_REF;
}

bool cd_task_enter(VM *vm, Value loop, Value task)
{
  if (task_is_native_loop(vm, loop)) {
    Value *current = &cd_as_loop(loop)->current_task;
    if (UNLIKELY(cd_bits(*current)))
      return cd_raise_runtime(vm, "Cannot enter into task %R while another task %R is being executed.", task, *current);
    *current = cd_dup(task);
    return true;
  }
  Ref old;
  Find found = cd_dict_find(vm, vm->asyncio->current_tasks, loop, &old);
  if (found == FIND_MISSING) return cd_dict_set(vm, vm->asyncio->current_tasks, loop, task);
  if (found == FIND_HIT) {
    cd_raise_runtime(vm, "Cannot enter into task %R while another task %R is being executed.", task, old);
    cd_drop(vm, old);
  }
  return false;
}

bool cd_task_leave(VM *vm, Value loop, Value task)
{
  if (task_is_native_loop(vm, loop)) {
    Value *current = &cd_as_loop(loop)->current_task;
    if (UNLIKELY(!cd_is(*current, task)))
      return cd_raise_runtime(vm, "Leaving task %R does not match the current task %R.", task, cd_bits(*current) ? *current : cd_none());
    cd_clear(vm, current);
    return true;
  }
  Ref current = cd_task_current(vm, loop);
  if (!current) return false;
  bool ok = cd_is(current, task) || cd_raise_runtime(vm, "Leaving task %R does not match the current task %R.", task, current);
  cd_drop(vm, current);
  return ok && cd_dict_delete(vm, vm->asyncio->current_tasks, loop) != FIND_ERROR;
}

// ---- what a step ends in ----

static bool task_finish(VM *vm, Task *task, Ref result)          // steals result
{
  bool ok, done;
  if (task->must_cancel) {                       // cancelled by itself or by somebody in its last step
    task->must_cancel = false;
    ok = cd_future_cancel(vm, cd_from_object(task), task->rest ? task->rest->cancel_message : NO_VALUE, &done);
  } else {
    ok = cd_future_set_result(vm, cd_from_object(task), result);
  }
  cd_drop(vm, result);
  return ok;
}

// The coroutine raised. false: the exception is to go on to whoever runs the loop.
static bool task_fail(VM *vm, Task *task)
{
  Value cancelled = cd_cancelled_error_borrow(vm), self = cd_from_object(task);
  if (!cancelled) return false;
  Ref exception = cd_take_raised(vm);
  bool ok, done;
  if (cd_is_instance_of(vm, exception, cd_as_type(cancelled))) {
    FutureRest *rest = cd_future_rest(vm, (Future *)task);
    if (!rest) {
      cd_drop(vm, exception);
      return false;
    }
    cd_replace(vm, &rest->cancelled_error, exception);
    return cd_future_cancel(vm, self, NO_VALUE, &done);
  }
  bool ends = cd_is_instance_of(vm, exception, vm->exc.KeyboardInterrupt) || cd_is_instance_of(vm, exception, vm->exc.SystemExit);
  if (cd_is_exact(exception, vm->exc.StopIteration)) {           // only a coroutine that is not ours lets one out
    Ref stopped = exception;
    cd_raise_runtime(vm, "coroutine raised StopIteration");
    cd_chain_cause(vm, cd_dup(stopped));
    cd_drop(vm, stopped);
    exception = cd_take_raised(vm);
  }
  ok = cd_future_set_exception(vm, self, exception);
  if (ok && ends) {
    cd_restore_raised(vm, exception);
    return false;
  }
  cd_drop(vm, exception);
  return ok;
}

bool cd_task_end(VM *vm, Task *task, SendResult result, Ref outcome)
{
  return result == RETURNED ? task_finish(vm, task, outcome) : task_fail(vm, task);
}

// The step that raises `error` (current exception, taken) in the coroutine comes soon.
static bool task_throw_soon(VM *vm, Task *task)
{
  Ref error = cd_take_raised(vm);
  bool ok = task_soon(vm, task, error);
  cd_drop(vm, error);
  return ok;
}

static bool task_wait_for(VM *vm, Task *task, Ref future)        // steals; `future` will call the task back
{
  cd_replace(vm, &task->waiter, future);
  if (LIKELY(!task->must_cancel)) return true;
  bool cancelled = false;
  Ref keep = cd_dup(future);
  bool ok = cd_future_cancel_any(vm, keep, task->rest ? task->rest->cancel_message : NO_VALUE, &cancelled);
  cd_drop(vm, keep);
  if (ok && cancelled) task->must_cancel = false;
  return ok;
}

// A native future of the same loop: the usual case.
static bool task_await_native(VM *vm, Task *task, Ref yielded)
{
  Future *future = cd_as_future(yielded);
  Value self = cd_from_object(task);
  if (UNLIKELY(cd_is(yielded, self))) {
    future->blocking = false;                    // or who awaits this task next would be taken for it
    cd_raise_runtime(vm, "Task cannot await on itself: %R", self);
    goto refuse;
  }
  if (UNLIKELY(!cd_is(future->loop, task->loop))) {
    cd_raise_runtime(vm, "Task %R got Future %R attached to a different loop", self, yielded);
    goto refuse;
  }
  if (UNLIKELY(!future->blocking)) {
    cd_raise_runtime(vm, "yield was used instead of yield from in task %R with %R", self, yielded);
    goto refuse;
  }
  future->blocking = false;
  if (UNLIKELY(future->is_task) && cd_hold_awaits((Task *)future, task)) {       // else both would wait for ever
    bool ok = cd_hold_give_up(vm, (Task *)future) && task_soon(vm, task, NO_VALUE);
    cd_drop(vm, yielded);
    return ok;
  }
  if (!cd_future_add_callback(vm, yielded, self, NO_REF)) goto fail;
  return task_wait_for(vm, task, yielded);
refuse:
  cd_drop(vm, yielded);
  return task_throw_soon(vm, task);
fail:
  cd_drop(vm, yielded);
  return false;
}

// Any object with the protocol: `blocking` is what its _asyncio_future_blocking said.
static bool task_await_foreign(VM *vm, Task *task, Ref yielded, bool blocking)
{
  Value self = cd_from_object(task);
  if (cd_is(yielded, self)) {
    cd_raise_runtime(vm, "Task cannot await on itself: %R", self);
    goto refuse;
  }
  const Value arg[1] = {yielded};
  Ref loop = cd_asyncio_call(vm, "asyncio.futures", "_get_loop", arg, 1);
  if (!loop) goto fail;
  bool same = cd_is(loop, task->loop);
  cd_drop(vm, loop);
  if (!same) {
    cd_raise_runtime(vm, "Task %R got Future %R attached to a different loop", self, yielded);
    goto refuse;
  }
  if (!blocking) {
    cd_raise_runtime(vm, "yield was used instead of yield from in task %R with %R", self, yielded);
    goto refuse;
  }
  if (!cd_setattr(vm, yielded, N(_asyncio_future_blocking), cd_false())) goto fail;
  Ref wakeup = cd_task_wakeup_method(vm, self), context = wakeup ? cd_task_context(vm, self) : NO_REF;
  Ref add = context ? cd_getattr(vm, yielded, N(add_done_callback)) : NO_REF, result = NO_REF;
  Value args[2] = {wakeup, context};
  if (add) result = cd_call(vm, add, args, 1, vm->asyncio->context_keyword);
  cd_drop(vm, context);
  cd_drop(vm, add);
  cd_drop(vm, wakeup);
  cd_drop(vm, result);
  if (!result) goto fail;
  return task_wait_for(vm, task, yielded);
refuse:
  cd_drop(vm, yielded);
  return task_throw_soon(vm, task);
fail:
  cd_drop(vm, yielded);
  return false;
}

// The coroutine yielded something other than a native future.
static bool task_await_other(VM *vm, Task *task, Ref yielded)
{
  if (cd_is_none(yielded)) return task_soon(vm, task, NO_VALUE);  // a bare yield gives way for one turn
  Ref blocking = NO_REF;
  Find found = cd_getattr_find(vm, yielded, N(_asyncio_future_blocking), &blocking);
  if (found == FIND_HIT && !cd_is_none(blocking)) {
    bool yes;
    bool ok = cd_truth(vm, blocking, &yes);
    cd_drop(vm, blocking);
    if (ok) return task_await_foreign(vm, task, yielded, yes);
    found = FIND_ERROR;
  }
  if (found == FIND_ERROR) {
    cd_drop(vm, yielded);
    return false;
  }
  if (cd_is_exact(yielded, vm->types.generator))
    cd_raise_runtime(vm, "yield was used instead of yield from for generator in task %R with %R", cd_from_object(task), yielded);
  else
    cd_raise_runtime(vm, "Task got bad yield: %R", yielded);
  cd_drop(vm, yielded);
  return task_throw_soon(vm, task);
}

// ---- one step ----

static SendResult task_stopped(VM *vm, Ref *out)                 // a foreign coroutine raised: is it its end?
{
  if (!cd_raised_is(vm, vm->exc.StopIteration)) return RAISED;
  Ref stop = cd_take_raised(vm);
  Value value = cd_stop_iteration_value_borrow(stop);
  *out = cd_bits(value) ? cd_dup(value) : cd_none();
  cd_drop(vm, stop);
  return RETURNED;
}

static SendResult task_resume(VM *vm, Task *task, Ref exception, Ref *out)     // steals exception; NO_REF: none
{
  if (LIKELY(task->plain_coroutine))
    return exception ? cd_generator_throw(vm, task->coro, exception, out) : cd_generator_send(vm, task->coro, cd_none(), out);
  Ref coro = cd_dup(task->coro);
  SendResult result;
  if (exception || (!cd_type_of(vm, coro)->slots.send && !cd_type_of(vm, coro)->slots.next)) {
    *out = exception ? cd_call_method1(vm, coro, N(throw), exception) : cd_call_method1(vm, coro, N(send), cd_none());
    result = *out ? YIELDED : task_stopped(vm, out);
  } else {
    result = cd_send(vm, coro, cd_none(), out);
  }
  cd_drop(vm, exception);
  cd_drop(vm, coro);
  return result;
}

// What goes into the coroutine instead of `exception` when the task was cancelled meanwhile.
static bool task_take_cancel(VM *vm, Task *task, Ref *exception)
{
  Value type = cd_cancelled_error_borrow(vm);
  if (!type) return false;
  if (!*exception || !cd_is_instance_of(vm, *exception, cd_as_type(type))) {
    Ref error = cd_future_cancelled_error(vm, (Future *)task);
    if (!error) return false;
    cd_drop(vm, *exception);
    *exception = error;
  }
  task->must_cancel = false;
  return true;
}

// Resumes the coroutine and deals with what comes of it; the task is the current one.
static bool task_advance(VM *vm, Task *task, Ref exception)
{
  Ref out = NO_REF;
  if (UNLIKELY(task->rest != NULL) && cd_hold_is_on(task)) {
    cd_drop(vm, exception);                      // of a closing task; or it says that this one was cancelled
    return cd_hold_continue(vm, task);
  }
  SendResult result = task_resume(vm, task, exception, &out);
  if (LIKELY(result == YIELDED)) {
    if (LIKELY(cd_future_is_exact(vm, out)))
      return task_await_native(vm, task, out);
    return task_await_other(vm, task, out);
  }
  if (UNLIKELY(task->rest != NULL) && task->rest->hold) return cd_hold_begin(vm, task, result, out);
  return cd_task_end(vm, task, result, out);
}

static bool task_prepare(VM *vm, Task *task, Ref *exception)
{
  if (UNLIKELY(task->state != FUTURE_PENDING)) {
    Value type = cd_invalid_state_error_borrow(vm);
    if (type)
      cd_raise(vm, cd_as_type(type), "__step(): already done: %R %R", cd_from_object(task), *exception ? *exception : cd_none());
    return false;
  }
  if (UNLIKELY(task->must_cancel) && !task_take_cancel(vm, task, exception)) return false;
  cd_clear(vm, &task->waiter);
  return true;
}

static bool task_step(VM *vm, Value self, Ref exception)          // steals exception
{
  Task *task = cd_as_task(self);
  Ref loop = NO_REF;
  if (!task_prepare(vm, task, &exception) || !cd_task_enter(vm, task->loop, self)) {
    cd_drop(vm, exception);
    return false;
  }
  loop = cd_dup(task->loop);
  bool ok = task_advance(vm, task, exception);
  Ref raised = ok ? NO_REF : cd_take_raised(vm);
  if (!cd_task_leave(vm, loop, self)) {
    if (raised) cd_chain_context(vm, raised);
    raised = NO_REF;
    ok = false;
  }
  if (raised) cd_restore_raised(vm, raised);
  cd_drop(vm, loop);
  return ok;
}

bool cd_task_run_first(VM *vm, Value self)
{
  Ref exception = NO_REF;
  if (task_prepare(vm, cd_as_task(self), &exception)) return task_advance(vm, cd_as_task(self), exception);
  cd_drop(vm, exception);
  return false;
}

// `future` is done: its exception goes into the coroutine; a result it fetches itself.
static bool task_wake(VM *vm, Value self, Value future)
{
  Ref exception = NO_REF, result = NO_REF;
  if (cd_future_is_exact(vm, future)) {
    if (LIKELY(cd_as_future(future)->state == FUTURE_FINISHED && !cd_as_future(future)->failed)) return task_step(vm, self, NO_REF);
    if (cd_future_result(vm, future, &result) == YIELDED) {
      Value type = cd_invalid_state_error_borrow(vm);
      if (type) cd_raise(vm, cd_as_type(type), "Result is not set.");
    }
  } else {
    result = cd_call_method0(vm, future, N(result));
  }
  if (!result) exception = cd_take_raised(vm);
  cd_drop(vm, result);
  return task_step(vm, self, exception);
}

bool cd_task_run_step(VM *vm, Value self, bool wake)
{
  Task *task = cd_as_task(self);
  bool snapshot = !cd_is_exact(task->context, vm->types.context);
  Ref entered;
  if (!cd_loop_enter_context(vm, task->context, &entered)) return false;
  if (snapshot) cd_replace(vm, &task->context, cd_dup(entered));
  Ref waiter = wake && cd_bits(task->waiter) ? cd_dup(task->waiter) : NO_REF;
  bool ok = waiter ? task_wake(vm, self, waiter) : task_step(vm, self, NO_REF);
  cd_drop(vm, waiter);
  // Nobody took the Context for itself: its variables are all that has to be kept.
  if (snapshot && cd_is(task->context, entered)) cd_loop_shed_context(vm, &task->context);
  cd_loop_leave_context(vm, entered);
  return ok;
}

METHOD_DEF_(task_wakeup, "task_wakeup", "task_wakeup(fut, /)", NULL, METHOD_NO_SIGNATURE)
{
  return task_wake(vm, self, args[0]) ? cd_none() : NO_REF;
}

Ref cd_task_wakeup_method(VM *vm, Value task) { return cd_native_new(vm, &task_wakeup_def, task, NO_VALUE); }

bool cd_task_stop_waiting(VM *vm, Task *task)
{
  if (!cd_bits(task->waiter)) return true;
  Ref name = cd_intern(vm, "remove_done_callback"), wakeup = name ? cd_task_wakeup_method(vm, cd_from_object(task)) : NO_REF;
  Ref removed = wakeup ? cd_call_method1(vm, task->waiter, name, wakeup) : NO_REF;
  cd_drop(vm, name);
  cd_drop(vm, wakeup);
  cd_drop(vm, removed);
  return removed != NO_REF;
}

// ---- the step's type ----

static Ref task_step_call(VM *vm, Value self, const Value *args UNUSED, size_t nargs, Value kwnames)
{
  if (cd_bits(kwnames) && cd_tuple_size(kwnames)) return cd_raise_type(vm, "function takes no keyword arguments");
  if (nargs) return cd_raise_type(vm, "function takes no positional arguments");
  TaskStep *step = (TaskStep *)cd_object(self);
  if (!cd_bits(step->task)) return cd_none();
  Ref task = cd_dup(step->task);
  bool ok = task_step(vm, task, cd_bits(step->exception) ? cd_dup(step->exception) : NO_REF);
  cd_drop(vm, task);
  return ok ? cd_none() : NO_REF;
}

static void task_step_clear(VM *vm, Object *self)
{
  cd_clear(vm, &((TaskStep *)self)->task);
  cd_clear(vm, &((TaskStep *)self)->exception);
}

static void task_step_traverse(Object *self, VisitFn visit, void *context)
{
  visit(context, ((TaskStep *)self)->task);
  visit(context, ((TaskStep *)self)->exception);
}

static const MemberDef task_step_members[] = {{"__self__", offsetof(TaskStep, task), MEMBER_VALUE_OR_NONE, false, NULL}, {0}};

const TypeSpec cd_task_step_spec = {
  .name = "TaskStepMethWrapper",
  .basicsize = sizeof(TaskStep),
  .flags = TYPE_GC | TYPE_NO_NEW | TYPE_IMMUTABLE,
  .members = task_step_members,
  .slots = {.release = task_step_clear, .traverse = task_step_traverse, .clear = task_step_clear, .call = task_step_call},
};

// ---- cancelling ----

// The task, not yet done, that this one waits for, if any: there cancel() goes on.
static Task *task_awaited_borrow(const VM *vm, const Task *task)
{
  if (!cd_bits(task->waiter) || !cd_is_exact(task->waiter, vm->asyncio->task)) return NULL;
  Task *awaited = cd_as_task(task->waiter);
  return awaited->state == FUTURE_PENDING ? awaited : NULL;
}

// Where the way from this task enters a circle of tasks that wait for each other (Floyd); NULL: it ends.
static Task *task_circle_borrow(const VM *vm, Task *from)
{
  Task *slow = from, *fast = from;
  do {
    if (!(fast = task_awaited_borrow(vm, fast)) || !(fast = task_awaited_borrow(vm, fast))) return NULL;
    slow = task_awaited_borrow(vm, slow);
  } while (slow != fast);
  for (slow = from; slow != fast; fast = task_awaited_borrow(vm, fast)) slow = task_awaited_borrow(vm, slow);
  return slow;
}

// CancelledError comes with the next step.
static bool task_cancel_later(VM *vm, Task *task, Value message)
{
  if (cd_bits(message) && !cd_is_none(message)) {
    FutureRest *rest = cd_future_rest(vm, (Future *)task);
    if (!rest) return false;
    cd_replace(vm, &rest->cancel_message, cd_dup(message));
  } else if (task->rest) {
    cd_clear(vm, &task->rest->cancel_message);
  }
  task->must_cancel = true;
  return true;
}

// Nobody would ever call back a task of a circle: this one waits no more.
static bool task_leave_circle(VM *vm, Task *task, Value message)
{
  if (cd_hold_is_on(task)) return cd_hold_give_up(vm, task);
  if (!task_cancel_later(vm, task, message) || !cd_task_stop_waiting(vm, task)) return false;
  cd_clear(vm, &task->waiter);
  return task_soon(vm, task, NO_VALUE);
}

// Cancels what the task waits for, or else the task itself. A chain of tasks that wait for each other can be long, so it is a loop.
static bool task_cancel_it(VM *vm, Value self, Value message, bool *out)
{
  Task *task = cd_as_task(self);
  task->log_traceback = false;
  *out = task->state == FUTURE_PENDING;
  if (!*out) return true;
  const Task *circle = task_circle_borrow(vm, task);
  Task *awaited = NULL;
  for (;; task = awaited) {
    task->log_traceback = false;
    task->cancels++;
    if (task == circle) break;
    if (!(awaited = task_awaited_borrow(vm, task))) break;
  }
  Ref keep = cd_dup(cd_from_object(task));
  bool ok = true, done = false;
  if (task == circle) {
    ok = task_leave_circle(vm, task, message);
  } else {
    if (cd_bits(task->waiter)) {
      Ref waiter = cd_dup(task->waiter);
      ok = cd_future_cancel_any(vm, waiter, message, &done);
      cd_drop(vm, waiter);
    }
    if (ok && !done) ok = task_cancel_later(vm, task, message);
  }
  cd_drop(vm, keep);
  return ok;
}

bool cd_future_cancel_any(VM *vm, Value waiter, Value message, bool *out)
{
  if (cd_is_exact(waiter, vm->asyncio->future) || cd_is_exact(waiter, vm->asyncio->sleep) ||
      cd_is_exact(waiter, vm->asyncio->waiting))
    return cd_future_cancel(vm, waiter, message, out);
  if (cd_is_exact(waiter, vm->asyncio->task)) return task_cancel_it(vm, waiter, message, out);
  if (cd_future_is_exact(vm, waiter)) {          // gather() of tasks that wait for gather() of tasks ...
    if (!cd_enter_recursion(vm, " while cancelling a task")) return false;
    bool ok = cd_gather_cancel(vm, waiter, message, out);
    cd_leave_recursion(vm);
    return ok;
  }
  Ref keyword = cd_intern(vm, "msg"), names = keyword ? cd_tuple1(vm, keyword) : NO_REF;
  Ref method = names ? cd_getattr(vm, waiter, N(cancel)) : NO_REF, result = NO_REF;
  Value args[1] = {cd_bits(message) ? message : cd_none()};
  if (method) result = cd_call(vm, method, args, 0, names);
  bool ok = result && cd_truth(vm, result, out);
  cd_drop(vm, keyword);
  cd_drop(vm, names);
  cd_drop(vm, method);
  cd_drop(vm, result);
  return ok;
}

// ---- methods ----

METHOD(task, cancel, "cancel(self, /, msg=None)",
       "Ask the task to cancel itself.\n\nA CancelledError will be raised in its coroutine, which may clean up, or even refuse by catching "
       "it. The\n"
       "task is cancelled() only once the coroutine has let the CancelledError out. Returns False if it is done already.")
{
  bool done;
  return task_cancel_it(vm, self, args[0], &done) ? cd_bool(done) : NO_REF;
}

METHOD(task, cancelling, "cancelling(self, /)",
       "Return how many cancellations of the task have been asked for: calls of cancel(), less those of uncancel().")
{
  return cd_from_small(cd_as_task(self)->cancels);
}

METHOD(task, uncancel, "uncancel(self, /)",
       "Take back one request to cancel the task.\n\nFor those who catch CancelledError and go on. Returns how many requests are left.")
{
  Task *task = cd_as_task(self);
  if (task->cancels && --task->cancels == 0) task->must_cancel = false;
  return cd_from_small(task->cancels);
}

METHOD(task, set_result, "set_result(self, result, /)", NULL) { return cd_raise_runtime(vm, "Task does not support set_result operation"); }
METHOD(task, set_exception, "set_exception(self, exception, /)", NULL)
{
  return cd_raise_runtime(vm, "Task does not support set_exception operation");
}

static Ref task_call_base(VM *vm, const char *function, const Value *args, size_t nargs)
{
  return cd_asyncio_call(vm, "asyncio.base_tasks", function, args, nargs);
}

METHOD(task, get_stack, "get_stack(self, /, *, limit=None)",
       "Return the frames of the task's coroutine.\n\nA suspended one has the frame where it is suspended, one that failed those of the "
       "traceback. Of a "
       "stack the\nnewest `limit` are taken, of a traceback the oldest.")
{
  Value all[2] = {self, cd_bits(args[0]) ? args[0] : cd_none()};
  return task_call_base(vm, "_task_get_stack", all, 2);
}

METHOD(task, print_stack, "print_stack(self, /, *, limit=None, file=None)",
       "Print the stack or the traceback of the task's coroutine, as get_stack() has it, to `file` or sys.stderr.")
{
  Value all[3] = {self, cd_bits(args[0]) ? args[0] : cd_none(), cd_bits(args[1]) ? args[1] : cd_none()};
  return task_call_base(vm, "_task_print_stack", all, 3);
}

METHOD(task, _make_cancelled_error, "_make_cancelled_error(self, /)",
       "Return the CancelledError to raise for a cancelled task.\n\nTo be called once for a cancellation, since the error is given away.")
{
  return cd_future_cancelled_error(vm, cd_as_future(self));
}

METHOD(task, get_name, "get_name(self, /)", NULL)
{
  Task *task = cd_as_task(self);
  if (!cd_bits(task->name)) return cd_none();
  if (task->name_is_number) {
    Ref text = cd_str_format(vm, "Task-%lld", (long long)cd_small(task->name));
    if (!text) return NO_REF;
    task->name_is_number = false;
    cd_replace(vm, &task->name, text);
  }
  return cd_dup(task->name);
}

METHOD(task, set_name, "set_name(self, value, /)", NULL)
{
  Ref text = cd_is_exact(args[0], vm->types.str) ? cd_dup(args[0]) : cd_str(vm, args[0]);
  if (!text) return NO_REF;
  cd_as_task(self)->name_is_number = false;
  cd_replace(vm, &cd_as_task(self)->name, text);
  return cd_none();
}

METHOD(task, get_coro, "get_coro(self, /)", NULL)
{
  Value coro = cd_as_task(self)->coro;
  return cd_bits(coro) ? cd_dup(coro) : cd_none();
}

METHOD(task, get_context, "get_context(self, /)", NULL)
{
  return cd_task_context(vm, self);
}

CLASS_METHOD(task, __class_getitem__, "__class_getitem__(type, item, /)", "See PEP 585") { return cd_generic_alias_new(vm, self, args[0]); }

static const MethodDef *const task_methods[] = {
  &task_cancel_def, &task_cancelling_def, &task_uncancel_def, &task_set_result_def, &task_set_exception_def, &task_get_stack_def,
  &task_print_stack_def, &task__make_cancelled_error_def, &task_get_name_def, &task_set_name_def, &task_get_coro_def, &task_get_context_def,
  &task___class_getitem___def, NULL};

static Ref task_get_log_destroy(VM *vm UNUSED, Value self) { return cd_bool(cd_as_task(self)->log_destroy_pending); }
static bool task_set_log_destroy(VM *vm, Value self, Value value)
{
  if (!cd_bits(value)) return cd_raise(vm, vm->exc.AttributeError, "cannot delete attribute");
  bool pending;
  if (!cd_truth(vm, value, &pending)) return false;
  cd_as_task(self)->log_destroy_pending = pending;
  return true;
}
static Ref task_get_must_cancel(VM *vm UNUSED, Value self) { return cd_bool(cd_as_task(self)->must_cancel); }
static Ref task_get_coro_attribute(VM *vm, Value self) { return task_get_coro(vm, self, NULL); }
static Ref task_get_waiter(VM *vm UNUSED, Value self)
{
  Value waiter = cd_as_task(self)->waiter;
  return cd_bits(waiter) ? cd_dup(waiter) : cd_none();
}

static const GetSetDef task_getset[] = {
  {"_log_destroy_pending", NULL, task_get_log_destroy, task_set_log_destroy},
  {"_must_cancel", NULL, task_get_must_cancel, NULL},
  {"_coro", NULL, task_get_coro_attribute, NULL},
  {"_fut_waiter", NULL, task_get_waiter, NULL},
  {0}};

static Ref task_repr(VM *vm, Value self) { return task_call_base(vm, "_task_repr", &self, 1); }

const TypeSpec cd_task_spec = {
  .name = "_asyncio.Task",
  .doc = "Task(coro, *, loop=None, name=None, context=None, eager_start=False)\n--\n\nA coroutine wrapped in a Future.",
  .basicsize = sizeof(Task),
  .flags = TYPE_BASE | TYPE_GC | TYPE_HAS_DICT | TYPE_HAS_WEAKREFS | TYPE_IMMUTABLE,
  .dict_offset = offsetof(Task, attributes),
  .weaklist_offset = offsetof(Task, weaklist),
  .methods = task_methods,
  .getset = task_getset,
  .slots = {.release = task_release,
            .traverse = task_traverse,
            .clear = task_clear,
            .finalize = task_finalize,
            .retire = task_retire,
            .repr = task_repr,
            .new_ = task_new_slot,
            .init = task_init_slot},
};

// ---- registration ----

static Ref task_foreign_set(VM *vm)              // borrowed in effect: a new reference
{
  Asyncio *asyncio = vm->asyncio;
  if (!cd_bits(asyncio->foreign_tasks)) {
    Ref weak_set = cd_import_attr(vm, "weakref", "WeakSet"), set = weak_set ? cd_call0(vm, weak_set) : NO_REF;
    cd_drop(vm, weak_set);
    if (!set) return NO_REF;
    cd_replace(vm, &asyncio->foreign_tasks, set);
  }
  return cd_dup(asyncio->foreign_tasks);
}

static bool task_foreign_call(VM *vm, Value method, Value task)
{
  Ref set = task_foreign_set(vm), result = set ? cd_call_method1(vm, set, method, task) : NO_REF;
  cd_drop(vm, set);
  cd_drop(vm, result);
  return result != NO_REF;
}

bool cd_task_register(VM *vm, Value task)
{
  if (!cd_is_task(vm, task)) return task_foreign_call(vm, N(add), task);
  task_link(vm, cd_as_task(task));
  return true;
}

bool cd_task_unregister(VM *vm, Value task)
{
  if (!cd_is_task(vm, task)) return !cd_bits(vm->asyncio->foreign_tasks) || task_foreign_call(vm, N(discard), task);
  task_unlink(vm, cd_as_task(task));
  return true;
}

Ref cd_tasks_list(VM *vm)
{
  Asyncio *asyncio = vm->asyncio;
  Ref list = cd_bits(asyncio->foreign_tasks) ? cd_list_from(vm, asyncio->foreign_tasks) : cd_list_new(vm);
  // The collector knows them all, the new ones at the end.
  for (uint32_t i = vm->gc.count; list && asyncio->task_count && i-- > 0;) {
    Object *object = vm->gc.objects[i];
    if (object->type->spec != &cd_task_spec || !((Task *)object)->registered || !object->refcount) continue;
    if (!cd_list_append(vm, cd_as_list(list), cd_from_object(object))) cd_forget(vm, &list);
  }
  return list;
}
