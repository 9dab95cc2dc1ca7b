import asyncio


@asyncio.coroutine
def after(delay, value):
    yield from asyncio.sleep(delay)
    return value


@asyncio.coroutine
def fails():
    yield from asyncio.sleep(0)
    raise ValueError("failed")


@asyncio.coroutine
def main():
    done, pending = yield from asyncio.wait({after(0.01, "a"), after(30, "b")},
                                            return_when=asyncio.FIRST_COMPLETED)
    print([task.result() for task in done], len(pending))
    for task in pending:
        task.cancel()
    done, pending = yield from asyncio.wait([after(30, 1)], timeout=0.01)
    print(len(done), len(pending))
    pending.pop().cancel()

    print((yield from asyncio.wait_for(after(0, "in time"), 5)))
    try:
        yield from asyncio.wait_for(after(30, "late"), timeout=0.01)
    except asyncio.TimeoutError:
        print("timeout")

    print((yield from asyncio.gather(after(0.02, 1), after(0.01, 2), asyncio.sleep(0, 3))))
    print((yield from asyncio.gather(after(0, 1), fails(), return_exceptions=True)))
    print((yield from asyncio.gather()))
    twice = after(0, "once")
    print((yield from asyncio.gather(twice, twice)))

    for future in asyncio.as_completed([after(0.06, "third"), after(0.01, "first"), after(0.03, "second")]):
        print((yield from future))

    inner = asyncio.async(after(0.02, "shielded"))
    outer = asyncio.async(asyncio.shield(inner))
    yield from asyncio.sleep(0)
    outer.cancel()
    print((yield from inner), outer.cancelled())

    try:
        yield from asyncio.wait([])
    except ValueError as error:
        print(error)
    try:
        yield from asyncio.wait(inner)
    except TypeError as error:
        print(str(error).startswith("expect a list of futures, not "))


loop = asyncio.get_event_loop()
loop.run_until_complete(main())
print(loop.run_until_complete(asyncio.gather(after(0, 1), after(0, 2))))
loop.close()
