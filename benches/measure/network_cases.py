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
    tls: bool = False
    """Whether the connections are TLS."""
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
            limit="echo",
        )
        for size in SIZES
        for connections in CONNECTIONS
        for kind in ECHOES
    ]


def tls_cases() -> list[NetworkCase]:
    """Echo above TLS, and whole handshakes."""
    echoes = [
        NetworkCase(
            f"tls_{kind}_{size}_{connections}",
            f"{label(size)}, {connections} connection{'s' if connections > 1 else ''}",
            f"tls_{kind}",
            "echo",
            SIZES[size],
            connections,
            tls=True,
            limit="echo",
        )
        for size in SIZES
        for connections in (1, 100)
        for kind in ("protocol", "buffered", "streams")
    ]
    title = "handshake, 1 KiB, close; 1 at a time"
    handshakes = NetworkCase("tls_handshakes_1", title, "tls_handshakes", "churn", 1024, 1, tls=True, limit="churn")
    return [*echoes, handshakes]


def other_cases() -> list[NetworkCase]:
    """Datagrams, short connections, subprocesses, HTTP and HTTPS."""
    return [
        NetworkCase("datagrams_1k_1", "1 KiB, 1 socket", "datagrams", "datagrams", 1024, 1, limit="datagrams"),
        NetworkCase("datagrams_1k_100", "1 KiB, 100 sockets", "datagrams", "datagrams", 1024, 100, limit="datagrams"),
        NetworkCase("churn_1k_32", "1 KiB, 32 at a time", "churn", "churn", 1024, 32, limit="churn"),
        NetworkCase("spawn_4", "`true`, 4 at a time", "spawn", "echo", 1, 4),
        NetworkCase("uvicorn_100", "plaintext, 100 connections", "uvicorn", "http", 1, 100),
        NetworkCase("aiohttp_100", "plaintext, 100 connections", "aiohttp", "http", 1, 100),
        NetworkCase("uvicorn_tls_100", "plaintext, 100 connections", "uvicorn_tls", "http", 1, 100, tls=True),
        NetworkCase("aiohttp_tls_100", "plaintext, 100 connections", "aiohttp_tls", "http", 1, 100, tls=True),
    ]


ALL: dict[str, NetworkCase] = {case.name: case for case in echo_cases() + tls_cases() + other_cases()}
IDLE = NetworkCase("idle", "idle connections", "protocol", "idle", 64, 10_000, limit="echo")
IDLE_TLS = NetworkCase("tls_idle", "idle TLS connections", "tls_protocol", "idle", 64, 1_000, tls=True, limit="echo")
IDLE_TLS_LARGE = NetworkCase(
    "tls_idle_100k",
    "idle TLS connections, each after a message of 100 KiB,",
    "tls_protocol",
    "idle",
    SIZES["100k"],
    1_000,
    tls=True,
    limit="echo",
)
IDLE_CASES = {"idle": IDLE, "idle_tls": IDLE_TLS, "idle_tls_large": IDLE_TLS_LARGE}
"""By their names in a summary."""
GROUP_TITLES = {
    "protocol": "Echo, `Protocol`",
    "buffered": "Echo, `BufferedProtocol`",
    "streams": "Echo, streams",
    "sock": "Echo, `sock_recv` and `sock_sendall`",
    "datagrams": "Echo, datagrams (UDP)",
    "churn": "Accept, read, write, close",
    "spawn": "`create_subprocess_exec` and `wait()`",
    "tls_protocol": "Echo above TLS, `Protocol`",
    "tls_buffered": "Echo above TLS, `BufferedProtocol`",
    "tls_streams": "Echo above TLS, streams",
    "tls_handshakes": "TLS handshakes",
    "uvicorn": "uvicorn with httptools",
    "aiohttp": "aiohttp",
    "uvicorn_tls": "uvicorn with httptools, HTTPS",
    "aiohttp_tls": "aiohttp, HTTPS",
}
