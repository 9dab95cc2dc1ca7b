"""Random programs leave the same trace of events on tepal as on asyncio.

The leg on asyncio runs each program twice on asyncio itself: it shows that the traces
are a property of the program and not of the moment.  ``TEPAL_SLOW=1`` runs many more.
"""

import asyncio
import contextlib
import gc
import os
import sys

import machine
import pytest
from hypothesis import HealthCheck, Phase, given, note, settings
from programs import Program, programs

SLOW = os.environ.get("TEPAL_SLOW") == "1"
UNITS = (0.003, 0.02, 0.1)  # seconds a slot lasts: longer ones when the machine was too busy

# How many programs: (without timers, with timers). asyncio against itself only shows that
# a trace does not depend on the moment.
EXAMPLES = {"native": (150, 25), "C tasks": (40, 8), "debug": (30, 6), "collected": (30, 6), "Python tasks": (30, 6)}


def how_many(kind, library, timed):
    """The settings of one leg."""
    count = EXAMPLES[kind][timed] if library.is_tepal else 8
    return settings(
        max_examples=count * (50 if SLOW else 1),
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate, Phase.shrink],
    )


def c_task(loop, coroutine, **keywords):
    return asyncio.Task(coroutine, loop=loop, **keywords)


def python_task(loop, coroutine, **keywords):
    return asyncio.tasks._PyTask(coroutine, loop=loop, **keywords)


def own_task(library):
    """Tasks by the constructor: ``create_task`` takes ``eager_start`` only since 3.14."""

    def make(loop, coroutine, **keywords):
        return library.Task(coroutine, loop=loop, **keywords)

    return make


@contextlib.contextmanager
def collecting_all_the_time():
    """The collector runs between any two steps, and sees every half-made state."""
    before = gc.get_threshold()
    gc.set_threshold(1, 1, 1)
    try:
        yield
    finally:
        gc.set_threshold(*before)


def trace_of(program: Program, new_event_loop, make_task, unit, factory=None, debug=False):
    loop = new_event_loop()
    loop.set_debug(debug)
    if factory:
        loop.set_task_factory(factory)
    eager = sys.version_info >= (3, 12)
    try:
        return machine.Machine(program, loop, make_task, unit, eager).run()
    finally:
        loop.close()


def assert_alike(program: Program, run_one, run_other):
    """Compare two runs; a program with timers gets longer slots before it counts as different."""
    note(str(program))
    for unit in UNITS if program.timed else (UNITS[0],):
        one, other = run_one(program, unit), run_other(program, unit)
        if one == other:
            return
    for place, (expected, found) in enumerate(zip(one, other, strict=False)):
        if expected != found:
            before = "\n".join(map(repr, one[max(place - 12, 0) : place]))
            raise AssertionError(f"after\n{before}\nasyncio: {expected!r}\nhere:    {found!r}")
    raise AssertionError(f"asyncio goes on with {one[len(other) :]!r}, here {other[len(one) :]!r}")


KINDS = {
    "native": lambda library: (own_task(library), None),
    "C tasks": lambda library: (c_task, c_task),
    "debug": lambda library: (own_task(library), None),
    "collected": lambda library: (own_task(library), None),
}
if sys.version_info < (3, 14):
    # Since 3.14 a Python task is unknown to the C current_task() that the machine asks.
    KINDS["Python tasks"] = lambda library: (python_task, python_task)


@pytest.fixture(params=KINDS)
def kind(request):
    return request.param


@pytest.fixture
def legs(kind, library):
    """Two functions that run a program: on asyncio, and on the library under test."""
    if kind == "Python tasks" and sys.version_info >= (3, 12):
        pytest.skip("Python tasks of 3.12 and 3.13 start eagerly under another registry")
    make, factory = KINDS[kind](library)
    reference_make = c_task if factory is None else make
    debug = kind == "debug"

    def on_asyncio(program, unit):
        return trace_of(program, asyncio.SelectorEventLoop, reference_make, unit, factory, debug)

    def here(program, unit):
        if kind == "collected":
            with collecting_all_the_time():
                return trace_of(program, library.new_event_loop, make, unit, factory, debug)
        return trace_of(program, library.new_event_loop, make, unit, factory, debug)

    return on_asyncio, here


@pytest.mark.timeout(7200 if SLOW else 60)
@pytest.mark.parametrize("timed", [False, True], ids=["turns", "timers"])
def test_programs(kind, library, legs, timed):
    on_asyncio, here = legs

    @how_many(kind, library, timed)
    @given(programs(timed=timed))
    def compare(program):
        assert_alike(program, on_asyncio, here)

    compare()
