// SPDX-License-Identifier: MIT
// ast.h: the syntax tree of one compilation: C structs in one arena, made from ast.def
#ifndef CEDE_FRONTEND_AST_H
#define CEDE_FRONTEND_AST_H

#include "base/arena.h"
#include "frontend/frontend.h"

// A node is `e->kind` (EXPR_BinOp, STMT_If, PATTERN_MatchAs, ...) and `e->as.BinOp.left`, with Python's own field names. Sequences are
// by value: `e->as.Call.args.count`, `.items[i]`. An absent optional node is NULL, an absent identifier, string or constant NO_VALUE.
// All str and constants are owned by the Ast; identifiers are interned. Lines count from 1, columns are UTF-8 bytes from 0.

typedef struct Mod Mod;
typedef struct Stmt Stmt;
typedef struct Expr Expr;
typedef struct Pattern Pattern;
typedef struct TypeParam TypeParam;
typedef struct Comprehension Comprehension;
typedef struct ExceptHandler ExceptHandler;
typedef struct Arguments Arguments;
typedef struct Arg Arg;
typedef struct Keyword Keyword;
typedef struct Alias Alias;
typedef struct WithItem WithItem;
typedef struct MatchCase MatchCase;
typedef struct TypeIgnore TypeIgnore;

typedef struct StmtSeq { size_t count; Stmt **items; } StmtSeq;
typedef struct ExprSeq { size_t count; Expr **items; } ExprSeq;
typedef struct PatternSeq { size_t count; Pattern **items; } PatternSeq;
typedef struct TypeParamSeq { size_t count; TypeParam **items; } TypeParamSeq;
typedef struct ComprehensionSeq { size_t count; Comprehension **items; } ComprehensionSeq;
typedef struct ExceptHandlerSeq { size_t count; ExceptHandler **items; } ExceptHandlerSeq;
typedef struct ArgSeq { size_t count; Arg **items; } ArgSeq;
typedef struct KeywordSeq { size_t count; Keyword **items; } KeywordSeq;
typedef struct AliasSeq { size_t count; Alias **items; } AliasSeq;
typedef struct WithItemSeq { size_t count; WithItem **items; } WithItemSeq;
typedef struct MatchCaseSeq { size_t count; MatchCase **items; } MatchCaseSeq;
typedef struct TypeIgnoreSeq { size_t count; TypeIgnore **items; } TypeIgnoreSeq;
typedef struct NameSeq { size_t count; Value *items; } NameSeq;              // identifiers
typedef struct CompareOperatorSeq { size_t count; int32_t *items; } CompareOperatorSeq;

// ---- enums ----

#include "frontend/ast_clear.h"
#undef MOD
#define MOD(name, fields) MOD_##name,
typedef enum ModKind {
#include "frontend/ast.def"
} ModKind;
#include "frontend/ast_clear.h"
#undef STMT
#define STMT(name, fields) STMT_##name,
typedef enum StmtKind {
#include "frontend/ast.def"
} StmtKind;
#include "frontend/ast_clear.h"
#undef EXPR
#define EXPR(name, fields) EXPR_##name,
typedef enum ExprKind {
#include "frontend/ast.def"
} ExprKind;
#include "frontend/ast_clear.h"
#undef PATTERN
#define PATTERN(name, fields) PATTERN_##name,
typedef enum PatternKind {
#include "frontend/ast.def"
} PatternKind;
#include "frontend/ast_clear.h"
#undef TYPE_PARAM
#define TYPE_PARAM(name, fields) TYPE_PARAM_##name,
typedef enum TypeParamKind {
#include "frontend/ast.def"
} TypeParamKind;
#include "frontend/ast_clear.h"
#undef CONTEXT
#define CONTEXT(name) CTX_##name,
typedef enum ExprContext {
#include "frontend/ast.def"
} ExprContext;
#include "frontend/ast_clear.h"
#undef BOOLOP
#define BOOLOP(name) BOOLOP_##name,
typedef enum BoolOperator {
#include "frontend/ast.def"
} BoolOperator;
#include "frontend/ast_clear.h"
#undef OPERATOR
#define OPERATOR(name) OPERATOR_##name,
typedef enum BinaryOperator {
#include "frontend/ast.def"
} BinaryOperator;
#include "frontend/ast_clear.h"
#undef UNARYOP
#define UNARYOP(name) UNARYOP_##name,
typedef enum UnaryOperator {
#include "frontend/ast.def"
} UnaryOperator;
#include "frontend/ast_clear.h"
#undef CMPOP
#define CMPOP(name) CMPOP_##name,
typedef enum CompareOperator {
#include "frontend/ast.def"
} CompareOperator;

// ---- nodes ----

// From the field kinds of ast.def to C types.
#define AST_ONE_stmt Stmt *
#define AST_ONE_expr Expr *
#define AST_ONE_pattern Pattern *
#define AST_ONE_arguments Arguments *
#define AST_ONE_arg Arg *
#define AST_ONE_identifier Value
#define AST_ONE_string Value
#define AST_ONE_constant Value
#define AST_ONE_int int32_t
#define AST_ONE_expr_context ExprContext
#define AST_ONE_boolop BoolOperator
#define AST_ONE_operator BinaryOperator
#define AST_ONE_unaryop UnaryOperator
#define AST_SEQ_stmt StmtSeq
#define AST_SEQ_expr ExprSeq
#define AST_SEQ_pattern PatternSeq
#define AST_SEQ_type_param TypeParamSeq
#define AST_SEQ_comprehension ComprehensionSeq
#define AST_SEQ_excepthandler ExceptHandlerSeq
#define AST_SEQ_arg ArgSeq
#define AST_SEQ_keyword KeywordSeq
#define AST_SEQ_alias AliasSeq
#define AST_SEQ_withitem WithItemSeq
#define AST_SEQ_match_case MatchCaseSeq
#define AST_SEQ_type_ignore TypeIgnoreSeq
#define AST_SEQ_identifier NameSeq
#define AST_SEQ_cmpop CompareOperatorSeq

#define ONE(type, name) AST_ONE_##type name;
#define OPT(type, name) AST_ONE_##type name;
#define SEQ(type, name) AST_SEQ_##type name;
#define SEQ_OPT(type, name) AST_SEQ_##type name;
#define EXTRA(type, name) AST_SEQ_##type name;
#define AST_POSITION int32_t line, column, end_line, end_column;

struct Mod {
  ModKind kind;
  union {
#include "frontend/ast_clear.h"
#undef MOD
#define MOD(name, fields) struct { fields } name;
#include "frontend/ast.def"
  } as;
};
struct Stmt {
  StmtKind kind;
  AST_POSITION
  union {
#include "frontend/ast_clear.h"
#undef STMT
#define STMT(name, fields) struct { fields } name;
#include "frontend/ast.def"
  } as;
};
struct Expr {
  ExprKind kind;
  AST_POSITION
  union {
#include "frontend/ast_clear.h"
#undef EXPR
#define EXPR(name, fields) struct { fields } name;
#include "frontend/ast.def"
  } as;
};
struct Pattern {
  PatternKind kind;
  AST_POSITION
  union {
#include "frontend/ast_clear.h"
#undef PATTERN
#define PATTERN(name, fields) struct { fields } name;
#include "frontend/ast.def"
  } as;
};
struct TypeParam {
  TypeParamKind kind;
  AST_POSITION
  union {
#include "frontend/ast_clear.h"
#undef TYPE_PARAM
#define TYPE_PARAM(name, fields) struct { fields } name;
#include "frontend/ast.def"
  } as;
};
#include "frontend/ast_clear.h"
#undef PRODUCT
#undef PRODUCT_AT
#define PRODUCT(name, Struct, fields) struct Struct { fields };
#define PRODUCT_AT(name, Struct, fields) struct Struct { AST_POSITION fields };
#include "frontend/ast.def"

#undef ONE
#undef OPT
#undef SEQ
#undef SEQ_OPT
#undef EXTRA

// ---- the compilation they live in ----

// Everything of one compilation that is freed at its end: nodes, and the values they mention.
typedef struct Ast {
  VM *vm;
  Arena arena;
  Value *owned;                                  // each owned
  size_t owned_count, owned_capacity;
  struct AstName *names;                         // identifiers seen, by text; open addressing, power of two
  size_t name_count, name_capacity;
  Value filename;                                // owned str
} Ast;

MUST_USE bool cd_ast_init(Ast *ast, VM *vm, Value filename);
void cd_ast_clear(Ast *ast);
// Zeroed memory of the compilation; NULL: MemoryError set.
void *cd_ast_alloc(Ast *ast, size_t size);
void *cd_ast_array(Ast *ast, size_t count, size_t size);
// Hands `v` to the compilation and returns it borrowed; NO_VALUE: exception set. NO_REF in, NO_VALUE out (so constructors may be wrapped).
Value cd_ast_own(Ast *ast, Ref v);
// The interned str of an identifier (valid WTF-8), borrowed from the compilation; one lookup in a table of this compilation. NO_VALUE:
// exception.
Value cd_ast_name(Ast *ast, const char *text, size_t size);
// The tree as objects of the _ast classes, and back (modules/_ast.c). The latter checks types and required fields; NULL: exception set.
Ref cd_ast_to_object(VM *vm, Ast *ast, Mod *mod);
Mod *cd_ast_from_object(VM *vm, Ast *ast, Value tree, CompileMode mode);
// Checks of a tree that the parser did not make: ValueError and TypeError in the words of CPython.
bool cd_ast_validate(VM *vm, Mod *mod);
// Is `v` an instance of _ast.AST?
bool cd_ast_is_object(VM *vm, Value v, bool *out);
// New nodes, at the position of nothing (all 0); NULL: MemoryError set.
Expr *cd_expr_new(Ast *ast, ExprKind kind);
Stmt *cd_stmt_new(Ast *ast, StmtKind kind);
Pattern *cd_pattern_new(Ast *ast, PatternKind kind);
// Copies any node's position onto any other's.
#define cd_ast_at(to, from)                                                       \
  ((to)->line = (from)->line, (to)->column = (from)->column, (to)->end_line = (from)->end_line, (to)->end_column = (from)->end_column)

#endif
