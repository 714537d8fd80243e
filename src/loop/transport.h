// SPDX-License-Identifier: MIT
// transport.h: what all native transports share: whom they serve, flow control, and the way they end
#ifndef CEDE_LOOP_TRANSPORT_H
#define CEDE_LOOP_TRANSPORT_H

#include "loop/loop.h"
#include "loop/watch.h"

#include <sys/uio.h>

// A transport between a descriptor and a protocol object. The descriptor belongs to `channel`, the socket or file that it was made for.
//
// What could not be written at once waits in a queue of bytes objects; those that the program gave as bytes are not copied. `buffered` is
// their size together, and flow control goes by it. `lost` counts: 1 once the connection is given up, and one more for each vain write.
#define TRANSPORT_HEAD                                                                                                       \
  Object head;                                                                                                               \
  AttributeHead attributes;                                                                                                  \
  Weakref *weaklist;                                                                                                         \
  Watch watch;                                                                                                               \
  Value loop, channel, protocol, server, extra;  /* owned; NO_VALUE for None, and the first three after the end */           \
  Value sockname, peername, view;                /* owned; NO_VALUE: not known; view: the TransportSocket, made at need */  \
  Value context;                                 /* owned Context or snapshot: events are handled in it */                   \
  Value empty_waiter;                            /* owned: a future for "all is sent", of sendfile(); NO_VALUE */            \
  Value *queue;                                  /* owned entries: bytes, first..first+count */                              \
  uint32_t queue_first, queue_count, queue_capacity;                                                                         \
  size_t queue_offset;                           /* bytes of the first entry that are gone */                                \
  size_t buffered, high_water, low_water;                                                                                    \
  uint32_t lost;                                                                                                             \
  bool connected;                                /* there is a protocol to tell of the end */                                \
  bool closing, paused, eof, protocol_paused, wants_buffer;                                                                  \
  bool sockname_packed, peername_packed;         /* see cd_transport_pack_name */                                            \
  bool view_is_raw;                              /* `view` is the closed socket itself: wrapped when somebody asks */

typedef struct Transport { TRANSPORT_HEAD } Transport;

static inline Transport *cd_as_transport(Value v) { return (Transport *)cd_object(v); }

void cd_transport_traverse(Object *self, VisitFn visit, void *context);
void cd_transport_clear(VM *vm, Object *self);
void cd_transport_release(VM *vm, Object *self);
void cd_transport_finalize(VM *vm, Value self);  // warns when it was not closed

// Start of __init__: takes loop, channel and protocol, enters `fd` in the loop's table.
MUST_USE bool cd_transport_init(VM *vm, Transport *t, Value loop, Value channel, int fd, Value protocol, Value extra, Value server,
                                WatchFn ready);
// A ('1.2.3.4', port) in *slot becomes a number that says the same, since most are never asked for and there are many. Other values stay.
bool cd_transport_pack_name(VM *vm, Value *slot);
// What getsockname() or getpeername() says, packed; nothing when the system refuses.
MUST_USE bool cd_transport_ask_name(VM *vm, Value channel, Value method, Value *slot, bool *packed);
MUST_USE bool cd_transport_descriptor(VM *vm, Value channel, int *fd);                     // fileno(), which must not be negative
Ref cd_transport_repr(VM *vm, Value self);
// Soon: protocol.connection_made(self), then `start`(None) of the transport, then the waiter's result, in this order.
MUST_USE bool cd_transport_start(VM *vm, Transport *t, const MethodDef *start, Value waiter);
MUST_USE bool cd_transport_call_soon(VM *vm, Transport *t, const MethodDef *method, Value argument);      // a method of the transport

// Around handling an event. The context stays a snapshot until a callback changes a variable.
MUST_USE bool cd_transport_begin(VM *vm, Transport *t, Ref *entered);
void cd_transport_end(VM *vm, Transport *t, Ref entered);
// The exception that handling an event ended in is reported to the loop. false: it ends the run.
MUST_USE bool cd_transport_report_event(VM *vm, Transport *t, Loop *loop);

// ---- the queue ----
MUST_USE bool cd_transport_enqueue(VM *vm, Transport *t, Value data, size_t skip);   // a bytes-like object, but for its first `skip` bytes
int cd_transport_gather(Transport *t, struct iovec *out, int max);                         // the front of the queue
void cd_transport_consume(VM *vm, Transport *t, size_t count);
void cd_transport_drop_queue(VM *vm, Transport *t);

// ---- flow control. false: an exception that ends the run ----
MUST_USE bool cd_transport_maybe_pause(VM *vm, Transport *t);
MUST_USE bool cd_transport_maybe_resume(VM *vm, Transport *t);

// ---- the end ----
// The exception that is set is reported (unless it is one of the system, which only debug mode logs) and the connection is given up. false:
// it ends the run.
MUST_USE bool cd_transport_fatal(VM *vm, Transport *t, const char *message);
MUST_USE bool cd_transport_force_close(VM *vm, Transport *t, Value exception);             // None: no error
MUST_USE bool cd_transport_close(VM *vm, Transport *t);
MUST_USE bool cd_transport_finish(VM *vm, Transport *t, Value exception);                  // connection_lost(), then everything is let go
MUST_USE bool cd_transport_watch(VM *vm, Transport *t, unsigned events, bool on);
// logger.debug(format, args...) when the loop is in debug mode. false: exception set.
MUST_USE bool cd_transport_debug(VM *vm, Transport *t, const char *format);
// After five vain writes each one more is worth a warning.
MUST_USE bool cd_transport_count_vain_write(VM *vm, Transport *t, const char *message);

MUST_USE bool cd_transport_wake_empty_waiter(VM *vm, Transport *t, Value exception);       // NO_VALUE: all is sent

extern const TypeSpec cd_transport_spec;         // the base type of the others
extern const TypeSpec cd_stream_spec;            // stream.c
extern const TypeSpec cd_datagram_spec;          // datagram.c
extern const TypeSpec cd_reader_pair_spec;       // readers.c
extern const MethodDef *const cd_reader_methods[];   // readers.c: add_reader and the like, for the Loop type

#endif
