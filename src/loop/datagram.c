// SPDX-License-Identifier: MIT
// datagram.c: transports over datagram sockets: UDP, connected or not, and UNIX
#include "loop/transport.h"

#include "objects/bytes.h"
#include "objects/list.h"
#include "objects/protocol.h"
#include "objects/str.h"
#include "objects/tuple.h"
#include "objects/type.h"

#include <errno.h>
#include <sys/socket.h>

// What the system does not take waits as (data, address) pairs; `buffered` is the size of their data.
typedef struct Datagram {
  TRANSPORT_HEAD
  Value address;                                 // owned: the only one to send to; None: any
  Value waiting;                                 // owned list of pairs, from `first` on; NO_VALUE: none
  size_t first;
} Datagram;

enum { DATAGRAMS_A_TURN = 16, COMPACT_AT = 1000 };

static Datagram *datagram_of(Value v) { return (Datagram *)cd_object(v); }
static Transport *datagram_base(Datagram *d) { return (Transport *)d; }

// The OSError that is set goes to protocol.error_received().
static bool datagram_tell_error(VM *vm, Datagram *d)
{
  Ref error = cd_take_raised(vm), result = cd_bits(d->protocol) ? cd_call_method1(vm, d->protocol, N(error_received), error) : cd_none();
  cd_drop(vm, error);
  cd_drop(vm, result);
  return result != NO_REF;
}

// ---- receiving ----

static bool datagram_deliver(VM *vm, Datagram *d, const char *data, size_t size, const struct sockaddr_storage *from, socklen_t length)
{
  Ref address = vm->asyncio->make_address(vm, from, length), bytes = address ? cd_bytes_new(vm, data, size) : NO_REF;
  Value args[2] = {bytes, address};
  Ref result = bytes ? cd_call_method(vm, d->protocol, N(datagram_received), args, 2) : NO_REF;
  cd_drop(vm, bytes);
  cd_drop(vm, address);
  cd_drop(vm, result);
  return result != NO_REF;
}

// One datagram. *more: there may be another.
static bool datagram_receive(VM *vm, Datagram *d, bool *more)
{
  struct sockaddr_storage from;
  socklen_t length = sizeof from;
  char *room = cd_loop_io_room(vm, cd_as_loop(d->loop));
  *more = false;
  if (!room) return cd_transport_fatal(vm, datagram_base(d), "Fatal read error on datagram transport");
  memset(&from, 0, sizeof from);
  ssize_t n = recvfrom(d->watch.fd, room, READ_ROOM, 0, (struct sockaddr *)&from, &length);
  if (n >= 0) {
    *more = true;
    return datagram_deliver(vm, d, room, (size_t)n, &from, length);
  }
  if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) return true;
  cd_raise_os(vm, errno, NO_VALUE, NO_VALUE);
  return datagram_tell_error(vm, d);
}

// ---- sending ----

// false: an exception is set; *later: the system would not take it now.
static bool datagram_send(VM *vm, Datagram *d, Value data, Value address, bool *later)
{
  Ref result;
  *later = false;
  if (cd_bits(d->peername)) {
    result = cd_call_method1(vm, d->channel, N(send), data);
  } else {
    Value args[2] = {data, address};
    result = cd_call_method(vm, d->channel, N(sendto), args, 2);
  }
  cd_drop(vm, result);
  if (result) return true;
  if (!cd_swallow(vm, vm->exc.BlockingIOError) && !cd_swallow(vm, vm->exc.InterruptedError)) return false;
  *later = true;
  return true;
}

static bool datagram_send_failed(VM *vm, Datagram *d)
{
  if (cd_raised_is(vm, vm->exc.OSError)) return datagram_tell_error(vm, d);
  return cd_transport_fatal(vm, datagram_base(d), "Fatal write error on datagram transport");
}

static void datagram_forget_waiting(VM *vm, Datagram *d)
{
  d->buffered = 0;
  d->first = 0;
  cd_clear(vm, &d->waiting);
}

// What has been sent is taken out now and then, so that a queue which is never empty does not grow.
static bool datagram_compact(VM *vm, Datagram *d)
{
  if (d->first < COMPACT_AT) return true;
  Ref rest = cd_list_of(vm, cd_list_size(d->waiting) - d->first, cd_as_list(d->waiting)->items + d->first);
  if (!rest) return false;
  d->first = 0;
  cd_replace(vm, &d->waiting, rest);
  return true;
}

static bool datagram_send_waiting(VM *vm, Datagram *d)
{
  while (!d->lost && cd_bits(d->waiting) && d->first < cd_list_size(d->waiting)) {
    Ref pair = cd_dup(cd_list_item_borrow(d->waiting, d->first));
    Value data = cd_tuple_item_borrow(pair, 0);
    bool later, ok = datagram_send(vm, d, data, cd_tuple_item_borrow(pair, 1), &later);
    if (!later && cd_bits(d->waiting)) {
      d->first++;
      d->buffered -= cd_bytes_size(data);
    }
    cd_drop(vm, pair);
    if (!ok) return datagram_send_failed(vm, d);
    if (later) break;
  }
  if (!cd_transport_maybe_resume(vm, datagram_base(d)) || d->lost) return !cd_raised(vm);
  if (cd_bits(d->waiting) && d->first < cd_list_size(d->waiting)) return datagram_compact(vm, d);
  datagram_forget_waiting(vm, d);
  if (!cd_transport_watch(vm, datagram_base(d), WATCH_WRITE, false)) return false;
  return !d->closing || cd_transport_finish(vm, datagram_base(d), cd_none());
}

static bool datagram_ready(VM *vm, Watch *watch, unsigned happened)
{
  Datagram *d = (Datagram *)watch->owner;
  Loop *loop = watch->loop;                      // running; the transport lets go of it when it ends
  Ref entered;
  bool ok = cd_transport_begin(vm, datagram_base(d), &entered), more = true;
  if (ok) {
    for (int i = 0; i < DATAGRAMS_A_TURN && ok && more && (happened & watch->events & WATCH_READ) && !d->lost; i++)
      ok = datagram_receive(vm, d, &more);
    if (ok && (happened & watch->events & WATCH_WRITE)) ok = datagram_send_waiting(vm, d);
    cd_transport_end(vm, datagram_base(d), entered);
  }
  return ok || cd_transport_report_event(vm, datagram_base(d), loop);
}

// ---- birth and death ----

static void datagram_traverse(Object *self, VisitFn visit, void *context)
{
  Datagram *d = (Datagram *)self;
  cd_transport_traverse(self, visit, context);
  visit(context, d->address);
  visit(context, d->waiting);
}
static void datagram_clear(VM *vm, Object *self)
{
  Datagram *d = (Datagram *)self;
  cd_transport_clear(vm, self);
  cd_clear(vm, &d->waiting);
}
static void datagram_release(VM *vm, Object *self)
{
  Datagram *d = (Datagram *)self;
  cd_transport_release(vm, self);
  cd_clear(vm, &d->waiting);
  cd_clear(vm, &d->address);
}

static Ref datagram_new(VM *vm, Type *type, const Value *args UNUSED, size_t nargs UNUSED, Value kwnames UNUSED)
{
  Datagram *d = cd_instance_new(vm, type);
  if (d) d->watch.fd = -1;
  return cd_from_object(d);
}

METHOD_DEF_(datagram_start_reading, "_start_reading", "_start_reading(self, _)", "Begin to hand out what arrives.", 0)
{
  Datagram *d = datagram_of(self);
  return d->closing || cd_transport_watch(vm, datagram_base(d), WATCH_READ, true) ? cd_none() : NO_REF;
}

static bool datagram_init(VM *vm, Value self, const Value *args, size_t nargs, Value kwnames)
{
  Value bound[6];
  Ref owned[2] = {NO_REF, NO_REF};
  Datagram *d = datagram_of(self);
  int fd;
  if (!cd_bind_text(vm, "DatagramTransport(loop, sock, protocol, address=None, waiter=None, extra=None)", args, nargs, kwnames, bound,
                    owned))
    return false;
  if (!cd_is_loop(vm, bound[0])) return cd_raise_type(vm, "a native event loop is required, not %T", bound[0]);
  if (!cd_transport_descriptor(vm, bound[1], &fd) ||
      !cd_transport_init(vm, datagram_base(d), bound[0], bound[1], fd, bound[2], bound[5], NO_VALUE, datagram_ready))
    return false;
  d->address = cd_bits(bound[3]) ? cd_dup(bound[3]) : cd_none();
  return cd_transport_ask_name(vm, bound[1], N(getsockname), &d->sockname, &d->sockname_packed) &&
         cd_transport_ask_name(vm, bound[1], N(getpeername), &d->peername, &d->peername_packed) &&
         cd_transport_start(vm, datagram_base(d), &datagram_start_reading_def, bound[4]);
}

// ---- methods ----

static bool datagram_wait(VM *vm, Datagram *d, Value data, Value address)
{
  Ref copy = cd_is_exact(data, vm->types.bytes) ? cd_dup(data) : cd_bytes_from_value(vm, data);
  if (!copy || (!cd_bits(d->waiting) && !(d->waiting = cd_list_new(vm)))) {
    cd_drop(vm, copy);
    return false;
  }
  size_t size = cd_bytes_size(copy);
  Ref pair = cd_tuple2_steal(vm, copy, cd_dup(address));
  if (!pair || !cd_list_append_steal(vm, cd_as_list(d->waiting), pair)) return false;
  d->buffered += size;
  return cd_transport_maybe_pause(vm, datagram_base(d));
}

METHOD(datagram, sendto, "sendto(self, data, addr=None)", "Send a datagram; what can't be sent at once is kept and sent later.")
{
  Datagram *d = datagram_of(self);
  Value data = args[0], address = cd_bits(args[1]) ? args[1] : cd_none();
  bool given, same = true;
  int64_t size;
  if (!cd_is_bytes(data) && !cd_is_bytearray(data) && !cd_is_exact(data, vm->types.memoryview))
    return cd_raise_type(vm, "data argument must be a bytes-like object, not '%T'", data);
  if (!cd_len(vm, data, &size) || !cd_truth(vm, cd_bits(d->address) ? d->address : cd_none(), &given)) return NO_REF;
  if (!size) return cd_none();
  if (given) {
    if (!cd_is_none(address) && !cd_equal(vm, address, d->address, &same)) return NO_REF;
    if (!same) return cd_raise_value(vm, "Invalid address: must be None or %S", d->address);
    address = d->address;
  }
  if (d->lost && (given || !cd_bits(d->channel)))
    return cd_transport_count_vain_write(vm, datagram_base(d), "socket.send() raised exception.") ? cd_none() : NO_REF;
  if (!cd_bits(d->channel)) return cd_none();
  if (!d->buffered) {
    bool later;
    if (!datagram_send(vm, d, data, address, &later)) return datagram_send_failed(vm, d) ? cd_none() : NO_REF;
    if (!later) return cd_none();
    if (!cd_transport_watch(vm, datagram_base(d), WATCH_WRITE, true)) return NO_REF;
  }
  return datagram_wait(vm, d, data, address) ? cd_none() : NO_REF;
}

static const MethodDef *const datagram_methods[] = {&datagram_sendto_def, NULL};

const TypeSpec cd_datagram_spec = {
  .name = "_asyncio.DatagramTransport",
  .doc = "DatagramTransport(loop, sock, protocol, address=None, waiter=None, extra=None)\n--\n\nA transport over a datagram socket.",
  .basicsize = sizeof(Datagram),
  .flags = TYPE_BASE | TYPE_GC | TYPE_HAS_DICT | TYPE_HAS_WEAKREFS | TYPE_IMMUTABLE,
  .dict_offset = offsetof(Datagram, attributes),
  .weaklist_offset = offsetof(Datagram, weaklist),
  .methods = datagram_methods,
  .slots = {.new_ = datagram_new,
            .init = datagram_init,
            .repr = cd_transport_repr,
            .release = datagram_release,
            .traverse = datagram_traverse,
            .clear = datagram_clear,
            .finalize = cd_transport_finalize},
};
