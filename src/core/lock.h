// SPDX-License-Identifier: MIT
// lock.h: the lock of a VM: one Python thread runs at a time
#ifndef CEDE_CORE_LOCK_H
#define CEDE_CORE_LOCK_H

#include "core/vm.h"

// A VM starts with one thread and no lock; cd_lock_create makes it when a second thread is about to start (the caller holds it).
// A thread that wants the lock and waits longer than the switch interval sets BREAK_SWITCH; the holder then hands over at its
// next breaker check (cd_lock_yield) and waits until somebody else has had it.
typedef struct VmLock VmLock;

MUST_USE bool cd_lock_create(VM *vm);            // does nothing when there is one; false: MemoryError
void cd_lock_destroy(VM *vm);
void cd_lock_release(VM *vm);                    // vm->thread is NULL afterwards
void cd_lock_take(VM *vm, Thread *thread);       // waits; vm->thread is `thread` afterwards
void cd_lock_yield(VM *vm);                      // for BREAK_SWITCH: lets another thread run
void cd_lock_after_fork(VM *vm);                 // in the child: only the calling thread is left; it holds the lock

// Around system calls that may wait: no Python object may be touched between the two. errno is kept.
//   Thread *me = cd_unlock(vm);  n = read(fd, buffer, size);  cd_relock(vm, me);
static inline Thread *cd_unlock(VM *vm)
{
  Thread *thread = vm->thread;
  if (vm->lock) cd_lock_release(vm);
  return thread;
}
void cd_relock_slow(VM *vm, Thread *thread);
static inline void cd_relock(VM *vm, Thread *thread)
{
  if (vm->thread != thread) cd_relock_slow(vm, thread);
}

#endif
