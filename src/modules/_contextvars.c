// SPDX-License-Identifier: MIT
// _contextvars.c: the module behind contextvars; its types are in objects/context.c
#include "modules/module_list.h"
#include "objects/context.h"
#include "objects/type.h"

FUNCTION(contextvars, copy_context, "copy_context()", "Return a copy of the current context.") { return cd_context_copy_current(vm); }

static const MethodDef *const contextvars_functions[] = {&contextvars_copy_context_def, NULL};

static bool contextvars_exec(VM *vm, Value module)
{
  Ref missing = cd_from_object(cd_object_new(vm, vm->types.context_missing, sizeof(Object)));
  if (!missing) return false;
  bool ok = cd_type_set_attr(vm, vm->types.context_token, N(MISSING), missing);
  cd_drop(vm, missing);
  return ok && cd_module_add(vm, module, "Context", cd_dup(cd_type_value(vm->types.context))) &&
         cd_module_add(vm, module, "ContextVar", cd_dup(cd_type_value(vm->types.context_var))) &&
         cd_module_add(vm, module, "Token", cd_dup(cd_type_value(vm->types.context_token)));
}

const ModuleDef cd_module__contextvars = {
  .name = "_contextvars",
  .doc = "Variables whose values belong to a line of execution.",
  .functions = contextvars_functions,
  .exec = contextvars_exec,
};
