// SPDX-License-Identifier: MIT
// away.h: long computations on an object without the VM's lock; other threads that want the object wait
#ifndef CEDE_MODULES_AWAY_H
#define CEDE_MODULES_AWAY_H

#include "core/lock.h"
#include "objects/raise.h"

#include <sched.h>

enum { AWAY_LEAST = 2048 };                      // bytes that are worth giving up the lock

// `busy` is part of the object and changes only under the lock. false: a signal handler raised meanwhile.
MUST_USE static inline bool cd_await_idle(VM *vm, const bool *busy)
{
  while (UNLIKELY(*busy)) {
    Thread *me = cd_unlock(vm);
    sched_yield();
    cd_relock(vm, me);
    if (!cd_poll(vm)) return false;
  }
  return true;
}

// The computation between these two touches nothing but the object's native state and memory that a Buffer keeps in place.
static inline Thread *cd_go_away(VM *vm, bool *busy, int64_t size)
{
  if (size < AWAY_LEAST || !vm->lock) return NULL;
  *busy = true;
  return cd_unlock(vm);
}
static inline void cd_come_back(VM *vm, bool *busy, Thread *me)
{
  if (!me) return;
  cd_relock(vm, me);
  *busy = false;
}

#endif
