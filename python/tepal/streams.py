"""The subclasses of asyncio's stream classes whose hot methods are native.

A transport of ours that meets an ``asyncio.StreamReaderProtocol`` with an ``asyncio.StreamReader``, both exactly of
these classes and unchanged, makes the reader an instance of the class below, and on a server also the writer that
``client_connected_cb`` gets (``crates/python/src/stream_reader``).  Nothing else about the objects changes, and
asyncio's own classes are not touched.

Differences from asyncio: ``type(reader)`` is a subclass of ``asyncio.StreamReader``; and ``read()``, ``readexactly()``,
``readline()``, ``readuntil()`` and ``drain()`` give an awaitable that is a ``collections.abc.Coroutine`` but not of the
type of ``async def`` functions: ``asyncio.iscoroutine`` says True of it, ``inspect.iscoroutine`` False.
"""

import asyncio

from tepal import _native

__all__ = ("StreamReader", "StreamWriter", "install")


class StreamReader(asyncio.StreamReader):
    """``asyncio.StreamReader`` with native reads; transports of tepal make it of asyncio's."""


class StreamWriter(asyncio.StreamWriter):
    """``asyncio.StreamWriter`` with a native ``write`` and ``drain``; servers of tepal make it of asyncio's."""


_installed = False


def install() -> None:
    """Make asyncio's stream classes, as they are now, known to the native transports; once per process."""
    global _installed
    if not _installed:
        _installed = True
        _native.install_stream_classes(StreamReader, StreamWriter)
