"""``getaddrinfo`` and ``getnameinfo``: every answer equals that of the ``socket`` module."""

import asyncio
import itertools
import socket
import threading

import pytest

HOSTS = (
    "127.0.0.1",
    "127.1",
    "0",
    "0x7f.1",
    "256.1.1.1",
    "1.2.3.4.5",
    "::1",
    "::ffff:127.0.0.1",
    "fe80::1",
    "::1%lo",
    "[::1]",
    "localhost",
    "",
    None,
    b"127.0.0.1",
)
PORTS = (0, 80, "80", "http", None, b"80")
FAMILIES = (socket.AF_UNSPEC, socket.AF_INET, socket.AF_INET6)
TYPES = (0, socket.SOCK_STREAM, socket.SOCK_DGRAM)
FLAGS = (
    0,
    socket.AI_PASSIVE,
    socket.AI_NUMERICHOST,
    socket.AI_NUMERICSERV,
    socket.AI_CANONNAME | socket.AI_NUMERICHOST,
    socket.AI_V4MAPPED | socket.AI_ALL,
)


def answer(call):
    """What ``call`` gives: its value or its error, so that errors are compared too."""
    try:
        return call()
    except Exception as error:
        return type(error), error.args


async def answer_of(awaitable):
    try:
        return await awaitable
    except Exception as error:
        return type(error), error.args


def local(host, family, flags):
    """Whether the question can be answered from literals and the hosts file, without a server."""
    if flags & socket.AI_NUMERICHOST:
        return True
    if host == "localhost":
        return family != socket.AF_INET6 and flags in (0, socket.AI_NUMERICSERV)
    return host not in ("256.1.1.1", "1.2.3.4.5", "[::1]")


@pytest.mark.parametrize("host", HOSTS, ids=repr)
async def test_answers_equal_those_of_the_socket_module(loop, host):
    for port, family, kind, flags in itertools.product(PORTS, FAMILIES, TYPES, FLAGS):
        if not local(host, family, flags) or (host is None and port is None):
            continue
        expected = answer(lambda: socket.getaddrinfo(host, port, family, kind, 0, flags))  # noqa: B023
        given = await answer_of(loop.getaddrinfo(host, port, family=family, type=kind, flags=flags))
        assert given == expected, (host, port, family, kind, flags)


@pytest.mark.parametrize("proto", [0, socket.IPPROTO_TCP, socket.IPPROTO_UDP, socket.IPPROTO_SCTP])
@pytest.mark.parametrize("kind", [0, socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_RAW])
async def test_protocols(loop, proto, kind):
    for host in ("127.0.0.1", "::1", "localhost"):
        expected = answer(lambda: socket.getaddrinfo(host, 80, 0, kind, proto))  # noqa: B023
        given = await answer_of(loop.getaddrinfo(host, 80, type=kind, proto=proto))
        assert given == expected


async def test_families_are_enumerations(loop):
    (first, *_) = await loop.getaddrinfo("127.0.0.1", 80)
    assert isinstance(first[0], socket.AddressFamily)
    assert isinstance(first[1], socket.SocketKind)


@pytest.mark.parametrize("port", [-1, 65536, 70000, "no such service"])
async def test_odd_ports(loop, port):
    expected = answer(lambda: socket.getaddrinfo("127.0.0.1", port))
    assert await answer_of(loop.getaddrinfo("127.0.0.1", port)) == expected


@pytest.mark.parametrize("host", ["a" * 64 + ".invalid", "\udcff", "with\0null", 5, object])
async def test_hosts_that_cannot_be_asked(loop, host):
    kind, *_ = answer(lambda: socket.getaddrinfo(host, 80))
    given, *_ = await answer_of(loop.getaddrinfo(host, 80))
    assert given is kind


async def test_a_literal_needs_no_default_executor(loop, library):
    await loop.getaddrinfo("127.0.0.1", 80)
    if library.is_tepal:
        assert loop._default_executor is None


async def test_many_at_once(loop):
    found = await asyncio.gather(*(loop.getaddrinfo("localhost", port) for port in range(50)))
    for port, answers in enumerate(found):
        assert answers == socket.getaddrinfo("localhost", port)


async def test_a_slow_executor_delays_no_literal(loop):
    release = threading.Event()
    try:
        busy = [loop.run_in_executor(None, release.wait, 10) for _ in range(64)]
        lookup = loop.getaddrinfo("localhost", 80)
        if not type(loop).__module__.startswith("tepal"):
            release.set()  # asyncio's lookups share the executor, tepal's do not
        assert await asyncio.wait_for(lookup, 5) == socket.getaddrinfo("localhost", 80)
    finally:
        release.set()
    await asyncio.gather(*busy)


async def test_cancelling_a_lookup(loop, monkeypatch):
    asked, release = threading.Event(), threading.Event()

    def slow(*arguments):
        asked.set()
        release.wait(10)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", slow)
    task = loop.create_task(loop.getaddrinfo("a-slow-host.invalid", 80))
    while not asked.is_set():
        await asyncio.sleep(0.001)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    release.set()


@pytest.mark.parametrize(
    ("address", "flags"),
    [
        (("127.0.0.1", 80), socket.NI_NUMERICHOST | socket.NI_NUMERICSERV),
        (("127.0.0.1", 80), socket.NI_NUMERICHOST),
        (("::1", 80), socket.NI_NUMERICHOST | socket.NI_NUMERICSERV),
        (("::1", 80, 0, 0), socket.NI_NUMERICHOST | socket.NI_NUMERICSERV),
        (("127.0.0.1", 53), socket.NI_NUMERICHOST | socket.NI_DGRAM),
        (("127.0.0.1",), 0),
        ((), 0),
        ("127.0.0.1", 0),
        (("not an address", 80), socket.NI_NUMERICHOST),
    ],
    ids=repr,
)
async def test_names_equal_those_of_the_socket_module(loop, address, flags):
    expected = answer(lambda: socket.getnameinfo(address, flags))
    assert await answer_of(loop.getnameinfo(address, flags)) == expected


async def test_positions_and_keywords(loop):
    with pytest.raises(TypeError):
        await loop.getaddrinfo("127.0.0.1", 80, socket.AF_INET)
    with pytest.raises(TypeError):
        await loop.getaddrinfo("127.0.0.1")
    assert await loop.getnameinfo(("127.0.0.1", 80), flags=3) == ("127.0.0.1", "80")


def test_they_are_coroutine_functions(loop):
    assert asyncio.iscoroutine(coroutine := loop.getaddrinfo("127.0.0.1", 80))
    coroutine.close()
    assert asyncio.iscoroutine(coroutine := loop.getnameinfo(("127.0.0.1", 80)))
    coroutine.close()


@pytest.mark.parametrize("debug", [True])
async def test_debug_mode_answers_alike(loop):
    assert await loop.getaddrinfo("127.0.0.1", 80) == socket.getaddrinfo("127.0.0.1", 80)
