// SPDX-License-Identifier: MIT
// parse_pattern.c: match statements and patterns (PEP 634)
#include "frontend/parse.h"

#include "objects/raise.h"
#include "objects/str.h"

#define PATTERN_POP(p, mark, seq) cd_parser_pop(p, &(p)->stack, mark, &(seq).count, &(seq).items)
#define PATTERN_PUSH(p, item) cd_parser_push(p, &(p)->stack, item)

static Pattern *pattern_pattern(Parser *p);

static Pattern *pattern_spanned(Parser *p, Pattern *pattern, const Token *start)
{
  if (pattern) PARSER_SPAN(p, pattern, start);
  return pattern;
}

// A name that binds; "_" binds nothing: *name is NO_VALUE. false: there is no name.
static bool pattern_target(Parser *p, Value *name)
{
  *name = NO_VALUE;
  if (PARSER_IS_WORD(p, "_")) {
    p->token++;
    return true;
  }
  return (*name = cd_parse_name(p));
}

// ---- literals and names ----

static Expr *pattern_number(Parser *p)
{
  if (!cd_parser_is(p, TOKEN_NUMBER)) return NULL;
  Value value = cd_parse_number(p, p->token);
  Expr *e = value ? cd_expr_new(p->ast, EXPR_Constant) : NULL;
  if (!e) return NULL;
  e->as.Constant.value = value;
  p->token++;
  PARSER_SPAN(p, e, p->token - 1);
  return e;
}

// 1, -1, 1 + 2j
static Expr *pattern_signed_number(Parser *p)
{
  const Token *start = p->token;
  Expr *left;
  if (cd_parser_take(p, TOKEN_MINUS)) {
    if (!(left = cd_expr_new(p->ast, EXPR_UnaryOp))) return NULL;
    left->as.UnaryOp.op = UNARYOP_USub;
    if (!(left->as.UnaryOp.operand = pattern_number(p))) return NULL;
    PARSER_SPAN(p, left, start);
  } else if (!(left = pattern_number(p))) {
    return NULL;
  }
  if (!cd_parser_is(p, TOKEN_PLUS) && !cd_parser_is(p, TOKEN_MINUS)) return left;
  Expr *e = cd_expr_new(p->ast, EXPR_BinOp);
  if (!e) return NULL;
  e->as.BinOp.left = left;
  e->as.BinOp.op = cd_parser_is(p, TOKEN_PLUS) ? OPERATOR_Add : OPERATOR_Sub;
  p->token++;
  if (!(e->as.BinOp.right = pattern_number(p))) return NULL;
  Expr *real = left->kind == EXPR_UnaryOp ? left->as.UnaryOp.operand : left;
  if (cd_is_complex(real->as.Constant.value) || !cd_is_complex(e->as.BinOp.right->as.Constant.value)) return NULL;
  PARSER_SPAN(p, e, start);
  return e;
}

// a.b.c, all in Load context
static Expr *pattern_dotted_name(Parser *p)
{
  const Token *start = p->token;
  Expr *e = cd_parse_name_expr(p, CTX_Load);
  while (e && cd_parser_take(p, TOKEN_DOT)) {
    Expr *outer = cd_expr_new(p->ast, EXPR_Attribute);
    if (!outer) return NULL;
    outer->as.Attribute.value = e;
    if (!(outer->as.Attribute.attr = cd_parse_name(p))) return NULL;
    PARSER_SPAN(p, outer, start);
    e = outer;
  }
  return e;
}

static Pattern *pattern_value(Parser *p, Expr *value)
{
  Pattern *pattern = value ? cd_pattern_new(p->ast, PATTERN_MatchValue) : NULL;
  if (!pattern) return NULL;
  pattern->as.MatchValue.value = value;
  cd_ast_at(pattern, value);
  return pattern;
}

static Pattern *pattern_singleton(Parser *p, Value value)
{
  const Token *start = p->token++;
  Pattern *pattern = cd_pattern_new(p->ast, PATTERN_MatchSingleton);
  if (pattern) pattern->as.MatchSingleton.value = value;
  return pattern_spanned(p, pattern, start);
}

static Expr *pattern_strings(Parser *p)
{
  return cd_parse_strings(p);
}

// ---- sequences ----

static Pattern *pattern_maybe_star(Parser *p)
{
  const Token *start = p->token;
  if (!cd_parser_take(p, TOKEN_STAR)) return pattern_pattern(p);
  Pattern *pattern = cd_pattern_new(p->ast, PATTERN_MatchStar);
  return pattern && pattern_target(p, &pattern->as.MatchStar.name) ? pattern_spanned(p, pattern, start) : NULL;
}

// More patterns behind a first one, up to `close`, which is not taken.
static bool pattern_items(Parser *p, Pattern *first, int close, PatternSeq *items)
{
  size_t mark = p->stack.count;
  if (!PATTERN_PUSH(p, first)) return false;
  while (cd_parser_take(p, TOKEN_COMMA)) {
    if (cd_parser_is(p, close) || (close == TOKEN_COLON && cd_parser_is(p, TOKEN_IF))) break;
    Pattern *next = pattern_maybe_star(p);
    if (!next || !PATTERN_PUSH(p, next)) return false;
  }
  return PATTERN_POP(p, mark, *items);
}

static Pattern *pattern_sequence(Parser *p)
{
  const Token *start = p->token++;
  int close = start->kind == TOKEN_LPAR ? TOKEN_RPAR : TOKEN_RSQB;
  Pattern *pattern = cd_pattern_new(p->ast, PATTERN_MatchSequence);
  if (!pattern) return NULL;
  if (cd_parser_take(p, close)) return pattern_spanned(p, pattern, start);
  Pattern *first = pattern_maybe_star(p);
  if (!first) return NULL;
  if (close == TOKEN_RPAR && first->kind != PATTERN_MatchStar && cd_parser_take(p, close)) return first;   // a group
  if (close == TOKEN_RPAR && !cd_parser_is(p, TOKEN_COMMA)) return NULL;
  if (!pattern_items(p, first, close, &pattern->as.MatchSequence.patterns) || !cd_parser_take(p, close)) return NULL;
  return pattern_spanned(p, pattern, start);
}

// ---- mappings and classes ----

static Expr *pattern_key(Parser *p)
{
  switch (p->token->kind) {
  case TOKEN_STRING: return pattern_strings(p);
  case TOKEN_NUMBER: case TOKEN_MINUS: return pattern_signed_number(p);
  case TOKEN_NONE: case TOKEN_TRUE: case TOKEN_FALSE: {
    Expr *e = cd_expr_new(p->ast, EXPR_Constant);
    if (!e) return NULL;
    e->as.Constant.value = cd_parser_is(p, TOKEN_NONE) ? cd_none() : cd_bool(cd_parser_is(p, TOKEN_TRUE));
    p->token++;
    PARSER_SPAN(p, e, p->token - 1);
    return e;
  }
  default: {
    Expr *e = pattern_dotted_name(p);
    return e && e->kind == EXPR_Attribute ? e : NULL;
  }
  }
}

static Pattern *pattern_mapping(Parser *p)
{
  const Token *start = p->token++;
  Pattern *pattern = cd_pattern_new(p->ast, PATTERN_MatchMapping);
  size_t keys = p->keywords.count, mark = p->stack.count;
  if (!pattern) return NULL;
  while (!cd_parser_is(p, TOKEN_RBRACE)) {
    if (pattern->as.MatchMapping.rest) return NULL;
    if (cd_parser_take(p, TOKEN_DOUBLE_STAR)) {
      if (!pattern_target(p, &pattern->as.MatchMapping.rest) || !pattern->as.MatchMapping.rest) return NULL;
    } else {
      Expr *key = pattern_key(p);
      if (!key || !cd_parser_push(p, &p->keywords, key) || !cd_parser_take(p, TOKEN_COLON)) return NULL;
      Pattern *value = pattern_pattern(p);
      if (!value || !PATTERN_PUSH(p, value)) return NULL;
    }
    if (!cd_parser_take(p, TOKEN_COMMA)) break;
  }
  if (!cd_parser_take(p, TOKEN_RBRACE) || !PATTERN_POP(p, mark, pattern->as.MatchMapping.patterns)) return NULL;
  if (!cd_parser_pop(p, &p->keywords, keys, &pattern->as.MatchMapping.keys.count, &pattern->as.MatchMapping.keys.items)) return NULL;
  return pattern_spanned(p, pattern, start);
}

// Names are kept as words on the pointer stack.
static void *pattern_word(Value name) { return (void *)(uintptr_t)cd_bits(name); }

// cls(pattern, name=pattern), at the '('
static Pattern *pattern_class(Parser *p, const Token *start, Expr *cls)
{
  Pattern *pattern = cd_pattern_new(p->ast, PATTERN_MatchClass);
  size_t names = p->keywords.count, mark = p->stack.count;
  if (!pattern) return NULL;
  pattern->as.MatchClass.cls = cls;
  p->token++;
  bool keywords = false;
  while (!cd_parser_is(p, TOKEN_RPAR)) {
    bool keyword = cd_parser_is(p, TOKEN_NAME) && p->token[1].kind == TOKEN_EQUAL;
    if (keywords && !keyword) return NULL;
    if (keyword && !keywords && !PATTERN_POP(p, mark, pattern->as.MatchClass.patterns)) return NULL;
    keywords = keyword;
    if (keyword) {
      Value name = cd_parse_name(p);
      if (!name || !cd_parser_push(p, &p->keywords, pattern_word(name))) return NULL;
      p->token++;
    }
    Pattern *value = pattern_pattern(p);
    if (!value || !PATTERN_PUSH(p, value)) return NULL;
    if (!cd_parser_take(p, TOKEN_COMMA)) break;
  }
  if (!cd_parser_take(p, TOKEN_RPAR)) return NULL;
  PatternSeq *rest = keywords ? &pattern->as.MatchClass.kwd_patterns : &pattern->as.MatchClass.patterns;
  if (!PATTERN_POP(p, mark, *rest)) return NULL;
  NameSeq *attrs = &pattern->as.MatchClass.kwd_attrs;
  return cd_parser_pop(p, &p->keywords, names, &attrs->count, &attrs->items) ? pattern_spanned(p, pattern, start) : NULL;
}

static Pattern *pattern_name(Parser *p)
{
  const Token *start = p->token;
  if (p->token[1].kind != TOKEN_DOT && p->token[1].kind != TOKEN_LPAR) {
    Pattern *pattern = cd_pattern_new(p->ast, PATTERN_MatchAs);
    if (!pattern || p->token[1].kind == TOKEN_EQUAL) return NULL;
    return pattern_target(p, &pattern->as.MatchAs.name) ? pattern_spanned(p, pattern, start) : NULL;
  }
  Expr *e = pattern_dotted_name(p);
  if (!e) return NULL;
  if (cd_parser_is(p, TOKEN_LPAR)) return pattern_class(p, start, e);
  return cd_parser_is(p, TOKEN_EQUAL) ? NULL : pattern_value(p, e);
}

// ---- patterns ----

static Pattern *pattern_closed(Parser *p)
{
  switch (p->token->kind) {
  case TOKEN_NAME: return pattern_name(p);
  case TOKEN_NUMBER: case TOKEN_MINUS: return pattern_value(p, pattern_signed_number(p));
  case TOKEN_STRING: return pattern_value(p, pattern_strings(p));
  case TOKEN_NONE: return pattern_singleton(p, cd_none());
  case TOKEN_TRUE: return pattern_singleton(p, cd_true());
  case TOKEN_FALSE: return pattern_singleton(p, cd_false());
  case TOKEN_LPAR: case TOKEN_LSQB: return pattern_sequence(p);
  case TOKEN_LBRACE: return pattern_mapping(p);
  default: return NULL;
  }
}

static Pattern *pattern_or(Parser *p)
{
  const Token *start = p->token;
  Pattern *first = pattern_closed(p);
  if (!first || !cd_parser_is(p, TOKEN_VBAR)) return first;
  Pattern *pattern = cd_pattern_new(p->ast, PATTERN_MatchOr);
  size_t mark = p->stack.count;
  if (!pattern || !PATTERN_PUSH(p, first)) return NULL;
  while (cd_parser_take(p, TOKEN_VBAR)) {
    Pattern *next = pattern_closed(p);
    if (!next || !PATTERN_PUSH(p, next)) return NULL;
  }
  return PATTERN_POP(p, mark, pattern->as.MatchOr.patterns) ? pattern_spanned(p, pattern, start) : NULL;
}

static Pattern *pattern_pattern(Parser *p)
{
  const Token *start = p->token;
  if (!cd_parser_enter(p)) return NULL;
  Pattern *inner = pattern_or(p);
  cd_parser_leave(p);
  if (!inner || !cd_parser_take(p, TOKEN_AS)) return inner;
  Pattern *pattern = cd_pattern_new(p->ast, PATTERN_MatchAs);
  if (!pattern) return NULL;
  pattern->as.MatchAs.pattern = inner;
  if (!pattern_target(p, &pattern->as.MatchAs.name) || !pattern->as.MatchAs.name) return NULL;
  if (cd_parser_is(p, TOKEN_DOT) || cd_parser_is(p, TOKEN_LPAR) || cd_parser_is(p, TOKEN_EQUAL)) return NULL;
  return pattern_spanned(p, pattern, start);
}

// ---- the statement ----

static MatchCase *pattern_case(Parser *p)
{
  MatchCase *out = cd_ast_alloc(p->ast, sizeof *out);
  if (!out || !PARSER_IS_WORD(p, "case")) return NULL;
  p->token++;
  const Token *start = p->token;
  Pattern *first = pattern_maybe_star(p);
  if (!first) return NULL;
  out->pattern = first;
  if (cd_parser_is(p, TOKEN_COMMA)) {              // a sequence without brackets
    Pattern *pattern = cd_pattern_new(p->ast, PATTERN_MatchSequence);
    if (!pattern || !pattern_items(p, first, TOKEN_COLON, &pattern->as.MatchSequence.patterns)) return NULL;
    out->pattern = pattern_spanned(p, pattern, start);
  } else if (first->kind == PATTERN_MatchStar) {
    return NULL;
  }
  if (cd_parser_take(p, TOKEN_IF) && !(out->guard = cd_parse_named_expression(p))) return NULL;
  return cd_parser_take(p, TOKEN_COLON) && cd_parse_block(p, &out->body) ? out : NULL;
}

static Expr *pattern_subject(Parser *p)
{
  const Token *start = p->token;
  Expr *first = cd_parse_star_named_expression(p);
  if (!first || !cd_parser_is(p, TOKEN_COMMA)) return first && first->kind != EXPR_Starred ? first : NULL;
  size_t mark = p->stack.count;
  if (!PATTERN_PUSH(p, first)) return NULL;
  while (cd_parser_take(p, TOKEN_COMMA)) {
    if (cd_parser_is(p, TOKEN_COLON)) break;
    Expr *next = cd_parse_star_named_expression(p);
    if (!next || !PATTERN_PUSH(p, next)) return NULL;
  }
  Expr *e = cd_expr_new(p->ast, EXPR_Tuple);
  if (!e || !PATTERN_POP(p, mark, e->as.Tuple.elts)) return NULL;
  PARSER_SPAN(p, e, start);
  return e;
}

Stmt *cd_parse_match(Parser *p)
{
  const Token *start = p->token;
  size_t mark = p->stack.count, keywords = p->keywords.count;
  int depth = p->depth;
  if (!cd_parse_may_begin(start[1].kind)) return NULL;   // most uses of a variable called "match"
  p->token++;
  Expr *subject = pattern_subject(p);
  if (!subject || !cd_parser_take(p, TOKEN_COLON) || !cd_parser_take(p, TOKEN_NEWLINE) || !cd_parser_take(p, TOKEN_INDENT) ||
      !PARSER_IS_WORD(p, "case")) {
    if (!cd_raised(p->vm)) {
      p->token = start;
      p->stack.count = mark;
      p->keywords.count = keywords;
      p->depth = depth;
    }
    return NULL;
  }
  Stmt *s = cd_stmt_new(p->ast, STMT_Match);
  if (!s) return NULL;
  s->as.Match.subject = subject;
  while (!cd_parser_take(p, TOKEN_DEDENT)) {
    MatchCase *c = cd_parser_enter(p) ? pattern_case(p) : NULL;
    if (!c || !PATTERN_PUSH(p, c)) return NULL;
    cd_parser_leave(p);
  }
  if (!PATTERN_POP(p, mark, s->as.Match.cases)) return NULL;
  PARSER_SPAN(p, s, start);
  return s;
}
