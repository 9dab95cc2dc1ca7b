"""What unfinished Tasks wait for, and since when."""

from __future__ import annotations

import asyncio
import dataclasses
import gc
import time
import types
from collections.abc import Callable
from typing import Any

from tepal import _native
from tepal.report import cleanup, places

_DEPTH = 100

SWALLOWED = "was cancelled, swallowed the CancelledError and goes on"
"""The verdict on a Task that somebody may wake, and that ought to have ended."""


@dataclasses.dataclass
class Waiting:
    """One Task that is not finished."""

    task: int
    name: str
    coroutine: str
    kind: str
    """``task future timer socket lock queue event executor other``, or ``ready`` if it waits for nothing."""
    text: str
    since: int
    """Nanoseconds of the monotonic clock."""
    seen: int
    target: int | None = None
    file: str = ""
    line: int = 0
    function: str = ""
    verdict: str = ""
    """Why nobody will wake it, or `SWALLOWED`; empty if all is well."""

    def as_dict(self, began: int) -> dict[str, Any]:
        """As JSON has it, with times since the recording began."""
        place = {"file": self.file, "line": self.line, "function": self.function}
        return {
            "task": self.task,
            "name": self.name,
            "coroutine": self.coroutine,
            "kind": self.kind,
            "text": self.text,
            "since": max(self.since - began, 0),
            "waited": self.seen - self.since,
            "target": self.target,
            **place,
            "verdict": self.verdict,
        }


def chain_of(coroutine: Any) -> list[Any]:
    """A coroutine, what it awaits, what that awaits ...; the last one is what is waited for."""
    chain: list[Any] = []
    while coroutine is not None and len(chain) < _DEPTH:
        chain.append(coroutine)
        for name in ("cr_await", "gi_yieldfrom", "ag_await", "_waits_for"):
            following = getattr(coroutine, name, None)
            if following is not None:
                break
        coroutine = following or _generator_behind(coroutine)
    return chain


def _generator_behind(link: Any) -> Any:
    """The asynchronous generator whose next value is awaited; what `__anext__()` gives has no name for it."""
    if type(link).__name__ not in {"async_generator_asend", "async_generator_athrow"}:
        return None
    return next((each for each in gc.get_referents(link) if isinstance(each, types.AsyncGeneratorType)), None)


def _frame(link: Any) -> Any:
    for name in ("cr_frame", "gi_frame", "ag_frame"):
        frame = getattr(link, name, None)
        if frame is not None:
            return frame
    return None


def frames_of(coroutine: Any) -> list[Any]:
    """The frames of a suspended coroutine, the outermost first."""
    return [frame for frame in map(_frame, chain_of(coroutine)) if frame is not None]


def program_frame(frames: list[Any]) -> Any:
    """The innermost frame that is the program's; else a library's; else any."""
    for is_other in (places.is_library, places.is_machinery):
        for frame in reversed(frames):
            if not is_other(frame.f_code.co_filename):
                return frame
    return frames[-1] if frames else None


def _name(thing: Any) -> str:
    return f"{type(thing).__name__} at {id(thing):#x}"


def _peer(transport: Any) -> str:
    if transport is None:
        return "a stream"
    peer = transport.get_extra_info("peername")
    own = transport.get_extra_info("sockname")
    return f"socket with peer {peer!r}" if peer else f"socket {own!r}" if own else "a stream"


def _sleep(local: dict[str, Any]) -> str:
    handle = local.get("h")
    left = 0 if handle is None else handle.when() - time.monotonic()
    return f"sleep({local['delay']!r})" + (f", {left:.3g} s left" if left > 0 else "")


def _queue(queue: Any, method: str) -> str:
    what = {"get": "an item of", "put": "room in"}.get(method, "all items of")
    return f"{what} {_name(queue)}"


_WAITED_FOR: list[tuple[type, str, Callable[[Any, str], str]]] = [
    (asyncio.Lock, "lock", lambda this, _: f"{_name(this)}, {'locked' if this.locked() else 'free'}"),
    (asyncio.Semaphore, "lock", lambda this, _: f"{_name(this)}, {'locked' if this.locked() else 'free'}"),
    (asyncio.Condition, "lock", lambda this, _: f"{_name(this)}, to be notified"),
    (asyncio.Barrier, "lock", lambda this, _: f"{_name(this)}, {this.n_waiting} of {this.parties} there"),
    (asyncio.Event, "event", lambda this, _: f"{_name(this)}, not set"),
    (asyncio.Queue, "queue", _queue),
    (asyncio.StreamReader, "socket", lambda this, _: f"data from {_peer(getattr(this, '_transport', None))}"),
    (asyncio.StreamWriter, "socket", lambda this, _: f"room to write to {_peer(this.transport)}"),
]


def _by_frame(frame: Any) -> tuple[str, str] | None:
    """Kind and text of a wait inside asyncio's own coroutine ``frame``."""
    code = frame.f_code
    if not places.is_machinery(code.co_filename):
        return None
    local = frame.f_locals
    if code.co_name == "sleep" and "delay" in local:
        return "timer", _sleep(local)
    this = local.get("self")
    if isinstance(this, asyncio.StreamReader) and getattr(this, "_transport", None) is None:
        return "queue", f"data of {_name(this)}, which no transport feeds"
    for kind, word, show in _WAITED_FOR:
        if isinstance(this, kind):
            return word, show(this, code.co_name)
    return None


def _socket_operation(operation: Any) -> str:
    what, sock = operation.__name__, operation._socket
    try:
        return f"{what} of a socket with peer {sock.getpeername()!r}"
    except (AttributeError, OSError):
        return f"{what} of {_name(sock)}"


_OPERATIONS: dict[str, Callable[[Any], str]] = {
    "SockOperation": _socket_operation,
    "StreamRead": lambda read: f"data from {_peer(getattr(read._reader, '_transport', None))}",
}


def _by_awaited(awaited: Any, coroutine_end: Any, loop: Any) -> tuple[str, str]:
    show = _OPERATIONS.get(type(coroutine_end).__name__)
    if show is not None:
        return "socket", show(coroutine_end)
    if isinstance(awaited, asyncio.Task):
        return "task", f"Task {awaited.get_name()}"
    if type(awaited).__name__ == "_GatheringFuture":
        left = [child for child in awaited._children if not child.done()]
        return "future", f"gather of {len(awaited._children)}" + (f", {len(left)} not done" if left else "")
    for callback, _ in getattr(awaited, "_callbacks", None) or ():
        if type(callback).__name__ == "Chain" or "_chain_future" in getattr(callback, "__qualname__", ""):
            return "executor", "a job of an executor"
    for handle in loop._scheduled_handles():
        arguments = getattr(handle, "_args", None) or ()
        if any(argument is awaited for argument in arguments):
            left_time = max(handle.when() - loop.time(), 0)
            return "timer", f"a timer, {left_time:.3g} s left"
    return "future", f"a future ({_name(awaited)})"


def describe(task: Any, loop: Any) -> tuple[str, str, Any, Any]:
    """Kind and text of what a suspended Task waits for, the awaited object, and the program's frame that waits."""
    chain = chain_of(task.get_coro())
    frames = [frame for frame in map(_frame, chain) if frame is not None]
    awaited = task._fut_waiter
    frame = program_frame(frames)
    if awaited is None:
        return "ready", "its turn", None, frame
    for inner in reversed(frames):
        found = _by_frame(inner)
        if found is not None:
            return *found, awaited, frame
        if not places.is_machinery(inner.f_code.co_filename):
            break
    last = next((link for link in reversed(chain) if link is not awaited and _frame(link) is None), awaited)
    return *_by_awaited(awaited, last, loop), awaited, frame


def look_at_waiting(loop: Any) -> tuple[list[Waiting], list[Any], list[Any]]:
    """What each unfinished Task of ``loop`` waits for; the Tasks; and what they wait for, in the same order."""
    now = time.monotonic_ns()
    found: list[Waiting] = []
    tasks: list[Any] = []
    awaited: list[Any] = []
    for task, row, _site, since, ready in loop._noted_tasks():
        kind, text, future, frame = describe(task, loop)
        name = places.name_of_coroutine(task.get_coro())
        waiting = Waiting(row[0], task.get_name(), name, kind, text, since or ready or now, now)
        if frame is not None:
            waiting.file, waiting.line, waiting.function = places.place_of_frame(frame)
        if future is not None:
            waiting.target = _native.note_of(future) or None
        if _went_on(task, frames_of(task.get_coro())):
            waiting.verdict = SWALLOWED
        found.append(waiting)
        tasks.append(task)
        awaited.append(future)
    return found, tasks, awaited


def _went_on(task: Any, frames: list[Any]) -> bool:
    """Whether a Task was cancelled and waits again, not in order to clean up."""
    if not task.cancelling() or task._must_cancel or task._fut_waiter is None or task._fut_waiter.done():
        return False
    return not any(cleanup.is_cleaning_up(frame.f_code, frame.f_lineno) for frame in frames)
