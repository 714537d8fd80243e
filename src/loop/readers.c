// SPDX-License-Identifier: MIT
// readers.c: add_reader() and the like: functions that are called when a descriptor can be read or written
#include "loop/transport.h"

#include "objects/int.h"
#include "objects/protocol.h"
#include "objects/tuple.h"
#include "objects/type.h"

// What programs watch themselves. It is an object because the loop's table holds owners; Python never sees it.
typedef struct ReaderPair {
  Object head;
  Watch watch;
  Value file;                                    // owned: what was given as descriptor, an int or a file object
  Value handles[2];                              // owned Handles: reader, writer; NO_VALUE: none
} ReaderPair;

static void readers_traverse(Object *self, VisitFn visit, void *context)
{
  ReaderPair *pair = (ReaderPair *)self;
  visit(context, pair->file);
  visit(context, pair->handles[0]);
  visit(context, pair->handles[1]);
}
static void readers_clear(VM *vm, Object *self)
{
  ReaderPair *pair = (ReaderPair *)self;
  cd_watch_close(vm, &pair->watch);
  cd_clear(vm, &pair->file);
  cd_clear(vm, &pair->handles[0]);
  cd_clear(vm, &pair->handles[1]);
}

const TypeSpec cd_reader_pair_spec = {
  .name = "_asyncio._readers",
  .basicsize = sizeof(ReaderPair),
  .flags = TYPE_GC | TYPE_NO_NEW | TYPE_IMMUTABLE,
  .slots = {.release = readers_clear, .traverse = readers_traverse, .clear = readers_clear},
};

// The handles join those that are ready; remove_reader() cancels, and a cancelled handle does nothing.
static bool readers_ready(VM *vm, Watch *watch, unsigned happened)
{
  ReaderPair *pair = (ReaderPair *)watch->owner;
  Loop *loop = watch->loop;
  for (int i = 0; i < 2; i++)
    if ((happened & watch->events & (1u << i)) && cd_bits(pair->handles[i]) &&
        !cd_loop_push(vm, loop, cd_dup(pair->handles[i]), READY_HANDLE, NO_REF))
      return false;
  return true;
}

// ---- descriptors ----

// The number behind an int or file object; `unknown`: it has none (ValueError).
static bool readers_fd(VM *vm, Value file, int *fd)
{
  Ref number = cd_is_int(file) ? cd_dup(file) : NO_REF, method = NO_REF;
  if (!number) {
    Find found = cd_getattr_find(vm, file, N(fileno), &method);
    Ref answer = found == FIND_HIT ? cd_call0(vm, method) : NO_REF;
    cd_drop(vm, method);
    if (answer) number = cd_to_int(vm, answer);
    cd_drop(vm, answer);
    bool unfit = found == FIND_MISSING || (!number && (cd_swallow(vm, vm->exc.AttributeError) || cd_swallow(vm, vm->exc.TypeError) ||
                                                       cd_swallow(vm, vm->exc.ValueError)));
    if (unfit) return cd_raise_value(vm, "Invalid file object: %R", file);
    if (!number) return false;
  }
  bool ok = cd_to_c_int(vm, number, fd);
  cd_drop(vm, number);
  return ok;
}

static bool readers_check_fd(VM *vm, int fd) { return fd >= 0 || cd_raise_value(vm, "Invalid file descriptor: %d", fd); }

// add_reader() and the like refuse what a transport uses.
static bool readers_check_free(VM *vm, Loop *loop, Value file)
{
  int fd;
  if (!readers_fd(vm, file, &fd)) return false;
  Watch *watch = cd_watch_find(loop, fd);
  if (!watch || !watch->is_transport || ((Transport *)watch->owner)->closing) return true;
  return cd_raise_runtime(vm, "File descriptor %R is used by transport %R", file, cd_from_object(watch->owner));
}

// The pair of a descriptor; of a file that has been closed meanwhile, the one that was added with it. NULL: none.
static ReaderPair *readers_find(VM *vm, Loop *loop, Value file, bool *ok)
{
  int fd;
  *ok = readers_fd(vm, file, &fd);
  if (!*ok) return NULL;
  if (fd >= 0) {
    Watch *watch = cd_watch_find(loop, fd);
    return watch && !watch->is_transport ? (ReaderPair *)watch->owner : NULL;
  }
  for (uint32_t i = 0; loop->io && i < loop->io->capacity; i++) {
    Watch *watch = loop->io->by_fd[i];
    if (watch && !watch->is_transport && cd_is(((ReaderPair *)watch->owner)->file, file)) return (ReaderPair *)watch->owner;
  }
  *ok = readers_check_fd(vm, fd);
  return NULL;
}

// ---- adding and removing ----

static ReaderPair *readers_new(VM *vm, Loop *loop, int fd, Value file)
{
  ReaderPair *pair = cd_object_new(vm, vm->asyncio->reader_pair, sizeof *pair);
  if (!pair) return NULL;
  pair->file = cd_dup(file);
  if (cd_watch_open(vm, loop, &pair->watch, &pair->head, fd, readers_ready)) return pair;
  cd_drop_object(vm, pair);
  return NULL;
}

static Ref readers_add(VM *vm, Value self, const char *name, unsigned event, bool check, const Value *args, size_t nargs, Value kwnames)
{
  Loop *loop = cd_as_loop(self);
  int fd;
  if (!cd_no_keywords(vm, name, kwnames)) return NO_REF;
  if (nargs < 2) {
    const char *missing = nargs ? "'callback'" : "'fd' and 'callback'";
    return cd_raise_type(vm, "%s() missing %d required positional argument%s: %s", name, 2 - (int)nargs, nargs ? "" : "s", missing);
  }
  if ((check && !readers_check_free(vm, loop, args[0])) || !cd_loop_check_closed(vm, loop)) return NO_REF;
  if (!cd_loop_open(vm, loop) || !readers_fd(vm, args[0], &fd) || !readers_check_fd(vm, fd)) return NO_REF;
  Ref handle = cd_handle_new(vm, self, args[1], args + 2, nargs - 2, NO_REF);
  if (!handle) return NO_REF;
  Watch *watch = cd_watch_find(loop, fd);
  ReaderPair *pair = watch && !watch->is_transport ? (ReaderPair *)watch->owner : readers_new(vm, loop, fd, args[0]);
  if (pair && watch != &pair->watch) watch = NULL;
  Ref keep = pair ? watch ? cd_dup_object(pair) : cd_from_object(pair) : NO_REF;
  if (!pair || !cd_watch_set(vm, &pair->watch, pair->watch.events | event)) {
    cd_drop(vm, keep);
    cd_drop(vm, handle);
    return NO_REF;
  }
  Ref old = cd_take(&pair->handles[event == WATCH_WRITE]);
  pair->handles[event == WATCH_WRITE] = cd_dup(handle);
  if (old) cd_handle_cancel(vm, old);
  cd_drop(vm, old);
  cd_drop(vm, keep);
  return handle;
}

static Ref readers_remove(VM *vm, Value self, Value file, unsigned event, bool check)
{
  Loop *loop = cd_as_loop(self);
  bool ok;
  if (check && !readers_check_free(vm, loop, file)) return NO_REF;
  if (loop->closed) return cd_false();
  ReaderPair *pair = readers_find(vm, loop, file, &ok);
  if (!pair) return ok ? cd_false() : NO_REF;
  Ref keep = cd_dup_object(pair), old = cd_take(&pair->handles[event == WATCH_WRITE]);
  unsigned left = pair->watch.events & ~event;
  ok = !left || cd_watch_set(vm, &pair->watch, left);
  if (!left) cd_watch_close(vm, &pair->watch);
  if (old) cd_handle_cancel(vm, old);
  Ref result = ok ? cd_bool(old != NO_REF) : NO_REF;
  cd_drop(vm, old);
  cd_drop(vm, keep);
  return result;
}

METHOD_RAW(loop, add_reader, "add_reader(self, fd, callback, *args)", "Call callback(*args) whenever fd can be read.")
{
  Ref handle = readers_add(vm, self, "add_reader", WATCH_READ, true, args, nargs, kwnames);
  cd_drop(vm, handle);
  return handle ? cd_none() : NO_REF;
}
METHOD_RAW(loop, add_writer, "add_writer(self, fd, callback, *args)", "Call callback(*args) whenever fd can be written.")
{
  Ref handle = readers_add(vm, self, "add_writer", WATCH_WRITE, true, args, nargs, kwnames);
  cd_drop(vm, handle);
  return handle ? cd_none() : NO_REF;
}
METHOD_RAW(loop, _add_reader, "_add_reader(self, fd, callback, *args)", "add_reader() that asks not whose fd is; returns the Handle.")
{
  return readers_add(vm, self, "_add_reader", WATCH_READ, false, args, nargs, kwnames);
}
METHOD_RAW(loop, _add_writer, "_add_writer(self, fd, callback, *args)", "add_writer() that asks not whose fd is; returns the Handle.")
{
  return readers_add(vm, self, "_add_writer", WATCH_WRITE, false, args, nargs, kwnames);
}
METHOD(loop, remove_reader, "remove_reader(self, fd)", "Stop calling a function when fd can be read; was there one?")
{
  return readers_remove(vm, self, args[0], WATCH_READ, true);
}
METHOD(loop, remove_writer, "remove_writer(self, fd)", "Stop calling a function when fd can be written; was there one?")
{
  return readers_remove(vm, self, args[0], WATCH_WRITE, true);
}
METHOD(loop, _remove_reader, "_remove_reader(self, fd)", "remove_reader() that asks not whose fd is.")
{
  return readers_remove(vm, self, args[0], WATCH_READ, false);
}
METHOD(loop, _remove_writer, "_remove_writer(self, fd)", "remove_writer() that asks not whose fd is.")
{
  return readers_remove(vm, self, args[0], WATCH_WRITE, false);
}
METHOD(loop, _ensure_fd_no_transport, "_ensure_fd_no_transport(self, fd)", "RuntimeError when a transport uses fd.")
{
  return readers_check_free(vm, cd_as_loop(self), args[0]) ? cd_none() : NO_REF;
}

const MethodDef *const cd_reader_methods[] = {&loop_add_reader_def,     &loop_add_writer_def,     &loop__add_reader_def,
                                              &loop__add_writer_def,    &loop_remove_reader_def,  &loop_remove_writer_def,
                                              &loop__remove_reader_def, &loop__remove_writer_def, &loop__ensure_fd_no_transport_def,
                                              NULL};
