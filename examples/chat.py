# SPDX-License-Identifier: MIT
"""A chat server with rooms: a task reads each client, another one writes to it, a queue lies between.

chat.py serve [PORT]     serves on 127.0.0.1 (port 8888); talk to it with `nc 127.0.0.1 8888`
chat.py                  a server and three people who talk for a moment
"""
import asyncio
import contextlib
import sys

BACKLOG = 100                                    # lines that may wait for a client that does not read
HELP = "/nick NAME, /join ROOM, /who, /quit; all else is said to the room"


class Client:
    """One who is connected."""

    def __init__(self, name, writer):
        self.name, self.writer = name, writer
        self.room = "lobby"
        self.waiting = asyncio.Queue(BACKLOG)

    def tell(self, line):
        """Puts a line into the queue. One who lets it fill up is put out: nobody waits for the slowest."""
        try:
            self.waiting.put_nowait(line)
        except asyncio.QueueFull:
            self.writer.transport.abort()

    async def write_lines(self):
        while (line := await self.waiting.get()) is not None:
            self.writer.write(line.encode() + b"\n")
            await self.writer.drain()


class Chat:
    """Who is there, and what happens to what they type."""

    def __init__(self):
        self.clients = {}                        # by name
        self.guests = 0

    def in_room(self, room):
        return [client for client in self.clients.values() if client.room == room]

    def say(self, room, line, but=None):
        for client in self.in_room(room):
            if client is not but:
                client.tell(line)

    def guest_name(self):
        while True:
            self.guests += 1
            if (name := f"guest{self.guests}") not in self.clients:
                return name

    async def serve(self, reader, writer):
        """One connection, from its start to its end."""
        client = Client(self.guest_name(), writer)
        self.clients[client.name] = client
        sender = asyncio.create_task(client.write_lines())
        client.tell(f"* you are {client.name}; {HELP}")
        self.say(client.room, f"* {client.name} comes in", but=client)
        try:
            async for line in lines(reader):
                if not self.take(client, line):
                    break
        except (ConnectionError, ValueError):
            pass                                 # gone without a word, or a line that does not end
        finally:
            del self.clients[client.name]
            self.say(client.room, f"* {client.name} leaves")
            await self.part(client, sender)

    async def part(self, client, sender):
        """What waits for the client is still sent, unless it does not read."""
        with contextlib.suppress(asyncio.QueueFull):
            client.waiting.put_nowait(None)
        try:
            with contextlib.suppress(OSError):
                await asyncio.wait_for(sender, 5)
        except TimeoutError:
            client.writer.transport.abort()
        client.writer.close()
        with contextlib.suppress(OSError):
            await client.writer.wait_closed()

    def take(self, client, line):
        """Does what a line says; False: the client wants to go."""
        match line.split(maxsplit=1):
            case []:
                pass
            case ["/quit", *_]:
                return False
            case ["/nick", name]:
                self.rename(client, name)
            case ["/join", room]:
                self.say(client.room, f"* {client.name} goes to {room}", but=client)
                client.room = room
                self.say(room, f"* {client.name} comes in")
            case ["/who"]:
                client.tell(f"* {client.room}: " + " ".join(sorted(c.name for c in self.in_room(client.room))))
            case [word, *_] if word.startswith("/"):
                client.tell(f"* {HELP}")
            case _:
                self.say(client.room, f"{client.name}: {line}")
        return True

    def rename(self, client, name):
        if name in self.clients or not name.isidentifier():
            client.tell(f"* {name} won't do")
            return
        self.say(client.room, f"* {client.name} is now {name}")
        del self.clients[client.name]
        client.name = name
        self.clients[name] = client


async def lines(reader):
    """The lines of a connection, without their ends; what is no UTF-8 is shown as such."""
    while line := await reader.readline():
        yield line.decode("utf-8", "backslashreplace").rstrip("\r\n")


async def serve_forever(port):
    server = await asyncio.start_server(Chat().serve, "127.0.0.1", port)
    print("nc 127.0.0.1", server.sockets[0].getsockname()[1], flush=True)
    async with server:
        await server.serve_forever()


class Person:
    """A client that follows a script; its lines wait until a certain line was seen, so that the talk is always the same."""

    def __init__(self, name, port):
        self.name, self.port = name, port
        self.heard = []
        self.more = asyncio.Condition()

    async def __aenter__(self):
        reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port)
        self.listener = asyncio.create_task(self.listen(reader))
        await self.until("you are")
        await self.type(f"/nick {self.name}", f"is now {self.name}")
        return self

    async def __aexit__(self, *_):
        self.writer.write(b"/quit\n")
        await self.listener
        self.writer.close()
        await self.writer.wait_closed()

    async def listen(self, reader):
        async for line in lines(reader):
            async with self.more:
                self.heard.append(line)
                self.more.notify_all()

    async def until(self, text):
        async with self.more, asyncio.timeout(10):
            await self.more.wait_for(lambda: any(text in line for line in self.heard))

    async def type(self, line, answer):
        self.writer.write(line.encode() + b"\n")
        await self.until(answer)


async def show():
    server = await asyncio.start_server(Chat().serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, Person("ann", port) as ann, Person("bob", port) as bob:
        await ann.until("is now bob")
        async with Person("cleo", port) as cleo:
            await bob.until("is now cleo")
            await ann.until("is now cleo")
            await ann.type("hello, all", "ann: hello, all")
            await bob.until("ann: hello, all")
            await cleo.until("ann: hello, all")
            await bob.type("/nick cleo", "won't do")
            await cleo.type("/join garden", "cleo comes in")
            await ann.until("cleo goes to garden")
            await bob.until("cleo goes to garden")
            await cleo.type("anyone here?", "cleo: anyone here?")
            await cleo.type("/who", "garden: cleo")
        await ann.type("/who", "lobby: ann bob")
    await asyncio.sleep(0)
    for person in (ann, bob, cleo):
        print(f"what {person.name} heard:", *person.heard, sep="\n    ")


def main(arguments):
    match arguments:
        case ["serve", *port]:
            work = serve_forever(int(port[0]) if port else 8888)
        case []:
            work = show()
        case _:
            sys.exit(__doc__)
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(work)


if __name__ == "__main__":
    main(sys.argv[1:])
