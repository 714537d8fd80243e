// SPDX-License-Identifier: MIT
// traceback.c: the levels an exception passed
#include "vm/eval.h"

#include "bytecode/stack_view.h"
#include "objects/list.h"
#include "objects/protocol.h"
#include "objects/str.h"

static Ref traceback_new(VM *vm, Traceback *next, FrameObject *frame, int32_t unit, int32_t line)
{
  Traceback *traceback = cd_object_new(vm, vm->types.traceback, sizeof(Traceback));
  if (!traceback) return NO_REF;
  if (next) cd_dup_object(next);
  cd_dup_object(frame);
  traceback->next = next;
  traceback->frame = frame;
  traceback->unit = unit;
  traceback->lineno = line;
  return cd_from_object(traceback);
}

bool cd_traceback_add(VM *vm, Frame *frame)
{
  Ref raised = cd_take_raised(vm);               // making objects must not see it
  Exception *exception = cd_as_exception(raised);
  Traceback *next = cd_bits(exception->traceback) ? (Traceback *)cd_object(exception->traceback) : NULL;
  FrameObject *object = cd_frame_object(vm, frame);
  Ref traceback = object ? traceback_new(vm, next, object, (int32_t)cd_frame_unit(frame), -1) : NO_REF;
  if (!cd_bits(traceback)) {                     // out of memory: that goes on instead; a MemoryError goes on with a shorter traceback
    if (cd_object(raised)->type != vm->exc.MemoryError) { cd_chain_context(vm, raised); return false; }
    cd_clear_raised(vm);
    cd_restore_raised(vm, raised);
    return false;
  }
  cd_replace(vm, &exception->traceback, traceback);
  cd_restore_raised(vm, raised);
  return true;
}

// ---- the type ----

static Traceback *as_traceback(Value v) { return (Traceback *)cd_object(v); }

static Ref traceback_new_slot(VM *vm, Type *type, const Value *args, size_t nargs, Value kwnames)
{
  Value bound[4];
  Ref owned[2] = {NO_REF, NO_REF};
  if (!cd_bind_text(vm, "TracebackType(tb_next, tb_frame, tb_lasti, tb_lineno)", args, nargs, kwnames, bound, owned)) return NO_REF;
  Traceback *next = NULL;
  if (cd_is_exact(bound[0], vm->types.traceback)) next = as_traceback(bound[0]);
  else if (!cd_is_none(bound[0])) return cd_raise_type(vm, "expected traceback object or None, got '%T'", bound[0]);
  if (!cd_is_exact(bound[1], vm->types.frame))
    return cd_raise_type(vm, "TracebackType() argument 'tb_frame' must be frame, not %T", bound[1]);
  int lasti, line;
  if (!cd_to_c_int(vm, bound[2], &lasti) || !cd_to_c_int(vm, bound[3], &line)) return NO_REF;
  Ref traceback = traceback_new(vm, next, (FrameObject *)cd_object(bound[1]), lasti, line);
  if (traceback) as_traceback(traceback)->given = true;
  return traceback;
}

static Ref traceback_get_next(VM *vm, Value self)
{
  Traceback *next = as_traceback(self)->next;
  return next ? cd_dup_object(next) : cd_none();
}

static bool traceback_set_next(VM *vm, Value self, Value value)
{
  if (!cd_bits(value)) { cd_raise_type(vm, "can't delete tb_next attribute"); return false; }
  Traceback *next = NULL;
  if (cd_is_exact(value, vm->types.traceback)) next = as_traceback(value);
  else if (!cd_is_none(value)) { cd_raise_type(vm, "expected traceback object, got '%T'", value); return false; }
  for (Traceback *t = next; t; t = t->next)
    if (t == as_traceback(self)) { cd_raise_value(vm, "traceback loop detected"); return false; }
  Traceback *old = as_traceback(self)->next;
  if (next) cd_dup_object(next);
  as_traceback(self)->next = next;
  cd_drop_object(vm, old);
  return true;
}

static Ref traceback_get_frame(VM *vm, Value self) { return cd_dup_object(as_traceback(self)->frame); }
static Ref traceback_get_lasti(VM *vm, Value self)
{
  const Traceback *traceback = as_traceback(self);
  const Frame *frame = traceback->frame->frame;
  int32_t offset = traceback->unit;
  if (!traceback->given && frame && !cd_code_view_offset(vm, frame->code, (uint32_t)traceback->unit, &offset)) return NO_REF;
  return cd_from_small(offset);
}

bool cd_traceback_unit(VM *vm, const Traceback *traceback, uint32_t *out)
{
  *out = (uint32_t)traceback->unit;
  const Frame *frame = traceback->frame->frame;
  return !traceback->given || !frame || cd_code_view_unit(vm, frame->code, traceback->unit, out);
}

static Ref traceback_get_lineno(VM *vm, Value self)
{
  Traceback *traceback = as_traceback(self);
  int line = traceback->lineno;
  if (line == -1) {
    Frame *frame = traceback->frame->frame;
    if (!frame) return cd_none();
    uint32_t unit;
    if (!cd_traceback_unit(vm, traceback, &unit)) return NO_REF;
    line = cd_code_line(frame->code, unit);
    if (line < 0) return cd_none();
  }
  return cd_from_small(line);
}

static const GetSetDef traceback_getset[] = {
  {"tb_next", "The next inner level, or None", traceback_get_next, traceback_set_next},
  {"tb_frame", "The frame of this level", traceback_get_frame, NULL},
  {"tb_lasti", "Index of the instruction", traceback_get_lasti, NULL},
  {"tb_lineno", "Its line", traceback_get_lineno, NULL},
  {NULL, NULL, NULL, NULL},
};

METHOD(traceback, __dir__, "__dir__(self, /)", "Names of the attributes.")
{
  Ref list = cd_list_new(vm);
  static const char *const names[] = {"tb_frame", "tb_next", "tb_lasti", "tb_lineno"};
  for (size_t i = 0; cd_bits(list) && i < ARRAY_LEN(names); i++) {
    Ref name = cd_intern(vm, names[i]);
    if (!cd_bits(name) || !cd_list_append_steal(vm, cd_as_list(list), name)) { cd_drop(vm, list); return NO_REF; }
  }
  return list;
}

static const MethodDef *const traceback_methods[] = {&traceback___dir___def, NULL};

static void traceback_release(VM *vm, Object *self)
{
  Traceback *traceback = (Traceback *)self;
  Traceback *next = traceback->next;
  FrameObject *frame = traceback->frame;
  traceback->next = NULL;
  traceback->frame = NULL;
  cd_drop_object(vm, next);
  cd_drop_object(vm, frame);
}

static void traceback_traverse(Object *self, VisitFn visit, void *context)
{
  Traceback *traceback = (Traceback *)self;
  if (traceback->next) visit(context, cd_from_object(traceback->next));
  if (traceback->frame) visit(context, cd_from_object(traceback->frame));
}

static void traceback_clear(VM *vm, Object *self)
{
  Traceback *traceback = (Traceback *)self;
  Traceback *next = traceback->next;
  traceback->next = NULL;
  cd_drop_object(vm, next);
}

const TypeSpec cd_traceback_spec = {
  .name = "traceback",
  .doc = "TracebackType(tb_next, tb_frame, tb_lasti, tb_lineno)\n--\n\nA new level of a traceback.",
  .basicsize = sizeof(Traceback),
  .flags = TYPE_GC,
  .methods = traceback_methods,
  .getset = traceback_getset,
  .slots = {
    .release = traceback_release,
    .traverse = traceback_traverse,
    .clear = traceback_clear,
    .new_ = traceback_new_slot,
  },
};
