// SPDX-License-Identifier: MIT
// method.c: bound methods
#include "objects/function.h"
#include "objects/protocol.h"
#include "objects/str.h"
#include "objects/tuple.h"

static Method *method_of(Value v) { return (Method *)cd_object(v); }

Ref cd_method_new(VM *vm, Value function, Value self)
{
  Method *method = cd_object_new(vm, vm->types.method, sizeof *method);
  if (!method) return NO_REF;
  method->function = cd_dup(function);
  method->self = cd_dup(self);
  return cd_from_object(method);
}

static Ref method_new_slot(VM *vm, Type *type, const Value *args, size_t nargs, Value kwnames)
{
  if (!cd_no_keywords(vm, "method", kwnames) || !cd_check_positional(vm, "method", nargs, 2, 2)) return NO_REF;
  if (!cd_is_callable(vm, args[0])) return cd_raise_type(vm, "first argument must be callable");
  if (cd_is_none(args[1])) return cd_raise_type(vm, "instance must not be None");
  return cd_method_new(vm, args[0], args[1]);
}

static Ref method_call(VM *vm, Value callable, const Value *args, size_t nargs, Value kwnames)
{
  Method *method = method_of(callable);
  return cd_call_with_self(vm, method->function, method->self, args, nargs, kwnames);
}

// Attributes not found on the method itself are the function's.
static Ref method_getattr(VM *vm, Value self, Value name)
{
  Value descriptor = cd_type_lookup_borrow(vm, vm->types.method, name);
  if (!descriptor) return cd_getattr(vm, method_of(self)->function, name);
  return cd_generic_getattr(vm, self, name);
}

static Ref method_repr(VM *vm, Value self)
{
  Ref name = NO_REF;
  Find found = cd_getattr_find(vm, method_of(self)->function, N(__qualname__), &name);
  if (found == FIND_MISSING) found = cd_getattr_find(vm, method_of(self)->function, N(__name__), &name);
  if (found == FIND_ERROR) return NO_REF;
  if (found == FIND_HIT && !cd_is_str(name)) {
    cd_drop(vm, name);
    found = FIND_MISSING;
  }
  if (found == FIND_MISSING) return cd_str_format(vm, "<bound method ? of %R>", method_of(self)->self);
  Ref text = cd_str_format(vm, "<bound method %U of %R>", name, method_of(self)->self);
  cd_drop(vm, name);
  return text;
}

static Ref method_compare(VM *vm, Value self, Value other, CompareOp op)
{
  if ((op != COMPARE_EQ && op != COMPARE_NE) || !cd_is_exact(other, vm->types.method) || !cd_is_exact(self, vm->types.method))
    return cd_not_implemented();
  bool equal;
  if (!cd_equal(vm, method_of(self)->function, method_of(other)->function, &equal)) return NO_REF;
  equal = equal && cd_is(method_of(self)->self, method_of(other)->self);
  return cd_bool(equal == (op == COMPARE_EQ));
}

static bool method_hash(VM *vm, Value self, int64_t *out)
{
  int64_t function;
  if (!cd_hash(vm, method_of(self)->function, &function)) return false;
  *out = cd_hash_pointer(cd_object(method_of(self)->self)) ^ function;
  if (*out == -1) *out = -2;
  return true;
}

static Ref method_get_doc(VM *vm, Value self)
{
  Ref doc;
  Find found = cd_getattr_find(vm, method_of(self)->function, N(__doc__), &doc);
  return found == FIND_HIT ? doc : found == FIND_MISSING ? cd_none() : NO_REF;
}

METHOD(method, __reduce__, "__reduce__(self, /)", "Helper for pickle.")
{
  Method *method = method_of(self);
  Ref name = cd_getattr(vm, method->function, N(__name__));
  Ref getattr = name ? cd_getattr(vm, vm->builtins, N(getattr)) : NO_REF;
  Ref where = name ? cd_tuple2(vm, method->self, name) : NO_REF;
  cd_drop(vm, name);
  return cd_tuple2_steal(vm, getattr, where);
}

static void method_traverse(Object *self, VisitFn visit, void *context)
{
  visit(context, ((Method *)self)->function);
  visit(context, ((Method *)self)->self);
}
static void method_release(VM *vm, Object *self)
{
  cd_clear(vm, &((Method *)self)->function);
  cd_clear(vm, &((Method *)self)->self);
}

static const MethodDef *const method_methods[] = {&method___reduce___def, NULL};
static const GetSetDef method_getset[] = {{"__doc__", NULL, method_get_doc, NULL}, {0}};
static const MemberDef method_members[] = {
  {"__func__", offsetof(Method, function), MEMBER_VALUE_OR_NONE, false, "the function (or other callable) implementing a method"},
  {"__self__", offsetof(Method, self), MEMBER_VALUE_OR_NONE, false, "the instance to which a method is bound"},
  {0},
};
const TypeSpec cd_method_spec = {
  .name = "method",
  .doc = "method(function, instance)\n--\n\nCreate a bound instance method object.",
  .basicsize = sizeof(Method),
  .flags = TYPE_GC | TYPE_HAS_WEAKREFS,
  .weaklist_offset = offsetof(Method, weaklist),
  .methods = method_methods,
  .getset = method_getset,
  .members = method_members,
  .slots = {.release = method_release, .traverse = method_traverse, .repr = method_repr, .hash = method_hash, .call = method_call,
            .getattr = method_getattr, .compare = method_compare, .new_ = method_new_slot},
};
