"""What an ``except`` clause of 2014 catches, in today's classes of exceptions.

Until Python 3.7 ``asyncio.CancelledError`` was ``concurrent.futures.CancelledError``, and an ``Exception``. It is
neither any more, so a clause that names one of the two is made to catch it as well.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
from typing import Any

__all__ = ("caught",)


def caught(kinds: Any) -> Any:
    """Return what ``except kinds`` has to name today: ``kinds`` itself, or with ``asyncio.CancelledError`` added."""
    if kinds is Exception or kinds is concurrent.futures.CancelledError:
        return (kinds, asyncio.CancelledError)
    if isinstance(kinds, tuple) and (Exception in kinds or concurrent.futures.CancelledError in kinds):
        return (*kinds, asyncio.CancelledError)
    return kinds
