"""What a recording keeps, what loops count without one, and Tasks that a loop keeps alive."""

import asyncio
import gc
import json
import os
import signal
import subprocess
import sys
import time
import weakref

import pytest

import tepal
from tepal.report import Recording, Report
from tepal.report.recording import REPORT, TRACE
from tepal.report.trace import trace_of


@pytest.fixture
def recording(request):
    made = Recording(**getattr(request, "param", {}))
    made.begin()
    yield made
    made.end()


async def work(number=1):
    await asyncio.sleep(0)
    return number


def report_of(recording):
    recording.end()
    return Report(recording, recording.records())


def test_a_loop_counts_without_a_recording():
    with asyncio.Runner(loop_factory=tepal.new_event_loop) as runner:
        runner.run(asyncio.sleep(0.05))
        sums = runner.get_loop().report().sums
    assert sums["tasks"] >= 1
    assert sums["turns"] >= 2
    assert sums["idle"] >= 40_000_000
    assert sums["ran"] >= sums["idle"]
    assert 0 <= sums["utilisation"] < 1


def test_the_level_off_counts_nothing(monkeypatch):
    monkeypatch.setenv("TEPAL_OBSERVE", "off")
    with asyncio.Runner(loop_factory=tepal.new_event_loop) as runner:
        runner.run(asyncio.sleep(0))
        assert runner.get_loop().report().sums["turns"] == 0


def test_sums_by_coroutine(recording):
    async def main():
        await asyncio.gather(work(1), work(2))

    tepal.run(main())
    rows = {row["coroutine"].rpartition(".")[2]: row for row in report_of(recording).sums["coroutines"]}
    assert (rows["work"]["tasks"], rows["work"]["steps"]) == (2, 4)
    assert rows["main"]["tasks"] == 1
    assert rows["work"]["busy"] > 0


def test_one_recording_at_a_time(recording):
    with pytest.raises(RuntimeError):
        Recording().begin()


def test_a_recording_keeps_no_task(recording):
    seen = []

    async def main():
        task = asyncio.create_task(work())
        seen.append(weakref.ref(task))
        await asyncio.sleep(0)
        await task

    tepal.run(main())
    gc.collect()
    assert seen[0]() is None


@pytest.mark.parametrize("recording", [{"level": TRACE}], indirect=True)
def test_a_trace_agrees_with_itself(recording):
    async def outer(number):
        return await work(number)

    async def main():
        queue = asyncio.Queue()
        getter = asyncio.create_task(queue.get(), name="getter")
        await asyncio.sleep(0.01)
        queue.put_nowait(1)
        await getter
        await asyncio.gather(outer(1), outer(2))
        await asyncio.to_thread(time.sleep, 0.01)

    tepal.run(main())
    recording.end()
    trace = trace_of(recording)
    tasks = {task["id"]: task for task in trace["tasks"]}
    assert trace["dropped"] == 0
    assert all(task["outcome"] == "finished" for task in tasks.values())
    assert all(tasks[task["parent"]]["created"] <= task["created"] for task in tasks.values() if task["parent"])
    for start, taken, task in trace["steps"]:
        assert tasks[task]["created"] <= start
        assert start + taken <= tasks[task]["ended"]
    names = [row[0] for row in trace["code"]]
    for start, end, task, depth, code in trace["coroutines"]:
        assert start <= end
        if depth == 0:
            assert tasks[task]["code"] == code, names[code]
    kinds = {task["name"]: set() for task in tasks.values()}
    for start, end, task, kind, *_ in trace["waits"]:
        assert start <= end
        kinds[tasks[task]["name"]].add(kind)
    assert kinds["getter"] == {"queue"}
    main_kinds = set.union(*(found for name, found in kinds.items() if name != "getter"))
    assert {"timer", "task", "future", "executor"} <= main_kinds
    for _, task, cause, by, _ in trace["wakes"]:
        assert task in tasks
        assert cause in {"task", "timer", "descriptor", "thread", "callback", "signal"}
        assert by is None or by in tasks


@pytest.mark.parametrize("recording", [{"level": TRACE, "events": 10}], indirect=True)
def test_a_full_ring_is_told_and_loses_no_finding(recording):
    async def main():
        for _ in range(50):
            await asyncio.create_task(work())

    tepal.run(main())
    recording.end()
    trace = trace_of(recording)
    assert trace["dropped"] > 100
    (finding,) = trace["findings"]
    assert (finding["kind"], finding["count"]) == ("awaited-at-once", 50)


@pytest.mark.parametrize("recording", [{"level": REPORT}], indirect=True)
def test_a_report_alone_has_no_trace(recording):
    with pytest.raises(ValueError, match="level=TRACE"):
        trace_of(recording)


def test_what_tasks_wait_for(recording):
    async def main():
        loop = asyncio.get_running_loop()
        lock, event = asyncio.Lock(), asyncio.Event()
        await lock.acquire()
        tasks = [
            asyncio.create_task(asyncio.sleep(60), name="timer"),
            asyncio.create_task(lock.acquire(), name="lock"),
            asyncio.create_task(event.wait(), name="event"),
            asyncio.create_task(asyncio.to_thread(time.sleep, 0.1), name="executor"),
        ]
        tasks.append(asyncio.create_task(asyncio.wait_for(tasks[0], 50), name="task"))
        await asyncio.sleep(0.02)
        seen = {each.name: each for each in loop.report().recording.look_at(loop)}
        for name in ("timer", "lock", "event", "executor"):
            assert seen[name].kind == name
        assert seen["timer"].seen - seen["timer"].since >= 10_000_000
        assert "60" in seen["timer"].text
        event.set()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    tepal.run(main())


def test_a_loop_keeps_tasks():
    loop = tepal.EventLoop(keep_tasks=True)
    ended = []

    async def waits():
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            ended.append(True)

    async def main():
        seen = weakref.ref(asyncio.create_task(waits()))
        await asyncio.sleep(0)
        gc.collect()
        assert seen() is not None
        seen().cancel()
        await asyncio.sleep(0.01)
        gc.collect()
        assert ended == [True]
        assert seen() is None

    loop.run_until_complete(main())
    loop.close()


def test_without_it_a_task_may_be_collected():
    async def waits():
        await asyncio.get_running_loop().create_future()

    async def main():
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: None)
        seen = weakref.ref(asyncio.create_task(waits()))
        await asyncio.sleep(0)
        gc.collect()
        assert seen() is None

    tepal.run(main())


SIGNALLED = """
import asyncio, os, signal

async def main():
    os.kill(os.getpid(), signal.SIGUSR1)
    await asyncio.sleep(0.1)

async def other():
    await asyncio.get_running_loop().create_future()

async def both():
    task = asyncio.create_task(other(), name="the other")
    await asyncio.sleep(0)
    await main()
    assert task

asyncio.run(both())
"""


@pytest.mark.skipif(not hasattr(signal, "SIGUSR1"), reason="there is no SIGUSR1")
def test_a_signal_asks_what_is_waited_for(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(SIGNALLED)
    finished = subprocess.run(
        [sys.executable, "-m", "tepal", "report", str(script)],
        capture_output=True, text=True, timeout=20, check=False, env={**os.environ, "TEPAL_REPORT": ""},
    )  # fmt: skip
    assert finished.returncode == 0, finished.stderr
    first = finished.stderr.partition("tepal report:")[0]
    assert "the other (other)" in first
    assert "waits for a future" in first


def test_an_idle_loop_is_not_woken(recording):
    """The watchdog takes no processor time while the loop sleeps."""

    async def main():
        await asyncio.sleep(0.05)
        before = time.process_time()
        await asyncio.sleep(0.5)
        return time.process_time() - before

    assert tepal.run(main()) < 0.1


def test_a_task_that_went_on_was_not_waiting_in_vain(recording):
    loop = tepal.new_event_loop()

    async def main(event):
        event.set()
        await asyncio.sleep(0.01)

    event = asyncio.Event()
    task = loop.create_task(event.wait())
    loop.run_until_complete(asyncio.sleep(0))
    assert [each.kind for each in recording.waiting.values()] == ["event"]
    loop.run_until_complete(main(event))
    assert task.done()
    loop.close()
    assert report_of(recording).waiting == []


@pytest.mark.parametrize("recording", [{"threshold": 0.01}], indirect=True)
def test_a_pause_of_the_collector_is_named_as_such(recording):
    async def main():
        kept = [[] for _ in range(300_000)]
        for _ in range(60):
            gc.collect()
        return len(kept)

    tepal.run(main())
    findings = [each for each in report_of(recording).findings if each.kind == "blocking" and each.file == __file__]
    assert findings
    assert any("the garbage collector took " in each.message for each in findings), findings


@pytest.mark.parametrize("recording", [{"threshold": 0.05}], indirect=True)
def test_a_line_that_blocks_several_loops_is_one_finding(recording):
    async def main():
        time.sleep(0.1)

    for _ in range(3):
        tepal.run(main())
    (finding,) = (each for each in report_of(recording).findings if each.kind == "blocking" and each.file == __file__)
    assert finding.count == 3
    assert "and 2 times more" in finding.message


NEVER_ENDING = """
import asyncio

async def orphan():
    await asyncio.get_running_loop().create_future()

async def behind(task):
    await task

async def turning(others, number):
    await asyncio.sleep(0)
    await others[number]

async def stubborn():
    while True:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            pass

async def main():
    lonely = asyncio.create_task(orphan(), name="orphan")
    circle = []
    circle += [asyncio.create_task(turning(circle, 1 - number), name=f"turn {number}") for number in (0, 1)]
    kept = [lonely, asyncio.create_task(behind(lonely), name="behind"), *circle]
    kept.append(asyncio.create_task(stubborn(), name="stubborn"))
    await asyncio.sleep(0.01)
    kept[-1].cancel()
    await asyncio.sleep(0.01)

loop = asyncio.new_event_loop()
loop.run_until_complete(main())
for task in asyncio.all_tasks(loop):
    task._log_destroy_pending = False
loop.close()
"""


def test_why_a_task_does_not_end_is_told_with_what_to_do(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(NEVER_ENDING)
    finished = subprocess.run(
        [sys.executable, "-m", "tepal", "report", "--json", str(script)],
        capture_output=True, text=True, timeout=60, check=False, env={**os.environ, "TEPAL_REPORT": ""},
    )  # fmt: skip
    assert finished.returncode == 0, finished.stderr
    stuck = [finding for finding in json.loads(finished.stdout)["findings"] if finding["kind"] == "stuck"]
    said = {
        name: next((each["message"], each["advice"]) for each in stuck if each["message"].startswith(f"{name} "))
        for name in ("orphan", "behind", "turn 0 and turn 1", "stubborn")
    }
    assert len(stuck) == len(said)
    assert "nobody is left who could complete it" in said["orphan"][0]
    assert "whoever is to complete it" in said["orphan"][1]
    assert "that Task can go on no more" in said["behind"][0]
    assert said["turn 0 and turn 1"][0].endswith(
        " wait, turn 0 for Task turn 1: a cycle of Tasks that wait for each other: turn 0 -> turn 1 -> turn 0"
    )
    assert "timeout" in said["turn 0 and turn 1"][1]
    assert "was cancelled, swallowed the CancelledError and goes on: waits for sleep(60)" in said["stubborn"][0]
    assert "CancelledError pass" in said["stubborn"][1]
