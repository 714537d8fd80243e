# Certificates, lists of them and handshakes with bytes that are wrong: an exception, or none, and the same as under python3.
import glob
import os
import random
import ssl

import test

folder = os.path.dirname(test.__file__)
rng = random.Random(7)


def outcome(function):
    try:
        function()
    except (ssl.SSLError, ValueError, TypeError) as e:
        return f"{type(e).__name__} {getattr(e, 'library', None)} {getattr(e, 'reason', None)}"
    return "taken"


def load(data):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        context.load_verify_locations(cadata="x")    # the reference leaves errors in OpenSSL's queue and finds them later; this empties it
    except ssl.SSLError:
        pass
    context.load_verify_locations(cadata=data)
    context.cert_store_stats()
    context.get_ca_certs()
    context.get_ca_certs(True)


def damaged(data, damage):
    data = bytearray(data)
    for _ in range(damage):
        at = rng.randrange(len(data))
        kind = rng.randrange(4)
        if kind == 0:
            data[at] = rng.randrange(256)
        elif kind == 1:
            data[at] ^= 1 << rng.randrange(8)
        elif kind == 2:
            del data[at:at + rng.randrange(1, 9)]
        else:
            data[at:at] = bytes(rng.randrange(256) for _ in range(rng.randrange(1, 9)))
        if not data:
            data = bytearray(1)
    return bytes(data)


names = "keycert.pem", "keycert3.pem", "nokia.pem", "talos-2019-0758.pem", "nullbytecert.pem", "allsans.pem", "idnsans.pem", "pycacert.pem"
for name in names:
    path = os.path.join(folder, name)
    if not os.path.exists(path):
        continue
    text = open(path).read()
    pem = text[text.rindex("-----BEGIN CERTIFICATE"):]
    pem = pem[:pem.index("-----END CERTIFICATE-----") + len("-----END CERTIFICATE-----")] + "\n"
    der = ssl.PEM_cert_to_DER_cert(pem)
    for damage in 0, 1, 1, 1, 2, 4, 8, 30:
        print(name, damage, outcome(lambda: load(damaged(der, damage))), outcome(lambda: load(damaged(pem.encode(), damage).decode("latin-1"))))
    for size in range(0, len(der), 97):
        print(name, size, outcome(lambda: load(der[:size])))
    print(outcome(lambda: load(der + der)), outcome(lambda: load(der + b"tail")), outcome(lambda: load(pem + pem)), outcome(lambda: load(pem + "tail")))

server_context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
server_context.load_cert_chain(os.path.join(folder, "keycert3.pem"))
server_context.sni_callback = lambda *args: None
ends = set()
for round in range(150):
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    client_context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client_context.load_verify_locations(os.path.join(folder, "pycacert.pem"))
    server = server_context.wrap_bio(to_server, to_client, server_side=True)
    client = client_context.wrap_bio(to_client, to_server, server_hostname="localhost")
    victim = round % 4
    for step in range(12):
        for end, out in (client, to_server), (server, to_client):
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                pass
            except (ssl.SSLError, ValueError) as e:
                ends.add(isinstance(e, ssl.SSLError))
            if step == victim and out.pending:
                out.write(damaged(out.read(), 1 + round % 3))
    for end in client, server:
        for function in end.version, end.cipher, end.shared_ciphers, end.selected_alpn_protocol, end.get_channel_binding, end.unwrap:
            outcome(function)
        outcome(lambda: end.session and end.session.id)
        outcome(end.getpeercert)
print("handshakes that failed did so by SSLError:", ends == {True})
for name in names:                               # last: the reference leaves what it finds wrong in OpenSSL's queue of errors
    path = os.path.join(folder, name)
    if os.path.exists(path):
        print(name, ssl._ssl._test_decode_cert(path))
