"""What `make ecosystem` says of a failure, and that a failed scenario leaves nothing behind."""

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
    for name in [name for name in sys.modules if name.partition(".")[0] in ("processes", "result", "services")]:
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
