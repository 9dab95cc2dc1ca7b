"""Where a report goes if the program closes, moves or names something that is in its way."""

import json
import os
import pathlib
import subprocess
import sys

import pytest

PROGRAM = """
import asyncio, os, sys, tempfile

async def child():
    return 1

async def main():
    await asyncio.create_task(child())
    PLACEHOLDER

asyncio.run(main())
"""
LINE = 8


def report(directory, doing, *options, name="program.py", environment=None):
    path = os.path.join(os.fsencode(directory), os.fsencode(name))
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(PROGRAM.replace("PLACEHOLDER", doing))
    return subprocess.run(
        [sys.executable, "-m", "tepal", "report", *options, os.fsencode(name)], cwd=directory,
        env={**os.environ, **(environment or {})}, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


CLOSING = ["sys.stderr.close()", "os.close(2)", "sys.stderr = None"]


@pytest.mark.parametrize("doing", CLOSING)
def test_a_program_that_closes_standard_error_gets_its_files(tmp_path, doing):
    finished = report(tmp_path, doing, "--json=a.json", "--html=a.html", "--trace=a.trace")
    assert (finished.returncode, finished.stdout, finished.stderr) == (1, "", "")
    assert [found["line"] for found in json.loads((tmp_path / "a.json").read_text())["findings"]] == [LINE]
    assert "</html>" in (tmp_path / "a.html").read_text()
    assert json.loads((tmp_path / "a.trace").read_text())["traceEvents"]


@pytest.mark.parametrize("doing", CLOSING)
def test_the_programs_own_status_stays(tmp_path, doing):
    assert report(tmp_path, f"{doing}; sys.exit(7)").returncode == 7


def test_closed_standard_output_is_said(tmp_path):
    finished = report(tmp_path, "sys.stdout.close()", "--json")
    assert finished.returncode == 1
    assert finished.stderr == "tepal: can't write the report: the program has closed the stream\n"


def test_one_file_that_fails_leaves_the_others(tmp_path):
    finished = report(tmp_path, "pass", "--json=/dev/full", "--sarif=a.sarif", "--html=a.html")
    assert finished.returncode == 1
    assert finished.stderr.splitlines()[-1] == "tepal: can't write the report '/dev/full': No space left on device"
    assert (tmp_path / "a.sarif").stat().st_size
    assert (tmp_path / "a.html").stat().st_size


def test_names_of_files_mean_where_the_command_was_started(tmp_path):
    there = tmp_path / "there"
    there.mkdir()
    files = {"--json": "a.json", "--sarif": "a.sarif", "--output": "a.txt", "--html": "a.html", "--trace": "a.trace"}
    finished = report(tmp_path, f"os.chdir({str(there)!r})", *(f"{option}={file}" for option, file in files.items()))
    assert (finished.returncode, finished.stderr) == (0, "")
    assert list(there.iterdir()) == []
    assert all((tmp_path / file).stat().st_size for file in files.values())
    assert f"  program.py:{LINE} in main" in (tmp_path / "a.txt").read_text()
    assert '"uri": "program.py"' in (tmp_path / "a.sarif").read_text()


def test_the_environments_file_means_where_the_first_loop_was_made(tmp_path):
    (tmp_path / "there").mkdir()
    program = tmp_path / "program.py"
    program.write_text(PROGRAM.replace("PLACEHOLDER", "os.chdir('there')"))
    environment = {**os.environ, "TEPAL_REPORT": "a.json"}
    subprocess.run(
        [sys.executable, "-m", "tepal", "run", str(program)], cwd=tmp_path, env=environment, timeout=60, check=True
    )
    assert (tmp_path / "a.json").exists()


def test_a_directory_that_is_there_no_more(tmp_path):
    doing = "directory = tempfile.mkdtemp(); os.chdir(directory); os.rmdir(directory)"
    finished = report(tmp_path, doing, f"--sarif={tmp_path}/a.sarif", f"--html={tmp_path}/a.html")
    assert finished.returncode == 0
    assert f"program.py:{LINE} in main" in finished.stderr
    assert (tmp_path / "a.html").stat().st_size


def test_names_that_no_encoding_has(tmp_path):
    files = ("--json=a.json", "--sarif=a.sarif", "--output=a.txt", "--html=a.html", "--trace=a.trace")
    finished = report(tmp_path, "pass", *files, name=b"caf\xe9.py")
    assert (finished.returncode, finished.stderr) == (0, "")
    (finding,) = json.loads((tmp_path / "a.json").read_text())["findings"]
    assert os.fsencode(pathlib.Path(finding["file"]).name) == b"caf\xe9.py"
    assert '"uri": "caf%E9.py"' in (tmp_path / "a.sarif").read_text()


def test_standard_output_of_another_encoding(tmp_path):
    environment = {"PYTHONIOENCODING": "ascii"}
    finished = report(tmp_path, "pass", "--json", name="caf\u00e9.py", environment=environment)
    assert finished.returncode == 0
    assert json.loads(finished.stdout)["findings"][0]["file"].endswith("caf\u00e9.py")


def test_an_address_in_sarif_has_no_spaces(tmp_path):
    finished = report(tmp_path, "pass", "--sarif", name="my programs/a program.py")
    assert '"uri": "my%20programs/a%20program.py"' in finished.stdout


def test_names_from_the_program_stay_on_their_line(tmp_path):
    doing = "kept = asyncio.create_task(asyncio.sleep(60), name='a\\n  b:1 in c\\x1b[31m'); await asyncio.sleep(0)"
    finished = report(tmp_path, doing)
    assert finished.returncode == 0
    assert "\n  a\\n  b:1 in c\\x1b[31m (sleep) " in finished.stderr
    assert "\x1b" not in finished.stderr
