// SPDX-License-Identifier: MIT
// code.c: code objects and the type `code`
#include "bytecode/code.h"

#include "bytecode/stack_view.h"
#include "objects/bytes.h"
#include "objects/protocol.h"
#include "objects/set.h"
#include "objects/str.h"
#include "objects/tuple.h"

// ---- the table of instructions ----

#define DST OPERAND_DST
#define SRC OPERAND_SRC
#define KEEP OPERAND_KEEP
#define BASE OPERAND_BASE
#define PAIR OPERAND_PAIR
#define LOCAL OPERAND_LOCAL
#define CELL OPERAND_CELL
#define CONST OPERAND_CONST
#define NAME OPERAND_NAME
#define COUNT OPERAND_COUNT
#define FLAGS OPERAND_FLAGS
#define JUMP OPERAND_JUMP
#define CACHE OPERAND_CACHE
#define OPERAND_LIST(...) {__VA_ARGS__}
#define OP(name, operands, flags, meaning) {#name, OPERAND_LIST operands, #flags[0]},
const OpcodeInfo cd_opcode_info[OP_COUNT] = {
#include "bytecode/opcodes.def"
};
#undef OP
#define OP(name, operands, flags, meaning) #name,
const char *const cd_opcode_names[OP_COUNT] = {
#include "bytecode/opcodes.def"
};
#undef OP
#undef DST
#undef SRC
#undef KEEP
#undef BASE
#undef PAIR
#undef LOCAL
#undef CELL
#undef CONST
#undef NAME
#undef COUNT
#undef FLAGS
#undef JUMP
#undef CACHE
// Which operands take a unit of their own: those that count 100.
#define DST 0
#define SRC 0
#define KEEP 0
#define BASE 0
#define PAIR 0
#define LOCAL 0
#define CELL 0
#define CONST 0
#define NAME 0
#define COUNT 0
#define FLAGS 0
#define JUMP 100
#define CACHE 100
#define OPERAND_UNITS(...) (OPERAND_PICK(__VA_ARGS__, 0, 0, 0, 0, 0))
#define OPERAND_PICK(a, b, c, d, ...) (1 + (((a + 0) == 100) | ((b + 0) == 100) | ((c + 0) == 100) | ((d + 0) == 100)))
#define OP(name, operands, flags, meaning) OPERAND_UNITS operands,
const uint8_t cd_opcode_units[OP_COUNT] = {
#include "bytecode/opcodes.def"
};
#undef OP
#undef DST
#undef SRC
#undef KEEP
#undef BASE
#undef PAIR
#undef LOCAL
#undef CELL
#undef CONST
#undef NAME
#undef COUNT
#undef FLAGS
#undef JUMP
#undef CACHE

// ---- making them ----

Code *cd_code_new(VM *vm)
{
  Code *code = cd_object_new(vm, vm->types.code, sizeof *code);
  if (code) code->version = cd_code_next_version(vm);
  return code;
}

uint32_t cd_code_next_version(VM *vm) { return ++vm->next_function_version ? vm->next_function_version : ++vm->next_function_version; }

// The number of the parameter called `name`, or -1.
static int64_t code_parameter(const Code *code, Value name)
{
  uint32_t count = code->arg_count + code->kwonly_count + !!(code->flags & CO_VARARGS) + !!(code->flags & CO_VARKEYWORDS);
  for (uint32_t i = 0; i < count && i < code->local_count; i++)
    if (cd_str_equal(cd_tuple_item_borrow(code->varnames, i), name)) return i;
  return -1;
}

bool cd_code_layout(VM *vm, Code *code)
{
  code->local_count = (uint32_t)cd_tuple_size(code->varnames);
  code->cell_count = (uint32_t)cd_tuple_size(code->cellvars);
  code->free_count = (uint32_t)cd_tuple_size(code->freevars);
  uint32_t next = code->local_count;
  if (code->cell_count && !code->cell_registers && !(code->cell_registers = cd_alloc_array(vm, code->cell_count, sizeof(uint16_t))))
    return false;
  for (uint32_t i = 0; i < code->cell_count; i++) {
    int64_t parameter = code_parameter(code, cd_tuple_item_borrow(code->cellvars, i));
    code->cell_registers[i] = (uint16_t)(parameter >= 0 ? parameter : next++);
  }
  code->first_free = next;
  code->first_temp = next + code->free_count;
  return true;
}

static void code_release(VM *vm, Object *self)
{
  Code *code = (Code *)self;
  cd_free(vm, code->instrs, code->unit_count * sizeof(Instr));
  cd_free(vm, code->handlers, code->handler_count * sizeof(Handler));
  cd_code_unmark_positions(vm, code);
  cd_code_view_free(vm, code);
  cd_free(vm, code->positions, code->positions_size);
  cd_free(vm, code->unit_lines, code->unit_count * sizeof *code->unit_lines);
  cd_free(vm, code->caches, code->cache_capacity * sizeof(InlineCache));
  if (code->spare) cd_free(vm, code->spare, code->spare_size);
  cd_free(vm, code->cell_registers, code->cell_count * sizeof(uint16_t));
  Value *const owned[] = {&code->consts,   &code->names, &code->varnames, &code->cellvars,  &code->freevars,
                          &code->filename, &code->name,  &code->qualname, &code->docstring, &code->line_table};
  for (size_t i = 0; i < ARRAY_LEN(owned); i++) cd_clear(vm, owned[i]);
}

// A unit's form without what the VM wrote into it. `extra` tells whether it is a second unit.
static Instr code_plain_unit(const Code *code, uint32_t i, bool extra)
{
  Instr unit = code->instrs[i];
  if (extra) unit.b = unit.c = 0;                // InstrExtra.cache
  return unit;
}

// ---- comparing ----

static bool code_consts_equal(VM *vm, Value a, Value b, bool *out);

static bool code_const_equal(VM *vm, Value a, Value b, bool *out)
{
  *out = cd_const_equal(vm, a, b);
  if (*out || !cd_is_object(a) || !cd_is_object(b)) return true;
  Type *type = cd_object(a)->type;
  if (cd_object(b)->type != type) return true;
  if (type == vm->types.tuple) return code_consts_equal(vm, a, b, out);
  if (type != vm->types.code && type != vm->types.frozenset) return true;
  return cd_equal(vm, a, b, out);
}

static bool code_consts_equal(VM *vm, Value a, Value b, bool *out)
{
  size_t n = cd_tuple_size(a);
  *out = n == cd_tuple_size(b);
  for (size_t i = 0; i < n && *out; i++)
    if (!code_const_equal(vm, cd_tuple_item_borrow(a, i), cd_tuple_item_borrow(b, i), out)) return false;
  return true;
}

static bool code_same_units(const Code *a, const Code *b)
{
  if (a->unit_count != b->unit_count) return false;
  for (uint32_t i = 0; i < a->unit_count;) {
    uint32_t units = cd_opcode_units[a->instrs[i].op];
    for (uint32_t k = 0; k < units && i < a->unit_count; k++, i++) {
      Instr x = code_plain_unit(a, i, k > 0), y = code_plain_unit(b, i, k > 0);
      if (memcmp(&x, &y, sizeof x) != 0) return false;
    }
  }
  return true;
}

static bool code_equal(VM *vm, const Code *a, const Code *b, bool *out)
{
  *out = cd_str_equal(a->name, b->name) && a->arg_count == b->arg_count && a->posonly_count == b->posonly_count &&
         a->kwonly_count == b->kwonly_count && a->flags == b->flags && a->first_line == b->first_line && code_same_units(a, b) &&
         a->handler_count == b->handler_count &&
         (!a->handler_count || memcmp(a->handlers, b->handlers, a->handler_count * sizeof(Handler)) == 0) &&
         a->positions_size == b->positions_size && (!a->positions_size || memcmp(a->positions, b->positions, a->positions_size) == 0) &&
         cd_const_equal(vm, a->names, b->names) && cd_const_equal(vm, a->varnames, b->varnames) &&
         cd_const_equal(vm, a->cellvars, b->cellvars) && cd_const_equal(vm, a->freevars, b->freevars);
  if (!*out) return true;
  if (!cd_enter_recursion(vm, " in comparison")) return false;
  bool ok = code_consts_equal(vm, a->consts, b->consts, out);
  cd_leave_recursion(vm);
  return ok;
}

static Ref code_compare_slot(VM *vm, Value self, Value other, CompareOp op)
{
  if ((op != COMPARE_EQ && op != COMPARE_NE) || !cd_is_exact(other, vm->types.code) || !cd_is_exact(self, vm->types.code))
    return cd_not_implemented();
  bool equal = true;
  if (!cd_is(self, other) && !code_equal(vm, (Code *)cd_object(self), (Code *)cd_object(other), &equal)) return NO_REF;
  return cd_bool(equal == (op == COMPARE_EQ));
}

static bool code_hash_slot(VM *vm, Value self, int64_t *out)
{
  const Code *code = (Code *)cd_object(self);
  uint64_t h = (uint64_t)cd_str_hash(vm, code->name);
  const uint64_t parts[] = {cd_const_hash(vm, code->names),
                            cd_const_hash(vm, code->varnames),
                            cd_const_hash(vm, code->freevars),
                            cd_const_hash(vm, code->cellvars),
                            code->arg_count,
                            code->posonly_count,
                            code->kwonly_count,
                            code->flags,
                            (uint64_t)code->first_line,
                            code->unit_count,
                            cd_tuple_size(code->consts)};
  for (size_t i = 0; i < ARRAY_LEN(parts); i++) h = (h ^ parts[i]) * UINT64_C(0x9E3779B97F4A7C15) ^ h >> 32;
  *out = (int64_t)h == -1 ? -2 : (int64_t)h;
  return true;
}

static Ref code_repr_slot(VM *vm, Value self)
{
  const Code *code = (Code *)cd_object(self);
  return cd_str_format(vm, "<code object %U at 0x%llx, file \"%U\", line %d>", code->name, (unsigned long long)(uintptr_t)code,
                       code->filename, code->first_line ? (int)code->first_line : -1);
}

// ---- attributes ----

static Ref code_view_part(VM *vm, Value self, size_t offset)
{
  const StackView *view = cd_code_view(vm, (Code *)cd_object(self));
  return view ? cd_dup(*(const Value *)((const char *)view + offset)) : NO_REF;
}
static Ref code_get_code(VM *vm, Value self) { return code_view_part(vm, self, offsetof(StackView, code)); }
static Ref code_get_linetable(VM *vm, Value self) { return code_view_part(vm, self, offsetof(StackView, line_table)); }
static Ref code_get_exceptiontable(VM *vm, Value self) { return code_view_part(vm, self, offsetof(StackView, exception_table)); }

#define CODE_GETTER(field, expression)                                            \
  static Ref code_get_##field(VM *vm UNUSED, Value self)                          \
  {                                                                               \
    Code *code = (Code *)cd_object(self);                                         \
    return expression;                                                            \
  }
CODE_GETTER(argcount, cd_from_small(code->arg_count))
CODE_GETTER(posonlyargcount, cd_from_small(code->posonly_count))
CODE_GETTER(kwonlyargcount, cd_from_small(code->kwonly_count))
CODE_GETTER(nlocals, cd_from_small(code->local_count))
CODE_GETTER(stacksize, cd_from_small(code->register_count - code->first_temp))
CODE_GETTER(flags, cd_from_small(code->flags))
CODE_GETTER(consts, cd_dup(code->consts))
CODE_GETTER(names, cd_dup(code->names))
CODE_GETTER(varnames, cd_dup(code->varnames))
CODE_GETTER(freevars, cd_dup(code->freevars))
CODE_GETTER(cellvars, cd_dup(code->cellvars))
CODE_GETTER(filename, cd_dup(code->filename))
CODE_GETTER(name, cd_dup(code->name))
CODE_GETTER(qualname, cd_dup(code->qualname))
CODE_GETTER(firstlineno, cd_from_small(code->first_line))

// The line table of PEP 626's predecessor: pairs of (bytes, lines) steps; two bytes a unit.
static Ref code_get_lnotab(VM *vm, Value self)
{
  Code *code = (Code *)cd_object(self);
  const StackView *view = cd_code_view(vm, code);
  if (!view) return NO_REF;
  LineTableReader reader = cd_line_table_reader(view->line_table, code->first_line);
  uint32_t at = 0;
  char pairs[16];
  int32_t line = code->first_line;
  int64_t from = 0;
  Ref out = cd_bytearray_new(vm, NULL, 0);
  for (; out && cd_line_table_read(&reader); at += reader.units) {
    if (reader.position.line < 0 || reader.position.line == line) continue;
    int64_t bytes = (int64_t)at * 2 - from, lines = (int64_t)reader.position.line - line;
    while (out && (bytes || lines)) {
      int64_t byte_step = bytes > 254 ? 254 : bytes, line_step = bytes > 254 ? 0 : lines > 127 ? 127 : lines < -128 ? -128 : lines;
      pairs[0] = (char)byte_step;
      pairs[1] = (char)line_step;
      ByteArray *array = (ByteArray *)cd_object(out);
      size_t size = array->size;
      if (!cd_bytearray_resize(vm, array, size + 2)) { cd_drop(vm, out); return NO_REF; }
      memcpy(array->data + size, pairs, 2);
      bytes -= byte_step;
      lines -= line_step;
    }
    from = (int64_t)at * 2;
    line = reader.position.line;
  }
  if (!out) return NO_REF;
  const ByteArray *array = (ByteArray *)cd_object(out);
  Ref result = cd_bytes_new(vm, array->data, array->size);
  cd_drop(vm, out);
  return result;
}

static const GetSetDef code_getset[] = {
  {"co_argcount", "Positional parameters.", code_get_argcount, NULL},
  {"co_posonlyargcount", "Positional-only parameters.", code_get_posonlyargcount, NULL},
  {"co_kwonlyargcount", "Keyword-only parameters.", code_get_kwonlyargcount, NULL},
  {"co_nlocals", "Local variables.", code_get_nlocals, NULL},
  {"co_stacksize", "Temporary registers.", code_get_stacksize, NULL},
  {"co_flags", "CO_ flags.", code_get_flags, NULL},
  {"co_code", "The instructions, as CPython 3.11's.", code_get_code, NULL},
  {"_co_code_adaptive", "The instructions, as CPython 3.11's.", code_get_code, NULL},
  {"co_consts", "Constants.", code_get_consts, NULL},
  {"co_names", "Names of globals and attributes.", code_get_names, NULL},
  {"co_varnames", "Names of parameters and local variables.", code_get_varnames, NULL},
  {"co_freevars", "Names of free variables.", code_get_freevars, NULL},
  {"co_cellvars", "Names of local variables that nested functions refer to.", code_get_cellvars, NULL},
  {"co_filename", "File of the source.", code_get_filename, NULL},
  {"co_name", "Name.", code_get_name, NULL},
  {"co_qualname", "Qualified name.", code_get_qualname, NULL},
  {"co_firstlineno", "First line of the source.", code_get_firstlineno, NULL},
  {"co_linetable", "Positions, encoded.", code_get_linetable, NULL},
  {"co_exceptiontable", "Exception handlers, encoded.", code_get_exceptiontable, NULL},
  {"co_lnotab", "Lines, encoded.", code_get_lnotab, NULL},
  {0},
};

// ---- lines and positions ----

// Iterators over the line table of the view: co_positions() and co_lines().
typedef struct CodeIterator {
  Object head;
  Code *code;                                    // owned
  LineTableReader reader;
  uint32_t at, left;                             // unit, and units left of the current entry
  bool lines;
} CodeIterator;

static void code_iterator_release(VM *vm, Object *self) { cd_drop_object(vm, ((CodeIterator *)self)->code); }

static Ref code_number(int32_t n) { return n < 0 ? cd_none() : cd_from_small(n); }

static Next code_next_position(VM *vm, CodeIterator *it, Ref *out)
{
  while (it->left == 0) {
    if (!cd_line_table_read(&it->reader)) return NEXT_DONE;
    it->left = it->reader.units;
  }
  it->left--;
  Position p = it->reader.position;
  Ref tuple = cd_tuple_new(vm, 4);
  if (!tuple) return NEXT_ERROR;
  cd_tuple_set(tuple, 0, code_number(p.line));
  cd_tuple_set(tuple, 1, code_number(p.end_line));
  cd_tuple_set(tuple, 2, code_number(p.column));
  cd_tuple_set(tuple, 3, code_number(p.end_column));
  *out = tuple;
  return NEXT_ITEM;
}

// (start, end, line) of each entry.
static Next code_next_line(VM *vm, CodeIterator *it, Ref *out)
{
  if (!cd_line_table_read(&it->reader)) return NEXT_DONE;
  uint32_t start = it->at;
  it->at += it->reader.units;
  *out = cd_tuple3_steal(vm, cd_from_small((int64_t)start * 2), cd_from_small((int64_t)it->at * 2), code_number(it->reader.position.line));
  return *out ? NEXT_ITEM : NEXT_ERROR;
}

static Next code_iterator_next(VM *vm, Value self, Ref *out)
{
  CodeIterator *it = (CodeIterator *)cd_object(self);
  return it->lines ? code_next_line(vm, it, out) : code_next_position(vm, it, out);
}
static Ref code_iterator_iter(VM *vm UNUSED, Value self) { return cd_dup(self); }

const TypeSpec cd_code_iterator_spec = {
  .name = "positions_iterator",
  .doc = NULL,
  .basicsize = sizeof(CodeIterator),
  .flags = TYPE_IMMUTABLE | TYPE_NO_NEW,
  .slots = {.release = code_iterator_release, .iter = code_iterator_iter, .next = code_iterator_next},
};

static Ref code_iterator_new(VM *vm, Value code, bool lines)
{
  const StackView *view = cd_code_view(vm, (Code *)cd_object(code));
  CodeIterator *it = view ? cd_object_new(vm, vm->types.code_iterator, sizeof *it) : NULL;
  if (!it) return NO_REF;
  it->code = (Code *)cd_object(cd_dup(code));
  it->reader = cd_line_table_reader(view->line_table, it->code->first_line);
  it->lines = lines;
  return cd_from_object(it);
}

METHOD(code, co_lines, "co_lines(self, /)", "Iterator over (start, end, line) of the code's ranges.")
{
  return code_iterator_new(vm, self, true);
}
METHOD(code, co_positions, "co_positions(self, /)", "Iterator over (line, end_line, column, end_column) of the code's units.")
{
  return code_iterator_new(vm, self, false);
}

METHOD(code, __sizeof__, "__sizeof__(self, /)", "Bytes that the object takes.")
{
  const Code *code = (Code *)cd_object(self);
  return cd_from_small((int64_t)(sizeof *code + code->unit_count * sizeof(Instr) + code->handler_count * sizeof(Handler) +
                                 code->positions_size + code->cache_capacity * sizeof(InlineCache) + code->cell_count * sizeof(uint16_t)));
}

METHOD(code, _registers, "_registers(self, /)", "Text of the register instructions that run, those of nested code included.")
{
  return cd_code_disassemble(vm, self);
}

METHOD(code, _varname_from_oparg, "_varname_from_oparg(self, oparg)",
       "(internal-only) Return the local variable name for the given register.")
{
  const Code *code = (Code *)cd_object(self);
  int64_t i;
  if (!cd_to_i64(vm, args[0], &i, vm->exc.OverflowError)) return NO_REF;
  if (i >= 0 && i < code->local_count) return cd_dup(cd_tuple_item_borrow(code->varnames, (size_t)i));
  for (uint32_t k = 0; k < code->cell_count; k++)
    if (code->cell_registers[k] == i) return cd_dup(cd_tuple_item_borrow(code->cellvars, k));
  if (i >= code->first_free && i < code->first_temp) return cd_dup(cd_tuple_item_borrow(code->freevars, (size_t)(i - code->first_free)));
  return cd_raise_index(vm, "tuple index out of range");
}

// ---- making code from its parts ----

// Arguments of code() in order; those of replace() are the same by keyword.
enum {
  PART_ARGCOUNT,
  PART_POSONLY,
  PART_KWONLY,
  PART_NLOCALS,
  PART_STACKSIZE,
  PART_FLAGS,
  PART_CODE,
  PART_CONSTS,
  PART_NAMES,
  PART_VARNAMES,
  PART_FILENAME,
  PART_NAME,
  PART_QUALNAME,
  PART_FIRSTLINE,
  PART_LINETABLE,
  PART_EXCEPTIONTABLE,
  PART_FREEVARS,
  PART_CELLVARS,
  PART_COUNT
};
static const char *const code_part_names[PART_COUNT] = {
  "co_argcount", "co_posonlyargcount", "co_kwonlyargcount", "co_nlocals",        "co_stacksize", "co_flags",
  "co_code",     "co_consts",          "co_names",          "co_varnames",       "co_filename",  "co_name",
  "co_qualname", "co_firstlineno",     "co_linetable",      "co_exceptiontable", "co_freevars",  "co_cellvars",
};

static bool code_part_type(VM *vm, const char *who, int part, Value v, Type *type)
{
  if (cd_is_instance_of(vm, v, type)) return true;
  if (who) return cd_raise_type(vm, "%s() argument '%s' must be %N, not %T", who, code_part_names[part], type, v);
  return cd_raise_type(vm, "code() argument %d must be %N, not %T", part + 1, type, v);
}

static bool code_names_tuple(VM *vm, Value tuple)
{
  for (size_t i = 0; i < cd_tuple_size(tuple); i++)
    if (!cd_is_exact(cd_tuple_item_borrow(tuple, i), vm->types.str))
      return cd_raise_type(vm, "name tuples must contain only strings, not '%T'", cd_tuple_item_borrow(tuple, i));
  return true;
}

static bool code_check_parts(VM *vm, const char *who, const Value *parts)
{
  for (int i = 0; i < PART_COUNT; i++) {
    Type *type = NULL;
    switch (i) {
    case PART_CODE: case PART_LINETABLE: case PART_EXCEPTIONTABLE: type = vm->types.bytes; break;
    case PART_CONSTS: case PART_NAMES: case PART_VARNAMES: case PART_FREEVARS: case PART_CELLVARS: type = vm->types.tuple; break;
    case PART_FILENAME: case PART_NAME: case PART_QUALNAME: type = vm->types.str; break;
    }
    if (type && !code_part_type(vm, who, i, parts[i], type)) return false;
  }
  return code_names_tuple(vm, parts[PART_NAMES]) && code_names_tuple(vm, parts[PART_VARNAMES]) && code_names_tuple(vm, parts[PART_FREEVARS])
         && code_names_tuple(vm, parts[PART_CELLVARS]);
}

static bool code_count_part(VM *vm, Value v, uint32_t *out)
{
  int n;
  if (!cd_to_c_int(vm, v, &n)) return false;
  if (n < 0) return cd_raise_value(vm, "code: argument counts must not be negative");
  *out = (uint32_t)n;
  return true;
}

static bool code_copy_array(VM *vm, const void *from, size_t count, size_t size, void *out)
{
  void *copy = count ? cd_alloc_array(vm, count, size) : NULL;
  if (count && !copy) return false;
  if (count) memcpy(copy, from, count * size);
  *(void **)out = copy;
  return true;
}

static bool code_bytes_equal(Value a, Value b)
{
  return cd_is(a, b) || (cd_bytes_size(a) == cd_bytes_size(b) && memcmp(cd_bytes_data(a), cd_bytes_data(b), cd_bytes_size(a)) == 0);
}

// Positions of `code`, whose instructions are `base`'s, as a line table of 3.11's form tells them.
static bool code_positions_from_table(VM *vm, Code *code, const Code *base, const StackView *view, Value table)
{
  size_t units = cd_bytes_size(view->code) / 2, known = 0;
  Position *positions = cd_alloc_array(vm, units + 1, sizeof *positions);
  if (!positions) return false;
  LineTableReader reader = cd_line_table_reader(table, code->first_line);
  while (known < units && cd_line_table_read(&reader))
    for (uint32_t i = 0; i < reader.units && known < units; i++) positions[known++] = reader.position;
  PositionWriter writer = {.vm = vm};
  bool ok = true;
  for (uint32_t i = 0; ok && known && i < base->unit_count;) {
    uint32_t start = i;
    if (base->instrs[i].op == OP_EXTEND) i++;
    i += cd_opcode_units[base->instrs[i].op];
    uint32_t at = view->offsets[start];
    ok = cd_position_write(&writer, i - start, at < known ? positions[at] : (Position){-1, -1, -1, -1});
  }
  cd_free(vm, positions, (units + 1) * sizeof *positions);
  ok = ok && code_copy_array(vm, writer.data, writer.size, 1, &code->positions);
  if (ok) code->positions_size = writer.size;
  cd_free(vm, writer.data, writer.capacity);
  return ok;
}

// The instructions and their tables: what runs can't be made of stack instructions, so they have to be those of a code object that lives.
static bool code_copy_instructions(VM *vm, Code *code, const Value *parts, Code *base)
{
  if (!base)
    return cd_raise(vm, vm->exc.NotImplementedError,
                    "code: co_code is not that of a code object of this process; making code of other instructions is not supported"),
           false;
  const StackView *view = cd_code_view(vm, base);
  if (!view) return false;
  if (!code_bytes_equal(parts[PART_CODE], view->code))
    return cd_raise(vm, vm->exc.NotImplementedError, "code: changing co_code is not supported"), false;
  if (!code_copy_array(vm, base->instrs, base->unit_count, sizeof(Instr), &code->instrs)) return false;
  code->unit_count = base->unit_count;
  for (uint32_t i = 0; i < code->unit_count;) {  // without the caches
    uint32_t units = cd_opcode_units[code->instrs[i].op];
    for (uint32_t k = 0; k < units && i < code->unit_count; k++, i++) code->instrs[i] = code_plain_unit(code, i, k > 0);
  }
  if (cd_bytes_size(parts[PART_EXCEPTIONTABLE])) {
    if (!code_bytes_equal(parts[PART_EXCEPTIONTABLE], view->exception_table))
      return cd_raise(vm, vm->exc.NotImplementedError, "code: changing co_exceptiontable is not supported"), false;
    if (!code_copy_array(vm, base->handlers, base->handler_count, sizeof(Handler), &code->handlers)) return false;
    code->handler_count = base->handler_count;
  }
  if (!code_bytes_equal(parts[PART_LINETABLE], view->line_table)) {
    code->line_table = cd_dup(parts[PART_LINETABLE]);
    return code_positions_from_table(vm, code, base, view, parts[PART_LINETABLE]);
  }
  if (cd_bits(base->line_table)) code->line_table = cd_dup(base->line_table);
  if (!code_copy_array(vm, base->positions, base->positions_size, 1, &code->positions)) return false;
  code->positions_size = base->positions_size;
  return true;
}

static Ref code_from_parts(VM *vm, const char *who, const Value *parts, Code *base)
{
  if (!code_check_parts(vm, who, parts)) return NO_REF;
  Code *code = cd_code_new(vm);
  if (!code) return NO_REF;
  Ref result = cd_from_object(code), source = NO_REF;
  uint32_t nlocals, stacksize;
  int first_line;
  const struct {
    int part;
    Value *field;
  } values[] = {{PART_CONSTS, &code->consts},     {PART_NAMES, &code->names},       {PART_VARNAMES, &code->varnames},
                {PART_FREEVARS, &code->freevars}, {PART_CELLVARS, &code->cellvars}, {PART_FILENAME, &code->filename},
                {PART_NAME, &code->name},         {PART_QUALNAME, &code->qualname}};
  for (size_t i = 0; i < ARRAY_LEN(values); i++) *values[i].field = cd_dup(parts[values[i].part]);
  code->docstring = cd_tuple_size(code->consts) && cd_is_str(cd_tuple_item_borrow(code->consts, 0))
                      ? cd_dup(cd_tuple_item_borrow(code->consts, 0))
                      : cd_none();
  if (!code_count_part(vm, parts[PART_ARGCOUNT], &code->arg_count) || !code_count_part(vm, parts[PART_POSONLY], &code->posonly_count)
      || !code_count_part(vm, parts[PART_KWONLY], &code->kwonly_count) || !code_count_part(vm, parts[PART_NLOCALS], &nlocals)
      || !code_count_part(vm, parts[PART_STACKSIZE], &stacksize) || !code_count_part(vm, parts[PART_FLAGS], &code->flags)
      || !cd_to_c_int(vm, parts[PART_FIRSTLINE], &first_line)) goto fail;
  code->first_line = first_line;
  if (!base && (source = cd_code_of_view(vm, parts[PART_CODE], code))) base = (Code *)cd_object(source);
  if (!code_copy_instructions(vm, code, parts, base)) goto fail;
  if (!cd_code_layout(vm, code) || !cd_code_mark_positions(vm, code)) goto fail;
  if (nlocals != code->local_count) { cd_raise_value(vm, "code: co_nlocals != len(co_varnames)"); goto fail; }
  // frames get that many registers: more than the instructions use is of no use
  if (stacksize > 0xFFFF && stacksize > base->register_count - base->first_temp) {
    cd_raise_value(vm, "code: co_stacksize is too large");
    goto fail;
  }
  code->register_count = code->first_temp + stacksize;
  char buffer[200];
  const char *problem = cd_code_verify(vm, code, buffer, sizeof buffer);
  if (problem) {
    if (!cd_raised(vm)) cd_raise_value(vm, "code: %s", problem);
    goto fail;
  }
  cd_drop(vm, source);
  return result;

fail:
  cd_drop(vm, source);
  cd_drop(vm, result);
  return NO_REF;
}

static Ref code_new_slot(VM *vm, Type *type UNUSED, const Value *args, size_t nargs, Value kwnames)
{
  if (!cd_no_keywords(vm, "code", kwnames) || !cd_check_positional(vm, "code", nargs, 16, PART_COUNT)) return NO_REF;
  Value parts[PART_COUNT];
  for (size_t i = 0; i < PART_COUNT; i++) parts[i] = i < nargs ? args[i] : vm->empty_tuple;
  return code_from_parts(vm, NULL, parts, NULL);
}

METHOD(code, replace,
       "replace(self, /, *, co_argcount=-1, co_posonlyargcount=-1, co_kwonlyargcount=-1, co_nlocals=-1, co_stacksize=-1, co_flags=-1, "
       "co_code=None, co_consts=None, "
       "co_names=None, co_varnames=None, co_filename=None, co_name=None, co_qualname=None, co_firstlineno=-1, co_linetable=None, "
       "co_exceptiontable=None, "
       "co_freevars=None, co_cellvars=None)",
       "The same code with other values in the given fields.")
{
  Code *code = (Code *)cd_object(self);
  Value parts[PART_COUNT];
  Ref made[3] = {NO_REF, NO_REF, NO_REF}, result = NO_REF;
  const Value own[PART_COUNT] = {
    cd_from_small(code->arg_count),
    cd_from_small(code->posonly_count),
    cd_from_small(code->kwonly_count),
    cd_from_small(code->local_count),
    cd_from_small(code->register_count - code->first_temp),
    cd_from_small(code->flags),
    NO_VALUE,
    code->consts,
    code->names,
    code->varnames,
    code->filename,
    code->name,
    code->qualname,
    cd_from_small(code->first_line),
    NO_VALUE,
    NO_VALUE,
    code->freevars,
    code->cellvars,
  };
  static const uint8_t byte_parts[3] = {PART_CODE, PART_LINETABLE, PART_EXCEPTIONTABLE};
  for (int i = 0; i < PART_COUNT; i++) parts[i] = args[i] ? args[i] : own[i];
  for (int i = 0; i < 3; i++) {
    if (parts[byte_parts[i]]) continue;
    made[i] = i == 0 ? code_get_code(vm, self) : i == 1 ? code_get_linetable(vm, self) : code_get_exceptiontable(vm, self);
    if (!made[i]) goto done;
    parts[byte_parts[i]] = made[i];
  }
  result = code_from_parts(vm, "replace", parts, args[PART_CODE] ? NULL : code);
done:
  for (int i = 0; i < 3; i++) cd_drop(vm, made[i]);
  return result;
}

static const MethodDef *const code_methods[] = {&code_co_lines_def,
                                                &code_co_positions_def,
                                                &code___sizeof___def,
                                                &code__registers_def,
                                                &code__varname_from_oparg_def,
                                                &code_replace_def,
                                                NULL};

const TypeSpec cd_code_spec = {
  .name = "code",
  .doc = "code(argcount, posonlyargcount, kwonlyargcount, nlocals, stacksize, flags, codestring, constants, names, varnames, filename, "
         "name, qualname, "
         "firstlineno, linetable, exceptiontable, freevars=(), cellvars=(), /)\n--\n\nCreate a code object.  Not for mere mortals.",
  .basicsize = sizeof(Code),
  .flags = TYPE_HAS_WEAKREFS | TYPE_IMMUTABLE,
  .weaklist_offset = offsetof(Code, weaklist),
  .methods = code_methods,
  .getset = code_getset,
  .slots =
    {
      .release = code_release,
      .repr = code_repr_slot,
      .hash = code_hash_slot,
      .compare = code_compare_slot,
      .new_ = code_new_slot,
    },
};
