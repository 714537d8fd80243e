// SPDX-License-Identifier: MIT
// transport.c: what all native transports share: whom they serve, flow control, and the way they end
#include "loop/transport.h"

#include "objects/bytes.h"
#include "objects/context.h"
#include "objects/dict.h"
#include "objects/exception.h"
#include "objects/float.h"
#include "objects/function.h"
#include "objects/int.h"
#include "objects/list.h"
#include "objects/module.h"
#include "objects/protocol.h"
#include "objects/str.h"
#include "objects/tuple.h"
#include "objects/type.h"

#include <arpa/inet.h>
#include <errno.h>

enum { HIGH_WATER = 64 * 1024, VAIN_WRITES = 5 };

// ---- birth and death ----

void cd_transport_traverse(Object *self, VisitFn visit, void *context)
{
  Transport *t = (Transport *)self;
  visit(context, t->loop);
  visit(context, t->channel);
  visit(context, t->protocol);
  visit(context, t->server);
  visit(context, t->extra);
  visit(context, t->sockname);
  visit(context, t->peername);
  visit(context, t->view);
  visit(context, t->context);
  visit(context, t->empty_waiter);
}

// The watch belongs to the loop's table, which must not outlive the object, nor the other way round.
void cd_transport_clear(VM *vm, Object *self)
{
  Transport *t = (Transport *)self;
  cd_watch_close(vm, &t->watch);
  cd_clear(vm, &t->channel);
  cd_clear(vm, &t->protocol);
  cd_clear(vm, &t->server);
  cd_clear(vm, &t->extra);
  cd_clear(vm, &t->view);
  cd_clear(vm, &t->context);
  cd_clear(vm, &t->empty_waiter);
  cd_clear(vm, &t->loop);
}

void cd_transport_release(VM *vm, Object *self)
{
  Transport *t = (Transport *)self;
  cd_transport_clear(vm, self);
  cd_clear(vm, &t->sockname);
  cd_clear(vm, &t->peername);
  cd_transport_drop_queue(vm, t);
}

void cd_transport_finalize(VM *vm, Value self)
{
  Transport *t = cd_as_transport(self);
  if (!cd_bits(t->channel)) return;
  Ref raised = cd_take_raised(vm), message = cd_str_format(vm, "unclosed transport %R", self);
  bool fine = message && (!vm->warn || vm->warn(vm, vm->exc.ResourceWarning, message, 1, self));
  if (!fine) cd_write_unraisable(vm, self);
  cd_drop(vm, message);
  cd_watch_close(vm, &t->watch);
  Ref channel = cd_take(&t->channel), closed = channel ? cd_call_method0(vm, channel, N(close)) : NO_REF;
  if (channel && !closed) cd_write_unraisable(vm, self);
  cd_drop(vm, closed);
  cd_drop(vm, channel);
  cd_restore_raised(vm, raised);
}

static bool transport_take_protocol(VM *vm, Transport *t, Value protocol)
{
  Ref type = cd_import_attr(vm, "asyncio.protocols", "BufferedProtocol");
  bool wants = false, ok = type && cd_isinstance(vm, protocol, type, &wants);
  cd_drop(vm, type);
  if (!ok) return false;
  t->wants_buffer = wants;
  t->connected = true;
  cd_replace(vm, &t->protocol, cd_dup(protocol));
  return true;
}

bool cd_transport_ask_name(VM *vm, Value channel, Value method, Value *slot, bool *packed)
{
  Ref name = cd_call_method0(vm, channel, method);
  if (!name) return cd_swallow(vm, vm->exc.OSError);
  cd_replace(vm, slot, name);
  *packed = cd_transport_pack_name(vm, slot);
  return true;
}

enum { TRANSPORT_PORT_BITS = 16 };

bool cd_transport_pack_name(VM *vm, Value *slot)
{
  if (!cd_bits(*slot) || !cd_is_exact(*slot, vm->types.tuple) || cd_tuple_size(*slot) != 2) return false;
  Value host = cd_tuple_item_borrow(*slot, 0), port = cd_tuple_item_borrow(*slot, 1);
  struct in_addr address;
  char text[INET_ADDRSTRLEN];
  if (!cd_is_exact(host, vm->types.str) || !cd_is_small(port) || cd_small(port) < 0 || cd_small(port) >> TRANSPORT_PORT_BITS) return false;
  if (inet_pton(AF_INET, cd_str_data(host), &address) != 1 || !inet_ntop(AF_INET, &address, text, sizeof text) || !cd_str_is(host, text))
    return false;
  cd_replace(vm, slot, cd_from_small((int64_t)ntohl(address.s_addr) << TRANSPORT_PORT_BITS | cd_small(port)));
  return true;
}

static Ref transport_name(VM *vm, Value name, bool packed)
{
  if (!packed) return cd_dup(name);
  char text[INET_ADDRSTRLEN];
  struct in_addr address = {.s_addr = htonl((uint32_t)(cd_small(name) >> TRANSPORT_PORT_BITS))};
  if (!inet_ntop(AF_INET, &address, text, sizeof text)) return cd_none();
  return cd_tuple2_steal(vm, cd_str_from(vm, text), cd_from_small(cd_small(name) & ((1 << TRANSPORT_PORT_BITS) - 1)));
}

bool cd_transport_init(VM *vm, Transport *t, Value loop, Value channel, int fd, Value protocol, Value extra, Value server, WatchFn ready)
{
  if (cd_bits(t->loop)) return cd_raise_runtime(vm, "a transport is initialised once");
  t->loop = cd_dup(loop);
  t->high_water = HIGH_WATER;
  t->low_water = HIGH_WATER / 4;
  if (cd_bits(server) && !cd_is_none(server)) t->server = cd_dup(server);
  if (cd_bits(extra) && !cd_is_none(extra)) t->extra = cd_dup(extra);
  t->context = cd_context_snapshot(vm);
  if (!transport_take_protocol(vm, t, protocol) ||
      !cd_watch_open(vm, cd_as_loop(loop), &t->watch, &t->head, fd, ready))
    return false;
  t->watch.is_transport = true;
  t->channel = cd_dup(channel);
  return true;
}

bool cd_transport_descriptor(VM *vm, Value sock, int *fd)
{
  Ref number = cd_call_method0(vm, sock, N(fileno));
  bool ok = number && cd_to_c_int(vm, number, fd);
  cd_drop(vm, number);
  return ok && (*fd >= 0 || cd_raise_os(vm, EBADF, NO_VALUE, NO_VALUE));
}

Ref cd_transport_repr(VM *vm, Value self)
{
  Transport *t = cd_as_transport(self);
  Value short_name = t->head.type->name;
  if (!cd_bits(t->channel)) return cd_str_format(vm, "<%U closed>", short_name);
  if (!cd_bits(t->loop) || cd_as_loop(t->loop)->closed)
    return cd_str_format(vm, "<%U%s fd=%d>", short_name, t->closing ? " closing" : "", t->watch.fd);
  return cd_str_format(vm, "<%U%s fd=%d read=%s write=<%s, bufsize=%zu>>", short_name, t->closing ? " closing" : "", t->watch.fd,
                       t->watch.events & WATCH_READ && !t->paused ? "polling" : "idle", t->watch.events & WATCH_WRITE ? "polling" : "idle",
                       t->buffered);
}

// ---- calls soon ----

bool cd_transport_call_soon(VM *vm, Transport *t, const MethodDef *method, Value argument)
{
  Ref bound = cd_native_new(vm, method, cd_from_object(t), NO_VALUE);
  if (bound) ((Native *)cd_object(bound))->type = t->head.type;  // a method: its signature begins with self
  bool ok = bound && cd_loop_call_soon(vm, t->loop, bound, argument, NO_REF);
  cd_drop(vm, bound);
  return ok;
}

METHOD_DEF_(transport_waiter_done, "_set_result_unless_cancelled", "_set_result_unless_cancelled(waiter)",
            "Tell a future that a transport is ready, if somebody still waits.", 0)
{
  if (cd_is_future(vm, args[0])) return cd_future_done(args[0]) || cd_future_set_result(vm, args[0], cd_none()) ? cd_none() : NO_REF;
  bool cancelled = false;
  Ref answer = cd_call_method0(vm, args[0], N(cancelled));
  bool ok = answer && cd_truth(vm, answer, &cancelled);
  cd_drop(vm, answer);
  if (!ok || cancelled) return ok ? cd_none() : NO_REF;
  Ref name = cd_intern(vm, "set_result"), result = name ? cd_call_method1(vm, args[0], name, cd_none()) : NO_REF;
  cd_drop(vm, name);
  return result;
}

bool cd_transport_start(VM *vm, Transport *t, const MethodDef *start, Value waiter)
{
  Ref made = cd_getattr(vm, t->protocol, N(connection_made));
  bool ok = made && cd_loop_call_soon(vm, t->loop, made, cd_from_object(t), NO_REF) && cd_transport_call_soon(vm, t, start, cd_none());
  cd_drop(vm, made);
  if (!ok || !cd_bits(waiter) || cd_is_none(waiter)) return ok;
  Ref done = cd_native_new(vm, &transport_waiter_done_def, NO_VALUE, NO_VALUE);
  ok = done && cd_loop_call_soon(vm, t->loop, done, waiter, NO_REF);
  cd_drop(vm, done);
  return ok;
}

bool cd_transport_watch(VM *vm, Transport *t, unsigned events, bool on)
{
  return cd_watch_set(vm, &t->watch, on ? t->watch.events | events : t->watch.events & ~events);
}

bool cd_transport_begin(VM *vm, Transport *t, Ref *entered)
{
  Ref context = cd_bits(t->context) ? cd_dup(t->context) : cd_none();
  bool ok = cd_context_begin(vm, context, entered);
  cd_drop(vm, context);
  return ok;
}

void cd_transport_end(VM *vm, Transport *t, Ref entered)
{
  Value vars = ((Context *)cd_object(entered))->vars;
  bool same = cd_bits(vars) ? cd_is(vars, t->context) : cd_is_none(t->context);
  if (!same && cd_bits(t->context) && !cd_is(t->context, entered)) cd_replace(vm, &t->context, cd_dup(entered));
  cd_context_end(vm, entered);
}

// ---- the queue ----

static bool transport_queue_room(VM *vm, Transport *t)
{
  if (t->queue_first + t->queue_count < t->queue_capacity) return true;
  if (t->queue_first >= t->queue_capacity / 2 && t->queue_first) {
    memmove(t->queue, t->queue + t->queue_first, t->queue_count * sizeof *t->queue);
    t->queue_first = 0;
    return true;
  }
  uint32_t capacity = t->queue_capacity ? t->queue_capacity * 2 : 4;
  Value *queue = cd_realloc(vm, t->queue, t->queue_capacity * sizeof *queue, capacity * sizeof *queue);
  if (!queue) return false;
  t->queue = queue;
  t->queue_capacity = capacity;
  return true;
}

// The bytes that `data` has beyond the first `skip`, as an object that does not change. *offset: where they begin in it.
static Ref transport_keep(VM *vm, Value data, size_t skip, size_t *offset)
{
  *offset = skip;
  if (cd_is_exact(data, vm->types.bytes)) return cd_dup(data);
  Buffer buffer;
  *offset = 0;
  if (!cd_get_buffer(vm, data, &buffer, BUFFER_SIMPLE)) return NO_REF;
  Ref copy = cd_bytes_new(vm, buffer.data + skip, (size_t)buffer.size - skip);
  cd_release_buffer(vm, &buffer);
  return copy;
}

bool cd_transport_enqueue(VM *vm, Transport *t, Value data, size_t skip)
{
  size_t offset;
  Ref kept = transport_keep(vm, data, skip, &offset);
  if (kept && offset && t->queue_count) {        // only the first entry may begin in its middle
    Ref rest = cd_bytes_new(vm, cd_bytes_data(kept) + offset, cd_bytes_size(kept) - offset);
    cd_drop(vm, kept);
    kept = rest;
    offset = 0;
  }
  if (!kept || !transport_queue_room(vm, t)) {
    cd_drop(vm, kept);
    return false;
  }
  if (!t->queue_count) t->queue_offset = offset;
  t->buffered += cd_bytes_size(kept) - offset;
  t->queue[t->queue_first + t->queue_count++] = kept;
  return true;
}

int cd_transport_gather(Transport *t, struct iovec *out, int max)
{
  int n = 0;
  for (; n < max && (uint32_t)n < t->queue_count; n++) {
    Value bytes = t->queue[t->queue_first + (uint32_t)n];
    size_t skip = n ? 0 : t->queue_offset;
    out[n] = (struct iovec){cd_bytes_data(bytes) + skip, cd_bytes_size(bytes) - skip};
  }
  return n;
}

static void transport_free_queue(VM *vm, Transport *t)
{
  cd_free(vm, t->queue, t->queue_capacity * sizeof *t->queue);
  t->queue = NULL;
  t->queue_capacity = t->queue_first = 0;
  t->queue_offset = 0;
}

void cd_transport_consume(VM *vm, Transport *t, size_t count)
{
  t->buffered -= count;
  while (t->queue_count) {
    size_t rest = cd_bytes_size(t->queue[t->queue_first]) - t->queue_offset;
    if (count < rest) {
      t->queue_offset += count;
      return;
    }
    count -= rest;
    t->queue_offset = 0;
    Ref gone = cd_from_bits(cd_bits(t->queue[t->queue_first++]));
    t->queue_count--;
    cd_drop(vm, gone);                           // bytes: runs nothing
  }
  transport_free_queue(vm, t);
}

void cd_transport_drop_queue(VM *vm, Transport *t)
{
  t->buffered = 0;
  for (; t->queue_count; t->queue_count--) cd_drop(vm, cd_from_bits(cd_bits(t->queue[t->queue_first++])));
  transport_free_queue(vm, t);
}

// ---- reports ----

static bool transport_ends_run(VM *vm) { return cd_raised_is(vm, vm->exc.KeyboardInterrupt) || cd_raised_is(vm, vm->exc.SystemExit); }

// loop.call_exception_handler() with the exception that is set, which is taken.
static bool transport_report(VM *vm, Transport *t, const char *message)
{
  if (transport_ends_run(vm)) return false;
  Ref exception = cd_take_raised(vm), context = cd_dict_new(vm), loop = cd_dup(t->loop);
  Value self = cd_from_object(t);
  bool ok = context && cd_dict_set_text_steal(vm, context, "message", cd_str_from(vm, message)) &&
            cd_dict_set_text(vm, context, "exception", exception) && cd_dict_set_text(vm, context, "transport", self) &&
            cd_dict_set_text(vm, context, "protocol", cd_bits(t->protocol) ? t->protocol : cd_none());
  Ref result = ok ? cd_call_method1(vm, loop, N(call_exception_handler), context) : NO_REF;
  cd_drop(vm, loop);
  cd_drop(vm, context);
  cd_drop(vm, exception);
  cd_drop(vm, result);
  return result != NO_REF;
}

static Ref transport_logger_method(VM *vm, const char *name)
{
  Ref logger = cd_import_attr(vm, "asyncio.log", "logger"), method = logger ? cd_getattr_text(vm, logger, name) : NO_REF;
  cd_drop(vm, logger);
  return method;
}

bool cd_transport_debug(VM *vm, Transport *t, const char *format)
{
  if (!cd_bits(t->loop) || !cd_as_loop(t->loop)->debug) return true;
  Ref debug = transport_logger_method(vm, "debug"), text = debug ? cd_str_from(vm, format) : NO_REF,
      result = text ? cd_call2(vm, debug, text, cd_from_object(t)) : NO_REF;
  cd_drop(vm, debug);
  cd_drop(vm, text);
  cd_drop(vm, result);
  return result != NO_REF;
}

// logger.debug('%r: %s', self, message, exc_info=exception)
static bool transport_log_error(VM *vm, Transport *t, const char *message, Value exception)
{
  Ref debug = transport_logger_method(vm, "debug"), text = cd_str_from(vm, message), format = cd_str_from(vm, "%r: %s");
  Ref names = cd_tuple_new(vm, 1), key = cd_intern(vm, "exc_info"), result = NO_REF;
  if (names && key) cd_tuple_set(names, 0, cd_move(&key));
  if (debug && text && format && names && !cd_raised(vm)) {
    Value args[4] = {format, cd_from_object(t), text, exception};
    result = cd_call(vm, debug, args, 3, names);
  }
  cd_drop(vm, key);
  cd_drop(vm, names);
  cd_drop(vm, format);
  cd_drop(vm, text);
  cd_drop(vm, debug);
  cd_drop(vm, result);
  return result != NO_REF;
}

bool cd_transport_count_vain_write(VM *vm, Transport *t, const char *message)
{
  if (t->lost++ < VAIN_WRITES) return true;
  Ref warning = transport_logger_method(vm, "warning"), text = warning ? cd_str_from(vm, message) : NO_REF,
      result = text ? cd_call1(vm, warning, text) : NO_REF;
  cd_drop(vm, warning);
  cd_drop(vm, text);
  cd_drop(vm, result);
  return result != NO_REF;
}

bool cd_transport_report_event(VM *vm, Transport *t, Loop *loop)
{
  Value self = cd_from_object(t);
  return cd_loop_report(vm, cd_from_object(loop), "transport", self, "Exception in transport %R", self);
}

// ---- flow control ----

static bool transport_tell_flow(VM *vm, Transport *t, Value method, const char *failure)
{
  if (!cd_bits(t->protocol)) return true;
  Ref result = cd_call_method0(vm, t->protocol, method);
  cd_drop(vm, result);
  return result || transport_report(vm, t, failure);
}

bool cd_transport_maybe_pause(VM *vm, Transport *t)
{
  if (LIKELY(t->buffered <= t->high_water) || t->protocol_paused) return true;
  t->protocol_paused = true;
  return transport_tell_flow(vm, t, N(pause_writing), "protocol.pause_writing() failed");
}

bool cd_transport_maybe_resume(VM *vm, Transport *t)
{
  if (LIKELY(!t->protocol_paused) || t->buffered > t->low_water) return true;
  t->protocol_paused = false;
  return transport_tell_flow(vm, t, N(resume_writing), "protocol.resume_writing() failed");
}

static bool transport_set_limits(VM *vm, Transport *t, Value high, Value low)
{
  bool no_high = !cd_bits(high) || cd_is_none(high), no_low = !cd_bits(low) || cd_is_none(low);
  int64_t h = HIGH_WATER, l = 0;
  if (!no_low && !cd_to_i64(vm, low, &l, NULL)) return false;
  if (!no_high && !cd_to_i64(vm, high, &h, NULL)) return false;
  if (no_high && !no_low && __builtin_mul_overflow(l, 4, &h)) h = INT64_MAX;
  if (no_low) l = h >= 0 ? h / 4 : (h - 3) / 4;
  if (!(h >= l && l >= 0))
    return cd_raise_value(vm, "high (%lld) must be >= low (%lld) must be >= 0", (long long)h, (long long)l);
  t->high_water = (size_t)h;
  t->low_water = (size_t)l;
  return true;
}

// ---- the end ----

METHOD_DEF_(transport_call_connection_lost, "_call_connection_lost", "_call_connection_lost(self, exc)",
            "Tell the protocol that the connection is over, and let everything go.", 0)
{
  return cd_transport_finish(vm, cd_as_transport(self), args[0]) ? cd_none() : NO_REF;
}

bool cd_transport_wake_empty_waiter(VM *vm, Transport *t, Value exception)
{
  if (!cd_bits(t->empty_waiter) || cd_future_done(t->empty_waiter)) return true;
  Ref waiter = cd_dup(t->empty_waiter);
  bool ok = cd_bits(exception) ? cd_future_set_exception(vm, waiter, exception) : cd_future_set_result(vm, waiter, cd_none());
  cd_drop(vm, waiter);
  return ok;
}

// Whoever waits for the queue to empty learns that it never will.
static bool transport_fail_empty_waiter(VM *vm, Transport *t)
{
  if (!cd_bits(t->empty_waiter) || cd_future_done(t->empty_waiter)) return true;
  cd_raise(vm, vm->exc.ConnectionError, "Connection is closed by peer");
  Ref error = cd_take_raised(vm);
  bool ok = cd_transport_wake_empty_waiter(vm, t, error);
  cd_drop(vm, error);
  return ok;
}

bool cd_transport_finish(VM *vm, Transport *t, Value exception)
{
  if (!cd_bits(t->channel)) return true;
  Ref self = cd_dup_object(t), result = cd_none();
  if (t->connected && cd_bits(t->protocol)) result = cd_call_method1(vm, t->protocol, N(connection_lost), exception);
  Ref raised = cd_take_raised(vm);
  cd_watch_close(vm, &t->watch);
  Ref channel = cd_take(&t->channel), server = cd_take(&t->server), done = channel ? cd_call_method0(vm, channel, N(close)) : cd_none();
  t->view_is_raw = !cd_bits(t->view);
  if (t->view_is_raw) t->view = channel;
  else cd_drop(vm, channel);
  cd_drop(vm, done);
  if (server && done) {
    Ref detached = cd_call_method0(vm, server, N(_detach));
    if (!detached) done = NO_REF;
    cd_drop(vm, detached);
  }
  cd_drop(vm, server);
  cd_clear(vm, &t->protocol);
  cd_clear(vm, &t->context);
  cd_clear(vm, &t->loop);
  if (!raised && done && !transport_fail_empty_waiter(vm, t)) done = NO_REF;
  if (raised) cd_restore_raised(vm, raised);
  cd_drop(vm, result);
  cd_drop(vm, self);
  return result && done;
}

bool cd_transport_force_close(VM *vm, Transport *t, Value exception)
{
  if (t->lost || !cd_bits(t->loop)) return true;
  cd_transport_drop_queue(vm, t);
  t->closing = true;
  t->lost++;
  Ref self = cd_dup_object(t);
  bool ok = cd_transport_call_soon(vm, t, &transport_call_connection_lost_def, exception);
  if (!cd_watch_set(vm, &t->watch, 0)) ok = false;
  cd_drop(vm, self);
  return ok;
}

bool cd_transport_close(VM *vm, Transport *t)
{
  if (t->closing || !cd_bits(t->loop)) return true;
  t->closing = true;
  Ref self = cd_dup_object(t);
  bool ok = true;
  if (!t->buffered) {
    t->lost++;
    ok = cd_transport_call_soon(vm, t, &transport_call_connection_lost_def, cd_none());
  }
  if (!cd_watch_set(vm, &t->watch, t->buffered ? t->watch.events & WATCH_WRITE : 0)) ok = false;
  cd_drop(vm, self);
  return ok;
}

bool cd_transport_fatal(VM *vm, Transport *t, const char *message)
{
  if (transport_ends_run(vm)) return false;
  Ref self = cd_dup_object(t), exception = NO_REF;
  bool ok = true;
  if (cd_raised_is(vm, vm->exc.OSError)) {
    exception = cd_take_raised(vm);
    if (cd_bits(t->loop) && cd_as_loop(t->loop)->debug) ok = transport_log_error(vm, t, message, exception);
  } else {
    exception = cd_dup(vm->thread->raised);
    if (cd_bits(t->loop)) ok = transport_report(vm, t, message);
    else cd_clear_raised(vm);
  }
  ok = ok && cd_transport_force_close(vm, t, exception);
  cd_drop(vm, exception);
  cd_drop(vm, self);
  return ok;
}

// ---- methods ----

METHOD(transport, abort, "abort(self)", "Close at once; what was not sent yet is lost.")
{
  return cd_transport_force_close(vm, cd_as_transport(self), cd_none()) ? cd_none() : NO_REF;
}

METHOD(transport, close, "close(self)", "Close once everything has been sent.")
{
  return cd_transport_close(vm, cd_as_transport(self)) ? cd_none() : NO_REF;
}

METHOD(transport, is_closing, "is_closing(self)", "Is it closing, or closed?") { return cd_bool(cd_as_transport(self)->closing); }

METHOD(transport, set_protocol, "set_protocol(self, protocol)", "From now on events go to another protocol.")
{
  return transport_take_protocol(vm, cd_as_transport(self), args[0]) ? cd_none() : NO_REF;
}

METHOD(transport, get_protocol, "get_protocol(self)", "The protocol that events go to.")
{
  Value protocol = cd_as_transport(self)->protocol;
  return cd_bits(protocol) ? cd_dup(protocol) : cd_none();
}

static Ref transport_view(VM *vm, Transport *t)
{
  if (cd_bits(t->view) && !t->view_is_raw) return cd_dup(t->view);
  Value channel = t->view_is_raw ? t->view : t->channel;
  if (!cd_bits(channel)) return NO_REF;
  Ref type = cd_import_attr(vm, "asyncio.trsock", "TransportSocket"), view = type ? cd_call1(vm, type, channel) : NO_REF;
  cd_drop(vm, type);
  if (!view) return NO_REF;
  cd_replace(vm, &t->view, cd_dup(view));
  t->view_is_raw = false;
  return view;
}

METHOD(transport, get_extra_info, "get_extra_info(self, name, default=None)", "Something about the connection, or the default.")
{
  Transport *t = cd_as_transport(self);
  Ref found = NO_REF;
  if (cd_str_is(args[0], "socket") && t->watch.is_transport) {
    found = transport_view(vm, t);
    if (found || cd_raised(vm)) return found;
  }
  if (cd_str_is(args[0], "peername") && cd_bits(t->peername)) return transport_name(vm, t->peername, t->peername_packed);
  if (cd_str_is(args[0], "sockname") && cd_bits(t->sockname)) return transport_name(vm, t->sockname, t->sockname_packed);
  if (cd_bits(t->extra)) {
    Find find = cd_is_exact(t->extra, vm->types.dict) ? cd_dict_find(vm, t->extra, args[0], &found) : FIND_MISSING;
    if (find != FIND_MISSING) return find == FIND_HIT ? found : NO_REF;
  }
  return cd_bits(args[1]) ? cd_dup(args[1]) : cd_none();
}

METHOD(transport, get_write_buffer_size, "get_write_buffer_size(self)", "How many bytes wait to be sent.")
{
  return cd_from_small((int64_t)cd_as_transport(self)->buffered);
}

METHOD(transport, get_write_buffer_limits, "get_write_buffer_limits(self)", "The (low, high) water marks of flow control.")
{
  Transport *t = cd_as_transport(self);
  return cd_tuple2_steal(vm, cd_from_small((int64_t)t->low_water), cd_from_small((int64_t)t->high_water));
}

METHOD(transport, set_write_buffer_limits, "set_write_buffer_limits(self, high=None, low=None)",
       "Set the water marks of flow control, in bytes: above `high` the protocol is paused, at `low` it goes on.")
{
  Transport *t = cd_as_transport(self);
  return transport_set_limits(vm, t, args[0], args[1]) && cd_transport_maybe_pause(vm, t) ? cd_none() : NO_REF;
}

METHOD(transport, _force_close, "_force_close(self, exc)", "Close at once, for this reason or None.")
{
  return cd_transport_force_close(vm, cd_as_transport(self), args[0]) ? cd_none() : NO_REF;
}

METHOD(transport, _fatal_error, "_fatal_error(self, exc, message='Fatal error on transport')", "Report an error and close at once.")
{
  const char *message = cd_bits(args[1]) ? cd_str_utf8(vm, args[1], NULL) : "Fatal error on transport";
  if (!message) return NO_REF;
  cd_restore_raised(vm, cd_dup(args[0]));
  return cd_transport_fatal(vm, cd_as_transport(self), message) ? cd_none() : NO_REF;
}

static const MethodDef *const transport_methods[] = {&transport_abort_def,
                                                 &transport_close_def,
                                                 &transport_is_closing_def,
                                                 &transport_set_protocol_def,
                                                 &transport_get_protocol_def,
                                                 &transport_get_extra_info_def,
                                                 &transport_get_write_buffer_size_def,
                                                 &transport_get_write_buffer_limits_def,
                                                 &transport_set_write_buffer_limits_def,
                                                 &transport_call_connection_lost_def,
                                                 &transport__force_close_def,
                                                 &transport__fatal_error_def,
                                                 NULL};

static Ref transport_get_sock(VM *vm UNUSED, Value self)
{
  Value channel = cd_as_transport(self)->channel;
  return cd_bits(channel) ? cd_dup(channel) : cd_none();
}
static Ref transport_get_fd(VM *vm UNUSED, Value self) { return cd_from_small(cd_as_transport(self)->watch.fd); }
static Ref transport_get_loop(VM *vm UNUSED, Value self)
{
  Value loop = cd_as_transport(self)->loop;
  return cd_bits(loop) ? cd_dup(loop) : cd_none();
}
static Ref transport_get_paused(VM *vm UNUSED, Value self) { return cd_bool(cd_as_transport(self)->protocol_paused); }

static const GetSetDef transport_getset[] = {{"_sock", "The socket, or None after the end.", transport_get_sock, NULL},
                                         {"_sock_fd", "Its descriptor.", transport_get_fd, NULL},
                                         {"_loop", "The loop, or None after the end.", transport_get_loop, NULL},
                                         {"_protocol_paused", "Was the protocol told to pause writing?", transport_get_paused, NULL},
                                         {NULL, NULL, NULL, NULL}};

const TypeSpec cd_transport_spec = {
  .name = "_asyncio.Transport",
  .doc = "What native transports share.",
  .basicsize = sizeof(Transport),
  .flags = TYPE_BASE | TYPE_GC | TYPE_HAS_DICT | TYPE_HAS_WEAKREFS | TYPE_NO_NEW | TYPE_IMMUTABLE,
  .dict_offset = offsetof(Transport, attributes),
  .weaklist_offset = offsetof(Transport, weaklist),
  .methods = transport_methods,
  .getset = transport_getset,
  .slots = {.release = cd_transport_release,
            .traverse = cd_transport_traverse,
            .clear = cd_transport_clear,
            .finalize = cd_transport_finalize},
};
