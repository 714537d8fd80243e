// SPDX-License-Identifier: MIT
// filter.c: filter(function or None, iterable)
#include "objects/iterator.h"
#include "objects/protocol.h"
#include "objects/tuple.h"

typedef struct Filter { Object head; Value function, iterator; } Filter;         // owned

static inline Filter *filter_of(Value v) { return (Filter *)cd_object(v); }

static Ref filter_new_slot(VM *vm, Type *type, const Value *args, size_t nargs, Value kwnames)
{
  if ((type == vm->types.filter || type->slots.init == vm->types.filter->slots.init) && !cd_no_keywords(vm, "filter", kwnames))
    return NO_REF;
  if (!cd_check_positional(vm, "filter", nargs, 2, 2)) return NO_REF;
  Ref iterator = cd_iter(vm, args[1]);
  Filter *f = iterator ? cd_instance_new(vm, type) : NULL;
  if (!f) {
    cd_drop(vm, iterator);
    return NO_REF;
  }
  f->function = cd_dup(args[0]);
  f->iterator = iterator;
  return cd_from_object(f);
}

static void filter_release(VM *vm, Object *self)
{
  Filter *f = (Filter *)self;
  cd_clear(vm, &f->function);
  cd_clear(vm, &f->iterator);
}

static void filter_traverse(Object *self, VisitFn visit, void *context)
{
  Filter *f = (Filter *)self;
  visit(context, f->function);
  visit(context, f->iterator);
}

static bool filter_accepts(VM *vm, const Filter *f, Value item, bool *out)
{
  if (cd_is_none(f->function) || cd_is(f->function, cd_type_value(vm->types.bool_))) return cd_truth(vm, item, out);
  Ref verdict = cd_call1(vm, f->function, item);
  if (!verdict) return false;
  bool ok = cd_truth(vm, verdict, out);
  cd_drop(vm, verdict);
  return ok;
}

static Next filter_next(VM *vm, Value self, Ref *out)
{
  Filter *f = filter_of(self);
  for (;;) {
    Ref item;
    bool accepted;
    Next next = f->iterator ? cd_next(vm, f->iterator, &item) : NEXT_DONE;
    if (next != NEXT_ITEM) return next;
    if (!filter_accepts(vm, f, item, &accepted) || (!accepted && !cd_poll(vm))) {
      cd_drop(vm, item);
      return NEXT_ERROR;
    }
    if (accepted) {
      *out = item;
      return NEXT_ITEM;
    }
    cd_drop(vm, item);
  }
}

METHOD(filter, __reduce__, "__reduce__(self, /)", "Return state information for pickling.")
{
  const Filter *f = filter_of(self);
  return cd_tuple2_steal(vm, cd_dup_object(cd_type_of(vm, self)), cd_tuple2(vm, f->function, f->iterator));
}

static const MethodDef *const filter_methods[] = {&filter___reduce___def, NULL};

const TypeSpec cd_filter_spec = {
  .name = "filter",
  .doc = "filter(function or None, iterable) --> filter object\n\nIterates over those items for which function(item) is true. With None "
         "in place\nof a function, over the items that are true themselves.",
  .basicsize = sizeof(Filter),
  .flags = TYPE_BASE | TYPE_GC | TYPE_IMMUTABLE,
  .methods = filter_methods,
  .slots = {
    .release = filter_release,
    .traverse = filter_traverse,
    .new_ = filter_new_slot,
    .iter = cd_self_iter,
    .next = filter_next,
  },
};
