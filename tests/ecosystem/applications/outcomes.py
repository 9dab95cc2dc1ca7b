"""A pytest plugin that writes every test's outcome, as JSON, to the file that ECOSYSTEM_OUTCOMES names."""

import json
import os
from pathlib import Path

import pytest

outcomes: dict[str, str] = {}


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds an option that takes more tests, and stranger ids, than a command line does well."""
    parser.addoption("--only-tests", type=json.loads, default=None, help="JSON list of the ids of the tests to run")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leaves out all tests but those of --only-tests, if it was given."""
    wanted = config.getoption("--only-tests")
    if wanted is not None:
        items[:] = [item for item in items if item.nodeid in set(wanted)]


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Keeps the worst outcome of a test's three phases."""
    if report.when == "call" or report.outcome != "passed":
        outcomes[report.nodeid] = report.outcome


def pytest_sessionfinish() -> None:
    """Writes the outcomes."""
    Path(os.environ["ECOSYSTEM_OUTCOMES"]).write_text(json.dumps(outcomes), encoding="utf-8")
