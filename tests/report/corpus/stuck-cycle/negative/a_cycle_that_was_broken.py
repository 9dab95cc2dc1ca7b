import asyncio


async def waits(others, number):
    await asyncio.sleep(0)
    done, _ = await asyncio.wait([others[number]], timeout=0.005)
    return bool(done)


async def main():
    others = []
    others.append(asyncio.create_task(waits(others, 1)))
    others.append(asyncio.create_task(waits(others, 0)))
    assert await asyncio.gather(*others) != [True, True]


asyncio.run(main())
