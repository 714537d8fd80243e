// SPDX-License-Identifier: MIT
// poll_backend.c: waiting by poll(), for builds without libuv: nothing is kept between two calls, so time goes with the number of
// descriptors
#include "loop/loop.h"
#include "loop/watch.h"

#include "core/lock.h"
#include "objects/raise.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

typedef struct PollBackend {
  int event;                                     // eventfd that wakes
  struct pollfd *fds;                            // what poll() looks at: event, then the watched ones
  size_t capacity;
} PollBackend;

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
  cd_free(vm, backend->fds, backend->capacity * sizeof *backend->fds);
  cd_free(vm, backend, sizeof *backend);
}

static void poll_backend_wake(Loop *loop)
{
  uint64_t one = 1;
  PollBackend *backend = poll_backend_of(loop);
  int saved = errno;
  if (backend && write(backend->event, &one, sizeof one) < 0) errno = saved;   // full: it is awake
}

// The list for poll(). Other threads may watch and close meanwhile, so reports are matched with the loop's table again afterwards.
static bool poll_backend_list(VM *vm, const Loop *loop, PollBackend *backend, size_t *count)
{
  size_t needed = 1 + (loop->io ? loop->io->active : 0);
  if (needed > backend->capacity) {
    struct pollfd *fds = cd_realloc(vm, backend->fds, backend->capacity * sizeof *fds, 2 * needed * sizeof *fds);
    if (!fds) return false;
    backend->fds = fds;
    backend->capacity = 2 * needed;
  }
  backend->fds[0] = (struct pollfd){backend->event, POLLIN, 0};
  *count = 1;
  for (uint32_t fd = 0; loop->io && fd < loop->io->capacity; fd++) {
    const Watch *watch = loop->io->by_fd[fd];
    if (!watch || !watch->events) continue;
    short events = (short)((watch->events & WATCH_READ ? POLLIN : 0) | (watch->events & WATCH_WRITE ? POLLOUT : 0));
    backend->fds[(*count)++] = (struct pollfd){(int)fd, events, 0};
  }
  return true;
}

static void poll_backend_report(Loop *loop, const struct pollfd *fds, size_t count)
{
  for (size_t i = 1; i < count; i++) {
    Watch *watch = fds[i].revents && !(fds[i].revents & POLLNVAL) ? cd_watch_find(loop, fds[i].fd) : NULL;
    bool trouble = fds[i].revents & (POLLERR | POLLHUP);
    if (!watch) continue;
    cd_watch_report(watch, (fds[i].revents & POLLIN || trouble ? WATCH_READ : 0) | (fds[i].revents & POLLOUT || trouble ? WATCH_WRITE : 0));
  }
}

static bool poll_backend_poll(VM *vm, Loop *loop, int64_t timeout)
{
  PollBackend *backend = poll_backend_of(loop);
  size_t watched;
  if (!poll_backend_list(vm, loop, backend, &watched)) return false;
  struct timespec limit = {timeout / 1000000000, timeout % 1000000000};
  Thread *me = cd_unlock(vm);
  int count = ppoll(backend->fds, watched, timeout < 0 ? NULL : &limit, NULL), error = errno;
  cd_relock(vm, me);
  if (count < 0 && error != EINTR) return cd_raise_os(vm, error, NO_VALUE, NO_VALUE);
  if (count <= 0) return true;
  uint64_t value;
  if (backend->fds[0].revents && read(backend->event, &value, sizeof value) < 0 && errno != EAGAIN)
    return cd_raise_os(vm, errno, NO_VALUE, NO_VALUE);
  poll_backend_report(loop, backend->fds, watched);
  return true;
}

// Refuses what libuv's epoll would refuse: descriptors that are not open, files and folders.
static bool poll_backend_watch(VM *vm, Loop *loop, Watch *watch, unsigned events)
{
  struct stat about;
  if (!events) return true;
  if (fstat(watch->fd, &about) < 0) return cd_raise_os(vm, errno, NO_VALUE, NO_VALUE);
  if (S_ISREG(about.st_mode) || S_ISDIR(about.st_mode)) return cd_raise_os(vm, EPERM, NO_VALUE, NO_VALUE);
  watch->handle = watch;
  poll_backend_wake(loop);                       // another thread may be in poll() with the old list
  return true;
}

static void poll_backend_unwatch(VM *vm UNUSED, Loop *loop UNUSED, Watch *watch) { watch->handle = NULL; }

static bool poll_backend_is_watching(const Loop *loop) { return loop->io && loop->io->active; }
// Its own wake-up only: with this backend, hosts that wait by themselves hear of descriptors when they step.
static int poll_backend_descriptor(const Loop *loop) { return poll_backend_of(loop)->event; }

const LoopBackend cd_loop_poll_backend = {
  .name = "poll",
  .open = poll_backend_open,
  .close = poll_backend_close,
  .poll = poll_backend_poll,
  .wake = poll_backend_wake,
  .is_watching = poll_backend_is_watching,
  .descriptor = poll_backend_descriptor,
  .watch = poll_backend_watch,
  .unwatch = poll_backend_unwatch,
};
