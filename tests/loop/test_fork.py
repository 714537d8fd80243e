"""A process that forks inside a running loop: the child may run one of its own."""
import asyncio, os, sys
async def child(): 
    await asyncio.sleep(0.01); return 'child ran'
async def main():
    pid = os.fork()
    if pid == 0:
        try:
            print(asyncio._get_running_loop())
            print(asyncio.run(child()))
            sys.stdout.flush()
        finally:
            os._exit(0)
    os.waitpid(pid, 0)
    print('parent', asyncio.get_running_loop() is not None)
    await asyncio.sleep(0.01)
    print('parent done')
asyncio.run(main())
