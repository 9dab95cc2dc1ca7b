"""psycopg's asynchronous connections against a real PostgreSQL; they watch libpq's socket with add_reader()."""

import asyncio
from typing import Any

from scenario import scenario
from stage import Stage


def conninfo(stage: Stage, **more: str) -> str:
    """Returns the connection string."""
    from psycopg.conninfo import make_conninfo

    server = stage.services["postgresql"]
    names = {"host": server["host"], "port": server["port"], "user": server["user"], "password": server["password"]}
    return make_conninfo("", **names, dbname=server["database"], connect_timeout="20", **more)


@scenario("psycopg", "queries, pipelines, COPY, server-side cursors", services=("postgresql",))
async def queries(stage: Stage) -> dict[str, Any]:
    import psycopg

    seen: dict[str, Any] = {}
    async with await psycopg.AsyncConnection.connect(conninfo(stage)) as connection:
        await connection.execute("CREATE TEMP TABLE item (id int PRIMARY KEY, name text)")
        rows = [(index, f"name {index}") for index in range(1000)]
        async with connection.cursor() as cursor:
            await cursor.executemany("INSERT INTO item VALUES (%s, %s)", rows)
            await cursor.execute("SELECT * FROM item ORDER BY id")
            seen["rows"] = await cursor.fetchall() == rows
            async with cursor.copy("COPY item FROM STDIN") as copy:
                for index in range(10_000, 30_000):
                    await copy.write_row((index, "copied" * 20))
            async with cursor.copy("COPY item TO STDOUT") as copy:
                seen["copied out"] = sum([len(piece) async for piece in copy])
        async with connection.cursor("server_side") as cursor:
            await cursor.execute("SELECT id FROM item WHERE id >= 10000 ORDER BY id")
            seen["cursor"] = sum([row[0] async for row in cursor])
        async with connection.pipeline():
            cursors = [await connection.execute("SELECT %s::int", (index,)) for index in range(200)]
            seen["pipeline"] = sum([(await cursor.fetchone())[0] for cursor in cursors])
        large = b"\xfe" * 3_000_000
        seen["large"] = (await (await connection.execute("SELECT %b::bytea", (large,))).fetchone())[0] == large
        try:
            async with connection.transaction():
                await connection.execute("DELETE FROM item")
                await connection.execute("INSERT INTO item VALUES (1), (1)")
        except psycopg.errors.UniqueViolation as error:
            seen["rolled back"] = error.sqlstate
        seen["count"] = (await (await connection.execute("SELECT count(*) FROM item")).fetchone())[0]
    return seen


@scenario("psycopg", "many connections, NOTIFY, cancelling, TLS", services=("postgresql",))
async def connections(stage: Stage) -> dict[str, Any]:
    import psycopg

    seen: dict[str, Any] = {}

    async def work(index: int) -> int:
        async with await psycopg.AsyncConnection.connect(conninfo(stage)) as connection:
            await connection.execute("SELECT pg_sleep(0.01)")
            return int((await (await connection.execute("SELECT %s::int * 2", (index,))).fetchone())[0])

    assert await asyncio.gather(*map(work, range(30))) == [index * 2 for index in range(30)]
    options = {"sslmode": "verify-full", "sslrootcert": stage.services["postgresql"]["authority"]}
    listener = await psycopg.AsyncConnection.connect(conninfo(stage, **options), autocommit=True)
    seen["TLS"] = (
        await (await listener.execute("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()")).fetchone()
    )[0]
    await listener.execute("LISTEN news")
    async with await psycopg.AsyncConnection.connect(conninfo(stage), autocommit=True) as sender:
        for index in range(10):
            await sender.execute(f"NOTIFY news, '{index}'")
        seen["news"] = [note.payload async for note in listener.notifies(stop_after=10, timeout=10)]
        task = asyncio.ensure_future(listener.execute("SELECT pg_sleep(20)"))
        await asyncio.sleep(0.2)
        task.cancel()
        seen["cancelled"] = type((await asyncio.gather(task, return_exceptions=True))[0]).__name__
        seen["still good"] = (await (await listener.execute("SELECT 7")).fetchone())[0]
        await sender.execute("SELECT pg_terminate_backend(%s)", (listener.info.backend_pid,))
    try:
        await listener.execute("SELECT 1")
    except psycopg.OperationalError as error:
        seen["ended"] = type(error).__name__
    await listener.close()
    return seen
