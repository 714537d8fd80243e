// SPDX-License-Identifier: MIT
// future.c: from __future__ import ...
#include "frontend/codegen.h"

#include "objects/str.h"

typedef struct FutureFeature { const char *name; int flag; } FutureFeature;
static const FutureFeature future_features[] = {
  {"nested_scopes", 0},
  {"generators", 0},
  {"division", 0},
  {"absolute_import", 0},
  {"with_statement", 0},
  {"print_function", 0},
  {"unicode_literals", 0},
  {"barry_as_FLUFL", CO_FUTURE_BARRY_AS_BDFL},
  {"generator_stop", 0},
  {"annotations", CO_FUTURE_ANNOTATIONS},
  {"yield_from_async", CO_CEDE_YIELD_FROM_ASYNC},
};

static bool future_feature(VM *vm, Value filename, const Stmt *s, const Alias *alias, int *features)
{
  for (size_t i = 0; i < ARRAY_LEN(future_features); i++)
    if (cd_str_is(alias->name, future_features[i].name)) {
      *features |= future_features[i].flag;
      return true;
    }
  if (cd_str_is(alias->name, "braces")) cd_scope_error(vm, filename, s->line, s->column, s->end_line, s->end_column, "not a chance");
  else cd_scope_error(vm, filename, s->line, s->column, s->end_line, s->end_column, "future feature %U is not defined", alias->name);
  return false;
}

static bool future_late(VM *vm, Value filename, const Stmt *s)
{
  cd_scope_error(vm, filename, s->line, s->column - 1, s->end_line, s->end_column,
                 "from __future__ imports must occur at the beginning of the file");
  return false;
}

// They stand at the very start, behind a docstring at most. The compiler finds those that come on a later line.
bool cd_future_parse(VM *vm, Ast *ast UNUSED, const Mod *mod, Value filename, int *features, int32_t *line)
{
  const StmtSeq *body = mod->kind == MOD_Module ? &mod->as.Module.body : mod->kind == MOD_Interactive ? &mod->as.Interactive.body : NULL;
  bool done = false;                             // another statement was seen
  *line = 0;
  for (size_t i = 0; body && i < body->count; i++) {
    const Stmt *s = body->items[i];
    if (done && s->line > body->items[i - 1]->line) break;
    if (s->kind == STMT_ImportFrom && s->as.ImportFrom.module && !s->as.ImportFrom.level &&
        cd_str_is(s->as.ImportFrom.module, "__future__")) {
      if (done) return future_late(vm, filename, s);
      for (size_t k = 0; k < s->as.ImportFrom.names.count; k++)
        if (!future_feature(vm, filename, s, s->as.ImportFrom.names.items[k], features)) return false;
      *line = s->line;
    } else if (s->kind != STMT_Expr || i > 0 || s->as.Expr.value->kind != EXPR_Constant ||
               !cd_is_str(s->as.Expr.value->as.Constant.value)) {
      done = true;
    }
  }
  return true;
}
