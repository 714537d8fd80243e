// SPDX-License-Identifier: MIT
// poll_backend.c: the smallest backend: waits for time and for its own wake-up
#include "loop/loop.h"

#include "core/lock.h"
#include "objects/raise.h"

#include <errno.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

typedef struct PollBackend { int event; } PollBackend;

static inline PollBackend *poll_backend_of(const Loop *loop) { return loop->backend_data; }

static bool poll_backend_open(VM *vm, Loop *loop)
{
  PollBackend *backend = cd_alloc_zeroed(vm, sizeof *backend);
  if (!backend) return false;
  if ((backend->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) < 0) {
    int error = errno;
    cd_free(vm, backend, sizeof *backend);
    return cd_raise_os(vm, error, NO_VALUE, NO_VALUE);
  }
  loop->backend_data = backend;
  return true;
}

static void poll_backend_close(VM *vm, Loop *loop)
{
  PollBackend *backend = poll_backend_of(loop);
  loop->backend_data = NULL;
  close(backend->event);
  cd_free(vm, backend, sizeof *backend);
}

static bool poll_backend_poll(VM *vm, Loop *loop, int64_t timeout)
{
  struct pollfd fd = {poll_backend_of(loop)->event, POLLIN, 0};
  struct timespec limit = {timeout / 1000000000, timeout % 1000000000};
  Thread *me = cd_unlock(vm);
  int count = ppoll(&fd, 1, timeout < 0 ? NULL : &limit, NULL), error = errno;
  cd_relock(vm, me);
  if (count < 0 && error != EINTR) return cd_raise_os(vm, error, NO_VALUE, NO_VALUE);
  uint64_t value;
  if (count > 0 && read(fd.fd, &value, sizeof value) < 0 && errno != EAGAIN) return cd_raise_os(vm, errno, NO_VALUE, NO_VALUE);
  return true;
}

static void poll_backend_wake(Loop *loop)
{
  uint64_t one = 1;
  PollBackend *backend = poll_backend_of(loop);
  int saved = errno;
  if (backend && write(backend->event, &one, sizeof one) < 0) errno = saved;   // full: it is awake
}

static bool poll_backend_is_watching(const Loop *loop UNUSED) { return false; }
static int poll_backend_descriptor(const Loop *loop) { return poll_backend_of(loop)->event; }

const LoopBackend cd_loop_poll_backend = {
  .name = "poll",
  .open = poll_backend_open,
  .close = poll_backend_close,
  .poll = poll_backend_poll,
  .wake = poll_backend_wake,
  .is_watching = poll_backend_is_watching,
  .descriptor = poll_backend_descriptor,
};

const LoopBackend *cd_loop_default_backend(void) { return &cd_loop_poll_backend; }
