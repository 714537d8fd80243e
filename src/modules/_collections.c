// SPDX-License-Identifier: MIT
// _collections.c: the module, defaultdict, and what namedtuple and Counter need; deque and OrderedDict have their own files
#include "modules/collections.h"
#include "modules/module_list.h"
#include "objects/dict.h"
#include "objects/function.h"
#include "objects/generic_alias.h"
#include "objects/int.h"
#include "objects/iterator.h"
#include "objects/protocol.h"
#include "objects/str.h"
#include "objects/tuple.h"
#include "objects/type.h"

static CollectionsState *collections_state(VM *vm) { return cd_state(vm, MODULE__collections); }

// ---- defaultdict ----

typedef struct DefaultDict { Dict dict; Value factory; } DefaultDict;            // owned; NO_VALUE: None

static inline DefaultDict *default_dict_of(Value v) { return (DefaultDict *)cd_object(v); }
static inline Value default_dict_factory(Value v) { return default_dict_of(v)->factory ? default_dict_of(v)->factory : cd_none(); }

static bool default_dict_init(VM *vm, Value self, const Value *args, size_t nargs, Value kwnames)
{
  Value factory = nargs ? args[0] : NO_VALUE;
  if (factory && !cd_is_none(factory) && !cd_is_callable(vm, factory)) return cd_raise_type(vm, "first argument must be callable or None");
  cd_replace(vm, &default_dict_of(self)->factory, factory ? cd_dup(factory) : NO_REF);
  size_t skip = nargs ? 1 : 0;
  return cd_dict_update_args(vm, self, "dict", args + skip, nargs - skip, kwnames);
}

static void default_dict_release(VM *vm, Object *self)
{
  cd_clear(vm, &((DefaultDict *)self)->factory);
  cd_dict_spec.slots.release(vm, self);
}

static void default_dict_traverse(Object *self, VisitFn visit, void *context)
{
  visit(context, ((DefaultDict *)self)->factory);
  cd_dict_spec.slots.traverse(self, visit, context);
}

METHOD(default_dict, __missing__, "__missing__(self, key, /)",
       "Called by __getitem__ for a missing key: inserts and returns default_factory(), or raises KeyError without one.")
{
  Value factory = default_dict_factory(self);
  if (cd_is_none(factory)) {
    // A tuple as key must not be taken for the exception's arguments.
    return cd_raise_key(vm, args[0]);
  }
  Ref value = cd_call0(vm, factory);
  if (value && !cd_setitem(vm, self, args[0], value)) {
    cd_drop(vm, value);
    return NO_REF;
  }
  return value;
}

static Ref default_dict_copy_of(VM *vm, Value self)
{
  return cd_call2(vm, cd_type_value(cd_type_of(vm, self)), default_dict_factory(self), self);
}

METHOD(default_dict, copy, "copy(self, /)", "D.copy() -> a new one with the same factory and items.")
{
  return default_dict_copy_of(vm, self);
}
METHOD(default_dict, __copy__, "__copy__(self, /)", "D.copy() -> a new one with the same factory and items.")
{
  return default_dict_copy_of(vm, self);
}

METHOD(default_dict, __reduce__, "__reduce__(self, /)", "Return state information for pickling.")
{
  Value factory = default_dict_of(self)->factory;
  Ref arguments = factory && !cd_is_none(factory) ? cd_tuple1(vm, factory) : cd_dup(vm->empty_tuple), result = NO_REF;
  Ref items = arguments ? cd_call_method0(vm, self, N(items)) : NO_REF, iterator = items ? cd_iter(vm, items) : NO_REF;
  if (iterator) {
    Value parts[] = {cd_type_value(cd_type_of(vm, self)), arguments, cd_none(), cd_none(), iterator};
    result = cd_tuple_of(vm, 5, parts);
  }
  cd_drop(vm, arguments);
  cd_drop(vm, items);
  cd_drop(vm, iterator);
  return result;
}

CLASS_METHOD(default_dict, __class_getitem__, "__class_getitem__(type, item, /)", "See PEP 585")
{
  return cd_generic_alias_new(vm, self, args[0]);
}

static Ref default_dict_repr(VM *vm, Value self)
{
  Ref items = cd_dict_spec.slots.repr(vm, self);
  if (!items) return NO_REF;
  Ref factory = NO_REF, result = NO_REF;
  Value v = default_dict_of(self)->factory;
  ReprState state = v ? cd_repr_enter(vm, v) : REPR_FRESH;       // the factory may be a bound method of this very dict
  if (state == REPR_INSIDE) factory = cd_str_from(vm, "...");
  else if (state == REPR_FRESH) factory = cd_repr(vm, v ? v : cd_none());
  if (v && state == REPR_FRESH) cd_repr_leave(vm, v);
  if (factory) result = cd_str_format(vm, "%U(%U, %U)", cd_type_of(vm, self)->name, factory, items);
  cd_drop(vm, factory);
  cd_drop(vm, items);
  return result;
}

static Ref default_dict_or(VM *vm, Value left, Value right)
{
  bool left_is = cd_type_is_subtype(cd_type_of(vm, left), collections_state(vm)->default_dict);
  if (!(left_is ? cd_is_dict(right) : cd_is_dict(left))) return cd_not_implemented();
  Value self = left_is ? left : right;
  Ref result = left_is ? default_dict_copy_of(vm, self)
                       : cd_call2(vm, cd_type_value(cd_type_of(vm, self)), default_dict_factory(self), left);
  if (result && !cd_dict_update(vm, result, right)) {
    cd_drop(vm, result);
    return NO_REF;
  }
  return result;
}

static const MemberDef default_dict_members[] = {
  {"default_factory", offsetof(DefaultDict, factory), MEMBER_VALUE_OR_NONE, true,
   "what __missing__() calls for a new value; None: nothing"},
  {0},
};

static const MethodDef *const default_dict_methods[] = {&default_dict___missing___def,       &default_dict_copy_def,
                                                        &default_dict___copy___def,          &default_dict___reduce___def,
                                                        &default_dict___class_getitem___def, NULL};

static const TypeSpec default_dict_spec = {
  .name = "collections.defaultdict",
  .doc = "defaultdict(default_factory=None, /, [...]) --> a dict that makes missing\nvalues\n\nReading d[key] of a missing key calls the "
         "factory and stores what it returns.\nIn comparisons it is as any dict with these items.\nWhat follows the factory is passed on "
         "to dict().",
  .basicsize = sizeof(DefaultDict),
  .flags = TYPE_BASE | TYPE_GC | TYPE_DICT | TYPE_MAPPING | TYPE_IMMUTABLE,
  .methods = default_dict_methods,
  .members = default_dict_members,
  .slots = {
    .release = default_dict_release,
    .traverse = default_dict_traverse,
    .clear = default_dict_release,
    .init = default_dict_init,
    .repr = default_dict_repr,
    .or_ = default_dict_or,
  },
};

// ---- _tuplegetter: the field descriptors of namedtuple ----

typedef struct TupleGetter { Object head; int64_t index; Value doc; } TupleGetter;   // doc owned

static inline TupleGetter *tuplegetter_of(Value v) { return (TupleGetter *)cd_object(v); }

static Ref tuplegetter_new(VM *vm, Type *type, const Value *args, size_t nargs, Value kwnames)
{
  int64_t index;
  if (!cd_no_keywords(vm, "_tuplegetter", kwnames) || !cd_check_positional(vm, "_tuplegetter", nargs, 2, 2)) return NO_REF;
  if (!cd_to_ssize(vm, args[0], &index)) return NO_REF;
  TupleGetter *getter = cd_object_new(vm, type, sizeof *getter);
  if (!getter) return NO_REF;
  getter->index = index;
  getter->doc = cd_dup(args[1]);
  return cd_from_object(getter);
}

static void tuplegetter_release(VM *vm, Object *self) { cd_clear(vm, &((TupleGetter *)self)->doc); }
static void tuplegetter_traverse(Object *self, VisitFn visit, void *context) { visit(context, ((TupleGetter *)self)->doc); }
static Ref tuplegetter_repr(VM *vm, Value self)
{
  return cd_str_format(vm, "%s(%lld, %R)", "_tuplegetter", (long long)tuplegetter_of(self)->index, tuplegetter_of(self)->doc);
}

static Ref tuplegetter_get(VM *vm, Value self, Value instance, Value owner UNUSED)
{
  int64_t index = tuplegetter_of(self)->index;
  if (!instance || (cd_is_none(instance) && !cd_is_tuple(instance))) return cd_dup(self);
  if (!cd_is_tuple(instance))
    return cd_raise_type(vm, "descriptor for index '%lld' for tuple subclasses doesn't apply to '%T' object", (long long)index, instance);
  if (index < 0 || (size_t)index >= cd_tuple_size(instance)) return cd_raise_index(vm, "tuple index out of range");
  return cd_dup(cd_tuple_item_borrow(instance, (size_t)index));
}

static bool tuplegetter_set(VM *vm, Value self UNUSED, Value instance UNUSED, Value value)
{
  return cd_raise(vm, vm->exc.AttributeError, value ? "can't set attribute" : "can't delete attribute");
}

METHOD(tuplegetter, __reduce__, "__reduce__(self, /)", NULL)
{
  TupleGetter *getter = tuplegetter_of(self);
  return cd_tuple2_steal(vm, cd_dup_object(cd_type_of(vm, self)), cd_tuple2(vm, cd_from_small(getter->index), getter->doc));
}

static const MemberDef tuplegetter_members[] = {{"__doc__", offsetof(TupleGetter, doc), MEMBER_VALUE_OR_NONE, true, NULL}, {0}};
static const MethodDef *const tuplegetter_methods[] = {&tuplegetter___reduce___def, NULL};

static const TypeSpec tuplegetter_spec = {
  .name = "_collections._tuplegetter",
  .basicsize = sizeof(TupleGetter),
  .flags = TYPE_GC | TYPE_IMMUTABLE,
  .methods = tuplegetter_methods,
  .members = tuplegetter_members,
  .slots = {
    .release = tuplegetter_release,
    .traverse = tuplegetter_traverse,
    .new_ = tuplegetter_new,
    .repr = tuplegetter_repr,
    .descr_get = tuplegetter_get,
    .descr_set = tuplegetter_set,
  },
};

// ---- _count_elements: the loop of Counter ----

static bool count_in_dict(VM *vm, Value mapping, Value key)
{
  int64_t hash;
  Ref old;
  if (!cd_dict_hash_key(vm, key, &hash)) return false;
  Find found = cd_dict_find_hash(vm, mapping, key, hash, &old);
  if (found == FIND_ERROR) return false;
  if (found == FIND_MISSING) return cd_dict_set_hash(vm, mapping, key, hash, cd_from_small(1));
  Ref sum = cd_is_small(old) ? cd_int_from_i64(vm, cd_small(old) + 1) : cd_binary(vm, old, cd_from_small(1), BINARY_ADD);
  cd_drop(vm, old);
  bool ok = sum && cd_dict_set_hash(vm, mapping, key, hash, sum);
  cd_drop(vm, sum);
  return ok;
}

static bool count_in_mapping(VM *vm, Value mapping, Value get, Value key)
{
  Ref old = cd_call2(vm, get, key, cd_from_small(0)), sum = old ? cd_binary(vm, old, cd_from_small(1), BINARY_ADD) : NO_REF;
  cd_drop(vm, old);
  bool ok = sum && cd_setitem(vm, mapping, key, sum);
  cd_drop(vm, sum);
  return ok;
}

// Do reads and writes of this mapping go straight to the dict?
static bool count_is_plain_dict(VM *vm, Value mapping)
{
  if (!cd_is_dict(mapping)) return false;
  Type *type = cd_type_of(vm, mapping);
  Value get = cd_type_lookup_borrow(vm, type, N(get)), set = cd_type_lookup_borrow(vm, type, N(__setitem__));
  return get && cd_is(get, cd_type_lookup_borrow(vm, vm->types.dict, N(get))) && set &&
         cd_is(set, cd_type_lookup_borrow(vm, vm->types.dict, N(__setitem__)));
}

METHOD_DEF_(collections_count_elements, "_count_elements", "_count_elements(mapping, iterable, /)",
            "Adds one to mapping[item] for each item of the iterable", 0)
{
  Ref iterator = cd_iter(vm, args[1]), get = NO_REF, key;
  if (!iterator) return NO_REF;
  bool plain = count_is_plain_dict(vm, args[0]);
  if (!plain && !(get = cd_getattr(vm, args[0], N(get)))) {
    cd_drop(vm, iterator);
    return NO_REF;
  }
  Next next;
  while ((next = cd_next(vm, iterator, &key)) == NEXT_ITEM) {
    bool ok = plain ? count_in_dict(vm, args[0], key) : count_in_mapping(vm, args[0], get, key);
    cd_drop(vm, key);
    if (!ok) break;
  }
  cd_drop(vm, iterator);
  cd_drop(vm, get);
  return next == NEXT_DONE ? cd_none() : NO_REF;
}

// ---- the module ----

static Type *collections_subtype(VM *vm, const TypeSpec *spec, Type *base)
{
  Ref bases = cd_tuple1(vm, cd_type_value(base));
  Type *type = bases ? cd_type_from_spec(vm, spec, bases) : NULL;
  cd_drop(vm, bases);
  return type;
}

static bool collections_publish(VM *vm, Value module, const char *name, Type *type)
{
  return type && cd_module_add(vm, module, name, cd_dup(cd_type_value(type)));
}

static bool collections_exec(VM *vm, Value module)
{
  CollectionsState *s = collections_state(vm);
  return collections_publish(vm, module, "deque", s->deque = cd_type_from_spec(vm, &cd_deque_spec, NO_VALUE)) &&
         collections_publish(vm, module, "defaultdict", s->default_dict = collections_subtype(vm, &default_dict_spec, vm->types.dict)) &&
         collections_publish(vm, module, "OrderedDict", s->ordered_dict = collections_subtype(vm, &cd_ordered_dict_spec, vm->types.dict)) &&
         (s->ordered_keys = collections_subtype(vm, &cd_ordered_keys_spec, vm->types.dict_keys)) &&
         (s->ordered_values = collections_subtype(vm, &cd_ordered_values_spec, vm->types.dict_values)) &&
         (s->ordered_items = collections_subtype(vm, &cd_ordered_items_spec, vm->types.dict_items)) &&
         (s->ordered_iterator = cd_type_from_spec(vm, &cd_ordered_iterator_spec, NO_VALUE)) &&
         collections_publish(vm, module, "_deque_iterator", s->deque_iterator = cd_type_from_spec(vm, &cd_deque_iterator_spec, NO_VALUE)) &&
         collections_publish(vm, module, "_deque_reverse_iterator",
                             s->deque_reverse_iterator = cd_type_from_spec(vm, &cd_deque_reverse_iterator_spec, NO_VALUE)) &&
         cd_module_add_type(vm, module, &tuplegetter_spec, NO_VALUE);
}

#define COLLECTIONS_TYPES(s)                                                      \
  {(s).deque, (s).deque_iterator, (s).deque_reverse_iterator, (s).default_dict, (s).ordered_dict, (s).ordered_keys, (s).ordered_values, \
   (s).ordered_items, (s).ordered_iterator}

static void collections_traverse(void *p, VisitFn visit, void *context)
{
  CollectionsState *state = p;
  Type *types[] = COLLECTIONS_TYPES(*state);
  for (size_t i = 0; i < ARRAY_LEN(types); i++) visit(context, cd_type_value(types[i]));
}

static void collections_clear(VM *vm, void *p)
{
  CollectionsState old = *(CollectionsState *)p;
  memset(p, 0, sizeof old);
  Type *types[] = COLLECTIONS_TYPES(old);
  for (size_t i = 0; i < ARRAY_LEN(types); i++) cd_drop_object(vm, types[i]);
}

static const MethodDef *const collections_functions[] = {&collections_count_elements_def, NULL};

const ModuleDef cd_module__collections = {
  .name = "_collections",
  .doc = "High performance data structures.\n- deque:        a list that is quick at both ends\n- defaultdict:  a dict that makes missing "
         "values itself\n",
  .functions = collections_functions,
  .state_size = sizeof(CollectionsState),
  .exec = collections_exec,
  .traverse = collections_traverse,
  .clear = collections_clear,
};
