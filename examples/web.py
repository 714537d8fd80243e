# SPDX-License-Identifier: MIT
"""A small HTTP/1.1 server of files, and a fetcher that gets many pages at once; asyncio streams and async generators.

web.py serve FOLDER [PORT]     serves a folder on 127.0.0.1 (port 8080)
web.py fetch URL ...           fetches http: pages side by side, says what came
web.py                         both for a moment, over a folder of its own
"""
import asyncio
import contextlib
import html
import pathlib
import sys
import tempfile
import urllib.parse

PIECE = 64 * 1024
PATIENCE = 10                                    # seconds
AT_ONCE = 8                                      # connections of a fetcher
REASONS = {200: "OK", 400: "Bad Request", 404: "Not Found", 405: "Method Not Allowed", 408: "Request Timeout",
           431: "Request Header Fields Too Large"}


class Refusal(Exception):
    """What the server answers instead of a page."""

    def __init__(self, status):
        super().__init__(status, REASONS[status])
        self.status = status


# Both sides: heads and bodies.

async def read_head(reader):
    """(first line, headers); None at the end of the connection."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as e:
        if e.partial:
            raise ConnectionError("the connection ended in a head") from None
        return None
    first, *lines = head.decode("latin-1").split("\r\n")[:-2]
    headers = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or name != name.strip():
            raise ValueError(f"not a header: {line!r}")
        headers[name.lower()] = value.strip()
    return first, headers


async def read_body(reader, headers):
    """The pieces of a body, however it is framed."""
    if headers.get("transfer-encoding", "").lower() == "chunked":
        while size := int((await reader.readuntil(b"\r\n")).partition(b";")[0], 16):
            yield await reader.readexactly(size)
            await reader.readexactly(2)
        while await reader.readuntil(b"\r\n") != b"\r\n":
            pass                                 # trailing headers
    elif "content-length" in headers:
        left = int(headers["content-length"])
        while left:
            piece = await reader.read(min(left, PIECE))
            if not piece:
                raise ConnectionError(f"the connection ended {left} bytes early")
            left -= len(piece)
            yield piece
    else:
        while piece := await reader.read(PIECE):
            yield piece


# The server.

class FileServer:
    """Answers GET and HEAD with what is in a folder."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder).resolve()

    async def serve(self, reader, writer):
        """All requests of one connection."""
        try:
            while await self.answer_next(reader, writer):
                pass
        except (ConnectionError, OSError):
            pass                                 # the client has left; nobody to tell
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def answer_next(self, reader, writer):
        """Answers one request; whether another one may follow."""
        try:
            async with asyncio.timeout(PATIENCE):
                head = await read_head(reader)
            if head is None:
                return False
            first, headers = head
            method, path, version = self.parse(first)
            kind, size, body = self.page(path)
        except (Refusal, ValueError, TimeoutError, asyncio.LimitOverrunError) as e:
            self.refuse(writer, {TimeoutError: 408, asyncio.LimitOverrunError: 431}.get(type(e)) or getattr(e, "status", 400))
            return False
        stay = version == "HTTP/1.1" and headers.get("connection", "").lower() != "close"
        answer = {"content-type": kind, "connection": "keep-alive" if stay else "close"}
        if size is not None:
            answer["content-length"] = size
        elif version == "HTTP/1.1":
            answer["transfer-encoding"] = "chunked"
            body = chunked(body)
        self.send_head(writer, 200, answer)
        async with contextlib.aclosing(body):
            if method == "GET":
                await self.send_body(writer, body)
        return stay

    def refuse(self, writer, status):
        text = f"{status} {REASONS[status]}\n".encode()
        self.send_head(writer, status, {"content-type": "text/plain", "content-length": len(text), "connection": "close"})
        writer.write(text)

    def parse(self, first):
        method, target, version = first.split(" ")
        if version not in ("HTTP/1.0", "HTTP/1.1"):
            raise Refusal(400)
        if method not in ("GET", "HEAD"):
            raise Refusal(405)
        path = self.folder / urllib.parse.unquote(urllib.parse.urlsplit(target).path).lstrip("/")
        path = path.resolve()
        if not path.is_relative_to(self.folder) or not (path.is_file() or path.is_dir()):
            raise Refusal(404)
        return method, path, version

    def page(self, path):
        """(type, size or None, async generator of pieces)."""
        if path.is_dir():
            return "text/html; charset=utf-8", None, listing(path)
        kind = {".html": "text/html; charset=utf-8", ".txt": "text/plain; charset=utf-8"}.get(path.suffix, "application/octet-stream")
        return kind, path.stat().st_size, file_pieces(path)

    def send_head(self, writer, status, headers):
        lines = [f"HTTP/1.1 {status} {REASONS[status]}", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
        writer.write("\r\n".join(lines).encode("latin-1"))

    async def send_body(self, writer, pieces):
        async for piece in pieces:
            writer.write(piece)
            async with asyncio.timeout(PATIENCE):
                await writer.drain()             # a slow client is waited for, and memory stays flat


async def file_pieces(path):
    with path.open("rb") as file:
        while piece := await asyncio.to_thread(file.read, PIECE):
            yield piece


async def listing(folder):
    """A page that is sent while it is written."""
    yield b"<!doctype html>\n<ul>\n"
    for path in sorted(folder.iterdir()):
        name = path.name + "/" * path.is_dir()
        yield f'<li><a href="{urllib.parse.quote(name)}">{html.escape(name)}</a>\n'.encode()
    yield b"</ul>\n"


async def chunked(pieces):
    async for piece in pieces:
        yield b"%x\r\n%b\r\n" % (len(piece), piece)
    yield b"0\r\n\r\n"


# The fetcher.

async def fetch(url, room):
    """(status, headers, body) of a page; `room` bounds how many are fetched at the same time."""
    parts = urllib.parse.urlsplit(url)
    if parts.scheme != "http":
        raise ValueError(f"not an http: address: {url}")
    async with room, asyncio.timeout(PATIENCE):
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port or 80)
        try:
            target = urllib.parse.urlunsplit(("", "", parts.path or "/", parts.query, ""))
            writer.write(f"GET {target} HTTP/1.1\r\nhost: {parts.netloc}\r\nconnection: close\r\n\r\n".encode("latin-1"))
            head = await read_head(reader)
            if head is None:
                raise ConnectionError("no answer")
            body = b"".join([piece async for piece in read_body(reader, head[1])])
            return int(head[0].split(" ")[1]), head[1], body
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()


async def fetch_all(urls):
    """The pages of many addresses, in their order; a page that cannot be had is an exception in its place."""
    room = asyncio.Semaphore(AT_ONCE)
    return await asyncio.gather(*(fetch(url, room) for url in urls), return_exceptions=True)


async def report(urls):
    for url, page in zip(urls, await fetch_all(urls)):
        path = urllib.parse.urlsplit(url).path
        if isinstance(page, Exception):
            print(f"{path}: {type(page).__name__}: {page}")
        else:
            print(f"{path}: {page[0]}, {len(page[2])} bytes of {page[1]['content-type']}")


async def serve_forever(folder, port):
    server = await asyncio.start_server(FileServer(folder).serve, "127.0.0.1", port)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/", flush=True)
    async with server:
        await server.serve_forever()


async def show():
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        (folder / "hello.txt").write_text("Hello.\n")
        (folder / "zeros").write_bytes(bytes(1_000_000))
        (folder / "sub").mkdir()
        server = await asyncio.start_server(FileServer(folder).serve, "127.0.0.1", 0)
        async with server:
            base = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
            await report([base + path for path in ("/", "/hello.txt", "/zeros", "/sub/", "/none", "/../../etc/passwd")])


def main(arguments):
    match arguments:
        case ["serve", folder, *port]:
            work = serve_forever(folder, int(port[0]) if port else 8080)
        case ["fetch", *urls]:
            work = report(urls)
        case []:
            work = show()
        case _:
            sys.exit(__doc__)
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(work)


if __name__ == "__main__":
    main(sys.argv[1:])
