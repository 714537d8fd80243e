# SPDX-License-Identifier: MIT
# TLS in both directions at once, two threads on each end. The reference's 3.11 lets two threads into one connection of OpenSSL: it loses data,
# hangs or dies.
import os
import pathlib
import socket
import ssl
import subprocess
import tempfile
import threading

folder = pathlib.Path(tempfile.mkdtemp())
subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", folder / "key.pem", "-out", folder / "cert.pem", "-days", "2",
                "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"], check=True, capture_output=True)
server_context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
server_context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
client_context = ssl.create_default_context(cafile=folder / "cert.pem")


def pair(timeout=None):
    ours, theirs = socket.socketpair()
    ends = []
    thread = threading.Thread(target=lambda: ends.append(server_context.wrap_socket(theirs, server_side=True)))
    thread.start()
    ours.settimeout(timeout)
    client = client_context.wrap_socket(ours, server_hostname="localhost")
    thread.join()
    return client, ends[0]


def receive(end, size, out):
    while len(out) < size:
        out += end.recv(65536)


for timeout in None, 30:
    client, server = pair(timeout)
    sizes = [1, 100, 4096, 16384, 16385, 100_000]
    data = os.urandom(sum(sizes) * 8)
    got = bytearray(), bytearray()
    threads = [threading.Thread(target=receive, args=(client, len(data), got[0])), threading.Thread(target=receive, args=(server, len(data), got[1])),
               threading.Thread(target=client.sendall, args=(data,)), threading.Thread(target=server.sendall, args=(data,))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(timeout, got[0] == data, got[1] == data, client.version(), client.pending())
    ends = []
    thread = threading.Thread(target=lambda: ends.append(type(server.unwrap()).__name__))
    thread.start()
    print(type(client.unwrap()).__name__)
    thread.join()
    print(ends)
    client.close()
    server.close()
# cede: None True True TLSv1.3 0
# cede: SSLSocket
# cede: ['SSLSocket']
# cede: 30 True True TLSv1.3 0
# cede: SSLSocket
# cede: ['SSLSocket']
