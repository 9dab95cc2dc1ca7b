"""The two loops that every scenario runs on, by the names that programs' command lines take."""

import asyncio
import importlib
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Subject:
    """An event loop as a user chooses it: by an import string, a factory, or the command that runs a program on it."""

    name: str
    factory_name: str
    """`module:attribute`, what `uvicorn --loop` takes."""
    class_name: str
    """What `describe()` says of a running loop of this kind."""

    @property
    def factory(self) -> Callable[[], asyncio.AbstractEventLoop]:
        """What `asyncio.Runner(loop_factory=...)` takes."""
        module, _, attribute = self.factory_name.partition(":")
        factory: Callable[[], asyncio.AbstractEventLoop] = getattr(importlib.import_module(module), attribute)
        return factory

    @property
    def is_tepal(self) -> bool:
        """Whether this is tepal's loop."""
        return self.name == "tepal"

    @property
    def python(self) -> tuple[str, ...]:
        """The words after the interpreter's name that run an unchanged program on this loop."""
        return ("-m", "tepal", "run") if self.is_tepal else ()

    def run(self, main: Coroutine[Any, Any, Any]) -> Any:
        """Runs a coroutine as `asyncio.run()` does, and makes sure that it was this loop that ran it."""

        async def checked() -> Any:
            self.check(describe())
            return await main

        with asyncio.Runner(loop_factory=self.factory) as runner:
            return runner.run(checked())

    def check(self, description: str) -> None:
        """Raises AssertionError unless `description`, from `describe()` in some process, is of this kind of loop.

        The Task may be asyncio's all the same: aiohttp on 3.12 and 3.13 calls `asyncio.Task` for an eager start.
        """
        of_asyncio = f"{self.class_name.partition('/')[0]}/asyncio"
        assert description in (self.class_name, of_asyncio), f"ran on {description}, not on {self.class_name}"


def describe() -> str:
    """Returns the class of the running loop and of its current Task, in one word."""
    task = asyncio.current_task()
    loop = type(asyncio.get_running_loop())
    return f"{loop.__module__.partition('.')[0]}.{loop.__name__}/{type(task).__module__.lstrip('_').partition('.')[0]}"


SUBJECTS = {
    "asyncio": Subject("asyncio", "asyncio:SelectorEventLoop", "asyncio._UnixSelectorEventLoop/asyncio"),
    "tepal": Subject("tepal", "tepal:new_event_loop", "tepal.EventLoop/tepal"),
}
