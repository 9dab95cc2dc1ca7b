"""The rows of the network benches: a kind of server, a size, a number of connections."""

from dataclasses import dataclass

ECHOES = {
    "protocol": "Protocol",
    "buffered": "BufferedProtocol",
    "streams": "streams",
    "sock": "sock_recv, sock_sendall",
}
SIZES = {"1k": 1024, "10k": 10 * 1024, "100k": 100 * 1024}
CONNECTIONS = (1, 10, 100, 1000)


@dataclass(frozen=True)
class NetworkCase:
    """One row: what is asked of the server of one kind."""

    name: str
    """Used by ``--cases``, by ``network_goals.toml`` and in the JSON."""
    title: str
    """What the table and the chart call it."""
    group: str
    """The kind of server; also the heading in the table and the key of the goals."""
    load: str
    """The word that tells the load generator what to do."""
    size: int
    """Bytes of a message."""
    connections: int
    """Connections, each with one request under way."""
    limit: str | None = None
    """The server of the limit that does the same without Python, if there is one."""


def label(size: str) -> str:
    """``10k`` as a reader wants it."""
    return f"{size.removesuffix('k')} KiB"


def echo_cases() -> list[NetworkCase]:
    """All ways of echoing side by side for each size and number, so that their figures lie seconds apart."""
    return [
        NetworkCase(
            f"{kind}_{size}_{connections}",
            f"{label(size)}, {connections} connection{'s' if connections > 1 else ''}",
            kind,
            "echo",
            SIZES[size],
            connections,
            "echo",
        )
        for size in SIZES
        for connections in CONNECTIONS
        for kind in ECHOES
    ]


def other_cases() -> list[NetworkCase]:
    """Datagrams, short connections, subprocesses, HTTP."""
    return [
        NetworkCase("datagrams_1k_1", "1 KiB, 1 socket", "datagrams", "datagrams", 1024, 1, "datagrams"),
        NetworkCase("datagrams_1k_100", "1 KiB, 100 sockets", "datagrams", "datagrams", 1024, 100, "datagrams"),
        NetworkCase("churn_1k_32", "1 KiB, 32 at a time", "churn", "churn", 1024, 32, "churn"),
        NetworkCase("spawn_4", "`true`, 4 at a time", "spawn", "echo", 1, 4),
        NetworkCase("uvicorn_100", "plaintext, 100 connections", "uvicorn", "http", 1, 100),
        NetworkCase("aiohttp_100", "plaintext, 100 connections", "aiohttp", "http", 1, 100),
    ]


ALL: dict[str, NetworkCase] = {case.name: case for case in echo_cases() + other_cases()}
IDLE = NetworkCase("idle", "idle connections", "protocol", "idle", 64, 10_000, "echo")
GROUP_TITLES = {
    "protocol": "Echo, `Protocol`",
    "buffered": "Echo, `BufferedProtocol`",
    "streams": "Echo, streams",
    "sock": "Echo, `sock_recv` and `sock_sendall`",
    "datagrams": "Echo, datagrams (UDP)",
    "churn": "Accept, read, write, close",
    "spawn": "`create_subprocess_exec` and `wait()`",
    "uvicorn": "uvicorn with httptools",
    "aiohttp": "aiohttp",
}
