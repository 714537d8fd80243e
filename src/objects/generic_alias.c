// SPDX-License-Identifier: MIT
// generic_alias.c: list[int] (PEP 585), and the type parameters that it shares with unions
#include "objects/generic_alias.h"
#include "objects/dict.h"
#include "objects/function.h"
#include "objects/list.h"
#include "objects/protocol.h"
#include "objects/tuple.h"
#include "objects/type.h"

typedef struct GenericAlias {
  Object head;
  Value origin, args, parameters;
  bool starred;
  Weakref *weaklist;
} GenericAlias;   // values owned
typedef struct AliasIterator { Object head; Value alias; } AliasIterator;

static GenericAlias *alias_of(Value v) { return (GenericAlias *)cd_object(v); }
static bool is_alias(VM *vm, Value v) { return cd_is_instance_of(vm, v, vm->types.generic_alias); }

static Ref alias_make(VM *vm, Type *type, Value origin, Value args, bool starred)
{
  GenericAlias *alias = cd_instance_new(vm, type);
  if (!alias) return NO_REF;
  alias->origin = cd_dup(origin);
  alias->args = cd_is_tuple(args) ? cd_dup(args) : cd_tuple1(vm, args);
  alias->starred = starred;
  if (alias->args) return cd_from_object(alias);
  cd_drop_object(vm, alias);
  return NO_REF;
}

Ref cd_generic_alias_new(VM *vm, Value origin, Value args) { return alias_make(vm, vm->types.generic_alias, origin, args, false); }

static Ref alias_new_slot(VM *vm, Type *type, const Value *args, size_t nargs, Value kwnames)
{
  if (!cd_no_keywords(vm, "GenericAlias", kwnames) || !cd_check_positional(vm, "GenericAlias", nargs, 2, 2)) return NO_REF;
  return alias_make(vm, type, args[0], args[1], false);
}

// ---- repr ----

static Find alias_has(VM *vm, Value v, const char *name)
{
  Ref key = cd_intern(vm, name), found;
  if (!key) return FIND_ERROR;
  Find find = cd_getattr_find(vm, v, key, &found);
  cd_drop(vm, key);
  if (find == FIND_HIT) cd_drop(vm, found);
  return find;
}

// "int", "collections.deque": classes by their name, everything else by its repr.
bool cd_type_argument_repr(VM *vm, TextBuilder *text, Value argument)
{
  if (cd_is_ellipsis(argument)) return cd_text_puts(text, "...");
  Find origin = alias_has(vm, argument, "__origin__");
  Find args = origin == FIND_HIT ? alias_has(vm, argument, "__args__") : origin;
  if (args == FIND_ERROR) return false;
  if (args == FIND_HIT) return cd_text_repr(text, argument);
  Ref qualname = NO_REF, module = NO_REF;
  Find found = cd_getattr_find(vm, argument, N(__qualname__), &qualname);
  if (found == FIND_MISSING) return cd_text_repr(text, argument);
  if (found == FIND_ERROR) return false;
  bool ok = (found = cd_getattr_find(vm, argument, N(__module__), &module)) != FIND_ERROR;
  if (found != FIND_HIT) module = NO_REF;
  if (ok && (!module || cd_is_none(module))) ok = cd_text_repr(text, argument);
  else if (ok && cd_str_is(module, "builtins")) ok = cd_text_format(text, "%S", qualname);
  else if (ok) ok = cd_text_format(text, "%S.%S", module, qualname);
  cd_drop(vm, qualname);
  cd_drop(vm, module);
  return ok;
}

static Ref alias_repr(VM *vm, Value self)
{
  GenericAlias *alias = alias_of(self);
  TextBuilder text;
  cd_text_init(&text, vm);
  bool ok = (!alias->starred || cd_text_puts(&text, "*")) && cd_type_argument_repr(vm, &text, alias->origin) && cd_text_puts(&text, "[");
  size_t n = cd_tuple_size(alias->args);
  for (size_t i = 0; ok && i < n; i++)
    ok = (!i || cd_text_puts(&text, ", ")) && cd_type_argument_repr(vm, &text, cd_tuple_item_borrow(alias->args, i));
  if (ok && !n) ok = cd_text_puts(&text, "()");
  if (ok && cd_text_puts(&text, "]")) return cd_text_finish(&text);
  cd_text_clear(&text);
  return NO_REF;
}

// ---- type parameters ----

static int64_t parameter_index(Value parameters, Value item)
{
  for (size_t i = 0; i < cd_tuple_size(parameters); i++)
    if (cd_is(cd_tuple_item_borrow(parameters, i), item)) return (int64_t)i;
  return -1;
}

static bool parameter_add(VM *vm, Value list, Value item)
{
  for (size_t i = 0; i < cd_list_size(list); i++)
    if (cd_is(cd_list_item_borrow(list, i), item)) return true;
  return cd_list_append(vm, cd_as_list(list), item);
}

static bool parameters_collect(VM *vm, Value list, Value argument)
{
  if (cd_is_type(argument)) return true;         // a class's own __parameters__ are not the alias's
  Ref found;
  Find find = cd_getattr_find(vm, argument, N(__typing_subst__), &found);
  if (find == FIND_ERROR) return false;
  if (find == FIND_HIT) {
    cd_drop(vm, found);
    return parameter_add(vm, list, argument);
  }
  find = cd_getattr_find(vm, argument, N(__parameters__), &found);
  if (find != FIND_HIT) return find == FIND_MISSING;
  bool ok = true;
  if (cd_is_tuple(found))
    for (size_t i = 0; ok && i < cd_tuple_size(found); i++) ok = parameter_add(vm, list, cd_tuple_item_borrow(found, i));
  cd_drop(vm, found);
  return ok;
}

Ref cd_type_parameters_of(VM *vm, Value args)
{
  Ref list = cd_list_new(vm);
  bool ok = list != NO_REF;
  for (size_t i = 0; ok && i < cd_tuple_size(args); i++) ok = parameters_collect(vm, list, cd_tuple_item_borrow(args, i));
  Ref tuple = ok ? cd_list_to_tuple(vm, list) : NO_REF;
  cd_drop(vm, list);
  return tuple;
}

// The items that `*tuple[int, str]` stands for; NO_REF without exception: none.
static Find unpacked_arguments(VM *vm, Value item, Ref *out)
{
  if (cd_is_type(item)) return FIND_MISSING;
  if (is_alias(vm, item)) {
    GenericAlias *alias = alias_of(item);
    if (!alias->starred || !cd_is(alias->origin, cd_type_value(vm->types.tuple))) return FIND_MISSING;
    *out = cd_dup(alias->args);
    return FIND_HIT;
  }
  Find found = cd_getattr_find(vm, item, N(__typing_unpacked_tuple_args__), out);
  if (found == FIND_HIT && !cd_is_tuple(*out)) {
    cd_drop(vm, *out);
    return FIND_MISSING;
  }
  return found;
}

static bool arguments_unpack_one(VM *vm, Value list, Value item)
{
  Ref inner;
  Find found = unpacked_arguments(vm, item, &inner);
  if (found == FIND_ERROR) return false;
  if (found == FIND_MISSING) return cd_list_append(vm, cd_as_list(list), item);
  size_t n = cd_tuple_size(inner);
  bool open = n && cd_is_ellipsis(cd_tuple_item_borrow(inner, n - 1));
  bool ok = open ? cd_list_append(vm, cd_as_list(list), item) : cd_list_extend(vm, cd_as_list(list), inner);
  cd_drop(vm, inner);
  return ok;
}

static Ref arguments_unpack(VM *vm, Value item)
{
  Ref list = cd_list_new(vm);
  bool ok = list != NO_REF;
  if (ok && !cd_is_tuple(item)) ok = arguments_unpack_one(vm, list, item);
  for (size_t i = 0; ok && cd_is_tuple(item) && i < cd_tuple_size(item); i++)
    ok = arguments_unpack_one(vm, list, cd_tuple_item_borrow(item, i));
  Ref tuple = ok ? cd_list_to_tuple(vm, list) : NO_REF;
  cd_drop(vm, list);
  return tuple;
}

// Lets every parameter have a look at the arguments (ParamSpec, TypeVarTuple and defaults rearrange them). Steals items.
static Ref arguments_prepare(VM *vm, Value self, Value parameters, Ref items)
{
  for (size_t i = 0; items && i < cd_tuple_size(parameters); i++) {
    Ref prepare;
    Find found = cd_getattr_find(vm, cd_tuple_item_borrow(parameters, i), N(__typing_prepare_subst__), &prepare);
    if (found == FIND_MISSING) continue;
    Ref changed = NO_REF;
    if (found == FIND_HIT && cd_is_none(prepare)) changed = cd_dup(items);
    else if (found == FIND_HIT) changed = cd_call2(vm, prepare, self, items);
    if (found == FIND_HIT) cd_drop(vm, prepare);
    cd_drop(vm, items);
    items = changed;
    if (items && !cd_is_tuple(items)) {
      Ref single = cd_tuple1(vm, items);
      cd_drop(vm, items);
      items = single;
    }
  }
  return items;
}

// An argument that itself has parameters: list[T] inside dict[str, list[T]].
static Ref argument_substitute_inner(VM *vm, Value argument, Value parameters, Value items)
{
  Ref inner;
  Find found = cd_getattr_find(vm, argument, N(__parameters__), &inner);
  if (found == FIND_ERROR) return NO_REF;
  if (found == FIND_MISSING || !cd_is_tuple(inner) || !cd_tuple_size(inner)) {
    if (found == FIND_HIT) cd_drop(vm, inner);
    return cd_dup(argument);
  }
  Ref list = cd_list_new(vm), result = NO_REF;
  bool ok = list != NO_REF;
  for (size_t i = 0; ok && i < cd_tuple_size(inner); i++) {
    Value one = cd_tuple_item_borrow(inner, i);
    int64_t at = parameter_index(parameters, one);
    Value value = at >= 0 ? cd_tuple_item_borrow(items, (size_t)at) : one;
    if (at >= 0 && cd_type_of(vm, one)->slots.iter && cd_is_tuple(value))
      ok = cd_list_extend(vm, cd_as_list(list), value);   // TypeVarTuple
    else ok = cd_list_append(vm, cd_as_list(list), value);
  }
  Ref key = ok ? cd_list_to_tuple(vm, list) : NO_REF;
  if (key) result = cd_getitem(vm, argument, key);
  cd_drop(vm, key);
  cd_drop(vm, list);
  cd_drop(vm, inner);
  return result;
}

static bool argument_is_unpacked(VM *vm, Value argument, bool *out)
{
  Ref name = cd_intern(vm, "__typing_is_unpacked_typevartuple__"), flag;
  *out = false;
  if (!name) return false;
  Find found = cd_getattr_find(vm, argument, name, &flag);
  cd_drop(vm, name);
  if (found != FIND_HIT) return found == FIND_MISSING;
  bool ok = cd_truth(vm, flag, out);
  cd_drop(vm, flag);
  return ok;
}

static bool argument_substitute(VM *vm, Value list, Value argument, Value parameters, Value items)
{
  if (cd_is_type(argument)) return cd_list_append(vm, cd_as_list(list), argument);
  bool unpack;
  Ref subst, value = NO_REF;
  if (!argument_is_unpacked(vm, argument, &unpack)) return false;
  Find found = cd_getattr_find(vm, argument, N(__typing_subst__), &subst);
  if (found == FIND_ERROR) return false;
  if (found == FIND_HIT) {
    int64_t at = parameter_index(parameters, argument);
    value = at < 0 ? cd_dup(argument) : cd_call1(vm, subst, cd_tuple_item_borrow(items, (size_t)at));
    cd_drop(vm, subst);
  } else {
    value = argument_substitute_inner(vm, argument, parameters, items);
  }
  if (!value) return false;
  bool ok = unpack && cd_is_tuple(value) ? cd_list_extend(vm, cd_as_list(list), value) : cd_list_append(vm, cd_as_list(list), value);
  cd_drop(vm, value);
  return ok;
}

Ref cd_type_parameters_substitute(VM *vm, Value self, Value args, Value parameters, Value item)
{
  size_t wanted = cd_tuple_size(parameters);
  if (!wanted) return cd_raise_type(vm, "%R is not a generic class", self);
  Ref items = arguments_unpack(vm, item);
  items = items ? arguments_prepare(vm, self, parameters, items) : NO_REF;
  if (!items) return NO_REF;
  size_t given = cd_tuple_size(items);
  Ref list = NO_REF, result = NO_REF;
  if (given != wanted) {
    cd_raise_type(vm, "Too %s arguments for %R; actual %zu, expected %zu", given > wanted ? "many" : "few", self, given, wanted);
  } else if ((list = cd_list_new(vm))) {
    bool ok = true;
    for (size_t i = 0; ok && i < cd_tuple_size(args); i++)
      ok = argument_substitute(vm, list, cd_tuple_item_borrow(args, i), parameters, items);
    if (ok) result = cd_list_to_tuple(vm, list);
  }
  cd_drop(vm, list);
  cd_drop(vm, items);
  return result;
}

static Ref alias_parameters(VM *vm, Value self)
{
  GenericAlias *alias = alias_of(self);
  if (!alias->parameters && !(alias->parameters = cd_type_parameters_of(vm, alias->args))) return NO_REF;
  return cd_dup(alias->parameters);
}

static Ref alias_getitem(VM *vm, Value self, Value key)
{
  GenericAlias *alias = alias_of(self);
  Ref parameters = alias_parameters(vm, self);
  Ref args = parameters ? cd_type_parameters_substitute(vm, self, alias->args, parameters, key) : NO_REF;
  cd_drop(vm, parameters);
  Ref result = args ? alias_make(vm, vm->types.generic_alias, alias->origin, args, alias->starred) : NO_REF;
  cd_drop(vm, args);
  return result;
}

// ---- behaving like the origin ----

static const char *const alias_own_names[] = {
  "__class__", "__bases__", "__origin__", "__args__", "__unpacked__", "__parameters__", "__typing_unpacked_tuple_args__", "__mro_entries__",
  "__reduce_ex__", "__reduce__", "__copy__", "__deepcopy__"};

static Ref alias_getattr(VM *vm, Value self, Value name)
{
  for (size_t i = 0; i < ARRAY_LEN(alias_own_names); i++)
    if (cd_str_is(name, alias_own_names[i])) return cd_generic_getattr(vm, self, name);
  return cd_getattr(vm, alias_of(self)->origin, name);
}

static Ref alias_call(VM *vm, Value self, const Value *args, size_t nargs, Value kwnames)
{
  Ref object = cd_call(vm, alias_of(self)->origin, args, nargs, kwnames);
  if (!object || cd_setattr(vm, object, N(__orig_class__), self)) return object;
  if (cd_swallow(vm, vm->exc.AttributeError) || cd_swallow(vm, vm->exc.TypeError)) return object;
  cd_drop(vm, object);
  return NO_REF;
}

static bool alias_hash(VM *vm, Value self, int64_t *out)
{
  int64_t origin, args;
  if (!cd_hash(vm, alias_of(self)->origin, &origin) || !cd_hash(vm, alias_of(self)->args, &args)) return false;
  *out = origin ^ args;
  if (*out == -1) *out = -2;
  return true;
}

static Ref alias_compare(VM *vm, Value self, Value other, CompareOp op)
{
  if ((op != COMPARE_EQ && op != COMPARE_NE) || !is_alias(vm, self) || !is_alias(vm, other)) return cd_not_implemented();
  GenericAlias *a = alias_of(self), *b = alias_of(other);
  bool equal = a->starred == b->starred;
  if (equal && !cd_equal(vm, a->origin, b->origin, &equal)) return NO_REF;
  if (equal && !cd_equal(vm, a->args, b->args, &equal)) return NO_REF;
  return cd_bool(equal == (op == COMPARE_EQ));
}

static Ref alias_or(VM *vm, Value left, Value right) { return cd_union_new(vm, left, right); }

static Ref alias_iter(VM *vm, Value self)
{
  AliasIterator *iterator = cd_object_new(vm, vm->types.generic_alias_iterator, sizeof *iterator);
  if (!iterator) return NO_REF;
  iterator->alias = cd_dup(self);
  return cd_from_object(iterator);
}

METHOD(alias, __mro_entries__, "__mro_entries__(self, bases, /)", NULL) { return cd_tuple1(vm, alias_of(self)->origin); }
METHOD(alias, __instancecheck__, "__instancecheck__(self, instance, /)", NULL)
{
  return cd_raise_type(vm, "isinstance() argument 2 cannot be a parameterized generic");
}
METHOD(alias, __subclasscheck__, "__subclasscheck__(self, subclass, /)", NULL)
{
  return cd_raise_type(vm, "issubclass() argument 2 cannot be a parameterized generic");
}
METHOD(alias, __reduce__, "__reduce__(self, /)", NULL)
{
  GenericAlias *alias = alias_of(self);
  if (!alias->starred) return cd_tuple2_steal(vm, cd_dup_object(cd_type_of(vm, self)), cd_tuple2(vm, alias->origin, alias->args));
  Ref next = cd_getattr(vm, vm->builtins, N(next));
  Ref plain = cd_generic_alias_new(vm, alias->origin, alias->args);
  Ref iterator = plain ? alias_iter(vm, plain) : NO_REF;
  Ref inner = iterator ? cd_tuple1(vm, iterator) : NO_REF;
  cd_drop(vm, plain);
  cd_drop(vm, iterator);
  return cd_tuple2_steal(vm, next, inner);
}
METHOD(alias, __dir__, "__dir__(self, /)", NULL)
{
  Ref list = cd_object_dir(vm, alias_of(self)->origin);
  for (size_t i = 0; list && i < ARRAY_LEN(alias_own_names); i++) {
    Ref name = cd_intern(vm, alias_own_names[i]);
    bool known = false;
    if (!name || !cd_contains(vm, list, name, &known) || (!known && !cd_list_append(vm, cd_as_list(list), name))) {
      cd_drop(vm, list);
      list = NO_REF;
    }
    cd_drop(vm, name);
  }
  return list;
}

static Ref alias_get_unpacked_args(VM *vm, Value self)
{
  GenericAlias *alias = alias_of(self);
  return alias->starred && cd_is(alias->origin, cd_type_value(vm->types.tuple)) ? cd_dup(alias->args) : cd_none();
}

static void alias_traverse(Object *self, VisitFn visit, void *context)
{
  GenericAlias *alias = (GenericAlias *)self;
  visit(context, alias->origin);
  visit(context, alias->args);
  visit(context, alias->parameters);
}
static void alias_release(VM *vm, Object *self)
{
  GenericAlias *alias = (GenericAlias *)self;
  cd_clear(vm, &alias->origin);
  cd_clear(vm, &alias->args);
  cd_clear(vm, &alias->parameters);
}

static const MethodDef *const alias_methods[] = {&alias___mro_entries___def, &alias___instancecheck___def, &alias___subclasscheck___def,
                                                 &alias___reduce___def, &alias___dir___def, NULL};
static const GetSetDef alias_getset[] = {
  {"__parameters__", "Type variables in the GenericAlias.", alias_parameters, NULL},
  {"__typing_unpacked_tuple_args__", NULL, alias_get_unpacked_args, NULL},
  {0}};
static const MemberDef alias_members[] = {
  {"__origin__", offsetof(GenericAlias, origin), MEMBER_VALUE_OR_NONE, false, NULL},
  {"__args__", offsetof(GenericAlias, args), MEMBER_VALUE_OR_NONE, false, NULL},
  {"__unpacked__", offsetof(GenericAlias, starred), MEMBER_BOOL8, false, NULL},
  {0}};
const TypeSpec cd_generic_alias_spec = {
  .name = "types.GenericAlias",
  .doc = "Represent a PEP 585 generic type\n\nE.g. for t = list[int], t.__origin__ is list and t.__args__ is (int,).",
  .basicsize = sizeof(GenericAlias),
  .flags = TYPE_BASE | TYPE_GC | TYPE_HAS_WEAKREFS,
  .weaklist_offset = offsetof(GenericAlias, weaklist),
  .methods = alias_methods,
  .getset = alias_getset,
  .members = alias_members,
  .slots = {.release = alias_release,
            .traverse = alias_traverse,
            .repr = alias_repr,
            .hash = alias_hash,
            .call = alias_call,
            .getattr = alias_getattr,
            .compare = alias_compare,
            .iter = alias_iter,
            .new_ = alias_new_slot,
            .or_ = alias_or,
            .getitem = alias_getitem},
};

// ---- *list[int]: iterating gives the starred alias once ----

static Next alias_iterator_next(VM *vm, Value self, Ref *out)
{
  AliasIterator *iterator = (AliasIterator *)cd_object(self);
  if (!iterator->alias) return NEXT_DONE;
  GenericAlias *alias = alias_of(iterator->alias);
  if (!(*out = alias_make(vm, cd_type_of(vm, iterator->alias), alias->origin, alias->args, true))) return NEXT_ERROR;
  cd_clear(vm, &iterator->alias);
  return NEXT_ITEM;
}
static Ref alias_iterator_iter(VM *vm, Value self) { return cd_dup(self); }
METHOD(alias_iterator, __reduce__, "__reduce__(self, /)", NULL)
{
  AliasIterator *iterator = (AliasIterator *)cd_object(self);
  Ref iter = cd_getattr(vm, vm->builtins, N(iter));
  Ref empty = iterator->alias ? cd_dup(iterator->alias) : cd_tuple_new(vm, 0);
  Ref inner = empty ? cd_tuple1(vm, empty) : NO_REF;
  cd_drop(vm, empty);
  return cd_tuple2_steal(vm, iter, inner);
}
static void alias_iterator_traverse(Object *self, VisitFn visit, void *context) { visit(context, ((AliasIterator *)self)->alias); }
static void alias_iterator_release(VM *vm, Object *self) { cd_clear(vm, &((AliasIterator *)self)->alias); }
static const MethodDef *const alias_iterator_methods[] = {&alias_iterator___reduce___def, NULL};
const TypeSpec cd_generic_alias_iterator_spec = {
  .name = "generic_alias_iterator",
  .basicsize = sizeof(AliasIterator),
  .flags = TYPE_GC,
  .methods = alias_iterator_methods,
  .slots = {
    .release = alias_iterator_release, .traverse = alias_iterator_traverse, .iter = alias_iterator_iter, .next = alias_iterator_next}};
