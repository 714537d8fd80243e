// SPDX-License-Identifier: MIT
// tuple.c: immutable sequences and their iterator
#include "objects/tuple.h"
#include "objects/generic_alias.h"
#include "objects/instance.h"
#include "objects/iterator.h"
#include "objects/list.h"
#include "objects/protocol.h"
#include "objects/str.h"

// ---- making ----

#define TUPLE_MAX ((size_t)PTRDIFF_MAX / sizeof(Value) - 64)

static inline size_t tuple_bytes(size_t size) { return offsetof(Tuple, items) + size * sizeof(Value); }

// A tuple of `type` with `size` empty items; size 0 makes a new object too.
static Tuple *tuple_allocate(VM *vm, Type *type, size_t size)
{
  if (UNLIKELY(size > TUPLE_MAX)) {
    cd_raise_memory(vm);
    return NULL;
  }
  Tuple *t = cd_object_new(vm, type, cd_var_size(type, tuple_bytes(size)));
  if (t) t->size = size;
  return t;
}

// The shared empty tuple; made at the first call, which happens while the types are still being set up.
static Ref tuple_empty(VM *vm)
{
  if (UNLIKELY(!vm->empty_tuple)) {
    Tuple *t = tuple_allocate(vm, vm->types.tuple, 0);
    if (!t) return NO_REF;
    vm->empty_tuple = cd_from_object(t);
  }
  return cd_dup(vm->empty_tuple);
}

Ref cd_tuple_new(VM *vm, size_t size)
{
  if (size == 0) return tuple_empty(vm);
  Tuple *t = tuple_allocate(vm, vm->types.tuple, size);
  return t ? cd_from_object(t) : NO_REF;
}

Ref cd_tuple_of(VM *vm, size_t count, const Value *items)
{
  Ref tuple = cd_tuple_new(vm, count);
  if (!tuple) return NO_REF;
  Value *slots = cd_as_tuple(tuple)->items;
  for (size_t i = 0; i < count; i++) slots[i] = cd_dup(items[i]);
  return tuple;
}

Ref cd_tuple1(VM *vm, Value a) { return cd_tuple_of(vm, 1, &a); }

Ref cd_tuple2(VM *vm, Value a, Value b)
{
  Value items[] = {a, b};
  return cd_tuple_of(vm, 2, items);
}

Ref cd_tuple3(VM *vm, Value a, Value b, Value c)
{
  Value items[] = {a, b, c};
  return cd_tuple_of(vm, 3, items);
}

Ref cd_tuple2_steal(VM *vm, Ref a, Ref b)
{
  Ref tuple = a && b ? cd_tuple_new(vm, 2) : NO_REF;
  if (!tuple) {
    cd_drop(vm, a);
    cd_drop(vm, b);
    return NO_REF;
  }
  cd_tuple_set(tuple, 0, a);
  cd_tuple_set(tuple, 1, b);
  return tuple;
}

Ref cd_tuple3_steal(VM *vm, Ref a, Ref b, Ref c)
{
  Ref tuple = a && b && c ? cd_tuple_new(vm, 3) : NO_REF;
  if (!tuple) {
    cd_drop(vm, a);
    cd_drop(vm, b);
    cd_drop(vm, c);
    return NO_REF;
  }
  cd_tuple_set(tuple, 0, a);
  cd_tuple_set(tuple, 1, b);
  cd_tuple_set(tuple, 2, c);
  return tuple;
}

Ref cd_tuple_from(VM *vm, Value iterable)
{
  if (cd_is_exact(iterable, vm->types.tuple)) return cd_dup(iterable);
  if (cd_is_exact(iterable, vm->types.list)) return cd_list_to_tuple(vm, iterable);
  Ref list = cd_list_from(vm, iterable);
  if (!list) return NO_REF;
  Ref tuple = cd_list_to_tuple(vm, list);
  cd_drop(vm, list);
  return tuple;
}

Ref cd_tuple_slice(VM *vm, Value t, size_t start, size_t stop)
{
  if (start == 0 && stop == cd_tuple_size(t) && cd_is_exact(t, vm->types.tuple)) return cd_dup(t);
  return cd_tuple_of(vm, stop > start ? stop - start : 0, cd_as_tuple(t)->items + start);
}

static Ref tuple_new_slot(VM *vm, Type *type, const Value *args, size_t nargs, Value kwnames)
{
  if (type->slots.init == vm->types.tuple->slots.init && !cd_no_keywords(vm, "tuple", kwnames)) return NO_REF;
  if (!cd_check_positional(vm, "tuple", nargs, 0, 1)) return NO_REF;
  Ref plain = nargs ? cd_tuple_from(vm, args[0]) : tuple_empty(vm);
  if (!plain || type == vm->types.tuple) return plain;

  size_t size = cd_tuple_size(plain);
  Tuple *t = tuple_allocate(vm, type, size);
  if (t)
    for (size_t i = 0; i < size; i++) t->items[i] = cd_dup(cd_tuple_item_borrow(plain, i));
  cd_drop(vm, plain);
  return t ? cd_from_object(t) : NO_REF;
}

// ---- lifetime ----

static void tuple_release(VM *vm, Object *self)
{
  Tuple *t = (Tuple *)self;
  for (size_t i = t->size; i-- > 0;) cd_clear(vm, &t->items[i]);
}

static bool tuple_retire(VM *vm, Object *self)
{
  if (UNLIKELY(self->type != vm->types.tuple)) return false;
  cd_gc_untrack(vm, self);
  size_t size = ((Tuple *)self)->size;
  Value *items = ((Tuple *)self)->items;
  for (size_t i = size; i-- > 0;) cd_drop(vm, cd_from_bits(cd_bits(items[i])));
  cd_free(vm, self, tuple_bytes(size));
  return true;
}

static void tuple_traverse(Object *self, VisitFn visit, void *context)
{
  Tuple *t = (Tuple *)self;
  for (size_t i = 0; i < t->size; i++) visit(context, t->items[i]);
}

static size_t tuple_alloc_size(Object *self) { return tuple_bytes(((Tuple *)self)->size); }

// ---- text, hash, comparison ----

static Ref tuple_repr(VM *vm, Value self)
{
  Tuple *t = cd_as_tuple(self);
  if (t->size == 0) return cd_str_from(vm, "()");
  ReprState state = cd_repr_enter(vm, self);
  if (state != REPR_FRESH) return state == REPR_INSIDE ? cd_str_from(vm, "(...)") : NO_REF;

  TextBuilder text;
  cd_text_init(&text, vm);
  bool ok = cd_text_puts(&text, "(");
  for (size_t i = 0; ok && i < t->size; i++) ok = (i == 0 || cd_text_puts(&text, ", ")) && cd_text_repr(&text, t->items[i]);
  ok = ok && cd_text_puts(&text, t->size == 1 ? ",)" : ")");
  cd_repr_leave(vm, self);
  if (ok) return cd_text_finish(&text);
  cd_text_clear(&text);
  return NO_REF;
}

// Items' hashes go through the accumulator of xxHash (64 bits), as the language's reference implementation does it, so that
// permutations and nested tuples spread well.
#define TUPLE_PRIME_1 UINT64_C(11400714785074694791)
#define TUPLE_PRIME_2 UINT64_C(14029467366897019727)
#define TUPLE_PRIME_5 UINT64_C(2870177450012600261)

static bool tuple_hash_items(VM *vm, const Tuple *t, int64_t *out)
{
  uint64_t acc = TUPLE_PRIME_5;
  for (size_t i = 0; i < t->size; i++) {
    int64_t lane;
    if (!cd_hash(vm, t->items[i], &lane)) return false;
    acc += (uint64_t)lane * TUPLE_PRIME_2;
    acc = acc << 31 | acc >> 33;
    acc *= TUPLE_PRIME_1;
  }
  acc += t->size ^ (TUPLE_PRIME_5 ^ UINT64_C(3527539));
  *out = acc == UINT64_MAX ? 1546275796 : (int64_t)acc;
  return true;
}

static bool tuple_hash(VM *vm, Value self, int64_t *out)
{
  const Tuple *t = cd_as_tuple(self);
  bool nested = false;
  for (size_t i = 0; i < t->size && !nested; i++) nested = cd_is_tuple(t->items[i]);
  if (!nested) return tuple_hash_items(vm, t, out);
  if (!cd_enter_recursion(vm, " while computing a hash")) return false;
  bool ok = tuple_hash_items(vm, t, out);
  cd_leave_recursion(vm);
  return ok;
}

static Ref tuple_compare(VM *vm, Value self, Value other, CompareOp op)
{
  if (!cd_is_tuple(self) || !cd_is_tuple(other)) return cd_not_implemented();
  const Tuple *a = cd_as_tuple(self), *b = cd_as_tuple(other);
  size_t common = a->size < b->size ? a->size : b->size, i;
  for (i = 0; i < common; i++) {
    bool equal;
    if (cd_is(a->items[i], b->items[i])) continue;
    if (cd_both_small(a->items[i], b->items[i])) break;
    if (!cd_equal(vm, a->items[i], b->items[i], &equal)) return NO_REF;
    if (!equal) break;
  }
  if (i < common) {
    if (op == COMPARE_EQ || op == COMPARE_NE) return cd_bool(op == COMPARE_NE);
    return cd_compare(vm, a->items[i], b->items[i], op);
  }
  return cd_compare_ints(a->size < b->size ? -1 : a->size > b->size, op);
}

// ---- sequence ----

static bool tuple_len(VM *vm UNUSED, Value self, int64_t *out)
{
  *out = (int64_t)cd_tuple_size(self);
  return true;
}

static Ref tuple_getitem_slice(VM *vm, Value self, Value slice)
{
  int64_t start, stop, step, count;
  if (!cd_slice_indices(vm, slice, (int64_t)cd_tuple_size(self), &start, &stop, &step, &count)) return NO_REF;
  if (step == 1) return cd_tuple_slice(vm, self, (size_t)start, (size_t)(start + count));
  if (step == -1 && count == 0) return tuple_empty(vm);
  Ref result = cd_tuple_new(vm, (size_t)count);
  if (!result) return NO_REF;
  const Value *items = cd_as_tuple(self)->items;
  for (int64_t i = 0; i < count; i++) cd_tuple_set(result, (size_t)i, cd_dup(items[start + i * step]));
  return result;
}

static Ref tuple_getitem(VM *vm, Value self, Value key)
{
  const Tuple *t = cd_as_tuple(self);
  if (cd_is_small(key)) {
    int64_t i = cd_small(key);
    if (i < 0) i += (int64_t)t->size;
    if (LIKELY((uint64_t)i < t->size)) return cd_dup(t->items[i]);
    return cd_raise_index(vm, "tuple index out of range");
  }
  if (cd_is_exact(key, vm->types.slice)) return tuple_getitem_slice(vm, self, key);
  if (!cd_has_index(vm, key)) return cd_raise_type(vm, "tuple indices must be integers or slices, not %T", key);
  int64_t i;
  if (!cd_sequence_index(vm, key, (int64_t)t->size, "tuple index out of range", &i)) return NO_REF;
  return cd_dup(t->items[i]);
}

static bool tuple_contains(VM *vm, Value self, Value item, bool *out)
{
  const Tuple *t = cd_as_tuple(self);
  *out = false;
  for (size_t i = 0; i < t->size && !*out; i++)
    if (!cd_equal(vm, t->items[i], item, out)) return false;
  return true;
}

static Ref tuple_concat(VM *vm, Value left, Value right)
{
  if (!cd_is_tuple(right)) return cd_raise_type(vm, "can only concatenate tuple (not \"%T\") to tuple", right);
  const Tuple *a = cd_as_tuple(left), *b = cd_as_tuple(right);
  if (a->size == 0 && cd_is_exact(right, vm->types.tuple)) return cd_dup(right);
  if (b->size == 0 && cd_is_exact(left, vm->types.tuple)) return cd_dup(left);
  Ref result = cd_tuple_new(vm, a->size + b->size);
  if (!result) return NO_REF;
  Value *to = cd_as_tuple(result)->items;
  for (size_t i = 0; i < a->size; i++) *to++ = cd_dup(a->items[i]);
  for (size_t i = 0; i < b->size; i++) *to++ = cd_dup(b->items[i]);
  return result;
}

static Ref tuple_repeat(VM *vm, Value self, int64_t count)
{
  const Tuple *t = cd_as_tuple(self);
  if (count < 0) count = 0;
  if ((t->size == 0 || count == 1) && cd_is_exact(self, vm->types.tuple)) return cd_dup(self);
  if (t->size == 0 || count == 0) return tuple_empty(vm);
  if ((uint64_t)count > TUPLE_MAX / t->size) return cd_raise_memory(vm);
  Ref result = cd_tuple_new(vm, t->size * (size_t)count);
  if (!result) return NO_REF;
  Value *to = cd_as_tuple(result)->items;
  for (int64_t n = 0; n < count; n++)
    for (size_t i = 0; i < t->size; i++) *to++ = cd_dup(t->items[i]);
  return result;
}

// ---- methods ----

METHOD(tuple, index, "index(self, value, start=0, stop=sys.maxsize, /)",
       "Return the first position of value.\n\nRaises ValueError if it does not occur.")
{
  const Tuple *t = cd_as_tuple(self);
  int64_t size = (int64_t)t->size, start = 0, stop = INT64_MAX;
  if (!cd_slice_bound(vm, args[1], &start) || !cd_slice_bound(vm, args[2], &stop)) return NO_REF;
  if (start < 0 && (start += size) < 0) start = 0;
  if (stop < 0 && (stop += size) < 0) stop = 0;
  for (int64_t i = start; i < stop && i < size; i++) {
    bool equal;
    if (!cd_equal(vm, t->items[i], args[0], &equal)) return NO_REF;
    if (equal) return cd_from_small(i);
  }
  return cd_raise_value(vm, "tuple.index(x): x not in tuple");
}

METHOD(tuple, count, "count(self, value, /)", "Return how many items are equal to value.")
{
  const Tuple *t = cd_as_tuple(self);
  int64_t count = 0;
  for (size_t i = 0; i < t->size; i++) {
    bool equal;
    if (!cd_equal(vm, t->items[i], args[0], &equal)) return NO_REF;
    count += equal;
  }
  return cd_from_small(count);
}

METHOD(tuple, __getnewargs__, "__getnewargs__(self, /)", "Arguments for __new__ when unpickling.")
{
  Ref plain = cd_tuple_of(vm, cd_tuple_size(self), cd_as_tuple(self)->items);
  if (!plain) return NO_REF;
  Ref args_tuple = cd_tuple1(vm, plain);
  cd_drop(vm, plain);
  return args_tuple;
}

CLASS_METHOD(tuple, __class_getitem__, "__class_getitem__(type, item, /)", "See PEP 585")
{
  return cd_generic_alias_new(vm, self, args[0]);
}

// ---- iterator ----

static Ref tuple_iter(VM *vm, Value self)
{
  TupleIterator *it = cd_object_new(vm, vm->types.tuple_iterator, sizeof *it);
  if (!it) return NO_REF;
  it->tuple = cd_dup(self);
  return cd_from_object(it);
}

static void tuple_iterator_release(VM *vm, Object *self) { cd_clear(vm, &((TupleIterator *)self)->tuple); }

static void tuple_iterator_traverse(Object *self, VisitFn visit, void *context) { visit(context, ((TupleIterator *)self)->tuple); }

static Next tuple_iterator_next(VM *vm, Value self, Ref *out)
{
  TupleIterator *it = (TupleIterator *)cd_object(self);
  if (!it->tuple) return NEXT_DONE;
  const Tuple *t = cd_as_tuple(it->tuple);
  if (it->index < t->size) {
    *out = cd_dup(t->items[it->index++]);
    return NEXT_ITEM;
  }
  cd_clear(vm, &it->tuple);
  return NEXT_DONE;
}

METHOD(tuple_iterator, __length_hint__, "__length_hint__(self, /)", "How many items are probably left; a hint for list().")
{
  const TupleIterator *it = (TupleIterator *)cd_object(self);
  return cd_from_small(it->tuple ? (int64_t)(cd_tuple_size(it->tuple) - it->index) : 0);
}

METHOD(tuple_iterator, __reduce__, "__reduce__(self, /)", "Return state information for pickling.")
{
  TupleIterator *it = (TupleIterator *)cd_object(self);
  return cd_iterator_reduce(vm, it->tuple, vm->empty_tuple, (int64_t)it->index);
}

METHOD(tuple_iterator, __setstate__, "__setstate__(self, state, /)", "Set state information for unpickling.")
{
  TupleIterator *it = (TupleIterator *)cd_object(self);
  int64_t index;
  if (!cd_to_ssize(vm, args[0], &index)) return NO_REF;
  if (it->tuple) {
    int64_t size = (int64_t)cd_tuple_size(it->tuple);
    it->index = (size_t)(index < 0 ? 0 : index > size ? size : index);
  }
  return cd_none();
}

static const MethodDef *const tuple_iterator_methods[] = {
  &tuple_iterator___length_hint___def, &tuple_iterator___reduce___def, &tuple_iterator___setstate___def, NULL};

const TypeSpec cd_tuple_iterator_spec = {
  .name = "tuple_iterator",
  .basicsize = sizeof(TupleIterator),
  .flags = TYPE_GC | TYPE_NO_NEW | TYPE_IMMUTABLE | TYPE_LIBRARY_ITERATOR,
  .methods = tuple_iterator_methods,
  .slots = {
    .release = tuple_iterator_release,
    .traverse = tuple_iterator_traverse,
    .iter = cd_self_iter,
    .next = tuple_iterator_next,
  },
};

// ---- the type ----

static const MethodDef *const tuple_methods[] = {
  &tuple_index_def, &tuple_count_def, &tuple___getnewargs___def, &tuple___class_getitem___def, NULL};

const TypeSpec cd_tuple_spec = {
  .name = "tuple",
  .doc = "tuple(iterable=(), /)\n--\n\nBuilt-in immutable sequence.\n\nWithout an argument the tuple is empty.\nWith one, its items are "
         "those of the iterable.\n\nA tuple given as argument is returned as it is.",
  .basicsize = offsetof(Tuple, items),
  .flags = TYPE_BASE | TYPE_GC | TYPE_TUPLE | TYPE_SEQUENCE | TYPE_VALUE_MATCH | TYPE_IMMUTABLE,
  .methods = tuple_methods,
  .slots = {
    .release = tuple_release,
    .retire = tuple_retire,
    .traverse = tuple_traverse,
    .alloc_size = tuple_alloc_size,
    .new_ = tuple_new_slot,
    .repr = tuple_repr,
    .hash = tuple_hash,
    .compare = tuple_compare,
    .iter = tuple_iter,
    .len = tuple_len,
    .getitem = tuple_getitem,
    .contains = tuple_contains,
    .concat = tuple_concat,
    .repeat = tuple_repeat,
  },
};
