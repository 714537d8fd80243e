// SPDX-License-Identifier: MIT
// zip.c: zip(*iterables, strict=False)
#include "objects/iterator.h"
#include "objects/protocol.h"
#include "objects/str.h"
#include "objects/tuple.h"

typedef struct Zip {
  Object head;
  Value iterators;                               // owned tuple
  Value row;                                     // owned: the tuple handed out last, used again when nobody kept it
  bool strict;
} Zip;

static inline Zip *zip_of(Value v) { return (Zip *)cd_object(v); }

static bool zip_keywords(VM *vm, const Value *values, Value kwnames, bool *strict)
{
  *strict = false;
  size_t count = kwnames ? cd_tuple_size(kwnames) : 0;
  if (count == 0) return true;
  if (count > 1) return cd_raise_type(vm, "zip() takes at most 1 keyword argument (%zu given)", count);
  Value name = cd_tuple_item_borrow(kwnames, 0);
  if (!cd_str_is(name, "strict")) return cd_raise_type(vm, "'%U' is an invalid keyword argument for zip()", name);
  return cd_truth(vm, values[0], strict);
}

static Ref zip_new_slot(VM *vm, Type *type, const Value *args, size_t nargs, Value kwnames)
{
  bool strict;
  if (!zip_keywords(vm, args + nargs, kwnames, &strict)) return NO_REF;
  Ref iterators = cd_iterators_of(vm, args, nargs);
  Zip *z = iterators ? cd_instance_new(vm, type) : NULL;
  if (!z) {
    cd_drop(vm, iterators);
    return NO_REF;
  }
  z->iterators = iterators;
  z->strict = strict;
  return cd_from_object(z);
}

static void zip_release(VM *vm, Object *self)
{
  Zip *z = (Zip *)self;
  cd_clear(vm, &z->iterators);
  cd_clear(vm, &z->row);
}

static void zip_traverse(Object *self, VisitFn visit, void *context)
{
  Zip *z = (Zip *)self;
  visit(context, z->iterators);
  visit(context, z->row);
}

// Iterator number `i` ended. strict: it must be the first, and then the others must end too.
static COLD Next zip_check_strict(VM *vm, const Tuple *iterators, size_t i)
{
  if (i > 0) {
    cd_raise_value(vm, "zip() argument %zu is shorter than argument%s%zu", i + 1, i == 1 ? " " : "s 1-", i);
    return NEXT_ERROR;
  }
  for (i = 1; i < iterators->size; i++) {
    Ref item;
    Next next = cd_next(vm, iterators->items[i], &item);
    if (next == NEXT_ERROR) return next;
    if (next == NEXT_DONE) continue;
    cd_drop(vm, item);
    cd_raise_value(vm, "zip() argument %zu is longer than argument%s%zu", i + 1, i == 1 ? " " : "s 1-", i);
    return NEXT_ERROR;
  }
  return NEXT_DONE;
}

static Next zip_next(VM *vm, Value self, Ref *out)
{
  Zip *z = zip_of(self);
  if (!z->iterators) return NEXT_DONE;
  const Tuple *iterators = cd_as_tuple(z->iterators);
  size_t count = iterators->size;
  if (count == 0) return NEXT_DONE;
  Ref row;
  // The second reference taken here keeps a nested call on this zip from using the same tuple.
  bool again = z->row && cd_object(z->row)->refcount == 1;
  row = again ? cd_dup(z->row) : cd_tuple_new(vm, count);
  if (!row) return NEXT_ERROR;
  for (size_t i = 0; i < count; i++) {
    Ref item;
    Next next = cd_next(vm, iterators->items[i], &item);
    if (next == NEXT_ITEM) {
      cd_replace(vm, &cd_as_tuple(row)->items[i], item);
      continue;
    }
    if (next == NEXT_DONE && z->strict) next = zip_check_strict(vm, iterators, i);
    cd_drop(vm, row);
    return next;
  }
  if (!again) cd_replace(vm, &z->row, cd_dup(row));
  *out = row;
  return NEXT_ITEM;
}

METHOD(zip, __reduce__, "__reduce__(self, /)", "Return state information for pickling.")
{
  const Zip *z = zip_of(self);
  Ref type = cd_dup_object(cd_type_of(vm, self)), iterators = cd_dup(z->iterators);
  return z->strict ? cd_tuple3_steal(vm, type, iterators, cd_true()) : cd_tuple2_steal(vm, type, iterators);
}

METHOD(zip, __setstate__, "__setstate__(self, state, /)", "Set state information for unpickling.")
{
  bool strict;
  if (!cd_truth(vm, args[0], &strict)) return NO_REF;
  zip_of(self)->strict = strict;
  return cd_none();
}

static const MethodDef *const zip_methods[] = {&zip___reduce___def, &zip___setstate___def, NULL};

const TypeSpec cd_zip_spec = {
  .name = "zip",
  .doc = "zip(*iterables, strict=False) --> tuples with one item of each iterable.\n\n"
         "   >>> list(zip('xyz', range(2), 'AB'))\n   [('x', 0, 'A'), ('y', 1, 'B')]\n\n"
         "A tuple has as many items as zip() was given iterables, in the order of the\narguments. The shortest of them ends it.\n\n"
         "With strict=True it is a ValueError if they are not equally long.",
  .basicsize = sizeof(Zip),
  .flags = TYPE_BASE | TYPE_GC | TYPE_IMMUTABLE,
  .methods = zip_methods,
  .slots = {
    .release = zip_release,
    .traverse = zip_traverse,
    .new_ = zip_new_slot,
    .iter = cd_self_iter,
    .next = zip_next,
  },
};
