"""docs/using.md, exactly as it stands there: its files written, its commands run, what they print compared.

A `python` block begins with the name of its file. A `sh` block is a list of commands; one that is followed by
`curl URL` is a server, which is ended after that. The `text` block after it is how what is printed ends. On asyncio
nothing is run: there the page itself is what is "observed", so that tepal is compared with what the page says.
"""

import re
import shlex
import sys
import urllib.request
from pathlib import Path
from typing import Any

from program import Program
from scenario import scenario
from stage import Stage

PAGE = Path(__file__).resolve().parent.parent.parent.parent / "docs" / "using.md"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PORT = "8000"


def blocks(heading: str) -> list[tuple[str, str]]:
    """Returns the (kind, text) of each block under a heading of the page."""
    sections = re.split(r"^## ", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    (section,) = (one for one in sections if one.startswith(f"{heading}\n"))
    return [(match.group(1), match.group(2)) for match in BLOCK.finditer(section)]


def follow(stage: Stage, heading: str, *, before: tuple[str, ...] = ()) -> dict[str, Any]:
    """Does what the page says under `heading`, with the files under the headings `before` at hand."""
    port = str(stage.free_port())
    for earlier in before:
        for kind, text in blocks(earlier):
            if kind == "python":
                write(stage, text.replace(PORT, port))
    seen: dict[str, Any] = {}
    command = ""
    for kind, text in blocks(heading):
        if kind == "python":
            write(stage, text.replace(PORT, port))
        elif kind == "sh":
            command = text.strip()
        elif stage.loop.is_tepal:
            printed = run(stage, command.replace(PORT, port).splitlines(), int(port)).splitlines()
            seen[command] = "\n".join(printed[-len(text.splitlines()) :])
        else:
            seen[command] = text.strip()
    assert seen, f"nothing under {heading}"
    return seen


def write(stage: Stage, text: str) -> None:
    """Writes a file under the name in its first line."""
    name = text.partition("\n")[0].removeprefix("# ")
    (stage.folder / name).write_text(text, encoding="utf-8")


def run(stage: Stage, commands: list[str], port: int) -> str:
    """Runs commands as a shell in the folder would; returns what the last one printed."""
    first = start(stage, commands[0])
    if len(commands) == 1:
        status = first.wait(90)
        assert status == 0, f"status {status}\n{first.text()}"
        # How long it took, and pytest's line of dots, change from run to run.
        lines = [line.partition(" in ")[0] for line in first.text().splitlines()]
        return "\n".join(line for line in lines if line and "[100%]" not in line)
    (client,) = commands[1:]
    first.wait_listening(("127.0.0.1", port))
    word, url = shlex.split(client)
    assert word == "curl", client
    with urllib.request.urlopen(url, timeout=20) as answer:
        text: str = answer.read().decode()
    first.terminate()
    return text


def start(stage: Stage, command: str) -> Program:
    """Starts a command in the folder, with this environment's programs first on the path."""
    path = f"{Path(sys.executable).parent}:/usr/bin:/bin"
    return stage.start("env", "--default-signal=INT", "-C", str(stage.folder), f"PATH={path}", *shlex.split(command))


@scenario("uvicorn", "docs/using.md as written")
def uvicorn(stage: Stage) -> dict[str, Any]:
    own = follow(stage, "Your own program") | follow(stage, "A program that does not know of tepal")
    return {**own, **follow(stage, "uvicorn")}


@scenario("gunicorn", "docs/using.md as written", also=("uvicorn",))
def gunicorn(stage: Stage) -> dict[str, Any]:
    return follow(stage, "gunicorn", before=("uvicorn",))


@scenario("hypercorn", "docs/using.md as written")
def hypercorn(stage: Stage) -> dict[str, Any]:
    return follow(stage, "hypercorn", before=("uvicorn",))


@scenario("granian", "docs/using.md as written")
def granian(stage: Stage) -> dict[str, Any]:
    return follow(stage, "granian", before=("uvicorn",))


@scenario("aiohttp", "docs/using.md as written", also=("gunicorn",))
def aiohttp(stage: Stage) -> dict[str, Any]:
    return follow(stage, "aiohttp")


@scenario("anyio", "docs/using.md as written")
def anyio(stage: Stage) -> dict[str, Any]:
    return follow(stage, "anyio")


@scenario("pytest-asyncio", "docs/using.md as written")
def pytest_asyncio(stage: Stage) -> dict[str, Any]:
    return follow(stage, "pytest-asyncio")


@scenario("distributed", "docs/using.md as written", seconds=120)
def distributed(stage: Stage) -> dict[str, Any]:
    return follow(stage, "Dask")
