"""Processes that a program on ``tepal run`` starts through ``multiprocessing``: their loops are tepal's as well.

A forked process inherits the event loop policy with everything else. One that is spawned, or that comes from the fork
server (the default from Python 3.14 on), starts with a new interpreter. Before it does anything of the program's, it
unpickles what ``multiprocessing.spawn.get_preparation_data()`` gave its parent; an object in there, which unpickles
into a call of ``reach()``, sets the policy in time. Web servers with several worker processes and Dask's worker
processes start like that.

Programs that are started in other ways (``subprocess``) are other programs.
"""

from __future__ import annotations

from multiprocessing import spawn
from typing import Any

from tepal import policy

KEY = "tepal"
"""Under which the object stands in the preparation data; ``multiprocessing`` passes over keys that it does not know."""


class _Reach:
    """Unpickles into a call of ``reach()``."""

    def __reduce__(self) -> tuple[Any, tuple[()]]:
        return reach, ()


def reach() -> None:
    """Set the policy in this process and in those that it will spawn; once is enough, more do no harm."""
    policy.set_policy(policy.EventLoopPolicy())
    prepare = spawn.get_preparation_data
    if getattr(prepare, KEY, False):
        return

    def get_preparation_data(name: str) -> dict[str, Any]:
        data: dict[str, Any] = prepare(name)
        data[KEY] = _Reach()
        return data

    setattr(get_preparation_data, KEY, True)
    spawn.get_preparation_data = get_preparation_data
