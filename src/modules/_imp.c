// SPDX-License-Identifier: MIT
// _imp.c: what importlib asks of the interpreter
#include "core/lock.h"
#include "base/hash.h"
#include "bytecode/code.h"
#include "modules/frozen.h"
#include "modules/import.h"
#include "modules/import_state.h"
#include "modules/module_list.h"
#include "objects/bytes.h"
#include "objects/exception.h"
#include "objects/list.h"
#include "objects/protocol.h"
#include "objects/str.h"
#include "objects/tuple.h"
#include "vm/vm_api.h"

typedef struct ImpState { int lock_depth; uint64_t lock_owner; } ImpState;

static ImpState *imp_state(VM *vm) { return cd_state(vm, MODULE__imp); }

// ---- the import lock: kept for its users; importlib has a lock for each module ----

FUNCTION(imp, lock_held, "lock_held()", "Tell whether the import lock is held.") { return cd_bool(imp_state(vm)->lock_depth > 0); }

bool cd_import_lock(VM *vm)
{
  ImpState *state = imp_state(vm);
  if (!state) return true;                       // nothing was imported from a file so far
  while (state->lock_depth > 0 && state->lock_owner != vm->thread->ident) {
    if (!cd_poll(vm)) return false;
    if (vm->lock) cd_lock_yield(vm);
  }
  state->lock_depth++;
  state->lock_owner = vm->thread->ident;
  return true;
}

void cd_import_unlock(VM *vm)
{
  ImpState *state = imp_state(vm);
  if (state && state->lock_depth) state->lock_depth--;
}

FUNCTION(imp, acquire_lock, "acquire_lock()", "Take the import lock, again if this thread has it already.")
{
  return cd_import_lock(vm) ? cd_none() : NO_REF;
}

FUNCTION(imp, release_lock, "release_lock()", "Give the import lock back.")
{
  ImpState *state = imp_state(vm);
  if (state->lock_depth == 0 || state->lock_owner != vm->thread->ident) return cd_raise_runtime(vm, "not holding the import lock");
  cd_import_unlock(vm);
  return cd_none();
}

// ---- native modules ----

static bool imp_check_str(VM *vm, const char *function, Value v)
{
  return cd_is_str(v) || cd_raise_type(vm, "%s() argument must be str, not %T", function, v);
}

FUNCTION(imp, is_builtin, "is_builtin(name, /)", "1 for a native module, 0 for none; -1 for one that can't be made twice.")
{
  if (!imp_check_str(vm, "is_builtin", args[0])) return NO_REF;
  bool unique = cd_str_is(args[0], "sys") || cd_str_is(args[0], "builtins");
  return cd_from_small(unique ? -1 : cd_native_module_find(cd_str_data(args[0]), NULL) ? 1 : 0);
}

FUNCTION(imp, create_builtin, "create_builtin(spec, /)", "Make the native module that a spec names.")
{
  Ref name = cd_getattr(vm, args[0], N(name)), module = NO_REF;
  if (!name) return NO_REF;
  ModuleId id;
  if (!cd_is_str(name)) cd_raise_type(vm, "name must be string, not %T", name);
  else if (cd_str_is(name, "sys")) module = cd_dup(vm->sys);
  else if (cd_str_is(name, "builtins")) module = cd_dup(vm->builtins);
  else if (cd_native_module_find(cd_str_data(name), &id)) module = cd_native_module_load(vm, id);
  else module = cd_none();
  cd_drop(vm, name);
  return module;
}

FUNCTION(imp, exec_builtin, "exec_builtin(mod, /)", "Run a native module's start; it has run already when it was made.")
{
  return cd_from_small(0);
}

// ---- frozen modules: the two files of importlib itself, and lib/ ----

static bool imp_is_importlib(Value name) { return cd_str_is(name, "_frozen_importlib") || cd_str_is(name, "_frozen_importlib_external"); }

static Ref imp_no_frozen(VM *vm, Value name)
{
  cd_raise(vm, vm->exc.ImportError, "No such frozen object named %R", name);
  Value raised = vm->thread->raised;
  if (cd_is_instance_of(vm, raised, vm->exc.ImportError)) cd_replace(vm, &((ImportException *)cd_object(raised))->name, cd_dup(name));
  return NO_REF;
}

FUNCTION(imp, is_frozen, "is_frozen(name, /)", "Tell whether the module is part of the interpreter.")
{
  if (!imp_check_str(vm, "is_frozen", args[0])) return NO_REF;
  return cd_bool(imp_is_importlib(args[0]) || cd_frozen_find(vm, args[0]));
}

FUNCTION(imp, is_frozen_package, "is_frozen_package(name, /)", "Tell whether the frozen module is a package.")
{
  if (!imp_check_str(vm, "is_frozen_package", args[0])) return NO_REF;
  const FrozenModule *frozen = cd_frozen_find(vm, args[0]);
  if (frozen) return cd_bool(frozen->package);
  return imp_is_importlib(args[0]) ? cd_false() : imp_no_frozen(vm, args[0]);
}

// (data, is package, original name); lib/ has no originals elsewhere: None.
static Ref imp_frozen_info(VM *vm, const FrozenModule *frozen, bool with_data)
{
  Ref data = cd_none();
  if (with_data) {
    Ref bytes = cd_bytes_new(vm, frozen->data, frozen->size);
    data = bytes ? cd_call1(vm, cd_type_value(vm->types.memoryview), bytes) : NO_REF;
    cd_drop(vm, bytes);
  }
  return data ? cd_tuple3_steal(vm, data, cd_bool(frozen->package), cd_none()) : NO_REF;
}

FUNCTION(imp, find_frozen, "find_frozen(name, /, *, withdata=False)", "(data, is package, original name) of a frozen module, or None.")
{
  bool with_data = false;
  if (!imp_check_str(vm, "find_frozen", args[0]) || (cd_bits(args[1]) && !cd_truth(vm, args[1], &with_data))) return NO_REF;
  const FrozenModule *frozen = cd_frozen_find(vm, args[0]);
  if (frozen) return imp_frozen_info(vm, frozen, with_data);
  if (!imp_is_importlib(args[0])) return cd_none();
  const char *original = cd_str_is(args[0], "_frozen_importlib") ? "importlib._bootstrap" : "importlib._bootstrap_external";
  return cd_tuple3_steal(vm, cd_none(), cd_false(), cd_str_from(vm, original));
}

// Code that somebody brings along, as find_frozen gives it.
static Ref imp_code_of_data(VM *vm, Value name, Value data)
{
  Buffer buffer;
  if (!cd_get_buffer(vm, data, &buffer, BUFFER_SIMPLE)) return NO_REF;
  Ref code = cd_code_load(vm, buffer.data, (size_t)buffer.size);
  cd_release_buffer(vm, &buffer);
  if (code || !cd_swallow(vm, vm->exc.ValueError)) return code;
  return cd_raise(vm, vm->exc.ImportError, "Frozen object named %R is invalid", name);
}

FUNCTION(imp, get_frozen_object, "get_frozen_object(name, data=None, /)", "Return the code object of a frozen module.")
{
  if (!imp_check_str(vm, "get_frozen_object", args[0])) return NO_REF;
  if (cd_bits(args[1]) && !cd_is_none(args[1])) return imp_code_of_data(vm, args[0], args[1]);
  const FrozenModule *frozen = cd_frozen_find(vm, args[0]);
  if (frozen) return cd_frozen_code(vm, frozen);
  Ref code = imp_is_importlib(args[0]) ? cd_import_frozen_code(vm, cd_str_data(args[0])) : NO_REF;
  return code || cd_raised(vm) ? code : imp_no_frozen(vm, args[0]);
}

FUNCTION(imp, init_frozen, "init_frozen(name, /)", "Make and run a frozen module, or return None.")
{
  if (!imp_check_str(vm, "init_frozen", args[0])) return NO_REF;
  return imp_is_importlib(args[0]) || cd_frozen_find(vm, args[0]) ? cd_import_module(vm, args[0]) : cd_none();
}

static bool imp_append_name(VM *vm, Value list, const char *name)
{
  Ref text = cd_intern(vm, name);
  return text && cd_list_append_steal(vm, cd_as_list(list), text);
}

FUNCTION(imp, _frozen_module_names, "_frozen_module_names()", "Return the names of the frozen modules.")
{
  Ref list = cd_list_new(vm);
  bool ok = list && imp_append_name(vm, list, "_frozen_importlib") && imp_append_name(vm, list, "_frozen_importlib_external");
  for (const FrozenModule *m = cd_frozen_modules; ok && m->name; m++) ok = imp_append_name(vm, list, m->name);
  if (ok) return list;
  cd_drop(vm, list);
  return NO_REF;
}

FUNCTION(imp, _override_frozen_modules_for_tests, "_override_frozen_modules_for_tests(override, /)",
         "Accepted for importlib's tests; the choice of frozen modules is fixed.")
{
  return cd_none();
}

// ---- extension modules: there are none ----

FUNCTION(imp, extension_suffixes, "extension_suffixes()",
         "Return the file name suffixes of extension modules: none, for Cede loads no CPython extensions.")
{
  return cd_list_new(vm);
}

static Ref imp_no_extensions(VM *vm) { return cd_raise(vm, vm->exc.ImportError, "Cede does not load extension modules built for CPython"); }
FUNCTION(imp, create_dynamic, "create_dynamic(spec, file=None, /)", "Create an extension module.") { return imp_no_extensions(vm); }
FUNCTION(imp, exec_dynamic, "exec_dynamic(mod, /)", "Initialize an extension module.") { return imp_no_extensions(vm); }

// ---- compiled files ----

FUNCTION(imp, source_hash, "source_hash(key, source)", "Return the hash of a source file that compiled files may be checked by.")
{
  int64_t key;
  Buffer buffer;
  if (!cd_to_i64(vm, args[0], &key, vm->exc.OverflowError) || !cd_get_buffer(vm, args[1], &buffer, BUFFER_SIMPLE)) return NO_REF;
  int64_t hash = cd_hash_bytes((HashKey){(uint64_t)key, 0}, buffer.data, (size_t)buffer.size);
  cd_release_buffer(vm, &buffer);
  return cd_bytes_new(vm, (const char *)&hash, sizeof hash);
}

// Gives a code object and those inside it another file name.
static bool imp_fix_filename(VM *vm, Code *code, Value old, Value path)
{
  if (!cd_str_equal(code->filename, old)) return true;
  cd_replace(vm, &code->filename, cd_dup(path));
  if (!cd_enter_recursion(vm, " while fixing file names")) return false;
  bool ok = true;
  for (size_t i = 0; ok && i < cd_tuple_size(code->consts); i++) {
    Value item = cd_tuple_item_borrow(code->consts, i);
    if (cd_is_exact(item, vm->types.code)) ok = imp_fix_filename(vm, (Code *)cd_object(item), old, path);
  }
  cd_leave_recursion(vm);
  return ok;
}

bool cd_code_set_filename(VM *vm, Code *code, Value path)
{
  if (cd_str_equal(code->filename, path)) return true;
  Ref old = cd_dup(code->filename);
  bool ok = imp_fix_filename(vm, code, old, path);
  cd_drop(vm, old);
  return ok;
}

FUNCTION(imp, _fix_co_filename, "_fix_co_filename(code, path, /)", "Change the file name in a code object and in those inside it.")
{
  if (!cd_is_exact(args[0], vm->types.code)) return cd_raise_arg_type(vm, "_fix_co_filename", "1", "code", args[0]);
  if (!cd_is_str(args[1])) return cd_raise_arg_type(vm, "_fix_co_filename", "2", "str", args[1]);
  return cd_code_set_filename(vm, (Code *)cd_object(args[0]), args[1]) ? cd_none() : NO_REF;
}

static const MethodDef *const imp_functions[] = {
  &imp_lock_held_def, &imp_acquire_lock_def, &imp_release_lock_def, &imp_is_builtin_def, &imp_create_builtin_def, &imp_exec_builtin_def,
  &imp_is_frozen_def, &imp_is_frozen_package_def, &imp_find_frozen_def, &imp_get_frozen_object_def, &imp_init_frozen_def,
  &imp__frozen_module_names_def, &imp__override_frozen_modules_for_tests_def, &imp_extension_suffixes_def, &imp_create_dynamic_def,
  &imp_exec_dynamic_def, &imp_source_hash_def, &imp__fix_co_filename_def, NULL,
};

static bool imp_exec(VM *vm, Value module) { return cd_module_add_text(vm, module, "check_hash_based_pycs", "default"); }

const ModuleDef cd_module__imp = {
  .name = "_imp",
  .doc = "What importlib asks of the interpreter.",
  .functions = imp_functions,
  .state_size = sizeof(ImpState),
  .exec = imp_exec,
};
