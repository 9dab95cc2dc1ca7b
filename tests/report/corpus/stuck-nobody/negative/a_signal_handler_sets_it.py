import asyncio
import signal


async def until_told(stop):
    await stop.wait()


async def main():
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGUSR2, stop.set)
    task = asyncio.create_task(until_told(stop))
    del stop
    await asyncio.sleep(0.01)
    assert not task.done()
    loop.call_later(0.2, loop.remove_signal_handler, signal.SIGUSR2)


asyncio.run(main())
