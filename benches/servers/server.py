"""What all servers have in common: where they listen and what starting one means."""

import socket
from collections.abc import Awaitable, Callable

HOST = "127.0.0.1"
BACKLOG = 1024
"""Connections that may wait to be accepted: 1,000 of them come at once."""

Start = Callable[[], Awaitable[int]]
"""Starts a server on the running loop; returns its port. Its errors mean that this loop cannot run it."""


def listening_socket() -> socket.socket:
    """A TCP socket that listens on a free port and does not block."""
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind((HOST, 0))
    sock.listen(BACKLOG)
    sock.setblocking(False)
    return sock
