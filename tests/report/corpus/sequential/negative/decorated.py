import asyncio


async def fetch(number):
    await asyncio.sleep(0.01)
    return number


def logged(function):
    async def wrapper(number):
        return await function(number)

    return wrapper


@logged
async def load(number):
    await asyncio.sleep(0.01)
    return number


async def main():
    one = await load(1)
    two = await load(2)
    assert one + two == 3


asyncio.run(main())
