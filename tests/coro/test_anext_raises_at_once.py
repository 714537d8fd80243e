# SPDX-License-Identifier: MIT
# The end of an async iteration by StopAsyncIteration out of __anext__() itself, and out of what it returned.
import asyncio
class A:
    def __init__(self): self.n=2
    def __aiter__(self): return self
    def __anext__(self):
        if not self.n: raise StopAsyncIteration
        self.n-=1
        f=asyncio.get_running_loop().create_future(); f.set_result(self.n); return f
class B(A):
    def __anext__(self):
        f=asyncio.get_running_loop().create_future()
        if self.n: f.set_result(self.n); self.n-=1
        else: f.set_exception(StopAsyncIteration())
        return f
async def main():
    for t in A,B:
        try: print([x async for x in t()])
        except BaseException as e: print('list',repr(e))
        try:
            async for x in t(): print(x)
        except BaseException as e: print('for', repr(e))
asyncio.run(main())


class Later(A):
    def __anext__(self):
        loop = asyncio.get_running_loop()
        f = loop.create_future()
        if self.n:
            loop.call_later(0.001, f.set_result, self.n)
            self.n -= 1
        else:
            loop.call_later(0.001, f.set_exception, StopAsyncIteration())
        return f


async def later():
    print([x async for x in Later()])
    async for x in Later():
        print(x)
    else:
        print("over")
asyncio.run(later())
