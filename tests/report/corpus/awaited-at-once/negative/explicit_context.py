import asyncio
import contextvars


async def work(n=1):
    await asyncio.sleep(0)
    return n


async def main():
    await asyncio.create_task(work(1), context=contextvars.copy_context())


asyncio.run(main())
