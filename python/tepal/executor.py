"""A loop's default executor: concurrent.futures' thread pool above a native queue.

``run_in_executor(None, ...)`` hands a call to it and gets the answer without a ``concurrent.futures.Future``, whose
condition, callbacks and locks are most of what such a call costs. Everything else (``submit()``, ``shutdown()``, names
and number of the threads, the end of the interpreter) is ``ThreadPoolExecutor``'s own
(Lib/concurrent/futures/thread.py): its threads run what is put into its queue, and the queue is replaced.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import queue
import threading
import weakref
from collections.abc import Callable
from concurrent.futures import thread as thread_pools
from typing import Any

from tepal import _native

__all__ = ("DefaultExecutor", "is_unchanged")

_POOL = concurrent.futures.ThreadPoolExecutor
_SUBMIT = _POOL.submit


def is_unchanged() -> bool:
    """Whether nobody has replaced the pool or its ``submit()``, as instrumentations do to see every call."""
    return concurrent.futures.ThreadPoolExecutor is _POOL and _POOL.submit is _SUBMIT


class _Queue(_native.JobQueue):
    """What of ``queue.SimpleQueue`` a ``ThreadPoolExecutor`` uses beyond the native part."""

    def get_nowait(self) -> Any:
        """Return the first item; raise ``queue.Empty`` if there is none."""
        if (item := self.take(self)) is self:
            raise queue.Empty
        return item


def _work(reference: weakref.ref[DefaultExecutor], work_queue: _Queue, *context: object) -> None:
    """The life of a thread, as ``concurrent.futures.thread._worker``."""
    try:
        while True:
            # Comes back with each None.
            work_queue.work(*context)
            executor = reference()
            if thread_pools._shutdown or executor is None or executor._shutdown:
                if executor is not None:
                    executor._shutdown = True
                # The other threads are to see it as well.
                work_queue.put(None)
                return
            del executor
    except BaseException:
        concurrent.futures._base.LOGGER.critical("Exception in worker", exc_info=True)


class DefaultExecutor(concurrent.futures.ThreadPoolExecutor):
    """The ``ThreadPoolExecutor`` that a loop makes for itself, with threads named ``asyncio_0``, ``asyncio_1``, ..."""

    def __init__(self) -> None:
        super().__init__(thread_name_prefix="asyncio")
        self._jobs = _Queue()
        self._work_queue = self._jobs  # type: ignore[assignment]

    def call(
        self, loop: asyncio.AbstractEventLoop, func: Callable[..., Any], args: tuple[Any, ...]
    ) -> asyncio.Future[Any] | None:
        """Let a thread call ``func(*args)``; return a Future of ``loop``, a
        ``tepal.EventLoop``, for the answer.

        None, and nothing was done, if something is unusual: ``submit()`` then knows what to do or to raise.
        """
        with self._shutdown_lock, thread_pools._global_shutdown_lock:
            if self._broken or self._shutdown or thread_pools._shutdown:
                return None
            future = self._jobs.submit(loop, func, *args)
            if future is not None and self._jobs.needs_thread():
                self._adjust_thread_count()
            return future

    def _adjust_thread_count(self) -> None:
        work_queue = self._jobs
        number = len(self._threads)
        if not work_queue.needs_thread() or number >= self._max_workers:
            return

        def look(_reference: object) -> None:
            work_queue.put(None)

        # Since 3.14 a work item wants to be given what the executor makes for each thread.
        make_context = getattr(self, "_create_worker_context", None)
        context = () if make_context is None else (make_context(),)
        reference = weakref.ref(self, look)
        name = f"{self._thread_name_prefix}_{number}"
        thread = threading.Thread(name=name, target=_work, args=(reference, work_queue, *context))
        thread.start()
        self._threads.add(thread)  # type: ignore[attr-defined]
        thread_pools._threads_queues[thread] = work_queue  # type: ignore[index]
