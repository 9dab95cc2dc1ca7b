"""The ``openssl`` command at the other end: the same outcome on asyncio, on the engine and on the fallback."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import subprocess

import pytest
from certificates import made
from contexts import VERSIONS, client_context, server_context
from library import load
from nginx import debian
from server_process import CASES, Echo, described

SIDES = {"asyncio": ("asyncio", ""), "fast": ("tepal", ""), "fallback": ("tepal", "fallback")}
GOOD = ("good", "client certificate")


def run(monkeypatch, side, coroutine_function, *arguments):
    library, engine = SIDES[side]
    monkeypatch.setenv("TEPAL_TLS", engine)
    with asyncio.Runner(loop_factory=load(library).new_event_loop) as runner:
        return runner.run(coroutine_function(*arguments))


async def ask(port, version, case):
    """Send a line to ``s_server -rev``, which sends it back reversed."""
    context = client_context(made(), version, "client" if case == "client certificate" else None)
    for attempt in range(200):
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context, server_hostname="localhost")
            break
        except ConnectionRefusedError:
            if attempt == 199:
                raise
            await asyncio.sleep(0.05)
        except OSError as error:
            return described(error)
    if case == "no client certificate":
        # With TLS 1.3 the server refuses after the client's handshake.
        try:
            return [await reader.read(1)]
        except OSError as error:
            return described(error)
        finally:
            writer.transport.abort()
            await asyncio.sleep(0.01)
    answers = []
    for line in (b"abc\n", b"x" * 5000 + b"y\n"):
        writer.write(line)
        answers.append(await reader.readuntil())
    writer.close()
    await writer.wait_closed()
    return answers


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.timeout(60)
def test_clients_of_s_server(monkeypatch, version, case):
    port = debian.free_port()
    command = ["openssl", "s_server", "-accept", f"127.0.0.1:{port}", "-quiet", "-rev"]
    certificate, client = CASES[case]
    command += ["-cert", str(made() / f"{certificate}.pem"), "-alpn", "echo", "-tls" + version.replace(".", "_")]
    if client:
        command += ["-CAfile", str(made() / "ca.pem"), "-Verify", "1", "-verify_return_error"]
    quiet = subprocess.DEVNULL
    with subprocess.Popen(command, stdin=quiet, stdout=quiet, stderr=quiet) as server:
        try:
            found = {side: run(monkeypatch, side, ask, port, version, case) for side in SIDES}
        finally:
            server.kill()
    assert found["fast"] == found["fallback"] == found["asyncio"]
    if case in GOOD:
        assert found["fast"] == [b"cba\n", b"y" + b"x" * 5000 + b"\n"]
    elif case == "no client certificate":
        assert found["fast"][0] == "ssl.SSLError"
    else:
        assert found["fast"][0] == "ssl.SSLCertVerificationError"


async def answer(version, words, server):
    """Serve one ``s_client``; returns what it printed and how the connection ended here."""
    loop = asyncio.get_running_loop()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        command = ["openssl", "s_client", "-connect", f"127.0.0.1:{listener.getsockname()[1]}", "-quiet", "-no_ign_eof"]
        command += ["-CAfile", str(made() / "ca.pem"), "-verify_return_error", *words]
        client = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        sock, _ = await loop.sock_accept(listener)
    sock.setblocking(False)
    wanted = b"hello " * 5000
    try:
        _, protocol = await loop.connect_accepted_socket(Echo, sock, ssl=server)
    except OSError as error:
        client.kill()
        outcome = described(error)
    else:

        def talk():
            client.stdin.write(wanted)
            client.stdin.flush()
            return client.stdout.read(len(wanted))

        echoed = await loop.run_in_executor(None, talk)
        with contextlib.suppress(BrokenPipeError):
            client.stdin.close()
        outcome = [echoed == wanted, protocol.count, described(await protocol.ended), protocol.facts[0]]
    client.stdout.close()
    client.stdin.close()
    await loop.run_in_executor(None, client.wait)
    return outcome


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.timeout(60)
def test_servers_of_s_client(monkeypatch, version, case):
    words = ["-tls" + version.replace(".", "_"), "-verify_hostname", "localhost"]
    if case == "client certificate":
        words += ["-cert", str(made() / "client.pem")]
    found = {}
    for side in SIDES:
        found[side] = run(monkeypatch, side, answer, version, words, server_context(made(), version, *CASES[case]))
    assert found["fast"] == found["fallback"] == found["asyncio"]
    if case in GOOD:
        assert found["fast"][:2] == [True, 30_000]
    else:
        assert found["fast"][0] == "ssl.SSLError"


async def converse(version, command):
    """Serve an ``s_client`` that sends a line, then ``command`` (a letter that it understands), then another line."""
    loop = asyncio.get_running_loop()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        words = ["-connect", f"127.0.0.1:{listener.getsockname()[1]}", "-tls" + version.replace(".", "_")]
        quiet = subprocess.DEVNULL
        client = subprocess.Popen(
            ["openssl", "s_client", *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=quiet
        )
        sock, _ = await loop.sock_accept(listener)
    sock.setblocking(False)
    _, protocol = await loop.connect_accepted_socket(Echo, sock, ssl=server_context(made(), version))

    async def say(line, expected):
        with contextlib.suppress(BrokenPipeError):  # it ends where renegotiation is refused
            client.stdin.write(line)
            client.stdin.flush()
        for _ in range(1000):
            if protocol.count >= expected or protocol.ended.done():
                return
            await asyncio.sleep(0.01)

    await say(b"hello\n", 6)
    client.stdin.write(command)
    client.stdin.flush()
    await asyncio.sleep(0.2)
    await say(b"world\n", 12)
    protocol.transport.close()
    lost = await protocol.ended
    with contextlib.suppress(BrokenPipeError):
        client.stdin.close()
    printed = await loop.run_in_executor(None, client.stdout.read)
    client.stdout.close()
    await loop.run_in_executor(None, client.wait)
    return [b"hello" in printed, b"world" in printed, protocol.count, described(lost)]


@pytest.mark.parametrize(
    ("version", "command"),
    [("1.3", b"K\n"), ("1.3", b"k\n"), ("1.2", b"R\n")],
    ids=["key update both ways", "key update", "renegotiation"],
)
@pytest.mark.timeout(60)
def test_handshake_messages_among_the_data(monkeypatch, version, command):
    found = {side: run(monkeypatch, side, converse, version, command) for side in SIDES}
    assert found["fast"] == found["fallback"] == found["asyncio"]
    if version == "1.3":
        assert found["fast"] == [True, True, 12, None]
