// SPDX-License-Identifier: MIT
// disasm.c: code as text
#include "bytecode/code.h"

#include "objects/str.h"
#include "objects/tuple.h"

#include <stdio.h>

static const char *disasm_register(const Code *code, uint32_t reg, char *buffer, size_t size)
{
  if (reg < code->local_count) snprintf(buffer, size, "%s", cd_str_data(cd_tuple_item_borrow(code->varnames, reg)));
  else if (reg >= code->first_temp) snprintf(buffer, size, "t%u", reg - code->first_temp);
  else if (reg >= code->first_free)
    snprintf(buffer, size, "free:%s", cd_str_data(cd_tuple_item_borrow(code->freevars, reg - code->first_free)));
  else {
    snprintf(buffer, size, "r%u", reg);
    for (uint32_t i = 0; i < code->cell_count; i++)
      if (code->cell_registers[i] == reg) snprintf(buffer, size, "cell:%s", cd_str_data(cd_tuple_item_borrow(code->cellvars, i)));
  }
  return buffer;
}

static bool disasm_operand(TextBuilder *t, VM *vm, const Code *code, uint8_t kind, uint32_t operand)
{
  char buffer[100];
  switch (kind) {
  case OPERAND_NONE: case OPERAND_JUMP: case OPERAND_CACHE: return true;
  case OPERAND_CONST: {
    if (operand >= cd_tuple_size(code->consts)) return cd_text_format(t, " const %u?", operand);
    Value v = cd_tuple_item_borrow(code->consts, operand);
    if (cd_is_exact(v, vm->types.code)) return cd_text_format(t, " <code %U>", ((Code *)cd_object(v))->name);
    return cd_text_format(t, " %.60R", v);
  }
  case OPERAND_NAME:
    return operand < cd_tuple_size(code->names) ? cd_text_format(t, " %U", cd_tuple_item_borrow(code->names, operand))
                                                : cd_text_format(t, " name %u?", operand);
  case OPERAND_COUNT: case OPERAND_FLAGS: return cd_text_format(t, " #%u", operand);
  default: return cd_text_format(t, " %s", disasm_register(code, operand, buffer, sizeof buffer));
  }
}

static bool disasm_code(TextBuilder *t, VM *vm, const Code *code)
{
  if (!cd_text_format(t, "%U: %u registers, %u temporaries from %u\n", code->qualname, code->register_count,
                      code->register_count - code->first_temp, code->first_temp))
    return false;
  int32_t last_line = -2;
  for (uint32_t i = 0; i < code->unit_count;) {
    uint32_t at = i;
    Instr instr = code->instrs[i];
    uint32_t high[3] = {0, 0, 0};
    if (instr.op == OP_EXTEND && i + 1 < code->unit_count) {
      high[0] = (uint32_t)instr.a << 16, high[1] = (uint32_t)instr.b << 16, high[2] = (uint32_t)instr.c << 16;
      instr = code->instrs[++i];
    }
    if (instr.op >= OP_COUNT) return cd_text_format(t, "%u: bad opcode %u\n", i, instr.op);
    int32_t line = cd_code_line(code, at);
    if (line != last_line && !cd_text_format(t, line < 0 ? "  --" : "%4d", line)) return false;
    if (line == last_line && !cd_text_puts(t, "    ")) return false;
    last_line = line;
    const OpcodeInfo *info = &cd_opcode_info[instr.op];
    if (!cd_text_format(t, " %4u %s", at, info->name)) return false;
    const uint32_t operands[3] = {high[0] | instr.a, high[1] | instr.b, high[2] | instr.c};
    for (int k = 0; k < 3; k++)
      if (!disasm_operand(t, vm, code, info->operands[k], operands[k])) return false;
    uint32_t units = cd_opcode_units[instr.op];
    if (units == 2 && i + 1 < code->unit_count) {
      int32_t jump = cd_instr_extra(&code->instrs[i])->jump;
      if (instr.op == OP_CALL) {
        if (jump >= 0 && (!cd_text_puts(t, " kw") || !disasm_operand(t, vm, code, OPERAND_CONST, (uint32_t)jump))) return false;
      } else if (info->operands[1] == OPERAND_JUMP || info->operands[0] == OPERAND_JUMP || info->operands[2] == OPERAND_JUMP ||
                 info->operands[3] == OPERAND_JUMP) {
        if (!cd_text_format(t, " -> %d", (int)(i + 2) + jump)) return false;
      }
    }
    if (!cd_text_puts(t, "\n")) return false;
    i += units;
  }
  for (uint32_t i = 0; i < code->handler_count; i++) {
    const Handler *h = &code->handlers[i];
    if (!cd_text_format(t, "     handler %u-%u -> %u at t%u\n", h->start, h->end, h->target, h->depth - code->first_temp)) return false;
  }
  for (size_t i = 0; i < cd_tuple_size(code->consts); i++) {
    Value v = cd_tuple_item_borrow(code->consts, i);
    if (cd_is_exact(v, vm->types.code) && (!cd_text_puts(t, "\n") || !disasm_code(t, vm, (Code *)cd_object(v)))) return false;
  }
  return true;
}

Ref cd_code_disassemble(VM *vm, Value code)
{
  TextBuilder text;
  cd_text_init(&text, vm);
  if (disasm_code(&text, vm, (Code *)cd_object(code))) return cd_text_finish(&text);
  cd_text_clear(&text);
  return NO_REF;
}
