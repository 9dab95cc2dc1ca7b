"""Streams that are fed anything: where lines and separators are found, and what is said where there are none."""

from __future__ import annotations

import asyncio
import random
import socket
import sys
from dataclasses import dataclass
from typing import Any

from settling import settle

ALPHABETS = (b"\n", b"a\n", b"\r\n", b"ab\n", b"abc\r\n\x00", bytes(range(256)))
LIMITS = (1, 2, 7, 64, 1000, 65_536)


@dataclass
class Case:
    """What is sent in which pieces, and what is asked for."""

    limit: int
    pieces: list[bytes]
    reads: list[tuple[str, Any]]


def make_case(chance: random.Random) -> Case:
    """A case by chance, over an alphabet so small that separators, and beginnings of them, are everywhere."""
    letters = chance.choice(ALPHABETS)

    def some(longest: int) -> bytes:
        return bytes(chance.choice(letters) for _ in range(chance.randrange(1, longest + 1)))

    def read() -> tuple[str, Any]:
        name = chance.choice(("readuntil", "readuntil", "readline", "readexactly", "read"))
        if name == "readline":
            return name, None
        if name == "readuntil":
            several = sys.version_info >= (3, 13) and chance.random() < 0.3
            return name, tuple(some(3) for _ in range(chance.randrange(1, 4))) if several else some(4)
        return name, chance.choice((0, 1, 2, 5, 100, 70_000, *([-1] if name == "read" else [])))

    longest = chance.choice((1, 3, 10, 200, 5000))
    pieces = [some(longest) for _ in range(chance.randrange(1, 12))]
    return Case(chance.choice(LIMITS), pieces, [read() for _ in range(chance.randrange(1, 15))])


async def run(case: Case) -> tuple[list[Any]]:
    """What every read gave or raised, and what was left each time."""
    near, far = socket.socketpair()
    reader, writer = await asyncio.open_connection(sock=far, limit=case.limit)
    found: list[Any] = []

    async def read_all() -> None:
        for name, argument in case.reads:
            method = getattr(reader, name)
            try:
                answer = await (method() if argument is None else method(argument))
                found.append(bytes(answer))
            except asyncio.IncompleteReadError as error:
                found.append(("incomplete", bytes(error.partial), error.expected, str(error)))
            except asyncio.LimitOverrunError as error:
                found.append(("overrun", error.consumed, str(error)))
                # What is in the way is taken away, as programs do.
                found.append(bytes(await reader.read(max(1, error.consumed))))
            except ValueError as error:
                found.append(("value", str(error)))
        found.append(reader.at_eof())

    reading = asyncio.ensure_future(read_all())
    near.setblocking(False)
    for piece in case.pieces:
        await settle(far)
        try:
            near.send(piece)
        except BlockingIOError:
            break  # the reader does not read: the same bytes on either library
    await settle(far)
    near.close()
    await reading
    writer.close()
    await writer.wait_closed()
    return (found,)


def agree(expected: tuple[Any, ...], found: tuple[Any, ...]) -> bool:
    """Whether both did the same."""
    return expected == found
