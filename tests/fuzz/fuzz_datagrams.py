"""Datagrams to and from any address: the kernel's form of it and Python's."""

from __future__ import annotations

import asyncio
import random
import socket
from dataclasses import dataclass
from typing import Any

import fuzz_addresses
from settling import settle

HOSTS = {
    socket.AF_INET: ("127.0.0.1", "127.1.2.3", "127.255.255.254"),
    socket.AF_INET6: ("::1", "::ffff:127.0.0.1", "::ffff:127.9.8.7"),
}

LOCAL = {"127.0": "127.0.0.1", "127.1": "127.0.0.1", "127.2": "127.0.0.1", "::1": "::1", "::fff": "::ffff:127.0.0.1"}


@dataclass
class Case:
    """Who sends to us, and to which addresses we send."""

    family: int
    datagrams: list[tuple[str, bytes]]
    targets: list[tuple[Any, ...]]


def make_case(chance: random.Random) -> Case:
    """A case by chance."""
    family = chance.choice(list(HOSTS))
    count = chance.choice((0, 1, 3, 12))
    datagrams = [(chance.choice(HOSTS[family]), chance.randbytes(chance.choice((0, 1, 500)))) for _ in range(count)]
    targets: list[tuple[Any, ...]] = []
    for _ in range(chance.choice((1, 3))):
        host: Any = chance.choice(HOSTS[family]) if chance.random() < 0.4 else fuzz_addresses.near_address(chance)
        if any(letter not in "0123456789abcdef.:" for letter in host) or not set(host) & set(".:"):
            host = "::1"  # names are asked for elsewhere
        port = chance.choice((9, 0, 65_535, 65_536, -1))
        targets.append((host, port, *chance.choice(((), (), (), (0, 0), (1, 0), (0, 1)))))
    return Case(family, datagrams, targets)


class Recorder(asyncio.DatagramProtocol):
    """Tells what it was told."""

    def __init__(self) -> None:
        self.calls: list[Any] = []
        self.lost = asyncio.get_running_loop().create_future()

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self.calls.append((data, addr[0], *addr[2:]))

    def error_received(self, exc: Exception) -> None:
        self.calls.append((type(exc), str(exc)))

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost.set_result(exc and (type(exc), str(exc)))


def bound(family: int, host: str) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_DGRAM)
    if family == socket.AF_INET6:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    sock.setblocking(False)
    sock.bind((host, 0))
    return sock


async def run(case: Case) -> tuple[Any, ...]:
    """What arrived from whom, and what sending raised or reported."""
    any_address = "0.0.0.0" if case.family == socket.AF_INET else "::"
    receiver = bound(case.family, any_address)
    transport, protocol = await asyncio.get_running_loop().create_datagram_endpoint(Recorder, sock=receiver)
    port = receiver.getsockname()[1]
    for host, data in case.datagrams:
        with bound(case.family, host) as sender:
            sender.sendto(data, (LOCAL[host[:5]], port))
        await settle(receiver)
    raised = []
    for target in case.targets:
        try:
            transport.sendto(b"", target)
            raised.append(None)
        except Exception as error:
            raised.append((type(error), str(error)))
    transport.close()
    return protocol.calls, raised, await protocol.lost


def agree(expected: tuple[Any, ...], found: tuple[Any, ...]) -> bool:
    """Whether both did the same."""
    return expected == found
