import asyncio


async def fetch(number):
    await asyncio.sleep(0.01)
    return number


class Connection:
    async def query(self, number):
        await asyncio.sleep(0.01)
        return number


async def main():
    connection = Connection()
    one = await connection.query(1)
    two = await connection.query(2)
    assert one + two == 3


asyncio.run(main())
