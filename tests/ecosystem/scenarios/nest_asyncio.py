"""nest_asyncio and its successor, which turn a loop by hand, in Python, so that it can run inside itself."""

import json
from typing import Any

from scenario import scenario
from stage import APPLICATIONS, Stage


@scenario("nest_asyncio", "nest_asyncio: loops in loops, in a program that does not know of tepal")
def first(stage: Stage) -> dict[str, Any]:
    return nested(stage, "nest_asyncio")


@scenario("nest_asyncio", "nest_asyncio2: loops in loops, in a program that does not know of tepal")
def second(stage: Stage) -> dict[str, Any]:
    return nested(stage, "nest_asyncio2")


def nested(stage: Stage, library: str) -> dict[str, Any]:
    program = stage.python(*stage.loop.python, str(APPLICATIONS / "nested_program.py"), library)
    status = program.wait(30)
    lines = [line for line in program.text().splitlines() if line.startswith("{")]
    assert lines, program.text()
    return {**json.loads(lines[-1]), "status": status, "tracebacks": program.tracebacks()}
