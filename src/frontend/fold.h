// SPDX-License-Identifier: MIT
// fold.h: constant expressions are computed before compiling; private to this folder
#ifndef CEDE_FRONTEND_FOLD_H
#define CEDE_FRONTEND_FOLD_H

#include "frontend/ast.h"

// Rewrites the tree in place. `flags` are CO_FUTURE_ bits. false: exception set.
MUST_USE bool cd_fold(VM *vm, Ast *ast, Mod *mod, int flags, int optimize);

#endif
