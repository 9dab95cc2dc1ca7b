"""Reports of programs that SIGTERM ends: by ``timeout``, ``kill``, or a supervisor."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

PROGRAM = """
import asyncio, os, signal, sys

async def takes(first, second):
    async with first:
        await asyncio.sleep(0)
        async with second:
            pass

async def main():
    one, other = asyncio.Lock(), asyncio.Lock()
    tasks = [asyncio.create_task(takes(one, other)), asyncio.create_task(takes(other, one))]
    {before}
    await asyncio.sleep(0.01)
    asyncio.get_running_loop().call_later(0.05, os.kill, os.getpid(), signal.SIGTERM)
    await asyncio.Event().wait()

try:
    asyncio.run(main())
finally:
    print("finally")
"""


def run(tmp_path, before="pass", *options, environment=()):
    return run_program(tmp_path, PROGRAM.format(before=before), *options, environment=environment)


def run_program(tmp_path, program, *options, environment=()):
    script = tmp_path / "program.py"
    script.write_text(program)
    wanted = {**os.environ, "TEPAL_REPORT": "", **dict(environment)}
    doing = ["run"] if environment else ["report", *options]
    return subprocess.run(
        [sys.executable, "-m", "tepal", *doing, str(script)],
        capture_output=True, text=True, timeout=30, check=False, env=wanted,
    )  # fmt: skip


def test_the_report_is_written_and_the_signal_kills(tmp_path):
    file = tmp_path / "report.json"
    finished = run(tmp_path, "pass", f"--json={file}")
    assert (finished.returncode, finished.stdout) == (-signal.SIGTERM, "")
    report = json.loads(file.read_text())
    # The main Task waits for an event of its own until then: that is no fault.
    assert [(each["kind"], each["line"], each["count"]) for each in report["findings"]] == [("stuck", 7, 2)]
    assert sorted(each["kind"] for each in report["waiting"]) == ["event", "lock", "lock"]


def test_a_picture_is_written_as_well(tmp_path):
    file = tmp_path / "run.html"
    assert run(tmp_path, "pass", f"--html={file}").returncode == -signal.SIGTERM
    assert "</html>" in file.read_text()


def test_the_environments_report_is_written_too(tmp_path):
    finished = run(tmp_path, environment={"TEPAL_REPORT": "1"})
    assert finished.returncode == -signal.SIGTERM
    assert "tepal report: 1 finding" in finished.stderr


@pytest.mark.parametrize(
    "handler",
    [
        "signal.signal(signal.SIGTERM, lambda *_: sys.exit(3))",
        "signal.signal(signal.SIGTERM, signal.default_int_handler)",
    ],
)
def test_a_handler_of_the_programs_own_is_left_alone(tmp_path, handler):
    finished = run(tmp_path, handler)
    assert finished.returncode in (3, 130, -signal.SIGINT)
    assert finished.stdout == "finally\n"
    assert finished.stderr.count("tepal report:") == 1


def test_a_loops_handler_is_left_alone(tmp_path):
    finished = run(tmp_path, "asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, tasks[0].cancel)\n    "
                   "asyncio.get_running_loop().call_later(0.2, asyncio.current_task().cancel)")  # fmt: skip
    assert finished.returncode == 1 and "CancelledError" in finished.stderr
    assert finished.stderr.count("tepal report:") == 1


FORKED = """
import os, signal, time

child = os.fork()
if not child:
    if signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        os._exit(9)
    time.sleep(20)
    os._exit(8)
os.kill(child, signal.SIGTERM)
_, status = os.waitpid(child, 0)
print(os.waitstatus_to_exitcode(status))
"""


def test_a_process_that_was_forked_is_killed_without_a_report(tmp_path):
    finished = run_program(tmp_path, FORKED)
    assert (finished.returncode, finished.stdout) == (0, f"{-signal.SIGTERM}\n")
    assert finished.stderr.count("tepal report:") == 1


ENDLESS = """
import asyncio

async def spins():
    while True:
        pass

async def main():
    print("running", flush=True)
    await spins()

asyncio.run(main())
"""


def test_the_step_that_is_ended_blocks_and_its_task_runs(tmp_path):
    script = tmp_path / "program.py"
    script.write_text(ENDLESS)
    report = tmp_path / "report.json"
    command = [sys.executable, "-W", "ignore", "-m", "tepal", "report", f"--json={report}", str(script)]
    environment = {**os.environ, "TEPAL_REPORT": ""}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"running\n"
        time.sleep(0.5)
        process.terminate()
        time.sleep(0.005)  # `timeout` sends it to the process and to its group: the second must not cost the report
        process.terminate()
        assert process.wait(10) == -signal.SIGTERM
    found = json.loads(report.read_text())
    [finding] = found["findings"]
    assert (finding["kind"], finding["function"], finding["tasks"]) == ("blocking", "spins", [1])
    assert finding["message"].startswith("Task-1 held the loop for ")
    [waiting] = found["waiting"]
    assert (waiting["kind"], waiting["text"]) == ("ready", "nothing: it runs")
    assert waiting["waited"] > 100_000_000
