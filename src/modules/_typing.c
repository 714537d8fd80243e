// SPDX-License-Identifier: MIT
// _typing.c: the native part of the typing module
#include "modules/module_list.h"

FUNCTION(_typing, _idfunc, "_idfunc(x, /)", NULL) { return cd_dup(args[0]); }

static const MethodDef *const typing_functions[] = {&_typing__idfunc_def, NULL};
const ModuleDef cd_module__typing = {.name = "_typing", .doc = "Accelerators for the typing module.", .functions = typing_functions};
