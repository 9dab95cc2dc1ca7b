"""Many connections that answer in one turn: their writes leave together, and nobody but a peer can tell."""

import asyncio
import contextvars
import random
import socket
import time

import pytest
from endpoints import Recorder, connect, end
from turns import run_ready, run_turns

NUMBER = 32
variable = contextvars.ContextVar("variable", default="none")


class Answering(Recorder):
    """Answers what it is given by a function."""

    def __init__(self):
        super().__init__()
        self.answer = lambda transport, data: transport.write(data)

    def data_received(self, data):
        super().data_received(data)
        self.answer(self.transport, data)


class Busy:
    """Connections whose answers are gathered, as they were many of late."""

    def __init__(self, loop):
        self.loop = loop
        self.protocols = []
        self.near = []
        self.far = []
        token = variable.set("of the connection")
        for _ in range(NUMBER):
            near, far = socket.socketpair()
            for sock in (near, far):
                sock.setblocking(False)
            protocol = Answering()
            connect(loop, near, protocol)
            self.protocols.append(protocol)
            self.near.append(near)
            self.far.append(far)
        variable.reset(token)
        for _ in range(3):
            assert self.turn() == [b"ping"] * NUMBER

    def turn(self, answer=None):
        """One turn in which all are asked; what each far end has received after it."""
        for protocol, far in zip(self.protocols, self.far, strict=True):
            protocol.answer = answer or protocol.answer
            far.send(b"ping")
        run_ready(self.loop)
        return self.arrived()

    def arrived(self):
        return [arrived(far) for far in self.far]

    def close(self):
        for protocol in self.protocols:
            if not protocol.transport.is_closing():
                end(self.loop, protocol.transport)
        run_turns(self.loop, 2)
        for far in self.far:
            far.close()


@pytest.fixture
def busy(loop):
    """Busy connections."""
    connections = Busy(loop)
    yield connections
    connections.close()


def arrived(far):
    """What a plain socket has received."""
    try:
        return far.recv(1 << 20)
    except BlockingIOError:
        return b""


def has_arrived(far):
    """Whether a plain socket has received something."""
    try:
        return bool(far.recv(1, socket.MSG_PEEK))
    except BlockingIOError:
        return False


def fill(sock):
    """Send until the kernel takes no more."""
    try:
        while True:
            sock.send(b"f" * 1000)
    except BlockingIOError:
        pass
    try:
        while True:
            sock.send(b"f")
    except BlockingIOError:
        pass


def test_answers_leave_together(busy, library):
    seen = []

    def answer(transport, data):
        transport.write(data)
        seen.append(sum(map(has_arrived, busy.far)))

    assert busy.turn(answer) == [b"ping"] * NUMBER
    # The last one finds nothing more to wait for, and the poll that follows sends the others.
    assert seen == ([0] * (NUMBER - 1) + [1] if library.is_tepal else list(range(1, NUMBER + 1)))


LARGE = b"l" * 8192


def test_a_large_answer_leaves_at_once(busy):
    """It is in the processor's caches now and not later; asyncio sends every answer at once."""
    seen = []

    def answer(transport, data):
        transport.write(LARGE)
        seen.append(sum(map(has_arrived, busy.far)))

    assert busy.turn(answer) == [LARGE] * NUMBER
    assert seen == list(range(1, NUMBER + 1))


def answer_later(busy, loop, numbers):
    """These connections answer largely in a later callback; how many answers had arrived after each write."""
    seen = []

    def write(transport):
        transport.write(LARGE)
        seen.append(sum(map(has_arrived, busy.far)))
        if len(seen) == len(numbers):
            # Not by a timer: that would be something more to run, for which the last one waits as well.
            loop.stop()

    for number in numbers:
        busy.protocols[number].answer = lambda transport, data: loop.call_soon(write, transport)
        busy.far[number].send(b"ping")
    loop.run_forever()
    run_turns(loop, 2)
    assert [arrived(busy.far[number]) for number in numbers] == [LARGE] * len(numbers)
    return seen


def test_a_large_answer_from_a_later_callback_waits_for_others(busy, loop, library):
    seen = answer_later(busy, loop, range(NUMBER))
    assert seen == ([0] * (NUMBER - 1) + [1] if library.is_tepal else list(range(1, NUMBER + 1)))


def test_data_received_that_fails_changes_nothing_for_what_follows(busy, loop, library, reports):
    def fail(transport, data):
        raise ZeroDivisionError

    busy.protocols[0].answer = fail
    assert busy.turn() == [b""] + [b"ping"] * (NUMBER - 1)
    assert isinstance(reports.take_one()["exception"], ZeroDivisionError)
    seen = answer_later(busy, loop, range(1, NUMBER))
    assert len(seen) == NUMBER - 1
    assert (seen[-2] == 0) == library.is_tepal


def test_a_single_answer_leaves_at_once(loop, busy):
    seen = []

    def answer(transport, data):
        transport.write(data)
        seen.append(arrived(busy.far[0]))

    busy.protocols[0].answer = answer
    for _ in range(3):
        busy.far[0].send(b"one")
        run_ready(loop)
    assert seen == [b"one"] * 3


def test_writes_of_one_connection_keep_their_order(busy):
    def answer(transport, data):
        transport.write(b"1")
        transport.write(bytearray(b"2"))
        transport.write(memoryview(b"34")[:1])
        transport.writelines([b"4", bytearray(b"5")])
        transport.write(b"x" * 20_000)
        transport.write(b"6")

    assert busy.turn(answer) == [b"12345" + b"x" * 20_000 + b"6"] * NUMBER


def test_a_changed_buffer_does_not_change_what_is_sent(busy):
    def answer(transport, data):
        mutable = bytearray(data)
        transport.write(mutable)
        mutable[:] = b"gone"

    assert busy.turn(answer) == [b"ping"] * NUMBER


QUESTIONS = {
    "get_write_buffer_size": lambda transport: transport.get_write_buffer_size(),
    "set_write_buffer_limits": lambda transport: transport.set_write_buffer_limits(high=10),
    "close": lambda transport: transport.close(),
    "abort": lambda transport: transport.abort(),
    "write_eof": lambda transport: transport.write_eof(),
    "socket": lambda transport: transport.get_extra_info("socket"),
    "set_protocol": lambda transport: transport.set_protocol(transport.get_protocol()),
    "repr": repr,
}


@pytest.mark.parametrize("question", QUESTIONS)
def test_whatever_is_asked_finds_it_sent(busy, question):
    seen = []

    def answer(transport, data):
        transport.write(data)
        QUESTIONS[question](transport)
        seen.append(sum(map(has_arrived, busy.far)))

    assert busy.turn(answer) == [b"ping"] * NUMBER
    assert seen == list(range(1, NUMBER + 1))


def test_a_callback_that_fails_after_its_answer(busy, reports):
    def answer(transport, data):
        transport.write(data)
        raise ZeroDivisionError

    assert busy.turn(answer) == [b"ping"] * NUMBER
    run_turns(busy.loop, 2)
    for protocol in busy.protocols:
        assert isinstance(protocol.calls[-1][1], ZeroDivisionError)
    assert len(reports.take()) == NUMBER


def test_an_interrupt_sends_what_was_written_before(loop, busy):
    ran = []

    def answer(transport, data):
        transport.write(data)
        ran.append(transport)
        if len(ran) == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        busy.turn(answer)
    assert sum(map(has_arrived, busy.far)) == 4
    run_turns(loop, 2)
    assert busy.arrived() == [b"ping"] * NUMBER


def test_a_loop_that_is_stopped_sends(loop, busy):
    def answer(transport, data):
        transport.write(data)
        loop.stop()

    for protocol, far in zip(busy.protocols, busy.far, strict=True):
        protocol.answer = answer
        far.send(b"ping")
    loop.run_forever()
    assert busy.arrived() == [b"ping"] * NUMBER


def test_a_turn_by_hand_sends(loop, busy):
    for far in busy.far:
        far.send(b"ping")
    run_ready(loop)
    assert busy.arrived() == [b"ping"] * NUMBER
    for far in busy.far:
        far.send(b"ping")
    asyncio.events._set_running_loop(loop)
    try:
        loop.call_soon(lambda: None)
        loop._run_once()
    finally:
        asyncio.events._set_running_loop(None)
    assert busy.arrived() == [b"ping"] * NUMBER


def test_peers_that_are_gone(loop, busy):
    gone = (0, 3, NUMBER - 1)
    for index, far in enumerate(busy.far):
        far.send(b"ping")
        if index in gone:
            far.close()
    run_turns(loop, 3)
    for index, protocol in enumerate(busy.protocols):
        if index in gone:
            assert protocol.names[-1] == "lost"
            assert isinstance(protocol.calls[-1][1], BrokenPipeError)
        else:
            assert arrived(busy.far[index]) == b"ping"


def test_flow_control_comes_with_the_turn(loop, busy):
    paused = []

    def pause_writing(index):
        paused.append((index, variable.get(), asyncio.current_task(loop)))

    for index in (1, 5):
        transport = busy.protocols[index].transport
        transport.set_write_buffer_limits(high=3)
        busy.protocols[index].pause_writing = lambda index=index: pause_writing(index)
        fill(busy.near[index])
    answers = busy.turn()
    assert paused == [(index, "of the connection", None) for index in (1, 5)]
    for index in (1, 5):
        assert busy.protocols[index].transport.get_write_buffer_size() == 4
    run_turns(loop, 2)
    for index in range(NUMBER):
        received = answers[index] + arrived(busy.far[index])
        assert received.endswith(b"ping")
        assert ("resume",) in busy.protocols[index].calls or index not in (1, 5)


def test_what_flow_control_writes_and_plans_is_not_late(loop, busy):
    times = []

    def pause_writing():
        busy.protocols[0].transport.write(b"paused")
        loop.call_later(0.01, times.append, "timer")
        loop.call_soon(times.append, "soon")

    busy.protocols[3].pause_writing = pause_writing
    busy.protocols[3].transport.set_write_buffer_limits(high=0)
    fill(busy.near[3])
    for far in busy.far:
        far.send(b"ping")
    loop.call_later(0.2, loop.stop)
    loop.run_forever()
    assert times == ["soon", "timer"]
    assert arrived(busy.far[0]) == b"pingpaused"


def test_one_callback_writes_to_all(loop, busy):
    def broadcast():
        for number in range(50):
            for protocol in busy.protocols:
                protocol.transport.write(b"%02d" % number)

    loop.call_soon(broadcast)
    loop.call_soon(lambda: None)
    run_ready(loop)
    assert busy.arrived() == [b"".join(b"%02d" % number for number in range(50))] * NUMBER


def test_a_program_that_computes_is_not_waited_for(loop, busy):
    seen = []

    def slow(transport, data):
        transport.write(data)
        time.sleep(0.002)

    def answer(transport, data):
        transport.write(data)
        seen.append(sum(map(has_arrived, busy.far)))

    assert busy.turn(slow) == [b"ping"] * NUMBER
    assert busy.turn(answer) == [b"ping"] * NUMBER
    assert seen == list(range(1, NUMBER + 1))


@pytest.mark.parametrize("high", [None, 0])
async def test_drain_of_streams(loop, high):
    seen = []

    async def serve(reader, writer):
        if high is not None:
            writer.transport.set_write_buffer_limits(high=high)
        while data := await reader.read(100):
            writer.write(data)
            await writer.drain()
            seen.append(writer)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    socks = [socket.create_connection(server.sockets[0].getsockname()) for _ in range(NUMBER)]
    for sock in socks:
        sock.setblocking(False)
    for number in range(20):
        for sock in socks:
            sock.send(b"%02d" % number)
        while len(seen) < NUMBER * (number + 1):
            await asyncio.sleep(0)
        if high == 0:
            assert all(map(has_arrived, socks))
        await asyncio.sleep(0.001)
        assert [arrived(sock) for sock in socks] == [b"%02d" % number] * NUMBER
    for sock in socks:
        sock.close()
    server.close()
    await server.wait_closed()
    await asyncio.sleep(0.01)


async def test_every_byte_arrives_in_order(loop):
    generator = random.Random(16)

    class Pieces(asyncio.Protocol):
        """Echoes in pieces."""

        def connection_made(self, transport):
            self.transport = transport

        def data_received(self, data):
            while data:
                size = generator.choice((1, 100, 5000, 70_000))
                self.transport.write(generator.choice((bytes, bytearray))(data[:size]))
                data = data[size:]

    server = await loop.create_server(Pieces, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]

    async def client(number):
        source = random.Random(number)
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for _ in range(40):
            message = source.randbytes(source.choice((1, 900, 9000, 200_000)))
            writer.write(message)
            assert await reader.readexactly(len(message)) == message
        writer.close()
        await writer.wait_closed()

    await asyncio.gather(*(client(number) for number in range(20)))
    server.close()
    await server.wait_closed()
