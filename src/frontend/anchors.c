// SPDX-License-Identifier: MIT
// anchors.c: which part of an expression a traceback marks with ^: the operator, or the subscript
#include "frontend/parser.h"
#include "objects/raise.h"
#include "objects/str.h"

static bool anchor_is_space(char c) { return c == ' ' || c == '\t' || c == '\f'; }

// The operator between the operands: one or two characters.
static bool anchor_operator(const char *text, const Expr *left, const Expr *right, size_t *start, size_t *stop)
{
  for (int32_t i = left->end_column; i < right->column; i++) {
    if (anchor_is_space(text[i])) continue;
    *start = (size_t)i;
    *stop = (size_t)i + 1;
    if (i + 1 < right->column && !anchor_is_space(text[i + 1])) ++*stop;
    return true;
  }
  return false;
}

static bool anchor_find(const Mod *mod, const char *text, size_t *start, size_t *stop)
{
  if (mod->kind != MOD_Module || mod->as.Module.body.count != 1 || mod->as.Module.body.items[0]->kind != STMT_Expr) return false;
  const Expr *e = mod->as.Module.body.items[0]->as.Expr.value;
  if (e->kind == EXPR_BinOp) return anchor_operator(text, e->as.BinOp.left, e->as.BinOp.right, start, stop);
  if (e->kind != EXPR_Subscript) return false;
  *start = (size_t)e->as.Subscript.value->end_column;
  *stop = (size_t)e->as.Subscript.slice->end_column + 1;
  return true;
}

// The parser wants a whole line that ends in NUL: the expression is copied out of its line.
bool cd_expression_anchors(VM *vm, const char *text, size_t size, size_t *start, size_t *stop)
{
  if (memchr(text, '\n', size)) return false;
  char *copy = cd_alloc(vm, size + 2);
  if (!copy) { cd_clear_raised(vm); return false; }
  memcpy(copy, text, size);
  copy[size] = '\n';
  copy[size + 1] = 0;
  Ast ast;
  bool found = false;
  if (cd_ast_init(&ast, vm, N(angle_string))) {
    const Mod *mod = cd_parse(vm, &ast, copy, size + 1, N(angle_string), MODE_EXEC, PYCF_SOURCE_IS_UTF8);
    if (mod) found = anchor_find(mod, copy, start, stop) && *start <= size && *stop <= size;
    cd_ast_clear(&ast);
  }
  cd_clear_raised(vm);
  cd_free(vm, copy, size + 2);
  return found;
}
