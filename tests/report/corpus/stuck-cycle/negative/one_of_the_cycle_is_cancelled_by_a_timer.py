import asyncio


async def waits(others, number):
    await asyncio.sleep(0)
    await others[number]


async def main():
    others = []
    others.append(asyncio.create_task(waits(others, 1)))
    others.append(asyncio.create_task(waits(others, 0)))
    asyncio.get_running_loop().call_later(60, others[0].cancel)
    await asyncio.sleep(0.01)
    assert not any(each.done() for each in others)
    kept.extend(others)


kept = []
loop = asyncio.new_event_loop()
loop.run_until_complete(main())
for task in kept:
    task._log_destroy_pending = False
loop.close()
