// SPDX-License-Identifier: MIT
// async_generator.c: async generators and the awaitables that drive them
//
// The frame of an async generator yields in two ways: in state SUSPENDED, at a YIELD, with an item for the consumer; in state
// DELEGATING, at an await, with something for the event loop. The awaitables below let the second kind through and end with the first.
#include "coro/coro.h"

#include "objects/context.h"
#include "objects/generic_alias.h"
#include "objects/protocol.h"
#include "objects/str.h"
#include "objects/tuple.h"

typedef enum { AWAITABLE_INIT, AWAITABLE_ITER, AWAITABLE_CLOSED } AwaitableState;

// What asend(value) and __anext__() give (type async_generator_asend), and athrow(...) and aclose() (async_generator_athrow).
typedef struct AsyncStep {
  Object head;
  Generator *generator;                          // owned
  Value argument;   // owned. asend: the value, NO_VALUE for None; athrow: tuple of its arguments, NO_VALUE: it is aclose()
  AwaitableState state;
} AsyncStep;

// ---- driving the frame ----

// The frame gave `result`: an item ends the awaitable (RETURNED), a value for the loop passes (YIELDED), the end is StopAsyncIteration.
static SendResult async_unwrap(VM *vm, Generator *generator, SendResult result, Ref *out)
{
  if (result == YIELDED) {
    if (generator->frame.state != FRAME_SUSPENDED) return YIELDED;
    generator->running_async = false;
    return RETURNED;
  }
  if (result == RETURNED) {
    Ref value = cd_take((Value *)out);
    if (cd_is_none(value)) cd_raise_no_args(vm, vm->exc.StopAsyncIteration);
    else cd_raise_with(vm, vm->exc.StopAsyncIteration, value);   // PEP 828
    cd_drop(vm, value);
  }
  if (cd_raised_is(vm, vm->exc.StopAsyncIteration) || cd_raised_is(vm, vm->exc.GeneratorExit)) generator->closed = true;
  generator->running_async = false;
  return RAISED;
}

// First use in a loop: the hooks of sys.set_asyncgen_hooks.
bool cd_async_init_hooks(VM *vm, Generator *generator)
{
  if (generator->hooks_inited) return true;
  generator->hooks_inited = true;
  if (generator->frame.state != FRAME_DONE) {
    generator->counted = true;
    vm->open_async_generators++;
  }
  Thread *thread = vm->thread;
  if (cd_bits(thread->asyncgen_finalizer)) {
    GeneratorRest *rest = cd_generator_rest(vm, generator);
    if (!rest) return false;
    cd_replace(vm, &rest->finalizer, cd_dup(thread->asyncgen_finalizer));
  }
  if (!cd_bits(thread->asyncgen_firstiter)) return true;
  Ref hook = cd_dup(thread->asyncgen_firstiter);
  Ref result = cd_call1(vm, hook, cd_from_object(generator));
  cd_drop(vm, hook);
  cd_drop(vm, result);
  return cd_bits(result) != 0;
}

void cd_async_set_context(VM *vm, Generator *generator)
{
  Ref context = cd_context_current(vm);
  GeneratorRest *rest = context ? cd_generator_rest(vm, generator) : NULL;
  if (rest) {
    cd_replace(vm, &rest->context, context);
  } else {
    cd_drop(vm, context);
    cd_clear_raised(vm);
  }
}

bool cd_async_generator_finalize(VM *vm, Generator *generator)
{
  if (!generator->rest || !cd_bits(generator->rest->finalizer) || generator->closed) return false;
  generator->own_context = vm->asyncgen_mode != ASYNCGEN_COMPAT;
  Ref raised = cd_take_raised(vm);
  Ref self = cd_dup_object(generator), hook = cd_dup(generator->rest->finalizer);
  if (!generator->own_context || !vm->close_dropped || !vm->close_dropped(vm, self, hook)) {
    Ref result = cd_call1(vm, hook, self);
    if (!cd_bits(result)) cd_write_unraisable(vm, self);
    cd_drop(vm, result);
  }
  cd_drop(vm, hook);
  cd_drop(vm, self);
  cd_restore_raised(vm, raised);
  return true;
}

// ---- asend, __anext__ ----

static AsyncStep *as_async_step(Value v) { return (AsyncStep *)cd_object(v); }

Generator *cd_async_step_generator(Value step) { return as_async_step(step)->generator; }

static Ref async_step_new(VM *vm, Type *type, Generator *generator, Value argument)
{
  if (!cd_async_init_hooks(vm, generator)) return NO_REF;
  AsyncStep *self = cd_object_new(vm, type, sizeof(AsyncStep));
  if (!self) return NO_REF;
  cd_dup_object(generator);
  self->generator = generator;
  if (cd_bits(argument)) self->argument = cd_dup(argument);
  return cd_from_object(self);
}

static bool async_send_begin(VM *vm, AsyncStep *self)
{
  if (self->state == AWAITABLE_CLOSED) {
    cd_raise_runtime(vm, "cannot reuse already awaited __anext__()/asend()");
    return false;
  }
  if (self->state == AWAITABLE_INIT && self->generator->running_async) {
    self->state = AWAITABLE_CLOSED;
    cd_async_raise_running(vm, self->generator, "anext()");
    return false;
  }
  return true;
}

static SendResult async_send_step(VM *vm, Value v, Value sent, Ref *out)
{
  AsyncStep *self = as_async_step(v);
  if (!async_send_begin(vm, self)) return RAISED;
  if (self->state == AWAITABLE_INIT && (!cd_bits(sent) || cd_is_none(sent))) sent = cd_bits(self->argument) ? self->argument : cd_none();
  self->state = AWAITABLE_ITER;
  Generator *generator = self->generator;
  generator->running_async = true;
  cd_async_note_context(vm, generator);
  Ref keep = cd_dup(v);
  SendResult result = cd_generator_send(vm, cd_from_object(generator), cd_dup(cd_bits(sent) ? sent : cd_none()), out);
  result = async_unwrap(vm, generator, result, out);
  if (result != YIELDED) self->state = AWAITABLE_CLOSED;
  cd_drop(vm, keep);
  return result;
}

static Ref async_iter_self(VM *vm, Value self) { return cd_dup(self); }

static SendResult async_send_throw(VM *vm, Value v, const Value *args, size_t nargs, Ref *out)
{
  AsyncStep *self = as_async_step(v);
  if (!async_send_begin(vm, self)) return RAISED;
  if (self->state == AWAITABLE_INIT) {
    self->state = AWAITABLE_ITER;
    self->generator->running_async = true;
  }
  Ref keep = cd_dup(v);
  SendResult result = cd_generator_throw_args(vm, self->generator, args, nargs, false, out);
  result = async_unwrap(vm, self->generator, result, out);
  if (result != YIELDED) self->state = AWAITABLE_CLOSED;
  cd_drop(vm, keep);
  return result;
}

// close() of an awaitable: throw GeneratorExit in; anything but its end is an error.
static Ref async_close_result(VM *vm, SendResult result, Ref value)
{
  if (result == RAISED) {
    bool fine = cd_swallow_exit(vm) || cd_swallow(vm, vm->exc.StopAsyncIteration);
    return fine ? cd_none() : NO_REF;
  }
  cd_drop(vm, value);
  if (result == RETURNED) return cd_none();
  return cd_raise_runtime(vm, "coroutine ignored GeneratorExit");
}

Ref cd_async_send_in_progress(VM *vm, Generator *generator)
{
  AsyncStep *self = cd_object_new(vm, vm->types.async_generator_asend, sizeof(AsyncStep));
  if (!self) return NO_REF;
  cd_dup_object(generator);
  self->generator = generator;
  self->state = AWAITABLE_ITER;
  return cd_from_object(self);
}

bool cd_async_send_close(VM *vm, Generator *generator)
{
  Ref value = NO_REF;
  const Value exit = cd_type_value(vm->exc.GeneratorExit);
  SendResult result = cd_generator_throw_args(vm, generator, &exit, 1, false, &value);
  result = async_unwrap(vm, generator, result, &value);
  Ref none = async_close_result(vm, result, value);
  return cd_bits(none) != 0;
}

// ---- athrow, aclose ----

static SendResult async_throw_over(AsyncStep *self, SendResult result)
{
  self->generator->running_async = false;
  self->state = AWAITABLE_CLOSED;
  return result;
}

// What the frame gave after aclose()'s GeneratorExit.
static SendResult async_aclose_result(VM *vm, AsyncStep *self, SendResult result, Ref *out)
{
  Generator *generator = self->generator;
  if (result == YIELDED) {
    if (generator->frame.state != FRAME_SUSPENDED) return YIELDED;
    cd_clear(vm, (Value *)out);
    cd_raise_runtime(vm, "async generator ignored GeneratorExit");
    return async_throw_over(self, RAISED);
  }
  if (result == RAISED && !cd_swallow(vm, vm->exc.GeneratorExit) && !cd_swallow(vm, vm->exc.StopAsyncIteration))
    return async_throw_over(self, RAISED);
  if (result == RETURNED) cd_clear(vm, (Value *)out);
  *out = cd_none();
  return async_throw_over(self, RETURNED);
}

static SendResult async_athrow_result(VM *vm, AsyncStep *self, SendResult result, Ref *out)
{
  result = async_unwrap(vm, self->generator, result, out);
  if (result != YIELDED) async_throw_over(self, result);
  return result;
}

static bool async_throw_begin(VM *vm, AsyncStep *self)
{
  Generator *generator = self->generator;
  if (generator->running_async) {
    self->state = AWAITABLE_CLOSED;
    cd_async_raise_running(vm, generator, cd_bits(self->argument) ? "athrow()" : "aclose()");
    return false;
  }
  return true;
}

// A generator that was dropped is closed in the context in which it last ran, whoever drives its aclose(). Gives what
// async_leave_context wants.
static Value async_enter_context(VM *vm, const Generator *generator)
{
  Value context = generator->rest ? generator->rest->context : NO_VALUE;
  if (!generator->own_context || !cd_bits(context) || cd_is(context, vm->thread->context)) return NO_VALUE;
  if (((Context *)cd_object(context))->entered) return NO_VALUE;                 // by another thread
  if (cd_context_enter(vm, context)) return context;
  cd_clear_raised(vm);
  return NO_VALUE;
}

static void async_leave_context(VM *vm, Value context)
{
  if (!cd_bits(context)) return;
  Ref raised = cd_take_raised(vm);
  cd_context_exit(vm, context);
  cd_restore_raised(vm, raised);
}

static SendResult async_throw_step_inside(VM *vm, Value v, Value sent, Ref *out)
{
  AsyncStep *self = as_async_step(v);
  Generator *generator = self->generator;
  if (self->state == AWAITABLE_CLOSED) {
    cd_raise_runtime(vm, "cannot reuse already awaited aclose()/athrow()");
    return RAISED;
  }
  if (generator->frame.state == FRAME_DONE) {
    self->state = AWAITABLE_CLOSED;
    *out = cd_none();
    return RETURNED;
  }
  Ref keep = cd_dup(v);
  SendResult result;
  if (self->state == AWAITABLE_INIT) {
    if (!async_throw_begin(vm, self)) { cd_drop(vm, keep); return RAISED; }
    if (generator->closed) {
      self->state = AWAITABLE_CLOSED;
      cd_raise_no_args(vm, vm->exc.StopAsyncIteration);
      cd_drop(vm, keep);
      return RAISED;
    }
    if (cd_bits(sent) && !cd_is_none(sent)) {
      cd_raise_runtime(vm, "can't send non-None value to a just-started coroutine");
      cd_drop(vm, keep);
      return RAISED;
    }
    self->state = AWAITABLE_ITER;
    generator->running_async = true;
    if (cd_bits(self->argument)) {
      Tuple *args = cd_as_tuple(self->argument);
      result = async_athrow_result(vm, self, cd_generator_throw_args(vm, generator, args->items, args->size, false, out), out);
    } else {
      generator->closed = true;
      const Value exit = cd_type_value(vm->exc.GeneratorExit);
      result = async_aclose_result(vm, self, cd_generator_throw_args(vm, generator, &exit, 1, false, out), out);
    }
  } else {
    result = cd_generator_send(vm, cd_from_object(generator), cd_dup(cd_bits(sent) ? sent : cd_none()), out);
    result = cd_bits(self->argument) ? async_athrow_result(vm, self, result, out) : async_aclose_result(vm, self, result, out);
  }
  cd_drop(vm, keep);
  return result;
}

static SendResult async_throw_step(VM *vm, Value v, Value sent, Ref *out)
{
  Value entered = async_enter_context(vm, as_async_step(v)->generator);
  SendResult result = async_throw_step_inside(vm, v, sent, out);
  async_leave_context(vm, entered);
  return result;
}

static SendResult async_throw_throw_inside(VM *vm, Value v, const Value *args, size_t nargs, Ref *out)
{
  AsyncStep *self = as_async_step(v);
  if (self->state == AWAITABLE_CLOSED) {
    cd_raise_runtime(vm, "cannot reuse already awaited aclose()/athrow()");
    return RAISED;
  }
  if (self->state == AWAITABLE_INIT) {
    if (!async_throw_begin(vm, self)) return RAISED;
    self->state = AWAITABLE_ITER;
    self->generator->running_async = true;
  }
  Ref keep = cd_dup(v);
  SendResult result = cd_generator_throw_args(vm, self->generator, args, nargs, false, out);
  result = cd_bits(self->argument) ? async_athrow_result(vm, self, result, out) : async_aclose_result(vm, self, result, out);
  cd_drop(vm, keep);
  return result;
}

static SendResult async_throw_throw(VM *vm, Value v, const Value *args, size_t nargs, Ref *out)
{
  Value entered = async_enter_context(vm, as_async_step(v)->generator);
  SendResult result = async_throw_throw_inside(vm, v, args, nargs, out);
  async_leave_context(vm, entered);
  return result;
}

// ---- what both kinds of awaitables share ----

static Next async_step_next(VM *vm, Value self, Ref *out)
{
  SendResult result = cd_type_of(vm, self)->slots.send(vm, self, cd_none(), out);
  if (result == YIELDED) return NEXT_ITEM;
  if (result == RETURNED) {
    Ref value = *out;
    if (cd_is_none(value)) return NEXT_DONE;
    cd_raise_stop_iteration(vm, value);
    cd_drop(vm, value);
  }
  return NEXT_ERROR;
}

static SendResult async_step_throw_args(VM *vm, Value self, const Value *args, size_t nargs, Ref *out)
{
  return cd_is_exact(self, vm->types.async_generator_asend) ? async_send_throw(vm, self, args, nargs, out)
                                                            : async_throw_throw(vm, self, args, nargs, out);
}

METHOD(async_step, send, "send(self, arg, /)", "Go on with awaiting.")
{
  Ref value = NO_REF;
  return cd_send_to_python(vm, cd_type_of(vm, self)->slots.send(vm, self, args[0], &value), &value);
}

METHOD_RAW(async_step, throw, "throw(typ[,val[,tb]])", "Raise an exception in the generator.")
{
  if (!cd_throw_args_check(vm, "throw", nargs, kwnames)) return NO_REF;
  Ref value = NO_REF;
  return cd_send_to_python(vm, async_step_throw_args(vm, self, args, nargs, &value), &value);
}

METHOD(async_step, close, "close(self, /)", "Give up awaiting.")
{
  AsyncStep *step = as_async_step(self);
  if (step->state == AWAITABLE_CLOSED) return cd_none();
  Ref value = NO_REF;
  const Value exit = cd_type_value(vm->exc.GeneratorExit);
  SendResult result = async_step_throw_args(vm, self, &exit, 1, &value);
  return async_close_result(vm, result, value);
}

static const MethodDef *const async_step_methods[] = {&async_step_send_def, &async_step_throw_def, &async_step_close_def, NULL};

static void async_step_warn_unawaited(VM *vm, const AsyncStep *self)
{
  Ref raised = cd_take_raised(vm), where = cd_dup_object(self->generator);
  const char *method = self->head.type == vm->types.async_generator_asend ? "asend" : cd_bits(self->argument) ? "athrow" : "aclose";
  if (!cd_warn(vm, vm->exc.RuntimeWarning, 1, "coroutine method '%s' of %R was never awaited", method,
               cd_generator_qualname(self->generator)))
    cd_write_unraisable(vm, where);
  cd_drop(vm, where);
  cd_restore_raised(vm, raised);
}

static void async_step_release(VM *vm, Object *object)
{
  AsyncStep *self = (AsyncStep *)object;
  if (UNLIKELY(self->state == AWAITABLE_INIT)) async_step_warn_unawaited(vm, self);
  Generator *generator = self->generator;
  self->generator = NULL;
  cd_clear(vm, &self->argument);
  cd_drop_object(vm, generator);
}

static void async_step_traverse(Object *object, VisitFn visit, void *context)
{
  AsyncStep *self = (AsyncStep *)object;
  if (self->generator) visit(context, cd_from_object(self->generator));
  visit(context, self->argument);
}

#define ASYNC_STEP_SPEC(kind, step)                                                                                  \
  const TypeSpec cd_async_generator_##kind##_spec = {                                                                \
    .name = "async_generator_" #kind,                                                                                \
    .basicsize = sizeof(AsyncStep),                                                                                  \
    .flags = TYPE_GC | TYPE_NO_NEW,                                                                                  \
    .methods = async_step_methods,                                                                                   \
    .slots = {                                                                                                       \
      .release = async_step_release,                                                                                 \
      .traverse = async_step_traverse,                                                                               \
      .iter = async_iter_self,                                                                                       \
      .next = async_step_next,                                                                                       \
      .await = async_iter_self,                                                                                      \
      .send = step,                                                                                                  \
    },                                                                                                               \
  };
ASYNC_STEP_SPEC(asend, async_send_step)
ASYNC_STEP_SPEC(athrow, async_throw_step)

// CPython wraps items in objects of this type on their way through its frames. Ours need no wrapping; the type exists for its name.
const TypeSpec cd_async_generator_wrapped_value_spec = {
  .name = "async_generator_wrapped_value",
  .basicsize = sizeof(Object),
  .flags = TYPE_NO_NEW,
};

// ---- async for ----

Ref cd_async_next_awaitable(VM *vm, Value iterator)
{
  Type *type = cd_type_of(vm, iterator);
  if (type == vm->types.async_generator) return async_step_new(vm, vm->types.async_generator_asend, cd_as_generator(iterator), NO_VALUE);
  if (!type->slots.anext) return cd_raise_type(vm, "'async for' requires an iterator with __anext__ method, got %T", iterator);
  Ref made = type->slots.anext(vm, iterator);
  if (!cd_bits(made)) return NO_REF;
  Ref awaitable = cd_get_awaitable(vm, made, AWAIT_BY_ANEXT);
  if (!cd_bits(awaitable)) {
    Ref cause = cd_take_raised(vm);
    cd_raise_type(vm, "'async for' received an invalid object from __anext__: %T", made);
    cd_chain_context(vm, cd_dup(cause));
    cd_chain_cause(vm, cause);
  }
  cd_drop(vm, made);
  return awaitable;
}

bool cd_async_is_open(VM *vm, Value v)
{
  if (!cd_bits(v) || !cd_is_exact(v, vm->types.async_generator)) return false;
  const Generator *generator = cd_as_generator(v);
  return generator->frame.state == FRAME_SUSPENDED && !generator->running_async && !generator->closed;
}

Ref cd_async_close_new(VM *vm, Generator *generator)
{
  return async_step_new(vm, vm->types.async_generator_athrow, generator, NO_VALUE);
}

// ---- the async generator type ----

static Ref async_generator_repr(VM *vm, Value self) { return cd_generator_repr_as(vm, self, "async_generator"); }
static Ref async_generator_anext(VM *vm, Value self)
{
  return async_step_new(vm, vm->types.async_generator_asend, cd_as_generator(self), NO_VALUE);
}

METHOD(async_generator, asend, "asend(self, value, /)", "asend(v) -> goes on, with v as value of the yield.")
{
  return async_step_new(vm, vm->types.async_generator_asend, cd_as_generator(self), args[0]);
}

METHOD_RAW(async_generator, athrow, "athrow(typ[,val[,tb]])", "athrow(typ[,val[,tb]]) -> raises it where the generator waits.")
{
  if (!cd_no_keywords(vm, "athrow", kwnames)) return NO_REF;
  if (!cd_async_init_hooks(vm, cd_as_generator(self))) return NO_REF;
  Ref tuple = cd_tuple_of(vm, nargs, args);
  if (!cd_bits(tuple)) return NO_REF;
  Ref result = async_step_new(vm, vm->types.async_generator_athrow, cd_as_generator(self), tuple);
  cd_drop(vm, tuple);
  return result;
}

METHOD(async_generator, aclose, "aclose(self, /)", "aclose() -> ends it: GeneratorExit where it waits.")
{
  return cd_async_close_new(vm, cd_as_generator(self));
}

METHOD(async_generator, __sizeof__, "__sizeof__(self, /)", "Size of the generator and its frame in memory, in bytes.")
{
  return cd_from_small((int64_t)cd_generator_size(cd_object(self)));
}

METHOD_DEF_(async_generator_class_getitem, "__class_getitem__", "__class_getitem__(type, key, /)", "See PEP 585", METHOD_CLASS)
{
  return cd_generic_alias_new(vm, self, args[0]);
}

static const MethodDef *const async_generator_methods[] = {
  &async_generator_asend_def, &async_generator_athrow_def, &async_generator_aclose_def, &async_generator___sizeof___def,
  &async_generator_class_getitem_def, NULL,
};

static Ref async_generator_get_running(VM *vm UNUSED, Value self) { return cd_bool(cd_as_generator(self)->running_async); }

static const GetSetDef async_generator_getset[] = {
  CD_GENERATOR_ATTRIBUTES("ag", "async generator"),
  {"ag_await", "what `await` waits for, or None", cd_generator_get_awaited, NULL},
  {"ag_running", "is it being driven now?", async_generator_get_running, NULL},
  {NULL, NULL, NULL, NULL},
};

const TypeSpec cd_async_generator_spec = {
  .name = "async_generator",
  .basicsize = sizeof(Generator),
  .flags = TYPE_GC | TYPE_NO_NEW | TYPE_HAS_WEAKREFS,
  .weaklist_offset = offsetof(Generator, weaklist),
  .methods = async_generator_methods,
  .getset = async_generator_getset,
  .slots = {
    CD_GENERATOR_SLOTS,
    .repr = async_generator_repr,
    .aiter = async_iter_self,
    .anext = async_generator_anext,
  },
};

// ---- anext(iterator, default) ----

typedef struct AnextAwaitable {
  Object head;
  Value wrapped;                                 // owned: what __anext__ returned
  Value fallback;                                // owned
} AnextAwaitable;

static AnextAwaitable *as_anext(Value v) { return (AnextAwaitable *)cd_object(v); }

Ref cd_anext_awaitable_new(VM *vm, Value awaitable, Value fallback)
{
  AnextAwaitable *self = cd_object_new(vm, vm->types.anext_awaitable, sizeof(AnextAwaitable));
  if (!self) return NO_REF;
  self->wrapped = cd_dup(awaitable);
  self->fallback = cd_dup(fallback);
  return cd_from_object(self);
}

// The iterator behind the wrapped awaitable; coroutines answer through their __await__ iterator.
static Ref anext_iterator(VM *vm, AnextAwaitable *self)
{
  Ref awaitable = cd_get_awaitable(vm, self->wrapped, AWAIT_BY_ANEXT);
  if (!cd_bits(awaitable) || cd_type_of(vm, awaitable)->slots.next) return awaitable;
  Type *type = cd_type_of(vm, awaitable);
  if (!type->slots.await) {
    cd_drop(vm, awaitable);
    return cd_raise_type(vm, "object %T can't be used in 'await' expression", self->wrapped);
  }
  Ref iterator = type->slots.await(vm, awaitable);
  cd_drop(vm, awaitable);
  if (cd_bits(iterator) && !cd_type_of(vm, iterator)->slots.next) {
    cd_raise_type(vm, "__await__ must return an awaitable");
    cd_drop(vm, iterator);
    return NO_REF;
  }
  return iterator;
}

// The end of the async iterator becomes the default.
static SendResult anext_finish(VM *vm, AnextAwaitable *self, SendResult result, Ref *out)
{
  if (result != RAISED || !cd_swallow(vm, vm->exc.StopAsyncIteration)) return result;
  *out = cd_dup(self->fallback);
  return RETURNED;
}

static SendResult anext_send_slot(VM *vm, Value v, Value sent, Ref *out)
{
  AnextAwaitable *self = as_anext(v);
  Ref iterator = anext_iterator(vm, self);
  if (!cd_bits(iterator)) return RAISED;
  SendResult result = cd_send(vm, iterator, sent, out);
  cd_drop(vm, iterator);
  return anext_finish(vm, self, result, out);
}

static Next anext_next(VM *vm, Value v, Ref *out)
{
  SendResult result = anext_send_slot(vm, v, cd_none(), out);
  if (result == YIELDED) return NEXT_ITEM;
  if (result == RETURNED) {
    Ref value = *out;
    cd_raise_stop_iteration(vm, value);
    cd_drop(vm, value);
  }
  return NEXT_ERROR;
}

static Ref anext_method(VM *vm, Value v, Value name, const Value *args, size_t nargs)
{
  AnextAwaitable *self = as_anext(v);
  Ref iterator = anext_iterator(vm, self);
  if (!cd_bits(iterator)) return NO_REF;
  Ref result = cd_call_method(vm, iterator, name, args, nargs);
  cd_drop(vm, iterator);
  if (cd_bits(result) || !cd_swallow(vm, vm->exc.StopAsyncIteration)) return result;
  return cd_raise_stop_iteration(vm, self->fallback);
}

METHOD(anext_awaitable, send, "send(self, arg, /)", "Go on with awaiting.")
{
  return anext_method(vm, self, N(send), args, 1);
}

METHOD_RAW(anext_awaitable, throw, "throw(typ[,val[,tb]])", "Raise an exception in the wrapped iterator.")
{
  if (!cd_throw_args_check(vm, "throw", nargs, kwnames)) return NO_REF;
  return anext_method(vm, self, N(throw), args, nargs);
}

METHOD(anext_awaitable, close, "close(self, /)", "Raise GeneratorExit in the wrapped iterator.")
{
  return anext_method(vm, self, N(close), NULL, 0);
}

static void anext_release(VM *vm, Object *object)
{
  AnextAwaitable *self = (AnextAwaitable *)object;
  cd_clear(vm, &self->wrapped);
  cd_clear(vm, &self->fallback);
}

static void anext_traverse(Object *object, VisitFn visit, void *context)
{
  AnextAwaitable *self = (AnextAwaitable *)object;
  visit(context, self->wrapped);
  visit(context, self->fallback);
}

static const MethodDef *const anext_methods[] = {&anext_awaitable_send_def, &anext_awaitable_throw_def, &anext_awaitable_close_def, NULL};

const TypeSpec cd_anext_awaitable_spec = {
  .name = "anext_awaitable",
  .basicsize = sizeof(AnextAwaitable),
  .flags = TYPE_GC | TYPE_NO_NEW,
  .methods = anext_methods,
  .slots = {
    .release = anext_release,
    .traverse = anext_traverse,
    .iter = async_iter_self,
    .next = anext_next,
    .await = async_iter_self,
    .send = anext_send_slot,
  },
};
