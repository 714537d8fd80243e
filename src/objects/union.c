// SPDX-License-Identifier: MIT
// union.c: int | str (PEP 604)
#include "objects/generic_alias.h"
#include "objects/list.h"
#include "objects/protocol.h"
#include "objects/set.h"
#include "objects/tuple.h"
#include "objects/type.h"

typedef struct Union { Object head; Value args, parameters; } Union;             // owned

static Union *union_of(Value v) { return (Union *)cd_object(v); }
static bool is_union(VM *vm, Value v) { return cd_is_exact(v, vm->types.union_); }

Value cd_union_args_borrow(Value union_) { return union_of(union_)->args; }

static bool union_accepts(VM *vm, Value v)
{
  return cd_is_none(v) || cd_is_type(v) || is_union(vm, v) || cd_is_instance_of(vm, v, vm->types.generic_alias);
}

static bool union_add(VM *vm, Value list, Value arg)
{
  if (cd_is_none(arg)) arg = cd_type_value(vm->types.none);
  bool alias = cd_is_instance_of(vm, arg, vm->types.generic_alias);
  for (size_t i = 0; i < cd_list_size(list); i++) {
    Value known = cd_list_item_borrow(list, i);
    bool same = cd_is(known, arg);
    if (!same && alias && cd_is_instance_of(vm, known, vm->types.generic_alias) && !cd_equal(vm, known, arg, &same)) return false;
    if (same) return true;
  }
  return cd_list_append(vm, cd_as_list(list), arg);
}

static bool union_flatten(VM *vm, Value list, Value v)
{
  if (!is_union(vm, v)) return union_add(vm, list, v);
  Value args = union_of(v)->args;
  for (size_t i = 0; i < cd_tuple_size(args); i++)
    if (!union_add(vm, list, cd_tuple_item_borrow(args, i))) return false;
  return true;
}

Ref cd_union_new(VM *vm, Value left, Value right)
{
  if (!union_accepts(vm, left) || !union_accepts(vm, right)) return cd_not_implemented();
  Ref list = cd_list_new(vm), result = NO_REF;
  if (!list || !union_flatten(vm, list, left) || !union_flatten(vm, list, right)) goto done;
  if (cd_list_size(list) == 1) {
    result = cd_dup(cd_list_item_borrow(list, 0));
    goto done;
  }
  Ref args = cd_list_to_tuple(vm, list);
  Union *made = args ? cd_object_new(vm, vm->types.union_, sizeof *made) : NULL;
  if (made) {
    made->args = args;
    result = cd_from_object(made);
  } else {
    cd_drop(vm, args);
  }

done:
  cd_drop(vm, list);
  return result;
}

static Ref union_repr(VM *vm, Value self)
{
  Value args = union_of(self)->args;
  TextBuilder text;
  cd_text_init(&text, vm);
  bool ok = true;
  for (size_t i = 0; ok && i < cd_tuple_size(args); i++) {
    Value arg = cd_tuple_item_borrow(args, i);
    ok = (!i || cd_text_puts(&text, " | "));
    if (ok) ok = cd_is(arg, cd_type_value(vm->types.none)) ? cd_text_puts(&text, "None") : cd_type_argument_repr(vm, &text, arg);
  }
  if (ok) return cd_text_finish(&text);
  cd_text_clear(&text);
  return NO_REF;
}

static bool union_hash(VM *vm, Value self, int64_t *out)
{
  Ref set = cd_frozenset_new(vm, union_of(self)->args);
  bool ok = set && cd_hash(vm, set, out);
  cd_drop(vm, set);
  return ok;
}

static Ref union_compare(VM *vm, Value self, Value other, CompareOp op)
{
  if ((op != COMPARE_EQ && op != COMPARE_NE) || !is_union(vm, self) || !is_union(vm, other)) return cd_not_implemented();
  Ref a = cd_set_new(vm, union_of(self)->args), b = a ? cd_set_new(vm, union_of(other)->args) : NO_REF;
  Ref result = b ? cd_compare(vm, a, b, op) : NO_REF;
  cd_drop(vm, a);
  cd_drop(vm, b);
  return result;
}

static Ref union_or(VM *vm, Value left, Value right) { return cd_union_new(vm, left, right); }

static Ref union_parameters(VM *vm, Value self)
{
  Union *u = union_of(self);
  if (!u->parameters && !(u->parameters = cd_type_parameters_of(vm, u->args))) return NO_REF;
  return cd_dup(u->parameters);
}

static Ref union_getitem(VM *vm, Value self, Value key)
{
  Ref parameters = union_parameters(vm, self);
  Ref args = parameters ? cd_type_parameters_substitute(vm, self, union_of(self)->args, parameters, key) : NO_REF;
  cd_drop(vm, parameters);
  if (!args) return NO_REF;
  Ref result = cd_dup(cd_tuple_item_borrow(args, 0));
  for (size_t i = 1; result && i < cd_tuple_size(args); i++) {
    Ref joined = cd_binary(vm, result, cd_tuple_item_borrow(args, i), BINARY_OR);
    cd_drop(vm, result);
    result = joined;
  }
  cd_drop(vm, args);
  return result;
}

static Ref union_getattr(VM *vm, Value self, Value name)
{
  if (cd_str_is(name, "__module__")) return cd_getattr(vm, cd_type_value(cd_type_of(vm, self)), name);
  return cd_generic_getattr(vm, self, name);
}

static Ref union_check(VM *vm, Value self, Value v, bool (*test)(VM *, Value, Value, bool *), const char *name)
{
  Value args = union_of(self)->args;
  bool yes = false;
  for (size_t i = 0; i < cd_tuple_size(args) && !yes; i++) {
    Value arg = cd_tuple_item_borrow(args, i);
    if (cd_is_instance_of(vm, arg, vm->types.generic_alias))
      return cd_raise_type(vm, "%s() argument 2 cannot be a parameterized generic", name);
    if (cd_is_type(arg) && !test(vm, v, arg, &yes)) return NO_REF;
  }
  return cd_bool(yes);
}
METHOD(union, __instancecheck__, "__instancecheck__(self, instance, /)", NULL)
{
  return union_check(vm, self, args[0], cd_isinstance, "isinstance");
}
METHOD(union, __subclasscheck__, "__subclasscheck__(self, subclass, /)", NULL)
{
  if (!cd_is_type(args[0])) return cd_raise_type(vm, "issubclass() arg 1 must be a class");
  return union_check(vm, self, args[0], cd_issubclass, "issubclass");
}

static void union_traverse(Object *self, VisitFn visit, void *context)
{
  visit(context, ((Union *)self)->args);
  visit(context, ((Union *)self)->parameters);
}
static void union_release(VM *vm, Object *self)
{
  cd_clear(vm, &((Union *)self)->args);
  cd_clear(vm, &((Union *)self)->parameters);
}

static const MethodDef *const union_methods[] = {&union___instancecheck___def, &union___subclasscheck___def, NULL};
static const GetSetDef union_getset[] = {{"__parameters__", "Type variables in the types.UnionType.", union_parameters, NULL}, {0}};
static const MemberDef union_members[] = {{"__args__", offsetof(Union, args), MEMBER_VALUE_OR_NONE, false, NULL}, {0}};
const TypeSpec cd_union_spec = {
  .name = "types.UnionType",
  .doc = "Represent a PEP 604 union type\n\nE.g. for int | str",
  .basicsize = sizeof(Union),
  .flags = TYPE_GC | TYPE_NO_NEW,
  .methods = union_methods,
  .getset = union_getset,
  .members = union_members,
  .slots = {.release = union_release, .traverse = union_traverse, .repr = union_repr, .hash = union_hash, .getattr = union_getattr,
            .compare = union_compare, .or_ = union_or, .getitem = union_getitem},
};
