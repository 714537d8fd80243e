// SPDX-License-Identifier: MIT
// import_bootstrap.c: starting the library's importlib as the import system
#include "bytecode/code.h"
#include "modules/import.h"
#include "modules/import_fast.h"
#include "modules/import_state.h"
#include "modules/module_list.h"
#include "modules/sys.h"
#include "objects/bytes.h"
#include "objects/dict.h"
#include "objects/function.h"
#include "objects/list.h"
#include "objects/protocol.h"
#include "objects/str.h"
#include "vm/vm_api.h"

#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>

// ---- the two files ----

static Ref bootstrap_code(VM *vm, const char *base, const char *filename)
{
  char path[1024];
  const char *stdlib = vm->config.stdlib;
  if (!stdlib || !*stdlib || snprintf(path, sizeof path, "%s/importlib/%s.py", stdlib, base) >= (int)sizeof path) return NO_REF;
  return cd_import_code(vm, path, strlen(stdlib) + strlen("/importlib"), filename);
}

Ref cd_import_frozen_code(VM *vm, const char *name)
{
  if (!strcmp(name, "_frozen_importlib")) return bootstrap_code(vm, "_bootstrap", "<frozen importlib._bootstrap>");
  if (!strcmp(name, "_frozen_importlib_external"))
    return bootstrap_code(vm, "_bootstrap_external", "<frozen importlib._bootstrap_external>");
  return NO_REF;
}

// ---- starting ----

// importlib can't do without these.
static bool bootstrap_possible(void)
{
  static const char *const needed[] = {"_imp", "_io", "_thread", "_warnings", "_weakref", "marshal", "posix"};
  for (size_t i = 0; i < ARRAY_LEN(needed); i++)
    if (!cd_native_module_find(needed[i], NULL)) return false;
  return true;
}

static Ref bootstrap_run(VM *vm, const char *name)
{
  Ref code = cd_import_frozen_code(vm, name);
  if (!code) return NO_REF;
  Ref text = cd_intern(vm, name), module = text ? cd_module_new(vm, text) : NO_REF, result = NO_REF;
  if (module && cd_dict_set_text_steal(vm, cd_module_dict(module), "__origname__", cd_str_from(vm, "importlib._bootstrap")) &&
      cd_dict_set(vm, cd_module_dict(module), N(__builtins__), vm->builtins_dict) && cd_dict_set(vm, vm->modules, text, module))
    result = cd_eval_code(vm, (Code *)cd_object(code), cd_module_dict(module), cd_module_dict(module), NO_VALUE);
  Ref origin = result ? cd_str_from(vm, "importlib._bootstrap") : NO_REF;   // what FrozenImporter looks for in a module it did not load
  bool ok = origin && cd_dict_set_text(vm, cd_module_dict(module), "__origname__", origin);
  cd_drop(vm, origin);
  cd_drop(vm, text);
  cd_drop(vm, code);
  cd_drop(vm, result);
  if (ok) return module;
  cd_drop(vm, module);
  return NO_REF;
}

static bool bootstrap_call(VM *vm, Value module, const char *name, size_t count, const Value *args)
{
  Ref function = cd_getattr_text(vm, module, name), result = function ? cd_call(vm, function, args, count, NO_VALUE) : NO_REF;
  cd_drop(vm, function);
  cd_drop(vm, result);
  return result != NO_REF;
}

static bool bootstrap_native(VM *vm, const char *name)
{
  ModuleId id;
  if (!cd_native_module_find(name, &id) || cd_bits(cd_dict_get_text_borrow(vm, vm->modules, name))) return true;
  Ref module = cd_native_module_load(vm, id);
  bool ok = module && cd_dict_set_text(vm, vm->modules, name, module);
  cd_drop(vm, module);
  return ok;
}

// Files compiled by another implementation's rules must not be taken for ours: importlib's magic number becomes that of our code format.
static bool bootstrap_set_magic(VM *vm)
{
  Value external = cd_dict_get_text_borrow(vm, vm->modules, "_frozen_importlib_external");
  if (!cd_bits(external)) return true;
  char magic[4] = {(char)(CODE_FORMAT & 0xFF), (char)(CODE_FORMAT >> 8), '\r', '\n'};
  Ref bytes = cd_bytes_new(vm, magic, sizeof magic);
  bool ok = bytes && cd_setattr_text(vm, external, "MAGIC_NUMBER", bytes) &&
            cd_setattr_text(vm, external, "_RAW_MAGIC_NUMBER",
                            cd_from_small((int64_t)(CODE_FORMAT | (unsigned)'\r' << 16 |
                                                    (unsigned)'\n'
                                                      << 24)));
  cd_drop(vm, bytes);
  return ok;
}

static bool bootstrap_lists(VM *vm)
{
  static const char *const lists[] = {"meta_path", "path_hooks"};
  for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
    Ref list = cd_list_new(vm);
    bool ok = list && cd_sys_set(vm, lists[i], list);
    cd_drop(vm, list);
    if (!ok) return false;
  }
  Ref dict = cd_dict_new(vm);
  bool ok = dict && cd_sys_set(vm, "path_importer_cache", dict);
  cd_drop(vm, dict);
  return ok;
}

// ---- archives in sys.path ----

// zipimport.zipimporter is to be the first of sys.path_hooks, but few programs have an archive in their path: this stands in for it until
// something that is no directory comes by, or until somebody imports zipimport.
static bool bootstrap_in_file(VM *vm, Value path, bool *out)
{
  Ref raw = cd_fs_encode(vm, path);
  if (!raw) return false;
  struct stat info;
  char text[PATH_MAX], *slash;                   // cut at each slash until something exists
  snprintf(text, sizeof text, "%s", cd_bytes_data(raw));
  cd_drop(vm, raw);
  while (stat(text, &info) != 0 && (slash = strrchr(text, '/')) && slash > text) *slash = 0;
  *out = stat(text, &info) == 0 && S_ISREG(info.st_mode);
  return true;
}

FUNCTION(import, _zipimporter, "zipimporter(path, /)",
         "Import zipimport, which takes this function's place, if the path can be an archive.")
{
  ImportState *state = vm->import_state;
  bool archive;
  if (!bootstrap_in_file(vm, args[0], &archive)) return NO_REF;
  if (!archive || state->zip_loading) return cd_raise(vm, vm->exc.ImportError, "not a Zip file: %R", args[0]);
  state->zip_loading = true;
  Ref importer = cd_import_attr(vm, "zipimport", "zipimporter");
  state->zip_loading = false;
  Ref result = importer ? cd_call1(vm, importer, args[0]) : NO_REF;
  cd_drop(vm, importer);
  return result;
}

static Find bootstrap_find_text(VM *vm, Value object, const char *name, Ref *out)
{
  Ref key = cd_intern(vm, name);
  Find find = key ? cd_getattr_find(vm, object, key, out) : FIND_ERROR;
  cd_drop(vm, key);
  return find;
}

bool cd_import_zip_loaded(VM *vm, Value zipimport)
{
  ImportState *state = vm->import_state;
  Ref importer;
  Find find = bootstrap_find_text(vm, zipimport, "zipimporter", &importer);
  if (find != FIND_HIT) return find == FIND_MISSING;
  Value hooks = cd_sys_get_borrow(vm, "path_hooks");
  for (size_t i = 0; cd_bits(hooks) && cd_is_list(hooks) && i < cd_list_size(hooks); i++)
    if (cd_is(cd_list_item_borrow(hooks, i), state->zip_hook)) cd_replace(vm, &cd_as_list(hooks)->items[i], cd_dup(importer));
  cd_replace(vm, &state->zip_hook, importer);
  return true;
}

static bool bootstrap_zip_hook(VM *vm)
{
  ImportState *state = vm->import_state;
  Value hooks = cd_sys_get_borrow(vm, "path_hooks");
  if (!cd_bits(hooks) || !cd_is_list(hooks)) return true;
  return (state->zip_hook = cd_native_new(vm, &import__zipimporter_def, NO_VALUE, NO_VALUE)) &&
         cd_list_insert(vm, cd_as_list(hooks), 0, state->zip_hook);
}

bool cd_import_start(VM *vm) { return cd_import_bootstrap(vm); }

bool cd_import_bootstrap(VM *vm)
{
  ImportState *state = vm->import_state;
  if (state->bootstrapped) return true;
  state->bootstrapped = true;
  if (!cd_sys_set(vm, "__getattr__", NO_VALUE)) return false;
  if (!bootstrap_lists(vm) || !bootstrap_possible()) return !cd_raised(vm);
  if (!bootstrap_native(vm, "_imp")) return false;
  Ref module = bootstrap_run(vm, "_frozen_importlib");
  if (!module) return !cd_raised(vm);            // no library: plain searching goes on
  Ref imp = cd_dup(cd_dict_get_text_borrow(vm, vm->modules, "_imp"));
  bool ok = bootstrap_call(vm, module, "_install", 2, (Value[]){vm->sys, imp});
  cd_drop(vm, imp);
  if (ok) {
    state->bootstrap = cd_dup(module);
    ok = bootstrap_call(vm, module, "_install_external_importers", 0, NULL) && bootstrap_set_magic(vm) && bootstrap_zip_hook(vm) &&
         cd_import_fast_start(vm);
  }
  cd_drop(vm, module);
  return ok;
}
