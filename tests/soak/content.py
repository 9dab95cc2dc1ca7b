"""What is sent, and the check that exactly this arrives: every byte is known to both ends.

A stream is a stretch of one block of random bytes, which repeats. The block's length is a prime,
so that no chunk size divides it and a chunk that is lost, doubled or swapped cannot look right.
"""

import random
import zlib

LENGTH = 1_048_573
BLOCK = random.Random(20261122).randbytes(LENGTH)
_TWICE = BLOCK + BLOCK


class Altered(AssertionError):
    """Other bytes arrived than were sent."""


class Stream:
    """``total`` bytes from a place of the block on, taken from the front or checked from the front."""

    def __init__(self, place: int, total: int) -> None:
        self.place = place % LENGTH
        self.total = total
        self.done = 0
        self.checksum = 0

    @property
    def left(self) -> int:
        """Bytes not taken or checked yet."""
        return self.total - self.done

    def next(self, count: int) -> bytes:
        """The next bytes, as many as asked for or as are left."""
        count = min(count, self.left, LENGTH)
        start = (self.place + self.done) % LENGTH
        self.done += count
        data = _TWICE[start : start + count]
        self.checksum = zlib.crc32(data, self.checksum)
        return data

    def check(self, data: bytes) -> None:
        """Compare what arrived with the next bytes. Raises `Altered`."""
        view, at = memoryview(data), self.done
        if len(view) > self.left:
            raise Altered(f"{len(view)} bytes arrived where {self.left} of {self.total} were left")
        while view:
            expected = self.next(len(view))
            if view[: len(expected)] != expected:
                raise Altered(f"other bytes than were sent, at {at} of {self.total} or after")
            view = view[len(expected) :]
