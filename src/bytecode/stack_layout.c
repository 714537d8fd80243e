// SPDX-License-Identifier: MIT
// stack_layout.c: the stack view's instructions as bytes, with 3.11's tables of lines and of exception handlers
#include "bytecode/stack_view.h"

#include "objects/bytes.h"

typedef struct Layout {
  StackProgram *p;
  int32_t *order;                                // nodes as they will lie
  uint32_t *place;                               // node -> its number in `order`
  uint32_t *block_place;                         // block -> number of its first node
  uint32_t count, size, first_detour;
} Layout;

// Units that inline caches take.
static uint32_t layout_caches(uint8_t op)
{
  switch (op) {
  case STACK_LOAD_GLOBAL: return 5;
  case STACK_BINARY_OP: case STACK_UNPACK_SEQUENCE: case STACK_PRECALL: case STACK_STORE_SUBSCR: return 1;
  case STACK_COMPARE_OP: return 2;
  case STACK_BINARY_SUBSCR: case STACK_LOAD_ATTR: case STACK_STORE_ATTR: case STACK_CALL: return 4;
  case STACK_LOAD_METHOD: return 10;
  default: return 0;
  }
}

static uint32_t layout_units(const StackNode *n) { return n->extended + 1u + layout_caches(n->op); }

static bool layout_falls(const Layout *l)        // does control go on behind the last node?
{
  if (!l->count) return true;
  switch (l->p->nodes[l->order[l->count - 1]].op) {
  case STACK_JUMP_FORWARD: case STACK_JUMP_BACKWARD: case STACK_RETURN_VALUE: case STACK_RERAISE: case STACK_RAISE_VARARGS: return false;
  default: return true;
  }
}

static bool layout_is_detour(const StackBlock *block) { return block->start == UINT32_MAX; }

static void layout_block(Layout *l, uint32_t number)
{
  const StackProgram *p = l->p;
  l->block_place[number] = l->count;
  for (int32_t n = p->blocks[number].first; n >= 0; n = p->nodes[n].next) {
    l->place[n] = l->count;
    l->order[l->count++] = n;
  }
}

// A detour that ends in a jump to block `number` may stand right before it, without the jump, if nothing falls into that.
static void layout_detour_before(Layout *l, uint32_t number, bool *placed)
{
  StackProgram *p = l->p;
  if (l->first_detour == p->block_count || layout_falls(l)) return;
  for (uint32_t i = l->first_detour; i < p->block_count; i++) {
    StackBlock *block = &p->blocks[i];
    if (!layout_is_detour(block) || placed[i] || block->last < 0) continue;
    const StackNode *jump = &p->nodes[block->last];
    if (jump->op != STACK_JUMP_FORWARD || !jump->to_block || jump->target != (int32_t)number || jump->prev < 0) continue;
    block->last = jump->prev;
    p->nodes[block->last].next = -1;
    placed[i] = true;
    layout_block(l, i);
    return;
  }
}

static bool layout_order(Layout *l)
{
  StackProgram *p = l->p;
  l->order = cd_stack_alloc(p, p->node_count, sizeof *l->order);
  l->place = cd_stack_alloc(p, p->node_count, sizeof *l->place);
  l->block_place = cd_stack_alloc(p, p->block_count, sizeof *l->block_place);
  bool *placed = cd_stack_alloc(p, p->block_count, 1);
  if (p->failed) return false;
  while (l->first_detour < p->block_count && !layout_is_detour(&p->blocks[l->first_detour])) l->first_detour++;
  for (uint32_t i = 0; i < p->block_count; i++) {
    if (placed[i]) continue;
    if (!layout_is_detour(&p->blocks[i])) layout_detour_before(l, i, placed);
    layout_block(l, i);
  }
  return true;
}

static uint32_t layout_target(const Layout *l, const StackNode *n)   // a place; `count` is the end
{
  if (n->to_block) return l->block_place[n->target];
  return l->place[n->target] + n->after;
}

static uint32_t layout_start(const Layout *l, uint32_t place)    // unit where an instruction begins, with what extends it
{
  if (place >= l->count) return l->size;
  const StackNode *n = &l->p->nodes[l->order[place]];
  return n->at - n->extended;
}

static uint8_t layout_backward(uint8_t op)
{
  switch (op) {
  case STACK_JUMP_FORWARD: return STACK_JUMP_BACKWARD;
  case STACK_POP_JUMP_FORWARD_IF_FALSE: return STACK_POP_JUMP_BACKWARD_IF_FALSE;
  case STACK_POP_JUMP_FORWARD_IF_TRUE: return STACK_POP_JUMP_BACKWARD_IF_TRUE;
  case STACK_POP_JUMP_FORWARD_IF_NONE: return STACK_POP_JUMP_BACKWARD_IF_NONE;
  case STACK_POP_JUMP_FORWARD_IF_NOT_NONE: return STACK_POP_JUMP_BACKWARD_IF_NOT_NONE;
  default: return op;
  }
}

// Jumps grow with the distance, which grows with the jumps: again until nothing changes.
static void layout_measure(Layout *l)
{
  StackNode *nodes = l->p->nodes;
  for (uint32_t i = 0; i < l->count; i++) {
    StackNode *n = &nodes[l->order[i]];
    if (n->target == TARGET_NONE) continue;
    if (layout_target(l, n) <= i) n->op = layout_backward(n->op);
    else if (n->op == STACK_JUMP_BACKWARD) n->op = STACK_JUMP_FORWARD;
  }
  for (bool changed = true; changed;) {
    changed = false;
    l->size = 0;
    for (uint32_t i = 0; i < l->count; i++) {
      StackNode *n = &nodes[l->order[i]];
      n->at = l->size + n->extended;
      l->size += layout_units(n);
    }
    for (uint32_t i = 0; i < l->count; i++) {
      StackNode *n = &nodes[l->order[i]];
      if (n->target != TARGET_NONE) {
        uint32_t target = layout_start(l, layout_target(l, n)), from = n->at + 1;
        n->arg = target >= from ? target - from : from - target;
      }
      uint8_t extended = (uint8_t)((n->arg > 0xFF) + (n->arg > 0xFFFF) + (n->arg > 0xFFFFFF));
      if (extended <= n->extended) continue;
      n->extended = extended;
      changed = true;
    }
  }
}

static Ref layout_code(Layout *l)
{
  Ref bytes = cd_bytes_new(l->p->vm, NULL, (size_t)l->size * 2);
  if (!bytes || !l->size) return bytes;
  uint8_t *out = (uint8_t *)cd_bytes_data(bytes);
  memset(out, 0, (size_t)l->size * 2);
  for (uint32_t i = 0; i < l->count; i++) {
    const StackNode *n = &l->p->nodes[l->order[i]];
    for (uint32_t k = n->extended; k > 0; k--) {
      out[(n->at - k) * 2] = STACK_EXTENDED_ARG;
      out[(n->at - k) * 2 + 1] = (uint8_t)(n->arg >> 8 * k);
    }
    out[n->at * 2] = n->op;
    out[n->at * 2 + 1] = (uint8_t)n->arg;
  }
  return bytes;
}

// ---- tables ----

typedef struct TableWriter { StackProgram *p; uint8_t *data; size_t size, capacity; } TableWriter;

static void table_byte(TableWriter *w, uint32_t byte)
{
  if (w->size == w->capacity) {
    size_t capacity = w->capacity ? w->capacity * 2 : 256;
    uint8_t *data = cd_stack_alloc(w->p, capacity, 1);
    if (!data) return;
    if (w->size) memcpy(data, w->data, w->size);
    w->data = data;
    w->capacity = capacity;
  }
  w->data[w->size++] = (uint8_t)byte;
}

static void table_number(TableWriter *w, uint32_t n)             // groups of six bits, the lowest first
{
  for (; n >= 0x40; n >>= 6) table_byte(w, (n & 0x3F) | 0x40);
  table_byte(w, n);
}
static void table_signed(TableWriter *w, int32_t n) { table_number(w, n < 0 ? (uint32_t)-(int64_t)n << 1 | 1 : (uint32_t)n << 1); }

enum { LINES_NEXT = 10, LINES_NO_COLUMNS = 13, LINES_LONG = 14, LINES_NONE = 15, LINES_UNITS = 8 };

// One entry for up to eight units; `line` is that of the last entry.
static void table_position(TableWriter *w, uint32_t units, Position p, int32_t *line)
{
  uint32_t head = 0x80 | (units - 1);
  if (p.line < 0) {
    table_byte(w, head | LINES_NONE << 3);
    return;
  }
  int64_t step = (int64_t)p.line - *line;
  *line = p.line;
  if (p.column < 0 || p.end_column < 0 || p.end_line < p.line) {
    table_byte(w, head | LINES_NO_COLUMNS << 3);
    table_signed(w, (int32_t)step);
  } else if (p.end_line == p.line && step == 0 && p.column < 80 && p.end_column >= p.column && p.end_column - p.column < 16) {
    table_byte(w, head | (uint32_t)(p.column / 8) << 3);
    table_byte(w, (uint32_t)(p.column % 8) << 4 | (uint32_t)(p.end_column - p.column));
  } else if (p.end_line == p.line && step >= 0 && step < 3 && p.column < 128 && p.end_column < 128) {
    table_byte(w, head | (uint32_t)(LINES_NEXT + step) << 3);
    table_byte(w, (uint32_t)p.column);
    table_byte(w, (uint32_t)p.end_column);
  } else {
    table_byte(w, head | LINES_LONG << 3);
    table_signed(w, (int32_t)step);
    table_number(w, (uint32_t)(p.end_line - p.line));
    table_number(w, (uint32_t)p.column + 1);
    table_number(w, (uint32_t)p.end_column + 1);
  }
}

static Ref layout_lines(Layout *l)
{
  StackProgram *p = l->p;
  VM *vm = p->vm;
  if (cd_bits(p->code->line_table)) return cd_dup(p->code->line_table);
  TableWriter writer = {.p = p};
  int32_t line = p->code->first_line;
  for (uint32_t i = 0; i < l->count && p->code->positions_size; i++) {
    const StackNode *n = &p->nodes[l->order[i]];
    Position position = n->unit < 0 ? (Position){-1, -1, -1, -1} : cd_code_position(p->code, (uint32_t)n->unit);
    if (vm->config.no_debug_ranges) position.column = position.end_column = -1;
    for (uint32_t left = layout_units(n); left;) {
      uint32_t units = left < LINES_UNITS ? left : LINES_UNITS;
      table_position(&writer, units, position, &line);
      left -= units;
    }
  }
  return p->failed ? NO_REF : cd_bytes_new(vm, (const char *)writer.data, writer.size);
}

static void table_big_number(TableWriter *w, uint32_t n, uint32_t first)   // groups of six bits, the highest first
{
  int groups = 0;
  while (groups < 5 && n >> 6 * (groups + 1)) groups++;
  for (int i = groups; i >= 0; i--) {
    table_byte(w, (n >> 6 * i & 0x3F) | (i ? 0x40u : 0) | first);
    first = 0;
  }
}

static Ref layout_handlers(Layout *l)
{
  StackProgram *p = l->p;
  TableWriter writer = {.p = p};
  for (uint32_t i = 0; i < l->count;) {
    int32_t handler = p->nodes[l->order[i]].handler;
    uint32_t start = layout_start(l, i);
    while (i < l->count && p->nodes[l->order[i]].handler == handler) i++;
    if (handler == -1) continue;
    int32_t number = handler <= HANDLER_BLOCK ? HANDLER_BLOCK - handler : p->block_of[p->code->handlers[handler].target];
    const StackBlock *block = &p->blocks[number];
    table_big_number(&writer, start, 0x80);
    table_big_number(&writer, layout_start(l, i) - start, 0);
    table_big_number(&writer, layout_start(l, l->block_place[number]), 0);
    table_big_number(&writer, block->handler_depth << 1 | block->keeps_lasti, 0);
  }
  return p->failed ? NO_REF : cd_bytes_new(p->vm, (const char *)writer.data, writer.size);
}

// Where f_lasti points while a unit is executed. Units that left nothing get what comes next.
static bool layout_offsets(Layout *l, StackView *out)
{
  StackProgram *p = l->p;
  const Code *code = p->code;
  if (!(out->offsets = cd_alloc_array(p->vm, code->unit_count, sizeof *out->offsets))) return false;
  out->unit_count = code->unit_count;
  int64_t *first = cd_stack_alloc(p, code->unit_count, sizeof *first);
  if (!first) return false;
  for (uint32_t i = 0; i < code->unit_count; i++) first[i] = -1;
  for (uint32_t i = 0; i < l->count; i++) {
    const StackNode *n = &p->nodes[l->order[i]];
    if (n->unit >= 0) first[n->unit] = n->at;    // the last one
  }
  uint32_t next = l->size ? l->size - 1 : 0;
  for (uint32_t i = code->unit_count; i-- > 0;) {
    if (p->block_of[i] >= 0 && first[i] < 0 && p->primary[i] < 0) next = layout_start(l, l->block_place[p->block_of[i]]);
    if (p->primary[i] >= 0) next = p->nodes[p->primary[i]].at;
    else if (first[i] >= 0) next = (uint32_t)first[i];
    out->offsets[i] = next;
  }
  for (uint32_t i = 0; i < code->unit_count;) {  // all units of an instruction agree with the one it starts with
    uint32_t start = i;
    if (code->instrs[i].op == OP_EXTEND && i + 1 < code->unit_count) i++;
    i += cd_opcode_units[code->instrs[i].op];
    for (uint32_t k = start + 1; k < i && k < code->unit_count; k++) out->offsets[k] = out->offsets[start];
  }
  return true;
}

bool cd_stack_layout(StackProgram *p, StackView *out)
{
  Layout layout = {.p = p}, *l = &layout;
  if (!layout_order(l)) return false;
  layout_measure(l);
  return (out->code = layout_code(l)) && (out->line_table = layout_lines(l)) && (out->exception_table = layout_handlers(l)) &&
         layout_offsets(l, out);
}

// ---- reading lines back ----

LineTableReader cd_line_table_reader(Value bytes, int32_t first_line)
{
  const uint8_t *data = (const uint8_t *)cd_bytes_data(bytes);
  return (LineTableReader){.p = data, .end = data + cd_bytes_size(bytes), .line = first_line};
}

static uint32_t lines_byte(LineTableReader *r) { return r->p < r->end ? *r->p++ : 0; }

static uint32_t lines_number(LineTableReader *r)
{
  uint32_t n = 0;
  for (int shift = 0; shift < 32; shift += 6) {
    uint32_t byte = lines_byte(r);
    n |= (byte & 0x3F) << shift;
    if (!(byte & 0x40)) break;
  }
  return n;
}

static int32_t lines_signed(LineTableReader *r)
{
  uint32_t n = lines_number(r);
  return n & 1 ? -(int32_t)(n >> 1) : (int32_t)(n >> 1);
}

bool cd_line_table_read(LineTableReader *r)
{
  if (r->p >= r->end) return false;
  uint32_t head = lines_byte(r), kind = head >> 3 & 15;
  r->units = (head & 7) + 1;
  Position *p = &r->position;
  *p = (Position){-1, -1, -1, -1};
  if (kind == LINES_NONE) return true;
  if (kind == LINES_LONG || kind == LINES_NO_COLUMNS) r->line = (int32_t)((uint32_t)r->line + (uint32_t)lines_signed(r));
  else if (kind >= LINES_NEXT) r->line += (int32_t)kind - LINES_NEXT;
  p->line = p->end_line = r->line;
  if (kind == LINES_LONG) {
    p->end_line = (int32_t)((uint32_t)r->line + lines_number(r));
    p->column = (int32_t)lines_number(r) - 1;
    p->end_column = (int32_t)lines_number(r) - 1;
  } else if (kind < LINES_NEXT) {
    uint32_t byte = lines_byte(r);
    p->column = (int32_t)(kind << 3 | byte >> 4);
    p->end_column = p->column + (int32_t)(byte & 15);
  } else if (kind < LINES_NO_COLUMNS) {
    p->column = (int32_t)lines_byte(r);
    p->end_column = (int32_t)lines_byte(r);
  }
  return true;
}
