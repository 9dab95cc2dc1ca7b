"""Tests that CPython runs on a mocked or simulated `BaseEventLoop`, here on the loop under test.

CPython's `TestLoop` exists to simulate time: tests which pass it a generator of times keep it, the others get a real
loop, which puts our Task and Future where their short ways through the loop are.
"""

import asyncio
from asyncio import futures, tasks
from typing import Any

from subject import under_test
from test.test_asyncio import test_futures, test_pep492, test_runners, test_tasks
from test.test_asyncio import utils as test_utils

from pairs.future_pairs import OurSubFuture
from pairs.task_pairs import PureRegistered, Registered

OurTask = under_test("task")
OurFuture = under_test("future")


class OnOurLoop:
    """Mixin before `test_utils.TestCase`: a test that does not simulate time runs on the loop under test."""

    def new_test_loop(self, gen: Any = None) -> Any:
        if gen is not None:
            return super().new_test_loop(gen)  # type: ignore[misc]
        loop = asyncio.new_event_loop()
        self.set_event_loop(loop)  # type: ignore[attr-defined]
        return loop


class OurTask_OurFuture_OnOurLoop(OnOurLoop, Registered, test_tasks.CTask_CFuture_Tests):
    Task = OurTask
    Future = OurFuture


class CTask_CFuture_OnOurLoop(OnOurLoop, test_tasks.CTask_CFuture_Tests):
    pass


class CTask_OurFuture_OnOurLoop(OnOurLoop, Registered, test_tasks.BaseTaskTests, test_utils.TestCase):
    Task = tasks._CTask
    Future = OurFuture


class OurTask_CFuture_OnOurLoop(OnOurLoop, Registered, test_tasks.BaseTaskTests, test_utils.TestCase):
    Task = OurTask
    Future = futures._CFuture


class PyTask_PyFuture_OnOurLoop(OnOurLoop, PureRegistered, test_tasks.BaseTaskTests, test_utils.TestCase):
    Task = tasks._PyTask
    Future = futures._PyFuture


@test_tasks.add_subclass_tests
class OurTask_OurFuture_SubclassOnOurLoop(OnOurLoop, Registered, test_tasks.BaseTaskTests, test_utils.TestCase):
    Task = OurTask
    Future = OurFuture


class FutureOnOurLoop(OnOurLoop, test_futures.CFutureTests):
    cls = OurFuture


class SubFutureOnOurLoop(OnOurLoop, test_futures.CSubFutureTests):
    cls = OurSubFuture


class FutureDoneCallbackOnOurLoop(OnOurLoop, test_futures.CFutureDoneCallbackTests):
    def _new_future(self) -> Any:
        return OurFuture(loop=self.loop)


class ObservedLoop:
    """Mixin before a class of test_runners: the policy's loops are ours.

    They tell whether `shutdown_asyncgens` was awaited, which the tests check.
    """

    def new_loop(self) -> Any:
        loop = under_test("loop")()
        loop.shutdown_ag_run = False

        async def shutdown_asyncgens() -> None:
            loop.shutdown_ag_run = True

        loop.shutdown_asyncgens = shutdown_asyncgens
        return loop


class RunOnOurLoop(ObservedLoop, test_runners.RunTests):
    pass


class RunnerOnOurLoop(ObservedLoop, test_runners.RunnerTests):
    pass


class Pep492OnOurLoop:
    """Mixin before a class of test_pep492, whose `setUp` makes a `BaseEventLoop` with a mocked selector."""

    def setUp(self) -> None:
        test_utils.TestCase.setUp(self)  # type: ignore[arg-type]
        self.loop = under_test("loop")()
        self.set_event_loop(self.loop)  # type: ignore[attr-defined]


class LockWithOnOurLoop(Pep492OnOurLoop, test_pep492.LockTests):
    pass


class StreamReaderOnOurLoop(Pep492OnOurLoop, test_pep492.StreamReaderTests):
    pass


class CoroutineOnOurLoop(Pep492OnOurLoop, test_pep492.CoroutineTests):
    pass
