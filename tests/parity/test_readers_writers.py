"""``add_reader`` and ``add_writer``: readiness, replacement, removal, odd descriptors."""

import asyncio
import contextlib
import os
import select
import selectors
import socket
import tempfile
import weakref

import pytest
from turns import run_ready, run_turns, run_until


@pytest.fixture
def pipe():
    """Both ends of a pipe, not blocking."""
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    os.set_blocking(writer, False)
    yield reader, writer
    for descriptor in (reader, writer):
        with contextlib.suppress(OSError):
            os.close(descriptor)


@pytest.fixture
def pair():
    left, right = socket.socketpair()
    left.setblocking(False)
    right.setblocking(False)
    yield left, right
    left.close()
    right.close()


def test_a_reader(loop, pipe):
    reader, writer = pipe
    seen = []
    assert loop.add_reader(reader, lambda *extra: seen.append((os.read(reader, 10), extra)), 1, 2) is None
    run_turns(loop, 2)
    assert seen == []
    os.write(writer, b"data")
    run_until(loop, lambda: bool(seen))
    assert seen == [(b"data", (1, 2))]
    assert loop.remove_reader(reader) is True


def test_a_writer(loop, pipe):
    _, writer = pipe
    seen = []
    assert loop.add_writer(writer, seen.append, "ready") is None
    run_until(loop, lambda: bool(seen))
    assert seen[0] == "ready"
    assert loop.remove_writer(writer) is True
    count = len(seen)
    run_turns(loop, 3)
    assert len(seen) == count


def test_removing_what_is_not_there(loop, pipe):
    assert loop.remove_reader(pipe[0]) is False
    assert loop.remove_writer(pipe[1]) is False
    loop.add_reader(pipe[0], int)
    assert loop.remove_writer(pipe[0]) is False
    assert loop.remove_reader(pipe[0]) is True
    assert loop.remove_reader(pipe[0]) is False


def test_a_socket_that_was_closed_first_can_still_be_removed(loop, pair):
    """As selectors' ``_fileobj_lookup`` finds it; anyio closes a socket before it wakes who waits for it."""
    left, right = pair
    loop.add_reader(left, int)
    loop.add_writer(right, int)
    left.close()
    assert loop.remove_writer(left) is False
    assert loop.remove_reader(left) is True
    with pytest.raises(ValueError):
        loop.remove_reader(left)
    right.close()
    assert loop.remove_writer(right) is True


def test_a_watched_socket_is_let_go_with_its_last_side(loop):
    left, right = socket.socketpair()
    with right:
        loop.add_reader(left, int)
        loop.add_writer(left, int)
        loop.remove_reader(left)
        gone = weakref.ref(left)
        left.close()
        loop.remove_writer(left)
        del left
        assert gone() is None


def test_a_descriptor_of_a_closed_socket_is_used_again(loop):
    old, other = socket.socketpair()
    loop.add_reader(old, int)
    number = old.fileno()
    old.close()
    other.close()
    assert loop.remove_reader(old) is True
    left, right = socket.socketpair()
    with left, right:
        assert left.fileno() == number
        seen = []
        loop.add_reader(left, lambda: seen.append(left.recv(10)))
        with pytest.raises(ValueError):
            loop.remove_reader(old)
        right.send(b"data")
        run_until(loop, lambda: bool(seen))
        assert seen == [b"data"]
        assert loop.remove_reader(left) is True


def test_readiness_is_by_level(loop, pipe):
    """What is not read is announced again."""
    reader, writer = pipe
    seen = []
    os.write(writer, b"abc")
    loop.add_reader(reader, lambda: seen.append(os.read(reader, 1)))
    run_until(loop, lambda: len(seen) == 3)
    assert seen == [b"a", b"b", b"c"]
    loop.remove_reader(reader)


def test_a_new_callback_replaces_the_old(loop, pipe):
    reader, writer = pipe
    seen = []
    loop.add_reader(reader, seen.append, "old")
    loop.add_reader(reader, lambda: seen.append(os.read(reader, 10)))
    os.write(writer, b"x")
    run_until(loop, lambda: bool(seen))
    assert seen == [b"x"]
    loop.remove_reader(reader)


def test_replacing_drops_the_event_already_queued(loop, pipe):
    reader, writer = pipe
    seen = []
    os.write(writer, b"x")
    loop.add_reader(reader, seen.append, "old")
    loop.call_soon(lambda: loop.add_reader(reader, lambda: (seen.append("new"), loop.remove_reader(reader))))
    run_until(loop, lambda: "new" in seen)
    assert seen.count("new") == 1


def test_reader_and_writer_on_one_descriptor(loop, pair):
    left, right = pair
    seen = []
    loop.add_reader(left, lambda: seen.append(left.recv(10)))
    loop.add_writer(left, lambda: (seen.append("writable"), loop.remove_writer(left)))
    run_until(loop, lambda: bool(seen))
    right.send(b"data")
    run_until(loop, lambda: len(seen) == 2)
    assert seen == ["writable", b"data"]
    right.send(b"more")
    run_until(loop, lambda: len(seen) == 3)
    assert seen[2] == b"more"
    assert loop.remove_reader(left) is True


def test_objects_with_fileno(loop, pair):
    left, right = pair
    seen = []

    class Wrapper:
        def fileno(self):
            return left.fileno()

    loop.add_reader(Wrapper(), lambda: seen.append(left.recv(10)))
    right.send(b"1")
    run_until(loop, lambda: bool(seen))
    assert loop.remove_reader(left) is True
    loop.add_reader(left, int)
    assert loop.remove_reader(left.fileno()) is True


@pytest.mark.parametrize("wrong", [-1, "file", None, 1.5, object()], ids=repr)
def test_what_is_no_descriptor(loop, wrong):
    for method in (loop.add_reader, loop.add_writer):
        with pytest.raises((ValueError, TypeError)) as caught:
            method(wrong, int)
        if caught.type is ValueError:
            assert str(caught.value).startswith(("Invalid file object: ", "Invalid file descriptor: "))


def test_a_regular_file_cannot_be_watched(loop):
    with tempfile.TemporaryFile() as file, pytest.raises(PermissionError):
        loop.add_reader(file, int)


def test_a_closed_descriptor_cannot_be_watched(loop, pipe):
    os.close(pipe[0])
    with pytest.raises(OSError):
        loop.add_reader(pipe[0], int)


def test_end_of_file_wakes_the_reader(loop, pipe):
    reader, writer = pipe
    seen = []
    loop.add_reader(reader, lambda: seen.append(os.read(reader, 10)))
    os.close(writer)
    run_until(loop, lambda: bool(seen))
    assert seen[0] == b""
    loop.remove_reader(reader)


def test_a_broken_pipe_wakes_the_writer(loop, pipe):
    reader, writer = pipe
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(writer, b"x" * 65536)
    seen = []
    loop.add_writer(writer, seen.append, 1)
    run_turns(loop, 3)
    assert seen == []
    os.close(reader)
    run_until(loop, lambda: bool(seen))
    loop.remove_writer(writer)


def test_the_peers_reset_wakes_the_reader(loop):
    with socket.create_server(("127.0.0.1", 0)) as server:
        client = socket.create_connection(server.getsockname())
        served, _ = server.accept()
        with client, served:
            client.setblocking(False)
            seen = []
            loop.add_reader(client, seen.append, 1)
            served.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
            served.close()
            run_until(loop, lambda: bool(seen))
            loop.remove_reader(client)
            with pytest.raises(ConnectionResetError):
                client.recv(10)


def test_a_callback_may_remove_itself_and_others(loop, pair):
    left, right = pair
    seen = []

    def on_left():
        seen.append("left")
        loop.remove_reader(left)
        loop.remove_reader(right)

    def on_right():
        seen.append("right")
        loop.remove_reader(left)
        loop.remove_reader(right)

    left.send(b"x")
    right.send(b"x")
    loop.add_reader(left, on_left)
    loop.add_reader(right, on_right)
    run_until(loop, lambda: bool(seen))
    run_turns(loop, 3)
    assert len(seen) == 1


def test_a_number_used_again_is_a_new_descriptor(loop):
    """Removed, closed and opened again: events of the old one must not leak over."""
    seen = []
    for name in range(5):
        reader, writer = os.pipe()
        loop.add_reader(reader, lambda name=name, reader=reader: seen.append((name, os.read(reader, 1))))
        os.write(writer, b"x")
        run_until(loop, lambda name=name: any(entry[0] == name for entry in seen))
        loop.remove_reader(reader)
        os.close(reader)
        os.close(writer)
    assert seen == [(name, b"x") for name in range(5)]


def test_removing_after_closing(loop):
    """Libraries close first and remove later; the loop must forget the number."""
    reader, writer = os.pipe()
    loop.add_reader(reader, int)
    os.close(reader)
    assert loop.remove_reader(reader) is True
    run_turns(loop, 2)
    again, other = os.pipe()
    seen = []
    loop.add_reader(again, lambda: (seen.append(os.read(again, 1)), loop.remove_reader(again)))
    os.write(other, b"y")
    run_until(loop, lambda: bool(seen))
    for descriptor in (again, other, writer):
        os.close(descriptor)


def test_errors_are_reported_and_the_reader_stays(loop, pipe, reports):
    reader, writer = pipe
    seen = []

    def fail():
        seen.append(os.read(reader, 1))
        raise ValueError("in a reader")

    loop.add_reader(reader, fail)
    os.write(writer, b"ab")
    run_until(loop, lambda: len(seen) == 2)
    run_ready(loop)
    assert [str(context["exception"]) for context in reports.take()] == ["in a reader"] * 2
    loop.remove_reader(reader)


def test_a_reader_always_ready_starves_nobody(loop, pipe):
    reader, writer = pipe
    os.write(writer, b"x")
    seen = []
    loop.add_reader(reader, seen.append, "reader")
    loop.call_later(0.005, lambda: (seen.append("timer"), loop.stop()))
    loop.run_forever()
    assert "timer" in seen and "reader" in seen
    loop.remove_reader(reader)


def test_readers_run_before_timers_of_the_same_turn(loop, pipe):
    reader, writer = pipe
    seen = []
    os.write(writer, b"x")
    loop.add_reader(reader, lambda: (seen.append("reader"), loop.remove_reader(reader)))
    loop.call_at(loop.time() - 1, seen.append, "timer")
    loop.call_soon(seen.append, "ready")
    run_turns(loop, 2)
    assert seen == ["ready", "reader", "timer"]


def test_many_descriptors(loop):
    pairs = [socket.socketpair() for _ in range(200)]
    seen = set()
    try:
        for number, (left, _) in enumerate(pairs):
            loop.add_reader(left, lambda number=number, left=left: (left.recv(1), seen.add(number)))
        for _, right in pairs:
            right.send(b"x")
        run_until(loop, lambda: len(seen) == len(pairs))
        for left, _ in pairs:
            assert loop.remove_reader(left)
    finally:
        for both in pairs:
            for one in both:
                one.close()


def test_an_epoll_inside_the_loop(loop, pipe):
    """A descriptor of another poller is readable when that has events (zmq, GLib)."""
    reader, writer = pipe
    seen = []
    with select.epoll() as inner:
        inner.register(reader, select.EPOLLIN)
        loop.add_reader(inner.fileno(), lambda: seen.append(inner.poll(0)))
        os.write(writer, b"x")
        run_until(loop, lambda: bool(seen))
        loop.remove_reader(inner.fileno())
    assert seen[0] == [(reader, select.EPOLLIN)]


def test_a_quiet_socket_is_quiet(loop, pair):
    left, _ = pair
    seen = []
    loop.add_reader(left, seen.append, 1)
    run_turns(loop, 3)
    assert seen == []
    loop.remove_reader(left)


def test_closing_the_loop_leaves_descriptors_open(library, pipe):
    loop = library.new_event_loop()
    loop.add_reader(pipe[0], int)
    loop.add_writer(pipe[1], int)
    loop.close()
    assert os.write(pipe[1], b"x") == 1
    assert os.read(pipe[0], 1) == b"x"


def test_a_closed_loop_refuses(loop, pipe):
    loop.close()
    with pytest.raises(RuntimeError, match="^Event loop is closed$"):
        loop.add_reader(pipe[0], int)
    with pytest.raises(RuntimeError, match="^Event loop is closed$"):
        loop.add_writer(pipe[1], int)


async def test_inside_coroutines(loop, pair):
    left, right = pair
    readable = loop.create_future()
    loop.add_reader(left, readable.set_result, None)
    loop.call_later(0.001, right.send, b"x")
    await readable
    loop.remove_reader(left)
    assert left.recv(1) == b"x"


async def test_a_reader_added_while_the_loop_waits(loop, pipe):
    reader, writer = pipe
    got = asyncio.Event()
    os.write(writer, b"x")
    loop.call_later(0.002, loop.add_reader, reader, got.set)
    await asyncio.wait_for(got.wait(), 5)
    loop.remove_reader(reader)


def test_each_run_looks_at_the_descriptors(loop, pipe):
    """Also one whose only work is done at once: programs pump a loop by short runs."""
    reader, writer = pipe
    seen = []
    loop.add_reader(reader, lambda: seen.append(os.read(reader, 1)))
    for number in range(1, 6):
        os.write(writer, b"a")
        loop.call_soon(loop.stop)
        loop.run_forever()
        assert len(seen) == number
    loop.remove_reader(reader)


class TestSelector:
    """``loop._selector``, which transports and CPython's tests ask who is watched."""

    def test_keys_of_both_sides(self, loop, pair):
        socket_, _ = pair
        loop.add_reader(socket_, int)
        key = loop._selector.get_key(socket_)
        assert (key.fd, key.events) == (socket_.fileno(), selectors.EVENT_READ)
        assert isinstance(key.data[0], asyncio.Handle) and key.data[1] is None
        loop.add_writer(socket_, int)
        key = loop._selector.get_key(socket_.fileno())
        assert key.events == selectors.EVENT_READ | selectors.EVENT_WRITE
        assert all(isinstance(handle, asyncio.Handle) for handle in key.data)
        loop.remove_reader(socket_)
        assert loop._selector.get_key(socket_).events == selectors.EVENT_WRITE
        loop.remove_writer(socket_)

    def test_what_is_not_watched_has_no_key(self, loop, pair):
        socket_, _ = pair
        with pytest.raises(KeyError, match="is not registered"):
            loop._selector.get_key(socket_)
        assert loop._selector.get_map().get(socket_.fileno()) is None
        with pytest.raises(ValueError, match="Invalid file"):
            loop._selector.get_key(object())

    def test_the_map_is_live(self, loop, pair):
        socket_, _ = pair
        found = loop._selector.get_map()
        own = len(found)
        loop.add_reader(socket_, int)
        assert len(found) == own + 1
        assert socket_.fileno() in found and socket_.fileno() in list(found)
        loop.remove_reader(socket_)
        assert len(found) == own and socket_.fileno() not in found

    def test_a_closed_selector(self, loop):
        selector = loop._selector
        assert isinstance(selector, selectors.BaseSelector)
        loop.close()
        assert loop._selector is None
        with pytest.raises(RuntimeError, match="Selector is closed"):
            selector.get_key(0)
