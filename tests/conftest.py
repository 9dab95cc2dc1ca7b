"""Fixtures of the whole suite: the loop matrix and the checks after every test.

``async def`` tests run on the ``loop`` fixture.  After each test that passed, the
checks below make it fail when it left a descriptor, a task, a loop or a coroutine
behind, or when the loop reported an error that the test did not take.
"""

from __future__ import annotations

import asyncio
import faulthandler
import gc
import inspect
import os
import pathlib
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest

TESTS = pathlib.Path(__file__).resolve().parent
if str(TESTS) not in sys.path:
    sys.path.insert(0, str(TESTS))

import leaks  # noqa: E402
import library as libraries  # noqa: E402
from library import Library  # noqa: E402
from reports import Reports  # noqa: E402

DEFAULT_LIMIT = 20  # seconds a test may take when it says nothing else
PASSED = pytest.StashKey[bool]()


def pytest_configure(config: pytest.Config) -> None:
    # A warning is a failure: an un-awaited coroutine, an unclosed loop or an
    # exception that nobody could catch only shows as a warning.
    config.addinivalue_line("filterwarnings", "error")
    config.addinivalue_line("filterwarnings", "ignore:Skipping collection of:UserWarning")
    # Hypothesis looks at reference counts of its own generator; from 3.14 on borrowed references make it guess wrong.
    config.addinivalue_line("filterwarnings", "ignore:It looks like .register_random.")
    config.addinivalue_line("filterwarnings", "ignore:.*event loop policy:DeprecationWarning")
    config.addinivalue_line("filterwarnings", "ignore:.*EventLoopPolicy:DeprecationWarning")
    config.addinivalue_line("filterwarnings", "ignore:.*use of fork\\(\\):DeprecationWarning")
    config.addinivalue_line("markers", "slow: runs only with TEPAL_SLOW=1")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if TESTS / "cpython" in item.path.parents:
            continue
        if item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(DEFAULT_LIMIT, method="signal"))
        if item.get_closest_marker("slow") and os.environ.get("TEPAL_SLOW") != "1":
            item.add_marker(pytest.mark.skip(reason="slow; set TEPAL_SLOW=1"))
    # What lives now lives for the whole session; the collector need not see it
    # again after each test.
    gc.collect()
    gc.freeze()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Ends the process when native code ignores the time limit's signal."""
    marker = item.get_closest_marker("timeout")
    limit = marker.args[0] if marker and marker.args else DEFAULT_LIMIT
    faulthandler.dump_traceback_later(limit * 2 + 10, exit=True, file=sys.__stderr__)
    yield
    faulthandler.cancel_dump_traceback_later()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: Any) -> Iterator[None]:
    outcome: Any = yield
    if call.when == "call":
        item.stash[PASSED] = outcome.get_result().passed


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    function = pyfuncitem.obj
    if not inspect.iscoroutinefunction(function):
        return None
    names = pyfuncitem._fixtureinfo.argnames
    arguments = {name: pyfuncitem.funcargs[name] for name in names}
    arguments["loop"].run_until_complete(function(**arguments))
    return True


@pytest.fixture(autouse=True, scope="module")
def what_earlier_modules_left() -> None:
    """Takes what earlier modules left (imports, caches, outcomes) out of the sight of the collector after each test."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def nothing_left_behind(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fails a test that passed but left descriptors or loop objects behind."""
    descriptors = leaks.open_descriptors()
    objects = leaks.living_objects()
    yield
    asyncio.set_event_loop(None)
    node = request.node
    if hasattr(node, "funcargs"):
        node.funcargs.clear()  # pytest would keep the loop alive until after this check
    left_objects = settled_objects(objects)
    descriptors_now = leaks.open_descriptors()
    if not node.stash.get(PASSED, False):
        return
    left = {fd: name for fd, name in descriptors_now.items() if descriptors.get(fd) != name}
    assert not left, f"file descriptors left open: {left}"
    lost = {fd: name for fd, name in descriptors.items() if fd not in descriptors_now}
    assert not lost, f"file descriptors of others were closed: {lost}"
    assert not left_objects, f"objects left alive: {dict(left_objects)}"


def settled_objects(before: Counter[str]) -> Counter[str]:
    """What lives and did not live before; threads that end just now get a second for it."""
    deadline = time.monotonic() + 1
    while (left := leaks.living_objects() - before) and time.monotonic() < deadline:
        time.sleep(0.01)
    return left


@pytest.fixture(params=libraries.NAMES)
def library(request: pytest.FixtureRequest) -> Library:
    """asyncio, then tepal; a test that is tepal's alone parametrizes this indirectly."""
    return libraries.load(request.param)


@pytest.fixture
def debug() -> bool:
    """Whether the loop is in debug mode; modules for which it matters parametrize it."""
    return False


@pytest.fixture
def reports(request: pytest.FixtureRequest) -> Iterator[Reports]:
    """What loops report during the test; what is not taken fails the test."""
    recorder = Reports()
    recorder.start()
    yield recorder
    gc.collect()  # reports of destroyed tasks belong to this test
    left = recorder.finish()
    if request.node.stash.get(PASSED, False):
        assert not left, "\n".join(left)


@pytest.fixture
def loop(
    request: pytest.FixtureRequest, library: Library, debug: bool, reports: Reports
) -> Iterator[asyncio.AbstractEventLoop]:
    """A new loop of the library under test, closed and checked afterwards."""
    new_loop = library.new_event_loop()
    new_loop.set_debug(debug)
    new_loop.set_exception_handler(reports.record_context)
    yield new_loop
    passed = request.node.stash.get(PASSED, False)
    gc.collect()  # a task that was reported as destroyed is not pending
    pending = finish(new_loop)
    if passed:
        assert not pending, f"tasks left pending: {pending}"


@pytest.fixture
def opened() -> Iterator[Callable[[asyncio.AbstractEventLoop], asyncio.AbstractEventLoop]]:
    """Takes a loop that the test has made and gives it back; it is closed in the end, also when the test fails."""
    loops: list[asyncio.AbstractEventLoop] = []

    def keep(loop: asyncio.AbstractEventLoop) -> asyncio.AbstractEventLoop:
        loops.append(loop)
        return loop

    yield keep
    for loop in loops:
        loop.close()


def finish(loop: asyncio.AbstractEventLoop) -> list[str]:
    """Close ``loop`` as ``asyncio.Runner`` does; return the tasks that were pending."""
    if loop.is_closed():
        return []
    loop.set_task_factory(None)
    tasks = asyncio.all_tasks(loop)
    pending = [repr(task) for task in tasks]
    for task in tasks:
        task.cancel()
    if tasks:
        loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
    loop.run_until_complete(loop.shutdown_asyncgens())
    loop.run_until_complete(loop.shutdown_default_executor())
    loop.close()
    return pending
