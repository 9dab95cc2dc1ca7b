"""Several writes in one turn: whatever is held back for the next one, nothing is late, lost or out of order."""

import socket
import time

import pytest
from endpoints import Recorder, connect, end
from turns import run_ready, run_turns


@pytest.fixture
def pair(loop):
    """A transport that is used to two writes per turn, and the other end."""
    near, far = socket.socketpair()
    for sock in (near, far):
        sock.setblocking(False)
    transport = connect(loop, near, Recorder())

    def respond():
        transport.write(b"head")
        transport.write(b"body")

    for _ in range(4):
        loop.call_soon(respond)
        run_ready(loop)
        assert far.recv(100) == b"headbody"
    yield transport, far
    if not transport.is_closing():
        end(loop, transport)
    run_turns(loop, 2)
    far.close()


def arrived(far):
    try:
        return far.recv(1 << 20)
    except BlockingIOError:
        return b""


def in_a_turn(loop, function, *arguments):
    """Call it in a turn of the loop; give what it returned."""
    returned = []
    loop.call_soon(lambda: returned.append(function(*arguments)))
    run_ready(loop)
    return returned[0]


def test_the_last_write_sends_all_at_once(loop, pair, library):
    transport, far = pair

    def respond():
        transport.write(b"head")
        first = arrived(far)
        transport.write(b"body")
        return first, arrived(far)

    first, second = in_a_turn(loop, respond)
    assert first + second == b"headbody"
    assert first == (b"" if library.is_tepal else b"head")


@pytest.mark.parametrize(
    "question", ["get_write_buffer_size", "set_write_buffer_limits", "close", "abort", "write_eof"]
)
def test_whatever_is_asked_finds_it_sent(loop, pair, question):
    transport, far = pair

    def respond():
        transport.write(b"head")
        getattr(transport, question)()
        return arrived(far)

    assert in_a_turn(loop, respond) == b"head"


def test_a_write_that_stays_alone_leaves_with_the_turn(loop, pair):
    transport, far = pair
    for _ in range(3):
        in_a_turn(loop, transport.write, b"alone")
        assert arrived(far) == b"alone"
    assert transport.get_write_buffer_size() == 0


def test_lines_and_large_data_behind_it(loop, pair):
    transport, far = pair
    for more in ([b"a", b"b"], [b"x" * 20_000]):

        def respond(more=more):
            transport.write(b"head")
            transport.writelines(more)
            return arrived(far)

        assert in_a_turn(loop, respond) == b"head" + b"".join(more)
        in_a_turn(loop, lambda: (transport.write(b"1"), transport.write(bytearray(b"2"))))
        assert arrived(far) == b"12"


def test_much_is_not_held(loop, pair):
    transport, far = pair
    for _ in range(3):
        in_a_turn(loop, lambda: [transport.write(b"x" * 100) for _ in range(200)])
        assert arrived(far) == b"x" * 20_000

    def respond():
        for _ in range(180):
            transport.write(b"x" * 100)
        return len(arrived(far))

    assert in_a_turn(loop, respond) >= 16_000
    assert len(arrived(far)) <= 2000


def test_a_pause_between_two_writes_ends_the_wait(loop, pair):
    transport, far = pair
    for _ in range(3):
        in_a_turn(loop, lambda: [transport.write(b"x") for _ in range(3)])
        assert arrived(far) == b"xxx"

    def respond():
        transport.write(b"1")
        time.sleep(0.002)
        transport.write(b"2")
        return arrived(far)

    assert in_a_turn(loop, respond) == b"12"


def test_a_changed_buffer_does_not_change_what_is_sent(loop, pair):
    transport, far = pair

    def respond():
        data = bytearray(b"head")
        transport.write(data)
        data[:] = b"xxxx"
        transport.write(b"body")

    in_a_turn(loop, respond)
    assert arrived(far) == b"headbody"


def test_a_peer_that_is_gone(loop, pair):
    transport, far = pair
    far.close()
    in_a_turn(loop, lambda: (transport.write(b"head"), transport.write(b"body")))
    run_turns(loop, 2)
    assert transport.is_closing()


def test_flow_control_sees_what_could_not_be_sent(loop, pair):
    transport, far = pair
    transport.set_write_buffer_limits(high=1000)
    far.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    in_a_turn(loop, lambda: (transport.write(b"h" * 500), transport.write(b"b" * 2_000_000)))
    assert transport.get_write_buffer_size() > 1000
    total = 0
    while total < 2_000_500:
        total += len(arrived(far))
        run_ready(loop)
    assert transport.get_write_buffer_size() == 0


def test_an_interrupt_between_two_writes(loop, pair):
    transport, far = pair

    def respond():
        transport.write(b"head")
        raise KeyboardInterrupt

    loop.call_soon(respond)
    with pytest.raises(KeyboardInterrupt):
        loop.run_forever()
    assert arrived(far) == b"head"


def test_outside_of_a_running_loop(loop, pair):
    transport, far = pair
    transport.write(b"head")
    assert arrived(far) == b"head"
