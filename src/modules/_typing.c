// SPDX-License-Identifier: MIT
// _typing.c: the native part of the typing module; type parameters and aliases made by syntax
//
// The installed typing module is older than PEP 695: its TypeVar has no bound that is evaluated late, no default. So the parameters made by
// syntax are instances of subclasses of its classes, which add just that and look like them; aliases are a type of our own. The subclasses
// are made when the first of them is needed.
#include "modules/module_list.h"
#include "objects/dict.h"
#include "objects/generic_alias.h"
#include "objects/instance.h"
#include "objects/list.h"
#include "objects/module.h"
#include "objects/protocol.h"
#include "objects/str.h"
#include "objects/tuple.h"
#include "objects/type.h"
#include "vm/vm_api.h"

typedef struct TypingState {
  Type *type_var, *param_spec, *type_var_tuple;  // owned; NULL: not needed yet
  Type *alias;                                   // owned
  Value no_default;                              // owned
} TypingState;

static TypingState *typing_state(VM *vm) { return cd_state(vm, MODULE__typing); }

static Ref typing_caller_module(VM *vm)
{
  const Frame *frame = vm->thread->frame;
  Value name = frame ? cd_dict_get_name_borrow(vm, frame->globals, N(__name__)) : NO_VALUE;
  return name ? cd_dup(name) : cd_none();
}

// ---- parameters ----

// Instances keep the functions that evaluate and what they gave as attributes; their names are no identifiers, so nobody meets them.
static bool param_set(VM *vm, Value self, const char *attribute, Ref value)
{
  Ref name = value ? cd_intern(vm, attribute) : NO_REF;
  bool ok = name && cd_instance_set(vm, cd_object(self), name, value);
  cd_drop(vm, name);
  cd_drop(vm, value);
  return ok;
}

static Find param_find(VM *vm, Value self, const char *attribute, Ref *out)
{
  Ref name = cd_intern(vm, attribute);
  Find found = name ? cd_instance_get(vm, cd_object(self), name, out) : FIND_ERROR;
  cd_drop(vm, name);
  return found;
}

// What `function` gives, asked once; `other` is consumed and given if there is no such function.
static Ref param_evaluate(VM *vm, Value self, const char *value, const char *function, Ref other)
{
  Ref result, evaluate;
  Find found = param_find(vm, self, value, &result);
  if (found == FIND_MISSING) {
    found = param_find(vm, self, function, &evaluate);
    if (found == FIND_MISSING) return other;
    if (found == FIND_HIT) {
      result = cd_call0(vm, evaluate);
      cd_drop(vm, evaluate);
      if (!result || !param_set(vm, self, value, cd_dup(result))) {
        cd_drop(vm, result);
        found = FIND_ERROR;
      }
    }
  }
  cd_drop(vm, other);
  return found == FIND_HIT ? result : NO_REF;
}

static Ref param_get_bound(VM *vm, Value self) { return param_evaluate(vm, self, ".bound", ".evaluate_bound", cd_none()); }
static Ref param_get_constraints(VM *vm, Value self)
{
  Ref empty = cd_tuple_new(vm, 0);
  return empty ? param_evaluate(vm, self, ".constraints", ".evaluate_constraints", empty) : NO_REF;
}
static Ref param_get_default(VM *vm, Value self)
{
  return param_evaluate(vm, self, ".default", ".evaluate_default", cd_dup(typing_state(vm)->no_default));
}
static Ref param_get_false(VM *vm UNUSED, Value self UNUSED) { return cd_bool(false); }
static Ref param_get_true(VM *vm UNUSED, Value self UNUSED) { return cd_bool(true); }
static Ref param_repr(VM *vm, Value self)
{
  Ref name = cd_getattr(vm, self, N(__name__)), text = name ? cd_str(vm, name) : NO_REF;
  cd_drop(vm, name);
  return text;
}

METHOD(param, has_default, "has_default(self, /)", "Was the parameter given a default?")
{
  Ref evaluate;
  Find found = param_find(vm, self, ".evaluate_default", &evaluate);
  if (found == FIND_HIT) cd_drop(vm, evaluate);
  return found == FIND_ERROR ? NO_REF : cd_bool(found == FIND_HIT);
}

static const MethodDef *const param_methods[] = {&param_has_default_def, NULL};
static const GetSetDef type_var_getset[] = {
  {"__bound__", NULL, param_get_bound, NULL},
  {"__constraints__", NULL, param_get_constraints, NULL},
  {"__default__", NULL, param_get_default, NULL},
  {"__covariant__", NULL, param_get_false, NULL},
  {"__contravariant__", NULL, param_get_false, NULL},
  {"__infer_variance__", NULL, param_get_true, NULL},
  {0},
};
static const GetSetDef param_spec_getset[] = {
  {"__bound__", NULL, param_get_bound, NULL},
  {"__default__", NULL, param_get_default, NULL},
  {"__covariant__", NULL, param_get_false, NULL},
  {"__contravariant__", NULL, param_get_false, NULL},
  {"__infer_variance__", NULL, param_get_true, NULL},
  {0},
};
static const GetSetDef type_var_tuple_getset[] = {{"__default__", NULL, param_get_default, NULL}, {0}};

#define PARAM_SPEC(symbol, text, table) \
  static const TypeSpec symbol = {      \
    .name = "typing." text, .flags = TYPE_NO_NEW, .methods = param_methods, .getset = table, .slots = {.repr = param_repr}}
PARAM_SPEC(type_var_spec, "TypeVar", type_var_getset);
PARAM_SPEC(param_spec_spec, "ParamSpec", param_spec_getset);
PARAM_SPEC(type_var_tuple_spec, "TypeVarTuple", type_var_tuple_getset);

static Type *param_type(VM *vm, Type **slot, const TypeSpec *spec, const char *base_name)
{
  if (*slot) return *slot;
  Ref base = cd_import_attr(vm, "typing", base_name);
  if (base && !cd_is_type(base)) cd_raise_type(vm, "typing.%s is not a class", base_name);
  else if (base) *slot = cd_type_from_spec(vm, spec, base);
  cd_drop(vm, base);
  return *slot;
}

// `attribute` names the function that evaluates args[1]; NULL: args[1] is the default.
static Ref param_new(VM *vm, Type *type, const Value *args, const char *attribute)
{
  Object *self = type ? cd_instance_new(vm, type) : NULL;
  if (!self) return NO_REF;
  Ref result = cd_from_object(self);
  Value default_value = attribute ? args[2] : args[1];
  bool ok = param_set(vm, result, "__name__", cd_dup(args[0]));
  if (ok && attribute && !cd_is_none(args[1])) ok = param_set(vm, result, attribute, cd_dup(args[1]));
  if (ok && !cd_is_none(default_value)) ok = param_set(vm, result, ".evaluate_default", cd_dup(default_value));
  if (ok) return result;
  cd_drop(vm, result);
  return NO_REF;
}

FUNCTION(_typing, _type_var, "_type_var(name, bound, default, /)", NULL)
{
  return param_new(vm, param_type(vm, &typing_state(vm)->type_var, &type_var_spec, "TypeVar"), args, ".evaluate_bound");
}

FUNCTION(_typing, _constrained_type_var, "_constrained_type_var(name, constraints, default, /)", NULL)
{
  return param_new(vm, param_type(vm, &typing_state(vm)->type_var, &type_var_spec, "TypeVar"), args, ".evaluate_constraints");
}

FUNCTION(_typing, _param_spec, "_param_spec(name, default, /)", NULL)
{
  return param_new(vm, param_type(vm, &typing_state(vm)->param_spec, &param_spec_spec, "ParamSpec"), args, NULL);
}

FUNCTION(_typing, _type_var_tuple, "_type_var_tuple(name, default, /)", NULL)
{
  return param_new(vm, param_type(vm, &typing_state(vm)->type_var_tuple, &type_var_tuple_spec, "TypeVarTuple"), args, NULL);
}

// ---- the absent default ----

static Ref no_default_repr(VM *vm, Value self UNUSED) { return cd_str_new(vm, "typing.NoDefault", strlen("typing.NoDefault")); }
METHOD(no_default, __reduce__, "__reduce__(self, /)", NULL) { return cd_str_new(vm, "NoDefault", strlen("NoDefault")); }
static const MethodDef *const no_default_methods[] = {&no_default___reduce___def, NULL};
static const TypeSpec no_default_spec = {
  .name = "typing.NoDefaultType",
  .doc = "The type of NoDefault: what a type parameter without default has as default.",
  .basicsize = sizeof(Object),
  .flags = TYPE_NO_NEW | TYPE_IMMUTABLE,
  .methods = no_default_methods,
  .slots = {.repr = no_default_repr},
};

// ---- aliases ----

// `type name[params] = value`
typedef struct TypeAlias {
  Object head;
  Value name, module;                            // owned
  Value params;                                  // owned tuple
  Value evaluate, value;                         // owned; the function while nobody has asked for the value, then the value
  Weakref *weaklist;
} TypeAlias;

static inline TypeAlias *type_alias_of(Value v) { return (TypeAlias *)cd_object(v); }

static Ref type_alias_make(VM *vm, Type *type, Value name, Value params, Ref evaluate, Ref value)
{
  TypeAlias *alias = cd_instance_new(vm, type);
  if (!alias) {
    cd_drop(vm, evaluate);
    cd_drop(vm, value);
    return NO_REF;
  }
  Ref result = cd_from_object(alias);
  alias->name = cd_dup(name);
  alias->evaluate = evaluate;
  alias->value = value;
  alias->module = typing_caller_module(vm);
  if (!(alias->params = params && !cd_is_none(params) ? cd_dup(params) : cd_tuple_new(vm, 0))) cd_forget(vm, &result);
  return result;
}

FUNCTION(_typing, _type_alias, "_type_alias(name, params, evaluate, /)", NULL)
{
  return type_alias_make(vm, typing_state(vm)->alias, args[0], args[1], cd_dup(args[2]), NO_REF);
}

static Ref type_alias_new(VM *vm, Type *type, const Value *args, size_t nargs, Value kwnames)
{
  Value bound[3];
  Ref owned[2] = {NO_REF, NO_REF};
  if (!cd_bind_text(vm, "typealias(name, value, *, type_params=())", args, nargs, kwnames, bound, owned)) return NO_REF;
  if (!cd_is_str(bound[0])) return cd_raise_type(vm, "typealias() argument 'name' must be str, not %T", bound[0]);
  if (bound[2] && !cd_is_tuple(bound[2])) return cd_raise_type(vm, "type_params must be a tuple");
  return type_alias_make(vm, type, bound[0], bound[2], NO_REF, cd_dup(bound[1]));
}

static void type_alias_release(VM *vm, Object *self)
{
  TypeAlias *alias = (TypeAlias *)self;
  cd_clear(vm, &alias->name);
  cd_clear(vm, &alias->module);
  cd_clear(vm, &alias->params);
  cd_clear(vm, &alias->evaluate);
  cd_clear(vm, &alias->value);
}

static void type_alias_traverse(Object *self, VisitFn visit, void *context)
{
  TypeAlias *alias = (TypeAlias *)self;
  visit(context, alias->params);
  visit(context, alias->evaluate);
  visit(context, alias->value);
}

static void type_alias_clear(VM *vm, Object *self)
{
  TypeAlias *alias = (TypeAlias *)self;
  cd_clear(vm, &alias->evaluate);
  cd_clear(vm, &alias->value);
}

static Ref type_alias_get_value(VM *vm, Value self)
{
  TypeAlias *alias = type_alias_of(self);
  if (alias->value) return cd_dup(alias->value);
  if (!alias->evaluate) return cd_none();        // cleared by the collector
  Ref evaluate = cd_dup(alias->evaluate), value = cd_call0(vm, evaluate);
  cd_drop(vm, evaluate);
  if (!value) return NO_REF;
  if (!alias->value) alias->value = cd_dup(value);
  cd_clear(vm, &alias->evaluate);
  return value;
}

// The type parameters as they stand in an argument list: those that stand for many unpacked.
static Ref type_alias_get_parameters(VM *vm, Value self)
{
  Value params = type_alias_of(self)->params;
  const Type *many = typing_state(vm)->type_var_tuple;
  Ref items = cd_list_new(vm);
  for (size_t i = 0; items && i < cd_tuple_size(params); i++) {
    Value param = cd_tuple_item_borrow(params, i);
    bool ok = cd_type_of(vm, param) == many ? cd_list_extend(vm, cd_as_list(items), param) : cd_list_append(vm, cd_as_list(items), param);
    if (!ok) cd_forget(vm, &items);
  }
  Ref result = items ? cd_tuple_from(vm, items) : NO_REF;
  cd_drop(vm, items);
  return result;
}

static Ref type_alias_repr(VM *vm UNUSED, Value self) { return cd_dup(type_alias_of(self)->name); }

static Ref type_alias_getitem(VM *vm, Value self, Value args)
{
  if (!cd_tuple_size(type_alias_of(self)->params)) return cd_raise_type(vm, "Only generic type aliases are subscriptable");
  return cd_generic_alias_new(vm, self, args);
}

static Ref type_alias_or(VM *vm, Value left, Value right)
{
  Ref pair = cd_tuple2(vm, left, right), union_ = pair ? cd_import_attr(vm, "typing", "Union") : NO_REF;
  Ref result = union_ ? cd_getitem(vm, union_, pair) : NO_REF;
  cd_drop(vm, pair);
  cd_drop(vm, union_);
  return result;
}

METHOD(type_alias, __reduce__, "__reduce__(self, /)", NULL) { return cd_dup(type_alias_of(self)->name); }

static const MethodDef *const type_alias_methods[] = {&type_alias___reduce___def, NULL};
static const MemberDef type_alias_members[] = {
  {"__name__", offsetof(TypeAlias, name), MEMBER_VALUE, false, NULL},
  {"__module__", offsetof(TypeAlias, module), MEMBER_VALUE, false, NULL},
  {"__type_params__", offsetof(TypeAlias, params), MEMBER_VALUE, false, NULL},
  {0},
};
static const GetSetDef type_alias_getset[] = {
  {"__value__", NULL, type_alias_get_value, NULL}, {"__parameters__", NULL, type_alias_get_parameters, NULL}, {0}};
static const TypeSpec type_alias_spec = {
  .name = "typing.TypeAliasType",
  .doc = "TypeAliasType(name, value, *, type_params=())\n--\n\nA type alias, as the type statement makes it.",
  .basicsize = sizeof(TypeAlias),
  .flags = TYPE_GC | TYPE_IMMUTABLE | TYPE_HAS_WEAKREFS,
  .weaklist_offset = offsetof(TypeAlias, weaklist),
  .methods = type_alias_methods,
  .getset = type_alias_getset,
  .members = type_alias_members,
  .slots = {.release = type_alias_release,
            .traverse = type_alias_traverse,
            .clear = type_alias_clear,
            .new_ = type_alias_new,
            .repr = type_alias_repr,
            .getitem = type_alias_getitem,
            .or_ = type_alias_or},
};

// ---- the module ----

FUNCTION(_typing, _idfunc, "_idfunc(x, /)", NULL) { return cd_dup(args[0]); }

static bool typing_exec(VM *vm, Value module)
{
  TypingState *s = typing_state(vm);
  if (!s->alias && !(s->alias = cd_type_from_spec(vm, &type_alias_spec, NO_VALUE))) return false;
  if (!s->no_default) {
    Type *type = cd_type_from_spec(vm, &no_default_spec, NO_VALUE);
    Object *made = type ? cd_instance_new(vm, type) : NULL;
    cd_drop_object(vm, type);
    if (!made) return false;
    s->no_default = cd_from_object(made);
  }
  return cd_module_add(vm, module, "TypeAliasType", cd_dup_object(s->alias)) &&
         cd_module_add(vm, module, "NoDefault", cd_dup(s->no_default));
}

static void typing_traverse(void *p, VisitFn visit, void *context)
{
  TypingState *s = p;
  Type *const types[] = {s->type_var, s->param_spec, s->type_var_tuple, s->alias};
  for (size_t i = 0; i < ARRAY_LEN(types); i++)
    if (types[i]) visit(context, cd_type_value(types[i]));
  visit(context, s->no_default);
}

static void typing_clear(VM *vm, void *p)
{
  TypingState old = *(TypingState *)p;
  *(TypingState *)p = (TypingState){0};
  cd_drop_object(vm, old.type_var);
  cd_drop_object(vm, old.param_spec);
  cd_drop_object(vm, old.type_var_tuple);
  cd_drop_object(vm, old.alias);
  cd_drop(vm, cd_from_bits(cd_bits(old.no_default)));
}

static const MethodDef *const typing_functions[] = {&_typing__idfunc_def,
                                                    &_typing__type_var_def,
                                                    &_typing__constrained_type_var_def,
                                                    &_typing__param_spec_def,
                                                    &_typing__type_var_tuple_def,
                                                    &_typing__type_alias_def,
                                                    NULL};
const ModuleDef cd_module__typing = {
  .name = "_typing",
  .doc = "Accelerators for the typing module.",
  .functions = typing_functions,
  .state_size = sizeof(TypingState),
  .exec = typing_exec,
  .traverse = typing_traverse,
  .clear = typing_clear,
};
