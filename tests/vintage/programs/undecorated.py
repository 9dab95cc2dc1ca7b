import asyncio


def helper(n):
    for i in range(n):
        yield from asyncio.sleep(0)
    return n


def one_turn():
    yield


@asyncio.coroutine
def plain(value):
    return value


@asyncio.coroutine
def future_of(loop):
    future = asyncio.Future(loop=loop)
    loop.call_soon(future.set_result, "from a future")
    return future


def numbers():
    for n in (1, 2, 3):
        yield n
    raise StopIteration


def value_by_exception():
    yield from asyncio.sleep(0)
    raise StopIteration("a value")


def main(loop):
    print((yield from helper(3)))
    yield from one_turn()
    print((yield from plain("plain")))
    print((yield from future_of(loop)))
    print((yield from asyncio.async(helper(2))))
    print((yield from asyncio.Task(one_turn())))
    print((yield from value_by_exception()), list(numbers()))
    print((yield from (lambda: (yield from plain("lambda")))()))
    print(asyncio.iscoroutine(helper(1)), asyncio.iscoroutinefunction(plain), asyncio.iscoroutinefunction(helper))
    try:
        yield from asyncio.Task(wrong(loop))
    except RuntimeError as error:
        print("yield was used instead of yield from" in str(error))


def wrong(loop):
    yield asyncio.Future(loop=loop)


loop = asyncio.get_event_loop()
loop.run_until_complete(main(loop))
print(loop.run_until_complete(loop.create_task(helper(1))))
loop.close()
