"""Transports of stream sockets: half close, pausing, changed protocols, protocols that fail, contexts, the end."""

import asyncio
import contextvars
import gc
import logging
import socket
import weakref

import pytest
from endpoints import Filled, Recorder, connect, end, receive_all
from turns import run_turns, run_until


@pytest.fixture
def ends():
    """A connected pair of sockets, not blocking; the first one is for the transport."""
    near, far = socket.socketpair()
    for sock in (near, far):
        sock.setblocking(False)
    yield near, far
    near.close()
    far.close()


class Telling(socket.socket):
    """A socket with methods of its own, as those of proxies and of test tools are."""

    def __init__(self, *arguments, **named):
        super().__init__(*arguments, **named)
        self.calls = []

    def recv(self, size):
        self.calls.append("recv")
        return super().recv(size).upper()

    def recv_into(self, buffer):
        self.calls.append("recv_into")
        return super().recv_into(buffer)

    def send(self, data):
        self.calls.append("send")
        return super().send(data[:2])

    def sendmsg(self, pieces):
        self.calls.append("sendmsg")
        return super().sendmsg([next(iter(pieces))[:3]])

    def shutdown(self, how):
        self.calls.append("shutdown")
        super().shutdown(how)


def test_a_subclass_of_the_socket_keeps_its_methods(loop, ends):
    near, far = ends
    own = Telling(fileno=near.detach())
    own.setblocking(False)
    protocol = Recorder()
    transport = connect(loop, own, protocol)
    far.send(b"shout")
    run_until(loop, lambda: protocol.data)
    assert protocol.data == b"SHOUT"
    transport.write(b"abcdef")
    transport.write_eof()
    assert receive_all(loop, far) == b"abcdef"
    assert {"recv", "send", "shutdown"} <= set(own.calls) and "recv_into" not in own.calls
    transport.set_protocol(filled := Filled())
    far.send(b"quiet")
    run_until(loop, lambda: filled.data)
    assert filled.data == b"quiet" and "recv_into" in own.calls
    end(loop, transport)


def test_the_kind_of_transport(loop, ends):
    near, _ = ends
    protocol = Recorder()
    transport = connect(loop, near, protocol)
    assert isinstance(transport, asyncio.Transport)
    assert transport is protocol.transport and protocol.names == ["made"]
    assert transport.get_protocol() is protocol
    assert transport.get_extra_info("socket").fileno() == near.fileno()
    assert transport.get_extra_info("sockname") == near.getsockname()
    assert transport.get_extra_info("peername") == near.getpeername()
    assert transport.get_extra_info("nothing") is None
    assert transport.get_extra_info("nothing", 5) == transport.get_extra_info("nothing", default=5) == 5
    assert transport.can_write_eof() and transport.is_reading() and not transport.is_closing()
    assert transport.get_write_buffer_limits() == (16384, 65536)
    assert f"fd={near.fileno()} read=polling write=<idle, bufsize=0>" in repr(transport)
    transport.own = "attributes are allowed"
    assert weakref.ref(transport)() is transport
    end(loop, transport)
    assert protocol.calls == [("made",), ("lost", None)]
    assert transport.is_closing() and not transport.is_reading()
    assert "closed" in repr(transport)


def test_a_descriptor_in_use_is_refused_to_others(loop, ends):
    near, _ = ends
    transport = connect(loop, near, Recorder())
    for refused in (loop.add_reader, loop.add_writer):
        with pytest.raises(RuntimeError, match="is used by transport"):
            refused(near.fileno(), print)
    with pytest.raises(RuntimeError, match="is used by transport"):
        loop.remove_reader(near)
    end(loop, transport)


@pytest.mark.parametrize("keep_open", [False, True, None])
def test_half_close_by_the_peer(loop, ends, keep_open):
    near, far = ends

    class Answering(Recorder):
        def eof_received(self):
            super().eof_received()
            self.transport.write(b"answer")
            return keep_open

    protocol = Answering()
    transport = connect(loop, near, protocol)
    far.send(b"question")
    far.shutdown(socket.SHUT_WR)
    run_until(loop, lambda: "eof" in protocol.names)
    run_turns(loop, 3)
    assert bytes(protocol.data) == b"question"
    assert transport.is_closing() is not bool(keep_open)
    assert protocol.names.count("eof") == 1
    if keep_open:
        transport.write(b" later")
        end(loop, transport)
    assert receive_all(loop, far) == (b"answer later" if keep_open else b"answer")
    assert protocol.calls[-1] == ("lost", None)


def test_pause_in_connection_made(loop, ends):
    near, far = ends

    class Paused(Recorder):
        def connection_made(self, transport):
            super().connection_made(transport)
            transport.pause_reading()
            assert not transport.is_reading()

    protocol = Paused()
    far.send(b"early")
    transport = connect(loop, near, protocol)
    run_turns(loop, 5)
    assert protocol.names == ["made"]
    transport.resume_reading()
    transport.resume_reading()
    run_until(loop, lambda: bool(protocol.data))
    transport.pause_reading()
    transport.pause_reading()
    far.send(b" late")
    run_turns(loop, 5)
    assert bytes(protocol.data) == b"early"
    transport.resume_reading()
    run_until(loop, lambda: bytes(protocol.data) == b"early late")
    end(loop, transport)
    transport.pause_reading()
    transport.resume_reading()


def test_pausing_inside_data_received_stops_at_once(loop, ends):
    near, far = ends

    class OneByOne(Recorder):
        def data_received(self, data):
            super().data_received(data)
            self.transport.pause_reading()

    protocol = OneByOne()
    transport = connect(loop, near, protocol)
    for number in range(3):
        far.send(b"%d" % number)
        run_until(loop, lambda: not transport.is_reading())
        far.send(b"%d" % (number + 5))
        run_turns(loop, 3)
        assert len(protocol.data) == 2 * number + 1
        transport.resume_reading()
        run_until(loop, lambda: not transport.is_reading())
        transport.resume_reading()
    end(loop, transport)
    assert bytes(protocol.data) == b"051627"


def test_set_protocol_in_flight(loop, ends):
    near, far = ends
    second = Recorder()
    third = Filled()

    class First(Recorder):
        def data_received(self, data):
            super().data_received(data)
            self.transport.set_protocol(second)

    first = First()
    transport = connect(loop, near, first)
    far.send(b"one")
    run_until(loop, lambda: bool(first.data))
    far.send(b"two")
    run_until(loop, lambda: bool(second.data))
    transport.set_protocol(third)
    assert transport.get_protocol() is third
    far.send(b"three")
    run_until(loop, lambda: bool(third.data))
    assert (bytes(first.data), bytes(second.data), bytes(third.data)) == (b"one", b"two", b"three")
    end(loop, transport)
    assert third.calls == [("lost", None)]
    assert first.names == ["made", "data"] and second.names == ["data"]


def test_a_buffered_protocol(loop, ends):
    near, far = ends
    protocol = Filled(7)
    transport = connect(loop, near, protocol)
    far.send(bytes(range(100)))
    run_until(loop, lambda: len(protocol.data) == 100)
    assert bytes(protocol.data) == bytes(range(100))
    far.close()
    run_until(loop, lambda: len(protocol.calls) == 2)
    assert protocol.calls == ["eof", ("lost", None)]
    assert transport.is_closing()


@pytest.mark.parametrize("wrong", ["empty", "raises", "read-only", "nothing", "updated"])
def test_a_buffered_protocol_that_fails(loop, ends, reports, wrong):
    near, far = ends

    class Failing(Filled):
        def get_buffer(self, sizehint):
            if wrong == "raises":
                raise ZeroDivisionError
            return {"empty": bytearray(), "read-only": b"abc", "nothing": None}.get(wrong, self.buffer)

        def buffer_updated(self, nbytes):
            raise ZeroDivisionError

    protocol = Failing()
    transport = connect(loop, near, protocol)
    far.send(b"data")
    run_until(loop, lambda: bool(protocol.calls))
    context = reports.take_one()
    expected = {
        "empty": ("Fatal error: protocol.get_buffer() call failed.", RuntimeError),
        "raises": ("Fatal error: protocol.get_buffer() call failed.", ZeroDivisionError),
        "read-only": ("Fatal read error on socket transport", TypeError),
        "nothing": ("Fatal error: protocol.get_buffer() call failed.", TypeError),
        "updated": ("Fatal error: protocol.buffer_updated() call failed.", ZeroDivisionError),
    }[wrong]
    assert context["message"] == expected[0] and isinstance(context["exception"], expected[1])
    assert context["transport"] is transport and context["protocol"] is protocol
    assert protocol.calls == [("lost", context["exception"])]
    if wrong == "empty":
        assert str(context["exception"]) == "get_buffer() returned an empty buffer"


@pytest.mark.parametrize("method", ["data_received", "eof_received"])
def test_a_protocol_that_fails_to_receive(loop, ends, reports, method):
    near, far = ends
    error = ZeroDivisionError("of the protocol")

    def fail(*arguments):
        raise error

    protocol = Recorder()
    setattr(protocol, method, fail)
    transport = connect(loop, near, protocol)
    far.send(b"data")
    far.shutdown(socket.SHUT_WR)
    run_until(loop, lambda: "lost" in protocol.names)
    context = reports.take_one()
    assert context["message"] == f"Fatal error: protocol.{method}() call failed."
    assert context["exception"] is error
    assert context["transport"] is transport and context["protocol"] is protocol
    assert protocol.calls[-1] == ("lost", error)
    assert near.fileno() == -1


def test_errors_of_the_system_are_not_reported(loop, ends, reports):
    near, _ = ends

    class Failing(Recorder):
        def data_received(self, data):
            raise OSError("of the protocol")

    protocol = Failing()
    connect(loop, near, protocol)
    ends[1].send(b"data")
    run_until(loop, lambda: "lost" in protocol.names)
    assert isinstance(protocol.calls[-1][1], OSError)


def test_a_protocol_that_fails_in_connection_made_and_lost(loop, ends, reports):
    near, _ = ends

    class Failing(Recorder):
        def connection_made(self, transport):
            super().connection_made(transport)
            raise ZeroDivisionError("made")

        def connection_lost(self, exc):
            super().connection_lost(exc)
            raise ZeroDivisionError("lost")

    protocol = Failing()
    transport = connect(loop, near, protocol)
    context = reports.take_one()
    assert "connection_made" in context["message"] and str(context["exception"]) == "made"
    end(loop, transport)
    context = reports.take_one()
    assert "Exception in callback" in context["message"] and str(context["exception"]) == "lost"
    assert protocol.names == ["made", "lost"] and near.fileno() == -1


@pytest.mark.parametrize("method", ["data_received", "connection_made", "connection_lost", "pause_writing"])
def test_exits_leave_the_loop(loop, ends, method):
    near, far = ends

    def leave(*arguments):
        raise SystemExit(3)

    protocol = Recorder()
    setattr(protocol, method, leave)
    far.send(b"data")
    with pytest.raises(SystemExit):
        transport = connect(loop, near, protocol)
        transport.write(b"x" * 5_000_000)
        run_turns(loop, 2)
        transport.abort()
        run_turns(loop, 2)
    transport = loop._transports.get(near.fileno())
    if transport is not None:
        transport.abort()
    if method in ("data_received", "connection_made"):
        protocol.connection_lost = lambda exc: None
    run_turns(loop, 2)
    near.close()


def test_a_reset_reaches_the_protocol(loop):
    listener = socket.create_server(("127.0.0.1", 0))
    far = socket.create_connection(listener.getsockname())
    near, _ = listener.accept()
    listener.close()
    near.setblocking(False)
    protocol = Recorder()
    connect(loop, near, protocol)
    far.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    far.close()
    run_until(loop, lambda: "lost" in protocol.names)
    assert type(protocol.calls[-1][1]) is ConnectionResetError
    assert "eof" not in protocol.names


@pytest.mark.filterwarnings("default::ResourceWarning")
def test_a_forgotten_transport_warns(loop, ends):
    near, _ = ends
    protocol = Recorder()
    transport = connect(loop, near, protocol)
    transport.pause_reading()
    protocol.transport = None
    loop._transports.pop(near.fileno(), None)
    with pytest.warns(ResourceWarning, match="unclosed transport"):
        del transport, protocol
        gc.collect()
    assert near.fileno() == -1


def test_contexts_of_callbacks(loop, ends):
    """Each kind of callback has one context, made when the connection was; changes last from read to read."""
    near, far = ends
    variable = contextvars.ContextVar("variable", default="nothing")
    seen = []

    class Curious(Recorder):
        def connection_made(self, transport):
            super().connection_made(transport)
            seen.append(("made", variable.get()))

        def data_received(self, data):
            super().data_received(data)
            seen.append(("data", variable.get()))
            variable.set(data.decode())

    protocol = Curious()

    async def main():
        variable.set("of the task")
        transport, _ = await loop.create_connection(lambda: protocol, sock=near)
        variable.set("later")
        return transport

    transport = loop.run_until_complete(main())
    for number, data in enumerate((b"one", b"two", b"three"), 1):
        far.send(data)
        run_until(loop, lambda: len(protocol.names) == 1 + number)  # noqa: B023
    assert seen == [("made", "of the task"), ("data", "of the task"), ("data", "one"), ("data", "two")]
    end(loop, transport)


@pytest.mark.parametrize("debug", [True])
def test_debug_mode(loop, ends, caplog):
    near, far = ends
    protocol = Recorder()
    with caplog.at_level(logging.DEBUG, "asyncio"):
        transport = connect(loop, near, protocol)
        transport.pause_reading()
        transport.resume_reading()
        far.close()
        run_until(loop, lambda: "lost" in protocol.names)
    text = "\n".join(record.getMessage() for record in caplog.records)
    for part in ("pauses reading", "resumes reading", "received EOF"):
        assert part in text


async def test_a_server_and_its_client(loop):
    served = []

    class Echo(Recorder):
        def connection_made(self, transport):
            super().connection_made(transport)
            served.append(self)

        def data_received(self, data):
            self.transport.write(data)

    server = await loop.create_server(Echo, "127.0.0.1", 0)
    client = Recorder()
    transport, _ = await loop.create_connection(lambda: client, *server.sockets[0].getsockname())
    transport.write(b"hello")
    while bytes(client.data) != b"hello":
        await asyncio.sleep(0.001)
    assert served[0].transport.get_extra_info("peername") == transport.get_extra_info("sockname")
    assert served[0].transport.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
    server.close()
    transport.close()
    await server.wait_closed()
    while "lost" not in served[0].names:
        await asyncio.sleep(0.001)


@pytest.mark.parametrize("library", ["tepal"], indirect=True)
async def test_small_segments_are_not_held_back_with_a_socket_of_the_program(loop):
    """asyncio looks at the protocol number alone, which is 0 for a socket made by default."""
    listener = socket.create_server(("127.0.0.1", 0))
    assert listener.proto == 0
    served = []

    class Keeper(Recorder):
        def connection_made(self, transport):
            super().connection_made(transport)
            served.append(transport)

    server = await loop.create_server(Keeper, sock=listener)
    mine = socket.socket()
    mine.setblocking(False)
    await loop.sock_connect(mine, listener.getsockname())
    transport, _ = await loop.create_connection(Recorder, sock=mine)
    while not served:
        await asyncio.sleep(0.001)
    for each in (transport, served[0]):
        assert each.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        each.abort()
    server.close()
    await server.wait_closed()
    await asyncio.sleep(0)


async def test_a_cancelled_connection_is_closed(loop):
    """The waiter of create_connection() is cancelled while connection_made is scheduled."""
    near, far = socket.socketpair()
    near.setblocking(False)
    protocol = Recorder()
    connecting = asyncio.ensure_future(loop.create_connection(lambda: protocol, sock=near))
    await asyncio.sleep(0)
    connecting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await connecting
    while near.fileno() != -1:
        await asyncio.sleep(0.001)
    assert protocol.names[-1] == "lost"
    far.close()
