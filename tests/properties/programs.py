"""Random programs of tasks, futures, cancellations, timers and callbacks.

A program is data: a few actors, each a list of operations, each operation a tuple
of a name and small numbers.  ``machine.py`` gives the names their meaning.  Numbers
refer to futures and tasks modulo how many there are, so that every program means
something and a smaller program is a simpler one, which is what lets Hypothesis
shrink a difference to its core.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

Operation = tuple[Any, ...]

small = st.integers(0, 5)
message = st.sampled_from([None, "why", 7])
targets = st.lists(small, min_size=1, max_size=3)
flag = st.booleans()


def operation(name: str, *parts: st.SearchStrategy[Any]) -> st.SearchStrategy[Operation]:
    return st.tuples(st.just(name), *parts)


# What a callback does.
ACTIONS = st.one_of(
    operation("say", small),
    operation("finish", small, small),
    operation("fail_future", small, small),
    operation("cancel_future", small, message),
    operation("cancel_task", small, message),
    operation("raise", small),
    operation("say_later", small),
    operation("set_event", small),
    operation("set_variable", small),
)

# What an actor does without waiting.
QUICK = [
    operation("say", small),
    operation("finish", small, small),
    operation("fail_future", small, small),
    operation("cancel_future", small, message),
    operation("cancel_task", small, message),
    operation("cancel_self", message),
    operation("uncancel_self"),
    operation("uncancel_task", small),
    operation("renew_future", small),
    operation("call_soon", ACTIONS),
    operation("call_threadsafe", ACTIONS),
    operation("call_and_cancel", ACTIONS),
    operation("add_callback", small, ACTIONS),
    operation("remove_callbacks", small),
    operation("spawn", small, st.sampled_from(["lazy", "lazy", "eager"]), flag),
    operation("set_event", small),
    operation("clear_event", small),
    operation("put_nowait", small),
    operation("set_variable", small),
    operation("look"),
]

# What an actor waits for.  The flag says whether it survives being cancelled there.
WAITING = [
    operation("yield", flag),
    operation("yield", flag),
    operation("await_target", small, flag),
    operation("await_target", small, flag),
    operation("await_shield", small, flag),
    operation("await_gather", targets, flag, flag),
    operation("await_wait", targets, st.sampled_from(["ALL", "FIRST", "EXCEPTION"]), flag),
    operation("await_wait_for", small, flag),
    operation("wait_event", small, flag),
    operation("put", small, flag),
    operation("get", flag),
    operation("await_generator", small, flag),
    operation("join_spawned", small, flag),
]

# Operations with a deadline; their number becomes a slot of time of their own.
TIMED = [
    operation("sleep_until", small, flag),
    operation("sleep_until", small, flag),
    operation("wait_for_until", small, small, flag),
    operation("wait_until", small, targets, flag),
    operation("call_at", small, ACTIONS),
    operation("call_at_twice", small, ACTIONS, ACTIONS),
    operation("call_at_and_cancel", small, ACTIONS),
    operation("call_in_the_past", ACTIONS),
]


def operations(timed: bool) -> st.SearchStrategy[list[Operation]]:
    """Lists of operations, some of which hold further ones."""
    simple = [*QUICK, *WAITING, *WAITING, *(TIMED * 2 if timed else [])]
    inner = st.lists(st.one_of([*simple, operation("raise", small)]), min_size=1, max_size=5)
    nested = [
        operation("locked", inner, flag),
        operation("limited", inner, flag),
        operation("group", st.lists(small, min_size=1, max_size=2), inner, flag),
        operation("sheltered", inner),
        *([operation("timeout_at", small, inner, flag)] * 2 if timed else []),
    ]
    return st.lists(st.one_of([*simple, *nested, *nested]), min_size=2, max_size=14)


@dataclass(frozen=True)
class Program:
    """Actors by number; the first ``started`` are started at once."""

    actors: tuple[tuple[Operation, ...], ...]
    started: int
    timed: bool
    slots: int

    def __str__(self) -> str:
        lines = [f"started={self.started} timed={self.timed} slots={self.slots}"]
        for number, actor in enumerate(self.actors):
            lines.append(f"actor {number}:")
            lines += [f"    {operation!r}" for operation in actor]
        return "\n".join(lines)


SLOT_PLACE = {
    "sleep_until": 1,
    "wait_for_until": 1,
    "wait_until": 1,
    "call_at": 1,
    "call_at_twice": 1,
    "call_at_and_cancel": 1,
    "timeout_at": 1,
}


def with_distinct_slots(actors: list[list[Operation]]) -> tuple[list[list[Operation]], int]:
    """Turn the drawn ranks of timed operations into slots that nobody else has."""
    ranks: list[tuple[int, int]] = []

    def collect(operations: list[Operation]) -> None:
        for each in operations:
            if each[0] in SLOT_PLACE:
                ranks.append((each[1], len(ranks)))
            for part in each[1:]:
                if _is_body(part):
                    collect(part)

    for actor in actors:
        collect(actor)
    slot_of = {place: slot for slot, (_, place) in enumerate(sorted(ranks), 1)}
    counter = iter(range(len(ranks)))

    def replace(operations: list[Operation]) -> list[Operation]:
        replaced = []
        for each in operations:
            parts = list(each)
            if each[0] in SLOT_PLACE:
                parts[1] = slot_of[next(counter)]
            parts = [replace(part) if _is_body(part) else part for part in parts]
            replaced.append(tuple(parts))
        return replaced

    return [replace(actor) for actor in actors], len(ranks)


def _is_body(part: Any) -> bool:
    return isinstance(part, list) and bool(part) and isinstance(part[0], tuple)


@st.composite
def programs(draw: st.DrawFn, *, timed: bool) -> Program:
    """A program; with ``timed`` its operations may have deadlines."""
    actors = draw(st.lists(operations(timed), min_size=2, max_size=5))
    slots = 0
    if timed:
        actors, slots = with_distinct_slots(actors)
    return Program(
        actors=tuple(tuple(actor) for actor in actors),
        started=draw(st.integers(1, len(actors))),
        timed=timed,
        slots=slots,
    )
