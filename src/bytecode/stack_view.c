// SPDX-License-Identifier: MIT
// stack_view.c: translates register code into CPython 3.11's stack instructions
//
// Temporaries are used in the order of a stack, nearly: so the translation walks the blocks with a model of the stack, a list of slots
// that say which temporary lies there. An instruction whose operands lie on top in the right order needs nothing but its operation. Locals
// and constants have to be loaded: behind the temporaries, or, when one of them belongs above, in front of the code that made that one
// (`start` of its slot). What still is in the wrong order is brought into place by SWAPs.
#include "bytecode/stack_view.h"

#include "objects/bytes.h"
#include "objects/raise.h"
#include "objects/tuple.h"

// ---- slots ----

typedef enum SlotKind {
  SLOT_VALUE,    // temporary `reg`
  SLOT_LOADED,   // local `reg`, loaded where the register code checks that it is bound; the reader comes later
  SLOT_LASTI,    // what a handler with that wish gets below the exception
  SLOT_DEAD,     // dropped while something lay on it; popped when it comes to the top
} SlotKind;

// `start` is a node, or one of these.
enum { START_NEXT = -1, START_UNKNOWN = -2 };    // not made yet; paths that began at different places met: nothing can be put in front
typedef struct StackSlot { SlotKind kind; uint32_t reg; int32_t start; } StackSlot;

// Operands: registers, and these.
enum { OPERAND_CONSTANT = 0x40000000, OPERAND_EMPTY = 0x7FFFFFFF };

typedef struct Viewer {
  StackProgram p;
  const Code *code;
  StackSlot *slots;                              // of the path being followed
  uint32_t count, capacity;
  int32_t block;                                 // being made
  uint32_t unit, next;                           // instruction being translated, and the one behind it
  uint16_t op;
  uint32_t a, b, c;
  int32_t jump;                                  // extra.jump, as it is
  bool awaiting;                                 // the last iterator made to be delegated to was an awaitable's
  uint64_t *words;                               // scratch: a set of temporaries
  uint32_t word_count;
  int32_t none;                                  // number of None in consts, -1
} Viewer;

void *cd_stack_alloc(StackProgram *p, size_t count, size_t size)
{
  size_t bytes;
  void *memory = __builtin_mul_overflow(count, size, &bytes) ? NULL : cd_arena_alloc(&p->arena, bytes ? bytes : 1);
  if (!memory) p->failed = true;
  return memory;
}

static inline bool view_is_temp(const Viewer *v, uint32_t reg) { return reg >= v->code->first_temp && reg < OPERAND_CONSTANT; }

// ---- nodes ----

static int32_t view_new_node(Viewer *v, uint8_t op, uint32_t arg)
{
  StackProgram *p = &v->p;
  if (p->node_count == p->node_capacity) {
    uint32_t capacity = p->node_capacity * 2;
    StackNode *nodes = cd_stack_alloc(p, capacity, sizeof *nodes);
    if (!nodes) return 0;                        // node 0 takes all that follows
    memcpy(nodes, p->nodes, p->node_count * sizeof *nodes);
    p->nodes = nodes;
    p->node_capacity = capacity;
  }
  p->nodes[p->node_count] = (StackNode){.op = op,
                                        .arg = arg,
                                        .target = TARGET_NONE,
                                        .unit = (int32_t)v->unit,
                                        .handler = p->blocks[v->block].handler,
                                        .prev = -1,
                                        .next = -1,
                                        .block = v->block};
  return (int32_t)p->node_count++;
}

static void view_link(Viewer *v, int32_t node, int32_t before)   // before -1: at the end of the block being made
{
  StackProgram *p = &v->p;
  if (p->failed) return;
  StackNode *n = &p->nodes[node];
  n->block = before < 0 ? v->block : p->nodes[before].block;
  StackBlock *block = &p->blocks[n->block];
  n->next = before;
  n->prev = before < 0 ? block->last : p->nodes[before].prev;
  *(n->prev < 0 ? &block->first : &p->nodes[n->prev].next) = node;
  *(before < 0 ? &block->last : &p->nodes[before].prev) = node;
}

static int32_t view_emit(Viewer *v, uint8_t op, uint32_t arg)
{
  int32_t node = view_new_node(v, op, arg);
  view_link(v, node, -1);
  return node;
}

static int32_t view_insert(Viewer *v, uint8_t op, uint32_t arg, int32_t before)
{
  int32_t node = view_new_node(v, op, arg);
  if (before >= 0) v->p.nodes[node].handler = v->p.nodes[before].handler;
  view_link(v, node, before);
  return node;
}

// The operation itself: where f_lasti points.
static int32_t view_work(Viewer *v, uint8_t op, uint32_t arg)
{
  int32_t node = view_emit(v, op, arg);
  if (!v->p.failed) v->p.primary[v->unit] = node;
  return node;
}

static bool view_is_relative(uint8_t op)
{
  switch (op) {
  case STACK_COPY:
  case STACK_SWAP:
  case STACK_LIST_APPEND:
  case STACK_SET_ADD:
  case STACK_MAP_ADD:
  case STACK_LIST_EXTEND:
  case STACK_SET_UPDATE:
  case STACK_DICT_UPDATE: case STACK_DICT_MERGE: return true;
  default: return false;
  }
}

// A value was put in as slot `slot` by node `from`: whatever counts down across it since has to count one more.
static void view_count_across(Viewer *v, int32_t from, uint32_t slot)
{
  StackProgram *p = &v->p;
  if (p->failed) return;
  int32_t node = p->nodes[from].next;
  for (int32_t block = p->nodes[from].block; block <= v->block; node = ++block <= v->block ? p->blocks[block].first : -1)
    for (; node >= 0; node = p->nodes[node].next) {
      StackNode *n = &p->nodes[node];
      if (!view_is_relative(n->op)) continue;
      if (n->reach < slot) n->arg++;
      else n->reach++;
    }
}

static void view_jump_to(Viewer *v, int32_t node, int32_t block)
{
  v->p.nodes[node].target = block;
  v->p.nodes[node].to_block = true;
}

// ---- the model of the stack ----

static void view_reserve(Viewer *v)
{
  if (v->count < v->capacity) return;
  StackSlot *slots = cd_stack_alloc(&v->p, (size_t)v->capacity * 2, sizeof *slots);
  if (!slots) {
    v->count = 0;
    return;
  }
  memcpy(slots, v->slots, v->count * sizeof *slots);
  v->slots = slots;
  v->capacity *= 2;
}

static void view_push(Viewer *v, SlotKind kind, uint32_t reg, int32_t start)
{
  view_reserve(v);
  v->slots[v->count++] = (StackSlot){kind, reg, start};
}

static void view_push_at(Viewer *v, uint32_t at, uint32_t reg, int32_t start)
{
  view_reserve(v);
  if (at > v->count) at = v->count;
  memmove(v->slots + at + 1, v->slots + at, (v->count - at) * sizeof *v->slots);
  v->slots[at] = (StackSlot){SLOT_VALUE, reg, start};
  v->count++;
}

static void view_remove(Viewer *v, uint32_t at)
{
  memmove(v->slots + at, v->slots + at + 1, (v->count - at - 1) * sizeof *v->slots);
  v->count--;
}

static int64_t view_find(const Viewer *v, uint32_t reg)
{
  for (uint32_t i = v->count; i-- > 0;)
    if (v->slots[i].kind == SLOT_VALUE && v->slots[i].reg == reg) return i;
  return -1;
}
static bool view_on_top(const Viewer *v, uint32_t reg)
{
  return v->count && v->slots[v->count - 1].kind == SLOT_VALUE && v->slots[v->count - 1].reg == reg;
}

// Nobody reads the local that was loaded: it goes where it came from.
static void view_unload(Viewer *v, uint32_t at)
{
  int32_t node = v->slots[at].start;
  StackProgram *p = &v->p;
  if (!p->failed) {
    int32_t pop = view_new_node(v, STACK_POP_TOP, 0);
    if (!p->failed) {
      StackNode *load = &p->nodes[node], *n = &p->nodes[pop];
      n->unit = load->unit;
      n->handler = load->handler;
      n->block = load->block;
      n->prev = node;
      n->next = load->next;
      *(load->next < 0 ? &p->blocks[load->block].last : &p->nodes[load->next].prev) = pop;
      load->next = pop;
    }
  }
  view_remove(v, at);
}

// Brings slot `from` to place `to`, both counted from the bottom, when the one or the other is the top.
static void view_swap_top(Viewer *v, uint32_t with)
{
  uint32_t top = v->count - 1;
  if (with == top) return;
  int32_t node = view_emit(v, STACK_SWAP, top - with + 1);
  v->p.nodes[node].reach = with;
  StackSlot slot = v->slots[top];
  v->slots[top] = v->slots[with];
  v->slots[with] = slot;
}

// Makes the model's order that of `order`: numbers of slots, bottom first.
static void view_permute(Viewer *v, uint32_t *order, uint32_t n)
{
  uint32_t base = v->count - n, top = n - 1;
  for (uint32_t i = 0; i < n; i++) {
    if (order[i] == base + i) continue;
    // order[i] names the slot that belongs to place i; it may itself have moved: `order` is kept up to date by swapping
    uint32_t at = order[i] - base;
    if (at != top) {
      view_swap_top(v, base + at);
      for (uint32_t k = i; k < n; k++) {
        if (order[k] == base + at) order[k] = base + top;
        else if (order[k] == base + top) order[k] = base + at;
      }
    }
    if (i != top) {
      view_swap_top(v, base + i);
      for (uint32_t k = i; k < n; k++) {
        if (order[k] == base + i) order[k] = base + top;
        else if (order[k] == base + top) order[k] = base + i;
      }
    }
  }
}

// ---- operands ----

static uint8_t view_load_op(const Viewer *v, uint32_t operand, uint32_t *arg)
{
  *arg = operand;
  if (operand == OPERAND_EMPTY || view_is_temp(v, operand)) {
    *arg = 0;
    return STACK_PUSH_NULL;
  }
  if (operand & OPERAND_CONSTANT) {
    *arg = operand & ~(uint32_t)OPERAND_CONSTANT;
    return STACK_LOAD_CONST;
  }
  if (operand >= v->code->local_count) return STACK_LOAD_CLOSURE;
  for (uint32_t i = 0; i < v->code->cell_count; i++)
    if (v->code->cell_registers[i] == operand) return STACK_LOAD_CLOSURE;
  return STACK_LOAD_FAST;
}

static int32_t view_load(Viewer *v, uint32_t operand, int32_t before)
{
  uint32_t arg;
  uint8_t op = view_load_op(v, operand, &arg);
  return before < 0 ? view_emit(v, op, arg) : view_insert(v, op, arg, before);
}

static bool view_slot_is(const Viewer *v, uint32_t at, uint32_t operand)
{
  const StackSlot *s = &v->slots[at];
  return s->reg == operand && s->kind == (view_is_temp(v, operand) ? SLOT_VALUE : SLOT_LOADED);
}

// Do the operands that are temporaries lie on top, in order? Then `low` becomes the lowest slot that is used.
static bool view_match(Viewer *v, const uint32_t *operands, uint32_t n, int32_t *matched, uint32_t *low)
{
  uint32_t at = v->count;
  bool movable = true;                           // may something be put below what is matched so far?
  for (uint32_t i = n; i-- > 0;) {
    matched[i] = -1;
    if (at && view_slot_is(v, at - 1, operands[i])) {
      matched[i] = (int32_t)--at;
      movable = v->slots[at].start != START_UNKNOWN;
    } else if (view_is_temp(v, operands[i]) || !movable) {
      return false;
    }
  }
  *low = at;
  return true;
}

// The long way: everything that is missing is pushed, then all is put in order.
static void view_arrange(Viewer *v, const uint32_t *operands, uint32_t n)
{
  for (uint32_t i = v->count; i-- > 0;)
    if (v->slots[i].kind == SLOT_LOADED) view_unload(v, i);
  uint32_t *places = cd_stack_alloc(&v->p, n, sizeof *places);
  if (!places) return;
  uint32_t low = v->count;
  for (uint32_t i = 0; i < n; i++) {
    int64_t at = view_is_temp(v, operands[i]) ? view_find(v, operands[i]) : -1;
    if (at < 0) {
      at = v->count;
      view_push(v, SLOT_VALUE, operands[i], view_load(v, operands[i], -1));
      if (v->p.failed) return;
    }
    if ((uint32_t)at < low) low = (uint32_t)at;
    places[i] = (uint32_t)at;
  }
  uint32_t total = v->count - low, *order = cd_stack_alloc(&v->p, total, sizeof *order), k = 0;
  if (!order) return;
  for (uint32_t at = low; at < v->count; at++) {
    bool operand = false;
    for (uint32_t i = 0; i < n && !operand; i++) operand = places[i] == at;
    if (!operand) order[k++] = at;
  }
  for (uint32_t i = 0; i < n && k < total; i++) order[k++] = places[i];
  view_permute(v, order, total);
}

// Brings the operands to the top of the stack and takes them off the model. Gives the node where making them began, -1: the next one.
static int32_t view_use(Viewer *v, const uint32_t *operands, uint32_t n)
{
  if (!n || v->p.failed) return START_NEXT;
  int32_t few[8], *matched = n <= ARRAY_LEN(few) ? few : cd_stack_alloc(&v->p, n, sizeof *matched);
  uint32_t low;
  if (!matched) return -1;
  if (!view_match(v, operands, n, matched, &low)) {
    uint32_t first = n;                          // operands from here on are loaded when the temporaries lie right
    while (first && !view_is_temp(v, operands[first - 1])) first--;
    if (first) view_arrange(v, operands, first);
    for (uint32_t i = first; i < n && !v->p.failed; i++) view_push(v, SLOT_VALUE, operands[i], view_load(v, operands[i], -1));
    if (v->p.failed) return -1;
    v->count = v->count > n ? v->count - n : 0;
    return START_UNKNOWN;
  }
  uint32_t behind = n;                           // operands from here on are loaded at the end
  while (behind && matched[behind - 1] < 0) behind--;
  int32_t start = -1, before = -1;
  uint32_t place = 0;                            // of the slot on the stack, as it will be
  for (uint32_t i = behind; i-- > 0;) {          // from the top down: each load goes in front of what lies above it
    if (matched[i] >= 0) {
      start = before = v->slots[matched[i]].start;
      place = (uint32_t)matched[i];
    } else {
      start = before = view_load(v, operands[i], before);
      view_count_across(v, before, place);
    }
  }
  for (uint32_t i = behind; i < n; i++) {
    int32_t node = view_load(v, operands[i], -1);
    if (start == START_NEXT) start = node;
  }
  v->count = low;
  return start;
}

static int32_t view_use1(Viewer *v, uint32_t operand) { return view_use(v, &operand, 1); }

static int32_t view_use_run(Viewer *v, uint32_t base, uint32_t n)
{
  uint32_t few[8], *operands = n <= ARRAY_LEN(few) ? few : cd_stack_alloc(&v->p, n, sizeof *operands);
  if (!operands) return -1;
  for (uint32_t i = 0; i < n; i++) operands[i] = base + i;
  return view_use(v, operands, n);
}

// What the operation left on the stack goes to `dst`.
static void view_result(Viewer *v, uint32_t dst, int32_t start)
{
  if (view_is_temp(v, dst)) view_push(v, SLOT_VALUE, dst, start);
  else view_emit(v, STACK_STORE_FAST, dst);
}

// operands -> one instruction -> dst
static void view_operation(Viewer *v, uint8_t op, uint32_t arg, uint32_t dst, const uint32_t *operands, uint32_t n)
{
  int32_t start = view_use(v, operands, n), node = view_work(v, op, arg);
  view_result(v, dst, start == START_NEXT ? node : start);
}
static void view_operation1(Viewer *v, uint8_t op, uint32_t arg, uint32_t dst, uint32_t src) { view_operation(v, op, arg, dst, &src, 1); }

static void view_run(Viewer *v, uint8_t op, uint32_t arg, uint32_t dst, uint32_t base, uint32_t n)
{
  int32_t start = view_use_run(v, base, n), node = view_work(v, op, arg);
  view_result(v, dst, start == START_NEXT ? node : start);
}

static void view_load_none(Viewer *v)
{
  view_emit(v, v->none < 0 ? STACK_PUSH_NULL : STACK_LOAD_CONST, v->none < 0 ? 0 : (uint32_t)v->none);
}

static int32_t view_emit_copy(Viewer *v, uint32_t slot)
{
  int32_t node = view_emit(v, STACK_COPY, v->count - slot);
  v->p.nodes[node].reach = slot;
  return node;
}

// `reg` is wanted on top and stays there: the distance of a copy that was made is given back, 0: it lies there.
static bool view_copy_to_top(Viewer *v, uint32_t reg)
{
  if (view_on_top(v, reg)) return false;
  int64_t at = view_find(v, reg);
  if (at >= 0) view_emit_copy(v, (uint32_t)at);
  else view_load(v, reg, -1);
  return true;
}

// ---- what instructions read and write ----

typedef struct Effects { uint32_t reads[4], read_counts[4], writes[3], write_counts[3]; bool drop; } Effects;

// Runs of registers read for good (`keeps` too) and written; DROP reads nothing that anybody wants.
static Effects view_effects(uint16_t op, uint32_t a, uint32_t b, uint32_t c)
{
  Effects e = {.drop = false};
  int r = 0, w = 0;
#define READS(base, n) (e.reads[r] = (base), e.read_counts[r++] = (n))
#define WRITES(base, n) (e.writes[w] = (base), e.write_counts[w++] = (n))
  static const uint8_t intrinsic_operands[] = {0, 3, 2, 2, 3, 1, 3, 3, 0, 1, 2, 2, 1};
  const uint32_t operands[] = {a, b, c};
  switch (op) {
  case OP_BUILD_TUPLE:
  case OP_BUILD_LIST:
  case OP_BUILD_SET:
  case OP_BUILD_STRING:
  case OP_BUILD_SLICE:
    READS(b, c);
    WRITES(a, 1);
    return e;
  case OP_BUILD_MAP: READS(b, c * 2); WRITES(a, 1); return e;
  case OP_FORMAT_VALUE: READS(b, c & 4 ? 2 : 1); WRITES(a, 1); return e;
  case OP_UNPACK_SEQUENCE: READS(b, 1); WRITES(a, c); return e;
  case OP_UNPACK_EX: READS(b, 1); WRITES(a, (c & 0xFF) + 1 + (c >> 8)); return e;
  case OP_CALL: READS(b, c + 2); WRITES(a, 1); return e;
  case OP_CALL_EX: READS(b, 2 + (c & 1)); WRITES(a, 1); return e;
  case OP_MAKE_FUNCTION: READS(b, 1 + (uint32_t)__builtin_popcount(c & 31)); WRITES(a, 1); return e;
  case OP_IMPORT_NAME: READS(b, 2); WRITES(a, 1); return e;
  case OP_MATCH_CLASS: READS(b, 3); WRITES(a, 1); return e;
  case OP_INTRINSIC: READS(b, c < ARRAY_LEN(intrinsic_operands) ? intrinsic_operands[c] : 0); WRITES(a, 1); return e;
  case OP_LOAD_METHOD: READS(b, 1); WRITES(a, 2); return e;
  case OP_RAISE:
    if (a > 0) READS(b, 1);
    if (a > 1) READS(c, 1);
    return e;
  case OP_ASYNC_NEXT: READS(b, 1); WRITES(a, 1); return e;
  case OP_DROP: case OP_ASYNC_CLOSE: READS(a, 1); e.drop = true; return e;
  case OP_CLEAR_LOCAL: WRITES(a, 1); return e;
  default: break;
  }
  for (int i = 0; i < 3; i++) {
    switch (cd_opcode_info[op].operands[i]) {
    case OPERAND_SRC: case OPERAND_KEEP: READS(operands[i], 1); break;
    case OPERAND_DST: WRITES(operands[i], 1); break;
    default: break;
    }
  }
#undef READS
#undef WRITES
  return e;
}

// Decodes the instruction at `unit`.
static void view_decode(Viewer *v, uint32_t unit)
{
  const Code *code = v->code;
  uint32_t at = unit, high[3] = {0, 0, 0};
  const Instr *instr = &code->instrs[at];
  if (instr->op == OP_EXTEND && at + 1 < code->unit_count) {
    high[0] = (uint32_t)instr->a << 16, high[1] = (uint32_t)instr->b << 16, high[2] = (uint32_t)instr->c << 16;
    instr = &code->instrs[++at];
  }
  v->unit = unit;
  v->op = instr->op;
  v->a = high[0] | instr->a, v->b = high[1] | instr->b, v->c = high[2] | instr->c;
  v->next = at + cd_opcode_units[instr->op];
  v->jump = cd_opcode_units[instr->op] == 2 ? cd_instr_extra(instr)->jump : 0;
}

static bool view_has_target(uint16_t op)
{
  const uint8_t *kinds = cd_opcode_info[op].operands;
  return kinds[0] == OPERAND_JUMP || kinds[1] == OPERAND_JUMP || kinds[2] == OPERAND_JUMP || kinds[3] == OPERAND_JUMP;
}
static bool view_ends(uint16_t op)
{
  switch (op) {
  case OP_RETURN: case OP_RETURN_CONST: case OP_RAISE: case OP_RERAISE: case OP_JUMP: case OP_JUMP_BACK: return true;
  default: return false;
  }
}
static int32_t view_target_block(const Viewer *v) { return v->p.block_of[(uint32_t)((int64_t)v->next + v->jump)]; }

// ---- blocks and what lives in them ----

static int32_t view_handler_number(const Viewer *v, uint32_t unit)
{
  const Handler *h = cd_code_handler(v->code, unit);
  return h ? (int32_t)(h - v->code->handlers) : -1;
}

static bool view_find_blocks(Viewer *v)
{
  const Code *code = v->code;
  StackProgram *p = &v->p;
  uint8_t *leader = cd_stack_alloc(p, (size_t)code->unit_count + 1, 1);
  p->block_of = cd_stack_alloc(p, (size_t)code->unit_count + 1, sizeof *p->block_of);
  p->primary = cd_stack_alloc(p, (size_t)code->unit_count + 1, sizeof *p->primary);
  if (p->failed) return false;
  leader[0] = 1;
  for (uint32_t i = 0; i < code->handler_count; i++) {
    const Handler *h = &code->handlers[i];
    leader[h->target] = leader[h->start] = 1;
    leader[h->end] = 1;
  }
  uint32_t count = 0;
  for (uint32_t i = 0; i < code->unit_count; i = v->next) {
    view_decode(v, i);
    if (view_has_target(v->op)) leader[(uint32_t)((int64_t)v->next + v->jump)] = leader[v->next] = 1;
    if (view_ends(v->op)) leader[v->next] = 1;
  }
  for (uint32_t i = 0; i < code->unit_count; i++) count += leader[i];
  p->block_capacity = count * 3 + 2;             // and those that put the stack in order on the way, and the ends of `async for`
  p->blocks = cd_stack_alloc(p, p->block_capacity, sizeof *p->blocks);
  if (!p->blocks) return false;
  for (uint32_t i = 0; i <= code->unit_count; i++) {
    p->block_of[i] = -1;
    p->primary[i] = -1;
  }
  for (uint32_t i = 0; i < code->unit_count; i++) {
    if (!leader[i]) continue;
    if (p->block_count) p->blocks[p->block_count - 1].end = i;
    p->block_of[i] = (int32_t)p->block_count;
    p->blocks[p->block_count++] = (StackBlock){
      .start = i, .end = code->unit_count, .handler = view_handler_number(v, i), .first = -1, .last = -1, .succ = {-1, -1}};
  }
  return true;
}

static inline void view_set_add(uint64_t *set, uint32_t n) { set[n / 64] |= UINT64_C(1) << n % 64; }
static inline bool view_set_has(const uint64_t *set, uint32_t n) { return set[n / 64] >> n % 64 & 1; }

// reads: before any write, for good; uses: those and drops; kills: written before.
static bool view_block_effects(Viewer *v, StackBlock *block)
{
  StackProgram *p = &v->p;
  uint64_t *sets = cd_stack_alloc(p, (size_t)v->word_count * 5, sizeof *sets);
  if (!sets) return false;
  uint64_t **const fields[] = {&block->live_in, &block->used_in, &block->reads, &block->uses, &block->kills};
  for (size_t i = 0; i < ARRAY_LEN(fields); i++) *fields[i] = sets + i * v->word_count;
  uint32_t base = v->code->first_temp;
  for (uint32_t i = block->start; i < block->end; i = v->next) {
    view_decode(v, i);
    Effects e = view_effects(v->op, v->a, v->b, v->c);
    for (int k = 0; k < 4; k++)
      for (uint32_t n = 0; n < e.read_counts[k]; n++) {
        uint32_t reg = e.reads[k] + n;
        if (reg < base || view_set_has(block->kills, reg - base)) continue;
        if (!e.drop) view_set_add(block->reads, reg - base);
        view_set_add(block->uses, reg - base);
      }
    for (int k = 0; k < 3; k++)
      for (uint32_t n = 0; n < e.write_counts[k]; n++)
        if (e.writes[k] + n >= base) view_set_add(block->kills, e.writes[k] + n - base);
  }
  bool ends = view_ends(v->op);
  int next = 0;
  if (view_has_target(v->op)) block->succ[next++] = view_target_block(v);
  if (!ends && block->end < v->code->unit_count) block->succ[next] = p->block_of[block->end];
  for (int k = 0; k < 2; k++)
    if (block->succ[k] >= 0) p->blocks[block->succ[k]].ways++;
  return true;
}

static void view_live_pass(Viewer *v, bool *changed)
{
  StackProgram *p = &v->p;
  for (uint32_t i = p->block_count; i-- > 0;) {
    StackBlock *block = &p->blocks[i];
    const StackBlock *handler = block->handler >= 0 ? &p->blocks[p->block_of[v->code->handlers[block->handler].target]] : NULL;
    uint32_t depth = handler ? v->code->handlers[block->handler].depth - v->code->first_temp : 0;
    for (uint32_t w = 0; w < v->word_count; w++) {
      uint64_t live = 0, used = 0;
      for (int k = 0; k < 2; k++)
        if (block->succ[k] >= 0) live |= p->blocks[block->succ[k]].live_in[w], used |= p->blocks[block->succ[k]].used_in[w];
      live = (live & ~block->kills[w]) | block->reads[w];
      used = (used & ~block->kills[w]) | block->uses[w];
      if (handler) {
        uint64_t mask = w < depth / 64 ? ~UINT64_C(0) : w == depth / 64 ? (UINT64_C(1) << depth % 64) - 1 : 0;
        live |= handler->live_in[w] & mask;
        used |= handler->used_in[w] & mask;
      }
      if (live != block->live_in[w] || used != block->used_in[w]) *changed = true;
      block->live_in[w] = live;
      block->used_in[w] = used;
    }
  }
}

typedef enum Fate { FATE_READ, FATE_DROPPED, FATE_LEFT } Fate;

// What becomes of temporary `reg` behind the present instruction: somebody reads it, it is dropped in this block, or it is left for others
// to drop.
static Fate view_fate(Viewer *v, uint32_t reg)
{
  const StackProgram *p = &v->p;
  const StackBlock *block = &p->blocks[v->block];
  Viewer look = *v;
  uint32_t n = reg - v->code->first_temp;
  if (block->handler >= 0 && reg < v->code->handlers[block->handler].depth &&
      view_set_has(p->blocks[p->block_of[v->code->handlers[block->handler].target]].live_in, n))
    return FATE_READ;
  for (uint32_t i = v->next; i < block->end; i = look.next) {
    view_decode(&look, i);
    Effects e = view_effects(look.op, look.a, look.b, look.c);
    for (int k = 0; k < 4; k++)
      if (e.read_counts[k] && reg - e.reads[k] < e.read_counts[k]) return e.drop ? FATE_DROPPED : FATE_READ;
    for (int k = 0; k < 3; k++)
      if (e.write_counts[k] && reg - e.writes[k] < e.write_counts[k]) return FATE_DROPPED;
  }
  for (int k = 0; k < 2; k++)
    if (block->succ[k] >= 0 && view_set_has(p->blocks[block->succ[k]].live_in, n)) return FATE_READ;
  return FATE_LEFT;
}

// ---- edges ----

static bool view_keeps(const Viewer *v, const StackBlock *to, const StackSlot *slot)
{
  switch (slot->kind) {
  case SLOT_VALUE:
    if (slot->reg < v->code->first_temp || slot->reg >= v->code->register_count) return false;
    if (to->handler >= 0 && slot->reg < v->code->handlers[to->handler].depth) return true;       // the handler counts on it
    return view_set_has(to->used_in, slot->reg - v->code->first_temp);
  case SLOT_DEAD: return false;
  default: return true;
  }
}

static bool view_slots_equal(const StackSlot *a, const StackSlot *b, uint32_t n)
{
  for (uint32_t i = 0; i < n; i++)
    if (a[i].kind != b[i].kind || (a[i].kind != SLOT_LASTI && a[i].reg != b[i].reg) ||
        (a[i].kind == SLOT_LOADED && a[i].start != b[i].start))
      return false;
  return true;
}

static void view_save_entry(Viewer *v, StackBlock *to, bool all)
{
  to->entry = cd_stack_alloc(&v->p, (size_t)v->count + 2, sizeof *to->entry);
  if (!to->entry) return;
  for (uint32_t i = 0; i < v->count; i++)
    if (all || to->ways == 1 || view_keeps(v, to, &v->slots[i])) to->entry[to->entry_count++] = v->slots[i];
  while (to->entry_count && to->entry[to->entry_count - 1].kind == SLOT_LASTI) to->entry_count--;
}

// Where values of several paths come together, the code that made them has no single beginning.
static void view_merge_starts(const Viewer *v, StackBlock *to)
{
  for (uint32_t i = 0; i < to->entry_count && i < v->count && !to->done; i++)
    if (to->entry[i].start != v->slots[i].start && to->entry[i].kind == SLOT_VALUE) to->entry[i].start = START_UNKNOWN;
}

static bool view_fits(const Viewer *v, const StackBlock *to)
{
  return v->count == to->entry_count && view_slots_equal(v->slots, to->entry, v->count);
}

// Pops what the target does not want, pushes nothings for what it misses, and puts the rest in order.
static void view_fit(Viewer *v, const StackBlock *to)
{
  for (uint32_t i = v->count; i-- > 0 && !v->p.failed;) {
    bool wanted = false;
    for (uint32_t k = 0; k < to->entry_count && !wanted; k++) wanted = view_slots_equal(&v->slots[i], &to->entry[k], 1);
    if (wanted) continue;
    if (v->slots[i].kind == SLOT_LOADED) {
      view_unload(v, i);
      continue;
    }
    view_swap_top(v, i);
    view_emit(v, STACK_POP_TOP, 0);
    // the former top lies at i now, and is looked at again when it is not the same slot
    v->count--;
    if (i < v->count) i++;
  }
  uint32_t n = to->entry_count, *order = cd_stack_alloc(&v->p, n, sizeof *order);
  for (uint32_t k = 0; k < n && !v->p.failed; k++) {
    uint32_t at = 0;
    while (at < v->count && !view_slots_equal(&v->slots[at], &to->entry[k], 1)) at++;
    if (at == v->count) view_push(v, to->entry[k].kind, to->entry[k].reg, view_emit(v, STACK_PUSH_NULL, 0));
    order[k] = at;
  }
  if (v->p.failed || v->count != n) return;      // several slots of one kind: as it is
  view_permute(v, order, n);
}

// Control falls or jumps, surely, to `target`.
static void view_flow(Viewer *v, int32_t target)
{
  StackBlock *to = &v->p.blocks[target];
  if (v->p.failed) return;
  if (!to->entry) view_save_entry(v, to, false);
  if (!v->p.failed && !view_fits(v, to)) view_fit(v, to);
  if (!v->p.failed) view_merge_starts(v, to);
}

// Control may jump to `target`: if the stack is not as it should be there, by way of a block that mends it.
static void view_branch(Viewer *v, int32_t node, int32_t target)
{
  StackProgram *p = &v->p;
  if (p->failed) return;
  if (!p->blocks[target].entry) view_save_entry(v, &p->blocks[target], false);
  if (p->failed) return;
  if (view_fits(v, &p->blocks[target]) || p->block_count == p->block_capacity) {
    view_merge_starts(v, &p->blocks[target]);
    view_jump_to(v, node, target);
    return;
  }
  uint32_t count = v->count;
  StackSlot *saved = cd_stack_alloc(p, (size_t)count + 1, sizeof *saved);
  if (!saved) return;
  memcpy(saved, v->slots, count * sizeof *saved);
  int32_t block = v->block, detour = (int32_t)p->block_count++;
  p->blocks[detour] = (StackBlock){
    .start = UINT32_MAX, .handler = p->blocks[block].handler, .first = -1, .last = -1, .succ = {-1, -1}, .done = true};
  v->block = detour;
  view_fit(v, &p->blocks[target]);
  view_merge_starts(v, &p->blocks[target]);
  view_jump_to(v, view_emit(v, STACK_JUMP_FORWARD, 0), target);
  v->block = block;
  if (p->failed) return;
  memcpy(v->slots, saved, count * sizeof *saved);
  v->count = count;
  view_jump_to(v, node, detour);
}

// The handler in force gets the part of the stack that it needs, and the exception.
static void view_enter_handler(Viewer *v, int32_t handler)
{
  StackProgram *p = &v->p;
  const Handler *h = &v->code->handlers[handler];
  StackBlock *to = &p->blocks[p->block_of[h->target]];
  if (to->entry || p->failed) return;
  uint32_t keep = 0;
  for (uint32_t i = 0; i < v->count; i++) {
    const StackSlot *s = &v->slots[i];
    if (s->kind == SLOT_VALUE && s->reg < h->depth && view_set_has(to->used_in, s->reg - v->code->first_temp)) keep = i + 1;
  }
  uint32_t count = v->count;
  v->count = keep;
  view_save_entry(v, to, true);
  v->count = count;
  if (p->failed) return;
  const Instr *first = &v->code->instrs[h->target], *second = first + cd_opcode_units[first->op];
  to->keeps_lasti = first->op != OP_PUSH_EXC || second->op == OP_WITH_EXCEPT;
  to->handler_depth = to->entry_count;
  if (to->keeps_lasti) to->entry[to->entry_count++] = (StackSlot){SLOT_LASTI, 0, -1};
  to->entry[to->entry_count++] = (StackSlot){SLOT_VALUE, h->depth, -1};
}

// ---- calls ----

// The callable's NULL belongs below it: LOAD_GLOBAL brings one along, otherwise it is pushed before.
static void view_null_below(Viewer *v, uint32_t at, uint32_t label)
{
  StackProgram *p = &v->p;
  int32_t start = v->slots[at].start, above = at + 1 < v->count ? v->slots[at + 1].start : -1;
  if (p->failed) return;
  if (start == START_UNKNOWN) {
    view_push(v, SLOT_VALUE, label, view_emit(v, STACK_PUSH_NULL, 0));
    if (at + 2 == v->count) view_swap_top(v, at);
    return;
  }
  if (start >= 0 && p->nodes[start].op == STACK_LOAD_GLOBAL && !(p->nodes[start].arg & 1) &&
      (p->nodes[start].next == above || (above < 0 && p->nodes[start].next < 0))) {
    p->nodes[start].arg |= 1;
  } else {
    int32_t node = view_insert(v, STACK_PUSH_NULL, 0, start);
    if (!p->failed && start >= 0) p->nodes[node].unit = p->nodes[start].unit;
    view_count_across(v, node, at);
    start = node;
  }
  view_push_at(v, at, label, start);
}

static void view_load_nothing(Viewer *v)
{
  if (v->count && view_on_top(v, v->a - 1)) {
    view_null_below(v, v->count - 1, v->a);
    return;
  }
  view_push(v, SLOT_VALUE, v->a, view_emit(v, STACK_PUSH_NULL, 0));
}

static void view_call(Viewer *v)
{
  uint32_t n = v->c + 2, *operands = cd_stack_alloc(&v->p, n, sizeof *operands);
  if (!operands) return;
  for (uint32_t i = 0; i < n; i++) operands[i] = v->b + i;
  if (view_find(v, v->b) > view_find(v, v->b + 1)) {             // NULL, callable; but method, self
    operands[0] = v->b + 1;
    operands[1] = v->b;
  }
  int32_t start = view_use(v, operands, n);
  if (v->jump >= 0) view_emit(v, STACK_KW_NAMES, (uint32_t)v->jump);
  view_emit(v, STACK_PRECALL, v->c);
  int32_t node = view_work(v, STACK_CALL, v->c);
  view_result(v, v->a, start == START_NEXT ? node : start);
}

static void view_call_ex(Viewer *v)
{
  int64_t at = view_find(v, v->b);
  uint32_t operands[4] = {OPERAND_CONSTANT - 1, v->b, v->b + 1, v->b + 2}, n = 3 + (v->c & 1);
  if (at >= 0) view_null_below(v, (uint32_t)at, operands[0]);
  int32_t start = view_use(v, operands, n), node = view_work(v, STACK_CALL_FUNCTION_EX, v->c & 1);
  view_result(v, v->a, start == START_NEXT ? node : start);
}

static void view_make_function(Viewer *v)
{
  uint32_t operands[6], n = 0, parts = (uint32_t)__builtin_popcount(v->c & 31);
  for (uint32_t i = 0; i < parts; i++) operands[n++] = v->b + 1 + i;
  operands[n++] = v->b;
  view_operation(v, STACK_MAKE_FUNCTION, v->c, v->a, operands, n);
}

// ---- moves ----

static void view_store(Viewer *v, uint32_t dst) { view_work(v, STACK_STORE_FAST, dst); }

static void view_drop(Viewer *v, uint32_t reg)
{
  int64_t at = view_find(v, reg);
  if (at < 0) return;
  if ((uint32_t)at + 1 == v->count) {
    view_work(v, STACK_POP_TOP, 0);
    v->count--;
  } else {
    v->slots[at].kind = SLOT_DEAD;
  }
}

static void view_copy(Viewer *v)
{
  int64_t at = view_is_temp(v, v->b) ? view_find(v, v->b) : -1;
  if (at < 0) {
    int32_t start = view_use1(v, v->b);
    if (!v->p.failed && start >= 0) v->p.primary[v->unit] = start;
    view_result(v, v->a, start);
    return;
  }
  const Instr *next = &v->code->instrs[v->next];
  bool dropped = v->next < v->p.blocks[v->block].end && (next->op == OP_DROP || next->op == OP_ASYNC_CLOSE) && next->a == v->b;
  if (dropped && view_is_temp(v, v->a)) {        // nobody wants the original: then it is a move
    v->slots[at].reg = v->a;
    return;
  }
  if ((uint32_t)at + 1 == v->count) {
    Fate fate = view_fate(v, v->b);
    bool stored = next->b == v->a && (next->op == OP_STORE_NAME || next->op == OP_STORE_CELL || next->op == OP_STORE_GLOBAL);
    if (view_is_temp(v, v->a) && (fate == FATE_DROPPED || (fate == FATE_LEFT && stored))) {
      v->slots[at].reg = v->a;
      return;
    }
    if (fate != FATE_READ && !view_is_temp(v, v->a)) {
      v->count--;
      view_store(v, v->a);
      return;
    }
  }
  int32_t node = view_emit_copy(v, (uint32_t)at);
  if (!v->p.failed) v->p.primary[v->unit] = node;
  view_result(v, v->a, node);
}

typedef struct ViewMove { uint32_t unit, dst, src; bool drop, done; } ViewMove;

static void view_move_one(Viewer *v, ViewMove *move)
{
  uint32_t unit = v->unit;
  v->unit = move->unit;
  if (move->drop) {
    view_drop(v, move->src);
  } else {
    view_use1(v, move->src);
    view_store(v, move->dst);
  }
  v->unit = unit;
  move->done = true;
}

// Stores and drops of temporaries, one behind the other on one line, happen in the order in which they lie on the stack.
static uint32_t view_gather_moves(Viewer *v, ViewMove *moves, uint32_t limit)
{
  Viewer look = *v;
  uint32_t n = 0, end = v->p.blocks[v->block].end;
  int32_t line = cd_code_line(v->code, v->unit);
  for (uint32_t i = v->unit; i < end && n < limit; i = look.next) {
    view_decode(&look, i);
    bool drop = look.op == OP_DROP || look.op == OP_ASYNC_CLOSE,
         move = look.op == OP_MOVE && !view_is_temp(v, look.a) && view_is_temp(v, look.b);
    if ((!drop && !move) || (n && cd_code_line(v->code, i) != line)) break;
    if (moves) moves[n] = (ViewMove){i, look.a, drop ? look.a : look.b, drop, false};
    n++;
  }
  return n;
}

static bool view_moves_clash(const ViewMove *moves, uint32_t n)   // two stores to one local, or two uses of one temporary: order matters
{
  if (n > 64) return false;                      // long ones come from unpacking, in order
  for (uint32_t i = 0; i < n; i++)
    for (uint32_t k = 0; k < i; k++)
      if (moves[i].src == moves[k].src || (!moves[i].drop && !moves[k].drop && moves[i].dst == moves[k].dst)) return true;
  return false;
}

static void view_settle(Viewer *v);

static void view_moves(Viewer *v)
{
  enum { RUN = 4096 };
  uint32_t n = view_gather_moves(v, NULL, RUN);
  ViewMove *moves = cd_stack_alloc(&v->p, n, sizeof *moves);
  if (!moves) return;
  n = view_gather_moves(v, moves, n);
  bool in_order = view_moves_clash(moves, n);
  uint32_t first = 0, last = n;
  while (first < last && !v->p.failed) {
    if (moves[first].done) {
      first++;
      continue;
    }
    uint32_t pick = first;
    if (!in_order && !view_on_top(v, moves[first].src)) {
      for (uint32_t i = last; i-- > first;)
        if (!moves[i].done && view_on_top(v, moves[i].src)) {
          pick = i;
          break;
        }
      while (last > first && moves[last - 1].done) last--;
    }
    view_move_one(v, &moves[pick]);
    view_settle(v);
  }
  view_decode(v, moves[n - 1].unit);             // all of them are done
}

static void view_move(Viewer *v)
{
  if (view_is_temp(v, v->b) && !view_is_temp(v, v->a)) {
    view_moves(v);
    return;
  }
  int64_t at = view_is_temp(v, v->b) ? view_find(v, v->b) : -1;
  if (at >= 0) {
    v->slots[at].reg = v->a;
    return;
  }
  int32_t start = view_use1(v, v->b);
  view_result(v, v->a, start);
}

// ---- suspending ----

static int32_t view_send(Viewer *v, uint32_t resume)             // iterator, value -> result
{
  int32_t send = view_emit(v, STACK_SEND, 0);
  view_emit(v, STACK_YIELD_VALUE, 0);
  view_emit(v, STACK_RESUME, resume);
  int32_t back = view_emit(v, STACK_JUMP_BACKWARD_NO_INTERRUPT, 0);
  if (v->p.failed) return 0;
  v->p.nodes[back].target = send;
  v->p.nodes[send].target = back;
  v->p.nodes[send].after = true;
  return send;
}

static void view_delegate(Viewer *v)
{
  const uint32_t operands[] = {v->b, v->c};
  int32_t start = view_use(v, operands, 2), send = view_send(v, v->awaiting ? 3 : 2);
  if (!v->p.failed) v->p.primary[v->unit] = send;
  view_result(v, v->a, start == START_NEXT ? send : start);
}

static void view_async_next(Viewer *v)
{
  int32_t node = view_work(v, STACK_GET_ANEXT, 0);
  view_load_none(v);
  view_send(v, 3);
  uint32_t depth = v->count;
  int64_t at = view_find(v, v->b);
  StackSlot saved = at >= 0 ? v->slots[at] : (StackSlot){SLOT_DEAD, 0, -1};
  // The end of the iteration: an exception of 3.11's, a jump of ours. The instruction that ends it stands alone, far off.
  StackProgram *p = &v->p;
  if (p->failed) return;
  if (p->block_count < p->block_capacity) {
    int32_t block = v->block, stop = (int32_t)p->block_count++;
    p->blocks[stop] = (StackBlock){
      .start = UINT32_MAX, .handler = -1, .first = -1, .last = -1, .succ = {-1, -1}, .done = true, .handler_depth = depth};
    for (int32_t n = node; n >= 0; n = p->nodes[n].next) p->nodes[n].handler = HANDLER_BLOCK - stop;
    if (at >= 0) view_remove(v, (uint32_t)at);
    v->block = stop;
    view_emit(v, STACK_END_ASYNC_FOR, 0);
    view_branch(v, view_emit(v, STACK_JUMP_FORWARD, 0), view_target_block(v));
    v->block = block;
    if (at >= 0) {
      view_push_at(v, (uint32_t)at, saved.reg, saved.start);
    }
  }
  view_result(v, v->a, node);
}

static void view_yield(Viewer *v)
{
  int32_t start = view_use1(v, v->b);
  if (v->code->flags & CO_ASYNC_GENERATOR) view_emit(v, STACK_ASYNC_GEN_WRAP, 0);
  int32_t node = view_work(v, STACK_YIELD_VALUE, 0);
  view_emit(v, STACK_RESUME, 1);
  view_result(v, v->a, start == START_NEXT ? node : start);
}

static void view_enter(Viewer *v)
{
  if (v->code->flags & CO_ANY_GENERATOR) {
    view_emit(v, STACK_RETURN_GENERATOR, 0);
    view_emit(v, STACK_POP_TOP, 0);
  }
  view_work(v, STACK_RESUME, 0);
}

// ---- exceptions ----

static void view_pop_exc(Viewer *v)
{
  while (v->count && !view_on_top(v, v->a)) {    // what is only dropped later goes now
    const StackSlot *top = &v->slots[v->count - 1];
    if (top->kind != SLOT_DEAD && (top->kind != SLOT_VALUE || !view_is_temp(v, top->reg) || view_fate(v, top->reg) == FATE_READ)) break;
    view_emit(v, STACK_POP_TOP, 0);
    v->count--;
  }
  int64_t at = view_find(v, v->a);
  if (at < 0) {
    view_work(v, STACK_POP_EXCEPT, 0);
    return;
  }
  if ((uint32_t)at + 2 == v->count) view_swap_top(v, (uint32_t)at++);
  if ((uint32_t)at + 1 == v->count) {
    v->count--;
  } else {
    view_emit_copy(v, (uint32_t)at);
    v->slots[at].kind = SLOT_DEAD;
  }
  view_work(v, STACK_POP_EXCEPT, 0);
}

static void view_push_exc(Viewer *v)
{
  view_work(v, STACK_PUSH_EXC_INFO, 0);
  int64_t at = view_find(v, v->b);
  view_push_at(v, at < 0 ? v->count : (uint32_t)at, v->a, -1);
}

static void view_reraise(Viewer *v)
{
  view_use1(v, v->a);
  view_work(v, STACK_RERAISE, v->count && v->slots[v->count - 1].kind == SLOT_LASTI);
}

// ---- jumps ----

static void view_jump_if(Viewer *v, uint8_t op)
{
  view_use1(v, v->a);
  view_branch(v, view_work(v, op, 0), view_target_block(v));
}

static void view_jump_or_drop(Viewer *v, uint8_t op)
{
  if (!view_on_top(v, v->a)) {
    view_use1(v, v->a);
    view_push(v, SLOT_VALUE, v->a, -1);
  }
  view_branch(v, view_work(v, op, 0), view_target_block(v));
  if (v->count) v->count--;
}

// Control goes to the handler in force, with an exception: raising it again leads there as well, which is how 3.11 says it.
static bool view_jump_raises(const Viewer *v, int32_t target)
{
  const StackBlock *block = &v->p.blocks[v->block], *to = &v->p.blocks[target];
  if (block->handler < 0 || v->code->handlers[block->handler].target != to->start || !to->keeps_lasti || v->count < 2) return false;
  return view_on_top(v, v->code->handlers[block->handler].depth) && v->slots[v->count - 2].kind == SLOT_LASTI;
}

static void view_jump(Viewer *v, uint8_t op)
{
  int32_t target = view_target_block(v);
  if (view_jump_raises(v, target)) {
    view_work(v, STACK_RERAISE, 1);
    return;
  }
  view_flow(v, target);
  view_jump_to(v, view_work(v, op, 0), target);
}

static void view_for(Viewer *v)
{
  if (!view_on_top(v, v->b)) {
    int32_t start = view_use1(v, v->b);
    view_push(v, SLOT_VALUE, v->b, start);
  }
  int32_t node = view_work(v, STACK_FOR_ITER, 0);
  if (v->p.failed) return;
  StackSlot iterator = v->slots[--v->count];
  view_branch(v, node, view_target_block(v));
  view_push(v, iterator.kind, iterator.reg, iterator.start);
  view_result(v, v->a, node);
}

// ---- one instruction ----

// Adding to a container that stays below.
static void view_add_to(Viewer *v, uint8_t op, const uint32_t *operands, uint32_t n)
{
  view_use(v, operands, n);
  int64_t at = view_find(v, v->a);
  int32_t node = view_work(v, op, at < 0 ? 1 : v->count - (uint32_t)at);
  v->p.nodes[node].reach = at < 0 ? 0 : (uint32_t)at;
}

// An instruction that looks at b on top and leaves it there.
static void view_test(Viewer *v, uint8_t op)
{
  bool copied = view_copy_to_top(v, v->b);
  int32_t node = view_work(v, op, 0);
  if (copied) {
    view_emit(v, STACK_SWAP, 2);
    view_emit(v, STACK_POP_TOP, 0);
  }
  view_result(v, v->a, node);
}

static void view_match_keys(Viewer *v)
{
  bool there = v->count > 1 && view_on_top(v, v->c) && view_slot_is(v, v->count - 2, v->b);
  if (!there) {
    view_copy_to_top(v, v->b);
    int64_t at = view_find(v, v->c);
    if (at >= 0) {
      int32_t node = view_emit(v, STACK_COPY, v->count + 1 - (uint32_t)at);
      v->p.nodes[node].reach = (uint32_t)at;
    }
  }
  int32_t node = view_work(v, STACK_MATCH_KEYS, 0);
  if (!there) {
    view_emit(v, STACK_SWAP, 3);
    view_emit(v, STACK_POP_TOP, 0);
    view_emit(v, STACK_POP_TOP, 0);
  }
  view_result(v, v->a, node);
}

static void view_unpack(Viewer *v, uint8_t op, uint32_t n)
{
  view_use1(v, v->b);
  int32_t node = view_work(v, op, v->c);
  for (uint32_t i = n; i-- > 0 && !v->p.failed;) view_push(v, SLOT_VALUE, v->a + i, node);   // the first is on top
}

static void view_with(Viewer *v, uint8_t op)
{
  view_use1(v, v->c);
  int32_t node = view_work(v, op, 0);
  view_push(v, SLOT_VALUE, v->a, node);
  view_result(v, v->b, node);
}

static void view_with_exit(Viewer *v)
{
  int32_t start = view_use1(v, v->b);
  for (int i = 0; i < 3; i++) view_load_none(v);
  view_emit(v, STACK_PRECALL, 2);
  view_work(v, STACK_CALL, 2);
  view_result(v, v->a, start);
}

static void view_clear_local(Viewer *v)
{
  if (view_is_temp(v, v->a)) {
    view_drop(v, v->a);
    return;
  }
  view_load_none(v);
  view_emit(v, STACK_STORE_FAST, v->a);
  view_work(v, STACK_DELETE_FAST, v->a);
}

static void view_leave(Viewer *v, uint8_t op, uint32_t arg, const uint32_t *operands, uint32_t n)   // no result
{
  view_use(v, operands, n);
  view_work(v, op, arg);
}

// Numbers of 3.11's BINARY_OP in the order of ours; the in-place forms are 13 further.
static const uint8_t view_binary_numbers[] = {0, 10, 5, 4, 11, 2, 6, 3, 9, 1, 12, 7, 8};

static void view_binary(Viewer *v)               // NAME, NAME_K, INAME, INAME_K for each operator
{
  uint32_t k = (uint32_t)v->op - OP_ADD, number = view_binary_numbers[k / 4] + (k & 2 ? 13u : 0u);
  view_operation(v, STACK_BINARY_OP, number, v->a, (uint32_t[]){v->b, k & 1 ? v->c | OPERAND_CONSTANT : v->c}, 2);
}

static void view_compare(Viewer *v)
{
  uint32_t k = (uint32_t)v->op - OP_LT;
  view_operation(v, STACK_COMPARE_OP, k % 6, v->a, (uint32_t[]){v->b, k >= 6 ? v->c | OPERAND_CONSTANT : v->c}, 2);
}

#define VIEW_OPERANDS(...) ((uint32_t[]){__VA_ARGS__}), (sizeof((uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t))

static void view_instruction(Viewer *v)
{
  const uint32_t a = v->a, b = v->b, c = v->c;
  switch ((Opcode)v->op) {
  case OP_NOP: case OP_EXTEND: view_work(v, STACK_NOP, 0); break;
  case OP_ENTER: view_enter(v); break;
  case OP_COPY_FREE_VARS: v->p.nodes[view_work(v, STACK_COPY_FREE_VARS, a)].unit = -1; break;    // on no line
  case OP_MAKE_CELL: v->p.nodes[view_work(v, STACK_MAKE_CELL, a)].unit = -1; break;
  case OP_MOVE: view_move(v); break;
  case OP_COPY: view_copy(v); break;
  case OP_LOAD_CONST: view_operation(v, STACK_LOAD_CONST, b, a, NULL, 0); break;
  case OP_LOAD_NOTHING: view_load_nothing(v); break;
  case OP_CHECK_LOCAL: view_push(v, SLOT_LOADED, a, view_work(v, STACK_LOAD_FAST, a)); break;
  case OP_DELETE_LOCAL: view_work(v, STACK_DELETE_FAST, a); break;
  case OP_CLEAR_LOCAL: view_clear_local(v); break;
  case OP_DROP: case OP_ASYNC_CLOSE: view_moves(v); break;
  case OP_LOAD_CELL: view_operation(v, STACK_LOAD_DEREF, b, a, NULL, 0); break;
  case OP_STORE_CELL: view_leave(v, STACK_STORE_DEREF, a, VIEW_OPERANDS(b)); break;
  case OP_DELETE_CELL: view_work(v, STACK_DELETE_DEREF, a); break;
  case OP_LOAD_CLASS_CELL: view_operation(v, STACK_LOAD_CLASSDEREF, b, a, NULL, 0); break;
  case OP_LOAD_NAME: view_operation(v, STACK_LOAD_NAME, b, a, NULL, 0); break;
  case OP_STORE_NAME: view_leave(v, STACK_STORE_NAME, a, VIEW_OPERANDS(b)); break;
  case OP_DELETE_NAME: view_work(v, STACK_DELETE_NAME, a); break;
  case OP_LOAD_GLOBAL: view_operation(v, STACK_LOAD_GLOBAL, b << 1, a, NULL, 0); break;
  case OP_STORE_GLOBAL: view_leave(v, STACK_STORE_GLOBAL, a, VIEW_OPERANDS(b)); break;
  case OP_DELETE_GLOBAL: view_work(v, STACK_DELETE_GLOBAL, a); break;
  case OP_LOAD_ATTR: view_operation1(v, STACK_LOAD_ATTR, c, a, b); break;
  case OP_LOAD_METHOD: {
    int32_t start = view_use1(v, b), node = view_work(v, STACK_LOAD_METHOD, c);
    view_push(v, SLOT_VALUE, a, start == START_NEXT ? node : start);
    view_push(v, SLOT_VALUE, a + 1, node);
    break;
  }
  case OP_STORE_ATTR: view_leave(v, STACK_STORE_ATTR, b, VIEW_OPERANDS(c, a)); break;
  case OP_DELETE_ATTR: view_leave(v, STACK_DELETE_ATTR, b, VIEW_OPERANDS(a)); break;
  case OP_GET_ITEM: view_operation(v, STACK_BINARY_SUBSCR, 0, a, VIEW_OPERANDS(b, c)); break;
  case OP_GET_ITEM_K: view_operation(v, STACK_BINARY_SUBSCR, 0, a, VIEW_OPERANDS(b, c | OPERAND_CONSTANT)); break;
  case OP_SET_ITEM: view_leave(v, STACK_STORE_SUBSCR, 0, VIEW_OPERANDS(c, a, b)); break;
  case OP_DELETE_ITEM: view_leave(v, STACK_DELETE_SUBSCR, 0, VIEW_OPERANDS(a, b)); break;
  case OP_IS: view_operation(v, STACK_IS_OP, 0, a, VIEW_OPERANDS(b, c)); break;
  case OP_IS_NOT: view_operation(v, STACK_IS_OP, 1, a, VIEW_OPERANDS(b, c)); break;
  case OP_IN: view_operation(v, STACK_CONTAINS_OP, 0, a, VIEW_OPERANDS(b, c)); break;
  case OP_NOT_IN: view_operation(v, STACK_CONTAINS_OP, 1, a, VIEW_OPERANDS(b, c)); break;
  case OP_NEGATIVE: view_operation1(v, STACK_UNARY_NEGATIVE, 0, a, b); break;
  case OP_POSITIVE: view_operation1(v, STACK_UNARY_POSITIVE, 0, a, b); break;
  case OP_INVERT: view_operation1(v, STACK_UNARY_INVERT, 0, a, b); break;
  case OP_NOT: view_operation1(v, STACK_UNARY_NOT, 0, a, b); break;
  case OP_JUMP: view_jump(v, STACK_JUMP_FORWARD); break;
  case OP_JUMP_BACK: view_jump(v, STACK_JUMP_BACKWARD); break;
  case OP_JUMP_IF_FALSE: view_jump_if(v, STACK_POP_JUMP_FORWARD_IF_FALSE); break;
  case OP_JUMP_IF_TRUE: view_jump_if(v, STACK_POP_JUMP_FORWARD_IF_TRUE); break;
  case OP_JUMP_IF_NONE: view_jump_if(v, STACK_POP_JUMP_FORWARD_IF_NONE); break;
  case OP_JUMP_IF_NOT_NONE: view_jump_if(v, STACK_POP_JUMP_FORWARD_IF_NOT_NONE); break;
  case OP_JUMP_IF_FALSE_OR_DROP: view_jump_or_drop(v, STACK_JUMP_IF_FALSE_OR_POP); break;
  case OP_JUMP_IF_TRUE_OR_DROP: view_jump_or_drop(v, STACK_JUMP_IF_TRUE_OR_POP); break;
  case OP_BUILD_TUPLE: view_run(v, STACK_BUILD_TUPLE, c, a, b, c); break;
  case OP_BUILD_LIST: view_run(v, STACK_BUILD_LIST, c, a, b, c); break;
  case OP_BUILD_SET: view_run(v, STACK_BUILD_SET, c, a, b, c); break;
  case OP_BUILD_MAP: view_run(v, STACK_BUILD_MAP, c, a, b, c * 2); break;
  case OP_BUILD_STRING: view_run(v, STACK_BUILD_STRING, c, a, b, c); break;
  case OP_BUILD_SLICE: view_run(v, STACK_BUILD_SLICE, c, a, b, c); break;
  case OP_FORMAT_VALUE: view_run(v, STACK_FORMAT_VALUE, c, a, b, c & 4 ? 2 : 1); break;
  case OP_LIST_APPEND: view_add_to(v, STACK_LIST_APPEND, VIEW_OPERANDS(b)); break;
  case OP_SET_ADD: view_add_to(v, STACK_SET_ADD, VIEW_OPERANDS(b)); break;
  case OP_MAP_ADD: view_add_to(v, STACK_MAP_ADD, VIEW_OPERANDS(b, c)); break;
  case OP_LIST_EXTEND: view_add_to(v, STACK_LIST_EXTEND, VIEW_OPERANDS(b)); break;
  case OP_SET_UPDATE: view_add_to(v, STACK_SET_UPDATE, VIEW_OPERANDS(b)); break;
  case OP_DICT_UPDATE: view_add_to(v, STACK_DICT_UPDATE, VIEW_OPERANDS(b)); break;
  case OP_DICT_MERGE: view_add_to(v, STACK_DICT_MERGE, VIEW_OPERANDS(b)); break;
  case OP_LIST_TO_TUPLE: view_operation1(v, STACK_LIST_TO_TUPLE, 0, a, b); break;
  case OP_UNPACK_SEQUENCE: view_unpack(v, STACK_UNPACK_SEQUENCE, c); break;
  case OP_UNPACK_EX: view_unpack(v, STACK_UNPACK_EX, (c & 0xFF) + 1 + (c >> 8)); break;
  case OP_CALL: view_call(v); break;
  case OP_CALL_EX: view_call_ex(v); break;
  case OP_MAKE_FUNCTION: view_make_function(v); break;
  case OP_LOAD_BUILD_CLASS: view_operation(v, STACK_LOAD_BUILD_CLASS, 0, a, NULL, 0); break;
  case OP_LOAD_ASSERTION_ERROR: view_operation(v, STACK_LOAD_ASSERTION_ERROR, 0, a, NULL, 0); break;
  case OP_RETURN: view_leave(v, STACK_RETURN_VALUE, 0, VIEW_OPERANDS(a)); break;
  case OP_RETURN_CONST: view_leave(v, STACK_RETURN_VALUE, 0, VIEW_OPERANDS(a | OPERAND_CONSTANT)); break;
  case OP_GET_ITER: view_operation1(v, STACK_GET_ITER, 0, a, b); break;
  case OP_FOR_ITER: view_for(v); break;
  case OP_YIELD: view_yield(v); break;
  case OP_GET_YIELD_FROM_ITER:
    v->awaiting = false;
    view_operation1(v, STACK_GET_YIELD_FROM_ITER, 0, a, b);
    break;
  case OP_GET_AWAITABLE:
    v->awaiting = true;
    view_operation1(v, STACK_GET_AWAITABLE, c, a, b);
    break;
  case OP_DELEGATE: view_delegate(v); break;
  case OP_GET_ASYNC_ITER: view_operation1(v, STACK_GET_AITER, 0, a, b); break;
  case OP_ASYNC_NEXT: view_async_next(v); break;
  case OP_WITH_ENTER: view_with(v, STACK_BEFORE_WITH); break;
  case OP_ASYNC_WITH_ENTER: view_with(v, STACK_BEFORE_ASYNC_WITH); break;
  case OP_WITH_EXIT: view_with_exit(v); break;
  case OP_WITH_EXCEPT: view_result(v, a, view_work(v, STACK_WITH_EXCEPT_START, 0)); break;
  case OP_PUSH_EXC: view_push_exc(v); break;
  case OP_POP_EXC: view_pop_exc(v); break;
  case OP_EXC_MATCH: view_operation1(v, STACK_CHECK_EXC_MATCH, 0, a, c); break;
  case OP_EXC_GROUP_MATCH: view_operation1(v, STACK_CHECK_EG_MATCH, 0, a, c); break;
  case OP_EXC_GROUP_RERAISE: view_operation(v, STACK_PREP_RERAISE_STAR, 0, a, VIEW_OPERANDS(b, c)); break;
  case OP_RAISE: view_leave(v, STACK_RAISE_VARARGS, a, (uint32_t[]){b, c}, a); break;
  case OP_RERAISE: view_reraise(v); break;
  case OP_IMPORT_NAME: view_run(v, STACK_IMPORT_NAME, c, a, b, 2); break;
  case OP_IMPORT_FROM: {
    bool copied = view_copy_to_top(v, b);
    view_result(v, a, view_work(v, STACK_IMPORT_FROM, c));
    if (copied)
      view_push_at(v, v->count ? v->count - 1 : 0, OPERAND_CONSTANT - 1, -1), v->slots[v->count > 1 ? v->count - 2 : 0].kind = SLOT_DEAD;
    break;
  }
  case OP_IMPORT_STAR: view_leave(v, STACK_IMPORT_STAR, 0, VIEW_OPERANDS(a)); break;
  case OP_SETUP_ANNOTATIONS: view_work(v, STACK_SETUP_ANNOTATIONS, 0); break;
  case OP_GET_LEN: view_test(v, STACK_GET_LEN); break;
  case OP_MATCH_MAPPING: view_test(v, STACK_MATCH_MAPPING); break;
  case OP_MATCH_SEQUENCE: view_test(v, STACK_MATCH_SEQUENCE); break;
  case OP_MATCH_KEYS: view_match_keys(v); break;
  case OP_MATCH_CLASS: view_run(v, STACK_MATCH_CLASS, c, a, b, 3); break;
  case OP_PRINT_EXPR: view_leave(v, STACK_PRINT_EXPR, 0, VIEW_OPERANDS(a)); break;
  case OP_INTRINSIC: view_run(v, STACK_REGISTER_ONLY, c, a, b, view_effects(v->op, a, b, c).read_counts[0]); break;
  case OP_LOAD_SUPER_ATTR: case OP_COUNT: view_result(v, a, view_work(v, STACK_REGISTER_ONLY, 0)); break;
  default:
    if (v->op >= OP_LT && v->op <= OP_GE_K) view_compare(v);
    else view_binary(v);
  }
}

// Dead slots that have come to the top go.
static void view_settle(Viewer *v)
{
  while (v->count && !v->p.failed && (v->slots[v->count - 1].kind == SLOT_DEAD || v->slots[v->count - 1].kind == SLOT_LASTI)) {
    view_emit(v, STACK_POP_TOP, 0);
    v->count--;
  }
}

// ---- all of it ----

static void view_block(Viewer *v, int32_t number)
{
  StackProgram *p = &v->p;
  const StackBlock *block = &p->blocks[number];
  v->block = number;
  v->count = 0;
  v->unit = block->start;
  for (uint32_t i = 0; i < block->entry_count; i++) view_push(v, block->entry[i].kind, block->entry[i].reg, block->entry[i].start);
  bool ended = false;
  for (uint32_t i = block->start; i < block->end && !p->failed; i = v->next) {
    if (block->handler >= 0) view_enter_handler(v, block->handler);
    view_decode(v, i);
    ended = view_ends(v->op);
    view_instruction(v);
    if (!ended) view_settle(v);
    for (uint32_t k = 0; k < v->count; k++)
      if (v->slots[k].start == START_NEXT) v->slots[k].start = block->first;
  }
  if (ended || p->failed || block->end >= v->code->unit_count) return;
  int32_t behind = p->block_of[block->end];
  if (view_jump_raises(v, behind)) view_emit(v, STACK_RERAISE, 1);
  else view_flow(v, behind);
}

static bool view_blocks(Viewer *v)
{
  StackProgram *p = &v->p;
  uint32_t blocks = p->block_count;
  for (bool reached_only = true, progress = true; progress && !p->failed;) {
    progress = false;
    for (uint32_t i = 0; i < blocks && !p->failed; i++) {
      StackBlock *block = &p->blocks[i];
      if (block->done || (i && reached_only && !block->entry)) continue;
      block->done = progress = true;
      view_block(v, (int32_t)i);
    }
    if (!progress && reached_only) {             // what nothing leads to comes too
      reached_only = false;
      progress = true;
    }
  }
  return !p->failed;
}

static bool view_translate(Viewer *v)
{
  StackProgram *p = &v->p;
  const Code *code = v->code;
  p->node_capacity = code->unit_count * 2 + 16;
  p->nodes = cd_stack_alloc(p, p->node_capacity, sizeof *p->nodes);
  v->capacity = 32;
  v->slots = cd_stack_alloc(p, v->capacity, sizeof *v->slots);
  v->word_count = (code->register_count - code->first_temp) / 64 + 1;
  v->none = -1;
  for (size_t i = cd_tuple_size(code->consts); i-- > 0;)
    if (cd_is_none(cd_tuple_item_borrow(code->consts, i))) v->none = (int32_t)i;
  if (p->failed || !view_find_blocks(v)) return false;
  for (uint32_t i = 0; i < p->block_count; i++)
    if (!view_block_effects(v, &p->blocks[i])) return false;
  for (bool changed = true; changed;) {
    changed = false;
    view_live_pass(v, &changed);
  }
  return view_blocks(v);
}

static void *view_take_memory(void *ctx, size_t size) { return cd_alloc(ctx, size); }
static void view_give_memory(void *ctx, void *p, size_t size) { cd_free(ctx, p, size); }

const StackView *cd_code_view(VM *vm, Code *code)
{
  if (code->view) return code->view;
  StackView *view = cd_alloc_zeroed(vm, sizeof *view);
  Viewer *v = view ? cd_alloc_zeroed(vm, sizeof *v) : NULL;
  bool ok = false;
  if (v) {
    v->p.vm = vm;
    v->p.code = code;
    v->code = code;
    cd_arena_init(&v->p.arena, view_take_memory, view_give_memory, vm);
    ok = view_translate(v) && cd_stack_layout(&v->p, view);
    cd_arena_clear(&v->p.arena);
    cd_free(vm, v, sizeof *v);
  }
  if (ok && !code->view) {
    view->owner = code;
    view->next = vm->stack_views;
    if (view->next) view->next->prev = view;
    vm->stack_views = view;
    code->view = view;
    return view;
  }
  if (!ok && !cd_raised(vm)) cd_raise_memory(vm);
  if (view) {
    code->view = view;                           // freed as a whole
    cd_code_view_free(vm, code);
  }
  return NULL;
}

void cd_code_view_free(VM *vm, Code *code)
{
  StackView *view = code->view;
  if (!view) return;
  code->view = NULL;
  if (view->owner) {
    if (view->next) view->next->prev = view->prev;
    *(view->prev ? &view->prev->next : &vm->stack_views) = view->next;
  }
  cd_clear(vm, &view->code);
  cd_clear(vm, &view->line_table);
  cd_clear(vm, &view->exception_table);
  cd_free(vm, view->offsets, view->unit_count * sizeof *view->offsets);
  cd_free(vm, view, sizeof *view);
}

static bool view_same_shape(VM *vm, const Code *a, const Code *b)
{
  return a->arg_count == b->arg_count && a->kwonly_count == b->kwonly_count && a->posonly_count == b->posonly_count &&
         a->flags == b->flags && cd_const_equal(vm, a->varnames, b->varnames) && cd_const_equal(vm, a->cellvars, b->cellvars) &&
         cd_const_equal(vm, a->freevars, b->freevars);
}

Ref cd_code_of_view(VM *vm, Value bytes, const Code *like)
{
  Code *found = NULL;
  for (const StackView *view = vm->stack_views; view; view = view->next) {
    bool same = cd_is(view->code, bytes) || (cd_bytes_size(view->code) == cd_bytes_size(bytes) &&
                                             memcmp(cd_bytes_data(view->code), cd_bytes_data(bytes), cd_bytes_size(bytes)) == 0);
    if (!same || !view->owner->head.refcount) continue;          // one that is dying lives no more
    found = view->owner;
    if (view_same_shape(vm, found, like)) break; // the same stack code may be told of register code that checks locals or does not
  }
  return found ? cd_dup_object(found) : NO_REF;
}

bool cd_code_view_offset(VM *vm, Code *code, uint32_t unit, int32_t *out)
{
  const StackView *view = cd_code_view(vm, code);
  if (!view) return false;
  *out = unit < view->unit_count ? (int32_t)view->offsets[unit] * 2 : -1;
  return true;
}

bool cd_code_view_unit(VM *vm, Code *code, int32_t offset, uint32_t *out)
{
  const StackView *view = cd_code_view(vm, code);
  if (!view) return false;
  uint32_t wanted = offset < 0 ? 0 : (uint32_t)offset / 2, best = 0, distance = UINT32_MAX;
  for (uint32_t i = 0; i < view->unit_count; i++) {
    uint32_t at = view->offsets[i];
    if (at < wanted || at - wanted >= distance) continue;
    best = i;
    distance = at - wanted;
  }
  *out = best;
  return true;
}
