// SPDX-License-Identifier: MIT
// ast_validate.c: is a tree that a program built one that the compiler can take?
#include "frontend/ast.h"

#include "objects/raise.h"
#include "objects/set.h"
#include "objects/str.h"
#include "objects/tuple.h"

static bool validate_expr(VM *vm, const Expr *e, ExprContext ctx);
static bool validate_stmt(VM *vm, const Stmt *s);
static bool validate_pattern(VM *vm, const Pattern *p, bool star_ok);

// ---- parts ----

static bool validate_position(VM *vm, int32_t line, int32_t column, int32_t end_line, int32_t end_column)
{
  if (line > end_line) return cd_raise_value(vm, "AST node line range (%d, %d) is not valid", line, end_line);
  if ((line < 0 && end_line != line) || (column < 0 && column != end_column))
    return cd_raise_value(vm, "AST node column range (%d, %d) for line range (%d, %d) is not valid", column, end_column, line, end_line);
  if (line == end_line && column > end_column)
    return cd_raise_value(vm, "line %d, column %d-%d is not a valid range", line, column, end_column);
  return true;
}
#define VALIDATE_POSITION(vm, node) validate_position(vm, (node)->line, (node)->column, (node)->end_line, (node)->end_column)

static bool validate_name(VM *vm, Value name)
{
  static const char *const forbidden[] = {"None", "True", "False"};
  for (size_t i = 0; i < ARRAY_LEN(forbidden); i++)
    if (cd_str_is(name, forbidden[i])) return cd_raise_value(vm, "identifier field can't represent '%s' constant", forbidden[i]);
  return true;
}

static bool validate_not_empty(VM *vm, size_t count, const char *what, const char *owner)
{
  return count || cd_raise_value(vm, "empty %s on %s", what, owner);
}

static bool validate_exprs(VM *vm, ExprSeq seq, ExprContext ctx, bool null_ok)
{
  for (size_t i = 0; i < seq.count; i++) {
    if (seq.items[i]) {
      if (!validate_expr(vm, seq.items[i], ctx)) return false;
    } else if (!null_ok) {
      return cd_raise_value(vm, "None disallowed in expression list");
    }
  }
  return true;
}

static bool validate_stmts(VM *vm, StmtSeq seq)
{
  for (size_t i = 0; i < seq.count; i++) {
    if (!seq.items[i]) return cd_raise_value(vm, "None disallowed in statement list");
    if (!validate_stmt(vm, seq.items[i])) return false;
  }
  return true;
}

static bool validate_body(VM *vm, StmtSeq body, const char *owner)
{
  return validate_not_empty(vm, body.count, "body", owner) && validate_stmts(vm, body);
}

static bool validate_targets(VM *vm, ExprSeq targets, ExprContext ctx, const char *owner)
{
  return validate_not_empty(vm, targets.count, "targets", owner) && validate_exprs(vm, targets, ctx, false);
}

static bool validate_comprehensions(VM *vm, ComprehensionSeq generators)
{
  if (!generators.count) return cd_raise_value(vm, "comprehension with no generators");
  for (size_t i = 0; i < generators.count; i++) {
    const Comprehension *c = generators.items[i];
    if (!validate_expr(vm, c->target, CTX_Store) || !validate_expr(vm, c->iter, CTX_Load) || !validate_exprs(vm, c->ifs, CTX_Load, false))
      return false;
  }
  return true;
}

static bool validate_keywords(VM *vm, KeywordSeq keywords)
{
  for (size_t i = 0; i < keywords.count; i++)
    if (!validate_expr(vm, keywords.items[i]->value, CTX_Load)) return false;
  return true;
}

static bool validate_arg(VM *vm, const Arg *arg)
{
  return VALIDATE_POSITION(vm, arg) && (!arg->annotation || validate_expr(vm, arg->annotation, CTX_Load));
}

static bool validate_args(VM *vm, ArgSeq args)
{
  for (size_t i = 0; i < args.count; i++)
    if (!validate_arg(vm, args.items[i])) return false;
  return true;
}

static bool validate_arguments(VM *vm, const Arguments *args)
{
  if (!validate_args(vm, args->posonlyargs) || !validate_args(vm, args->args)) return false;
  if (args->vararg && args->vararg->annotation && !validate_expr(vm, args->vararg->annotation, CTX_Load)) return false;
  if (!validate_args(vm, args->kwonlyargs)) return false;
  if (args->kwarg && args->kwarg->annotation && !validate_expr(vm, args->kwarg->annotation, CTX_Load)) return false;
  if (args->defaults.count > args->posonlyargs.count + args->args.count)
    return cd_raise_value(vm, "more positional defaults than args on arguments");
  if (args->kw_defaults.count != args->kwonlyargs.count)
    return cd_raise_value(vm, "length of kwonlyargs is not the same as kw_defaults on arguments");
  return validate_exprs(vm, args->defaults, CTX_Load, false) && validate_exprs(vm, args->kw_defaults, CTX_Load, true);
}

// ---- expressions ----

static bool validate_constant(VM *vm, Value v)
{
  Type *type = cd_type_of(vm, v);
  const VmTypes *t = &vm->types;
  if (cd_is_none(v) || cd_is_ellipsis(v) || type == t->int_ || type == t->float_ || type == t->complex || type == t->bool_ ||
      type == t->str || type == t->bytes)
    return true;
  if (type != t->tuple && type != t->frozenset) return cd_raise_type(vm, "got an invalid type in Constant: %T", v);
  if (!cd_enter_recursion(vm, " during compilation")) return false;
  bool ok = true;
  Ref items = type == t->tuple ? cd_dup(v) : cd_tuple_from(vm, v);
  for (size_t i = 0; ok && items && i < cd_tuple_size(items); i++) ok = validate_constant(vm, cd_tuple_item_borrow(items, i));
  ok = ok && items;
  cd_drop(vm, items);
  cd_leave_recursion(vm);
  return ok;
}

static const char *validate_context_name(ExprContext ctx) { return ctx == CTX_Load ? "Load" : ctx == CTX_Store ? "Store" : "Del"; }

static bool validate_context(VM *vm, const Expr *e, ExprContext wanted)
{
  ExprContext actual;
  switch (e->kind) {
  case EXPR_Attribute: actual = e->as.Attribute.ctx; break;
  case EXPR_Subscript: actual = e->as.Subscript.ctx; break;
  case EXPR_Starred: actual = e->as.Starred.ctx; break;
  case EXPR_Name: actual = e->as.Name.ctx; break;
  case EXPR_List: actual = e->as.List.ctx; break;
  case EXPR_Tuple: actual = e->as.Tuple.ctx; break;
  default:
    if (wanted != CTX_Load) return cd_raise_value(vm, "expression which can't be assigned to in %s context", validate_context_name(wanted));
    return true;
  }
  if (actual == wanted) return e->kind != EXPR_Name || validate_name(vm, e->as.Name.id);
  if (e->kind == EXPR_Name && !validate_name(vm, e->as.Name.id)) return false;
  return cd_raise_value(vm, "expression must have %s context but has %s instead", validate_context_name(wanted),
                        validate_context_name(actual));
}

static bool validate_load(VM *vm, const Expr *e) { return !e || validate_expr(vm, e, CTX_Load); }

static bool validate_expr_fields(VM *vm, const Expr *e, ExprContext ctx)
{
  switch (e->kind) {
  case EXPR_BoolOp:
    if (e->as.BoolOp.values.count < 2) return cd_raise_value(vm, "BoolOp with less than 2 values");
    return validate_exprs(vm, e->as.BoolOp.values, CTX_Load, false);
  case EXPR_NamedExpr:
    if (e->as.NamedExpr.target->kind != EXPR_Name) return cd_raise_type(vm, "NamedExpr target must be a Name");
    return validate_load(vm, e->as.NamedExpr.value);
  case EXPR_BinOp: return validate_load(vm, e->as.BinOp.left) && validate_load(vm, e->as.BinOp.right);
  case EXPR_UnaryOp: return validate_load(vm, e->as.UnaryOp.operand);
  case EXPR_Lambda: return validate_arguments(vm, e->as.Lambda.args) && validate_load(vm, e->as.Lambda.body);
  case EXPR_IfExp:
    return validate_load(vm, e->as.IfExp.test) && validate_load(vm, e->as.IfExp.body) && validate_load(vm, e->as.IfExp.orelse);
  case EXPR_Dict:
    if (e->as.Dict.keys.count != e->as.Dict.values.count) return cd_raise_value(vm, "Dict doesn't have the same number of keys as values");
    return validate_exprs(vm, e->as.Dict.keys, CTX_Load, true) && validate_exprs(vm, e->as.Dict.values, CTX_Load, false);
  case EXPR_Set: return validate_exprs(vm, e->as.Set.elts, CTX_Load, false);
  case EXPR_ListComp: case EXPR_SetComp: case EXPR_GeneratorExp:
    return validate_comprehensions(vm, e->as.ListComp.generators) && validate_load(vm, e->as.ListComp.elt);
  case EXPR_DictComp:
    return validate_comprehensions(vm, e->as.DictComp.generators) && validate_load(vm, e->as.DictComp.key) &&
           validate_load(vm, e->as.DictComp.value);
  case EXPR_Yield: return validate_load(vm, e->as.Yield.value);
  case EXPR_YieldFrom: return validate_load(vm, e->as.YieldFrom.value);
  case EXPR_Await: return validate_load(vm, e->as.Await.value);
  case EXPR_Compare:
    if (!e->as.Compare.comparators.count) return cd_raise_value(vm, "Compare with no comparators");
    if (e->as.Compare.comparators.count != e->as.Compare.ops.count)
      return cd_raise_value(vm, "Compare has a different number of comparators and operands");
    return validate_exprs(vm, e->as.Compare.comparators, CTX_Load, false) && validate_load(vm, e->as.Compare.left);
  case EXPR_Call:
    return validate_load(vm, e->as.Call.func) && validate_exprs(vm, e->as.Call.args, CTX_Load, false) &&
           validate_keywords(vm, e->as.Call.keywords);
  case EXPR_Constant: return validate_constant(vm, e->as.Constant.value);
  case EXPR_JoinedStr: return validate_exprs(vm, e->as.JoinedStr.values, CTX_Load, false);
  case EXPR_FormattedValue: return validate_load(vm, e->as.FormattedValue.value) && validate_load(vm, e->as.FormattedValue.format_spec);
  case EXPR_Attribute: return validate_load(vm, e->as.Attribute.value);
  case EXPR_Subscript: return validate_load(vm, e->as.Subscript.slice) && validate_load(vm, e->as.Subscript.value);
  case EXPR_Starred: return validate_expr(vm, e->as.Starred.value, ctx);
  case EXPR_List: return validate_exprs(vm, e->as.List.elts, ctx, false);
  case EXPR_Tuple: return validate_exprs(vm, e->as.Tuple.elts, ctx, false);
  case EXPR_Slice:
    return validate_load(vm, e->as.Slice.lower) && validate_load(vm, e->as.Slice.upper) && validate_load(vm, e->as.Slice.step);
  case EXPR_Name: return true;
  }
  return cd_raise_system(vm, "unexpected expression");
}

static bool validate_expr(VM *vm, const Expr *e, ExprContext ctx)
{
  if (!VALIDATE_POSITION(vm, e) || !cd_enter_recursion(vm, " during compilation")) return false;
  bool ok = validate_context(vm, e, ctx) && validate_expr_fields(vm, e, ctx);
  cd_leave_recursion(vm);
  return ok;
}

// ---- patterns ----

// Numbers with a sign, and complex ones written as a sum.
static bool validate_is_number(const Expr *e, bool real, bool imaginary)
{
  if (e->kind == EXPR_UnaryOp && e->as.UnaryOp.op == UNARYOP_USub) e = e->as.UnaryOp.operand;
  if (e->kind != EXPR_Constant) return false;
  Value v = e->as.Constant.value;
  return (real && (cd_is_float(v) || (cd_is_int(v) && !cd_is_bool(v)))) || (imaginary && cd_is_complex(v));
}

static bool validate_pattern_value(VM *vm, const Expr *e)
{
  if (!validate_expr(vm, e, CTX_Load)) return false;
  switch (e->kind) {
  case EXPR_Constant:
    if (cd_is_ellipsis(e->as.Constant.value)) return cd_raise_value(vm, "unexpected constant inside of a literal pattern");
    if (cd_is_str(e->as.Constant.value) || cd_is_bytes(e->as.Constant.value) || validate_is_number(e, true, true)) return true;
    return cd_raise_value(vm, "unexpected constant inside of a literal pattern");
  case EXPR_Attribute: case EXPR_JoinedStr: return true;         // an f-string is the compiler's to refuse
  case EXPR_UnaryOp:
    if (validate_is_number(e, true, true)) return true;
    break;
  case EXPR_BinOp:
    if ((e->as.BinOp.op == OPERATOR_Add || e->as.BinOp.op == OPERATOR_Sub) && validate_is_number(e->as.BinOp.left, true, false) &&
        e->as.BinOp.right->kind == EXPR_Constant && validate_is_number(e->as.BinOp.right, false, true))
      return true;
    break;
  default: break;
  }
  return cd_raise_value(vm, "patterns may only match literals and attribute lookups");
}

static bool validate_capture(VM *vm, Value name)
{
  if (cd_str_is(name, "_")) return cd_raise_value(vm, "can't capture name '_' in patterns");
  return validate_name(vm, name);
}

static bool validate_patterns(VM *vm, PatternSeq patterns, bool star_ok)
{
  for (size_t i = 0; i < patterns.count; i++)
    if (!validate_pattern(vm, patterns.items[i], star_ok)) return false;
  return true;
}

static bool validate_mapping(VM *vm, const Pattern *p)
{
  ExprSeq keys = p->as.MatchMapping.keys;
  if (keys.count != p->as.MatchMapping.patterns.count)
    return cd_raise_value(vm, "MatchMapping doesn't have the same number of keys as patterns");
  if (p->as.MatchMapping.rest && !validate_capture(vm, p->as.MatchMapping.rest)) return false;
  for (size_t i = 0; i < keys.count; i++) {
    const Expr *key = keys.items[i];
    if (key->kind == EXPR_Constant && (cd_is_none(key->as.Constant.value) || cd_is_bool(key->as.Constant.value))) continue;
    if (!validate_pattern_value(vm, key)) return false;
  }
  return validate_patterns(vm, p->as.MatchMapping.patterns, false);
}

static bool validate_class(VM *vm, const Pattern *p)
{
  if (p->as.MatchClass.kwd_attrs.count != p->as.MatchClass.kwd_patterns.count)
    return cd_raise_value(vm, "MatchClass doesn't have the same number of keyword attributes as patterns");
  const Expr *cls = p->as.MatchClass.cls;
  if (!validate_expr(vm, cls, CTX_Load)) return false;
  while (cls->kind == EXPR_Attribute) cls = cls->as.Attribute.value;
  if (cls->kind != EXPR_Name) return cd_raise_value(vm, "MatchClass cls field can only contain Name or Attribute nodes.");
  for (size_t i = 0; i < p->as.MatchClass.kwd_attrs.count; i++)
    if (!validate_name(vm, p->as.MatchClass.kwd_attrs.items[i])) return false;
  return validate_patterns(vm, p->as.MatchClass.patterns, false) && validate_patterns(vm, p->as.MatchClass.kwd_patterns, false);
}

static bool validate_pattern_fields(VM *vm, const Pattern *p, bool star_ok)
{
  switch (p->kind) {
  case PATTERN_MatchValue: return validate_pattern_value(vm, p->as.MatchValue.value);
  case PATTERN_MatchSingleton:
    if (cd_is_none(p->as.MatchSingleton.value) || cd_is_bool(p->as.MatchSingleton.value)) return true;
    return cd_raise_value(vm, "MatchSingleton can only contain True, False and None");
  case PATTERN_MatchSequence: return validate_patterns(vm, p->as.MatchSequence.patterns, true);
  case PATTERN_MatchMapping: return validate_mapping(vm, p);
  case PATTERN_MatchClass: return validate_class(vm, p);
  case PATTERN_MatchStar:
    if (!star_ok) return cd_raise_value(vm, "can't use MatchStar here");
    return !p->as.MatchStar.name || validate_capture(vm, p->as.MatchStar.name);
  case PATTERN_MatchAs:
    if (p->as.MatchAs.name && !validate_capture(vm, p->as.MatchAs.name)) return false;
    if (!p->as.MatchAs.pattern) return true;
    if (!p->as.MatchAs.name) return cd_raise_value(vm, "MatchAs must specify a target name if a pattern is given");
    return validate_pattern(vm, p->as.MatchAs.pattern, false);
  case PATTERN_MatchOr:
    if (p->as.MatchOr.patterns.count < 2) return cd_raise_value(vm, "MatchOr requires at least 2 patterns");
    return validate_patterns(vm, p->as.MatchOr.patterns, false);
  }
  return cd_raise_system(vm, "unexpected pattern");
}

static bool validate_pattern(VM *vm, const Pattern *p, bool star_ok)
{
  if (!VALIDATE_POSITION(vm, p) || !cd_enter_recursion(vm, " during compilation")) return false;
  bool ok = validate_pattern_fields(vm, p, star_ok);
  cd_leave_recursion(vm);
  return ok;
}

// ---- statements ----

static bool validate_handlers(VM *vm, ExceptHandlerSeq handlers)
{
  for (size_t i = 0; i < handlers.count; i++) {
    const ExceptHandler *handler = handlers.items[i];
    if (!VALIDATE_POSITION(vm, handler) || !validate_load(vm, handler->type) || !validate_body(vm, handler->body, "ExceptHandler"))
      return false;
  }
  return true;
}

static bool validate_try(VM *vm, const Stmt *s, const char *name)
{
  if (!validate_body(vm, s->as.Try.body, name)) return false;
  if (!s->as.Try.handlers.count && !s->as.Try.finalbody.count)
    return cd_raise_value(vm, "%s has neither except handlers nor finalbody", name);
  if (!s->as.Try.handlers.count && s->as.Try.orelse.count) return cd_raise_value(vm, "%s has orelse but no except handlers", name);
  return validate_handlers(vm, s->as.Try.handlers) && validate_stmts(vm, s->as.Try.finalbody) && validate_stmts(vm, s->as.Try.orelse);
}

static bool validate_with(VM *vm, const Stmt *s, const char *name)
{
  if (!validate_not_empty(vm, s->as.With.items.count, "items", name)) return false;
  for (size_t i = 0; i < s->as.With.items.count; i++) {
    const WithItem *item = s->as.With.items.items[i];
    if (!validate_expr(vm, item->context_expr, CTX_Load)) return false;
    if (item->optional_vars && !validate_expr(vm, item->optional_vars, CTX_Store)) return false;
  }
  return validate_body(vm, s->as.With.body, name);
}

static bool validate_match(VM *vm, const Stmt *s)
{
  if (!validate_expr(vm, s->as.Match.subject, CTX_Load) || !validate_not_empty(vm, s->as.Match.cases.count, "cases", "Match")) return false;
  for (size_t i = 0; i < s->as.Match.cases.count; i++) {
    const MatchCase *c = s->as.Match.cases.items[i];
    if (!validate_pattern(vm, c->pattern, false) || !validate_load(vm, c->guard) || !validate_body(vm, c->body, "match_case")) return false;
  }
  return true;
}

static bool validate_type_params(VM *vm, TypeParamSeq params)
{
  for (size_t i = 0; i < params.count; i++) {
    const TypeParam *p = params.items[i];
    if (!VALIDATE_POSITION(vm, p)) return false;
    switch (p->kind) {
    case TYPE_PARAM_TypeVar:
      if (!validate_name(vm, p->as.TypeVar.name) || !validate_load(vm, p->as.TypeVar.bound) ||
          !validate_load(vm, p->as.TypeVar.default_value))
        return false;
      break;
    case TYPE_PARAM_ParamSpec:
      if (!validate_name(vm, p->as.ParamSpec.name) || !validate_load(vm, p->as.ParamSpec.default_value)) return false;
      break;
    case TYPE_PARAM_TypeVarTuple:
      if (!validate_name(vm, p->as.TypeVarTuple.name) || !validate_load(vm, p->as.TypeVarTuple.default_value)) return false;
      break;
    }
  }
  return true;
}

static bool validate_def(VM *vm, const Stmt *s, const char *name)
{
  return validate_body(vm, s->as.FunctionDef.body, name) && validate_type_params(vm, s->as.FunctionDef.type_params) &&
         validate_arguments(vm, s->as.FunctionDef.args) && validate_exprs(vm, s->as.FunctionDef.decorator_list, CTX_Load, false) &&
         validate_load(vm, s->as.FunctionDef.returns);
}

static bool validate_for(VM *vm, const Stmt *s, const char *name)
{
  return validate_expr(vm, s->as.For.target, CTX_Store) && validate_expr(vm, s->as.For.iter, CTX_Load) &&
         validate_body(vm, s->as.For.body, name) && validate_stmts(vm, s->as.For.orelse);
}

static bool validate_stmt_fields(VM *vm, const Stmt *s)
{
  switch (s->kind) {
  case STMT_FunctionDef: return validate_def(vm, s, "FunctionDef");
  case STMT_AsyncFunctionDef: return validate_def(vm, s, "AsyncFunctionDef");
  case STMT_ClassDef:
    return validate_body(vm, s->as.ClassDef.body, "ClassDef") && validate_type_params(vm, s->as.ClassDef.type_params) &&
           validate_exprs(vm, s->as.ClassDef.bases, CTX_Load, false) && validate_keywords(vm, s->as.ClassDef.keywords) &&
           validate_exprs(vm, s->as.ClassDef.decorator_list, CTX_Load, false);
  case STMT_Return: return validate_load(vm, s->as.Return.value);
  case STMT_Delete: return validate_targets(vm, s->as.Delete.targets, CTX_Del, "Delete");
  case STMT_Assign: return validate_targets(vm, s->as.Assign.targets, CTX_Store, "Assign") && validate_load(vm, s->as.Assign.value);
  case STMT_AugAssign: return validate_expr(vm, s->as.AugAssign.target, CTX_Store) && validate_load(vm, s->as.AugAssign.value);
  case STMT_AnnAssign:
    if (s->as.AnnAssign.target->kind != EXPR_Name && s->as.AnnAssign.simple)
      return cd_raise_type(vm, "AnnAssign with simple non-Name target");
    return validate_expr(vm, s->as.AnnAssign.target, CTX_Store) && validate_load(vm, s->as.AnnAssign.value) &&
           validate_load(vm, s->as.AnnAssign.annotation);
  case STMT_For: return validate_for(vm, s, "For");
  case STMT_AsyncFor: return validate_for(vm, s, "AsyncFor");
  case STMT_While:
    return validate_load(vm, s->as.While.test) && validate_body(vm, s->as.While.body, "While") && validate_stmts(vm, s->as.While.orelse);
  case STMT_If: return validate_load(vm, s->as.If.test) && validate_body(vm, s->as.If.body, "If") && validate_stmts(vm, s->as.If.orelse);
  case STMT_With: return validate_with(vm, s, "With");
  case STMT_AsyncWith: return validate_with(vm, s, "AsyncWith");
  case STMT_Match: return validate_match(vm, s);
  case STMT_Raise:
    if (s->as.Raise.cause && !s->as.Raise.exc) return cd_raise_value(vm, "Raise with cause but no exception");
    return validate_load(vm, s->as.Raise.exc) && validate_load(vm, s->as.Raise.cause);
  case STMT_Try: return validate_try(vm, s, "Try");
  case STMT_TryStar: return validate_try(vm, s, "TryStar");
  case STMT_Assert: return validate_load(vm, s->as.Assert.test) && validate_load(vm, s->as.Assert.msg);
  case STMT_Import: return validate_not_empty(vm, s->as.Import.names.count, "names", "Import");
  case STMT_ImportFrom:
    if (s->as.ImportFrom.level < 0) return cd_raise_value(vm, "Negative ImportFrom level");
    return validate_not_empty(vm, s->as.ImportFrom.names.count, "names", "ImportFrom");
  case STMT_Global: return validate_not_empty(vm, s->as.Global.names.count, "names", "Global");
  case STMT_Nonlocal: return validate_not_empty(vm, s->as.Nonlocal.names.count, "names", "Nonlocal");
  case STMT_Expr: return validate_load(vm, s->as.Expr.value);
  case STMT_TypeAlias:
    if (s->as.TypeAlias.name->kind != EXPR_Name) return cd_raise_type(vm, "TypeAlias with non-Name name");
    return validate_expr(vm, s->as.TypeAlias.name, CTX_Store) && validate_type_params(vm, s->as.TypeAlias.type_params) &&
           validate_load(vm, s->as.TypeAlias.value);
  case STMT_Pass: case STMT_Break: case STMT_Continue: return true;
  }
  return cd_raise_system(vm, "unexpected statement");
}

static bool validate_stmt(VM *vm, const Stmt *s)
{
  if (!VALIDATE_POSITION(vm, s) || !cd_enter_recursion(vm, " during compilation")) return false;
  bool ok = validate_stmt_fields(vm, s);
  cd_leave_recursion(vm);
  return ok;
}

bool cd_ast_validate(VM *vm, Mod *mod)
{
  switch (mod->kind) {
  case MOD_Module: return validate_stmts(vm, mod->as.Module.body);
  case MOD_Interactive: return validate_stmts(vm, mod->as.Interactive.body);
  case MOD_Expression: return validate_expr(vm, mod->as.Expression.body, CTX_Load);
  case MOD_FunctionType:
    return validate_exprs(vm, mod->as.FunctionType.argtypes, CTX_Load, false) && validate_load(vm, mod->as.FunctionType.returns);
  }
  return cd_raise_system(vm, "impossible module node");
}
