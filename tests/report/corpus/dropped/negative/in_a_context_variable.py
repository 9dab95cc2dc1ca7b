import asyncio
import contextvars


async def work(n=1):
    await asyncio.sleep(0)
    return n


current = contextvars.ContextVar("current")


async def main():
    current.set(asyncio.create_task(work()))
    await asyncio.sleep(0.01)


asyncio.run(main())
