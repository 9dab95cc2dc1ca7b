import asyncio
import sys


async def runs():
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", "input()", stdin=asyncio.subprocess.PIPE)
    started.append(process)
    await process.wait()


async def main():
    task = asyncio.create_task(runs())
    while not started:
        await asyncio.sleep(0.01)
    await asyncio.sleep(0.01)
    assert not task.done()
    loop = asyncio.get_running_loop()
    started[0].stdin.close()
    loop.call_later(60, started.clear)


started = []
asyncio.run(main())
