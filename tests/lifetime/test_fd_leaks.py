"""File descriptors: how many a loop has, and that all of them go."""

import asyncio
import gc
import os
import resource

import interpreter
import leaks
import pytest
from turns import run_ready


def count():
    return len(leaks.open_descriptors())


def test_a_loop_gives_back_its_descriptors(library):
    before = leaks.open_descriptors()
    loop = library.new_event_loop()
    run_ready(loop)
    assert count() > len(before)
    loop.close()
    assert leaks.open_descriptors() == before


def test_a_loop_needs_few_descriptors(library):
    """asyncio has an epoll and a pair of sockets for signals and wake-ups; tepal one waker more."""
    before = count()
    loop = library.new_event_loop()
    run_ready(loop)
    used = count() - before
    loop.close()
    assert used <= 4


def test_a_loop_never_run(library):
    before = leaks.open_descriptors()
    library.new_event_loop().close()
    assert leaks.open_descriptors() == before


@pytest.mark.filterwarnings("ignore:unclosed event loop:ResourceWarning")
@pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")
def test_a_forgotten_loop(library):
    before = leaks.open_descriptors()
    for _ in range(5):
        loop = library.new_event_loop()
        run_ready(loop)
        del loop
        gc.collect()
    assert leaks.open_descriptors() == before


def test_many_loops_in_a_row(library):
    before = count()
    for _ in range(100):
        loop = library.new_event_loop()
        loop.run_until_complete(asyncio.sleep(0))
        loop.close()
    assert count() == before


def test_many_loops_at_once(library):
    before = leaks.open_descriptors()
    loops = [library.new_event_loop() for _ in range(50)]
    for loop in loops:
        run_ready(loop)
    for loop in loops:
        loop.close()
    assert leaks.open_descriptors() == before


def test_descriptors_are_not_inherited(library):
    before = set(leaks.open_descriptors())
    loop = library.new_event_loop()
    run_ready(loop)
    new = set(leaks.open_descriptors()) - before
    assert new
    assert not any(os.get_inheritable(descriptor) for descriptor in new)
    loop.close()


OUT_OF_DESCRIPTORS = """
import gc, resource, leaks

before = leaks.open_descriptors()
soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
answers = []
for free in range(5):
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, hard))
    fillers = []
    try:
        while True:
            fillers.append(os.dup(0))
    except OSError:
        pass
    for _ in range(free):
        os.close(fillers.pop())
    try:
        library.new_event_loop().close()
        answers.append("made")
    except OSError:
        answers.append("refused")
    for descriptor in fillers:
        os.close(descriptor)
resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
gc.collect()
print(*answers, leaks.open_descriptors() == before)
"""


def test_a_loop_that_cannot_be_made_leaves_nothing(library):
    """Out of descriptors in the middle of making a loop: an OSError, and nothing stays open."""
    finished = interpreter.run(library.name, OUT_OF_DESCRIPTORS)
    assert finished.returncode == 0, finished.stderr
    *answers, clean = finished.stdout.split()
    assert answers[0] == "refused"
    assert answers[4] == "made"
    assert answers == sorted(answers, reverse=True)
    assert clean == "True"


def test_the_limits_of_the_process_are_left_alone(library):
    """A peer clamps RLIMIT_NOFILE."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    loop = library.new_event_loop()
    run_ready(loop)
    loop.close()
    assert resource.getrlimit(resource.RLIMIT_NOFILE) == before


def test_there_is_no_extra_thread(library):
    """Peers keep a helper thread for each loop."""
    before = set(os.listdir("/proc/self/task"))
    loop = library.new_event_loop()
    loop.run_until_complete(asyncio.sleep(0.001))
    assert set(os.listdir("/proc/self/task")) <= before
    loop.close()
