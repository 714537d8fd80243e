// SPDX-License-Identifier: MIT
// _socket.c: the _socket module: functions around sockets, name services, constants
#include "modules/socket.h"
#include "objects/misc.h"

#include <fcntl.h>
#include <linux/can.h>
#include <linux/can/bcm.h>
#include <linux/can/j1939.h>
#include <linux/can/raw.h>
#include <linux/if_alg.h>
#include <linux/tipc.h>
#include <linux/udp.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

static Ref netdb_error(VM *vm) { return cd_raise_os(vm, errno, NO_VALUE, NO_VALUE); }

// ---- descriptors ----

FUNCTION(_socket, close, "close(integer, /)", "close(integer) -> None\n\nClose a socket's descriptor.")
{
  int fd;
  if (!cd_to_c_int(vm, args[0], &fd)) return NO_REF;
  Thread *me = cd_unlock(vm);
  int status = close(fd);
  cd_relock(vm, me);
  return status < 0 && errno != ECONNRESET ? netdb_error(vm) : cd_none();
}

FUNCTION(_socket, dup, "dup(integer, /)",
         "dup(integer) -> integer\n\nDuplicate a socket's descriptor; the new one is not inherited by child processes.")
{
  int fd;
  if (!cd_to_c_int(vm, args[0], &fd)) return NO_REF;
  int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
  return copy < 0 ? netdb_error(vm) : cd_from_small(copy);
}

FUNCTION(
  _socket, socketpair, "socketpair(family=AF_UNIX, type=SOCK_STREAM, proto=0, /)",
  "socketpair([family[, type [, proto]]]) -> (socket object, socket object)\n\nMake a pair of sockets that are connected with each other.")
{
  int numbers[3] = {AF_UNIX, SOCK_STREAM, 0}, fds[2];
  for (int i = 0; i < 3; i++)
    if (cd_bits(args[i]) && !cd_to_c_int(vm, args[i], &numbers[i])) return NO_REF;
  if (socketpair(numbers[0], numbers[1] | SOCK_CLOEXEC, numbers[2], fds) < 0) return netdb_error(vm);
  Type *type = socket_state(vm)->socket;
  Ref first = cd_socket_new(vm, type, fds[0], numbers[0], numbers[1], numbers[2]);
  if (!first) { close(fds[1]); return NO_REF; }
  return cd_tuple2_steal(vm, first, cd_socket_new(vm, type, fds[1], numbers[0], numbers[1], numbers[2]));
}

// ---- byte order ----

static Ref swap_short(VM *vm, const char *name, Value v)
{
  int64_t n = 0;
  Ref index = cd_index(vm, v);
  if (!index) return NO_REF;
  bool fits = cd_int_fits_i64(index, &n), negative = cd_int_sign(index) < 0;
  cd_drop(vm, index);
  if (negative) return cd_raise_overflow(vm, "%s: can't convert negative Python int to C 16-bit unsigned integer", name);
  if (!fits || n > 0xFFFF) return cd_raise_overflow(vm, "%s: Python int too large to convert to C 16-bit unsigned integer", name);
  return cd_from_small(htons((uint16_t)n));
}

static Ref swap_long(VM *vm, Value v)
{
  uint64_t n = 0;
  if (!cd_is_int(v)) return cd_raise_type(vm, "expected int, %T found", v);
  if (cd_int_sign(v) < 0) return cd_raise_overflow(vm, "can't convert negative value to unsigned int");
  if (!cd_int_fits_u64(v, &n)) return cd_raise_overflow(vm, "Python int too large to convert to C unsigned long");
  if (n > UINT32_MAX) return cd_raise_overflow(vm, "int larger than 32 bits");
  return cd_from_small(htonl((uint32_t)n));
}

FUNCTION(_socket, htons, "htons(x, /)", "htons(integer) -> integer\n\n16 bits from this machine's byte order to the network's.")
{
  return swap_short(vm, "htons", args[0]);
}
FUNCTION(_socket, ntohs, "ntohs(x, /)", "ntohs(integer) -> integer\n\n16 bits from the network's byte order to this machine's.")
{
  return swap_short(vm, "ntohs", args[0]);
}
FUNCTION(_socket, htonl, "htonl(x, /)", "htonl(integer) -> integer\n\n32 bits from this machine's byte order to the network's.")
{
  return swap_long(vm, args[0]);
}
FUNCTION(_socket, ntohl, "ntohl(x, /)", "ntohl(integer) -> integer\n\n32 bits from the network's byte order to this machine's.")
{
  return swap_long(vm, args[0]);
}

// ---- addresses as text and as bytes ----

static const char *inet_text(VM *vm, const char *function, const char *position, Value v)
{
  if (!cd_is_str(v)) { cd_raise_arg_type(vm, function, position, "str", v); return NULL; }
  const char *text = cd_str_utf8(vm, v, NULL);
  if (text && strlen(text) != cd_str_size(v)) { cd_raise_value(vm, "embedded null character"); return NULL; }
  return text;
}

FUNCTION(_socket, inet_aton, "inet_aton(string, /)",
         "inet_aton(string) -> bytes giving packed 32-bit IP representation\n\nConvert an IP address from text such as 123.45.67.89 to the "
         "4 bytes that C functions use.")
{
  struct in_addr address;
  const char *text = inet_text(vm, "inet_aton", "", args[0]);
  if (!text) return NO_REF;
  return inet_aton(text, &address) ? cd_bytes_new(vm, (const char *)&address, sizeof address)
                                   : cd_raise(vm, vm->exc.OSError, "illegal IP address string passed to inet_aton");
}

FUNCTION(_socket, inet_ntoa, "inet_ntoa(packed_ip, /)",
         "inet_ntoa(packed_ip) -> ip_address_string\n\nConvert an IP address from 4 bytes to text.")
{
  Buffer buffer;
  if (!cd_get_buffer(vm, args[0], &buffer, BUFFER_SIMPLE)) return NO_REF;
  char text[INET_ADDRSTRLEN];
  bool ok = buffer.size == 4 && inet_ntop(AF_INET, buffer.data, text, sizeof text);
  cd_release_buffer(vm, &buffer);
  return ok ? cd_str_from(vm, text) : cd_raise(vm, vm->exc.OSError, "packed IP wrong length for inet_ntoa");
}

FUNCTION(_socket, inet_pton, "inet_pton(af, ip, /)",
         "inet_pton(af, ip) -> packed IP address string\n\nConvert an IP address of a family from text to bytes.")
{
  int family;
  char packed[16];
  if (!cd_to_c_int(vm, args[0], &family)) return NO_REF;
  const char *text = inet_text(vm, "inet_pton", "2", args[1]);
  if (!text) return NO_REF;
  int status = inet_pton(family, text, packed);
  if (status < 0) return netdb_error(vm);
  if (status == 0) return cd_raise(vm, vm->exc.OSError, "illegal IP address string passed to inet_pton");
  return cd_bytes_new(vm, packed, family == AF_INET ? 4 : 16);
}

FUNCTION(_socket, inet_ntop, "inet_ntop(af, packed_ip, /)",
         "inet_ntop(af, packed_ip) -> string formatted IP address\n\nConvert an IP address of a family from bytes to text.")
{
  int family;
  Buffer buffer;
  if (!cd_to_c_int(vm, args[0], &family) || !cd_get_buffer(vm, args[1], &buffer, BUFFER_SIMPLE)) return NO_REF;
  char text[INET6_ADDRSTRLEN];
  Ref result = NO_REF;
  if (family != AF_INET && family != AF_INET6) cd_raise_value(vm, "unknown address family %d", family);
  else if (buffer.size != (family == AF_INET ? 4 : 16)) cd_raise_value(vm, "invalid length of packed IP address string");
  else result = inet_ntop(family, buffer.data, text, sizeof text) ? cd_str_from(vm, text) : netdb_error(vm);
  cd_release_buffer(vm, &buffer);
  return result;
}

// ---- hosts ----

FUNCTION(_socket, gethostname, "gethostname()", "gethostname() -> string\n\nReturn the name of this host.")
{
  char name[1024];
  if (!cd_audit(vm, "socket.gethostname", 0, NULL)) return NO_REF;
  if (gethostname(name, sizeof name - 1) < 0) return netdb_error(vm);
  name[sizeof name - 1] = 0;
  return cd_fs_decode(vm, name, strlen(name));
}

FUNCTION(_socket, sethostname, "sethostname(name, /)", "sethostname(name)\n\nSet the name of this host.")
{
  Ref name = cd_fs_encode(vm, args[0]);
  if (!name || !cd_audit(vm, "socket.sethostname", 1, args)) { cd_drop(vm, name); return NO_REF; }
  int status = sethostname(cd_bytes_data(name), cd_bytes_size(name));
  cd_drop(vm, name);
  return status < 0 ? netdb_error(vm) : cd_none();
}

static Ref netdb_host_argument(VM *vm, Value v, const char *function)
{
  if (!cd_is_str(v) && !cd_is_bytes(v) && !cd_is_bytearray(v))
    return cd_raise_type(vm, "%s() argument 1 must be str, bytes or bytearray, not %T", function, v);
  return cd_socket_host(vm, v);
}

FUNCTION(_socket, gethostbyname, "gethostbyname(host, /)", "gethostbyname(host) -> address\n\nReturn the IP address of a host, as text.")
{
  Ref name = netdb_host_argument(vm, args[0], "gethostbyname");
  if (!name || !cd_audit(vm, "socket.gethostbyname", 1, args)) { cd_drop(vm, name); return NO_REF; }
  SocketAddress address;
  socklen_t size = cd_socket_resolve(vm, cd_bytes_data(name), &address, sizeof address.in, AF_INET);
  cd_drop(vm, name);
  return size ? cd_socket_address_text(vm, &address) : NO_REF;
}

static Ref netdb_text(VM *vm, const char *text) { return cd_str_decode_utf8(vm, text, strlen(text), "surrogateescape"); }

// socket.herror(number, text) from the resolver's error number.
static Ref netdb_raise_herror(VM *vm, int error)
{
  Ref text = cd_str_from(vm, hstrerror(error));
  Ref e = text ? cd_exception_new(vm, cd_as_type(socket_state(vm)->herror), (Value[]){cd_from_small(error), text}, 2) : NO_REF;
  cd_drop(vm, text);
  return cd_raise_exception(vm, e);
}

// (name, aliases, addresses)
static Ref netdb_host(VM *vm, const struct hostent *host)
{
  Ref aliases = cd_list_new(vm), addresses = aliases ? cd_list_new(vm) : NO_REF;
  bool ok = addresses != NO_REF;
  for (char **p = host->h_aliases; ok && p && *p; p++) ok = cd_list_append_steal(vm, cd_as_list(aliases), netdb_text(vm, *p));
  for (char **p = host->h_addr_list; ok && p && *p; p++) {
    char text[INET6_ADDRSTRLEN];
    ok = inet_ntop(host->h_addrtype, *p, text, sizeof text) && cd_list_append_steal(vm, cd_as_list(addresses), cd_str_from(vm, text));
  }
  Ref name = ok ? netdb_text(vm, host->h_name) : NO_REF;
  if (name) return cd_tuple3_steal(vm, name, aliases, addresses);
  cd_drop(vm, aliases);
  cd_drop(vm, addresses);
  return NO_REF;
}

// Looks a host up by name, or by address when one is given; the buffer grows as the resolver asks.
static Ref netdb_find_host(VM *vm, const char *name, const SocketAddress *address)
{
  for (size_t room = 16384; room <= 1 << 24; room *= 2) {
    struct hostent entry, *found = NULL;
    int resolver_error = 0;
    char *buffer = cd_alloc(vm, room);
    if (!buffer) return NO_REF;
    Thread *me = cd_unlock(vm);
    int error;
    if (name) error = gethostbyname_r(name, &entry, buffer, room, &found, &resolver_error);
    else if (address->any.sa_family == AF_INET6)
      error = gethostbyaddr_r(&address->in6.sin6_addr, 16, AF_INET6, &entry, buffer, room, &found, &resolver_error);
    else error = gethostbyaddr_r(&address->in.sin_addr, 4, AF_INET, &entry, buffer, room, &found, &resolver_error);
    cd_relock(vm, me);
    Ref result = found ? netdb_host(vm, found) : NO_REF;
    cd_free(vm, buffer, room);
    if (found) return result;
    if (error != ERANGE) return netdb_raise_herror(vm, resolver_error);
  }
  return cd_raise_memory(vm);
}

FUNCTION(
  _socket, gethostbyname_ex, "gethostbyname_ex(host, /)",
  "gethostbyname_ex(host) -> (name, aliaslist, addresslist)\n\nReturn the true name of a host, its other names and its IP addresses.")
{
  Ref name = netdb_host_argument(vm, args[0], "gethostbyname_ex"), result = NO_REF;
  SocketAddress address;
  if (name && cd_audit(vm, "socket.gethostbyname", 1, args) &&
      cd_socket_resolve(vm, cd_bytes_data(name), &address, sizeof address.in, AF_INET))
    result = netdb_find_host(vm, cd_bytes_data(name), NULL);
  cd_drop(vm, name);
  return result;
}

FUNCTION(_socket, gethostbyaddr, "gethostbyaddr(host, /)",
         "gethostbyaddr(host) -> (name, aliaslist, addresslist)\n\nReturn the true name of a host, its other names and its IP addresses.")
{
  Ref name = netdb_host_argument(vm, args[0], "gethostbyaddr"), result = NO_REF;
  SocketAddress address;
  if (name && cd_audit(vm, "socket.gethostbyaddr", 1, args) &&
      cd_socket_resolve(vm, cd_bytes_data(name), &address, sizeof address, AF_UNSPEC))
    result = netdb_find_host(vm, NULL, &address);
  cd_drop(vm, name);
  return result;
}

// ---- services and protocols ----

FUNCTION(
  _socket, getservbyname, "getservbyname(servicename, protocolname=<unrepresentable>, /)",
  "getservbyname(servicename[, protocolname]) -> integer\n\nReturn the port of a service; the protocol, if given, is 'tcp' or 'udp'.")
{
  const char *name = inet_text(vm, "getservbyname", "1", args[0]), *protocol = NULL;
  if (!name || (cd_bits(args[1]) && !(protocol = inet_text(vm, "getservbyname", "2", args[1])))) return NO_REF;
  if (!cd_audit(vm, "socket.getservbyname", 2, (Value[]){args[0], cd_bits(args[1]) ? args[1] : vm->empty_str})) return NO_REF;
  struct servent entry, *found = NULL;
  char buffer[4096];
  getservbyname_r(name, protocol, &entry, buffer, sizeof buffer, &found);
  return found ? cd_from_small(ntohs((uint16_t)found->s_port)) : cd_raise(vm, vm->exc.OSError, "service/proto not found");
}

FUNCTION(_socket, getservbyport, "getservbyport(port, protocolname=<unrepresentable>, /)",
         "getservbyport(port[, protocolname]) -> string\n\nReturn the service at a port; the protocol, if given, is 'tcp' or 'udp'.")
{
  int port;
  const char *protocol = NULL;
  if (!cd_to_c_int(vm, args[0], &port) || (cd_bits(args[1]) && !(protocol = inet_text(vm, "getservbyport", "2", args[1])))) return NO_REF;
  if (port < 0 || port > 0xFFFF) return cd_raise_overflow(vm, "getservbyport: port must be 0-65535.");
  if (!cd_audit(vm, "socket.getservbyport", 2, (Value[]){args[0], cd_bits(args[1]) ? args[1] : vm->empty_str})) return NO_REF;
  struct servent entry, *found = NULL;
  char buffer[4096];
  getservbyport_r(htons((uint16_t)port), protocol, &entry, buffer, sizeof buffer, &found);
  return found ? netdb_text(vm, found->s_name) : cd_raise(vm, vm->exc.OSError, "port/proto not found");
}

FUNCTION(_socket, getprotobyname, "getprotobyname(name, /)", "getprotobyname(name) -> integer\n\nReturn the number of a protocol.")
{
  const char *name = inet_text(vm, "getprotobyname", "", args[0]);
  if (!name) return NO_REF;
  struct protoent entry, *found = NULL;
  char buffer[4096];
  getprotobyname_r(name, &entry, buffer, sizeof buffer, &found);
  return found ? cd_from_small(found->p_proto) : cd_raise(vm, vm->exc.OSError, "protocol not found");
}

// ---- getaddrinfo and getnameinfo ----

static Ref addrinfo_row(VM *vm, const struct addrinfo *info)
{
  SocketAddress address;
  memset(&address, 0, sizeof address);
  memcpy(&address, info->ai_addr, info->ai_addrlen < sizeof address ? info->ai_addrlen : sizeof address);
  Ref where = cd_socket_make_address(vm, &address, info->ai_addrlen, -1),
      canonical = where ? netdb_text(vm, info->ai_canonname ? info->ai_canonname : "") : NO_REF, row = NO_REF;
  if (canonical) {
    Value items[5] = {cd_from_small(info->ai_family), cd_from_small(info->ai_socktype), cd_from_small(info->ai_protocol), canonical, where};
    row = cd_tuple_of(vm, 5, items);
  }
  cd_drop(vm, canonical);
  cd_drop(vm, where);
  return row;
}

// The port argument as text: an int, a service name, or None. *owned is to be dropped.
static bool addrinfo_port(VM *vm, Value v, Ref *owned, const char **out)
{
  *owned = NO_REF;
  *out = NULL;
  if (cd_is_none(v)) return true;
  if (cd_is_int(v)) {
    *owned = cd_int_to_text(vm, v, 10);
    if (*owned) *out = cd_str_data(*owned);
    return *owned != NO_REF;
  }
  if (cd_is_str(v)) return (*out = cd_str_utf8(vm, v, NULL)) != NULL;
  if (cd_is_bytes(v)) { *out = cd_bytes_data(v); return true; }
  return cd_raise(vm, vm->exc.OSError, "Int or String expected");
}

// ASCII names with labels of an allowed length are their own IDNA form; others go through the codec.
static Ref addrinfo_host(VM *vm, Value v)
{
  const Str *s = cd_as_str(v);
  size_t label = 0;
  bool plain = s->ascii && s->size > 0;
  for (size_t i = 0; plain && i < s->size; i++) {
    if (s->data[i] != '.') { plain = ++label <= 63; continue; }
    plain = label > 0;
    label = 0;
  }
  return plain ? cd_bytes_new(vm, s->data, s->size) : cd_encode(vm, v, "idna", NULL);
}

FUNCTION(_socket, getaddrinfo, "getaddrinfo(host, port, family=0, type=0, proto=0, flags=0)",
         "getaddrinfo(host, port [, family, type, proto, flags]) -> list of (family, type, proto, canonname, sockaddr)\n\nFind the "
         "addresses of a host and a service.")
{
  int numbers[4] = {AF_UNSPEC, 0, 0, 0};
  for (int i = 0; i < 4; i++)
    if (cd_bits(args[2 + i]) && !cd_to_c_int(vm, args[2 + i], &numbers[i])) return NO_REF;
  Ref host = NO_REF, port = NO_REF, list = NO_REF;
  const char *port_text;
  if (cd_is_str(args[0])) host = addrinfo_host(vm, args[0]);
  else if (cd_is_bytes(args[0])) host = cd_dup(args[0]);
  else if (!cd_is_none(args[0])) cd_raise_type(vm, "getaddrinfo() argument 1 must be string or None");
  if (cd_raised(vm) || !addrinfo_port(vm, args[1], &port, &port_text)) goto done;
  if (!cd_audit(vm, "socket.getaddrinfo", 5,
                (Value[]){args[0], args[1], cd_from_small(numbers[0]), cd_from_small(numbers[1]), cd_from_small(numbers[2])}))
    goto done;
  struct addrinfo hints = {.ai_family = numbers[0], .ai_socktype = numbers[1], .ai_protocol = numbers[2], .ai_flags = numbers[3]},
                  *found = NULL;
  Thread *me = cd_unlock(vm);
  int error = getaddrinfo(host ? cd_bytes_data(host) : NULL, port_text, &hints, &found);
  cd_relock(vm, me);
  if (error) { cd_socket_raise_gai(vm, error); goto done; }
  list = cd_list_new(vm);
  for (const struct addrinfo *info = found; list && info; info = info->ai_next)
    if (!cd_list_append_steal(vm, cd_as_list(list), addrinfo_row(vm, info))) cd_drop(vm, list), list = NO_REF;
  freeaddrinfo(found);
done:
  cd_drop(vm, host);
  cd_drop(vm, port);
  return list;
}

FUNCTION(_socket, getnameinfo, "getnameinfo(sockaddr, flags, /)",
         "getnameinfo(sockaddr, flags) --> (host, port)\n\nFind the names of a host and a service from an address.")
{
  int flags, port;
  if (!cd_is_tuple(args[0])) return cd_raise_type(vm, "getnameinfo() argument 1 must be a tuple");
  if (!cd_to_c_int(vm, args[1], &flags)) return NO_REF;
  size_t n = cd_tuple_size(args[0]);
  if (n < 2 || n > 4) return cd_raise_type(vm, "getnameinfo(): illegal sockaddr argument");
  int64_t extra[2] = {0, 0};
  Value host_value = cd_tuple_item_borrow(args[0], 0);
  if (!cd_is_str(host_value)) return cd_raise_type(vm, "getnameinfo(): illegal sockaddr argument");
  const char *host = cd_str_utf8(vm, host_value, NULL);
  if (!host || !cd_to_c_int(vm, cd_tuple_item_borrow(args[0], 1), &port)) return NO_REF;
  for (size_t i = 2; i < n; i++)
    if (!cd_to_i64(vm, cd_tuple_item_borrow(args[0], i), &extra[i - 2], vm->exc.OverflowError)) return NO_REF;
  if (extra[0] < 0 || extra[0] > 0xFFFFF) return cd_raise_overflow(vm, "getnameinfo(): flowinfo must be 0-1048575.");
  if (!cd_audit(vm, "socket.getnameinfo", 1, args)) return NO_REF;
  char service[32];
  snprintf(service, sizeof service, "%d", port);
  struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_DGRAM, .ai_flags = AI_NUMERICHOST}, *found = NULL;
  Thread *me = cd_unlock(vm);
  int error = getaddrinfo(host, service, &hints, &found);
  cd_relock(vm, me);
  if (error) return cd_socket_raise_gai(vm, error);
  char host_text[NI_MAXHOST], port_text[NI_MAXSERV];
  bool several = found->ai_next != NULL, mismatch = found->ai_family == AF_INET && n != 2;
  if (found->ai_family == AF_INET6) {
    struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)(void *)found->ai_addr;
    in6->sin6_flowinfo = htonl((uint32_t)extra[0]);
    in6->sin6_scope_id = (uint32_t)extra[1];
  }
  error = several || mismatch
            ? 0
            : getnameinfo(found->ai_addr, found->ai_addrlen, host_text, sizeof host_text, port_text, sizeof port_text, flags);
  freeaddrinfo(found);
  if (several) return cd_raise(vm, vm->exc.OSError, "sockaddr resolved to multiple addresses");
  if (mismatch) return cd_raise(vm, vm->exc.OSError, "IPv4 sockaddr must be 2 tuple");
  if (error) return cd_socket_raise_gai(vm, error);
  return cd_tuple2_steal(vm, netdb_text(vm, host_text), netdb_text(vm, port_text));
}

// ---- time-outs, interfaces, ancillary data ----

FUNCTION(_socket, getdefaulttimeout, "getdefaulttimeout()",
         "getdefaulttimeout() -> timeout\n\nReturn the time-out of new sockets in seconds, or None.")
{
  int64_t timeout = socket_state(vm)->default_timeout;
  return timeout < 0 ? cd_none() : cd_float_new(vm, (double)timeout / 1e9);
}

FUNCTION(_socket, setdefaulttimeout, "setdefaulttimeout(timeout, /)",
         "setdefaulttimeout(timeout)\n\nSet the time-out of new sockets in seconds, or None for none.")
{
  int64_t timeout;
  if (!cd_socket_parse_timeout(vm, args[0], &timeout)) return NO_REF;
  socket_state(vm)->default_timeout = timeout;
  return cd_none();
}

FUNCTION(_socket, if_nameindex, "if_nameindex()", "if_nameindex()\n\nReturn a list of network interfaces as (index, name) tuples.")
{
  struct if_nameindex *all = if_nameindex();
  if (!all) return netdb_error(vm);
  Ref list = cd_list_new(vm);
  for (const struct if_nameindex *p = all; list && p->if_index; p++)
    if (!cd_list_append_steal(vm, cd_as_list(list),
                              cd_tuple2_steal(vm, cd_from_small(p->if_index), cd_fs_decode(vm, p->if_name, strlen(p->if_name))))) {
      cd_drop(vm, list);
      list = NO_REF;
    }
  if_freenameindex(all);
  return list;
}

FUNCTION(_socket, if_nametoindex, "if_nametoindex(if_name, /)", "if_nametoindex(if_name)\n\nReturn the index of a network interface.")
{
  Ref name = cd_fs_encode(vm, args[0]);
  if (!name) return NO_REF;
  unsigned index = if_nametoindex(cd_bytes_data(name));
  cd_drop(vm, name);
  return index ? cd_from_small(index) : cd_raise(vm, vm->exc.OSError, "no interface with this name");
}

FUNCTION(_socket, if_indextoname, "if_indextoname(if_index, /)", "if_indextoname(if_index)\n\nReturn the name of a network interface.")
{
  int64_t index;
  char name[IF_NAMESIZE + 1];
  if (!cd_to_i64(vm, args[0], &index, vm->exc.OverflowError)) return NO_REF;
  if (index < 0) return cd_raise_overflow(vm, "can't convert negative value to unsigned int");
  return if_indextoname((unsigned)index, name) ? cd_fs_decode(vm, name, strlen(name)) : netdb_error(vm);
}

static Ref ancillary_size(VM *vm, const char *function, Value v, bool space)
{
  int64_t length;
  Ref index = cd_index(vm, v);
  if (!index) return NO_REF;
  bool fits = cd_int_fits_i64(index, &length);
  cd_drop(vm, index);
  if (!fits) return cd_raise_overflow(vm, "Python int too large to convert to C ssize_t");
  int64_t most = INT32_MAX - (int64_t)(space ? CMSG_SPACE(1) : CMSG_LEN(0));
  if (length < 0 || length > most) return cd_raise_overflow(vm, "%s() argument out of range", function);
  return cd_from_small((int64_t)(space ? CMSG_SPACE((size_t)length) : CMSG_LEN((size_t)length)));
}

METHOD_DEF_(socket_cmsg_len, "CMSG_LEN", "CMSG_LEN(length, /)",
            "CMSG_LEN(length) -> control message length\n\nReturn the length of an ancillary data item without trailing padding.", 0)
{
  return ancillary_size(vm, "CMSG_LEN", args[0], false);
}
METHOD_DEF_(socket_cmsg_space, "CMSG_SPACE", "CMSG_SPACE(length, /)",
            "CMSG_SPACE(length) -> buffer size\n\nReturn the buffer size that an ancillary data item needs.", 0)
{
  return ancillary_size(vm, "CMSG_SPACE", args[0], true);
}

// ---- the module ----

const MethodDef *const cd_socket_functions[] = {
  &_socket_gethostbyname_def, &_socket_gethostbyname_ex_def, &_socket_gethostbyaddr_def, &_socket_gethostname_def, &_socket_sethostname_def,
  &_socket_getservbyname_def, &_socket_getservbyport_def, &_socket_getprotobyname_def, &_socket_close_def, &_socket_dup_def,
  &_socket_socketpair_def, &_socket_ntohs_def, &_socket_ntohl_def, &_socket_htons_def, &_socket_htonl_def, &_socket_inet_aton_def,
  &_socket_inet_ntoa_def, &_socket_inet_pton_def, &_socket_inet_ntop_def, &_socket_getaddrinfo_def, &_socket_getnameinfo_def,
  &_socket_getdefaulttimeout_def, &_socket_setdefaulttimeout_def, &_socket_if_nameindex_def, &_socket_if_nametoindex_def,
  &_socket_if_indextoname_def, &socket_cmsg_len_def, &socket_cmsg_space_def, NULL,
};

static bool socket_exec(VM *vm, Value module)
{
  static const struct { const char *name; int64_t value; } constants[] = {
#include "modules/socket_constants.h"
  };
  SocketState *state = socket_state(vm);
  Value os_error = cd_type_value(vm->exc.OSError);
  state->default_timeout = -1;
  for (size_t i = 0; i < ARRAY_LEN(constants); i++)
    if (!cd_module_add_int(vm, module, constants[i].name, constants[i].value)) return false;
  if (!cd_bits(state->gaierror) && !(state->gaierror = cd_exception_type_new(vm, "socket.gaierror", NULL, os_error))) return false;
  if (!cd_bits(state->herror) && !(state->herror = cd_exception_type_new(vm, "socket.herror", NULL, os_error))) return false;
  if (!state->socket && !(state->socket = cd_type_from_spec(vm, &cd_socket_spec, NO_VALUE))) return false;
  return cd_module_add(vm, module, "error", cd_dup(os_error)) &&
         cd_module_add(vm, module, "timeout", cd_dup(cd_type_value(vm->exc.TimeoutError))) &&
         cd_module_add_text(vm, module, "BDADDR_ANY", "00:00:00:00:00:00") &&
         cd_module_add_text(vm, module, "BDADDR_LOCAL", "00:00:00:FF:FF:FF") &&
         cd_module_add(vm, module, "gaierror", cd_dup(state->gaierror)) && cd_module_add(vm, module, "herror", cd_dup(state->herror)) &&
         cd_module_add(vm, module, "socket", cd_dup(cd_type_value(state->socket))) &&
         cd_module_add(vm, module, "SocketType", cd_dup(cd_type_value(state->socket))) &&
         cd_module_add(vm, module, "has_ipv6", cd_true()) && cd_module_add(vm, module, "CAPI", cd_capsule_new(vm, state, "_socket.CAPI"));
}

static void socket_clear(VM *vm, void *state_)
{
  SocketState *state = state_;
  cd_clear(vm, &state->gaierror);
  cd_clear(vm, &state->herror);
  cd_drop_object(vm, state->socket);
  state->socket = NULL;
}

const ModuleDef cd_module__socket = {
  .name = "_socket",
  .doc = "Network sockets; socket.py builds on it.",
  .functions = cd_socket_functions,
  .state_size = sizeof(SocketState),
  .exec = socket_exec,
  .clear = socket_clear,
};
