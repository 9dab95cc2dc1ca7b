import asyncio
import time


async def main():
    await asyncio.get_running_loop().run_in_executor(None, time.sleep, 0.3)


asyncio.run(main())
