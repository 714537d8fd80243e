// SPDX-License-Identifier: MIT
// parse_stmt.c: statements, blocks and whole modules
#include "frontend/parse.h"

#include "objects/raise.h"
#include "objects/str.h"

#define STMT_POP(p, mark, seq) cd_parser_pop(p, &(p)->stack, mark, &(seq).count, &(seq).items)
#define STMT_PUSH(p, item) cd_parser_push(p, &(p)->stack, item)

static Stmt *parse_statement(Parser *p);

static inline Stmt *parse_spanned_stmt(Parser *p, Stmt *s, const Token *start)
{
  PARSER_SPAN(p, s, start);
  return s;
}

// Takes a type comment, if there is one. false: no memory.
static bool parse_type_comment(Parser *p, Value *out)
{
  if (LIKELY(!cd_parser_is(p, TOKEN_TYPE_COMMENT))) return true;
  *out = cd_ast_own(p->ast, cd_str_new(p->vm, p->token->text, p->token->size));
  p->token++;
  return *out;
}

// ---- simple statements ----

static Stmt *parse_value(Parser *p, const Token *start, Expr *value)
{
  if (!value) return NULL;
  Stmt *s = cd_stmt_new(p->ast, STMT_Expr);
  if (!s) return NULL;
  s->as.Expr.value = value;
  return parse_spanned_stmt(p, s, start);
}

static Expr *parse_right_side(Parser *p) { return cd_parser_is(p, TOKEN_YIELD) ? cd_parse_yield(p) : cd_parse_star_expressions(p); }

static bool parse_is_single_target(const Expr *e) { return e->kind == EXPR_Name || e->kind == EXPR_Attribute || e->kind == EXPR_Subscript; }

// target: annotation = value
static Stmt *parse_annotated(Parser *p, const Token *start, Expr *target)
{
  if (!parse_is_single_target(target)) return NULL;
  cd_expr_set_context(target, CTX_Store);
  Stmt *s = cd_stmt_new(p->ast, STMT_AnnAssign);
  if (!s) return NULL;
  s->as.AnnAssign.target = target;
  s->as.AnnAssign.simple = target->kind == EXPR_Name && start->kind == TOKEN_NAME;
  p->token++;
  if (!(s->as.AnnAssign.annotation = cd_parse_expression(p))) return NULL;
  if (cd_parser_take(p, TOKEN_EQUAL) && !(s->as.AnnAssign.value = parse_right_side(p))) return NULL;
  return parse_spanned_stmt(p, s, start);
}

static Stmt *parse_augmented(Parser *p, const Token *start, Expr *target)
{
  static const uint8_t operators[] = {             // ORDER: AUGMENTED
    OPERATOR_Add, OPERATOR_Sub, OPERATOR_Mult, OPERATOR_MatMult, OPERATOR_Div, OPERATOR_Mod, OPERATOR_Pow, OPERATOR_LShift, OPERATOR_RShift,
    OPERATOR_BitOr, OPERATOR_BitXor, OPERATOR_BitAnd, OPERATOR_FloorDiv,
  };
  if (!parse_is_single_target(target)) return NULL;
  cd_expr_set_context(target, CTX_Store);
  Stmt *s = cd_stmt_new(p->ast, STMT_AugAssign);
  if (!s) return NULL;
  s->as.AugAssign.target = target;
  s->as.AugAssign.op = operators[p->token->kind - TOKEN_PLUS_EQUAL];
  p->token++;
  return (s->as.AugAssign.value = parse_right_side(p)) ? parse_spanned_stmt(p, s, start) : NULL;
}

// a = b = value
static Stmt *parse_assign(Parser *p, const Token *start, Expr *target)
{
  Stmt *s = cd_stmt_new(p->ast, STMT_Assign);
  size_t mark = p->stack.count;
  if (!s) return NULL;
  while (cd_parser_take(p, TOKEN_EQUAL)) {
    if (!cd_expr_set_context(target, CTX_Store) || !STMT_PUSH(p, target)) return NULL;
    if (!(target = parse_right_side(p))) return NULL;
  }
  s->as.Assign.value = target;
  if (!STMT_POP(p, mark, s->as.Assign.targets) || !parse_type_comment(p, &s->as.Assign.type_comment)) return NULL;
  return parse_spanned_stmt(p, s, start);
}

// Whatever begins with an expression.
static Stmt *parse_expression(Parser *p)
{
  const Token *start = p->token;
  Expr *e = cd_parse_star_expressions(p);
  if (!e) return NULL;
  switch (p->token->kind) {
  case TOKEN_EQUAL: return parse_assign(p, start, e);
  case TOKEN_COLON: return parse_annotated(p, start, e);
  default:
    if (p->token->kind >= TOKEN_PLUS_EQUAL && p->token->kind <= TOKEN_DOUBLE_SLASH_EQUAL) return parse_augmented(p, start, e);
    return parse_value(p, start, e);
  }
}

static bool parse_ends(const Parser *p) { return cd_parser_is(p, TOKEN_NEWLINE) || cd_parser_is(p, TOKEN_SEMI); }

static Stmt *parse_keyword_only(Parser *p, StmtKind kind)
{
  const Token *start = p->token++;
  Stmt *s = cd_stmt_new(p->ast, kind);
  return s ? parse_spanned_stmt(p, s, start) : NULL;
}

static Stmt *parse_return(Parser *p)
{
  const Token *start = p->token++;
  Stmt *s = cd_stmt_new(p->ast, STMT_Return);
  if (!s || (!parse_ends(p) && !(s->as.Return.value = cd_parse_star_expressions(p)))) return NULL;
  return parse_spanned_stmt(p, s, start);
}

static Stmt *parse_raise(Parser *p)
{
  const Token *start = p->token++;
  Stmt *s = cd_stmt_new(p->ast, STMT_Raise);
  if (!s) return NULL;
  if (!parse_ends(p)) {
    if (!(s->as.Raise.exc = cd_parse_expression(p))) return NULL;
    if (cd_parser_take(p, TOKEN_FROM) && !(s->as.Raise.cause = cd_parse_expression(p))) return NULL;
  }
  return parse_spanned_stmt(p, s, start);
}

static Stmt *parse_assert(Parser *p)
{
  const Token *start = p->token++;
  Stmt *s = cd_stmt_new(p->ast, STMT_Assert);
  if (!s || !(s->as.Assert.test = cd_parse_expression(p))) return NULL;
  if (cd_parser_take(p, TOKEN_COMMA) && !(s->as.Assert.msg = cd_parse_expression(p))) return NULL;
  return parse_spanned_stmt(p, s, start);
}

static Stmt *parse_del(Parser *p)
{
  const Token *start = p->token++;
  Stmt *s = cd_stmt_new(p->ast, STMT_Delete);
  size_t mark = p->stack.count;
  if (!s) return NULL;
  do {
    if (p->stack.count > mark && parse_ends(p)) break;
    Expr *target = cd_parse_primary(p);
    if (!target || !cd_expr_set_context(target, CTX_Del) || !STMT_PUSH(p, target)) return NULL;
  } while (cd_parser_take(p, TOKEN_COMMA));
  return STMT_POP(p, mark, s->as.Delete.targets) ? parse_spanned_stmt(p, s, start) : NULL;
}

static Stmt *parse_names(Parser *p, StmtKind kind)
{
  const Token *start = p->token++;
  Stmt *s = cd_stmt_new(p->ast, kind);
  size_t count = 0, capacity = 4;
  Value *names = s ? cd_ast_array(p->ast, capacity, sizeof *names) : NULL;
  if (!names) return NULL;
  do {
    if (count == capacity) {
      Value *more = cd_ast_array(p->ast, capacity * 2, sizeof *names);
      if (!more) return NULL;
      memcpy(more, names, count * sizeof *names);
      names = more;
      capacity *= 2;
    }
    if (!(names[count++] = cd_parse_name(p))) return NULL;
  } while (cd_parser_take(p, TOKEN_COMMA));
  s->as.Global.names.count = count;                // Nonlocal has the same fields
  s->as.Global.names.items = names;
  return parse_spanned_stmt(p, s, start);
}

// ---- imports ----

// a.b.c as one name
static Value parse_dotted_name(Parser *p)
{
  Value name = cd_parse_name(p);
  if (!name || !cd_parser_is(p, TOKEN_DOT)) return name;
  TextBuilder text;
  cd_text_init(&text, p->vm);
  bool ok = cd_text_str(&text, name);
  while (ok && cd_parser_take(p, TOKEN_DOT)) {
    name = cd_parse_name(p);
    ok = name && cd_text_puts(&text, ".") && cd_text_str(&text, name);
  }
  name = ok ? cd_ast_name(p->ast, text.data, text.size) : NO_VALUE;
  cd_text_clear(&text);
  return name;
}

// name [as asname]
static Alias *parse_alias(Parser *p, bool dotted)
{
  const Token *start = p->token;
  Alias *alias = cd_ast_alloc(p->ast, sizeof *alias);
  if (!alias || !(alias->name = dotted ? parse_dotted_name(p) : cd_parse_name(p))) return NULL;
  if (cd_parser_take(p, TOKEN_AS) && !(alias->asname = cd_parse_name(p))) return NULL;
  PARSER_SPAN(p, alias, start);
  return alias;
}

static Stmt *parse_import(Parser *p)
{
  const Token *start = p->token++;
  Stmt *s = cd_stmt_new(p->ast, STMT_Import);
  size_t mark = p->stack.count;
  if (!s) return NULL;
  do {
    Alias *alias = parse_alias(p, true);
    if (!alias || !STMT_PUSH(p, alias)) return NULL;
  } while (cd_parser_take(p, TOKEN_COMMA));
  return STMT_POP(p, mark, s->as.Import.names) ? parse_spanned_stmt(p, s, start) : NULL;
}

static Stmt *parse_import_from(Parser *p)
{
  const Token *start = p->token++;
  Stmt *s = cd_stmt_new(p->ast, STMT_ImportFrom);
  size_t mark = p->stack.count;
  int level = 0;
  if (!s) return NULL;
  for (; cd_parser_is(p, TOKEN_DOT) || cd_parser_is(p, TOKEN_ELLIPSIS); p->token++) level += cd_parser_is(p, TOKEN_DOT) ? 1 : 3;
  s->as.ImportFrom.level = level;
  if (!(level && cd_parser_is(p, TOKEN_IMPORT)) && !(s->as.ImportFrom.module = parse_dotted_name(p))) return NULL;
  if (!cd_parser_take(p, TOKEN_IMPORT)) return NULL;

  if (cd_parser_is(p, TOKEN_STAR)) {
    Alias *alias = cd_ast_alloc(p->ast, sizeof *alias);
    if (!alias || !(alias->name = cd_ast_name(p->ast, "*", 1)) || !STMT_PUSH(p, alias)) return NULL;
    p->token++;
    PARSER_SPAN(p, alias, p->token - 1);
  } else {
    bool parenthesized = cd_parser_take(p, TOKEN_LPAR);
    do {
      if (parenthesized && p->stack.count > mark && cd_parser_is(p, TOKEN_RPAR)) break;
      Alias *alias = parse_alias(p, false);
      if (!alias || !STMT_PUSH(p, alias)) return NULL;
    } while (cd_parser_take(p, TOKEN_COMMA));
    if (parenthesized && !cd_parser_take(p, TOKEN_RPAR)) return NULL;
  }
  return STMT_POP(p, mark, s->as.ImportFrom.names) ? parse_spanned_stmt(p, s, start) : NULL;
}

// ---- type parameters (PEP 695, 696) ----

// *Ts and **P can have neither; name it.
static bool parse_no_bound(Parser *p, const char *what)
{
  const Token *colon = p->token;
  if (LIKELY(!cd_parser_take(p, TOKEN_COLON))) return true;
  const Expr *bound = cd_parse_expression(p);
  if (bound)
    cd_syntax_error(p->vm, p->ast->filename, colon->line, colon->column, bound->end_line, bound->end_column, "cannot use %s with %s",
                    bound->kind == EXPR_Tuple ? "constraints" : "bound", what);
  return false;
}

static TypeParam *parse_type_param(Parser *p)
{
  const Token *start = p->token;
  TypeParam *param = cd_ast_alloc(p->ast, sizeof *param);
  if (!param) return NULL;
  Expr **default_value = &param->as.TypeVar.default_value;
  if (cd_parser_take(p, TOKEN_STAR)) {
    param->kind = TYPE_PARAM_TypeVarTuple;
    if (!(param->as.TypeVarTuple.name = cd_parse_name(p)) || !parse_no_bound(p, "TypeVarTuple")) return NULL;
    default_value = &param->as.TypeVarTuple.default_value;
  } else if (cd_parser_take(p, TOKEN_DOUBLE_STAR)) {
    param->kind = TYPE_PARAM_ParamSpec;
    if (!(param->as.ParamSpec.name = cd_parse_name(p)) || !parse_no_bound(p, "ParamSpec")) return NULL;
    default_value = &param->as.ParamSpec.default_value;
  } else {
    param->kind = TYPE_PARAM_TypeVar;
    if (!(param->as.TypeVar.name = cd_parse_name(p))) return NULL;
    if (cd_parser_take(p, TOKEN_COLON) && !(param->as.TypeVar.bound = cd_parse_expression(p))) return NULL;
  }
  if (cd_parser_take(p, TOKEN_EQUAL)) {
    Expr *value = param->kind == TYPE_PARAM_TypeVarTuple ? cd_parse_star_named_expression(p) : cd_parse_expression(p);
    if (!(*default_value = value)) return NULL;
  }
  PARSER_SPAN(p, param, start);
  return param;
}

// [T, *Ts, **P], if there is a '['
static bool parse_type_params(Parser *p, TypeParamSeq *out)
{
  size_t mark = p->stack.count;
  if (LIKELY(!cd_parser_take(p, TOKEN_LSQB))) return true;
  do {
    if (p->stack.count > mark && cd_parser_is(p, TOKEN_RSQB)) break;
    TypeParam *param = parse_type_param(p);
    if (!param || !STMT_PUSH(p, param)) return false;
  } while (cd_parser_take(p, TOKEN_COMMA));
  return cd_parser_take(p, TOKEN_RSQB) && STMT_POP(p, mark, *out);
}

static Stmt *parse_type_alias(Parser *p)
{
  const Token *start = p->token++;
  Stmt *s = cd_stmt_new(p->ast, STMT_TypeAlias);
  if (!s || !(s->as.TypeAlias.name = cd_parse_name_expr(p, CTX_Store)) || !parse_type_params(p, &s->as.TypeAlias.type_params)) return NULL;
  if (!cd_parser_take(p, TOKEN_EQUAL) || !(s->as.TypeAlias.value = cd_parse_expression(p))) return NULL;
  return parse_spanned_stmt(p, s, start);
}

static Stmt *parse_simple(Parser *p)
{
  switch (p->token->kind) {
  case TOKEN_RETURN: return parse_return(p);
  case TOKEN_IMPORT: return parse_import(p);
  case TOKEN_FROM: return parse_import_from(p);
  case TOKEN_RAISE: return parse_raise(p);
  case TOKEN_PASS: return parse_keyword_only(p, STMT_Pass);
  case TOKEN_BREAK: return parse_keyword_only(p, STMT_Break);
  case TOKEN_CONTINUE: return parse_keyword_only(p, STMT_Continue);
  case TOKEN_DEL: return parse_del(p);
  case TOKEN_YIELD: {
    const Token *start = p->token;
    return parse_value(p, start, cd_parse_yield(p));
  }
  case TOKEN_ASSERT: return parse_assert(p);
  case TOKEN_GLOBAL: return parse_names(p, STMT_Global);
  case TOKEN_NONLOCAL: return parse_names(p, STMT_Nonlocal);
  case TOKEN_NAME:
    if (UNLIKELY(p->token[1].kind == TOKEN_NAME) && PARSER_IS_WORD(p, "type")) return parse_type_alias(p);
    return parse_expression(p);
  default: return parse_expression(p);
  }
}

// a; b; c NEWLINE, onto the stack
static bool parse_simple_line(Parser *p)
{
  for (;;) {
    Stmt *s = parse_simple(p);
    if (!s || !STMT_PUSH(p, s)) return false;
    if (cd_parser_take(p, TOKEN_NEWLINE)) return true;
    if (!cd_parser_take(p, TOKEN_SEMI)) return false;
    if (cd_parser_take(p, TOKEN_NEWLINE)) return true;
  }
}

// ---- blocks ----

static bool parse_is_compound(const Parser *p)
{
  switch (p->token->kind) {
  case TOKEN_IF:
  case TOKEN_FOR:
  case TOKEN_WHILE:
  case TOKEN_TRY:
  case TOKEN_WITH:
  case TOKEN_DEF:
  case TOKEN_CLASS:
  case TOKEN_AT:
  case TOKEN_ASYNC: return true;
  default: return false;
  }
}

// One statement, or a line of them, onto the stack.
static bool parse_push_statements(Parser *p)
{
  Stmt *s;
  if (parse_is_compound(p)) return (s = parse_statement(p)) && STMT_PUSH(p, s);
  if (UNLIKELY(PARSER_IS_WORD(p, "match"))) {
    const Token *start = p->token;
    if ((s = cd_parse_match(p))) return STMT_PUSH(p, s);
    if (cd_raised(p->vm) || p->token != start) return false;
  }
  return parse_simple_line(p);
}

static bool parse_indented_block(Parser *p, StmtSeq *body)
{
  size_t mark = p->stack.count;
  if (!cd_parser_take(p, TOKEN_INDENT)) return false;
  do {
    if (!parse_push_statements(p)) return false;
  } while (!cd_parser_is(p, TOKEN_DEDENT) && !cd_parser_is(p, TOKEN_ENDMARKER));
  return cd_parser_take(p, TOKEN_DEDENT) && STMT_POP(p, mark, *body);
}

bool cd_parse_block(Parser *p, StmtSeq *body)
{
  if (cd_parser_take(p, TOKEN_NEWLINE)) return parse_indented_block(p, body);
  size_t mark = p->stack.count;
  return parse_simple_line(p) && STMT_POP(p, mark, *body);
}

static bool parse_colon_block(Parser *p, StmtSeq *body) { return cd_parser_take(p, TOKEN_COLON) && cd_parse_block(p, body); }

static bool parse_else(Parser *p, StmtSeq *orelse) { return !cd_parser_take(p, TOKEN_ELSE) || parse_colon_block(p, orelse); }

// ---- compound statements ----

// elif is an If in the orelse of the one before; all of them end where the last ends. A loop, since there may be thousands.
static Stmt *parse_if(Parser *p)
{
  Stmt *first = NULL, **slot = &first;
  size_t mark = p->stack.count;
  do {
    const Token *start = p->token++;
    Stmt *s = cd_stmt_new(p->ast, STMT_If);
    if (!s || !STMT_PUSH(p, s)) return NULL;
    *slot = s;
    s->line = start->line;
    s->column = start->column;
    if (!(s->as.If.test = cd_parse_named_expression(p)) || !parse_colon_block(p, &s->as.If.body)) return NULL;
    if (!cd_parser_is(p, TOKEN_ELIF)) break;
    s->as.If.orelse.count = 1;
    if (!(s->as.If.orelse.items = cd_ast_array(p->ast, 1, sizeof(Stmt *)))) return NULL;
    slot = s->as.If.orelse.items;
  } while (true);
  Stmt *last = p->stack.items[p->stack.count - 1];
  if (!parse_else(p, &last->as.If.orelse)) return NULL;
  const Token *end = p->token - 1;
  while (end->kind <= TOKEN_DEDENT) end--;
  for (; p->stack.count > mark; p->stack.count--) {
    Stmt *s = p->stack.items[p->stack.count - 1];
    s->end_line = end->end_line;
    s->end_column = end->end_column;
  }
  return first;
}

static Stmt *parse_while(Parser *p)
{
  const Token *start = p->token++;
  Stmt *s = cd_stmt_new(p->ast, STMT_While);
  if (!s || !(s->as.While.test = cd_parse_named_expression(p)) || !parse_colon_block(p, &s->as.While.body) ||
      !parse_else(p, &s->as.While.orelse))
    return NULL;
  return parse_spanned_stmt(p, s, start);
}

static Stmt *parse_for(Parser *p, const Token *start)
{
  Stmt *s = cd_stmt_new(p->ast, start->kind == TOKEN_ASYNC ? STMT_AsyncFor : STMT_For);   // both have the same fields
  p->token++;
  if (!s || !(s->as.For.target = cd_parse_targets(p)) || !cd_parser_take(p, TOKEN_IN) || !(s->as.For.iter = cd_parse_star_expressions(p)))
    return NULL;
  if (!cd_parser_take(p, TOKEN_COLON) || !parse_type_comment(p, &s->as.For.type_comment) || !cd_parse_block(p, &s->as.For.body))
    return NULL;
  return parse_else(p, &s->as.For.orelse) ? parse_spanned_stmt(p, s, start) : NULL;
}

static WithItem *parse_with_item(Parser *p)
{
  WithItem *item = cd_ast_alloc(p->ast, sizeof *item);
  if (!item || !(item->context_expr = cd_parse_expression(p))) return NULL;
  if (cd_parser_take(p, TOKEN_AS) && !(item->optional_vars = cd_parse_target(p))) return NULL;
  return item;
}

// Items separated by commas; in parentheses the last comma may be followed by nothing.
static bool parse_with_items(Parser *p, bool parenthesized, WithItemSeq *items)
{
  size_t mark = p->stack.count;
  do {
    if (parenthesized && p->stack.count > mark && cd_parser_is(p, TOKEN_RPAR)) break;
    WithItem *item = parse_with_item(p);
    if (!item || !STMT_PUSH(p, item)) return false;
  } while (cd_parser_take(p, TOKEN_COMMA));
  if (parenthesized && !(cd_parser_take(p, TOKEN_RPAR) && cd_parser_is(p, TOKEN_COLON))) return false;
  return STMT_POP(p, mark, *items);
}

// Do the parentheses that begin here end right before a colon? Then they may be around the items.
static bool parse_parenthesized_header(const Parser *p)
{
  int depth = 0;
  for (const Token *t = p->token; ; t++) {
    switch (t->kind) {
    case TOKEN_LPAR: case TOKEN_LSQB: case TOKEN_LBRACE: depth++; break;
    case TOKEN_RPAR: case TOKEN_RSQB: case TOKEN_RBRACE:
      if (--depth == 0) return t[1].kind == TOKEN_COLON;
      break;
    case TOKEN_ENDMARKER: case TOKEN_ERROR: return false;
    }
  }
}

static Stmt *parse_with(Parser *p, const Token *start)
{
  Stmt *s = cd_stmt_new(p->ast, start->kind == TOKEN_ASYNC ? STMT_AsyncWith : STMT_With);
  p->token++;
  if (!s) return NULL;
  const Token *header = p->token;
  bool done = false;
  if (cd_parser_is(p, TOKEN_LPAR) && parse_parenthesized_header(p)) {
    size_t mark = p->stack.count, keywords = p->keywords.count;
    int depth = p->depth;
    p->token++;
    done = parse_with_items(p, true, &s->as.With.items);
    if (!done) {                                   // then it is an expression in parentheses
      if (cd_raised(p->vm)) return NULL;
      p->token = header;
      p->stack.count = mark;
      p->keywords.count = keywords;
      p->depth = depth;
    }
  }
  if (!done && !parse_with_items(p, false, &s->as.With.items)) return NULL;
  if (!cd_parser_take(p, TOKEN_COLON) || !parse_type_comment(p, &s->as.With.type_comment) || !cd_parse_block(p, &s->as.With.body))
    return NULL;
  return parse_spanned_stmt(p, s, start);
}

// except A, B: is a tuple without parentheses (PEP 758)
static Expr *parse_except_type(Parser *p)
{
  const Token *start = p->token;
  Expr *first = cd_parse_expression(p);
  if (!first || !cd_parser_is(p, TOKEN_COMMA)) return first;
  size_t mark = p->stack.count;
  if (!STMT_PUSH(p, first)) return NULL;
  while (cd_parser_take(p, TOKEN_COMMA)) {
    if (cd_parser_is(p, TOKEN_COLON)) break;
    Expr *next = cd_parse_expression(p);
    if (!next || !STMT_PUSH(p, next)) return NULL;
  }
  Expr *e = cd_expr_new(p->ast, EXPR_Tuple);
  if (!e || !STMT_POP(p, mark, e->as.Tuple.elts) || cd_parser_is(p, TOKEN_AS)) return NULL;
  PARSER_SPAN(p, e, start);
  return e;
}

static bool parse_handlers(Parser *p, ExceptHandlerSeq *handlers, bool *star)
{
  size_t mark = p->stack.count;
  while (cd_parser_is(p, TOKEN_EXCEPT)) {
    const Token *start = p->token++;
    ExceptHandler *handler = cd_ast_alloc(p->ast, sizeof *handler);
    if (!handler) return false;
    bool this_star = cd_parser_take(p, TOKEN_STAR);
    if (p->stack.count > mark && this_star != *star) return false;
    *star = this_star;
    if (this_star || !cd_parser_is(p, TOKEN_COLON)) {
      if (!(handler->type = parse_except_type(p))) return false;
      if (cd_parser_take(p, TOKEN_AS) && !(handler->name = cd_parse_name(p))) return false;
    }                                              // one without a type must be the last; the compiler says so
    if (!parse_colon_block(p, &handler->body) || !STMT_PUSH(p, handler)) return false;
    PARSER_SPAN(p, handler, start);
  }
  return STMT_POP(p, mark, *handlers);
}

static Stmt *parse_try(Parser *p)
{
  const Token *start = p->token++;
  Stmt *s = cd_stmt_new(p->ast, STMT_Try);         // TryStar has the same fields
  bool star = false;
  if (!s || !parse_colon_block(p, &s->as.Try.body) || !parse_handlers(p, &s->as.Try.handlers, &star)) return NULL;
  if (star) s->kind = STMT_TryStar;
  if (s->as.Try.handlers.count && !parse_else(p, &s->as.Try.orelse)) return NULL;
  if (cd_parser_take(p, TOKEN_FINALLY)) {
    if (!parse_colon_block(p, &s->as.Try.finalbody)) return NULL;
  } else if (!s->as.Try.handlers.count) {
    return NULL;
  }
  return parse_spanned_stmt(p, s, start);
}

static Stmt *parse_def(Parser *p, const Token *start, ExprSeq decorators)
{
  Stmt *s = cd_stmt_new(p->ast, start->kind == TOKEN_ASYNC ? STMT_AsyncFunctionDef : STMT_FunctionDef);
  p->token++;
  if (!s || !(s->as.FunctionDef.name = cd_parse_name(p)) || !parse_type_params(p, &s->as.FunctionDef.type_params)) return NULL;
  s->as.FunctionDef.decorator_list = decorators;
  if (!cd_parser_take(p, TOKEN_LPAR) || !(s->as.FunctionDef.args = cd_parse_parameters(p, false)) || !cd_parser_take(p, TOKEN_RPAR))
    return NULL;
  if (cd_parser_take(p, TOKEN_ARROW) && !(s->as.FunctionDef.returns = cd_parse_expression(p))) return NULL;
  if (!cd_parser_take(p, TOKEN_COLON) || !parse_type_comment(p, &s->as.FunctionDef.type_comment)) return NULL;
  if (UNLIKELY(cd_parser_is(p, TOKEN_NEWLINE) && p->token[1].kind == TOKEN_TYPE_COMMENT && p->token[2].kind == TOKEN_NEWLINE &&
               p->token[3].kind == TOKEN_INDENT)) {
    p->token++;
    if (!parse_type_comment(p, &s->as.FunctionDef.type_comment)) return NULL;
  }
  return cd_parse_block(p, &s->as.FunctionDef.body) ? parse_spanned_stmt(p, s, start) : NULL;
}

static Stmt *parse_class(Parser *p, ExprSeq decorators)
{
  const Token *start = p->token++;
  Stmt *s = cd_stmt_new(p->ast, STMT_ClassDef);
  if (!s || !(s->as.ClassDef.name = cd_parse_name(p)) || !parse_type_params(p, &s->as.ClassDef.type_params)) return NULL;
  s->as.ClassDef.decorator_list = decorators;
  const Token *open = p->token;
  if (cd_parser_is(p, TOKEN_LPAR) && !cd_parse_arguments(p, &s->as.ClassDef.bases, &s->as.ClassDef.keywords)) return NULL;
  const Expr *base = s->as.ClassDef.bases.count ? s->as.ClassDef.bases.items[0] : NULL;
  if (base && base->kind == EXPR_GeneratorExp && base->column == open->column && base->line == open->line)
    return NULL;   // without its own parentheses
  return parse_colon_block(p, &s->as.ClassDef.body) ? parse_spanned_stmt(p, s, start) : NULL;
}

static Stmt *parse_decorated(Parser *p)
{
  ExprSeq decorators;
  size_t mark = p->stack.count;
  while (cd_parser_take(p, TOKEN_AT)) {
    Expr *decorator = cd_parse_named_expression(p);
    if (!decorator || !STMT_PUSH(p, decorator) || !cd_parser_take(p, TOKEN_NEWLINE)) return NULL;
  }
  if (!STMT_POP(p, mark, decorators)) return NULL;
  const Token *start = p->token;
  if (cd_parser_is(p, TOKEN_CLASS)) return parse_class(p, decorators);
  if (cd_parser_is(p, TOKEN_ASYNC)) p->token++;
  return cd_parser_is(p, TOKEN_DEF) ? parse_def(p, start, decorators) : NULL;
}

static Stmt *parse_compound(Parser *p)
{
  const Token *start = p->token;
  switch (start->kind) {
  case TOKEN_IF: return parse_if(p);
  case TOKEN_WHILE: return parse_while(p);
  case TOKEN_FOR: return parse_for(p, start);
  case TOKEN_TRY: return parse_try(p);
  case TOKEN_WITH: return parse_with(p, start);
  case TOKEN_DEF: return parse_def(p, start, (ExprSeq){0, NULL});
  case TOKEN_CLASS: return parse_class(p, (ExprSeq){0, NULL});
  case TOKEN_AT: return parse_decorated(p);
  default:                                         // async
    p->token++;
    switch (p->token->kind) {
    case TOKEN_DEF: return parse_def(p, start, (ExprSeq){0, NULL});
    case TOKEN_FOR: return parse_for(p, start);
    case TOKEN_WITH: return parse_with(p, start);
    default: return NULL;
    }
  }
}

static Stmt *parse_statement(Parser *p)
{
  if (!cd_parser_enter(p)) return NULL;
  Stmt *s = parse_compound(p);
  cd_parser_leave(p);
  return s;
}

// ---- whole sources ----

static bool parse_module(Parser *p, Mod *mod)
{
  size_t mark = p->stack.count;
  while (!cd_parser_is(p, TOKEN_ENDMARKER))
    if (!parse_push_statements(p)) return false;
  return STMT_POP(p, mark, mod->as.Module.body);
}

// One statement, typed at a prompt.
static bool parse_interactive(Parser *p, Mod *mod)
{
  size_t mark = p->stack.count;
  if (cd_parser_is(p, TOKEN_NEWLINE)) {
    Stmt *s = cd_stmt_new(p->ast, STMT_Pass);
    if (!s || !STMT_PUSH(p, s)) return false;
    cd_ast_at(s, p->token);
    p->token++;
  } else {
    bool compound = parse_is_compound(p);
    if (!parse_push_statements(p)) return false;
    compound = compound || ((Stmt *)p->stack.items[mark])->kind == STMT_Match;
    if (compound && !cd_parser_take(p, TOKEN_NEWLINE)) return false;
  }
  return STMT_POP(p, mark, mod->as.Interactive.body);
}

static bool parse_eval(Parser *p, Mod *mod)
{
  const Token *start = p->token;
  Expr *e = cd_parse_expression(p);
  if (e && cd_parser_is(p, TOKEN_COMMA)) {         // `expressions`: a tuple without stars
    p->token = start;
    e = cd_parse_star_expressions(p);
    for (size_t i = 0; e && i < e->as.Tuple.elts.count; i++)
      if (e->as.Tuple.elts.items[i]->kind == EXPR_Starred) return false;
  }
  if (!e) return false;
  mod->as.Expression.body = e;
  while (cd_parser_take(p, TOKEN_NEWLINE)) {}
  return cd_parser_is(p, TOKEN_ENDMARKER);
}

// (int, *str, **Any) -> float
static bool parse_function_type(Parser *p, Mod *mod)
{
  size_t mark = p->stack.count;
  bool star = false, double_star = false;
  if (!cd_parser_take(p, TOKEN_LPAR)) return false;
  while (!cd_parser_is(p, TOKEN_RPAR)) {
    if (double_star) return false;
    if (cd_parser_take(p, TOKEN_DOUBLE_STAR)) double_star = true;
    else if (cd_parser_take(p, TOKEN_STAR)) {
      if (star) return false;
      star = true;
    } else if (star) return false;
    Expr *type = cd_parse_expression(p);
    if (!type || !STMT_PUSH(p, type)) return false;
    if (!cd_parser_take(p, TOKEN_COMMA)) break;
    if (cd_parser_is(p, TOKEN_RPAR)) return false;
  }
  if (!cd_parser_take(p, TOKEN_RPAR) || !cd_parser_take(p, TOKEN_ARROW) || !(mod->as.FunctionType.returns = cd_parse_expression(p)))
    return false;
  while (cd_parser_take(p, TOKEN_NEWLINE)) {}
  return cd_parser_is(p, TOKEN_ENDMARKER) && STMT_POP(p, mark, mod->as.FunctionType.argtypes);
}

// `# type: ignore` comments were set aside by the lexer.
bool cd_parser_type_ignores(Parser *p, const Tokens *tokens, Mod *mod)
{
  size_t mark = p->stack.count;
  for (size_t i = 0; i < tokens->ignore_count; i++) {
    const Token *token = &tokens->ignores[i];
    TypeIgnore *ignore = cd_ast_alloc(p->ast, sizeof *ignore);
    if (!ignore || !STMT_PUSH(p, ignore)) return false;
    ignore->lineno = token->line;
    if (!(ignore->tag = cd_ast_own(p->ast, cd_str_new(p->vm, token->text, token->size)))) return false;
  }
  return STMT_POP(p, mark, mod->as.Module.type_ignores);
}

Mod *cd_parse_mod(Parser *p)
{
  Mod *mod = cd_ast_alloc(p->ast, sizeof *mod);
  if (!mod) return NULL;
  switch (p->mode) {
  case MODE_EXEC: mod->kind = MOD_Module; return parse_module(p, mod) ? mod : NULL;
  case MODE_SINGLE: mod->kind = MOD_Interactive; return parse_interactive(p, mod) ? mod : NULL;
  case MODE_EVAL: mod->kind = MOD_Expression; return parse_eval(p, mod) ? mod : NULL;
  case MODE_FUNC_TYPE: mod->kind = MOD_FunctionType; return parse_function_type(p, mod) ? mod : NULL;
  }
  return NULL;
}
