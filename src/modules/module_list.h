// SPDX-License-Identifier: MIT
// module_list.h: ids of native modules and access to their per-VM state
#ifndef CEDE_MODULES_MODULE_LIST_H
#define CEDE_MODULES_MODULE_LIST_H

#include "objects/module.h"

typedef enum ModuleId {
#define NATIVE_MODULE(id, name) MODULE_##id,
#include "modules/modules.def"
#undef NATIVE_MODULE
  MODULE_COUNT
} ModuleId;

#define NATIVE_MODULE(id, name) extern const ModuleDef cd_module_##id;
#include "modules/modules.def"
#undef NATIVE_MODULE

// State of a native module: valid from its first import on. MathState *state = cd_state(vm, MODULE_math);
static inline void *cd_state(VM *vm, ModuleId id) { return vm->module_state[id]; }
// Is there a native module of this name? Its definition, or NULL.
const ModuleDef *cd_native_module_find(const char *name, ModuleId *id);
MUST_USE Ref cd_native_module_load(VM *vm, ModuleId id);         // creates and executes; not entered in sys.modules

// Start-up, after types and exceptions are there: sys.modules, builtins, sys, the import system, and the hooks of core/vm.h that live in
// modules/.
MUST_USE bool cd_modules_init(VM *vm);
MUST_USE bool cd_faulthandler_start(VM *vm);     // -X faulthandler, PYTHONFAULTHANDLER, development mode; once there is a sys.stderr
void cd_io_flush_all(VM *vm);                    // writes what open files of this VM hold back; errors are dropped; modules/_io.c
void cd_modules_run_atexit(VM *vm);              // runs and forgets the functions registered with atexit; modules/atexit.c
// The VM's end: empties sys.modules and the modules' dicts, drops module state. Leaves no exception set.
void cd_modules_mark_standard(VM *vm);           // the standard streams have been opened, and nothing else that has a finalizer
void cd_modules_finish(VM *vm);

#endif
