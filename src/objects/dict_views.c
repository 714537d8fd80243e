// SPDX-License-Identifier: MIT
// dict_views.c: d.keys(), d.values(), d.items() and the iterators over dicts
#include "objects/dict.h"
#include "objects/iterator.h"
#include "objects/list.h"
#include "objects/misc.h"
#include "objects/protocol.h"
#include "objects/set.h"
#include "objects/str.h"
#include "objects/tuple.h"

// ---- iterators ----
//
// One struct and one walk serve all six types; `kind` says what comes out. `count` is the dict's size at the start: a change is an
// error, and so is finding more than that many items, which happens when keys were taken out and others put in.

typedef enum { DICT_KEYS, DICT_VALUES, DICT_ITEMS } DictIteratorKind;

typedef struct DictIterator {
  Object head;
  Value dict;                                    // owned; NO_VALUE: exhausted
  size_t count;                                  // SIZE_MAX once a change was seen
  size_t left;                                   // items expected
  size_t position;                               // next entry; backwards: one past it
  DictIteratorKind kind;
  bool backward;
  Value pair;                                    // owned: the tuple handed out last, used again when nobody kept it
} DictIterator;

static inline DictIterator *dict_iterator_of(Value v) { return (DictIterator *)cd_object(v); }

Ref cd_dict_iterator_new(VM *vm, Type *type, Value dict)
{
  DictIterator *it = cd_object_new(vm, type, sizeof *it);
  if (!it) return NO_REF;
  const VmTypes *t = &vm->types;
  it->backward = cd_type_is_subtype(type, t->dict_reverse_key_iterator) || cd_type_is_subtype(type, t->dict_reverse_value_iterator) ||
                 cd_type_is_subtype(type, t->dict_reverse_item_iterator);
  if (cd_type_is_subtype(type, t->dict_value_iterator) || cd_type_is_subtype(type, t->dict_reverse_value_iterator)) it->kind = DICT_VALUES;
  if (cd_type_is_subtype(type, t->dict_item_iterator) || cd_type_is_subtype(type, t->dict_reverse_item_iterator)) it->kind = DICT_ITEMS;
  it->dict = cd_dup(dict);
  it->count = it->left = cd_dict_count(dict);
  if (it->backward) it->position = cd_as_dict(dict)->used;
  return cd_from_object(it);
}

static void dict_iterator_release(VM *vm, Object *self)
{
  DictIterator *it = (DictIterator *)self;
  cd_clear(vm, &it->dict);
  cd_clear(vm, &it->pair);
}

static void dict_iterator_traverse(Object *self, VisitFn visit, void *context)
{
  DictIterator *it = (DictIterator *)self;
  visit(context, it->dict);
  visit(context, it->pair);
}

// The next live entry, or NULL.
static const DictEntry *dict_iterator_step(DictIterator *it, const Dict *d)
{
  if (it->backward) {
    if (it->position > d->used) it->position = d->used;
    while (it->position > 0)
      if (d->entries[--it->position].key) return &d->entries[it->position];
    return NULL;
  }
  if (it->position < d->first) it->position = d->first;
  while (it->position < d->used)
    if (d->entries[it->position++].key) return &d->entries[it->position - 1];
  return NULL;
}

static Ref dict_iterator_pair(VM *vm, DictIterator *it, const DictEntry *e)
{
  if (!it->pair || cd_object(it->pair)->refcount != 1) {
    cd_clear(vm, &it->pair);
    Ref pair = cd_tuple2(vm, e->key, e->value);
    if (!pair) return NO_REF;
    it->pair = cd_dup(pair);
    return pair;
  }
  // Nobody else holds the tuple: fill it again. The old items are dropped last, for that may run Python.
  Tuple *t = cd_as_tuple(it->pair);
  Ref key = cd_from_bits(cd_bits(t->items[0])), value = cd_from_bits(cd_bits(t->items[1])), pair = cd_dup(it->pair);
  t->items[0] = cd_dup(e->key);
  t->items[1] = cd_dup(e->value);
  cd_drop(vm, key);
  cd_drop(vm, value);
  return pair;
}

static Next dict_iterator_next(VM *vm, Value self, Ref *out)
{
  DictIterator *it = dict_iterator_of(self);
  if (!it->dict) return NEXT_DONE;
  const Dict *d = cd_as_dict(it->dict);
  if (UNLIKELY(it->count != d->count)) {
    it->count = SIZE_MAX;
    cd_raise_runtime(vm, "dictionary changed size during iteration");
    return NEXT_ERROR;
  }
  const DictEntry *e = dict_iterator_step(it, d);
  if (!e) {
    cd_clear(vm, &it->dict);
    return NEXT_DONE;
  }
  if (UNLIKELY(it->left == 0)) {
    cd_clear(vm, &it->dict);
    cd_raise_runtime(vm, "dictionary keys changed during iteration");
    return NEXT_ERROR;
  }
  it->left--;
  if (it->kind == DICT_KEYS) *out = cd_dup(e->key);
  else if (it->kind == DICT_VALUES) *out = cd_dup(e->value);
  else if (!(*out = dict_iterator_pair(vm, it, e))) return NEXT_ERROR;
  return NEXT_ITEM;
}

METHOD(dict_iterator, __length_hint__, "__length_hint__(self, /)", "How many items are probably left; a hint for list().")
{
  const DictIterator *it = dict_iterator_of(self);
  return cd_from_small(it->dict && it->count == cd_dict_count(it->dict) ? (int64_t)it->left : 0);
}

METHOD(dict_iterator, __reduce__, "__reduce__(self, /)", "Return state information for pickling.")
{
  const DictIterator *it = dict_iterator_of(self);
  Ref list = cd_list_new(vm);
  if (!list) return NO_REF;
  // A copy does the walking, so that this iterator stays where it is.
  DictIterator *copy = cd_object_new(vm, cd_type_of(vm, self), sizeof *copy);
  bool ok = copy != NULL;
  if (ok) {
    copy->dict = it->dict ? cd_dup(it->dict) : NO_REF;
    copy->count = it->count;
    copy->left = it->left;
    copy->position = it->position;
    copy->kind = it->kind;
    copy->backward = it->backward;
    ok = cd_list_extend(vm, cd_as_list(list), cd_from_object(copy));
    cd_drop(vm, cd_from_object(copy));
  }
  Ref result = ok ? cd_builtin_reduce(vm, "iter", 1, cd_lend(&list), NO_REF) : NO_REF;
  cd_drop(vm, list);
  return result;
}

static const MethodDef *const dict_iterator_methods[] = {&dict_iterator___length_hint___def, &dict_iterator___reduce___def, NULL};

#define DICT_ITERATOR_SPEC(symbol, text)                                          \
  const TypeSpec symbol = {                                                       \
    .name = text,                                                                 \
    .basicsize = sizeof(DictIterator),                                            \
    .flags = TYPE_GC | TYPE_NO_NEW | TYPE_IMMUTABLE | TYPE_LIBRARY_ITERATOR,      \
    .methods = dict_iterator_methods,                                             \
    .slots = {                                                                    \
      .release = dict_iterator_release,                                           \
      .traverse = dict_iterator_traverse,                                         \
      .iter = cd_self_iter,                                                       \
      .next = dict_iterator_next,                                                 \
    },                                                                            \
  }

DICT_ITERATOR_SPEC(cd_dict_key_iterator_spec, "dict_keyiterator");
DICT_ITERATOR_SPEC(cd_dict_value_iterator_spec, "dict_valueiterator");
DICT_ITERATOR_SPEC(cd_dict_item_iterator_spec, "dict_itemiterator");
DICT_ITERATOR_SPEC(cd_dict_reverse_key_iterator_spec, "dict_reversekeyiterator");
DICT_ITERATOR_SPEC(cd_dict_reverse_value_iterator_spec, "dict_reversevalueiterator");
DICT_ITERATOR_SPEC(cd_dict_reverse_item_iterator_spec, "dict_reverseitemiterator");

// ---- views ----

static inline DictView *dict_view_of(Value v) { return (DictView *)cd_object(v); }

Ref cd_dict_view_new(VM *vm, Type *type, Value dict)
{
  DictView *view = cd_object_new(vm, type, sizeof *view);
  if (!view) return NO_REF;
  view->dict = cd_dup(dict);
  return cd_from_object(view);
}

static void dict_view_release(VM *vm, Object *self) { cd_clear(vm, &((DictView *)self)->dict); }
static void dict_view_traverse(Object *self, VisitFn visit, void *context) { visit(context, ((DictView *)self)->dict); }

static bool dict_view_len(VM *vm UNUSED, Value self, int64_t *out)
{
  *out = (int64_t)cd_dict_count(dict_view_of(self)->dict);
  return true;
}

static Ref dict_view_repr(VM *vm, Value self)
{
  ReprState state = cd_repr_enter(vm, self);
  if (state != REPR_FRESH) return state == REPR_INSIDE ? cd_str_from(vm, "...") : NO_REF;
  Ref list = cd_list_from(vm, self), result = NO_REF;
  if (list) result = cd_str_format(vm, "%T(%R)", self, list);
  cd_drop(vm, list);
  cd_repr_leave(vm, self);
  return result;
}

static Ref dict_view_mapping(VM *vm, Value self) { return cd_mappingproxy_new(vm, dict_view_of(self)->dict); }

static const GetSetDef dict_view_getset[] = {{"mapping", "dictionary that this view refers to", dict_view_mapping, NULL}, {0}};

static bool dict_is_set_view(VM *vm, Value v)
{
  return cd_is_instance_of(vm, v, vm->types.dict_keys) || cd_is_instance_of(vm, v, vm->types.dict_items);
}

static bool dict_keys_contains(VM *vm, Value self, Value item, bool *out)
{
  return vm->types.dict->slots.contains(vm, dict_view_of(self)->dict, item, out);
}

static bool dict_items_contains(VM *vm, Value self, Value item, bool *out)
{
  *out = false;
  if (!cd_is_tuple(item) || cd_tuple_size(item) != 2) return true;
  Ref value;
  Find found = cd_dict_find(vm, dict_view_of(self)->dict, cd_tuple_item_borrow(item, 0), &value);
  if (found != FIND_HIT) return found == FIND_MISSING;
  bool ok = cd_equal(vm, value, cd_tuple_item_borrow(item, 1), out);
  cd_drop(vm, value);
  return ok;
}

// Is every item of `a` in `b`?
static bool dict_view_all_in(VM *vm, Value a, Value b, bool *out)
{
  Ref iterator = cd_iter(vm, a), item;
  *out = true;
  if (!iterator) return false;
  Next next = NEXT_DONE;
  while (*out && (next = cd_next(vm, iterator, &item)) == NEXT_ITEM) {
    bool ok = cd_contains(vm, b, item, out);
    cd_drop(vm, item);
    if (!ok) {
      next = NEXT_ERROR;
      break;
    }
  }
  cd_drop(vm, iterator);
  return next != NEXT_ERROR;
}

static Ref dict_view_compare(VM *vm, Value self, Value other, CompareOp op)
{
  if (!cd_is_any_set(other) && !dict_is_set_view(vm, other)) return cd_not_implemented();
  int64_t mine, theirs;
  if (!cd_len(vm, self, &mine) || !cd_len(vm, other, &theirs)) return NO_REF;
  bool holds = false;
  bool ok = true;
  switch (op) {
  case COMPARE_EQ:
  case COMPARE_NE:
    if (mine == theirs) ok = dict_view_all_in(vm, self, other, &holds);
    if (op == COMPARE_NE) holds = !holds;
    break;
  case COMPARE_LT: if (mine < theirs) ok = dict_view_all_in(vm, self, other, &holds); break;
  case COMPARE_LE: if (mine <= theirs) ok = dict_view_all_in(vm, self, other, &holds); break;
  case COMPARE_GT: if (mine > theirs) ok = dict_view_all_in(vm, other, self, &holds); break;
  case COMPARE_GE: if (mine >= theirs) ok = dict_view_all_in(vm, other, self, &holds); break;
  }
  return ok ? cd_bool(holds) : NO_REF;
}

// ---- set operations: the result is a set; one side is a view, the other any iterable ----

static Ref dict_view_via_set(VM *vm, Value left, Value right, Value method)
{
  // The keys of a plain dict come with their hashes.
  if (cd_is_instance_of(vm, left, vm->types.dict_keys) && cd_is_exact(dict_view_of(left)->dict, vm->types.dict))
    left = dict_view_of(left)->dict;
  Ref set = cd_set_new(vm, left);
  if (!set) return NO_REF;
  Ref none = cd_call_method1(vm, set, method, right);
  if (none) {
    cd_drop(vm, none);
    return set;
  }
  cd_drop(vm, set);
  return NO_REF;
}

static Ref dict_view_subtract(VM *vm, Value left, Value right) { return dict_view_via_set(vm, left, right, N(difference_update)); }
static Ref dict_view_or(VM *vm, Value left, Value right) { return dict_view_via_set(vm, left, right, N(update)); }

static bool dict_view_intersect_into(VM *vm, Value result, Value iterable, Value container)
{
  Ref iterator = cd_iter(vm, iterable), item;
  if (!iterator) return false;
  Next next;
  while ((next = cd_next(vm, iterator, &item)) == NEXT_ITEM) {
    bool in, ok = cd_contains(vm, container, item, &in) && (!in || cd_set_add(vm, result, item));
    cd_drop(vm, item);
    if (!ok) {
      next = NEXT_ERROR;
      break;
    }
  }
  cd_drop(vm, iterator);
  return next == NEXT_DONE;
}

static Ref dict_view_and(VM *vm, Value left, Value right)
{
  if (!dict_is_set_view(vm, left)) {
    Value swap = left;
    left = right;
    right = swap;
  }
  // Walk the shorter side when both can answer `in` quickly.
  if (dict_is_set_view(vm, right) || cd_is_any_set(right)) {
    int64_t a, b;
    if (!cd_len(vm, left, &a) || !cd_len(vm, right, &b)) return NO_REF;
    if (cd_is_exact(right, vm->types.set) && a <= b) return cd_call_method1(vm, right, N(intersection), left);
    if (dict_is_set_view(vm, right) && b > a) {
      Value swap = left;
      left = right;
      right = swap;
    }
  }
  Ref result = cd_set_new(vm, NO_VALUE);
  if (result && !dict_view_intersect_into(vm, result, right, left)) {
    cd_drop(vm, result);
    return NO_REF;
  }
  return result;
}

static Ref dict_view_xor(VM *vm, Value left, Value right) { return dict_view_via_set(vm, left, right, N(symmetric_difference_update)); }

METHOD(dict_view, isdisjoint, "isdisjoint(self, other, /)", "Return True if the view and the given iterable have a null intersection.")
{
  Value walk = args[0], container = self;
  if (cd_is(self, args[0])) return cd_bool(cd_dict_count(dict_view_of(self)->dict) == 0);
  if (cd_is_any_set(walk) || dict_is_set_view(vm, walk)) {
    int64_t theirs;
    if (!cd_len(vm, walk, &theirs)) return NO_REF;
    if (theirs > (int64_t)cd_dict_count(dict_view_of(self)->dict)) {
      walk = self;
      container = args[0];
    }
  }
  Ref iterator = cd_iter(vm, walk), item;
  if (!iterator) return NO_REF;
  bool in = false;
  Next next = NEXT_DONE;
  while (!in && (next = cd_next(vm, iterator, &item)) == NEXT_ITEM) {
    bool ok = cd_contains(vm, container, item, &in);
    cd_drop(vm, item);
    if (!ok) {
      next = NEXT_ERROR;
      break;
    }
  }
  cd_drop(vm, iterator);
  return next == NEXT_ERROR ? NO_REF : cd_bool(!in);
}

static Ref dict_keys_iter(VM *vm, Value self) { return cd_dict_iterator_new(vm, vm->types.dict_key_iterator, dict_view_of(self)->dict); }
static Ref dict_values_iter(VM *vm, Value self)
{
  return cd_dict_iterator_new(vm, vm->types.dict_value_iterator, dict_view_of(self)->dict);
}
static Ref dict_items_iter(VM *vm, Value self) { return cd_dict_iterator_new(vm, vm->types.dict_item_iterator, dict_view_of(self)->dict); }

METHOD(dict_keys, __reversed__, "__reversed__(self, /)", "Walks the keys from the last to the first.")
{
  return cd_dict_iterator_new(vm, vm->types.dict_reverse_key_iterator, dict_view_of(self)->dict);
}
METHOD(dict_values, __reversed__, "__reversed__(self, /)", "Return a reverse iterator over the dict values.")
{
  return cd_dict_iterator_new(vm, vm->types.dict_reverse_value_iterator, dict_view_of(self)->dict);
}
METHOD(dict_items, __reversed__, "__reversed__(self, /)", "Return a reverse iterator over the dict items.")
{
  return cd_dict_iterator_new(vm, vm->types.dict_reverse_item_iterator, dict_view_of(self)->dict);
}

static const MethodDef *const dict_keys_methods[] = {&dict_view_isdisjoint_def, &dict_keys___reversed___def, NULL};
static const MethodDef *const dict_items_methods[] = {&dict_view_isdisjoint_def, &dict_items___reversed___def, NULL};
static const MethodDef *const dict_values_methods[] = {&dict_values___reversed___def, NULL};

#define DICT_VIEW_COMMON                                                          \
  .release = dict_view_release, .traverse = dict_view_traverse, .repr = dict_view_repr, .len = dict_view_len
#define DICT_VIEW_SET                                                                                                                   \
  .hash = cd_hash_unhashable, .compare = dict_view_compare, .subtract = dict_view_subtract, .and_ = dict_view_and, .or_ = dict_view_or, \
  .xor_ = dict_view_xor

const TypeSpec cd_dict_keys_spec = {
  .name = "dict_keys",
  .basicsize = sizeof(DictView),
  .flags = TYPE_GC | TYPE_NO_NEW | TYPE_IMMUTABLE,
  .methods = dict_keys_methods,
  .getset = dict_view_getset,
  .slots = {DICT_VIEW_COMMON, DICT_VIEW_SET, .iter = dict_keys_iter, .contains = dict_keys_contains},
};

const TypeSpec cd_dict_values_spec = {
  .name = "dict_values",
  .basicsize = sizeof(DictView),
  .flags = TYPE_GC | TYPE_NO_NEW | TYPE_IMMUTABLE,
  .methods = dict_values_methods,
  .getset = dict_view_getset,
  .slots = {DICT_VIEW_COMMON, .iter = dict_values_iter},
};

const TypeSpec cd_dict_items_spec = {
  .name = "dict_items",
  .basicsize = sizeof(DictView),
  .flags = TYPE_GC | TYPE_NO_NEW | TYPE_IMMUTABLE,
  .methods = dict_items_methods,
  .getset = dict_view_getset,
  .slots = {DICT_VIEW_COMMON, DICT_VIEW_SET, .iter = dict_items_iter, .contains = dict_items_contains},
};
