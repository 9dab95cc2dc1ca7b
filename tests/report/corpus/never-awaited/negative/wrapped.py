import asyncio
import functools


async def work(n=1):
    await asyncio.sleep(0)
    return n


def logged(function):
    @functools.wraps(function)
    async def wrapper(*arguments):
        return await function(*arguments)

    return wrapper


async def main():
    await logged(work)(1)


asyncio.run(main())
