// SPDX-License-Identifier: MIT
// property.c: property, classmethod, staticmethod
#include "objects/dict.h"
#include "objects/function.h"
#include "objects/protocol.h"
#include "objects/str.h"
#include "objects/tuple.h"
#include "objects/type.h"

// ---- property ----

static Property *property_of(Value v) { return (Property *)cd_object(v); }

static Ref property_new_slot(VM *vm, Type *type, const Value *args, size_t nargs, Value kwnames)
{
  return cd_from_object(cd_instance_new(vm, type));
}

static void property_store(VM *vm, Value *slot, Value value) { cd_replace(vm, slot, value && !cd_is_none(value) ? cd_dup(value) : NO_REF); }

// Without a doc of its own a property shows its getter's. In a subclass, whose class attribute __doc__ hides the field, it becomes an
// instance attribute.
static bool property_take_doc(VM *vm, Value self)
{
  Property *p = property_of(self);
  Ref doc;
  Find found = cd_getattr_find(vm, p->getter, N(__doc__), &doc);
  if (found != FIND_HIT) return found == FIND_MISSING;
  bool ok = true;
  if (cd_is_exact(self, vm->types.property)) cd_replace(vm, &p->doc, cd_dup(doc));
  else ok = cd_setattr(vm, self, N(__doc__), doc);
  cd_drop(vm, doc);
  p->getter_doc = true;
  return ok;
}

static bool property_setup(VM *vm, Value self, Value getter, Value setter, Value deleter, Value doc)
{
  Property *p = property_of(self);
  property_store(vm, &p->getter, getter);
  property_store(vm, &p->setter, setter);
  property_store(vm, &p->deleter, deleter);
  cd_replace(vm, &p->doc, doc ? cd_dup(doc) : NO_REF);
  cd_clear(vm, &p->name);
  p->getter_doc = false;
  return (doc && !cd_is_none(doc)) || !p->getter || property_take_doc(vm, self);
}

static bool property_init_slot(VM *vm, Value self, const Value *args, size_t nargs, Value kwnames)
{
  Value in[4];
  Ref owned[2];
  if (!cd_bind_text(vm, "property(fget=None, fset=None, fdel=None, doc=None)", args, nargs, kwnames, in, owned)) return false;
  return property_setup(vm, self, in[0], in[1], in[2], in[3]);
}

Ref cd_property_new(VM *vm, Value getter, Value setter, Value deleter, Value doc)
{
  Ref self = cd_from_object(cd_instance_new(vm, vm->types.property));
  if (!self || property_setup(vm, self, getter, setter, deleter, doc)) return self;
  cd_drop(vm, self);
  return NO_REF;
}

static Ref property_refuse(VM *vm, Value self, Value instance, const char *what)
{
  Property *p = property_of(self);
  Value qualname = cd_type_of(vm, instance)->qualname;
  if (p->name)
    return cd_raise_attribute(vm, instance, cd_is_str(p->name) ? p->name : NO_VALUE, "property %R of %R object has no %s", p->name,
                              qualname, what);
  return cd_raise_attribute(vm, instance, NO_VALUE, "property of %R object has no %s", qualname, what);
}

static Ref property_descr_get(VM *vm, Value self, Value instance, Value owner)
{
  if (!instance || cd_is_none(instance)) return cd_dup(self);
  Property *p = property_of(self);
  if (!p->getter) return property_refuse(vm, self, instance, "getter");
  Ref getter = cd_dup(p->getter);
  Ref result = cd_call1(vm, getter, instance);
  cd_drop(vm, getter);
  return result;
}

static bool property_descr_set(VM *vm, Value self, Value instance, Value value)
{
  Property *p = property_of(self);
  Value chosen = value ? p->setter : p->deleter;
  if (!chosen) return property_refuse(vm, self, instance, value ? "setter" : "deleter");
  Ref function = cd_dup(chosen);
  Ref result = value ? cd_call2(vm, function, instance, value) : cd_call1(vm, function, instance);
  cd_drop(vm, function);
  cd_drop(vm, result);
  return result != NO_REF;
}

// A copy with one function exchanged.
static Ref property_copy(VM *vm, Value self, Value getter, Value setter, Value deleter)
{
  Property *p = property_of(self);
  Value none = cd_none();
  Value args[4] = {getter ? getter : p->getter, setter ? setter : p->setter, deleter ? deleter : p->deleter, p->doc};
  for (int i = 0; i < 4; i++)
    if (!args[i]) args[i] = none;
  if (p->getter_doc && !cd_is_none(args[0])) args[3] = none;         // the new getter's doc counts
  Ref type = cd_dup_object(cd_type_of(vm, self));
  Ref copy = cd_call(vm, type, args, 4, NO_VALUE);
  cd_drop(vm, type);
  if (copy && cd_is_instance_of(vm, copy, vm->types.property) && p->name)
    cd_replace(vm, &property_of(copy)->name, cd_dup(p->name));
  return copy;
}

METHOD(property, getter, "getter(self, object, /)", "The same property with another function for reading.")
{
  return property_copy(vm, self, args[0], NO_VALUE, NO_VALUE);
}
METHOD(property, setter, "setter(self, object, /)", "The same property with another function for assigning.")
{
  return property_copy(vm, self, NO_VALUE, args[0], NO_VALUE);
}
METHOD(property, deleter, "deleter(self, object, /)", "The same property with another function for deleting.")
{
  return property_copy(vm, self, NO_VALUE, NO_VALUE, args[0]);
}
METHOD_DEF_RAW_(property_dunder_set_name, "__set_name__", "__set_name__(self, owner, name)", "Tells the property under which name its "
                                                                                             "class has it.",
                METHOD_NO_SIGNATURE)
{
  if (!cd_no_keywords(vm, "__set_name__", kwnames)) return NO_REF;
  if (nargs != 2) return cd_raise_type(vm, "__set_name__() takes 2 positional arguments but %zu were given", nargs);
  cd_replace(vm, &property_of(self)->name, cd_dup(args[1]));
  return cd_none();
}

// Does the function say it is abstract? (PEP 3119)
static bool descriptor_is_abstract(VM *vm, Value function, bool *out)
{
  Ref flag;
  *out = false;
  if (!function) return true;
  Find found = cd_getattr_find(vm, function, N(__isabstractmethod__), &flag);
  if (found != FIND_HIT) return found == FIND_MISSING;
  bool ok = cd_truth(vm, flag, out);
  cd_drop(vm, flag);
  return ok;
}

static Ref property_get_abstract(VM *vm, Value self)
{
  Property *p = property_of(self);
  Value functions[] = {p->getter, p->setter, p->deleter};
  bool yes = false;
  for (int i = 0; i < 3 && !yes; i++)
    if (!descriptor_is_abstract(vm, functions[i], &yes)) return NO_REF;
  return cd_bool(yes);
}

static void property_traverse(Object *self, VisitFn visit, void *context)
{
  Property *p = (Property *)self;
  visit(context, p->getter);
  visit(context, p->setter);
  visit(context, p->deleter);
  visit(context, p->doc);
  visit(context, p->name);
}
static void property_release(VM *vm, Object *self)
{
  Property *p = (Property *)self;
  cd_clear(vm, &p->getter);
  cd_clear(vm, &p->setter);
  cd_clear(vm, &p->deleter);
  cd_clear(vm, &p->doc);
  cd_clear(vm, &p->name);
}

static const MethodDef *const property_methods[] = {&property_getter_def, &property_setter_def, &property_deleter_def,
                                                    &property_dunder_set_name_def, NULL};
static const GetSetDef property_getset[] = {{"__isabstractmethod__", NULL, property_get_abstract, NULL}, {0}};
static const MemberDef property_members[] = {
  {"fget", offsetof(Property, getter), MEMBER_VALUE_OR_NONE, false, NULL},
  {"fset", offsetof(Property, setter), MEMBER_VALUE_OR_NONE, false, NULL},
  {"fdel", offsetof(Property, deleter), MEMBER_VALUE_OR_NONE, false, NULL},
  {"__doc__", offsetof(Property, doc), MEMBER_VALUE_OR_NONE, true, NULL},
  {0},
};
const TypeSpec cd_property_spec = {
  .name = "property",
  .doc = "property(fget=None, fset=None, fdel=None, doc=None)\n--\n\nProperty attribute.\n\n  fget\n    function to be used for getting an "
         "attribute value\n"
         "  fset\n    function to be used for setting an attribute value\n  fdel\n    function to be used for del'ing an attribute\n  "
         "doc\n    docstring\n\n"
         "Typical use is to define a managed attribute x. Decorators make defining new properties or modifying existing ones easy.",
  .basicsize = sizeof(Property),
  .flags = TYPE_BASE | TYPE_GC,
  .methods = property_methods,
  .getset = property_getset,
  .members = property_members,
  .slots = {.release = property_release,
            .traverse = property_traverse,
            .clear = property_release,
            .new_ = property_new_slot,
            .init = property_init_slot,
            .descr_get = property_descr_get,
            .descr_set = property_descr_set},
};

// ---- classmethod and staticmethod ----

static ClassMethod *class_method_of(Value v) { return (ClassMethod *)cd_object(v); }

static Ref class_method_new_slot(VM *vm, Type *type, const Value *args, size_t nargs, Value kwnames)
{
  return cd_from_object(cd_instance_new(vm, type));
}

// What functools.wraps would copy.
static bool class_method_copy_attributes(VM *vm, Value self, Value function)
{
  Value names[] = {N(__module__), N(__name__), N(__qualname__), N(__doc__), N(__annotations__)};
  for (size_t i = 0; i < ARRAY_LEN(names); i++) {
    Ref value;
    Find found = cd_getattr_find(vm, function, names[i], &value);
    if (found == FIND_ERROR) return false;
    if (found == FIND_MISSING) continue;
    bool ok = cd_instance_set(vm, cd_object(self), names[i], value);
    cd_drop(vm, value);
    if (!ok) return false;
  }
  return true;
}

static bool class_method_setup(VM *vm, Value self, Value function)
{
  cd_replace(vm, &class_method_of(self)->function, cd_dup(function));
  return class_method_copy_attributes(vm, self, function);
}

static bool class_method_init(VM *vm, Value self, const Value *args, size_t nargs, Value kwnames)
{
  return cd_no_keywords(vm, "classmethod", kwnames) && cd_check_positional(vm, "classmethod", nargs, 1, 1) &&
         class_method_setup(vm, self, args[0]);
}
static bool static_method_init(VM *vm, Value self, const Value *args, size_t nargs, Value kwnames)
{
  return cd_no_keywords(vm, "staticmethod", kwnames) && cd_check_positional(vm, "staticmethod", nargs, 1, 1) &&
         class_method_setup(vm, self, args[0]);
}

static Ref class_method_make(VM *vm, Type *type, Value function)
{
  Ref self = cd_from_object(cd_instance_new(vm, type));
  if (!self) return NO_REF;
  // Natives of builtin types are made at start-up by the hundred and have nothing to copy.
  if (cd_is_exact(function, vm->types.native)) class_method_of(self)->function = cd_dup(function);
  else if (!class_method_setup(vm, self, function)) {
    cd_drop(vm, self);
    return NO_REF;
  }
  return self;
}
Ref cd_classmethod_new(VM *vm, Value function) { return class_method_make(vm, vm->types.classmethod, function); }
Ref cd_staticmethod_new(VM *vm, Value function) { return class_method_make(vm, vm->types.staticmethod, function); }

static Ref class_method_descr_get(VM *vm, Value self, Value instance, Value owner)
{
  Value function = class_method_of(self)->function;
  if (!function) return cd_raise_runtime(vm, "uninitialized classmethod object");
  if (!owner) owner = cd_type_value(cd_type_of(vm, instance));
  Type *kind = cd_type_of(vm, function);
  if (kind == vm->types.function) return cd_method_new(vm, function, owner);
  if (kind->slots.descr_get) return kind->slots.descr_get(vm, function, owner, owner);
  return cd_method_new(vm, function, owner);
}

static Ref static_method_descr_get(VM *vm, Value self, Value instance, Value owner)
{
  Value function = class_method_of(self)->function;
  return function ? cd_dup(function) : cd_raise_runtime(vm, "uninitialized staticmethod object");
}

static Ref static_method_call(VM *vm, Value self, const Value *args, size_t nargs, Value kwnames)
{
  Value function = class_method_of(self)->function;
  if (!function) return cd_raise_runtime(vm, "uninitialized staticmethod object");
  return cd_call(vm, function, args, nargs, kwnames);
}

static Ref class_method_repr(VM *vm, Value self)
{
  Value function = class_method_of(self)->function;
  return cd_str_format(vm, "<classmethod(%R)>", function ? function : (Value)cd_none());
}
static Ref static_method_repr(VM *vm, Value self)
{
  Value function = class_method_of(self)->function;
  return cd_str_format(vm, "<staticmethod(%R)>", function ? function : (Value)cd_none());
}

static Ref class_method_get_abstract(VM *vm, Value self)
{
  bool yes;
  return descriptor_is_abstract(vm, class_method_of(self)->function, &yes) ? cd_bool(yes) : NO_REF;
}
static void class_method_traverse(Object *self, VisitFn visit, void *context) { visit(context, ((ClassMethod *)self)->function); }
static void class_method_release(VM *vm, Object *self) { cd_clear(vm, &((ClassMethod *)self)->function); }

static const GetSetDef class_method_getset[] = {
  {"__isabstractmethod__", NULL, class_method_get_abstract, NULL}, {0}};
static const MemberDef class_method_members[] = {
  {"__func__", offsetof(ClassMethod, function), MEMBER_VALUE_OR_NONE, false, NULL},
  {"__wrapped__", offsetof(ClassMethod, function), MEMBER_VALUE_OR_NONE, false, NULL},
  {0},
};
const TypeSpec cd_classmethod_spec = {
  .name = "classmethod",
  .doc = "classmethod(function) -> method\n\nWraps a function so that it is bound to the class.\n\nCalled on the class or on one of its "
         "objects, it is passed the class first.",
  .basicsize = sizeof(ClassMethod),
  .flags = TYPE_BASE | TYPE_GC | TYPE_HAS_DICT,
  .dict_offset = offsetof(ClassMethod, attributes),
  .getset = class_method_getset,
  .members = class_method_members,
  .slots = {.release = class_method_release,
            .traverse = class_method_traverse,
            .clear = class_method_release,
            .repr = class_method_repr,
            .new_ = class_method_new_slot,
            .init = class_method_init,
            .descr_get = class_method_descr_get},
};
const TypeSpec cd_staticmethod_spec = {
  .name = "staticmethod",
  .doc = "staticmethod(function) -> method\n\nWraps a function so that no first argument is put in.\n\nWhoever calls it, through the "
         "class or through an object, the function gets\nwhat was passed and nothing else. It can be called either on the class or on an\n"
         "instance.",
  .basicsize = sizeof(ClassMethod),
  .flags = TYPE_BASE | TYPE_GC | TYPE_HAS_DICT,
  .dict_offset = offsetof(ClassMethod, attributes),
  .getset = class_method_getset,
  .members = class_method_members,
  .slots = {.release = class_method_release,
            .traverse = class_method_traverse,
            .clear = class_method_release,
            .repr = static_method_repr,
            .call = static_method_call,
            .new_ = class_method_new_slot,
            .init = static_method_init,
            .descr_get = static_method_descr_get},
};
