import asyncio


async def main():
    await asyncio.sleep(0.3)


asyncio.run(main())
