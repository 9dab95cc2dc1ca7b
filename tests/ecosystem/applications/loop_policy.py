"""A pytest plugin that has a test suite which chooses no loop run on the one that ECOSYSTEM_LOOP names."""

import asyncio
import os

from subject import SUBJECTS, describe

subject = SUBJECTS[os.environ["ECOSYSTEM_LOOP"]]


def pytest_configure() -> None:
    """Sets the event loop policy, and makes sure that it is obeyed."""
    if subject.is_tepal:
        from tepal import policy

        policy.set_policy(policy.EventLoopPolicy())

    async def check() -> None:
        subject.check(describe())

    asyncio.run(check())
