// SPDX-License-Identifier: MIT
// compile_match.c: the match statement
//
// The subject stands in a temporary. Above it come one temporary for each name the pattern may capture, and above these what sub-patterns
// look at. A test that fails jumps to a label that drops just the temporaries in use there: fail[n] drops n of them and falls into fail[n -
// 1]. Captured values become variables only when the whole pattern has matched.
#include "frontend/codegen.h"

#include "objects/set.h"
#include "objects/str.h"
#include "objects/tuple.h"

typedef struct PatternContext {
  uint32_t base;                                 // depth for which fail[0] stands
  Label *fail;
  uint32_t fail_capacity;
  Value *names;                                  // captured so far; name i is in temporary first_slot + i
  uint32_t name_count, name_capacity, first_slot;
  bool allow_irrefutable;
} PatternContext;

static void match_pattern(Compiler *c, Pattern *p, Reg subject, PatternContext *pc);

// ---- failing ----

static Label match_fail(Compiler *c, PatternContext *pc)
{
  uint32_t n = c->unit->depth - pc->base;
  if (n >= pc->fail_capacity) {
    uint32_t capacity = pc->fail_capacity ? pc->fail_capacity : 8;
    while (capacity <= n) capacity *= 2;
    Label *fail = cd_ast_array(c->ast, capacity, sizeof *fail);
    if (!fail) {
      c->failed = true;
      return 0;
    }
    for (uint32_t i = 0; i < capacity; i++) fail[i] = i < pc->fail_capacity ? pc->fail[i] : NO_LABEL;
    pc->fail = fail;
    pc->fail_capacity = capacity;
  }
  if (pc->fail[n] == NO_LABEL) pc->fail[n] = cd_label(c);
  return pc->fail[n];
}

// Places all labels; control goes on behind.
static void match_place_fails(Compiler *c, PatternContext *pc)
{
  bool any = false;
  for (uint32_t n = pc->fail_capacity; n-- > 0;) {
    if (pc->fail[n] != NO_LABEL) {
      cd_place(c, pc->fail[n]);
      any = true;
    }
    if (any && n) cd_emit(c, OP_DROP, cd_temp(pc->base + n - 1), 0, 0);
  }
}

// Consumes a temporary test result.
static void match_jump(Compiler *c, Opcode op, Reg test, PatternContext *pc)
{
  cd_pop_to(c, REG_NUMBER(test));
  cd_emit_jump(c, op, test, match_fail(c, pc));
}

static void match_is_none(Compiler *c, Reg value, PatternContext *pc)   // fails if value is None; value stays, and is in use
{
  Reg test = cd_push(c);
  cd_emit(c, OP_COPY, test, value, 0);
  match_jump(c, OP_JUMP_IF_NONE, test, pc);
}

// ---- captures ----

static uint32_t match_count_names(const Pattern *p);

static uint32_t match_count_seq(const PatternSeq *seq)
{
  uint32_t n = 0;
  for (size_t i = 0; i < seq->count; i++) n += match_count_names(seq->items[i]);
  return n;
}

static uint32_t match_count_names(const Pattern *p)
{
  switch (p->kind) {
  case PATTERN_MatchValue: case PATTERN_MatchSingleton: return 0;
  case PATTERN_MatchSequence: return match_count_seq(&p->as.MatchSequence.patterns);
  case PATTERN_MatchStar: return p->as.MatchStar.name != NO_VALUE;
  case PATTERN_MatchMapping: return match_count_seq(&p->as.MatchMapping.patterns) + (p->as.MatchMapping.rest != NO_VALUE);
  case PATTERN_MatchClass: return match_count_seq(&p->as.MatchClass.patterns) + match_count_seq(&p->as.MatchClass.kwd_patterns);
  case PATTERN_MatchAs: return (p->as.MatchAs.pattern ? match_count_names(p->as.MatchAs.pattern) : 0) + (p->as.MatchAs.name != NO_VALUE);
  case PATTERN_MatchOr: return match_count_seq(&p->as.MatchOr.patterns);
  }
  return 0;
}

static void match_capture(Compiler *c, Value name, Reg value, bool move, PatternContext *pc)
{
  if (c->failed || cd_forbidden_name(c, name, CTX_Store)) return;
  for (uint32_t i = 0; i < pc->name_count; i++)
    if (cd_is(pc->names[i], name)) {
      CD_ERROR_HERE(c, "multiple assignments to name %R in pattern", name);
      return;
    }
  pc->names[pc->name_count] = name;
  cd_emit(c, move ? OP_MOVE : OP_COPY, cd_temp(pc->first_slot + pc->name_count++), value, 0);
}

// ---- patterns ----

static bool match_is_wildcard(const Pattern *p) { return p->kind == PATTERN_MatchAs && !p->as.MatchAs.name && !p->as.MatchAs.pattern; }
static bool match_is_star_wildcard(const Pattern *p) { return p->kind == PATTERN_MatchStar && !p->as.MatchStar.name; }

static void match_sub(Compiler *c, Pattern *p, Reg subject, PatternContext *pc)
{
  bool allow = pc->allow_irrefutable;
  pc->allow_irrefutable = true;
  match_pattern(c, p, subject, pc);
  pc->allow_irrefutable = allow;
}

static bool match_is_value(const Expr *e)
{
  return e->kind == EXPR_Constant || e->kind == EXPR_Attribute || e->kind == EXPR_UnaryOp || e->kind == EXPR_BinOp;
}

static void match_value(Compiler *c, Pattern *p, Reg subject, PatternContext *pc)
{
  Expr *value = p->as.MatchValue.value;
  if (!match_is_value(value)) {
    CD_ERROR_HERE(c, "patterns may only match literals and attribute lookups");
    return;
  }
  Reg test = cd_push(c);
  cd_emit(c, OP_COPY, test, subject, 0);
  uint32_t k = value->kind == EXPR_Constant ? cd_const(c, value->as.Constant.value) : UINT32_MAX;
  if (k <= 0xFFFF) {
    cd_emit(c, OP_EQ_K, test, test, k);
  } else {
    Reg other = cd_expr_push(c, value);
    cd_emit(c, OP_EQ, test, test, other);
  }
  match_jump(c, OP_JUMP_IF_FALSE, test, pc);
}

static void match_singleton(Compiler *c, Pattern *p, Reg subject, PatternContext *pc)
{
  Reg test = cd_push(c);
  cd_emit(c, OP_COPY, test, subject, 0);
  if (cd_is_none(p->as.MatchSingleton.value)) {
    match_jump(c, OP_JUMP_IF_NOT_NONE, test, pc);
    return;
  }
  Reg constant = cd_push(c);
  cd_load_const(c, constant, p->as.MatchSingleton.value);
  cd_emit(c, OP_IS, test, test, constant);
  match_jump(c, OP_JUMP_IF_FALSE, test, pc);
}

// len(subject) <op> n
static void match_length(Compiler *c, Reg subject, Opcode op_k, size_t n, PatternContext *pc)
{
  Reg test = cd_push(c);
  cd_emit(c, OP_GET_LEN, test, subject, 0);
  uint32_t k = cd_const(c, cd_from_small((int64_t)n));
  if (k <= 0xFFFF) {
    cd_emit(c, op_k, test, test, k);
  } else {
    Reg constant = cd_push(c);
    cd_load_const(c, constant, cd_from_small((int64_t)n));
    cd_emit(c, op_k - (OP_LT_K - OP_LT), test, test, constant);
  }
  match_jump(c, OP_JUMP_IF_FALSE, test, pc);
}

// The values in the `n` temporaries from `first` on, the topmost ones, against patterns; then they are gone.
static void match_values(Compiler *c, Pattern *const *patterns, size_t n, Reg first, PatternContext *pc)
{
  for (size_t i = 0; i < n && !c->failed; i++) {
    Reg value = cd_temp(REG_NUMBER(first) + (uint32_t)i);
    Pattern *p = patterns[i];
    if (p->kind == PATTERN_MatchStar) {
      Position at = c->unit->at;
      c->unit->at = POSITION_OF(p);
      if (p->as.MatchStar.name) match_capture(c, p->as.MatchStar.name, value, false, pc);
      c->unit->at = at;
    } else if (!match_is_wildcard(p)) {
      match_sub(c, p, value, pc);
    }
  }
  for (size_t i = n; i-- > 0;) cd_emit(c, OP_DROP, cd_temp(REG_NUMBER(first) + (uint32_t)i), 0, 0);
  cd_pop_to(c, REG_NUMBER(first));
}

// [a, *_, b]: items are fetched one by one.
static void match_by_index(Compiler *c, const PatternSeq *patterns, size_t star, Reg subject, PatternContext *pc)
{
  for (size_t i = 0; i < patterns->count && !c->failed; i++) {
    Pattern *p = patterns->items[i];
    if (i == star || match_is_wildcard(p)) continue;
    Reg item = cd_push(c), key = cd_push(c);
    cd_emit(c, OP_COPY, item, subject, 0);
    if (i < star) {
      cd_load_const(c, key, cd_from_small((int64_t)i));
    } else {                                     // the subject may not know negative indices
      cd_emit(c, OP_GET_LEN, key, subject, 0);
      Reg back = cd_push(c);
      cd_load_const(c, back, cd_from_small((int64_t)(patterns->count - i)));
      cd_emit(c, OP_SUBTRACT, key, key, back);
    }
    cd_emit(c, OP_GET_ITEM, item, item, key);
    cd_pop_to(c, REG_NUMBER(item) + 1);
    match_values(c, &patterns->items[i], 1, item, pc);
  }
}

static void match_sequence(Compiler *c, Pattern *p, Reg subject, PatternContext *pc)
{
  const PatternSeq *patterns = &p->as.MatchSequence.patterns;
  size_t n = patterns->count, star = SIZE_MAX;
  bool only_wildcards = true, star_wildcard = false;
  for (size_t i = 0; i < n; i++) {
    const Pattern *sub = patterns->items[i];
    if (sub->kind == PATTERN_MatchStar) {
      if (star != SIZE_MAX) {
        CD_ERROR_HERE(c, "multiple starred names in sequence pattern");
        return;
      }
      star_wildcard = match_is_star_wildcard(sub);
      only_wildcards &= star_wildcard;
      star = i;
      continue;
    }
    only_wildcards &= match_is_wildcard(sub);
  }
  if (star != SIZE_MAX && (star >= 256 || n - star - 1 >= 1 << 23)) {
    CD_ERROR_HERE(c, "too many expressions in star-unpacking sequence pattern");
    return;
  }
  Reg test = cd_push(c);
  cd_emit(c, OP_MATCH_SEQUENCE, test, subject, 0);
  match_jump(c, OP_JUMP_IF_FALSE, test, pc);
  if (star == SIZE_MAX) match_length(c, subject, OP_EQ_K, n, pc);
  else if (n > 1) match_length(c, subject, OP_GE_K, n - 1, pc);
  if (only_wildcards) return;
  if (star_wildcard) {
    match_by_index(c, patterns, star, subject, pc);
    return;
  }
  Reg base = cd_push(c);
  cd_emit(c, OP_COPY, base, subject, 0);
  for (size_t i = 1; i < n; i++) cd_push(c);
  if (star == SIZE_MAX) cd_emit(c, OP_UNPACK_SEQUENCE, base, base, (uint32_t)n);
  else cd_emit(c, OP_UNPACK_EX, base, base, (uint32_t)star | (uint32_t)(n - star - 1) << 8);
  match_values(c, patterns->items, n, base, pc);
}

static bool match_check_keys(Compiler *c, const ExprSeq *keys)
{
  Ref seen = cd_set_new(c->vm, NO_VALUE);
  if (!seen) c->failed = true;
  for (size_t i = 0; i < keys->count && !c->failed; i++) {
    const Expr *key = keys->items[i];
    if (!match_is_value(key)) {
      CD_ERROR(c, key, "mapping pattern keys may only match literals and attribute lookups");
    } else if (key->kind == EXPR_Constant) {
      Value v = key->as.Constant.value;
      Find found = cd_set_contains(c->vm, seen, v);
      if (found == FIND_HIT) CD_ERROR_HERE(c, "mapping pattern checks duplicate key (%R)", v);
      if (found == FIND_ERROR || (found == FIND_MISSING && !cd_set_add(c->vm, seen, v))) c->failed = true;
    }
  }
  cd_drop(c->vm, seen);
  return !c->failed;
}

// **rest: a dict of the subject without the keys in the tuple `keys`.
static void match_rest(Compiler *c, Value name, Reg subject, Reg keys, size_t n, PatternContext *pc)
{
  uint32_t depth = c->unit->depth;
  Reg rest = cd_push(c), part = cd_push(c);
  cd_emit(c, OP_BUILD_MAP, rest, rest, 0);
  cd_emit(c, OP_COPY, part, subject, 0);
  cd_emit(c, OP_DICT_UPDATE, rest, part, 0);
  if (n) {
    cd_emit(c, OP_COPY, part, keys, 0);
    for (size_t i = 1; i < n; i++) cd_push(c);
    cd_emit(c, OP_UNPACK_SEQUENCE, part, part, (uint32_t)n);
    Reg dict = cd_push(c);
    for (size_t i = 0; i < n; i++) {
      cd_emit(c, OP_COPY, dict, rest, 0);
      cd_emit(c, OP_DELETE_ITEM, dict, cd_temp(REG_NUMBER(part) + (uint32_t)i), 0);
    }
  }
  match_capture(c, name, rest, true, pc);
  cd_pop_to(c, depth);
}

static void match_mapping(Compiler *c, Pattern *p, Reg subject, PatternContext *pc)
{
  const ExprSeq *keys = &p->as.MatchMapping.keys;
  const PatternSeq *patterns = &p->as.MatchMapping.patterns;
  Value rest = p->as.MatchMapping.rest;
  size_t n = keys->count;
  uint32_t depth = c->unit->depth;
  if (patterns->count != n) {
    CD_ERROR_HERE(c, "keys (%zu) / patterns (%zu) length mismatch in mapping pattern", n, patterns->count);
    return;
  }
  if (n > 0x8000) {
    CD_ERROR_HERE(c, "too many sub-patterns in mapping pattern");
    return;
  }
  Reg test = cd_push(c);
  cd_emit(c, OP_MATCH_MAPPING, test, subject, 0);
  match_jump(c, OP_JUMP_IF_FALSE, test, pc);
  if (!n && !rest) return;
  if (n) match_length(c, subject, OP_GE_K, n, pc);
  if (!match_check_keys(c, keys)) return;
  Reg tuple = REG_NONE;
  if (n) {
    tuple = cd_temp(c->unit->depth);
    for (size_t i = 0; i < n; i++) cd_expr_push(c, keys->items[i]);
    cd_emit(c, OP_BUILD_TUPLE, tuple, tuple, (uint32_t)n);
    cd_pop_to(c, REG_NUMBER(tuple) + 1);
    Reg values = cd_push(c);
    cd_emit(c, OP_MATCH_KEYS, values, subject, tuple);
    match_is_none(c, values, pc);
    for (size_t i = 1; i < n; i++) cd_push(c);
    cd_emit(c, OP_UNPACK_SEQUENCE, values, values, (uint32_t)n);
    match_values(c, patterns->items, n, values, pc);
  }
  if (rest) match_rest(c, rest, subject, tuple, n, pc);
  if (n) cd_emit(c, OP_DROP, tuple, 0, 0);
  cd_pop_to(c, depth);
}

static void match_class(Compiler *c, Pattern *p, Reg subject, PatternContext *pc)
{
  const PatternSeq *positional = &p->as.MatchClass.patterns, *keyword = &p->as.MatchClass.kwd_patterns;
  const NameSeq *names = &p->as.MatchClass.kwd_attrs;
  size_t n = positional->count + keyword->count;
  uint32_t depth = c->unit->depth;
  if (names->count != keyword->count) {
    CD_ERROR_HERE(c, "kwd_attrs (%zu) / kwd_patterns (%zu) length mismatch in class pattern", names->count, keyword->count);
    return;
  }
  if (n > 0x8000) {
    CD_ERROR_HERE(c, "too many sub-patterns in class pattern");
    return;
  }
  for (size_t i = 0; i < names->count; i++) {
    if (cd_forbidden_name(c, names->items[i], CTX_Store)) return;
    for (size_t k = i + 1; k < names->count; k++)
      if (cd_is(names->items[i], names->items[k])) {
        CD_ERROR(c, keyword->items[k], "attribute name repeated in class pattern: %U", names->items[i]);
        return;
      }
  }
  Reg base = cd_push(c);
  cd_emit(c, OP_COPY, base, subject, 0);
  cd_expr_push(c, p->as.MatchClass.cls);
  Ref tuple = cd_tuple_of(c->vm, names->count, names->items);
  Value kept = cd_own(c, tuple);
  Reg attributes = cd_push(c);
  if (kept) cd_load_const(c, attributes, kept);
  cd_emit(c, OP_MATCH_CLASS, base, base, (uint32_t)positional->count);
  cd_pop_to(c, REG_NUMBER(base) + 1);
  match_is_none(c, base, pc);
  for (size_t i = 1; i < n; i++) cd_push(c);
  cd_emit(c, OP_UNPACK_SEQUENCE, base, base, (uint32_t)n);
  if (!n) {
    cd_pop_to(c, depth);
    return;
  }
  Pattern **all = cd_ast_array(c->ast, n, sizeof *all);
  if (!all) {
    c->failed = true;
    return;
  }
  if (positional->count) memcpy(all, positional->items, positional->count * sizeof *all);
  if (keyword->count) memcpy(all + positional->count, keyword->items, keyword->count * sizeof *all);
  match_values(c, all, n, base, pc);
  cd_pop_to(c, depth);
}

static void match_as(Compiler *c, Pattern *p, Reg subject, PatternContext *pc)
{
  Value name = p->as.MatchAs.name;
  if (!p->as.MatchAs.pattern) {
    if (!pc->allow_irrefutable) {
      if (name) CD_ERROR_HERE(c, "name capture %R makes remaining patterns unreachable", name);
      else CD_ERROR_HERE(c, "wildcard makes remaining patterns unreachable");
      return;
    }
    if (name) match_capture(c, name, subject, false, pc);
    return;
  }
  match_pattern(c, p->as.MatchAs.pattern, subject, pc);
  match_capture(c, name, subject, false, pc);
}

// Do names[from, count) hold the same names as `wanted`? Puts them into that order.
static bool match_same_names(Compiler *c, const Value *wanted, PatternContext *pc, uint32_t from, uint32_t count)
{
  for (uint32_t i = 0; i < count; i++) {
    uint32_t k = i;
    while (k < count && !cd_is(pc->names[from + k], wanted[i])) k++;
    if (k == count) return false;
    if (k == i) continue;
    Reg a = cd_temp(pc->first_slot + from + i), b = cd_temp(pc->first_slot + from + k), between = cd_push(c);
    cd_emit(c, OP_MOVE, between, a, 0);
    cd_emit(c, OP_MOVE, a, b, 0);
    cd_emit(c, OP_MOVE, b, between, 0);
    cd_pop_to(c, REG_NUMBER(between));
    Value name = pc->names[from + i];
    pc->names[from + i] = pc->names[from + k];
    pc->names[from + k] = name;
  }
  return true;
}

static void match_or(Compiler *c, Pattern *p, Reg subject, PatternContext *pc)
{
  const PatternSeq *patterns = &p->as.MatchOr.patterns;
  Label end = cd_label(c);
  uint32_t from = pc->name_count, count = 0;
  Value *wanted = NULL;
  PatternContext outer = *pc;
  for (size_t i = 0; i < patterns->count && !c->failed; i++) {
    bool last = i + 1 == patterns->count;
    Pattern *alternative = patterns->items[i];
    c->unit->at = POSITION_OF(alternative);
    pc->base = c->unit->depth;
    pc->fail = NULL;
    pc->fail_capacity = 0;
    pc->name_count = from;
    pc->allow_irrefutable = last && outer.allow_irrefutable;
    match_pattern(c, alternative, subject, pc);
    if (c->failed) return;
    uint32_t bound = pc->name_count - from;
    if (i == 0) {
      count = bound;
      if (count && !(wanted = cd_ast_array(c->ast, count, sizeof *wanted))) {
        c->failed = true;
        return;
      }
      if (count) memcpy(wanted, pc->names + from, count * sizeof *wanted);
    } else if (bound != count || !match_same_names(c, wanted, pc, from, count)) {
      CD_ERROR(c, p, "alternative patterns bind different names");
      return;
    }
    cd_emit_jump(c, OP_JUMP, 0, end);
    match_place_fails(c, pc);
    for (uint32_t k = 0; k < bound; k++) cd_emit(c, OP_CLEAR_LOCAL, cd_temp(pc->first_slot + from + k), 0, 0);
  }
  pc->base = outer.base;
  pc->fail = outer.fail;
  pc->fail_capacity = outer.fail_capacity;
  pc->allow_irrefutable = outer.allow_irrefutable;
  c->unit->at = POSITION_OF(p);
  cd_emit_jump(c, OP_JUMP, 0, match_fail(c, pc));
  cd_place(c, end);
}

static void match_pattern(Compiler *c, Pattern *p, Reg subject, PatternContext *pc)
{
  if (c->failed || !cd_codegen_enter(c)) return;
  c->unit->at = POSITION_OF(p);                  // and there it stays: what comes behind a pattern belongs to the last one in it
  switch (p->kind) {
  case PATTERN_MatchValue: match_value(c, p, subject, pc); break;
  case PATTERN_MatchSingleton: match_singleton(c, p, subject, pc); break;
  case PATTERN_MatchSequence: match_sequence(c, p, subject, pc); break;
  case PATTERN_MatchMapping: match_mapping(c, p, subject, pc); break;
  case PATTERN_MatchClass: match_class(c, p, subject, pc); break;
  case PATTERN_MatchAs: match_as(c, p, subject, pc); break;
  case PATTERN_MatchOr: match_or(c, p, subject, pc); break;
  case PATTERN_MatchStar: CD_ERROR_HERE(c, "can't use starred expression here"); break;
  }
  c->depth--;
}

// ---- the statement ----

static void match_case(Compiler *c, MatchCase *k, Reg subject, bool last, Label end)
{
  Unit *u = c->unit;
  uint32_t depth = u->depth, names = match_count_names(k->pattern);
  PatternContext pc = {.name_capacity = names, .first_slot = depth, .allow_irrefutable = k->guard || last};
  if (names && !(pc.names = cd_ast_array(c->ast, names, sizeof *pc.names))) c->failed = true;
  for (uint32_t i = 0; i < names; i++) cd_push(c);
  pc.base = u->depth;
  u->at = POSITION_OF(k->pattern);
  match_pattern(c, k->pattern, subject, &pc);
  for (uint32_t i = 0; i < pc.name_count && !c->failed; i++) cd_store_name_from(c, pc.names[i], cd_temp(pc.first_slot + i));
  if (k->guard) cd_jump_if(c, k->guard, match_fail(c, &pc), false);
  cd_emit(c, OP_DROP, subject, 0, 0);
  cd_pop_to(c, REG_NUMBER(subject));             // the body runs without any of them
  cd_stmts(c, &k->body);
  cd_emit_jump(c, OP_JUMP, 0, end);
  u->depth = depth;
  u->at = POSITION_OF(k->pattern);               // failing belongs to the pattern, not to the last line of the body
  match_place_fails(c, &pc);
  for (uint32_t i = 0; i < names; i++) cd_emit(c, OP_CLEAR_LOCAL, cd_temp(pc.first_slot + i), 0, 0);
}

void cd_compile_match(Compiler *c, Stmt *s)
{
  Unit *u = c->unit;
  uint32_t depth = u->depth;
  const MatchCaseSeq *cases = &s->as.Match.cases;
  size_t n = cases->count;
  Label end = cd_label(c);
  Reg subject = cd_expr_push(c, s->as.Match.subject);
  MatchCase *final = cases->items[n - 1];
  bool has_default = match_is_wildcard(final->pattern) && n > 1;
  for (size_t i = 0; i < n - has_default && !c->failed; i++) match_case(c, cases->items[i], subject, i + 1 == n, end);
  cd_emit(c, OP_DROP, subject, 0, 0);
  cd_pop_to(c, depth);
  if (has_default && !c->failed) {
    u->at = POSITION_OF(final->pattern);
    cd_emit(c, OP_NOP, 0, 0, 0);
    if (final->guard) cd_jump_if(c, final->guard, end, false);
    cd_stmts(c, &final->body);
  } else {
    u->at = POSITION_OF(final->pattern);         // of what comes next if that has none of its own
  }
  cd_place(c, end);
}
