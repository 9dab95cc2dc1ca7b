import asyncio


class Countdown:
    """As in the first PEP 492, for Python 3.5.0."""

    def __init__(self, start):
        self.left = start

    async def __aiter__(self):
        await asyncio.sleep(0)
        return self

    async def __anext__(self):
        if not self.left:
            raise StopAsyncIteration
        self.left -= 1
        await asyncio.sleep(0)
        return self.left


class Lines:
    """As libraries wrote it that had to run on 3.4, too."""

    def __init__(self, lines):
        self.lines = list(lines)

    @asyncio.coroutine
    def __aiter__(self):
        return self

    @asyncio.coroutine
    def __anext__(self):
        if not self.lines:
            raise StopAsyncIteration
        return self.lines.pop(0)


class Modern:
    """From 3.5.2 on."""

    def __aiter__(self):
        return Countdown(1)


class Generated:
    """From 3.6 on."""

    async def __aiter__(self):
        yield "generated"
        await asyncio.sleep(0)


async def main():
    async for number in Countdown(2):
        print(number)
    print([line async for line in Lines(["one", "two"])])
    async for number in Modern():
        print(number)
    async for text in Generated():
        print(text)
    async for number in Countdown(0):
        print("never")
    else:
        print("done")
    iterator = await Countdown(3).__aiter__()
    print(type(iterator).__name__, await iterator.__anext__())


loop = asyncio.get_event_loop()
loop.run_until_complete(main())
loop.close()
