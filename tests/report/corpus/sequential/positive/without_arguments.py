import asyncio


async def fetch(number):
    await asyncio.sleep(0.01)
    return number


async def user():
    await asyncio.sleep(0.01)
    return "user"


async def orders():
    await asyncio.sleep(0.01)
    return []


async def main():
    name = await user()  # expect: sequential
    found = await orders()
    assert (name, found) == ("user", [])


asyncio.run(main())
