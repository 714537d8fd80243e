// SPDX-License-Identifier: MIT
// super.c: super objects
#include "objects/dict.h"
#include "objects/function.h"
#include "objects/protocol.h"
#include "objects/str.h"
#include "objects/tuple.h"
#include "objects/type.h"

static Super *super_of(Value v) { return (Super *)cd_object(v); }

// Looks `name` up in the mro of object_type behind `type`, bound to self. `unbound`: plain methods are not bound, and it says so; or
// NULL. FIND_MISSING: not there.
static Find super_find(VM *vm, Type *type, Type *object_type, Value self, Value name, Ref *out, bool *unbound)
{
  if (!object_type->mro) return FIND_MISSING;
  Ref mro = cd_dup(object_type->mro);
  size_t n = cd_tuple_size(mro), i = 0;
  while (i < n && cd_object(cd_tuple_item_borrow(mro, i)) != &type->head) i++;
  Find found = FIND_MISSING;
  for (i++; i < n && found == FIND_MISSING; i++) {
    Value dict = cd_type_dict(vm, cd_as_type(cd_tuple_item_borrow(mro, i)));
    Value value = dict ? cd_dict_get_name_borrow(vm, dict, name) : NO_VALUE;
    if (!value) continue;
    Ref held = cd_dup(value);
    Type *kind = cd_type_of(vm, held);
    found = FIND_HIT;
    bool on_class = cd_is_object(self) && cd_object(self) == &object_type->head;
    if (unbound && !on_class && kind->flags & TYPE_METHOD_DESCRIPTOR) {
      *unbound = true;
      *out = held;
    } else if (kind->slots.descr_get) {
      *out = kind->slots.descr_get(vm, held, on_class ? NO_VALUE : self, cd_type_value(object_type));
      cd_drop(vm, held);
      if (!*out) found = FIND_ERROR;
    } else {
      *out = held;
    }
  }
  cd_drop(vm, mro);
  return found;
}

// By the mro alone: a metaclass's mro() may leave out the class itself.
static bool super_in_mro(const Type *type, const Type *base)
{
  if (!type->mro) return cd_type_is_subtype(type, base);
  for (size_t i = 0; i < cd_tuple_size(type->mro); i++)
    if (cd_object(cd_tuple_item_borrow(type->mro, i)) == &base->head) return true;
  return false;
}

// The class whose mro is searched: obj itself when it is a subclass of type, else its class (or what __class__ says). NO_REF: TypeError.
static Ref super_check(VM *vm, Type *type, Value object)
{
  if (cd_is_type(object) && super_in_mro(cd_as_type(object), type)) return cd_dup(object);
  Type *kind = cd_type_of(vm, object);
  if (cd_type_is_subtype(kind, type)) return cd_dup_object(kind);
  Ref cls;
  Find found = cd_getattr_find(vm, object, N(__class__), &cls);
  if (found == FIND_ERROR) return NO_REF;
  if (found == FIND_HIT) {
    if (cd_is_type(cls) && cd_as_type(cls) != kind && cd_type_is_subtype(cd_as_type(cls), type)) return cls;
    cd_drop(vm, cls);
  }
  return cd_raise_type(vm, "super(type, obj): obj must be an instance or subtype of type");
}

Ref cd_super_getattr(VM *vm, Type *type, Value self, Value name)
{
  Ref object_type = super_check(vm, type, self), result;
  if (!object_type) return NO_REF;
  Find found = super_find(vm, type, cd_as_type(object_type), self, name, &result, NULL);
  cd_drop(vm, object_type);
  if (found != FIND_MISSING) return found == FIND_HIT ? result : NO_REF;
  Value arguments[2] = {cd_type_value(type), self};      // the super object's own attributes are object's, and rarely wanted
  Ref super = cd_call(vm, cd_type_value(vm->types.super), arguments, 2, NO_VALUE);
  result = super ? cd_generic_getattr(vm, super, name) : NO_REF;
  cd_drop(vm, super);
  return result;
}

Find cd_super_lookup_method(VM *vm, Value self, Value name, Ref *out, bool *unbound)
{
  Super *super = super_of(self);
  *unbound = false;
  if (!super->object_type || cd_is(name, N(__class__))) return FIND_MISSING;
  return super_find(vm, super->type, super->object_type, super->object, name, out, unbound);
}

static Ref super_getattr(VM *vm, Value self, Value name)
{
  Super *super = super_of(self);
  if (super->object_type && !cd_is(name, N(__class__)) && (cd_as_str(name)->interned || !cd_str_is(name, "__class__"))) {
    Ref result;
    Ref held = cd_dup(super->object);
    Find found = super_find(vm, super->type, super->object_type, held, name, &result, NULL);
    cd_drop(vm, held);
    if (found != FIND_MISSING) return found == FIND_HIT ? result : NO_REF;
  }
  return cd_generic_getattr(vm, self, name);
}

// ---- super() ----

static bool super_init(VM *vm, Value self, const Value *args, size_t nargs, Value kwnames)
{
  if (!cd_no_keywords(vm, "super", kwnames)) return false;
  if (nargs > 2) return cd_raise_type(vm, "super() expected at most 2 arguments, got %zu", nargs);
  Type *type = NULL;
  Value object = NO_VALUE;
  if (!nargs) {
    if (!vm->super_arguments(vm, &type, &object)) return false;
  } else {
    if (!cd_is_type(args[0]))
      return cd_raise_type(vm, "super() argument 1 must be a type, not %.200s", cd_type_name(cd_type_of(vm, args[0])));
    type = cd_as_type(args[0]);
    if (nargs == 2 && !cd_is_none(args[1])) object = args[1];
  }
  Ref object_type = object ? super_check(vm, type, object) : NO_REF;
  if (object && !object_type) return false;
  Super *super = super_of(self);
  Type *old_type = super->type, *old_object_type = super->object_type;
  super->type = (Type *)cd_object(cd_dup_object(type));
  super->object_type = object_type ? cd_as_type(object_type) : NULL;
  cd_replace(vm, &super->object, object ? cd_dup(object) : NO_REF);
  cd_drop_object(vm, old_type);
  cd_drop_object(vm, old_object_type);
  return true;
}

static Ref super_new_slot(VM *vm, Type *type, const Value *args, size_t nargs, Value kwnames)
{
  return cd_from_object(cd_instance_new(vm, type));
}

static Ref super_descr_get(VM *vm, Value self, Value instance, Value owner)
{
  Super *super = super_of(self);
  if (!instance || cd_is_none(instance) || super->object || !super->type) return cd_dup(self);
  Value args[2] = {cd_type_value(super->type), instance};
  return cd_call(vm, cd_type_value(cd_type_of(vm, self)), args, 2, NO_VALUE);
}

static Ref super_repr(VM *vm, Value self)
{
  Super *super = super_of(self);
  const char *name = super->type ? cd_type_name(super->type) : "NULL";
  if (super->object_type) return cd_str_format(vm, "<super: <class '%s'>, <%s object>>", name, cd_type_name(super->object_type));
  return cd_str_format(vm, "<super: <class '%s'>, NULL>", name);
}

static Ref super_get_type(VM *vm, Value self) { return super_of(self)->type ? cd_dup_object(super_of(self)->type) : cd_none(); }
static Ref super_get_object_type(VM *vm, Value self)
{
  return super_of(self)->object_type ? cd_dup_object(super_of(self)->object_type) : cd_none();
}

static void super_traverse(Object *self, VisitFn visit, void *context)
{
  Super *super = (Super *)self;
  visit(context, super->object);
  if (super->type) visit(context, cd_type_value(super->type));
  if (super->object_type) visit(context, cd_type_value(super->object_type));
}
static void super_release(VM *vm, Object *self)
{
  Super *super = (Super *)self;
  cd_clear(vm, &super->object);
  cd_drop_object(vm, super->type);
  cd_drop_object(vm, super->object_type);
}

static const GetSetDef super_getset[] = {
  {"__thisclass__", "the class invoking super()", super_get_type, NULL},
  {"__self_class__", "class of the object for which methods are looked up may be None", super_get_object_type, NULL},
  {0}};
static const MemberDef super_members[] = {
  {"__self__", offsetof(Super, object), MEMBER_VALUE_OR_NONE, false, "the instance invoking super(); may be None"}, {0}};
const TypeSpec cd_super_spec = {
  .name = "super",
  .doc = "super() -> super(__class__, <first argument>), inside a method\nsuper(type) -> bound to nothing yet\nsuper(type, obj) -> bound "
         "to an object; obj is an instance of type\nsuper(type, type2) -> bound to a class; type2 is derived from type\n\nLooks names up "
         "in the classes behind `type` in the object's mro:\n\nclass C(B):\n    def meth(self, arg):\n        super().meth(arg)",
  .basicsize = sizeof(Super),
  .flags = TYPE_BASE | TYPE_GC,
  .getset = super_getset,
  .members = super_members,
  .slots = {.release = super_release,
            .traverse = super_traverse,
            .repr = super_repr,
            .getattr = super_getattr,
            .new_ = super_new_slot,
            .init = super_init,
            .descr_get = super_descr_get},
};
