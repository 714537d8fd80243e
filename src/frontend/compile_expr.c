// SPDX-License-Identifier: MIT
// compile_expr.c: expressions and targets
#include "frontend/codegen.h"

#include "objects/protocol.h"
#include "objects/set.h"
#include "objects/str.h"
#include "objects/tuple.h"

// Where results go. cd_expr(e, dst): `dst` is a local variable, written by the very last instruction only, or the topmost temporary, which
// may also serve as a place for intermediate values. On return as many temporaries are in use as before.

enum { DISPLAY_MAX = 30, CONST_OPERAND_MAX = 0xFFFF };           // more items than that are added one by one

// ---- places ----

static void expr_at(Compiler *c, const Expr *e) { c->unit->at = POSITION_OF(e); }

static bool expr_is_top(const Compiler *c, Reg reg) { return cd_is_temp(reg) && REG_NUMBER(reg) + 1 == c->unit->depth; }
// A temporary to work in: dst itself, if it is one.
static Reg expr_work(Compiler *c, Reg dst) { return expr_is_top(c, dst) ? dst : cd_push(c); }
static void expr_finish(Compiler *c, Reg dst, Reg work)
{
  if (work != dst) cd_emit(c, OP_MOVE, dst, work, 0);
}

Reg cd_expr_push(Compiler *c, Expr *e)
{
  Reg reg = cd_push(c);
  cd_expr(c, e, reg);
  return reg;
}

void cd_line_of(Compiler *c, const Expr *e)
{
  Unit *u = c->unit;
  if (LIKELY(e->line == u->at.line)) return;
  Position at = u->at;
  expr_at(c, e);
  cd_emit(c, OP_NOP, 0, 0, 0);
  u->at = at;
}

// ---- would evaluating `e` bind `name`? Only := does such a thing ----

static bool rebinds_seq(Compiler *c, const ExprSeq *seq, Value name)
{
  for (size_t i = 0; i < seq->count; i++)
    if (seq->items[i] && cd_expr_rebinds(c, seq->items[i], name)) return true;
  return false;
}

bool cd_expr_rebinds(Compiler *c, Expr *e, Value name)
{
  switch (e->kind) {
  case EXPR_NamedExpr: return cd_is(e->as.NamedExpr.target->as.Name.id, name) || cd_expr_rebinds(c, e->as.NamedExpr.value, name);
  case EXPR_Constant: case EXPR_Name: case EXPR_Lambda: return false;
  case EXPR_Attribute: return cd_expr_rebinds(c, e->as.Attribute.value, name);
  case EXPR_BinOp: return cd_expr_rebinds(c, e->as.BinOp.left, name) || cd_expr_rebinds(c, e->as.BinOp.right, name);
  case EXPR_UnaryOp: return cd_expr_rebinds(c, e->as.UnaryOp.operand, name);
  case EXPR_BoolOp: return rebinds_seq(c, &e->as.BoolOp.values, name);
  case EXPR_Compare: return cd_expr_rebinds(c, e->as.Compare.left, name) || rebinds_seq(c, &e->as.Compare.comparators, name);
  case EXPR_Subscript: return cd_expr_rebinds(c, e->as.Subscript.value, name) || cd_expr_rebinds(c, e->as.Subscript.slice, name);
  case EXPR_Tuple: return rebinds_seq(c, &e->as.Tuple.elts, name);
  case EXPR_List: return rebinds_seq(c, &e->as.List.elts, name);
  default: return true;                          // seldom: not worth a look
  }
}

static bool expr_may_rebind(Compiler *c, Expr *later, Value name)
{
  return later && c->unit->scope->walrus && cd_expr_rebinds(c, later, name);
}

// Like cd_operand; values that are no locals go to `work`, a temporary on top, or to a new one if that is REG_NONE.
static Reg expr_operand_in(Compiler *c, Expr *e, Expr *later, Reg work)
{
  if (e->kind == EXPR_Name && e->as.Name.ctx == CTX_Load) {
    Reg local = cd_local_of(c, e->as.Name.id);
    if (local != REG_NONE && !expr_may_rebind(c, later, e->as.Name.id)) {
      Position at = c->unit->at;
      expr_at(c, e);
      cd_emit(c, OP_CHECK_LOCAL, local, 0, 0);
      c->unit->at = at;
      return local;
    }
  }
  if (work == REG_NONE) return cd_expr_push(c, e);
  cd_expr(c, e, work);
  return work;
}

Reg cd_operand(Compiler *c, Expr *e, Expr *later) { return expr_operand_in(c, e, later, REG_NONE); }

// The first operand of several: dst may hold it meanwhile.
static Reg expr_first_operand(Compiler *c, Expr *e, Expr *later, Reg dst)
{
  return expr_operand_in(c, e, later, expr_is_top(c, dst) ? dst : REG_NONE);
}

static bool expr_const_operand(Compiler *c, const Expr *e, uint32_t *number)
{
  if (e->kind != EXPR_Constant) return false;
  *number = cd_const(c, e->as.Constant.value);
  return *number <= CONST_OPERAND_MAX;
}

// ---- warnings about expressions that can't be meant ----

static const char *expr_type_name(Compiler *c, const Expr *e)
{
  switch (e->kind) {
  case EXPR_Tuple: return "tuple";
  case EXPR_List: case EXPR_ListComp: return "list";
  case EXPR_Dict: case EXPR_DictComp: return "dict";
  case EXPR_Set: case EXPR_SetComp: return "set";
  case EXPR_GeneratorExp: return "generator";
  case EXPR_Lambda: return "function";
  case EXPR_JoinedStr: case EXPR_FormattedValue: return "str";
  case EXPR_Constant: return cd_str_data(cd_type_of(c->vm, e->as.Constant.value)->name);
  default: return NULL;
  }
}

static void expr_check_callee(Compiler *c, const Expr *e)
{
  switch (e->kind) {
  case EXPR_Constant:
  case EXPR_Tuple:
  case EXPR_List:
  case EXPR_ListComp:
  case EXPR_Dict:
  case EXPR_DictComp:
  case EXPR_Set:
  case EXPR_SetComp:
  case EXPR_GeneratorExp: case EXPR_JoinedStr: case EXPR_FormattedValue:
    cd_compile_warn(c, c->vm->exc.SyntaxWarning, c->unit->at, "'%s' object is not callable; perhaps you missed a comma?",
                    expr_type_name(c, e));
    break;
  default: break;
  }
}

static void expr_check_container(Compiler *c, const Expr *e)
{
  switch (e->kind) {
  case EXPR_Constant: {
    Value v = e->as.Constant.value;
    if (!(cd_is_none(v) || cd_is_ellipsis(v) || cd_is_int(v) || cd_is_float(v) || cd_is_complex(v) || cd_is_any_set(v))) return;
    break;
  }
  case EXPR_Set: case EXPR_SetComp: case EXPR_GeneratorExp: case EXPR_Lambda: break;
  default: return;
  }
  cd_compile_warn(c, c->vm->exc.SyntaxWarning, c->unit->at, "'%s' object is not subscriptable; perhaps you missed a comma?",
                  expr_type_name(c, e));
}

static void expr_check_index(Compiler *c, const Expr *container, const Expr *index)
{
  const char *index_type = index->kind == EXPR_Slice ? NULL : expr_type_name(c, index);
  if (!index_type || (index->kind == EXPR_Constant && cd_is_int(index->as.Constant.value))) return;
  switch (container->kind) {
  case EXPR_Constant: {
    Value v = container->as.Constant.value;
    if (!(cd_is_str(v) || cd_is_bytes(v) || cd_is_tuple(v))) return;
    break;
  }
  case EXPR_Tuple: case EXPR_List: case EXPR_ListComp: case EXPR_JoinedStr: case EXPR_FormattedValue: break;
  default: return;
  }
  cd_compile_warn(c, c->vm->exc.SyntaxWarning, c->unit->at, "%s indices must be integers or slices, not %s; perhaps you missed a comma?",
                  expr_type_name(c, container), index_type);
}

// `x is 1`: constants other than None, True, False and ...
static bool expr_may_be_identical(const Expr *e)
{
  if (e->kind != EXPR_Constant) return true;
  Value v = e->as.Constant.value;
  return cd_is_none(v) || cd_is_bool(v) || cd_is_ellipsis(v);
}

static void expr_check_compare(Compiler *c, const Expr *e)
{
  bool left = expr_may_be_identical(e->as.Compare.left);
  for (size_t i = 0; i < e->as.Compare.ops.count; i++) {
    int32_t op = e->as.Compare.ops.items[i];
    bool right = expr_may_be_identical(e->as.Compare.comparators.items[i]);
    if ((op == CMPOP_Is || op == CMPOP_IsNot) && (!left || !right)) {
      cd_compile_warn(c, c->vm->exc.SyntaxWarning, c->unit->at,
                      op == CMPOP_Is ? "\"is\" with a literal. Did you mean \"==\"?" : "\"is not\" with a literal. Did you mean \"!=\"?");
      return;
    }
    left = right;
  }
}

bool cd_forbidden_name(Compiler *c, Value name, ExprContext ctx)
{
  if (LIKELY(!cd_is(name, c->vm->names.__debug__)) || ctx == CTX_Load) return false;
  CD_ERROR_HERE(c, ctx == CTX_Store ? "cannot assign to __debug__" : "cannot delete __debug__");
  return true;
}

// ---- operators ----

static const uint16_t expr_binary_ops[] = {      // ORDER: OPERATOR of ast.def
  OP_ADD, OP_SUBTRACT, OP_MULTIPLY, OP_MATMUL, OP_TRUE_DIVIDE, OP_REMAINDER, OP_POWER, OP_LSHIFT, OP_RSHIFT, OP_OR, OP_XOR, OP_AND,
  OP_FLOOR_DIVIDE,
};

static void expr_binary(Compiler *c, Expr *e, Reg dst)
{
  uint32_t depth = c->unit->depth, k;
  Opcode op = (Opcode)expr_binary_ops[e->as.BinOp.op];
  Reg left = expr_first_operand(c, e->as.BinOp.left, e->as.BinOp.right, dst);
  if (expr_const_operand(c, e->as.BinOp.right, &k)) {
    cd_line_of(c, e->as.BinOp.right);
    cd_emit(c, op + 1, dst, left, k);
  } else {
    Reg right = cd_operand(c, e->as.BinOp.right, NULL);
    cd_emit(c, op, dst, left, right);
  }
  cd_pop_to(c, depth);
}

static void expr_unary(Compiler *c, Expr *e, Reg dst)
{
  static const uint16_t ops[] = {OP_INVERT, OP_NOT, OP_POSITIVE, OP_NEGATIVE};   // ORDER: UNARYOP of ast.def
  uint32_t depth = c->unit->depth;
  Reg operand = expr_first_operand(c, e->as.UnaryOp.operand, NULL, dst);
  cd_emit(c, (Opcode)ops[e->as.UnaryOp.op], dst, operand, 0);
  cd_pop_to(c, depth);
}

static const uint16_t expr_compare_ops[] = {     // ORDER: CMPOP of ast.def
  OP_EQ, OP_NE, OP_LT, OP_LE, OP_GT, OP_GE, OP_IS, OP_IS_NOT, OP_IN, OP_NOT_IN,
};

// dst = left <op> right, where right is not evaluated yet.
static void expr_compare_last(Compiler *c, int32_t op, Reg dst, Reg left, Expr *right)
{
  static const uint16_t with_const[] = {OP_EQ_K, OP_NE_K, OP_LT_K, OP_LE_K, OP_GT_K, OP_GE_K};
  uint32_t k;
  if (op <= CMPOP_GtE && expr_const_operand(c, right, &k)) {
    cd_line_of(c, right);
    cd_emit(c, (Opcode)with_const[op], dst, left, k);
    return;
  }
  Reg reg = cd_operand(c, right, NULL);
  cd_emit(c, (Opcode)expr_compare_ops[op], dst, left, reg);
}

// Puts an operand of a chain where it can be read twice: the local itself, or `slot`.
static Reg compare_operand(Compiler *c, Expr *e, Expr *later, Reg slot)
{
  uint32_t depth = c->unit->depth;
  if (e->kind == EXPR_Name) {
    Reg reg = cd_operand(c, e, later);
    if (!cd_is_temp(reg)) return reg;
    cd_emit(c, OP_MOVE, slot, reg, 0);
    cd_pop_to(c, depth);
    return slot;
  }
  cd_expr(c, e, slot);
  return slot;
}

// a < b < c. Middle operands are used twice: a local is read twice, other values wait in a temporary that must be dropped when the
// chain breaks off; two temporaries take turns. `dst` gets the result; with `to` the result is tested and jumped on instead.
static void expr_compare_chain(Compiler *c, Expr *e, Reg dst, Label to, bool cond)
{
  Unit *u = c->unit;
  size_t n = e->as.Compare.ops.count;
  uint32_t depth = u->depth;
  bool jumps = to != NO_LABEL;
  Reg result = jumps ? cd_push(c) : dst, slots[2] = {cd_push(c), cd_push(c)};
  Label end = cd_label(c), breaks[3] = {cd_label(c), cd_label(c), cd_label(c)};  // with slot 0 or 1 to be dropped, or nothing
  bool used[3] = {false, false, false};
  Expr *const *operands = e->as.Compare.comparators.items;
  Reg left = compare_operand(c, e->as.Compare.left, operands[0], slots[0]);
  for (size_t i = 0; i + 1 < n && !c->failed; i++) {
    uint32_t inner = u->depth;
    int slot = left == slots[0];
    Reg middle = compare_operand(c, operands[i], operands[i + 1], slots[slot]), twin = middle;
    if (cd_is_temp(middle)) {
      twin = cd_push(c);
      cd_emit(c, OP_COPY, twin, middle, 0);
    } else {
      slot = 2;
    }
    cd_emit(c, (Opcode)expr_compare_ops[e->as.Compare.ops.items[i]], result, left, twin);
    if (!jumps) {
      cd_emit_jump(c, OP_JUMP_IF_FALSE_OR_DROP, result, breaks[slot]);
      used[slot] = true;
    } else if (slot == 2 && !cond) {
      cd_emit_jump(c, OP_JUMP_IF_FALSE, result, to);
    } else {
      cd_emit_jump(c, OP_JUMP_IF_FALSE, result, slot == 2 ? end : breaks[slot]);
      used[slot] = slot != 2;
    }
    cd_pop_to(c, inner);
    left = middle;
  }
  expr_compare_last(c, e->as.Compare.ops.items[n - 1], result, left, operands[n - 1]);
  if (jumps) cd_emit_jump(c, cond ? OP_JUMP_IF_TRUE : OP_JUMP_IF_FALSE, result, to);
  Position at = u->at;
  u->at = NO_POSITION;
  cd_emit_jump(c, OP_JUMP, 0, end);
  u->at = at;
  for (int slot = 0; slot < 2; slot++) {
    cd_place(c, breaks[slot]);
    if (!used[slot]) continue;
    cd_emit(c, OP_DROP, slots[slot], 0, 0);
    cd_emit_jump(c, OP_JUMP, 0, jumps && !cond ? to : end);
  }
  cd_place(c, breaks[2]);
  cd_place(c, end);
  cd_pop_to(c, depth);
}

static void expr_compare(Compiler *c, Expr *e, Reg dst)
{
  uint32_t depth = c->unit->depth;
  expr_check_compare(c, e);
  if (e->as.Compare.ops.count > 1) {
    Reg work = expr_work(c, dst);
    expr_compare_chain(c, e, work, NO_LABEL, false);
    expr_finish(c, dst, work);
  } else {
    Reg left = expr_first_operand(c, e->as.Compare.left, e->as.Compare.comparators.items[0], dst);
    expr_compare_last(c, e->as.Compare.ops.items[0], dst, left, e->as.Compare.comparators.items[0]);
  }
  cd_pop_to(c, depth);
}

static void expr_boolean(Compiler *c, Expr *e, Reg dst)
{
  uint32_t depth = c->unit->depth;
  Opcode jump = e->as.BoolOp.op == BOOLOP_And ? OP_JUMP_IF_FALSE_OR_DROP : OP_JUMP_IF_TRUE_OR_DROP;
  Label end = cd_label(c);
  Reg work = expr_work(c, dst);
  size_t last = e->as.BoolOp.values.count - 1;
  for (size_t i = 0; i < last; i++) {
    Expr *value = e->as.BoolOp.values.items[i];
    bool truth, constant = cd_is_constant_true(value, &truth, c->vm);
    if (constant && truth == (e->as.BoolOp.op == BOOLOP_And)) continue;
    cd_expr(c, value, work);
    cd_emit_jump(c, constant ? OP_JUMP : jump, constant ? 0 : work, end);        // what comes behind a constant that decides is not reached
  }
  cd_expr(c, e->as.BoolOp.values.items[last], work);
  cd_place(c, end);
  expr_finish(c, dst, work);
  cd_pop_to(c, depth);
}

static void expr_conditional(Compiler *c, Expr *e, Reg dst)
{
  Label orelse = cd_label(c), end = cd_label(c);
  Unit *u = c->unit;
  cd_jump_if(c, e->as.IfExp.test, orelse, false);
  cd_expr(c, e->as.IfExp.body, dst);
  Position at = u->at;
  u->at = NO_POSITION;
  cd_emit_jump(c, OP_JUMP, 0, end);
  u->at = at;
  cd_place(c, orelse);
  cd_expr(c, e->as.IfExp.orelse, dst);
  cd_place(c, end);
}

// ---- conditions ----

bool cd_is_constant_true(const Expr *e, bool *truth, VM *vm)
{
  if (e->kind != EXPR_Constant) return false;
  if (!cd_truth(vm, e->as.Constant.value, truth)) {
    cd_clear_raised(vm);
    return false;
  }
  return true;
}

static bool expr_is_none(const Expr *e) { return e->kind == EXPR_Constant && cd_is_none(e->as.Constant.value); }

static void expr_jump_compare(Compiler *c, Expr *e, Label to, bool cond)
{
  Unit *u = c->unit;
  uint32_t depth = u->depth;
  Position at = u->at;
  expr_at(c, e);
  expr_check_compare(c, e);
  int32_t op = e->as.Compare.ops.items[0];
  Expr *right = e->as.Compare.comparators.items[0];
  if (e->as.Compare.ops.count > 1) {
    expr_compare_chain(c, e, REG_NONE, to, cond);
  } else if ((op == CMPOP_Is || op == CMPOP_IsNot) && expr_is_none(right)) {
    Reg left = cd_operand(c, e->as.Compare.left, NULL);
    cd_line_of(c, right);
    cd_emit_jump(c, (op == CMPOP_Is) == cond ? OP_JUMP_IF_NONE : OP_JUMP_IF_NOT_NONE, left, to);
  } else {
    Reg work = cd_push(c), left = expr_operand_in(c, e->as.Compare.left, right, work);
    expr_compare_last(c, op, work, left, right);
    cd_emit_jump(c, cond ? OP_JUMP_IF_TRUE : OP_JUMP_IF_FALSE, work, to);
  }
  cd_pop_to(c, depth);
  u->at = at;
}

static void expr_jump_boolean(Compiler *c, Expr *e, Label to, bool cond)
{
  bool any = e->as.BoolOp.op == BOOLOP_Or;       // the truth that decides at once
  Label skip = any != cond ? cd_label(c) : to;
  size_t last = e->as.BoolOp.values.count - 1;
  for (size_t i = 0; i < last; i++) cd_jump_if(c, e->as.BoolOp.values.items[i], skip, any);
  cd_jump_if(c, e->as.BoolOp.values.items[last], to, cond);
  if (skip != to) cd_place(c, skip);
}

static void expr_jump_conditional(Compiler *c, Expr *e, Label to, bool cond)
{
  Label orelse = cd_label(c), end = cd_label(c);
  Unit *u = c->unit;
  cd_jump_if(c, e->as.IfExp.test, orelse, false);
  cd_jump_if(c, e->as.IfExp.body, to, cond);
  Position at = u->at;
  u->at = NO_POSITION;
  cd_emit_jump(c, OP_JUMP, 0, end);
  u->at = at;
  cd_place(c, orelse);
  cd_jump_if(c, e->as.IfExp.orelse, to, cond);
  cd_place(c, end);
}

void cd_jump_if(Compiler *c, Expr *e, Label to, bool cond)
{
  if (c->failed || !cd_codegen_enter(c)) return;
  bool truth;
  switch (e->kind) {
  case EXPR_UnaryOp:
    if (e->as.UnaryOp.op == UNARYOP_Not) {
      cd_jump_if(c, e->as.UnaryOp.operand, to, !cond);
      break;
    }
    goto plain;
  case EXPR_BoolOp: expr_jump_boolean(c, e, to, cond); break;
  case EXPR_IfExp: expr_jump_conditional(c, e, to, cond); break;
  case EXPR_Compare: expr_jump_compare(c, e, to, cond); break;
  case EXPR_Constant:
    if (cd_is_constant_true(e, &truth, c->vm)) {
      cd_emit(c, OP_NOP, 0, 0, 0);
      if (truth == cond) cd_emit_jump(c, OP_JUMP, 0, to);
      break;
    }
    goto plain;
  default:
  plain: {
    uint32_t depth = c->unit->depth;
    Reg value = cd_operand(c, e, NULL);
    cd_emit_jump(c, cond ? OP_JUMP_IF_TRUE : OP_JUMP_IF_FALSE, value, to);
    cd_pop_to(c, depth);
  }
  }
  c->depth--;
}

// ---- displays ----

static bool expr_all_constant(const ExprSeq *elts)
{
  for (size_t i = 0; i < elts->count; i++)
    if (elts->items[i]->kind != EXPR_Constant) return false;
  return true;
}

static Value expr_constants(Compiler *c, const ExprSeq *elts)
{
  Ref tuple = cd_tuple_new(c->vm, elts->count);
  if (tuple)
    for (size_t i = 0; i < elts->count; i++) cd_tuple_set(tuple, i, cd_dup(elts->items[i]->as.Constant.value));
  return cd_own(c, tuple);
}

// Items into a list or set that stands in the temporary `work`; the first `done` of them are in it.
static void expr_add_items(Compiler *c, const ExprSeq *elts, size_t done, Reg work, Opcode add, Opcode extend)
{
  for (size_t i = done; i < elts->count && !c->failed; i++) {
    Expr *e = elts->items[i];
    uint32_t depth = c->unit->depth;
    if (e->kind == EXPR_Starred) {
      Reg value = cd_operand(c, e->as.Starred.value, NULL);
      cd_emit(c, extend, work, value, 0);
    } else {
      Reg value = cd_operand(c, e, NULL);
      cd_emit(c, add, work, value, 0);
    }
    cd_pop_to(c, depth);
  }
}

// [..], {..} or the tuple (.., *..). With `to_tuple` the list becomes a tuple at the end.
static void expr_display(Compiler *c, const ExprSeq *elts, Opcode build, Opcode add, Opcode extend, bool to_tuple, Reg dst)
{
  Unit *u = c->unit;
  uint32_t depth = u->depth;
  size_t plain = 0;
  while (elts->count <= DISPLAY_MAX && plain < elts->count && elts->items[plain]->kind != EXPR_Starred) plain++;
  if (plain == elts->count && !to_tuple) {       // all at once
    Reg base = plain && expr_is_top(c, dst) ? dst : cd_temp(u->depth);
    for (size_t i = 0; i < plain; i++) {
      if (i == 0 && base == dst) cd_expr(c, elts->items[i], dst);
      else cd_expr_push(c, elts->items[i]);
    }
    cd_emit(c, build, dst, base, (uint32_t)plain);
    cd_pop_to(c, depth);
    return;
  }
  Reg work = expr_work(c, dst);
  uint32_t inner = u->depth;
  for (size_t i = 0; i < plain; i++) {
    if (i == 0) cd_expr(c, elts->items[i], work);
    else cd_expr_push(c, elts->items[i]);
  }
  cd_emit(c, build, work, work, (uint32_t)plain);
  cd_pop_to(c, inner);
  expr_add_items(c, elts, plain, work, add, extend);
  if (to_tuple) cd_emit(c, OP_LIST_TO_TUPLE, dst, work, 0);
  else expr_finish(c, dst, work);
  cd_pop_to(c, depth);
}

// A list or set of constants is filled from a tuple or frozenset.
static void expr_constant_display(Compiler *c, Value items, Opcode build, Opcode extend, Reg dst)
{
  uint32_t depth = c->unit->depth;
  if (!items) return;
  Reg work = expr_work(c, dst);
  cd_emit(c, build, work, work, 0);
  Reg source = cd_push(c);
  cd_load_const(c, source, items);
  cd_emit(c, extend, work, source, 0);
  expr_finish(c, dst, work);
  cd_pop_to(c, depth);
}

static void expr_list(Compiler *c, const ExprSeq *elts, Reg dst)
{
  if (elts->count > 2 && expr_all_constant(elts)) expr_constant_display(c, expr_constants(c, elts), OP_BUILD_LIST, OP_LIST_EXTEND, dst);
  else expr_display(c, elts, OP_BUILD_LIST, OP_LIST_APPEND, OP_LIST_EXTEND, false, dst);
}

static void expr_set(Compiler *c, const ExprSeq *elts, Reg dst)
{
  if (elts->count <= 2 || !expr_all_constant(elts)) {
    expr_display(c, elts, OP_BUILD_SET, OP_SET_ADD, OP_SET_UPDATE, false, dst);
    return;
  }
  Value items = expr_constants(c, elts);
  if (items) expr_constant_display(c, cd_own(c, cd_frozenset_new(c->vm, items)), OP_BUILD_SET, OP_SET_UPDATE, dst);
}

void cd_tuple_display(Compiler *c, const ExprSeq *elts, Reg dst)
{
  bool starred = elts->count > DISPLAY_MAX;
  for (size_t i = 0; i < elts->count && !starred; i++) starred = elts->items[i]->kind == EXPR_Starred;
  if (starred) expr_display(c, elts, OP_BUILD_LIST, OP_LIST_APPEND, OP_LIST_EXTEND, true, dst);
  else expr_display(c, elts, OP_BUILD_TUPLE, OP_NOP, OP_NOP, false, dst);
}

static void expr_dict(Compiler *c, Expr *e, Reg dst)
{
  Unit *u = c->unit;
  uint32_t depth = u->depth;
  const ExprSeq *keys = &e->as.Dict.keys, *values = &e->as.Dict.values;
  Reg work = expr_work(c, dst);
  uint32_t inner = u->depth;
  size_t plain = 0;
  while (values->count <= DISPLAY_MAX / 2 && plain < values->count && keys->items[plain]) plain++;
  for (size_t i = 0; i < plain; i++) {
    if (i == 0) cd_expr(c, keys->items[0], work);
    else cd_expr_push(c, keys->items[i]);
    cd_expr_push(c, values->items[i]);
  }
  cd_emit(c, OP_BUILD_MAP, work, work, (uint32_t)plain);
  cd_pop_to(c, inner);
  for (size_t i = plain; i < values->count && !c->failed; i++) {
    if (!keys->items[i]) {
      Reg mapping = cd_operand(c, values->items[i], NULL);
      cd_emit(c, OP_DICT_UPDATE, work, mapping, 0);
    } else {
      Reg key = cd_operand(c, keys->items[i], values->items[i]);
      Reg value = cd_operand(c, values->items[i], NULL);
      cd_emit(c, OP_MAP_ADD, work, key, value);
    }
    cd_pop_to(c, inner);
  }
  expr_finish(c, dst, work);
  cd_pop_to(c, depth);
}

// ---- f-strings ----

static void expr_formatted(Compiler *c, Expr *e, Reg dst)
{
  uint32_t depth = c->unit->depth, flags;
  Reg base = expr_work(c, dst);
  cd_expr(c, e->as.FormattedValue.value, base);
  switch (e->as.FormattedValue.conversion) {
  case 's': flags = 1; break;
  case 'r': flags = 2; break;
  case 'a': flags = 3; break;
  default: flags = 0; break;
  }
  if (e->as.FormattedValue.format_spec) {
    cd_expr_push(c, e->as.FormattedValue.format_spec);
    flags |= 4;
  }
  cd_emit(c, OP_FORMAT_VALUE, dst, base, flags);
  cd_pop_to(c, depth);
}

static void expr_joined(Compiler *c, Expr *e, Reg dst)
{
  Unit *u = c->unit;
  const ExprSeq *values = &e->as.JoinedStr.values;
  uint32_t depth = u->depth;
  if (!values->count) {
    cd_load_const(c, dst, c->vm->empty_str);
    return;
  }
  if (values->count == 1) {
    cd_expr(c, values->items[0], dst);
    return;
  }
  Reg base = expr_work(c, dst);
  uint32_t inner = u->depth, n = 0;
  for (size_t i = 0; i < values->count && !c->failed; i++, n++) {
    if (n == DISPLAY_MAX) {
      cd_emit(c, OP_BUILD_STRING, base, base, n);
      cd_pop_to(c, inner);
      n = 1;
    }
    if (n == 0) cd_expr(c, values->items[i], base);
    else cd_expr_push(c, values->items[i]);
  }
  cd_emit(c, OP_BUILD_STRING, dst, base, n);
  cd_pop_to(c, depth);
}

// ---- attributes and subscripts ----

// In a chain over several lines the position of an attribute begins at its name.
static void expr_at_attribute(Compiler *c, const Expr *attribute)
{
  Position *at = &c->unit->at;
  if (at->line == attribute->end_line) return;
  at->line = attribute->end_line;
  int32_t length = (int32_t)cd_str_length(attribute->as.Attribute.attr);
  if (length <= attribute->end_column) {
    at->column = attribute->end_column - length;
  } else {
    at->column = at->end_column = -1;
  }
}

static void expr_attribute(Compiler *c, Expr *e, Reg dst)
{
  uint32_t depth = c->unit->depth;
  Reg object = expr_first_operand(c, e->as.Attribute.value, NULL, dst);
  expr_at_attribute(c, e);
  cd_emit(c, OP_LOAD_ATTR, dst, object, cd_name(c, cd_mangled(c, e->as.Attribute.attr)));
  cd_pop_to(c, depth);
}

static void expr_slice(Compiler *c, Expr *e, Reg dst)
{
  uint32_t depth = c->unit->depth, n = e->as.Slice.step ? 3 : 2;
  Reg base = expr_work(c, dst);
  Expr *const parts[] = {e->as.Slice.lower, e->as.Slice.upper, e->as.Slice.step};
  for (uint32_t i = 0; i < n; i++) {
    Reg part = i == 0 ? base : cd_push(c);
    if (parts[i]) cd_expr(c, parts[i], part);
    else cd_load_const(c, part, cd_none());
  }
  cd_emit(c, OP_BUILD_SLICE, dst, base, n);
  cd_pop_to(c, depth);
}

static void expr_subscript(Compiler *c, Expr *e, Reg dst)
{
  uint32_t depth = c->unit->depth, k;
  Expr *container = e->as.Subscript.value, *index = e->as.Subscript.slice;
  expr_check_container(c, container);
  expr_check_index(c, container, index);
  Reg object = expr_first_operand(c, container, index, dst);
  if (expr_const_operand(c, index, &k)) {
    cd_line_of(c, index);
    cd_emit(c, OP_GET_ITEM_K, dst, object, k);
  } else {
    Reg key = cd_operand(c, index, NULL);
    cd_emit(c, OP_GET_ITEM, dst, object, key);
  }
  cd_pop_to(c, depth);
}

// ---- calls ----

bool cd_check_keywords(Compiler *c, const KeywordSeq *keywords)
{
  for (size_t i = 0; i < keywords->count; i++) {
    Keyword *k = keywords->items[i];
    if (!k->arg) continue;
    if (cd_is(k->arg, c->vm->names.__debug__)) {
      CD_ERROR_HERE(c, "cannot assign to __debug__");
      return false;
    }
    for (size_t j = i + 1; j < keywords->count; j++)
      if (keywords->items[j]->arg && cd_is(k->arg, keywords->items[j]->arg)) {
        CD_ERROR(c, keywords->items[j], "keyword argument repeated: %U", k->arg);
        return false;
      }
  }
  return !c->failed;
}

// The tuple of keyword names, its number in consts.
static int32_t call_kwnames(Compiler *c, const KeywordSeq *keywords)
{
  if (!keywords->count) return -1;
  Ref names = cd_tuple_new(c->vm, keywords->count);
  if (names)
    for (size_t i = 0; i < keywords->count; i++) cd_tuple_set(names, i, cd_dup(keywords->items[i]->arg));
  Value kept = cd_own(c, names);
  return kept ? (int32_t)cd_const(c, kept) : -1;
}

bool cd_call_is_plain(const ExprSeq *args, const KeywordSeq *keywords)
{
  if (args->count + keywords->count * 2 > DISPLAY_MAX) return false;
  for (size_t i = 0; i < args->count; i++)
    if (args->items[i]->kind == EXPR_Starred) return false;
  for (size_t i = 0; i < keywords->count; i++)
    if (!keywords->items[i]->arg) return false;
  return true;
}

static void call_plain(Compiler *c, Reg dst, Reg base, uint32_t extra, const ExprSeq *args, const KeywordSeq *keywords, Position at)
{
  for (size_t i = 0; i < args->count; i++) cd_expr_push(c, args->items[i]);
  for (size_t i = 0; i < keywords->count; i++) cd_expr_push(c, keywords->items[i]->value);
  int32_t kwnames = call_kwnames(c, keywords);
  c->unit->at = at;
  cd_emit(c, OP_CALL, dst, base, extra + (uint32_t)(args->count + keywords->count))->jump = kwnames;
}

// base + 1 = all positional arguments.
static void call_positional(Compiler *c, Reg base, uint32_t extra, const ExprSeq *args)
{
  Unit *u = c->unit;
  Reg list = cd_temp(REG_NUMBER(base) + 1);
  if (!extra && args->count == 1 && args->items[0]->kind == EXPR_Starred) {
    cd_expr(c, args->items[0]->as.Starred.value, list);
    return;
  }
  size_t plain = 0;
  bool starred = false;
  for (size_t i = 0; i < args->count; i++) starred |= args->items[i]->kind == EXPR_Starred;
  if (!extra && !args->count) {
    cd_load_const(c, list, c->vm->empty_tuple);
    return;
  }
  while (args->count <= DISPLAY_MAX && plain < args->count && args->items[plain]->kind != EXPR_Starred) plain++;
  // Arguments that are there already begin one further up: the callable, an empty place, then they.
  Reg first = extra ? cd_temp(REG_NUMBER(base) + 2) : list;
  for (size_t i = 0; i < plain; i++) {
    if (i == 0 && !extra) cd_expr(c, args->items[0], list);
    else cd_expr_push(c, args->items[i]);
  }
  if (!starred && plain == args->count) {
    cd_emit(c, OP_BUILD_TUPLE, list, first, extra + (uint32_t)plain);
    cd_pop_to(c, REG_NUMBER(list) + 1);
    return;
  }
  cd_emit(c, OP_BUILD_LIST, list, first, extra + (uint32_t)plain);
  cd_pop_to(c, REG_NUMBER(list) + 1);
  expr_add_items(c, args, plain, list, OP_LIST_APPEND, OP_LIST_EXTEND);
  cd_emit(c, OP_LIST_TO_TUPLE, list, list, 0);
  (void)u;
}

// group = {name: value, ..}; group is the temporary on top
static void call_keyword_group(Compiler *c, Reg group, Keyword *const *keywords, size_t n)
{
  uint32_t inner = c->unit->depth;
  bool big = n > DISPLAY_MAX / 2;
  if (big) cd_emit(c, OP_BUILD_MAP, group, group, 0);
  for (size_t i = 0; i < n; i++) {
    Reg key = i == 0 && !big ? group : cd_push(c);
    cd_load_const(c, key, keywords[i]->arg);
    Reg value = cd_expr_push(c, keywords[i]->value);
    if (!big) continue;
    cd_emit(c, OP_MAP_ADD, group, key, value);
    cd_pop_to(c, inner);
  }
  if (!big) cd_emit(c, OP_BUILD_MAP, group, group, (uint32_t)n);
  cd_pop_to(c, inner);
}

// base + 2 = dict of the keyword arguments.
static void call_keywords(Compiler *c, Reg base, const KeywordSeq *keywords)
{
  Unit *u = c->unit;
  Reg dict = cd_push(c);
  uint32_t inner = u->depth;
  bool made = false;
  for (size_t i = 0; i < keywords->count && !c->failed;) {
    if (!keywords->items[i]->arg) {
      if (!made) cd_emit(c, OP_BUILD_MAP, dict, dict, 0);
      made = true;
      Reg mapping = cd_operand(c, keywords->items[i]->value, NULL);
      cd_emit(c, OP_DICT_MERGE, dict, mapping, base);
      cd_pop_to(c, inner);
      i++;
      continue;
    }
    // Names that follow each other make one dict, merged with what came before.
    size_t n = 0;
    while (i + n < keywords->count && keywords->items[i + n]->arg) n++;
    Reg group = made ? cd_push(c) : dict;
    call_keyword_group(c, group, keywords->items + i, n);
    if (made) cd_emit(c, OP_DICT_MERGE, dict, group, base);
    made = true;
    cd_pop_to(c, inner);
    i += n;
  }
}

void cd_call_arguments(Compiler *c, Reg dst, Reg base, uint32_t extra, const ExprSeq *args, const KeywordSeq *keywords, bool merge_ex)
{
  Position at = c->unit->at;
  if (!cd_check_keywords(c, keywords)) return;
  if (!merge_ex && cd_call_is_plain(args, keywords)) {
    call_plain(c, dst, base, extra, args, keywords, at);
    return;
  }
  call_positional(c, base, extra, args);
  if (keywords->count) call_keywords(c, base, keywords);
  c->unit->at = at;
  cd_emit(c, OP_CALL_EX, dst, base, keywords->count ? 1 : 0);
}

static void expr_method_call(Compiler *c, Expr *e, Reg dst)
{
  Unit *u = c->unit;
  Expr *method = e->as.Call.func;
  uint32_t depth = u->depth;
  Position at = u->at;
  Reg base = expr_work(c, dst);
  Reg object = expr_operand_in(c, method->as.Attribute.value, NULL, base);
  cd_push(c);
  expr_at(c, method);
  expr_at_attribute(c, method);
  cd_emit(c, OP_LOAD_METHOD, base, object, cd_name(c, cd_mangled(c, method->as.Attribute.attr)));
  u->at = at;
  expr_at_attribute(c, method);
  if (cd_check_keywords(c, &e->as.Call.keywords)) call_plain(c, dst, base, 0, &e->as.Call.args, &e->as.Call.keywords, u->at);
  cd_pop_to(c, depth);
}

static void expr_call(Compiler *c, Expr *e, Reg dst)
{
  Unit *u = c->unit;
  Expr *func = e->as.Call.func;
  uint32_t depth = u->depth;
  bool plain = cd_call_is_plain(&e->as.Call.args, &e->as.Call.keywords);
  if (func->kind == EXPR_Attribute && func->as.Attribute.ctx == CTX_Load && plain) {
    expr_method_call(c, e, dst);
    return;
  }
  expr_check_callee(c, func);
  Reg base = expr_work(c, dst);
  cd_expr(c, func, base);
  Reg self = cd_push(c);
  if (plain) cd_emit(c, OP_LOAD_NOTHING, self, 0, 0);
  cd_call_arguments(c, dst, base, 0, &e->as.Call.args, &e->as.Call.keywords, false);
  cd_pop_to(c, depth);
}

// ---- yield and await ----

static bool expr_in_function(const Compiler *c) { return c->unit->scope->kind == SCOPE_FUNCTION; }

void cd_await(Compiler *c, Reg temp, int where)
{
  uint32_t depth = c->unit->depth;
  cd_emit(c, OP_GET_AWAITABLE, temp, temp, (uint32_t)where);
  Reg sent = cd_push(c);
  cd_load_const(c, sent, cd_none());
  cd_emit(c, OP_DELEGATE, temp, temp, sent);
  cd_pop_to(c, depth);
}

static void expr_yield(Compiler *c, Expr *e, Reg dst)
{
  if (!expr_in_function(c)) {
    CD_ERROR_HERE(c, "'yield' outside function");
    return;
  }
  uint32_t depth = c->unit->depth;
  Reg value;
  if (e->as.Yield.value) {
    value = expr_first_operand(c, e->as.Yield.value, NULL, dst);
  } else {
    value = expr_work(c, dst);
    cd_load_const(c, value, cd_none());
  }
  cd_emit(c, OP_YIELD, dst, value, 0);
  cd_pop_to(c, depth);
}

static bool expr_is_async_function(const Compiler *c) { return c->unit->is_async; }

// In an async generator, PEP 828. `work` is the delegate, behind it lie what is awaited, and what the yield gives.
static void expr_async_yield_from(Compiler *c, Expr *e, Reg dst)
{
  Unit *u = c->unit;
  uint32_t depth = u->depth;
  Label loop = cd_label(c), await = cd_label(c), thrown = cd_label(c), end = cd_label(c);
  Reg work = cd_push(c);
  cd_expr(c, e->as.YieldFrom.value, work);
  cd_emit(c, OP_INTRINSIC, work, work, 9);
  Reg step = cd_push(c), sent = cd_push(c);
  cd_load_const(c, sent, cd_none());
  cd_place(c, loop);
  cd_emit(c, OP_COPY, step, work, 0);
  cd_emit(c, OP_INTRINSIC, step, step, 10);
  cd_place(c, await);
  cd_pop_to(c, REG_NUMBER(sent));
  cd_await(c, step, 0);
  cd_push(c);
  cd_emit(c, OP_COPY, sent, work, 0);
  cd_emit(c, OP_INTRINSIC, sent, sent, 12);
  cd_emit_jump(c, OP_JUMP_IF_TRUE, sent, end);
  int32_t outside = cd_handler_push(c, thrown, REG_NUMBER(step));
  cd_emit(c, OP_YIELD, sent, step, 0);
  u->handler = outside;
  cd_emit_jump(c, OP_JUMP_BACK, 0, loop);
  cd_place(c, thrown);                           // the exception is in `step`
  cd_emit(c, OP_MOVE, sent, step, 0);
  cd_emit(c, OP_COPY, step, work, 0);
  cd_emit(c, OP_INTRINSIC, step, step, 11);
  cd_emit_jump(c, OP_JUMP, 0, await);
  cd_place(c, end);
  cd_emit(c, OP_DROP, work, 0, 0);
  cd_emit(c, OP_MOVE, dst, step, 0);
  cd_pop_to(c, depth);
}

static void expr_yield_from(Compiler *c, Expr *e, Reg dst)
{
  if (!expr_in_function(c)) {
    CD_ERROR_HERE(c, "'yield' outside function");
    return;
  }
  if (expr_is_async_function(c) && c->flags & CO_CEDE_YIELD_FROM_ASYNC) {
    expr_async_yield_from(c, e, dst);
    return;
  }
  if (expr_is_async_function(c)) {
    CD_ERROR_HERE(c, "'yield from' inside async function");
    return;
  }
  uint32_t depth = c->unit->depth;
  Reg work = expr_work(c, dst), value = expr_operand_in(c, e->as.YieldFrom.value, NULL, work);
  cd_emit(c, OP_GET_YIELD_FROM_ITER, work, value, 0);
  Reg sent = cd_push(c);
  cd_load_const(c, sent, cd_none());
  cd_emit(c, OP_DELEGATE, dst, work, sent);
  cd_pop_to(c, depth);
}

static void expr_await(Compiler *c, Expr *e, Reg dst)
{
  bool top_level = (c->flags & PYCF_ALLOW_TOP_LEVEL_AWAIT) && c->unit->scope->kind == SCOPE_MODULE;
  if (!top_level && !expr_in_function(c)) {
    CD_ERROR_HERE(c, "'await' outside function");
    return;
  }
  if (!top_level && !expr_is_async_function(c) && !c->unit->scope->comprehension) {
    CD_ERROR_HERE(c, "'await' outside async function");
    return;
  }
  uint32_t depth = c->unit->depth;
  Reg work = expr_work(c, dst), value = expr_operand_in(c, e->as.Await.value, NULL, work);
  cd_emit(c, OP_GET_AWAITABLE, work, value, 0);
  Reg sent = cd_push(c);
  cd_load_const(c, sent, cd_none());
  cd_emit(c, OP_DELEGATE, dst, work, sent);
  cd_pop_to(c, depth);
}

// ---- any expression ----

static void expr_walrus(Compiler *c, Expr *e, Reg dst)
{
  Expr *target = e->as.NamedExpr.target;
  cd_expr(c, e->as.NamedExpr.value, dst);
  Reg local = cd_local_of(c, target->as.Name.id);
  Position at = c->unit->at;
  if (cd_forbidden_name(c, target->as.Name.id, CTX_Store)) return;
  expr_at(c, target);
  if (local != REG_NONE) {
    if (local != dst) cd_emit(c, OP_COPY, local, dst, 0);
  } else if (cd_is_temp(dst)) {
    uint32_t depth = c->unit->depth;
    Reg twin = cd_push(c);
    cd_emit(c, OP_COPY, twin, dst, 0);
    cd_store_name_from(c, target->as.Name.id, twin);
    cd_pop_to(c, depth);
  } else {
    cd_store_name_from(c, target->as.Name.id, dst);
  }
  c->unit->at = at;
}

static void expr_kind(Compiler *c, Expr *e, Reg dst)
{
  switch (e->kind) {
  case EXPR_Name: cd_load_name_into(c, e->as.Name.id, dst); break;
  case EXPR_Constant: cd_load_const(c, dst, e->as.Constant.value); break;
  case EXPR_Attribute: expr_attribute(c, e, dst); break;
  case EXPR_Call: expr_call(c, e, dst); break;
  case EXPR_BinOp: expr_binary(c, e, dst); break;
  case EXPR_UnaryOp: expr_unary(c, e, dst); break;
  case EXPR_Compare: expr_compare(c, e, dst); break;
  case EXPR_BoolOp: expr_boolean(c, e, dst); break;
  case EXPR_IfExp: expr_conditional(c, e, dst); break;
  case EXPR_NamedExpr: expr_walrus(c, e, dst); break;
  case EXPR_Lambda: cd_lambda(c, e, dst); break;
  case EXPR_Dict: expr_dict(c, e, dst); break;
  case EXPR_Set: expr_set(c, &e->as.Set.elts, dst); break;
  case EXPR_List: expr_list(c, &e->as.List.elts, dst); break;
  case EXPR_Tuple: cd_tuple_display(c, &e->as.Tuple.elts, dst); break;
  case EXPR_ListComp: case EXPR_SetComp: case EXPR_DictComp: case EXPR_GeneratorExp: cd_comprehension(c, e, dst); break;
  case EXPR_Await: expr_await(c, e, dst); break;
  case EXPR_Yield: expr_yield(c, e, dst); break;
  case EXPR_YieldFrom: expr_yield_from(c, e, dst); break;
  case EXPR_FormattedValue: expr_formatted(c, e, dst); break;
  case EXPR_JoinedStr: expr_joined(c, e, dst); break;
  case EXPR_Subscript: expr_subscript(c, e, dst); break;
  case EXPR_Slice: expr_slice(c, e, dst); break;
  case EXPR_Starred: CD_ERROR_HERE(c, "can't use starred expression here"); break;
  }
}

void cd_expr(Compiler *c, Expr *e, Reg dst)
{
  if (c->failed || !cd_codegen_enter(c)) return;
  Unit *u = c->unit;
  Position at = u->at;
  expr_at(c, e);
  expr_kind(c, e, dst);
  u->at = at;
  c->depth--;
}

void cd_discard(Compiler *c, Expr *e)
{
  uint32_t depth = c->unit->depth;
  Position at = c->unit->at;
  if (e->kind == EXPR_Constant) {
    cd_emit(c, OP_NOP, 0, 0, 0);
    return;
  }
  Reg value = cd_operand(c, e, NULL);
  if (cd_is_temp(value)) {
    c->unit->at = NO_POSITION;
    cd_emit(c, OP_DROP, value, 0, 0);
    c->unit->at = at;
  }
  cd_pop_to(c, depth);
}

// ---- targets ----

static void store_unpacked(Compiler *c, const ExprSeq *elts, Reg src)
{
  Unit *u = c->unit;
  uint32_t depth = u->depth;
  size_t star = SIZE_MAX, n = elts->count;
  for (size_t i = 0; i < n; i++) {
    if (elts->items[i]->kind != EXPR_Starred) continue;
    if (star != SIZE_MAX) {
      CD_ERROR_HERE(c, "multiple starred expressions in assignment");
      return;
    }
    if (i >= 256 || n - i - 1 >= 1 << 23) {
      CD_ERROR_HERE(c, "too many expressions in star-unpacking assignment");
      return;
    }
    star = i;
  }
  if (n > CONST_OPERAND_MAX) {
    CD_ERROR_HERE(c, "too many expressions in assignment");
    return;
  }
  Reg base = expr_is_top(c, src) ? src : cd_push(c);
  for (size_t i = 1; i < n; i++) cd_push(c);
  if (star == SIZE_MAX) cd_emit(c, OP_UNPACK_SEQUENCE, base, src, (uint32_t)n);
  else cd_emit(c, OP_UNPACK_EX, base, src, (uint32_t)star | (uint32_t)(n - star - 1) << 8);
  for (size_t i = 0; i < n && !c->failed; i++) {
    Expr *e = elts->items[i];
    cd_store(c, e->kind == EXPR_Starred ? e->as.Starred.value : e, cd_temp(REG_NUMBER(base) + (uint32_t)i));
  }
  cd_pop_to(c, depth);
}

static void store_attribute(Compiler *c, Expr *target, Reg src)
{
  uint32_t depth = c->unit->depth;
  if (cd_forbidden_name(c, target->as.Attribute.attr, CTX_Store)) return;
  Reg object = cd_operand(c, target->as.Attribute.value, NULL);
  expr_at_attribute(c, target);
  cd_emit(c, OP_STORE_ATTR, object, cd_name(c, cd_mangled(c, target->as.Attribute.attr)), src);
  cd_pop_to(c, depth);
}

static void store_subscript(Compiler *c, Expr *target, Reg src)
{
  uint32_t depth = c->unit->depth;
  Reg object = cd_operand(c, target->as.Subscript.value, target->as.Subscript.slice), key = cd_operand(c, target->as.Subscript.slice, NULL);
  cd_emit(c, OP_SET_ITEM, object, key, src);
  cd_pop_to(c, depth);
}

void cd_store(Compiler *c, Expr *target, Reg src)
{
  if (c->failed || !cd_codegen_enter(c)) return;
  Unit *u = c->unit;
  Position at = u->at;
  expr_at(c, target);
  switch (target->kind) {
  case EXPR_Name: cd_store_name_from(c, target->as.Name.id, src); break;
  case EXPR_Attribute: store_attribute(c, target, src); break;
  case EXPR_Subscript: store_subscript(c, target, src); break;
  case EXPR_Tuple: store_unpacked(c, &target->as.Tuple.elts, src); break;
  case EXPR_List: store_unpacked(c, &target->as.List.elts, src); break;
  case EXPR_Starred: CD_ERROR_HERE(c, "starred assignment target must be in a list or tuple"); break;
  default: CD_ERROR_HERE(c, "cannot assign to this expression"); break;
  }
  u->at = at;
  c->depth--;
}

// The line on which the last instruction of an expression lies; -1: it depends.
static int32_t expr_last_line(const Expr *e)
{
  if (e->kind == EXPR_Attribute) return e->end_line;
  if (e->kind == EXPR_Call && e->as.Call.func->kind == EXPR_Attribute) return e->as.Call.func->end_line;
  if (e->kind == EXPR_IfExp) {
    int32_t line = expr_last_line(e->as.IfExp.body);
    return line == expr_last_line(e->as.IfExp.orelse) ? line : -1;
  }
  return e->line;
}

// x = value without a temporary between, if x is a local variable.
bool cd_assign_directly(Compiler *c, Expr *target, Expr *value)
{
  if (target->kind != EXPR_Name || expr_last_line(value) != target->line) return false;
  Reg local = cd_local_of(c, target->as.Name.id);
  if (local == REG_NONE || cd_is(target->as.Name.id, c->vm->names.__debug__)) return false;
  cd_expr(c, value, local);
  return true;
}

static bool expr_has_star(const ExprSeq *elts)
{
  for (size_t i = 0; i < elts->count; i++)
    if (elts->items[i]->kind == EXPR_Starred) return true;
  return false;
}

// a, b = c, d: no tuple is made.
static bool assign_pairwise(Compiler *c, Expr *target, Expr *value)
{
  if ((target->kind != EXPR_Tuple && target->kind != EXPR_List) || (value->kind != EXPR_Tuple && value->kind != EXPR_List)) return false;
  const ExprSeq *to = &target->as.Tuple.elts, *from = &value->as.Tuple.elts;     // ORDER: List and Tuple have the same fields
  if (to->count != from->count || !to->count || to->count > 16 || expr_has_star(to) || expr_has_star(from)) return false;
  uint32_t depth = c->unit->depth;
  for (size_t i = 0; i < from->count; i++) cd_expr_push(c, from->items[i]);
  Position at = c->unit->at;
  expr_at(c, target);
  for (size_t i = 0; i < to->count; i++) cd_store(c, to->items[i], cd_temp(depth + (uint32_t)i));
  c->unit->at = at;
  cd_pop_to(c, depth);
  return true;
}

// May evaluating the target bind the local that holds the value?
static Expr *assign_later(Expr *target) { return target->kind == EXPR_Name ? NULL : target; }

void cd_assign(Compiler *c, Expr *target, Expr *value)
{
  if (cd_assign_directly(c, target, value) || assign_pairwise(c, target, value)) return;
  uint32_t depth = c->unit->depth;
  Reg reg = cd_operand(c, value, assign_later(target));
  cd_store(c, target, reg);
  cd_pop_to(c, depth);
}

void cd_delete(Compiler *c, Expr *target)
{
  if (c->failed || !cd_codegen_enter(c)) return;
  Unit *u = c->unit;
  Position at = u->at;
  uint32_t depth = u->depth;
  expr_at(c, target);
  switch (target->kind) {
  case EXPR_Name: cd_delete_named(c, target->as.Name.id); break;
  case EXPR_Attribute: {
    if (cd_forbidden_name(c, target->as.Attribute.attr, CTX_Del)) break;
    Reg object = cd_operand(c, target->as.Attribute.value, NULL);
    expr_at_attribute(c, target);
    cd_emit(c, OP_DELETE_ATTR, object, cd_name(c, cd_mangled(c, target->as.Attribute.attr)), 0);
    break;
  }
  case EXPR_Subscript: {
    Reg object = cd_operand(c, target->as.Subscript.value, target->as.Subscript.slice),
        key = cd_operand(c, target->as.Subscript.slice, NULL);
    cd_emit(c, OP_DELETE_ITEM, object, key, 0);
    break;
  }
  case EXPR_Tuple: case EXPR_List:
    for (size_t i = 0; i < target->as.Tuple.elts.count; i++) cd_delete(c, target->as.Tuple.elts.items[i]);
    break;
  default: CD_ERROR_HERE(c, "cannot delete this expression"); break;
  }
  cd_pop_to(c, depth);
  u->at = at;
  c->depth--;
}
