import asyncio


async def drain():
    others = asyncio.all_tasks() - {asyncio.current_task(), main_task[0]}
    await asyncio.wait(others)  # expect: stuck cycle


async def main():
    main_task.append(asyncio.current_task())
    tasks = [asyncio.create_task(drain()), asyncio.create_task(drain())]
    await asyncio.sleep(0.01)
    assert not any(each.done() for each in tasks)


main_task = []
asyncio.run(main())
