// SPDX-License-Identifier: MIT
// raise.c: setting, testing and moving the current exception
#include "objects/raise.h"
#include "objects/exception.h"
#include "objects/protocol.h"
#include "objects/str.h"
#include "objects/tuple.h"
#include "objects/type.h"

#include <string.h>

// ---- raising ----

// The exception that the innermost active `except` block handles; NO_VALUE: none.
static Value raise_handled(VM *vm)
{
  for (Handling *h = vm->thread->handling; h; h = h->previous)
    if (cd_bits(h->exception) && !cd_is_none(h->exception)) return h->exception;
  return NO_VALUE;
}

// `exception.__context__ = handled`, unless it is the same one; a chain that already leads from handled to exception is cut there,
// so that contexts never form a ring. Floyd's second pointer guards against rings that Python code made.
static void raise_set_context(VM *vm, Value exception, Value handled)
{
  if (!cd_bits(handled) || cd_is(handled, exception)) return;
  Value walk = handled, slow = handled;
  bool step_slow = false;
  while (cd_bits(cd_as_exception(walk)->context)) {
    Value context = cd_as_exception(walk)->context;
    if (cd_is(context, exception)) { cd_clear(vm, &cd_as_exception(walk)->context); break; }
    walk = context;
    if (cd_is(walk, slow)) break;
    if (step_slow) slow = cd_as_exception(slow)->context;
    step_slow = !step_slow;
  }
  cd_replace(vm, &cd_as_exception(exception)->context, cd_dup(handled));
}

Ref cd_raise_exception(VM *vm, Ref exception)
{
  if (!exception) return NO_REF;
  CD_ASSERT(cd_is_exception(exception));
  raise_set_context(vm, exception, raise_handled(vm));
  cd_restore_raised(vm, exception);
  return NO_REF;
}

static Ref raise_vformat(VM *vm, Type *type, const char *format, va_list args)
{
  Ref text = cd_str_vformat(vm, format, args);
  if (!text) return NO_REF;
  Ref exception = cd_exception_new(vm, type, &(Value){text}, 1);
  cd_drop(vm, text);
  return cd_raise_exception(vm, exception);
}

Ref cd_raise(VM *vm, Type *type, const char *format, ...)
{
  va_list args;
  va_start(args, format);
  raise_vformat(vm, type, format, args);
  va_end(args);
  return NO_REF;
}

#define RAISE_VARIANT(function, type)                                             \
  Ref function(VM *vm, const char *format, ...)                                   \
  {                                                                               \
    va_list args;                                                                 \
    va_start(args, format);                                                       \
    raise_vformat(vm, vm->exc.type, format, args);                                \
    va_end(args);                                                                 \
    return NO_REF;                                                                \
  }
RAISE_VARIANT(cd_raise_type, TypeError)
RAISE_VARIANT(cd_raise_value, ValueError)
RAISE_VARIANT(cd_raise_index, IndexError)
RAISE_VARIANT(cd_raise_overflow, OverflowError)
RAISE_VARIANT(cd_raise_runtime, RuntimeError)
RAISE_VARIANT(cd_raise_system, SystemError)
#undef RAISE_VARIANT

Ref cd_raise_attribute(VM *vm, Value object, Value name, const char *format, ...)
{
  va_list args;
  va_start(args, format);
  raise_vformat(vm, vm->exc.AttributeError, format, args);
  va_end(args);
  Value raised = vm->thread->raised;
  if (cd_is_exact(raised, vm->exc.AttributeError)) {
    AttributeException *e = (AttributeException *)cd_object(raised);
    if (cd_bits(object)) cd_replace(vm, &e->object, cd_dup(object));
    if (cd_bits(name)) cd_replace(vm, &e->name, cd_dup(name));
  }
  return NO_REF;
}

void cd_complete_attribute_error(VM *vm, Value object, Value name)
{
  Value raised = vm->thread->raised;
  if (!cd_bits(raised) || !cd_is_exact(raised, vm->exc.AttributeError)) return;
  AttributeException *e = (AttributeException *)cd_object(raised);
  if (cd_bits(e->object) || cd_bits(e->name)) return;
  cd_replace(vm, &e->object, cd_dup(object));
  cd_replace(vm, &e->name, cd_dup(name));
}

Ref cd_raise_name(VM *vm, Value name, const char *format, ...)
{
  va_list args;
  va_start(args, format);
  raise_vformat(vm, vm->exc.NameError, format, args);
  va_end(args);
  Value raised = vm->thread->raised;
  if (cd_is_exact(raised, vm->exc.NameError) && cd_bits(name)) cd_replace(vm, &((NameException *)cd_object(raised))->name, cd_dup(name));
  return NO_REF;
}

Ref cd_raise_with(VM *vm, Type *type, Value argument) { return cd_raise_exception(vm, cd_exception_new(vm, type, &argument, 1)); }
Ref cd_raise_no_args(VM *vm, Type *type) { return cd_raise_exception(vm, cd_exception_new(vm, type, NULL, 0)); }
Ref cd_raise_key(VM *vm, Value key) { return cd_raise_with(vm, vm->exc.KeyError, key); }

Ref cd_raise_stop_iteration(VM *vm, Value value)
{
  return cd_bits(value) ? cd_raise_with(vm, vm->exc.StopIteration, value) : cd_raise_no_args(vm, vm->exc.StopIteration);
}

Ref cd_raise_memory(VM *vm)
{
  Ref exception = NO_REF;
  if (vm->spare_memory_error_count) {
    exception = cd_take(&vm->spare_memory_errors[--vm->spare_memory_error_count]);
  } else {                                       // many are kept by someone: another one, if there is memory for it
    vm->raise_memory = NULL;
    exception = cd_exception_new(vm, vm->exc.MemoryError, NULL, 0);
    vm->raise_memory = cd_raise_memory;
  }
  if (!exception) {
    if (!vm->memory_error) return NO_REF;
    exception = cd_dup(vm->memory_error);
    cd_clear(vm, &cd_as_exception(exception)->traceback);
  }
  return cd_raise_exception(vm, exception);
}

Ref cd_raise_recursion(VM *vm, const char *where)
{
  return cd_raise(vm, vm->exc.RecursionError, "maximum recursion depth exceeded%s", where ? where : "");
}

Ref cd_raise_os(VM *vm, int error_number, Value filename, Value filename2)
{
  Ref text = cd_fs_decode(vm, strerror(error_number), strlen(strerror(error_number)));
  if (!text) return NO_REF;
  Value args[5] = {cd_from_small(error_number), text, cd_bits(filename) ? filename : cd_none(), cd_none(), filename2};
  size_t count = cd_bits(filename2) ? 5 : cd_bits(filename) ? 3 : 2;
  Ref exception = cd_exception_new(vm, vm->exc.OSError, args, count);
  cd_drop(vm, text);
  return cd_raise_exception(vm, exception);
}

Ref cd_raise_arg_type(VM *vm, const char *function, const char *parameter, const char *expected, Value got)
{
  const char *quote = *parameter >= '0' && *parameter <= '9' ? "" : "'";       // positional-only ones are told by number
  if (cd_is_none(got)) return cd_raise_type(vm, "%s() argument %s%s%s must be %s, not None", function, quote, parameter, quote, expected);
  return cd_raise_type(vm, "%s() argument %s%s%s must be %s, not %T", function, quote, parameter, quote, expected, got);
}

Ref cd_bad_operands(VM *vm, Value left, Value right, const char *symbol)
{
  return cd_raise_type(vm, "unsupported operand type(s) for %s: '%T' and '%T'", symbol, left, right);
}

// ---- moving ----

bool cd_raised_is(VM *vm, Type *type)
{
  Value raised = vm->thread->raised;
  return cd_bits(raised) && cd_type_is_subtype(cd_object(raised)->type, type);
}

void cd_clear_raised(VM *vm) { cd_clear(vm, &vm->thread->raised); }

bool cd_swallow(VM *vm, Type *type)
{
  if (!cd_raised_is(vm, type)) return false;
  cd_clear_raised(vm);
  return true;
}

Ref cd_take_raised(VM *vm) { return cd_take(&vm->thread->raised); }
void cd_restore_raised(VM *vm, Ref exception) { cd_replace(vm, &vm->thread->raised, exception); }

void cd_chain_cause(VM *vm, Ref cause)
{
  Value raised = vm->thread->raised;
  if (!cd_bits(raised) || !cause || cd_is(raised, cause)) { cd_drop(vm, cause); return; }
  Exception *e = cd_as_exception(raised);
  e->suppress_context = true;
  raise_set_context(vm, raised, cause);
  cd_replace(vm, &e->cause, cause);
}

void cd_chain_context(VM *vm, Ref context)
{
  Value raised = vm->thread->raised;
  if (!context) return;
  if (!cd_bits(raised)) { cd_restore_raised(vm, context); return; }
  raise_set_context(vm, raised, context);
  cd_drop(vm, context);
}

// ---- reporting ----

void cd_write_unraisable_in(VM *vm, const char *message, Value where)
{
  if (!cd_raised(vm)) return;
  if (vm->unraisable) vm->unraisable(vm, message, where);
  cd_clear_raised(vm);
}

void cd_write_unraisable(VM *vm, Value where) { cd_write_unraisable_in(vm, NULL, where); }

bool cd_warn(VM *vm, Type *category, int stacklevel, const char *format, ...)
{
  if (!vm->warn) return true;
  va_list args;
  va_start(args, format);
  Ref text = cd_str_vformat(vm, format, args);
  va_end(args);
  if (!text) return false;
  bool ok = vm->warn(vm, category, text, stacklevel, NO_VALUE);
  cd_drop(vm, text);
  return ok;
}

// ---- depth ----

bool cd_enter_recursion(VM *vm, const char *where)
{
  Thread *thread = vm->thread;
  char here;
  bool stack_ok = (uintptr_t)&here > (uintptr_t)thread->c_stack_limit;
  if (LIKELY(stack_ok && thread->recursion_depth < vm->recursion_limit)) {
    thread->recursion_depth++;
    return true;
  }
  // Code that handles the error gets some room beyond the limit, as long as there is C stack.
  cd_raise_recursion(vm, where);
  return false;
}

void cd_leave_recursion(VM *vm) { vm->thread->recursion_depth--; }
