// SPDX-License-Identifier: MIT
// vm_api.h: the door of this folder: running code
#ifndef CEDE_VM_VM_API_H
#define CEDE_VM_VM_API_H

#include "vm/frame.h"

bool cd_vm_init(VM *vm);                                         // fills function's call slot and the hooks of core/vm.h
// Runs a code object as module or class body: exec(code, globals, locals).
MUST_USE Ref cd_eval_code(VM *vm, Code *code, Value globals, Value locals, Value closure);
// The call slot of functions.
MUST_USE Ref cd_function_call(VM *vm, Value function, const Value *args, size_t nargs, Value kwnames);
// Resumes a suspended frame (created, suspended or delegating) with `sent` (stolen; None at first), or with the exception set in the
// VM when sent is NO_REF (then it is raised at the point of suspension). The engine under next, send, throw, close, await.
SendResult cd_frame_resume(VM *vm, Frame *frame, Ref sent, Ref *out);
SendResult cd_frame_next(VM *vm, Frame *frame, Ref *out);        // the same with None, for one that is at a YIELD
// Bytes of a frame for code; init fills header and clears registers; clear drops everything it owns (runs Python).
static inline size_t cd_frame_size(const Code *code) { return sizeof(Frame) + code->register_count * sizeof(Value); }
// Binds arguments to parameter registers with CPython's messages. Steals nothing. false: exception, frame untouched beyond dropped values.
MUST_USE bool cd_bind_arguments(VM *vm, Function *function, Value *registers, const Value *args, size_t nargs, Value kwnames);
void cd_frame_clear(VM *vm, Frame *frame);
MUST_USE FrameObject *cd_frame_object(VM *vm, Frame *frame);     // borrowed: the Python object of a live frame, made at first need
MUST_USE Ref cd_frame_locals(VM *vm, Frame *frame);              // locals(): the mapping, or a function's snapshot dict brought up to date
int cd_frame_line(const Frame *frame);
MUST_USE bool cd_traceback_unit(VM *vm, const Traceback *traceback, uint32_t *out);              // the instruction of its frame's code
MUST_USE bool cd_traceback_add(VM *vm, Frame *frame);            // prepend an entry to the current exception's traceback
Value cd_running_globals(VM *vm);                                // hooks of core/vm.h
MUST_USE bool cd_super_arguments(VM *vm, Type **type, Value *object);
bool cd_thread_init(VM *vm, Thread *thread);                     // stack, handling
void cd_thread_clear(VM *vm, Thread *thread);
// To be called before function->code is replaced: frames that still run the old one keep it.
void cd_frames_keep_code(VM *vm, Function *function);
bool cd_set_trace(VM *vm, Value fn, bool profile);               // sys.settrace / setprofile; false: RuntimeError, one is being set already
#endif
