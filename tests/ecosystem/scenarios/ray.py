"""Ray: its futures awaited on the loop under test, its pool through run_in_executor()."""

import asyncio
from typing import Any

from scenario import scenario
from stage import Stage


def square(number: int) -> int:
    """Squares, in a worker process."""
    return number * number


@scenario("ray", "awaiting remote calls, actors with coroutines, run_in_executor", seconds=150)
async def remote_calls(stage: Stage) -> dict[str, Any]:
    import ray

    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, _temp_dir=str(stage.folder / "ray"))
    try:
        remote = ray.remote(square)
        seen: dict[str, Any] = {"awaited": sum(await asyncio.gather(*[remote.remote(n) for n in range(100)]))}

        @ray.remote
        class Counter:
            def __init__(self) -> None:
                self.count = 0

            async def add(self, number: int) -> int:
                await asyncio.sleep(0.001)
                self.count += number
                return self.count

        counter = Counter.remote()
        seen["actor"] = max(await asyncio.gather(*[counter.add.remote(1) for _ in range(50)]))
        loop = asyncio.get_running_loop()
        seen["executor"] = await asyncio.gather(
            *[loop.run_in_executor(None, ray.get, remote.remote(n)) for n in range(20)]
        )
        return seen
    finally:
        ray.shutdown()
