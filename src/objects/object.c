// SPDX-License-Identifier: MIT
// object.c: the type `object`: defaults for everything, pickling of plain instances, __class__ assignment
#include "objects/dict.h"
#include "objects/function.h"
#include "objects/int.h"
#include "objects/list.h"
#include "objects/module.h"
#include "objects/protocol.h"
#include "objects/str.h"
#include "objects/tuple.h"
#include "objects/type.h"

#include <stdio.h>

// ---- __new__ and __init__ ----

bool cd_type_abstract_error(VM *vm, Type *type)
{
  Ref names = NO_REF, sorted = NO_REF, comma = NO_REF, joined = NO_REF;
  Value methods = cd_dict_get_name_borrow(vm, type->dict, N(__abstractmethods__));
  if (!methods) return cd_raise_attribute(vm, cd_type_value(type), N(__abstractmethods__), "__abstractmethods__");
  if (!(names = cd_list_from(vm, methods)) || !cd_list_sort(vm, cd_as_list(names), NO_VALUE, false)) goto done;
  if (!(comma = cd_str_from(vm, ", ")) || !(joined = cd_str_join(vm, comma, names))) goto done;
  cd_raise_type(vm, "Can't instantiate abstract class %s with abstract method%s %U", cd_type_name(type), cd_list_size(names) > 1 ? "s" : "",
                joined);

done:
  cd_drop(vm, names);
  cd_drop(vm, sorted);
  cd_drop(vm, comma);
  cd_drop(vm, joined);
  return false;
}

Ref cd_object_new_slot(VM *vm, Type *type, const Value *args, size_t nargs, Value kwnames)
{
  if (UNLIKELY(nargs || (kwnames && cd_tuple_size(kwnames)))) {
    if (type->slots.new_ != cd_object_new_slot)
      return cd_raise_type(vm, "object.__new__() takes exactly one argument (the type to instantiate)");
    if (type->slots.init == cd_object_init_slot) return cd_raise_type(vm, "%s() takes no arguments", cd_type_name(type));
  }
  if (UNLIKELY(type->flags & TYPE_ABSTRACT)) {
    cd_type_abstract_error(vm, type);
    return NO_REF;
  }
  return cd_from_object(cd_instance_new(vm, type));
}

bool cd_object_init_slot(VM *vm, Value self, const Value *args, size_t nargs, Value kwnames)
{
  if (LIKELY(!nargs && !(kwnames && cd_tuple_size(kwnames)))) return true;
  Type *type = cd_type_of(vm, self);
  if (type->slots.init != cd_object_init_slot)
    return cd_raise_type(vm, "object.__init__() takes exactly one argument (the instance to initialize)");
  if (type->slots.new_ == cd_object_new_slot)
    return cd_raise_type(vm, "%s.__init__() takes exactly one argument (the instance to initialize)", cd_type_name(type));
  return true;
}

// ---- text, hash, comparison ----

Ref cd_object_repr_slot(VM *vm, Value self)
{
  char address[32];
  snprintf(address, sizeof address, "0x%llx", (unsigned long long)cd_bits(self));
  Ref name = cd_type_qualified_name(vm, cd_type_of(vm, self));
  Ref text = name ? cd_str_format(vm, "<%U object at %s>", name, address) : NO_REF;
  cd_drop(vm, name);
  return text;
}

static Ref object_str_slot(VM *vm, Value self)
{
  UnaryFn repr = cd_type_of(vm, self)->slots.repr;
  return (repr ? repr : cd_object_repr_slot)(vm, self);
}

bool cd_object_hash_slot(VM *vm, Value self, int64_t *out)
{
  *out = cd_hash_pointer(cd_object(self));
  return true;
}

Ref cd_object_compare_slot(VM *vm, Value self, Value other, CompareOp op)
{
  if (op == COMPARE_EQ) return cd_is(self, other) ? cd_true() : cd_not_implemented();
  if (op != COMPARE_NE) return cd_not_implemented();
  // != is the opposite of whatever == says
  Type *type = cd_type_of(vm, self);
  if (!type->slots.compare || type->slots.compare == cd_object_compare_slot) return cd_is(self, other) ? cd_false() : cd_not_implemented();
  Ref equal = type->slots.compare(vm, self, other, COMPARE_EQ);
  if (!equal || cd_is_not_implemented(equal)) return equal;
  bool yes, ok = cd_truth(vm, equal, &yes);
  cd_drop(vm, equal);
  return ok ? cd_bool(!yes) : NO_REF;
}

// ---- __class__ ----

static Ref object_get_class(VM *vm, Value self) { return cd_dup_object(cd_type_of(vm, self)); }

// Every __slots__ member that `a` itself adds, `b` adds under the same name at the same place.
static bool object_same_slots(VM *vm, Type *a, Type *b)
{
  size_t i = 0;
  Value key, value;
  if (a->slots_count != b->slots_count) return false;
  while (a->slots_count && cd_dict_each(a->dict, &i, &key, &value)) {
    if (!cd_is_exact(value, vm->types.member_descriptor)) continue;
    Value other = cd_is_str(key) ? cd_dict_get_name_borrow(vm, b->dict, key) : NO_VALUE;
    if (!other || !cd_is_exact(other, vm->types.member_descriptor)) return false;
    if (((MemberDescriptor *)cd_object(other))->offset != ((MemberDescriptor *)cd_object(value))->offset) return false;
  }
  return true;
}

// The nearest class, going up, that adds anything to the layout.
static Type *object_layout_owner(Type *type)
{
  for (; type->base; type = type->base) {
    const Type *base = type->base;
    if (type->slots_count || type->spec != base->spec || type->basicsize != base->basicsize || type->dict_offset != base->dict_offset ||
        type->weaklist_offset != base->weaklist_offset) break;
  }
  return type;
}

static bool object_same_layout(VM *vm, Type *a, Type *b)
{
  if ((a->flags ^ b->flags) & (TYPE_EXTRA_AT_END | TYPE_GC)) return false;
  a = object_layout_owner(a);
  b = object_layout_owner(b);
  return a == b || (a->spec == b->spec && a->base == b->base && a->basicsize == b->basicsize && a->dict_offset == b->dict_offset &&
                    a->weaklist_offset == b->weaklist_offset && object_same_slots(vm, a, b));
}

static Shape *object_shape_in(VM *vm, Shape *shape, Shape *root)
{
  if (!shape->parent) return root;
  Shape *parent = object_shape_in(vm, shape->parent, root);   // depth is the bounded count of names
  return parent ? cd_shape_child(vm, parent, shape->name) : NULL;
}

// The same names in the tree of the new type; instances whose names don't fit there turn to a dict.
static bool object_move_shape(VM *vm, Object *object, Type *to)
{
  if (!(object->type->flags & TYPE_HAS_DICT)) return true;
  AttributeHead *head = cd_attributes(object);
  if (!head->shape) return true;
  Shape *root = cd_type_root_shape(vm, to);
  if (!root) return false;
  Shape *shape = object_shape_in(vm, head->shape, root);
  if (!shape) return cd_instance_materialise(vm, object);
  head->shape = shape;
  return true;
}

static bool object_set_class(VM *vm, Value self, Value value)
{
  Type *from = cd_type_of(vm, self);
  if (!value) return cd_raise_type(vm, "can't delete __class__ attribute");
  if (!cd_is_type(value))
    return cd_raise_type(vm, "__class__ must be set to a class, not '%s' object", cd_type_name(cd_type_of(vm, value)));
  Type *to = cd_as_type(value);
  bool modules = cd_type_is_subtype(from, vm->types.module) && cd_type_is_subtype(to, vm->types.module);
  if (!modules && ((from->flags | to->flags) & TYPE_IMMUTABLE || !cd_is_object(self)))
    return cd_raise_type(vm, "__class__ assignment only supported for mutable types or ModuleType subclasses");
  if (from == to) return true;
  bool fits = object_same_layout(vm, from, to) || (modules && from->basicsize == to->basicsize && from->spec == to->spec);
  if (!fits) return cd_raise_type(vm, "__class__ assignment: '%s' object layout differs from '%s'", cd_type_name(to), cd_type_name(from));
  Object *object = cd_object(self);
  if (!object_move_shape(vm, object, to)) return false;
  if (to->flags & TYPE_HEAP) to->head.refcount++;
  object->type = to;
  if (from->slots.descr_get != to->slots.descr_get || from->slots.descr_set != to->slots.descr_set) cd_type_became_descriptor(vm);
  if (from->flags & TYPE_HEAP) cd_drop_object(vm, from);
  return true;
}

// ---- pickling ----

static Ref object_slot_names(VM *vm, Type *type)
{
  Ref name = cd_intern(vm, "__slotnames__");
  if (!name) return NO_REF;
  Value known = cd_dict_get_name_borrow(vm, cd_type_dict(vm, type), name);
  cd_drop(vm, name);
  if (known) {
    if (!cd_is_none(known) && !cd_is_list(known))
      return cd_raise_type(vm, "%.200s.__slotnames__ should be a list or None, not %.200s", cd_type_name(type),
                           cd_type_name(cd_type_of(vm, known)));
    return cd_dup(known);
  }
  Ref helper = cd_import_attr(vm, "copyreg", "_slotnames");
  Ref names = helper ? cd_call1(vm, helper, cd_type_value(type)) : NO_REF;
  cd_drop(vm, helper);
  if (names && !cd_is_none(names) && !cd_is_list(names)) {
    cd_raise_type(vm, "copyreg._slotnames didn't return a list or None");
    cd_drop(vm, names);
    return NO_REF;
  }
  return names;
}

static Ref object_slots_state(VM *vm, Value self, Value names)
{
  Ref slots = cd_dict_new(vm);
  for (size_t i = 0; slots && i < cd_list_size(names); i++) {
    Ref name = cd_dup(cd_list_item_borrow(names, i)), value;
    Find found = cd_is_str(name) ? cd_getattr_find(vm, self, name, &value) : FIND_MISSING;
    bool ok = found != FIND_ERROR;
    if (found == FIND_HIT) {
      ok = cd_dict_set(vm, slots, name, value);
      cd_drop(vm, value);
    }
    cd_drop(vm, name);
    if (!ok) {
      cd_drop(vm, slots);
      return NO_REF;
    }
  }
  return slots;
}

static bool object_is_variable(const Type *type) { return type->flags & (TYPE_INT | TYPE_TUPLE | TYPE_BYTES | TYPE_TYPE); }

// What __getstate__ gives: the dict, or None, or (dict, slots). `required`: types with fields of their own, which this
// can't see, are refused.
static Ref object_default_state(VM *vm, Value self, bool required)
{
  Type *type = cd_type_of(vm, self);
  if (required && object_is_variable(type)) return cd_raise_type(vm, "cannot pickle %.200s objects", cd_type_name(type));
  Ref state = NO_REF, names = NO_REF, slots = NO_REF;
  if (cd_is_object(self) && type->flags & TYPE_HAS_DICT) {
    AttributeHead *head = cd_attributes(cd_object(self));
    bool empty = head->dict ? cd_dict_count(head->dict) == 0 : !head->shape || head->shape->count == 0;
    state = empty ? cd_none() : cd_instance_dict_copy(vm, cd_object(self));
  } else {
    state = cd_none();
  }
  if (!state || !(names = object_slot_names(vm, type))) goto fail;
  size_t slot_count = cd_is_list(names) ? cd_list_size(names) : 0;
  if (required) {
    size_t natural = sizeof(Object) + slot_count * sizeof(Value);
    if (type->flags & TYPE_HAS_DICT) natural += sizeof(AttributeHead);
    if (type->flags & TYPE_HAS_WEAKREFS) natural += sizeof(Weakref *);
    if (type->basicsize > natural || !cd_is_object(self)) {
      cd_raise_type(vm, "cannot pickle '%.200s' object", cd_type_name(type));
      goto fail;
    }
  }
  if (slot_count) {
    if (!(slots = object_slots_state(vm, self, names))) goto fail;
    if (cd_dict_count(slots)) state = cd_tuple2_steal(vm, state, cd_move(&slots));
    cd_drop(vm, slots);
  }
  cd_drop(vm, names);
  return state;

fail:
  cd_drop(vm, state);
  cd_drop(vm, names);
  return NO_REF;
}

METHOD(object, __getstate__, "__getstate__(self, /)", "Helper for pickle.") { return object_default_state(vm, self, false); }

static Ref object_state(VM *vm, Value self, bool required)
{
  Ref method = cd_getattr(vm, self, N(__getstate__));
  if (!method) return NO_REF;
  bool plain = cd_is_exact(method, vm->types.native) && ((Native *)cd_object(method))->def == &object___getstate___def &&
               cd_is(((Native *)cd_object(method))->self, self);
  Ref state = plain ? object_default_state(vm, self, required) : cd_call0(vm, method);
  cd_drop(vm, method);
  return state;
}

// Arguments for __new__ at unpickling: *args a tuple or NO_REF, *kwargs a dict or NO_REF.
static bool object_new_arguments(VM *vm, Value self, Ref *args, Ref *kwargs)
{
  Ref method, result;
  *args = *kwargs = NO_REF;
  Find found = cd_lookup_special(vm, self, N(__getnewargs_ex__), &method);
  if (found == FIND_ERROR) return false;
  if (found == FIND_HIT) {
    result = cd_call0(vm, method);
    cd_drop(vm, method);
    if (!result) return false;
    if (!cd_is_tuple(result))
      cd_raise_type(vm, "__getnewargs_ex__ should return a tuple, not '%.200s'", cd_type_name(cd_type_of(vm, result)));
    else if (cd_tuple_size(result) != 2)
      cd_raise_value(vm, "__getnewargs_ex__ should return a tuple of length 2, not %zu", cd_tuple_size(result));
    else if (!cd_is_tuple(cd_tuple_item_borrow(result, 0)))
      cd_raise_type(vm, "first item of the tuple returned by __getnewargs_ex__ must be a tuple, not '%.200s'",
                    cd_type_name(cd_type_of(vm, cd_tuple_item_borrow(result, 0))));
    else if (!cd_is_dict(cd_tuple_item_borrow(result, 1)))
      cd_raise_type(vm, "second item of the tuple returned by __getnewargs_ex__ must be a dict, not '%.200s'",
                    cd_type_name(cd_type_of(vm, cd_tuple_item_borrow(result, 1))));
    else {
      *args = cd_dup(cd_tuple_item_borrow(result, 0));
      *kwargs = cd_dup(cd_tuple_item_borrow(result, 1));
    }
    cd_drop(vm, result);
    return *args != NO_REF;
  }
  found = cd_lookup_special(vm, self, N(__getnewargs__), &method);
  if (found != FIND_HIT) return found == FIND_MISSING;
  result = cd_call0(vm, method);
  cd_drop(vm, method);
  if (!result) return false;
  if (!cd_is_tuple(result)) {
    cd_raise_type(vm, "__getnewargs__ should return a tuple, not '%.200s'", cd_type_name(cd_type_of(vm, result)));
    cd_drop(vm, result);
    return false;
  }
  *args = result;
  return true;
}

static Ref object_prepend(VM *vm, Value first, Value args)
{
  size_t n = args ? cd_tuple_size(args) : 0;
  Ref all = cd_tuple_new(vm, n + 1);
  if (!all) return NO_REF;
  cd_tuple_set(all, 0, cd_dup(first));
  for (size_t i = 0; i < n; i++) cd_tuple_set(all, i + 1, cd_dup(cd_tuple_item_borrow(args, i)));
  return all;
}

static Ref object_items_iterator(VM *vm, Value self)
{
  Ref items = cd_call_method0(vm, self, N(items));
  Ref iterator = items ? cd_iter(vm, items) : NO_REF;
  cd_drop(vm, items);
  return iterator;
}

static Ref object_reduce_newobj(VM *vm, Value self)
{
  Type *type = cd_type_of(vm, self);
  if (!type->slots.new_) return cd_raise_type(vm, "cannot pickle '%.200s' object", cd_type_name(type));
  Ref parts[5] = {NO_REF}, args, kwargs, result = NO_REF;
  if (!object_new_arguments(vm, self, &args, &kwargs)) return NO_REF;
  if (kwargs && cd_dict_count(kwargs)) {
    parts[0] = cd_import_attr(vm, "copyreg", "__newobj_ex__");
    parts[1] = cd_tuple3(vm, cd_type_value(type), args, kwargs);
  } else {
    parts[0] = cd_import_attr(vm, "copyreg", "__newobj__");
    parts[1] = object_prepend(vm, cd_type_value(type), args);
  }
  if (!parts[0] || !parts[1]) goto done;
  if (!(parts[2] = object_state(vm, self, !(args || cd_is_list(self) || cd_is_dict(self))))) goto done;
  if (!(parts[3] = cd_is_list(self) ? cd_iter(vm, self) : cd_none())) goto done;
  if (!(parts[4] = cd_is_dict(self) ? object_items_iterator(vm, self) : cd_none())) goto done;
  result = cd_tuple_of(vm, 5, cd_lend(parts));

done:
  for (size_t i = 0; i < ARRAY_LEN(parts); i++) cd_drop(vm, parts[i]);
  cd_drop(vm, args);
  cd_drop(vm, kwargs);
  return result;
}

static Ref object_common_reduce(VM *vm, Value self, int protocol)
{
  if (protocol >= 2) return object_reduce_newobj(vm, self);
  Ref helper = cd_import_attr(vm, "copyreg", "_reduce_ex");
  Ref result = helper ? cd_call2(vm, helper, self, cd_from_small(protocol)) : NO_REF;
  cd_drop(vm, helper);
  return result;
}

METHOD(object, __reduce__, "__reduce__(self, /)", "Helper for pickle.") { return object_common_reduce(vm, self, 0); }

// An overridden __reduce__ wins over the default of __reduce_ex__.
Ref cd_object_reduce(VM *vm, Value self, int protocol)
{
  Value found = cd_type_lookup_borrow(vm, cd_type_of(vm, self), N(__reduce__));
  bool plain = found && cd_is_exact(found, vm->types.method_descriptor) &&
               ((MethodDescriptor *)cd_object(found))->def == &object___reduce___def;
  Ref reduce;
  Find own = cd_getattr_find(vm, self, N(__reduce__), &reduce);
  if (own == FIND_ERROR) return NO_REF;
  if (own == FIND_MISSING) return object_common_reduce(vm, self, protocol);
  Ref result = plain ? object_common_reduce(vm, self, protocol) : cd_call0(vm, reduce);
  cd_drop(vm, reduce);
  return result;
}

METHOD(object, __reduce_ex__, "__reduce_ex__(self, protocol, /)", "Helper for pickle.")
{
  int protocol;
  return cd_to_c_int(vm, args[0], &protocol) ? cd_object_reduce(vm, self, protocol) : NO_REF;
}

// ---- the rest ----

METHOD(object, __format__, "__format__(self, format_spec, /)",
       "Default object formatter.\n\nReturn str(self) if format_spec is empty. Raise TypeError otherwise.")
{
  if (!cd_is_str(args[0])) return cd_raise_type(vm, "__format__() argument must be str, not %s", cd_type_name(cd_type_of(vm, args[0])));
  if (cd_str_size(args[0]))
    return cd_raise_type(vm, "unsupported format string passed to %.200s.__format__", cd_type_name(cd_type_of(vm, self)));
  return cd_str(vm, self);
}

METHOD(object, __sizeof__, "__sizeof__(self, /)", "Bytes that the object takes.")
{
  if (!cd_is_object(self)) return cd_from_small(8);
  Type *type = cd_object(self)->type;
  size_t size = type->slots.alloc_size ? cd_var_size(type, type->slots.alloc_size(cd_object(self))) : type->basicsize;
  return cd_from_small((int64_t)size);
}

CLASS_METHOD(object, __init_subclass__, "__init_subclass__(type, /)",
             "Called on the parent whenever a class is derived from it.\n\nThe default implementation does nothing. Does nothing here: "
             "classes that want\nto know define their own.")
{
  return cd_none();
}

METHOD_DEF_RAW_(
  object_subclasshook, "__subclasshook__", "__subclasshook__(type, subclass, /)",
  "Answers issubclass() for an abstract class that defines its own.\n\nabc.ABCMeta.__subclasscheck__() asks here first.",
  METHOD_CLASS | METHOD_NO_SIGNATURE)
{
  return cd_not_implemented();
}

// Namespace of a class and of its bases, through __dict__ and __bases__, as classes may be imitations.
static bool object_merge_class(VM *vm, Value dict, Value cls)
{
  Ref own, bases;
  Find found = cd_getattr_find(vm, cls, N(__dict__), &own);
  if (found == FIND_ERROR) return false;
  if (found == FIND_HIT) {
    bool ok = cd_dict_update(vm, dict, own);
    cd_drop(vm, own);
    if (!ok) return false;
  }
  found = cd_getattr_find(vm, cls, N(__bases__), &bases);
  if (found != FIND_HIT) return found == FIND_MISSING;
  bool ok = true;
  if (cd_is_tuple(bases) && (ok = cd_enter_recursion(vm, " in __dir__"))) {
    for (size_t i = 0; ok && i < cd_tuple_size(bases); i++) ok = object_merge_class(vm, dict, cd_tuple_item_borrow(bases, i));
    cd_leave_recursion(vm);
  }
  cd_drop(vm, bases);
  return ok;
}

METHOD(object, __dir__, "__dir__(self, /)", "Default dir() implementation.")
{
  Ref own = NO_REF, dict = NO_REF, cls = NO_REF, list = NO_REF;
  Find found;
  if (cd_is_object(self) && cd_object(self)->type->flags & TYPE_HAS_DICT && cd_object(self)->type->flags & TYPE_DEFAULT_GETATTR) {
    if (!(dict = cd_instance_dict_copy(vm, cd_object(self)))) goto done;
  } else {
    if ((found = cd_getattr_find(vm, self, N(__dict__), &own)) == FIND_ERROR) goto done;
    dict = found == FIND_HIT && cd_is_dict(own) ? cd_dict_copy(vm, own) : cd_dict_new(vm);
    if (found == FIND_HIT) cd_drop(vm, own);
    if (!dict) goto done;
  }
  if ((found = cd_getattr_find(vm, self, N(__class__), &cls)) == FIND_ERROR) goto done;
  if (found == FIND_MISSING) cls = NO_REF;
  if (cls && !object_merge_class(vm, dict, cls)) goto done;
  list = cd_dict_keys_list(vm, dict);

done:
  cd_drop(vm, dict);
  cd_drop(vm, cls);
  return list;
}

Ref cd_object_dir(VM *vm, Value v)
{
  Ref method;
  Find found = cd_lookup_special(vm, v, N(__dir__), &method);
  if (found == FIND_MISSING) return cd_raise_type(vm, "object does not provide __dir__");
  if (found == FIND_ERROR) return NO_REF;
  Ref result = cd_call0(vm, method);
  cd_drop(vm, method);
  Ref list = result ? cd_list_from(vm, result) : NO_REF;
  cd_drop(vm, result);
  return list;
}

static const MethodDef *const object_methods[] = {
  &object___reduce_ex___def, &object___reduce___def, &object___getstate___def, &object___format___def, &object___sizeof___def,
  &object___init_subclass___def, &object_subclasshook_def, &object___dir___def, NULL};
static const GetSetDef object_getset[] = {{"__class__", "the object's class", object_get_class, object_set_class}, {0}};

const TypeSpec cd_object_spec = {
  .name = "object",
  .doc = "object()\n--\n\nWhat every class derives from.\n\nobject() takes no arguments; what it makes has no attributes and takes none.\n",
  .basicsize = sizeof(Object),
  .flags = TYPE_BASE,
  .methods = object_methods,
  .getset = object_getset,
  .slots = {.repr = cd_object_repr_slot, .str = object_str_slot, .hash = cd_object_hash_slot, .compare = cd_object_compare_slot,
            .getattr = cd_generic_getattr, .setattr = cd_generic_setattr, .new_ = cd_object_new_slot, .init = cd_object_init_slot},
};
