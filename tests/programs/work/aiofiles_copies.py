# SPDX-License-Identifier: MIT
"""Tasks write, copy and read files at the same time by way of aiofiles."""
import asyncio

import aiofiles
import aiofiles.os
import aiofiles.tempfile


async def write_lines(name, count):
    async with aiofiles.open(name, "w") as file:
        for number in range(count):
            await file.write(f"{name} {number}\n")


async def copy(source, target):
    async with aiofiles.open(source, "rb") as reader, aiofiles.open(target, "wb") as writer:
        while block := await reader.read(100):
            await writer.write(block)


async def count_lines(name):
    async with aiofiles.open(name) as file:
        return len([line async for line in file])


async def main():
    names = [f"file{number}" for number in range(8)]
    await asyncio.gather(*(write_lines(name, 50) for name in names))
    await asyncio.gather(*(copy(name, name + ".copy") for name in names))
    print(await asyncio.gather(*(count_lines(name + ".copy") for name in names)))
    print(sorted(await aiofiles.os.listdir(".")))
    async with aiofiles.open("file3.copy", "r+") as file:
        print(repr(await file.readline()), await file.seek(0, 2), await file.tell())
        await file.truncate(20)
    print((await aiofiles.os.stat("file3.copy")).st_size)
    await aiofiles.os.rename("file3.copy", "renamed")
    await asyncio.gather(*(aiofiles.os.remove(name) for name in names))
    print(sorted(await aiofiles.os.listdir(".")))
    async with aiofiles.tempfile.TemporaryFile("w+") as file:
        await file.write("kept for a while")
        await file.seek(0)
        print(await file.read())
    try:
        await aiofiles.open("absent")
    except FileNotFoundError as error:
        print(error)


asyncio.run(main())
