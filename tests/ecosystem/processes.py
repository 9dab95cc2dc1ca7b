"""What scenarios leave running: found and ended, whoever started it and whatever became of its parent."""

import ctypes
import os
import signal
from collections.abc import Collection, Iterator
from pathlib import Path

# <linux/prctl.h>
PR_SET_CHILD_SUBREAPER = 36


def adopt_orphans() -> None:
    """Makes this process the parent of every process below it whose own parent ends. Raises OSError."""
    library = ctypes.CDLL(None, use_errno=True)
    if library.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl")


def children(process: int) -> Iterator[int]:
    """Yields the ids of the processes that `process` is the parent of."""
    for file in Path("/proc").glob(f"{process}/task/*/children"):
        try:
            yield from map(int, file.read_text().split())
        except OSError:
            continue


def descendants(process: int, kept: Collection[int] = ()) -> Iterator[int]:
    """Yields the ids of the processes below `process`, but none of `kept` and of what is below those."""
    for child in children(process):
        if child not in kept:
            yield child
            yield from descendants(child, kept)


def end_below(kept: Collection[int] = ()) -> list[int]:
    """Ends every process below this one but `kept` and what is below those; returns their ids.

    They must not be waited for by others: a `Popen` whose process this has ended reports status 0.
    """
    own, ended = os.getpid(), []
    # A process may start another one before it is ended, and that one comes to us then.
    while found := list(descendants(own, kept)):
        for process in found:
            try:
                os.kill(process, signal.SIGKILL)
            except ProcessLookupError:
                continue
        for child in children(own):
            if child in found:
                os.waitpid(child, 0)
        ended += [process for process in found if process not in ended]
    return ended
