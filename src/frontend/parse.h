// SPDX-License-Identifier: MIT
// parse.h: what the parser's files share; private to this folder
#ifndef CEDE_FRONTEND_PARSE_H
#define CEDE_FRONTEND_PARSE_H

#include "frontend/lexer.h"
#include "frontend/parser.h"

// The parser is recursive descent over an array of tokens, with a table for binary operators. It builds the tree of correct programs as
// fast as it can, and says nothing about wrong ones: every function returns NULL (or false) at the first token that does not fit. The
// program is then read once more by diagnose.c, whose only task is to find out what CPython would say.
//
// So "NULL without an exception" means bad syntax, "NULL with an exception" means no memory, or a warning that became an error.

// A stack of pointers that become sequences.
typedef struct PointerStack { void **items; size_t count, capacity; } PointerStack;

typedef struct Parser {
  VM *vm;
  Ast *ast;
  const Token *token;                            // the next one
  const char *source;                            // of the whole text
  int flags;
  CompileMode mode;
  int depth;                                     // nesting of expressions and statements
  int field_depth;                               // of f-strings in fields of f-strings
  PointerStack stack, keywords;
  struct Diagnosis *diagnosis;                   // NULL: fast and silent
  const char *warned;                            // the last literal whose escapes were warned of: parsing it again says nothing
} Parser;

#define MAX_PARSER_DEPTH 4000

static inline bool cd_parser_is(const Parser *p, int kind) { return p->token->kind == kind; }
static inline bool cd_parser_take(Parser *p, int kind)           // consumes it if it is next
{
  if (p->token->kind != kind) return false;
  p->token++;
  return true;
}
// Is the next token the NAME `word` (a soft keyword)?
static inline bool cd_parser_is_word(const Parser *p, const char *word, size_t size)
{
  return p->token->kind == TOKEN_NAME && p->token->size == size && memcmp(p->token->text, word, size) == 0;
}
#define PARSER_IS_WORD(p, word) cd_parser_is_word(p, word, sizeof word - 1)

// Position from token `start` to the last consumed token that is no NEWLINE, INDENT or DEDENT.
#define PARSER_SPAN(p, node, start_token)                                         \
  do {                                                                            \
    const Token *span_start = (start_token), *span_end = (p)->token - 1;          \
    while (span_end->kind <= TOKEN_DEDENT) span_end--;                            \
    (node)->line = span_start->line;                                              \
    (node)->column = span_start->column;                                          \
    (node)->end_line = span_end->end_line;                                        \
    (node)->end_column = span_end->end_column;                                    \
  } while (0)

bool cd_parser_push(Parser *p, PointerStack *stack, void *item);
// Moves the items above `mark` into the arena. *items is NULL when there are none. false: no memory.
bool cd_parser_pop(Parser *p, PointerStack *stack, size_t mark, size_t *count, void *items);
// Warns of a token, in the message's words (consumed). As an error it is raised as a SyntaxError at the token. false: exception set.
bool cd_parser_warn(Parser *p, Type *category, const Token *token, Ref message);
bool cd_parser_warn_numbers(Parser *p, const Tokens *tokens);    // those that are deprecated: 1if x else y
bool cd_parser_enter(Parser *p);                 // one level deeper; false: MemoryError
static inline void cd_parser_leave(Parser *p) { p->depth--; }

// ---- parse_expr.c ----
Expr *cd_parse_expression(Parser *p);
Expr *cd_parse_named_expression(Parser *p);
Expr *cd_parse_star_named_expression(Parser *p);
bool cd_parse_may_begin(int kind);               // can a token of this kind begin an expression, starred ones included?
Expr *cd_parse_star_expressions(Parser *p);      // a tuple if there are commas
Expr *cd_parse_yield(Parser *p);
Expr *cd_parse_disjunction(Parser *p);
Expr *cd_parse_bitwise_or(Parser *p);
Expr *cd_parse_primary(Parser *p);
Expr *cd_parse_target(Parser *p);                // star_target
Expr *cd_parse_targets(Parser *p);               // star_targets, in `for`
// Arguments of a call or class from '(' to ')'.
bool cd_parse_arguments(Parser *p, ExprSeq *args, KeywordSeq *keywords);
Arguments *cd_parse_parameters(Parser *p, bool lambda);
// Makes `e` a target; false: it cannot be one.
bool cd_expr_set_context(Expr *e, ExprContext ctx);
Value cd_parse_name(Parser *p);                  // takes a NAME; NO_VALUE: none
Expr *cd_parse_name_expr(Parser *p, ExprContext ctx);

// ---- literal.c ----
Expr *cd_parse_strings(Parser *p);               // one or more STRING tokens
Value cd_parse_number(Parser *p, const Token *token);
bool cd_literal_is_good(VM *vm, const Token *token, int flags);   // does this f-string parse? Raises nothing

// ---- parse_stmt.c, parse_pattern.c ----
bool cd_parse_block(Parser *p, StmtSeq *body);
Mod *cd_parse_mod(Parser *p);
bool cd_parser_type_ignores(Parser *p, const Tokens *tokens, Mod *mod);
// A match statement; NULL with p->token where it was, and no exception: it is none after all.
Stmt *cd_parse_match(Parser *p);

// ---- diagnose.c ----
// Finds what is wrong with the source and raises it.
void cd_diagnose(VM *vm, const char *source, size_t size, Value filename, CompileMode mode, int flags);
// For literals that are read in the course of it: raises, and returns NO_REF.
Ref cd_diagnosis_error(struct Diagnosis *diagnosis, const Token *place, const char *format, ...);

#endif
