// SPDX-License-Identifier: MIT
// map.c: map(function, *iterables)
#include "objects/iterator.h"
#include "objects/protocol.h"
#include "objects/tuple.h"

typedef struct Map { Object head; Value function; Value iterators; } Map;        // owned; iterators is a tuple

static inline Map *map_of(Value v) { return (Map *)cd_object(v); }

Ref cd_iterators_of(VM *vm, const Value *iterables, size_t count)
{
  Ref iterators = cd_tuple_new(vm, count);
  for (size_t i = 0; iterators && i < count; i++) {
    Ref iterator = cd_iter(vm, iterables[i]);
    if (!iterator) {
      cd_drop(vm, iterators);
      return NO_REF;
    }
    cd_tuple_set(iterators, i, iterator);
  }
  return iterators;
}

static Ref map_new_slot(VM *vm, Type *type, const Value *args, size_t nargs, Value kwnames)
{
  if ((type == vm->types.map || type->slots.init == vm->types.map->slots.init) && !cd_no_keywords(vm, "map", kwnames)) return NO_REF;
  if (nargs < 2) return cd_raise_type(vm, "map() must have at least two arguments.");
  Ref iterators = cd_iterators_of(vm, args + 1, nargs - 1);
  Map *m = iterators ? cd_instance_new(vm, type) : NULL;
  if (!m) {
    cd_drop(vm, iterators);
    return NO_REF;
  }
  m->function = cd_dup(args[0]);
  m->iterators = iterators;
  return cd_from_object(m);
}

static void map_release(VM *vm, Object *self)
{
  Map *m = (Map *)self;
  cd_clear(vm, &m->iterators);
  cd_clear(vm, &m->function);
}

static void map_traverse(Object *self, VisitFn visit, void *context)
{
  Map *m = (Map *)self;
  visit(context, m->iterators);
  visit(context, m->function);
}

static Next map_next(VM *vm, Value self, Ref *out)
{
  Map *m = map_of(self);
  if (!m->iterators) return NEXT_DONE;
  const Tuple *iterators = cd_as_tuple(m->iterators);
  Ref small[8], *items = small;
  size_t count = iterators->size, got = 0;
  if (count > ARRAY_LEN(small) && !(items = cd_alloc_array(vm, count, sizeof(Ref)))) return NEXT_ERROR;
  Next next = NEXT_ITEM;
  while (got < count && (next = cd_next(vm, iterators->items[got], &items[got])) == NEXT_ITEM) got++;
  if (next == NEXT_ITEM && !(*out = cd_call(vm, m->function, (const Value *)items, count, NO_VALUE))) next = NEXT_ERROR;
  for (size_t i = 0; i < got; i++) cd_drop(vm, items[i]);
  if (items != small) cd_free(vm, items, count * sizeof(Ref));
  return next;
}

METHOD(map, __reduce__, "__reduce__(self, /)", "Return state information for pickling.")
{
  const Map *m = map_of(self);
  size_t count = cd_tuple_size(m->iterators);
  Ref arguments = cd_tuple_new(vm, count + 1);
  if (!arguments) return NO_REF;
  cd_tuple_set(arguments, 0, cd_dup(m->function));
  for (size_t i = 0; i < count; i++) cd_tuple_set(arguments, i + 1, cd_dup(cd_tuple_item_borrow(m->iterators, i)));
  return cd_tuple2_steal(vm, cd_dup_object(cd_type_of(vm, self)), arguments);
}

static const MethodDef *const map_methods[] = {&map___reduce___def, NULL};

const TypeSpec cd_map_spec = {
  .name = "map",
  .doc = "map(func, *iterables) --> map object\n\nCalls the function with one item of each iterable in turn.  The shortest of\nthem ends "
         "it.",
  .basicsize = sizeof(Map),
  .flags = TYPE_BASE | TYPE_GC | TYPE_IMMUTABLE,
  .methods = map_methods,
  .slots = {
    .release = map_release,
    .traverse = map_traverse,
    .new_ = map_new_slot,
    .iter = cd_self_iter,
    .next = map_next,
  },
};
