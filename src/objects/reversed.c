// SPDX-License-Identifier: MIT
// reversed.c: reversed(sequence) for types without __reversed__
#include "objects/iterator.h"
#include "objects/protocol.h"
#include "objects/tuple.h"

typedef struct Reversed {
  Object head;
  Value sequence;
  int64_t index;
} Reversed;   // sequence owned; NO_VALUE: exhausted; index of the next item

static inline Reversed *reversed_of(Value v) { return (Reversed *)cd_object(v); }

static Ref reversed_new_slot(VM *vm, Type *type, const Value *args, size_t nargs, Value kwnames)
{
  if (type == vm->types.reversed && !cd_no_keywords(vm, "reversed", kwnames)) return NO_REF;
  if (nargs != 1) return cd_raise_type(vm, "reversed expected 1 argument, got %zu", nargs);
  if (cd_is_exact(args[0], vm->types.list)) return cd_list_reversed(vm, args[0]);
  Ref method;
  Find found = cd_lookup_special(vm, args[0], N(__reversed__), &method);
  if (found == FIND_ERROR) return NO_REF;
  if (found == FIND_HIT) {
    Ref result = cd_is_none(method) ? cd_raise_type(vm, "'%T' object is not reversible", args[0]) : cd_call0(vm, method);
    cd_drop(vm, method);
    return result;
  }
  if (!cd_type_of(vm, args[0])->slots.getitem || cd_is_dict(args[0])) return cd_raise_type(vm, "'%T' object is not reversible", args[0]);
  int64_t length;
  if (!cd_len(vm, args[0], &length)) return NO_REF;
  Reversed *r = cd_instance_new(vm, type);
  if (!r) return NO_REF;
  r->sequence = cd_dup(args[0]);
  r->index = length - 1;
  return cd_from_object(r);
}

static void reversed_release(VM *vm, Object *self) { cd_clear(vm, &((Reversed *)self)->sequence); }
static void reversed_traverse(Object *self, VisitFn visit, void *context) { visit(context, ((Reversed *)self)->sequence); }

static Next reversed_next(VM *vm, Value self, Ref *out)
{
  Reversed *r = reversed_of(self);
  if (!r->sequence) return NEXT_DONE;
  if (r->index >= 0) {
    Ref sequence = cd_dup(r->sequence), item = cd_getitem(vm, sequence, cd_from_small(r->index));
    cd_drop(vm, sequence);
    if (item) {
      r->index--;
      *out = item;
      return NEXT_ITEM;
    }
    if (!cd_swallow(vm, vm->exc.IndexError) && !cd_swallow(vm, vm->exc.StopIteration)) return NEXT_ERROR;
  }
  r->index = -1;
  cd_clear(vm, &r->sequence);
  return NEXT_DONE;
}

METHOD(reversed, __length_hint__, "__length_hint__(self, /)", "How many items are probably left; a hint for list().")
{
  const Reversed *r = reversed_of(self);
  if (!r->sequence) return cd_from_small(0);
  int64_t length, left = r->index + 1;
  if (!cd_len(vm, r->sequence, &length)) return NO_REF;
  return cd_from_small(length < left ? 0 : left);
}

METHOD(reversed, __reduce__, "__reduce__(self, /)", "Return state information for pickling.")
{
  const Reversed *r = reversed_of(self);
  Ref type = cd_dup_object(cd_type_of(vm, self));
  if (!r->sequence) return cd_tuple2_steal(vm, type, cd_tuple1(vm, vm->empty_tuple));
  return cd_tuple3_steal(vm, type, cd_tuple1(vm, r->sequence), cd_from_small(r->index));
}

METHOD(reversed, __setstate__, "__setstate__(self, state, /)", "Set state information for unpickling.")
{
  Reversed *r = reversed_of(self);
  int64_t index, length;
  if (!cd_to_ssize(vm, args[0], &index)) return NO_REF;
  if (!r->sequence) return cd_none();
  if (!cd_len(vm, r->sequence, &length)) return NO_REF;
  r->index = index < -1 ? -1 : index > length - 1 ? length - 1 : index;
  return cd_none();
}

static const MethodDef *const reversed_methods[] = {&reversed___length_hint___def, &reversed___reduce___def, &reversed___setstate___def,
                                                    NULL};

const TypeSpec cd_reversed_spec = {
  .name = "reversed",
  .doc = "reversed(sequence, /)\n--\n\nWalks the items of a sequence from the last to the first.",
  .basicsize = sizeof(Reversed),
  .flags = TYPE_BASE | TYPE_GC | TYPE_IMMUTABLE,
  .methods = reversed_methods,
  .slots = {
    .release = reversed_release,
    .traverse = reversed_traverse,
    .new_ = reversed_new_slot,
    .iter = cd_self_iter,
    .next = reversed_next,
  },
};
