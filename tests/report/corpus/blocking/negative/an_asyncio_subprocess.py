import asyncio


async def main():
    process = await asyncio.create_subprocess_exec("sleep", "0.3")
    assert await process.wait() == 0


asyncio.run(main())
