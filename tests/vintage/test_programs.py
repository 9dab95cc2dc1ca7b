"""Programs of 2013 to 2018, each in a process of its own: what they printed then they print now.

``programs/NAME.py`` is the program and ``programs/NAME.out`` what it prints. Most of them do what the examples in the
documentation of asyncio 3.4 and of Trollius did.
"""

import json
import pathlib
import signal
import subprocess
import sys

import pytest

PROGRAMS = pathlib.Path(__file__).parent / "programs"
NAMES = sorted(path.stem for path in PROGRAMS.glob("*.out"))


def command(name, *arguments):
    return [sys.executable, "-m", "tepal", "run", "--vintage", str(PROGRAMS / f"{name}.py"), *arguments]


def run(name, *arguments):
    finished = subprocess.run(command(name, *arguments), capture_output=True, text=True, timeout=30, check=False)
    assert (finished.returncode, finished.stderr) == (0, ""), finished.stderr
    return finished.stdout


@pytest.mark.parametrize("name", NAMES)
def test_a_program_prints_what_it_printed_then(name):
    assert run(name) == (PROGRAMS / f"{name}.out").read_text()


REPORTED = (
    "async_for",
    "cancelling",
    "factorial",
    "locks",
    "mixed",
    "names",
    "question_bare",
    "trollius_everything",
    "undecorated",
    "waiting",
)


@pytest.mark.parametrize("name", REPORTED)
def test_a_program_prints_the_same_while_a_report_is_made(name):
    """Coroutines are native ones then; see ``tepal.vintage.coroutines.observed``."""
    arguments = command(name)
    arguments[arguments.index("run")] = "report"
    finished = subprocess.run(arguments, capture_output=True, text=True, timeout=30, check=False)
    assert finished.returncode == 0, finished.stderr
    assert finished.stdout == (PROGRAMS / f"{name}.out").read_text()


QUESTIONS = {
    "question_bare": [("never-awaited", 17, 1)],
    "question_task": [("dropped", 17, 1)],
    "awaited_at_once": [("awaited-at-once", 16, 10000)],
    "made_in_many_ways": [
        *(("awaited-at-once", line, 3) for line in (15, 16, 17, 18, 19, 21)),
        *(("dropped", line, 1) for line in (22, 23)),
    ],
}


@pytest.mark.parametrize("name", QUESTIONS)
def test_the_report_names_the_lines_of_the_question(name, tmp_path):
    file = tmp_path / "report.json"
    arguments = command(name)
    arguments[arguments.index("run") :] = ["report", f"--json={file}", "--vintage", str(PROGRAMS / f"{name}.py")]
    subprocess.run(arguments, capture_output=True, text=True, timeout=30, check=True)
    findings = json.loads(file.read_text())["findings"]
    assert sorted((each["kind"], each["line"], each["count"]) for each in findings) == QUESTIONS[name]
    assert all(each["advice"] == "write `yield from coro()`" for each in findings if each["kind"] == "awaited-at-once")
    assert {each["file"] for each in findings} == {str(PROGRAMS / f"{name}.py")}


TEXTS = {
    "question_bare": [
        "Coroutine never awaited (never-awaited): 1 place, 1 time",
        "question_bare.py:17 in main",
        "`test1()` was called in Task-1 and never awaited: nothing of it ran",
        "write `yield from test1()`",
    ],
    "question_task": [
        "Task dropped (dropped): 1 place, 1 time",
        "question_task.py:17 in main",
        "the Task of `test1()` is kept by nobody: the garbage collector may end it halfway",
    ],
    "awaited_at_once": [
        "Task awaited at once (awaited-at-once): 1 place, 10000 times",
        "awaited_at_once.py:16 in main",
        "10000 Tasks awaited at once, which cost ",
        "write `yield from coro()`",
    ],
}


@pytest.mark.parametrize("name", TEXTS)
def test_the_text_of_the_report_on_the_question(name):
    arguments = command(name)
    arguments[arguments.index("run")] = "report"
    finished = subprocess.run(arguments, capture_output=True, text=True, timeout=30, check=True)
    assert finished.stdout == (PROGRAMS / f"{name}.out").read_text()
    position = -1
    for words in TEXTS[name]:
        position = finished.stderr.find(words, position + 1)
        assert position >= 0, (words, finished.stderr)


SERVER_OF_STREAMS = "Received 'Hello World!' from '127.0.0.1'\nSend: 'Hello World!'\nClose the client socket\n"
CLIENT_OF_STREAMS = "Send: 'Hello World!'\nReceived: 'Hello World!'\nClose the socket\n"
SERVER_OF_PROTOCOLS = (
    "Connection from 127.0.0.1\nData received: 'Hello World!'\nSend: 'Hello World!'\nClose the client socket\n"
)
CLIENT_OF_PROTOCOLS = (
    "Data sent: 'Hello World!'\nData received: 'Hello World!'\nThe server closed the connection\nStop the event loop\n"
)


@pytest.mark.parametrize(
    ("server", "client", "received", "sent"),
    [
        ("echo_server_protocol", "echo_client_protocol", SERVER_OF_PROTOCOLS, CLIENT_OF_PROTOCOLS),
        ("echo_server_streams", "echo_client_streams", SERVER_OF_STREAMS, CLIENT_OF_STREAMS),
        ("trollius_echo_server", "trollius_echo_client", SERVER_OF_STREAMS, CLIENT_OF_STREAMS),
    ],
)
def test_an_echo_client_and_a_server_that_serves_until_ctrl_c(server, client, received, sent):
    serving = subprocess.Popen(command(server), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        port = serving.stdout.readline().split()[1]
        assert run(client, port) == sent
        assert run(client, port) == sent
        serving.send_signal(signal.SIGINT)
        output, errors = serving.communicate(timeout=20)
    finally:
        serving.kill()
        serving.wait()
    assert (serving.returncode, errors) == (0, "")
    assert output == received * 2
