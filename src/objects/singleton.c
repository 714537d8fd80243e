// SPDX-License-Identifier: MIT
// singleton.c: the types of None, NotImplemented and Ellipsis
#include "objects/protocol.h"
#include "objects/str.h"
#include "objects/tuple.h"
#include "objects/type.h"

static Ref singleton_new(VM *vm, Type *type, size_t nargs, Value kwnames, Ref value)
{
  if (nargs || (kwnames && cd_tuple_size(kwnames))) return cd_raise_type(vm, "%s takes no arguments", cd_str_data(type->name));
  return value;
}

static Ref none_new(VM *vm, Type *type, const Value *args, size_t nargs, Value kwnames)
{
  return singleton_new(vm, type, nargs, kwnames, cd_none());
}
static Ref none_repr(VM *vm, Value self) { return cd_str_from(vm, "None"); }
static bool none_truth(VM *vm, Value self, bool *out)
{
  *out = false;
  return true;
}
const TypeSpec cd_none_spec = {
  .name = "NoneType", .basicsize = sizeof(Object), .slots = {.repr = none_repr, .truth = none_truth, .new_ = none_new}};

static Ref not_implemented_new(VM *vm, Type *type, const Value *args, size_t nargs, Value kwnames)
{
  return singleton_new(vm, type, nargs, kwnames, cd_not_implemented());
}
static Ref not_implemented_repr(VM *vm, Value self) { return cd_str_from(vm, "NotImplemented"); }
static bool not_implemented_truth(VM *vm, Value self, bool *out)
{
  *out = true;
  return cd_warn(vm, vm->exc.DeprecationWarning, 1, "NotImplemented should not be used in a boolean context");
}
METHOD(not_implemented, __reduce__, "__reduce__(self, /)", "Helper for pickle.") { return cd_str_from(vm, "NotImplemented"); }
static const MethodDef *const not_implemented_methods[] = {&not_implemented___reduce___def, NULL};
const TypeSpec cd_not_implemented_spec = {
  .name = "NotImplementedType", .basicsize = sizeof(Object), .methods = not_implemented_methods,
  .slots = {.repr = not_implemented_repr, .truth = not_implemented_truth, .new_ = not_implemented_new}};

static Ref ellipsis_new(VM *vm, Type *type, const Value *args, size_t nargs, Value kwnames)
{
  if (nargs || (kwnames && cd_tuple_size(kwnames))) return cd_raise_type(vm, "EllipsisType takes no arguments");
  return cd_ellipsis();
}
static Ref ellipsis_repr(VM *vm, Value self) { return cd_str_from(vm, "Ellipsis"); }
METHOD(ellipsis, __reduce__, "__reduce__(self, /)", "Helper for pickle.") { return cd_str_from(vm, "Ellipsis"); }
static const MethodDef *const ellipsis_methods[] = {&ellipsis___reduce___def, NULL};
const TypeSpec cd_ellipsis_spec = {
  .name = "ellipsis", .basicsize = sizeof(Object), .methods = ellipsis_methods, .slots = {.repr = ellipsis_repr, .new_ = ellipsis_new}};
