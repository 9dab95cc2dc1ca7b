"""Each thread has a loop of its own, made there or elsewhere."""

import asyncio
import threading


async def save(number):
    return number


async def main():
    save(1)  # expect: never-awaited


async def other():
    save(2)  # expect: never-awaited


def run(loop):
    asyncio.set_event_loop(loop)
    loop.run_until_complete(other())


made_here = asyncio.new_event_loop()
threads = [threading.Thread(target=asyncio.run, args=(main(),)) for _ in range(3)]
threads.append(threading.Thread(target=run, args=(made_here,)))
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
made_here.close()
