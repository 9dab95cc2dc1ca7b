"""``python -m tepal run --vintage``: the program's own modules, its arguments, and what is refused."""

import os
import pathlib
import shutil
import subprocess
import sys

import pytest

import tepal

VINTAGE = (sys.executable, "-m", "tepal", "run", "--vintage")


def run(*arguments, **options):
    return subprocess.run(
        [*VINTAGE, *arguments], capture_output=True, text=True, timeout=30, check=False, **options
    )  # fmt: skip


def script(tmp_path, text, name="script.py"):
    path = tmp_path / name
    path.write_text(text)
    return str(path)


def test_the_program_has_its_own_arguments_and_names(tmp_path):
    path = script(
        tmp_path,
        "import sys, os, asyncio\n"
        "print(sys.argv[1:], __name__, __file__ == os.path.abspath(sys.argv[0]), sys.path[0])\n"
        "import __main__\nprint(__main__.asyncio is asyncio, asyncio.__name__)\nsys.exit(7)\n",
    )
    finished = run(path, "--async", "x")
    assert (finished.returncode, finished.stderr) == (7, "")
    assert finished.stdout == f"['--async', 'x'] __main__ True {tmp_path}\nTrue tepal.vintage.asyncio\n"


def test_its_own_modules_are_translated_and_no_others(tmp_path):
    """Siblings and packages are; a module elsewhere on the path, and one in a site-packages below, are not."""
    program = tmp_path / "program"
    (program / "package" / "deeper").mkdir(parents=True)
    (program / "env" / "lib" / "site-packages").mkdir(parents=True)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (program / "sibling.py").write_text("import asyncio\nasync = asyncio.async\nfrom package import thing\n")
    (program / "package" / "__init__.py").write_text("from .deeper import async\nthing = async.await\n")
    (program / "package" / "deeper" / "__init__.py").write_text("")
    (program / "package" / "deeper" / "async.py").write_text("await = 5\n")
    (program / "env" / "lib" / "site-packages" / "installed.py").write_text("import asyncio\n")
    (elsewhere / "modern.py").write_text("import asyncio\nasync def f(): return 1\n")
    path = script(
        program,
        "import sys\n"
        f"sys.path += [{str(elsewhere)!r}, {str(program / 'env' / 'lib' / 'site-packages')!r}]\n"
        "import sibling, modern, installed, asyncio\n"
        "print(sibling.thing, sibling.async is asyncio.async, sibling.asyncio is asyncio)\n"
        "print(modern.asyncio.__name__, installed.asyncio.__name__, hasattr(modern.asyncio, 'coroutine'))\n"
        "print(asyncio.run(modern.f()))\n",
    )
    finished = run(path)
    assert (finished.returncode, finished.stderr) == (0, "")
    assert finished.stdout == "5 True True\nasyncio asyncio False\n1\n"
    # No translated code where a program that is not vintage would find it.
    assert not list(program.rglob("sibling*.pyc"))
    assert not list(program.rglob("async*.pyc"))


def test_a_traceback_shows_the_program_as_it_is(tmp_path):
    path = script(
        tmp_path,
        "import asyncio\n\n@asyncio.coroutine\ndef fails():\n    yield from asyncio.async(asyncio.sleep(0)); 1 / 0\n\n"
        "@asyncio.coroutine\ndef plain():\n    return fails()\n\n"
        "asyncio.get_event_loop().run_until_complete(plain())\n",
    )
    finished = run(path)
    assert finished.returncode == 1
    lines = finished.stderr.splitlines()
    assert lines[1:3] == [
        f'  File "{path}", line 11, in <module>',
        "    asyncio.get_event_loop().run_until_complete(plain())",
    ]
    assert f'  File "{path}", line 5, in fails' in lines
    assert f'  File "{path}", line 7, in plain' in lines
    assert "    yield from asyncio.async(asyncio.sleep(0)); 1 / 0" in lines
    assert lines[-1] == "ZeroDivisionError: division by zero"


def test_a_script_that_does_not_exist(tmp_path):
    finished = run(str(tmp_path / "none.py"))
    assert (finished.returncode, finished.stdout) == (2, "")
    assert finished.stderr == f"tepal: can't open file '{tmp_path / 'none.py'}': [Errno 2] No such file or directory\n"


@pytest.mark.parametrize("arguments", [(), ("-c", "print(1)")])
def test_only_files_are_translated(arguments):
    finished = run(*arguments)
    assert (finished.returncode, finished.stdout) == (2, "")
    assert "usage: tepal run" in finished.stderr


def test_an_error_of_syntax_shows_the_original_line(tmp_path):
    path = script(tmp_path, "import asyncio\nasyncio.async(1,\n  async = )\n")
    finished = run(path)
    assert (finished.returncode, finished.stdout) == (1, "")
    lines = finished.stderr.splitlines()
    assert lines[0] == f'  File "{path}", line 3'
    assert lines[1].strip() == "async = )"
    assert lines[-1].startswith("SyntaxError: ")


def test_python_2_is_refused_with_line_and_reason(tmp_path):
    path = script(tmp_path, "import asyncio\nprint 'hello', asyncio.async\n")
    finished = run(path)
    assert (finished.returncode, finished.stdout) == (2, "")
    lines = finished.stderr.splitlines()
    assert lines[0] == f'  File "{path}", line 2'
    assert lines[1] == "    print 'hello', asyncio.async"
    assert lines[-1] == "tepal: refused: the print statement of Python 2, which no Python 3 has ever run"


def test_a_module_of_python_2_is_refused_with_line_and_reason(tmp_path):
    script(tmp_path, "x = 1\nimport urllib2\n", "sibling.py")
    path = script(
        tmp_path,
        "try:\n    import urllib2\nexcept ImportError as error:\n    print('went its own way', error.name)\n"
        "import sibling\n",
    )
    finished = run(path)
    assert (finished.returncode, finished.stdout) == (2, "went its own way urllib2\n")
    lines = finished.stderr.splitlines()
    assert f'  File "{path}", line 5, in <module>' in lines
    assert f'  File "{tmp_path / "sibling.py"}", line 2, in <module>' in lines
    assert lines[-1] == (
        f"tepal: refused: {tmp_path / 'sibling.py'}, line 2: "
        "no module named 'urllib2': a module of Python 2; in Python 3 it is urllib.request"
    )


def test_other_modules_do_not_see_refusals(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "program").mkdir()
    (tmp_path / "elsewhere" / "modern.py").write_text(
        "try:\n    import urllib2\nexcept ImportError as error:\n    print(type(error).__name__)\n"
    )
    path = script(
        tmp_path / "program", f"import sys\nsys.path.append({str(tmp_path / 'elsewhere')!r})\nimport modern\n"
    )
    finished = run(path)
    assert (finished.returncode, finished.stdout, finished.stderr) == (0, "ModuleNotFoundError\n", "")


@pytest.mark.skipif(sys.version_info < (3, 14), reason="there are child watchers until 3.13")
@pytest.mark.parametrize(
    "line",
    [
        "asyncio.get_child_watcher()",
        "asyncio.get_event_loop_policy().get_child_watcher()",
        "asyncio.unix_events.SafeChildWatcher()",
        "from asyncio import FastChildWatcher",
    ],
)
def test_child_watchers_are_refused_where_there_are_none(tmp_path, line):
    path = script(tmp_path, f"import asyncio\nprint(hasattr(asyncio, 'SafeChildWatcher'))\n{line}\n")
    finished = run(path)
    assert (finished.returncode, finished.stdout) == (2, "False\n")
    assert finished.stderr.splitlines()[-1] == (
        f"tepal: refused: {path}, line 3: child watchers are gone since Python 3.14, which needs none: leave it out"
    )


@pytest.mark.skipif(sys.version_info >= (3, 14), reason="there are no child watchers since 3.14")
def test_child_watchers_where_there_are_some(tmp_path):
    path = script(
        tmp_path,
        "import asyncio\nwatcher = asyncio.SafeChildWatcher()\nloop = asyncio.get_event_loop()\n"
        "watcher.attach_loop(loop)\nasyncio.set_child_watcher(watcher)\n"
        "print(asyncio.get_child_watcher() is watcher)\nloop.close()\nwatcher.close()\n",
    )
    finished = run(path)
    assert (finished.returncode, finished.stdout, finished.stderr) == (0, "True\n", "")


def test_ctrl_c_is_the_programs(tmp_path):
    path = script(
        tmp_path,
        "import asyncio, os, signal\n"
        "@asyncio.coroutine\ndef main():\n"
        "    asyncio.get_event_loop().call_later(0.05, os.kill, os.getpid(), signal.SIGINT)\n"
        "    yield from asyncio.sleep(30)\n"
        "loop = asyncio.get_event_loop()\n"
        "try:\n    loop.run_until_complete(main())\nexcept KeyboardInterrupt:\n    print('stopped')\nloop.close()\n",
    )
    finished = run(path)
    assert (finished.returncode, finished.stdout, finished.stderr) == (0, "stopped\n", "")


def test_a_modern_program_imports_old_modules(tmp_path):
    old = tmp_path / "old"
    old.mkdir()
    (old / "library.py").write_text(
        "import asyncio\n@asyncio.coroutine\ndef double(x):\n"
        "    yield from asyncio.async(asyncio.sleep(0))\n    return 2 * x\n"
    )
    (tmp_path / "beside.py").write_text("import asyncio\nname = asyncio.__name__\n")
    path = script(
        tmp_path,
        "import asyncio, sys, tepal, tepal.vintage\n"
        f"sys.path.append({str(old)!r})\ntepal.vintage.translate_imports({str(old)!r})\n"
        "import library, beside\n"
        "async def main():\n    return await library.double(21)\n"
        "print(tepal.run(main()), asyncio.run(main()), beside.name, asyncio.__name__)\n",
    )
    finished = subprocess.run([sys.executable, path], capture_output=True, text=True, timeout=30, check=False)
    assert (finished.returncode, finished.stdout, finished.stderr) == (0, "42 42 asyncio asyncio\n", "")


def test_tepal_itself_is_never_translated(tmp_path):
    """Not even if it lies below the program's directory, as in a checkout."""
    package = pathlib.Path(tepal.__file__).parent
    shutil.copytree(package, tmp_path / "tepal", ignore=shutil.ignore_patterns("__pycache__"))
    path = script(
        tmp_path,
        "import asyncio, tepal.running, tepal.report.text\nprint(tepal.running.asyncio.__name__, asyncio.__name__)\n",
    )
    finished = run(path, env={**os.environ, "PYTHONPATH": str(tmp_path)})
    assert (finished.returncode, finished.stdout, finished.stderr) == (0, "asyncio tepal.vintage.asyncio\n", "")


MODULE = """
import asyncio
from app import other

@asyncio.coroutine
def child():
    return (yield from other.number())

@asyncio.coroutine
def main():
    task = asyncio.async(child())
    print((yield from task), __name__, __package__)

asyncio.get_event_loop().run_until_complete(main())
"""
OTHER = """
import asyncio

@asyncio.coroutine
def number():
    yield from asyncio.sleep(0)
    return 6 * 7
"""


@pytest.fixture
def package(tmp_path):
    folder = tmp_path / "app"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    (folder / "__main__.py").write_text(MODULE)
    (folder / "program.py").write_text(MODULE)
    (folder / "other.py").write_text(OTHER)
    return tmp_path


@pytest.mark.parametrize("module", ["app", "app.program"])
def test_a_module_is_run(package, module):
    finished = run("-m", module, cwd=package)
    assert (finished.returncode, finished.stderr) == (0, "")
    assert finished.stdout == "42 __main__ app\n"


def test_a_package_elsewhere_on_the_path_is_run(package, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    finished = run("-m", "app", cwd=elsewhere, env={**os.environ, "PYTHONPATH": str(package)})
    assert (finished.returncode, finished.stderr) == (0, "")
    assert finished.stdout == "42 __main__ app\n"


def test_a_module_that_is_not_there(tmp_path):
    finished = run("-m", "absent_app", cwd=tmp_path)
    assert finished.returncode == 1
    assert "No module named absent_app" in finished.stderr


@pytest.mark.parametrize("text", [b'print("h\xe9")\n', b"# coding: nonsense\n", b'# coding: ascii\nx = "\xc3\xa9"\n'])
def test_a_wrong_encoding_is_told_as_python_tells_it(tmp_path, text):
    path = tmp_path / "script.py"
    path.write_bytes(text)
    finished = run(str(path))
    modern = subprocess.run(
        [sys.executable, "-m", "tepal", "run", str(path)], capture_output=True, text=True, timeout=30, check=False
    )
    assert (finished.returncode, finished.stderr) == (1, modern.stderr)
    assert "Traceback" not in finished.stderr
