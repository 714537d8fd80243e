# What fails at once or later in the loop's services: the exceptions, and that none drags another one along which its user never saw.
import asyncio
import re
import signal
import socket


async def attempt(coroutine):
    chain, error = [], None
    try:
        await coroutine
    except BaseException as caught:
        error = caught
    while error is not None:
        chain.append(re.sub(r"fd=\d+", "fd=N", repr(error)))
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    print(chain)


def call(function, *args, **kwargs):
    try:
        result = function(*args, **kwargs)
        print(type(result).__name__)
    except Exception as error:
        print(type(error).__name__, error)


async def sockets():
    loop = asyncio.get_running_loop()
    await attempt(asyncio.open_connection("127.0.0.1", 1))
    await attempt(asyncio.open_connection("localhost", 1))
    await attempt(asyncio.open_unix_connection("/nonexistent/sock"))
    with socket.socket() as sock:
        sock.setblocking(False)
        await attempt(loop.sock_connect(sock, ("127.0.0.1", 1)))
    left, right = socket.socketpair()
    with left, right:
        left.setblocking(False)
        task = asyncio.create_task(attempt(loop.sock_recv(left, 10)))
        await asyncio.sleep(0.01)
        task.cancel()
        await task
        await attempt(asyncio.wait_for(loop.sock_recv_into(left, bytearray(3)), 0.01))
        task = asyncio.create_task(attempt(loop.sock_sendall(left, b"x" * 10_000_000)))
        await asyncio.sleep(0.01)
        right.close()
        await task
        await attempt(loop.sock_recv(left, 10))
        await attempt(loop.sock_sendall(left, b"x"))
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        sock.listen()
        sock.setblocking(False)
        await attempt(asyncio.wait_for(loop.sock_accept(sock), 0.01))
    with socket.socket(type=socket.SOCK_DGRAM) as sock:
        sock.setblocking(False)
        await attempt(asyncio.wait_for(loop.sock_recvfrom(sock, 3), 0.01))


async def arguments():
    loop = asyncio.get_running_loop()
    with socket.socket() as sock, socket.socket(type=socket.SOCK_DGRAM) as datagrams:
        for arguments in ((), ("a", 1), ("127.0.0.1", 1)):
            await attempt(loop.create_connection(print, *arguments, sock=sock if "a" in arguments else None, server_hostname="x"))
            await attempt(loop.create_server(print, *arguments, sock=sock, ssl=True))
        await attempt(loop.create_connection(print, sock=datagrams))
        await attempt(loop.create_connection(print, sock=sock, ssl=True))
        await attempt(loop.create_connection(print, "127.0.0.1", 1, local_addr=("::1", 0)))
        await attempt(loop.create_server(print))
        await attempt(loop.create_server(print, sock=datagrams))
        await attempt(loop.connect_accepted_socket(print, datagrams))
        await attempt(loop.create_datagram_endpoint(print))
        await attempt(loop.create_datagram_endpoint(print, sock=sock))
        await attempt(loop.create_unix_connection(print))
        await attempt(loop.create_unix_connection(print, "x", sock=sock))
        await attempt(loop.create_unix_server(print))
        await attempt(loop.create_unix_server(print, "x", sock=sock))
        await attempt(loop.start_tls(1, 2, 3))
    await attempt(asyncio.create_subprocess_exec("/nonexistent"))
    await attempt(asyncio.create_subprocess_exec("true", universal_newlines=True))
    await attempt(asyncio.create_subprocess_exec("true", bufsize=3))
    await attempt(asyncio.create_subprocess_shell(3))
    await attempt(loop.subprocess_exec(print, "x", shell=True))
    await attempt(loop.subprocess_shell(print, "true", text=True))


async def calls():
    loop = asyncio.get_running_loop()
    for number in signal.SIGKILL, "x", 1000:
        call(loop.add_signal_handler, number, print)
    call(loop.add_signal_handler, signal.SIGINT, calls)
    call(loop.remove_signal_handler, signal.SIGINT)
    call(loop.run_forever)
    call(loop.run_until_complete, 3)
    call(loop.close)
    call(loop.set_default_executor, 3)
    call(loop.set_exception_handler, 3)
    call(loop.set_task_factory, 3)
    call(loop.call_later, None, print)
    call(loop.call_at, None, print)
    call(loop.add_reader, -1, print)
    call(loop.add_reader, "x", print)
    call(loop.remove_reader, 9999)
    call(loop.create_task, 3)
    call(asyncio.set_event_loop, 3)
    call(asyncio.set_event_loop_policy, 3)
    call(asyncio.ensure_future, 3)


def closed():
    loop = asyncio.new_event_loop()
    loop.close()
    loop.close()
    call(loop.call_soon, print)
    call(loop.call_later, 1, print)
    call(loop.run_forever)
    call(loop.run_in_executor, None, print)
    call(loop.add_reader, 0, print)
    call(loop.call_soon_threadsafe, print)
    call(loop.create_future)
    call(loop.stop)


for part in sockets, arguments, calls:
    print("--", part.__name__)
    asyncio.run(part())
print("-- closed")
closed()
call(asyncio.get_running_loop)
