// SPDX-License-Identifier: MIT
// _asyncio.c: the module behind asyncio; its types are in loop/
#include "loop/loop.h"
#include "modules/module_list.h"
#include "modules/socket.h"
#include "objects/list.h"
#include "objects/protocol.h"
#include "objects/type.h"

FUNCTION(asyncio, get_event_loop, "get_event_loop()",
         "Return an event loop: the one that runs in this thread, else what the policy's get_event_loop() returns.")
{
  return cd_asyncio_get_event_loop(vm);
}

FUNCTION(asyncio, _get_event_loop, "_get_event_loop(stacklevel=3)", NULL) { return cd_asyncio_get_event_loop(vm); }

FUNCTION(asyncio, get_running_loop, "get_running_loop()", "Return the event loop that runs in this thread, or raise a RuntimeError.")
{
  return cd_loop_get_running(vm);
}

FUNCTION(asyncio, _get_running_loop, "_get_running_loop()", "Return the event loop that runs in this thread, or None.")
{
  Ref loop = cd_loop_running(vm);
  return loop ? loop : cd_none();
}

FUNCTION(asyncio, _set_running_loop, "_set_running_loop(loop, /)", "Set the event loop that runs in this thread. For loops only.")
{
  cd_loop_set_running(vm, args[0]);
  return cd_none();
}

FUNCTION(asyncio, _register_task, "_register_task(task)", "Enter a task in the table of all tasks.")
{
  return cd_task_register(vm, args[0]) ? cd_none() : NO_REF;
}

FUNCTION(asyncio, _unregister_task, "_unregister_task(task)", "Take a task out of the table of all tasks.")
{
  return cd_task_unregister(vm, args[0]) ? cd_none() : NO_REF;
}

FUNCTION(asyncio, _enter_task, "_enter_task(loop, task)", "Make a task the current one of its loop.")
{
  return cd_task_enter(vm, args[0], args[1]) ? cd_none() : NO_REF;
}

FUNCTION(asyncio, _leave_task, "_leave_task(loop, task)", "The opposite of _enter_task().")
{
  return cd_task_leave(vm, args[0], args[1]) ? cd_none() : NO_REF;
}

FUNCTION(asyncio, _swap_current_task, "_swap_current_task(loop, task)",
         "Make a task, or None, the current one of a loop, and return what was.")
{
  return cd_task_swap_current(vm, args[0], args[1]);
}

FUNCTION(asyncio, current_task, "current_task(loop=None)", "Return the task that runs in a loop, by default the running one; or None.")
{
  Ref loop = cd_bits(args[0]) && !cd_is_none(args[0]) ? cd_dup(args[0]) : cd_loop_get_running(vm);
  Ref task = loop ? cd_task_current(vm, loop) : NO_REF;
  cd_drop(vm, loop);
  return task;
}

FUNCTION(asyncio, future_add_to_awaited_by, "future_add_to_awaited_by(fut, waiter, /)", "Note that `waiter` waits for `fut`.")
{
  return cd_future_note_awaited(vm, args[0], args[1], true) ? cd_none() : NO_REF;
}

FUNCTION(asyncio, future_discard_from_awaited_by, "future_discard_from_awaited_by(fut, waiter, /)",
         "The opposite of future_add_to_awaited_by().")
{
  return cd_future_note_awaited(vm, args[0], args[1], false) ? cd_none() : NO_REF;
}

FUNCTION(asyncio, gather, "gather(*coros_or_futures, return_exceptions=False)",
         "Return a future for the list of all results, in the order of the arguments.\n\nThe first exception is passed on at once, and the "
         "others go on; with return_exceptions exceptions\ncount as results. When the future is cancelled, so are those that are not done.")
{
  bool exceptions = false;
  if (cd_bits(args[1]) && !cd_truth(vm, args[1], &exceptions)) return NO_REF;
  size_t count;
  const Value *all = cd_sequence_items(args[0], &count);
  return cd_gather(vm, all, count, exceptions);
}

FUNCTION(
  asyncio, _sleep, "_sleep(delay, result)",
  "Return a future of the running loop that is done after delay seconds; None if that loop is not native or has methods of its own for "
  "timers.")
{
  double delay;
  return cd_to_double(vm, args[0], &delay) ? cd_sleep_new(vm, delay, args[1]) : NO_REF;
}

FUNCTION(asyncio, _yield_once, "_yield_once()", "Return an awaitable that gives way for one turn of the loop.")
{
  return cd_yield_once_new(vm);
}

FUNCTION(
  asyncio, _wait, "_wait(loop, queue, owner)",
  "Return a future at the end of queue, a deque, that takes itself out, or has the owner do it; None if loop is not native or makes its "
  "futures itself.")
{
  return cd_waiting_new(vm, args[0], args[1], args[2]);
}

static const MethodDef *const asyncio_functions[] = {&asyncio_get_event_loop_def,
                                                     &asyncio__get_event_loop_def,
                                                     &asyncio_get_running_loop_def,
                                                     &asyncio__get_running_loop_def,
                                                     &asyncio__set_running_loop_def,
                                                     &asyncio__register_task_def,
                                                     &asyncio__unregister_task_def,
                                                     &asyncio__enter_task_def,
                                                     &asyncio__leave_task_def,
                                                     &asyncio__swap_current_task_def,
                                                     &asyncio_current_task_def,
                                                     &asyncio_future_add_to_awaited_by_def,
                                                     &asyncio_future_discard_from_awaited_by_def,
                                                     &asyncio_gather_def,
                                                     &asyncio__sleep_def,
                                                     &asyncio__yield_once_def,
                                                     &asyncio__wait_def,
                                                     NULL};

static Ref asyncio_make_address(VM *vm, const void *address, unsigned size) { return cd_socket_make_address(vm, address, size, -1); }

static bool asyncio_exec(VM *vm, Value module)
{
  Asyncio *s = cd_state(vm, MODULE__asyncio);
  s->make_address = asyncio_make_address;
  return cd_asyncio_init(vm, s) && cd_module_add(vm, module, "Future", cd_dup_object(s->future)) &&
         cd_module_add(vm, module, "Task", cd_dup_object(s->task)) && cd_module_add(vm, module, "Handle", cd_dup_object(s->handle)) &&
         cd_module_add(vm, module, "TimerHandle", cd_dup_object(s->timer_handle)) &&
         cd_module_add(vm, module, "Loop", cd_dup_object(s->loop)) && cd_module_add(vm, module, "Transport", cd_dup_object(s->transport)) &&
         cd_module_add(vm, module, "StreamTransport", cd_dup_object(s->stream)) &&
         cd_module_add(vm, module, "DatagramTransport", cd_dup_object(s->datagram)) &&
         cd_module_add(vm, module, "_current_tasks", cd_from_object(cd_object_new(vm, s->current_tasks_type, sizeof(Object)))) &&
         cd_module_add(vm, module, "_all_tasks", cd_from_object(cd_object_new(vm, s->all_tasks_type, sizeof(Object))));
}

static void asyncio_traverse(void *state, VisitFn visit, void *context) { cd_asyncio_traverse(state, visit, context); }
static void asyncio_clear(VM *vm, void *state) { cd_asyncio_clear(vm, state); }

const ModuleDef cd_module__asyncio = {
  .name = "_asyncio",
  .doc = "Futures, tasks and the native event loop of asyncio.",
  .functions = asyncio_functions,
  .state_size = sizeof(Asyncio),
  .exec = asyncio_exec,
  .traverse = asyncio_traverse,
  .clear = asyncio_clear,
};
