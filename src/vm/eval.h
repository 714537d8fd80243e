// SPDX-License-Identifier: MIT
// eval.h: what the files of this folder share; nobody outside vm/ and coro/ includes it
#ifndef CEDE_VM_EVAL_H
#define CEDE_VM_EVAL_H

#include "objects/exception.h"
#include "objects/protocol.h"
#include "vm/vm_api.h"

// ---- the frame stack of a thread (frame.c) ----

// Frames of plain calls lie one behind the other in chunks; a frame never spans two. Generators' frames live in the generators.
typedef struct FrameChunk {
  struct FrameChunk *previous;
  size_t size;                                   // bytes of the whole block
  char *saved_top;                               // of the previous chunk
} FrameChunk;

typedef enum {
  TRACE_CALL,
  TRACE_LINE,
  TRACE_RETURN,
  TRACE_EXCEPTION,
  TRACE_OPCODE,
  TRACE_C_CALL,
  TRACE_C_RETURN,
  TRACE_C_EXCEPTION
} TraceEvent;

typedef struct FrameStack {
  char *top, *end;                               // free part of the newest chunk
  const void *const *dispatch;                   // table the loop jumps through: plain, or tracing
  const void *const *plain_dispatch, *const *traced_dispatch;
  TraceEvent event;                              // the one a tracer is being told of
  bool installing;                               // a tracer is being replaced: the old one's __del__ must not set another
  FrameChunk *chunk;
  FrameChunk *spare;                             // one emptied chunk, so that a loop at its edge does not allocate
} FrameStack;

// Room for a frame of `size` bytes behind the newest one. NULL: MemoryError. *flags gets FRAME_CHUNK_START or 0.
Frame *cd_stack_push_slow(VM *vm, FrameStack *stack, size_t size, uint16_t *flags);
void cd_stack_pop_chunk(VM *vm, FrameStack *stack, Frame *frame);

static ALWAYS_INLINE Frame *cd_stack_push(VM *vm, FrameStack *stack, size_t size, uint16_t *flags)
{
  if (UNLIKELY((size_t)(stack->end - stack->top) < size)) return cd_stack_push_slow(vm, stack, size, flags);
  Frame *frame = (Frame *)stack->top;
  stack->top += size;
  *flags = 0;
  return frame;
}
static ALWAYS_INLINE void cd_stack_pop(VM *vm, FrameStack *stack, Frame *frame)
{
  if (UNLIKELY(frame->flags & FRAME_CHUNK_START)) cd_stack_pop_chunk(vm, stack, frame);
  else stack->top = (char *)frame;
}

// Header and empty registers of a frame that runs `function` (stolen) or `code` alone.
static ALWAYS_INLINE void cd_frame_init(Frame *frame, Function *function, Code *code, uint16_t flags)
{
  frame->code = code;
  frame->pc = code->instrs;
  frame->back = NULL;
  frame->function = function;
  frame->globals = function->globals;
  frame->builtins = function->builtins;
  frame->locals = NO_VALUE;
  frame->object = NULL;
  frame->state = FRAME_RUNNING;
  frame->flags = flags;
  frame->return_register = 0;
  frame->traced_line = 0;
}

// A frame on the stack for `function` (a new reference is taken) with its arguments bound; linked nowhere yet. NULL: exception.
MUST_USE Frame *cd_frame_for_call(VM *vm, Function *function, const Value *args, size_t nargs, Value kwnames);
// One Python frame more; false: RecursionError.
COLD bool cd_too_deep(VM *vm);
static ALWAYS_INLINE bool cd_deeper(VM *vm, Thread *thread)
{
  return LIKELY(++thread->recursion_depth <= vm->recursion_limit) || (thread->recursion_depth--, cd_too_deep(vm));
}
// A frame on the stack for a function that takes just these arguments (cd_code_is_simple). NULL: MemoryError.
static inline Frame *cd_frame_push_simple(VM *vm, FrameStack *stack, Function *function, const Value *args, uint32_t nargs)
{
  Code *code = function->code;
  uint16_t flags;
  Frame *frame = cd_stack_push(vm, stack, cd_frame_size(code), &flags);
  if (UNLIKELY(!frame)) return NULL;
  cd_dup_object(function);
  cd_frame_init(frame, function, code, flags);
  for (uint32_t i = 0; i < nargs; i++) frame->registers[i] = cd_dup(args[i]);
  for (uint32_t i = nargs; i < code->register_count; i++) frame->registers[i] = NO_VALUE;
  return frame;
}
// Gives up a frame of the stack: drops what it owns, frees its room. The frame must be the newest.
void cd_frame_discard(VM *vm, Frame *frame);
// The end of a generator's frame: everything is dropped but the code, for gi_code.
void cd_frame_finish(VM *vm, Frame *frame);
void cd_frame_traverse(Frame *frame, VisitFn visit, void *context);
// A tracer may have changed f_locals of a function's frame: copies the snapshot back into the registers.
MUST_USE bool cd_frame_locals_to_fast(VM *vm, FrameObject *object);
// The instruction's unit number.
static inline uint32_t cd_frame_unit(const Frame *frame) { return (uint32_t)(frame->pc - frame->code->instrs); }

// ---- calls (call.c) ----

enum { CODE_NOT_SIMPLE = CO_VARARGS | CO_VARKEYWORDS | CO_ANY_GENERATOR };
// Can a call with just the right number of positional arguments move them into a new frame without further ado?
static inline bool cd_code_is_simple(const Code *code)
{
  return !((code->flags & CODE_NOT_SIMPLE) | code->kwonly_count) && (code->flags & CO_OPTIMIZED);
}

// ---- whom the loop calls (callee.c) ----

// A frame for `callable(*args)` if that is a Python function or a bound method of one, and no generator. NULL without an exception: it
// isn't.
Frame *cd_callee_frame(VM *vm, Value callable, const Value *args, uint32_t nargs);
// The same for f(*positional, **keywords); keywords NO_VALUE: none.
Frame *cd_callee_frame_unpacked(VM *vm, Value callable, Value positional, Value keywords);
// `with` on an instance of a Python class whose __enter__ and __exit__ are functions: *exit bound, and a frame for __enter__.
Frame *cd_callee_frame_enter(VM *vm, Value manager, Ref *exit);
// Does a call with just `nargs` positional arguments make a coroutine that can stay hidden?
static inline bool cd_callee_can_hide(const Code *code, uint32_t nargs)
{
  enum { WANTED = CO_COROUTINE | CO_OPTIMIZED };
  return (code->flags & (WANTED | CO_VARARGS | CO_VARKEYWORDS)) == WANTED && code->arg_count == nargs && !code->kwonly_count;
}
// `async with` on an instance of a Python class: *exit bound, and the coroutine function __aenter__, borrowed. NULL without an exception:
// it isn't one.
Function *cd_callee_async_enter(VM *vm, Value manager, Ref *exit);
Function *cd_callee_async_exit(VM *vm, Value exit, Value *self);   // the same of __aexit__, bound: what to call with self, both borrowed
Value cd_callee_python_call(VM *vm, Value callee);   // __call__ of an instance if that is a Python function; borrowed, or NO_VALUE
MUST_USE Ref cd_callee_call(VM *vm, Value callee, const Value *args, size_t nargs, Value kwnames);
bool cd_callee_is_profiled(VM *vm, Value callee);                // a native function, and there is a profiler to hear of its calls
MUST_USE Ref cd_callee_profile_result(VM *vm, Frame *frame, Value callee, Ref result);       // which is stolen, and handed on
MUST_USE Ref cd_callee_call_traced(VM *vm, Frame *frame, Value callee, const Value *args, size_t nargs, Value kwnames);

// ---- inline caches (cache.c) ----

enum { CACHE_EMPTY, CACHE_GLOBAL, CACHE_BUILTIN, CACHE_INSTANCE, CACHE_CLASS, CACHE_CLASS_NO_DICT, CACHE_PROPERTY, CACHE_MODULE, CACHE_TYPE,
       CACHE_METHOD, CACHE_METHOD_NO_DICT, CACHE_ADD_ATTRIBUTE, CACHE_INIT, CACHE_SLOT, CACHE_NEXT };

// What the instructions do at a miss; each learns for the next time.
MUST_USE Ref cd_cache_load_global(VM *vm, Frame *frame, Value name, InstrExtra *extra);
MUST_USE Ref cd_cache_load_attr(VM *vm, Code *code, Value object, Value name, InstrExtra *extra);
MUST_USE bool cd_cache_load_method(VM *vm, Code *code, Value object, Value name, InstrExtra *extra, Value *pair, bool owns);
MUST_USE bool cd_cache_store_attr(VM *vm, Code *code, Value object, Value name, Value value, InstrExtra *extra);
void cd_cache_learn_class(VM *vm, Code *code, Type *cls, InstrExtra *extra);
void cd_cache_learn_next(VM *vm, Code *code, Type *type, InstrExtra *extra);
// The class's __init__ if calling the class means object.__new__ and then this Python function; NO_VALUE otherwise. Borrowed.
Value cd_python_init(VM *vm, Type *cls);

// ---- parts of instructions that need not be fast (ops.c) ----

MUST_USE Ref cd_load_name(VM *vm, Frame *frame, Value name);
MUST_USE Ref cd_load_global(VM *vm, Frame *frame, Value name);
MUST_USE Ref cd_load_in_class(VM *vm, Frame *frame, const Value *base);
MUST_USE bool cd_store_name(VM *vm, Frame *frame, Value name, Value value);
MUST_USE bool cd_delete_name(VM *vm, Frame *frame, Value name);
MUST_USE bool cd_delete_global(VM *vm, Frame *frame, Value name);
MUST_USE Ref cd_load_class_cell(VM *vm, Frame *frame, uint32_t reg);
Ref cd_unbound_local(VM *vm, const Code *code, uint32_t reg);    // UnboundLocalError for a plain local
Ref cd_unbound_cell(VM *vm, const Code *code, uint32_t reg);     // for an empty cell, NameError if it is a free variable
MUST_USE Ref cd_load_build_class(VM *vm, Frame *frame);
MUST_USE bool cd_unpack_sequence(VM *vm, Value sequence, uint32_t count, Value *out);      // out: dead temporaries
MUST_USE bool cd_unpack_ex(VM *vm, Value sequence, uint32_t before, uint32_t after, Value *out);
MUST_USE Ref cd_format_value(VM *vm, Value v, int conversion, Value spec);
MUST_USE Ref cd_build_string(VM *vm, const Value *pieces, uint32_t count);
bool cd_is_not_iterable(VM *vm, Value v);
MUST_USE bool cd_extend_display(VM *vm, Value list, Value iterable);                       // [*x]
MUST_USE bool cd_update_display(VM *vm, Value dict, Value mapping);                        // {**x}
MUST_USE bool cd_merge_keywords(VM *vm, Value dict, Value mapping, Value callable);        // f(**x)
MUST_USE Ref cd_call_unpacked(VM *vm, Value callable, Value positional, Value keywords);   // f(*x, **y); keywords NO_VALUE: none
MUST_USE Ref cd_make_function(VM *vm, Frame *frame, Value *parts, uint32_t flags);         // takes parts[0..]
MUST_USE bool cd_with_enter(VM *vm, Value manager, bool async, Ref *exit, Ref *entered);
MUST_USE bool cd_setup_annotations(VM *vm, Frame *frame);
MUST_USE bool cd_match_keys(VM *vm, Value subject, Value keys, Ref *out);
MUST_USE bool cd_match_class(VM *vm, Value subject, Value cls, Value names, uint32_t positional, Ref *out);
MUST_USE bool cd_print_expr(VM *vm, Value v);
MUST_USE Ref cd_intrinsic(VM *vm, Frame *frame, Value *base, uint32_t number);      // intrinsic.c
MUST_USE Ref cd_get_yield_from_iter(VM *vm, const Code *code, Value v);
MUST_USE Ref cd_get_async_iter(VM *vm, Value v);
Ref cd_stop_value(VM *vm);                       // takes the current StopIteration away; its value
MUST_USE Ref cd_arithmetic(VM *vm, Value a, Value b, uint32_t op);             // any of the instructions ADD .. IPOWER_K
MUST_USE int cd_compare_slow(VM *vm, Value a, Value b, uint32_t op, Ref *out); // -1: exception; 1, 0; 2: *out is no bool
MUST_USE int cd_slow_truth(VM *vm, Value v);                                   // -1: exception
// container[a:b:c] without a slice object. NO_REF without an exception: some case that needs one.
MUST_USE Ref cd_get_slice(VM *vm, Value container, const Value *parts, uint32_t count);
bool cd_set_slice(VM *vm, Value container, const Value *parts, uint32_t count, Value value);   // false without an exception likewise
MUST_USE Ref cd_iterate_range(VM *vm, const Value *args, uint32_t nargs);      // iter(range(*args)) of small ints; NO_REF likewise
// An instruction with an EXTEND before it. Units to go on by (both together), or -1: exception.
MUST_USE int cd_wide_instruction(VM *vm, Frame *frame, const Instr *pc);

// ---- the loop (eval.c) ----

void cd_eval_init_stack(FrameStack *stack);      // fills in the dispatch tables
bool cd_handle_breaker(VM *vm);                  // breaker.c: the hook of core/vm.h
// Frames in a chain of delegation keep `back` while suspended: these two tell what is true now.
Frame *cd_frame_back(VM *vm, const Frame *frame);
bool cd_frame_is_running(VM *vm, const Frame *frame);
// f_lineno = n; jump.c
MUST_USE bool cd_frame_jump(VM *vm, FrameObject *object, Value line);

// Runs a new frame of the stack, linked to nothing yet, to its end and frees it. With `raise`, the exception set is raised at its pc first.
SendResult cd_eval(VM *vm, Frame *frame, bool raise, Ref *out);

// Runs a chain whose frames are linked from `leaf` up to a root marked FRAME_ENTRY, raising the exception set in the leaf.
SendResult cd_frame_raise_in_chain(VM *vm, Frame *leaf, Ref *out);
// The same, but the sub-iterator that the leaf waits for has ended with `value` (stolen).
SendResult cd_frame_delegate_ended(VM *vm, Frame *leaf, Ref value, Ref *out);
MUST_USE bool cd_frame_can_enter(VM *vm);        // counts one level of recursion; false: RecursionError

// ---- special methods written in Python, as frames of the loop (special.c) ----

// Frames to enter. NULL: an exception is set, or else the ordinary way is to be taken. `object`, the first one, is of a TYPE_HEAP class.
Frame *cd_special_binary(VM *vm, Value a, Value b, uint32_t op);               // ADD .. IPOWER_K
Frame *cd_special_compare(VM *vm, Value a, Value b, uint32_t op);              // LT .. GE_K
Frame *cd_special_contains(VM *vm, Value container, Value item);
Frame *cd_special_get_item(VM *vm, Value container, Value key);
Frame *cd_special_set_item(VM *vm, Value container, Value key, Value value);   // NO_VALUE deletes
Frame *cd_special_iter(VM *vm, Value iterable);
Frame *cd_special_set_attr(VM *vm, Value object, Value name, Value value);     // NO_VALUE deletes
Frame *cd_special_get_attr(VM *vm, Value object, Value name, Ref *out);        // NULL with *out: that is the attribute
// What the instruction makes of the method's result (replaced): NotImplemented asks the other side, `in` wants a bool. false: exception.
MUST_USE bool cd_special_result(VM *vm, Value a, Value b, uint32_t op, Ref *result);
BinaryOp cd_binary_op_of(uint32_t op);           // of an instruction ADD .. IPOWER_K

// ---- exceptions (unwind.c) ----

// The innermost exception being handled by this thread, generators' chains included; NO_VALUE: none. Borrowed.
Value cd_handled_exception(Thread *thread);
// PEP 479: a StopIteration that leaves a generator becomes RuntimeError (coroutines and async generators have their own words).
void cd_stop_iteration_to_runtime_error(VM *vm, const Code *code);
// raise, raise x, raise x from y. Sets the exception; *again is true for a bare `raise`. Borrows.
void cd_raise_statement(VM *vm, int count, Value what, Value cause, bool *again);

// ---- tracing (trace.c) ----

static inline bool cd_is_traced(const Thread *thread) { return cd_bits(thread->trace_fn) || cd_bits(thread->profile_fn); }
// The start of a frame or its resumption. false: the tracer raised.
MUST_USE bool cd_trace_call(VM *vm, Frame *frame);
// Before an instruction; the tracer may have moved frame->pc.
MUST_USE bool cd_trace_instruction(VM *vm, Frame *frame, const Instr *last);
// The end of a frame or a yield; value NO_VALUE when an exception leaves it. false: the tracer raised (and its exception is set).
MUST_USE bool cd_trace_return(VM *vm, Frame *frame, Value value);
// An exception arrived in this frame; it stays set (or is replaced by the tracer's).
void cd_trace_exception(VM *vm, Frame *frame);
MUST_USE bool cd_trace_native(VM *vm, Frame *frame, TraceEvent event, Value callable);

// ---- imports (import_ops.c) ----

MUST_USE Ref cd_import_name(VM *vm, Frame *frame, Value name, Value level, Value fromlist);
MUST_USE Ref cd_import_from(VM *vm, Value module, Value name);
MUST_USE bool cd_import_star(VM *vm, Frame *frame, Value module);

#endif
