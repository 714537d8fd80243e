// SPDX-License-Identifier: MIT
// codegen.h: what the files of the compiler share; private to this folder
#ifndef CEDE_FRONTEND_CODEGEN_H
#define CEDE_FRONTEND_CODEGEN_H

#include "bytecode/code.h"
#include "frontend/compile.h"
#include "frontend/symtable.h"

// The compiler walks the tree and appends instructions of a simple form (Ir) to one array. Jumps name labels, registers say which kind they
// are, since numbers are known at the end only. flowgraph.c then throws out what is not needed and assemble.c makes a Code of the rest.
// A nested function is compiled while its parent is half done: its instructions lie behind the parent's and are gone when it is finished.
//
// Errors are sticky: `failed` says that an exception is set; everything that emits goes on harmlessly, loops over statements end.

// ---- registers ----

// Kind in the top two bits, number in the rest.
typedef uint32_t Reg;
enum { REG_LOCAL = 0, REG_CELL = 1, REG_FREE = 2, REG_TEMP = 3 };
#define REG_KIND(reg) ((reg) >> 30)
#define REG_NUMBER(reg) ((reg) & 0x3FFFFFFF)
#define REG_MAKE(kind, number) ((Reg)(kind) << 30 | (Reg)(number))
#define REG_NONE UINT32_MAX
static inline Reg cd_temp(uint32_t depth) { return REG_MAKE(REG_TEMP, depth); }
static inline bool cd_is_temp(Reg reg) { return REG_KIND(reg) == REG_TEMP; }

// ---- instructions ----

typedef int32_t Label;                           // index into Compiler.labels, of the unit
#define NO_LABEL (-1)

typedef struct Ir {
  uint16_t op;
  bool deleted;
  bool leader;                                   // a block starts here (flowgraph.c)
  bool reached;
  int32_t handler;                               // index of the IrHandler in force, -1: none
  uint32_t a, b, c;
  int32_t jump;                                  // label; for CALL the index of kwnames in consts; -1
  Position at;                                   // line -1: none, taken from the instruction before
} Ir;

// An active `try`: exceptions go to `label` with `depth` temporaries kept.
typedef struct IrHandler { Label label; uint32_t depth; int32_t outer; } IrHandler;

// ---- tables of values: names, constants ----

typedef struct ValueTable {
  Value *items;
  uint32_t count, capacity;
  uint32_t *index;                               // hash of the words; number + 1
  uint32_t index_mask;
} ValueTable;

// ---- what break, continue, return and exceptions have to leave ----

typedef enum BlockKind {
  BLOCK_WHILE, BLOCK_FOR, BLOCK_ASYNC_FOR, BLOCK_TRY_EXCEPT, BLOCK_FINALLY_TRY, BLOCK_FINALLY_END, BLOCK_WITH, BLOCK_ASYNC_WITH,
  BLOCK_HANDLER, BLOCK_EXCEPTION_GROUP, BLOCK_VALUE,
} BlockKind;

typedef struct Block {
  BlockKind kind;
  struct Block *outer;
  uint32_t depth;                                // of the first temporary that the block keeps
  int32_t handler;                               // in force outside of it
  Label start, end;                              // of loops: continue, break
  const StmtSeq *finalbody;
  Value name;                                    // of `except .. as name`; NO_VALUE: none
  Position at;                                   // of the with statement
} Block;

// ---- one code object being made ----

typedef struct Unit {
  struct Unit *outer;
  Scope *scope;
  Value name, qualname;                          // owned by the Ast
  Value private_name;
  int32_t first_line;
  uint32_t ir_base, label_base, handler_base;    // where ours begin in the compiler's arrays
  int32_t handler;                               // in force
  uint32_t depth, max_depth;                     // temporaries in use
  Position at;                                   // of what is being compiled
  Block *block;
  int block_count;
  ValueTable consts, names, varnames;
  ValueTable cells, frees;                       // sorted by name
  uint32_t arg_count, posonly_count, kwonly_count;
  Value docstring;
  bool is_function, is_async;
} Unit;

typedef struct Compiler {
  VM *vm;
  Ast *ast;
  Value filename;
  CompileMode mode;
  int flags;                                     // CO_FUTURE_ bits and PYCF_
  int optimize;
  bool interactive;
  int32_t future_line;                           // the last line with a __future__ import
  bool failed;
  int depth, depth_limit;
  SymbolTable symbols;
  Unit *unit;
  Ir *ir;
  uint32_t ir_count, ir_capacity;
  int32_t *labels;                               // instruction number, relative to the unit's base; -1: not placed
  uint32_t label_count, label_capacity;
  IrHandler *handlers;
  uint32_t handler_count, handler_capacity;
  Value *pool;                                   // open addressing: constants met so far, so that equal ones are one object
  uint32_t pool_count, pool_capacity;
} Compiler;

// ---- codegen.c ----

void cd_unit_enter(Compiler *c, Unit *unit, Scope *scope, Value name, int32_t first_line);
Value cd_unit_leave(Compiler *c);                // the Code, owned by the Ast; NO_VALUE after a failure
#define CD_ERROR(c, node, ...)                                                       \
  do {                                                                               \
    if (!(c)->failed) cd_syntax_error_at((c)->vm, (c)->filename, node, __VA_ARGS__); \
    (c)->failed = true;                                                              \
  } while (0)
// A SyntaxError at the current position.
#define CD_ERROR_HERE(c, ...)                                                                                    \
  do {                                                                                                           \
    const Position p_ = (c)->unit->at;                                                                           \
    if (!(c)->failed) cd_syntax_error((c)->vm, (c)->filename, p_.line, p_.column, p_.end_line, p_.end_column, __VA_ARGS__); \
    (c)->failed = true;                                                                                          \
  } while (0)
void cd_compile_warn(Compiler *c, Type *category, Position at, const char *format, ...);
bool cd_codegen_enter(Compiler *c);              // nesting
#define POSITION_OF(node) ((Position){(node)->line, (node)->end_line, (node)->column, (node)->end_column})
#define NO_POSITION ((Position){-1, -1, -1, -1})

Ir *cd_emit(Compiler *c, Opcode op, uint32_t a, uint32_t b, uint32_t c_);        // never NULL
void cd_emit_jump(Compiler *c, Opcode op, Reg a, Label to);
Label cd_label(Compiler *c);
void cd_place(Compiler *c, Label label);
// The next temporary; marks it used.
Reg cd_push(Compiler *c);
static inline void cd_pop_to(Compiler *c, uint32_t depth) { c->unit->depth = depth; }
int32_t cd_handler_push(Compiler *c, Label label, uint32_t depth);               // gives the handler that was in force
uint32_t cd_const(Compiler *c, Value v);         // number in consts
uint32_t cd_name(Compiler *c, Value name);       // number in names
void cd_load_const(Compiler *c, Reg dst, Value v);
void cd_return_const(Compiler *c, Value v);
Value cd_own(Compiler *c, Ref v);                // NO_REF marks the failure
Value cd_mangled(Compiler *c, Value name);
uint32_t cd_new_const(Compiler *c, Value v);     // without looking for an equal one

// How a name is reached in this unit.
typedef enum {
  NAME_FAST, NAME_DEREF, NAME_CLASS_DEREF, NAME_GLOBAL, NAME_NAME,
  NAME_IN_CLASS,                                 // in the namespace of the class around, else in *reg, or, when that is REG_NONE, a global
} NameKind;
NameKind cd_resolve(Compiler *c, Value mangled, Reg *reg);
void cd_load_name_into(Compiler *c, Value name, Reg dst);
void cd_store_name_from(Compiler *c, Value name, Reg src);                       // consumes a temporary
void cd_delete_named(Compiler *c, Value name);
// The register of a name that is a plain local variable here, else REG_NONE.
Reg cd_local_of(Compiler *c, Value name);

// ---- compile_expr.c ----

void cd_expr(Compiler *c, Expr *e, Reg dst);     // result in dst: a local, or the temporary on top (the caller has pushed it)
Reg cd_expr_push(Compiler *c, Expr *e);          // result in a new temporary
// Where the value can be read: the local itself, or a new temporary. `later` (may be NULL) is evaluated before the reader runs.
Reg cd_operand(Compiler *c, Expr *e, Expr *later);
void cd_tuple_display(Compiler *c, const ExprSeq *elts, Reg dst);
bool cd_call_is_plain(const ExprSeq *args, const KeywordSeq *keywords);          // no stars, not too many
void cd_discard(Compiler *c, Expr *e);           // for its effects
void cd_jump_if(Compiler *c, Expr *e, Label to, bool cond);
bool cd_expr_rebinds(Compiler *c, Expr *e, Value name);
void cd_store(Compiler *c, Expr *target, Reg src);               // consumes a temporary
bool cd_assign_directly(Compiler *c, Expr *target, Expr *value);
void cd_assign(Compiler *c, Expr *target, Expr *value);
void cd_delete(Compiler *c, Expr *target);
void cd_await(Compiler *c, Reg temp, int where); // temp = await temp
bool cd_is_constant_true(const Expr *e, bool *truth, VM *vm);    // is e a constant; its truth
bool cd_forbidden_name(Compiler *c, Value name, ExprContext ctx);
void cd_line_of(Compiler *c, const Expr *e);     // an operand that needs no instruction, on another line: one for the tracer
// func(args) with the callable in `base` (temporaries base, base + 1 are pushed); `extra` arguments are there already
void cd_call_arguments(Compiler *c, Reg dst, Reg base, uint32_t extra, const ExprSeq *args, const KeywordSeq *keywords, bool merge_ex);
bool cd_check_keywords(Compiler *c, const KeywordSeq *keywords);

// ---- compile_function.c ----

void cd_function_def(Compiler *c, Stmt *s, bool async);
void cd_class_def(Compiler *c, Stmt *s);
void cd_type_alias(Compiler *c, Stmt *s);
void cd_lambda(Compiler *c, Expr *e, Reg dst);
// dst = function of `code`, whose cells are found by name; code goes to temporary `base`, the other parts lie behind it already.
void cd_make_closure(Compiler *c, Reg dst, Reg base, Value code, uint32_t flags);
void cd_body(Compiler *c, const StmtSeq *body, bool documented);

// ---- compile_comp.c ----

void cd_comprehension(Compiler *c, Expr *e, Reg dst);

// ---- compile_stmt.c, compile_block.c, compile_match.c ----

void cd_stmts(Compiler *c, const StmtSeq *seq);
void cd_stmt(Compiler *c, Stmt *s);
void cd_compile_with(Compiler *c, Stmt *s, size_t item, bool async);
void cd_compile_try(Compiler *c, Stmt *s);
void cd_compile_match(Compiler *c, Stmt *s);
void cd_block_push(Compiler *c, Block *block, BlockKind kind);   // its depth and handler are those of now
void cd_clear_name(Compiler *c, Value name);     // the end of `except .. as name`
void cd_block_pop(Compiler *c);
// Emits what leaving blocks takes, from the innermost up to but without `until`; the handler in force is then that of the outside.
void cd_unwind(Compiler *c, const Block *until);
bool cd_unwind_rebinds(const Compiler *c);       // would leaving all blocks run code that may rebind locals?

// ---- others ----

bool cd_future_parse(VM *vm, Ast *ast, const Mod *mod, Value filename, int *features, int32_t *line);   // future.c
Ref cd_unparse(VM *vm, const Expr *e);           // ast_unparse.c: text of an annotation
bool cd_flow_optimize(Compiler *c, Unit *unit);  // flowgraph.c
Ref cd_assemble(Compiler *c, Unit *unit);        // assemble.c

#endif
