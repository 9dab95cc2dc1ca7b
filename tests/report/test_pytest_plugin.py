"""The plugin of pytest: a report on a session, and a session that fails because of it."""

import json
import os
import subprocess
import sys

import pytest

TESTS = """
import asyncio

async def child():
    return 1

async def main():
    await asyncio.create_task(child())
    return type(asyncio.get_running_loop()).__module__

def test_one():
    assert asyncio.run(main()) == {module!r}
"""


@pytest.fixture
def session(tmp_path):
    def run(*options, module="tepal.event_loop"):
        (tmp_path / "test_program.py").write_text(TESTS.format(module=module))
        environment = {**os.environ, "PYTEST_ADDOPTS": "", "PYTHONWARNINGS": "ignore"}
        return subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options, "test_program.py"],
            cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=30, check=False,
        )  # fmt: skip

    return run


def test_nothing_happens_unasked(session):
    finished = session(module="asyncio.unix_events")
    assert finished.returncode == 0, finished.stdout
    assert "tepal report" not in finished.stdout


def test_a_report_in_the_terminal(session):
    finished = session("--tepal-report")
    assert finished.returncode == 0, finished.stdout
    assert "write `await child()`" in finished.stdout


def test_a_report_in_a_file(session, tmp_path):
    file = tmp_path / "report.json"
    finished = session(f"--tepal-report-file={file}")
    assert finished.returncode == 0, finished.stdout
    (finding,) = json.loads(file.read_text())["findings"]
    assert (finding["kind"], finding["line"]) == ("awaited-at-once", 8)


@pytest.mark.parametrize(("kinds", "status"), [("dropped", 0), ("awaited-at-once,dropped", 1), ("all", 1)])
def test_a_session_may_fail(session, kinds, status):
    finished = session(f"--tepal-fail-on={kinds}")
    assert finished.returncode == status, finished.stdout
    assert ("failed because of awaited-at-once" in finished.stdout) == bool(status)


def test_an_unknown_kind_is_refused(session):
    finished = session("--tepal-fail-on=nonsense")
    assert finished.returncode == pytest.ExitCode.USAGE_ERROR
    assert "unknown kind 'nonsense'" in finished.stderr


def test_a_file_that_cannot_be_is_refused_before_the_tests(session):
    finished = session("--tepal-report-file=/nonexistent/file")
    assert finished.returncode == pytest.ExitCode.USAGE_ERROR
    assert "--tepal-report-file: can't write '/nonexistent/file': No such file or directory" in finished.stderr


def test_a_full_disk_is_said_and_fails_the_session(session):
    finished = session("--tepal-report-file=/dev/full")
    assert finished.returncode == pytest.ExitCode.TESTS_FAILED, finished.stdout
    assert "tepal: can't write the report '/dev/full': No space left on device" in finished.stdout
    assert "1 passed" in finished.stdout
