// SPDX-License-Identifier: MIT
// sleep.c: the future behind asyncio.sleep(): its own timer
#include "loop/loop.h"

#include "objects/raise.h"

// `value` is the result from the beginning. It lies in its loop's heap until it is done, in whatever way.
typedef struct Sleep {
  FUTURE_HEAD
  uint32_t place;
} Sleep;

static bool sleep_loop_is_plain(VM *vm, Value loop)
{
  return cd_is_loop(vm, loop) && cd_loop_is_direct(vm, cd_as_loop(loop)) &&
         !(cd_loop_overrides(vm, cd_as_loop(loop)) &
           (OVERRIDES_CALL_AT | OVERRIDES_TIME | OVERRIDES_CREATE_FUTURE | OVERRIDES_TIMER_CANCELLED));
}

Ref cd_sleep_new(VM *vm, double delay, Value result)
{
  Ref loop = cd_loop_get_running(vm);
  if (!loop) return NO_REF;
  if (!sleep_loop_is_plain(vm, loop)) {
    cd_drop(vm, loop);
    return cd_none();
  }
  Sleep *sleep = cd_object_new(vm, vm->asyncio->sleep, sizeof *sleep);
  if (!sleep) {
    cd_drop(vm, loop);
    return NO_REF;
  }
  Ref self = cd_from_object(sleep);
  sleep->loop = loop;
  sleep->native_loop = sleep->is_sleep = true;
  sleep->value = cd_dup(result);
  sleep->place = TIMER_NOWHERE;
  if (cd_timer_heap_push(vm, &cd_as_loop(loop)->timers, cd_loop_now() + delay, sleep, &sleep->place)) return self;
  cd_drop(vm, self);
  return NO_REF;
}

void cd_sleep_leave(VM *vm, Future *future)
{
  Sleep *sleep = (Sleep *)future;
  if (sleep->place != TIMER_NOWHERE) cd_drop(vm, cd_timer_heap_remove(vm, &cd_as_loop(sleep->loop)->timers, sleep->place));
}

bool cd_sleep_over(VM *vm, Value self)
{
  Future *future = cd_as_future(self);
  if (future->state != FUTURE_PENDING) return true;
  future->state = FUTURE_FINISHED;
  return cd_future_schedule(vm, future);
}

static bool sleep_retire(VM *vm, Object *self)
{
  Sleep *sleep = (Sleep *)self;
  Type *type = self->type;
  if (!vm->asyncio || type != vm->asyncio->sleep || sleep->log_traceback || sleep->weaklist || sleep->attributes.shape ||
      cd_bits(sleep->attributes.dict))
    return false;
  cd_gc_untrack(vm, self);
  cd_future_clear(vm, self);
  cd_free(vm, sleep, sizeof *sleep);
  cd_drop_object(vm, type);
  return true;
}

const TypeSpec cd_sleep_spec = {
  .name = "_asyncio.Future",
  .doc = "The future that sleep() waits for.",
  .basicsize = sizeof(Sleep),
  .flags = TYPE_NO_NEW | TYPE_IMMUTABLE | TYPE_GC | TYPE_HAS_DICT | TYPE_HAS_WEAKREFS,
  .dict_offset = offsetof(Sleep, attributes),
  .weaklist_offset = offsetof(Sleep, weaklist),
  .stand_in = cd_future_stands_in,
  .slots = {.release = cd_future_release,
            .traverse = cd_future_traverse,
            .clear = cd_future_clear,
            .retire = sleep_retire,
            .await = cd_future_await,
            .send = cd_future_send,
            .init = cd_future_refuse_init},
};

// ---- sleep(0) ----

// Awaited, it yields None once: the task gives way for one turn.
typedef struct YieldOnce {
  Object head;
  bool yielded;
} YieldOnce;

Ref cd_yield_once_new(VM *vm) { return cd_from_object(cd_object_new(vm, vm->asyncio->yield_once, sizeof(YieldOnce))); }

static Ref yield_once_self(VM *vm UNUSED, Value self) { return cd_dup(self); }

static SendResult yield_once_send(VM *vm UNUSED, Value self, Value sent UNUSED, Ref *out)
{
  YieldOnce *once = (YieldOnce *)cd_object(self);
  bool first = !once->yielded;
  once->yielded = true;
  *out = cd_none();
  return first ? YIELDED : RETURNED;
}

static Next yield_once_next(VM *vm, Value self, Ref *out)
{
  return yield_once_send(vm, self, NO_VALUE, out) == YIELDED ? NEXT_ITEM : NEXT_DONE;
}

const TypeSpec cd_yield_once_spec = {
  .name = "_asyncio.YieldOnce",
  .doc = "What sleep(0) waits for.",
  .basicsize = sizeof(YieldOnce),
  .flags = TYPE_NO_NEW | TYPE_IMMUTABLE,
  .slots = {.await = yield_once_self, .iter = yield_once_self, .next = yield_once_next, .send = yield_once_send},
};
