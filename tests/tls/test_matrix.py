"""Every client against every server, TLS 1.2 and 1.3, with certificates good and bad: as asyncio against asyncio."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest
from certificates import made
from contexts import VERSIONS, client_context
from library import load
from server_process import CASES, described

HERE = Path(__file__).parent
# How a side is made: the library, and what TEPAL_TLS says.
SIDES = {"asyncio": ("asyncio", ""), "fast": ("tepal", ""), "fallback": ("tepal", "fallback")}
CELLS = [(version, case) for version in VERSIONS for case in CASES]
SIZES = (1, 1000, 16_384, 16_385, 200_000)


class Server:
    """A process that serves all cells."""

    def __init__(self, side: str) -> None:
        library, engine = SIDES[side]
        command = [sys.executable, str(HERE / "server_process.py"), library, str(made())]
        environment = {**os.environ, "TEPAL_TLS": engine}
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
        self.ports = self.answer()

    def answer(self):
        assert self.process.stdout is not None
        return json.loads(self.process.stdout.readline())

    def close(self) -> None:
        self.process.kill()
        self.process.communicate()


@pytest.fixture(scope="module")
def servers():
    started = {side: Server(side) for side in SIDES}
    yield started
    for server in started.values():
        server.close()


def message(size: int) -> bytes:
    return random.Random(size).randbytes(size)


async def converse(reader, writer):
    """Echo messages of several sizes and end; returns what the client learnt."""
    digest = hashlib.sha256()
    for size in SIZES:
        writer.write(message(size))
        await writer.drain()
        digest.update(await reader.readexactly(size))
    facts = [writer.get_extra_info("cipher")[1], writer.get_extra_info("compression")]
    facts += [writer.get_extra_info("peercert")["subject"]]
    facts += [writer.get_extra_info("ssl_object").selected_alpn_protocol()]
    writer.close()
    await writer.wait_closed()
    rest = await reader.read()
    return {"facts": facts, "digest": digest.hexdigest(), "rest": len(rest)}


async def visit(port, version, case):
    context = client_context(made(), version, "client" if case == "client certificate" else None)
    try:
        async with asyncio.timeout(15):
            reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context, server_hostname="localhost")
            engine = writer.get_extra_info("tepal.tls_engine")
            try:
                if case == "no client certificate":
                    # With TLS 1.3 the server refuses later; what is written meanwhile turns its end into a reset.
                    await reader.readexactly(1)
                return {"engine": engine, **await converse(reader, writer)}
            finally:
                writer.transport.abort()
                await asyncio.sleep(0.01)
    except (OSError, EOFError) as error:
        return {"error": described(error)}


def outcomes(monkeypatch, side, server, version, case):
    """How it ended for the client and for the server."""
    library, engine = SIDES[side]
    monkeypatch.setenv("TEPAL_TLS", engine)
    with asyncio.Runner(loop_factory=load(library).new_event_loop) as runner:
        client = runner.run(visit(server.ports[f"{version} {case}"], version, case))
    return client, server.answer()


def without_engine(outcome):
    return [{name: fact for name, fact in end.items() if name != "engine"} for end in outcome]


@pytest.mark.parametrize("cell", CELLS, ids=" ".join)
@pytest.mark.timeout(60)
def test_cell(monkeypatch, servers, cell):
    expected = outcomes(monkeypatch, "asyncio", servers["asyncio"], *cell)
    assert ("error" in expected[0]) == (cell[1] not in ("good", "client certificate"))
    for client in SIDES:
        for server in SIDES:
            found = outcomes(monkeypatch, client, servers[server], *cell)
            assert without_engine(found) == without_engine(expected), (client, server)
            if "error" not in found[0]:
                engines = {"asyncio": None, "fast": "fast", "fallback": "fallback"}
                assert (found[0]["engine"], found[1]["engine"]) == (engines[client], engines[server])
