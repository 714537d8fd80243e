// SPDX-License-Identifier: MIT
// iterator.c: iterators over anything with __getitem__ and over calls, and what all iterators share
#include "objects/iterator.h"
#include "objects/dict.h"
#include "objects/protocol.h"
#include "objects/tuple.h"

Ref cd_self_iter(VM *vm UNUSED, Value self) { return cd_dup(self); }

// ---- pickling ----

static Ref iterator_builtin(VM *vm, const char *name)
{
  Value fn = vm->builtins_dict ? cd_dict_get_text_borrow(vm, vm->builtins_dict, name) : NO_VALUE;
  return fn ? cd_dup(fn) : cd_raise(vm, vm->exc.AttributeError, "module 'builtins' has no attribute '%s'", name);
}

Ref cd_builtin_reduce(VM *vm, const char *name, size_t count, const Value *args, Ref state)
{
  Ref fn = iterator_builtin(vm, name), arguments = fn ? cd_tuple_of(vm, count, args) : NO_REF;
  if (!arguments) {
    cd_drop(vm, fn);
    cd_drop(vm, state);
    return NO_REF;
  }
  return state ? cd_tuple3_steal(vm, fn, arguments, state) : cd_tuple2_steal(vm, fn, arguments);
}

Ref cd_iterator_reduce(VM *vm, Value sequence, Value exhausted, int64_t index)
{
  if (!sequence) return cd_builtin_reduce(vm, "iter", 1, &exhausted, NO_REF);
  return cd_builtin_reduce(vm, "iter", 1, &sequence, cd_from_small(index));
}

// ---- sequence iterator ----

typedef struct SequenceIterator { Object head; Value sequence; int64_t index; } SequenceIterator;   // sequence NO_VALUE: exhausted

Ref cd_sequence_iterator_new(VM *vm, Value sequence)
{
  SequenceIterator *it = cd_object_new(vm, vm->types.sequence_iterator, sizeof *it);
  if (!it) return NO_REF;
  it->sequence = cd_dup(sequence);
  return cd_from_object(it);
}

static void sequence_iterator_release(VM *vm, Object *self) { cd_clear(vm, &((SequenceIterator *)self)->sequence); }
static void sequence_iterator_traverse(Object *self, VisitFn visit, void *context) { visit(context, ((SequenceIterator *)self)->sequence); }

static Next sequence_iterator_next(VM *vm, Value self, Ref *out)
{
  SequenceIterator *it = (SequenceIterator *)cd_object(self);
  if (!it->sequence) return NEXT_DONE;
  if (it->index == SMALL_INT_MAX) {
    cd_raise_overflow(vm, "iter index too large");
    return NEXT_ERROR;
  }
  Ref sequence = cd_dup(it->sequence);           // its __getitem__ may exhaust this iterator
  Ref item = cd_getitem(vm, sequence, cd_from_small(it->index));
  cd_drop(vm, sequence);
  if (item) {
    it->index++;
    *out = item;
    return NEXT_ITEM;
  }
  if (!cd_swallow(vm, vm->exc.IndexError) && !cd_swallow(vm, vm->exc.StopIteration)) return NEXT_ERROR;
  cd_clear(vm, &it->sequence);
  return NEXT_DONE;
}

METHOD(sequence_iterator, __length_hint__, "__length_hint__(self, /)", "How many items are probably left; a hint for list().")
{
  const SequenceIterator *it = (SequenceIterator *)cd_object(self);
  if (!it->sequence) return cd_from_small(0);
  if (!cd_type_of(vm, it->sequence)->slots.len) return cd_not_implemented();
  int64_t length;
  if (!cd_len(vm, it->sequence, &length)) return NO_REF;
  return cd_from_small(length > it->index ? length - it->index : 0);
}

METHOD(sequence_iterator, __reduce__, "__reduce__(self, /)", "Return state information for pickling.")
{
  const SequenceIterator *it = (SequenceIterator *)cd_object(self);
  return cd_iterator_reduce(vm, it->sequence, vm->empty_tuple, it->index);
}

METHOD(sequence_iterator, __setstate__, "__setstate__(self, state, /)", "Set state information for unpickling.")
{
  SequenceIterator *it = (SequenceIterator *)cd_object(self);
  int64_t index;
  if (!cd_to_ssize(vm, args[0], &index)) return NO_REF;
  if (it->sequence) it->index = index < 0 ? 0 : index > SMALL_INT_MAX ? SMALL_INT_MAX : index;
  return cd_none();
}

static const MethodDef *const sequence_iterator_methods[] = {
  &sequence_iterator___length_hint___def, &sequence_iterator___reduce___def, &sequence_iterator___setstate___def, NULL};

const TypeSpec cd_sequence_iterator_spec = {
  .name = "iterator",
  .basicsize = sizeof(SequenceIterator),
  .flags = TYPE_GC | TYPE_NO_NEW | TYPE_IMMUTABLE | TYPE_LIBRARY_ITERATOR,
  .methods = sequence_iterator_methods,
  .slots = {
    .release = sequence_iterator_release,
    .traverse = sequence_iterator_traverse,
    .iter = cd_self_iter,
    .next = sequence_iterator_next,
  },
};

// ---- callable iterator: iter(callable, sentinel) ----

typedef struct CallableIterator { Object head; Value callable, sentinel; } CallableIterator;   // owned; callable NO_VALUE: exhausted

Ref cd_callable_iterator_new(VM *vm, Value callable, Value sentinel)
{
  CallableIterator *it = cd_object_new(vm, vm->types.callable_iterator, sizeof *it);
  if (!it) return NO_REF;
  it->callable = cd_dup(callable);
  it->sentinel = cd_dup(sentinel);
  return cd_from_object(it);
}

static void callable_iterator_release(VM *vm, Object *self)
{
  CallableIterator *it = (CallableIterator *)self;
  cd_clear(vm, &it->callable);
  cd_clear(vm, &it->sentinel);
}

static void callable_iterator_traverse(Object *self, VisitFn visit, void *context)
{
  CallableIterator *it = (CallableIterator *)self;
  visit(context, it->callable);
  visit(context, it->sentinel);
}

static Next callable_iterator_next(VM *vm, Value self, Ref *out)
{
  CallableIterator *it = (CallableIterator *)cd_object(self);
  if (!it->callable) return NEXT_DONE;
  Ref callable = cd_dup(it->callable), result = cd_call0(vm, callable);
  cd_drop(vm, callable);
  if (!result) {
    if (!cd_swallow(vm, vm->exc.StopIteration)) return NEXT_ERROR;
    callable_iterator_release(vm, cd_object(self));
    return NEXT_DONE;
  }
  if (!it->callable) {                           // the call came back here and exhausted it
    cd_drop(vm, result);
    return NEXT_DONE;
  }
  bool done;
  Ref sentinel = cd_dup(it->sentinel);
  bool ok = cd_equal(vm, sentinel, result, &done);
  cd_drop(vm, sentinel);
  if (ok && !done) {
    *out = result;
    return NEXT_ITEM;
  }
  cd_drop(vm, result);
  if (ok) callable_iterator_release(vm, cd_object(self));
  return ok ? NEXT_DONE : NEXT_ERROR;
}

METHOD(callable_iterator, __reduce__, "__reduce__(self, /)", "Return state information for pickling.")
{
  const CallableIterator *it = (CallableIterator *)cd_object(self);
  if (!it->callable) return cd_iterator_reduce(vm, NO_VALUE, vm->empty_tuple, 0);
  Value parts[] = {it->callable, it->sentinel};
  return cd_builtin_reduce(vm, "iter", 2, parts, NO_REF);
}

static const MethodDef *const callable_iterator_methods[] = {&callable_iterator___reduce___def, NULL};

const TypeSpec cd_callable_iterator_spec = {
  .name = "callable_iterator",
  .basicsize = sizeof(CallableIterator),
  .flags = TYPE_GC | TYPE_NO_NEW | TYPE_IMMUTABLE | TYPE_LIBRARY_ITERATOR,
  .methods = callable_iterator_methods,
  .slots = {
    .release = callable_iterator_release,
    .traverse = callable_iterator_traverse,
    .iter = cd_self_iter,
    .next = callable_iterator_next,
  },
};
