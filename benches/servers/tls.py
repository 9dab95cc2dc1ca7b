"""TLS: the echo servers above an `ssl.SSLContext` with a certificate of one's own."""

import asyncio
import ssl
import subprocess
import tempfile
from functools import cache
from pathlib import Path

from servers.churn import OnceProtocol
from servers.echo import BufferedEchoProtocol, EchoProtocol, echo_streams, port_of
from servers.server import BACKLOG, HOST

KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")


def make_certificate(folder: Path) -> tuple[Path, Path]:
    """Write a new key (P-256) and a certificate signed with it to ``folder``. Raises what running `openssl` raises."""
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    files = ("-keyout", str(key), "-out", str(certificate))
    command = ("openssl", "req", "-x509", "-days", "2", "-subj", "/CN=localhost", *KEY, *files)
    subprocess.run(command, check=True, capture_output=True)
    return key, certificate


@cache
def context() -> ssl.SSLContext:
    """A server's context with a certificate of its own. Raises as `make_certificate`."""
    with tempfile.TemporaryDirectory() as folder:
        key, certificate = make_certificate(Path(folder))
        made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        made.load_cert_chain(certificate, key)
    return made


class BufferedTlsEchoProtocol(BufferedEchoProtocol):
    """asyncio's TLS takes slices of the buffer, which of a bytearray would be copies."""

    def get_buffer(self, sizehint: int) -> memoryview:  # type: ignore[override]
        return memoryview(self.buffer)


async def start_protocol() -> int:
    """Protocol."""
    loop = asyncio.get_running_loop()
    return port_of(await loop.create_server(EchoProtocol, HOST, 0, backlog=BACKLOG, ssl=context()))


async def start_buffered() -> int:
    """Buffered protocol."""
    loop = asyncio.get_running_loop()
    return port_of(await loop.create_server(BufferedTlsEchoProtocol, HOST, 0, backlog=BACKLOG, ssl=context()))


async def start_streams() -> int:
    """Streams."""
    return port_of(await asyncio.start_server(echo_streams, HOST, 0, backlog=BACKLOG, ssl=context()))


async def start_handshakes() -> int:
    """Connections that end after their first answer."""
    loop = asyncio.get_running_loop()
    return port_of(await loop.create_server(OnceProtocol, HOST, 0, backlog=BACKLOG, ssl=context()))
