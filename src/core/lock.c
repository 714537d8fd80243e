// SPDX-License-Identifier: MIT
// lock.c: handing the VM from thread to thread
#include "core/lock.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

// `turn` counts handovers, so that a yielding thread can wait until somebody else has run.
struct VmLock {
  pthread_mutex_t mutex;
  pthread_cond_t released, taken;
  bool held;
  uint32_t waiting;
  uint64_t turn;
};

static bool lock_init(VmLock *lock)
{
  pthread_condattr_t attributes;
  if (pthread_mutex_init(&lock->mutex, NULL)) return false;
  pthread_condattr_init(&attributes);
  pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
  pthread_cond_init(&lock->released, &attributes);
  pthread_cond_init(&lock->taken, NULL);
  pthread_condattr_destroy(&attributes);
  return true;
}

bool cd_lock_create(VM *vm)
{
  if (vm->lock) return true;
  VmLock *lock = cd_alloc_zeroed(vm, sizeof *lock);
  if (!lock) return false;
  if (!lock_init(lock)) {
    cd_free(vm, lock, sizeof *lock);
    vm->raise_memory(vm);
    return false;
  }
  lock->held = true;
  vm->lock = lock;
  return true;
}

void cd_lock_destroy(VM *vm)
{
  if (!vm->lock) return;
  pthread_cond_destroy(&vm->lock->released);
  pthread_cond_destroy(&vm->lock->taken);
  pthread_mutex_destroy(&vm->lock->mutex);
  cd_free(vm, vm->lock, sizeof *vm->lock);
  vm->lock = NULL;
}

void cd_lock_release(VM *vm)
{
  VmLock *lock = vm->lock;
  int error = errno;
  vm->thread = NULL;
  pthread_mutex_lock(&lock->mutex);
  lock->held = false;
  pthread_cond_signal(&lock->released);
  pthread_mutex_unlock(&lock->mutex);
  errno = error;
}

// Waits one switch interval; true when the time ran out.
static bool lock_wait(VM *vm, VmLock *lock)
{
  struct timespec until;
  int64_t interval = vm->switch_interval_us > 0 ? vm->switch_interval_us : 5000;
  clock_gettime(CLOCK_MONOTONIC, &until);
  until.tv_sec += interval / 1000000;
  until.tv_nsec += interval % 1000000 * 1000;
  if (until.tv_nsec >= 1000000000) {
    until.tv_nsec -= 1000000000;
    until.tv_sec++;
  }
  return pthread_cond_timedwait(&lock->released, &lock->mutex, &until) == ETIMEDOUT;
}

// A daemon thread that outlives its VM must never run Python again.
static void lock_stop_daemon(VM *vm)
{
  cd_lock_release(vm);
  for (;;) pause();
}

void cd_lock_take(VM *vm, Thread *thread)
{
  VmLock *lock = vm->lock;
  int error = errno;
  pthread_mutex_lock(&lock->mutex);
  lock->waiting++;
  while (lock->held) {
    uint64_t turn = lock->turn;
    if (lock_wait(vm, lock) && lock->held && lock->turn == turn)
      atomic_fetch_or(&vm->breaker, BREAK_SWITCH);
  }
  lock->waiting--;
  lock->held = true;
  lock->turn++;
  pthread_cond_broadcast(&lock->taken);
  if (!lock->waiting) atomic_fetch_and(&vm->breaker, ~(unsigned)BREAK_SWITCH);
  pthread_mutex_unlock(&lock->mutex);
  vm->thread = thread;
  errno = error;
  if (vm->finalizing && thread != vm->threads) lock_stop_daemon(vm);
}

void cd_relock_slow(VM *vm, Thread *thread)
{
  if (vm->lock) cd_lock_take(vm, thread);
  else vm->thread = thread;
}

void cd_lock_yield(VM *vm)
{
  VmLock *lock = vm->lock;
  atomic_fetch_and(&vm->breaker, ~(unsigned)BREAK_SWITCH);
  if (!lock) return;
  Thread *thread = vm->thread;
  vm->thread = NULL;
  pthread_mutex_lock(&lock->mutex);
  uint64_t turn = lock->turn;
  lock->held = false;
  pthread_cond_signal(&lock->released);
  while (lock->waiting && lock->turn == turn) pthread_cond_wait(&lock->taken, &lock->mutex);
  pthread_mutex_unlock(&lock->mutex);
  cd_lock_take(vm, thread);
}

void cd_lock_after_fork(VM *vm)
{
  if (!vm->lock) return;
  lock_init(vm->lock);                           // the old mutex may be held by a thread that no longer exists
  vm->lock->held = true;
  vm->lock->waiting = 0;
}
