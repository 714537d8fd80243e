// SPDX-License-Identifier: MIT
// re_backtrack.c: our own matching engine, for what PCRE2 can't do exactly as Python does
#include "modules/re_program.h"

#include "base/unicode.h"
#include "base/utf8.h"
#include "objects/raise.h"

#include <ctype.h>

// The tree becomes instructions. A run goes on until something fails, then takes back what was done since the last choice and tries the
// other way. Choices and undo records share one stack, which lives on the VM's heap, so nothing but nested lookarounds and atomic groups
// takes C stack, and every change of a capture or a loop's counters can be taken back.

typedef enum ReOp {
  BT_SET, BT_SPLIT, BT_JUMP, BT_OPEN, BT_CLOSE, BT_AT, BT_BACKREF, BT_CONDITION, BT_LOOK, BT_ATOMIC, BT_REPEAT_SET, BT_LOOP_BEGIN, BT_LOOP,
  BT_LOOP_MORE, BT_LOOP_NEXT, BT_SUB_END, BT_MATCH, BT_FAIL
} ReOp;

// a, b: where to go; or a group, a loop. min, max, mode: of repeats.
typedef struct ReInstr {
  uint8_t op, mode;
  bool negated, behind;
  uint32_t a, b, min, max;
  const ReSet *set;
} ReInstr;

struct ReCode {
  ReInstr *items;
  uint32_t count, loops;
};

// ---- assembling ----

typedef struct ReAssembler { VM *vm; ReTree *tree; ReInstr *items; uint32_t count, capacity, loops; bool failed; } ReAssembler;

static uint32_t re_emit(ReAssembler *a, ReInstr instr)
{
  if (a->failed) return 0;
  if (a->count == a->capacity) {
    uint32_t capacity = a->capacity ? a->capacity * 2 : 32;
    ReInstr *items = cd_arena_alloc(&a->tree->arena, capacity * sizeof *items);
    if (!items) {
      if (!cd_raised(a->vm)) cd_raise_memory(a->vm);
      a->failed = true;
      return 0;
    }
    if (a->count) memcpy(items, a->items, a->count * sizeof *items);
    a->items = items;
    a->capacity = capacity;
  }
  a->items[a->count] = instr;
  return a->count++;
}

static void re_assemble_node(ReAssembler *a, const ReNode *node);

static void re_assemble_branch(ReAssembler *a, const ReNode *node)
{
  uint32_t jumps = 0;                            // chained through their `a`; 0 ends, for no jump stands at 0
  for (const ReNode *way = node->child; way; way = way->next) {
    uint32_t split = way->next ? re_emit(a, (ReInstr){.op = BT_SPLIT}) : 0;
    if (way->next && !a->failed) a->items[split].a = a->count;
    re_assemble_node(a, way);
    if (!way->next) break;
    jumps = re_emit(a, (ReInstr){.op = BT_JUMP, .a = jumps});
    if (a->failed) return;
    a->items[split].b = a->count;
  }
  if (!node->child) re_emit(a, (ReInstr){.op = BT_FAIL});
  while (!a->failed && jumps) {
    uint32_t next = a->items[jumps].a;
    a->items[jumps].a = a->count;
    jumps = next;
  }
}

// begin; loop: decides; more: a lazy loop's second thought; the body; next, which goes back to loop.
static void re_assemble_loop(ReAssembler *a, const ReNode *node)
{
  bool possessive = node->mode == RE_POSSESSIVE;
  uint8_t mode = possessive ? RE_GREEDY : node->mode;
  uint32_t outer = possessive ? re_emit(a, (ReInstr){.op = BT_ATOMIC}) : 0, number = a->loops++;
  re_emit(a, (ReInstr){.op = BT_LOOP_BEGIN, .a = number});
  uint32_t loop = re_emit(a, (ReInstr){.op = BT_LOOP, .a = number, .mode = mode, .min = node->min, .max = node->max});
  re_emit(a, (ReInstr){.op = BT_LOOP_MORE, .a = number, .min = node->min, .max = node->max});
  uint32_t inner = possessive ? re_emit(a, (ReInstr){.op = BT_ATOMIC}) : 0;
  re_assemble_node(a, node->child);
  if (possessive) re_emit(a, (ReInstr){.op = BT_SUB_END});
  if (possessive && !a->failed) a->items[inner].a = a->count;
  re_emit(a, (ReInstr){.op = BT_LOOP_NEXT, .a = number, .b = loop});
  if (!a->failed) a->items[loop].b = a->count;
  if (!possessive) return;
  re_emit(a, (ReInstr){.op = BT_SUB_END});
  if (!a->failed) a->items[outer].a = a->count;
}

static void re_assemble_sub(ReAssembler *a, const ReNode *node, ReInstr instr)
{
  uint32_t at = re_emit(a, instr);
  re_assemble_node(a, node->child);
  re_emit(a, (ReInstr){.op = BT_SUB_END});
  if (!a->failed) a->items[at].a = a->count;
}

static void re_assemble_node(ReAssembler *a, const ReNode *node)
{
  if (a->failed) return;
  switch ((ReKind)node->kind) {
  case RE_EMPTY: break;
  case RE_FAIL: re_emit(a, (ReInstr){.op = BT_FAIL}); break;
  case RE_SET: re_emit(a, (ReInstr){.op = BT_SET, .set = &node->set}); break;
  case RE_SEQUENCE:
    for (const ReNode *child = node->child; child; child = child->next) re_assemble_node(a, child);
    break;
  case RE_BRANCH: re_assemble_branch(a, node); break;
  case RE_REPEAT:
    if (node->child->kind != RE_SET) re_assemble_loop(a, node);
    else re_emit(a, (ReInstr){.op = BT_REPEAT_SET, .mode = node->mode, .min = node->min, .max = node->max, .set = &node->child->set});
    break;
  case RE_GROUP:
    re_emit(a, (ReInstr){.op = BT_OPEN, .a = node->number});
    re_assemble_node(a, node->child);
    re_emit(a, (ReInstr){.op = BT_CLOSE, .a = node->number});
    break;
  case RE_BACKREF: re_emit(a, (ReInstr){.op = BT_BACKREF, .a = node->number, .mode = node->mode}); break;
  case RE_CONDITION: {
    uint32_t test = re_emit(a, (ReInstr){.op = BT_CONDITION, .a = node->number});
    re_assemble_node(a, node->child);
    uint32_t jump = re_emit(a, (ReInstr){.op = BT_JUMP});
    if (!a->failed) a->items[test].b = a->count;
    re_assemble_node(a, node->child->next);
    if (!a->failed) a->items[jump].a = a->count;
    break;
  }
  case RE_LOOK:
    re_assemble_sub(a, node, (ReInstr){.op = BT_LOOK, .negated = node->negated, .behind = node->behind, .min = node->min});
    break;
  case RE_ATOMIC: re_assemble_sub(a, node, (ReInstr){.op = BT_ATOMIC}); break;
  case RE_AT: re_emit(a, (ReInstr){.op = BT_AT, .mode = node->mode}); break;
  }
}

ReCode *cd_re_assemble(VM *vm, ReTree *tree)
{
  ReAssembler a = {.vm = vm, .tree = tree};
  re_emit(&a, (ReInstr){.op = BT_JUMP, .a = 1});                // so that 0 is no jump of a branch
  re_assemble_node(&a, tree->root);
  re_emit(&a, (ReInstr){.op = BT_MATCH});
  ReCode *code = a.failed ? NULL : cd_arena_alloc(&tree->arena, sizeof *code);
  if (!code) {
    if (!cd_raised(vm)) cd_raise_memory(vm);
    return NULL;
  }
  *code = (ReCode){a.items, a.count, a.loops};
  return code;
}

// ---- running ----

typedef enum { CHOICE, CHOICE_SHORTER, CHOICE_LONGER, UNDO_START, UNDO_END, UNDO_OPEN, UNDO_LAST, UNDO_COUNT, UNDO_POINT } RecordKind;

// CHOICE: go on at pc, p. CHOICE_SHORTER: a greedy repeat of a set that may give back characters down to `old`. CHOICE_LONGER: a lazy one
// that has `old` and may take one more. UNDO_..: give group or loop `pc` its old value.
typedef struct ReRecord { uint32_t kind, pc; const char *p; uintptr_t old; } ReRecord;

typedef struct ReLoop { const char *point; uint32_t count; } ReLoop;     // point: where the last round began

typedef struct ReMachine {
  VM *vm;
  const ReTree *tree;
  const ReCode *code;
  const char *begin, *end;
  bool utf8, full;
  const char *refused;                           // an empty match here does not count; NULL: none
  size_t *offsets;
  size_t *opened;                                // per group: where it was opened
  uint32_t last_group;
  ReLoop *loops;
  ReRecord *stack;
  size_t depth, capacity;
  unsigned steps;
} ReMachine;

static bool re_push(ReMachine *m, RecordKind kind, uint32_t pc, const char *p, uintptr_t old)
{
  if (m->depth == m->capacity) {
    size_t capacity = m->capacity ? m->capacity * 2 : 256;
    ReRecord *stack = cd_realloc(m->vm, m->stack, m->capacity * sizeof *stack, capacity * sizeof *stack);
    if (!stack) return false;
    m->stack = stack;
    m->capacity = capacity;
  }
  m->stack[m->depth++] = (ReRecord){(uint32_t)kind, pc, p, old};
  return true;
}

static inline uint32_t re_next(const ReMachine *m, const char **p)
{
  return m->utf8 ? cd_utf8_next(p) : (unsigned char)*(*p)++;
}
static inline uint32_t re_previous(const ReMachine *m, const char **p)
{
  return m->utf8 ? cd_utf8_previous(p) : (unsigned char)*--*p;
}

static bool re_is_word(uint32_t c, ReAt at)
{
  if (at == RE_AT_UNICODE_BOUNDARY) return c == '_' || cd_char_is_alnum(c);
  if (at == RE_AT_LOCALE_BOUNDARY) return c == '_' || (c < 256 && isalnum((int)c));
  return c == '_' || (c < 128 && ((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z')));
}

static bool re_is_boundary(const ReMachine *m, const char *p, ReAt at)
{
  const char *q = p, *r = p;
  bool before = p > m->begin && re_is_word(re_previous(m, &q), at);
  return before != (p < m->end && re_is_word(re_next(m, &r), at));
}

static bool re_is_at(const ReMachine *m, const char *p, ReAt at)
{
  switch (at) {
  case RE_AT_START: return p == m->begin;
  case RE_AT_LINE_START: return p == m->begin || p[-1] == '\n';
  case RE_AT_END: return p == m->end || (p + 1 == m->end && *p == '\n');
  case RE_AT_LINE_END: return p == m->end || *p == '\n';
  case RE_AT_VERY_END: return p == m->end;
  case RE_AT_BOUNDARY: case RE_AT_LOCALE_BOUNDARY: case RE_AT_UNICODE_BOUNDARY: return m->begin < m->end && re_is_boundary(m, p, at);
  default: return m->begin < m->end && !re_is_boundary(m, p, (ReAt)(at - 1));   // each is followed by its negation
  }
}

static uint32_t re_folded(uint32_t c, ReFold fold)
{
  if (fold == RE_FOLD_UNICODE) return cd_re_lower(c);
  if (fold == RE_FOLD_LOCALE) return c < 256 ? (uint32_t)tolower((int)c) : c;
  return c >= 'A' && c <= 'Z' ? c + 32 : c;
}

// Does the text of a group come again at *p? Moves *p behind it.
static bool re_backref(const ReMachine *m, uint32_t group, ReFold fold, const char **p)
{
  if (m->offsets[2 * group] == RE_UNSET || m->offsets[2 * group + 1] == RE_UNSET) return false;
  const char *q = m->begin + m->offsets[2 * group], *end = m->begin + m->offsets[2 * group + 1];
  if (fold == RE_EXACT) {
    size_t size = q < end ? (size_t)(end - q) : 0;
    if ((size_t)(m->end - *p) < size || memcmp(*p, q, size) != 0) return false;
    *p += size;
    return true;
  }
  while (q < end)
    if (*p >= m->end || re_folded(re_next(m, &q), fold) != re_folded(re_next(m, p), fold)) return false;
  return true;
}

static bool re_has(const ReMachine *m, const ReSet *set, const char **p)
{
  if (*p >= m->end) return false;
  const char *q = *p;
  if (!cd_re_set_has(set, re_next(m, &q))) return false;
  *p = q;
  return true;
}

// Takes back the youngest record. Returns true if it is a choice, and sets pc and p to go on with.
static bool re_pop(ReMachine *m, uint32_t *pc, const char **p)
{
  ReRecord *r = &m->stack[--m->depth];
  switch ((RecordKind)r->kind) {
  case CHOICE:
    *pc = r->pc;
    *p = r->p;
    return true;
  case CHOICE_SHORTER:
    re_previous(m, &r->p);
    *p = r->p;
    *pc = r->pc + 1;
    if ((uintptr_t)r->p > r->old) m->depth++;    // can give back more
    return true;
  case CHOICE_LONGER: {
    const ReInstr *instr = &m->code->items[r->pc];
    if ((instr->max != RE_UNLIMITED && r->old >= instr->max) || !re_has(m, instr->set, &r->p)) return false;
    r->old++;
    *p = r->p;
    *pc = r->pc + 1;
    m->depth++;
    return true;
  }
  case UNDO_START: m->offsets[2 * r->pc] = r->old; return false;
  case UNDO_END: m->offsets[2 * r->pc + 1] = r->old; return false;
  case UNDO_OPEN: m->opened[r->pc] = r->old; return false;
  case UNDO_LAST: m->last_group = (uint32_t)r->old; return false;
  case UNDO_COUNT: m->loops[r->pc].count = (uint32_t)r->old; return false;
  case UNDO_POINT: m->loops[r->pc].point = (const char *)r->old; return false;
  }
  return false;
}

// Takes back everything above `base`.
static void re_undo(ReMachine *m, size_t base)
{
  uint32_t pc;
  const char *p;
  while (m->depth > base) {
    RecordKind kind = (RecordKind)m->stack[m->depth - 1].kind;
    if (kind <= CHOICE_LONGER) m->depth--;
    else re_pop(m, &pc, &p);
  }
}

// Forgets the choices above `base`, keeps what must be undone if something older fails.
static void re_commit(ReMachine *m, size_t base)
{
  size_t kept = base;
  for (size_t i = base; i < m->depth; i++)
    if (m->stack[i].kind > CHOICE_LONGER) m->stack[kept++] = m->stack[i];
  m->depth = kept;
}

static bool re_set_count(ReMachine *m, uint32_t loop, uint32_t count)
{
  if (!re_push(m, UNDO_COUNT, loop, NULL, m->loops[loop].count)) return false;
  m->loops[loop].count = count;
  return true;
}
static bool re_set_point(ReMachine *m, uint32_t loop, const char *point)
{
  if (!re_push(m, UNDO_POINT, loop, NULL, (uintptr_t)m->loops[loop].point)) return false;
  m->loops[loop].point = point;
  return true;
}

static bool re_close(ReMachine *m, uint32_t group, const char *p)
{
  size_t *span = m->offsets + 2 * group;
  if (!re_push(m, UNDO_START, group, NULL, span[0]) || !re_push(m, UNDO_END, group, NULL, span[1]) ||
      !re_push(m, UNDO_LAST, 0, NULL, m->last_group)) return false;
  span[0] = m->opened[group];
  span[1] = (size_t)(p - m->begin);
  m->last_group = group;
  return true;
}

static bool re_open(ReMachine *m, uint32_t group, const char *p)
{
  if (!re_push(m, UNDO_OPEN, group, NULL, m->opened[group])) return false;
  m->opened[group] = (size_t)(p - m->begin);
  return true;
}

// A repeat of a set at *p. 1: go on; 0: fail; -1: error.
static int re_repeat_set(ReMachine *m, uint32_t pc, const ReInstr *instr, const char **p)
{
  uint32_t count = 0, most = instr->mode == RE_LAZY ? instr->min : instr->max;
  const char *least = *p;
  while ((most == RE_UNLIMITED || count < most) && re_has(m, instr->set, p))
    if (++count == instr->min) least = *p;
  if (count < instr->min) return 0;
  if (instr->mode == RE_LAZY) return re_push(m, CHOICE_LONGER, pc, *p, count) ? 1 : -1;
  if (instr->mode == RE_GREEDY && *p > least) return re_push(m, CHOICE_SHORTER, pc, *p, (uintptr_t)least) ? 1 : -1;
  return 1;
}

// Decides about another round. Sets *pc. 1: go on; -1: error.
static int re_loop(ReMachine *m, const ReInstr *instr, uint32_t *pc, const char *p)
{
  const ReLoop *loop = &m->loops[instr->a];
  uint32_t body = *pc + 2, more = *pc + 1;
  if (loop->count < instr->min) { *pc = body; return 1; }
  if (instr->mode == RE_LAZY) {
    if (!re_push(m, CHOICE, more, p, 0)) return -1;
    *pc = instr->b;
    return 1;
  }
  bool again = (instr->max == RE_UNLIMITED || loop->count < instr->max) && p != loop->point;
  if (again && (!re_push(m, CHOICE, instr->b, p, 0) || !re_set_point(m, instr->a, p))) return -1;
  *pc = again ? body : instr->b;
  return 1;
}

static int re_run(ReMachine *m, uint32_t pc, const char *p, const char **stop);

// A lookaround or an atomic group whose instruction is at pc. 1: go on; 0: fail; -1: error.
static int re_sub(ReMachine *m, uint32_t pc, const ReInstr *instr, const char **p)
{
  size_t base = m->depth;
  const char *start = *p, *stop;
  if (instr->op == BT_LOOK && instr->behind)
    for (uint32_t i = 0; i < instr->min; i++) {
      if (start <= m->begin) return instr->negated;
      re_previous(m, &start);
    }
  int result = re_run(m, pc + 1, start, &stop);
  if (result < 0) return -1;
  if (instr->op == BT_LOOK && instr->negated) {
    re_undo(m, base);
    return !result;
  }
  if (!result) return 0;
  re_commit(m, base);
  if (instr->op == BT_ATOMIC) *p = stop;
  return 1;
}

// From pc and p on, up to BT_MATCH or BT_SUB_END. 1: *stop is where it ended; 0: no way, all is taken back; -1: error.
static int re_run(ReMachine *m, uint32_t pc, const char *p, const char **stop)
{
  size_t base = m->depth;
  for (;;) {
    const ReInstr *instr = &m->code->items[pc];
    int go = 1;
    if (++m->steps % 4096 == 0 && !cd_poll(m->vm)) return -1;
    switch ((ReOp)instr->op) {
    case BT_SET: go = re_has(m, instr->set, &p); pc++; break;
    case BT_REPEAT_SET: go = re_repeat_set(m, pc, instr, &p); pc++; break;
    case BT_SPLIT: go = re_push(m, CHOICE, instr->b, p, 0) ? 1 : -1; pc = instr->a; break;
    case BT_JUMP: pc = instr->a; break;
    case BT_OPEN: go = re_open(m, instr->a, p) ? 1 : -1; pc++; break;
    case BT_CLOSE: go = re_close(m, instr->a, p) ? 1 : -1; pc++; break;
    case BT_AT: go = re_is_at(m, p, (ReAt)instr->mode); pc++; break;
    case BT_BACKREF: go = re_backref(m, instr->a, (ReFold)instr->mode, &p); pc++; break;
    case BT_CONDITION: pc = m->offsets[2 * instr->a + 1] != RE_UNSET ? pc + 1 : instr->b; break;
    case BT_LOOK: case BT_ATOMIC: go = re_sub(m, pc, instr, &p); pc = instr->a; break;
    case BT_LOOP_BEGIN: go = re_set_count(m, instr->a, 0) && re_set_point(m, instr->a, NULL) ? 1 : -1; pc++; break;
    case BT_LOOP: go = re_loop(m, instr, &pc, p); break;
    case BT_LOOP_MORE:
      go = (instr->max == RE_UNLIMITED || m->loops[instr->a].count < instr->max) && p != m->loops[instr->a].point;
      if (go && !re_set_point(m, instr->a, p)) go = -1;
      pc++;
      break;
    case BT_LOOP_NEXT:
      go = re_set_count(m, instr->a, m->loops[instr->a].count + (m->loops[instr->a].count < RE_UNLIMITED - 1)) ? 1 : -1;
      pc = instr->b;
      break;
    case BT_SUB_END: *stop = p; return 1;
    case BT_MATCH:
      if ((m->full && p != m->end) || p == m->refused) { go = 0; break; }
      *stop = p;
      return 1;
    case BT_FAIL: go = 0; break;
    }
    if (go < 0) return -1;
    while (!go && m->depth > base) go = re_pop(m, &pc, &p);
    if (!go) return 0;
  }
}

static ReResult re_search(ReMachine *m, ReRequest *request)
{
  const char *p = m->begin + request->start, *stop;
  for (;;) {
    m->refused = request->not_empty_at_start && p == m->begin + request->start ? p : NULL;
    for (uint32_t i = 0; i < 2 * (m->tree->groups + 1); i++) m->offsets[i] = RE_UNSET;
    m->last_group = 0;
    m->depth = 0;
    int result = re_run(m, 0, p, &stop);
    if (result < 0) return RE_RUN_ERROR;
    if (result) {
      m->offsets[0] = (size_t)(p - m->begin);
      m->offsets[1] = (size_t)(stop - m->begin);
      request->last_group = m->last_group;
      return RE_RUN_YES;
    }
    if (request->mode != RE_SEARCH || p >= m->end) return RE_RUN_NO;
    re_next(m, &p);
    if (!cd_poll(m->vm)) return RE_RUN_ERROR;
  }
}

ReResult cd_re_backtrack(VM *vm, const ReTree *tree, const ReCode *code, ReRequest *request)
{
  const ReSubject *subject = request->subject;
  size_t opened_size = (tree->groups + 1) * sizeof(size_t), loops_size = code->loops * sizeof(ReLoop);
  ReMachine m = {.vm = vm, .tree = tree, .code = code, .begin = subject->data, .end = subject->data + subject->end, .utf8 = subject->utf8,
                 .full = request->mode == RE_FULLMATCH, .offsets = request->offsets};
  m.opened = cd_alloc_zeroed(vm, opened_size);
  m.loops = m.opened ? cd_alloc_zeroed(vm, loops_size) : NULL;
  ReResult result = m.loops ? re_search(&m, request) : RE_RUN_ERROR;
  cd_free(vm, m.loops, loops_size);
  cd_free(vm, m.opened, opened_size);
  cd_free(vm, m.stack, m.capacity * sizeof *m.stack);
  return result;
}
