"""What `make ecosystem` says of a failure, and that a failed scenario leaves nothing behind."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ECOSYSTEM = str(Path(__file__).resolve().parents[1] / "ecosystem")

ORPHANS = """
import json, os, subprocess, sys, time
sys.path.insert(0, sys.argv[1])
from processes import adopt_orphans, descendants, end_below
adopt_orphans()
kept = subprocess.Popen(["sleep", "60"])
# A program with a session of its own, whose parent has ended already.
subprocess.run(["sh", "-c", "setsid sleep 60 & setsid sh -c 'sleep 60; sleep 60' &"], check=True)
while len(list(descendants(os.getpid(), [kept.pid]))) < 3:
    time.sleep(0.01)
ended = end_below([kept.pid])
left = list(descendants(os.getpid()))
print(json.dumps([len(ended), left == [kept.pid], kept.poll(), len(end_below())]))
"""


@pytest.fixture(autouse=True)
def the_runner_is_importable(monkeypatch):
    monkeypatch.syspath_prepend(ECOSYSTEM)
    yield
    for name in [
        name for name in sys.modules if name.partition(".")[0] in ("processes", "report", "result", "services")
    ]:
        del sys.modules[name]


def raised(make):
    try:
        make()
    except BaseException as error:
        return error
    raise AssertionError("nothing was raised")


def test_a_reason_is_never_empty():
    from result import error_line

    log = "Traceback (most recent call last):\n  File 'x', line 1, in f\n    f()\n\n" * 200 + "  bound at last\n\n"

    def printed_a_lot():
        raise AssertionError(f"not within 30 s: it listened:\n{log}")

    def says_nothing():
        raise AssertionError

    def group():
        raise ExceptionGroup("two", [ValueError("the\nfirst"), KeyError(2)])

    assert error_line(raised(printed_a_lot)) == "AssertionError: not within 30 s: it listened:: bound at last"
    assert error_line(raised(says_nothing)) == "AssertionError: raise AssertionError"
    assert error_line(raised(group)) == "ValueError: the: first"
    assert error_line(TimeoutError()) == "TimeoutError"


def test_what_fails_on_tepal_says_why():
    from result import difference

    good = {"observed": {"status": 200}, "reports": [], "descriptors": 0}
    bad = {"failed": "Traceback ...", "reason": "its process ended with status -11", "reports": [], "descriptors": 0}
    assert difference(good, bad) == "fails: its process ended with status -11"
    assert difference(good, {**good, "observed": {"status": 500}}) == "status: 500, asyncio 200"
    assert difference(good, good) is None


def test_the_commit_of_a_result_is_that_of_what_tepal_is_built_from(tmp_path):
    import report

    def git(*words):
        who = ["-c", "user.name=a", "-c", "user.email=a@localhost", "-c", "commit.gpgsign=false"]
        done = subprocess.run(["git", *who, *words], cwd=tmp_path, check=True, capture_output=True, text=True)
        return done.stdout.strip()

    git("init", "--quiet")
    assert report.built_commit(tmp_path) == "–"
    for file in ("crates", "docs"):
        (tmp_path / file).mkdir()
        (tmp_path / file / "one").write_text("1", encoding="utf-8")
        git("add", ".")
        git("commit", "--quiet", "--message", file)
    built = git("rev-parse", "--short", "HEAD~1")
    assert report.built_commit(tmp_path) == built
    (tmp_path / "docs" / "one").write_text("2", encoding="utf-8")
    assert report.built_commit(tmp_path) == built
    (tmp_path / "crates" / "one").write_text("2", encoding="utf-8")
    assert report.built_commit(tmp_path) == f"{built}+"


def test_results_say_on_which_commit_they_were_made(tmp_path, monkeypatch):
    import report
    from result import SAME, Result

    monkeypatch.setattr(report.metadata, "version", lambda name: "1")
    file, page = tmp_path / "3.14" / "results.json", tmp_path / "page.md"
    both = [Result("uvicorn", "one", SAME), Result("uvicorn", "two", SAME)]
    report.save(file, "3.14", both, {}, commit="aaa", whole=True)
    report.write_markdown(page, tmp_path)
    assert " | aaa | 2 | 0 | 0 | 0 | " in page.read_text(encoding="utf-8")
    report.save(file, "3.14", both[1:], {}, commit="bbb", whole=False)
    assert [one["commit"] for one in json.loads(file.read_text(encoding="utf-8"))["results"]] == ["aaa", "bbb"]
    report.write_markdown(page, tmp_path)
    assert " | aaa (1), bbb (1) | 2 | 0 | 0 | 0 | " in page.read_text(encoding="utf-8")


def test_orphans_are_ended():
    words = [sys.executable, "-c", ORPHANS, ECOSYSTEM]
    done = subprocess.run(words, check=False, capture_output=True, text=True, timeout=15)
    assert (done.stdout, done.stderr) == ("[3, true, null, 1]\n", "")


def test_free_ports_are_not_those_of_clients():
    from services import debian

    ports = debian.free_ports(50)
    first = int(debian.CLIENT_PORTS.read_text(encoding="ascii").split()[0])
    assert len(set(ports)) == 50
    if first - debian.LOWEST_PORT >= debian.FEWEST_PORTS:
        assert all(debian.LOWEST_PORT <= port < first for port in ports)
