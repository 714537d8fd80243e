// SPDX-License-Identifier: MIT
// socket_object.c: the socket type
#include "modules/socket.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/if_alg.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <unistd.h>

static inline Socket *socket_of(Value v) { return (Socket *)cd_object(v); }

static Ref socket_error(VM *vm) { return cd_raise_os(vm, errno, NO_VALUE, NO_VALUE); }

// ---- waiting ----

typedef struct SocketDeadline { int64_t end; bool set; } SocketDeadline;

// Waits until the socket can be read (or written), up to the deadline. 0: timed out, -1: exception, 1: go on.
static int socket_wait(VM *vm, const Socket *s, bool writing, bool connecting, SocketDeadline *deadline)
{
  if (s->timeout <= 0 && !connecting) return 1;
  if (s->timeout > 0 && !deadline->set) {
    deadline->end = cd_monotonic_ns() + s->timeout;
    deadline->set = true;
  }
  struct pollfd fd = {s->fd, (short)(writing ? POLLOUT : POLLIN), 0};
  if (connecting) fd.events |= POLLERR;
  for (;;) {
    int64_t left = s->timeout > 0 ? deadline->end - cd_monotonic_ns() : -1;
    if (s->timeout > 0 && left < 0) return 0;
    int64_t milliseconds = left < 0 ? -1 : (left + 999999) / 1000000;
    Thread *me = cd_unlock(vm);
    int n = poll(&fd, 1, milliseconds > INT_MAX ? INT_MAX : (int)milliseconds);
    cd_relock(vm, me);
    if (n > 0) return 1;
    if (n == 0) return 0;
    if (errno != EINTR) { socket_error(vm); return -1; }
    if (!cd_poll(vm)) return -1;
  }
}

static bool socket_ready(VM *vm, const Socket *s, bool writing, SocketDeadline *deadline)
{
  int n = socket_wait(vm, s, writing, false, deadline);
  if (n == 0) cd_raise(vm, vm->exc.TimeoutError, "timed out");
  return n > 0;
}

// After a failed call: true to try it again (a signal came, or with a time-out the data was gone before we got it).
static bool socket_again(VM *vm, const Socket *s)
{
  if (errno == EINTR) return cd_poll(vm);
  if (s->timeout > 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return true;
  socket_error(vm);
  return false;
}

// One system call with the socket's time-out: `call` is an expression, its value in `n`.
#define SOCKET_CALL(vm, s, writing, deadline, n, call)                            \
  for (;;) {                                                                      \
    if (!socket_ready(vm, s, writing, deadline)) { (n) = -1; break; }             \
    Thread *me_ = cd_unlock(vm);                                                  \
    (n) = (call);                                                                 \
    cd_relock(vm, me_);                                                           \
    if ((n) >= 0 || !socket_again(vm, s)) break;                                  \
  }

static bool socket_set_blocking(VM *vm, int fd, bool blocking)
{
  int flag = !blocking;
  return ioctl(fd, FIONBIO, &flag) >= 0 || socket_error(vm);
}

bool cd_socket_parse_timeout(VM *vm, Value v, int64_t *out)
{
  if (cd_is_none(v)) { *out = -1; return true; }
  Ref index = cd_is_float(v) ? NO_REF : cd_index(vm, v);
  if (!cd_is_float(v) && !index) return false;
  cd_drop(vm, index);
  if (!cd_timeout(vm, v, "", out)) return false;
  if (*out < 0) return cd_raise_value(vm, "Timeout value out of range");
  if (*out / 1000000 > INT_MAX) return cd_raise_overflow(vm, "timeout doesn't fit into C timeval");
  return true;
}

// ---- life ----

// A new socket object around fd, with the module's default time-out.
static bool socket_setup(VM *vm, Socket *s, int fd, int family, int kind, int protocol)
{
  s->fd = fd;
  s->family = family;
  s->type = kind & ~(SOCK_NONBLOCK | SOCK_CLOEXEC);
  s->protocol = protocol;
  if (kind & SOCK_NONBLOCK) {
    s->timeout = 0;
    return true;
  }
  s->timeout = socket_state(vm)->default_timeout;
  return s->timeout < 0 || socket_set_blocking(vm, fd, false);
}

Ref cd_socket_new(VM *vm, Type *type, int fd, int family, int kind, int protocol)
{
  Socket *s = cd_instance_new(vm, type);
  if (!s) { close(fd); return NO_REF; }
  s->fd = -1;
  if (socket_setup(vm, s, fd, family, kind, protocol)) return cd_from_object(s);
  cd_drop_object(vm, s);
  return NO_REF;
}

static Ref socket_new_slot(VM *vm, Type *type, const Value *args UNUSED, size_t nargs UNUSED, Value kwnames UNUSED)
{
  Socket *s = cd_instance_new(vm, type);
  if (!s) return NO_REF;
  s->fd = -1;
  s->timeout = socket_state(vm)->default_timeout;
  return cd_from_object(s);
}

// What kind of socket a descriptor is.
static bool socket_detect(VM *vm, int fd, int *family, int *kind, int *protocol)
{
  SocketAddress address;
  socklen_t size = sizeof address;
  memset(&address, 0, sizeof address);
  if (getsockname(fd, &address.any, &size) < 0) {
    if (*family == -1) return socket_error(vm);
    if (errno == EBADF || errno == ENOTSOCK) return socket_error(vm);
  } else if (*family == -1) {
    *family = address.any.sa_family;
  }
  size = sizeof *kind;
  if (*kind == -1 && getsockopt(fd, SOL_SOCKET, SO_TYPE, kind, &size) < 0) return socket_error(vm);
  size = sizeof *protocol;
  if (*protocol == -1 && getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, protocol, &size) < 0) return socket_error(vm);
  return true;
}

static bool socket_init(VM *vm, Value self, const Value *args, size_t nargs, Value kwnames)
{
  Value bound[4];
  Ref owned[2] = {NO_REF, NO_REF};
  int numbers[3] = {-1, -1, -1}, fd;
  if (!cd_bind_text(vm, "socket(family=-1, type=-1, proto=-1, fileno=None)", args, nargs, kwnames, bound, owned)) return false;
  for (int i = 0; i < 3; i++)
    if (cd_bits(bound[i]) && !cd_to_c_int(vm, bound[i], &numbers[i])) return false;
  bool given = cd_bits(bound[3]) && !cd_is_none(bound[3]);
  if (!cd_audit(vm, "socket.__new__", 4, (Value[]){self, cd_from_small(numbers[0]), cd_from_small(numbers[1]), cd_from_small(numbers[2])}))
    return false;
  if (given) {
    if (!cd_to_c_int(vm, bound[3], &fd)) return false;
    if (fd < 0) return cd_raise_value(vm, "negative file descriptor");
    if (!socket_detect(vm, fd, &numbers[0], &numbers[1], &numbers[2])) return false;
  } else {
    if (numbers[0] == -1) numbers[0] = AF_INET;
    if (numbers[1] == -1) numbers[1] = SOCK_STREAM;
    if (numbers[2] == -1) numbers[2] = 0;
    Thread *me = cd_unlock(vm);
    fd = socket(numbers[0], numbers[1] | SOCK_CLOEXEC, numbers[2]);
    cd_relock(vm, me);
    if (fd < 0) return socket_error(vm);
  }
  if (socket_setup(vm, socket_of(self), fd, numbers[0], numbers[1], numbers[2])) return true;
  if (!given) close(fd);
  socket_of(self)->fd = -1;
  return false;
}

static Ref socket_repr(VM *vm, Value self)
{
  Socket *s = socket_of(self);
  return cd_str_format(vm, "<socket object, fd=%d, family=%d, type=%d, proto=%d>", s->fd, s->family, s->type, s->protocol);
}

static void socket_finalize(VM *vm, Value self)
{
  Socket *s = socket_of(self);
  if (s->fd < 0) return;
  Ref raised = cd_take_raised(vm);
  Ref message = cd_str_format(vm, "unclosed %R", self);
  if (!message) cd_clear_raised(vm);
  else if (vm->warn && !vm->warn(vm, vm->exc.ResourceWarning, message, 1, self) && cd_raised_is(vm, vm->exc.Warning))
    cd_write_unraisable(vm, self);
  cd_clear_raised(vm);
  cd_drop(vm, message);
  int fd = s->fd;
  s->fd = -1;
  close(fd);
  cd_restore_raised(vm, raised);
}

METHOD(socket, close, "close(self, /)", "close()\n\nClose the socket; it can't be used afterwards.")
{
  int fd = socket_of(self)->fd;
  socket_of(self)->fd = -1;
  if (fd < 0) return cd_none();
  Thread *me = cd_unlock(vm);
  int status = close(fd);
  cd_relock(vm, me);
  return status < 0 && errno != ECONNRESET ? socket_error(vm) : cd_none();
}

METHOD(socket, detach, "detach(self, /)", "detach()\n\nLeave the descriptor open, return it and forget it.")
{
  int fd = socket_of(self)->fd;
  socket_of(self)->fd = -1;
  return cd_from_small(fd);
}

METHOD(socket, fileno, "fileno(self, /)", "fileno() -> integer\n\nReturn the descriptor of the socket.")
{
  return cd_from_small(socket_of(self)->fd);
}

// ---- connections ----

METHOD(
  socket, _accept, "_accept(self, /)",
  "_accept() -> (integer, address info)\n\nWait for a connection; returns the descriptor of a new socket for it, and the client's address.")
{
  Socket *s = socket_of(self);
  SocketAddress address;
  socklen_t size = sizeof address;
  SocketDeadline deadline = {0};
  memset(&address, 0, sizeof address);
  int fd;
  SOCKET_CALL(vm, s, false, &deadline, fd, accept4(s->fd, &address.any, &size, SOCK_CLOEXEC))
  if (fd < 0) return NO_REF;
  Ref tuple = cd_tuple2_steal(vm, cd_from_small(fd), cd_socket_make_address(vm, &address, size, s->protocol));
  if (!tuple) close(fd);
  return tuple;
}

METHOD(socket, bind, "bind(self, address, /)", "bind(address)\n\nGive the socket a local address; for IP that is a pair (host, port).")
{
  SocketAddress address;
  socklen_t size;
  if (!cd_socket_parse_address(vm, socket_of(self), args[0], "bind", &address, &size) ||
      !cd_audit(vm, "socket.bind", 2, (Value[]){self, args[0]}))
    return NO_REF;
  Thread *me = cd_unlock(vm);
  int status = bind(socket_of(self)->fd, &address.any, size);
  cd_relock(vm, me);
  return status < 0 ? socket_error(vm) : cd_none();
}

METHOD_RAW(socket, listen, "listen(self, backlog=128, /)",
           "listen([backlog])\n\nLet clients connect; backlog is how many may wait to be accepted.")
{
  int backlog = SOMAXCONN < 128 ? SOMAXCONN : 128;
  if (!cd_no_keywords(vm, "listen", kwnames) || !cd_check_positional(vm, "listen", nargs, 0, 1) ||
      (nargs && !cd_to_c_int(vm, args[0], &backlog)))
    return NO_REF;
  if (backlog < 0) backlog = 0;
  return listen(socket_of(self)->fd, backlog) < 0 ? socket_error(vm) : cd_none();
}

// The error number of connecting, 0 for success; -1: a Python exception.
static int socket_connect_to(VM *vm, Socket *s, const SocketAddress *address, socklen_t size)
{
  Thread *me = cd_unlock(vm);
  int status = connect(s->fd, &address->any, size), error = status < 0 ? errno : 0;
  cd_relock(vm, me);
  if (!error) return 0;
  bool wait = error == EINPROGRESS && s->timeout > 0;
  if (error == EINTR) {
    if (!cd_poll(vm)) return -1;
    wait = s->timeout != 0;                      // the kernel goes on connecting
  }
  if (!wait) return error;
  SocketDeadline deadline = {0};
  int n = socket_wait(vm, s, true, true, &deadline);
  if (n <= 0) return n == 0 ? EAGAIN : -1;
  socklen_t length = sizeof error;
  return getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &error, &length) < 0 ? errno : error == EISCONN ? 0 : error;
}

METHOD(socket, connect, "connect(self, address, /)", "connect(address)\n\nConnect to an address; for IP that is a pair (host, port).")
{
  Socket *s = socket_of(self);
  SocketAddress address;
  socklen_t size;
  if (!cd_socket_parse_address(vm, s, args[0], "connect", &address, &size) || !cd_audit(vm, "socket.connect", 2, (Value[]){self, args[0]}))
    return NO_REF;
  int error = socket_connect_to(vm, s, &address, size);
  if (error == EAGAIN && s->timeout > 0) return cd_raise(vm, vm->exc.TimeoutError, "timed out");
  if (error > 0) return cd_raise_os(vm, error, NO_VALUE, NO_VALUE);
  return error < 0 ? NO_REF : cd_none();
}

METHOD(socket, connect_ex, "connect_ex(self, address, /)",
       "connect_ex(address) -> errno\n\nLike connect(), but return the error number instead of raising it.")
{
  SocketAddress address;
  socklen_t size;
  if (!cd_socket_parse_address(vm, socket_of(self), args[0], "connect_ex", &address, &size) ||
      !cd_audit(vm, "socket.connect", 2, (Value[]){self, args[0]}))
    return NO_REF;
  int error = socket_connect_to(vm, socket_of(self), &address, size);
  return error < 0 ? NO_REF : cd_from_small(error);
}

METHOD(socket, shutdown, "shutdown(self, flag, /)", "shutdown(flag)\n\nShut down reading (SHUT_RD), writing (SHUT_WR) or both (SHUT_RDWR).")
{
  int how;
  if (!cd_to_c_int(vm, args[0], &how)) return NO_REF;
  Thread *me = cd_unlock(vm);
  int status = shutdown(socket_of(self)->fd, how);
  cd_relock(vm, me);
  return status < 0 ? socket_error(vm) : cd_none();
}

#define SOCKET_NAME(name, doc)                                                    \
  METHOD(socket, name, #name "(self, /)", doc)                                    \
  {                                                                               \
    SocketAddress address;                                                        \
    socklen_t size = sizeof address;                                              \
    memset(&address, 0, sizeof address);                                          \
    Thread *me = cd_unlock(vm);                                                   \
    int status = name(socket_of(self)->fd, &address.any, &size);                  \
    cd_relock(vm, me);                                                            \
    return status < 0 ? socket_error(vm) : cd_socket_make_address(vm, &address, size, socket_of(self)->protocol); \
  }
SOCKET_NAME(getsockname, "getsockname() -> address info\n\nReturn the local address.")
SOCKET_NAME(getpeername, "getpeername() -> address info\n\nReturn the address of the other side.")
#undef SOCKET_NAME

// ---- receiving ----

static bool socket_flags(VM *vm, Value v, int *out)
{
  *out = 0;
  return !cd_bits(v) || cd_to_c_int(vm, v, out);
}

static ssize_t socket_receive(VM *vm, Socket *s, void *data, size_t size, int flags)
{
  SocketDeadline deadline = {0};
  ssize_t n;
  if (!size) return 0;
  SOCKET_CALL(vm, s, false, &deadline, n, recv(s->fd, data, size, flags))
  return n;
}

static ssize_t socket_receive_from(VM *vm, Socket *s, void *data, size_t size, int flags, Ref *from)
{
  SocketDeadline deadline = {0};
  SocketAddress address;
  socklen_t length = sizeof address;
  memset(&address, 0, sizeof address);
  ssize_t n;
  SOCKET_CALL(vm, s, false, &deadline, n, (length = sizeof address, recvfrom(s->fd, data, size, flags, &address.any, &length)))
  if (n < 0) return -1;
  *from = cd_socket_make_address(vm, &address, length, s->protocol);
  return *from ? n : -1;
}

static bool socket_size(VM *vm, Value v, const char *function, int64_t *out)
{
  if (!cd_to_i64(vm, v, out, vm->exc.OverflowError)) return false;
  return *out >= 0 || cd_raise_value(vm, "negative buffersize in %s", function);
}

METHOD(socket, recv, "recv(self, buffersize, flags=0, /)",
       "recv(buffersize[, flags]) -> data\n\nReceive up to buffersize bytes; none tells that the other side closed the connection.")
{
  int64_t size;
  int flags;
  if (!cd_to_i64(vm, args[0], &size, vm->exc.OverflowError) || !socket_flags(vm, args[1], &flags)) return NO_REF;
  if (size < 0) return cd_raise_value(vm, "negative buffersize in recv");
  Ref bytes = cd_bytes_new(vm, NULL, (size_t)size);
  if (!bytes) return NO_REF;
  ssize_t n = socket_receive(vm, socket_of(self), cd_bytes_data(bytes), (size_t)size, flags);
  if (n < 0) { cd_drop(vm, bytes); return NO_REF; }
  if (n < size && !cd_bytes_resize(vm, &bytes, (size_t)n)) return NO_REF;
  return bytes;
}

METHOD(socket, recvfrom, "recvfrom(self, buffersize, flags=0, /)",
       "recvfrom(buffersize[, flags]) -> (data, address info)\n\nLike recv(), and tell the sender's address.")
{
  int64_t size;
  int flags;
  if (!socket_size(vm, args[0], "recvfrom", &size) || !socket_flags(vm, args[1], &flags)) return NO_REF;
  Ref bytes = cd_bytes_new(vm, NULL, (size_t)size), from = NO_REF;
  if (!bytes) return NO_REF;
  ssize_t n = socket_receive_from(vm, socket_of(self), cd_bytes_data(bytes), (size_t)size, flags, &from);
  if (n < 0) { cd_drop(vm, bytes); return NO_REF; }
  if (n < size && !cd_bytes_resize(vm, &bytes, (size_t)n)) { cd_drop(vm, from); return NO_REF; }
  return cd_tuple2_steal(vm, bytes, from);
}

static bool socket_buffer(VM *vm, Value v, const char *function, const char *kind, Buffer *out)
{
  if (cd_get_buffer(vm, v, out, BUFFER_WRITABLE)) return true;
  cd_clear_raised(vm);
  return cd_raise_type(vm, "%s() argument 1 must be read-write bytes-like object, not %T%s", function, v, kind);
}

METHOD(socket, recv_into, "recv_into(self, buffer, nbytes=0, flags=0)",
       "recv_into(buffer, [nbytes[, flags]]) -> nbytes_read\n\nLike recv(), but into a buffer; without nbytes as much as fits.")
{
  Buffer buffer;
  int64_t size = 0;
  int flags;
  if (!socket_buffer(vm, args[0], "recv_into", "", &buffer)) return NO_REF;
  Ref result = NO_REF;
  if ((cd_bits(args[1]) && !socket_size(vm, args[1], "recv_into", &size)) || !socket_flags(vm, args[2], &flags)) goto done;
  if (size == 0) size = buffer.size;
  if (buffer.size < size) { cd_raise_value(vm, "buffer too small for requested bytes"); goto done; }
  ssize_t n = socket_receive(vm, socket_of(self), buffer.data, (size_t)size, flags);
  if (n >= 0) result = cd_from_small(n);
done:
  cd_release_buffer(vm, &buffer);
  return result;
}

METHOD(socket, recvfrom_into, "recvfrom_into(self, buffer, nbytes=0, flags=0)",
       "recvfrom_into(buffer[, nbytes[, flags]]) -> (nbytes, address info)\n\nLike recv_into(), and tell the sender's address.")
{
  Buffer buffer;
  int64_t size = 0;
  int flags;
  if (!socket_buffer(vm, args[0], "recvfrom_into", "", &buffer)) return NO_REF;
  Ref result = NO_REF, from = NO_REF;
  if ((cd_bits(args[1]) && !socket_size(vm, args[1], "recvfrom_into", &size)) || !socket_flags(vm, args[2], &flags)) goto done;
  if (size == 0) size = buffer.size;
  if (buffer.size < size) { cd_raise_value(vm, "nbytes is greater than the length of the buffer"); goto done; }
  ssize_t n = socket_receive_from(vm, socket_of(self), buffer.data, (size_t)size, flags, &from);
  if (n >= 0) result = cd_tuple2_steal(vm, cd_from_small(n), from);
done:
  cd_release_buffer(vm, &buffer);
  return result;
}

// ---- messages with ancillary data ----

static Ref socket_ancillary(VM *vm, struct msghdr *message)
{
  Ref list = cd_list_new(vm);
  for (struct cmsghdr *c = message->msg_controllen ? CMSG_FIRSTHDR(message) : NULL; list && c; c = CMSG_NXTHDR(message, c)) {
    size_t header = (size_t)((char *)CMSG_DATA(c) - (char *)c);
    size_t left = (size_t)((char *)message->msg_control + message->msg_controllen - (char *)CMSG_DATA(c)),
           size = c->cmsg_len > header ? c->cmsg_len - header : 0;
    if (size > left) {
      size = left;
      if (!cd_warn(vm, vm->exc.RuntimeWarning, 1, "received malformed or improperly-truncated ancillary data")) {
        cd_drop(vm, list);
        return NO_REF;
      }
    }
    Ref item = cd_tuple3_steal(vm, cd_from_small(c->cmsg_level), cd_from_small(c->cmsg_type),
                               cd_bytes_new(vm, (const char *)CMSG_DATA(c), size));
    if (!item || !cd_list_append_steal(vm, cd_as_list(list), item)) { cd_drop(vm, list); return NO_REF; }
  }
  return list;
}

// Descriptors that came with a message whose result could not be made must not leak.
static void socket_close_received(struct msghdr *message)
{
  for (struct cmsghdr *c = message->msg_controllen ? CMSG_FIRSTHDR(message) : NULL; c; c = CMSG_NXTHDR(message, c)) {
    if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS) continue;
    size_t count = (c->cmsg_len - (size_t)((char *)CMSG_DATA(c) - (char *)c)) / sizeof(int);
    for (size_t i = 0; i < count; i++) {
      int fd;
      memcpy(&fd, CMSG_DATA(c) + i * sizeof fd, sizeof fd);
      close(fd);
    }
  }
}

// Receives into `parts`; `make` turns the byte count into the first item of the result.
static Ref socket_receive_message(VM *vm, Socket *s, struct iovec *parts, size_t count, Value ancillary_size, Value flags_value,
                                  Ref (*make)(VM *, ssize_t, void *), void *context)
{
  int64_t room = 0;
  int flags;
  if ((cd_bits(ancillary_size) && !cd_to_i64(vm, ancillary_size, &room, vm->exc.OverflowError)) || !socket_flags(vm, flags_value, &flags))
    return NO_REF;
  if (room < 0 || room > INT32_MAX) return cd_raise_value(vm, "invalid ancillary data buffer length");
  char *control = room ? cd_alloc_zeroed(vm, (size_t)room) : NULL;
  if (room && !control) return NO_REF;
  SocketAddress address;
  memset(&address, 0, sizeof address);
  struct msghdr message = {.msg_name = &address,
                           .msg_namelen = sizeof address,
                           .msg_iov = parts,
                           .msg_iovlen = count,
                           .msg_control = control,
                           .msg_controllen = (size_t)room};
  SocketDeadline deadline = {0};
  ssize_t n;
  SOCKET_CALL(vm, s, false, &deadline, n, recvmsg(s->fd, &message, flags | MSG_CMSG_CLOEXEC))
  Ref result = NO_REF;
  if (n >= 0) {
    Ref first = make(vm, n, context), ancillary = first ? socket_ancillary(vm, &message) : NO_REF;
    Ref from = ancillary ? cd_socket_make_address(vm, &address, message.msg_namelen < sizeof address ? message.msg_namelen : sizeof address,
                                                  s->protocol)
                         : NO_REF;
    if (from) {
      Value items[4] = {first, ancillary, cd_from_small(message.msg_flags & ~MSG_CMSG_CLOEXEC), from};
      result = cd_tuple_of(vm, 4, items);
    }
    cd_drop(vm, first);
    cd_drop(vm, ancillary);
    cd_drop(vm, from);
    if (!result) socket_close_received(&message);
  }
  cd_free(vm, control, (size_t)room);
  return result;
}

static Ref recvmsg_bytes(VM *vm, ssize_t n, void *context)
{
  Ref *bytes = context;
  if ((size_t)n < cd_bytes_size(*bytes) && !cd_bytes_resize(vm, bytes, (size_t)n)) return NO_REF;
  return cd_move(bytes);
}

METHOD(socket, recvmsg, "recvmsg(self, bufsize, ancbufsize=0, flags=0, /)",
       "recvmsg(bufsize[, ancbufsize[, flags]]) -> (data, ancdata, msg_flags, address)\n\nReceive a message and up to ancbufsize bytes of "
       "ancillary data, a list of tuples\n(level, type, data).")
{
  int64_t size;
  if (!cd_to_i64(vm, args[0], &size, vm->exc.OverflowError)) return NO_REF;
  if (size < 0) return cd_raise_value(vm, "negative buffer size in recvmsg()");
  Ref bytes = cd_bytes_new(vm, NULL, (size_t)size);
  if (!bytes) return NO_REF;
  struct iovec part = {cd_bytes_data(bytes), (size_t)size};
  Ref result = socket_receive_message(vm, socket_of(self), &part, 1, args[1], args[2], recvmsg_bytes, &bytes);
  cd_drop(vm, bytes);
  return result;
}

// Buffers of an iterable, as system calls take them.
typedef struct SocketParts { Ref items; struct iovec *parts; Buffer *buffers; size_t count, room; } SocketParts;

static void socket_parts_clear(VM *vm, SocketParts *p)
{
  for (size_t i = 0; i < p->count; i++) cd_release_buffer(vm, &p->buffers[i]);
  cd_free(vm, p->buffers, p->room * sizeof *p->buffers);
  cd_free(vm, p->parts, p->room * sizeof *p->parts);
  cd_drop(vm, p->items);
}

static bool socket_parts_init(VM *vm, SocketParts *p, Value iterable, const char *function, bool writable)
{
  *p = (SocketParts){0};
  if (!(p->items = cd_tuple_from(vm, iterable)))
    return cd_swallow(vm, vm->exc.TypeError) ? (bool)cd_raise_type(vm, "%s() argument 1 must be an iterable", function) : false;
  p->room = cd_tuple_size(p->items);
  if (!(p->parts = cd_alloc_array(vm, p->room, sizeof *p->parts)) || !(p->buffers = cd_alloc_array(vm, p->room, sizeof *p->buffers)))
    return false;
  for (; p->count < p->room; p->count++) {
    if (!cd_get_buffer(vm, cd_tuple_item_borrow(p->items, p->count), &p->buffers[p->count], writable ? BUFFER_WRITABLE : BUFFER_SIMPLE)) {
      if (writable && cd_swallow(vm, vm->exc.TypeError))
        cd_raise_type(vm, "%s() argument 1 must be an iterable of single-segment read-write buffers", function);
      else if (writable && cd_swallow(vm, vm->exc.BufferError))
        cd_raise_type(vm, "%s() argument 1 must be an iterable of single-segment read-write buffers", function);
      return false;
    }
    p->parts[p->count] = (struct iovec){p->buffers[p->count].data, (size_t)p->buffers[p->count].size};
  }
  return true;
}

static Ref recvmsg_count(VM *vm UNUSED, ssize_t n, void *context UNUSED) { return cd_from_small(n); }

METHOD(socket, recvmsg_into, "recvmsg_into(self, buffers, ancbufsize=0, flags=0, /)",
       "recvmsg_into(buffers[, ancbufsize[, flags]]) -> (nbytes, ancdata, msg_flags, address)\n\nLike recvmsg(), but scatter the data into "
       "buffers.")
{
  SocketParts parts;
  Ref result = NO_REF;
  if (socket_parts_init(vm, &parts, args[0], "recvmsg_into", true))
    result = socket_receive_message(vm, socket_of(self), parts.parts, parts.count, args[1], args[2], recvmsg_count, NULL);
  socket_parts_clear(vm, &parts);
  return result;
}

// ---- sending ----

METHOD(socket, send, "send(self, data, flags=0, /)",
       "send(data[, flags]) -> count\n\nSend data; returns how many bytes were taken, which may be fewer.")
{
  Buffer buffer;
  int flags;
  if (!cd_get_buffer(vm, args[0], &buffer, BUFFER_SIMPLE)) return NO_REF;
  ssize_t n = -1;
  SocketDeadline deadline = {0};
  if (socket_flags(vm, args[1], &flags))
    SOCKET_CALL(vm, socket_of(self), true, &deadline, n, send(socket_of(self)->fd, buffer.data, (size_t)buffer.size, flags))
  cd_release_buffer(vm, &buffer);
  return n < 0 ? NO_REF : cd_from_small(n);
}

METHOD(socket, sendall, "sendall(self, data, flags=0, /)",
       "sendall(data[, flags])\n\nSend all of the data; after an error nothing tells how much was sent.")
{
  Buffer buffer;
  int flags;
  Socket *s = socket_of(self);
  if (!cd_get_buffer(vm, args[0], &buffer, BUFFER_SIMPLE)) return NO_REF;
  bool ok = socket_flags(vm, args[1], &flags);
  SocketDeadline deadline = {0};
  const char *data = buffer.data;
  for (int64_t left = buffer.size; ok && left > 0;) {
    ssize_t n;
    SOCKET_CALL(vm, s, true, &deadline, n, send(s->fd, data, (size_t)left, flags))
    ok = n >= 0 && cd_poll(vm);
    if (ok) data += n, left -= n;
  }
  cd_release_buffer(vm, &buffer);
  return ok ? cd_none() : NO_REF;
}

METHOD_RAW(socket, sendto, "sendto(self, data, flags, address, /)",
           "sendto(data[, flags], address) -> count\n\nLike send(), to the given address.")
{
  if (!cd_no_keywords(vm, "sendto", kwnames)) return NO_REF;
  if (nargs < 2 || nargs > 3) return cd_raise_type(vm, "sendto() takes 2 or 3 arguments (%zu given)", nargs);
  Buffer buffer;
  int flags;
  Socket *s = socket_of(self);
  SocketAddress address;
  socklen_t size;
  if (!cd_get_buffer(vm, args[0], &buffer, BUFFER_SIMPLE)) return NO_REF;
  ssize_t n = -1;
  SocketDeadline deadline = {0};
  if (socket_flags(vm, nargs == 3 ? args[1] : NO_VALUE, &flags) &&
      cd_socket_parse_address(vm, s, args[nargs - 1], "sendto", &address, &size) &&
      cd_audit(vm, "socket.sendto", 2, (Value[]){self, args[nargs - 1]}))
    SOCKET_CALL(vm, s, true, &deadline, n, sendto(s->fd, buffer.data, (size_t)buffer.size, flags, &address.any, size))
  cd_release_buffer(vm, &buffer);
  return n < 0 ? NO_REF : cd_from_small(n);
}

// Ancillary data of sendmsg() laid out for the system call.
typedef struct SocketControl { char *data; size_t size; } SocketControl;

static bool control_item(VM *vm, Value item, int *level, int *type, Buffer *data)
{
  static const char what[] = "[sendmsg() ancillary data items]";
  if (!cd_is_tuple(item) && !cd_is_list(item)) return cd_raise_type(vm, "%s() argument must be 3-item sequence, not %T", what, item);
  Ref tuple = cd_tuple_from(vm, item);
  if (!tuple) return false;
  bool ok = cd_tuple_size(tuple) == 3 ||
            cd_raise_type(vm, "%s() argument must be sequence of length 3, not %zu", what, cd_tuple_size(tuple));
  ok = ok && cd_to_c_int(vm, cd_tuple_item_borrow(tuple, 0), level) && cd_to_c_int(vm, cd_tuple_item_borrow(tuple, 1), type) &&
       cd_get_buffer(vm, cd_tuple_item_borrow(tuple, 2), data, BUFFER_SIMPLE);
  cd_drop(vm, tuple);
  return ok;
}

static bool control_init(VM *vm, SocketControl *control, Value iterable)
{
  *control = (SocketControl){0};
  if (!cd_bits(iterable)) return true;
  Ref items = cd_tuple_from(vm, iterable);
  if (!items) return cd_swallow(vm, vm->exc.TypeError) ? (bool)cd_raise_type(vm, "sendmsg() argument 2 must be an iterable") : false;
  bool ok = true;
  for (size_t i = 0; ok && i < cd_tuple_size(items); i++) {
    int level, type;
    Buffer data;
    if (!(ok = control_item(vm, cd_tuple_item_borrow(items, i), &level, &type, &data))) break;
    size_t space = data.size <= INT32_MAX / 2 ? CMSG_SPACE((size_t)data.size) : 0;
    if (!space) {
      ok = cd_raise(vm, vm->exc.OSError, "ancillary data item too large");
    } else {
      char *grown = cd_realloc(vm, control->data, control->size, control->size + space);
      if ((ok = grown != NULL)) {
        struct cmsghdr *header = (struct cmsghdr *)(grown + control->size);
        memset(header, 0, space);
        *header = (struct cmsghdr){.cmsg_len = CMSG_LEN((size_t)data.size), .cmsg_level = level, .cmsg_type = type};
        memcpy(CMSG_DATA(header), data.data, (size_t)data.size);
        control->data = grown;
        control->size += space;
      }
    }
    cd_release_buffer(vm, &data);
  }
  cd_drop(vm, items);
  return ok;
}

METHOD(socket, sendmsg, "sendmsg(self, buffers, ancdata=(), flags=0, address=None, /)",
       "sendmsg(buffers[, ancdata[, flags[, address]]]) -> count\n\nSend data gathered from buffers, with ancillary data, a list of tuples "
       "(level, type, data).")
{
  Socket *s = socket_of(self);
  SocketParts parts = {0};
  SocketControl control = {0};
  SocketAddress address;
  socklen_t size = 0;
  int flags;
  ssize_t n = -1;
  if (!socket_parts_init(vm, &parts, args[0], "sendmsg", false) || !control_init(vm, &control, args[1]) ||
      !socket_flags(vm, args[2], &flags))
    goto done;
  bool to = cd_bits(args[3]) && !cd_is_none(args[3]);
  if (to && !cd_socket_parse_address(vm, s, args[3], "sendmsg", &address, &size)) goto done;
  if (!cd_audit(vm, "socket.sendmsg", 2, (Value[]){self, to ? args[3] : cd_none()})) goto done;
  struct msghdr message = {.msg_name = to ? &address : NULL, .msg_namelen = size, .msg_iov = parts.parts, .msg_iovlen = parts.count,
                           .msg_control = control.data, .msg_controllen = control.size};
  SocketDeadline deadline = {0};
  SOCKET_CALL(vm, s, true, &deadline, n, sendmsg(s->fd, &message, flags))
done:
  cd_free(vm, control.data, control.size);
  socket_parts_clear(vm, &parts);
  return n < 0 ? NO_REF : cd_from_small(n);
}

// ---- the kernel's ciphers ----

// One more control message of `size` bytes behind the others.
static unsigned char *control_add(VM *vm, SocketControl *control, int type, size_t size)
{
  size_t space = CMSG_SPACE(size);
  char *grown = cd_realloc(vm, control->data, control->size, control->size + space);
  if (!grown) return NULL;
  struct cmsghdr *header = (struct cmsghdr *)(grown + control->size);
  memset(header, 0, space);
  *header = (struct cmsghdr){.cmsg_len = CMSG_LEN(size), .cmsg_level = SOL_ALG, .cmsg_type = type};
  control->data = grown;
  control->size += space;
  return CMSG_DATA(header);
}

static bool control_add_number(VM *vm, SocketControl *control, int type, uint32_t number)
{
  unsigned char *data = control_add(vm, control, type, sizeof number);
  if (data) memcpy(data, &number, sizeof number);
  return data != NULL;
}

static bool control_add_iv(VM *vm, SocketControl *control, Value v)
{
  Buffer iv;
  if (!cd_bits(v)) return true;
  if (!cd_get_buffer(vm, v, &iv, BUFFER_SIMPLE)) return false;
  uint32_t size = (uint32_t)iv.size;
  unsigned char *data = iv.size > INT_MAX / 2 ? (cd_raise_overflow(vm, "iv is too long"), NULL)
                                              : control_add(vm, control, ALG_SET_IV, sizeof size + size);
  if (data) {
    memcpy(data, &size, sizeof size);
    memcpy(data + sizeof size, iv.data, size);
  }
  cd_release_buffer(vm, &iv);
  return data != NULL;
}

// op, iv, assoclen -> control messages
static bool control_algorithm(VM *vm, SocketControl *control, const Value *args)
{
  int op, length = 0;
  if (!cd_bits(args[1]) || cd_is_none(args[1])) return cd_raise_type(vm, "Invalid or missing argument 'op'");
  if (!cd_to_c_int(vm, args[1], &op)) return false;
  if (op < 0) return cd_raise_type(vm, "Invalid or missing argument 'op'");
  if (cd_bits(args[3]) && !cd_to_c_int(vm, args[3], &length)) return false;
  if (length < 0) return cd_raise_type(vm, "assoclen must be positive");
  return control_add_number(vm, control, ALG_SET_OP, (uint32_t)op) && control_add_iv(vm, control, args[2]) &&
         (!cd_bits(args[3]) || control_add_number(vm, control, ALG_SET_AEAD_ASSOCLEN, (uint32_t)length));
}

METHOD(
  socket, sendmsg_afalg, "sendmsg_afalg(self, msg=(), /, *, op=None, iv=None, assoclen=None, flags=0)",
  "sendmsg_afalg([msg], *, op[, iv[, assoclen[, flags=MSG_MORE]]])\n\nSend data to one of the kernel's ciphers: op is the operation, iv "
  "where it begins, assoclen the size of what is\nauthenticated only.")
{
  Socket *s = socket_of(self);
  SocketParts parts = {0};
  SocketControl control = {0};
  int flags;
  ssize_t n = -1;
  if (s->family != AF_ALG) return cd_raise(vm, vm->exc.OSError, "algset is only supported for AF_ALG");
  if (!socket_flags(vm, args[4], &flags) || !control_algorithm(vm, &control, args) ||
      (cd_bits(args[0]) && !socket_parts_init(vm, &parts, args[0], "sendmsg", false)))
    goto done;
  struct msghdr message = {.msg_iov = parts.parts, .msg_iovlen = parts.count, .msg_control = control.data, .msg_controllen = control.size};
  SocketDeadline deadline = {0};
  SOCKET_CALL(vm, s, true, &deadline, n, sendmsg(s->fd, &message, flags))
done:
  cd_free(vm, control.data, control.size);
  socket_parts_clear(vm, &parts);
  return n < 0 ? NO_REF : cd_from_small(n);
}

// ---- options ----

METHOD(socket, getsockopt, "getsockopt(self, level, option, buffersize=0, /)",
       "getsockopt(level, option[, buffersize]) -> value\n\nGet a socket option: an integer, or with a buffersize bytes.")
{
  int level, option, size = 0;
  if (!cd_to_c_int(vm, args[0], &level) || !cd_to_c_int(vm, args[1], &option) || (cd_bits(args[2]) && !cd_to_c_int(vm, args[2], &size)))
    return NO_REF;
  if (size == 0 && socket_of(self)->family == AF_VSOCK) {
    uint64_t value = 0;
    socklen_t length = sizeof value;
    return getsockopt(socket_of(self)->fd, level, option, &value, &length) < 0 ? socket_error(vm) : cd_int_from_u64(vm, value);
  }
  if (size == 0) {
    int value = 0;
    socklen_t length = sizeof value;
    return getsockopt(socket_of(self)->fd, level, option, &value, &length) < 0 ? socket_error(vm) : cd_from_small(value);
  }
  if (size < 0 || size > 1024) return cd_raise(vm, vm->exc.OSError, "getsockopt buflen out of range");
  char data[1024];
  socklen_t length = (socklen_t)size;
  return getsockopt(socket_of(self)->fd, level, option, data, &length) < 0 ? socket_error(vm) : cd_bytes_new(vm, data, length);
}

METHOD_RAW(socket, setsockopt, "setsockopt(self, level, option, value, optlen, /)",
           "setsockopt(level, option, value: int)\nsetsockopt(level, option, value: buffer)\nsetsockopt(level, option, None, optlen: "
           "int)\n\nSet a socket option.")
{
  int level, option, status;
  if (!cd_no_keywords(vm, "setsockopt", kwnames)) return NO_REF;
  if (nargs != 4 && nargs != 3) return cd_raise_type(vm, "setsockopt() takes exactly 3 arguments (%zu given)", nargs);
  if (!cd_to_c_int(vm, args[0], &level) || !cd_to_c_int(vm, args[1], &option)) return NO_REF;
  if (nargs == 4) {
    int64_t length;
    if (!cd_is_none(args[2])) return cd_raise_type(vm, "setsockopt() argument 3 must be None, not %T", args[2]);
    if (!cd_to_i64(vm, args[3], &length, vm->exc.OverflowError)) return NO_REF;
    if (length < 0 || length > UINT32_MAX) return cd_raise_overflow(vm, "can't convert negative int to unsigned");
    status = setsockopt(socket_of(self)->fd, level, option, NULL, (socklen_t)length);
  } else if (socket_of(self)->family == AF_VSOCK && cd_is_int(args[2])) {
    uint64_t value;
    if (!cd_int_fits_u64(args[2], &value)) return cd_raise_overflow(vm, "can't convert the value to unsigned long");
    status = setsockopt(socket_of(self)->fd, level, option, &value, sizeof value);
  } else if (cd_is_int(args[2])) {
    int value;
    if (!cd_to_c_int(vm, args[2], &value)) return NO_REF;
    status = setsockopt(socket_of(self)->fd, level, option, &value, sizeof value);
  } else {
    Buffer buffer;
    if (!cd_get_buffer(vm, args[2], &buffer, BUFFER_SIMPLE)) return NO_REF;
    status = setsockopt(socket_of(self)->fd, level, option, buffer.data, (socklen_t)buffer.size);
    cd_release_buffer(vm, &buffer);
  }
  return status < 0 ? socket_error(vm) : cd_none();
}

METHOD(socket, setblocking, "setblocking(self, flag, /)",
       "setblocking(flag)\n\nTrue: operations wait; False: they never wait. Like settimeout(None) and settimeout(0.0).")
{
  bool blocking;
  if (!cd_truth(vm, args[0], &blocking)) return NO_REF;
  socket_of(self)->timeout = blocking ? -1 : 0;
  return socket_set_blocking(vm, socket_of(self)->fd, blocking) ? cd_none() : NO_REF;
}

METHOD(socket, getblocking, "getblocking(self, /)", "getblocking()\n\nTell whether operations wait: whether the time-out is not zero.")
{
  return cd_bool(socket_of(self)->timeout != 0);
}

METHOD(socket, settimeout, "settimeout(self, timeout, /)",
       "settimeout(timeout)\n\nSet how long operations wait, in seconds; None: for ever, 0: not at all.")
{
  int64_t timeout;
  if (!cd_socket_parse_timeout(vm, args[0], &timeout)) return NO_REF;
  socket_of(self)->timeout = timeout;
  return socket_set_blocking(vm, socket_of(self)->fd, timeout < 0) ? cd_none() : NO_REF;
}

METHOD(socket, gettimeout, "gettimeout(self, /)", "gettimeout() -> timeout\n\nReturn how long operations wait, in seconds; None: for ever.")
{
  return socket_of(self)->timeout < 0 ? cd_none() : cd_float_new(vm, (double)socket_of(self)->timeout / 1e9);
}

static Ref socket_get_timeout(VM *vm, Value self) { return socket_gettimeout(vm, self, NULL); }

static const MethodDef *const socket_methods[] = {
  &socket__accept_def,      &socket_bind_def,        &socket_close_def,         &socket_connect_def,
  &socket_connect_ex_def,   &socket_detach_def,      &socket_fileno_def,        &socket_getpeername_def,
  &socket_getsockname_def,  &socket_getsockopt_def,  &socket_listen_def,        &socket_recv_def,
  &socket_recv_into_def,    &socket_recvfrom_def,    &socket_recvfrom_into_def, &socket_recvmsg_def,
  &socket_recvmsg_into_def, &socket_send_def,        &socket_sendall_def,       &socket_sendto_def,
  &socket_sendmsg_def,       &socket_sendmsg_afalg_def,     &socket_setblocking_def, &socket_getblocking_def,   &socket_settimeout_def,
  &socket_gettimeout_def,   &socket_setsockopt_def,  &socket_shutdown_def,      NULL,
};

static const MemberDef socket_members[] = {
  {"family", offsetof(Socket, family), MEMBER_I32, false, "the socket family"},
  {"type", offsetof(Socket, type), MEMBER_I32, false, "the socket type"},
  {"proto", offsetof(Socket, protocol), MEMBER_I32, false, "the socket protocol"},
  {0},
};
static const GetSetDef socket_getset[] = {{"timeout", "the socket timeout", socket_get_timeout, NULL}, {0}};

const TypeSpec cd_socket_spec = {
  .name = "_socket.socket",
  .doc = "socket(family=AF_INET, type=SOCK_STREAM, proto=0) -> socket object\nsocket(family=-1, type=-1, proto=-1, fileno=None) -> socket "
         "object\n\n"
         "Open a socket, or take over a descriptor. The family tells what addresses look like, the type\nwhether there are connections "
         "(SOCK_STREAM) or single messages (SOCK_DGRAM).",
  .basicsize = sizeof(Socket),
  .flags = TYPE_BASE,
  .methods = socket_methods,
  .getset = socket_getset,
  .members = socket_members,
  .slots = {.finalize = socket_finalize, .repr = socket_repr, .new_ = socket_new_slot, .init = socket_init},
};
