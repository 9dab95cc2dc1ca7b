"""pytest-asyncio with the loop chosen in conftest.py, as docs/using.md has it."""

import shutil
from typing import Any

from scenario import scenario
from stage import APPLICATIONS, Stage

CONFTEST = """
import pytest
import {module}

def pytest_asyncio_loop_factories(config, item):
    return {{"{name}": {module}.{attribute}}}

@pytest.fixture
def expected():
    return "{expected}"
"""


@scenario("pytest-asyncio", "tests, fixtures and shared loops")
def tests(stage: Stage) -> dict[str, Any]:
    module, _, attribute = stage.loop.factory_name.partition(":")
    names = {"module": module, "attribute": attribute, "name": stage.loop.name, "expected": stage.loop.class_name}
    (stage.folder / "conftest.py").write_text(CONFTEST.format(**names), encoding="utf-8")
    (stage.folder / "pytest.ini").write_text("[pytest]\nasyncio_mode = auto\n", encoding="utf-8")
    shutil.copy(APPLICATIONS / "pytest_asyncio_tests.py", stage.folder / "test_with.py")
    words = ("-m", "pytest", "-q", "--timeout", "20", "-p", "no:cacheprovider", "--rootdir", str(stage.folder))
    program = stage.python(*words, str(stage.folder))
    status = program.wait(50)
    counts = program.text().splitlines()[-1].partition(" in ")[0]
    return {"status": status, "counts": counts, "summary": counts}
