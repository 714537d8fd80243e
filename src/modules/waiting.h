// SPDX-License-Identifier: MIT
// waiting.h: descriptors and time-outs as arguments of functions that wait
#ifndef CEDE_MODULES_WAITING_H
#define CEDE_MODULES_WAITING_H

#include "core/vm.h"

#include <time.h>

// A descriptor from an int or from an object's fileno(). TypeError "argument must be an int, or have a fileno() method.".
MUST_USE bool cd_descriptor(VM *vm, Value v, int *out);
// Seconds (a number) to nanoseconds, rounded up; NO_VALUE and None: -1, for ever. `message` is the TypeError for other types.
MUST_USE bool cd_timeout(VM *vm, Value v, const char *message, int64_t *nanoseconds);

static inline int64_t cd_monotonic_ns(void)
{
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

#endif
