"""``python -m tepal report``: a program, and what it is told about itself."""

import json
import os
import subprocess
import sys

import pytest

PROGRAM = """
import asyncio

async def child():
    return 1

async def main():
    for _ in range(20):
        await asyncio.create_task(child())
    asyncio.create_task(asyncio.sleep(0))
    child()
    await asyncio.sleep(0.01)

asyncio.run(main())
print("done")
"""

EXPECTED = {("awaited-at-once", 9, 20), ("dropped", 10, 1), ("never-awaited", 11, 1)}


def tepal(*arguments, **options):
    environment = {**os.environ, "PYTHONWARNINGS": "ignore", **options.pop("environment", {})}
    return subprocess.run(
        [sys.executable, "-m", "tepal", *arguments], env=environment,
        capture_output=True, text=True, timeout=20, check=False, **options,
    )  # fmt: skip


@pytest.fixture
def script(tmp_path):
    path = tmp_path / "program.py"
    path.write_text(PROGRAM)
    return str(path)


def test_text_goes_to_standard_error(script):
    finished = tepal("report", script)
    assert (finished.returncode, finished.stdout) == (0, "done\n")
    assert "write `await child()`" in finished.stderr
    assert "\x1b[" not in finished.stderr


def test_colour_can_be_forced_and_forbidden(script):
    assert "\x1b[" in tepal("report", script, environment={"FORCE_COLOR": "1"}).stderr
    assert "\x1b[" not in tepal("report", script, environment={"FORCE_COLOR": "1", "NO_COLOR": "1"}).stderr


def found(report):
    return {(finding["kind"], finding["line"], finding["count"]) for finding in report["findings"]}


def test_json(script, tmp_path):
    file = tmp_path / "report.json"
    assert tepal("report", f"--json={file}", script).returncode == 0
    report = json.loads(file.read_text())
    assert found(report) == EXPECTED
    assert {finding["file"] for finding in report["findings"]} == {script}
    assert report["sums"]["tasks"] >= 22


def test_json_on_standard_output(script):
    finished = tepal("report", "--json", script)
    assert finished.stdout.startswith("done\n{")
    assert found(json.loads(finished.stdout.removeprefix("done\n"))) == EXPECTED


def test_run_with_a_report(script, tmp_path):
    file = tmp_path / "report.txt"
    assert tepal("run", f"--report={file}", script).stderr == ""
    assert "Task awaited at once" in file.read_text()


def test_the_environment_asks(script, tmp_path):
    file = tmp_path / "report.json"
    finished = tepal("run", script, environment={"TEPAL_REPORT": str(file)})
    assert (finished.returncode, finished.stderr) == (0, "")
    assert found(json.loads(file.read_text())) == EXPECTED


@pytest.mark.parametrize(
    ("kinds", "status"), [("awaited-at-once", 1), ("blocking", 0), ("stuck,dropped", 1), ("all", 1)]
)
def test_fail_on(script, kinds, status):
    assert tepal("report", f"--fail-on={kinds}", script).returncode == status


def test_an_unknown_kind_is_refused(script):
    finished = tepal("report", "--fail-on=nonsense", script)
    assert finished.returncode == 2
    assert "unknown kind 'nonsense'" in finished.stderr


def test_the_status_is_the_programs(tmp_path):
    script = tmp_path / "program.py"
    script.write_text(PROGRAM + "raise SystemExit(7)\n")
    assert tepal("report", "--fail-on=all", str(script)).returncode == 7


def test_a_module(script):
    finished = tepal("report", "-m", "program", "argument", cwd=os.path.dirname(script))
    assert (finished.returncode, finished.stdout) == (0, "done\n")
    assert "awaited-at-once" in finished.stderr


def test_sarif(script, tmp_path):
    file = tmp_path / "report.sarif"
    assert tepal("report", f"--sarif={file}", script, cwd=tmp_path).returncode == 0
    log = json.loads(file.read_text())
    assert log["version"] == "2.1.0"
    (run,) = log["runs"]
    rules = run["tool"]["driver"]["rules"]
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        location = result["locations"][0]["physicalLocation"]
        assert location["artifactLocation"] == {"uri": "program.py", "uriBaseId": "%SRCROOT%"}
    lines = {result["locations"][0]["physicalLocation"]["region"]["startLine"] for result in run["results"]}
    assert lines == {9, 10, 11}


@pytest.mark.parametrize("option", ["--output", "--json", "--sarif", "--html", "--trace"])
def test_a_file_that_cannot_be_is_refused_before_the_program(script, option):
    finished = tepal("report", f"{option}=/nonexistent/file", script)
    assert (finished.returncode, finished.stdout) == (2, "")
    assert "can't write '/nonexistent/file'" in finished.stderr


@pytest.mark.parametrize("option", ["--output", "--json", "--sarif", "--html", "--trace"])
def test_a_full_disk_is_said_and_is_a_failure(script, option):
    finished = tepal("report", f"{option}=/dev/full", script)
    assert (finished.returncode, finished.stdout) == (1, "done\n")
    assert "can't write the report" in finished.stderr
    assert "Traceback" not in finished.stderr


def test_a_full_disk_leaves_the_environments_program_alone(script):
    finished = tepal("run", script, environment={"TEPAL_REPORT": "/dev/full"})
    assert (finished.returncode, finished.stdout) == (0, "done\n")
    assert finished.stderr == "tepal: can't write the report '/dev/full': No space left on device\n"


@pytest.mark.parametrize("seconds", ["0", "-1", "nan", "inf", "soon"])
def test_a_threshold_is_a_time(script, seconds):
    finished = tepal("report", f"--threshold={seconds}", script)
    assert finished.returncode == 2
    assert "no number of seconds above 0" in finished.stderr


def test_a_script_that_is_not_there_has_no_report(tmp_path):
    finished = tepal("report", str(tmp_path / "absent.py"))
    assert finished.returncode == 2
    assert len(finished.stderr.splitlines()) == 1


FORKING = """
import asyncio, os

async def child():
    return 1

async def main():
    await asyncio.create_task(child())

pid = os.fork()
asyncio.run(main())
if pid:
    os.waitpid(pid, 0)
"""


@pytest.mark.parametrize("ending", ["", "raise SystemExit(0)"])
def test_a_report_is_of_one_process(tmp_path, ending):
    script = tmp_path / "program.py"
    script.write_text(FORKING + ending)
    finished = tepal("report", str(script))
    assert finished.returncode == 0
    assert finished.stderr.count("tepal report: 1 finding") == 1
    assert "1 time\n" in finished.stderr


ENDINGS = {"return": 0, "sys.exit(4)": 4, "1 / 0": 1, "os.kill(os.getpid(), signal.SIGINT); time.sleep(1)": 130}


@pytest.mark.parametrize("ending", ENDINGS)
def test_however_a_program_ends_there_is_a_report(tmp_path, ending):
    script = tmp_path / "program.py"
    script.write_text(
        "import asyncio, os, signal, sys, time\nasync def child(): pass\nasync def main():\n"
        f"    await asyncio.create_task(child())\n    {ending}\nasyncio.run(main())\n"
    )
    finished = tepal("report", str(script))
    assert finished.returncode in (ENDINGS[ending], -2 if ENDINGS[ending] == 130 else ENDINGS[ending])
    assert "program.py:4 in main" in finished.stderr


INTERRUPTED = """
import asyncio, os, signal

def interrupt_after(turns):
    if turns == 0:
        os.kill(os.getpid(), signal.SIGINT)
    else:
        asyncio.get_running_loop().call_soon(interrupt_after, turns - 1)

async def takes(first, second):
    async with first:
        await asyncio.sleep(0)
        async with second:
            pass

async def main():
    interrupt_after(10)
    one, other = asyncio.Lock(), asyncio.Lock()
    {ending}

asyncio.run(main())
"""


def interrupted(tmp_path, ending):
    script = tmp_path / "program.py"
    script.write_text(INTERRUPTED.format(ending=ending))
    report = tmp_path / "report.json"
    finished = tepal("report", f"--json={report}", str(script))
    assert finished.returncode in (130, -2)
    return json.loads(report.read_text())


def test_what_hung_is_seen_before_ctrl_c_cancels_it(tmp_path):
    report = interrupted(tmp_path, "await asyncio.gather(takes(one, other), takes(other, one))")
    stuck = [(finding["kind"], finding["line"]) for finding in report["findings"]]
    assert sorted(stuck) == [("stuck", 13), ("stuck", 19)]
    cycles = [each for each in report["waiting"] if "a cycle of Tasks" in each["verdict"]]
    assert [each["kind"] for each in cycles] == ["lock", "lock"]


def test_who_waits_for_ctrl_c_is_not_stuck(tmp_path):
    report = interrupted(tmp_path, "await asyncio.Event().wait()")
    assert report["findings"] == []
    assert [(each["kind"], each["line"]) for each in report["waiting"]] == [("event", 19)]


def test_loops_of_threads_and_several_loops_are_summed(tmp_path):
    script = tmp_path / "program.py"
    script.write_text(
        "import asyncio, threading\nasync def child(): pass\nasync def main():\n"
        "    await asyncio.create_task(child())\n"
        "threads = [threading.Thread(target=lambda: asyncio.run(main())) for _ in range(3)]\n"
        "[thread.start() for thread in threads]\n[thread.join() for thread in threads]\n"
        "one, two = asyncio.new_event_loop(), asyncio.new_event_loop()\n"
        "for loop in (one, two, one): loop.run_until_complete(main())\n"
    )
    finished = tepal("report", "--json", str(script))
    assert found(json.loads(finished.stdout)) == {("awaited-at-once", 4, 6)}


def test_an_unknown_kind_in_the_environment_is_named(script):
    finished = tepal("run", script, environment={"TEPAL_REPORT": "1", "TEPAL_REPORT_KINDS": "dropped,nonsense"})
    assert finished.returncode == 1
    assert "ValueError: TEPAL_REPORT_KINDS: unknown kind 'nonsense'; there are: awaited-at-once" in finished.stderr
    assert "AttributeError" not in finished.stderr


def test_a_program_without_a_loop_of_ours_is_not_praised(tmp_path):
    path = tmp_path / "program.py"
    path.write_text(
        "import asyncio\nloop = asyncio.SelectorEventLoop()\nloop.run_until_complete(asyncio.sleep(0))\nloop.close()\n"
    )
    finished = tepal("report", str(path))
    assert finished.stderr.splitlines()[0] == "tepal report: nothing found: no event loop of tepal's has run"


def test_numbers_and_words_agree(tmp_path):
    path = tmp_path / "program.py"
    path.write_text(
        "import asyncio\n"
        "async def main():\n"
        "    for _ in range(2):\n"
        "        asyncio.create_task(asyncio.sleep(0.01))\n"
        "    await asyncio.sleep(0.02)\n"
        "    kept = asyncio.create_task(asyncio.sleep(60))\n"
        "    await asyncio.sleep(0)\n"
        "asyncio.run(main())\n"
    )
    text = tepal("report", str(path)).stderr
    assert "2 Tasks of `sleep()` are kept by nobody: the garbage collector may end them halfway" in text
    assert "Waiting when the loop stopped: 1 Task\n" in text
    code = "import asyncio\nloop = asyncio.new_event_loop()\nloop.run_until_complete(asyncio.sleep(0))\nloop.close()"
    assert "  1 Task, " in tepal("report", "-c", code).stderr


def test_without_a_source_the_advice_has_no_code():
    code = "import asyncio\nasync def main():\n    await asyncio.create_task(asyncio.sleep(0))\nasyncio.run(main())"
    assert "    await the coroutine itself\n" in tepal("report", "-c", code).stderr
