// SPDX-License-Identifier: MIT
// frame.h: running and suspended activations
#ifndef CEDE_VM_FRAME_H
#define CEDE_VM_FRAME_H

#include "bytecode/code.h"
#include "objects/function.h"

typedef enum {
  FRAME_CREATED,                                 // generator not started
  FRAME_RUNNING,
  FRAME_SUSPENDED,                               // at a YIELD
  FRAME_DELEGATING,                              // at a DELEGATE or ASYNC_NEXT: waits for a sub-iterator
  FRAME_DONE,                                    // finished or closed; registers are cleared
} FrameState;

enum {
  FRAME_IS_GENERATOR = 1,
  FRAME_ENTRY = 2,                               // the C caller of the eval loop gets the result
  FRAME_OWN_LOCALS = 4,                          // globals, builtins, code and locals are owned by the frame
  FRAME_CHUNK_START = 8,                         // first frame of a chunk of the thread's frame stack
  FRAME_OWN_CODE = 16,                           // code is owned by the frame, for the function's was replaced while it runs
  FRAME_JUMPED = 32,                             // f_lineno was set while suspended: go on at pc, the value sent is dropped
  FRAME_THROWN = 64,                             // entered by throw() through its delegator: what leaves it gets the delegator's context
  FRAME_KIND = 0xF00,                            // what the caller's instruction does with the result: ReturnKind << 8
};

// How a frame's result goes on in the frame that waits for it (`back`); 0 is the plain call.
typedef enum ReturnKind {
  RETURN_CALL,                                   // result to back's return_register; the instruction has two units
  RETURN_SHORT,                                  // the same for an instruction of one unit
  RETURN_INIT,                                   // __init__: result must be None; the instance waits in temporary `return_register` of back
  RETURN_DISCARD,                                // property setters, __setitem__ ..: result is dropped, operands are consumed
  RETURN_FOR_ITER,                               // generator run by FOR_ITER
  RETURN_FOR_NEXT,                               // __next__ written in Python run by FOR_ITER
  RETURN_DELEGATE,                               // generator run by DELEGATE: what it yields, back yields
  RETURN_SEND,                                   // generator run by a CALL of next, send or throw: its end is a StopIteration
  RETURN_ASYNC_NEXT,                             // async generator run by ASYNC_NEXT
  RETURN_OPERATOR,                               // special method of an operator or subscript: cd_special_result() has a look at the result
  RETURN_GETATTR,                                // __getattr__ or __getattribute__
} ReturnKind;
#define FRAME_KIND_SHIFT 8

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define FRAME_STATUS(state, flags) ((uint32_t)(state) | (uint32_t)(flags) << 16)
#else
#define FRAME_STATUS(state, flags) ((uint32_t)(state) << 16 | (uint32_t)(flags))
#endif

// One activation. Plain calls live on the thread's frame stack (vm/frame.c), generators' frames inside the Generator. No pointers into
// itself, so a suspended frame may be moved. `pc` is the instruction being executed (or where it is suspended).
struct Frame {
  Code *code;                                    // owned through function or directly
  const Instr *pc;
  Frame *back;                                   // caller; NULL at the bottom or while suspended
  Function *function;                            // owned; NULL for module and class bodies and eval()
  Value globals, builtins;                       // borrowed from function, or owned with FRAME_OWN_LOCALS
  Value locals;                                  // owned: mapping of class and module bodies; NO_VALUE in functions
  FrameObject *object;                           // sys._getframe() made one; owned both ways until the frame ends
  union {
    struct { uint16_t state, flags; };           // FrameState, FRAME_
    uint32_t status;                             // both at once, for the loop's shortest ways: FRAME_STATUS()
  };
  uint32_t return_register;                      // of the caller: where the result goes
  int32_t traced_line;                           // last line reported to a tracer
  uint32_t chain_depth;                          // of a generator: levels of delegation above it when it started
  Value registers[];                             // code->register_count, owned
};


// The Python object `frame`: outlives the activation. While frame != NULL it shows the live one; at its end the locals move into a copy.
struct FrameObject {
  Object head;
  Frame *frame;                                  // live activation, or own_frame
  Frame *own_frame;                              // copy kept after the activation ended; owned
  FrameObject *back;                             // owned; f_back once the activation ended
  Value locals;                                  // f_locals snapshot dict, owned
  Value trace;                                   // f_trace, owned
  bool trace_lines, trace_opcodes;
  int32_t lineno_override;
};

#endif
