"""A server of the matrix: ``python server_process.py LIBRARY FOLDER``; LIBRARY is ``asyncio`` or ``tepal``.

Its first line of standard output is JSON: case to port.  Then it writes one JSON line per connection: how that ended.
"""

from __future__ import annotations

import asyncio
import hashlib
import importlib
import json
import socket
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from contexts import VERSIONS, server_context

# Case to the server's certificate and whether it asks for one.
CASES = {
    "good": ("good", False),
    "expired": ("expired", False),
    "wrong host": ("elsewhere", False),
    "unknown CA": ("unknown", False),
    "client certificate": ("good", True),
    "no client certificate": ("good", True),
}


def described(error: BaseException | None) -> list[str] | None:
    """Type and text of an exception."""
    return None if error is None else [f"{type(error).__module__}.{type(error).__qualname__}", str(error)]


class Echo(asyncio.Protocol):
    """Sends back what it gets and tells how the connection ended."""

    def __init__(self) -> None:
        self.digest = hashlib.sha256()
        self.count = 0
        self.ended = asyncio.get_running_loop().create_future()

    def connection_made(self, transport):
        self.transport = transport
        peer = transport.get_extra_info("peercert")
        self.facts = [
            transport.get_extra_info("cipher")[1],
            transport.get_extra_info("compression"),
            transport.get_extra_info("ssl_object").selected_alpn_protocol(),
            peer and peer["subject"],
        ]

    def data_received(self, data):
        self.digest.update(data)
        self.count += len(data)
        self.transport.write(data)

    def connection_lost(self, exc):
        self.ended.set_result(exc)


async def serve(listener, context):
    loop = asyncio.get_running_loop()
    while True:
        sock, _ = await loop.sock_accept(listener)
        sock.setblocking(False)
        protocol = None
        try:
            transport, protocol = await loop.connect_accepted_socket(Echo, sock, ssl=context)
        except Exception as error:
            outcome = {"handshake": described(error)}
        else:
            lost = await protocol.ended
            outcome = {"facts": protocol.facts, "count": protocol.count, "digest": protocol.digest.hexdigest()}
            outcome["lost"] = described(lost)
            outcome["engine"] = transport.get_extra_info("tepal.tls_engine")
        print(json.dumps(outcome), flush=True)


async def main(folder: Path) -> None:
    ports, tasks = {}, []
    for version in VERSIONS:
        for case, (certificate, client) in CASES.items():
            listener = socket.create_server(("127.0.0.1", 0))
            listener.setblocking(False)
            ports[f"{version} {case}"] = listener.getsockname()[1]
            tasks.append(asyncio.ensure_future(serve(listener, server_context(folder, version, certificate, client))))
    print(json.dumps(ports), flush=True)
    await asyncio.gather(*tasks)


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=importlib.import_module(sys.argv[1]).new_event_loop) as runner:
        runner.run(main(Path(sys.argv[2])))
