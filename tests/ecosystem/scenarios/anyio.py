"""anyio's own test suite, from the source of the installed version, with its loops made by a factory of ours."""

import socket
from typing import Any

import suite
from scenario import scenario
from stage import Stage

SOURCE = suite.SOURCES / "anyio"
# Its tests start pytest in processes of their own, which choose their loop themselves.
LEFT_OUT = SOURCE / "tests" / "test_pytest_plugin.py"


@scenario("anyio", "its own test suite", seconds=600)
def own_suite(stage: Stage) -> dict[str, Any]:
    words = ["-p", "anyio_backend", "--rootdir", str(SOURCE), "-c", str(SOURCE / "pyproject.toml")]
    words += ["--ignore", str(LEFT_OUT), str(SOURCE / "tests")]
    try:
        socket.getaddrinfo("localhost", 0, socket.AF_INET6)
    except socket.gaierror:
        words += ["-k", "not ipv6"]
    return suite.run(stage, *words, limit=500, at_least=1000)
