// SPDX-License-Identifier: MIT
// stack_view.h: register code told in CPython 3.11's stack instructions, for tools; private to bytecode/ but for the part above the line
//
// `dis`, coverage tools and debuggers read co_code, co_linetable, co_exceptiontable, f_lasti and tb_lasti. The VM runs none of that: the
// first question of this kind translates the code object once, and the answers are kept in code->view. docs/internals/bytecode.md explains.
#ifndef CEDE_BYTECODE_STACK_VIEW_H
#define CEDE_BYTECODE_STACK_VIEW_H

#include "base/arena.h"
#include "bytecode/code.h"

typedef struct StackView {
  Value code, line_table, exception_table;       // bytes, owned
  uint32_t *offsets;                             // unit -> number of the stack instruction (two bytes each) that does its work
  uint32_t unit_count;
  Code *owner;
  struct StackView *prev, *next;                 // all views of the VM
} StackView;

MUST_USE const StackView *cd_code_view(VM *vm, Code *code);      // lives as long as the code. NULL: exception set
MUST_USE bool cd_code_view_offset(VM *vm, Code *code, uint32_t unit, int32_t *out);   // f_lasti of a unit
MUST_USE bool cd_code_view_unit(VM *vm, Code *code, int32_t offset, uint32_t *out);   // and back, roughly
void cd_code_view_free(VM *vm, Code *code);
// A code object whose co_code this is, if possible one with parameters and locals like those of `like`. NO_REF, without exception: none
// lives.
Ref cd_code_of_view(VM *vm, Value bytes, const Code *like);

// Reads a line table of 3.11's form. false: the end.
typedef struct LineTableReader { const uint8_t *p, *end; int32_t line; uint32_t units; Position position; } LineTableReader;
LineTableReader cd_line_table_reader(Value bytes, int32_t first_line);
bool cd_line_table_read(LineTableReader *r);     // sets units and position

// ---- private to this folder ----

// A stack instruction while the view is made. Nodes of a block form a list; blocks are in the order of the register code.
enum { TARGET_NONE = -1, HANDLER_BLOCK = -2 };
typedef struct StackNode {
  uint8_t op;
  bool after;                                    // jumps to what follows node `target`
  bool to_block;                                 // `target` is a block, else a node
  uint32_t arg;
  uint32_t reach;                                // the slot that COPY, LIST_APPEND and their like count down to
  int32_t target;
  int32_t unit;                                  // whose position it has; -1: none
  int32_t handler;                               // number of the code's handler in force, -1: none, HANDLER_BLOCK - n: block n of the view
  int32_t prev, next;
  int32_t block;
  uint32_t at;                                   // its number when laid out; EXTENDED_ARGs come before
  uint8_t extended;                              // how many
} StackNode;

typedef struct StackBlock {
  uint32_t start, end;                           // units
  int32_t handler;
  int32_t first, last;                           // nodes
  struct StackSlot *entry;                       // what is on the stack when control arrives; NULL: not known yet
  uint32_t entry_count;
  uint64_t *live_in, *used_in;                   // temporaries read from here on; read or dropped
  uint64_t *reads, *uses, *kills;
  int32_t succ[2];                               // blocks, -1
  uint32_t ways;                                 // that lead here
  bool done;
  bool keeps_lasti;                              // a handler that wants to know where the exception came from
  uint32_t handler_depth;
} StackBlock;

typedef struct StackProgram {
  VM *vm;
  Code *code;
  Arena arena;                                   // all of the rest
  bool failed;                                   // out of memory; everything goes on harmlessly
  StackNode *nodes;
  uint32_t node_count, node_capacity;
  StackBlock *blocks;
  uint32_t block_count, block_capacity;
  int32_t *primary;                              // unit -> node, -1
  int32_t *block_of;                             // unit -> block it starts, -1
} StackProgram;

// Numbers of 3.11. Read by modules/_opcode.c too.
#define STACK_OPS(X)                                                                                                                      \
  X(CACHE, 0) X(POP_TOP, 1) X(PUSH_NULL, 2) X(NOP, 9) X(UNARY_POSITIVE, 10) X(UNARY_NEGATIVE, 11) X(UNARY_NOT, 12) X(UNARY_INVERT, 15)    \
  X(BINARY_SUBSCR, 25) X(GET_LEN, 30) X(MATCH_MAPPING, 31) X(MATCH_SEQUENCE, 32) X(MATCH_KEYS, 33) X(PUSH_EXC_INFO, 35)                   \
  X(CHECK_EXC_MATCH, 36) X(CHECK_EG_MATCH, 37) X(WITH_EXCEPT_START, 49) X(GET_AITER, 50) X(GET_ANEXT, 51) X(BEFORE_ASYNC_WITH, 52)        \
  X(BEFORE_WITH, 53) X(END_ASYNC_FOR, 54) X(STORE_SUBSCR, 60) X(DELETE_SUBSCR, 61) X(GET_ITER, 68) X(GET_YIELD_FROM_ITER, 69)             \
  X(PRINT_EXPR, 70) X(LOAD_BUILD_CLASS, 71) X(LOAD_ASSERTION_ERROR, 74) X(RETURN_GENERATOR, 75) X(LIST_TO_TUPLE, 82) X(RETURN_VALUE, 83)  \
  X(IMPORT_STAR, 84) X(SETUP_ANNOTATIONS, 85) X(YIELD_VALUE, 86) X(ASYNC_GEN_WRAP, 87) X(PREP_RERAISE_STAR, 88) X(POP_EXCEPT, 89)         \
  X(STORE_NAME, 90) X(DELETE_NAME, 91) X(UNPACK_SEQUENCE, 92) X(FOR_ITER, 93) X(UNPACK_EX, 94) X(STORE_ATTR, 95) X(DELETE_ATTR, 96)       \
  X(STORE_GLOBAL, 97) X(DELETE_GLOBAL, 98) X(SWAP, 99) X(LOAD_CONST, 100) X(LOAD_NAME, 101) X(BUILD_TUPLE, 102) X(BUILD_LIST, 103)        \
  X(BUILD_SET, 104) X(BUILD_MAP, 105) X(LOAD_ATTR, 106) X(COMPARE_OP, 107) X(IMPORT_NAME, 108) X(IMPORT_FROM, 109) X(JUMP_FORWARD, 110)   \
  X(JUMP_IF_FALSE_OR_POP, 111) X(JUMP_IF_TRUE_OR_POP, 112) X(POP_JUMP_FORWARD_IF_FALSE, 114) X(POP_JUMP_FORWARD_IF_TRUE, 115)             \
  X(LOAD_GLOBAL, 116) X(IS_OP, 117) X(CONTAINS_OP, 118) X(RERAISE, 119) X(COPY, 120) X(BINARY_OP, 122) X(SEND, 123) X(LOAD_FAST, 124)     \
  X(STORE_FAST, 125) X(DELETE_FAST, 126) X(POP_JUMP_FORWARD_IF_NOT_NONE, 128) X(POP_JUMP_FORWARD_IF_NONE, 129) X(RAISE_VARARGS, 130)      \
  X(GET_AWAITABLE, 131) X(MAKE_FUNCTION, 132) X(BUILD_SLICE, 133) X(JUMP_BACKWARD_NO_INTERRUPT, 134) X(MAKE_CELL, 135)                    \
  X(LOAD_CLOSURE, 136) X(LOAD_DEREF, 137) X(STORE_DEREF, 138) X(DELETE_DEREF, 139) X(JUMP_BACKWARD, 140) X(CALL_FUNCTION_EX, 142)         \
  X(EXTENDED_ARG, 144) X(LIST_APPEND, 145) X(SET_ADD, 146) X(MAP_ADD, 147) X(LOAD_CLASSDEREF, 148) X(COPY_FREE_VARS, 149) X(RESUME, 151)  \
  X(MATCH_CLASS, 152) X(FORMAT_VALUE, 155) X(BUILD_CONST_KEY_MAP, 156) X(BUILD_STRING, 157) X(LOAD_METHOD, 160) X(LIST_EXTEND, 162)       \
  X(SET_UPDATE, 163) X(DICT_MERGE, 164) X(DICT_UPDATE, 165) X(PRECALL, 166) X(CALL, 171) X(KW_NAMES, 172)                                 \
  X(POP_JUMP_BACKWARD_IF_NOT_NONE, 173) X(POP_JUMP_BACKWARD_IF_NONE, 174) X(POP_JUMP_BACKWARD_IF_FALSE, 175)                              \
  X(POP_JUMP_BACKWARD_IF_TRUE, 176) X(REGISTER_ONLY, 255)
#define STACK_OP_ENUM(name, number) STACK_##name = number,
enum { STACK_OPS(STACK_OP_ENUM) };
#undef STACK_OP_ENUM

void *cd_stack_alloc(StackProgram *p, size_t count, size_t size);                // zeroed; NULL marks the failure
MUST_USE bool cd_stack_layout(StackProgram *p, StackView *out);  // stack_layout.c: nodes to bytes

#endif
