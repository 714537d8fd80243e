// SPDX-License-Identifier: MIT
// verify.c: checks that code obeys the rules of opcodes.def
//
// Follows all paths and keeps for each register whether it holds something. A temporary must be dead when it is written and alive when it
// is read, on every path; a local that is read must be bound. Where paths with different knowledge meet, a register is MAYBE, and only
// CHECK_LOCAL, CLEAR_LOCAL and the end of the frame can cope with that.
#include "bytecode/code.h"

#include "objects/str.h"
#include "objects/tuple.h"

#include <stdio.h>

enum { REGISTER_DEAD, REGISTER_LIVE, REGISTER_MAYBE, REGISTER_CELL };

typedef struct Verifier {
  const Code *code;
  uint8_t *state;                                // of the path being followed, one a register
  uint8_t *targets;                              // states where jumps and handlers lead; `registers` bytes each
  int32_t *slot;                                 // unit -> number of its state, -1: no target
  uint8_t *is_start;                             // does an instruction begin at the unit?
  uint8_t *known;                                // per slot: reached
  uint32_t registers, slots;
  bool changed;
  char *buffer;
  size_t size;
  uint32_t at;
  const char *problem;
} Verifier;

static bool verify_fail(Verifier *v, const char *what, uint32_t reg)
{
  if (v->problem) return false;
  uint16_t op = v->code->instrs[v->at].op;
  char name[20];
  if (reg >= v->code->first_temp) snprintf(name, sizeof name, "t%u", reg - v->code->first_temp);
  else snprintf(name, sizeof name, "r%u", reg);
  snprintf(v->buffer, v->size, "%s (%s of %s at %u, line %d)", what, name, op < OP_COUNT ? cd_opcode_names[op] : "?", v->at,
           (int)cd_code_line(v->code, v->at));
  v->problem = v->buffer;
  return false;
}

static bool verify_is_temp(const Verifier *v, uint32_t reg) { return reg >= v->code->first_temp; }

static bool verify_read(Verifier *v, uint32_t reg, bool consume)
{
  if (reg >= v->registers) return verify_fail(v, "no such register", reg);
  if (v->state[reg] == REGISTER_DEAD || v->state[reg] == REGISTER_MAYBE)
    return verify_fail(v, v->state[reg] == REGISTER_DEAD ? "reads a dead register" : "reads a register that may be dead", reg);
  if (consume && verify_is_temp(v, reg)) v->state[reg] = REGISTER_DEAD;
  return true;
}

static bool verify_write(Verifier *v, uint32_t reg)
{
  if (reg >= v->registers) return verify_fail(v, "no such register", reg);
  if (verify_is_temp(v, reg) && v->state[reg] != REGISTER_DEAD) return verify_fail(v, "overwrites a temporary", reg);
  if (v->state[reg] == REGISTER_CELL) return verify_fail(v, "overwrites a cell", reg);
  v->state[reg] = REGISTER_LIVE;
  return true;
}

static bool verify_run(Verifier *v, uint32_t base, uint32_t n)   // n temporaries are consumed
{
  if (n && !verify_is_temp(v, base)) return verify_fail(v, "a run of registers that are no temporaries", base);
  for (uint32_t i = 0; i < n; i++)
    if (!verify_read(v, base + i, true)) return false;
  return true;
}

// n temporaries that hold nothing are used while the instruction runs
static bool verify_scratch(Verifier *v, uint32_t base, uint32_t n)
{
  for (uint32_t i = 0; i < n; i++) {
    if (base + i >= v->registers) return verify_fail(v, "no such register", base + i);
    if (v->state[base + i] != REGISTER_DEAD) return verify_fail(v, "overwrites a temporary", base + i);
  }
  return true;
}

static bool verify_write_run(Verifier *v, uint32_t base, uint32_t n)
{
  if (n && !verify_is_temp(v, base)) return verify_fail(v, "a run of registers that are no temporaries", base);
  for (uint32_t i = 0; i < n; i++)
    if (!verify_write(v, base + i)) return false;
  return true;
}

// Control may go to `unit` with the present state.
static bool verify_flow_to(Verifier *v, int64_t unit)
{
  if (unit < 0 || unit >= v->code->unit_count || !v->is_start[unit]) return verify_fail(v, "jumps to no instruction", 0);
  int32_t slot = v->slot[unit];
  if (slot < 0) return verify_fail(v, "unknown target", 0);
  uint8_t *to = v->targets + (size_t)slot * v->registers;
  if (!v->known[slot]) {
    v->known[slot] = 1;
    memcpy(to, v->state, v->registers);
    v->changed = true;
    return true;
  }
  for (uint32_t i = 0; i < v->registers; i++) {
    if (to[i] == v->state[i] || to[i] == REGISTER_MAYBE) continue;
    to[i] = REGISTER_MAYBE;
    v->changed = true;
  }
  return true;
}

static bool verify_flow_to_handler(Verifier *v, const Handler *h)
{
  if (h->depth < v->code->first_temp || h->depth >= v->registers) return verify_fail(v, "handler without a register", h->depth);
  uint8_t *saved = v->state + v->registers;      // room for two states
  memcpy(saved, v->state, v->registers);
  memset(v->state + h->depth, REGISTER_DEAD, v->registers - h->depth);
  v->state[h->depth] = REGISTER_LIVE;
  bool ok = verify_flow_to(v, h->target);
  memcpy(v->state, saved, v->registers);
  return ok;
}

static uint32_t verify_bits(uint32_t flags) { return (uint32_t)__builtin_popcount(flags); }

// The effect of instructions whose operands need explanation. 1: done, 0: failed, -1: none of these.
static int verify_special(Verifier *v, uint16_t op, uint32_t a, uint32_t b, uint32_t c, int64_t target)
{
  static const uint8_t intrinsic_operands[] = {0, 3, 2, 2, 3, 1, 3, 3, 0, 1, 2, 2, 1};
  switch (op) {
  case OP_COPY_FREE_VARS:
    if (a > v->code->free_count) return verify_fail(v, "too many free variables", 0);
    for (uint32_t i = 0; i < a; i++) v->state[v->code->first_free + i] = REGISTER_CELL;
    return true;
  case OP_MAKE_CELL:
    if (a >= v->code->first_temp) return verify_fail(v, "cell in a temporary", a);
    v->state[a] = REGISTER_CELL;
    return true;
  case OP_CHECK_LOCAL:
    if (a >= v->code->first_temp || v->state[a] == REGISTER_CELL) return verify_fail(v, "not a local", a);
    v->state[a] = REGISTER_LIVE;
    return true;
  case OP_DELETE_LOCAL: case OP_CLEAR_LOCAL:
    if (a >= v->registers || v->state[a] == REGISTER_CELL || (op == OP_DELETE_LOCAL && a >= v->code->first_temp))
      return verify_fail(v, "not a local", a);
    v->state[a] = REGISTER_DEAD;
    return true;
  case OP_BUILD_TUPLE:
  case OP_BUILD_LIST:
  case OP_BUILD_SET:
  case OP_BUILD_STRING:
  case OP_BUILD_SLICE: return verify_run(v, b, c) && verify_write(v, a);
  case OP_BUILD_MAP: return verify_run(v, b, c * 2) && verify_write(v, a);
  case OP_FORMAT_VALUE: return verify_run(v, b, c & 4 ? 2 : 1) && verify_write(v, a);
  case OP_UNPACK_SEQUENCE: return verify_read(v, b, true) && verify_write_run(v, a, c);
  case OP_UNPACK_EX: return verify_read(v, b, true) && verify_write_run(v, a, (c & 0xFF) + 1 + (c >> 8));
  case OP_CALL: return verify_run(v, b, c + 2) && verify_write(v, a);
  case OP_CALL_EX: return verify_run(v, b, 2 + (c & 1)) && verify_write(v, a);
  case OP_MAKE_FUNCTION: return verify_run(v, b, 1 + verify_bits(c & 31)) && verify_write(v, a);
  case OP_IMPORT_NAME: return verify_run(v, b, 2) && verify_write(v, a);
  case OP_MATCH_CLASS: return verify_run(v, b, 3) && verify_write(v, a);
  case OP_INTRINSIC: return c < ARRAY_LEN(intrinsic_operands) && verify_run(v, b, intrinsic_operands[c]) && verify_write(v, a);
  case OP_LOAD_METHOD: return verify_read(v, b, true) && verify_write_run(v, a, 2);
  case OP_RAISE: return (a < 1 || verify_read(v, b, true)) && (a < 2 || verify_read(v, c, true));
  case OP_DELEGATE:
    if (!verify_is_temp(v, b) || !verify_is_temp(v, c) || !verify_read(v, b, true) || !verify_read(v, c, true))
      return verify_fail(v, "bad delegation", b);
    return verify_write(v, a);
  case OP_FOR_ITER: {
    if (!verify_is_temp(v, b) || !verify_read(v, b, true) || !verify_flow_to(v, target)) return verify_fail(v, "bad iterator", b);
    v->state[b] = REGISTER_LIVE;
    return verify_write(v, a);
  }
  case OP_ASYNC_NEXT:
    if (!verify_is_temp(v, b) || !verify_is_temp(v, c) || !verify_read(v, b, true) || !verify_scratch(v, c, 2) ||
        !verify_flow_to(v, target))
      return verify_fail(v, "bad iterator", b);
    v->state[b] = REGISTER_LIVE;
    return verify_write(v, a);
  case OP_JUMP_IF_FALSE_OR_DROP: case OP_JUMP_IF_TRUE_OR_DROP:
    if (!verify_is_temp(v, a) || !verify_read(v, a, false) || !verify_flow_to(v, target)) return verify_fail(v, "bad operand", a);
    v->state[a] = REGISTER_DEAD;
    return true;
  case OP_LOAD_SUPER_ATTR: return verify_fail(v, "not in use", 0);
  default: return -1;
  }
}

static bool verify_is_jump(uint16_t op)
{
  const uint8_t *kinds = cd_opcode_info[op].operands;
  return kinds[0] == OPERAND_JUMP || kinds[1] == OPERAND_JUMP || kinds[2] == OPERAND_JUMP || kinds[3] == OPERAND_JUMP;
}

// Sources first, then what is written: an instruction may write where it read.
static bool verify_generic(Verifier *v, uint16_t op, const uint32_t *operands, int64_t target)
{
  const uint8_t *kinds = cd_opcode_info[op].operands;
  const Code *code = v->code;
  for (int i = 0; i < 3; i++) {
    switch (kinds[i]) {
    case OPERAND_SRC: if (!verify_read(v, operands[i], true)) return false; break;
    case OPERAND_KEEP: if (!verify_read(v, operands[i], false)) return false; break;
    case OPERAND_CELL:
      if (operands[i] >= code->first_temp || v->state[operands[i]] != REGISTER_CELL) return verify_fail(v, "not a cell", operands[i]);
      break;
    case OPERAND_CONST: if (operands[i] >= cd_tuple_size(code->consts)) return verify_fail(v, "no such constant", operands[i]); break;
    case OPERAND_NAME: if (operands[i] >= cd_tuple_size(code->names)) return verify_fail(v, "no such name", operands[i]); break;
    default: break;
    }
  }
  if (verify_is_jump(op) && !verify_flow_to(v, target)) return false;
  for (int i = 0; i < 3; i++)
    if (kinds[i] == OPERAND_DST && !verify_write(v, operands[i])) return false;
  return true;
}

static bool verify_ends(uint16_t op)
{
  switch (op) {
  case OP_RETURN: case OP_RETURN_CONST: case OP_RAISE: case OP_RERAISE: case OP_JUMP: case OP_JUMP_BACK: return true;
  default: return false;
  }
}

// Follows the code once in order. Whatever is not reached has no effect.
static bool verify_pass(Verifier *v)
{
  const Code *code = v->code;
  bool reached = true;
  memset(v->state, REGISTER_DEAD, v->registers);
  uint32_t parameters = code->arg_count + code->kwonly_count + !!(code->flags & CO_VARARGS) + !!(code->flags & CO_VARKEYWORDS);
  if (parameters > code->local_count) return verify_fail(v, "more parameters than locals", 0);
  memset(v->state, REGISTER_LIVE, parameters);
  for (uint32_t i = 0; i < code->unit_count;) {
    v->at = i;
    if (v->slot[i] >= 0) {
      if (reached && !verify_flow_to(v, i)) return false;
      if (v->known[v->slot[i]]) {
        memcpy(v->state, v->targets + (size_t)v->slot[i] * v->registers, v->registers);
        reached = true;
      }
    }
    const Instr *instr = &code->instrs[i];
    uint32_t high[3] = {0, 0, 0}, start = i;
    if (instr->op == OP_EXTEND) {
      high[0] = (uint32_t)instr->a << 16, high[1] = (uint32_t)instr->b << 16, high[2] = (uint32_t)instr->c << 16;
      instr++;
      i++;
    }
    uint16_t op = instr->op;
    const uint32_t operands[3] = {high[0] | instr->a, high[1] | instr->b, high[2] | instr->c};
    uint32_t next = i + cd_opcode_units[op];
    if (reached) {
      const Handler *handler = cd_code_handler(code, start);
      if (handler && !verify_flow_to_handler(v, handler)) return false;
      int64_t target = 0;
      if (cd_opcode_units[op] == 2) {
        int32_t jump = cd_instr_extra(instr)->jump;
        if (op == OP_CALL && jump >= 0 && ((size_t)jump >= cd_tuple_size(code->consts))) return verify_fail(v, "no such keyword names", 0);
        target = (int64_t)next + jump;
      }
      int done = verify_special(v, op, operands[0], operands[1], operands[2], target);
      if (done == 0 || (done < 0 && !verify_generic(v, op, operands, target))) return verify_fail(v, "bad operands", 0);
      if (verify_ends(op)) reached = false;
    }
    i = next;
  }
  v->at = code->unit_count ? code->unit_count - 1 : 0;
  return !reached || verify_fail(v, "runs off the end", 0);
}

// Where instructions begin, and which of them are targets.
static bool verify_scan(Verifier *v)
{
  const Code *code = v->code;
  for (uint32_t i = 0; i < code->unit_count;) {
    v->at = i;
    v->is_start[i] = 1;
    if (code->instrs[i].op == OP_EXTEND && ++i >= code->unit_count) return verify_fail(v, "cut off", 0);
    uint16_t op = code->instrs[i].op;
    if (op >= OP_COUNT || op == OP_EXTEND) return verify_fail(v, "bad instruction", 0);
    i += cd_opcode_units[op];
    if (i > code->unit_count) return verify_fail(v, "cut off", 0);
  }
  for (uint32_t i = 0; i < code->unit_count;) {
    if (code->instrs[i].op == OP_EXTEND) i++;
    uint16_t op = code->instrs[i].op;
    uint32_t next = i + cd_opcode_units[op];
    if (verify_is_jump(op)) {
      int64_t target = (int64_t)next + cd_instr_extra(&code->instrs[i])->jump;
      v->at = i;
      if (target < 0 || target >= code->unit_count || !v->is_start[target]) return verify_fail(v, "jumps to no instruction", 0);
      if (v->slot[target] < 0) v->slot[target] = (int32_t)v->slots++;
    }
    i = next;
  }
  uint32_t end = 0;
  for (uint32_t i = 0; i < code->handler_count; i++) {
    const Handler *h = &code->handlers[i];
    v->at = 0;
    if (h->start < end || h->start >= h->end || h->end > code->unit_count || h->target >= code->unit_count || !v->is_start[h->target] ||
        !v->is_start[h->start])
      return verify_fail(v, "bad handler range", 0);
    end = h->end;
    if (v->slot[h->target] < 0) v->slot[h->target] = (int32_t)v->slots++;
  }
  return true;
}

const char *cd_code_verify(VM *vm, const Code *code, char *buffer, size_t size)
{
  Verifier verifier = {.code = code, .registers = code->register_count, .buffer = buffer, .size = size}, *v = &verifier;
  if (!code->unit_count) return "no instructions";
  if (code->register_count < code->first_temp) return "too few registers";
  size_t units = code->unit_count, state_size = (size_t)v->registers * 2 + 1;
  bool memory = false;
  v->state = cd_alloc(vm, state_size);
  v->slot = cd_alloc(vm, units * sizeof *v->slot);
  v->is_start = cd_alloc_zeroed(vm, units);
  if (!v->state || !v->slot || !v->is_start) goto done;
  for (size_t i = 0; i < units; i++) v->slot[i] = -1;
  memory = true;
  if (!verify_scan(v)) goto done;
  memory = false;
  v->targets = cd_alloc(vm, (size_t)v->slots * v->registers + 1);
  v->known = cd_alloc_zeroed(vm, (size_t)v->slots + 1);
  if (!v->targets || !v->known) goto done;
  memory = true;
  do v->changed = false;
  while (verify_pass(v) && v->changed);

done:
  cd_free(vm, v->state, state_size);
  cd_free(vm, v->slot, units * sizeof *v->slot);
  cd_free(vm, v->is_start, units);
  if (v->targets) cd_free(vm, v->targets, (size_t)v->slots * v->registers + 1);
  if (v->known) cd_free(vm, v->known, (size_t)v->slots + 1);
  return memory ? v->problem : "out of memory";
}
