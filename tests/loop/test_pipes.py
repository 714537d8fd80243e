# SPDX-License-Identifier: MIT
# Pipes, terminals, a fork in the middle of a run, descriptors that another thread adds, names and addresses.
import asyncio, os, sys
async def main():
    loop=asyncio.get_running_loop()
    for f in (loop.connect_read_pipe, loop.connect_write_pipe):
        with open('/etc/passwd') as fh:
            try: await f(asyncio.Protocol, fh)
            except ValueError as e: print(e)
    r,w=os.pipe()
    reader=asyncio.StreamReader(); 
    t,p=await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(r,'rb'))
    os.write(w,b'abc'); os.close(w); print(await reader.read()); t.close()
    m,s=os.openpty()
    reader=asyncio.StreamReader()
    t,p=await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(m,'rb',0))
    os.write(s,b'tty\n'); print(await reader.readline()); t.close(); os.close(s)
    # fork
    pid=os.fork()
    if not pid:
        try: asyncio.get_running_loop(); print('running')
        except RuntimeError as e: print(e)
        l2=asyncio.new_event_loop()
        os._exit(0)
    os.waitpid(pid,0)
    await asyncio.sleep(0.01)
    # foreign thread add_reader
    import threading
    r,w=os.pipe(); got=asyncio.Event()
    def cb(): os.read(r,1); loop.remove_reader(r); got.set()
    threading.Timer(0.05, lambda: (loop.add_reader(r, cb), os.write(w,b'x'))).start()
    await got.wait(); print('thread ok')
    print(await loop.getaddrinfo('127.0.0.1', 80, type=1), await loop.getnameinfo(('127.0.0.1',80), 3))
asyncio.run(main())
