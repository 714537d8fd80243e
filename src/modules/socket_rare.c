// SPDX-License-Identifier: MIT
// socket_rare.c: addresses of families that few machines have: CAN buses, TIPC, the kernel's ciphers, Qualcomm's routers, Bluetooth
#include "modules/socket.h"

#include <linux/can.h>
#include <linux/if_alg.h>
#include <linux/qrtr.h>
#include <linux/tipc.h>
#include <stdio.h>
#include <stdlib.h>

// What the kernel takes for Bluetooth; its headers are in a package of their own.
typedef struct BluetoothAddress { uint8_t bytes[6]; } BluetoothAddress;          // least significant first
struct rare_l2cap { sa_family_t family; uint16_t psm; BluetoothAddress address; uint16_t cid; uint8_t type; };
struct rare_rfcomm { sa_family_t family; BluetoothAddress address; uint8_t channel; };
struct rare_hci { sa_family_t family; uint16_t device, channel; };
struct rare_sco { sa_family_t family; BluetoothAddress address; };
enum { RARE_BLUETOOTH = 31, RARE_L2CAP = 0, RARE_HCI = 1, RARE_SCO = 2, RARE_RFCOMM = 3 };

typedef union RareAddress {
  SocketAddress plain;
  struct sockaddr_can can;
  struct sockaddr_tipc tipc;
  struct sockaddr_alg alg;
  struct sockaddr_qrtr qrtr;
  struct rare_l2cap l2cap;
  struct rare_rfcomm rfcomm;
  struct rare_hci hci;
  struct rare_sco sco;
} RareAddress;
_Static_assert(sizeof(RareAddress) == sizeof(SocketAddress), "every address fits");

// The number modulo 2**64.
static bool rare_number(VM *vm, Value v, uint64_t *out)
{
  Ref index = cd_index(vm, v), mask = index ? cd_int_from_u64(vm, UINT64_MAX) : NO_REF,
      low = mask ? cd_binary(vm, index, mask, BINARY_AND) : NO_REF;
  bool ok = low && cd_int_fits_u64(low, out);
  cd_drop(vm, low);
  cd_drop(vm, mask);
  cd_drop(vm, index);
  return ok;
}

static bool rare_tuple(VM *vm, Value v, const char *function, const char *family, size_t min, size_t max, const char *form)
{
  if (!cd_is_tuple(v)) return cd_raise_type(vm, "%s(): %s address must be tuple, not %T", function, family, v);
  return (cd_tuple_size(v) >= min && cd_tuple_size(v) <= max) || cd_raise_type(vm, form);
}

// ---- CAN: (interface[, ...]) ----

static bool rare_can_interface(VM *vm, Value v, int *index)
{
  Ref name = cd_fs_encode(vm, v);
  if (!name) return false;
  char text[IF_NAMESIZE];
  size_t size = cd_bytes_size(name);
  if (size < sizeof text) memcpy(text, cd_bytes_data(name), size + 1);
  cd_drop(vm, name);
  if (size >= sizeof text) return cd_raise(vm, vm->exc.OSError, "AF_CAN interface name too long");
  *index = 0;
  if (!size) return true;                        // all of them
  *index = (int)if_nametoindex(text);
  return *index || cd_raise_os(vm, errno, NO_VALUE, NO_VALUE);
}

static bool rare_parse_can(VM *vm, int protocol, Value v, const char *function, RareAddress *out)
{
  uint64_t n[3] = {0};
  size_t count = protocol == CAN_ISOTP ? 3 : protocol == CAN_J1939 ? 4 : 1;
  if (protocol != CAN_RAW && protocol != CAN_BCM && count == 1)
    return cd_raise(vm, vm->exc.OSError, "%s(): unsupported CAN protocol", function);
  const char *form = count == 3   ? "AF_CAN address must be a tuple (interface, rx_addr, tx_addr)"
                     : count == 4 ? "AF_CAN address must be a tuple (interface, name, pgn, addr)"
                                  : "AF_CAN address must be a tuple (interface, )";
  if (!rare_tuple(vm, v, function, "AF_CAN", count, count, form) ||
      !rare_can_interface(vm, cd_tuple_item_borrow(v, 0), &out->can.can_ifindex))
    return false;
  for (size_t i = 1; i < count; i++)
    if (!rare_number(vm, cd_tuple_item_borrow(v, i), &n[i - 1])) return false;
  out->can.can_family = AF_CAN;
  if (count == 3) {
    out->can.can_addr.tp.rx_id = (canid_t)n[0];
    out->can.can_addr.tp.tx_id = (canid_t)n[1];
  } else if (count == 4) {
    out->can.can_addr.j1939.name = n[0];
    out->can.can_addr.j1939.pgn = (uint32_t)n[1];
    out->can.can_addr.j1939.addr = (uint8_t)n[2];
  }
  return true;
}

static Ref rare_make_can(VM *vm, const RareAddress *a, int protocol)
{
  char name[IF_NAMESIZE] = "";
  if (a->can.can_ifindex) if_indextoname((unsigned)a->can.can_ifindex, name);
  Ref interface = cd_fs_decode(vm, name, strlen(name)), numbers[3] = {NO_REF}, tuple = NO_REF;
  size_t count = protocol == CAN_ISOTP ? 3 : protocol == CAN_J1939 ? 4 : 2;
  if (count == 3) {
    numbers[0] = cd_from_small(a->can.can_addr.tp.rx_id);
    numbers[1] = cd_from_small(a->can.can_addr.tp.tx_id);
  } else if (count == 4) {
    numbers[0] = cd_int_from_u64(vm, a->can.can_addr.j1939.name);
    numbers[1] = cd_from_small(a->can.can_addr.j1939.pgn);
    numbers[2] = cd_from_small(a->can.can_addr.j1939.addr);
  } else {
    numbers[0] = cd_from_small(a->can.can_family);
  }
  if (interface && numbers[0]) {
    Value items[4] = {interface, numbers[0], numbers[1], numbers[2]};
    if (count == 3 || count == 4) tuple = cd_tuple_of(vm, count, items);
    else tuple = cd_tuple_of(vm, 2, items);
  }
  cd_drop(vm, interface);
  cd_drop(vm, numbers[0]);
  return tuple;
}

// ---- TIPC: (kind of address, three numbers[, scope]) ----

static bool rare_parse_tipc(VM *vm, Value v, const char *function, RareAddress *out)
{
  uint64_t n[5] = {0, 0, 0, 0, TIPC_CLUSTER_SCOPE};
  if (!rare_tuple(vm, v, function, "AF_TIPC", 4, 5, "AF_TIPC address must be a tuple (addr_type, v1, v2, v3[, scope])")) return false;
  for (size_t i = 0; i < cd_tuple_size(v); i++)
    if (!rare_number(vm, cd_tuple_item_borrow(v, i), &n[i])) return false;
  struct sockaddr_tipc *t = &out->tipc;
  t->family = AF_TIPC;
  t->scope = (signed char)n[4];
  t->addrtype = (unsigned char)n[0];
  switch (n[0]) {
    case TIPC_ADDR_NAMESEQ: t->addr.nameseq = (struct tipc_name_seq){(uint32_t)n[1], (uint32_t)n[2], (uint32_t)n[3]}; return true;
    case TIPC_ADDR_NAME: t->addr.name.name = (struct tipc_name){(uint32_t)n[1], (uint32_t)n[2]}; return true;
    case TIPC_ADDR_ID: t->addr.id = (struct tipc_portid){(uint32_t)n[2], (uint32_t)n[1]}; return true;
    default: return cd_raise_type(vm, "Invalid address type");
  }
}

static Ref rare_make_tipc(VM *vm, const RareAddress *a)
{
  const struct sockaddr_tipc *t = &a->tipc;
  uint32_t n[3] = {0};
  switch (t->addrtype) {
    case TIPC_ADDR_NAMESEQ: n[0] = t->addr.nameseq.type; n[1] = t->addr.nameseq.lower; n[2] = t->addr.nameseq.upper; break;
    case TIPC_ADDR_NAME: n[0] = t->addr.name.name.type; n[1] = n[2] = t->addr.name.name.instance; break;
    case TIPC_ADDR_ID: n[0] = t->addr.id.node; n[1] = t->addr.id.ref; break;
    default: return cd_raise_value(vm, "Invalid address type");
  }
  return cd_tuple_of(vm, 5, (Value[]){cd_from_small(t->addrtype), cd_from_small(n[0]), cd_from_small(n[1]), cd_from_small(n[2]),
                                      cd_from_small(t->scope)});
}

// ---- the kernel's ciphers: (type, name[, features[, mask]]) ----

static bool rare_alg_text(VM *vm, Value v, unsigned char *out, size_t room, const char *what)
{
  const char *text = cd_str_utf8(vm, v, NULL);
  if (!text) return false;
  if (strlen(text) != cd_str_size(v)) return cd_raise_value(vm, "embedded null character");
  if (strlen(text) + 1 > room) return cd_raise_value(vm, "AF_ALG %s too long.", what);
  memcpy(out, text, strlen(text) + 1);
  return true;
}

static bool rare_parse_alg(VM *vm, Value v, const char *function, RareAddress *out)
{
  static const char form[] = "AF_ALG address must be a tuple (type, name[, feat[, mask]])";
  uint64_t n[2] = {0, 0};
  if (!rare_tuple(vm, v, function, "AF_ALG", 2, 4, form)) return false;
  if (!cd_is_str(cd_tuple_item_borrow(v, 0)) || !cd_is_str(cd_tuple_item_borrow(v, 1))) return cd_raise_type(vm, form);
  for (size_t i = 2; i < cd_tuple_size(v); i++)
    if (!rare_number(vm, cd_tuple_item_borrow(v, i), &n[i - 2])) return false;
  out->alg.salg_family = AF_ALG;
  out->alg.salg_feat = (uint32_t)n[0];
  out->alg.salg_mask = (uint32_t)n[1];
  return rare_alg_text(vm, cd_tuple_item_borrow(v, 0), out->alg.salg_type, sizeof out->alg.salg_type, "type") &&
         rare_alg_text(vm, cd_tuple_item_borrow(v, 1), out->alg.salg_name, sizeof out->alg.salg_name, "name");
}

// ---- Qualcomm's routers: (node, port) ----

static bool rare_parse_qrtr(VM *vm, Value v, RareAddress *out)
{
  uint64_t node, port;
  if (!cd_is_tuple(v)) return cd_raise_type(vm, "getsockaddrarg: AF_QIPCRTR address must be tuple, not %T", v);
  if (cd_tuple_size(v) != 2) return cd_raise_type(vm, "getsockaddrarg() takes exactly 2 arguments (%zu given)", cd_tuple_size(v));
  if (!rare_number(vm, cd_tuple_item_borrow(v, 0), &node) || !rare_number(vm, cd_tuple_item_borrow(v, 1), &port)) return false;
  out->qrtr = (struct sockaddr_qrtr){.sq_family = AF_QIPCRTR, .sq_node = (uint32_t)node, .sq_port = (uint32_t)port};
  return true;
}

// ---- Bluetooth ----

// "00:11:22:33:44:55", highest byte first.
static bool rare_parse_bluetooth_text(VM *vm, const char *text, BluetoothAddress *out)
{
  const char *at = text;
  for (int i = 5; i >= 0; i--) {
    char *end;
    unsigned long byte = strtoul(at, &end, 16);
    if (end == at || end - at > 2 || byte > 255 || *end != (i ? ':' : 0)) return cd_raise(vm, vm->exc.OSError, "bad bluetooth address");
    out->bytes[i] = (uint8_t)byte;
    at = end + 1;
  }
  return true;
}

static Ref rare_bluetooth_text(VM *vm, const BluetoothAddress *a)
{
  char text[18];
  const uint8_t *b = a->bytes;
  snprintf(text, sizeof text, "%02X:%02X:%02X:%02X:%02X:%02X", b[5], b[4], b[3], b[2], b[1], b[0]);
  return cd_str_from(vm, text);
}

static bool rare_wrong_format(VM *vm, const char *function)
{
  if (cd_raised(vm) && !cd_raised_is(vm, vm->exc.Exception)) return false;
  cd_clear_raised(vm);
  return cd_raise(vm, vm->exc.OSError, "%s(): wrong format", function);
}

// (address, number)
static bool rare_bluetooth_pair(VM *vm, Value v, const char *function, BluetoothAddress *address, int *number)
{
  if (!cd_is_tuple(v) || cd_tuple_size(v) != 2 || !cd_is_str(cd_tuple_item_borrow(v, 0))) return rare_wrong_format(vm, function);
  const char *text = cd_str_utf8(vm, cd_tuple_item_borrow(v, 0), NULL);
  if (!text || !cd_to_c_int(vm, cd_tuple_item_borrow(v, 1), number)) return rare_wrong_format(vm, function);
  return rare_parse_bluetooth_text(vm, text, address);
}

static bool rare_parse_bluetooth(VM *vm, int protocol, Value v, const char *function, RareAddress *out, socklen_t *size)
{
  int number = 0;
  out->plain.any.sa_family = RARE_BLUETOOTH;
  switch (protocol) {
    case RARE_L2CAP:
      *size = sizeof out->l2cap;
      if (!rare_bluetooth_pair(vm, v, function, &out->l2cap.address, &number)) return false;
      out->l2cap.psm = (uint16_t)number;
      return true;
    case RARE_RFCOMM:
      *size = sizeof out->rfcomm;
      if (!rare_bluetooth_pair(vm, v, function, &out->rfcomm.address, &number)) return false;
      out->rfcomm.channel = (uint8_t)number;
      return true;
    case RARE_HCI:
      *size = sizeof out->hci;
      if (!cd_is_tuple(v) || cd_tuple_size(v) != 1 || !cd_to_c_int(vm, cd_tuple_item_borrow(v, 0), &number))
        return rare_wrong_format(vm, function);
      out->hci.device = (uint16_t)number;
      return true;
    case RARE_SCO:
      *size = sizeof out->sco;
      return cd_is_bytes(v) ? rare_parse_bluetooth_text(vm, cd_bytes_data(v), &out->sco.address) : rare_wrong_format(vm, function);
    default: return cd_raise(vm, vm->exc.OSError, "%s(): unknown Bluetooth protocol", function);
  }
}

static Ref rare_make_bluetooth(VM *vm, const RareAddress *a, int protocol)
{
  switch (protocol) {
    case RARE_L2CAP: return cd_tuple2_steal(vm, rare_bluetooth_text(vm, &a->l2cap.address), cd_from_small(a->l2cap.psm));
    case RARE_RFCOMM: return cd_tuple2_steal(vm, rare_bluetooth_text(vm, &a->rfcomm.address), cd_from_small(a->rfcomm.channel));
    case RARE_HCI: return cd_tuple1(vm, cd_from_small(a->hci.device));
    case RARE_SCO: return rare_bluetooth_text(vm, &a->sco.address);
    default: return cd_raise_value(vm, "Unknown Bluetooth protocol");
  }
}

// ---- the doors ----

bool cd_socket_parse_rare(VM *vm, const Socket *socket, Value v, const char *function, SocketAddress *out, socklen_t *size)
{
  RareAddress *rare = (RareAddress *)out;
  switch (socket->family) {
    case AF_CAN: *size = sizeof rare->can; return rare_parse_can(vm, socket->protocol, v, function, rare);
    case AF_TIPC: *size = sizeof rare->tipc; return rare_parse_tipc(vm, v, function, rare);
    case AF_ALG: *size = sizeof rare->alg; return rare_parse_alg(vm, v, function, rare);
    case AF_QIPCRTR: *size = sizeof rare->qrtr; return rare_parse_qrtr(vm, v, rare);
    case RARE_BLUETOOTH: return rare_parse_bluetooth(vm, socket->protocol, v, function, rare, size);
    default: return cd_raise(vm, vm->exc.OSError, "%s(): bad family", function);
  }
}

Ref cd_socket_make_rare(VM *vm, const SocketAddress *a, int protocol)
{
  const RareAddress *rare = (const RareAddress *)a;
  switch (a->any.sa_family) {
    case AF_CAN: return rare_make_can(vm, rare, protocol);
    case AF_TIPC: return rare_make_tipc(vm, rare);
    case AF_QIPCRTR: return cd_tuple2(vm, cd_from_small(rare->qrtr.sq_node), cd_from_small(rare->qrtr.sq_port));
    case RARE_BLUETOOTH: return rare_make_bluetooth(vm, rare, protocol);
    default: return NO_REF;                      // nothing set: not one of these
  }
}
