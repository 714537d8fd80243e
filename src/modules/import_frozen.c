// SPDX-License-Identifier: MIT
// import_frozen.c: finding and loading the modules that are compiled into the library; see docs/internals/import.md
#include "bytecode/code.h"
#include "modules/frozen.h"
#include "modules/module_list.h"
#include "objects/dict.h"
#include "objects/list.h"
#include "objects/protocol.h"
#include "objects/str.h"
#include "vm/vm_api.h"

// -X asyncio=stdlib: the installed library's package stands in for ours.
static bool frozen_is_hidden(VM *vm, const char *name)
{
  if (strncmp(name, "asyncio", 7) || (name[7] && name[7] != '.')) return false;
  for (int i = 0; i < vm->config.x_option_count; i++)
    if (!strcmp(vm->config.x_options[i], "asyncio=stdlib")) return true;
  return false;
}

const FrozenModule *cd_frozen_find(VM *vm, Value name)
{
  const char *text = cd_str_data(name);
  for (const FrozenModule *m = cd_frozen_modules; m->name; m++) {
    int order = strcmp(m->name, text);
    if (order == 0 && strlen(text) == cd_str_size(name)) return frozen_is_hidden(vm, text) ? NULL : m;
    if (order > 0) break;
  }
  return NULL;
}

Ref cd_frozen_code(VM *vm, const FrozenModule *frozen) { return cd_code_load_trusted(vm, frozen->data, frozen->size); }

static bool frozen_fill_plain(VM *vm, Value dict, Value name, const FrozenModule *frozen)
{
  const char *data = cd_str_data(name), *dot = strrchr(data, '.');
  Ref package = frozen->package ? cd_dup(name) : cd_str_new(vm, data, dot ? (size_t)(dot - data) : 0), path = NO_REF;
  bool ok = package && cd_dict_set(vm, dict, N(__package__), package) && cd_dict_set(vm, dict, N(__builtins__), vm->builtins_dict);
  if (ok && frozen->package) ok = (path = cd_list_new(vm)) && cd_dict_set(vm, dict, N(__path__), path);
  cd_drop(vm, package);
  cd_drop(vm, path);
  return ok;
}

Ref cd_frozen_load_plain(VM *vm, Value name, const FrozenModule *frozen)
{
  Ref module = cd_module_new(vm, name), code = module ? cd_frozen_code(vm, frozen) : NO_REF, result = NO_REF, value = NO_REF;
  if (!code || !frozen_fill_plain(vm, cd_module_dict(module), name, frozen) || !cd_dict_set(vm, vm->modules, name, module)) goto done;
  value = cd_eval_code(vm, (Code *)cd_object(code), cd_module_dict(module), cd_module_dict(module), NO_VALUE);
  if (value) {
    // A module may put something else in its place.
    if (cd_dict_find(vm, vm->modules, name, &result) == FIND_MISSING) result = cd_dup(module);
  } else {
    Ref raised = cd_take_raised(vm);
    if (cd_dict_delete(vm, vm->modules, name) == FIND_ERROR) cd_clear_raised(vm);
    cd_restore_raised(vm, raised);
  }
done:
  cd_drop(vm, value);
  cd_drop(vm, code);
  cd_drop(vm, module);
  return result;
}
