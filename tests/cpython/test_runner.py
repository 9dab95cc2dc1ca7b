"""The conformance runner itself: it must pass what passes, and report a failure, a crash and a hang as what they are.

The loops under test are asyncio's own, and functions of the standard library that abort the process or never return.
"""

import subprocess
import sys
from pathlib import Path

import expectations
import outcomes
import processes
import pytest

RUN = Path(__file__).resolve().parent / "run.py"
ASYNCIO = ("--task", "asyncio:Task", "--future", "asyncio:Future", "--handle", "asyncio:Handle")


@pytest.fixture
def run(tmp_path):
    """Runs test_context, a module of one test, in mode `plain`, on the loop of the given name."""

    def run(loop: str, *options: str) -> subprocess.CompletedProcess[str]:
        module = ("--module", "test_context", "--mode", "plain", "--from", str(tmp_path))
        command = [sys.executable, str(RUN), "--loop", loop, *ASYNCIO, *module, *options]
        return subprocess.run(command, capture_output=True, text=True, timeout=50, check=False)

    return run


def closing_line(done: subprocess.CompletedProcess[str]) -> str:
    return done.stdout.splitlines()[-1]


def test_what_passes_passes(run):
    done = run("asyncio:SelectorEventLoop")
    assert (done.returncode, closing_line(done)) == (0, "1 passed, 0 failed, 0 skipped"), done.stdout + done.stderr


def test_a_loop_that_is_none_fails(run):
    done = run("io:BytesIO")
    assert (done.returncode, closing_line(done)) == (1, "0 passed, 1 failed, 0 skipped"), done.stdout + done.stderr
    assert "FAILED [plain] test_context" in done.stdout


def test_a_process_that_dies_is_a_failure(run):
    done = run("os:abort")
    assert (done.returncode, closing_line(done)) == (1, "0 passed, 1 failed, 0 skipped"), done.stdout + done.stderr
    assert "ended by signal 6" in done.stdout


@pytest.mark.skipif(sys.version_info >= (3, 14), reason="there the runner itself makes a loop before the first test")
def test_a_test_that_hangs_is_a_failure(run):
    done = run("signal:pause", "--test-limit", "0.5")
    assert (done.returncode, closing_line(done)) == (1, "0 passed, 1 failed, 0 skipped"), done.stdout + done.stderr
    assert "timed out after 0.5 s" in done.stdout


def test_running_no_test_is_a_failure(run):
    done = run("asyncio:SelectorEventLoop", "--only", "no test is called so")
    assert (done.returncode, closing_line(done)) == (1, "0 passed, 0 failed, 0 skipped"), done.stdout + done.stderr


EXPECTED = expectations.Expectation("test_a.B.*", ("task",), ("3.11",), "It tests a private class.")


def ended(outcome: str, *, counted: bool = True) -> dict[str, object]:
    return {"id": "test_a.B.c", "outcome": outcome, "detail": "ValueError: x", "seconds": 0.1, "counted": counted}


def test_an_expected_failure_that_fails_is_no_failure():
    module = outcomes.ModuleOutcome("task", "test_a")
    module.add(ended("failed"), [EXPECTED])
    assert (module.run, module.passed, module.failures, module.expected[0].note) == (1, 0, [], EXPECTED.reason)


def test_an_expected_failure_that_passes_is_a_failure():
    module = outcomes.ModuleOutcome("task", "test_a")
    module.add(ended("passed"), [EXPECTED])
    assert (module.passed, len(module.failures)) == (0, 1)


def test_an_expectation_holds_in_its_mode_only():
    module = outcomes.ModuleOutcome("loop", "test_a")
    module.add(ended("failed"), [EXPECTED])
    assert len(module.failures) == 1


def test_an_expectation_about_no_test_is_a_failure():
    module = outcomes.ModuleOutcome("task", "test_a")
    assert [failure.test for failure in processes.stale([module], [EXPECTED])] == ["test_a.B.*"]
    module.add(ended("failed"), [EXPECTED])
    assert processes.stale([module], [EXPECTED]) == []


def test_a_test_that_met_nothing_of_ours_is_not_counted():
    module = outcomes.ModuleOutcome("plain", "test_a")
    module.add(ended("passed", counted=False), [])
    assert module.run == 0


@pytest.mark.parametrize(
    "entry",
    [
        'test = "a"\nmodes = ["task"]\nversions = ["3.11"]',
        'test = "a"\nmodes = ["task"]\nversions = ["3.11"]\nreason = " "',
        'test = "a"\nmodes = ["sideways"]\nversions = ["3.11"]\nreason = "x"',
        'test = "a"\nmodes = ["task"]\nversions = ["2.7"]\nreason = "x"',
        'test = "a"\nmodes = []\nversions = ["3.11"]\nreason = "x"',
    ],
    ids=["no reason", "empty reason", "unknown mode", "unknown version", "no mode"],
)
def test_an_incomplete_entry_is_refused(tmp_path, entry):
    path = tmp_path / "list.toml"
    path.write_text(f"[[expected]]\n{entry}\n")
    with pytest.raises(ValueError, match=r"list\.toml"):
        expectations.read("3.11", path)
