"""Hosts and ports in any notation: what is answered without a thread is what libc answers."""

from __future__ import annotations

import asyncio
import random
import socket
from dataclasses import dataclass
from typing import Any

LETTERS = "0123456789abcdefx.:%[]/- \0٣é"
PORTS = (None, 0, 1, 80, 65_535, 65_536, -1, "80", " 80", "80 ", "0x50", "http", "", b"80", b"\xff", "٣")
FLAGS = (0, socket.AI_PASSIVE, socket.AI_CANONNAME, socket.AI_ADDRCONFIG, socket.AI_V4MAPPED | socket.AI_ALL)


@dataclass
class Case:
    """A question."""

    host: str | bytes | None
    port: Any
    family: int
    kind: int
    flags: int


def near_address(chance: random.Random) -> str:
    """An address, with something changed or not."""
    if chance.random() < 0.5:
        text = ".".join(str(chance.choice((0, 1, 127, 255, 256))) for _ in range(chance.choice((1, 2, 3, 4, 4, 4, 5))))
    else:
        words = [f"{chance.choice((0, 0, 1, 0xFFFF, chance.randrange(1 << 16))):x}" for _ in range(8)]
        text = ":".join(words[: chance.choice((1, 6, 8, 8))])
        text = text.replace(":0:0", "::", 1) if chance.random() < 0.5 else text
        text += chance.choice(("", "", "", "%lo", "%1", "%", ":1.2.3.4"))
    for _ in range(chance.choice((0, 0, 1, 2))):
        place = chance.randrange(len(text) + 1)
        text = text[:place] + chance.choice(LETTERS) + text[place + chance.randrange(2) :]
    return text


def make_case(chance: random.Random) -> Case:
    """A question by chance."""
    host: str | bytes | None = near_address(chance)
    kind = chance.random()
    if kind < 0.1:
        host = None
    elif kind < 0.3:
        host = str(host).encode()
    family = chance.choice((socket.AF_UNSPEC, socket.AF_INET, socket.AF_INET6))
    types = (0, socket.SOCK_STREAM, socket.SOCK_DGRAM)
    return Case(host, chance.choice(PORTS), family, chance.choice(types), chance.choice(FLAGS))


async def run(case: Case) -> tuple[Any]:
    """The answer, or the error; libc asks nobody about numeric hosts."""
    flags = case.flags | socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
    asked = asyncio.get_running_loop().getaddrinfo(
        case.host, case.port, family=case.family, type=case.kind, flags=flags
    )
    try:
        return (await asked,)
    except Exception as error:
        return ((type(error), error.args),)


def agree(expected: tuple[Any, ...], found: tuple[Any, ...]) -> bool:
    """Whether both did the same."""
    return expected == found
