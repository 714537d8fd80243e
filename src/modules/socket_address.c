// SPDX-License-Identifier: MIT
// socket_address.c: Python's forms of socket addresses, and host names
#include "modules/socket.h"

// ---- names ----

Ref cd_socket_raise_gai(VM *vm, int error)
{
  if (error == EAI_SYSTEM) return cd_raise_os(vm, errno, NO_VALUE, NO_VALUE);
  Ref text = cd_str_from(vm, gai_strerror(error));
  Ref e = text ? cd_exception_new(vm, cd_as_type(socket_state(vm)->gaierror), (Value[]){cd_from_small(error), text}, 2) : NO_REF;
  cd_drop(vm, text);
  return cd_raise_exception(vm, e);
}

Ref cd_socket_host(VM *vm, Value v)
{
  Ref bytes = NO_REF;
  if (cd_is_bytes(v)) {
    bytes = cd_dup(v);
  } else if (cd_is_bytearray(v)) {
    bytes = cd_bytes_new(vm, cd_as_bytearray(v)->data, cd_as_bytearray(v)->size);
  } else if (!cd_is_str(v)) {
    return cd_raise_type(vm, "str, bytes or bytearray expected, not %T", v);
  } else if (cd_as_str(v)->ascii) {
    bytes = cd_bytes_new(vm, cd_str_data(v), cd_str_size(v));
  } else {
    bytes = cd_encode(vm, v, "idna", NULL);
    if (!bytes) {
      if (cd_swallow(vm, vm->exc.UnicodeError)) cd_raise_type(vm, "encoding of hostname failed");
      return NO_REF;
    }
  }
  if (!bytes || strlen(cd_bytes_data(bytes)) == cd_bytes_size(bytes)) return bytes;
  cd_drop(vm, bytes);
  return cd_raise_type(vm, "host name must not contain null character");
}

static socklen_t resolve_by_name(VM *vm, const char *name, SocketAddress *out, size_t room, int family, int flags)
{
  struct addrinfo hints = {.ai_family = family, .ai_flags = flags, .ai_socktype = flags ? SOCK_DGRAM : 0}, *found = NULL;
  Thread *me = cd_unlock(vm);
  int error = getaddrinfo(flags ? NULL : name, flags ? "0" : NULL, &hints, &found);
  cd_relock(vm, me);
  if (error) {
    cd_socket_raise_gai(vm, error);
    return 0;
  }
  socklen_t size = found->ai_addrlen < room ? found->ai_addrlen : (socklen_t)room;
  bool several = flags && found->ai_next && family == AF_UNSPEC;
  memcpy(out, found->ai_addr, size);
  freeaddrinfo(found);
  if (several) { cd_raise(vm, vm->exc.OSError, "wildcard resolved to multiple address"); return 0; }
  return size;
}

socklen_t cd_socket_resolve(VM *vm, const char *name, SocketAddress *out, size_t room, int family)
{
  memset(out, 0, room < sizeof *out ? room : sizeof *out);
  if (!*name) {
    socklen_t size = resolve_by_name(vm, name, out, room, family, AI_PASSIVE);
    if (size && family != AF_UNSPEC && family != AF_INET && family != AF_INET6) {
      cd_raise(vm, vm->exc.OSError, "unsupported address family");
      return 0;
    }
    return size;
  }
  // CPython's special case: broadcast is a name of IPv4 alone.
  if (!strcmp(name, "<broadcast>") || !strcmp(name, "255.255.255.255")) {
    if (family != AF_INET && family != AF_UNSPEC) { cd_raise(vm, vm->exc.OSError, "address family mismatched"); return 0; }
    out->in = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = INADDR_BROADCAST};
    return sizeof out->in;
  }
  if ((family == AF_UNSPEC || family == AF_INET) && inet_pton(AF_INET, name, &out->in.sin_addr) == 1) {
    out->in.sin_family = AF_INET;
    return sizeof out->in;
  }
  if ((family == AF_UNSPEC || family == AF_INET6) && !strchr(name, '%') && inet_pton(AF_INET6, name, &out->in6.sin6_addr) == 1) {
    out->in6.sin6_family = AF_INET6;
    return sizeof out->in6;
  }
  return resolve_by_name(vm, name, out, room, family, 0);
}

Ref cd_socket_address_text(VM *vm, const SocketAddress *address)
{
  char text[NI_MAXHOST];
  socklen_t size = address->any.sa_family == AF_INET6 ? sizeof address->in6 : sizeof address->in;
  int error = getnameinfo(&address->any, size, text, sizeof text, NULL, 0, NI_NUMERICHOST);
  return error ? cd_socket_raise_gai(vm, error) : cd_str_from(vm, text);
}

// ---- from Python ----

static bool address_port(VM *vm, Value v, const char *function, uint16_t *out)
{
  int port;
  if (!cd_to_c_int(vm, v, &port)) return false;
  if (port < 0 || port > 0xFFFF) return cd_raise_overflow(vm, "%s(): port must be 0-65535.", function);
  *out = htons((uint16_t)port);
  return true;
}

static bool address_tuple(VM *vm, Value v, const char *function, const char *family, size_t min, size_t max, const char *form)
{
  if (!cd_is_tuple(v)) return cd_raise_type(vm, "%s(): %s address must be tuple, not %T", function, family, v);
  size_t n = cd_tuple_size(v);
  return (n >= min && n <= max) || cd_raise_type(vm, form);
}

static bool address_inet(VM *vm, Value v, const char *function, SocketAddress *out)
{
  if (!address_tuple(vm, v, function, "AF_INET", 2, 2, "AF_INET address must be a pair (host, port)")) return false;
  Ref host = cd_socket_host(vm, cd_tuple_item_borrow(v, 0));
  int port;
  bool ok = host && cd_to_c_int(vm, cd_tuple_item_borrow(v, 1), &port) &&
            cd_socket_resolve(vm, cd_bytes_data(host), out, sizeof out->in, AF_INET) != 0;
  cd_drop(vm, host);
  if (!ok || !address_port(vm, cd_tuple_item_borrow(v, 1), function, &out->in.sin_port)) return false;
  out->in.sin_family = AF_INET;
  return true;
}

static bool address_inet6(VM *vm, Value v, const char *function, SocketAddress *out)
{
  static const char form[] = "AF_INET6 address must be a tuple (host, port[, flowinfo[, scopeid]])";
  if (!address_tuple(vm, v, function, "AF_INET6", 2, 4, form)) return false;
  size_t n = cd_tuple_size(v);
  uint32_t numbers[2] = {0, 0};
  for (size_t i = 2; i < n; i++) {
    int64_t number;
    if (!cd_to_i64(vm, cd_tuple_item_borrow(v, i), &number, vm->exc.OverflowError)) return false;
    if (i == 2 && (number < 0 || number > 0xFFFFF)) return cd_raise_overflow(vm, "%s(): flowinfo must be 0-1048575.", function);
    numbers[i - 2] = (uint32_t)number;
  }
  Ref host = cd_socket_host(vm, cd_tuple_item_borrow(v, 0));
  int port;
  bool ok = host && cd_to_c_int(vm, cd_tuple_item_borrow(v, 1), &port) &&
            cd_socket_resolve(vm, cd_bytes_data(host), out, sizeof out->in6, AF_INET6) != 0;
  cd_drop(vm, host);
  if (!ok || !address_port(vm, cd_tuple_item_borrow(v, 1), function, &out->in6.sin6_port)) return false;
  out->in6.sin6_family = AF_INET6;
  out->in6.sin6_flowinfo = htonl(numbers[0]);
  if (n > 3) out->in6.sin6_scope_id = numbers[1];
  return true;
}

// A path, or with a NUL first a name in Linux's abstract namespace.
static bool address_unix(VM *vm, Value v, SocketAddress *out, socklen_t *size)
{
  Ref path = cd_is_str(v) ? cd_encode(vm, v, "utf-8", "surrogateescape") : NO_REF;
  if (cd_is_str(v) && !path) return false;
  if (!path) {
    Buffer buffer;
    if (!cd_get_buffer(vm, v, &buffer, BUFFER_SIMPLE)) return false;
    path = cd_bytes_new(vm, buffer.data, (size_t)buffer.size);
    cd_release_buffer(vm, &buffer);
    if (!path) return false;
  }
  const char *data = cd_bytes_data(path);
  size_t length = cd_bytes_size(path), room = sizeof out->un.sun_path;
  bool abstract = length > 0 && !data[0], fits = abstract ? length <= room : length < room;
  out->un.sun_family = AF_UNIX;
  if (fits) {
    memcpy(out->un.sun_path, data, length);
    if (length < room) out->un.sun_path[length] = 0;
    *size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length + (abstract || !length ? 0 : 1));
  }
  cd_drop(vm, path);
  return fits || cd_raise(vm, vm->exc.OSError, "AF_UNIX path too long");
}

static bool address_numbers(VM *vm, Value v, size_t count, int64_t *out)
{
  for (size_t i = 0; i < count; i++)
    if (!cd_to_i64(vm, cd_tuple_item_borrow(v, i), &out[i], vm->exc.OverflowError)) return false;
  return true;
}

static bool address_netlink(VM *vm, Value v, const char *function, SocketAddress *out)
{
  int64_t n[2];
  if (!address_tuple(vm, v, function, "AF_NETLINK", 2, 2, "AF_NETLINK address must be a pair (pid, groups)") ||
      !address_numbers(vm, v, 2, n))
    return false;
  out->nl = (struct sockaddr_nl){.nl_family = AF_NETLINK, .nl_pid = (uint32_t)n[0], .nl_groups = (uint32_t)n[1]};
  return true;
}

static bool address_vsock(VM *vm, Value v, const char *function, SocketAddress *out)
{
  int64_t n[2];
  if (!address_tuple(vm, v, function, "AF_VSOCK", 2, 2, "AF_VSOCK address must be a pair (CID, port)") || !address_numbers(vm, v, 2, n))
    return false;
  out->vm = (struct sockaddr_vm){.svm_family = AF_VSOCK, .svm_cid = (uint32_t)n[0], .svm_port = (uint32_t)n[1]};
  return true;
}

// (interface, protocol[, packet type[, hardware type[, hardware address]]])
static bool address_packet(VM *vm, const Socket *socket, Value v, const char *function, SocketAddress *out)
{
  static const char form[] = "AF_PACKET address must be a tuple of two to five elements";
  if (!address_tuple(vm, v, function, "AF_PACKET", 2, 5, form)) return false;
  size_t n = cd_tuple_size(v);
  int64_t protocol, kind = 0, hardware = 0;
  Ref name = cd_fs_encode(vm, cd_tuple_item_borrow(v, 0));
  if (!name) return false;
  struct ifreq request = {0};
  strncpy(request.ifr_name, cd_bytes_data(name), sizeof request.ifr_name - 1);
  cd_drop(vm, name);
  unsigned index = if_nametoindex(request.ifr_name);
  (void)socket;
  if (!index) return cd_raise_os(vm, errno, NO_VALUE, NO_VALUE);
  if (!cd_to_i64(vm, cd_tuple_item_borrow(v, 1), &protocol, vm->exc.OverflowError) ||
      (n > 2 && !cd_to_i64(vm, cd_tuple_item_borrow(v, 2), &kind, vm->exc.OverflowError)) ||
      (n > 3 && !cd_to_i64(vm, cd_tuple_item_borrow(v, 3), &hardware, vm->exc.OverflowError)))
    return false;
  if (protocol < 0 || protocol > 0xFFFF) return cd_raise_overflow(vm, "%s(): proto argument must be 0-65535.", function);
  out->ll = (struct sockaddr_ll){.sll_family = AF_PACKET,
                                 .sll_protocol = htons((uint16_t)protocol),
                                 .sll_ifindex = (int)index,
                                 .sll_pkttype = (uint8_t)kind,
                                 .sll_hatype = (uint16_t)hardware};
  if (n <= 4) return true;
  Buffer buffer;
  if (!cd_get_buffer(vm, cd_tuple_item_borrow(v, 4), &buffer, BUFFER_SIMPLE)) return false;
  bool fits = buffer.size <= 8;
  if (fits) {
    memcpy(out->ll.sll_addr, buffer.data, (size_t)buffer.size);
    out->ll.sll_halen = (uint8_t)buffer.size;
  }
  cd_release_buffer(vm, &buffer);
  return fits || cd_raise_value(vm, "hardware address must be 8 bytes or less");
}

bool cd_socket_parse_address(VM *vm, const Socket *socket, Value v, const char *function, SocketAddress *out, socklen_t *size)
{
  memset(out, 0, sizeof *out);
  switch (socket->family) {
  case AF_INET: *size = sizeof out->in; return address_inet(vm, v, function, out);
  case AF_INET6: *size = sizeof out->in6; return address_inet6(vm, v, function, out);
  case AF_UNIX: return address_unix(vm, v, out, size);
  case AF_NETLINK: *size = sizeof out->nl; return address_netlink(vm, v, function, out);
  case AF_VSOCK: *size = sizeof out->vm; return address_vsock(vm, v, function, out);
  case AF_PACKET: *size = sizeof out->ll; return address_packet(vm, socket, v, function, out);
  default: return cd_socket_parse_rare(vm, socket, v, function, out, size);
  }
}

// ---- to Python ----

static Ref address_make_unix(VM *vm, const SocketAddress *a, socklen_t size)
{
  size_t header = offsetof(struct sockaddr_un, sun_path);
  if (size <= header) return cd_dup(vm->empty_str);
  if (!a->un.sun_path[0]) return cd_bytes_new(vm, a->un.sun_path, size - header);
  return cd_fs_decode(vm, a->un.sun_path, strnlen(a->un.sun_path, size - header));
}

static Ref address_make_packet(VM *vm, const SocketAddress *a)
{
  char name[IF_NAMESIZE] = "";
  if (a->ll.sll_ifindex) if_indextoname((unsigned)a->ll.sll_ifindex, name);
  Ref interface = cd_fs_decode(vm, name, strlen(name)), hardware = cd_bytes_new(vm, (const char *)a->ll.sll_addr, a->ll.sll_halen),
      tuple = NO_REF;
  if (interface && hardware) {
    Value items[5] = {interface, cd_from_small(ntohs(a->ll.sll_protocol)), cd_from_small(a->ll.sll_pkttype),
                      cd_from_small(a->ll.sll_hatype), hardware};
    tuple = cd_tuple_of(vm, 5, items);
  }
  cd_drop(vm, interface);
  cd_drop(vm, hardware);
  return tuple;
}

// The host without "%interface": the scope is a number of its own. Consumes it.
static Ref address_unscoped(VM *vm, Ref host)
{
  const char *percent = host ? strchr(cd_str_data(host), '%') : NULL;
  if (!percent) return host;
  Ref bare = cd_str_ascii(vm, cd_str_data(host), (size_t)(percent - cd_str_data(host)));
  cd_drop(vm, host);
  return bare;
}

Ref cd_socket_make_address(VM *vm, const SocketAddress *a, socklen_t size, int protocol)
{
  if (size == 0) return cd_none();               // connected sockets tell no address
  switch (a->any.sa_family) {
  case AF_INET: return cd_tuple2_steal(vm, cd_socket_address_text(vm, a), cd_from_small(ntohs(a->in.sin_port)));
  case AF_INET6: {
    Ref host = address_unscoped(vm, cd_socket_address_text(vm, a));
    if (!host) return NO_REF;
    Value items[4] = {host, cd_from_small(ntohs(a->in6.sin6_port)), cd_from_small(ntohl(a->in6.sin6_flowinfo)),
                      cd_from_small(a->in6.sin6_scope_id)};
    Ref tuple = cd_tuple_of(vm, 4, items);
    cd_drop(vm, host);
    return tuple;
  }
  case AF_UNIX: return address_make_unix(vm, a, size);
  case AF_NETLINK: return cd_tuple2(vm, cd_from_small(a->nl.nl_pid), cd_from_small(a->nl.nl_groups));
  case AF_VSOCK: return cd_tuple2(vm, cd_from_small(a->vm.svm_cid), cd_from_small(a->vm.svm_port));
  case AF_PACKET: return address_make_packet(vm, a);
  default: {
    Ref rare = cd_socket_make_rare(vm, a, protocol);
    if (rare || cd_raised(vm)) return rare;
    Ref data = cd_bytes_new(vm, a->any.sa_data, size > offsetof(struct sockaddr, sa_data) ? size - offsetof(struct sockaddr, sa_data) : 0);
    return cd_tuple2_steal(vm, cd_from_small(a->any.sa_family), data);
  }
  }
}
