// SPDX-License-Identifier: MIT
// compile_block.c: try, with, and what it takes to leave them
//
// A handler for temporaries of depth d is entered with the exception in temporary d and its place in d + 1. PUSH_EXC then makes it the one
// being handled and keeps the former one, in d + 1 unless the place is needed; POP_EXC undoes that. Every way out of a handler runs
// POP_EXC: at its end, by unwinding for return, break and continue, and in a clean-up handler for exceptions raised within.
#include "frontend/codegen.h"

static void block_finally_inline(Compiler *c, const Block *block);

// ---- the stack of blocks ----

enum { MAX_BLOCKS = 20 };                        // CPython's limit

void cd_block_push(Compiler *c, Block *block, BlockKind kind)
{
  Unit *u = c->unit;
  if (u->block_count >= MAX_BLOCKS) CD_ERROR_HERE(c, "too many statically nested blocks");
  u->block_count++;
  *block = (Block){
    .kind = kind, .outer = u->block, .depth = u->depth, .handler = u->handler, .start = NO_LABEL, .end = NO_LABEL, .at = u->at};
  u->block = block;
}

void cd_block_pop(Compiler *c)
{
  c->unit->block = c->unit->block->outer;
  c->unit->block_count--;
}

void cd_clear_name(Compiler *c, Value name)
{
  Reg local = cd_local_of(c, name);
  if (local != REG_NONE) {
    cd_emit(c, OP_CLEAR_LOCAL, local, 0, 0);
    return;
  }
  uint32_t depth = c->unit->depth;
  Reg none = cd_push(c);
  cd_load_const(c, none, cd_none());
  cd_store_name_from(c, name, none);
  cd_delete_named(c, name);
  cd_pop_to(c, depth);
}

static void block_exit_with(Compiler *c, Reg exit, bool async)
{
  cd_emit(c, OP_WITH_EXIT, exit, exit, 0);
  if (async) cd_await(c, exit, 2);
  cd_emit(c, OP_DROP, exit, 0, 0);
}

static void block_unwind(Compiler *c, const Block *block)
{
  Unit *u = c->unit;
  Reg first = cd_temp(block->depth), second = cd_temp(block->depth + 1);
  switch (block->kind) {
  case BLOCK_WHILE: return;
  case BLOCK_FOR: case BLOCK_VALUE: cd_emit(c, OP_DROP, first, 0, 0); return;
  case BLOCK_ASYNC_FOR: cd_emit(c, OP_ASYNC_CLOSE, first, 0, 0); return;
  case BLOCK_TRY_EXCEPT: u->handler = block->handler; return;
  case BLOCK_FINALLY_TRY:
    u->handler = block->handler;
    block_finally_inline(c, block);
    return;
  case BLOCK_WITH: case BLOCK_ASYNC_WITH: {
    u->handler = block->handler;
    u->at = block->at;
    block_exit_with(c, first, block->kind == BLOCK_ASYNC_WITH);
    u->at = NO_POSITION;
    return;
  }
  case BLOCK_FINALLY_END: case BLOCK_HANDLER:
    u->handler = block->handler;
    cd_emit(c, OP_POP_EXC, second, 0, 0);
    cd_emit(c, OP_DROP, first, 0, 0);
    if (block->name) cd_clear_name(c, block->name);
    return;
  case BLOCK_EXCEPTION_GROUP: CD_ERROR_HERE(c, "'break', 'continue' and 'return' cannot appear in an except* block"); return;
  }
}

// The body of `finally`, compiled where the block is left: as if already outside of it.
static void block_finally_inline(Compiler *c, const Block *block)
{
  Unit *u = c->unit;
  Block *inner = u->block;
  u->block = block->outer;
  cd_stmts(c, block->finalbody);
  u->block = inner;
  u->at = NO_POSITION;                           // what follows seems to be part of it
}

void cd_unwind(Compiler *c, const Block *until)
{
  for (const Block *b = c->unit->block; b != until && !c->failed; b = b->outer) block_unwind(c, b);
}

bool cd_unwind_rebinds(const Compiler *c)
{
  for (const Block *b = c->unit->block; b; b = b->outer)
    if (b->kind == BLOCK_FINALLY_TRY || (b->kind == BLOCK_HANDLER && b->name)) return true;
  return false;
}

// ---- parts of handlers ----

// An exception came out of a handler that keeps the former one in temporary `before`: that is restored, the new one goes on from where it
// was raised.
static void block_cleanup(Compiler *c, Label label, uint32_t before)
{
  cd_place(c, label);
  cd_emit(c, OP_POP_EXC, cd_temp(before), 0, 0);
  cd_emit(c, OP_RERAISE, cd_temp(before + 1), 1, 0);
}

// Starts a handler: temporaries from d to `before`, which gets the former exception, are in use. Nothing of it is on a line.
static void block_enter_handler(Compiler *c, Label label, uint32_t d, uint32_t before)
{
  Unit *u = c->unit;
  cd_place(c, label);
  u->at = NO_POSITION;
  u->depth = before;
  cd_emit(c, OP_PUSH_EXC, cd_push(c), cd_temp(d), 0);
}

// The body and `else` of a try, and the start of its handlers: the exception is in the temporary that was next, the former one behind it.
// Gives the handler in force outside.
static int32_t block_try_protected(Compiler *c, const Stmt *s, Label cleanup, Label end)   // ORDER: Try and TryStar have the same fields
{
  Unit *u = c->unit;
  Block block;
  uint32_t d = u->depth;
  Label except = cd_label(c);
  cd_emit(c, OP_NOP, 0, 0, 0);
  cd_block_push(c, &block, BLOCK_TRY_EXCEPT);
  int32_t outside = cd_handler_push(c, except, d);
  cd_stmts(c, &s->as.Try.body);
  u->handler = outside;
  cd_block_pop(c);
  cd_stmts(c, &s->as.Try.orelse);
  u->at = NO_POSITION;
  cd_emit_jump(c, OP_JUMP, 0, end);
  block_enter_handler(c, except, d, d + 1);
  cd_handler_push(c, cleanup, d + 2);
  return outside;
}

// ---- try .. except ----

static void try_handler_body(Compiler *c, ExceptHandler *h, uint32_t d, int32_t outside, Label end, Label common)
{
  Unit *u = c->unit;
  Block block;
  Label cleanup = cd_label(c);
  bool named = h->name;
  if (named) {
    Reg twin = cd_push(c);
    cd_emit(c, OP_COPY, twin, cd_temp(d), 0);
    cd_store_name_from(c, h->name, twin);
    cd_pop_to(c, d + 2);
  }
  int32_t handler = named ? cd_handler_push(c, cleanup, d + 2) : u->handler;
  cd_block_push(c, &block, BLOCK_HANDLER);
  block.depth = d;
  block.handler = outside;
  block.name = h->name;
  cd_stmts(c, &h->body);
  cd_block_pop(c);
  u->handler = outside;
  u->at = NO_POSITION;
  cd_emit(c, OP_POP_EXC, cd_temp(d + 1), 0, 0);
  cd_emit(c, OP_DROP, cd_temp(d), 0, 0);
  if (named) cd_clear_name(c, h->name);
  cd_emit_jump(c, OP_JUMP, 0, end);
  if (named) {
    cd_place(c, cleanup);
    u->handler = handler;
    cd_push(c);                                  // the exception
    cd_push(c);                                  // its place
    cd_clear_name(c, h->name);
    cd_emit_jump(c, OP_JUMP, 0, common);         // where an exception in clearing the name goes, too
    cd_pop_to(c, d + 2);
  }
  u->handler = handler;
}

static void block_try_except(Compiler *c, Stmt *s)
{
  Unit *u = c->unit;
  uint32_t d = u->depth;
  const ExceptHandlerSeq *handlers = &s->as.Try.handlers;
  Label end = cd_label(c), cleanup = cd_label(c);
  int32_t outside = block_try_protected(c, s, cleanup, end);
  for (size_t i = 0; i < handlers->count && !c->failed; i++) {
    ExceptHandler *h = handlers->items[i];
    Label next = cd_label(c);
    u->at = POSITION_OF(h);
    if (!h->type && i + 1 < handlers->count) CD_ERROR_HERE(c, "default 'except:' must be last");
    if (h->type) {
      Reg test = cd_push(c), type = cd_operand(c, h->type, NULL);
      cd_emit(c, OP_EXC_MATCH, test, cd_temp(d), type);
      cd_emit_jump(c, OP_JUMP_IF_FALSE, test, next);
      cd_pop_to(c, d + 2);
    } else {
      cd_emit(c, OP_NOP, 0, 0, 0);               // tracers see the line of a bare `except:`
    }
    try_handler_body(c, h, d, outside, end, cleanup);
    cd_place(c, next);
  }
  u->handler = outside;
  u->at = NO_POSITION;
  cd_emit(c, OP_POP_EXC, cd_temp(d + 1), 0, 0);
  cd_emit(c, OP_RERAISE, cd_temp(d), 0, 0);
  block_cleanup(c, cleanup, d + 1);
  cd_pop_to(c, d);
  cd_place(c, end);
}

// ---- try .. except* ----

// In the handler: d the group, d + 1 the former exception, d + 2 the list of what clauses raise, d + 3 what is not matched yet.
static void try_star_clause(Compiler *c, ExceptHandler *h, uint32_t d)
{
  Unit *u = c->unit;
  Block block;
  Label no_match = cd_label(c), next = cd_label(c), raised = cd_label(c);
  u->at = POSITION_OF(h);
  Reg match = cd_push(c), type = cd_operand(c, h->type, NULL);
  cd_emit(c, OP_EXC_GROUP_MATCH, match, cd_temp(d + 3), type);
  cd_pop_to(c, d + 5);
  Reg test = cd_push(c);
  cd_emit(c, OP_COPY, test, match, 0);
  cd_emit_jump(c, OP_JUMP_IF_NONE, test, no_match);
  cd_pop_to(c, d + 4);
  if (h->name) cd_store_name_from(c, h->name, match);
  else cd_emit(c, OP_DROP, match, 0, 0);
  int32_t handler = cd_handler_push(c, raised, d + 4);
  cd_block_push(c, &block, BLOCK_EXCEPTION_GROUP);
  cd_stmts(c, &h->body);
  cd_block_pop(c);
  u->handler = handler;
  u->at = NO_POSITION;
  if (h->name) cd_clear_name(c, h->name);
  cd_emit_jump(c, OP_JUMP, 0, next);

  cd_place(c, raised);
  Reg exception = cd_push(c);
  cd_emit(c, OP_LIST_APPEND, cd_temp(d + 2), exception, 0);
  if (h->name) cd_clear_name(c, h->name);
  cd_pop_to(c, d + 4);
  cd_emit_jump(c, OP_JUMP, 0, next);
  cd_place(c, no_match);
  cd_emit(c, OP_DROP, match, 0, 0);
  cd_place(c, next);
}

static void block_try_star(Compiler *c, Stmt *s)
{
  Unit *u = c->unit;
  uint32_t d = u->depth;
  const ExceptHandlerSeq *handlers = &s->as.TryStar.handlers;
  Label end = cd_label(c), cleanup = cd_label(c), reraise = cd_label(c);
  int32_t outside = block_try_protected(c, s, cleanup, end);
  Reg list = cd_push(c), rest = cd_push(c);
  cd_emit(c, OP_BUILD_LIST, list, list, 0);
  cd_emit(c, OP_COPY, rest, cd_temp(d), 0);
  for (size_t i = 0; i < handlers->count && !c->failed; i++) try_star_clause(c, handlers->items[i], d);
  u->at = NO_POSITION;
  cd_emit(c, OP_LIST_APPEND, list, rest, 0);
  Reg result = rest, test = cd_push(c);
  cd_emit(c, OP_EXC_GROUP_RERAISE, result, cd_temp(d), list);
  cd_emit(c, OP_COPY, test, result, 0);
  cd_emit_jump(c, OP_JUMP_IF_NOT_NONE, test, reraise);
  u->handler = outside;
  cd_emit(c, OP_DROP, result, 0, 0);
  cd_emit(c, OP_POP_EXC, cd_temp(d + 1), 0, 0);
  cd_emit_jump(c, OP_JUMP, 0, end);
  cd_place(c, reraise);
  cd_emit(c, OP_POP_EXC, cd_temp(d + 1), 0, 0);
  cd_emit(c, OP_RERAISE, result, 0, 0);
  block_cleanup(c, cleanup, d + 1);
  cd_pop_to(c, d);
  cd_place(c, end);
}

// ---- try .. finally ----

static void block_try_body(Compiler *c, Stmt *s)
{
  if (!s->as.Try.handlers.count) cd_stmts(c, &s->as.Try.body);
  else if (s->kind == STMT_TryStar) block_try_star(c, s);
  else block_try_except(c, s);
}

void cd_compile_try(Compiler *c, Stmt *s)        // ORDER: Try and TryStar have the same fields
{
  Unit *u = c->unit;
  const StmtSeq *finalbody = &s->as.Try.finalbody;
  if (!finalbody->count) {
    block_try_body(c, s);
    return;
  }
  Block block;
  uint32_t d = u->depth;
  Label end = cd_label(c), exit = cd_label(c), cleanup = cd_label(c);
  cd_emit(c, OP_NOP, 0, 0, 0);
  cd_block_push(c, &block, BLOCK_FINALLY_TRY);
  block.finalbody = finalbody;
  int32_t outside = cd_handler_push(c, end, d);
  block_try_body(c, s);
  u->handler = outside;
  cd_block_pop(c);
  cd_stmts(c, finalbody);
  u->at = NO_POSITION;
  cd_emit_jump(c, OP_JUMP, 0, exit);

  block_enter_handler(c, end, d, d + 1);
  cd_block_push(c, &block, BLOCK_FINALLY_END);
  block.depth = d;
  cd_handler_push(c, cleanup, d + 2);
  cd_stmts(c, finalbody);
  u->handler = outside;
  cd_block_pop(c);                               // CPython has what follows on the line of the last statement
  cd_emit(c, OP_POP_EXC, cd_temp(d + 1), 0, 0);
  cd_emit(c, OP_RERAISE, cd_temp(d), 0, 0);
  block_cleanup(c, cleanup, d + 1);
  cd_pop_to(c, d);
  cd_place(c, exit);
}

// ---- with ----

static void with_enter(Compiler *c, Stmt *s, const WithItem *item, bool async, Reg *entered)
{
  Reg exit = cd_push(c), value = cd_push(c);
  cd_pop_to(c, REG_NUMBER(exit) + 1);
  Reg manager = cd_operand(c, item->context_expr, NULL);
  cd_pop_to(c, REG_NUMBER(exit) + 2);
  Reg local = REG_NONE;
  const Expr *target = item->optional_vars;
  if (target && target->kind == EXPR_Name && target->line == s->line && !async) local = cd_local_of(c, target->as.Name.id);
  if (target && target->kind == EXPR_Name && cd_is(target->as.Name.id, c->vm->names.__debug__)) local = REG_NONE;
  cd_emit(c, async ? OP_ASYNC_WITH_ENTER : OP_WITH_ENTER, exit, local != REG_NONE ? local : value, manager);
  if (async) cd_await(c, value, 1);
  *entered = local != REG_NONE ? REG_NONE : value;
}

void cd_compile_with(Compiler *c, Stmt *s, size_t index, bool async)     // ORDER: With and AsyncWith have the same fields
{
  if (c->failed || !cd_codegen_enter(c)) return;
  Unit *u = c->unit;
  Block block;
  uint32_t d = u->depth;
  const WithItem *item = s->as.With.items.items[index];
  Label final = cd_label(c), exit = cd_label(c), cleanup = cd_label(c), suppress = cd_label(c);
  Reg entered;
  with_enter(c, s, item, async, &entered);
  int32_t outside = cd_handler_push(c, final, d + 1);
  cd_block_push(c, &block, async ? BLOCK_ASYNC_WITH : BLOCK_WITH);
  block.depth = d;
  block.handler = outside;
  if (entered != REG_NONE) {
    if (item->optional_vars) cd_store(c, item->optional_vars, entered);
    else cd_emit(c, OP_DROP, entered, 0, 0);
  }
  cd_pop_to(c, d + 1);
  if (index + 1 < s->as.With.items.count) cd_compile_with(c, s, index + 1, async);
  else cd_stmts(c, &s->as.With.body);
  cd_block_pop(c);
  u->handler = outside;
  Position at = POSITION_OF(s);
  u->at = at;
  block_exit_with(c, cd_temp(d), async);
  cd_emit_jump(c, OP_JUMP, 0, exit);

  uint32_t exception = d + 1, before = d + 3;    // between them the exception's place
  block_enter_handler(c, final, exception, before);
  u->at = at;
  cd_handler_push(c, cleanup, before + 1);
  Reg result = cd_push(c);
  cd_emit(c, OP_WITH_EXCEPT, result, cd_temp(d), cd_temp(exception));
  if (async) cd_await(c, result, 2);
  cd_emit_jump(c, OP_JUMP_IF_TRUE, result, suppress);
  u->handler = outside;
  cd_emit(c, OP_POP_EXC, cd_temp(before), 0, 0);
  cd_emit(c, OP_RERAISE, cd_temp(exception), 1, 0);
  u->at = NO_POSITION;
  block_cleanup(c, cleanup, before);
  cd_place(c, suppress);
  u->at = at;
  cd_emit(c, OP_POP_EXC, cd_temp(before), 0, 0);
  cd_emit(c, OP_DROP, cd_temp(exception), 0, 0);
  cd_emit(c, OP_DROP, cd_temp(d), 0, 0);
  u->at = NO_POSITION;
  cd_pop_to(c, d);
  cd_place(c, exit);
  c->depth--;
}
