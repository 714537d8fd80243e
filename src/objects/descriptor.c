// SPDX-License-Identifier: MIT
// descriptor.c: attributes of native types seen from Python: getset, member, slot wrappers and their bound form
#include "objects/dict.h"
#include "objects/float.h"
#include "objects/int.h"
#include "objects/module.h"
#include "objects/protocol.h"
#include "objects/str.h"
#include "objects/tuple.h"
#include "objects/type_slots.h"

#include <stdio.h>

// All four kinds begin with type and name, after the header.
typedef struct AnyDescriptor { Object head; Type *type; Value name; } AnyDescriptor;

static AnyDescriptor *descriptor_of(Value v) { return (AnyDescriptor *)cd_object(v); }

static void *descriptor_new(VM *vm, Type *kind, size_t size, Type *type, Ref name)   // steals name
{
  AnyDescriptor *descriptor = name ? cd_object_new(vm, kind, size) : NULL;
  if (!descriptor) {
    cd_drop(vm, name);
    return NULL;
  }
  descriptor->type = (Type *)cd_object(cd_dup_object(type));
  descriptor->name = name;
  if (!(type->flags & TYPE_HEAP)) cd_gc_untrack(vm, &descriptor->head);    // lives as long as the VM
  return descriptor;
}

static void descriptor_traverse(Object *self, VisitFn visit, void *context)
{
  Type *type = ((AnyDescriptor *)self)->type;
  if (type) visit(context, cd_type_value(type));
}
static void descriptor_release(VM *vm, Object *self)
{
  AnyDescriptor *descriptor = (AnyDescriptor *)self;
  cd_clear(vm, &descriptor->name);
  cd_drop_object(vm, descriptor->type);
}

static bool descriptor_accepts(VM *vm, Value self, Value instance)
{
  AnyDescriptor *descriptor = descriptor_of(self);
  Type *kind = cd_type_of(vm, instance);
  if (LIKELY(kind == descriptor->type) || cd_type_is_subtype(kind, descriptor->type)) return true;
  return cd_raise_type(vm, "descriptor '%U' for '%.100s' objects doesn't apply to a '%.100s' object", descriptor->name,
                       cd_type_name(descriptor->type), cd_type_name(kind));
}

static Ref descriptor_get_name(VM *vm, Value self) { return cd_dup(descriptor_of(self)->name); }
static Ref descriptor_get_objclass(VM *vm, Value self) { return cd_dup_object(descriptor_of(self)->type); }
static Ref descriptor_get_qualname(VM *vm, Value self)
{
  return cd_str_format(vm, "%U.%U", descriptor_of(self)->type->qualname, descriptor_of(self)->name);
}
METHOD(descriptor, __reduce__, "__reduce__(self, /)", "Helper for pickle.")
{
  Ref getattr = cd_getattr(vm, vm->builtins, N(getattr));
  return cd_tuple2_steal(vm, getattr, cd_tuple2(vm, cd_type_value(descriptor_of(self)->type), descriptor_of(self)->name));
}
static const MethodDef *const descriptor_methods[] = {&descriptor___reduce___def, NULL};

#define DESCRIPTOR_COMMON                                                                               \
  {"__name__", NULL, descriptor_get_name, NULL}, {"__objclass__", NULL, descriptor_get_objclass, NULL}, \
  {                                                                                                     \
    "__qualname__", NULL, descriptor_get_qualname, NULL                                                 \
  }

// ---- getset ----

Ref cd_getset_new(VM *vm, Type *type, const GetSetDef *def)
{
  GetSetDescriptor *getset = descriptor_new(vm, vm->types.getset_descriptor, sizeof *getset, type, cd_intern(vm, def->name));
  if (getset) getset->def = def;
  return cd_from_object(getset);
}

static GetSetDescriptor *getset_of(Value v) { return (GetSetDescriptor *)cd_object(v); }

static Ref getset_descr_get(VM *vm, Value self, Value instance, Value owner)
{
  if (!instance) return cd_dup(self);
  if (!descriptor_accepts(vm, self, instance)) return NO_REF;
  const GetSetDef *def = getset_of(self)->def;
  if (LIKELY(def->get != NULL)) return def->get(vm, instance);
  return cd_raise_attribute(vm, instance, descriptor_of(self)->name, "attribute '%s' of '%.100s' objects is not readable", def->name,
                            cd_type_name(descriptor_of(self)->type));
}

static bool getset_descr_set(VM *vm, Value self, Value instance, Value value)
{
  if (!descriptor_accepts(vm, self, instance)) return false;
  const GetSetDef *def = getset_of(self)->def;
  if (def->set) return def->set(vm, instance, value);
  return cd_raise_attribute(vm, instance, descriptor_of(self)->name, "attribute '%s' of '%.100s' objects is not writable", def->name,
                            cd_type_name(descriptor_of(self)->type));
}

static Ref getset_repr(VM *vm, Value self)
{
  return cd_str_format(vm, "<attribute '%U' of '%s' objects>", descriptor_of(self)->name, cd_type_name(descriptor_of(self)->type));
}
static Ref getset_get_doc(VM *vm, Value self) { return getset_of(self)->def->doc ? cd_str_from(vm, getset_of(self)->def->doc) : cd_none(); }

static const GetSetDef getset_getset[] = {{"__doc__", NULL, getset_get_doc, NULL}, DESCRIPTOR_COMMON, {0}};
const TypeSpec cd_getset_descriptor_spec = {
  .name = "getset_descriptor",
  .basicsize = sizeof(GetSetDescriptor),
  .flags = TYPE_GC | TYPE_NO_NEW,
  .methods = descriptor_methods,
  .getset = getset_getset,
  .slots = {.release = descriptor_release, .traverse = descriptor_traverse, .repr = getset_repr, .descr_get = getset_descr_get,
            .descr_set = getset_descr_set},
};

// ---- members ----

Ref cd_member_new(VM *vm, Type *type, const MemberDef *def)
{
  MemberDescriptor *member = descriptor_new(vm, vm->types.member_descriptor, sizeof *member, type, cd_intern(vm, def->name));
  if (!member) return NO_REF;
  member->offset = def->offset;
  member->kind = def->kind;
  member->writable = def->writable;
  member->doc = def->doc;
  return cd_from_object(member);
}

Ref cd_slot_member_new(VM *vm, Type *type, Value name, uint32_t offset)
{
  MemberDescriptor *member = descriptor_new(vm, vm->types.member_descriptor, sizeof *member, type, cd_dup(name));
  if (!member) return NO_REF;
  member->offset = offset;
  member->kind = MEMBER_VALUE;
  member->writable = member->added = true;
  return cd_from_object(member);
}

static char *member_place(const MemberDescriptor *member, Value instance)
{
  Object *object = cd_object(instance);
  return (char *)object + (member->added ? cd_extra(object) : 0) + member->offset;
}

Ref cd_member_get(VM *vm, const MemberDescriptor *member, Value instance)
{
  void *place = member_place(member, instance);
  switch ((MemberKind)member->kind) {
  case MEMBER_VALUE: {
    Value value = *(Value *)place;
    if (value) return cd_dup(value);
    return cd_raise_attribute(vm, instance, member->name, "'%.200s' object has no attribute '%U'", cd_type_name(cd_type_of(vm, instance)),
                              member->name);
  }
  case MEMBER_VALUE_OR_NONE: return *(Value *)place ? cd_dup(*(Value *)place) : cd_none();
  case MEMBER_NAMESPACE:
    if (!cd_module_complete(vm, instance)) return NO_REF;
    return *(Value *)place ? cd_dup(*(Value *)place) : cd_none();
  case MEMBER_I32: return cd_from_small(*(int32_t *)place);
  case MEMBER_I64: return cd_int_from_i64(vm, *(int64_t *)place);
  case MEMBER_U32: return cd_from_small(*(uint32_t *)place);
  case MEMBER_BOOL8: return cd_bool(*(bool *)place);
  case MEMBER_DOUBLE: return cd_float_new(vm, *(double *)place);
  }
  UNREACHABLE();
}

static bool member_store(VM *vm, const MemberDescriptor *member, Value instance, Value value)
{
  void *place = member_place(member, instance);
  int64_t number = 0;
  switch ((MemberKind)member->kind) {
  case MEMBER_VALUE:
    if (!value && !*(Value *)place) return cd_raise_attribute(vm, instance, member->name, "%U", member->name);
    // fall through
  case MEMBER_VALUE_OR_NONE:
    cd_replace(vm, place, value ? cd_dup(value) : NO_REF);
    return true;
  case MEMBER_BOOL8:
    if (!value) break;
    if (!cd_is_bool(value)) return cd_raise_type(vm, "attribute value type must be bool");
    *(bool *)place = cd_is_true(value);
    return true;
  case MEMBER_DOUBLE:
    if (!value) break;
    return cd_to_double(vm, value, place);
  case MEMBER_NAMESPACE: break;                  // never writable
  case MEMBER_I32: case MEMBER_I64: case MEMBER_U32:
    if (!value) break;
    if (!cd_to_i64(vm, value, &number, vm->exc.OverflowError)) return false;
    if (member->kind == MEMBER_I64) *(int64_t *)place = number;
    else *(int32_t *)place = (int32_t)number;
    return true;
  }
  return cd_raise_type(vm, "can't delete numeric/char attribute");
}

static Ref member_descr_get(VM *vm, Value self, Value instance, Value owner)
{
  if (!instance) return cd_dup(self);
  return descriptor_accepts(vm, self, instance) ? cd_member_get(vm, (MemberDescriptor *)cd_object(self), instance) : NO_REF;
}

static bool member_descr_set(VM *vm, Value self, Value instance, Value value)
{
  if (!descriptor_accepts(vm, self, instance)) return false;
  MemberDescriptor *member = (MemberDescriptor *)cd_object(self);
  if (!member->writable) return cd_raise_attribute(vm, instance, member->name, "readonly attribute");
  return member_store(vm, member, instance, value);
}

static Ref member_repr(VM *vm, Value self)
{
  return cd_str_format(vm, "<member '%U' of '%s' objects>", descriptor_of(self)->name, cd_type_name(descriptor_of(self)->type));
}
static Ref member_get_doc(VM *vm, Value self)
{
  const char *doc = ((MemberDescriptor *)cd_object(self))->doc;
  return doc ? cd_str_from(vm, doc) : cd_none();
}

static const GetSetDef member_getset[] = {{"__doc__", NULL, member_get_doc, NULL}, DESCRIPTOR_COMMON, {0}};
const TypeSpec cd_member_descriptor_spec = {
  .name = "member_descriptor",
  .basicsize = sizeof(MemberDescriptor),
  .flags = TYPE_GC | TYPE_NO_NEW,
  .methods = descriptor_methods,
  .getset = member_getset,
  .slots = {.release = descriptor_release, .traverse = descriptor_traverse, .repr = member_repr, .descr_get = member_descr_get,
            .descr_set = member_descr_set},
};

// ---- slot wrappers ----

Ref cd_slot_wrapper_new(VM *vm, Type *type, Value name, const SlotDef *def, void *fn)
{
  SlotWrapper *wrapper = descriptor_new(vm, vm->types.slot_wrapper, sizeof *wrapper, type, cd_dup(name));
  if (!wrapper) return NO_REF;
  wrapper->def = def;
  wrapper->fn = fn;
  return cd_from_object(wrapper);
}

static SlotWrapper *slot_wrapper_of(Value v) { return (SlotWrapper *)cd_object(v); }

static bool slot_wrapper_takes_keywords(const SlotDef *def)
{
  return def->slot == offsetof(TypeSlots, call) || def->slot == offsetof(TypeSlots, init);
}

static Ref slot_wrapper_invoke(VM *vm, SlotWrapper *wrapper, Value self, const Value *args, size_t nargs, Value kwnames)
{
  const SlotDef *def = wrapper->def;
  if (kwnames && cd_tuple_size(kwnames) && !slot_wrapper_takes_keywords(def))
    return cd_raise_type(vm, "wrapper %U() takes no keyword arguments", wrapper->name);
  return def->wrap(vm, def, wrapper->fn, self, args, nargs, kwnames);
}

static Ref slot_wrapper_call(VM *vm, Value callable, const Value *args, size_t nargs, Value kwnames)
{
  SlotWrapper *wrapper = slot_wrapper_of(callable);
  if (!nargs) return cd_raise_type(vm, "descriptor '%U' of '%.100s' object needs an argument", wrapper->name, cd_type_name(wrapper->type));
  Type *kind = cd_type_of(vm, args[0]);
  if (!cd_type_is_subtype(kind, wrapper->type))
    return cd_raise_type(vm, "descriptor '%U' requires a '%.100s' object but received a '%.100s'", wrapper->name,
                         cd_type_name(wrapper->type), cd_type_name(kind));
  if (!cd_enter_recursion(vm, " while calling a Python object")) return NO_REF;    // __repr__ = __str__ would run in circles
  Ref result = slot_wrapper_invoke(vm, wrapper, args[0], args + 1, nargs - 1, kwnames);
  cd_leave_recursion(vm);
  return result;
}

static Ref slot_wrapper_descr_get(VM *vm, Value self, Value instance, Value owner)
{
  if (!instance) return cd_dup(self);
  if (!descriptor_accepts(vm, self, instance)) return NO_REF;
  MethodWrapper *bound = cd_object_new(vm, vm->types.method_wrapper, sizeof *bound);
  if (!bound) return NO_REF;
  bound->wrapper = (SlotWrapper *)cd_object(cd_dup(self));
  bound->self = cd_dup(instance);
  return cd_from_object(bound);
}

static Ref slot_wrapper_repr(VM *vm, Value self)
{
  return cd_str_format(vm, "<slot wrapper '%U' of '%s' objects>", descriptor_of(self)->name, cd_type_name(descriptor_of(self)->type));
}
static Ref slot_def_doc(VM *vm, const SlotDef *def) { return def->doc ? cd_str_from(vm, def->doc) : cd_none(); }
static Ref slot_def_signature(VM *vm, const SlotDef *def) { return def->signature ? cd_str_from(vm, def->signature) : cd_none(); }
static Ref slot_wrapper_get_doc(VM *vm, Value self) { return slot_def_doc(vm, slot_wrapper_of(self)->def); }
static Ref slot_wrapper_get_signature(VM *vm, Value self) { return slot_def_signature(vm, slot_wrapper_of(self)->def); }

static const GetSetDef slot_wrapper_getset[] = {
  {"__doc__", NULL, slot_wrapper_get_doc, NULL}, {"__text_signature__", NULL, slot_wrapper_get_signature, NULL}, DESCRIPTOR_COMMON, {0}};
const TypeSpec cd_slot_wrapper_spec = {
  .name = "wrapper_descriptor",
  .basicsize = sizeof(SlotWrapper),
  .flags = TYPE_GC | TYPE_NO_NEW | TYPE_METHOD_DESCRIPTOR,
  .methods = descriptor_methods,
  .getset = slot_wrapper_getset,
  .slots = {.release = descriptor_release, .traverse = descriptor_traverse, .repr = slot_wrapper_repr, .call = slot_wrapper_call,
            .descr_get = slot_wrapper_descr_get},
};

// ---- method-wrapper: a slot wrapper bound to an object ----

static MethodWrapper *method_wrapper_of(Value v) { return (MethodWrapper *)cd_object(v); }

static Ref method_wrapper_call(VM *vm, Value callable, const Value *args, size_t nargs, Value kwnames)
{
  MethodWrapper *bound = method_wrapper_of(callable);
  return slot_wrapper_invoke(vm, bound->wrapper, bound->self, args, nargs, kwnames);
}

static Ref method_wrapper_repr(VM *vm, Value self)
{
  MethodWrapper *bound = method_wrapper_of(self);
  char address[32];
  snprintf(address, sizeof address, "0x%llx", (unsigned long long)cd_bits(bound->self));
  return cd_str_format(vm, "<method-wrapper '%U' of %s object at %s>", bound->wrapper->name, cd_type_name(cd_type_of(vm, bound->self)),
                       address);
}

static Ref method_wrapper_compare(VM *vm, Value self, Value other, CompareOp op)
{
  if ((op != COMPARE_EQ && op != COMPARE_NE) || !cd_is_exact(self, vm->types.method_wrapper) ||
      !cd_is_exact(other, vm->types.method_wrapper))
    return cd_not_implemented();
  MethodWrapper *a = method_wrapper_of(self), *b = method_wrapper_of(other);
  bool equal = a->wrapper == b->wrapper && cd_is(a->self, b->self);
  return cd_bool(equal == (op == COMPARE_EQ));
}

static bool method_wrapper_hash(VM *vm, Value self, int64_t *out)
{
  MethodWrapper *bound = method_wrapper_of(self);
  *out = cd_hash_pointer((void *)((uintptr_t)cd_bits(bound->self) ^ (uintptr_t)bound->wrapper));
  return true;
}

static Ref method_wrapper_get_self(VM *vm, Value self) { return cd_dup(method_wrapper_of(self)->self); }
static Ref method_wrapper_get_name(VM *vm, Value self) { return cd_dup(method_wrapper_of(self)->wrapper->name); }
static Ref method_wrapper_get_objclass(VM *vm, Value self) { return cd_dup_object(method_wrapper_of(self)->wrapper->type); }
static Ref method_wrapper_get_qualname(VM *vm, Value self)
{
  return descriptor_get_qualname(vm, cd_from_object(method_wrapper_of(self)->wrapper));
}
static Ref method_wrapper_get_doc(VM *vm, Value self) { return slot_def_doc(vm, method_wrapper_of(self)->wrapper->def); }
static Ref method_wrapper_get_signature(VM *vm, Value self) { return slot_def_signature(vm, method_wrapper_of(self)->wrapper->def); }
METHOD(method_wrapper, __reduce__, "__reduce__(self, /)", "Helper for pickle.")
{
  Ref getattr = cd_getattr(vm, vm->builtins, N(getattr));
  return cd_tuple2_steal(vm, getattr, cd_tuple2(vm, method_wrapper_of(self)->self, method_wrapper_of(self)->wrapper->name));
}

static void method_wrapper_traverse(Object *self, VisitFn visit, void *context)
{
  MethodWrapper *bound = (MethodWrapper *)self;
  visit(context, bound->self);
  if (bound->wrapper) visit(context, cd_from_object(bound->wrapper));
}
static void method_wrapper_release(VM *vm, Object *self)
{
  MethodWrapper *bound = (MethodWrapper *)self;
  cd_clear(vm, &bound->self);
  cd_drop_object(vm, bound->wrapper);
}

static const MethodDef *const method_wrapper_methods[] = {&method_wrapper___reduce___def, NULL};
static const GetSetDef method_wrapper_getset[] = {
  {"__self__", NULL, method_wrapper_get_self, NULL},         {"__objclass__", NULL, method_wrapper_get_objclass, NULL},
  {"__name__", NULL, method_wrapper_get_name, NULL},         {"__qualname__", NULL, method_wrapper_get_qualname, NULL},
  {"__doc__", NULL, method_wrapper_get_doc, NULL},           {"__text_signature__", NULL, method_wrapper_get_signature, NULL},
  {0}};
const TypeSpec cd_method_wrapper_spec = {
  .name = "method-wrapper",
  .basicsize = sizeof(MethodWrapper),
  .flags = TYPE_GC | TYPE_NO_NEW,
  .methods = method_wrapper_methods,
  .getset = method_wrapper_getset,
  .slots = {.release = method_wrapper_release,
            .traverse = method_wrapper_traverse,
            .repr = method_wrapper_repr,
            .hash = method_wrapper_hash,
            .call = method_wrapper_call,
            .compare = method_wrapper_compare},
};
