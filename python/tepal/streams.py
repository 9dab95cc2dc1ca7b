"""The subclasses of asyncio's stream classes whose hot methods are native.

Where a transport of ours meets an ``asyncio.StreamReaderProtocol`` with an ``asyncio.StreamReader``, both exactly of
these classes and unchanged, the reader becomes a `StreamReader`: one that only the protocol knows yet, as on a server,
is replaced by a `ServedStreamReader`, any other one changes its class.  ``client_connected_cb`` gets a `StreamWriter`
in place of asyncio's (``crates/python/src/stream_reader``).  asyncio's own classes are not touched.

Differences from asyncio: ``type(reader)`` is a subclass of ``asyncio.StreamReader``; what asyncio keeps in the
``__dict__`` of readers and writers are attributes that are computed; and ``read()``, ``readexactly()``,
``readline()``, ``readuntil()`` and ``drain()`` give an awaitable that is a ``collections.abc.Coroutine`` but not of the
type of ``async def`` functions: ``asyncio.iscoroutine`` says True of it, ``inspect.iscoroutine`` False.
"""

import asyncio

from tepal import _native

__all__ = ("ServedStreamReader", "StreamReader", "StreamWriter", "install")


class StreamReader(asyncio.StreamReader):
    """``asyncio.StreamReader`` with native reads; transports of tepal make it of asyncio's."""


class ServedStreamReader(StreamReader):
    """The reader of a connection that a server of streams has accepted."""

    __slots__ = ("_native_state",)


class StreamWriter(asyncio.StreamWriter):
    """``asyncio.StreamWriter`` with a native ``write`` and ``drain``: the one that ``client_connected_cb`` gets."""

    __slots__ = ("_native_state",)


class ReplacedStreamWriter(asyncio.StreamWriter):
    """The writer that asyncio has made and in whose place a `StreamWriter` was put; nobody uses it any more."""

    def __del__(self) -> None:
        """Leave the connection open, which belongs to the other one now."""


_installed = False


def install() -> None:
    """Make asyncio's stream classes, as they are now, known to the native transports; once per process."""
    global _installed
    if not _installed:
        _installed = True
        _native.install_stream_classes(StreamReader, ServedStreamReader, StreamWriter, ReplacedStreamWriter)
