// SPDX-License-Identifier: MIT
// dropped.c: async generators that are dropped while a task runs are closed before that task counts as done
//
// The finalizer of such a generator starts a task that closes it, and notes that one with the task that runs. When the coroutine of that
// has ended, the task holds its outcome back and waits for the closing ones, one after the other, as it would for any future. cancel()
// meanwhile reaches the closing task; the outcome stays. Two things are not held back: an exception that ends the run (the
// end of the run closes what is left), and a task that one of its own closing tasks awaits, which would wait for ever.
#include "loop/loop.h"

#include "objects/function.h"
#include "objects/list.h"
#include "objects/protocol.h"
#include "objects/str.h"

typedef struct TaskHold {
  Value closings;                                // owned list of tasks
  Value outcome;                                 // owned: result, or exception of the coroutine, once that has `ended`
  SendResult result;
  bool ended, cancelled;
} TaskHold;

void cd_hold_clear(VM *vm, struct TaskHold *hold)
{
  if (!hold) return;
  Ref closings = cd_take(&hold->closings), outcome = cd_take(&hold->outcome);
  cd_free(vm, hold, sizeof *hold);
  cd_drop(vm, closings);
  cd_drop(vm, outcome);
}

void cd_hold_traverse(const struct TaskHold *hold, VisitFn visit, void *context)
{
  if (!hold) return;
  visit(context, hold->closings);
  visit(context, hold->outcome);
}

// ---- dropping ----

static bool dropped_note(VM *vm, Task *task, Value closing)
{
  FutureRest *rest = cd_future_rest(vm, (Future *)task);
  if (!rest || (!rest->hold && !(rest->hold = cd_alloc_zeroed(vm, sizeof(TaskHold))))) return false;
  TaskHold *hold = rest->hold;
  return (hold->closings || (hold->closings = cd_list_new(vm))) && cd_list_append(vm, cd_as_list(hold->closings), closing);
}

static Value dropped_hook_owner(VM *vm, Value hook)
{
  if (cd_is_exact(hook, vm->types.method)) return ((Method *)cd_object(hook))->self;
  return cd_is_exact(hook, vm->types.native) ? ((Native *)cd_object(hook))->self : NO_VALUE;
}

static bool dropped_start(VM *vm, Value loop, Task *task, Value generator)
{
  Ref coroutine = cd_call_method0(vm, generator, N(aclose));
  Ref closing = coroutine ? cd_call_method1(vm, loop, N(create_task), coroutine) : NO_REF;
  cd_drop(vm, coroutine);
  bool ok = closing && (!cd_is_task(vm, closing) || cd_future_done(closing) || dropped_note(vm, task, closing));
  cd_drop(vm, closing);
  return ok;
}

// The hook of core/vm.h. `hook` is the generator's finalizer hook.
bool cd_dropped_close(VM *vm, Value generator, Value hook)
{
  Ref loop = cd_loop_running(vm), task = NO_REF;
  bool taken = false;
  if (loop && cd_is(dropped_hook_owner(vm, hook), loop)) {
    task = cd_task_current(vm, loop);
    if (task && cd_is_task(vm, task)) {
      taken = true;
      if (!dropped_start(vm, loop, cd_as_task(task), generator)) cd_write_unraisable(vm, generator);
    }
    cd_clear_raised(vm);
  }
  cd_drop(vm, task);
  cd_drop(vm, loop);
  return taken;
}

// ---- holding back ----

static Ref hold_next_closing(const TaskHold *hold)
{
  const List *closings = cd_as_list(hold->closings);
  for (size_t i = 0; i < closings->size; i++)
    if (!cd_future_done(closings->items[i])) return cd_dup(closings->items[i]);
  return NO_REF;
}

static bool hold_release(VM *vm, Task *task)
{
  TaskHold *hold = task->rest->hold;
  Ref outcome = cd_take(&hold->outcome);
  SendResult result = hold->result;
  task->must_cancel = hold->cancelled;
  task->rest->hold = NULL;
  cd_hold_clear(vm, hold);
  cd_clear(vm, &task->waiter);
  if (result == RAISED) cd_restore_raised(vm, outcome);
  return cd_task_end(vm, task, result, result == RAISED ? NO_REF : outcome);
}

bool cd_hold_continue(VM *vm, Task *task)
{
  Ref closing = hold_next_closing(task->rest->hold);
  if (!closing) return hold_release(vm, task);
  task->must_cancel = false;
  if (!cd_future_add_callback(vm, closing, cd_from_object(task), NO_REF)) {
    cd_drop(vm, closing);
    return false;
  }
  cd_replace(vm, &task->waiter, closing);
  return true;
}

bool cd_hold_begin(VM *vm, Task *task, SendResult result, Ref outcome)
{
  TaskHold *hold = task->rest->hold;
  bool ends = result == RAISED && (cd_raised_is(vm, vm->exc.KeyboardInterrupt) || cd_raised_is(vm, vm->exc.SystemExit));
  hold->result = result;
  hold->outcome = result == RAISED ? cd_take_raised(vm) : outcome;
  hold->ended = true;
  hold->cancelled = task->must_cancel;
  return ends ? hold_release(vm, task) : cd_hold_continue(vm, task);
}

bool cd_hold_is_on(const Task *task) { return task->rest && task->rest->hold && task->rest->hold->ended; }

// Does not wait any more, so that `task` is done at once.
bool cd_hold_give_up(VM *vm, Task *task) { return cd_task_stop_waiting(vm, task) && hold_release(vm, task); }

bool cd_hold_awaits(const Task *task, const Task *other)
{
  if (!cd_hold_is_on(task)) return false;
  const List *closings = cd_as_list(task->rest->hold->closings);
  for (size_t i = 0; i < closings->size; i++)
    if (cd_is(closings->items[i], cd_from_object(other))) return true;
  return false;
}
