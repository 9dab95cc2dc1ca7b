import asyncio


async def fetch(number):
    await asyncio.sleep(0.01)
    return number


async def load(text):
    await asyncio.sleep(0.01)
    return text


async def main():
    one = await fetch(1)  # expect: sequential
    two = await load("2")
    assert (one, two) == (1, "2")


asyncio.run(main())
