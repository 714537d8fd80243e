// SPDX-License-Identifier: MIT
// builtins.h: tables that the files of the builtins module share
#ifndef CEDE_MODULES_BUILTINS_H
#define CEDE_MODULES_BUILTINS_H

#include "core/object.h"

extern const MethodDef *const cd_builtins_run_functions[];       // compile, eval, exec, __build_class__, __import__
extern const MethodDef *const cd_builtins_io_functions[];        // print, input
extern const MethodDef *const cd_builtins_number_functions[];    // abs, bin, divmod, hex, max, min, oct, pow, round, sum

#endif
