"""The first experiment of ``coroutine_or_task.py``, to be looked at: where does the child run?

    python -m tepal report --html seen.html examples/one_lane_or_two.py

``caller`` makes a child, waits for something else, and only then for the child. The first time the child is a bare
coroutine: it has not begun before the caller awaits it, and then runs within the caller's lane. The second time it is
a Task: it has a lane of its own, and runs while the caller waits for something else.
"""

import asyncio

from coroutine_or_task import caller, coroutine_itself


async def main() -> None:
    await caller(print, coroutine_itself)
    await caller(print, asyncio.create_task)


asyncio.run(main())
