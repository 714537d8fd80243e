// SPDX-License-Identifier: MIT
// coroutine.c: coroutines, what `await` accepts, and the iterator behind coroutine.__await__()
#include "coro/coro.h"

#include "objects/dict.h"
#include "objects/generic_alias.h"
#include "objects/protocol.h"
#include "objects/str.h"
#include "objects/tuple.h"

#include <stdio.h>

// ---- await ----

static bool coroutine_is_iterable_generator(VM *vm, Value v)
{
  return cd_is_exact(v, vm->types.generator) && (cd_as_generator(v)->frame.code->flags & CO_ITERABLE_COROUTINE);
}

static Ref awaitable_refuse(VM *vm, Value v, int where)
{
  if (where == 0 || where == AWAIT_BY_ANEXT) return cd_raise_type(vm, "object %T can't be used in 'await' expression", v);
  return cd_raise_type(vm, "'async with' received an object from %s that does not implement __await__: %T",
                       where == 1 ? "__aenter__" : "__aexit__", v);
}

Ref cd_get_awaitable(VM *vm, Value v, int where)
{
  if (cd_is_exact(v, vm->types.coroutine)) {
    Generator *coroutine = cd_as_generator(v);
    if (where != AWAIT_BY_ANEXT && coroutine->frame.state == FRAME_DELEGATING && !cd_generator_is_running(vm, coroutine))
      return cd_raise_runtime(vm, "coroutine is being awaited already");
    return cd_dup(v);
  }
  if (coroutine_is_iterable_generator(vm, v)) return cd_dup(v);
  Type *type = cd_type_of(vm, v);
  if (!type->slots.await) return awaitable_refuse(vm, v, where);
  if (cd_awaits_itself(v)) return cd_dup(v);
  Ref iterator = type->slots.await(vm, v);
  if (!cd_bits(iterator)) return NO_REF;
  if (cd_is_exact(iterator, vm->types.coroutine) || coroutine_is_iterable_generator(vm, iterator)) {
    cd_drop(vm, iterator);
    return cd_raise_type(vm, "__await__() returned a coroutine");
  }
  if (!cd_type_of(vm, iterator)->slots.next) {
    cd_raise_type(vm, "__await__() returned non-iterator of type '%T'", iterator);
    cd_drop(vm, iterator);
    return NO_REF;
  }
  return iterator;
}

// ---- origins and warnings ----

Ref cd_coroutine_origin(VM *vm)
{
  int depth = 0, limit = vm->thread->coroutine_origin_depth;
  Frame *frame = vm->thread->frame;
  for (Frame *f = frame; f && depth < limit; f = f->back) depth++;
  Ref origin = cd_tuple_new(vm, (size_t)depth);
  for (int i = 0; cd_bits(origin) && i < depth; i++, frame = frame->back) {
    Code *code = frame->code;
    Ref level = cd_tuple3(vm, code->filename, cd_from_small(cd_frame_line(frame)), code->name);
    if (!cd_bits(level)) { cd_drop(vm, origin); return NO_REF; }
    cd_tuple_set(origin, (size_t)i, level);
  }
  return origin;
}

void cd_coroutine_warn_unawaited(VM *vm, Generator *coroutine)
{
  if (UNLIKELY(vm->asyncgen_mode == ASYNCGEN_STRICT)) {
    cd_async_report_unawaited(vm, coroutine);
    return;
  }
  Ref raised = cd_take_raised(vm);
  Ref warnings, warn = NO_REF, self = cd_dup_object(coroutine);
  bool warned = false;
  Find found = cd_bits(vm->modules) ? cd_dict_find(vm, vm->modules, N(warnings), &warnings) : FIND_MISSING;
  if (found == FIND_HIT) {
    Ref name = cd_intern(vm, "_warn_unawaited_coroutine");
    found = cd_bits(name) ? cd_getattr_find(vm, warnings, name, &warn) : FIND_ERROR;
    cd_drop(vm, name);
    cd_drop(vm, warnings);
  }
  if (found == FIND_HIT) {
    Ref result = cd_call1(vm, warn, self);
    warned = cd_bits(result) || cd_raised_is(vm, vm->exc.RuntimeWarning);
    cd_drop(vm, result);
    cd_drop(vm, warn);
  }
  if (cd_raised(vm)) cd_write_unraisable(vm, self);
  if (!warned && !cd_warn(vm, vm->exc.RuntimeWarning, 1, "coroutine '%U' was never awaited", cd_generator_qualname(coroutine)))
    cd_write_unraisable(vm, self);
  cd_drop(vm, self);
  cd_restore_raised(vm, raised);
}

// ---- the iterator behind __await__ ----

typedef struct CoroutineWrapper {
  Object head;
  Value coroutine;                               // owned
} CoroutineWrapper;

Value cd_coroutine_of_wrapper(Value self) { return ((CoroutineWrapper *)cd_object(self))->coroutine; }

static Ref coroutine_await(VM *vm, Value self)
{
  CoroutineWrapper *wrapper = cd_object_new(vm, vm->types.coroutine_wrapper, sizeof(CoroutineWrapper));
  if (!wrapper) return NO_REF;
  wrapper->coroutine = cd_dup(self);
  return cd_from_object(wrapper);
}

static Ref coroutine_wrapper_iter(VM *vm, Value self) { return cd_dup(self); }

static Next coroutine_wrapper_next(VM *vm, Value self, Ref *out)
{
  SendResult result = cd_generator_send(vm, cd_coroutine_of_wrapper(self), cd_none(), out);
  if (result == YIELDED) return NEXT_ITEM;
  if (result == RETURNED) {
    Ref value = *out;
    if (cd_is_none(value)) return NEXT_DONE;
    cd_raise_stop_iteration(vm, value);
    cd_drop(vm, value);
  }
  return NEXT_ERROR;
}

static SendResult coroutine_wrapper_send_slot(VM *vm, Value self, Value sent, Ref *out)
{
  return cd_generator_send(vm, cd_coroutine_of_wrapper(self), cd_dup(sent), out);
}

METHOD(coroutine_wrapper, send, "send(self, arg, /)", "Send a value into the coroutine.")
{
  return cd_generator_call_send(vm, cd_coroutine_of_wrapper(self), args[0]);
}

METHOD_RAW(coroutine_wrapper, throw, "throw(typ[,val[,tb]])", "Raise an exception inside the coroutine.")
{
  return cd_generator_call_throw(vm, cd_coroutine_of_wrapper(self), args, nargs, kwnames);
}

METHOD(coroutine_wrapper, close, "close(self, /)", "Raise GeneratorExit inside the coroutine.")
{
  return cd_generator_call_close(vm, cd_coroutine_of_wrapper(self));
}

static const MethodDef *const coroutine_wrapper_methods[] = {&coroutine_wrapper_send_def, &coroutine_wrapper_throw_def,
                                                             &coroutine_wrapper_close_def, NULL};

static void coroutine_wrapper_release(VM *vm, Object *self) { cd_clear(vm, &((CoroutineWrapper *)self)->coroutine); }
static void coroutine_wrapper_traverse(Object *self, VisitFn visit, void *context)
{
  visit(context, ((CoroutineWrapper *)self)->coroutine);
}

const TypeSpec cd_coroutine_wrapper_spec = {
  .name = "coroutine_wrapper",
  .doc = "A wrapper object implementing __await__ for coroutines.",
  .basicsize = sizeof(CoroutineWrapper),
  .flags = TYPE_GC | TYPE_NO_NEW,
  .methods = coroutine_wrapper_methods,
  .slots = {
    .release = coroutine_wrapper_release,
    .traverse = coroutine_wrapper_traverse,
    .iter = coroutine_wrapper_iter,
    .next = coroutine_wrapper_next,
    .send = coroutine_wrapper_send_slot,
  },
};

// ---- the coroutine type ----

static Ref coroutine_repr(VM *vm, Value self) { return cd_generator_repr_as(vm, self, "coroutine"); }
static SendResult coroutine_send_slot(VM *vm, Value self, Value sent, Ref *out) { return cd_generator_send(vm, self, cd_dup(sent), out); }

METHOD_DEF_(coroutine_send, "send", "send(self, arg, /)",
            "Send a value into coroutine, as the result of what it awaits. Gives what it yields to its driver, or raises StopIteration.",
            METHOD_SEND)
{
  return cd_generator_call_send(vm, self, args[0]);
}

METHOD_DEF_RAW_(coroutine_throw, "throw", "throw(typ[,val[,tb]])", "Raise an exception in coroutine, where it waits.", METHOD_THROW)
{
  return cd_generator_call_throw(vm, self, args, nargs, kwnames);
}

METHOD_DEF_(coroutine_close, "close", "close(self, /)", "Raise GeneratorExit inside coroutine, where it waits.", METHOD_CLOSE)
{
  return cd_generator_call_close(vm, self);
}

METHOD(coroutine, __sizeof__, "__sizeof__(self, /)", "Size of the coroutine and its frame in memory, in bytes.")
{
  return cd_from_small((int64_t)cd_generator_size(cd_object(self)));
}

METHOD_DEF_(coroutine_class_getitem, "__class_getitem__", "__class_getitem__(type, key, /)", "See PEP 585", METHOD_CLASS)
{
  return cd_generic_alias_new(vm, self, args[0]);
}

static const MethodDef *const coroutine_methods[] = {
  &coroutine_send_def, &coroutine_throw_def, &coroutine_close_def, &coroutine___sizeof___def, &coroutine_class_getitem_def, NULL,
};

static Ref coroutine_get_origin(VM *vm, Value self)
{
  const GeneratorRest *rest = cd_as_generator(self)->rest;
  Value origin = rest ? rest->origin : NO_VALUE;
  return cd_bits(origin) ? cd_dup(origin) : cd_none();
}

static const GetSetDef coroutine_getset[] = {
  CD_GENERATOR_ATTRIBUTES("cr", "coroutine"),
  {"cr_await", "what `await` waits for, or None", cd_generator_get_awaited, NULL},
  {"cr_running", "is it running now?", cd_generator_get_running, NULL},
  {"cr_origin", "where it was made, if sys.set_coroutine_origin_tracking_depth() asks for that", coroutine_get_origin, NULL},
  {NULL, NULL, NULL, NULL},
};

const TypeSpec cd_coroutine_spec = {
  .name = "coroutine",
  .basicsize = sizeof(Generator),
  .flags = TYPE_GC | TYPE_NO_NEW | TYPE_HAS_WEAKREFS,
  .weaklist_offset = offsetof(Generator, weaklist),
  .methods = coroutine_methods,
  .getset = coroutine_getset,
  .slots = {
    CD_GENERATOR_SLOTS,
    .retire = cd_generator_retire,
    .repr = coroutine_repr,
    .await = coroutine_await,
    .send = coroutine_send_slot,
  },
};
