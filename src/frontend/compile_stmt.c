// SPDX-License-Identifier: MIT
// compile_stmt.c: statements but try, with and match
#include "frontend/codegen.h"

#include "objects/str.h"
#include "objects/tuple.h"

static bool stmt_top_level_await(const Compiler *c)
{
  return (c->flags & PYCF_ALLOW_TOP_LEVEL_AWAIT) && c->unit->scope->kind == SCOPE_MODULE;
}

// ---- assignment ----

static void stmt_assign(Compiler *c, Stmt *s)
{
  const ExprSeq *targets = &s->as.Assign.targets;
  if (targets->count == 1) {
    cd_assign(c, targets->items[0], s->as.Assign.value);
    return;
  }
  uint32_t depth = c->unit->depth;
  Reg value = cd_expr_push(c, s->as.Assign.value);
  for (size_t i = 0; i < targets->count && !c->failed; i++) {
    Reg reg = value;
    if (i + 1 < targets->count) {
      reg = cd_push(c);
      cd_emit(c, OP_COPY, reg, value, 0);
    }
    cd_store(c, targets->items[i], reg);
    cd_pop_to(c, depth + 1);
  }
  cd_pop_to(c, depth);
}

static const uint16_t stmt_inplace_ops[] = {
  // ORDER: OPERATOR of ast.def
  OP_IADD,    OP_ISUBTRACT, OP_IMULTIPLY, OP_IMATMUL, OP_ITRUE_DIVIDE, OP_IREMAINDER,    OP_IPOWER,
  OP_ILSHIFT, OP_IRSHIFT,   OP_IOR,       OP_IXOR,    OP_IAND,         OP_IFLOOR_DIVIDE,
};

// dst = dst <op>= value
static void stmt_inplace(Compiler *c, Stmt *s, Reg dst)
{
  uint32_t depth = c->unit->depth;
  Expr *value = s->as.AugAssign.value;
  Opcode op = (Opcode)stmt_inplace_ops[s->as.AugAssign.op];
  uint32_t k = value->kind == EXPR_Constant ? cd_const(c, value->as.Constant.value) : UINT32_MAX;
  if (k <= 0xFFFF) {
    cd_line_of(c, value);
    cd_emit(c, op + 1, dst, dst, k);
  } else {
    Reg right = cd_operand(c, value, NULL);
    cd_emit(c, op, dst, dst, right);
  }
  cd_pop_to(c, depth);
}

static void stmt_augmented_name(Compiler *c, Stmt *s)
{
  Unit *u = c->unit;
  Expr *target = s->as.AugAssign.target;
  Value name = target->as.Name.id;
  if (cd_forbidden_name(c, name, CTX_Store)) return;
  Reg local = cd_local_of(c, name);
  Position at = u->at;
  if (local != REG_NONE && !(u->scope->walrus && cd_expr_rebinds(c, s->as.AugAssign.value, name))) {
    u->at = POSITION_OF(target);
    cd_emit(c, OP_CHECK_LOCAL, local, 0, 0);
    u->at = at;
    stmt_inplace(c, s, local);
    return;
  }
  uint32_t depth = u->depth;
  Reg reg = cd_push(c);
  u->at = POSITION_OF(target);
  cd_load_name_into(c, name, reg);
  u->at = at;
  stmt_inplace(c, s, reg);
  u->at = POSITION_OF(target);
  cd_store_name_from(c, name, reg);
  u->at = at;
  cd_pop_to(c, depth);
}

static void stmt_augmented_attribute(Compiler *c, Stmt *s)
{
  Unit *u = c->unit;
  Expr *target = s->as.AugAssign.target;
  Position at = u->at, target_at = POSITION_OF(target);
  if (cd_forbidden_name(c, target->as.Attribute.attr, CTX_Store)) return;
  uint32_t name = cd_name(c, cd_mangled(c, target->as.Attribute.attr));
  Reg object = cd_operand(c, target->as.Attribute.value, s->as.AugAssign.value), work = cd_push(c);
  u->at = target_at;
  if (cd_is_temp(object)) cd_emit(c, OP_COPY, work, object, 0);
  if (target->end_line != target_at.line) {      // the attribute's name has a line of its own
    target_at.line = target->end_line;
    int32_t length = (int32_t)cd_str_length(target->as.Attribute.attr);
    target_at.column = length <= target->end_column ? target->end_column - length : -1;
    u->at = target_at;
  }
  cd_emit(c, OP_LOAD_ATTR, work, cd_is_temp(object) ? work : object, name);
  u->at = at;
  stmt_inplace(c, s, work);
  u->at = target_at;
  cd_emit(c, OP_STORE_ATTR, object, name, work);
}

static void stmt_augmented_item(Compiler *c, Stmt *s)
{
  Unit *u = c->unit;
  Expr *target = s->as.AugAssign.target, *value = s->as.AugAssign.value;
  Position at = u->at, target_at = POSITION_OF(target);
  Reg object = cd_operand(c, target->as.Subscript.value, value);
  if (!cd_is_temp(object) && u->scope->walrus && cd_expr_rebinds(c, target->as.Subscript.slice, target->as.Subscript.value->as.Name.id)) {
    Reg twin = cd_push(c);
    cd_emit(c, OP_COPY, twin, object, 0);
    object = twin;
  }
  Reg key = cd_operand(c, target->as.Subscript.slice, value), work = cd_push(c), twin = key;
  u->at = target_at;
  if (cd_is_temp(object)) cd_emit(c, OP_COPY, work, object, 0);
  if (cd_is_temp(key)) {
    twin = cd_push(c);
    cd_emit(c, OP_COPY, twin, key, 0);
  }
  cd_emit(c, OP_GET_ITEM, work, cd_is_temp(object) ? work : object, twin);
  cd_pop_to(c, REG_NUMBER(work) + 1);
  u->at = at;
  stmt_inplace(c, s, work);
  u->at = target_at;
  cd_emit(c, OP_SET_ITEM, object, key, work);
}

static void stmt_augmented(Compiler *c, Stmt *s)
{
  uint32_t depth = c->unit->depth;
  Position at = c->unit->at;
  switch (s->as.AugAssign.target->kind) {
  case EXPR_Name: stmt_augmented_name(c, s); return;
  case EXPR_Attribute: stmt_augmented_attribute(c, s); break;
  case EXPR_Subscript: stmt_augmented_item(c, s); break;
  default: CD_ERROR_HERE(c, "invalid node type for augmented assignment"); break;
  }
  c->unit->at = at;
  cd_pop_to(c, depth);
}

static bool stmt_annotates(const Compiler *c) { return c->unit->scope->kind == SCOPE_MODULE || c->unit->scope->kind == SCOPE_CLASS; }

static void stmt_annotation_of_name(Compiler *c, Stmt *s)
{
  Unit *u = c->unit;
  VM *vm = c->vm;
  uint32_t depth = u->depth;
  Reg value = cd_push(c);
  if (c->flags & CO_FUTURE_ANNOTATIONS) {
    Value text = cd_own(c, cd_unparse(vm, s->as.AnnAssign.annotation));
    if (text) cd_load_const(c, value, text);
  } else {
    cd_expr(c, s->as.AnnAssign.annotation, value);
  }
  Reg dict = cd_push(c), key = cd_push(c);
  cd_emit(c, OP_LOAD_NAME, dict, cd_name(c, N(__annotations__)), 0);
  cd_load_const(c, key, cd_mangled(c, s->as.AnnAssign.target->as.Name.id));
  cd_emit(c, OP_SET_ITEM, dict, key, value);
  cd_pop_to(c, depth);
}

static void stmt_evaluate(Compiler *c, Expr *e)
{
  uint32_t depth = c->unit->depth;
  Reg reg = cd_expr_push(c, e);
  cd_emit(c, OP_DROP, reg, 0, 0);
  cd_pop_to(c, depth);
}

static void stmt_evaluate_index(Compiler *c, Expr *e)
{
  if (e->kind == EXPR_Tuple) {
    for (size_t i = 0; i < e->as.Tuple.elts.count; i++) stmt_evaluate_index(c, e->as.Tuple.elts.items[i]);
  } else if (e->kind == EXPR_Slice) {
    if (e->as.Slice.lower) stmt_evaluate(c, e->as.Slice.lower);
    if (e->as.Slice.upper) stmt_evaluate(c, e->as.Slice.upper);
    if (e->as.Slice.step) stmt_evaluate(c, e->as.Slice.step);
  } else {
    stmt_evaluate(c, e);
  }
}

static void stmt_annotated(Compiler *c, Stmt *s)
{
  Expr *target = s->as.AnnAssign.target, *value = s->as.AnnAssign.value;
  if (value) cd_assign(c, target, value);
  switch (target->kind) {
  case EXPR_Name:
    if (cd_forbidden_name(c, target->as.Name.id, CTX_Store)) return;
    if (s->as.AnnAssign.simple && stmt_annotates(c)) stmt_annotation_of_name(c, s);
    break;
  case EXPR_Attribute:
    if (cd_forbidden_name(c, target->as.Attribute.attr, CTX_Store)) return;
    if (!value) stmt_evaluate(c, target->as.Attribute.value);
    break;
  case EXPR_Subscript:
    if (!value) {
      stmt_evaluate(c, target->as.Subscript.value);
      stmt_evaluate_index(c, target->as.Subscript.slice);
    }
    break;
  default: CD_ERROR_HERE(c, "invalid node type for annotated assignment"); return;
  }
  if (!s->as.AnnAssign.simple && stmt_annotates(c) && !(c->flags & CO_FUTURE_ANNOTATIONS)) stmt_evaluate(c, s->as.AnnAssign.annotation);
}

// ---- conditions and loops ----

static void stmt_if(Compiler *c, Stmt *s)
{
  Unit *u = c->unit;
  const StmtSeq *orelse = &s->as.If.orelse;
  Label end = cd_label(c), next = orelse->count ? cd_label(c) : end;
  cd_jump_if(c, s->as.If.test, next, false);
  cd_stmts(c, &s->as.If.body);
  if (orelse->count) {
    u->at = NO_POSITION;
    cd_emit_jump(c, OP_JUMP, 0, end);
    cd_place(c, next);
    cd_stmts(c, orelse);
  }
  cd_place(c, end);
}

// Where `continue` and `break` go.
static void loop_enter(Compiler *c, Block *block, BlockKind kind, uint32_t depth, Label start, Label end)
{
  cd_block_push(c, block, kind);
  block->depth = depth;
  block->start = start;
  block->end = end;
}

// A `for` from its body on, with the iterator in the temporary `depth`.
static void loop_finish(Compiler *c, const Stmt *s, uint32_t depth, Label start, Label cleanup,
                        Label end)   // ORDER: For and AsyncFor have the same fields
{
  cd_stmts(c, &s->as.For.body);
  c->unit->at = NO_POSITION;
  cd_emit_jump(c, OP_JUMP_BACK, 0, start);
  cd_block_pop(c);
  cd_place(c, cleanup);
  cd_pop_to(c, depth);
  cd_stmts(c, &s->as.For.orelse);
  cd_place(c, end);
}

static void stmt_while(Compiler *c, Stmt *s)
{
  Unit *u = c->unit;
  Block block;
  Label loop = cd_label(c), end = cd_label(c), anchor = cd_label(c), body = cd_label(c);
  cd_place(c, loop);
  loop_enter(c, &block, BLOCK_WHILE, u->depth, loop, end);
  cd_jump_if(c, s->as.While.test, anchor, false);
  cd_place(c, body);
  cd_stmts(c, &s->as.While.body);
  u->at = POSITION_OF(s);
  cd_jump_if(c, s->as.While.test, body, true);
  cd_block_pop(c);
  cd_place(c, anchor);
  cd_stmts(c, &s->as.While.orelse);
  cd_place(c, end);
}

// The local that a loop's items go to directly.
static Reg stmt_loop_local(Compiler *c, const Stmt *s, const Expr *target)
{
  if (target->kind != EXPR_Name || target->line != s->line) return REG_NONE;
  Reg local = cd_local_of(c, target->as.Name.id);
  return local != REG_NONE && cd_forbidden_name(c, target->as.Name.id, CTX_Store) ? REG_NONE : local;
}

static void stmt_for(Compiler *c, Stmt *s)
{
  Unit *u = c->unit;
  Block block;
  uint32_t depth = u->depth;
  Expr *target = s->as.For.target;
  Label start = cd_label(c), end = cd_label(c), cleanup = cd_label(c);
  Reg iterator = cd_push(c), item = cd_push(c);
  cd_pop_to(c, depth);
  Reg value = cd_operand(c, s->as.For.iter, NULL);
  cd_pop_to(c, depth + 1);
  cd_emit(c, OP_GET_ITER, iterator, value, 0);
  cd_place(c, start);
  loop_enter(c, &block, BLOCK_FOR, depth, start, end);
  Reg local = stmt_loop_local(c, s, target);
  cd_emit(c, OP_FOR_ITER, local != REG_NONE ? local : item, iterator, 0)->jump = cleanup;
  if (local == REG_NONE) {
    cd_push(c);
    cd_store(c, target, item);
    cd_pop_to(c, depth + 1);
  }
  loop_finish(c, s, depth, start, cleanup, end);
}

static void stmt_async_for(Compiler *c, Stmt *s)
{
  Unit *u = c->unit;
  if (!stmt_top_level_await(c) && !u->is_async) {
    CD_ERROR_HERE(c, "'async for' outside async function");
    return;
  }
  Block block;
  uint32_t depth = u->depth;
  Label start = cd_label(c), end = cd_label(c), cleanup = cd_label(c);
  Reg value = cd_operand(c, s->as.AsyncFor.iter, NULL);
  cd_pop_to(c, depth);
  Reg iterator = cd_push(c);
  cd_emit(c, OP_GET_ASYNC_ITER, iterator, value, 0);
  cd_place(c, start);
  loop_enter(c, &block, BLOCK_ASYNC_FOR, depth, start, end);
  Reg item = cd_push(c);
  cd_push(c);                                    // scratch: item and the register behind
  Reg local = stmt_loop_local(c, s, s->as.AsyncFor.target);
  cd_emit(c, OP_ASYNC_NEXT, local != REG_NONE ? local : item, iterator, item)->jump = cleanup;
  cd_pop_to(c, depth + 2);
  if (local == REG_NONE) cd_store(c, s->as.AsyncFor.target, item);
  cd_pop_to(c, depth + 1);
  loop_finish(c, s, depth, start, cleanup, end);
}

static const Block *stmt_loop(Compiler *c)
{
  for (const Block *b = c->unit->block; b; b = b->outer) {
    if (b->kind == BLOCK_WHILE || b->kind == BLOCK_FOR || b->kind == BLOCK_ASYNC_FOR) return b;
    if (b->kind == BLOCK_EXCEPTION_GROUP) {
      CD_ERROR_HERE(c, "'break', 'continue' and 'return' cannot appear in an except* block");
      return NULL;
    }
  }
  return NULL;
}

static void stmt_leave_loop(Compiler *c, bool is_break)
{
  Unit *u = c->unit;
  int32_t handler = u->handler;
  cd_emit(c, OP_NOP, 0, 0, 0);
  const Block *loop = stmt_loop(c);
  if (!loop) {
    CD_ERROR_HERE(c, is_break ? "'break' outside loop" : "'continue' not properly in loop");
    return;
  }
  cd_unwind(c, is_break ? loop->outer : loop);
  cd_emit_jump(c, is_break ? OP_JUMP : OP_JUMP_BACK, 0, is_break ? loop->end : loop->start);
  u->handler = handler;
}

// ---- leaving ----

// Emits what leaving all blocks takes, with the result in a temporary or elsewhere. A jump out of a `finally` on the way drops a temporary,
// as if it lay in a block of its own: inside of all others, yet left last, so each block on the way sees it as its outer one.
static void return_unwind(Compiler *c, Reg result)
{
  Unit *u = c->unit;
  Block *inner = u->block;
  bool keep = result != REG_NONE && cd_is_temp(result);
  Block value = {.kind = BLOCK_VALUE, .depth = keep ? REG_NUMBER(result) : 0};
  for (Block *b = inner; b && !c->failed; b = b->outer) {
    Block twin = *b;
    if (keep && b->kind == BLOCK_FINALLY_TRY) {
      value.outer = b->outer;
      twin.outer = &value;
    }
    u->block = &twin;
    cd_unwind(c, twin.outer);
    u->block = inner;
  }
}

static void stmt_return(Compiler *c, Stmt *s)
{
  Unit *u = c->unit;
  Expr *value = s->as.Return.value;
  if (u->scope->kind != SCOPE_FUNCTION) {
    CD_ERROR_HERE(c, "'return' outside function");
    return;
  }
  if (value && u->scope->coroutine && u->scope->generator && !(c->flags & CO_CEDE_YIELD_FROM_ASYNC)) {
    CD_ERROR_HERE(c, "'return' with value in async generator");
    return;
  }
  uint32_t depth = u->depth;
  int32_t handler = u->handler;
  Position at = u->at;
  bool constant = !value || value->kind == EXPR_Constant;
  Reg result = REG_NONE;
  if (!constant) result = cd_unwind_rebinds(c) ? cd_expr_push(c, value) : cd_operand(c, value, NULL);
  else if (value) {
    u->at = POSITION_OF(value);
    cd_emit(c, OP_NOP, 0, 0, 0);
    u->at = at;
  }
  if (!value || value->line != s->line) cd_emit(c, OP_NOP, 0, 0, 0);
  return_unwind(c, result);
  if (constant) cd_return_const(c, value ? value->as.Constant.value : cd_none());
  else cd_emit(c, OP_RETURN, result, 0, 0);
  u->handler = handler;
  cd_pop_to(c, depth);
}

static void stmt_raise(Compiler *c, Stmt *s)
{
  uint32_t depth = c->unit->depth, count = 0;
  Reg exception = 0, cause = 0;
  if (s->as.Raise.exc) {
    exception = cd_operand(c, s->as.Raise.exc, s->as.Raise.cause);
    count = 1;
    if (s->as.Raise.cause) {
      cause = cd_operand(c, s->as.Raise.cause, NULL);
      count = 2;
    }
  }
  cd_emit(c, OP_RAISE, count, exception, cause);
  cd_pop_to(c, depth);
}

static void stmt_assert(Compiler *c, Stmt *s)
{
  Expr *test = s->as.Assert.test;
  if ((test->kind == EXPR_Tuple && test->as.Tuple.elts.count)
      || (test->kind == EXPR_Constant && cd_is_tuple(test->as.Constant.value) && cd_tuple_size(test->as.Constant.value)))
    cd_compile_warn(c, c->vm->exc.SyntaxWarning, c->unit->at, "assertion is always true, perhaps remove parentheses?");
  if (c->optimize) return;
  uint32_t depth = c->unit->depth;
  Label end = cd_label(c);
  cd_jump_if(c, test, end, true);
  Reg error = cd_push(c);
  cd_emit(c, OP_LOAD_ASSERTION_ERROR, error, 0, 0);
  if (s->as.Assert.msg) {
    cd_emit(c, OP_LOAD_NOTHING, cd_push(c), 0, 0);
    cd_expr_push(c, s->as.Assert.msg);
    cd_emit(c, OP_CALL, error, error, 1);
  }
  cd_emit(c, OP_RAISE, 1, error, 0);
  cd_place(c, end);
  cd_pop_to(c, depth);
}

// ---- imports ----

// The module in a new temporary.
static Reg import_module(Compiler *c, Value name, int32_t level, Value fromlist)
{
  Reg module = cd_push(c), from = cd_push(c);
  cd_load_const(c, module, cd_from_small(level));
  cd_load_const(c, from, fromlist);
  cd_emit(c, OP_IMPORT_NAME, module, module, cd_name(c, name));
  cd_pop_to(c, REG_NUMBER(module) + 1);
  return module;
}

static void stmt_import(Compiler *c, Stmt *s)
{
  uint32_t depth = c->unit->depth;
  for (size_t i = 0; i < s->as.Import.names.count && !c->failed; i++) {
    const Alias *a = s->as.Import.names.items[i];
    const char *text = cd_str_data(a->name), *end = text + cd_str_size(a->name), *dot = memchr(text, '.', (size_t)(end - text));
    Reg module = import_module(c, a->name, 0, cd_none());
    if (!a->asname) {
      Value name = dot ? cd_ast_name(c->ast, text, (size_t)(dot - text)) : a->name;
      if (!name) c->failed = true;
      else cd_store_name_from(c, name, module);
    } else {
      // import a.b.c as x: the module that comes back is a
      while (dot && !c->failed) {
        const char *part = dot + 1;
        dot = memchr(part, '.', (size_t)(end - part));
        Value name = cd_ast_name(c->ast, part, (size_t)((dot ? dot : end) - part));
        if (!name) {
          c->failed = true;
          break;
        }
        Reg sub = cd_push(c);
        cd_emit(c, OP_IMPORT_FROM, sub, module, cd_name(c, name));
        cd_emit(c, OP_DROP, module, 0, 0);
        cd_emit(c, OP_MOVE, module, sub, 0);
        cd_pop_to(c, depth + 1);
      }
      cd_store_name_from(c, a->asname, module);
    }
    cd_pop_to(c, depth);
  }
}

static void stmt_import_from(Compiler *c, Stmt *s)
{
  VM *vm = c->vm;
  uint32_t depth = c->unit->depth;
  const AliasSeq *names = &s->as.ImportFrom.names;
  Value module_name = s->as.ImportFrom.module ? s->as.ImportFrom.module : vm->empty_str;
  if (s->line > c->future_line && s->as.ImportFrom.module && cd_str_is(module_name, "__future__")) {
    CD_ERROR_HERE(c, "from __future__ imports must occur at the beginning of the file");
    return;
  }
  Ref tuple = cd_tuple_new(vm, names->count);
  if (tuple)
    for (size_t i = 0; i < names->count; i++) cd_tuple_set(tuple, i, cd_dup(names->items[i]->name));
  Value fromlist = cd_own(c, tuple);
  if (!fromlist) return;
  Reg module = import_module(c, module_name, s->as.ImportFrom.level, fromlist);
  for (size_t i = 0; i < names->count && !c->failed; i++) {
    const Alias *a = names->items[i];
    if (i == 0 && cd_str_is(a->name, "*")) {
      cd_emit(c, OP_IMPORT_STAR, module, 0, 0);
      cd_pop_to(c, depth);
      return;
    }
    Value store = a->asname ? a->asname : a->name;
    if (cd_str_is(a->name, "yield_from_async") && cd_str_is(module_name, "__future__")) continue;   // the library's module does not know it
    Reg local = cd_local_of(c, store), item = cd_push(c);
    cd_emit(c, OP_IMPORT_FROM, local != REG_NONE ? local : item, module, cd_name(c, a->name));
    if (local == REG_NONE) cd_store_name_from(c, store, item);
    cd_pop_to(c, depth + 1);
  }
  cd_emit(c, OP_DROP, module, 0, 0);
  cd_pop_to(c, depth);
}

// ---- any statement ----

static void stmt_expression(Compiler *c, Stmt *s)
{
  Expr *value = s->as.Expr.value;
  if (c->interactive && !c->unit->outer) {
    uint32_t depth = c->unit->depth;
    Reg reg = cd_expr_push(c, value);
    cd_emit(c, OP_PRINT_EXPR, reg, 0, 0);
    cd_pop_to(c, depth);
    return;
  }
  cd_discard(c, value);
  if (value->kind != EXPR_Constant) c->unit->at = NO_POSITION;   // clean-up code that follows is on no line
}

static void stmt_async_with(Compiler *c, Stmt *s)
{
  if (stmt_top_level_await(c) || c->unit->is_async) cd_compile_with(c, s, 0, true);
  else CD_ERROR_HERE(c, "'async with' outside async function");
}

void cd_stmt(Compiler *c, Stmt *s)
{
  if (c->failed || !cd_codegen_enter(c)) return;
  Unit *u = c->unit;
  u->at = POSITION_OF(s);
  CD_ASSERT(!u->block || u->depth >= u->block->depth);
  switch (s->kind) {
  case STMT_FunctionDef: cd_function_def(c, s, false); break;
  case STMT_AsyncFunctionDef: cd_function_def(c, s, true); break;
  case STMT_ClassDef: cd_class_def(c, s); break;
  case STMT_Return: stmt_return(c, s); break;
  case STMT_Delete:
    for (size_t i = 0; i < s->as.Delete.targets.count; i++) cd_delete(c, s->as.Delete.targets.items[i]);
    break;
  case STMT_Assign: stmt_assign(c, s); break;
  case STMT_AugAssign: stmt_augmented(c, s); break;
  case STMT_AnnAssign: stmt_annotated(c, s); break;
  case STMT_For: stmt_for(c, s); break;
  case STMT_AsyncFor: stmt_async_for(c, s); break;
  case STMT_While: stmt_while(c, s); break;
  case STMT_If: stmt_if(c, s); break;
  case STMT_Match: cd_compile_match(c, s); break;
  case STMT_Raise: stmt_raise(c, s); break;
  case STMT_Try: case STMT_TryStar: cd_compile_try(c, s); break;
  case STMT_Assert: stmt_assert(c, s); break;
  case STMT_Import: stmt_import(c, s); break;
  case STMT_ImportFrom: stmt_import_from(c, s); break;
  case STMT_Global: case STMT_Nonlocal: break;
  case STMT_Expr: stmt_expression(c, s); break;
  case STMT_Pass: cd_emit(c, OP_NOP, 0, 0, 0); break;
  case STMT_Break: stmt_leave_loop(c, true); break;
  case STMT_Continue: stmt_leave_loop(c, false); break;
  case STMT_With: cd_compile_with(c, s, 0, false); break;
  case STMT_AsyncWith: stmt_async_with(c, s); break;
  case STMT_TypeAlias: cd_type_alias(c, s); break;
  }
  c->depth--;
}

void cd_stmts(Compiler *c, const StmtSeq *seq)
{
  for (size_t i = 0; i < seq->count && !c->failed; i++) cd_stmt(c, seq->items[i]);
}
