# A websockets server and its clients on loopback: 100,000 messages there and back, plain, one by one, compressed, in fragments and over TLS.
import asyncio
import hashlib
import pathlib
import ssl
import subprocess

import websockets


async def echo(socket):
    async for message in socket:
        await socket.send(message)


def text(i):
    return f"message {i} " + "x" * (i * 7 % 150)


async def stream(socket, count):
    """Sends without waiting for answers, which another task reads."""
    digest = hashlib.sha256()

    async def read():
        for i in range(count):
            answer = await socket.recv()
            assert answer == text(i), (i, answer)
            digest.update(answer.encode())

    reader = asyncio.create_task(read())
    for i in range(count):
        await socket.send(text(i))
    await reader
    return digest.hexdigest()[:16]


async def converse(socket, count):
    """One message at a time, bytes."""
    total = 0
    for i in range(count):
        data = bytes([i % 256]) * (i % 300)
        await socket.send(data)
        answer = await socket.recv()
        assert answer == data
        total += len(answer)
    return total


async def oddities(socket):
    async def pieces():
        for i in range(100):
            yield f"piece {i}, "

    await socket.send(pieces())
    whole = await socket.recv()
    big = b"0123456789" * 60_000
    await socket.send(big)
    returned = await socket.recv()
    pong = await socket.ping(b"are you there?")
    await asyncio.wait_for(pong, 30)
    return len(whole), returned == big


def certificate(folder):
    """A new key and a certificate for localhost that it has signed itself."""
    key, file = folder / "key.pem", folder / "certificate.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", file, "-days", "2", "-subj", "/CN=localhost",
               "-addext", "subjectAltName=DNS:localhost"]
    subprocess.run(command, check=True, capture_output=True)
    return key, file


async def plain():
    async with websockets.serve(echo, "127.0.0.1", 0, compression=None) as server:
        port = server.sockets[0].getsockname()[1]
        async with websockets.connect(f"ws://127.0.0.1:{port}/", compression=None) as socket:
            print("streamed", await stream(socket, 77_000))
            print("one by one", await converse(socket, 16_000))
            print("oddities", await oddities(socket))
        print("closed", socket.close_code)


async def compressed():
    async with websockets.serve(echo, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        async with websockets.connect(f"ws://127.0.0.1:{port}/") as socket:
            print("extensions", [type(e).__name__ for e in socket.extensions])
            print("compressed", await stream(socket, 4_000))


async def encrypted(folder):
    key, file = certificate(folder)
    server_context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_context.load_cert_chain(file, key)
    client_context = ssl.create_default_context(cafile=file)
    async with websockets.serve(echo, "127.0.0.1", 0, ssl=server_context, compression=None) as server:
        port = server.sockets[0].getsockname()[1]
        async with websockets.connect(f"wss://localhost:{port}/", ssl=client_context, server_hostname="localhost", host="127.0.0.1",
                                      compression=None) as socket:
            print("encrypted", socket.transport.get_extra_info("ssl_object").version(), await stream(socket, 3_000))
            print("oddities", await oddities(socket))


async def main():
    await plain()
    await compressed()
    await encrypted(pathlib.Path.cwd())


asyncio.run(main())
