// SPDX-License-Identifier: MIT
// unwind.c: raise statements, and what happens to exceptions on their way up
#include "vm/eval.h"

#include "objects/protocol.h"

Value cd_handled_exception(Thread *thread)
{
  for (Handling *handling = thread->handling; handling; handling = handling->previous)
    if (cd_bits(handling->exception) && !cd_is_none(handling->exception)) return handling->exception;
  return NO_VALUE;
}

// Makes `old` the current exception's __cause__ and __context__, as `raise ... from` does inside the runtime.
static void unwind_chain(VM *vm, Ref old)
{
  cd_chain_context(vm, cd_dup(old));
  cd_chain_cause(vm, old);
}

void cd_stop_iteration_to_runtime_error(VM *vm, const Code *code)
{
  const char *what = code->flags & CO_COROUTINE ? "coroutine" : code->flags & CO_ASYNC_GENERATOR ? "async generator" : "generator";
  bool stop = cd_raised_is(vm, vm->exc.StopIteration);
  if (!stop && !((code->flags & CO_ASYNC_GENERATOR) && cd_raised_is(vm, vm->exc.StopAsyncIteration))) return;
  Ref old = cd_take_raised(vm);
  cd_raise_runtime(vm, "%s raised %s", what, stop ? "StopIteration" : "StopAsyncIteration");
  unwind_chain(vm, old);
}

Ref cd_stop_value(VM *vm)
{
  Ref stop = cd_take_raised(vm);
  Value value = cd_stop_iteration_value_borrow(stop);
  Ref result = cd_bits(value) ? cd_dup(value) : cd_none();
  cd_drop(vm, stop);
  return result;
}

static void raise_again(VM *vm, bool *again)
{
  Value handled = cd_handled_exception(vm->thread);
  if (!cd_bits(handled)) {
    cd_raise_runtime(vm, "No active exception to reraise");
    return;
  }
  cd_restore_raised(vm, cd_dup(handled));
  *again = true;
}

static Ref raise_cause(VM *vm, Value cause)
{
  if (cd_is_none(cause)) return cd_none();
  if (cd_is_type(cause) && (cd_as_type(cause)->flags & TYPE_EXCEPTION)) {
    Ref made = cd_call0(vm, cause);
    if (cd_bits(made) && !cd_is_exception(made)) {
      cd_raise_type(vm, "calling %R should have returned an instance of BaseException, not %R", cause, cd_type_value(cd_type_of(vm, made)));
      cd_drop(vm, made);
      return NO_REF;
    }
    return made;
  }
  if (cd_is_exception(cause)) return cd_dup(cause);
  return cd_raise_type(vm, "exception causes must derive from BaseException");
}

void cd_raise_statement(VM *vm, int count, Value what, Value cause, bool *again)
{
  if (count == 0) { raise_again(vm, again); return; }
  Ref exception = cd_exception_from(vm, what);
  if (!cd_bits(exception)) return;
  if (count == 2) {
    Ref reason = raise_cause(vm, cause);
    if (!cd_bits(reason)) { cd_drop(vm, exception); return; }
    Exception *e = cd_as_exception(exception);
    cd_replace(vm, &e->cause, cd_is_none(reason) ? NO_REF : reason);
    e->suppress_context = true;
  }
  cd_raise_exception(vm, exception);
}
