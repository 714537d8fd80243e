// SPDX-License-Identifier: MIT
// _opcode.c: what the stack instructions that code objects show do to the stack
#include "bytecode/stack_view.h"
#include "modules/module_list.h"
#include "objects/protocol.h"
#include "objects/raise.h"

#include <limits.h>

enum { EFFECT_HAS_ARGUMENT = 90, EFFECT_NONE = INT_MIN };

// The instructions whose effect does not depend on the argument.
static int effect_fixed(int64_t op)
{
  switch (op) {
  case STACK_CACHE: case STACK_NOP: case STACK_UNARY_POSITIVE: case STACK_UNARY_NEGATIVE: case STACK_UNARY_NOT: case STACK_UNARY_INVERT:
  case STACK_CHECK_EXC_MATCH: case STACK_CHECK_EG_MATCH: case STACK_GET_AITER: case STACK_GET_ITER: case STACK_GET_YIELD_FROM_ITER:
  case STACK_RETURN_GENERATOR: case STACK_LIST_TO_TUPLE: case STACK_SETUP_ANNOTATIONS: case STACK_YIELD_VALUE: case STACK_ASYNC_GEN_WRAP:
  case STACK_DELETE_NAME: case STACK_DELETE_GLOBAL: case STACK_SWAP: case STACK_LOAD_ATTR: case STACK_JUMP_FORWARD: case STACK_DELETE_FAST:
  case STACK_GET_AWAITABLE: case STACK_JUMP_BACKWARD_NO_INTERRUPT: case STACK_MAKE_CELL: case STACK_DELETE_DEREF: case STACK_JUMP_BACKWARD:
  case STACK_EXTENDED_ARG: case STACK_COPY_FREE_VARS: case STACK_RESUME: case STACK_KW_NAMES: return 0;
  case STACK_PUSH_NULL: case STACK_GET_LEN: case STACK_MATCH_MAPPING: case STACK_MATCH_SEQUENCE: case STACK_MATCH_KEYS:
  case STACK_PUSH_EXC_INFO: case STACK_WITH_EXCEPT_START: case STACK_GET_ANEXT: case STACK_BEFORE_ASYNC_WITH: case STACK_BEFORE_WITH:
  case STACK_LOAD_BUILD_CLASS: case STACK_LOAD_ASSERTION_ERROR: case STACK_LOAD_CONST: case STACK_LOAD_NAME: case STACK_IMPORT_FROM:
  case STACK_COPY: case STACK_LOAD_FAST: case STACK_LOAD_CLOSURE: case STACK_LOAD_DEREF: case STACK_LOAD_CLASSDEREF: case STACK_LOAD_METHOD:
    return 1;
  case STACK_POP_TOP: case STACK_BINARY_SUBSCR: case STACK_PRINT_EXPR: case STACK_RETURN_VALUE: case STACK_IMPORT_STAR:
  case STACK_PREP_RERAISE_STAR: case STACK_POP_EXCEPT: case STACK_STORE_NAME: case STACK_DELETE_ATTR: case STACK_STORE_GLOBAL:
  case STACK_COMPARE_OP: case STACK_IMPORT_NAME: case STACK_POP_JUMP_FORWARD_IF_FALSE: case STACK_POP_JUMP_FORWARD_IF_TRUE:
  case STACK_POP_JUMP_FORWARD_IF_NONE: case STACK_POP_JUMP_FORWARD_IF_NOT_NONE: case STACK_POP_JUMP_BACKWARD_IF_FALSE:
  case STACK_POP_JUMP_BACKWARD_IF_TRUE: case STACK_POP_JUMP_BACKWARD_IF_NONE: case STACK_POP_JUMP_BACKWARD_IF_NOT_NONE: case STACK_IS_OP:
  case STACK_CONTAINS_OP: case STACK_RERAISE: case STACK_BINARY_OP: case STACK_STORE_FAST: case STACK_STORE_DEREF: case STACK_LIST_APPEND:
  case STACK_SET_ADD: case STACK_LIST_EXTEND: case STACK_SET_UPDATE: case STACK_DICT_MERGE: case STACK_DICT_UPDATE: case STACK_CALL:
    return -1;
  case STACK_END_ASYNC_FOR: case STACK_DELETE_SUBSCR: case STACK_STORE_ATTR: case STACK_MAP_ADD: case STACK_MATCH_CLASS: return -2;
  case STACK_STORE_SUBSCR: return -3;
  default: return EFFECT_NONE;
  }
}

// `jump` 1: it jumps, 0: it does not, -1: whichever leaves more.
static int effect_of(int64_t op, int arg, int jump)
{
  switch (op) {
  case STACK_UNPACK_SEQUENCE: return arg - 1;
  case STACK_UNPACK_EX: return (arg & 0xFF) + (arg >> 8);
  case STACK_BUILD_TUPLE: case STACK_BUILD_LIST: case STACK_BUILD_SET: case STACK_BUILD_STRING: return 1 - arg;
  case STACK_BUILD_MAP: return 1 - 2 * arg;
  case STACK_BUILD_CONST_KEY_MAP: case STACK_RAISE_VARARGS: case STACK_PRECALL: return -arg;
  case STACK_BUILD_SLICE: return arg == 3 ? -2 : -1;
  case STACK_LOAD_GLOBAL: return 1 + (arg & 1);
  case STACK_MAKE_FUNCTION: return -__builtin_popcount((unsigned)arg & 15);
  case STACK_CALL_FUNCTION_EX: return -2 - (arg & 1);
  case STACK_FORMAT_VALUE: return arg & 4 ? -1 : 0;
  case STACK_FOR_ITER: return jump > 0 ? -1 : 1;
  case STACK_SEND: return jump > 0 ? -1 : 0;
  case STACK_JUMP_IF_FALSE_OR_POP: case STACK_JUMP_IF_TRUE_OR_POP: return jump ? 0 : -1;
  default: return effect_fixed(op);
  }
}

FUNCTION(_opcode, stack_effect, "stack_effect(opcode, oparg=None, /, *, jump=None)", "By how much the instruction changes the height of "
                                                                                     "the stack.")
{
  int op, arg = 0, jump = -1;
  bool has_argument = args[1] && !cd_is_none(args[1]);
  if (!cd_to_c_int(vm, args[0], &op)) return NO_REF;
  if (op >= EFFECT_HAS_ARGUMENT) {
    if (!has_argument) return cd_raise_value(vm, "stack_effect: opcode requires oparg but oparg was not specified");
    if (!cd_to_c_int(vm, args[1], &arg)) return NO_REF;
  } else if (has_argument) {
    return cd_raise_value(vm, "stack_effect: opcode does not permit oparg but oparg was specified");
  }
  if (args[2] && !cd_is_none(args[2])) {
    if (!cd_is_bool(args[2])) return cd_raise_value(vm, "stack_effect: jump must be False, True or None");
    jump = cd_is_true(args[2]);
  }
  int effect = effect_of(op, arg, jump);
  return effect == EFFECT_NONE ? cd_raise_value(vm, "invalid opcode or oparg") : cd_from_small(effect);
}

// Counts of specializations are kept by no build of ours.
FUNCTION(_opcode, get_specialization_stats, "get_specialization_stats()", "Return the specialization stats") { return cd_none(); }

static const MethodDef *const opcode_functions[] = {&_opcode_stack_effect_def, &_opcode_get_specialization_stats_def, NULL};

const ModuleDef cd_module__opcode = {.name = "_opcode", .doc = "Opcode support module.", .functions = opcode_functions};
