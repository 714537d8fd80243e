// SPDX-License-Identifier: MIT
// frame.c: the frame stack, and `frame` objects that show activations to Python
#include "vm/eval.h"
#include "objects/weakref.h"

#include "bytecode/stack_view.h"
#include "coro/generator.h"
#include "objects/dict.h"
#include "objects/protocol.h"
#include "objects/str.h"
#include "objects/tuple.h"

#include <stdio.h>

// ---- the stack ----

#define FRAME_CHUNK_SIZE ((size_t)64 << 10)

static FrameChunk *frame_chunk_new(VM *vm, size_t size)
{
  FrameChunk *chunk = cd_alloc(vm, size);
  if (!chunk) return NULL;
  chunk->previous = NULL;
  chunk->size = size;
  return chunk;
}

Frame *cd_stack_push_slow(VM *vm, FrameStack *stack, size_t size, uint16_t *flags)
{
  FrameChunk *chunk = stack->spare;
  size_t needed = size + sizeof(FrameChunk);
  if (chunk && chunk->size >= needed) {
    stack->spare = NULL;
  } else {
    if (!(chunk = frame_chunk_new(vm, needed > FRAME_CHUNK_SIZE ? needed : FRAME_CHUNK_SIZE))) return NULL;
  }
  chunk->previous = stack->chunk;
  chunk->saved_top = stack->top;
  stack->chunk = chunk;
  stack->top = (char *)(chunk + 1) + size;
  stack->end = (char *)chunk + chunk->size;
  *flags = FRAME_CHUNK_START;
  return (Frame *)(chunk + 1);
}

void cd_stack_pop_chunk(VM *vm, FrameStack *stack, Frame *frame)
{
  FrameChunk *chunk = stack->chunk;
  CD_ASSERT((char *)frame == (char *)(chunk + 1));
  stack->top = chunk->saved_top;
  stack->chunk = chunk->previous;
  stack->end = chunk->previous ? (char *)chunk->previous + chunk->previous->size : NULL;
  if (stack->spare) {
    FrameChunk *smaller = stack->spare->size < chunk->size ? stack->spare : chunk;
    if (smaller == stack->spare) stack->spare = chunk;
    chunk = smaller;
    cd_free(vm, chunk, chunk->size);
  } else {
    stack->spare = chunk;
  }
}

bool cd_thread_init(VM *vm, Thread *thread)
{
  thread->vm = vm;
  thread->handling = &thread->handling_base;
  thread->stack = cd_alloc_zeroed(vm, sizeof(FrameStack));
  if (!thread->stack) return false;
  cd_eval_init_stack(thread->stack);
  if (!thread->c_stack_limit) {                  // a guess until the thread's starter knows better: 512 KB below here
    thread->c_stack_limit = (char *)__builtin_frame_address(0) - ((size_t)512 << 10);
  }
  return true;
}

void cd_thread_clear(VM *vm, Thread *thread)
{
  Ref sentinel = cd_take(&thread->sentinel), lock = cd_bits(sentinel) ? cd_weakref_get(sentinel) : NO_REF;
  if (cd_bits(lock)) thread->release_sentinel(vm, lock);
  cd_drop(vm, lock);
  cd_drop(vm, sentinel);
  cd_clear(vm, &thread->raised);
  cd_clear(vm, &thread->handling_base.exception);
  cd_clear(vm, &thread->trace_fn);
  cd_clear(vm, &thread->profile_fn);
  cd_clear(vm, &thread->async_exc);
  cd_clear(vm, &thread->context);
  cd_clear(vm, &thread->loop);
  cd_clear(vm, &thread->asyncgen_firstiter);
  cd_clear(vm, &thread->asyncgen_finalizer);
  FrameStack *stack = thread->stack;
  if (!stack) return;
  thread->stack = NULL;
  for (FrameChunk *chunk = stack->chunk, *previous; chunk; chunk = previous) {
    previous = chunk->previous;
    cd_free(vm, chunk, chunk->size);
  }
  if (stack->spare) cd_free(vm, stack->spare, stack->spare->size);
  cd_free(vm, stack, sizeof *stack);
}

// ---- who is running ----

bool cd_frame_is_running(VM *vm, const Frame *frame)
{
  if (!(frame->flags & FRAME_IS_GENERATOR)) return frame->state == FRAME_RUNNING;
  if (frame->state != FRAME_DELEGATING) return frame->state == FRAME_RUNNING;
  for (Thread *thread = vm->threads; thread; thread = thread->next)
    for (Frame *f = thread->frame; f; f = f->back)
      if (f == frame) return true;
  return false;
}

Frame *cd_frame_back(VM *vm, const Frame *frame)
{
  return cd_frame_is_running(vm, frame) ? frame->back : NULL;
}

// ---- the end of an activation ----

static void frame_drop_registers(VM *vm, Frame *frame)
{
  for (uint32_t i = 0; i < frame->code->register_count; i++) cd_clear(vm, &frame->registers[i]);
}

static void frame_drop_header(VM *vm, Frame *frame)
{
  cd_clear(vm, &frame->locals);
  Code *code = frame->code;
  uint16_t flags = frame->flags;
  frame->flags &= (uint16_t)~(FRAME_OWN_LOCALS | FRAME_OWN_CODE);
  if (flags & FRAME_OWN_LOCALS) {
    cd_clear(vm, &frame->globals);
    cd_clear(vm, &frame->builtins);
  }
  Function *function = frame->function;
  frame->function = NULL;
  if (flags & (FRAME_OWN_LOCALS | FRAME_OWN_CODE)) cd_drop_object(vm, code);
  cd_drop_object(vm, function);
}

// Whoever holds the frame object keeps seeing the locals: they move into a copy that it owns. Without memory for that, the object shows an
// empty frame.
static void frame_detach_object(VM *vm, Frame *frame)
{
  FrameObject *object = frame->object;
  frame->object = NULL;
  if (object->head.refcount > 1) {
    Ref raised = cd_take_raised(vm);
    size_t size = cd_frame_size(frame->code);
    Frame *copy = cd_alloc(vm, size);
    if (!copy) cd_clear_raised(vm);
    if (copy) {
      memcpy(copy, frame, size);
      copy->back = NULL;
      copy->object = NULL;
      copy->state = FRAME_DONE;
      copy->flags = frame->flags & (FRAME_OWN_LOCALS | FRAME_OWN_CODE);
      if (!(copy->flags & (FRAME_OWN_LOCALS | FRAME_OWN_CODE))) {
        copy->flags |= FRAME_OWN_CODE;
        cd_dup_object(copy->code);
      }
      if (copy->function) cd_dup_object(copy->function);
      if (copy->flags & FRAME_OWN_LOCALS) {
        cd_dup_object(copy->code);
        cd_dup(copy->globals);
        cd_dup(copy->builtins);
      } else if (frame->flags & FRAME_OWN_CODE) {
        cd_dup_object(copy->code);
      }
      frame->locals = NO_VALUE;
      uint32_t variables = frame->code->first_temp, all = frame->code->register_count;
      memset(frame->registers, 0, variables * sizeof(Value));
      memset(copy->registers + variables, 0, (all - variables) * sizeof(Value));     // temporaries die with the call: one is the exception
      object->own_frame = copy;
      object->frame = copy;
      if (frame->back && frame->state != FRAME_SUSPENDED) {
        FrameObject *back = cd_frame_object(vm, frame->back);
        if (back) object->back = (FrameObject *)cd_object(cd_dup_object(back));
        else cd_clear_raised(vm);
      }
    } else {
      object->frame = NULL;
    }
    cd_restore_raised(vm, raised);
  } else {
    object->frame = NULL;
  }
  cd_drop_object(vm, object);
}

void cd_frame_clear(VM *vm, Frame *frame)
{
  if (frame->object) frame_detach_object(vm, frame);
  frame_drop_registers(vm, frame);
  frame_drop_header(vm, frame);
}

void cd_frame_finish(VM *vm, Frame *frame)
{
  if (frame->object) frame_detach_object(vm, frame);
  frame->state = FRAME_DONE;
  if (!(frame->flags & (FRAME_OWN_LOCALS | FRAME_OWN_CODE))) {
    cd_dup_object(frame->code);
    frame->flags |= FRAME_OWN_CODE;
  }
  for (uint32_t i = 0; i < frame->code->register_count; i++) cd_clear(vm, &frame->registers[i]);
  cd_clear(vm, &frame->locals);
  Function *function = frame->function;
  frame->function = NULL;
  if (function) frame->globals = frame->builtins = NO_VALUE;
  cd_drop_object(vm, function);
}

void cd_frame_discard(VM *vm, Frame *frame)
{
  cd_frame_clear(vm, frame);
  cd_stack_pop(vm, vm->thread->stack, frame);
}

void cd_frame_traverse(Frame *frame, VisitFn visit, void *context)
{
  for (uint32_t i = 0; i < frame->code->register_count; i++) visit(context, frame->registers[i]);
  visit(context, frame->locals);
  if (frame->object) visit(context, cd_from_object(frame->object));
  if (frame->function) visit(context, cd_from_object(frame->function));
  if (frame->flags & FRAME_OWN_LOCALS) {
    visit(context, frame->globals);
    visit(context, frame->builtins);
  }
}

static void frames_keep_code(Frame *frame, Function *function)
{
  if (frame->function != function || frame->code != function->code || (frame->flags & FRAME_OWN_CODE)) return;
  cd_dup_object(frame->code);
  frame->flags |= FRAME_OWN_CODE;
}

void cd_frames_keep_code(VM *vm, Function *function)
{
  for (Thread *thread = vm->threads; thread; thread = thread->next)
    for (Frame *frame = thread->frame; frame; frame = frame->back) frames_keep_code(frame, function);
  for (Generator *generator = vm->live_generators; generator; generator = generator->live_next)
    for (Generator *g = generator; g; g = cd_coroutine_hidden_below(g)) frames_keep_code(&g->frame, function);
}

// ---- frame objects ----

FrameObject *cd_frame_object(VM *vm, Frame *frame)
{
  if (frame->object) return frame->object;
  FrameObject *object = cd_object_new(vm, vm->types.frame, sizeof(FrameObject));
  if (!object) return NULL;
  object->frame = frame;
  object->trace_lines = true;
  frame->object = object;
  return object;
}

int cd_frame_line(const Frame *frame)
{
  return cd_code_line(frame->code, cd_frame_unit(frame));
}

// ---- locals ----

static bool frame_locals_put(VM *vm, Value dict, Value name, Value value)
{
  return cd_bits(value) ? cd_dict_set(vm, dict, name, value) : cd_dict_delete(vm, dict, name) != FIND_ERROR;
}

static bool frame_is_cell_register(const Code *code, uint32_t reg)
{
  for (uint32_t i = 0; i < code->cell_count; i++)
    if (code->cell_registers[i] == reg) return true;
  return false;
}

// The value behind a cell register; before MAKE_CELL ran it holds the parameter itself.
static Value frame_cell_value(VM *vm, Value v)
{
  return cd_bits(v) && cd_is_exact(v, vm->types.cell) ? ((Cell *)cd_object(v))->value : v;
}

static bool frame_fast_to_dict(VM *vm, Frame *frame, Value dict)
{
  Code *code = frame->code;
  for (uint32_t i = 0; i < code->local_count; i++) {
    Value name = cd_tuple_item_borrow(code->varnames, i);
    if (frame_is_cell_register(code, i)) continue;
    if (!frame_locals_put(vm, dict, name, frame->registers[i])) return false;
  }
  for (uint32_t i = 0; i < code->cell_count; i++) {
    Value value = frame_cell_value(vm, frame->registers[code->cell_registers[i]]);
    if (!frame_locals_put(vm, dict, cd_tuple_item_borrow(code->cellvars, i), value)) return false;
  }
  if (!(code->flags & CO_OPTIMIZED)) return true;
  for (uint32_t i = 0; i < code->free_count; i++) {
    Value cell = frame->registers[code->first_free + i];
    // A generator that has not begun has yet to copy its closure.
    if (frame->state == FRAME_CREATED && frame->function->closure) cell = cd_tuple_item_borrow(frame->function->closure, i);
    Value value = frame_cell_value(vm, cell);
    if (!frame_locals_put(vm, dict, cd_tuple_item_borrow(code->freevars, i), value)) return false;
  }
  return true;
}

Ref cd_frame_locals(VM *vm, Frame *frame)
{
  if (cd_bits(frame->locals)) return cd_dup(frame->locals);
  FrameObject *object = cd_frame_object(vm, frame);
  if (!object) return NO_REF;
  if (!cd_bits(object->locals) && !(object->locals = cd_dict_new(vm))) return NO_REF;
  if (!frame_fast_to_dict(vm, frame, object->locals)) return NO_REF;
  return cd_dup(object->locals);
}

static bool frame_fetch_local(VM *vm, Value dict, Value name, Ref *out)
{
  *out = NO_REF;
  return cd_dict_find(vm, dict, name, out) != FIND_ERROR;
}

bool cd_frame_locals_to_fast(VM *vm, FrameObject *object)
{
  Frame *frame = object->frame;
  if (!frame || !cd_bits(object->locals) || cd_bits(frame->locals)) return true;
  Code *code = frame->code;
  Ref value;
  for (uint32_t i = 0; i < code->local_count; i++) {
    if (frame_is_cell_register(code, i)) continue;
    if (!frame_fetch_local(vm, object->locals, cd_tuple_item_borrow(code->varnames, i), &value)) return false;
    cd_replace(vm, &frame->registers[i], value);
  }
  for (uint32_t i = 0; i < code->cell_count + code->free_count; i++) {
    bool own = i < code->cell_count;
    Value name = own ? cd_tuple_item_borrow(code->cellvars, i) : cd_tuple_item_borrow(code->freevars, i - code->cell_count);
    uint32_t reg = own ? code->cell_registers[i] : code->first_free + i - code->cell_count;
    if (!frame_fetch_local(vm, object->locals, name, &value)) return false;
    Value cell = frame->registers[reg];
    if (cd_bits(cell) && cd_is_exact(cell, vm->types.cell)) cd_replace(vm, &((Cell *)cd_object(cell))->value, value);
    else cd_drop(vm, value);
  }
  return true;
}

// ---- the type ----

static FrameObject *as_frame_object(Value v) { return (FrameObject *)cd_object(v); }

static Ref frame_get_back(VM *vm, Value self)
{
  FrameObject *object = as_frame_object(self);
  if (object->back) return cd_dup_object(object->back);
  Frame *back = object->frame ? cd_frame_back(vm, object->frame) : NULL;
  if (!back) return cd_none();
  FrameObject *result = cd_frame_object(vm, back);
  return result ? cd_dup_object(result) : NO_REF;
}

static Frame *frame_of_object(VM *vm, Value self)
{
  Frame *frame = as_frame_object(self)->frame;
  if (!frame) cd_raise(vm, vm->exc.MemoryError, "frame was lost for want of memory");
  return frame;
}

static Ref frame_get_code(VM *vm, Value self)
{
  Frame *frame = frame_of_object(vm, self);
  return frame ? cd_dup_object(frame->code) : NO_REF;
}

static Ref frame_get_globals(VM *vm, Value self)
{
  Frame *frame = frame_of_object(vm, self);
  if (!frame) return NO_REF;
  return cd_bits(frame->globals) ? cd_dup(frame->globals) : cd_none();
}

static Ref frame_get_builtins(VM *vm, Value self)
{
  Frame *frame = frame_of_object(vm, self);
  if (!frame) return NO_REF;
  return cd_bits(frame->builtins) ? cd_dup(frame->builtins) : cd_none();
}

static Ref frame_get_locals(VM *vm, Value self)
{
  FrameObject *object = as_frame_object(self);
  Frame *frame = frame_of_object(vm, self);
  if (!frame) return NO_REF;
  if (frame->object || cd_bits(frame->locals)) return cd_frame_locals(vm, frame);
  if (!cd_bits(object->locals) && !(object->locals = cd_dict_new(vm))) return NO_REF;     // a detached copy
  return frame_fast_to_dict(vm, frame, object->locals) ? cd_dup(object->locals) : NO_REF;
}

static Ref frame_get_lineno(VM *vm, Value self)
{
  FrameObject *object = as_frame_object(self);
  if (!object->frame) return cd_none();
  int line = object->lineno_override ? object->lineno_override : cd_frame_line(object->frame);
  return line < 0 ? cd_none() : cd_from_small(line);
}

static bool frame_set_lineno(VM *vm, Value self, Value value)
{
  if (!cd_bits(value)) { cd_raise(vm, vm->exc.AttributeError, "cannot delete attribute"); return false; }
  return cd_frame_jump(vm, as_frame_object(self), value);
}

static Ref frame_get_lasti(VM *vm, Value self)
{
  Frame *frame = frame_of_object(vm, self);
  if (!frame) return NO_REF;
  if (frame->state == FRAME_CREATED) return cd_from_small(-1);
  int32_t offset;
  return cd_code_view_offset(vm, frame->code, cd_frame_unit(frame), &offset) ? cd_from_small(offset) : NO_REF;
}

static Ref frame_get_trace(VM *vm, Value self)
{
  Value trace = as_frame_object(self)->trace;
  return cd_bits(trace) ? cd_dup(trace) : cd_none();
}

static bool frame_set_trace(VM *vm, Value self, Value value)
{
  FrameObject *object = as_frame_object(self);
  if (!cd_bits(value) || cd_is_none(value)) {
    cd_clear(vm, &object->trace);
    return true;
  }
  if (object->frame && object->frame->state != FRAME_DONE)
    object->frame->traced_line = cd_frame_line(object->frame);   // only new lines are told
  cd_replace(vm, &object->trace, cd_dup(value));
  return true;
}

static Ref frame_get_trace_lines(VM *vm, Value self) { return cd_bool(as_frame_object(self)->trace_lines); }
static Ref frame_get_trace_opcodes(VM *vm, Value self) { return cd_bool(as_frame_object(self)->trace_opcodes); }

static bool frame_bool_value(VM *vm, Value value, bool *out)
{
  if (cd_bits(value) && cd_is_bool(value)) { *out = cd_is_true(value); return true; }
  cd_raise_type(vm, "attribute value type must be bool");
  return false;
}

static bool frame_set_trace_lines(VM *vm, Value self, Value value)
{
  return frame_bool_value(vm, value, &as_frame_object(self)->trace_lines);
}

static bool frame_set_trace_opcodes(VM *vm, Value self, Value value)
{
  if (!cd_bits(value) || !cd_is_bool(value)) { cd_raise_type(vm, "attribute value type must be bool"); return false; }
  as_frame_object(self)->trace_opcodes = cd_is_true(value);
  if (cd_is_true(value)) vm->thread->trace_opcodes_seen = true;
  return true;
}

static const GetSetDef frame_getset[] = {
  {"f_back", "The caller's frame, or None", frame_get_back, NULL},
  {"f_code", "The code object that runs in this frame", frame_get_code, NULL},
  {"f_globals", "The dict of global names", frame_get_globals, NULL},
  {"f_builtins", "The dict of builtin names", frame_get_builtins, NULL},
  {"f_locals", "The mapping of local names", frame_get_locals, NULL},
  {"f_lineno", "The current line", frame_get_lineno, frame_set_lineno},
  {"f_lasti", "The current instruction's index", frame_get_lasti, NULL},
  {"f_trace", "The tracing function of this frame, or None", frame_get_trace, frame_set_trace},
  {"f_trace_lines", "Are line events wanted?", frame_get_trace_lines, frame_set_trace_lines},
  {"f_trace_opcodes", "Are opcode events wanted?", frame_get_trace_opcodes, frame_set_trace_opcodes},
  {NULL, NULL, NULL, NULL},
};

METHOD(frame, clear, "clear(self, /)", "Drop all references held by the frame's local variables.")
{
  FrameObject *object = as_frame_object(self);
  Frame *frame = object->frame;
  if (!frame) return cd_none();
  if (frame->state == FRAME_RUNNING || (frame->state == FRAME_DELEGATING && cd_frame_is_running(vm, frame)))
    return cd_raise_runtime(vm, "cannot clear an executing frame");
  if (frame->flags & FRAME_IS_GENERATOR) {
    Generator *generator = cd_generator_of(frame);
    Ref keep = cd_dup_object(generator);
    if (generator->head.type->slots.finalize) generator->head.type->slots.finalize(vm, keep);
    cd_drop(vm, keep);
    return cd_none();
  }
  frame_drop_registers(vm, frame);
  cd_clear(vm, &object->locals);
  cd_clear(vm, &object->trace);
  return cd_none();
}

METHOD(frame, __sizeof__, "__sizeof__(self, /)", "Size of the frame in memory, in bytes.")
{
  Frame *frame = as_frame_object(self)->frame;
  return cd_from_small((int64_t)(sizeof(FrameObject) + (frame ? cd_frame_size(frame->code) : 0)));
}

static const MethodDef *const frame_methods[] = {&frame_clear_def, &frame___sizeof___def, NULL};

static Ref frame_repr(VM *vm, Value self)
{
  FrameObject *object = as_frame_object(self);
  char address[24];
  snprintf(address, sizeof address, "%p", (void *)object);
  if (!object->frame) return cd_str_format(vm, "<frame at %s>", address);
  int line = object->lineno_override ? object->lineno_override : cd_frame_line(object->frame);
  return cd_str_format(vm, "<frame at %s, file %R, line %d, code %S>", address, object->frame->code->filename, line,
                       object->frame->code->name);
}

static void frame_release(VM *vm, Object *self)
{
  FrameObject *object = (FrameObject *)self;
  Frame *own = object->own_frame;
  object->frame = object->own_frame = NULL;
  cd_clear(vm, &object->trace);
  cd_clear(vm, &object->locals);
  if (own) {
    size_t size = cd_frame_size(own->code);
    frame_drop_registers(vm, own);
    frame_drop_header(vm, own);
    cd_free(vm, own, size);
  }
  FrameObject *back = object->back;
  object->back = NULL;
  cd_drop_object(vm, back);
}

static void frame_traverse_object(Object *self, VisitFn visit, void *context)
{
  FrameObject *object = (FrameObject *)self;
  if (object->own_frame) cd_frame_traverse(object->own_frame, visit, context);
  if (object->back) visit(context, cd_from_object(object->back));
  visit(context, object->locals);
  visit(context, object->trace);
}

static void frame_clear_object(VM *vm, Object *self)
{
  FrameObject *object = (FrameObject *)self;
  cd_clear(vm, &object->trace);
  cd_clear(vm, &object->locals);
  if (object->own_frame) frame_drop_registers(vm, object->own_frame);
}

const TypeSpec cd_frame_object_spec = {
  .name = "frame",
  .basicsize = sizeof(FrameObject),
  .flags = TYPE_GC | TYPE_NO_NEW,
  .methods = frame_methods,
  .getset = frame_getset,
  .slots = {
    .release = frame_release,
    .traverse = frame_traverse_object,
    .clear = frame_clear_object,
    .repr = frame_repr,
  },
};
