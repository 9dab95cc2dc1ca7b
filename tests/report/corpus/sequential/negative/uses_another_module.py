import asyncio
import os


async def fetch(number):
    await asyncio.sleep(0.01)
    return number


async def write(text):
    await asyncio.sleep(0.01)
    return os.write(1, text.encode()) if text else 0


async def main():
    one = await write("")
    two = await write("")
    assert one == two


asyncio.run(main())
