"""A LocalCluster with worker processes that computes; `tepal run dask_program.py` has every process on tepal.

Prints one line of JSON with what was observed.
"""

import asyncio
import json
import os
from typing import Any

from distributed import Client, LocalCluster, get_worker, wait
from subject import describe


async def loop_here() -> str:
    """Tells the loop of the process that runs this."""
    return describe()


def add(one: int, other: int) -> int:
    """Adds, in some worker process."""
    return one + other


def fails() -> None:
    """Fails in a worker process."""
    raise RuntimeError("meant to fail")


def process_id() -> int:
    """Tells where this runs."""
    return os.getpid()


def address() -> str:
    """Tells the address of the worker that this runs on."""
    found: str = get_worker().address
    return found


def compute(client: Client) -> dict[str, Any]:
    """Uses the cluster from outside any loop; returns what was seen."""
    seen: dict[str, Any] = {}
    seen["map"] = sum(client.gather(client.map(add, range(2000), range(2000))))
    layer = client.map(add, range(128), range(128))
    while len(layer) > 1:
        layer = [client.submit(add, *pair) for pair in zip(layer[::2], layer[1::2], strict=True)]
    seen["tree"] = layer[0].result()
    seen["failed"] = type(client.submit(fails).exception()).__name__
    (scattered,) = client.scatter([b"x" * 3_000_000], broadcast=True)
    seen["scattered"] = client.submit(len, scattered).result()
    places = client.run(process_id)
    seen["processes"] = len(set(places.values()) - {os.getpid()})
    wait(client.map(add, range(100), range(100)))
    seen["addresses"] = len({client.submit(address, workers=[place], pure=False).result() for place in places})
    return seen


async def compute_in_loop(address_of_scheduler: str) -> dict[str, Any]:
    """Uses the cluster from a coroutine, and its executor through run_in_executor(); returns what was seen."""
    async with Client(address_of_scheduler, asynchronous=True) as client:
        futures = client.map(add, range(500), range(500))
        total = sum(await client.gather(futures))
        executor = client.get_executor()
        loop = asyncio.get_running_loop()
        return {"awaited": total, "here": describe(), "executor": type(executor).__name__, "loop": loop.is_running()}


async def through_executor(executor: Any) -> list[int]:
    """Has the cluster compute through asyncio's own run_in_executor()."""
    loop = asyncio.get_running_loop()
    return await asyncio.gather(*[loop.run_in_executor(executor, add, index, index) for index in range(100)])


def main() -> None:
    """Runs the cluster."""
    with (
        LocalCluster(
            n_workers=3, threads_per_worker=1, processes=True, dashboard_address=None, host="127.0.0.1"
        ) as cluster,
        Client(cluster) as client,
    ):
        loops = set(client.run(loop_here).values()) | set(client.run(loop_here, nanny=True).values())
        loops.add(client.run_on_scheduler(loop_here))
        seen = compute(client)
        seen |= asyncio.run(compute_in_loop(cluster.scheduler_address))
        loops.add(seen.pop("here"))
        seen["run_in_executor"] = sum(asyncio.run(through_executor(client.get_executor())))
    print(json.dumps({"loops": sorted(loops), **seen}), flush=True)


if __name__ == "__main__":
    main()
