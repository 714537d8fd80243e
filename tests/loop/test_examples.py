# The programs of examples/ that talk over sockets: what they show, and what they do with clients that do not behave.
import asyncio
import contextlib
import importlib.util
import pathlib
import socket
import struct
import tempfile

EXAMPLES = pathlib.Path(__file__).resolve().parent.parent.parent / "examples"


def load(name):
    spec = importlib.util.spec_from_file_location("example_" + name, EXAMPLES / (name + ".py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


web, chat = load("web"), load("chat")


async def exchange(port, data, half_close=False):
    """All that a server says to some bytes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(data)
    if half_close:
        writer.write_eof()
    async with asyncio.timeout(30):
        answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return answer


async def ended(port, data):
    """Whether a server ends the connection; what it says may be lost, as it leaves some bytes unread."""
    with contextlib.suppress(ConnectionError):
        await exchange(port, data)
    return True


def vanish(port, data):
    """Says something and resets the connection."""
    s = socket.create_connection(("127.0.0.1", port))
    s.sendall(data)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    s.close()


async def web_requests():
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        (folder / "a b.html").write_text("<p>a")
        (folder / "zeros").write_bytes(bytes(300_000))
        (folder / "out").symlink_to("/etc/passwd")
        server = await asyncio.start_server(web.FileServer(folder).serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        for data in (
                b"GET /a%20b.html HTTP/1.0\r\n\r\n",
                b"HEAD /zeros HTTP/1.1\r\nconnection: close\r\n\r\n",
                b"GET / HTTP/1.0\r\n\r\n",
                b"GET /a%20b.html HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\nConnection: CLOSE\r\n\r\n",
                b"HEAD / HTTP/1.1\r\n\r\nGET /none HTTP/1.1\r\n\r\nGET /never HTTP/1.1\r\n\r\n",
                b"GET /out HTTP/1.1\r\n\r\n",
                b"GET /..%2f..%2fetc/passwd HTTP/1.1\r\n\r\n",
                b"GET /%00 HTTP/1.1\r\n\r\n",
                b"POST / HTTP/1.1\r\n\r\n",
                b"GET / HTTP/2\r\n\r\n",
                b"GET /\r\n\r\n",
                b"GET / HTTP/1.1\r\nno colon\r\n\r\n"):
            print(data[:60], await exchange(port, data))
        print("half a head:", await exchange(port, b"GET / HT", half_close=True))
        print("a long head:", await ended(port, b"GET / HTTP/1.1\r\nx: " + b"y" * 70_000))
        print("nothing:", await exchange(port, b"", half_close=True))
        for _ in range(5):
            vanish(port, b"GET /zeros HTTP/1.1\r\n\r\n" * 20)
            vanish(port, b"GET /ze")
        pages = await web.fetch_all([f"http://127.0.0.1:{port}/zeros", "ftp://127.0.0.1/"] + [f"http://127.0.0.1:{port}/"] * 30)
        print([len(page[2]) if isinstance(page, tuple) else page for page in pages])
        server.close()
        await server.wait_closed()


async def odd_servers():
    """What the fetcher says to answers that are none."""
    fine, chunks = b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    answers = [b"", b"HTTP/1.1 200", fine + b"content-length: 10\r\n\r\nabc", chunks + b"5\r\nab",
               chunks + b"3;x=y\r\nabc\r\n0\r\nlater: yes\r\n\r\n", fine + b"\r\nto the end", chunks + b"xyz\r\n"]
    for answer in answers:
        async def serve(reader, writer):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(answer)
            writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        async with server:
            page, = await web.fetch_all([f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/x?y"])
            print(answer[-20:], page if isinstance(page, tuple) else (type(page).__name__, str(page)))


async def chat_lines():
    server = await asyncio.start_server(chat.Chat().serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server:
        print(await exchange(port, b"/nick guest2\n/nick no name\n/nick guest2\n\n/what\r\nh\xe9llo\n/join\n/quit\n"))
        print(await exchange(port, b"no end of line", half_close=True))
        print("a long line:", await ended(port, b"x" * 70_000))
        keeper = socket.create_connection(("127.0.0.1", port))     # never reads
        for _ in range(20):
            vanish(port, b"hello\n/who\n")
        print((await exchange(port, b"line\n" * 60 + b"/quit\n")).count(b": line\n"))
        keeper.close()
        await asyncio.sleep(0.1)


web.main([])
chat.main([])
asyncio.run(web_requests())
asyncio.run(odd_servers())
asyncio.run(chat_lines())
