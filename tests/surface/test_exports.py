"""The public names of tepal: all of them, and nothing else."""

import asyncio
import importlib
import importlib.metadata
import pathlib
import sys
import warnings

import pytest

PUBLIC = {
    "EventLoop",
    "EventLoopPolicy",
    "Future",
    "Handle",
    "Task",
    "TimerHandle",
    "eager_task_factory",
    "install",
    "new_event_loop",
    "run",
}
RETIRED_IN_3_16 = {"EventLoopPolicy", "install"}


@pytest.fixture
def tepal():
    return importlib.import_module("tepal")


def test_all_lists_the_public_names(tepal):
    exported = set(tepal.__all__)
    assert exported - {"__version__"} >= PUBLIC - RETIRED_IN_3_16
    assert exported - PUBLIC <= {"__version__", "TepalError"}
    assert len(tepal.__all__) == len(exported)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_every_public_name_exists(tepal):
    for name in tepal.__all__:
        assert getattr(tepal, name) is not None


def test_nothing_else_looks_public(tepal):
    modules = {
        name
        for name, value in vars(tepal).items()
        if isinstance(value, type(sys)) and value.__name__.startswith("tepal.")
    }
    # pytest puts names with an @ into the modules of a package that has a plugin.
    visible = {name for name in dir(tepal) if not name.startswith(("_", "@"))}
    assert visible - modules <= set(tepal.__all__)


def test_names_know_where_they_live(tepal):
    """Tracebacks, pickles and documentation show the public place."""
    for name in ("EventLoop", "Task", "Future", "Handle", "TimerHandle"):
        kind = getattr(tepal, name)
        assert isinstance(kind, type)
        assert kind.__name__ == name
        assert kind.__module__.split(".")[0] == "tepal"
        assert kind.__doc__


def test_functions_are_documented(tepal):
    for name in ("new_event_loop", "run", "eager_task_factory"):
        assert getattr(tepal, name).__doc__


def test_the_classes_are_asyncios_kind(tepal):
    assert issubclass(tepal.EventLoop, asyncio.AbstractEventLoop)
    assert issubclass(tepal.EventLoop, asyncio.BaseEventLoop)
    assert issubclass(tepal.TimerHandle, tepal.Handle)


def test_the_version(tepal):
    assert tepal.__version__ == importlib.metadata.version("tepal")


def test_types_are_shipped(tepal):
    folder = pathlib.Path(tepal.__file__).parent
    assert (folder / "py.typed").is_file()
    assert any(folder.glob("*.pyi"))


def test_the_policy(tepal):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        if sys.version_info >= (3, 16):
            for name in RETIRED_IN_3_16:
                with pytest.raises(AttributeError, match="3.16"):
                    getattr(tepal, name)
            return
        policy = tepal.EventLoopPolicy()
        loop = policy.new_event_loop()
        assert type(loop) is tepal.EventLoop
        loop.close()


def test_installing(tepal):
    """After ``install()`` an unchanged program gets tepal's loop."""
    if sys.version_info >= (3, 16):
        pytest.skip("policies are retired in 3.16")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        before = asyncio.get_event_loop_policy()
        tepal.install()
        try:

            async def main():
                return type(asyncio.get_running_loop())

            assert asyncio.run(main()) is tepal.EventLoop
            loop = asyncio.new_event_loop()
            assert type(loop) is tepal.EventLoop
            loop.close()
        finally:
            asyncio.set_event_loop_policy(before)


def test_the_module_can_be_run(tepal):
    import subprocess

    finished = subprocess.run(
        [sys.executable, "-m", "tepal", "--help"],
        capture_output=True, text=True, timeout=20, check=False,
    )  # fmt: skip
    assert finished.returncode == 0, finished.stderr
    assert "run" in finished.stdout
