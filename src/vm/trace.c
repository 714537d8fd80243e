// SPDX-License-Identifier: MIT
// trace.c: sys.settrace and sys.setprofile
#include "vm/eval.h"

#include "objects/protocol.h"
#include "objects/tuple.h"

// ---- calling the tracer ----

static Value trace_event_name(VM *vm, TraceEvent event)
{
  switch (event) {
  case TRACE_CALL: return N(call);
  case TRACE_LINE: return N(line);
  case TRACE_RETURN: return N(return_);
  case TRACE_EXCEPTION: return N(exception);
  case TRACE_OPCODE: return N(opcode);
  case TRACE_C_CALL: return N(c_call);
  case TRACE_C_RETURN: return N(c_return);
  case TRACE_C_EXCEPTION: return N(c_exception);
  }
  return NO_VALUE;
}

// Calls fn(frame, event, arg) with tracing off. NO_REF: it raised, and tracing stays off for good.
static Ref trace_call_function(VM *vm, Value fn, FrameObject *object, TraceEvent event, Value arg)
{
  Thread *thread = vm->thread;
  const Value args[3] = {cd_from_object(object), trace_event_name(vm, event), cd_bits(arg) ? arg : cd_none()};
  Ref keep = cd_dup(fn);
  TraceEvent outer = thread->stack->event;
  thread->stack->event = event;
  thread->tracing++;
  thread->stack->dispatch = thread->stack->plain_dispatch;
  Ref locals = NO_REF;
  if (event != TRACE_C_CALL && event != TRACE_C_RETURN && event != TRACE_C_EXCEPTION && object->frame) {
    locals = cd_frame_locals(vm, object->frame);
    if (!cd_bits(locals)) cd_clear_raised(vm);
  }
  Ref result = cd_call(vm, keep, args, 3, NO_VALUE);
  if (cd_bits(locals) && object->frame && !cd_bits(object->frame->locals)) {
    Ref raised = cd_take_raised(vm);
    if (!cd_frame_locals_to_fast(vm, object)) cd_clear_raised(vm);
    cd_restore_raised(vm, raised);
  }
  cd_drop(vm, locals);
  cd_drop(vm, keep);
  thread->tracing--;
  thread->stack->event = outer;
  if (!cd_bits(result)) {
    Ref raised = cd_take_raised(vm);
    if (!cd_set_trace(vm, NO_VALUE, false)) cd_clear_raised(vm);
    cd_clear(vm, &object->trace);
    cd_restore_raised(vm, raised);
  }
  thread->stack->dispatch = cd_is_traced(thread) ? thread->stack->traced_dispatch : thread->stack->plain_dispatch;
  return result;
}

static bool trace_profile(VM *vm, Frame *frame, TraceEvent event, Value arg)
{
  Thread *thread = vm->thread;
  if (!cd_bits(thread->profile_fn) || thread->tracing) return true;
  FrameObject *object = cd_frame_object(vm, frame);
  if (!object) return false;
  Ref keep = cd_dup_object(object);
  Ref result = trace_call_function(vm, thread->profile_fn, object, event, arg);
  if (!cd_bits(result)) {
    Ref raised = cd_take_raised(vm);
    if (!cd_set_trace(vm, NO_VALUE, true)) cd_clear_raised(vm);
    cd_restore_raised(vm, raised);
  }
  cd_drop(vm, keep);
  cd_drop(vm, result);
  return cd_bits(result) != 0;
}

// The frame's own tracer hears of an event; what it returns replaces it, unless that is None.
static bool trace_local(VM *vm, Frame *frame, TraceEvent event, Value arg)
{
  Thread *thread = vm->thread;
  if (!cd_bits(thread->trace_fn) || thread->tracing) return true;
  FrameObject *object = event == TRACE_CALL ? cd_frame_object(vm, frame) : frame->object;
  if (!object) return event != TRACE_CALL;
  Value fn = event == TRACE_CALL ? thread->trace_fn : object->trace;
  if (!cd_bits(fn)) return true;
  Ref keep = cd_dup_object(object);
  Ref result = trace_call_function(vm, fn, object, event, arg);
  bool ok = cd_bits(result);
  if (ok && !cd_is_none(result)) cd_replace(vm, &object->trace, result);
  else cd_drop(vm, result);
  cd_drop(vm, keep);
  return ok;
}

// ---- events ----

bool cd_trace_call(VM *vm, Frame *frame)
{
  if (vm->thread->tracing) return true;
  if (frame->pc != frame->code->instrs && frame->pc->op != OP_ENTER)
    frame->traced_line = cd_frame_line(frame);   // resumed: that line was told
  Ref raised = cd_take_raised(vm);               // by throw(): the exception to come
  bool ok = trace_local(vm, frame, TRACE_CALL, NO_VALUE) && trace_profile(vm, frame, TRACE_CALL, NO_VALUE);
  if (ok) cd_restore_raised(vm, raised);
  else cd_drop(vm, raised);
  return ok;
}

bool cd_trace_return(VM *vm, Frame *frame, Value value)
{
  if (vm->thread->tracing) return true;
  Ref raised = cd_take_raised(vm);
  bool ok = trace_local(vm, frame, TRACE_RETURN, value) && trace_profile(vm, frame, TRACE_RETURN, value);
  if (ok) cd_restore_raised(vm, raised);
  else cd_drop(vm, raised);
  return ok;
}

void cd_trace_exception(VM *vm, Frame *frame)
{
  Thread *thread = vm->thread;
  if (thread->tracing || !cd_bits(thread->trace_fn) || !frame->object || !cd_bits(frame->object->trace)) return;
  Ref raised = cd_take_raised(vm);
  Value traceback = cd_as_exception(raised)->traceback;
  Ref arg = cd_tuple3(vm, cd_type_value(cd_type_of(vm, raised)), raised, cd_bits(traceback) ? traceback : cd_none());
  bool ok = cd_bits(arg) && trace_local(vm, frame, TRACE_EXCEPTION, arg);
  cd_drop(vm, arg);
  if (ok) cd_restore_raised(vm, raised);
  else cd_drop(vm, raised);
}

bool cd_trace_native(VM *vm, Frame *frame, TraceEvent event, Value callable) { return trace_profile(vm, frame, event, callable); }

// Lines are reported where a new line begins, and where a jump goes back.
bool cd_trace_instruction(VM *vm, Frame *frame, const Instr *last)
{
  Thread *thread = vm->thread;
  FrameObject *object = frame->object;
  if (thread->tracing || !object || !cd_bits(object->trace) || !cd_bits(thread->trace_fn)) return true;
  const Instr *pc = frame->pc;
  if (pc->op == OP_ENTER || pc->op == OP_COPY_FREE_VARS || pc->op == OP_MAKE_CELL) return true;
  int line = cd_frame_line(frame);
  // Whatever goes back is a loop; an instruction that repeats itself is one only if it is a jump.
  bool backward = last && last < frame->code->instrs + frame->code->unit_count && (last > pc || (last == pc && last->op == OP_JUMP_BACK));
  if (line > 0 && object->trace_lines && (line != frame->traced_line || backward)) {
    frame->traced_line = line;
    if (!trace_local(vm, frame, TRACE_LINE, NO_VALUE)) return false;
    // The tracer jumped, and knows where to. From a def's line execution comes to another at once.
    if (frame->pc != pc || frame->traced_line != line)
      return cd_frame_line(frame) == frame->traced_line || cd_trace_instruction(vm, frame, NULL);
  }
  frame->traced_line = line;
  if (object->trace_opcodes && !trace_local(vm, frame, TRACE_OPCODE, NO_VALUE)) return false;
  return true;
}

bool cd_set_trace(VM *vm, Value fn, bool profile)
{
  Thread *thread = vm->thread;
  FrameStack *stack = thread->stack;
  if (stack->installing) {
    const char *what = profile ? "profile" : "trace";
    cd_raise_runtime(vm, "Cannot install a %s function while another %s function is being installed", what, what);
    return false;
  }
  Ref value = cd_bits(fn) && !cd_is_none(fn) ? cd_dup(fn) : NO_REF;
  stack->installing = true;
  cd_replace(vm, profile ? &thread->profile_fn : &thread->trace_fn, value);
  stack->installing = false;
  vm->chain_epoch++;
  stack->dispatch = cd_is_traced(thread) && !thread->tracing ? stack->traced_dispatch : stack->plain_dispatch;
  return true;
}
