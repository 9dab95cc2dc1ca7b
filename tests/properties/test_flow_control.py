"""Random uses of a stream transport leave the same trace on tepal as on asyncio.

The transport's socket is one end of a pair. Before its writes matter the kernel's buffer is
filled past the transport, so that every written byte stays in the transport until the other
end takes all of them: the sizes of the write buffer are then a property of the program and not
of how the kernel counts. The trace has every call of the protocol, the write buffer's size and limits
after each action, and every error.
"""

import asyncio
import contextlib
import inspect
import logging
import os
import socket
import sys
from asyncio import selector_events
from dataclasses import dataclass
from typing import Any

import library as libraries
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

SLOW = os.environ.get("TEPAL_SLOW") == "1"
PATTERN = bytes(range(251)) * 2000

# asyncio's transport of 3.12 and of early patch releases of 3.13 does not pause the protocol in writelines(), nor mind
# a closed connection there or what a resume_writing() of a closing one writes. 3.11 joins the pieces.
SENDMSG_IS_SOUND = sys.version_info < (3, 12) or "_maybe_pause_protocol" in inspect.getsource(
    selector_events._SelectorSocketTransport.writelines
)
# Before 3.14 a transport whose connection is lost has no loop any more, and its methods raise AttributeError.
LOST_TRANSPORTS_ARE_SOUND = sys.version_info >= (3, 14)

Action = tuple[Any, ...]

sizes = st.one_of(st.just(0), st.integers(1, 200), st.integers(10_000, 90_000))
limits = st.one_of(st.none(), st.integers(-1, 5), st.integers(0, 100_000))

writes = st.tuples(st.just("write"), sizes, st.sampled_from((bytes, bytearray, memoryview)))
many_writes = st.tuples(st.just("writelines"), st.lists(sizes, max_size=4))
flow = st.one_of(
    *(st.tuples(st.just("write"), st.just(size), st.just(bytes)) for size in (1, 500, 66_000)),
    st.tuples(st.just("drain")),
    st.tuples(st.just("limits"), st.integers(0, 1000), st.integers(0, 500)),
)
others = st.one_of(
    st.tuples(st.just("limits"), limits, limits),
    st.tuples(st.just("fill")),
    st.tuples(st.just("receive"), st.integers(1, 3000)),
    st.tuples(st.just("pause_reading")),
    st.tuples(st.just("resume_reading")),
    st.tuples(st.just("set_protocol"), st.booleans()),
)
endings = st.one_of(
    st.tuples(st.just("write_eof")),
    st.tuples(st.just("peer_eof")),
    st.tuples(st.just("close")),
    st.tuples(st.just("abort")),
)
# Most of a program is about flow control; something may end it early, and more may be done after that end.
actions = st.one_of(writes, many_writes, flow, others)
programs = st.builds(
    lambda before, end, after: [*before, *end, *after],
    st.lists(actions, min_size=3, max_size=14),
    st.lists(endings, max_size=2),
    st.lists(actions, max_size=3),
)


@dataclass(frozen=True)
class Manners:
    """What a protocol does when it is called."""

    raises: frozenset[str]
    """The calls in which it raises."""
    refills: int
    """Bytes that it writes in each `resume_writing`, the first few times."""
    stays: bool
    """What `eof_received` answers."""


manners = st.builds(
    Manners,
    st.frozensets(st.sampled_from(("pause_writing", "resume_writing", "data_received")), max_size=1),
    st.sampled_from((0, 0, 10, 70_000)),
    st.booleans(),
)


class Recorder:
    """A protocol, plain or buffered, that writes down what happens to it."""

    def __init__(self, number: int, trace: list[Any], manners: Manners) -> None:
        self.number, self.trace, self.manners = number, trace, manners
        self.refills_left = 2

    def note(self, name: str, *values: Any) -> None:
        self.trace.append((self.number, name, *values))
        if name in self.manners.raises:
            raise ValueError(name)

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self.note("connection_made")

    def pause_writing(self) -> None:
        self.note("pause_writing", self.transport.get_write_buffer_size())

    def resume_writing(self) -> None:
        sound = SENDMSG_IS_SOUND or not self.transport.is_closing()
        if self.refills_left and self.manners.refills and sound:
            self.refills_left -= 1
            self.transport.write(PATTERN[: self.manners.refills])
        # How full the buffer still is depends on what the kernel took.
        self.note("resume_writing")

    def eof_received(self) -> bool:
        self.note("eof_received")
        return self.manners.stays

    def connection_lost(self, error: BaseException | None) -> None:
        self.note("connection_lost", type(error).__name__)


class PlainRecorder(Recorder, asyncio.Protocol):
    def data_received(self, data: bytes) -> None:
        self.note("data_received", bytes(data))


class BufferedRecorder(Recorder, asyncio.BufferedProtocol):
    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.buffer = bytearray(10_000)

    def get_buffer(self, sizehint: int) -> bytearray:
        return self.buffer

    def buffer_updated(self, nbytes: int) -> None:
        self.note("data_received", bytes(self.buffer[:nbytes]))


class Messages(logging.Handler):
    """The warnings and errors of asyncio's logger, into the trace."""

    def __init__(self, trace: list[Any]) -> None:
        super().__init__(logging.WARNING)
        self.trace = trace

    def emit(self, record: logging.LogRecord) -> None:
        self.trace.append(("log", record.getMessage().partition("<")[0]))


class Run:
    """One program on one loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop, manners: Manners) -> None:
        self.loop, self.manners = loop, manners
        self.trace: list[Any] = []
        self.ours, self.peer = socket.socketpair()
        self.peer.setblocking(False)
        self.ours.setblocking(False)
        # A second descriptor of the same socket, to fill its buffer behind the transport's back.
        self.behind = self.ours.dup()
        self.behind.setblocking(False)
        self.taken = bytearray()
        loop.set_exception_handler(self.reported)

    def reported(self, loop: Any, context: dict[str, Any]) -> None:
        self.trace.append(("reported", context["message"], repr(context.get("exception"))))

    def settle(self) -> None:
        """Let everything happen that is due; each run of the loop looks at the sockets."""
        for _ in range(4):
            self.loop.call_soon(self.loop.stop)
            self.loop.run_forever()

    def recorder(self, number: int, buffered: bool) -> Recorder:
        return (BufferedRecorder if buffered else PlainRecorder)(number, self.trace, self.manners)

    @property
    def lost(self) -> bool:
        """Whether the connection is over for the protocol."""
        return any(entry[1:2] == ("connection_lost",) for entry in self.trace)

    def take(self) -> bool:
        """Let the peer take what has arrived; tells whether there was something."""
        with contextlib.suppress(BlockingIOError, ConnectionError):
            while data := self.peer.recv(1 << 20):
                self.taken += data.replace(b"\xff", b"")
                return True
        return False

    def drain(self) -> None:
        """Let the peer take all that is written."""
        still = 0
        while still < 3:
            still = 0 if self.take() else still + 1
            self.settle()

    def fill(self) -> None:
        """Put bytes, which the written ones never contain, into the kernel's buffer until it takes no more."""
        for size in (65536, 1):
            with contextlib.suppress(BlockingIOError, OSError):
                while True:
                    self.behind.send(b"\xff" * size)

    def act(self, action: Action, transport: Any, number: int) -> None:
        name, *values = action
        if name == "write":
            transport.write(values[1](PATTERN[: values[0]]))
        elif name == "writelines":
            pieces = [PATTERN[:size] for size in values[0]]
            if SENDMSG_IS_SOUND:
                transport.writelines(pieces)
            else:
                transport.write(b"".join(pieces))
        elif name == "limits":
            transport.set_write_buffer_limits(*values)
        elif name == "receive":
            with contextlib.suppress(OSError):
                self.peer.send(PATTERN[: values[0]])
        elif name == "peer_eof":
            with contextlib.suppress(OSError):
                self.peer.shutdown(socket.SHUT_WR)
        elif name == "set_protocol":
            protocol = self.recorder(number, values[0])
            protocol.transport = transport
            transport.set_protocol(protocol)
        elif name in ("fill", "drain"):
            getattr(self, name)()
        else:
            getattr(transport, name)()

    def run(self, program: list[Action], buffered: bool) -> list[Any]:
        first = self.recorder(0, buffered)
        connecting = self.loop.create_connection(lambda: first, sock=self.ours)
        transport, _ = self.loop.run_until_complete(connecting)
        self.fill()
        for number, action in enumerate(program, 1):
            if self.lost and not LOST_TRANSPORTS_ARE_SOUND:
                break
            self.trace.append(action)
            try:
                self.act(action, transport, number)
            except (RuntimeError, ValueError, TypeError) as error:
                self.trace.append((type(error).__name__, str(error).partition("<")[0]))
            self.trace.append((transport.get_write_buffer_size(), transport.is_closing(), transport.is_reading()))
            self.settle()
            self.trace.append((transport.get_write_buffer_size(), transport.get_write_buffer_limits()))
            if action[0] != "fill":
                self.drain_if_open(action)
        self.drain()
        if not self.lost:
            transport.abort()
        self.settle()
        self.trace.append(("taken", bytes(self.taken)))
        return self.trace

    def drain_if_open(self, action: Action) -> None:
        """After a drain the kernel's buffer is full again, so that the next write stays in the transport."""
        if action[0] == "drain":
            self.fill()

    def close(self) -> None:
        for end in (self.ours, self.behind, self.peer):
            end.close()
        self.settle()
        self.loop.close()


def trace_of(name: str, program: list[Action], buffered: bool, manners: Manners) -> list[Any]:
    run = Run(libraries.load(name).new_event_loop(), manners)
    messages = Messages(run.trace)
    logger = logging.getLogger("asyncio")
    logger.addHandler(messages)
    try:
        return run.run(program, buffered)
    finally:
        logger.removeHandler(messages)
        run.close()


def how_many(library) -> settings:
    count = 200 if library.is_tepal else 20
    return settings(
        max_examples=count * (50 if SLOW else 1),
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )


@pytest.mark.timeout(1800 if SLOW else 120)
def test_the_same_trace(library):
    """The leg on asyncio runs each program twice there: the traces do not depend on the moment."""

    @how_many(library)
    @given(programs, st.booleans(), manners)
    def check(program, buffered, manners):
        expected = trace_of("asyncio", program, buffered, manners)
        assert trace_of(library.name, program, buffered, manners) == expected

    check()


class TestTheTraceItself:
    """What the traces of one program say, so that an empty trace cannot pass for an equal one."""

    def test_pauses_and_resumes(self, library):
        plain = Manners(frozenset(), 0, False)
        program = [("limits", 1000, 100), ("write", 1001, bytes), ("write", 5, bytes), ("drain",), ("write", 1, bytes)]
        trace = trace_of(library.name, program, False, plain)
        events = [entry for entry in trace if isinstance(entry[0], int) and isinstance(entry[1], str)]
        assert events[:3] == [(0, "connection_made"), (0, "pause_writing", 1001), (0, "resume_writing")]
        assert (1006, False, True) in trace
        assert trace[-1] == ("taken", PATTERN[:1001] + PATTERN[:5] + PATTERN[:1])
