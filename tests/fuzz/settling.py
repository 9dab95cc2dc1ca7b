"""Letting what was sent arrive, so that the same is received in the same pieces every time."""

from __future__ import annotations

import asyncio
import fcntl
import socket
import termios


async def settle(sock: socket.socket) -> None:
    """Let what was sent to this socket be received and dealt with, unless reading is paused or the socket is closed."""
    for _ in range(8):
        await asyncio.sleep(0.0001)  # at least once: an empty datagram is not counted
        if sock.fileno() < 0 or not any(fcntl.ioctl(sock, termios.FIONREAD, bytes(4))):
            break
    for _ in range(3):
        await asyncio.sleep(0)
