// SPDX-License-Identifier: MIT
// backend.h: what an event loop needs of the system: waiting for descriptors and for time, and being woken
#ifndef CEDE_LOOP_BACKEND_H
#define CEDE_LOOP_BACKEND_H

#include "core/vm.h"

struct Loop;
struct Watch;

// One row of functions; the loop keeps a pointer to it, and what `open` made in loop->backend_data. Callers hold the VM lock but for
// `wake`.
typedef struct LoopBackend {
  const char *name;
  bool (*open)(VM *vm, struct Loop *loop);       // once for each loop, before anything else; false: exception set, nothing to close
  void (*close)(VM *vm, struct Loop *loop);      // gives everything back; called once, outside of poll. Runs no Python
  // Waits at most `timeout` nanoseconds (negative: until something happens, 0: only looks), notes what happened (cd_watch_report),
  // and returns. Gives up the VM lock while it waits, if there are other threads. It
  // returns early when woken or interrupted by a signal. false: exception set, which ends the run.
  bool (*poll)(VM *vm, struct Loop *loop, int64_t timeout);
  void (*wake)(struct Loop *loop);               // poll returns soon, now or the next time; any thread, signal handlers too
  // Is there anything that poll could report, other than a wake-up? When not, a loop that has work to do skips polling.
  bool (*is_watching)(const struct Loop *loop);
  int (*descriptor)(const struct Loop *loop);    // readable when poll has something to do, for hosts that have their own loop; -1: none
  void (*after_fork)(VM *vm, struct Loop *loop); // in the child; may be NULL
  // Watches `events` (not 0, or 0 to stop) of watch->fd from now on, and tells cd_watch_report() what happens. false: exception set,
  // nothing has changed. `unwatch` ends it for good and clears watch->handle. Any thread, with the VM lock held.
  bool (*watch)(VM *vm, struct Loop *loop, struct Watch *watch, unsigned events);
  void (*unwatch)(VM *vm, struct Loop *loop, struct Watch *watch);
} LoopBackend;

extern const LoopBackend cd_loop_poll_backend;   // poll_backend.c: poll(), for builds without libuv
const LoopBackend *cd_loop_default_backend(void);

#endif
