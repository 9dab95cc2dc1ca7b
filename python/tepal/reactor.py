"""What asyncio's selector loop sees as its selector; the real one is in Rust."""

import selectors
import weakref
from collections.abc import Iterator, Mapping
from selectors import EVENT_READ, EVENT_WRITE, SelectorKey
from typing import Any, NoReturn

from tepal import _native

__all__ = ("Reactor",)


class Watched(Mapping[Any, SelectorKey]):
    """A live view of the watched descriptors, in the manner of ``selectors``' own mapping.

    The keys are descriptors; a lookup also takes an object with ``fileno()``. A ``SelectorKey``
    has the descriptor as its ``fileobj``, since the loop keeps no file objects, and as its
    ``data`` the pair (reader Handle or None, writer Handle or None), as on asyncio's loop.
    """

    def __init__(self, core: _native.LoopCore) -> None:
        self._core = core

    def __len__(self) -> int:
        return len(self._core._watched_descriptors())

    def __iter__(self) -> Iterator[int]:
        return iter(self._core._watched_descriptors())

    def __getitem__(self, fileobj: Any) -> SelectorKey:
        handles = self._core._watched(fileobj)
        if handles is None:
            raise KeyError(f"{fileobj!r} is not registered")
        reader, writer = handles
        events = (EVENT_READ if reader else 0) | (EVENT_WRITE if writer else 0)
        fd = fileobj if isinstance(fileobj, int) else fileobj.fileno()
        return SelectorKey(fd, fd, events, handles)


class Reactor(selectors.BaseSelector):
    """The loop's ``_selector``: it shows who is watched, and closes the kernel side.

    asyncio's inherited methods and transports ask it who is watched (``get_key``, ``get_map``)
    and close it. Descriptors come in and go out through the loop's ``add_reader`` and its
    like only: the loop would not know what to call for a descriptor registered past it.
    """

    def __init__(self, core: _native.LoopCore) -> None:
        self._core = weakref.ref(core)

    def register(self, fileobj: Any, events: int, data: Any = None) -> NoReturn:
        """Refuse with NotImplementedError; ``loop.add_reader`` and ``loop.add_writer`` register."""
        raise NotImplementedError("tepal registers descriptors by loop.add_reader() and loop.add_writer()")

    def unregister(self, fileobj: Any) -> NoReturn:
        """Refuse with NotImplementedError; ``loop.remove_reader`` and ``loop.remove_writer`` unregister."""
        raise NotImplementedError("tepal unregisters descriptors by loop.remove_reader() and loop.remove_writer()")

    def select(self, timeout: float | None = None) -> list[tuple[SelectorKey, int]]:
        """Wait for at most ``timeout`` seconds (None: without an end); return a list of ``(SelectorKey, events)``.

        The loop itself polls without it, unless somebody replaces it; ``loop._process_events`` takes the list.
        Raises RuntimeError if the loop is closed.
        """
        core = self._core()
        if core is None:
            return []
        watched = Watched(core)
        ready = core._select(timeout)
        keys = [(watched.get(fd), events) for fd, events in ready]
        return [(key, events & key.events) for key, events in keys if key is not None]

    def __setattr__(self, name: str, value: Any) -> None:
        super().__setattr__(name, value)
        if name == "select" and (core := self._core()) is not None:
            core._set_selecting(True)

    def get_map(self) -> Mapping[Any, SelectorKey]:
        """Return the view of what is watched; None when the loop is closed, as ``selectors`` has it.

        Nothing is watched by a loop that is being destroyed, when a transport that goes with it asks.
        """
        core = self._core()
        if core is None:
            return {}
        return None if core._reactor_fd is None else Watched(core)  # type: ignore[return-value]

    def fileno(self) -> int:
        """Return the epoll descriptor, or -1 when the loop is closed."""
        core = self._core()
        fd = None if core is None else core._reactor_fd
        return -1 if fd is None else fd

    def close(self) -> None:
        """Close the loop's kernel side."""
        core = self._core()
        if core is not None:
            core._close_core()
