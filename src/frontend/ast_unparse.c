// SPDX-License-Identifier: MIT
// ast_unparse.c: an expression's tree back to text, for annotations that stay text (PEP 563)
#include "frontend/codegen.h"

#include "objects/bytes.h"
#include "objects/float.h"
#include "objects/protocol.h"
#include "objects/str.h"
#include "objects/tuple.h"

// How tightly an operator binds; an operand that binds less gets parentheses.
enum {
  LEVEL_TUPLE,
  LEVEL_TEST,
  LEVEL_OR,
  LEVEL_AND,
  LEVEL_NOT,
  LEVEL_COMPARE,
  LEVEL_EXPR,
  LEVEL_BIT_OR = LEVEL_EXPR,
  LEVEL_BIT_XOR,
  LEVEL_BIT_AND,
  LEVEL_SHIFT,
  LEVEL_ARITH,
  LEVEL_TERM,
  LEVEL_FACTOR,
  LEVEL_POWER,
  LEVEL_AWAIT,
  LEVEL_ATOM,
};

static bool unparse(TextBuilder *t, const Expr *e, int level);

static bool unparse_open(TextBuilder *t, bool wanted) { return !wanted || cd_text_puts(t, "("); }
static bool unparse_close(TextBuilder *t, bool wanted) { return !wanted || cd_text_puts(t, ")"); }

static bool unparse_list(TextBuilder *t, const ExprSeq *seq, int level)
{
  for (size_t i = 0; i < seq->count; i++)
    if ((i && !cd_text_puts(t, ", ")) || !unparse(t, seq->items[i], level)) return false;
  return true;
}

// ---- operators ----

static bool unparse_bool(TextBuilder *t, const Expr *e, int level)
{
  bool is_and = e->as.BoolOp.op == BOOLOP_And;
  int own = is_and ? LEVEL_AND : LEVEL_OR;
  if (!unparse_open(t, level > own)) return false;
  for (size_t i = 0; i < e->as.BoolOp.values.count; i++)
    if ((i && !cd_text_puts(t, is_and ? " and " : " or ")) || !unparse(t, e->as.BoolOp.values.items[i], own + 1)) return false;
  return unparse_close(t, level > own);
}

static bool unparse_binary(TextBuilder *t, const Expr *e, int level)
{
  static const struct { const char *text; uint8_t level;
  } operators[] = {
    // ORDER: OPERATOR of ast.def
    {" + ", LEVEL_ARITH},   {" - ", LEVEL_ARITH},   {" * ", LEVEL_TERM},   {" @ ", LEVEL_TERM},   {" / ", LEVEL_TERM},
    {" % ", LEVEL_TERM},    {" ** ", LEVEL_POWER},  {" << ", LEVEL_SHIFT}, {" >> ", LEVEL_SHIFT}, {" | ", LEVEL_BIT_OR},
    {" ^ ", LEVEL_BIT_XOR}, {" & ", LEVEL_BIT_AND}, {" // ", LEVEL_TERM},
  };
  int own = operators[e->as.BinOp.op].level;
  bool power = e->as.BinOp.op == OPERATOR_Pow;   // groups from the right
  return unparse_open(t, level > own) && unparse(t, e->as.BinOp.left, own + power) && cd_text_puts(t, operators[e->as.BinOp.op].text)
         && unparse(t, e->as.BinOp.right, own + !power) && unparse_close(t, level > own);
}

static bool unparse_unary(TextBuilder *t, const Expr *e, int level)
{
  static const char *const operators[] = {"~", "not ", "+", "-"};                // ORDER: UNARYOP of ast.def
  int own = e->as.UnaryOp.op == UNARYOP_Not ? LEVEL_NOT : LEVEL_FACTOR;
  return unparse_open(t, level > own) && cd_text_puts(t, operators[e->as.UnaryOp.op]) && unparse(t, e->as.UnaryOp.operand, own) &&
         unparse_close(t, level > own);
}

static bool unparse_compare(TextBuilder *t, const Expr *e, int level)
{
  static const char *const operators[] = {" == ", " != ", " < ",      " <= ", " > ",
                                          " >= ", " is ", " is not ", " in ", " not in "};   // ORDER: CMPOP of ast.def
  bool parentheses = level > LEVEL_COMPARE;
  if (!unparse_open(t, parentheses) || !unparse(t, e->as.Compare.left, LEVEL_COMPARE + 1)) return false;
  for (size_t i = 0; i < e->as.Compare.ops.count; i++)
    if (!cd_text_puts(t, operators[e->as.Compare.ops.items[i]]) || !unparse(t, e->as.Compare.comparators.items[i], LEVEL_COMPARE + 1))
      return false;
  return unparse_close(t, parentheses);
}

static bool unparse_conditional(TextBuilder *t, const Expr *e, int level)
{
  bool parentheses = level > LEVEL_TEST;
  return unparse_open(t, parentheses) && unparse(t, e->as.IfExp.body, LEVEL_TEST + 1) && cd_text_puts(t, " if ") &&
         unparse(t, e->as.IfExp.test, LEVEL_TEST + 1) && cd_text_puts(t, " else ") && unparse(t, e->as.IfExp.orelse, LEVEL_TEST) &&
         unparse_close(t, parentheses);
}

// ---- lambda ----

static bool unparse_parameter(TextBuilder *t, const Arg *arg, const Expr *fallback, bool *first)
{
  if (!*first && !cd_text_puts(t, ", ")) return false;
  *first = false;
  return cd_text_str(t, arg->arg) && (!fallback || (cd_text_puts(t, "=") && unparse(t, fallback, LEVEL_TEST)));
}

static bool unparse_parameters(TextBuilder *t, const Arguments *args)
{
  bool first = true;
  size_t positional = args->posonlyargs.count + args->args.count;
  for (size_t i = 0; i < positional; i++) {
    const Arg *arg = i < args->posonlyargs.count ? args->posonlyargs.items[i] : args->args.items[i - args->posonlyargs.count];
    const Expr *fallback = i + args->defaults.count >= positional ? args->defaults.items[i + args->defaults.count - positional] : NULL;
    if (!unparse_parameter(t, arg, fallback, &first)) return false;
    if (args->posonlyargs.count && i + 1 == args->posonlyargs.count && !cd_text_puts(t, ", /")) return false;
  }
  if (args->vararg || args->kwonlyargs.count) {
    if (!cd_text_puts(t, first ? "*" : ", *") || (args->vararg && !cd_text_str(t, args->vararg->arg))) return false;
    first = false;
  }
  for (size_t i = 0; i < args->kwonlyargs.count; i++)
    if (!unparse_parameter(t, args->kwonlyargs.items[i], args->kw_defaults.items[i], &first)) return false;
  return !args->kwarg || (cd_text_puts(t, first ? "**" : ", **") && cd_text_str(t, args->kwarg->arg));
}

static bool unparse_lambda(TextBuilder *t, const Expr *e, int level)
{
  const Arguments *a = e->as.Lambda.args;
  bool parentheses = level > LEVEL_TEST, any = a->posonlyargs.count || a->args.count || a->vararg || a->kwonlyargs.count || a->kwarg;
  return unparse_open(t, parentheses) && cd_text_puts(t, any ? "lambda " : "lambda") && unparse_parameters(t, a) && cd_text_puts(t, ": ")
         && unparse(t, e->as.Lambda.body, LEVEL_TEST) && unparse_close(t, parentheses);
}

// ---- displays and comprehensions ----

static bool unparse_dict(TextBuilder *t, const Expr *e)
{
  if (!cd_text_puts(t, "{")) return false;
  for (size_t i = 0; i < e->as.Dict.values.count; i++) {
    const Expr *key = e->as.Dict.keys.items[i];
    if (i && !cd_text_puts(t, ", ")) return false;
    if (key ? !(unparse(t, key, LEVEL_TEST) && cd_text_puts(t, ": ") && unparse(t, e->as.Dict.values.items[i], LEVEL_TEST))
            : !(cd_text_puts(t, "**") && unparse(t, e->as.Dict.values.items[i], LEVEL_EXPR))) return false;
  }
  return cd_text_puts(t, "}");
}

static bool unparse_tuple(TextBuilder *t, const ExprSeq *elts, int level)
{
  if (!elts->count) return cd_text_puts(t, "()");
  return unparse_open(t, level > LEVEL_TUPLE) && unparse_list(t, elts, LEVEL_TEST) && (elts->count > 1 || cd_text_puts(t, ",")) &&
         unparse_close(t, level > LEVEL_TUPLE);
}

static bool unparse_clauses(TextBuilder *t, const ComprehensionSeq *seq)
{
  for (size_t i = 0; i < seq->count; i++) {
    const Comprehension *k = seq->items[i];
    if (!cd_text_puts(t, k->is_async ? " async for " : " for ") || !unparse(t, k->target, LEVEL_TUPLE) || !cd_text_puts(t, " in ") ||
        !unparse(t, k->iter, LEVEL_TEST + 1))
      return false;
    for (size_t n = 0; n < k->ifs.count; n++)
      if (!cd_text_puts(t, " if ") || !unparse(t, k->ifs.items[n], LEVEL_TEST + 1)) return false;
  }
  return true;
}

static bool unparse_comprehension(TextBuilder *t, const char *open, const Expr *elt, const Expr *value, const ComprehensionSeq *generators,
                                  const char *close)
{
  return cd_text_puts(t, open) && unparse(t, elt, LEVEL_TEST) && (!value || (cd_text_puts(t, ": ") && unparse(t, value, LEVEL_TEST))) &&
         unparse_clauses(t, generators) && cd_text_puts(t, close);
}

// ---- constants and f-strings ----

static bool unparse_constant(TextBuilder *t, Value v)
{
  if (cd_is_ellipsis(v)) return cd_text_puts(t, "...");
  if (cd_is_exact(v, t->vm->types.tuple)) {
    if (!cd_text_puts(t, "(")) return false;
    for (size_t i = 0; i < cd_tuple_size(v); i++)
      if ((i && !cd_text_puts(t, ", ")) || !unparse_constant(t, cd_tuple_item_borrow(v, i))) return false;
    return cd_text_puts(t, cd_tuple_size(v) == 1 ? ",)" : ")");
  }
  if (!cd_is_float(v) && !cd_is_complex(v)) return cd_text_repr(t, v);
  // Infinity has no literal of its own.
  Ref text = cd_repr(t->vm, v);
  if (!text) return false;
  const char *p = cd_str_data(text), *inf;
  bool ok = true;
  while (ok && (inf = strstr(p, "inf"))) {
    ok = cd_text_put(t, p, (size_t)(inf - p)) && cd_text_puts(t, "1e309");
    p = inf + 3;
  }
  ok = ok && cd_text_puts(t, p);
  cd_drop(t->vm, text);
  return ok;
}

static bool unparse_joined_body(TextBuilder *t, const ExprSeq *values, bool is_spec);

static bool unparse_braces(TextBuilder *t, Value text)                           // { and } doubled
{
  const char *p = cd_str_data(text), *end = p + cd_str_size(text);
  while (p < end) {
    const char *start = p;
    while (p < end && *p != '{' && *p != '}') p++;
    if (!cd_text_put(t, start, (size_t)(p - start))) return false;
    if (p < end && (!cd_text_char(t, (unsigned char)*p) || !cd_text_char(t, (unsigned char)*p))) return false;
    if (p < end) p++;
  }
  return true;
}

static bool unparse_field(TextBuilder *t, const Expr *e)
{
  TextBuilder inner;
  cd_text_init(&inner, t->vm);
  Ref text = unparse(&inner, e->as.FormattedValue.value, LEVEL_TEST + 1) ? cd_text_finish(&inner) : NO_REF;
  if (!text) {
    cd_text_clear(&inner);
    return false;
  }
  bool ok = cd_text_puts(t, cd_str_data(text)[0] == '{' ? "{ " : "{") && cd_text_str(t, text);
  cd_drop(t->vm, text);
  int conversion = e->as.FormattedValue.conversion;
  if (ok && conversion > 0) ok = cd_text_puts(t, "!") && cd_text_char(t, (uint32_t)conversion);
  const Expr *spec = e->as.FormattedValue.format_spec;
  if (ok && spec) {
    ok = cd_text_puts(t, ":");
    if (spec->kind == EXPR_JoinedStr) ok = ok && unparse_joined_body(t, &spec->as.JoinedStr.values, true);
    else if (spec->kind == EXPR_Constant) ok = ok && unparse_braces(t, spec->as.Constant.value);
  }
  return ok && cd_text_puts(t, "}");
}

static bool unparse_joined_body(TextBuilder *t, const ExprSeq *values, bool is_spec UNUSED)
{
  for (size_t i = 0; i < values->count; i++) {
    const Expr *e = values->items[i];
    bool ok = e->kind == EXPR_FormattedValue                                ? unparse_field(t, e)
              : e->kind == EXPR_JoinedStr                                   ? unparse_joined_body(t, &e->as.JoinedStr.values, is_spec)
              : e->kind == EXPR_Constant && cd_is_str(e->as.Constant.value) ? unparse_braces(t, e->as.Constant.value)
                                                                            : true;
    if (!ok) return false;
  }
  return true;
}

static bool unparse_joined(TextBuilder *t, const Expr *e)
{
  TextBuilder body;
  cd_text_init(&body, t->vm);
  bool ok = e->kind == EXPR_FormattedValue ? unparse_field(&body, e) : unparse_joined_body(&body, &e->as.JoinedStr.values, false);
  Ref text = ok ? cd_text_finish(&body) : NO_REF;
  if (!text) {
    cd_text_clear(&body);
    return false;
  }
  ok = cd_text_puts(t, "f") && cd_text_repr(t, text);
  cd_drop(t->vm, text);
  return ok;
}

// ---- the rest ----

static bool unparse_call(TextBuilder *t, const Expr *e)
{
  const ExprSeq *args = &e->as.Call.args;
  if (!unparse(t, e->as.Call.func, LEVEL_ATOM)) return false;
  if (args->count == 1 && !e->as.Call.keywords.count && args->items[0]->kind == EXPR_GeneratorExp)
    return unparse(t, args->items[0], LEVEL_ATOM);
  if (!cd_text_puts(t, "(") || !unparse_list(t, args, LEVEL_TEST)) return false;
  for (size_t i = 0; i < e->as.Call.keywords.count; i++) {
    const Keyword *k = e->as.Call.keywords.items[i];
    if ((i || args->count) && !cd_text_puts(t, ", ")) return false;
    if (k->arg ? !(cd_text_str(t, k->arg) && cd_text_puts(t, "=")) : !cd_text_puts(t, "**")) return false;
    if (!unparse(t, k->value, k->arg ? LEVEL_TEST : LEVEL_EXPR)) return false;
  }
  return cd_text_puts(t, ")");
}

static bool unparse_attribute(TextBuilder *t, const Expr *e)
{
  const Expr *value = e->as.Attribute.value;
  bool is_int = value->kind == EXPR_Constant && cd_is_int(value->as.Constant.value) && !cd_is_bool(value->as.Constant.value);
  return unparse(t, value, LEVEL_ATOM) && cd_text_puts(t, is_int ? " ." : ".") && cd_text_str(t, e->as.Attribute.attr);
}

static bool unparse_slice(TextBuilder *t, const Expr *e)
{
  const Expr *lower = e->as.Slice.lower, *upper = e->as.Slice.upper, *step = e->as.Slice.step;
  return (!lower || unparse(t, lower, LEVEL_TEST)) && cd_text_puts(t, ":") && (!upper || unparse(t, upper, LEVEL_TEST))
         && (!step || (cd_text_puts(t, ":") && unparse(t, step, LEVEL_TEST)));
}

static bool unparse(TextBuilder *t, const Expr *e, int level)
{
  switch (e->kind) {
  case EXPR_BoolOp: return unparse_bool(t, e, level);
  case EXPR_BinOp: return unparse_binary(t, e, level);
  case EXPR_UnaryOp: return unparse_unary(t, e, level);
  case EXPR_Lambda: return unparse_lambda(t, e, level);
  case EXPR_IfExp: return unparse_conditional(t, e, level);
  case EXPR_Dict: return unparse_dict(t, e);
  case EXPR_Set: return cd_text_puts(t, "{") && unparse_list(t, &e->as.Set.elts, LEVEL_TEST) && cd_text_puts(t, "}");
  case EXPR_GeneratorExp: return unparse_comprehension(t, "(", e->as.GeneratorExp.elt, NULL, &e->as.GeneratorExp.generators, ")");
  case EXPR_ListComp: return unparse_comprehension(t, "[", e->as.ListComp.elt, NULL, &e->as.ListComp.generators, "]");
  case EXPR_SetComp: return unparse_comprehension(t, "{", e->as.SetComp.elt, NULL, &e->as.SetComp.generators, "}");
  case EXPR_DictComp: return unparse_comprehension(t, "{", e->as.DictComp.key, e->as.DictComp.value, &e->as.DictComp.generators, "}");
  case EXPR_Yield:
    if (!e->as.Yield.value) return cd_text_puts(t, "(yield)");
    return cd_text_puts(t, "(yield ") && unparse(t, e->as.Yield.value, LEVEL_TUPLE) && cd_text_puts(t, ")");
  case EXPR_YieldFrom: return cd_text_puts(t, "(yield from ") && unparse(t, e->as.YieldFrom.value, LEVEL_TEST) && cd_text_puts(t, ")");
  case EXPR_Await:
    return unparse_open(t, level > LEVEL_AWAIT) && cd_text_puts(t, "await ") && unparse(t, e->as.Await.value, LEVEL_ATOM) &&
           unparse_close(t, level > LEVEL_AWAIT);
  case EXPR_Compare: return unparse_compare(t, e, level);
  case EXPR_Call: return unparse_call(t, e);
  case EXPR_Constant:
    if (e->as.Constant.kind && !cd_is_none(e->as.Constant.kind) && !cd_text_str(t, e->as.Constant.kind)) return false;
    return unparse_constant(t, e->as.Constant.value);
  case EXPR_JoinedStr: case EXPR_FormattedValue: return unparse_joined(t, e);
  case EXPR_Attribute: return unparse_attribute(t, e);
  case EXPR_Starred: return cd_text_puts(t, "*") && unparse(t, e->as.Starred.value, LEVEL_EXPR);
  case EXPR_Name: return cd_text_str(t, e->as.Name.id);
  case EXPR_List: return cd_text_puts(t, "[") && unparse_list(t, &e->as.List.elts, LEVEL_TEST) && cd_text_puts(t, "]");
  case EXPR_Tuple: return unparse_tuple(t, &e->as.Tuple.elts, level);
  case EXPR_Subscript:
    return unparse(t, e->as.Subscript.value, LEVEL_ATOM) && cd_text_puts(t, "[") && unparse(t, e->as.Subscript.slice, LEVEL_TUPLE) &&
           cd_text_puts(t, "]");
  case EXPR_Slice: return unparse_slice(t, e);
  case EXPR_NamedExpr:
    return unparse_open(t, level > LEVEL_TUPLE) && unparse(t, e->as.NamedExpr.target, LEVEL_ATOM) && cd_text_puts(t, " := ") &&
           unparse(t, e->as.NamedExpr.value, LEVEL_ATOM) && unparse_close(t, level > LEVEL_TUPLE);
  }
  return false;
}

Ref cd_unparse(VM *vm, const Expr *e)
{
  TextBuilder text;
  cd_text_init(&text, vm);
  if (unparse(&text, e, LEVEL_TEST)) return cd_text_finish(&text);
  cd_text_clear(&text);
  return NO_REF;
}
