// SPDX-License-Identifier: MIT
// compile.h: syntax tree to code object
#ifndef CEDE_FRONTEND_COMPILE_H
#define CEDE_FRONTEND_COMPILE_H

#include "frontend/parser.h"

// `flags` are PYCF_ and inherited CO_FUTURE_ bits; `optimize` is 0, 1 or 2 (already resolved). Errors: SyntaxError by cd_syntax_error, MemoryError, RecursionError.
MUST_USE Ref cd_compile_mod(VM *vm, Ast *ast, Mod *mod, Value filename, CompileMode mode, int flags, int optimize);

#endif
