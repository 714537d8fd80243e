// SPDX-License-Identifier: MIT
// jump.c: `frame.f_lineno = n` in a trace function: goes on at another line of the same frame
//
// A jump is allowed if every temporary that the target expects is alive now and of the same kind: a loop's iterator, an exception being
// handled, or something else. What is alive where follows from the instructions' operands, walked once from the start of the code.
#include "vm/eval.h"

#include "objects/int.h"
#include "objects/protocol.h"

typedef enum {
  TEMP_DEAD, TEMP_OBJECT, TEMP_ITERATOR,
  TEMP_EXCEPTION,                                // what a handler got
  TEMP_HANDLED,                                  // what PUSH_EXC put aside
  TEMP_SELF,                                     // beside a callable: self or nothing
  TEMP_EXIT,                                     // __exit__ of a `with`
  TEMP_KIND_BITS = 3,                            // above them, for exceptions: which handler
} TempKind;
static TempKind jump_kind(uint32_t temp) { return (TempKind)(temp & ((1 << TEMP_KIND_BITS) - 1)); }
typedef enum { NO_OPERAND, DST, SRC, KEEP, BASE, PAIR, LOCAL, CELL, CONST, NAME, COUNT, FLAGS, JUMP, CACHE } JumpOperand;

#define JUMP_OPERANDS(...) {__VA_ARGS__}
static const uint8_t jump_operands[OP_COUNT][4] = {
#define OP(name, operands, flags, meaning) [OP_##name] = JUMP_OPERANDS operands,
#include "bytecode/opcodes.def"
#undef OP
};

// Kinds of all temporaries before each unit; rows are filled as they are reached.
typedef struct JumpMap {
  VM *vm;
  const Code *code;
  uint32_t temps;
  uint16_t *kinds;                                // unit_count * temps
  bool *known;
  uint32_t *todo, todo_count;
} JumpMap;

static uint16_t *jump_row(const JumpMap *map, uint32_t unit) { return map->kinds + (size_t)unit * map->temps; }

static void jump_reach(JumpMap *map, uint32_t unit, const uint16_t *kinds)
{
  if (unit >= map->code->unit_count || map->known[unit]) return;
  map->known[unit] = true;
  memcpy(jump_row(map, unit), kinds, map->temps * sizeof *kinds);
  map->todo[map->todo_count++] = unit;
}

static void jump_set(const JumpMap *map, uint16_t *kinds, uint32_t reg, uint32_t kind)
{
  if (reg >= map->code->first_temp && reg - map->code->first_temp < map->temps) kinds[reg - map->code->first_temp] = (uint16_t)kind;
}

// Temporaries are used as a stack: a run that is consumed is on top.
static void jump_kill_from(const JumpMap *map, uint16_t *kinds, uint32_t reg)
{
  for (uint32_t t = reg < map->code->first_temp ? 0 : reg - map->code->first_temp; t < map->temps; t++) kinds[t] = TEMP_DEAD;
}

static uint32_t jump_result_kind(const JumpMap *map, const Instr *instr, const uint16_t *before)
{
  uint32_t source = instr->b - map->code->first_temp;            // too large for locals
  uint32_t moved = source < map->temps ? before[source] : TEMP_OBJECT;
  switch (instr->op) {
  case OP_GET_ITER: case OP_GET_ASYNC_ITER: return TEMP_ITERATOR;
  case OP_PUSH_EXC: return (moved >> TEMP_KIND_BITS << TEMP_KIND_BITS) | TEMP_HANDLED;
  case OP_LOAD_NOTHING: return TEMP_SELF;
  case OP_MOVE: case OP_COPY: return moved;
  default: return TEMP_OBJECT;
  }
}

static bool jump_ends_flow(uint32_t op)
{
  return op == OP_RETURN || op == OP_RETURN_CONST || op == OP_RAISE || op == OP_RERAISE || op == OP_JUMP || op == OP_JUMP_BACK;
}

static void jump_step(JumpMap *map, uint32_t unit, uint16_t *kinds, uint16_t *other)
{
  const Code *code = map->code;
  const Instr *instr = code->instrs + unit;
  uint32_t next = unit + cd_opcode_units[instr->op];
  memcpy(kinds, jump_row(map, unit), map->temps * sizeof *kinds);
  const Handler *handler = cd_code_handler(code, unit);
  if (handler) {
    memcpy(other, kinds, map->temps * sizeof *kinds);
    jump_kill_from(map, other, handler->depth);
    jump_set(map, other, handler->depth, TEMP_EXCEPTION | (handler->target & 0x1FFFu) << TEMP_KIND_BITS);
    jump_reach(map, handler->target, other);
  }
  const uint8_t *operands = jump_operands[instr->op];
  const uint16_t values[3] = {instr->a, instr->b, instr->c};
  uint32_t kind = jump_result_kind(map, instr, kinds);
  bool unpack = instr->op == OP_UNPACK_SEQUENCE || instr->op == OP_UNPACK_EX;
  for (int i = 0; i < 3; i++) {
    if (operands[i] == SRC) jump_set(map, kinds, values[i], TEMP_DEAD);
    else if (operands[i] == BASE && !unpack) jump_kill_from(map, kinds, values[i]);
    else if (operands[i] == LOCAL && instr->op == OP_CLEAR_LOCAL) jump_set(map, kinds, values[i], TEMP_DEAD);
  }
  bool jumps = false;
  for (int i = 0; i < 4; i++) jumps |= operands[i] == JUMP;
  if (jumps) {
    memcpy(other, kinds, map->temps * sizeof *kinds);
    if (instr->op == OP_FOR_ITER || instr->op == OP_ASYNC_NEXT) jump_kill_from(map, other, instr->b);
    jump_reach(map, next + (uint32_t)cd_instr_extra((Instr *)instr)->jump, other);
    if (instr->op == OP_JUMP_IF_FALSE_OR_DROP || instr->op == OP_JUMP_IF_TRUE_OR_DROP) jump_set(map, kinds, instr->a, TEMP_DEAD);
  }
  if (jump_ends_flow(instr->op)) return;
  if (instr->op == OP_DELEGATE) jump_kill_from(map, kinds, instr->b);
  if (unpack) {
    uint32_t count = instr->op == OP_UNPACK_SEQUENCE ? instr->c : (instr->c & 0xFFu) + (instr->c >> 8) + 1;
    for (uint32_t i = 0; i < count; i++) jump_set(map, kinds, instr->a + i, TEMP_OBJECT);
  }
  for (int i = 0; i < 3; i++) {
    bool exit = i == 0 && (instr->op == OP_WITH_ENTER || instr->op == OP_ASYNC_WITH_ENTER);
    if (operands[i] == DST || operands[i] == PAIR) jump_set(map, kinds, values[i], exit ? (uint32_t)TEMP_EXIT : kind);
    if (operands[i] == PAIR) jump_set(map, kinds, values[i] + 1u, TEMP_SELF);
  }
  jump_reach(map, next, kinds);
}

static void jump_map_free(JumpMap *map)
{
  size_t n = map->code->unit_count;
  cd_free(map->vm, map->kinds, (n + 2) * map->temps * sizeof *map->kinds);
  cd_free(map->vm, map->known, n);
  cd_free(map->vm, map->todo, n * sizeof *map->todo);
}

static bool jump_map_make(VM *vm, const Code *code, JumpMap *map)
{
  size_t n = code->unit_count;
  *map = (JumpMap){.vm = vm, .code = code, .temps = code->register_count - code->first_temp};
  map->kinds = cd_alloc_zeroed(vm, (n + 2) * map->temps * sizeof *map->kinds);
  map->known = cd_alloc_zeroed(vm, n);
  map->todo = cd_alloc_array(vm, n, sizeof *map->todo);
  if (!map->kinds || !map->known || !map->todo) { jump_map_free(map); return false; }
  uint16_t *scratch = map->kinds + n * map->temps;
  jump_reach(map, 0, scratch);
  while (map->todo_count) jump_step(map, map->todo[--map->todo_count], scratch, scratch + map->temps);
  return true;
}

// NULL: the jump is fine. *score grows with the temporaries kept alive.
static const char *jump_obstacle(const JumpMap *map, uint32_t from, uint32_t to, uint32_t *score)
{
  if (!map->known[from]) return "can't jump from unreachable code";
  if (!map->known[to]) return "can't jump into an exception handler, or code may be unreachable";
  const uint16_t *have = jump_row(map, from), *want = jump_row(map, to);
  *score = 0;
  const char *obstacle = NULL;
  for (uint32_t t = 0; t < map->temps; t++) {
    if (want[t] == TEMP_DEAD) continue;
    ++*score;
    if (have[t] == want[t] && want[t] != TEMP_OBJECT && want[t] != TEMP_SELF) continue;      // not into the middle of an expression
    if (jump_kind(want[t]) == TEMP_EXCEPTION || jump_kind(want[t]) == TEMP_HANDLED)
      obstacle = "can't jump into an 'except' block as there's no exception";
    else if (want[t] == TEMP_ITERATOR) obstacle = "can't jump into the body of a for loop";
    else if (!obstacle) obstacle = "incompatible stacks";
  }
  return obstacle;
}

// The best unit that begins `line`; -1 and *obstacle: none.
static int64_t jump_find_unit(const JumpMap *map, uint32_t from, int line, const char **obstacle)
{
  const Code *code = map->code;
  int64_t best = -1;
  uint32_t best_score = 0;
  bool explained = false;
  int previous = -1;
  *obstacle = "cannot find bytecode for specified line";
  for (uint32_t unit = 0; unit < code->unit_count; unit += cd_opcode_units[code->instrs[unit].op]) {
    int at = cd_code_line(code, unit);
    uint32_t op = code->instrs[unit].op,
             to = op == OP_ENTER ? unit + cd_opcode_units[op] : unit;   // the start is not told to the tracer again
    if (op == OP_COPY_FREE_VARS || op == OP_MAKE_CELL) continue;
    bool begins = at != previous;                // only where a line begins
    previous = at;
    if (at != line || !begins) continue;
    uint32_t score;
    const char *why = jump_obstacle(map, from, to, &score);
    if (!why) {
      if (best < 0 || score > best_score) { best = to; best_score = score; }
    } else if (!explained) {
      *obstacle = why;
      explained = true;
    }
  }
  return best;
}

static int jump_first_line_from(const Code *code, int line)
{
  int found = -1;
  for (uint32_t unit = 0; unit < code->unit_count; unit += cd_opcode_units[code->instrs[unit].op]) {
    int at = cd_code_line(code, unit);
    if (at >= line && (found < 0 || at < found)) found = at;
  }
  return found;
}

// Temporaries that are alive here and not there go; an exception being handled is no more.
static void jump_drop_temporaries(VM *vm, Frame *frame, const JumpMap *map, uint32_t from, uint32_t to)
{
  const uint16_t *have = jump_row(map, from), *want = jump_row(map, to);
  Value *temps = frame->registers + map->code->first_temp;
  for (uint32_t t = map->temps; t-- > 0;) {
    if (have[t] == TEMP_DEAD || want[t] != TEMP_DEAD) continue;
    if (jump_kind(have[t]) == TEMP_HANDLED) {
      Ref before = cd_take(&temps[t]);
      if (cd_is_none(before)) before = NO_REF;
      cd_replace(vm, &vm->thread->handling->exception, before);
    } else {
      cd_clear(vm, &temps[t]);
    }
  }
}

static bool jump_allowed_now(VM *vm, FrameObject *object)
{
  Frame *frame = object->frame;
  if (!frame || frame->state == FRAME_DONE) {
    cd_raise_value(vm, "f_lineno can only be set in a trace function");
    return false;
  }
  TraceEvent event = vm->thread->stack->event;
  if (event == TRACE_CALL) {
    cd_raise_value(vm, "can't jump from the 'call' trace event of a new frame");
    return false;
  }
  if (event != TRACE_LINE && !(event == TRACE_RETURN && frame->state == FRAME_SUSPENDED)) {
    cd_raise_value(vm, "can only jump from a 'line' trace event");
    return false;
  }
  if (!cd_bits(object->trace)) {
    cd_raise_value(vm, "f_lineno can only be set by a trace function");
    return false;
  }
  return true;
}

bool cd_frame_jump(VM *vm, FrameObject *object, Value value)
{
  if (!cd_is_exact(value, vm->types.int_) && !cd_is_small(value)) { cd_raise_value(vm, "lineno must be an integer"); return false; }
  if (!jump_allowed_now(vm, object)) return false;
  int64_t wanted;
  if (!cd_int_fits_i64(value, &wanted) || wanted > INT32_MAX || wanted < INT32_MIN) {
    cd_raise_value(vm, "lineno out of range");
    return false;
  }
  Frame *frame = object->frame;
  Code *code = frame->code;
  if (wanted < code->first_line) { cd_raise_value(vm, "line %d comes before the current code block", (int)wanted); return false; }
  if (!cd_code_index_lines(vm, code)) return false;
  int line = jump_first_line_from(code, (int)wanted);
  if (line < 0) { cd_raise_value(vm, "line %d comes after the current code block", (int)wanted); return false; }
  JumpMap map;
  if (!jump_map_make(vm, code, &map)) return false;
  const char *obstacle;
  uint32_t from = cd_frame_unit(frame);
  int64_t unit = jump_find_unit(&map, from, line, &obstacle);
  if (unit < 0) {
    cd_raise_value(vm, "%s", obstacle);
  } else {
    jump_drop_temporaries(vm, frame, &map, from, (uint32_t)unit);
    frame->pc = code->instrs + unit;
    frame->traced_line = line;
    if (frame->state == FRAME_SUSPENDED) frame->flags |= FRAME_JUMPED;
  }
  jump_map_free(&map);
  return unit >= 0;
}
