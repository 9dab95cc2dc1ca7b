"""Tasks that are awaited in the very step that makes them: a bare ``await`` would do the same without a Task.

That it happened is known from the run: the step made one Task, from a line with neither a name nor a context nor an
eager start, and then waited for that Task. That nothing lies between is read from the instructions: the Task goes from
the call straight into the ``await``, at most by way of a local name that is used for nothing else.
"""

from __future__ import annotations

import ast
import dis
import itertools
import linecache
import re
from types import CodeType

from tepal.report import places
from tepal.report.finding import Finding, duration

_AWAITS = {"GET_AWAITABLE", "GET_YIELD_FROM_ITER"}
_NOTHING = {"CACHE", "NOP", "EXTENDED_ARG", "NOT_TAKEN"}
_STORES = {"STORE_FAST"}
_KEYWORDS = re.compile(r"\b(async|await)\b")
_STAND_INS = {"async": "zqsyn", "await": "zqwai"}
_PUSHES = {"LOAD_GLOBAL", "LOAD_CONST", "LOAD_SMALL_INT", "PUSH_NULL"}
"""What goes on the stack before the Task: the function of ``print(await task)``."""
_LOADS = {"LOAD_FAST", "LOAD_FAST_CHECK", "LOAD_FAST_BORROW", "LOAD_FAST_BORROW_CHECK"}


def _split(code: CodeType) -> list[tuple[int, str, str]]:
    """Offset, name and argument of each instruction that does something; two in one are taken apart."""
    instructions = []
    for instruction in dis.get_instructions(code):
        name = instruction.opname
        if name in _NOTHING:
            continue
        value = instruction.argval
        if name == "GET_ITER" and instruction.arg:  # 3.15: of a `yield from`; of a loop it is 0
            instructions.append((instruction.offset, "GET_YIELD_FROM_ITER", value))
        elif name == "STORE_FAST_LOAD_FAST":
            instructions.append((instruction.offset, "STORE_FAST", value[0]))
            instructions.append((instruction.offset, "LOAD_FAST", value[1]))
        elif name == "STORE_FAST_STORE_FAST":
            instructions.extend((instruction.offset, "STORE_FAST", each) for each in value)
        elif name in ("LOAD_FAST_LOAD_FAST", "LOAD_FAST_BORROW_LOAD_FAST_BORROW"):
            instructions.extend((instruction.offset, "LOAD_FAST", each) for each in value)
        else:
            instructions.append((instruction.offset, name, value))
    return instructions


def straight_into_await(code: CodeType, instruction: int) -> int | None:
    """The line of the ``await`` that takes what the call at ``instruction`` returns; ``None`` if anything else does."""
    instructions = _split(code)
    after = [index for index, (offset, _, _) in enumerate(instructions) if offset > instruction]
    if not after:
        return None
    first = instructions[after[0]]
    if first[1] in _AWAITS:
        return places.line_of(code, first[0])
    pushed = itertools.dropwhile(lambda instruction: instruction[1] in _PUSHES, instructions[after[0] + 1 :])
    rest = [first, *itertools.islice(pushed, 2)]
    names = [name for _, name, _ in rest]
    if len(rest) < 3 or names[0] not in _STORES or names[1] not in _LOADS or names[2] not in _AWAITS:
        return None
    local = rest[0][2]
    uses = [name for _, name, value in instructions if value == local and name in _LOADS]
    if rest[1][2] != local or len(uses) != 1:
        return None
    return places.line_of(code, rest[2][0])


def _made_from(code: CodeType, instruction: int) -> str | None:
    """The text of the coroutine in ``create_task(coroutine)``."""
    line, end, column, end_column = places.position(code, instruction)
    lines = [linecache.getline(code.co_filename, number) for number in range(line, end + 1)]
    if column < 0 or end_column < 0 or not all(lines):
        return None
    encoded = [each.encode() for each in lines]
    encoded[-1] = encoded[-1][:end_column]
    encoded[0] = encoded[0][column:]
    text = b"".join(encoded).decode(errors="replace")
    try:
        return _argument_of(text)
    except SyntaxError:
        return _argument_of_old(text)


def _argument_of(call: str) -> str | None:
    """The text of the only positional argument of a call, on one line."""
    call = f"({call})"  # it may go over several lines
    expression = ast.parse(call, mode="eval").body
    if not isinstance(expression, ast.Call) or len(expression.args) != 1:
        return None
    text = ast.get_source_segment(call, expression.args[0])
    return ast.unparse(expression.args[0]) if text and "\n" in text else text


def _argument_of_old(call: str) -> str | None:
    """As ``_argument_of``, for ``asyncio.async(...)``, which Python cannot read any more."""
    try:
        argument = _argument_of(_KEYWORDS.sub(lambda found: _STAND_INS[found[0]], call))
    except SyntaxError:
        return None
    return argument and argument.replace(_STAND_INS["async"], "async").replace(_STAND_INS["await"], "await")


def find(code: CodeType, instruction: int, count: int, cost: int, tasks: list[int]) -> Finding | None:
    """The finding for a line where ``count`` Tasks were awaited in the step that made them."""
    if not isinstance(code, CodeType):
        return None
    awaited = straight_into_await(code, instruction)
    if awaited is None:
        return None
    file, line, function = places.place_of(code, instruction)
    made_from = _made_from(code, instruction)
    word = "yield from" if "yield from" in linecache.getline(file, awaited) else "await"
    message = f"{count} Task{'s' if count != 1 else ''} awaited at once"
    if cost:  # none of the line's may have been among those that are timed
        message += f", which cost {duration(cost)}"
        message += f" ({duration(cost / count)} each)" if count != 1 else ""
    advice = f"write `{word} {made_from}`" if made_from else f"{word} the coroutine itself"
    related = [(file, awaited, "awaited here")] if awaited != line else []
    return Finding("awaited-at-once", message, file, line, function, count, cost, advice, list(tasks), related)
