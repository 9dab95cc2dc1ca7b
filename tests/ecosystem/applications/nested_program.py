"""Runs loops inside loops by the library that is named, as notebooks and synchronous wrappers do."""

import asyncio
import importlib
import json
import sys
from typing import Any

importlib.import_module(sys.argv[1]).apply()
seen: dict[str, Any] = {}


async def work(depth: int) -> int:
    """Waits, and runs the loop that runs it once more for what is one deeper."""
    await asyncio.sleep(0.001)
    if not depth:
        return 1
    loop = asyncio.get_event_loop()
    one = loop.run_until_complete(work(depth - 1))
    two = asyncio.run(work(depth - 1)) if depth < 3 else 0
    return one + two + sum(await asyncio.gather(asyncio.sleep(0, 1), asyncio.sleep(0.001, 2)))


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Sends everything back."""
    writer.write(await reader.read())
    writer.close()


async def visit(port: int) -> str:
    """Asks the server, which runs on the same loop."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"hello")
    writer.write_eof()
    return (await reader.read()).decode()


async def main() -> None:
    """Everything."""
    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    # A synchronous call in the middle of a Task, while other Tasks of the same loop go on.
    seen["visit"] = [asyncio.get_event_loop().run_until_complete(visit(port)) for _ in range(5)]
    seen["work"] = await work(4)
    seen["many"] = await asyncio.gather(*(work(2) for _ in range(3)))

    async def fails() -> None:
        await asyncio.sleep(0)
        raise ValueError("as asked")

    try:
        asyncio.run(fails())
    except ValueError as error:
        seen["error"] = repr(error)
    try:
        asyncio.run(asyncio.wait_for(asyncio.sleep(5), 0.01))
    except TimeoutError as error:
        seen["timeout"] = repr(error)
    seen["current"] = asyncio.current_task() is not None
    seen["thread"] = asyncio.run(asyncio.to_thread(sum, range(10)))
    server.close()


asyncio.run(main())
print(json.dumps(seen))
