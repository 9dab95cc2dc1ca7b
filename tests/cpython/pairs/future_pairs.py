"""The Future under test, a Python subclass of it, and the Task under test where CPython tests a Task as a Future."""

from typing import Any

from subject import under_test
from test.test_asyncio import test_futures, test_futures2

OurFuture = under_test("future")
OurTask = under_test("task")


class OurSubFuture(OurFuture):
    """A subclass in Python that changes nothing: it takes the paths that an exact class may skip."""


class FutureTests(test_futures.CFutureTests):
    cls = OurFuture


class SubFutureTests(test_futures.CSubFutureTests):
    cls = OurSubFuture


class FutureDoneCallbackTests(test_futures.CFutureDoneCallbackTests):
    def _new_future(self) -> Any:
        return OurFuture(loop=self.loop)


class SubFutureDoneCallbackTests(test_futures.CSubFutureDoneCallbackTests):
    def _new_future(self) -> Any:
        return OurSubFuture(loop=self.loop)


class FutureInheritanceTests(test_futures.CFutureInheritanceTests):
    def _get_future_cls(self) -> type:
        return OurFuture


class AwaitedTaskTests(test_futures2.CFutureTests):
    cls = OurTask
