// SPDX-License-Identifier: MIT
// assemble.c: a unit's instructions to a code object
#include "frontend/codegen.h"

#include "objects/raise.h"
#include "objects/str.h"
#include "objects/tuple.h"

typedef struct Assembler {
  Compiler *c;
  Unit *unit;
  Code *code;
  Ir *ir;
  uint32_t count;
  uint32_t *starts;                              // unit number of each instruction; those deleted have that of the next
} Assembler;

static uint32_t assemble_register(const Assembler *a, Reg reg)
{
  const Code *code = a->code;
  switch (REG_KIND(reg)) {
  case REG_LOCAL: return reg;
  case REG_CELL: return code->cell_registers[REG_NUMBER(reg)];
  case REG_FREE: return code->first_free + REG_NUMBER(reg);
  default: return code->first_temp + REG_NUMBER(reg);
  }
}

// Turns register operands into numbers.
static void assemble_operands(const Assembler *a, Ir *ir)
{
  const uint8_t *kinds = cd_opcode_info[ir->op].operands;
  uint32_t *const operands[] = {&ir->a, &ir->b, &ir->c};
  for (int i = 0; i < 3; i++)
    if (kinds[i] >= OPERAND_DST && kinds[i] <= OPERAND_CELL) *operands[i] = assemble_register(a, *operands[i]);
  if (ir->op == OP_RAISE) {                      // what is not given is not read
    if (ir->a < 1) ir->b = 0;
    if (ir->a < 2) ir->c = 0;
  }
}

static bool assemble_is_wide(const Ir *ir) { return (ir->a | ir->b | ir->c) > 0xFFFF; }

// What the VM can run with wide operands; see cd_wide_instruction().
static bool assemble_may_be_wide(uint16_t op)
{
  if (op >= OP_ADD && op <= OP_IPOWER_K) return (op - OP_ADD) & 1;               // the forms with a constant
  if (op >= OP_LT_K && op <= OP_GE_K) return true;
  switch (op) {
  case OP_LOAD_CONST:
  case OP_COPY:
  case OP_MOVE:
  case OP_LOAD_NOTHING:
  case OP_LOAD_NAME:
  case OP_LOAD_GLOBAL:
  case OP_STORE_NAME:
  case OP_STORE_GLOBAL:
  case OP_DELETE_NAME:
  case OP_DELETE_GLOBAL:
  case OP_CHECK_LOCAL:
  case OP_CLEAR_LOCAL:
  case OP_DROP:
  case OP_ASYNC_CLOSE:
  case OP_LOAD_ATTR:
  case OP_LOAD_METHOD:
  case OP_STORE_ATTR:
  case OP_DELETE_ATTR: case OP_GET_ITEM_K: case OP_IMPORT_NAME: case OP_IMPORT_FROM: case OP_UNPACK_EX: case OP_RETURN_CONST: return true;
  default: return false;
  }
}

static bool assemble_measure(Assembler *a)
{
  uint64_t at = 0;
  a->starts = cd_ast_array(a->c->ast, (size_t)a->count + 1, sizeof *a->starts);
  if (!a->starts) return false;
  for (uint32_t i = 0; i < a->count; i++) {
    Ir *ir = &a->ir[i];
    a->starts[i] = (uint32_t)at;
    if (ir->deleted) continue;
    assemble_operands(a, ir);
    bool wide = assemble_is_wide(ir);
    if (wide && !assemble_may_be_wide(ir->op)) return cd_raise_overflow(a->c->vm, "'%U' is too large to compile", a->unit->name);
    at += cd_opcode_units[ir->op] + (wide ? 1u : 0u);
  }
  if (at > INT32_MAX / 4) return cd_raise_overflow(a->c->vm, "'%U' is too large to compile", a->unit->name);
  a->starts[a->count] = (uint32_t)at;
  a->code->unit_count = (uint32_t)at;
  a->code->instrs = cd_alloc_array(a->c->vm, at ? (size_t)at : 1, sizeof(Instr));
  if (!a->code->instrs) {
    a->code->unit_count = 0;
    return false;
  }
  return true;
}

static uint32_t assemble_label(const Assembler *a, Label label) { return a->starts[a->c->labels[a->unit->label_base + (uint32_t)label]]; }

static bool assemble_instructions(Assembler *a)
{
  PositionWriter writer = {.vm = a->c->vm};
  Instr *out = a->code->instrs;
  bool ok = true;
  for (uint32_t i = 0; i < a->count && ok; i++) {
    const Ir *ir = &a->ir[i];
    if (ir->deleted) continue;
    uint32_t units = cd_opcode_units[ir->op];
    if (assemble_is_wide(ir)) {
      *out++ = (Instr){OP_EXTEND, (uint16_t)(ir->a >> 16), (uint16_t)(ir->b >> 16), (uint16_t)(ir->c >> 16)};
      ok = cd_position_write(&writer, units + 1, ir->at);
    } else {
      ok = cd_position_write(&writer, units, ir->at);
    }
    *out++ = (Instr){ir->op, (uint16_t)ir->a, (uint16_t)ir->b, (uint16_t)ir->c};
    if (units < 2) continue;
    InstrExtra extra = {0, 0};
    if (ir->op == OP_CALL) extra.jump = ir->jump;
    else if (ir->jump >= 0) extra.jump = (int32_t)(assemble_label(a, ir->jump) - (uint32_t)(out + 1 - a->code->instrs));
    memcpy(out++, &extra, sizeof extra);
  }
  // the table is kept without slack
  uint8_t *fit = ok ? cd_alloc(a->c->vm, writer.size) : NULL;
  if (fit) {
    if (writer.size) memcpy(fit, writer.data, writer.size);
    a->code->positions = fit;
    a->code->positions_size = writer.size;
  }
  cd_free(a->c->vm, writer.data, writer.capacity);
  return fit != NULL;
}

// Calls nothing for instructions in no handler; ranges that touch and agree become one. With `out` NULL it only counts.
static uint32_t assemble_handlers(const Assembler *a, Handler *out)
{
  uint32_t n = 0;
  Handler last = {0, 0, 0, 0};
  bool open = false;
  for (uint32_t i = 0; i < a->count; i++) {
    const Ir *ir = &a->ir[i];
    if (ir->deleted) continue;
    uint32_t start = a->starts[i], end = a->starts[i + 1];
    if (ir->handler < 0) {
      open = false;
      continue;
    }
    const IrHandler *h = &a->c->handlers[a->unit->handler_base + (uint32_t)ir->handler];
    uint32_t target = assemble_label(a, h->label), depth = a->code->first_temp + h->depth;
    if (open && last.target == target && last.depth == depth && last.end == start) {
      last.end = end;
      if (out) out[n - 1] = last;
      continue;
    }
    last = (Handler){start, end, target, depth};
    open = true;
    if (out) out[n] = last;
    n++;
  }
  return n;
}

static uint32_t assemble_flags(const Compiler *c, const Unit *u)
{
  const Scope *s = u->scope;
  uint32_t flags = 0;
  if (u->is_function) {
    flags = CO_OPTIMIZED | CO_NEWLOCALS;
    if (s->nested) flags |= CO_NESTED;
    if (s->generator) flags |= s->coroutine ? CO_ASYNC_GENERATOR : CO_GENERATOR;
    else if (s->coroutine) flags |= CO_COROUTINE;
    if (s->varargs) flags |= CO_VARARGS;
    if (s->varkeywords) flags |= CO_VARKEYWORDS;
  }
  if (s->kind == SCOPE_MODULE && s->coroutine && (c->flags & PYCF_ALLOW_TOP_LEVEL_AWAIT)) flags |= CO_COROUTINE;
  return flags | ((uint32_t)c->flags & (CO_FUTURE_DIVISION | CO_FUTURE_ABSOLUTE_IMPORT | CO_FUTURE_WITH_STATEMENT |
                                        CO_FUTURE_PRINT_FUNCTION | CO_FUTURE_UNICODE_LITERALS | CO_FUTURE_BARRY_AS_BDFL |
                                        CO_FUTURE_GENERATOR_STOP | CO_FUTURE_ANNOTATIONS | CO_CEDE_YIELD_FROM_ASYNC));
}

static bool assemble_values(Assembler *a)
{
  VM *vm = a->c->vm;
  Code *code = a->code;
  const Unit *u = a->unit;
  const struct { const ValueTable *from; Value *to;
  } tables[] = {
    {&u->consts, &code->consts},  {&u->names, &code->names},    {&u->varnames, &code->varnames},
    {&u->cells, &code->cellvars}, {&u->frees, &code->freevars},
  };
  for (size_t i = 0; i < ARRAY_LEN(tables); i++)
    if (!(*tables[i].to = cd_tuple_of(vm, tables[i].from->count, tables[i].from->items))) return false;
  code->filename = cd_dup(a->c->filename);
  code->name = cd_dup(u->name);
  code->qualname = cd_dup(u->qualname);
  code->docstring = u->docstring ? cd_dup(u->docstring) : cd_none();
  return true;
}

Ref cd_assemble(Compiler *c, Unit *unit)
{
  VM *vm = c->vm;
  Code *code = cd_code_new(vm);
  if (!code) return NO_REF;
  Ref result = cd_from_object(code);
  Assembler assembler = {.c = c, .unit = unit, .code = code, .ir = c->ir + unit->ir_base, .count = c->ir_count - unit->ir_base},
            *a = &assembler;
  code->arg_count = unit->arg_count;
  code->posonly_count = unit->posonly_count;
  code->kwonly_count = unit->kwonly_count;
  code->flags = assemble_flags(c, unit);
  code->first_line = unit->first_line;
  if (!assemble_values(a) || !cd_code_layout(vm, code)) goto fail;
  code->register_count = code->first_temp + unit->max_depth;
  if (!assemble_measure(a)) goto fail;
  uint32_t handlers = assemble_handlers(a, NULL);
  if (handlers) {
    if (!(code->handlers = cd_alloc_array(vm, handlers, sizeof(Handler)))) goto fail;
    code->handler_count = handlers;
    assemble_handlers(a, code->handlers);
  }
  if (!assemble_instructions(a) || !cd_code_mark_positions(vm, code)) goto fail;
#ifdef CEDE_DEBUG
  char buffer[200];
  const char *problem = cd_code_verify(vm, code, buffer, sizeof buffer);
  if (problem) {
    if (!cd_raised(vm)) cd_raise_system(vm, "bad code of %U at line %d: %s", unit->qualname, (int)unit->first_line, problem);
    goto fail;
  }
#endif
  return result;

fail:
  cd_drop(vm, result);
  return NO_REF;
}
