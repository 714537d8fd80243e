// SPDX-License-Identifier: MIT
// parse_expr.c: expressions, targets, arguments and parameters
#include "frontend/parse.h"

#include "bytecode/code.h"
#include "objects/raise.h"
#include "objects/str.h"

// ---- shared ----

bool cd_parser_push(Parser *p, PointerStack *stack, void *item)
{
  if (UNLIKELY(stack->count == stack->capacity)) {
    size_t capacity = stack->capacity ? stack->capacity * 2 : 64;
    void **items = cd_realloc(p->vm, stack->items, stack->capacity * sizeof(void *), capacity * sizeof(void *));
    if (!items) return false;
    stack->items = items;
    stack->capacity = capacity;
  }
  stack->items[stack->count++] = item;
  return true;
}

bool cd_parser_pop(Parser *p, PointerStack *stack, size_t mark, size_t *count, void *items)
{
  void **copy = NULL;
  *count = stack->count - mark;
  if (*count) {
    if (!(copy = cd_ast_array(p->ast, *count, sizeof(void *)))) return false;
    memcpy(copy, stack->items + mark, *count * sizeof(void *));
  }
  stack->count = mark;
  memcpy(items, &copy, sizeof copy);
  return true;
}
#define EXPR_POP(p, mark, seq) cd_parser_pop(p, &(p)->stack, mark, &(seq).count, &(seq).items)
#define EXPR_PUSH(p, item) cd_parser_push(p, &(p)->stack, item)

bool cd_parser_enter(Parser *p)
{
  if (LIKELY(p->depth++ < MAX_PARSER_DEPTH && (char *)&p > p->vm->thread->c_stack_limit)) return true;
  p->depth--;
  return cd_raise_memory(p->vm);
}

Value cd_parse_name(Parser *p)
{
  if (!cd_parser_is(p, TOKEN_NAME)) return NO_VALUE;
  Value name = cd_ast_name(p->ast, p->token->text, p->token->size);
  if (name) p->token++;
  return name;
}

static inline Expr *parse_spanned(Parser *p, Expr *e, const Token *start)
{
  if (LIKELY(e != NULL)) {
    const Token *last = p->token - 1;
    e->line = start->line;
    e->column = start->column;
    e->end_line = last->end_line;
    e->end_column = last->end_column;
  }
  return e;
}

Expr *cd_parse_name_expr(Parser *p, ExprContext ctx)
{
  const Token *start = p->token;
  Value id = cd_parse_name(p);
  if (!id) return NULL;
  Expr *e = parse_spanned(p, cd_expr_new(p->ast, EXPR_Name), start);
  if (!e) return NULL;
  e->as.Name.id = id;
  e->as.Name.ctx = ctx;
  return e;
}

static Expr *parse_constant(Parser *p, Value value)
{
  Expr *e = cd_expr_new(p->ast, EXPR_Constant);
  if (!e) return NULL;
  e->as.Constant.value = value;
  p->token++;
  return parse_spanned(p, e, p->token - 1);
}

static Expr *parse_starred(Parser *p, const Token *start, Expr *value, ExprContext ctx)
{
  if (!value) return NULL;
  Expr *e = parse_spanned(p, cd_expr_new(p->ast, EXPR_Starred), start);
  if (!e) return NULL;
  e->as.Starred.value = value;
  e->as.Starred.ctx = ctx;
  return e;
}

// The items above `mark` as a tuple.
static Expr *parse_tuple(Parser *p, const Token *start, size_t mark)
{
  Expr *e = parse_spanned(p, cd_expr_new(p->ast, EXPR_Tuple), start);
  return e && EXPR_POP(p, mark, e->as.Tuple.elts) ? e : NULL;
}

// ---- targets ----

static bool parse_set_contexts(ExprSeq elts, ExprContext ctx)
{
  for (size_t i = 0; i < elts.count; i++)
    if (!cd_expr_set_context(elts.items[i], ctx)) return false;
  return true;
}

bool cd_expr_set_context(Expr *e, ExprContext ctx)
{
  switch (e->kind) {
  case EXPR_Name: e->as.Name.ctx = ctx; return true;
  case EXPR_Attribute: e->as.Attribute.ctx = ctx; return true;
  case EXPR_Subscript: e->as.Subscript.ctx = ctx; return true;
  case EXPR_Tuple: e->as.Tuple.ctx = ctx; return parse_set_contexts(e->as.Tuple.elts, ctx);
  case EXPR_List: e->as.List.ctx = ctx; return parse_set_contexts(e->as.List.elts, ctx);
  case EXPR_Starred:
    e->as.Starred.ctx = ctx;
    return ctx == CTX_Store && e->as.Starred.value->kind != EXPR_Starred && cd_expr_set_context(e->as.Starred.value, ctx);
  default: return false;
  }
}

Expr *cd_parse_target(Parser *p)
{
  const Token *start = p->token;
  bool starred = cd_parser_take(p, TOKEN_STAR);
  Expr *e = cd_parse_primary(p);
  if (!e || !cd_expr_set_context(e, CTX_Store)) return NULL;
  return starred ? parse_starred(p, start, e, CTX_Store) : e;
}

Expr *cd_parse_targets(Parser *p)
{
  const Token *start = p->token;
  Expr *first = cd_parse_target(p);
  if (!first || !cd_parser_is(p, TOKEN_COMMA)) return first;
  size_t mark = p->stack.count;
  if (!EXPR_PUSH(p, first)) return NULL;
  while (cd_parser_take(p, TOKEN_COMMA)) {
    if (cd_parser_is(p, TOKEN_IN) || cd_parser_is(p, TOKEN_EQUAL)) break;
    Expr *next = cd_parse_target(p);
    if (!next || !EXPR_PUSH(p, next)) return NULL;
  }
  Expr *e = parse_tuple(p, start, mark);
  if (e) e->as.Tuple.ctx = CTX_Store;
  return e;
}

// ---- comprehensions ----

static bool parse_at_comprehension(const Parser *p)
{
  return cd_parser_is(p, TOKEN_FOR) || (cd_parser_is(p, TOKEN_ASYNC) && p->token[1].kind == TOKEN_FOR);
}

static bool parse_generators(Parser *p, ComprehensionSeq *generators)
{
  size_t mark = p->stack.count;
  while (parse_at_comprehension(p)) {
    Comprehension *c = cd_ast_alloc(p->ast, sizeof *c);
    if (!c) return false;
    c->is_async = cd_parser_take(p, TOKEN_ASYNC);
    p->token++;
    if (!(c->target = cd_parse_targets(p)) || !cd_parser_take(p, TOKEN_IN) || !(c->iter = cd_parse_disjunction(p))) return false;
    size_t ifs = p->stack.count;
    while (cd_parser_take(p, TOKEN_IF)) {
      Expr *test = cd_parse_disjunction(p);
      if (!test || !EXPR_PUSH(p, test)) return false;
    }
    if (!EXPR_POP(p, ifs, c->ifs) || !EXPR_PUSH(p, c)) return false;
  }
  return EXPR_POP(p, mark, *generators);
}

// [elt for ...], up to and with the closing bracket. `start` is the opening one.
static Expr *parse_comprehension(Parser *p, ExprKind kind, Expr *elt, const Token *start, int close)
{
  if (elt->kind == EXPR_Starred) return NULL;
  Expr *e = cd_expr_new(p->ast, kind);
  if (!e) return NULL;
  e->as.ListComp.elt = elt;                      // ListComp, SetComp and GeneratorExp have the same fields
  if (!parse_generators(p, &e->as.ListComp.generators) || !cd_parser_take(p, close)) return NULL;
  return parse_spanned(p, e, start);
}

// ---- displays and parentheses ----

// Items that follow a first one and a comma, up to and with `close`.
static bool parse_more_items(Parser *p, Expr *first, int close, ExprSeq *elts)
{
  size_t mark = p->stack.count;
  if (!EXPR_PUSH(p, first)) return false;
  while (cd_parser_take(p, TOKEN_COMMA)) {
    if (cd_parser_is(p, close)) break;
    Expr *next = cd_parse_star_named_expression(p);
    if (!next || !EXPR_PUSH(p, next)) return false;
  }
  return cd_parser_take(p, close) && EXPR_POP(p, mark, *elts);
}

static Expr *parse_parenthesized(Parser *p)
{
  const Token *start = p->token++;
  if (cd_parser_take(p, TOKEN_RPAR)) return parse_spanned(p, cd_expr_new(p->ast, EXPR_Tuple), start);
  if (cd_parser_is(p, TOKEN_YIELD)) {
    Expr *e = cd_parse_yield(p);
    return e && cd_parser_take(p, TOKEN_RPAR) ? e : NULL;
  }
  Expr *first = cd_parse_star_named_expression(p);
  if (!first) return NULL;
  if (cd_parser_is(p, TOKEN_COMMA)) {
    Expr *e = cd_expr_new(p->ast, EXPR_Tuple);
    return e && parse_more_items(p, first, TOKEN_RPAR, &e->as.Tuple.elts) ? parse_spanned(p, e, start) : NULL;
  }
  if (parse_at_comprehension(p)) return parse_comprehension(p, EXPR_GeneratorExp, first, start, TOKEN_RPAR);
  return first->kind != EXPR_Starred && cd_parser_take(p, TOKEN_RPAR) ? first : NULL;
}

static Expr *parse_list(Parser *p)
{
  const Token *start = p->token++;
  if (cd_parser_take(p, TOKEN_RSQB)) return parse_spanned(p, cd_expr_new(p->ast, EXPR_List), start);
  Expr *first = cd_parse_star_named_expression(p);
  if (!first) return NULL;
  if (parse_at_comprehension(p)) return parse_comprehension(p, EXPR_ListComp, first, start, TOKEN_RSQB);
  Expr *e = cd_expr_new(p->ast, EXPR_List);
  return e && parse_more_items(p, first, TOKEN_RSQB, &e->as.List.elts) ? parse_spanned(p, e, start) : NULL;
}

// One entry of a dict: *key is NULL for `**value`.
static bool parse_dict_entry(Parser *p, Expr **key, Expr **value)
{
  *key = NULL;
  if (cd_parser_take(p, TOKEN_DOUBLE_STAR)) return (*value = cd_parse_bitwise_or(p));
  return (*key = cd_parse_expression(p)) && cd_parser_take(p, TOKEN_COLON) && (*value = cd_parse_expression(p));
}

// The rest of a dict behind its first entry.
static Expr *parse_dict(Parser *p, const Token *start, Expr *key, Expr *value)
{
  if (key && parse_at_comprehension(p)) {
    Expr *e = cd_expr_new(p->ast, EXPR_DictComp);
    if (!e) return NULL;
    e->as.DictComp.key = key;
    e->as.DictComp.value = value;
    return parse_generators(p, &e->as.DictComp.generators) && cd_parser_take(p, TOKEN_RBRACE) ? parse_spanned(p, e, start) : NULL;
  }
  Expr *e = cd_expr_new(p->ast, EXPR_Dict);
  size_t keys = p->stack.count, values = p->keywords.count;
  if (!e || !EXPR_PUSH(p, key) || !cd_parser_push(p, &p->keywords, value)) return NULL;
  while (cd_parser_take(p, TOKEN_COMMA)) {
    if (cd_parser_is(p, TOKEN_RBRACE)) break;
    if (!parse_dict_entry(p, &key, &value) || !EXPR_PUSH(p, key) || !cd_parser_push(p, &p->keywords, value)) return NULL;
  }
  if (!cd_parser_take(p, TOKEN_RBRACE) || !EXPR_POP(p, keys, e->as.Dict.keys)) return NULL;
  return cd_parser_pop(p, &p->keywords, values, &e->as.Dict.values.count, &e->as.Dict.values.items) ? parse_spanned(p, e, start) : NULL;
}

static Expr *parse_braces(Parser *p)
{
  const Token *start = p->token++;
  Expr *value;
  if (cd_parser_take(p, TOKEN_RBRACE)) return parse_spanned(p, cd_expr_new(p->ast, EXPR_Dict), start);
  if (cd_parser_take(p, TOKEN_DOUBLE_STAR)) return (value = cd_parse_bitwise_or(p)) ? parse_dict(p, start, NULL, value) : NULL;
  Expr *first = cd_parse_star_named_expression(p);
  if (!first) return NULL;
  if (first->kind != EXPR_Starred && cd_parser_take(p, TOKEN_COLON)) {
    // `{a := 1: 2}` is no dict; an unparenthesised walrus ends right before the colon
    if (first->kind == EXPR_NamedExpr && p->token[-2].kind != TOKEN_RPAR) return NULL;
    return (value = cd_parse_expression(p)) ? parse_dict(p, start, first, value) : NULL;
  }
  if (parse_at_comprehension(p)) return parse_comprehension(p, EXPR_SetComp, first, start, TOKEN_RBRACE);
  Expr *e = cd_expr_new(p->ast, EXPR_Set);
  return e && parse_more_items(p, first, TOKEN_RBRACE, &e->as.Set.elts) ? parse_spanned(p, e, start) : NULL;
}

// ---- atoms and primaries ----

static Expr *parse_atom(Parser *p)
{
  switch (p->token->kind) {
  case TOKEN_NAME: return cd_parse_name_expr(p, CTX_Load);
  case TOKEN_NUMBER: {
    Value value = cd_parse_number(p, p->token);
    return value ? parse_constant(p, value) : NULL;
  }
  case TOKEN_STRING: return cd_parse_strings(p);
  case TOKEN_LPAR: return parse_parenthesized(p);
  case TOKEN_LSQB: return parse_list(p);
  case TOKEN_LBRACE: return parse_braces(p);
  case TOKEN_NONE: return parse_constant(p, cd_none());
  case TOKEN_TRUE: return parse_constant(p, cd_true());
  case TOKEN_FALSE: return parse_constant(p, cd_false());
  case TOKEN_ELLIPSIS: return parse_constant(p, cd_ellipsis());
  default: return NULL;
  }
}

static bool parse_keyword(Parser *p, bool *unpacking)
{
  const Token *start = p->token;
  Keyword *keyword = cd_ast_alloc(p->ast, sizeof *keyword);
  if (!keyword) return false;
  if (cd_parser_take(p, TOKEN_DOUBLE_STAR)) {
    *unpacking = true;
  } else {
    if (!(keyword->arg = cd_parse_name(p))) return false;
    p->token++;                                  // =
  }
  if (!(keyword->value = cd_parse_expression(p))) return false;
  PARSER_SPAN(p, keyword, start);
  return cd_parser_push(p, &p->keywords, keyword);
}

bool cd_parse_arguments(Parser *p, ExprSeq *args, KeywordSeq *keywords)
{
  const Token *open = p->token++;
  size_t mark = p->stack.count, keyword_mark = p->keywords.count;
  bool unpacking = false;
  while (!cd_parser_is(p, TOKEN_RPAR)) {
    const Token *start = p->token;
    if (cd_parser_is(p, TOKEN_DOUBLE_STAR) || (cd_parser_is(p, TOKEN_NAME) && p->token[1].kind == TOKEN_EQUAL)) {
      if (!parse_keyword(p, &unpacking)) return false;
    } else if (cd_parser_take(p, TOKEN_STAR)) {
      Expr *e = parse_starred(p, start, cd_parse_expression(p), CTX_Load);
      if (!e || unpacking || !EXPR_PUSH(p, e)) return false;
    } else {
      Expr *e = cd_parse_named_expression(p);
      if (!e || p->keywords.count != keyword_mark) return false;
      if (parse_at_comprehension(p)) {            // alone in its parentheses, which count as its own
        if (start != open + 1 || !(e = parse_comprehension(p, EXPR_GeneratorExp, e, open, TOKEN_RPAR))) return false;
        p->token--;
        if (!EXPR_PUSH(p, e)) return false;
        break;
      }
      if (!EXPR_PUSH(p, e)) return false;
    }
    if (!cd_parser_take(p, TOKEN_COMMA)) break;
  }
  return cd_parser_take(p, TOKEN_RPAR) && EXPR_POP(p, mark, *args) &&
         cd_parser_pop(p, &p->keywords, keyword_mark, &keywords->count, &keywords->items);
}

static Expr *parse_slice(Parser *p)
{
  const Token *start = p->token;
  Expr *lower = NULL;
  if (cd_parser_take(p, TOKEN_STAR)) return parse_starred(p, start, cd_parse_expression(p), CTX_Load);
  if (!cd_parser_is(p, TOKEN_COLON)) {
    bool named = cd_parser_is(p, TOKEN_NAME) && p->token[1].kind == TOKEN_COLON_EQUAL;
    if (!(lower = cd_parse_named_expression(p))) return NULL;
    if (named || !cd_parser_is(p, TOKEN_COLON)) return lower;
  }
  Expr *e = cd_expr_new(p->ast, EXPR_Slice);
  if (!e) return NULL;
  e->as.Slice.lower = lower;
  p->token++;
#define SLICE_PART_ENDS(p) (cd_parser_is(p, TOKEN_COLON) || cd_parser_is(p, TOKEN_RSQB) || cd_parser_is(p, TOKEN_COMMA))
  if (!SLICE_PART_ENDS(p) && !(e->as.Slice.upper = cd_parse_expression(p))) return NULL;
  if (cd_parser_take(p, TOKEN_COLON) && !SLICE_PART_ENDS(p) && !(e->as.Slice.step = cd_parse_expression(p))) return NULL;
#undef SLICE_PART_ENDS
  return parse_spanned(p, e, start);
}

// What is between '[' and ']'.
static Expr *parse_slices(Parser *p)
{
  const Token *start = p->token;
  Expr *first = parse_slice(p);
  if (!first || (!cd_parser_is(p, TOKEN_COMMA) && first->kind != EXPR_Starred)) return first;
  size_t mark = p->stack.count;
  if (!EXPR_PUSH(p, first)) return NULL;
  while (cd_parser_take(p, TOKEN_COMMA)) {
    if (cd_parser_is(p, TOKEN_RSQB)) break;
    Expr *next = parse_slice(p);
    if (!next || !EXPR_PUSH(p, next)) return NULL;
  }
  return parse_tuple(p, start, mark);
}

Expr *cd_parse_primary(Parser *p)
{
  const Token *start = p->token;
  Expr *e = parse_atom(p), *outer;
  while (e) {
    switch (p->token->kind) {
    case TOKEN_DOT:
      p->token++;
      if (!(outer = cd_expr_new(p->ast, EXPR_Attribute))) return NULL;
      outer->as.Attribute.value = e;
      if (!(outer->as.Attribute.attr = cd_parse_name(p))) return NULL;
      break;
    case TOKEN_LPAR:
      if (!(outer = cd_expr_new(p->ast, EXPR_Call))) return NULL;
      outer->as.Call.func = e;
      if (!cd_parse_arguments(p, &outer->as.Call.args, &outer->as.Call.keywords)) return NULL;
      break;
    case TOKEN_LSQB:
      p->token++;
      if (!(outer = cd_expr_new(p->ast, EXPR_Subscript))) return NULL;
      outer->as.Subscript.value = e;
      if (!(outer->as.Subscript.slice = parse_slices(p)) || !cd_parser_take(p, TOKEN_RSQB)) return NULL;
      break;
    default: return e;
    }
    e = parse_spanned(p, outer, start);
  }
  return NULL;
}

// ---- operators ----

// How tightly operators bind. A prefix operator may stand only where operands of its level are read.
enum {
  BIND_OR = 1,
  BIND_AND,
  BIND_NOT,
  BIND_COMPARE,
  BIND_BITOR,
  BIND_BITXOR,
  BIND_BITAND,
  BIND_SHIFT,
  BIND_SUM,
  BIND_TERM,
  BIND_FACTOR,
  BIND_POWER
};

typedef struct InfixOperator { uint8_t bind, op; } InfixOperator;
static const InfixOperator parse_infix[TOKEN_KINDS] = {
  [TOKEN_OR] = {BIND_OR, BOOLOP_Or},
  [TOKEN_AND] = {BIND_AND, BOOLOP_And},
  [TOKEN_EQ_EQUAL] = {BIND_COMPARE, CMPOP_Eq},
  [TOKEN_NOT_EQUAL] = {BIND_COMPARE, CMPOP_NotEq},
  [TOKEN_LESS] = {BIND_COMPARE, CMPOP_Lt},
  [TOKEN_LESS_EQUAL] = {BIND_COMPARE, CMPOP_LtE},
  [TOKEN_GREATER] = {BIND_COMPARE, CMPOP_Gt},
  [TOKEN_GREATER_EQUAL] = {BIND_COMPARE, CMPOP_GtE},
  [TOKEN_IS] = {BIND_COMPARE, CMPOP_Is},
  [TOKEN_IN] = {BIND_COMPARE, CMPOP_In},
  [TOKEN_NOT] = {BIND_COMPARE, CMPOP_NotIn},
  [TOKEN_VBAR] = {BIND_BITOR, OPERATOR_BitOr},
  [TOKEN_CIRCUMFLEX] = {BIND_BITXOR, OPERATOR_BitXor},
  [TOKEN_AMPER] = {BIND_BITAND, OPERATOR_BitAnd},
  [TOKEN_LEFT_SHIFT] = {BIND_SHIFT, OPERATOR_LShift},
  [TOKEN_RIGHT_SHIFT] = {BIND_SHIFT, OPERATOR_RShift},
  [TOKEN_PLUS] = {BIND_SUM, OPERATOR_Add},
  [TOKEN_MINUS] = {BIND_SUM, OPERATOR_Sub},
  [TOKEN_STAR] = {BIND_TERM, OPERATOR_Mult},
  [TOKEN_SLASH] = {BIND_TERM, OPERATOR_Div},
  [TOKEN_PERCENT] = {BIND_TERM, OPERATOR_Mod},
  [TOKEN_DOUBLE_SLASH] = {BIND_TERM, OPERATOR_FloorDiv},
  [TOKEN_AT] = {BIND_TERM, OPERATOR_MatMult},
  [TOKEN_DOUBLE_STAR] = {BIND_POWER, OPERATOR_Pow},
};

static Expr *parse_operators(Parser *p, int least);

static Expr *parse_unary(Parser *p, UnaryOperator op, int operand)
{
  const Token *start = p->token++;
  Expr *e = cd_expr_new(p->ast, EXPR_UnaryOp);
  if (!e) return NULL;
  e->as.UnaryOp.op = op;
  return (e->as.UnaryOp.operand = parse_operators(p, operand)) ? parse_spanned(p, e, start) : NULL;
}

static Expr *parse_await(Parser *p)
{
  const Token *start = p->token++;
  Expr *e = cd_expr_new(p->ast, EXPR_Await);
  if (!e) return NULL;
  return (e->as.Await.value = cd_parse_primary(p)) ? parse_spanned(p, e, start) : NULL;
}

static Expr *parse_operand(Parser *p, int least)
{
  switch (p->token->kind) {
  case TOKEN_NOT: return least <= BIND_NOT ? parse_unary(p, UNARYOP_Not, BIND_NOT) : NULL;
  case TOKEN_MINUS: return parse_unary(p, UNARYOP_USub, BIND_FACTOR);
  case TOKEN_PLUS: return parse_unary(p, UNARYOP_UAdd, BIND_FACTOR);
  case TOKEN_TILDE: return parse_unary(p, UNARYOP_Invert, BIND_FACTOR);
  case TOKEN_AWAIT: return parse_await(p);
  default: return cd_parse_primary(p);
  }
}

// a or b or c: one node for the whole run of one operator.
static Expr *parse_bool_op(Parser *p, const Token *start, Expr *left, int kind)
{
  Expr *e = cd_expr_new(p->ast, EXPR_BoolOp);
  size_t mark = p->stack.count;
  if (!e || !EXPR_PUSH(p, left)) return NULL;
  e->as.BoolOp.op = parse_infix[kind].op;
  while (cd_parser_take(p, kind)) {
    Expr *next = parse_operators(p, parse_infix[kind].bind + 1);
    if (!next || !EXPR_PUSH(p, next)) return NULL;
  }
  return EXPR_POP(p, mark, e->as.BoolOp.values) ? parse_spanned(p, e, start) : NULL;
}

// Takes a comparison operator; false: there is none.
static bool parse_take_compare(Parser *p, int *op)
{
  const Token *token = p->token;
  if (parse_infix[token->kind].bind != BIND_COMPARE) return false;
  *op = parse_infix[token->kind].op;
  if (token->kind == TOKEN_NOT) {
    if (token[1].kind != TOKEN_IN) return false;
    p->token++;
  } else if (token->kind == TOKEN_IS && token[1].kind == TOKEN_NOT) {
    *op = CMPOP_IsNot;
    p->token++;
  } else if (token->kind == TOKEN_NOT_EQUAL && UNLIKELY(!(token->flags & TOKEN_ALTERNATE) != !(p->flags & CO_FUTURE_BARRY_AS_BDFL))) {
    return false;                                // PEP 401
  }
  p->token++;
  return true;
}

static Expr *parse_compare(Parser *p, const Token *start, Expr *left)
{
  Expr *e = cd_expr_new(p->ast, EXPR_Compare);
  size_t mark = p->stack.count;
  int op, few[8], count = 0;
  int32_t *many = few;
  if (!e) return NULL;
  e->as.Compare.left = left;
  while (parse_take_compare(p, &op)) {
    if (count >= (int)ARRAY_LEN(few) && (count & (count - 1)) == 0) {   // at 8, 16, 32 ...: twice the room
      int32_t *more = cd_ast_array(p->ast, (size_t)count * 2, sizeof *more);
      if (!more) return NULL;
      memcpy(more, many, (size_t)count * sizeof *more);
      many = more;
    }
    many[count++] = op;
    Expr *next = parse_operators(p, BIND_COMPARE + 1);
    if (!next || !EXPR_PUSH(p, next)) return NULL;
  }
  if (!count) return NULL;
  e->as.Compare.ops.count = (size_t)count;
  if (!(e->as.Compare.ops.items = cd_ast_array(p->ast, (size_t)count, sizeof(int32_t)))) return NULL;
  memcpy(e->as.Compare.ops.items, many, (size_t)count * sizeof(int32_t));
  return EXPR_POP(p, mark, e->as.Compare.comparators) ? parse_spanned(p, e, start) : NULL;
}

// Operands and the operators between them that bind at least as tightly as `least`.
static Expr *parse_operators(Parser *p, int least)
{
  const Token *start = p->token;
  if (!cd_parser_enter(p)) return NULL;
  Expr *left = parse_operand(p, least);
  while (left) {
    int kind = p->token->kind;
    InfixOperator infix = parse_infix[kind];
    if (LIKELY(infix.bind < least || !infix.bind)) break;
    if (infix.bind <= BIND_AND) {
      left = parse_bool_op(p, start, left, kind);
    } else if (infix.bind == BIND_COMPARE) {
      if (kind == TOKEN_NOT && p->token[1].kind != TOKEN_IN) break;
      left = parse_compare(p, start, left);
    } else {
      Expr *e = cd_expr_new(p->ast, EXPR_BinOp);
      p->token++;
      if (!e || !(e->as.BinOp.right = parse_operators(p, infix.bind == BIND_POWER ? BIND_FACTOR : infix.bind + 1))) { left = NULL; break; }
      e->as.BinOp.left = left;
      e->as.BinOp.op = infix.op;
      left = parse_spanned(p, e, start);
    }
  }
  cd_parser_leave(p);
  return left;
}

Expr *cd_parse_disjunction(Parser *p) { return parse_operators(p, BIND_OR); }
Expr *cd_parse_bitwise_or(Parser *p) { return parse_operators(p, BIND_BITOR); }

// ---- expressions ----

static Expr *parse_lambda(Parser *p)
{
  const Token *start = p->token++;
  Expr *e = cd_expr_new(p->ast, EXPR_Lambda);
  if (!e || !cd_parser_enter(p)) return NULL;
  if (!(e->as.Lambda.args = cd_parse_parameters(p, true)) || !cd_parser_take(p, TOKEN_COLON)) e = NULL;
  else if (!(e->as.Lambda.body = cd_parse_expression(p))) e = NULL;
  cd_parser_leave(p);
  return e ? parse_spanned(p, e, start) : NULL;
}

Expr *cd_parse_expression(Parser *p)
{
  const Token *start = p->token;
  if (cd_parser_is(p, TOKEN_LAMBDA)) return parse_lambda(p);
  Expr *body = parse_operators(p, BIND_OR);
  if (!body || LIKELY(!cd_parser_is(p, TOKEN_IF))) return body;
  p->token++;
  Expr *e = cd_expr_new(p->ast, EXPR_IfExp);
  if (!e || !cd_parser_enter(p)) return NULL;
  e->as.IfExp.body = body;
  if (!(e->as.IfExp.test = parse_operators(p, BIND_OR)) || !cd_parser_take(p, TOKEN_ELSE)) e = NULL;
  else if (!(e->as.IfExp.orelse = cd_parse_expression(p))) e = NULL;
  cd_parser_leave(p);
  return e ? parse_spanned(p, e, start) : NULL;
}

Expr *cd_parse_named_expression(Parser *p)
{
  if (LIKELY(!cd_parser_is(p, TOKEN_NAME) || p->token[1].kind != TOKEN_COLON_EQUAL)) return cd_parse_expression(p);
  const Token *start = p->token;
  Expr *e = cd_expr_new(p->ast, EXPR_NamedExpr);
  if (!e || !(e->as.NamedExpr.target = cd_parse_name_expr(p, CTX_Store))) return NULL;
  p->token++;
  return (e->as.NamedExpr.value = cd_parse_expression(p)) ? parse_spanned(p, e, start) : NULL;
}

Expr *cd_parse_star_named_expression(Parser *p)
{
  if (LIKELY(!cd_parser_is(p, TOKEN_STAR))) return cd_parse_named_expression(p);
  const Token *start = p->token++;
  return parse_starred(p, start, cd_parse_bitwise_or(p), CTX_Load);
}

static Expr *parse_star_expression(Parser *p)
{
  if (LIKELY(!cd_parser_is(p, TOKEN_STAR))) return cd_parse_expression(p);
  const Token *start = p->token++;
  return parse_starred(p, start, cd_parse_bitwise_or(p), CTX_Load);
}

// After a comma this tells another item from the end of the tuple.
bool cd_parse_may_begin(int kind)
{
  switch (kind) {
  case TOKEN_NAME:
  case TOKEN_NUMBER:
  case TOKEN_STRING:
  case TOKEN_LPAR:
  case TOKEN_LSQB:
  case TOKEN_LBRACE:
  case TOKEN_NONE:
  case TOKEN_TRUE:
  case TOKEN_FALSE:
  case TOKEN_ELLIPSIS:
  case TOKEN_NOT:
  case TOKEN_MINUS:
  case TOKEN_PLUS:
  case TOKEN_TILDE:
  case TOKEN_AWAIT:
  case TOKEN_LAMBDA:
  case TOKEN_STAR:
    return true;
  default: return false;
  }
}

Expr *cd_parse_star_expressions(Parser *p)
{
  const Token *start = p->token;
  Expr *first = parse_star_expression(p);
  if (!first || LIKELY(!cd_parser_is(p, TOKEN_COMMA))) return first;
  size_t mark = p->stack.count;
  if (!EXPR_PUSH(p, first)) return NULL;
  while (cd_parser_take(p, TOKEN_COMMA)) {
    if (!cd_parse_may_begin(p->token->kind)) break;
    Expr *next = parse_star_expression(p);
    if (!next || !EXPR_PUSH(p, next)) return NULL;
  }
  return parse_tuple(p, start, mark);
}

Expr *cd_parse_yield(Parser *p)
{
  const Token *start = p->token++;
  bool from = cd_parser_take(p, TOKEN_FROM);
  Expr *e = cd_expr_new(p->ast, from ? EXPR_YieldFrom : EXPR_Yield);
  if (!e) return NULL;
  if (from) {
    if (!(e->as.YieldFrom.value = cd_parse_expression(p))) return NULL;
  } else if (cd_parse_may_begin(p->token->kind)) {
    if (!(e->as.Yield.value = cd_parse_star_expressions(p))) return NULL;
  }
  return parse_spanned(p, e, start);
}

// ---- parameters ----

static Arg *parse_parameter(Parser *p, bool lambda, bool starred)
{
  const Token *start = p->token;
  Arg *arg = cd_ast_alloc(p->ast, sizeof *arg);
  if (!arg || !(arg->arg = cd_parse_name(p))) return NULL;
  if (!lambda && cd_parser_take(p, TOKEN_COLON)) {
    const Token *annotation = p->token;
    if (starred && cd_parser_take(p, TOKEN_STAR)) {              // PEP 646: *args: *Ts
      if (!(arg->annotation = parse_starred(p, annotation, cd_parse_bitwise_or(p), CTX_Load))) return NULL;
    } else if (!(arg->annotation = cd_parse_expression(p))) {
      return NULL;
    }
  }
  PARSER_SPAN(p, arg, start);
  return arg;
}

// A type comment behind a parameter and its comma, or behind the last parameter.
static bool parse_parameter_comment(Parser *p, Arg *arg)
{
  if (!cd_parser_is(p, TOKEN_TYPE_COMMENT)) return true;
  arg->type_comment = cd_ast_own(p->ast, cd_str_new(p->vm, p->token->text, p->token->size));
  p->token++;
  return arg->type_comment;
}

// The parameters up to `)` or `:`, which is not taken.
Arguments *cd_parse_parameters(Parser *p, bool lambda)
{
  Arguments *out = cd_ast_alloc(p->ast, sizeof *out);
  if (!out) return NULL;
  int close = lambda ? TOKEN_COLON : TOKEN_RPAR;
  size_t mark = p->stack.count, defaults = p->keywords.count;
  bool star = false, slash = false;
  while (!cd_parser_is(p, close)) {
    Arg *arg = NULL;
    if (cd_parser_take(p, TOKEN_SLASH)) {
      if (slash || star || p->stack.count == mark || !EXPR_POP(p, mark, out->posonlyargs)) return NULL;
      slash = true;
    } else if (cd_parser_take(p, TOKEN_STAR)) {
      if (star || !EXPR_POP(p, mark, out->args)) return NULL;
      if (!cd_parser_pop(p, &p->keywords, defaults, &out->defaults.count, &out->defaults.items)) return NULL;
      star = true;
      if (cd_parser_take(p, TOKEN_COMMA)) {
        if (!cd_parser_is(p, TOKEN_NAME)) return NULL;           // a bare star needs a name behind it
        continue;
      }
      if (!(arg = out->vararg = parse_parameter(p, lambda, true))) return NULL;
    } else if (cd_parser_take(p, TOKEN_DOUBLE_STAR)) {
      if (!(arg = out->kwarg = parse_parameter(p, lambda, false))) return NULL;
      cd_parser_take(p, TOKEN_COMMA);
      if (!parse_parameter_comment(p, arg) || !cd_parser_is(p, close)) return NULL;
      break;
    } else {
      if (!(arg = parse_parameter(p, lambda, false)) || !EXPR_PUSH(p, arg)) return NULL;
      Expr *value = NULL;
      if (cd_parser_take(p, TOKEN_EQUAL)) {
        if (!(value = cd_parse_expression(p))) return NULL;
      } else if (!star && p->keywords.count > defaults) {
        return NULL;                             // without a default behind one with it
      }
      if ((star || value) && !cd_parser_push(p, &p->keywords, value)) return NULL;
    }
    bool more = cd_parser_take(p, TOKEN_COMMA);
    if (arg && !parse_parameter_comment(p, arg)) return NULL;
    if (!more) break;
  }
  if (!star) {
    if (!EXPR_POP(p, mark, out->args)) return NULL;
    if (!cd_parser_pop(p, &p->keywords, defaults, &out->defaults.count, &out->defaults.items)) return NULL;
  } else {
    if (!EXPR_POP(p, mark, out->kwonlyargs)) return NULL;
    if (!cd_parser_pop(p, &p->keywords, defaults, &out->kw_defaults.count, &out->kw_defaults.items)) return NULL;
  }
  return cd_parser_is(p, close) ? out : NULL;
}
