"""The loops that are compared, each made in the way that its authors document.

Every one of them is handed to `asyncio.Runner(loop_factory=...)`, the standard
way since Python 3.11; no task factory, policy or executor is touched.
"""

import asyncio
import ctypes
import importlib
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from measure.process import BENCHES

EagerFactory = Callable[..., Any]
EMPTY_LIBPYTHON = (
    BENCHES.parent / "build" / "bench" / f"libpython{sys.version_info.major}.{sys.version_info.minor}.so.1.0"
)
"""What satisfies an extension module that names a library of CPython, in an interpreter without one; see
``tools/install_peers.py``. The loader knows a library that is loaded by its name."""


@dataclass(frozen=True)
class Loop:
    """One event loop that takes part."""

    name: str
    """Name of the loop, and of the module that is imported up to the first hyphen."""
    factory: str
    """Attribute of the module that makes a new loop."""
    documented: str
    """Where its authors say so."""
    above: str | None = None
    """For what replaces a loop's networking: the loop below; ``factory`` is then given that loop's factory."""
    eager_task_factory: str | None = None
    """Attribute of the module with an eager task factory of its own, if it has one."""
    needs_libpython: bool = False
    """Whether its extension module names CPython's shared library as one that it needs."""


LOOPS: dict[str, Loop] = {
    loop.name: loop
    for loop in (
        Loop("asyncio", "new_event_loop", "the standard library"),
        Loop("tepal", "new_event_loop", "tepal's README", eager_task_factory="eager_task_factory"),
        Loop("uvloop", "new_event_loop", "its README: asyncio.Runner(loop_factory=uvloop.new_event_loop)"),
        Loop("zuvloop", "new_event_loop", "its README: asyncio.run(..., loop_factory=zuvloop.new_event_loop)"),
        Loop("rloop", "new_event_loop", "what its policy and uvicorn's --loop rloop:new_event_loop call"),
        Loop("rsloop", "new_event_loop", "its README, 'manual loop creation'"),
        Loop("aiofastnet", "loop_factory", "its README", above="asyncio"),
        Loop("aiofastnet-uvloop", "loop_factory", "its README", above="uvloop"),
        Loop("talyn", "Loop", "what talyn.run hands to asyncio.run as loop_factory", needs_libpython=True),
    )
}


@dataclass(frozen=True)
class LoadedLoop:
    """A loop whose module could be imported."""

    new_event_loop: Callable[[], asyncio.AbstractEventLoop]
    eager_task_factory: EagerFactory | None
    """The loop's own or asyncio's; None before Python 3.12, which has none."""


def load(name: str) -> LoadedLoop:
    """Import the loop ``name`` of `LOOPS`.

    Raises whatever the import raises; AttributeError if the factory is missing.
    """
    loop = LOOPS[name]
    if loop.needs_libpython and EMPTY_LIBPYTHON.exists():
        ctypes.CDLL(str(EMPTY_LIBPYTHON))
    module = importlib.import_module(loop.name.partition("-")[0])
    eager = getattr(asyncio, "eager_task_factory", None)
    if loop.eager_task_factory is not None:
        eager = getattr(module, loop.eager_task_factory, eager)
    factory = getattr(module, loop.factory)
    if loop.above is not None:
        factory = factory(load(loop.above).new_event_loop)
    return LoadedLoop(factory, eager)
