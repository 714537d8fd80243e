// SPDX-License-Identifier: MIT
// stream.c: transports over connected sockets: TCP and UNIX
#include "loop/transport.h"

#include "objects/bytes.h"
#include "objects/context.h"
#include "objects/dict.h"
#include "objects/function.h"
#include "objects/list.h"
#include "objects/module.h"
#include "objects/protocol.h"
#include "objects/str.h"
#include "objects/tuple.h"
#include "objects/type.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

// Data is sent at once; only what the system does not take waits. What arrives is read into the loop's one buffer, and copied into a bytes
// object of its size. A pause takes effect at once, but the system is told of it only when more arrives: most pauses end before that.
typedef Transport Stream;

enum { STREAM_GATHER = 64 };

static Stream *stream_of(Value v) { return (Stream *)cd_object(v); }

static bool stream_would_block(int error) { return error == EAGAIN || error == EWOULDBLOCK || error == EINTR; }

// ---- reading ----

static bool stream_on_eof(VM *vm, Stream *s)
{
  if (!cd_transport_debug(vm, s, "%r received EOF")) return false;
  bool keep = false;
  Ref answer = cd_call_method0(vm, s->protocol, N(eof_received));
  bool ok = answer && cd_truth(vm, answer, &keep);
  cd_drop(vm, answer);
  if (!ok) return cd_transport_fatal(vm, s, "Fatal error: protocol.eof_received() call failed.");
  return keep ? cd_transport_watch(vm, s, WATCH_READ, false) : cd_transport_close(vm, s);
}

static bool stream_read_failed(VM *vm, Stream *s, int error)
{
  if (stream_would_block(error)) return true;
  cd_raise_os(vm, error, NO_VALUE, NO_VALUE);
  return cd_transport_fatal(vm, s, "Fatal read error on socket transport");
}

static bool stream_read_data(VM *vm, Stream *s)
{
  char *room = cd_loop_io_room(vm, cd_as_loop(s->loop));
  if (!room) return cd_transport_fatal(vm, s, "Fatal read error on socket transport");
  ssize_t n = recv(s->watch.fd, room, READ_ROOM, 0);
  if (n < 0) return stream_read_failed(vm, s, errno);
  if (n == 0) return stream_on_eof(vm, s);
  Ref data = cd_bytes_new(vm, room, (size_t)n), result = data ? cd_call_method1(vm, s->protocol, N(data_received), data) : NO_REF;
  cd_drop(vm, data);
  cd_drop(vm, result);
  return result || cd_transport_fatal(vm, s, "Fatal error: protocol.data_received() call failed.");
}

// The buffer that a BufferedProtocol offers.
static bool stream_get_buffer(VM *vm, Stream *s, Buffer *out)
{
  Ref object = cd_call_method1(vm, s->protocol, N(get_buffer), cd_from_small(-1));
  int64_t length = 0;
  bool ok = object && cd_len(vm, object, &length);
  if (ok && !length) ok = cd_raise_runtime(vm, "get_buffer() returned an empty buffer");
  ok = ok && cd_get_buffer(vm, object, out, BUFFER_WRITABLE);
  cd_drop(vm, object);
  return ok;
}

static bool stream_read_into(VM *vm, Stream *s)
{
  Buffer buffer;
  if (!stream_get_buffer(vm, s, &buffer)) return cd_transport_fatal(vm, s, "Fatal error: protocol.get_buffer() call failed.");
  if (s->watch.fd < 0 || s->lost) {              // get_buffer() gave the connection up
    cd_release_buffer(vm, &buffer);
    return true;
  }
  ssize_t n = recv(s->watch.fd, buffer.data, (size_t)buffer.size, 0);
  int error = errno;
  cd_release_buffer(vm, &buffer);
  if (n < 0) return stream_read_failed(vm, s, error);
  if (n == 0) return stream_on_eof(vm, s);
  Ref result = cd_call_method1(vm, s->protocol, N(buffer_updated), cd_from_small(n));
  cd_drop(vm, result);
  return result || cd_transport_fatal(vm, s, "Fatal error: protocol.buffer_updated() call failed.");
}

static bool stream_read(VM *vm, Stream *s)
{
  if (s->lost || !cd_bits(s->protocol)) return true;
  if (s->paused) return cd_transport_watch(vm, s, WATCH_READ, false);
  return s->wants_buffer ? stream_read_into(vm, s) : stream_read_data(vm, s);
}

// ---- writing ----

static bool stream_shut_down(VM *vm, Stream *s)
{
  return shutdown(s->watch.fd, SHUT_WR) == 0 || cd_raise_os(vm, errno, NO_VALUE, NO_VALUE);
}

static bool stream_write_failed(VM *vm, Stream *s, int error)
{
  cd_transport_drop_queue(vm, s);
  if (!cd_transport_watch(vm, s, WATCH_WRITE, false)) return false;
  cd_raise_os(vm, error, NO_VALUE, NO_VALUE);
  Ref exception = cd_dup(vm->thread->raised);
  bool ok = cd_transport_fatal(vm, s, "Fatal write error on socket transport") && cd_transport_wake_empty_waiter(vm, s, exception);
  cd_drop(vm, exception);
  return ok;
}

static bool stream_all_written(VM *vm, Stream *s)
{
  if (!cd_transport_watch(vm, s, WATCH_WRITE, false) || !cd_transport_wake_empty_waiter(vm, s, NO_VALUE)) return false;
  if (s->closing) {
    s->lost++;
    return cd_transport_finish(vm, s, cd_none());
  }
  return !s->eof || stream_shut_down(vm, s);
}

static bool stream_write_queue(VM *vm, Stream *s)
{
  if (s->lost) return true;
  struct iovec parts[STREAM_GATHER];
  struct msghdr message = {.msg_iov = parts, .msg_iovlen = (size_t)cd_transport_gather(s, parts, STREAM_GATHER)};
  ssize_t n = message.msg_iovlen ? sendmsg(s->watch.fd, &message, MSG_NOSIGNAL) : 0;
  if (n < 0) return stream_would_block(errno) || stream_write_failed(vm, s, errno);
  cd_transport_consume(vm, s, (size_t)n);
  if (!cd_transport_maybe_resume(vm, s)) return false;            // may write more
  return s->buffered || s->lost ? true : stream_all_written(vm, s);
}

static bool stream_ready(VM *vm, Watch *watch, unsigned happened)
{
  Stream *s = (Stream *)watch->owner;
  Loop *loop = watch->loop;                      // running; the transport lets go of it when it ends
  Ref entered;
  bool ok = cd_transport_begin(vm, s, &entered);
  if (ok) {
    if (happened & watch->events & WATCH_READ) ok = stream_read(vm, s);
    if (ok && (happened & watch->events & WATCH_WRITE)) ok = stream_write_queue(vm, s);
    cd_transport_end(vm, s, entered);
  }
  return ok || cd_transport_report_event(vm, s, loop);
}

// ---- birth and death ----

static Ref stream_new(VM *vm, Type *type, const Value *args UNUSED, size_t nargs UNUSED, Value kwnames UNUSED)
{
  Stream *s = cd_instance_new(vm, type);
  if (s) s->watch.fd = -1;
  return cd_from_object(s);
}

METHOD_DEF_(stream_start_reading, "_start_reading", "_start_reading(self, _)", "Begin to hand out what arrives.", 0)
{
  Stream *s = stream_of(self);
  if (s->closing || s->paused) return cd_none();
  return cd_transport_watch(vm, s, WATCH_READ, true) ? cd_none() : NO_REF;
}

// What the accepting side knows of the peer need not be asked for; a dict that tells only that is not kept.
static bool stream_take_extra(VM *vm, Stream *s)
{
  if (!cd_bits(s->extra) || !cd_is_dict(s->extra)) return true;
  Value known = cd_dict_get_text_borrow(vm, s->extra, "peername");
  if (!cd_bits(known)) return !cd_raised(vm);
  s->peername = cd_dup(known);
  s->peername_packed = cd_transport_pack_name(vm, &s->peername);
  if (cd_dict_count(s->extra) == 1) cd_clear(vm, &s->extra);
  return true;
}

static void stream_set_no_delay(int fd)
{
  struct sockaddr_storage address;
  socklen_t size = sizeof address;
  int on = 1;
  if (getsockname(fd, (struct sockaddr *)&address, &size) == 0 && (address.ss_family == AF_INET || address.ss_family == AF_INET6))
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

static bool stream_init(VM *vm, Value self, const Value *args, size_t nargs, Value kwnames)
{
  Value bound[6];
  Ref owned[2] = {NO_REF, NO_REF};
  Stream *s = stream_of(self);
  int fd;
  if (!cd_bind_text(vm, "StreamTransport(loop, sock, protocol, waiter=None, extra=None, server=None)", args, nargs, kwnames, bound, owned))
    return false;
  if (!cd_is_loop(vm, bound[0])) return cd_raise_type(vm, "a native event loop is required, not %T", bound[0]);
  if (!cd_transport_descriptor(vm, bound[1], &fd) ||
      !cd_transport_init(vm, s, bound[0], bound[1], fd, bound[2], bound[4], bound[5], stream_ready) || !stream_take_extra(vm, s) ||
      !cd_transport_ask_name(vm, bound[1], N(getsockname), &s->sockname, &s->sockname_packed) ||
      (!cd_bits(s->peername) && !cd_transport_ask_name(vm, bound[1], N(getpeername), &s->peername, &s->peername_packed)))
    return false;
  stream_set_no_delay(fd);
  if (cd_bits(s->server)) {
    Ref attached = cd_call_method1(vm, s->server, N(_attach), self);   // close_clients() wants to know
    cd_drop(vm, attached);
    if (!attached) return false;
  }
  return cd_transport_start(vm, s, &stream_start_reading_def, bound[3]);
}

// ---- methods ----

METHOD(stream, is_reading, "is_reading(self)", "Is what arrives handed out?")
{
  Stream *s = stream_of(self);
  return cd_bool(!s->closing && !s->paused);
}

METHOD(stream, pause_reading, "pause_reading(self)", "Hand nothing out until resume_reading().")
{
  Stream *s = stream_of(self);
  if (s->closing || s->paused) return cd_none();
  s->paused = true;
  return cd_transport_debug(vm, s, "%r pauses reading") ? cd_none() : NO_REF;
}

METHOD(stream, resume_reading, "resume_reading(self)", "Hand out again what arrives.")
{
  Stream *s = stream_of(self);
  if (s->closing || !s->paused) return cd_none();
  s->paused = false;
  if (!cd_transport_watch(vm, s, WATCH_READ, true)) return NO_REF;
  return cd_transport_debug(vm, s, "%r resumes reading") ? cd_none() : NO_REF;
}

static bool stream_may_write(VM *vm, Stream *s)
{
  if (s->eof) return cd_raise_runtime(vm, "Cannot call write() after write_eof()");
  if (cd_bits(s->empty_waiter)) return cd_raise_runtime(vm, "unable to write; sendfile is in progress");
  return true;
}

// What is left of `data` waits.
static bool stream_enqueue(VM *vm, Stream *s, Value data, size_t skip)
{
  return cd_transport_watch(vm, s, WATCH_WRITE, true) && cd_transport_enqueue(vm, s, data, skip) &&
         cd_transport_maybe_pause(vm, s);
}

// Sends what the system takes of a buffer now. false: an exception is set or the connection is lost, and *sent is SIZE_MAX.
static bool stream_send(VM *vm, Stream *s, const Buffer *buffer, size_t *sent)
{
  *sent = 0;
  if (s->buffered) return true;
  ssize_t n = send(s->watch.fd, buffer->data, (size_t)buffer->size, MSG_NOSIGNAL);
  if (n >= 0) {
    *sent = (size_t)n;
    return true;
  }
  if (stream_would_block(errno)) return true;
  *sent = SIZE_MAX;
  cd_raise_os(vm, errno, NO_VALUE, NO_VALUE);
  return false;
}

static bool stream_write_bytes(VM *vm, Stream *s, Value data)
{
  Buffer buffer;
  size_t sent, size;
  if (!cd_get_buffer(vm, data, &buffer, BUFFER_SIMPLE)) return cd_transport_fatal(vm, s, "Fatal write error on socket transport");
  size = (size_t)buffer.size;
  if (!size || s->lost) {
    cd_release_buffer(vm, &buffer);
    return !size || cd_transport_count_vain_write(vm, s, "socket.send() raised exception.");
  }
  bool ok = stream_send(vm, s, &buffer, &sent);
  cd_release_buffer(vm, &buffer);
  if (!ok) return cd_transport_fatal(vm, s, "Fatal write error on socket transport");
  return sent == size || stream_enqueue(vm, s, data, sent);
}

METHOD(stream, write, "write(self, data)", "Send data; what can't be sent at once is kept and sent later.")
{
  Stream *s = stream_of(self);
  if (!cd_is_bytes(args[0]) && !cd_is_bytearray(args[0]) && !cd_is_exact(args[0], vm->types.memoryview))
    return cd_raise_type(vm, "data argument must be a bytes-like object, not '%T'", args[0]);
  return stream_may_write(vm, s) && stream_write_bytes(vm, s, args[0]) ? cd_none() : NO_REF;
}

// Sends several bytes objects in one go, without joining them. false: exception set.
static bool stream_write_parts(VM *vm, Stream *s, const Value *items, size_t count)
{
  struct iovec parts[STREAM_GATHER];
  size_t total = 0;
  for (size_t i = 0; i < count; i++) {
    parts[i] = (struct iovec){cd_bytes_data(items[i]), cd_bytes_size(items[i])};
    total += parts[i].iov_len;
  }
  if (!total) return true;
  struct msghdr message = {.msg_iov = parts, .msg_iovlen = count};
  ssize_t n = sendmsg(s->watch.fd, &message, MSG_NOSIGNAL);
  if (n < 0 && !stream_would_block(errno)) {
    cd_raise_os(vm, errno, NO_VALUE, NO_VALUE);
    return cd_transport_fatal(vm, s, "Fatal write error on socket transport");
  }
  size_t sent = n < 0 ? 0 : (size_t)n;
  if (sent == total) return true;
  if (!cd_transport_watch(vm, s, WATCH_WRITE, true)) return false;
  for (size_t i = 0; i < count; i++) {
    size_t skip = sent < parts[i].iov_len ? sent : parts[i].iov_len;
    sent -= skip;
    if (skip < parts[i].iov_len && !cd_transport_enqueue(vm, s, items[i], skip)) return false;
  }
  return cd_transport_maybe_pause(vm, s);
}

METHOD(stream, writelines, "writelines(self, list_of_data)", "Send several pieces of data, one after the other.")
{
  Stream *s = stream_of(self);
  Value list = args[0];
  if ((cd_is_exact(list, vm->types.list) || cd_is_exact(list, vm->types.tuple)) && !s->buffered && !s->lost) {
    size_t count, i = 0;
    const Value *items = cd_sequence_items(list, &count);
    while (i < count && cd_is_exact(items[i], vm->types.bytes)) i++;
    if (i == count && count <= STREAM_GATHER) {
      if (!stream_may_write(vm, s)) return NO_REF;
      Ref keep = cd_tuple_of(vm, count, items);  // pause_writing() may change the list
      bool ok = keep && stream_write_parts(vm, s, cd_as_tuple(keep)->items, count);
      cd_drop(vm, keep);
      return ok ? cd_none() : NO_REF;
    }
  }
  Ref joined = cd_call_method1(vm, vm->empty_bytes, N(join), list);
  bool ok = joined && stream_may_write(vm, s) && stream_write_bytes(vm, s, joined);
  cd_drop(vm, joined);
  return ok ? cd_none() : NO_REF;
}

METHOD(stream, write_eof, "write_eof(self)", "Close the writing side once everything has been sent.")
{
  Stream *s = stream_of(self);
  if (s->closing || s->eof) return cd_none();
  s->eof = true;
  return s->buffered || stream_shut_down(vm, s) ? cd_none() : NO_REF;
}

METHOD(stream, can_write_eof, "can_write_eof(self)", "Can the writing side be closed alone? Yes.") { return cd_true(); }

METHOD(stream, _make_empty_waiter, "_make_empty_waiter(self)", "A future that is done once everything has been sent.")
{
  Stream *s = stream_of(self);
  if (cd_bits(s->empty_waiter)) return cd_raise_runtime(vm, "Empty waiter is already set");
  if (!cd_bits(s->loop)) return cd_raise_runtime(vm, "the transport is closed");
  Ref waiter = cd_future_new(vm, s->loop);
  if (!waiter) return NO_REF;
  s->empty_waiter = cd_dup(waiter);
  if (s->buffered || cd_future_set_result(vm, waiter, cd_none())) return waiter;
  cd_drop(vm, waiter);
  return NO_REF;
}

METHOD(stream, _reset_empty_waiter, "_reset_empty_waiter(self)", "Forget that future.")
{
  cd_clear(vm, &stream_of(self)->empty_waiter);
  return cd_none();
}

static const MethodDef *const stream_methods[] = {&stream_is_reading_def,
                                                  &stream_pause_reading_def,
                                                  &stream_resume_reading_def,
                                                  &stream_write_def,
                                                  &stream_writelines_def,
                                                  &stream_write_eof_def,
                                                  &stream_can_write_eof_def,
                                                  &stream__make_empty_waiter_def,
                                                  &stream__reset_empty_waiter_def,
                                                  NULL};

const TypeSpec cd_stream_spec = {
  .name = "_asyncio.StreamTransport",
  .doc = "StreamTransport(loop, sock, protocol, waiter=None, extra=None, server=None)\n--\n\nA transport over a connected socket.",
  .basicsize = sizeof(Stream),
  .flags = TYPE_BASE | TYPE_GC | TYPE_HAS_DICT | TYPE_HAS_WEAKREFS | TYPE_IMMUTABLE,
  .dict_offset = offsetof(Stream, attributes),
  .weaklist_offset = offsetof(Stream, weaklist),
  .methods = stream_methods,
  .slots = {.new_ = stream_new,
            .init = stream_init,
            .repr = cd_transport_repr,
            .release = cd_transport_release,
            .traverse = cd_transport_traverse,
            .clear = cd_transport_clear,
            .finalize = cd_transport_finalize},
};
