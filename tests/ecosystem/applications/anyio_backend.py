"""A pytest plugin that has anyio's own test suite make its loops by a factory of ours; `pytest -p anyio_backend`.

anyio's conftest.py parametrizes its tests with backends and their options; the options named `loop_factory` are
replaced by the loop that the variable ECOSYSTEM_LOOP names.
"""

import asyncio
import os
from typing import Any

import pytest
from subject import SUBJECTS

subject = SUBJECTS[os.environ["ECOSYSTEM_LOOP"]]


def eager_loop() -> asyncio.AbstractEventLoop:
    """Returns a loop whose tasks start at once, for the tests with anyio's parameter `asyncio+eager`."""
    loop = subject.factory()
    loop.set_task_factory(asyncio.eager_task_factory)
    return loop


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Replaces the loop factories of all tests that have been collected."""
    for item in items:
        parameters: Any = getattr(getattr(item, "callspec", None), "params", {})
        backend = parameters.get("anyio_backend")
        if isinstance(backend, tuple) and backend[0] == "asyncio":
            factory = eager_loop if "asyncio+eager" in item.name else subject.factory
            parameters["anyio_backend"] = ("asyncio", {**backend[1], "loop_factory": factory})
