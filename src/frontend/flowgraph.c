// SPDX-License-Identifier: MIT
// flowgraph.c: makes a unit's instructions fewer: unreachable ones, jumps to jumps, checks of locals that are surely bound
//
// Nothing is moved: instructions are marked as deleted, replaced one for one, or (copies of short endings) appended. A label means the
// first instruction at or behind its place that is not deleted.
#include "frontend/codegen.h"

typedef struct Flow {
  Compiler *c;
  Unit *unit;
  Ir *ir;                                        // the unit's; appending moves it
  uint32_t count;
  int32_t *labels;
  IrHandler *handlers;
  uint32_t handler_count, label_count;
  uint32_t *preds;                               // ways that lead to each instruction that is a leader
} Flow;

static void flow_refresh(Flow *f)
{
  f->ir = f->c->ir + f->unit->ir_base;
  f->count = f->c->ir_count - f->unit->ir_base;
  f->labels = f->c->labels + f->unit->label_base;
  f->label_count = f->c->label_count - f->unit->label_base;
  f->handlers = f->c->handlers + f->unit->handler_base;
  f->handler_count = f->c->handler_count - f->unit->handler_base;
}

static inline bool flow_is_end(const Ir *ir)     // control never goes on behind it
{
  switch (ir->op) {
  case OP_RETURN: case OP_RETURN_CONST: case OP_RAISE: case OP_RERAISE: case OP_JUMP: case OP_JUMP_BACK: return true;
  default: return false;
  }
}
static inline bool flow_is_jump(const Ir *ir) { return ir->jump >= 0 && ir->op != OP_CALL; }

static uint32_t flow_live(const Flow *f, uint32_t i)
{
  while (i < f->count && f->ir[i].deleted) i++;
  return i;
}
static uint32_t flow_target(const Flow *f, Label label) { return flow_live(f, (uint32_t)f->labels[label]); }

// ---- reachability ----

static bool flow_reach(Flow *f)
{
  uint32_t capacity = f->label_count + f->handler_count + 1, depth = 0;
  uint32_t *stack = cd_ast_array(f->c->ast, capacity * 2, sizeof *stack);
  bool *seen = cd_ast_array(f->c->ast, f->label_count + 1, sizeof *seen);
  if (!stack || !seen) return false;
  for (uint32_t i = 0; i < f->count; i++) f->ir[i].reached = false;
  stack[depth++] = 0;
  while (depth) {
    for (uint32_t i = stack[--depth]; i < f->count; i++) {
      Ir *ir = &f->ir[i];
      if (ir->deleted) continue;
      if (ir->reached) break;
      ir->reached = true;
      if (ir->handler >= 0) {
        Label label = f->handlers[ir->handler].label;
        if (!seen[label]) {
          seen[label] = true;
          f->ir[f->labels[label]].leader = true;
          stack[depth++] = (uint32_t)f->labels[label];
        }
      }
      if (flow_is_jump(ir) && !seen[ir->jump]) {
        seen[ir->jump] = true;
        f->ir[f->labels[ir->jump]].leader = true;
        stack[depth++] = (uint32_t)f->labels[ir->jump];
      }
      if (flow_is_end(ir)) break;
    }
  }
  for (uint32_t i = 0; i < f->count; i++)
    if (!f->ir[i].reached) f->ir[i].deleted = true;
  return true;
}

// ---- jumps ----

static bool flow_same_line(const Ir *ir, const Ir *target) { return target->at.line < 0 || target->at.line == ir->at.line; }

static bool flow_is_bool_jump(uint16_t op)
{
  return op == OP_JUMP_IF_FALSE || op == OP_JUMP_IF_TRUE || op == OP_JUMP_IF_FALSE_OR_DROP || op == OP_JUMP_IF_TRUE_OR_DROP;
}
static bool flow_jumps_if_true(uint16_t op) { return op == OP_JUMP_IF_TRUE || op == OP_JUMP_IF_TRUE_OR_DROP; }

// Jumps of `a and b or c` that land on another test of the same value. true: changed.
static bool flow_thread_test(Flow *f, Ir *ir, uint32_t at)
{
  const Ir *target = &f->ir[at];
  if (ir->op != OP_JUMP_IF_FALSE_OR_DROP && ir->op != OP_JUMP_IF_TRUE_OR_DROP) return false;
  if (!flow_is_bool_jump(target->op) || target->a != ir->a || target->handler != ir->handler || target->at.line != ir->at.line)
    return false;
  bool drops = target->op == OP_JUMP_IF_FALSE || target->op == OP_JUMP_IF_TRUE, truth = flow_jumps_if_true(ir->op);
  if (flow_jumps_if_true(target->op) == truth) { // the second test jumps as well
    ir->jump = target->jump;
    if (drops) ir->op = truth ? OP_JUMP_IF_TRUE : OP_JUMP_IF_FALSE;
    return true;
  }
  // The second test does not jump: behind it the value is gone.
  Label label = cd_label(f->c);
  if (f->c->failed) return false;
  flow_refresh(f);
  ir->op = truth ? OP_JUMP_IF_TRUE : OP_JUMP_IF_FALSE;
  ir->jump = label;
  f->labels[label] = (int32_t)at + 1;
  return true;
}

static void flow_thread(Flow *f)
{
  for (uint32_t i = 0; i < f->count; i++) {
    for (int hops = 0; hops < 16; hops++) {
      Ir *ir = &f->ir[i];
      if (ir->deleted || !flow_is_jump(ir)) break;
      uint32_t at = flow_target(f, ir->jump);
      while (at < f->count && f->ir[at].op == OP_NOP && f->ir[at].at.line < 0) at = flow_live(f, at + 1);
      if (at >= f->count) break;
      const Ir *target = &f->ir[at];
      if (target->op == OP_JUMP && flow_same_line(ir, target) && target->jump != ir->jump) {
        ir->jump = target->jump;
        continue;
      }
      if (ir->op == OP_JUMP && target->op == OP_JUMP_BACK && flow_same_line(ir, target)) {
        ir->op = OP_JUMP_BACK;
        ir->jump = target->jump;
        break;
      }
      if (!flow_thread_test(f, ir, at)) break;
    }
  }
}

// ---- short endings are copied to where they are jumped to from ----

enum { ENDING_MAX = 6 };

static bool flow_begins_handler(const Flow *f, uint32_t i)
{
  for (uint32_t h = 0; h < f->handler_count; h++)
    if (flow_target(f, f->handlers[h].label) == i) return true;
  return false;
}

// Will a jump get a line from what comes before it? Only the clean-up of handlers is on none.
static bool flow_may_get_line(const Flow *f, uint32_t i)
{
  for (;; i--) {
    const Ir *ir = &f->ir[i];
    if (ir->deleted) continue;
    if (ir->at.line >= 0) return true;
    if (ir->leader || !i) return i && !flow_begins_handler(f, i);
  }
}

// The instruction at `at`, or where a jump there that is on no line leads.
static uint32_t flow_skip_jumps(const Flow *f, uint32_t at)
{
  for (int hops = 0; hops < 4 && at < f->count && f->ir[at].op == OP_JUMP && f->ir[at].at.line < 0; hops++)
    at = flow_target(f, f->ir[at].jump);
  return at;
}

// Length of the run from `at` that ends the function and is on no line; 0: it is none that the jump `from` should have a copy of.
static uint32_t flow_ending(const Flow *f, uint32_t at, uint32_t from)
{
  for (uint32_t n = 1; n <= ENDING_MAX && (at = flow_skip_jumps(f, at)) < f->count; n++, at = flow_live(f, at + 1)) {
    const Ir *ir = &f->ir[at];
    if (ir->at.line >= 0) return 0;
    if (ir->op == OP_RETURN || ir->op == OP_RETURN_CONST) return n;
    if (ir->op == OP_RERAISE) return flow_may_get_line(f, from) ? n : 0;         // a copy of it is for the line
    if (flow_is_end(ir) || flow_is_jump(ir)) return 0;
  }
  return 0;
}

// A jump to `return constant` returns itself.
static void flow_inline_returns(Flow *f)
{
  for (uint32_t i = 0; i < f->count; i++) {
    Ir *ir = &f->ir[i];
    if (ir->deleted || ir->op != OP_JUMP) continue;
    uint32_t at = flow_target(f, ir->jump);
    if (at >= f->count || f->ir[at].op != OP_RETURN_CONST || f->ir[at].handler != ir->handler) continue;
    Position at_jump = ir->at;
    *ir = f->ir[at];
    ir->leader = false;
    if (ir->at.line < 0) ir->at = at_jump;
  }
}

// The label of a copy of the `n` instructions from `at`, on the line of a jump.
static Label flow_copy_ending(Flow *f, uint32_t at, uint32_t n, Position position)
{
  Label label = cd_label(f->c);
  if (f->c->failed) return label;
  flow_refresh(f);
  f->labels[label] = (int32_t)(f->c->ir_count - f->unit->ir_base);
  for (uint32_t k = 0; k < n && !f->c->failed; k++, at = flow_live(f, at + 1)) {
    at = flow_skip_jumps(f, at);
    cd_emit(f->c, OP_NOP, 0, 0, 0);
    flow_refresh(f);
    Ir *copy = &f->ir[f->count - 1];
    *copy = f->ir[at];
    copy->leader = k == 0;
    copy->at = position;
  }
  return label;
}

static bool flow_copy_endings(Flow *f)
{
  flow_inline_returns(f);
  uint32_t count = f->count;
  for (uint32_t i = 0; i < count && !f->c->failed; i++) {
    const Ir *ir = &f->ir[i];
    if (ir->deleted || !flow_is_jump(ir) || ir->op == OP_JUMP_BACK) continue;
    uint32_t at = flow_target(f, ir->jump), n = at < count ? flow_ending(f, at, i) : 0;
    if (!n) continue;
    Label label = flow_copy_ending(f, at, n, ir->at);
    f->ir[i].jump = label;
  }
  return !f->c->failed;
}

// ---- lines ----

static bool flow_count_preds(Flow *f)
{
  f->preds = cd_ast_array(f->c->ast, f->count + 1, sizeof *f->preds);
  if (!f->preds) return false;
  bool falls = false;
  for (uint32_t i = 0; i < f->count; i++) {
    const Ir *ir = &f->ir[i];
    if (ir->deleted) continue;
    if (falls) f->preds[i]++;
    if (flow_is_jump(ir)) f->preds[flow_target(f, ir->jump)]++;
    if (ir->handler >= 0) f->preds[flow_target(f, f->handlers[ir->handler].label)] += 2;   // never from one place
    falls = !flow_is_end(ir);
  }
  return true;
}

// Instructions without a line get that of the only instruction before them.
static void flow_propagate_lines(Flow *f)
{
  const Ir *before = NULL;
  for (uint32_t i = 0; i < f->count; i++) {
    Ir *ir = &f->ir[i];
    if (ir->deleted) continue;
    if (ir->at.line < 0 && before && f->preds[i] == 1) ir->at = before->at;
    if (flow_is_jump(ir)) {
      uint32_t at = flow_target(f, ir->jump);
      if (at < f->count && f->preds[at] == 1 && f->ir[at].at.line < 0) f->ir[at].at = ir->at;
    }
    before = flow_is_end(ir) ? NULL : ir;
  }
  for (uint32_t i = 0; i < f->count; i++) {
    Ir *ir = &f->ir[i];
    if (!ir->deleted && ir->at.line < 0 && (ir->op == OP_RETURN || ir->op == OP_RETURN_CONST))
      ir->at = (Position){f->unit->first_line, f->unit->first_line, -1, -1};
  }
}

// ---- which locals are bound for sure ----

typedef uint64_t BoundWord;

typedef struct Bound {
  Flow *f;
  uint32_t words;
  BoundWord *at_label;                           // what holds where a label is; all ones: not reached yet
  BoundWord *state;
  bool changed;
} Bound;

static void bound_meet(Bound *b, Label label)
{
  BoundWord *to = b->at_label + (size_t)label * b->words;
  for (uint32_t i = 0; i < b->words; i++) {
    BoundWord met = to[i] & b->state[i];
    if (met != to[i]) b->changed = true;
    to[i] = met;
  }
}
static inline bool bound_has(const Bound *b, Reg reg) { return b->state[REG_NUMBER(reg) / 64] >> REG_NUMBER(reg) % 64 & 1; }
static inline void bound_set(Bound *b, Reg reg)
{
  if (REG_KIND(reg) == REG_LOCAL) b->state[REG_NUMBER(reg) / 64] |= (BoundWord)1 << REG_NUMBER(reg) % 64;
}
static inline void bound_unset(Bound *b, Reg reg)
{
  if (REG_KIND(reg) == REG_LOCAL) b->state[REG_NUMBER(reg) / 64] &= ~((BoundWord)1 << REG_NUMBER(reg) % 64);
}

// One pass in order. With `remove`, checks that are not needed become NOPs.
static void bound_pass(Bound *b, const Label *label_at, const Label *next_label, bool remove)
{
  Flow *f = b->f;
  int32_t handler = -1;
  bool meet_handler = false;
  memset(b->state, 0, b->words * sizeof *b->state);
  uint32_t parameters = 0;
  for (uint32_t i = 0; i < f->unit->scope->count; i++) parameters += (f->unit->scope->symbols[i].flags & DEF_PARAM) != 0;
  for (uint32_t i = 0; i < parameters; i++) bound_set(b, REG_MAKE(REG_LOCAL, i));
  for (uint32_t i = 0; i < f->count; i++) {
    if (label_at[i] >= 0) {                      // several labels may be here, and what falls in
      for (Label l = label_at[i]; l >= 0; l = next_label[l]) bound_meet(b, l);
      for (Label l = label_at[i]; l >= 0; l = next_label[l])
        for (uint32_t w = 0; w < b->words; w++) b->state[w] &= b->at_label[(size_t)l * b->words + w];
      meet_handler = true;
    }
    Ir *ir = &f->ir[i];
    if (ir->deleted) continue;
    if (ir->handler != handler) {
      handler = ir->handler;
      meet_handler = true;
    }
    if (meet_handler && handler >= 0) bound_meet(b, f->handlers[handler].label);
    meet_handler = false;
    if (flow_is_jump(ir)) bound_meet(b, ir->jump);
    switch (ir->op) {
    case OP_CHECK_LOCAL:
      if (remove && bound_has(b, ir->a)) ir->op = OP_NOP;
      bound_set(b, ir->a);
      break;
    case OP_DELETE_LOCAL: case OP_CLEAR_LOCAL:
      bound_unset(b, ir->a);
      meet_handler = true;
      break;
    default: {
      const uint8_t *operands = cd_opcode_info[ir->op].operands;
      if (operands[0] == OPERAND_DST) bound_set(b, ir->a);
      if (operands[1] == OPERAND_DST) bound_set(b, ir->b);
    }
    }
    if (flow_is_end(ir)) memset(b->state, 0xFF, b->words * sizeof *b->state);
  }
}

static bool flow_remove_checks(Flow *f)
{
  uint32_t checks = 0, locals = f->unit->varnames.count;
  for (uint32_t i = 0; i < f->count; i++) checks += !f->ir[i].deleted && f->ir[i].op == OP_CHECK_LOCAL;
  if (!checks) return true;
  Bound b = {.f = f, .words = (locals + 63) / 64};
  b.at_label = cd_ast_array(f->c->ast, (size_t)(f->label_count + 1) * b.words, sizeof *b.at_label);
  b.state = cd_ast_array(f->c->ast, b.words, sizeof *b.state);
  Label *label_at = cd_ast_array(f->c->ast, f->count + 1, sizeof *label_at),
        *next_label = cd_ast_array(f->c->ast, f->label_count + 1, sizeof *next_label);
  if (!b.at_label || !b.state || !label_at || !next_label) return false;
  memset(b.at_label, 0xFF, (size_t)f->label_count * b.words * sizeof *b.at_label);
  for (uint32_t i = 0; i <= f->count; i++) label_at[i] = -1;
  for (uint32_t l = 0; l < f->label_count; l++) {
    int32_t at = f->labels[l];
    if (at < 0 || !f->ir[at].leader) continue;
    next_label[l] = label_at[at];
    label_at[at] = (Label)l;
  }
  do {
    b.changed = false;
    bound_pass(&b, label_at, next_label, false);
  } while (b.changed);
  bound_pass(&b, label_at, next_label, true);
  return true;
}

// ---- NOPs ----

// A NOP only carries a line for the tracer: it goes if its neighbour is on that line.
static void flow_remove_nops(Flow *f)
{
  int32_t line_before = -1;                      // of the instruction before in the same block
  for (uint32_t i = 0; i < f->count; i++) {
    Ir *ir = &f->ir[i];
    if (ir->deleted) continue;
    if (ir->leader) line_before = -1;
    if (ir->op == OP_NOP) {
      uint32_t next = flow_live(f, i + 1);
      if (ir->at.line < 0 || ir->at.line == line_before) {
        ir->deleted = true;
      } else if (next < f->count) {
        Ir *after = &f->ir[next];
        if (after->at.line == ir->at.line) {
          ir->deleted = true;
        } else if (after->at.line < 0 && !after->leader) {
          after->at = ir->at;
          ir->deleted = true;
        }
      }
      if (ir->deleted) {
        if (ir->leader && next < f->count) f->ir[next].leader = true;
        continue;
      }
    }
    line_before = ir->at.line;
    if (flow_is_end(ir) || flow_is_jump(ir)) line_before = -1;
  }
}

// A jump to what follows anyway is a NOP.
static bool flow_remove_jumps(Flow *f)
{
  bool changed = false;
  for (uint32_t i = 0; i < f->count; i++) {
    Ir *ir = &f->ir[i];
    if (ir->deleted || ir->op != OP_JUMP || flow_target(f, ir->jump) != flow_live(f, i + 1) || (uint32_t)f->labels[ir->jump] <= i) continue;
    ir->op = OP_NOP;
    ir->jump = -1;
    changed = true;
  }
  return changed;
}

// t = ...; local = t
static void flow_merge_moves(Flow *f)
{
  Ir *before = NULL;
  for (uint32_t i = 0; i < f->count; i++) {
    Ir *ir = &f->ir[i];
    if (ir->deleted) continue;
    if (ir->leader) before = NULL;
    if (ir->op == OP_MOVE && before && !cd_is_temp(ir->a) && before->a == ir->b && cd_opcode_info[before->op].operands[0] == OPERAND_DST &&
        cd_opcode_info[before->op].operands[1] != OPERAND_DST && before->handler == ir->handler && before->at.line == ir->at.line &&
        !flow_is_jump(before)) {
      before->a = ir->a;
      ir->deleted = true;
      continue;
    }
    before = flow_is_end(ir) ? NULL : ir;
  }
}

bool cd_flow_optimize(Compiler *c, Unit *unit)
{
  Flow flow = {.c = c, .unit = unit}, *f = &flow;
  flow_refresh(f);
  if (!flow_reach(f)) return false;
  flow_thread(f);
  if (c->failed || !flow_copy_endings(f)) return false;
  flow_refresh(f);
  if (!flow_reach(f) || !flow_count_preds(f)) return false;
  flow_propagate_lines(f);
  if (!flow_remove_checks(f)) return false;
  flow_remove_nops(f);
  if (flow_remove_jumps(f)) flow_remove_nops(f);
  flow_merge_moves(f);
  return true;
}
