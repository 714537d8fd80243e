// SPDX-License-Identifier: MIT
// closing.c: inline close: a frame awaits the end of async generators that only it holds before it goes on, or ends
//
// A coroutine or async generator loses its hold on an async generator at four points: `break` and `return` leave an `async for` (the
// instruction ASYNC_CLOSE), an exception leaves one for a handler of the same frame, the frame returns, an exception leaves the frame. If
// such a generator is suspended at a `yield` and nobody else holds it, the frame awaits its aclose() right there. It stays at its
// instruction, in state DELEGATING like at an `await`, and `generator->closing` notes what it waits for and how it goes on. Exceptions on
// their way are kept in it, and count as being handled meanwhile: so what the cleanup raises gets them as __context__, as in a `finally`.
//
// After each close the frame comes to the same point again and looks for the next one; who held the last reference to a generator that
// is closed now has dropped it, so consumers go before producers by themselves.
#include "coro/coro.h"

#include "objects/dict.h"
#include "objects/function.h"

typedef struct Closing {
  ClosingPoint point;
  Value awaitable;                               // owned: aclose() of the generator
  Value exception;                               // owned: UNWIND, LEAVE: the one on its way; NO_VALUE otherwise
  Value handled;                                 // owned: what the frame was handling before
} Closing;

void cd_closing_traverse(const Generator *generator, VisitFn visit, void *context)
{
  const Closing *closing = generator->closing;
  if (!closing) return;
  visit(context, closing->awaitable);
  visit(context, closing->exception);
  visit(context, closing->handled);
  visit(context, closing->point.result);
}

void cd_closing_free(VM *vm, Closing *closing)
{
  if (!closing) return;
  Ref parts[4] = {cd_take(&closing->awaitable), cd_take(&closing->exception), cd_take(&closing->handled), cd_move(&closing->point.result)};
  cd_free(vm, closing, sizeof *closing);
  for (int i = 0; i < 4; i++) cd_drop(vm, parts[i]);
}

Value cd_closing_awaited(const Generator *generator) { return generator->closing->awaitable; }

// ---- what to close ----

// The value behind a register; a cell counts if nothing but the frame holds it.
static Value closing_behind(VM *vm, Value v)
{
  if (!cd_bits(v) || !cd_is_exact(v, vm->types.cell)) return v;
  return cd_object(v)->refcount == 1 ? ((Cell *)cd_object(v))->value : NO_VALUE;
}

// How often the frame's own f_locals, made for a tracer, holds it.
static uint32_t closing_shown(const Frame *frame, Value v)
{
  Value locals = frame->object ? frame->object->locals : NO_VALUE, key, value;
  uint32_t count = 0;
  if (!cd_bits(locals) || !cd_is_dict(locals) || cd_object(locals)->refcount != 1) return 0;
  for (size_t i = 0; cd_dict_each(locals, &i, &key, &value);) count += cd_is(value, v);
  return count;
}

// Is `v`, found in one of the registers from `first` on, held by nothing but those?
static bool closing_is_own(VM *vm, const Frame *frame, uint32_t first, Value v)
{
  uint32_t holders = first ? 0 : closing_shown(frame, v);
  for (uint32_t i = first; i < frame->code->register_count; i++) holders += cd_is(closing_behind(vm, frame->registers[i]), v);
  return holders == cd_object(v)->refcount;
}

static bool closing_wants(VM *vm, const Frame *frame, uint32_t first, uint32_t i, Value *found)
{
  Value v = closing_behind(vm, frame->registers[i]);
  if (!cd_async_is_open(vm, v) || !closing_is_own(vm, frame, first, v)) return false;
  *found = v;
  return true;
}

// The quick answer for nearly all frames: no.
static bool closing_is_possible(const VM *vm, const Frame *frame, uint32_t first)
{
  const Type *generator = vm->types.async_generator, *cell = vm->types.cell;
  for (const Value *r = frame->registers + first, *end = frame->registers + frame->code->register_count; r < end; r++) {
    if (!cd_bits(*r) || !cd_is_object(*r)) continue;
    const Type *type = cd_object(*r)->type;
    if (type == generator || type == cell) return true;
  }
  return false;
}

// Inner loops before outer ones, then the local variables in their order, as they would be dropped. Borrowed.
static Value closing_find(VM *vm, const Frame *frame, const ClosingPoint *point)
{
  Value found = NO_VALUE;
  if (point->then == CLOSING_NEXT) {
    Value v = frame->registers[point->first];
    return cd_async_is_open(vm, v) && cd_object(v)->refcount == 1 ? v : NO_VALUE;
  }
  uint32_t first = point->then == CLOSING_UNWIND ? point->first : 0, temps = frame->code->first_temp;
  if (!closing_is_possible(vm, frame, first)) return NO_VALUE;
  for (uint32_t i = frame->code->register_count; i-- > (first > temps ? first : temps);)
    if (closing_wants(vm, frame, first, i, &found)) return found;
  for (uint32_t i = first; i < temps; i++)
    if (closing_wants(vm, frame, first, i, &found)) return found;
  return NO_VALUE;
}

// ---- the course of it ----

// Without memory for it the generator is left to the finalizer hook.
static Closing *closing_new(VM *vm, Value found)
{
  Ref raised = cd_take_raised(vm);
  Closing *closing = NULL;
  Ref awaitable = cd_async_close_new(vm, cd_as_generator(found));
  if (cd_bits(awaitable) && (closing = cd_alloc_zeroed(vm, sizeof *closing))) closing->awaitable = awaitable;
  else cd_drop(vm, awaitable);
  cd_clear_raised(vm);
  cd_restore_raised(vm, raised);
  return closing;
}

// Each stage of a pipeline closes the next from within: near the end of the stack the rest is left to the finalizer hook, which starts
// afresh.
static bool closing_has_room(const VM *vm)
{
  const Thread *thread = vm->thread;
  return thread->recursion_depth + 100 < vm->recursion_limit && (char *)__builtin_frame_address(0) - thread->c_stack_limit > (64 << 10);
}

bool cd_closing_begin(VM *vm, Frame *frame, ClosingPoint *point)
{
  Generator *self = cd_generator_of(frame);
  if (vm->asyncgen_mode == ASYNCGEN_COMPAT || vm->thread->no_await) return false;
  if (!(frame->code->flags & (CO_COROUTINE | CO_ASYNC_GENERATOR))) return false;
  Value found = closing_find(vm, frame, point);
  if (!cd_bits(found) || !closing_has_room(vm)) return false;
  Closing *closing = closing_new(vm, found);
  if (!closing) return false;
  closing->point = *point;
  if (point->then == CLOSING_UNWIND || point->then == CLOSING_LEAVE) {
    closing->exception = cd_take_raised(vm);
    closing->handled = cd_take(&self->handling.exception);
    self->handling.exception = cd_dup(closing->exception);
  }
  self->closing = closing;
  return true;
}

// `raised` came out of the generator while `old` was on its way: that is the end of its chain of contexts, unless it is in there already.
static void closing_add_context(Value raised, Value old)
{
  Exception *last = cd_as_exception(raised);
  const Exception *o = cd_as_exception(old);
  int most = 1000;                               // a program can make cycles
  while (cd_bits(last->context) && last != o && most--) last = cd_as_exception(last->context);
  while (o != last && cd_bits(o->context) && most-- > 0) o = cd_as_exception(o->context);
  if (o != last && most > 0) last->context = cd_dup(old);
}

// The generator has ended; an exception that came of it is set.
ClosingResult cd_closing_ended(VM *vm, Frame *frame, ClosingPoint *point)
{
  Generator *self = cd_generator_of(frame);
  Closing *closing = self->closing;
  bool raised = cd_raised(vm), kept = cd_bits(closing->exception);
  if (raised && !cd_traceback_add(vm, frame)) CD_ASSERT(cd_raised(vm));
  self->closing = NULL;
  *point = closing->point;
  closing->point.result = NO_REF;
  Ref new_exception = cd_take_raised(vm), old = cd_take(&closing->exception), handled = cd_take(&closing->handled);
  if (kept) cd_replace(vm, &self->handling.exception, handled);
  cd_closing_free(vm, closing);
  if (!raised) {
    cd_restore_raised(vm, old);
    return CLOSING_OVER;
  }
  if (kept) closing_add_context(new_exception, old);
  cd_drop(vm, old);
  cd_forget(vm, &point->result);
  cd_restore_raised(vm, new_exception);
  return CLOSING_RAISED;
}

ClosingResult cd_closing_send(VM *vm, Frame *frame, Ref sent, Ref *out, ClosingPoint *point)
{
  Ref awaitable = cd_dup(cd_generator_of(frame)->closing->awaitable);
  SendResult result = cd_send(vm, awaitable, sent, out);
  cd_drop(vm, sent);
  if (result == YIELDED) {
    cd_drop(vm, awaitable);
    return CLOSING_AWAITS;
  }
  if (result == RETURNED) cd_clear(vm, (Value *)out);
  ClosingResult ended = cd_closing_ended(vm, frame, point);
  cd_drop(vm, awaitable);
  return ended;
}
