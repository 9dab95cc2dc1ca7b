"""The server process of the network benches: one loop with several kinds of servers on it.

Started as ``python -m measure.server_process LOOP CORE [KIND,KIND...]``. Its first line of standard output is
JSON: the version of the loop, the port of each server, and why a server is missing. Then it
serves until it is killed.
"""

import asyncio
import contextlib
import json
import os
import resource
import sys
import warnings
from typing import Any

import servers

from measure import loops
from measure.loop_process import version_of, why_absent

START_LIMIT = 5.0
"""Seconds for one server to start."""


async def start_all(kinds: list[str]) -> tuple[dict[str, int], dict[str, str]]:
    """Start a server of each kind; returns kind to port, and kind to why it did not start."""
    ports, missing = {}, {}
    for kind in kinds:
        try:
            ports[kind] = await asyncio.wait_for(servers.KINDS[kind](), START_LIMIT)
        except Exception as error:
            missing[kind] = f"{type(error).__name__}: {error}"
    return ports, missing


async def serve(answers: Any, version: str, kinds: list[str]) -> None:
    """Start the servers, say so, serve."""
    ports, missing = await start_all(kinds)
    print(json.dumps({"version": version, "ports": ports, "missing": missing}), file=answers, flush=True)
    await asyncio.get_running_loop().create_future()


def main(name: str, core: int, kinds: list[str]) -> None:
    """Serve on the loop ``name``, pinned to ``core``."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    warnings.simplefilter("ignore")
    os.sched_setaffinity(0, {core})
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    try:
        loaded = loops.load(name)
    except Exception as error:
        print(json.dumps({"reason": why_absent(error, name)}), file=answers, flush=True)
        return
    with contextlib.suppress(KeyboardInterrupt), asyncio.Runner(loop_factory=loaded.new_event_loop) as runner:
        runner.run(serve(answers, version_of(name), kinds))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3].split(",") if len(sys.argv) > 3 else list(servers.KINDS))
