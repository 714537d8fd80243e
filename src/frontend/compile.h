// SPDX-License-Identifier: MIT
// compile.h: syntax tree to code object
#ifndef CEDE_FRONTEND_COMPILE_H
#define CEDE_FRONTEND_COMPILE_H

#include "frontend/parser.h"

// A source and its tree. `text` keeps alive what the tree points to; `flags` are those given and what the source itself says.
typedef struct Parsed { Ref text; Ast ast; Mod *mod; int flags; } Parsed;
MUST_USE bool cd_parsed_init(VM *vm, Parsed *parsed, const char *source, size_t size, Value filename, CompileMode mode,
                             int flags);   // false: nothing to clear
void cd_parsed_clear(VM *vm, Parsed *parsed);

// `flags` are PYCF_ and inherited CO_FUTURE_ bits; `optimize` is 0, 1 or 2 (already resolved). Errors: SyntaxError by cd_syntax_error,
// MemoryError, RecursionError.
MUST_USE Ref cd_compile_mod(VM *vm, Ast *ast, Mod *mod, Value filename, CompileMode mode, int flags, int optimize);

#endif
