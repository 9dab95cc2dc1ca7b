"""Measures that must stay flat: descriptors, living objects, interpreter blocks, heap.

Three of them see different owners.  ``gc.get_objects`` sees Python objects in
reach of the collector, ``sys.getallocatedblocks`` every small object of the
interpreter, collected or not, and ``mallinfo2`` what native code has taken from
the C heap, which is where a leak on the Rust side shows.
"""

from __future__ import annotations

import asyncio
import collections
import ctypes
import gc
import os
import sys
import types
from collections.abc import Callable

WATCHED_ENDINGS = ("Task", "Future", "Handle", "EventLoop", "FutureIter", "Runner")
WATCHED_TYPES = (types.CoroutineType, types.AsyncGeneratorType)


def open_descriptors() -> dict[int, str]:
    """Return each open file descriptor with what it refers to."""
    found: dict[int, str] = {}
    for name in os.listdir("/proc/self/fd"):
        try:
            found[int(name)] = os.readlink(f"/proc/self/fd/{name}")
        except FileNotFoundError:
            continue  # the descriptor with which the directory itself was read
    return found


def living_objects() -> collections.Counter[str]:
    """Count the loops, tasks, futures, handles and coroutines the collector knows."""
    gc.collect()
    counts: collections.Counter[str] = collections.Counter()
    for found in gc.get_objects():
        kind = type(found)
        if kind in WATCHED_TYPES or kind.__name__.endswith(WATCHED_ENDINGS):
            counts[f"{kind.__module__}.{kind.__qualname__}"] += 1
    return counts


class _MallInfo2(ctypes.Structure):
    """``struct mallinfo2`` of glibc, mallinfo(3)."""

    _fields_ = [
        (name, ctypes.c_size_t)
        for name in (
            "arena", "ordblks", "smblks", "hblks", "hblkhd",
            "usmblks", "fsmblks", "uordblks", "fordblks", "keepcost",
        )
    ]  # fmt: skip


def heap_in_use() -> int:
    """Return the bytes that live allocations hold on the C heap."""
    mallinfo2 = ctypes.CDLL(None).mallinfo2
    mallinfo2.restype = _MallInfo2
    info = mallinfo2()
    return int(info.uordblks + info.hblkhd)


def growth(scenario: Callable[[], object], *, rounds: int) -> dict[str, int]:
    """Run ``scenario`` ``rounds`` times after a warm-up; return what that left behind.

    The keys are ``objects``, ``blocks``, ``heap`` (bytes) and, on a debug build,
    ``references``.
    """
    for _ in range(max(rounds // 2, 20)):
        scenario()
    before = _measure()
    for _ in range(rounds):
        scenario()
    after = _measure()
    return {name: after[name] - before[name] for name in before}


def assert_flat(scenario: Callable[[], object], *, rounds: int = 150) -> None:
    """Fail unless repeated runs of ``scenario`` leave nothing behind.

    One leaked object a round counts at least ``rounds`` in ``objects`` or ``blocks``,
    and at least 24 times ``rounds``, the smallest allocation of malloc, in ``heap``.
    Free lists, caches and other threads make up to some sixty, hence at least a
    hundred rounds; and they settle at different times, hence three tries.
    """
    assert rounds >= 100
    for _ in range(3):
        found = growth(scenario, rounds=rounds)
        leaked = {name: count for name, count in found.items() if count > rounds * (20 if name == "heap" else 0.8)}
        if not leaked:
            return
    raise AssertionError(f"{rounds} rounds leave behind {leaked}")


def _measure() -> dict[str, int]:
    asyncio._set_running_loop(None)
    gc.collect()
    gc.collect()
    found = {
        "objects": len(gc.get_objects()),
        "blocks": sys.getallocatedblocks(),
        "heap": heap_in_use(),
    }
    if hasattr(sys, "gettotalrefcount"):
        found["references"] = sys.gettotalrefcount()
    return found
