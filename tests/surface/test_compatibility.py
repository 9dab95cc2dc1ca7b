"""docs/compatibility.md: it has every method there is, and says truly whose code each one is."""

import asyncio
import inspect
import os
import re
import socket
import sys
from asyncio import base_events
from pathlib import Path

import pytest

PAGE = Path(__file__).resolve().parent.parent.parent / "docs" / "compatibility.md"
ROW = re.compile(r"^\| (`?)([^|`]+)\1 \| (tepal's|asyncio's) \| ([^|]+) \|$", re.MULTILINE)
# Methods that are not in every version's asyncio.
SINCE = {"Handle.get_context": (3, 12), "Server.close_clients": (3, 13), "Server.abort_clients": (3, 13)}

ROWS = {match.group(2): (match.group(3), match.group(4)) for match in ROW.finditer(PAGE.read_text(encoding="utf-8"))}


def public(*classes):
    return {name for one in classes for name in dir(one) if not name.startswith("_") and callable(getattr(one, name))}


def test_every_row_can_be_read():
    rows = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("|")]
    assert len(rows) == len(ROWS) + 2 * len([line for line in rows if line.startswith("|---")])


def test_every_row_compares():
    for name, (_, compared) in ROWS.items():
        assert re.match(r"same|better: |differs: |better, differs: |as `", compared), name


def test_the_methods_of_the_loop(library):
    loop = library.EventLoop
    named = {name for name in ROWS if re.fullmatch(r"[a-z_]+", name)} - {"datagrams", "pipes", "subprocesses"}
    assert named == public(asyncio.AbstractEventLoop, asyncio.SelectorEventLoop)
    if library.is_tepal:
        whose = {
            name: "asyncio's" if getattr(loop, name) is getattr(asyncio.SelectorEventLoop, name) else "tepal's"
            for name in named
        }
        assert whose == {name: ROWS[name][0] for name in named}


@pytest.mark.parametrize("kind", ["Handle", "TimerHandle"])
def test_the_methods_of_handles(library, kind):
    cls = getattr(library, kind)
    named = {name.partition(".")[2] for name in ROWS if name.startswith(f"{kind}.")}
    missing = {name.partition(".")[2] for name, since in SINCE.items() if sys.version_info < since}
    own = public(getattr(asyncio, kind)) - (public(asyncio.Handle) - {"cancel"} if kind == "TimerHandle" else set())
    assert named - missing == own - missing
    for name in named - (missing if not library.is_tepal else set()):
        assert hasattr(cls, name)


def test_the_methods_of_servers():
    named = {name.partition(".")[2] for name in ROWS if name.startswith("Server.")}
    missing = {name.partition(".")[2] for name, since in SINCE.items() if sys.version_info < since}
    assert named - missing == public(base_events.Server)


def test_the_methods_of_stream_transports():
    named = {name.partition(".")[2] for name in ROWS if name.startswith("StreamTransport.")}
    assert named == public(asyncio.Transport)


@pytest.mark.parametrize("kind", ["StreamReader", "StreamWriter"])
async def test_the_methods_of_streams(loop, library, kind):
    named = {name.partition(".")[2] for name in ROWS if name.startswith(f"{kind}.")}
    assert named == public(getattr(asyncio, kind))
    near, far = socket.socketpair()
    with far:
        reader, writer = await asyncio.open_connection(sock=near)
        stream = {"StreamReader": reader, "StreamWriter": writer}[kind]
        original = getattr(asyncio, kind)
        if library.is_tepal:
            own = {name for name in named if getattr(type(stream), name) is not getattr(original, name)}
            assert own == {name for name in named if ROWS[f"{kind}.{name}"][0] == "tepal's"}
        writer.close()
        await writer.wait_closed()


def whose(transport, library):
    module = type(transport).__module__.partition(".")[0]
    assert module in ("asyncio", "tepal")
    if not library.is_tepal:
        return None
    return f"{module}'s"


async def test_whose_transports(loop, library):
    def check(name, transport):
        assert whose(transport, library) in (None, ROWS[name][0]), name

    near, far = socket.socketpair()
    with far:
        stream, _ = await loop.create_connection(asyncio.Protocol, sock=near)
        check("TCP and Unix streams", stream)
        stream.close()
        await asyncio.sleep(0)
    datagrams, _ = await loop.create_datagram_endpoint(asyncio.DatagramProtocol, local_addr=("127.0.0.1", 0))
    check("datagrams", datagrams)
    datagrams.close()
    await asyncio.sleep(0)
    reading, writing = os.pipe()
    reader, _ = await loop.connect_read_pipe(asyncio.Protocol, open(reading, "rb", 0))  # noqa: SIM115
    writer, _ = await loop.connect_write_pipe(asyncio.BaseProtocol, open(writing, "wb", 0))  # noqa: SIM115
    for pipe in (reader, writer):
        check("pipes", pipe)
        pipe.close()
    await asyncio.sleep(0.01)
    server = await loop.create_server(asyncio.Protocol, "127.0.0.1", 0)
    assert type(server) is base_events.Server
    server.close()
    await server.wait_closed()


def test_asyncios_functions(loop, library):
    """They are put in place with the first tepal loop, whichever library's turn it is."""
    if not library.is_tepal:
        return
    named = [name for name in ROWS if re.match(r"asyncio\.|TaskGroup\.", name)]
    assert len(named) == 4
    for name in named:
        owner, _, function = name.partition(".")
        found = getattr(asyncio if owner == "asyncio" else asyncio.TaskGroup, function)
        assert not inspect.isfunction(found) and inspect.isroutine(found)
