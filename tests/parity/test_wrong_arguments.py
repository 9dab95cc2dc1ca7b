"""What wrong arguments are told is what CPython's own classes tell."""

import asyncio
import os
import re
import socket

import pytest
from turns import run_turns

MADE = {
    "Future": [((1,), {}), ((), {"bogus": 1}), ((), {"loop": None, "bogus": 2})],
    "Task": [((), {}), ((), {"bogus": 1}), ((None, None), {}), ((None,), {"coro": None}), ((None,), {"bogus": 1})],
    "Handle": [
        ((), {}),
        ((print,), {}),
        ((print, ()), {}),
        ((print, (), None, None, 5), {}),
        ((print, (), None), {"bogus": 1}),
        ((print, (), None), {"callback": 1}),
    ],
    "TimerHandle": [((), {}), ((1, print), {}), ((1, print, (), None, None, 5), {}), ((1,), {"bogus": 1})],
}

CALLED = {
    "cancel": [((1, 2), {}), ((), {"bogus": 1}), ((1,), {"msg": 1})],
    "get_stack": [((1,), {}), ((), {"limit": 1, "bogus": 1}), ((), {"bogus": 1})],
    "print_stack": [((1,), {}), ((1, 2, 3), {}), ((), {"bogus": 1})],
    "add_done_callback": [((), {}), ((1, 2), {}), ((1, 2, 3), {}), ((1,), {"bogus": 1}), ((), {"bogus": 1})],
}

SCHEDULED = {
    "call_soon": [((), {}), ((), {"bogus": 1}), ((print,), {"bogus": 1}), ((print,), {"callback": print})],
    "call_soon_threadsafe": [((), {}), ((print,), {"bogus": 1}), ((print,), {"callback": print})],
    "call_later": [
        ((), {}),
        ((1,), {}),
        ((1,), {"delay": 1}),
        ((1,), {"bogus": 1}),
        ((1,), {"context": None}),
        ((1, print), {"bogus": 1}),
        ((1, print), {"delay": 1}),
    ],
    "call_at": [((), {}), ((1,), {}), ((1, print), {"bogus": 1}), ((1, print), {"when": 1})],
    "sock_recv": [((), {}), ((1,), {}), ((1, 2, 3), {}), ((1, 2), {"bogus": 1}), ((1, 2), {"n": 1})],
    "sock_accept": [((), {}), ((1, 2), {})],
}


def cases(table):
    return [(name, *case) for name, listed in table.items() for case in listed]


def complaint(function, positional, named):
    with pytest.raises(TypeError) as caught:
        function(*positional, **named)
    return str(caught.value)


@pytest.mark.parametrize("library", ["tepal"], indirect=True)
@pytest.mark.parametrize(("name", "positional", "named"), cases(MADE))
def test_made(loop, library, name, positional, named):
    ours, theirs = getattr(library, name), getattr(asyncio, name)
    assert complaint(ours, positional, named) == complaint(theirs, positional, named)


@pytest.mark.parametrize("library", ["tepal"], indirect=True)
@pytest.mark.parametrize(("name", "positional", "named"), cases(CALLED))
def test_called(loop, library, name, positional, named):
    async def nothing():
        pass

    ours, theirs = library.Task(nothing(), loop=loop), asyncio.Task(nothing(), loop=loop)
    try:
        expected = complaint(getattr(theirs, name), positional, named)
        assert complaint(getattr(ours, name), positional, named) == expected
    finally:
        loop.run_until_complete(asyncio.gather(ours, theirs))


@pytest.mark.parametrize("library", ["tepal"], indirect=True)
@pytest.mark.parametrize(("name", "positional", "named"), cases(SCHEDULED))
def test_scheduled(loop, name, positional, named):
    theirs = asyncio.SelectorEventLoop()
    try:
        expected = complaint(getattr(theirs, name), positional, named)
        # The class in which asyncio has the method.
        expected = re.sub(r"^\w+\.", "", expected)
        assert re.sub(r"^\w+\.", "", complaint(getattr(loop, name), positional, named)) == expected
    finally:
        theirs.close()


TOLD = {
    "write": [((), {}), ((b"", b""), {}), ((), {"bogus": b""}), ((b"",), {"data": b""})],
    "writelines": [((), {}), (([], []), {}), ((), {"bogus": []}), (([],), {"list_of_data": []})],
    "set_protocol": [((), {}), ((1, 2), {}), ((), {"bogus": 1}), ((1,), {"protocol": 1})],
}


def stream_transport(loop):
    near, far = socket.socketpair()
    transport, _ = loop.run_until_complete(loop.create_connection(asyncio.Protocol, sock=near))
    return transport, far


def write_pipe_transport(loop):
    reading, writing = os.pipe()
    connecting = loop.connect_write_pipe(asyncio.BaseProtocol, os.fdopen(writing, "wb"))
    transport, _ = loop.run_until_complete(connecting)
    return transport, os.fdopen(reading, "rb")


@pytest.mark.parametrize("library", ["tepal"], indirect=True)
@pytest.mark.parametrize("make", [stream_transport, write_pipe_transport])
@pytest.mark.parametrize(("name", "positional", "named"), cases(TOLD))
def test_of_transports(loop, make, name, positional, named):
    theirs_loop = asyncio.SelectorEventLoop()
    try:
        complaints = []
        for one in (theirs_loop, loop):
            transport, far = make(one)
            complaints.append(complaint(getattr(transport, name), positional, named))
            transport.close()
            run_turns(one, 2)
            far.close()
    finally:
        theirs_loop.close()
    # The class in which asyncio has the method.
    expected, told = (re.sub(r"^\w+\.", "", text) for text in complaints)
    assert told == expected


@pytest.mark.parametrize(
    "buffer", [b"abc", 5, None, memoryview(bytearray(6))[::2]], ids=lambda buffer: type(buffer).__name__
)
def test_buffers_that_cannot_be_filled(loop, buffer):
    near, far = socket.socketpair()
    near.setblocking(False)
    far.send(b"data")
    with pytest.raises(TypeError) as caught:
        loop.run_until_complete(loop.sock_recv_into(near, buffer))
    near.setblocking(True)
    assert str(caught.value) == complaint(near.recv_into, (buffer,), {})
    near.close()
    far.close()
