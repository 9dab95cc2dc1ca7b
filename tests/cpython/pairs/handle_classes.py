"""The Handle and TimerHandle under test, in the names under which CPython's tests make theirs."""

import asyncio
from unittest import mock

from subject import under_test
from test.test_asyncio import test_events


class OurHandles:
    """Mixin before a `TestCase`: asyncio's names of the two classes mean ours while a test runs."""

    def setUp(self) -> None:
        for name, role in (("Handle", "handle"), ("TimerHandle", "timer_handle")):
            patch = mock.patch.object(asyncio, name, under_test(role))
            patch.start()
            self.addCleanup(patch.stop)  # type: ignore[attr-defined]
        super().setUp()  # type: ignore[misc]


class HandleTests(OurHandles, test_events.HandleTests):
    pass


class TimerTests(OurHandles, test_events.TimerTests):
    pass
