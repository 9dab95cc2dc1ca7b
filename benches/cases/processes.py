"""Child processes: what they print, and messages to and fro; how fast they start is a row of ``bench-network``.

The figures are the CPU time of the loop's process; its children have cores of their own where there are any.
"""

import asyncio
import shutil

from cases.case import CaseGroup

GROUP = CaseGroup("processes")

OUTPUT = 64 * 1024 * 1024
PIECE = 64 * 1024
MESSAGE = bytes(range(256)) * 4


def program(name: str) -> str:
    """The path of a program; raises FileNotFoundError if there is none."""
    path = shutil.which(name)
    if path is None:
        raise FileNotFoundError(f"this case needs the program {name}")
    return path


@GROUP.case("process_output", "64 MiB of a process's output, per 64 KiB", operations=OUTPUT // PIECE, cores="all")
async def process_output(repeats: int) -> int:
    """``communicate()``; what counts is how much arrived."""
    head, pipe = program("head"), asyncio.subprocess.PIPE
    arrived = 0
    for _ in range(repeats):
        process = await asyncio.create_subprocess_exec(head, "-c", str(OUTPUT), "/dev/zero", stdout=pipe)
        output, _ = await process.communicate()
        arrived += len(output) if process.returncode == 0 else 0
    return arrived // PIECE


@GROUP.case("process_ping_pong", "1 KiB to `cat` and back", cores="all")
async def process_ping_pong(repeats: int) -> int:
    """One message at a time; the process is started once."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(program("cat"), stdin=pipe, stdout=pipe)
    assert process.stdin is not None and process.stdout is not None
    same = 0
    for _ in range(repeats):
        process.stdin.write(MESSAGE)
        await process.stdin.drain()
        same += await process.stdout.readexactly(len(MESSAGE)) == MESSAGE
    process.stdin.close()
    return same if await process.wait() == 0 else 0
