"""Dask's `distributed`: scheduler, nannies and worker processes all on the loop under test."""

import json
from typing import Any

from scenario import scenario
from stage import APPLICATIONS, Stage


@scenario("distributed", "LocalCluster of three worker processes; run_in_executor over the cluster", seconds=120)
def local_cluster(stage: Stage) -> dict[str, Any]:
    words = (*stage.loop.python, str(APPLICATIONS / "dask_program.py"))
    program = stage.python(*words, DASK_TEMPORARY_DIRECTORY=str(stage.folder))
    status = program.wait(110)
    lines = [line for line in program.text().splitlines() if line.startswith("{")]
    assert lines, program.text()
    seen: dict[str, Any] = json.loads(lines[-1])
    assert seen.pop("loops") == [stage.loop.class_name], program.text()
    return {**seen, "status": status, "tracebacks": program.tracebacks()}
