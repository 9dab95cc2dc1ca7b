import asyncio


async def main():
    try:
        await asyncio.wait_for(asyncio.sleep(60), 0.2)
    except TimeoutError:
        pass


asyncio.run(main())
