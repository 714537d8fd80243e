// SPDX-License-Identifier: MIT
// socket.h: what the files of the _socket module share
#ifndef CEDE_MODULES_SOCKET_H
#define CEDE_MODULES_SOCKET_H

#include "core/lock.h"
#include "modules/module_list.h"
#include "modules/sys.h"
#include "modules/waiting.h"
#include "objects/bytes.h"
#include "objects/exception.h"
#include "objects/float.h"
#include "objects/function.h"
#include "objects/int.h"
#include "objects/list.h"
#include "objects/protocol.h"
#include "objects/str.h"
#include "objects/tuple.h"
#include "objects/type.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <linux/if_packet.h>
#include <linux/netlink.h>
#include <linux/vm_sockets.h>

typedef struct SocketState {
  Type *socket;                                  // owned
  Value gaierror, herror;                        // classes, owned
  int64_t default_timeout;                       // nanoseconds; -1: none
} SocketState;

static inline SocketState *socket_state(VM *vm) { return cd_state(vm, MODULE__socket); }

typedef struct Socket {
  Object head;
  int fd;                                        // -1: closed
  int family, type, protocol;
  int64_t timeout;                               // nanoseconds; -1: blocking, 0: never waits
} Socket;

// Any address the kernel has.
typedef union SocketAddress {
  struct sockaddr any;
  struct sockaddr_in in;
  struct sockaddr_in6 in6;
  struct sockaddr_un un;
  struct sockaddr_nl nl;
  struct sockaddr_ll ll;
  struct sockaddr_vm vm;
  struct sockaddr_storage room;
} SocketAddress;

extern const TypeSpec cd_socket_spec;
extern const MethodDef *const cd_socket_functions[];

// socket_address.c
MUST_USE bool cd_socket_parse_address(VM *vm, const Socket *socket, Value v, const char *function, SocketAddress *out, socklen_t *size);
MUST_USE Ref cd_socket_make_address(VM *vm, const SocketAddress *address, socklen_t size, int protocol);
// Resolves a host name into an address of `family` (AF_UNSPEC: any); fills all but the port. The size of the address, 0: exception.
socklen_t cd_socket_resolve(VM *vm, const char *name, SocketAddress *out, size_t room, int family);
// A host name argument as bytes: ASCII text, or text by the idna codec.
MUST_USE Ref cd_socket_host(VM *vm, Value v);
MUST_USE Ref cd_socket_address_text(VM *vm, const SocketAddress *address);       // numeric host
Ref cd_socket_raise_gai(VM *vm, int error);
// socket_rare.c: families that socket_address.c does not know. cd_socket_make_rare: NO_REF without an exception is "not one of these"
MUST_USE bool cd_socket_parse_rare(VM *vm, const Socket *socket, Value v, const char *function, SocketAddress *out, socklen_t *size);
Ref cd_socket_make_rare(VM *vm, const SocketAddress *address, int protocol);
// socket_object.c
MUST_USE Ref cd_socket_new(VM *vm, Type *type, int fd, int family, int kind, int protocol);
MUST_USE bool cd_socket_parse_timeout(VM *vm, Value v, int64_t *out);

#endif
