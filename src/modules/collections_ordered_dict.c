// SPDX-License-Identifier: MIT
// collections_ordered_dict.c: OrderedDict: a dict whose order can be rearranged and counts in comparisons
#include "modules/collections.h"
#include "modules/module_list.h"
#include "objects/dict.h"
#include "objects/instance.h"
#include "objects/iterator.h"
#include "objects/list.h"
#include "objects/protocol.h"
#include "objects/str.h"
#include "objects/tuple.h"

// Dicts are ordered already, so what is added are moves to either end (cd_dict_move_entry) and the behaviour of a class written in Python:
// where a subclass overrides __setitem__, __getitem__ and the like, the methods here go through the overriding ones.
typedef struct OrderedDict { Dict dict; AttributeHead attributes; Weakref *weaklist; } OrderedDict;

static CollectionsState *ordered_state(VM *vm) { return cd_state(vm, MODULE__collections); }
static inline bool ordered_is_exact(VM *vm, Value v) { return cd_is_exact(v, ordered_state(vm)->ordered_dict); }
static inline bool ordered_is(VM *vm, Value v)
{
  return cd_is_dict(v) && cd_type_is_subtype(cd_type_of(vm, v), ordered_state(vm)->ordered_dict);
}

static bool ordered_set(VM *vm, Value self, Value key, Value value)
{
  return ordered_is_exact(vm, self) ? cd_dict_set(vm, self, key, value) : cd_setitem(vm, self, key, value);
}

// ---- update: as MutableMapping does it, item by item ----

static bool ordered_add_pair(VM *vm, Value self, Value item)
{
  Ref pair = cd_is_exact(item, vm->types.list) || cd_is_exact(item, vm->types.tuple) ? cd_dup(item) : cd_list_from(vm, item);
  if (!pair) return false;
  size_t size;
  const Value *parts = cd_sequence_items(pair, &size);
  bool ok = false;
  if (size < 2) cd_raise_value(vm, "need more than %zu value%s to unpack", size, size == 1 ? "" : "s");
  else if (size > 2) cd_raise_value(vm, "too many values to unpack (expected 2)");
  else {
    Ref key = cd_dup(parts[0]), value = cd_dup(parts[1]);
    ok = ordered_set(vm, self, key, value);
    cd_drop(vm, key);
    cd_drop(vm, value);
  }
  cd_drop(vm, pair);
  return ok;
}

static bool ordered_add_pairs(VM *vm, Value self, Value pairs)
{
  Ref iterator = cd_iter(vm, pairs), item;
  if (!iterator) return false;
  Next next;
  while ((next = cd_next(vm, iterator, &item)) == NEXT_ITEM) {
    bool ok = ordered_add_pair(vm, self, item);
    cd_drop(vm, item);
    if (!ok) break;
  }
  cd_drop(vm, iterator);
  return next == NEXT_DONE;
}

static bool ordered_add_keys(VM *vm, Value self, Value mapping, Value keys)
{
  Ref iterator = cd_iter(vm, keys), key;
  if (!iterator) return false;
  Next next;
  while ((next = cd_next(vm, iterator, &key)) == NEXT_ITEM) {
    Ref value = cd_getitem(vm, mapping, key);
    bool ok = value && ordered_set(vm, self, key, value);
    cd_drop(vm, value);
    cd_drop(vm, key);
    if (!ok) break;
  }
  cd_drop(vm, iterator);
  return next == NEXT_DONE;
}

// Calls other.<name>() when there is such a method.
static Find ordered_call_found(VM *vm, Value other, Value name, Ref *out)
{
  Ref method;
  Find found = cd_getattr_find(vm, other, name, &method);
  if (found != FIND_HIT) return found;
  *out = cd_call0(vm, method);
  cd_drop(vm, method);
  return *out ? FIND_HIT : FIND_ERROR;
}

static bool ordered_update_from(VM *vm, Value self, Value other)
{
  Ref part;
  bool ok;
  if (cd_is_exact(other, vm->types.dict)) {
    if (!(part = cd_dict_items_list(vm, other))) return false;
    ok = ordered_add_pairs(vm, self, part);
    cd_drop(vm, part);
    return ok;
  }
  Find found = ordered_call_found(vm, other, N(keys), &part);
  if (found == FIND_HIT) {
    ok = ordered_add_keys(vm, self, other, part);
    cd_drop(vm, part);
    return ok;
  }
  if (found == FIND_ERROR) return false;
  found = ordered_call_found(vm, other, N(items), &part);
  if (found == FIND_MISSING) return ordered_add_pairs(vm, self, other);
  if (found == FIND_ERROR) return false;
  ok = ordered_add_pairs(vm, self, part);
  cd_drop(vm, part);
  return ok;
}

static bool ordered_update_args(VM *vm, Value self, const Value *args, size_t nargs, Value kwnames)
{
  if (nargs && !ordered_update_from(vm, self, args[0])) return false;
  size_t count = kwnames ? cd_tuple_size(kwnames) : 0;
  for (size_t i = 0; i < count; i++)
    if (!ordered_set(vm, self, cd_tuple_item_borrow(kwnames, i), args[nargs + i])) return false;
  return true;
}

static bool ordered_init(VM *vm, Value self, const Value *args, size_t nargs, Value kwnames)
{
  if (nargs > 1) return cd_raise_type(vm, "expected at most 1 arguments, got %zu", nargs);
  return ordered_update_args(vm, self, args, nargs, kwnames);
}

METHOD_RAW(ordered, update, "update(self, other=(), /, **kwargs)",
           "Update the dictionary from a mapping or pairs, and from keyword arguments; new keys come last.")
{
  if (nargs > 1) return cd_raise_type(vm, "update() takes at most 1 positional argument (%zu given)", nargs);
  return ordered_update_args(vm, self, args, nargs, kwnames) ? cd_none() : NO_REF;
}

// ---- lifetime: the dict part is the base's business ----

static void ordered_release(VM *vm, Object *self) { cd_dict_spec.slots.release(vm, self); }
static void ordered_traverse(Object *self, VisitFn visit, void *context) { cd_dict_spec.slots.traverse(self, visit, context); }

// ---- text, comparison, operators ----

static Ref ordered_repr(VM *vm, Value self)
{
  Value name = cd_type_of(vm, self)->name;
  if (cd_dict_count(self) == 0) return cd_str_format(vm, "%U()", name);
  ReprState state = cd_repr_enter(vm, self);
  if (state != REPR_FRESH) return state == REPR_INSIDE ? cd_str_from(vm, "...") : NO_REF;
  Ref pairs = NO_REF, result = NO_REF;
  if (ordered_is_exact(vm, self)) {
    pairs = cd_dict_items_list(vm, self);
  } else {
    Ref items = cd_call_method0(vm, self, N(items));
    if (items) pairs = cd_list_from(vm, items);
    cd_drop(vm, items);
  }
  if (pairs) result = cd_str_format(vm, "%U(%R)", name, pairs);
  cd_drop(vm, pairs);
  cd_repr_leave(vm, self);
  return result;
}

// Same keys in the same order?
static bool ordered_same_order(VM *vm, Dict *a, Dict *b, bool *out)
{
  uint32_t version_a = cd_dict_version(vm, a), version_b = cd_dict_version(vm, b);
  size_t j = b->first;
  *out = true;
  for (size_t i = a->first; *out && i < a->used; i++) {
    if (!a->entries[i].key) continue;
    while (j < b->used && !b->entries[j].key) j++;
    if (j >= b->used) {
      *out = false;
      return true;
    }
    Ref x = cd_dup(a->entries[i].key), y = cd_dup(b->entries[j++].key);
    bool ok = cd_equal(vm, x, y, out);
    cd_drop(vm, x);
    cd_drop(vm, y);
    if (!ok) return false;
    if (a->version != version_a || b->version != version_b) return cd_raise_runtime(vm, "OrderedDict mutated during iteration");
  }
  return true;
}

static Ref ordered_compare(VM *vm, Value self, Value other, CompareOp op)
{
  if (!cd_is_dict(other) || !cd_is_dict(self) || (op != COMPARE_EQ && op != COMPARE_NE)) return cd_not_implemented();
  Ref same = cd_dict_spec.slots.compare(vm, self, other, COMPARE_EQ);
  if (!same) return NO_REF;
  bool equal = cd_is_true(same);
  if (equal && ordered_is(vm, self) && ordered_is(vm, other) && !ordered_same_order(vm, cd_as_dict(self), cd_as_dict(other), &equal))
    return NO_REF;
  return cd_bool(equal == (op == COMPARE_EQ));
}

static Ref ordered_or(VM *vm, Value left, Value right)
{
  if (!cd_is_dict(left) || !cd_is_dict(right)) return cd_not_implemented();
  Type *type = cd_type_of(vm, ordered_is(vm, left) ? left : right);
  Ref result = cd_call1(vm, cd_type_value(type), left);
  if (result && !ordered_update_from(vm, result, right)) {
    cd_drop(vm, result);
    return NO_REF;
  }
  return result;
}

static Ref ordered_inplace_or(VM *vm, Value left, Value right) { return ordered_update_from(vm, left, right) ? cd_dup(left) : NO_REF; }

// ---- methods ----

METHOD_DEF_(ordered_fromkeys, "fromkeys", "fromkeys(type, iterable, value=None)",
            "A new ordered dictionary that gives every key of the iterable the same value.", METHOD_CLASS)
{
  Ref result = cd_call0(vm, self), iterator = result ? cd_iter(vm, args[0]) : NO_REF, key;
  Next next = NEXT_ERROR;
  while (iterator && (next = cd_next(vm, iterator, &key)) == NEXT_ITEM) {
    bool ok = cd_setitem(vm, result, key, args[1] ? args[1] : cd_none());
    cd_drop(vm, key);
    if (!ok) break;
  }
  cd_drop(vm, iterator);
  if (next == NEXT_DONE) return result;
  cd_drop(vm, result);
  return NO_REF;
}

METHOD(ordered, setdefault, "setdefault(self, key, default=None)",
       "The value under key, which first becomes default where the key is missing.\n\nThe value stored under key; default where there is "
       "none.")
{
  Value fallback = args[1] ? args[1] : cd_none();
  if (ordered_is_exact(vm, self)) return cd_dict_setdefault(vm, self, args[0], fallback);
  bool present;
  if (!cd_contains(vm, self, args[0], &present)) return NO_REF;
  if (present) return cd_getitem(vm, self, args[0]);
  return cd_setitem(vm, self, args[0], fallback) ? cd_dup(fallback) : NO_REF;
}

METHOD(ordered, pop, "pop(self, key, default=<unrepresentable>)",
       "od.pop(key[, default]) -> takes the key out and gives its value.\n\nA missing key gives default where one was passed; otherwise,\n"
       "raise a KeyError.")
{
  Ref value;
  Find found = cd_dict_pop(vm, self, args[0], &value);
  if (found == FIND_HIT) return value;
  if (found == FIND_ERROR) return NO_REF;
  return args[1] ? cd_dup(args[1]) : cd_raise_key(vm, args[0]);
}

static Ref ordered_raise_key_text(VM *vm, const char *message)
{
  Ref text = cd_str_from(vm, message);
  if (text) cd_raise_key(vm, text);
  cd_drop(vm, text);
  return NO_REF;
}

METHOD(
  ordered, popitem, "popitem(self, last=True)",
  "Takes a pair out and returns it as (key, value).\n\nThe newest one, or the oldest if last is false.")
{
  Dict *d = cd_as_dict(self);
  bool last = true;
  if (args[0] && !cd_truth(vm, args[0], &last)) return NO_REF;
  if (d->count == 0) return ordered_raise_key_text(vm, "dictionary is empty");
  Ref key, value;
  if (last) {
    if (cd_dict_popitem(vm, self, &key, &value) != FIND_HIT) return NO_REF;
    return cd_tuple2_steal(vm, key, value);
  }
  while (!d->entries[d->first].key) d->first++;
  key = cd_dup(d->entries[d->first].key);
  Find found = cd_dict_pop_hash(vm, self, key, d->entries[d->first].hash, &value);
  if (found == FIND_HIT) return cd_tuple2_steal(vm, key, value);
  if (found == FIND_MISSING) cd_raise_key(vm, key);
  cd_drop(vm, key);
  return NO_REF;
}

METHOD(ordered, move_to_end, "move_to_end(self, key, last=True)",
       "Makes an existing key the last one, or the first if last is false.\n\nKeyError if there is no such key.")
{
  int64_t hash, entry;
  bool last = true;
  if (args[1] && !cd_truth(vm, args[1], &last)) return NO_REF;
  if (!cd_dict_hash_key(vm, args[0], &hash)) return NO_REF;
  Find found = cd_dict_lookup(vm, cd_as_dict(self), args[0], hash, &entry);
  if (found == FIND_MISSING) return cd_raise_key(vm, args[0]);
  return found == FIND_HIT && cd_dict_move_entry(vm, cd_as_dict(self), entry, last) ? cd_none() : NO_REF;
}

METHOD(ordered, clear, "clear(self, /)", "od.clear() -> None.  Remove all items from od.")
{
  cd_dict_clear(vm, self);
  return cd_none();
}

METHOD(ordered, copy, "copy(self, /)", "od.copy() -> a new OrderedDict with the same keys and values")
{
  Ref copy = cd_call0(vm, cd_type_value(cd_type_of(vm, self))), keys = copy ? cd_dict_keys_list(vm, self) : NO_REF;
  bool ok = keys != NO_REF, exact = ordered_is_exact(vm, self);
  for (size_t i = 0; ok && i < cd_list_size(keys); i++) {
    Value key = cd_list_item_borrow(keys, i);
    Ref value = NO_REF;
    if (!exact) value = cd_getitem(vm, self, key);
    else if (cd_dict_find(vm, self, key, &value) == FIND_MISSING) cd_raise_key(vm, key);
    ok = value && ordered_set(vm, copy, key, value);
    cd_drop(vm, value);
  }
  cd_drop(vm, keys);
  if (ok) return copy;
  cd_drop(vm, copy);
  return NO_REF;
}

METHOD(ordered, __reduce__, "__reduce__(self, /)", "Return state information for pickling")
{
  Ref state = cd_call_method0(vm, self, N(__getstate__)), items = state ? cd_call_method0(vm, self, N(items)) : NO_REF;
  Ref iterator = items ? cd_iter(vm, items) : NO_REF, result = NO_REF;
  if (iterator) {
    Value parts[] = {cd_type_value(cd_type_of(vm, self)), vm->empty_tuple, state, cd_none(), iterator};
    result = cd_tuple_of(vm, 5, parts);
  }
  cd_drop(vm, state);
  cd_drop(vm, items);
  cd_drop(vm, iterator);
  return result;
}

METHOD(ordered, keys, "keys(self, /)", "od.keys() -> a set-like object providing a view on od's keys")
{
  return cd_dict_view_new(vm, ordered_state(vm)->ordered_keys, self);
}
METHOD(ordered, values, "values(self, /)", "od.values() -> an object providing a view on od's values")
{
  return cd_dict_view_new(vm, ordered_state(vm)->ordered_values, self);
}
METHOD(ordered, items, "items(self, /)", "od.items() -> a set-like object providing a view on od's items")
{
  return cd_dict_view_new(vm, ordered_state(vm)->ordered_items, self);
}

// ---- iterator: one type for keys, values and items in both directions ----

typedef enum { ORDERED_KEYS, ORDERED_VALUES, ORDERED_ITEMS } OrderedKind;
typedef struct OrderedIterator {
  Object head;
  Value dict;                                    // owned; NO_VALUE: exhausted
  size_t position;                               // next entry; backwards: one past it
  size_t left;
  uint32_t version;                              // of the dict: any change of its keys or their order is an error
  OrderedKind kind;
  bool backward;
} OrderedIterator;

static Ref ordered_iterator_make(VM *vm, Value dict, OrderedKind kind, bool backward)
{
  OrderedIterator *it = cd_object_new(vm, ordered_state(vm)->ordered_iterator, sizeof *it);
  if (!it) return NO_REF;
  Dict *d = cd_as_dict(dict);
  it->dict = cd_dup(dict);
  it->version = cd_dict_version(vm, d);
  it->position = backward ? d->used : d->first;
  it->left = d->count;
  it->kind = kind;
  it->backward = backward;
  return cd_from_object(it);
}

static void ordered_iterator_release(VM *vm, Object *self) { cd_clear(vm, &((OrderedIterator *)self)->dict); }
static void ordered_iterator_traverse(Object *self, VisitFn visit, void *context) { visit(context, ((OrderedIterator *)self)->dict); }

static Next ordered_iterator_next(VM *vm, Value self, Ref *out)
{
  OrderedIterator *it = (OrderedIterator *)cd_object(self);
  if (!it->dict) return NEXT_DONE;
  Dict *d = cd_as_dict(it->dict);
  if (it->left == 0) {
    cd_clear(vm, &it->dict);
    return NEXT_DONE;
  }
  if (it->version != d->version) {
    cd_clear(vm, &it->dict);
    cd_raise_runtime(vm, "OrderedDict %s during iteration", d->entries ? "mutated" : "changed size");   // clear() leaves no entries
    return NEXT_ERROR;
  }
  const DictEntry *e;
  do e = &d->entries[it->backward ? --it->position : it->position++];
  while (!e->key);
  it->left--;
  if (it->kind == ORDERED_ITEMS) *out = cd_tuple2(vm, e->key, e->value);
  else *out = cd_dup(it->kind == ORDERED_KEYS ? e->key : e->value);
  return *out ? NEXT_ITEM : NEXT_ERROR;
}

METHOD(ordered_iterator, __reduce__, "__reduce__(self, /)", "Return state information for pickling")
{
  OrderedIterator *it = (OrderedIterator *)cd_object(self);
  Ref list = cd_list_new(vm), copy = NO_REF, result = NO_REF;
  bool ok = list != NO_REF;
  if (ok && it->dict) {
    copy = ordered_iterator_make(vm, it->dict, it->kind, it->backward);
    ok = copy != NO_REF;
    if (ok) {
      OrderedIterator *c = (OrderedIterator *)cd_object(copy);
      c->position = it->position;
      c->left = it->left;
      c->version = it->version;
      ok = cd_list_extend(vm, cd_as_list(list), copy);
    }
  }
  if (ok) result = cd_builtin_reduce(vm, "iter", 1, cd_lend(&list), NO_REF);
  cd_drop(vm, copy);
  cd_drop(vm, list);
  return result;
}

static const MethodDef *const ordered_iterator_methods[] = {&ordered_iterator___reduce___def, NULL};

const TypeSpec cd_ordered_iterator_spec = {
  .name = "odict_iterator",
  .basicsize = sizeof(OrderedIterator),
  .flags = TYPE_GC | TYPE_NO_NEW | TYPE_IMMUTABLE,
  .methods = ordered_iterator_methods,
  .slots = {.release = ordered_iterator_release,
            .traverse = ordered_iterator_traverse,
            .iter = cd_self_iter,
            .next = ordered_iterator_next},
};

static Ref ordered_iter(VM *vm, Value self) { return ordered_iterator_make(vm, self, ORDERED_KEYS, false); }
METHOD(ordered, __reversed__, "__reversed__(self, /)", "od.__reversed__() <==> reversed(od)")
{
  return ordered_iterator_make(vm, self, ORDERED_KEYS, true);
}

// ---- views ----

static inline Value ordered_view_dict(Value view) { return ((DictView *)cd_object(view))->dict; }
static Ref ordered_keys_iter(VM *vm, Value self) { return ordered_iterator_make(vm, ordered_view_dict(self), ORDERED_KEYS, false); }
static Ref ordered_values_iter(VM *vm, Value self) { return ordered_iterator_make(vm, ordered_view_dict(self), ORDERED_VALUES, false); }
static Ref ordered_items_iter(VM *vm, Value self) { return ordered_iterator_make(vm, ordered_view_dict(self), ORDERED_ITEMS, false); }

METHOD(ordered_keys, __reversed__, "__reversed__(self, /)", NULL)
{
  return ordered_iterator_make(vm, ordered_view_dict(self), ORDERED_KEYS, true);
}
METHOD(ordered_values, __reversed__, "__reversed__(self, /)", NULL)
{
  return ordered_iterator_make(vm, ordered_view_dict(self), ORDERED_VALUES, true);
}
METHOD(ordered_items, __reversed__, "__reversed__(self, /)", NULL)
{
  return ordered_iterator_make(vm, ordered_view_dict(self), ORDERED_ITEMS, true);
}

static const MethodDef *const ordered_keys_methods[] = {&ordered_keys___reversed___def, NULL};
static const MethodDef *const ordered_values_methods[] = {&ordered_values___reversed___def, NULL};
static const MethodDef *const ordered_items_methods[] = {&ordered_items___reversed___def, NULL};

static void ordered_view_release(VM *vm, Object *self) { cd_clear(vm, &((DictView *)self)->dict); }
static void ordered_view_traverse(Object *self, VisitFn visit, void *context) { visit(context, ((DictView *)self)->dict); }

#define ORDERED_VIEW_SPEC(symbol, text, methodtable, iter_fn)                     \
  const TypeSpec symbol = {                                                       \
    .name = text,                                                                 \
    .basicsize = sizeof(DictView),                                                \
    .flags = TYPE_GC | TYPE_NO_NEW | TYPE_IMMUTABLE,                              \
    .methods = methodtable,                                                       \
    .slots = {.release = ordered_view_release, .traverse = ordered_view_traverse, .iter = iter_fn}, \
  }
ORDERED_VIEW_SPEC(cd_ordered_keys_spec, "odict_keys", ordered_keys_methods, ordered_keys_iter);
ORDERED_VIEW_SPEC(cd_ordered_values_spec, "odict_values", ordered_values_methods, ordered_values_iter);
ORDERED_VIEW_SPEC(cd_ordered_items_spec, "odict_items", ordered_items_methods, ordered_items_iter);

// ---- the type ----

static const MethodDef *const ordered_methods[] = {
  &ordered_fromkeys_def, &ordered___reduce___def, &ordered_setdefault_def, &ordered_pop_def, &ordered_popitem_def, &ordered_keys_def,
  &ordered_values_def, &ordered_items_def, &ordered_update_def, &ordered_clear_def, &ordered_copy_def, &ordered___reversed___def,
  &ordered_move_to_end_def, NULL};

const TypeSpec cd_ordered_dict_spec = {
  .name = "collections.OrderedDict",
  .doc = "Dictionary that remembers insertion order",
  .basicsize = sizeof(OrderedDict),
  .flags = TYPE_BASE | TYPE_GC | TYPE_DICT | TYPE_MAPPING | TYPE_HAS_DICT | TYPE_HAS_WEAKREFS | TYPE_IMMUTABLE,
  .dict_offset = offsetof(OrderedDict, attributes),
  .weaklist_offset = offsetof(OrderedDict, weaklist),
  .methods = ordered_methods,
  .slots = {
    .release = ordered_release,
    .traverse = ordered_traverse,
    .clear = ordered_release,
    .init = ordered_init,
    .repr = ordered_repr,
    .hash = cd_hash_unhashable,
    .compare = ordered_compare,
    .iter = ordered_iter,
    .or_ = ordered_or,
    .ior = ordered_inplace_or,
  },
};
