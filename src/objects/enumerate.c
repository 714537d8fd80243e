// SPDX-License-Identifier: MIT
// enumerate.c: enumerate(iterable, start=0)
#include "objects/generic_alias.h"
#include "objects/int.h"
#include "objects/iterator.h"
#include "objects/protocol.h"
#include "objects/str.h"
#include "objects/tuple.h"

typedef struct Enumerate {
  Object head;
  Value iterator;                                // owned
  Value index;                                   // owned int of any size
  Value pair;                                    // owned: the tuple handed out last, used again when nobody kept it
} Enumerate;

static inline Enumerate *enumerate_of(Value v) { return (Enumerate *)cd_object(v); }

static Ref enumerate_make(VM *vm, Type *type, Value iterable, Value start)
{
  Ref index = start ? cd_index(vm, start) : cd_from_small(0);
  if (!index) return NO_REF;
  Ref iterator = cd_iter(vm, iterable);
  Enumerate *e = iterator ? cd_instance_new(vm, type) : NULL;
  if (!e) {
    cd_drop(vm, iterator);
    cd_drop(vm, index);
    return NO_REF;
  }
  e->iterator = iterator;
  e->index = index;
  return cd_from_object(e);
}

static Ref enumerate_new_slot(VM *vm, Type *type, const Value *args, size_t nargs, Value kwnames)
{
  size_t named = kwnames ? cd_tuple_size(kwnames) : 0;
  Value iterable = nargs > 0 ? args[0] : NO_VALUE, start = nargs > 1 ? args[1] : NO_VALUE;
  if (nargs + named > 2) return cd_raise_type(vm, "enumerate() takes at most 2 arguments (%zu given)", nargs + named);
  for (size_t i = 0; i < named; i++) {
    Value name = cd_tuple_item_borrow(kwnames, i);
    if (!iterable && cd_str_is(name, "iterable")) iterable = args[nargs + i];
    else if (!start && cd_str_is(name, "start") && nargs + named == 2) start = args[nargs + i];
    else return cd_raise_type(vm, "'%U' is an invalid keyword argument for enumerate()", name);
  }
  if (!iterable) return cd_raise_type(vm, "enumerate() missing required argument 'iterable'");
  return enumerate_make(vm, type, iterable, start);
}

static void enumerate_release(VM *vm, Object *self)
{
  Enumerate *e = (Enumerate *)self;
  cd_clear(vm, &e->iterator);
  cd_clear(vm, &e->index);
  cd_clear(vm, &e->pair);
}

static void enumerate_traverse(Object *self, VisitFn visit, void *context)
{
  Enumerate *e = (Enumerate *)self;
  visit(context, e->iterator);
  visit(context, e->pair);
}

// Takes the number out and puts the next one in.
static Ref enumerate_count(VM *vm, Enumerate *e)
{
  if (LIKELY(cd_is_small(e->index) && cd_small(e->index) < SMALL_INT_MAX)) {
    Ref index = cd_take(&e->index);
    e->index = cd_from_small(cd_small(index) + 1);
    return index;
  }
  Ref next = cd_int_add(vm, e->index, cd_from_small(1));
  if (!next) return NO_REF;
  Ref index = cd_take(&e->index);
  e->index = next;
  return index;
}

static Next enumerate_next(VM *vm, Value self, Ref *out)
{
  Enumerate *e = enumerate_of(self);
  Ref item;
  if (!e->iterator) return NEXT_DONE;
  Next next = cd_next(vm, e->iterator, &item);
  if (next != NEXT_ITEM) return next;
  Ref index = enumerate_count(vm, e);
  if (!index) {
    cd_drop(vm, item);
    return NEXT_ERROR;
  }
  if (e->pair && cd_object(e->pair)->refcount == 1) {
    Tuple *t = cd_as_tuple(e->pair);
    Ref old_index = cd_from_bits(cd_bits(t->items[0])), old_item = cd_from_bits(cd_bits(t->items[1]));
    t->items[0] = index;
    t->items[1] = item;
    *out = cd_dup(e->pair);
    cd_drop(vm, old_index);
    cd_drop(vm, old_item);
    return NEXT_ITEM;
  }
  if (!(*out = cd_tuple2_steal(vm, index, item))) return NEXT_ERROR;
  cd_replace(vm, &e->pair, cd_dup(*out));
  return NEXT_ITEM;
}

METHOD(enumerate, __reduce__, "__reduce__(self, /)", "Return state information for pickling.")
{
  const Enumerate *e = enumerate_of(self);
  return cd_tuple2_steal(vm, cd_dup_object(cd_type_of(vm, self)), cd_tuple2(vm, e->iterator, e->index));
}

CLASS_METHOD(enumerate, __class_getitem__, "__class_getitem__(type, item, /)", "See PEP 585")
{
  return cd_generic_alias_new(vm, self, args[0]);
}

static const MethodDef *const enumerate_methods[] = {&enumerate___reduce___def, &enumerate___class_getitem___def, NULL};

const TypeSpec cd_enumerate_spec = {
  .name = "enumerate",
  .doc = "Numbers the items of an iterable.\n\n  iterable\n    what to walk through\n\nWhat comes out are pairs: a number that grows by "
         "one from start (0 if not\ngiven), and the iterable's item.",
  .basicsize = sizeof(Enumerate),
  .flags = TYPE_BASE | TYPE_GC | TYPE_IMMUTABLE,
  .methods = enumerate_methods,
  .slots = {
    .release = enumerate_release,
    .traverse = enumerate_traverse,
    .new_ = enumerate_new_slot,
    .iter = cd_self_iter,
    .next = enumerate_next,
  },
};
