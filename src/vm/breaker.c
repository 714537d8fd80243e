// SPDX-License-Identifier: MIT
// breaker.c: what asks the loop to stop for a moment: signals, other threads, the collector, exceptions from outside
#include "vm/eval.h"

#include "core/lock.h"
#include "objects/raise.h"

static bool breaker_async_exception(VM *vm)
{
  Thread *thread = vm->thread;
  atomic_fetch_and(&vm->breaker, ~(unsigned)BREAK_ASYNC_EXC);
  Ref exception = cd_take(&thread->async_exc);
  for (Thread *t = vm->threads; t; t = t->next)                  // others that still wait for theirs
    if (cd_bits(t->async_exc)) atomic_fetch_or(&vm->breaker, BREAK_ASYNC_EXC);
  if (!cd_bits(exception)) return true;
  Ref instance = cd_exception_from(vm, exception);
  cd_drop(vm, exception);
  if (cd_bits(instance)) cd_raise_exception(vm, instance);
  return false;
}

bool cd_handle_breaker(VM *vm)
{
  unsigned bits = atomic_load_explicit(&vm->breaker, memory_order_relaxed);
  if (bits & BREAK_GC) {
    atomic_fetch_and(&vm->breaker, ~(unsigned)BREAK_GC);
    cd_gc_poll(vm);
  }
  if (bits & BREAK_SWITCH) cd_lock_yield(vm);
  if (bits & BREAK_SIGNAL && vm->run_signals && !vm->run_signals(vm)) return false;
  if (bits & BREAK_PENDING && vm->run_pending && !vm->run_pending(vm)) return false;
  if (bits & BREAK_ASYNC_EXC && !breaker_async_exception(vm)) return false;
  if (bits & BREAK_LIMIT && vm->check_limits && !vm->check_limits(vm)) return false;
  return true;
}
