"""Both ends of a pipe: files to give to transports, and what a test does with the plain other end."""

from __future__ import annotations

import os

from turns import run_until


class Ends:
    """A pipe, with files to give away and descriptors to use; closes what is left."""

    def __init__(self):
        reading, writing = os.pipe()
        self.reading = os.fdopen(reading, "rb", 0)
        self.writing = os.fdopen(writing, "wb", 0)

    def close(self):
        self.reading.close()
        self.writing.close()


def read_end(loop, file, protocol):
    transport, given = loop.run_until_complete(loop.connect_read_pipe(lambda: protocol, file))
    assert given is protocol
    return transport


def write_end(loop, file, protocol):
    transport, given = loop.run_until_complete(loop.connect_write_pipe(lambda: protocol, file))
    assert given is protocol
    return transport


def fill(loop, transport, amount=1 << 20):
    """Writes more than a pipe holds."""
    data = os.urandom(amount)
    transport.write(data)
    assert transport.get_write_buffer_size() > 0
    return data


def drain_to(loop, file, size):
    """Reads so many bytes from a plain file, while the loop turns."""
    os.set_blocking(file.fileno(), False)
    received = bytearray()

    def step():
        try:
            received.extend(os.read(file.fileno(), 1 << 20))
        except BlockingIOError:
            return False
        return len(received) >= size

    run_until(loop, step, limit=15)
    return bytes(received)
