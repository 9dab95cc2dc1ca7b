"""A server's new connections: what the protocol sees of them, and factories that fail."""

import asyncio
import contextlib
import contextvars
import errno
import gc
import os
import resource
import socket
import sys
import weakref

import pytest

VARIABLE = contextvars.ContextVar("VARIABLE", default="of nobody")


class Seen(asyncio.Protocol):
    """Remembers its transport, and what was called in which order."""

    def __init__(self, seen):
        self.seen = seen

    def connection_made(self, transport):
        self.transport = transport
        self.seen.append(self)

    def data_received(self, data):
        self.transport.write(data + VARIABLE.get().encode())

    def connection_lost(self, exc):
        self.lost = exc


async def until(condition):
    while not condition():
        await asyncio.sleep(0.001)


@pytest.mark.parametrize(
    ("family", "host"), [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")], ids=["IPv4", "IPv6"]
)
async def test_what_a_connection_knows(loop, family, host):
    seen = []
    try:
        server = await loop.create_server(lambda: Seen(seen), host, 0, family=family)
    except OSError:
        pytest.skip("there is no IPv6 here")
    far = socket.socket(family)
    far.connect(server.sockets[0].getsockname())
    await until(lambda: seen)
    transport = seen[0].transport
    assert transport.get_extra_info("peername") == far.getsockname()
    assert transport.get_extra_info("sockname") == far.getpeername()
    assert list(transport._extra) == ["peername", "socket", "sockname"]
    sock = transport.get_extra_info("socket")
    assert (sock.family, sock.type, sock.proto) == (family, socket.SOCK_STREAM, transport._sock.proto)
    assert sock.gettimeout() == 0 and sock.fileno() == transport._sock.fileno()
    assert sock.getpeername() == far.getsockname() and sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
    assert type(transport._sock) is socket.socket and not transport._sock.get_inheritable()
    assert f"fd={sock.fileno()}" in repr(sock) and "laddr=" in repr(transport._sock)
    duplicate = transport._sock.dup()
    assert duplicate.getpeername() == far.getsockname()
    duplicate.close()
    far.close()
    await until(lambda: hasattr(seen[0], "lost"))
    assert transport.is_closing() and sock.fileno() == -1
    server.close()
    await server.wait_closed()


async def test_a_context_for_each_connection(loop):
    seen = []

    def factory():
        seen.append(VARIABLE.get())
        VARIABLE.set(f"of {len(seen)}")
        return Seen([])

    VARIABLE.set("of the server")
    server = await loop.create_server(factory, "127.0.0.1", 0)
    address = server.sockets[0].getsockname()
    answers = []
    for _ in range(3):
        reader, writer = await asyncio.open_connection(*address)
        writer.write(b"I am ")
        answers.append(await reader.readexactly(9))
        writer.close()
        await writer.wait_closed()
    assert seen == ["of the server"] * 3
    assert answers == [b"I am of 1", b"I am of 2", b"I am of 3"]
    assert VARIABLE.get() == "of the server"
    server.close()
    await server.wait_closed()


@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
async def test_a_factory_that_raises_ends_only_that_connection(loop, reports):
    seen = []
    failures = [ZeroDivisionError("of the factory"), asyncio.CancelledError()]

    def factory():
        if failures:
            raise failures.pop()
        return Seen(seen)

    server = await loop.create_server(factory, "127.0.0.1", 0)
    address = server.sockets[0].getsockname()
    for _ in range(2):
        far = socket.create_connection(address)
        far.settimeout(0)
        await until(lambda far=far: ended(far))
        far.close()
    far = socket.create_connection(address)
    await until(lambda: seen)
    seen[0].transport.close()
    far.close()
    server.close()
    await server.wait_closed()
    assert reports.take() == []


def ended(sock):
    """Whether the peer has closed the connection."""
    gc.collect()
    try:
        return sock.recv(1) == b""
    except BlockingIOError:
        return False
    except ConnectionResetError:
        return True


@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
def test_a_factory_that_exits_ends_the_loop(loop, reports):
    def factory():
        raise SystemExit(3)

    async def serve():
        server = await loop.create_server(factory, "127.0.0.1", 0)
        far.append(socket.create_connection(server.sockets[0].getsockname()))
        servers.append(server)
        await asyncio.sleep(10)

    far, servers = [], []
    with pytest.raises(SystemExit):
        loop.run_until_complete(serve())
    for task in asyncio.all_tasks(loop):
        task.cancel()
    loop.run_until_complete(asyncio.sleep(0))
    servers[0].close()
    far[0].close()
    loop.run_until_complete(servers[0].wait_closed())
    gc.collect()
    reports.take()  # asyncio's Task of the connection, whose exception nobody has retrieved


async def test_a_replaced_transport_maker_is_called(loop, monkeypatch):
    made = []
    original = loop._make_socket_transport

    def make(*arguments, **named):
        made.append(named["extra"]["peername"])
        return original(*arguments, **named)

    loop._make_socket_transport = make
    seen = []
    server = await loop.create_server(lambda: Seen(seen), "127.0.0.1", 0)
    far = socket.create_connection(server.sockets[0].getsockname())
    await until(lambda: seen)
    assert made == [far.getsockname()]
    seen[0].transport.close()
    far.close()
    server.close()
    await server.wait_closed()


async def test_many_connections_at_once(loop):
    seen = []
    server = await loop.create_server(lambda: Seen(seen), "127.0.0.1", 0, backlog=20)
    address = server.sockets[0].getsockname()
    far = [socket.create_connection(address) for _ in range(20)]
    await until(lambda: len(seen) == 20)
    assert {one.transport.get_extra_info("peername") for one in seen} == {one.getsockname() for one in far}
    for index, one in enumerate(far):
        one.send(b"%d" % index)
    for index, one in enumerate(far):
        one.settimeout(0)
        received = b""

        def arrived(one=one):
            nonlocal received
            try:
                received += one.recv(100)
            except BlockingIOError:
                return False
            return True

        await until(arrived)
        assert received == b"%dof nobody" % index
        one.close()
    await until(lambda: all(hasattr(one, "lost") for one in seen))
    server.close()
    await server.wait_closed()


async def test_what_is_left_of_a_closed_connection(loop):
    seen = []
    server = await loop.create_server(lambda: Seen(seen), "127.0.0.1", 0)
    far = socket.create_connection(server.sockets[0].getsockname())
    await until(lambda: seen)
    transport = seen[0].transport
    number = transport._sock_fd
    assert loop._transports[number] is transport
    with pytest.raises(RuntimeError, match="is used by transport"):
        loop.add_reader(number, print)
    if sys.version_info >= (3, 13):
        assert list(server._clients) == [transport]
    transport.close()
    await until(lambda: hasattr(seen[0], "lost"))
    if sys.version_info >= (3, 13):
        assert list(server._clients) == []
    gone = weakref.ref(transport)
    del transport
    seen.clear()
    gc.collect()
    assert gone() is None and number not in loop._transports
    far.close()
    server.close()
    await server.wait_closed()


def unbound(path):
    return None


def in_the_abstract_namespace(path):
    return b"\0" + str(path).encode() + b" peer"


@pytest.mark.parametrize("debug", [False, True], ids=["plain", "debug"])
@pytest.mark.parametrize("peer", [unbound, "peer", in_the_abstract_namespace], ids=["unbound", "path", "abstract"])
async def test_what_a_unix_connection_knows(loop, tmp_path, peer):
    seen = []
    path = str(tmp_path / "server")
    name = str(tmp_path / peer) if isinstance(peer, str) else peer(tmp_path)
    server = await loop.create_unix_server(lambda: Seen(seen), path)
    far = socket.socket(socket.AF_UNIX)
    if name is not None:
        far.bind(name)
    far.connect(path)
    await until(lambda: seen)
    transport = seen[0].transport
    assert list(transport._extra) == ["peername", "socket", "sockname"]
    assert transport.get_extra_info("peername") == ("" if name is None else name)
    assert transport.get_extra_info("sockname") == path
    sock = transport.get_extra_info("socket")
    assert (sock.family, sock.type, sock.proto) == (socket.AF_UNIX, socket.SOCK_STREAM, 0)
    assert sock.gettimeout() == 0 and not sock.get_inheritable()
    transport.write(b"there")
    transport.close()
    await until(lambda: hasattr(seen[0], "lost"))
    assert far.recv(10) == b"there" and far.recv(10) == b""
    far.close()
    server.close()
    await server.wait_closed()


@contextlib.contextmanager
def no_descriptor_left():
    """The process cannot open anything, as if it had reached its limit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    last = os.open("/dev/null", os.O_RDONLY)
    taken = [last]
    resource.setrlimit(resource.RLIMIT_NOFILE, (last + 20, hard))
    try:
        with contextlib.suppress(OSError):
            while True:
                taken.append(os.open("/dev/null", os.O_RDONLY))
        yield
    finally:
        for descriptor in taken:
            os.close(descriptor)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def begin_connecting(sock, server):
    """Connect without waiting until the server accepts."""
    sock.setblocking(False)
    with contextlib.suppress(BlockingIOError):
        sock.connect(server.sockets[0].getsockname())


@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_UNIX], ids=["TCP", "Unix"])
async def test_descriptors_that_run_out(loop, library, reports, monkeypatch, tmp_path, family):
    """asyncio reports it once for each connection that could wait, tepal once, and both go on after a while."""
    monkeypatch.setattr(asyncio.constants, "ACCEPT_RETRY_DELAY", 0.05)
    seen = []
    if family == socket.AF_UNIX:
        server = await loop.create_unix_server(lambda: Seen(seen), str(tmp_path / "server"))
    else:
        server = await loop.create_server(lambda: Seen(seen), "127.0.0.1", 0)
    far = socket.socket(family)
    with no_descriptor_left():
        begin_connecting(far, server)
        await until(lambda: reports.contexts)
    contexts = reports.take()
    assert len(contexts) == 1 or not library.is_tepal
    assert contexts[0]["message"] == "socket.accept() out of system resource"
    assert contexts[0]["exception"].errno == errno.EMFILE and contexts[0]["socket"].getsockname()
    await until(lambda: seen)
    far.close()
    await until(lambda: hasattr(seen[0], "lost"))
    await asyncio.sleep(0.1)  # asyncio has a timer for each report
    reports.take()  # more of the same, if a wait was over before the descriptors were free
    server.close()
    await server.wait_closed()


@pytest.mark.parametrize("library", ["tepal"], indirect=True)
async def test_a_server_that_is_closed_when_descriptors_have_run_out(loop, reports, monkeypatch):
    """asyncio goes on listening on the closed socket, and reports the ValueError that comes of it."""
    monkeypatch.setattr(asyncio.constants, "ACCEPT_RETRY_DELAY", 0.02)
    server = await loop.create_server(asyncio.Protocol, "127.0.0.1", 0)
    far = socket.socket()
    with no_descriptor_left():
        begin_connecting(far, server)
        await until(lambda: reports.contexts)
        server.close()
    assert reports.take_one()["exception"].errno == errno.EMFILE
    await asyncio.sleep(0.1)
    far.close()


async def test_wait_closed_waits_for_the_last_connection(loop):
    seen = []
    server = await loop.create_server(lambda: Seen(seen), "127.0.0.1", 0)
    far = socket.create_connection(server.sockets[0].getsockname())
    await until(lambda: seen)
    server.close()
    waiting = asyncio.ensure_future(server.wait_closed())
    await asyncio.sleep(0.01)
    # Up to 3.12.0 wait_closed() came back at once after close().
    assert waiting.done() == (sys.version_info < (3, 12, 1))
    far.close()
    await waiting
    await until(lambda: hasattr(seen[0], "lost"))


async def test_a_file_of_the_socket_keeps_it_open(loop):
    """``socket.close()`` leaves the descriptor to the files that ``makefile()`` has made."""
    seen = []
    server = await loop.create_server(lambda: Seen(seen), "127.0.0.1", 0)
    far = socket.create_connection(server.sockets[0].getsockname())
    await until(lambda: seen)
    file = seen[0].transport._sock.makefile("wb", buffering=0)
    seen[0].transport.close()
    await until(lambda: hasattr(seen[0], "lost"))
    file.write(b"still here")
    assert far.recv(100) == b"still here"
    file.close()
    assert far.recv(1) == b""
    far.close()
    server.close()
    await server.wait_closed()
