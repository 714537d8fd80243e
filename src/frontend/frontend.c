// SPDX-License-Identifier: MIT
// frontend.c: from source, or a tree of _ast objects, to code or a tree
#include "frontend/compile.h"

#include "objects/raise.h"

static int frontend_optimize(VM *vm, int optimize) { return optimize < 0 ? vm->config.optimize : optimize > 2 ? 2 : optimize; }

bool cd_parsed_init(VM *vm, Parsed *parsed, const char *source, size_t size, Value filename, CompileMode mode, int flags)
{
  const char *text;
  size_t text_size;
  *parsed = (Parsed){.flags = flags};
  parsed->text = cd_source_decode(vm, source, size, filename, mode, &parsed->flags, &text, &text_size);
  if (!parsed->text) return false;
  bool ok = cd_ast_init(&parsed->ast, vm, filename);
  if (ok && (parsed->mod = cd_parse(vm, &parsed->ast, text, text_size, filename, mode, parsed->flags))) return true;
  if (ok) cd_ast_clear(&parsed->ast);
  cd_drop(vm, parsed->text);
  return false;
}

void cd_parsed_clear(VM *vm, Parsed *parsed)
{
  cd_ast_clear(&parsed->ast);
  cd_drop(vm, parsed->text);
}

Ref cd_compile(VM *vm, const char *source, size_t size, Value filename, CompileMode mode, int flags, int optimize)
{
  Parsed parsed;
  if (!cd_parsed_init(vm, &parsed, source, size, filename, mode, flags)) return NO_REF;
  Ref result = flags & PYCF_ONLY_AST
                 ? cd_ast_to_object(vm, &parsed.ast, parsed.mod)
                 : cd_compile_mod(vm, &parsed.ast, parsed.mod, filename, mode, parsed.flags, frontend_optimize(vm, optimize));
  cd_parsed_clear(vm, &parsed);
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
