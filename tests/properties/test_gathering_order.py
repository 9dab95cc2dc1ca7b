"""Random trees of ``gather`` and ``TaskGroup``: asyncio and tepal run them in the same order, to the same ends."""

import asyncio
import gc
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from library import load

_leaves = st.one_of(
    st.tuples(st.just("return"), st.integers(0, 3)),
    st.tuples(st.just("raise"), st.integers(0, 3)),
    st.tuples(st.just("cancel"), st.integers(0, 3)),
    st.tuples(st.just("future"), st.integers(0, 3)),
    st.tuples(st.just("done"), st.just(0)),
)


def _inner(children):
    several = st.lists(children, max_size=4)
    return st.one_of(
        st.tuples(st.just("gather"), st.booleans(), several, st.none() | st.integers(0, 4)),
        # A group cancels its Tasks in the order of a set, which nobody can predict: one Task each.
        st.tuples(st.just("group"), st.lists(children, max_size=1)),
    )


trees = st.recursive(_leaves, _inner, max_leaves=12)


class Run:
    """Drives one tree and writes down what happens."""

    def __init__(self, loop):
        self.loop = loop
        self.log = []

    async def turns(self, count):
        for _ in range(count):
            await asyncio.sleep(0)

    def awaitable(self, tree, name):
        """What stands for the tree as an argument of gather: a coroutine or a future."""
        kind = tree[0]
        if kind not in ("future", "done"):
            return self.node(tree, name)
        future = self.loop.create_future()
        if kind == "done":
            future.set_result(name)
        else:
            self.loop.call_soon(self.loop.call_soon, self.settle, future, name)
        return future

    def settle(self, future, name):
        self.log.append(("settle", name))
        if not future.done():
            future.set_result(name)

    async def node(self, tree, name):
        self.log.append(("start", name))
        try:
            result = await self.run(tree, name)
        except BaseException as error:
            self.log.append(("error", name, type(error).__name__, str(error)[:40]))
            raise
        self.log.append(("end", name, repr(result)))
        return result

    async def run(self, tree, name):
        kind = tree[0]
        if kind == "return":
            await self.turns(tree[1])
            return name
        if kind == "raise":
            await self.turns(tree[1])
            raise ValueError(name)
        if kind == "cancel":
            asyncio.current_task().cancel(name)
            await self.turns(tree[1] + 1)
            return name
        if kind in ("future", "done"):
            return await self.awaitable(tree, name)
        if kind == "group":
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(self.node(child, f"{name}.{index}")) for index, child in enumerate(tree[1])]
            return [task.result() for task in tasks]
        return await self.gather(tree, name)

    async def gather(self, tree, name):
        _kind, return_exceptions, children, cancel_after = tree
        awaitables = [self.awaitable(child, f"{name}.{index}") for index, child in enumerate(children)]
        gathered = asyncio.gather(*awaitables, return_exceptions=return_exceptions)
        if cancel_after is not None:
            await self.turns(cancel_after)
            self.log.append(("cancel", name, gathered.cancel("together")))
        return [repr(result) for result in await gathered]


def outcome(name, tree, eager):
    library = load(name)
    loop = library.new_event_loop()
    reports = []
    loop.set_exception_handler(lambda _loop, context: reports.append(context["message"].split("\n")[0]))
    if eager:
        loop.set_task_factory(library.eager_task_factory)
    run = Run(loop)
    try:
        loop.run_until_complete(loop.create_task(run.node(tree, "0")))
    except BaseException as error:
        run.log.append(("at last", type(error).__name__))
    loop.run_until_complete(run.turns(8))
    for task in asyncio.all_tasks(loop):
        task.cancel()
    loop.run_until_complete(run.turns(8))
    gc.collect()  # what is reported when it ends, in a cycle, is reported now
    loop.close()
    return run.log, sorted(reports)


@pytest.mark.parametrize("eager", [False, True] if sys.version_info >= (3, 12) else [False])
@settings(deadline=None, max_examples=150)
@given(tree=trees)
def test_the_same_order(eager, tree):
    assert outcome("tepal", tree, eager) == outcome("asyncio", tree, eager)
