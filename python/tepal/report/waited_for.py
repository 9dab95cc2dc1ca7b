"""What a Task waits for, in words: from the coroutine of asyncio's that waits, or from the future that it waits for."""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Callable
from typing import Any

from tepal.report.finding import duration, task_called


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
    return f"sleep({local['delay']!r})" + (f", {duration(left * 1e9)} left" if left > 0 else "")


def _queue(queue: Any, method: str) -> str:
    what = {"get": "an item of", "put": "room in"}.get(method, "all items of")
    return f"{what} {_name(queue)}"


def _group(group: Any, _: str) -> str:
    left = [task for task in group._tasks if not task.done()]
    return f"{_several(left)} of a TaskGroup"


def _several(tasks: Any) -> str:
    """So many Tasks by number, or a single one by its name."""
    names = [task.get_name() if isinstance(task, asyncio.Task) else _name(task) for task in tasks]
    return f"{names[0]}" if len(names) == 1 else f"{len(names)} Tasks"


def _of_transport(transport: Any, method: str) -> str:
    pid = transport.get_extra_info("subprocess") and transport.get_pid()
    return f"process {pid}" if pid else f"{method.strip('_')}() of {_peer(transport)}"


def _addresses(server: Any) -> str:
    names = [sock.getsockname() for sock in server.sockets]
    return f"a server at {', '.join(map(repr, names))}" if names else "a closed server"


_WAITED_FOR: list[tuple[type, str, Callable[[Any, str], str]]] = [
    (asyncio.Lock, "lock", lambda this, _: f"{_name(this)}, {'locked' if this.locked() else 'free'}"),
    (asyncio.Semaphore, "lock", lambda this, _: f"{_name(this)}, {'locked' if this.locked() else 'free'}"),
    (asyncio.Condition, "lock", lambda this, _: f"{_name(this)}, to be notified"),
    (asyncio.Barrier, "lock", lambda this, _: f"{_name(this)}, {this.n_waiting} of {this.parties} there"),
    (asyncio.Event, "event", lambda this, _: f"{_name(this)}, not set"),
    (asyncio.Queue, "queue", _queue),
    (asyncio.StreamReader, "socket", lambda this, _: f"data from {_peer(getattr(this, '_transport', None))}"),
    (asyncio.StreamWriter, "socket", lambda this, _: f"room to write to {_peer(this.transport)}"),
    (asyncio.TaskGroup, "future", _group),
    (asyncio.subprocess.Process, "process", lambda this, method: f"{method}() of process {this.pid}"),
    (asyncio.BaseTransport, "process", _of_transport),
    (asyncio.AbstractServer, "server", lambda this, method: f"{method}() of {_addresses(this)}"),
]


def _by_function(name: str, local: dict[str, Any]) -> tuple[str, str] | None:
    """Of coroutines that are no methods of what is waited for."""
    if name == "sleep" and "delay" in local:
        return "timer", _sleep(local)
    if name == "_wait" and "fs" in local:
        left = [each for each in local["fs"] if not each.done()]
        return "future", f"asyncio.wait() of {len(local['fs'])}, {len(left)} not done"
    if name == "sock_connect" and "address" in local:
        return "socket", f"a connection to {local['address']!r}"
    return None


def by_frame(frame: Any) -> tuple[str, str] | None:
    """Kind and text of a wait inside asyncio's own coroutine ``frame``; None if that says nothing."""
    code, local = frame.f_code, frame.f_locals
    found = _by_function(code.co_name, local)
    if found is not None:
        return found
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


def _shielded(callback: Any) -> Any:
    """What ``asyncio.shield()`` protects, if ``callback`` is that of its outer future."""
    if getattr(callback, "__qualname__", "") != "shield.<locals>._outer_done_callback":
        return None
    return inspect.getclosurevars(callback).nonlocals.get("inner")


def _by_callbacks(awaited: Any) -> tuple[str, str] | None:
    for callback, _ in getattr(awaited, "_callbacks", None) or ():
        inner = _shielded(callback)
        if inner is not None:
            return "future", f"{_several([inner])}, shielded"
        if type(callback).__name__ == "Chain" or "_chain_future" in getattr(callback, "__qualname__", ""):
            return "executor", "a job of an executor"
    return None


def _by_timers(awaited: Any, loop: Any) -> tuple[str, str] | None:
    for handle in loop._scheduled_handles():
        touched = (getattr(handle._callback, "__self__", None), *(getattr(handle, "_args", None) or ()))
        if any(each is awaited for each in touched):
            left = max(handle.when() - loop.time(), 0)
            return "timer", f"a timer, {duration(left * 1e9)} left"
    return None


def by_awaited(awaited: Any, coroutine_end: Any, loop: Any) -> tuple[str, str]:
    """Kind and text of a wait for ``awaited``; ``coroutine_end`` is the innermost coroutine that has no frame."""
    show = _OPERATIONS.get(type(coroutine_end).__name__)
    if show is not None:
        return "socket", show(coroutine_end)
    if isinstance(awaited, asyncio.Task):
        return "task", task_called(awaited.get_name())
    if type(awaited).__name__ == "_GatheringFuture":
        left = [child for child in awaited._children if not child.done()]
        return "future", f"gather of {len(awaited._children)}" + (f", {len(left)} not done" if left else "")
    return _by_callbacks(awaited) or _by_timers(awaited, loop) or ("future", f"a future ({_name(awaited)})")
