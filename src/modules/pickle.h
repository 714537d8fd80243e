// SPDX-License-Identifier: MIT
// pickle.h: what the files of _pickle share
#ifndef CEDE_MODULES_PICKLE_H
#define CEDE_MODULES_PICKLE_H

#include "core/vm.h"

// Library reference, "pickletools": what each one does.
typedef enum PickleOp {
  PICKLE_OP_MARK = '(',
  PICKLE_OP_STOP = '.',
  PICKLE_OP_POP = '0',
  PICKLE_OP_POP_MARK = '1',
  PICKLE_OP_DUP = '2',
  PICKLE_OP_FLOAT = 'F',
  PICKLE_OP_INT = 'I',
  PICKLE_OP_BININT = 'J',
  PICKLE_OP_BININT1 = 'K',
  PICKLE_OP_LONG = 'L',
  PICKLE_OP_BININT2 = 'M',
  PICKLE_OP_NONE = 'N',
  PICKLE_OP_PERSID = 'P',
  PICKLE_OP_BINPERSID = 'Q',
  PICKLE_OP_REDUCE = 'R',
  PICKLE_OP_STRING = 'S',
  PICKLE_OP_BINSTRING = 'T',
  PICKLE_OP_SHORT_BINSTRING = 'U',
  PICKLE_OP_UNICODE = 'V',
  PICKLE_OP_BINUNICODE = 'X',
  PICKLE_OP_APPEND = 'a',
  PICKLE_OP_BUILD = 'b',
  PICKLE_OP_GLOBAL = 'c',
  PICKLE_OP_DICT = 'd',
  PICKLE_OP_EMPTY_DICT = '}',
  PICKLE_OP_APPENDS = 'e',
  PICKLE_OP_GET = 'g',
  PICKLE_OP_BINGET = 'h',
  PICKLE_OP_INST = 'i',
  PICKLE_OP_LONG_BINGET = 'j',
  PICKLE_OP_LIST = 'l',
  PICKLE_OP_EMPTY_LIST = ']',
  PICKLE_OP_OBJ = 'o',
  PICKLE_OP_PUT = 'p',
  PICKLE_OP_BINPUT = 'q',
  PICKLE_OP_LONG_BINPUT = 'r',
  PICKLE_OP_SETITEM = 's',
  PICKLE_OP_TUPLE = 't',
  PICKLE_OP_EMPTY_TUPLE = ')',
  PICKLE_OP_SETITEMS = 'u',
  PICKLE_OP_BINFLOAT = 'G',
  PICKLE_OP_PROTO = 0x80,
  PICKLE_OP_NEWOBJ = 0x81,
  PICKLE_OP_EXT1 = 0x82,
  PICKLE_OP_EXT2 = 0x83,
  PICKLE_OP_EXT4 = 0x84,
  PICKLE_OP_TUPLE1 = 0x85,
  PICKLE_OP_TUPLE2 = 0x86,
  PICKLE_OP_TUPLE3 = 0x87,
  PICKLE_OP_NEWTRUE = 0x88,
  PICKLE_OP_NEWFALSE = 0x89,
  PICKLE_OP_LONG1 = 0x8A,
  PICKLE_OP_LONG4 = 0x8B,
  PICKLE_OP_BINBYTES = 'B',
  PICKLE_OP_SHORT_BINBYTES = 'C',
  PICKLE_OP_SHORT_BINUNICODE = 0x8C,
  PICKLE_OP_BINUNICODE8 = 0x8D,
  PICKLE_OP_BINBYTES8 = 0x8E,
  PICKLE_OP_EMPTY_SET = 0x8F,
  PICKLE_OP_ADDITEMS = 0x90,
  PICKLE_OP_FROZENSET = 0x91,
  PICKLE_OP_NEWOBJ_EX = 0x92,
  PICKLE_OP_STACK_GLOBAL = 0x93,
  PICKLE_OP_MEMOIZE = 0x94,
  PICKLE_OP_FRAME = 0x95,
  PICKLE_OP_BYTEARRAY8 = 0x96,
  PICKLE_OP_NEXT_BUFFER = 0x97,
  PICKLE_OP_READONLY_BUFFER = 0x98,
} PickleOp;

#define PICKLE_HIGHEST_PROTOCOL 5
#define PICKLE_DEFAULT_PROTOCOL 4

// All owned. What other modules hold is fetched when _pickle is first imported.
typedef struct PickleState {
  Value pickle_error, pickling_error, unpickling_error;          // exception classes
  Value dispatch_table, extension_registry, inverted_registry, extension_cache;      // dicts of copyreg
  Value name_mapping_2to3, import_mapping_2to3, name_mapping_3to2, import_mapping_3to2;    // dicts of _compat_pickle
  Value codecs_encode, getattr, partial;
  Type *pickler, *unpickler, *pickler_memo, *unpickler_memo, *buffer, *raw;
} PickleState;

PickleState *cd_pickle_state(VM *vm);
#define PICKLE_RAISE(vm, which, ...) cd_raise(vm, cd_as_type(cd_pickle_state(vm)->which), __VA_ARGS__)

extern const TypeSpec cd_pickler_spec, cd_unpickler_spec, cd_pickler_memo_spec, cd_unpickler_memo_spec, cd_pickle_buffer_spec;
extern const MethodDef *const cd_pickle_dump_functions[2], *const cd_pickle_load_functions[2];

// A hook that may be a method bound to the pickler itself: then only the function is kept, to avoid a cycle.
typedef struct PickleHook { Value function; bool bound; } PickleHook;            // function owned; NO_VALUE: none
MUST_USE bool cd_pickle_hook_init(VM *vm, PickleHook *hook, Value self, Value name);
MUST_USE Ref cd_pickle_hook_call(VM *vm, const PickleHook *hook, Value self, Value argument);
Ref cd_pickle_hook_get(VM *vm, const PickleHook *hook, Value self);              // NO_REF: none, nothing set

// "a.b.c" resolved from `module`; with the object before the last step. AttributeError when something is missing.
MUST_USE Ref cd_pickle_attribute(VM *vm, Value module, Value path, Ref *parent);
// Parts of a dotted name; refuses local objects. `owner` NO_VALUE: none known.
MUST_USE Ref cd_pickle_path(VM *vm, Value owner, Value name);

// The exporter's buffer of a PickleBuffer, or NULL with ValueError when it was released.
Buffer *cd_pickle_buffer_view(VM *vm, Value v);

#endif
