"""SQLAlchemy's asyncio extension: synchronous code in greenlets, above asyncpg, psycopg and aiosqlite."""

import asyncio
from typing import Any

from scenario import scenario
from stage import Stage


async def exercise(url: Any, **options: Any) -> dict[str, Any]:
    """Uses a database as programs do; returns what was seen."""
    import sqlalchemy as sql
    from sqlalchemy.ext.asyncio import AsyncAttrs, async_sessionmaker, create_async_engine
    from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

    class Base(AsyncAttrs, DeclarativeBase):
        pass

    class Author(Base):
        __tablename__ = "tepal_author"
        id: Mapped[int] = mapped_column(primary_key=True)
        name: Mapped[str] = mapped_column(sql.String(50), unique=True)
        books: Mapped[list["Book"]] = relationship(back_populates="author", cascade="all, delete-orphan")

    class Book(Base):
        __tablename__ = "tepal_book"
        id: Mapped[int] = mapped_column(primary_key=True)
        title: Mapped[str]
        author_id: Mapped[int] = mapped_column(sql.ForeignKey("tepal_author.id"))
        author: Mapped[Author] = relationship(back_populates="books")

    Base.registry.configure()
    seen: dict[str, Any] = {}
    engine = create_async_engine(url, **options)
    sessions = async_sessionmaker(engine, expire_on_commit=False)
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.drop_all)
        await connection.run_sync(Base.metadata.create_all)
    try:
        async with sessions.begin() as session:
            for index in range(50):
                books = [Book(title=f"book {index}.{number}") for number in range(4)]
                session.add(Author(name=f"author {index}", books=books))

        async def titles(index: int) -> list[str]:
            async with sessions() as session:
                author = await session.scalar(sql.select(Author).where(Author.name == f"author {index}"))
                await asyncio.sleep(0)
                return sorted(book.title for book in await author.awaitable_attrs.books)

        found = await asyncio.gather(*map(titles, range(50)))
        seen["titles"] = [found[0], len(found), sum(map(len, found))]
        async with sessions() as session:
            streamed = await session.stream_scalars(sql.select(Book.title).order_by(Book.id))
            seen["streamed"] = len([title async for title in streamed])

            def in_a_greenlet(inner: Any) -> list[int]:
                # Each attribute that is not loaded yet is a query, and a switch to the loop.
                return [len(author.books) for author in inner.scalars(sql.select(Author).limit(10))]

            seen["run_sync"] = await session.run_sync(in_a_greenlet)
        try:
            async with sessions.begin() as session:
                session.add_all([Author(name="author 1"), Author(name="new")])
        except sql.exc.IntegrityError as error:
            seen["rolled back"] = type(error).__name__
        async with engine.connect() as connection:
            seen["left"] = await connection.scalar(sql.select(sql.func.count()).select_from(Author))
        try:
            async with sessions() as session:
                author = await session.scalar(sql.select(Author).limit(1))
                len(author.books)
        except (sql.exc.MissingGreenlet, sql.exc.StatementError) as error:
            seen["outside"] = "MissingGreenlet" in repr(error)
    finally:
        async with engine.begin() as connection:
            await connection.run_sync(Base.metadata.drop_all)
        await engine.dispose()
    return seen


def address(stage: Stage, driver: str) -> Any:
    """Returns the URL of the PostgreSQL that the tests have started."""
    from sqlalchemy import URL

    server = stage.services["postgresql"]
    words = {"host": server["host"], "port": server["port"], "database": server["database"]}
    return URL.create(f"postgresql+{driver}", username=server["user"], password=server["password"], **words)


async def on_postgresql(stage: Stage, driver: str) -> dict[str, Any]:
    """What is the same by each driver; then cancelling and a pool that is too small."""
    import sqlalchemy as sql
    from sqlalchemy.ext.asyncio import create_async_engine

    url = address(stage, driver)
    seen = await exercise(url, pool_size=3, max_overflow=4)
    engine = create_async_engine(url, pool_size=2, max_overflow=0, pool_timeout=0.3)

    async def sleep(seconds: float) -> str:
        try:
            async with engine.connect() as connection:
                await connection.execute(sql.text(f"SELECT pg_sleep({seconds})"))
        except (sql.exc.TimeoutError, asyncio.CancelledError) as error:
            return type(error).__name__
        return "slept"

    seen["pool"] = sorted(await asyncio.gather(*(sleep(1) for _ in range(4))))
    task = asyncio.ensure_future(sleep(20))
    await asyncio.sleep(0.2)
    task.cancel()
    seen["cancelled"] = await task
    async with engine.connect() as connection:
        seen["still good"] = await connection.scalar(sql.text("SELECT 7"))
    await engine.dispose()
    return seen


@scenario("sqlalchemy", "PostgreSQL by asyncpg", services=("postgresql",), also=("asyncpg",))
async def by_asyncpg(stage: Stage) -> dict[str, Any]:
    return await on_postgresql(stage, "asyncpg")


@scenario("sqlalchemy", "PostgreSQL by psycopg", services=("postgresql",), also=("psycopg",))
async def by_psycopg(stage: Stage) -> dict[str, Any]:
    return await on_postgresql(stage, "psycopg")


@scenario("sqlalchemy", "SQLite by aiosqlite")
async def by_aiosqlite(stage: Stage) -> dict[str, Any]:
    return await exercise(f"sqlite+aiosqlite:///{stage.folder}/file.sqlite")
