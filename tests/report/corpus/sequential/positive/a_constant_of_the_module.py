import asyncio


async def fetch(number):
    await asyncio.sleep(0.01)
    return number


HOST = "localhost"


async def load(path):
    await asyncio.sleep(0.01)
    return HOST + path


async def main():
    one = await load("/1")  # expect: sequential
    two = await load("/2")
    assert one + two == "localhost/1localhost/2"


asyncio.run(main())
