# TLS over sockets that wait: time-outs, signals, ends; and over asyncio's streams, STARTTLS too.
import asyncio
import pathlib
import signal
import socket
import ssl
import subprocess
import tempfile
import threading
import time

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


def attempt(label, function):
    start = time.monotonic()
    try:
        result = function()
    except (OSError, ValueError) as e:
        result = f"{type(e).__name__} {e.args[-1].split(' (')[0].split(': ')[-1]}"
    print(label, result, "late" if time.monotonic() - start > 5 else "in time")


print("-- time-outs")
client, server = pair()
client.settimeout(0.2)
attempt("read", lambda: client.recv(10))


def fill():
    while True:
        client.send(bytes(65536))


attempt("write", fill)
client.settimeout(0)
attempt("read without waiting", lambda: client.recv(10))
client.close()
server.close()
ours, theirs = socket.socketpair()
ours.settimeout(0.2)
attempt("handshake", lambda: client_context.wrap_socket(ours, server_hostname="localhost"))
theirs.close()
ours, theirs = socket.socketpair()
theirs.close()
attempt("handshake with nobody", lambda: client_context.wrap_socket(ours, server_hostname="localhost"))
ours, theirs = socket.socketpair()
theirs.sendall(b"HTTP/1.0 400 Bad request\r\n\r\n")
attempt("handshake with something else", lambda: client_context.wrap_socket(ours, server_hostname="localhost"))
theirs.close()

print("-- ends")
client, server = pair()
server.sendall(b"last words")
server.shutdown(socket.SHUT_WR)
print(client.recv(100))
attempt("end without goodbye", lambda: client.recv(100))
client.close()
attempt("closed", lambda: client.recv(10))
client, server = pair()
low = client._sslobj
client.close()
del client
attempt("gone", lambda: low.read(5))
server.close()

print("-- signals")
seen = []


def on_alarm(number, frame):
    seen.append(number)
    if len(seen) == 3:
        server.sendall(b"at last")


client, server = pair()
signal.signal(signal.SIGALRM, on_alarm)
signal.setitimer(signal.ITIMER_REAL, 0.05, 0.05)
print(client.recv(100), len(seen) >= 3)


def interrupt(number, frame):
    raise KeyError("by the handler")


signal.signal(signal.SIGALRM, interrupt)
try:
    client.recv(100)
except KeyError as e:
    print("interrupted", e)
signal.setitimer(signal.ITIMER_REAL, 0)
client.close()
server.close()


async def serve(reader, writer):
    line = await reader.readline()
    if line == b"STARTTLS\n":
        writer.write(b"go on\n")
        await writer.drain()
        await writer.start_tls(server_context)
        line = await reader.readline()
    writer.write(line.upper() + bytes(500_000))
    writer.write(b"END")
    await writer.drain()
    writer.close()
    await writer.wait_closed()


async def ask(port, encrypted):
    options = {"ssl": client_context, "server_hostname": "localhost"} if encrypted else {}
    reader, writer = await asyncio.open_connection("127.0.0.1", port, **options)
    if not encrypted:
        writer.write(b"STARTTLS\n")
        print(await reader.readline())
        await writer.start_tls(client_context, server_hostname="localhost")
    writer.write(b"a line\n")
    data = await reader.read()
    print(data[:7], len(data), data[-3:], writer.get_extra_info("cipher") is not None, writer.get_extra_info("peercert")["subject"])
    writer.close()
    await writer.wait_closed()


async def main():
    for encrypted in True, False:
        server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=server_context if encrypted else None)
        async with server:
            port = server.sockets[0].getsockname()[1]
            for _ in range(3):
                await ask(port, encrypted)
            await asyncio.gather(*[ask(port, encrypted) for _ in range(10)])
    strangers = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=server_context)
    async with strangers:
        port = strangers.sockets[0].getsockname()[1]
        try:
            await asyncio.open_connection("127.0.0.1", port, ssl=ssl.create_default_context(), server_hostname="localhost")
        except ssl.SSLCertVerificationError as e:
            print("not trusted", e.verify_message)
        await asyncio.sleep(0.1)


print("-- asyncio")
asyncio.run(main())
for file in folder.iterdir():
    file.unlink()
folder.rmdir()
