// SPDX-License-Identifier: MIT
// callee.c: whom the loop calls: frames for Python functions that come in some disguise, and calls of everything else
#include "vm/eval.h"

#include "objects/dict.h"
#include "objects/tuple.h"
#include "objects/type.h"

// A frame for `callable(*args)` if that is a Python function or a bound method of one, and no generator. NULL without an exception: it
// isn't.
Frame *cd_callee_frame(VM *vm, Value callable, const Value *args, uint32_t nargs)
{
  Value with_self[8];
  if (cd_is_exact(callable, vm->types.method)) {
    Method *method = (Method *)cd_object(callable);
    with_self[0] = method->self;
    for (uint32_t i = 0; i < nargs; i++) with_self[i + 1] = args[i];
    args = with_self;
    nargs++;
    callable = method->function;
  }
  if (!cd_is_exact(callable, vm->types.function)) return NULL;
  Function *function = (Function *)cd_object(callable);
  if (function->code->flags & CO_ANY_GENERATOR) return NULL;
  if (!cd_deeper(vm, vm->thread)) return NULL;
  Frame *frame = cd_frame_for_call(vm, function, args, nargs, NO_VALUE);
  if (!frame) vm->thread->recursion_depth--;
  return frame;
}

// The same for f(*positional, **keywords); keywords NO_VALUE: none.
Frame *cd_callee_frame_unpacked(VM *vm, Value callable, Value positional, Value keywords)
{
  Value self = NO_VALUE;
  if (cd_is_exact(callable, vm->types.method)) {
    self = ((Method *)cd_object(callable))->self;
    callable = ((Method *)cd_object(callable))->function;
  }
  if (!cd_is_exact(callable, vm->types.function) || !cd_is_exact(positional, vm->types.tuple)) return NULL;
  Function *function = (Function *)cd_object(callable);
  if (function->code->flags & CO_ANY_GENERATOR) return NULL;
  Tuple *tuple = cd_as_tuple(positional);
  size_t named = cd_bits(keywords) ? cd_dict_count(keywords) : 0;
  size_t nargs = tuple->size + (cd_bits(self) != 0), total = nargs + named;
  Value few[12];
  const Value *args = tuple->items;
  Value *all = NULL;
  Ref kwnames = NO_REF;
  if (cd_bits(self) || named) {
    all = total <= ARRAY_LEN(few) ? few : cd_alloc_array(vm, total, sizeof(Value));
    if (!all) return NULL;
    size_t n = 0;
    if (cd_bits(self)) all[n++] = self;
    if (tuple->size) memcpy(all + n, tuple->items, tuple->size * sizeof(Value));
    n = nargs;
    if (named) {
      size_t i = 0;
      Value key, value;
      if (!cd_bits(kwnames = cd_tuple_new(vm, named))) goto fail;
      for (size_t k = 0; cd_dict_each(keywords, &i, &key, &value); k++) {
        if (!cd_is_str(key)) { cd_raise_type(vm, "keywords must be strings"); goto fail; }
        cd_tuple_set(kwnames, k, cd_dup(key));
        all[n++] = value;
      }
    }
    args = all;
  }
  if (!cd_deeper(vm, vm->thread)) goto fail;
  Frame *frame = cd_frame_for_call(vm, function, args, nargs, kwnames);
  if (!frame) vm->thread->recursion_depth--;
  cd_drop(vm, kwnames);
  if (all && all != few) cd_free(vm, all, total * sizeof(Value));
  return frame;

fail:
  cd_drop(vm, kwnames);
  if (all && all != few) cd_free(vm, all, total * sizeof(Value));
  return NULL;
}

// An instance whose class has a Python function as __call__; NO_VALUE: something else. Borrowed.
Value cd_callee_python_call(VM *vm, Value callee)
{
  Type *type = cd_object(callee)->type;
  if (!(type->flags & TYPE_HEAP) || (type->flags & TYPE_TYPE)) return NO_VALUE;
  Value call = cd_type_lookup_borrow(vm, type, N(__call__));
  return cd_bits(call) && cd_is_exact(call, vm->types.function) ? call : NO_VALUE;
}

// `with` on an instance of a Python class whose __enter__ and __exit__ are functions: *exit bound, and a frame for __enter__. NULL without
// an exception: some other case.
Frame *cd_callee_frame_enter(VM *vm, Value manager, Ref *exit)
{
  if (!cd_is_object(manager) || !(cd_object(manager)->type->flags & TYPE_HEAP)) return NULL;
  Type *type = cd_object(manager)->type;
  Value enter = cd_type_lookup_borrow(vm, type, N(__enter__)), leave = cd_type_lookup_borrow(vm, type, N(__exit__));
  if (!cd_bits(enter) || !cd_bits(leave) || !cd_is_exact(enter, vm->types.function) || !cd_is_exact(leave, vm->types.function)) return NULL;
  Function *function = (Function *)cd_object(enter);
  if (!cd_code_is_simple(function->code) || function->code->arg_count != 1) return NULL;
  Ref bound = cd_method_new(vm, leave, manager);
  if (!cd_bits(bound)) return NULL;
  Frame *frame = cd_callee_frame(vm, enter, &manager, 1);
  if (!frame) { cd_drop(vm, bound); return NULL; }
  *exit = bound;
  return frame;
}

Function *cd_callee_async_enter(VM *vm, Value manager, Ref *exit)
{
  if (!cd_is_object(manager) || !(cd_object(manager)->type->flags & TYPE_HEAP)) return NULL;
  Type *type = cd_object(manager)->type;
  Value enter = cd_type_lookup_borrow(vm, type, N(__aenter__)), leave = cd_type_lookup_borrow(vm, type, N(__aexit__));
  if (!cd_bits(enter) || !cd_bits(leave) || !cd_is_exact(enter, vm->types.function) || !cd_is_exact(leave, vm->types.function)) return NULL;
  Function *function = (Function *)cd_object(enter);
  if (!cd_callee_can_hide(function->code, 1)) return NULL;
  *exit = cd_method_new(vm, leave, manager);
  return cd_bits(*exit) ? function : NULL;
}

Function *cd_callee_async_exit(VM *vm, Value exit, Value *self)
{
  if (!cd_is_exact(exit, vm->types.method)) return NULL;
  const Method *method = (const Method *)cd_object(exit);
  if (!cd_is_exact(method->function, vm->types.function)) return NULL;
  Function *function = (Function *)cd_object(method->function);
  *self = method->self;
  if (cd_callee_can_hide(function->code, 4)) return function;
  const Code *code = function->code;             // (self, *args)
  bool variable = (code->flags & (CO_COROUTINE | CO_OPTIMIZED | CO_VARARGS | CO_VARKEYWORDS)) == (CO_COROUTINE | CO_OPTIMIZED | CO_VARARGS);
  return variable && code->arg_count == 1 && !code->kwonly_count ? function : NULL;
}

// Any callable, no frame in this loop.
Ref cd_callee_call(VM *vm, Value callee, const Value *args, size_t nargs, Value kwnames)
{
  if (cd_is_object(callee)) {
    Type *type = cd_object(callee)->type;
    if (type == vm->types.native) {
      Native *native = (Native *)cd_object(callee);
      return cd_native_call(vm, native->def, &native->signature, native->self, native->type, args, nargs, kwnames);
    }
    if (type == vm->types.method_descriptor && nargs) {
      MethodDescriptor *method = (MethodDescriptor *)cd_object(callee);
      if (LIKELY(cd_type_of(vm, args[0]) == method->type))
        return cd_native_call(vm, method->def, &method->signature, args[0], method->type, args + 1, nargs - 1, kwnames);
    }
  }
  return cd_call(vm, callee, args, nargs, kwnames);
}

bool cd_callee_is_profiled(VM *vm, Value callee)
{
  const Type *type = cd_is_object(callee) ? cd_object(callee)->type : NULL;
  bool native = type && (type == vm->types.native || type == vm->types.method_descriptor || type == vm->types.class_method_descriptor);
  return native && cd_bits(vm->thread->profile_fn);
}

Ref cd_callee_profile_result(VM *vm, Frame *frame, Value callee, Ref result)
{
  if (!cd_bits(result)) {
    Ref raised = cd_take_raised(vm);
    if (cd_trace_native(vm, frame, TRACE_C_EXCEPTION, callee)) cd_restore_raised(vm, raised);
    else cd_drop(vm, raised);
    return NO_REF;
  }
  if (!cd_trace_native(vm, frame, TRACE_C_RETURN, callee)) { cd_drop(vm, result); return NO_REF; }
  return result;
}

Ref cd_callee_call_traced(VM *vm, Frame *frame, Value callee, const Value *args, size_t nargs, Value kwnames)
{
  if (!cd_callee_is_profiled(vm, callee)) return cd_callee_call(vm, callee, args, nargs, kwnames);
  if (!cd_trace_native(vm, frame, TRACE_C_CALL, callee)) return NO_REF;
  return cd_callee_profile_result(vm, frame, callee, cd_callee_call(vm, callee, args, nargs, kwnames));
}
