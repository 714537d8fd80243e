// SPDX-License-Identifier: MIT
// sys_parts.h: what the files of the sys module share
#ifndef CEDE_MODULES_SYS_PARTS_H
#define CEDE_MODULES_SYS_PARTS_H

#include "modules/module_list.h"
#include "objects/float.h"
#include "objects/list.h"
#include "objects/type.h"

typedef struct SysState {
  Value audit_hooks;                             // list, owned; NO_VALUE: none
  Type *unraisable_args_type, *asyncgen_hooks_type;   // owned
  int dlopen_flags;
} SysState;

static inline SysState *sys_state(VM *vm) { return cd_state(vm, MODULE_sys); }

MUST_USE bool cd_sys_add_info(VM *vm, Value module);             // sys_info.c: constants and structures
MUST_USE bool cd_sys_complete(VM *vm, Value module);             // adds what hardly any program asks for
MUST_USE bool cd_sys_add_hooks(VM *vm, Value module);            // sys_hooks.c: hooks and the functions around them

#endif
