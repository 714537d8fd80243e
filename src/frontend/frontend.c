// SPDX-License-Identifier: MIT
// frontend.c: from source, or a tree of _ast objects, to code or a tree
#include "frontend/compile.h"

#include "objects/raise.h"

static int frontend_optimize(VM *vm, int optimize) { return optimize < 0 ? vm->config.optimize : optimize > 2 ? 2 : optimize; }

Ref cd_compile(VM *vm, const char *source, size_t size, Value filename, CompileMode mode, int flags, int optimize)
{
  const char *text;
  size_t text_size;
  Ref owner = cd_source_decode(vm, source, size, filename, mode, &flags, &text, &text_size), result = NO_REF;
  if (!owner) return NO_REF;
  Ast ast;
  if (cd_ast_init(&ast, vm, filename)) {
    Mod *mod = cd_parse(vm, &ast, text, text_size, filename, mode, flags);
    if (mod) result = flags & PYCF_ONLY_AST ? cd_ast_to_object(vm, &ast, mod) : cd_compile_mod(vm, &ast, mod, filename, mode, flags, frontend_optimize(vm, optimize));
    cd_ast_clear(&ast);
  }
  cd_drop(vm, owner);
  return result;
}

Ref cd_compile_ast(VM *vm, Value tree, Value filename, CompileMode mode, int flags, int optimize)
{
  Ast ast;
  Ref result = NO_REF;
  if (!cd_ast_init(&ast, vm, filename)) return NO_REF;
  Mod *mod = cd_ast_from_object(vm, &ast, tree, mode);
  if (mod) result = cd_compile_mod(vm, &ast, mod, filename, mode, flags, frontend_optimize(vm, optimize));
  cd_ast_clear(&ast);
  return result;
}
