# Addresses of families that few machines have. The descriptor is a UNIX socket's: what the kernel then says of them is beside the point.
import _socket
import socket

unix = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)


def bind(family, protocol, *addresses):
    for address in addresses:
        s = _socket.socket(family, socket.SOCK_RAW, protocol, fileno=socket.dup(unix.fileno()))
        try:
            s.bind(address)
        except (OSError, TypeError, ValueError) as e:
            print(int(family), protocol, address, type(e).__name__, e)
        s.close()


for protocol in socket.CAN_RAW, socket.CAN_BCM:
    bind(socket.AF_CAN, protocol, 3, (), ("lo",), ("",), (b"lo",), ("lo", 1), (3,), ("x" * 20,), ("nope",), ("x" * 16,))
bind(socket.AF_CAN, socket.CAN_ISOTP, ("lo", 1, 2), ("lo", -1, 2), ("nope", 1, 2), ("lo", 1 << 33, 1), ("x" * 16, 1, 2))
bind(socket.AF_CAN, socket.CAN_J1939, ("lo", 1, 2, 3), ("lo", 1, 2, 300), ("nope", 1, 2, 3), ("lo", 1 << 64, 2, 3))
bind(socket.AF_CAN, 99, ("lo",))
bind(socket.AF_TIPC, 0, 3, (1, 2), (1, 2, 3, 4), (2, 2, 3, 4, 5), (3, 2, 3, 4), (9, 2, 3, 4), (1, 2, 3, 4, 5, 6), ("x", 2, 3, 4))
bind(socket.AF_ALG, 0, 3, ("x",), ("hash", "sha256"), ("hash", "sha256", 1, 2), ("x" * 14, "y"), ("x" * 13, "y"), ("x", "y" * 64), ("x", 3))
bind(socket.AF_QIPCRTR, 0, 3, (1,), (1, 2), (1, 2, 3), ("x", 1))
bind(socket.AF_BLUETOOTH, socket.BTPROTO_L2CAP, 3, (1, 2), ("00:11:22:33:44:55", 7), ("x", 1), ("00:11:22:33:44:5g", 1), ("00:11:22:33:44:155", 1))
bind(socket.AF_BLUETOOTH, socket.BTPROTO_RFCOMM, 3, ("00:11:22:33:44:55", 7), ("00:11:22:33:44", 1))
bind(socket.AF_BLUETOOTH, socket.BTPROTO_HCI, 3, (0,), (1, 2), ("x",))
bind(socket.AF_BLUETOOTH, socket.BTPROTO_SCO, "x", b"00:11:22:33:44:55", 3, b"x")
bind(77, 0, (1,))
print(socket.BDADDR_ANY, socket.BDADDR_LOCAL)


def send(family, *args, **named):
    s = _socket.socket(family, socket.SOCK_SEQPACKET, 0, fileno=socket.dup(unix.fileno()))
    try:
        print(s.sendmsg_afalg(*args, **named))
    except (OSError, TypeError) as e:
        print(type(e).__name__, e)
    s.close()


send(socket.AF_UNIX, [b"x"], op=1)
for named in {}, {"op": 1}, {"op": -1}, {"op": 1, "iv": b"xyz", "assoclen": 3}, {"op": 1, "assoclen": -1}, {"op": 1, "flags": "x"}, {"op": 1, "iv": "x"}:
    send(socket.AF_ALG, [b"x"], **named)
send(socket.AF_ALG)
send(socket.AF_ALG, 3, op=1)
send(socket.AF_ALG, [3], op=1)
unix.close()
