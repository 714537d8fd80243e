// SPDX-License-Identifier: MIT
// _functools.c: partial, reduce, cmp_to_key and the wrapper under functools.lru_cache
#include "modules/module_list.h"
#include "objects/dict.h"
#include "objects/function.h"
#include "objects/generic_alias.h"
#include "objects/instance.h"
#include "objects/list.h"
#include "objects/protocol.h"
#include "objects/str.h"
#include "objects/tuple.h"
#include "objects/type.h"

typedef struct FunctoolsState {
  Type *partial, *key_wrapper, *lru_cache;       // owned
  Value keyword_mark;                            // owned: stands between positional and keyword arguments in lru_cache's keys
} FunctoolsState;

static FunctoolsState *functools_state(VM *vm) { return cd_state(vm, MODULE__functools); }

// ---- partial ----

typedef struct Partial {
  Object head;
  Value function, args, keywords;                // owned: any callable, tuple, dict
  AttributeHead attributes;
  Weakref *weaklist;
} Partial;

static inline Partial *partial_of(Value v) { return (Partial *)cd_object(v); }
static Ref partial_call(VM *vm, Value self, const Value *args, size_t nargs, Value kwnames);

static bool partial_has_attributes(const Partial *p)
{
  const AttributeHead *a = &p->attributes;
  return a->shape ? a->shape->count > 0 : a->dict != NO_VALUE;
}

static Ref partial_concat(VM *vm, Value head, const Value *tail, size_t count)
{
  size_t size = cd_tuple_size(head);
  if (count == 0 && cd_is_exact(head, vm->types.tuple)) return cd_dup(head);
  Ref all = cd_tuple_new(vm, size + count);
  if (!all) return NO_REF;
  for (size_t i = 0; i < size; i++) cd_tuple_set(all, i, cd_dup(cd_tuple_item_borrow(head, i)));
  for (size_t i = 0; i < count; i++) cd_tuple_set(all, size + i, cd_dup(tail[i]));
  return all;
}

// A new dict of `base` (may be absent) and the keywords of a call.
static Ref partial_keywords(VM *vm, Value base, const Value *values, Value kwnames)
{
  Ref keywords = base ? cd_dict_copy(vm, base) : cd_dict_new(vm);
  for (size_t i = 0; keywords && kwnames && i < cd_tuple_size(kwnames); i++)
    if (!cd_dict_set(vm, keywords, cd_tuple_item_borrow(kwnames, i), values[i])) {
      cd_drop(vm, keywords);
      return NO_REF;
    }
  return keywords;
}

static Ref partial_new(VM *vm, Type *type, const Value *args, size_t nargs, Value kwnames)
{
  if (nargs < 1) return cd_raise_type(vm, "type 'partial' takes at least one argument");
  Value function = args[0], head = vm->empty_tuple, base = NO_VALUE;
  if (!cd_is_callable(vm, function)) return cd_raise_type(vm, "the first argument must be callable");
  // A partial of a partial is flattened, unless somebody put attributes on the inner one.
  if (cd_type_of(vm, function)->slots.call == partial_call && !partial_has_attributes(partial_of(function))) {
    const Partial *inner = partial_of(function);
    function = inner->function;
    head = inner->args;
    base = inner->keywords;
  }
  Partial *p = cd_instance_new(vm, type);
  if (!p) return NO_REF;
  p->function = cd_dup(function);
  p->args = partial_concat(vm, head, args + 1, nargs - 1);
  p->keywords = p->args ? partial_keywords(vm, base, args + nargs, kwnames) : NO_REF;
  if (p->keywords) return cd_from_object(p);
  cd_drop(vm, cd_from_object(p));
  return NO_REF;
}

static void partial_release(VM *vm, Object *self)
{
  Partial *p = (Partial *)self;
  cd_clear(vm, &p->function);
  cd_clear(vm, &p->args);
  cd_clear(vm, &p->keywords);
}

static void partial_traverse(Object *self, VisitFn visit, void *context)
{
  Partial *p = (Partial *)self;
  visit(context, p->function);
  visit(context, p->args);
  visit(context, p->keywords);
}

// The call with keywords on both sides or on ours alone: all values in one row, names in one tuple.
static Ref partial_call_keywords(VM *vm, const Partial *p, const Value *args, size_t nargs, Value kwnames)
{
  Ref all = partial_concat(vm, p->args, args, nargs), result = NO_REF;
  Ref keywords = all ? partial_keywords(vm, p->keywords, args + nargs, kwnames) : NO_REF;
  if (keywords) result = cd_call_ex(vm, p->function, all, keywords);
  cd_drop(vm, all);
  cd_drop(vm, keywords);
  return result;
}

static Ref partial_call(VM *vm, Value self, const Value *args, size_t nargs, Value kwnames)
{
  const Partial *p = partial_of(self);
  if (!p->function) return cd_raise_type(vm, "'NoneType' object is not callable");
  Ref keep = cd_dup(self), result;
  size_t named = kwnames ? cd_tuple_size(kwnames) : 0, own = cd_tuple_size(p->args), total = own + nargs + named;
  if (cd_dict_count(p->keywords) > 0) {
    result = partial_call_keywords(vm, p, args, nargs, kwnames);
  } else if (own == 0) {
    result = cd_call(vm, p->function, args, nargs, kwnames);
  } else {
    Value small[12], *all = total <= ARRAY_LEN(small) ? small : cd_alloc_array(vm, total, sizeof(Value));
    if (!all) {
      cd_drop(vm, keep);
      return NO_REF;
    }
    memcpy(all, cd_as_tuple(p->args)->items, own * sizeof(Value));
    if (nargs + named) memcpy(all + own, args, (nargs + named) * sizeof(Value));
    result = cd_call(vm, p->function, all, own + nargs, kwnames);
    if (all != small) cd_free(vm, all, total * sizeof(Value));
  }
  cd_drop(vm, keep);
  return result;
}

static bool partial_repr_parts(VM *vm, Value self, TextBuilder *text)
{
  Partial *p = partial_of(self);
  Ref function = cd_dup(p->function), args = cd_dup(p->args), keywords = cd_dup(p->keywords), key, value;
  bool ok = cd_text_format(text, "%T(", self) && cd_text_repr(text, function);
  for (size_t i = 0; ok && i < cd_tuple_size(args); i++) ok = cd_text_puts(text, ", ") && cd_text_repr(text, cd_tuple_item_borrow(args, i));
  Value k, v;
  for (size_t i = 0; ok && cd_dict_each(keywords, &i, &k, &v);) {
    key = cd_dup(k);
    value = cd_dup(v);
    ok = cd_text_format(text, ", %S=%R", key, value);
    cd_drop(vm, key);
    cd_drop(vm, value);
  }
  cd_drop(vm, function);
  cd_drop(vm, args);
  cd_drop(vm, keywords);
  return ok && cd_text_puts(text, ")");
}

static Ref partial_repr(VM *vm, Value self)
{
  ReprState state = cd_repr_enter(vm, self);
  if (state != REPR_FRESH) return state == REPR_INSIDE ? cd_str_from(vm, "...") : NO_REF;
  TextBuilder text;
  cd_text_init(&text, vm);
  bool ok = partial_repr_parts(vm, self, &text);
  cd_repr_leave(vm, self);
  if (ok) return cd_text_finish(&text);
  cd_text_clear(&text);
  return NO_REF;
}

METHOD(partial, __reduce__, "__reduce__(self, /)", NULL)
{
  Partial *p = partial_of(self);
  Ref dict = partial_has_attributes(p) || p->attributes.dict ? cd_instance_dict(vm, cd_object(self)) : cd_none(), state = NO_REF;
  if (!dict) return NO_REF;
  Value parts[] = {p->function, p->args, p->keywords, dict};
  state = cd_tuple_of(vm, 4, parts);
  cd_drop(vm, dict);
  return cd_tuple3_steal(vm, cd_dup_object(cd_type_of(vm, self)), cd_tuple1(vm, p->function), state);
}

METHOD(partial, __setstate__, "__setstate__(self, state, /)", NULL)
{
  Partial *p = partial_of(self);
  if (!cd_is_tuple(args[0]) || cd_tuple_size(args[0]) != 4) return cd_raise_type(vm, "invalid partial state");
  const Value *parts = cd_as_tuple(args[0])->items;
  if (!cd_is_callable(vm, parts[0]) || !cd_is_tuple(parts[1]) || !(cd_is_none(parts[2]) || cd_is_dict(parts[2])))
    return cd_raise_type(vm, "invalid partial state");
  Ref arguments = cd_tuple_slice(vm, parts[1], 0, cd_tuple_size(parts[1]));      // an exact tuple as it is, a copy of others
  Ref keywords = !arguments                              ? NO_REF
                 : cd_is_none(parts[2])                  ? cd_dict_new(vm)
                 : cd_is_exact(parts[2], vm->types.dict) ? cd_dup(parts[2])
                                                         : cd_dict_copy(vm, parts[2]);
  if (!keywords) {
    cd_drop(vm, arguments);
    return NO_REF;
  }
  Ref state = cd_dup(args[0]);                   // keeps `parts` while old values go
  cd_replace(vm, &p->function, cd_dup(parts[0]));
  cd_replace(vm, &p->args, arguments);
  cd_replace(vm, &p->keywords, keywords);
  bool ok = true;
  if (cd_is_dict(parts[3])) {
    ok = cd_instance_set_dict(vm, cd_object(self), parts[3]);
  } else if (cd_is_none(parts[3])) {
    if (partial_has_attributes(p)) {
      Ref empty = cd_dict_new(vm);
      ok = empty && cd_instance_set_dict(vm, cd_object(self), empty);
      cd_drop(vm, empty);
    }
  } else {
    ok = cd_raise_type(vm, "__dict__ must be set to a dictionary, not a '%T'", parts[3]);
  }
  cd_drop(vm, state);
  return ok ? cd_none() : NO_REF;
}

CLASS_METHOD(partial, __class_getitem__, "__class_getitem__(type, item, /)", "See PEP 585")
{
  return cd_generic_alias_new(vm, self, args[0]);
}

static const MemberDef partial_members[] = {
  {"func", offsetof(Partial, function), MEMBER_VALUE, false, "what a call of it calls"},
  {"args", offsetof(Partial, args), MEMBER_VALUE, false, "arguments that come before those of a call"},
  {"keywords", offsetof(Partial, keywords), MEMBER_VALUE, false, "keywords that a call of it adds"},
  {0},
};
static const MethodDef *const partial_methods[] = {&partial___reduce___def, &partial___setstate___def, &partial___class_getitem___def,
                                                   NULL};

static const TypeSpec partial_spec = {
  .name = "functools.partial",
  .doc = "partial(func, *args, **keywords) - the function with its first arguments and\nsome keywords filled in.",
  .basicsize = sizeof(Partial),
  .flags = TYPE_BASE | TYPE_GC | TYPE_HAS_DICT | TYPE_HAS_WEAKREFS | TYPE_IMMUTABLE,
  .dict_offset = offsetof(Partial, attributes),
  .weaklist_offset = offsetof(Partial, weaklist),
  .methods = partial_methods,
  .members = partial_members,
  .slots = {.release = partial_release,
            .traverse = partial_traverse,
            .clear = partial_release,
            .new_ = partial_new,
            .repr = partial_repr,
            .call = partial_call},
};

// ---- reduce ----

FUNCTION_RAW(
  functools, reduce, "reduce(function, iterable[, initial], /)",
  "reduce(function, iterable[, initial], /) -> value\n\nApply a function of two arguments cumulatively to the items of an iterable,\nfrom "
  "left to right.\n\nThis effectively reduces the iterable to a single value.  initial, if given, is\nwhat the first item is combined "
  "with, and the result if there are no items.\n\nFor example, reduce(lambda x, y: x+y, [1, 2, 3, 4, 5])\ncalculates ((((1 + 2) + 3) + 4) "
  "+ 5).")
{
  if (!cd_no_keywords(vm, "_functools.reduce", kwnames) || !cd_check_positional(vm, "reduce", nargs, 2, 3)) return NO_REF;
  Ref iterator = cd_iter(vm, args[1]), total = nargs == 3 ? cd_dup(args[2]) : NO_REF, item;
  if (!iterator) {
    cd_drop(vm, total);
    if (cd_swallow(vm, vm->exc.TypeError)) cd_raise_type(vm, "reduce() arg 2 must support iteration");
    return NO_REF;
  }
  Next next;
  while ((next = cd_next(vm, iterator, &item)) == NEXT_ITEM) {
    if (!total) {
      total = item;
      continue;
    }
    Ref sum = cd_call2(vm, args[0], total, item);
    cd_drop(vm, item);
    cd_drop(vm, total);
    if (!(total = sum)) break;
  }
  cd_drop(vm, iterator);
  if (next == NEXT_DONE) return total ? total : cd_raise_type(vm, "reduce() of empty iterable with no initial value");
  cd_drop(vm, total);
  return NO_REF;
}

// ---- cmp_to_key ----

typedef struct KeyWrapper {
  Object head;
  Value compare, object;
} KeyWrapper;   // owned; object NO_VALUE in the class-like one that is called

static inline KeyWrapper *key_wrapper_of(Value v) { return (KeyWrapper *)cd_object(v); }

static Ref key_wrapper_make(VM *vm, Value compare, Value object)
{
  KeyWrapper *k = cd_object_new(vm, functools_state(vm)->key_wrapper, sizeof *k);
  if (!k) return NO_REF;
  k->compare = cd_dup(compare);
  if (object) k->object = cd_dup(object);
  return cd_from_object(k);
}

static Ref key_wrapper_call(VM *vm, Value self, const Value *args, size_t nargs, Value kwnames)
{
  Value in[1];
  Ref owned[2];
  if (nargs == 1 && !kwnames) return key_wrapper_make(vm, key_wrapper_of(self)->compare, args[0]);
  if (!cd_bind_text(vm, "K(obj)", args, nargs, kwnames, in, owned)) return NO_REF;
  return key_wrapper_make(vm, key_wrapper_of(self)->compare, in[0]);
}

static Ref key_wrapper_compare(VM *vm, Value self, Value other, CompareOp op)
{
  if (!cd_is_exact(other, functools_state(vm)->key_wrapper)) return cd_raise_type(vm, "other argument must be K instance");
  const KeyWrapper *a = key_wrapper_of(self), *b = key_wrapper_of(other);
  if (!a->object || !b->object) return cd_raise(vm, vm->exc.AttributeError, "object");
  Ref order = cd_call2(vm, a->compare, a->object, b->object);
  if (!order) return NO_REF;
  Ref result = cd_compare(vm, order, cd_from_small(0), op);
  cd_drop(vm, order);
  return result;
}

static void key_wrapper_release(VM *vm, Object *self)
{
  KeyWrapper *k = (KeyWrapper *)self;
  cd_clear(vm, &k->compare);
  cd_clear(vm, &k->object);
}

static void key_wrapper_traverse(Object *self, VisitFn visit, void *context)
{
  KeyWrapper *k = (KeyWrapper *)self;
  visit(context, k->compare);
  visit(context, k->object);
}

static const MemberDef key_wrapper_members[] = {
  {"obj", offsetof(KeyWrapper, object), MEMBER_VALUE_OR_NONE, true, "Value wrapped by a key function."}, {0}};

static const TypeSpec key_wrapper_spec = {
  .name = "functools.KeyWrapper",
  .basicsize = sizeof(KeyWrapper),
  .flags = TYPE_GC | TYPE_NO_NEW | TYPE_IMMUTABLE,
  .members = key_wrapper_members,
  .slots = {
    .release = key_wrapper_release,
    .traverse = key_wrapper_traverse,
    .clear = key_wrapper_release,
    .hash = cd_hash_unhashable,
    .call = key_wrapper_call,
    .compare = key_wrapper_compare,
  },
};

FUNCTION(functools, cmp_to_key, "cmp_to_key(mycmp)",
         "A key function for sorting from one that compares two values.\n\n  mycmp\n    Function that compares two objects.")
{
  return key_wrapper_make(vm, args[0], NO_VALUE);
}

// ---- lru_cache ----

// Results by key, the least recently used first: the order of the dict is the order of use.
typedef struct LruCache {
  Object head;
  Value function, results, info_type;            // owned; results is a dict
  int64_t maxsize;                               // -1: unbounded
  int64_t hits, misses;
  bool typed;
  AttributeHead attributes;
  Weakref *weaklist;
} LruCache;

static inline LruCache *lru_of(Value v) { return (LruCache *)cd_object(v); }

static Ref lru_new(VM *vm, Type *type, const Value *args, size_t nargs, Value kwnames)
{
  Value in[4];
  Ref owned[2];
  int64_t maxsize = -1;
  bool typed;
  if (!cd_bind_text(vm, "lru_cache(user_function, maxsize, typed, cache_info_type)", args, nargs, kwnames, in, owned)) return NO_REF;
  if (!cd_truth(vm, in[2], &typed)) return NO_REF;
  if (!cd_is_callable(vm, in[0])) return cd_raise_type(vm, "the first argument must be callable");
  if (!cd_is_none(in[1])) {
    if (!cd_type_of(vm, in[1])->slots.index && !cd_is_int(in[1])) return cd_raise_type(vm, "maxsize should be integer or None");
    if (!cd_to_ssize(vm, in[1], &maxsize)) return NO_REF;
    if (maxsize < 0) maxsize = 0;
  }
  LruCache *c = cd_instance_new(vm, type);
  if (!c) return NO_REF;
  c->function = cd_dup(in[0]);
  c->info_type = cd_dup(in[3]);
  c->maxsize = maxsize;
  c->typed = typed;
  if ((c->results = cd_dict_new(vm))) return cd_from_object(c);
  cd_drop(vm, cd_from_object(c));
  return NO_REF;
}

static void lru_release(VM *vm, Object *self)
{
  LruCache *c = (LruCache *)self;
  cd_clear(vm, &c->function);
  cd_clear(vm, &c->results);
  cd_clear(vm, &c->info_type);
}

static void lru_traverse(Object *self, VisitFn visit, void *context)
{
  LruCache *c = (LruCache *)self;
  visit(context, c->function);
  visit(context, c->results);
  visit(context, c->info_type);
}

static void lru_clear(VM *vm, Object *self)      // for the collector: the wrapper stays callable
{
  LruCache *c = (LruCache *)self;
  if (c->results) cd_dict_clear(vm, c->results);
}

// The key of a call: one plain str or int stands for itself; else a tuple of arguments, mark, names with values, and with `typed` the
// types.
static Ref lru_key(VM *vm, const LruCache *c, const Value *args, size_t nargs, Value kwnames)
{
  size_t named = kwnames ? cd_tuple_size(kwnames) : 0, size = nargs, n = 0;
  if (!c->typed && !named && nargs == 1 &&
      (cd_is_small(args[0]) || cd_is_exact(args[0], vm->types.str) || cd_is_exact(args[0], vm->types.int_)))
    return cd_dup(args[0]);
  if (named) size += 1 + 2 * named;
  if (c->typed) size += nargs + named;
  Ref key = cd_tuple_new(vm, size);
  if (!key) return NO_REF;
  for (size_t i = 0; i < nargs; i++) cd_tuple_set(key, n++, cd_dup(args[i]));
  if (named) cd_tuple_set(key, n++, cd_dup(functools_state(vm)->keyword_mark));
  for (size_t i = 0; i < named; i++) {
    cd_tuple_set(key, n++, cd_dup(cd_tuple_item_borrow(kwnames, i)));
    cd_tuple_set(key, n++, cd_dup(args[nargs + i]));
  }
  for (size_t i = 0; c->typed && i < nargs + named; i++) cd_tuple_set(key, n++, cd_dup_object(cd_type_of(vm, args[i])));
  return key;
}

// Stores a fresh result; the oldest goes when there is no room. A nested call may have stored the same key: then the older one stays.
static bool lru_store(VM *vm, LruCache *c, Value key, int64_t hash, Value result)
{
  Dict *d = cd_as_dict(c->results);
  int64_t entry;
  Find found = cd_dict_lookup(vm, d, key, hash, &entry);
  if (found != FIND_MISSING) return found == FIND_HIT;
  Ref old_key = NO_REF, old_result = NO_REF;
  if (c->maxsize >= 0 && d->count >= (size_t)c->maxsize) {
    while (d->first < d->used && !d->entries[d->first].key) d->first++;
    old_key = cd_dup(d->entries[d->first].key);
    if (cd_dict_pop_hash(vm, c->results, old_key, d->entries[d->first].hash, &old_result) == FIND_ERROR) {
      cd_drop(vm, old_key);
      return false;
    }
  }
  bool ok = cd_dict_set_hash(vm, c->results, key, hash, result);
  cd_drop(vm, old_key);
  cd_drop(vm, old_result);
  return ok;
}

static Ref lru_lookup_or_call(VM *vm, LruCache *c, Value key, const Value *args, size_t nargs, Value kwnames)
{
  int64_t hash, entry;
  if (!cd_dict_hash_key(vm, key, &hash)) return NO_REF;
  Dict *d = cd_as_dict(c->results);
  Find found = cd_dict_lookup(vm, d, key, hash, &entry);
  if (found == FIND_ERROR) return NO_REF;
  if (found == FIND_HIT) {
    c->hits++;
    Ref result = cd_dup(d->entries[entry].value);
    if (c->maxsize < 0 || cd_dict_move_entry(vm, d, entry, true)) return result;
    cd_drop(vm, result);
    return NO_REF;
  }
  c->misses++;
  Ref result = cd_call(vm, c->function, args, nargs, kwnames);
  if (result && !lru_store(vm, c, key, hash, result)) {
    cd_drop(vm, result);
    return NO_REF;
  }
  return result;
}

static Ref lru_call(VM *vm, Value self, const Value *args, size_t nargs, Value kwnames)
{
  LruCache *c = lru_of(self);
  if (c->maxsize == 0) {
    c->misses++;
    return cd_call(vm, c->function, args, nargs, kwnames);
  }
  Ref key = lru_key(vm, c, args, nargs, kwnames);
  if (!key) return NO_REF;
  Ref keep = cd_dup(self), result = lru_lookup_or_call(vm, c, key, args, nargs, kwnames);
  cd_drop(vm, keep);
  cd_drop(vm, key);
  return result;
}

static Ref lru_get(VM *vm, Value self, Value instance, Value owner UNUSED)
{
  return !instance || cd_is_none(instance) ? cd_dup(self) : cd_method_new(vm, self, instance);
}

METHOD(lru, cache_info, "cache_info(self, /)", "Report cache statistics")
{
  LruCache *c = lru_of(self);
  Value parts[] = {cd_from_small(c->hits), cd_from_small(c->misses), c->maxsize < 0 ? cd_none() : cd_from_small(c->maxsize),
                   cd_from_small((int64_t)cd_dict_count(c->results))};
  return cd_call(vm, c->info_type, parts, 4, NO_VALUE);
}

METHOD(lru, cache_clear, "cache_clear(self, /)", "Clear the cache and cache statistics")
{
  LruCache *c = lru_of(self);
  c->hits = c->misses = 0;
  cd_dict_clear(vm, c->results);
  return cd_none();
}

METHOD(lru, __reduce__, "__reduce__(self, /)", NULL) { return cd_getattr(vm, self, N(__qualname__)); }
METHOD(lru, __copy__, "__copy__(self, /)", NULL) { return cd_dup(self); }
METHOD(lru, __deepcopy__, "__deepcopy__(self, memo, /)", NULL) { return cd_dup(self); }

static const MethodDef *const lru_methods[] = {&lru_cache_info_def, &lru_cache_clear_def,  &lru___reduce___def,
                                               &lru___copy___def,   &lru___deepcopy___def, NULL};

static const TypeSpec lru_spec = {
  .name = "functools._lru_cache_wrapper",
  .doc = "Calls another function and remembers what it returned.\n\n  user_function    the function\n  maxsize          how many results "
         "to keep; 0: none, None: all\n  typed            are f(3) and f(3.0) two calls?\n  cache_info_type  namedtuple with the fields "
         "hits, misses, maxsize, currsize",
  .basicsize = sizeof(LruCache),
  .flags = TYPE_BASE | TYPE_GC | TYPE_HAS_DICT | TYPE_HAS_WEAKREFS | TYPE_METHOD_DESCRIPTOR | TYPE_IMMUTABLE,
  .dict_offset = offsetof(LruCache, attributes),
  .weaklist_offset = offsetof(LruCache, weaklist),
  .methods = lru_methods,
  .slots = {.release = lru_release, .traverse = lru_traverse, .clear = lru_clear, .new_ = lru_new, .call = lru_call, .descr_get = lru_get},
};

// ---- the module ----

static bool functools_exec(VM *vm, Value module)
{
  FunctoolsState *s = functools_state(vm);
  s->keyword_mark = cd_call0(vm, cd_type_value(vm->types.object));
  if (!s->keyword_mark) return false;
  s->key_wrapper = cd_type_from_spec(vm, &key_wrapper_spec, NO_VALUE);
  if (!s->key_wrapper || !(s->partial = cd_module_add_type(vm, module, &partial_spec, NO_VALUE))) return false;
  (void)cd_dup_object(s->partial);
  if (!(s->lru_cache = cd_module_add_type(vm, module, &lru_spec, NO_VALUE))) return false;
  (void)cd_dup_object(s->lru_cache);
  return true;
}

static void functools_traverse(void *p, VisitFn visit, void *context)
{
  FunctoolsState *s = p;
  visit(context, cd_type_value(s->partial));
  visit(context, cd_type_value(s->key_wrapper));
  visit(context, cd_type_value(s->lru_cache));
  visit(context, s->keyword_mark);
}

static void functools_clear(VM *vm, void *p)
{
  FunctoolsState old = *(FunctoolsState *)p;
  memset(p, 0, sizeof old);
  cd_drop_object(vm, old.partial);
  cd_drop_object(vm, old.key_wrapper);
  cd_drop_object(vm, old.lru_cache);
  cd_drop(vm, cd_from_bits(cd_bits(old.keyword_mark)));
}

static const MethodDef *const functools_functions[] = {&functools_reduce_def, &functools_cmp_to_key_def, NULL};

const ModuleDef cd_module__functools = {
  .name = "_functools",
  .doc = "Tools that operate on functions.",
  .functions = functools_functions,
  .state_size = sizeof(FunctoolsState),
  .exec = functools_exec,
  .traverse = functools_traverse,
  .clear = functools_clear,
};
