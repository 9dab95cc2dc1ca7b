"""aiofiles: files through the loop's default executor."""

import asyncio
import hashlib
from typing import Any

from scenario import scenario
from stage import Stage


@scenario("aiofiles", "files, temporary files, pipes as files, cancelling")
async def files(stage: Stage) -> dict[str, Any]:
    import aiofiles
    import aiofiles.os
    import aiofiles.tempfile

    seen: dict[str, Any] = {}

    async def write(index: int) -> str:
        path = stage.folder / f"file {index}"
        async with aiofiles.open(path, "wb") as file:
            for number in range(20):
                await file.write(f"{index} {number}\n".encode() * 1000)
        async with aiofiles.open(path, "rb") as file:
            return hashlib.sha256(await file.read()).hexdigest()

    seen["digests"] = await asyncio.gather(*map(write, range(40)))
    async with aiofiles.open(stage.folder / "file 3", encoding="utf-8") as file:
        seen["lines"] = len([line async for line in file])
    seen["names"] = sorted(await aiofiles.os.listdir(stage.folder))
    async with aiofiles.tempfile.TemporaryDirectory(dir=stage.folder) as folder:
        seen["folder"] = await aiofiles.os.path.isdir(folder)
    seen["gone"] = not await aiofiles.os.path.exists(folder)
    try:
        await aiofiles.open(stage.folder / "nowhere" / "file")
    except FileNotFoundError as error:
        seen["error"] = error.errno
    return seen
