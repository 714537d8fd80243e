// SPDX-License-Identifier: MIT
// code.h: code objects: what the compiler hands to the VM
#ifndef CEDE_BYTECODE_CODE_H
#define CEDE_BYTECODE_CODE_H

#include "core/vm.h"

typedef enum Opcode {
#define OP(name, operands, flags, meaning) OP_##name,
#include "bytecode/opcodes.def"
#undef OP
  OP_COUNT
} Opcode;

typedef struct Instr { uint16_t op, a, b, c; } Instr;
typedef struct InstrExtra { int32_t jump; uint32_t cache; } InstrExtra;    // second unit of instructions with JUMP or CACHE
_Static_assert(sizeof(Instr) == 8 && sizeof(InstrExtra) == 8, "an instruction is one or two 8-byte units");

extern const char *const cd_opcode_names[OP_COUNT];
extern const uint8_t cd_opcode_units[OP_COUNT];                  // 1 or 2
static inline InstrExtra *cd_instr_extra(const Instr *instr) { return (InstrExtra *)(instr + 1); }

// Inline caches. `cache` in the extra unit is an index + 1 into code->caches (0: none yet), filled by the VM.
typedef struct InlineCache {
  uint16_t kind;                                 // private to vm/
  uint16_t counter;
  uint32_t next;                                 // index + 1 of another one for the same instruction (other types, shapes); 0: none
  uint32_t type_version, shape_id;
  uint32_t version2, index;
  Value value;                                   // borrowed under the versions' protection
} InlineCache;

// PEP 657 position of one unit: lines from 1, columns in UTF-8 bytes from 0; -1 unknown.
typedef struct Position { int32_t line, end_line, column, end_column; } Position;

// A protected range of units [start, end). On an exception: temporaries from `depth` on are dropped, the exception goes to register
// `depth`, the number of the unit that raised it to depth + 1, execution goes on at `target`. Sorted, innermost first among overlapping:
// the first that contains pc is the one.
typedef struct Handler { uint32_t start, end, target; uint32_t depth; } Handler;

enum {   // co_flags, CPython's values
  CO_OPTIMIZED = 0x1,
  CO_NEWLOCALS = 0x2,
  CO_VARARGS = 0x4,
  CO_VARKEYWORDS = 0x8,
  CO_NESTED = 0x10,
  CO_GENERATOR = 0x20,
  CO_COROUTINE = 0x80,
  CO_ITERABLE_COROUTINE = 0x100,
  CO_ASYNC_GENERATOR = 0x200,
  CO_FUTURE_DIVISION = 0x20000,
  CO_FUTURE_ABSOLUTE_IMPORT = 0x40000,
  CO_FUTURE_WITH_STATEMENT = 0x80000,
  CO_FUTURE_PRINT_FUNCTION = 0x100000,
  CO_FUTURE_UNICODE_LITERALS = 0x200000,
  CO_FUTURE_BARRY_AS_BDFL = 0x400000,
  CO_FUTURE_GENERATOR_STOP = 0x800000,
  CO_FUTURE_ANNOTATIONS = 0x1000000,
  CO_CEDE_YIELD_FROM_ASYNC = 0x2000000,
  CO_ANY_GENERATOR = CO_GENERATOR | CO_COROUTINE | CO_ASYNC_GENERATOR,
};

// Immutable but for inline caches and quickening. Read by vm/.
struct Code {
  Object head;
  // shape of a frame
  uint32_t arg_count;                            // positional parameters, positional-only included
  uint32_t posonly_count, kwonly_count;
  uint32_t flags;                                // CO_
  uint32_t
    local_count;   // registers [0, local_count): parameters first, in signature order: positional, kwonly, *args, **kwargs; then locals
  uint32_t cell_count;                           // cells of this function; register numbers in cell_registers
  uint32_t free_count;                           // registers [first_free, first_free + free_count)
  uint32_t first_temp;                           // = local_count + cells that are not parameters + free_count
  uint32_t register_count;                       // all
  // instructions
  Instr *instrs;                                 // unit_count units, owned
  uint32_t unit_count;
  Handler *handlers;
  uint32_t handler_count;
  uint8_t *positions;                            // encoded; bytecode/linetable.c
  uint32_t positions_size;
  int32_t *unit_lines;                           // line of every unit; made when tracers ask for many (cd_code_index_lines), else NULL
  struct PositionMark *marks;                    // places in `positions` to start reading from; owned
  uint32_t mark_count;
  InlineCache *caches;                           // grown by the VM
  uint32_t cache_count, cache_capacity;
  // values, owned
  Value consts;                                  // tuple
  Value names;                                   // tuple of interned str
  Value varnames;                                // tuple of str, local_count names (registers in order)
  Value cellvars, freevars;                      // tuples of str
  uint16_t *cell_registers;                      // cell_count entries: register of each cellvar (a parameter's own register when it is one)
  uint32_t first_free;
  Value filename, name, qualname;
  Value docstring;                               // str or None: for functions consts[0] likewise
  int32_t first_line;
  uint32_t version;                              // unique; for call caches
  Weakref *weaklist;
  struct StackView *view;                        // what tools get to see; made when asked (bytecode/stack_view.h)
  Value line_table;                              // co_linetable, if replace() gave one; else NO_VALUE
  void *spare;                                   // a Generator of this code, ready for the next one that is awaited at once, or NULL
  uint32_t spare_size;
};

static inline Value cd_code_qualname(const Code *code) { return cd_bits(code->qualname) ? code->qualname : code->name; }
Position cd_code_position(const Code *code, uint32_t unit);      // of the instruction that contains `unit`
int32_t cd_code_line(const Code *code, uint32_t unit);           // -1: none
// Makes cd_code_line O(1) for this code from now on. false: MemoryError.
MUST_USE bool cd_code_index_lines(VM *vm, Code *code);
const Handler *cd_code_handler(const Code *code, uint32_t unit);

// Encoding of positions while assembling: one entry an instruction, in order, with its length in units.
typedef struct PositionWriter { VM *vm; uint8_t *data; uint32_t size, capacity; Position last; } PositionWriter;
MUST_USE bool cd_position_write(PositionWriter *writer, uint32_t units, Position position);
// Reads them back in order: false at the end.
typedef struct PositionReader { const uint8_t *p, *end; Position current; } PositionReader;
PositionReader cd_position_reader(const Code *code);
bool cd_position_read(PositionReader *reader, uint32_t *units, Position *position);
void cd_code_unmark_positions(VM *vm, Code *code);
MUST_USE bool cd_code_mark_positions(VM *vm, Code *code);        // makes code->marks, once all units and positions are there

// What an operand of an instruction is; the columns of opcodes.def.
typedef enum OperandKind {
  OPERAND_NONE,
  OPERAND_DST,
  OPERAND_SRC,
  OPERAND_KEEP,
  OPERAND_BASE,
  OPERAND_PAIR,
  OPERAND_LOCAL,
  OPERAND_CELL,
  OPERAND_CONST,
  OPERAND_NAME,
  OPERAND_COUNT,
  OPERAND_FLAGS,
  OPERAND_JUMP,
  OPERAND_CACHE,
} OperandKind;
typedef struct OpcodeInfo {
  const char *name;
  uint8_t operands[4];
  char flag;
} OpcodeInfo;   // JUMP and CACHE are no operands of the first unit
extern const OpcodeInfo cd_opcode_info[OP_COUNT];

// A fresh code object: every field empty, counts zero. The maker fills it before anyone sees it. NULL: MemoryError.
MUST_USE Code *cd_code_new(VM *vm);
uint32_t cd_code_next_version(VM *vm);
// Fills what follows from the rest: first_temp, cell and free registers. false: MemoryError.
MUST_USE bool cd_code_layout(VM *vm, Code *code);
// Checks that running the code can't break the VM: operands, jumps, handlers, and that each temporary is written before it is read and
// consumed once on every path. NULL, or what is wrong (a message that lives in `buffer`).
const char *cd_code_verify(VM *vm, const Code *code, char *buffer, size_t size);

// Number of the instruction set and of cd_code_dump's form: add one at every change of either. importlib's magic number is made from it.
enum { CODE_FORMAT = 21106 };

// Are two constants interchangeable: of one type and equal, -0.0 and 0.0 apart, tuples item by item? Runs no Python code. The hash goes
// with it.
bool cd_const_equal(VM *vm, Value a, Value b);
uint64_t cd_const_hash(VM *vm, Value v);

// Text of all instructions: code._registers(). New str.
MUST_USE Ref cd_code_disassemble(VM *vm, Value code);
// Marshal-like form for the module cache in __pycache__ (own format, versioned, checksummed; a bad file is an error, never a crash).
MUST_USE Ref cd_code_dump(VM *vm, Value code);                   // -> bytes
// Whole and unchanged is seen by the checksum, which does not help against those who make their own: cd_code_load lets cd_code_verify look
// at every function as well. The other is for data that nobody else can have written.
MUST_USE Ref cd_code_load(VM *vm, const char *data, size_t size);
MUST_USE Ref cd_code_load_trusted(VM *vm, const char *data, size_t size);

#endif
