// SPDX-License-Identifier: MIT
// waiting.c: the future of a task in the queue of an event, lock or asyncio.Queue, which also does what follows the wait
#include "loop/loop.h"

#include "objects/exception.h"
#include "objects/protocol.h"
#include "objects/raise.h"

// `return await waiting` in a coroutine of asyncio's: the coroutine has nothing left to do, so it goes, and this takes its place
// (`stand_in` of the TypeSpec). An idle task is then its own coroutine and one future. What the coroutine would do after the wait is done
// here, when the wait ends: with no owner (an event) the future leaves the queue and the result is True; else the owner's `_woken(waiting)`
// returns the result, or `waiting` to begin again with the coroutine of `_again()`, and `_lost(waiting, error)` hears of an exception.
typedef struct Waiting {
  FUTURE_HEAD                                    // WAITING_AGAIN: value is the coroutine that waits instead
  Value owner;                                   // owned; WAITING_PLAIN: the queue; NO_VALUE: the collector was here
} Waiting;
// Field `waiting`. It is a byte of the head, for there are many of these.
enum { WAITING_STOOD_IN = 1, WAITING_PLAIN = 2, WAITING_AGAIN = 4, WAITING_OVER = 8 };

static bool waiting_loop_is_plain(VM *vm, Value loop)
{
  return cd_is_loop(vm, loop) && cd_loop_is_direct(vm, cd_as_loop(loop)) &&
         !(cd_loop_overrides(vm, cd_as_loop(loop)) & OVERRIDES_CREATE_FUTURE);
}

Ref cd_waiting_new(VM *vm, Value loop, Value queue, Value owner)
{
  if (!waiting_loop_is_plain(vm, loop)) return cd_none();
  Waiting *waiting = cd_object_new(vm, vm->asyncio->waiting, sizeof *waiting);
  if (!waiting) return NO_REF;
  Ref self = cd_from_object(waiting);
  waiting->loop = cd_dup(loop);
  waiting->native_loop = true;
  bool plain = cd_is_none(owner);
  waiting->waiting = plain ? WAITING_PLAIN : 0;
  waiting->owner = cd_dup(plain ? queue : owner);
  Ref appended = cd_call_method1(vm, queue, N(append), self);
  cd_drop(vm, appended);
  if (appended) return self;
  cd_drop(vm, self);
  return NO_REF;
}

static inline Waiting *waiting_of(Value v) { return (Waiting *)cd_object(v); }
static inline bool waiting_is_plain(const Waiting *waiting) { return waiting->waiting & WAITING_PLAIN || !cd_bits(waiting->owner); }

static bool waiting_leave(VM *vm, Waiting *waiting)
{
  if (!cd_bits(waiting->owner)) return true;
  Ref removed = cd_call_method1(vm, waiting->owner, N(remove), cd_from_object(waiting));
  cd_drop(vm, removed);
  return removed != NO_REF;
}

// After a wait that ended well.
static SendResult waiting_woken(VM *vm, Waiting *waiting, Ref *out)
{
  waiting->waiting |= WAITING_OVER;
  if (waiting_is_plain(waiting)) {
    if (!waiting_leave(vm, waiting)) return RAISED;
    *out = cd_true();
    return RETURNED;
  }
  Value self = cd_from_object(waiting);
  Ref result = cd_call_method1(vm, waiting->owner, N(_woken), self);
  if (!result) return RAISED;
  if (!cd_is(result, self)) {
    *out = result;
    return RETURNED;
  }
  cd_drop(vm, result);
  Ref again = cd_call_method0(vm, waiting->owner, N(_again));
  if (!again) return RAISED;
  cd_replace(vm, &waiting->value, again);
  waiting->waiting ^= WAITING_OVER | WAITING_AGAIN;
  return cd_send(vm, again, cd_none(), out);
}

// After one that ended with the exception that is set; it stays set, unless this raises another.
static void waiting_lost(VM *vm, Waiting *waiting)
{
  waiting->waiting |= WAITING_OVER;
  Ref raised = cd_take_raised(vm), result = NO_REF;
  if (waiting_is_plain(waiting)) {
    result = waiting_leave(vm, waiting) ? cd_none() : NO_REF;
  } else {
    Value args[2] = {cd_from_object(waiting), raised};
    result = cd_call_method(vm, waiting->owner, N(_lost), args, 2);
  }
  cd_drop(vm, result);
  if (result) cd_restore_raised(vm, raised);
  else cd_chain_context(vm, raised);
}

static SendResult waiting_send(VM *vm, Value self, Value sent, Ref *out)
{
  Waiting *waiting = waiting_of(self);
  if (UNLIKELY(waiting->waiting & WAITING_AGAIN)) {
    Ref again = cd_dup(waiting->value);
    SendResult result = cd_send(vm, again, sent, out);
    cd_drop(vm, again);
    return result;
  }
  SendResult result = cd_future_send(vm, self, sent, out);
  if (result == YIELDED || waiting->waiting & WAITING_OVER) return result;
  if (result == RAISED) {
    waiting_lost(vm, waiting);
    return RAISED;
  }
  cd_forget(vm, out);
  return waiting_woken(vm, waiting, out);
}

static Next waiting_next(VM *vm, Value self, Ref *out)
{
  SendResult result = waiting_send(vm, self, cd_none(), out);
  if (result == YIELDED) return NEXT_ITEM;
  if (result == RAISED) return NEXT_ERROR;
  cd_raise_stop_iteration(vm, *out);
  cd_forget(vm, out);
  return NEXT_ERROR;
}

static Ref waiting_self(VM *vm UNUSED, Value self) { return cd_dup(self); }

METHOD_RAW(waiting, throw, "throw(typ[,val[,tb]])", "End the wait with an exception.")
{
  if (!cd_no_keywords(vm, "throw", kwnames) || !cd_check_positional(vm, "throw", nargs, 1, 3)) return NO_REF;
  Waiting *waiting = waiting_of(self);
  if (waiting->waiting & WAITING_AGAIN) {
    Ref again = cd_dup(waiting->value), result = cd_call_method(vm, again, N(throw), args, nargs);
    cd_drop(vm, again);
    return result;
  }
  Ref exception = cd_throw_exception(vm, args, nargs);
  if (!exception) return NO_REF;
  (void)cd_raise_exception(vm, exception);
  if (!(waiting->waiting & WAITING_OVER)) waiting_lost(vm, waiting);
  return NO_REF;
}

METHOD(waiting, close, "close(self, /)", "End the wait.")
{
  Waiting *waiting = waiting_of(self);
  if (waiting->waiting & WAITING_AGAIN) {
    Ref again = cd_dup(waiting->value), result = cd_call_method0(vm, again, N(close));
    cd_drop(vm, again);
    return result;
  }
  if (waiting->waiting & WAITING_OVER) return cd_none();
  cd_raise(vm, vm->exc.GeneratorExit, "");
  waiting_lost(vm, waiting);
  return cd_swallow(vm, vm->exc.GeneratorExit) ? cd_none() : NO_REF;
}

bool cd_future_stands_in(Object *self)
{
  Future *future = (Future *)self;
  bool first = !(future->waiting & WAITING_STOOD_IN);
  future->waiting |= WAITING_STOOD_IN;
  return first;
}

static void waiting_clear(VM *vm, Object *self)
{
  cd_future_clear(vm, self);
  cd_clear(vm, &((Waiting *)self)->owner);
}

static void waiting_traverse(Object *self, VisitFn visit, void *context)
{
  cd_future_traverse(self, visit, context);
  visit(context, ((Waiting *)self)->owner);
}

static bool waiting_retire(VM *vm, Object *self)
{
  Waiting *waiting = (Waiting *)self;
  Type *type = self->type;
  if (!vm->asyncio || type != vm->asyncio->waiting || waiting->log_traceback || waiting->weaklist || waiting->attributes.shape ||
      cd_bits(waiting->attributes.dict))
    return false;
  cd_gc_untrack(vm, self);
  waiting_clear(vm, self);
  cd_free(vm, waiting, sizeof *waiting);
  cd_drop_object(vm, type);
  return true;
}

static const MethodDef *const waiting_methods[] = {&waiting_throw_def, &waiting_close_def, NULL};

const TypeSpec cd_waiting_spec = {
  .name = "_asyncio.Waiting",
  .doc = "What a task waits for that stands in the queue of an event, a lock or a queue.",
  .basicsize = sizeof(Waiting),
  .flags = TYPE_NO_NEW | TYPE_IMMUTABLE | TYPE_GC | TYPE_HAS_DICT | TYPE_HAS_WEAKREFS,
  .dict_offset = offsetof(Waiting, attributes),
  .weaklist_offset = offsetof(Waiting, weaklist),
  .stand_in = cd_future_stands_in,
  .methods = waiting_methods,
  .slots = {.release = waiting_clear,
            .traverse = waiting_traverse,
            .clear = waiting_clear,
            .retire = waiting_retire,
            .iter = waiting_self,
            .await = waiting_self,
            .next = waiting_next,
            .send = waiting_send,
            .init = cd_future_refuse_init},
};
