// SPDX-License-Identifier: MIT
// async_delegate.c: `yield from` in an async generator (PEP 828)
//
// The compiler makes a loop of it: await what the delegate gives, yield that, and hand what comes back, a value or an exception, to the
// delegate. This object keeps the sub-iterator and the awaitable that is under way, and is itself what the generator awaits: it ends
// with the next item, or, once the sub-iterator is exhausted, with its value; then it is `done`.
#include "coro/coro.h"

#include "objects/protocol.h"

typedef struct AsyncDelegate {
  Object head;
  Value iterator;                                // owned
  Value awaitable;                               // owned: the iterator's step under way, or NO_VALUE
  Value exit;                                    // owned: GeneratorExit to be raised once aclose() is done, or NO_VALUE
  bool done;
} AsyncDelegate;

static AsyncDelegate *as_delegate(Value v) { return (AsyncDelegate *)cd_object(v); }

Ref cd_async_delegate_new(VM *vm, Value iterable)
{
  Type *type = cd_type_of(vm, iterable);
  if (!type->slots.aiter)
    return cd_raise_type(vm, "'yield from' in an async generator requires an object with __aiter__ method, got %T", iterable);
  Ref iterator = type->slots.aiter(vm, iterable);
  if (!cd_bits(iterator)) return NO_REF;
  if (!cd_type_of(vm, iterator)->slots.anext) {
    cd_raise_type(vm, "'yield from' received an object from __aiter__ that does not implement __anext__: %T", iterator);
    cd_drop(vm, iterator);
    return NO_REF;
  }
  AsyncDelegate *self = cd_object_new(vm, vm->types.async_delegate, sizeof(AsyncDelegate));
  if (!self) {
    cd_drop(vm, iterator);
    return NO_REF;
  }
  self->iterator = iterator;
  return cd_from_object(self);
}

// The iterator that awaiting `made` (stolen) drives becomes the step under way.
static bool delegate_begin(VM *vm, AsyncDelegate *self, Ref made)
{
  Ref awaitable = cd_bits(made) ? cd_get_awaitable(vm, made, AWAIT_BY_ANEXT) : NO_REF;
  cd_drop(vm, made);
  if (!cd_bits(awaitable)) return false;
  cd_replace(vm, &self->awaitable, awaitable);
  return true;
}

bool cd_async_delegate_send(VM *vm, Value v, Value sent)
{
  AsyncDelegate *self = as_delegate(v);
  if (!cd_is_none(sent)) return delegate_begin(vm, self, cd_call_method1(vm, self->iterator, N(asend), sent));
  Ref awaitable = cd_async_next_awaitable(vm, self->iterator);
  if (!cd_bits(awaitable)) return false;
  cd_replace(vm, &self->awaitable, awaitable);
  return true;
}

// The exception goes to the sub-iterator, if that can take it; else it is raised here.
bool cd_async_delegate_throw(VM *vm, Value v, Value exception)
{
  AsyncDelegate *self = as_delegate(v);
  bool exit = cd_is_instance_of(vm, exception, vm->exc.GeneratorExit);
  Ref method;
  Find found = cd_getattr_find(vm, self->iterator, exit ? N(aclose) : N(athrow), &method);
  if (found == FIND_ERROR) return false;
  if (found == FIND_MISSING) {
    cd_restore_raised(vm, cd_dup(exception));
    return false;
  }
  if (exit) cd_replace(vm, &self->exit, cd_dup(exception));
  Ref made = cd_call(vm, method, &exception, !exit, NO_VALUE);
  cd_drop(vm, method);
  return delegate_begin(vm, self, made);
}

bool cd_async_delegate_is_done(Value v) { return as_delegate(v)->done; }

// ---- awaiting a step ----

static SendResult delegate_result(VM *vm, AsyncDelegate *self, SendResult result, Ref *out)
{
  if (result == YIELDED) return YIELDED;
  cd_clear(vm, &self->awaitable);
  if (result == RETURNED && cd_bits(self->exit)) {
    cd_clear(vm, (Value *)out);
    cd_restore_raised(vm, cd_take(&self->exit));
    return RAISED;
  }
  if (result == RAISED && !cd_bits(self->exit) && cd_raised_is(vm, vm->exc.StopAsyncIteration)) {
    Ref stop = cd_take_raised(vm);
    Value value = cd_stop_iteration_value_borrow(stop);
    *out = cd_bits(value) ? cd_dup(value) : cd_none();
    cd_drop(vm, stop);
    self->done = true;
    return RETURNED;
  }
  return result;
}

static bool delegate_check(VM *vm, const AsyncDelegate *self)
{
  return cd_bits(self->awaitable) || cd_raise_runtime(vm, "cannot reuse already awaited step of 'yield from'");
}

static SendResult delegate_send_slot(VM *vm, Value v, Value sent, Ref *out)
{
  AsyncDelegate *self = as_delegate(v);
  if (!delegate_check(vm, self)) return RAISED;
  Ref awaitable = cd_dup(self->awaitable);
  SendResult result = cd_send(vm, awaitable, sent, out);
  cd_drop(vm, awaitable);
  return delegate_result(vm, self, result, out);
}

static Next delegate_next(VM *vm, Value v, Ref *out)
{
  SendResult result = delegate_send_slot(vm, v, cd_none(), out);
  if (result == YIELDED) return NEXT_ITEM;
  if (result == RAISED) return NEXT_ERROR;
  Ref value = *out;
  cd_raise_stop_iteration(vm, value);
  cd_drop(vm, value);
  return NEXT_ERROR;
}

METHOD(async_delegate, send, "send(self, arg, /)", "Go on with awaiting.")
{
  Ref value = NO_REF;
  return cd_send_to_python(vm, delegate_send_slot(vm, self, args[0], &value), &value);
}

METHOD_RAW(async_delegate, throw, "throw(typ[,val[,tb]])", "Raise an exception in the step under way.")
{
  AsyncDelegate *delegate = as_delegate(self);
  if (!cd_throw_args_check(vm, "throw", nargs, kwnames) || !delegate_check(vm, delegate)) return NO_REF;
  Ref awaitable = cd_dup(delegate->awaitable), value = cd_call_method(vm, awaitable, N(throw), args, nargs);
  cd_drop(vm, awaitable);
  SendResult result = YIELDED;
  if (!cd_bits(value)) {
    result = cd_raised_is(vm, vm->exc.StopIteration) ? RETURNED : RAISED;
    if (result == RETURNED) value = cd_stop_value(vm);
  }
  result = delegate_result(vm, delegate, result, &value);
  return cd_send_to_python(vm, result, &value);
}

METHOD(async_delegate, close, "close(self, /)", "Raise GeneratorExit in the step under way.")
{
  AsyncDelegate *delegate = as_delegate(self);
  if (!cd_bits(delegate->awaitable)) return cd_none();
  Ref awaitable = cd_take(&delegate->awaitable), result = cd_call_method0(vm, awaitable, N(close));
  cd_drop(vm, awaitable);
  return result;
}

static Ref delegate_self(VM *vm UNUSED, Value self) { return cd_dup(self); }

static void delegate_release(VM *vm, Object *object)
{
  AsyncDelegate *self = (AsyncDelegate *)object;
  cd_clear(vm, &self->iterator);
  cd_clear(vm, &self->awaitable);
  cd_clear(vm, &self->exit);
}

static void delegate_traverse(Object *object, VisitFn visit, void *context)
{
  AsyncDelegate *self = (AsyncDelegate *)object;
  visit(context, self->iterator);
  visit(context, self->awaitable);
  visit(context, self->exit);
}

static const MethodDef *const delegate_methods[] = {&async_delegate_send_def, &async_delegate_throw_def, &async_delegate_close_def, NULL};

const TypeSpec cd_async_delegate_spec = {
  .name = "async_delegate",
  .basicsize = sizeof(AsyncDelegate),
  .flags = TYPE_GC | TYPE_NO_NEW,
  .methods = delegate_methods,
  .slots = {
    .release = delegate_release,
    .traverse = delegate_traverse,
    .iter = delegate_self,
    .next = delegate_next,
    .await = delegate_self,
    .send = delegate_send_slot,
  },
};
