"""``python -m tepal run``: an unchanged program on tepal, with its arguments and its exit code."""

import subprocess
import sys

import pytest

SCRIPTS = {
    "asyncio.run": """
import asyncio
async def main():
    print(type(asyncio.get_running_loop()).__module__.split(".")[0])
asyncio.run(main())
""",
    "new_event_loop": """
import asyncio
loop = asyncio.new_event_loop()
async def main():
    print(type(asyncio.get_running_loop()).__module__.split(".")[0])
loop.run_until_complete(main())
loop.close()
""",
    "Runner": """
import asyncio
async def main():
    print(type(asyncio.get_running_loop()).__module__.split(".")[0])
with asyncio.Runner() as runner:
    runner.run(main())
""",
    "set_event_loop": """
import asyncio
asyncio.set_event_loop(asyncio.new_event_loop())
async def main():
    print(type(asyncio.get_running_loop()).__module__.split(".")[0])
loop = asyncio.get_event_loop()
loop.run_until_complete(main())
loop.close()
""",
}


def tepal(*arguments, **options):
    return subprocess.run(
        [sys.executable, "-m", "tepal", *arguments],
        capture_output=True, text=True, timeout=20, check=False, **options,
    )  # fmt: skip


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_gets_tepals_loop(tmp_path, name):
    script = tmp_path / "script.py"
    script.write_text(SCRIPTS[name])
    finished = tepal("run", str(script))
    assert (finished.returncode, finished.stdout, finished.stderr) == (0, "tepal\n", "")


@pytest.mark.skipif(sys.version_info >= (3, 14), reason="get_event_loop() makes no loop since 3.14")
def test_get_event_loop_makes_tepals_loop(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        "import asyncio, warnings\n"
        "warnings.simplefilter('ignore')\n"
        "loop = asyncio.get_event_loop()\n"
        "print(type(loop).__module__.split('.')[0])\n"
        "loop.close()\n"
    )
    finished = tepal("run", str(script))
    assert (finished.returncode, finished.stdout) == (0, "tepal\n"), finished.stderr


def test_a_module_gets_tepals_loop(tmp_path):
    (tmp_path / "program.py").write_text(SCRIPTS["asyncio.run"])
    finished = tepal("run", "-m", "program", cwd=tmp_path)
    assert (finished.returncode, finished.stdout, finished.stderr) == (0, "tepal\n", "")


def test_a_package_gets_tepals_loop(tmp_path):
    package = tmp_path / "program"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "__main__.py").write_text(SCRIPTS["asyncio.run"])
    finished = tepal("run", "-m", "program", cwd=tmp_path)
    assert (finished.returncode, finished.stdout, finished.stderr) == (0, "tepal\n", "")


SPAWNING = """
import asyncio
import concurrent.futures
import multiprocessing

async def name():
    return type(asyncio.get_running_loop()).__module__.split(".")[0]

def child(deeper):
    context = multiprocessing.get_context("METHOD")
    names = [asyncio.run(name())]
    if deeper:
        with concurrent.futures.ProcessPoolExecutor(1, mp_context=context) as pool:
            names += pool.submit(child, False).result()
    return names

if __name__ == "__main__":
    context = multiprocessing.get_context("METHOD")
    with concurrent.futures.ProcessPoolExecutor(1, mp_context=context) as pool:
        print(pool.submit(child, True).result())
"""


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_processes_of_multiprocessing_and_their_children_get_tepals_loop(tmp_path, method):
    script = tmp_path / "script.py"
    script.write_text(SPAWNING.replace("METHOD", method))
    finished = tepal("run", str(script))
    assert (finished.returncode, finished.stdout, finished.stderr) == (0, "['tepal', 'tepal']\n", "")


def test_processes_of_a_module_get_tepals_loop(tmp_path):
    (tmp_path / "spawning.py").write_text(SPAWNING.replace("METHOD", "spawn"))
    finished = tepal("run", "-m", "spawning", cwd=tmp_path)
    assert (finished.returncode, finished.stdout, finished.stderr) == (0, "['tepal', 'tepal']\n", "")


def test_what_the_script_sees(tmp_path):
    """Arguments, name, file and path are those of ``python SCRIPT``."""
    (tmp_path / "neighbour.py").write_text("value = 'found'\n")
    script = tmp_path / "script.py"
    script.write_text("import sys, neighbour\nprint(__name__, __file__, sys.argv, neighbour.value, sys.path[0])\n")
    direct = subprocess.run(
        [sys.executable, str(script), "--flag", "value", "-m"],
        capture_output=True, text=True, timeout=20, check=False,
    )  # fmt: skip
    finished = tepal("run", str(script), "--flag", "value", "-m")
    assert finished.returncode == 0, finished.stderr
    assert finished.stdout == direct.stdout


@pytest.mark.parametrize(("statement", "code"), [("raise SystemExit(3)", 3), ("1 / 0", 1), ("pass", 0)])
def test_exit_codes(tmp_path, statement, code):
    script = tmp_path / "script.py"
    script.write_text(f"import asyncio\nasync def main():\n    {statement}\nasyncio.run(main())\n")
    assert tepal("run", str(script)).returncode == code


def test_tracebacks_begin_in_the_script(tmp_path):
    script = tmp_path / "script.py"
    script.write_text("def broken():\n    1 / 0\nbroken()\n")
    finished = tepal("run", str(script))
    assert finished.stderr.rstrip().endswith("ZeroDivisionError: division by zero")
    assert f'File "{script}", line 3, in <module>' in finished.stderr


@pytest.mark.parametrize("arguments", [(), ("run",), ("run", "-m"), ("no such command",), ("run", "no such file.py")])
def test_wrong_uses(arguments):
    finished = tepal(*arguments)
    assert finished.returncode != 0 or arguments == ()
    assert finished.stderr or finished.stdout
    assert "Traceback" not in finished.stderr


def test_an_interrupt_from_outside(tmp_path):
    import signal

    script = tmp_path / "script.py"
    script.write_text(
        "import asyncio\n"
        "async def main():\n"
        "    print('ready', flush=True)\n"
        "    await asyncio.sleep(30)\n"
        "asyncio.run(main())\n"
    )
    child = subprocess.Popen(
        [sys.executable, "-m", "tepal", "run", str(script)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert child.stdout.readline() == "ready\n"
    child.send_signal(signal.SIGINT)
    _, errors = child.communicate(timeout=8)
    assert child.returncode in (1, 130, -signal.SIGINT)
    assert errors.rstrip().endswith("KeyboardInterrupt")
