"""asyncpg against a real PostgreSQL: queries, COPY, cursors, LISTEN, pools, cancelling, TLS."""

import asyncio
import io
import ssl
from typing import Any

from scenario import scenario
from stage import Stage


def address(stage: Stage) -> dict[str, Any]:
    """Returns the keywords of asyncpg.connect()."""
    server = stage.services["postgresql"]
    return {name: server[name] for name in ("host", "port", "user", "password", "database")} | {"timeout": 20}


@scenario("asyncpg", "queries, transactions, COPY, cursors", services=("postgresql",))
async def queries(stage: Stage) -> dict[str, Any]:
    import asyncpg

    seen: dict[str, Any] = {}
    connection = await asyncpg.connect(**address(stage))
    try:
        await connection.execute("CREATE TEMP TABLE item (id int PRIMARY KEY, name text, data bytea)")
        rows = [(index, f"name {index}", bytes([index % 256]) * index) for index in range(2000)]
        await connection.executemany("INSERT INTO item VALUES ($1, $2, $3)", rows)
        seen["rows"] = [tuple(row) for row in await connection.fetch("SELECT * FROM item ORDER BY id")] == rows
        try:
            async with connection.transaction():
                await connection.execute("DELETE FROM item")
                await connection.execute("INSERT INTO item VALUES (1), (1)")
        except asyncpg.UniqueViolationError as error:
            seen["rolled back"] = [error.sqlstate, await connection.fetchval("SELECT count(*) FROM item")]
        output = io.BytesIO()
        seen["copied out"] = await connection.copy_from_query(
            "SELECT g, repeat('x', 1000) FROM generate_series(1, 5000) g", output=output
        )
        seen["copy's length"] = len(output.getvalue())
        records = ((index, "copied", b"") for index in range(10_000, 20_000))
        seen["copied in"] = await connection.copy_records_to_table("item", records=records)
        async with connection.transaction():
            cursor = connection.cursor("SELECT id FROM item WHERE id >= 10000 ORDER BY id", prefetch=333)
            seen["cursor"] = sum([row["id"] async for row in cursor])
        large = b"\xff" * 3_000_000
        seen["large"] = await connection.fetchval("SELECT $1::bytea", large) == large
        seen["types"] = repr(await connection.fetchrow("SELECT 1.5::numeric n, '2020-02-02'::date d, '{1,2}'::int[] a"))
    finally:
        await connection.close()
    return seen


@scenario("asyncpg", "pool of connections, LISTEN and NOTIFY", services=("postgresql",))
async def pool(stage: Stage) -> dict[str, Any]:
    import asyncpg

    heard: asyncio.Queue[str] = asyncio.Queue()
    async with asyncpg.create_pool(**address(stage), min_size=2, max_size=8) as connections:

        async def work(index: int) -> int:
            async with connections.acquire() as connection:
                await connection.execute("SELECT pg_sleep(0.005)")
                return int(await connection.fetchval("SELECT $1::int * 2", index))

        assert await asyncio.gather(*map(work, range(200))) == [index * 2 for index in range(200)]
        async with connections.acquire() as listener:
            await listener.add_listener("news", lambda _1, _2, _3, payload: heard.put_nowait(payload))
            for index in range(20):
                await connections.execute(f"NOTIFY news, '{index}'")
            news = [await asyncio.wait_for(heard.get(), 10) for _ in range(20)]
            await listener.reset()
        return {"news": news, "size": connections.get_size()}


@scenario("asyncpg", "cancelling, timeouts, a connection that the server ends", services=("postgresql",))
async def cancelling(stage: Stage) -> dict[str, Any]:
    import asyncpg

    seen: dict[str, Any] = {}
    connection = await asyncpg.connect(**address(stage))
    other = await asyncpg.connect(**address(stage))
    try:
        await connection.execute("SELECT pg_sleep(20)", timeout=0.2)
    except TimeoutError as error:
        seen["timeout"] = type(error).__name__
    task = asyncio.ensure_future(connection.execute("SELECT pg_sleep(20)"))
    await asyncio.sleep(0.1)
    task.cancel()
    seen["cancelled"] = type((await asyncio.gather(task, return_exceptions=True))[0]).__name__
    seen["still good"] = await connection.fetchval("SELECT 7")
    gone = asyncio.get_running_loop().create_future()
    connection.add_termination_listener(lambda _: gone.done() or gone.set_result(True))
    await other.execute("SELECT pg_terminate_backend($1)", connection.get_server_pid())
    seen["told"] = await asyncio.wait_for(gone, 10)
    try:
        await connection.execute("SELECT 1")
    except (asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        seen["ended"] = type(error).__name__
    await other.close()
    try:
        await asyncpg.connect(**address(stage) | {"password": "wrong"})
    except asyncpg.PostgresError as error:
        seen["password"] = type(error).__name__
    return seen


@scenario("asyncpg", "TLS", services=("postgresql",))
async def tls(stage: Stage) -> dict[str, Any]:
    import asyncpg

    context = ssl.create_default_context(cafile=stage.services["postgresql"]["authority"])
    connection = await asyncpg.connect(**address(stage), ssl=context)
    used = await connection.fetchval("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()")
    rows = await connection.fetch("SELECT g, repeat('y', 2000) t FROM generate_series(1, 3000) g")
    seen = {"used": used, "rows": len(rows), "bytes": sum(len(row["t"]) for row in rows)}
    await connection.close()
    try:
        await asyncpg.connect(**address(stage), ssl=ssl.create_default_context())
    except ssl.SSLError as error:
        seen["not trusted"] = type(error).__name__
    return seen
