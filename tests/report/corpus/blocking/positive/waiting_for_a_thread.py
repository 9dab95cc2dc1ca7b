import asyncio
import concurrent.futures
import time


async def main():
    with concurrent.futures.ThreadPoolExecutor() as executor:
        assert executor.submit(time.sleep, 0.3).result() is None  # expect: blocking


asyncio.run(main())
