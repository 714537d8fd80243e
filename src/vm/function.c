// SPDX-License-Identifier: MIT
// function.c: functions written in Python
#include "objects/function.h"
#include "bytecode/code.h"
#include "objects/dict.h"
#include "objects/module.h"
#include "objects/protocol.h"
#include "objects/str.h"
#include "objects/tuple.h"
#include "objects/type.h"
#include "vm/vm_api.h"

#include <stdio.h>

// ---- functions ----

static Function *function_of(Value v) { return (Function *)cd_object(v); }

uint32_t cd_function_next_version(VM *vm)
{
  if (++vm->next_function_version == 0) vm->next_function_version = 1;
  return vm->next_function_version;
}

// The Dict behind globals["__builtins__"], a module or a dict; the running code's when it is absent.
static Value function_find_builtins(VM *vm, Value globals)
{
  Value builtins = cd_dict_get_name_borrow(vm, globals, N(__builtins__));
  if (!builtins) return vm->thread->frame && vm->thread->frame->builtins ? vm->thread->frame->builtins : vm->builtins_dict;
  if (cd_is_dict(builtins)) return builtins;
  if (cd_is_object(builtins) && cd_type_is_subtype(cd_object(builtins)->type, vm->types.module)) return cd_module_dict(builtins);
  return vm->builtins_dict;
}

Ref cd_function_new(VM *vm, Code *code, Value globals, Value qualname)
{
  Function *f = cd_object_new(vm, vm->types.function, sizeof *f);
  if (!f) return NO_REF;
  f->code = (Code *)cd_object(cd_dup_object(code));
  f->globals = cd_dup(globals);
  Value builtins = function_find_builtins(vm, globals);
  if (builtins) f->builtins = cd_dup(builtins);
  f->name = cd_dup(code->name);
  f->qualname = cd_dup(qualname ? qualname : code->qualname ? code->qualname : code->name);
  Value module = cd_dict_get_name_borrow(vm, globals, N(__name__));
  f->module = module ? cd_dup(module) : NO_REF;
  f->doc = code->docstring && cd_is_str(code->docstring) ? cd_dup(code->docstring) : cd_none();
  f->version = cd_function_next_version(vm);
  return cd_from_object(f);
}

static Ref function_or_none(Value v) { return v ? cd_dup(v) : cd_none(); }

static Ref function_get_code(VM *vm, Value self) { return cd_dup_object(function_of(self)->code); }
static bool function_set_code(VM *vm, Value self, Value value)
{
  Function *f = function_of(self);
  if (!value || !cd_is_exact(value, vm->types.code)) return cd_raise_type(vm, "__code__ must be set to a code object");
  Code *code = (Code *)cd_object(value);
  size_t have = f->closure ? cd_tuple_size(f->closure) : 0;
  if (code->free_count != have)
    return cd_raise_value(vm, "%U() requires a code object with %zu free vars, not %u", f->name, have, code->free_count);
  cd_frames_keep_code(vm, f);
  Code *old = f->code;
  f->code = (Code *)cd_object(cd_dup(value));
  f->version = cd_function_next_version(vm);
  cd_drop_object(vm, old);
  return true;
}

static Ref function_get_name(VM *vm, Value self) { return cd_dup(function_of(self)->name); }
static bool function_set_name(VM *vm, Value self, Value value)
{
  if (!value || !cd_is_str(value)) return cd_raise_type(vm, "__name__ must be set to a string object");
  cd_replace(vm, &function_of(self)->name, cd_dup(value));
  return true;
}
static Ref function_get_qualname(VM *vm, Value self) { return cd_dup(function_of(self)->qualname); }
static bool function_set_qualname(VM *vm, Value self, Value value)
{
  if (!value || !cd_is_str(value)) return cd_raise_type(vm, "__qualname__ must be set to a string object");
  cd_replace(vm, &function_of(self)->qualname, cd_dup(value));
  return true;
}
static Ref function_get_defaults(VM *vm, Value self) { return function_or_none(function_of(self)->defaults); }
static bool function_set_defaults(VM *vm, Value self, Value value)
{
  if (value && cd_is_none(value)) value = NO_VALUE;
  if (value && !cd_is_tuple(value)) return cd_raise_type(vm, "__defaults__ must be set to a tuple object");
  function_of(self)->version = cd_function_next_version(vm);
  cd_replace(vm, &function_of(self)->defaults, value ? cd_dup(value) : NO_REF);
  return true;
}
static Ref function_get_kwdefaults(VM *vm, Value self) { return function_or_none(function_of(self)->kwdefaults); }
static bool function_set_kwdefaults(VM *vm, Value self, Value value)
{
  if (value && cd_is_none(value)) value = NO_VALUE;
  if (value && !cd_is_dict(value)) return cd_raise_type(vm, "__kwdefaults__ must be set to a dict object");
  function_of(self)->version = cd_function_next_version(vm);
  cd_replace(vm, &function_of(self)->kwdefaults, value ? cd_dup(value) : NO_REF);
  return true;
}

// MAKE_FUNCTION leaves (name, value, ...) tuples; the dict is made when somebody looks.
static Ref function_get_annotations(VM *vm, Value self)
{
  Function *f = function_of(self);
  if (f->annotations && cd_is_dict(f->annotations)) return cd_dup(f->annotations);
  Ref dict = cd_dict_new(vm);
  if (!dict) return NO_REF;
  size_t n = f->annotations ? cd_tuple_size(f->annotations) : 0;
  for (size_t i = 0; i + 1 < n; i += 2)
    if (!cd_dict_set(vm, dict, cd_tuple_item_borrow(f->annotations, i), cd_tuple_item_borrow(f->annotations, i + 1))) {
      cd_drop(vm, dict);
      return NO_REF;
    }
  cd_replace(vm, &f->annotations, cd_dup(dict));
  return dict;
}
static bool function_set_annotations(VM *vm, Value self, Value value)
{
  if (value && cd_is_none(value)) value = NO_VALUE;
  if (value && !cd_is_dict(value)) return cd_raise_type(vm, "__annotations__ must be set to a dict object");
  cd_replace(vm, &function_of(self)->annotations, value ? cd_dup(value) : NO_REF);
  return true;
}

static Ref function_get_type_params(VM *vm, Value self)
{
  return function_of(self)->type_params ? cd_dup(function_of(self)->type_params) : cd_tuple_new(vm, 0);
}
static bool function_set_type_params(VM *vm, Value self, Value value)
{
  if (!value || !cd_is_tuple(value)) return cd_raise_type(vm, "__type_params__ must be set to a tuple");
  cd_replace(vm, &function_of(self)->type_params, cd_dup(value));
  return true;
}

static const char *function_check_closure(VM *vm, Code *code, Value closure)
{
  if (code->free_count && !cd_is_tuple(closure)) return "arg 5 (closure) must be tuple";
  return cd_is_none(closure) || cd_is_tuple(closure) ? NULL : "arg 5 (closure) must be None or tuple";
}

static Ref function_new_slot(VM *vm, Type *type, const Value *args, size_t nargs, Value kwnames)
{
  Value in[5];
  Ref owned[2];
  if (!cd_bind_text(vm, "function(code, globals, name=None, argdefs=None, closure=None)", args, nargs, kwnames, in, owned)) return NO_REF;
  if (!cd_is_exact(in[0], vm->types.code))
    return cd_raise_type(vm, "function() argument 'code' must be code, not %s", cd_type_name(cd_type_of(vm, in[0])));
  if (!cd_is_dict(in[1]))
    return cd_raise_type(vm, "function() argument 'globals' must be dict, not %s", cd_type_name(cd_type_of(vm, in[1])));
  for (int i = 2; i < 5; i++)
    if (!in[i]) in[i] = cd_none();
  Code *code = (Code *)cd_object(in[0]);
  if (!cd_is_none(in[2]) && !cd_is_str(in[2])) return cd_raise_type(vm, "arg 3 (name) must be None or string");
  if (!cd_is_none(in[3]) && !cd_is_tuple(in[3])) return cd_raise_type(vm, "arg 4 (defaults) must be None or tuple");
  const char *problem = function_check_closure(vm, code, in[4]);
  if (problem) return cd_raise_type(vm, "%s", problem);
  size_t cells = cd_is_none(in[4]) ? 0 : cd_tuple_size(in[4]);
  if (cells != code->free_count)
    return cd_raise_value(vm, "%U requires closure of length %u, not %zu", code->name, code->free_count, cells);
  for (size_t i = 0; i < cells; i++) {
    Value cell = cd_tuple_item_borrow(in[4], i);
    if (!cd_is_exact(cell, vm->types.cell))
      return cd_raise_type(vm, "arg 5 (closure) expected cell, found %s", cd_type_name(cd_type_of(vm, cell)));
  }
  Ref made = cd_function_new(vm, code, in[1], NO_VALUE);
  if (!made) return NO_REF;
  Function *f = function_of(made);
  if (!cd_is_none(in[2])) cd_replace(vm, &f->name, cd_dup(in[2]));
  if (!cd_is_none(in[3])) f->defaults = cd_dup(in[3]);
  if (!cd_is_none(in[4]) && cells) f->closure = cd_dup(in[4]);
  return made;
}

static Ref function_repr(VM *vm, Value self)
{
  char address[32];
  snprintf(address, sizeof address, "0x%llx", (unsigned long long)cd_bits(self));
  return cd_str_format(vm, "<function %U at %s>", function_of(self)->qualname, address);
}

static Ref function_descr_get(VM *vm, Value self, Value instance, Value owner)
{
  return instance && !cd_is_none(instance) ? cd_method_new(vm, self, instance) : cd_dup(self);
}

// The real one is put into the type's slot by vm/; this stands in the table so that function.__call__ exists.
static Ref function_call(VM *vm, Value self, const Value *args, size_t nargs, Value kwnames)
{
  return vm->types.function->slots.call(vm, self, args, nargs, kwnames);
}

static void function_traverse(Object *self, VisitFn visit, void *context)
{
  Function *f = (Function *)self;
  Value all[] = {f->globals, f->builtins,    f->name,   f->qualname, f->defaults,   f->kwdefaults,
                 f->closure, f->annotations, f->module, f->doc,      f->type_params};
  if (f->code) visit(context, cd_from_object(f->code));
  for (size_t i = 0; i < ARRAY_LEN(all); i++) visit(context, all[i]);
}

static void function_clear(VM *vm, Object *self)
{
  Function *f = (Function *)self;
  cd_clear(vm, &f->globals);
  cd_clear(vm, &f->builtins);
  cd_clear(vm, &f->defaults);
  cd_clear(vm, &f->kwdefaults);
  cd_clear(vm, &f->closure);
  cd_clear(vm, &f->annotations);
  cd_clear(vm, &f->module);
  cd_clear(vm, &f->doc);
  cd_clear(vm, &f->type_params);
  cd_replace(vm, &f->name, cd_dup(N(empty_)));
  cd_replace(vm, &f->qualname, cd_dup(N(empty_)));
}

static void function_release(VM *vm, Object *self)
{
  Function *f = (Function *)self;
  Code *code = f->code;
  f->code = NULL;
  cd_clear(vm, &f->globals);
  cd_clear(vm, &f->builtins);
  cd_clear(vm, &f->name);
  cd_clear(vm, &f->qualname);
  cd_clear(vm, &f->defaults);
  cd_clear(vm, &f->kwdefaults);
  cd_clear(vm, &f->closure);
  cd_clear(vm, &f->annotations);
  cd_clear(vm, &f->module);
  cd_clear(vm, &f->doc);
  cd_clear(vm, &f->type_params);
  cd_drop_object(vm, code);
}

static const GetSetDef function_getset[] = {
  {"__code__", NULL, function_get_code, function_set_code},
  {"__defaults__", NULL, function_get_defaults, function_set_defaults},
  {"__kwdefaults__", NULL, function_get_kwdefaults, function_set_kwdefaults},
  {"__annotations__", NULL, function_get_annotations, function_set_annotations},
  {"__name__", NULL, function_get_name, function_set_name},
  {"__qualname__", NULL, function_get_qualname, function_set_qualname},
  {"__type_params__", NULL, function_get_type_params, function_set_type_params},
  {0},
};
static const MemberDef function_members[] = {
  {"__closure__", offsetof(Function, closure), MEMBER_VALUE_OR_NONE, false, NULL},
  {"__doc__", offsetof(Function, doc), MEMBER_VALUE_OR_NONE, true, NULL},
  {"__globals__", offsetof(Function, globals), MEMBER_VALUE_OR_NONE, false, NULL},
  {"__module__", offsetof(Function, module), MEMBER_VALUE_OR_NONE, true, NULL},
  {"__builtins__", offsetof(Function, builtins), MEMBER_VALUE_OR_NONE, false, NULL},
  {0},
};
const TypeSpec cd_function_spec = {
  .name = "function",
  .doc =
    "function(code, globals, name=None, argdefs=None, closure=None)\n--\n\nCreate a function object.\n\n"
    "  code\n    a code object\n  globals\n    the globals dictionary\n  name\n    a string that overrides the name from the code object\n"
    "  argdefs\n    a tuple that specifies the default argument values\n  closure\n    a tuple that supplies the bindings for free "
    "variables",
  .basicsize = sizeof(Function),
  .flags = TYPE_GC | TYPE_HAS_DICT | TYPE_HAS_WEAKREFS | TYPE_METHOD_DESCRIPTOR,
  .dict_offset = offsetof(Function, attributes),
  .weaklist_offset = offsetof(Function, weaklist),
  .getset = function_getset,
  .members = function_members,
  .slots = {.release = function_release,
            .traverse = function_traverse,
            .clear = function_clear,
            .repr = function_repr,
            .call = function_call,
            .descr_get = function_descr_get,
            .new_ = function_new_slot},
};
