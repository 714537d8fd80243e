// SPDX-License-Identifier: MIT
// wait.h: waiting for other threads without the VM lock
#ifndef CEDE_MODULES_WAIT_H
#define CEDE_MODULES_WAIT_H

#include "core/vm.h"

#include <semaphore.h>

typedef enum { WAIT_FAILED = -1, WAIT_TIMEOUT, WAIT_DONE } WaitResult;

// Takes one from a semaphore; timeout in nanoseconds, negative: for ever, 0: only if there is one now. Signal handlers run meanwhile.
// modules/_thread.c
WaitResult cd_wait_semaphore(VM *vm, sem_t *semaphore, int64_t timeout);

#endif
