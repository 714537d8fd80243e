// SPDX-License-Identifier: MIT
// compile_comp.c: comprehensions and generator expressions: functions of one argument, the outermost iterator
#include "frontend/codegen.h"

typedef struct Clauses {
  const ComprehensionSeq *generators;
  Expr *elt, *value;                             // value: of dicts
  ComprehensionKind kind;
  Reg result;                                    // temporary with the list, set or dict
} Clauses;

static void comp_clause(Compiler *c, const Clauses *clauses, size_t i);

static void comp_element(Compiler *c, const Clauses *k)
{
  Unit *u = c->unit;
  uint32_t depth = u->depth;
  switch (k->kind) {
  case COMPREHENSION_LIST: cd_emit(c, OP_LIST_APPEND, k->result, cd_operand(c, k->elt, NULL), 0); break;
  case COMPREHENSION_SET: cd_emit(c, OP_SET_ADD, k->result, cd_operand(c, k->elt, NULL), 0); break;
  case COMPREHENSION_DICT: {
    Reg key = cd_operand(c, k->elt, k->value), value = cd_operand(c, k->value, NULL);
    cd_emit(c, OP_MAP_ADD, k->result, key, value);
    break;
  }
  case COMPREHENSION_GENERATOR: case COMPREHENSION_NONE: {
    Reg value = cd_operand(c, k->elt, NULL), sent = cd_is_temp(value) ? value : cd_push(c);
    cd_emit(c, OP_YIELD, sent, value, 0);
    cd_emit(c, OP_DROP, sent, 0, 0);
    break;
  }
  }
  cd_pop_to(c, depth);
}

// The conditions, then the clauses within, or the element.
static void comp_inner(Compiler *c, const Clauses *k, size_t i, Label skip)
{
  const Comprehension *clause = k->generators->items[i];
  for (size_t n = 0; n < clause->ifs.count; n++) cd_jump_if(c, clause->ifs.items[n], skip, false);
  if (i + 1 < k->generators->count) comp_clause(c, k, i + 1);
  else comp_element(c, k);
}

// for x in [value]: an assignment
static Expr *comp_single_item(const Comprehension *clause)
{
  const Expr *iter = clause->iter;
  const ExprSeq *elts = iter->kind == EXPR_List ? &iter->as.List.elts : iter->kind == EXPR_Tuple ? &iter->as.Tuple.elts : NULL;
  return elts && elts->count == 1 && elts->items[0]->kind != EXPR_Starred ? elts->items[0] : NULL;
}

static void comp_clause(Compiler *c, const Clauses *k, size_t i)
{
  if (c->failed || !cd_codegen_enter(c)) return;
  Unit *u = c->unit;
  Comprehension *clause = k->generators->items[i];
  uint32_t depth = u->depth;
  Label start = cd_label(c), skip = cd_label(c), end = cd_label(c);
  Expr *single = i > 0 && !clause->is_async ? comp_single_item(clause) : NULL;
  if (single) {
    cd_assign(c, clause->target, single);
    comp_inner(c, k, i, skip);
    cd_place(c, skip);
    c->depth--;
    return;
  }
  Reg iterator = cd_push(c);
  if (i == 0) cd_emit(c, OP_COPY, iterator, REG_MAKE(REG_LOCAL, 0), 0);
  else {
    Reg value = cd_operand(c, clause->iter, NULL);
    cd_emit(c, clause->is_async ? OP_GET_ASYNC_ITER : OP_GET_ITER, iterator, value, 0);
  }
  cd_pop_to(c, depth + 1);
  cd_place(c, start);
  Reg item = cd_push(c);
  Reg local = clause->target->kind == EXPR_Name && clause->target->line == u->at.line ? cd_local_of(c, clause->target->as.Name.id)
                                                                                      : REG_NONE;
  if (clause->is_async) {
    cd_push(c);                                  // scratch: item and the register behind
    cd_emit(c, OP_ASYNC_NEXT, local != REG_NONE ? local : item, iterator, item)->jump = end;
    cd_pop_to(c, depth + 2);
    if (local == REG_NONE) cd_store(c, clause->target, item);
  } else {
    cd_emit(c, OP_FOR_ITER, local != REG_NONE ? local : item, iterator, 0)->jump = end;
    if (local == REG_NONE) cd_store(c, clause->target, item);
  }
  cd_pop_to(c, depth + 1);
  comp_inner(c, k, i, skip);
  cd_place(c, skip);
  cd_emit_jump(c, OP_JUMP_BACK, 0, start);
  cd_place(c, end);
  cd_pop_to(c, depth);
  c->depth--;
}

static Value comp_code(Compiler *c, Expr *e, Clauses *k, Value name, bool *async)
{
  Unit unit, *outer = c->unit;
  cd_unit_enter(c, &unit, cd_symtable_find(&c->symbols, e), name, e->line);
  unit.at = POSITION_OF(e);
  unit.arg_count = 1;
  unit.docstring = cd_none();
  bool top_level = (c->flags & PYCF_ALLOW_TOP_LEVEL_AWAIT) && outer->scope->kind == SCOPE_MODULE;
  *async = unit.scope->coroutine;
  if (*async && k->kind != COMPREHENSION_GENERATOR && !outer->is_async && !outer->scope->comprehension && !top_level)
    CD_ERROR_HERE(c, "asynchronous comprehension outside of an asynchronous function");
  if (k->kind != COMPREHENSION_GENERATOR) {
    static const uint16_t builds[] = {0, OP_BUILD_LIST, OP_BUILD_MAP, OP_BUILD_SET};
    k->result = cd_push(c);
    cd_emit(c, (Opcode)builds[k->kind], k->result, k->result, 0);
  }
  comp_clause(c, k, 0);
  if (k->kind != COMPREHENSION_GENERATOR) cd_emit(c, OP_RETURN, k->result, 0, 0);
  else cd_return_const(c, cd_none());
  return cd_unit_leave(c);
}

static Value comp_parts(Compiler *c, Expr *e, Clauses *k)
{
  VM *vm = c->vm;
  switch (e->kind) {
  case EXPR_ListComp: *k = (Clauses){&e->as.ListComp.generators, e->as.ListComp.elt, NULL, COMPREHENSION_LIST, 0}; return N(angle_listcomp);
  case EXPR_SetComp: *k = (Clauses){&e->as.SetComp.generators, e->as.SetComp.elt, NULL, COMPREHENSION_SET, 0}; return N(angle_setcomp);
  case EXPR_DictComp:
    *k = (Clauses){&e->as.DictComp.generators, e->as.DictComp.key, e->as.DictComp.value, COMPREHENSION_DICT, 0};
    return N(angle_dictcomp);
  default:
    *k = (Clauses){&e->as.GeneratorExp.generators, e->as.GeneratorExp.elt, NULL, COMPREHENSION_GENERATOR, 0};
    return N(angle_genexpr);
  }
}

void cd_comprehension(Compiler *c, Expr *e, Reg dst)
{
  Clauses clauses;
  bool async = false;
  uint32_t depth = c->unit->depth;
  Value name = comp_parts(c, e, &clauses), code = comp_code(c, e, &clauses, name, &async);
  Reg base = cd_push(c);
  cd_make_closure(c, base, base, code, 0);
  cd_pop_to(c, REG_NUMBER(base) + 1);
  cd_emit(c, OP_LOAD_NOTHING, cd_push(c), 0, 0);
  const Comprehension *first = clauses.generators->items[0];
  Reg iterator = cd_push(c);
  cd_expr(c, first->iter, iterator);
  cd_emit(c, first->is_async ? OP_GET_ASYNC_ITER : OP_GET_ITER, iterator, iterator, 0);
  bool awaited = async && clauses.kind != COMPREHENSION_GENERATOR;
  cd_emit(c, OP_CALL, awaited ? base : dst, base, 1);
  cd_pop_to(c, REG_NUMBER(base) + 1);
  if (awaited) {
    cd_await(c, base, 0);
    cd_emit(c, OP_MOVE, dst, base, 0);
  }
  cd_pop_to(c, depth);
}
