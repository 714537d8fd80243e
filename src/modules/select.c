// SPDX-License-Identifier: MIT
// select.c: waiting for descriptors: select(), poll(), epoll()
#include "core/lock.h"
#include "modules/module_list.h"
#include "modules/waiting.h"
#include "objects/dict.h"
#include "objects/float.h"
#include "objects/int.h"
#include "objects/list.h"
#include "objects/protocol.h"
#include "objects/tuple.h"
#include "objects/type.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <unistd.h>

typedef struct SelectState { Type *poll, *epoll; } SelectState;  // owned

static SelectState *select_state(VM *vm) { return cd_state(vm, MODULE_select); }

// ---- select() ----

// Object and descriptor pairs of one of the three arguments. `objects` is a list, owned.
typedef struct SelectSet { Ref source, objects; int *fds; size_t count, capacity; fd_set set; int highest; } SelectSet;

static void select_set_clear(VM *vm, SelectSet *set)
{
  cd_drop(vm, set->source);
  cd_drop(vm, set->objects);
  cd_free(vm, set->fds, set->capacity * sizeof(int));
}

static bool select_set_init(VM *vm, SelectSet *set, Value argument)
{
  memset(set, 0, sizeof *set);
  FD_ZERO(&set->set);
  set->highest = -1;
  // A list is read as it is, and may shrink when fileno() methods run; other iterables are read first.
  set->source = cd_is_list(argument) ? cd_dup(argument) : cd_list_from(vm, argument);
  if (!set->source) return cd_swallow(vm, vm->exc.TypeError) ? (bool)cd_raise_type(vm, "arguments 1-3 must be sequences") : false;
  if (!(set->objects = cd_list_new(vm))) return false;
  set->capacity = FD_SETSIZE;
  if (cd_list_size(set->source) < set->capacity) set->capacity = cd_list_size(set->source);
  if (!(set->fds = cd_alloc_array(vm, set->capacity, sizeof(int)))) return false;
  for (size_t i = 0; i < cd_list_size(set->source); i++) {
    int fd;
    if (i >= set->capacity) return cd_raise_value(vm, "too many file descriptors in select()");
    Ref object = cd_dup(cd_list_item_borrow(set->source, i));
    bool ok = cd_descriptor(vm, object, &fd);
    if (ok && fd >= FD_SETSIZE) ok = cd_raise_value(vm, "filedescriptor out of range in select()");
    ok = ok && cd_list_append(vm, cd_as_list(set->objects), object);
    cd_drop(vm, object);
    if (!ok) return false;
    set->fds[set->count++] = fd;
    FD_SET(fd, &set->set);
    if (fd > set->highest) set->highest = fd;
  }
  return true;
}

static Ref select_set_ready(VM *vm, const SelectSet *set)
{
  Ref list = cd_list_new(vm);
  for (size_t i = 0; list && i < set->count; i++)
    if (FD_ISSET(set->fds[i], &set->set) && !cd_list_append(vm, cd_as_list(list), cd_list_item_borrow(set->objects, i))) {
      cd_drop(vm, list);
      return NO_REF;
    }
  return list;
}

// Waits again when a signal came; the time that is left shrinks.
static int select_wait(VM *vm, SelectSet sets[3], int64_t timeout)
{
  int64_t deadline = timeout < 0 ? 0 : cd_monotonic_ns() + timeout;
  fd_set wanted[3] = {sets[0].set, sets[1].set, sets[2].set};
  int highest = sets[0].highest;
  for (int i = 1; i < 3; i++)
    if (sets[i].highest > highest) highest = sets[i].highest;
  for (;;) {
    struct timeval left = {timeout / 1000000000, (timeout % 1000000000 + 999) / 1000};
    if (left.tv_usec >= 1000000) left.tv_sec++, left.tv_usec -= 1000000;
    Thread *me = cd_unlock(vm);
    int n = select(highest + 1, &sets[0].set, &sets[1].set, &sets[2].set, timeout < 0 ? NULL : &left);
    cd_relock(vm, me);
    if (n >= 0) return n;
    if (errno != EINTR) { cd_raise_os(vm, errno, NO_VALUE, NO_VALUE); return -1; }
    if (!cd_poll(vm)) return -1;
    for (int i = 0; i < 3; i++) sets[i].set = wanted[i];
    if (timeout >= 0 && (timeout = deadline - cd_monotonic_ns()) < 0) timeout = 0;
  }
}

FUNCTION(select, select, "select(rlist, wlist, xlist, timeout=None, /)",
         "Wait until one or more descriptors are ready.\n\nThe lists hold descriptors or objects with a fileno() method: to be read, to be "
         "written, with an\nexceptional condition. timeout is in seconds; "
         "without it the wait has no end. The result is three lists with what is ready.")
{
  int64_t timeout;
  if (!cd_timeout(vm, args[3], "timeout must be a float or None", &timeout)) return NO_REF;
  bool given = cd_bits(args[3]) && !cd_is_none(args[3]);
  if (given && timeout < 0) return cd_raise_value(vm, "timeout must be non-negative");
  SelectSet sets[3] = {{0}, {0}, {0}};
  Ref result = NO_REF;
  if (select_set_init(vm, &sets[0], args[0]) && select_set_init(vm, &sets[1], args[1]) && select_set_init(vm, &sets[2], args[2]) &&
      select_wait(vm, sets, timeout) >= 0)
    result = cd_tuple3_steal(vm, select_set_ready(vm, &sets[0]), select_set_ready(vm, &sets[1]), select_set_ready(vm, &sets[2]));
  for (int i = 0; i < 3; i++) select_set_clear(vm, &sets[i]);
  return result;
}

// ---- poll objects ----

typedef struct PollObject {
  Object head;
  struct pollfd *fds;
  size_t count, capacity;
  struct pollfd *waited;                         // what a running poll() looks at
  size_t waited_count, waited_capacity;
  bool running;
} PollObject;

static PollObject *poll_of(Value v) { return (PollObject *)cd_object(v); }

static void poll_release(VM *vm, Object *self)
{
  PollObject *p = (PollObject *)self;
  cd_free(vm, p->fds, p->capacity * sizeof *p->fds);
  cd_free(vm, p->waited, p->waited_capacity * sizeof *p->waited);
}

static bool poll_events(VM *vm, Value v, unsigned fallback, unsigned *out)
{
  int64_t n;
  *out = fallback;
  if (!cd_bits(v)) return true;
  Ref index = cd_index(vm, v);
  if (!index) return false;
  bool fits = cd_int_fits_i64(index, &n), negative = cd_int_sign(index) < 0;
  cd_drop(vm, index);
  if (negative) return cd_raise_value(vm, "value must be positive");
  if (!fits || n > USHRT_MAX) return cd_raise_overflow(vm, "Python int too large for C unsigned short");
  *out = (unsigned)n;
  return true;
}

static struct pollfd *poll_find(PollObject *p, int fd)
{
  for (size_t i = 0; i < p->count; i++)
    if (p->fds[i].fd == fd) return &p->fds[i];
  return NULL;
}

METHOD(poll, register, "register(self, fd, eventmask=POLLIN | POLLPRI | POLLOUT, /)",
       "Add a descriptor, or change what is waited for.\n\n  fd\n    an int, or an object with a fileno() method.\n  eventmask\n    which "
       "events to wait for.")
{
  PollObject *p = poll_of(self);
  int fd;
  unsigned events;
  if (!cd_descriptor(vm, args[0], &fd) || !poll_events(vm, args[1], POLLIN | POLLPRI | POLLOUT, &events)) return NO_REF;
  struct pollfd *entry = poll_find(p, fd);
  if (!entry) {
    if (p->count == p->capacity) {
      size_t capacity = p->capacity ? p->capacity * 2 : 8;
      struct pollfd *fds = cd_realloc(vm, p->fds, p->capacity * sizeof *fds, capacity * sizeof *fds);
      if (!fds) return NO_REF;
      p->fds = fds;
      p->capacity = capacity;
    }
    entry = &p->fds[p->count++];
  }
  *entry = (struct pollfd){fd, (short)events, 0};
  return cd_none();
}

METHOD(poll, modify, "modify(self, fd, eventmask, /)", "Change what is waited for with a descriptor that was added before.")
{
  int fd;
  unsigned events;
  if (!cd_descriptor(vm, args[0], &fd) || !poll_events(vm, args[1], 0, &events)) return NO_REF;
  struct pollfd *entry = poll_find(poll_of(self), fd);
  if (!entry) return cd_raise_os(vm, ENOENT, NO_VALUE, NO_VALUE);
  entry->events = (short)events;
  return cd_none();
}

METHOD(poll, unregister, "unregister(self, fd, /)", "Take a descriptor out.")
{
  PollObject *p = poll_of(self);
  int fd;
  if (!cd_descriptor(vm, args[0], &fd)) return NO_REF;
  struct pollfd *entry = poll_find(p, fd);
  if (!entry) return cd_raise_key(vm, cd_from_small(fd));
  memmove(entry, entry + 1, (size_t)(p->fds + p->count - (entry + 1)) * sizeof *entry);
  p->count--;
  return cd_none();
}

// A time-out in milliseconds, as a number; None and negative ones are for ever.
static bool poll_timeout(VM *vm, Value v, int64_t *nanoseconds)
{
  if (cd_bits(v) && !cd_is_none(v) && cd_is_float(v)) {
    if (!cd_timeout(vm, v, "", nanoseconds)) return false;
    *nanoseconds = cd_float_value(v) < 0 ? -1 : *nanoseconds / 1000;   // it was taken for seconds
  } else if (cd_bits(v) && !cd_is_none(v)) {
    if (!cd_timeout(vm, v, "timeout must be an integer or None", nanoseconds)) return false;
    *nanoseconds /= 1000;
  } else {
    *nanoseconds = -1;
  }
  if (*nanoseconds < 0) *nanoseconds = -1;
  if (*nanoseconds / 1000000 > INT_MAX) return cd_raise_overflow(vm, "timeout is too large");
  return true;
}

static int poll_milliseconds(int64_t nanoseconds) { return nanoseconds < 0 ? -1 : (int)((nanoseconds + 999999) / 1000000); }

// What poll() waits for is a copy: other threads may add and take out descriptors meanwhile.
static bool poll_copy(VM *vm, PollObject *p)
{
  if (p->count > p->waited_capacity) {
    struct pollfd *room = cd_realloc(vm, p->waited, p->waited_capacity * sizeof *room, p->capacity * sizeof *room);
    if (!room) return false;
    p->waited = room;
    p->waited_capacity = p->capacity;
  }
  if (p->count) memcpy(p->waited, p->fds, p->count * sizeof *p->fds);
  p->waited_count = p->count;
  return true;
}

static int poll_wait(VM *vm, PollObject *p, int64_t timeout)
{
  int64_t deadline = timeout < 0 ? 0 : cd_monotonic_ns() + timeout;
  for (;;) {
    Thread *me = cd_unlock(vm);
    int n = poll(p->waited, p->waited_count, poll_milliseconds(timeout));
    cd_relock(vm, me);
    if (n >= 0) return n;
    if (errno != EINTR) { cd_raise_os(vm, errno, NO_VALUE, NO_VALUE); return -1; }
    if (!cd_poll(vm)) return -1;
    if (timeout >= 0 && (timeout = deadline - cd_monotonic_ns()) < 0) timeout = 0;
  }
}

METHOD(poll, poll, "poll(self, timeout=None, /)",
       "Wait for the descriptors that were added; timeout is in milliseconds.\n\nReturns a list of (descriptor, event) pairs.")
{
  PollObject *p = poll_of(self);
  int64_t timeout;
  if (!poll_timeout(vm, args[0], &timeout)) return NO_REF;
  if (p->running) return cd_raise_runtime(vm, "concurrent poll() invocation");
  if (!poll_copy(vm, p)) return NO_REF;
  p->running = true;
  int n = poll_wait(vm, p, timeout);
  Ref list = n < 0 ? NO_REF : cd_list_new(vm);
  for (size_t i = 0; list && i < p->waited_count; i++) {
    const struct pollfd *entry = &p->waited[i];
    if (!entry->revents) continue;
    Ref pair = cd_tuple2_steal(vm, cd_from_small(entry->fd), cd_from_small(entry->revents & 0xFFFF));
    if (!pair || !cd_list_append_steal(vm, cd_as_list(list), pair)) cd_forget(vm, &list);
  }
  p->running = false;
  return list;
}

static const MethodDef *const poll_methods[] = {&poll_register_def, &poll_modify_def, &poll_unregister_def, &poll_poll_def, NULL};

static const TypeSpec poll_spec = {
  .name = "select.poll",
  .basicsize = sizeof(PollObject),
  .flags = TYPE_NO_NEW | TYPE_IMMUTABLE,
  .methods = poll_methods,
  .slots = {.release = poll_release},
};

FUNCTION(select, poll, "poll()", "Return an object that waits for descriptors which are added and taken out as needed.")
{
  return cd_from_object(cd_object_new(vm, select_state(vm)->poll, sizeof(PollObject)));
}

// ---- epoll objects ----

typedef struct EpollObject { Object head; int fd; } EpollObject; // -1: closed

static EpollObject *epoll_of(Value v) { return (EpollObject *)cd_object(v); }

static bool epoll_check(VM *vm, Value self)
{
  return epoll_of(self)->fd >= 0 || cd_raise_value(vm, "I/O operation on closed epoll object");
}

static void epoll_release(VM *vm UNUSED, Object *self)
{
  if (((EpollObject *)self)->fd >= 0) close(((EpollObject *)self)->fd);
}

static Ref epoll_make(VM *vm, Type *type, int fd)
{
  EpollObject *e = cd_instance_new(vm, type);
  if (e) e->fd = fd;
  else close(fd);
  return cd_from_object(e);
}

static Ref epoll_new(VM *vm, Type *type, const Value *args, size_t nargs, Value kwnames)
{
  Value bound[2];
  Ref owned[2] = {NO_REF, NO_REF};
  int size = -1, flags = 0;
  if (!cd_bind_text(vm, "epoll(sizehint=-1, flags=0)", args, nargs, kwnames, bound, owned)) return NO_REF;
  if ((cd_bits(bound[0]) && !cd_to_c_int(vm, bound[0], &size)) || (cd_bits(bound[1]) && !cd_to_c_int(vm, bound[1], &flags))) return NO_REF;
  if (size == 0 || size < -1) return cd_raise_value(vm, "negative sizehint");
  if (flags && flags != EPOLL_CLOEXEC) return cd_raise(vm, vm->exc.OSError, "invalid flags");
  int fd = epoll_create1(EPOLL_CLOEXEC);
  return fd < 0 ? cd_raise_os(vm, errno, NO_VALUE, NO_VALUE) : epoll_make(vm, type, fd);
}

CLASS_METHOD(epoll, fromfd, "fromfd(type, fd, /)", "Make an epoll object from a control descriptor.")
{
  int fd;
  return cd_to_c_int(vm, args[0], &fd) ? epoll_make(vm, cd_as_type(self), fd) : NO_REF;
}

METHOD(epoll, close, "close(self, /)", "Close the control descriptor; further operations fail.")
{
  EpollObject *e = epoll_of(self);
  int fd = e->fd;
  e->fd = -1;
  return fd >= 0 && close(fd) < 0 ? cd_raise_os(vm, errno, NO_VALUE, NO_VALUE) : cd_none();
}

METHOD(epoll, fileno, "fileno(self, /)", "Return the control descriptor.")
{
  return epoll_check(vm, self) ? cd_from_small(epoll_of(self)->fd) : NO_REF;
}

static bool epoll_mask(VM *vm, Value v, uint32_t *out)
{
  if (!cd_bits(v)) return true;
  uint64_t n = 0;
  Ref index = cd_index(vm, v);
  if (!index) return false;
  bool fits = cd_int_fits_u64(index, &n) && n <= UINT32_MAX, negative = cd_int_sign(index) < 0;
  cd_drop(vm, index);
  if (negative) return cd_raise_value(vm, "value must be positive");
  if (!fits) return cd_raise_overflow(vm, "Python int too large for C unsigned int");
  *out = (uint32_t)n;
  return true;
}

static Ref epoll_control(VM *vm, Value self, int operation, Value object, Value mask)
{
  int fd;
  uint32_t events = EPOLLIN | EPOLLPRI | EPOLLOUT;
  if (!epoll_check(vm, self) || !cd_descriptor(vm, object, &fd) || !epoll_mask(vm, mask, &events)) return NO_REF;
  struct epoll_event event = {.events = events, .data.fd = fd};
  return epoll_ctl(epoll_of(self)->fd, operation, fd, &event) < 0 ? cd_raise_os(vm, errno, NO_VALUE, NO_VALUE) : cd_none();
}

METHOD(epoll, register, "register(self, fd, eventmask=EPOLLIN | EPOLLPRI | EPOLLOUT)",
       "Add a descriptor.\n\n  fd\n    an int, or an object with a fileno() method.\n  eventmask\n    which events to wait "
       "for.\n\nFileExistsError if it is there already.")
{
  return epoll_control(vm, self, EPOLL_CTL_ADD, args[0], args[1]);
}

METHOD(epoll, modify, "modify(self, fd, eventmask)", "Change what is waited for with a descriptor that was added before.")
{
  return epoll_control(vm, self, EPOLL_CTL_MOD, args[0], args[1]);
}
METHOD(epoll, unregister, "unregister(self, fd)", "Take a descriptor out.")
{
  return epoll_control(vm, self, EPOLL_CTL_DEL, args[0], NO_VALUE);
}

static int epoll_wait_for(VM *vm, Value self, struct epoll_event *events, int max, int64_t timeout)
{
  int64_t deadline = timeout < 0 ? 0 : cd_monotonic_ns() + timeout;
  for (;;) {
    Thread *me = cd_unlock(vm);
    int n = epoll_wait(epoll_of(self)->fd, events, max, poll_milliseconds(timeout));
    cd_relock(vm, me);
    if (n >= 0) return n;
    if (errno != EINTR) { cd_raise_os(vm, errno, NO_VALUE, NO_VALUE); return -1; }
    if (!cd_poll(vm)) return -1;
    if (timeout >= 0 && (timeout = deadline - cd_monotonic_ns()) < 0) timeout = 0;
  }
}

METHOD(epoll, poll, "poll(self, timeout=None, maxevents=-1)",
       "Wait for events; timeout is in seconds, None or a negative one for ever.\n\nReturns a list of up to maxevents (descriptor, events) "
       "pairs.")
{
  int64_t timeout;
  int max = -1;
  if (!epoll_check(vm, self) || !cd_timeout(vm, args[0], "timeout must be an integer or None", &timeout)) return NO_REF;
  if (timeout < 0) timeout = -1;
  if (timeout / 1000000 > INT_MAX) return cd_raise_overflow(vm, "timeout is too large");
  if (cd_bits(args[1]) && !cd_to_c_int(vm, args[1], &max)) return NO_REF;
  if (max == -1) max = FD_SETSIZE - 1;
  else if (max < 1) return cd_raise_value(vm, "maxevents must be greater than 0, got %d", max);
  struct epoll_event *events = cd_alloc_array(vm, (size_t)max, sizeof *events);
  if (!events) return NO_REF;
  int n = epoll_wait_for(vm, self, events, max, timeout);
  Ref list = n < 0 ? NO_REF : cd_list_with_capacity(vm, (size_t)n);
  for (int i = 0; list && i < n; i++) {
    Ref pair = cd_tuple2_steal(vm, cd_from_small(events[i].data.fd), cd_from_small(events[i].events));
    if (!pair || !cd_list_append_steal(vm, cd_as_list(list), pair)) cd_drop(vm, list), list = NO_REF;
  }
  cd_free(vm, events, (size_t)max * sizeof *events);
  return list;
}

METHOD(epoll, __enter__, "__enter__(self, /)", NULL) { return epoll_check(vm, self) ? cd_dup(self) : NO_REF; }
METHOD(epoll, __exit__, "__exit__(self, exc_type=None, exc_value=None, exc_tb=None, /)", NULL)
{
  return cd_call_method0(vm, self, N(close));
}

static Ref epoll_get_closed(VM *vm UNUSED, Value self) { return cd_bool(epoll_of(self)->fd < 0); }

static const MethodDef *const epoll_methods[] = {
  &epoll_fromfd_def, &epoll_close_def, &epoll_fileno_def, &epoll_register_def, &epoll_modify_def, &epoll_unregister_def, &epoll_poll_def,
  &epoll___enter___def, &epoll___exit___def, NULL,
};
static const GetSetDef epoll_getset[] = {{"closed", "True if the object is closed", epoll_get_closed, NULL}, {0}};

static const TypeSpec epoll_spec = {
  .name = "select.epoll",
  .doc = "select.epoll(sizehint=-1, flags=0)\n\nAn object that waits for many descriptors. sizehint and flags are only checked.",
  .basicsize = sizeof(EpollObject),
  .flags = TYPE_IMMUTABLE,
  .methods = epoll_methods,
  .getset = epoll_getset,
  .slots = {.release = epoll_release, .new_ = epoll_new},
};

// ---- the module ----

static const MethodDef *const select_functions[] = {&select_select_def, &select_poll_def, NULL};

static bool select_exec(VM *vm, Value module)
{
  static const struct { const char *name; int64_t value;
  } constants[] = {
    {"PIPE_BUF", PIPE_BUF},
    {"POLLIN", POLLIN},
    {"POLLPRI", POLLPRI},
    {"POLLOUT", POLLOUT},
    {"POLLERR", POLLERR},
    {"POLLHUP", POLLHUP},
    {"POLLNVAL", POLLNVAL},
    {"POLLRDNORM", POLLRDNORM},
    {"POLLRDBAND", POLLRDBAND},
    {"POLLWRNORM", POLLWRNORM},
    {"POLLWRBAND", POLLWRBAND},
    {"POLLMSG", POLLMSG},
    {"POLLRDHUP", POLLRDHUP},
    {"EPOLLIN", EPOLLIN},
    {"EPOLLOUT", EPOLLOUT},
    {"EPOLLPRI", EPOLLPRI},
    {"EPOLLERR", EPOLLERR},
    {"EPOLLHUP", EPOLLHUP},
    {"EPOLLRDHUP", EPOLLRDHUP},
    {"EPOLLET", INT64_C(1) << 31},
    {"EPOLLONESHOT", INT64_C(1) << 30},
    {"EPOLLEXCLUSIVE", INT64_C(1) << 28},
    {"EPOLLRDNORM", EPOLLRDNORM},
    {"EPOLLRDBAND", EPOLLRDBAND},
    {"EPOLLWRNORM", EPOLLWRNORM},
    {"EPOLLWRBAND", EPOLLWRBAND},
    {"EPOLLMSG", EPOLLMSG},
    {"EPOLL_CLOEXEC", EPOLL_CLOEXEC},
  };
  SelectState *state = select_state(vm);
  for (size_t i = 0; i < ARRAY_LEN(constants); i++)
    if (!cd_module_add_int(vm, module, constants[i].name, constants[i].value)) return false;
  if (!state->poll && !(state->poll = cd_type_from_spec(vm, &poll_spec, NO_VALUE))) return false;
  if (!state->epoll && !(state->epoll = cd_type_from_spec(vm, &epoll_spec, NO_VALUE))) return false;
  return cd_module_add(vm, module, "error", cd_dup(cd_type_value(vm->exc.OSError))) &&
         cd_module_add(vm, module, "epoll", cd_dup(cd_type_value(state->epoll)));
}

static void select_clear(VM *vm, void *state_)
{
  SelectState *state = state_;
  cd_drop_object(vm, state->poll);
  cd_drop_object(vm, state->epoll);
  state->poll = state->epoll = NULL;
}

const ModuleDef cd_module_select = {
  .name = "select",
  .doc = "Waiting until descriptors are ready, by select(), poll() or epoll().",
  .functions = select_functions,
  .state_size = sizeof(SelectState),
  .exec = select_exec,
  .clear = select_clear,
};
