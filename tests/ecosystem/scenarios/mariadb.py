"""aiomysql and asyncmy against a real MariaDB: queries, cursors, pools, cancelling."""

import asyncio
from types import ModuleType
from typing import Any

from scenario import scenario
from stage import Stage


async def exercise(library: ModuleType, stage: Stage) -> dict[str, Any]:
    """Uses what both libraries have; returns what was seen."""
    server = stage.services["mariadb"]
    names = {name: server[name] for name in ("host", "port", "user", "password")} | {"db": server["database"]}
    seen: dict[str, Any] = {}
    connection = await library.connect(**names)
    async with connection.cursor() as cursor:
        await cursor.execute("CREATE TEMPORARY TABLE item (id int PRIMARY KEY, name longtext)")
        rows = [(index, f"name {index} " * index) for index in range(1000)]
        await cursor.executemany("INSERT INTO item VALUES (%s, %s)", rows)
        await cursor.execute("SELECT * FROM item ORDER BY id")
        seen["rows"] = list(await cursor.fetchall()) == rows
        large = "y" * 1_000_000
        await cursor.execute("SELECT %s", (large,))
        seen["large"] = len((await cursor.fetchone())[0])
        try:
            await cursor.execute("INSERT INTO item VALUES (1, '')")
        except library.err.IntegrityError as error:
            seen["error"] = error.args[0]
        await cursor.execute("SELECT seq FROM seq_1_to_50000")
        seen["many rows"] = sum(row[0] for row in await cursor.fetchall())
    await connection.commit()
    connection.close()
    async with library.create_pool(**names, minsize=1, maxsize=5) as pool:

        async def work(index: int) -> int:
            async with pool.acquire() as one, one.cursor() as cursor:
                await cursor.execute("SELECT SLEEP(0.005), %s * 2", (index,))
                return int((await cursor.fetchone())[1])

        assert await asyncio.gather(*map(work, range(100))) == [index * 2 for index in range(100)]
        task = asyncio.ensure_future(slow(pool))
        await asyncio.sleep(0.1)
        task.cancel()
        seen["cancelled"] = type((await asyncio.gather(task, return_exceptions=True))[0]).__name__
        seen["still good"] = await work(7)
    try:
        await library.connect(**names | {"password": "wrong"})
    except library.err.OperationalError as error:
        seen["password"] = error.args[0]
    return seen


async def slow(pool: Any) -> None:
    """Asks something that takes long."""
    async with pool.acquire() as connection, connection.cursor() as cursor:
        await cursor.execute("SELECT SLEEP(20)")


@scenario("aiomysql", "queries, pool, cancelling", services=("mariadb",))
async def by_aiomysql(stage: Stage) -> dict[str, Any]:
    import aiomysql
    import pymysql

    aiomysql.err = pymysql.err
    return await exercise(aiomysql, stage)


@scenario("asyncmy", "queries, pool, cancelling", services=("mariadb",))
async def by_asyncmy(stage: Stage) -> dict[str, Any]:
    import asyncmy
    import asyncmy.errors

    asyncmy.err = asyncmy.errors
    return await exercise(asyncmy, stage)
