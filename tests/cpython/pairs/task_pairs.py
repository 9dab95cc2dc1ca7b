"""Every pair of a Task class and a Future class of which at least one is under test, on CPython's own test loop.

The mixins ask `Task`, `Future`, `all_tasks` and `current_task` of the class that they are mixed into. CPython's classes
for the C implementation bring tests of their own (attributes that must not be deletable, say), so those classes are the
ones inherited. SetMethodsTest calls `Future.set_result(task, ...)`: it fits a Task whose Future is its base, so it
comes with the first class only, as in CPython.
"""

from asyncio import futures, tasks
from typing import Any

from subject import under_test
from test.test_asyncio import test_tasks
from test.test_asyncio import utils as test_utils

OurTask = under_test("task")
OurFuture = under_test("future")


class Registered:
    """The registry that `asyncio.all_tasks` reads; ours and C Tasks are both in it."""

    all_tasks: Any = staticmethod(getattr(tasks, "_c_all_tasks", tasks.all_tasks))
    current_task: Any = staticmethod(getattr(tasks, "_c_current_task", tasks.current_task))


class PureRegistered:
    """The registry of the pure-Python Task, which is another one from 3.12 on."""

    all_tasks: Any = staticmethod(getattr(tasks, "_py_all_tasks", tasks.all_tasks))
    current_task: Any = staticmethod(getattr(tasks, "_py_current_task", tasks.current_task))


class OurTask_OurFuture_Tests(Registered, test_tasks.CTask_CFuture_Tests):
    Task = OurTask
    Future = OurFuture


@test_tasks.add_subclass_tests
class OurTask_OurFuture_SubclassTests(Registered, test_tasks.BaseTaskTests, test_utils.TestCase):
    Task = OurTask
    Future = OurFuture


class OurTask_CFuture_Tests(Registered, test_tasks.BaseTaskTests, test_utils.TestCase):
    Task = OurTask
    Future = futures._CFuture


@test_tasks.add_subclass_tests
class OurTask_CFuture_SubclassTests(Registered, test_tasks.BaseTaskTests, test_utils.TestCase):
    Task = OurTask
    Future = futures._CFuture


class OurTask_PyFuture_Tests(Registered, test_tasks.BaseTaskTests, test_utils.TestCase):
    Task = OurTask
    Future = futures._PyFuture


@test_tasks.add_subclass_tests
class OurTask_PyFuture_SubclassTests(Registered, test_tasks.BaseTaskTests, test_utils.TestCase):
    Task = OurTask
    Future = futures._PyFuture


class CTask_OurFuture_Tests(Registered, test_tasks.BaseTaskTests, test_utils.TestCase):
    Task = tasks._CTask
    Future = OurFuture


@test_tasks.add_subclass_tests
class CTask_OurFuture_SubclassTests(Registered, test_tasks.BaseTaskTests, test_utils.TestCase):
    Task = tasks._CTask
    Future = OurFuture


class PyTask_OurFuture_Tests(PureRegistered, test_tasks.BaseTaskTests, test_utils.TestCase):
    Task = tasks._PyTask
    Future = OurFuture


@test_tasks.add_subclass_tests
class PyTask_OurFuture_SubclassTests(PureRegistered, test_tasks.BaseTaskTests, test_utils.TestCase):
    Task = tasks._PyTask
    Future = OurFuture


class IntrospectionTests(test_tasks.CIntrospectionTests):
    Task = OurTask


class CurrentLoopTests(test_tasks.CCurrentLoopTests):
    def new_task(self, coro: Any) -> Any:
        return OurTask(coro, loop=self.loop)
