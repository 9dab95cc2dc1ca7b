import asyncio
import concurrent.futures
import sibling.process


def square(x):
    loop = asyncio.new_event_loop()
    try:
        return loop.run_until_complete(in_process(x))
    finally:
        loop.close()


@asyncio.coroutine
def in_process(x):
    yield from asyncio.async(asyncio.sleep(0))
    return x * sibling.process.exponent_one(x)


@asyncio.coroutine
def main(loop):
    with concurrent.futures.ProcessPoolExecutor(max_workers=1) as executor:
        squares = [loop.run_in_executor(executor, square, x) for x in range(4)]
        print((yield from asyncio.gather(*squares)))


if __name__ == '__main__':
    loop = asyncio.get_event_loop()
    loop.run_until_complete(main(loop))
    loop.close()
