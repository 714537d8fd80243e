// SPDX-License-Identifier: MIT
// uv_backend.c: waiting by libuv
#include "loop/backend.h"

#ifdef CEDE_WITH_UV

#include "core/lock.h"
#include "loop/loop.h"
#include "loop/watch.h"
#include "objects/raise.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <uv.h>

// No callback of libuv runs Python or touches an object: they note what happened (cd_watch_report), and the loop hands it out when uv_run()
// is over. So uv_run() is never entered again from inside, and the VM lock is given up around the whole of it. Other threads that want to
// change what is watched meanwhile wake the loop and wait until it has left uv_run() (see uv_visit).
typedef struct UvLoop {
  uv_loop_t loop;
  uv_async_t async;                              // wakes
  uv_timer_t timer;                              // ends a wait
  struct UvPoll *fresh;                          // polls that the kernel has not been told of yet
  bool running;                                  // in uv_run(), possibly without the VM lock
  bool woken;                                    // a wake-up was taken in by uv_run()
  unsigned visitors;                             // threads that wait for !running; under the VM lock
  uint32_t closing;                              // handles whose close callback is to come
  struct UvPoll *dead;                           // closed: to be freed under the VM lock
} UvLoop;

// The handle of a watch. It stays until libuv has closed it, which may be after the watch is gone.
typedef struct UvPoll {
  uv_poll_t poll;
  UvLoop *owner;
  Watch *watch;                                  // NULL: closed
  struct UvPoll *next_fresh, *next_dead;
  bool fresh, started;
} UvPoll;

static UvLoop *uv_of(const Loop *loop) { return loop->backend_data; }

static bool uv_raise(VM *vm, int error)
{
  cd_raise_os(vm, -error, NO_VALUE, NO_VALUE);
  return false;
}

// ---- life ----

static void uv_on_async(uv_async_t *async) { ((UvLoop *)async->data)->woken = true; }

// uv_run() runs timers before it waits, too: one that was due by then leaves nothing to end the waiting, unless the run is to stop.
static void uv_on_timer(uv_timer_t *timer) { uv_stop(timer->loop); }

static bool uv_backend_open(VM *vm, Loop *loop)
{
  UvLoop *u = cd_alloc_zeroed(vm, sizeof *u);
  if (!u) return false;
  int error = uv_loop_init(&u->loop);
  if (error) {
    cd_free(vm, u, sizeof *u);
    return uv_raise(vm, error);
  }
  uv_timer_init(&u->loop, &u->timer);
  if ((error = uv_async_init(&u->loop, &u->async, uv_on_async))) {
    uv_close((uv_handle_t *)&u->timer, NULL);
    uv_run(&u->loop, UV_RUN_NOWAIT);
    uv_loop_close(&u->loop);
    cd_free(vm, u, sizeof *u);
    return uv_raise(vm, error);
  }
  u->async.data = u;
  loop->backend_data = u;
  return true;
}

static void uv_on_closed(uv_handle_t *handle)
{
  UvPoll *p = (UvPoll *)handle;
  p->owner->closing--;
  p->next_dead = p->owner->dead;
  p->owner->dead = p;
}

static void uv_free_dead(VM *vm, UvLoop *u)
{
  for (UvPoll *p; (p = u->dead);) {
    u->dead = p->next_dead;
    cd_free(vm, p, sizeof *p);
  }
}

static void uv_forget_fresh(UvLoop *u)
{
  for (UvPoll *p; (p = u->fresh);) {
    u->fresh = p->next_fresh;
    p->fresh = false;
  }
}

// All watches are closed by now.
static void uv_backend_close(VM *vm, Loop *loop)
{
  UvLoop *u = uv_of(loop);
  if (!u) return;
  loop->backend_data = NULL;
  uv_forget_fresh(u);
  uv_close((uv_handle_t *)&u->timer, NULL);
  uv_close((uv_handle_t *)&u->async, NULL);
  while (uv_run(&u->loop, UV_RUN_NOWAIT)) continue;
  int error = uv_loop_close(&u->loop);
  CD_ASSERT(!error);
  (void)error;
  uv_free_dead(vm, u);
  cd_free(vm, u, sizeof *u);
}

static void uv_backend_after_fork(VM *vm UNUSED, Loop *loop)
{
  UvLoop *u = uv_of(loop);
  if (!u) return;
  u->running = false;
  u->visitors = 0;
  uv_loop_fork(&u->loop);
}

// ---- watching ----

// Called with the VM lock: returns when uv_run() is not active, which stays so until uv_leave_visit().
static void uv_visit(VM *vm, Loop *loop, UvLoop *u)
{
  u->visitors++;
  while (u->running) {
    uv_async_send(&u->async);
    Thread *me = cd_unlock(vm);
    sched_yield();
    cd_relock(vm, me);
  }
}
static void uv_leave_visit(UvLoop *u) { u->visitors--; }

static void uv_on_poll(uv_poll_t *poll, int status, int events)
{
  UvPoll *p = (UvPoll *)poll;
  if (!p->watch) return;
  if (status < 0) {                              // libuv stopped it: whoever tries to read or write learns the reason
    p->started = false;
    cd_watch_report(p->watch, WATCH_READ | WATCH_WRITE);
    return;
  }
  cd_watch_report(p->watch, (events & (UV_READABLE | UV_DISCONNECT) ? WATCH_READ : 0) | (events & UV_WRITABLE ? WATCH_WRITE : 0));
}

// libuv makes a descriptor non-blocking; that is its owner's business, and may be shared with other programs.
static int uv_poll_init_as_is(UvLoop *u, uv_poll_t *poll, int fd)
{
  int flags = fcntl(fd, F_GETFL), off = 0;
  if (flags < 0) return -errno;
  int error = uv_poll_init(&u->loop, poll, fd);
  if (!error && !(flags & O_NONBLOCK)) ioctl(fd, FIONBIO, &off);
  return error;
}

static UvPoll *uv_poll_of(VM *vm, UvLoop *u, Watch *watch)
{
  if (watch->handle) return watch->handle;
  UvPoll *p = cd_alloc_zeroed(vm, sizeof *p);
  if (!p) return NULL;
  int error = uv_poll_init_as_is(u, &p->poll, watch->fd);
  if (error) {
    cd_free(vm, p, sizeof *p);
    uv_raise(vm, error);
    return NULL;
  }
  p->owner = u;
  p->watch = watch;
  return watch->handle = p;
}

static void uv_start(UvLoop *u, UvPoll *p, unsigned events)
{
  uv_poll_start(&p->poll, (events & WATCH_READ ? UV_READABLE : 0) | (events & WATCH_WRITE ? UV_WRITABLE : 0), uv_on_poll);
  p->started = true;
  if (p->fresh) return;
  p->fresh = true;
  p->next_fresh = u->fresh;
  u->fresh = p;
}

static bool uv_backend_watch(VM *vm, Loop *loop, Watch *watch, unsigned events)
{
  UvLoop *u = uv_of(loop);
  uv_visit(vm, loop, u);
  UvPoll *p = events ? uv_poll_of(vm, u, watch) : watch->handle;
  if (p && events) {
    uv_start(u, p, events);
  } else if (p) {
    uv_poll_stop(&p->poll);
    p->started = false;
  }
  uv_leave_visit(u);
  return p || !events;
}

static void uv_backend_unwatch(VM *vm, Loop *loop, Watch *watch)
{
  UvLoop *u = uv_of(loop);
  UvPoll *p = watch->handle;
  uv_visit(vm, loop, u);
  watch->handle = NULL;
  p->watch = NULL;
  p->started = false;                            // it may still be among the fresh ones
  u->closing++;
  uv_close((uv_handle_t *)&p->poll, uv_on_closed);
  uv_leave_visit(u);
}

// ---- waiting ----

// libuv tells the kernel of new watches in uv_run() and aborts when the kernel refuses one, as it does if a program closed the descriptor
// since. So each is tried here first; one that is refused is not watched, and nothing is heard of it, as with any epoll.
static bool uv_flush_fresh(UvLoop *u)
{
  if (!u->fresh) return false;
  for (UvPoll *p; (p = u->fresh);) {
    u->fresh = p->next_fresh;
    p->fresh = false;
    if (!p->started) continue;
    struct epoll_event event = {.events = EPOLLIN, .data.fd = p->poll.io_watcher.fd};
    if (epoll_ctl(uv_backend_fd(&u->loop), EPOLL_CTL_ADD, event.data.fd, &event) == 0 || errno == EEXIST) continue;
    uv_poll_stop(&p->poll);
    p->started = false;
  }
  return true;
}

// Those that libuv stopped because of an error, and that nobody has closed.
static void uv_restart_stopped(UvLoop *u, LoopIo *io)
{
  for (Watch *w = io->reports; w; w = w->next) {
    UvPoll *p = w->handle;
    if (p && !p->started) uv_start(u, p, w->events);
  }
}

static void uv_run_unlocked(VM *vm, UvLoop *u, uv_run_mode mode)
{
  u->running = true;
  Thread *me = cd_unlock(vm);
  uv_run(&u->loop, mode);
  cd_relock(vm, me);
  u->running = false;
}

static bool uv_backend_poll(VM *vm, Loop *loop, int64_t timeout)
{
  UvLoop *u = uv_of(loop);
  while (UNLIKELY(u->visitors)) {
    Thread *me = cd_unlock(vm);
    sched_yield();
    cd_relock(vm, me);
  }
  // With other threads about, new descriptors are entered before the lock is given up: nobody can close one in between.
  if (uv_flush_fresh(u) && vm->lock && timeout) {
    u->woken = false;
    uv_run(&u->loop, UV_RUN_NOWAIT);
    if (u->woken || loop->io->reports) timeout = 0;
  }
  if (timeout <= 0) {
    if (timeout < 0) uv_run_unlocked(vm, u, UV_RUN_ONCE);
    else uv_run(&u->loop, UV_RUN_NOWAIT);
  } else {
    uint64_t milliseconds = ((uint64_t)timeout + 999999) / 1000000;
    uv_update_time(&u->loop);
    uv_timer_start(&u->timer, uv_on_timer, milliseconds, 0);
    uv_run_unlocked(vm, u, UV_RUN_ONCE);
    uv_timer_stop(&u->timer);
  }
  uv_free_dead(vm, u);
  if (!loop->io || !loop->io->reports) return true;
  uv_restart_stopped(u, loop->io);
  return true;
}

static void uv_backend_wake(Loop *loop)
{
  UvLoop *u = uv_of(loop);
  if (u) uv_async_send(&u->async);
}

static bool uv_backend_is_watching(const Loop *loop) { return (loop->io && loop->io->active) || (uv_of(loop) && uv_of(loop)->closing); }

static int uv_backend_descriptor(const Loop *loop)
{
  UvLoop *u = uv_of(loop);
  if (!u) return -1;
  if (uv_flush_fresh(u)) {                       // a host waits by it: the kernel must know all
    u->woken = false;
    uv_run(&u->loop, UV_RUN_NOWAIT);
    if (u->woken) uv_async_send(&u->async);
  }
  return uv_backend_fd(&u->loop);
}

static const LoopBackend uv_backend = {
  .name = "libuv",
  .open = uv_backend_open,
  .close = uv_backend_close,
  .poll = uv_backend_poll,
  .wake = uv_backend_wake,
  .is_watching = uv_backend_is_watching,
  .descriptor = uv_backend_descriptor,
  .after_fork = uv_backend_after_fork,
  .watch = uv_backend_watch,
  .unwatch = uv_backend_unwatch,
};

const LoopBackend *cd_loop_default_backend(void) { return &uv_backend; }

#else

const LoopBackend *cd_loop_default_backend(void) { return &cd_loop_poll_backend; }

#endif
