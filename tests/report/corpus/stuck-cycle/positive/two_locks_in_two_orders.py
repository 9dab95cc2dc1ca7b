import asyncio


class Account:
    def __init__(self, balance):
        self.balance = balance
        self.lock = asyncio.Lock()


async def transfer(source, target, amount):
    async with source.lock:
        await asyncio.sleep(0)
        async with target.lock:  # expect: stuck cycle
            source.balance -= amount
            target.balance += amount


async def main():
    one, other = Account(10), Account(10)
    tasks = [asyncio.create_task(transfer(one, other, 1)), asyncio.create_task(transfer(other, one, 2))]
    del one, other
    await asyncio.sleep(0.01)
    assert not any(each.done() for each in tasks)


asyncio.run(main())
