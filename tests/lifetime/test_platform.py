"""Where tepal runs, and what it says where it does not."""

import pathlib
import subprocess
import sys
import sysconfig

import interpreter
import pytest

tepal_alone = pytest.mark.parametrize("library", ["tepal"], indirect=True)


@tepal_alone
@pytest.mark.parametrize(
    ("change", "word"),
    [
        ("sys.platform = 'win32'", "win32"),
        ("sys.implementation.name = 'pypy'", "pypy"),
        ("sys.version_info = (3, 10, 0, 'final', 0)", "3.10"),
    ],
    ids=["platform", "implementation", "version"],
)
def test_the_refusal_names_the_reason(library, change, word):
    """A user on PyPy, on an old Python or elsewhere gets a sentence, not a traceback of symbols."""
    import tepal

    folder = str(pathlib.Path(tepal.__file__).resolve().parent.parent)
    script = f"""
import asyncio, sys
sys.path.insert(0, {folder!r})
{change}
try:
    import tepal
except ImportError as error:
    print(error)
"""
    finished = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=20, check=False)
    assert finished.returncode == 0, finished.stderr
    assert word.lower() in finished.stdout.lower()


@tepal_alone
def test_importing_is_quick_and_changes_nothing(library):
    """A peer replaces functions of asyncio and ssl when it is imported."""
    script = """
    import ssl, signal
    before = {
        (module.__name__, name): value
        for module in (asyncio, asyncio.events, asyncio.tasks, asyncio.futures, asyncio.base_events, ssl)
        for name, value in vars(module).items()
        if not name.startswith("__")
    }
    for name in [name for name in sys.modules if name.split(".")[0] == "tepal"]:
        del sys.modules[name]
    print("tepal" in sys.modules)
    """
    fresh = """
import asyncio, asyncio.events, asyncio.tasks, asyncio.futures, asyncio.base_events, signal, ssl, sys
modules = (asyncio, asyncio.events, asyncio.tasks, asyncio.futures, asyncio.base_events, ssl)

def names():
    return {
        (module.__name__, name): value
        for module in modules
        for name, value in vars(module).items()
        if not name.startswith("__")
    }

before = names()
handler = signal.getsignal(signal.SIGINT)
import tepal
after = names()
print(sorted(key for key in after if after[key] is not before.get(key)))
print(signal.getsignal(signal.SIGINT) is handler)
"""
    del script
    finished = subprocess.run([sys.executable, "-c", fresh], capture_output=True, text=True, timeout=20, check=False)
    assert finished.returncode == 0, finished.stderr
    changed, signals = finished.stdout.splitlines()
    # Edges of the call graph and the listing of tasks are plugged where asyncio has no hook.
    allowed = {"future_add_to_awaited_by", "future_discard_from_awaited_by"}
    import ast

    assert {name for _, name in ast.literal_eval(changed)} <= allowed
    assert signals == "True"


@tepal_alone
def test_the_extension_says_what_it_was_built_for(library):
    import tepal._native

    suffix = sysconfig.get_config_var("EXT_SUFFIX")
    assert tepal._native.__file__.endswith((suffix, ".abi3.so"))


def test_it_runs_without_a_terminal_and_without_standard_streams(library):
    script = """
    for descriptor in (0, 1, 2):
        os.close(descriptor)
    sys.stdin = sys.stdout = sys.stderr = None
    result = library.run(asyncio.sleep(0.001, 5), loop_factory=library.new_event_loop)
    os._exit(result)
    """
    assert interpreter.run(library.name, script).returncode == 5


def test_it_runs_with_assertions_off(library):
    script = """
    async def main():
        return await asyncio.gather(*(asyncio.sleep(0, n) for n in range(3)))
    print(library.run(main(), loop_factory=library.new_event_loop))
    """
    assert interpreter.run_silently(library.name, script, options=("-OO",)) == "[0, 1, 2]\n"
