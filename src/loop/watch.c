// SPDX-License-Identifier: MIT
// watch.c: descriptors that a loop watches, and who hears of it
#include "loop/watch.h"

#include "loop/loop.h"
#include "objects/raise.h"

// ---- the table ----

bool cd_loop_io_init(VM *vm, Loop *loop)
{
  if (loop->io) return true;
  LoopIo *io = cd_alloc_zeroed(vm, sizeof *io);
  if (!io) return false;
  io->reports_end = &io->reports;
  loop->io = io;
  return true;
}

// The owner's reference that the table holds, as something to drop.
static Ref watch_let_go(Watch *watch) { return watch->owner ? cd_from_object(watch->owner) : NO_REF; }

static void watch_unreport(LoopIo *io, Watch *watch)
{
  if (!watch->link) return;
  *watch->link = watch->next;
  if (watch->next) watch->next->link = watch->link;
  else io->reports_end = watch->link;
  watch->link = NULL;
  watch->happened = 0;
}

void cd_loop_io_clear(VM *vm, Loop *loop)
{
  LoopIo *io = loop->io;
  if (!io) return;
  for (uint32_t fd = 0; fd < io->capacity; fd++)
    if (io->by_fd[fd]) cd_watch_close(vm, io->by_fd[fd]);
}

void cd_loop_io_finish(VM *vm, Loop *loop)
{
  LoopIo *io = loop->io;
  if (!io) return;
  loop->io = NULL;
  cd_free(vm, io->by_fd, io->capacity * sizeof *io->by_fd);
  cd_free(vm, io->room, READ_ROOM);
  cd_free(vm, io, sizeof *io);
}

void cd_loop_io_traverse(Loop *loop, VisitFn visit, void *context)
{
  LoopIo *io = loop->io;
  if (!io) return;
  for (uint32_t fd = 0; fd < io->capacity; fd++)
    if (io->by_fd[fd] && io->by_fd[fd]->events) visit(context, cd_from_object(io->by_fd[fd]->owner));
}

char *cd_loop_io_room(VM *vm, Loop *loop)
{
  if (loop->io->room) return loop->io->room;
  // The C library gives memory at the heap's end back to the system with each message, and takes it again with the next, unless it has seen
  // a large block being freed: after that it keeps some.
  void *large = cd_alloc(vm, 4 * READ_ROOM);
  if (!large) return NULL;
  cd_free(vm, large, 4 * READ_ROOM);
  return loop->io->room = cd_alloc(vm, READ_ROOM);
}

static bool watch_table_grow(VM *vm, LoopIo *io, uint32_t fd)
{
  if (fd < io->capacity) return true;
  uint32_t capacity = io->capacity ? io->capacity : 32;
  while (capacity <= fd) capacity *= 2;
  Watch **by_fd = cd_realloc(vm, io->by_fd, io->capacity * sizeof *by_fd, capacity * sizeof *by_fd);
  if (!by_fd) return false;
  memset(by_fd + io->capacity, 0, (capacity - io->capacity) * sizeof *by_fd);
  io->by_fd = by_fd;
  io->capacity = capacity;
  return true;
}

// ---- one watch ----

Watch *cd_watch_find(Loop *loop, int fd)
{
  return loop->io && fd >= 0 && (uint32_t)fd < loop->io->capacity ? loop->io->by_fd[fd] : NULL;
}

bool cd_watch_open(VM *vm, Loop *loop, Watch *watch, Object *owner, int fd, WatchFn ready)
{
  if (!cd_loop_io_init(vm, loop) || !watch_table_grow(vm, loop->io, (uint32_t)fd)) return false;
  // Somebody closed a descriptor that was watched, and its number is in use again: what was watched is gone.
  if (loop->io->by_fd[fd]) cd_watch_close(vm, loop->io->by_fd[fd]);
  *watch = (Watch){.loop = loop, .owner = owner, .ready = ready, .fd = fd};
  loop->io->by_fd[fd] = watch;
  return true;
}

bool cd_watch_set(VM *vm, Watch *watch, unsigned events)
{
  Loop *loop = watch->loop;
  if (!loop || watch->events == events) return true;
  if (!cd_loop_open(vm, loop)) return false;
  if (!loop->backend->watch) {
    cd_raise(vm, vm->exc.NotImplementedError, "this build of the event loop watches no descriptors");
    return false;
  }
  if (!loop->backend->watch(vm, loop, watch, events)) return false;
  bool was = watch->events;
  watch->events = (uint8_t)events;
  watch->happened &= (uint8_t)events;
  if (was == (events != 0)) return true;
  if (events) {
    loop->io->active++;
    watch->owner->refcount++;
    return true;
  }
  loop->io->active--;
  watch_unreport(loop->io, watch);
  cd_drop(vm, watch_let_go(watch));
  return true;
}

void cd_watch_close(VM *vm, Watch *watch)
{
  Loop *loop = watch->loop;
  if (!loop) return;
  LoopIo *io = loop->io;
  Ref owner = watch->events ? watch_let_go(watch) : NO_REF;
  if (watch->events) io->active--;
  if (watch->handle) loop->backend->unwatch(vm, loop, watch);
  watch_unreport(io, watch);
  if (io->by_fd[watch->fd] == watch) io->by_fd[watch->fd] = NULL;
  watch->events = 0;
  watch->loop = NULL;
  cd_drop(vm, owner);
}

// ---- reports ----

void cd_watch_report(Watch *watch, unsigned events)
{
  events &= watch->events;
  if (!events) return;
  watch->happened |= (uint8_t)events;
  if (watch->link) return;
  LoopIo *io = watch->loop->io;
  watch->next = NULL;
  watch->link = io->reports_end;
  *io->reports_end = watch;
  io->reports_end = &watch->next;
}

bool cd_watch_dispatch(VM *vm, Loop *loop)
{
  LoopIo *io = loop->io;
  Watch *watch;
  while (io && (watch = io->reports)) {
    unsigned happened = watch->happened;
    Ref owner = cd_dup_object(watch->owner);     // the watch lives in it
    watch_unreport(io, watch);
    bool ok = watch->ready(vm, watch, happened);
    cd_drop(vm, owner);
    if (!ok) return false;                       // what is left is still in the list, for the next time
    io = loop->io;
  }
  return true;
}
